#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/transaction.hpp"
#include "sandbox/simulators/stripe_house.hpp"
#include "tests/simulation/stage.hpp"

/// Stripe's side of the simulated world: the real simulator with its faults, the customers' cards, their
/// bank's page, and the merchant's people at Stripe's dashboard.
namespace kassi::simulation {

class StripeStreet {
  public:
    /// Two accounts: "stripe" with webhooks, "deaf" without.
    StripeStreet(Stage& stage, std::uint64_t seed, sandbox::StripeHouse::SendNotice send);

    static constexpr const char* address = "http://stripe.test";
    static std::string secret_key(const std::string& merchant) { return "sk_test_" + merchant; }
    static std::string publishable_key(const std::string& merchant) { return "pk_test_" + merchant; }
    static std::string webhook_secret(const std::string& merchant) { return "whsec_" + merchant; }

    [[nodiscard]] Handler handler() const { return house_.handler(); }
    [[nodiscard]] std::size_t moves() const { return house_.ledger().size(); }
    static bool has(std::string_view merchant) { return merchant == "stripe" || merchant == "deaf"; }
    /// Other faults than those of before.
    void storm();
    void calm();
    /// Some webhooks of this world are lost for good: nobody gives back at the dashboard then, since nobody
    /// would hear of it.
    [[nodiscard]] bool loses_webhooks() const { return loses_webhooks_; }

    // ---- customers
    /// What a customer's browser makes of a card that he picks.
    std::string token(const std::string& merchant);
    /// As a caller brings it: a fresh token, a test token, one that was used before, or nothing that is one.
    core::Credential credential(const std::string& merchant);
    /// The bank's page of a callout: `home` gets where the browser is sent afterwards.
    void at_the_bank(const core::Callout& callout, const std::function<void(const std::string&)>& home);

    // ---- the merchant's people
    /// A full or partial refund of a payment that was taken.
    void refund_at_the_dashboard();

    // ---- the truth, in minor units of ISO 4217
    struct Truth {
        std::string merchant, intent;
        std::int64_t holds = 0, held = 0, hold_gone = 0;  ///< ever
        std::int64_t captured = 0;
        Instant held_at{};
        std::int64_t expired = 0;              ///< 1: let go by itself, when nobody had captured for a week
        std::int64_t back = 0, came_home = 0;  ///< given back, and of it what did not arrive
        [[nodiscard]] std::int64_t kept() const { return captured + came_home - back; }
        [[nodiscard]] std::int64_t still_held() const { return held - hold_gone - captured; }
    };
    /// Of a leg, by our reference.
    const Truth& truth(const std::string& reference);
    /// What it has of a leg's money, held or taken, in minor units.
    [[nodiscard]] std::int64_t has_of(const core::Transaction& transaction, const core::Leg& leg);
    void forget_tokens() { spent_.clear(); }
    /// After a commit of the leg's transaction.
    void check(const core::Transaction& transaction, const core::Leg& leg);
    /// What is good for one payment pays for one leg.
    void check_token(const TransactionId& id, const core::Leg& leg, const core::Credential& credential);
    /// True: a person has to look, and for a reason that no machine can settle.
    bool check_end(const core::Transaction& transaction, const core::Leg& leg);
    /// What a person who looks at the dashboard says of a leg that is stuck: once; nullopt: nothing to say.
    std::optional<core::LegMoney> person(const core::Transaction& transaction, const core::Leg& leg);
    /// What the payment is like now.
    struct Look {
        bool disputed = false;
        std::int64_t refunds_failed = 0, refunds_pending = 0;
    };
    Look look(const Truth& of) const;

  private:
    HttpResponse ask(const std::string& key, std::string method, std::string path, const Fields& form) const;
    std::string mint(const std::string& merchant, const std::string& card);
    const char* some_card(const std::string& merchant);

    Stage& stage_;
    SeededRandomness randomness_;
    bool loses_webhooks_ = false;
    sandbox::StripeHouse house_;
    std::map<std::string, std::vector<std::string>> minted_;  ///< by merchant
    std::set<std::string> all_minted_;
    std::size_t entries_read_ = 0;
    std::map<std::string, Truth> truths_;
    std::map<std::string, std::pair<TransactionId, std::int64_t>> spent_;  ///< token -> leg
    std::set<std::string> helped_;  ///< references that a person has looked at
};

}  // namespace kassi::simulation
