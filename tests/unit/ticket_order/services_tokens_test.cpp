#include "../log_lines.hpp"
#include "api/ticket_order/services/checks.hpp"
#include "services_world.hpp"

namespace kassi::api::ticket_order::services {
namespace {

json card(const std::string& pan = challenge1_card) {
    return {{"pan", pan}, {"expMonth", "09"}, {"expYear", "2027"}, {"tokenLifetime", 600}};
}

TEST_F(ServicesTest, ASingleTokenAsTheTableHasIt) {
    auto wanted = card();
    wanted["metadata"] = {{"payload", "cart \"88\""}};
    const auto reply = world_.post("token/single", wanted);
    ASSERT_EQ(reply.status, 200) << reply.raw.body;
    const auto& body = reply.body;
    EXPECT_EQ(body["success"], true);
    EXPECT_EQ(body["httpStatusCode"], 201);
    EXPECT_EQ(body["response"]["statusCode"], 201);
    const auto& token = body["response"]["token"];
    EXPECT_TRUE(token["token"].get<std::string>().starts_with("ts_"));
    EXPECT_EQ(token["pan"], "558740******2011");
    EXPECT_EQ(token["expMonth"], "09");
    EXPECT_EQ(token["expYear"], "2027");
    EXPECT_EQ(token["enabled"], true);
    EXPECT_EQ(token["metadata"]["payload"], "cart \"88\"");
    EXPECT_TRUE(body["response"]["uri"].get<std::string>().ends_with(token["token"].get<std::string>()));
}

TEST_F(ServicesTest, AMultiTokenIsVerifiedAsTheGatewayWantsIt) {
    auto wanted = card();
    wanted.erase("tokenLifetime");
    wanted["verifyCard"] = {{"checkAmount", 0}, {"currency", "ISK"}, {"cvc", "415"}};
    const auto reply = world_.post("token/multi", wanted);
    ASSERT_EQ(reply.status, 200) << reply.raw.body;
    const auto& token = reply.body["response"]["token"];
    EXPECT_EQ(reply.body["success"], true);
    EXPECT_TRUE(token["token"].get<std::string>().starts_with("tm_"));
    EXPECT_TRUE(token["virtualNumber"].get<std::string>().starts_with("99"));
    EXPECT_EQ(token["verifyCardResult"]["actionCode"], "000");
    EXPECT_TRUE(token["verifyCardResult"]["transactionId"].get<std::string>().starts_with("tr_"));
    const auto sent = json::parse(world_.sent().back().body);
    EXPECT_EQ(sent["VerifyCard"], (json{{"CheckAmount", 0}, {"Currency", "352"}, {"CVC", "415"}}));
    EXPECT_FALSE(sent.contains("TokenLifetime"));
}

TEST_F(ServicesTest, ACardThatItsBankRefusesIsNoSuccess) {
    auto wanted = card("4155520000000002");
    wanted["verifyCard"] = {{"checkAmount", 100}, {"currency", "352"}};
    const auto reply = world_.post("token/multi", wanted);
    EXPECT_EQ(reply.body["success"], false) << reply.raw.body;
    EXPECT_EQ(reply.body["response"]["token"]["verifyCardResult"]["actionCode"], "121");
    EXPECT_FALSE(reply.body["message"].get<std::string>().empty());
}

TEST_F(ServicesTest, JsvNamesInAnyCaseAndThePredefinedPaths) {
    const auto text = "{REQUEST:{Pan:" + std::string(frictionless_card) +
                      ",EXPMONTH:9,expyear:27,TokenLifetime:600,unknown:{a:1}}}";
    const auto own = world_.post_text("token/single.jsv", text, "application/jsv");
    ASSERT_EQ(own.status, 200) << own.raw.body;
    EXPECT_TRUE(own.raw.body.starts_with("{response:{statusCode:201,token:{token:ts_")) << own.raw.body;
    EXPECT_NE(own.raw.body.find("success:True,httpStatusCode:201"), std::string::npos) << own.raw.body;
    const auto predefined =
        world_.post_text("/jsv/reply/BorgunServicesGetSingleTokenRequest", text, "text/plain");
    EXPECT_EQ(predefined.status, 200) << predefined.raw.body;
    EXPECT_EQ(predefined.raw.header("Content-Type"), "application/jsv");
    const auto form = world_.post_text(
        "/BORGUNSERVICES/token/SINGLE.json",
        encoding::form({{"request", R"({"pan":")" + std::string(frictionless_card) +
                                        R"(","expMonth":"9","expYear":"27","tokenLifetime":60})"}}),
        "application/x-www-form-urlencoded");
    EXPECT_EQ(form.status, 200) << form.raw.body;
    EXPECT_EQ(form.body["success"], true);
}

TEST_F(ServicesTest, TokensThatMakeNoSense) {
    const auto with = [&](const char* path, const char* name, const json& value) {
        auto wanted = card();
        if (value.is_null())
            wanted.erase(name);
        else
            wanted[name] = value;
        return faults_of(world_.post(path, wanted));
    };
    const auto single = [&](const char* name, const json& value) {
        return with("token/single", name, value);
    };
    EXPECT_EQ(single("pan", nullptr), "400 Request.Pan: must not be empty;");
    EXPECT_EQ(single("pan", "5587402000012012"), "400 Request.Pan: The card number is not valid.;");
    EXPECT_EQ(single("pan", "55874020\"00012011"), "400 Request.Pan: must be digits;");
    EXPECT_EQ(single("expMonth", "13"),
              "400 Request.ExpMonth: must be a month, as 09, and expYear a year, as 2027;");
    EXPECT_EQ(single("expYear", "1927"),
              "400 Request.ExpMonth: must be a month, as 09, and expYear a year, as 2027;");
    EXPECT_EQ(single("expYear", "2024"), "400 Request.ExpMonth: The card has expired.;");
    EXPECT_EQ(single("tokenLifetime", nullptr),
              "400 Request.TokenLifetime: must be from 1 to 86400 seconds;");
    EXPECT_EQ(single("tokenLifetime", token_seconds_max + 1),
              "400 Request.TokenLifetime: must be from 1 to 86400 seconds;");
    EXPECT_EQ(single("tokenLifetime", "soon"), "400 Request.TokenLifetime: must be an integer;");
    EXPECT_EQ(single("verifyCard", {{"cvc", "41x"}}),
              "400 Request.VerifyCard.Cvc: must be three or four digits;");
    EXPECT_EQ(single("metadata", {{"payload", std::string(payload_bytes_max + 1, 'x')}}),
              "400 Request.Metadata.Payload: must have at most 1000 bytes;");
    EXPECT_EQ(single("metadata", {{"payload", challenge1_card}}),
              "400 Request.Metadata.Payload: must not hold card data;");
    const auto multi = [&](const json& verify) { return with("token/multi", "verifyCard", verify); };
    EXPECT_EQ(multi({{"checkAmount", 100}}), "400 Request.VerifyCard.Currency: must not be empty;");
    // XXX is ISO 4217's own code for no currency: it must not pass for one.
    EXPECT_EQ(multi({{"checkAmount", 100}, {"currency", "XXX"}}),
              "400 Request.VerifyCard.Currency: must be a currency that the gateway knows, by code or "
              "number, such as ISK or 352;");
    EXPECT_EQ(multi({{"checkAmount", -1}, {"currency", "352"}}),
              "400 Request.VerifyCard.CheckAmount: must be 0 or an amount with two digits more than its "
              "currency is counted in;");
    EXPECT_EQ(multi({{"checkAmount", 50}, {"currency", "352"}}),
              "400 Request.VerifyCard.CheckAmount: must be 0 or an amount with two digits more than its "
              "currency is counted in;");
    EXPECT_EQ(faults_of(world_.post_text("token/single", "{}", "application/json")),
              "400 Request: must not be empty;");
    EXPECT_EQ(faults_of(world_.post_text("token/single", R"({"request":7})", "application/json")),
              "400 Request: must be an object;");
    EXPECT_TRUE(world_.sent().empty()) << "nobody was asked";
    EXPECT_EQ(single("tokenLifetime", token_seconds_max).substr(0, 3), "200");
    EXPECT_EQ(single("metadata", {{"payload", std::string(payload_bytes_max, 'x')}}).substr(0, 3), "200");
}

TEST_F(ServicesTest, WhoMay) {
    EXPECT_EQ(world_.post("token/single", card(), "nobody").status, 403);
    EXPECT_EQ(world_.post("token/single", card(), "unknown").status, 401);
    const auto poor = world_.post("token/single", card(), "poor");
    EXPECT_EQ(faults_of(poor), "403 no way of paying by tokens of Borgun is set up for you");
    EXPECT_EQ(
        world_.send({"GET", "/borgunServices/token/single", {{"Authorization", "Bearer key-of-app"}}, "", ""})
            .status,
        404);
    EXPECT_TRUE(world_.sent().empty());
}

TEST_F(ServicesTest, NoCardInAUrl) {
    const auto reply = world_.post_text(
        "token/single?request=" + encoding::percent_encode("{pan:" + std::string(challenge1_card) + "}"),
        "{}", "application/json");
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.raw.body.find(challenge1_card), std::string::npos);
    EXPECT_TRUE(world_.sent().empty());
}

TEST_F(ServicesTest, TheCallersFirstMerchantOfTheKindIsAsked) {
    const auto asked_as = [&](const std::string& caller) {
        world_.token(frictionless_card, caller);
        return std::string(world_.sent().back().header("Authorization"));
    };
    const auto key = [](const std::string& merchant) {
        return "Basic " + encoding::base64("100001_prOf" + merchant + ":");
    };
    EXPECT_EQ(asked_as("app"), key("app-borgun"));
    EXPECT_EQ(asked_as("elsewhere"), key("other-borgun"));
    EXPECT_EQ(asked_as("foreign"), key("app-borgun")) << "neither credit nor cards only";
}

TEST_F(ServicesTest, TheGatewayIsSilentBusyOrRefuses) {
    const auto outcome = [&](const std::optional<HttpResponse>& answer) {
        world_.instead().push_back(answer);
        const auto reply = world_.post("token/single", card());
        EXPECT_EQ(reply.status, 200) << reply.raw.body;
        EXPECT_EQ(reply.body["success"], false);
        EXPECT_FALSE(reply.body["response"].contains("token"));
        EXPECT_EQ(reply.body["response"]["statusCode"], reply.body["httpStatusCode"]);
        EXPECT_EQ(reply.raw.body.find(challenge1_card), std::string::npos);
        return std::to_string(reply.body["httpStatusCode"].get<int>()) + " " +
               reply.body["message"].get<std::string>();
    };
    EXPECT_EQ(outcome(std::nullopt), "504 The gateway did not answer in time. Try again.");
    EXPECT_EQ(outcome(HttpResponse{503, {}, ""}), "503 The gateway is out of order. Try again later.");
    EXPECT_EQ(outcome(HttpResponse{500, {}, challenge1_card}),
              "500 The gateway is out of order. Try again later.");
    EXPECT_EQ(outcome(HttpResponse{401, {}, R"({"Message":"denied"})"}),
              "502 The gateway does not take our requests. Tell whoever runs this service.");
    EXPECT_EQ(outcome(HttpResponse{201, {}, "<html>"}), "502 The gateway's answer was not understood.");
    EXPECT_EQ(outcome(HttpResponse{201, {}, R"({"Token":"tx_no"})"}),
              "502 The gateway's answer was not understood.");
    EXPECT_EQ(outcome(HttpResponse{400, {}, R"({"Message":"PAN: 5587402000012011 is wrong; ExpMonth: no"})"}),
              "400 The gateway refused request.pan, request.expMonth.");
    EXPECT_EQ(outcome(HttpResponse{400, {}, ""}), "400 The gateway refused the request.");
}

TEST_F(ServicesTest, WhatTheGatewayShouldNotTellIsNotToldOn) {
    world_.instead().push_back(HttpResponse{
        201,
        {{"Location", "javascript:alert(1)"}},
        R"({"Token":"ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf","PAN":"5587402000012011","ExpMonth":"09\u0007","Enabled":"True"})"});
    const auto reply = world_.post("token/single", card());
    EXPECT_EQ(reply.body["response"]["token"],
              (json{{"token", "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf"}, {"enabled", true}}));
    EXPECT_FALSE(reply.body["response"].contains("uri"));
}

TEST_F(ServicesTest, TheDeskHasAnEnd) {
    // The gateway answers nobody before all have asked.
    const std::size_t too_many = 65;
    const auto replies = world_.post_at_once(too_many, "token/single", card());
    std::size_t made = 0, turned_away = 0;
    for (const auto& reply : replies) {
        made += reply.body["success"] == true ? 1 : 0;
        turned_away += reply.body["httpStatusCode"] == 503 ? 1 : 0;
    }
    EXPECT_EQ(made, too_many - 1);
    EXPECT_EQ(turned_away, 1U);
    EXPECT_EQ(world_.post("token/single", card()).body["success"], true) << "and is free again";
}

TEST_F(ServicesTest, NothingOfACardIsKeptOrLogged) {
    const LogLines log;
    auto wanted = card("4111111111111111");
    wanted["verifyCard"] = {{"checkAmount", 0}, {"cvc", "9183"}};
    world_.post("token/multi", wanted);
    wanted["pan"] = "4111111111111112";
    world_.post("token/single", wanted);
    const auto text = log.text();
    EXPECT_NE(text.find("BorgunServicesGetMultiTokenRequest"), std::string::npos) << text;
    for (const auto* secret : {"41111111", "9183", "tm_", "ts_", "key-of-app"}) {
        EXPECT_EQ(text.find(secret), std::string::npos) << secret;
        EXPECT_EQ(world_.disk().find(secret), std::string::npos) << secret;
    }
}

}  // namespace
}  // namespace kassi::api::ticket_order::services
