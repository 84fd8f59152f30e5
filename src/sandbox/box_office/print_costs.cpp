#include "sandbox/box_office/print.hpp"

namespace kassi::sandbox::box_office {
namespace {

void write_offer(JsonWriter& out, std::string_view name, const Discount* offer, Currency currency) {
    if (offer == nullptr) return;
    out.key(name).begin_object();
    write_amount(out, "absolute_saving", offer->saving(), currency);
    write_amount(out, "full_seatprice", offer->full_seatprice, currency);
    write_amount(out, "full_surcharge", offer->full_surcharge, currency);
    write_amount(out, "offer_seatprice", offer->seatprice, currency);
    write_amount(out, "offer_surcharge", offer->surcharge, currency);
    out.field("percentage_saving", percentage_saving(*offer)).end_object();
}

void write_quantities(JsonWriter& out, const Event& event, bool singles) {
    out.key("valid_quantities").begin_array();
    for (const auto quantity : event.quantities)
        if (singles || quantity > 1) out.integer(quantity);
    out.end_array();
}

/// What a range says besides its numbers.
struct RangeKind {
    bool singles = true;
    std::string_view semantic_type;  ///< "" not said
    const std::map<std::string, std::vector<const Discount*>>* alternates = nullptr;
};

void write_range(JsonWriter& out, const Event& event, const CostRange& range, const Extras& extras,
                 const RangeKind& kind) {
    const auto currency = event.currency;
    out.begin_object();
    if (kind.alternates != nullptr && !kind.alternates->empty()) {
        out.key("alternate_discounts").begin_array();
        for (const auto& [type, tickets] : *kind.alternates)
            write_range(out, event, *cost_range(tickets), extras, {.semantic_type = type});
        out.end_array();
    }
    if (extras.best_value) write_offer(out, "best_value_offer", range.best_value, currency);
    if (!kind.semantic_type.empty()) out.field("discount_semantic_type", kind.semantic_type);
    if (extras.max_saving) write_offer(out, "max_saving_offer", range.max_saving, currency);
    write_amount(out, "max_seatprice", range.seatprice_max, currency);
    write_amount(out, "max_surcharge", range.surcharge_max, currency);
    if (extras.min_cost) write_offer(out, "min_cost_offer", range.min_cost, currency);
    write_amount(out, "min_seatprice", range.seatprice_min, currency);
    write_amount(out, "min_surcharge", range.surcharge_min, currency);
    if (kind.singles && extras.no_singles && event.quantity_max() > 1) {
        out.key("no_singles_cost_range");
        write_range(out, event, range, extras, {.singles = false, .semantic_type = kind.semantic_type});
    }
    out.field("range_currency_code", currency.lower_code());
    if (extras.top_price) write_offer(out, "top_price_offer", range.top_price, currency);
    write_quantities(out, event, kind.singles);
    out.end_object();
}

void write_dates(JsonWriter& out, const std::vector<Day>& days) {
    Months months;
    for (const auto day : days) add_day(months, day);
    out.key("available_dates").begin_object();
    if (!days.empty())
        out.field("first_yyyymmdd", compact(days.front())).field("last_yyyymmdd", compact(days.back()));
    auto month = months.begin();
    while (month != months.end()) {
        const auto year = month->first.year();
        out.key("year_" + std::to_string(static_cast<int>(year))).begin_object();
        for (; month != months.end() && month->first.year() == year; ++month)
            out.field(month_word(month->first.month()), month->second.days);
        out.end_object();
    }
    out.end_object();
}

void write_detail(JsonWriter& out, const Event& event, const OfferedBand& band, const Discount& discount,
                  const std::vector<Day>& days, const Extras& extras) {
    const auto currency = event.currency;
    Weekdays weekdays = 0;
    for (const auto day : days) weekdays = static_cast<Weekdays>(weekdays | weekday_bit(day));
    out.begin_object();
    write_amount(out, "absolute_saving", discount.saving(), currency);
    out.field("avail_currency_code", currency.lower_code());
    if (extras.availability_days) write_dates(out, days);
    if (!days.empty()) out.field("available_weekdays_bitmask", weekdays);
    out.field("cached_number_available", band.available)
        .field("discount_code", discount.code)
        .field("discount_desc", discount.description)
        .field("discount_semantic_type", discount.semantic_type);
    write_amount(out, "full_seatprice", discount.full_seatprice, currency);
    write_amount(out, "full_surcharge", discount.full_surcharge, currency);
    out.field("percentage_saving", percentage_saving(discount));
    write_amount(out, "seatprice", discount.seatprice, currency);
    out.field("suffixed_price_band_code", band.band->code + std::string(pool_suffix));
    write_amount(out, "surcharge", discount.surcharge, currency);
    write_quantities(out, event, true);
    out.end_object();
}

}  // namespace

std::string json_text(std::string_view text) {
    JsonWriter out;
    return out.string(text).take();
}

void write_amount(JsonWriter& out, std::string_view name, std::int64_t minor, Currency currency) {
    out.key(name).raw(shortest_decimal(minor, currency.places()));
}

void write_cost_range(JsonWriter& out, const Event& event, const std::vector<OfferedBand>& bands,
                      const Extras& extras) {
    const auto range = cost_range(default_tickets(bands));
    if (!range) {
        out.begin_object().end_object();
        return;
    }
    const auto alternates = discounted_tickets(bands);
    write_range(out, event, *range, extras, {.alternates = &alternates});
}

void write_cost_range(JsonWriter& out, const Event& event, const Discount& ticket, const Extras& extras) {
    write_range(out, event, *cost_range({&ticket}), extras, {});
}

void write_avail_details(JsonWriter& out, const Event& event, const std::vector<OfferedBand>& bands,
                         const std::vector<Day>& days, const Extras& extras) {
    out.begin_object().key("ticket_type").begin_array();
    for (std::size_t i = 0; i < bands.size();) {
        const auto* type = bands[i].type;
        out.begin_object().key("price_band").begin_array();
        for (; i < bands.size() && bands[i].type == type; ++i) {
            out.begin_object().key("avail_detail").begin_array();
            write_detail(out, event, bands[i], *bands[i].discounts.front(), days, extras);
            out.end_array().field("price_band_code", bands[i].band->code);
            out.field("price_band_desc", bands[i].band->description).end_object();
        }
        out.end_array().field("ticket_type_code", type->code).field("ticket_type_desc", type->description);
        out.end_object();
    }
    out.end_array().end_object();
}

}  // namespace kassi::sandbox::box_office
