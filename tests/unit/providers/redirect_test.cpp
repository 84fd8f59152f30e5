#include "providers/redirect/redirect.hpp"

#include <gmock/gmock.h>

#include "providers/signed_notice.hpp"
#include "scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using core::LegMoney;
using core::Verb;
using testing::HasSubstr;

core::Step begin(Stage& stage, Verb verb, const Merchant& merchant = redirect_merchant()) {
    return redirect_flow().begin(stage.scene(verb), merchant);
}

core::Step hear(Stage& stage, Verb verb, const core::Heard& heard,
                const Merchant& merchant = redirect_merchant()) {
    return redirect_flow().resume(stage.scene(verb), merchant, heard);
}

core::Step back(Stage& stage, Fields fields, const Merchant& merchant = redirect_merchant()) {
    return hear(stage, Verb::open, core::Returned{std::move(fields)}, merchant);
}

/// A leg whose session is open at the house.
Stage opened() {
    Stage stage("demo-redirect", "redirect");
    stage.leg.references = {{"session", "rs_1"}};
    return stage;
}

Stage fresh() {
    return Stage("demo-redirect", "redirect");
}

std::string callout_json(
    std::string_view type = "get",
    std::string_view url = "http://127.0.0.1:8081/tickets/dummy_redirect.buy/demo-redirect") {
    return R"(,"callout":{"type":")" + std::string(type) + R"(","url":")" + std::string(url) +
           R"(","parameters":[["return_url","https://shop.example/back/T1/"],["title","A title"]]})";
}

// ---- configuration and facts ---------------------------------------------------------------------------

TEST(RedirectConfiguration, AnAskedHouse) {
    const auto facts = *redirect_flow().configure(redirect_merchant());
    EXPECT_TRUE(facts.has_open && facts.can_query && facts.can_close && facts.can_refund &&
                facts.can_refund_part && facts.notifies);
    EXPECT_FALSE(facts.can_hold || facts.settled_by_return || facts.house_credit);
    EXPECT_EQ(facts.browser, core::Browser::always);
    EXPECT_EQ(facts.notice_trust, core::Trust::proof);
}

TEST(RedirectConfiguration, AHouseThatIsSettledByItsReturn) {
    const auto facts = *redirect_flow().configure(page_merchant(true));
    EXPECT_TRUE(facts.has_open && facts.settled_by_return);
    EXPECT_FALSE(facts.can_query || facts.can_close || facts.can_refund || facts.can_refund_part ||
                 facts.notifies);
}

TEST(RedirectConfiguration, RefundsOnlyWhereTheContractHasThem) {
    auto merchant = redirect_merchant();
    merchant.settings["refundable"] = "false";
    EXPECT_FALSE(redirect_flow().configure(merchant)->can_refund);
    Stage stage = opened();
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::refund, merchant)).why.code, "not_refundable");
    merchant = page_merchant(false);
    merchant.settings["refundable"] = "true";
    EXPECT_EQ(redirect_flow().configure(merchant).error().field, "refundable");
}

TEST(RedirectConfiguration, NamesWhatIsWrong) {
    const auto field = [](const std::function<void(Merchant&)>& spoil,
                          Merchant merchant = redirect_merchant()) {
        spoil(merchant);
        const auto facts = redirect_flow().configure(merchant);
        return facts ? std::string("accepted") : facts.error().field;
    };
    const auto set = [](std::string name, std::string value) {
        return [=](Merchant& merchant) { merchant.settings[name] = value; };
    };
    EXPECT_EQ(field([](Merchant&) {}), "accepted");
    EXPECT_EQ(field([](Merchant& m) { m.base_url = ""; }), "base_url");
    EXPECT_EQ(field([](Merchant& m) { m.base_url = "ftp://x/"; }), "base_url");
    EXPECT_EQ(field([](Merchant& m) { m.base_url += "/"; }), "base_url");
    EXPECT_EQ(field([](Merchant& m) { m.base_url += "?a=1"; }), "base_url");
    EXPECT_EQ(field([](Merchant& m) { m.secrets.erase("notice_secret"); }), "notice_secret");
    EXPECT_EQ(field([](Merchant& m) { m.secrets["api_key"] = Secret<>{"two words"}; }), "api_key");
    EXPECT_EQ(field([](Merchant& m) { m.secrets["return_secret"] = Secret<>{"x"}; }), "return_secret");
    EXPECT_EQ(field(set("signed_return", "true")), "return_secret");
    EXPECT_EQ(field(set("can_be_asked", "perhaps")), "can_be_asked");
    EXPECT_EQ(field(set("callout_type", "put")), "callout_type");
    EXPECT_EQ(field(set("currencies", "GBP,XQZ")), "currencies");
    EXPECT_EQ(field(set("debitor_integration", "[]")), "debitor_integration");
    EXPECT_EQ(field(set("page_url", "https://house.example/pay")), "page_url");
    EXPECT_EQ(field([](Merchant& m) { m.settings.erase("page_url"); }, page_merchant(false)), "page_url");
    EXPECT_EQ(field(set("page_url", "https://house.example/pay?a=1"), page_merchant(false)), "page_url");
    // Its notices prove, so an unsigned return must not be believed before them.
    EXPECT_EQ(field(set("notifies", "true"), page_merchant(false)), "signed_return");
}

