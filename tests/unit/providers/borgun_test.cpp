#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <set>

#include "borgun_scenes.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/notices.hpp"
#include "providers/borgun/requests.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using core::Verb;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// ---- configuration -------------------------------------------------------------------------------------

TEST(BorgunConfiguration, HoldsFirst) {
    const auto facts = *borgun_flow().configure(borgun_merchant());
    EXPECT_TRUE(facts.has_open && facts.can_hold && facts.can_query && facts.can_close && facts.can_refund &&
                facts.can_refund_part && facts.notifies);
    EXPECT_EQ(facts.notice_trust, core::Trust::hint);
    EXPECT_THAT(facts.credentials, ElementsAre("card", "borgun_token", "borgun_final"));
    EXPECT_THAT(facts.volatile_credentials, ElementsAre("card"));
    EXPECT_THAT(facts.currencies, Contains("ISK"));
    EXPECT_THAT(facts.steps, ElementsAre(std::pair<std::string, std::int64_t>("BHD", 10)));
    EXPECT_FALSE(facts.test_only);
}

TEST(BorgunConfiguration, SaleOnlyTakesAtOnce) {
    const auto facts = *borgun_flow().configure(borgun_sale_merchant());
    EXPECT_FALSE(facts.can_hold);
    EXPECT_FALSE(facts.notifies);
    EXPECT_THAT(facts.credentials, ElementsAre("card", "borgun_token"));
    Stage stage = borgun_stage();
    EXPECT_TRUE(is<core::Ask>(begin(stage, Verb::charge, borgun_sale_merchant())));
    EXPECT_TRUE(is<core::NotDone>(begin(stage, Verb::authorise, borgun_sale_merchant())));
    EXPECT_TRUE(is<core::NotDone>(begin(stage, Verb::charge)));
}

TEST(BorgunConfiguration, NamesWhatIsWrong) {
    const auto field = [](const std::function<void(Merchant&)>& spoil) {
        auto merchant = borgun_merchant();
        spoil(merchant);
        const auto facts = borgun_flow().configure(merchant);
        return facts ? std::string("accepted") : facts.error().field;
    };
    EXPECT_EQ(field([](Merchant&) {}), "accepted");
    EXPECT_EQ(field([](Merchant& m) { m.base_url.clear(); }), "accepted") << "Borgun's own";
    EXPECT_EQ(field([](Merchant& m) { m.base_url = "https://a.example/rpg/"; }), "base_url");
    EXPECT_EQ(field([](Merchant& m) { m.secrets.erase("private_key"); }), "private_key");
    EXPECT_EQ(field([](Merchant& m) { m.secrets.insert_or_assign("private_key", Secret<>{"a:b"}); }),
              "private_key");
    EXPECT_EQ(field([](Merchant& m) { m.settings.erase("public_key"); }), "public_key");
    EXPECT_EQ(field([](Merchant& m) { m.settings["public_key"] = "100001_prTHE0PRIVATE0KEY"; }), "public_key")
        << "it would be shown to everybody";
    EXPECT_EQ(field([](Merchant& m) { m.settings["accepts"] = "cash"; }), "accepts");
    EXPECT_EQ(field([](Merchant& m) { m.settings["sale_only"] = "maybe"; }), "sale_only");
    EXPECT_EQ(field([](Merchant& m) { m.settings["forgives_expiry"] = "true"; }), "accepted");
    EXPECT_EQ(field([](Merchant& m) {
                  m.settings["forgives_expiry"] = "true";
                  m.simulator = false;
              }),
              "forgives_expiry");
    EXPECT_EQ(field([](Merchant& m) { m.settings["three_d_secure"] = "never"; }), "three_d_secure");
    EXPECT_EQ(field([](Merchant& m) { m.settings["mpi_continue"] = "1,2,3,4,5,6,91"; }), "accepted");
    for (const auto* status : {"0", "7", "8", "9", "50", "97", "x", "123"})
        EXPECT_EQ(field([&](Merchant& m) { m.settings["mpi_continue"] = status; }), "mpi_continue") << status;
    EXPECT_EQ(field([](Merchant& m) { m.settings["currencies"] = "ISK,EUR"; }), "accepted");
    EXPECT_EQ(field([](Merchant& m) { m.settings["currencies"] = "ISK,KWD"; }), "currencies");
    EXPECT_EQ(field([](Merchant& m) { m.settings["accepted_cards"] = "visa,shell"; }), "accepted_cards");
    EXPECT_EQ(field([](Merchant& m) { m.settings["script_url"] = "no url"; }), "script_url");
}

