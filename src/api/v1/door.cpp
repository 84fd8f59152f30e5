#include "api/v1/door.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "api/call_log.hpp"
#include "api/printed.hpp"
#include "api/router.hpp"
#include "api/v1/apple_pay.hpp"
#include "api/v1/openapi.hpp"
#include "api/v1/printing.hpp"
#include "api/v1/problem.hpp"
#include "api/v1/requests.hpp"
#include "base/crypto.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace kassi::api::v1 {
namespace {

using engine::Engine;
using engine::Meta;
using engine::Until;
using engine::View;

struct Route;

/// One request on its way through the door.
struct Call {
    HttpRequest request;
    Reply reply;
    std::string request_id;
    std::string tracking;  ///< "" when the client gave no X-Request-Id
    const Route* route = nullptr;
    const engine::System* system = nullptr;
    std::vector<std::string> arguments;  ///< what stood for {id}, {n}, ...
    std::string transaction;             ///< for the log, where known
};
using CallPtr = std::shared_ptr<Call>;

class Door {
  public:
    Door(Engine& engine, MerchantSessions* sessions) : engine_(engine), sessions_(sessions) {}

    void open(HttpRequest request, Reply reply);

    void openapi(const CallPtr& call);
    void hand_over(const CallPtr& call);
    void list(const CallPtr& call);
    void read(const CallPtr& call);
    void hold(const CallPtr& call);
    void confirm(const CallPtr& call);
    void purchase(const CallPtr& call);
    void open_session(const CallPtr& call);
    void release(const CallPtr& call);
    void cancel(const CallPtr& call);
    void refund(const CallPtr& call);
    void settle(const CallPtr& call);
    void journal(const CallPtr& call);
    void explain(const CallPtr& call);
    void callback(const CallPtr& call);
    void statement(const CallPtr& call);
    void balances(const CallPtr& call);
    void ways(const CallPtr& call);

  private:
    [[nodiscard]] const engine::System* authenticate(std::string_view authorization) const;
    using Record = std::shared_ptr<const store::Loaded>;
    Result<Record> my_record(Call& call) const;
    Result<View> mine(Call& call) const;
    /// `field`: where the name stands.
    Result<const engine::Caller*> my_caller(const Call& call, const std::string& name,
                                            std::string_view field) const;
    void submit(const CallPtr& call, core::InputBody body, std::string by, Until until);
    void answer_when(const CallPtr& call, Result<View> view, Until until);
    [[nodiscard]] HttpResponse answer(const View& view, Until until) const;
    static void refuse(const CallPtr& call, Error error);
    static void finish(const CallPtr& call, HttpResponse response, std::string_view why = {});
    static Meta meta(const Call& call, std::string by);