TEST(RedirectConfiguration, LimitsOfTheCallout) {
    const auto accepts = [](std::string seconds) {
        auto merchant = redirect_merchant();
        merchant.settings["callout_seconds_max"] = std::move(seconds);
        return redirect_flow().configure(merchant).has_value();
    };
    EXPECT_FALSE(accepts("119"));
    EXPECT_TRUE(accepts("120"));
    EXPECT_TRUE(accepts("86400"));
    EXPECT_FALSE(accepts("86401"));
    EXPECT_FALSE(accepts("-1"));
}

TEST(RedirectConfiguration, TheDebitorMayBeNamed) {
    auto merchant = redirect_merchant();
    auto debitor = *redirect_flow().debitor(merchant);
    EXPECT_EQ(debitor.type, "dummy");
    EXPECT_EQ(debitor.name, "dummy");
    EXPECT_EQ(debitor.description, "The Dummy Card Debitor");
    EXPECT_EQ(debitor.integration_json, "{}");
    merchant.settings = {{"debitor_type", "sofa"},
                         {"debitor_name", "s"},
                         {"debitor_desc", "Sofa"},
                         {"debitor_integration", R"({"a":1})"}};
    debitor = *redirect_flow().debitor(merchant);
    EXPECT_EQ(debitor.type + debitor.name + debitor.description + debitor.integration_json,
              R"(sofasSofa{"a":1})");
}

// ---- open ----------------------------------------------------------------------------------------------

TEST(RedirectOpen, AsksForASession) {
    Stage stage = fresh();
    const auto step = begin(stage, Verb::open);
    const auto& ask = as<core::Ask>(step);
    EXPECT_EQ(ask.name, "session");
    EXPECT_EQ(ask.repeat, core::Repeat::same_key);
    EXPECT_EQ(ask.key, our_reference + "-open");
    EXPECT_EQ(ask.reference, our_reference);
    EXPECT_EQ(ask.request.method, "POST");
    EXPECT_EQ(ask.request.path, "/sessions");
    EXPECT_EQ(*find_field(ask.request.headers, "Idempotency-Key"), ask.key);
    EXPECT_EQ(ask.request.body,
              R"({"reference":")" + our_reference +
                  R"(","amount":11000,"currency":"GBP",)"
                  R"("title":"Dummy external card details page for debit on system 'ext_test1'",)"
                  R"("return_url":"https://shop.example/back/T1/",)"
                  R"("notify_url":"https://pay.example/webhooks/redirect/demo-redirect",)"
                  R"("callout_type":"get","expires_at":"2026-01-10T10:10:00Z"})");
    const auto dressed = redirect_flow().dress(ask.request, redirect_merchant());
    EXPECT_EQ(dressed.target, "http://127.0.0.1:8081/redirect/v1/sessions");
    EXPECT_EQ(dressed.header("authorization"), "Bearer the-api-key-of-the-merchant");
}

TEST(RedirectOpen, FollowsTheMerchantsSettings) {
    auto merchant = redirect_merchant();
    merchant.settings = {{"callout_type", "post"},
                         {"callout_seconds_max", "180"},
                         {"title", "Pay {source} here"},
                         {"notifies", "false"}};
    Stage stage = fresh();
    const auto step = begin(stage, Verb::open, merchant);
    const auto& request = as<core::Ask>(step).request;
    EXPECT_THAT(request.body, HasSubstr(R"("title":"Pay ext_test1 here")"));
    EXPECT_THAT(request.body, HasSubstr(R"("callout_type":"post","expires_at":"2026-01-10T10:03:00Z")"));
    EXPECT_THAT(request.body, testing::Not(HasSubstr("notify_url")));
}

TEST(RedirectOpen, ARecordedCallOfAHouseThatLostItsContractIsDressedWithoutAKey) {
    Stage stage = opened();
    const auto step = begin(stage, Verb::charge);
    const auto dressed = redirect_flow().dress(as<core::Ask>(step).request, page_merchant(false));
    EXPECT_EQ(find_field(dressed.headers, "Authorization"), nullptr);
    EXPECT_EQ(dressed.body, as<core::Ask>(step).request.body);
}

TEST(RedirectOpen, NeedsAWayBack) {
    Stage stage = fresh();
    stage.return_url.clear();
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::open)).why.code, "no_return_url");
}

