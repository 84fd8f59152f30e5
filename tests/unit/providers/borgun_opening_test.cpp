#include <gmock/gmock.h>

#include "borgun_scenes.hpp"
#include "providers/borgun/codes.hpp"

/// Before money: card, enrollment, challenge, validation.
namespace kassi::providers {
namespace {

using namespace test;
using core::Verb;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view the_pan = "4111111111111111";
constexpr std::string_view the_xid = "MjAyNjExMjMxMDA0MDAwMDAwMDE=";

Stage card_stage() {
    Stage stage = borgun_stage();
    stage.leg.credential = "card";
    stage.parcel.credential = {"card", R"({"number":"4111 1111 1111 1111","expiry":"0427","cvc":"737",)"
                                       R"("billing":{"town":"London","country":"uk"}})"};
    return stage;
}

/// While the enrollment is open.
Stage enrolling(std::string_view currency = "ISK", std::int64_t minor = 4990) {
    Stage stage = borgun_stage(currency, minor);
    send(stage, as<core::Ask>(begin(stage, Verb::open)));
    return stage;
}

constexpr std::string_view challenge_1 =
    R"(,"RedirectToACSData":[{"Name":"actionURL","Value":"https://acs.example/pareq?bank=1"},)"
    R"({"Name":"_charset_","Value":"UTF-8"},{"Name":"PaReq","Value":"eJxV"},{"Name":"MD","Value":"118842"},)"
    R"({"Name":"TermUrl","Value":"https://shop.example/back/T1/"}])";

/// While the customer is at the bank.
Stage challenged() {
    Stage stage = enrolling();
    const auto waiting = as<core::Waiting>(hear(stage, 200, enrolled_json("9", challenge_1)));
    stage.parcel.saved = waiting.saved;
    stage.leg.callout = core::CalloutState{.no = 1, .type = "post", .host = "https://acs.example"};
    return stage;
}

/// While the validation is open.
Stage validating() {
    Stage stage = challenged();
    const auto back = hear(stage, core::Returned{{{"PaRes", "eJxS"}, {"MD", "118842"}}});
    stage.parcel.returned = {{"PaRes", "eJxS"}, {"MD", "118842"}};
    stage.leg.callout->returned = true;
    send(stage, as<core::Ask>(back));
    return stage;
}

std::string validated_json(std::string_view md_status, std::string_view xid = the_xid) {
    return R"({"XId":")" + std::string(xid) + R"(","MdStatus":")" + std::string(md_status) +
           R"(","MdErrorMessage":"says the bank","EnrollmentStatus":"Y"})";
}

// ---- the card ------------------------------------------------------------------------------------------

TEST(BorgunCard, IsInOneRequestThatIsNeverKept) {
    Stage stage = card_stage();
    const auto ask = as<core::Ask>(begin(stage, Verb::open));
    EXPECT_EQ(ask.name, "token");
    EXPECT_TRUE(ask.needs_volatile);
    EXPECT_EQ(ask.repeat, core::Repeat::never);
    EXPECT_EQ(ask.request.method + " " + ask.request.path, "POST /api/token/single");
    EXPECT_EQ(
        ask.request.body,
        R"({"PAN":"4111111111111111","ExpMonth":"04","ExpYear":"2027","TokenLifetime":1020,"CVC":"737"})")
        << "until the end of the hold, and two minutes";
    for (const auto& text : {ask.saved, ask.reference, ask.key, ask.request.path}) {
        EXPECT_THAT(text, Not(HasSubstr("4111")));
        EXPECT_THAT(text, Not(HasSubstr("737")));
    }
}

TEST(BorgunCard, BecomesATokenThatIsOpenedAnew) {
    Stage stage = card_stage();
    send(stage, as<core::Ask>(begin(stage, Verb::open)));
    const auto done = as<core::Done>(hear(stage, 201, "{\"Token\":\"" + the_token + "\",\"Enabled\":true}"));
    EXPECT_TRUE(done.again);
    EXPECT_EQ(done.credential, (core::Credential{"borgun_token", the_token}));
    stage.parcel.credential = done.credential;
    stage.leg.credential = done.credential.kind;
    const auto ask = as<core::Ask>(begin(stage, Verb::open));
    EXPECT_EQ(ask.name, "enroll");
    EXPECT_THAT(ask.request.body, Not(HasSubstr(std::string(the_pan))));
}

