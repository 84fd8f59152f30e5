#include <gmock/gmock.h>

#include <map>

#include "borgun_talk.hpp"
#include "core/codec.hpp"
#include "core/decide.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/borgun.hpp"
#include "providers/flow.hpp"

/// Core, the flow and the sandbox's Borgun talk to each other: what the transaction becomes, and what the
/// gateway's ledger says.
namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;
using borgun::How;
using borgun::test_card;
using core::LegMoney;
using core::Phase;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t price = 4990;
constexpr std::string_view the_cvc = "737";

struct World final : Talk {
    bool hears_events = true;
    std::string pan;

    explicit World(
        const std::function<void(BorgunHouse::Merchant&)>& house = [](auto&) {},
        std::map<std::string, std::string> settings = {})
        : Talk(providers::borgun_flow(), of_borgun(std::move(settings)), house) {}
    static providers::Merchant of_borgun(std::map<std::string, std::string> settings) {
        settings.emplace("accepts", "card,token");
        settings.emplace("public_key", "100001_puSIMULATOR0000000000000000");
        return {.name = "demo-borgun",
                .provider = "borgun",
                .base_url = "http://127.0.0.1:8081/borgun/rpg",
                .simulator = true,
                .settings = std::move(settings),
                .secrets = {{"private_key", Secret<>{"100001_prSIMULATOR0000000000000000"}}}};
    }

    void hear_notice(const HttpRequest& request) override {
        if (!hears_events) return;
        auto read = flow.read(request, merchant, gate.clock.at);
        ASSERT_TRUE(read.has_value()) << read.error().message;
        const auto leg = references.find(read->reference);
        if (leg == references.end()) return;
        read->notice.leg = leg->second;
        ASSERT_FALSE(hear(read->notice));
    }
    std::optional<Error> buy(core::Credential credential, bool with_return = true) {
        core::Purchase body;
        body.legs = {{{"a"}, "demo-borgun", "borgun", std::move(credential)}};
        if (with_return) body.journey = way_back();
        if (auto refused = hear(body)) return refused;
        talk();
        return std::nullopt;
    }
    void pay_by_card(std::string number, bool with_return = true, std::string_view expiry = "0930",
                     std::string_view currency = "ISK", std::int64_t minor = price) {
        hand_over(currency, minor);
        pan = std::move(number);
        const auto refused = buy({"card", "{\"number\":\"" + pan + "\",\"expiry\":\"" + std::string(expiry) +
                                              "\",\"cvc\":\"" + std::string(the_cvc) + "\"}"},
                                 with_return);
        ASSERT_FALSE(refused) << refused->field << " " << refused->message;
    }
    /// The fields with which the bank's page sends the customer back.
    Fields at_the_bank(const std::string& act) {
        const auto& callout = *papers.parcels.at(1).callout;
        EXPECT_EQ(callout.type, "post");
        const auto page =
            gate.form(callout.destination.substr(callout.destination.find("acs/")), callout.parameters);
        EXPECT_EQ(page.status, 200) << page.body;
        const auto back =
            gate.form("acs/act", {{"authentication", Borgun::hidden(page.body, "authentication")},
                                  {"carried", Borgun::hidden(page.body, "carried")},
                                  {"act", act}});
        Fields fields;
        for (const auto* name : {"PaRes", "MD", "cres", "threeDSSessionData"})
            if (auto value = Borgun::hidden(back.body, name); !value.empty())
                fields.emplace_back(name, value);
        return fields;
    }
    void back(Fields fields) {
        const auto& leg = t.legs[0];
        ASSERT_FALSE(hear(core::Return{1, leg.callout->no, std::move(fields), "", leg.callout->returned}));
        talk();
    }
    [[nodiscard]] bool is_at_method() const { return is_away() && t.legs[0].callout->goes_on; }
    /// What a browser does with our page: the issuer's form, and what that posts to us. Gives "Y" or "N".
    std::string run_method() {
        const auto& html = papers.parcels.at(1).callout->page_data;
        const auto from = html.find("action=\"") + 8;
        const auto action = html.substr(from, html.find('"', from) - from);
        const auto page = gate.form(action.substr(action.find("acs/")),
                                    {{"threeDSMethodData", Borgun::hidden(html, "threeDSMethodData")}});
        EXPECT_EQ(page.status, 200) << page.body;
        const bool told = page.body.find("action=\"https://pay.example/3ds-method\"") != std::string::npos &&
                          !Borgun::hidden(page.body, "threeDSMethodData").empty();
        return told ? "Y" : "N";
    }
    void go_on(const std::string& method) {
        const auto& leg = t.legs[0];
        ASSERT_FALSE(hear(core::CustomerGoesOn{1, leg.callout->no, {{"method", method}}}));
        talk();
    }
    void authenticate(const std::string& act = "authenticate") {
        if (is_at_method()) go_on(run_method());
        ASSERT_TRUE(is_away()) << core::state_json(t);
        back(at_the_bank(act));
    }
    /// In rest(): whoever is sent to the bank goes there.
    void meanwhile() override {
        if (is_away()) authenticate();
    }
    [[nodiscard]] const core::Refusal& refused() const { return *t.legs[0].refused; }
    /// What the gateway has of the customer's money: taken and not given back, and still held.
    struct Sums {
        std::int64_t taken = 0, held = 0;
        bool operator==(const Sums&) const = default;
    };
    [[nodiscard]] Sums ledger() const {
        std::map<std::string, std::int64_t> holds;
        Sums sums;
        for (const auto& entry : gate.house->ledger()) {
            if (entry.kind == "held") holds[entry.transaction] = entry.minor;
            if (entry.kind == "hold_gone" || entry.kind == "taken") holds[entry.transaction] = 0;
            if (entry.kind == "taken") sums.taken += entry.minor;
            if (entry.kind == "given_back") sums.taken -= entry.minor;
        }
        for (const auto& [id, minor] : holds) sums.held += minor;
        return sums;
    }
    [[nodiscard]] std::int64_t wire() const { return providers::borgun::to_wire(t.legs[0].amount); }
    void expect_bought() const {
        EXPECT_EQ(t.phase, Phase::purchased) << core::state_json(t);
        EXPECT_EQ(ledger(), (Sums{wire(), 0}));
        EXPECT_TRUE(core::settled(t));
    }
    void expect_nothing_charged() const {
        EXPECT_EQ(t.phase, Phase::failed) << core::state_json(t);
        EXPECT_EQ(ledger(), (Sums{0, 0}));
        EXPECT_TRUE(core::settled(t));
    }
    /// Neither number nor code is in the journal, the state, or a sealed paper.
    void expect_no_card() const {
        std::string all = core::state_json(t);
        for (const auto& row : journal) all += core::row_json(row);
        for (const auto& [leg, parcel] : papers.parcels) all += core::papers_json(parcel);
        EXPECT_EQ(all.find(pan), std::string::npos);
        EXPECT_EQ(all.find("\"" + std::string(the_cvc) + "\""), std::string::npos);
        EXPECT_EQ(all.find("eJ"), std::string::npos) << "of the bank's message neither";
    }
};

