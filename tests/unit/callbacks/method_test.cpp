#include <gmock/gmock.h>

#include <regex>

#include "callbacks/callbacks.hpp"
#include "callbacks/pages.hpp"
#include "house.hpp"
#include "page_reader.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "sandbox/simulators/borgun_tables.hpp"

/// Borgun's 3DS Method at the doors: the page from which the browser goes on, and its frame.
namespace kassi::doors {
namespace {

using sandbox::borgun::How;
using sandbox::borgun::test_card;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string path_of(const std::string& url) {
    return url.substr(House::public_url.size());
}
std::string page_of(const json& transaction) {
    return path_of(transaction["callout"]["page_url"].get<std::string>());
}

/// The doors, and the sandbox's Borgun behind them.
struct Shop {
    House house;
    SystemRandomness randomness;
    sandbox::BorgunHouse borgun{
        {.merchants = {{.name = "borgun",
                        .private_key = std::string(borgun_private_key),
                        .public_key = std::string(borgun_public_key)}},
         .page_origin = "http://127.0.0.1:9000"},
        house.clock,
        randomness,
        [](HttpRequest, const sandbox::BorgunHouse::NoticeAnswer& done) { done(200, ""); },
        [this](Millis delay, std::function<void()> what) { house.world.after(delay, std::move(what)); }};

