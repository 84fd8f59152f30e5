#pragma once

#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "base/crypto.hpp"
#include "providers/flow.hpp"

/// What a flow gets to see, as a test wants it.
namespace kassi::providers::test {

inline constexpr Instant the_time{std::chrono::seconds{1'768'039'200}};  // 2026-01-10T10:00:00Z

/// Owns what a Scene only refers to.
struct Stage {
    core::Transaction transaction;
    core::Leg leg;
    core::Parcel parcel;
    core::Journey journey;
    core::Verb verb = core::Verb::open;
    Money amount{11'000, *Currency::parse("GBP", "currency")};
    std::int64_t refund_no = 0;
    std::string return_url = "https://shop.example/back/T1/";
    bool credit_exhausted = false;
    std::optional<Instant> provider_time;
    Instant now = the_time;

    explicit Stage(std::string merchant, std::string flow) {
        transaction.id = *TransactionId::parse("0191e0a2-0000-7000-8000-0000000000ab", "id");
        leg.no = 2;
        leg.sources = {"ext_test1"};
        leg.merchant = std::move(merchant);
        leg.flow = std::move(flow);
        leg.amount = amount;
    }
    [[nodiscard]] core::Scene scene() const {
        return {transaction,
                leg,
                parcel,
                journey,
                parcel.credential,
                verb,
                amount,
                refund_no,
                return_url,
                "https://pay.example",
                now,
                now + std::chrono::minutes(10),
                credit_exhausted,
                provider_time};
    }
    [[nodiscard]] core::Scene scene(core::Verb of) {
        verb = of;
        refund_no = of == core::Verb::refund ? 3 : 0;
        return scene();
    }
};

inline const std::string our_reference = "0191e0a2-0000-7000-8000-0000000000ab-2";

inline Merchant credit_merchant() {
    return {.name = "credit", .provider = "on_credit", .base_url = "", .settings = {}, .secrets = {}};
}

inline Merchant redirect_merchant() {
    return {.name = "demo-redirect",
            .provider = "redirect",
            .base_url = "http://127.0.0.1:8081/redirect/v1",
            .settings = {},
            .secrets = {{"api_key", Secret<>{"the-api-key-of-the-merchant"}},
                        {"notice_secret", Secret<>{"the-notice-secret"}}}};
}

/// A house that can neither be asked nor tells anything.
inline Merchant page_merchant(bool is_signed) {
    Merchant merchant{
        .name = "page-house", .provider = "redirect", .base_url = "", .settings = {}, .secrets = {}};
    merchant.settings = {
        {"can_be_asked", "false"}, {"notifies", "false"}, {"page_url", "https://house.example/pay"}};
    if (is_signed) {
        merchant.settings["signed_return"] = "true";
        merchant.secrets = {{"return_secret", Secret<>{"the-return-secret"}}};
    }
    return merchant;
}

inline Merchant stripe_merchant() {
    return {.name = "stripe-demo",
            .provider = "stripe",
            .base_url = "http://127.0.0.1:8081",
            .settings = {{"publishable_key", "pk_test_abc123"}, {"statement_descriptor", "A Theatre"}},
            .secrets = {{"secret_key", Secret<>{"sk_test_the0secret0key"}},
                        {"webhook_secret", Secret<>{"whsec_the-first-secret"}}}};
}

/// Takes cards and tokens.
inline Merchant borgun_merchant() {
    return {.name = "demo-creditcard",
            .provider = "borgun",
            .base_url = "http://127.0.0.1:8081/borgun/rpg",
            .simulator = true,
            .settings = {{"public_key", "100001_puTHE0PUBLIC0KEY"}, {"accepts", "card,token"}},
            .secrets = {{"private_key", Secret<>{"100001_prTHE0PRIVATE0KEY"}}}};
}

inline Merchant borgun_sale_merchant() {
    auto merchant = borgun_merchant();
    merchant.name = "sale-house";
    merchant.settings = {{"sale_only", "true"}, {"notifies", "false"}};
    return merchant;
}

/// With the key of the reference's vectors.
inline Merchant securepay_merchant() {
    return {.name = "demo-securepay",
            .provider = "securepay",
            .base_url = "http://127.0.0.1:8081/borgun/securepay",
            .simulator = true,
            .settings = {{"merchant_id", "9275444"}, {"gateway_id", "16"}},
            .secrets = {{"secret_key", Secret<>{"SimSecret-0001"}}}};
}

inline std::string hmac_hex(std::string_view secret, std::string_view text) {
    return encoding::hex(crypto::to_bytes(crypto::hmac_sha256(secret, text)));
}

template <class T>
const T& as(const core::Step& step) {
    if (!std::holds_alternative<T>(step)) {
        std::string why = "the step is alternative " + std::to_string(step.index());
        if (const auto* unknown = std::get_if<core::Unknown>(&step)) why += ": unknown, " + unknown->why;
        if (const auto* not_done = std::get_if<core::NotDone>(&step)) why += ": not done, " + not_done->why;
        if (const auto* declined = std::get_if<core::Declined>(&step))
            why += ": declined, " + declined->why.code;
        throw std::logic_error(why);
    }
    return std::get<T>(step);
}

template <class T>
bool is(const core::Step& step) {
    return std::holds_alternative<T>(step);
}

inline core::Heard answered(int status, std::string body) {
    return core::Answered{{status, {}, std::move(body)}};
}

inline std::string session_json(std::string_view status, std::string_view more = "") {
    return R"({"id":"rs_1","status":")" + std::string(status) + R"(","reference":")" + our_reference +
           R"(","amount":11000,"currency":"GBP")" + std::string(more) + "}";
}

}  // namespace kassi::providers::test