// ---- as it should be -----------------------------------------------------------------------------------

TEST(BorgunConversation, AFrictionlessCard) {
    World world;
    world.pay_by_card("5455330200000016");
    world.expect_bought();
    world.expect_no_card();
    EXPECT_THAT(world.gate.kinds(), ElementsAre("held", "taken"));
}

TEST(BorgunConversation, AChallengeOfEitherKind) {
    for (const auto* pan : {"5587402000012011", "4741520000000003"}) {
        World world;
        world.pay_by_card(pan);
        world.authenticate();
        world.expect_bought();
        world.expect_no_card();
    }
}

TEST(BorgunConversation, AChallengeThatFails) {
    for (const auto* act : {"fail", "give_up", "unavailable"}) {
        World world;
        world.pay_by_card("4741520000000003");
        world.authenticate(act);
        world.rest();
        world.expect_nothing_charged();
        EXPECT_EQ(world.refused().code, "auth_failure") << act;
        EXPECT_TRUE(world.refused().failed_3d_secure);
        EXPECT_THAT(world.gate.kinds(), IsEmpty());
    }
}

TEST(BorgunConversation, TheGuidesCardWithAndWithoutAWayBack) {
    const auto forgives = [](BorgunHouse::Merchant& house) { house.forgives_expiry = true; };
    World without(forgives, {{"forgives_expiry", "true"}});
    without.pay_by_card("4111111111111111", false, "0419");
    without.expect_bought();
    World with(forgives, {{"forgives_expiry", "true"}});
    with.pay_by_card("4111111111111111", true, "0419");
    EXPECT_TRUE(with.is_away());
    with.authenticate();
    with.expect_bought();
    World strict;
    strict.hand_over("ISK", price);
    const auto refused = strict.buy({"card", R"({"number":"4111111111111111","expiry":"0419","cvc":"737"})"});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.a.card.expiry");
    EXPECT_EQ(strict.t.phase, Phase::reserved);
}

