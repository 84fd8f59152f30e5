#include "base/money.hpp"

kassi::Money pounds(double amount, kassi::Currency currency) {
    return kassi::Money{amount, currency};
}
