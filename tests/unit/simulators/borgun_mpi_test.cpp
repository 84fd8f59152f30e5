#include <gmock/gmock.h>

#include "borgun_fixture.hpp"
#include "sandbox/simulators/borgun_messages.hpp"
#include "sandbox/simulators/borgun_wire.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using borgun::How;
using borgun::test_card;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr const char* other_key = "100002_prOTHER";
constexpr const char* card_3ds_1 = "5587402000012011";

Fields returned(const HttpResponse& page) {
    Fields fields;
    for (const char* name : {"PaRes", "MD", "cres", "threeDSSessionData"})
        if (page.body.find("name=\"" + std::string(name) + "\"") != std::string::npos)
            fields.emplace_back(name, Borgun::hidden(page.body, name));
    return fields;
}

/// The validation that a merchant asks for, out of what the browser brought.
json validation(const HttpResponse& page) {
    const Fields fields = returned(page);
    if (const auto* pares = find_field(fields, "PaRes"))
        return {{"PARes", *pares}, {"MD", *find_field(fields, "MD")}};
    return {{"CRes", *find_field(fields, "cres")}};
}

json secured(json payment, const json& enrolled) {
    payment["ThreeDSecure"] = {{"DataType", "Token"}, {"MpiToken", enrolled["MPIToken"]}};
    return payment;
}

// ---- enrollment ----------------------------------------------------------------------------------------

TEST(BorgunMpi, Enrolls3ds2) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    EXPECT_EQ(enrolled["ResultStatus"], 0);
    EXPECT_EQ(enrolled["MessageId"], "118842");
    EXPECT_EQ(enrolled["EnrollmentStatus"], "Y");
    EXPECT_EQ(enrolled["AuthenticationStatus"], "C");
    EXPECT_EQ(enrolled["MdStatus"], "9");
    EXPECT_EQ(enrolled["MD"], "order-12345");
    EXPECT_THAT(enrolled["MPIToken"].get<std::string>(), StartsWith("mpi-"));
    EXPECT_EQ(*encoding::from_base64(enrolled["XId"].get<std::string>(), "XId"), "20260110100000118842");
    const json& data = enrolled["RedirectToACSData"];
    ASSERT_EQ(data.size(), 3U);
    EXPECT_EQ(data[0],
              (json{{"Name", "actionURL"}, {"Value", "http://127.0.0.1:8081/borgun/acs/challenge"}}));
    EXPECT_EQ(data[1]["Name"], "creq");
    EXPECT_EQ(data[2], (json{{"Name", "threeDSSessionData"}, {"Value", "b3JkZXItMTIzNDU"}}));
    const std::string creq = data[1]["Value"];
    EXPECT_THAT(creq, Not(HasSubstr("=")));
    const json said = *parse_json(*encoding::from_base64url(creq, "creq"));
    EXPECT_EQ(said["messageType"], "CReq");
    EXPECT_EQ(said["messageVersion"], "2.1.0");
    EXPECT_THAT(said["acsTransID"].get<std::string>(),
                MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_THAT(enrolled["RedirectToACSForm"].get<std::string>(),
                HasSubstr("name=\"creq\" value=\"" + creq + "\""));
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

TEST(BorgunMpi, Enrolls3ds1) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::card(card_3ds_1)));
    EXPECT_FALSE(enrolled.contains("AuthenticationStatus"));
    const json& data = enrolled["RedirectToACSData"];
    ASSERT_EQ(data.size(), 4U);
    EXPECT_EQ(data[0]["Value"], "http://127.0.0.1:8081/borgun/acs/pareq");
    EXPECT_EQ(data[1]["Name"], "PaReq");
    EXPECT_EQ(data[2], (json{{"Name", "MD"}, {"Value", enrolled["MessageId"]}})) << "the MPI's own";
    EXPECT_EQ(data[3], (json{{"Name", "TermUrl"}, {"Value", "https://shop.example.is/3ds/return"}}));
    const auto xml =
        *borgun::zlib_unpack(*encoding::from_base64(data[1]["Value"].get<std::string>(), "PaReq"));
    EXPECT_THAT(xml, HasSubstr("<Message id=\"118842\"><PAReq><version>1.0.2</version>"));
    EXPECT_THAT(xml, HasSubstr("<date>20260110 10:00:00</date><amount>ISK 4990</amount>"
                               "<purchAmount>4990</purchAmount><currency>352</currency><exponent>0</exponent>"
                               "<desc>Match &lt;tickets&gt;</desc>"));
    EXPECT_THAT(xml, HasSubstr("<expiry>2709</expiry>"));
    const std::string form = enrolled["RedirectToACSForm"];
    const auto at = [&](const char* text) { return form.find(text); };
    EXPECT_LT(at("name=\"_charset_\" value=\"UTF-8\""), at("name=\"PaReq\""));
    EXPECT_LT(at("name=\"PaReq\""), at("name=\"MD\""));
    EXPECT_LT(at("name=\"MD\""), at("name=\"TermUrl\""));
    EXPECT_LT(at("name=\"TermUrl\""), at("name=\"submitBtn\""));
}

