#include "sandbox/simulators/borgun_house.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_state.hpp"

namespace kassi::sandbox {

using borgun::message_answer;
using nlohmann::json;

namespace {

constexpr std::string_view rpg_root = "/borgun/rpg/api/";
constexpr std::string_view acs_root = "/borgun/acs/";
constexpr std::string_view securepay_root = "/borgun/securepay/";
constexpr std::size_t steps_max = 4;

/// "payment/tr_1/capture" -> "payment", "tr_1", "capture"; none when one is empty, or there are more than
/// four.
std::vector<std::string> steps_of(std::string_view path) {
    std::vector<std::string> steps;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        auto step = encoding::percent_decode(path.substr(0, end), false, "path");
        if (!step || step->empty() || steps.size() == steps_max) return {};
        steps.push_back(std::move(*step));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return steps;
}

void wipe_texts(json& value) {
    if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        wipe(text.data(), text.size());
    } else if (value.is_structured()) {
        for (auto& each : value) wipe_texts(each);
    }
}

/// The one form that the gateway takes has numbers as texts.
Result<json> json_of_form(std::string_view body) {
    auto fields = encoding::parse_form(body, "body");
    if (!fields) return fields.error();
    json object = json::object();
    for (auto& [name, value] : *fields) {
        const auto number = borgun::same_word(name, "TokenLifetime") ? minor_from_decimal(value, 0, name)
                                                                     : Result<std::int64_t>(Error{});
        if (number)
            object[name] = *number;
        else
            object[name] = value;
        wipe(value.data(), value.size());
    }
    return Result<json>(boost::system::in_place_value, std::move(object));
}

Result<json> body_of(const HttpRequest& request, bool form_too) {
    if (request.method == "GET" || request.body.empty()) return parse_json("{}");
    const std::string type = borgun::lower(request.header("Content-Type"));
    if (form_too && type.starts_with("application/x-www-form-urlencoded")) return json_of_form(request.body);
    if (!type.empty() && type.find("json") == std::string::npos)
        return Error{ErrorKind::unsupported_media, "Content-Type", "is not supported"};
    auto parsed = parse_json(request.body);
    if (parsed && !parsed->is_object()) return bad_request("body", "is not a JSON object");
    return parsed;
}

/// A browser may make single-use tokens with the public key.
HttpResponse with_cors(HttpResponse response) {
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    response.headers.emplace_back("Access-Control-Allow-Methods", "POST, OPTIONS");
    response.headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept");
    return response;
}

/// Basic, with the key as user and an empty password.
std::string key_of(const HttpRequest& request) {
    constexpr std::string_view scheme = "Basic ";
    const std::string_view header = request.header("Authorization");
    if (!borgun::same_word(header.substr(0, scheme.size()), scheme)) return "";
    const auto pair = encoding::from_base64(header.substr(scheme.size()), "Authorization");
    if (!pair || pair->size() < 2 || pair->find(':') != pair->size() - 1) return "";
    return pair->substr(0, pair->size() - 1);
}

}  // namespace

// ---- doors ---------------------------------------------------------------------------------------------

struct BorgunHouse::State::Route {
    std::string_view method;
    std::array<std::string_view, 4> path;  ///< "*" is the identifier
    std::string_view on;                   ///< step of the faults
    bool by_public;
    Verb verb;
};

std::span<const BorgunHouse::State::Route> BorgunHouse::State::routes() {
    using S = State;
    static constexpr std::array<Route, 14> all{
        {{"POST", {"token", "single"}, "token_single", true, &S::create_single},
         {"GET", {"token", "single", "*"}, "token_look_up", false, &S::get_single},
         {"PUT", {"token", "single", "*", "disable"}, "token_disable", false, &S::disable_single},
         {"POST", {"token", "multi"}, "token_multi", false, &S::create_multi},
         {"GET", {"token", "multi", "*"}, "token_look_up", false, &S::get_multi},
         {"PUT", {"token", "multi", "*", "disable"}, "token_disable", false, &S::disable_multi},
         {"POST", {"payment"}, "payment", false, &S::pay},
         {"GET", {"payment", "*"}, "look_up", false, &S::get_payment},
         {"PUT", {"payment", "*", "capture"}, "capture", false, &S::capture},
         {"PUT", {"payment", "*", "cancel"}, "cancel", false, &S::cancel},
         {"PUT", {"payment", "*", "refund"}, "refund", false, &S::refund},
         {"POST", {"mpi", "v2", "enrollment"}, "enrollment", false, &S::enroll},
         {"POST", {"mpi", "v2", "validation"}, "validation", false, &S::validate},
         {"GET", {"events", "*"}, "event_look_up", false, &S::get_event}}};
    return all;
}

