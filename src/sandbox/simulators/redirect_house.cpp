#include "sandbox/simulators/redirect_house.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/redirect_page.hpp"

namespace kassi::sandbox {
namespace {

using nlohmann::json;

constexpr std::string_view api_root = "/redirect/v1/";
constexpr std::string_view page_root = "/tickets/dummy_redirect.buy/";
constexpr std::size_t reference_bytes_max = 128;
/// Between the tries of one notice: seconds first, then hours.
constexpr std::array<Millis, house_notice_tries_max - 1> notice_pauses{
    Millis{1'000},   Millis{5'000},     Millis{30'000},   Millis{120'000},
    Millis{600'000}, Millis{1'800'000}, Millis{7'200'000}};

enum class Status { open, paid, refused, closed, refunded };

std::string_view word(Status status) {
    switch (status) {
        case Status::open:
            return "open";
        case Status::paid:
            return "paid";
        case Status::refused:
            return "refused";
        case Status::closed:
            return "closed";
        case Status::refunded:
            return "refunded";
    }
    return "";
}

std::optional<Status> status_of(std::string_view text) {
    for (const Status status :
         {Status::open, Status::paid, Status::refused, Status::closed, Status::refunded})
        if (word(status) == text) return status;
    return std::nullopt;
}

struct Session {
    std::string id;
    std::size_t merchant = 0;
    Status status = Status::open;
    std::string reference;
    Money amount;
    std::int64_t refunded = 0;
    std::string title;
    std::string return_url;
    std::string notify_url;  ///< "" none
    std::string callout_type;
    Instant created_at{};
    std::optional<Instant> expires_at;
    std::map<std::string, std::string> refund_ids;  ///< by reference
};

enum class Fault { delay, drop_answer, error_after, error_before, twice, dead, wrong_amount };
constexpr std::pair<std::string_view, Fault> fault_words[] = {{"delay", Fault::delay},
                                                              {"drop_answer", Fault::drop_answer},
                                                              {"error_after", Fault::error_after},
                                                              {"error_before", Fault::error_before},
                                                              {"twice", Fault::twice},
                                                              {"dead", Fault::dead},
                                                              {"wrong_amount", Fault::wrong_amount}};
constexpr std::string_view places[] = {"session", "complete", "look_up", "close", "refund", "notice", "*"};

struct Rule {
    std::string on;
    std::string what;  ///< as it was said
    Fault fault{};
    Millis ms{0};
    std::int64_t times = 1;
    std::string merchant;  ///< "" any
};

struct Notice {
    std::size_t merchant = 0;
    std::string url;
    std::string body;
    int tries = 0;
};

using KeyOf = std::pair<std::size_t, std::string>;  ///< merchant, key

struct Remembered {
    std::string fingerprint;  ///< digest of the request
    HttpResponse response;
    Instant at{};
};

HttpResponse error_answer(int status, std::string_view code, std::string_view message,
                          bool not_done = false) {
    JsonWriter out;
    out.begin_object().key("error").begin_object().field("code", code).field("message", message);
    if (not_done) out.field("not_done", true);
    out.end_object().end_object();
    return json_response(status, out.take());
}

HttpResponse invalid(const Error& error) {
    return error_answer(422, "invalid", error.field + ": " + error.message);
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<std::int64_t> integer_of(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<std::int64_t>();
}

Result<json> object_of(std::string_view body) {
    auto parsed = parse_json(body);
    if (!parsed) return parsed.error();
    if (!parsed->is_object()) return bad_request("body", "is not a JSON object");
    return parsed;
}

Result<Money> money_of(std::int64_t minor, std::string_view code) {
    const auto currency = Currency::parse(code, "currency");
    if (!currency) return currency.error();
    if (minor <= 0 || minor > payment_minor_max) return bad_request("amount", "is not between 1 and 10^12");
    return Money{minor, *currency};
}

/// The fault wrong_amount: every amount of the answer is one more than the truth.
void falsify(HttpResponse& response) {
    auto parsed = parse_json(response.body);
    if (!parsed || !parsed->is_object()) return;
    const auto lie = [](json& object) {
        if (object.is_object() && object.contains("amount") && object["amount"].is_number_integer())
            object["amount"] = object["amount"].get<std::int64_t>() + 1;
    };
    lie(*parsed);
    if (parsed->contains("sessions"))
        for (auto& each : (*parsed)["sessions"]) lie(each);
    response.body = parsed->dump();
}

void write_session(JsonWriter& out, const Session& session, const std::string& page) {
    out.begin_object()
        .field("id", session.id)
        .field("status", word(session.status))
        .field("reference", session.reference)
        .field("amount", session.amount.minor)
        .field("currency", session.amount.currency.code())
        .field("refunded", session.refunded)
        .field("created_at", iso8601(session.created_at));
    if (session.expires_at) out.field("expires_at", iso8601(*session.expires_at));
    out.key("callout").begin_object().field("type", session.callout_type).field("url", page);
    out.key("parameters").begin_array();
    out.begin_array().string("return_url").string(session.return_url).end_array();
    out.begin_array().string("title").string(session.title).end_array();
    out.end_array().end_object().end_object();
}

/// "sessions/rs_1/close" -> "sessions", "rs_1", "close"; nullopt for more than three or an empty one.
std::optional<std::vector<std::string>> steps_of(std::string_view path) {
    std::vector<std::string> steps;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        auto step = encoding::percent_decode(path.substr(0, end), false, "path");
        if (!step || step->empty() || steps.size() == 3) return std::nullopt;
        steps.push_back(std::move(*step));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return steps;
}

/// Nobody clicked, and the shop says that its customer is back with success=1: the seed of the guide.
bool says_paid(const json& returned) {
    bool said = false;
    for (const auto& pair : returned) {
        if (pair[0] != "success") continue;
        const auto value = pair[1].get<std::string>();
        if (value != "yes" && value != "1" && value != "true") return false;
        said = true;
    }
    return said;
}

bool is_fields(const json& returned) {
    return returned.is_array() && returned.size() <= limits::form_fields_max &&
           std::all_of(returned.begin(), returned.end(), [](const json& pair) {
               return pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
           });
}

std::string add_to_query(const std::string& url, const Fields& fields) {
    return url + (url.find('?') == std::string::npos ? "?" : "&") + encoding::form(fields);
}

}  // namespace

struct RedirectHouse::State : std::enable_shared_from_this<RedirectHouse::State> {
    Options options;
    const Clock& clock;
    Randomness& randomness;
    SendNotice send_notice;
    After after;
    Save save;

    std::unordered_map<std::string, Session> sessions;
    std::map<std::pair<std::size_t, std::string>, std::string> by_reference;  ///< merchant, reference -> id
    /// User and return URL -> newest id. A page_only merchant's are known by their reference.
    std::unordered_map<std::string, std::string> by_return;
    std::map<KeyOf, Remembered> remembered;
    std::deque<std::pair<Instant, KeyOf>> keys;  ///< when they were remembered, oldest first
    std::vector<Entry> ledger;
    std::vector<Rule> faults;

    // ---- of the request at hand, until done()
    std::vector<std::string> changed;  ///< sessions
    std::size_t entries_saved = 0;
    std::vector<KeyOf> new_keys;
    std::vector<Notice> news;

    State(Options given, const Clock& given_clock, Randomness& given_randomness, SendNotice send, After later,
          Save given_save)
        : options(std::move(given)),
          clock(given_clock),
          randomness(given_randomness),
          send_notice(std::move(send)),
          after(std::move(later)),
          save(std::move(given_save)) {}

    void handle(HttpRequest request, Reply reply);

    // ---- the contract
    void api(const HttpRequest& request, Reply reply);
    using Work = std::function<HttpResponse()>;
    void do_with_faults(std::string_view on, std::size_t merchant, Reply reply, const Work& work);
    HttpResponse once(const HttpRequest& request, std::size_t merchant, const Work& work);
    std::optional<std::size_t> authenticated(const HttpRequest& request) const;
    HttpResponse create(const HttpRequest& request, std::size_t merchant);
    HttpResponse complete(const HttpRequest& request, Session& session);
    HttpResponse find(const HttpRequest& request, std::size_t merchant);
    HttpResponse close(Session& session);
    HttpResponse refund(const HttpRequest& request, Session& session);
    [[nodiscard]] HttpResponse show(int status, const Session& session) const;

    // ---- sessions
    std::string fresh_id(std::string_view prefix) {
        return std::string(prefix) + crypto::mint_token(randomness);
    }
    Session* session_of(const std::string& id);
    Session& keep(Session session);
    Session& put(Session session);
    void touch(const Session& session);
    void take(Session& session);
    void end(Session& session, Status status, std::string_view type);
    void enter(const Session& session, std::string_view kind, std::int64_t minor);
    [[nodiscard]] std::string page_of(std::size_t merchant) const;

    // ---- the customer's page
    HttpResponse page(const HttpRequest& request, const std::string& user);
    HttpResponse act(const HttpRequest& request);
    HttpResponse act_on(Session& session, const std::string& what);
    Session* session_by_page(const std::string& user, const Fields& fields);
    Session* session_by_parameters(std::size_t merchant, const std::string& return_url, const Fields& fields);
    [[nodiscard]] Fields return_fields(const Session& session, bool paid) const;
    [[nodiscard]] std::string nonce() { return crypto::mint_token(randomness); }

    // ---- notices
    void notify(const Session& session, std::string_view type);
    void try_notice(Notice notice);
    [[nodiscard]] HttpRequest signed_request(const Notice& notice) const;
    void send(const Notice& notice, bool believe_the_answer);
    void try_again(Notice notice);

    // ---- what outlives the house
    HttpResponse done(HttpResponse response);
    [[nodiscard]] std::string record() const;
    [[nodiscard]] std::string record_of(const std::vector<const Session*>& of_sessions,
                                        const std::vector<const Entry*>& of_ledger,
                                        const std::vector<KeyOf>& of_keys) const;
    void save_all(const Save& save_line) const;
    std::optional<Error> load(const json& line);
    bool load_session(const json& object);
    bool load_key(const json& object);
    [[nodiscard]] std::optional<std::size_t> merchant_named(std::string_view name) const;
    void remember(const KeyOf& key, Remembered what);
    void forget_old_keys();

    // ---- /_ledger and /_faults
    [[nodiscard]] HttpResponse show_ledger() const;
    HttpResponse set_faults(const HttpRequest& request);
    [[nodiscard]] HttpResponse show_faults() const;
    std::optional<Rule> take_fault(std::string_view on, std::size_t merchant);
};

// ---- the contract --------------------------------------------------------------------------------------

void RedirectHouse::State::handle(HttpRequest request, Reply reply) {
    const std::string path(request.path());
    if (path.starts_with(api_root)) return api(request, std::move(reply));
    if (path == redirect_page::act_path) return reply(done(act(request)));
    if (path.starts_with(page_root)) {
        const auto user = encoding::percent_decode(path.substr(page_root.size()), false, "path");
        return reply(done(page(request, user ? *user : "")));
    }
    if (path == "/_ledger") {
        return reply(request.method == "GET" ? show_ledger() : error_answer(405, "method", "GET only"));
    }
    if (path == "/_faults") {
        if (request.method == "PUT") return reply(set_faults(request));
        if (request.method != "GET" && request.method != "DELETE")
            return reply(error_answer(405, "method", "GET, PUT or DELETE"));
        if (request.method == "DELETE") faults.clear();
        return reply(show_faults());
    }
    reply(error_answer(404, "unknown_path", "nothing lives here"));
}

std::optional<std::size_t> RedirectHouse::State::authenticated(const HttpRequest& request) const {
    const std::string given(request.header("Authorization"));
    for (std::size_t i = 0; i < options.merchants.size(); ++i) {
        const auto& merchant = options.merchants[i];
        if (!merchant.page_only && !merchant.api_key.empty() &&
            crypto::equal(given, "Bearer " + merchant.api_key))
            return i;
    }
    return std::nullopt;
}

void RedirectHouse::State::api(const HttpRequest& request, Reply reply) {
    const auto merchant = authenticated(request);
    if (!merchant) return reply(error_answer(401, "unauthenticated", "no or wrong api key"));
    const auto steps = steps_of(request.path().substr(api_root.size()));
    if (!steps || steps->empty() || steps->front() != "sessions")
        return reply(error_answer(404, "unknown_path", "nothing lives here"));
    const bool post = request.method == "POST", get = request.method == "GET";
    if (steps->size() == 1) {
        if (post) {
            return do_with_faults("session", *merchant, std::move(reply), [&] {
                return once(request, *merchant, [&] { return create(request, *merchant); });
            });
        }
        if (get)
            return do_with_faults("look_up", *merchant, std::move(reply),
                                  [&] { return find(request, *merchant); });
        return reply(error_answer(405, "method", "GET or POST"));
    }
    const auto on_session = [&](const std::function<HttpResponse(Session&)>& work) -> HttpResponse {
        Session* session = session_of((*steps)[1]);
        if (session == nullptr || session->merchant != *merchant)
            return error_answer(404, "unknown_session", "there is no such session");
        return work(*session);
    };
    if (steps->size() == 2) {
        if (!get) return reply(error_answer(405, "method", "GET only"));
        return do_with_faults("look_up", *merchant, std::move(reply), [&] {
            return on_session([&](Session& session) { return show(200, session); });
        });
    }
    const std::string& verb = steps->back();
    if (verb != "complete" && verb != "close" && verb != "refunds")
        return reply(error_answer(404, "unknown_path", "nothing lives here"));
    if (!post) return reply(error_answer(405, "method", "POST only"));
    if (verb == "close") {
        return do_with_faults("close", *merchant, std::move(reply),
                              [&] { return on_session([&](Session& session) { return close(session); }); });
    }
    const bool refunds = verb == "refunds";
    do_with_faults(refunds ? "refund" : "complete", *merchant, std::move(reply), [&] {
        return once(request, *merchant, [&] {
            return on_session([&](Session& session) {
                return refunds ? refund(request, session) : complete(request, session);
            });
        });
    });
}

void RedirectHouse::State::do_with_faults(std::string_view on, std::size_t merchant, Reply reply,
                                          const Work& asked) {
    const auto work = [&] { return done(asked()); };
    const auto rule = take_fault(on, merchant);
    if (!rule) return reply(work());
    // A Reply that is destroyed uncalled is all that a house can do to stay silent.
    const auto stay_silent = [&] {
        if (rule->ms.count() > 0) after(rule->ms, [reply] {});
    };
    switch (rule->fault) {
        case Fault::dead:
            return stay_silent();
        case Fault::error_before:
            return reply(error_answer(503, "unavailable", "nothing was done, try again", true));
        case Fault::drop_answer:
            work();
            return stay_silent();
        case Fault::error_after:
            work();
            return reply(error_answer(500, "internal", "something went wrong"));
        case Fault::delay: {
            after(rule->ms, [reply, response = work()] { reply(response); });
            return;
        }
        case Fault::wrong_amount: {
            auto response = work();
            falsify(response);
            return reply(std::move(response));
        }
        case Fault::twice:
            break;  // only notices know it
    }
    reply(work());
}

/// The same key and request replays status and body; what did nothing is not remembered.
HttpResponse RedirectHouse::State::once(const HttpRequest& request, std::size_t merchant, const Work& work) {
    const std::string key(request.header("Idempotency-Key"));
    if (key.empty() || key.size() > limits::idempotency_key_bytes_max)
        return error_answer(400, "key_missing", "Idempotency-Key must have 1 to 255 characters");
    const std::string fingerprint = encoding::hex(
        crypto::to_bytes(crypto::sha256(request.method + " " + request.target + "\n" + request.body)));
    forget_old_keys();
    const auto found = remembered.find({merchant, key});
    if (found != remembered.end()) {
        if (found->second.fingerprint != fingerprint)
            return error_answer(422, "key_reused", "this Idempotency-Key came with another request");
        return found->second.response;
    }
    if (remembered.size() >= options.keys_max) return error_answer(503, "full", "too many keys", true);
    auto response = work();
    if (response.status / 100 == 2) {
        remember({merchant, key}, {fingerprint, response, clock.now()});
        new_keys.emplace_back(merchant, key);
    }
    return response;
}

HttpResponse RedirectHouse::State::create(const HttpRequest& request, std::size_t merchant) {
    const auto body = object_of(request.body);
    if (!body) return error_answer(400, "malformed", body.error().message);
    Session session;
    session.merchant = merchant;
    session.reference = text_of(*body, "reference");
    if (session.reference.empty() || session.reference.size() > reference_bytes_max)
        return invalid(bad_request("reference", "must have 1 to 128 bytes"));
    const auto amount = money_of(integer_of(*body, "amount").value_or(0), text_of(*body, "currency"));
    if (!amount) return invalid(amount.error());
    session.amount = *amount;
    session.title = text_of(*body, "title");
    if (session.title.empty() || session.title.size() > limits::text_bytes_max)
        return invalid(bad_request("title", "must have 1 to 256 bytes"));
    session.return_url = text_of(*body, "return_url");
    if (const auto url = parse_url(session.return_url, "return_url"); !url) return invalid(url.error());
    session.notify_url = text_of(*body, "notify_url");
    if (!session.notify_url.empty())
        if (const auto url = parse_url(session.notify_url, "notify_url"); !url) return invalid(url.error());
    session.callout_type = text_of(*body, "callout_type");
    if (session.callout_type != "get" && session.callout_type != "post")
        return invalid(bad_request("callout_type", "is neither get nor post"));
    const auto until = parse_iso8601(text_of(*body, "expires_at"), "expires_at");
    if (!until) return invalid(until.error());
    if (*until <= clock.now()) return invalid(bad_request("expires_at", "is in the past"));
    session.expires_at = *until;
    if (by_reference.count({merchant, session.reference}) != 0)
        return error_answer(409, "reference_used", "there is a session of this reference");
    if (sessions.size() >= house_sessions_max) return error_answer(503, "full", "too many sessions", true);
    session.id = fresh_id("rs_");
    return show(201, keep(std::move(session)));
}

HttpResponse RedirectHouse::State::complete(const HttpRequest& request, Session& session) {
    const auto body = object_of(request.body);
    if (!body) return error_answer(400, "malformed", body.error().message);
    const auto returned = body->find("returned");
    if (returned == body->end() || !is_fields(*returned))
        return invalid(bad_request("returned", "is not a list of pairs of texts"));
    switch (session.status) {
        case Status::open:
            if (says_paid(*returned))
                take(session);
            else
                end(session, Status::refused, "session.refused");
            return show(200, session);
        case Status::paid:
            return show(200, session);
        case Status::refused:
        case Status::closed:
        case Status::refunded:
            break;
    }
    return show(409, session);
}

HttpResponse RedirectHouse::State::find(const HttpRequest& request, std::size_t merchant) {
    const auto fields = encoding::parse_form(request.query(), "query");
    const std::string* reference = fields ? find_field(*fields, "reference") : nullptr;
    if (reference == nullptr) return error_answer(400, "malformed", "reference is missing");
    JsonWriter out;
    out.begin_object().key("sessions").begin_array();
    if (const auto found = by_reference.find({merchant, *reference}); found != by_reference.end())
        write_session(out, *session_of(found->second), page_of(merchant));
    out.end_array().end_object();
    return json_response(200, out.take());
}

HttpResponse RedirectHouse::State::close(Session& session) {
    switch (session.status) {
        case Status::open:
            end(session, Status::closed, "session.closed");
            return show(200, session);
        case Status::refused:
        case Status::closed:
            return show(200, session);
        case Status::paid:
        case Status::refunded:
            break;
    }
    return show(409, session);
}

HttpResponse RedirectHouse::State::refund(const HttpRequest& request, Session& session) {
    const auto body = object_of(request.body);
    if (!body) return error_answer(400, "malformed", body.error().message);
    const std::string reference = text_of(*body, "reference");
    if (reference.empty() || reference.size() > reference_bytes_max)
        return invalid(bad_request("reference", "must have 1 to 128 bytes"));
    const auto amount = money_of(integer_of(*body, "amount").value_or(0), session.amount.currency.code());
    if (!amount) return invalid(amount.error());
    if (session.status != Status::paid && session.status != Status::refunded)
        return error_answer(409, "not_paid", "nothing was paid in this session");
    if (amount->minor > session.amount.minor - session.refunded)
        return error_answer(422, "too_much", "more than was paid and not yet given back");
    if (session.refund_ids.count(reference) != 0)
        return error_answer(409, "reference_used", "there is a refund of this reference");
    const std::string id = fresh_id("rf_");
    session.refund_ids.emplace(reference, id);
    session.refunded += amount->minor;
    if (session.refunded == session.amount.minor) session.status = Status::refunded;
    touch(session);
    enter(session, "given_back", amount->minor);
    notify(session, "session.refunded");
    JsonWriter out;
    out.begin_object()
        .field("id", id)
        .field("session", session.id)
        .field("reference", reference)
        .field("amount", amount->minor)
        .field("currency", amount->currency.code())
        .field("refunded", session.refunded)
        .field("status", "refunded")
        .end_object();
    return json_response(201, out.take());
}

HttpResponse RedirectHouse::State::show(int status, const Session& session) const {
    JsonWriter out;
    write_session(out, session, page_of(session.merchant));
    return json_response(status, out.take());
}

// ---- sessions ------------------------------------------------------------------------------------------

/// Nullptr when unknown. A session whose time is over is closed when somebody looks.
Session* RedirectHouse::State::session_of(const std::string& id) {
    const auto found = sessions.find(id);
    if (found == sessions.end()) return nullptr;
    Session& session = found->second;
    if (session.status == Status::open && session.expires_at && clock.now() >= *session.expires_at)
        end(session, Status::closed, "session.closed");
    return &session;
}

Session& RedirectHouse::State::keep(Session session) {
    session.created_at = clock.now();
    touch(session);
    return put(std::move(session));
}

Session& RedirectHouse::State::put(Session session) {
    const auto& merchant = options.merchants[session.merchant];
    by_reference[{session.merchant, session.reference}] = session.id;
    if (!merchant.page_only) by_return[merchant.user + "\n" + session.return_url] = session.id;
    const std::string id = session.id;
    return sessions.insert_or_assign(id, std::move(session)).first->second;
}

void RedirectHouse::State::touch(const Session& session) {
    if (std::find(changed.begin(), changed.end(), session.id) == changed.end()) changed.push_back(session.id);
}

void RedirectHouse::State::take(Session& session) {
    KASSI_ENSURE(session.status == Status::open);
    enter(session, "taken", session.amount.minor);
    end(session, Status::paid, "session.paid");
}

void RedirectHouse::State::end(Session& session, Status status, std::string_view type) {
    session.status = status;
    touch(session);
    notify(session, type);
}

void RedirectHouse::State::enter(const Session& session, std::string_view kind, std::int64_t minor) {
    ledger.push_back({clock.now(), options.merchants[session.merchant].name, session.id, session.reference,
                      std::string(kind), minor, std::string(session.amount.currency.code())});
}

std::string RedirectHouse::State::page_of(std::size_t merchant) const {
    return options.page_origin + std::string(page_root) +
           encoding::percent_encode(options.merchants[merchant].user);
}

// ---- the customer's page -------------------------------------------------------------------------------

HttpResponse RedirectHouse::State::page(const HttpRequest& request, const std::string& user) {
    if (request.method != "GET" && request.method != "POST")
        return error_answer(405, "method", "GET or POST");
    const auto fields = request_fields(request, false);
    if (!fields)
        return redirect_page::say(400, "Not understood", "The address or the form is malformed.", "",
                                  nonce());
    const Session* session = session_by_page(user, *fields);
    if (session == nullptr)
        return redirect_page::say(404, "Unknown payment",
                                  "There is no payment of this kind here. It may have been opened "
                                  "long ago, or the address was cut off on its way.",
                                  "", nonce());
    switch (session->status) {
        case Status::open:
            break;
        case Status::paid:
        case Status::refunded:
            return redirect_page::say(
                200, "Paid already", "This payment was made. There is nothing left to do here.",
                add_to_query(session->return_url, return_fields(*session, true)), nonce());
        case Status::refused:
        case Status::closed:
            return redirect_page::say(
                410, "This payment is over", "Its time ran out, or it was refused. Nothing was paid.",
                add_to_query(session->return_url, return_fields(*session, false)), nonce());
    }
    return redirect_page::pay({session->id, options.merchants[session->merchant].name, session->title,
                               session->amount, session->return_url},
                              nonce());
}

/// A page_only merchant's is known by its reference; else the newest session of that user and return URL.
Session* RedirectHouse::State::session_by_page(const std::string& user, const Fields& fields) {
    const std::string* return_url = find_field(fields, "return_url");
    if (return_url == nullptr) return nullptr;
    const auto at = std::find_if(options.merchants.begin(), options.merchants.end(),
                                 [&](const Merchant& each) { return each.page_only && each.user == user; });
    if (at != options.merchants.end())
        return session_by_parameters(static_cast<std::size_t>(at - options.merchants.begin()), *return_url,
                                     fields);
    const auto found = by_return.find(user + "\n" + *return_url);
    return found == by_return.end() ? nullptr : session_of(found->second);
}

/// Made when its reference is new. A return URL alone names no payment: a shop may use the same one again.
Session* RedirectHouse::State::session_by_parameters(std::size_t merchant, const std::string& return_url,
                                                     const Fields& fields) {
    Session session;
    session.merchant = merchant;
    session.return_url = return_url;
    const auto take_text = [&](const char* name, std::string& into) {
        const std::string* value = find_field(fields, name);
        if (value != nullptr && value->size() <= limits::text_bytes_max) into = *value;
        return !into.empty();
    };
    std::string minor_text, currency;
    if (!take_text("reference", session.reference) || !take_text("title", session.title) ||
        !take_text("amount", minor_text) || !take_text("currency", currency))
        return nullptr;
    const auto minor = minor_from_decimal(minor_text, 0, "amount");
    if (!minor) return nullptr;
    const auto amount = money_of(*minor, currency);
    if (!amount) return nullptr;
    session.amount = *amount;
    if (const auto known = by_reference.find({merchant, session.reference}); known != by_reference.end()) {
        Session* found = session_of(known->second);
        const bool same = found->return_url == return_url && found->amount == session.amount;
        return same ? found : nullptr;
    }
    if (!parse_url(return_url, "return_url") || sessions.size() >= house_sessions_max) return nullptr;
    session.id = fresh_id("rs_");
    return &keep(std::move(session));
}

HttpResponse RedirectHouse::State::act(const HttpRequest& request) {
    if (request.method != "POST") return error_answer(405, "method", "POST only");
    const auto fields = request_fields(request, false);
    if (!fields) return redirect_page::say(400, "Not understood", "The form is malformed.", "", nonce());
    const std::string* id = find_field(*fields, "session");
    const std::string* what = find_field(*fields, "act");
    Session* session = id == nullptr ? nullptr : session_of(*id);
    if (session == nullptr)
        return redirect_page::say(404, "Unknown payment", "There is no such payment here.", "", nonce());
    return act_on(*session, what == nullptr ? "" : *what);
}

HttpResponse RedirectHouse::State::act_on(Session& session, const std::string& what) {
    const bool pays = what == "pay_get" || what == "pay_post" || what == "pay_both" || what == "pay_stay";
    if (!pays && what != "refuse" && what != "leave")
        return redirect_page::say(400, "Not understood", "There is no such button.", "", nonce());
    if (what == "leave")
        return redirect_page::say(200, "You walked away", "Nothing was paid. You can close this window.", "",
                                  nonce());

    const bool paid_before = session.status == Status::paid || session.status == Status::refunded;
    const bool over = session.status == Status::refused || session.status == Status::closed;
    if (over && pays)
        return redirect_page::say(410, "This payment is over",
                                  "Its time ran out, or it was refused. Nothing was paid.",
                                  add_to_query(session.return_url, return_fields(session, false)), nonce());
    if (paid_before && !pays)
        return redirect_page::say(409, "Paid already",
                                  "This payment was made and cannot be refused any more.",
                                  add_to_query(session.return_url, return_fields(session, true)), nonce());
    if (session.status == Status::open) {
        if (pays)
            take(session);
        else
            end(session, Status::refused, "session.refused");
    }
    const Fields fields = return_fields(session, pays);
    if (what == "pay_stay")
        return redirect_page::say(
            200, "Paid",
            "The money was taken, and the shop does not see you again. You can close this "
            "window.",
            "", nonce());
    if (what == "pay_post") return redirect_page::post_back(session.return_url, fields, nonce());
    if (what == "pay_both")
        return redirect_page::post_back(add_to_query(session.return_url, fields), fields, nonce());
    return redirect_response(303, add_to_query(session.return_url, fields));
}

Fields RedirectHouse::State::return_fields(const Session& session, bool paid) const {
    Fields fields{{"success", paid ? "yes" : "no"}, {"ref", session.id}};
    const auto& secret = options.merchants[session.merchant].return_secret;
    if (secret.empty()) return fields;
    fields.emplace_back("reference", session.reference);
    fields.emplace_back("amount", std::to_string(session.amount.minor));
    fields.emplace_back("currency", session.amount.currency.code());
    std::string text;
    for (const auto& [name, value] : fields)
        text += (text.empty() ? "" : "&") + encoding::percent_encode(name) + "=" +
                encoding::percent_encode(value);
    fields.emplace_back("signature", encoding::hex(crypto::to_bytes(crypto::hmac_sha256(secret, text))));
    return fields;
}

// ---- notices -------------------------------------------------------------------------------------------

void RedirectHouse::State::notify(const Session& session, std::string_view type) {
    if (session.notify_url.empty() || options.merchants[session.merchant].notice_secret.empty()) return;
    JsonWriter out;
    out.begin_object()
        .field("event_id", fresh_id("ev_"))
        .field("type", type)
        .field("session", session.id)
        .field("reference", session.reference)
        .field("status", word(session.status))
        .field("amount", session.amount.minor)
        .field("currency", session.amount.currency.code())
        .field("refunded", session.refunded)
        .end_object();
    news.push_back({session.merchant, session.notify_url, out.take(), 0});
}

void RedirectHouse::State::try_notice(Notice notice) {
    ++notice.tries;
    const auto rule = take_fault("notice", notice.merchant);
    if (!rule) return send(notice, true);
    switch (rule->fault) {
        case Fault::dead:
        case Fault::error_before:
            return try_again(std::move(notice));
        case Fault::drop_answer:
        case Fault::error_after:
            return send(notice, false);
        case Fault::delay:
            after(rule->ms, [self = weak_from_this(), notice] {
                if (const auto state = self.lock()) state->send(notice, true);
            });
            return;
        case Fault::twice:
            send(notice, true);
            // The copy's answer counts for nothing: one notice, one series of tries.
            send_notice(signed_request(notice), [](int) {});
            return;
        case Fault::wrong_amount: {
            HttpResponse body;
            body.body = notice.body;
            falsify(body);
            notice.body = body.body;
            return send(notice, true);
        }
    }
}

HttpRequest RedirectHouse::State::signed_request(const Notice& notice) const {
    // Each try has a time of its own, so that a late one is not taken for a replayed one.
    const auto seconds =
        std::to_string(std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count());
    const auto digest =
        crypto::hmac_sha256(options.merchants[notice.merchant].notice_secret, seconds + "." + notice.body);
    return {"POST",
            notice.url,
            {{"Content-Type", "application/json"},
             {"Redirect-Signature", "t=" + seconds + ",v1=" + encoding::hex(crypto::to_bytes(digest))}},
            notice.body,
            ""};
}

void RedirectHouse::State::send(const Notice& notice, bool believe_the_answer) {
    send_notice(signed_request(notice), [self = weak_from_this(), notice, believe_the_answer](int status) {
        const auto state = self.lock();
        if (state && !(believe_the_answer && status / 100 == 2)) state->try_again(notice);
    });
}

void RedirectHouse::State::try_again(Notice notice) {
    if (notice.tries >= house_notice_tries_max) return;
    const Millis pause = notice_pauses[static_cast<std::size_t>(notice.tries - 1)];
    after(pause, [self = weak_from_this(), notice = std::move(notice)] {
        if (const auto state = self.lock()) state->try_notice(notice);
    });
}

// ---- what outlives the house ---------------------------------------------------------------------------

/// Written down first, told to others next, answered last.
HttpResponse RedirectHouse::State::done(HttpResponse response) {
    const bool something = !changed.empty() || !new_keys.empty() || entries_saved < ledger.size();
    if (something && save) save(record());
    changed.clear();
    new_keys.clear();
    entries_saved = ledger.size();
    for (auto& notice : std::exchange(news, {})) try_notice(std::move(notice));
    return response;
}

namespace {

std::int64_t millis_of(Instant at) {
    return at.time_since_epoch().count();
}

void write_saved(JsonWriter& out, const Session& session, const std::string& merchant) {
    out.begin_object()
        .field("id", session.id)
        .field("merchant", merchant)
        .field("status", word(session.status))
        .field("reference", session.reference)
        .field("amount", session.amount.minor)
        .field("currency", session.amount.currency.code())
        .field("refunded", session.refunded)
        .field("title", session.title)
        .field("return_url", session.return_url)
        .field("notify_url", session.notify_url)
        .field("callout_type", session.callout_type)
        .field("created_at", millis_of(session.created_at));
    if (session.expires_at) out.field("expires_at", millis_of(*session.expires_at));
    out.key("refund_ids").begin_array();
    for (const auto& [reference, id] : session.refund_ids)
        out.begin_array().string(reference).string(id).end_array();
    out.end_array().end_object();
}

void write_saved(JsonWriter& out, const RedirectHouse::Entry& entry) {
    out.begin_object()
        .field("at", millis_of(entry.at))
        .field("merchant", entry.merchant)
        .field("session", entry.session)
        .field("reference", entry.reference)
        .field("kind", entry.kind)
        .field("amount", entry.minor)
        .field("currency", entry.currency)
        .end_object();
}

/// A key may hold any bytes.
void write_saved(JsonWriter& out, const std::string& merchant, const std::string& key,
                 const Remembered& what) {
    out.begin_object()
        .field("merchant", merchant)
        .field("key", encoding::hex(key))
        .field("request", what.fingerprint)
        .field("status", what.response.status)
        .field("body", what.response.body)
        .field("at", millis_of(what.at))
        .end_object();
}

std::optional<Instant> instant_of(const json& object, const char* name) {
    const auto millis = integer_of(object, name);
    return millis ? std::optional(Instant{Millis{*millis}}) : std::nullopt;
}

std::optional<Session> read_saved_session(const json& object) {
    Session session;
    session.id = text_of(object, "id");
    session.reference = text_of(object, "reference");
    session.title = text_of(object, "title");
    session.return_url = text_of(object, "return_url");
    session.notify_url = text_of(object, "notify_url");
    session.callout_type = text_of(object, "callout_type");
    session.expires_at = instant_of(object, "expires_at");
    const auto status = status_of(text_of(object, "status"));
    const auto amount = money_of(integer_of(object, "amount").value_or(0), text_of(object, "currency"));
    const auto refunded = integer_of(object, "refunded");
    const auto created_at = instant_of(object, "created_at");
    const auto refunds = object.find("refund_ids");
    if (session.id.empty() || !parse_url(session.return_url, "return_url") || !status || !amount ||
        !refunded || !created_at || refunds == object.end() || !is_fields(*refunds))
        return std::nullopt;
    session.status = *status;
    session.amount = *amount;
    session.refunded = *refunded;
    session.created_at = *created_at;
    for (const auto& pair : *refunds)
        session.refund_ids.emplace(pair[0].get<std::string>(), pair[1].get<std::string>());
    return session;
}

std::optional<RedirectHouse::Entry> read_saved_entry(const json& object) {
    RedirectHouse::Entry entry;
    entry.merchant = text_of(object, "merchant");
    entry.session = text_of(object, "session");
    entry.reference = text_of(object, "reference");
    entry.kind = text_of(object, "kind");
    const auto at = instant_of(object, "at");
    const auto amount = money_of(integer_of(object, "amount").value_or(0), text_of(object, "currency"));
    if (!at || !amount || (entry.kind != "taken" && entry.kind != "given_back")) return std::nullopt;
    entry.at = *at;
    entry.minor = amount->minor;
    entry.currency = amount->currency.code();
    return entry;
}

std::optional<std::pair<std::string, Remembered>> read_saved_key(const json& object) {
    const auto key = encoding::from_hex(text_of(object, "key"), "key");
    const auto status = integer_of(object, "status");
    const auto at = instant_of(object, "at");
    if (!key || !status || *status / 100 != 2 || !at) return std::nullopt;
    return std::pair(*key,
                     Remembered{text_of(object, "request"),
                                json_response(static_cast<int>(*status), text_of(object, "body")), *at});
}

}  // namespace

/// One line for one request, so that a line that was cut off took the whole of it along.
std::string RedirectHouse::State::record() const {
    std::vector<const Session*> of_sessions;
    for (const auto& id : changed) of_sessions.push_back(&sessions.at(id));
    std::vector<const Entry*> of_ledger;
    for (std::size_t i = entries_saved; i < ledger.size(); ++i) of_ledger.push_back(&ledger[i]);
    return record_of(of_sessions, of_ledger, new_keys);
}

std::string RedirectHouse::State::record_of(const std::vector<const Session*>& of_sessions,
                                            const std::vector<const Entry*>& of_ledger,
                                            const std::vector<KeyOf>& of_keys) const {
    JsonWriter out;
    out.begin_object().key("sessions").begin_array();
    for (const auto* session : of_sessions)
        write_saved(out, *session, options.merchants[session->merchant].name);
    out.end_array().key("ledger").begin_array();
    for (const auto* entry : of_ledger) write_saved(out, *entry);
    out.end_array().key("keys").begin_array();
    for (const auto& key : of_keys)
        write_saved(out, options.merchants[key.first].name, key.second, remembered.at(key));
    out.end_array().end_object();
    return out.take();
}

void RedirectHouse::State::save_all(const Save& save_line) const {
    // The newest session of a return URL is the last one that load() sees of it.
    const auto is_newest = [this](const Session& session) {
        const auto found =
            by_return.find(options.merchants[session.merchant].user + "\n" + session.return_url);
        return found != by_return.end() && found->second == session.id;
    };
    for (const bool newest : {false, true})
        for (const auto& [id, session] : sessions)
            if (is_newest(session) == newest) save_line(record_of({&session}, {}, {}));
    for (const Entry& entry : ledger) save_line(record_of({}, {&entry}, {}));
    for (const auto& [at, key] : keys) {
        const auto found = remembered.find(key);
        // It may have been used anew since.
        if (found != remembered.end() && found->second.at == at) save_line(record_of({}, {}, {key}));
    }
}

std::optional<std::size_t> RedirectHouse::State::merchant_named(std::string_view name) const {
    for (std::size_t i = 0; i < options.merchants.size(); ++i)
        if (options.merchants[i].name == name) return i;
    return std::nullopt;
}

void RedirectHouse::State::remember(const KeyOf& key, Remembered what) {
    keys.emplace_back(what.at, key);
    remembered[key] = std::move(what);
}

void RedirectHouse::State::forget_old_keys() {
    const Instant since = clock.now() - house_key_life;
    for (; !keys.empty() && keys.front().first <= since; keys.pop_front()) {
        const auto found = remembered.find(keys.front().second);
        // It may have been used anew since.
        if (found != remembered.end() && found->second.at <= since) remembered.erase(found);
    }
}

bool RedirectHouse::State::load_session(const json& object) {
    auto session = read_saved_session(object);
    const auto merchant = merchant_named(text_of(object, "merchant"));
    if (!session || !merchant) return session.has_value();
    session->merchant = *merchant;
    const auto known = sessions.find(session->id);
    // A session that changed does not become the newest of its return URL again.
    if (known == sessions.end())
        put(std::move(*session));
    else
        known->second = std::move(*session);
    return true;
}

bool RedirectHouse::State::load_key(const json& object) {
    auto key = read_saved_key(object);
    const auto merchant = merchant_named(text_of(object, "merchant"));
    const bool is_alive = key && key->second.at > clock.now() - house_key_life;
    if (is_alive && merchant) remember({*merchant, std::move(key->first)}, std::move(key->second));
    return key.has_value();
}

std::optional<Error> RedirectHouse::State::load(const json& line) {
    const auto all = [&](const char* part, const std::function<bool(const json&)>& take_in) {
        const auto list = line.find(part);
        return list != line.end() && list->is_array() &&
               std::all_of(list->begin(), list->end(),
                           [&](const json& object) { return object.is_object() && take_in(object); });
    };
    if (!all("sessions", [&](const json& object) { return load_session(object); }))
        return bad_request("sessions", "is not understood");
    if (!all("ledger", [&](const json& object) {
            auto entry = read_saved_entry(object);
            if (entry) ledger.push_back(std::move(*entry));
            return entry.has_value();
        }))
        return bad_request("ledger", "is not understood");
    if (!all("keys", [&](const json& object) { return load_key(object); }))
        return bad_request("keys", "is not understood");
    entries_saved = ledger.size();
    return std::nullopt;
}

// ---- /_ledger and /_faults -----------------------------------------------------------------------------

HttpResponse RedirectHouse::State::show_ledger() const {
    struct Total {
        std::int64_t taken = 0, given_back = 0;
    };
    std::map<std::string, Total> totals;
    JsonWriter out;
    out.begin_object().key("entries").begin_array();
    for (const Entry& entry : ledger) {
        auto& total = totals[entry.currency];
        (entry.kind == "taken" ? total.taken : total.given_back) += entry.minor;
        out.begin_object()
            .field("at", iso8601(entry.at))
            .field("merchant", entry.merchant)
            .field("session", entry.session)
            .field("reference", entry.reference)
            .field("kind", entry.kind)
            .field("amount", entry.minor)
            .field("currency", entry.currency)
            .end_object();
    }
    out.end_array().key("totals").begin_object();
    for (const auto& [currency, total] : totals) {
        out.key(currency).begin_object().field("taken", total.taken).field("given_back", total.given_back);
        out.field("kept", total.taken - total.given_back).end_object();
    }
    out.end_object().end_object();
    return json_response(200, out.take());
}

HttpResponse RedirectHouse::State::show_faults() const {
    JsonWriter out;
    out.begin_object().key("rules").begin_array();
    for (const Rule& rule : faults) {
        out.begin_object()
            .field("on", rule.on)
            .field("do", rule.what)
            .field("ms", rule.ms.count())
            .field("times", rule.times);
        if (!rule.merchant.empty()) out.field("merchant", rule.merchant);
        out.end_object();
    }
    out.end_array().end_object();
    return json_response(200, out.take());
}

namespace {

Result<Rule> read_rule(const json& object) {
    if (!object.is_object()) return bad_request("rules", "holds something that is no object");
    for (const auto& [name, value] : object.items())
        if (name != "on" && name != "do" && name != "ms" && name != "times" && name != "merchant")
            return bad_request("rules", "\"" + name + "\" is no part of a rule");
    Rule rule;
    rule.on = text_of(object, "on");
    if (std::find(std::begin(places), std::end(places), rule.on) == std::end(places))
        return bad_request("rules",
                           "\"on\" is none of session, complete, look_up, close, refund, notice and *");
    rule.what = text_of(object, "do");
    const auto known = std::find_if(std::begin(fault_words), std::end(fault_words),
                                    [&](const auto& each) { return each.first == rule.what; });
    if (known == std::end(fault_words))
        return bad_request(
            "rules",
            "\"do\" is none of delay, drop_answer, error_after, error_before, twice, dead and wrong_amount");
    rule.fault = known->second;
    if (rule.fault == Fault::twice && rule.on != "notice")
        return bad_request("rules", "twice is for notices only");
    const auto number = [&](const char* name, std::int64_t otherwise,
                            std::int64_t most) -> std::optional<std::int64_t> {
        if (!object.contains(name)) return otherwise;
        const auto value = integer_of(object, name);
        return value && *value >= 0 && *value <= most ? value : std::nullopt;
    };
    const auto ms = number("ms", 0, house_fault_ms_max);
    const auto times = number("times", 1, house_fault_times_max);
    if (!ms) return bad_request("rules", "\"ms\" is not between 0 and 600000");
    if (!times || *times == 0) return bad_request("rules", "\"times\" is not between 1 and 1000000");
    rule.ms = Millis{*ms};
    rule.times = *times;
    rule.merchant = text_of(object, "merchant");
    return rule;
}

}  // namespace

HttpResponse RedirectHouse::State::set_faults(const HttpRequest& request) {
    const auto body = object_of(request.body);
    if (!body) return error_answer(400, "malformed", body.error().message);
    const auto rules = body->find("rules");
    if (rules == body->end() || !rules->is_array() || rules->size() > house_fault_rules_max)
        return error_answer(400, "malformed", "rules is not a list of at most 100");
    std::vector<Rule> read;
    for (const auto& each : *rules) {
        auto rule = read_rule(each);
        if (!rule) return error_answer(400, "malformed", rule.error().message);
        read.push_back(std::move(*rule));
    }
    faults = std::move(read);
    return show_faults();
}

/// The first rule that fits is used up by one.
std::optional<Rule> RedirectHouse::State::take_fault(std::string_view on, std::size_t merchant) {
    const auto found = std::find_if(faults.begin(), faults.end(), [&](const Rule& rule) {
        return (rule.on == on || rule.on == "*") &&
               (rule.merchant.empty() || rule.merchant == options.merchants[merchant].name);
    });
    if (found == faults.end()) return std::nullopt;
    const Rule rule = *found;
    if (--found->times == 0) faults.erase(found);
    return rule;
}

// ---- the house -----------------------------------------------------------------------------------------

RedirectHouse::RedirectHouse(Options options, const Clock& clock, Randomness& randomness,
                             SendNotice send_notice, After after, Save save)
    : state_(std::make_shared<State>(std::move(options), clock, randomness, std::move(send_notice),
                                     std::move(after), std::move(save))) {}

RedirectHouse::~RedirectHouse() = default;

std::optional<Error> RedirectHouse::load(const std::function<std::optional<std::string>()>& next_line) {
    for (std::size_t number = 1; const auto text = next_line(); ++number) {
        const auto line = object_of(*text);
        const auto wrong = line ? state_->load(*line) : std::nullopt;
        if (line && !wrong) continue;
        return bad_request("line " + std::to_string(number),
                           line ? wrong->field + " " + wrong->message : line.error().message);
    }
    return std::nullopt;
}

void RedirectHouse::save_all(const Save& save) const {
    state_->save_all(save);
}

Handler RedirectHouse::handler() const {
    return [state = state_](HttpRequest request, Reply reply) {
        state->handle(std::move(request), std::move(reply));
    };
}

const std::vector<RedirectHouse::Entry>& RedirectHouse::ledger() const {
    return state_->ledger;
}

}  // namespace kassi::sandbox
