#include "borgun_town.hpp"

#include <regex>
#include <stdexcept>

#include "base/json.hpp"

namespace kassi::faults {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view name = "borgun-demo";
constexpr std::string_view private_key = "100001_prSIMULATOR0000000000000000";
constexpr std::string_view public_key = "100001_puSIMULATOR0000000000000000";
constexpr std::string_view api_path = "/borgun/rpg/api/";

sandbox::BorgunHouse::Options house_options(const std::string& origin, bool tells) {
    sandbox::BorgunHouse::Options options;
    options.page_origin = origin;
    options.merchants.resize(1);
    auto& merchant = options.merchants.front();
    merchant.name = name;
    merchant.private_key = private_key;
    merchant.public_key = public_key;
    if (tells) merchant.webhook_url = "http://127.0.0.1:1/webhooks/borgun/" + std::string(name);
    return options;
}

/// Value of a hidden input, "" when there is none.
std::string hidden(const std::string& page, const std::string& input) {
    const std::regex pattern("name=\"" + input + "\" value=\"([^\"]*)\"");
    std::smatch match;
    if (!std::regex_search(page, match, pattern)) return "";
    return std::regex_replace(match[1].str(), std::regex("&amp;"), "&");
}

HttpRequest form_request(const std::string& url, const Fields& fields) {
    return {"POST",
            parse_url(url, "destination")->target,
            {{"Content-Type", "application/x-www-form-urlencoded"}},
            encoding::form(fields),
            ""};
}

/// By what its path ends with, in a list where the longer names come first.
struct Door {
    std::string_view method, start, end, step;
};
constexpr Door doors[] = {
    {"POST", "token/single", "single", "token_single"},
    {"PUT", "token/single/", "/disable", "token_disable"},
    {"GET", "token/single/", "", "token_look_up"},
    {"POST", "mpi/v2/enrollment", "", "enrollment"},
    {"POST", "mpi/v2/validation", "", "validation"},
    {"POST", "payment", "payment", "payment"},
    {"PUT", "payment/", "/capture", "capture"},
    {"PUT", "payment/", "/cancel", "cancel"},
    {"PUT", "payment/", "/refund", "refund"},
    {"GET", "payment/", "", "look_up"},
    {"GET", "events/", "", "event_look_up"},
};

}  // namespace

BorgunTown::BorgunTown(Options options) : options_(options) {
    house_ = std::make_unique<sandbox::BorgunHouse>(
        house_options(origin(), options_.hears_events), *clock_, randomness_,
        [this](HttpRequest request, sandbox::BorgunHouse::NoticeAnswer done) {
            send_notice(std::move(request), std::move(done));
        },
        [this](Millis delay, std::function<void()> callback) { timers_.after(delay, std::move(callback)); });
    open(std::nullopt, true);
}

std::string BorgunTown::step_of(const HttpRequest& request) const {
    auto path = request.path();
    if (!path.starts_with(api_path)) return "";
    path.remove_prefix(api_path.size());
    for (const auto& door : doors)
        if (request.method == door.method && path.starts_with(door.start) && path.ends_with(door.end))
            return std::string(door.step);
    return "";
}

providers::Merchant BorgunTown::merchant() const {
    providers::Merchant merchant;
    merchant.name = name;
    merchant.provider = "borgun";
    merchant.settings = {{"accepts", "card,token"},
                         {"public_key", std::string(public_key)},
                         {"sale_only", options_.sale_only ? "true" : "false"},
                         {"notifies", options_.hears_events ? "true" : "false"}};
    merchant.secrets.emplace("private_key", Secret<>(std::string(private_key)));
    return merchant;
}

void BorgunTown::rules(const std::string& list) {
    const auto answer = ask_house({"PUT", "/borgun/_faults", {}, "{\"rules\":[" + list + "]}", ""});
    if (answer.status != 200) throw std::runtime_error(answer.body);
}

std::string BorgunTown::return_token(const TransactionId& id) {
    return "back-" + id.text();
}

Answer BorgunTown::pay(const TransactionId& id, const json& credential, bool with_return) {
    auto body = paying_with(credential, return_token(id));
    if (!with_return) body.erase("return");
    return v1("POST", "/transactions/" + id.text() + "/purchase", body);
}

