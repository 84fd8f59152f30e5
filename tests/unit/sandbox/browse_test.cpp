#include "sandbox/shop/browse.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sandbox/box_office/token.hpp"
#include "sandbox/shop/pages.hpp"

namespace kassi::sandbox::shop {
namespace {

using nlohmann::json;

class Browse : public testing::Test {
  protected:
    [[nodiscard]] Reading reading() const { return {catalogue, key, now}; }
    [[nodiscard]] json events(const Fields& fields, const std::string& token = {}) const {
        auto content = events_content(reading(), fields, token);
        EXPECT_TRUE(content);
        return content ? *content : json();
    }
    [[nodiscard]] json event(const char* id, const Fields& fields = {}) const {
        auto content = event_content(reading(), *catalogue.event(id), fields, "");
        EXPECT_TRUE(content);
        return content ? *content : json();
    }
    [[nodiscard]] json tickets(const std::string& perf) const {
        return tickets_content(reading(), box_office::find_performance(catalogue, perf, now), "");
    }
    const box_office::Catalogue& catalogue = box_office::demo_catalogue();
    const Secret<> key{std::string(32, 'k')};
    const Instant now = *parse_iso8601("2026-11-27T10:00:00Z", "at");
};

TEST_F(Browse, EventsInPagesWhoseLinksKeepTheSearch) {
    const auto first = events({{"sort_order", "most_popular"}, {"from", "2026-12-01"}}, "token");
    EXPECT_EQ(first["events"].size(), 10U);
    EXPECT_EQ(first["events"][0]["url"], "/shop/events/6IF?trolley=token");
    EXPECT_EQ(first["later"], "/shop/events?sort_order=most_popular&from=2026-12-01&page_no=1&trolley=token");
    EXPECT_FALSE(first.contains("earlier"));
    const auto last = events({{"page_no", "2"}});
    EXPECT_EQ(last["events"].size(), 2U);
    EXPECT_EQ(last["earlier"], "/shop/events?page_no=1");
    EXPECT_FALSE(last.contains("later"));
    EXPECT_EQ(events({{"keywords", "デーパス"}})["events"].size(), 1U);
    EXPECT_FALSE(events({{"keywords", "nothing at all"}})["has_events"]);
    EXPECT_EQ(events_content(reading(), {{"from", "soon"}}, "").error().field, "date_range");
}

TEST_F(Browse, DatesOfAnEvent) {
    const auto dance = event("6IF");
    EXPECT_EQ(dance["dates"].size(), 24U);
    EXPECT_TRUE(dance["dates"][1].contains("sold_out")) << "a Saturday night";
    EXPECT_FALSE(dance["dates"][2].contains("sold_out"));
    EXPECT_EQ(event("6IF", {{"from", "2026-12-24"}, {"to", "2026-12-24"}})["dates"].size(), 2U);
    const auto open = event("6KS");
    EXPECT_EQ(open["dates"].size(), 1U);
    EXPECT_FALSE(open["dated"]);
    EXPECT_EQ(event("9XW")["dates"][0]["when"].get<std::string>().find(" AM"), std::string::npos)
        << "its time is not shown";
}

TEST_F(Browse, TheSeatMapHasEverySeatInItsPlace) {
    const auto content = tickets("7AA-4");
    const auto& rows = content["seat_map"]["rows"];
    ASSERT_EQ(rows.size(), 8U);
    for (const auto& row : rows) EXPECT_EQ(row["cells"].size(), 10U);
    EXPECT_EQ(rows[0]["row"], "A");
    EXPECT_EQ(rows[0]["cells"][0]["value"], "STALLS/A/A1");
    EXPECT_EQ(rows[0]["cells"][0]["words"], "Stalls, seat A1, £55.00, restricted view");
    EXPECT_EQ(rows[0]["cells"][5]["words"], "Stalls, seat A6, £55.00, Great seat");
    EXPECT_TRUE(rows[1]["cells"][0].contains("gap"));
    EXPECT_TRUE(rows[4]["cells"][5].contains("gap")) << "E6 is between two blocks";
    EXPECT_EQ(rows[6]["cells"][6]["band"], 3);
    EXPECT_EQ(content["seat_map"]["legend"].size(), 4U);
    EXPECT_TRUE(content["contiguous"]);
    EXPECT_FALSE(tickets("6IF-B0G").contains("seat_map")) << "no seats can be chosen there";
}

TEST_F(Browse, CountsAndDays) {
    const auto dance = tickets("6IF-B0G");
    EXPECT_EQ(dance["bands"].size(), 6U);
    EXPECT_EQ(dance["bands"][0]["discounts"][1]["field"], "n.CIRCLE.A.CHILD");
    EXPECT_EQ(dance["bands"][0]["discounts"][0]["counts"].size(), 7U);
    EXPECT_FALSE(dance.contains("day"));
    const auto room = tickets("I3T-1");
    EXPECT_EQ(room["day"]["first"], "2026-11-28");
    EXPECT_TRUE(room["day"]["needed"]);
    EXPECT_TRUE(room.contains("nights"));
    EXPECT_FALSE(tickets("6KS-E3L")["day"]["needed"]);
    const auto femme = tickets(box_office::performances(*catalogue.event("6L9"), now)[0].id);
    EXPECT_EQ(femme["bands"][0]["discounts"][0]["full"], "$64.00");
}

TEST_F(Browse, TheTrolleySaysWhatCannotBeHad) {
    const auto of = [&](const Fields& fields) {
        return basket_content(reading(), *add_tickets({}, fields, reading()));
    };
    const auto other = of({{"perf", "7AA-4"}, {"seat", "STALLS/B/D6"}, {"seat", "STALLS/B/D7"}});
    EXPECT_EQ(other["bundles"][0]["orders"][0]["seats"], "D2, D3");
    EXPECT_EQ(other["bundles"][0]["orders"][0]["instead"], "D6, D7");
    EXPECT_TRUE(other["can_pay"]);
    const auto fails = of({{"perf", "7AA-4"}, {"seat", "CIRCLE/B/H10"}});
    EXPECT_EQ(fails["refused"][0]["refused"], "Seat H10 causes failure.");
    EXPECT_FALSE(fails["can_pay"]);
    const auto dance = of({{"perf", "6IF-B0G"}, {"n.CIRCLE.A.ADULT", "2"}});
    EXPECT_TRUE(dance["bundles"][0]["send_choice"]);
    EXPECT_EQ(dance["bundles"][0]["ways"].size(), 2U);
    EXPECT_TRUE(dance["bundles"][0]["ways"][0]["chosen"]);
    EXPECT_EQ(dance["total"], "£79.50");
    const auto cat = of({{"perf", "7AB-4"}, {"n.STALLS.A.NORMAL", "1"}});
    EXPECT_EQ(cat["suggestions"].size(), 2U) << "7AA and the lunchbox";
    EXPECT_FALSE(basket_content(reading(), {})["has_bundles"]);
}

/// Customer and document are gone: what is left is the record's.
TEST(Bought, IsToldWithoutThePeople) {
    const auto gbp = *Currency::parse("GBP", "");
    core::Transaction transaction;
    transaction.reference = "T000-0000-0000-0001";
    transaction.phase = core::Phase::purchased;
    transaction.forgotten = true;
    transaction.bundles = {{"a", "Two <seats>", {11'000, gbp}, {}}, {"b", "A lunch box", {500, gbp}, {}}};
    core::Leg paid;
    paid.no = 1;
    paid.sources = {"a"};
    paid.money = core::LegMoney::taken;
    transaction.legs = {paid};
    auto content = bought_content(transaction);
    content["now"] = "now";
    const auto page = render("bought", content);
    EXPECT_NE(page.find("Two &lt;seats&gt; <strong>£110.00</strong>"), page.npos) << page;
    EXPECT_EQ(page.find("lunch box"), page.npos) << "nobody paid for it";
    EXPECT_NE(page.find("were forgotten"), page.npos);
    content["forgotten"] = false;
    EXPECT_EQ(render("bought", content).find("were forgotten"), page.npos)
        << "its document was never handed over";
}

TEST_F(Browse, PagesEscapeWhatVisitorsWrite) {
    auto content = events({{"keywords", "\"><script>"}}, "\"><b>");
    content["now"] = "now";
    const auto page = render("events", content);
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    EXPECT_EQ(page.find("<b>"), std::string::npos);
    EXPECT_NE(page.find("&quot;&gt;&lt;script&gt;"), std::string::npos);
}

}  // namespace
}  // namespace kassi::sandbox::shop