TEST(BorgunCard, ThatIsRefusedIsNamedInWordsOfOurs) {
    const auto refused = [](int status, std::string body) {
        Stage stage = card_stage();
        send(stage, as<core::Ask>(begin(stage, Verb::open)));
        const auto why = as<core::Declined>(hear(stage, status, std::move(body))).why;
        EXPECT_THAT(why.text, Not(HasSubstr("4111")));
        return why;
    };
    EXPECT_EQ(refused(400, R"({"Message":"PAN: InvalidFormat 4111111111111111"})").code, "incorrect_number");
    EXPECT_EQ(refused(400, R"({"Message":"X: y; ExpMonth: Invalid expiration date"})").code,
              "invalid_expiry");
    EXPECT_TRUE(refused(400, R"({"Message":"CVC: InvalidFormat"})").failed_cv_two);
    // No money moved, and the card is gone from memory: nothing is in doubt.
    for (const int status : {400, 401, 404, 429, 500, 503, 201})
        EXPECT_EQ(refused(status, "{}").code, "provider_unavailable") << status;
    EXPECT_EQ(refused(201, R"({"Token":"tm_12345678"})").code, "provider_unavailable");
}

TEST(BorgunCard, ThatWasLostIsNotAskedForAgain) {
    for (const bool sent : {true, false}) {
        Stage stage = card_stage();
        send(stage, as<core::Ask>(begin(stage, Verb::open)));
        EXPECT_EQ(as<core::Declined>(hear(stage, core::Silence{sent, "timed out"})).why.code, "card_lost");
    }
    Stage stage = card_stage();
    stage.parcel.credential = {};
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::open)).why.code, "card_lost");
    stage.leg.credential.clear();
    auto merchant = borgun_merchant();
    merchant.settings["accepts"] = "card";
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::open, merchant)).why.code, "no_card");
}

// ---- no way back ---------------------------------------------------------------------------------------

TEST(BorgunOpening, WithoutAWayBackGoesWithoutAuthentication) {
    Stage stage = borgun_stage();
    stage.return_url.clear();
    const auto done = as<core::Done>(begin(stage, Verb::open));
    EXPECT_FALSE(done.again);
    stage.parcel.saved = done.saved;
    EXPECT_FALSE(json_of(as<core::Ask>(begin(stage, Verb::authorise)).request).contains("ThreeDSecure"));
    auto merchant = borgun_merchant();
    merchant.settings["three_d_secure"] = "always";
    const auto why = as<core::Declined>(begin(stage, Verb::open, merchant)).why;
    EXPECT_EQ(why.code, "auth_failure");
    EXPECT_TRUE(why.failed_3d_secure);
}

// ---- MdStatus, row by row ------------------------------------------------------------------------------

struct Expected {
    int status;
    std::string_view first;  ///< of the first enrollment
    std::string_view again;  ///< after it was tried once more
    std::string_view validated;
};
/// "ready" | "bank" | "enroll_again" | "later" (known not done) | "ask" (unknown) | the code of a refusal
std::string_view outcome(const core::Step& step) {
    if (is<core::Done>(step)) return "ready";
    if (is<core::Waiting>(step)) return "bank";
    if (is<core::NotDone>(step)) return "later";
    if (is<core::Unknown>(step)) return "ask";
    if (const auto* ask = std::get_if<core::Ask>(&step))
        return ask->name == "enroll_again" ? "enroll_again" : "?";
    static std::string code;
    const auto& why = as<core::Declined>(step).why;
    EXPECT_EQ(why.failed_3d_secure, why.code == "auth_failure");
    return code = why.code;
}

class BorgunMdStatus : public testing::TestWithParam<Expected> {};

