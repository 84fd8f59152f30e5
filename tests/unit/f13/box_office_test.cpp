#include <gtest/gtest.h>

#include "sandbox/box_office/trolley.hpp"

namespace kassi::sandbox::box_office {
namespace {

class BoxOfficeTest : public testing::Test {
  protected:
    Change change(Fields fields) {
        auto made = change_trolley(catalogue_, fields);
        EXPECT_TRUE(made) << (made ? "" : made.error().field + " " + made.error().message);
        return made ? *made : Change{};
    }
    Error refused(Fields fields) {
        auto made = change_trolley(catalogue_, fields);
        EXPECT_FALSE(made);
        return made ? Error{} : made.error();
    }
    static Fields order(std::string perf, std::string type, std::string band, std::string seats) {
        return {{"perf_id", std::move(perf)},
                {"ticket_type_code", std::move(type)},
                {"price_band_code", std::move(band)},
                {"no_of_seats", std::move(seats)}};
    }
    static Fields plus(Fields fields, Fields more) {
        fields.insert(fields.end(), more.begin(), more.end());
        return fields;
    }
    /// Seats of the one order of a trolley, and how the request went.
    std::string seats(Fields fields) {
        const auto made = change(std::move(fields));
        if (made.trolley.lines.size() != 1) return "unavailable";
        std::set<std::string> taken;
        auto text = priced(catalogue_, made.trolley.lines[0], nullptr, now_);
        const bool fine = take_seats(catalogue_, made.trolley.lines[0], taken, text);
        std::string out = text.seat_request_status;
        if (!fine) return out + ": " + text.reserve_failure_comment;
        for (const auto& tickets : text.ticket_orders) {
            for (const auto& seat : tickets.seats) out += " " + seat.id;
        }
        return out;
    }
    std::string chosen(const Trolley& trolley, std::string_view source) {
        const auto* method = send_method(catalogue_, trolley, source);
        return method == nullptr ? "none" : method->code;
    }

    Catalogue catalogue_ = read_catalogue(catalogue_json());
    Instant now_ = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + std::chrono::hours(10);
};

TEST_F(BoxOfficeTest, CatalogueHasTheGuidesPerformances) {
    for (const auto& [perf, source] : {std::pair{"7AB-4", "ext_test1"},
                                       {"7AA-4", "ext_test0"},
                                       {"6IF-B0G", "ext_test0"},
                                       {"6KF-F", "ext_test0"}}) {
        const auto found = catalogue_.performance(perf);
        ASSERT_NE(found.event, nullptr) << perf;
        EXPECT_EQ(found.event->source, source);
    }
    EXPECT_EQ(catalogue_.performance("9ZZ-1").event, nullptr);
}

TEST_F(BoxOfficeTest, PerformancesHaveDatesAheadOrNone) {
    EXPECT_EQ(
        catalogue_.performance("7AB-4").performance->json("7AB", now_),
        R"({"date_desc":"Fri, 1st January 2027","event_id":"7AB","has_pool_seats":true,"is_ghost":false,)"
        R"("is_limited":false,"iso8601_date_and_time":"2027-01-01T15:30:00Z","perf_id":"7AB-4",)"
        R"("running_time":90,"time_desc":"3.30 PM"})");
    const auto new_year = Instant(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1));
    EXPECT_NE(catalogue_.performance("7AB-4").performance->json("7AB", new_year).find("2028-01-01"),
              std::string::npos);
    EXPECT_NE(catalogue_.performance("6IF-B0G").performance->json("6IF", now_).find("2026-12-26T19:30:00Z"),
              std::string::npos);
    EXPECT_EQ(catalogue_.performance("6KF-F").performance->json("6KF", now_).find("iso8601"),
              std::string::npos);
}

TEST_F(BoxOfficeTest, GuidesBundlingExample) {
    auto made = change(order("6IF-B0G", "CIRCLE", "A/pool", "2"));
    const auto first = trolley_token(made.trolley);
    made = change(plus(order("7AB-4", "STALLS", "A/pool", "2"), {{"trolley_token", first}}));
    const auto second = trolley_token(made.trolley);
    EXPECT_NE(first, second);
    made = change(plus(order("6KF-F", "MEMBER", "X/pool", "1"), {{"trolley_token", second}}));
    EXPECT_TRUE(made.discarded.empty());
    ASSERT_EQ(made.trolley.lines.size(), 3U);
    EXPECT_EQ(made.trolley.lines[2].item, 3);
    made = change({{"trolley_token", trolley_token(made.trolley)}, {"remove_items_list", "1"}});
    ASSERT_EQ(made.trolley.lines.size(), 2U);
    EXPECT_EQ(made.trolley.lines[0].item, 2);
    made = change(
        plus(order("6IF-B0G", "CIRCLE", "A/pool", "2"), {{"trolley_token", trolley_token(made.trolley)}}));
    EXPECT_EQ(made.trolley.lines.back().item, 4) << "numbers are never used again";
}

TEST_F(BoxOfficeTest, TokensAreTheContent) {
    const auto fields = plus(order("7AB-4", "STALLS", "A/pool", "2"), {{"seat0", "foo"}, {"seat1", "bar"}});
    const auto made = change(fields);
    EXPECT_EQ(trolley_token(made.trolley), trolley_token(change(fields).trolley));
    const auto again = read_trolley_token(trolley_token(made.trolley));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, made.trolley);
    EXPECT_EQ(again->lines[0].seats, (std::vector<std::string>{"foo", "bar"}));
}

