#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <map>

#include "base/crypto.hpp"
#include "borgun_fixture.hpp"

/// What the house keeps, and what it must not keep.
namespace kassi::sandbox {
namespace {

using namespace test;
using borgun::How;
using borgun::test_card;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string id_of(const json& object, const char* name = "TransactionId") {
    return object[name].get<std::string>();
}

/// The look-ups of everything that a story made.
struct Story {
    std::vector<std::string> paths;
    std::vector<std::string> told(Borgun& borgun) const {
        std::vector<std::string> answers;
        for (const auto& path : paths) answers.push_back(borgun.api("GET", path).body);
        answers.push_back(borgun.get("/borgun/_ledger").body);
        return answers;
    }
};

Fields securepay_order() {
    const std::string hash = encoding::hex(crypto::to_bytes(crypto::hmac_sha256(
        "SimSecret-0001",
        "9275444|https://shop.example.is/ok|https://shop.example.is/notify|TM0000000001|4990.00|ISK")));
    return {{"merchantid", "9275444"},
            {"paymentgatewayid", "16"},
            {"checkhash", hash},
            {"orderid", "TM0000000001"},
            {"currency", "ISK"},
            {"returnurlsuccess", "https://shop.example.is/ok"},
            {"returnurlsuccessserver", "https://shop.example.is/notify"},
            {"amount", "4990.00"}};
}

TEST(BorgunMemory, WhatWasDoneSurvivesARestart) {
    Borgun borgun;
    Story story;
    const auto keep = [&](std::string path) { story.paths.push_back(std::move(path)); };
    const std::string single = borgun.single();
    keep("token/single/" + single);
    const json multi = json_of(borgun.api("POST", "token/multi",
                                          {{"TokenSingle", borgun.single()},
                                           {"VerifyCard", {{"CheckAmount", 100}, {"Currency", "352"}}},
                                           {"Metadata", {{"Payload", "kept"}}}}));
    keep("token/multi/" + id_of(multi, "Token"));
    const json held = borgun.pay(Borgun::payment(Borgun::token(single)));
    keep("payment/" + id_of(held));
    const json sold = borgun.pay(Borgun::payment(Borgun::card(), 499'000, "Sale"));
    keep("payment/" + id_of(sold));
    borgun.api("PUT", "payment/" + id_of(sold) + "/refund", {{"PartialAmount", 100'000}});
    const json late = borgun.pay(
        Borgun::payment(Borgun::card(test_card(How::at_once, 1, "953", false, true)), 499'000, "Sale"));
    keep("payment/" + id_of(late));
    for (const auto& notice : borgun.notices) keep("events/" + id_of(*parse_json(notice.body), "EventId"));
    const json open = borgun.enroll(Borgun::enrollment());
    const json answered = borgun.enroll(Borgun::enrollment(Borgun::card("5587402000012011")));
    const auto back = borgun.authenticate(answered);
    const auto page = borgun.form("securepay/default.aspx", securepay_order());
    const std::string ticket = Borgun::hidden(page.body, "ticket");
    const std::string refund_id =
        Borgun::hidden(borgun.form("securepay/act", {{"ticket", ticket}, {"act", "pay"}}).body, "refundid");

    const auto before = story.told(borgun);
    const auto ledger = borgun.house->ledger();
    borgun.restart();
    EXPECT_EQ(story.told(borgun), before);
    EXPECT_EQ(borgun.house->ledger(), ledger);

    EXPECT_EQ(borgun.api("POST", "payment", Borgun::payment(Borgun::token(single))).status, 400)
        << "used before";
    EXPECT_EQ(
        borgun.pay(Borgun::payment({{"PaymentType", "Card"}, {"PAN", multi["VirtualNumber"]}}))["ActionCode"],
        "000");
    EXPECT_EQ(borgun.api("PUT", "payment/" + id_of(held) + "/capture").status, 200);
    EXPECT_EQ(borgun.api("PUT", "payment/" + id_of(sold) + "/refund", {{"PartialAmount", 400'000}}).status,
              400);
    EXPECT_EQ(borgun.validate({{"PARes", Borgun::hidden(back.body, "PaRes")}})["MdStatus"], "1");
    EXPECT_EQ(borgun.authenticate(open).status, 200);
    EXPECT_EQ(borgun.enroll(Borgun::enrollment())["MessageId"], "118844") << "goes on counting";
    EXPECT_EQ(Borgun::hidden(borgun.form("securepay/default.aspx", securepay_order()).body, "refundid"),
              refund_id);
    borgun.advance(borgun_late_answer);
    EXPECT_EQ(json_of(borgun.api("GET", "payment/" + id_of(late)))["TransactionStatus"], "Accepted");
    borgun.advance(borgun_hold_life);
    borgun.get("/borgun/_ledger");
    std::map<std::string, int> kinds;
    for (const auto& kind : borgun.kinds()) ++kinds[kind];
    EXPECT_EQ(kinds["hold_gone"], 2) << "the check's, and that of the virtual number";
}

TEST(BorgunMemory, WhatTheGatewayHeardLateIsHeardOnce) {
    Borgun borgun;
    const json late =
        borgun.pay(Borgun::payment(Borgun::card(test_card(How::at_once, 1, "953", false, true))));
    const std::string path = "payment/" + id_of(late);
    borgun.advance(borgun_late_answer);
    EXPECT_EQ(borgun.api("PUT", path + "/capture").status, 200);
    const auto told = borgun.notices.size();
    borgun.restart();
    borgun.advance(borgun_late_answer);
    EXPECT_EQ(json_of(borgun.api("GET", path))["TransactionStatus"], "Captured");
    EXPECT_EQ(borgun.notices.size(), told);
}

TEST(BorgunMemory, AllThatIsSavedMakesTheSameHouse) {
    Borgun borgun;
    const json held = borgun.pay(Borgun::payment());
    borgun.api("PUT", "payment/" + id_of(held) + "/capture");
    borgun.enroll(Borgun::enrollment());
    borgun.form("securepay/default.aspx", securepay_order());
    std::vector<std::string> lines;
    borgun.house->save_all([&](const std::string& line) { lines.push_back(line); });
    Borgun other;
    ASSERT_EQ(other.load(lines), std::nullopt);
    std::vector<std::string> again;
    other.house->save_all([&](const std::string& line) { again.push_back(line); });
    EXPECT_EQ(again, lines);
    EXPECT_EQ(other.house->ledger(), borgun.house->ledger());
    EXPECT_EQ(other.api("GET", "payment/" + id_of(held)).body,
              borgun.api("GET", "payment/" + id_of(held)).body);
}

TEST(BorgunMemory, IsWrittenBeforeAnybodyHears) {
    Borgun borgun;
    std::size_t saved_at_notice = 0;
    borgun.house.emplace(
        borgun_options(), borgun.clock, borgun.randomness,
        [&](HttpRequest, BorgunHouse::NoticeAnswer) { saved_at_notice = borgun.saved.size(); },
        [](Millis, std::function<void()>) {}, [&](const std::string& line) { borgun.saved.push_back(line); });
    borgun.pay(Borgun::payment());
    EXPECT_EQ(saved_at_notice, 1U);
    EXPECT_EQ(borgun.saved.size(), 1U) << "one line for one request";
    borgun.api("GET", "payment/tr_x");
    EXPECT_EQ(borgun.saved.size(), 1U) << "nothing changed";
}

TEST(BorgunMemory, OfAMerchantThatIsGoneIsLeftOut) {
    Borgun borgun;
    const json held = borgun.pay(Borgun::payment());
    auto with = borgun_options();
    with.merchants[0].name = "somebody-else";
    borgun.restart(with);
    EXPECT_EQ(borgun.api("GET", "payment/" + id_of(held)).status, 404);
}

TEST(BorgunMemory, ALineThatIsNotUnderstoodIsNamed) {
    Borgun borgun;
    borgun.pay(Borgun::payment());
    const std::string good = borgun.saved.front();
    for (const std::string& bad :
         {good.substr(0, good.size() - 1), std::string("[]"), std::string(R"({"payments":[{"id":"tr_x"}]})"),
          std::string(R"({"ledger":[1]})"), std::string(R"({"tokens":{}})")}) {
        Borgun other;
        const auto wrong = other.load({good, bad});
        ASSERT_TRUE(wrong) << bad;
        EXPECT_EQ(wrong->field, "line 2") << bad;
    }
    std::string kind = good;
    kind.replace(kind.find("\"held\""), 6, "\"lost\"");
    Borgun other;
    EXPECT_EQ(other.load({kind})->message, "ledger is not understood");
}

/// Nothing that was answered, saved, told or shown has a card number, a CVC or a cryptogram of a return.
TEST(BorgunMemory, HoldsNoCardNumberAndNoCvc) {
    Borgun borgun;
    std::string everything;
    const auto note = [&](const HttpResponse& response) {
        everything += response.body;
        for (const auto& [name, value] : response.headers) everything += value;
        return response;
    };
    const std::string pan = "5587402000012011", cvc = "7391";
    const json card{{"PAN", pan},  {"ExpMonth", "09"}, {"ExpYear", "2027"},
                    {"CVC2", cvc}, {"CVC", cvc},       {"TokenLifetime", 9}};
    note(borgun.api("POST", "token/single", card));
    note(borgun.api("POST", "token/multi",
                    {{"PAN", pan},
                     {"ExpMonth", "09"},
                     {"ExpYear", "2027"},
                     {"VerifyCard", {{"CheckAmount", 0}, {"CVC", cvc}}}}));
    json details = Borgun::card(pan);
    details["CVC2"] = cvc;
    const auto enrolled = note(borgun.api("POST", "mpi/v2/enrollment", Borgun::enrollment(details)));
    const auto back = note(borgun.authenticate(json_of(enrolled)));
    note(borgun.api("POST", "mpi/v2/validation", {{"PARes", Borgun::hidden(back.body, "PaRes")}}));
    json payment = Borgun::payment(details);
    payment["ThreeDSecure"] = {{"DataType", "Token"}, {"MpiToken", json_of(enrolled)["MPIToken"]}};
    note(borgun.api("POST", "payment", payment));
    payment["ThreeDSecure"] = {
        {"DataType", "Manual"}, {"SecurityLevelInd", "2"}, {"UCAF", "FBUWFxgZGhscHR4fICEiIyQlJic="}};
    note(borgun.api("POST", "payment", payment));
    json wrong = Borgun::payment(details);
    wrong["PaymentMethod"]["CVC2"] = cvc + "0";
    wrong["OrderId"] = "x";
    note(borgun.api("POST", "payment", wrong));
    note(borgun.get("/borgun/_ledger"));
    borgun.house->save_all([&](const std::string& line) { everything += line; });
    for (const auto& line : borgun.saved) everything += line;
    for (const auto& notice : borgun.notices) everything += notice.body;
    EXPECT_GT(borgun.house->ledger().size(), 1U);
    EXPECT_THAT(everything, HasSubstr("558740******2011"));
    EXPECT_THAT(everything, Not(HasSubstr(pan)));
    EXPECT_THAT(everything, Not(HasSubstr(pan.substr(6, 6)))) << "nor its middle";
    EXPECT_THAT(everything, Not(HasSubstr(cvc)));
    EXPECT_THAT(everything, Not(HasSubstr("FBUWFxgZ")));
}

TEST(BorgunMemory, EqualInputsGiveEqualOutputs) {
    std::string told[2];
    for (std::string& all : told) {
        Borgun borgun;
        const json enrolled = borgun.enroll(Borgun::enrollment());
        all += enrolled.dump() + borgun.authenticate(enrolled).body;
        all += borgun.pay(Borgun::payment()).dump();
        for (const auto& line : borgun.saved) all += line;
    }
    EXPECT_EQ(told[0], told[1]);
}

// ---- a random walk -------------------------------------------------------------------------------------

struct Money {
    std::int64_t held = 0, taken = 0, back = 0;
    bool operator==(const Money&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Money& money) {
    return out << money.held << " held, " << money.taken << " taken, " << money.back << " back";
}

/// What the ledger says of each transaction. Held is what is held now.
std::map<std::string, Money> by_ledger(const Borgun& borgun) {
    std::map<std::string, Money> all;
    for (const auto& entry : borgun.house->ledger()) {
        Money& money = all[entry.transaction];
        if (entry.kind == "held") money.held += entry.minor;
        if (entry.kind == "hold_gone") money.held -= entry.minor;
        if (entry.kind == "taken") {
            // Of a hold, when there is one.
            if (money.held != 0) RC_ASSERT(money.held == entry.minor);
            money.held = 0;
            money.taken += entry.minor;
        }
        if (entry.kind == "given_back") money.back += entry.minor;
        RC_ASSERT(money.held >= 0 && money.back <= money.taken);
    }
    return all;
}

/// What the gateway says of a transaction, with what its refunds say of themselves.
Money by_gateway(Borgun& borgun, const std::string& id, const std::vector<std::string>& refunds) {
    const json shown = json_of(borgun.api("GET", "payment/" + id));
    const std::string status = shown["TransactionStatus"];
    const auto amount = shown["Amount"].get<std::int64_t>();
    Money money;
    if (status == "Uncaptured") money.held = amount;
    if (status == "Accepted" || status == "Captured" || status == "Refunded") money.taken = amount;
    for (const auto& refund : refunds)
        money.back += json_of(borgun.api("GET", "payment/" + refund))["Amount"].get<std::int64_t>();
    RC_ASSERT((status == "Refunded") == (money.taken > 0 && money.back == money.taken));
    return money;
}

struct Walk {
    Borgun borgun;
    std::vector<std::string> transactions;
    std::map<std::string, std::vector<std::string>> refunds;

    /// A payment of some card, kind and amount; its answer may get lost, and then it is found by its token.
    void pay() {
        const auto code = *rc::gen::element<std::string>("000", "000", "000", "116", "953", "130");
        const auto pan = test_card(How::at_once, *rc::gen::element(1, 2, 5), code);
        const auto type = *rc::gen::element<std::string>("Sale", "PreAuthorization");
        const std::int64_t amount = *rc::gen::inRange<std::int64_t>(1, 1'000'000) * 100;
        const std::string token = borgun.single(pan);
        json body = Borgun::payment(Borgun::token(token), amount, type);
        if (*rc::gen::arbitrary<bool>()) {
            const json enrolled = borgun.enroll(Borgun::enrollment(Borgun::token(token), amount / 100));
            if (enrolled.contains("MPIToken"))
                body["ThreeDSecure"] = {{"DataType", "Token"}, {"MpiToken", enrolled["MPIToken"]}};
        }
        maybe_fault("payment");
        borgun.try_send(Borgun::request("POST", "payment", body.dump()));
        const json seen = json_of(borgun.api("GET", "token/single/" + token));
        if (seen.contains("TransactionId")) transactions.push_back(seen["TransactionId"]);
    }
    void maybe_fault(const std::string& on) {
        const auto what = *rc::gen::element<std::string>("", "", "drop_answer", "error_after", "dead", "busy",
                                                         "wrong_amount");
        std::vector<BorgunHouse::FaultRule> rules;
        if (!what.empty()) rules.push_back({.on = on, .what = what});
        RC_ASSERT(!borgun.house->set_faults(std::move(rules)));
    }
    void act(const std::string& verb, const json& body = nullptr) {
        if (transactions.empty()) return;
        const std::string id = *rc::gen::elementOf(transactions);
        const auto known = borgun.house->ledger().size();
        maybe_fault(verb);
        auto request =
            Borgun::request("PUT", "payment/" + id + "/" + verb, body.is_null() ? "" : body.dump());
        borgun.try_send(std::move(request));
        (void)borgun.house->set_faults({});
        const auto& ledger = borgun.house->ledger();
        if (ledger.size() == known || ledger.back().kind != "given_back") return;
        // A refund whose answer was lost is in the event.
        const json event = *parse_json(borgun.notices.back().body);
        refunds[id].push_back(event["Data"]["RefundTransactionId"]);
    }
    void step() {
        switch (*rc::gen::inRange(0, 8)) {
            case 0:
            case 1:
            case 2:
                return pay();
            case 3:
                return act("capture");
            case 4:
                return act("cancel");
            case 5:
                return act("refund");
            case 6:
                return act("refund",
                           {{"PartialAmount", *rc::gen::inRange<std::int64_t>(1, 1'000'000) * 100}});
            default:
                borgun.advance(std::chrono::hours(*rc::gen::element(1, 24, 100)));
                if (*rc::gen::arbitrary<bool>()) borgun.restart();
        }
    }
};

TEST(BorgunMemory, TheLedgerAgreesWithTheTransactionsOnAnyWalk) {
    EXPECT_TRUE(rc::check("the ledger agrees", [] {
        Walk walk;
        const int steps = *rc::gen::inRange(1, 40);
        for (int i = 0; i < steps; ++i) walk.step();
        walk.borgun.get("/borgun/_ledger");
        auto ledger = by_ledger(walk.borgun);
        for (const auto& id : walk.transactions) {
            const Money told = by_gateway(walk.borgun, id, walk.refunds[id]);
            RC_ASSERT(ledger[id] == told);
            ledger.erase(id);
        }
        for (const auto& [id, money] : ledger) RC_ASSERT(money == Money{});
    }));
}

}  // namespace
}  // namespace kassi::sandbox
