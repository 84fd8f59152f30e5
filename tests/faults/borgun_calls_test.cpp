#include "borgun_scenes.hpp"

/// Every call of a purchase over Borgun, lost on its way or on its way back, late, and sent twice: nobody
/// pays twice, nothing stays held that nobody wants, and both ledgers say the same.
namespace kassi::faults {
namespace {

constexpr std::int64_t part = 4'000;
/// The longest patience of a call is 70 s: after that nobody hears the answer.
#define KASSI_TOO_LATE "120000"
constexpr std::chrono::seconds small_step{5};  ///< an answer of 10 s is heard

enum class Call {
    token,
    enrollment,
    validation,
    payment,
    token_look_up,
    event_look_up,
    look_up,
    capture,
    cancel,
    refund,
    part_refund,
    disable
};

std::string step_of(Call call) {
    switch (call) {
        case Call::token:
            return "token_single";
        case Call::enrollment:
            return "enrollment";
        case Call::validation:
            return "validation";
        case Call::payment:
            return "payment";
        case Call::token_look_up:
            return "token_look_up";
        case Call::event_look_up:
            return "event_look_up";
        case Call::look_up:
            return "look_up";
        case Call::capture:
            return "capture";
        case Call::cancel:
            return "cancel";
        case Call::refund:
        case Call::part_refund:
            return "refund";
        case Call::disable:
            return "token_disable";
    }
    return "";
}

/// What of the call is true.
enum class Work { not_done, done, done_later, done_twice };
struct Fault {
    const char* name;
    const char* rule;  ///< of the simulator, without "on"; nullptr: on the line
    OnTheLine line{};
    Work work{};
    bool heard = false;  ///< and its answer, though late
    bool waits = false;  ///< nobody hears that it came to an end: as after a restart
};
constexpr Fault faults[] = {
    {.name = "lost_before", .rule = R"("do":"dead")", .work = Work::not_done},
    {.name = "reset_before", .rule = nullptr, .line = OnTheLine::reset_before, .work = Work::not_done},
    {.name = "502_before", .rule = nullptr, .line = OnTheLine::not_the_gateway, .work = Work::not_done},
    {.name = "500_before", .rule = R"("do":"error_before")", .work = Work::not_done},
    {.name = "408", .rule = R"("do":"timed_out")", .work = Work::not_done},
    {.name = "409", .rule = R"("do":"conflict")", .work = Work::not_done},
    {.name = "429", .rule = R"("do":"too_many")", .work = Work::not_done},
    {.name = "503", .rule = R"("do":"busy")", .work = Work::not_done},
    {.name = "lost_after", .rule = R"("do":"drop_answer")", .work = Work::done},
    {.name = "reset_after", .rule = nullptr, .line = OnTheLine::reset_after, .work = Work::done},
    {.name = "answer_cut", .rule = nullptr, .line = OnTheLine::cut, .work = Work::done},
    {.name = "answer_cut_by_reset", .rule = nullptr, .line = OnTheLine::cut_by_reset, .work = Work::done},
    {.name = "answer_no_json", .rule = nullptr, .line = OnTheLine::no_json, .work = Work::done},
    {.name = "502_after", .rule = nullptr, .line = OnTheLine::bad_gateway, .work = Work::done},
    {.name = "500_after", .rule = R"("do":"error_after")", .work = Work::done},
    {.name = "slow", .rule = R"("do":"delay","ms":10000)", .work = Work::done, .heard = true},
    {.name = "too_slow", .rule = R"("do":"delay","ms":)" KASSI_TOO_LATE, .work = Work::done, .waits = true},
    {.name = "done_too_late",
     .rule = R"("do":"slow_before","ms":)" KASSI_TOO_LATE,
     .work = Work::done_later,
     .waits = true},
    {.name = "sent_twice", .rule = nullptr, .line = OnTheLine::sent_twice, .work = Work::done_twice},
};

class Calls : public testing::TestWithParam<std::tuple<Call, const Fault*, bool>> {
  public:
    static void TearDownTestSuite() { SharedTown::close(); }

  protected:
    Call call = std::get<0>(GetParam());
    const Fault& fault = *std::get<1>(GetParam());
    const bool told = std::get<2>(GetParam());
    BorgunPayment payment{SharedTown::get(told)};
    BorgunTown& town = payment.town;
    BankReply bank;
    bool came_through = false;  ///< what was done later was done

