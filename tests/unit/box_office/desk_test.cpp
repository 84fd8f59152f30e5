#include "sandbox/box_office/desk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "sandbox/box_office/token.hpp"

namespace kassi::sandbox::box_office {
namespace {

using nlohmann::json;

/// The whole catalogue without engine, store or a file: it cannot touch what payments need.
class DeskTest : public testing::Test {
  protected:
    DeskTest() {
        caller_.name = "demo";
        caller_.ways = {{"*", {"on_credit"}}};
        providers::Merchant credit;
        credit.name = "on_credit";
        credit.provider = "on_credit";
        directory_.merchants = {credit};
        registry_ = std::move(*providers::Registry::make(directory_.merchants));
        desk_.emplace(DeskParts{demo_catalogue(),
                                api::f13::House{directory_, *registry_, engine::Mode::sandbox},
                                Secret<>(std::string(32, 'k')), [this] { return now_; }});
    }
    json get(std::string_view endpoint, const Fields& fields = {}) {
        const auto answer = desk_->answer(endpoint, caller_, fields);
        EXPECT_TRUE(answer) << endpoint << ": "
                            << (answer ? "" : answer.error().field + " " + answer.error().message);
        if (!answer) return {};
        auto parsed = json::parse(*answer, nullptr, false);
        EXPECT_FALSE(parsed.is_discarded()) << *answer;
        return parsed;
    }
    std::string refused(std::string_view endpoint, const Fields& fields = {}) {
        const auto answer = desk_->answer(endpoint, caller_, fields);
        return answer ? "answered" : answer.error().field;
    }
    std::string performance_on(const char* event, std::size_t index) {
        return performances(*demo_catalogue().event(event), now_)[index].id;
    }

