#include "tests/exploration/house.hpp"

namespace kassi::exploration {
namespace {

using core::LegMoney;
using core::Verb;

Doing says(std::string what, House after, bool fault = false) {
    return {std::move(what), std::move(after), fault};
}

/// Money of the customer's moves: once more is once more, however good the reason.
House charged(const House& house, const Kind& kind, LegMoney to) {
    House after = house;
    after.truth = to;
    ++after.charges;
    if (kind.notifies) after.note = to;
    return after;
}

std::string fact_of(const House& house) {
    if (house.truth == LegMoney::taken && house.back_minor > 0)
        return "back so far " + std::to_string(house.back_minor);
    return std::string(word(house.truth));
}

std::vector<Doing> opened(const House& house, const Delayed&) {
    return {says("waiting", house), says("declined", house), says("not done", house, true)};
}

std::vector<Doing> authorised(const House& house, const Kind& kind, bool browser_possible) {
    if (house.closed) return {says("declined", house)};
    if (kind.repeatable && house.truth != LegMoney::none) return {says(fact_of(house), house)};
    std::vector<Doing> all{says("held", charged(house, kind, LegMoney::held)), says("declined", house),
                           says("not done", house, true)};
    if (kind.may_challenge && browser_possible) all.push_back(says("waiting", house));
    return all;
}

std::vector<Doing> taken_at_once(const House& house, const Kind& kind) {
    if (house.closed) return {says("declined", house)};
    if (kind.repeatable && house.truth != LegMoney::none) return {says(fact_of(house), house)};
    return {says("taken", charged(house, kind, LegMoney::taken)), says("declined", house),
            says("not done", house, true)};
}

std::vector<Doing> captured(const House& house, const Kind& kind) {
    if (house.truth == LegMoney::none) return {says("declined", house)};
    if (house.truth != LegMoney::held) return {says(fact_of(house), house)};
    House after = house;
    after.truth = LegMoney::taken;
    if (kind.notifies) after.note = LegMoney::taken;
    House lapsed = house;
    lapsed.truth = LegMoney::none;
    return {says("taken", after), says("declined", lapsed, true), says("not done", house, true)};
}

std::vector<Doing> voided(const House& house) {
    if (house.truth == LegMoney::none) return {says("none", house)};
    if (house.truth != LegMoney::held) return {says("declined", house)};
    House after = house;
    after.truth = LegMoney::none;
    after.closed = true;
    return {says("none", after), says("declined", house, true), says("not done", house, true)};
}

std::vector<Doing> refunded(const House& house, const Kind& kind, const Delayed& request) {
    if (house.truth != LegMoney::taken) return {says(fact_of(house), house)};
    House after = house;
    after.back_minor += kind.forgets_refunds ? request.amount / 2 : request.amount;
    if (after.back_minor > request.whole) return {says("declined", house)};
    if (after.back_minor == request.whole) after.truth = LegMoney::back;
    return {says("back", after), says("declined", house, true), says("not done", house, true)};
}

}  // namespace

std::vector<Doing> doings(const House& house, const Kind& kind, const Delayed& request,
                          bool browser_possible) {
    const bool known = request.repeatable && house.answers.contains(request.key);
    if (known) return {says(house.answers.at(request.key), house)};
    std::vector<Doing> all;
    switch (request.verb) {
        case Verb::open:
            all = opened(house, request);
            break;
        case Verb::authorise:
            all = authorised(house, kind, browser_possible);
            break;
        case Verb::charge:
            all = taken_at_once(house, kind);
            break;
        case Verb::capture:
            all = captured(house, kind);
            break;
        case Verb::void_hold:
            all = voided(house);
            break;
        case Verb::refund:
            all = refunded(house, kind, request);
            break;
        case Verb::query:
            all = {says(fact_of(house), house)};
            break;
        case Verb::close: {
            House after = house;
            if (house.truth == LegMoney::none && !kind.keeps_doors_open) {
                after.closed = true;
                after.page_open = false;
            }
            all = {says(fact_of(house), after)};
            break;
        }
    }
    if (!request.repeatable) return all;
    for (auto& each : all)
        if (each.says != "not done") each.after.answers[request.key] = each.says;
    return all;
}

}  // namespace kassi::exploration