TEST(BorgunConfiguration, KnowsTheTestGateway) {
    auto merchant = borgun_merchant();
    merchant.base_url = "https://test.borgun.is/rpg";
    EXPECT_TRUE(borgun_flow().configure(merchant)->test_only);
}

TEST(BorgunConfiguration, TellsFrontEndsWhatTheyNeed) {
    auto merchant = borgun_merchant();
    merchant.settings["accepts"] = "token";
    merchant.settings["script_url"] = "https://test.borgun.is/b.js";
    const auto debitor = *borgun_flow().debitor(merchant);
    EXPECT_EQ(debitor.type, "borgun");
    EXPECT_EQ(debitor.integration_json,
              R"({"public_key":"100001_puTHE0PUBLIC0KEY","script_url":"https://test.borgun.is/b.js"})");
    merchant.settings["accepts"] = "card";
    EXPECT_EQ(borgun_flow().debitor(merchant)->integration_json, "{}");
}

// ---- amounts -------------------------------------------------------------------------------------------

struct WireAmount {
    std::string_view currency, number;
    std::int64_t minor, wire;
};
class BorgunAmounts : public testing::TestWithParam<WireAmount> {};

TEST_P(BorgunAmounts, GoThereAndBack) {
    const auto& [code, number, minor, wire] = GetParam();
    const Money money{minor, *Currency::parse(code, "currency")};
    EXPECT_EQ(borgun::number_of(money.currency), number);
    EXPECT_EQ(borgun::to_wire(money), wire);
    EXPECT_EQ(borgun::from_wire(wire, number), money);
}
INSTANTIATE_TEST_SUITE_P(
    EveryOne, BorgunAmounts,
    testing::Values(WireAmount{"ISK", "352", 4990, 499000}, WireAmount{"JPY", "392", 500, 500},
                    WireAmount{"EUR", "978", 1050, 1050}, WireAmount{"BHD", "048", 1230, 123},
                    WireAmount{"AUD", "036", 1, 1}, WireAmount{"HUF", "348", 1050, 1050},
                    WireAmount{"USD", "840", 1, 1}, WireAmount{"GBP", "826", 1, 1},
                    WireAmount{"DKK", "208", 1, 1}, WireAmount{"NOK", "578", 1, 1},
                    WireAmount{"SEK", "752", 1, 1}, WireAmount{"CHF", "756", 1, 1},
                    WireAmount{"CAD", "124", 1, 1}, WireAmount{"RUB", "643", 1, 1},
                    WireAmount{"PLN", "985", 1, 1}, WireAmount{"RON", "946", 1, 1},
                    WireAmount{"CZK", "203", 1, 1},
                    WireAmount{"ISK", "352", payment_minor_max, payment_minor_max * 100}));

TEST(BorgunAmounts, ThatAreNoneAreNotRead) {
    EXPECT_EQ(borgun::from_wire(499050, "352"), std::nullopt) << "there are no parts of a króna";
    EXPECT_EQ(borgun::from_wire(-1, "978"), std::nullopt);
    EXPECT_EQ(borgun::from_wire(payment_minor_max + 1, "978"), std::nullopt);
    EXPECT_EQ(borgun::from_wire(INT64_MAX, "352"), std::nullopt);
    EXPECT_EQ(borgun::from_wire(1, "ISK"), std::nullopt);
    EXPECT_EQ(borgun::from_wire(1, "414"), std::nullopt) << "KWD is none of the gateway's";
}

TEST(BorgunAmounts, HaveTheExponentsOfTheMpi) {
    const auto isk = *Currency::parse("ISK", "");
    EXPECT_EQ(borgun::first_exponent(isk), 0);
    EXPECT_EQ(borgun::other_exponent(isk, 0), 2);
    EXPECT_EQ(borgun::other_exponent(isk, 2), std::nullopt);
    EXPECT_EQ(borgun::other_exponent(*Currency::parse("JPY", ""), 0), std::nullopt);
    EXPECT_EQ(borgun::purchase_amount({4990, isk}, 0), 4990);
    EXPECT_EQ(borgun::purchase_amount({4990, isk}, 2), 499000);
    EXPECT_EQ(borgun::purchase_amount({1050, *Currency::parse("EUR", "")}, 2), 1050);
    EXPECT_EQ(borgun::purchase_amount({1230, *Currency::parse("BHD", "")}, 3), 1230);
}

// ---- order ids -----------------------------------------------------------------------------------------

TEST(BorgunOrderId, HasTheFormThatTheGatewayWants) {
    rc::check("12 characters, a digit among the last six, equal for equal calls", [] {
        TransactionId id;
        for (auto& byte : id.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
        const auto leg = *rc::gen::inRange<std::int64_t>(1, 100);
        const auto call = *rc::gen::inRange<std::int64_t>(1, 1000);
        const auto order = order_id(id, leg, call);
        RC_ASSERT(is_order_id(order));
        RC_ASSERT(order.substr(6).find_first_of("0123456789") != std::string::npos);
        RC_ASSERT(order == order_id(id, leg, call));
        RC_ASSERT(order != order_id(id, leg + 1, call));
        RC_ASSERT(order != order_id(id, leg, call + 1));
    });
}

TEST(BorgunOrderId, IsOneCallsAlone) {
    const Stage stage = borgun_stage();
    std::set<std::string> ids;
    for (std::int64_t leg = 1; leg <= 20; ++leg)
        for (std::int64_t call = 1; call <= 500; ++call)
            ids.insert(order_id(stage.transaction.id, leg, call));
    EXPECT_EQ(ids.size(), 10'000U);
}

TEST(BorgunOrderId, IsKnownAgainByItsLeg) {
    Stage stage = borgun_stage();
    stage.leg.calls = 3;
    const auto order = [&](std::int64_t leg, std::int64_t call) {
        return order_id(stage.transaction.id, leg, call);
    };
    EXPECT_TRUE(borgun::is_our_order(stage.scene(), order(2, 1)));
    EXPECT_TRUE(borgun::is_our_order(stage.scene(), order(2, 3)));
    EXPECT_FALSE(borgun::is_our_order(stage.scene(), order(2, 4))) << "nothing was sent with it";
    EXPECT_FALSE(borgun::is_our_order(stage.scene(), order(1, 1)));
    EXPECT_FALSE(borgun::is_our_order(stage.scene(), ""));
    stage.transaction.put_back = 1;
    EXPECT_TRUE(borgun::is_our_order(stage.scene(), order(2, 9))) << "sent since the copy was made";
    EXPECT_FALSE(borgun::is_our_order(stage.scene(), order(1, 1)));
}

// ---- tables --------------------------------------------------------------------------------------------

TEST(BorgunCodes, AreInTheTableOnce) {
    std::set<std::string_view> codes;
    for (const auto& row : borgun::action_rows()) {
        EXPECT_TRUE(codes.insert(row.code).second) << row.code;
        EXPECT_TRUE(borgun::is_action_code(row.code));
    }
    std::set<int> statuses;
    for (const auto& row : borgun::md_rows()) EXPECT_TRUE(statuses.insert(row.status).second) << row.status;
}

TEST(BorgunCodes, TellABuyerNothingOfThieves) {
    for (const auto& row : borgun::action_rows())
        for (const auto* word : {"stolen", "lost", "fraud", "forg", "police", "pick"}) {
            EXPECT_THAT(std::string(row.text), Not(HasSubstr(word))) << row.code;
            EXPECT_THAT(std::string(row.word), Not(HasSubstr(word))) << row.code;
        }
}

TEST(BorgunCodes, OfNoListAreAPlainDecline) {
    EXPECT_EQ(borgun::action_of("777"), nullptr);
    EXPECT_EQ(borgun::refusal_of_action("777").code, "declined");
    EXPECT_EQ(borgun::md_row(33).action, borgun::MdAction::stop);
    EXPECT_EQ(borgun::md_status(" 9 "), 9);
    EXPECT_EQ(borgun::md_status("09"), 9);
    for (const auto* text : {"", "x", "-1", "123", "1.0"}) EXPECT_EQ(borgun::md_status(text), std::nullopt);
}

// ---- requests ------------------------------------------------------------------------------------------

TEST(BorgunRequests, AreDressedWithTheKeyOfToday) {
    Stage stage = borgun_stage();
    const auto ask = as<core::Ask>(begin(stage, Verb::open));
    auto merchant = borgun_merchant();
    merchant.secrets.insert_or_assign("private_key", Secret<>{"100001_prSIMULATOR0000000000000000"});
    const auto dressed = borgun_flow().dress(ask.request, merchant);
    EXPECT_EQ(dressed.target, "http://127.0.0.1:8081/borgun/rpg/api/mpi/v2/enrollment");
    EXPECT_EQ(dressed.header("Authorization"), "Basic MTAwMDAxX3ByU0lNVUxBVE9SMDAwMDAwMDAwMDAwMDAwMDo=");
    EXPECT_EQ(dressed.header("Content-Type"), "application/json");
    merchant.base_url.clear();
    EXPECT_TRUE(borgun_flow()
                    .dress(ask.request, merchant)
                    .target.starts_with("https://ecommerce.borgun.is/rpg/api/"));
}

TEST(BorgunRequests, EnrollForTheAmountWithTheMpisExponent) {
    Stage stage = borgun_stage();
    auto ask = as<core::Ask>(begin(stage, Verb::open));
    EXPECT_EQ(ask.name, "enroll");
    EXPECT_EQ(ask.request.body,
              R"({"CardDetails":{"PaymentType":"TokenSingle","Token":"ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf"},)"
              R"("PurchAmount":4990,"Exponent":0,"Currency":"352","TermUrl":"https://shop.example/back/T1/",)"
              R"("MD":"T000-0000-8RGW-3619-2","Description":"T000-0000-8RGW-3619 ext_test1",)"
              R"("TDS2ThreeDSMethodNotificationURL":"https://pay.example/3ds-method"})");
    Stage euros = borgun_stage("EUR", 1050);
    euros.parcel.credential.value = "tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU";
    ask = as<core::Ask>(begin(euros, Verb::open));
    EXPECT_EQ(json_of(ask.request)["PurchAmount"], 1050);
    EXPECT_EQ(json_of(ask.request)["Exponent"], 2);
    EXPECT_EQ(json_of(ask.request)["CardDetails"]["PaymentType"], "TokenMulti");
}

TEST(BorgunRequests, PayWithWhatWasAuthenticated) {
    Stage stage = borgun_stage();
    stage.leg.calls = 4;
    borgun::Kept kept;
    kept.mpi_token = "mpi-4f1c7a90";
    stage.parcel.saved = borgun::write(kept);
    const auto ask = as<core::Ask>(begin(stage, Verb::authorise));
    const auto order = order_id(stage.transaction.id, 2, 5);
    EXPECT_EQ(ask.name, "pay");
    EXPECT_EQ(ask.repeat, core::Repeat::never);
    EXPECT_EQ(ask.reference, order) << "recorded before it is sent";
    EXPECT_EQ(ask.request.method + " " + ask.request.path, "POST /api/payment");
    EXPECT_EQ(
        ask.request.body,
        R"({"TransactionType":"PreAuthorization","Amount":499000,"Currency":"352",)"
        R"("TransactionDate":"2026-01-10T10:00:00Z","OrderId":")" +
            order +
            R"(","PaymentMethod":{"PaymentType":"TokenSingle","Token":"ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf"},)"
            R"("ThreeDSecure":{"DataType":"Token","MpiToken":"mpi-4f1c7a90"}})");
    EXPECT_TRUE(borgun::read_kept(ask.saved).payment_sent);
    const auto sale = as<core::Ask>(begin(stage, Verb::charge, borgun_sale_merchant()));
    EXPECT_EQ(json_of(sale.request)["TransactionType"], "Sale");
}

TEST(BorgunRequests, PayWithoutWhatWasNotAuthenticated) {
    Stage stage = borgun_stage("JPY", 500);
    const auto body = json_of(as<core::Ask>(begin(stage, Verb::authorise)).request);
    EXPECT_FALSE(body.contains("ThreeDSecure"));
    EXPECT_EQ(body["Amount"], 500);
}

TEST(BorgunRequests, MoveMoneyOnceAndByTheKnownPayment) {
    Stage stage = borgun_stage();
    stage.leg.references = {{"payment", "tr_1"}};
    stage.leg.money = core::LegMoney::taken;
    stage.leg.taken_minor = 4990;
    const auto ask = [&](Verb verb) { return as<core::Ask>(begin(stage, verb)); };
    EXPECT_EQ(ask(Verb::capture).request.method + ask(Verb::capture).request.path,
              "PUT/api/payment/tr_1/capture");
    EXPECT_EQ(ask(Verb::capture).repeat, core::Repeat::never);
    EXPECT_EQ(ask(Verb::void_hold).request.path, "/api/payment/tr_1/cancel");
    EXPECT_EQ(ask(Verb::refund).request.path, "/api/payment/tr_1/refund");
    EXPECT_EQ(ask(Verb::refund).request.body, "") << "the whole has no body";
    EXPECT_EQ(ask(Verb::refund).repeat, core::Repeat::never);
    stage.amount.minor = 1000;
    EXPECT_EQ(ask(Verb::refund).request.body, R"({"PartialAmount":100000})");
    stage.amount.minor = 3990;
    stage.leg.back_minor = 1000;
    EXPECT_EQ(ask(Verb::refund).request.body, R"({"PartialAmount":399000})") << "the rest is a part, too";
    EXPECT_EQ(ask(Verb::query).request.path, "/api/payment/tr_1");
    EXPECT_EQ(ask(Verb::query).repeat, core::Repeat::safe);
    stage.leg.references.clear();
    EXPECT_TRUE(is<core::Unknown>(begin(stage, Verb::capture)));
    EXPECT_TRUE(is<core::Unknown>(begin(stage, Verb::void_hold)));
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::refund)).why.code, "not_refundable");
}

