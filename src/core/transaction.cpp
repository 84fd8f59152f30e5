#include "core/transaction.hpp"

#include <algorithm>
#include <ranges>

namespace kassi::core {
namespace {

/// Rechecks come slower and slower; whoever has not answered by the eighth hardly answers a machine.
constexpr std::int64_t rechecks_before_person = 8;

bool lists(const Leg& leg, std::string_view source) {
    return std::ranges::find(leg.sources, source) != leg.sources.end();
}

bool moved(LegMoney money) {
    return money == LegMoney::taken || money == LegMoney::back;
}

bool at_goal(const Leg& leg) {
    switch (leg.goal) {
        case Goal::take:
            return moved(leg.money);
        case Goal::give_back:
            return leg.money == LegMoney::none || leg.money == LegMoney::back;
    }
    return false;
}

bool refund_open(const Leg& leg) {
    return std::ranges::any_of(leg.refunds,
                               [](const Refund& refund) { return refund.state == RefundState::asked; });
}

}  // namespace

std::string_view leg_word(const Leg& leg) {
    if (!leg.stuck.empty()) return "needs_a_person";
    switch (leg.doing) {
        case Doing::call:
            return "asking";
        case Doing::away:
            return "called_out";
        case Doing::doubt:
            return "unknown";
        case Doing::rest:
            break;
    }
    switch (leg.money) {
        case LegMoney::held:
            return "authorised";
        case LegMoney::taken:
            return "captured";
        case LegMoney::back:
            return "refunded";
        case LegMoney::none:
            break;
    }
    if (leg.refused) return "refused";
    return leg.goal == Goal::take ? "waiting" : "voided";
}

bool settled(const Transaction& transaction) {
    return has_verdict(transaction.phase) && std::ranges::all_of(transaction.legs, [](const Leg& leg) {
               // What is still to be closed at the provider's could still be paid.
               const bool to_be_closed = leg.exposed && leg.retry_at;
               return leg.doing == Doing::rest && leg.stuck.empty() && at_goal(leg) && !refund_open(leg) &&
                      !to_be_closed;
           });
}

std::optional<Instant> next_try_at(const Leg& leg) {
    // A pause may be left of what is not wanted any more.
    const bool wanted = !at_goal(leg) || refund_open(leg) || leg.exposed || leg.look;
    return leg.doing == Doing::rest && leg.stuck.empty() && wanted ? leg.retry_at : std::nullopt;
}

bool needs_person(const Leg& leg) {
    return !leg.stuck.empty() || (leg.doing == Doing::doubt && leg.rechecks >= rechecks_before_person);
}

bool needs_person(const Transaction& transaction) {
    return std::ranges::any_of(transaction.legs, [](const Leg& leg) { return needs_person(leg); });
}

const Leg* find_leg(const Transaction& transaction, std::int64_t no) {
    const auto found = std::ranges::find(transaction.legs, no, &Leg::no);
    return found == transaction.legs.end() ? nullptr : &*found;
}

const Leg* covering_leg(const Transaction& transaction, std::string_view source) {
    const Leg* latest = nullptr;
    for (const auto& leg : transaction.legs) {
        if (leg.goal == Goal::take && lists(leg, source)) latest = &leg;
    }
    return latest;
}

std::int64_t next_refund_no(const Transaction& transaction, const Leg& leg,
                            std::optional<Instant> put_back_at) {
    const std::int64_t last = leg.refunds.empty() ? 0 : leg.refunds.back().no;
    const bool from_the_copy = put_back_at && transaction.handed_over_at <= *put_back_at;
    return std::max(last, from_the_copy ? put_back_at->time_since_epoch().count() : 0) + 1;
}

const Leg* leg_away(const Transaction& transaction) {
    const auto found = std::ranges::find(transaction.legs, Doing::away, &Leg::doing);
    return found == transaction.legs.end() ? nullptr : &*found;
}

bool went_on(const Leg& leg) {
    return leg.doing != Doing::away && leg.callout && leg.callout->went_on && !leg.callout->returned &&
           !leg.callout->closed;
}

bool bundle_bought(const Transaction& transaction, std::string_view source) {
    if (transaction.phase != Phase::purchased && transaction.phase != Phase::cancelled) return false;
    const auto bundle = std::ranges::find(transaction.bundles, source, &Bundle::source);
    if (bundle == transaction.bundles.end()) return false;
    if (bundle->amount.minor == 0) return true;
    // A leg that was given up bought nothing, whatever becomes of its money; refunds after the purchase leave
    // the goal as it was.
    const Leg* leg = covering_leg(transaction, source);
    return leg != nullptr && moved(leg->money);
}

bool is_partial(const Transaction& transaction) {
    const auto bought = std::ranges::count_if(
        transaction.bundles, [&](const Bundle& bundle) { return bundle_bought(transaction, bundle.source); });
    return bought > 0 && bought < std::ranges::ssize(transaction.bundles);
}

std::string reference_of(const TransactionId& id) {
    // Crockford's alphabet has no I, L, O, U: it survives the telephone.
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    constexpr int letters = 15;
    constexpr int bits_per_letter = 5;
    // Version and variant of a UUID 7 are the same in every id and are left out: of the last 80 bits, the
    // four of the version and the two of the variant go, and the last bit of the time comes in.
    unsigned __int128 bits = id.bytes[5] & 1U;
    const auto append = [&](unsigned value, unsigned count) { bits = bits << count | value; };
    append(id.bytes[6] & 0x0fU, 4);
    append(id.bytes[7], 8);
    append(id.bytes[8] & 0x3fU, 6);
    for (std::size_t i = 9; i < id.bytes.size(); ++i) append(id.bytes[i], 8);
    std::string text = "T";
    for (int letter = 0; letter < letters; ++letter) {
        if (letter % 4 == 3) text += '-';
        const auto shift = static_cast<unsigned>((letters - 1 - letter) * bits_per_letter);
        text += alphabet[static_cast<std::size_t>(bits >> shift & 31U)];
    }
    return text;
}

}  // namespace kassi::core
