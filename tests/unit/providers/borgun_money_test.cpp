#include <gmock/gmock.h>

#include "borgun_scenes.hpp"
#include "providers/borgun/codes.hpp"

/// What the gateway's answers about money mean.
namespace kassi::providers {
namespace {

using namespace test;
using borgun::Class;
using core::LegMoney;
using core::Verb;

Stage paying(std::string_view currency = "ISK", std::int64_t minor = 4990,
             const Merchant& merchant = borgun_merchant()) {
    Stage stage = borgun_stage(currency, minor);
    const bool sale = merchant.settings.contains("sale_only");
    send(stage, as<core::Ask>(begin(stage, sale ? Verb::charge : Verb::authorise, merchant)));
    return stage;
}

/// A payment that is held or taken, with one of its verbs begun.
Stage known(Verb verb, LegMoney money = LegMoney::held, std::int64_t refund = 4990) {
    Stage stage = borgun_stage();
    stage.leg.calls = 1;
    stage.leg.references = {{"payment", "tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE"}};
    stage.leg.money = money;
    stage.leg.taken_minor = 4990;
    stage.parcel = {};
    if (verb == Verb::refund) {
        stage.amount.minor = refund;
        stage.leg.refunds = {{.no = 3, .amount = stage.amount, .items = {}, .by = {}, .because = {}}};
    }
    send(stage, as<core::Ask>(begin(stage, verb)));
    return stage;
}

std::string acted_json(std::string_view code, std::string_view more = "") {
    return R"({"TransactionId":"tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE","ActionCode":")" + std::string(code) +
           "\"" + std::string(more) + "}";
}

std::string first_payment(const Stage& stage, PaymentText text) {
    text.order = order_id(stage.transaction.id, stage.leg.no, 1);
    return payment_json(stage, text);
}

// ---- paying --------------------------------------------------------------------------------------------

TEST(BorgunPayment, ThatIsApprovedIsHeld) {
    Stage stage = paying();
    const auto done = as<core::Done>(hear(stage, 201, payment_json(stage)));
    EXPECT_EQ(done.money, LegMoney::held);
    EXPECT_EQ(done.amount, stage.amount);
    EXPECT_EQ(done.references, (Fields{{"payment", "tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE"}}));
    Stage number = paying("BHD", 1230);
    EXPECT_EQ(
        as<core::Done>(hear(number, 201, payment_json(number, {.amount = "123", .currency = "48"}))).amount,
        number.amount)
        << "some write the currency as a number";
    const auto merchant = borgun_sale_merchant();
    Stage sale = paying("ISK", 4990, merchant);
    EXPECT_EQ(
        as<core::Done>(hear(sale, 201, payment_json(sale, {.status = "Accepted", .type = "Sale"}), merchant))
            .money,
        LegMoney::taken);
}

TEST(BorgunPayment, ThatDoesNotFitIsReadBack) {
    Stage stage = paying();
    const PaymentText texts[] = {{.amount = "499100"},    {.amount = "4990"},
                                 {.amount = "499050"},    {.amount = "null"},
                                 {.currency = "\"978\""}, {.currency = "\"ISK\""},
                                 {.status = "Accepted"},  {.status = "Error"},
                                 {.status = "Captured"},  {.status = "Error", .code = "777"}};
    for (const auto& text : texts) {
        SCOPED_TRACE(payment_json(stage, text));
        const auto ask = as<core::Ask>(hear(stage, 201, payment_json(stage, text)));
        EXPECT_EQ(ask.as, Verb::query);
        EXPECT_EQ(ask.request.path, "/api/payment/tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE");
        EXPECT_EQ(ask.references, (Fields{{"payment", "tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE"}}));
    }
    EXPECT_TRUE(is<core::Ask>(hear(stage, 500, payment_json(stage)))) << "a body does not undo its status";
    EXPECT_TRUE(is<core::Ask>(hear(stage, 402, payment_json(stage))));
}

TEST(BorgunPayment, OfAnotherOrderIsNotOurs) {
    Stage stage = paying();
    const auto other = as<core::Unknown>(hear(stage, 201, payment_json(stage, {.order = "TM0000012345"})));
    EXPECT_TRUE(other.look);
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 201, payment_json(stage, {.id = "pi_1"}))));
}

class BorgunActionCode : public testing::TestWithParam<borgun::ActionRow> {};

