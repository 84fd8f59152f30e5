#include "api/ticket_order/ordering.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "api/ticket_order/checks.hpp"
#include "api/ticket_order/fingerprint.hpp"
#include "api/ticket_order/outcome.hpp"
#include "api/ticket_order/payment.hpp"
#include "api/ticket_order/signature.hpp"
#include "providers/borgun/borgun.hpp"

namespace kassi::api::ticket_order {
namespace {

using core::Transaction;
using engine::Until;
using engine::View;

/// One order on its way.
struct Order {
    CallPointer call;
    TicketOrder request;
    Checked checked;
    engine::Meta::Once once;
    /// Of a card that is to be saved, once it is: pays in place of the card.
    std::optional<services::SavedCard> saved = std::nullopt;

    [[nodiscard]] bool saves_card() const {
        return checked.way == Way::card && request.card_info->save_card_to_token.value_or(false);
    }
    [[nodiscard]] const engine::Caller& caller() const { return *call->visitor.caller; }
};
using OrderPointer = std::shared_ptr<Order>;

struct GetTicketStatus {
    std::optional<std::string> ticket_token_id;
    std::optional<std::string> order_id;
    std::optional<bool> dont_return_tickets;
};
template <class Visitor, OneOf<GetTicketStatus> T>
void each_member(Visitor& visit, T& it) {
    visit("ticketTokenId", it.ticket_token_id);
    visit("orderId", it.order_id);
    visit("dontReturnTickets", it.dont_return_tickets);
}

Refusal wrong(std::string code, std::string field, std::string message) {
    return not_valid({{std::move(code), std::move(field), std::move(message)}});
}

std::string scope_of(const engine::Caller& caller) {
    return "ticket_order:" + caller.name;
}

/// What a claim of `found` stands for was asked on top of another's purchase: it only took note of that.
bool came_second(const Transaction& before) {
    return core::purchase_under_way(before) || core::has_verdict(before.phase);
}

/// The house fell over, or refused the card, between the hand-over and the purchase; or nobody could be
/// asked, or the card was forgotten when the house fell over. The same order brings its card along.
bool waits_for_card(const Transaction& transaction) {
    if (transaction.phase == core::Phase::reserved) return !transaction.purchase_asked_at;
    return transaction.phase == core::Phase::authorising && !core::purchase_under_way(transaction) &&
           status_of(transaction, false) == Status::unavailable;
}

std::string_view text_of(const std::optional<std::string>& value) {
    return value ? std::string_view(*value) : std::string_view();
}

// ---- what was handed over, and what is ordered ---------------------------------------------------------

std::vector<std::int64_t> line_amounts(const TicketOrder& request, int places, bool each_ticket) {
    std::vector<std::int64_t> amounts;
    for (const auto& line : *request.order_details) {
        const auto price = line.ticket_price.units(places).value_or(0);
        const auto times = each_ticket ? line.count : 1;
        amounts.insert(amounts.end(), static_cast<std::size_t>(times),
                       each_ticket ? price : price * line.count);
    }
    std::sort(amounts.begin(), amounts.end());
    return amounts;
}

/// Where what was handed over says what it consists of, the lines must be that: line by line, or ticket by
/// ticket.
bool lines_fit(const TicketOrder& request, const Transaction& transaction, const Money& total) {
    std::vector<std::int64_t> ordered;
    std::int64_t sum = 0;
    for (const auto& bundle : transaction.bundles) {
        for (const auto& order : bundle.orders) {
            ordered.push_back(order.amount.minor);
            sum += order.amount.minor;
        }
    }
    if (sum != total.minor || ordered.empty()) return true;
    std::sort(ordered.begin(), ordered.end());
    const int places = total.currency.places();
    return ordered == line_amounts(request, places, false) || ordered == line_amounts(request, places, true);
}

std::optional<Refusal> misfit(const std::vector<core::Bundle>& bundles, const Money& total) {
    std::int64_t sum = 0;
    for (const auto& bundle : bundles) {
        if (bundle.amount.currency != total.currency)
            return wrong("Equal", "order.currency",
                         "must be " + std::string(bundle.amount.currency.code()) + ", as it is sold");
        sum += bundle.amount.minor;
    }
    if (sum != total.minor) return wrong("Equal", "orderDetails", "must add up to what was reserved");
    return std::nullopt;
}

class Ordering : public std::enable_shared_from_this<Ordering> {
  public:
    explicit Ordering(const TicketOrderOptions& options)
        : engine_(options.engine),
          events_(options.events),
          bare_mpi_token_(options.bare_mpi_token),
          card_tokens_(options.card_tokens) {}

