#include "borgun_scenes.hpp"

/// What customers, their browsers and whoever plays with them bring back from the bank: nothing of it is paid
/// that was not authenticated for this very purchase, and nothing is paid twice.
namespace kassi::faults {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class Returns : public testing::Test, public BorgunPayment {
  public:
    Returns() : BorgunPayment(SharedTown::get()) {}
    static void TearDownTestSuite() { SharedTown::close(); }

  protected:
    /// To the bank, and its answer.
    BankReply authenticated(const char* card) {
        hand_over();
        town.pay_by_card(id, card);
        return town.at_the_bank(callout());
    }
    void expect_not_him() {
        expect_refused("auth_failure", true, 0);
        expect_ledgers(nothing);
        town.let_time_pass(id);
        expect_ledgers(nothing);
    }
    static std::string& message(BankReply& reply) { return reply.front().second; }
};

class ReturnsOf : public Returns, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Each, ReturnsOf, testing::Values(challenge_1_card, challenge_2_card),
                         [](const auto& given) {
                             return std::string(given.param == challenge_1_card ? "PaRes" : "CRes");
                         });

TEST_P(ReturnsOf, ThatWereTamperedWithPayNothing) {
    for (const std::size_t eighth : {1U, 3U, 4U, 6U}) {
        auto reply = authenticated(GetParam());
        auto& text = message(reply);
        auto& touched = text[text.size() * eighth / 8];
        touched = touched == 'A' ? 'B' : 'A';
        const auto bad = text;
        town.come_back(id, reply);
        expect_not_him();
        EXPECT_THAT(journal(), Not(HasSubstr(bad))) << "the bank's message is nobody's business";
        EXPECT_THAT(journal(), HasSubstr(reply.front().first)) << "that there was one is";
    }
}

TEST_P(ReturnsOf, ThatSayYesWhereTheBankSaidNoPayNothing) {
    // Half of another message, of a customer who was authenticated.
    auto yes = authenticated(GetParam());
    town.come_back(id, yes);
    expect_bought();
    hand_over();
    town.pay_by_card(id, GetParam());
    auto no = town.at_the_bank(callout(), "fail");
    const auto half = message(no).size() / 2;
    message(no) = message(no).substr(0, half) + message(yes).substr(std::min(half, message(yes).size()));
    town.come_back(id, no);
    expect_not_him();
}

TEST_P(ReturnsOf, ThatWereUsedBeforePayNothing) {
    const auto reply = authenticated(GetParam());
    town.come_back(id, reply);
    expect_bought();
    hand_over();
    town.pay_by_card(id, GetParam());
    callout();
    town.come_back(id, reply);
    expect_not_him();
}

TEST_P(ReturnsOf, ThatBelongToAnotherPurchasePayNothing) {
    for (const bool with_all_fields : {true, false}) {
        auto reply = authenticated(GetParam());
        const auto its = id;
        if (!with_all_fields) reply.resize(1);
        hand_over();
        town.pay_by_card(id, GetParam());
        callout();
        town.come_back(id, reply);
        expect_not_him();
        // Whose it is pays once or not at all: the message may be used up.
        id = its;
        town.come_back(id, reply);
        ASSERT_TRUE(is_over()) << town.explain(id);
        const bool paid = town.glance(id).transaction.phase == core::Phase::purchased;
        EXPECT_EQ(town.our_ledger(id), paid ? bought : nothing);
        EXPECT_EQ(town.borgun_ledger(), paid ? bought : nothing);
    }
}

TEST_P(ReturnsOf, WithoutAMessagePayNothing) {
    for (const auto& fields : {BankReply{}, BankReply{{"PaRes", ""}, {"cres", ""}},
                               BankReply{{"cancelled", "1"}}, BankReply{{"PaRes", "eJw="}, {"MD", "x"}},
                               BankReply{{"cres", "e30"}}, BankReply{{"cres", "not base64 \xC3\xA9"}}}) {
        hand_over();
        town.pay_by_card(id, GetParam());
        callout();
        town.come_back(id, fields);
        expect_not_him();
    }
}

