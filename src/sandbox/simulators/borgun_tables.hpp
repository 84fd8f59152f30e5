#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What the sandbox's Borgun knows by heart, as data: currencies, answer codes, test cards and amounts.
namespace kassi::sandbox::borgun {

struct CurrencyRow {
    std::string_view number;  ///< "352", leading zeros kept
    std::string_view code;    ///< "ISK"
    int places;               ///< of an RPG amount: 2, JPY 0
    int exponent;             ///< of an MPI amount, by ISO 4217
};
/// Nullptr when Borgun does not know it.
const CurrencyRow* currency_of_number(std::string_view number);
const CurrencyRow* currency_of_code(std::string_view code);

struct ActionRow {
    std::string_view code;
    std::string_view meaning;
    bool is_error;  ///< TransactionStatus Error instead of Declined
};
std::span<const ActionRow> action_rows();
/// Nullptr for a code that is on no list.
const ActionRow* action_of(std::string_view code);

struct MdRow {
    int status;
    std::string_view message;   ///< MdErrorMessage
    std::string_view enrolled;  ///< EnrollmentStatus
    std::string_view answer;    ///< AuthenticationStatus, "" none
    std::string_view level;     ///< SecurityLevelInd that a payment gets from it; "" takes no payment
};
std::span<const MdRow> md_rows();
/// A status that is on no list reads as a failure.
MdRow md_of(int status);

/// How a test card behaves.
struct Plan {
    int protocol = 2;                  ///< 3DS 1 or 2
    bool method = false;               ///< 3DS Method first, when the merchant can be told its end
    int enrolls = 9;                   ///< MdStatus of the enrollment's last answer
    int ends = 1;                      ///< MdStatus of the validation, when the cardholder authenticates
    std::string code = "000";          ///< ActionCode
    bool needs_3ds = false;            ///< 130 without it
    bool charges_anyway = false;       ///< with a code that means Error: the money moves all the same
    bool exponent_zero_fails = false;  ///< MdStatus 5 to Exponent 0
    bool operator==(const Plan&) const = default;
};
Plan plan_of(std::string_view pan);

struct CardRow {
    std::string_view number;  ///< whole, or the last four digits
    Plan plan;
    std::string_view note;
};
/// Whole numbers, then endings.
std::span<const CardRow> card_rows();

/// How a card of the simulator's own range comes to its MdStatus.
enum class How : char {
    at_once = '0',           ///< the enrollment says it
    challenge_1 = '1',       ///< 3DS 1, the validation says it
    challenge_2 = '2',       ///< 3DS 2, the validation says it
    method_challenge = '3',  ///< 3DS Method first
    method = '4',            ///< 3DS Method, then the second enrollment says it
};
/// A number of that range: Visa 455500, Mastercard 555500, how, two digits of MdStatus, three that make the
/// check digit right, 0 (or 1: charges anyway), three of ActionCode. `code` has three digits.
std::string test_card(How how, int md_status, std::string_view code, bool mastercard = false,
                      bool charges_anyway = false);

/// Which call an amount decides.
enum class Call { authorise, capture, cancel, refund };
/// 900,CCC whole units decide the ActionCode of the authorisation, 901,CCC of the capture, 902,CCC of the
/// cancel, 903,CCC of the refund. Nullopt for every other amount.
std::optional<std::string> code_of_amount(std::int64_t amount, const CurrencyRow& currency, Call call);

bool passes_luhn(std::string_view digits);
/// "MasterCard"
std::string_view card_type(std::string_view pan);
/// First six and last four digits.
std::string masked(std::string_view pan);

}  // namespace kassi::sandbox::borgun
