#include "providers/securepay/securepay.hpp"

#include <gmock/gmock.h>

#include "base/text.hpp"
#include "providers/order_id.hpp"
#include "providers/securepay/said.hpp"
#include "scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using core::LegMoney;
using core::Verb;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr const char* secret = "SimSecret-0001";
constexpr const char* vector_hash = "23ef7fd1d5aaebc3710e8d442d2a30d3a0a087ba3d04ac13620fa819411ec7ee";

/// A leg of 4990 ISK.
Stage fresh(std::int64_t minor = 4990, std::string_view currency = "ISK") {
    Stage stage("demo-securepay", "securepay");
    stage.amount = {minor, *Currency::parse(currency, "currency")};
    stage.leg.amount = stage.amount;
    stage.transaction.bundles = {{"ext_test1", "Two seats", stage.amount, {}},
                                 {"ext_test2", "Another's", stage.amount, {}}};
    return stage;
}

/// Whose money was taken.
Stage taken() {
    Stage stage = fresh();
    stage.leg.references = {{"order", order_id(stage.transaction.id, 2, 1)}, {"refund_id", "RF-000123"}};
    return stage;
}

std::string order_of(const Stage& stage) {
    return order_id(stage.transaction.id, stage.leg.no, 1);
}

core::Step begin(Stage& stage, Verb verb, const Merchant& merchant = securepay_merchant()) {
    return securepay_flow().begin(stage.scene(verb), merchant);
}

core::Step back(Stage& stage, Fields fields) {
    return securepay_flow().resume(stage.scene(Verb::open), securepay_merchant(),
                                   core::Returned{std::move(fields)});
}

core::Step refunded(int status, std::string body) {
    Stage stage = taken();
    return securepay_flow().resume(stage.scene(Verb::refund), securepay_merchant(),
                                   answered(status, std::move(body)));
}

std::string orderhash(const std::string& order, const std::string& amount, const std::string& currency) {
    return hmac_hex(secret, order + "|" + amount + "|" + currency);
}

/// What the house sends, signed over what it says.
Fields said(const std::string& order, const std::string& amount = "4990.00",
            const std::string& currency = "ISK", const std::string& status = "OK",
            const std::string& step = "Confirmation") {
    return {{"status", status},
            {"step", step},
            {"orderid", order},
            {"reference", our_reference},
            {"orderhash", orderhash(order, amount, currency)},
            {"amount", amount},
            {"currency", currency},
            {"authorizationcode", "123456"},
            {"creditcardnumber", "558740******2011"},
            {"cardtype", "MasterCard"},
            {"refundid", "RF-000123"},
            {"buyername", "Ann Day"},
            {"buyeremail", "ann@example.is"}};
}

Fields with(Fields fields, const std::string& name, const std::string& value) {
    for (auto& field : fields)
        if (field.first == name) field.second = value;
    return fields;
}

Fields without(Fields fields, const std::string& name) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    return fields;
}

Result<NoticeRead> read(const Fields& fields, const std::string& target = "/webhooks/securepay/x") {
    const HttpRequest request{
        "POST", target, {{"Content-Type", "application/x-www-form-urlencoded"}}, encoding::form(fields), ""};
    return securepay_flow().read(request, securepay_merchant(), the_time);
}

// ---- configuration and facts ---------------------------------------------------------------------------

TEST(SecurePayConfiguration, StatesItsFacts) {
    const auto facts = *securepay_flow().configure(securepay_merchant());
    EXPECT_TRUE(facts.has_open && facts.settled_by_return && facts.notifies && facts.can_refund &&
                facts.can_refund_part);
    EXPECT_FALSE(facts.can_hold || facts.can_query || facts.can_close || facts.test_only);
    EXPECT_EQ(facts.notice_trust, core::Trust::proof);
    EXPECT_EQ(facts.browser, core::Browser::always);
    EXPECT_THAT(facts.credentials, ElementsAre("none"));
    EXPECT_THAT(facts.steps, ElementsAre(Pair("BHD", 10)));
    EXPECT_TRUE(securepay_flow().signs_returns(securepay_merchant()));
}

