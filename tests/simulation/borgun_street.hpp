#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/transaction.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/wallet_street.hpp"

/// Borgun's side of the simulated world: the real simulator with its faults, cards and tokens of customers,
/// their bank's page, those who forge events and returns, and what the gateway's ledger says of a leg.
namespace kassi::simulation {

struct BorgunShop {
    std::string name;
    bool takes_cards = false, takes_tokens = false, sale_only = false, notifies = true;
    bool takes_wallets = false, takes_opened = false;
};

class BorgunStreet {
  public:
    BorgunStreet(Stage& stage, std::uint64_t seed, sandbox::BorgunHouse::SendNotice send);

    static constexpr const char* address = "http://borgun.test";
    static constexpr const char* base_url = "http://borgun.test/borgun/rpg";
    /// "cards" (like demo-creditcard), "tokens" (like demo-borgun), "sales" (sale_only), "mute" (no events).
    static const std::vector<BorgunShop>& shops();
    /// Nullptr: another provider's.
    static const BorgunShop* shop(std::string_view merchant);
    static std::string private_key(const std::string& merchant) { return "PRIV-" + merchant; }
    static std::string public_key(const std::string& merchant) { return "PUB-" + merchant; }

    [[nodiscard]] Handler handler() const { return house_.handler(); }
    [[nodiscard]] std::size_t moves() const { return house_.ledger().size(); }
    /// Other faults than those of before.
    void storm();
    void calm();
    /// Some events of this world are lost for good.
    [[nodiscard]] bool loses_events() const { return loses_events_; }

    // ---- customers
    /// A card as a caller brings it, or a token, for so many payments, the first of `amount`.
    core::Credential credential(const std::string& merchant, const TransactionId& id, const Money& amount,
                                std::size_t payments);
    /// What a customer's browser makes of a card.
    std::string token(const std::string& merchant);
    /// What his wallet gives to a page of ours.
    std::string wallet_token(const TransactionId& id, const Money& amount);
    /// Something that a customer's browser brings instead: used before, unknown, or no token at all.
    std::string used_token(const std::string& merchant) { return single(merchant).value; }
    /// The bank's page of a callout: `home` gets where the browser is sent afterwards, and with what.
    using Home = std::function<void(const std::string& url, const Fields& fields)>;
    void at_the_bank(const core::Callout& callout, const std::string& return_url, const Home& home);

    // ---- others
    /// From this amount on the gateway's answers depend on it: 900,CCC whole units.
    static std::int64_t refusing_amount(const Currency& currency);
    /// Somebody makes an event up, or sends another's again: the body of a notice; "" nothing to go by.
    std::string forged_event(const std::string& merchant);
    /// A person gives a payment of a notifying merchant back at B-Online.
    void refund_at_the_dashboard();

    // ---- the network
    /// What Kassi sends. Breaks the run where a card, a token or an order goes out twice.
    void sent(const HttpRequest& request);
    /// What the house has answered to it, heard or not.
    void answered(const HttpRequest& request, const HttpResponse& response);
    /// A copy of the request that the network makes does no harm that nobody could avoid.
    [[nodiscard]] static bool may_be_doubled(const HttpRequest& request);
    /// The answer to the copy may be the one that is heard.
    [[nodiscard]] static bool may_answer_the_copy(const HttpRequest& request);

    // ---- the truth
    /// What it has of a leg's money, held or taken, in minor units.
    [[nodiscard]] std::int64_t has_of(const core::Transaction& transaction, const core::Leg& leg);
    void forget_tokens() { spent_.clear(); }
    /// After a commit of the leg's transaction.
    void check(const core::Transaction& transaction, const core::Leg& leg);
    /// No card of a customer is in it.
    void check_no_card(const std::string& text, const std::string& where);
    /// One payment for each token that is good for one.
    void check_token(const TransactionId& id, const core::Leg& leg, const core::Credential& credential);
    /// True: a person has to look, and for a reason that no machine can settle.
    bool check_end(const core::Transaction& transaction, const core::Leg& leg, const std::string& credential);
    /// What a person who looks at B-Online says of a leg that needs one; nullopt when he has nothing to say.
    std::optional<core::LegMoney> person(const core::Transaction& transaction, const core::Leg& leg,
                                         const std::string& credential);

  private:
    struct Truth {
        std::int64_t payments = 0;                                                ///< that held or took money
        std::int64_t held = 0, hold_gone = 0, captured = 0, taken = 0, back = 0;  ///< minor units, ISO 4217
        [[nodiscard]] std::int64_t kept() const { return taken - back; }
        [[nodiscard]] std::int64_t still_held() const { return held - hold_gone - captured; }
    };
    const Truth& truth(const core::Transaction& transaction, const core::Leg& leg);
    void read_ledger();
    /// The gateway looks at its clock: what ran out is entered.
    void let_time_pass();
    HttpResponse ask(const std::string& key, std::string method, const std::string& path,
                     const std::string& body);
    std::string mint(const std::string& merchant, const std::string& number);
    std::string mint_multi(const std::string& merchant);
    std::string some_card();
    /// On a device, behind a wallet.
    std::string some_device();
    std::string final_credential(const std::string& merchant, const TransactionId& id, const Money& amount);
    core::Credential card(std::size_t payments);
    core::Credential single(const std::string& merchant);
    [[nodiscard]] bool hears_everything(const core::Leg& leg) const;
    bool undo_by_hand(const std::string& name, const core::Leg& leg);
    [[nodiscard]] bool explains(const std::string& name, const core::Leg& leg, const std::string& credential);

    Stage& stage_;
    WalletStreet wallets_;
    SeededRandomness randomness_;
    bool loses_events_ = false;
    bool one_partial_refund_ = false;
    Millis hold_life_{0};
    sandbox::BorgunHouse house_;
    std::map<std::string, std::vector<std::string>> minted_;  ///< single-use tokens by merchant
    std::map<std::string, std::vector<std::string>> multi_;   ///< multi-use ones
    std::set<std::string> made_multi_;                        ///< single-use tokens
    std::set<std::string> of_finals_;                         ///< tokens
    std::map<std::string, std::string> mpi_of_xid_;
    std::map<std::string, std::set<std::string>> md_of_mpi_;  ///< MdStatus that the MPI has answered
    Fields anothers_reply_;                                   ///< what the bank gave somebody to bring home
    std::set<std::string> lies_;  ///< MPI tokens of clients that say another amount, currency or order
    std::map<std::string, std::vector<std::string>> finals_;  ///< authenticated ones, to be brought again
    std::map<std::string, std::pair<TransactionId, std::int64_t>> spent_;  ///< token or MPI token -> leg
    struct Typed {
        std::int64_t payments = 0, sent = 0;
    };
    std::map<std::string, Typed> typed_;  ///< number and CVC of cards that callers brought
    std::set<std::string> numbers_;
    std::map<std::string, std::string> tokens_sent_;  ///< single-use or MPI token -> order
    std::set<std::string> orders_sent_;
    std::vector<std::string> events_;  ///< bodies
    std::size_t entries_read_ = 0;
    std::map<std::string, Truth> by_order_;
    std::map<std::string, Instant> held_at_;  ///< by payment
    std::set<std::string> held_once_;         ///< payments that were held: what is taken of them is captured
    std::map<std::string, Truth> truths_;
    std::map<std::string, std::set<std::string>> orders_of_;  ///< that a leg sent
    std::map<std::string, std::string> order_owner_;
    std::set<std::string> given_back_by_hand_;   ///< orders
    std::map<std::string, int> said_by_person_;  ///< of a leg
    int cvc_ = 100;
};

}  // namespace kassi::simulation
