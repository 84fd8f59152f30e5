#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "providers/credentials/apple_pay.hpp"
#include "sandbox/simulators/apple_device.hpp"

/// One simulated Apple and one merchant for all cases of a binary.
namespace kassi::tests {

namespace pay = providers::apple_pay;
namespace device = sandbox::apple;

inline constexpr std::string_view merchant = "merchant.is.example.shop";
inline constexpr std::string_view visa_number = "4111111111111111";
inline constexpr std::string_view mastercard_number = "5555555555554444";

inline Instant noon() {
    using namespace std::chrono;
    return sys_days(year(2026) / November / 28) + hours(12);
}

inline const device::AppleWorld& world() {
    static const auto made = device::AppleWorld::make(noon());
    return made;
}

inline const device::Papers& papers() {
    static const auto issued = world().issue(std::string(merchant), noon());
    return issued;
}

/// Trusts the simulated root; has the keys of both versions.
inline pay::Options options() {
    pay::Options out;
    out.merchant_identifier = merchant;
    for (const auto* paper : {&papers().processing_ec, &papers().processing_rsa})
        out.keys.push_back({paper->certificate_pem, paper->key_pem});
    out.root_pem = world().root_pem();
    return out;
}

inline const pay::Verifier& verifier() {
    static const auto made = pay::Verifier::make(options()).value();
    return *made;
}

/// 25.00 pounds by Visa, signed at noon.
inline device::Order order(device::Version version = device::Version::ec_v1) {
    device::Order out;
    out.version = version;
    out.processing_certificate_pem = version == device::Version::ec_v1
                                         ? papers().processing_ec.certificate_pem
                                         : papers().processing_rsa.certificate_pem;
    out.number = visa_number;
    out.currency = "826";
    out.signed_at = noon();
    return out;
}

/// "" accepted, else the title of the step that failed.
inline std::string failed_step(std::string_view token, Instant at = noon(),
                               const pay::Verifier& by = verifier()) {
    const auto failure = by.failure(token, at);
    return failure ? std::string(pay::title(failure->step)) : "";
}

}  // namespace kassi::tests
