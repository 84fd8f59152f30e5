#include <gmock/gmock.h>

#include "borgun_scenes.hpp"

/// What became of a payment that nobody answered for, and closing.
namespace kassi::providers {
namespace {

using namespace test;
using core::LegMoney;
using core::Verb;

/// A payment was sent, and no answer came.
Stage in_doubt() {
    Stage stage = borgun_stage();
    stage.leg.ready = true;
    send(stage, as<core::Ask>(begin(stage, Verb::authorise)));
    return stage;
}

const core::Ask& look(Stage& stage, core::Verb verb = Verb::query) {
    static core::Ask ask;
    ask = as<core::Ask>(begin(stage, verb));
    return send(stage, ask);
}

/// Hears it, and sends what is asked next.
core::Ask then(Stage& stage, int status, std::string body) {
    return send(stage, as<core::Ask>(hear(stage, status, std::move(body))));
}

std::string first_payment(const Stage& stage, PaymentText text = {}) {
    if (text.order.empty()) text.order = order_id(stage.transaction.id, stage.leg.no, 1);
    return payment_json(stage, text);
}

std::string token_json(std::string_view more) {
    return "{\"Token\":\"" + the_token + "\",\"Enabled\":true" + std::string(more) + "}";
}

std::string event_json(std::string_view id, std::string_view data) {
    return R"({"EventId":")" + std::string(id) + R"(","EventType":"PaymentCreate","Data":)" +
           std::string(data) + "}";
}

// ---- by the payment's id -------------------------------------------------------------------------------

Stage by_id(LegMoney money = LegMoney::none) {
    Stage stage = in_doubt();
    stage.leg.references = {{"payment", "tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE"}};
    stage.leg.money = money;
    if (money != LegMoney::none) stage.leg.taken_minor = 4990;
    look(stage);
    return stage;
}

TEST(BorgunLook, SaysWhatThePaymentIs) {
    const auto found = [](std::string status, std::string code = "000") {
        Stage stage = by_id();
        return as<core::Done>(hear(stage, 200, first_payment(stage, {.status = status, .code = code})));
    };
    EXPECT_EQ(found("Uncaptured").money, LegMoney::held);
    EXPECT_EQ(found("Accepted").money, LegMoney::taken);
    EXPECT_EQ(found("Captured").money, LegMoney::taken);
    EXPECT_EQ(found("Refunded").money, LegMoney::back);
    EXPECT_EQ(found("Refunded").given_back, (Money{4990, *Currency::parse("ISK", "")}));
    EXPECT_EQ(found("Cancelled").money, LegMoney::none);
    EXPECT_EQ(found("Declined", "116").why->code, "insufficient_funds");
    EXPECT_EQ(found("Error", "904").why->code, "format_error");
    Stage stage = by_id();
    for (const auto* code : {"913", "953", "997", "998", "999", "000", "777"})
        EXPECT_TRUE(
            is<core::Working>(hear(stage, 200, first_payment(stage, {.status = "Error", .code = code}))))
            << code;
}

/// Its order may be of a call that came after the copy; that it was found once does not change that.
TEST(BorgunLook, APaymentFromAfterTheCopyIsOursWheneverItIsLookedAt) {
    for (const bool put_back : {false, true}) {
        Stage stage = by_id(LegMoney::held);
        stage.transaction.put_back = put_back ? 1 : 0;
        stage.leg.restored = false;
        const auto sixth = order_id(stage.transaction.id, stage.leg.no, 6);
        ASSERT_LT(stage.leg.calls, 6);
        const auto heard = hear(stage, 200, first_payment(stage, {.order = sixth}));
        EXPECT_EQ(is<core::Done>(heard), put_back);
        EXPECT_EQ(is<core::Unknown>(heard), !put_back);
    }
}

TEST(BorgunLook, HandsAnotherAmountToCoreWhichCompares) {
    Stage stage = by_id();
    EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.amount = "499100"}))).amount->minor,
              4991);
}

TEST(BorgunLook, BelievesNothingThatItDoesNotUnderstand) {
    Stage stage = by_id();
    for (const int status : {400, 401, 404, 429, 500, 503})
        EXPECT_TRUE(is<core::Unknown>(hear(stage, status, first_payment(stage)))) << status;
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {.order = "TM0000012345"}))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {.id = "tr_2"}))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {.status = "Paid"}))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {.amount = "499050"}))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Silence{true, "timed out"})));
}

// ---- by the token --------------------------------------------------------------------------------------