TEST(BorgunConversation, ACardThatNeedsAuthenticationAndHasNoWayBack) {
    World world;
    world.pay_by_card("4000000000003220", false);
    world.rest();
    world.expect_nothing_charged();
    EXPECT_EQ(world.refused().code, "auth_failure");
    EXPECT_TRUE(world.refused().failed_3d_secure);
}

TEST(BorgunConversation, OfEveryKindOfAmount) {
    for (const auto& [currency, minor] :
         {std::pair("JPY", 500), {"EUR", 1050}, {"BHD", 1230}, {"HUF", 1050}, {"ISK", 1}}) {
        World world;
        world.pay_by_card("4741520000000003", true, "0930", currency, minor);
        world.authenticate();
        world.expect_bought();
    }
}

TEST(BorgunConversation, TheOtherExponentAndTheMethod) {
    for (const auto* ending : {"0005", "0050"}) {
        World world;
        world.pay_by_card(card_ending(ending));
        world.authenticate();
        world.expect_bought();
    }
    World other([](BorgunHouse::Merchant& house) { house.mpi_token_name = "MpiToken"; });
    other.pay_by_card("5455330200000016");
    other.expect_bought();
}

// ---- the 3DS Method ------------------------------------------------------------------------------------

TEST(BorgunConversation, AMethodAndThenAChallenge) {
    World world;
    world.pay_by_card(test_card(How::method_challenge, 1, "000"));
    ASSERT_TRUE(world.is_at_method()) << core::state_json(world.t);
    const auto token = world.papers.parcels.at(1).callout->return_token;
    EXPECT_EQ(world.run_method(), "Y");
    world.go_on("Y");
    ASSERT_TRUE(world.is_away());
    EXPECT_FALSE(world.is_at_method());
    EXPECT_EQ(world.papers.parcels.at(1).callout->return_token, token) << "the bank knows it already";
    EXPECT_EQ(world.t.legs[0].callout->no, 1);
    world.go_on("N");
    EXPECT_EQ(world.asked["enroll_again"], 1) << "a second click";
    world.authenticate();
    world.expect_bought();
    world.expect_no_card();
    EXPECT_EQ(world.asked["enroll"], 1);
}

TEST(BorgunConversation, AMethodAfterWhichTheBankAsksNothing) {
    World world;
    world.pay_by_card(test_card(How::method, 1, "000"));
    ASSERT_TRUE(world.is_at_method());
    world.go_on(world.run_method());
    world.expect_bought();
    EXPECT_FALSE(world.t.legs[0].callout->returned);
    EXPECT_EQ(world.papers.journey->way_back, "https://pay.example/callback/ret" + std::to_string(2));
    world.back({});
    world.expect_bought();
    EXPECT_EQ(world.papers.journey->way_back, "");
    EXPECT_THAT(world.gate.kinds(), ElementsAre("held", "taken"));
}

TEST(BorgunConversation, AMethodAfterWhichTheBankRefuses) {
    World world;
    world.pay_by_card(test_card(How::method, 8, "000"));
    ASSERT_TRUE(world.is_at_method());
    world.go_on("N");
    world.expect_nothing_charged();
    EXPECT_EQ(world.refused().code, "auth_failure");
    world.back({});
    world.expect_nothing_charged();
}

TEST(BorgunConversation, AMethodFromWhichNobodyGoesOn) {
    World world;
    world.pay_by_card(test_card(How::method_challenge, 1, "000"));
    const core::Terms terms{*world.registry, world.times, "https://pay.example"};
    for (int i = 0; i < 20 && !core::settled(world.t); ++i) {
        world.gate.advance(std::max(Millis{0}, *core::due_at(world.t, terms) - world.gate.clock.at));
        ASSERT_FALSE(world.hear(core::Due{}));
        world.talk();
    }
    world.expect_nothing_charged();
    EXPECT_EQ(world.refused().code, "auth_failure");
    world.go_on("Y");
    EXPECT_EQ(world.asked["enroll_again"], 0) << "too late";
}

