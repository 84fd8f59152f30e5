#include "callbacks/pages.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "page_reader.hpp"

namespace kassi::callbacks {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view nonce = "bm9uY2Ugb2YgYSB0ZXN0IQ";

core::Callout callout_of(Fields parameters, std::string destination = "https://pay.example/page") {
    core::Callout callout;
    callout.type = "post";
    callout.destination = std::move(destination);
    callout.parameters = std::move(parameters);
    return callout;
}

/// Text that a parameter may be: what is hard for HTML, mixed with everything else that UTF-8 can say.
std::string any_text() {
    static const std::vector<std::string> pieces{"<",
                                                 ">",
                                                 "\"",
                                                 "'",
                                                 "&",
                                                 "&amp;",
                                                 "&#39;",
                                                 "=",
                                                 "\r",
                                                 "\n",
                                                 "\r\n",
                                                 "\t",
                                                 " ",
                                                 "+",
                                                 "%20",
                                                 "</form>",
                                                 "-->",
                                                 "<!--",
                                                 "</script>",
                                                 "é",
                                                 "\xe2\x80\xa8",
                                                 "\xf0\x9f\x8e\xad",
                                                 "x",
                                                 "submit"};
    std::string text;
    for (const auto& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces)))
        text += piece;
    return text;
}

RC_GTEST_PROP(FormPage, IsReadBackAsTheSameOrderedFields, ()) {
    Fields fields;
    const auto count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i) fields.emplace_back(any_text(), any_text());
    const auto response = form_page(callout_of(fields), {}, "https://pay.example", nonce);
    const auto form = form_of(response.body);
    RC_ASSERT(form.has_value());
    RC_ASSERT(form->fields == fields);
    RC_ASSERT(form->method == "post");
    RC_ASSERT(form->action == "https://pay.example/page");
}

RC_GTEST_PROP(Notice, ShowsTextAsText, ()) {
    Notice notice;
    notice.title = any_text();
    notice.text = any_text();
    notice.facts = {{any_text(), any_text()}};
    const auto response = notice_page(notice, std::nullopt, nonce);
    const auto between = [&](std::string_view before, std::string_view after) {
        const auto from = response.body.find(before) + before.size();
        return unescaped(
            std::string_view(response.body).substr(from, response.body.find(after, from) - from));
    };
    RC_ASSERT(between("<h1>", "</h1>") == notice.title);
    RC_ASSERT(between("<dt>", "</dt>") == notice.facts[0].first);
    RC_ASSERT(between("<dd>", "</dd>") == notice.facts[0].second);
}

RC_GTEST_PROP(GetAddress, IsReadBackAsTheSameOrderedFields, ()) {
    Fields fields;
    const auto count = *rc::gen::inRange(1, 12);
    for (int i = 0; i < count; ++i) fields.emplace_back("n" + any_text(), any_text());
    const auto address = get_address(callout_of(fields));
    RC_ASSERT(address.starts_with("https://pay.example/page?"));
    const auto query = std::string_view(address).substr(address.find('?') + 1);
    RC_ASSERT(*encoding::parse_form(query, "query") == fields);
    RC_ASSERT(parse_url(address, "address").has_value());
}

TEST(GetAddress, HasNoQueryWithoutParameters) {
    EXPECT_EQ(get_address(callout_of({})), "https://pay.example/page");
}

