#include "base/id.hpp"

using LegId = kassi::StrongId<struct LegTag>;

kassi::TransactionId mix(const LegId& id) {
    return id;
}
