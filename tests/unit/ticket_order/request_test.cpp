#include "api/ticket_order/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <type_traits>

#include "api/ticket_order/answer.hpp"
#include "api/ticket_order/binder.hpp"
#include "api/ticket_order/checks.hpp"
#include "api/ticket_order/jsv.hpp"
#include "samples.hpp"

namespace kassi::api::ticket_order {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Outcome<TicketOrder> read(BodyForm form, std::string_view body) {
    Incoming incoming;
    incoming.form = form;
    incoming.body = body;
    return read_request(incoming);
}

Outcome<TicketOrder> read_url(std::string_view query) {
    Incoming incoming;
    incoming.query = *encoding::parse_form(query, "query");
    return read_request(incoming);
}

std::vector<std::string> fields_of(const Refusal& refusal) {
    std::vector<std::string> fields;
    for (const auto& fault : refusal.faults) fields.push_back(fault.field);
    return fields;
}

/// One order in the seven forms in which clients send it (reference/servicestack.md section 6).
void expect_the_order(const Outcome<TicketOrder>& read) {
    ASSERT_TRUE(read) << read.error().message << " "
                      << (read.error().faults.empty() ? "" : read.error().faults[0].field);
    ASSERT_TRUE(read->order && read->order_details && read->card_info && read->card_info->payment_method);
    EXPECT_EQ(read->order->event_id, 42);
    EXPECT_EQ(read->order->device_id, R"(dev "1", x)");
    EXPECT_EQ(read->order->is_free, false);
    EXPECT_EQ(read->order->total_paid_for_ticket->units(2), 450050);
    EXPECT_EQ(jsv_date(read->order->timestamp_bought).substr(0, 19), "2024-05-01T12:34:56");
    ASSERT_EQ(read->order_details->size(), 2u);
    EXPECT_EQ(read->order_details->at(0).ticket_price.units(2), 225025);
    EXPECT_EQ(read->order_details->at(0).count, 2);
    EXPECT_EQ(read->order_details->at(0).ticket_name, "A: b");
    EXPECT_EQ(read->order_details->at(1).count, 1);
    EXPECT_EQ(read->card_info->payment_method->payment_type, "TokenSingle");
    EXPECT_EQ(read->card_info->payment_method->token.reveal(), "tok");
    EXPECT_EQ(read->card_info->currency, "352");
    EXPECT_EQ(read->request_unix_time, 1714566896);
    EXPECT_EQ(read->dont_return_tickets, true);
}

TEST(Request, JavaScriptJson) {
    expect_the_order(
        read(BodyForm::json,
             R"({"teamPass":null,"order":{"eventId":42,"timestampBought":"2024-05-01T12:34:56.789Z",
        "deviceId":"dev \"1\", x","isFree":false,"totalPaidForTicket":4500.5},"orderDetails":[{"ticketPrice":2250.25,
        "count":2,"ticketName":"A: b"},{"ticketPrice":0,"count":1}],"cardInfo":{"paymentMethod":{"paymentType":"TokenSingle",
        "token":"tok"},"amount":4500.5,"currency":"352"},"requestUnixUTCTimeStamp":1714566896,"dontReturnTickets":true})"));
}

TEST(Request, PythonJson) {
    expect_the_order(
        read(BodyForm::json, R"({"order": {"eventId": 42, "timestampBought": "2024-05-01T12:34:56.789000",
        "timeStampOrdered": "2024-05-01T12:34:56+00:00", "deviceId": "dev \"1\", x", "isFree": false, "totalPaidForTicket": 4500.5},
        "orderDetails": [{"ticketPrice": 2250.25, "count": 2, "ticketName": "A: b", "justChangedBySQL": false}, {"count": 1}],
        "ticketHolders": {"ticketHolders": [], "holderInfoRequired": false}, "cardInfo": {"paymentMethod":
        {"paymentType": "TokenSingle", "token": "tok"}, "currency": "352"}, "requestUnixUTCTimeStamp": 1714566896,
        "dontReturnTickets": true})"));
}