/// Two messages that differ, or of both kinds: nobody says which one is meant, and it stays unpaid.
TEST_P(ReturnsOf, ThatContradictThemselvesPayNothing) {
    auto reply = authenticated(GetParam());
    reply.emplace_back(reply.front().first, message(reply) + "A");
    const auto told = town.come_back(id, reply);
    EXPECT_THAT(told.status, AnyOf(200, 202, 400)) << told.body;
    ASSERT_TRUE(is_over()) << town.explain(id);
    EXPECT_EQ(town.glance(id).transaction.phase, core::Phase::failed);
    EXPECT_EQ(asked("payment"), 0);
    expect_ledgers(nothing);
}

TEST_P(ReturnsOf, ThatComeTwiceAndInParallelPayOnce) {
    const auto reply = authenticated(GetParam());
    for (int again = 0; again < 5; ++again) town.come_back_and_go(id, reply);
    const auto told = town.come_back(id, reply);
    EXPECT_THAT(told.status, AnyOf(200, 202, 410)) << told.body;
    expect_bought();
    EXPECT_EQ(asked("validation"), 1);
    town.come_back(id, reply);
    auto other = reply;
    message(other) += "A";
    town.come_back(id, other);
    town.let_time_pass(id);
    expect_bought();
    EXPECT_EQ(asked("validation"), 1) << "what came later is noted, and asks nothing";
}

// ---- by the browser itself -------------------------------------------------------------------------------

class Browsers : public Returns {
  protected:
    BorgunTown::WayBack way_back(const char* card) {
        hand_over();
        const json body = {
            {"credentials", {{source, {{"card", {{"number", card}, {"expiry", "1230"}, {"cvc", "737"}}}}}}},
            {"return", {{"via", "kassi"}, {"landing_url", "http://127.0.0.1:9/landed"}}}};
        town.v1("POST", path + "/purchase", body);
        return town.way_back_from_the_bank(callout());
    }
    static HttpRequest post(const BorgunTown::WayBack& way) {
        return {"POST",
                way.url,
                {{"Content-Type", "application/x-www-form-urlencoded"}},
                encoding::form(way.fields),
                ""};
    }
    static HttpRequest get(const BorgunTown::WayBack& way) {
        return {"GET", way.url + "?" + encoding::form(way.fields), {}, "", ""};
    }
};

TEST_F(Browsers, ComeBackByGetAndByPostAndBothAtOnce) {
    for (const auto* card : {challenge_1_card, challenge_2_card})
        for (const auto& methods : {"G", "P", "GP", "PG", "PP", "GG", "PGPG"}) {
            const auto way = way_back(card);
            const std::string all(methods);
            for (const char method : all.substr(1))
                town.to_kassi_and_go(method == 'G' ? get(way) : post(way));
            const auto told = town.to_kassi(all.front() == 'G' ? get(way) : post(way));
            EXPECT_THAT(told.status, AnyOf(200, 303, 410)) << methods;
            expect_bought();
            EXPECT_EQ(asked("validation"), 1) << methods;
        }
}

TEST_F(Browsers, WithAnotherTokenAreNobody) {
    auto way = way_back(challenge_2_card);
    auto wrong = way;
    wrong.url.back() = wrong.url.back() == 'A' ? 'B' : 'A';
    EXPECT_EQ(town.to_kassi(post(wrong)).status, 400);
    wrong.url = way.url + "/more";
    EXPECT_EQ(town.to_kassi(post(wrong)).status, 400);
    auto put = post(way);
    put.method = "PUT";
    EXPECT_EQ(town.to_kassi(put).status, 405);
    EXPECT_EQ(asked("validation"), 0);
    town.to_kassi(post(way));
    expect_bought();
}

// ---- a client that authenticated by itself ---------------------------------------------------------------

class Finals : public Returns {
  protected:
    json enroll(const std::string& token, std::int64_t amount, const std::string& currency = "826") {
        return town.gateway("POST", "mpi/v2/enrollment",
                            {{"CardDetails", {{"PaymentType", "TokenSingle"}, {"Token", token}}},
                             {"PurchAmount", amount},
                             {"Exponent", 2},
                             {"Currency", currency},
                             {"TermUrl", "https://shop.example.is/back"}});
    }
    json credential(const std::string& token, const json& mpi_token) {
        return {{"borgun_final",
                 {{"token", token},
                  {"mpiToken", mpi_token},
                  {"amount", price},
                  {"currency", "826"},
                  {"orderId", id.text()},
                  {"transactionType", "PreAuthorization"}}}};
    }
    void pay(const json& what) {
        const auto told = town.pay(id, what, false);
        EXPECT_THAT(told.status, AnyOf(200, 202)) << told.body;
    }
};

