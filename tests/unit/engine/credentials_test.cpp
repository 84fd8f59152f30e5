#include <fstream>

#include "engine_world.hpp"

/// What the customer pays with, as the doors hand it in: which way it chooses, and that it pays once.
namespace kassi::engine {
namespace {

struct Credentials : EngineTest {
    static core::Credential token(std::string value) { return {"stripe_token", std::move(value)}; }
    static PurchaseRequest with(std::map<std::string, std::string> tokens) {
        PurchaseRequest request;
        for (auto& [source, value] : tokens) request.credentials[source] = token(std::move(value));
        return request;
    }
    HandOverRequest two() const {
        auto request = trolley();
        request.bundles.push_back({"b", "tickets", {300, *Currency::parse("GBP", "")}, {}});
        return request;
    }
    TransactionId handed(HandOverRequest request) { return hand_over(std::move(request))->transaction.id; }
    TransactionId handed() { return handed(trolley()); }
    core::Transaction state(const TransactionId& id) { return engine->view(id, "", "")->transaction; }
    Result<Engine::ReturnOutcome> back(const std::string& caller, const std::string& token, Fields fields) {
        std::optional<Result<Engine::ReturnOutcome>> outcome;
        engine->returned(caller, token, std::move(fields), "", meta(),
                         [&](Result<Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        pump([&] { return outcome.has_value(); });
        return std::move(*outcome);
    }
    std::string body_of_call() const {
        return outside.calls.empty() ? "" : outside.calls.front().request.body;
    }
    Result<NoticeHeard> event(const std::string& type, const std::string& object) {
        const auto seconds = std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(clock.at.time_since_epoch()).count());
        HttpRequest request{"POST", "/", {}, "", ""};
        request.body = R"({"id":"evt_1","object":"event","livemode":false,"type":")" + type +
                       R"(","data":{"object":)" + object + "}}";
        request.headers.emplace_back(
            "Stripe-Signature", "t=" + seconds + ",v1=" +
                                    encoding::hex(crypto::to_bytes(
                                        crypto::hmac_sha256("whsec_card", seconds + "." + request.body))));
        std::optional<Result<NoticeHeard>> heard;
        engine->notice("stripe", "card", std::move(request),
                       [&](Result<NoticeHeard> done) { heard = std::move(done); });
        pump([&] { return heard.has_value(); });
        return *heard;
    }
};

// ---- which way -------------------------------------------------------------------------------------------

TEST_F(Credentials, ChooseTheFirstWayThatTakesThem) {
    const auto id = handed(two());
    ASSERT_TRUE(purchase(id, with({{"b", "tok_1"}})));
    EXPECT_EQ(state(id).legs[0].merchant, "credit") << "without one: the caller's first";
    EXPECT_EQ(state(id).legs[1].merchant, "card") << "not the first, and not the last";
    EXPECT_EQ(state(id).legs[1].credential, "stripe_token");
}

TEST_F(Credentials, LeaveAWayThatWasNamedAsItIs) {
    const auto id = handed();
    auto request = with({{"a", "tok_1"}});
    request.ways["a"] = "card-two";
    ASSERT_TRUE(purchase(id, request));
    EXPECT_EQ(state(id).legs[0].merchant, "card-two");
}

TEST_F(Credentials, ThatTheNamedWayDoesNotTakeAreRefused) {
    const auto id = handed();
    for (const char* way : {"credit", "house"}) {
        auto request = with({{"a", "tok_1"}});
        request.ways["a"] = way;
        request.returns.emplace().via = core::ReturnVia::kassi;
        const auto refused = purchase(id, request);
        ASSERT_FALSE(refused) << way;
        EXPECT_EQ(refused.error().field, "credentials.a");
        EXPECT_EQ(refused.error().kind, ErrorKind::bad_request);
    }
    auto unknown = with({{"a", "tok_1"}});
    unknown.credentials["a"].kind = "beads";
    EXPECT_EQ(purchase(id, unknown).error().field, "credentials.a") << "no way takes it";
    EXPECT_EQ(state(id).phase, core::Phase::reserved);
}

TEST_F(Credentials, ForWhatWaitsForNoPaymentAreRefused) {
    auto request = two();
    request.bundles[1].amount.minor = 0;
    const auto id = handed(request);
    for (const char* source : {"zzz", "b"})
        EXPECT_EQ(purchase(id, with({{"a", "tok_1"}, {source, "tok_2"}})).error().field,
                  std::string("credentials.") + source);
    EXPECT_EQ(purchase(id, with({{"4111111111111111", "tok_2"}})).error().message.find("4111"),
              std::string::npos);
    EXPECT_EQ(state(id).phase, core::Phase::reserved);
}

