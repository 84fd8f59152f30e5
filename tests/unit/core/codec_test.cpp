#include "core/codec.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "examples.hpp"

namespace kassi::core {
namespace {

using namespace examples;

/// True when no member of the example has its default, so that a round trip says something about each.
template <std::size_t N, class T>
void is_maximal(const T& example) {
    const T empty{};
    const auto there = members<N>(example);
    const auto nothing = members<N>(empty);
    const auto look = [](std::size_t index, const auto& value, const auto& blank) {
        if constexpr (requires { value.empty(); })
            EXPECT_FALSE(value.empty()) << "member " << index;
        else
            EXPECT_TRUE(value != blank) << "member " << index;
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (look(I, std::get<I>(there), std::get<I>(nothing)), ...);
    }
    (std::make_index_sequence<N>{});
}

TEST(Codec, ExamplesLeaveNoFieldAtItsDefault) {
    is_maximal<3>(order());
    is_maximal<4>(bundle());
    is_maximal<3>(policy());
    is_maximal<5>(refusal());
    is_maximal<12>(call());
    is_maximal<10>(callout_state());
    is_maximal<6>(refund());
    is_maximal<31>(leg());
    is_maximal<21>(transaction());
    is_maximal<4>(request());
    is_maximal<9>(callout());
    is_maximal<6>(parcel());
    is_maximal<10>(journey());
    is_maximal<4>(evidence_field());
}

TEST(Codec, StateReadsBackAsItWas) {
    const auto full = transaction();
    const auto read = parse_state(state_json(full));
    ASSERT_TRUE(read) << read.error().field << " " << read.error().message;
    EXPECT_EQ(*read, full);
    EXPECT_EQ(state_json(*read), state_json(full));

    const Transaction empty;
    const auto read_empty = parse_state(state_json(empty));
    ASSERT_TRUE(read_empty) << read_empty.error().field << " " << read_empty.error().message;
    EXPECT_EQ(*read_empty, empty);
}

TEST(Codec, PapersReadBackAsTheyWere) {
    const auto read_parcel = parse_parcel(papers_json(parcel()));
    ASSERT_TRUE(read_parcel) << read_parcel.error().field << " " << read_parcel.error().message;
    EXPECT_EQ(*read_parcel, parcel());
    EXPECT_EQ(*parse_parcel(papers_json(Parcel{})), Parcel{});
    const auto read_journey = parse_journey(papers_json(journey()));
    ASSERT_TRUE(read_journey) << read_journey.error().field << " " << read_journey.error().message;
    EXPECT_EQ(*read_journey, journey());
    EXPECT_EQ(*parse_journey(papers_json(Journey{})), Journey{});
}

TEST(Codec, FieldsKeepOrderAndRepeats) {
    const auto read = parse_parcel(papers_json(parcel()));
    ASSERT_TRUE(read);
    const Fields wanted{{"z", "1"}, {"a", ""}, {"z", "2"}};
    EXPECT_EQ(read->callout->parameters, wanted);
}

TEST(Codec, BytesThatAreNoUtf8Survive) {
    Parcel odd;
    odd.saved = std::string("\xff\x00 raw", 6);
    odd.returned = {{"a", "\xc3"}};
    const auto text = papers_json(odd);
    EXPECT_TRUE(encoding::is_utf8(text));
    const auto read = parse_parcel(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, odd);
}

// ---- events --------------------------------------------------------------------------------------------

/// Members of each event, in the order of the variant.
constexpr std::array<std::size_t, 30> event_members{8, 4, 1, 6, 3, 13, 7, 5, 1, 8, 4, 3, 4, 3, 4,
                                                    2, 3, 2, 3, 2, 2,  6, 4, 4, 1, 2, 2, 6, 2, 2};

template <std::size_t I>
void event_round_trip() {
    constexpr auto count = event_members[I];
    const auto example = events().at(I);
    ASSERT_EQ(example.index(), I);
    JournalRow row;
    row.events = {example};
    const auto read = parse_row(row_json(row));
    ASSERT_TRUE(read) << read.error().field << " " << read.error().message;
    ASSERT_EQ(read->events.size(), 1U);
    ASSERT_EQ(read->events[0].index(), I);
    const auto& before = std::get<I>(example);
    const auto& after = std::get<I>(read->events[0]);
    if constexpr (count == 13) {
        const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = before;
        const auto& [a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2] = after;
        EXPECT_EQ(std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m),
                  std::tie(a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2));
        EXPECT_TRUE(j && k && h != Instant{} && !l.empty() && m);
    } else {
        if constexpr (!std::is_same_v<std::variant_alternative_t<I, Event>, GoalSet>)
            is_maximal<count>(before);
        EXPECT_EQ(members<count>(before), members<count>(after)) << event_json(example);
    }
    EXPECT_EQ(event_json(read->events[0]), event_json(example));
}

TEST(Codec, EveryEventReadsBackAsItWas) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (event_round_trip<I>(), ...);
    }
    (std::make_index_sequence<std::variant_size_v<Event>>{});
}

