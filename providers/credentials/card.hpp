#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// A payment card as a customer types it: read, and found plausible or not, before anybody is asked. Neither
/// an error nor a fault repeats a character of it.
namespace kassi::providers::card {

inline constexpr std::string_view credential_kind = "card";
inline constexpr std::size_t text_bytes_max = 4096;  ///< of the whole credential
inline constexpr std::size_t number_digits_max = 19;
inline constexpr std::size_t billing_bytes_max = 200;  ///< a line of the address

enum class Scheme : std::uint8_t { visa, mastercard, maestro, amex, diners, discover, jcb, unionpay };
/// "visa", as settings spell it.
std::string_view word(Scheme scheme);
/// "Visa", for people.
std::string_view title(Scheme scheme);
std::optional<Scheme> scheme_from_word(std::string_view text);
/// By its first digits; nullopt when nobody issues such numbers. `digits` may be anything.
std::optional<Scheme> scheme_of(std::string_view digits);
bool is_digits(std::string_view text);  ///< at least one, and nothing else
/// Of a scheme that we know, with a length that it has and the right check digit. `digits` may be anything.
bool is_number(std::string_view digits);

/// What is not plausible. In the order in which a customer should hear of it.
enum class Fault : std::uint8_t {
    scheme_unknown,       ///< no digits, or first digits of nobody's
    scheme_not_accepted,  ///< the merchant takes other schemes
    number_invalid,       ///< length or check digit
    expiry_invalid,       ///< missing, or no month
    expired,
    cvc_missing,
    cvc_invalid,
    issue_missing,  ///< old cards of the United Kingdom have it, or a start date
    issue_invalid,
    start_missing,
    start_invalid,  ///< no month, in the future, or behind the expiry
};
/// The member that is wrong: "number", "expiry", "cvc", "issue", "start".
std::string_view member_of(Fault fault);
/// "The card has expired."
std::string_view text_of(Fault fault);
/// bad_request naming "card." and the member, with text_of().
Error error_of(Fault fault);
/// What an error says that error_of() made, whatever stands before its field; nullopt for another.
std::optional<Fault> fault_of(const Error& error);

struct Month {
    int year = 0;   ///< 2026
    int month = 0;  ///< 1 to 12
    auto operator<=>(const Month&) const = default;
};

/// "0427" is April 2027; a century earlier when that is past `latest_year` (start dates may be old).
std::optional<Month> read_month(std::string_view text, int latest_year = 2099);
Month month_of(Instant at);

struct Card {
    Secret<> number;  ///< digits only
    Secret<> cvc;     ///< digits only, "" not given
    Month expiry;
    std::optional<Month> start;
    std::string issue;
    std::optional<Scheme> scheme;
};

struct Rules {
    bool forgives_expiry = false;  ///< demo accounts only
    bool wants_cvc = false;
    std::vector<Scheme> accepted = {};  ///< empty: all
};

struct Read {
    Card card;                  ///< to be used only without faults
    std::vector<Fault> faults;  ///< in the order above, each once
};

/// {"number","expiry":"MMYY","start":"MMYY","cvc","issue","billing":{"line_one","line_two","town","county",
/// "postcode","country"}}: texts, number with blanks or dashes or without; "" is the same as absent; billing
/// is checked for its form only. Error: bad_request naming "card" or the member ("card.billing.town") that
/// has no such form; what has the form and is not plausible is a fault.
Result<Read> read(std::string_view text, const Rules& rules, Instant now);

}  // namespace kassi::providers::card