    Shop() {
        house.world.provider = [answer = borgun.handler()](HttpRequest request, Reply reply) {
            answer(std::move(request), std::move(reply));
        };
    }
    HttpResponse at_borgun(HttpRequest request) {
        HttpResponse answer;
        borgun.handler()(std::move(request), [&](HttpResponse given) { answer = std::move(given); });
        return answer;
    }
    HttpResponse form_at_borgun(const std::string& target, const Fields& fields) {
        return at_borgun({"POST",
                          target,
                          {{"Content-Type", "application/x-www-form-urlencoded"}},
                          encoding::form(fields),
                          ""});
    }
    std::string token_for(const std::string& pan) {
        const auto made = at_borgun(
            {"POST",
             "/borgun/rpg/api/token/single",
             {{"Authorization", "Basic " + encoding::base64(std::string(borgun_public_key) + ":")},
              {"Content-Type", "application/json"}},
             json{{"PAN", pan}, {"ExpMonth", "12"}, {"ExpYear", "2030"}, {"TokenLifetime", 3600}}.dump(),
             ""});
        return json::parse(made.body).value("Token", "");
    }
    /// The customer is at the page that runs the Method, when the card is one with it.
    json buy(const std::string& pan, const json& way = {{"via", "kassi"}}) {
        const auto transaction = house.hand_over("demo-borgun");
        const auto response = house.post(
            "/v1/transactions/" + transaction["id"].get<std::string>() + "/purchase",
            json{{"credentials", {{"ext_test0", {{"borgun_token", token_for(pan)}}}}}, {"return", way}}
                .dump());
        EXPECT_EQ(response.status, 200) << response.body;
        return json::parse(response.body);
    }
    json buy_as_caller(const std::string& pan, const std::string& token) {
        return buy(pan, {{"via", "caller"}, {"token", token}, {"url", "http://shop.example/back/" + token}});
    }
    HttpResponse go_on(const std::string& page, const std::string& method = "Y") {
        return house.browse("POST", page, "method=" + method);
    }
    /// What a client's callback says to the return token.
    Result<engine::Engine::ReturnOutcome> returned(const std::string& token) {
        std::optional<Result<engine::Engine::ReturnOutcome>> outcome;
        house.engine->returned(
            "demo-borgun", token, {}, "", {.by = "caller", .tracking = {}, .once = {}},
            [&](Result<engine::Engine::ReturnOutcome> heard) { outcome = std::move(heard); });
        EXPECT_TRUE(house.queue.run_until([&] { return outcome.has_value(); }));
        return *outcome;
    }
    [[nodiscard]] std::string ledger() const {
        std::string kinds;
        for (const auto& entry : borgun.ledger()) kinds += (kinds.empty() ? "" : " ") + entry.kind;
        return kinds;
    }
};

const std::string& with_challenge() {
    static const std::string pan = test_card(How::method_challenge, 1, "000");
    return pan;
}
const std::string& frictionless() {
    static const std::string pan = test_card(How::method, 1, "000");
    return pan;
}

// ---- the page ------------------------------------------------------------------------------------------

TEST(MethodPage, ShowsNothingOfTheIssuersOutsideTheFrame) {
    Shop shop;
    const auto away = shop.buy(with_challenge());
    const auto page = shop.house.browse("GET", page_of(away));
    ASSERT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr("<h1>Checking with your bank</h1>"));
    EXPECT_THAT(page.body, Not(HasSubstr("threeDSMethodData")));
    EXPECT_THAT(page.body, Not(HasSubstr("/acs/")));
    const auto form = callbacks::form_of(page.body);
    ASSERT_TRUE(form);
    EXPECT_EQ(form->method, "post");
    EXPECT_EQ("/callout/" + form->action, page_of(away)) << "to itself";
    EXPECT_EQ(form->fields, (Fields{{"method", "N"}})) << "without scripts it did not run";
    EXPECT_EQ(callbacks::attribute(page.body, "<iframe", "sandbox"), "allow-scripts allow-forms");
    EXPECT_EQ("/callout/" + callbacks::attribute(page.body, "<iframe", "data-address"),
              page_of(away) + "/frame");
    const auto policy = header(page, "Content-Security-Policy");
    const auto mark = callbacks::attribute(page.body, "<script", "nonce");
    EXPECT_EQ(callbacks::directive(policy, "script-src"), "'nonce-" + mark + "'");
    EXPECT_EQ(callbacks::directive(policy, "frame-ancestors"), "'none'");
    EXPECT_THAT(callbacks::directive(policy, "frame-src"), HasSubstr("'self'"));
    EXPECT_THAT(callbacks::directive(policy, "form-action"), HasSubstr("'self'"));
    EXPECT_EQ(header(page, "X-Frame-Options"), "DENY");
    EXPECT_EQ(away["callout"].dump().find("threeDSMethodData"), std::string::npos) << "callers neither";
}

TEST(MethodPage, HasAFrameWithAnOriginOfItsOwn) {
    Shop shop;
    const auto away = shop.buy(with_challenge());
    const auto frame = shop.house.browse("GET", page_of(away) + "/frame");
    ASSERT_EQ(frame.status, 200);
    EXPECT_THAT(frame.body, HasSubstr("name=\"threeDSMethodData\""));
    const auto policy = header(frame, "Content-Security-Policy");
    EXPECT_THAT(policy, StartsWith("sandbox allow-scripts allow-forms; default-src 'none'"));
    EXPECT_EQ(callbacks::directive(policy, "frame-ancestors"), "'self'");
    EXPECT_EQ(callbacks::directive(policy, "form-action"), "https: http:");
    EXPECT_EQ(header(frame, "X-Frame-Options"), "") << "ours shows it";
    EXPECT_EQ(header(frame, "Cache-Control"), "no-store");

    EXPECT_EQ(shop.house.browse("GET", "/callout/AAAAAAAAAAAAAAAAAAAAAA/frame").status, 404);
    EXPECT_EQ(shop.house.browse("GET", page_of(away) + "/frames").status, 404);
    EXPECT_EQ(shop.house.browse("POST", page_of(away) + "/frame", "a=b").status, 405);
    EXPECT_EQ(shop.go_on(page_of(away)).status, 303);
    EXPECT_EQ(shop.house.browse("GET", page_of(away) + "/frame").status, 404) << "the bank's page has none";
}

TEST(MethodPage, OfSandboxedTextCannotLeaveIt) {
    const auto frame = callbacks::frame_page("</iframe><script>top.location='//evil'</script>", "https:");
    EXPECT_THAT(frame.body, HasSubstr("<script>top.location"));
    EXPECT_EQ(frame.header("Content-Security-Policy").find("allow-same-origin"), std::string_view::npos);
    EXPECT_EQ(frame.header("Content-Security-Policy").find("allow-top-navigation"), std::string_view::npos);
}

TEST(MethodDone, TellsOurOwnPageAndNobodyElse) {
    Shop shop;
    const auto answer = shop.house.browse("POST", "/3ds-method", "threeDSMethodData=%3Cscript%3Eevil");
    ASSERT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("window.top.postMessage('kassi:3ds-method-done', '" +
                                       std::string(House::public_url) + "')"));
    EXPECT_THAT(answer.body, Not(HasSubstr("evil"))) << "nothing of it is looked at";
    const auto mark = callbacks::attribute(answer.body, "<script", "nonce");
    EXPECT_EQ(callbacks::directive(header(answer, "Content-Security-Policy"), "script-src"),
              "'nonce-" + mark + "'");
    EXPECT_EQ(header(answer, "X-Frame-Options"), "") << "it stands in the issuer's frame";
    const auto got = shop.house.browse("GET", "/3ds-method");
    EXPECT_EQ(got.status, 405);
    EXPECT_EQ(header(got, "Allow"), "POST");
    EXPECT_EQ(shop.house.browse("POST", "/3ds-methods", "a=b").status, 404);
}

