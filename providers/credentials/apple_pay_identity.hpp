#pragma once

#include <optional>
#include <string>

/// A merchant's Identity Certificate: what it is, without the network.
namespace kassi::providers::apple_pay {

/// Of a PEM text, leaf first. Why the gateway would never take it for this merchant; plain words that go on
/// after "the file ". Says nothing of dates.
std::optional<std::string> refusal_of_identity(const std::string& certificate_pem,
                                               const std::string& merchant_identifier);

}  // namespace kassi::providers::apple_pay
