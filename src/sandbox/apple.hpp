#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/tls_identity.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "sandbox/simulators/apple_device.hpp"

/// Apple, as the sandbox has it: one shop, its papers, and who issued them. Kept in the data folder, so that
/// a token that was taken before a restart can be opened after it.
namespace kassi::sandbox {

inline constexpr std::string_view demo_shop_name = "demo-shop";
inline constexpr std::string_view demo_merchant_identifier = "merchant.example.kassi.demo";

struct AppleTown {
    apple::AppleWorld world;
    apple::Papers papers;
};
/// From <folder>/apple.json, made when it is missing: that takes a second. Throws std::runtime_error naming
/// the file that is not understood.
AppleTown apple_town(const std::filesystem::path& folder, Instant now);

/// Of the gateway's listener, by the real clock, made anew at each start.
struct GatewayTls {
    std::string authority_pem;  ///< what its clients must trust
    http::TlsIdentity identity;
};
GatewayTls gateway_tls();

/// The shop as Kassi knows it. `gateway` is "https://127.0.0.1:8083", `simulators` where the stand-in is,
/// `kassi` where the pages are.
std::shared_ptr<const providers::apple_pay::Shop> demo_shop(const AppleTown& town, std::string_view gateway,
                                                            std::string_view simulators,
                                                            std::string_view kassi);

}  // namespace kassi::sandbox