TEST(Codec, EmptyEventsReadBackToo) {
    JournalRow row;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (row.events.emplace_back(std::in_place_index<I>), ...);
    }
    (std::make_index_sequence<std::variant_size_v<Event>>{});
    const auto text = row_json(row);
    const auto read = parse_row(text);
    ASSERT_TRUE(read) << read.error().field << " " << read.error().message;
    EXPECT_EQ(row_json(*read), text);
}

// ---- the form in which it is stored: a change here is a change of the format
// ---------------------------------

TEST(Codec, EventsAreShortAndReadable) {
    EXPECT_EQ(event_json(Held{1, {11000, gbp}}), R"({"event":"Held","leg":1,"amount":["GBP",11000]})");
    EXPECT_EQ(event_json(Ready{2}), R"({"event":"Ready","leg":2})");
    EXPECT_EQ(
        event_json(CallMeant{1,
                             3,
                             Verb::charge,
                             "complete",
                             "",
                             "",
                             Repeat::same_key,
                             {},
                             Instant{Millis{5}},
                             false,
                             false,
                             "",
                             {}}),
        R"({"event":"CallMeant","leg":1,"call":3,"verb":"charge","step":"complete","repeat":"same_key",)"
        R"("silent_at":5})");
    EXPECT_EQ(
        event_json(CustomerBack{1, 1, {{"success", Keep::value, "1", 1}}, false}),
        R"({"event":"CustomerBack","leg":1,"callout":1,"fields":[{"name":"success","keep":"value","value":"1",)"
        R"("length":1}]})");
}

TEST(Codec, DefaultsAreLeftOut) {
    Transaction small;
    small.bundles = {Bundle{"s", "", {100, gbp}, {}}};
    EXPECT_EQ(
        state_json(small),
        R"({"format":1,"id":"00000000-0000-0000-0000-000000000000","reference":"","system":"","caller":"",)"
        R"("bundles":[{"source":"s","amount":["GBP",100]}],"phase":"reserved","handed_over_at":0,)"
        R"("held_until":0,"version":0})");
}

TEST(Codec, RowsSayWhoAndWhatAndWhatFollows) {
    Input input;
    input.body = Purchase{};
    input.by = "caller demo";
    input.tracking = "track-7";
    Decision decision;
    decision.events = {Ready{1}};
    decision.effects = {CallEffect{1, 3, "house", "complete", {}, {}},
                        VisitEffect{1, 1, "http://a/secret-token"}, NotifyEffect{"verdict"}};
    const auto row = row_of(input, decision, Instant{Millis{1000}});
    EXPECT_EQ(row_json(row),
              R"({"format":1,"at":1000,"input":"Purchase","by":"caller demo","tracking":"track-7",)"
              R"("events":[{"event":"Ready","leg":1}],)"
              R"("effects":["call 1.3 complete","visit 1.1","notify verdict"]})");
    const auto read = parse_row(row_json(row));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->at, row.at);
    EXPECT_EQ(read->input, row.input);
    EXPECT_EQ(read->by, row.by);
    EXPECT_EQ(read->tracking, row.tracking);
    EXPECT_EQ(read->effects, row.effects);
}

