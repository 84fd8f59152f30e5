#include "sandbox/box_office/desk.hpp"

#include <algorithm>
#include <charconv>

#include "api/f13/request.hpp"
#include "sandbox/box_office/reserve.hpp"
#include "sandbox/box_office/token.hpp"

namespace kassi::sandbox::box_office {
namespace {

using api::f13::read_flag;
using api::f13::read_required;

/// "6IF,7AB": each once, in the order of the alphabet.
Result<std::set<std::string>> read_ids(const Fields& fields, std::string_view name) {
    const auto text = read_required(fields, name);
    if (!text) return text.error();
    std::set<std::string> ids;
    for (std::size_t at = 0; at <= text->size();) {
        const auto comma = std::min(text->find(',', at), text->size());
        auto id = text->substr(at, comma - at);
        std::erase(id, ' ');
        if (!id.empty()) ids.insert(std::move(id));
        if (ids.size() > ids_max) return bad_request(std::string(name), "has too many ids");
        at = comma + 1;
    }
    return ids;
}

Result<DateRange> read_dates(const Fields& fields) {
    constexpr std::string_view field = "date_range";
    const auto* text = find_field(fields, field);
    if (text == nullptr || text->empty()) return DateRange{};
    return read_date_range(*text, field);
}

Result<std::int64_t> read_seats_count(const Fields& fields) {
    constexpr std::string_view field = "no_of_seats";
    const auto* text = find_field(fields, field);
    if (text == nullptr || text->empty()) return 0;
    std::int64_t count = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), count);
    if (problem != std::errc() || end != text->data() + text->size() || count < 1)
        return bad_request(std::string(field), "is not a number of seats");
    return count;
}

/// An undated performance is there whatever the dates, if somebody can go then.
bool is_within(const Event& event, const Performance& performance, const DateRange& range, Instant now) {
    return performance.day ? range.contains(*performance.day) : is_on(event, range, now);
}

std::vector<const Event*> found(const Catalogue& catalogue, const std::vector<std::string>& ids) {
    std::vector<const Event*> events;
    for (const auto& event : catalogue.events)
        if (std::find(ids.begin(), ids.end(), event.id) != ids.end()) events.push_back(&event);
    return events;
}

}  // namespace

const std::vector<Desk::Served>& Desk::served() {
    static const std::vector<Served> all{{"add_ons.v1", &Desk::add_ons},
                                         {"availability.v1", &Desk::availability},
                                         {"discounts.v1", &Desk::discounts},
                                         {"events.v1", &Desk::events},
                                         {"events_by_id.v1", &Desk::events_by_id},
                                         {"months.v1", &Desk::months},
                                         {"performances.v1", &Desk::performances_of},
                                         {"performances_by_id.v1", &Desk::performances_by_id},
                                         {"send_methods.v1", &Desk::send_methods},
                                         {"trolley.v1", &Desk::trolley},
                                         {"upsells.v1", &Desk::upsells}};
    return all;
}

std::vector<api::f13::BoxOffice::Endpoint> Desk::endpoints() const {
    std::vector<api::f13::BoxOffice::Endpoint> all;
    for (const auto& each : served()) all.push_back({each.name, "GET"});
    return all;
}

Result<std::string> Desk::answer(std::string_view endpoint, const engine::Caller& caller,
                                 const Fields& fields) const {
    const auto found = std::find_if(served().begin(), served().end(),
                                    [&](const Served& each) { return each.name == endpoint; });
    KASSI_ENSURE(found != served().end());
    return (this->*found->serve)(caller, fields);
}

// ---- what calls name ----------------------------------------------------------------------------------
Result<const Event*> Desk::event_of(const Fields& fields) const {
    const auto id = read_required(fields, "event_id");
    if (!id) return id.error();
    const auto* event = parts_.catalogue.event(*id);
    if (event == nullptr) return bad_request("event_id", "is not a known event");
    return event;
}

Result<Found> Desk::performance_of(const Fields& fields) const {
    const auto id = read_required(fields, "perf_id");
    if (!id) return id.error();
    auto known = find_performance(parts_.catalogue, *id, parts_.now());
    if (known.event == nullptr) return bad_request("perf_id", "is not a performance that is on sale");
    return known;
}

