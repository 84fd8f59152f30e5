#pragma once

#include <gtest/gtest.h>

#include "core/codec.hpp"
#include "tests/unit/core/scripted_flows.hpp"

/// Drives decide() as the engine does, without store and sockets; after every input the journal is replayed
/// and compared with the state, and the codec is asked for both.
namespace kassi::core::test {

using namespace std::chrono_literals;

struct Story {
    ScriptedFlows flows;
    Times times;
    Terms terms{flows, times, "https://pay.example"};
    Instant now = Instant{} + std::chrono::hours(24 * 365 * 56);
    Transaction t;
    Papers papers;
    std::vector<JournalRow> journal;
    std::vector<Effect> effects;    ///< of the last input
    std::vector<Event> events;      ///< of the last input
    std::vector<TokenLive> tokens;  ///< of the last input
    std::optional<TokenSpent> spent;
    std::vector<Spent> claims;  ///< of the last input
    int minted = 0;
    bool keyed = false, credit_exhausted = false;

    static Currency gbp() { return *Currency::parse("GBP", ""); }
    static Money pounds(std::int64_t minor) { return {minor, gbp()}; }

    std::optional<Error> hear(InputBody body, std::string tracking = {}) {
        const bool create = std::holds_alternative<HandOver>(body);
        Input input{.body = std::move(body),
                    .by = "test",
                    .tracking = std::move(tracking),
                    .fresh_return_token = "ret" + std::to_string(++minted),
                    .fresh_page_token = "page" + std::to_string(minted),
                    .keyed = keyed,
                    .credit_exhausted = credit_exhausted};
        const Transaction before = t;
        auto decision = decide(create ? nullptr : &t, papers, input, now, terms);
        effects.clear();
        events.clear();
        tokens.clear();
        spent.reset();
        claims.clear();
        if (!decision) return decision.error();
        if (!decision->events.empty()) {
            journal.push_back(row_of(input, *decision, now));
            t = decision->next;
        }
        papers = decision->papers;
        effects = decision->effects;
        events = decision->events;
        tokens = decision->tokens_live;
        spent = decision->token_spent;
        claims = decision->spent;
        check();
        return std::nullopt;
    }

    void check() const {
        Transaction replayed;
        for (const auto& row : journal) {
            const auto parsed = parse_row(row_json(row));
            ASSERT_TRUE(parsed) << parsed.error().message << row_json(row);
            apply_row(replayed, *parsed);
        }
        EXPECT_EQ(replayed, t) << state_json(replayed) << "\n" << state_json(t);
        const auto state = parse_state(state_json(t));
        ASSERT_TRUE(state);
        EXPECT_EQ(*state, t);
        if (t.phase == Phase::failed && settled(t))
            for (const Leg& each : t.legs) {
                EXPECT_TRUE(each.money == LegMoney::none || each.money == LegMoney::back);
            }
    }

    void hand_over(std::vector<std::pair<std::string, std::int64_t>> bundles, Policy policy = {},
                   Millis hold = 15min) {
        HandOver body;
        body.id.bytes[15] = 7;
        body.system = "box";
        body.caller = "demo";
        std::int64_t item = 0;
        for (auto& [source, minor] : bundles)
            body.bundles.push_back(
                {source, source + " tickets", pounds(minor), {{++item, pounds(minor), true}}});
        body.policy = policy;
        body.held_until = now + hold;
        ASSERT_FALSE(hear(body));
    }
    static Journey journey(std::string token = "T1") {
        Journey way;
        way.url_before = "https://box.example/back/";
        way.token = std::move(token);
        return way;
    }
    std::optional<Error> purchase(std::vector<std::pair<std::string, std::string>> ways,
                                  std::optional<Journey> way = journey()) {
        Purchase body;
        for (auto& [source, merchant] : ways) body.legs.push_back({{source}, merchant, merchant, {}});
        body.journey = std::move(way);
        return hear(body);
    }
    /// With what each is paid, "" where that is missing.
    std::optional<Error> purchase_with(std::vector<std::pair<std::string, std::string>> paid_with,
                                       std::optional<Journey> way = journey()) {
        Purchase body;
        for (auto& [source, token] : paid_with)
            body.legs.push_back(
                {{source}, "token", "token", {token.empty() ? "" : "token", std::move(token)}});
        body.journey = std::move(way);
        return hear(body);
    }
    /// The answer of the open call of a leg.
    std::optional<Error> answer(std::int64_t leg, std::string says) {
        HttpResponse response;
        response.body = std::move(says);
        return hear(Answer{leg, find_leg(t, leg)->calls, Answered{response}});
    }
    std::optional<Error> silence(std::int64_t leg, bool sent = true) {
        return hear(Answer{leg, find_leg(t, leg)->calls, Silence{sent, "time is over"}});
    }
    std::optional<Error> back(std::int64_t leg, Fields fields, std::string next = "T2") {
        const auto* state = find_leg(t, leg);
        return hear(Return{leg, state->callout ? state->callout->no : 1, std::move(fields), std::move(next),
                           state->callout && state->callout->returned});
    }
    /// The provider says by itself what became of a leg's money; minor 0: without an amount.
    std::optional<Error> notice(std::int64_t leg, LegMoney fact, std::int64_t minor,
                                Trust trust = Trust::proof) {
        return hear(Notice{.leg = leg,
                           .event_id = "event" + std::to_string(++minted),
                           .fact = fact,
                           .amount = minor > 0 ? std::optional(pounds(minor)) : std::nullopt,
                           .references = {},
                           .trust = trust,
                           .evidence = "said"});
    }
    /// Lets time pass to the next due instant (at most `limit`), and says so.
    void pass(Millis limit = 100h) {
        const auto due = due_at(t, terms);
        ASSERT_TRUE(due);
        now = std::min(std::max(now, *due), now + limit);
        ASSERT_FALSE(hear(Due{}));
    }
    [[nodiscard]] const Leg& leg(std::int64_t no) const { return *find_leg(t, no); }
    [[nodiscard]] std::string calls() const {
        std::string names;
        for (const auto& effect : effects)
            if (const auto* call = std::get_if<CallEffect>(&effect))
                names += (names.empty() ? "" : " ") + std::to_string(call->leg) + ":" + call->step;
        return names;
    }
    [[nodiscard]] std::string doing(std::int64_t no) const {
        const Leg& of = leg(no);
        std::string text = std::string(word(of.money)) + "/" + std::string(word(of.doing));
        if (of.doing != Doing::rest) text += "(" + std::string(word(of.verb)) + ")";
        return text + "/" + std::string(word(of.goal));
    }
    template <class E>
    [[nodiscard]] int count() const {
        int number = 0;
        for (const auto& row : journal)
            for (const auto& event : row.events) number += std::holds_alternative<E>(event) ? 1 : 0;
        return number;
    }
};

}  // namespace kassi::core::test
