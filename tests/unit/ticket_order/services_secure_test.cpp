#include "../log_lines.hpp"
#include "api/ticket_order/services/checks.hpp"
#include "providers/borgun/codes.hpp"
#include "sandbox/simulators/borgun_tables.hpp"
#include "services_world.hpp"

/// 3DEnrollment and 3DResVerification.
namespace kassi::api::ticket_order::services {
namespace {

HttpResponse said(const json& body, int status = 200) {
    return {status, {}, body.dump()};
}

TEST_F(ServicesTest, AFrictionlessEnrollmentMayBePaidWith) {
    const auto token = world_.token(frictionless_card);
    const auto enrolled = world_.enroll(token);
    EXPECT_EQ(enrolled["success"], true);
    EXPECT_EQ(enrolled["httpStatusCode"], 200);
    const auto& response = enrolled["response"];
    EXPECT_EQ(response["mdStatus"], "1");
    EXPECT_EQ(response["resultStatus"], 0);
    EXPECT_EQ(response["enrollmentStatus"], "Y");
    EXPECT_EQ(response["md"], "cart-88");
    EXPECT_FALSE(response.contains("redirectToACSDAta"));
    EXPECT_TRUE(claims_to_be_certificate(response["mpiToken"].get<std::string>()));
    const auto bare = world_.services().proofs().bare_token(
        response["mpiToken"].get<std::string>(),
        {"app", "app-borgun", token, {4'990, *Currency::parse("ISK", "currency")}}, false,
        world_.engine().now());
    ASSERT_TRUE(bare) << bare.error().message;
    EXPECT_TRUE(bare->starts_with("mpi-"));
    const auto sent = json::parse(world_.sent().back().body);
    EXPECT_EQ(sent, (json{{"CardDetails", {{"PaymentType", "TokenSingle"}, {"Token", token}}},
                          {"PurchAmount", 4'990},
                          {"Exponent", 0},
                          {"Currency", "352"},
                          {"TermUrl", term_url},
                          {"MD", "cart-88"},
                          {"Description", "Two seats"}}));
}

TEST_F(ServicesTest, AChallengeAsTheTableHasIt) {
    const auto enrolled = world_.enroll(world_.token(challenge1_card));
    EXPECT_EQ(enrolled["success"], true);
    const auto& response = enrolled["response"];
    EXPECT_EQ(response["mdStatus"], "9");
    EXPECT_FALSE(response["messageId"].get<std::string>().empty());
    EXPECT_NE(response["redirectToACSForm"].get<std::string>().find("<form"), std::string::npos);
    const auto& list = response["redirectToACSDAta"];
    ASSERT_EQ(list.size(), 4U);
    EXPECT_EQ(list[0]["name"], "actionURL");
    EXPECT_EQ(list[1]["name"], "PaReq");
    EXPECT_EQ(list[3]["values"], term_url);
}

class Challenged : public ServicesTest, public testing::WithParamInterface<const char*> {};

TEST_P(Challenged, IsWorthNothingBeforeTheBanksAnswerWasVerified) {
    const auto token = world_.token(GetParam());
    const auto enrolled = world_.enroll(token);
    const auto mpi_token = enrolled["response"]["mpiToken"].get<std::string>();
    const auto order = world_.order();
    EXPECT_EQ(faults_of(world_.post("Finish3DProcess", world_.final_info(order, token, mpi_token))),
              "400 Request.ThreeDSecure.MpiToken: waits for the bank's answer: post it to "
              "/borgunServices/3DResVerification first;");
    const auto verified = world_.post("3DResVerification", world_.at_the_bank(enrolled));
    ASSERT_EQ(verified.body["success"], true) << verified.raw.body;
    const auto& response = verified.body["response"];
    EXPECT_EQ(response["mdStatus"], "1");
    EXPECT_EQ(response["authenticationStatus"], "Y");
    EXPECT_EQ(response["enrollmentStatus"], "Y");
    EXPECT_EQ(response["paResVerified"], "true");
    EXPECT_EQ(response["paResSyntaxOK"], "true");
    for (const auto* name : {"xId", "eci", "cavv", "cavvAlgorithm"})
        EXPECT_FALSE(response[name].get<std::string>().empty()) << name;
    // The app knows the first one only; the second needs no memory.
    EXPECT_EQ(world_.finish(order, token, mpi_token)["success"], true);
}
INSTANTIATE_TEST_SUITE_P(BothProtocols, Challenged, testing::Values(challenge1_card, challenge2_card));

TEST_P(Challenged, AfterARestartTheSecondOnePays) {
    const auto token = world_.token(GetParam());
    const auto enrolled = world_.enroll(token);
    const auto mpi_token = enrolled["response"]["mpiToken"].get<std::string>();
    const auto verified = world_.post("3DResVerification", world_.at_the_bank(enrolled));
    const auto second = verified.body["response"]["mpiToken"].get<std::string>();
    EXPECT_NE(second, mpi_token);
    const auto order = world_.order();
    world_.restart_services();
    EXPECT_EQ(world_.finish(order, token, mpi_token).value("success", false), false);
    EXPECT_EQ(world_.finish(order, token, second)["success"], true);
}

TEST_P(Challenged, ARestartBetweenIsMendedByTheMpiTokenOfTheEnrollment) {
    const auto token = world_.token(GetParam());
    const auto enrolled = world_.enroll(token);
    const auto answer = world_.at_the_bank(enrolled);
    world_.restart_services();
    auto with = answer;
    with["mpiToken"] = enrolled["response"]["mpiToken"];
    const auto verified = world_.post("3DResVerification", with);
    ASSERT_EQ(verified.body["success"], true) << verified.raw.body;
    EXPECT_EQ(world_.finish(world_.order(), token, verified.body["response"]["mpiToken"])["success"], true);
}

TEST_F(ServicesTest, WithoutItTheAuthenticationIsNobodys) {
    const auto enrolled = world_.enroll(world_.token(challenge1_card));
    const auto answer = world_.at_the_bank(enrolled);
    world_.restart_services();
    const auto verified = world_.post("3DResVerification", answer);
    EXPECT_EQ(verified.body["success"], false);
    EXPECT_EQ(verified.body["response"]["mdStatus"], "1");
    EXPECT_EQ(verified.body["message"], "The authentication belongs to no enrollment of yours.");
    EXPECT_FALSE(verified.body["response"].contains("mpiToken"));
}

TEST_F(ServicesTest, AnMpiTokenOfAnotherEnrollmentDoesNotHelp) {
    const auto token = world_.token(challenge1_card);
    const auto first = world_.enroll(token);
    const auto second = world_.enroll(token);
    world_.restart_services();
    auto answer = world_.at_the_bank(first);
    answer["mpiToken"] = second["response"]["mpiToken"];
    const auto verified = world_.post("3DResVerification", answer);
    EXPECT_EQ(verified.body["success"], false) << verified.raw.body;
    answer["mpiToken"] = "kassi3ds.AAAA.AAAA";
    EXPECT_EQ(faults_of(world_.post("3DResVerification", answer)),
              "400 Request.MpiToken: was not issued here: enroll by /borgunServices/3DEnrollment;");
    answer["mpiToken"] = first["response"]["mpiToken"];
    EXPECT_EQ(faults_of(world_.post("3DResVerification", answer, "neighbour")),
              "400 Request.MpiToken: was not issued here: enroll by /borgunServices/3DEnrollment;");
}

TEST_F(ServicesTest, ANeighboursVerificationOpensNothing) {
    const auto token = world_.token(challenge1_card);
    const auto enrolled = world_.enroll(token);
    const auto verified = world_.post("3DResVerification", world_.at_the_bank(enrolled), "neighbour");
    EXPECT_EQ(verified.body["success"], false) << verified.raw.body;
    EXPECT_FALSE(verified.body["response"].contains("mpiToken"));
    EXPECT_EQ(world_.finish(world_.order(), token, enrolled["response"]["mpiToken"]).value("success", false),
              false);
}

TEST_F(ServicesTest, WhoFailsAtTheBankGetsNothing) {
    for (const std::string card : {challenge1_card, challenge2_card}) {
        const auto token = world_.token(card);
        const auto enrolled = world_.enroll(token);
        const auto verified = world_.post("3DResVerification", world_.at_the_bank(enrolled, "fail"));
        EXPECT_EQ(verified.body["success"], false) << verified.raw.body;
        EXPECT_EQ(verified.body["response"]["mdStatus"], "0");
        EXPECT_FALSE(verified.body["response"].contains("mpiToken"));
        EXPECT_FALSE(verified.body["message"].get<std::string>().empty());
        EXPECT_EQ(
            world_.finish(world_.order(), token, enrolled["response"]["mpiToken"]).value("success", false),
            false);
    }
    EXPECT_TRUE(world_.gate().house->ledger().empty());
}

TEST_F(ServicesTest, AnAttemptPays) {
    const auto token = world_.token(challenge1_card);
    const auto enrolled = world_.enroll(token);
    const auto verified = world_.post("3DResVerification", world_.at_the_bank(enrolled, "attempt"));
    EXPECT_EQ(verified.body["response"]["mdStatus"], "4");
    EXPECT_EQ(world_.finish(world_.order(), token, enrolled["response"]["mpiToken"])["success"], true);
}

TEST_F(ServicesTest, ATamperedPaResGetsNothing) {
    const auto token = world_.token(challenge1_card);
    const auto enrolled = world_.enroll(token);
    auto answer = world_.at_the_bank(enrolled);
    answer["paRes"] = "AAAA" + answer["paRes"].get<std::string>();
    EXPECT_EQ(world_.post("3DResVerification", answer).body["success"], false);
    EXPECT_EQ(world_.finish(world_.order(), token, enrolled["response"]["mpiToken"]).value("success", false),
              false);
}

TEST_F(ServicesTest, EveryMdStatusOfAnEnrollment) {
    for (const auto& row : providers::borgun::md_rows()) {
        if (row.status == 5) continue;  // asked twice, see below
        const auto pan = sandbox::borgun::test_card(sandbox::borgun::How::at_once, row.status, "000");
        const auto token = world_.token(pan);
        const auto enrolled = world_.enroll(token);
        const bool good = row.status >= 1 && row.status <= 4;
        if (row.status == 9 || row.status == 50) continue;  // the range has them as challenges
        EXPECT_EQ(enrolled["success"], good) << enrolled;
        EXPECT_EQ(enrolled["response"].contains("mpiToken"), good) << enrolled;
        EXPECT_EQ(enrolled["response"]["mdStatus"], std::to_string(row.status));
        if (!good) {
            EXPECT_EQ(enrolled["message"], row.text);
        }
    }
}

TEST_F(ServicesTest, KronurAreAskedForAgainWithTwoDigits) {
    const auto token = world_.token(acs::card_ending("0005"));
    const auto enrolled = world_.enroll(token);
    EXPECT_EQ(enrolled["response"]["mdStatus"], "9") << enrolled;
    const auto sent = json::parse(world_.sent().back().body);
    EXPECT_EQ(sent["PurchAmount"], 499'000);
    EXPECT_EQ(sent["Exponent"], 2);
    world_.post("3DResVerification", world_.at_the_bank(enrolled));
    EXPECT_EQ(world_.finish(world_.order(), token, enrolled["response"]["mpiToken"])["success"], true);
}

TEST_F(ServicesTest, AMethodIsNotRunAndTheEnrollmentGoesOn) {
    world_.instead() = {said({{"MdStatus", "50"},
                              {"XId", "x1"},
                              {"TxId", "t1"},
                              {"MPIToken", "mpi-first"},
                              {"TDSMethodContent", "<script>"}}),
                        said({{"MdStatus", "1"}, {"XId", "x1"}})};
    const std::string token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";
    const auto enrolled = world_.enroll(token);
    EXPECT_EQ(enrolled["success"], true) << enrolled;
    EXPECT_EQ(json::parse(world_.sent().back().body),
              (json{{"XId", "x1"}, {"TxId", "t1"}, {"TDS2ThreeDSCompInd", "U"}}));
    EXPECT_EQ(*world_.services().proofs().bare_token(
                  enrolled["response"]["mpiToken"].get<std::string>(),
                  {"app", "app-borgun", token, {4'990, *Currency::parse("ISK", "currency")}}, false,
                  world_.engine().now()),
              "mpi-first");
    // Once only.
    world_.instead() = {said({{"MdStatus", "50"}, {"XId", "x1"}, {"TxId", "t1"}, {"MPIToken", "mpi-first"}}),
                        said({{"MdStatus", "50"}, {"XId", "x1"}, {"TxId", "t1"}})};
    EXPECT_EQ(world_.enroll(token)["success"], false);
    EXPECT_TRUE(world_.instead().empty());
}

TEST_F(ServicesTest, EnrollmentsThatAreNotUnderstoodAreNoSuccess) {
    const std::string token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";
    const json list = json::array({{{"Name", "actionURL"}, {"Value", "https://bank.example/"}}});
    for (const auto& answer : {json{{"MdStatus", "1"}}, json{{"MdStatus", "1"}, {"MPIToken", "has blanks"}},
                               json{{"MdStatus", "1"}, {"MPIToken", std::string(201, 'x')}},
                               json{{"MdStatus", "1"}, {"MPIToken", "mpi-1"}, {"ResultStatus", 3}},
                               json{{"MdStatus", "9"}, {"MPIToken", "mpi-1"}, {"XId", "x"}},
                               json{{"MdStatus", "9"}, {"MPIToken", "mpi-1"}, {"RedirectToACSData", list}},
                               json{{"MdStatus", "9"}, {"XId", "x"}, {"RedirectToACSData", list}}}) {
        world_.instead() = {said(answer)};
        const auto enrolled = world_.enroll(token);
        EXPECT_EQ(enrolled["success"], false) << enrolled;
        EXPECT_FALSE(enrolled["response"].contains("mpiToken")) << enrolled;
        EXPECT_EQ(enrolled["message"], "3-D Secure answered in a way that is not understood.");
    }
    world_.instead() = {
        said({{"MdStatus", "9"}, {"MPIToken", "mpi-1"}, {"XId", "x"}, {"RedirectToACSData", list}})};
    EXPECT_EQ(world_.enroll(token)["success"], true);
}

TEST_F(ServicesTest, AnswersOfTheMpiAreBounded) {
    const std::string token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";
    const auto with = [&](std::size_t mpi, std::size_t xid, std::size_t fields) {
        json list = json::array({{{"Name", "actionURL"}, {"Value", "https://bank.example/"}}});
        while (list.size() < fields) list.push_back({{"Name", "x"}, {"Value", "y"}});
        world_.instead() = {said({{"MdStatus", "9"},
                                  {"MPIToken", std::string(mpi, 'm')},
                                  {"XId", std::string(xid, 'x')},
                                  {"RedirectToACSData", list}})};
        const auto enrolled = world_.enroll(token);
        if (enrolled["success"] == true) {
            EXPECT_LE(enrolled["response"]["mpiToken"].get<std::string>().size(), certificate_bytes_max);
        }
        return enrolled["success"] == true;
    };
    EXPECT_TRUE(with(mpi_token_bytes_max, xid_bytes_max, providers::borgun::services::redirect_fields_max));
    EXPECT_FALSE(with(mpi_token_bytes_max + 1, xid_bytes_max, 2));
    EXPECT_FALSE(with(mpi_token_bytes_max, xid_bytes_max + 1, 2));
    EXPECT_FALSE(with(1, 1, providers::borgun::services::redirect_fields_max + 1));
}

TEST_F(ServicesTest, TheMpiIsSilentBusyOrRefuses) {
    const std::string token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";
    const auto outcome = [&](const std::string& path, const json& request,
                             const std::optional<HttpResponse>& answer) {
        world_.instead() = {answer};
        const auto reply = world_.post(path, request);
        EXPECT_EQ(reply.status, 200) << reply.raw.body;
        EXPECT_EQ(reply.body["success"], false);
        EXPECT_FALSE(reply.body.contains("response"));
        return std::to_string(reply.body["httpStatusCode"].get<int>()) + " " +
               reply.body["message"].get<std::string>();
    };
    const auto enroll = [&](const std::optional<HttpResponse>& answer) {
        return outcome("3DEnrollment", World::enrollment(token), answer);
    };
    const auto verify = [&](const std::optional<HttpResponse>& answer) {
        return outcome("3DResVerification", {{"paRes", "eJxV"}, {"md", "1"}}, answer);
    };
    EXPECT_EQ(enroll(std::nullopt), "504 The gateway did not answer in time. Try again.");
    EXPECT_EQ(verify(std::nullopt), "504 The gateway did not answer in time. Try again.");
    EXPECT_EQ(enroll(HttpResponse{500, {}, ""}), "500 The gateway is out of order. Try again later.");
    EXPECT_EQ(verify(HttpResponse{429, {}, ""}), "429 The gateway is out of order. Try again later.");
    EXPECT_EQ(enroll(HttpResponse{200, {}, "[]"}), "502 The gateway's answer was not understood.");
    EXPECT_EQ(verify(HttpResponse{200, {}, R"({"XId":"x"})"}),
              "502 The gateway's answer was not understood.");
    EXPECT_EQ(enroll(HttpResponse{
                  400, {}, R"({"Message":"CardDetails.Token: Token has expired; TermUrl: Invalid"})"}),
              "400 The gateway refused request.cardDetails.token, request.termURL.");
    EXPECT_EQ(verify(HttpResponse{400, {}, R"({"Message":"PARes: no"})"}),
              "400 The gateway refused request.paRes.");
    // By the gateway itself.
    const auto unknown = world_.post("3DEnrollment", World::enrollment(token));
    EXPECT_EQ(unknown.body["message"], "The gateway refused request.cardDetails.token.") << unknown.raw.body;
}

TEST_F(ServicesTest, EnrollmentsThatMakeNoSense) {
    const std::string token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";
    const auto with = [&](const char* name, const json& value) {
        auto wanted = World::enrollment(token);
        if (value.is_null())
            wanted.erase(name);
        else
            wanted[name] = value;
        return faults_of(world_.post("3DEnrollment", wanted));
    };
    const std::string isk =
        "400 Request.PurchAmount: must be above 0, no more than a payment may be, and one that ISK has;";
    EXPECT_EQ(with("purchAmount", nullptr), "400 Request.PurchAmount: must not be empty;");
    EXPECT_EQ(with("purchAmount", 0), isk);
    EXPECT_EQ(with("purchAmount", -1), isk);
    EXPECT_EQ(with("purchAmount", payment_minor_max + 1), isk);
    EXPECT_EQ(with("purchAmount", 4990.5), "400 Request.PurchAmount: must be an integer;");
    EXPECT_EQ(with("exponent", 1),
              "400 Request.Exponent: must be 0 or 2: the digits behind the point of ISK;");
    EXPECT_EQ(with("exponent", 2), isk) << "4990 with two digits is no whole number of kronur";
    EXPECT_EQ(with("currency", nullptr), "400 Request.Currency: must not be empty;");
    EXPECT_EQ(with("currency", "999"),
              "400 Request.Currency: must be a currency that the gateway knows, by code or number, such as "
              "ISK or 352;");
    EXPECT_EQ(with("termURL", nullptr), "400 Request.TermURL: must not be empty;");
    EXPECT_EQ(with("termURL", "javascript:alert(1)"),
              "400 Request.TermURL: must be an address of http or https;");
    EXPECT_EQ(with("md", std::string(md_bytes_max + 1, 'x')),
              "400 Request.Md: must have at most 1000 bytes;");
    EXPECT_EQ(with("md", challenge1_card), "400 Request.Md: must not hold card data;");
    EXPECT_EQ(with("description", std::string(description_bytes_max + 1, 'x')),
              "400 Request.Description: must have at most 120 bytes;");
    EXPECT_EQ(with("cardDetails", nullptr), "400 Request.CardDetails: must not be empty;");
    EXPECT_EQ(with("cardDetails", {{"paymentType", "Card"}, {"pan", challenge1_card}}),
              "400 Request.CardDetails.PaymentType: must be TokenSingle or TokenMulti: make a token of the "
              "card first, which pays at the end;");
    EXPECT_EQ(with("cardDetails", {{"paymentType", "Cash"}, {"token", token}}),
              "400 Request.CardDetails.PaymentType: must be TokenSingle or TokenMulti;");
    EXPECT_EQ(with("cardDetails", {{"paymentType", "TokenMulti"}, {"token", token}}),
              "400 Request.CardDetails.Token: is not of the kind that paymentType says;");
    EXPECT_EQ(with("cardDetails", {{"paymentType", "TokenSingle"}}),
              "400 Request.CardDetails.Token: must not be empty;");
    EXPECT_EQ(with("cardDetails", {{"paymentType", "TokenSingle"}, {"token", challenge1_card}}),
              "400 Request.CardDetails.Token: is no token of the gateway's: ts_... or tm_...;");
    EXPECT_EQ(with("cardDetails", {{"paymentType", "TokenSingle"}, {"token", token}, {"cvc2", "123"}}),
              "400 Request.CardDetails.Cvc2: must be left out where a token is enrolled;");
    EXPECT_TRUE(world_.sent().empty());
    EXPECT_EQ(with("purchAmount", payment_minor_max).substr(0, 3), "200");
    EXPECT_EQ(with("md", std::string(md_bytes_max, 'x')).substr(0, 3), "200");
}

TEST(EnrollmentAmounts, AreExactInEveryCurrency) {
    EnrollmentWanted wanted;
    wanted.card_details =
        CardDetails{.payment_type = "TokenMulti", .token = Secret<>("tm_7Hf2kQ9sVx4Lb0NcJ6tYz1RwGm8PdEaU")};
    wanted.term_url = term_url;
    const auto minor = [&](const char* currency, std::int64_t amount,
                           std::optional<int> exponent) -> std::int64_t {
        wanted.currency = currency;
        wanted.purch_amount = amount;
        wanted.exponent = exponent;
        const auto wish = check_enrollment({wanted}, {{"ISK", "GBP", "JPY", "BHD"}, true});
        return wish ? wish->amount.minor : -1;
    };
    EXPECT_EQ(minor("ISK", 4'990, std::nullopt), 4'990);
    EXPECT_EQ(minor("352", 4'990, 0), 4'990);
    EXPECT_EQ(minor("ISK", 499'000, 2), 4'990);
    EXPECT_EQ(minor("ISK", 499'001, 2), -1);
    EXPECT_EQ(minor("ISK", payment_minor_max * 100, 2), payment_minor_max);
    EXPECT_EQ(minor("ISK", payment_minor_max * 100 + 100, 2), -1);
    EXPECT_EQ(minor("GBP", 1'250, std::nullopt), 1'250);
    EXPECT_EQ(minor("GBP", 1'250, 0), -1);
    EXPECT_EQ(minor("JPY", 500, 0), 500);
    EXPECT_EQ(minor("JPY", 50'000, 2), -1);
    EXPECT_EQ(minor("BHD", 1'230, 3), 1'230);
    EXPECT_EQ(minor("BHD", 1'234, 3), -1) << "the gateway has steps of 10 fils";
    EXPECT_EQ(minor("EUR", 100, 2), -1) << "not taken by the merchant";
    wanted.term_url = "http://app.example/3ds";
    EXPECT_EQ(minor("ISK", 4'990, 0), -1) << "https only";
}

TEST_F(ServicesTest, VerificationsThatMakeNoSense) {
    const auto outcome = [&](const json& request) {
        return faults_of(world_.post("3DResVerification", request));
    };
    EXPECT_EQ(outcome({{"md", "x"}}), "400 Request.PaRes: or request.cRes must be given, and not both;");
    EXPECT_EQ(outcome({{"paRes", "a"}, {"cRes", "b"}}),
              "400 Request.PaRes: or request.cRes must be given, and not both;");
    EXPECT_EQ(outcome({{"paRes", {1, 2}}}), "400 Request.PaRes: must be text;");
    EXPECT_EQ(outcome({{"paRes", "a\tb"}}), "400 Request.PaRes: must not hold control characters;");
    EXPECT_EQ(outcome({{"cRes", std::string(bank_message_bytes_max + 1, 'x')}}),
              "400 Request.CRes: must have at most 32768 bytes;");
    EXPECT_EQ(outcome({{"cRes", "x"}, {"md", std::string(md_bytes_max + 1, 'x')}}),
              "400 Request.Md: must have at most 1000 bytes;");
    EXPECT_TRUE(world_.sent().empty());
    EXPECT_EQ(outcome({{"cRes", std::string(bank_message_bytes_max, 'x')}}).substr(0, 3), "200");
    world_.post("3DResVerification", {{"paRes", "eJxV\r\nAAAA"}, {"md", "m 1"}});
    EXPECT_EQ(json::parse(world_.sent().back().body), (json{{"PARes", "eJxV\r\nAAAA"}, {"MD", "m 1"}}))
        << "as it came";
}

TEST_F(ServicesTest, NothingOfAnAuthenticationIsKeptOrLogged) {
    const LogLines log;
    const auto token = world_.token(challenge1_card);
    const auto enrolled = world_.enroll(token);
    const auto answer = world_.at_the_bank(enrolled);
    world_.post("3DResVerification", answer);
    const auto mpi_token = enrolled["response"]["mpiToken"].get<std::string>();
    const auto order = world_.order();
    EXPECT_EQ(world_.finish(order, token, mpi_token)["success"], true);
    const auto text = log.text();
    for (const auto& secret : {token, mpi_token, mpi_token.substr(10, 40), answer["paRes"].get<std::string>(),
                               std::string("mpi-"), std::string("kassi3ds")}) {
        EXPECT_EQ(text.find(secret), std::string::npos) << secret;
        EXPECT_EQ(world_.disk().find(secret), std::string::npos) << secret;
    }
}

}  // namespace
}  // namespace kassi::api::ticket_order::services