TEST(BorgunConversation, AMethodWithoutAnAnswerIsEnrolledAnew) {
    World world;
    world.pay_by_card(test_card(How::method_challenge, 1, "000"));
    ASSERT_TRUE(world.is_at_method());
    world.faults(R"({"on":"enrollment","do":"drop_answer"})");
    world.go_on("Y");
    const core::Terms terms{*world.registry, world.times, "https://pay.example"};
    for (int i = 0; i < 5 && !world.is_away(); ++i) {
        world.gate.advance(std::max(Millis{0}, *core::due_at(world.t, terms) - world.gate.clock.at));
        ASSERT_FALSE(world.hear(core::Due{}));
        world.talk();
    }
    ASSERT_TRUE(world.is_away()) << core::state_json(world.t);
    EXPECT_FALSE(world.is_at_method()) << "the page is behind him";
    EXPECT_EQ(world.asked["enroll"], 2);
    world.authenticate();
    world.expect_bought();
}

TEST(BorgunConversation, AMethodInterruptedByARestart) {
    World world;
    world.pay_by_card(test_card(How::method_challenge, 1, "000"));
    ASSERT_FALSE(world.hear(core::CustomerGoesOn{1, 1, {{"method", "Y"}}}));
    ASSERT_EQ(world.calls.size(), 1U);
    world.calls.clear();
    ASSERT_FALSE(world.hear(core::Due{{1}}));
    ASSERT_FALSE(world.hear(core::Due{}));
    world.talk();
    ASSERT_TRUE(world.is_away()) << core::state_json(world.t);
    world.authenticate();
    world.expect_bought();
}

TEST(BorgunConversation, AMethodIsClosedWhenTheSeatsAreGivenBack) {
    World world;
    world.pay_by_card(test_card(How::method_challenge, 1, "000"));
    ASSERT_FALSE(world.hear(core::Release{}));
    world.talk();
    world.expect_nothing_charged();
    EXPECT_EQ(world.asked["disable"], 1);
}

TEST(BorgunConversation, ASaleTakesAtOnce) {
    World world([](auto&) {}, {{"sale_only", "true"}});
    world.pay_by_card("5455330200000016");
    world.expect_bought();
    EXPECT_THAT(world.gate.kinds(), ElementsAre("taken"));
}

TEST(BorgunConversation, AClientThatAuthenticatedByItself) {
    const auto pays = [](World& world, std::int64_t amount) {
        world.hand_over("ISK", price);
        const auto token = world.gate.single("5455330200000016");
        const auto enrolled = world.gate.enroll(Borgun::enrollment(Borgun::token(token), price, 0));
        return world.buy(
            {"borgun_final",
             "{\"token\":\"" + token + "\",\"mpiToken\":\"" + enrolled["MPIToken"].get<std::string>() +
                 "\",\"amount\":" + std::to_string(amount) + ",\"currency\":\"352\",\"orderId\":\"" +
                 world.t.reference + "\",\"transactionType\":\"Sale\"}"},
            false);
    };
    World world;
    ASSERT_FALSE(pays(world, price * 100));
    world.expect_bought();
    EXPECT_THAT(world.gate.kinds(), ElementsAre("held", "taken"));
    World cheap;
    const auto refused = pays(cheap, 100);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->field, "credentials.a.borgun_final.amount");
    EXPECT_EQ(cheap.t.phase, Phase::reserved) << "as it was";
    EXPECT_EQ(cheap.asked["pay"], 0) << "before anything is sent";
}

TEST(BorgunConversation, ATokenThatTheClientMade) {
    World world;
    world.hand_over("ISK", price);
    ASSERT_FALSE(world.buy({"borgun_token", world.gate.single()}));
    world.authenticate();
    world.expect_bought();
}

TEST(BorgunConversation, ATokenFromThePage) {
    World world;
    world.hand_over("ISK", price);
    ASSERT_FALSE(world.buy({}));
    ASSERT_TRUE(world.is_away());
    EXPECT_TRUE(world.papers.parcels.at(1).callout->hosted);
    world.back({{"borgunToken", world.gate.single()}});
    world.authenticate();
    world.expect_bought();
}

// ---- what comes back -----------------------------------------------------------------------------------

