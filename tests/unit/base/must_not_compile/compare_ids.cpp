#include "base/id.hpp"

using LegId = kassi::StrongId<struct LegTag>;

bool same(const LegId& leg, const kassi::TransactionId& transaction) {
    return leg == transaction;
}
