#include <gmock/gmock.h>

#include "providers/stripe/amounts.hpp"
#include "stripe_scenes.hpp"

namespace kassi::providers {
namespace {

using namespace test;
using core::Verb;
using testing::HasSubstr;
using testing::Not;

Fields form_of(const core::Request& request) {
    return *encoding::parse_form(request.body, "body");
}

std::string value(const Fields& fields, std::string_view name) {
    const auto* found = find_field(fields, name);
    return found == nullptr ? "(absent)" : *found;
}

// ---- configuration -------------------------------------------------------------------------------------

TEST(StripeConfiguration, HoldsFirstAndAsksForWhatIsMissing) {
    const auto facts = *stripe_flow().configure(stripe_merchant());
    EXPECT_TRUE(facts.has_open && facts.can_hold && facts.can_query && facts.can_close && facts.can_refund &&
                facts.can_refund_part && facts.notifies && facts.test_only);
    EXPECT_EQ(facts.notice_trust, core::Trust::proof);
    EXPECT_EQ(facts.browser, core::Browser::maybe);
    core::Leg leg;
    EXPECT_TRUE(core::lacks_credential(leg, facts));
    leg.credential = "stripe_token";
    EXPECT_FALSE(core::lacks_credential(leg, facts));
}

TEST(StripeConfiguration, NamesWhatIsWrong) {
    const auto field = [](const std::function<void(Merchant&)>& spoil) {
        auto merchant = stripe_merchant();
        spoil(merchant);
        const auto facts = stripe_flow().configure(merchant);
        return facts ? std::string("accepted") : facts.error().field;
    };
    EXPECT_EQ(field([](Merchant&) {}), "accepted");
    EXPECT_EQ(field([](Merchant& m) { m.base_url.clear(); }), "accepted") << "Stripe's own";
    EXPECT_EQ(field([](Merchant& m) { m.base_url = "https://a.example/"; }), "base_url");
    EXPECT_EQ(field([](Merchant& m) { m.settings.erase("publishable_key"); }), "publishable_key");
    EXPECT_EQ(field([](Merchant& m) { m.settings["publishable_key"] = "sk_test_abc123"; }),
              "publishable_key");
    EXPECT_EQ(field([](Merchant& m) { m.settings["publishable_key"] = "pk_live_abc123"; }), "publishable_key")
        << "the other mode than the secret key's";
    EXPECT_EQ(field([](Merchant& m) { m.secrets.erase("secret_key"); }), "secret_key");
    EXPECT_EQ(
        field([](Merchant& m) { m.secrets.insert_or_assign("secret_key", Secret<>{"pk_test_a1b2c3"}); }),
        "secret_key");
    EXPECT_EQ(
        field([](Merchant& m) { m.secrets.insert_or_assign("secret_key", Secret<>{"rk_test_a1b2c3"}); }),
        "accepted");
    EXPECT_EQ(field([](Merchant& m) { m.secrets.insert_or_assign("secret_key", Secret<>{"sk_test_a b"}); }),
              "secret_key");
    EXPECT_EQ(field([](Merchant& m) {
                  m.secrets.erase("webhook_secret");
                  m.secrets.emplace("webhook_secret_next", Secret<>{"whsec_2"});
              }),
              "webhook_secret");
    EXPECT_EQ(field([](Merchant& m) { m.settings["script_url"] = "no url"; }), "script_url");
    EXPECT_EQ(field([](Merchant& m) { m.settings["currencies"] = "GBP,???"; }), "currencies");
    EXPECT_EQ(field([](Merchant& m) { m.settings["reusable_tokens"] = "tok_1"; }), "accepted");
    EXPECT_EQ(field([](Merchant& m) {
                  m.settings["publishable_key"] = "pk_live_abc123";
                  m.secrets.insert_or_assign("secret_key", Secret<>{"sk_live_a1b2c3"});
                  m.settings["reusable_tokens"] = "tok_1";
              }),
              "reusable_tokens");
}

TEST(StripeConfiguration, WithLiveKeysMovesRealMoney) {
    auto merchant = stripe_merchant();
    merchant.settings["publishable_key"] = "pk_live_abc123";
    merchant.secrets.insert_or_assign("secret_key", Secret<>{"sk_live_a1b2c3"});
    EXPECT_FALSE(stripe_flow().configure(merchant)->test_only);
}

TEST(StripeConfiguration, TellsFrontEndsWhatTheyNeed) {
    const auto debitor = *stripe_flow().debitor(stripe_merchant());
    EXPECT_EQ(debitor.type, "stripe");
    EXPECT_EQ(debitor.name, "stripe");
    EXPECT_EQ(debitor.description, "Stripe Debitor");
    EXPECT_EQ(debitor.integration_json,
              R"({"publishable_key":"pk_test_abc123","statement_descriptor":"A Theatre"})");
}

// ---- amounts -------------------------------------------------------------------------------------------

struct WireAmount {
    std::string_view currency;
    std::int64_t minor, wire;
};
class StripeAmounts : public testing::TestWithParam<WireAmount> {};

TEST_P(StripeAmounts, GoThereAndBack) {
    const auto& [code, minor, wire] = GetParam();
    const Money money{minor, *Currency::parse(code, "currency")};
    EXPECT_EQ(stripe::to_wire(money), wire);
    EXPECT_EQ(stripe::from_wire(wire, money.currency.lower_code()), money);
}
INSTANTIATE_TEST_SUITE_P(
    EveryKind, StripeAmounts,
    testing::Values(WireAmount{"GBP", 1050, 1050}, WireAmount{"ISK", 2500, 250000}, WireAmount{"ISK", 5, 500},
                    WireAmount{"UGX", 5, 500}, WireAmount{"JPY", 500, 500}, WireAmount{"KRW", 500, 500},
                    WireAmount{"BIF", 500, 500}, WireAmount{"CLP", 500, 500}, WireAmount{"DJF", 500, 500},
                    WireAmount{"GNF", 500, 500}, WireAmount{"KMF", 500, 500}, WireAmount{"PYG", 500, 500},
                    WireAmount{"RWF", 500, 500}, WireAmount{"VND", 500, 500}, WireAmount{"VUV", 500, 500},
                    WireAmount{"XAF", 500, 500}, WireAmount{"XOF", 500, 500}, WireAmount{"XPF", 500, 500},
                    WireAmount{"MGA", 500, 5}, WireAmount{"HUF", 1050, 1050}, WireAmount{"TWD", 1050, 1050},
                    WireAmount{"KWD", 5120, 5120},
                    WireAmount{"ISK", payment_minor_max, payment_minor_max * 100}));

TEST(StripeAmounts, ThatAreNoneAreNotRead) {
    EXPECT_EQ(stripe::from_wire(250050, "isk"), std::nullopt) << "there are no parts of a króna";
    EXPECT_EQ(stripe::from_wire(-1, "gbp"), std::nullopt);
    EXPECT_EQ(stripe::from_wire(payment_minor_max + 1, "gbp"), std::nullopt);
    EXPECT_EQ(stripe::from_wire(INT64_MAX, "isk"), std::nullopt);
    EXPECT_EQ(stripe::from_wire(1, "???"), std::nullopt);
}

TEST(StripeAmounts, AreTakenInSteps) {
    const auto facts = *stripe_flow().configure(stripe_merchant());
    const auto step = [&](std::string_view code) {
        for (const auto& [name, size] : facts.steps)
            if (name == code) return size;
        return std::int64_t{1};
    };
    EXPECT_EQ(step("KWD"), 10);
    EXPECT_EQ(step("MGA"), 100);
    EXPECT_EQ(step("IQD"), 0);
    EXPECT_EQ(step("ISK"), 1);
}

// ---- requests ------------------------------------------------------------------------------------------

TEST(StripeRequests, CreateHoldsAndDoesNotTake) {
    Stage stage = stripe_stage(false);
    stage.amount = isk(2500);
    const auto ask = as<core::Ask>(begin(stage, Verb::authorise));
    EXPECT_EQ(ask.request.method + " " + ask.request.path, "POST /v1/payment_intents");
    EXPECT_EQ(ask.repeat, core::Repeat::same_key);
    EXPECT_EQ(ask.key, our_reference + "-authorise");
    EXPECT_EQ(value(ask.request.headers, "Idempotency-Key"), ask.key);
    EXPECT_EQ(ask.key_until, stage.now + std::chrono::hours(23)) << "Stripe forgets after 24";
    const auto form = form_of(ask.request);
    EXPECT_EQ(value(form, "amount"), "250000");
    EXPECT_EQ(value(form, "currency"), "isk");
    EXPECT_EQ(value(form, "confirm"), "true");
    EXPECT_EQ(value(form, "capture_method"), "manual");
    EXPECT_EQ(value(form, "payment_method_types[0]"), "card");
    EXPECT_EQ(value(form, "payment_method_data[type]"), "card");
    EXPECT_EQ(value(form, "payment_method_data[card][token]"), "tok_1ADFKgHIklODsaxBUr5gE6ca");
    EXPECT_EQ(value(form, "return_url"), stage.return_url);
    EXPECT_EQ(value(form, "error_on_requires_action"), "(absent)");
    EXPECT_EQ(value(form, "metadata[kassi_reference]"), our_reference);
}

TEST(StripeRequests, CreateTakesAPaymentMethodToo) {
    Stage stage = stripe_stage(false);
    stage.parcel.credential.value = "pm_card_visa";
    const auto form = form_of(as<core::Ask>(begin(stage, Verb::authorise)).request);
    EXPECT_EQ(value(form, "payment_method"), "pm_card_visa");
    EXPECT_EQ(value(form, "payment_method_data[type]"), "(absent)");
}

TEST(StripeRequests, WithoutAWayBackNoAuthenticationIsBegun) {
    Stage stage = stripe_stage(false);
    stage.return_url.clear();
    const auto form = form_of(as<core::Ask>(begin(stage, Verb::authorise)).request);
    EXPECT_EQ(value(form, "return_url"), "(absent)");
    EXPECT_EQ(value(form, "error_on_requires_action"), "true");
}

TEST(StripeRequests, NewerVersionsCallTheTypesOtherwise) {
    auto merchant = stripe_merchant();
    merchant.settings["api_version"] = "2026-10-28.endive";
    Stage stage = stripe_stage(false);
    const auto form = form_of(as<core::Ask>(begin(stage, Verb::authorise, merchant)).request);
    EXPECT_EQ(value(form, "allowed_payment_method_types[0]"), "card");
    EXPECT_EQ(value(form, "payment_method_types[0]"), "(absent)");
}

TEST(StripeRequests, EveryVerbHasAKeyOfItsOwn) {
    Stage stage = stripe_stage();
    const auto ask = [&](Verb verb) { return as<core::Ask>(begin(stage, verb)); };
    EXPECT_EQ(ask(Verb::capture).request.path, "/v1/payment_intents/pi_1/capture");
    EXPECT_EQ(value(form_of(ask(Verb::capture).request), "amount_to_capture"), "11000");
    EXPECT_EQ(ask(Verb::void_hold).request.path, "/v1/payment_intents/pi_1/cancel");
    EXPECT_EQ(ask(Verb::close).request.path, "/v1/payment_intents/pi_1/cancel");
    EXPECT_EQ(ask(Verb::refund).request.path, "/v1/refunds");
    EXPECT_EQ(value(form_of(ask(Verb::refund).request), "payment_intent"), "pi_1");
    EXPECT_EQ(value(form_of(ask(Verb::refund).request), "metadata[kassi_reference]"), our_reference + "-3");
    EXPECT_EQ(ask(Verb::capture).key, our_reference + "-capture-1");
    EXPECT_EQ(ask(Verb::refund).key, our_reference + "-refund-3");
    EXPECT_NE(ask(Verb::void_hold).key, ask(Verb::close).key);
    EXPECT_EQ(ask(Verb::query).repeat, core::Repeat::safe);
}

TEST(StripeRequests, WhatIsBegunAgainHasAFreshKeyWhereItCannotBeDoneTwice) {
    Stage stage = stripe_stage();
    const auto key = [&](Verb verb, std::int64_t calls) {
        stage.leg.calls = calls;
        return as<core::Ask>(begin(stage, verb)).key;
    };
    for (const Verb verb : {Verb::capture, Verb::void_hold, Verb::close})
        EXPECT_NE(key(verb, 4), key(verb, 6)) << "an answer stored under the old key would come for a day";
    for (const Verb verb : {Verb::authorise, Verb::refund}) EXPECT_EQ(key(verb, 4), key(verb, 6));
}

TEST(StripeRequests, WhatWasHeldIsCapturedAndNotMore) {
    Stage stage = stripe_stage();
    stage.leg.taken_minor = 10'000;
    EXPECT_EQ(value(form_of(as<core::Ask>(begin(stage, Verb::capture)).request), "amount_to_capture"),
              "10000");
}

TEST(StripeRequests, AnIntentWhoseIdWasNeverHeardIsSoughtInTheList) {
    Stage stage = stripe_stage(false);
    stage.leg.made_since = the_time;
    const auto ask = as<core::Ask>(begin(stage, Verb::query));
    EXPECT_EQ(ask.request.path, "/v1/payment_intents?created%5Bgte%5D=1768038600&limit=100");
    EXPECT_TRUE(is<core::Done>(begin(stage, Verb::close))) << "nobody was sent anywhere with it";
    EXPECT_TRUE(is<core::Unknown>(begin(stage, Verb::capture)));
}

/// Since when the list that looks for the intent is asked for.
Instant sought_since(Stage& stage) {
    const auto path = as<core::Ask>(begin(stage, Verb::query)).request.path;
    const auto fields = *encoding::parse_form(path.substr(path.find('?') + 1), "query");
    return Instant{std::chrono::seconds{std::stoll(value(fields, "created[gte]"))}};
}

TEST(StripeRequests, TheListBeginsByStripesOwnClockWhateverOurs) {
    Stage stage = stripe_stage(false);
    for (const auto ahead : {std::chrono::hours{4}, std::chrono::hours{0}, std::chrono::hours{-4}}) {
        stage.leg.made_since.reset();
        stage.now = the_time + ahead;
        stage.transaction.handed_over_at = stage.now;
        stage.transaction.purchase_asked_at = stage.now;
        stage.provider_time = the_time;
        const auto ask = as<core::Ask>(begin(stage, Verb::authorise));
        EXPECT_EQ(ask.made_since, the_time);
        stage.leg.made_since = ask.made_since;
        stage.provider_time = the_time + std::chrono::hours{5};
        EXPECT_EQ(sought_since(stage), the_time - std::chrono::minutes{10})
            << "not by what was heard since, less what Stripe's servers may differ by";
    }
}

TEST(StripeRequests, TheListBeginsADayBeforeThePurchaseWhereStripeWasNotHeard) {
    Stage stage = stripe_stage(false);
    EXPECT_EQ(as<core::Ask>(begin(stage, Verb::authorise)).made_since, std::nullopt);
    stage.provider_time = the_time;  // heard since
    stage.transaction.handed_over_at = the_time + std::chrono::hours{3};
    EXPECT_EQ(sought_since(stage), the_time - std::chrono::hours{21});
    stage.transaction.purchase_asked_at = the_time + std::chrono::hours{4};
    EXPECT_EQ(sought_since(stage), the_time - std::chrono::hours{20});
}

TEST(StripeRequests, OnlyTheFirstCallOfALegSaysSinceWhen) {
    Stage stage = stripe_stage(false);
    stage.provider_time = the_time;
    stage.leg.calls = 1;
    EXPECT_EQ(as<core::Ask>(begin(stage, Verb::authorise)).made_since, std::nullopt)
        << "what the one before made may be older";
    stage.leg.calls = 0;
    stage.transaction.put_back = 1;
    EXPECT_EQ(as<core::Ask>(begin(stage, Verb::authorise)).made_since, std::nullopt)
        << "and so may what was made after the copy";
}

TEST(StripeRequests, AreDressedWithKeyAndVersionOfToday) {
    Stage stage = stripe_stage();
    const auto ask = as<core::Ask>(begin(stage, Verb::capture));
    const auto dressed = stripe_flow().dress(ask.request, stripe_merchant());
    EXPECT_EQ(dressed.target, "http://127.0.0.1:8081/v1/payment_intents/pi_1/capture");
    EXPECT_EQ(dressed.header("Authorization"), "Bearer sk_test_the0secret0key");
    EXPECT_EQ(dressed.header("Stripe-Version"), "2026-08-26.dahlia");
    auto merchant = stripe_merchant();
    merchant.base_url.clear();
    EXPECT_TRUE(stripe_flow().dress(ask.request, merchant).target.starts_with("https://api.stripe.com/v1/"));
}

// ---- the token -----------------------------------------------------------------------------------------

Result<std::string> admit(std::string value, const Merchant& merchant = stripe_merchant()) {
    auto admitted = stripe_flow().admit({"stripe_token", std::move(value)}, merchant, the_time);
    if (!admitted) return admitted.error();
    EXPECT_FALSE(admitted->everywhere);
    return admitted->key;
}

TEST(StripeTokens, AreGoodForOnePayment) {
    EXPECT_EQ(*admit("tok_1ADFKgHIklODsaxBUr5gE6ca"), "tok_1ADFKgHIklODsaxBUr5gE6ca");
    EXPECT_EQ(*admit("pm_1ADFKgHIklODsaxBUr5gE6ca"), "pm_1ADFKgHIklODsaxBUr5gE6ca");
}

TEST(StripeTokens, OfTestsMayBeUsedAgainWithTestKeysOnly) {
    auto merchant = stripe_merchant();
    EXPECT_EQ(*admit("tok_visa"), "");
    EXPECT_EQ(*admit("pm_card_visa"), "");
    merchant.settings["reusable_tokens"] = "tok_2,tok_1A";
    EXPECT_EQ(*admit("tok_1A", merchant), "");
    EXPECT_EQ(*admit("tok_1B", merchant), "tok_1B");
    merchant = stripe_merchant();
    merchant.settings["publishable_key"] = "pk_live_abc123";
    merchant.secrets.insert_or_assign("secret_key", Secret<>{"sk_live_a1b2c3"});
    EXPECT_EQ(*admit("tok_visa", merchant), "tok_visa");
}

TEST(StripeTokens, OfAnotherFormAreRefusedByName) {
    for (const std::string text :
         {"", "visa", "tok_", "tok_a b", "src_1", "4242424242424242", "tok_1&amount=1", "tok_ü"}) {
        const auto refused = admit(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().field, "stripeToken");
        if (text.size() > 4) {
            EXPECT_THAT(refused.error().message, Not(HasSubstr(text)));
        }
    }
    EXPECT_TRUE(admit("tok_" + std::string(251, 'a')));
    EXPECT_FALSE(admit("tok_" + std::string(252, 'a')));
    EXPECT_FALSE(stripe_flow().admit({"card", "tok_1"}, stripe_merchant(), the_time));
}

TEST(StripeTokens, AtHandNeedNoCallout) {
    Stage stage = stripe_stage(false);
    EXPECT_TRUE(is<core::Done>(begin(stage, Verb::open)));
}

TEST(StripeTokens, ThatAreMissingAreAskedForAtAPageOfOurs) {
    Stage stage = stripe_stage(false);
    stage.parcel.credential = {};
    const auto callout = as<core::Waiting>(begin(stage, Verb::open)).callout;
    EXPECT_TRUE(callout.hosted);
    EXPECT_EQ(callout.type, "get");
    EXPECT_EQ(callout.integration_json,
              R"({"publishable_key":"pk_test_abc123","statement_descriptor":"A Theatre"})");
    const auto page = *stripe_flow().page(callout, isk(2500), stripe_merchant(), {});
    EXPECT_THAT(page.body_html, HasSubstr("data-key=\"pk_test_abc123\""));
    EXPECT_THAT(page.body_html, Not(HasSubstr("sk_test")));
    EXPECT_EQ(page.script_url, "https://js.stripe.com/v3/");
    EXPECT_THAT(page.frame_sources, testing::Contains("https://hooks.stripe.com"));
}

TEST(StripeTokens, ComeBackWithTheBrowser) {
    Stage stage = stripe_stage(false);
    stage.parcel.credential = {};
    const auto back = [&](Fields fields) {
        return hear(stage, Verb::open, core::Returned{std::move(fields)});
    };
    const auto token = [&](Fields fields) {
        return as<core::Done>(back(std::move(fields))).credential.value;
    };
    EXPECT_EQ(token({{"stripeToken", "tok_1"}}), "tok_1");
    EXPECT_EQ(token({{"order", "77"}, {"stripeToken", "tok_1"}, {"stripeToken", "tok_1"}}), "tok_1");
    EXPECT_FALSE(admit(token({{"stripeToken", "tok_1"}, {"stripeToken", "tok_2"}}))) << "which?";
    EXPECT_EQ(token({{"stripetoken", "tok_1"}}), "") << "and is refused as missing";
    EXPECT_EQ(token({{"stripeToken", ""}}), "");
    for (const Fields& given_up : {Fields{}, Fields{{"cancelled", "yes"}, {"stripeToken", ""}},
                                   Fields{{"is_tsw_callout_timeout_callback", "1"}}})
        EXPECT_EQ(as<core::Declined>(back(given_up)).why.code, "cancelled");
}

// ---- the return from the bank --------------------------------------------------------------------------

TEST(StripeReturns, AreNotBelievedButLookedUp) {
    Stage stage = stripe_stage();
    for (const Fields& fields : {Fields{{"payment_intent", "pi_1"}, {"redirect_status", "succeeded"}},
                                 Fields{{"redirect_status", "failed"}}, Fields{}}) {
        const auto ask = as<core::Ask>(hear(stage, Verb::authorise, core::Returned{fields}));
        EXPECT_EQ(ask.as, Verb::query);
        EXPECT_EQ(ask.request.method, "GET");
        EXPECT_TRUE(ask.request.path.starts_with("/v1/payment_intents/pi_1?"));
    }
    EXPECT_TRUE(is<core::Unknown>(hear(stage, Verb::authorise, core::Returned{{{"payment_intent", "pi_2"}}})))
        << "proves nothing and spends nothing";
}

TEST(StripeReturns, LeaveNoTokenAndNoSecretInTheJournal) {
    const auto kept = stripe_flow().evidence({{"stripeToken", "tok_1"},
                                              {"payment_intent_client_secret", "pi_1_secret_x"},
                                              {"payment_intent", "pi_1"},
                                              {"redirect_status", "succeeded"},
                                              {"redirect_status", "4242424242424242"}});
    EXPECT_EQ(kept[0], (core::EvidenceField{"stripeToken", core::Keep::drop, "", 5}));
    EXPECT_EQ(kept[1].keep, core::Keep::drop);
    EXPECT_EQ(kept[2].value, "pi_1");
    EXPECT_EQ(kept[3].value, "succeeded");
    EXPECT_EQ(kept[4].keep, core::Keep::drop);
}

}  // namespace
}  // namespace kassi::providers