TEST_P(BorgunMdStatus, DecidesWhatBecomesOfThePayment) {
    const auto& [status, first, again, validated] = GetParam();
    const auto text = std::to_string(status);
    Stage stage = enrolling("EUR", 1050);
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json(text, challenge_1))), first);
    stage.leg.not_done = 1;
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json(text, challenge_1))), again);
    Stage back = validating();
    EXPECT_EQ(outcome(hear(back, 200, validated_json(text))), validated);
}
INSTANTIATE_TEST_SUITE_P(EveryRow, BorgunMdStatus,
                         testing::Values(Expected{0, "auth_failure", "auth_failure", "auth_failure"},
                                         Expected{1, "ready", "ready", "ready"},
                                         Expected{2, "ready", "ready", "ready"},
                                         Expected{3, "ready", "ready", "ready"},
                                         Expected{4, "ready", "ready", "ready"},
                                         Expected{5, "later", "auth_failure", "auth_failure"},
                                         Expected{6, "later", "auth_failure", "auth_failure"},
                                         Expected{7, "authentication_unavailable",
                                                  "authentication_unavailable", "authentication_unavailable"},
                                         Expected{8, "auth_failure", "auth_failure", "auth_failure"},
                                         Expected{9, "bank", "bank", "auth_failure"},
                                         Expected{50, "enroll_again", "enroll_again", "auth_failure"},
                                         Expected{91, "later", "authentication_unavailable", "ask"},
                                         Expected{92, "later", "authentication_unavailable", "ask"},
                                         Expected{93, "later", "authentication_unavailable", "ask"},
                                         Expected{94, "authentication_unavailable",
                                                  "authentication_unavailable", "authentication_unavailable"},
                                         Expected{95, "auth_failure", "auth_failure", "auth_failure"},
                                         Expected{96, "auth_failure", "auth_failure", "auth_failure"},
                                         Expected{97, "auth_failure", "auth_failure", "auth_failure"},
                                         Expected{99, "later", "authentication_unavailable", "ask"},
                                         Expected{33, "auth_failure", "auth_failure", "auth_failure"}),
                         [](const auto& row) { return "Status" + std::to_string(row.param.status); });

TEST(BorgunMdStatus, OfEveryRowIsTested) {
    EXPECT_EQ(borgun::md_rows().size(), 19U) << "and one that is on no list";
}

TEST(BorgunMdStatus, ThatTheMessageWasUsedBeforeIsNoWordAboutTheCustomerWhenWeUsedIt) {
    Stage back = validating();
    EXPECT_EQ(outcome(hear(back, 200, validated_json("97"))), "auth_failure") << "somebody else did";
    back.leg.rechecks = 1;
    const auto declined = as<core::Declined>(hear(back, 200, validated_json("97")));
    EXPECT_EQ(declined.why.code, "authentication_unavailable");
    EXPECT_FALSE(declined.why.failed_3d_secure);
    // What the bank says of the customer stays what it is.
    EXPECT_EQ(outcome(hear(back, 200, validated_json("0"))), "auth_failure");
}

TEST(BorgunMdStatus, ThatAMerchantAcceptsGoesOnAfterASecondTry) {
    auto merchant = borgun_merchant();
    merchant.settings["mpi_continue"] = "1,2,4,5,91";
    Stage stage = enrolling("EUR", 1050);
    const auto heard = [&](std::string_view status) {
        return outcome(hear(stage, 200, enrolled_json(status), merchant));
    };
    EXPECT_EQ(heard("3"), "auth_failure") << "left out of the list";
    EXPECT_EQ(heard("5"), "later");
    stage.leg.not_done = 1;
    EXPECT_EQ(heard("5"), "ready");
    EXPECT_EQ(heard("91"), "ready");
    EXPECT_EQ(heard("92"), "authentication_unavailable");
}

TEST(BorgunEnrollment, OfKronurIsTriedWithTheOtherExponent) {
    Stage stage = enrolling();
    const auto ask = as<core::Ask>(hear(stage, 200, enrolled_json("5")));
    EXPECT_EQ(ask.name, "enroll");
    EXPECT_EQ(json_of(ask.request)["PurchAmount"], 499000);
    EXPECT_EQ(json_of(ask.request)["Exponent"], 2);
    EXPECT_EQ(json_of(ask.request)["Currency"], "352");
    send(stage, ask);
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("5"))), "auth_failure") << "and not a third time";
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("1"))), "ready");
}

