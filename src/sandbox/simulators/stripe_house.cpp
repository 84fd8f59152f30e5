#include "sandbox/simulators/stripe_house.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/stripe_faults.hpp"
#include "sandbox/simulators/stripe_idempotency.hpp"
#include "sandbox/simulators/stripe_pages.hpp"
#include "sandbox/simulators/stripe_payments.hpp"
#include "sandbox/simulators/stripe_routes.hpp"
#include "sandbox/simulators/stripe_webhooks.hpp"

namespace kassi::sandbox {
namespace {

using namespace stripe;
using nlohmann::json;

Refusal stripe_error(int status, std::string type, std::string code, std::string message) {
    Refusal refusal;
    refusal.status = status;
    refusal.type = std::move(type);
    refusal.code = std::move(code);
    refusal.message = std::move(message);
    refusal.kept = false;
    return refusal;
}

const char* word(bool yes) {
    return yes ? "true" : "false";
}

bool is_test_key(std::string_view key, std::string_view prefix) {
    return key.starts_with(prefix) && key.size() > prefix.size() &&
           std::count(key.begin(), key.end(), '_') == 2;
}

stripe::Settings settings_of(const StripeHouse::Options& options) {
    const auto version = read_version(options.version);
    KASSI_ENSURE(version.has_value());
    stripe::Settings settings{options.page_origin, *version, {}};
    for (const auto& account : options.accounts) {
        KASSI_ENSURE(is_test_key(account.secret_key, "sk_test_"));
        KASSI_ENSURE(is_test_key(account.publishable_key, "pk_test_"));
        settings.accounts.emplace(
            account.name,
            stripe::Settings::Account{{account.extra_test_tokens.begin(), account.extra_test_tokens.end()},
                                      !account.webhook_url.empty() && !account.webhook_secrets.empty(),
                                      account.statement_descriptor});
    }
    return settings;
}

bool makes_an_object(Work work) {
    switch (work) {
        case Work::create_token:
        case Work::create_method:
        case Work::create_intent:
        case Work::create_charge:
        case Work::create_refund:
            return true;
        case Work::confirm_intent:
        case Work::capture_intent:
        case Work::cancel_intent:
        case Work::update_intent:
        case Work::search_intents:
        case Work::capture_charge:
        case Work::update_charge:
        case Work::update_refund:
        case Work::read_one:
        case Work::list:
            return false;
    }
    return false;
}

std::map<std::string, Webhooks::Endpoint> endpoints_of(const StripeHouse::Options& options) {
    std::map<std::string, Webhooks::Endpoint> endpoints;
    for (const auto& account : options.accounts)
        if (!account.webhook_url.empty() && !account.webhook_secrets.empty())
            endpoints.emplace(account.name, Webhooks::Endpoint{account.webhook_url, account.webhook_secrets});
    return endpoints;
}

}  // namespace

struct StripeHouse::State : std::enable_shared_from_this<StripeHouse::State> {
    Options options;
    const Clock& clock;
    After after;
    Save save;
    Books books;
    Payments payments;
    Keys keys;
    Faults faults;
    std::shared_ptr<Webhooks> webhooks;
    std::optional<Instant> woken_at;  ///< when the clock calls next

    State(Options given, const Clock& given_clock, Randomness& randomness, SendNotice send, After later,
          Save given_save)
        : options(std::move(given)),
          clock(given_clock),
          after(std::move(later)),
          save(std::move(given_save)),
          books(clock, randomness, options.objects_max),
          payments(books, settings_of(options)),
          keys(options.keys_max) {
        webhooks =
            std::make_shared<Webhooks>(books, faults, payments.settings().version, endpoints_of(options),
                                       std::move(send), after, [this] { flush(); });
    }

    /// One request of /v1 on its way through the house.
    struct Job {
        HttpRequest request;
        Route route;
        std::string account;
        std::string secret;  ///< of the account
        bool publishable = false;
        Version version;
        std::string key;
        std::string request_id;
        std::optional<Form> form;
        std::optional<Rule> rule;
    };