TEST(Request, DotNetJson) {
    expect_the_order(
        read(BodyForm::json, R"({"Order":{"ID":0,"EventId":42,"TimestampBought":"\/Date(1714566896789)\/",
        "TimestampActivated":"\/Date(-62135596800000-0000)\/","DeviceId":"dev \"1\", x","PhoneVerificationId":0,"IsFree":false,
        "TotalPaidForTicket":4500.50},"OrderDetails":[{"ID":0,"TicketPrice":2250.25,"Count":2,"TicketName":"A: b"},{"ID":0,
        "TicketPrice":0,"Count":1}],"CardInfo":{"PaymentMethod":{"PaymentType":"TokenSingle","Token":"tok"},"Amount":4500.50,
        "Currency":"352","TransActionDate":"\/Date(-62135596800000-0000)\/"},"RequestUnixUTCTimeStamp":1714566896,
        "ApplePayInfo":{"ThreeDSecure":{"CAVV":"c==","UCAF":""}},"DontReturnTickets":true,"Unknown":{"a":[1]}})"));
}

TEST(Request, DotNetJsv) {
    const auto request = read(
        BodyForm::jsv,
        R"({Order:{ID:0,EventId:42,TimestampBought:2024-05-01T12:34:56.789Z,TimestampActivated:0001-01-01,TimeStampOrdered:2024-05-01T12:34:56+00:00,DeviceId:"dev ""1"", x",PhoneVerificationId:0,IsFree:False,TotalPaidForTicket:4500.50},OrderDetails:[{ID:0,TicketPrice:2250.25,Count:2,TicketName:"A: b"},{ID:0,TicketPrice:0,Count:1}],CardInfo:{PaymentMethod:{PaymentType:TokenSingle,Token:tok},Amount:4500.50,Currency:352,TransActionDate:0001-01-01},RequestUnixUTCTimeStamp:1714566896,Signature:{SystemId:s},ApplePayInfo:{ThreeDSecure:{CAVV:c==,UCAF:""}},Borgun3DFinalInfo:{Amount:450050},DontReturnTickets:True})");
    expect_the_order(request);
    EXPECT_EQ(request->apple_pay_info->three_d_secure->cavv.reveal(), "c==");
    EXPECT_EQ(request->borgun_final->amount, 450050);
    EXPECT_FALSE(request->order->timestamp_activated.is_set());
}

TEST(Request, QueryWithJsvInEachMember) {
    expect_the_order(
        read_url("order=%7BeventId%3A42%2CtimestampBought%3A%222024-05-01T12%3A34%3A56%22%2CdeviceId%3A%"
                 "22dev%20%22%221%22%22%2C%20x%22"
                 "%2CisFree%3Afalse%2CtotalPaidForTicket%3A4500.5%7D&OrderDetails=%7BID%3A0%2CTicketPrice%"
                 "3A2250.25%2CCount%3A2%2C"
                 "TicketName%3A%22A%3A%20b%22%7D%2C%7BID%3A0%2CCount%3A1%7D&cardInfo=%7BpaymentMethod%3A%"
                 "7BpaymentType%3ATokenSingle%2C"
                 "token%3Atok%7D%2Camount%3A4500.5%2Ccurrency%3A352%7D&requestUnixUTCTimeStamp=1714566896&"
                 "teamPass&nul=&"
                 "DONTRETURNTICKETS=true,false"));
}

TEST(Request, FormWithJsonInEachMember) {
    Incoming incoming;
    incoming.form = BodyForm::fields;
    incoming.fields = {
        {"order",
         R"({"eventId": 42, "timestampBought": "2024-05-01T12:34:56", "deviceId": "dev \"1\", x", "isFree": false, "totalPaidForTicket": 4500.5})"},
        {"orderDetails", R"({"ticketPrice":2250.25,"count":2,"ticketName":"A: b"})"},
        {"orderDetails", "{count:1}"},  // repeated: joined by a comma
        {"cardInfo", "{paymentMethod:{paymentType:TokenSingle,token:tok,pan:},amount:4500.5,currency:352}"},
        {"requestUnixUTCTimeStamp", "1714566896"},
        {"dontReturnTickets", "on"}};
    expect_the_order(read_request(incoming));
}

TEST(Request, SampleOfTheMetadataPage) {
    const auto request = read(BodyForm::jsv, sample_request);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->order->device_id, "String");
    EXPECT_FALSE(request->order->timestamp_bought.is_set());
    EXPECT_EQ(request->borgun_final->three_d_secure->mpi_token.reveal(), "String");
    EXPECT_EQ(request->ticket_holders->ticket_holders->at(0).seat_id, 0);
}