// ---- going on ------------------------------------------------------------------------------------------

TEST(MethodPage, LeadsToTheBankAndBack) {
    Shop shop;
    const auto away = shop.buy(with_challenge());
    const auto page = page_of(away);
    // As a browser does it: the issuer's form, whose page posts to us.
    const auto frame = shop.house.browse("GET", page + "/frame");
    std::smatch data;
    ASSERT_TRUE(std::regex_search(frame.body, data, std::regex("value=\"([^\"]+)\"")));
    const auto issuer = shop.form_at_borgun("/borgun/acs/method", {{"threeDSMethodData", data[1].str()}});
    const auto notify = callbacks::form_of(issuer.body);
    ASSERT_TRUE(notify) << issuer.body;
    EXPECT_EQ(notify->action, std::string(House::public_url) + std::string(callbacks::method_path));
    EXPECT_EQ(shop.house.browse("POST", path_of(notify->action), encoding::form(notify->fields)).status, 200);

    const auto on = shop.go_on(page);
    ASSERT_EQ(on.status, 303) << on.body;
    EXPECT_EQ(header(on, "Location"), std::string(House::public_url) + page);
    EXPECT_EQ(header(shop.go_on(page, "N"), "Location"), header(on, "Location")) << "a second click";

    const auto bank = callbacks::form_of(shop.house.browse("GET", page).body);
    ASSERT_TRUE(bank);
    EXPECT_THAT(bank->action, HasSubstr("/borgun/acs/challenge"));
    const auto choice = callbacks::form_of(shop.form_at_borgun("/borgun/acs/challenge", bank->fields).body);
    ASSERT_TRUE(choice);
    Fields press = choice->fields;
    press.emplace_back("act", "authenticate");
    const auto back = callbacks::form_of(shop.form_at_borgun("/borgun/acs/act", press).body);
    ASSERT_TRUE(back);
    EXPECT_THAT(back->action, StartsWith(std::string(House::public_url) + "/callback/"));
    const auto done = shop.house.browse("POST", path_of(back->action), encoding::form(back->fields));
    EXPECT_EQ(done.status, 200);
    EXPECT_EQ(shop.house.read(away)["phase"], "purchased");
    EXPECT_EQ(shop.ledger(), "held taken");
    EXPECT_EQ(shop.go_on(page).status, 410) << "long over";
    EXPECT_EQ(shop.house.browse("GET", page).status, 410);
}

TEST(MethodPage, LeadsStraightBackToTheClientWithItsUnspentToken) {
    Shop shop;
    const auto away = shop.buy_as_caller(frictionless(), "T1");
    const auto page = page_of(away);
    const auto on = shop.go_on(page);
    ASSERT_EQ(on.status, 303) << on.body;
    EXPECT_EQ(header(on, "Location"), "http://shop.example/back/T1");
    EXPECT_EQ(shop.ledger(), "held taken");
    // Twice, and reloaded: he is still to be sent back.
    EXPECT_EQ(header(shop.go_on(page), "Location"), "http://shop.example/back/T1");
    EXPECT_EQ(header(shop.house.browse("GET", page), "Location"), "http://shop.example/back/T1");

    const auto callback = shop.returned("T1");
    ASSERT_TRUE(callback) << callback.error().message;
    EXPECT_FALSE(callback->repeat) << "its first return";
    EXPECT_EQ(callback->view.transaction.phase, core::Phase::purchased);
    EXPECT_EQ(shop.go_on(page).status, 410);
    EXPECT_EQ(shop.house.browse("GET", page).status, 410);
    EXPECT_EQ(shop.ledger(), "held taken");
    const auto again = shop.buy_as_caller(frictionless(), "T1");
    EXPECT_EQ(again["callout"]["type"], "get") << "the token can be used on every run";
}

TEST(MethodPage, OfACardThatIsRefusedLeadsBackToo) {
    Shop shop;
    const auto away = shop.buy_as_caller(test_card(How::method, 8, "000"), "T1");
    EXPECT_EQ(header(shop.go_on(page_of(away), "N"), "Location"), "http://shop.example/back/T1");
    const auto callback = shop.returned("T1");
    ASSERT_TRUE(callback);
    EXPECT_EQ(callback->view.transaction.phase, core::Phase::failed);
    EXPECT_EQ(shop.ledger(), "");
}