    Engine& engine_;
    MerchantSessions* sessions_;  ///< nullptr: nobody asks Apple
    Printed printed_;
};

struct Route {
    std::string_view method, path;
    void (Door::*act)(const CallPtr&);
    bool is_open = false;  ///< needs no key
};

constexpr std::array routes{
    Route{"GET", "/v1/openapi.yaml", &Door::openapi, true},
    Route{"POST", "/v1/transactions", &Door::hand_over},
    Route{"GET", "/v1/transactions", &Door::list},
    Route{"GET", "/v1/transactions/{id}", &Door::read},
    Route{"POST", "/v1/transactions/{id}/hold", &Door::hold},
    Route{"POST", "/v1/transactions/{id}/confirm", &Door::confirm},
    Route{"POST", "/v1/transactions/{id}/purchase", &Door::purchase},
    Route{"POST", "/v1/transactions/{id}/apple-pay-session", &Door::open_session},
    Route{"POST", "/v1/transactions/{id}/release", &Door::release},
    Route{"POST", "/v1/transactions/{id}/cancel", &Door::cancel},
    Route{"POST", "/v1/transactions/{id}/refunds", &Door::refund},
    Route{"POST", "/v1/transactions/{id}/legs/{n}/settle", &Door::settle},
    Route{"GET", "/v1/transactions/{id}/journal", &Door::journal},
    Route{"GET", "/v1/transactions/{id}/explain", &Door::explain},
    Route{"POST", "/v1/callbacks/{token}", &Door::callback},
    Route{"GET", "/v1/callers/{name}/statement", &Door::statement},
    Route{"GET", "/v1/callers/{name}/balances", &Door::balances},
    Route{"GET", "/v1/ways", &Door::ways},
};

/// Cuts the first segment with its slash off `path`.
std::string_view next_segment(std::string_view& path) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

/// Error: bad_request naming "path".
Result<std::string> decoded(std::string_view segment) {
    constexpr bool plus_is_blank = false;
    auto text = encoding::percent_decode(segment, plus_is_blank, "path");
    if (text && !encoding::is_utf8(*text)) return bad_request("path", "is not valid UTF-8");
    return text;
}

/// What is wrong with an address that fits no pattern: it is malformed, or nothing is there.
Error fault_of_path(std::string_view path) {
    while (!path.empty())
        if (const auto text = decoded(next_segment(path)); !text) return text.error();
    return {ErrorKind::not_found, "", "There is nothing at this address."};
}

bool is_argument(std::string_view wanted) {
    return wanted.starts_with('{');
}

bool fits(std::string_view pattern, std::string_view path) {
    while (!pattern.empty() && !path.empty()) {
        const auto wanted = next_segment(pattern), given = next_segment(path);
        if (is_argument(wanted) ? given.empty() : wanted != given) return false;
    }
    return pattern.empty() && path.empty();
}

/// What stands for the names in the pattern, which the path fits; nothing when one of them is malformed.
std::optional<std::vector<std::string>> arguments_of(std::string_view pattern, std::string_view path) {
    std::vector<std::string> arguments;
    while (!pattern.empty()) {
        const auto wanted = next_segment(pattern), given = next_segment(path);
        if (!is_argument(wanted)) continue;
        auto argument = decoded(given);
        if (!argument) return std::nullopt;
        arguments.push_back(std::move(*argument));
    }
    return arguments;
}

/// "GET, POST"; "" there is nothing at this address.
std::string methods_of(std::string_view path) {
    std::string methods;
    for (const auto& route : routes)
        if (fits(route.path, path) && arguments_of(route.path, path))
            methods += (methods.empty() ? "" : ", ") + std::string(route.method);
    return methods;
}

constexpr std::string_view key_header = "Idempotency-Key";

/// None is lawful; one that is there must be a key, or two requests would go where one was meant.
std::optional<Error> fault_of_key(const HttpRequest& request) {
    const auto refused = [](std::string why) { return bad_request(std::string(key_header), std::move(why)); };
    const auto count = std::count_if(request.headers.begin(), request.headers.end(), [](const auto& header) {
        return same_header_name(header.first, key_header);
    });
    if (count == 0) return std::nullopt;
    if (count > 1) return refused("is given twice");
    const auto key = request.header(key_header);
    if (key.empty()) return refused("must not be empty");
    const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
    if (key.size() > limits::idempotency_key_bytes_max || !printable)
        return refused("must be " + std::to_string(limits::idempotency_key_bytes_max) +
                       " printable ASCII characters at most");
    return std::nullopt;
}

std::optional<Error> fault_of_head(const HttpRequest& request) {
    const auto id = request.header("X-Request-Id");
    if (!id.empty() && !is_request_id(id))
        return bad_request("X-Request-Id",
                           "must be " + std::to_string(limits::tracking_id_bytes_max) +
                               " printable ASCII characters at most, without blanks, and no card number");
    if (request.method != "POST") return std::nullopt;
    if (auto error = fault_of_key(request)) return error;
    const auto type = request.header("Content-Type");
    const auto media = type.substr(0, type.find_first_of("; \t"));
    if (!request.body.empty() && ascii_lower(media) != "application/json")
        return Error{ErrorKind::unsupported_media, "Content-Type", "must be application/json"};
    return std::nullopt;
}

/// The engine's names for what /v1 takes as members of "return".
Error spelled_as_here(Error error) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> names{
        {{"return_token", "return.token"},
         {"return_url", "return.url"},
         {"remote_site", "return.remote_site"},
         {"landing_url", "return.landing_url"},
         {"transaction", "id"}}};
    for (const auto& [theirs, ours] : names)
        if (error.field == theirs) error.field = ours;
    return error;
}

// ---- the way in and out -------------------------------------------------------------------------------

