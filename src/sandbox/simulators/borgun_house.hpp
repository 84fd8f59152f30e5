#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/http_message.hpp"

namespace kassi::sandbox {

inline constexpr std::size_t borgun_objects_max = 1'000'000;  ///< of each kind: tokens, payments, events, ...
inline constexpr std::size_t borgun_body_bytes_max = 64 * 1024;
inline constexpr std::int64_t borgun_token_seconds_max = 365LL * 24 * 3600;  ///< TokenLifetime
inline constexpr Millis borgun_mpi_token_life{60LL * 60'000};
inline constexpr Millis borgun_hold_life{7LL * 24 * 3'600'000};
inline constexpr Millis borgun_late_answer{60'000};  ///< until the gateway knows what a host timeout had done
inline constexpr int borgun_event_tries_max = 25;    ///< at once and hourly for 24 hours
inline constexpr Millis borgun_event_pause{3'600'000};
inline constexpr int borgun_securepay_tries_max = 8;
inline constexpr std::size_t borgun_fault_rules_max = 100;
inline constexpr std::int64_t borgun_fault_times_max = 1'000'000;
inline constexpr std::int64_t borgun_fault_ms_max = 600'000;

/// The sandbox's Borgun: the RPG gateway, its MPI, the issuer's access control server and the hosted page
/// SecurePay, written from the provider's documentation (borgun.md beside this file) and sharing no code with
/// the flow. Everything is in memory; there is no thread, socket, file or clock of its own, and equal inputs
/// give equal outputs. What has to outlive it goes through Save and load(): tokens, payments, MPI records,
/// hosted payments, events and ledger, but neither faults nor notices that are on their way.
///
/// Card numbers and CVCs live as long as the request that brought them. What is kept of a card is the masked
/// number, a keyed digest, the expiry, and how a test card of that number behaves.
///
/// Paths: /borgun/rpg/api/... (the gateway), /borgun/acs/... (the issuer's pages), /borgun/securepay/... (the
/// hosted page), /borgun/_ledger and /borgun/_faults. Any other path is 404.
class BorgunHouse {
  public:
    /// What a strict gateway may hold an MPI token against (reference: real behaviour is not known).
    struct Checks {
        bool mpi_token_once = true;   ///< a second payment with the same MPI token: 400
        bool mpi_token_life = true;   ///< older than borgun_mpi_token_life: 400
        bool mpi_validated = true;    ///< a challenge that was never validated: ActionCode 130
        bool mpi_amount = true;       ///< another amount or currency than enrolled: 400
        bool mpi_card = true;         ///< another card than enrolled: 400
        bool whole_krona = true;      ///< ISK amounts that are no multiple of 100: 400
        bool term_url_query = false;  ///< a TermUrl with a query string: 400
    };
    struct Merchant {
        std::string name;               ///< on the pages and in the ledger
        std::string private_key = {};   ///< Basic user name; "" fits nobody
        std::string public_key = {};    ///< may make single-use tokens and nothing else
        std::string securepay_id = {};  ///< merchantid; "" has no hosted page
        std::string securepay_secret = {};
        std::string securepay_gateway = {};  ///< paymentgatewayid
        std::string webhook_url = {};        ///< "" gets no events
        std::vector<std::string>
            currencies{};                      ///< alphabetic, the first is the default; none: every one, ISK
        bool forgives_expiry = false;          ///< an expired card is not declined with 101
        bool wants_3ds = false;                ///< 130 to every card without 3-D Secure
        bool isk_exponent_zero_fails = false;  ///< MdStatus 5 to ISK with Exponent 0
        bool lists_charset = false;            ///< _charset_ among RedirectToACSData of 3DS 1
        bool securepay_lower_case = false;     ///< "ok" instead of "OK"
        std::string mpi_token_name = "MPIToken";  ///< how the enrollment spells it; some read "MpiToken"
        bool one_partial_refund = false;          ///< a second refund is refused, whatever is left
        int decline_status = 201;                 ///< HTTP status of a payment that the issuer declined
        Millis hold_life = borgun_hold_life;      ///< a PreAuthorization runs out
        Checks checks = {};
    };
    struct Options {
        std::vector<Merchant> merchants;
        /// Where browsers and merchants reach the house: "http://127.0.0.1:8081".
        std::string page_origin = "http://127.0.0.1:8081";
        std::size_t objects_max = borgun_objects_max;
    };
    /// Sends a notice (absolute URL as target) and says what was answered: status (0 when nothing was) and
    /// body, since SecurePay wants to read "Accepted" there.
    using NoticeAnswer = std::function<void(int status, const std::string& body)>;
    using SendNotice = std::function<void(HttpRequest, NoticeAnswer)>;
    using After = std::function<void(Millis, std::function<void()>)>;
    /// Gets what a request changed, as one line of JSON without its end, before it is answered or anybody
    /// told.
    using Save = std::function<void(const std::string& line)>;

    /// `clock` and `randomness` must outlive the house and every handler() of it. Callbacks given to
    /// `send_notice` and `after` may be called when the house is gone: they do nothing then.
    BorgunHouse(Options options, const Clock& clock, Randomness& randomness, SendNotice send_notice,
                After after, Save save = {});
    ~BorgunHouse();
    BorgunHouse(const BorgunHouse&) = delete;
    BorgunHouse& operator=(const BorgunHouse&) = delete;

    /// Before the first request: the lines that Save got, in their order, one at each call and nullopt at the
    /// end. What belongs to a merchant that is not here any more is left out. Error: bad_request naming the
    /// line.
    [[nodiscard]] std::optional<Error> load(const std::function<std::optional<std::string>()>& next_line);
    /// All that the house knows now, as lines of which load() makes the same.
    void save_all(const Save& save) const;

    /// Answers on the thread that calls it. Under the faults dead and drop_answer the Reply is destroyed
    /// without having been called, at once or after the fault's `ms`.
    [[nodiscard]] Handler handler() const;

    struct Entry {
        Instant at{};
        std::string merchant;
        std::string transaction;  ///< "tr_...", of a hosted payment "sp_..."
        std::string reference;    ///< the merchant's order id
        std::string kind;         ///< "held" | "hold_gone" | "taken" | "given_back"
        std::int64_t minor = 0;   ///< in the gateway's unit: two extra digits, JPY none
        std::string currency;     ///< alphabetic
        bool operator==(const Entry&) const = default;
    };
    /// What /borgun/_ledger shows. "taken" after "held" of one transaction is its capture: no "hold_gone".
    [[nodiscard]] const std::vector<Entry>& ledger() const;

    struct FaultRule {
        std::string on;             ///< the step, or "*"
        std::string what;           ///< "do" of borgun.md
        Millis ms{0};               ///< of those that wait
        int times = 1;              ///< used up by one each time
        std::string merchant = {};  ///< "" any
    };
    /// As PUT /borgun/_faults: these instead of those that there were. Error: bad_request saying what is
    /// wrong; nothing was changed then.
    [[nodiscard]] std::optional<Error> set_faults(std::vector<FaultRule> rules);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kassi::sandbox
