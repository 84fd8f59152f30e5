#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// What is wrong with a request, as ServiceStack's responseStatus says it.
namespace kassi::api::ticket_order {

/// One member of the request. `field` is its path as JSON spells it: "orderDetails[1].count".
struct Fault {
    std::string code;  ///< "NotEmpty", "GreaterThan", "SerializationException"
    std::string field;
    std::string message;  ///< never repeats a value
    bool operator==(const Fault&) const = default;
};
using Faults = std::vector<Fault>;
inline constexpr std::size_t faults_max = 20;  ///< further ones are not told

struct Refusal {
    ErrorKind kind = ErrorKind::bad_request;
    std::string code;
    std::string message;
    Faults faults = {};
};

/// A value, or why there is none.
template <class T>
using Outcome = boost::system::result<T, Refusal>;

[[noreturn]] void throw_exception_from_error(const Refusal& refusal, const boost::source_location& where);

/// The words of .NET for what went wrong: ArgumentException, Unauthorized, Forbidden, NotFound, ...
Refusal refusal_of(const Error& error);
/// The request has no proper form: "Unable to bind to request 'TicketOrder'".
Refusal cannot_bind(std::string_view operation, Faults faults);
/// It has, and makes no sense: code and message of the first fault. `faults` is not empty.
Refusal not_valid(Faults faults);

}  // namespace kassi::api::ticket_order