// ---- credentials ---------------------------------------------------------------------------------------

Result<std::string> admit(std::string kind, std::string value, const Merchant& merchant = borgun_merchant()) {
    auto admitted = borgun_flow().admit({std::move(kind), std::move(value)}, merchant, the_time);
    if (!admitted) return admitted.error();
    EXPECT_FALSE(admitted->everywhere);
    return admitted->key;
}

std::string final_json(std::string_view name = "", std::string_view value = "") {
    const std::pair<std::string_view, std::string> members[] = {{"token", "\"" + the_token + "\""},
                                                                {"mpiToken", "\"mpi-7\""},
                                                                {"amount", "499000"},
                                                                {"currency", "\"352\""},
                                                                {"orderId", "\"T000-0000-8RGW-3619\""},
                                                                {"transactionType", "\"Sale\""}};
    std::string text = "{";
    for (const auto& [member, normal] : members) {
        const std::string said = member == name ? std::string(value) : normal;
        if (!said.empty()) text += (text.size() > 1 ? ",\"" : "\"") + std::string(member) + "\":" + said;
    }
    return text + "}";
}

TEST(BorgunCredentials, OfOneUseAreSpentOnce) {
    EXPECT_EQ(*admit("borgun_token", the_token), the_token);
    EXPECT_EQ(*admit("borgun_token", "{\"token\":\"" + the_token + "\"}"), the_token);
    EXPECT_EQ(*admit("borgun_token", "tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU"), "");
    EXPECT_EQ(*admit("borgun_final", final_json()), "mpi-7");
}

