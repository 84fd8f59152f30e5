#include "api/ticket_order/answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/ticket_order/jsv.hpp"
#include "api/ticket_order/tree.hpp"
#include "samples.hpp"

namespace kassi::api::ticket_order {
namespace {

TicketOrderResult bought() {
    auto result = result_of(Status::ok);
    auto& all = result.ticket_and_details.emplace();
    auto& ticket = all.event_ticket.emplace();
    ticket.id = 17;
    ticket.event_id = 42;
    ticket.timestamp_bought = *read_date("2024-05-01T12:34:56.789Z");
    ticket.device_id = R"(dev "1", x)";
    ticket.is_free = false;
    ticket.total_paid_for_ticket = Decimal{450050, 2};
    auto& line = all.event_ticket_details.emplace().emplace_back();
    line.ticket_price = Decimal{225025, 2};
    line.count = 2;
    line.ticket_holders.emplace().emplace_back().name = "J\u00f3n \u00de\u00f3r";
    all.event_info.emplace().name = "A: b";
    all.minutes_to_event = 9'000'000'000;
    return result;
}

TEST(Answer, Json) {
    EXPECT_EQ(
        print(bought(), Format::json),
        R"({"ticketAndDetails":{"eventTicket":{"id":17,"eventId":42,"timestampBought":"2024-05-01T12:34:56.7890000Z",)"
        R"("timestampActivated":"0001-01-01T00:00:00.0000000","timeStampOrdered":"0001-01-01T00:00:00.0000000",)"
        R"("deviceId":"dev \"1\", x","phoneVerificationId":0,"isFree":false,"totalPaidForTicket":4500.50},)"
        R"("eventTicketDetails":[{"id":0,"ticketId":0,"ticketPrice":2250.25,"totalPrice":0,"count":2,)"
        R"("holderInfoRequired":false,"ticketHolders":[{"name":"Jón Þór"}]}],"eventInfo":{"id":0,"name":"A: b",)"
        R"("timeOfEvent":"0001-01-01T00:00:00.0000000","eventActive":false,"latitude":0,"longitude":0},"eventIsToday":false,)"
        R"("eventisLive":false,"minutesToEvent":9000000000},"statusCode":0,"message":"The order is complete."})");
}

TEST(Answer, Jsv) {
    EXPECT_EQ(
        print(bought(), Format::jsv),
        R"({ticketAndDetails:{eventTicket:{id:17,eventId:42,timestampBought:2024-05-01T12:34:56.789Z,)"
        R"(timestampActivated:0001-01-01,timeStampOrdered:0001-01-01,deviceId:"dev ""1"", x",phoneVerificationId:0,)"
        R"(isFree:False,totalPaidForTicket:4500.50},eventTicketDetails:[{id:0,ticketId:0,ticketPrice:2250.25,)"
        R"(totalPrice:0,count:2,holderInfoRequired:False,ticketHolders:[{name:Jón Þór}]}],eventInfo:{id:0,name:"A: b",)"
        R"(timeOfEvent:0001-01-01,eventActive:False,latitude:0,longitude:0},eventIsToday:False,eventisLive:False,)"
        R"(minutesToEvent:9000000000},statusCode:0,message:The order is complete.})");
}

/// Order and names of the members that the metadata page shows, and no others, when all are there.
void expect_same_names(const Node& ours, const Node& theirs, const std::string& at) {
    std::vector<std::string> our_names, their_names;
    for (const auto& [name, member] : ours.members) our_names.push_back(name);
    for (const auto& [name, member] : theirs.members) their_names.push_back(name);
    // A null is not printed: what is there stands in the page's order.
    std::size_t from = 0;
    for (const auto& name : our_names) {
        const auto found =
            std::find(their_names.begin() + static_cast<std::ptrdiff_t>(from), their_names.end(), name);
        ASSERT_NE(found, their_names.end()) << at << "." << name;
        from = static_cast<std::size_t>(found - their_names.begin());
        const auto* deeper = find_member(theirs, name);
        if (deeper->kind == Node::Kind::object)
            expect_same_names(*find_member(ours, name), *deeper, at + "." + name);
    }
}

TEST(Answer, HasTheNamesOfTheMetadataPageInItsOrder) {
    const auto theirs = read_jsv(sample_answer, "sample");
    ASSERT_TRUE(theirs);
    for (const auto format : {Format::json, Format::jsv}) {
        const auto text = print(bought(), format);
        const auto ours = format == Format::json ? read_json(text, "answer") : read_jsv(text, "answer");
        ASSERT_TRUE(ours);
        expect_same_names(*ours, *theirs, "");
    }
}

TEST(Answer, WithoutTickets) {
    EXPECT_EQ(print(result_of(Status::declined), Format::json),
              R"({"statusCode":402,"message":"The card was declined, and nothing was charged."})");
    EXPECT_EQ(print(result_of(Status::declined), Format::jsv),
              R"({statusCode:402,message:"The card was declined, and nothing was charged."})");
}

TEST(Answer, StatusesAreAClosedSet) {
    std::set<std::int32_t> numbers;
    std::set<std::string_view> messages;
    for (const auto status : all_statuses()) {
        EXPECT_TRUE(numbers.insert(static_cast<std::int32_t>(status)).second);
        EXPECT_TRUE(messages.insert(message_of(status)).second);
        EXPECT_FALSE(message_of(status).empty());
    }
    EXPECT_EQ(numbers, (std::set<std::int32_t>{0, 202, 402, 409, 410, 428, 503}));
}

TEST(Refusals, AreAResponseStatus) {
    const auto refusal = not_valid({{"GreaterThan", "cardInfo.amount", "must be greater than 0"},
                                    {"NotEmpty", "orderDetails[1].count", "a, b"}});
    EXPECT_EQ(
        print(refusal, Format::json),
        R"({"responseStatus":{"errorCode":"GreaterThan","message":"cardInfo.amount: must be greater than 0","errors":[)"
        R"({"errorCode":"GreaterThan","fieldName":"CardInfo.Amount","message":"must be greater than 0"},)"
        R"({"errorCode":"NotEmpty","fieldName":"OrderDetails[1].Count","message":"a, b"}]}})");
    EXPECT_EQ(
        print(refusal, Format::jsv),
        R"({responseStatus:{errorCode:GreaterThan,message:"cardInfo.amount: must be greater than 0",errors:[)"
        R"({errorCode:GreaterThan,fieldName:CardInfo.Amount,message:must be greater than 0},)"
        R"({errorCode:NotEmpty,fieldName:"OrderDetails[1].Count",message:"a, b"}]}})");
}

TEST(Refusals, WithoutFields) {
    EXPECT_EQ(print(refusal_of({ErrorKind::unauthenticated, "", "Not Authenticated"}), Format::json),
              R"({"responseStatus":{"errorCode":"Unauthorized","message":"Not Authenticated","errors":[]}})");
    EXPECT_EQ(refusal_of({ErrorKind::method_not_allowed, "", "x"}).code, "NotImplementedException");
    EXPECT_EQ(refusal_of({ErrorKind::too_large, "body", "x"}).kind, ErrorKind::too_large);
    EXPECT_EQ(refusal_of(bad_request("callback", "no")).faults,
              (Faults{{"ArgumentException", "callback", "no"}}));
}

}  // namespace
}  // namespace kassi::api::ticket_order
