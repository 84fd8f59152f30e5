#include "sandbox/box_office/seats.hpp"

#include <gtest/gtest.h>

namespace kassi::sandbox::box_office {
namespace {

/// A band of an event of our own, so that each rule can be tried alone.
class SeatsTest : public testing::Test {
  protected:
    SeatsTest() {
        add_block("A", 1, 5);
        add_block("B", 1, 3);
        event_.rules.seat_selection = true;
    }
    void add_block(const std::string& row, int from, int to) {
        SeatBlock block;
        for (int number = from; number <= to; ++number) {
            const auto column = std::to_string(number);
            block.push_back({.id = row + column, .row = row, .column = column});
        }
        band_.blocks.push_back(std::move(block));
    }
    std::string got(std::size_t count, const std::vector<std::string>& wanted,
                    const std::set<std::string>& taken = {}) {
        const auto got =
            get_seats({.event = event_, .band = band_, .count = count, .wanted = wanted, .taken = taken});
        if (!got.refusal.empty()) return got.refusal;
        std::string text = got.status;
        for (const auto& seat : got.seats) text += " " + seat.id;
        return text;
    }
    Event event_;
    PriceBand band_;
};

TEST_F(SeatsTest, BestAreSideBySide) {
    EXPECT_EQ(got(3, {}), "not_requested A1 A2 A3");
    EXPECT_EQ(got(3, {}, {"A3"}), "not_requested B1 B2 B3");
    EXPECT_EQ(got(4, {}, {"A3"}), "not_requested A1 A2 A4 A5") << "else the first that are left";
    EXPECT_EQ(got(8, {}), "not_requested A1 A2 A3 A4 A5 B1 B2 B3");
    EXPECT_EQ(got(8, {}, {"B2"}), "Not enough seats left.");
}

TEST_F(SeatsTest, ChosenSeats) {
    EXPECT_EQ(got(2, {"A5", "B1"}), "got_all A5 B1") << "in the order of the request";
    EXPECT_EQ(got(2, {"B1", "C9"}), "got_some B1 A1");
    EXPECT_EQ(got(2, {"foo", "bar"}), "got_none A1 A2");
    EXPECT_EQ(got(2, {"A2", "A2"}), "got_some A2 A1") << "a seat counts once";
    EXPECT_EQ(got(1, {"A2", "A3"}), "got_some A2") << "more were asked for than tickets";
    EXPECT_EQ(got(2, {"A2", "A3"}, {"A3"}), "got_some A2 A1");
    EXPECT_EQ(got(2, {"a2", ""}), "got_none A1 A2");
}

TEST_F(SeatsTest, SideBySideOnly) {
    event_.rules.contiguous = true;
    EXPECT_EQ(got(2, {"A2", "A3"}), "got_all A2 A3");
    EXPECT_EQ(got(2, {"A3", "A2"}), "got_all A3 A2");
    EXPECT_EQ(got(2, {"A2", "A4"}), "got_none A1 A2");
    EXPECT_EQ(got(2, {"A5", "B1"}), "got_none A1 A2") << "not one block";
}

TEST_F(SeatsTest, NoSingleSeatsAreLeft) {
    event_.rules.leaving_singles = LeavingSingles::never;
    EXPECT_EQ(got(2, {"A2", "A3"}), "got_none A1 A2") << "A1 would be alone";
    EXPECT_EQ(got(2, {"A1", "A2"}), "got_all A1 A2");
    EXPECT_EQ(got(2, {"A3", "A4"}), "got_none A1 A2") << "A5 would be alone";
    EXPECT_EQ(got(2, {"B1", "B2"}), "got_none A1 A2");
    EXPECT_EQ(got(3, {"B1", "B2", "B3"}), "got_all B1 B2 B3");
    EXPECT_EQ(got(4, {}), "not_requested A1 A2 A3 A4") << "no better run is there";
    EXPECT_EQ(got(1, {"B2"}), "got_none A1");
    // What was alone before is nobody's fault.
    EXPECT_EQ(got(2, {"A4", "A5"}, {"A2", "A3"}), "got_all A4 A5");
}

TEST_F(SeatsTest, SingleSeatsIfNecessary) {
    event_.rules.leaving_singles = LeavingSingles::if_necessary;
    EXPECT_EQ(got(2, {"A2", "A3"}), "got_none A1 A2") << "it is not";
    EXPECT_EQ(got(2, {"B1", "B2"}, {"A1", "A2", "A3", "A4", "A5"}), "got_all B1 B2") << "it is";
}

TEST_F(SeatsTest, WithoutSeatSelection) {
    event_.rules.seat_selection = false;
    EXPECT_EQ(got(2, {"B1", "B2"}), "got_none A1 A2");
}

TEST_F(SeatsTest, PeculiarSeats) {
    event_.rules.failing_seat = "A3";
    event_.rules.vanishing_seat = "B2";
    EXPECT_EQ(got(1, {"A3"}), "Seat A3 causes failure.");
    EXPECT_EQ(got(2, {"A1", "A3"}), "Seat A3 causes failure.");
    EXPECT_EQ(got(1, {"B2"}), "got_none B1") << "another of its block";
    EXPECT_EQ(got(1, {"B2"}, {"B1"}), "got_none B3");
    EXPECT_EQ(got(2, {"B2", "B1"}), "got_none A1 A2") << "its block has too few";
    EXPECT_EQ(got(1, {"A3"}, {"A3"}), "Seat A3 causes failure.");
    event_.rules.failing_seat.clear();
    EXPECT_EQ(got(1, {""}), "got_none A1") << "no peculiar seat has an empty name";
}

TEST_F(SeatsTest, RestrictedTickets) {
    event_.rules.restricted_weekdays = *weekday_named("thu");
    event_.rules.restricted_tickets = {2, 3};
    Performance thursday, friday;
    thursday.day = *read_day("20261126", "day");
    friday.day = *read_day("20261127", "day");
    EXPECT_FALSE(view_is_restricted(event_, thursday, 1));
    EXPECT_TRUE(view_is_restricted(event_, thursday, 2));
    EXPECT_TRUE(view_is_restricted(event_, thursday, 3));
    EXPECT_FALSE(view_is_restricted(event_, thursday, 4));
    EXPECT_FALSE(view_is_restricted(event_, friday, 2));
    EXPECT_FALSE(view_is_restricted(event_, Performance{}, 2));
}

}  // namespace
}  // namespace kassi::sandbox::box_office