TEST(BorgunConversation, AMessageThatWasTamperedWith) {
    for (const auto* pan : {"5587402000012011", "4741520000000003"}) {
        World world;
        world.pay_by_card(pan);
        auto fields = world.at_the_bank("fail");
        auto& message = fields[0].second;
        message[message.size() / 2] = message[message.size() / 2] == 'A' ? 'B' : 'A';
        world.back(fields);
        world.rest();
        world.expect_nothing_charged();
        EXPECT_TRUE(world.refused().failed_3d_secure);
    }
}

TEST(BorgunConversation, AMessageOfAnotherPayment) {
    World world;
    world.pay_by_card("5587402000012011");
    // Somebody else's, authenticated and never validated; without its MD the MPI cannot tell.
    const auto other = world.gate.enroll(Borgun::enrollment(Borgun::card("5587402000012011")));
    const auto page = world.gate.authenticate(other);
    world.back({{"PaRes", Borgun::hidden(page.body, "PaRes")}});
    world.rest();
    world.expect_nothing_charged();
    EXPECT_TRUE(world.refused().failed_3d_secure);
    EXPECT_EQ(world.asked["pay"], 0);
}

TEST(BorgunConversation, AReturnThatComesTwice) {
    World world;
    world.pay_by_card("4741520000000003");
    const auto fields = world.at_the_bank("authenticate");
    world.back(fields);
    world.back(fields);
    world.expect_bought();
    EXPECT_EQ(world.asked["pay"], 1);
    EXPECT_EQ(world.asked["validate"], 1);
}

// ---- every call lost, before and after the work --------------------------------------------------------

struct Fault {
    std::string on, what;
    int times;
};
class BorgunFaults : public testing::TestWithParam<Fault> {};

TEST_P(BorgunFaults, ChargeNobodyTwice) {
    const auto& [on, what, times] = GetParam();
    for (const bool events : {true, false}) {
        for (const auto* pan : {"4741520000000003", "5587402000012011"}) {
            SCOPED_TRACE(std::string(events ? "with" : "without") + " events, " + pan);
            World world;
            world.hears_events = events;
            world.faults("{\"on\":\"" + on + "\",\"do\":\"" + what + "\",\"times\":" + std::to_string(times) +
                         "}");
            world.pay_by_card(pan);
            if (world.is_away()) world.authenticate();
            world.rest();
            ASSERT_TRUE(core::has_verdict(world.t.phase) && core::settled(world.t))
                << core::state_json(world.t);
            if (world.t.phase == Phase::purchased)
                world.expect_bought();
            else
                world.expect_nothing_charged();
            world.expect_no_card();
            EXPECT_LE(world.asked["pay"], 1) << "never sent twice";
            if (world.t.phase == Phase::purchased) {
                world.refund(price);
                world.rest();
                EXPECT_EQ(world.ledger(), (World::Sums{0, 0}));
            }
        }
    }
}
std::vector<Fault> every_fault() {
    std::vector<Fault> all;
    for (const auto* on : {"token_single", "enrollment", "validation", "payment", "look_up", "capture",
                           "token_look_up", "refund", "*"})
        for (const auto* what : {"dead", "drop_answer", "error_before", "error_after", "timed_out",
                                 "conflict", "too_many", "busy"})
            for (const int times : {1, 3}) all.push_back({on, what, times});
    for (const auto* on : {"payment", "look_up", "capture"})
        for (const auto* what : {"wrong_order"}) all.push_back({on, what, 1});
    all.push_back({"payment", "wrong_amount", 1});
    all.push_back({"payment", "wrong_currency", 1});
    return all;
}
INSTANTIATE_TEST_SUITE_P(EveryCall, BorgunFaults, testing::ValuesIn(every_fault()), [](const auto& each) {
    const std::string on = each.param.on == "*" ? "any" : each.param.on;
    return on + "_" + each.param.what + "_" + std::to_string(each.param.times);
});

TEST(BorgunConversation, APaymentWhoseAnswerIsLostIsFoundByItsToken) {
    World world;
    world.hears_events = false;
    world.faults(R"({"on":"payment","do":"drop_answer"})");
    world.pay_by_card("5455330200000016");
    world.rest();
    world.expect_bought();
    EXPECT_EQ(world.asked["look_token"], 1);
}

TEST(BorgunConversation, APaymentThatNeverArrivedIsClosed) {
    World world;
    world.faults(R"({"on":"payment","do":"dead"})");
    world.pay_by_card("5455330200000016");
    world.rest();
    world.expect_nothing_charged();
    EXPECT_EQ(world.asked["disable"], 1) << "so that it does not arrive later";
}