TEST_P(BorgunActionCode, DecidesWhatBecomesOfThePayment) {
    const auto& row = GetParam();
    for (const auto* status : {"Declined", "Error"}) {
        for (const int http : {201, 200, 402, 400}) {
            SCOPED_TRACE(std::string(status) + " " + std::to_string(http));
            Stage stage = paying();
            const auto step =
                hear(stage, http, payment_json(stage, {.status = status, .code = std::string(row.code)}));
            if (row.kind == Class::ok || row.kind == Class::unknown) {
                const auto& ask = as<core::Ask>(step);
                EXPECT_EQ(ask.as, Verb::query) << "nobody knows yet";
                send(stage, ask);
                const auto looked = hear(
                    stage, 200, first_payment(stage, {.status = "Error", .code = std::string(row.code)}));
                EXPECT_TRUE(is<core::Working>(looked)) << "still not";
                continue;
            }
            const auto& declined = as<core::Declined>(step);
            EXPECT_EQ(declined.why.code, row.word);
            EXPECT_EQ(declined.why.failed_3d_secure, row.code == "130");
            EXPECT_FALSE(declined.why.text.empty());
            EXPECT_EQ(declined.references.size(), 1U) << "what may come later finds its way";
        }
    }
}
INSTANTIATE_TEST_SUITE_P(EveryRow, BorgunActionCode,
                         testing::ValuesIn(borgun::action_rows().begin(), borgun::action_rows().end()),
                         [](const auto& each) { return "Code" + std::string(each.param.code); });

TEST(BorgunPayment, OfACodeOnNoListIsDeclined) {
    Stage stage = paying();
    EXPECT_EQ(as<core::Declined>(hear(stage, 201, payment_json(stage, {.status = "Declined", .code = "777"})))
                  .why.code,
              "declined");
}

TEST(BorgunPayment, ThatWasNotMadeSaysWhichFieldWasWrong) {
    Stage stage = paying();
    const auto why = [&](std::string_view message) {
        return as<core::Declined>(hear(stage, 400, "{\"Message\":\"" + std::string(message) + "\"}")).why;
    };
    stage.parcel.credential.value = "tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU";
    EXPECT_EQ(why("Token: Token has expired").code, "token_refused");
    EXPECT_TRUE(why("ThreeDSecure.MpiToken: MpiToken belongs to another amount").failed_3d_secure);
    EXPECT_EQ(why("Amount: Invalid format").code, "rejected");
    EXPECT_TRUE(is<core::NotDone>(hear(stage, 401, "{}")));
    EXPECT_TRUE(is<core::NotDone>(hear(stage, 404, "{}")));
}

/// The network may double a request: the second one is refused, and it may be its answer that we hear.
TEST(BorgunPayment, ThatWasRefusedIsLookedAtByItsSingleUseToken) {
    for (const auto& [message, code] : {std::pair("Token: Token has already been used", "token_refused"),
                                        {"ThreeDSecure.MpiToken: used", "auth_failure"},
                                        {"Amount: Invalid format", "rejected"}}) {
        Stage stage = paying();
        const auto look = as<core::Ask>(hear(stage, 400, "{\"Message\":\"" + std::string(message) + "\"}"));
        EXPECT_EQ(look.request.method + look.request.path, "GET/api/token/single/" + the_token);
        EXPECT_EQ(look.as, Verb::query);
        send(stage, look);
        const std::string token = "{\"Token\":\"" + the_token + "\"";
        EXPECT_EQ(as<core::Done>(hear(stage, 200, token + R"(,"Used":false})")).why->code, code);
        EXPECT_EQ(as<core::Done>(hear(stage, 404, "{}")).why->code, code) << "nobody could pay with it";
        EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, token + R"(,"Used":true})"))) << "by what?";
        send(stage, as<core::Ask>(hear(stage, 200, token + R"(,"TransactionId":"tr_1"})")));
        EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.id = "tr_1"}))).money,
                  LegMoney::held);
    }
}

TEST(BorgunPayment, ThatWasNotAnsweredIsUnknown) {
    Stage stage = paying();
    for (const int status : {200, 201, 204, 302, 408, 409, 429, 500, 502, 503, 504})
        EXPECT_TRUE(as<core::Unknown>(hear(stage, status, "{}")).look) << status;
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 400, "Bad Request"))) << "some proxy's";
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Silence{true, "timed out"})));
    EXPECT_TRUE(is<core::NotDone>(hear(stage, core::Silence{false, "no route"})));
}

// ---- capture -------------------------------------------------------------------------------------------

TEST(BorgunCapture, IsReadBackAndCompared) {
    Stage stage = known(Verb::capture);
    const auto ask = as<core::Ask>(hear(stage, 200, acted_json("000")));
    EXPECT_EQ(ask.request.method + ask.request.path, "GET/api/payment/tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE");
    EXPECT_FALSE(ask.as.has_value());
    send(stage, ask);
    const auto done =
        as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Captured", .type = "Sale"})));
    EXPECT_EQ(done.money, LegMoney::taken);
    EXPECT_EQ(done.amount, stage.leg.amount);
    EXPECT_TRUE(is<core::Unknown>(
        hear(stage, 200, first_payment(stage, {.status = "Captured", .amount = "499100"}))));
    EXPECT_TRUE(is<core::Unknown>(
        hear(stage, 200, payment_json(stage, {.status = "Captured", .order = "TM0000012345"}))));
    EXPECT_TRUE(
        is<core::Unknown>(hear(stage, 200, first_payment(stage, {.status = "Captured", .id = "tr_2"}))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {}))))
        << "captured, it says, and is not: looked at again";
    EXPECT_EQ(as<core::Declined>(hear(stage, 200, first_payment(stage, {.status = "Cancelled"}))).why.code,
              "hold_gone");
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 503, "{}")));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Silence{false, "no route"})))
        << "the capture went through, whether it could be read back or not";
}

