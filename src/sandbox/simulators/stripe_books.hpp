#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "sandbox/simulators/stripe_cards.hpp"
#include "sandbox/simulators/stripe_ledger.hpp"

/// All that the Stripe house knows: its objects, its ledger and its events. Nothing is ever taken out.
namespace kassi::sandbox::stripe {

inline constexpr std::size_t objects_max = 1'000'000;  ///< of one kind
inline constexpr Millis hold_life{7LL * 24 * 3'600'000};
inline constexpr Millis settles_after{2'000};        ///< automatic_async: the balance comes later
inline constexpr Millis refund_turns_after{60'000};  ///< pending -> succeeded, succeeded -> failed
inline constexpr Millis dispute_opens_after{60'000};
inline constexpr Millis dispute_closes_after{7LL * 24 * 3'600'000};

enum class IntentStatus {
    requires_payment_method,
    requires_confirmation,
    requires_action,
    requires_capture,
    succeeded,
    canceled
};
enum class ChargeStatus { succeeded, failed };
enum class RefundStatus { pending, succeeded, failed };
enum class DisputeStatus { needs_response, warning_needs_response, won, lost, warning_closed };
/// Where the customer's authentication stands.
enum class Authentication { none, awaited, passed };

std::string_view word(IntentStatus status);
std::string_view word(ChargeStatus status);
std::string_view word(RefundStatus status);
std::string_view word(DisputeStatus status);

struct Token {
    std::string id, account;
    Instant created{};
    Card card;
    bool used = false;
};

struct Method {
    std::string id, account;
    Instant created{};
    Card card;
    bool used = false;  ///< a payment succeeded with it, and it belongs to nobody
    Metadata metadata;
};

struct Intent {
    std::string id, account;
    Instant created{};
    IntentStatus status = IntentStatus::requires_payment_method;
    std::int64_t amount = 0, amount_capturable = 0, amount_received = 0;
    std::string currency;        ///< lower case
    std::string capture_method;  ///< "automatic" "automatic_async" "manual"
    std::string confirmation_method;
    std::string client_secret, description, receipt_email, descriptor_suffix, future_usage, secure_request;
    std::string return_url, cancellation_reason, method, latest_charge;
    std::string last_error;  ///< JSON, "" none
    Authentication authentication = Authentication::none;
    bool use_sdk = false;
    std::string source;  ///< of the 3-D Secure page, "" none
    Metadata metadata;
    std::optional<Instant> canceled_at;
    std::optional<Instant> hold_until;  ///< while it is held
};

struct Charge {
    std::string id, account;
    Instant created{};
    ChargeStatus status = ChargeStatus::succeeded;
    std::int64_t amount = 0, amount_captured = 0, amount_refunded = 0;
    std::int64_t amount_released = 0;  ///< of the hold
    std::string currency, intent, method, description, receipt_email, descriptor_suffix;
    Card card;
    bool captured = false, authenticated = false, disputed = false;
    std::string failure_code, failure_decline, failure_message;  ///< "" for none
    std::string balance;                                         ///< its transaction, "" not yet
    std::string dispute;
    Metadata metadata;
    std::optional<Instant> capture_before;
    std::optional<Instant> settles_at, dispute_at;  ///< not yet
};

struct Refund {
    std::string id, account;
    Instant created{};
    RefundStatus status = RefundStatus::succeeded;
    std::int64_t amount = 0;
    std::string currency, charge, intent, reason, failure_reason;
    Metadata metadata;
    std::optional<Instant> turns_at;
};

struct Dispute {
    std::string id, account;
    Instant created{};
    DisputeStatus status = DisputeStatus::needs_response;
    std::int64_t amount = 0;
    std::string currency, charge, intent, reason;
    std::optional<Instant> closes_at;
};

struct Event {
    std::string id, account;
    Instant created{};
    std::string type;
    std::string object;               ///< JSON, as it was then
    std::string previous_attributes;  ///< JSON, "" none
    std::string request, key;         ///< "" not by a request
    bool pending = false;             ///< its webhook was not delivered yet
};

/// Objects of one kind in the order in which they were made.
template <class T>
class Shelf {
  public:
    [[nodiscard]] T* find(std::string_view id) {
        const auto found = places_.find(std::string(id));
        return found == places_.end() ? nullptr : &all_[found->second];
    }
    [[nodiscard]] const T* find(std::string_view id) const { return const_cast<Shelf*>(this)->find(id); }
    /// Of that account, or nullptr.
    [[nodiscard]] T* find(std::string_view id, std::string_view account) {
        T* found = find(id);
        return found != nullptr && found->account == account ? found : nullptr;
    }
    T& put(T object) {
        if (T* known = find(object.id)) return *known = std::move(object);
        places_.emplace(object.id, all_.size());
        return all_.emplace_back(std::move(object));
    }
    /// Its change is in the next record().
    void touch(const T& object) { changed_.insert(places_.at(object.id)); }
    /// The places in all() of what was touched; resets.
    std::set<std::size_t> take_changed() { return std::exchange(changed_, {}); }
    [[nodiscard]] bool changed() const { return !changed_.empty(); }
    [[nodiscard]] bool full() const { return all_.size() >= objects_max; }
    [[nodiscard]] const std::deque<T>& all() const { return all_; }
    [[nodiscard]] std::deque<T>& all() { return all_; }

  private:
    std::deque<T> all_;
    std::unordered_map<std::string, std::size_t> places_;
    std::set<std::size_t> changed_;
};

class Books {
  public:
    Books(const Clock& clock, Randomness& randomness) : clock_(clock), randomness_(randomness) {}

    Shelf<Token> tokens;
    Shelf<Method> methods;
    Shelf<Intent> intents;
    Shelf<Charge> charges;
    Shelf<Refund> refunds;
    Shelf<Dispute> disputes;
    Shelf<Event> events;
    std::vector<LedgerEntry> ledger;

    [[nodiscard]] Instant now() const { return clock_.now(); }
    /// "pi_" and 24 letters and digits.
    std::string fresh_id(std::string_view prefix, std::size_t characters = 24);
    [[nodiscard]] bool full() const;

    void enter(const Charge& charge, std::string_view kind, std::int64_t minor);

    // ---- what outlives the house
    [[nodiscard]] bool something_changed() const;
    /// What changed since the last time, as parts of one object: "intents":[...],"ledger":[...]. Resets.
    void record(JsonWriter& out);
    /// Everything, an object a line.
    void save_all(const std::function<void(const std::string& line)>& save) const;
    /// The parts of such a line. Objects of an account that is not in `accounts` are left out. Gives the
    /// name of the part that is not understood.
    std::optional<std::string> load(const nlohmann::json& line, const std::set<std::string>& accounts);

  private:
    const Clock& clock_;
    Randomness& randomness_;
    std::size_t entries_saved_ = 0;
};

}  // namespace kassi::sandbox::stripe