// ---- once ------------------------------------------------------------------------------------------------

TEST_F(Credentials, SpentByAnotherTransactionAreRefusedAndNothingMoves) {
    const auto first = handed(), second = handed();
    ASSERT_TRUE(purchase(first, with({{"a", "tok_1"}})));
    const auto before = state(second);
    const auto refused = purchase(second, with({{"a", "tok_1"}}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_request);
    EXPECT_EQ(refused.error().field, "credentials.a");
    EXPECT_EQ(refused.error().message, "was used before: it is good for one payment");
    EXPECT_EQ(state(second), before);
    ASSERT_EQ(outside.calls.size(), 1U);
    restart();
    EXPECT_EQ(purchase(second, with({{"a", "tok_1"}})).error().field, "credentials.a")
        << "after a restart, too";
    ASSERT_TRUE(purchase(second, with({{"a", "tok_2"}}))) << "with another it is paid";
}

TEST_F(Credentials, AreOfOneMerchant) {
    const auto first = handed(), second = handed();
    ASSERT_TRUE(purchase(first, with({{"a", "tok_1"}})));
    auto other = with({{"a", "tok_1"}});
    other.ways["a"] = "card-two";
    EXPECT_TRUE(purchase(second, other)) << "another account's tokens are others";
}

TEST_F(Credentials, SpentAtTheSameMomentPayForOneOfTwo) {
    const std::vector<TransactionId> ids{handed(), handed(), handed()};
    std::vector<std::pair<std::size_t, Result<View>>> heard;
    // All are decided before the store has told of the first commit.
    for (std::size_t i = 0; i < ids.size(); ++i)
        engine->purchase(ids[i], with({{"a", "tok_1"}}), meta("key-" + std::to_string(i)),
                         [&heard, i](Result<View> view) { heard.emplace_back(i, std::move(view)); });
    pump([&] { return heard.size() == ids.size(); });
    int paid = 0;
    for (const auto& [i, view] : heard) {
        if (view) {
            ++paid;
            continue;
        }
        EXPECT_EQ(view.error().field, "credentials.a");
        EXPECT_EQ(view.error().kind, ErrorKind::bad_request);
        EXPECT_EQ(state(ids[i]).phase, core::Phase::reserved);
        // The key is not used up by what did not happen.
        EXPECT_TRUE(purchase(ids[i], with({{"a", "tok_for_" + std::to_string(i)}}),
                             meta("key-" + std::to_string(i))));
    }
    EXPECT_EQ(paid, 1);
}

TEST_F(Credentials, OfAPurchaseThatIsAskedForAgainAreNotLookedAt) {
    const auto id = handed();
    ASSERT_TRUE(purchase(id, with({{"a", "tok_1"}})));
    const auto before = state(id);
    for (const char* value : {"tok_1", "tok_2", ""}) ASSERT_TRUE(purchase(id, with({{"a", value}})));
    EXPECT_EQ(state(id), before);
    ASSERT_TRUE(purchase(handed(), with({{"a", "tok_2"}}))) << "not spent by that";
}

// ---- asked for -------------------------------------------------------------------------------------------

TEST_F(Credentials, AskedForByACalloutComeBackToKassi) {
    const auto id = handed();
    PurchaseRequest request;
    request.ways["a"] = "card";
    EXPECT_EQ(purchase(id, request).error().field, "credentials.a") << "nobody could bring it";
    request.ask_by_callout = true;
    ASSERT_TRUE(purchase(id, request));
    const auto away = engine->view(id, "", "");
    EXPECT_EQ(away->transaction.via, core::ReturnVia::kassi);
    ASSERT_TRUE(away->callout);
    EXPECT_EQ(away->callout->destination, "http://kassi.test/callout/" + away->callout->page_token);
    EXPECT_EQ(engine->callout_page(away->callout->page_token)->return_url,
              "http://kassi.test/callback/" + away->callout->return_token);
    EXPECT_TRUE(outside.calls.empty());
}

TEST_F(Credentials, AtHandNeedNoCalloutAndNoJourney) {
    const auto id = handed();
    auto request = with({{"a", "tok_1"}});
    request.ask_by_callout = true;
    ASSERT_TRUE(purchase(id, request));
    EXPECT_FALSE(state(id).customer_at_hand);
    EXPECT_NE(body_of_call().find("error_on_requires_action=true"), std::string::npos);
    EXPECT_EQ(body_of_call().find("return_url"), std::string::npos);
}

TEST_F(Credentials, AskedForComeBackToTheReturnUrlThatWasGiven) {
    const auto id = handed();
    auto request = by_redirect("T1");
    request.ways["a"] = "card";
    request.ask_by_callout = true;
    ASSERT_TRUE(purchase(id, request));
    EXPECT_EQ(state(id).via, core::ReturnVia::caller);
    EXPECT_EQ(engine->view(id, "", "")->callout->return_token, "T1");
}

TEST_F(Credentials, ACallerBringsByATokenThatWeMintedWhatIsMissing) {
    const auto id = handed();
    PurchaseRequest request;
    request.ways["a"] = "card";
    request.ask_by_callout = true;
    ASSERT_TRUE(purchase(id, request));
    const auto minted = engine->view(id, "", "")->callout->return_token;
    const auto before = state(id);

    EXPECT_EQ(engine->token_of("neighbour", minted), std::nullopt);
    const auto strange = back("neighbour", minted, {{"stripeToken", "tok_1"}});
    ASSERT_FALSE(strange);
    EXPECT_EQ(strange.error().kind, ErrorKind::bad_request);
    EXPECT_EQ(strange.error().field, "token");
    EXPECT_EQ(strange.error().message, "was never issued") << "whether it exists is not told";
    EXPECT_EQ(state(id), before);
    const auto page = engine->view(id, "", "")->callout->page_token;
    EXPECT_EQ(engine->token_of("demo", page), std::nullopt) << "a page token only shows";
    EXPECT_FALSE(back("demo", page, {{"stripeToken", "tok_1"}}));
    EXPECT_EQ(state(id), before);

    ASSERT_TRUE(engine->token_of("demo", minted));
    EXPECT_EQ(engine->token_of("demo", minted)->transaction, id);
    ASSERT_TRUE(back("demo", minted, {{"stripeToken", "tok_1"}}));
    EXPECT_NE(body_of_call().find("tok_1"), std::string::npos);
}

TEST_F(Credentials, OfAReturnThatWereUsedBeforeLeaveTheCalloutOpen) {
    ASSERT_TRUE(purchase(handed(), with({{"a", "tok_1"}})));
    const auto id = handed();
    PurchaseRequest request;
    request.ways["a"] = "card";
    request.ask_by_callout = true;
    ASSERT_TRUE(purchase(id, request));
    const auto token = engine->view(id, "", "")->callout->return_token;
    const auto before = state(id);
    const auto refused = back("demo", token, {{"stripeToken", "tok_1"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "stripeToken");
    EXPECT_EQ(refused.error().message, "was used before: it is good for one payment");
    EXPECT_EQ(state(id), before);
    EXPECT_TRUE(back("", token, {{"stripeToken", "tok_2"}})) << "the token is not spent by that";
    EXPECT_FALSE(outside.calls.empty());
}

TEST_F(Credentials, AreNowhereInTheRecord) {
    const auto id = handed();
    ASSERT_TRUE(purchase(id, with({{"a", "tok_of_the_customer"}})));
    for (const auto& row : store->journal(id)) EXPECT_EQ(row.json.find("tok_of"), std::string::npos);
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
        if (!file.is_regular_file()) continue;
        std::ifstream in(file.path(), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        EXPECT_EQ(bytes.find("tok_of_the_customer"), std::string::npos) << file.path();
    }
}

// ---- notices ---------------------------------------------------------------------------------------------

TEST_F(Credentials, ANoticeAboutNothingOfOursIsAcknowledgedAndNotKept) {
    const auto heard = event("customer.created", R"({"id":"cus_1","object":"customer"})");
    ASSERT_TRUE(heard) << heard.error().message;
    EXPECT_TRUE(store->unmatched("card", "").empty());
    // One about a payment that we do not know yet is.
    ASSERT_TRUE(event("payment_intent.succeeded",
                      R"({"id":"pi_1","object":"payment_intent","status":"succeeded","amount_received":500,
                          "currency":"gbp","metadata":{"kassi_reference":"not-yet-1"}})"));
    EXPECT_EQ(store->unmatched("card", "not-yet-1").size(), 1U);
}

}  // namespace
}  // namespace kassi::engine