TEST(SecurePayConfiguration, TheHousesTestHostTakesNoRealMoney) {
    for (const auto& [url, is_test] : {std::pair("https://test.borgun.is/SecurePay", true),
                                       {"https://TEST.borgun.is/SecurePay", true},
                                       {"https://securepay.borgun.is/securepay", false},
                                       {"", false}}) {
        auto merchant = securepay_merchant();
        merchant.base_url = url;
        EXPECT_EQ(securepay_flow().configure(merchant)->test_only, is_test) << url;
    }
}

TEST(SecurePayConfiguration, NamesWhatIsWrong) {
    const auto refused = [](const std::function<void(Merchant&)>& change) {
        auto merchant = securepay_merchant();
        change(merchant);
        const auto facts = securepay_flow().configure(merchant);
        return facts ? "" : facts.error().field;
    };
    for (const std::string name : {"merchant_id", "gateway_id"})
        for (const char* value : {"", "1|2", "a b"})
            EXPECT_EQ(refused([&](Merchant& m) { m.settings[name] = value; }), name) << value;
    EXPECT_EQ(refused([](Merchant& m) { m.secrets.clear(); }), "secret_key");
    for (const char* value : {"", "en", "ENG", "E1"})
        EXPECT_EQ(refused([&](Merchant& m) { m.settings["language"] = value; }), "language") << value;
    EXPECT_EQ(refused([](Merchant& m) { m.settings["skip_receipt"] = "1"; }), "skip_receipt");
    for (const char* value : {"XYZ", "INR"})
        EXPECT_EQ(refused([&](Merchant& m) { m.settings["currencies"] = value; }), "currencies") << value;
    for (const char* value : {"https://securepay.borgun.is/securepay/", "ftp://x/y", "https://x/y?z=1"})
        EXPECT_EQ(refused([&](Merchant& m) { m.base_url = value; }), "base_url") << value;
}

// ---- hashes and amounts --------------------------------------------------------------------------------

TEST(SecurePayHashes, AreThoseOfTheReference) {
    using securepay::keyed_hash;
    EXPECT_EQ(keyed_hash(secret, {"9275444", "https://shop.example.is/ok", "https://shop.example.is/notify",
                                  "TM0000000001", "4990.00", "ISK"}),
              "8f00dac7bcbac93602fa2d6d09a2e9e120f95df46b42934fa3f45f55db49761b");
    EXPECT_EQ(keyed_hash(secret, {"TM0000000001", "4990.00", "ISK"}), vector_hash);
    EXPECT_EQ(keyed_hash(secret, {"9275444", "RF-000123"}),
              "811b6141218b681828710816c1dfce298960420e14f4d93c5c79251d488a6786");
}

TEST(SecurePayHashes, AnOrderIsReadWhateverTheCaseOfItsFieldsAndItsHash) {
    Fields fields{{"OrderId", "TM0000000001"},
                  {"Amount", "4990.00"},
                  {"CURRENCY", "ISK"},
                  {"OrderHash", vector_hash},
                  {"Status", "ok"}};
    auto read = securepay::read_said(fields, secret);
    EXPECT_TRUE(read.is_signed);
    EXPECT_EQ(read.status, "ok");
    for (char& c : fields[3].second)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    EXPECT_TRUE(securepay::read_said(fields, secret).is_signed);
    EXPECT_FALSE(securepay::read_said(fields, "SimSecret-0002").is_signed);
    fields[3].second.pop_back();
    EXPECT_FALSE(securepay::read_said(fields, secret).is_signed);
}

TEST(SecurePayAmounts, AreMajorUnitsWithAPoint) {
    const auto spelled = [](std::int64_t minor, const char* currency) {
        return securepay::decimal_amount({minor, *Currency::parse(currency, "currency")});
    };
    EXPECT_EQ(spelled(4990, "ISK"), "4990.00");
    EXPECT_EQ(spelled(1, "JPY"), "1.00");
    EXPECT_EQ(spelled(1050, "EUR"), "10.50");
    EXPECT_EQ(spelled(5, "EUR"), "0.05");
    EXPECT_EQ(spelled(1230, "BHD"), "1.230");
    EXPECT_EQ(spelled(payment_minor_max, "ISK"), "1000000000000.00");
}

