#include "sandbox/shop/trolley.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "sandbox/box_office/token.hpp"

namespace kassi::sandbox::shop {
namespace {

using box_office::Trolley;

/// What the quick form offers: performance, ticket type, price band.
struct Quick {
    std::string_view performance, ticket_type, price_band;
};
constexpr Quick quick_choices[] = {
    {"7AB-4", "STALLS", "A"},
    {"7AA-4", "STALLS", "A"},
    {"6IF-B0G", "CIRCLE", "A"},
    {"6KF-F", "MEMBER", "X"},
};
constexpr std::string_view count_start = "n.";
constexpr std::string_view send_start = "send.";

std::string when_of(const box_office::Performance& performance) {
    if (!performance.day) return {};
    return box_office::date_text(*performance.day) + ", " + box_office::time_text(performance.minutes);
}

Offer offer_of(const box_office::Catalogue& catalogue, const Quick& quick, Instant now) {
    const auto found = box_office::find_performance(catalogue, quick.performance, now);
    KASSI_ENSURE(found.event != nullptr);
    const auto& event = *found.event;
    const auto* type = event.ticket_type(quick.ticket_type);
    const auto* band = event.price_band(quick.ticket_type, quick.price_band);
    KASSI_ENSURE(type != nullptr && band != nullptr);
    return {.performance = found.performance.id,
            .source = event.source,
            .source_name = catalogue.sources.find(event.source)->second,
            .title = event.description,
            .venue = event.venue,
            .when = when_of(found.performance),
            .ticket = type->description,
            .ticket_type = type->code,
            .price_band = band->code + std::string(box_office::pool_suffix),
            .price = {band->discounts.front().cost(), event.currency},
            .quantities = event.quantities};
}

/// As a client of the box office would ask for it.
Result<Trolley> with(const Trolley& trolley, Fields order, const Reading& reading) {
    order.emplace_back("trolley_token", box_office::trolley_token(reading.token_key, trolley));
    const auto change = box_office::change_trolley(reading.catalogue, reading.token_key, order, reading.now);
    if (!change) return change.error();
    if (change->unavailable) return bad_request("", "These tickets, or so many of them, are not offered");
    if (!change->discarded.empty())
        return bad_request(
            "",
            "They have another currency, or are sent another way, than what is in the trolley of "
            "the same ticket system: pay for that first");
    return change->trolley;
}

Result<Trolley> quick_trolley(const Fields& fields, const Reading& reading, Trolley trolley) {
    for (const auto& offer : offers(reading.catalogue, reading.now)) {
        const auto* text = find_field(fields, offer.performance);
        if (text == nullptr || *text == "0") continue;
        const auto count = minor_from_decimal(*text, 0, offer.performance);
        if (!count) return count.error();
        auto more = with(trolley,
                         {{"perf_id", offer.performance},
                          {"ticket_type_code", offer.ticket_type},
                          {"price_band_code", offer.price_band},
                          {"no_of_seats", std::to_string(*count)}},
                         reading);
        if (!more) return bad_request(offer.performance, more.error().message);
        trolley = std::move(*more);
    }
    return trolley;
}

// ---- the form of a performance ------------------------------------------------------------------------
/// Ticket type and price band, with what is wanted of it.
using Wanted = std::map<std::pair<std::string, std::string>, Fields>;

std::vector<std::string> parts_of(std::string_view text, char at) {
    std::vector<std::string> parts;
    for (;;) {
        const auto end = text.find(at);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<Error> read_seats(const Fields& fields, Wanted& wanted) {
    for (const auto& [name, value] : fields) {
        if (name != "seat") continue;
        const auto parts = parts_of(value, '/');
        if (parts.size() != 3) return bad_request("seat", "is no seat of this page");
        auto& order = wanted[{parts[0], parts[1]}];
        order.emplace_back("seat" + std::to_string(order.size()), parts[2]);
    }
    for (auto& [band, order] : wanted) order.emplace_back("no_of_seats", std::to_string(order.size()));
    return std::nullopt;
}

std::optional<Error> read_counts(const Fields& fields, Wanted& wanted) {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> discounts;
    for (const auto& [name, value] : fields) {
        if (!name.starts_with(count_start) || value == "0" || value.empty()) continue;
        const auto parts = parts_of(std::string_view(name).substr(count_start.size()), '.');
        const auto count = minor_from_decimal(value, 0, "tickets");
        if (!count) return count.error();
        if (parts.size() != 3 || *count > static_cast<std::int64_t>(box_office::tickets_per_line_max))
            return bad_request("tickets", "so many are not offered");
        auto& list = discounts[{parts[0], parts[1]}];
        list.insert(list.end(), static_cast<std::size_t>(*count), parts[2]);
    }
    for (const auto& [band, list] : discounts) {
        if (wanted.contains(band)) return bad_request("tickets", "choose seats or let us choose, not both");
        auto& order = wanted[band];
        order.emplace_back("no_of_seats", std::to_string(list.size()));
        for (std::size_t i = 0; i < list.size(); ++i) order.emplace_back("disc" + std::to_string(i), list[i]);
    }
    return std::nullopt;
}

Fields stay_of(const Fields& fields) {
    Fields stay;
    if (const auto* day = find_field(fields, "day"); day != nullptr && !day->empty()) {
        auto compact = *day;
        std::erase(compact, '-');
        stay.emplace_back("departure_date", compact);
    }
    if (const auto* nights = find_field(fields, "nights"); nights != nullptr && !nights->empty())
        stay.emplace_back("duration", *nights);
    return stay;
}

std::string title_of(const box_office::OrderText& order) {
    const auto event = parse_json(order.event_json);
    return event && event->contains("event_desc") ? (*event)["event_desc"].get<std::string>() : std::string();
}

}  // namespace

std::vector<Offer> offers(const box_office::Catalogue& catalogue, Instant now) {
    std::vector<Offer> all;
    for (const auto& quick : quick_choices) all.push_back(offer_of(catalogue, quick, now));
    return all;
}

Result<Wish> read_wish(const Fields& fields, const Reading& reading) {
    Wish wish;
    if (const auto* token = find_field(fields, "trolley"); token != nullptr && !token->empty()) {
        auto trolley = box_office::read_trolley_token(reading.token_key, *token);
        if (!trolley) return bad_request("trolley", "is no trolley of this shop");
        // What is over since the page was shown is not sold any more.
        std::erase_if(trolley->lines, [&](const box_office::Line& line) {
            return box_office::sold(reading.catalogue, line, reading.now).event == nullptr;
        });
        wish.trolley = std::move(*trolley);
    }
    auto trolley = quick_trolley(fields, reading, std::move(wish.trolley));
    if (!trolley) return trolley.error();
    wish.trolley = std::move(*trolley);
    if (const auto* way = find_field(fields, "way")) wish.way = *way;
    const auto start = "with." + wish.way + ".";
    for (const auto& [name, value] : fields)
        if (!wish.way.empty() && name.starts_with(start)) wish.merchants[name.substr(start.size())] = value;
    if (const auto* hold = find_field(fields, "hold")) {
        const auto minutes = minor_from_decimal(*hold, 0, "hold");
        if (!minutes) return minutes.error();
        const auto known =
            std::find(std::begin(hold_minutes_choices), std::end(hold_minutes_choices), *minutes);
        if (known == std::end(hold_minutes_choices)) return bad_request("hold", "is not offered");
        wish.hold_minutes = *known;
    }
    return wish;
}

Result<Trolley> add_tickets(const Trolley& trolley, const Fields& fields, const Reading& reading) {
    const auto* perf = find_field(fields, "perf");
    if (perf == nullptr) return bad_request("perf", "is missing");
    Wanted wanted;
    if (auto error = read_seats(fields, wanted)) return *error;
    if (auto error = read_counts(fields, wanted)) return *error;
    if (wanted.empty()) return bad_request("", "Choose a seat or a number of tickets");
    auto all = trolley;
    for (const auto& [band, order] : wanted) {
        Fields asked{{"perf_id", *perf},
                     {"ticket_type_code", band.first},
                     {"price_band_code", band.second + std::string(box_office::pool_suffix)}};
        const auto stay = stay_of(fields);
        asked.insert(asked.end(), stay.begin(), stay.end());
        asked.insert(asked.end(), order.begin(), order.end());
        auto more = with(all, std::move(asked), reading);
        if (!more) return more.error();
        all = std::move(*more);
    }
    return all;
}

Trolley changed(Trolley trolley, const Fields& fields, const Reading& reading) {
    Fields change;
    if (const auto* item = find_field(fields, "remove")) change.emplace_back("remove_items_list", *item);
    for (const auto& [name, value] : fields)
        if (name.starts_with(send_start))
            change.emplace_back(name.substr(send_start.size()) + "_send_code", value);
    change.emplace_back("trolley_token", box_office::trolley_token(reading.token_key, trolley));
    auto after = box_office::change_trolley(reading.catalogue, reading.token_key, change, reading.now);
    return after ? std::move(after->trolley) : trolley;
}

std::string description_of(const box_office::TrolleyBundle& bundle) {
    std::string text;
    for (const auto& order : bundle.orders) {
        if (!text.empty()) text += ", ";
        text += std::to_string(order.seats_count) + " × " + title_of(order);
    }
    if (text.size() <= limits::text_bytes_max) return text;
    return std::to_string(bundle.orders.size()) + " orders";
}

std::int64_t cost_of(const box_office::TrolleyBundle& bundle) {
    auto sum = bundle.send_cost;
    for (const auto& order : bundle.orders) sum += order.seatprice + order.surcharge;
    return sum;
}

std::string total_of(const std::vector<box_office::TrolleyBundle>& bundles) {
    std::vector<Money> sums;
    for (const auto& bundle : bundles) {
        const auto found = std::find_if(sums.begin(), sums.end(),
                                        [&](const Money& sum) { return sum.currency == bundle.currency; });
        if (found == sums.end())
            sums.push_back({cost_of(bundle), bundle.currency});
        else
            found->minor += cost_of(bundle);
    }
    std::string text;
    for (const auto& sum : sums) text += (text.empty() ? "" : " + ") + money_for_people(sum);
    return text;
}

}  // namespace kassi::sandbox::shop