TEST(MethodPage, LeadsThroughUsToTheLandingPage) {
    Shop shop;
    const auto away =
        shop.buy(frictionless(), {{"via", "kassi"}, {"landing_url", "http://shop.example/thanks"}});
    const auto on = shop.go_on(page_of(away));
    ASSERT_EQ(on.status, 303);
    ASSERT_THAT(header(on, "Location"), StartsWith(std::string(House::public_url) + "/callback/"));
    const auto landed = shop.house.browse("GET", path_of(header(on, "Location")));
    EXPECT_EQ(landed.status, 303);
    EXPECT_THAT(header(landed, "Location"), StartsWith("http://shop.example/thanks?transaction="));
    EXPECT_THAT(header(landed, "Location"), HasSubstr("status=purchased"));
}

TEST(MethodPage, WaitsForTheAnswer) {
    Shop shop;
    const auto away = shop.buy(with_challenge());
    const auto page = page_of(away);
    shop.house.world.is_silent = true;
    shop.house.settings.answer_within = Millis{10};
    const HttpRequest post{
        "POST", page, {{"Content-Type", "application/x-www-form-urlencoded"}}, "method=Y", "127.0.0.1"};
    const auto first = shop.house.begin(post);
    const auto second = shop.house.begin(post);
    const auto loaded = shop.house.begin({"GET", page, {}, "", "127.0.0.1"});
    EXPECT_FALSE(first->has_value() || second->has_value());
    // Who begins to wait does so when his commit is heard of: the clock goes on in small steps until all were
    // answered, and the call stays open meanwhile.
    EXPECT_TRUE(shop.house.queue.run_until([&] {
        shop.house.forward(shop.house.settings.answer_within);
        return first->has_value() && second->has_value() && loaded->has_value();
    }));
    EXPECT_EQ(shop.house.read(away)["legs"][0]["state"], "asking");
    const auto late = shop.house.answer_of(first);
    EXPECT_EQ(late.status, 200);
    EXPECT_THAT(late.body, HasSubstr("Being worked on"));
    EXPECT_EQ("/callout/" + callbacks::attribute(late.body, "<a class=\"button\"", "href"), page);
    EXPECT_EQ(shop.house.answer_of(second).status, 200);
    EXPECT_EQ(shop.house.answer_of(loaded).status, 200) << "the page itself, or that it is being worked on";
    shop.house.world.answer_all();
    const auto sent = shop.house.browse("GET", page);
    ASSERT_EQ(sent.status, 303);
    EXPECT_EQ(header(sent, "Location"), std::string(House::public_url) + page);
    EXPECT_THAT(shop.house.browse("GET", page).body, HasSubstr("/borgun/acs/challenge"));
}

TEST(MethodPage, SurvivesARestart) {
    Shop shop;
    const auto away = shop.buy(with_challenge());
    shop.house.restart();
    const auto on = shop.go_on(page_of(away));
    EXPECT_EQ(on.status, 303);
    EXPECT_THAT(shop.house.browse("GET", page_of(away)).body, HasSubstr("/borgun/acs/challenge"));
}

TEST(MethodPage, OfASeatThatWasGivenBackLeadsBack) {
    Shop shop;
    const auto away = shop.buy_as_caller(with_challenge(), "T1");
    EXPECT_EQ(shop.house.post("/v1/transactions/" + away["id"].get<std::string>() + "/release", "{}").status,
              200);
    EXPECT_EQ(header(shop.go_on(page_of(away)), "Location"), "http://shop.example/back/T1");
    const auto callback = shop.returned("T1");
    ASSERT_TRUE(callback);
    EXPECT_EQ(callback->view.transaction.phase, core::Phase::failed);
    EXPECT_EQ(shop.ledger(), "");
}

TEST(MethodPage, OfNoSuchTokenOrFormIsRefused) {
    Shop shop;
    const auto away = shop.buy(with_challenge());
    EXPECT_EQ(shop.go_on("/callout/AAAAAAAAAAAAAAAAAAAAAA").status, 404);
    EXPECT_EQ(shop.house.browse("POST", page_of(away), "{}", "application/json").status, 415);
    EXPECT_EQ(shop.house.browse("PUT", page_of(away)).status, 405);
    EXPECT_EQ(shop.house.read(away)["legs"][0]["state"], "called_out") << "nothing happened";
}

}  // namespace
}  // namespace kassi::doors
