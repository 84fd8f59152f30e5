#include "sandbox/box_office/trolley.hpp"

#include <gtest/gtest.h>

#include "sandbox/box_office/token.hpp"

namespace kassi::sandbox::box_office {
namespace {

class BoxOfficeTest : public testing::Test {
  protected:
    Change change(Fields fields) {
        auto made = change_trolley(catalogue_, key_, fields, now_);
        EXPECT_TRUE(made) << (made ? "" : made.error().field + " " + made.error().message);
        return made ? *made : Change{};
    }
    Error refused(Fields fields) {
        auto made = change_trolley(catalogue_, key_, fields, now_);
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
        auto text = priced(catalogue_, made.trolley.lines[0], method_of(made), now_);
        const bool fine = take_seats(catalogue_, made.trolley.lines[0], taken, text, now_);
        std::string out = text.seat_request_status;
        if (!fine) return out + ": " + text.reserve_failure_comment;
        for (const auto& tickets : text.ticket_orders) {
            for (const auto& seat : tickets.seats) out += " " + seat.id;
        }
        return out;
    }
    std::string chosen(const Trolley& trolley, std::string_view source) {
        const auto* method = send_method(catalogue_, trolley, source, now_);
        return method == nullptr ? "none" : method->printed.code;
    }

    const SendMethod* method_of(const Change& made) {
        const auto& line = made.trolley.lines.at(0);
        return send_method(catalogue_, made.trolley, sold(catalogue_, line, now_).event->source, now_);
    }