    Instant now_ = *parse_iso8601("2026-11-27T21:30:00Z", "at");  // a Friday
    engine::Caller caller_;
    engine::Directory directory_;
    std::unique_ptr<providers::Registry> registry_;
    std::optional<Desk> desk_;
};

// ---- events -------------------------------------------------------------------------------------------
TEST_F(DeskTest, EventsAndTheirPages) {
    const auto all = get("events.v1");
    EXPECT_EQ(all["results"]["event"].size(), 22U);
    EXPECT_EQ(all["results"]["paging_status"],
              json::parse(R"({"page_length":50,"page_number":0,"pages_remaining":0,
        "results_remaining":0,"total_unpaged_results":22})"));
    const auto page = get("events.v1", {{"page_no", "2"}, {"page_len", "3"}});
    ASSERT_EQ(page["results"]["event"].size(), 3U);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(page["results"]["event"][i], all["results"]["event"][6 + i]);
    EXPECT_EQ(page["results"]["paging_status"]["results_remaining"], 13);
    EXPECT_EQ(page["results"]["paging_status"]["pages_remaining"], 5);
    EXPECT_EQ(get("events.v1", {{"page_no", "99"}})["results"]["event"].size(), 0U);
    EXPECT_EQ(refused("events.v1", {{"page_len", "0"}}), "page_len");
}

TEST_F(DeskTest, AnEventAsItIsAlwaysPrinted) {
    const auto event = get("events_by_id.v1", {{"event_id_list", "6IF"}})["events_by_id"]["6IF"]["event"];
    EXPECT_EQ(
        event,
        json::parse(R"({"city_code":"london-uk","city_desc":"London","classes":{"dance":"Ballet & Dance"},
        "country_code":"uk","country_desc":"United Kingdom","critic_review_percent":100,"custom_filter":[],
        "event_desc":"Matthew Bourne's Nutcracker TEST","event_id":"6IF","event_status":"live",
        "event_type":"simple_ticket","event_upsell_list":{"event_id":["6IE"]},
        "geo_data":{"latitude":51.52961137,"longitude":-0.10601562},"has_no_perfs":false,"is_add_on":false,
        "is_seated":true,"max_running_time":120,"min_running_time":120,"need_departure_date":false,
        "need_duration":false,"need_performance":true,"postcode":"EC1R 4TN","show_perf_time":true,
        "source_code":"ext_test0","source_desc":"External Test Backend 0","valid_quantities":[1,2,3,4,5,6],
        "venue_desc":"Sadler's Wells"})"));
}

TEST_F(DeskTest, WordsThatSomeEventsHave) {
    const auto opera = get("events_by_id.v1", {{"event_id_list", "7AA"}})["events_by_id"]["7AA"]["event"];
    EXPECT_EQ(opera["venue_code"], "ROH");
    EXPECT_EQ(opera["area_code"], "covent_garden");
    EXPECT_EQ(opera["custom_fields"][0]["custom_field_name"], "age_limit");
}

TEST_F(DeskTest, EventsByIdAreInAlphabeticalOrderAndUnknownOnesAreLeftOut) {
    const auto answer =
        *desk_->answer("events_by_id.v1", caller_, {{"event_id_list", "7AB, 6IF,9ZZ,6KF,6IF"}});
    const auto first = answer.find(R"("6IF":{"event")"), second = answer.find(R"("6KF":{"event")"),
               third = answer.find(R"("7AB":{"event")");
    EXPECT_LT(first, second);
    EXPECT_LT(second, third);
    EXPECT_NE(third, std::string::npos);
    EXPECT_EQ(get("events_by_id.v1", {{"event_id_list", "9ZZ"}})["events_by_id"], json::object());
    EXPECT_EQ(refused("events_by_id.v1"), "event_id_list");
    std::string many = "A0";
    for (std::size_t i = 1; i < ids_max; ++i) many += ",A" + std::to_string(i);
    EXPECT_EQ(refused("events_by_id.v1", {{"event_id_list", many}}), "answered");
    EXPECT_EQ(refused("events_by_id.v1", {{"event_id_list", many + ",B"}}), "event_id_list");
}

TEST_F(DeskTest, ExtrasOnlyWhenTheyAreAskedFor) {
    const auto event = [&](const Fields& more) {
        Fields fields{{"event_id_list", "6IF"}};
        fields.insert(fields.end(), more.begin(), more.end());
        return get("events_by_id.v1", fields)["events_by_id"]["6IF"]["event"];
    };
    auto info = event({{"req_extra_info", "True"}});
    EXPECT_EQ(info["structured_info"]["address"]["value"], "Roseberry Avenue Islington London UK\n");
    EXPECT_EQ(info["structured_info"]["address"]["value_html"],
              "<p>Roseberry Avenue Islington London UK</p>");
    EXPECT_EQ(info["venue_addr"], "Roseberry Avenue Islington London UK\n");
    EXPECT_TRUE(info["event_info"].get<std::string>().starts_with("Matthew Bourne's stunning production"));
    EXPECT_TRUE(info["event_info_html"].get<std::string>().starts_with(
        "<div><p>Matthew Bourne's stunning production "));
    EXPECT_EQ(event({{"req_reviews", "1"}})["reviews"]["review"].size(), 2U);
    EXPECT_FALSE(event({{"req_reviews", "False"}}).contains("reviews"));
    EXPECT_EQ(event({{"req_media_square", "yes"}})["media"]["media_asset"].size(), 1U);
    EXPECT_EQ(event({{"req_media_landscape", "yes"}})["media"]["media_asset"].size(), 0U);
    EXPECT_EQ(event({{"req_video_iframe", ""}})["video_iframe"]["video_iframe_width"], 400);
    for (const auto* name : {"structured_info", "event_info", "venue_addr", "reviews", "media",
                             "video_iframe", "cost_range", "cost_range_details", "avail_details"})
        EXPECT_FALSE(event({}).contains(name)) << name;
    EXPECT_EQ(refused("events.v1", {{"req_reviews", "perhaps"}}), "req_reviews");
    EXPECT_EQ(refused("events.v1", {{"req_media_square", "perhaps"}}), "req_media_square");
}

TEST_F(DeskTest, CostRanges) {
    const auto range = [&](const char* id, const Fields& more = {}) {
        Fields fields{{"event_id_list", id}, {"req_cost_range", "True"}};
        fields.insert(fields.end(), more.begin(), more.end());
        return get("events_by_id.v1", fields)["events_by_id"][id]["event"]["cost_range"];
    };
    auto dance = range("6IF");
    const auto alternates = dance["alternate_discounts"];
    dance.erase("alternate_discounts");
    EXPECT_EQ(dance, json::parse(R"({"max_seatprice":47,"max_surcharge":4.75,"min_seatprice":18,
        "min_surcharge":3,"range_currency_code":"gbp","valid_quantities":[1,2,3,4,5,6]})"));
    ASSERT_EQ(alternates.size(), 3U);
    EXPECT_EQ(alternates[0],
              json::parse(R"({"discount_semantic_type":"child","max_seatprice":24,"max_surcharge":3,
        "min_seatprice":18,"min_surcharge":3,"range_currency_code":"gbp","valid_quantities":[1,2,3,4,5,6]})"));
    EXPECT_EQ(alternates[1]["discount_semantic_type"], "senior");
    EXPECT_FALSE(range("6IE").contains("alternate_discounts")) << "default discounts only";
    EXPECT_EQ(range("AG8")["max_seatprice"], 7400) << "yen have no places";
    const auto offers = range("6L9", {{"req_cost_range_best_value_offer", "True"},
                                      {"req_cost_range_max_saving_offer", "True"},
                                      {"req_cost_range_min_cost_offer", "True"},
                                      {"req_cost_range_top_price_offer", "True"}});
    for (const auto* name : {"best_value_offer", "max_saving_offer", "min_cost_offer", "top_price_offer"})
        EXPECT_EQ(offers[name], json::parse(R"({"absolute_saving":19,"full_seatprice":59,"full_surcharge":5,
            "offer_seatprice":40,"offer_surcharge":5,"percentage_saving":29})"))
            << name;
    const auto no_singles =
        range("6IF", {{"req_cost_range_no_singles_data", "True"}})["no_singles_cost_range"];
    EXPECT_EQ(no_singles["valid_quantities"], (json{2, 3, 4, 5, 6}));
    EXPECT_FALSE(range("6KF", {{"req_cost_range_no_singles_data", "True"}}).contains("no_singles_cost_range"))
        << "it is sold one by one";
    const auto details = get("events_by_id.v1",
                             {{"event_id_list", "6IF"},
                              {"req_cost_range_details",
                               "True"}})["events_by_id"]["6IF"]["event"]["cost_range_details"]["ticket_type"];
    ASSERT_EQ(details.size(), 3U);
    EXPECT_EQ(details[0]["price_band"][1]["cost_range"]["min_seatprice"], 30);
}

TEST_F(DeskTest, AvailabilityDetails) {
    const auto details = [&](const char* id, bool days) {
        Fields fields{{"event_id_list", id}, {"req_avail_details", "True"}};
        if (days) fields.emplace_back("req_avail_details_with_perfs", "True");
        return get("events_by_id.v1", fields)["events_by_id"][id]["event"]["avail_details"]["ticket_type"][0]
                                             ["price_band"][0]["avail_detail"][0];
    };
    EXPECT_FALSE(details("6IF", false).contains("available_dates"));
    const auto dance = details("6IF", true);
    EXPECT_EQ(dance["available_dates"]["first_yyyymmdd"], "20261128");
    EXPECT_EQ(dance["available_dates"]["year_2026"]["nov"], (1U << 27) | (1U << 28) | (1U << 29));
    EXPECT_TRUE(dance["available_dates"].contains("year_2027"));
    EXPECT_EQ(dance["available_weekdays_bitmask"], 127);
    EXPECT_EQ(dance["suffixed_price_band_code"], "A/pool");
    EXPECT_EQ(details("6KS", true)["available_weekdays_bitmask"], 125) << "no Mondays";
}

TEST_F(DeskTest, RelatedEventsById) {
    const auto cat = get(
        "events_by_id.v1",
        {{"event_id_list", "7AB"}, {"add_add_ons", "True"}, {"add_upsells", "True"}})["events_by_id"]["7AB"];
    EXPECT_EQ(cat["add_ons"][0]["event_id"], "7AC");
    EXPECT_TRUE(cat["add_ons"][0]["is_add_on"]);
    EXPECT_EQ(cat["upsells"][0]["event_id"], "7AA");
    EXPECT_FALSE(
        get("events_by_id.v1", {{"event_id_list", "7AB"}})["events_by_id"]["7AB"].contains("add_ons"));
}

TEST_F(DeskTest, MonthsOfAnEvent) {
    const auto months =
        get("months.v1", {{"event_id", "6KS"}, {"req_cost_range", "True"}})["results"]["month"];
    ASSERT_GE(months.size(), 4U);
    EXPECT_EQ(months[0]["month"], "nov");
    EXPECT_EQ(months[0]["month_desc"], "November");
    EXPECT_EQ(months[0]["year"], 2026);
    EXPECT_EQ(months[0]["month_dates_bitmask"], (1U << 27) | (1U << 28)) << "the 30th is a Monday";
    EXPECT_EQ(months[1]["month_weekdays_bitmask"], 125);
    EXPECT_EQ(months[0]["cost_range"]["min_seatprice"], 32);
    EXPECT_EQ(get("months.v1", {{"event_id", "GVA"}})["results"]["month"].size(), 0U);
    EXPECT_EQ(refused("months.v1", {{"event_id", "9ZZ"}}), "event_id");
}

// ---- performances -------------------------------------------------------------------------------------
TEST_F(DeskTest, PerformancesInPages) {
    const auto first = get("performances.v1", {{"event_id", "DP9"}});
    EXPECT_EQ(first["results"]["performance"].size(), 50U);
    EXPECT_TRUE(first["results"]["has_perf_names"]);
    EXPECT_FALSE(first["autoselect_this_performance"]);
    EXPECT_EQ(first["results"]["paging_status"]["results_remaining"], 310);
    const auto third = get("performances.v1", {{"event_id", "DP9"}, {"page_no", "2"}, {"page_len", "20"}});
    EXPECT_EQ(third["results"]["paging_status"]["results_remaining"], 300);
    EXPECT_EQ(third["results"]["paging_status"]["pages_remaining"], 15);
    EXPECT_EQ(third["results"]["performance"][0], first["results"]["performance"][40]);
    const auto last = get("performances.v1", {{"event_id", "DP9"}, {"page_no", "7"}});
    EXPECT_EQ(last["results"]["performance"].size(), 10U);
}

TEST_F(DeskTest, PerformancesByDate) {
    const auto count = [&](const char* event, const char* range) {
        return get("performances.v1", {{"event_id", event}, {"date_range", range}})["results"]["performance"]
            .size();
    };
    EXPECT_EQ(count("6IF", "20261201:20261202"), 4U);
    EXPECT_EQ(count("6IF", ":20261128"), 2U);
    EXPECT_EQ(count("6IF", "20991231:"), 0U);
    EXPECT_EQ(count("6KS", "20261201:20261201"), 1U);
    EXPECT_EQ(count("6KS", "20261130:20261130"), 0U) << "a Monday";
    EXPECT_EQ(refused("performances.v1", {{"event_id", "6IF"}, {"date_range", "x"}}), "date_range");
    EXPECT_EQ(refused("performances.v1", {}), "event_id");
    EXPECT_TRUE(get("performances.v1", {{"event_id", "6KF"}})["autoselect_this_performance"]);
}

TEST_F(DeskTest, APerformanceAsItIsPrinted) {
    const auto by_id =
        get("performances_by_id.v1", {{"perf_id_list", "7AB-4,6KS-E3L,9ZZ-1"}})["performances_by_id"];
    EXPECT_EQ(by_id["7AB-4"],
              json::parse(R"({"cached_max_seats":6,"date_desc":"Fri, 1st January 2027","event_id":"7AB",
        "has_pool_seats":true,"is_ghost":false,"is_limited":false,"iso8601_date_and_time":"2027-01-01T15:30:00Z",
        "perf_id":"7AB-4","running_time":90,"time_desc":"3.30 PM"})"));
    EXPECT_FALSE(by_id["6KS-E3L"].contains("iso8601_date_and_time"));
    EXPECT_EQ(by_id.size(), 2U);
    const auto night = performance_on("6IF", 1);  // tomorrow is a Saturday
    const auto sold_out =
        get("performances_by_id.v1", {{"perf_id_list", night},
                                      {"req_cost_range", "True"},
                                      {"req_avail_details", "True"}})["performances_by_id"][night];
    EXPECT_FALSE(sold_out["has_pool_seats"]);
    EXPECT_EQ(sold_out["cached_max_seats"], 0);
    EXPECT_EQ(sold_out["cost_range"], json::object());
    const auto flight = performance_on("DP9", 0);
    EXPECT_EQ(
        get("performances_by_id.v1", {{"perf_id_list", flight}})["performances_by_id"][flight]["perf_name"],
        "Sunrise flight");
}

// ---- availability -------------------------------------------------------------------------------------
TEST_F(DeskTest, SeatBlocksOfTheGuide) {
    const auto answer = get("availability.v1", {{"perf_id", "7AA-4"}, {"add_seat_blocks", "True"}});
    const auto& stalls = answer["availability"]["ticket_type"][0]["price_band"][0];
    EXPECT_EQ(stalls["free_seat_blocks"], json::parse(R"({
        "blocks_by_row":{"A":[["A1","A2","A3","A4","A5","A6","A7","A8","A9","A10"]],
                         "B":[["B2","B3","B4","B5","B6","B7","B8","B9"]]},
        "restricted_view_seats":["A1","A2","A10"],"seats_by_text_message":{"Great seat":["A6"]},
        "separators_by_row":{"A":"","B":""}})"));
    EXPECT_EQ(stalls["allows_leaving_single_seats"], "never");
    EXPECT_EQ(stalls["number_available"], 6);
    EXPECT_EQ(stalls["sale_seatprice"], 50);
    const auto& circle = answer["availability"]["ticket_type"][1]["price_band"][1];
    EXPECT_EQ(circle["free_seat_blocks"]["blocks_by_row"]["H"].size(), 2U);
    EXPECT_TRUE(answer["contiguous_seat_selection_only"]);
    EXPECT_EQ(answer["valid_quantities"], (json{1, 2, 3, 4, 5, 6}));
    EXPECT_FALSE(get("availability.v1", {{"perf_id", "7AB-4"}})["contiguous_seat_selection_only"]);
    const auto dance = get("availability.v1", {{"perf_id", "6IF-B0G"}, {"add_seat_blocks", "True"}});
    EXPECT_FALSE(dance["availability"]["ticket_type"][0]["price_band"][0].contains("free_seat_blocks"))
        << "no seats can be chosen there";
}

TEST_F(DeskTest, ExampleSeats) {
    const auto example = [&](const std::string& perf, const Fields& more = {}) {
        Fields fields{{"perf_id", perf}, {"add_example_seats", "True"}};
        fields.insert(fields.end(), more.begin(), more.end());
        return get("availability.v1", fields)["availability"]["ticket_type"][0]["price_band"][0];
    };
    EXPECT_EQ(example("6IF-B0G")["example_seats"].size(), 4U);
    EXPECT_FALSE(example("6IF-B0G")["example_seats_are_real"]);
    EXPECT_EQ(example("6IF-B0G", {{"no_of_seats", "2"}})["example_seats"].size(), 2U);
    EXPECT_TRUE(example("7AB-4")["example_seats_are_real"]);
    EXPECT_FALSE(example("6KF-F").contains("example_seats")) << "nobody sits there";
    // 3 December is a Thursday.
    const auto thursday = example(performance_on("6IE", 5))["example_seats"];
    EXPECT_FALSE(thursday[0]["is_restricted_view"]);
    EXPECT_TRUE(thursday[1]["is_restricted_view"]);
    EXPECT_TRUE(thursday[2]["is_restricted_view"]);
}

TEST_F(DeskTest, AvailabilityOfWhatIsNotThere) {
    const auto saturday = get("availability.v1", {{"perf_id", performance_on("6IF", 1)}});
    EXPECT_EQ(saturday["availability"]["ticket_type"].size(), 0U);
    EXPECT_EQ(saturday["valid_quantities"].size(), 6U);
    EXPECT_EQ(
        get("availability.v1", {{"perf_id", "7AA-4"}, {"no_of_seats", "7"}})["availability"]["ticket_type"]
            .size(),
        0U);
    EXPECT_EQ(refused("availability.v1", {{"perf_id", "9ZZ-1"}}), "perf_id");
    EXPECT_EQ(refused("availability.v1", {}), "perf_id");
    for (const auto* bad : {"0", "-1", "two", "1.5"})
        EXPECT_EQ(refused("availability.v1", {{"perf_id", "7AA-4"}, {"no_of_seats", bad}}), "no_of_seats")
            << bad;
}

TEST_F(DeskTest, OffersAndCommission) {
    const auto floor =
        get("availability.v1",
            {{"perf_id", performance_on("6L9", 0)},
             {"add_discounts", "True"},
             {"req_predicted_commission", "True"}})["availability"]["ticket_type"][0]["price_band"][0];
    EXPECT_TRUE(floor["is_offer"]);
    EXPECT_EQ(floor["non_offer_sale_seatprice"], 59);
    EXPECT_EQ(floor["absolute_saving"], 19);
    EXPECT_EQ(floor["possible_discounts"]["discount"].size(), 2U);
    EXPECT_EQ(floor["predicted_user_commission"],
              json::parse(R"({"amount_excluding_vat":5,"amount_including_vat":6,
        "commission_currency_code":"usd"})"));
    EXPECT_FALSE(
        get("availability.v1", {{"perf_id", "7AA-4"}})["availability"]["ticket_type"][0]["price_band"][0]
            .contains("predicted_user_commission"));
}

TEST_F(DeskTest, DiscountsOfABand) {
    const auto discounts = [&](const std::string& perf, const char* type, const char* band) {
        std::string codes;
        const auto answer = get("discounts.v1", {{"perf_id", perf},
                                                 {"ticket_type_code", type},
                                                 {"price_band_code", band},
                                                 {"req_predicted_commission", "False"}});
        for (const auto& each : answer["discounts"]["discount"])
            codes += (codes.empty() ? "" : " ") + each["discount_code"].get<std::string>();
        return codes;
    };
    EXPECT_EQ(discounts("6IF-B0G", "CIRCLE", "A/pool"), "ADULT CHILD STUDENT OAP");
    EXPECT_EQ(discounts("6IF-B0G", "CIRCLE", "Z/pool"), "");
    EXPECT_EQ(refused("discounts.v1",
                      {{"perf_id", "6IF-B0G"}, {"ticket_type_code", "CIRCLE"}, {"price_band_code", "A"}}),
              "");
    EXPECT_EQ(refused("discounts.v1", {{"perf_id", "6IF-B0G"}, {"ticket_type_code", "CIRCLE"}}),
              "price_band_code");
    const auto child = get("discounts.v1", {{"perf_id", "6IF-B0G"},
                                            {"ticket_type_code", "CIRCLE"},
                                            {"price_band_code", "A/pool"}})["discounts"]["discount"][1];
    EXPECT_EQ(child["discount_semantic_type"], "child");
    EXPECT_EQ(child["discount_maximum_eligible_age"], 15);
    EXPECT_EQ(child["sale_seatprice"], 18);
}

TEST_F(DeskTest, SendMethods) {
    const auto methods = get("send_methods.v1", {{"perf_id", "6IF-B0G"}});
    EXPECT_EQ(methods["source_code"], "ext_test0");
    ASSERT_EQ(methods["send_methods"]["send_method"].size(), 2U);
    EXPECT_EQ(methods["send_methods"]["send_method"][1],
              json::parse(R"json({"permitted_countries":{"country":[
        {"country_code":"ie","country_desc":"Ireland"},{"country_code":"uk","country_desc":"United Kingdom"}]},
        "send_code":"POST","send_cost":3.5,"send_desc":"Post (UK & Ireland only)","send_type":"post"})json"));
    EXPECT_EQ(
        get("send_methods.v1", {{"perf_id", performance_on("9XW", 1)}})["send_methods"]["send_method"].size(),
        0U)
        << "no sends";
    EXPECT_EQ(get("send_methods.v1", {{"perf_id", performance_on("9XW", 20)}})["send_methods"]["send_method"]
                  .size(),
              1U);
}