TEST(SecurePayAmounts, AreReadInEverySpellingAndNoOther) {
    const Money isk{4990, *Currency::parse("ISK", "")}, euro{1050, *Currency::parse("EUR", "")};
    for (const char* text : {"4990", "4990.00", "4990,00", "4990.0"})
        EXPECT_EQ(securepay::money_of(text, "ISK"), isk) << text;
    for (const char* text : {"10.50", "10,5", "10,50"})
        EXPECT_EQ(securepay::money_of(text, "EUR"), euro) << text;
    EXPECT_EQ(securepay::money_of("4990", "isk"), isk);
    for (const char* text : {"", "0", "0.00", "-1", "+1", "4.990,00", "4,990.00", "4,9,9", "4990.50", "1e3",
                             " 4990", "0x10", "4990|ISK", "1000000000001"})
        EXPECT_FALSE(securepay::money_of(text, "ISK").has_value()) << text;
    for (const char* code : {"", "XYZ", "352", "ISK "})
        EXPECT_FALSE(securepay::money_of("1", code).has_value()) << code;
}

// ---- open ----------------------------------------------------------------------------------------------

TEST(SecurePayOpen, SendsTheCustomerWithOrderedSignedFields) {
    Stage stage = fresh();
    const auto waiting = as<core::Waiting>(begin(stage, Verb::open));
    const auto order = order_of(stage);
    const std::string notify = "https://pay.example/webhooks/securepay/demo-securepay";
    EXPECT_EQ(waiting.callout.type, "post");
    EXPECT_EQ(waiting.callout.destination, "http://127.0.0.1:8081/borgun/securepay/default.aspx");
    EXPECT_THAT(waiting.callout.parameters,
                ElementsAre(Pair("merchantid", "9275444"), Pair("paymentgatewayid", "16"),
                            Pair("checkhash", hmac_hex(secret, "9275444|" + stage.return_url + "|" + notify +
                                                                   "|" + order + "|4990.00|ISK")),
                            Pair("orderid", order), Pair("reference", our_reference), Pair("currency", "ISK"),
                            Pair("language", "EN"), Pair("returnurlsuccess", stage.return_url),
                            Pair("returnurlsuccessserver", notify), Pair("returnurlcancel", stage.return_url),
                            Pair("returnurlerror", stage.return_url), Pair("amount", "4990.00"),
                            Pair("itemdescription_0", "Two seats"), Pair("itemcount_0", "1"),
                            Pair("itemunitamount_0", "4990.00"), Pair("itemamount_0", "4990.00"),
                            Pair("pagetype", "0"), Pair("skipreceiptpage", "1")));
    EXPECT_THAT(waiting.references, ElementsAre(Pair("order", order)));
    for (const auto& [name, value] : waiting.callout.parameters) EXPECT_THAT(value, Not(HasSubstr(secret)));
}

TEST(SecurePayOpen, TheMerchantChoosesLanguageAndReceipt) {
    auto merchant = securepay_merchant();
    merchant.settings["language"] = "IS";
    merchant.settings["skip_receipt"] = "false";
    merchant.base_url.clear();
    Stage stage = fresh();
    const auto callout = as<core::Waiting>(begin(stage, Verb::open, merchant)).callout;
    EXPECT_EQ(*find_field(callout.parameters, "language"), "IS");
    EXPECT_EQ(*find_field(callout.parameters, "skipreceiptpage"), "0");
    EXPECT_EQ(callout.destination, "https://securepay.borgun.is/securepay/default.aspx");
}

TEST(SecurePayOpen, TheItemFitsThePage) {
    const auto item = [](const std::string& description) {
        Stage stage = fresh();
        stage.transaction.bundles[0].description = description;
        return *find_field(as<core::Waiting>(begin(stage, Verb::open)).callout.parameters,
                           "itemdescription_0");
    };
    EXPECT_EQ(item(""), our_reference);
    EXPECT_EQ(item("a\r\nb"), "a  b");
    EXPECT_EQ(item(std::string(100, 'x')), std::string(100, 'x'));
    EXPECT_EQ(item(std::string(101, 'x')), std::string(100, 'x'));
    EXPECT_EQ(item(std::string(99, 'x') + "\u00e9y"), std::string(99, 'x')) << "no half character";
}