TEST(BorgunCapture, OfAnotherPaymentIsNotBelieved) {
    Stage stage = known(Verb::capture);
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, R"({"TransactionId":"tr_2","ActionCode":"000"})")));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, "{}")));
    EXPECT_TRUE(is<core::NotDone>(hear(stage, 401, "{}")));
}

TEST(BorgunCapture, OfAGatewayInTroubleIsReadBackAndTriedLater) {
    for (const auto verb : {Verb::capture, Verb::void_hold}) {
        for (const int status : {408, 429, 500, 503}) {
            Stage stage = known(verb);
            const auto ask = as<core::Ask>(hear(stage, status, acted_json("000")));
            EXPECT_EQ(ask.name, "read_back");
            send(stage, ask);
            EXPECT_TRUE(is<core::NotDone>(hear(stage, 200, first_payment(stage, {}))));
            EXPECT_TRUE(is<core::Done>(
                hear(stage, 200,
                     first_payment(stage, {.status = verb == Verb::capture ? "Captured" : "Cancelled"}))));
        }
    }
    Stage refund = known(Verb::refund, LegMoney::taken);
    send(refund, as<core::Ask>(hear(refund, 503, "")));
    EXPECT_TRUE(is<core::NotDone>(hear(refund, 200, first_payment(refund, {.status = "Captured"}))))
        << "a second one of the whole would be refused";
}

TEST(BorgunCapture, ThatIsRefusedLetsTheHoldGo) {
    for (const auto& [status, body] : {std::pair(200, acted_json("116")),
                                       std::pair(400, std::string(R"({"Message":"can not be captured"})"))}) {
        Stage stage = known(Verb::capture);
        send(stage, as<core::Ask>(hear(stage, status, body)));
        const auto cancel = as<core::Ask>(hear(stage, 200, first_payment(stage, {})));
        EXPECT_EQ(cancel.request.path, "/api/payment/tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE/cancel");
        EXPECT_FALSE(cancel.as.has_value()) << "the capture's own end";
        send(stage, cancel);
        send(stage, as<core::Ask>(hear(stage, 200, acted_json("000"))));
        EXPECT_EQ(
            as<core::Declined>(hear(stage, 200, first_payment(stage, {.status = "Cancelled"}))).why.code,
            status == 200 ? "insufficient_funds" : "hold_gone");
        EXPECT_TRUE(is<core::NotDone>(hear(stage, 200, first_payment(stage, {})))) << "neither nor";
        EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Captured"}))).money,
                  LegMoney::taken);
    }
}

TEST(BorgunCapture, WaitsWhereTheBankIsAway) {
    Stage stage = known(Verb::capture);
    send(stage, as<core::Ask>(hear(stage, 200, acted_json("911"))));
    EXPECT_TRUE(is<core::NotDone>(hear(stage, 200, first_payment(stage, {}))));
    Stage lost = known(Verb::capture);
    send(lost, as<core::Ask>(hear(lost, 200, acted_json("953"))));
    EXPECT_TRUE(is<core::NotDone>(hear(lost, 200, first_payment(lost, {})))) << "not once a second";
}

/// A host that never answers: core counts nothing where each try has two calls.
TEST(BorgunCapture, IsTriedMoreAndMoreSlowly) {
    for (const auto& [verb, status, money] : {std::tuple(Verb::capture, "Uncaptured", LegMoney::held),
                                              {Verb::void_hold, "Uncaptured", LegMoney::held},
                                              {Verb::refund, "Captured", LegMoney::taken}}) {
        Millis before{0};
        for (const std::int64_t calls : {3, 30, 100, 199}) {
            Stage stage = known(verb, money);
            send(stage, as<core::Ask>(hear(stage, 200, acted_json("953"))));
            const auto text = first_payment(stage, {.status = status});
            stage.leg.calls = calls;
            const auto pause = as<core::NotDone>(hear(stage, 200, text)).after;
            EXPECT_GT(pause, before);
            EXPECT_LE(pause, std::chrono::hours(1));
            before = pause;
        }
        EXPECT_GT(before, std::chrono::minutes(59));
    }
    Stage refund = known(Verb::refund, LegMoney::taken);
    send(refund, as<core::Ask>(hear(refund, 200, acted_json("953"))));
    const auto text = first_payment(refund, {.status = "Captured"});
    refund.leg.calls = 200;
    EXPECT_EQ(as<core::Declined>(hear(refund, 200, text)).why.code, "refund_refused")
        << "days later, a person";
}