TEST(BorgunCredentials, OfAnotherFormAreRefusedByName) {
    for (const std::string text : {"", "ts_", "ts_1234567", "xx_12345678", "ts_1234 678", "4242424242424242",
                                   "{\"token\":\"ts_1\"}", "{\"token\":\"ts_12345678\",\"pan\":\"1\"}"}) {
        const auto refused = admit("borgun_token", text);
        ASSERT_FALSE(refused.has_value()) << text;
        EXPECT_EQ(refused.error().field, "borgunToken");
        if (text.size() > 4) {
            EXPECT_THAT(refused.error().message, Not(HasSubstr(text)));
        }
    }
    EXPECT_TRUE(admit("borgun_token", "ts_" + std::string(64, 'a')));
    EXPECT_FALSE(admit("borgun_token", "ts_" + std::string(65, 'a')));
    EXPECT_FALSE(admit("stripe_token", "tok_1"));
}

TEST(BorgunCredentials, ThatTheMerchantDoesNotTakeAreRefused) {
    auto merchant = borgun_merchant();
    merchant.settings["accepts"] = "card";
    EXPECT_FALSE(admit("borgun_token", the_token, merchant)) << "only our own exchange makes one";
    EXPECT_FALSE(admit("borgun_final", final_json(), merchant));
    merchant.settings["accepts"] = "token";
    EXPECT_FALSE(admit("card", "{}", merchant));
}