TEST(SecurePayOpen, NeedsAWayBack) {
    Stage stage = fresh();
    stage.return_url.clear();
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::open)).why.code, "no_return_url");
}

// ---- the return ----------------------------------------------------------------------------------------

TEST(SecurePayReturn, ASignedOkIsTheMoney) {
    for (const char* status : {"OK", "ok", "Ok"}) {
        Stage stage = fresh();
        const auto done = as<core::Done>(back(stage, said(order_of(stage), "4990.00", "ISK", status)));
        EXPECT_EQ(done.money, LegMoney::taken);
        EXPECT_EQ(done.amount, stage.amount);
        EXPECT_THAT(done.references, ElementsAre(Pair("refund_id", "RF-000123")));
    }
}

TEST(SecurePayReturn, AnAmountIsOursInEverySpelling) {
    for (const char* amount : {"4990.00", "4990,00", "4990"}) {
        Stage stage = fresh();
        EXPECT_EQ(as<core::Done>(back(stage, said(order_of(stage), amount))).amount, stage.amount) << amount;
        // Signed as we wrote it, or with a comma, and printed otherwise.
        for (const char* signed_as : {"4990.00", "4990,00"}) {
            const auto fields = with(said(order_of(stage), amount), "orderhash",
                                     orderhash(order_of(stage), signed_as, "ISK"));
            EXPECT_TRUE(is<core::Done>(back(stage, fields))) << amount << " " << signed_as;
        }
    }
}

TEST(SecurePayReturn, AnotherAmountThatIsSignedIsForCoreToCompare) {
    Stage stage = fresh();
    EXPECT_EQ(as<core::Done>(back(stage, said(order_of(stage), "4991.00"))).amount->minor, 4991);
    EXPECT_EQ(as<core::Done>(back(stage, said(order_of(stage), "4990.00", "EUR"))).amount->currency.code(),
              "EUR");
}

TEST(SecurePayReturn, WhatWasTamperedWithProvesNothing) {
    Stage stage = fresh();
    const auto order = order_of(stage);
    const auto good = said(order);
    const auto proves_nothing = [&](const Fields& fields) { return is<core::Unknown>(back(stage, fields)); };
    EXPECT_FALSE(proves_nothing(good));
    EXPECT_TRUE(proves_nothing(with(good, "amount", "4991.00")));
    EXPECT_TRUE(proves_nothing(with(good, "currency", "EUR")));
    EXPECT_TRUE(proves_nothing(with(good, "orderhash", orderhash(order, "4990.00", "EUR"))));
    EXPECT_TRUE(proves_nothing(with(good, "orderhash", "")));
    EXPECT_TRUE(proves_nothing(with(good, "orderhash", "zz")));
    for (const char* name : {"orderid", "amount", "currency", "orderhash", "status"})
        EXPECT_TRUE(proves_nothing(without(good, name))) << name;
    auto twice = good;
    twice.emplace_back("orderhash", vector_hash);
    EXPECT_TRUE(proves_nothing(twice)) << "two that differ are none";
    twice = good;
    twice.push_back(good[4]);
    EXPECT_FALSE(proves_nothing(twice)) << "the same in URL and body";
    auto nibble = *find_field(good, "orderhash");
    nibble[63] = nibble[63] == '0' ? '1' : '0';
    EXPECT_TRUE(proves_nothing(with(good, "orderhash", nibble)));
}

TEST(SecurePayReturn, AnOrderOfSomebodyElseProvesNothingHere) {
    Stage stage = fresh();
    EXPECT_TRUE(is<core::Unknown>(back(stage, said("TM0000000001"))));
    EXPECT_TRUE(is<core::Unknown>(back(stage, said(order_id(stage.transaction.id, 3, 1)))))
        << "of another leg";
    EXPECT_TRUE(is<core::Unknown>(back(stage, said("TM0000000001", "4990.00", "ISK", "CANCEL"))));
}