    void pay(const char* card) { payment.town.pay_by_card(payment.id, card); }
    void expect_rest(core::Phase phase) {
        ASSERT_TRUE(town.run_until(payment.id, [phase](const Glance& seen) {
            return seen.transaction.phase == phase &&
                   core::find_leg(seen.transaction, 1)->doing == core::Doing::rest;
        })) << town.explain(payment.id);
    }
    /// To the moment before.
    void prepare() {
        payment.hand_over("GBP", price, call == Call::cancel);
        switch (call) {
            case Call::token:
            case Call::enrollment:
            case Call::payment:
            case Call::token_look_up:
            case Call::event_look_up:
            case Call::look_up:
            case Call::capture:
                return;
            case Call::validation:
            case Call::disable:
                pay(challenge_2_card);
                bank = town.at_the_bank(payment.callout());
                return;
            case Call::cancel:
                pay(frictionless_card);
                return expect_rest(core::Phase::confirming);
            case Call::refund:
            case Call::part_refund:
                pay(frictionless_card);
                return expect_rest(core::Phase::purchased);
        }
    }
    /// What makes Kassi ask.
    void trigger() {
        const auto give_back = [this](std::int64_t amount) {
            town.v1("POST", payment.path + "/refunds",
                    {{"leg", 1}, {"amount", amount}, {"by", "Anna"}, {"because", "rain"}});
        };
        switch (call) {
            case Call::token:
            case Call::enrollment:
                return pay(challenge_1_card);
            case Call::payment:
            case Call::token_look_up:
            case Call::look_up:
            case Call::capture:
                return pay(frictionless_card);
            case Call::event_look_up:
                return pay_by_multi_token();
            case Call::validation:
                town.come_back(payment.id, bank);
                return;
            case Call::disable:
                town.v1("POST", payment.path + "/release", json::object());
                return;
            case Call::cancel:
                town.v1("POST", payment.path + "/confirm", {{"confirmed", false}});
                return;
            case Call::refund:
                return give_back(price);
            case Call::part_refund:
                return give_back(part);
        }
    }
    /// A token for many payments: only an event can say what became of this one.
    void pay_by_multi_token() {
        const auto multi =
            town.gateway("POST", "token/multi", {{"TokenSingle", town.token_of(frictionless_card)}});
        town.pay(payment.id, {{"borgun_token", multi.at("Token")}}, false);
    }
    void set_rules() {
        std::string rules;
        // What came of the payment is asked about when its answer was lost.
        if (call == Call::token_look_up || call == Call::event_look_up)
            rules = R"({"on":"payment","do":"drop_answer"})";
        if (fault.rule != nullptr)
            rules += (rules.empty() ? "" : ",") +
                     ("{\"on\":\"" + step_of(call) + "\"," + std::string(fault.rule) + "}");
        town.rules(rules);
        if (fault.rule == nullptr) town.on_the_line(step_of(call), fault.line);
    }
    /// A customer who is sent to his bank goes there, and comes back.
    bool run_to_the_end() {
        for (bool went = false;;) {
            const bool here = town.run_until(
                payment.id,
                [&](const Glance& seen) {
                    const bool over =
                        core::has_verdict(seen.transaction.phase) && core::settled(seen.transaction);
                    return over || core::needs_person(seen.transaction) ||
                           (!went && call != Call::validation && call != Call::disable &&
                            core::leg_away(seen.transaction) != nullptr);
                },
                hold_and_more, fault.heard ? small_step : Millis(std::chrono::minutes(1)));
            if (!here || went || core::leg_away(town.glance(payment.id).transaction) == nullptr) return here;
            went = true;
            town.come_back(payment.id, town.at_the_bank(payment.told().at("callout")));
        }
    }
    /// Whether the customer has what he wanted to buy.
    [[nodiscard]] bool is_bought() const {
        const bool certain = fault.heard;
        switch (call) {
            case Call::token:
                // The card was in that request only.
                return certain || fault.work == Work::done_twice;
            case Call::validation:
                // A message counts once: when the answer is lost, the second one is that it is used up.
                return certain || fault.work == Work::not_done || fault.work == Work::done_later;
            case Call::payment:
                // Whether the token is closed before the request comes through: either may win.
                if (fault.work == Work::done_later) return came_through;
                return certain || fault.work != Work::not_done;
            case Call::enrollment:
                return !fault.waits;
            case Call::token_look_up:
            case Call::event_look_up:
            case Call::look_up:
            case Call::capture:
            case Call::refund:
            case Call::part_refund:
                return true;
            case Call::cancel:
            case Call::disable:
                break;
        }
        return false;
    }
    [[nodiscard]] std::string ledger() const {
        if (call == Call::cancel) return let_go;
        if (!is_bought()) return nothing;
        if (call == Call::refund) return std::string(bought) + ", given_back 11000";
        if (call == Call::part_refund) return std::string(bought) + ", given_back 4000";
        return bought;
    }
    void expect_end() {
        const auto said = payment.told();
        if (fault.work == Work::done_later) came_through = !town.borgun_ledger().empty();
        const auto phase = call == Call::refund ? "cancelled" : is_bought() ? "purchased" : "failed";
        EXPECT_EQ(said.at("phase"), phase) << said << "\n" << payment.journal();
        EXPECT_EQ(said.at("settled"), true) << said;
        EXPECT_EQ(said.at("in_doubt"), false);
        EXPECT_EQ(said.at("needs_person"), false) << payment.journal();
        payment.expect_ledgers(ledger());
        EXPECT_LE(payment.asked("payment"), 1);
    }
};

TEST_P(Calls, EndAsTheyShouldAndOnce) {
    prepare();
    if (HasFatalFailure()) return;
    const int asked = town.asked(step_of(call));
    set_rules();
    trigger();
    ASSERT_TRUE(run_to_the_end()) << town.explain(payment.id) << payment.journal();
    expect_end();
    town.let_time_pass(payment.id);
    EXPECT_TRUE(town.wait_until([&] { return town.unanswered() == 0; }));
    expect_end();
    EXPECT_GT(town.asked(step_of(call)), asked) << "the fault was there for nothing";
    town.rules("");
}

using Cases = std::vector<std::tuple<Call, const Fault*, bool>>;

/// Everything but parts of a refund that the network sends twice (the gateway gives back twice, and we cannot
/// help it), and those of which nobody tells (below).
Cases all_cases() {
    Cases cases;
    for (const auto call : {Call::token, Call::enrollment, Call::validation, Call::payment,
                            Call::token_look_up, Call::event_look_up, Call::look_up, Call::capture,
                            Call::cancel, Call::refund, Call::part_refund, Call::disable})
        for (const auto& fault : faults)
            for (const bool told : {true, false}) {
                if (fault.work == Work::done_twice && call == Call::part_refund) continue;
                if (call == Call::event_look_up && !told) continue;
                // The gateway tells of money only.
                const bool before_money = call == Call::token || call == Call::enrollment ||
                                          call == Call::validation || call == Call::disable;
                if (before_money && !told) continue;
                const bool nobody_tells = !told || fault.work == Work::not_done;
                if (call == Call::part_refund && nobody_tells && !fault.heard) continue;
                cases.emplace_back(call, &fault, told);
            }
    return cases;
}

std::string word(Call call) {
    return call == Call::part_refund ? "part_refund" : step_of(call);
}
std::string name_of(const testing::TestParamInfo<Calls::ParamType>& info) {
    const auto& [call, fault, told] = info.param;
    return word(call) + "_" + fault->name + (told ? "" : "_untold");
}
INSTANTIATE_TEST_SUITE_P(Each, Calls, testing::ValuesIn(all_cases()), name_of);

// ---- a part of a refund, of which nobody tells -----------------------------------------------------------

class PartOfARefund : public testing::TestWithParam<const Fault*> {};

/// Neither the payment nor anything else says whether the part went back: it is never begun again, and a
/// person is called.
TEST_P(PartOfARefund, ThatNobodyTellsOfIsForAPerson) {
    const auto& fault = *GetParam();
    BorgunTown town({.hears_events = false});
    BorgunPayment payment(town);
    payment.hand_over();
    town.pay_by_card(payment.id, frictionless_card);
    payment.expect_bought();
    if (fault.rule != nullptr)
        town.rules("{\"on\":\"refund\"," + std::string(fault.rule) + "}");
    else
        town.on_the_line("refund", fault.line);
    const auto told = town.v1("POST", payment.path + "/refunds",
                              {{"leg", 1}, {"amount", part}, {"by", "Anna"}, {"because", "rain"}});
    EXPECT_EQ(told.body.at("legs").at(0).at("refunds").at(0).at("state"), "asked") << told.body;
    ASSERT_TRUE(town.run_until(
        payment.id, [](const Glance& seen) { return core::needs_person(seen.transaction); },
        std::chrono::hours(3)))
        << town.explain(payment.id);
    const bool done = fault.work != Work::not_done;
    EXPECT_EQ(town.borgun_ledger(), std::string(bought) + (done ? ", given_back 4000" : ""));
    EXPECT_EQ(town.our_ledger(payment.id), bought);
    EXPECT_EQ(town.asked("refund"), 1) << "never begun again";
    const auto said = payment.told();
    EXPECT_EQ(said.at("phase"), "purchased");
    EXPECT_EQ(said.at("settled"), false);
    EXPECT_EQ(town.verify(), "");
}
INSTANTIATE_TEST_SUITE_P(Each, PartOfARefund,
                         testing::Values(&faults[0], &faults[1], &faults[3], &faults[8], &faults[10],
                                         &faults[14], &faults[16]),
                         [](const auto& given) { return given.param->name; });

}  // namespace
}  // namespace kassi::faults
