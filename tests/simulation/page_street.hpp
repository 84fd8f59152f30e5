#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/transaction.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "tests/simulation/stage.hpp"

/// SecurePay's side of the simulated world: the real simulator's hosted page with its faults, customers who
/// pay, cancel, lie and never return, and what its ledger says of a leg.
namespace kassi::simulation {

class PageStreet {
  public:
    PageStreet(Stage& stage, std::uint64_t seed, sandbox::BorgunHouse::SendNotice send);

    static constexpr const char* address = "http://page.test";
    static constexpr const char* base_url = "http://page.test/borgun/securepay";
    static constexpr const char* merchant = "page";
    static constexpr const char* id = "9275444";
    static constexpr const char* gateway = "16";
    static constexpr const char* secret = "SECRET-OF-THE-PAGE";

    [[nodiscard]] Handler handler() const { return house_.handler(); }
    [[nodiscard]] std::size_t moves() const { return house_.ledger().size(); }
    /// Other faults than those of before.
    void storm();
    void calm();

    /// The page of a callout: `home` gets where the browser is sent afterwards, and with what.
    using Home = std::function<void(const std::string& url, const Fields& fields)>;
    void at_the_page(const core::Callout& callout, const std::string& return_url, const Home& home);

    /// What it has of a leg's money, held or taken, in minor units.
    [[nodiscard]] std::int64_t has_of(const core::Transaction& transaction, const core::Leg& leg) const;
    /// After a commit of the leg's transaction.
    void check(const core::Transaction& transaction, const core::Leg& leg);
    /// True: a person has to look, and for a reason that no machine can settle.
    bool check_end(const core::Transaction& transaction, const core::Leg& leg);
    /// What a person who looks at the house's books says of a leg that needs one; nullopt: nothing to say.
    std::optional<core::LegMoney> person(const core::Transaction& transaction, const core::Leg& leg);

  private:
    struct Truth {
        std::int64_t taken = 0, back = 0;  ///< minor units, ISO 4217
        [[nodiscard]] std::int64_t kept() const { return taken - back; }
    };
    [[nodiscard]] Truth truth(const core::Transaction& transaction, const core::Leg& leg) const;
    void lie(const core::Callout& callout, const std::string& return_url, const Home& home);

    Stage& stage_;
    SeededRandomness randomness_;
    bool loses_notices_ = false;  ///< some notifications of this world are lost for good
    sandbox::BorgunHouse house_;
    std::map<std::string, std::string> orders_;  ///< order id -> our reference, as the customer brought them
    Fields anothers_reply_;
};

}  // namespace kassi::simulation