// ---- the 3DS Method ------------------------------------------------------------------------------------

constexpr std::string_view method_content = R"(,"TDSMethodContent":"<form id=\"m\"></form>")";

/// While the customer's browser is at our page that runs it.
Stage at_method() {
    Stage stage = enrolling();
    const auto waiting = as<core::Waiting>(hear(stage, 200, enrolled_json("50", method_content)));
    stage.parcel.saved = waiting.saved;
    stage.parcel.callout = waiting.callout;
    stage.leg.callout = core::CalloutState{.no = 1, .type = "get", .goes_on = true};
    return stage;
}

std::string asked_again(std::string_view indicator) {
    return R"({"XId":"MjAyNjExMjMxMDA0MDAwMDAwMDE=","TxId":"4711","TDS2ThreeDSCompInd":")" +
           std::string(indicator) + "\"}";
}

TEST(BorgunMethod, IsRunByAPageOfOurs) {
    Stage stage = enrolling();
    EXPECT_EQ(
        json_of(stage.parcel.request.body.empty() ? as<core::Ask>(begin(stage, Verb::open)).request
                                                  : stage.parcel.request)["TDS2ThreeDSMethodNotificationURL"],
        "https://pay.example/3ds-method")
        << "without a query";
    const auto waiting = as<core::Waiting>(hear(stage, 200, enrolled_json("50", method_content)));
    EXPECT_TRUE(waiting.callout.hosted);
    EXPECT_TRUE(waiting.callout.goes_on);
    EXPECT_EQ(waiting.callout.type, "get");
    EXPECT_EQ(waiting.callout.page_data, "<form id=\"m\"></form>");
    EXPECT_TRUE(waiting.callout.parameters.empty()) << "callers see those";
    EXPECT_EQ(waiting.callout.integration_json, "");

    auto callout = waiting.callout;
    callout.page_token = "page\"1";
    const auto page = *borgun_flow().page(callout, stage.amount, borgun_merchant(), {});
    EXPECT_EQ(page.frame_html, "<form id=\"m\"></form>");
    EXPECT_THAT(page.body_html, Not(HasSubstr("<form"))) << "never in a page of ours";
    EXPECT_THAT(page.script, Not(HasSubstr("<form")));
    EXPECT_THAT(page.body_html, HasSubstr("sandbox=\"allow-scripts allow-forms\""));
    EXPECT_THAT(page.body_html, HasSubstr("data-address=\"page&quot;1/frame\""));
    EXPECT_THAT(page.body_html, HasSubstr("<noscript><button type=\"submit\">"));
    EXPECT_TRUE(page.script_sources.empty() && page.connect_sources.empty());
}

TEST(BorgunMethod, IsToldInTheSecondEnrollment) {
    const auto told = [](const Fields& fields) {
        Stage stage = at_method();
        return as<core::Ask>(hear(stage, core::WentOn{fields})).request.body;
    };
    EXPECT_EQ(told({{"method", "Y"}}), asked_again("Y"));
    EXPECT_EQ(told({{"method", "N"}}), asked_again("N"));
    EXPECT_EQ(told({{"method", "y"}}), asked_again("N"));
    EXPECT_EQ(told({}), asked_again("N"));

    Stage stage = at_method();
    const auto ask = as<core::Ask>(hear(stage, core::WentOn{{{"method", "Y"}}}));
    stage.leg.callout->went_on = true;
    send(stage, ask);
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("50", method_content))), "auth_failure") << "once";
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("91"))), "authentication_unavailable") << "no third";
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("9", challenge_1))), "bank");
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("1"))), "ready");
    EXPECT_EQ(outcome(hear(stage, 503, "")), "later");
}

