#include "tests/simulation/wallet_street.hpp"

#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "sandbox/simulators/apple_device.hpp"

namespace kassi::simulation {
namespace {

namespace apple = sandbox::apple;

constexpr std::string_view identifier = "merchant.test.kassi.simulation";
/// Signatures differ in length from run to run, and what comes back is written down with its length.
constexpr std::size_t token_bytes = 6'000;

struct World {
    apple::AppleWorld world = apple::AppleWorld::make(beginning);
    apple::Papers papers = world.issue(std::string(identifier), beginning);
};
const World& world() {
    static const World made;
    return made;
}

std::string digits_of(const Currency& currency) {
    const auto number = std::to_string(currency.number());
    return std::string(3 - number.size(), '0') + number;
}

}  // namespace

std::shared_ptr<const providers::apple_pay::Shop> WalletStreet::shop() {
    static const auto made = [] {
        providers::apple_pay::Options options;
        options.merchant_identifier = identifier;
        options.root_pem = world().world.root_pem();
        options.keys.push_back(
            {world().papers.processing_ec.certificate_pem, world().papers.processing_ec.key_pem});
        auto shop = std::make_shared<providers::apple_pay::Shop>();
        shop->name = "wallet";
        shop->verifier = *providers::apple_pay::Verifier::make(std::move(options));
        return std::shared_ptr<const providers::apple_pay::Shop>(std::move(shop));
    }();
    return made;
}

std::string WalletStreet::cryptogram() {
    const auto bytes = crypto::sha256("cryptogram " + std::to_string(++made_));
    return encoding::base64(crypto::to_bytes(bytes).substr(0, 20));
}

std::string WalletStreet::token(const std::string& number, const TransactionId& id, const Money& amount) {
    if (!before_.empty() && stage_.one_in(8)) return before_.back();
    apple::Order order;
    order.processing_certificate_pem = world().papers.processing_ec.certificate_pem;
    order.number = number;
    order.expiry = "341231";
    order.currency = digits_of(amount.currency);
    order.amount = std::to_string(stage_.one_in(12) ? amount.minor + 1 : amount.minor);
    order.cryptogram = cryptogram();
    order.application_data = id.text();
    order.transaction_id = encoding::hex(crypto::to_bytes(crypto::sha256("wallet " + std::to_string(made_))));
    order.signed_at = stage_.clock.at - (stage_.one_in(15) ? Millis{400'000} : Millis{0});
    auto text = world().world.token(order);
    text.resize(std::max(text.size(), token_bytes), ' ');
    before_.push_back(text);
    return text;
}

std::string WalletStreet::opened(const std::string& number) {
    const bool mastercard = number.starts_with('5');
    return R"({"number":")" + number + R"(","expiry":"1234",")" + (mastercard ? "ucaf" : "cavv") + R"(":")" +
           cryptogram() + "\"}";
}

}  // namespace kassi::simulation