TEST(BorgunConversation, APaymentOfAReusableTokenIsFoundByItsEvent) {
    for (const bool events : {true, false}) {
        World world;
        world.hears_events = events;
        world.hand_over("ISK", price);
        const auto made = world.gate.api("POST", "token/multi", {{"TokenSingle", world.gate.single()}});
        world.faults(R"({"on":"payment","do":"drop_answer"})");
        ASSERT_FALSE(
            world.buy({"borgun_token", (*parse_json(made.body))["Token"].get<std::string>()}, false));
        world.rest(10);
        EXPECT_EQ(world.asked["pay"], 1);
        if (events) {
            world.expect_bought();
            EXPECT_EQ(world.asked["look_event"], 1) << "a hint is asked about";
        } else {
            EXPECT_EQ(world.t.legs[0].doing, core::Doing::doubt) << "nobody can say";
            EXPECT_EQ(world.ledger(), (World::Sums{0, world.wire()})) << "the worst case: a hold";
        }
    }
}

TEST(BorgunConversation, AForgedEventDoesNotHideTheRealOne) {
    World world;
    world.hears_events = false;
    world.hand_over("ISK", price);
    const auto made = world.gate.api("POST", "token/multi", {{"TokenSingle", world.gate.single()}});
    world.faults(R"({"on":"payment","do":"drop_answer"})");
    ASSERT_FALSE(world.buy({"borgun_token", (*parse_json(made.body))["Token"].get<std::string>()}, false));
    // Somebody makes an event up, and while the gateway is asked about it the real one comes.
    auto forged = world.gate.notices.at(0);
    const auto real_id = (*parse_json(forged.body))["EventId"].get<std::string>();
    forged.body.replace(forged.body.find(real_id), real_id.size(), "ev_00000000000000000000000000000000");
    world.hears_events = true;
    world.hear_notice(forged);
    ASSERT_FALSE(world.calls.empty()) << core::state_json(world.t);
    world.hear_notice(world.gate.notices.at(0));
    world.talk();
    world.rest(10);
    world.expect_bought();
    EXPECT_EQ(world.asked["pay"], 1);
}

TEST(BorgunConversation, ACustomerWhoNeverComesBack) {
    World world;
    world.pay_by_card("4741520000000003");
    const auto fields = world.at_the_bank("authenticate");
    world.gate.advance(10min);
    ASSERT_FALSE(world.hear(core::Due{}));
    world.talk();
    world.expect_nothing_charged();
    EXPECT_TRUE(world.refused().failed_3d_secure);
    EXPECT_EQ(world.asked["disable"], 1);
    world.back(fields);
    world.expect_nothing_charged();
}

TEST(BorgunConversation, ACustomerWhoIsAwayWhenTheSeatsGo) {
    World world;
    world.pay_by_card("5587402000012011");
    ASSERT_FALSE(world.hear(core::Release{}));
    world.talk();
    world.expect_nothing_charged();
    EXPECT_EQ(world.asked["disable"], 1);
}

TEST(BorgunConversation, AHostThatTimedOut) {
    World charged;
    charged.hears_events = false;
    charged.pay_by_card(card_ending("1953"), false);
    charged.rest();
    charged.expect_bought();
    World not_charged;
    not_charged.pay_by_card(card_ending("0953"), false);
    not_charged.rest(30);
    EXPECT_EQ(not_charged.t.phase, Phase::failed) << "the seats are gone";
    EXPECT_FALSE(core::settled(not_charged.t)) << "nobody knows: a person says it";
    EXPECT_TRUE(core::needs_person(not_charged.t));
    EXPECT_EQ(not_charged.asked["pay"], 1);
    ASSERT_FALSE(not_charged.hear(core::Settle{1, LegMoney::none, "Anna", "looked in B-Online"}));
    EXPECT_TRUE(core::settled(not_charged.t));
}

/// The gateway has a payment of which our record, a copy from before, knows nothing, and nobody wants it any
/// more.
void pay_and_forget_it(World& world, std::string_view code) {
    world.hears_events = false;
    world.pay_by_card(test_card(How::challenge_2, 1, code));
    ASSERT_TRUE(world.is_away());
    const auto t = world.t;
    const auto papers = world.papers;
    const auto journal = world.journal;
    world.authenticate();
    ASSERT_EQ(world.asked["pay"], 1);
    world.t = t;
    world.papers = papers;
    world.journal = journal;
    world.calls.clear();
    ASSERT_FALSE(world.hear(core::Release{}));
    world.talk();
}

