#include "sandbox/box_office/trolley.hpp"

#include <algorithm>
#include <charconv>

#include "api/f13/request.hpp"
#include "sandbox/box_office/print.hpp"
#include "sandbox/box_office/seats.hpp"
#include "sandbox/box_office/token.hpp"

namespace kassi::sandbox::box_office {
namespace {

using api::f13::OrderText;
using api::f13::TicketOrder;

constexpr std::string_view send_code_ending = "_send_code";

// ---- parameters ---------------------------------------------------------------------------------------
/// seat0, seat1, ... as far as they go.
Result<std::vector<std::string>> numbered(const Fields& fields, const std::string& name) {
    std::vector<std::string> values;
    for (;;) {
        const auto field = name + std::to_string(values.size());
        const auto* value = find_field(fields, field);
        if (value == nullptr) return values;
        if (values.size() == tickets_per_line_max) return bad_request(field, "is too many");
        if (value->size() > word_bytes_max) return bad_request(field, "is too long");
        values.push_back(*value);
    }
}

Result<std::int64_t> read_count(const Fields& fields, std::string_view field, std::int64_t otherwise,
                                std::int64_t most, std::string_view what) {
    const auto* text = find_field(fields, field);
    if (text == nullptr && otherwise > 0) return otherwise;
    if (text == nullptr) return bad_request(std::string(field), "is missing");
    std::int64_t count = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), count);
    if (problem != std::errc() || end != text->data() + text->size() || count < 1 || count > most)
        return bad_request(std::string(field), "is not a number of " + std::string(what));
    return count;
}

std::optional<Error> read_stay(const Fields& fields, const Event& event, Line& line) {
    if (const auto* text = find_field(fields, "departure_date"); text != nullptr && !text->empty()) {
        const auto day = read_day(*text, "departure_date");
        if (!day) return day.error();
        line.departure_date = *text;
    }
    if (event.needs_departure_date && line.departure_date.empty())
        return bad_request("departure_date", "is missing: " + event.id + " needs one");
    if (!event.needs_duration) return std::nullopt;
    const auto nights = read_count(fields, "duration", 0, nights_max, "nights");
    if (!nights) return nights.error();
    line.nights = *nights;
    return std::nullopt;
}

Result<Line> read_line(const Catalogue& catalogue, const Fields& fields) {
    constexpr std::int64_t count_max = 1'000'000;  // so many are not sold, and that is no error
    Line line;
    for (const auto& [name, target] : {std::pair{"perf_id", &line.perf_id},
                                       {"ticket_type_code", &line.ticket_type},
                                       {"price_band_code", &line.price_band}}) {
        auto value = api::f13::read_required(fields, name);
        if (!value) return value.error();
        if (value->size() > word_bytes_max) return bad_request(name, "is too long");
        *target = std::move(*value);
    }
    if (const auto code = read_price_band_code(line.price_band); !code) return code.error();
    auto seats = numbered(fields, "seat");
    if (!seats) return seats.error();
    auto discounts = numbered(fields, "disc");
    if (!discounts) return discounts.error();
    const auto count =
        read_count(fields, "no_of_seats", static_cast<std::int64_t>(seats->size()), count_max, "seats");
    if (!count) return count.error();
    line.seats_count = *count;
    line.seats = std::move(*seats);
    line.discounts = std::move(*discounts);
    const auto* event = catalogue.event(std::string_view(line.perf_id).substr(0, line.perf_id.find('-')));
    if (event != nullptr) {
        if (auto error = read_stay(fields, *event, line)) return *error;
    }
    return line;
}

// ---- what goes along with what ------------------------------------------------------------------------
/// 4.2: an older order that cannot go along with the new one (currency, way of sending) makes room.
bool conflicts(const Event& older, const Event& newer) {
    if (older.source != newer.source) return false;
    if (older.currency != newer.currency) return true;
    return std::none_of(newer.send_codes.begin(), newer.send_codes.end(),
                        [&](const std::string& code) { return older.sends_by(code); });
}

bool belongs_to(const Event& add_on, const Event& event) {
    return std::find(event.add_ons.begin(), event.add_ons.end(), add_on.id) != event.add_ons.end();
}

/// An add-on is sold with what it belongs to.
bool has_its_event(const Catalogue& catalogue, const Trolley& trolley, const Event& event, Instant now) {
    return !event.is_add_on || std::any_of(trolley.lines.begin(), trolley.lines.end(), [&](const Line& line) {
        const auto other = sold(catalogue, line, now);
        return other.event != nullptr && belongs_to(event, *other.event);
    });
}

