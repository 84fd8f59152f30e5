#pragma once

#include "providers/stripe/stripe.hpp"
#include "scenes.hpp"

/// Payments by Stripe, and its answers.
namespace kassi::providers::test {

inline Stage stripe_stage(bool known = true) {
    Stage stage("stripe-demo", "stripe");
    stage.leg.credential = "stripe_token";
    stage.parcel.credential = {"stripe_token", "tok_1ADFKgHIklODsaxBUr5gE6ca"};
    if (known) stage.leg.references = {{"intent", "pi_1"}};
    return stage;
}

inline Money isk(std::int64_t minor) {
    return {minor, *Currency::parse("ISK", "currency")};
}

struct IntentText {
    std::string status = "requires_capture";
    std::string amount = "11000", capturable = "11000", received = "0";
    std::string currency = "gbp";
    std::string more;
    std::string reference = our_reference;
    std::string id = "pi_1";
};

inline std::string intent_json(const IntentText& intent) {
    return R"({"id":")" + intent.id + R"(","object":"payment_intent","status":")" + intent.status +
           R"(","amount":)" + intent.amount + R"(,"amount_capturable":)" + intent.capturable +
           R"(,"amount_received":)" + intent.received + R"(,"currency":")" + intent.currency +
           R"(","metadata":{"kassi_reference":")" + intent.reference + R"("})" + intent.more + "}";
}

inline std::string intent_in(std::string status) {
    IntentText intent;
    if (status != "requires_capture") intent.capturable = "0";
    if (status == "succeeded") intent.received = "11000";
    intent.status = std::move(status);
    return intent_json(intent);
}

inline std::string error_json(std::string_view code, std::string_view more = "",
                              std::string_view type = "card_error") {
    return R"({"error":{"type":")" + std::string(type) + R"(","code":")" + std::string(code) +
           R"(","message":"Your card 4242 was declined, says the bank.")" + std::string(more) + "}}";
}

inline core::Step begin(Stage& stage, core::Verb verb, const Merchant& merchant = stripe_merchant()) {
    return stripe_flow().begin(stage.scene(verb), merchant);
}

inline core::Step hear(Stage& stage, core::Verb verb, const core::Heard& heard,
                       const Merchant& merchant = stripe_merchant()) {
    return stripe_flow().resume(stage.scene(verb), merchant, heard);
}

}  // namespace kassi::providers::test
