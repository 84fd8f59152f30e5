#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_message.hpp"
#include "base/result.hpp"
#include "providers/credentials/apple_pay.hpp"

/// What is said to Apple's gateway when a page opens the sheet (reference/applepay.md section 2). Pure.
namespace kassi::providers::apple_pay {

inline constexpr std::string_view production_gateway = "https://apple-pay-gateway.apple.com";
inline constexpr std::string_view china_gateway = "https://cn-apple-pay-gateway.apple.com";
/// Apple's sandbox: testers' cards, no money.
inline constexpr std::string_view test_gateway = "https://apple-pay-gateway-cert.apple.com";
inline constexpr std::string_view session_path = "/paymentservices/paymentSession";
inline constexpr std::string_view association_path =
    "/.well-known/apple-developer-merchantid-domain-association";

inline constexpr std::size_t display_name_characters_max = 64;
inline constexpr std::size_t session_bytes_max = 64 * 1024;  ///< of the gateway's answer
inline constexpr std::size_t validation_url_bytes_max = 512;

/// Real money: Apple's production or that of China.
bool is_live_gateway(std::string_view url);
bool is_test_gateway(std::string_view url);

/// The browser's event.validationURL. It is never used as an address, and who sends another one than Apple
/// would is told so: https, exactly a host of Apple's or the shop's own gateway, its port, a path that Apple
/// has. Error: bad_request naming "validation_url".
std::optional<Error> refusal_of_validation_url(std::string_view url, const Shop& shop);

/// `domain` in lower case without port, or "" for the shop's first. Nullptr: not one of the shop's.
const std::string* find_domain(const Shop& shop, std::string_view domain);

/// The call to the gateway; its target is the absolute URL.
HttpRequest session_request(const Shop& shop, std::string_view domain);

/// What came of it.
struct SessionAnswer {
    std::string session;  ///< byte for byte as it came; "" there is none
    std::string why;      ///< plain words, nothing of the gateway's text but its code
    bool again = false;   ///< 417 comes to good merchants, too, now and then: once more is worth it
};
SessionAnswer read_session(const HttpResponse& response);

}  // namespace kassi::providers::apple_pay