/// Every path that each_member() knows of a type, from `at` on.
template <class T>
struct Paths {
    static void add(const std::string&, std::set<std::string>&) {}
};
template <class T>
struct Paths<std::optional<T>> : Paths<T> {};
template <class T>
struct Paths<std::vector<T>> : Paths<T> {};
template <class T>
requires requires(T& it, Binding& visit) {
    each_member(visit, it);
}
struct Paths<T> {
    static void add(const std::string& at, std::set<std::string>& paths) {
        const auto visit = [&](std::string_view name, const auto& member) {
            const auto path = at + "." + std::string(name);
            paths.insert(path);
            Paths<std::remove_cvref_t<decltype(member)>>::add(path, paths);
        };
        T it;
        each_member(visit, it);
    }
};

void add_paths(const Node& node, const std::string& at, std::set<std::string>& paths) {
    for (const auto& [name, member] : node.members) {
        paths.insert(at + "." + name);
        add_paths(member, at + "." + name, paths);
    }
    for (const auto& item : node.items) add_paths(item, at, paths);
}

TEST(Types, HaveTheNamesOfTheMetadataPage) {
    std::set<std::string> ours, theirs;
    Paths<TicketOrder>::add("request", ours);
    Paths<TicketOrderResult>::add("answer", ours);
    add_paths(*read_jsv(sample_request, "body"), "request", theirs);
    add_paths(*read_jsv(sample_answer, "body"), "answer", theirs);
    // The page prints one item of the answer as an empty object.
    std::erase_if(ours, [](const auto& path) {
        return path.starts_with("answer.ticketAndDetails.eventTicketDetails.");
    });
    EXPECT_EQ(ours.erase("answer.cardToken"), 1U);  // ours alone
    EXPECT_EQ(ours, theirs);
}

TEST(Request, NothingAtAllIsAnEmptyRequest) {
    Incoming incoming;
    EXPECT_TRUE(read_request(incoming));
    EXPECT_TRUE(read(BodyForm::json, "null"));
    EXPECT_TRUE(read(BodyForm::jsv, " "));
    EXPECT_FALSE(read(BodyForm::json, "[]"));
    EXPECT_FALSE(read(BodyForm::json, "\"x\""));
}

TEST(Request, BodiesThatCannotBeRead) {
    const auto json = read(BodyForm::json, R"({"order":)");
    EXPECT_EQ(json.error().code, "SerializationException");
    EXPECT_THAT(json.error().message, HasSubstr("Could not deserialize 'application/json'"));
    const auto jsv = read(BodyForm::jsv, R"({order:{deviceId:"x}})");
    EXPECT_THAT(jsv.error().message, HasSubstr("Could not deserialize 'application/jsv'"));
    EXPECT_EQ(fields_of(jsv.error()), std::vector<std::string>{"order.deviceId"});
    EXPECT_EQ(read(BodyForm::jsv, std::string(text_bytes_max + 1, 'x')).error().kind, ErrorKind::too_large);
}

TEST(Request, EveryMemberOfAnotherFormIsNamed) {
    const auto read_wrong =
        read(BodyForm::json, R"({"order":{"eventId":"x","timestampBought":1614834367,"isFree":2},
        "orderDetails":[{"count":1},{"count":1.5,"ticketPrice":"1,5"}],"cardInfo":[],"signature":"s","deviceId":{},
        "phoneVerificationNumber":"a\u0000b"})");
    ASSERT_FALSE(read_wrong);
    EXPECT_EQ(read_wrong.error().code, "SerializationException");
    EXPECT_EQ(read_wrong.error().message, "Unable to bind to request 'TicketOrder'");
    EXPECT_THAT(fields_of(read_wrong.error()),
                ::testing::UnorderedElementsAre(
                    "order.eventId", "order.timestampBought", "order.isFree", "orderDetails[1].ticketPrice",
                    "orderDetails[1].count", "cardInfo", "signature", "phoneVerificationNumber", "deviceId"));
}

TEST(Request, ANumberIsNoDate) {
    EXPECT_EQ(fields_of(read(BodyForm::json, R"({"order":{"timestampBought":20210304}})").error()),
              std::vector<std::string>{"order.timestampBought"});
    EXPECT_TRUE(read(BodyForm::json, R"({"order":{"timestampBought":"20210304"}})"));
}

