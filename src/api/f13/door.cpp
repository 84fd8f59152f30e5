#include "api/f13/door.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "api/call_log.hpp"
#include "api/f13/cancel.hpp"
#include "api/f13/card.hpp"
#include "api/f13/customer.hpp"
#include "api/f13/document.hpp"
#include "api/f13/print.hpp"
#include "api/f13/request.hpp"
#include "api/printed.hpp"
#include "core/codec.hpp"

namespace kassi::api {
namespace f13 {
namespace {

using core::Phase;
using core::Transaction;
using engine::Until;
using engine::View;

/// The engine's names for what F13 calls otherwise; "" for what no parameter says.
Error spelled_as_here(Error error, const Fields& fields) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 8> names{
        {{"transaction", "transaction_uuid"},
         {"return", "return_token"},
         {"token", "this"},
         {"next_token", "next"},
         {"items", "cancel_items_list"},
         {"held_until", ""},
         {"leg", ""},
         {"amount", ""}}};
    if (error.field.starts_with("ways.")) error.field.clear();
    if (auto parameter = card_parameter(error.field); !parameter.empty()) error.field = std::move(parameter);
    constexpr std::string_view credentials = "credentials.";
    if (error.field.starts_with(credentials))
        error.field = credential_parameter(std::string_view(error.field).substr(credentials.size()), fields);
    for (const auto& [theirs, ours] : names) {
        if (error.field != theirs) continue;
        error.field = ours;
        break;
    }
    return error;
}

Error unknown_transaction(std::string_view field) {
    return bad_request(std::string(field), "is not a known transaction");
}

bool bought(Phase phase) {
    return phase == Phase::purchased || phase == Phase::cancelled;
}

/// A purchase that is asked for now takes a customer: what comes along with a repeat, or too late, changes
/// nothing and is not looked at.
bool takes_customer(const Transaction& transaction) {
    return transaction.phase == Phase::reserved ||
           (transaction.phase == Phase::authorising && !core::purchase_under_way(transaction));
}

/// One call on its way through the door.
struct Call {
    Target target;
    Fields fields;
    Reply reply;
    std::string method;
    const engine::Caller* caller = nullptr;
    engine::Meta meta;
    std::string request_id;   ///< the tracking id, else the client's X-Request-Id, else a new one
    std::string transaction;  ///< for the log

    void finish(HttpResponse response, std::string_view why = {}) const {
        response.headers.emplace_back("X-Request-Id", request_id);
        log_call({.door = "f13",
                  .method = method,
                  .operation = target.endpoint,
                  .status = response.status,
                  .who = {"caller", caller == nullptr ? std::string_view() : std::string_view(caller->name)},
                  .transaction = transaction,
                  .why = why,
                  .request_id = request_id,
                  .is_read = method == "GET"});
        reply(std::move(response));
    }
    void answer(std::string json) const { finish(json_response(200, std::move(json))); }
    void refuse(const Error& error) const {
        if (auto card = card_response(error)) return finish(std::move(*card), reason_of(error));
        finish(error_response(spelled_as_here(error, fields)), reason_of(error));
    }
};
using CallPointer = std::shared_ptr<Call>;

class Door : public std::enable_shared_from_this<Door> {
  public:
    explicit Door(F13Options options)
        : engine_(options.engine),
          passwords_(options.passwords),
          box_office_(std::move(options.box_office)),
          house_(house_of(engine_)) {}

    void handle(const HttpRequest& request, Reply reply);

  private:
    using Serve = void (Door::*)(const CallPointer&);
    struct Endpoint {
        std::string_view name;
        std::string_view method;
        Serve serve;
    };
    static const std::array<Endpoint, 9>& endpoints();
    [[nodiscard]] Result<std::string_view> method_of(std::string_view endpoint) const;
    void serve(const CallPointer& call);

    void test(const CallPointer& call);
    void release(const CallPointer& call);
    void reserve_page(const CallPointer& call);
    void status(const CallPointer& call);
    void status_by_reference(const CallPointer& call);
    void purchase(const CallPointer& call);
    void purchase_page(const CallPointer& call);
    void callback(const CallPointer& call);
    void cancel(const CallPointer& call);