void BorgunHouse::State::handle(HttpRequest request, Reply reply) {
    catch_up();
    // A body may hold a card number: it ends with the work.
    const std::shared_ptr<HttpRequest> kept(new HttpRequest(std::move(request)), [](HttpRequest* done_with) {
        wipe(done_with->body.data(), done_with->body.size());
        delete done_with;
    });
    const std::string path = borgun::lower(kept->path());
    if (kept->body.size() > borgun_body_bytes_max)
        return reply(done(message_answer(413, "Maximum request length exceeded.")));
    if (path.starts_with(rpg_root))
        return rpg(kept, steps_of(kept->path().substr(rpg_root.size())), std::move(reply));
    for (const auto& [root, work] :
         {std::pair{acs_root, &State::acs}, std::pair{securepay_root, &State::securepay}}) {
        if (!path.starts_with(root)) continue;
        const std::string door = path.substr(root.size());
        const std::string_view step = root == acs_root             ? (door == "method" ? "method" : "acs")
                                      : door.starts_with("ticket") ? "securepay_ticket"
                                      : door.starts_with("refund") ? "securepay_refund"
                                                                   : "securepay";
        return do_with_faults(step, std::nullopt, std::move(reply),
                              [this, kept, door, work = work] { return (this->*work)(*kept, door); });
    }
    if (path == "/borgun/_ledger")
        return reply(done(kept->method == "GET" ? show_ledger()
                                                : message_answer(405, "GET is the only method here.")));
    if (path == "/borgun/_faults") return reply(done(fault_door(*kept)));
    reply(done(message_answer(404, "No HTTP resource was found that matches the request URI.")));
}

std::optional<BorgunHouse::State::Caller> BorgunHouse::State::authenticated(
    const HttpRequest& request) const {
    const std::string key = key_of(request);
    if (key.empty()) return std::nullopt;
    std::optional<Caller> caller;
    for (std::size_t i = 0; i < options.merchants.size(); ++i) {
        if (crypto::equal(options.merchants[i].private_key, key)) caller = {i, true};
        if (crypto::equal(options.merchants[i].public_key, key)) caller = {i, false};
    }
    return caller;
}

void BorgunHouse::State::rpg(std::shared_ptr<HttpRequest> request, std::vector<std::string> steps,
                             Reply reply) {
    const Route* found = nullptr;
    bool path_known = false;
    std::string id;
    for (const Route& route : routes()) {
        const auto size = static_cast<std::size_t>(std::find(route.path.begin(), route.path.end(), "") -
                                                   route.path.begin());
        bool fits = size == steps.size();
        for (std::size_t i = 0; fits && i < size; ++i)
            fits = route.path[i] == "*" || borgun::same_word(route.path[i], steps[i]);
        if (!fits) continue;
        path_known = true;
        if (route.by_public && request->method == "OPTIONS")
            return reply(done(with_cors(json_response(200, ""))));
        if (route.method != request->method) continue;
        found = &route;
        for (std::size_t i = 0; i < size; ++i)
            if (route.path[i] == "*") id = steps[i];
    }
    if (!path_known)
        return reply(done(message_answer(404, "No HTTP resource was found that matches the request URI.")));
    if (found == nullptr)
        return reply(done(message_answer(
            405, "The requested resource does not support http method '" + request->method + "'.")));
    const auto caller = authenticated(*request);
    const bool may = caller && (caller->is_private || found->by_public);
    if (!may) {
        auto refused = message_answer(401, "Authorization has been denied for this request.");
        return reply(done(found->by_public ? with_cors(std::move(refused)) : std::move(refused)));
    }
    do_with_faults(found->on, caller->merchant, std::move(reply),
                   [this, found, merchant = caller->merchant, id, request] {
                       auto response = run(*found, merchant, id, *request);
                       return found->by_public ? with_cors(std::move(response)) : response;
                   });
}