// ---- trolleys -----------------------------------------------------------------------------------------
TEST_F(DeskTest, TrolleyOfTheGuide) {
    auto answer = get("trolley.v1", {{"perf_id", "6IF-B0G"},
                                     {"ticket_type_code", "CIRCLE"},
                                     {"price_band_code", "A/pool"},
                                     {"no_of_seats", "2"}});
    answer = get("trolley.v1", {{"perf_id", "7AB-4"},
                                {"ticket_type_code", "STALLS"},
                                {"price_band_code", "A/pool"},
                                {"no_of_seats", "2"},
                                {"trolley_token", answer["trolley_token"].get<std::string>()}});
    const auto& bundles = answer["trolley_token_contents"]["bundle"];
    ASSERT_EQ(bundles.size(), 2U);
    EXPECT_EQ(bundles[0]["bundle_total_cost"], 79.5) << "2 x 39, and 1.50 for collecting";
    EXPECT_EQ(bundles[1]["order"][0]["item_number"], 2);
    EXPECT_EQ(answer["trolley_order_count"], 2);
    EXPECT_EQ(answer["discarded_orders"].size(), 0U);
    EXPECT_FALSE(answer["input_contained_unavailable_order"]);
    EXPECT_TRUE(get("trolley.v1", {{"perf_id", "9ZZ-1"},
                                   {"ticket_type_code", "X"},
                                   {"price_band_code", "X/pool"},
                                   {"no_of_seats", "2"}})["input_contained_unavailable_order"]);
    EXPECT_EQ(refused("trolley.v1", {{"trolley_token", "forged"}}), "trolley_token");
}