TEST(RedirectOpen, SendsTheCustomerAwayInTheOrderThatTheHouseSays) {
    Stage stage = fresh();
    const auto step = hear(stage, Verb::open, answered(201, session_json("open", callout_json("post"))));
    const auto& waiting = as<core::Waiting>(step);
    EXPECT_EQ(waiting.callout.type, "post");
    EXPECT_EQ(waiting.callout.destination, "http://127.0.0.1:8081/tickets/dummy_redirect.buy/demo-redirect");
    EXPECT_EQ(waiting.callout.parameters,
              (Fields{{"return_url", "https://shop.example/back/T1/"}, {"title", "A title"}}));
    EXPECT_EQ(waiting.callout.integration_json, R"({"is_dummy_3d_secure": false})");
    EXPECT_EQ(waiting.references, (Fields{{"session", "rs_1"}}));
}

TEST(RedirectOpen, ComparesWhatItHearsWithWhatItAsked) {
    const auto replaced = [](std::string from, std::string to) {
        std::string body = session_json("open", callout_json());
        body.replace(body.find(from), from.size(), to);
        Stage stage = fresh();
        return hear(stage, Verb::open, answered(201, body));
    };
    EXPECT_TRUE(is<core::Waiting>(replaced("rs_1", "rs_2")));
    EXPECT_EQ(as<core::Declined>(replaced("11000", "11001")).why.code, "amount_mismatch");
    EXPECT_EQ(as<core::Declined>(replaced("GBP", "EUR")).why.code, "amount_mismatch");
    EXPECT_TRUE(is<core::Unknown>(replaced(our_reference, "another")));
    EXPECT_TRUE(is<core::Unknown>(replaced("\"open\"", "\"closed\"")));
    EXPECT_TRUE(is<core::Unknown>(replaced("rs_1", "rs/1")));
    EXPECT_TRUE(is<core::Unknown>(replaced("\"type\":\"get\"", "\"type\":\"put\"")));
    EXPECT_TRUE(is<core::Unknown>(replaced("http://127", "javascript://127")));
    EXPECT_TRUE(is<core::Unknown>(replaced("/demo-redirect\"", "/demo-redirect?a=b\"")));
    EXPECT_TRUE(is<core::Unknown>(replaced("[\"title\",\"A title\"]", "[\"title\"]")));
}

// ---- the return ----------------------------------------------------------------------------------------

TEST(RedirectReturn, AnOutcomeIsForTheHouseToJudge) {
    for (const char* value : {"yes", "no", "1", "whatever"}) {
        Stage stage = opened();
        EXPECT_EQ(as<core::Done>(back(stage, {{"success", value}, {"ref", "abc123"}})).money, LegMoney::none);
    }
}

TEST(RedirectReturn, WithoutAnOutcomeTheHouseIsAsked) {
    for (const Fields& fields :
         {Fields{}, Fields{{"ref", "x"}}, Fields{{"is_tsw_callout_timeout_callback", "1"}},
          Fields{{"success", "yes"}, {"is_tsw_callout_timeout_callback", "1"}}}) {
        Stage stage = opened();
        const auto step = back(stage, fields);
        const auto& ask = as<core::Ask>(step);
        EXPECT_EQ(ask.name, "look_up");
        EXPECT_EQ(ask.as, Verb::query);
        EXPECT_EQ(ask.repeat, core::Repeat::safe);
        EXPECT_EQ(ask.request.path, "/sessions/rs_1");
    }
}

TEST(RedirectReturn, ASignedReturnOfAnAskedHouseMustBeSigned) {
    auto merchant = redirect_merchant();
    merchant.settings["signed_return"] = "true";
    merchant.secrets["return_secret"] = Secret<>{"the-return-secret"};
    Stage stage = opened();
    EXPECT_TRUE(is<core::Unknown>(back(stage, {{"success", "yes"}}, merchant)));
    const std::string signature = hmac_hex("the-return-secret", "success=yes&reference=" + our_reference);
    EXPECT_EQ(as<core::Done>(
                  back(stage, {{"success", "yes"}, {"reference", our_reference}, {"signature", signature}},
                       merchant))
                  .money,
              LegMoney::none);
    EXPECT_TRUE(is<core::Ask>(back(stage, {}, merchant))) << "silence needs no signature";
}

// ---- a house that is settled by its return -------------------------------------------------------------

TEST(RedirectByReturn, OpensWithoutACall) {
    Stage stage("page-house", "redirect");
    const auto step = begin(stage, Verb::open, page_merchant(false));
    const auto& waiting = as<core::Waiting>(step);
    EXPECT_EQ(waiting.callout.destination, "https://house.example/pay");
    EXPECT_EQ(waiting.callout.parameters,
              (Fields{{"return_url", "https://shop.example/back/T1/"},
                      {"title", "Dummy external card details page for debit on system 'ext_test1'"},
                      {"reference", our_reference},
                      {"amount", "11000"},
                      {"currency", "GBP"}}));
}

