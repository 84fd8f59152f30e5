#include "api/ticket_order/services/finish.hpp"

#include <algorithm>
#include <utility>

#include "api/ticket_order/services/orders.hpp"
#include "api/ticket_order/services/results.hpp"
#include "api/ticket_order/writing.hpp"
#include "core/codec.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/borgun.hpp"

namespace kassi::api::ticket_order::services {
namespace {

namespace borgun = providers::borgun;

Refusal wrong(std::string field, std::string message, ErrorKind kind = ErrorKind::bad_request) {
    auto refusal = not_valid(
        {{kind == ErrorKind::bad_request ? "Predicate" : "Conflict", std::move(field), std::move(message)}});
    refusal.kind = kind;
    return refusal;
}

Refusal paid_otherwise() {
    return wrong("request.orderId", "is or was paid by another request", ErrorKind::conflict);
}

/// The newest leg that such a proof pays; nullptr: none.
const core::Leg* leg_of(const core::Transaction& transaction) {
    const auto found =
        std::find_if(transaction.legs.rbegin(), transaction.legs.rend(),
                     [](const core::Leg& leg) { return leg.credential == borgun::final_kind; });
    return found == transaction.legs.rend() ? nullptr : &*found;
}

/// What waits for a payment, all of it in one currency; nullopt: it does not add up to one payment.
std::optional<Money> amount_of(const core::Transaction& transaction) {
    std::optional<Money> sum;
    const auto waiting = core::uncovered(transaction);
    for (const auto& bundle : transaction.bundles) {
        if (std::find(waiting.begin(), waiting.end(), bundle.source) == waiting.end()) continue;
        if (sum && sum->currency != bundle.amount.currency) return std::nullopt;
        if (!sum) sum = Money{0, bundle.amount.currency};
        sum->minor += bundle.amount.minor;
    }
    return sum;
}

bool opened_a_leg(const std::vector<core::Event>& events) {
    return std::any_of(events.begin(), events.end(), [](const core::Event& event) {
        return std::holds_alternative<core::LegOpened>(event);
    });
}

}  // namespace

struct Finish::Order {
    CallPointer call;
    FinalWish wish;
    FinalPaths paths;
    std::string merchant;
    engine::Meta::Once once;

