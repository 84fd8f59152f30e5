#include "sandbox/box_office/trolley.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/f13/request.hpp"
#include "base/json.hpp"

namespace kassi::sandbox::box_office {
namespace {

using api::f13::OrderText;
using api::f13::Seat;
using api::f13::SendMethod;
using api::f13::TicketOrder;

constexpr std::string_view token_mark = "k1-";
constexpr std::string_view pool = "/pool";
constexpr std::string_view allocation = "/alloc";
constexpr std::string_view send_code_ending = "_send_code";
constexpr std::int64_t item_max = 999'999'999;

Error bad_token() {
    return bad_request("trolley_token", "is not a trolley token of this system");
}

std::string_view without_suffix(std::string_view price_band) {
    return price_band.substr(0, price_band.rfind('/'));
}

struct Sold {
    const Event* event = nullptr;
    const PriceBand* band = nullptr;
};

std::size_t capacity(const PriceBand& band) {
    std::size_t seats = 0;
    for (const auto& block : band.blocks) seats += block.size();
    return seats;
}

/// What a line is about; nullptr members when it is not sold (any more).
Sold sold(const Catalogue& catalogue, const Line& line) {
    const auto found = catalogue.performance(line.perf_id);
    if (found.event == nullptr || !std::string_view(line.price_band).ends_with(pool)) return {};
    const auto* band = found.event->price_band(line.ticket_type, without_suffix(line.price_band));
    if (band == nullptr) return {};
    const auto& quantities = found.event->quantities;
    if (std::find(quantities.begin(), quantities.end(), line.seats_count) == quantities.end()) return {};
    if (!band->blocks.empty() && capacity(*band) < static_cast<std::size_t>(line.seats_count)) return {};
    return {found.event, band};
}

bool offers(const Event& event, std::string_view send_code) {
    return std::find(event.send_codes.begin(), event.send_codes.end(), send_code) != event.send_codes.end();
}

// ---- tokens -------------------------------------------------------------------------------------------
void write(JsonWriter& out, const std::vector<std::string>& list) {
    out.begin_array();
    for (const auto& text : list) out.string(text);
    out.end_array();
}

bool read(const nlohmann::json& value, std::string& out) {
    if (!value.is_string()) return false;
    out = value.get<std::string>();
    return true;
}

bool read(const nlohmann::json& value, std::int64_t& out, std::int64_t max) {
    if (!value.is_number_integer()) return false;
    out = value.get<std::int64_t>();
    return out >= 1 && out <= max;
}

bool read(const nlohmann::json& value, std::vector<std::string>& out) {
    if (!value.is_array() || value.size() > tickets_per_line_max) return false;
    out.resize(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (!read(value[i], out[i])) return false;
    }
    return true;
}

bool read(const nlohmann::json& value, Line& line) {
    return value.is_array() && value.size() == 7 && read(value[0], line.item, item_max) &&
           read(value[1], line.perf_id) && read(value[2], line.ticket_type) &&
           read(value[3], line.price_band) && read(value[4], line.seats_count, tickets_per_line_max) &&
           read(value[5], line.seats) && read(value[6], line.discounts);
}

bool read(const nlohmann::json& value, Trolley& trolley) {
    if (!value.is_object() || value.size() != 3 || !value.contains("n") || !value.contains("o") ||
        !value.contains("s"))
        return false;
    const auto& lines = value["o"];
    if (!read(value["n"], trolley.next_item, item_max) || !lines.is_array() ||
        lines.size() > trolley_lines_max || !value["s"].is_object())
        return false;
    std::int64_t last = 0;
    for (const auto& entry : lines) {
        Line line;
        if (!read(entry, line) || line.item <= last || line.item >= trolley.next_item) return false;
        last = line.item;
        trolley.lines.push_back(std::move(line));
    }
    for (const auto& [source, code] : value["s"].items()) {
        if (!read(code, trolley.send_codes[source])) return false;
    }
    return true;
}

// ---- parameters ---------------------------------------------------------------------------------------
/// seat0, seat1, ... as far as they go.
Result<std::vector<std::string>> numbered(const Fields& fields, const std::string& name) {
    std::vector<std::string> values;
    while (const auto* value = find_field(fields, name + std::to_string(values.size()))) {
        if (values.size() == tickets_per_line_max)
            return bad_request(name + std::to_string(values.size()), "is too many");
        values.push_back(*value);
    }
    return values;
}

Result<std::int64_t> read_count(const Fields& fields, std::size_t seats) {
    constexpr std::string_view field = "no_of_seats";
    const auto* text = find_field(fields, field);
    if (text == nullptr && seats > 0) return static_cast<std::int64_t>(seats);
    if (text == nullptr) return bad_request(std::string(field), "is missing");
    std::int64_t count = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), count);
    if (problem != std::errc() || end != text->data() + text->size() || count < 1)
        return bad_request(std::string(field), "is not a number of seats");
    return count;
}

