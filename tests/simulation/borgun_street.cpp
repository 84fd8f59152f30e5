#include "tests/simulation/borgun_street.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_tables.hpp"
#include "tests/simulation/forms.hpp"

namespace kassi::simulation {
namespace {

namespace tables = sandbox::borgun;
using sandbox::BorgunHouse;

sandbox::BorgunHouse::Options shops_of(Stage& stage, bool one_partial_refund, Millis hold_life) {
    static constexpr int statuses[] = {201, 201, 200, 400, 402};
    BorgunHouse::Options options;
    options.page_origin = BorgunStreet::address;
    const int decline_status = stage.one_of(statuses);
    const bool charset = stage.one_in(2), exponent_fails = stage.one_in(3), wants_3ds = stage.one_in(6);
    for (const auto& shop : BorgunStreet::shops()) {
        BorgunHouse::Merchant merchant;
        merchant.name = shop.name;
        merchant.private_key = BorgunStreet::private_key(shop.name);
        merchant.public_key = BorgunStreet::public_key(shop.name);
        if (shop.notifies) merchant.webhook_url = "http://kassi.test/webhooks/borgun/" + shop.name;
        merchant.decline_status = decline_status;
        merchant.lists_charset = charset;
        merchant.isk_exponent_zero_fails = exponent_fails;
        merchant.wants_3ds = wants_3ds;
        merchant.one_partial_refund = one_partial_refund;
        merchant.hold_life = hold_life;
        options.merchants.push_back(std::move(merchant));
    }
    return options;
}

}  // namespace

const std::vector<BorgunShop>& BorgunStreet::shops() {
    static const std::vector<BorgunShop> all{{"cards", true, false, false, true, false, true},
                                             {"tokens", false, true, false, true, true, false},
                                             {"sales", true, true, true, true, true, true},
                                             {"mute", true, true, false, false, true, false}};
    return all;
}

const BorgunShop* BorgunStreet::shop(std::string_view merchant) {
    const auto found = std::find_if(shops().begin(), shops().end(),
                                    [&](const BorgunShop& each) { return each.name == merchant; });
    return found == shops().end() ? nullptr : &*found;
}

BorgunStreet::BorgunStreet(Stage& stage, std::uint64_t seed, BorgunHouse::SendNotice send)
    : stage_(stage),
      wallets_(stage),
      randomness_(seed + 3),
      loses_events_(stage.one_in(3)),
      one_partial_refund_(stage.one_in(5)),
      // Seven days, or less than a purchase may take.
      hold_life_(stage.one_in(4) ? Millis{stage.roll(2, 40) * 60'000} : sandbox::borgun_hold_life),
      house_(
          shops_of(stage, one_partial_refund_, hold_life_), stage.clock, randomness_,
          [this, send = std::move(send)](HttpRequest request, const BorgunHouse::NoticeAnswer& answer) {
              events_.push_back(request.body);
              send(std::move(request), answer);
          },
          [this](Millis delay, std::function<void()> f) { stage_.in(delay, std::move(f)); }) {}

HttpResponse BorgunStreet::ask(const std::string& key, std::string method, const std::string& path,
                               const std::string& body) {
    HttpRequest request{std::move(method),
                        "/borgun/rpg/api" + path,
                        {{"Authorization", "Basic " + encoding::base64(key + ":")},
                         {"Content-Type", "application/json"},
                         {"Accept", "application/json"}},
                        body,
                        ""};
    HttpResponse answer;
    answer.status = 0;
    // Customers and people are not what is tried here: no fault is for them.
    HttpResponse rules;
    house_.handler()({"GET", "/borgun/_faults", {}, "", ""}, [&](HttpResponse r) { rules = std::move(r); });
    calm();
    house_.handler()(request, [&](HttpResponse response) { answer = std::move(response); });
    house_.handler()({"PUT", "/borgun/_faults", {}, rules.body, ""},
                     [&](const HttpResponse& set) { KASSI_ENSURE(set.status == 200); });
    return answer;
}

// ---- faults --------------------------------------------------------------------------------------------

void BorgunStreet::storm() {
    static constexpr const char* steps[] = {"token_single", "token_look_up", "token_disable", "payment",
                                            "payment",      "payment",       "look_up",       "look_up",
                                            "capture",      "cancel",        "refund",        "enrollment",
                                            "validation",   "event_look_up"};
    static constexpr const char* of_calls[] = {"slow_before", "delay",     "dead",     "drop_answer",
                                               "drop_answer", "timed_out", "conflict", "error_before",
                                               "error_after", "too_many",  "busy",     "error_after"};
    static constexpr const char* lies[] = {"wrong_amount", "wrong_currency", "wrong_order"};
    static constexpr const char* of_events[] = {"twice",       "reorder",      "delay",          "dead",
                                                "drop_answer", "wrong_amount", "wrong_currency", "lose"};
    std::vector<BorgunHouse::FaultRule> rules;
    const auto count = stage_.roll(0, 6);
    for (std::int64_t i = 0; i < count; ++i) {
        BorgunHouse::FaultRule rule;
        const bool event = stage_.one_in(4);
        rule.on = event ? "event" : stage_.one_of(steps);
        rule.what = event ? stage_.one_of(of_events) : stage_.one_of(of_calls);
        if (rule.on == "payment" && stage_.one_in(4)) rule.what = stage_.one_of(lies);
        if (rule.what == "lose" && !loses_events_) rule.what = "dead";
        // What is held back until the next one was sent may wait for ever.
        if (rule.what == "reorder" && !loses_events_) rule.what = "delay";
        rule.ms = Millis{stage_.one_in(3) ? stage_.roll(20'000, 120'000) : stage_.roll(0, 5'000)};
        rule.times = static_cast<int>(stage_.roll(1, 3));
        if (stage_.happens(Fault::provider_rule, "borgun: " + rule.on + " " + rule.what))
            rules.push_back(std::move(rule));
    }
    const auto wrong = house_.set_faults(std::move(rules));
    KASSI_ENSURE(!wrong);
}

void BorgunStreet::calm() {
    const auto wrong = house_.set_faults({});
    KASSI_ENSURE(!wrong);
}

// ---- cards and tokens ----------------------------------------------------------------------------------

std::string BorgunStreet::some_card() {
    static constexpr tables::How hows[] = {tables::How::at_once, tables::How::challenge_1,
                                           tables::How::challenge_2, tables::How::method_challenge,
                                           tables::How::method};
    static constexpr int good[] = {1, 1, 1, 2, 3, 4};
    static constexpr int statuses[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 42, 50, 91, 92, 93, 94, 95, 96, 97, 99};
    static constexpr const char* codes[] = {"100", "101", "102", "111", "116", "121", "130", "200", "777",
                                            "904", "907", "909", "911", "913", "953", "997", "998", "999"};
    static constexpr const char* unheard[] = {"953", "953", "953", "997", "998", "999"};
    static constexpr const char* known[] = {"5587402000012011", "5455330200000016", "4155520000000002",
                                            "4741520000000003", "4176669999000104", "4111111111111111",
                                            "4000000000003220"};
    const auto kind = stage_.roll(1, 20);
    const bool mastercard = stage_.one_in(3);
    if (kind <= 9) return tables::test_card(stage_.one_of(hows), stage_.one_of(good), "000", mastercard);
    if (kind <= 12) return stage_.one_of(known);
    if (kind <= 15) return tables::test_card(stage_.one_of(hows), stage_.one_of(statuses), "000", mastercard);
    if (kind <= 17)
        return tables::test_card(stage_.one_of(hows), stage_.one_of(good), stage_.one_of(codes), mastercard);
    return tables::test_card(stage_.one_of(hows), stage_.one_of(good), stage_.one_of(unheard), mastercard,
                             stage_.one_in(2));
}

std::string BorgunStreet::mint(const std::string& merchant, const std::string& number) {
    JsonWriter body;
    body.begin_object()
        .field("PAN", number)
        .field("ExpMonth", "12")
        .field("ExpYear", "2034")
        .field("CVC", "999")
        .field("TokenLifetime", stage_.one_in(12) ? stage_.roll(1, 120) : 3600)
        .end_object();
    const auto answer = ask(public_key(merchant), "POST", "/token/single", body.take());
    const auto made = parse_json(answer.body);
    KASSI_ENSURE(answer.status == 201 && made);
    const auto id = made->at("Token").get<std::string>();
    numbers_.insert(number);
    minted_[merchant].push_back(id);
    stage_.say(fmt::format("{} is made of {} for {}", id, number, merchant));
    return id;
}

std::string BorgunStreet::mint_multi(const std::string& merchant) {
    const auto single = mint(merchant, some_card());
    made_multi_.insert(single);
    const auto answer =
        ask(private_key(merchant), "POST", "/token/multi", R"({"TokenSingle":")" + single + "\"}");
    const auto made = parse_json(answer.body);
    KASSI_ENSURE(answer.status == 201 && made);
    multi_[merchant].push_back(made->at("Token").get<std::string>());
    stage_.say("of which becomes " + multi_[merchant].back());
    return multi_[merchant].back();
}

std::string BorgunStreet::token(const std::string& merchant) {
    return mint(merchant, some_card());
}

core::Credential BorgunStreet::single(const std::string& merchant) {
    const auto kind = stage_.roll(1, 20);
    const auto& before = minted_[merchant];
    std::string value;
    if (kind == 1)
        value = "ts_NobodyHasEverSeenThis";
    else if (kind == 2)
        value = "4242";
    else if (kind <= 4 && !before.empty())
        value =
            before[static_cast<std::size_t>(stage_.roll(0, static_cast<std::int64_t>(before.size()) - 1))];
    else
        value = token(merchant);
    // Somebody else has paid with it, or does in a moment.
    if (stage_.one_in(16) && value.size() > 20) {
        const std::string body =
            R"({"TransactionType":"PreAuthorization","Amount":100,"Currency":"826","TransactionDate":"2026-01-01T00:00:00","OrderId":"ANOTHERS0001","PaymentMethod":{"PaymentType":"TokenSingle","Token":")" +
            value + "\"}}";
        stage_.in(Millis{stage_.roll(0, stage_.one_in(2) ? 0 : 20'000)},
                  [this, merchant, body] { ask(private_key(merchant), "POST", "/payment", body); });
    }
    return {"borgun_token", stage_.one_in(3) ? R"({"token":")" + value + "\"}" : value};
}

std::string BorgunStreet::some_device() {
    auto number = some_card();
    numbers_.insert(number);
    return number;
}

std::string BorgunStreet::wallet_token(const TransactionId& id, const Money& amount) {
    stage_.say("a customer pays from his wallet");
    return wallets_.token(some_device(), id, amount);
}

core::Credential BorgunStreet::card(std::size_t payments) {
    const auto number = stage_.one_in(25) ? std::string("4155520000000003") : some_card();
    const std::string cvc = std::to_string(++cvc_);
    numbers_.insert(number);
    typed_[number + cvc].payments += static_cast<std::int64_t>(payments);
    stage_.say(fmt::format("a customer types {} {}", number, cvc));
    return {"card", R"({"number":")" + number + R"(","expiry":"1234","cvc":")" + cvc + "\"}"};
}

/// The client authenticates by itself, and says what for; or lies about it.
std::string BorgunStreet::final_credential(const std::string& merchant, const TransactionId& id,
                                           const Money& amount) {
    auto& before = finals_[merchant];
    if (stage_.one_in(8) && !before.empty()) return before.back();
    const auto* currency = tables::currency_of_code(amount.currency.code());
    KASSI_ENSURE(currency != nullptr);
    static constexpr int good[] = {1, 2, 3, 4};
    const auto number = tables::test_card(
        tables::How::at_once, stage_.one_in(6) ? static_cast<int>(stage_.roll(0, 9)) : stage_.one_of(good),
        stage_.one_in(5) ? "953" : "000", false, stage_.one_in(2));
    const auto token = stage_.one_in(3) ? mint_multi(merchant) : mint(merchant, number);
    of_finals_.insert(token);
    JsonWriter enroll;
    enroll.begin_object().key("CardDetails").begin_object();
    enroll.field("PaymentType", token.starts_with("ts_") ? "TokenSingle" : "TokenMulti")
        .field("Token", token)
        .end_object()
        .field("PurchAmount", amount.minor)
        .field("Exponent", currency->exponent)
        .field("Currency", currency->number)
        .field("TermUrl", "http://client.test/back")
        .end_object();
    const auto answer = ask(private_key(merchant), "POST", "/mpi/v2/enrollment", enroll.take());
    const auto enrolled = parse_json(answer.body);
    KASSI_ENSURE(enrolled);
    std::int64_t wire = amount.minor;
    for (int i = currency->exponent; i < currency->places; ++i) wire *= 10;
    for (int i = currency->places; i < currency->exponent; ++i) wire /= 10;
    const auto fate = stage_.roll(1, 12);
    JsonWriter said;
    said.begin_object()
        .field("token", token)
        .field("mpiToken",
               enrolled->contains("MPIToken") ? enrolled->at("MPIToken").get<std::string>() : "mpi-none")
        .field("amount", fate == 1 ? wire + 100 : wire)
        .field("currency", std::string(fate == 2 ? "978" : currency->number))
        .field("orderId", fate == 3 ? "ANOTHERS0002" : id.text())
        .field("transactionType", stage_.one_in(2) ? "Sale" : "PreAuthorization")
        .end_object();
    if (fate <= 3 && enrolled->contains("MPIToken"))
        lies_.insert(enrolled->at("MPIToken").get<std::string>());
    before.push_back(said.take());
    return before.back();
}

core::Credential BorgunStreet::credential(const std::string& merchant, const TransactionId& id,
                                          const Money& amount, std::size_t payments) {
    const auto& shop = *this->shop(merchant);
    if (shop.takes_wallets && stage_.one_in(4)) return {"apple_pay", wallet_token(id, amount)};
    if (shop.takes_opened && stage_.one_in(4)) return {"network_token", wallets_.opened(some_device())};
    if (shop.takes_cards && (!shop.takes_tokens || stage_.one_in(3))) return card(payments);
    const auto kind = stage_.roll(1, 6);
    const bool payable = amount.minor > 0 && (amount.currency.code() != "BHD" || amount.minor % 10 == 0);
    if (kind == 1 && payable) return {"borgun_final", final_credential(merchant, id, amount)};
    if (kind == 2) {
        const auto& before = multi_[merchant];
        const bool known = !before.empty() && stage_.one_in(2);
        return {"borgun_token", known ? before.back() : mint_multi(merchant)};
    }
    return single(merchant);
}

// ---- the bank's page -----------------------------------------------------------------------------------

void BorgunStreet::at_the_bank(const core::Callout& callout, const std::string& return_url,
                               const Home& home) {
    const auto url = parse_url(callout.destination, "destination");
    KASSI_ENSURE(url.has_value());
    static constexpr const char* acts[] = {
        "authenticate", "authenticate", "authenticate",      "authenticate", "authenticate", "attempt",
        "unavailable",  "fail",         "authenticate_stay", "give_up",      "leave"};
    const std::string act = stage_.one_of(acts);
    stage_.say(fmt::format("the bank's page: {}", act));
    // Who was sent there can say what he likes at the return URL.
    if (const auto* creq = find_field(callout.parameters, "creq");
        creq && stage_.strikes(Fault::lied_at_return, 10)) {
        const auto bytes = encoding::from_base64url(*creq, "creq");
        auto message = parse_json(bytes ? std::string(bytes->begin(), bytes->end()) : "{}");
        if (message && message->is_object()) {
            (*message)["messageType"] = "CRes";
            (*message)["transStatus"] = "Y";
            (*message)["challengeCompletionInd"] = "Y";
            const Fields lie{{"cres", encoding::base64url(message->dump())}};
            stage_.in(Millis{stage_.roll(500, 30'000)}, [home, return_url, lie] { home(return_url, lie); });
        }
    } else if (!anothers_reply_.empty() && stage_.strikes(Fault::lied_at_return, 8)) {
        stage_.in(Millis{stage_.roll(500, 30'000)},
                  [home, return_url, reply = anothers_reply_] { home(return_url, reply); });
    } else if (stage_.strikes(Fault::lied_at_return, 12)) {
        const Fields lie{{"PaRes", "eJxVUsFuwjAM"}, {"MD", stage_.one_in(2) ? "x" : "T000"}};
        stage_.in(Millis{stage_.roll(500, 30'000)}, [home, return_url, lie] { home(return_url, lie); });
    }
    Form page;
    house_.handler()(posted(url->target, callout.parameters), [&](const HttpResponse& response) {
        if (response.status == 404) stage_.broken(Invariant::pages_are_known, callout.destination);
        page = form_of(response.body);
    });
    page.fields.emplace_back("act", act);
    const auto pressed = posted("/borgun/acs/act", page.fields);
    const Millis thinks{stage_.roll(1'000, stage_.strikes(Fault::came_late, 8) ? 900'000 : 60'000)};
    const int tabs = stage_.strikes(Fault::two_tabs, 6) ? 2 : 1;
    for (int tab = 0; tab < tabs; ++tab)
        stage_.in(thinks + Millis{tab * stage_.roll(0, 3'000)}, [this, pressed, home] {
            house_.handler()(pressed, [&](const HttpResponse& response) {
                ++stage_.report.authentications;
                const auto back = form_of(response.body);
                // Without the MD, which would tell whose it is.
                for (const auto& each : back.fields)
                    if (each.first == "PaRes" || each.first == "cres") anothers_reply_ = {each};
                if (back.action.starts_with("http")) home(back.action, back.fields);
            });
        });
}

std::int64_t BorgunStreet::refusing_amount(const Currency& currency) {
    std::int64_t amount = 900'000;
    for (int i = 0; i < currency.places(); ++i) amount *= 10;
    return amount;
}

// ---- others --------------------------------------------------------------------------------------------

std::string BorgunStreet::forged_event(const std::string& merchant) {
    static constexpr const char* types[] = {"PaymentCreate", "PaymentCapture", "PaymentRefund",
                                            "PaymentCancel", "TokenCreate"};
    if (stage_.one_in(2) && !events_.empty())
        return events_[static_cast<std::size_t>(
            stage_.roll(0, static_cast<std::int64_t>(events_.size()) - 1))];
    std::vector<const BorgunHouse::Entry*> of_shop;
    for (const auto& entry : house_.ledger())
        if (entry.merchant == merchant) of_shop.push_back(&entry);
    if (of_shop.empty()) return {};
    const auto pick = [&]() -> const BorgunHouse::Entry& {
        return *of_shop[static_cast<std::size_t>(
            stage_.roll(0, static_cast<std::int64_t>(of_shop.size()) - 1))];
    };
    JsonWriter out;
    out.begin_object()
        .field("EventId", fmt::format("ev_{:032}", stage_.roll(1, 1'000'000)))
        .field("EventType", stage_.one_of(types))
        .key("Data")
        .begin_object()
        .field("TransactionId", pick().transaction)
        .field("RefundTransactionId", pick().transaction)
        .field("OrderId", pick().reference)
        .field("Amount", pick().minor)
        .field("ActionCode", "000")
        .end_object()
        .end_object();
    return out.take();
}

void BorgunStreet::refund_at_the_dashboard() {
    std::vector<const BorgunHouse::Entry*> taken;
    for (const auto& entry : house_.ledger()) {
        const auto* of = shop(entry.merchant);
        if (entry.kind == "taken" && of != nullptr && of->notifies && entry.reference != "ANOTHERS0001")
            taken.push_back(&entry);
    }
    if (taken.empty() || loses_events_) return;
    const auto& entry =
        *taken[static_cast<std::size_t>(stage_.roll(0, static_cast<std::int64_t>(taken.size()) - 1))];
    const std::string id = entry.transaction, reference = entry.reference;
    const auto answer = ask(private_key(entry.merchant), "PUT", "/payment/" + id + "/refund", "");
    stage_.say(fmt::format("B-Online gives {} back: {}", id, answer.status));
    if (answer.status != 200) return;
    stage_.seen(Fault::refund_at_the_dashboard);
    given_back_by_hand_.insert(reference);
}

}  // namespace kassi::simulation
