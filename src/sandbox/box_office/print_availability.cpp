#include <algorithm>

#include "sandbox/box_office/print.hpp"
#include "sandbox/box_office/seats.hpp"

namespace kassi::sandbox::box_office {
namespace {

constexpr std::int64_t example_seats_max = 4;

/// A part of the seat price, value added tax of 20 % in it; rounded down, so that nobody is promised too
/// much.
void write_commission(JsonWriter& out, const Event& event, std::int64_t seatprice) {
    const auto with_tax = seatprice * event.commission_percent / 100;
    out.key("predicted_user_commission").begin_object();
    write_amount(out, "amount_excluding_vat", with_tax * 5 / 6, event.currency);
    write_amount(out, "amount_including_vat", with_tax, event.currency);
    out.field("commission_currency_code", event.currency.lower_code()).end_object();
}

/// Of a price band and of a discount alike.
void write_price(JsonWriter& out, const Event& event, const OfferedBand& band, const Discount& discount,
                 bool commission) {
    const auto currency = event.currency;
    write_amount(out, "absolute_saving", discount.saving(), currency);
    out.field("discount_code", discount.code)
        .field("discount_desc", discount.description)
        .field("discount_semantic_type", discount.semantic_type)
        .field("is_offer", discount.is_offer());
    write_amount(out, "non_offer_sale_seatprice", discount.full_seatprice, currency);
    write_amount(out, "non_offer_sale_surcharge", discount.full_surcharge, currency);
    out.field("number_available", band.available).field("percentage_saving", percentage_saving(discount));
    if (commission) write_commission(out, event, discount.seatprice);
    out.field("price_band_code", band.band->code + std::string(pool_suffix));
    write_amount(out, "sale_seatprice", discount.seatprice, currency);
    write_amount(out, "sale_surcharge", discount.surcharge, currency);
}

void write_discount_list(JsonWriter& out, const Event& event, const OfferedBand* band, bool commission) {
    out.begin_object().key("discount").begin_array();
    for (const auto* discount : band == nullptr ? std::vector<const Discount*>() : band->discounts) {
        out.begin_object().key("discount_disallowed_seat_nos").begin_array().end_array();
        if (discount->maximum_age > 0) out.field("discount_maximum_eligible_age", discount->maximum_age);
        if (discount->minimum_age > 0) out.field("discount_minimum_eligible_age", discount->minimum_age);
        write_price(out, event, *band, *discount, commission);
        out.key("valid_quantities").begin_array();
        for (const auto quantity : event.quantities) out.integer(quantity);
        out.end_array().end_object();
    }
    out.end_array().end_object();
}

void write_seat_blocks(JsonWriter& out, const PriceBand& band) {
    std::vector<std::string> rows;
    std::map<std::string, std::vector<std::string>> by_text;
    for (const auto& block : band.blocks) {
        if (std::find(rows.begin(), rows.end(), block.front().row) == rows.end())
            rows.push_back(block.front().row);
        for (const auto& seat : block)
            if (!seat.text.empty()) by_text[seat.text].push_back(seat.id);
    }
    const auto list = [&out](const std::vector<std::string>& ids) {
        out.begin_array();
        for (const auto& id : ids) out.string(id);
        out.end_array();
    };
    std::vector<std::string> restricted;
    out.key("free_seat_blocks").begin_object().key("blocks_by_row").begin_object();
    for (const auto& row : rows) {
        out.key(row).begin_array();
        for (const auto& block : band.blocks) {
            if (block.front().row != row) continue;
            std::vector<std::string> ids;
            for (const auto& seat : block) {
                ids.push_back(seat.id);
                if (seat.restricted_view) restricted.push_back(seat.id);
            }
            list(ids);
        }
        out.end_array();
    }
    out.end_object().key("restricted_view_seats");
    list(restricted);
    out.key("seats_by_text_message").begin_object();
    for (const auto& [text, ids] : by_text) {
        out.key(text);
        list(ids);
    }
    out.end_object().key("separators_by_row").begin_object();
    for (const auto& row : rows) out.field(row, "");
    out.end_object().end_object();
}

void write_example_seats(JsonWriter& out, const Event& event, const Performance& performance,
                         const OfferedBand& band, std::int64_t seats_count) {
    const auto count = std::min(band.available, seats_count > 0 ? seats_count : example_seats_max);
    auto seats = best_available(event, *band.band, static_cast<std::size_t>(count), {});
    out.key("example_seats").begin_array();
    for (std::size_t i = 0; i < seats.size(); ++i) {
        seats[i].restricted_view = seats[i].restricted_view || view_is_restricted(event, performance, i + 1);
        api::f13::write_seat(out, seats[i]);
    }
    out.end_array().field("example_seats_are_real", event.rules.seat_selection);
}

std::string_view word(LeavingSingles leaving) {
    switch (leaving) {
        case LeavingSingles::always:
            return "always";
        case LeavingSingles::never:
            return "never";
        case LeavingSingles::if_necessary:
            return "if_necessary";
    }
    return "always";
}

void write_band(JsonWriter& out, const Event& event, const Performance& performance, const OfferedBand& band,
                const AvailabilityWish& wish) {
    out.begin_object().field("allows_leaving_single_seats", word(event.rules.leaving_singles));
    if (wish.example_seats && event.is_seated)
        write_example_seats(out, event, performance, band, wish.seats_count);
    if (wish.seat_blocks && event.rules.seat_selection) write_seat_blocks(out, *band.band);
    if (wish.discounts) {
        out.key("possible_discounts");
        write_discount_list(out, event, &band, wish.commission);
    }
    out.field("price_band_desc", band.band->description);
    write_price(out, event, band, *band.discounts.front(), wish.commission);
    out.end_object();
}

void write_meta(JsonWriter& out, const Event& event) {
    out.field("backend_is_broken", false)
        .field("backend_is_down", false)
        .field("backend_throttle_failed", false)
        .field("contiguous_seat_selection_only", event.rules.contiguous)
        .field("currency_code", event.currency.lower_code());
    api::f13::write_currency_details(out, {event.currency});
    out.field("max_bundle_size", event.quantity_max())
        .field("must_select_whole_seat_block", false)
        .field("source_code", event.source);
    out.key("valid_quantities").begin_array();
    for (const auto quantity : event.quantities) out.integer(quantity);
    out.end_array();
}

}  // namespace

std::string print_availability(const Event& event, const Performance& performance,
                               const AvailabilityWish& wish) {
    const auto bands = offered(event, performance, wish.seats_count);
    JsonWriter out;
    out.begin_object().key("availability").begin_object().key("ticket_type").begin_array();
    for (std::size_t i = 0; i < bands.size();) {
        const auto* type = bands[i].type;
        out.begin_object().key("price_band").begin_array();
        for (; i < bands.size() && bands[i].type == type; ++i)
            write_band(out, event, performance, bands[i], wish);
        out.end_array().field("ticket_type_code", type->code).field("ticket_type_desc", type->description);
        out.end_object();
    }
    out.end_array().end_object();
    write_meta(out, event);
    return out.end_object().take();
}

std::string print_discounts(const Event& event, const OfferedBand* band, bool commission) {
    JsonWriter out;
    out.begin_object().field("currency_code", event.currency.lower_code());
    api::f13::write_currency_details(out, {event.currency});
    out.key("discounts");
    write_discount_list(out, event, band, commission);
    return out.end_object().take();
}

std::string print_send_methods(const Catalogue& catalogue, const Event& event, const Performance& performance,
                               Instant now) {
    JsonWriter out;
    out.begin_object().field("currency_code", event.currency.lower_code());
    api::f13::write_currency_details(out, {event.currency});
    out.key("send_methods").begin_object().key("send_method").begin_array();
    for (const auto& code : send_codes(catalogue, event, performance, now))
        api::f13::write_send_method(out, catalogue.send_method(code)->printed, event.currency);
    out.end_array().end_object();
    return out.field("source_code", event.source).end_object().take();
}

}  // namespace kassi::sandbox::box_office