void Door::open(HttpRequest request, Reply reply) {
    auto call = std::make_shared<Call>();
    call->reply = std::move(reply);
    const auto asked_id = request.header("X-Request-Id");
    if (is_request_id(asked_id)) call->tracking = std::string(asked_id);
    call->request_id = call->tracking.empty() ? new_request_id() : call->tracking;
    call->request = std::move(request);

    const auto path = call->request.path();
    for (const auto& route : routes) {
        if (route.method != call->request.method || !fits(route.path, path)) continue;
        auto arguments = arguments_of(route.path, path);
        if (!arguments) continue;
        call->route = &route;
        call->arguments = std::move(*arguments);
        break;
    }
    // Before anything is told about addresses: nobody without a key learns which there are.
    if (call->route == nullptr || !call->route->is_open) {
        call->system = authenticate(call->request.header("Authorization"));
        if (call->system == nullptr)
            return refuse(call, Error{ErrorKind::unauthenticated, "Authorization",
                                      "must be Bearer and a key of a system"});
    }
    if (call->route == nullptr) {
        const auto allowed = methods_of(path);
        if (allowed.empty()) return refuse(call, fault_of_path(path));
        const Error error{ErrorKind::method_not_allowed, "", "Allowed here: " + allowed + "."};
        auto response = problem(error, call->request_id);
        response.headers.emplace_back("Allow", allowed);
        return finish(call, std::move(response), error.message);
    }
    if (auto error = fault_of_head(call->request)) return refuse(call, std::move(*error));
    (this->*call->route->act)(call);
}

const engine::System* Door::authenticate(std::string_view authorization) const {
    constexpr std::string_view scheme = "bearer ";
    if (ascii_lower(authorization.substr(0, scheme.size())) != scheme) return nullptr;
    const auto digest = encoding::hex(crypto::to_bytes(crypto::sha256(authorization.substr(scheme.size()))));
    const engine::System* found = nullptr;
    // Every digest is compared whole: the time says nothing about which one was near.
    for (const auto& system : engine_.directory().systems)
        for (const auto& known : system.key_digests)
            if (crypto::equal(known, digest)) found = &system;
    return found;
}

void Door::refuse(const CallPtr& call, Error error) {
    const auto why = reason_of(error);
    finish(call, problem(spelled_as_here(std::move(error)), call->request_id), why);
}

void Door::finish(const CallPtr& call, HttpResponse response, std::string_view why) {
    response.headers.emplace_back("X-Request-Id", call->request_id);
    log_call({.door = "v1",
              .method = call->request.method,
              .operation = call->route == nullptr ? std::string_view("none") : call->route->path,
              .status = response.status,
              .who = {"system", call->system == nullptr ? std::string_view() : call->system->name},
              .transaction = call->transaction,
              .why = why,
              .request_id = call->request_id,
              .is_read = call->request.method == "GET"});
    call->reply(std::move(response));
}

Meta Door::meta(const Call& call, std::string by) {
    Meta meta{.by = std::move(by), .tracking = call.tracking, .once = {}};
    const auto key = call.request.header(key_header);
    if (!key.empty())
        meta.once = Meta::Once{"idempotency:" + call.system->name, std::string(key),
                               call.request.method + " " + call.request.target + " " +
                                   encoding::hex(crypto::to_bytes(crypto::sha256(call.request.body))),
                               true};
    return meta;
}

Result<Door::Record> Door::my_record(Call& call) const {
    const auto& name = call.arguments.front();
    auto id = TransactionId::parse(name, "id");
    if (!id) {
        const auto found = engine_.store().find_reference(name);
        if (!found) return Error{ErrorKind::not_found, "id", "no such transaction"};
        id = *found;
    }
    call.transaction = id->text();
    return engine_.record(*id, call.system->name, "");
}

Result<View> Door::mine(Call& call) const {
    const auto record = my_record(call);
    if (!record) return record.error();
    return engine::view_of(**record);
}

Result<const engine::Caller*> Door::my_caller(const Call& call, const std::string& name,
                                              std::string_view field) const {
    const auto* caller = engine_.directory().caller(name);
    if (caller != nullptr && caller->system == call.system->name) return caller;
    return Error{ErrorKind::not_found, std::string(field), "no such caller of yours"};
}

HttpResponse Door::answer(const View& view, Until until) const {
    const bool is_answer = !engine::at_work(view.transaction, until);
    auto response =
        json_response(is_answer ? 200 : 202, transaction_json(view, engine_.settings().public_url));
    if (!is_answer)
        response.headers.emplace_back("Location", "/v1/transactions/" + view.transaction.id.text());
    return response;
}

void Door::answer_when(const CallPtr& call, Result<View> view, Until until) {
    if (!view) return refuse(call, view.error());
    if (engine::answerable(view->transaction, until)) return finish(call, answer(*view, until));
    engine_.wait(view->transaction.id, until, engine_.settings().answer_within,
                 [this, call, until](Result<View> later) {
                     if (!later) return refuse(call, later.error());
                     finish(call, answer(*later, until));
                 });
}