TEST_F(BoxOfficeTest, ForgedTokensAreRefused) {
    const auto token = [](std::string_view json) { return "k1-" + encoding::base64url(json); };
    for (
        const auto& bad :
        {std::string("x"), std::string("k1-!"), token("{"), token("[]"), token("{}"),
         token(R"({"n":1,"o":[],"s":[]})"),
         token(R"({"n":1,"o":[[1,"7AB-4","STALLS","A/pool",2,[],[]]],"s":{}})"),
         token(
             R"({"n":3,"o":[[2,"7AB-4","STALLS","A/pool",2,[],[]],[1,"7AB-4","STALLS","A/pool",2,[],[]]],"s":{}})"),
         token(R"({"n":2,"o":[[1,"7AB-4","STALLS","A/pool",2,[7],[]]],"s":{}})"),
         token(R"({"n":2,"o":[[1,"7AB-4","STALLS","A/pool",-2,[],[]]],"s":{}})"),
         std::string(trolley_token_bytes_max + 1, 'k')})
        EXPECT_EQ(refused({{"trolley_token", bad}}).field, "trolley_token") << bad;
    const auto stale =
        change({{"trolley_token", token(R"({"n":2,"o":[[1,"9ZZ-1","STALLS","A/pool",2,[],[]]],"s":{}})")}});
    EXPECT_TRUE(stale.unavailable);
    EXPECT_TRUE(stale.trolley.lines.empty());
}

TEST_F(BoxOfficeTest, WhatIsNotSoldIsNoError) {
    for (const auto& fields :
         {order("9ZZ-1", "STALLS", "A/pool", "2"), order("7AB-4", "BALCONY", "A/pool", "2"),
          order("7AB-4", "STALLS", "Z/pool", "2"), order("7AB-4", "STALLS", "A/pool", "7"),
          order("7AB-4", "STALLS", "A/alloc", "2"), order("6KF-F", "MEMBER", "X/pool", "2")}) {
        const auto made = change(fields);
        EXPECT_TRUE(made.unavailable);
        EXPECT_TRUE(made.trolley.lines.empty());
    }
}

TEST_F(BoxOfficeTest, BadDataIsNamed) {
    EXPECT_EQ(refused({}).field, "perf_id");
    EXPECT_EQ(refused({{"perf_id", "7AB-4"}}).field, "ticket_type_code");
    EXPECT_EQ(refused(order("7AB-4", "STALLS", "A", "2")).message,
              "price_band_code needs /pool or /alloc suffix");
    for (const auto* count : {"", "two", "0", "-1", "2.5"})
        EXPECT_EQ(refused(order("7AB-4", "STALLS", "A/pool", count)).field, "no_of_seats") << count;
    EXPECT_EQ(refused({{"trolley_token", trolley_token({})}, {"remove_items_list", "x"}}).field,
              "remove_items_list");
}