TEST(RedirectByReturn, BelievesWhatItSays) {
    const auto merchant = page_merchant(false);
    for (const char* value : {"yes", "1", "true", "paid"}) {
        Stage stage("page-house", "redirect");
        const auto step = back(stage, {{"success", value}, {"ref", "abc123"}}, merchant);
        EXPECT_EQ(as<core::Done>(step).money, LegMoney::taken);
        EXPECT_EQ(as<core::Done>(step).references, (Fields{{"return", "abc123"}}));
    }
    for (const char* value : {"no", "0", "", "YES!"}) {
        Stage stage("page-house", "redirect");
        EXPECT_EQ(as<core::Declined>(back(stage, {{"success", value}}, merchant)).why.code, "declined");
    }
    Stage stage("page-house", "redirect");
    EXPECT_EQ(as<core::Declined>(back(stage, {}, merchant)).why.code, "assumed_unpaid");
    EXPECT_EQ(as<core::Declined>(back(stage, {{"is_tsw_callout_timeout_callback", "1"}}, merchant)).why.code,
              "assumed_unpaid");
    EXPECT_TRUE(is<core::Unknown>(back(stage, {{"success", "yes"}, {"success", "no"}}, merchant)));
    EXPECT_TRUE(is<core::Unknown>(back(stage, {{"success", "yes"}, {"reference", "another"}}, merchant)));
    EXPECT_EQ(
        as<core::Done>(back(stage, {{"success", "yes"}, {"amount", "500"}, {"currency", "GBP"}}, merchant))
            .amount->minor,
        500)
        << "what it says is compared";
}

struct SignedReturn : testing::Test {
    Merchant merchant = page_merchant(true);
    Stage stage{"page-house", "redirect"};

    Fields fields(std::string success = "yes", std::string reference = our_reference) const {
        Fields fields{{"success", std::move(success)},
                      {"ref", "a b&c"},
                      {"reference", std::move(reference)},
                      {"amount", "11000"},
                      {"currency", "GBP"}};
        std::string text;
        for (const auto& [name, value] : fields)
            text += (text.empty() ? "" : "&") + name + "=" + encoding::percent_encode(value);
        fields.emplace_back("signature", hmac_hex("the-return-secret", text));
        return fields;
    }
};

TEST_F(SignedReturn, CountsWhenTheSignatureHolds) {
    const auto step = back(stage, fields(), merchant);
    EXPECT_EQ(as<core::Done>(step).money, LegMoney::taken);
    EXPECT_EQ(as<core::Done>(step).amount, stage.amount);
    EXPECT_EQ(as<core::Declined>(back(stage, fields("no"), merchant)).why.code, "declined");
}

TEST_F(SignedReturn, ChangesNothingOtherwise) {
    auto forged = fields("no");
    forged[0].second = "yes";
    EXPECT_TRUE(is<core::Unknown>(back(stage, forged, merchant)));
    auto unsigned_fields = fields();
    unsigned_fields.pop_back();
    EXPECT_TRUE(is<core::Unknown>(back(stage, unsigned_fields, merchant)));
    auto reordered = fields();
    std::swap(reordered[0], reordered[1]);
    EXPECT_TRUE(is<core::Unknown>(back(stage, reordered, merchant)));
    auto more = fields();
    more.emplace_back("extra", "1");
    EXPECT_TRUE(is<core::Unknown>(back(stage, more, merchant)));
}

TEST_F(SignedReturn, WithoutAWordProvesNothing) {
    EXPECT_TRUE(is<core::Unknown>(back(stage, {}, merchant)));
    EXPECT_TRUE(is<core::Unknown>(back(stage, {{"is_tsw_callout_timeout_callback", "1"}}, merchant)));
    auto marked = fields();
    marked.emplace_back("is_tsw_callout_timeout_callback", "1");
    EXPECT_TRUE(is<core::Unknown>(back(stage, marked, merchant)));
    // Its notice may be on its way.
    merchant.settings["notifies"] = "true";
    merchant.secrets["notice_secret"] = Secret<>{"the-notice-secret"};
    ASSERT_TRUE(redirect_flow().configure(merchant).has_value());
    EXPECT_TRUE(is<core::Unknown>(back(stage, {}, merchant)));
    EXPECT_EQ(as<core::Done>(back(stage, fields(), merchant)).money, LegMoney::taken);
}

TEST_F(SignedReturn, OfAnotherPaymentIsNotOurs) {
    EXPECT_TRUE(is<core::Unknown>(back(stage, fields("yes", "another"), merchant)));
}

TEST_F(SignedReturn, MayComeInUrlAndBodyAlike) {
    auto both = fields();
    const auto once = both;
    both.insert(both.end(), once.begin(), once.end());
    EXPECT_EQ(as<core::Done>(back(stage, both, merchant)).money, LegMoney::taken);
}

