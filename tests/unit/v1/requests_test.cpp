#include "api/v1/requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/limits.hpp"

namespace kassi::api::v1 {
namespace {

using nlohmann::json;

json hand_over_body() {
    return json::parse(R"({
        "caller": "demo", "held_until": "2026-01-10T10:00:00Z",
        "bundles": [
            {"source": "ext_test1", "description": "Théâtre", "currency": "gbp", "amount": 1250,
             "orders": [{"item": 1, "amount": 1000, "cancellable": true}, {"item": 2, "amount": 250}]},
            {"source": "ext_test0", "currency": "JPY", "amount": 0}]})");
}

TEST(HandOver, IsReadInFull) {
    auto body = hand_over_body();
    body["customer"] = {{"name", "Ann"}};
    body["policy"] = {{"partial", true}, {"confirm", "owner"}, {"on_decline", "again"}};
    const auto request = read_hand_over(body.dump());
    ASSERT_TRUE(request.has_value()) << request.error().field << request.error().message;
    EXPECT_EQ(request->system, "");
    EXPECT_EQ(request->caller, "demo");
    EXPECT_EQ(iso8601(request->held_until), "2026-01-10T10:00:00Z");
    ASSERT_EQ(request->bundles.size(), 2U);
    EXPECT_EQ(request->bundles[0].source, "ext_test1");
    EXPECT_EQ(request->bundles[0].description, "Théâtre");
    EXPECT_EQ(request->bundles[0].amount.minor, 1250);
    EXPECT_EQ(request->bundles[0].amount.currency.code(), "GBP");
    ASSERT_EQ(request->bundles[0].orders.size(), 2U);
    EXPECT_EQ(request->bundles[0].orders[0].item, 1);
    EXPECT_TRUE(request->bundles[0].orders[0].cancellable);
    EXPECT_FALSE(request->bundles[0].orders[1].cancellable);
    EXPECT_EQ(request->bundles[0].orders[1].amount, (Money{250, request->bundles[0].amount.currency}));
    EXPECT_EQ(request->policy, (core::Policy{true, core::Confirm::owner, core::OnDecline::again}));
    EXPECT_EQ(request->customer_json, R"({"name":"Ann"})");
    EXPECT_EQ(request->document_json, "");
}

TEST(HandOver, LeavesThePolicyToTheCallerWhenThereIsNone) {
    const auto request = read_hand_over(hand_over_body().dump());
    ASSERT_TRUE(request.has_value());
    EXPECT_FALSE(request->policy.has_value());
}

TEST(HandOver, KeepsTheDocumentByteForByte) {
    auto text = hand_over_body().dump();
    text.insert(text.size() - 1, R"(, "document": {"z": 1.50, "a": "\u00e9"})");
    const auto request = read_hand_over(text);
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->document_json, R"({"z": 1.50, "a": "\u00e9"})");
}

TEST(HandOver, HoldsADocumentOfTheLimitAndNoByteMore) {
    for (const auto size : {limits::document_bytes_max, limits::document_bytes_max + 1}) {
        auto body = hand_over_body();
        body["document"] = {{"x", std::string(size - std::string_view(R"({"x":""})").size(), 'x')}};
        const auto request = read_hand_over(body.dump());
        if (size == limits::document_bytes_max) {
            EXPECT_TRUE(request.has_value());
            continue;
        }
        ASSERT_FALSE(request.has_value());
        EXPECT_EQ(request.error().kind, ErrorKind::too_large);
        EXPECT_EQ(request.error().field, "document");
    }
}

struct Change {
    std::string pointer;  ///< RFC 6901
    json value;
    std::string field;
};

