#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

#include "stripe_town.hpp"

/// Whatever happens in whatever order, the ledger says what the objects say.
namespace kassi::sandbox {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Sums {
    std::int64_t held = 0, hold_gone = 0, taken = 0, given_back = 0;
    bool operator==(const Sums&) const = default;
};

std::map<std::string, Sums> of_ledger(const Town& town) {
    std::map<std::string, Sums> sums;
    for (const auto& entry : town.house->ledger()) {
        auto& sum = sums[entry.intent];
        (entry.kind == "held"        ? sum.held
         : entry.kind == "hold_gone" ? sum.hold_gone
         : entry.kind == "taken"     ? sum.taken
                                     : sum.given_back) += entry.minor;
    }
    return sums;
}

std::vector<json> all_of(Town& town, const std::string& kind, Fields more = {}) {
    std::vector<json> found;
    Fields fields{{"limit", "100"}};
    fields.insert(fields.end(), more.begin(), more.end());
    for (;;) {
        const auto page = town.get("/" + kind, fields);
        for (const auto& each : page.body["data"]) found.push_back(each);
        if (!page.body["has_more"].get<bool>()) return found;
        if (fields.back().first == "starting_after") fields.pop_back();
        fields.emplace_back("starting_after", found.back()["id"].get<std::string>());
    }
}

/// What the merchant has of an intent, what is held, and what the refunds say: seen through the API only.
void check(Town& town) {
    const auto ledger = of_ledger(town);
    std::map<std::string, std::int64_t> refunded;
    for (const auto& refund : all_of(town, "refunds"))
        if (refund["status"] == "succeeded")
            refunded[refund["payment_intent"].get<std::string>()] += refund["amount"].get<std::int64_t>();
    for (const auto& intent : all_of(town, "payment_intents", {{"expand[]", "data.latest_charge"}})) {
        const auto id = intent["id"].get<std::string>();
        const auto found = ledger.find(id);
        const Sums sums = found == ledger.end() ? Sums{} : found->second;
        const auto received = intent["amount_received"].get<std::int64_t>();
        RC_ASSERT(sums.taken - sums.given_back == received - refunded[id]);
        const auto capturable = intent["amount_capturable"].get<std::int64_t>();
        const bool manual = intent["capture_method"] == "manual";
        // Of a hold a refund never makes anything; what was taken from it is what was received.
        if (manual) {
            RC_ASSERT(sums.held - sums.hold_gone - received == capturable);
        } else {
            RC_ASSERT(sums.held == 0 && sums.hold_gone == 0);
        }
        RC_ASSERT((intent["status"] == "requires_capture") == (capturable > 0));
        RC_ASSERT((intent["status"] == "succeeded") == (received > 0));
        const auto& charge = intent["latest_charge"];
        if (charge.is_object() && charge["status"] == "succeeded") {
            RC_ASSERT(charge["amount_captured"].get<std::int64_t>() == received);
            RC_ASSERT(charge["amount_refunded"].get<std::int64_t>() <= received);
        }
    }
}

constexpr const char* tokens[] = {"tok_visa",
                                  "tok_visa",
                                  "tok_chargeDeclined",
                                  "tok_pendingRefund",
                                  "tok_refundFail",
                                  "tok_pendingRefundFail",
                                  "tok_createDispute",
                                  "tok_threeDSecure2Required",
                                  "tok_threeDSecureRequiredChargeDeclined"};
constexpr const char* waits[] = {"1", "3000", "60000", "86400000", "604800000"};
constexpr const char* faults[] = {"drop_answer", "error_after",  "error_kept",
                                  "dead",        "error_before", "rate_limit"};

struct Walk {
    Town town;
    std::vector<std::string> intents;
    int keys = 0;

    std::string some() {
        return intents.empty() ? "pi_none" : intents[*rc::gen::inRange<std::size_t>(0, intents.size())];
    }
    std::string minor() { return std::to_string(*rc::gen::inRange<int>(1, 130) * 100); }

    /// As a client does after silence: the same again, with the same key.
    void post(const std::string& path, const Fields& fields) {
        const auto key = "k" + std::to_string(++keys);
        for (int tries = 0; tries < 2; ++tries) {
            const auto answer = town.try_send(Town::request("POST", "/v1" + path, fields, key));
            if (!answer || answer->status >= 429) continue;
            const auto id = answer->body.contains("error")
                                ? answer->error().value("payment_intent", json::object()).value("id", "")
                                : answer->id();
            if (id.starts_with("pi_") && std::find(intents.begin(), intents.end(), id) == intents.end())
                intents.push_back(id);
            return;
        }
    }
    void press(const std::string& id) {
        town.faults("");
        const auto intent = town.get("/payment_intents/" + id);
        const auto action = intent.body.value("next_action", json());
        if (!action.is_object() || !action.contains("redirect_to_url")) return;
        const auto url = *parse_url(action["redirect_to_url"]["url"].get<std::string>(), "url");
        auto fields = *encoding::parse_form(url.query(), "query");
        fields.emplace_back("act", *rc::gen::element<std::string>("complete", "fail", "complete_stay"));
        town.try_send({"POST",
                       "/stripe/3d_secure_2/act",
                       {{"Content-Type", "application/x-www-form-urlencoded"}},
                       encoding::form(fields),
                       ""});
    }
    /// One thing in four goes wrong on its way.
    void step() {
        if (*rc::gen::inRange(0, 4) == 0)
            town.faults(std::string(R"({"on":"*","do":")") +
                        faults[*rc::gen::inRange<std::size_t>(0, std::size(faults))] + "\"}");
        switch (*rc::gen::inRange(0, 8)) {
            case 0:
            case 1: {
                const auto token = tokens[*rc::gen::inRange<std::size_t>(0, std::size(tokens))];
                const auto method = *rc::gen::element<std::string>("manual", "automatic", "automatic_async");
                post("/payment_intents",
                     Town::paying(token, {{"capture_method", method}, {"return_url", "https://a.example/"}}));
                break;
            }
            case 2:
                post("/payment_intents/" + some() + "/capture", {{"amount_to_capture", minor()}});
                break;
            case 3:
                post("/payment_intents/" + some() + "/cancel", {});
                break;
            case 4:
                post("/refunds", {{"payment_intent", some()}, {"amount", minor()}});
                break;
            case 5:
                press(some());
                break;
            case 6:
                town.advance(Millis{std::stoll(waits[*rc::gen::inRange<std::size_t>(0, std::size(waits))])});
                break;
            default:
                town.restart();
        }
        town.faults("");
    }
};

TEST(StripeWalk, TheLedgerAgreesWithTheObjects) {
    EXPECT_TRUE(rc::check("ledger and objects", [] {
        Walk walk;
        const int steps = *rc::gen::inRange(1, 40);
        for (int i = 0; i < steps; ++i) {
            walk.step();
            check(walk.town);
        }
    }));
}

}  // namespace
}  // namespace kassi::sandbox