    void order(const CallPointer& call);
    void status(const CallPointer& call);

  private:
    /// An order by that key was there before.
    void again(const OrderPointer& order, const store::ClaimFound& found);
    void begin(const OrderPointer& order);
    void begin_handed_over(const OrderPointer& order, const Transaction& transaction);
    void hand_over(const OrderPointer& order);
    /// `keyed`: the purchase makes the claim; else the hand-over did.
    void pay(const OrderPointer& order, const Transaction& transaction, bool keyed);
    void purchase(const OrderPointer& order, const Transaction& transaction, bool keyed);
    void save_card(const OrderPointer& order, std::function<void()> next);
    void paid(const OrderPointer& order, const TransactionId& id, bool keyed, const Result<View>& after);
    void refused_payment(const OrderPointer& order, const TransactionId& id, const Error& error);
    void answer_when_known(const OrderPointer& order, const TransactionId& id);
    void answer(const CallPointer& call, const View& view, bool without_tickets,
                const services::SavedCard* saved = nullptr);
    static void answer_status(const CallPointer& call, Status status);

    [[nodiscard]] std::optional<Refusal> wrong_signature(const Order& order) const;
    [[nodiscard]] Result<View> find(const engine::Caller& caller, std::string_view name) const;
    /// Source -> merchant; empty for what costs nothing.
    [[nodiscard]] Outcome<std::map<std::string, std::string>> ways_for(
        const Order& order, const std::vector<core::Bundle>& bundles, std::string_view kind) const;
    [[nodiscard]] Outcome<engine::PurchaseRequest> purchase_for(const Order& order,
                                                                const std::vector<core::Bundle>& bundles,
                                                                std::string_view reference) const;
    [[nodiscard]] Outcome<std::string> bare_mpi_token(const Order& order, std::string_view merchant) const;
    [[nodiscard]] bool is_second(const store::ClaimFound& found) const;