    void handle(HttpRequest request, Reply reply);
    void api(HttpRequest request, Reply reply);
    std::optional<Refusal> authenticate(Job& job, const Fields& fields) const;
    std::optional<Refusal> read_version_of(Job& job) const;
    void run(const std::shared_ptr<Job>& job, const Reply& reply);
    [[nodiscard]] std::optional<HttpResponse> refused_before_work(Job& job);
    HttpResponse execute(Job& job);
    HttpResponse work_under_key(Job& job);
    void run_later(const std::shared_ptr<Job>& job, const Reply& reply);
    [[nodiscard]] Answer work(Job& job);
    [[nodiscard]] HttpResponse response(const Job& job, int status, std::string body) const;
    [[nodiscard]] HttpResponse refuse(const Job& job, const Refusal& refusal) const;
    [[nodiscard]] HttpResponse replay(const Job& job, const Keys::Kept& kept) const;

    HttpResponse pages(const HttpRequest& request);
    HttpResponse secure_page(const HttpRequest& request);
    HttpResponse secure_act(const HttpRequest& request);
    HttpResponse after_the_page(const Intent& intent, std::string_view nonce) const;
    [[nodiscard]] std::string way_back(const Intent& intent) const;
    [[nodiscard]] std::string shown_name(const std::string& account) const;

    HttpResponse show_ledger() const;
    HttpResponse handle_faults(const HttpRequest& request);