// ---- cancel --------------------------------------------------------------------------------------------

TEST(BorgunVoid, IsReadBack) {
    Stage stage = known(Verb::void_hold);
    send(stage, as<core::Ask>(hear(stage, 200, acted_json("000"))));
    EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Cancelled"}))).money,
              LegMoney::none);
    EXPECT_EQ(as<core::Declined>(hear(stage, 200, first_payment(stage, {.status = "Captured"}))).why.code,
              "already_paid");
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {}))));
    Stage refused = known(Verb::void_hold);
    send(refused, as<core::Ask>(hear(refused, 400, R"({"Message":"can not be cancelled"})")));
    const auto declined = as<core::Declined>(hear(refused, 200, first_payment(refused, {})));
    EXPECT_EQ(declined.why.code, "not_cancelled");
    EXPECT_EQ(declined.references, (Fields{{"not_cancelled", "tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE"}}));
}

TEST(BorgunVoid, ThatWasRefusedAndHeldAllTheSameIsForAPerson) {
    Stage stage = known(Verb::void_hold);
    EXPECT_TRUE(is<core::Ask>(begin(stage, Verb::void_hold)));
    stage.leg.references.emplace_back("not_cancelled", "tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE");
    stage.leg.not_done = 1;
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::void_hold)).why.code, "not_cancelled");
    stage.leg.not_done = 0;
    EXPECT_TRUE(is<core::Ask>(begin(stage, Verb::void_hold))) << "a person has looked at it";
}

// ---- refund --------------------------------------------------------------------------------------------

constexpr std::string_view refund_id = R"(,"RefundTransactionId":"tr_9sLq")";

TEST(BorgunRefund, OfTheWholeIsReadBack) {
    Stage stage = known(Verb::refund, LegMoney::taken);
    send(stage, as<core::Ask>(hear(stage, 200, acted_json("000", refund_id))));
    const auto done = as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Refunded"})));
    EXPECT_EQ(done.money, LegMoney::back);
    EXPECT_EQ(done.amount, stage.amount);
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {.status = "Captured"}))));
}

TEST(BorgunRefund, ThatIsRefusedAsDoneBeforeIsReadBack) {
    Stage stage = known(Verb::refund, LegMoney::taken);
    send(stage, as<core::Ask>(hear(stage, 400, R"({"Message":"can not be refunded"})")));
    EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Refunded"}))).money,
              LegMoney::back);
    EXPECT_EQ(as<core::Declined>(hear(stage, 200, first_payment(stage, {.status = "Captured"}))).why.code,
              "refund_refused");
}

TEST(BorgunRefund, OfAPartIsReadBackByItsOwnId) {
    Stage stage = known(Verb::refund, LegMoney::taken, 1000);
    const auto ask = as<core::Ask>(hear(stage, 200, acted_json("000", refund_id)));
    EXPECT_EQ(ask.request.path, "/api/payment/tr_9sLq");
    send(stage, ask);
    const PaymentText right{.status = "Accepted", .amount = "100000", .id = "tr_9sLq", .type = "Refund"};
    const auto done = as<core::Done>(hear(stage, 200, first_payment(stage, right)));
    EXPECT_EQ(done.amount, stage.amount);
    EXPECT_EQ(done.references, (Fields{{"refund", "tr_9sLq"}}));
    auto wrong = right;
    wrong.amount = "100100";
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, wrong))));
    wrong = right;
    wrong.id = "tr_other";
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, wrong))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 404, "{}")));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Silence{false, "no route"})))
        << "it was made: never begun again";
}

TEST(BorgunRefund, OfAPartThatWasNotAnsweredIsNeverBegunAgain) {
    Stage stage = known(Verb::refund, LegMoney::taken, 1000);
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Silence{true, "timed out"})));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 503, "{}")));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, acted_json("000")))) << "without an id";
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, acted_json("953"))));
    EXPECT_EQ(as<core::Declined>(hear(stage, 400, "{}")).why.code, "refund_refused");
    EXPECT_EQ(as<core::Declined>(hear(stage, 200, acted_json("100"))).why.code, "refund_refused");
    EXPECT_TRUE(is<core::NotDone>(hear(stage, 200, acted_json("911"))));
    stage.leg.not_done = 30;
    EXPECT_EQ(as<core::Declined>(hear(stage, 200, acted_json("911"))).why.code, "refund_refused")
        << "days later, a person";
}

}  // namespace
}  // namespace kassi::providers