Answer BorgunTown::pay_by_card(const TransactionId& id, const std::string& number, bool with_return) {
    return pay(id, {{"card", {{"number", number}, {"expiry", "1230"}, {"cvc", "737"}}}}, with_return);
}

BankReply BorgunTown::at_the_bank(const json& callout, const std::string& button) {
    return way_back_from_the_bank(callout, button).fields;
}

BorgunTown::WayBack BorgunTown::way_back_from_the_bank(const json& callout, const std::string& button) {
    Fields fields;
    for (const auto& pair : callout.at("parameters")) fields.emplace_back(pair.at(0), pair.at(1));
    const auto page = ask_house(form_request(callout.at("destination"), fields));
    if (page.status != 200) throw std::runtime_error("the bank: " + page.body);
    const auto back = ask_house(form_request("http://127.0.0.1/borgun/acs/act",
                                             {{"authentication", hidden(page.body, "authentication")},
                                              {"carried", hidden(page.body, "carried")},
                                              {"act", button}}));
    WayBack way;
    for (const auto* input : {"PaRes", "MD", "cres", "threeDSSessionData"})
        if (auto value = hidden(back.body, input); !value.empty()) way.fields.emplace_back(input, value);
    std::smatch action;
    if (way.fields.empty() || !std::regex_search(back.body, action, std::regex("action=\"([^\"]*)\"")))
        throw std::runtime_error("the bank: " + back.body);
    way.url = action[1].str();
    return way;
}

json BorgunTown::coming_back(const BankReply& fields) {
    json list = json::array();
    for (const auto& [field, value] : fields) list.push_back(json::array({field, value}));
    return {{"caller", "demo"}, {"fields", list}};
}

Answer BorgunTown::come_back(const TransactionId& id, const BankReply& fields) {
    return v1("POST", "/callbacks/" + return_token(id), coming_back(fields));
}

void BorgunTown::come_back_and_go(const TransactionId& id, const BankReply& fields) {
    v1_and_go("POST", "/callbacks/" + return_token(id), coming_back(fields));
}

json BorgunTown::gateway(const std::string& method, const std::string& path, const json& body) {
    const auto answer =
        ask_house({method,
                   std::string(api_path) + path,
                   {{"Authorization", "Basic " + encoding::base64(std::string(private_key) + ":")},
                    {"Content-Type", "application/json"},
                    {"Accept", "application/json"}},
                   body.is_null() ? "" : body.dump(),
                   ""});
    if (answer.status < 200 || answer.status > 299) throw std::runtime_error(answer.body);
    return json::parse(answer.body);
}

std::string BorgunTown::token_of(const std::string& number) {
    return gateway("POST", "token/single",
                   {{"PAN", number}, {"ExpMonth", "12"}, {"ExpYear", "2030"}, {"TokenLifetime", 3600}})
        .at("Token");
}

// ---- the books -------------------------------------------------------------------------------------------

void BorgunTown::begin_ledger() {
    ledger_from_ = house_->ledger().size();
}

std::string BorgunTown::borgun_ledger() {
    // A hold that ran out is entered with the next request.
    ask_house({"GET", "/borgun/_ledger", {}, "", ""});
    const auto& ledger = house_->ledger();
    std::set<std::string> older;
    for (std::size_t i = 0; i < ledger_from_; ++i) older.insert(ledger[i].transaction);
    std::string text;
    for (std::size_t i = ledger_from_; i < ledger.size(); ++i)
        if (!older.contains(ledger[i].transaction)) add_entry(text, ledger[i].kind, ledger[i].minor);
    return text;
}

void BorgunTown::let_time_pass(const TransactionId& id) {
    // An event is tried hourly, and only those that were not believed; a charge that the gateway's host did
    // not hear of comes out after a minute.
    constexpr Millis steps[] = {1min, 1min, 1min, 10min, 10min, 40min, 1h, 1h};
    settle_down_after_each(id, steps);
}

void BorgunTown::let_holds_run_out(const TransactionId& id) {
    constexpr Millis steps[] = {1min, 1h, sandbox::borgun_hold_life};
    settle_down_after_each(id, steps);
}

}  // namespace kassi::faults