void Door::submit(const CallPtr& call, core::InputBody body, std::string by, Until until) {
    const auto view = mine(*call);
    if (!view) return refuse(call, view.error());
    engine_.submit(view->transaction.id, std::move(body), meta(*call, std::move(by)),
                   [this, call, until](Result<View> after) { answer_when(call, std::move(after), until); });
}

// ---- operations ---------------------------------------------------------------------------------------

void Door::openapi(const CallPtr& call) {
    finish(call, HttpResponse{200,
                              {{"Content-Type", "application/yaml"}, {"Cache-Control", "max-age=60"}},
                              std::string(openapi_yaml())});
}

void Door::hand_over(const CallPtr& call) {
    auto request = read_hand_over(call->request.body);
    if (!request) return refuse(call, request.error());
    request->system = call->system->name;
    engine_.hand_over(
        std::move(*request), meta(*call, "system " + call->system->name), [this, call](Result<View> view) {
            if (!view) return refuse(call, view.error());
            call->transaction = view->transaction.id.text();
            auto response = json_response(201, transaction_json(*view, engine_.settings().public_url));
            response.headers.emplace_back("Location", "/v1/transactions/" + view->transaction.id.text());
            finish(call, std::move(response));
        });
}

void Door::list(const CallPtr& call) {
    auto request = read_list(call->request.query());
    if (!request) return refuse(call, request.error());
    auto& filter = request->filter;
    filter.system = call->system->name;
    const auto limit = filter.limit++;  // one more shows whether there is a next page
    const auto ids = engine_.store().list(filter);
    std::vector<View> views;
    for (std::size_t i = 0; i < std::min(limit, ids.size()); ++i) {
        auto view = engine_.view(ids[i], call->system->name, "");
        if (view) views.push_back(std::move(*view));
    }
    const auto cursor = ids.size() > limit ? cursor_of(ids[limit - 1]) : std::string();
    finish(call, json_response(200, list_json(views, cursor, engine_.settings().public_url)));
}

void Door::read(const CallPtr& call) {
    const auto record = my_record(*call);
    if (!record) return refuse(call, record.error());
    finish(call, json_response(200, printed_.of(*record, [&] {
               return transaction_json(engine::view_of(**record), engine_.settings().public_url);
           })));
}

void Door::hold(const CallPtr& call) {
    const auto hold = read_hold(call->request.body);
    if (!hold) return refuse(call, hold.error());
    submit(call, *hold, "system " + call->system->name, Until::answer);
}

void Door::confirm(const CallPtr& call) {
    auto confirm = read_confirm(call->request.body);
    if (!confirm) return refuse(call, confirm.error());
    submit(call, std::move(*confirm), "system " + call->system->name, Until::answer);
}

void Door::purchase(const CallPtr& call) {
    auto request = read_purchase(call->request.body);
    if (!request) return refuse(call, request.error());
    const auto view = mine(*call);
    if (!view) return refuse(call, view.error());
    engine_.purchase(
        view->transaction.id, std::move(*request), meta(*call, "system " + call->system->name),
        [this, call](Result<View> after) { answer_when(call, std::move(after), Until::answer); });
}

/// Nothing moves: a session is fresh each time, whatever the Idempotency-Key.
void Door::open_session(const CallPtr& call) {
    const auto request = read_session_request(call->request.body);
    if (!request) return refuse(call, request.error());
    const auto view = mine(*call);
    if (!view) return refuse(call, view.error());
    const auto choice = choose_session(engine_, view->transaction, *request);
    if (!choice) return refuse(call, choice.error());
    if (sessions_ == nullptr)
        return refuse(call, {ErrorKind::unavailable, "", "Apple Pay is not set up here."});
    sessions_->open(choice->shop, choice->domain, [call](const MerchantSession& session) {
        constexpr int bad_gateway = 502;
        if (!session.json.empty()) return finish(call, json_response(200, session.json));
        if (session.busy) return refuse(call, {ErrorKind::unavailable, "", session.why});
        finish(call, problem(bad_gateway, "Apple gave no merchant session: " + session.why, call->request_id),
               session.why);
    });
}

void Door::release(const CallPtr& call) {
    const auto release = read_release(call->request.body);
    if (!release) return refuse(call, release.error());
    submit(call, *release, "system " + call->system->name, Until::answer);
}

void Door::cancel(const CallPtr& call) {
    auto cancel = read_cancel(call->request.body);
    if (!cancel) return refuse(call, cancel.error());
    submit(call, std::move(*cancel), "system " + call->system->name, Until::rest);
}