Result<Line> read_line(const Fields& fields) {
    Line line;
    for (const auto& [name, target] : {std::pair{"perf_id", &line.perf_id},
                                       {"ticket_type_code", &line.ticket_type},
                                       {"price_band_code", &line.price_band}}) {
        auto value = api::f13::read_required(fields, name);
        if (!value) return value.error();
        *target = std::move(*value);
    }
    const std::string_view band = line.price_band;
    if (!band.ends_with(pool) && !band.ends_with(allocation))
        return bad_request("", "price_band_code needs /pool or /alloc suffix");
    auto seats = numbered(fields, "seat");
    if (!seats) return seats.error();
    auto discounts = numbered(fields, "disc");
    if (!discounts) return discounts.error();
    const auto count = read_count(fields, seats->size());
    if (!count) return count.error();
    line.seats_count = *count;
    line.seats = std::move(*seats);
    line.discounts = std::move(*discounts);
    return line;
}

/// 4.2: an older order that cannot go along with the new one (currency, way of sending) makes room.
bool conflicts(const Event& older, const Event& newer) {
    if (older.source != newer.source) return false;
    if (older.currency != newer.currency) return true;
    return std::none_of(newer.send_codes.begin(), newer.send_codes.end(),
                        [&](const std::string& code) { return offers(older, code); });
}

std::optional<Error> add_line(const Catalogue& catalogue, Line line, Change& change) {
    const auto what = sold(catalogue, line);
    if (what.event == nullptr) {
        change.unavailable = true;
        return std::nullopt;
    }
    auto& trolley = change.trolley;
    std::erase_if(trolley.lines, [&](const Line& older) {
        const auto* event = sold(catalogue, older).event;
        if (event == nullptr || !conflicts(*event, *what.event)) return false;
        change.discarded.push_back(older);
        return true;
    });
    if (trolley.lines.size() == trolley_lines_max)
        return bad_request("trolley_token", "holds " + std::to_string(trolley_lines_max) + " orders already");
    line.item = trolley.next_item++;
    trolley.lines.push_back(std::move(line));
    return std::nullopt;
}

// ---- seats --------------------------------------------------------------------------------------------
using Seats = std::vector<Seat>;

/// The first block with so many free seats side by side, else the first free ones; empty when there are too
/// few.
Seats best_available(const PriceBand& band, std::size_t count, const std::set<std::string>& barred,
                     const SeatBlock* only = nullptr) {
    Seats scattered;
    for (const auto& block : band.blocks) {
        if (only != nullptr && &block != only) continue;
        Seats together;
        for (const auto& seat : block) {
            if (barred.contains(seat.id)) {
                together.clear();
                continue;
            }
            together.push_back(seat);
            if (scattered.size() < count) scattered.push_back(seat);
            if (together.size() == count) return together;
        }
    }
    return scattered.size() == count ? scattered : Seats{};
}

/// The requested seats that exist in the band and are free, each once, in the order of the request.
Seats requested_seats(const PriceBand& band, const std::vector<std::string>& wanted,
                      const std::set<std::string>& taken, std::size_t count) {
    Seats seats;
    for (const auto& id : wanted) {
        const auto same = [&](const Seat& seat) { return seat.id == id; };
        if (seats.size() == count || taken.contains(id) || std::any_of(seats.begin(), seats.end(), same))
            continue;
        for (const auto& block : band.blocks) {
            const auto found = std::find_if(block.begin(), block.end(), same);
            if (found != block.end()) seats.push_back(*found);
        }
    }
    return seats;
}

