#include "api/ticket_order/outcome.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "api/ticket_order/binder.hpp"
#include "api/ticket_order/writing.hpp"
#include "core/decide.hpp"

namespace kassi::api::ticket_order {
namespace {

using core::Phase;

struct Document {
    std::optional<TicketAndDetails> tickets;
};
template <class Visitor, OneOf<Document> T>
void each_member(Visitor& visit, T& it) {
    visit("ticketAndDetails", it.tickets);
}

/// The last try's, of a transaction that was not bought.
const core::Refusal* last_refusal(const core::Transaction& transaction) {
    const core::Refusal* found = nullptr;
    for (const auto& leg : transaction.legs)
        if (leg.refused) found = &*leg.refused;
    return found;
}

bool is_one_of(std::string_view word, const auto& words) {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

Status status_of_refusal(const core::Refusal* refusal) {
    constexpr std::string_view nobody_asked[] = {"provider_unavailable", "issuer_unavailable",
                                                 "authentication_unavailable", "card_lost", "not_paid"};
    if (refusal == nullptr) return Status::declined;
    if (refusal->failed_3d_secure || refusal->code == "auth_failure") return Status::authentication_needed;
    return is_one_of(refusal->code, nobody_asked) ? Status::unavailable : Status::declined;
}

/// Money of it is held or taken, or may be: what only tidies up behind a refusal does not count.
bool may_be_charged(const core::Leg& leg) {
    const bool has_money = leg.money == core::LegMoney::held || leg.money == core::LegMoney::taken;
    return has_money || leg.doing == core::Doing::doubt ||
           (leg.doing == core::Doing::call && core::takes_money(leg.verb));
}

Status status_of_failure(const core::Transaction& transaction) {
    if (std::any_of(transaction.legs.begin(), transaction.legs.end(), may_be_charged)) return Status::pending;
    const auto* refusal = last_refusal(transaction);
    constexpr std::string_view seats_gone[] = {"hold", "not_confirmed", "released"};
    const bool over = is_one_of(transaction.why, seats_gone);
    // A card that was refused stays refused when its seats are gone, too.
    const auto status = status_of_refusal(refusal);
    if (over && (refusal == nullptr || status == Status::unavailable || refusal->code == "hold_over"))
        return Status::over;
    return status;
}

std::string_view word_of(Status status, const core::Transaction& transaction) {
    if (transaction.phase == Phase::cancelled) return "Refunded";
    switch (status) {
        case Status::ok:
            return "Paid";
        case Status::pending:
            return "Ordered";
        case Status::declined:
        case Status::authentication_needed:
        case Status::unavailable:
        case Status::conflict:
            return "Failed";
        case Status::over:
            return "Cancelled";
    }
    return "Failed";
}

/// What it was paid with, by the kind of the credential.
std::string_view method_of(const core::Transaction& transaction) {
    constexpr std::pair<std::string_view, std::string_view> methods[] = {{"card", "Card"},
                                                                         {"borgun_token", "Card"},
                                                                         {"borgun_final", "Card3DSecure"},
                                                                         {"network_token", "ApplePay"}};
    if (transaction.legs.empty()) return "Free";
    for (const auto& [kind, word] : methods)
        if (transaction.legs.back().credential == kind) return word;
    return "Other";
}

Decimal decimal_of(const Money& money) {
    return {money.minor, money.currency.places()};
}

Money total_of(const core::Transaction& transaction) {
    Money total;
    for (const auto& bundle : transaction.bundles) {
        total.currency = bundle.amount.currency;
        total.minor += bundle.amount.minor;
    }
    return total;
}

void complete(Ticket& ticket, const core::Transaction& transaction, Status status) {
    const bool paid = status == Status::ok;
    const auto total = total_of(transaction);
    ticket.time_stamp_ordered = date_of(transaction.handed_over_at);
    if (paid && transaction.verdict_at) ticket.timestamp_bought = date_of(*transaction.verdict_at);
    ticket.payment_method_id = std::string(method_of(transaction));
    ticket.payment_reference = transaction.reference;
    ticket.ticket_token_id = transaction.id.text();
    ticket.ticket_status = std::string(word_of(status, transaction));
    ticket.is_free = total.minor == 0;
    ticket.currency = std::string(total.currency.code());
    ticket.total_paid_for_ticket = decimal_of(paid ? total : Money{0, total.currency});
    if (transaction.verdict_at) ticket.time_stamp_last_status_change = date_of(*transaction.verdict_at);
    if (!paid) ticket.scan_code.reset();
}

}  // namespace

Status status_of(const core::Transaction& transaction, bool at_work) {
    switch (transaction.phase) {
        case Phase::reserved:
        case Phase::confirming:
        case Phase::capturing:
            return Status::pending;
        case Phase::authorising:
            // Another way of paying may be awaited: what was tried was refused.
            return at_work || core::purchase_under_way(transaction)
                       ? Status::pending
                       : status_of_refusal(last_refusal(transaction));
        case Phase::purchased:
            return Status::ok;
        case Phase::failed:
            return status_of_failure(transaction);
        case Phase::released:
        case Phase::cancelled:
            return Status::over;
    }
    return Status::pending;
}

std::string document_of(const TicketAndDetails& tickets) {
    return print_object(Document{tickets}, Format::json);
}

std::optional<TicketAndDetails> tickets_in(std::string_view document_json) {
    const auto tree = read_json(document_json, "document");
    if (!tree || tree->kind != Node::Kind::object) return std::nullopt;
    Binding at;
    Document document;
    bind(at, *tree, document);
    if (!at.faults.empty()) return std::nullopt;
    return std::move(document.tickets);
}

TicketAndDetails completed(TicketAndDetails tickets, const core::Transaction& transaction, Status status,
                           Instant now) {
    if (!tickets.event_ticket) tickets.event_ticket.emplace();
    complete(*tickets.event_ticket, transaction, status);
    if (status != Status::ok && tickets.event_ticket_details)
        for (auto& line : *tickets.event_ticket_details) line.gate_access_codes.reset();
    if (!tickets.event_info) return tickets;
    const auto& event = *tickets.event_info;
    const auto start = event.time_of_event_utc.value_or(event.time_of_event);
    if (!start.is_set()) return tickets;
    const auto begins = start.instant();
    const auto ends = event.end_of_event_utc ? event.end_of_event_utc->instant() : begins;
    tickets.event_is_today =
        std::chrono::floor<std::chrono::days>(begins) == std::chrono::floor<std::chrono::days>(now);
    tickets.event_is_live = begins <= now && now < ends;
    tickets.minutes_to_event = std::chrono::floor<std::chrono::minutes>(begins - now).count();
    tickets.event_ticket->ticket_has_expired = ends < now;
    return tickets;
}

}  // namespace kassi::api::ticket_order
