#include "tests/simulation/town.hpp"

namespace kassi::simulation {

namespace {
/// What SecurePay wants to read, as the flow answers it.
std::string acknowledgement() {
    for (const auto* flow : providers::Registry::flows())
        if (flow->name() == "securepay") return std::string(flow->acknowledgement().body);
    return {};
}
}  // namespace

Town::Town(Stage& stage, SendNotice send)
    : redirect(stage, stage.life.seed, send),
      stripe(stage, stage.life.seed, send),
      borgun(stage, stage.life.seed,
             [send](const HttpRequest& request, const auto& answer) {
                 send(request, [answer](int status) { answer(status, ""); });
             }),
      page(stage, stage.life.seed,
           [send](const HttpRequest& request, const auto& answer) {
               send(request,
                    [answer](int status) { answer(status, status == 200 ? acknowledgement() : ""); });
           }),
      stage_(stage) {}

void Town::storm() {
    redirect.storm();
    stripe.storm();
    borgun.storm();
    page.storm();
}

void Town::calm() {
    redirect.calm();
    stripe.calm();
    borgun.calm();
    page.calm();
}

Handler Town::handler(std::string_view origin) const {
    if (origin == StripeStreet::address) return stripe.handler();
    if (origin == BorgunStreet::address) return borgun.handler();
    if (origin == PageStreet::address) return page.handler();
    KASSI_ENSURE(origin == RedirectStreet::address);
    return redirect.handler();
}

std::size_t Town::moves() const {
    return redirect.moves() + stripe.moves() + borgun.moves() + page.moves();
}

std::vector<providers::Merchant> Town::merchants() {
    std::vector<providers::Merchant> all;
    using Texts = std::map<std::string, std::string>;
    const auto merchant = [&all](std::string name, std::string provider, std::string base_url, Texts settings,
                                 const Texts& secrets) -> providers::Merchant& {
        providers::Merchant m;
        m.name = std::move(name);
        m.provider = std::move(provider);
        m.base_url = std::move(base_url);
        m.settings = std::move(settings);
        for (const auto& [key, value] : secrets) m.secrets[key] = Secret<>(value);
        all.push_back(std::move(m));
        return all.back();
    };
    const std::string house = std::string(RedirectStreet::address) + "/redirect/v1";
    merchant("credit", "on_credit", "", {}, {});
    merchant("asked", "redirect", house, {}, {{"api_key", "key-asked"}, {"notice_secret", "notice-asked"}});
    merchant("quiet", "redirect", house, {{"notifies", "false"}, {"callout_type", "post"}},
             {{"api_key", "key-quiet"}});
    merchant(RedirectStreet::blind, "redirect", "",
             {{"can_be_asked", "false"},
              {"notifies", "false"},
              {"page_url", std::string(RedirectStreet::address) + "/tickets/dummy_redirect.buy/silent"}},
             {});
    for (const std::string name : {"stripe", "deaf"}) {
        auto& made = merchant(name, "stripe", StripeStreet::address,
                              {{"publishable_key", StripeStreet::publishable_key(name)}},
                              {{"secret_key", StripeStreet::secret_key(name)}});
        if (name == "stripe") made.secrets["webhook_secret"] = Secret<>(StripeStreet::webhook_secret(name));
    }
    for (const auto& shop : BorgunStreet::shops()) {
        std::string accepts = shop.takes_cards ? "card" : "";
        if (shop.takes_tokens) accepts += accepts.empty() ? "token" : ",token";
        if (shop.takes_opened) accepts += ",network_token";
        Texts with{{"accepts", accepts},
                   {"notifies", shop.notifies ? "true" : "false"},
                   {"sale_only", shop.sale_only ? "true" : "false"}};
        if (shop.takes_tokens) with["public_key"] = BorgunStreet::public_key(shop.name);
        if (shop.name == "tokens" && stage_.one_in(3)) with["three_d_secure"] = "always";
        if (shop.name == "cards" && stage_.one_in(2))
            with["mpi_continue"] = "1,2,3,4,5,6,91,92,93,94,95,96,99";
        auto& made = merchant(shop.name, "borgun", BorgunStreet::base_url, std::move(with),
                              {{"private_key", BorgunStreet::private_key(shop.name)}});
        if (shop.takes_wallets) made.apple_pay = WalletStreet::shop();
    }
    merchant(PageStreet::merchant, "securepay", PageStreet::base_url,
             {{"merchant_id", PageStreet::id}, {"gateway_id", PageStreet::gateway}},
             {{"secret_key", PageStreet::secret}});
    return all;
}

void Town::check(const core::Transaction& transaction, const core::Leg& leg) {
    if (!sees(transaction, leg)) return;
    if (StripeStreet::has(leg.merchant)) return stripe.check(transaction, leg);
    if (is_borgun(leg.merchant)) return borgun.check(transaction, leg);
    if (is_page(leg.merchant)) return page.check(transaction, leg);
    redirect.check(transaction, leg);
}

void Town::check_token(const TransactionId& id, const core::Leg& leg, const core::Credential& credential) {
    if (StripeStreet::has(leg.merchant)) stripe.check_token(id, leg, credential);
    if (is_borgun(leg.merchant)) borgun.check_token(id, leg, credential);
}

bool Town::check_end(const core::Transaction& transaction, const core::Leg& leg,
                     const std::string& credential) {
    if (!sees(transaction, leg)) return true;
    if (StripeStreet::has(leg.merchant)) return stripe.check_end(transaction, leg);
    if (is_borgun(leg.merchant)) return borgun.check_end(transaction, leg, credential);
    if (is_page(leg.merchant)) return page.check_end(transaction, leg);
    return redirect.check_end(transaction, leg);
}

std::int64_t Town::has_of(const core::Transaction& transaction, const core::Leg& leg) {
    if (StripeStreet::has(leg.merchant)) return stripe.has_of(transaction, leg);
    if (is_borgun(leg.merchant)) return borgun.has_of(transaction, leg);
    if (is_page(leg.merchant)) return page.has_of(transaction, leg);
    return RedirectStreet::has(leg.merchant) ? redirect.has_of(transaction, leg) : 0;
}

void Town::forget_tokens() {
    stripe.forget_tokens();
    borgun.forget_tokens();
}

std::optional<core::LegMoney> Town::person(const core::Transaction& transaction, const core::Leg& leg,
                                           const std::string& credential) {
    if (!sees(transaction, leg)) return std::nullopt;
    if (StripeStreet::has(leg.merchant)) return stripe.person(transaction, leg);
    if (is_borgun(leg.merchant) && core::needs_person(leg))
        return borgun.person(transaction, leg, credential);
    if (is_page(leg.merchant) && core::needs_person(leg)) return page.person(transaction, leg);
    if (RedirectStreet::has(leg.merchant)) return redirect.person(transaction, leg);
    return std::nullopt;
}

}  // namespace kassi::simulation
