#include "store/newest.hpp"

#include <utility>

#include "base/result.hpp"

namespace kassi::store {

std::shared_ptr<const Loaded> Newest::find(const TransactionId& id) {
    const auto* found = kept_.find(id);
    return found == nullptr ? nullptr : *found;
}

void Newest::keep(std::shared_ptr<const Loaded> loaded) {
    const TransactionId id = loaded->transaction.id;
    const std::size_t bytes = loaded->stored_bytes;
    if (!writes_.contains(id)) kept_.keep(id, std::move(loaded), bytes);
}

void Newest::write_begins(const TransactionId& id) {
    ++writes_[id];
    kept_.drop(id);
}

void Newest::write_ended(const TransactionId& id, std::shared_ptr<const Loaded> after) {
    const auto found = writes_.find(id);
    KASSI_ENSURE(found != writes_.end());
    if (--found->second == 0) writes_.erase(found);
    if (after) keep(std::move(after));
}

}  // namespace kassi::store