TEST(BorgunLook, FindsAPaymentByItsToken) {
    Stage stage = in_doubt();
    EXPECT_EQ(look(stage).request.path, "/api/token/single/" + the_token);
    const auto ask =
        then(stage, 200, token_json(R"(,"Used":true,"TransactionId":"tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE")"));
    EXPECT_EQ(ask.request.path, "/api/payment/tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE");
    const auto done = as<core::Done>(hear(stage, 200, first_payment(stage)));
    EXPECT_EQ(done.money, LegMoney::held);
    EXPECT_EQ(done.references.size(), 1U) << "known from now on";
}

TEST(BorgunLook, FindsThatATokenWasNotUsed) {
    Stage stage = in_doubt();
    look(stage);
    EXPECT_EQ(as<core::Done>(hear(stage, 200, token_json(R"(,"Used":false)"))).money, LegMoney::none);
    EXPECT_EQ(as<core::Done>(hear(stage, 200, token_json(""))).money, LegMoney::none);
    for (const auto* used : {R"(,"Used":true)", R"(,"UsedTime":"2026-01-10T10:00:01Z")", R"(,"Used":"x")"})
        EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, token_json(used)))) << used;
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 404, "{}"))) << "it was there when it was enrolled";
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 503, "{}")));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, R"({"Token":"ts_another0","Used":false})")));
}

TEST(BorgunLook, FindsThatATokenPaidForSomethingElse) {
    Stage stage = in_doubt();
    look(stage);
    then(stage, 200, token_json(R"(,"Used":true,"TransactionId":"tr_2")"));
    const auto done =
        as<core::Done>(hear(stage, 200, first_payment(stage, {.order = "TM0000012345", .id = "tr_2"})));
    EXPECT_EQ(done.money, LegMoney::none) << "a token is good for one payment";
    EXPECT_EQ(done.why->code, "token_refused");
}

TEST(BorgunLook, APaymentThatIsNamedWasSentWhateverOurRecordSays) {
    Stage stage = borgun_stage();
    stage.leg.ready = true;
    ASSERT_TRUE(is<core::Done>(begin(stage, Verb::query))) << "nothing was sent, it says";
    look(stage, Verb::close);
    then(stage, 400, "{}");
    then(stage, 200, token_json(R"(,"Used":true,"TransactionId":"tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE")"));
    ASSERT_TRUE(
        is<core::Working>(hear(stage, 200, first_payment(stage, {.status = "Error", .code = "953"}))));
    EXPECT_EQ(look(stage).request.path, "/api/token/single/" + the_token);
}

/// As by somebody else before us: our record comes before every request, so that it has not been us. A copy
/// cannot say so.
TEST(BorgunLook, ATokenThatWasUsedForNobodyKnowsWhatIsOursOnlyWhereItWasSent) {
    for (const bool restored : {false, true}) {
        Stage stage = borgun_stage();
        stage.leg.ready = true;
        stage.leg.restored = restored;
        look(stage, Verb::close);
        then(stage, 400, "{}");
        const auto heard = hear(stage, 200, token_json(R"(,"Used":true)"));
        EXPECT_EQ(is<core::Unknown>(heard), restored);
        EXPECT_EQ(is<core::Done>(heard), !restored);
    }
}

// ---- by events -----------------------------------------------------------------------------------------

Stage with_events() {
    Stage stage = in_doubt();
    stage.parcel.credential = {"borgun_token", "tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU"};
    stage.leg.references = {{"event", "ev_1"}, {"event", "ev_2"}, {"event", "ev_3"}};
    return stage;
}

TEST(BorgunLook, ReadsEventsBackNewestFirstAndSkipsWhatIsNotOurs) {
    Stage stage = with_events();
    EXPECT_EQ(look(stage).request.path, "/api/events/ev_3");
    EXPECT_EQ(then(stage, 404, "{}").request.path, "/api/events/ev_2") << "nobody knows it";
    EXPECT_EQ(then(stage, 200, event_json("ev_2", R"({"TransactionId":"tr_2"})")).request.path,
              "/api/payment/tr_2");
    EXPECT_EQ(then(stage, 200, first_payment(stage, {.order = "TM0000012345", .id = "tr_2"})).request.path,
              "/api/events/ev_1")
        << "another's";
    EXPECT_EQ(then(stage, 200, event_json("ev_1", R"({"TransactionId":"tr_1"})")).request.path,
              "/api/payment/tr_1");
    EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.id = "tr_1"}))).money, LegMoney::held);
}

TEST(BorgunLook, IsUnknownWhereNobodyCanSay) {
    Stage stage = with_events();
    look(stage);
    then(stage, 404, "{}");
    then(stage, 200, event_json("ev_9", R"({"TransactionId":"tr_2"})"));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, event_json("ev_1", "{}"))));
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 503, "{}")));
    stage.leg.references.clear();
    EXPECT_TRUE(is<core::Unknown>(begin(stage, Verb::query)))
        << "a token for many payments does not tell, and nobody else does";
}

