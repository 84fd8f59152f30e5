#include "sandbox/shop/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sandbox/shop/story.hpp"

namespace kassi::sandbox::shop {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view nasty = R"(<script>"'&</script>)";
constexpr std::string_view nasty_escaped = "&lt;script&gt;";

core::Transaction nasty_transaction() {
    core::Transaction transaction;
    transaction.id = *TransactionId::parse("0191e0a2-0000-7000-8000-000000000001", "id");
    transaction.reference = core::reference_of(transaction.id);
    transaction.caller = nasty;
    const auto gbp = *Currency::parse("gbp", "currency");
    transaction.bundles = {{std::string(nasty), std::string(nasty), {1250, gbp}, {{1, {1250, gbp}, true}}}};
    core::Leg leg;
    leg.no = 1;
    leg.sources = {std::string(nasty)};
    leg.merchant = nasty;
    leg.flow = "redirect";
    leg.amount = {1250, gbp};
    leg.refused = core::Refusal{.code = "declined", .text = std::string(nasty)};
    transaction.legs = {leg};
    return transaction;
}

TEST(Pages, NoTemplateLeavesAValueUnescaped) {
    for (const auto& file : std::filesystem::directory_iterator(KASSI_SOURCE_DIR "/src/sandbox/shop/pages")) {
        const auto text = page_file(file.path().filename().string());
        EXPECT_FALSE(text.empty()) << file.path();
        EXPECT_EQ(text.find("{{{"), text.npos) << file.path();
        EXPECT_EQ(text.find("{{&"), text.npos) << file.path();
        // What the Content-Security-Policy forbids does not stand in them.
        EXPECT_EQ(text.find(" style="), text.npos) << file.path();
        EXPECT_EQ(text.find("<script"), text.npos) << file.path();
    }
}

TEST(Pages, AnUnknownPageIsADefect) {
    EXPECT_THROW((void)render("nothing", nlohmann::json::object()), std::logic_error);
}

TEST(Pages, EveryPageShowsTextAsText) {
    const auto view =
        engine::View{.transaction = nasty_transaction(), .callout = {}, .callout_leg = 0, .replayed = false};
    core::Explanation explanation;
    explanation.summary = nasty;
    explanation.because = {std::string(nasty)};
    explanation.waits_for = {std::string(nasty)};
    explanation.next = nasty;
    explanation.needs_person = true;
    explanation.person_should = nasty;
    const auto story = story_of({.view = view,
                                 .explanation = explanation,
                                 .journal = {},
                                 .house = {},
                                 .other_ways = {std::string(nasty)},
                                 .now = {},
                                 .public_url = "http://127.0.0.1:8080",
                                 .data = std::string(nasty)});
    const auto page = render("story", story);
    EXPECT_THAT(page, HasSubstr(std::string(nasty_escaped)));
    EXPECT_THAT(page, Not(HasSubstr("<script>")));
    const auto list =
        render("transactions", {{"has_any", true}, {"transactions", {line_of(view.transaction)}}});
    EXPECT_THAT(list, HasSubstr(std::string(nasty_escaped)));
    EXPECT_THAT(list, Not(HasSubstr("<script>")));
    const auto say = render("say", {{"heading", nasty}, {"text", nasty}, {"link", nasty}, {"title", nasty}});
    EXPECT_THAT(say, Not(HasSubstr("<script>")));
}

TEST(Story, BothLedgersBesideEachOther) {
    auto transaction = nasty_transaction();
    transaction.legs[0].refused.reset();
    const auto gbp = [](std::int64_t minor) { return Money{minor, *Currency::parse("GBP", "currency")}; };
    const auto view =
        engine::View{.transaction = transaction, .callout = {}, .callout_leg = 0, .replayed = false};
    const core::Explanation explanation;
    const auto told = [&](const std::vector<Movement>& house) {
        return story_of({.view = view,
                         .explanation = explanation,
                         .journal = {},
                         .house = house,
                         .other_ways = {},
                         .now = {},
                         .public_url = "",
                         .data = ""});
    };
    EXPECT_TRUE(told({})["agree"].get<bool>());
    const auto reference = references_of(transaction).at(0);
    EXPECT_EQ(reference, "0191e0a2-0000-7000-8000-000000000001-1");
    // The house took money that we know nothing of.
    const auto story = told({{"rs_1", reference, "taken", gbp(1250)}});
    EXPECT_FALSE(story["agree"].get<bool>());
    EXPECT_TRUE(story["differ"].get<bool>());
    EXPECT_EQ(story["books"][0]["theirs"][0], "taken £12.50");
    // Somebody else's money is not ours.
    EXPECT_TRUE(told({{"rs_1", reference + "1", "taken", gbp(1250)}})["agree"].get<bool>());
    // What was held and then taken is taken.
    const auto captured =
        told({{"tr_1", reference, "held", gbp(1250)}, {"tr_1", reference, "taken", gbp(1250)}});
    EXPECT_EQ(captured["books"][0]["theirs"], nlohmann::json::array({"taken £12.50"}));
    const auto held =
        told({{"tr_1", reference, "held", gbp(1250)}, {"tr_1", reference, "hold_gone", gbp(1000)}});
    EXPECT_EQ(held["books"][0]["theirs"], nlohmann::json::array({"reserved £2.50"}));
}

TEST(Story, StatusInAFewWords) {
    core::Transaction transaction;
    transaction.phase = core::Phase::purchased;
    EXPECT_EQ(status_of(transaction).text, "Paid");
    EXPECT_EQ(status_of(transaction).mood, "good");
    transaction = nasty_transaction();
    transaction.phase = core::Phase::authorising;
    transaction.legs[0].doing = core::Doing::away;
    EXPECT_EQ(status_of(transaction).text, "At the payment page");
    transaction.legs[0].doing = core::Doing::rest;
    transaction.legs[0].goal = core::Goal::give_back;
    transaction.policy.on_decline = core::OnDecline::again;
    EXPECT_TRUE(waits_for_another_try(transaction));
    EXPECT_EQ(status_of(transaction).text, "Another try?");
    transaction.phase = core::Phase::failed;
    EXPECT_EQ(status_of(transaction).text, "Not paid");
    EXPECT_EQ(status_of(transaction).mood, "bad");
    transaction.legs[0].doing = core::Doing::doubt;
    EXPECT_EQ(status_of(transaction).text, "Not paid, not settled");
}

}  // namespace
}  // namespace kassi::sandbox::shop
