#include "providers/redirect/redirect.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "providers/evidence.hpp"
#include "providers/reading.hpp"
#include "providers/reference.hpp"
#include "providers/settings.hpp"
#include "providers/signed_notice.hpp"

namespace kassi::providers {
namespace {

using nlohmann::json;

// ---- facts ---------------------------------------------------------------------------------------------
constexpr std::string_view flow_name = "redirect";
constexpr int callout_seconds_min = 120;
constexpr int callout_seconds_most = 86'400;
constexpr Millis try_again_soon{1'000};
constexpr Millis try_again_later{5'000};
constexpr Millis key_margin{3'600'000};  ///< we stop relying on a key so long before the house forgets it

// ---- configuration -------------------------------------------------------------------------------------
/// A merchant's settings, checked.
struct House {
    bool can_be_asked = true;
    bool notifies = true;
    bool signed_return = false;
    bool refundable = true;
    std::string callout_type = "get";
    Millis callout_max{0};  ///< 0: as long as we allow
    std::string page_url;
    std::string title;  ///< "{source}" stands for the bundle's source
    std::vector<std::string> currencies;
    Flow::Debitor debitor;
};

constexpr std::string_view default_title = "Dummy external card details page for debit on system '{source}'";

Result<Millis> read_callout_max(const Merchant& merchant) {
    const std::string text = settings::text(merchant, "callout_seconds_max", "");
    if (text.empty()) return Millis{0};
    const auto seconds = minor_from_decimal(text, 0, "callout_seconds_max");
    if (!seconds) return seconds.error();
    if (*seconds < callout_seconds_min || *seconds > callout_seconds_most)
        return bad_request("callout_seconds_max", "is not between 120 and 86400");
    return Millis{*seconds * 1000};
}

Result<House> read_house(const Merchant& merchant) {
    House house;
    for (const auto& [name, into] : {std::pair{"can_be_asked", &house.can_be_asked},
                                     {"notifies", &house.notifies},
                                     {"signed_return", &house.signed_return}}) {
        const auto flag = settings::flag(merchant, name, *into);
        if (!flag) return flag.error();
        *into = *flag;
    }
    const auto refundable = settings::flag(merchant, "refundable", house.can_be_asked);
    if (!refundable) return refundable.error();
    house.refundable = *refundable;

    house.callout_type = settings::text(merchant, "callout_type", house.callout_type);
    if (house.callout_type != "get" && house.callout_type != "post")
        return bad_request("callout_type", "is neither get nor post");
    const auto callout_max = read_callout_max(merchant);
    if (!callout_max) return callout_max.error();
    house.callout_max = *callout_max;
    const auto currencies = settings::currencies(merchant, "currencies");
    if (!currencies) return currencies.error();
    house.currencies = *currencies;

    house.page_url = settings::text(merchant, "page_url", "");
    house.title = settings::text(merchant, "title", default_title);
    house.debitor = {settings::text(merchant, "debitor_type", "dummy"),
                     settings::text(merchant, "debitor_name", "dummy"),
                     settings::text(merchant, "debitor_desc", "The Dummy Card Debitor"),
                     settings::text(merchant, "debitor_integration", "{}"), merchant.name};
    return house;
}

/// configure() has refused what cannot be read.
House house_of(const Merchant& merchant) {
    auto house = read_house(merchant);
    KASSI_ENSURE(house.has_value());
    return std::move(*house);
}

std::optional<Error> check_names(const Merchant& merchant) {
    return settings::check_names(merchant, flow_name,
                                 {"can_be_asked", "notifies", "signed_return", "refundable", "callout_type",
                                  "callout_seconds_max", "page_url", "title", "debitor_type", "debitor_name",
                                  "debitor_desc", "currencies", "debitor_integration"},
                                 {"api_key", "notice_secret", "return_secret"});
}

std::optional<Error> check_house(const House& house, const Merchant& merchant) {
    if (auto wrong = settings::check_address("base_url", merchant.base_url, house.can_be_asked)) return wrong;
    if (!merchant.base_url.empty() && merchant.base_url.back() == '/')
        return bad_request("base_url", "ends with a slash");
    if (auto wrong = settings::check_address("page_url", house.page_url, !house.can_be_asked)) return wrong;
    if (!house.can_be_asked && house.refundable)
        return bad_request("refundable", "a house that cannot be asked cannot be told to give money back");
    // Its notices prove, an unsigned return does not: such a return must not be believed before them.
    if (!house.can_be_asked && house.notifies && !house.signed_return)
        return bad_request("signed_return",
                           "a house that notifies and cannot be asked must sign its returns");
    if (auto wrong =
            settings::check_secret(merchant, "api_key", house.can_be_asked, "the house is asked with it"))
        return wrong;
    if (auto wrong =
            settings::check_secret(merchant, "notice_secret", house.notifies, "notices are signed with it"))
        return wrong;
    if (auto wrong = settings::check_secret(merchant, "return_secret", house.signed_return,
                                            "returns are signed with it"))
        return wrong;
    return settings::check_json_object("debitor_integration", house.debitor.integration_json);
}

core::Facts facts_of_house(const House& house) {
    core::Facts facts;
    facts.has_open = true;
    facts.can_query = house.can_be_asked;
    facts.can_close = house.can_be_asked;
    facts.can_refund = house.refundable;
    facts.can_refund_part = house.refundable;
    facts.notifies = house.notifies;
    facts.notice_trust = core::Trust::proof;
    facts.settled_by_return = !house.can_be_asked;
    facts.browser = core::Browser::always;
    facts.credentials = {"none"};
    facts.currencies = house.currencies;
    return facts;
}

// ---- builders ------------------------------------------------------------------------------------------
/// The house's id of our session; "" before it was heard.
std::string session_of(const core::Scene& scene) {
    return known_reference(scene, "session");
}

std::string title_of(const core::Scene& scene, const House& house) {
    std::string sources;
    for (const auto& source : scene.leg.sources) sources += (sources.empty() ? "" : ", ") + source;
    std::string title = house.title;
    constexpr std::string_view mark = "{source}";
    if (const auto at = title.find(mark); at != std::string::npos) title.replace(at, mark.size(), sources);
    return title;
}

core::Step ask_once(const core::Scene& scene, std::string name, std::string path, std::string body) {
    core::Ask ask;
    ask.name = std::move(name);
    ask.key = key_of(scene);
    ask.key_until = scene.now + redirect::key_life - key_margin;
    ask.repeat = core::Repeat::same_key;
    ask.reference = reference_of(scene);
    ask.request = {"POST",
                   std::move(path),
                   {{"Idempotency-Key", ask.key}, {"Content-Type", "application/json"}},
                   std::move(body)};
    return ask;
}

core::Step ask_safely(const core::Scene& scene, std::string name, std::string method, std::string path) {
    core::Ask ask;
    ask.name = std::move(name);
    ask.repeat = core::Repeat::safe;
    ask.reference = reference_of(scene);
    ask.request = {std::move(method), std::move(path), {}, ""};
    return ask;
}

Instant expires_at(const core::Scene& scene, const House& house) {
    return house.callout_max.count() == 0 ? scene.callout_until
                                          : std::min(scene.callout_until, scene.now + house.callout_max);
}

core::Step build_session(const core::Scene& scene, const House& house, const Merchant& merchant) {
    JsonWriter body;
    body.begin_object()
        .field("reference", reference_of(scene))
        .field("amount", scene.amount.minor)
        .field("currency", scene.amount.currency.code())
        .field("title", title_of(scene, house))
        .field("return_url", scene.return_url);
    if (house.notifies)
        body.field("notify_url", std::string(scene.public_url) + "/webhooks/redirect/" + merchant.name);
    body.field("callout_type", house.callout_type)
        .field("expires_at", iso8601(expires_at(scene, house)))
        .end_object();
    return ask_once(scene, "session", "/sessions", body.take());
}

/// A house without a contract of its own: everything it is told is told by the browser.
core::Step send_to_page(const core::Scene& scene, const House& house) {
    core::Waiting waiting;
    waiting.callout.type = house.callout_type;
    waiting.callout.destination = house.page_url;
    waiting.callout.parameters = {{"return_url", scene.return_url},
                                  {"title", title_of(scene, house)},
                                  {"reference", reference_of(scene)},
                                  {"amount", std::to_string(scene.amount.minor)},
                                  {"currency", std::string(scene.amount.currency.code())}};
    waiting.callout.integration_json = R"({"is_dummy_3d_secure": false})";
    // There is no call whose reference a notice could name.
    waiting.references = {{"reference", reference_of(scene)}};
    return waiting;
}

core::Step refused(std::string code, std::string text) {
    core::Declined declined;
    declined.why.code = std::move(code);
    declined.why.text = std::move(text);
    return declined;
}

core::Step begin_open(const core::Scene& scene, const House& house, const Merchant& merchant) {
    if (scene.return_url.empty())
        return refused("no_return_url", "The payment needs a browser, and no return URL was given for it.");
    return house.can_be_asked ? build_session(scene, house, merchant) : send_to_page(scene, house);
}

core::Step build_complete(const core::Scene& scene) {
    const std::string session = session_of(scene);
    if (session.empty()) return core::NotDone{.why = "there is no session to complete"};
    JsonWriter body;
    body.begin_object().key("returned").begin_array();
    for (const auto& [name, value] : scene.parcel.returned)
        body.begin_array().string(name).string(value).end_array();
    body.end_array().end_object();
    return ask_once(scene, "complete", "/sessions/" + encoding::percent_encode(session) + "/complete",
                    body.take());
}

core::Step build_look_up(const core::Scene& scene) {
    const std::string session = session_of(scene);
    return ask_safely(scene, "look_up", "GET",
                      session.empty() ? "/sessions?reference=" + encoding::percent_encode(reference_of(scene))
                                      : "/sessions/" + encoding::percent_encode(session));
}

core::Step build_close(const core::Scene& scene) {
    const std::string session = session_of(scene);
    // Without an id no callout was handed out, so no customer can be on the house's page.
    if (session.empty())
        return core::Done{.money = core::LegMoney::none,
                          .amount = {},
                          .references = {},
                          .evidence = "no session was opened"};
    return ask_safely(scene, "close", "POST", "/sessions/" + encoding::percent_encode(session) + "/close");
}

core::Step build_refund(const core::Scene& scene, const House& house) {
    const std::string session = session_of(scene);
    if (!house.refundable) return refused("not_refundable", "This house does not give money back.");
    if (session.empty()) return refused("not_refundable", "The house's session is not known.");
    JsonWriter body;
    body.begin_object()
        .field("amount", scene.amount.minor)
        .field("reference", refund_reference_of(scene))
        .end_object();
    return ask_once(scene, "refund", "/sessions/" + encoding::percent_encode(session) + "/refunds",
                    body.take());
}

// ---- code tables ---------------------------------------------------------------------------------------
/// The house's words for a session; any other word is unknown to us, never success.
enum class Status { open, pending, paid, refused, closed, refunded };

std::optional<Status> status_of(std::string_view text) {
    constexpr std::pair<std::string_view, Status> words[] = {
        {"open", Status::open},       {"pending", Status::pending}, {"paid", Status::paid},
        {"refused", Status::refused}, {"closed", Status::closed},   {"refunded", Status::refunded}};
    for (const auto& [name, status] : words)
        if (name == text) return status;
    return std::nullopt;
}

core::Step charge_by(Status status, core::Done paid) {
    switch (status) {
        case Status::open:
        case Status::pending:
            return core::Working{.why = "the house still works on the payment"};
        case Status::paid:
            return paid;
        case Status::refused:
            return refused("declined", "The payment was refused.");
        case Status::closed:
            return refused("closed", "The payment page was closed before the payment.");
        case Status::refunded:
            break;
    }
    return core::Unknown{.why = "the house says that the payment was taken and given back"};
}

core::Step fact_by(Status status, core::Done fact) {
    switch (status) {
        case Status::pending:
            return core::Working{.why = "the house still works on the payment"};
        case Status::paid:
            fact.money = core::LegMoney::taken;
            return fact;
        case Status::refunded:
            fact.money = core::LegMoney::back;
            return fact;
        case Status::open:
        case Status::refused:
        case Status::closed:
            break;
    }
    fact.money = core::LegMoney::none;
    fact.amount.reset();
    return fact;
}

core::Step close_by(Status status, core::Done closed) {
    switch (status) {
        case Status::refused:
        case Status::closed:
            return closed;
        case Status::paid:
        case Status::refunded:
            return refused("already_paid", "The customer paid before the page was closed.");
        case Status::pending:
            return core::Working{.why = "the house still works on the payment"};
        case Status::open:
            break;
    }
    return core::Unknown{.why = "the house was told to close the session and says that it is open"};
}

// ---- readers -------------------------------------------------------------------------------------------
core::Step unknown(std::string why) {
    return core::Unknown{.why = std::move(why)};
}

std::optional<Money> money_of(const json& object) {
    const auto minor = integer_of(object, "amount");
    const auto currency = Currency::parse(text_of(object, "currency"), "currency");
    if (!minor || *minor <= 0 || *minor > payment_minor_max || !currency) return std::nullopt;
    return Money{*minor, *currency};
}

struct Session {
    std::string id;
    Status status{};
    Money amount;
    std::optional<Money> refunded;  ///< nothing when the house does not say
};

Result<Session> read_session(const json& object, const core::Scene& scene) {
    const auto refuse = [](std::string why) { return bad_request("session", std::move(why)); };
    Session session;
    session.id = text_of(object, "id");
    if (!is_plain_reference(session.id)) return refuse("the house's answer has no proper session id");
    if (const auto known = session_of(scene); !known.empty() && session.id != known)
        return refuse("the house speaks of another session");
    if (text_of(object, "reference") != reference_of(scene))
        return refuse("the house speaks of another reference");
    const auto status = status_of(text_of(object, "status"));
    if (!status) return refuse("the house uses a status word that we do not know");
    session.status = *status;
    const auto amount = money_of(object);
    if (!amount) return refuse("the house's answer has no proper amount");
    session.amount = *amount;
    if (object.contains("refunded")) {
        const auto refunded = integer_of(object, "refunded");
        if (!refunded || *refunded < 0 || *refunded > amount->minor)
            return refuse("the house's answer has no proper amount that was given back");
        session.refunded = Money{*refunded, amount->currency};
    }
    return session;
}

Result<core::Callout> read_callout(const json& object) {
    const auto refuse = [](std::string why) { return bad_request("callout", std::move(why)); };
    const auto found = object.find("callout");
    if (found == object.end() || !found->is_object()) return refuse("the house's answer has no callout");
    core::Callout callout;
    callout.type = text_of(*found, "type");
    if (callout.type != "get" && callout.type != "post")
        return refuse("the house's callout is neither get nor post");
    callout.destination = text_of(*found, "url");
    const auto url = parse_url(callout.destination, "callout");
    if (!url || url->target.find('?') != std::string::npos)
        return refuse("the house's callout has no proper URL");
    const auto parameters = found->find("parameters");
    if (parameters == found->end() || !parameters->is_array() || parameters->size() > limits::form_fields_max)
        return refuse("the house's callout has no proper parameters");
    for (const auto& pair : *parameters) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
            return refuse("the house's callout has a parameter that is no pair of texts");
        callout.parameters.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    }
    callout.integration_json = R"({"is_dummy_3d_secure": false})";
    return callout;
}

core::Done done_with(const Session& session, core::LegMoney money, std::string evidence) {
    return {.money = money,
            .amount = session.amount,
            .references = {{"session", session.id}},
            .evidence = std::move(evidence)};
}

core::Step read_opened(const json& object, const core::Scene& scene) {
    const auto session = read_session(object, scene);
    if (!session) return unknown(session.error().message);
    if (session->status != Status::open) return unknown("the house's new session is not open");
    // Nobody was sent there, so nobody can pay the wrong amount: known not done.
    if (session->amount != scene.amount)
        return refused("amount_mismatch", "The house speaks of another amount than was asked.");
    auto callout = read_callout(object);
    if (!callout) return unknown(callout.error().message);
    core::Waiting waiting;
    waiting.callout = std::move(*callout);
    waiting.references = {{"session", session->id}};
    return waiting;
}

core::Step read_completed(const json& object, const core::Scene& scene) {
    const auto session = read_session(object, scene);
    if (!session) return unknown(session.error().message);
    return charge_by(session->status, done_with(*session, core::LegMoney::taken, "paid"));
}

/// What the house gave back, and whether we know of it. In doubt is what we asked and heard nothing of.
std::string refunds_said(const Session& session, const core::Leg& leg) {
    if (!session.refunded || session.refunded->minor == leg.back_minor) return "";
    std::int64_t asked = leg.back_minor;
    for (const auto& refund : leg.refunds)
        if (refund.state == core::RefundState::asked) asked += refund.amount.minor;
    std::string said = ", " + money_for_people(*session.refunded) + " given back";
    if (session.refunded->minor > asked)
        said += ", more than the " + money_for_people({asked, session.amount.currency}) + " that we know of";
    return said;
}

core::Step read_fact(const json& object, const core::Scene& scene) {
    const json* said = &object;
    if (const auto list = object.find("sessions"); list != object.end()) {
        if (!list->is_array() || list->size() > 1)
            return unknown("the house knows more than one session of our reference");
        if (list->empty())
            return core::Done{.money = core::LegMoney::none,
                              .amount = {},
                              .references = {},
                              .evidence = "the house knows of no session"};
        said = &list->front();
        if (!said->is_object()) return unknown("the house's answer is not understood");
    }
    auto session = read_session(*said, scene);
    if (!session) return unknown(session.error().message);
    const bool all_back = session->refunded == session->amount;
    if (session->status == Status::refunded && session->refunded && !all_back)
        return unknown("the house says that all was given back, and names a part of it");
    if (session->status == Status::paid && all_back) session->status = Status::refunded;
    auto fact = done_with(*session, core::LegMoney::none,
                          "looked up: " + text_of(*said, "status") + refunds_said(*session, scene.leg));
    fact.given_back = session->refunded;
    return fact_by(session->status, std::move(fact));
}

core::Step read_closed(const json& object, const core::Scene& scene) {
    const auto session = read_session(object, scene);
    if (!session) return unknown(session.error().message);
    core::Done closed = done_with(*session, core::LegMoney::none, "closed");
    closed.amount.reset();
    return close_by(session->status, std::move(closed));
}

core::Step read_refunded(const json& object, const core::Scene& scene) {
    const std::string id = text_of(object, "id");
    const auto amount = money_of(object);
    if (!is_plain_reference(id) || !amount)
        return unknown("the house's answer to the refund is not understood");
    if (text_of(object, "session") != session_of(scene) ||
        text_of(object, "reference") != refund_reference_of(scene))
        return unknown("the house speaks of another refund");
    if (*amount != scene.amount)
        return unknown("the house speaks of another amount than was to be given back");
    const std::string status = text_of(object, "status");
    if (status == "pending") return core::Working{.why = "the house still works on the refund"};
    if (status != "refunded") return unknown("the house uses a status word that we do not know");
    return core::Done{.money = core::LegMoney::back,
                      .amount = amount,
                      .references = {{"refund", id}},
                      .evidence = "refunded"};
}

/// What an understood answer (2xx, or 409 with the state of the session) means for the verb.
core::Step read_by_verb(const json& object, const core::Scene& scene) {
    switch (scene.verb) {
        case core::Verb::open:
            return read_opened(object, scene);
        case core::Verb::charge:
            return read_completed(object, scene);
        case core::Verb::query:
            return read_fact(object, scene);
        case core::Verb::close:
            return read_closed(object, scene);
        case core::Verb::refund:
            return read_refunded(object, scene);
        case core::Verb::authorise:
        case core::Verb::capture:
        case core::Verb::void_hold:
            break;
    }
    return unknown("nothing of the kind was asked");
}

struct HouseError {
    std::string code;
    bool not_done = false;
};

HouseError read_error(const std::optional<json>& object) {
    HouseError error;
    if (!object) return error;
    const auto found = object->find("error");
    if (found == object->end() || !found->is_object()) return error;
    error.code = text_of(*found, "code");
    if (!is_plain_reference(error.code) || may_be_card_number(error.code)) error.code.clear();
    const auto not_done = found->find("not_done");
    error.not_done = not_done != found->end() && not_done->is_boolean() && not_done->get<bool>();
    return error;
}

/// 400, 401, 403, 404, 422: the house did nothing.
core::Step read_refusal(int status, const HouseError& error, const core::Scene& scene) {
    const std::string why =
        "the house answered " + std::to_string(status) + (error.code.empty() ? "" : " " + error.code);
    // Somebody used our key for something else: what became of that is not in this answer.
    if (error.code == "key_reused") return unknown(why);
    const bool credentials = status == 401 || status == 403;
    switch (scene.verb) {
        case core::Verb::open:
            if (status == 400 || status == 422)
                return refused("rejected", "The payment page was not opened: " + why + ".");
            return core::NotDone{.why = why, .after = try_again_later};
        case core::Verb::refund:
            if (!credentials) return refused("refund_refused", "The money was not given back: " + why + ".");
            return core::NotDone{.why = why, .after = try_again_later};
        case core::Verb::charge:
            return core::NotDone{.why = why, .after = try_again_later};
        case core::Verb::query:
            // Nobody was ever given the way to a session that neither side knows.
            if (status == 404 && session_of(scene).empty())
                return core::Done{.money = core::LegMoney::none,
                                  .amount = {},
                                  .references = {},
                                  .evidence = "the house has no session of our reference"};
            break;
        // A house that no longer knows its own session says nothing about the money.
        case core::Verb::close:
        case core::Verb::authorise:
        case core::Verb::capture:
        case core::Verb::void_hold:
            break;
    }
    return unknown(why);
}

core::Step read_conflict(const std::optional<json>& object, const HouseError& error,
                         const core::Scene& scene) {
    switch (scene.verb) {
        case core::Verb::charge:
        case core::Verb::close:
            if (object) return read_by_verb(*object, scene);
            break;
        case core::Verb::refund:
            if (error.code == "not_paid")
                return refused("not_paid", "The house has no money of this payment to give back.");
            break;
        case core::Verb::open:
            if (error.code == "reference_used")
                return core::NotDone{.why = "the house has another session of our reference",
                                     .after = try_again_later};
            break;
        case core::Verb::query:
        case core::Verb::authorise:
        case core::Verb::capture:
        case core::Verb::void_hold:
            break;
    }
    return unknown("the house answered 409");
}

core::Step read_answer(const HttpResponse& response, const core::Scene& scene) {
    const auto object = object_of(response.body);
    const auto error = read_error(object);
    switch (response.status) {
        case 200:
        case 201:
            if (!object) return unknown("the house's answer is not understood");
            return read_by_verb(*object, scene);
        case 400:
        case 401:
        case 403:
        case 404:
        case 422:
            return read_refusal(response.status, error, scene);
        case 409:
            return read_conflict(object, error, scene);
        case 429:
        case 503:
            if (error.not_done) return core::NotDone{.why = "the house is busy", .after = try_again_soon};
            break;
        default:
            break;
    }
    return unknown("the house answered " + std::to_string(response.status));
}

// ---- the return ----------------------------------------------------------------------------------------
/// Every value of that name agrees; nullopt when there is none or they differ.
std::optional<std::string> only_value(const Fields& fields, std::string_view name) {
    std::optional<std::string> value;
    for (const auto& [field, said] : fields) {
        if (field != name) continue;
        if (value && *value != said) return std::nullopt;
        value = said;
    }
    return value;
}

bool says_success(std::string_view value) {
    constexpr std::string_view words[] = {"yes", "1", "true", "paid"};
    return std::find(std::begin(words), std::end(words), value) != std::end(words);
}

/// HMAC-SHA256 over the fields but `signature` in the order that they came: name=value, both percent-encoded,
/// joined by '&'. URL and body may bring the same fields: an exact repeat counts once.
std::string return_signature(const Fields& fields, std::string_view secret) {
    std::string text;
    for (auto field = fields.begin(); field != fields.end(); ++field) {
        if (field->first == "signature" || std::find(fields.begin(), field, *field) != field) continue;
        text += (text.empty() ? "" : "&") + encoding::percent_encode(field->first) + "=" +
                encoding::percent_encode(field->second);
    }
    return crypto::to_bytes(crypto::hmac_sha256(secret, text));
}

bool is_signed(const Fields& fields, const Merchant& merchant) {
    const auto signature = only_value(fields, "signature");
    if (!signature) return false;
    const auto given = encoding::from_hex(*signature, "signature");
    return given &&
           crypto::equal(*given, return_signature(fields, merchant.secrets.at("return_secret").reveal()));
}

/// Signed: by the house, about this payment, and not replayed from another one.
bool is_about_us(const Fields& fields, const core::Scene& scene) {
    return only_value(fields, "reference") == reference_of(scene);
}

/// A house that cannot be asked: what it signed, or what the browser brought, is all there will be.
core::Step settle_by_return(const Fields& fields, const core::Scene& scene, bool is_proof) {
    const auto success = only_value(fields, "success");
    if (!success) return unknown("the return says both yes and no");
    if (const auto reference = find_field(fields, "reference");
        reference != nullptr && !is_about_us(fields, scene))
        return unknown("the return speaks of another payment");
    core::Done done;
    done.money = core::LegMoney::taken;
    done.evidence = is_proof ? "its signed return says so" : "its return says so";
    if (find_field(fields, "amount") != nullptr || is_proof) {
        const auto minor = minor_from_decimal(only_value(fields, "amount").value_or(""), 0, "amount");
        const auto currency = Currency::parse(only_value(fields, "currency").value_or(""), "currency");
        if (!minor || !currency) return unknown("the return has no proper amount");
        done.amount = Money{*minor, *currency};
    }
    if (!says_success(*success)) return refused("declined", "The payment was refused.");
    if (const auto ref = only_value(fields, "ref");
        ref && is_plain_reference(*ref) && !may_be_card_number(*ref))
        done.references = {{"return", *ref}};
    return done;
}

core::Step read_return(const Fields& fields, const core::Scene& scene, const House& house,
                       const Merchant& merchant) {
    const auto timeout = only_value(fields, "is_tsw_callout_timeout_callback");
    const bool nobody_came = find_field(fields, "success") == nullptr || (timeout && *timeout != "0");
    if (nobody_came) {
        // Anybody could say as much while the signed return, or a notice, is on its way.
        if (!house.can_be_asked && house.signed_return)
            return unknown("a return without a word proves nothing here");
        if (!house.can_be_asked)
            return refused("assumed_unpaid",
                           "The customer came back without a word, and the house cannot be asked.");
        core::Step look = build_look_up(scene);
        std::get<core::Ask>(look).as = core::Verb::query;
        return look;
    }
    if (house.signed_return && !(is_signed(fields, merchant) && is_about_us(fields, scene)))
        return unknown("the return is not signed by the house");
    if (!house.can_be_asked) return settle_by_return(fields, scene, house.signed_return);
    // Nothing that a browser says is believed; the house decides what it is worth (charge: complete).
    return core::Done{
        .money = core::LegMoney::none, .amount = {}, .references = {}, .evidence = "the customer is back"};
}

// ---- notices -------------------------------------------------------------------------------------------
Result<NoticeRead> read_notice(const json& object) {
    const auto wrong = [](const char* field, std::string why) { return bad_request(field, std::move(why)); };
    NoticeRead read;
    read.reference = text_of(object, "reference");
    if (!is_plain_reference(read.reference)) return wrong("reference", "is missing or malformed");
    read.notice.event_id = text_of(object, "event_id");
    if (!is_plain_reference(read.notice.event_id)) return wrong("event_id", "is missing or malformed");
    const auto session = text_of(object, "session");
    if (!is_plain_reference(session)) return wrong("session", "is missing or malformed");
    read.notice.references = {{"session", session}};
    const auto status = status_of(text_of(object, "status"));
    if (!status) return wrong("status", "is a word that nobody here knows");
    const auto amount = money_of(object);
    if (!amount) return wrong("amount", "amount and currency are missing or malformed");
    read.notice.trust = core::Trust::proof;

    const std::string type = text_of(object, "type");
    const bool kept = *status == Status::paid, back = *status == Status::refunded;
    if (type == "session.paid" || type == "session.refunded") {
        if (!kept && !back) return wrong("status", "does not fit the type");
        // A part that went back leaves the session paid.
        read.notice.fact = back ? core::LegMoney::back : core::LegMoney::taken;
        read.notice.amount = amount;
    } else if (type != "session.refused" && type != "session.closed") {
        return wrong("type", "is a word that nobody here knows");
    }
    read.notice.evidence = type;
    return read;
}

// ---- scrub ---------------------------------------------------------------------------------------------
constexpr std::string_view outcome_words[] = {"yes",   "no",   "1",       "0",        "true",
                                              "false", "paid", "refused", "cancelled"};

core::Keep allowed(const std::string& name, const std::string& value) {
    if (name == "signature") return core::Keep::digest;
    const bool is_outcome = name == "success" || name == "is_tsw_callout_timeout_callback";
    const bool is_reference = name == "ref" || name == "reference" || name == "amount" || name == "currency";
    const bool known_word =
        std::find(std::begin(outcome_words), std::end(outcome_words), value) != std::end(outcome_words);
    const bool may_be_kept = (is_outcome && known_word) ||
                             (is_reference && is_plain_reference(value) && !may_be_card_number(value));
    return may_be_kept ? core::Keep::value : core::Keep::drop;
}

// ---- the flow ------------------------------------------------------------------------------------------
class Redirect final : public Flow {
  public:
    [[nodiscard]] std::string_view name() const override { return flow_name; }

    [[nodiscard]] std::optional<Debitor> debitor(const Merchant& merchant) const override {
        return house_of(merchant).debitor;
    }

    [[nodiscard]] Result<core::Facts> configure(const Merchant& merchant) const override {
        if (auto wrong = check_names(merchant)) return *wrong;
        const auto house = read_house(merchant);
        if (!house) return house.error();
        if (auto wrong = check_house(*house, merchant)) return *wrong;
        return facts_of_house(*house);
    }

    [[nodiscard]] bool signs_returns(const Merchant& merchant) const override {
        return house_of(merchant).signed_return;
    }

    [[nodiscard]] core::Step begin(const core::Scene& scene, const Merchant& merchant) const override {
        const House house = house_of(merchant);
        if (scene.verb == core::Verb::open) return begin_open(scene, house, merchant);
        if (!house.can_be_asked) return core::NotDone{.why = "this house cannot be asked"};
        switch (scene.verb) {
            case core::Verb::charge:
                return build_complete(scene);
            case core::Verb::query:
                return build_look_up(scene);
            case core::Verb::close:
                return build_close(scene);
            case core::Verb::refund:
                return build_refund(scene, house);
            case core::Verb::open:
            case core::Verb::authorise:
            case core::Verb::capture:
            case core::Verb::void_hold:
                break;
        }
        return core::NotDone{.why = "a redirect house cannot hold money"};
    }

    [[nodiscard]] core::Step resume(const core::Scene& scene, const Merchant& merchant,
                                    const core::Heard& heard) const override {
        if (const auto* returned = std::get_if<core::Returned>(&heard))
            return read_return(returned->fields, scene, house_of(merchant), merchant);
        if (const auto* silence = std::get_if<core::Silence>(&heard)) {
            if (silence->sent)
                return unknown(silence->why.empty() ? "the house did not answer" : silence->why);
            return core::NotDone{.why = silence->why, .after = try_again_soon};
        }
        return read_answer(std::get<core::Answered>(heard).response, scene);
    }

    [[nodiscard]] std::vector<core::EvidenceField> evidence(const Fields& fields) const override {
        return evidence_of(fields, allowed);
    }

    [[nodiscard]] HttpRequest dress(const core::Request& request, const Merchant& merchant) const override {
        HttpRequest dressed{request.method, merchant.base_url + request.path, request.headers, request.body,
                            ""};
        dressed.headers.emplace_back("Accept", "application/json");
        // A call that was recorded before its house lost the contract: the house refuses it, and doubt
        // remains.
        if (const auto key = merchant.secrets.find("api_key"); key != merchant.secrets.end())
            dressed.headers.emplace_back("Authorization", "Bearer " + key->second.reveal());
        return dressed;
    }

    [[nodiscard]] Result<NoticeRead> read(const HttpRequest& request, const Merchant& merchant,
                                          Instant now) const override {
        if (!house_of(merchant).notifies)
            return Error{ErrorKind::unauthenticated, std::string(redirect::signature_header),
                         "this merchant sends no notices"};
        if (auto wrong = check_notice_signature(request, redirect::signature_header,
                                                {settings::secret(merchant, "notice_secret")}, now))
            return *wrong;
        const auto object = parse_json(request.body);
        if (!object) return object.error();
        if (!object->is_object()) return bad_request("body", "is not a JSON object");
        return read_notice(*object);
    }
};

}  // namespace

const Flow& redirect_flow() {
    static const Redirect flow;
    return flow;
}

}  // namespace kassi::providers
