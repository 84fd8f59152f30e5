#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "borgun_fixture.hpp"
#include "core/codec.hpp"
#include "core/decide.hpp"
#include "providers/flow.hpp"

/// Core and a flow of Borgun's talk with the sandbox's house, without an engine: one transaction of one
/// bundle.
namespace kassi::sandbox::test {

struct Talk {
    Borgun gate;
    const providers::Flow& flow;
    providers::Merchant merchant;
    std::unique_ptr<providers::Registry> registry;
    core::Times times;
    core::Transaction t;
    core::Papers papers;
    std::vector<core::JournalRow> journal;
    std::deque<core::CallEffect> calls;
    std::map<std::string, std::int64_t> references;  ///< to their legs
    std::map<std::string, int> asked;                ///< how often which step
    std::size_t notices_heard = 0;
    int minted = 0;

    Talk(const providers::Flow& given_flow, providers::Merchant given_merchant,
         const std::function<void(BorgunHouse::Merchant&)>& house)
        : gate(house), flow(given_flow), merchant(std::move(given_merchant)) {
        registry = *providers::Registry::make({merchant});
    }
    virtual ~Talk() = default;
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;

    virtual void hear_notice(const HttpRequest& request) = 0;
    /// After every step of rest().
    virtual void meanwhile() {}

    [[nodiscard]] core::Terms terms() const { return {*registry, times, "https://pay.example"}; }
    void faults(const std::string& rules) {
        const auto answer = gate.faults(rules);
        ASSERT_EQ(answer.status, 200) << answer.body;
    }
    std::optional<Error> hear(core::InputBody body) {
        const bool create = std::holds_alternative<core::HandOver>(body);
        const core::Input input{.body = std::move(body),
                                .by = "test",
                                .tracking = {},
                                .fresh_return_token = "ret" + std::to_string(++minted),
                                .fresh_page_token = "page" + std::to_string(minted)};
        auto decision = core::decide(create ? nullptr : &t, papers, input, gate.clock.at, terms());
        if (!decision) return decision.error();
        if (!decision->events.empty()) {
            journal.push_back(core::row_of(input, *decision, gate.clock.at));
            t = decision->next;
        }
        papers = decision->papers;
        for (const auto& reference : decision->references) references[reference.reference] = reference.leg;
        for (const auto& effect : decision->effects)
            if (const auto* call = std::get_if<core::CallEffect>(&effect)) calls.push_back(*call);
        return std::nullopt;
    }
    /// Everything that is asked now, and what the house tells of its own accord.
    void talk() {
        for (int i = 0; i < 200 && (!calls.empty() || notices_heard < gate.notices.size()); ++i) {
            if (calls.empty()) {
                hear_notice(gate.notices[notices_heard++]);
                continue;
            }
            const auto call = calls.front();
            calls.pop_front();
            ++asked[call.step];
            auto request = flow.dress(call.request, merchant);
            request.target = parse_url(request.target, "target")->target;
            const auto answer = gate.try_send(std::move(request));
            const core::Heard told =
                answer ? core::Heard(core::Answered{*answer}) : core::Heard(core::Silence{true, "timed out"});
            ASSERT_FALSE(hear(core::Answer{call.leg, call.call, told}));
        }
        ASSERT_TRUE(calls.empty()) << "they talk for ever";
    }
    void hand_over(std::string_view currency, std::int64_t minor,
                   const std::string& description = "two seats") {
        core::HandOver body;
        body.id.bytes[15] = 7;
        body.system = "box";
        body.caller = "demo";
        const Money amount{minor, *Currency::parse(currency, "currency")};
        body.bundles = {{"a", description, amount, {{1, amount, true}}}};
        body.held_until = gate.clock.at + std::chrono::minutes(15);
        ASSERT_FALSE(hear(body));
    }
    /// The customer comes back through Kassi.
    static core::Journey way_back() {
        core::Journey journey;
        journey.via = core::ReturnVia::kassi;
        journey.url_before = "https://pay.example/callback/";
        journey.landing_url = "https://shop.example/done";
        return journey;
    }
    [[nodiscard]] bool is_away() const { return !t.legs.empty() && t.legs[0].doing == core::Doing::away; }
    /// Lets time pass until all rests, at most `rounds` times.
    void rest(int rounds = 40) {
        for (int i = 0; i < rounds && !(core::has_verdict(t.phase) && core::settled(t)); ++i) {
            const auto due = core::due_at(t, terms());
            if (!due) return;
            gate.advance(std::max(Millis{0}, *due - gate.clock.at));
            ASSERT_FALSE(hear(core::Due{}));
            talk();
            meanwhile();
        }
    }
    void refund(std::int64_t minor) {
        ASSERT_FALSE(hear(core::RefundOf{1, {minor, t.legs[0].amount.currency}, "Anna", "cancelled show"}));
        talk();
    }
};

}  // namespace kassi::sandbox::test