TEST(SecurePayReturn, WhatWeSignedForTheBrowserIsNoSignatureOfTheHouse) {
    Stage stage = fresh();
    const auto callout = as<core::Waiting>(begin(stage, Verb::open)).callout.parameters;
    const auto of = [&](const char* name) { return *find_field(callout, name); };
    const auto front =
        of("merchantid") + "|" + of("returnurlsuccess") + "|" + of("returnurlsuccessserver") + "|";
    for (const auto& [order, amount] :
         {std::pair(front + of("orderid"), of("amount")),
          {of("merchantid"), front.substr(8) + of("orderid") + "|" + of("amount")},
          {of("orderid"), of("amount")}}) {
        auto fields = with(said(order, amount), "orderhash", of("checkhash"));
        EXPECT_TRUE(is<core::Unknown>(back(stage, fields))) << order;
        EXPECT_EQ(read(with(fields, "step", "Payment")).error().kind, ErrorKind::unauthenticated) << order;
    }
}

TEST(SecurePayReturn, CancelAndErrorAreTheCustomersWordOnly) {
    Stage stage = fresh();
    for (const auto& [status, code] : {std::pair("CANCEL", "cancelled"),
                                       {"cancel", "cancelled"},
                                       {"ERROR", "declined"},
                                       {"Error", "declined"}}) {
        const auto fields = said(order_of(stage), "4990.00", "ISK", status);
        const auto declined = as<core::Declined>(back(stage, without(fields, "orderhash")));
        EXPECT_EQ(declined.why.code, code) << status;
        EXPECT_TRUE(is<core::Unknown>(back(stage, fields)))
            << "paid, or it would not be signed: the status was changed";
    }
    EXPECT_TRUE(is<core::Unknown>(back(stage, said(order_of(stage), "4990.00", "ISK", "PENDING"))));
}

TEST(SecurePayReturn, ABrowserWithNothingProvesNothing) {
    Stage stage = fresh();
    for (const Fields& fields : {Fields{}, Fields{{"is_tsw_callout_timeout_callback", "1"}},
                                 Fields{{"amount", "4990.00"}}, Fields{{"status", "CANCEL"}}})
        EXPECT_TRUE(is<core::Unknown>(back(stage, fields)));
}

TEST(SecurePayReturn, TheFirstNameOfARefundStays) {
    Stage stage = taken();
    const auto other = with(said(order_of(stage)), "refundid", "RF-999");
    EXPECT_THAT(as<core::Done>(back(stage, other)).references, IsEmpty());
    Stage first = fresh();
    for (const char* id : {"", "a b", "4111111111111111", "4111-1111-1111-1111"})
        EXPECT_THAT(as<core::Done>(back(first, with(said(order_of(first)), "refundid", id))).references,
                    IsEmpty())
            << id;
}

// ---- notices -------------------------------------------------------------------------------------------

TEST(SecurePayNotice, ASignedPaymentIsProof) {
    for (const auto& [status, step] : {std::pair("OK", "Payment"), {"ok", "payment"}}) {
        const auto notice = read(said("TM0000000001", "4990.00", "ISK", status, step));
        ASSERT_TRUE(notice.has_value()) << notice.error().message;
        EXPECT_EQ(notice->reference, "TM0000000001");
        EXPECT_EQ(notice->notice.fact, LegMoney::taken);
        EXPECT_EQ(notice->notice.trust, core::Trust::proof);
        EXPECT_EQ(notice->notice.amount, (Money{4990, *Currency::parse("ISK", "")}));
        EXPECT_THAT(notice->notice.references, ElementsAre(Pair("refund_id", "RF-000123")));
        EXPECT_EQ(notice->notice.event_id, "TM0000000001-ok-RF-000123");
    }
}

