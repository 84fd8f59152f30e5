#include "base/money.hpp"

kassi::Money pounds() {
    return kassi::Money{1250, 826};
}