TEST(BorgunConversation, AnErrorThatIsFoundWhereNothingWasSentEndsAsWhatItIs) {
    World refused;
    pay_and_forget_it(refused, "904");
    refused.expect_nothing_charged();
    EXPECT_TRUE(core::settled(refused.t));

    World unheard;
    pay_and_forget_it(unheard, "953");
    unheard.rest(30);
    EXPECT_FALSE(core::settled(unheard.t)) << "the gateway does not know, and so nobody does";
    EXPECT_TRUE(core::needs_person(unheard.t)) << "asked more and more slowly, and not anew each time";
    EXPECT_EQ(unheard.asked["disable"], 1);
    ASSERT_FALSE(unheard.hear(core::Settle{1, LegMoney::none, "Anna", "looked in B-Online"}));
    EXPECT_TRUE(core::settled(unheard.t));
}

TEST(BorgunConversation, AHoldThatIsRefusedItsCaptureIsLetGo) {
    World world;
    world.pay_by_card("5455330200000016", true, "0930", "ISK", 901'116);
    world.rest();
    world.expect_nothing_charged();
    EXPECT_EQ(world.refused().code, "insufficient_funds");
    EXPECT_THAT(world.gate.kinds(), ElementsAre("held", "hold_gone"));
}

TEST(BorgunConversation, AGatewayThatNeverCapturesUntilTheSeatsAreGone) {
    World world;
    world.faults(R"({"on":"capture","do":"busy","times":1000})");
    world.pay_by_card("5455330200000016");
    world.rest(100);
    world.expect_nothing_charged();
    EXPECT_THAT(world.gate.kinds(), ElementsAre("held", "hold_gone"));
    EXPECT_LT(world.asked["capture"], 40) << "more and more slowly";
}

// ---- refunds -------------------------------------------------------------------------------------------

TEST(BorgunConversation, AGatewayThatLetsNothingGoIsAskedMoreAndMoreSlowly) {
    World world;
    world.faults(
        R"({"on":"capture","do":"busy","times":1000},{"on":"cancel","do":"error_before","times":20})");
    world.pay_by_card("5455330200000016");
    world.rest(200);
    world.expect_nothing_charged();
    EXPECT_EQ(world.asked["cancel"], 21);
    EXPECT_LT(world.asked["read_back"], 70);
}

TEST(BorgunConversation, MoneyGoesBackInParts) {
    World world;
    world.pay_by_card("5455330200000016");
    world.refund(1000);
    EXPECT_EQ(world.ledger().taken, (price - 1000) * 100);
    EXPECT_EQ(world.t.legs[0].back_minor, 1000);
    world.refund(price - 1000);
    EXPECT_EQ(world.ledger().taken, 0);
    EXPECT_EQ(world.t.phase, Phase::cancelled);
}

TEST(BorgunConversation, APartWhoseAnswerIsLostIsNotGivenBackTwice) {
    World world;
    world.pay_by_card("5455330200000016");
    world.faults(R"({"on":"refund","do":"drop_answer"},{"on":"event","do":"slow_before","ms":600000})");
    world.refund(1000);
    world.rest(4);
    EXPECT_EQ(world.asked["refund"], 1);
    EXPECT_EQ(world.ledger().taken, (price - 1000) * 100);
    EXPECT_EQ(world.t.legs[0].doing, core::Doing::doubt) << "until the gateway tells";
    world.gate.advance(11min);
    world.talk();
    EXPECT_EQ(world.t.legs[0].back_minor, 1000) << core::state_json(world.t);
    EXPECT_EQ(world.t.legs[0].refunds[0].state, core::RefundState::done);
    EXPECT_EQ(world.asked["refund"], 1);
}

TEST(BorgunConversation, MoneyGivenBackAtTheGatewayIsHeardOf) {
    World world;
    world.pay_by_card("5455330200000016");
    const auto payment = find_field(world.t.legs[0].references, "payment");
    ASSERT_NE(payment, nullptr);
    world.gate.api("PUT", "payment/" + *payment + "/refund");
    world.talk();
    EXPECT_EQ(world.t.phase, Phase::cancelled);
    EXPECT_EQ(world.t.legs[0].money, LegMoney::back);
}

}  // namespace
}  // namespace kassi::sandbox