TEST(SecurePayNotice, TheSameComesUnderTheSameIdAndOthersDoNot) {
    const auto id = [](const Fields& fields) { return read(fields)->notice.event_id; };
    const auto good = said("TM0000000001", "4990.00", "ISK", "OK", "Payment");
    EXPECT_EQ(id(good), id(with(good, "status", "ok")));
    EXPECT_NE(id(good), id(with(good, "refundid", "RF-000124")));
    EXPECT_NE(id(good), id(with(good, "status", "CANCEL")));
    EXPECT_NE(id(good), id(said("TM0000000002", "4990.00", "ISK", "OK", "Payment")));
}

TEST(SecurePayNotice, WhatTheHouseDidNotSignIsNotHeard) {
    const auto good = said("TM0000000001", "4990.00", "ISK", "OK", "Payment");
    const auto refused = [](const Fields& fields) {
        const auto notice = read(fields);
        return !notice.has_value() && notice.error().kind == ErrorKind::unauthenticated &&
               notice.error().field == "orderhash";
    };
    EXPECT_FALSE(refused(good));
    EXPECT_TRUE(refused(with(good, "amount", "1.00")));
    EXPECT_TRUE(refused(with(good, "currency", "EUR")));
    EXPECT_TRUE(refused(with(good, "orderid", "TM0000000002")));
    EXPECT_TRUE(refused(with(good, "orderid", "WC-1")));
    for (const char* name : {"orderid", "amount", "currency", "orderhash"})
        EXPECT_TRUE(refused(without(good, name))) << name;
    EXPECT_TRUE(refused({}));
    EXPECT_FALSE(read(good, "/webhooks/securepay/x?orderid=TM0000000002").has_value()) << "two that differ";
}

TEST(SecurePayNotice, StepAndStatusAreKnownWords) {
    const auto good = said("TM0000000001", "4990.00", "ISK", "OK", "Payment");
    EXPECT_EQ(read(with(good, "step", "Confirmation")).error(), bad_request("step", "is not Payment"));
    EXPECT_EQ(read(with(good, "status", "PENDING")).error().field, "status");
    for (const char* status : {"CANCEL", "error"}) {
        const auto notice = read(with(good, "status", status));
        ASSERT_TRUE(notice.has_value());
        EXPECT_EQ(notice->notice.fact, LegMoney::none);
        EXPECT_EQ(notice->notice.trust, core::Trust::hint);
        EXPECT_FALSE(notice->notice.worth_a_look);
    }
}

TEST(SecurePayNotice, TheHouseHearsItsOwnWords) {
    const auto words = securepay_flow().acknowledgement();
    EXPECT_EQ(words.body, "<PaymentNotification>Accepted</PaymentNotification>");
    EXPECT_EQ(words.content_type, "text/xml; charset=utf-8");
}

// ---- refunds -------------------------------------------------------------------------------------------

TEST(SecurePayRefund, IsASignedFormThatNeverGoesOutTwice) {
    Stage stage = taken();
    stage.amount.minor = 1000;
    const auto ask = as<core::Ask>(begin(stage, Verb::refund));
    EXPECT_EQ(ask.repeat, core::Repeat::never);
    EXPECT_EQ(ask.reference, our_reference + "-3");
    EXPECT_EQ(ask.request.method, "POST");
    EXPECT_EQ(ask.request.body,
              "RefundId=RF-000123&MerchantId=9275444&PaymentGatewayId=16&Checkhash="
              "811b6141218b681828710816c1dfce298960420e14f4d93c5c79251d488a6786"
              "&amount=1000.00");
    const auto dressed = securepay_flow().dress(ask.request, securepay_merchant());
    EXPECT_EQ(dressed.target, "http://127.0.0.1:8081/borgun/securepay/refund.aspx");
    EXPECT_EQ(dressed.header("Content-Type"), "application/x-www-form-urlencoded");
}

TEST(SecurePayRefund, WaitsForTheNotificationThatNamesThePaymentAndNotForEver) {
    Stage stage = fresh();
    for (stage.leg.not_done = 0; stage.leg.not_done < 8; ++stage.leg.not_done)
        EXPECT_TRUE(is<core::NotDone>(begin(stage, Verb::refund))) << stage.leg.not_done;
    EXPECT_EQ(as<core::Declined>(begin(stage, Verb::refund)).why.code, "not_refundable");
}