HttpResponse BorgunHouse::State::run(const Route& route, std::size_t merchant, const std::string& id,
                                     HttpRequest& request) {
    auto body = body_of(request, route.by_public);
    if (!body && body.error().kind == ErrorKind::unsupported_media)
        return message_answer(415, "The request entity's media type is not supported for this resource.");
    if (!body) return message_answer(400, "The request is invalid.");
    auto response = (this->*route.verb)(Call{merchant, id, borgun::Body(*body)});
    wipe_texts(*body);
    return response;
}

void BorgunHouse::State::do_with_faults(std::string_view on, std::optional<std::size_t> merchant, Reply reply,
                                        Work asked) {
    const auto work = [this, asked = std::move(asked)] { return done(asked()); };
    const auto rule = take_fault(on, merchant);
    if (!rule) return reply(work());
    const borgun::Fault fault = *borgun::fault_of(*rule);
    if (auto refused = borgun::refusal_of(fault)) return reply(done(std::move(*refused)));
    // A Reply that is destroyed uncalled is all that a house can do to stay silent.
    const auto stay_silent = [&] {
        if (rule->ms.count() > 0) after(rule->ms, [reply] {});
    };
    switch (fault) {
        case borgun::Fault::dead:
            return stay_silent();
        case borgun::Fault::drop_answer:
            work();
            return stay_silent();
        case borgun::Fault::error_after:
            work();
            return reply(message_answer(500, "An error has occurred."));
        case borgun::Fault::delay:
            return after(rule->ms, [reply, response = work()] { reply(response); });
        case borgun::Fault::slow_before:
            return after(rule->ms, [self = weak_from_this(), reply, work] {
                const auto state = self.lock();
                if (!state) return;
                state->catch_up();
                reply(work());
            });
        case borgun::Fault::wrong_amount:
        case borgun::Fault::wrong_currency:
        case borgun::Fault::wrong_order: {
            auto response = work();
            if (response.header("Content-Type").starts_with("application/json"))
                response.body = borgun::falsified(response.body, fault);
            return reply(std::move(response));
        }
        case borgun::Fault::error_before:
        case borgun::Fault::timed_out:
        case borgun::Fault::conflict:
        case borgun::Fault::too_many:
        case borgun::Fault::busy:
        case borgun::Fault::twice:
        case borgun::Fault::reorder:
        case borgun::Fault::lose:
            break;
    }
    reply(work());
}

/// The first rule that fits is used up by one.
std::optional<BorgunHouse::FaultRule> BorgunHouse::State::take_fault(std::string_view on,
                                                                     std::optional<std::size_t> merchant) {
    const auto found = std::find_if(faults.begin(), faults.end(), [&](const FaultRule& rule) {
        return (rule.on == on || rule.on == "*") &&
               (rule.merchant.empty() || (merchant && rule.merchant == options.merchants[*merchant].name));
    });
    if (found == faults.end()) return std::nullopt;
    const FaultRule rule = *found;
    if (--found->times == 0) faults.erase(found);
    return rule;
}

HttpResponse BorgunHouse::State::fault_door(const HttpRequest& request) {
    if (request.method == "DELETE") {
        faults.clear();
    } else if (request.method == "PUT") {
        auto rules = borgun::read_rules(request.body);
        if (rules && rules->size() > borgun_fault_rules_max)
            rules = bad_request("rules", "are more than 100");
        if (!rules) return message_answer(400, rules.error().field + ": " + rules.error().message);
        faults = std::move(*rules);
    } else if (request.method != "GET") {
        return message_answer(405, "GET, PUT and DELETE are the methods here.");
    }
    return json_response(200, borgun::shown(faults));
}

HttpResponse BorgunHouse::State::show_ledger() const {
    std::map<std::string, std::map<std::string, std::int64_t>> totals;  // by currency, by kind
    JsonWriter out;
    out.begin_object().key("entries").begin_array();
    for (const Entry& entry : ledger) {
        totals[entry.currency][entry.kind] += entry.minor;
        out.begin_object()
            .field("at", iso8601(entry.at))
            .field("merchant", entry.merchant)
            .field("transaction", entry.transaction)
            .field("reference", entry.reference)
            .field("kind", entry.kind)
            .field("amount", entry.minor)
            .field("currency", entry.currency)
            .end_object();
    }
    out.end_array().key("totals").begin_object();
    for (auto& [currency, of] : totals) {
        out.key(currency).begin_object();
        for (const char* kind : {"held", "hold_gone", "taken", "given_back"}) out.field(kind, of[kind]);
        out.field("kept", of["taken"] - of["given_back"]).end_object();
    }
    out.end_object().end_object();
    return json_response(200, out.take());
}

