#include "base/crypto.hpp"
#include "base/limits.hpp"
#include "stripe_scenes.hpp"

namespace kassi::faults {
namespace {

using testing::HasSubstr;

constexpr std::string_view door = "/webhooks/stripe/stripe-demo";
constexpr std::int64_t tolerance_seconds = 300;
constexpr std::int64_t leeway_seconds = 30;  ///< so that a slow machine changes nothing

/// A payment whose create is done and not answered, and whom no webhook of Stripe's reaches: what comes
/// through the door comes from here.
class Door : public testing::Test {
  protected:
    void SetUp() override { begin({}); }
    void begin(StripeTown::Options options) {
        town.reset();
        town.emplace(std::move(options));
        payment.emplace(*town, Scene::create);
        payment->prepare();
        town->rules(rules_for(Scene::create, R"("do":"delay","ms":60000)", false));
        payment->trigger_and_go();
        ASSERT_TRUE(town->wait_until([&] { return town->unanswered() == 1; }));
        version = town->glance(payment->id).transaction.version;
    }
    [[nodiscard]] json event(std::int64_t amount = price) const {
        return {{"id", "evt_1Door"},
                {"object", "event"},
                {"livemode", false},
                {"type", "payment_intent.amount_capturable_updated"},
                {"data",
                 {{"object",
                   {{"id", town->stripe().ledger().at(0).intent},
                    {"object", "payment_intent"},
                    {"status", "requires_capture"},
                    {"amount", price},
                    {"amount_capturable", amount},
                    {"currency", "gbp"},
                    {"metadata", {{"kassi_reference", payment->id.text() + "-1"}}}}}}}};
    }
    [[nodiscard]] std::int64_t seconds(std::int64_t from_now = 0) const {
        return std::chrono::floor<std::chrono::seconds>(town->now()).time_since_epoch().count() + from_now;
    }
    static std::string sign(std::string_view secret, std::int64_t at, const std::string& body) {
        return encoding::hex(crypto::to_bytes(crypto::hmac_sha256(secret, std::to_string(at) + "." + body)));
    }
    [[nodiscard]] std::string header(const std::string& body, std::string_view secret = webhook_secret,
                                     std::int64_t from_now = 0) const {
        return "t=" + std::to_string(seconds(from_now)) + ",v1=" + sign(secret, seconds(from_now), body);
    }
    static HttpRequest request(std::string body, const std::string& signature, std::string_view path = door,
                               std::string method = "POST") {
        HttpRequest made{std::move(method),
                         std::string(path),
                         {{"Content-Type", "application/json"}},
                         std::move(body),
                         ""};
        if (!signature.empty()) made.headers.emplace_back("Stripe-Signature", signature);
        return made;
    }
    void expect_refused(HttpRequest made, int status) {
        EXPECT_EQ(town->to_kassi(std::move(made)).status, status);
        EXPECT_EQ(town->glance(payment->id).transaction.version, version) << "nothing was believed";
        EXPECT_EQ(town->our_ledger(payment->id), "");
    }
    void expect_taken(HttpRequest made) {
        const auto answer = town->to_kassi(std::move(made));
        EXPECT_EQ(answer.status, 200) << answer.body;
        ASSERT_TRUE(town->wait_until([&] { return Payment::is_over(town->glance(payment->id)); }))
            << town->explain(payment->id);
        EXPECT_EQ(town->unanswered(), 1) << "the create itself was never answered";
    }

