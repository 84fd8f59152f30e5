#include "api/ticket_order/refusal.hpp"

#include <stdexcept>
#include <utility>

namespace kassi::api::ticket_order {
namespace {

std::string_view word_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::bad_request:
            return "ArgumentException";
        case ErrorKind::unauthenticated:
            return "Unauthorized";
        case ErrorKind::forbidden:
            return "Forbidden";
        case ErrorKind::not_found:
            return "NotFound";
        case ErrorKind::method_not_allowed:
            return "NotImplementedException";
        case ErrorKind::conflict:
            return "Conflict";
        case ErrorKind::gone:
            return "Gone";
        case ErrorKind::too_large:
            return "PayloadTooLarge";
        case ErrorKind::unsupported_media:
            return "UnsupportedMediaType";
        case ErrorKind::unavailable:
            return "ServiceUnavailable";
        case ErrorKind::internal:
            return "InternalServerError";
    }
    return "InternalServerError";
}

}  // namespace

void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
    throw std::logic_error("a refusal was taken for a value: " + refusal.code);
}

Refusal refusal_of(const Error& error) {
    Refusal refusal{error.kind, std::string(word_of(error.kind)), error.message};
    if (error.field.empty()) return refusal;
    refusal.message = error.field + ": " + error.message;
    refusal.faults.push_back({refusal.code, error.field, error.message});
    return refusal;
}

Refusal cannot_bind(std::string_view operation, Faults faults) {
    return {ErrorKind::bad_request, "SerializationException",
            "Unable to bind to request '" + std::string(operation) + "'", std::move(faults)};
}

Refusal not_valid(Faults faults) {
    KASSI_ENSURE(!faults.empty());
    auto code = faults.front().code;
    auto message = faults.front().field + ": " + faults.front().message;
    return {ErrorKind::bad_request, std::move(code), std::move(message), std::move(faults)};
}

}  // namespace kassi::api::ticket_order