TEST(BorgunCredentials, ThatFinishNameWhatIsWrong) {
    const auto field = [](std::string_view name, std::string_view value) {
        const auto read = admit("borgun_final", final_json(name, value));
        return read ? std::string("accepted") : read.error().field;
    };
    EXPECT_EQ(field("token", "\"4111111111111111\""), "borgun_final.token");
    EXPECT_EQ(field("mpiToken", "\"\""), "borgun_final.mpiToken");
    EXPECT_EQ(field("mpiToken", ""), "borgun_final.mpiToken") << "it is missing";
    EXPECT_EQ(field("mpiToken", "\"a b\""), "borgun_final.mpiToken");
    EXPECT_EQ(field("amount", "\"499000\""), "borgun_final.amount");
    EXPECT_EQ(field("amount", "4990.5"), "borgun_final.amount");
    EXPECT_EQ(field("amount", "0"), "borgun_final.amount");
    EXPECT_EQ(field("currency", "\"ISK\""), "borgun_final.currency");
    EXPECT_EQ(field("currency", "352"), "borgun_final.currency");
    EXPECT_EQ(field("transactionType", "\"Refund\""), "borgun_final.transactionType");
    EXPECT_EQ(field("transactionType", "\"PreAuthorization\""), "accepted");
    EXPECT_EQ(admit("borgun_final", "{\"pan\":\"1\"}").error().field, "borgun_final");
}

