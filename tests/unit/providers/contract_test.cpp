#include <gmock/gmock.h>

#include "scenes.hpp"
#include "tests/unit/simulators/wallet.hpp"

/// What every way of paying owes the house, whichever it is. A new flow adds its merchants to samples().
namespace kassi::providers {
namespace {

using namespace test;
using core::Verb;

constexpr Verb all_verbs[] = {Verb::open,      Verb::authorise, Verb::charge, Verb::capture,
                              Verb::void_hold, Verb::refund,    Verb::query,  Verb::close};

const sandbox::test::Apple& apple() {
    return sandbox::test::Apple::at(the_time);
}

Merchant with_wallet(Merchant merchant) {
    merchant.apple_pay = apple().shop();
    return merchant;
}

/// Of the one payment that the stages are about.
const std::string& wallet_token(const Stage& stage) {
    static const std::string made = [&stage] {
        auto order = apple().order(stage.transaction.id.text(), the_time);
        order.currency = "826";
        order.amount = std::to_string(stage.amount.minor);
        return apple().world.token(order);
    }();
    return made;
}

std::vector<Merchant> samples(std::string_view flow) {
    if (flow == "on_credit") return {credit_merchant()};
    if (flow == "redirect") return {redirect_merchant(), page_merchant(false), page_merchant(true)};
    if (flow == "stripe") return {stripe_merchant(), with_wallet(stripe_merchant())};
    if (flow == "borgun")
        return {borgun_merchant(), borgun_sale_merchant(), with_wallet(borgun_merchant()),
                with_wallet(borgun_sale_merchant())};
    if (flow == "securepay") return {securepay_merchant()};
    return {};
}

/// The one kind of merchant that live mode refuses for it.
bool is_unsigned_page(const Merchant& merchant) {
    return merchant.name == "page-house" && merchant.secrets.empty();
}

struct Subject {
    const Flow* flow;
    Merchant merchant;
    core::Facts facts;
};

/// Runs `check` for every merchant sample of every flow.
void for_all(const std::function<void(const Subject&)>& check) {
    for (const Flow* flow : Registry::flows()) {
        const auto merchants = samples(flow->name());
        EXPECT_FALSE(merchants.empty()) << flow->name() << " has no sample merchant in this test";
        for (const Merchant& merchant : merchants) {
            SCOPED_TRACE(std::string(flow->name()) + " / " + merchant.name);
            const auto facts = flow->configure(merchant);
            ASSERT_TRUE(facts.has_value()) << facts.error().field << " " << facts.error().message;
            check({flow, merchant, *facts});
        }
    }
}

Stage stage_of(const Subject& subject) {
    Stage stage(subject.merchant.name, std::string(subject.flow->name()));
    stage.leg.references = {
        {"session", "rs_1"}, {"intent", "pi_1"}, {"payment", "tr_1"}, {"refund_id", "RF-1"}};
    stage.parcel.credential = {"stripe_token", "tok_1"};
    if (subject.flow->name() == "borgun") stage.parcel.credential = {"borgun_token", "ts_1234567890"};
    if (subject.merchant.apple_pay != nullptr) stage.parcel.credential = {"apple_pay", wallet_token(stage)};
    stage.parcel.returned = {{"success", "1"}};
    return stage;
}

bool offers(const core::Facts& facts, Verb verb) {
    switch (verb) {
        case Verb::open:
            return facts.has_open;
        case Verb::authorise:
        case Verb::capture:
        case Verb::void_hold:
            return facts.can_hold;
        case Verb::charge:
            return !facts.can_hold && !facts.settled_by_return;
        case Verb::refund:
            return facts.can_refund;
        case Verb::query:
            return facts.can_query;
        case Verb::close:
            return facts.can_close;
    }
    return false;
}

void expect_no_secret(const Merchant& merchant, const core::Request& request) {
    std::string all = request.method + request.path + request.body;
    for (const auto& [name, value] : request.headers) all += name + value;
    for (const auto& [name, secret] : merchant.secrets)
        EXPECT_EQ(all.find(secret.reveal()), std::string::npos) << name << " would be written to the disk";
}

TEST(AllFlows, HaveNamesOfTheirOwn) {
    std::vector<std::string> names;
    for (const Flow* flow : Registry::flows()) names.emplace_back(flow->name());
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(AllFlows, StateFactsThatFitTogether) {
    for_all([](const Subject& subject) {
        const auto& facts = subject.facts;
        EXPECT_TRUE(!facts.can_refund_part || facts.can_refund);
        EXPECT_TRUE(!facts.settled_by_return || !facts.can_query);
        EXPECT_TRUE(!facts.can_close || facts.can_query) << "what was closed too late is looked up";
        EXPECT_TRUE(facts.can_query || facts.settled_by_return || facts.notifies) << "nobody would ever know";
        EXPECT_FALSE(facts.credentials.empty());
        for (const Verb verb : all_verbs) EXPECT_GT(facts.budget(verb).count(), 0);
    });
}

TEST(AllFlows, RefuseSettingsAndSecretsThatNobodyReads) {
    for_all([](const Subject& subject) {
        auto merchant = subject.merchant;
        merchant.settings["colour"] = "blue";
        EXPECT_EQ(subject.flow->configure(merchant).error(),
                  bad_request("colour", subject.flow->configure(merchant).error().message));
        merchant = subject.merchant;
        merchant.secrets.emplace("colour", Secret<>{"blue"});
        ASSERT_FALSE(subject.flow->configure(merchant).has_value());
        EXPECT_EQ(subject.flow->configure(merchant).error().field, "colour");
        EXPECT_THAT(subject.flow->configure(merchant).error().message,
                    testing::Not(testing::HasSubstr("blue")));
    });
}

TEST(AllFlows, AskInAWayThatCanBeRecordedAndRepeated) {
    for_all([](const Subject& subject) {
        for (const Verb verb : all_verbs) {
            SCOPED_TRACE(word(verb));
            Stage stage = stage_of(subject);
            const auto step = subject.flow->begin(stage.scene(verb), subject.merchant);
            if (!offers(subject.facts, verb)) {
                EXPECT_FALSE(is<core::Ask>(step)) << "is not in its facts";
                continue;
            }
            const auto* ask = std::get_if<core::Ask>(&step);
            if (ask == nullptr) continue;
            EXPECT_FALSE(ask->name.empty());
            EXPECT_FALSE(ask->reference.empty()) << "a notice may come before the answer";
            EXPECT_TRUE(ask->request.path.starts_with("/"));
            EXPECT_FALSE(ask->request.method.empty());
            EXPECT_EQ(ask->repeat == core::Repeat::same_key, !ask->key.empty());
            if (ask->repeat == core::Repeat::same_key) {
                EXPECT_GT(ask->key_until, stage.now);
                const auto again = as<core::Ask>(subject.flow->begin(stage.scene(verb), subject.merchant));
                EXPECT_EQ(again.key, ask->key);
                EXPECT_EQ(again.request, ask->request) << "equal scenes, equal bytes";
            }
            const bool moves_money = core::takes_money(verb) || verb == Verb::refund;
            EXPECT_FALSE(moves_money && ask->repeat == core::Repeat::safe);
            expect_no_secret(subject.merchant, ask->request);
            const bool has_number = ask->request.body.find(sandbox::test::visa_device) != std::string::npos;
            EXPECT_EQ(ask->needs_volatile, has_number) << "or it would be written to the disk";
            EXPECT_EQ(has_number, subject.merchant.apple_pay != nullptr && core::takes_money(verb) &&
                                      verb != Verb::capture);

            const auto dressed = subject.flow->dress(ask->request, subject.merchant);
            EXPECT_TRUE(parse_url(dressed.target, "target").has_value()) << dressed.target;
            EXPECT_TRUE(dressed.target.starts_with(subject.merchant.base_url + "/"));
            EXPECT_EQ(dressed.body, ask->request.body);
        }
    });
}

TEST(AllFlows, AskAboutWhatAnotherCopyOfTheRecordMayHaveBegun) {
    for_all([](const Subject& subject) {
        if (!subject.facts.can_query || subject.facts.house_credit) return;
        Stage stage = stage_of(subject);
        stage.leg.references.clear();
        stage.leg.call.reset();
        stage.leg.calls = 0;
        stage.leg.restored = true;
        const auto step = subject.flow->begin(stage.scene(Verb::query), subject.merchant);
        if (is<core::Unknown>(step)) return;
        const auto& ask = as<core::Ask>(step);
        EXPECT_EQ(ask.repeat, core::Repeat::safe);
        EXPECT_FALSE(ask.as && *ask.as != Verb::query);
    });
}

TEST(AllFlows, KnowSilenceFromRefusal) {
    for_all([](const Subject& subject) {
        for (const Verb verb : all_verbs) {
            SCOPED_TRACE(word(verb));
            Stage stage = stage_of(subject);
            EXPECT_TRUE(is<core::Unknown>(
                subject.flow->resume(stage.scene(verb), subject.merchant, core::Silence{true, "timed out"})));
            EXPECT_TRUE(is<core::NotDone>(
                subject.flow->resume(stage.scene(verb), subject.merchant, core::Silence{false, "no route"})));
        }
    });
}

TEST(AllFlows, BelieveNothingThatTheyDoNotUnderstand) {
    const std::string bodies[] = {"",
                                  "OK",
                                  "<html>502</html>",
                                  "null",
                                  "[]",
                                  "{}",
                                  "{\"status\":\"paid\"}",
                                  "{\"status\":1,\"id\":[],\"amount\":{}}",
                                  "{\"id\":\"rs_1\",\"status\":\"PAID\"}",
                                  session_json("paid").substr(0, 60),
                                  session_json("paid") + "x",
                                  session_json("succeeded"),
                                  "\xff\xfe"};
    for_all([&](const Subject& subject) {
        for (const Verb verb : all_verbs) {
            for (const int status :
                 {200, 201, 202, 204, 301, 302, 409, 418, 429, 500, 502, 503, 504, 599, 0}) {
                for (const auto& body : bodies) {
                    SCOPED_TRACE(std::string(word(verb)) + " " + std::to_string(status) + " " +
                                 body.substr(0, 40));
                    Stage stage = stage_of(subject);
                    const auto step =
                        subject.flow->resume(stage.scene(verb), subject.merchant, answered(status, body));
                    EXPECT_TRUE(is<core::Unknown>(step)) << step.index();
                }
            }
        }
    });
}

TEST(AllFlows, SayThatADefectIsNoPaymentWhateverItsStatus) {
    for_all([](const Subject& subject) {
        for (const Verb verb : all_verbs) {
            for (const int status : {400, 401, 403, 404, 422, 500, 503}) {
                SCOPED_TRACE(std::string(word(verb)) + " " + std::to_string(status));
                Stage stage = stage_of(subject);
                const auto step = subject.flow->resume(stage.scene(verb), subject.merchant,
                                                       answered(status, session_json("paid")));
                EXPECT_FALSE(is<core::Done>(step)) << "a body does not undo its status";
            }
        }
    });
}

TEST(AllFlows, AcknowledgeANoticeInWordsOfSomeKind) {
    for_all([](const Subject& subject) {
        const auto words = subject.flow->acknowledgement();
        EXPECT_THAT(std::string(words.content_type), testing::HasSubstr("/"));
        EXPECT_FALSE(words.body.empty());
        if (subject.flow->name() != "securepay") {
            EXPECT_EQ(words.body, R"({"received":true})");
        }
    });
}

TEST(AllFlows, SignReturnsWhereTheyAreAllThereIs) {
    for_all([](const Subject& subject) {
        const bool is_signed = subject.flow->signs_returns(subject.merchant);
        EXPECT_EQ(is_signed, subject.facts.settled_by_return && !is_unsigned_page(subject.merchant));
    });
}

TEST(AllFlows, KeepNoUnknownFieldInTheJournal) {
    const Fields fields{{"cardNumber", "4111111111111111"},
                        {"PaRes", "eJxVUl1v"},
                        {"success", "4111111111111111"},
                        {"ref", "4111 1111 1111 1111"},
                        {"cvc", "123"},
                        {"4111111111111111", ""},
                        {"signature", "secret-signature"},
                        {"reference", "a b"},
                        {"email", "jo@example.com"},
                        {"ref", "4111.1111.1111.1111"},
                        {"4111.1111.1111.1111", ""},
                        {"ref", "4111_1111_1111_1111"},
                        {"4111_1111_1111_1111", ""}};
    for_all([&](const Subject& subject) {
        const auto evidence = subject.flow->evidence(fields);
        ASSERT_EQ(evidence.size(), fields.size());
        for (std::size_t i = 0; i < fields.size(); ++i) {
            EXPECT_EQ(evidence[i].length, static_cast<std::int64_t>(fields[i].second.size()));
            EXPECT_NE(evidence[i].keep, core::Keep::value) << fields[i].first;
            EXPECT_EQ(
                evidence[i].value.find(fields[i].second) != std::string::npos && !fields[i].second.empty(),
                false);
            EXPECT_EQ(evidence[i].name.find("4111"), std::string::npos);
        }
        EXPECT_EQ(evidence[0].name, "cardNumber");
    });
}

TEST(AllFlows, HearNoNoticeWithoutASignature) {
    for_all([](const Subject& subject) {
        HttpRequest notice{
            "POST",
            "/webhooks/x/y",
            {{"Content-Type", "application/json"}},
            R"({"event_id":"e","type":"session.paid","session":"rs_1","reference":"r","status":"paid","amount":1,"currency":"GBP"})",
            "127.0.0.1"};
        const auto read = subject.flow->read(notice, subject.merchant, the_time);
        ASSERT_FALSE(read.has_value());
        // Where notices have no signature they are hints, which are asked about.
        EXPECT_TRUE(read.error().kind == ErrorKind::unauthenticated || !subject.facts.notifies ||
                    subject.facts.notice_trust == core::Trust::hint);
    });
}

}  // namespace
}  // namespace kassi::providers
