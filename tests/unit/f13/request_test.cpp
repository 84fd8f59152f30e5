#include "api/f13/request.hpp"

#include <gtest/gtest.h>

#include "api/f13/customer.hpp"
#include "base/limits.hpp"

namespace kassi::api::f13 {
namespace {

Target target(std::string_view path) {
    const auto read = read_target(path);
    EXPECT_TRUE(read) << path << ": " << (read ? "" : read.error().message);
    return read ? *read : Target{};
}

Error target_error(std::string_view path) {
    const auto read = read_target(path);
    EXPECT_FALSE(read) << path;
    return read ? Error{} : read.error();
}

TEST(F13Target, EndsWithOrWithoutSlash) {
    EXPECT_EQ(target("/f13/test.v1").endpoint, "test.v1");
    EXPECT_EQ(target("/f13/test.v1/").endpoint, "test.v1");
}

TEST(F13Target, MayNameUserSubUserAndLanguage) {
    EXPECT_EQ(target("/f13/test.v1/demo/-/en").endpoint, "test.v1");
    EXPECT_EQ(target("/f13/test.v1/demo/-/en/").endpoint, "test.v1");
    EXPECT_EQ(target_error("/f13/test.v1/demo/-/en/more").kind, ErrorKind::not_found);
    const auto callback = target("/f13/callback.v1/this.a/next.b/demo/-/en");
    EXPECT_EQ(callback.this_token, "a");
    EXPECT_EQ(callback.next_token, "b");
}

TEST(F13Target, TokensMayHaveDots) {
    const auto callback = target("/f13/callback.v1/this.4e91a978-f7c6.1/next.next.this.2/");
    EXPECT_EQ(callback.this_token, "4e91a978-f7c6.1");
    EXPECT_EQ(callback.next_token, "next.this.2");
}

TEST(F13Target, NextTokenMayBeMissing) {
    EXPECT_EQ(target("/f13/callback.v1/this.a").next_token, "");
    EXPECT_EQ(target("/f13/callback.v1/this.a/next./").next_token, "");
}

TEST(F13Target, TokensAreBounded) {
    const std::string longest(limits::return_token_bytes_max, 'x');
    EXPECT_EQ(target("/f13/callback.v1/this." + longest + "/next.b").this_token, longest);
    EXPECT_EQ(target_error("/f13/callback.v1/this." + longest + "x/next.b").field, "this");
}

TEST(F13Target, RefusesStrangeTokens) {
    EXPECT_EQ(target_error("/f13/callback.v1").field, "this");
    EXPECT_EQ(target_error("/f13/callback.v1/this./next.b").field, "this");
    EXPECT_EQ(target_error("/f13/callback.v1/this.a%20b/next.b").field, "this");
    // The next one is looked at where it is needed.
    EXPECT_EQ(target("/f13/callback.v1/this.a/next.b%2Fc").next_token, "b/c");
    EXPECT_EQ(target("/f13/callback.v1/this.a/next.a").next_token, "a");
}

TEST(F13Target, RefusesBrokenEncoding) {
    EXPECT_EQ(target_error("/f13/test.v1/%zz").kind, ErrorKind::bad_request);
    EXPECT_EQ(target_error("/f13/test.v1/%ff").kind, ErrorKind::bad_request);
}

TEST(F13Target, RefusesOtherPaths) {
    EXPECT_EQ(target_error("/f13/").kind, ErrorKind::not_found);
    EXPECT_EQ(target_error("/f14/test.v1").kind, ErrorKind::not_found);
}

TEST(F13Flag, ReadsWhatEveryClientSends) {
    for (const auto* yes : {"True", "true", "1", "yes", "YES", ""})
        EXPECT_TRUE(*read_flag({{"add_customer", yes}}, "add_customer")) << yes;
    for (const auto* no : {"False", "false", "0", "no"})
        EXPECT_FALSE(*read_flag({{"add_customer", no}}, "add_customer", true)) << no;
    EXPECT_FALSE(*read_flag({}, "add_customer"));
    EXPECT_TRUE(*read_flag({}, "add_customer", true));
    EXPECT_EQ(read_flag({{"add_customer", "perhaps"}}, "add_customer").error().field, "add_customer");
}

TEST(F13Items, AreNumbersWithCommas) {
    EXPECT_EQ(*read_items({{"list", "1,3"}}, "list"), (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(*read_items({{"list", " 1 , 3 "}}, "list"), (std::vector<std::int64_t>{1, 3}));
    EXPECT_TRUE(read_items({}, "list")->empty());
    EXPECT_TRUE(read_items({{"list", ""}}, "list")->empty());
    for (const auto* bad : {"0", "-1", "1,,2", "a", "1.5", "1000000000", "99999999999999999999"})
        EXPECT_EQ(read_items({{"list", bad}}, "list").error().field, "list") << bad;
    EXPECT_EQ(read_items({{"list", "999999999"}}, "list")->front(), 999'999'999);
}

TEST(F13Tracking, IsBoundedAndPrintable) {
    const auto read = [](std::string value) {
        return read_tracking({{"tsw_session_track_id", std::move(value)}});
    };
    EXPECT_EQ(read("xyz"), "xyz");
    EXPECT_EQ(read(std::string(limits::tracking_id_bytes_max, 'x')).size(), limits::tracking_id_bytes_max);
    EXPECT_EQ(read(std::string(limits::tracking_id_bytes_max + 1, 'x')), "");
    EXPECT_EQ(read("a\r\nSet-Cookie: b"), "");
    EXPECT_EQ(read("caf\xc3\xa9"), "");
    EXPECT_EQ(read(" x"), "");
    EXPECT_EQ(read_tracking({{"tsw_session_track_id", "4111 1111 1111 1111"}}), "");
    EXPECT_EQ(read_tracking({}), "");
}

TEST(F13Payment, RedirectionDetails) {
    const auto returns = read_returns({{"return_token", "t"},
                                       {"return_url", "https://fromtheboxoffice.com/callback/t"},
                                       {"client_http_user_agent", "Mozilla"},
                                       {"client_http_accept", "text/html"},
                                       {"remote_site", "fromtheboxoffice.com"}});
    ASSERT_TRUE(returns);
    EXPECT_EQ(returns->via, core::ReturnVia::caller);
    EXPECT_EQ(returns->token, "t");
    EXPECT_EQ(returns->url, "https://fromtheboxoffice.com/callback/t");
    EXPECT_EQ(returns->user_agent, "Mozilla");
    EXPECT_EQ(returns->accept, "text/html");
    EXPECT_EQ(returns->remote_site, "fromtheboxoffice.com");
    EXPECT_FALSE(read_returns({{"first_name", "Fred"}}));
}

TEST(F13Payment, CallParametersAreNotTheThirdPartys) {
    EXPECT_EQ(without_call_parameters({{"success", "yes"}, {"sub_id", "a"}, {"tsw_session_track_id", "b"}}),
              (Fields{{"success", "yes"}}));
}

TEST(F13Credentials, AreStripesTokensBySource) {
    const auto read = read_credentials({{"first_name", "Fred"},
                                        {"ext_test0_callback/stripeToken", "tok_0"},
                                        {"ext_test1_callback/stripeToken", ""},
                                        {"ext_test0_callback/stripeToken", "tok_0"},
                                        {"stripeToken", "tok_2"}});
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, (std::map<std::string, core::Credential>{{"ext_test0", {"stripe_token", "tok_0"}},
                                                              {"ext_test1", {"stripe_token", ""}}}));
    EXPECT_TRUE(read_credentials({})->empty());
}

TEST(F13Credentials, NameWhatIsRefused) {
    const auto field = [](std::string name) {
        return read_credentials({{std::move(name), "tok_0"}}).error().field;
    };
    EXPECT_EQ(field("ext_test0_callback/appleToken"), "ext_test0_callback/appleToken");
    EXPECT_EQ(field("ext_test0_callback/"), "ext_test0_callback/");
    EXPECT_EQ(field("ext_test0_callback/stripeToken/x"), "ext_test0_callback/stripeToken/x");
    EXPECT_EQ(field("a_callback/b_callback/stripeToken"), "a_callback/b_callback/stripeToken");
    EXPECT_EQ(field("4111111111111111_callback/x"), "a ..._callback/... parameter");
    const auto twice =
        read_credentials({{"a_callback/stripeToken", "tok_1"}, {"a_callback/stripeToken", "tok_2"}});
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().field, "a_callback/stripeToken");
    EXPECT_EQ(twice.error().message, "comes twice, with two values");
    EXPECT_EQ(
        credential_parameter("a", {{"ab_callback/stripeToken", "x"}, {"a_callback/borgunToken", "ts_1"}}),
        "a_callback/borgunToken");
}

// ---- customer -----------------------------------------------------------------------------------------
const Countries countries{{"uk", "United Kingdom"}, {"us", "United States of America"}};

Fields fred() {
    return {{"first_name", "Fred"},
            {"last_name", "Flintstone"},
            {"address_line_one", "301 Cobble stone road"},
            {"country_code", "us"},
            {"email_address", "fred@slate-rock-gravel.com"},
            {"phone", "0110134345"},
            {"postcode", "70777"},
            {"user_can_use_customer_data", "False"},
            {"world_can_use_customer_data", "True"}};
}

Fields with(Fields fields, std::string_view name, std::string value) {
    for (auto& field : fields) {
        if (field.first == name) field.second = std::move(value);
    }
    return fields;
}

TEST(F13Customer, ComesBackAsItWasSent) {
    const auto json = read_customer(fred(), {.allowed = countries});
    ASSERT_TRUE(json);
    JsonWriter out;
    write_customer(out, *json, countries);
    const auto& text = out.text();
    for (const auto* part :
         {R"("first_name":"Fred")", R"("last_name_latin":"Flintstone")",
          R"("addr_line_one":"301 Cobble stone road")", R"("country":"United States of America")",
          R"("country_code":"us")", R"("email_addr":"fred@slate-rock-gravel.com")", R"("dp_user":false)",
          R"("dp_world":true)", R"("world_can_use_customer_data":true)", R"("town":"")"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
}

TEST(F13Customer, CountryIsLookedAtFirst) {
    auto fields = with(with(fred(), "country_code", "foobar"), "first_name", "");
    const auto error = read_customer(fields, {.allowed = countries}).error();
    EXPECT_EQ(error.field, "");
    EXPECT_EQ(error.message, "Country code 'foobar' in customer data is invalid");
    EXPECT_EQ(read_customer(with(fred(), "country_code", "gb"), {.allowed = countries}).error().message,
              "Country code 'gb' in customer data is invalid");
    EXPECT_EQ(read_customer(with(fred(), "country_code", "x\x1b[2J"), {.allowed = countries}).error().message,
              "Country code '...' in customer data is invalid");
}

TEST(F13Customer, WithoutAListAnyTwoLettersAreACountry) {
    EXPECT_TRUE(read_customer(with(fred(), "country_code", "gb"), {.allowed = {}}));
    EXPECT_FALSE(read_customer(with(fred(), "country_code", "foobar"), {.allowed = {}}));
}

TEST(F13Customer, NamesWhatIsMissing) {
    for (const auto* name : {"first_name", "last_name", "address_line_one", "country_code"})
        EXPECT_EQ(read_customer(with(fred(), name, ""), {.allowed = countries}).error().field, name);
    const auto no_email = with(fred(), "email_address", "");
    EXPECT_TRUE(read_customer(no_email, {.allowed = countries}));
    EXPECT_EQ(read_customer(no_email, {.allowed = countries, .needs_email_address = true}).error().field,
              "email_address");
    EXPECT_EQ(read_customer(fred(), {.allowed = countries, .needs_agent_reference = true}).error().field,
              "agent_ref");
    auto agent = fred();
    agent.emplace_back("agent_reference", "A1");
    EXPECT_TRUE(read_customer(agent, {.allowed = countries, .needs_agent_reference = true}));
}

TEST(F13Customer, EmailAddressesArePlausible) {
    for (const auto* address :
         {"", " ", "fred@slate-rock-gravel.com", "a@b.c", "o'hara+1@x.co.uk", "jörg@müller.de", "  a@b.c ",
          "\"john doe\"@x.com", "\"a@b\"@x.com", " \"a b@c\"@x.com "})
        EXPECT_FALSE(email_fault(address)) << address;
    const std::vector<std::pair<std::string, std::string>> faults{
        {"foo", "addr_missing_at"},
        {" foo ", "addr_missing_at"},
        {"john doe\"@x.com", "addr_spaces_before_at_must_be_quoted"},
        {"\"john doe@x.com", "addr_spaces_before_at_must_be_quoted"},
        {"\"a\"@b@x.com", "addr_specials_after_at"},
        {"\"a b\"@x y.com", "addr_spaces_not_allowed_after_at"},
        {"\"a\nb\"@x.com", "addr_control_character_before_at"},
        {"@b.c", "addr_may_not_start_with_at"},
        {"a@", "addr_may_not_end_with_at"},
        {"@", "addr_may_not_start_with_at"},
        {"a b@c.d", "addr_spaces_before_at_must_be_quoted"},
        {"a@b .c", "addr_spaces_not_allowed_after_at"},
        {"a\n@b.c", "addr_control_character_before_at"},
        {"a@b.c\x7f", "addr_control_character_after_at"},
        {"a@b@c.d", "addr_specials_after_at"},
        {"a@localhost", "addr_needs_at_least_one_dot"},
        {"a@.c", "addr_cannot_have_dot_immediately_after_at"},
        {"a@b.", "addr_cannot_end_in_dot"}};
    for (const auto& [address, key] : faults) {
        const auto fault = email_fault(address);
        ASSERT_TRUE(fault) << address;
        EXPECT_EQ(fault->key, key) << address;
    }
    const auto trimmed = read_customer(with(fred(), "email_address", "  a@b.c "), {.allowed = countries});
    ASSERT_TRUE(trimmed);
    EXPECT_NE(trimmed->find(R"("email_address":"a@b.c")"), std::string::npos) << *trimmed;
    EXPECT_EQ(
        read_customer(with(fred(), "email_address", " "), {.allowed = countries, .needs_email_address = true})
            .error()
            .field,
        "email_address");
    const auto longest = "a@b." + std::string(limits::text_bytes_max - 4, 'c');
    EXPECT_TRUE(read_customer(with(fred(), "email_address", longest), {.allowed = countries}));
    EXPECT_EQ(
        read_customer(with(fred(), "email_address", longest + "c"), {.allowed = countries}).error().field,
        "email_address");
}

TEST(F13Customer, IsBounded) {
    const std::string longest(limits::text_bytes_max, 'x');
    EXPECT_TRUE(read_customer(with(fred(), "first_name", longest), {.allowed = countries}));
    EXPECT_EQ(read_customer(with(fred(), "first_name", longest + "x"), {.allowed = countries}).error().field,
              "first_name");
    EXPECT_EQ(read_customer(with(fred(), "last_name", "a\nb"), {.allowed = countries}).error().field,
              "last_name");
}

TEST(F13Customer, MayComeFromTheHandOver) {
    EXPECT_EQ(*read_customer({{"transaction_uuid", "x"}}, {.allowed = countries, .may_be_absent = true}), "");
    EXPECT_EQ(read_customer({{"transaction_uuid", "x"}}, {.allowed = countries}).error().field,
              "country_code");
    EXPECT_EQ(
        read_customer({{"first_name", "Fred"}}, {.allowed = countries, .may_be_absent = true}).error().field,
        "country_code");
}

TEST(F13Customer, PrintsSomebodyElsesCustomer) {
    for (const auto* json : {"", "[]", R"({"name": {"first": 1}, "country_code": 7})"}) {
        JsonWriter out;
        write_customer(out, json, countries);
        EXPECT_NE(out.text().find(R"("first_name":"")"), std::string::npos) << json;
    }
}

}  // namespace
}  // namespace kassi::api::f13