// ---- what outlives the house ---------------------------------------------------------------------------

/// Written down first, told to others next, answered last.
HttpResponse BorgunHouse::State::done(HttpResponse response) {
    const bool something = !tokens.changed.empty() || !payments.changed.empty() || !records.changed.empty() ||
                           !hosted.changed.empty() || !events.changed.empty() ||
                           entries_saved < ledger.size();
    if (something && save) save(record_changes());
    tokens.changed.clear();
    payments.changed.clear();
    records.changed.clear();
    hosted.changed.clear();
    events.changed.clear();
    entries_saved = ledger.size();
    for (auto& notice : std::exchange(news, {})) try_notice(std::move(notice));
    return response;
}

/// One line for one request, so that a line that was cut off took the whole of it along.
std::string BorgunHouse::State::record_changes() const {
    JsonWriter out;
    out.begin_object();
    const auto write = [&](std::string_view part, const auto& shelf) {
        if (shelf.changed.empty()) return;
        out.key(part).begin_array();
        for (const auto& id : shelf.changed) {
            const auto& object = shelf.all.at(id);
            borgun::write_saved(out, object, options.merchants[object.merchant].name);
        }
        out.end_array();
    };
    write("tokens", tokens);
    write("payments", payments);
    write("mpi", records);
    write("hosted", hosted);
    write("events", events);
    if (entries_saved < ledger.size()) {
        out.key("ledger").begin_array();
        for (std::size_t i = entries_saved; i < ledger.size(); ++i) borgun::write_saved(out, ledger[i]);
        out.end_array();
    }
    out.end_object();
    return out.take();
}

void BorgunHouse::State::save_all(const Save& save_line) const {
    const auto write = [&](std::string_view part, const auto& shelf) {
        for (const auto& [id, object] : shelf.all) {
            JsonWriter out;
            out.begin_object().key(part).begin_array();
            borgun::write_saved(out, object, options.merchants[object.merchant].name);
            out.end_array().end_object();
            save_line(out.take());
        }
    };
    write("tokens", tokens);
    write("payments", payments);
    write("mpi", records);
    write("hosted", hosted);
    write("events", events);
    for (const Entry& entry : ledger) {
        JsonWriter out;
        out.begin_object().key("ledger").begin_array();
        borgun::write_saved(out, entry);
        out.end_array().end_object();
        save_line(out.take());
    }
}

std::optional<std::size_t> BorgunHouse::State::merchant_named(std::string_view name) const {
    for (std::size_t i = 0; i < options.merchants.size(); ++i)
        if (options.merchants[i].name == name) return i;
    return std::nullopt;
}

template <class T>
bool BorgunHouse::State::load_object(const json& object, Shelf<T>& shelf) {
    T loaded;
    if (!object.is_object() || !borgun::read_saved(object, loaded)) return false;
    const auto name = object.find("merchant");
    if (name == object.end() || !name->is_string()) return false;
    const auto merchant = merchant_named(name->template get<std::string>());
    if (!merchant) return true;
    loaded.merchant = *merchant;
    keep_index(shelf.put(std::move(loaded)));
    shelf.changed.clear();
    return true;
}

std::optional<Error> BorgunHouse::State::load(const json& line) {
    const auto all = [&](const char* part, const std::function<bool(const json&)>& take_in) {
        const auto list = line.find(part);
        return list == line.end() || (list->is_array() && std::all_of(list->begin(), list->end(), take_in));
    };
    const auto shelf = [&](const char* part, auto& of) {
        return all(part, [&](const json& object) { return load_object(object, of); });
    };
    if (!shelf("tokens", tokens)) return bad_request("tokens", "is not understood");
    if (!shelf("payments", payments)) return bad_request("payments", "is not understood");
    if (!shelf("mpi", records)) return bad_request("mpi", "is not understood");
    if (!shelf("hosted", hosted)) return bad_request("hosted", "is not understood");
    if (!shelf("events", events)) return bad_request("events", "is not understood");
    if (!all("ledger", [&](const json& object) {
            Entry entry;
            if (!object.is_object() || !borgun::read_saved(object, entry)) return false;
            ledger.push_back(std::move(entry));
            return true;
        }))
        return bad_request("ledger", "is not understood");
    entries_saved = ledger.size();
    return std::nullopt;
}