// ---- events -------------------------------------------------------------------------------------------
Result<std::string> Desk::events(const engine::Caller&, const Fields& fields) const {
    const auto query = read_query(fields);
    if (!query) return query.error();
    const auto page = read_page(fields);
    if (!page) return page.error();
    const auto extras = read_extras(fields);
    if (!extras) return extras.error();
    const auto now = parts_.now();
    return print_events(search(parts_.catalogue, *query, now), *page, *extras, now);
}

Result<std::string> Desk::events_by_id(const engine::Caller&, const Fields& fields) const {
    const auto ids = read_ids(fields, "event_id_list");
    if (!ids) return ids.error();
    const auto extras = read_extras(fields);
    if (!extras) return extras.error();
    const auto with_add_ons = read_flag(fields, "add_add_ons"),
               with_upsells = read_flag(fields, "add_upsells");
    if (!with_add_ons) return with_add_ons.error();
    if (!with_upsells) return with_upsells.error();
    const auto now = parts_.now();
    std::vector<Currency> currencies;
    JsonWriter out;
    const auto list = [&](std::string_view name, const std::vector<std::string>& others) {
        out.key(name).begin_array();
        for (const auto* other : found(parts_.catalogue, others)) out.raw(event_json(*other, *extras, now));
        out.end_array();
    };
    out.begin_object().key("events_by_id").begin_object();
    for (const auto& id : *ids) {
        const auto* event = parts_.catalogue.event(id);
        if (event == nullptr) continue;
        currencies.push_back(event->currency);
        out.key(id).begin_object();
        if (*with_add_ons) list("add_ons", event->add_ons);
        out.key("event").raw(event_json(*event, *extras, now));
        if (*with_upsells) list("upsells", event->upsells);
        out.key("valid_quantities").raw(event->members.at("valid_quantities"));
        out.field("venue_is_enforced", false).end_object();
    }
    out.end_object();
    api::f13::write_currency_details(out, currencies);
    return out.end_object().take();
}

Result<std::string> Desk::months(const engine::Caller&, const Fields& fields) const {
    const auto event = event_of(fields);
    if (!event) return event.error();
    const auto extras = read_extras(fields);
    if (!extras) return extras.error();
    Months months;
    for (const auto day : days_on(**event, parts_.now())) add_day(months, day);
    JsonWriter out;
    out.begin_object();
    api::f13::write_currency_details(out, {(*event)->currency});
    out.key("results").begin_object().key("month").begin_array();
    for (const auto& [month, mask] : months) out.raw(month_json(**event, month, mask, *extras));
    return out.end_array().end_object().end_object().take();
}

// ---- performances -------------------------------------------------------------------------------------
Result<std::string> Desk::performances_of(const engine::Caller&, const Fields& fields) const {
    const auto event = event_of(fields);
    if (!event) return event.error();
    const auto dates = read_dates(fields);
    if (!dates) return dates.error();
    const auto page = read_page(fields);
    if (!page) return page.error();
    const auto extras = read_extras(fields);
    if (!extras) return extras.error();
    const auto now = parts_.now();
    auto all = performances(**event, now);
    const bool auto_select = selects_itself(all);
    const bool named =
        std::any_of(all.begin(), all.end(), [](const auto& each) { return !each.name.empty(); });
    std::erase_if(all, [&](const auto& each) { return !is_within(**event, each, *dates, now); });
    const auto status = paging(*page, all.size());
    JsonWriter out;
    out.begin_object().field("autoselect_this_performance", auto_select);
    api::f13::write_currency_details(out, {(*event)->currency});
    out.key("results").begin_object().field("has_perf_names", named);
    write_paging(out, status);
    out.key("performance").begin_array();
    for (const auto& each : on_page(all, status)) out.raw(performance_json(**event, each, *extras));
    return out.end_array().end_object().end_object().take();
}

