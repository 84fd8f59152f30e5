#pragma once

#include <memory>
#include <string>

#include "providers/credentials/apple_pay.hpp"
#include "sandbox/simulators/apple_device.hpp"

/// A shop with the simulated Apple, and its customers' tokens.
namespace kassi::sandbox::test {

inline constexpr std::string_view wallet_merchant = "merchant.is.example.shop";
inline constexpr std::string_view visa_device = "4111111111111111", mastercard_device = "5555555555554444";
inline constexpr std::string_view the_cryptogram = "FBUWFxgZGhscHR4fICEiIyQlJic=";

/// Made once a process: its keys take their time.
struct Apple {
    apple::AppleWorld world;
    apple::Papers papers;

    explicit Apple(Instant now)
        : world(apple::AppleWorld::make(now)), papers(world.issue(std::string(wallet_merchant), now)) {}
    static const Apple& at(Instant now) {
        static const Apple made(now);
        return made;
    }
    [[nodiscard]] std::shared_ptr<const providers::apple_pay::Shop> shop(
        bool wants_application_data = true) const {
        providers::apple_pay::Options options;
        options.merchant_identifier = wallet_merchant;
        options.root_pem = world.root_pem();
        for (const auto* paper : {&papers.processing_ec, &papers.processing_rsa})
            options.keys.push_back({paper->certificate_pem, paper->key_pem});
        auto shop = std::make_shared<providers::apple_pay::Shop>();
        shop->name = "shop";
        shop->wants_application_data = wants_application_data;
        shop->verifier = *providers::apple_pay::Verifier::make(std::move(options));
        return shop;
    }
    /// 4990 kr. by Visa, for the transaction with this id.
    [[nodiscard]] apple::Order order(const std::string& transaction, Instant now) const {
        apple::Order order;
        order.processing_certificate_pem = papers.processing_ec.certificate_pem;
        order.number = visa_device;
        order.amount = "4990";
        order.cryptogram = the_cryptogram;
        order.application_data = transaction;
        order.signed_at = now;
        return order;
    }
};

}  // namespace kassi::sandbox::test