TEST(SecurePayRefund, IsDoneWhenTheHouseSaysSo) {
    for (const char* body : {"ret=True&action_code=000&message=Approved", "action_code=000&ret=true"})
        EXPECT_EQ(as<core::Done>(refunded(200, body)).money, LegMoney::back) << body;
}

TEST(SecurePayRefund, IsRefusedWhenTheHouseSaysSo) {
    for (const char* code : {"110", "914", "916", "904", "116", "130", "345"}) {
        const auto declined = as<core::Declined>(
            refunded(200, std::string("ret=False&message=4111111111111111&action_code=") + code));
        EXPECT_EQ(declined.why.code, "refund_refused");
        EXPECT_EQ(declined.why.text, std::string("The money was not given back: action code ") + code + ".");
    }
}

TEST(SecurePayRefund, IsUnknownWhenTheHouseDoesNotSay) {
    for (const char* body :
         {"", "ret=True", "ret=False", "action_code=000", "ret=False&action_code=000",
          "ret=True&action_code=110", "ret=Maybe&action_code=110", "ret=True&action_code=0",
          "ret=True&ret=False&action_code=000", "ret=%zz&action_code=000", "ret=False&action_code=953",
          "ret=False&action_code=911", "ret=False&action_code=999", "<html>ret=True</html>"})
        EXPECT_TRUE(is<core::Unknown>(refunded(200, body))) << body;
    const std::string done = "ret=True&action_code=000";
    for (const int status : {0, 201, 204, 302, 400, 408, 409, 429, 500, 502, 503})
        EXPECT_TRUE(is<core::Unknown>(refunded(status, done))) << status;
    for (const int status : {401, 403, 404}) EXPECT_TRUE(is<core::NotDone>(refunded(status, done))) << status;
}

// ---- evidence ------------------------------------------------------------------------------------------

TEST(SecurePayEvidence, KeepsWhatIsOnItsListAndWellFormed) {
    const auto order = order_of(fresh());
    auto fields = said(order);
    fields.emplace_back("errorcode", "121");
    fields.emplace_back("errordescription", "The card was declined");
    std::vector<std::string> kept;
    for (const auto& field : securepay_flow().evidence(fields)) {
        if (field.keep == core::Keep::drop) {
            EXPECT_EQ(field.value, "") << field.name;
            continue;
        }
        EXPECT_EQ(field.keep, core::Keep::value);
        kept.push_back(field.name + "=" + field.value);
    }
    EXPECT_THAT(kept, ElementsAre("status=OK", "step=Confirmation", "orderid=" + order, "amount=4990.00",
                                  "currency=ISK", "refundid=RF-000123", "errorcode=121"));
}

TEST(SecurePayEvidence, NeverKeepsWhatIsNot) {
    for (const auto& [name, value] :
         std::initializer_list<std::pair<std::string, std::string>>{{"status", "4111111111111111"},
                                                                    {"status", "PAID"},
                                                                    {"step", "Ann Day"},
                                                                    {"orderid",
                                                                     "411111111111"
                                                                     "1111"},
                                                                    {"amount", "4111111111111111"},
                                                                    {"amount", "4111,1111,1111,1111"},
                                                                    {"amount", "1 2"},
                                                                    {"currency", "411"},
                                                                    {"reference", "4111111111111111"},
                                                                    {"refundid", "4111-1111-1111-1111"},
                                                                    {"errorcode", "<b>"},
                                                                    {"orderhash", vector_hash},
                                                                    {"authorizationcode", "123456"},
                                                                    {"creditcardnumber", "558740******2011"},
                                                                    {"buyername", "Ann"},
                                                                    {"buyeremail", "ann@example.is"}}) {
        const auto field = securepay_flow().evidence({{name, value}})[0];
        EXPECT_EQ(field.keep, core::Keep::drop) << name << " " << value;
        EXPECT_EQ(field.value, "");
        EXPECT_EQ(field.length, static_cast<std::int64_t>(value.size()));
    }
}

}  // namespace
}  // namespace kassi::providers
