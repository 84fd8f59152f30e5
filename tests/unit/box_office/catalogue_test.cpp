#include "sandbox/box_office/catalogue.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sandbox/box_office/fold.hpp"

namespace kassi::sandbox::box_office {
namespace {

using nlohmann::json;

TEST(Catalogue, HasEveryEventOfTheGuide) {
    const auto& catalogue = demo_catalogue();
    for (const auto* id : {"6IE", "6IF", "6KF", "6KS", "6KT", "6KU", "6KV", "6L9", "7AA", "7AB", "9XW",
                           "9XY", "AG8", "DBZ", "DP9", "DPB", "GVA", "I3R", "I3S", "I3T", "I3U", "I3V"}) {
        const auto* event = catalogue.event(id);
        ASSERT_NE(event, nullptr) << id;
        EXPECT_FALSE(event->dead || event->is_add_on) << id;
    }
    EXPECT_EQ(catalogue.event("AG8")->description, "1デーパスポート (One Day Passport)");
    EXPECT_EQ(catalogue.event("DBZ")->currency.code(), "EUR");
    EXPECT_EQ(catalogue.event("AG8")->currency.places(), 0);
    EXPECT_TRUE(catalogue.event("7AC")->is_add_on);
    EXPECT_NE(catalogue.event("7AA")->source, catalogue.event("7AB")->source);
    EXPECT_EQ(catalogue.event("9ZZ"), nullptr);
}

TEST(Catalogue, WhatIsPrintedIsJson) {
    for (const auto& event : demo_catalogue().events) {
        for (const auto& [name, value] : event.members)
            EXPECT_FALSE(json::parse(value, nullptr, false).is_discarded()) << event.id << " " << name;
        EXPECT_EQ(json::parse(event.members.at("event_desc")), event.description);
    }
}

// ---- the check ----------------------------------------------------------------------------------------
const json& good_house() {
    static const json house = json::parse(R"({
        "countries": {"uk": "United Kingdom"},
        "cities": {"london-uk": {"name": "London", "country": "uk"}},
        "sources": {"s0": "Source"},
        "send_methods": {"COBO": {"name": "Collect", "type": "collect", "cost": 0, "currency": "gbp"},
                         "EURO": {"name": "Collect", "type": "collect", "cost": 0, "currency": "eur"}},
        "discounts": {"ADULT": {"name": "Adult", "type": "standard"}, "CHILD": {"name": "Child", "type": "child"}},
        "seat_maps": {"map": {"restricted_view": ["A1"], "texts": {"A2": "Near the door"}}},
        "classes": {"theatre": "Theatre"}})");
    return house;
}
const json& good_event() {
    static const json event = json::parse(R"({
        "event_id": "1AA", "event_desc": "A play", "source": "s0", "city": "london-uk", "venue": "A house",
        "geo": ["51.5", "-0.1"], "classes": ["theatre"], "currency": "gbp", "send_methods": ["COBO"],
        "quantities": [1, 2], "seated": true,
        "performances": [{"perf_id": "1AA-1", "in_days": 3, "time": "19:30"}],
        "daily": {"days": 2, "times": ["14:30", "19:30"]},
        "ticket_types": [{"code": "STALLS", "name": "Stalls", "price_bands": [
            {"code": "A", "blocks": ["A1-3"], "prices": [["ADULT", 100, 10], ["CHILD", 50, 5, 60, 5]]}]}]})");
    return event;
}
std::string fault(const json& house, const std::vector<json>& events) {
    const auto house_text = house.dump(), events_text = json(events).dump();
    const std::vector<CatalogueFile> files{{"house.json", house_text}, {"plays.json", events_text}};
    const auto read = read_catalogue(files);
    return read ? "fine" : read.error().field + " " + read.error().message;
}
std::string event_fault(const std::string& pointer, const json& value) {
    auto event = good_event();
    const json::json_pointer place(pointer);
    if (value.is_discarded()) {
        event.at(place.parent_pointer()).erase(place.back());
    } else {
        event[place] = value;
    }
    return fault(good_house(), {event});
}

TEST(CatalogueCheck, TheExamplesAreFine) {
    EXPECT_EQ(fault(good_house(), {good_event()}), "fine");
}