TEST(BorgunLook, NeedsNobodyWhereNothingWasSent) {
    Stage stage = borgun_stage();
    EXPECT_EQ(as<core::Done>(begin(stage, Verb::query)).why->code, "not_paid");
    borgun::Kept kept;
    kept.stage = borgun::Stage::challenge;
    stage.parcel.saved = borgun::write(kept);
    EXPECT_TRUE(as<core::Done>(begin(stage, Verb::query)).why->failed_3d_secure) << "nobody came back";
    kept.stage = borgun::Stage::token_page;
    stage.parcel.saved = borgun::write(kept);
    EXPECT_EQ(as<core::Done>(begin(stage, Verb::query)).why->code, "cancelled");
    stage.leg.money = LegMoney::held;
    EXPECT_TRUE(is<core::Unknown>(begin(stage, Verb::query))) << "a person said that it is held";
}

TEST(BorgunLook, OfAPaymentOfAnEarlierLifeIsFoundByItsEvent) {
    Stage stage = borgun_stage();
    stage.leg.calls = 7;
    stage.parcel = {};
    stage.leg.goal = core::Goal::give_back;
    stage.leg.references = {{"event", "ev_1"}};
    look(stage);
    then(stage, 200, event_json("ev_1", R"({"TransactionId":"tr_1"})"));
    EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.id = "tr_1"}))).money, LegMoney::held)
        << "to be given back";
}

// ---- refunds in doubt ----------------------------------------------------------------------------------

Stage refunding(std::int64_t minor) {
    Stage stage = by_id(LegMoney::taken);
    stage.leg.refunds = {
        {.no = 1, .amount = {minor, stage.amount.currency}, .items = {}, .by = {}, .because = {}}};
    return stage;
}

TEST(BorgunLook, TellsOfARefundOfTheWhole) {
    Stage stage = refunding(4990);
    const auto done = as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Captured"})));
    EXPECT_EQ(done.given_back->minor, 0) << "begun again: a second one would be refused";
    EXPECT_EQ(
        as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Refunded"}))).given_back->minor,
        4990);
}

TEST(BorgunLook, DoesNotTellOfARefundOfAPart) {
    Stage stage = refunding(1000);
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, {.status = "Captured"}))))
        << "never begun again by itself";
}

TEST(BorgunLook, FindsARefundOfAPartByItsEvent) {
    Stage stage = refunding(1000);
    stage.leg.references.insert(stage.leg.references.end(),
                                {{"refund", "tr_old"}, {"event", "ev_1"}, {"event", "ev_2"}});
    then(stage, 200, first_payment(stage, {.status = "Captured"}));
    then(stage, 200, event_json("ev_2", R"({"RefundTransactionId":"tr_old"})"));
    const auto ask = then(stage, 200, event_json("ev_1", R"({"RefundTransactionId":"tr_new"})"));
    EXPECT_EQ(ask.request.path, "/api/payment/tr_new") << "the one before is known";
    const PaymentText refund{.status = "Accepted", .amount = "100000", .id = "tr_new", .type = "Refund"};
    const auto done = as<core::Done>(hear(stage, 200, first_payment(stage, refund)));
    EXPECT_EQ(done.money, LegMoney::taken);
    EXPECT_EQ(done.amount->minor, 4990);
    EXPECT_EQ(done.given_back->minor, 1000);
    EXPECT_EQ(done.references, (Fields{{"refund", "tr_new"}}));
    auto other = refund;
    other.amount = "200000";
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, first_payment(stage, other))));
}

/// The payment does not say how much of it went back: nothing is made of that.
TEST(BorgunLook, SaysNothingOfPartsThatWentBackBefore) {
    Stage stage = by_id(LegMoney::taken);
    EXPECT_EQ(
        as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Captured"}))).given_back->minor, 0);
    stage.leg.back_minor = 1000;
    EXPECT_FALSE(as<core::Done>(hear(stage, 200, first_payment(stage, {.status = "Captured"}))).given_back);
}

/// A look is repeated as it was: what came meanwhile must not be passed over.
TEST(BorgunLook, AtAnEventTurnsToThoseThatCameMeanwhile) {
    Stage stage = in_doubt();
    stage.parcel.credential.value = "tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU";
    stage.leg.references = {{"event", "ev_old"}};
    EXPECT_EQ(look(stage).request.path, "/api/events/ev_old");
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, event_json("ev_old", "{}"))));
    stage.leg.references.emplace_back("event", "ev_new");
    EXPECT_EQ(then(stage, 200, event_json("ev_old", "{}")).request.path, "/api/events/ev_new");
    EXPECT_EQ(then(stage, 200, event_json("ev_new", "{}")).request.path, "/api/events/ev_old");
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, event_json("ev_old", "{}"))));
}