    // ---- helpers --------------------------------------------------------------------------------------
    using Record = std::shared_ptr<const store::Loaded>;
    /// The caller's own transaction that transaction_uuid names.
    Result<Record> own_record(const CallPointer& call);
    Result<View> own(const CallPointer& call);
    [[nodiscard]] Document document_of(const Transaction& transaction) const;
    [[nodiscard]] std::string remote_site_of(const Transaction& transaction) const;
    [[nodiscard]] std::string printed(const CallPointer& call, const View& view,
                                      std::string (*how)(const Page&),
                                      std::optional<std::string> customer) const;
    void answer_purchase(const CallPointer& call, const TransactionId& id);
    void print_view_of_purchase(const CallPointer& call, const View& view) const;
    void print_status_of(const CallPointer& call, const Record& record);
    [[nodiscard]] FactsOf facts_of() const;
    void drop_untaken(std::map<std::string, core::Credential>& credentials,
                      const engine::Caller& caller) const;
    void print_page_of_purchase(const CallPointer& call, const Transaction& present) const;
    void refuse_return(const CallPointer& call, const Error& error) const;
    void cancelled(const CallPointer& call, const TransactionId& id, const Items& items);

    engine::Engine& engine_;
    Passwords& passwords_;
    std::shared_ptr<BoxOffice> box_office_;
    House house_;
    Printed statuses_;
};

// ---- the way in ---------------------------------------------------------------------------------------
const std::array<Door::Endpoint, 9>& Door::endpoints() {
    static constexpr std::array<Endpoint, 9> all{{
        {"callback.v1", "POST", &Door::callback},
        {"cancel.v1", "POST", &Door::cancel},
        {"purchase.v1", "POST", &Door::purchase},
        {"purchase_page_archive.v1", "GET", &Door::purchase_page},
        {"release.v1", "POST", &Door::release},
        {"reserve_page_archive.v1", "GET", &Door::reserve_page},
        {"status.v1", "GET", &Door::status},
        {"test.v1", "GET", &Door::test},
        {"trans_id_status.v1", "GET", &Door::status_by_reference},
    }};
    return all;
}

Result<std::string_view> Door::method_of(std::string_view endpoint) const {
    for (const auto& own_endpoint : endpoints()) {
        if (own_endpoint.name == endpoint) return own_endpoint.method;
    }
    if (box_office_) {
        for (const auto& offered : box_office_->endpoints()) {
            if (offered.name == endpoint) return offered.method;
        }
    }
    return Error{ErrorKind::not_found, "", "there is no such endpoint"};
}

void Door::handle(const HttpRequest& request, Reply reply) {
    const auto call = std::make_shared<Call>();
    call->reply = std::move(reply);
    call->method = request.method;
    // Whatever is wrong with a call, it is known under its id.
    auto fields = request_fields(request, true);
    if (fields) call->meta.tracking = read_tracking(*fields);
    call->request_id = call->meta.tracking.empty() ? request_id_of(request) : call->meta.tracking;
    auto target = read_target(request.path());
    if (!target) return call->refuse(target.error());
    call->target = std::move(*target);
    // Fields that cannot be read are refused last: that does not hide whose call it is.

    const auto method = method_of(call->target.endpoint);
    if (!method) return call->refuse(method.error());
    if (request.method != *method) {
        const Error error{ErrorKind::method_not_allowed, "", "wrong method: use " + std::string(*method)};
        auto response = error_response(error);
        response.headers.emplace_back("Allow", std::string(*method));
        return call->finish(std::move(response), error.message);
    }
    passwords_.check_basic(request.header("Authorization"),
                           [self = shared_from_this(), call,
                            fields = std::move(fields)](const Result<const engine::Caller*>& caller) mutable {
                               if (!caller) return call->refuse(caller.error());
                               call->caller = *caller;
                               call->meta.by = "caller " + (*caller)->name;
                               if (!fields) return call->refuse(fields.error());
                               call->fields = std::move(*fields);
                               self->serve(call);
                           });
}

void Door::serve(const CallPointer& call) {
    for (const auto& endpoint : endpoints()) {
        if (endpoint.name == call->target.endpoint) return (this->*endpoint.serve)(call);
    }
    box_office_->handle({*call->caller, call->target.endpoint, std::move(call->fields), call->meta},
                        [call](Result<std::string> json) {
                            if (!json) return call->refuse(json.error());
                            call->answer(std::move(*json));
                        });
}

// ---- helpers ------------------------------------------------------------------------------------------
Result<Door::Record> Door::own_record(const CallPointer& call) {
    constexpr std::string_view field = "transaction_uuid";
    const auto text = read_required(call->fields, field);
    if (!text) return text.error();
    const auto id = TransactionId::parse(*text, field);
    if (!id) return id.error();
    call->transaction = id->text();
    auto record = engine_.record(*id, "", call->caller->name);
    if (!record && record.error().kind == ErrorKind::not_found) return unknown_transaction(field);
    return record;
}

Result<View> Door::own(const CallPointer& call) {
    const auto record = own_record(call);
    if (!record) return record.error();
    return engine::view_of(**record);
}

Document Door::document_of(const Transaction& transaction) const {
    const auto json = engine_.store().document(transaction.id);
    return json ? read_document(*json) : Document{};
}

std::string Door::remote_site_of(const Transaction& transaction) const {
    if (status_word(transaction.phase) != "attempting") return {};
    const auto loaded = engine_.store().load(transaction.id);
    return loaded && loaded->papers.journey ? loaded->papers.journey->remote_site : std::string();
}

std::string Door::printed(const CallPointer& call, const View& view, std::string (*how)(const Page&),
                          std::optional<std::string> customer) const {
    const auto document = document_of(view.transaction);
    const auto remote_site = remote_site_of(view.transaction);
    return how(Page{.house = house_,
                    .caller = *call->caller,
                    .transaction = view.transaction,
                    .document = document,
                    .now = engine_.now(),
                    .callout = view.callout ? &*view.callout : nullptr,
                    .customer_json = std::move(customer),
                    .remote_site = remote_site});
}

void Door::print_view_of_purchase(const CallPointer& call, const View& view) const {
    call->answer(printed(
        call, view, print_purchase,
        bought(view.transaction.phase) ? engine_.store().customer(view.transaction.id) : std::nullopt));
}

/// Waits for an answer to print; the work goes on without us.
void Door::answer_purchase(const CallPointer& call, const TransactionId& id) {
    engine_.wait(id, Until::answer, engine_.settings().answer_within,
                 [self = shared_from_this(), call](const Result<View>& view) {
                     if (!view) return call->refuse(view.error());
                     self->print_view_of_purchase(call, *view);
                 });
}

// ---- endpoints ----------------------------------------------------------------------------------------
void Door::test(const CallPointer& call) {
    const auto* sub_user = find_field(call->fields, "sub_id");
    call->answer(
        print_user(*call->caller, sub_user == nullptr ? std::string_view() : std::string_view(*sub_user)));
}

void Door::release(const CallPointer& call) {
    const auto view = own(call);
    if (!view) return call->refuse(view.error());
    const auto answer = [call](bool released) {
        call->answer(released ? R"({"released_ok":true})" : R"({"released_ok":false})");
    };
    const auto phase = view->transaction.phase;
    if (phase == Phase::released || phase == Phase::failed) return answer(true);
    if (bought(phase)) return answer(false);
    engine_.submit(
        view->transaction.id, core::Release{}, call->meta, [call, answer](const Result<View>& after) {
            // Bought at this very moment: a result and not an error.
            if (!after && after.error().kind == ErrorKind::conflict) return answer(false);
            if (!after) return call->refuse(after.error());
            answer(after->transaction.phase == Phase::released || after->transaction.phase == Phase::failed);
        });
}

void Door::reserve_page(const CallPointer& call) {
    const auto view = own(call);
    if (!view) return call->refuse(view.error());
    if (engine_.now() > view->transaction.handed_over_at + reserve_page_kept)
        return call->refuse(
            Error{ErrorKind::gone, "transaction_uuid", "its reservation is too old to be read again"});
    const auto then = engine_.as_of(view->transaction.id, 1);
    if (!then) return call->refuse(then.error());
    const auto document = document_of(*then);
    call->answer(print_reservation(Page{.house = house_,
                                        .caller = *call->caller,
                                        .transaction = *then,
                                        .document = document,
                                        .now = then->handed_over_at,
                                        .callout = nullptr,
                                        .customer_json = std::nullopt,
                                        .remote_site = {}}));
}

void Door::print_status_of(const CallPointer& call, const Record& record) {
    const auto add_customer = read_flag(call->fields, "add_customer");
    if (!add_customer) return call->refuse(add_customer.error());
    const auto& transaction = record->transaction;
    const bool with_customer = *add_customer && bought(transaction.phase);
    const auto print = [&] {
        return printed(call, engine::view_of(*record), print_status,
                       with_customer ? engine_.store().customer(transaction.id) : std::nullopt);
    };
    // Of what may be forgotten, and of what says how long it is still held, there is nothing to keep.
    const bool keeps = !with_customer && core::has_verdict(transaction.phase);
    call->answer(keeps ? statuses_.of(record, print) : print());
}

void Door::status(const CallPointer& call) {
    const auto record = own_record(call);
    if (!record) return call->refuse(record.error());
    print_status_of(call, *record);
}

void Door::status_by_reference(const CallPointer& call) {
    constexpr std::string_view field = "transaction_id";
    const auto reference = read_required(call->fields, field);
    if (!reference) return call->refuse(reference.error());
    const auto id = engine_.store().find_reference(*reference);
    if (!id) return call->refuse(unknown_transaction(field));
    call->transaction = id->text();
    const auto record = engine_.record(*id, "", call->caller->name);
    if (!record) return call->refuse(unknown_transaction(field));
    print_status_of(call, *record);
}

void Door::purchase(const CallPointer& call) {
    const auto view = own(call);
    if (!view) return call->refuse(view.error());
    const auto& transaction = view->transaction;
    // A repeat on what is bought gives the answer of the purchase, whatever was cancelled since.
    if (bought(transaction.phase)) return print_page_of_purchase(call, transaction);

    engine::PurchaseRequest request;
    request.returns = read_returns(call->fields);
    request.ask_by_callout = true;
    auto credentials = read_credentials(call->fields);
    if (!credentials) return call->refuse(credentials.error());
    request.credentials = std::move(*credentials);
    drop_untaken(request.credentials, *call->caller);
    request.shared_credential = take_card(call->fields);
    if (takes_customer(transaction)) {
        const auto* email = find_field(call->fields, "email_address");
        if (const auto fault = email_fault(email == nullptr ? std::string_view() : *email))
            return call->finish(error_response(*fault), std::string("email_address ").append(fault->text));
        const auto document = document_of(transaction);
        auto customer = read_customer(
            call->fields, {.allowed = document.countries,
                           .needs_email_address = document.needs_email_address,
                           .needs_agent_reference = document.needs_agent_reference,
                           .may_be_absent = engine_.store().customer(transaction.id).has_value()});
        if (!customer) return call->refuse(customer.error());
        request.customer_json = std::move(*customer);
    }
    const auto id = transaction.id;
    engine_.purchase(id, std::move(request), call->meta,
                     [self = shared_from_this(), call, id](const Result<View>& after) {
                         if (!after) return call->refuse(after.error());
                         self->answer_purchase(call, id);
                     });
}

void Door::purchase_page(const CallPointer& call) {
    const auto view = own(call);
    if (!view) return call->refuse(view.error());
    const auto& present = view->transaction;
    if (!present.purchase_asked_at)
        return call->refuse(bad_request("transaction_uuid", "has not been purchased"));
    if (!core::has_verdict(present.phase)) return print_view_of_purchase(call, *view);
    if (present.verdict_at && engine_.now() > *present.verdict_at + purchase_page_kept)
        return call->refuse(
            Error{ErrorKind::gone, "transaction_uuid", "its purchase is too old to be read again"});
    print_page_of_purchase(call, present);
}

void Door::print_page_of_purchase(const CallPointer& call, const Transaction& present) const {
    // As it was when the verdict fell: what was cancelled later is not part of this page.
    View then;
    for (const auto& row : engine_.store().journal(present.id)) {
        const auto parsed = core::parse_row(row.json);
        if (!parsed) return call->refuse(parsed.error());
        core::apply_row(then.transaction, *parsed);
        if (core::has_verdict(then.transaction.phase)) break;
    }
    print_view_of_purchase(call, then);
}

void Door::callback(const CallPointer& call) {
    engine_.returned(call->caller->name, call->target.this_token,
                     without_call_parameters(std::move(call->fields)), call->target.next_token, call->meta,
                     [self = shared_from_this(), call](const Result<engine::Engine::ReturnOutcome>& outcome) {
                         if (!outcome) return self->refuse_return(call, outcome.error());
                         const auto& id = outcome->view.transaction.id;
                         // A token is good for one call; what became of it is in status.v1.
                         if (outcome->repeat)
                             return self->refuse_return(
                                 call, Error{ErrorKind::gone, "this", "was used before by the same return"});
                         call->transaction = id.text();
                         self->answer_purchase(call, id);
                     });
}

void Door::refuse_return(const CallPointer& call, const Error& error) const {
    if (const auto known = engine_.token_of(call->caller->name, call->target.this_token))
        call->transaction = known->transaction.text();
    if (error.kind != ErrorKind::gone) return call->refuse(error);
    // f13.md 1.3: what clients read of every callout that is gone.
    call->finish(error_response(Error{ErrorKind::gone, "", "transaction failed"}), reason_of(error));
}

// ---- cancel -------------------------------------------------------------------------------------------
void Door::cancel(const CallPointer& call) {
    const auto view = own(call);
    if (!view) return call->refuse(view.error());
    const auto& transaction = view->transaction;
    const auto wanted = read_items(call->fields, "cancel_items_list");
    if (!wanted) return call->refuse(wanted.error());
    for (const auto item : *wanted) {
        if (!has_item(transaction, item))
            return call->refuse(bad_request("cancel_items_list", "names item " + std::to_string(item) +
                                                                     ", which is not in this transaction"));
    }
    if (!bought(transaction.phase))
        return call->refuse(bad_request(
            "transaction_uuid", "is " + std::string(status_word(transaction.phase)) + " and not purchased"));
    const auto items = cancellable(transaction, facts_of(), *wanted);
    if (items.empty()) return cancelled(call, transaction.id, {});
    if (const auto more = must_go_too(transaction, facts_of(), items); !more.empty()) {
        const auto document = document_of(transaction);
        return call->answer(print_must_also_cancel(Page{.house = house_,
                                                        .caller = *call->caller,
                                                        .transaction = transaction,
                                                        .document = document,
                                                        .now = engine_.now(),
                                                        .callout = nullptr,
                                                        .customer_json = std::nullopt,
                                                        .remote_site = {}},
                                                   more));
    }
    engine_.submit(transaction.id, core::Cancel{items}, call->meta,
                   [self = shared_from_this(), call, id = transaction.id](const Result<View>& after) {
                       // Another call at the same moment cancelled them all.
                       const bool nothing_left = !after && after.error().kind == ErrorKind::conflict &&
                                                 after.error().field == "items";
                       if (!after && !nothing_left) return call->refuse(after.error());
                       self->cancelled(call, id, after ? items_cancelled_by(after->events) : Items{});
                   });
}

/// These are the fields of callouts that need not come (f13.md section 2); where none could come, nobody
/// reads them.
void Door::drop_untaken(std::map<std::string, core::Credential>& credentials,
                        const engine::Caller& caller) const {
    std::erase_if(credentials, [&](const auto& brought) {
        const auto& [source, credential] = brought;
        const auto ways = engine_.directory().ways(caller, source);
        return std::none_of(
            ways.begin(), ways.end(), [&, kind = credential.kind](const std::string& merchant) {
                const auto* facts = engine_.registry().facts_of(merchant);
                return facts != nullptr && std::find(facts->credentials.begin(), facts->credentials.end(),
                                                     kind) != facts->credentials.end();
            });
    });
}

FactsOf Door::facts_of() const {
    return [this](std::string_view merchant) { return house_.facts_of(merchant); };
}

/// Waits for the refunds, then prints which of `items`, begun by this call, are cancelled.
void Door::cancelled(const CallPointer& call, const TransactionId& id, const Items& items) {
    engine_.wait(
        id, Until::rest, engine_.settings().answer_within,
        [self = shared_from_this(), call, items](const Result<View>& view) {
            if (!view) return call->refuse(view.error());
            const auto& transaction = view->transaction;
            const auto document = self->document_of(transaction);
            Items done;
            for (const auto& bundle : transaction.bundles) {
                for (const auto& order : bundle.orders) {
                    if (std::find(items.begin(), items.end(), order.item) != items.end() &&
                        cancellation_word(transaction, bundle, order, self->facts_of()) == "cancelled")
                        done.push_back(order.item);
                }
            }
            call->answer(print_cancellation(Page{.house = self->house_,
                                                 .caller = *call->caller,
                                                 .transaction = transaction,
                                                 .document = document,
                                                 .now = self->engine_.now(),
                                                 .callout = nullptr,
                                                 .customer_json = std::nullopt,
                                                 .remote_site = {}},
                                            done));
        });
}

}  // namespace
}  // namespace f13

Mount f13_door(F13Options options) {
    return {"/f13/",
            [door = std::make_shared<f13::Door>(std::move(options))](
                const HttpRequest& request, Reply reply) { door->handle(request, std::move(reply)); }};
}

}  // namespace kassi::api