TEST_F(BoxOfficeTest, SizeOfATrolleyIsBounded) {
    auto made = change(order("7AB-4", "STALLS", "A/pool", "1"));
    while (made.trolley.lines.size() < trolley_lines_max)
        made = change(
            plus(order("7AB-4", "STALLS", "A/pool", "1"), {{"trolley_token", trolley_token(made.trolley)}}));
    EXPECT_EQ(refused(plus(order("7AB-4", "STALLS", "A/pool", "1"),
                           {{"trolley_token", trolley_token(made.trolley)}}))
                  .field,
              "trolley_token");
    auto fields = order("7AB-4", "STALLS", "A/pool", "2");
    for (std::size_t i = 0; i < tickets_per_line_max; ++i)
        fields.emplace_back("seat" + std::to_string(i), "A1");
    change(fields);
    fields.emplace_back("seat" + std::to_string(tickets_per_line_max), "A1");
    EXPECT_EQ(refused(fields).field, "seat50");
}

TEST_F(BoxOfficeTest, ConflictingWaysOfSendingMakeRoom) {
    const auto made = change(order("6IF-B0G", "CIRCLE", "A/pool", "2"));
    const auto next = change(
        plus(order("7AA-4", "STALLS", "A/pool", "2"), {{"trolley_token", trolley_token(made.trolley)}}));
    ASSERT_EQ(next.discarded.size(), 1U);
    EXPECT_EQ(next.discarded[0].perf_id, "6IF-B0G");
    EXPECT_EQ(next.trolley.lines.size(), 1U);
}

TEST_F(BoxOfficeTest, SendMethodIsTheWantedOneIfAllOfferIt) {
    auto made = change(order("6IF-B0G", "CIRCLE", "A/pool", "2"));
    EXPECT_EQ(chosen(made.trolley, "ext_test0"), "COBO");
    made = change({{"trolley_token", trolley_token(made.trolley)}, {"ext_test0_send_code", "POST"}});
    EXPECT_EQ(chosen(made.trolley, "ext_test0"), "POST");
    made = change({{"trolley_token", trolley_token(made.trolley)}, {"ext_test0_send_code", "VOUCH"}});
    EXPECT_EQ(chosen(made.trolley, "ext_test0"), "COBO");
    EXPECT_EQ(chosen(made.trolley, "ext_test1"), "none");
}

TEST_F(BoxOfficeTest, PricesAndDiscounts) {
    auto made =
        change(plus(order("6IF-B0G", "CIRCLE", "A/pool", "4"),
                    {{"disc0", "ADULT"}, {"disc1", "CHILD"}, {"disc2", "CHILD"}, {"disc3", "MARTIAN"}}));
    const auto text = priced(catalogue_, made.trolley.lines[0], nullptr, now_);
    ASSERT_EQ(text.ticket_orders.size(), 3U) << "equal ones that follow each other are one";
    EXPECT_EQ(text.ticket_orders[1].discount_code, "CHILD");
    EXPECT_EQ(text.ticket_orders[1].seats_count, 2);
    EXPECT_EQ(text.ticket_orders[2].discount_code, "ADULT") << "an illegal discount becomes the default";
    EXPECT_EQ(text.seatprice, 3500 + 2 * 1800 + 3500);
    EXPECT_EQ(text.surcharge, 400 + 2 * 300 + 400);
    made = change(order("7AB-4", "CIRCLE", "B/pool", "2"));
    EXPECT_EQ(priced(catalogue_, made.trolley.lines[0], nullptr, now_).seatprice, 6000);
}