bool side_by_side(const PriceBand& band, const Seats& seats) {
    return std::any_of(band.blocks.begin(), band.blocks.end(), [&](const SeatBlock& block) {
        std::set<std::string> ids;
        for (const auto& seat : seats) ids.insert(seat.id);
        const auto first =
            std::find_if(block.begin(), block.end(), [&](const Seat& s) { return ids.contains(s.id); });
        if (static_cast<std::size_t>(block.end() - first) < seats.size()) return false;
        return std::all_of(first, first + static_cast<std::ptrdiff_t>(seats.size()),
                           [&](const Seat& seat) { return ids.contains(seat.id); });
    });
}

bool asks_for(const Line& line, const std::string& seat) {
    return !seat.empty() && std::find(line.seats.begin(), line.seats.end(), seat) != line.seats.end();
}

/// As if the seat had gone in the meantime: others of its block, none of those that were asked for.
Seats instead_of_vanished(const Event& event, const PriceBand& band, const Line& line, std::size_t count,
                          const std::set<std::string>& taken) {
    auto barred = taken;
    barred.insert(line.seats.begin(), line.seats.end());
    for (const auto& block : band.blocks) {
        const bool here = std::any_of(block.begin(), block.end(),
                                      [&](const Seat& seat) { return seat.id == event.vanishing_seat; });
        if (!here) continue;
        auto seats = best_available(band, count, barred, &block);
        return seats.empty() ? best_available(band, count, barred) : seats;
    }
    return best_available(band, count, barred);
}

void fill(OrderText& order, Seats seats) {
    auto next = seats.begin();
    for (auto& tickets : order.ticket_orders) {
        for (std::int64_t i = 0; i < tickets.seats_count && next != seats.end(); ++i)
            tickets.seats.push_back(std::move(*next++));
    }
}

}  // namespace

std::string trolley_token(const Trolley& trolley) {
    JsonWriter out;
    out.begin_object().field("n", trolley.next_item).key("o").begin_array();
    for (const auto& line : trolley.lines) {
        out.begin_array()
            .integer(line.item)
            .string(line.perf_id)
            .string(line.ticket_type)
            .string(line.price_band);
        out.integer(line.seats_count);
        write(out, line.seats);
        write(out, line.discounts);
        out.end_array();
    }
    out.end_array().key("s").begin_object();
    for (const auto& [source, code] : trolley.send_codes) out.field(source, code);
    out.end_object().end_object();
    return std::string(token_mark) + encoding::base64url(out.text());
}

Result<Trolley> read_trolley_token(std::string_view token) {
    if (token.size() > trolley_token_bytes_max || !token.starts_with(token_mark)) return bad_token();
    const auto text = encoding::from_base64url(token.substr(token_mark.size()), "trolley_token");
    if (!text) return bad_token();
    const auto parsed = parse_json(*text, "trolley_token");
    Trolley trolley;
    if (!parsed || !read(*parsed, trolley)) return bad_token();
    return trolley;
}

Result<Change> change_trolley(const Catalogue& catalogue, const Fields& fields) {
    Change change;
    const auto* token = find_field(fields, "trolley_token");
    if (token != nullptr && !token->empty()) {
        auto trolley = read_trolley_token(*token);
        if (!trolley) return trolley.error();
        change.trolley = std::move(*trolley);
    }
    const auto removed = api::f13::read_items(fields, "remove_items_list");
    if (!removed) return removed.error();
    std::erase_if(change.trolley.lines, [&](const Line& line) {
        return std::find(removed->begin(), removed->end(), line.item) != removed->end();
    });
    for (const auto& [name, value] : fields) {
        if (name.size() > send_code_ending.size() && name.ends_with(send_code_ending))
            change.trolley.send_codes[name.substr(0, name.size() - send_code_ending.size())] = value;
    }
    const bool adds = std::any_of(fields.begin(), fields.end(), [](const auto& field) {
        return field.first == "perf_id" || field.first == "ticket_type_code" ||
               field.first == "price_band_code";
    });
    if (adds || token == nullptr) {
        auto line = read_line(fields);
        if (!line) return line.error();
        if (auto error = add_line(catalogue, std::move(*line), change)) return *error;
    }
    // What this catalogue does not know (the token is from another day) is not sold any more.
    const auto before = change.trolley.lines.size();
    std::erase_if(change.trolley.lines,
                  [&](const Line& line) { return sold(catalogue, line).event == nullptr; });
    if (change.trolley.lines.size() != before) change.unavailable = true;
    return change;
}