TEST(FormPage, SubmitsItselfUnderAStrictPolicy) {
    const auto response =
        form_page(callout_of({{"a", "1"}, {"submit", "2"}}), {}, "https://pay.example 'self'", nonce);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Content-Security-Policy"),
              "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action https://pay.example "
              "'self'; style-src 'nonce-" +
                  std::string(nonce) + "'; script-src 'nonce-" + std::string(nonce) + "'");
    EXPECT_EQ(response.header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
    EXPECT_EQ(response.header("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(attribute(response.body, "<script", "nonce"), nonce);
    EXPECT_EQ(attribute(response.body, "<style", "nonce"), nonce);
    // A field called "submit" must not stand in the way, and browsers without scripts have a button.
    EXPECT_THAT(response.body, HasSubstr("HTMLFormElement.prototype.submit.call("));
    EXPECT_THAT(response.body, HasSubstr("<button type=\"submit\">"));
    EXPECT_THAT(response.body, Not(HasSubstr(" onload=")));
    EXPECT_THAT(response.body, Not(HasSubstr("http://")));
}

TEST(NoticePage, RunsNothingAndLeadsNowhere) {
    const auto response = notice_page({}, std::nullopt, nonce);
    const auto policy = response.header("Content-Security-Policy");
    EXPECT_EQ(directive(policy, "form-action"), "'none'");
    EXPECT_EQ(directive(policy, "script-src"), "");
    EXPECT_THAT(response.body, Not(HasSubstr("<script")));
}

TEST(NoticePage, AsksAgain) {
    const Fields fields{{"b", "<1>"}, {"a", "2"}, {"b", "3"}};
    const auto by_post = notice_page({}, Again{"tok%3D", true, fields, "https:"}, nonce);
    const auto form = form_of(by_post.body);
    ASSERT_TRUE(form.has_value());
    EXPECT_EQ(form->method, "post");
    EXPECT_EQ(form->action, "tok%3D");
    EXPECT_EQ(form->fields, fields);
    EXPECT_EQ(directive(by_post.header("Content-Security-Policy"), "form-action"), "'self' https:");
    const auto by_get = notice_page({}, Again{"token?a=1&b=2", false, {}, ""}, nonce);
    EXPECT_EQ(attribute(by_get.body, "<a", "href"), "token?a=1&b=2");
    EXPECT_EQ(directive(by_get.header("Content-Security-Policy"), "form-action"), "'none'");
}

// ---- what customers are told ------------------------------------------------------------------------------

core::Transaction transaction_of(core::Phase phase) {
    const auto pounds = *Currency::parse("GBP", "");
    core::Transaction transaction;
    transaction.phase = phase;
    transaction.reference = "T000-0000-8RGW-3619";
    transaction.bundles = {{"a", "Lear", {1250, pounds}, {}}, {"b", "Hamlet", {5000, pounds}, {}}};
    transaction.held_until = Instant{Millis{1'768'000'600'000}};
    return transaction;
}

core::Leg leg_of(const std::string& source, core::LegMoney money) {
    core::Leg leg;
    leg.no = 1;
    leg.sources = {source};
    leg.amount = transaction_of(core::Phase::reserved).bundles[0].amount;
    leg.money = money;
    return leg;
}

std::string fact(const Notice& notice, const std::string& name) {
    for (const auto& [key, value] : notice.facts)
        if (key == name) return value;
    return "";
}

TEST(Result, IsSaidInPlainWords) {
    auto transaction = transaction_of(core::Phase::purchased);
    transaction.legs = {leg_of("a", core::LegMoney::taken), leg_of("b", core::LegMoney::taken)};
    auto notice = result_notice(transaction);
    EXPECT_EQ(notice.title, "Paid");
    EXPECT_EQ(notice.mood, Mood::good);
    EXPECT_EQ(fact(notice, "Amount"), "£62.50");
    EXPECT_EQ(fact(notice, "Booking reference"), "T000-0000-8RGW-3619");

    transaction.legs.pop_back();
    notice = result_notice(transaction);
    EXPECT_EQ(notice.title, "Paid in part");
    EXPECT_EQ(fact(notice, "Paid"), "£12.50");

    for (const auto phase : {core::Phase::failed, core::Phase::released}) {
        notice = result_notice(transaction_of(phase));
        EXPECT_EQ(notice.title, "Not paid");
        EXPECT_EQ(notice.mood, Mood::bad);
        EXPECT_EQ(fact(notice, "Amount"), "£62.50");
    }
    EXPECT_EQ(result_notice(transaction_of(core::Phase::cancelled)).title, "Cancelled");
    for (const auto phase : {core::Phase::authorising, core::Phase::confirming, core::Phase::capturing})
        EXPECT_EQ(result_notice(transaction_of(phase)).title, "Being worked on");
}

TEST(Result, InvitesAnotherTryWhereOneIsPossible) {
    auto transaction = transaction_of(core::Phase::authorising);
    transaction.policy.on_decline = core::OnDecline::again;
    transaction.legs = {leg_of("a", core::LegMoney::none)};
    EXPECT_EQ(result_notice(transaction).title, "Not paid yet");
    transaction.legs[0].doing = core::Doing::call;
    EXPECT_EQ(result_notice(transaction).title, "Being worked on");
}

TEST(Result, AddsUpByCurrency) {
    auto transaction = transaction_of(core::Phase::failed);
    transaction.bundles[1].amount = {700, *Currency::parse("JPY", "")};
    EXPECT_EQ(fact(result_notice(transaction), "Amount"), "£12.50 and ¥700");
}

TEST(CalloutNotice, ShowsAmountAndTime) {
    auto transaction = transaction_of(core::Phase::authorising);
    transaction.legs = {leg_of("a", core::LegMoney::none)};
    transaction.legs[0].doing = core::Doing::away;
    const auto notice = callout_notice(transaction, transaction.held_until - std::chrono::seconds(150));
    EXPECT_EQ(fact(notice, "To pay now"), "£12.50");
    EXPECT_THAT(fact(notice, "Held for you until"), HasSubstr(instant_for_people(transaction.held_until)));
    EXPECT_THAT(fact(notice, "Held for you until"), HasSubstr("2 min left"));
    EXPECT_THAT(fact(callout_notice(transaction, transaction.held_until), "Held for you until"),
                Not(HasSubstr("left")));
}

TEST(LandingAddress, CarriesTransactionAndStatusOnly) {
    const auto transaction = transaction_of(core::Phase::purchased);
    EXPECT_EQ(landing_address("https://shop.example/done", transaction),
              "https://shop.example/done?transaction=" + transaction.id.text() + "&status=purchased");
}

}  // namespace
}  // namespace kassi::callbacks