TEST(Request, ObjectsThatJavaScriptMadeTextOf) {
    const auto request = read_url(
        "teamPass&order=%5Bobject%20Object%5D&orderDetails=%5Bobject%20Object%5D&cardInfo=%5Bobject%20Object%"
        "5D&"
        "requestUnixUTCTimeStamp=1714566896&signature=%5Bobject%20Object%5D&borgun3DFinalInfo=%5Bobject%"
        "20Object%5D");
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().kind, ErrorKind::bad_request);
    EXPECT_THAT(fields_of(request.error()),
                ::testing::UnorderedElementsAre("order", "orderDetails[0]", "cardInfo", "signature",
                                                "borgun3DFinalInfo"));
}

TEST(Request, TextsOfAQueryStandAsTheyAre) {
    const auto request = read_url("deviceId=%22x%22,{y}&appMetaData={a:1}&paymentCardId=5");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->device_id, R"("x",{y})");
    EXPECT_EQ(request->app_meta_data->text, "{a:1}");
    EXPECT_EQ(request->payment_card_id, 5);
}

TEST(Request, LenientWhereServiceStackIs) {
    const auto request =
        read(BodyForm::json, R"({"DEVICEID":5,"orderDetails":{"count":"2","ticketPrice":"4500.50"},
        "dontReturnTickets":"true","paymentCardId":"","order":{"eventId":null},"appMetaData":"a\nb"})");
    ASSERT_TRUE(request) << request.error().faults[0].field;
    EXPECT_EQ(request->device_id, "5");
    EXPECT_EQ(request->order_details->at(0).count, 2);
    EXPECT_EQ(request->order_details->at(0).ticket_price, (Decimal{450050, 2}));
    EXPECT_EQ(request->dont_return_tickets, true);
    EXPECT_FALSE(request->payment_card_id);
    EXPECT_EQ(request->order->event_id, 0);
    EXPECT_EQ(request->app_meta_data->text, "a\nb");
}

TEST(Request, AMemberTwiceIsRefused) {
    const auto request = read(BodyForm::json, R"({"cardInfo":{"amount":1,"Amount":2}})");
    EXPECT_EQ(fields_of(request.error()), std::vector<std::string>{"cardInfo.amount"});
    EXPECT_FALSE(read(BodyForm::json, R"({"cardInfo":{},"CARDINFO":{}})"));
    EXPECT_FALSE(read(BodyForm::jsv, "{cardInfo:{},CARDINFO:{}}"));
}

TEST(Request, QueryAndBody) {
    Incoming incoming;
    incoming.form = BodyForm::json;
    incoming.body = R"({"DeviceId":"body","paymentPhoneNumber":null})";
    incoming.query = {{"deviceId", "query"}, {"paymentPhoneNumber", "555"}, {"appMetaData", ""}};
    incoming.query_wins = true;
    EXPECT_EQ(read_request(incoming)->device_id, "query");
    incoming.query_wins = false;
    const auto request = read_request(incoming);
    EXPECT_EQ(request->device_id, "body");
    EXPECT_EQ(request->payment_phone_number, "555");
    EXPECT_FALSE(request->app_meta_data);
}

TEST(Request, CardDataAndSecretsHaveNoPlaceInAUrl) {
    const auto card = read_url(
        "cardInfo={paymentMethod:{paymentType:Card,PAN:4741520000000003,cvc:123,expYear:,expMonth:12}}");
    ASSERT_FALSE(card);
    EXPECT_THAT(fields_of(card.error()),
                ::testing::ElementsAre("cardInfo.paymentMethod.PAN", "cardInfo.paymentMethod.cvc",
                                       "cardInfo.paymentMethod.expMonth"));
    EXPECT_THAT(card.error().message, HasSubstr("must not be in a URL"));
    EXPECT_THAT(card.error().message, Not(HasSubstr("4741")));
    for (const auto* query : {"signature={systemId:s,systemSecret:x}", "applePayInfo={threeDSecure:{cavv:x}}",
                              "applePayInfo={\"threeDSecure\":{\"ucaf\":\"x\"}}", "pan=4741520000000003",
                              "SystemSecret=x", "orderDetails=[{unknown:[{pan:4}]}]"})
        EXPECT_THAT(read_url(query).error().message, HasSubstr("must not be in a URL")) << query;
    // In a form body they have.
    Incoming incoming;
    incoming.form = BodyForm::fields;
    incoming.fields = {{"cardInfo", "{paymentMethod:{paymentType:Card,pan:4741520000000003,cvc:123}}"}};
    EXPECT_EQ(read_request(incoming)->card_info->payment_method->pan.reveal(), "4741520000000003");
}