TEST(BorgunMethod, IsNotRunWhereItCannotBe) {
    const auto answer = [](Stage& stage, std::string_view more) {
        return as<core::Ask>(hear(stage, 200, enrolled_json("50", more))).request.body;
    };
    Stage stage = enrolling();
    EXPECT_EQ(answer(stage, ""), asked_again("U"));
    EXPECT_EQ(answer(stage, R"(,"TDSMethodContent":"")"), asked_again("U"));
    EXPECT_EQ(answer(stage, R"(,"TDSMethodContent":7)"), asked_again("U"));

    constexpr std::size_t most = 32'768;
    const auto content = [](std::size_t bytes) {
        return R"(,"TDSMethodContent":")" + std::string(bytes, 'a') + "\"";
    };
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("50", content(most)))), "bank");
    EXPECT_EQ(answer(stage, content(most + 1)), asked_again("N")) << "larger than a parcel may be";

    // A first one was interrupted, and the page is behind the customer.
    stage.leg.callout = core::CalloutState{.no = 1, .type = "get", .goes_on = true, .went_on = true};
    EXPECT_EQ(answer(stage, method_content), asked_again("N"));
    stage.leg.callout.reset();
    stage.return_url = "https://shop.example/back/T2/";
    EXPECT_EQ(answer(stage, method_content), asked_again("N")) << "the bank was told another way back";
    stage.return_url.clear();
    EXPECT_EQ(answer(stage, method_content), asked_again("N"));
}

TEST(BorgunMethod, IsNoReturn) {
    Stage stage = at_method();
    for (const Fields& given_up :
         {Fields{}, Fields{{"cancelled", "yes"}}, Fields{{"is_tsw_callout_timeout_callback", "1"}}})
        EXPECT_EQ(as<core::Declined>(hear(stage, core::Returned{given_up})).why.code, "auth_failure");
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Returned{{{"cres", "eyJ0"}}})))
        << "nobody was at a bank: the token stays unspent";
    Stage bank = challenged();
    EXPECT_TRUE(is<core::Unknown>(hear(bank, core::WentOn{{{"method", "Y"}}})));
    const auto kept = borgun_flow().evidence({{"method", "Y"}, {"method", "<script>"}});
    EXPECT_EQ(kept[0].value, "Y");
    EXPECT_EQ(kept[1].keep, core::Keep::drop);
}

TEST(BorgunMethod, ThatWasInterruptedIsEnrolledAnewAsLongAsTheCustomerWaits) {
    Stage stage = at_method();
    const auto ask = as<core::Ask>(hear(stage, core::WentOn{{{"method", "Y"}}}));
    stage.leg.callout->went_on = true;
    send(stage, ask);
    const auto anew = as<core::Ask>(begin(stage, Verb::query));
    EXPECT_EQ(anew.name, "enroll");
    EXPECT_EQ(anew.as, core::Verb::open);
    EXPECT_EQ(json_of(anew.request)["TermUrl"], stage.return_url) << "the same way back";
    stage.leg.goal = core::Goal::give_back;
    EXPECT_EQ(as<core::Done>(begin(stage, Verb::query)).why->code, "authentication_unavailable");
    stage.leg.goal = core::Goal::take;
    stage.leg.callout->returned = true;
    EXPECT_TRUE(is<core::Done>(begin(stage, Verb::query)));
    Stage left = at_method();
    EXPECT_EQ(as<core::Done>(begin(left, Verb::query)).why->code, "auth_failure") << "nobody went on";
}

TEST(BorgunEnrollment, ReadsBothSpellingsOfItsToken) {
    for (const std::string_view name : {"MPIToken", "MpiToken", "mpiToken"}) {
        Stage stage = enrolling();
        const auto done = as<core::Done>(
            hear(stage, 200, "{\"MdStatus\":1,\"" + std::string(name) + "\":\"mpi-7\",\"XId\":\"x\"}"));
        EXPECT_EQ(borgun::read_kept(done.saved).mpi_token, "mpi-7");
    }
    Stage stage = enrolling();
    EXPECT_EQ(outcome(hear(stage, 200, R"({"MdStatus":"1","XId":"x"})")), "authentication_unavailable")
        << "nothing that could be paid with";
}

