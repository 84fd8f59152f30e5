#include "tests/exploration/pool.hpp"

#include <functional>
#include <string_view>

namespace kassi::exploration {
namespace {

/// Two different values may have the same: equality decides.
class Mix {
  public:
    void add(std::uint64_t value) {
        sum_ ^= value + 0x9e3779b97f4a7c15U + (sum_ << 6U) + (sum_ >> 2U);
        sum_ *= 0xff51afd7ed558ccdU;
        sum_ ^= sum_ >> 32U;
    }
    void add(std::string_view text) { add(std::hash<std::string_view>{}(text)); }
    void add(Instant at) { add(static_cast<std::uint64_t>(at.time_since_epoch().count())); }
    template <class E>
    requires std::is_enum_v<E>
    void add(E value) { add(static_cast<std::uint64_t>(value)); }
    template <class T>
    void add(const std::optional<T>& value) {
        add(std::uint64_t{value.has_value()});
        if (value) add(*value);
    }
    [[nodiscard]] std::size_t sum() const { return sum_; }

  private:
    std::uint64_t sum_ = 0;
};

void mix_leg(Mix& mix, const core::Leg& leg) {
    mix.add(static_cast<std::uint64_t>(leg.no));
    mix.add(leg.goal);
    mix.add(leg.money);
    mix.add(leg.doing);
    mix.add(leg.verb);
    mix.add(std::uint64_t{leg.ready} | std::uint64_t{leg.exposed} << 1U |
            std::uint64_t{leg.refused.has_value()} << 2U | std::uint64_t{leg.stuck.empty()} << 3U |
            std::uint64_t{leg.look} << 4U | std::uint64_t{leg.callout.has_value()} << 5U |
            std::uint64_t{leg.call.has_value()} << 6U | std::uint64_t{leg.restored} << 7U);
    mix.add(leg.retry_at);
    mix.add(leg.recheck_at);
    mix.add(static_cast<std::uint64_t>(leg.back_minor));
    mix.add(static_cast<std::uint64_t>(leg.not_done * 64 + leg.rechecks));
    mix.add(static_cast<std::uint64_t>(leg.calls));
    mix.add(std::uint64_t{leg.references.size()});
    for (const auto& refund : leg.refunds) mix.add(refund.state);
    if (leg.call) {
        mix.add(leg.call->verb);
        mix.add(leg.call->step);
        mix.add(std::uint64_t{leg.call->again} | std::uint64_t{leg.call->look} << 1U);
        mix.add(leg.call->silent_at);
    }
    if (leg.callout) {
        mix.add(std::uint64_t{leg.callout->returned} | std::uint64_t{leg.callout->closed} << 1U);
        mix.add(leg.callout->until);
        mix.add(leg.callout->grace_until);
    }
}

void mix_house(Mix& mix, const House& house) {
    mix.add(house.truth);
    mix.add(static_cast<std::uint64_t>(house.back_minor));
    mix.add(static_cast<std::uint64_t>(house.charges));
    mix.add(std::uint64_t{house.closed} | std::uint64_t{house.page_open} << 1U);
    mix.add(house.brings);
    mix.add(house.brought);
    mix.add(house.note);
    for (const auto& [key, answer] : house.answers) {
        mix.add(key);
        mix.add(answer);
    }
    if (house.delayed) {
        mix.add(house.delayed->verb);
        mix.add(house.delayed->key);
    }
    if (house.late) {
        mix.add(static_cast<std::uint64_t>(house.late->first));
        mix.add(house.late->second);
    }
}

}  // namespace

std::size_t PackedHash::operator()(const Packed& packed) const {
    Mix mix;
    for (const auto each : packed) mix.add(std::uint64_t{each});
    return mix.sum();
}

std::size_t hash_of(const Frame& frame) {
    Mix mix;
    const auto& t = frame.transaction;
    mix.add(t.phase);
    mix.add(t.held_until);
    mix.add(t.confirm_by);
    mix.add(std::uint64_t{t.customer_at_hand});
    mix.add(static_cast<std::uint64_t>(frame.tries * 64 + frame.room));
    mix.add(std::uint64_t{frame.journey && !frame.journey->token.empty()});
    if (frame.copy)
        for (const core::Leg& leg : frame.copy->transaction.legs) mix_leg(mix, leg);
    return mix.sum();
}

std::size_t hash_of(const Part& part) {
    Mix mix;
    if (part.leg) mix_leg(mix, *part.leg);
    mix_house(mix, part.house);
    if (part.parcel) {
        mix.add(part.parcel->request.path);
        mix.add(part.parcel->credential.kind);
        mix.add(std::uint64_t{part.parcel->callout.has_value()});
    }
    return mix.sum();
}

Packed Pools::pack(const State& state, int room) {
    KASSI_ENSURE(state.houses.size() <= legs_max);
    Packed packed{};
    Part part;
    for (std::size_t i = 0; i < state.houses.size(); ++i) {
        const auto no = static_cast<std::int64_t>(i) + 1;
        const core::Leg* leg = find_leg(state.transaction, no);
        part.leg = leg == nullptr ? std::nullopt : std::optional(*leg);
        part.house = state.houses[i];
        const auto parcel = state.papers.parcels.find(no);
        part.parcel = parcel == state.papers.parcels.end() ? std::nullopt : std::optional(parcel->second);
        if (!(part == Part{})) packed[i + 1] = parts_.number(part);
    }
    Frame frame{.transaction = state.transaction,
                .journey = state.papers.journey,
                .tries = state.tries,
                .copied = state.copied,
                .copy = state.copy,
                .room = room};
    frame.transaction.legs.clear();
    packed[0] = frames_.number(frame);
    return packed;
}

State Pools::unpack(const Packed& packed) const {
    const Frame& frame = frames_.of(packed[0]);
    State state;
    state.transaction = frame.transaction;
    state.papers.journey = frame.journey;
    state.tries = frame.tries;
    state.copied = frame.copied;
    state.copy = frame.copy;
    for (std::size_t i = 0; i < legs_max; ++i) {
        if (packed[i + 1] == 0) continue;
        const Part& part = parts_.of(packed[i + 1]);
        state.houses.resize(i + 1);
        state.houses[i] = part.house;
        if (part.leg) state.transaction.legs.push_back(*part.leg);
        if (part.parcel) state.papers.parcels.emplace(static_cast<std::int64_t>(i) + 1, *part.parcel);
    }
    return state;
}

}  // namespace kassi::exploration