TEST(BorgunMpi, MayListTheCharset) {
    Borgun borgun([](auto& merchant) { merchant.lists_charset = true; });
    const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::card(card_3ds_1)));
    EXPECT_EQ(enrolled["RedirectToACSData"][1], (json{{"Name", "_charset_"}, {"Value", "UTF-8"}}));
    EXPECT_EQ(borgun.authenticate(enrolled).status, 200);
}

TEST(BorgunMpi, MaySpellItsTokenAsOthersReadIt) {
    Borgun borgun([](auto& merchant) { merchant.mpi_token_name = "MpiToken"; });
    const json enrolled = borgun.enroll(Borgun::enrollment());
    EXPECT_THAT(enrolled["MpiToken"].get<std::string>(), StartsWith("mpi-"));
    EXPECT_FALSE(enrolled.contains("MPIToken"));
}

TEST(BorgunMpi, SaysWhatIsWrong) {
    Borgun borgun;
    const auto with = [&](const char* name, json value) {
        json body = Borgun::enrollment();
        body[name] = std::move(value);
        const auto answer = borgun.api("POST", "mpi/v2/enrollment", body);
        return answer.status == 400 ? message_of(answer) : std::to_string(answer.status);
    };
    EXPECT_EQ(with("CardDetails", nullptr), "CardDetails: 'CardDetails' should not be empty.");
    EXPECT_EQ(with("CardDetails", Borgun::card("4741520000000004")), "PAN: InvalidFormat");
    EXPECT_EQ(with("CardDetails", Borgun::token("ts_nobody")), "Token: Token not found");
    EXPECT_EQ(with("PurchAmount", "4990"), "PurchAmount: Invalid format");
    EXPECT_EQ(with("PurchAmount", -1), "PurchAmount: Invalid format");
    EXPECT_EQ(with("Exponent", nullptr), "Exponent: Invalid format");
    EXPECT_EQ(with("Exponent", 4), "Exponent: Invalid format");
    EXPECT_EQ(with("Currency", "ISK"), "Currency: Invalid format");
    EXPECT_EQ(with("TermUrl", "javascript:x"), "TermUrl: Invalid format");
    EXPECT_EQ(with("TermUrl", "https://shop.example.is/3ds?a=b"), "200");
    EXPECT_EQ(with("Description", std::string(120, 'x')), "200");
    EXPECT_EQ(with("Description", std::string(121, 'x')), "Description: Too long");
    EXPECT_EQ(with("MD", std::string(1'000, 'x')), "200");
    EXPECT_EQ(with("MD", std::string(1'001, 'x')), "MD: Too long");
    EXPECT_EQ(with("TDS2ThreeDSMethodNotificationURL", "x"),
              "TDS2ThreeDSMethodNotificationURL: Invalid format");
    json stubbur = Borgun::enrollment();
    stubbur["TermURL"] = stubbur["TermUrl"];
    stubbur.erase("TermUrl");
    EXPECT_EQ(borgun.api("POST", "mpi/v2/enrollment", stubbur).status, 200) << "both spellings";
}

TEST(BorgunMpi, MayRefuseATermUrlWithAQuery) {
    Borgun borgun([](auto& merchant) { merchant.checks.term_url_query = true; });
    json body = Borgun::enrollment();
    body["TermUrl"] = "https://shop.example.is/3ds?a=b";
    EXPECT_EQ(borgun.api("POST", "mpi/v2/enrollment", body).status, 400);
}

TEST(BorgunMpi, KnowsWhichExponentACurrencyHas) {
    Borgun borgun;
    const auto status = [&](const char* currency, int exponent) {
        json body = Borgun::enrollment(Borgun::card(), 4'990, exponent);
        body["Currency"] = currency;
        return borgun.enroll(body)["MdStatus"].get<std::string>();
    };
    EXPECT_EQ(status("352", 0), "9");
    EXPECT_EQ(status("352", 2), "9");
    EXPECT_EQ(status("352", 1), "94");
    EXPECT_EQ(status("826", 2), "9");
    EXPECT_EQ(status("826", 0), "94");
    EXPECT_EQ(status("392", 0), "9");
    EXPECT_EQ(status("392", 2), "94");
    EXPECT_EQ(status("048", 3), "9");
}

TEST(BorgunMpi, KronurMayNeedTheOtherExponent) {
    Borgun borgun([](auto& merchant) { merchant.isk_exponent_zero_fails = true; });
    EXPECT_EQ(borgun.enroll(Borgun::enrollment())["MdStatus"], "5");
    EXPECT_EQ(borgun.enroll(Borgun::enrollment(Borgun::card(), 499'000, 2))["MdStatus"], "9");
    Borgun other;
    EXPECT_EQ(other.enroll(Borgun::enrollment(Borgun::card(card_ending("0005"))))["MdStatus"], "5");
    EXPECT_EQ(other.enroll(Borgun::enrollment(Borgun::card(card_ending("0005")), 499'000, 2))["MdStatus"],
              "9");
}

// ---- every MdStatus ------------------------------------------------------------------------------------

TEST(BorgunMdStatus, EachIsReachedAtOnceAndDecidesWhetherMoneyMoves) {
    Borgun borgun;
    for (const auto& row : borgun::md_rows()) {
        if (row.status == 9 || row.status == 50) continue;
        const auto card = Borgun::card(test_card(How::at_once, row.status, "000"));
        const json enrolled = borgun.enroll(Borgun::enrollment(card));
        EXPECT_EQ(enrolled["MdStatus"], std::to_string(row.status));
        EXPECT_EQ(enrolled["EnrollmentStatus"], std::string(row.enrolled)) << row.status;
        EXPECT_FALSE(enrolled.contains("RedirectToACSData")) << row.status;
        EXPECT_EQ(enrolled.contains("MPIToken"), !row.level.empty()) << row.status;
        if (row.level.empty()) continue;
        const json paid = borgun.pay(secured(Borgun::payment(card), enrolled));
        EXPECT_EQ(paid["ActionCode"], "000") << row.status;
        EXPECT_EQ(paid["ThreeDSecure"]["SecurityLevelInd"], std::string(row.level)) << row.status;
        EXPECT_EQ(paid["ThreeDSecure"]["Xid"], enrolled["XId"]);
    }
    EXPECT_EQ(borgun.enroll(Borgun::enrollment(Borgun::card(test_card(How::at_once, 42, "000"))))["MdStatus"],
              "42");
}

TEST(BorgunMdStatus, EachIsReachedByAChallengeOfBothKinds) {
    Borgun borgun;
    for (const auto& row : borgun::md_rows()) {
        for (const How how : {How::challenge_1, How::challenge_2}) {
            const auto card = Borgun::card(test_card(how, row.status, "000"));
            const json enrolled = borgun.enroll(Borgun::enrollment(card));
            ASSERT_EQ(enrolled["MdStatus"], "9");
            const json result = borgun.validate(validation(borgun.authenticate(enrolled)));
            EXPECT_EQ(result["MdStatus"], std::to_string(row.status));
            EXPECT_EQ(result["XId"], enrolled["XId"]);
            const auto answer = borgun.api("POST", "payment", secured(Borgun::payment(card), enrolled));
            EXPECT_EQ(answer.status, row.level.empty() ? 400 : 201) << row.status;
        }
    }
}

TEST(BorgunMdStatus, EachButtonOfTheIssuerSaysAnother) {
    for (const char* pan : {card_3ds_1, good_card}) {
        Borgun borgun;
        for (const auto& [act, status] :
             std::vector<std::pair<std::string, std::string>>{{"authenticate", "1"},
                                                              {"fail", "0"},
                                                              {"give_up", "0"},
                                                              {"attempt", "4"},
                                                              {"unavailable", "5"}}) {
            const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::card(pan)));
            EXPECT_EQ(borgun.validate(validation(borgun.authenticate(enrolled, act)))["MdStatus"], status)
                << act;
        }
    }
}

// ---- challenge and validation --------------------------------------------------------------------------

TEST(BorgunChallenge, AnsweredIsValidatedAndPaid) {
    for (const char* pan : {card_3ds_1, good_card}) {
        Borgun borgun;
        const std::string token = borgun.single(pan);
        const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::token(token)));
        const json result = borgun.validate(validation(borgun.authenticate(enrolled)));
        EXPECT_EQ(result["MdStatus"], "1");
        EXPECT_EQ(result["MdErrorMessage"], "Authenticated");
        EXPECT_EQ(result["EnrollmentStatus"], "Y");
        EXPECT_EQ(result["AuthenticationStatus"], "Y");
        EXPECT_EQ(result["ECI"], pan == std::string(card_3ds_1) ? "02" : "05");
        EXPECT_EQ(encoding::from_base64(result["CAVV"].get<std::string>(), "CAVV")->size(), 20U);
        EXPECT_EQ(result["CAVVAlgorithm"], "3");
        EXPECT_EQ(result["PAResVerified"], "true");
        EXPECT_EQ(result["PAResSyntaxOK"], "true");
        EXPECT_THAT(borgun.house->ledger(), IsEmpty()) << "authentication moves no money";
        const json paid = borgun.pay(secured(Borgun::payment(Borgun::token(token)), enrolled));
        EXPECT_EQ(paid["ThreeDSecure"]["SecurityLevelInd"], "2");
        EXPECT_THAT(borgun.kinds(), ElementsAre("held"));
    }
}

TEST(BorgunChallenge, BringsBackWhatItWasGiven) {
    Borgun borgun;
    const json one = borgun.enroll(Borgun::enrollment(Borgun::card(card_3ds_1)));
    const auto page = borgun.authenticate(one);
    EXPECT_THAT(page.body, HasSubstr("action=\"https://shop.example.is/3ds/return\""));
    const Fields fields = returned(page);
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(fields[1].second, one["MessageId"]);
    const auto xml = *borgun::zlib_unpack(*encoding::from_base64(fields[0].second, "PaRes"));
    EXPECT_THAT(xml, HasSubstr("<pan>0000000000002011</pan>"));
    EXPECT_THAT(xml, HasSubstr("<status>Y</status>"));
    EXPECT_THAT(xml, testing::ContainsRegex("<Signature>[0-9a-f]{64}</Signature>"));

    const json two = borgun.enroll(Borgun::enrollment());
    const Fields second = returned(borgun.authenticate(two, "fail"));
    ASSERT_EQ(second.size(), 2U);
    EXPECT_EQ(second[1].second, "b3JkZXItMTIzNDU");
    const json cres = *parse_json(*encoding::from_base64url(second[0].second, "cres"));
    EXPECT_EQ(cres["messageType"], "CRes");
    EXPECT_EQ(cres["challengeCompletionInd"], "Y");
    EXPECT_EQ(cres["transStatus"], "N");

    json silent = Borgun::enrollment();
    silent.erase("MD");
    EXPECT_EQ(returned(borgun.authenticate(borgun.enroll(silent))).size(), 1U) << "none was sent";
}

TEST(BorgunChallenge, FailedTakesNoPayment) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    const json result = borgun.validate(validation(borgun.authenticate(enrolled, "fail")));
    EXPECT_EQ(result["MdStatus"], "0");
    EXPECT_EQ(result["MdErrorMessage"], "Not authenticated");
    EXPECT_EQ(result["AuthenticationStatus"], "N");
    EXPECT_FALSE(result.contains("CAVV"));
    EXPECT_EQ(borgun.api("POST", "payment", secured(Borgun::payment(), enrolled)).status, 400);
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

TEST(BorgunChallenge, UnvalidatedTakesNoPayment) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    borgun.authenticate(enrolled);
    EXPECT_EQ(borgun.pay(secured(Borgun::payment(), enrolled))["ActionCode"], "130");
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
    Borgun lenient([](auto& merchant) { merchant.checks.mpi_validated = false; });
    const json other = lenient.enroll(Borgun::enrollment());
    EXPECT_EQ(lenient.pay(secured(Borgun::payment(), other))["ActionCode"], "000");
}

TEST(BorgunChallenge, ReplayedIsNotFound) {
    for (const char* pan : {card_3ds_1, good_card}) {
        Borgun borgun;
        const auto back = borgun.authenticate(borgun.enroll(Borgun::enrollment(Borgun::card(pan))));
        EXPECT_EQ(borgun.validate(validation(back))["MdStatus"], "1");
        const json again = borgun.validate(validation(back));
        EXPECT_EQ(again["MdStatus"], "97");
        EXPECT_FALSE(again.contains("XId"));
    }
}

TEST(BorgunChallenge, TooLateIsNotFound) {
    Borgun borgun;
    const auto enrolled = borgun.enroll(Borgun::enrollment());
    const auto back = borgun.authenticate(enrolled);
    borgun.clock.at += borgun_mpi_token_life - Millis{1};
    const json other = borgun.enroll(Borgun::enrollment());
    borgun.clock.at += Millis{1};
    EXPECT_EQ(borgun.validate(validation(back))["MdStatus"], "97");
    EXPECT_EQ(borgun.validate(validation(borgun.authenticate(other)))["MdStatus"], "1");
}

TEST(BorgunChallenge, ForeignIsNotFound) {
    for (const char* pan : {card_3ds_1, good_card}) {
        Borgun borgun;
        const json mine = borgun.enroll(Borgun::enrollment(Borgun::card(pan)));
        const auto back = borgun.authenticate(mine);
        EXPECT_EQ(borgun.validate(validation(back), other_key)["MdStatus"], "97") << "another merchant's";
        json swapped = validation(back);
        swapped["MD"] = "order-99999";
        EXPECT_EQ(borgun.validate(swapped)["MdStatus"], "97") << "another order's";
        EXPECT_EQ(borgun.validate(validation(back))["MdStatus"], "1") << "and nothing was used up";
    }
}

TEST(BorgunChallenge, EveryKindOfMdIsTheMerchantsOwn) {
    Borgun borgun;
    for (const char* kind : {"own", "session", "message"}) {
        const json enrolled = borgun.enroll(Borgun::enrollment());
        json body = validation(borgun.authenticate(enrolled));
        body["MD"] = kind == std::string("own")       ? json("order-12345")
                     : kind == std::string("session") ? json("b3JkZXItMTIzNDU")
                                                      : enrolled["MessageId"];
        EXPECT_EQ(borgun.validate(body)["MdStatus"], "1") << kind;
    }
}

TEST(BorgunChallenge, ATamperedPaResSaysNothing) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::card(card_3ds_1)));
    const Fields back = returned(borgun.authenticate(enrolled, "fail"));
    const auto xml = *borgun::zlib_unpack(*encoding::from_base64(back[0].second, "PaRes"));
    const auto forged = [&](const std::string& from, const std::string& to) {
        std::string text = xml;
        text.replace(text.find(from), from.size(), to);
        return borgun.validate({{"PARes", encoding::base64(borgun::zlib_pack(text))}});
    };
    const json authenticated = forged("<status>N</status>", "<status>Y</status>");
    EXPECT_EQ(authenticated["MdStatus"], "0");
    EXPECT_EQ(authenticated["PAResVerified"], "false");
    EXPECT_EQ(authenticated["PAResSyntaxOK"], "true");
    EXPECT_EQ(forged("<purchAmount>4990</purchAmount>", "<purchAmount>1</purchAmount>")["MdStatus"], "0");
    EXPECT_EQ(forged("<xid>", "<xid>A")["MdStatus"], "97");
    const json broken = borgun.validate({{"PARes", "eJwrhelp"}});
    EXPECT_EQ(broken["MdStatus"], "6");
    EXPECT_EQ(broken["PAResSyntaxOK"], "false");
    EXPECT_EQ(
        borgun.api("POST", "payment", secured(Borgun::payment(Borgun::card(card_3ds_1)), enrolled)).status,
        201);
    EXPECT_THAT(borgun.house->ledger(), IsEmpty()) << "130: nothing was validated";
}

TEST(BorgunChallenge, APaResMadeBeforeTheCardholderDidAnythingIsRefused) {
    Borgun borgun;
    const json one = borgun.enroll(Borgun::enrollment(Borgun::card(card_3ds_1)));
    const json two = borgun.enroll(Borgun::enrollment(Borgun::card(card_3ds_1)));
    std::string xml =
        *borgun::zlib_unpack(*encoding::from_base64(returned(borgun.authenticate(one))[0].second, "PaRes"));
    const std::string from = one["XId"], to = two["XId"];
    xml.replace(xml.find(from), from.size(), to);
    EXPECT_EQ(borgun.validate({{"PARes", encoding::base64(borgun::zlib_pack(xml))}})["MdStatus"], "0");
}

TEST(BorgunChallenge, ACResCountsAsFarAsTheIssuerSaidSo) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    const std::string creq = enrolled["RedirectToACSData"][1]["Value"];
    json cres = *parse_json(*encoding::from_base64url(creq, "creq"));
    EXPECT_EQ(borgun.validate({{"CRes", creq}})["MdStatus"], "6") << "a CReq is none";
    cres["messageType"] = "CRes";
    cres["challengeCompletionInd"] = "Y";
    cres["transStatus"] = "Y";
    const auto say = [&](const json& said) {
        return borgun.validate({{"cres", encoding::base64url(said.dump())}})["MdStatus"].get<std::string>();
    };
    EXPECT_EQ(say(cres), "0") << "forged before anybody authenticated";
    json refused = cres;
    refused["transStatus"] = "N";
    EXPECT_EQ(say(refused), "0") << "and the transaction is as live as before";
    borgun.authenticate(enrolled, "fail");
    EXPECT_EQ(say(cres), "0") << "the issuer said no";
    json other = cres;
    other["transStatus"] = "N";
    other["acsTransID"] = "00000000-0000-4000-8000-000000000000";
    EXPECT_EQ(say(other), "0");
    other["threeDSServerTransID"] = other["acsTransID"];
    EXPECT_EQ(say(other), "97");
    cres["transStatus"] = "N";
    cres["challengeCompletionInd"] = "N";
    EXPECT_EQ(say(cres), "0");
    EXPECT_EQ(borgun.api("POST", "mpi/v2/validation", json::object()).status, 400);
    EXPECT_EQ(borgun.api("POST", "mpi/v2/validation", {{"PARes", "x"}, {"CRes", "y"}}).status, 400);
    EXPECT_EQ(borgun.validate({{"CRes", "***"}})["PAResSyntaxOK"], "false");
}

// ---- 3DS Method ----------------------------------------------------------------------------------------

json method_enrollment(const std::string& pan) {
    json body = Borgun::enrollment(Borgun::card(pan));
    body["TDS2ThreeDSMethodNotificationURL"] = "https://shop.example.is/3ds/method";
    return body;
}

json again(const json& first, const char* indicator = "Y") {
    return {{"XId", first["XId"]}, {"TxId", first["TxId"]}, {"TDS2ThreeDSCompInd", indicator}};
}

TEST(BorgunMethod, ComesBeforeTheChallenge) {
    Borgun borgun;
    const auto pan = card_ending("0050");
    const json first = borgun.enroll(method_enrollment(pan));
    EXPECT_EQ(first["MdStatus"], "50");
    EXPECT_FALSE(first.contains("RedirectToACSData"));
    const std::string content = first["TDSMethodContent"];
    EXPECT_THAT(content, HasSubstr("<iframe name=\"tdsMethodFrame\" hidden>"));
    EXPECT_THAT(content, HasSubstr("action=\"http://127.0.0.1:8081/borgun/acs/method\""));
    const std::string data = Borgun::hidden(content, "threeDSMethodData");
    const json asked = *parse_json(*encoding::from_base64url(data, "data"));
    EXPECT_EQ(asked["threeDSMethodNotificationURL"], "https://shop.example.is/3ds/method");

    const auto done = borgun.form("acs/method", {{"threeDSMethodData", data}});
    EXPECT_THAT(done.body, HasSubstr("action=\"https://shop.example.is/3ds/method\""));
    const json told =
        *parse_json(*encoding::from_base64url(Borgun::hidden(done.body, "threeDSMethodData"), "data"));
    EXPECT_EQ(told, (json{{"threeDSServerTransID", asked["threeDSServerTransID"]}}));

    EXPECT_EQ(borgun.pay(secured(Borgun::payment(Borgun::card(pan)), first))["ActionCode"], "130");
    const json second = borgun.enroll(again(first));
    EXPECT_EQ(second["MdStatus"], "9");
    EXPECT_EQ(second["MPIToken"], first["MPIToken"]);
    EXPECT_EQ(borgun.enroll(again(first))["MdStatus"], "97") << "only once";
    EXPECT_EQ(borgun.validate(validation(borgun.authenticate(second)))["MdStatus"], "1");
}

TEST(BorgunMethod, MayEndItAll) {
    Borgun borgun;
    for (const auto& row : borgun::md_rows()) {
        if (row.status == 9 || row.status == 50) continue;
        const json first = borgun.enroll(method_enrollment(test_card(How::method, row.status, "000")));
        ASSERT_EQ(first["MdStatus"], "50");
        EXPECT_EQ(borgun.enroll(again(first, "N"))["MdStatus"], std::to_string(row.status));
    }
}

TEST(BorgunMethod, IsLeftOutWhenNobodyCanBeTold) {
    Borgun borgun;
    EXPECT_EQ(borgun.enroll(Borgun::enrollment(Borgun::card(card_ending("0050"))))["MdStatus"], "9");
}

TEST(BorgunMethod, TheSecondCallNamesTheFirst) {
    Borgun borgun;
    const json first = borgun.enroll(method_enrollment(card_ending("0050")));
    json wrong = again(first);
    wrong["TxId"] = "1";
    EXPECT_EQ(borgun.enroll(wrong)["MdStatus"], "97");
    wrong["XId"] = "1";
    EXPECT_EQ(borgun.enroll(wrong)["MdStatus"], "97");
    EXPECT_EQ(borgun.api("POST", "mpi/v2/enrollment", again(first, "x")).status, 400);
    EXPECT_EQ(json_of(borgun.api("POST", "mpi/v2/enrollment", again(first), other_key))["MdStatus"], "97");
    EXPECT_EQ(borgun.form("acs/method", {{"threeDSMethodData", "e30"}}).status, 404);
    json data = *parse_json(*encoding::from_base64url(
        Borgun::hidden(first["TDSMethodContent"].get<std::string>(), "threeDSMethodData"), "data"));
    data["threeDSMethodNotificationURL"] = "https://elsewhere.example/";
    EXPECT_EQ(borgun.form("acs/method", {{"threeDSMethodData", encoding::base64url(data.dump())}}).status,
              404);
    EXPECT_EQ(borgun.form("acs/method", {}).status, 404);
    EXPECT_EQ(borgun.enroll(again(first, "U"))["MdStatus"], "9");
}

// ---- what a payment makes of it ------------------------------------------------------------------------

TEST(BorgunMpiToken, PaysOnceForItsCardAndAmount) {
    Borgun borgun;
    const auto pan = test_card(How::at_once, 1, "000");
    const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::card(pan)));
    EXPECT_EQ(enrolled["AuthenticationStatus"], "Y");
    const auto refused = [&](json payment, const char* key = "100001_prSIMULATOR0000000000000000") {
        const auto answer = borgun.api("POST", "payment", secured(std::move(payment), enrolled), key);
        EXPECT_EQ(answer.status, 400);
        return message_of(answer);
    };
    EXPECT_EQ(refused(Borgun::payment(Borgun::card())),
              "ThreeDSecure.MpiToken: MpiToken belongs to another card");
    EXPECT_EQ(refused(Borgun::payment(Borgun::card(pan), 4'900)),
              "ThreeDSecure.MpiToken: MpiToken belongs to another amount");
    json euros = Borgun::payment(Borgun::card(pan));
    euros["Currency"] = "978";
    EXPECT_EQ(refused(euros), "ThreeDSecure.MpiToken: MpiToken belongs to another amount");
    EXPECT_EQ(refused(Borgun::payment(Borgun::card(pan)), other_key),
              "ThreeDSecure.MpiToken: MpiToken not found");
    const std::string token = borgun.single(pan);
    EXPECT_EQ(borgun.pay(secured(Borgun::payment(Borgun::token(token)), enrolled))["ActionCode"], "000")
        << "the same card by token";
    EXPECT_EQ(refused(Borgun::payment(Borgun::card(pan))),
              "ThreeDSecure.MpiToken: MpiToken has already been used");
    EXPECT_THAT(borgun.kinds(), ElementsAre("held"));
}

TEST(BorgunMpiToken, AmountsAreComparedAcrossTheirPlaces) {
    Borgun borgun;
    const auto pan = test_card(How::at_once, 1, "000");
    const auto try_one = [&](const char* currency, std::int64_t purchase, int exponent, std::int64_t amount) {
        json body = Borgun::enrollment(Borgun::card(pan), purchase, exponent);
        body["Currency"] = currency;
        json payment = secured(Borgun::payment(Borgun::card(pan), amount), borgun.enroll(body));
        payment["Currency"] = currency;
        return borgun.api("POST", "payment", payment).status;
    };
    EXPECT_EQ(try_one("352", 4'990, 0, 499'000), 201);
    EXPECT_EQ(try_one("352", 499'000, 2, 499'000), 201);
    EXPECT_EQ(try_one("352", 4'990, 2, 499'000), 400);
    EXPECT_EQ(try_one("826", 11'000, 2, 11'000), 201);
    EXPECT_EQ(try_one("392", 500, 0, 500), 201);
    EXPECT_EQ(try_one("392", 500, 0, 50'000), 400);
    EXPECT_EQ(try_one("048", 12'500, 3, 1'250), 201);
}

TEST(BorgunMpiToken, Expires) {
    Borgun borgun;
    const auto pan = test_card(How::at_once, 1, "000");
    const json one = borgun.enroll(Borgun::enrollment(Borgun::card(pan)));
    const json two = borgun.enroll(Borgun::enrollment(Borgun::card(pan)));
    borgun.clock.at += borgun_mpi_token_life - Millis{1};
    EXPECT_EQ(borgun.api("POST", "payment", secured(Borgun::payment(Borgun::card(pan)), one)).status, 201);
    borgun.clock.at += Millis{1};
    EXPECT_EQ(borgun.api("POST", "payment", secured(Borgun::payment(Borgun::card(pan)), two)).status, 400);
}

TEST(BorgunMpiToken, EachCheckCanBeSwitchedOff) {
    Borgun borgun(
        [](auto& merchant) { merchant.checks = {false, false, false, false, false, false, false}; });
    const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::card(test_card(How::at_once, 1, "000"))));
    borgun.clock.at += borgun_mpi_token_life;
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(borgun.pay(secured(Borgun::payment(Borgun::card(), 4'900), enrolled))["ActionCode"], "000");
}

TEST(BorgunAuthentication, IsRequiredByCardOrContract) {
    Borgun borgun;
    const auto card = Borgun::card("4000000000003220");
    EXPECT_EQ(borgun.pay(Borgun::payment(card))["ActionCode"], "130");
    const json enrolled = borgun.enroll(Borgun::enrollment(card));
    borgun.validate(validation(borgun.authenticate(enrolled)));
    EXPECT_EQ(borgun.pay(secured(Borgun::payment(card), enrolled))["ActionCode"], "000");
    EXPECT_EQ(borgun.pay(Borgun::payment(Borgun::card("4111111111111111")))["ActionCode"], "000")
        << "the guide's card is bought without";
    Borgun strict([](auto& merchant) { merchant.wants_3ds = true; });
    EXPECT_EQ(strict.pay(Borgun::payment(Borgun::card("4111111111111111")))["ActionCode"], "130");
    const auto unavailable = Borgun::card(test_card(How::at_once, 5, "000"));
    const json weak = strict.enroll(Borgun::enrollment(unavailable));
    EXPECT_EQ(strict.pay(secured(Borgun::payment(unavailable), weak))["ActionCode"], "130")
        << "level 0 is none";
}

TEST(BorgunAuthentication, ByHandWantsACryptogram) {
    Borgun borgun([](auto& merchant) { merchant.wants_3ds = true; });
    const auto pay = [&](json secure) {
        json body = Borgun::payment(
            {{"PaymentType", "Card"}, {"PAN", "4000001234567899"}, {"ExpYear", "2029"}, {"ExpMonth", "05"}});
        secure["DataType"] = "Manual";
        body["ThreeDSecure"] = std::move(secure);
        const auto answer = borgun.api("POST", "payment", body);
        return answer.status == 201 ? json_of(answer)["ActionCode"].get<std::string>() : message_of(answer);
    };
    const char* cryptogram = "FBUWFxgZGhscHR4fICEiIyQlJic=";
    EXPECT_EQ(pay({{"SecurityLevelInd", "2"}, {"CAVV", cryptogram}}), "000") << "Apple Pay";
    EXPECT_EQ(pay({{"SecurityLevelInd", "2"}, {"UCAF", cryptogram}}), "000");
    EXPECT_EQ(pay({{"SecurityLevelInd", "2"}}), "ThreeDSecure.CAVV: 'CAVV' or 'UCAF' should not be empty.");
    EXPECT_EQ(pay({{"CAVV", cryptogram}}), "ThreeDSecure.SecurityLevelInd: Invalid format");
    EXPECT_EQ(pay({{"SecurityLevelInd", "3"}, {"CAVV", cryptogram}}),
              "ThreeDSecure.SecurityLevelInd: Invalid format");
    EXPECT_EQ(pay({{"SecurityLevelInd", "2"}, {"CAVV", "no base64"}}), "ThreeDSecure.CAVV: Invalid format");
    EXPECT_EQ(pay({{"SecurityLevelInd", "0"}}), "130");
}

TEST(BorgunAuthentication, ACryptogramOfOurOwnMustBeTheRightOne) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    const json result = borgun.validate(validation(borgun.authenticate(enrolled)));
    const auto pay = [&](const json& cavv, const std::string& pan = good_card) {
        json body = Borgun::payment(Borgun::card(pan));
        body["ThreeDSecure"] = {
            {"DataType", "Manual"}, {"SecurityLevelInd", "2"}, {"CAVV", cavv}, {"XID", enrolled["XId"]}};
        return borgun.pay(body)["ActionCode"].get<std::string>();
    };
    EXPECT_EQ(pay("FBUWFxgZGhscHR4fICEiIyQlJic="), "100");
    EXPECT_EQ(pay(result["CAVV"], "4111111111111111"), "100") << "of another card";
    EXPECT_EQ(pay(result["CAVV"]), "000");
}

// ---- the pages -----------------------------------------------------------------------------------------

void expect_a_strict_page(const HttpResponse& page) {
    const std::string policy(page.header("Content-Security-Policy"));
    EXPECT_THAT(policy, StartsWith("default-src 'none'"));
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
    EXPECT_THAT(page.body, Not(HasSubstr("src=")));
    EXPECT_THAT(page.body, Not(HasSubstr("<link")));
    EXPECT_THAT(page.body, Not(HasSubstr("Match <tickets>")));
}

TEST(BorgunAcsPages, ShowWhatIsPaidAndHowToEndIt) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    const auto page = borgun.form("acs/challenge", Borgun::acs_fields(enrolled));
    EXPECT_EQ(page.status, 200);
    expect_a_strict_page(page);
    EXPECT_THAT(std::string(page.header("Content-Security-Policy")), HasSubstr("form-action 'self';"));
    EXPECT_EQ(page.header("X-Frame-Options"), "") << "a shop may frame it";
    for (const char* text :
         {"Pay to demo-borgun", "4990 ISK", "474152******0003", "Match &lt;tickets&gt;",
          "value=\"authenticate\"", "value=\"fail\"", "value=\"give_up\"", "value=\"leave\""})
        EXPECT_THAT(page.body, HasSubstr(text));
    EXPECT_THAT(page.body, Not(HasSubstr("<script"))) << "works without";
    const auto back = borgun.authenticate(enrolled);
    expect_a_strict_page(back);
    EXPECT_THAT(std::string(back.header("Content-Security-Policy")),
                HasSubstr("form-action https://shop.example.is;"));
    EXPECT_THAT(back.body, HasSubstr("<button class=\"go\">")) << "works without script";
}

TEST(BorgunAcsPages, AskForTheFormOfTheMpi) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::card(card_3ds_1)));
    const Fields good = Borgun::acs_fields(enrolled);
    const auto with = [&](const char* name, const std::string& value) {
        Fields fields = good;
        for (auto& field : fields)
            if (field.first == name) field.second = value;
        return borgun.form("acs/pareq", fields).status;
    };
    EXPECT_EQ(borgun.form("acs/pareq", good).status, 200);
    EXPECT_EQ(with("TermUrl", "https://elsewhere.example/"), 400);
    EXPECT_EQ(with("PaReq", "eJw"), 404);
    std::string xml = *borgun::zlib_unpack(*encoding::from_base64(good[0].second, "PaReq"));
    xml.replace(xml.find("4990"), 4, "1");
    EXPECT_EQ(with("PaReq", encoding::base64(borgun::zlib_pack(xml))), 404) << "changed on its way";
    EXPECT_EQ(with("MD", std::string(1'025, 'x')), 400);
    EXPECT_EQ(with("MD", std::string(1'024, 'x')), 200);
    EXPECT_EQ(borgun.form("acs/challenge", {{"creq", "e30"}}).status, 404);
    const Fields second = Borgun::acs_fields(borgun.enroll(Borgun::enrollment()));
    json creq = *parse_json(*encoding::from_base64url(second[0].second, "creq"));
    const auto ask = [&] {
        return borgun.form("acs/challenge", {{"creq", encoding::base64url(creq.dump())}}).status;
    };
    EXPECT_EQ(ask(), 200) << "session data may be missing";
    creq["threeDSServerTransID"] = "another";
    EXPECT_EQ(ask(), 404);
    EXPECT_EQ(borgun.form("acs/nothing", {}).status, 404);
    EXPECT_EQ(borgun.get("/borgun/acs/pareq").status, 405);
}

TEST(BorgunAcsPages, DecideOnce) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    const auto first = borgun.authenticate(enrolled, "fail");
    const json cres = *parse_json(*encoding::from_base64url(returned(first)[0].second, "cres"));
    const std::string id = cres["acsTransID"];
    const auto second =
        borgun.form("acs/act", {{"authentication", id}, {"carried", "x"}, {"act", "authenticate"}});
    EXPECT_EQ(returned(second)[0], returned(first)[0]) << "what was decided stays";
    EXPECT_THAT(borgun.form("acs/challenge", Borgun::acs_fields(enrolled)).body,
                HasSubstr("decided already"));
}

TEST(BorgunAcsPages, CanBeLeft) {
    Borgun borgun;
    const json enrolled = borgun.enroll(Borgun::enrollment());
    EXPECT_THAT(returned(borgun.authenticate(enrolled, "leave")), IsEmpty());
    EXPECT_EQ(borgun.authenticate(enrolled, "dance").status, 400);
    EXPECT_THAT(returned(borgun.authenticate(enrolled, "authenticate_stay")), IsEmpty());
    EXPECT_EQ(borgun.form("acs/act", {{"authentication", "x"}, {"act", "authenticate"}}).status, 404);
    const json other = borgun.enroll(Borgun::enrollment());
    const auto page = borgun.form("acs/challenge", Borgun::acs_fields(other));
    EXPECT_EQ(borgun
                  .form("acs/act", {{"authentication", Borgun::hidden(page.body, "authentication")},
                                    {"carried", std::string(1'025, 'x')},
                                    {"act", "fail"}})
                  .status,
              400);
    EXPECT_EQ(borgun.validate(validation(borgun.authenticate(other)))["MdStatus"], "1")
        << "nothing was decided";
    const json late = borgun.enroll(Borgun::enrollment());
    borgun.clock.at += borgun_mpi_token_life;
    EXPECT_EQ(borgun.form("acs/challenge", Borgun::acs_fields(late)).status, 410);
}

}  // namespace
}  // namespace kassi::sandbox