    void tick();
    void flush();
    void wake_when_due();
    [[nodiscard]] std::set<std::string> account_names() const;
    std::optional<Error> load(const json& line);
};

// ---- the street in front ---------------------------------------------------------------------------------

void StripeHouse::State::handle(HttpRequest request, Reply reply) {
    tick();
    if (request.path().starts_with("/v1/")) return api(std::move(request), std::move(reply));
    auto answered = pages(request);
    flush();
    reply(std::move(answered));
}

HttpResponse StripeHouse::State::pages(const HttpRequest& request) {
    const std::string path(request.path());
    if (path == secure_act_path)
        return request.method == "POST" ? secure_act(request)
                                        : json_response(405, R"({"error":"POST only"})");
    if (path == "/stripe/_faults") return handle_faults(request);
    if (request.method != "GET" && request.method != "HEAD")
        return json_response(405, R"({"error":"GET only"})");
    if (path == secure_page_path) return secure_page(request);
    if (path == "/stripe/_ledger") return show_ledger();
    if (path == "/stripe/_webhooks") return json_response(200, webhooks->shown());
    if (path.starts_with(script_path)) return browser_response(path.substr(script_path.size()));
    return json_response(404, R"({"error":"nothing lives here"})");
}

// ---- /v1 -------------------------------------------------------------------------------------------------

void StripeHouse::State::api(HttpRequest request, Reply reply) {
    if (request.method == "OPTIONS") return reply(preflight_response());
    auto job = std::make_shared<Job>();
    job->request_id = books.fresh_id("req_", 14);
    job->request = std::move(request);
    job->version = payments.settings().version;
    const bool post = job->request.method == "POST";
    const auto fields = post ? request_fields(job->request, false)
                             : encoding::parse_form(job->request.query(), "query", limits::form_fields_max);
    const auto no_fields = Fields{};
    if (auto wrong = authenticate(*job, fields ? *fields : no_fields)) return reply(refuse(*job, *wrong));
    if (auto wrong = read_version_of(*job)) return reply(refuse(*job, *wrong));
    auto route = route_of(job->request.method, job->request.path());
    if (!route)
        return reply(refuse(*job, stripe_error(404, "invalid_request_error", "",
                                               "Unrecognized request URL (" + job->request.method + ")")));
    if (!fields)
        return reply(refuse(*job, stripe_error(400, "invalid_request_error", "",
                                               "Invalid request: " + fields.error().message)));
    job->route = std::move(*route);
    if (job->publishable && !job->route.for_browsers)
        return reply(
            refuse(*job, stripe_error(401, "invalid_request_error", "secret_key_required",
                                      "This API call cannot be made with a publishable API key. Please "
                                      "use a secret API key.")));
    job->key = post ? std::string(job->request.header("Idempotency-Key")) : "";
    if (job->key.size() > limits::idempotency_key_bytes_max)
        return reply(refuse(*job, stripe_error(400, "idempotency_error", "",
                                               "Idempotency keys have at most 255 characters.")));
    Fields parameters = *fields;
    std::erase_if(parameters, [](const auto& field) { return field.first == "key"; });
    job->form.emplace(parameters);
    job->rule = faults.take(job->route.step, job->request.path(), job->account);
    run(job, reply);
}

std::optional<Refusal> StripeHouse::State::authenticate(Job& job, const Fields& fields) const {
    const std::string key = key_of(job.request, fields);
    if (key.empty())
        return stripe_error(
            401, "invalid_request_error", "",
            "You did not provide an API key. Give it as Authorization: Bearer, or as the user of "
            "Basic.");
    if (key.starts_with("sk_live_") || key.starts_with("pk_live_") || key.starts_with("rk_live_"))
        return stripe_error(401, "invalid_request_error", "testmode_charges_only",
                            "A live key was given to a house that only knows test mode.");
    for (const auto& account : options.accounts) {
        const bool secret = crypto::equal(key, account.secret_key);
        if (!secret && !crypto::equal(key, account.publishable_key)) continue;
        job.account = account.name;
        job.secret = account.secret_key;
        job.publishable = !secret;
        return std::nullopt;
    }
    return stripe_error(
        401, "invalid_request_error", "api_key_invalid",
        "Invalid API Key provided: " + key.substr(0, std::min<std::size_t>(key.size(), 3)) + "****");
}

std::optional<Refusal> StripeHouse::State::read_version_of(Job& job) const {
    const auto wanted = job.request.header("Stripe-Version");
    if (wanted.empty()) return std::nullopt;
    auto version = read_version(wanted);
    if (!version)
        return stripe_error(
            400, "invalid_request_error", "",
            "Invalid Stripe API version: it is a date of 2022-11-15 or later, with the name of its "
            "release.");
    job.version = std::move(*version);
    return std::nullopt;
}

/// What the fault does before anything is looked at.
std::optional<HttpResponse> StripeHouse::State::refused_before_work(Job& job) {
    const auto with_advice = [&](HttpResponse response) {
        std::erase_if(response.headers,
                      [](const auto& header) { return header.first == "Stripe-Should-Retry"; });
        if (job.rule->should_retry)
            response.headers.emplace_back("Stripe-Should-Retry", word(*job.rule->should_retry));
        return response;
    };
    switch (job.rule->fault) {
        case Fault::error_before:
            return with_advice(refuse(job, stripe_error(500, "api_error", "", "An unknown error occurred.")));
        case Fault::rate_limit:
            return with_advice(refuse(job, stripe_error(429, "invalid_request_error", "rate_limit",
                                                        "Too many requests hit the API too quickly.")));
        case Fault::lock_timeout:
            return with_advice(refuse(job, stripe_error(429, "invalid_request_error", "lock_timeout",
                                                        "This object cannot be accessed right now because "
                                                        "another API request is accessing it.")));
        case Fault::key_in_use:
            return with_advice(
                refuse(job, stripe_error(409, "idempotency_error", "idempotency_key_in_use",
                                         "There is currently another in-progress request using "
                                         "this Idempotent Key.")));
        case Fault::dead:
        case Fault::delay_before:
        case Fault::delay:
        case Fault::drop_answer:
        case Fault::error_after:
        case Fault::error_kept:
        case Fault::error_stuck:
        case Fault::wrong_amount:
        case Fault::replayed:
        case Fault::stale:
        case Fault::twice:
        case Fault::another_id:
        case Fault::reorder:
        case Fault::lost:
        case Fault::wrong_signature:
            return std::nullopt;
    }
    return std::nullopt;
}

void StripeHouse::State::run(const std::shared_ptr<Job>& job, const Reply& reply) {
    if (!job->rule) return reply(execute(*job));
    const Rule rule = *job->rule;
    if (auto refused = refused_before_work(*job)) return reply(std::move(*refused));
    // A Reply that is destroyed uncalled is all that a house can do to stay silent.
    const auto stay_silent = [&] {
        if (rule.ms.count() > 0) after(rule.ms, [reply] {});
    };
    if (rule.fault == Fault::dead) return stay_silent();
    if (rule.fault == Fault::delay_before) return run_later(job, reply);
    auto answered = execute(*job);
    switch (rule.fault) {
        case Fault::drop_answer:
            return stay_silent();
        case Fault::delay:
            return after(rule.ms, [reply, answered] { reply(answered); });
        case Fault::error_after:
        case Fault::error_kept:
        case Fault::error_stuck:
            answered = refuse(*job, stripe_error(500, "api_error", "", "An unknown error occurred."));
            if (rule.should_retry)
                answered.headers.emplace_back("Stripe-Should-Retry", word(*rule.should_retry));
            break;
        case Fault::wrong_amount:
            answered.body = falsified(answered.body);
            break;
        case Fault::replayed:
            answered.headers.emplace_back("Idempotent-Replayed", "true");
            break;
        case Fault::stale:
        case Fault::dead:
        case Fault::error_before:
        case Fault::rate_limit:
        case Fault::lock_timeout:
        case Fault::key_in_use:
        case Fault::delay_before:
        case Fault::twice:
        case Fault::another_id:
        case Fault::reorder:
        case Fault::lost:
        case Fault::wrong_signature:
            break;
    }
    reply(std::move(answered));
}

/// Until the work begins its key is taken.
void StripeHouse::State::run_later(const std::shared_ptr<Job>& job, const Reply& reply) {
    const std::string path(job->request.path()), print = job->form->fingerprint(job->secret);
    const bool fresh =
        !job->key.empty() &&
        keys.look(job->account, job->key, path, print, clock.now()).verdict == Keys::Verdict::fresh;
    if (fresh) keys.begin(job->account, job->key, {path, print, job->request_id, 0, "", clock.now()});
    after(job->rule->ms, [self = weak_from_this(), job, reply, fresh] {
        const auto state = self.lock();
        if (!state) return;
        state->tick();
        if (fresh) state->keys.end(job->account, job->key, 0, "", false);
        reply(state->execute(*job));
    });
}

HttpResponse StripeHouse::State::execute(Job& job) {
    auto answered = work_under_key(job);
    flush();
    return answered;
}

/// 401 came first; now the key, then the parameters.
HttpResponse StripeHouse::State::work_under_key(Job& job) {
    if (job.key.empty()) {
        auto answer = job.rule && job.rule->fault == Fault::error_stuck ? Answer{} : work(job);
        return response(job, answer.status, std::move(answer.body));
    }
    const std::string path(job.request.path()), print = job.form->fingerprint(job.secret);
    const auto found = keys.look(job.account, job.key, path, print, clock.now());
    switch (found.verdict) {
        case Keys::Verdict::replay:
            return replay(job, *found.kept);
        case Keys::Verdict::at_work:
            return refuse(job,
                          stripe_error(409, "idempotency_error", "idempotency_key_in_use",
                                       "There is currently another in-progress request using this Idempotent "
                                       "Key."));
        case Keys::Verdict::other_path:
            return refuse(job,
                          stripe_error(400, "idempotency_error", "",
                                       "Keys for idempotent requests can only be used for the same endpoint "
                                       "they were first used for ('" +
                                           path + "' vs '" + found.kept->path + "')."));
        case Keys::Verdict::other_parameters:
            return refuse(
                job, stripe_error(400, "idempotency_error", "",
                                  "Keys for idempotent requests can only be used with the same parameters "
                                  "they were first used with."));
        case Keys::Verdict::full:
            return refuse(job, stripe_error(503, "api_error", "", "Too many idempotency keys."));
        case Keys::Verdict::fresh:
            break;
    }
    keys.begin(job.account, job.key, {path, print, job.request_id, 0, "", clock.now()});
    const auto fault = job.rule ? std::optional(job.rule->fault) : std::nullopt;
    auto answer = fault == Fault::error_stuck ? Answer{} : work(job);
    if (fault == Fault::error_kept || fault == Fault::error_stuck)
        keys.end(job.account, job.key, 500,
                 printed(stripe_error(500, "api_error", "", "An unknown error occurred."), job.request_id),
                 true);
    else
        keys.end(job.account, job.key, answer.status, answer.body, answer.kept);
    return response(job, answer.status, std::move(answer.body));
}

Answer StripeHouse::State::work(Job& job) {
    if (books.full() && makes_an_object(job.route.work))
        return {503, printed(stripe_error(503, "api_error", "", "The house is full."), job.request_id),
                false};
    Call call{job.account, job.publishable, job.version, job.request_id, job.key, *job.form};
    if (job.rule && job.rule->fault == Fault::stale) call.stale = job.rule->ms;
    switch (job.route.work) {
        case Work::create_token:
            return payments.create_token(call);
        case Work::create_method:
            return payments.create_method(call);
        case Work::create_intent:
            return payments.create_intent(call);
        case Work::confirm_intent:
            return payments.confirm_intent(call, job.route.id);
        case Work::capture_intent:
            return payments.capture_intent(call, job.route.id);
        case Work::cancel_intent:
            return payments.cancel_intent(call, job.route.id);
        case Work::update_intent:
            return payments.update_intent(call, job.route.id);
        case Work::search_intents:
            return payments.search_intents(call);
        case Work::create_charge:
            return payments.create_charge(call);
        case Work::capture_charge:
            return payments.capture_charge(call, job.route.id);
        case Work::update_charge:
            return payments.update_charge(call, job.route.id);
        case Work::create_refund:
            return payments.create_refund(call);
        case Work::update_refund:
            return payments.update_refund(call, job.route.id);
        case Work::read_one:
            return payments.read_one(call, job.route.kind, job.route.id);
        case Work::list:
            return payments.list(call, job.route.kind);
    }
    return {};
}

HttpResponse StripeHouse::State::response(const Job& job, int status, std::string body) const {
    auto made = api_response(status, std::move(body));
    made.headers.emplace_back("Date", http_date(clock.now()));
    made.headers.emplace_back("Request-Id", job.request_id);
    made.headers.emplace_back("Stripe-Version", job.version.text);
    if (!job.key.empty()) {
        made.headers.emplace_back("Idempotency-Key", job.key);
        made.headers.emplace_back("Original-Request", job.request_id);
    }
    if (status == 409) made.headers.emplace_back("Stripe-Should-Retry", "true");
    if (status == 400 || status == 402) made.headers.emplace_back("Stripe-Should-Retry", "false");
    return made;
}

HttpResponse StripeHouse::State::refuse(const Job& job, const Refusal& refusal) const {
    return response(job, refusal.status, printed(refusal, job.request_id));
}

HttpResponse StripeHouse::State::replay(const Job& job, const Keys::Kept& kept) const {
    auto made = response(job, kept.status, kept.body);
    for (auto& [name, value] : made.headers)
        if (name == "Original-Request") value = kept.request;
    made.headers.emplace_back("Idempotent-Replayed", "true");
    return made;
}

// ---- the bank's page -------------------------------------------------------------------------------------

namespace {

/// Stripe's own unit of a currency is not that of ISO 4217 everywhere: ISK and UGX have two places there.
std::string amount_for_people(std::int64_t minor, const std::string& code) {
    const auto currency = Currency::parse(code, "currency");
    KASSI_ENSURE(currency.has_value());
    const bool two_more = (code == "isk" || code == "ugx") && currency->places() == 0;
    return money_for_people({two_more ? minor / 100 : minor, *currency});
}

}  // namespace

std::string StripeHouse::State::shown_name(const std::string& account) const {
    const auto& descriptor = payments.settings().accounts.at(account).descriptor;
    return descriptor.empty() ? account : descriptor;
}

HttpResponse StripeHouse::State::secure_page(const HttpRequest& request) {
    const std::string nonce = books.fresh_id("", 22);
    const auto fields = encoding::parse_form(request.query(), "query");
    const auto field = [&](std::string_view name) {
        const std::string* value = fields ? find_field(*fields, name) : nullptr;
        return value == nullptr ? std::string() : *value;
    };
    const Challenge asked{.intent = field("payment_intent"),
                          .client_secret = field("payment_intent_client_secret"),
                          .source = field("source")};
    const auto found = payments.page_of(asked.intent, asked.client_secret, asked.source);
    if (found == Payments::Page::unknown)
        return say(404, "Unknown payment", "There is no payment of this address here.", "", nonce);
    const Intent& intent = *books.intents.find(asked.intent);
    if (found == Payments::Page::over) return after_the_page(intent, nonce);
    Challenge shown = asked;
    const TestCard& card = books.methods.find(intent.method)->card.facts();
    shown.merchant = shown_name(intent.account);
    shown.amount = amount_for_people(intent.amount, intent.currency);
    shown.card = std::string(card.brand) + ", ending in " + std::string(card.last4());
    shown.return_url = intent.return_url;
    return challenge(shown, nonce);
}

/// The outcome as it stands; what the browser says about it is worth nothing.
std::string StripeHouse::State::way_back(const Intent& intent) const {
    if (intent.return_url.empty()) return "";
    bool succeeded = false;
    switch (intent.status) {
        case IntentStatus::succeeded:
        case IntentStatus::requires_capture:
        case IntentStatus::requires_confirmation:
            succeeded = true;
            break;
        case IntentStatus::requires_payment_method:
        case IntentStatus::requires_action:
        case IntentStatus::canceled:
            break;
    }
    const Fields fields{{"payment_intent", intent.id},
                        {"payment_intent_client_secret", intent.client_secret},
                        {"redirect_status", succeeded ? "succeeded" : "failed"}};
    return intent.return_url + (intent.return_url.find('?') == std::string::npos ? "?" : "&") +
           encoding::form(fields);
}

HttpResponse StripeHouse::State::after_the_page(const Intent& intent, std::string_view nonce) const {
    return say(410, "This question is over", "It was answered, or the payment was cancelled.",
               way_back(intent), nonce);
}

HttpResponse StripeHouse::State::secure_act(const HttpRequest& request) {
    const std::string nonce = books.fresh_id("", 22);
    const auto fields = request_fields(request, false);
    const auto field = [&](std::string_view name) {
        const std::string* value = fields ? find_field(*fields, name) : nullptr;
        return value == nullptr ? std::string() : *value;
    };
    const std::string id = field("payment_intent"), act = field("act");
    if (act != "complete" && act != "fail" && act != "complete_stay" && act != "leave")
        return say(400, "Not understood", "There is no such button.", "", nonce);
    const auto found = payments.page_of(id, field("payment_intent_client_secret"), field("source"));
    if (found == Payments::Page::unknown)
        return say(404, "Unknown payment", "There is no such payment here.", "", nonce);
    const Intent& intent = *books.intents.find(id);
    if (found == Payments::Page::over) return after_the_page(intent, nonce);
    if (act == "leave")
        return say(200, "You walked away", "The question stays open. You can close this window.", "", nonce);
    payments.authenticated(id, act != "fail");
    const std::string back = way_back(intent);
    if (act == "complete_stay" || back.empty())
        return say(200, "Done", "The bank has told the shop. You can close this window.", "", nonce);
    return redirect_response(303, back);
}

// ---- ledger and faults -----------------------------------------------------------------------------------

HttpResponse StripeHouse::State::show_ledger() const {
    struct Total {
        std::int64_t held = 0, hold_gone = 0, taken = 0, given_back = 0;
    };
    std::map<std::string, Total> totals;
    JsonWriter out;
    out.begin_object().key("entries").begin_array();
    for (const auto& entry : books.ledger) {
        auto& total = totals[entry.currency];
        auto& sum = entry.kind == "held"        ? total.held
                    : entry.kind == "hold_gone" ? total.hold_gone
                    : entry.kind == "taken"     ? total.taken
                                                : total.given_back;
        sum += entry.minor;
        out.begin_object()
            .field("at", iso8601(entry.at))
            .field("merchant", entry.merchant)
            .field("intent", entry.intent)
            .field("reference", entry.reference)
            .field("kind", entry.kind)
            .field("amount", entry.minor)
            .field("currency", entry.currency)
            .end_object();
    }
    out.end_array().key("totals").begin_object();
    for (const auto& [currency, total] : totals) {
        out.key(currency).begin_object().field("held", total.held).field("hold_gone", total.hold_gone);
        out.field("taken", total.taken).field("given_back", total.given_back);
        out.field("kept", total.taken - total.given_back).end_object();
    }
    out.end_object().end_object();
    return json_response(200, out.take());
}

HttpResponse StripeHouse::State::handle_faults(const HttpRequest& request) {
    if (request.method == "PUT") {
        if (const auto wrong = faults.set(request.body)) {
            JsonWriter out;
            out.begin_object().field("error", wrong->field + ": " + wrong->message).end_object();
            return json_response(400, out.take());
        }
    } else if (request.method == "DELETE") {
        faults.clear();
    } else if (request.method != "GET") {
        return json_response(405, R"({"error":"GET, PUT or DELETE"})");
    }
    return json_response(200, faults.shown());
}

// ---- time, and what outlives the house -------------------------------------------------------------------

void StripeHouse::State::tick() {
    payments.do_due();
    flush();
}

/// Written down first, told to others next, answered last.
void StripeHouse::State::flush() {
    if ((books.something_changed() || keys.changed()) && save) {
        JsonWriter out;
        out.begin_object();
        books.record(out);
        keys.record(out);
        out.end_object();
        save(out.take());
    }
    for (const auto& event : payments.take_news()) webhooks->deliver(event);
    wake_when_due();
}

void StripeHouse::State::wake_when_due() {
    const auto due = payments.next_due();
    if (!due || (woken_at && *woken_at <= *due)) return;
    woken_at = *due;
    after(std::max(*due - clock.now(), Millis{0}), [self = weak_from_this(), at = *due] {
        const auto state = self.lock();
        if (!state) return;
        if (state->woken_at == at) state->woken_at.reset();
        state->tick();
    });
}

std::set<std::string> StripeHouse::State::account_names() const {
    std::set<std::string> names;
    for (const auto& account : options.accounts) names.insert(account.name);
    return names;
}

std::optional<Error> StripeHouse::State::load(const json& line) {
    if (!line.is_object()) return bad_request("line", "is not a JSON object");
    const auto names = account_names();
    if (const auto wrong = books.load(line, names)) return bad_request(*wrong, "is not understood");
    if (!keys.load(line, names, clock.now())) return bad_request("keys", "is not understood");
    return std::nullopt;
}

// ---- the house -------------------------------------------------------------------------------------------

StripeHouse::StripeHouse(Options options, const Clock& clock, Randomness& randomness, SendNotice send_notice,
                         After after, Save save)
    : state_(std::make_shared<State>(std::move(options), clock, randomness, std::move(send_notice),
                                     std::move(after), std::move(save))) {}

StripeHouse::~StripeHouse() = default;

std::optional<Error> StripeHouse::load(const std::function<std::optional<std::string>()>& next_line) {
    for (std::size_t number = 1; const auto text = next_line(); ++number) {
        const auto line = parse_json(*text);
        const auto wrong = line ? state_->load(*line) : std::optional(line.error());
        if (wrong) return bad_request("line " + std::to_string(number), wrong->field + " " + wrong->message);
    }
    state_->payments.remember_due();
    state_->wake_when_due();
    state_->webhooks->deliver_pending();
    return std::nullopt;
}

void StripeHouse::save_all(const Save& save) const {
    state_->books.save_all(save);
    state_->keys.save_all(save, state_->clock.now());
}

Handler StripeHouse::handler() const {
    return [state = state_](HttpRequest request, Reply reply) {
        state->handle(std::move(request), std::move(reply));
    };
}

const std::vector<StripeHouse::Entry>& StripeHouse::ledger() const {
    return state_->books.ledger;
}

std::optional<Error> StripeHouse::set_faults(std::string_view json) {
    return state_->faults.set(json);
}

}  // namespace kassi::sandbox