// ---- charge --------------------------------------------------------------------------------------------

TEST(RedirectCharge, CompletesWithWhatTheBrowserBrought) {
    Stage stage = opened();
    stage.parcel.returned = {{"success", "1"}, {"ref", "a\"b"}, {"success", "1"}};
    const auto step = begin(stage, Verb::charge);
    const auto& ask = as<core::Ask>(step);
    EXPECT_EQ(ask.name, "complete");
    EXPECT_EQ(ask.key, our_reference + "-charge");
    EXPECT_EQ(ask.request.path, "/sessions/rs_1/complete");
    EXPECT_EQ(ask.request.body, R"({"returned":[["success","1"],["ref","a\"b"],["success","1"]]})");
}

TEST(RedirectCharge, ReadsTheHousesWords) {
    const auto said = [](int status, std::string_view word) {
        Stage stage = opened();
        return hear(stage, Verb::charge, answered(status, session_json(word)));
    };
    const auto paid = said(200, "paid");
    EXPECT_EQ(as<core::Done>(paid).money, LegMoney::taken);
    EXPECT_EQ(as<core::Done>(paid).amount->minor, 11'000);
    EXPECT_EQ(as<core::Declined>(said(200, "refused")).why.code, "declined");
    EXPECT_EQ(as<core::Declined>(said(409, "refused")).why.code, "declined");
    EXPECT_EQ(as<core::Declined>(said(409, "closed")).why.code, "closed");
    EXPECT_TRUE(is<core::Working>(said(200, "open")));
    EXPECT_TRUE(is<core::Working>(said(200, "pending")));
    EXPECT_TRUE(is<core::Unknown>(said(409, "refunded")));
    EXPECT_TRUE(is<core::Unknown>(said(200, "settled")));
    EXPECT_FALSE(as<core::Declined>(said(200, "refused")).why.failed_3d_secure);
}

TEST(RedirectCharge, AnotherSessionIsNotOurs) {
    Stage stage = opened();
    stage.leg.references = {{"session", "rs_9"}};
    EXPECT_TRUE(is<core::Unknown>(hear(stage, Verb::charge, answered(200, session_json("paid")))));
}

TEST(RedirectCharge, TheSessionThatWasHeardFirstStaysOurs) {
    Stage stage = opened();
    stage.leg.references.emplace_back("session", "rs_9");
    EXPECT_EQ(as<core::Ask>(begin(stage, Verb::query)).request.path, "/sessions/rs_1");
    EXPECT_EQ(as<core::Done>(hear(stage, Verb::charge, answered(200, session_json("paid")))).money,
              LegMoney::taken);
}

TEST(RedirectCharge, AnotherAmountIsHandedOnToBeCompared) {
    Stage stage = opened();
    std::string body = session_json("paid");
    body.replace(body.find("11000"), 5, "11001");
    EXPECT_EQ(as<core::Done>(hear(stage, Verb::charge, answered(200, body))).amount->minor, 11'001);
}

// ---- errors: known not done, or unknown ----------------------------------------------------------------

TEST(RedirectErrors, AreSortedByWhatIsKnown) {
    const auto said = [](Verb verb, int status, std::string body = R"({"error":{"code":"x"}})") {
        Stage stage = opened();
        return hear(stage, verb, answered(status, std::move(body)));
    };
    const std::string busy = R"({"error":{"code":"busy","not_done":true}})",
                      reused = R"({"error":{"code":"key_reused"}})";
    EXPECT_EQ(as<core::Declined>(said(Verb::open, 400)).why.code, "rejected");
    EXPECT_EQ(as<core::Declined>(said(Verb::open, 422)).why.code, "rejected");
    for (const int status : {401, 403, 404}) EXPECT_TRUE(is<core::NotDone>(said(Verb::open, status)));
    for (const int status : {400, 401, 403, 404, 422}) {
        EXPECT_TRUE(is<core::NotDone>(said(Verb::charge, status)));
        EXPECT_TRUE(is<core::Unknown>(said(Verb::query, status))) << "says nothing about the money";
        EXPECT_TRUE(is<core::Unknown>(said(Verb::close, status)));
    }
    for (const int status : {400, 404, 422})
        EXPECT_EQ(as<core::Declined>(said(Verb::refund, status)).why.code, "refund_refused");
    for (const int status : {401, 403}) EXPECT_TRUE(is<core::NotDone>(said(Verb::refund, status)));
    for (const Verb verb : {Verb::open, Verb::charge, Verb::refund}) {
        EXPECT_TRUE(is<core::Unknown>(said(verb, 422, reused))) << "something was done under our key";
        EXPECT_TRUE(is<core::Unknown>(said(verb, 500)));
        EXPECT_TRUE(is<core::Unknown>(said(verb, 500, busy))) << "only 429 and 503 may say so";
        for (const int status : {429, 503}) {
            EXPECT_TRUE(is<core::NotDone>(said(verb, status, busy)));
            EXPECT_TRUE(is<core::Unknown>(said(verb, status))) << "does not say that nothing was done";
        }
    }
    EXPECT_TRUE(is<core::NotDone>(said(Verb::open, 409, R"({"error":{"code":"reference_used"}})")));
    EXPECT_EQ(as<core::Declined>(said(Verb::refund, 409, R"({"error":{"code":"not_paid"}})")).why.code,
              "not_paid");
    EXPECT_TRUE(is<core::Unknown>(said(Verb::refund, 409)));
}

// ---- query, close, refund ------------------------------------------------------------------------------

TEST(RedirectQuery, LooksUpByIdOrByOurReference) {
    Stage known = opened(), lost = fresh();
    EXPECT_EQ(as<core::Ask>(begin(known, Verb::query)).request.path, "/sessions/rs_1");
    EXPECT_EQ(as<core::Ask>(begin(lost, Verb::query)).request.path, "/sessions?reference=" + our_reference);
    EXPECT_TRUE(as<core::Ask>(begin(lost, Verb::query)).key.empty());
}

TEST(RedirectQuery, SaysWhereTheMoneyIs) {
    const auto said = [](std::string_view word) {
        Stage stage = opened();
        return hear(stage, Verb::query, answered(200, session_json(word)));
    };
    EXPECT_EQ(as<core::Done>(said("paid")).money, LegMoney::taken);
    EXPECT_EQ(as<core::Done>(said("refunded")).money, LegMoney::back);
    for (const char* word : {"open", "refused", "closed"})
        EXPECT_EQ(as<core::Done>(said(word)).money, LegMoney::none);
    EXPECT_TRUE(is<core::Working>(said("pending")));
    EXPECT_TRUE(is<core::Unknown>(said("")));
}

TEST(RedirectQuery, SaysWhatTheHouseGaveBack) {
    const auto said = [](std::string_view word, std::string refunded, std::int64_t known = 0,
                         std::int64_t in_doubt = 0) {
        Stage stage = opened();
        stage.leg.back_minor = known;
        if (in_doubt > 0) stage.leg.refunds.push_back({.no = 1, .amount = {in_doubt, stage.amount.currency}});
        return hear(stage, Verb::query, answered(200, session_json(word, ",\"refunded\":" + refunded)));
    };
    EXPECT_EQ(as<core::Done>(said("paid", "0")).evidence, "looked up: paid");
    EXPECT_EQ(as<core::Done>(said("paid", "500", 500)).evidence, "looked up: paid");
    EXPECT_EQ(as<core::Done>(said("paid", "500", 0, 500)).evidence, "looked up: paid, £5.00 given back");
    EXPECT_EQ(as<core::Done>(said("paid", "501", 0, 500)).evidence,
              "looked up: paid, £5.01 given back, more than the £5.00 that we know of");
    EXPECT_EQ(as<core::Done>(said("paid", "501", 0, 500)).money, LegMoney::taken);
    EXPECT_EQ(as<core::Done>(said("paid", "501", 0, 500)).given_back->minor, 501);
    // All of it is back, whatever word the house has for that.
    for (const char* word : {"paid", "refunded"}) {
        const auto step = said(word, "11000", 1'000, 10'000);
        EXPECT_EQ(as<core::Done>(step).money, LegMoney::back);
        EXPECT_EQ(as<core::Done>(step).amount->minor, 11'000);
    }
    EXPECT_TRUE(is<core::Unknown>(said("refunded", "10999")));
    for (const char* wrong : {"-1", "11001", "5.0", "\"5\"", "null", "true"})
        EXPECT_TRUE(is<core::Unknown>(said("paid", wrong))) << wrong;
}

TEST(RedirectQuery, FindsASessionWhoseAnswerWasLost) {
    Stage stage = fresh();
    const auto found =
        hear(stage, Verb::query, answered(200, R"({"sessions":[)" + session_json("open") + "]}"));
    EXPECT_EQ(as<core::Done>(found).money, LegMoney::none);
    EXPECT_EQ(as<core::Done>(found).references, (Fields{{"session", "rs_1"}})) << "so that it can be closed";
    EXPECT_EQ(as<core::Done>(hear(stage, Verb::query, answered(200, R"({"sessions":[]})"))).money,
              LegMoney::none);
    const auto two = R"({"sessions":[)" + session_json("open") + "," + session_json("paid") + "]}";
    EXPECT_TRUE(is<core::Unknown>(hear(stage, Verb::query, answered(200, two))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, Verb::query, answered(200, R"({"sessions":[1]})"))));
}

TEST(RedirectClose, IsDoneOrTooLate) {
    Stage stage = opened();
    const auto step = begin(stage, Verb::close);
    EXPECT_EQ(as<core::Ask>(step).repeat, core::Repeat::safe);
    EXPECT_EQ(as<core::Ask>(step).request.path, "/sessions/rs_1/close");
    const auto said = [&](int status, std::string_view word) {
        return hear(stage, Verb::close, answered(status, session_json(word)));
    };
    for (const char* word : {"closed", "refused"})
        EXPECT_EQ(as<core::Done>(said(200, word)).money, LegMoney::none);
    for (const char* word : {"paid", "refunded"})
        EXPECT_EQ(as<core::Declined>(said(409, word)).why.code, "already_paid");
    EXPECT_EQ(as<core::Declined>(said(200, "paid")).why.code, "already_paid");
    EXPECT_TRUE(is<core::Unknown>(said(200, "open")));
    Stage lost = fresh();
    EXPECT_EQ(as<core::Done>(begin(lost, Verb::close)).money, LegMoney::none)
        << "no customer was ever sent there";
}

TEST(RedirectRefund, GivesAPartBack) {
    Stage stage = opened();
    stage.amount.minor = 500;
    const auto step = begin(stage, Verb::refund);
    const auto& ask = as<core::Ask>(step);
    EXPECT_EQ(ask.name, "refund");
    EXPECT_EQ(ask.key, our_reference + "-refund-3");
    EXPECT_EQ(ask.request.path, "/sessions/rs_1/refunds");
    EXPECT_EQ(ask.request.body, R"({"amount":500,"reference":")" + our_reference + R"(-3"})");

    const auto said = [&](std::string_view status, std::string amount = "500",
                          std::string reference = our_reference + "-3") {
        return hear(
            stage, Verb::refund,
            answered(201, R"({"id":"rf_1","session":"rs_1","reference":")" + reference + R"(","amount":)" +
                              amount + R"(,"currency":"GBP","refunded":500,"status":")" +
                              std::string(status) + R"("})"));
    };
    EXPECT_EQ(as<core::Done>(said("refunded")).money, LegMoney::back);
    EXPECT_EQ(as<core::Done>(said("refunded")).amount->minor, 500);
    EXPECT_EQ(as<core::Done>(said("refunded")).references, (Fields{{"refund", "rf_1"}}));
    EXPECT_TRUE(is<core::Working>(said("pending")));
    EXPECT_TRUE(is<core::Unknown>(said("done")));
    EXPECT_TRUE(is<core::Unknown>(said("refunded", "501")));
    EXPECT_TRUE(is<core::Unknown>(said("refunded", "500", our_reference + "-2")));
}

// ---- notices -------------------------------------------------------------------------------------------

struct Notices : testing::Test {
    std::string body = R"({"event_id":"ev_1","type":"session.paid","session":"rs_1","reference":")" +
                       our_reference + R"(","status":"paid","amount":11000,"currency":"GBP"})";

    static std::string sign(std::string_view text, Instant at,
                            std::string_view secret = "the-notice-secret") {
        const auto t =
            std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
        return "t=" + t + ",v1=" + hmac_hex(secret, t + "." + std::string(text));
    }
    Result<NoticeRead> read(std::string header) const {
        return redirect_flow().read({"POST",
                                     "/webhooks/redirect/demo-redirect",
                                     {{"redirect-signature", std::move(header)}},
                                     body,
                                     ""},
                                    redirect_merchant(), the_time);
    }
    Result<NoticeRead> read() const { return read(sign(body, the_time)); }
    void replace(std::string from, std::string to) { body.replace(body.find(from), from.size(), to); }
};

