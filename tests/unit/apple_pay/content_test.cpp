#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "world.hpp"

/// The inside of a token.
namespace kassi::tests {
namespace {

using device::Order;
using device::Version;
using nlohmann::json;
using pay::Check;
namespace card = providers::card;

const std::string content_failed(pay::title(Check::content));

/// The content that the order would have, to be changed.
json content() {
    return json::parse(R"({"applicationPrimaryAccountNumber":"4111111111111111",
        "applicationExpirationDate":"301231","currencyCode":"826","transactionAmount":2500,
        "deviceManufacturerIdentifier":"040010030273","paymentDataType":"3DSecure",
        "paymentData":{"onlinePaymentCryptogram":"AAECAwQFBgcICQoLDA0ODxAREhM=","eciIndicator":"5"}})");
}

std::string token_with(const std::string& text) {
    auto wanted = order();
    wanted.content = text;
    return world().token(wanted);
}

std::string step_of(const json& changed) {
    return failed_step(token_with(changed.dump()));
}

std::string message_of(const json& changed) {
    const auto failure = verifier().failure(token_with(changed.dump()), noon());
    return failure ? failure->error.message : "";
}

pay::Opened opened_of(const Order& wanted, const pay::Verifier& by = verifier()) {
    auto opened = by.verify(world().token(wanted), noon());
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? std::move(*opened) : pay::Opened{};
}

TEST(Content, IsWhatTheDevicePutIn) {
    for (const auto version : {Version::ec_v1, Version::rsa_v1}) {
        auto wanted = order(version);
        wanted.number = mastercard_number;
        wanted.expiry = "290228";
        wanted.currency = "978";
        wanted.amount = "12345";
        wanted.cryptogram = encoding::base64("nineteen bytes here");
        wanted.eci = "2";
        wanted.application_data = "transaction-7";
        wanted.transaction_id = std::string(64, '7');
        const auto opened = opened_of(wanted);
        EXPECT_EQ(opened.card.number.reveal(), mastercard_number);
        EXPECT_EQ(opened.card.scheme, card::Scheme::mastercard);
        EXPECT_EQ(opened.card.expiry, (card::Month{2029, 2}));
        EXPECT_EQ(opened.card.cryptogram.reveal(), wanted.cryptogram);
        EXPECT_EQ(opened.card.eci, "2");
        EXPECT_EQ(opened.card.level, "2");
        EXPECT_EQ(opened.amount.minor, 12345);
        EXPECT_EQ(opened.amount.currency.code(), "EUR");
        EXPECT_EQ(opened.transaction_id, wanted.transaction_id);
        EXPECT_EQ(opened.application_data_hash, pay::application_data_hash("transaction-7"));
        EXPECT_EQ(opened.signed_at, noon());
        EXPECT_EQ(opened.device, "040010030273");
    }
}

TEST(Content, ApplicationDataIsBase64InTheRequestAndAHashInTheToken) {
    EXPECT_EQ(pay::application_data("order-77"), "b3JkZXItNzc=");
    EXPECT_EQ(pay::application_data_hash("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(opened_of(order()).application_data_hash, "");
}

TEST(Content, EciIsOptionalAndPassedOnWhileTheDeviceAuthenticated) {
    EXPECT_EQ(opened_of(order()).card.eci, "");
    for (const char* eci : {"5", "05", "2", "02", "6", "06", "01", "7", "07", "0", "00", ""}) {
        auto wanted = order();
        wanted.eci = eci;
        const auto opened = opened_of(wanted);
        EXPECT_EQ(opened.card.eci, eci);
        EXPECT_EQ(opened.card.level, "2") << eci;
    }
    auto changed = content();
    for (const json& eci : {json("123"), json("x"), json(5), json(nullptr)}) {
        changed["paymentData"]["eciIndicator"] = eci;
        EXPECT_EQ(step_of(changed), content_failed) << eci;
    }
}

TEST(Content, UnknownMembersAreTolerated) {
    auto wanted = order();
    wanted.more_members =
        R"("cardholderName":"Ann Day","merchantTokenMetadata":{"a":[1,{"b":2}]},"new":null)";
    opened_of(wanted);
}

TEST(Content, IsStrictJson) {
    const auto good = content().dump();
    EXPECT_EQ(failed_step(token_with(good)), "");
    for (const std::string& text :
         {good + "x", good.substr(0, good.size() - 1), std::string("[]"), std::string("\0", 1) + good,
          "{\"paymentDataType\":\"3DSecure\"," + good.substr(1),
          std::string("{\"x\":\"\xff\",") + good.substr(1)})
        EXPECT_EQ(failed_step(token_with(text)), content_failed);
    std::string deep = "1";
    for (int i = 0; i < 5; ++i) deep = "[" + deep + "]";
    const auto with = [&](const std::string& value) { return "{\"x\":" + value + "," + good.substr(1); };
    EXPECT_EQ(failed_step(token_with(with(deep))), "");
    EXPECT_EQ(failed_step(token_with(with("[" + deep + "]"))), content_failed);
}

TEST(Content, EveryMemberThatIsNeededIsMissed) {
    for (const char* name : {"applicationPrimaryAccountNumber", "applicationExpirationDate", "currencyCode",
                             "transactionAmount", "paymentDataType", "paymentData"}) {
        auto changed = content();
        changed.erase(name);
        EXPECT_EQ(step_of(changed), content_failed) << name;
        EXPECT_NE(message_of(changed).find(name), std::string::npos);
        changed[name] = json::array();
        EXPECT_EQ(step_of(changed), content_failed) << name;
    }
    auto changed = content();
    changed["paymentData"].erase("onlinePaymentCryptogram");
    EXPECT_EQ(step_of(changed), content_failed);
    changed = content();
    changed.erase("deviceManufacturerIdentifier");
    EXPECT_EQ(step_of(changed), "");
}

TEST(Content, AmountsAreWholeNumbersThatCanBePaid) {
    for (const char* amount : {"1", "1000000000000"}) {
        auto wanted = order();
        wanted.amount = amount;
        EXPECT_EQ(opened_of(wanted).amount.minor, std::stoll(amount));
    }
    for (const char* amount : {"0", "-1", "25.5", "25.0", "2.5e3", "\"2500\"", "null", "1000000000001",
                               "9223372036854775807", "9223372036854775808", "18446744073709551616"}) {
        auto wanted = order();
        wanted.amount = amount;
        EXPECT_EQ(failed_step(world().token(wanted)), content_failed) << amount;
    }
}

TEST(Content, CurrenciesAreThreeDigitsThatWeKnow) {
    const std::pair<const char*, const char*> rows[] = {{"352", "ISK"}, {"978", "EUR"}, {"840", "USD"},
                                                        {"008", "ALL"}, {"036", "AUD"}, {"392", "JPY"}};
    for (const auto& [number, code] : rows) {
        auto wanted = order();
        wanted.currency = number;
        EXPECT_EQ(opened_of(wanted).amount.currency.code(), code);
    }
    for (const char* number : {"", "8", "36", "0036", "8260", "999", "000", "GBP", "82x", "+26", " 26"}) {
        auto wanted = order();
        wanted.currency = number;
        EXPECT_EQ(failed_step(world().token(wanted)), content_failed) << number;
    }
    auto changed = content();
    changed["currencyCode"] = 826;
    EXPECT_EQ(step_of(changed), content_failed);
}

TEST(Content, PlacesOfACurrencyCanBeSet) {
    auto wanted = order();
    wanted.currency = "352";
    wanted.amount = "250000";
    EXPECT_EQ(opened_of(wanted).amount.minor, 250000);
    auto with = options();
    with.exponents = {{"ISK", 2}, {"USD", 0}};
    const auto other = pay::Verifier::make(with).value();
    EXPECT_EQ(opened_of(wanted, *other).amount.minor, 2500);
    wanted.amount = "250050";
    EXPECT_EQ(failed_step(world().token(wanted), noon(), *other), content_failed);
    wanted.currency = "840";
    wanted.amount = "25";
    EXPECT_EQ(opened_of(wanted, *other).amount.minor, 2500);
    wanted.amount = "10000000000";
    EXPECT_EQ(opened_of(wanted, *other).amount.minor, 1'000'000'000'000);
    for (const char* amount : {"10000000001", "9223372036854775807", "0"}) {
        wanted.amount = amount;
        EXPECT_EQ(failed_step(world().token(wanted), noon(), *other), content_failed) << amount;
    }
    with.exponents = {{"QQQ", 2}};
    EXPECT_EQ(pay::Verifier::make(with).error().field, "exponents");
    with.exponents = {{"ISK", 5}};
    EXPECT_EQ(pay::Verifier::make(with).error().field, "exponents");
    with.exponents = {{"ISK", -1}};
    EXPECT_EQ(pay::Verifier::make(with).error().field, "exponents");
    with.exponents = {{"ISK", 4}};
    EXPECT_TRUE(pay::Verifier::make(with));
}

TEST(Content, NumbersAreOfVisaOrMastercardAndOthersAreRefusedByName) {
    const std::pair<const char*, const char*> rows[] = {{"378282246310005", "American Express"},
                                                        {"3530111333300000", "JCB"},
                                                        {"6011111111111117", "Discover"},
                                                        {"6759649826438453", "Maestro"}};
    for (const auto& [number, name] : rows) {
        auto changed = content();
        changed["applicationPrimaryAccountNumber"] = number;
        EXPECT_EQ(step_of(changed), content_failed);
        EXPECT_NE(message_of(changed).find(name), std::string::npos);
        EXPECT_EQ(message_of(changed).find(number), std::string::npos);
    }
    for (const char* number :
         {"", "x", "4111 1111 1111 1111", "41111111111", "41111111111111111111", "1111111111111111"}) {
        auto changed = content();
        changed["applicationPrimaryAccountNumber"] = number;
        EXPECT_EQ(step_of(changed), content_failed) << number;
    }
    for (const char* number : {"411111111111", "4111111111111111111"}) {
        auto changed = content();
        changed["applicationPrimaryAccountNumber"] = number;
        EXPECT_EQ(step_of(changed), "") << number;
    }
}

TEST(Content, ExpiryIsADayThatIs) {
    for (const char* date :
         {"300229", "301301", "300001", "300100", "300132", "3012", "30123x", "20301231"}) {
        auto changed = content();
        changed["applicationExpirationDate"] = date;
        EXPECT_EQ(step_of(changed), content_failed) << date;
    }
}

TEST(Content, EmvIsRefusedByName) {
    auto wanted = order();
    wanted.payment_data_type = "EMV";
    const auto failure = verifier().failure(world().token(wanted), noon());
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->step, Check::content);
    EXPECT_EQ(failure->error.message, "EMV payment data is not supported");
    wanted.payment_data_type = "3dsecure";
    EXPECT_EQ(failed_step(world().token(wanted)), content_failed);
}

TEST(Content, CryptogramsHaveNineteenToTwentyEightBytes) {
    for (const auto& [bytes, good] :
         {std::pair<std::size_t, bool>{18, false}, {19, true}, {20, true}, {28, true}, {29, false}}) {
        auto changed = content();
        changed["paymentData"]["onlinePaymentCryptogram"] = encoding::base64(std::string(bytes, 'c'));
        EXPECT_EQ(step_of(changed), good ? "" : content_failed) << bytes;
    }
    auto changed = content();
    changed["paymentData"]["onlinePaymentCryptogram"] = "AAECAwQFBgcICQoLDA0ODxAREhM";
    EXPECT_EQ(step_of(changed), content_failed);
}

TEST(Content, DevicesAreHex) {
    auto changed = content();
    for (const json& device : {json("zz"), json("0"), json(std::string(66, '0')), json(4)}) {
        changed["deviceManufacturerIdentifier"] = device;
        EXPECT_EQ(step_of(changed), content_failed) << device;
    }
    changed["deviceManufacturerIdentifier"] = std::string(64, '0');
    EXPECT_EQ(step_of(changed), "");
}

TEST(Content, NoErrorRepeatsAValue) {
    const auto good = content();
    for (const auto& [name, value] : good.items()) {
        auto changed = good;
        changed[name] = "4929000000006";
        changed["4929000000006"] = 1;
        EXPECT_EQ(message_of(changed).find("4929000000006"), std::string::npos) << message_of(changed);
    }
    const auto twice = failed_step(token_with(R"({"4929000000006":1,"4929000000006":1})"));
    EXPECT_EQ(twice, content_failed);
    const auto error =
        verifier().verify(token_with(R"({"4929000000006":1,"4929000000006":1})"), noon()).error();
    EXPECT_EQ(error.message.find("4929"), std::string::npos);
}

}  // namespace
}  // namespace kassi::tests
