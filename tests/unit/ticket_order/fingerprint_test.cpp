#include "api/ticket_order/fingerprint.hpp"

#include <gtest/gtest.h>

#include <set>

#include "api/ticket_order/request.hpp"
#include "api/ticket_order/signature.hpp"

namespace kassi::api::ticket_order {
namespace {

TicketOrder read(BodyForm form, const std::string& body, Fields query = {}) {
    Incoming incoming;
    incoming.form = form;
    incoming.body = body;
    incoming.query = std::move(query);
    auto request = read_request(incoming);
    EXPECT_TRUE(request) << body;
    return request ? *request : TicketOrder{};
}
std::string of(BodyForm form, const std::string& body, Fields query = {}) {
    return fingerprint_of(read(form, body, std::move(query)));
}

constexpr const char* json =
    R"({"teamPass":null,"order":{"eventId":42,"timestampBought":"2024-05-01T12:34:56.789Z","deviceId":"dev \"1\", x","isFree":false,"totalPaidForTicket":4500.5},"orderDetails":[{"eventSeriesTicketType":3,"ticketPrice":2250.25,"totalPrice":4500.5,"count":2,"currency":"ISK"}],"cardInfo":{"paymentMethod":{"paymentType":"TokenSingle","token":"tok"},"amount":4500.5,"currency":"352","orderId":"ABC123456789"},"requestUnixUTCTimeStamp":1714566896,"signature":{"systemId":"s","signature":"xx"},"borgun3DFinalInfo":{"amount":450050}})";

TEST(Fingerprint, TheSameOrderIsTheSameHoweverItIsSent) {
    const auto wanted = of(BodyForm::json, json);
    EXPECT_EQ(wanted.size(), 64U);
    // As .NET sends it: PascalCase, its dates, defaults, scales.
    EXPECT_EQ(
        of(BodyForm::json,
           R"({"Order":{"ID":0,"EventId":42,"TimestampBought":"\/Date(1714566896789)\/","TimestampActivated":"\/Date(-62135596800000-0000)\/","DeviceId":"dev \"1\", x","PhoneVerificationId":0,"IsFree":false,"TotalPaidForTicket":4500.50},"OrderDetails":[{"ID":0,"EventSeriesTicketType":3,"TicketPrice":2250.25,"TotalPrice":4500.50,"Count":2,"Currency":"ISK"}],"CardInfo":{"PaymentMethod":{"PaymentType":"TokenSingle","Token":"tok"},"Amount":4500.500,"Currency":"352","OrderId":"ABC123456789","TransActionDate":"\/Date(-62135596800000-0000)\/","SaveCardToToken":false},"RequestUnixUTCTimeStamp":1714566896,"Signature":{"SystemId":"s","Signature":"xx"},"ApplePayInfo":{"ThreeDSecure":{"CAVV":"","UCAF":""}},"Borgun3DFinalInfo":{"Amount":450050}})"),
        wanted);
    const std::string jsv =
        R"({Order:{ID:0,EventId:42,TimestampBought:2024-05-01T12:34:56.789Z,TimestampActivated:0001-01-01,DeviceId:"dev ""1"", x",IsFree:False,TotalPaidForTicket:4500.50},OrderDetails:[{ID:0,EventSeriesTicketType:3,TicketPrice:2250.25,TotalPrice:4500.50,Count:2,Currency:ISK}],CardInfo:{PaymentMethod:{PaymentType:TokenSingle,Token:tok},Amount:4500.50,Currency:352,OrderId:ABC123456789,TransActionDate:0001-01-01},RequestUnixUTCTimeStamp:1714566896,Signature:{SystemId:s,Signature:xx},Borgun3DFinalInfo:{Amount:450050}})";
    EXPECT_EQ(of(BodyForm::jsv, jsv), wanted);
    // In a query: each member as JSV, and as JSON.
    const Fields query{
        {"teamPass", ""},
        {"order",
         R"({eventId:42,timestampBought:"2024-05-01T12:34:56.789Z",deviceId:"dev ""1"", x",isFree:false,totalPaidForTicket:4500.5})"},
        {"orderDetails",
         R"([{"eventSeriesTicketType":3,"ticketPrice":2250.25,"totalPrice":4500.5,"count":2,"currency":"ISK"}])"},
        {"cardInfo",
         "{paymentMethod:{paymentType:TokenSingle,token:tok},amount:4500.5,currency:352,orderId:"
         "ABC123456789}"},
        {"requestUnixUTCTimeStamp", "1714566896"},
        {"signature", "{systemId:s,signature:xx}"},
        {"borgun3DFinalInfo", "{amount:450050}"}};
    EXPECT_EQ(of(BodyForm::none, "", query), wanted);
}

TEST(Fingerprint, WhateverDiffersIsAnother) {
    std::set<std::string> all{of(BodyForm::json, json), of(BodyForm::json, "{}")};
    std::size_t count = 2;
    const auto another = [&](const std::string& from, const std::string& to) {
        auto text = std::string(json);
        text.replace(text.find(from), from.size(), to);
        all.insert(of(BodyForm::json, text));
        EXPECT_EQ(all.size(), ++count) << to;
    };
    another("\"token\":\"tok\"", "\"token\":\"tok2\"");
    another("\"token\":\"tok\"", "\"pan\":\"tok\"");
    another("\"count\":2", "\"count\":3");
    another("4500.5", "4500.05");
    another("1714566896", "1714566897");
    another("\"signature\":\"xx\"", "\"signature\":\"xy\"");
    another("\"eventId\":42", "\"eventId\":421");
    another("\"paymentType\":\"TokenSingle\"", "\"paymentType\":\"TokenSingle5:token\"");
    another(",\"borgun3DFinalInfo\"", ",\"appMetaData\":\"x\",\"borgun3DFinalInfo\"");
    // Nothing flows from one member into its neighbour.
    all.insert(of(BodyForm::json, R"({"deviceId":"a","phoneVerificationNumber":"bc"})"));
    all.insert(of(BodyForm::json, R"({"deviceId":"bc","phoneVerificationNumber":"a"})"));
    all.insert(of(BodyForm::json, R"({"deviceId":"ab","phoneVerificationNumber":"c"})"));
    EXPECT_EQ(all.size(), count + 3);
}

TEST(Fingerprint, AnOrdersName) {
    const Money total{4500, *Currency::parse("ISK", "")};
    const auto request = read(BodyForm::json, json);
    EXPECT_EQ(ticket_order::key_of(request, total, "ABC123456789", "print"), key_of_order_id("ABC123456789"));
    // Signed: by what is signed, whatever else is in it, and however the signature is spelled.
    const auto by_signature = ticket_order::key_of(request, total, "", "print");
    auto other = request;
    other.signature->signature = "spelled otherwise";
    other.app_meta_data = Opaque{"x"};
    EXPECT_EQ(ticket_order::key_of(other, total, "", "another"), by_signature);
    other.request_unix_time = 1;
    EXPECT_NE(ticket_order::key_of(other, total, "", "print"), by_signature);
    EXPECT_NE(ticket_order::key_of(request, {4501, total.currency}, "", "print"), by_signature);
    // Else by all of it.
    other.signature.reset();
    EXPECT_NE(ticket_order::key_of(other, total, "", "print"),
              ticket_order::key_of(other, total, "", "another"));
}

}  // namespace
}  // namespace kassi::api::ticket_order
