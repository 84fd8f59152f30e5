#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/decide.hpp"
#include "core/tables.hpp"

/// Inside of core: one decision in the making. decide.cpp turns inputs into what happened to legs and to the
/// transaction; tables.cpp says what follows; nothing else moves anything.
namespace kassi::core {

/// Why a person is needed where nobody can be asked.
inline constexpr std::string_view copy_is_old =
    "the record is a copy from before: what became of this payment since is not known";

class Deciding {
  public:
    Deciding(Transaction transaction, Papers given, const Input& cause, Instant at, const Terms& known)
        : tx(std::move(transaction)), papers(std::move(given)), input(cause), now(at), terms(known) {}

    Transaction tx;
    Papers papers;
    const Input& input;
    const Instant now;
    const Terms& terms;
    Decision out;

    // ---- what is looked at now, for guards and acts ---------------------------------------------------
    std::int64_t leg_no = 0;
    Verb verb = Verb::open;  ///< begun, resumed or in doubt
    const Step* step = nullptr;
    std::string why;                    ///< for the transaction's verdict, or a doubt
    std::vector<EvidenceField> fields;  ///< of a return
    LegMoney fact = LegMoney::none;     ///< of news or of a person
    std::optional<Money> fact_amount;
    std::string evidence;
    bool unattended = false;
    std::map<std::int64_t, Credential> in_hand;  ///< by leg: brought by this input, and never kept
    bool look_later = false;                     ///< of news: only asking can tell, when the call is over

    [[nodiscard]] const Leg& leg() const { return leg_at(leg_no); }
    [[nodiscard]] const Leg& leg_at(std::int64_t no) const;
    [[nodiscard]] const Facts& facts() const { return terms.flows.facts(leg()); }
    [[nodiscard]] const Facts& facts_of(const Leg& of) const { return terms.flows.facts(of); }

    // ---- the only ways to change something ---------------------------------------------------------------
    void emit(Event event);
    /// Looks the occurrence up in the leg table and does what its row says; false: no row (nothing happened).
    bool happen(LegOn on);
    bool happen(On on);
    /// Runs the flow's step function for a verb that begins and lets its step happen.
    void begin(std::int64_t leg, Verb begun);
    /// Returns to Kassi need a token of ours; a caller's own came with Purchase or with the last return.
    void mint_return_token();
    /// Lets a step happen to the present leg.
    void take_step(const Step& taken);

    /// The planner: moves every idle leg towards its goal and the transaction when all legs allow it.
    void plan();

    // ---- helpers of acts ---------------------------------------------------------------------------------
    [[nodiscard]] Scene scene(Verb of, std::optional<std::int64_t> refund_no = std::nullopt) const;
    [[nodiscard]] const Parcel& parcel() const;
    /// Token with which the present leg's customer would come back: of the callout that he went on from, else
    /// that of the next one; "" none.
    [[nodiscard]] const std::string& token_back() const;
    /// A callout that the browser went on from is over when its leg needs nobody any more: its token is live
    /// no longer, and who comes with it hears how it stands.
    void close_what_is_over();
    [[nodiscard]] Instant callout_until(const Leg& of) const;
    [[nodiscard]] Instant hold_limit() const { return tx.held_until - terms.times.hold_margin; }
    [[nodiscard]] bool time_for(const Leg& of, Verb verb) const;
    [[nodiscard]] const Refund* open_refund() const;
    [[nodiscard]] Money fact_money() const;  ///< what a news or person's fact amounts to
    void end_call(CallOutcome outcome, std::string_view evidence_text,
                  const std::vector<std::pair<std::string, std::string>>& references = {},
                  std::optional<Instant> retry_at = std::nullopt);
    void doubt(std::string_view reason, Instant recheck_at);
    /// A flow answers what its verb cannot mean: nothing is believed, somebody must look.
    void does_not_fit();
    void refuse(Refusal refusal);
    void close_callout(std::string_view reason);
    void send_call(const Ask& ask, bool again);
    void money_event(LegMoney money, const Money& amount);
    void forget_parcel_if_at_rest();
    /// Everything goes back; what has no refund stays bought (unless the seats are gone).
    void decide_no(std::string_view reason);

  private:
    bool plan_transaction();
    bool plan_legs();
    [[nodiscard]] std::vector<std::int64_t> order() const;
};

/// How long until a doubt is looked at again: slower and slower, never ends.
Millis recheck_pause(std::int64_t rechecks);

}  // namespace kassi::core
