#include "engine/doubts.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace kassi::engine {
namespace {

/// A person is needed, also while a look that a machine takes once more is under way.
bool unknown_for_long(const core::Leg& leg) {
    if (!leg.doubt_since) return false;
    core::Leg in_doubt = leg;
    in_doubt.doing = core::Doing::doubt;
    return core::needs_person(in_doubt);
}

}  // namespace

std::optional<Instant> unknown_since(const core::Transaction& transaction) {
    std::optional<Instant> oldest;
    for (const auto& leg : transaction.legs)
        if (leg.doubt_since && (!oldest || *leg.doubt_since < *oldest)) oldest = leg.doubt_since;
    return oldest;
}

void Doubts::load(store::Store& store) {
    known_.clear();
    // A leg in doubt that is asked about right now is an open call.
    for (const auto& id : store.with_open_call())
        if (const auto loaded = store.load(id)) note(loaded->transaction);
    store::ListFilter filter;
    filter.in_doubt = true;
    filter.limit = store::list_page_max;
    for (;;) {
        const auto page = store.list(filter);
        for (const auto& id : page)
            if (const auto loaded = store.load(id)) note(loaded->transaction);
        if (page.size() < filter.limit) return;
        filter.after = page.back();
    }
}

void Doubts::note(const core::Transaction& transaction) {
    const auto since = unknown_since(transaction);
    if (!since) {
        known_.erase(transaction.id);
        return;
    }
    known_[transaction.id] = {*since, std::ranges::any_of(transaction.legs, unknown_for_long)};
}

void Doubts::moved(const core::Transaction* before, const core::Transaction& next) {
    note(next);
    for (const auto& leg : next.legs) {
        const core::Leg* was = before == nullptr ? nullptr : core::find_leg(*before, leg.no);
        if (!unknown_for_long(leg) || (was != nullptr && unknown_for_long(*was))) continue;
        log::warning("unknown_for_long", {{"transaction", next.id.text()},
                                          {"leg", std::to_string(leg.no)},
                                          {"merchant", leg.merchant},
                                          {"verb", core::word(leg.verb)},
                                          {"since", iso8601(*leg.doubt_since)},
                                          {"tracking", next.tracking}});
    }
}

std::int64_t Doubts::for_long() const {
    return std::ranges::count_if(known_, [](const auto& entry) { return entry.second.for_long; });
}

std::optional<Instant> Doubts::oldest() const {
    std::optional<Instant> oldest;
    for (const auto& [id, known] : known_)
        if (!oldest || known.since < *oldest) oldest = known.since;
    return oldest;
}

}  // namespace kassi::engine
