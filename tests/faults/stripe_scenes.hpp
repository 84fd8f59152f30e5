#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "stripe_town.hpp"

/// A payment up to the moment before Kassi asks Stripe for one certain thing, what makes it ask, and how that
/// ends when nothing is lost.
namespace kassi::faults {

enum class Scene { create, look_up, list, capture, void_hold, close, refund };
inline constexpr Scene scenes[] = {Scene::create,    Scene::look_up, Scene::list,  Scene::capture,
                                   Scene::void_hold, Scene::close,   Scene::refund};

inline std::string name_of(Scene scene) {
    switch (scene) {
        case Scene::create:
            return "create";
        case Scene::look_up:
            return "look_up";
        case Scene::list:
            return "list";
        case Scene::capture:
            return "capture";
        case Scene::void_hold:
            return "void";
        case Scene::close:
            return "close";
        case Scene::refund:
            return "refund";
    }
    return "";
}

inline Step step_of(Scene scene) {
    switch (scene) {
        case Scene::create:
            return Step::create;
        case Scene::look_up:
            return Step::look_up;
        case Scene::list:
            return Step::list;
        case Scene::capture:
            return Step::capture;
        case Scene::void_hold:
        case Scene::close:
            return Step::cancel;
        case Scene::refund:
            return Step::refund;
    }
    return Step::other;
}

/// The simulator's word for it.
inline std::string rule_step_of(Scene scene) {
    return word(step_of(scene));
}

inline constexpr const char* no_webhooks = R"({"on":"webhook","do":"lost","times":1000})";
/// A first answer of the create that tells nothing, so that only the list can say what became of it.
inline constexpr const char* create_tells_nothing =
    R"({"on":"create","do":"error_kept","should_retry":false})";

/// What the scene needs, the fault (a rule of the simulator without "on", or nullptr) and silence of the
/// webhooks.
inline std::string rules_for(Scene scene, const char* fault, bool webhooks) {
    std::string rules;
    const auto add = [&rules](const std::string& rule) { rules += (rules.empty() ? "" : ",") + rule; };
    if (scene == Scene::list) add(create_tells_nothing);
    if (fault != nullptr) add("{\"on\":\"" + rule_step_of(scene) + "\"," + fault + "}");
    if (!webhooks) add(no_webhooks);
    return rules;
}

inline constexpr std::int64_t refunded = 4'000;

class Payment {
  public:
    Payment(StripeTown& given_town, Scene given_scene) : town(given_town), scene(given_scene) {}

    /// To the moment before.
    void prepare() {
        const bool owner = scene == Scene::capture || scene == Scene::void_hold;
        id = town.hand_over(owner);
        path = "/transactions/" + id.text();
        switch (scene) {
            case Scene::create:
            case Scene::list:
                return;
            case Scene::capture:
            case Scene::void_hold:
                town.purchase(id);
                return reach(core::Phase::confirming);
            case Scene::look_up:
            case Scene::close: {
                town.purchase(id, "tok_threeDSecure2Required");
                ASSERT_TRUE(town.run_until(id, [](const Glance& seen) {
                    return core::leg_away(seen.transaction) != nullptr;
                })) << town.explain(id);
                callout = town.v1("GET", path).body.at("callout");
                if (scene == Scene::look_up) town.at_the_bank(callout, "complete");
                return;
            }
            case Scene::refund:
                town.purchase(id);
                return reach(core::Phase::purchased);
        }
    }

    struct Wish {
        std::string path;
        json body;
    };
    /// What makes Kassi ask.
    [[nodiscard]] Wish wish() const {
        switch (scene) {
            case Scene::create:
            case Scene::list:
                return {path + "/purchase", StripeTown::paying("tok_visa")};
            case Scene::look_up:
                return {"/callbacks/token-one",
                        {{"caller", "demo"}, {"fields", {{"redirect_status", "succeeded"}}}}};
            case Scene::capture:
                return {path + "/confirm", {{"confirmed", true}}};
            case Scene::void_hold:
                return {path + "/confirm", {{"confirmed", false}}};
            case Scene::close:
                return {path + "/release", json::object()};
            case Scene::refund:
                return {path + "/refunds",
                        {{"leg", 1}, {"amount", refunded}, {"by", "Anna"}, {"because", "rain"}}};
        }
        return {};
    }
    Answer trigger(const std::string& key = "") {
        const auto what = wish();
        return town.v1("POST", what.path, what.body, key);
    }
    void trigger_and_go() {
        const auto what = wish();
        const auto before = town.glance(id).transaction;
        town.v1_and_go("POST", what.path, what.body);
        // Time stands still until it has come. Notices of what went before change the transaction, too.
        ASSERT_TRUE(town.wait_until([&] { return has_come(before, town.glance(id).transaction); }));
    }
    /// A wish moves the transaction on, brings the customer back, or asks for a refund.
    static bool has_come(const core::Transaction& before, const core::Transaction& now) {
        const auto refunds = [](const core::Transaction& of) {
            return of.legs.empty() ? std::size_t{0} : of.legs.front().refunds.size();
        };
        const auto is_back = [](const core::Transaction& of) {
            return !of.legs.empty() && of.legs.front().callout && of.legs.front().callout->returned;
        };
        return now.phase != before.phase || refunds(now) != refunds(before) ||
               is_back(now) != is_back(before);
    }

