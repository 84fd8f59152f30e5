#pragma once

#include <cstdint>
#include <string_view>

/// Everything that goes wrong in a life, by name: README.md says where each is done.
namespace kassi::simulation {

enum class Fault : std::uint8_t {
    // the network between Kassi and a provider
    refused_connection,  ///< known not sent
    lost_request,
    lost_answer,  ///< the work was done
    late_answer,  ///< after the deadline of the call
    slow_request,
    doubled_request,
    broken_proxy,  ///< an answer that is not the provider's
    // providers
    provider_dead,               ///< hangs up, nothing was done
    provider_took_and_hung_up,   ///< money moved, and no answer came
    provider_answered_too_late,  ///< by itself
    provider_error,              ///< 5xx or 429
    provider_rule,               ///< one rule by which a simulator misbehaves for a while
    bank_let_go,                 ///< what was held ran out at the bank
    refund_at_the_dashboard,     ///< nobody told us
    // notices
    lost_notice,
    doubled_notice,
    late_notice,
    overtaken_notice,      ///< one that was sent later came first
    notice_before_answer,  ///< its call was open, or its reference not known yet
    notice_after_verdict,
    notice_not_recorded,  ///< refused, and sent again
    forged_notice,
    // customers and callers
    booking,  ///< no fault: a customer of the plan, so that a reduced life can do without
    came_twice,
    two_tabs,
    came_late,
    never_came,
    get_and_post,
    lied_at_return,
    asked_twice,
    released_meanwhile,
    cancelled_meanwhile,
    part_cancelled,
    refund_asked,
    hold_moved,
    key_repeated,
    no_answer_heard,  ///< and so asked again with the same key
    nobody_visited,   ///< the integrator's site does not forward the visit
    // the machine
    killed,
    killed_in_a_call,
    killed_before_effects,  ///< between a commit and what follows from it
    stopped_in_order,
    down_for_a_while,
    two_processes,
    swept_twice,
    swept_by_both,
    disk_full_for_a_while,
    notice_not_kept,  ///< since the disk was full
    commit_refused,
    clock_ahead,
    clock_behind,
    clock_not_trusted,
    put_back_to_a_copy,
    // what a plan may hold
    hold_over_under_way,  ///< the seats are gone while money moves
    two_currencies,
    count_,
};
inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(Fault::count_);
std::string_view word(Fault fault);

/// What holds after every step or at the end. A broken one says which it is.
enum class Invariant : std::uint8_t {
    charged_once,
    no_more_back_than_taken,
    believed_is_true,
    ledgers_agree,
    credit_limit_holds,
    failed_keeps_nothing,
    settled_frees_the_card,
    token_spent_once,
    sent_once,
    authenticated,
    everything_ends,
    person_only_where_needed,
    journal_replays,
    state_reads_back,
    verdict_stays,
    answered_is_there,
    key_counts_once,
    same_key_same_answer,
    purchased_has_the_money,
    bought_in_time,
    other_amount_is_told,
    one_customer_away,
    unpaid_is_reopened,
    copy_takes_nothing_again,
    no_card_written,
    pages_are_known,
    no_assertion_fails,
    count_,
};
inline constexpr std::size_t invariants = static_cast<std::size_t>(Invariant::count_);
std::string_view word(Invariant invariant);

/// Planted, to see that the net holds: each is to be found by the invariant of the table.
enum class Bug : std::uint8_t {
    none,
    provider_forgets_keys,
    refund_booked_twice,
    decline_read_as_money,
    money_read_as_decline,
    limit_not_looked_at,
    goal_forgotten,
    void_not_done,
    token_claim_forgotten,
    return_counts_twice,
    request_sent_twice,
    authentication_not_read,
    clock_stops,
    look_up_broken,
    event_dropped,
    state_cut,
    late_success_buys,
    disk_lies,
    key_forgotten,
    answer_of_now,
    bought_before_taken,
    seats_not_looked_at,
    other_amount_not_told,
    two_sent_away,
    late_return_dropped,
    copy_not_told,
    request_in_the_journal,
    callout_cut,
    assertion,
    count_,
};
inline constexpr std::size_t bugs_planted = static_cast<std::size_t>(Bug::count_);
std::string_view word(Bug bug);
/// By which it is to be found.
Invariant meant_for(Bug bug);

}  // namespace kassi::simulation
