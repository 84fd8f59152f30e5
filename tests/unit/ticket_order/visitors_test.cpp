#include <gmock/gmock.h>

#include "door_world.hpp"

namespace kassi::api::ticket_order {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class VisitorsTest : public testing::Test {
  protected:
    /// GET of a transaction that does not exist: 404 for whoever may ask.
    DoorWorld::Answer ask(Fields headers) {
        return world_.send({.method = "GET",
                            .target = "/ticketOrder/status?orderId=ABC123456789",
                            .body = {},
                            .user = {},
                            .headers = std::move(headers)});
    }
    static std::string basic(const std::string& text) { return "Basic " + encoding::base64(text); }
    /// name=value of every Set-Cookie that is not a farewell.
    static std::string cookies(const DoorWorld::Answer& answer) {
        std::string all;
        for (const auto& [name, value] : answer.raw.headers) {
            if (name != "Set-Cookie" || value.find("Max-Age=0") != std::string::npos) continue;
            all += (all.empty() ? "" : "; ") + value.substr(0, value.find(';'));
        }
        return all;
    }
    DoorWorld::Answer log_in(bool remember = false, Fields headers = {{"Content-Type", "application/json"}}) {
        return world_.send(
            {.target = "/api/Authenticate",
             .body = json{{"userName", "app"}, {"password", "demopass"}, {"rememberMe", remember}}.dump(),
             .user = {},
             .headers = std::move(headers)});
    }
    DoorWorld world_;
};

TEST_F(VisitorsTest, NobodyIsAskedWhoHeIs) {
    const auto answer = ask({});
    EXPECT_EQ(answer.refusal(), "401 Unauthorized");
    EXPECT_THAT(std::string(answer.raw.header("WWW-Authenticate")), StartsWith("Basic realm="));
    EXPECT_EQ(answer.raw.header("Content-Type"), "application/json; charset=utf-8");
    const auto jsv = ask({{"Accept", "text/jsv"}});
    EXPECT_EQ(jsv.raw.body, "{responseStatus:{errorCode:Unauthorized,message:Not Authenticated,errors:[]}}");
}

TEST_F(VisitorsTest, BasicIsSplitAtTheFirstColonAndReadAsUtf8) {
    EXPECT_EQ(ask({{"Authorization", basic("app:demopass")}}).status, 404);
    EXPECT_EQ(ask({{"Authorization", "bASIC " + encoding::base64("app:demopass")}}).status, 404);
    for (const auto* wrong :
         {"app:demopass:", "app:Demopass", "app", "", ":demopass", "us\xc3\xa9r:p:\xc3\xa5"})
        EXPECT_EQ(ask({{"Authorization", basic(wrong)}}).status, 401) << wrong;
    EXPECT_EQ(ask({{"Authorization", "Digest x"}}).status, 401);
}

TEST_F(VisitorsTest, AnApiKeyIsABearerToken) {
    EXPECT_EQ(ask({{"Authorization", "Bearer " + world_.key_of("app")}}).status, 404);
    EXPECT_EQ(ask({{"Authorization", "Bearer " + world_.key_of("app") + "x"}}).refusal(), "401 Unauthorized");
    EXPECT_EQ(ask({{"Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"}}).status, 401);
}

TEST_F(VisitorsTest, RolesAndPermissions) {
    for (const auto* user : {"app", "app-signed", "team", "admin"})
        EXPECT_EQ(ask({{"Authorization", basic(std::string(user) + ":demopass")}}).status, 404) << user;
    const auto nobody = ask({{"Authorization", basic("nobody:demopass")}});
    EXPECT_EQ(nobody.refusal(), "403 Forbidden");
    EXPECT_THAT(nobody.raw.body, HasSubstr("Invalid Role"));
    EXPECT_EQ(nobody.raw.header(":reason"), "Invalid Role");
    EXPECT_EQ(ask({{"Authorization", basic("demo:demopass")}}).status, 403);
    world_.access("app").permissions.clear();
    const auto blind = ask({{"Authorization", basic("app:demopass")}});
    EXPECT_EQ(blind.status, 403);
    EXPECT_EQ(blind.raw.header(":reason"), "Invalid Permission");
    world_.access("admin").permissions.clear();
    EXPECT_EQ(ask({{"Authorization", basic("admin:demopass")}}).status, 404);
}

TEST_F(VisitorsTest, ASessionByCookies) {
    const auto answer = log_in();
    ASSERT_EQ(answer.status, 200) << answer.raw.body;
    EXPECT_EQ(answer.body.at("userName"), "app");
    EXPECT_EQ(answer.body.at("roles"), json::array({"MobileApp"}));
    EXPECT_TRUE(answer.body.at("responseStatus").is_object());
    const auto jar = cookies(answer);
    EXPECT_THAT(jar, HasSubstr("ss-id="));
    EXPECT_THAT(jar, HasSubstr("ss-opt=temp"));
    for (const auto& [name, value] : answer.raw.headers) {
        if (name != "Set-Cookie") continue;
        EXPECT_THAT(value, HasSubstr("; Max-Age="));
        EXPECT_THAT(value, HasSubstr("; Path=/; HttpOnly; SameSite=Lax"));
        EXPECT_THAT(value, testing::Not(HasSubstr("Expires")));
        EXPECT_THAT(value, testing::Not(HasSubstr(",")));
        EXPECT_THAT(value, testing::Not(HasSubstr("Secure")));
    }
    EXPECT_EQ(ask({{"Cookie", jar}}).status, 404);
    // What a client makes of a date with a comma is passed over.
    EXPECT_EQ(ask({{"Cookie", "01 Jan 2042 00:00:00 GMT=null; " + jar}}).status, 404);
    EXPECT_EQ(
        world_
            .send({.method = "GET", .target = "/auth", .body = {}, .user = {}, .headers = {{"Cookie", jar}}})
            .body.at("userName"),
        "app");
    EXPECT_EQ(ask({{"Cookie", "ss-id=AAAAAAAAAAAAAAAAAAAAAA; ss-opt=temp"}}).status, 401);
    // A token that is wrong goes before a session that is right.
    EXPECT_EQ(ask({{"Cookie", jar}, {"Authorization", "Bearer x"}}).status, 401);

    const auto out =
        world_.send({.target = "/auth/logout", .body = {}, .user = {}, .headers = {{"Cookie", jar}}});
    EXPECT_EQ(out.status, 200);
    EXPECT_EQ(cookies(out), "");
    EXPECT_EQ(ask({{"Cookie", jar}}).status, 401);
    EXPECT_EQ(world_.get("/auth", "").status, 401);
}

TEST_F(VisitorsTest, ASessionThatIsRememberedAndOneByHeaders) {
    const auto answer = log_in(true);
    const auto jar = cookies(answer);
    EXPECT_THAT(jar, HasSubstr("ss-pid="));
    EXPECT_THAT(jar, HasSubstr("ss-opt=perm"));
    const auto token = answer.body.at("sessionId").get<std::string>();
    EXPECT_EQ(ask({{"X-ss-pid", token}, {"X-ss-opt", "perm"}}).status, 404);
    EXPECT_EQ(ask({{"X-ss-id", token}}).status, 404);
    world_.clock().advance(session_life);
    EXPECT_EQ(ask({{"Cookie", jar}}).status, 404);
    world_.clock().advance(remembered_session_life - session_life);
    EXPECT_EQ(ask({{"Cookie", jar}}).status, 401);
    const auto short_jar = cookies(log_in());
    world_.clock().advance(session_life);
    EXPECT_EQ(ask({{"Cookie", short_jar}}).status, 401);
}

TEST_F(VisitorsTest, LoggingInAsClientsDoIt) {
    const auto at = [this](const std::string& target, const std::string& body, const std::string& type) {
        return world_.send({.target = target, .body = body, .user = {}, .headers = {{"Content-Type", type}}});
    };
    const std::string asked = R"({"provider":"credentials","userName":"app","password":"demopass"})";
    for (const auto* target : {"/api/Authenticate", "/json/reply/Authenticate", "/AUTH/Credentials", "/auth"})
        EXPECT_EQ(at(target, asked, "application/json").status, 200) << target;
    EXPECT_EQ(
        at("/auth/credentials", "UserName=app&Password=demopass", "application/x-www-form-urlencoded").status,
        200);
    const auto jsv =
        at("/jsv/reply/Authenticate", "{provider:credentials,userName:app,password:demopass}", "text/jsv");
    EXPECT_EQ(jsv.status, 200);
    EXPECT_THAT(jsv.raw.body, HasSubstr("{userId:app,"));
    const std::string wrong = R"({"userName":"app","password":"secret-of-mine"})";
    const auto refused = at("/auth/credentials", wrong, "application/json");
    EXPECT_EQ(refused.refusal(), "401 Unauthorized");
    EXPECT_THAT(refused.raw.body, HasSubstr("Invalid Username or Password"));
    EXPECT_EQ(refused.raw.header("Set-Cookie"), "");
    EXPECT_EQ(at("/auth/credentials", R"({"userName":"app"})", "application/json").refusal(),
              "400 NotEmpty Password");
    EXPECT_EQ(at("/auth/facebook", asked, "application/json").status, 404);
    // Not in a URL, and not by GET.
    EXPECT_EQ(world_.get("/auth/credentials?userName=app&password=demopass", "").status, 400);
    EXPECT_EQ(at("/api/GetAccessToken", R"({"refreshToken":"x"})", "application/json").status, 405);
}

TEST_F(VisitorsTest, CookiesAreSecureWhereWeAreReachedByHttps) {
    world_.settings().public_url = "https://pay.example";
    const auto answer = log_in();
    for (const auto& [name, value] : answer.raw.headers)
        if (name == "Set-Cookie") {
            EXPECT_THAT(value, HasSubstr("; Secure"));
        }
}

TEST_F(VisitorsTest, PagesOfOtherSitesCannotUseASession) {
    world_.open_door([](TicketOrderOptions& options) { options.allowed_origins = {"https://app.example"}; });
    const auto jar = cookies(log_in());
    const auto sent_from = [&](Fields headers) {
        headers.emplace_back("Cookie", jar);
        return world_
            .send({.target = "/api/TicketOrder",
                   .body = DoorWorld::family().dump(),
                   .user = {},
                   .headers = std::move(headers)})
            .status;
    };
    for (const auto* type : {"text/plain", "application/x-www-form-urlencoded", "application/json"}) {
        EXPECT_EQ(sent_from({{"Origin", "https://evil.example"}, {"Content-Type", type}}), 403) << type;
        EXPECT_EQ(sent_from({{"Origin", "null"}, {"Content-Type", type}}), 403) << type;
    }
    EXPECT_EQ(sent_from({{"Sec-Fetch-Site", "cross-site"}, {"Content-Type", "text/plain"}}), 403);
    EXPECT_EQ(world_.charges(), 0U);
    EXPECT_EQ(ask({{"Cookie", jar}, {"Sec-Fetch-Site", "cross-site"}}).status, 403);
    // A browser that was asked for a password sends it from everywhere, too.
    EXPECT_EQ(ask({{"Authorization", basic("app:demopass")}, {"Origin", "https://evil.example"}}).status,
              403);
    // Nobody logs in for somebody else.
    EXPECT_EQ(log_in(false, {{"Content-Type", "text/plain"}, {"Origin", "https://evil.example"}}).status,
              403);

    EXPECT_EQ(
        ask({{"Authorization", "Bearer " + world_.key_of("app")}, {"Origin", "https://evil.example"}}).status,
        404);
    EXPECT_EQ(sent_from({{"Origin", "https://app.example"}, {"Content-Type", "application/json"}}), 200);
    EXPECT_EQ(sent_from({{"Origin", "http://127.0.0.1:8080"}, {"Content-Type", "application/json"}}), 200);
    EXPECT_EQ(sent_from({{"Origin", "http://localhost:9"},
                         {"Host", "localhost:9"},
                         {"Content-Type", "application/json"}}),
              200);
    EXPECT_EQ(sent_from({{"Content-Type", "application/json"}}), 200);
}

TEST_F(VisitorsTest, OptionsAndWhatBrowsersHearOfOrigins) {
    world_.open_door([](TicketOrderOptions& options) { options.allowed_origins = {"https://app.example"}; });
    const auto options = [this](const std::string& origin) {
        return world_
            .send({.method = "OPTIONS",
                   .target = "/api/TicketOrder",
                   .body = {},
                   .user = {},
                   .headers = {{"Origin", origin}}})
            .raw;
    };
    const auto allowed = options("https://app.example");
    EXPECT_EQ(allowed.status, 200);
    EXPECT_EQ(allowed.body, "");
    EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "https://app.example");
    EXPECT_EQ(allowed.header("Access-Control-Allow-Credentials"), "true");
    EXPECT_THAT(std::string(allowed.header("Access-Control-Allow-Headers")), HasSubstr("Authorization"));
    EXPECT_THAT(std::string(allowed.header("Vary")), HasSubstr("Origin"));
    const auto other = options("https://evil.example");
    EXPECT_EQ(other.status, 200);
    EXPECT_EQ(other.header("Access-Control-Allow-Origin"), "");
    const auto refused = ask({{"Origin", "https://app.example"}});
    EXPECT_EQ(refused.raw.header("Access-Control-Allow-Origin"), "https://app.example");
}

}  // namespace
}  // namespace kassi::api::ticket_order