    [[nodiscard]] core::Phase end() const {
        switch (scene) {
            case Scene::create:
            case Scene::look_up:
            case Scene::list:
            case Scene::capture:
            case Scene::refund:
                return core::Phase::purchased;
            case Scene::void_hold:
                return core::Phase::failed;
            case Scene::close:
                return core::Phase::failed;
        }
        return core::Phase::reserved;
    }
    [[nodiscard]] std::string ledger() const {
        switch (scene) {
            case Scene::create:
            case Scene::look_up:
            case Scene::list:
            case Scene::capture:
                return "held 11000, taken 11000";
            case Scene::void_hold:
                return "held 11000, hold_gone 11000";
            case Scene::close:
                return "";
            case Scene::refund:
                return "held 11000, taken 11000, given_back 4000";
        }
        return "";
    }
    /// The wish is fulfilled, or refused for good.
    static bool is_over(const Glance& seen) {
        return core::has_verdict(seen.transaction.phase) && core::settled(seen.transaction);
    }
    /// What the door said is not more than what Stripe has done.
    void expect_honest(const Answer& told) const {
        ASSERT_THAT(told.status, testing::AnyOf(200, 202)) << told.body;
        if (told.body.at("phase") == "purchased") {
            EXPECT_THAT(town.stripe_ledger(id), testing::HasSubstr("taken 11000"));
        } else if (scene != Scene::void_hold && scene != Scene::close) {
            EXPECT_TRUE(told.body.at("result").is_null()) << told.body;
        }
        if (told.body.at("settled") == true && scene != Scene::refund) {
            EXPECT_EQ(town.stripe_ledger(id), ledger());
        }
        for (const auto& leg : told.body.at("legs"))
            for (const auto& refund : leg.at("refunds"))
                if (refund.at("state") != "asked") {
                    EXPECT_THAT(town.stripe_ledger(id), testing::HasSubstr("given_back 4000"));
                }
    }
    /// Nothing of it is known yet: "attempting", not settled.
    void expect_attempting(const json& said) const {
        EXPECT_EQ(said.at("settled"), false) << said;
        switch (scene) {
            case Scene::create:
            case Scene::look_up:
            case Scene::list:
                EXPECT_EQ(said.at("phase"), "authorising") << said;
                EXPECT_TRUE(said.at("result").is_null()) << said;
                break;
            case Scene::capture:
                EXPECT_EQ(said.at("phase"), "capturing") << said;
                EXPECT_TRUE(said.at("result").is_null()) << said;
                break;
            case Scene::refund:
                EXPECT_EQ(said.at("legs").at(0).at("refunds").at(0).at("state"), "asked") << said;
                break;
            case Scene::void_hold:
            case Scene::close:
                EXPECT_EQ(said.at("phase"), "failed") << said;
                break;
        }
    }
    /// It ended as it should, once, and both ledgers say the same; now and when nothing is left that could
    /// come.
    void expect_done() {
        ASSERT_TRUE(town.run_until(id, is_over)) << town.explain(id);
        expect_as_it_should_be("at the end");
        town.let_time_pass(id);
        expect_as_it_should_be("when all was said");
        const auto told = town.v1("GET", path);
        EXPECT_EQ(told.status, 200);
        EXPECT_EQ(told.body.at("settled"), true);
        EXPECT_EQ(told.body.at("in_doubt"), false);
        EXPECT_EQ(told.body.at("needs_person"), false) << town.explain(id);
        EXPECT_EQ(town.verify(), "");
    }

    StripeTown& town;
    const Scene scene;
    TransactionId id;
    std::string path;
    json callout;

  private:
    void reach(core::Phase phase) const {
        ASSERT_TRUE(town.run_until(id, [phase](const Glance& seen) {
            return seen.transaction.phase == phase &&
                   core::find_leg(seen.transaction, 1)->doing == core::Doing::rest;
        })) << town.explain(id);
    }
    void expect_as_it_should_be(const std::string& when) const {
        const auto seen = town.glance(id);
        EXPECT_EQ(core::word(seen.transaction.phase), core::word(end())) << when;
        EXPECT_EQ(town.stripe_ledger(id), ledger()) << when;
        EXPECT_EQ(town.our_ledger(id), ledger()) << when;
        EXPECT_EQ(town.intents_of(id), 1) << when;
        if (scene == Scene::close) {
            EXPECT_EQ(town.status_of_intent(id), "canceled") << when;
        }
    }
};

}  // namespace kassi::faults