TEST(Request, NoFaultRepeatsAValue) {
    const auto request =
        read(BodyForm::json, R"({"cardInfo":{"amount":"4741520000000003x","4741520000000003":1},
        "requestUnixUTCTimeStamp":"secret","order":"secret","dontReturnTickets":"secret"})");
    for (const auto& fault : request.error().faults) {
        EXPECT_THAT(fault.message + fault.field, Not(HasSubstr("4741")));
        EXPECT_THAT(fault.message + fault.field, Not(HasSubstr("secret")));
    }
    EXPECT_EQ(request.error().faults.size(), 4u);
}

TEST(Request, Limits) {
    const auto device = [](std::size_t bytes) {
        return read(BodyForm::json, R"({"deviceId":")" + std::string(bytes, 'x') + R"("})");
    };
    EXPECT_TRUE(device(member_bytes_max));
    EXPECT_EQ(fields_of(device(member_bytes_max + 1).error()), std::vector<std::string>{"deviceId"});
    const auto lines = [](std::size_t count) {
        std::string text = "{orderDetails:[{}";
        for (std::size_t i = 1; i < count; ++i) text += ",{}";
        return read(BodyForm::jsv, text + "]}");
    };
    EXPECT_EQ(lines(items_max)->order_details->size(), items_max);
    EXPECT_EQ(fields_of(lines(items_max + 1).error()), std::vector<std::string>{"orderDetails"});
    std::string many = "{orderDetails:[";
    for (std::size_t i = 0; i < faults_max + 5; ++i) many += i == 0 ? "x" : ",x";
    EXPECT_EQ(read(BodyForm::jsv, many + "]}").error().faults.size(), faults_max);
}

/// Whatever it is, it is taken or refused; what is taken can be checked, and what is refused printed.
void read_check_print(const Incoming& incoming) {
    const auto request = read_request(incoming);
    if (!request) {
        EXPECT_FALSE(request.error().message.empty());
        EXPECT_TRUE(encoding::is_utf8(print(request.error(), Format::json)));
        EXPECT_TRUE(read_jsv(print(request.error(), Format::jsv), "answer"));
        return;
    }
    const auto checked = check(*request);
    if (!checked) {
        EXPECT_TRUE(read_json(print(checked.error(), Format::json), "answer"));
    }
}

TEST(RequestFuzz, MutatedRequests) {
    constexpr int rounds = 3000;
    constexpr std::string_view bytes = "\"\"\"::,,{}{}[]\r\n\t \\aZ0099.-+e\xc3\xa9\xff/()";
    const std::string jsv = sample_request;
    const std::string json =
        R"({"order":{"eventId":42,"timestampBought":"\/Date(1714566896789)\/","totalPaidForTicket":1e2},)"
        R"("orderDetails":[{"count":2,"ticketPrice":50.00,"currency":"GBP"}],"cardInfo":{"amount":100,)"
        R"("paymentMethod":{"paymentType":"TokenSingle","token":"t"}},"requestUnixUTCTimeStamp":1714566896})";
    std::mt19937 random(20261128);
    const auto below = [&random](std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
    };
    for (int round = 0; round < rounds; ++round) {
        const bool is_json = below(2) == 0;
        auto text = is_json ? json : jsv;
        for (auto changes = below(4); changes > 0; --changes) {
            const auto at = below(text.size());
            if (below(2) == 0)
                text[at] = bytes[below(bytes.size())];
            else
                text.insert(at, 1, bytes[below(bytes.size())]);
        }
        Incoming incoming;
        incoming.form = is_json ? BodyForm::json : BodyForm::jsv;
        incoming.body = text;
        read_check_print(incoming);
        Incoming form;
        form.form = BodyForm::fields;
        form.fields = {{"order", text.substr(0, below(text.size()))},
                       {"orderDetails", text},
                       {"cardInfo", text.substr(below(text.size()))}};
        form.query = {{"signature", text.substr(below(text.size()))}};
        read_check_print(form);
    }
}

}  // namespace
}  // namespace kassi::api::ticket_order