    std::optional<StripeTown> town;
    std::optional<Payment> payment;
    std::int64_t version = 0;
};

TEST_F(Door, RefusesASignatureOfSomebodyElse) {
    const auto body = event().dump();
    expect_refused(request(body, header(body, "whsec_somebody")), 401);
    expect_refused(request(body, ""), 401);
    expect_refused(request(body, "t=,v1="), 401);
    expect_refused(request(body, "v1=" + sign(webhook_secret, seconds(), body)), 401);
    expect_refused(
        request(body, "t=" + std::to_string(seconds()) + ",v0=" + sign(webhook_secret, seconds(), body)),
        401);
    expect_refused(request(body, header(body, webhook_secret_next)), 401);
    expect_refused(request(body, header(body, "")), 401);
    payment->expect_done();
}

TEST_F(Door, RefusesWhatIsOldOrOfTheFuture) {
    const auto body = event().dump();
    expect_refused(request(body, header(body, webhook_secret, -tolerance_seconds - leeway_seconds)), 401);
    expect_refused(request(body, header(body, webhook_secret, tolerance_seconds + leeway_seconds)), 401);
    // Another time over the signature of this one.
    auto newer = header(body, webhook_secret, -tolerance_seconds - leeway_seconds);
    newer.replace(0, newer.find(','), "t=" + std::to_string(seconds()));
    expect_refused(request(body, newer), 401);
    payment->expect_done();
}

TEST_F(Door, TakesWhatIsNearlyTooOld) {
    const auto body = event().dump();
    expect_taken(request(body, header(body, webhook_secret, -tolerance_seconds + leeway_seconds)));
    payment->expect_done();
}

TEST_F(Door, RefusesABodyThatWasTouched) {
    const auto body = event().dump();
    expect_refused(request(body + " ", header(body)), 401);
    expect_refused(request(event(1).dump(), header(body)), 401);
    expect_refused(request("", header(body)), 401);
    payment->expect_done();
}

TEST_F(Door, RefusesAnotherMerchantAndAnotherProvider) {
    const auto body = event().dump();
    expect_refused(request(body, header(body), "/webhooks/stripe/somebody"), 404);
    expect_refused(request(body, header(body), "/webhooks/redirect/stripe-demo"), 404);
    expect_refused(request(body, header(body), "/webhooks/stripe"), 404);
    expect_refused(request(body, header(body), std::string(door) + "/more"), 404);
    payment->expect_done();
}

TEST_F(Door, RefusesOtherMethods) {
    const auto body = event().dump();
    expect_refused(request("", header(""), door, "GET"), 405);
    expect_refused(request(body, header(body), door, "PUT"), 405);
    expect_refused(request("", "", door, "DELETE"), 405);
    payment->expect_done();
}

TEST_F(Door, RefusesWhatIsTooLargeAndWhatIsNoEvent) {
    auto large = event().dump();
    large += std::string(limits::request_body_bytes_max - large.size() + 1, ' ');
    expect_refused(request(large, header(large)), 413);
    for (const std::string body : {"", "[]", "{", "\xff", "{}"})
        expect_refused(request(body, header(body)), 400);
    auto live = event();
    live["livemode"] = true;
    expect_refused(request(live.dump(), header(live.dump())), 400);
    auto other = event();
    other["data"]["object"]["object"] = "charge";
    expect_refused(request(other.dump(), header(other.dump())), 400);
    payment->expect_done();
}

TEST_F(Door, TakesTheLargestThatItMay) {
    auto large = event().dump();
    large += std::string(limits::request_body_bytes_max - large.size(), ' ');
    expect_taken(request(large, header(large)));
    payment->expect_done();
}

TEST_F(Door, TakesAnyOfTwoSignatures) {
    const auto body = event().dump();
    const auto at = seconds();
    expect_taken(request(body, "t=" + std::to_string(at) + ",v1=" + sign("whsec_other", at, body) +
                                   ",v1=" + sign(webhook_secret, at, body)));
    payment->expect_done();
}

TEST_F(Door, TakesBothSecretsWhileTheyAreChanged) {
    for (const auto secret : {webhook_secret, webhook_secret_next}) {
        begin({.next_webhook_secret = true});
        const auto body = event().dump();
        expect_refused(request(body, header(body, "whsec_third")), 401);
        expect_taken(request(body, header(body, secret)));
        payment->expect_done();
    }
}

TEST_F(Door, HearsAnEventOnce) {
    const auto body = event().dump();
    expect_taken(request(body, header(body)));
    const auto after = town->glance(payment->id).transaction.version;
    for (int again = 0; again < 3; ++again)
        EXPECT_EQ(town->to_kassi(request(body, header(body))).status, 200);
    EXPECT_EQ(town->glance(payment->id).transaction.version, after);
    payment->expect_done();
}

TEST_F(Door, KeepsWhatSpeaksOfNothingThatWeKnow) {
    auto of_nobody = event();
    of_nobody["data"]["object"]["metadata"]["kassi_reference"] = "01a21f33-10d2-7ef7-bd59-bd7d2fcd7b3a-1";
    of_nobody["data"]["object"]["id"] = "pi_nobody";
    const auto body = of_nobody.dump();
    expect_refused(request(body, header(body)), 200);
    auto of_another = event();
    of_another["data"]["object"]["metadata"] = json::object();
    of_another["data"]["object"]["id"] = "pi_another";
    const auto other = of_another.dump();
    expect_refused(request(other, header(other)), 200);
    payment->expect_done();
}

/// Signed, with our reference, and yet it says another amount: no success.
TEST_F(Door, BelievesNoOtherAmount) {
    const auto body = event(price - 1).dump();
    EXPECT_EQ(town->to_kassi(request(body, header(body))).status, 200);
    ASSERT_TRUE(town->settle_down(payment->id));
    const auto said = town->v1("GET", payment->path).body;
    EXPECT_EQ(said.at("needs_person"), true) << said;
    EXPECT_NE(said.at("phase"), "purchased");
    EXPECT_EQ(town->stripe_ledger(payment->id), "held 11000") << "nothing was taken";
}

}  // namespace
}  // namespace kassi::faults
