// Prints tokens of the sandbox's Apple with all that is needed to open them, and what was put in: JSON, a
// list.
#include <cstdio>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "sandbox/simulators/apple_device.hpp"

namespace {

namespace apple = kassi::sandbox::apple;

void print(kassi::JsonWriter& json, const apple::AppleWorld& world, const apple::Papers& papers,
           apple::Order order) {
    const auto& paper = order.version == apple::Version::ec_v1 ? papers.processing_ec : papers.processing_rsa;
    order.processing_certificate_pem = paper.certificate_pem;
    json.begin_object()
        .field("certificate", paper.certificate_pem)
        .field("key", paper.key_pem.reveal())
        .field("root", world.root_pem())
        .field("merchant", papers.merchant_identifier)
        .key("token")
        .raw(world.token(order))
        .key("put_in")
        .begin_object()
        .field("number", order.number)
        .field("expiry", order.expiry)
        .field("currency", order.currency)
        .key("amount")
        .raw(order.amount)
        .field("cryptogram", order.cryptogram);
    if (order.eci) json.field("eci", *order.eci);
    json.end_object().end_object();
}

}  // namespace

int main() {
    const auto now = kassi::SystemClock().now();
    const auto world = apple::AppleWorld::make(now);
    const auto papers = world.issue("merchant.is.example.shop", now);
    kassi::JsonWriter json;
    json.begin_array();
    for (const auto version : {apple::Version::ec_v1, apple::Version::rsa_v1}) {
        apple::Order order;
        order.version = version;
        order.signed_at = now;
        order.number = "4111111111111111";
        order.cryptogram = kassi::encoding::base64("twenty bytes of Visa");
        order.eci = "5";
        print(json, world, papers, order);
        order.number = "5555555555554444";
        order.expiry = "290228";
        order.currency = "978";
        order.amount = "12345";
        order.cryptogram = kassi::encoding::base64("nineteen bytes here");
        order.eci.reset();
        order.application_data = "transaction-7";
        order.indefinite_lengths = false;
        print(json, world, papers, order);
    }
    json.end_array();
    std::puts(json.take().c_str());
    return 0;
}
