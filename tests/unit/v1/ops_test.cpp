#include "api/ops/ops.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "house.hpp"

namespace kassi::doors {
namespace {

TEST(Ops, TellsThatItLivesAndWhetherItIsReady) {
    House house;
    EXPECT_EQ(house.browse("GET", "/ops/healthz").status, 200);
    EXPECT_EQ(house.browse("GET", "/ops/readyz").status, 200);
    house.not_ready = "the disk is full";
    const auto response = house.browse("GET", "/ops/readyz");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(json::parse(response.body)["reason"], "the disk is full");
    EXPECT_EQ(house.browse("GET", "/ops/healthz").status, 200);
    EXPECT_THAT(house.browse("GET", "/ops/metrics").body, testing::HasSubstr("\nkassi_ready 0\n"));
}

TEST(Ops, CountsForPrometheus) {
    House house;
    house.hand_over("demo");
    house.purchase_via_kassi(house.hand_over("demo-redirect"));
    const auto response = house.browse("GET", "/ops/metrics");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(response.body, testing::HasSubstr("\nkassi_transactions_total 2\n"));
    EXPECT_THAT(response.body, testing::HasSubstr("\nkassi_transactions_open 2\n"));
    EXPECT_THAT(response.body, testing::HasSubstr("\nkassi_provider_calls_total 1\n"));
    EXPECT_THAT(response.body, testing::HasSubstr("\nkassi_transactions_unknown_for_long 0\n"));
    EXPECT_THAT(response.body, testing::HasSubstr("\nkassi_unknown_oldest_seconds 0\n"));
    EXPECT_THAT(response.body, testing::HasSubstr("\nkassi_notices_unmatched 0\n"));
    EXPECT_THAT(response.body, testing::HasSubstr("\nkassi_forgotten_total 0\n"));
    // Every sample stands behind its two lines.
    EXPECT_THAT(response.body, testing::StartsWith("# HELP kassi_ready "));
    EXPECT_THAT(response.body, testing::HasSubstr("\n# TYPE kassi_commits_total counter\n"));
}

TEST(Ops, EachMetricStandsInTheReadme) {
    House house;
    std::ifstream file(KASSI_SOURCE_DIR "/src/api/ops/README.md");
    const std::string readme{std::istreambuf_iterator<char>(file), {}};
    const auto answer = api::ops::door(
        *house.engine, [] { return ""; }, [] { return api::ops::Figures{}; });
    std::string text;
    answer({"GET", "/metrics", {}, "", ""}, [&](HttpResponse response) { text = std::move(response.body); });
    std::istringstream lines(text);
    int metrics = 0;
    for (std::string mark, word, name, help, type; lines >> mark;) {
        ASSERT_TRUE(lines >> word >> name >> std::ws && std::getline(lines, help));
        ASSERT_TRUE(lines >> mark >> word >> name >> type) << help;
        ASSERT_TRUE(lines >> name >> word);
        EXPECT_NE(readme.find("| `" + name + "` | " + type + " | " + help + " |\n"), readme.npos) << name;
        ++metrics;
    }
    EXPECT_GT(metrics, 20);
    int rows = 0;
    for (auto at = readme.find("\n| `"); at != readme.npos; at = readme.find("\n| `", at + 1)) ++rows;
    EXPECT_EQ(rows, metrics) << "and no other";
}

TEST(Ops, KnowsNothingElse) {
    House house;
    EXPECT_EQ(house.browse("GET", "/ops/secrets").status, 404);
    const auto response = house.browse("POST", "/ops/healthz");
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(header(response, "Allow"), "GET");
}

}  // namespace
}  // namespace kassi::doors
