#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "sandbox/simulators/stripe_books.hpp"
#include "sandbox/simulators/stripe_print.hpp"

/// What Stripe does with money: the work behind each call of /v1, the customer's authentication, and what
/// happens by itself when its time has come. Knows no HTTP.
namespace kassi::sandbox::stripe {

struct Settings {
    std::string page_origin;
    Version version;  ///< of the accounts: events are printed in it
    struct Account {
        std::set<std::string> extra_tokens;  ///< known and reusable, as tok_visa is
        bool told = false;                   ///< has a webhook
        std::string descriptor;
    };
    std::map<std::string, Account> accounts;  ///< by name
};

/// One authenticated request.
struct Call {
    std::string account;
    bool publishable = false;
    Version version;
    std::string request_id;
    std::string key;  ///< Idempotency-Key, "" none
    Form& form;
    Millis stale{0};  ///< a search does not see what is younger
    Expand expand = {};
};

struct Answer {
    int status = 200;
    std::string body;
    bool kept = true;  ///< an Idempotency-Key remembers it
};

class Payments {
  public:
    Payments(Books& books, Settings settings) : books_(books), settings_(std::move(settings)) {}

    // ---- what is paid with
    Answer create_token(Call& call);
    Answer create_method(Call& call);
    // ---- intents
    Answer create_intent(Call& call);
    Answer confirm_intent(Call& call, const std::string& id);
    Answer capture_intent(Call& call, const std::string& id);
    Answer cancel_intent(Call& call, const std::string& id);
    Answer update_intent(Call& call, const std::string& id);
    // ---- charges and refunds
    Answer create_charge(Call& call);
    Answer capture_charge(Call& call, const std::string& id);
    Answer update_charge(Call& call, const std::string& id);
    Answer create_refund(Call& call);
    Answer update_refund(Call& call, const std::string& id);
    // ---- reading
    Answer read_one(Call& call, std::string_view kind, const std::string& id);
    Answer list(Call& call, std::string_view kind);
    Answer search_intents(Call& call);

    // ---- the customer's authentication
    enum class Page { open, over, unknown };
    /// What the page of such an address shows.
    Page page_of(std::string_view intent, std::string_view client_secret, std::string_view source) const;
    /// The customer pressed a button of an open page.
    void authenticated(const std::string& intent, bool passed);

    // ---- the clock
    void do_due();
    /// When do_due() has something to do next.
    [[nodiscard]] std::optional<Instant> next_due() const;
    /// After Books::load(): what is still to come.
    void remember_due();
    /// Events that nobody was told of yet, oldest first; resets.
    std::vector<std::string> take_news() { return std::exchange(news_, {}); }
    [[nodiscard]] const Settings& settings() const { return settings_; }

  private:
    struct MethodAsked {
        std::string id, token;
        std::optional<Card> wallet;  ///< behind the number that a wallet gave
        [[nodiscard]] bool any() const { return !id.empty() || !token.empty() || wallet.has_value(); }
    };
    struct Confirming {
        bool off_session = false, error_on_action = false;
        bool types_given = false;  ///< payment methods that may redirect were ruled out
        std::optional<std::string> return_url;
        std::optional<bool> use_sdk;
        std::string secure_request;
    };
    using MethodOr = std::variant<Method*, Refusal>;

    MethodAsked read_method(Call& call);
    MethodOr resolve(const MethodAsked& asked, const Call& call);
    std::variant<Card, Refusal> use_token(const std::string& token, const std::string& account);
    Method& put_method(Card card, const std::string& account, Metadata metadata = {});
    void read_types(Call& call, Confirming& how);
    Confirming read_confirming(Call& call);
    static std::optional<Refusal> why_no_return(const Call& call, const Intent& intent,
                                                const Confirming& how);

    Answer confirm(Call& call, Intent& intent, Method& method, const Confirming& how);
    [[nodiscard]] bool asks_for_authentication(const Intent& intent, const TestCard& card,
                                               const Confirming& how) const;
    std::optional<Refusal> pay(Intent& intent, Method& method, bool authenticated);
    Refusal failed(Intent& intent, Refusal refusal, const Method& method);
    Charge& new_charge(std::string account, Card card, std::int64_t amount, std::string currency);
    void hold(Charge& charge);
    void take(Charge& charge, std::int64_t amount);
    void release(Charge& charge);
    void began(Charge& charge, bool capture, bool async);
    std::variant<Charge*, Refusal> charge_to_refund(Call& call);
    Answer refund(Call& call, Charge& charge, std::int64_t amount, std::string reason, Metadata metadata);
    std::optional<Refusal> why_no_capture(Intent& intent, std::optional<std::int64_t> amount) const;

    template <class T>
    Answer answer(const T& object, const Call& call) const {
        return {200, printed(object, view(call)), true};
    }
    [[nodiscard]] Answer refuse(Refusal refusal, const Call& call) const;
    [[nodiscard]] Answer refuse(Refusal refusal, const Call& call, const Intent& intent) const;
    [[nodiscard]] View view(const Call& call) const {
        return {books_, call.version, settings_.page_origin, call.expand, call.publishable};
    }
    [[nodiscard]] View event_view() const { return {books_, settings_.version, settings_.page_origin}; }
    template <class T>
    void emit(std::string type, const T& object, std::string previous_attributes = {});
    template <class T>
    Answer list_shelf(Call& call, const Shelf<T>& shelf, std::string_view kind);
    void begin(const Call& call) { cause_ = {call.request_id, call.key}; }

    enum class Due { hold_ends, settles, dispute_opens, dispute_closes, refund_turns };
    void wait(Instant at, Due what, const std::string& id) { due_.emplace(at, std::pair(what, id)); }
    void hold_ended(Charge& charge);
    void settle(Charge& charge);
    void open_dispute(Charge& charge);
    void close_dispute(Dispute& dispute);
    void turn_refund(Refund& refund);

    Books& books_;
    Settings settings_;
    std::multimap<Instant, std::pair<Due, std::string>> due_;
    std::vector<std::string> news_;
    std::pair<std::string, std::string> cause_;  ///< request id and key, "" the clock
};

template <class T>
void Payments::emit(std::string type, const T& object, std::string previous_attributes) {
    Event event;
    event.id = books_.fresh_id("evt_");
    event.account = object.account;
    event.created = books_.now();
    event.type = std::move(type);
    event.object = printed(object, event_view());
    event.previous_attributes = std::move(previous_attributes);
    std::tie(event.request, event.key) = cause_;
    const auto account = settings_.accounts.find(event.account);
    event.pending = account != settings_.accounts.end() && account->second.told;
    news_.push_back(event.id);
    books_.events.touch(books_.events.put(std::move(event)));
}

}  // namespace kassi::sandbox::stripe