/// Moves lines out that `leaves` says, into `discarded`.
template <class Leaves>
void discard(Change& change, Leaves&& leaves) {
    std::vector<Line> kept;
    for (auto& line : change.trolley.lines)
        (leaves(line) ? change.discarded : kept).push_back(std::move(line));
    change.trolley.lines = std::move(kept);
}

void discard_lonely_add_ons(const Catalogue& catalogue, Change& change, Instant now) {
    const Trolley before = change.trolley;
    discard(change, [&](const Line& line) {
        const auto what = sold(catalogue, line, now);
        return what.event != nullptr && !has_its_event(catalogue, before, *what.event, now);
    });
}

std::optional<Error> add_line(const Catalogue& catalogue, Line line, Change& change, Instant now) {
    const auto what = sold(catalogue, line, now);
    if (what.event == nullptr || !has_its_event(catalogue, change.trolley, *what.event, now)) {
        change.unavailable = true;
        return std::nullopt;
    }
    discard(change, [&](const Line& older) {
        const auto other = sold(catalogue, older, now);
        return other.event != nullptr && conflicts(*other.event, *what.event);
    });
    auto& trolley = change.trolley;
    if (trolley.lines.size() == trolley_lines_max)
        return bad_request("trolley_token", "holds " + std::to_string(trolley_lines_max) + " orders already");
    line.item = trolley.next_item++;
    trolley.lines.push_back(std::move(line));
    return std::nullopt;
}

void read_send_codes(const Fields& fields, Trolley& trolley) {
    for (const auto& [name, value] : fields) {
        const std::string_view text = name;
        if (text.size() > send_code_ending.size() && text.ends_with(send_code_ending) &&
            text.size() <= word_bytes_max && value.size() <= word_bytes_max &&
            (trolley.send_codes.size() < trolley_lines_max || trolley.send_codes.contains(name)))
            trolley.send_codes[std::string(text.substr(0, text.size() - send_code_ending.size()))] = value;
    }
}

void fill(OrderText& order, const Sold& what, Seats seats) {
    auto next = seats.begin();
    std::size_t ticket = 1;
    for (auto& tickets : order.ticket_orders) {
        for (std::int64_t i = 0; i < tickets.seats_count; ++i, ++ticket) {
            auto seat = std::move(*next++);
            seat.restricted_view =
                seat.restricted_view || view_is_restricted(*what.event, what.performance, ticket);
            tickets.seats.push_back(std::move(seat));
        }
    }
}

}  // namespace

Sold sold(const Catalogue& catalogue, const Line& line, Instant now) {
    auto found = find_performance(catalogue, line.perf_id, now);
    if (found.event == nullptr) return {};
    const auto& event = *found.event;
    auto band = offered_band(event, found.performance, line.ticket_type, line.price_band);
    const bool known_count = std::find(event.quantities.begin(), event.quantities.end(), line.seats_count) !=
                             event.quantities.end();
    if (!band || !known_count || band->available < line.seats_count) return {};
    if (event.needs_duration && line.nights < 1) return {};
    if (event.schedule.open_days > 0 && (!line.departure_date.empty() || event.needs_departure_date)) {
        const auto day = read_day(line.departure_date, "departure_date");
        if (!day || !is_open_on(event, *day, now)) return {};
    }
    return {found.event, std::move(found.performance), std::move(*band)};
}

Result<Change> change_trolley(const Catalogue& catalogue, const Secret<>& token_key, const Fields& fields,
                              Instant now) {
    Change change;
    const auto* token = find_field(fields, "trolley_token");
    if (token != nullptr && !token->empty()) {
        auto trolley = read_trolley_token(token_key, *token);
        if (!trolley) return trolley.error();
        change.trolley = std::move(*trolley);
    }
    const auto removed = api::f13::read_items(fields, "remove_items_list");
    if (!removed) return removed.error();
    std::erase_if(change.trolley.lines, [&](const Line& line) {
        return std::find(removed->begin(), removed->end(), line.item) != removed->end();
    });
    read_send_codes(fields, change.trolley);
    // What this catalogue does not sell any more (the token is from another day) is not sold any more.
    const auto before = change.trolley.lines.size();
    std::erase_if(change.trolley.lines,
                  [&](const Line& line) { return sold(catalogue, line, now).event == nullptr; });
    if (change.trolley.lines.size() != before) change.unavailable = true;
    const bool adds = std::any_of(fields.begin(), fields.end(), [](const auto& field) {
        return field.first == "perf_id" || field.first == "ticket_type_code" ||
               field.first == "price_band_code";
    });
    if (adds || token == nullptr) {
        auto line = read_line(catalogue, fields);
        if (!line) return line.error();
        if (auto error = add_line(catalogue, std::move(*line), change, now)) return *error;
    }
    discard_lonely_add_ons(catalogue, change, now);
    if (trolley_token(token_key, change.trolley).size() > trolley_token_bytes_max)
        return bad_request("trolley_token", "would be too long for all that is in it");
    return change;
}

