#pragma once

#include <set>

#include "sandbox/simulators/borgun_house.hpp"
#include "town.hpp"

/// The town with Borgun in it: its gateway, MPI and the banks' pages.
namespace kassi::faults {

/// What the customer's bank sends him back with, as fields of its form.
using BankReply = Fields;

class BorgunTown final : public Town {
  public:
    struct Options {
        bool sale_only = false;    ///< the merchant takes at once
        bool hears_events = true;  ///< false: the gateway tells nobody anything
    };
    explicit BorgunTown(Options options);
    BorgunTown() : BorgunTown(Options{}) {}

    /// The simulator's rules, `{"on":...},...`, instead of those of before.
    void rules(const std::string& list);
    /// With a way back for the customer, unless said otherwise.
    Answer pay(const TransactionId& id, const json& credential, bool with_return = true);
    Answer pay_by_card(const TransactionId& id, const std::string& number, bool with_return = true);
    /// The fields of the bank's page after this button: "authenticate", "fail", "give_up", ...
    BankReply at_the_bank(const json& callout, const std::string& button = "authenticate");
    /// The same, and where the page's form goes.
    struct WayBack {
        std::string url;
        BankReply fields;
    };
    WayBack way_back_from_the_bank(const json& callout, const std::string& button = "authenticate");
    /// The customer is back at the caller's, which says so.
    Answer come_back(const TransactionId& id, const BankReply& fields);
    void come_back_and_go(const TransactionId& id, const BankReply& fields);
    /// The gateway's own API with the merchant's private key, past the line. Throws when it is refused.
    json gateway(const std::string& method, const std::string& path, const json& body = nullptr);
    /// A card's single-use token, made past Kassi.
    std::string token_of(const std::string& number);

    /// Payments that were begun from now on are this test's.
    void begin_ledger();
    /// "held 11000, taken 11000" of all payments since begin_ledger().
    [[nodiscard]] std::string borgun_ledger();
    void let_time_pass(const TransactionId& id) override;
    /// Past the life of a hold.
    void let_holds_run_out(const TransactionId& id);

  private:
    static std::string return_token(const TransactionId& id);
    static json coming_back(const BankReply& fields);
    [[nodiscard]] Handler house() const override { return house_->handler(); }
    [[nodiscard]] std::string step_of(const HttpRequest& request) const override;
    [[nodiscard]] providers::Merchant merchant() const override;
    [[nodiscard]] std::string base_path() const override { return "/borgun/rpg"; }

    const Options options_;
    std::unique_ptr<sandbox::BorgunHouse> house_;
    std::size_t ledger_from_ = 0;
};

}  // namespace kassi::faults