TEST(BorgunEnrollment, ThatWentWrongMovedNoMoney) {
    Stage stage = enrolling();
    for (const int status : {401, 404, 408, 429, 500, 503, 200, 204})
        EXPECT_EQ(outcome(hear(stage, status, "{}")), "later") << status;
    EXPECT_EQ(outcome(hear(stage, core::Silence{true, "timed out"})), "later");
    EXPECT_EQ(outcome(hear(stage, core::Silence{false, "no route"})), "later");
    EXPECT_EQ(outcome(hear(stage, 400, R"({"Message":"Token: Token has already been used"})")),
              "token_refused");
    EXPECT_EQ(outcome(hear(stage, 400, R"({"Message":"TermUrl: Invalid format"})")), "rejected");
    EXPECT_EQ(outcome(hear(stage, 200, R"({"ResultStatus":3,"MdStatus":"1","MPIToken":"m"})")), "later");
}

// ---- the challenge -------------------------------------------------------------------------------------

TEST(BorgunChallenge, IsWhatTheMpiListsInItsOrder) {
    Stage stage = enrolling();
    const auto waiting = as<core::Waiting>(hear(stage, 200, enrolled_json("9", challenge_1)));
    EXPECT_EQ(waiting.callout.type, "post");
    EXPECT_FALSE(waiting.callout.hosted);
    EXPECT_EQ(waiting.callout.destination, "https://acs.example/pareq?bank=1");
    EXPECT_EQ(waiting.callout.parameters, (Fields{{"_charset_", "UTF-8"},
                                                  {"PaReq", "eJxV"},
                                                  {"MD", "118842"},
                                                  {"TermUrl", "https://shop.example/back/T1/"}}));
    const auto second = as<core::Waiting>(
        hear(stage, 200,
             enrolled_json("9", R"(,"RedirectToACSData":[{"Name":"creq","Value":"eyJ0"},)"
                                R"({"name":"threeDSSessionData","value":"b3Jk"},)"
                                R"({"Name":"ActionURL","Value":"https://acs.example/challenge"}])")));
    EXPECT_EQ(second.callout.destination, "https://acs.example/challenge");
    EXPECT_EQ(second.callout.parameters, (Fields{{"creq", "eyJ0"}, {"threeDSSessionData", "b3Jk"}}));
}

TEST(BorgunChallenge, ThatIsNotUnderstoodSendsNobodyAway) {
    Stage stage = enrolling();
    for (
        const std::string_view list :
        {"", R"([])", R"([{"Name":"PaReq","Value":"eJxV"}])",
         R"([{"Name":"actionURL","Value":"javascript:go"}])", R"([{"Name":"actionURL","Value":7}])",
         R"([{"Name":"actionURL","Value":"https://a.example/"},{"Name":"actionURL","Value":"https://b.example/"}])"}) {
        const auto data = list.empty() ? std::string() : ",\"RedirectToACSData\":" + std::string(list);
        EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("9", data))), "authentication_unavailable") << list;
    }
}

TEST(BorgunChallenge, LeadsBackToWhereTheCustomerIsAwaited) {
    Stage stage = enrolling();
    stage.return_url = "https://shop.example/back/T2/";
    EXPECT_EQ(outcome(hear(stage, 200, enrolled_json("9", challenge_1))), "later") << "enrolled anew";
}

// ---- the return ----------------------------------------------------------------------------------------

TEST(BorgunReturn, IsPassedOnAsItCame) {
    Stage stage = challenged();
    auto ask = as<core::Ask>(hear(stage, core::Returned{{{"PaRes", "eJx+S/="}, {"MD", "118842"}}}));
    EXPECT_EQ(ask.name, "validate");
    EXPECT_EQ(ask.request.path, "/api/mpi/v2/validation");
    EXPECT_EQ(ask.request.body, R"({"PARes":"eJx+S/=","MD":"118842"})");
    EXPECT_FALSE(ask.as.has_value()) << "still opening";
    ask = as<core::Ask>(hear(stage, core::Returned{{{"PARES", "eJx"}}}));
    EXPECT_EQ(ask.request.body, R"({"PARes":"eJx"})") << "the MD is the MPI's own: not ours to put there";
    for (const std::string_view name : {"cres", "CRes"}) {
        ask = as<core::Ask>(
            hear(stage, core::Returned{{{std::string(name), "eyJ0"}, {"threeDSSessionData", "forged"}}}));
        EXPECT_EQ(ask.request.body, R"({"CRes":"eyJ0","MD":"T000-0000-8RGW-3619-2"})");
    }
}

TEST(BorgunReturn, ThatSaysNothingIsAFailedAuthentication) {
    Stage stage = challenged();
    for (const Fields& fields : {Fields{}, Fields{{"MD", "118842"}}, Fields{{"PaRes", ""}},
                                 Fields{{"is_tsw_callout_timeout_callback", "1"}}}) {
        const auto declined = as<core::Declined>(hear(stage, core::Returned{fields}));
        EXPECT_EQ(declined.why.code, "auth_failure");
        EXPECT_TRUE(declined.why.failed_3d_secure);
        EXPECT_EQ(declined.references, (Fields{{"xid", "MjAyNjExMjMxMDA0MDAwMDAwMDE="}}))
            << "core records the end of what has a name, and the door counts as closed";
    }
}

TEST(BorgunReturn, ThatContradictsItselfProvesNothing) {
    Stage stage = challenged();
    for (const Fields& fields :
         {Fields{{"PaRes", "a"}, {"pares", "b"}}, Fields{{"PaRes", "a"}, {"cres", "b"}},
          Fields{{"cres", std::string(40'000, 'a')}}})
        EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Returned{fields}))) << "the token stays unspent";
    EXPECT_TRUE(is<core::Ask>(hear(stage, core::Returned{{{"PaRes", "a"}, {"PaRes", "a"}}})));
}

TEST(BorgunReturn, OfNobodyWhoWasSentProvesNothing) {
    Stage stage = borgun_stage();
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Returned{{{"PaRes", "a"}}})));
}