TEST_F(Finals, AreBought) {
    hand_over();
    const auto token = town.token_of(frictionless_card);
    pay(credential(token, enroll(token, price).at("MPIToken")));
    expect_bought();
}

TEST_F(Finals, WithAnMpiTokenOfAnotherAmountCurrencyOrCardPayNothing) {
    const auto pays_nothing = [this](const std::string& token, const json& mpi_token) {
        pay(credential(token, mpi_token));
        expect_refused("auth_failure", true, 1);
        expect_ledgers(nothing);
        town.let_time_pass(id);
        expect_ledgers(nothing);
    };
    hand_over();
    auto token = town.token_of(frictionless_card);
    pays_nothing(token, enroll(token, price - 1).at("MPIToken"));
    hand_over();
    token = town.token_of(frictionless_card);
    pays_nothing(token, enroll(token, price, "978").at("MPIToken"));
    hand_over();
    token = town.token_of(frictionless_card);
    pays_nothing(token, enroll(town.token_of("4000000000000416"), price).at("MPIToken"));
    hand_over();
    pays_nothing(town.token_of(frictionless_card), "mpi-0000000000000000");
    // A challenge to which nobody went.
    hand_over();
    token = town.token_of(challenge_2_card);
    pays_nothing(token, enroll(token, price).at("MPIToken"));
}

TEST_F(Finals, WithAnMpiTokenThatWasUsedPayNothing) {
    hand_over();
    auto token = town.token_of(frictionless_card);
    const auto mpi_token = enroll(token, price).at("MPIToken");
    pay(credential(token, mpi_token));
    expect_bought();
    hand_over();
    token = town.token_of(frictionless_card);
    const auto again = town.pay(id, credential(token, mpi_token), false);
    EXPECT_EQ(again.status, 400) << again.body;
    EXPECT_THAT(again.body.value("detail", ""), HasSubstr("used before"));
    EXPECT_EQ(town.glance(id).transaction.phase, core::Phase::reserved) << "refused at the door";
    EXPECT_EQ(asked("payment"), 0);
    expect_ledgers(nothing);
}

TEST_F(Finals, ThatSayAnotherAmountCurrencyOrOrderAreNotSent) {
    hand_over();
    const auto token = town.token_of(frictionless_card);
    const auto good = credential(token, enroll(token, price).at("MPIToken"));
    const auto refused = [&](const char* member, const json& value) {
        auto bad = good;
        bad["borgun_final"][member] = value;
        const auto told = town.pay(id, bad, false);
        EXPECT_EQ(told.status, 400) << member << " " << value;
        EXPECT_EQ(told.body.value("field", ""),
                  "credentials." + std::string(source) + ".borgun_final." + member);
        EXPECT_EQ(town.glance(id).transaction.phase, core::Phase::reserved);
    };
    refused("amount", price - 1);
    refused("amount", price * 100);
    refused("currency", "978");
    refused("orderId", "TM0000012345");
    EXPECT_EQ(asked("payment"), 0);
    expect_ledgers(nothing);
}

TEST_F(Finals, ThatAreMalformedAreRefusedAtTheDoor) {
    hand_over();
    const auto token = town.token_of(frictionless_card);
    const auto good = credential(token, "mpi-1");
    for (const auto& [member, value] : {std::pair<const char*, json>{"amount", "11000"},
                                        {"amount", 0},
                                        {"amount", -1},
                                        {"amount", 110.5},
                                        {"currency", "GBP"},
                                        {"currency", "000"},
                                        {"token", "xx_1"},
                                        {"token", 7},
                                        {"mpiToken", ""},
                                        {"mpiToken", std::string(201, 'm')},
                                        {"transactionType", "Refund"},
                                        {"orderId", 12},
                                        {"more", "x"}}) {
        auto bad = good;
        bad["borgun_final"][member] = value;
        const auto told = town.pay(id, bad, false);
        EXPECT_EQ(told.status, 400) << member << " " << value;
        EXPECT_THAT(told.body.value("field", ""), testing::StartsWith("credentials." + std::string(source)));
        EXPECT_FALSE(told.body.value("detail", "").empty());
    }
    EXPECT_EQ(town.glance(id).transaction.phase, core::Phase::reserved);
    EXPECT_EQ(asked("payment"), 0);
}

}  // namespace
}  // namespace kassi::faults
