#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/merchant_sessions.hpp"
#include "house.hpp"
#include "sandbox/simulators/apple_device.hpp"

/// A shop with Apple behind the doors, and a gateway that a test tells what to say.
namespace kassi::doors {

/// Its domains: ours, and a caller's.
inline std::shared_ptr<const providers::apple_pay::Shop> apple_shop() {
    static const auto made = [] {
        const Instant now = HandClock().now();
        const auto world = sandbox::apple::AppleWorld::make(now);
        const auto papers = world.issue("merchant.example.doors", now);
        auto shop = std::make_shared<providers::apple_pay::Shop>();
        shop->name = "shop";
        shop->display_name = "Doors & Co";
        shop->domains = {"127.0.0.1", "shop.example"};
        shop->gateway_url = "https://127.0.0.1:9443";
        shop->domain_association = "what Apple wants to read\n";
        shop->stand_in_script = "http://127.0.0.1:9001/apple/stand-in.js";
        providers::apple_pay::Options options;
        options.merchant_identifier = papers.merchant_identifier;
        options.root_pem = world.root_pem();
        options.keys = {{papers.processing_ec.certificate_pem, papers.processing_ec.key_pem}};
        shop->verifier = *providers::apple_pay::Verifier::make(std::move(options));
        return shop;
    }();
    return made;
}

class GatewayInHand final : public api::MerchantSessions {
  public:
    void open(const std::shared_ptr<const providers::apple_pay::Shop>& shop, const std::string& domain,
              std::function<void(api::MerchantSession)> done) override {
        asked.push_back(shop->name + " " + domain);
        done(says);
    }
    api::MerchantSession says{R"({ "nonce" : "0a1b", "retries":0 })", "", false};
    std::vector<std::string> asked;
};

/// A house with that shop and that gateway.
struct AppleHouse {
    AppleHouse() {
        house.sessions = &gateway;
        house.restart_with(apple_shop());
    }
    GatewayInHand gateway;
    House house;
};

}  // namespace kassi::doors