// ---- small things --------------------------------------------------------------------------------------

BorgunHouse::State::State(Options given, const Clock& given_clock, Randomness& given_randomness,
                          SendNotice send_with, After later, Save given_save)
    : options(std::move(given)),
      clock(given_clock),
      randomness(given_randomness),
      send_notice(std::move(send_with)),
      after(std::move(later)),
      save(std::move(given_save)) {}

std::string BorgunHouse::State::fresh_id(std::string_view prefix) {
    std::array<std::uint8_t, 24> bytes{};
    randomness.fill(bytes);
    return std::string(prefix) +
           encoding::base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string BorgunHouse::State::fresh_digits(int count) {
    std::array<std::uint8_t, 16> bytes{};
    randomness.fill(bytes);
    std::string digits;
    for (int i = 0; i < count; ++i)
        digits += static_cast<char>('0' + bytes[static_cast<std::size_t>(i) % bytes.size()] % 10);
    return digits;
}

std::string BorgunHouse::State::fresh_uuid() {
    std::array<std::uint8_t, 16> bytes{};
    randomness.fill(bytes);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
    std::string text = encoding::hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    for (const std::size_t dash : {20U, 16U, 12U, 8U}) text.insert(dash, "-");
    return text;
}

std::string BorgunHouse::State::nonce() {
    return crypto::mint_token(randomness);
}

bool BorgunHouse::State::is_full() const {
    return std::max({tokens.all.size(), payments.all.size(), records.all.size(), hosted.all.size(),
                     events.all.size()}) >= options.objects_max;
}

const borgun::CurrencyRow* BorgunHouse::State::currency_for(std::size_t merchant, const borgun::Body& body,
                                                            std::string_view field,
                                                            borgun::Problems& problems) const {
    std::string number = body.text("Currency");
    if (const auto as_number = body.integer("Currency"); as_number && *as_number >= 0 && *as_number < 1'000) {
        number = std::to_string(*as_number);
        number.insert(0, 3 - number.size(), '0');
    }
    const auto* row = borgun::currency_of_number(number);
    const auto& allowed = options.merchants[merchant].currencies;
    if (row == nullptr)
        problems.add(field, "Invalid format");
    else if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), row->code) == allowed.end())
        problems.add(field, "Not supported by the contract");
    else
        return row;
    return nullptr;
}

// ---- the house -----------------------------------------------------------------------------------------

BorgunHouse::BorgunHouse(Options options, const Clock& clock, Randomness& randomness, SendNotice send_notice,
                         After after, Save save)
    : state_(std::make_shared<State>(std::move(options), clock, randomness, std::move(send_notice),
                                     std::move(after), std::move(save))) {}

BorgunHouse::~BorgunHouse() = default;

std::optional<Error> BorgunHouse::load(const std::function<std::optional<std::string>()>& next_line) {
    for (std::size_t number = 1; const auto text = next_line(); ++number) {
        const auto line = parse_json(*text);
        if (line && line->is_object()) {
            const auto wrong = state_->load(*line);
            if (!wrong) continue;
            return bad_request("line " + std::to_string(number), wrong->field + " " + wrong->message);
        }
        return bad_request("line " + std::to_string(number),
                           line ? "is not a JSON object" : line.error().message);
    }
    return std::nullopt;
}

void BorgunHouse::save_all(const Save& save) const {
    state_->save_all(save);
}

Handler BorgunHouse::handler() const {
    return [state = state_](HttpRequest request, Reply reply) {
        state->handle(std::move(request), std::move(reply));
    };
}

const std::vector<BorgunHouse::Entry>& BorgunHouse::ledger() const {
    return state_->ledger;
}

std::optional<Error> BorgunHouse::set_faults(std::vector<FaultRule> rules) {
    if (rules.size() > borgun_fault_rules_max) return bad_request("rules", "are more than 100");
    for (const auto& rule : rules)
        if (const auto fault = borgun::fault_of(rule); !fault) return fault.error();
    state_->faults = std::move(rules);
    return std::nullopt;
}

}  // namespace kassi::sandbox
