#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "core/transaction.hpp"
#include "sandbox/simulators/redirect_house.hpp"
#include "tests/simulation/stage.hpp"

/// The redirect houses' side of the simulated world: the real simulator with its faults, customers at its
/// page, and what its ledger says of a leg.
namespace kassi::simulation {

class RedirectStreet {
  public:
    /// Three contracts: "asked" (notifies), "quiet" (can be asked, and does not notify), "silent" (neither).
    RedirectStreet(Stage& stage, std::uint64_t seed, sandbox::RedirectHouse::SendNotice send);

    static constexpr const char* address = "http://house.test";
    static constexpr const char* blind = "silent";
    static bool has(std::string_view merchant) {
        return merchant == "asked" || merchant == "quiet" || merchant == blind;
    }
    [[nodiscard]] Handler handler() const { return house_.handler(); }
    [[nodiscard]] std::size_t moves() const { return house_.ledger().size(); }
    /// Other faults than those of before.
    void storm();
    void calm();

    /// Gets where the browser is sent afterwards.
    using Home = std::function<void(const std::string& location)>;
    void at_the_page(const core::Callout& callout, const Home& home);

    /// A return that says paid was recorded, or refused as one too many.
    void success_was_heard(const core::Transaction& transaction, const core::Leg& leg);
    /// Of legs, by reference: those of which a return said so.
    std::set<std::string> successes;
    /// What it has of a leg's money, held or taken, in minor units.
    [[nodiscard]] std::int64_t has_of(const core::Transaction& transaction, const core::Leg& leg) const;
    /// After a commit of the leg's transaction.
    void check(const core::Transaction& transaction, const core::Leg& leg);
    /// True: a person has to look, and for a reason that no machine can settle.
    bool check_end(const core::Transaction& transaction, const core::Leg& leg);
    /// What a person says who looks into the house's books, of a leg that a payment waits for.
    [[nodiscard]] std::optional<core::LegMoney> person(const core::Transaction& transaction,
                                                       const core::Leg& leg) const;

  private:
    struct Truth {
        std::int64_t taken = 0, back = 0;  ///< minor units, ISO 4217
        [[nodiscard]] std::int64_t kept() const { return taken - back; }
    };
    [[nodiscard]] Truth truth(const std::string& reference) const;

    Stage& stage_;
    SeededRandomness randomness_;
    sandbox::RedirectHouse house_;
};

}  // namespace kassi::simulation