Result<std::string> Desk::performances_by_id(const engine::Caller&, const Fields& fields) const {
    const auto ids = read_ids(fields, "perf_id_list");
    if (!ids) return ids.error();
    const auto extras = read_extras(fields);
    if (!extras) return extras.error();
    std::vector<Currency> currencies;
    JsonWriter out;
    out.begin_object().key("performances_by_id").begin_object();
    for (const auto& id : *ids) {
        const auto known = find_performance(parts_.catalogue, id, parts_.now());
        if (known.event == nullptr) continue;
        currencies.push_back(known.event->currency);
        out.key(id).raw(performance_json(*known.event, known.performance, *extras));
    }
    out.end_object();
    api::f13::write_currency_details(out, currencies);
    return out.end_object().take();
}

Result<std::string> Desk::availability(const engine::Caller&, const Fields& fields) const {
    const auto known = performance_of(fields);
    if (!known) return known.error();
    AvailabilityWish wish;
    const auto count = read_seats_count(fields);
    if (!count) return count.error();
    wish.seats_count = *count;
    for (const auto& [name, flag] : {std::pair{"add_discounts", &wish.discounts},
                                     {"add_example_seats", &wish.example_seats},
                                     {"add_seat_blocks", &wish.seat_blocks},
                                     {"req_predicted_commission", &wish.commission}}) {
        const auto read = read_flag(fields, name);
        if (!read) return read.error();
        *flag = *read;
    }
    return print_availability(*known->event, known->performance, wish);
}

Result<std::string> Desk::discounts(const engine::Caller&, const Fields& fields) const {
    const auto known = performance_of(fields);
    if (!known) return known.error();
    const auto type = read_required(fields, "ticket_type_code"),
               band = read_required(fields, "price_band_code");
    if (!type) return type.error();
    if (!band) return band.error();
    if (const auto code = read_price_band_code(*band); !code) return code.error();
    const auto commission = read_flag(fields, "req_predicted_commission");
    if (!commission) return commission.error();
    const auto offered = offered_band(*known->event, known->performance, *type, *band);
    return print_discounts(*known->event, offered ? &*offered : nullptr, *commission);
}

Result<std::string> Desk::send_methods(const engine::Caller&, const Fields& fields) const {
    const auto known = performance_of(fields);
    if (!known) return known.error();
    return print_send_methods(parts_.catalogue, *known->event, known->performance, parts_.now());
}

// ---- trolleys -----------------------------------------------------------------------------------------
Result<std::string> Desk::trolley(const engine::Caller& caller, const Fields& fields) const {
    const auto now = parts_.now();
    auto change = change_trolley(parts_.catalogue, parts_.token_key, fields, now);
    if (!change) return change.error();
    return print_trolley(TrolleyPage{.house = parts_.house,
                                     .caller = caller,
                                     .token = trolley_token(parts_.token_key, change->trolley),
                                     .bundles = priced_bundles(parts_.catalogue, change->trolley, now),
                                     .discarded = discarded_orders(parts_.catalogue, *change, now),
                                     .unreserved = {},
                                     .contained_unavailable = change->unavailable});
}

/// What the events of a trolley list, without what is in it.
Result<std::string> Desk::related(const Fields& fields, const std::vector<std::string> Event::*list) const {
    const auto now = parts_.now();
    const auto change = change_trolley(parts_.catalogue, parts_.token_key, fields, now);
    if (!change) return change.error();
    const auto page = read_page(fields);
    if (!page) return page.error();
    const auto extras = read_extras(fields);
    if (!extras) return extras.error();
    std::vector<std::string> wanted;
    std::set<std::string> there;
    for (const auto& line : change->trolley.lines) {
        const auto* event = sold(parts_.catalogue, line, now).event;
        there.insert(event->id);
        wanted.insert(wanted.end(), (event->*list).begin(), (event->*list).end());
    }
    std::erase_if(wanted, [&](const std::string& id) { return there.contains(id); });
    return print_events(found(parts_.catalogue, wanted), *page, *extras, now);
}

Result<std::string> Desk::upsells(const engine::Caller&, const Fields& fields) const {
    return related(fields, &Event::upsells);
}

Result<std::string> Desk::add_ons(const engine::Caller&, const Fields& fields) const {
    return related(fields, &Event::add_ons);
}

}  // namespace kassi::sandbox::box_office
