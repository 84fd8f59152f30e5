#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <utility>

namespace kassi {

/// What kind of refusal an error is. Doors map it to their own status codes in one place each.
enum class ErrorKind {
    bad_request,         ///< malformed or invalid input; `field` names what is wrong
    unauthenticated,     ///< no or wrong credentials
    forbidden,           ///< known caller, not permitted
    not_found,           ///< unknown, or another caller's
    method_not_allowed,  ///< wrong HTTP method
    conflict,            ///< the state does not allow it (named refusal)
    gone,                ///< existed, and is spent or over
    too_large,           ///< over a named limit
    unsupported_media,   ///< content type that nobody reads here
    unavailable,         ///< queue full, disk full, shutting down: nothing was changed, try again
    internal,            ///< a defect or a broken store; never says more than that outside
};

/// An error as a value. `message` is for people and never holds a secret; `field` is the name of the
/// input as its door spells it ("" when the whole is meant). The state is as it was before.
struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string field;
    std::string message;
    bool operator==(const Error&) const = default;
};

/// boost::system::result: holds a T or an Error, `if (!r) return r.error();`, `*r`.
template <class T>
using Result = boost::system::result<T, Error>;

[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

inline Error bad_request(std::string field, std::string message) {
    return Error{ErrorKind::bad_request, std::move(field), std::move(message)};
}

/// Stays on in release: throws std::logic_error naming the place. For what cannot happen.
[[noreturn]] void ensure_failed(const char* what, const char* file, int line);

}  // namespace kassi

#define KASSI_ENSURE(condition) \
    ((condition) ? static_cast<void>(0) : ::kassi::ensure_failed(#condition, __FILE__, __LINE__))