const SendMethod* send_method(const Catalogue& catalogue, const Trolley& trolley, std::string_view source) {
    const Event* first = nullptr;
    std::vector<const Event*> events;
    for (const auto& line : trolley.lines) {
        const auto* event = sold(catalogue, line).event;
        if (event == nullptr || event->source != source) continue;
        if (first == nullptr) first = event;
        events.push_back(event);
    }
    if (first == nullptr) return nullptr;
    const auto all_offer = [&](const std::string& code) {
        return std::all_of(events.begin(), events.end(),
                           [&](const Event* event) { return offers(*event, code); });
    };
    auto code = trolley.send_codes.find(std::string(source));
    std::string chosen;
    if (code != trolley.send_codes.end() && all_offer(code->second)) chosen = code->second;
    for (const auto& offered : first->send_codes) {
        if (chosen.empty() && all_offer(offered)) chosen = offered;
    }
    const auto method = catalogue.send_methods.find(chosen);
    return method == catalogue.send_methods.end() ? nullptr : &method->second;
}

OrderText priced(const Catalogue& catalogue, const Line& line, const SendMethod* method, Instant now) {
    const auto what = sold(catalogue, line);
    KASSI_ENSURE(what.event != nullptr);
    OrderText order;
    order.item = line.item;
    order.currency = what.event->currency;
    order.event_json = what.event->json;
    order.performance_json = catalogue.performance(line.perf_id).performance->json(what.event->id, now);
    order.ticket_type_code = line.ticket_type;
    order.ticket_type_description = what.event->ticket_type(line.ticket_type)->description;
    order.price_band_code = line.price_band;
    order.price_band_description = what.band->description;
    order.seats_count = line.seats_count;
    order.requested_seats = line.seats;
    order.seat_request_status = "not_requested";
    if (method != nullptr) order.send_method = *method;
    for (std::size_t ticket = 0; ticket < static_cast<std::size_t>(line.seats_count); ++ticket) {
        const auto& discount =
            what.band->discount(ticket < line.discounts.size() ? line.discounts[ticket] : "");
        auto& orders = order.ticket_orders;
        // Equal discounts that follow each other are one ticket order.
        if (orders.empty() || orders.back().discount_code != discount.code)
            orders.push_back(
                {discount.code, discount.description, 0, discount.seatprice, discount.surcharge, {}});
        ++orders.back().seats_count;
        order.seatprice += discount.seatprice;
        order.surcharge += discount.surcharge;
    }
    return order;
}

bool take_seats(const Catalogue& catalogue, const Line& line, std::set<std::string>& taken,
                OrderText& order) {
    const auto what = sold(catalogue, line);
    KASSI_ENSURE(what.event != nullptr);
    const auto refuse = [&](std::string why) {
        order.reserve_failure_comment = std::move(why);
        order.seat_request_status = "got_none";
        return false;
    };
    if (asks_for(line, what.event->failing_seat))
        return refuse("Seat " + what.event->failing_seat + " causes failure.");
    if (what.band->blocks.empty()) return true;  // not seated

    const auto count = static_cast<std::size_t>(line.seats_count);
    Seats seats;
    if (line.seats.empty()) {
        seats = best_available(*what.band, count, taken);
    } else if (asks_for(line, what.event->vanishing_seat)) {
        seats = instead_of_vanished(*what.event, *what.band, line, count, taken);
        order.seat_request_status = "got_none";
    } else {
        seats = requested_seats(*what.band, line.seats, taken, count);
        const bool all = seats.size() == count && line.seats.size() == count;
        const bool allowed = !what.event->contiguous || side_by_side(*what.band, seats);
        if (!allowed) seats.clear();
        order.seat_request_status = seats.empty() ? "got_none" : all ? "got_all" : "got_some";
        auto barred = taken;
        for (const auto& seat : seats) barred.insert(seat.id);
        if (const auto more = count - seats.size(); more > 0) {
            const auto others = best_available(*what.band, more, barred);
            seats.insert(seats.end(), others.begin(), others.end());
        }
    }
    if (seats.size() != count) return refuse("Not enough seats left.");
    for (const auto& seat : seats) taken.insert(seat.id);
    fill(order, std::move(seats));
    return true;
}

}  // namespace kassi::sandbox::box_office
