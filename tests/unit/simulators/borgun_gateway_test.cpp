#include <gmock/gmock.h>

#include "base/money.hpp"
#include "borgun_fixture.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr const char* other_key = "100002_prOTHER";
constexpr const char* public_key = "100001_puSIMULATOR0000000000000000";

// ---- who may -------------------------------------------------------------------------------------------

TEST(BorgunGateway, TheVectorOfTheReferenceOpensTheDoor) {
    Borgun borgun;
    auto request = Borgun::request("GET", "payment/tr_none");
    request.headers = {{"Authorization", "Basic MTAwMDAxX3ByU0lNVUxBVE9SMDAwMDAwMDAwMDAwMDAwMDo="}};
    EXPECT_EQ(borgun.send(request).status, 404) << "known, and there is no such transaction";
}

TEST(BorgunGateway, RefusesWhatIsNoKey) {
    Borgun borgun;
    const std::string key = "100001_prSIMULATOR0000000000000000";
    for (const std::string& value :
         {std::string(), "Basic " + encoding::base64(key), "Basic " + encoding::base64(key + ":x"),
          "Bearer " + key, "Basic " + encoding::base64("pub:" + key), "Basic " + encoding::base64(":"),
          "Basic " + encoding::base64(key + "x:"), "Basic " + encoding::base64(key + "x"),
          std::string("Basic *")}) {
        auto request = Borgun::request("POST", "payment", Borgun::payment().dump());
        request.headers[0].second = value;
        const auto answer = borgun.send(request);
        EXPECT_EQ(answer.status, 401) << value;
        EXPECT_EQ(message_of(answer), "Authorization has been denied for this request.");
    }
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

TEST(BorgunGateway, ThePublicKeyMakesSingleUseTokensAndNothingElse) {
    Borgun borgun;
    const json card{{"PAN", good_card}, {"ExpMonth", "09"}, {"ExpYear", "27"}, {"TokenLifetime", 20}};
    const auto made = borgun.api("POST", "token/single", card, public_key);
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(made.header("Access-Control-Allow-Origin"), "*");
    const std::string id = json_of(made)["Token"];
    for (const auto& [method, path] :
         std::vector<std::pair<std::string, std::string>>{{"GET", "token/single/" + id},
                                                          {"PUT", "token/single/" + id + "/disable"},
                                                          {"POST", "token/multi"},
                                                          {"GET", "token/multi/tm_x"},
                                                          {"PUT", "token/multi/tm_x/disable"},
                                                          {"POST", "payment"},
                                                          {"GET", "payment/tr_x"},
                                                          {"PUT", "payment/tr_x/capture"},
                                                          {"PUT", "payment/tr_x/cancel"},
                                                          {"PUT", "payment/tr_x/refund"},
                                                          {"POST", "mpi/v2/enrollment"},
                                                          {"POST", "mpi/v2/validation"},
                                                          {"GET", "events/ev_x"}})
        EXPECT_EQ(borgun.api(method, path, nullptr, public_key).status, 401) << method << " " << path;
    HttpRequest preflight{"OPTIONS", "/borgun/rpg/api/token/single", {}, "", ""};
    EXPECT_THAT(std::string(borgun.send(preflight).header("Access-Control-Allow-Headers")),
                HasSubstr("Authorization"));
}

TEST(BorgunGateway, PathsHaveNoCaseAndNothingElseLivesHere) {
    Borgun borgun;
    EXPECT_EQ(
        borgun.send({"GET", "/borgun/RPG/Api/Payment/tr_x", Borgun::key_header(other_key), "", ""}).status,
        404);
    EXPECT_EQ(
        borgun.send({"POST", "/Borgun/rpg/API/PAYMENT", Borgun::key_header(other_key), "{}", ""}).status,
        400);
    EXPECT_EQ(borgun.api("POST", "mpi/enrollment", json::object()).status, 404) << "no version 1";
    EXPECT_EQ(borgun.api("POST", "mpi/v1/enrollment", json::object()).status, 404);
    EXPECT_EQ(borgun.api("DELETE", "payment/tr_x").status, 405);
    EXPECT_EQ(borgun.get("/borgun/elsewhere").status, 404);
    EXPECT_EQ(borgun.api("POST", "payment/a/b/c/d").status, 404);
}

TEST(BorgunGateway, RefusesBodiesThatItCannotRead) {
    Borgun borgun;
    EXPECT_EQ(borgun.send(Borgun::request("POST", "payment", "[")).status, 400);
    EXPECT_EQ(borgun.send(Borgun::request("POST", "payment", "[1]")).status, 400);
    EXPECT_FALSE(message_of(borgun.send(Borgun::request("POST", "payment", ""))).empty())
        << "empty: a message";
    auto request = Borgun::request("POST", "payment", "a=b");
    request.headers[1].second = "application/x-www-form-urlencoded";
    EXPECT_EQ(borgun.send(request).status, 415);
    EXPECT_EQ(
        borgun.send(Borgun::request("POST", "payment", std::string(borgun_body_bytes_max + 1, ' '))).status,
        413);
    EXPECT_EQ(borgun.send(Borgun::request("POST", "payment", std::string(borgun_body_bytes_max, ' '))).status,
              400);
}

// ---- tokens --------------------------------------------------------------------------------------------

TEST(BorgunTokens, ASingleOneShowsWhatTheReferenceShows) {
    Borgun borgun;
    const auto answer = borgun.api("POST", "token/single",
                                   {{"PAN", "5587402000012011"},
                                    {"ExpMonth", "09"},
                                    {"ExpYear", "2027"},
                                    {"TokenLifetime", 600},
                                    {"Metadata", {{"Payload", "cart-88"}}}});
    EXPECT_EQ(answer.status, 201);
    const json shown = json_of(answer);
    EXPECT_THAT(shown["Token"].get<std::string>(), MatchesRegex("ts_[A-Za-z0-9_-]{32}"));
    EXPECT_EQ(answer.header("Location"),
              "http://127.0.0.1:8081/borgun/rpg/api/token/single/" + shown["Token"].get<std::string>());
    EXPECT_EQ(shown["PAN"], "558740******2011");
    EXPECT_EQ(shown["ExpYear"], "2027");
    EXPECT_EQ(shown["ExpMonth"], "09");
    EXPECT_EQ(shown["Enabled"], true);
    EXPECT_EQ(shown["Used"], false);
    EXPECT_EQ(shown["ValidUntil"], "2026-01-10T10:10:00Z");
    EXPECT_EQ(shown["Metadata"]["Payload"], "cart-88");
    EXPECT_EQ(json_of(borgun.api("GET", "token/single/" + shown["Token"].get<std::string>())), shown);
}

TEST(BorgunTokens, SayExactlyWhatIsWrong) {
    Borgun borgun;
    const auto message = [&](json body) { return message_of(borgun.api("POST", "token/single", body)); };
    EXPECT_EQ(
        message({{"PAN", "4741520000000004"}, {"ExpMonth", "09"}, {"ExpYear", "2027"}, {"TokenLifetime", 1}}),
        "PAN: InvalidFormat");
    EXPECT_EQ(message({{"PAN", nullptr}, {"ExpMonth", nullptr}, {"ExpYear", nullptr}, {"TokenLifetime", 1}}),
              "PAN: InvalidFormat; ExpMonth: Invalid expiration date");
    EXPECT_EQ(
        message({{"PAN", nullptr}, {"ExpMonth", nullptr}, {"ExpYear", nullptr}, {"TokenLifetime", 0}}),
        "PAN: InvalidFormat; ExpMonth: Invalid expiration date; TokenLifetime: 'Token Lifetime' must be "
        "greater than '0'.");
    json good{{"PAN", good_card}, {"ExpMonth", "09"}, {"ExpYear", "2027"}, {"TokenLifetime", 1}};
    const auto with = [&](const char* name, json value) {
        json body = good;
        body[name] = std::move(value);
        return message(body);
    };
    EXPECT_EQ(with("PAN", "47415200 0000003"), "PAN: InvalidFormat");
    EXPECT_EQ(with("PAN", "WOTISCREDITCARD!"), "PAN: InvalidFormat");
    EXPECT_EQ(with("PAN", "474152000000"), "PAN: InvalidFormat");
    EXPECT_EQ(with("ExpMonth", "13"), "ExpMonth: Invalid expiration date");
    EXPECT_EQ(with("ExpYear", "202"), "ExpMonth: Invalid expiration date");
    EXPECT_EQ(with("CVC", "12"), "CVC: InvalidFormat");
    EXPECT_EQ(with("Metadata", json::object()), "Metadata.Payload: 'Payload' should not be empty.");
    EXPECT_EQ(with("TokenLifetime", borgun_token_seconds_max), "");
    EXPECT_EQ(with("TokenLifetime", borgun_token_seconds_max + 1),
              "TokenLifetime: 'Token Lifetime' is too long.");
}

TEST(BorgunTokens, AFormIsAsGood) {
    Borgun borgun;
    auto request = Borgun::request("POST", "token/single",
                                   encoding::form({{"PAN", good_card},
                                                   {"ExpMonth", "09"},
                                                   {"ExpYear", "27"},
                                                   {"CVC", "415"},
                                                   {"TokenLifetime", "300"}}),
                                   public_key);
    request.headers[1].second = "application/x-www-form-urlencoded";
    EXPECT_EQ(borgun.send(request).status, 201);
}

TEST(BorgunTokens, AreKnownToTheirMerchantOnly) {
    Borgun borgun;
    const std::string id = borgun.single();
    EXPECT_EQ(borgun.api("GET", "token/single/" + id, nullptr, other_key).status, 404);
    EXPECT_EQ(borgun.api("PUT", "token/single/" + id + "/disable", nullptr, other_key).status, 404);
    EXPECT_EQ(borgun.api("POST", "payment", Borgun::payment(Borgun::token(id)), other_key).status, 400);
    EXPECT_EQ(borgun.api("GET", "token/single/InvalidToken").status, 400);
    EXPECT_EQ(borgun.api("GET", "token/single/ts_invalidtoken").status, 404);
    EXPECT_EQ(borgun.api("PUT", "token/single/InvalidToken/disable").status, 400);
    EXPECT_EQ(borgun.api("PUT", "token/multi/tm_invalidtoken/disable").status, 404);
    EXPECT_EQ(borgun.api("GET", "token/multi/InvalidToken").status, 400);
}

TEST(BorgunTokens, ASingleOnePaysOnceAndRemembersForWhat) {
    Borgun borgun;
    const std::string id = borgun.single();
    const json paid = borgun.pay(Borgun::payment(Borgun::token(id)));
    EXPECT_EQ(paid["PaymentMethod"]["Token"], id);
    const auto again = borgun.api("POST", "payment", Borgun::payment(Borgun::token(id)));
    EXPECT_EQ(again.status, 400);
    EXPECT_EQ(message_of(again), "Token: Token has already been used");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held"));
    // The one way to find a payment whose answer was lost.
    const json token = json_of(borgun.api("GET", "token/single/" + id));
    EXPECT_EQ(token["Used"], true);
    EXPECT_EQ(token["Enabled"], true) << "only says that nobody disabled it";
    EXPECT_EQ(token["TransactionId"], paid["TransactionId"]);
    EXPECT_EQ(token["UsedTime"], "2026-01-10T10:00:00Z");
    EXPECT_EQ(borgun.api("POST", "token/multi", {{"TokenSingle", id}}).status, 400);
}

TEST(BorgunTokens, ADeclinedPaymentUsesItToo) {
    Borgun borgun;
    const std::string id = borgun.single("4155520000000002");
    EXPECT_EQ(borgun.pay(Borgun::payment(Borgun::token(id)))["ActionCode"], "121");
    EXPECT_EQ(borgun.api("POST", "payment", Borgun::payment(Borgun::token(id))).status, 400);
}

TEST(BorgunTokens, WhatWasRefusedDoesNotUseIt) {
    Borgun borgun;
    const std::string id = borgun.single();
    json body = Borgun::payment(Borgun::token(id));
    body["OrderId"] = "short";
    EXPECT_EQ(borgun.api("POST", "payment", body).status, 400);
    EXPECT_EQ(borgun.enroll(Borgun::enrollment(Borgun::token(id)))["MdStatus"], "9") << "enrollment neither";
    EXPECT_EQ(borgun.pay(Borgun::payment(Borgun::token(id)))["ActionCode"], "000");
}

TEST(BorgunTokens, ExpireAndAreDisabled) {
    Borgun borgun;
    const std::string id = borgun.single(good_card, 20);
    borgun.clock.at += std::chrono::seconds(20) - Millis{1};
    EXPECT_EQ(borgun.enroll(Borgun::enrollment(Borgun::token(id)))["MdStatus"], "9");
    borgun.clock.at += Millis{1};
    EXPECT_EQ(message_of(borgun.api("POST", "payment", Borgun::payment(Borgun::token(id)))),
              "Token: Token has expired");
    EXPECT_EQ(borgun.api("POST", "mpi/v2/enrollment", Borgun::enrollment(Borgun::token(id))).status, 400);
    EXPECT_EQ(json_of(borgun.api("GET", "token/single/" + id))["Enabled"], true);

    const std::string other = borgun.single();
    const auto disabled = borgun.api("PUT", "token/single/" + other + "/disable");
    EXPECT_EQ(disabled.status, 204);
    EXPECT_EQ(disabled.body, "");
    EXPECT_EQ(json_of(borgun.api("GET", "token/single/" + other))["Enabled"], false);
    EXPECT_EQ(message_of(borgun.api("POST", "payment", Borgun::payment(Borgun::token(other)))),
              "Token: Token is disabled");
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

TEST(BorgunTokens, AMultiOnePaysAgainAndAgain) {
    Borgun borgun;
    const auto answer = borgun.api("POST", "token/multi", {{"TokenSingle", borgun.single()}});
    EXPECT_EQ(answer.status, 201);
    const json token = json_of(answer);
    const std::string id = token["Token"];
    EXPECT_THAT(id, StartsWith("tm_"));
    EXPECT_THAT(token["VirtualNumber"].get<std::string>(), MatchesRegex("99[0-9]{14}"));
    EXPECT_FALSE(token.contains("Used"));
    EXPECT_NE(borgun.pay(Borgun::payment(Borgun::token(id)))["TransactionId"],
              borgun.pay(Borgun::payment(Borgun::token(id)))["TransactionId"]);
    const json by_number = borgun.pay(
        Borgun::payment({{"PaymentType", "Card"}, {"PAN", token["VirtualNumber"]}}, 100'000, "Sale"));
    EXPECT_EQ(by_number["PaymentMethod"]["PAN"], token["PAN"]);
    EXPECT_THAT(borgun.kinds(), ElementsAre("held", "held", "taken"));
    EXPECT_EQ(borgun.api("PUT", "token/multi/" + id + "/disable").status, 204);
    EXPECT_EQ(json_of(borgun.api("GET", "token/multi/" + id))["Enabled"], false);
    EXPECT_EQ(borgun.api("POST", "payment", Borgun::payment(Borgun::token(id))).status, 400);
    EXPECT_EQ(borgun
                  .api("POST", "payment",
                       Borgun::payment({{"PaymentType", "Card"}, {"PAN", token["VirtualNumber"]}}))
                  .status,
              400);
}

TEST(BorgunTokens, AMultiOneWantsACardOrATokenNotBoth) {
    Borgun borgun;
    const std::string single = borgun.single();
    const json card{{"PAN", good_card}, {"ExpMonth", "09"}, {"ExpYear", "2027"}};
    EXPECT_EQ(borgun.api("POST", "token/multi", card).status, 201);
    json both = card;
    both["TokenSingle"] = single;
    EXPECT_EQ(borgun.api("POST", "token/multi", both).status, 400);
    EXPECT_EQ(borgun.api("POST", "token/multi", json::object()).status, 400);
    EXPECT_EQ(borgun.api("POST", "token/multi", {{"TokenSingle", single}}).status, 201);
    EXPECT_EQ(borgun.api("POST", "token/multi", {{"TokenSingle", single}}).status, 400) << "exchanged once";
}

TEST(BorgunTokens, VerifyCardAuthorisesAndCancels) {
    Borgun borgun;
    const auto verify = [&](const char* pan, json check) {
        return borgun.api(
            "POST", "token/multi",
            {{"PAN", pan}, {"ExpMonth", "09"}, {"ExpYear", "2027"}, {"VerifyCard", std::move(check)}});
    };
    const json zero = json_of(verify(good_card, {{"CheckAmount", 0}}));
    EXPECT_EQ(zero["VerifyCardResult"]["ActionCode"], "000");
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
    const json some =
        json_of(verify(good_card, {{"CheckAmount", 10'000}, {"Currency", "352"}, {"CVC", "415"}}));
    EXPECT_THAT(borgun.kinds(), ElementsAre("held", "hold_gone"));
    const json check =
        json_of(borgun.api("GET", "payment/" + some["VerifyCardResult"]["TransactionId"].get<std::string>()));
    EXPECT_EQ(check["TransactionStatus"], "Cancelled");
    EXPECT_EQ(check["Amount"], 10'000);
    const json bad = json_of(verify("4155520000000002", {{"CheckAmount", 0}}));
    EXPECT_EQ(bad["VerifyCardResult"]["ActionCode"], "121");
    EXPECT_THAT(bad["Token"].get<std::string>(), StartsWith("tm_")) << "the token is made all the same";
    EXPECT_EQ(verify(good_card, {{"CheckAmount", 100}}).status, 400) << "an amount wants its currency";
    EXPECT_EQ(verify(good_card, json::object()).status, 400);
    EXPECT_EQ(verify(good_card, {{"CheckAmount", 0}, {"CVC", "x"}}).status, 400);
}

// ---- payments ------------------------------------------------------------------------------------------

TEST(BorgunPayments, ShowWhatTheReferenceShows) {
    Borgun borgun;
    json body = Borgun::payment(Borgun::card("5587402000012011"), 499'000, "Sale");
    body["Metadata"] = {{"Payload", "order-12345"}};
    const auto answer = borgun.api("POST", "payment", body);
    EXPECT_EQ(answer.status, 201);
    const json paid = json_of(answer);
    const std::string id = paid["TransactionId"];
    EXPECT_THAT(id, MatchesRegex("tr_[A-Za-z0-9_-]{32}"));
    EXPECT_EQ(answer.header("Location"), "http://127.0.0.1:8081/borgun/rpg/api/payment/" + id);
    EXPECT_THAT(paid["AuthCode"].get<std::string>(), MatchesRegex("[0-9]{6}"));
    json expected{{"TransactionId", id},
                  {"TransactionType", "Sale"},
                  {"Amount", 499'000},
                  {"Currency", "352"},
                  {"TransactionDate", "2026-01-10T10:04:11"},
                  {"OrderId", "TM0000012345"},
                  {"AuthCode", paid["AuthCode"]},
                  {"ActionCode", "000"},
                  {"TransactionStatus", "Accepted"},
                  {"PaymentMethod",
                   {{"PaymentType", "Card"},
                    {"PAN", "558740******2011"},
                    {"ExpYear", "2027"},
                    {"ExpMonth", "09"},
                    {"CardType", "MasterCard"},
                    {"IsDebit", "False"}}},
                  {"Metadata", {{"Payload", "order-12345"}}}};
    EXPECT_EQ(paid, expected);
    EXPECT_EQ(json_of(borgun.api("GET", "payment/" + id)), expected);
    EXPECT_EQ(borgun.api("GET", "payment/" + id, nullptr, other_key).status, 404);
    EXPECT_EQ(borgun.api("GET", "payment/" + id.substr(3)).status, 400);
}

TEST(BorgunPayments, AcceptWhatTheOfficialClientsSend) {
    Borgun borgun;
    json body = Borgun::payment(Borgun::card(), 499'000, "Sale");
    body["TransactionType"] = 1;
    body["Currency"] = 352;
    body["TransactionDate"] = "2026-01-10T10:04:11.1234567+00:00";
    body["PaymentMethod"]["PaymentType"] = 2;
    body["PaymentMethod"]["Token"] = nullptr;
    body["ThreeDSecure"] = nullptr;
    body["Metadata"] = nullptr;
    const json paid = borgun.pay(body);
    EXPECT_EQ(paid["TransactionType"], "Sale") << "answers are words";
    EXPECT_EQ(paid["Currency"], "352");
    EXPECT_EQ(paid["TransactionDate"], "2026-01-10T10:04:11");
    body["Currency"] = 48;
    body["Amount"] = 1'250;
    EXPECT_EQ(borgun.pay(body)["Currency"], "048");
}

TEST(BorgunPayments, NothingIsIdempotent) {
    Borgun borgun;
    const auto request =
        Borgun::request("POST", "payment", Borgun::payment(Borgun::card(), 499'000, "Sale").dump());
    const json first = json_of(borgun.send(request));
    const json again = json_of(borgun.send(request));
    EXPECT_NE(first["TransactionId"], again["TransactionId"]);
    ASSERT_EQ(borgun.house->ledger().size(), 2U) << "the same request twice charges twice";
    EXPECT_EQ(borgun.house->ledger()[1].minor, 499'000);
    EXPECT_EQ(borgun.house->ledger()[1].reference, "TM0000012345");
    EXPECT_EQ(borgun.house->ledger()[1].currency, "ISK");
    EXPECT_EQ(borgun.house->ledger()[1].merchant, "demo-borgun");
}

TEST(BorgunPayments, SayWhatIsWrongInTheOrderOfTheFields) {
    Borgun borgun;
    EXPECT_EQ(
        message_of(borgun.api("POST", "payment", json::object())),
        "TransactionType: Invalid format; Currency: Invalid format; Amount: 'Amount' must be greater than "
        "'0'.; TransactionDate: Invalid format; OrderId: Invalid format; PaymentMethod: 'PaymentMethod' "
        "should "
        "not be empty.");
    const auto with = [&](const char* name, json value) {
        json body = Borgun::payment();
        body[name] = std::move(value);
        const auto answer = borgun.api("POST", "payment", body);
        return answer.status == 400 ? message_of(answer) : std::to_string(answer.status);
    };
    EXPECT_EQ(with("Currency", "ISK"), "Currency: Invalid format");
    EXPECT_EQ(with("Amount", "499000"), "Amount: 'Amount' must be greater than '0'.");
    EXPECT_EQ(with("Amount", 4990.5), "Amount: 'Amount' must be greater than '0'.");
    EXPECT_EQ(with("Amount", -100), "Amount: 'Amount' must be greater than '0'.");
    EXPECT_EQ(with("Amount", 499'050), "Amount: Invalid format") << "no cents in krónur";
    EXPECT_EQ(with("Amount", payment_minor_max * 100), "201");
    EXPECT_EQ(with("Amount", payment_minor_max * 100 + 100), "Amount: Invalid format");
    EXPECT_EQ(with("OrderId", "TM000001234"), "OrderId: Invalid format");
    EXPECT_EQ(with("OrderId", "TM00000123456"), "OrderId: Invalid format");
    EXPECT_EQ(with("OrderId", "TM-000012345"), "OrderId: Invalid format");
    EXPECT_EQ(with("OrderId", "IntegrTest01"), "201");
    EXPECT_EQ(with("TransactionType", "Refund"), "TransactionType: Invalid format");
    EXPECT_EQ(with("TransactionDate", "yesterday"), "TransactionDate: Invalid format");
    EXPECT_EQ(with("PaymentMethod", {{"PaymentType", "TokenMulti"}, {"Token", "ts_x"}}),
              "Token: InvalidFormat");
    EXPECT_EQ(with("PaymentMethod", {{"PaymentType", "Cash"}}), "PaymentMethod.PaymentType: Invalid format");
    EXPECT_EQ(with("ThreeDSecure", {{"DataType", "Guess"}}), "ThreeDSecure.DataType: Invalid format");
    json card = Borgun::card();
    card["CVC2"] = "12a";
    EXPECT_EQ(with("PaymentMethod", card), "CVC2: InvalidFormat");
}

TEST(BorgunPayments, ACurrencyThatTheContractLacksIsRefused) {
    Borgun borgun;
    json body = Borgun::payment();
    body["Currency"] = "978";
    const auto answer = borgun.api("POST", "payment", body, other_key);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(message_of(answer), "Currency: Not supported by the contract");
}

TEST(BorgunPayments, CentsOfKronurPassWhereTheContractDoesNotMind) {
    Borgun borgun([](auto& merchant) { merchant.checks.whole_krona = false; });
    EXPECT_EQ(borgun.pay(Borgun::payment(Borgun::card(), 499'050))["Amount"], 499'050);
}

TEST(BorgunPayments, PreAuthorizationIsHeldAndCapturedOnce) {
    Borgun borgun;
    const json paid = borgun.pay(Borgun::payment());
    EXPECT_EQ(paid["TransactionStatus"], "Uncaptured");
    EXPECT_EQ(paid["TransactionType"], "PreAuthorization");
    const std::string path = "payment/" + paid["TransactionId"].get<std::string>();
    EXPECT_EQ(borgun.api("PUT", path + "/refund").status, 400) << "nothing was taken";
    const auto captured = borgun.api("PUT", path + "/capture");
    EXPECT_EQ(captured.status, 200);
    EXPECT_EQ(json_of(captured), (json{{"TransactionId", paid["TransactionId"]}, {"ActionCode", "000"}}));
    EXPECT_EQ(borgun.api("PUT", path + "/capture").status, 400);
    EXPECT_EQ(borgun.api("PUT", path + "/cancel").status, 400);
    const json now = json_of(borgun.api("GET", path));
    EXPECT_EQ(now["TransactionType"], "Sale");
    EXPECT_EQ(now["TransactionStatus"], "Captured");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held", "taken"));
    EXPECT_EQ(borgun.api("PUT", path + "/capture", nullptr, other_key).status, 404);
}

TEST(BorgunPayments, PreAuthorizationIsCancelledOnce) {
    Borgun borgun;
    const std::string path = "payment/" + borgun.pay(Borgun::payment())["TransactionId"].get<std::string>();
    EXPECT_EQ(borgun.api("PUT", path + "/cancel").status, 200);
    EXPECT_EQ(borgun.api("PUT", path + "/cancel").status, 400);
    EXPECT_EQ(borgun.api("PUT", path + "/capture").status, 400);
    EXPECT_EQ(borgun.api("PUT", path + "/refund").status, 400);
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Cancelled");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held", "hold_gone"));
}

TEST(BorgunPayments, ASaleIsRefundedAndNeitherCancelledNorCaptured) {
    Borgun borgun;
    const json paid = borgun.pay(Borgun::payment(Borgun::card(), 499'000, "Sale"));
    const std::string path = "payment/" + paid["TransactionId"].get<std::string>();
    EXPECT_EQ(borgun.api("PUT", path + "/cancel").status, 400);
    EXPECT_EQ(borgun.api("PUT", path + "/capture").status, 400);
    const json refunded = json_of(borgun.api("PUT", path + "/refund"));
    EXPECT_EQ(refunded["ActionCode"], "000");
    EXPECT_FALSE(refunded.contains("Amount")) << "the transaction has to be read back";
    const json back =
        json_of(borgun.api("GET", "payment/" + refunded["RefundTransactionId"].get<std::string>()));
    EXPECT_EQ(back["Amount"], 499'000);
    EXPECT_EQ(back["OrderId"], "TM0000012345");
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Refunded");
    const auto again = borgun.api("PUT", path + "/refund");
    EXPECT_EQ(again.status, 400);
    EXPECT_EQ(message_of(again), "Transaction can not be refunded");
    EXPECT_EQ(
        borgun.api("PUT", "payment/" + refunded["RefundTransactionId"].get<std::string>() + "/refund").status,
        400);
    EXPECT_THAT(borgun.kinds(), ElementsAre("taken", "given_back"));
}

TEST(BorgunPayments, PartialRefundsEndWhereTheMoneyEnds) {
    Borgun borgun;
    const std::string path =
        "payment/" +
        borgun.pay(Borgun::payment(Borgun::card(), 499'000, "Sale"))["TransactionId"].get<std::string>();
    const auto part = [&](json amount) {
        return borgun.api("PUT", path + "/refund", {{"PartialAmount", amount}});
    };
    EXPECT_EQ(part(100'000).status, 200);
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Accepted");
    EXPECT_EQ(part(399'100).status, 400);
    EXPECT_EQ(part(0).status, 400);
    EXPECT_EQ(part(-100).status, 400);
    EXPECT_EQ(part("100").status, 400);
    EXPECT_EQ(part(150).status, 400) << "no cents in krónur";
    EXPECT_EQ(part(99'000).status, 200);
    EXPECT_EQ(borgun.api("PUT", path + "/refund").status, 200) << "what is left";
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Refunded");
    std::int64_t back = 0;
    for (const auto& entry : borgun.house->ledger()) back += entry.kind == "given_back" ? entry.minor : 0;
    EXPECT_EQ(back, 499'000);
}

TEST(BorgunPayments, AContractMayKnowOneRefundOnly) {
    Borgun borgun([](auto& merchant) { merchant.one_partial_refund = true; });
    const std::string path =
        "payment/" +
        borgun.pay(Borgun::payment(Borgun::card(), 499'000, "Sale"))["TransactionId"].get<std::string>();
    EXPECT_EQ(borgun.api("PUT", path + "/refund", {{"PartialAmount", 100'000}}).status, 200);
    EXPECT_EQ(borgun.api("PUT", path + "/refund", {{"PartialAmount", 100'000}}).status, 400);
}

TEST(BorgunPayments, AHoldRunsOut) {
    Borgun borgun;
    const std::string path = "payment/" + borgun.pay(Borgun::payment())["TransactionId"].get<std::string>();
    borgun.clock.at += borgun_hold_life - Millis{1};
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Uncaptured");
    borgun.clock.at += Millis{1};
    EXPECT_EQ(borgun.api("PUT", path + "/capture").status, 400);
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Cancelled");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held", "hold_gone"));
}

TEST(BorgunPayments, ACapturedHoldDoesNotRunOut) {
    Borgun borgun;
    const std::string path = "payment/" + borgun.pay(Borgun::payment())["TransactionId"].get<std::string>();
    borgun.api("PUT", path + "/capture");
    borgun.clock.at += borgun_hold_life;
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Captured");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held", "taken"));
}

// ---- answer codes --------------------------------------------------------------------------------------

std::string status_of_code(const borgun::ActionRow& row) {
    if (row.code == "000") return "Uncaptured";
    return row.is_error ? "Error" : "Declined";
}

TEST(BorgunCodes, EachIsReachedByACard) {
    Borgun borgun;
    for (const auto& row : borgun::action_rows()) {
        const auto before = borgun.house->ledger().size();
        const auto pan = borgun::test_card(borgun::How::at_once, 1, row.code);
        const json paid = borgun.pay(Borgun::payment(Borgun::card(pan)));
        EXPECT_EQ(paid["ActionCode"], std::string(row.code));
        EXPECT_EQ(paid["TransactionStatus"], status_of_code(row)) << row.code;
        EXPECT_EQ(paid.contains("AuthCode"), row.code == "000") << row.code;
        EXPECT_EQ(borgun.house->ledger().size() - before, row.code == "000" ? 1U : 0U) << row.code;
        EXPECT_EQ(json_of(borgun.api("GET", "payment/" + paid["TransactionId"].get<std::string>())), paid);
    }
}

TEST(BorgunCodes, EachIsReachedByAnAmount) {
    Borgun borgun;
    for (const auto& row : borgun::action_rows()) {
        if (row.code == "000") continue;
        const std::int64_t amount = (900'000 + std::stoi(std::string(row.code))) * 100LL;
        EXPECT_EQ(borgun.pay(Borgun::payment(Borgun::card(), amount))["ActionCode"], std::string(row.code));
    }
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

TEST(BorgunCodes, ADeclineCanHaveAnotherStatus) {
    Borgun borgun([](auto& merchant) { merchant.decline_status = 402; });
    EXPECT_EQ(borgun.pay(Borgun::payment(Borgun::card("4155520000000002")), 402)["TransactionStatus"],
              "Declined");
    EXPECT_EQ(borgun.pay(Borgun::payment(), 201)["TransactionStatus"], "Uncaptured");
}

TEST(BorgunCodes, CaptureCancelAndRefundCanBeDeclined) {
    Borgun borgun;
    const auto held = [&](std::int64_t amount, const char* type = "PreAuthorization") {
        const json paid = borgun.pay(Borgun::payment(Borgun::card(), amount, type));
        EXPECT_EQ(paid["ActionCode"], "000");
        return "payment/" + paid["TransactionId"].get<std::string>();
    };
    const std::string capture = held(90'191'200);
    const json declined = json_of(borgun.api("PUT", capture + "/capture"));
    EXPECT_EQ(declined["ActionCode"], "912");
    EXPECT_EQ(declined["Message"], "Issuer not available");
    EXPECT_EQ(json_of(borgun.api("GET", capture))["TransactionStatus"], "Uncaptured");
    EXPECT_EQ(json_of(borgun.api("PUT", capture + "/cancel"))["ActionCode"], "000");
    const std::string cancel = held(90'295'300);
    EXPECT_EQ(json_of(borgun.api("PUT", cancel + "/cancel"))["ActionCode"], "953");
    EXPECT_EQ(json_of(borgun.api("GET", cancel))["TransactionStatus"], "Uncaptured");
    const std::string refund = held(90'310'000, "Sale");
    const json refused = json_of(borgun.api("PUT", refund + "/refund"));
    EXPECT_EQ(refused["ActionCode"], "100");
    EXPECT_FALSE(refused.contains("RefundTransactionId"));
    EXPECT_EQ(json_of(borgun.api("GET", refund))["TransactionStatus"], "Accepted");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held", "hold_gone", "held", "taken"));
}

TEST(BorgunCodes, AnExpiredCardIsDeclinedUnlessTheContractForgives) {
    Borgun borgun;
    json card = Borgun::card("4111111111111111");
    card["ExpMonth"] = "04";
    card["ExpYear"] = "19";
    EXPECT_EQ(borgun.pay(Borgun::payment(card))["ActionCode"], "101");
    json body = Borgun::payment(card);
    EXPECT_EQ(json_of(borgun.api("POST", "payment", body, other_key))["ActionCode"], "000");
    card["ExpYear"] = "2026";
    card["ExpMonth"] = "01";
    EXPECT_EQ(borgun.pay(Borgun::payment(card))["ActionCode"], "000") << "good until the month is over";
}

TEST(BorgunCodes, AHostTimeoutMayHaveChargedAllTheSame) {
    Borgun borgun;
    const json nothing = borgun.pay(Borgun::payment(Borgun::card(card_ending("0953"))));
    EXPECT_EQ(nothing["ActionCode"], "953");
    EXPECT_EQ(nothing["TransactionStatus"], "Error");
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());

    const auto pan = borgun::test_card(borgun::How::at_once, 1, "953", false, true);
    const json charged = borgun.pay(Borgun::payment(Borgun::card(pan)));
    EXPECT_EQ(charged["ActionCode"], "953");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held"));
    const std::string path = "payment/" + charged["TransactionId"].get<std::string>();
    EXPECT_EQ(borgun.api("PUT", path + "/capture").status, 400) << "the gateway does not know yet";
    EXPECT_EQ(borgun.notices.size(), 1U) << "of the first payment only";
    borgun.advance(borgun_late_answer - Millis{1});
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Error");
    borgun.advance(Millis{1});
    EXPECT_EQ(borgun.notices.size(), 2U) << "the gateway tells by itself";
    const json known = json_of(borgun.api("GET", path));
    EXPECT_EQ(known["TransactionStatus"], "Uncaptured");
    EXPECT_EQ(known["ActionCode"], "000");
    EXPECT_EQ(borgun.api("PUT", path + "/cancel").status, 200);
    borgun.advance(borgun_late_answer);
    EXPECT_EQ(
        json_of(borgun.api("GET", "payment/" + nothing["TransactionId"].get<std::string>()))["ActionCode"],
        "953");
}

TEST(BorgunGateway, HoldsSoMuchAndNoMore) {
    auto with = borgun_options();
    with.objects_max = 2;
    Borgun borgun(with);
    borgun.single();
    borgun.single();
    EXPECT_EQ(borgun
                  .api("POST", "token/single",
                       {{"PAN", good_card}, {"ExpMonth", "09"}, {"ExpYear", "2027"}, {"TokenLifetime", 1}})
                  .status,
              503);
    EXPECT_EQ(borgun.api("POST", "payment", Borgun::payment()).status, 503);
    EXPECT_EQ(borgun.api("POST", "mpi/v2/enrollment", Borgun::enrollment()).status, 503);
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

}  // namespace
}  // namespace kassi::sandbox
