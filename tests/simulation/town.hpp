#pragma once

#include "providers/flow.hpp"
#include "tests/simulation/borgun_street.hpp"
#include "tests/simulation/page_street.hpp"
#include "tests/simulation/redirect_street.hpp"
#include "tests/simulation/stripe_street.hpp"

/// All providers, each in its street.
namespace kassi::simulation {

struct Town {
    /// A notice and how its answer is told: status 0 when nothing was answered.
    using SendNotice = std::function<void(const HttpRequest&, std::function<void(int)>)>;
    /// Draws what the life's plan says of the providers.
    Town(Stage& stage, SendNotice send);

    RedirectStreet redirect;
    StripeStreet stripe;
    BorgunStreet borgun;
    PageStreet page;

    void storm();
    void calm();
    /// Of an origin ("http://stripe.test"). What is at no origin of the town is a defect.
    [[nodiscard]] Handler handler(std::string_view origin) const;
    /// Entries of all ledgers: it grows when money moves.
    [[nodiscard]] std::size_t moves() const;
    /// The contracts, as a configuration has them.
    [[nodiscard]] std::vector<providers::Merchant> merchants();

    // ---- invariants, for a leg of any provider but the house's own credit
    /// Legs of which a copy that was put back cannot know what became of them: not looked at.
    std::set<std::string> out_of_sight;
    [[nodiscard]] bool sees(const core::Transaction& transaction, const core::Leg& leg) const {
        return !out_of_sight.contains(transaction.id.text() + "-" + std::to_string(leg.no));
    }
    void check(const core::Transaction& transaction, const core::Leg& leg);
    void check_token(const TransactionId& id, const core::Leg& leg, const core::Credential& credential);
    bool check_end(const core::Transaction& transaction, const core::Leg& leg, const std::string& credential);
    /// What the provider has of a leg's money, held or taken, in minor units.
    [[nodiscard]] std::int64_t has_of(const core::Transaction& transaction, const core::Leg& leg);
    /// What was spent since is spent no more, as far as Kassi can know.
    void forget_tokens();
    /// What a person who looks at the provider's books says of a leg that needs one.
    std::optional<core::LegMoney> person(const core::Transaction& transaction, const core::Leg& leg,
                                         const std::string& credential);

  private:
    Stage& stage_;
};

inline bool is_borgun(std::string_view merchant) {
    return BorgunStreet::shop(merchant) != nullptr;
}
inline bool is_page(std::string_view merchant) {
    return merchant == PageStreet::merchant;
}

}  // namespace kassi::simulation
