#pragma once

#include "sandbox/simulators/stripe_house.hpp"
#include "town.hpp"

/// The town with Stripe in it.
namespace kassi::faults {

inline constexpr std::string_view merchant_name = "stripe-demo";
inline constexpr std::string_view secret_key = "sk_test_One1234567";
inline constexpr std::string_view webhook_secret = "whsec_present";
inline constexpr std::string_view webhook_secret_next = "whsec_future";

/// What Stripe is asked for.
enum class Step { create, look_up, list, capture, cancel, refund, other };
/// The simulator's word for it.
std::string word(Step step);

class StripeTown final : public Town {
  public:
    struct Options {
        std::optional<http::TlsIdentity> identity;  ///< absent: a good one
        bool listens = true;
        bool next_webhook_secret = false;  ///< the merchant is in the middle of changing its secret
    };
    explicit StripeTown(Options options);
    StripeTown() : StripeTown(Options{}) {}

    /// The simulator's rules, `{"on":...},...`, instead of those of before.
    void rules(const std::string& list);
    void on_the_line(Step step, OnTheLine what) { Town::on_the_line(word(step), what); }
    [[nodiscard]] int asked(Step step) { return Town::asked(word(step)); }
    /// A browser at the bank's page: "complete", "fail", "complete_stay".
    void at_the_bank(const json& callout, const std::string& button);
    /// How many payment intents bear a reference of this transaction.
    int intents_of(const TransactionId& id);
    std::string status_of_intent(const TransactionId& id);
    [[nodiscard]] const sandbox::StripeHouse& stripe() const { return *house_; }
    static json paying(const std::string& token) { return paying_with({{"stripe_token", token}}); }
    Answer purchase(const TransactionId& id, const std::string& token = "tok_visa");
    void let_time_pass(const TransactionId& id) override;
    /// "held 11000, taken 11000" of a leg by Stripe's ledger.
    [[nodiscard]] std::string stripe_ledger(const TransactionId& id, std::int64_t leg = 1) const;

  private:
    [[nodiscard]] Handler house() const override { return house_->handler(); }
    [[nodiscard]] std::string step_of(const HttpRequest& request) const override;
    [[nodiscard]] providers::Merchant merchant() const override;

    const bool next_webhook_secret_;
    std::unique_ptr<sandbox::StripeHouse> house_;
};

}  // namespace kassi::faults
