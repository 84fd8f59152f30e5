#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/directory.hpp"
#include "providers/credentials/apple_pay.hpp"

/// An [[apple_pay]] of the configuration, once its texts and files are read.
namespace kassi::service {

inline constexpr std::size_t apple_domains_max = 99;  ///< Apple takes no more for a merchant identifier
inline constexpr std::size_t domain_bytes_max = 253;

struct ShopRead {
    providers::apple_pay::Shop shop;         ///< without its verifier
    providers::apple_pay::Options verifier;  ///< of it
    bool test_gateway = false;               ///< live mode takes Apple's sandbox
};

/// What is wrong: the key as the file has it ("gateway", "processing.0.key"), and why.
using ShopFaults = std::vector<std::pair<std::string, std::string>>;

/// All that is wrong; nothing: the shop has its verifier. `public_url` is where our own page is.
ShopFaults complete(ShopRead& read, engine::Mode mode, const std::string& public_url);

}  // namespace kassi::service