TEST_F(DeskTest, TwoCurrenciesAreBothDescribed) {
    auto answer = get("trolley.v1", {{"perf_id", "7AB-4"},
                                     {"ticket_type_code", "STALLS"},
                                     {"price_band_code", "A/pool"},
                                     {"no_of_seats", "1"}});
    answer = get("trolley.v1", {{"perf_id", performance_on("DBZ", 0)},
                                {"ticket_type_code", "DINNER"},
                                {"price_band_code", "A/pool"},
                                {"no_of_seats", "1"},
                                {"trolley_token", answer["trolley_token"].get<std::string>()}});
    EXPECT_EQ(answer["currency_details"]["eur"]["currency_pre_symbol"], "€");
    EXPECT_TRUE(answer["currency_details"].contains("gbp"));
    EXPECT_EQ(answer["trolley_token_contents"]["bundle"][1]["currency_code"], "eur");
}

TEST_F(DeskTest, UpsellsAndAddOnsOfATrolley) {
    const Fields cat{{"perf_id", "7AB-4"},
                     {"ticket_type_code", "STALLS"},
                     {"price_band_code", "A/pool"},
                     {"no_of_seats", "2"}};
    const auto ids = [&](std::string_view endpoint, const Fields& fields) {
        std::string text;
        const auto answer = get(endpoint, fields);
        for (const auto& event : answer["results"]["event"])
            text += (text.empty() ? "" : " ") + event["event_id"].get<std::string>();
        return text;
    };
    EXPECT_EQ(ids("upsells.v1", cat), "7AA");
    EXPECT_EQ(ids("add_ons.v1", cat), "7AC");
    const auto token = get("trolley.v1", cat)["trolley_token"].get<std::string>();
    EXPECT_EQ(ids("add_ons.v1", {{"trolley_token", token}}), "7AC");
    const auto both = get("trolley.v1", {{"perf_id", "7AA-4"},
                                         {"ticket_type_code", "STALLS"},
                                         {"price_band_code", "A/pool"},
                                         {"no_of_seats", "2"},
                                         {"trolley_token", token}})["trolley_token"]
                          .get<std::string>();
    EXPECT_EQ(ids("upsells.v1", {{"trolley_token", both}}), "") << "both are there already";
    EXPECT_EQ(get("upsells.v1", cat)["results"]["paging_status"]["total_unpaged_results"], 1);
    EXPECT_EQ(refused("upsells.v1", {}), "perf_id");
}

