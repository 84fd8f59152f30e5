#include "api/ticket_order/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/ticket_order/request.hpp"
#include "samples.hpp"

namespace kassi::api::ticket_order {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TicketOrder order(std::string_view jsv) {
    Incoming incoming;
    incoming.form = BodyForm::jsv;
    incoming.body = jsv;
    auto request = read_request(incoming);
    if (!request) throw std::logic_error(request.error().message + " " + request.error().faults.at(0).field);
    return *request;
}

constexpr std::string_view two_seats =
    "order:{eventId:42,currency:ISK},orderDetails:[{ticketPrice:2250,totalPrice:4500,count:2}]";
constexpr std::string_view by_card =
    "cardInfo:{paymentMethod:{paymentType:Card,pan:4741520000000003,expYear:2030,expMonth:12,cvc:123},amount:"
    "4500.00,"
    "currency:352,orderId:ABC123456789}";
constexpr std::string_view by_final =
    "borgun3DFinalInfo:{transactionType:Sale,amount:450000,currency:352,orderId:FIN123456789,paymentMethod:{"
    "paymentType:"
    "TokenSingle,token:ts_x},threeDSecure:{dataType:Token,mpiToken:m}}";
constexpr std::string_view by_apple =
    "applePayInfo:{orderId:APP123456789,threeDSecure:{dataType:Manual,securityLevelInd:2,cavv:c}},cardInfo:{"
    "paymentMethod:"
    "{paymentType:Card,pan:4741520000000003,expYear:2030,expMonth:12},amount:4500,currency:ISK}";

Outcome<Checked> checked(std::initializer_list<std::string_view> parts) {
    std::string text = "{";
    for (const auto part : parts) text.append(text.size() > 1 ? "," : "").append(part);
    return check(order(text + "}"));
}

/// "field: message" of all faults.
std::vector<std::string> faults(const Outcome<Checked>& outcome) {
    std::vector<std::string> out;
    if (outcome) return out;
    for (const auto& fault : outcome.error().faults) out.push_back(fault.field + ": " + fault.message);
    return out;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out(text);
    const auto at = out.find(from);
    if (at == std::string::npos) throw std::logic_error("not there: " + std::string(from));
    return out.replace(at, from.size(), to);
}

TEST(Checks, EachWayToPay) {
    const auto card = checked({two_seats, by_card});
    ASSERT_TRUE(card) << faults(card).at(0);
    EXPECT_EQ(card->way, Way::card);
    EXPECT_EQ(card->total, (Money{4500, *Currency::parse("ISK", "")}));
    EXPECT_EQ(card->order_id, "ABC123456789");
    const auto final = checked({two_seats, by_final});
    ASSERT_TRUE(final) << faults(final).at(0);
    EXPECT_EQ(final->way, Way::final_charge);
    EXPECT_EQ(final->order_id, "FIN123456789");
    const auto apple = checked({two_seats, by_apple});
    ASSERT_TRUE(apple) << faults(apple).at(0);
    EXPECT_EQ(apple->way, Way::apple_pay);
    EXPECT_EQ(apple->order_id, "APP123456789");
}

TEST(Checks, TwoWaysCollideByName) {
    EXPECT_THAT(faults(checked({two_seats, by_card, by_final})),
                Contains("cardInfo: collides with borgun3DFinalInfo: an order is paid in exactly one way"));
    EXPECT_THAT(
        faults(checked({two_seats, by_apple, by_final})),
        Contains("applePayInfo: collides with borgun3DFinalInfo: an order is paid in exactly one way"));
    EXPECT_THAT(faults(checked({two_seats, replaced(by_apple, "expMonth:12", "expMonth:12,cvc:123")})),
                Contains("cardInfo: collides with applePayInfo: an order is paid in exactly one way"));
    EXPECT_THAT(faults(checked({two_seats, by_card, "paymentCardId:7"})),
                Contains("paymentCardId: collides with cardInfo: an order is paid in exactly one way"));
    EXPECT_THAT(
        faults(checked({two_seats, by_final, "paymentCardId:7"})),
        Contains("paymentCardId: collides with borgun3DFinalInfo: an order is paid in exactly one way"));
    EXPECT_THAT(faults(checked({two_seats, by_apple, "paymentCardId:7"})),
                Contains("paymentCardId: collides with applePayInfo: an order is paid in exactly one way"));
    const auto sample = check(order(sample_request));
    ASSERT_FALSE(sample);  // syntactically in order, and no order
    EXPECT_THAT(
        faults(sample),
        Contains("applePayInfo: collides with borgun3DFinalInfo: an order is paid in exactly one way"));
}

TEST(Checks, NoWayToPay) {
    EXPECT_THAT(
        faults(checked({two_seats})),
        ElementsAre(
            "cardInfo: one of cardInfo, borgun3DFinalInfo and applePayInfo must say how the order is paid"));
    // What .NET sends of an object that nobody filled, and contact data, are no way.
    EXPECT_FALSE(
        checked({two_seats,
                 "cardInfo:{amount:0,transActionDate:0001-01-01,paymentMethod:{}},paymentPhoneNumber:555"}));
    EXPECT_THAT(faults(checked({two_seats, "paymentCardId:7"})),
                Contains(HasSubstr("cards are not kept here")));
    EXPECT_TRUE(checked(
        {two_seats, by_card, "borgun3DFinalInfo:{amount:0},applePayInfo:{threeDSecure:{}},paymentCardId:0"}));
}

TEST(Checks, FreeOfCharge) {
    constexpr std::string_view free =
        "order:{eventId:42,currency:ISK,isFree:True},orderDetails:[{ticketPrice:0,count:2}]";
    const auto outcome = checked({free});
    ASSERT_TRUE(outcome) << faults(outcome).at(0);
    EXPECT_EQ(outcome->way, Way::nothing);
    EXPECT_EQ(outcome->total.minor, 0);
    EXPECT_THAT(faults(checked({free, by_card})),
                ElementsAre("cardInfo: must be left out: the order costs nothing"));
    EXPECT_THAT(faults(checked({replaced(two_seats, "currency:ISK", "currency:ISK,isFree:True"), by_card})),
                ElementsAre(HasSubstr("order.isFree")));
}

TEST(Checks, AmountsAddUpInTheirUnits) {
    const auto with_amount = [](std::string_view part, std::string_view from, std::string_view to) {
        return faults(checked({two_seats, replaced(part, from, to)}));
    };
    for (const auto* same : {"amount:4500", "amount:4500.0", "amount:\"4,500.00\"", "amount:4.5e3"})
        EXPECT_THAT(with_amount(by_card, "amount:4500.00", same), ElementsAre()) << same;
    for (const auto* other : {"amount:4499", "amount:450000", "amount:4500.01", "amount:-4500", "amount:45"})
        EXPECT_THAT(with_amount(by_card, "amount:4500.00", other),
                    ElementsAre("cardInfo.amount: must be what orderDetails add up to"))
            << other;
    EXPECT_THAT(with_amount(by_card, "amount:4500.00,", ""),
                ElementsAre("cardInfo.amount: must not be empty"));
    for (const auto* other :
         {"amount:4500", "amount:450001", "amount:0", "amount:-450000", "amount:9223372036854775807"})
        EXPECT_THAT(with_amount(by_final, "amount:450000", other),
                    ElementsAre(HasSubstr("borgun3DFinalInfo.amount")))
            << other;
    EXPECT_THAT(faults(checked(
                    {replaced(two_seats, "currency:ISK", "currency:ISK,totalPaidForTicket:4400"), by_card})),
                ElementsAre("order.totalPaidForTicket: must be what orderDetails add up to"));
}

TEST(Checks, MinorUnitsOfEveryCurrency) {
    constexpr std::string_view pounds =
        "order:{eventId:42},orderDetails:[{ticketPrice:0.1,count:3,currency:GBP},{ticketPrice:19.99,count:"
        "100}]";
    const auto outcome = checked(
        {pounds, "cardInfo:{paymentMethod:{paymentType:TokenSingle,token:t},amount:1999.3,currency:826}"});
    ASSERT_TRUE(outcome) << faults(outcome).at(0);
    EXPECT_EQ(outcome->total.minor, 199930);
    // Two digits more, but JPY none.
    const auto yen = [](std::string_view amount) {
        return checked({"order:{eventId:42,currency:JPY},orderDetails:[{ticketPrice:500,count:1}]",
                        replaced(replaced(by_final, "450000", amount), "currency:352", "currency:392")});
    };
    EXPECT_TRUE(yen("500"));
    EXPECT_FALSE(yen("50000"));
    EXPECT_THAT(faults(checked({replaced(two_seats, "2250", "2250.5"), by_card})),
                Contains("orderDetails[0].ticketPrice: must have at most 0 decimal places, as ISK"));
}

TEST(Checks, Lines) {
    const auto with = [](std::string_view from, std::string_view to) {
        return faults(checked({replaced(two_seats, from, to), by_card}));
    };
    EXPECT_THAT(with("totalPrice:4500", "totalPrice:4499"),
                Contains("orderDetails[0].totalPrice: must be ticketPrice times count"));
    EXPECT_THAT(with("totalPrice:4500", "totalPrice:0"), ElementsAre());  // .NET's for "not given"
    EXPECT_THAT(with("count:2", "count:0"), Contains("orderDetails[0].count: must be from 1 to 100"));
    EXPECT_THAT(with("count:2", "count:-2"), Contains("orderDetails[0].count: must be from 1 to 100"));
    EXPECT_THAT(with("ticketPrice:2250", "ticketPrice:-2250"),
                Contains(HasSubstr("orderDetails[0].ticketPrice: must not be below 0")));
    EXPECT_THAT(with("count:2", "count:2,eventSeriesTicketType:1,eventSeriesOwnerTicketType:2"),
                Contains(HasSubstr("a line has one price")));
    EXPECT_THAT(faults(checked({"order:{eventId:42,currency:ISK}", by_card})),
                ElementsAre("orderDetails: must not be empty"));
    EXPECT_THAT(faults(checked({"orderDetails:[{count:1,currency:ISK}]"})),
                Contains("order: must not be empty"));
    EXPECT_THAT(with("eventId:42", "eventId:0"), ElementsAre("order.eventId: must be greater than 0"));
    EXPECT_THAT(with("eventId:42", "eventId:42,id:9"), ElementsAre("order.id: must be 0: it is a new order"));
}

TEST(Checks, Limits) {
    const auto order_of = [](std::size_t lines, std::int32_t count, std::string_view price,
                             std::string_view amount) {
        std::string text = "order:{eventId:42,currency:ISK},orderDetails:[";
        for (std::size_t i = 0; i < lines; ++i)
            text += (i == 0 ? "{count:" : ",{count:") + std::to_string(count) +
                    ",ticketPrice:" + std::string(price) + "}";
        return checked({text + "]", "cardInfo:{paymentMethod:{paymentType:TokenMulti,token:t},amount:" +
                                        std::string(amount) + "}"});
    };
    EXPECT_TRUE(order_of(lines_max, tickets_a_line_max, "1", "5000"));
    EXPECT_THAT(faults(order_of(lines_max + 1, 1, "1", "51")),
                Contains("orderDetails: must hold at most 50 lines"));
    EXPECT_THAT(faults(order_of(1, tickets_a_line_max + 1, "1", "101")),
                Contains(HasSubstr("orderDetails[0].count")));
    EXPECT_TRUE(order_of(1, 1, "1000000000000", "1000000000000"));
    EXPECT_THAT(faults(order_of(1, 1, "1000000000001", "1000000000001")),
                Contains(HasSubstr("nor above what a payment may be")));
    EXPECT_THAT(faults(order_of(2, 1, "1000000000000", "2000000000000")),
                ElementsAre("orderDetails: add up to more than a payment may be"));
    EXPECT_THAT(faults(order_of(lines_max, tickets_a_line_max, "1000000000000", "1")),
                ElementsAre("orderDetails: add up to more than a payment may be"));
}

TEST(Checks, OneCurrency) {
    EXPECT_THAT(faults(checked({two_seats, replaced(by_card, "currency:352", "currency:GBP")})),
                ElementsAre("cardInfo.currency: must be ISK, as order.currency says"));
    EXPECT_THAT(faults(checked({replaced(two_seats, "currency:ISK", "currency:kr"), by_card})),
                ElementsAre("order.currency: must be a currency of ISO 4217, by code or number"));
    EXPECT_TRUE(checked({replaced(two_seats, ",currency:ISK", ""), by_card}));
    EXPECT_THAT(
        faults(checked({replaced(two_seats, ",currency:ISK", ""), replaced(by_card, "currency:352,", "")})),
        ElementsAre("order.currency: must not be empty"));
}

TEST(Checks, WhatAPaymentPartMustHave) {
    const auto with = [](std::string_view part, std::string_view from, std::string_view to) {
        return faults(checked({two_seats, replaced(part, from, to)}));
    };
    EXPECT_THAT(with(by_card, "pan:4741520000000003,", ""),
                ElementsAre("cardInfo.paymentMethod.pan: must not be empty"));
    EXPECT_THAT(with(by_card, "cvc:123", "cvc:123,token:t"),
                ElementsAre(HasSubstr("cardInfo.paymentMethod.token: collides")));
    EXPECT_THAT(with(by_card, "paymentType:Card", "paymentType:TokenSingle,token:t"),
                ElementsAre(HasSubstr("cardInfo.paymentMethod.pan")));
    EXPECT_THAT(with(by_card, "paymentType:Card", "paymentType:String"),
                ElementsAre(HasSubstr("cardInfo.paymentMethod.paymentType")));
    EXPECT_THAT(with(by_card, "paymentType:Card", "paymentType:CARD"), ElementsAre());
    EXPECT_THAT(with(by_card, "orderId:ABC123456789", "orderId:abc123456789"),
                ElementsAre(HasSubstr("cardInfo.orderId")));
    EXPECT_THAT(with(by_card, "orderId:ABC123456789", "orderId:ABC12345678"),
                ElementsAre(HasSubstr("cardInfo.orderId")));
    EXPECT_THAT(with(by_card, ",orderId:ABC123456789", ""), ElementsAre());
    EXPECT_THAT(with(by_final, "transactionType:Sale", "transactionType:PreAuthorization"),
                ElementsAre(HasSubstr("transactionType")));
    EXPECT_THAT(with(by_final, "TokenSingle", "Card"),
                ElementsAre(HasSubstr("borgun3DFinalInfo.paymentMethod.paymentType")));
    EXPECT_THAT(with(by_final, "mpiToken:m", "mpiToken:"),
                ElementsAre("borgun3DFinalInfo.threeDSecure.mpiToken: must not be empty"));
    EXPECT_THAT(with(by_final, ",token:ts_x", ""),
                ElementsAre("borgun3DFinalInfo.paymentMethod.token: must not be empty"));
    EXPECT_THAT(with(by_apple, "cavv:c", "cavv:c,ucaf:u"),
                ElementsAre(HasSubstr("exactly one of cavv and ucaf")));
    EXPECT_THAT(with(by_apple, ",cavv:c", ""), ElementsAre(HasSubstr("exactly one of cavv and ucaf")));
    EXPECT_THAT(with(by_apple, "Manual", "Token"),
                ElementsAre(HasSubstr("applePayInfo.threeDSecure.dataType")));
    EXPECT_THAT(with(by_apple, "Ind:2", "Ind:0"), ElementsAre(HasSubstr("securityLevelInd")));
    EXPECT_THAT(with(by_apple, "currency:ISK}", "currency:ISK,saveCardToToken:True}"),
                ElementsAre(HasSubstr("saveCardToToken")));
    EXPECT_THAT(with(by_apple, "currency:ISK}", "currency:ISK,orderId:XYZ123456789}"),
                ElementsAre("applePayInfo.orderId: must be the same as cardInfo.orderId"));
    EXPECT_THAT(faults(checked({two_seats, by_apple.substr(0, by_apple.find(",cardInfo"))})),
                ElementsAre("cardInfo: must not be empty"));
}

TEST(Checks, RootAndOrderAgree) {
    constexpr std::string_view order_part =
        "order:{eventId:42,currency:ISK,deviceId:d,phoneVerificationNumber:p,seatsReservationId:s},"
        "orderDetails:[{ticketPrice:4500,count:1}]";
    EXPECT_TRUE(
        checked({order_part, by_card, "deviceId:d,phoneVerificationNumber:p,seatReservationTokenId:s"}));
    EXPECT_TRUE(checked({order_part, by_card}));
    EXPECT_THAT(faults(checked(
                    {order_part, by_card, "deviceId:x,phoneVerificationNumber:y,seatReservationTokenId:z"})),
                ElementsAre("order.deviceId: must be the same as deviceId",
                            "order.phoneVerificationNumber: must be the same as phoneVerificationNumber",
                            "order.seatsReservationId: must be the same as seatReservationTokenId"));
    EXPECT_TRUE(checked(
        {two_seats, by_card, "ticketHolders:{holderInfoRequired:True,ticketHolders:[{name:a},{name:b}]}"}));
    EXPECT_THAT(faults(checked({two_seats, by_card,
                                "ticketHolders:{holderInfoRequired:True,ticketHolders:[{name:a}]}"})),
                ElementsAre("ticketHolders.ticketHolders: must name one holder for each ticket"));
}

}  // namespace
}  // namespace kassi::api::ticket_order