TEST(BorgunFinal, IsComparedBeforeAnythingIsSent) {
    const auto opened = [](std::string_view name, std::string_view value) {
        Stage stage = borgun_stage();
        stage.parcel.credential = {"borgun_final", final_json(name, value)};
        return begin(stage, Verb::open);
    };
    const auto code = [&](std::string_view name, std::string_view value) {
        return as<core::Declined>(opened(name, value)).why.code;
    };
    EXPECT_EQ(code("amount", "499100"), "authentication_mismatch");
    EXPECT_EQ(code("amount", "4990"), "authentication_mismatch") << "two extra digits";
    EXPECT_EQ(code("currency", "\"978\""), "authentication_mismatch");
    EXPECT_EQ(code("orderId", "\"T000-0000-8RGW-3618\""), "authentication_mismatch");
    EXPECT_EQ(code("orderId", "\"\""), "authentication_mismatch");
    const auto done = as<core::Done>(opened("", ""));
    EXPECT_EQ(borgun::read_kept(done.saved).mpi_token, "mpi-7");

    Stage stage = borgun_stage();
    stage.parcel.credential = {"borgun_final", final_json()};
    stage.parcel.saved = done.saved;
    const auto body = json_of(as<core::Ask>(begin(stage, Verb::authorise)).request);
    EXPECT_EQ(body["ThreeDSecure"]["MpiToken"], "mpi-7");
    EXPECT_EQ(body["PaymentMethod"]["Token"], the_token);
    EXPECT_EQ(body["TransactionType"], "PreAuthorization") << "the client's Sale is the end, not the way";
    EXPECT_NE(body["OrderId"], "T000-0000-8RGW-3619");
}

