#include "providers/signed_notice.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/money.hpp"

namespace kassi::providers {
namespace {

struct Signature {
    std::int64_t at = 0;              ///< unix seconds
    std::vector<std::string> values;  ///< bytes of each v1
};

Error refused(std::string_view header, std::string why) {
    return Error{ErrorKind::unauthenticated, std::string(header), std::move(why)};
}

Result<Signature> read_signature(std::string_view name, std::string_view header) {
    Signature read;
    bool has_time = false;
    while (!header.empty()) {
        const std::size_t end = std::min(header.find(','), header.size());
        std::string_view piece = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        while (piece.starts_with(' ')) piece.remove_prefix(1);
        if (piece.starts_with("t=") && !has_time) {
            const auto at = minor_from_decimal(piece.substr(2), 0, "t");
            if (!at) return refused(name, "has no proper time");
            read.at = *at;
            has_time = true;
        } else if (piece.starts_with("v1=") && read.values.size() < notice_signatures_max) {
            if (const auto bytes = encoding::from_hex(piece.substr(3), "v1")) read.values.push_back(*bytes);
        }
    }
    if (!has_time || read.values.empty()) return refused(name, "is missing or malformed");
    return read;
}

}  // namespace

std::optional<Error> check_notice_signature(const HttpRequest& request, std::string_view header,
                                            const std::vector<std::string_view>& secrets, Instant now) {
    const auto signature = read_signature(header, request.header(header));
    if (!signature) return signature.error();
    bool fits = false;
    for (const auto secret : secrets) {
        if (secret.empty()) continue;
        const auto wanted =
            crypto::to_bytes(crypto::hmac_sha256(secret, std::to_string(signature->at) + "." + request.body));
        for (const auto& value : signature->values) fits = crypto::equal(value, wanted) || fits;
    }
    if (!fits) return refused(header, "does not fit the body");
    const Millis at{signature->at * 1000};
    const Millis age =
        now.time_since_epoch() > at ? now.time_since_epoch() - at : at - now.time_since_epoch();
    if (age > notice_tolerance) return refused(header, "is too old, or from the future");
    return std::nullopt;
}

}  // namespace kassi::providers
