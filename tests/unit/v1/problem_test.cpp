#include "api/v1/problem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace kassi::api::v1 {
namespace {

using nlohmann::json;

TEST(Problem, HasEveryMember) {
    const auto response = problem(bad_request("bundles[0].amount", "must be an integer"), "request-7");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
    EXPECT_EQ(json::parse(response.body), json({{"type", "urn:kassi:problem:bad-request"},
                                                {"title", "The request is not valid"},
                                                {"status", 400},
                                                {"detail", "bundles[0].amount: must be an integer"},
                                                {"field", "bundles[0].amount"},
                                                {"request_id", "request-7"}}));
    EXPECT_EQ(json::parse(problem(Error{ErrorKind::not_found, "", "nothing"}, "r").body)["field"], nullptr);
}

TEST(Problem, GivesEveryKindItsOwnStatus) {
    const std::vector<std::pair<ErrorKind, int>> all{{ErrorKind::bad_request, 400},
                                                     {ErrorKind::unauthenticated, 401},
                                                     {ErrorKind::forbidden, 403},
                                                     {ErrorKind::not_found, 404},
                                                     {ErrorKind::method_not_allowed, 405},
                                                     {ErrorKind::conflict, 409},
                                                     {ErrorKind::gone, 410},
                                                     {ErrorKind::too_large, 413},
                                                     {ErrorKind::unsupported_media, 415},
                                                     {ErrorKind::unavailable, 503},
                                                     {ErrorKind::internal, 500}};
    std::set<std::string_view> types;
    for (const auto& [kind, status] : all) {
        EXPECT_EQ(problem(Error{kind, "", "x"}, "r").status, status);
        EXPECT_TRUE(types.insert(problem_kind(kind).type).second);
    }
}

TEST(Problem, TellsNothingOfTheInside) {
    const auto response =
        problem(Error{ErrorKind::internal, "papers.parcel", "SQLITE_CORRUPT in /var/lib"}, "r");
    EXPECT_THAT(response.body, testing::Not(testing::HasSubstr("SQLITE")));
}

TEST(Problem, SaysHowToGoOn) {
    EXPECT_THAT(
        std::string(problem(Error{ErrorKind::unauthenticated, "", "x"}, "r").header("WWW-Authenticate")),
        testing::StartsWith("Bearer"));
    EXPECT_EQ(problem(Error{ErrorKind::unavailable, "", "x"}, "r").header("Retry-After"), "1");
}

}  // namespace
}  // namespace kassi::api::v1