// ---- the validation ------------------------------------------------------------------------------------

TEST(BorgunValidation, OfAnotherPaymentIsNone) {
    Stage stage = validating();
    for (const std::string_view xid : {"MjAyNjExMjMxMDA0MDAwMDAwMDI=", ""}) {
        const auto why = as<core::Declined>(hear(stage, 200, validated_json("1", xid))).why;
        EXPECT_EQ(why.code, "auth_failure");
        EXPECT_TRUE(why.failed_3d_secure);
    }
    const auto done = as<core::Done>(hear(stage, 200, validated_json("1")));
    EXPECT_EQ(borgun::read_kept(done.saved).mpi_token, "mpi-4f1c7a90") << "of the enrollment";
}

TEST(BorgunValidation, ThatWasNotHeardIsAskedForAgain) {
    Stage stage = validating();
    EXPECT_TRUE(is<core::Unknown>(hear(stage, core::Silence{true, "timed out"})));
    for (const int status : {401, 404, 429, 500, 503, 200})
        EXPECT_TRUE(is<core::Unknown>(hear(stage, status, "{}"))) << status;
    const auto again = as<core::Ask>(begin(stage, Verb::query));
    EXPECT_EQ(again.as, Verb::open);
    EXPECT_EQ(again.name, "validate");
    EXPECT_EQ(again.request.body, R"({"PARes":"eJxS","MD":"118842"})");
    send(stage, again);
    EXPECT_EQ(outcome(hear(stage, 200, validated_json("1"))), "ready");
    stage.leg.rechecks = 3;
    EXPECT_EQ(outcome(hear(stage, 200, validated_json("91"))), "authentication_unavailable")
        << "not for ever";
    stage.leg.goal = core::Goal::give_back;
    EXPECT_TRUE(is<core::Done>(begin(stage, Verb::query))) << "nobody wants it any more";
}

TEST(BorgunValidation, ThatNobodyWaitsForClosesWhatTheCustomerWasSentTo) {
    Stage stage = validating();
    stage.leg.goal = core::Goal::give_back;
    stage.leg.exposed = true;
    const auto close = as<core::Ask>(hear(stage, 200, validated_json("1")));
    EXPECT_EQ(close.as, Verb::close);
    EXPECT_EQ(close.request.path, "/api/token/single/" + the_token + "/disable");
}

TEST(BorgunValidation, ThatIsRefusedIsAFailedAuthentication) {
    Stage stage = validating();
    EXPECT_EQ(outcome(hear(stage, 400, R"({"Message":"PARes: Invalid"})")), "auth_failure");
}

}  // namespace
}  // namespace kassi::providers