void Door::refund(const CallPtr& call) {
    const auto request = read_refund(call->request.body);
    if (!request) return refuse(call, request.error());
    const auto view = mine(*call);
    if (!view) return refuse(call, view.error());
    const auto* leg = core::find_leg(view->transaction, request->leg);
    if (leg == nullptr) return refuse(call, bad_request("leg", "is not in this transaction"));
    submit(call,
           core::RefundOf{request->leg, Money{request->minor, leg->amount.currency}, request->by,
                          request->because},
           "person " + request->by, Until::rest);
}

void Door::settle(const CallPtr& call) {
    auto settle = read_settle(call->request.body);
    if (!settle) return refuse(call, settle.error());
    const auto& number = call->arguments.back();
    const auto [stop, fault] = std::from_chars(number.data(), number.data() + number.size(), settle->leg);
    const auto view = mine(*call);
    if (!view) return refuse(call, view.error());
    if (fault != std::errc() || stop != number.data() + number.size() ||
        core::find_leg(view->transaction, settle->leg) == nullptr)
        return refuse(call, Error{ErrorKind::not_found, "n", "no such leg in this transaction"});
    auto by = "person " + settle->by;
    submit(call, std::move(*settle), std::move(by), Until::answer);
}

void Door::journal(const CallPtr& call) {
    const auto view = mine(*call);
    if (!view) return refuse(call, view.error());
    const auto& id = view->transaction.id;
    auto text = journal_json(id, engine_.store().journal(id));
    if (!text) return refuse(call, text.error());
    finish(call, json_response(200, std::move(*text)));
}

void Door::explain(const CallPtr& call) {
    const auto view = mine(*call);
    if (!view) return refuse(call, view.error());
    finish(call, json_response(200, explanation_json(view->transaction, engine_.explain(view->transaction))));
}

void Door::callback(const CallPtr& call) {
    auto request = read_callback(call->request.body);
    if (!request) return refuse(call, request.error());
    const auto caller = my_caller(*call, request->caller, "caller");
    if (!caller) return refuse(call, caller.error());
    engine_.returned(request->caller, call->arguments.front(), std::move(request->fields),
                     std::move(request->next_token), meta(*call, "system " + call->system->name),
                     [this, call, caller = request->caller](Result<Engine::ReturnOutcome> outcome) {
                         if (!outcome) {
                             const auto known = engine_.token_of(caller, call->arguments.front());
                             if (known) call->transaction = known->transaction.text();
                             return refuse(call, outcome.error());
                         }
                         call->transaction = outcome->view.transaction.id.text();
                         answer_when(call, std::move(outcome->view), Until::answer);
                     });
}

void Door::statement(const CallPtr& call) {
    const auto caller = my_caller(*call, call->arguments.front(), "name");
    if (!caller) return refuse(call, caller.error());
    const auto request = read_statement(call->request.query());
    if (!request) return refuse(call, request.error());
    // One more shows whether there is a next page.
    const auto lines = engine_.store().statement((*caller)->name, request->currency, request->after,
                                                 request->to, statement_lines_max + 1);
    const auto page = std::span(lines).first(std::min(lines.size(), statement_lines_max));
    const auto cursor = page.size() < lines.size() ? cursor_of(page.back().place) : std::string();
    finish(call, json_response(200, statement_json((*caller)->name, *request, page, cursor)));
}

void Door::balances(const CallPtr& call) {
    const auto caller = my_caller(*call, call->arguments.front(), "name");
    if (!caller) return refuse(call, caller.error());
    finish(call,
           json_response(200, balances_json((*caller)->name, engine_.store().balances((*caller)->name))));
}

void Door::ways(const CallPtr& call) {
    const auto request = read_ways(call->request.query());
    if (!request) return refuse(call, request.error());
    const auto caller = my_caller(*call, request->caller, "caller");
    if (!caller) return refuse(call, caller.error());
    const auto& directory = engine_.directory();
    if (!request->source.empty() && !directory.sources.empty() &&
        directory.source(request->source) == nullptr)
        return refuse(call, bad_request("source", "is not a known source"));
    finish(call, json_response(200, ways_json(engine_, **caller, *request)));
}

}  // namespace

Handler door(engine::Engine& engine, MerchantSessions* sessions) {
    auto shared = std::make_shared<Door>(engine, sessions);
    return [shared](HttpRequest request, Reply reply) { shared->open(std::move(request), std::move(reply)); };
}

std::vector<std::pair<std::string_view, std::string_view>> operations() {
    std::vector<std::pair<std::string_view, std::string_view>> all;
    for (const auto& route : routes) all.emplace_back(route.method, route.path);
    return all;
}

}  // namespace kassi::api::v1