    engine::Engine& engine_;
    std::shared_ptr<Events> events_;
    BareMpiToken bare_mpi_token_;
    services::CardTokens* card_tokens_;
};

// ---- the way in ---------------------------------------------------------------------------------------

void Ordering::order(const CallPointer& call) {
    const auto incoming = incoming_of(call->request, call->route);
    if (!incoming) return call->refuse(refusal_of(incoming.error()));
    auto request = read_request(*incoming);
    if (!request) return call->refuse(request.error());
    auto checked = check(*request);
    if (!checked) return call->refuse(checked.error());
    auto fingerprint = fingerprint_of(*request);
    auto key = key_of(*request, checked->total, checked->order_id, fingerprint);
    const auto order = std::make_shared<Order>(
        Order{call,
              std::move(*request),
              std::move(*checked),
              {scope_of(*call->visitor.caller), std::move(key), std::move(fingerprint)},
              std::nullopt});
    // A repeat is answered however old it is by now: clients send the same again by themselves.
    const auto found =
        engine_.store().find_claim({order->once.scope, order->once.key, order->once.fingerprint});
    if (found && found->same_fingerprint) return again(order, *found);
    if (const auto refusal = wrong_signature(*order)) return call->refuse(*refusal);
    if (found) return answer_status(call, Status::conflict);
    begin(order);
}

std::optional<Refusal> Ordering::wrong_signature(const Order& order) const {
    using Policy = engine::TicketOrderAccess::Signature;
    const auto& access = order.caller().ticket_order;
    const auto& given = order.request.signature;
    const bool says_something =
        given && (!text_of(given->signature).empty() || !given->system_secret.empty());
    if (access.signature == Policy::off || (access.signature == Policy::optional && !says_something))
        return std::nullopt;
    const SigningSystem system{access.system_id, access.secret, access.secret_is_enough};
    const auto sender =
        verify(order.request, order.checked.total, order.checked.order_id, &system, engine_.now());
    if (sender) return std::nullopt;
    return refusal_of(sender.error());
}

bool Ordering::is_second(const store::ClaimFound& found) const {
    if (found.version <= 1) return false;
    const auto before = engine_.as_of(found.transaction, found.version - 1);
    return before && came_second(*before);
}

void Ordering::again(const OrderPointer& order, const store::ClaimFound& found) {
    const auto view = engine_.view(found.transaction, "", order->caller().name);
    if (!view) return order->call->refuse(refusal_of(view.error()));
    if (is_second(found)) return answer_status(order->call, Status::conflict);
    const auto& transaction = view->transaction;
    if (waits_for_card(transaction)) return pay(order, transaction, false);
    answer_when_known(order, transaction.id);
}

Result<View> Ordering::find(const engine::Caller& caller, std::string_view name) const {
    auto id = TransactionId::parse(name, "id");
    if (!id) {
        const auto found = engine_.store().find_reference(name);
        if (!found) return Error{ErrorKind::not_found, "", "is not known"};
        id = *found;
    }
    return engine_.view(*id, "", caller.name);
}

void Ordering::begin(const OrderPointer& order) {
    const auto name = text_of(order->request.seat_reservation_token_id);
    if (!name.empty()) {
        const auto view = find(order->caller(), name);
        if (!view)
            return order->call->refuse(
                wrong("NotFound", "seatReservationTokenId", "is no reservation of this account's"));
        return begin_handed_over(order, view->transaction);
    }
    if (events_) return hand_over(order);
    order->call->refuse(wrong("NotEmpty", "seatReservationTokenId", "must name what was reserved"));
}

void Ordering::begin_handed_over(const OrderPointer& order, const Transaction& transaction) {
    order->call->transaction = transaction.id.text();
    if (auto refusal = misfit(transaction.bundles, order->checked.total))
        return order->call->refuse(*refusal);
    if (!lines_fit(order->request, transaction, order->checked.total))
        return order->call->refuse(wrong("Equal", "orderDetails", "must be the lines that were reserved"));
    if (transaction.policy.partial && transaction.bundles.size() > 1)
        return order->call->refuse(wrong("Predicate", "seatReservationTokenId",
                                         "may be bought in part: an order is all or nothing"));
    if (came_second(transaction) && transaction.purchase_asked_at)
        return answer_status(order->call, Status::conflict);
    pay(order, transaction, true);
}

void Ordering::hand_over(const OrderPointer& order) {
    auto offer = events_->offer(order->caller(), order->request, engine_.now());
    if (!offer) return order->call->refuse(offer.error());
    if (auto refusal = misfit(offer->bundles, order->checked.total)) return order->call->refuse(*refusal);
    // What cannot be paid is refused before it claims the order's name.
    const auto purchase = purchase_for(*order, offer->bundles, "");
    if (!purchase) return order->call->refuse(purchase.error());

    auto meta = order->call->meta();
    meta.once = order->once;
    engine_.hand_over({.system = order->caller().system,
                       .caller = order->caller().name,
                       .bundles = std::move(offer->bundles),
                       // The same order again may try where nobody could be asked: its name is taken.
                       .policy = core::Policy{.on_decline = core::OnDecline::again},
                       .held_until = offer->held_until,
                       .customer_json = {},
                       .document_json = document_of(offer->tickets)},
                      std::move(meta), [self = shared_from_this(), order](const Result<View>& view) {
                          if (!view) return self->refused_payment(order, {}, view.error());
                          self->pay(order, view->transaction, false);
                      });
}

// ---- paying -------------------------------------------------------------------------------------------

Outcome<std::map<std::string, std::string>> Ordering::ways_for(const Order& order,
                                                               const std::vector<core::Bundle>& bundles,
                                                               std::string_view kind) const {
    std::map<std::string, std::string> ways;
    for (const auto& bundle : bundles) {
        if (bundle.amount.minor == 0) continue;
        for (const auto& merchant : engine_.directory().ways(order.caller(), bundle.source)) {
            const auto* facts = engine_.registry().facts_of(merchant);
            if (facts == nullptr || std::find(facts->credentials.begin(), facts->credentials.end(), kind) ==
                                        facts->credentials.end())
                continue;
            ways.emplace(bundle.source, merchant);
            break;
        }
        if (!ways.contains(bundle.source))
            return wrong("Predicate", std::string(member_of(order.checked.way)),
                         "is no way of paying that this account has");
    }
    return ways;
}

Outcome<std::string> Ordering::bare_mpi_token(const Order& order, std::string_view merchant) const {
    constexpr std::string_view field = "borgun3DFinalInfo.threeDSecure.mpiToken";
    const auto& final = *order.request.borgun_final;
    const auto& given = final.three_d_secure->mpi_token.reveal();
    if (bare_mpi_token_) {
        auto bare = bare_mpi_token_(
            given, {order.caller(), merchant, final.payment_method->token.reveal(), order.checked.total});
        if (!bare) return wrong("Predicate", std::string(field), bare.error().message);
        return std::move(*bare);
    }
    if (order.caller().ticket_order.allow_foreign_mpi) return given;
    return wrong("Predicate", std::string(field), "was not issued here");
}

Outcome<engine::PurchaseRequest> Ordering::purchase_for(const Order& order,
                                                        const std::vector<core::Bundle>& bundles,
                                                        std::string_view reference) const {
    engine::PurchaseRequest purchase;
    auto credential = order.saved ? core::Credential{std::string(providers::borgun::token_kind),
                                                     order.saved->token.reveal()}
                                  : credential_of(order.request, order.checked, "", reference);
    if (!credential) return credential.error();
    auto ways = ways_for(order, bundles, credential->kind);
    if (!ways) return ways.error();
    purchase.ways = std::move(*ways);
    if (purchase.ways.empty()) return purchase;
    if (order.saved)
        for (auto& [source, merchant] : purchase.ways) merchant = order.saved->merchant;
    const auto& name = purchase.ways.begin()->second;
    if (order.checked.way == Way::final_charge) {
        const auto mpi_token = bare_mpi_token(order, name);
        if (!mpi_token) return mpi_token.error();
        credential = credential_of(order.request, order.checked, *mpi_token, reference);
        if (!credential) return credential.error();
    }
    const auto* merchant = engine_.registry().merchant(name);
    const auto fits =
        engine_.registry().flow(merchant->provider)->admit(*credential, *merchant, engine_.now());
    if (!fits) return refusal_of_payment(fits.error(), order.checked.way);
    purchase.shared_credential = std::move(*credential);
    return purchase;
}

/// A card that its owner wants kept becomes a token first, which then pays; so the gateway sees it once.
void Ordering::save_card(const OrderPointer& order, std::function<void()> next) {
    if (card_tokens_ == nullptr)
        return order->call->refuse(wrong("Predicate", "cardInfo.saveCardToToken", "no cards are saved here"));
    const auto& method = *order->request.card_info->payment_method;
    card_tokens_->save(order->caller(), method, "cardInfo.paymentMethod",
                       [order, next = std::move(next)](Outcome<services::SavedCard> saved) {
                           if (!saved && saved.error().kind == ErrorKind::conflict)
                               return answer_status(order->call, Status::declined);
                           if (!saved) return order->call->refuse(saved.error());
                           order->saved = std::move(*saved);
                           next();
                       });
}

void Ordering::pay(const OrderPointer& order, const Transaction& transaction, bool keyed) {
    order->call->transaction = transaction.id.text();
    if (!order->saves_card()) return purchase(order, transaction, keyed);
    save_card(order, [self = shared_from_this(), order, transaction, keyed] {
        self->purchase(order, transaction, keyed);
    });
}

void Ordering::purchase(const OrderPointer& order, const Transaction& transaction, bool keyed) {
    auto request = purchase_for(*order, transaction.bundles, transaction.reference);
    if (!request) return order->call->refuse(request.error());
    auto meta = order->call->meta();
    if (keyed) meta.once = order->once;
    engine_.purchase(transaction.id, std::move(*request), std::move(meta),
                     [self = shared_from_this(), order, id = transaction.id,
                      keyed](const Result<View>& after) { self->paid(order, id, keyed, after); });
}

void Ordering::paid(const OrderPointer& order, const TransactionId& id, bool keyed,
                    const Result<View>& after) {
    if (!after) return refused_payment(order, id, after.error());
    const bool moved = std::any_of(after->events.begin(), after->events.end(), [](const core::Event& event) {
        return !std::holds_alternative<core::Noted>(event);
    });
    // Another order was faster by a moment.
    if (keyed && !after->replayed && !moved) return answer_status(order->call, Status::conflict);
    answer_when_known(order, id);
}

/// Nothing was moved: the order's name is taken, its seats are gone, or the card has no proper form.
void Ordering::refused_payment(const OrderPointer& order, const TransactionId& id, const Error& error) {
    if (error.kind != ErrorKind::conflict)
        return order->call->refuse(refusal_of_payment(error, order->checked.way));
    if (error.field == "Idempotency-Key") return answer_status(order->call, Status::conflict);
    const auto view = engine_.view(id, "", order->caller().name);
    if (!view || view->transaction.phase == core::Phase::reserved)
        return answer_status(order->call, Status::over);
    answer(order->call, *view, order->request.dont_return_tickets.value_or(false));
}

// ---- the way out --------------------------------------------------------------------------------------

/// The work goes on without us when it takes too long.
void Ordering::answer_when_known(const OrderPointer& order, const TransactionId& id) {
    engine_.wait(id, Until::answer, engine_.settings().answer_within,
                 [self = shared_from_this(), order](const Result<View>& view) {
                     if (!view) return order->call->refuse(refusal_of(view.error()));
                     self->answer(order->call, *view, order->request.dont_return_tickets.value_or(false),
                                  order->saved ? &*order->saved : nullptr);
                 });
}

void Ordering::answer(const CallPointer& call, const View& view, bool without_tickets,
                      const services::SavedCard* saved) {
    const auto& transaction = view.transaction;
    call->transaction = transaction.id.text();
    const auto status = status_of(transaction, engine::at_work(transaction, Until::answer));
    auto result = result_of(status);
    if (!without_tickets && (status == Status::ok || status == Status::pending)) {
        const auto document = engine_.store().document(transaction.id);
        auto tickets = document ? tickets_in(*document) : std::nullopt;
        result.ticket_and_details =
            completed(tickets ? std::move(*tickets) : TicketAndDetails{}, transaction, status, engine_.now());
    }
    if (saved != nullptr && status != Status::declined) result.card_token = saved->token.reveal();
    call->answer(print(result, call->route.answer));
}

void Ordering::answer_status(const CallPointer& call, Status status) {
    call->answer(print(result_of(status), call->route.answer));
}

void Ordering::status(const CallPointer& call) {
    const auto incoming = incoming_of(call->request, call->route);
    if (!incoming) return call->refuse(refusal_of(incoming.error()));
    const auto asked = read_as<GetTicketStatus>(*incoming, "GetTicketStatusRequest");
    if (!asked) return call->refuse(asked.error());
    const auto& caller = *call->visitor.caller;
    const auto token = text_of(asked->ticket_token_id);
    const auto order_id = text_of(asked->order_id);
    if (token.empty() == order_id.empty())
        return call->refuse(
            wrong("NotEmpty", "ticketTokenId", "one of ticketTokenId and orderId must be given"));
    auto view = Result<View>(Error{ErrorKind::not_found, "", ""});
    if (!token.empty()) {
        view = find(caller, token);
    } else if (const auto found =
                   engine_.store().find_claim({scope_of(caller), key_of_order_id(order_id), ""})) {
        view = engine_.view(found->transaction, "", caller.name);
        if (is_second(*found)) return answer_status(call, Status::conflict);
    }
    if (!view)
        return call->refuse({ErrorKind::not_found, "NotFound", "there is no such order of this account's"});
    answer(call, *view, asked->dont_return_tickets.value_or(false));
}

}  // namespace

std::vector<Operation> ordering_operations(const TicketOrderOptions& options) {
    const auto ordering = std::make_shared<Ordering>(options);
    return {{ticket_order_operation, false, [ordering](const CallPointer& call) { ordering->order(call); }},
            {{"GetTicketStatusRequest", "/ticketOrder/status"}, false, [ordering](const CallPointer& call) {
                 ordering->status(call);
             }}};
}

}  // namespace kassi::api::ticket_order
