#include "sandbox/box_office/search.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sandbox/box_office/costs.hpp"

namespace kassi::sandbox::box_office {
namespace {

const auto now = *parse_iso8601("2026-11-27T21:30:00Z", "at");

std::string found(const Fields& fields) {
    const auto query = read_query(fields);
    if (!query) return query.error().field + " " + query.error().message;
    std::string ids;
    for (const auto* event : search(demo_catalogue(), *query, now))
        ids += (ids.empty() ? "" : " ") + event->id;
    return ids;
}
std::string refused(const Fields& fields) {
    const auto query = read_query(fields);
    return query ? "read" : query.error().field;
}

TEST(Search, GuidesExamples) {
    EXPECT_EQ(found({{"keywords", "matthew,bourne"}}), "6IF 6IE");
    EXPECT_EQ(found({{"country_code", "jp"}}), "AG8");
    EXPECT_EQ(found({{"city_code", "paris-fr"}}), "DBZ GVA");
    EXPECT_EQ(found({{"circle", "50.62:3.05:20"}}), "6KS 6KT");
    EXPECT_EQ(found({{"city_code", "london-uk"}}), "I3S I3T I3U 6IF 6IE I3V 7AB 7AA 6KF");
    EXPECT_EQ(found({{"keywords", "park"}}), "6KS AG8 6KT I3T 9XW 6KV 9XY");
    EXPECT_EQ(found({{"keywords", "park"}, {"city_code", "london-uk"}}), "I3T");
}

TEST(Search, KeywordsInEveryWriting) {
    for (const auto* words :
         {"nutcracker, sadlers", "NUTCRACKER SADLER'S", "  sadler’s,,nutcracker ", "ｎｕｔｃｒａｃｋｅｒ"})
        EXPECT_EQ(found({{"keywords", words}}), "6IF") << words;
    EXPECT_EQ(found({{"keywords", "デーパス"}}), "AG8");
    EXPECT_EQ(found({{"keywords", "パーク"}}), "AG8") << "its venue";
    EXPECT_EQ(found({{"keywords", "st ermin’s"}}), "I3V");
    EXPECT_EQ(found({{"keywords", "nutcracker swan"}}), "") << "all must occur";
    EXPECT_EQ(found({{"keywords", ""}}), found({}));
    EXPECT_EQ(found({{"keywords", " , "}}), found({}));
    EXPECT_EQ(refused({{"keywords", std::string(keywords_bytes_max, 'a')}}), "read");
    EXPECT_EQ(refused({{"keywords", std::string(keywords_bytes_max + 1, 'a')}}), "keywords");
    std::string many = "a";
    for (std::size_t i = 1; i < keywords_max; ++i) many += ",a";
    EXPECT_EQ(refused({{"keywords", many}}), "read");
    EXPECT_EQ(refused({{"keywords", many + ",a"}}), "keywords");
}

TEST(Search, PlacesOnEarth) {
    EXPECT_EQ(found({{"circle", "35.5000:139.300:100"}}), "AG8");
    EXPECT_EQ(found({{"circle", "35.5000:139.300:30"}}), "");
    EXPECT_EQ(found({{"circle", "48.88412:2.33226:0"}}), "DBZ GVA") << "the very place";
    EXPECT_EQ(found({{"circle", "0:0:20100"}}), found({})) << "all the earth";
    EXPECT_EQ(found({{"circle", ""}}), found({}));
    // Across the date line: 10 km east of it is near to 10 km west of it.
    Event there;
    there.latitude = 0;
    there.longitude = -179.95;
    EXPECT_TRUE((Circle{0, 179.95, 12}.contains(there)));
    EXPECT_FALSE((Circle{0, 179.95, 11}.contains(there)));
    for (const auto* bad : {"1:2", "1:2:3:4", "a:b:c", "91:0:1", "0:181:1", "0:0:-1", "0:0:20101", "nan:0:1",
                            "0:inf:1", "1,5:2:3", " 1:2:3"})
        EXPECT_EQ(refused({{"circle", bad}}), "circle") << bad;
}

TEST(Search, Dates) {
    const auto monday = found({{"date_range", "20261130:20261130"}});
    EXPECT_EQ(monday.find("6KS"), std::string::npos) << "not on Mondays";
    EXPECT_NE(monday.find("6IF"), std::string::npos);
    EXPECT_EQ(found({{"date_range", ":20200101"}}), "GVA 6KF") << "what has no days is always there";
    EXPECT_EQ(found({{"date_range", ""}}), found({}));
    EXPECT_EQ(refused({{"date_range", "2026"}}), "date_range");
    EXPECT_EQ(refused({{"date_range", "20261202:20261201"}}), "date_range");
}

TEST(Search, DeadEventsAndAddOns) {
    EXPECT_EQ(found({}).find("5LM"), std::string::npos);
    EXPECT_NE(found({{"include_dead", "True"}}).find("5LM"), std::string::npos);
    EXPECT_NE(found({{"add_dead_events", ""}}).find("5LM"), std::string::npos);
    EXPECT_EQ(found({{"include_dead", "True"}}).find("7AC"), std::string::npos);
    EXPECT_EQ(refused({{"include_dead", "perhaps"}}), "include_dead");
    EXPECT_EQ(found({{"country_code", "JP"}}), "AG8");
    EXPECT_EQ(found({{"country_code", "xx"}}), "");
}

TEST(Search, Orders) {
    const auto starts = [](const char* order, const char* ids) {
        const auto all = found({{"sort_order", order}});
        EXPECT_EQ(all.substr(0, std::string(ids).size()), ids) << order;
    };
    starts("alphabetic", "6KS AG8 6KT I3S I3T 6KU 9XW");
    starts("most_popular", "6IF 7AB 7AA DBZ AG8");
    starts("critic_rating", "6IF 7AB DP9 6IE DBZ");
    starts("recent", "DPB DP9 GVA DBZ AG8");
    starts("last_sale", "6IF AG8 7AB 7AA DP9");
    starts("cost_ascending", "6IF GVA 6KV");
    starts("cost_descending", "AG8 I3S 9XW DP9");
    EXPECT_EQ(found({{"sort_order", ""}}), found({{"sort_order", "alphabetic"}}));
    EXPECT_EQ(refused({{"sort_order", "random"}}), "sort_order");
    // What is equal otherwise is in alphabetic order: none of these has a critic.
    const auto rated = found({{"sort_order", "critic_rating"}, {"keywords", "park"}});
    EXPECT_EQ(rated, "6KS AG8 6KT I3T 9XW 6KV 9XY");
}

TEST(Search, PagesOfAList) {
    const auto status = [](std::int64_t number, std::int64_t length, std::size_t total) {
        return paging({number, length}, total);
    };
    EXPECT_EQ(status(0, 50, 360).remaining(), 310);
    EXPECT_EQ(status(1, 50, 360).pages_remaining(), 6);
    EXPECT_EQ(status(2, 20, 360).remaining(), 300);
    EXPECT_EQ(status(2, 20, 360).pages_remaining(), 15);
    EXPECT_EQ(status(0, 50, 50).pages_remaining(), 0);
    EXPECT_EQ(status(0, 49, 50).pages_remaining(), 1);
    EXPECT_EQ(status(0, 50, 0).remaining(), 0);
    const std::vector<int> seven{1, 2, 3, 4, 5, 6, 7};
    EXPECT_EQ(on_page(seven, status(2, 3, 7)), (std::vector<int>{7}));
    EXPECT_EQ(on_page(seven, status(3, 3, 7)), std::vector<int>{}) << "past the end";
    EXPECT_EQ(on_page(seven, status(page_number_max, page_length_max, 7)), std::vector<int>{});
}

TEST(Search, PageParameters) {
    const auto page = [](const Fields& fields) {
        const auto read = read_page(fields);
        return read ? std::to_string(read->number) + "/" + std::to_string(read->length) : read.error().field;
    };
    EXPECT_EQ(page({}), "0/50");
    EXPECT_EQ(page({{"page_no", "2"}, {"page_len", "3"}}), "2/3");
    EXPECT_EQ(page({{"page_number", "2"}, {"page_length", "3"}}), "2/3");
    EXPECT_EQ(page({{"page_no", "1000000"}, {"page_len", "500"}}), "1000000/500");
    EXPECT_EQ(page({{"page_no", "1000001"}}), "page_no");
    EXPECT_EQ(page({{"page_len", "501"}}), "page_len");
    EXPECT_EQ(page({{"page_length", "0"}}), "page_length");
    for (const auto* bad : {"-1", "1.5", "one", " 1", "99999999999999999999"})
        EXPECT_EQ(page({{"page_no", bad}}), "page_no") << bad;
}

TEST(Costs, RangeIsOfUndiscountedTickets) {
    const auto range = cost_range(default_tickets(*demo_catalogue().event("6IF")));
    ASSERT_TRUE(range);
    EXPECT_EQ(range->seatprice_min, 1800);
    EXPECT_EQ(range->seatprice_max, 4700);
    EXPECT_EQ(range->surcharge_min, 300);
    EXPECT_EQ(range->surcharge_max, 475);
    EXPECT_EQ(range->best_value, nullptr);
    EXPECT_FALSE(cost_range({}));
}

TEST(Costs, OffersOfEachKind) {
    const Discount none{.code = "N", .seatprice = 100, .full_seatprice = 100};
    const Discount half{.code = "H", .seatprice = 50, .full_seatprice = 100};
    const Discount large{.code = "L", .seatprice = 900, .full_seatprice = 1000};
    const auto range = cost_range({&none, &half, &large});
    ASSERT_TRUE(range);
    EXPECT_EQ(range->best_value->code, "H");
    EXPECT_EQ(range->max_saving->code, "L");
    EXPECT_EQ(range->min_cost->code, "H");
    EXPECT_EQ(range->top_price->code, "L");
    EXPECT_EQ(percentage_saving(half), 50);
    EXPECT_EQ(percentage_saving(Discount{}), 0);
    const auto femme = cost_range(default_tickets(*demo_catalogue().event("6L9")));
    ASSERT_NE(femme->best_value, nullptr);
    EXPECT_EQ(femme->best_value->saving(), 1900);
}

}  // namespace
}  // namespace kassi::sandbox::box_office