TEST_F(BoxOfficeTest, SeatsOfTheGuide) {
    const auto stalls = order("7AA-4", "STALLS", "B/pool", "2");
    EXPECT_EQ(seats(plus(order("7AA-4", "CIRCLE", "B/pool", "2"), {{"seat0", "G7"}, {"seat1", "G8"}})),
              "got_all G7 G8");
    EXPECT_EQ(seats(plus(stalls, {{"seat0", "D6"}, {"seat1", "D7"}})), "got_none D2 D3");
    EXPECT_EQ(seats(plus(order("7AA-4", "CIRCLE", "B/pool", "2"), {{"seat0", "H9"}, {"seat1", "H10"}})),
              "got_none: Seat H10 causes failure.");
    EXPECT_EQ(seats(order("7AB-4", "STALLS", "A/pool", "2")), "not_requested A1 A2");
    EXPECT_EQ(seats(order("6KF-F", "MEMBER", "X/pool", "1")), "not_requested");
}

TEST_F(BoxOfficeTest, SeatsThatCannotBeHad) {
    const auto band = order("7AB-4", "STALLS", "A/pool", "2");
    EXPECT_EQ(seats(plus(band, {{"seat0", "foo"}, {"seat1", "bar"}})), "got_none A1 A2");
    EXPECT_EQ(seats(plus(band, {{"seat0", "A5"}, {"seat1", "foo"}})), "got_some A5 A1");
    EXPECT_EQ(seats(plus(band, {{"seat0", "A5"}, {"seat1", "A5"}})), "got_some A5 A1");
    EXPECT_EQ(seats(plus(band, {{"seat0", "G7"}, {"seat1", "G8"}})), "got_none A1 A2")
        << "of another price band";
    EXPECT_EQ(seats(plus(band, {{"seat0", "A1"}, {"seat1", "B9"}})), "got_all A1 B9")
        << "7AB: apart is allowed";
    EXPECT_EQ(seats(plus(order("7AA-4", "STALLS", "A/pool", "2"), {{"seat0", "A1"}, {"seat1", "A3"}})),
              "got_none A1 A2")
        << "7AA: side by side only";
    EXPECT_EQ(seats(plus(order("7AA-4", "CIRCLE", "A/pool", "2"), {{"seat0", "E5"}, {"seat1", "E7"}})),
              "got_none E4 E5");
    Fields by_seats{
        {"perf_id", "7AB-4"}, {"ticket_type_code", "STALLS"}, {"price_band_code", "A/pool"}, {"seat0", "A3"}};
    EXPECT_EQ(seats(by_seats), "got_all A3") << "the number follows from the seats";
}

TEST_F(BoxOfficeTest, OneTrolleyGetsASeatOnce) {
    auto made = change(order("7AA-4", "CIRCLE", "A/pool", "5"));
    made = change(
        plus(order("7AA-4", "CIRCLE", "A/pool", "3"), {{"trolley_token", trolley_token(made.trolley)}}));
    made = change(
        plus(order("7AA-4", "CIRCLE", "A/pool", "1"), {{"trolley_token", trolley_token(made.trolley)}}));
    std::set<std::string> taken;
    std::vector<bool> fine;
    for (const auto& line : made.trolley.lines) {
        auto text = priced(catalogue_, line, nullptr, now_);
        fine.push_back(take_seats(catalogue_, line, taken, text));
    }
    EXPECT_EQ(taken.size(), 8U);
    EXPECT_EQ(fine, (std::vector<bool>{true, true, false})) << "eight seats, nine wanted";
}

TEST_F(BoxOfficeTest, SeatsTellWhatIsToBeSaid) {
    const auto made = change(plus(order("7AB-4", "STALLS", "B/pool", "1"), {{"seat0", "C6"}}));
    std::set<std::string> taken;
    auto text = priced(catalogue_, made.trolley.lines[0], nullptr, now_);
    take_seats(catalogue_, made.trolley.lines[0], taken, text);
    const auto& seat = text.ticket_orders[0].seats.at(0);
    EXPECT_TRUE(seat.restricted_view);
    EXPECT_EQ(seat.text, "Haunted seat");
    EXPECT_EQ(seat.row, "C");
    EXPECT_EQ(seat.column, "6");
}

}  // namespace
}  // namespace kassi::sandbox::box_office
