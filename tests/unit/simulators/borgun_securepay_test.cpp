#include <gmock/gmock.h>

#include "base/crypto.hpp"
#include "borgun_fixture.hpp"

namespace kassi::sandbox {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr const char* checkhash = "8f00dac7bcbac93602fa2d6d09a2e9e120f95df46b42934fa3f45f55db49761b";
constexpr const char* orderhash = "23ef7fd1d5aaebc3710e8d442d2a30d3a0a087ba3d04ac13620fa819411ec7ee";

std::string keyed(const std::string& text) {
    return encoding::hex(crypto::to_bytes(crypto::hmac_sha256("SimSecret-0001", text)));
}

Fields order() {
    return {{"merchantid", "9275444"},
            {"paymentgatewayid", "16"},
            {"checkhash", checkhash},
            {"orderid", "TM0000000001"},
            {"reference", "kassi-1"},
            {"currency", "ISK"},
            {"language", "IS"},
            {"buyername", "Ann <Day>"},
            {"buyeremail", "ann@example.is"},
            {"returnurlsuccess", "https://shop.example.is/ok"},
            {"returnurlsuccessserver", "https://shop.example.is/notify"},
            {"returnurlcancel", "https://shop.example.is/cancel"},
            {"returnurlerror", "https://shop.example.is/error"},
            {"amount", "4990.00"},
            {"itemdescription_0", "Two <seats>"},
            {"itemcount_0", "2"},
            {"itemunitamount_0", "2495.00"},
            {"itemamount_0", "4990.00"},
            {"pagetype", "0"},
            {"skipreceiptpage", "1"}};
}

Fields with(const std::string& name, const std::string& value, bool sign = true) {
    Fields fields = order();
    for (auto& field : fields)
        if (field.first == name) field.second = value;
    const auto of = [&](const char* each) { return *find_field(fields, each); };
    if (sign)
        for (auto& field : fields)
            if (field.first == "checkhash")
                field.second = keyed(of("merchantid") + "|" + of("returnurlsuccess") + "|" +
                                     of("returnurlsuccessserver") + "|" + of("orderid") + "|" + of("amount") +
                                     "|" + of("currency"));
    return fields;
}

HttpResponse press(Borgun& borgun, const std::string& act, const Fields& fields = order()) {
    const auto page = borgun.form("securepay/default.aspx", fields);
    return borgun.form("securepay/act", {{"ticket", Borgun::hidden(page.body, "ticket")}, {"act", act}});
}

std::string field_of(const Fields& fields, const char* name) {
    const auto* value = find_field(fields, name);
    return value == nullptr ? "(none)" : *value;
}

TEST(BorgunSecurePay, TheVectorsOfTheReferenceHold) {
    EXPECT_EQ(
        keyed("9275444|https://shop.example.is/ok|https://shop.example.is/notify|TM0000000001|4990.00|ISK"),
        checkhash);
    EXPECT_EQ(keyed("TM0000000001|4990.00|ISK"), orderhash);
    EXPECT_EQ(keyed("9275444|RF-000123"), "811b6141218b681828710816c1dfce298960420e14f4d93c5c79251d488a6786");
}

TEST(BorgunSecurePay, ShowsWhatIsPaid) {
    Borgun borgun;
    const auto page = borgun.form("securepay/default.aspx", order());
    EXPECT_EQ(page.status, 200);
    for (const char* text : {"Pay to demo-borgun", "4990.00 ISK", "TM0000000001", "Two &lt;seats&gt;",
                             "value=\"pay\"", "value=\"refuse\"", "value=\"cancel\"", "value=\"leave\""})
        EXPECT_THAT(page.body, HasSubstr(text));
    EXPECT_THAT(page.body, Not(HasSubstr("<script")));
    EXPECT_THAT(page.body, Not(HasSubstr("src=")));
    EXPECT_THAT(std::string(page.header("Content-Security-Policy")),
                StartsWith("default-src 'none'; style-src 'nonce-"));
    EXPECT_THAT(std::string(page.header("Content-Security-Policy")), HasSubstr("frame-ancestors 'none'"));
    EXPECT_EQ(borgun.get("/borgun/securepay/default.aspx?" + encoding::form(order())).status, 200)
        << "by GET too";
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

TEST(BorgunSecurePay, RefusesWhatIsNotSigned) {
    Borgun borgun;
    const auto status = [&](const Fields& fields) {
        return borgun.form("securepay/default.aspx", fields).status;
    };
    for (const char* name : {"amount", "orderid", "returnurlsuccess", "returnurlsuccessserver"})
        EXPECT_EQ(status(with(name, *find_field(order(), name) + "0", false)), 400) << name;
    EXPECT_EQ(status(with("currency", "EUR", false)), 400);
    EXPECT_EQ(status(with("checkhash", "", false)), 400);
    EXPECT_EQ(status(with("merchantid", "1")), 400);
    EXPECT_EQ(status(with("paymentgatewayid", "17")), 400);
    EXPECT_EQ(status({}), 400);
    EXPECT_EQ(status(order()), 200);
}

TEST(BorgunSecurePay, RefusesWhatItCannotTake) {
    Borgun borgun;
    const auto status = [&](const char* name, const std::string& value) {
        return borgun.form("securepay/default.aspx", with(name, value)).status;
    };
    EXPECT_EQ(status("orderid", ""), 400);
    EXPECT_EQ(status("orderid", "TM00000000012"), 400);
    EXPECT_EQ(status("orderid", "TM_1"), 400);
    EXPECT_EQ(status("orderid", "WC-1"), 200);
    EXPECT_EQ(status("currency", "352"), 400);
    EXPECT_EQ(status("currency", "XYZ"), 400);
    EXPECT_EQ(status("amount", "0.00"), 400);
    EXPECT_EQ(status("amount", "4990,00"), 400);
    EXPECT_EQ(status("amount", "4990.001"), 400);
    EXPECT_EQ(status("amount", "4991.00"), 400) << "not the sum of the items";
    EXPECT_EQ(status("amount", "4990"), 200);
    EXPECT_EQ(status("returnurlsuccess", "javascript:x"), 400);
    EXPECT_EQ(status("returnurlcancel", "javascript:x"), 400);
    EXPECT_EQ(status("reference", std::string(2'001, 'x')), 400);
    EXPECT_EQ(status("reference", std::string(2'000, 'x')), 200);
}

TEST(BorgunSecurePay, PaysTellsTheServerAndSignsTheReturn) {
    Borgun borgun;
    const auto back = press(borgun, "pay");
    EXPECT_EQ(back.status, 200);
    EXPECT_THAT(back.body, HasSubstr("action=\"https://shop.example.is/ok\""));
    EXPECT_THAT(back.body, HasSubstr("<script nonce="));
    EXPECT_EQ(Borgun::hidden(back.body, "status"), "OK");
    EXPECT_EQ(Borgun::hidden(back.body, "step"), "Confirmation");
    EXPECT_EQ(Borgun::hidden(back.body, "orderhash"), orderhash);
    EXPECT_EQ(Borgun::hidden(back.body, "buyername"), "Ann &lt;Day&gt;");
    ASSERT_EQ(borgun.notices.size(), 1U);
    EXPECT_EQ(borgun.notices[0].target, "https://shop.example.is/notify");
    const Fields told = *encoding::parse_form(borgun.notices[0].body, "body");
    EXPECT_EQ(field_of(told, "status"), "OK");
    EXPECT_EQ(field_of(told, "step"), "Payment");
    EXPECT_EQ(field_of(told, "orderid"), "TM0000000001");
    EXPECT_EQ(field_of(told, "reference"), "kassi-1");
    EXPECT_EQ(field_of(told, "orderhash"), orderhash);
    EXPECT_EQ(field_of(told, "amount"), "4990.00");
    EXPECT_EQ(field_of(told, "currency"), "ISK");
    EXPECT_THAT(field_of(told, "authorizationcode"), MatchesRegex("[0-9]{6}"));
    EXPECT_EQ(field_of(told, "creditcardnumber"), "558740******2011");
    EXPECT_EQ(field_of(told, "refundid"), Borgun::hidden(back.body, "refundid"));
    ASSERT_EQ(borgun.house->ledger().size(), 1U);
    EXPECT_EQ(borgun.house->ledger()[0].kind, "taken");
    EXPECT_EQ(borgun.house->ledger()[0].minor, 499'000);
    EXPECT_EQ(borgun.house->ledger()[0].reference, "TM0000000001");
}

TEST(BorgunSecurePay, MayWriteItsStatusSmall) {
    Borgun borgun([](auto& merchant) { merchant.securepay_lower_case = true; });
    EXPECT_EQ(Borgun::hidden(press(borgun, "pay").body, "status"), "ok");
}

TEST(BorgunSecurePay, IsPaidOnce) {
    Borgun borgun;
    press(borgun, "pay");
    const auto again = borgun.form("securepay/default.aspx", order());
    EXPECT_EQ(Borgun::hidden(again.body, "status"), "OK") << "the receipt";
    EXPECT_THAT(again.body, Not(HasSubstr("<script")));
    EXPECT_EQ(borgun.house->ledger().size(), 1U);
    EXPECT_EQ(borgun.notices.size(), 1U);
    const auto other = press(borgun, "pay", with("orderid", "TM0000000002"));
    EXPECT_EQ(Borgun::hidden(other.body, "orderid"), "TM0000000002");
    EXPECT_EQ(borgun.house->ledger().size(), 2U);
}

TEST(BorgunSecurePay, RefusedAndCancelledReturnUnsigned) {
    for (const auto& [act, status, url] : std::vector<std::tuple<std::string, std::string, std::string>>{
             {"refuse", "ERROR", "https://shop.example.is/error"},
             {"cancel", "CANCEL", "https://shop.example.is/cancel"}}) {
        Borgun borgun;
        const auto back = press(borgun, act);
        EXPECT_THAT(back.body, HasSubstr("action=\"" + url + "\""));
        EXPECT_EQ(Borgun::hidden(back.body, "status"), status);
        EXPECT_THAT(back.body, Not(HasSubstr("orderhash"))) << "it would do as the signature of a payment";
        EXPECT_EQ(Borgun::hidden(back.body, "errorcode"), act == "refuse" ? "121" : "");
        EXPECT_THAT(borgun.house->ledger(), IsEmpty());
        EXPECT_THAT(borgun.notices, IsEmpty());
        const auto again = borgun.form("securepay/default.aspx", order());
        EXPECT_EQ(Borgun::hidden(again.body, "status"), status) << "what was decided stays";
    }
}

TEST(BorgunSecurePay, APageThatStayedOpenDecidesNothingAnyMore) {
    Borgun borgun;
    const std::string ticket = Borgun::hidden(borgun.form("securepay/default.aspx", order()).body, "ticket");
    const auto act = [&](const char* what) {
        return Borgun::hidden(borgun.form("securepay/act", {{"ticket", ticket}, {"act", what}}).body,
                              "status");
    };
    EXPECT_EQ(act("cancel"), "CANCEL");
    EXPECT_EQ(act("pay"), "CANCEL");
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
}

TEST(BorgunSecurePay, CanBeLeft) {
    Borgun borgun;
    EXPECT_THAT(press(borgun, "leave").body, HasSubstr("walked away"));
    EXPECT_EQ(press(borgun, "dance").status, 400);
    EXPECT_EQ(borgun.form("securepay/act", {{"ticket", "sp_x"}, {"act", "pay"}}).status, 404);
    EXPECT_THAT(borgun.house->ledger(), IsEmpty());
    EXPECT_THAT(press(borgun, "pay_stay").body, Not(HasSubstr("shop.example.is")));
    EXPECT_EQ(borgun.house->ledger().size(), 1U);
    EXPECT_EQ(borgun.notices.size(), 1U) << "the server hears all the same";
}

TEST(BorgunSecurePay, AReceiptWaitsForItsButton) {
    Borgun borgun;
    const auto back = press(borgun, "pay", with("skipreceiptpage", "0"));
    EXPECT_THAT(back.body, Not(HasSubstr("<script")));
    EXPECT_THAT(back.body, HasSubstr("<button class=\"go\">"));
}

TEST(BorgunSecurePay, TellsUntilItReadsAccepted) {
    Borgun borgun;
    borgun.notice_answers = {{0, ""}, {500, heard}, {200, "OK"}, {200, heard}};
    press(borgun, "pay");
    borgun.advance(std::chrono::hours(10));
    EXPECT_EQ(borgun.notices.size(), 4U);
    EXPECT_EQ(borgun.notices[3].body, borgun.notices[0].body);

    Borgun deaf;
    for (int i = 0; i < 20; ++i) deaf.notice_answers.emplace_back(200, "no");
    press(deaf, "pay");
    deaf.advance(std::chrono::hours(48));
    EXPECT_EQ(deaf.notices.size(), static_cast<std::size_t>(borgun_securepay_tries_max));
}

TEST(BorgunSecurePay, HasTickets) {
    Borgun borgun;
    const Fields answer = *encoding::parse_form(borgun.form("securepay/ticket.aspx", order()).body, "body");
    ASSERT_EQ(field_of(answer, "ret"), "True");
    const auto page = borgun.get("/borgun/SecurePay/Default.aspx?ticket=" + field_of(answer, "ticket"));
    EXPECT_THAT(page.body, HasSubstr("4990.00 ISK"));
    EXPECT_EQ(borgun.get("/borgun/securepay/default.aspx?ticket=x").status, 404);
    const Fields refused = *encoding::parse_form(
        borgun.form("securepay/ticket.aspx", with("amount", "1.00", false)).body, "body");
    EXPECT_EQ(field_of(refused, "ret"), "False");
    EXPECT_EQ(field_of(refused, "message"), "checkhash is not that of these fields");
}

TEST(BorgunSecurePay, RefundsWhatWasPaidAndNoMore) {
    Borgun borgun;
    const std::string id = Borgun::hidden(press(borgun, "pay").body, "refundid");
    const auto refund = [&](const std::string& refund_id, const std::string& amount, std::string hash = "") {
        if (hash.empty()) hash = keyed("9275444|" + refund_id);
        return *encoding::parse_form(borgun
                                         .form("securepay/refund.aspx", {{"RefundId", refund_id},
                                                                         {"MerchantId", "9275444"},
                                                                         {"PaymentGatewayId", "16"},
                                                                         {"Checkhash", hash},
                                                                         {"amount", amount}})
                                         .body,
                                     "body");
    };
    EXPECT_EQ(field_of(refund(id, "1000.00", "x"), "ret"), "False");
    EXPECT_EQ(field_of(refund("RF-000123", "1000.00"), "action_code"), "914");
    EXPECT_EQ(field_of(refund(id, "0"), "action_code"), "110");
    EXPECT_EQ(field_of(refund(id, "4990.01"), "action_code"), "110");
    EXPECT_EQ(borgun.house->ledger().size(), 1U);
    EXPECT_EQ(refund(id, "1000.00"),
              (Fields{{"ret", "True"}, {"action_code", "000"}, {"message", "Approved"}}));
    EXPECT_EQ(field_of(refund(id, "3990.01"), "action_code"), "110");
    EXPECT_EQ(field_of(refund(id, "3990.00"), "action_code"), "000");
    EXPECT_EQ(field_of(refund(id, "0.01"), "action_code"), "110");
    EXPECT_THAT(borgun.kinds(), ElementsAre("taken", "given_back", "given_back"));
}

}  // namespace
}  // namespace kassi::sandbox