TEST(CatalogueCheck, NamesTheWrongPlaceOfAnEvent) {
    const json missing(json::value_t::discarded);
    const std::string at = "plays.json: 1AA.";
    const std::string band = at + "ticket_types[0].price_bands[0]";
    EXPECT_EQ(event_fault("/event_desc", missing), at + "event_desc is missing");
    EXPECT_EQ(event_fault("/event_desc", 7), at + "event_desc is not a text");
    EXPECT_EQ(event_fault("/event_desk", "x"), at + "event_desk is not known here");
    EXPECT_EQ(event_fault("/source", "s1"), at + "source is no source of house.json");
    EXPECT_EQ(event_fault("/city", "x"), at + "city is no city of house.json");
    EXPECT_EQ(event_fault("/currency", "zzz"), at + "currency is no currency");
    EXPECT_EQ(event_fault("/send_methods/0", "EURO"), at + "send_methods[0] costs another currency");
    EXPECT_EQ(event_fault("/send_methods/0", "NONE"),
              at + "send_methods[0] is no way of sending of house.json");
    EXPECT_EQ(event_fault("/quantities", {2, 1}), at + "quantities is empty or not in order");
    EXPECT_EQ(event_fault("/quantities/0", 0), at + "quantities[0] is not between 1 and 50");
    EXPECT_EQ(event_fault("/geo/0", "91"), at + "geo[0] is no such coordinate, as a text (\"51.5\")");
    EXPECT_EQ(event_fault("/geo/0", "51,5"), at + "geo[0] is no such coordinate, as a text (\"51.5\")");
    EXPECT_EQ(event_fault("/classes/0", "x"), at + "classes[0] is no class of house.json");
    EXPECT_EQ(event_fault("/performances/0/perf_id", "1AB-1"),
              at + "performances[0].perf_id is not 1AA- and one to three characters");
    EXPECT_EQ(event_fault("/performances/0/perf_id", "1AA-1234"),
              at + "performances[0].perf_id is not 1AA- and one to three characters");
    EXPECT_EQ(event_fault("/performances/0/time", "25:00"),
              at + "performances[0].time is no time of the day (\"15:30\")");
    EXPECT_EQ(event_fault("/performances/0/next", "02-29"),
              at + "performances[0].next is no date of every year (\"12-31\")");
    EXPECT_EQ(event_fault("/performances/0/next", "12-31"), at + "performances[0] has two dates");
    EXPECT_EQ(event_fault("/daily/times", {"19:30", "14:30"}),
              at + "daily.times is not 1 to 12 times, each later than the one before");
    EXPECT_EQ(event_fault("/open", {{"days", 3}}), at + "open needs one undated performance and no other");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/blocks/0", "A3-1"),
              band + ".blocks[0] is no block of seats (\"E4-5\")");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/blocks/1", "A3-4"),
              band + ".blocks[1] has seat A3 again");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/code", "A/pool"),
              band + ".code has its suffix already");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/prices/0/0", "OLD"),
              band + ".prices[0][0] is no discount of house.json");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/prices/1", {"ADULT", 1, 1}),
              band + ".prices[1] is there already");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/prices/1", {"CHILD", 1.5, 1}),
              band + ".prices[1][1] is not a whole number");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/prices/1", {"CHILD", 60, 5, 60, 5}),
              band + ".prices[1] is no offer: it saves nothing");
    EXPECT_EQ(event_fault("/ticket_types/0/price_bands/0/prices", json::array()), band + ".prices is empty");
    EXPECT_EQ(event_fault("/seated", false), at + "ticket_types STALLS A has seats");
    EXPECT_EQ(event_fault("/seat_map", "x"), at + "seat_map is no seat map of house.json");
    EXPECT_EQ(event_fault("/rules", {{"discounts", "many"}}),
              at + "rules.discounts is neither default_only nor blanket nor mixed");
    EXPECT_EQ(event_fault("/rules", {{"sold_out", {{"weekdays", {"SAT"}}}}}),
              at + "rules.sold_out.weekdays[0] is no day of the week (\"sun\" to \"sat\")");
    EXPECT_EQ(event_fault("/rules", {{"no_discounts", {{"ticket_type", "X"}, {"day_of_month", 1}}}}),
              at + "rules.no_discounts.ticket_type is no ticket type of the event");
    EXPECT_EQ(event_fault("/reviews", {{{"body", "Fine"}, {"at", "yesterday"}, {"stars", 5}}}),
              at + "reviews[0].at is no date and time");
    EXPECT_EQ(event_fault("/upsells", {"1AA"}), at + "upsells 1AA is no other event");
    EXPECT_EQ(event_fault("/add_ons", {"1AB"}), at + "add_ons 1AB is no add-on");
}

TEST(CatalogueCheck, NamesTheWrongPlaceOfTheHouse) {
    auto house = good_house();
    house["cities"]["london-uk"]["country"] = "gb";
    EXPECT_EQ(fault(house, {}), "house.json: .cities.london-uk.country is no country of house.json");
    house = good_house();
    house["discounts"]["CHILD"]["type"] = "kid";
    EXPECT_EQ(fault(house, {}), "house.json: .discounts.CHILD.type is no kind of customer that F13 knows");
    house = good_house();
    house["send_methods"]["COBO"]["type"] = "pigeon";
    EXPECT_EQ(fault(house, {}),
              "house.json: .send_methods.COBO.type is neither collect nor post nor selfprint");
    EXPECT_EQ(fault(good_house(), {good_event(), good_event()}),
              "plays.json: 1AA is there already (plays.json: 1AA)");
    const std::vector<CatalogueFile> none{{"plays.json", "[]"}}, broken{{"house.json", "{"}};
    EXPECT_EQ(read_catalogue(none).error().field, "house.json");
    EXPECT_EQ(read_catalogue(broken).error().field, "house.json");
}

// ---- searching text -----------------------------------------------------------------------------------
TEST(Fold, MakesSearchingEasy) {
    EXPECT_EQ(fold("Sadler's WELLS"), "sadlers wells");
    EXPECT_EQ(fold("Sadler\u2019s"), "sadlers");
    EXPECT_EQ(fold("Belle \u00c9poque, Th\u00e9\u00e2tre"), "belle epoque, theatre");
    EXPECT_EQ(fold("e\u0301"), "e") << "a combining mark";
    EXPECT_EQ(fold("\uff30\uff41\uff52\uff4b\u3000\uff17"), "park 7") << "full width";
    EXPECT_EQ(fold("\u0141\u00f3d\u017a"), "lodz");
    EXPECT_EQ(fold("1\u30c7\u30fc\u30d1\u30b9"), "1\u30c7\u30fc\u30d1\u30b9");
    EXPECT_EQ(fold("\u00df\u00e6\u00d7"), "\u00df\u00e6\u00d7") << "no single letter stands for them";
    EXPECT_EQ(fold("\U0001F600a"), "\U0001F600a");
    EXPECT_EQ(fold(""), "");
}

}  // namespace
}  // namespace kassi::sandbox::box_office