    /// The engine's and the flow's names, as the request spells them.
    [[nodiscard]] Refusal spelled(const Error& error) const {
        if (error.kind != ErrorKind::bad_request && error.kind != ErrorKind::conflict)
            return refusal_of(error);
        const auto ends = [&](std::string_view end) { return error.field.ends_with(end); };
        std::string field = "request.orderId";
        if (ends("borgun_final.token"))
            field = paths.token;
        else if (ends("borgun_final.amount"))
            field = "request.amount";
        else if (ends("borgun_final.currency"))
            field = "request.currency";
        else if (ends("borgun_final.mpiToken") || ends("borgun_final") || ends("credential"))
            field = paths.mpi_token;
        return wrong(std::move(field), error.message, error.kind);
    }
};

void Finish::pay(const CallPointer& call, FinalWish wish, const FinalPaths& paths) {
    const auto& caller = *call->visitor.caller;
    const auto* merchant = borgun_merchant(caller, engine_.registry());
    if (merchant == nullptr)
        return call->refuse({ErrorKind::forbidden,
                             "Forbidden",
                             "no way of paying by tokens of Borgun is set up for you",
                             {}});
    const auto view = find_order(engine_, caller, wish.order_id);
    if (!view) return call->refuse(wrong("request.orderId", view.error().message));
    call->transaction = view->transaction.id.text();
    auto order = std::make_shared<Order>(Order{call, std::move(wish), paths, merchant->name, {}});
    // Only HMACs of these are kept.
    order->once = {"ticket_order finish:" + caller.name, call->transaction + " " + order->wish.mpi_token,
                   order->wish.token + " " + std::to_string(order->wish.amount) + " " + order->wish.currency};
    begin(order, *view);
}

void Finish::begin(const OrderPointer& order, const engine::View& view) {
    const auto& call = order->call;
    const auto& transaction = view.transaction;
    // The repeat comes before everything that changes with time.
    const auto& once = order->once;
    if (const auto known = engine_.store().find_claim({once.scope, once.key, once.fingerprint})) {
        if (!known->same_fingerprint) return call->refuse(paid_otherwise());
        return wait(order, transaction.id);
    }
    if (core::purchase_under_way(transaction) || core::has_verdict(transaction.phase))
        return call->refuse(paid_otherwise());
    const auto amount = amount_of(transaction);
    if (!amount) return call->refuse(wrong("request.orderId", "is of an order that is not one payment"));
    const auto number = borgun::number_of(amount->currency);
    if (!order->wish.currency.empty() && order->wish.currency != number)
        return call->refuse(wrong("request.currency", "is not the order's: " + number));
    const auto said = borgun::from_wire(order->wish.amount, number);
    if (!said || said->minor != amount->minor)
        return call->refuse(
            wrong("request.amount", "is not the order's, with two decimal places and without the point"));
    const auto& caller = *call->visitor.caller;
    const auto bare =
        proofs_.bare_token(order->wish.mpi_token, {caller.name, order->merchant, order->wish.token, *amount},
                           caller.ticket_order.allow_foreign_mpi, engine_.now());
    if (!bare) return call->refuse(wrong(order->paths.mpi_token, bare.error().message));
    engine::PurchaseRequest purchase;
    for (const auto& source : core::uncovered(transaction)) purchase.ways[source] = order->merchant;
    purchase.shared_credential =
        core::Credential{std::string(borgun::final_kind), final_credential(order->wish, *bare, number)};
    auto meta = call->meta();
    meta.once = order->once;
    engine_.purchase(transaction.id, std::move(purchase), std::move(meta),
                     [this, order](const Result<engine::View>& done) {
                         if (!done) return order->call->refuse(order->spelled(done.error()));
                         wait(order, done->transaction.id);
                     });
}

/// Whoever claimed the key began a payment: not so who came while another's was under way.
bool Finish::is_repeat(const Order& order, const core::Transaction& transaction) const {
    const auto known =
        engine_.store().find_claim({order.once.scope, order.once.key, order.once.fingerprint, {}});
    if (!known || known->transaction != transaction.id) return false;
    for (const auto& stored : engine_.store().journal(transaction.id)) {
        if (stored.version != known->version) continue;
        const auto row = core::parse_row(stored.json);
        return row && opened_a_leg(row->events);
    }
    return false;
}

void Finish::wait(const OrderPointer& order, const TransactionId& id) {
    engine_.wait(id, engine::Until::answer, engine_.settings().answer_within,
                 [this, order](const Result<engine::View>& view) {
                     if (!view) return order->call->refuse(order->spelled(view.error()));
                     if (!is_repeat(*order, view->transaction)) return order->call->refuse(paid_otherwise());
                     answer(order, view->transaction);
                 });
}

void Finish::answer(const OrderPointer& order, const core::Transaction& transaction) {
    auto out = finish_answer(transaction, leg_of(transaction), order->wish.order_id);
    const auto print = [order](const Answer<FinishAnswer>& done) {
        order->call->answer(print_object(done, order->call->route.answer));
    };
    if (!out.response->transaction_id || out.http_status_code == pending_status) return print(out);
    // Authorisation code, kind of card and the like are in no journal: the gateway has them. Should it not
    // answer, the payment stands all the same.
    auto look = borgun::services::payment(*out.response->transaction_id);
    desk_.ask(order->merchant, std::move(look), gateway_budget,
              [print, out = std::move(out)](const core::Heard& heard) mutable {
                  const auto* response = response_in(heard);
                  const auto details =
                      response == nullptr ? std::nullopt : borgun::services::read_details(*response);
                  if (details) add_details(*out.response, *details);
                  print(out);
              });
}

}  // namespace kassi::api::ticket_order::services
