#include "stripe_town.hpp"

#include <stdexcept>

#include "sandbox/simulators/stripe_pages.hpp"

namespace kassi::faults {
namespace {

using namespace std::chrono_literals;

Step kind_of(const HttpRequest& request) {
    const std::string path(request.path());
    const std::string intents = "/v1/payment_intents";
    const bool post = request.method == "POST";
    if (path == intents) return post ? Step::create : Step::list;
    if (path == "/v1/refunds") return Step::refund;
    if (!path.starts_with(intents + "/")) return Step::other;
    if (path.ends_with("/capture")) return Step::capture;
    if (path.ends_with("/cancel")) return Step::cancel;
    return post ? Step::other : Step::look_up;
}

sandbox::StripeHouse::Options stripe_options(const std::string& origin) {
    sandbox::StripeHouse::Options options;
    options.page_origin = origin;
    options.accounts = {{.name = std::string(merchant_name),
                         .secret_key = std::string(secret_key),
                         .publishable_key = "pk_test_One1234567",
                         .webhook_url = "http://127.0.0.1:1/webhooks/stripe/" + std::string(merchant_name),
                         .webhook_secrets = {std::string(webhook_secret)},
                         .extra_test_tokens = {},
                         .statement_descriptor = ""}};
    return options;
}

}  // namespace

std::string word(Step step) {
    switch (step) {
        case Step::create:
            return "create";
        case Step::look_up:
            return "retrieve";
        case Step::list:
            return "list";
        case Step::capture:
            return "capture";
        case Step::cancel:
            return "cancel";
        case Step::refund:
            return "refund";
        case Step::other:
            break;
    }
    return "";
}

StripeTown::StripeTown(Options options) : next_webhook_secret_(options.next_webhook_secret) {
    house_ = std::make_unique<sandbox::StripeHouse>(
        stripe_options(origin()), *clock_, randomness_,
        [this](HttpRequest request, std::function<void(int)> done) {
            send_notice(std::move(request),
                        [done = std::move(done)](int status, const std::string&) { done(status); });
        },
        [this](Millis delay, std::function<void()> callback) { timers_.after(delay, std::move(callback)); });
    open(std::move(options.identity), options.listens);
}

std::string StripeTown::step_of(const HttpRequest& request) const {
    return word(kind_of(request));
}

providers::Merchant StripeTown::merchant() const {
    providers::Merchant merchant;
    merchant.name = merchant_name;
    merchant.provider = "stripe";
    merchant.settings = {{"publishable_key", "pk_test_One1234567"}, {"script_url", origin() + "/stripe/v3/"}};
    merchant.secrets.emplace("secret_key", Secret<>(std::string(secret_key)));
    merchant.secrets.emplace("webhook_secret", Secret<>(std::string(webhook_secret)));
    if (next_webhook_secret_)
        merchant.secrets.emplace("webhook_secret_next", Secret<>(std::string(webhook_secret_next)));
    return merchant;
}

void StripeTown::rules(const std::string& list) {
    if (const auto wrong = house_->set_faults("{\"rules\":[" + list + "]}"))
        throw std::runtime_error(wrong->field + ": " + wrong->message);
}

Answer StripeTown::purchase(const TransactionId& id, const std::string& token) {
    return v1("POST", "/transactions/" + id.text() + "/purchase", paying(token));
}

void StripeTown::let_time_pass(const TransactionId& id) {
    // A webhook is tried for less than three hours in all, and nothing else waits so long.
    constexpr Millis steps[] = {1min, 1min, 1min, 10min, 10min, 40min, 1h, 1h, 1h};
    settle_down_after_each(id, steps);
}

std::string StripeTown::stripe_ledger(const TransactionId& id, std::int64_t leg) const {
    std::string text;
    for (const auto& entry : house_->ledger())
        if (entry.reference == id.text() + "-" + std::to_string(leg))
            add_entry(text, entry.kind, entry.minor);
    return text;
}

void StripeTown::at_the_bank(const json& callout, const std::string& button) {
    Fields fields{{"act", button}};
    for (const auto& pair : callout.at("parameters")) fields.emplace_back(pair.at(0), pair.at(1));
    const auto answer = ask_house({"POST",
                                   std::string(sandbox::stripe::secure_act_path),
                                   {{"Content-Type", "application/x-www-form-urlencoded"}},
                                   encoding::form(fields),
                                   ""});
    if (answer.status != 200 && answer.status != 303) throw std::runtime_error("the bank: " + answer.body);
}

namespace {

std::vector<json> intents_in(const HttpResponse& list, const TransactionId& id) {
    std::vector<json> found;
    const json body = json::parse(list.body);
    for (const auto& intent : body.at("data"))
        if (intent.at("metadata").value("kassi_reference", "").starts_with(id.text()))
            found.push_back(intent);
    return found;
}

HttpRequest list_request() {
    return {"GET",
            "/v1/payment_intents?limit=100",
            {{"Authorization", "Bearer " + std::string(secret_key)}},
            "",
            ""};
}

}  // namespace

int StripeTown::intents_of(const TransactionId& id) {
    return static_cast<int>(intents_in(ask_house(list_request()), id).size());
}

std::string StripeTown::status_of_intent(const TransactionId& id) {
    const auto intents = intents_in(ask_house(list_request()), id);
    return intents.size() == 1 ? intents.front().at("status").get<std::string>() : "not one";
}

}  // namespace kassi::faults