    const Catalogue& catalogue_ = demo_catalogue();
    const Secret<> key_{std::string(32, 'k')};
    Instant now_ = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + std::chrono::hours(10);
};

TEST_F(BoxOfficeTest, GuidesBundlingExample) {
    auto made = change(order("6IF-B0G", "CIRCLE", "A/pool", "2"));
    const auto first = trolley_token(key_, made.trolley);
    made = change(plus(order("7AB-4", "STALLS", "A/pool", "2"), {{"trolley_token", first}}));
    const auto second = trolley_token(key_, made.trolley);
    EXPECT_NE(first, second);
    made = change(plus(order("6KF-F", "MEMBER", "X/pool", "1"), {{"trolley_token", second}}));
    EXPECT_TRUE(made.discarded.empty());
    ASSERT_EQ(made.trolley.lines.size(), 3U);
    EXPECT_EQ(made.trolley.lines[2].item, 3);
    made = change({{"trolley_token", trolley_token(key_, made.trolley)}, {"remove_items_list", "1"}});
    ASSERT_EQ(made.trolley.lines.size(), 2U);
    EXPECT_EQ(made.trolley.lines[0].item, 2);
    made = change(plus(order("6IF-B0G", "CIRCLE", "A/pool", "2"),
                       {{"trolley_token", trolley_token(key_, made.trolley)}}));
    EXPECT_EQ(made.trolley.lines.back().item, 4) << "numbers are never used again";
}

TEST_F(BoxOfficeTest, TokensAreTheContent) {
    const auto fields = plus(order("7AB-4", "STALLS", "A/pool", "2"), {{"seat0", "foo"}, {"seat1", "bar"}});
    const auto made = change(fields);
    EXPECT_EQ(trolley_token(key_, made.trolley), trolley_token(key_, change(fields).trolley));
    const auto again = read_trolley_token(key_, trolley_token(key_, made.trolley));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, made.trolley);
    EXPECT_EQ(again->lines[0].seats, (std::vector<std::string>{"foo", "bar"}));
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
    EXPECT_EQ(refused({{"trolley_token", trolley_token(key_, {})}, {"remove_items_list", "x"}}).field,
              "remove_items_list");
}

TEST_F(BoxOfficeTest, SizeOfATrolleyIsBounded) {
    auto made = change(order("7AB-4", "STALLS", "A/pool", "1"));
    while (made.trolley.lines.size() < trolley_lines_max)
        made = change(plus(order("7AB-4", "STALLS", "A/pool", "1"),
                           {{"trolley_token", trolley_token(key_, made.trolley)}}));
    EXPECT_EQ(refused(plus(order("7AB-4", "STALLS", "A/pool", "1"),
                           {{"trolley_token", trolley_token(key_, made.trolley)}}))
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
    const auto next = change(plus(order("7AA-4", "STALLS", "A/pool", "2"),
                                  {{"trolley_token", trolley_token(key_, made.trolley)}}));
    ASSERT_EQ(next.discarded.size(), 1U);
    EXPECT_EQ(next.discarded[0].perf_id, "6IF-B0G");
    EXPECT_EQ(next.trolley.lines.size(), 1U);
}

TEST_F(BoxOfficeTest, SendMethodIsTheWantedOneIfAllOfferIt) {
    auto made = change(order("6IF-B0G", "CIRCLE", "A/pool", "2"));
    EXPECT_EQ(chosen(made.trolley, "ext_test0"), "COBO");
    made = change({{"trolley_token", trolley_token(key_, made.trolley)}, {"ext_test0_send_code", "POST"}});
    EXPECT_EQ(chosen(made.trolley, "ext_test0"), "POST");
    made = change({{"trolley_token", trolley_token(key_, made.trolley)}, {"ext_test0_send_code", "VOUCH"}});
    EXPECT_EQ(chosen(made.trolley, "ext_test0"), "COBO");
    EXPECT_EQ(chosen(made.trolley, "ext_test1"), "none");
}

TEST_F(BoxOfficeTest, PricesAndDiscounts) {
    auto made =
        change(plus(order("6IF-B0G", "CIRCLE", "A/pool", "4"),
                    {{"disc0", "ADULT"}, {"disc1", "CHILD"}, {"disc2", "CHILD"}, {"disc3", "MARTIAN"}}));
    const auto text = priced(catalogue_, made.trolley.lines[0], method_of(made), now_);
    ASSERT_EQ(text.ticket_orders.size(), 3U) << "equal ones that follow each other are one";
    EXPECT_EQ(text.ticket_orders[1].discount_code, "CHILD");
    EXPECT_EQ(text.ticket_orders[1].seats_count, 2);
    EXPECT_EQ(text.ticket_orders[2].discount_code, "ADULT") << "an illegal discount becomes the default";
    EXPECT_EQ(text.seatprice, 3500 + 2 * 1800 + 3500);
    EXPECT_EQ(text.surcharge, 400 + 2 * 300 + 400);
    made = change(order("7AB-4", "CIRCLE", "B/pool", "2"));
    EXPECT_EQ(priced(catalogue_, made.trolley.lines[0], method_of(made), now_).seatprice, 6000);
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
    made = change(plus(order("7AA-4", "CIRCLE", "A/pool", "3"),
                       {{"trolley_token", trolley_token(key_, made.trolley)}}));
    made = change(plus(order("7AA-4", "CIRCLE", "A/pool", "1"),
                       {{"trolley_token", trolley_token(key_, made.trolley)}}));
    std::set<std::string> taken;
    std::vector<bool> fine;
    for (const auto& line : made.trolley.lines) {
        auto text = priced(catalogue_, line, method_of(made), now_);
        fine.push_back(take_seats(catalogue_, line, taken, text, now_));
    }
    EXPECT_EQ(taken.size(), 8U);
    EXPECT_EQ(fine, (std::vector<bool>{true, true, false})) << "eight seats, nine wanted";
}

TEST_F(BoxOfficeTest, SeatsTellWhatIsToBeSaid) {
    const auto made = change(plus(order("7AB-4", "STALLS", "B/pool", "1"), {{"seat0", "C6"}}));
    std::set<std::string> taken;
    auto text = priced(catalogue_, made.trolley.lines[0], method_of(made), now_);
    take_seats(catalogue_, made.trolley.lines[0], taken, text, now_);
    const auto& seat = text.ticket_orders[0].seats.at(0);
    EXPECT_TRUE(seat.restricted_view);
    EXPECT_EQ(seat.text, "Haunted seat");
    EXPECT_EQ(seat.row, "C");
    EXPECT_EQ(seat.column, "6");
}

// ---- more than one day, more than one currency ---------------------------------------------------------
TEST_F(BoxOfficeTest, TwoCurrenciesGoAlongInTwoBundles) {
    auto made = change(order("6IF-B0G", "CIRCLE", "A/pool", "2"));
    const auto dinner = performances(*catalogue_.event("DBZ"), now_)[3].id;
    made = change(
        plus(order(dinner, "DINNER", "A/pool", "2"), {{"trolley_token", trolley_token(key_, made.trolley)}}));
    EXPECT_EQ(made.trolley.lines.size(), 2U);
    EXPECT_TRUE(made.discarded.empty());
    // One source sells in one currency at a time.
    made = change(order("7AB-4", "STALLS", "A/pool", "2"));
    const auto femme = performances(*catalogue_.event("6L9"), now_)[3].id;
    made = change(
        plus(order(femme, "FLOOR", "A/pool", "2"), {{"trolley_token", trolley_token(key_, made.trolley)}}));
    ASSERT_EQ(made.discarded.size(), 1U);
    EXPECT_EQ(made.discarded[0].perf_id, "7AB-4");
}

TEST_F(BoxOfficeTest, AddOnsComeWithTheirEvent) {
    const auto box = order("7AC-1", "BOX", "A/pool", "1");
    EXPECT_TRUE(change(box).unavailable) << "not alone";
    auto made = change(order("7AA-4", "STALLS", "A/pool", "1"));
    EXPECT_TRUE(change(plus(box, {{"trolley_token", trolley_token(key_, made.trolley)}})).unavailable);
    made = change(order("7AB-4", "STALLS", "A/pool", "1"));
    made = change(plus(box, {{"trolley_token", trolley_token(key_, made.trolley)}}));
    ASSERT_EQ(made.trolley.lines.size(), 2U);
    made = change({{"trolley_token", trolley_token(key_, made.trolley)}, {"remove_items_list", "1"}});
    EXPECT_TRUE(made.trolley.lines.empty()) << "and leave with it";
    ASSERT_EQ(made.discarded.size(), 1U);
    EXPECT_EQ(made.discarded[0].perf_id, "7AC-1");
}

TEST_F(BoxOfficeTest, RoomsNeedADayAndNights) {
    const auto room = order("I3T-1", "DOUBLE", "A/pool", "1");
    EXPECT_EQ(refused(room).field, "departure_date");
    EXPECT_EQ(refused(plus(room, {{"departure_date", "soon"}})).field, "departure_date");
    EXPECT_EQ(refused(plus(room, {{"departure_date", "20261201"}})).field, "duration");
    for (const auto* nights : {"0", "31", "x"})
        EXPECT_EQ(refused(plus(room, {{"departure_date", "20261201"}, {"duration", nights}})).field,
                  "duration");
    auto made = change(plus(room, {{"departure_date", "20261201"}, {"duration", "3"}}));
    ASSERT_EQ(made.trolley.lines.size(), 1U);
    const auto text = priced(catalogue_, made.trolley.lines[0], method_of(made), now_);
    EXPECT_EQ(text.seatprice, 3 * 9900);
    EXPECT_NE(text.performance_json.find(R"("departure_date":"20261201","duration":3)"), std::string::npos);
    EXPECT_EQ(*read_trolley_token(key_, trolley_token(key_, made.trolley)), made.trolley);
    EXPECT_TRUE(change(plus(room, {{"departure_date", "20200101"}, {"duration", "1"}})).unavailable);
}

TEST_F(BoxOfficeTest, NoEntryOnMondays) {
    const auto ticket = order("6KS-E3L", "ENTRY", "A/pool", "2");
    EXPECT_FALSE(change(ticket).unavailable) << "no day is named";
    EXPECT_FALSE(change(plus(ticket, {{"departure_date", "20261201"}})).unavailable);
    EXPECT_TRUE(change(plus(ticket, {{"departure_date", "20261130"}})).unavailable) << "a Monday";
}

TEST_F(BoxOfficeTest, TicketsThatCannotBeSentInTime) {
    const auto all = performances(*catalogue_.event("9XW"), now_);
    auto near = change(order(all[1].id, "HOPPER", "A/pool", "1"));
    ASSERT_EQ(near.trolley.lines.size(), 1U);
    std::set<std::string> taken;
    auto text = priced(catalogue_, near.trolley.lines[0], method_of(near), now_);
    EXPECT_FALSE(text.send_method.has_value());
    EXPECT_FALSE(take_seats(catalogue_, near.trolley.lines[0], taken, text, now_));
    EXPECT_EQ(text.reserve_failure_comment, "There is no way to send these tickets in time.");
    EXPECT_EQ(seats(order(all[20].id, "HOPPER", "A/pool", "1")), "not_requested");
    // What is near does not keep the rest from being sent.
    near = change(plus(order(all[20].id, "HOPPER", "A/pool", "1"),
                       {{"trolley_token", trolley_token(key_, near.trolley)}}));
    EXPECT_EQ(chosen(near.trolley, "ext_test3"), "POSTUSD");
}

TEST_F(BoxOfficeTest, SwanLakeFailsOnTuesdays) {
    for (const auto& each : performances(*catalogue_.event("6IE"), now_)) {
        const auto got = seats(order(each.id, "STALLS", "A/pool", "3"));
        const bool tuesday = std::chrono::weekday(*each.day) == std::chrono::Tuesday;
        EXPECT_EQ(
            got, tuesday ? "got_none: Reservations fail on this day of the week." : "not_requested A1 A2 A3");
    }
}

TEST_F(BoxOfficeTest, SwanLakeHasRestrictedTicketsOnThursdays) {
    for (const auto& each : performances(*catalogue_.event("6IE"), now_)) {
        const auto weekday = std::chrono::weekday(*each.day);
        if (weekday == std::chrono::Tuesday) continue;
        const auto made = change(order(each.id, "STALLS", "A/pool", "4"));
        std::set<std::string> taken;
        auto text = priced(catalogue_, made.trolley.lines[0], method_of(made), now_);
        ASSERT_TRUE(take_seats(catalogue_, made.trolley.lines[0], taken, text, now_));
        std::vector<bool> restricted;
        for (const auto& seat : text.ticket_orders[0].seats) restricted.push_back(seat.restricted_view);
        const bool thursday = weekday == std::chrono::Thursday;
        EXPECT_EQ(restricted, (std::vector<bool>{false, thursday, thursday, false}));
    }
}

TEST_F(BoxOfficeTest, ATokenOfAnotherDayHoldsWhatIsStillSold) {
    const auto tomorrow = performances(*catalogue_.event("6IF"), now_)[0].id;
    auto made = change(order(tomorrow, "CIRCLE", "A/pool", "2"));
    made = change(plus(order("6KF-F", "MEMBER", "X/pool", "1"),
                       {{"trolley_token", trolley_token(key_, made.trolley)}}));
    now_ += std::chrono::days(3);
    const auto later = change({{"trolley_token", trolley_token(key_, made.trolley)}});
    EXPECT_TRUE(later.unavailable);
    ASSERT_EQ(later.trolley.lines.size(), 1U);
    EXPECT_EQ(later.trolley.lines[0].perf_id, "6KF-F");
}

TEST_F(BoxOfficeTest, ATrolleyFitsItsToken) {
    auto fields = order("7AB-4", "STALLS", "A/pool", "6");
    for (std::size_t i = 0; i < tickets_per_line_max; ++i)
        fields.emplace_back("seat" + std::to_string(i), std::string(word_bytes_max, 'A'));
    auto made = change(fields);
    const auto token = trolley_token(key_, made.trolley);
    EXPECT_LE(token.size(), trolley_token_bytes_max);
    EXPECT_EQ(refused(plus(fields, {{"trolley_token", token}})).field, "trolley_token")
        << "and not twice of that";
}

TEST_F(BoxOfficeTest, WordsAreBounded) {
    const auto long_word = std::string(word_bytes_max + 1, 'A');
    EXPECT_EQ(refused(plus(order("7AB-4", "STALLS", "A/pool", "1"), {{"seat0", long_word}})).field, "seat0");
    EXPECT_EQ(refused(plus(order("7AB-4", "STALLS", "A/pool", "1"), {{"disc0", long_word}})).field, "disc0");
    EXPECT_EQ(refused(order(long_word, "STALLS", "A/pool", "1")).field, "perf_id");
    change(plus(order("7AB-4", "STALLS", "A/pool", "1"), {{"seat0", std::string(word_bytes_max, 'A')}}));
    const auto made = change(plus(order("7AB-4", "STALLS", "A/pool", "1"), {{"x_send_code", long_word}}));
    EXPECT_TRUE(made.trolley.send_codes.empty());
}

}  // namespace
}  // namespace kassi::sandbox::box_office