TEST(HandOver, NamesWhatIsWrong) {
    const std::vector<Change> changes{
        {"/caller", 7, "caller"},
        {"/caller", "", "caller"},
        {"/caller", std::string(257, 'x'), "caller"},
        {"/held_until", "soon", "held_until"},
        {"/held_until", "2026-13-10T10:00:00Z", "held_until"},
        {"/bundles", "none", "bundles"},
        {"/bundles/0/amount", "1250", "bundles[0].amount"},
        {"/bundles/0/amount", 12.5, "bundles[0].amount"},
        {"/bundles/0/amount", -1, "bundles[0].amount"},
        {"/bundles/0/amount", 1'000'000'000'001, "bundles[0].amount"},
        {"/bundles/1/currency", "XYZ", "bundles[1].currency"},
        {"/bundles/1/currency", "XXX", "bundles[1].currency"},
        {"/bundles/1/currency", 826, "bundles[1].currency"},
        {"/bundles/1/source", "", "bundles[1].source"},
        {"/bundles/0/description", std::string(257, 'x'), "bundles[0].description"},
        {"/bundles/0/orders/0/item", 0, "bundles[0].orders[0].item"},
        {"/bundles/0/orders/0/item", 9'007'199'254'740'992, "bundles[0].orders[0].item"},
        {"/bundles/0/orders/0/amount", 0.5, "bundles[0].orders[0].amount"},
        {"/bundles/0/orders/0/cancellable", "yes", "bundles[0].orders[0].cancellable"},
        {"/bundles/1/odd", 1, "bundles[1].odd"},
        {"/customer", "Ann", "customer"},
        {"/document", json::array(), "document"},
        {"/policy", true, "policy"},
        {"/policy", {{"partial", "no"}}, "policy.partial"},
        {"/policy", {{"confirm", "nobody"}}, "policy.confirm"},
        {"/policy", {{"on_decline", "maybe"}}, "policy.on_decline"},
        {"/policy", {{"odd", 1}}, "policy.odd"},
        {"/odd", 1, "odd"},
    };
    for (const auto& [pointer, value, field] : changes) {
        auto body = hand_over_body();
        body[json::json_pointer(pointer)] = value;
        const auto request = read_hand_over(body.dump());
        ASSERT_FALSE(request.has_value()) << pointer << " " << value;
        EXPECT_EQ(request.error().field, field) << pointer << " " << value;
    }
    for (const auto* const name : {"caller", "held_until", "bundles"}) {
        auto body = hand_over_body();
        body.erase(name);
        const auto request = read_hand_over(body.dump());
        ASSERT_FALSE(request.has_value());
        EXPECT_EQ(request.error().field, name);
    }
}

TEST(HandOver, RefusesANumberThatOnlyLooksLikeAnInteger) {
    for (const auto* const number : {"1250.0", "125e1", "1.25e3", "\"1250\"", "true", "null", "1e400"}) {
        const auto text = std::string(R"({"caller":"demo","held_until":"2026-01-10T10:00:00Z","bundles":[)") +
                          R"({"source":"ext_test0","currency":"GBP","amount":)" + number + "}]}";
        const auto request = read_hand_over(text);
        ASSERT_FALSE(request.has_value()) << number;
        EXPECT_THAT(request.error().field, testing::AnyOf("bundles[0].amount", "body")) << number;
    }
}

TEST(HandOver, RefusesWhatIsNoJson) {
    for (const auto* const text :
         {"", "{", "nothing", "[]", "{\"caller\":\"a\",\"caller\":\"b\"}", "{\"a\":\"\xff\"}"}) {
        const auto request = read_hand_over(text);
        ASSERT_FALSE(request.has_value());
        EXPECT_EQ(request.error().field, "body") << text;
        EXPECT_EQ(request.error().kind, ErrorKind::bad_request);
    }
}

TEST(HandOver, LimitsBundlesAndOrders) {
    for (const auto count : {limits::bundles_max, limits::bundles_max + 1}) {
        auto body = hand_over_body();
        body["bundles"] = json::array();
        for (std::size_t i = 0; i < count; ++i)
            body["bundles"].push_back(
                {{"source", "s" + std::to_string(i)}, {"currency", "GBP"}, {"amount", 1}});
        EXPECT_EQ(read_hand_over(body.dump()).has_value(), count == limits::bundles_max);
    }
    for (const auto count : {limits::orders_per_bundle_max, limits::orders_per_bundle_max + 1}) {
        auto body = hand_over_body();
        auto& orders = body["bundles"][0]["orders"] = json::array();
        for (std::size_t i = 0; i < count; ++i) orders.push_back({{"item", i + 1}, {"amount", 1}});
        EXPECT_EQ(read_hand_over(body.dump()).has_value(), count == limits::orders_per_bundle_max);
    }
}

TEST(Purchase, MayBeEmpty) {
    for (const auto* const text : {"", "{}"}) {
        const auto request = read_purchase(text);
        ASSERT_TRUE(request.has_value());
        EXPECT_FALSE(request->returns.has_value());
        EXPECT_TRUE(request->ways.empty());
    }
}

TEST(Purchase, IsReadInFull) {
    const auto request = read_purchase(R"({"ways": {"ext_test0": "stripe", "ext_test1": "redirect"},
        "return": {"via": "caller", "token": "abc", "url": "https://shop.example/abc", "remote_site": "shop.example",
                   "user_agent": "Mozilla", "accept": "*/*", "remote_ip": "::1"},
        "customer": {"name": "Ann"}})");
    ASSERT_TRUE(request.has_value()) << request.error().field;
    EXPECT_EQ(request->ways.at("ext_test0"), "stripe");
    EXPECT_EQ(request->customer_json, R"({"name": "Ann"})");
    ASSERT_TRUE(request->returns.has_value());
    EXPECT_EQ(request->returns->via, core::ReturnVia::caller);
    EXPECT_EQ(request->returns->token, "abc");
    EXPECT_EQ(request->returns->url, "https://shop.example/abc");
    EXPECT_EQ(request->returns->remote_site, "shop.example");
    EXPECT_EQ(request->returns->user_agent, "Mozilla");
    EXPECT_EQ(request->returns->accept, "*/*");
    EXPECT_EQ(request->returns->remote_ip, "::1");
    const auto kassi =
        read_purchase(R"({"return": {"via": "kassi", "landing_url": "https://shop.example/done"}})");
    ASSERT_TRUE(kassi.has_value());
    EXPECT_EQ(kassi->returns->via, core::ReturnVia::kassi);
    EXPECT_EQ(kassi->returns->landing_url, "https://shop.example/done");
}

TEST(Purchase, BringsCredentialsBySource) {
    const auto request = read_purchase(
        R"({"credentials": {"ext_test0": {"stripe_token": "tok_1"}, "a.b c": {"pigeon": "grey"}}})");
    ASSERT_TRUE(request.has_value()) << request.error().field;
    EXPECT_EQ(request->credentials,
              (std::map<std::string, core::Credential>{{"ext_test0", {"stripe_token", "tok_1"}},
                                                       {"a.b c", {"pigeon", "grey"}}}));
    EXPECT_TRUE(read_purchase(R"({"credentials": {}})")->credentials.empty());
    // An object is its text: the way of paying reads it.
    const auto card =
        read_purchase(R"({"credentials": {"a": {"card": {"number": "1", "billing": {"town": "é"}}}}})");
    EXPECT_EQ(card->credentials.at("a").kind, "card");
    EXPECT_EQ(json::parse(card->credentials.at("a").value),
              (json{{"number", "1"}, {"billing", {{"town", "é"}}}}));
    EXPECT_FALSE(card->shared_credential);
    const auto shared = read_purchase(R"({"credential": {"card": {"number": "1"}}})");
    ASSERT_TRUE(shared->shared_credential);
    EXPECT_EQ(*shared->shared_credential, (core::Credential{"card", R"({"number":"1"})"}));
    const auto sized = [](std::size_t bytes) {
        return read_purchase(json{{"credential", {{"card", {{"n", std::string(bytes, 'x')}}}}}}.dump());
    };
    constexpr std::size_t frame = 8;  // {"n":""}
    EXPECT_TRUE(sized(32 * 1024 - frame).has_value());
    EXPECT_EQ(sized(32 * 1024 + 1 - frame).error().field, "credential.card");
    const std::string longest(limits::text_bytes_max, 'x');
    const auto with = [](const std::string& value) {
        return read_purchase(json{{"credentials", {{"a", {{"stripe_token", value}}}}}}.dump());
    };
    EXPECT_EQ(with(longest)->credentials.at("a").value, longest);
    EXPECT_EQ(with(longest + "x").error().field, "credentials.a.stripe_token");
    EXPECT_TRUE(read_purchase(json{{"credentials", {{longest, {{"k", "v"}}}}}}.dump()).has_value());
    EXPECT_EQ(read_purchase(json{{"credentials", {{longest + "x", {{"k", "v"}}}}}}.dump()).error().field,
              "credentials");
}

template <class Read>
void expect_refusals(Read read, const std::vector<std::pair<std::string, std::string>>& cases) {
    for (const auto& [text, field] : cases) {
        const auto request = read(text);
        ASSERT_FALSE(request.has_value()) << text;
        EXPECT_EQ(request.error().field, field) << text;
    }
}

TEST(Purchase, NamesWhatIsWrong) {
    const auto long_url = "\"https://shop.example/" + std::string(limits::return_url_bytes_max, 'x') + "\"";
    expect_refusals(
        read_purchase,
        {{R"({"ways": []})", "ways"},
         {R"({"ways": {"ext_test0": 1}})", "ways.ext_test0"},
         {R"({"return": "kassi"})", "return"},
         {R"({"return": {}})", "return.via"},
         {R"({"return": {"via": "pigeon"}})", "return.via"},
         {R"({"return": {"via": "caller", "url": "https://a/b"}})", "return.token"},
         {R"({"return": {"via": "caller", "token": "b"}})", "return.url"},
         {R"({"return": {"via": "caller", "token": "b", "url": )" + long_url + "}}", "return.url"},
         {R"({"return": {"via": "caller", "token": "b", "url": "https://a/b", "landing_url": "x"}})",
          "return.landing_url"},
         {R"({"return": {"via": "kassi", "token": "b"}})", "return.token"},
         {R"({"return": {"via": "kassi", "user_agent": "a\u0000b"}})", "return.user_agent"},
         {R"({"card": "4111"})", "card"},
         {R"({"credentials": "tok_1"})", "credentials"},
         {R"({"credential": "tok_1"})", "credential"},
         {R"({"credential": {}})", "credential"},
         {R"({"credential": {"card": {}, "stripe_token": "t"}})", "credential"},
         {R"({"credential": {"card": 4}})", "credential.card"},
         {R"({"credentials": null})", "credentials"},
         {R"({"credentials": {"a": "tok_1"}})", "credentials.a"},
         {R"({"credentials": {"a": {}}})", "credentials.a"},
         {R"({"credentials": {"a": {"stripe_token": "tok_1", "card": "4"}}})", "credentials.a"},
         {R"({"credentials": {"a": {"stripe_token": 5}}})", "credentials.a.stripe_token"},
         {R"({"credentials": {"a": {"stripe_token": ["tok_1"]}}})", "credentials.a.stripe_token"},
         {R"({"credentials": {"a": {"stripe_token": "tok\u0000"}}})", "credentials.a.stripe_token"},
         {R"({"customer": null})", "customer"}});
}

TEST(OtherBodies, AreReadAndRefused) {
    EXPECT_EQ(iso8601(read_hold(R"({"held_until": "2026-01-10T11:00:00.5+01:00"})")->held_until),
              "2026-01-10T10:00:00.500Z");
    expect_refusals(read_hold, {{"{}", "held_until"}, {"", "body"}, {R"({"held_until": 5})", "held_until"}});

    const auto confirm = read_confirm(R"({"confirmed": true, "references": {"ext_test0": "AB12"}})");
    ASSERT_TRUE(confirm.has_value());
    EXPECT_TRUE(confirm->yes);
    EXPECT_THAT(confirm->references, testing::ElementsAre(testing::Pair("ext_test0", "AB12")));
    expect_refusals(read_confirm, {{"{}", "confirmed"},
                                   {R"({"confirmed": "true"})", "confirmed"},
                                   {R"({"confirmed": true, "references": {"a": 1}})", "references.a"},
                                   {R"({"confirmed": false, "references": {"a": "b"}})", "references"}});

    EXPECT_TRUE(read_cancel("")->items.empty());
    EXPECT_THAT(read_cancel(R"({"items": [3, 4]})")->items, testing::ElementsAre(3, 4));
    expect_refusals(read_cancel, {{R"({"items": []})", "items"},
                                  {R"({"items": 3})", "items"},
                                  {R"({"items": [3, 4.0]})", "items[1]"},
                                  {R"({"odd": 1})", "odd"}});

    EXPECT_TRUE(read_release("").has_value());
    expect_refusals(read_release, {{R"({"why": "x"})", "why"}, {"[]", "body"}});

    const auto refund = read_refund(R"({"leg": 1, "amount": 5, "by": "Anna", "because": "rain"})");
    ASSERT_TRUE(refund.has_value());
    EXPECT_EQ(refund->minor, 5);
    EXPECT_EQ(refund->by, "Anna");
    EXPECT_EQ(refund->because, "rain");
    expect_refusals(read_refund, {{R"({"leg": 1, "amount": 0, "by": "A", "because": "b"})", "amount"},
                                  {R"({"leg": 1, "amount": 5.0, "by": "A", "because": "b"})", "amount"},
                                  {R"({"leg": 0, "amount": 5, "by": "A", "because": "b"})", "leg"},
                                  {R"({"leg": 1, "amount": 5, "because": "b"})", "by"},
                                  {R"({"leg": 1, "amount": 5, "by": "A", "because": ""})", "because"}});

    EXPECT_EQ(read_settle(R"({"money": "taken", "by": "A", "because": "b"})")->fact, core::LegMoney::taken);
    expect_refusals(read_settle, {{R"({"money": "gone", "by": "A", "because": "b"})", "money"},
                                  {R"({"money": "none", "by": 1, "because": "b"})", "by"}});
}

TEST(Callback, KeepsTheOrderOfItsFields) {
    const Fields wanted{{"z", "1"}, {"a", "2"}, {"z", "3"}};
    const auto pairs =
        read_callback(R"({"caller": "demo", "fields": [["z","1"],["a","2"],["z","3"]], "next_token": "n"})");
    ASSERT_TRUE(pairs.has_value());
    EXPECT_EQ(pairs->caller, "demo");
    EXPECT_EQ(pairs->fields, wanted);
    EXPECT_EQ(pairs->next_token, "n");
    const auto object = read_callback(R"({"caller": "demo", "fields": {"z": "1", "a": true, "b": 2.50}})");
    ASSERT_TRUE(object.has_value());
    EXPECT_EQ(object->fields, (Fields{{"z", "1"}, {"a", "1"}, {"b", "2.50"}}));
    EXPECT_TRUE(read_callback(R"({"caller": "demo"})")->fields.empty());
}

TEST(Callback, NamesWhatIsWrong) {
    expect_refusals(read_callback,
                    {{"{}", "caller"},
                     {R"({"caller": "d", "fields": "a=b"})", "fields"},
                     {R"({"caller": "d", "fields": [["a"]]})", "fields[0]"},
                     {R"({"caller": "d", "fields": [["a","b"],["a",1]]})", "fields[1]"},
                     {R"({"caller": "d", "fields": {"a": []}})", "fields.a"},
                     {R"({"caller": "d", "next_token": ")" + std::string(129, 'x') + "\"}", "next_token"}});
    json fields = json::array();
    for (std::size_t i = 0; i < limits::form_fields_max; ++i) fields.push_back({"a", "b"});
    EXPECT_TRUE(read_callback(json{{"caller", "d"}, {"fields", fields}}.dump()).has_value());
    fields.push_back({"a", "b"});
    EXPECT_EQ(read_callback(json{{"caller", "d"}, {"fields", fields}}.dump()).error().kind,
              ErrorKind::too_large);
}

TEST(ListQuery, IsReadInFull) {
    const TransactionId last{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    const auto request = read_list(
        "phase=failed&settled=false&in_doubt=true&needs_person=false&caller=demo&tracking=t1&from=2026-01-01"
        "&to=2026-02-01T00:00:00Z&limit=7&cursor=" +
        cursor_of(last));
    ASSERT_TRUE(request.has_value()) << request.error().field;
    const auto& filter = request->filter;
    EXPECT_EQ(filter.phase, core::Phase::failed);
    EXPECT_EQ(filter.settled, false);
    EXPECT_EQ(filter.in_doubt, true);
    EXPECT_EQ(filter.needs_person, false);
    EXPECT_EQ(filter.caller, "demo");
    EXPECT_EQ(filter.tracking, "t1");
    EXPECT_EQ(iso8601(*filter.from), "2026-01-01T00:00:00Z");
    EXPECT_EQ(iso8601(*filter.to), "2026-02-01T00:00:00Z");
    EXPECT_EQ(filter.limit, 7U);
    EXPECT_EQ(filter.after, last);
    EXPECT_EQ(read_list("")->filter.limit, 50U);
    expect_refusals(read_list, {{"phase=dead", "phase"},
                                {"settled=1", "settled"},
                                {"limit=0", "limit"},
                                {"limit=201", "limit"},
                                {"cursor=%21", "cursor"},
                                {"cursor=AAAA", "cursor"},
                                {"cursor=" + cursor_of(store::StatementPlace{}), "cursor"},
                                {"system=rival", "system"}});
}

TEST(OtherQueries, AreReadAndRefused) {
    const auto statement = read_statement("currency=gbp&from=2026-01-01&to=2026-02-01");
    ASSERT_TRUE(statement.has_value());
    EXPECT_EQ(statement->currency.code(), "GBP");
    EXPECT_EQ(iso8601(statement->after.at), "2026-01-01T00:00:00Z");
    EXPECT_EQ(statement->after.number, 0);
    EXPECT_TRUE(read_statement("currency=GBP").has_value());
    const store::StatementPlace last{Instant{Millis{1'768'000'000'000}}, 77};
    const auto next = read_statement("currency=gbp&from=2026-01-01&cursor=" + cursor_of(last));
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(next->after.at, last.at);
    EXPECT_EQ(next->after.number, last.number);
    // A cursor of another question does not lead out of the dates that were asked for.
    const auto at = iso8601(last.at), later = iso8601(last.at + Millis{1});
    EXPECT_TRUE(read_statement("currency=gbp&from=" + at + "&to=" + later + "&cursor=" + cursor_of(last)));
    expect_refusals(read_statement, {{"currency=gbp&from=" + later + "&cursor=" + cursor_of(last), "cursor"},
                                     {"currency=gbp&to=" + at + "&cursor=" + cursor_of(last), "cursor"},
                                     {"currency=gbp&cursor=" + cursor_of(TransactionId{}), "cursor"}});
    expect_refusals(read_statement, {{"", "currency"},
                                     {"currency=XYZ", "currency"},
                                     {"currency=GBP&from=x", "from"},
                                     {"currency=GBP&from=2026-02-01&to=2026-01-01", "to"},
                                     {"currency=GBP&cursor=%21", "cursor"},
                                     {"currency=GBP&cursor=AAAA", "cursor"},
                                     {"currency=GBP&odd=1", "odd"}});
    EXPECT_EQ(read_ways("caller=demo&source=a")->source, "a");
    expect_refusals(read_ways, {{"", "caller"}, {"caller=demo&odd=1", "odd"}});
}

}  // namespace
}  // namespace kassi::api::v1