/// Whatever is asked, the answer is JSON, or an error that names what is wrong with one of its parameters.
TEST_F(DeskTest, OddParametersAreAnsweredOrNamed) {
    const auto token = get("trolley.v1", {{"perf_id", "7AB-4"},
                                          {"ticket_type_code", "STALLS"},
                                          {"price_band_code", "A/pool"},
                                          {"no_of_seats", "2"}})["trolley_token"]
                           .get<std::string>();
    const std::vector<std::string> names{"event_id",
                                         "event_id_list",
                                         "perf_id",
                                         "perf_id_list",
                                         "keywords",
                                         "date_range",
                                         "country_code",
                                         "city_code",
                                         "circle",
                                         "sort_order",
                                         "page_no",
                                         "page_len",
                                         "no_of_seats",
                                         "ticket_type_code",
                                         "price_band_code",
                                         "seat0",
                                         "seat1",
                                         "disc0",
                                         "disc1",
                                         "trolley_token",
                                         "remove_items_list",
                                         "departure_date",
                                         "duration",
                                         "ext_test0_send_code",
                                         "req_cost_range",
                                         "req_avail_details",
                                         "add_seat_blocks",
                                         "include_dead"};
    const std::vector<std::string> values{"",
                                          "0",
                                          "1",
                                          "2",
                                          "-1",
                                          "50",
                                          "99999999999999999999",
                                          "True",
                                          "False",
                                          "6IF",
                                          "7AB",
                                          "7AB-4",
                                          "7AA-4",
                                          "6KS-E3L",
                                          "I3T-1",
                                          "6IF-B0G",
                                          "6IF,7AB",
                                          ",,",
                                          "STALLS",
                                          "CIRCLE",
                                          "A/pool",
                                          "A/alloc",
                                          "/pool",
                                          "A",
                                          "D7",
                                          "H10",
                                          "A1",
                                          "CHILD",
                                          "20261201",
                                          "20261130:20261201",
                                          ":",
                                          "1:2:3",
                                          "park",
                                          "デーパス",
                                          "alphabetic",
                                          "POST",
                                          token,
                                          token.substr(1),
                                          std::string(300, 'x'),
                                          std::string("\x01\x7f", 2),
                                          "6IF-",
                                          "-",
                                          "I3T-1,9XW-1"};
    std::mt19937 random(20261127);  // NOLINT: the same on every run
    const auto pick = [&](const std::vector<std::string>& list) { return list[random() % list.size()]; };
    int answered = 0;
    for (int round = 0; round < 20'000; ++round) {
        Fields fields;
        for (auto count = random() % 7; count > 0; --count) fields.emplace_back(pick(names), pick(values));
        // The first of a name counts: an odd one in front of what is in order.
        if (random() % 2 == 0)
            for (const auto* each :
                 {"event_id=6IF", "event_id_list=6IF", "perf_id=7AB-4", "perf_id_list=7AB-4",
                  "ticket_type_code=STALLS", "price_band_code=A/pool", "no_of_seats=2"})
                fields.push_back(encoding::parse_form(each, "form")->front());
        const auto endpoints = desk_->endpoints();
        const auto answer = desk_->answer(endpoints[random() % endpoints.size()].name, caller_, fields);
        if (answer) {
            ++answered;
            ASSERT_FALSE(json::parse(*answer, nullptr, false).is_discarded()) << *answer;
            continue;
        }
        ASSERT_EQ(answer.error().kind, ErrorKind::bad_request);
        const auto& field = answer.error().field;
        ASSERT_TRUE(field.empty() || std::find(names.begin(), names.end(), field) != names.end()) << field;
        ASSERT_FALSE(answer.error().message.empty());
    }
    EXPECT_GT(answered, 3000);
}

TEST_F(DeskTest, EveryEndpointOnlyLooks) {
    EXPECT_EQ(desk_->endpoints().size(), 11U);
    for (const auto& endpoint : desk_->endpoints()) EXPECT_EQ(endpoint.method, "GET") << endpoint.name;
}

}  // namespace
}  // namespace kassi::sandbox::box_office
