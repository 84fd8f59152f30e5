#pragma once

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

/// The "customer" object of an answer, from what read_customer made. A customer that came another way prints
/// what it has under the same names.
void write_customer(JsonWriter& out, std::string_view customer_json, const Countries& countries);

}  // namespace kassi::api::f13
