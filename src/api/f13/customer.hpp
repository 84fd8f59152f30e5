#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

/// The customer of purchase.v1 (pure).
namespace kassi::api::f13 {

using Countries = std::vector<std::pair<std::string, std::string>>;  ///< lower-case code, name

struct CustomerTerms {
    const Countries& allowed;  ///< empty: any two letters
    bool needs_email_address = false;
    bool needs_agent_reference = false;
    bool may_be_absent = false;  ///< there is one from the hand-over
};

/// The customer as a JSON object under F13's own parameter names (README.md), "" when the call has none and
/// may have none. The country is looked at first. Errors: bad_request naming the parameter; the country's
/// error is "Country code 'foobar' in customer data is invalid".
Result<std::string> read_customer(const Fields& fields, const CustomerTerms& terms);

/// What is wrong with an e-mail address, under F13's own name for it (error_key) and in words.
struct EmailFault {
    std::string_view key;
    std::string_view text;
};
/// Whether it may be one: something before one '@', a name with a dot after it, no blanks and no control
/// characters. What is before it may stand in quotes, and hold blanks and '@'. Blanks around it are not
/// looked at, and read_customer leaves them out. "" has no fault. Its length is read_customer's business.
std::optional<EmailFault> email_fault(std::string_view given);

/// The "customer" object of an answer, from what read_customer made. A customer that came another way prints
/// what it has under the same names.
void write_customer(JsonWriter& out, std::string_view customer_json, const Countries& countries);

}  // namespace kassi::api::f13
