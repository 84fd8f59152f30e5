#include "engine/returns.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace kassi::engine {
namespace {

struct Returns : testing::Test {
    Caller caller;
    Settings settings;
    ReturnDetails details;

    Returns() {
        caller.name = "demo";
        caller.return_hosts = {"fromtheboxoffice.com", "127.0.0.1:8080", "localhost:*"};
        settings.public_url = "https://pay.example";
        details.token = "95ca436e-e763-4463-954b-2b3eb4d8fdcb";
        details.url = "https://fromtheboxoffice.com/callback/95ca436e-e763-4463-954b-2b3eb4d8fdcb";
        details.remote_site = "fromtheboxoffice.com";
    }
    std::string refused() {
        const auto journey = journey_of(details, caller, settings);
        return journey ? "accepted" : journey.error().field;
    }
};

TEST_F(Returns, TheGuidesOwn) {
    const auto journey = journey_of(details, caller, settings);
    ASSERT_TRUE(journey);
    EXPECT_EQ(journey->url_before, "https://fromtheboxoffice.com/callback/");
    EXPECT_EQ(journey->url_after, "");
    EXPECT_EQ(journey->token, details.token);
}

TEST_F(Returns, WhatStandsBehindTheTokenStays) {
    details.url += "/done";
    const auto journey = journey_of(details, caller, settings);
    ASSERT_TRUE(journey);
    EXPECT_EQ(journey->url_after, "/done");
}

TEST_F(Returns, QueryStringIsRefused) {
    details.url += "?x=1";
    EXPECT_EQ(refused(), "return_url");
}

TEST_F(Returns, FragmentUserAndOtherSchemesAreRefused) {
    for (const char* url : {"https://fromtheboxoffice.com/95ca436e-e763-4463-954b-2b3eb4d8fdcb#x",
                            "https://me@fromtheboxoffice.com/95ca436e-e763-4463-954b-2b3eb4d8fdcb",
                            "javascript:alert(1)//95ca436e-e763-4463-954b-2b3eb4d8fdcb",
                            "/95ca436e-e763-4463-954b-2b3eb4d8fdcb", ""}) {
        details.url = url;
        EXPECT_EQ(refused(), "return_url") << url;
    }
}

TEST_F(Returns, HostIsTheRemoteSite) {
    details.remote_site = "example.com";
    EXPECT_EQ(refused(), "remote_site");
    for (const char* other :
         {"sub.fromtheboxoffice.com", "fromtheboxoffice.com:8443", "fromtheboxoffice.com/x",
          "me@fromtheboxoffice.com", " ", "fromtheboxoffice.com?x"}) {
        details.remote_site = other;
        EXPECT_EQ(refused(), "remote_site") << other;
    }
    for (const char* same : {"", "FromTheBoxOffice.com", "fromtheboxoffice.com:443"}) {
        details.remote_site = same;
        EXPECT_EQ(refused(), "accepted") << same;
    }
}

TEST_F(Returns, WhatABrowserSaysOfItselfIsCutBetweenCharacters) {
    details.user_agent = std::string(limits::text_bytes_max - 1, 'M') + "\xC3\xA9";
    details.accept = "text/html";
    const auto journey = journey_of(details, caller, settings);
    ASSERT_TRUE(journey);
    EXPECT_EQ(journey->user_agent, std::string(limits::text_bytes_max - 1, 'M'));
    EXPECT_EQ(journey->accept, "text/html");
}

TEST_F(Returns, HostsAreMatchedWhole) {
    for (const char* host : {"evil.com", "fromtheboxoffice.com.evil.com", "sub.fromtheboxoffice.com",
                             "fromtheboxoffice.com:8443", "127.0.0.1", "127.0.0.1:8081"}) {
        details.url = std::string("https://") + host + "/" + details.token;
        details.remote_site.clear();
        EXPECT_EQ(refused(), "return_url") << host;
    }
    for (const char* url : {"http://127.0.0.1:8080/", "http://localhost:1234/", "http://localhost/",
                            "https://fromtheboxoffice.com:443/", "https://FROMTHEBOXOFFICE.com/"}) {
        details.url = url + details.token;
        EXPECT_EQ(refused(), "accepted") << url;
    }
}

TEST_F(Returns, TokenStandsOnceInThePath) {
    details.url = "https://fromtheboxoffice.com/callback/";
    EXPECT_EQ(refused(), "return_url");
    details.url = "https://fromtheboxoffice.com/" + details.token + "/" + details.token;
    EXPECT_EQ(refused(), "return_url");
    details.token = "fromtheboxoffice";  // in the host is not in the path
    details.url = "https://fromtheboxoffice.com/callback/";
    EXPECT_EQ(refused(), "return_url");
}

TEST_F(Returns, TokenCharactersAndLength) {
    for (const char* token : {"", "a b", "a/b", "a?b", "\xC3\xA9", "a%20b", ".", ".."}) {
        details.token = token;
        EXPECT_EQ(refused(), "return_token") << token;
    }
    details.token = "Az09-._~";
    details.url = "https://fromtheboxoffice.com/" + details.token;
    EXPECT_EQ(refused(), "accepted");
    details.token.assign(limits::return_token_bytes_max, 'x');
    details.url = "https://fromtheboxoffice.com/" + details.token;
    EXPECT_EQ(refused(), "accepted");
    details.token += 'x';
    details.url = "https://fromtheboxoffice.com/" + details.token;
    EXPECT_EQ(refused(), "return_token");
}

TEST_F(Returns, LiveModeWantsTls) {
    details.url = "http://fromtheboxoffice.com:8080/" + details.token;
    caller.return_hosts = {"fromtheboxoffice.com:8080"};
    EXPECT_EQ(refused(), "accepted");
    settings.mode = Mode::live;
    EXPECT_EQ(refused(), "return_url");
}

TEST_F(Returns, ViaKassiTheLandingUrlIsHeldToTheSameRules) {
    details = {};
    details.via = core::ReturnVia::kassi;
    EXPECT_EQ(refused(), "accepted");
    details.landing_url = "https://fromtheboxoffice.com/thanks";
    const auto journey = journey_of(details, caller, settings);
    ASSERT_TRUE(journey);
    EXPECT_EQ(journey->url_before, "https://pay.example/callback/");
    details.landing_url = "https://evil.com/thanks";
    EXPECT_EQ(refused(), "landing_url");
    details.landing_url = "https://fromtheboxoffice.com/thanks?x=1";
    EXPECT_EQ(refused(), "landing_url");
}

}  // namespace
}  // namespace kassi::engine