TEST_F(Notices, AreProof) {
    const auto said = read();
    ASSERT_TRUE(said.has_value());
    EXPECT_EQ(said->reference, our_reference);
    EXPECT_EQ(said->notice.event_id, "ev_1");
    EXPECT_EQ(said->notice.fact, LegMoney::taken);
    EXPECT_EQ(said->notice.amount->minor, 11'000);
    EXPECT_EQ(said->notice.trust, core::Trust::proof);
    EXPECT_EQ(said->notice.references, (Fields{{"session", "rs_1"}}));
}

TEST_F(Notices, SayWhatHappened) {
    replace("session.paid", "session.refunded");
    EXPECT_EQ(read()->notice.fact, LegMoney::taken) << "a part went back";
    replace("\"paid\"", "\"refunded\"");
    EXPECT_EQ(read()->notice.fact, LegMoney::back);
    replace("session.refunded", "session.closed");
    replace("\"refunded\"", "\"closed\"");
    EXPECT_EQ(read()->notice.fact, LegMoney::none);
}

TEST_F(Notices, MustBeSigned) {
    const auto kind = [&](std::string header) {
        const auto said = read(std::move(header));
        return said ? ErrorKind::internal : said.error().kind;
    };
    const auto bad = ErrorKind::unauthenticated;
    EXPECT_EQ(kind(""), bad);
    EXPECT_EQ(kind("t=1,v1="), bad);
    EXPECT_EQ(kind("v1=" + std::string(64, '0')), bad);
    EXPECT_EQ(kind(sign(body, the_time, "another-secret")), bad);
    EXPECT_EQ(kind(sign(body + " ", the_time)), bad) << "over the raw body";
    const auto good = sign(body, the_time);
    EXPECT_TRUE(read("t=" + good.substr(2, 10) + ",v0=00,v1=" + std::string(64, '0') + ", " + good.substr(13))
                    .has_value())
        << "a second signature, of the new secret";
    auto merchant = redirect_merchant();
    merchant.settings["notifies"] = "false";
    EXPECT_EQ(redirect_flow()
                  .read({"POST", "/", {{"Redirect-Signature", good}}, body, ""}, merchant, the_time)
                  .error()
                  .kind,
              bad);
}

TEST_F(Notices, AreFresh) {
    using std::chrono::seconds;
    for (const int offset : {-300, 300})
        EXPECT_TRUE(read(sign(body, the_time + seconds(offset))).has_value());
    for (const int offset : {-301, 301})
        EXPECT_EQ(read(sign(body, the_time + seconds(offset))).error().kind, ErrorKind::unauthenticated);
}

TEST_F(Notices, LookAtSoManySignaturesAndNoMore) {
    const auto padded = [&](int others) {
        const auto good = sign(body, the_time);
        std::string header = good.substr(0, 13);
        for (int i = 0; i < others; ++i) header += "v1=" + std::string(64, '0') + ",";
        return read(header + good.substr(13)).has_value();
    };
    EXPECT_TRUE(padded(notice_signatures_max - 1));
    EXPECT_FALSE(padded(notice_signatures_max));
}

TEST_F(Notices, AreUnderstoodWholeOrNotAtAll) {
    const auto original = body;
    const auto field = [&](std::string from, std::string to) {
        body = original;
        replace(std::move(from), std::move(to));
        const auto said = read();
        return said ? std::string("accepted") : said.error().field;
    };
    EXPECT_EQ(field("session.paid", "session.won"), "type");
    EXPECT_EQ(field("\"status\":\"paid\"", "\"status\":\"open\""), "status");
    EXPECT_EQ(field("\"status\":\"paid\"", "\"status\":\"PAID\""), "status");
    EXPECT_EQ(field("11000", "\"11000\""), "amount");
    EXPECT_EQ(field("GBP", "???"), "amount");
    EXPECT_EQ(field("ev_1", ""), "event_id");
    EXPECT_EQ(field(our_reference, ""), "reference");
    EXPECT_EQ(field("{", "["), "body");
}

// ---- scrub ---------------------------------------------------------------------------------------------

TEST(RedirectEvidence, KeepsWhatExplainsThePayment) {
    const auto kept = redirect_flow().evidence(
        {{"success", "yes"}, {"ref", "rs_1"}, {"signature", "abc"}, {"note", "hello"}});
    EXPECT_EQ(kept[0], (core::EvidenceField{"success", core::Keep::value, "yes", 3}));
    EXPECT_EQ(kept[1], (core::EvidenceField{"ref", core::Keep::value, "rs_1", 4}));
    EXPECT_EQ(kept[2].keep, core::Keep::digest);
    EXPECT_EQ(kept[2].value.size(), 64U);
    EXPECT_EQ(kept[3], (core::EvidenceField{"note", core::Keep::drop, "", 5}));
}

TEST(RedirectEvidence, HasNoCardNumberHoweverItIsWritten) {
    for (const std::string number : {"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111",
                                     "4111.1111.1111.1111", "4111_1111_1111_1111", "a4111._-1111.1111.1111",
                                     "4111\xc2\xb7"
                                     "1111\xc2\xb7"
                                     "1111\xc2\xb7"
                                     "1111"}) {
        for (const char* name : {"ref", "reference", "amount", "currency", "success"}) {
            const auto kept = redirect_flow().evidence({{name, number}, {number, "x"}});
            EXPECT_EQ(kept[0].keep, core::Keep::drop) << name << " " << number;
            EXPECT_EQ(kept[1].name, "(name of digits withheld)") << number;
        }
        Stage stage("page-house", "redirect");
        const auto step = back(stage, {{"success", "yes"}, {"ref", number}}, page_merchant(false));
        EXPECT_TRUE(as<core::Done>(step).references.empty()) << number;
    }
    for (const std::string plain : {"rs_1", "123456789012", "1234.5678.9012", "12345678a90123456"})
        EXPECT_EQ(redirect_flow().evidence({{"ref", plain}})[0].value, plain);
}

}  // namespace
}  // namespace kassi::providers
