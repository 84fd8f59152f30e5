#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/f13/document.hpp"
#include "base/http_message.hpp"
#include "engine/engine.hpp"

/// What an F13 client reads (pure, but for the clock of minutes_left). Keys are in alphabetical order,
/// amounts are JSON numbers with the places of currency_details.
namespace kassi::api::f13 {

/// What printing needs to know of the house.
struct House {
    const engine::Directory& directory;
    const providers::Registry& registry;
    engine::Mode mode;
    [[nodiscard]] const core::Facts* facts_of(std::string_view merchant) const {
        return registry.facts_of(merchant);
    }
};
House house_of(const engine::Engine& engine);

/// 1.3: http status, error_code and error_desc of a refusal. An unknown endpoint is the only 404; a
/// transaction that is unknown is bad data. An internal error says no more than that it is one.
HttpResponse error_response(const Error& error);
/// The same for what was refused before this door read it, with the status that it has already.
HttpResponse error_response(int status, std::string_view text);
/// 460 with a code of its own.
HttpResponse rejection(int error_code, std::string_view text);
/// 460, error_code 2000 and its error_key.
HttpResponse error_response(const EmailFault& fault);

/// The owner's description of a source (`given`), else the directory's, else its code.
std::string source_description(const House& house, const std::string& source, const std::string& given = {});

/// Everything that an answer about one transaction is printed from.
struct Page {
    const House& house;
    const engine::Caller& caller;
    const core::Transaction& transaction;
    const Document& document;
    Instant now{};                             ///< for minutes_left_on_reserve
    const core::Callout* callout = nullptr;    ///< of the leg that is away
    std::optional<std::string> customer_json;  ///< printed when set ("" prints nothing)
    std::string_view remote_site;
};

/// Answer of reserve.v1 and its archive: the state as it was handed over.
std::string print_reservation(const Page& page);
/// Status shape: status.v1, and purchase.v1, callback.v1 and their archive when no callout is open.
std::string print_status(const Page& page);
/// {"callout": ..., "currency_details": ...}
std::string print_callout(const Page& page);
/// print_callout when the customer must go away, else print_status.
std::string print_purchase(const Page& page);
std::string print_cancellation(const Page& page, const std::vector<std::int64_t>& newly_cancelled);
/// Nothing was cancelled: those would have to go too.
std::string print_must_also_cancel(const Page& page, const std::vector<std::int64_t>& items);
std::string print_user(const engine::Caller& caller, std::string_view sub_user);

// ---- pieces, for other pages about the same things (the box office) ---------------------------------------
void write_currency_details(JsonWriter& out, const std::vector<Currency>& currencies);
/// Nothing when the way of paying has none.
void write_debitor(JsonWriter& out, const House& house, std::string_view merchant);
/// The caller's first way of paying for a source; "" none.
std::string merchant_for(const House& house, const engine::Caller& caller, std::string_view source);
void write_seat(JsonWriter& out, const Seat& seat, bool bought = false);
/// The object without a name; its cost in `currency`. `transaction`: the id of the one that bought it, "" for
/// none yet.
void write_send_method(JsonWriter& out, const SendMethod& method, Currency currency,
                       std::string_view transaction = {});
void write_orders(JsonWriter& out, std::string_view name, const std::vector<OrderText>& orders);
struct Totals {
    std::int64_t seatprice = 0, surcharge = 0, send_cost = 0;
};
void write_totals(JsonWriter& out, const Totals& totals, Currency currency);

/// F13's word for a phase: reserved, released, attempting, purchased, failed.
std::string_view status_word(core::Phase phase);
/// What a way of paying can do, by its merchant; nullptr for one that nobody knows any more.
using FactsOf = std::function<const core::Facts*(std::string_view merchant)>;
/// possible, not_permitted, cancelled, tried_and_failed: of an order that was bought.
std::string_view cancellation_word(const core::Transaction& transaction, const core::Bundle& bundle,
                                   const core::Order& order, const FactsOf& facts_of);

}  // namespace kassi::api::f13