const SendMethod* send_method(const Catalogue& catalogue, const Trolley& trolley, std::string_view source,
                              Instant now) {
    std::vector<std::vector<std::string>> offers;
    for (const auto& line : trolley.lines) {
        const auto what = sold(catalogue, line, now);
        if (what.event == nullptr || what.event->source != source) continue;
        auto codes = send_codes(catalogue, *what.event, what.performance, now);
        if (!codes.empty()) offers.push_back(std::move(codes));
    }
    if (offers.empty()) return nullptr;
    const auto all_offer = [&](const std::string& code) {
        return std::all_of(offers.begin(), offers.end(), [&](const std::vector<std::string>& codes) {
            return std::find(codes.begin(), codes.end(), code) != codes.end();
        });
    };
    const auto wanted = trolley.send_codes.find(std::string(source));
    if (wanted != trolley.send_codes.end() && all_offer(wanted->second))
        return catalogue.send_method(wanted->second);
    const auto common = std::find_if(offers.front().begin(), offers.front().end(), all_offer);
    return common == offers.front().end() ? nullptr : catalogue.send_method(*common);
}

OrderText priced(const Catalogue& catalogue, const Line& line, const SendMethod* method, Instant now) {
    const auto what = sold(catalogue, line, now);
    KASSI_ENSURE(what.event != nullptr);
    OrderText order;
    order.item = line.item;
    order.currency = what.event->currency;
    order.event_json = event_json(*what.event);
    order.performance_json =
        performance_json(*what.event, what.performance, line.departure_date, line.nights);
    order.ticket_type_code = line.ticket_type;
    order.ticket_type_description = what.band.type->description;
    order.price_band_code = line.price_band;
    order.price_band_description = what.band.band->description;
    order.seats_count = line.seats_count;
    order.requested_seats = line.seats;
    order.seat_request_status = "not_requested";
    if (method != nullptr && !send_codes(catalogue, *what.event, what.performance, now).empty())
        order.send_method = method->printed;
    const auto nights = std::max<std::int64_t>(1, line.nights);
    const auto count = static_cast<std::size_t>(line.seats_count);
    for (const auto* discount : discounts_for(*what.event, what.band, line.discounts, count)) {
        const auto seatprice = discount->seatprice * nights, surcharge = discount->surcharge * nights;
        auto& orders = order.ticket_orders;
        // Equal discounts that follow each other are one ticket order.
        if (orders.empty() || orders.back().discount_code != discount->code)
            orders.push_back({discount->code, discount->description, 0, seatprice, surcharge, {}});
        ++orders.back().seats_count;
        order.seatprice += seatprice;
        order.surcharge += surcharge;
    }
    return order;
}

bool take_seats(const Catalogue& catalogue, const Line& line, std::set<std::string>& taken, OrderText& order,
                Instant now) {
    const auto what = sold(catalogue, line, now);
    KASSI_ENSURE(what.event != nullptr);
    const auto refuse = [&](std::string why) {
        order.reserve_failure_comment = std::move(why);
        order.seat_request_status = "got_none";
        return false;
    };
    if (what.performance.day &&
        (weekday_bit(*what.performance.day) & what.event->rules.refused_weekdays) != 0)
        return refuse("Reservations fail on this day of the week.");
    if (!order.send_method) return refuse("There is no way to send these tickets in time.");
    if (!what.event->is_seated) return true;
    auto got = get_seats({.event = *what.event,
                          .band = *what.band.band,
                          .count = static_cast<std::size_t>(line.seats_count),
                          .wanted = line.seats,
                          .taken = taken});
    if (!got.refusal.empty()) return refuse(std::move(got.refusal));
    order.seat_request_status = std::move(got.status);
    for (const auto& seat : got.seats) taken.insert(seat.id);
    fill(order, what, std::move(got.seats));
    return true;
}

}  // namespace kassi::sandbox::box_office
