#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/simulation/machine.hpp"
#include "tests/simulation/town.hpp"

/// Booking systems that hand over and buy, and their customers with their browsers.
namespace kassi::simulation {

class People {
  public:
    People(Stage& stage, Machine& machine, Town& town, Record& record);

    /// Customer `number` of the plan books, and all that follows.
    void book(std::int64_t number);
    /// The integrator's site, or ours, is visited by Kassi itself.
    void visited(const std::string& url);
    /// A person who looks at what needs one says where the money is.
    void look_at_what_is_stuck();
    /// Somebody sends a notice that no provider sent.
    void forge_notice(const std::function<void(const HttpRequest&)>& door);

    // ---- what somebody was told, for the invariants
    struct Told {
        std::map<TransactionId, core::Phase> verdicts;
        std::map<TransactionId, std::int64_t> handed_over;  ///< the customer
        std::map<std::string, core::Transaction> answers;   ///< by idempotency key, at rest
    };
    [[nodiscard]] const Told& told() const { return told_; }
    /// The record knows no more than what was told by then.
    void put_back(const Told& then);
    void check_end();

    static constexpr std::string_view callers[] = {"all", "partial", "again", "owner"};
    /// The ways of paying that a caller has.
    static std::vector<std::string> ways();

  private:
    /// One hand-over of one customer, and what he may do with it.
    struct Booking {
        std::int64_t customer = 0;
        engine::HandOverRequest request;
        std::string key;
        std::optional<core::Transaction> answer;  ///< the first
        int tries = 0;
        [[nodiscard]] std::string tracking() const { return fmt::format("c{}", customer); }
    };
    using Shared = std::shared_ptr<Booking>;
    /// A callback that nobody hears when the process died, and that speaks for who asked.
    template <class F>
    auto heard(Process& process, F f) {
        return [this, life = process.life(), actor = &stage_.actor_now(), f = std::move(f)](auto&&... args) {
            if (!*life) return;
            const Stage::As as(stage_, *actor);
            f(std::forward<decltype(args)>(args)...);
        };
    }

    core::Bundle bundle(std::int64_t number);
    std::int64_t telling_amount(const Currency& currency);
    std::string some_way();
    std::string token();
    void hand_over(const Shared& booking);
    void handed(const Shared& booking, const engine::View& view);
    void plans_of(const Shared& booking, const TransactionId& id);
    void submit(const TransactionId& id, core::InputBody body, const Booking* booking);
    void refund(const Shared& booking, const TransactionId& id);
    void ask_refund(const Shared& booking, const TransactionId& id, const core::RefundOf& refund,
                    const std::string& key, int tries);
    /// Answers to the same key that cannot change any more are the same.
    void compare(const std::string& key, const engine::View& view, engine::Until until);

    void purchase(const Shared& booking, const TransactionId& id);
    void send_purchase(const Shared& booking, const TransactionId& id, const engine::PurchaseRequest& request,
                       const std::string& key, int tries);
    void credentials_for(const Shared& booking, const TransactionId& id, engine::PurchaseRequest& request,
                         bool& browser);
    void wait(const Shared& booking, const TransactionId& id);
    void answered(const Shared& booking, const engine::View& view);

    void customer(const Shared& booking, const core::Callout& callout, const std::string& merchant);
    void at_the_passing_page(const Shared& booking, const core::Callout& callout,
                             const std::string& merchant);
    void pass_on(Process& process, const Shared& booking, const TransactionId& id,
                 const core::Callout& callout, const std::string& merchant);
    void at_our_page(const Shared& booking, const core::Callout& callout, const std::string& merchant);
    void type_at_our_page(const Shared& booking, const core::Callout& callout, const std::string& merchant,
                          std::int64_t fate, bool by_caller);
    [[nodiscard]] std::string return_url_of(const core::Callout& callout) const;
    void home_by_form(const std::string& url, const Fields& fields);
    void forge_return(const core::Callout& callout);
    void go_home(const std::string& location);
    void come_back(const std::string& url, const Fields& fields, int tries = 0);
    void give_back(const std::string& caller, const std::string& which, const Fields& fields, int tries = 0);
    void returned(const std::string& caller, const std::string& which, const Fields& fields,
                  const std::string& next, const Result<engine::Engine::ReturnOutcome>& outcome, int tries);
    /// A return to a house that can neither be asked nor told anything is all that there is.
    void note_success(const std::string& caller, const std::string& which, const Fields& fields);

    Stage& stage_;
    Machine& machine_;
    Town& town_;
    Record& record_;
    std::int64_t stripe_in_hundred_ = 0, borgun_in_hundred_ = 0;  ///< of this life's payments
    std::map<std::string, std::string> callers_of_tokens_;        ///< T -> caller
    std::map<std::int64_t, Shared> bookings_;                     ///< by customer
    std::int64_t next_token_ = 0;
    std::set<std::string> seen_;  ///< callouts that a customer is busy with
    Told told_;
    std::map<TransactionId, core::Phase> verdicts_lost_;  ///< told after the copy was made
};

}  // namespace kassi::simulation