// ---- notices -------------------------------------------------------------------------------------------

NoticeRead notice(std::string_view type, std::string_view data) {
    HttpRequest request{"POST",
                        "/webhooks/borgun/x",
                        {},
                        R"({"EventId":"ev_1","EventType":)" + std::string(type) +
                            R"(,"Created":"2026-11-23T10:04:12Z","Data":)" + std::string(data) + "}",
                        ""};
    return *borgun_flow().read(request, borgun_merchant(), the_time);
}

TEST(BorgunNotices, AreHints) {
    Stage stage = borgun_stage();
    stage.leg.calls = 1;
    const auto order = order_id(stage.transaction.id, 2, 1);
    const auto created = notice("\"PaymentCreate\"", payment_json(stage));
    EXPECT_EQ(created.reference, order);
    EXPECT_EQ(created.notice.event_id, "ev_1");
    EXPECT_EQ(created.notice.trust, core::Trust::hint);
    EXPECT_EQ(created.notice.fact, core::LegMoney::held);
    EXPECT_TRUE(created.notice.references.empty()) << "anybody could say so";
    const auto captured = notice("2", R"({"TransactionId":"tr_1","ActionCode":"000"})");
    EXPECT_EQ(captured.reference, "tr_1");
    EXPECT_EQ(captured.notice.fact, core::LegMoney::taken);
    EXPECT_EQ(notice("\"PaymentRefund\"", R"({"TransactionId":"tr_1","ActionCode":"000"})").notice.fact,
              core::LegMoney::back);
    EXPECT_EQ(notice("\"PaymentCreate\"", R"({"TransactionId":"tr_1","ActionCode":"116"})").notice.fact,
              core::LegMoney::none);
    EXPECT_EQ(notice("\"SomethingNew\"", R"({"TransactionId":"tr_1"})").reference, "");
}

TEST(BorgunNotices, ThatAreMalformedAreRefusedByName) {
    const auto field = [](std::string body) {
        return borgun_flow()
            .read({"POST", "/", {}, std::move(body), ""}, borgun_merchant(), the_time)
            .error()
            .field;
    };
    EXPECT_EQ(field("x"), "body");
    EXPECT_EQ(field("[]"), "body");
    EXPECT_EQ(field("{}"), "EventId");
    EXPECT_EQ(field(R"({"EventId":"4111111111111111"})"), "EventId");
    EXPECT_EQ(field(R"({"EventId":"ev_1","EventType":"a b"})"), "EventType");
    EXPECT_EQ(field(R"({"EventId":"ev_1","EventType":1,"Data":[]})"), "Data");
}

