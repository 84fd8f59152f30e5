#include "sandbox/box_office/reserve.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/limits.hpp"

namespace kassi::sandbox::box_office {
namespace {

const auto now = *parse_iso8601("2026-11-27T10:00:00Z", "at");

Trolley trolley_of(std::vector<Line> lines) {
    Trolley trolley;
    for (auto& line : lines) {
        line.item = trolley.next_item++;
        trolley.lines.push_back(std::move(line));
    }
    return trolley;
}
Line line(std::string perf, std::string type, std::string band, std::int64_t count,
          std::vector<std::string> seats = {}) {
    return {.perf_id = std::move(perf),
            .ticket_type = std::move(type),
            .price_band = std::move(band),
            .seats_count = count,
            .seats = std::move(seats)};
}

TEST(Reserve, TwoCurrenciesInBundlesBySource) {
    const auto dinner = performances(*demo_catalogue().event("DBZ"), now)[2].id;
    const auto pass = performances(*demo_catalogue().event("AG8"), now)[2].id;
    const auto reserved =
        reserve(demo_catalogue(),
                trolley_of({line(pass, "PASS", "A/pool", 2), line("6IF-B0G", "CIRCLE", "A/pool", 2),
                            line(dinner, "DINNER", "B/pool", 2), line("6KF-F", "MEMBER", "X/pool", 1)}),
                now);
    EXPECT_TRUE(reserved.unreserved.empty());
    const auto handed =
        core_bundles(reserved, [](const TrolleyBundle& bundle) { return "of " + bundle.source; });
    ASSERT_EQ(handed.size(), 3U);
    EXPECT_EQ(handed[0].source, "ext_test0");
    EXPECT_EQ(handed[0].amount, (Money{2 * 3900 + 6400 + 150, *Currency::parse("gbp", "c")})) << "sent once";
    EXPECT_EQ(handed[1].amount, (Money{2 * 25550, *Currency::parse("eur", "c")}));
    EXPECT_EQ(handed[2].amount, (Money{2 * 7400, *Currency::parse("jpy", "c")}));
    EXPECT_EQ(handed[0].description, "of ext_test0");
    ASSERT_EQ(handed[0].orders.size(), 2U);
    EXPECT_TRUE(handed[0].orders[0].cancellable);
    EXPECT_FALSE(handed[0].orders[1].cancellable) << "a membership is not given back";
}

TEST(Reserve, WhatTheBackendRefusesIsUnreservedAndTheRestIsNot) {
    const auto reserved = reserve(demo_catalogue(),
                                  trolley_of({line("7AA-4", "CIRCLE", "B/pool", 1, {"H10"}),
                                              line("7AA-4", "CIRCLE", "B/pool", 2, {"G7", "G8"}),
                                              line("7AA-4", "CIRCLE", "B/pool", 2, {"G8", "H1"})}),
                                  now);
    ASSERT_EQ(reserved.unreserved.size(), 1U);
    EXPECT_EQ(reserved.unreserved[0].reserve_failure_comment, "Seat H10 causes failure.");
    ASSERT_EQ(reserved.bundles.size(), 1U);
    const auto& orders = reserved.bundles[0].orders;
    ASSERT_EQ(orders.size(), 2U);
    EXPECT_EQ(orders[0].seat_request_status, "got_all");
    EXPECT_EQ(orders[1].seat_request_status, "got_some") << "G8 is taken by the order before";
    std::set<std::string> seats;
    for (const auto& order : orders)
        for (const auto& seat : order.ticket_orders[0].seats)
            EXPECT_TRUE(seats.insert(seat.id).second) << seat.id;
}

TEST(Reserve, NothingAtAll) {
    const auto reserved =
        reserve(demo_catalogue(), trolley_of({line("7AA-4", "CIRCLE", "B/pool", 1, {"H10"})}), now);
    EXPECT_TRUE(reserved.bundles.empty());
    EXPECT_EQ(reserved.unreserved.size(), 1U);
}

TEST(Reserve, CountriesAreThoseToWhichAllIsSent) {
    auto trolley = trolley_of({line("6IF-B0G", "CIRCLE", "A/pool", 2)});
    engine::Caller caller;
    const auto countries = [&] {
        return document_of(demo_catalogue(), reserve(demo_catalogue(), trolley, now), caller).countries;
    };
    EXPECT_EQ(countries(), demo_catalogue().countries);
    trolley.send_codes["ext_test0"] = "POST";
    EXPECT_EQ(countries(), (api::f13::Countries{{"ie", "Ireland"}, {"uk", "United Kingdom"}}));
}

TEST(Reserve, TheLargestTrolleyFitsItsDocument) {
    std::vector<Line> lines;
    const auto all = performances(*demo_catalogue().event("6IF"), now);
    for (std::size_t i = 0; i < trolley_lines_max; ++i)
        lines.push_back(line(all[i * 2].id, "CIRCLE", "A/pool", 6));
    for (auto& each : lines) each.discounts = {"ADULT", "CHILD", "ADULT", "CHILD", "ADULT", "CHILD"};
    const auto reserved = reserve(demo_catalogue(), trolley_of(std::move(lines)), now);
    EXPECT_EQ(reserved.bundles.at(0).orders.size(), trolley_lines_max);
    EXPECT_LE(document_json(document_of(demo_catalogue(), reserved, engine::Caller{})).size(),
              limits::document_bytes_max);
}

TEST(Reserve, WhatIsPrintedAtHome) {
    const auto trolley =
        trolley_of({line("7AB-4", "STALLS", "A/pool", 2), line("7AA-4", "STALLS", "A/pool", 1)});
    auto reserved = reserve(demo_catalogue(), trolley, now);
    SystemRandomness randomness;
    make_printable(demo_catalogue(), trolley, now, "http://127.0.0.1:1", randomness, reserved);
    ASSERT_EQ(reserved.bundles.size(), 2U);
    const auto& cat = reserved.bundles[1].orders[0];
    EXPECT_EQ(cat.send_method->voucher_url, "http://127.0.0.1:1/shop/vouchers/{transaction}");
    const auto& seats = cat.ticket_orders[0].seats;
    EXPECT_EQ(seats[0].barcode.size(), 16U);
    EXPECT_NE(seats[0].barcode, seats[1].barcode);
    const auto& opera = reserved.bundles[0].orders[0];
    EXPECT_FALSE(opera.send_method->voucher_url.empty());
    EXPECT_EQ(opera.ticket_orders[0].seats[0].barcode, "") << "a voucher without barcodes";
}

}  // namespace
}  // namespace kassi::sandbox::box_office