// ---- closing -------------------------------------------------------------------------------------------

TEST(BorgunClose, DisablesTheTokenAndLooksWhetherItWasUsed) {
    Stage stage = in_doubt();
    EXPECT_EQ(look(stage, Verb::close).request.path, "/api/token/single/" + the_token + "/disable");
    EXPECT_EQ(then(stage, 204, "").request.path, "/api/token/single/" + the_token);
    EXPECT_EQ(stage.verb, Verb::close);
    EXPECT_EQ(as<core::Done>(hear(stage, 200, token_json(R"(,"Used":false)"))).money, LegMoney::none);
    then(stage, 200, token_json(R"(,"TransactionId":"tr_1")"));
    EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {.id = "tr_1"}))).money, LegMoney::held)
        << "a moment before";
}

TEST(BorgunClose, ThatDidNotWorkIsUnknown) {
    Stage stage = in_doubt();
    look(stage, Verb::close);
    for (const int status : {401, 429, 500, 503})
        EXPECT_TRUE(is<core::Unknown>(hear(stage, status, ""))) << status;
    then(stage, 204, "");
    EXPECT_TRUE(is<core::Unknown>(hear(stage, 200, token_json(R"(,"Used":true)")))) << "by what?";
    EXPECT_TRUE(is<core::Done>(hear(stage, 404, "{}"))) << "nobody can pay with it";
}

TEST(BorgunClose, LeavesACustomersOwnTokenAlone) {
    Stage stage = borgun_stage();
    const std::string token = "tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU";
    stage.parcel.credential.value = token;
    // Core takes a door as closed when a call says so: it is looked at, and not disabled.
    EXPECT_EQ(look(stage, Verb::close).request.method + look(stage, Verb::close).request.path,
              "GET/api/token/multi/" + token);
    EXPECT_TRUE(is<core::Done>(hear(stage, 200, R"({"Token":")" + token + R"(","Used":true})")));
    EXPECT_TRUE(is<core::Done>(hear(stage, 404, "{}")));
    stage.parcel.credential = {};
    EXPECT_TRUE(is<core::Done>(begin(stage, Verb::close)));
}

TEST(BorgunClose, OfWhatWasPaidLooksAtThePayment) {
    Stage stage = by_id();
    EXPECT_EQ(look(stage, Verb::close).request.path, "/api/payment/tr_Zk8mV3xQ0pL5sT7bN2cY9dR4hJ6wF1gE");
    EXPECT_EQ(as<core::Done>(hear(stage, 200, first_payment(stage, {}))).money, LegMoney::held);
}

// ---- whatever is asked ---------------------------------------------------------------------------------

TEST(BorgunSteps, BelieveNothingThatTheyDoNotUnderstand) {
    const std::pair<Verb, std::string_view> steps[] = {
        {Verb::authorise, "pay"},       {Verb::capture, "capture"},      {Verb::capture, "read_back"},
        {Verb::capture, "release"},     {Verb::capture, "read_release"}, {Verb::void_hold, "cancel"},
        {Verb::void_hold, "read_back"}, {Verb::refund, "refund"},        {Verb::refund, "read_back"},
        {Verb::refund, "read_refund"},  {Verb::query, "look_payment"},   {Verb::query, "look_token"},
        {Verb::query, "look_event"},    {Verb::query, "look_refund"},    {Verb::close, "disable"},
        {Verb::close, "look_token"},    {Verb::close, "look_payment"},   {Verb::open, "validate"}};
    const std::string bodies[] = {"",
                                  "OK",
                                  "<html>502</html>",
                                  "null",
                                  "[]",
                                  "{}",
                                  "{\"Token\":1}",
                                  "\xff\xfe",
                                  "{\"TransactionId\":\"tr_1\"}",
                                  "{\"TransactionId\":[],\"ActionCode\":\"000\"}"};
    for (const auto& [verb, step] : steps) {
        for (const int status : {202, 301, 302, 408, 409, 418, 429, 500, 502, 503, 504, 599, 0}) {
            for (const auto& body : bodies) {
                SCOPED_TRACE(std::string(step) + " " + std::to_string(status) + " " + body);
                Stage stage = borgun_stage();
                stage.leg.references = {{"payment", "tr_1"}};
                stage.leg.taken_minor = 4990;
                borgun::Kept kept;
                kept.payment_sent = true;
                open_call(stage, verb, step, kept);
                const auto heard = hear(stage, status, body);
                // Of a gateway in trouble the payment is read back at once.
                const auto* ask = std::get_if<core::Ask>(&heard);
                EXPECT_TRUE(is<core::Unknown>(heard) || (ask != nullptr && ask->request.method == "GET"));
            }
        }
    }
}

}  // namespace
}  // namespace kassi::providers