// ---- what is broken is named
// --------------------------------------------------------------------------------

template <class T>
std::string fault(const Result<T>& result) {
    if (result) return "none";
    EXPECT_EQ(result.error().kind, ErrorKind::internal);
    return result.error().field + " " + result.error().message;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), with);
}

TEST(Codec, UnknownNamesAreSkipped) {
    auto text =
        replaced(state_json(transaction()), R"("system":)", R"("new_in_format_1":{"a":[1]},"system":)");
    text = replaced(text, R"("merchant":)", R"("hue":null,"merchant":)");
    const auto read = parse_state(text);
    ASSERT_TRUE(read) << fault(read);
    EXPECT_EQ(*read, transaction());
}

TEST(Codec, AFaultIsNamedWithItsPlace) {
    const auto text = state_json(transaction());
    EXPECT_EQ(fault(parse_state(replaced(text, R"("system":"sandbox",)", ""))), "system is missing");
    EXPECT_EQ(fault(parse_state(replaced(text, R"("merchant":"house",)", ""))),
              "legs[0].merchant is missing");
    EXPECT_EQ(fault(parse_state(replaced(text, R"("step":"complete")", R"("step":7)"))),
              "legs[0].call.step is not a string");
    EXPECT_EQ(fault(parse_state(replaced(text, R"("money":"back")", R"("money":"gone")"))),
              "legs[0].money is not a word known here");
    EXPECT_EQ(fault(parse_state(replaced(text, R"("partial":true)", R"("partial":1)"))),
              "policy.partial is not true or false");
    EXPECT_EQ(fault(parse_state(replaced(text, R"(["GBP",5500])", R"(["QQQ",5500])"))),
              "bundles[0].orders[0].amount is not an amount of a known currency");
    EXPECT_EQ(fault(parse_state(replaced(text, R"(["GBP",5500])", R"(["GBP",55.5])"))),
              "bundles[0].orders[0].amount[1] is not an integer");
    EXPECT_EQ(fault(parse_state(replaced(text, R"("version":12)", R"("version":99999999999999999999)"))),
              "version is not an integer");
    EXPECT_EQ(fault(parse_state(replaced(text, R"("bundles":[)", R"("bundles":[3,)"))),
              "bundles[0] is not an object");
    EXPECT_EQ(fault(parse_state(replaced(text, id().text(), "0191"))), "id is not a UUID");
    EXPECT_EQ(fault(parse_state("[]")), "state is not an object");
    EXPECT_NE(fault(parse_state(text.substr(0, text.size() / 2))), "none");
}

TEST(Codec, ANewerFormatIsRefused) {
    const auto text = replaced(state_json(transaction()), R"("format":1)", R"("format":2)");
    EXPECT_EQ(fault(parse_state(text)), "format is 2, and only 1 is known here");
    EXPECT_EQ(fault(parse_row("{}")), "format is missing");
}

TEST(Codec, AnUnknownEventIsRefused) {
    const auto row = [](std::string_view event) {
        return R"({"format":1,"at":1,"input":"Due","events":[{"event":"Ready","leg":1},)" +
               std::string(event) + "]}";
    };
    EXPECT_EQ(fault(parse_row(row(R"({"event":"Vanished","leg":1})"))),
              "events[1].event is not an event known here");
    EXPECT_EQ(fault(parse_row(row(R"({"leg":1})"))), "events[1].event is missing");
    EXPECT_EQ(fault(parse_row(row(R"({"event":"Held","leg":1})"))), "events[1].amount is missing");
    EXPECT_EQ(fault(parse_row(row(R"({"event":"Held","leg":1,"amount":["GBP",1]})"))), "none");
}

}  // namespace
}  // namespace kassi::core