// ---- scrub ---------------------------------------------------------------------------------------------

TEST(BorgunReturns, LeaveNoMessageOfTheBankInTheJournal) {
    const auto kept = borgun_flow().evidence({{"PaRes", "eJxVUl1v"},
                                              {"cres", "eyJ0aHJl"},
                                              {"MD", "T000-0000-8RGW-3619-2"},
                                              {"MD", "118842"},
                                              {"threeDSSessionData", "b3JkZXI"},
                                              {"borgunToken", the_token},
                                              {"cancelled", "yes"}});
    for (const std::size_t i : {0U, 1U, 3U, 4U, 5U}) {
        EXPECT_EQ(kept[i].keep, core::Keep::drop) << kept[i].name;
        EXPECT_EQ(kept[i].value, "");
        EXPECT_GT(kept[i].length, 0);
    }
    EXPECT_EQ(kept[2].value, "T000-0000-8RGW-3619-2");
    EXPECT_EQ(kept[6].value, "yes");
    EXPECT_FALSE(borgun::is_md("T411-1111-1111-1111-1")) << "it could be a card's number";
    EXPECT_FALSE(borgun::is_md("T000-0000-8RGW-3619-"));
    EXPECT_FALSE(borgun::is_md("T000-0000-8RGW-3619-2x"));
}

// ---- the page ------------------------------------------------------------------------------------------

TEST(BorgunPage, SendsTheCardStraightToTheGateway) {
    Stage stage = borgun_stage();
    stage.leg.credential.clear();
    stage.parcel.credential = {};
    const auto waiting = as<core::Waiting>(begin(stage, Verb::open));
    EXPECT_TRUE(waiting.callout.hosted);
    EXPECT_THAT(waiting.callout.integration_json, HasSubstr("100001_puTHE0PUBLIC0KEY"));
    const auto page = *borgun_flow().page(waiting.callout, stage.amount, borgun_merchant(), {});
    EXPECT_THAT(page.body_html, HasSubstr("data-key=\"100001_puTHE0PUBLIC0KEY\""));
    EXPECT_THAT(page.body_html, Not(HasSubstr("100001_pr")));
    EXPECT_THAT(page.body_html, HasSubstr("http://127.0.0.1:8081/borgun/rpg/api/token/single"));
    EXPECT_THAT(page.connect_sources, ElementsAre("http://127.0.0.1:8081"));
    EXPECT_TRUE(page.script_url.empty() && page.script_sources.empty() && page.frame_sources.empty());
    // A field without a name is never sent with the form.
    for (const auto* id : {"number", "expiry", "cvc"})
        EXPECT_THAT(page.body_html, HasSubstr("<input id=\"" + std::string(id) + "\" inputmode")) << id;
    EXPECT_FALSE(borgun_flow().page({}, stage.amount, borgun_merchant(), {}).has_value());

    stage.parcel.saved = waiting.saved;
    const auto back = [&](Fields fields) { return hear(stage, core::Returned{std::move(fields)}); };
    const auto done = as<core::Done>(back({{"borgunToken", the_token}}));
    EXPECT_TRUE(done.again) << "it is still to be enrolled";
    EXPECT_EQ(done.credential, (core::Credential{"borgun_token", the_token}));
    const auto two = as<core::Done>(back({{"borgunToken", the_token}, {"borgunToken", "ts_other678"}}));
    EXPECT_FALSE(admit("borgun_token", two.credential.value)) << "which?";
    for (const Fields& given_up : {Fields{}, Fields{{"cancelled", "yes"}, {"borgunToken", ""}},
                                   Fields{{"is_tsw_callout_timeout_callback", "1"}}})
        EXPECT_EQ(as<core::Declined>(back(given_up)).why.code, "cancelled");
}

}  // namespace
}  // namespace kassi::providers
