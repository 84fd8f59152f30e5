#include "tests/simulation/faults.hpp"

#include <array>
#include <iterator>

namespace kassi::simulation {

std::string_view word(Fault fault) {
    static constexpr std::string_view words[] = {
        "a connection refused",
        "a request lost",
        "an answer lost",
        "an answer after the deadline",
        "a slow request",
        "a request sent on twice",
        "a proxy's own answer",
        "a provider hung up",
        "a provider took and hung up",
        "a provider answered too late",
        "a provider's error",
        "a provider's bad habit",
        "a bank let go",
        "a refund at the dashboard",
        "a notice lost",
        "a notice doubled",
        "a notice late",
        "a notice overtaken",
        "a notice before the answer",
        "a notice after the verdict",
        "a notice not recorded",
        "a notice forged",
        "a booking",
        "came back twice",
        "two tabs",
        "came back late",
        "never came back",
        "GET and POST at once",
        "lied at the return",
        "purchase asked twice",
        "released",
        "cancelled",
        "an order cancelled",
        "a refund asked for",
        "the hold moved",
        "a key repeated",
        "no answer heard",
        "a visit that nobody forwards",
        "killed",
        "killed in a call",
        "killed before the effects",
        "stopped in order",
        "down for a while",
        "two processes",
        "swept twice",
        "swept by both",
        "disk full for a while",
        "a notice that the disk refused",
        "a commit refused",
        "a clock ahead",
        "a clock behind",
        "a clock not trusted",
        "put back to a copy",
        "hold over, money under way",
        "two currencies",
    };
    static_assert(std::size(words) == fault_kinds);
    return words[static_cast<std::size_t>(fault)];
}

std::string_view word(Invariant invariant) {
    static constexpr std::string_view words[] = {
        "charged once",
        "no more back than taken",
        "what is believed is true",
        "ledgers agree",
        "the credit limit holds",
        "failed and settled keeps nothing",
        "settled frees the card",
        "a token is spent once",
        "sent once",
        "paid as authenticated",
        "everything ends",
        "a person only where needed",
        "the journal replays",
        "the state reads back",
        "a verdict stays",
        "what was answered is there",
        "a key counts once",
        "the same key, the same answer",
        "purchased has the money",
        "bought in time",
        "another amount is told",
        "one customer away",
        "assumed unpaid is reopened",
        "a copy takes nothing again",
        "no card is written",
        "pages are known",
        "no assertion fails",
    };
    static_assert(std::size(words) == invariants);
    return words[static_cast<std::size_t>(invariant)];
}

namespace {
struct Planted {
    Bug bug;
    std::string_view word;
    Invariant found_by;
};
constexpr Planted table[] = {
    {Bug::none, "none", Invariant::no_assertion_fails},
    {Bug::provider_forgets_keys, "a provider that forgets keys", Invariant::charged_once},
    {Bug::refund_booked_twice, "a refund that is booked twice", Invariant::no_more_back_than_taken},
    {Bug::decline_read_as_money, "a decline read as money", Invariant::believed_is_true},
    {Bug::money_read_as_decline, "money read as a decline", Invariant::ledgers_agree},
    {Bug::limit_not_looked_at, "a credit limit that nobody looks at", Invariant::credit_limit_holds},
    {Bug::goal_forgotten, "a failure that gives nothing back", Invariant::failed_keeps_nothing},
    {Bug::void_not_done, "a hold said to be gone that is not", Invariant::settled_frees_the_card},
    {Bug::token_claim_forgotten, "a spent token that is not remembered", Invariant::token_spent_once},
    {Bug::return_counts_twice, "a return that counts twice", Invariant::token_spent_once},
    {Bug::request_sent_twice, "a request that is sent twice", Invariant::sent_once},
    {Bug::authentication_not_read, "an authentication that nobody reads", Invariant::authenticated},
    {Bug::clock_stops, "a clock that stops", Invariant::everything_ends},
    {Bug::look_up_broken, "a look-up that is never answered", Invariant::person_only_where_needed},
    {Bug::event_dropped, "a journal row without its event", Invariant::journal_replays},
    {Bug::state_cut, "a state that is cut off", Invariant::state_reads_back},
    {Bug::late_success_buys, "a late success that buys after all", Invariant::verdict_stays},
    {Bug::disk_lies, "a disk that says written and forgets", Invariant::answered_is_there},
    {Bug::key_forgotten, "an idempotency key that is forgotten", Invariant::key_counts_once},
    {Bug::answer_of_now, "a repeat that is answered with the present", Invariant::same_key_same_answer},
    {Bug::bought_before_taken, "bought before the money was taken", Invariant::purchased_has_the_money},
    {Bug::seats_not_looked_at, "seats that nobody looks at", Invariant::bought_in_time},
    {Bug::other_amount_not_told, "another amount, and nobody is told", Invariant::other_amount_is_told},
    {Bug::two_sent_away, "a customer sent to two places", Invariant::one_customer_away},
    {Bug::late_return_dropped, "a late return that is thrown away", Invariant::unpaid_is_reopened},
    {Bug::copy_not_told, "a copy that is taken for the truth", Invariant::copy_takes_nothing_again},
    {Bug::request_in_the_journal, "a request written into the journal", Invariant::no_card_written},
    {Bug::callout_cut, "an address of a page that is cut off", Invariant::pages_are_known},
    {Bug::assertion, "an exception", Invariant::no_assertion_fails},
};
static_assert(std::size(table) == bugs_planted);
}  // namespace

std::string_view word(Bug bug) {
    return table[static_cast<std::size_t>(bug)].word;
}

Invariant meant_for(Bug bug) {
    return table[static_cast<std::size_t>(bug)].found_by;
}

}  // namespace kassi::simulation
