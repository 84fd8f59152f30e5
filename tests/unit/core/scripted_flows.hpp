#pragma once

#include <map>
#include <string>

#include "core/decide.hpp"

/// A way of paying for tests of the core: what the provider answers is written in the answer itself
/// ("taken", "declined", "waiting", ...), so that a test reads like a story.
namespace kassi::core::test {

class ScriptedFlows : public Flows {
  public:
    std::map<std::string, Facts> merchants;

    ScriptedFlows() {
        Facts credit;
        credit.can_hold = credit.can_query = credit.can_refund = credit.can_refund_part =
            credit.house_credit = true;
        merchants["credit"] = credit;
        Facts redirect;
        redirect.has_open = redirect.can_query = redirect.can_close = redirect.can_refund =
            redirect.can_refund_part = redirect.notifies = true;
        redirect.browser = Browser::always;
        merchants["redirect"] = redirect;
        Facts silent;  // neither asked nor notifying, no refund
        silent.has_open = silent.settled_by_return = true;
        silent.browser = Browser::always;
        merchants["silent"] = silent;
        Facts card;  // like Stripe: held first
        card.can_hold = card.can_query = card.can_close = card.can_refund = true;
        merchants["card"] = card;
        Facts token;  // like Stripe with a token: a page of ours asks for it where it is missing
        token = card;
        token.has_open = token.can_refund_part = token.notifies = true;
        token.browser = Browser::maybe;
        token.notice_trust = Trust::proof;
        token.credentials = {"token"};
        token.steps = {{"KWD", 10}, {"IQD", 0}};
        merchants["token"] = token;
        Facts vault = token;  // a card is exchanged for a token before anything else
        vault.credentials = {"card", "token"};
        vault.volatile_credentials = {"card"};
        vault.notice_trust = Trust::hint;
        merchants["vault"] = vault;
        Facts wallet = token;  // a wallet's token is kept as it came, what was opened of one is not
        wallet.credentials = {"wallet", "opened"};
        wallet.volatile_credentials = wallet.pays_from_memory = {"opened"};
        merchants["wallet"] = merchants["purse"] = wallet;
        Facts never;  // like Borgun: the money call is never repeated and cannot be looked up
        never.can_hold = never.can_refund = true;
        merchants["never"] = never;
        Facts method = card;  // like Borgun: "page" is a page of ours, from which the browser goes on
        method.has_open = true;
        method.browser = Browser::maybe;
        merchants["method"] = method;
    }

    const Facts& facts(const Leg& leg) const override { return merchants.at(leg.merchant); }

    Step begin(const Scene& scene) const override {
        const std::string& merchant = scene.leg.merchant;
        if (merchant == "credit") {
            switch (scene.verb) {
                case Verb::authorise:
                    if (scene.credit_exhausted) return Declined{{"credit_limit", "the limit is reached"}, {}};
                    return Done{LegMoney::held, scene.amount, {}, ""};
                case Verb::capture:
                    return Done{LegMoney::taken, scene.amount, {}, ""};
                case Verb::void_hold:
                    return Done{LegMoney::none, {}, {}, ""};
                case Verb::refund:
                    return Done{LegMoney::back, scene.amount, {}, ""};
                case Verb::query:
                    return Done{scene.leg.money, {}, {}, ""};
                case Verb::open:
                case Verb::charge:
                case Verb::close:
                    return Unknown{"no such verb"};
            }
        }
        if (merchant == "silent" && scene.verb == Verb::open) return waiting(scene);
        if (closes_at_once && scene.verb == Verb::close)
            return Done{LegMoney::none, {}, {}, "nothing is left"};
        if (merchant == "vault" && scene.verb == Verb::open) return open_vault(scene);
        if (merchant == "wallet" || merchant == "purse") {
            const bool lost = scene.credential.value.empty() && !scene.leg.credential.empty();
            if (lost && (scene.verb == Verb::open || scene.verb == Verb::authorise))
                return Declined{{"card_lost", "it was in memory only"}, {}};
        }
        const bool asks_for_it = merchant == "token" || merchant == "wallet" || merchant == "purse";
        if (asks_for_it && scene.verb == Verb::open) {
            if (!scene.credential.value.empty()) return Done{LegMoney::none, {}, {}, "at hand"};
            Waiting page;
            page.callout.type = "get";
            page.callout.hosted = true;
            return page;
        }
        Ask ask;
        ask.name = std::string(word(scene.verb));
        ask.request = {"POST", "/" + ask.name, {}, std::to_string(scene.amount.minor)};
        ask.repeat = merchant == "never" && takes_money(scene.verb)           ? Repeat::never
                     : scene.verb == Verb::query || scene.verb == Verb::close ? Repeat::safe
                                                                              : Repeat::same_key;
        ask.key = scene.transaction.id.text() + "-" + std::to_string(scene.leg.no) + "-" + ask.name +
                  std::to_string(scene.refund_no);
        if (key_life.count() > 0) ask.key_until = scene.now + key_life;
        ask.reference = scene.transaction.id.text() + "-" + std::to_string(scene.leg.no);
        if (takes_money(scene.verb)) ask.made_since = scene.provider_time;
        ask.needs_volatile = volatile_open && scene.verb == Verb::open;
        if (scene.verb == Verb::authorise && (merchant == "wallet" || merchant == "purse")) {
            ask.request.body = "number of " + scene.credential.value;
            ask.needs_volatile = true;
            ask.repeat = Repeat::never;
        }
        return ask;
    }

    Step resume(const Scene& scene, const Heard& heard) const override {
        if (const auto* silence = std::get_if<Silence>(&heard)) {
            if (!silence->sent) return NotDone{silence->why, Millis{1000}};
            return Unknown{silence->why};
        }
        if (const auto* returned = std::get_if<Returned>(&heard)) {
            const std::string* success = find_field(returned->fields, "success");
            if (scene.leg.merchant == "silent") {
                if (success != nullptr && *success == "forged") return Unknown{"the signature does not fit"};
                if (success != nullptr && *success == "yes")
                    return Done{LegMoney::taken, silent_says, {}, "returned"};
                return Declined{{"declined", "the customer did not pay"}, {}};
            }
            if (scene.leg.merchant == "token" && scene.verb == Verb::open) {
                const std::string* token = find_field(returned->fields, "token");
                Done done;
                done.credential = {"token", token == nullptr ? "" : *token};
                return done;
            }
            if (success != nullptr) return Done{LegMoney::none, {}, {}, "returned"};
            Ask ask;
            ask.name = "query";
            ask.request = {"GET", "/query", {}, ""};
            ask.repeat = Repeat::safe;
            ask.as = Verb::query;
            return ask;
        }
        if (const auto* on = std::get_if<WentOn>(&heard)) {
            if (find_field(on->fields, "broken") != nullptr) return Unknown{"the form is not ours"};
            Ask ask;
            ask.name = "open_again";
            ask.request = {"POST", "/open_again", {}, ""};
            ask.repeat = Repeat::safe;
            return ask;
        }
        const std::string& says = std::get<Answered>(heard).response.body;
        const auto money = [&](LegMoney what) { return Done{what, scene.amount, {{"payment", "p1"}}, says}; };
        if (says == "taken") return money(LegMoney::taken);
        if (says == "held") return money(LegMoney::held);
        if (says == "back") return money(LegMoney::back);
        if (says.starts_with("back so far ")) {
            auto fact = money(LegMoney::taken);
            fact.given_back = Money{std::stoll(says.substr(12)), scene.leg.amount.currency};
            fact.amount = scene.leg.amount;
            if (says.ends_with(", ours is in it")) fact.refund_found = true;
            if (says.ends_with(", ours is not in it")) fact.refund_found = false;
            if (says.ends_with(", ours was refused")) {
                fact.refund_found = false;
                fact.why = Refusal{"refused", "not as much is left"};
            }
            return fact;
        }
        const auto number = [&says](std::string_view before) {
            return std::stoll(says.substr(before.size()));
        };
        if (says.starts_with("back "))
            return Done{LegMoney::back, Money{number("back "), scene.amount.currency}, {}, says};
        if (says.starts_with("held "))
            return Done{LegMoney::held, Money{number("held "), scene.amount.currency}, {}, says};
        if (says == "none") return Done{LegMoney::none, {}, {}, says};
        if (says == "done") return Done{LegMoney::none, {}, {{"session", "s1"}}, says};
        if (says == "cheap")
            return Done{LegMoney::taken, Money{scene.amount.minor - 1, scene.amount.currency}, {}, says};
        if (says == "declined") return Declined{{"declined", "the provider said no"}, {}};
        if (says == "waiting") return waiting(scene);
        if (says == "page") {
            Waiting page;
            page.callout.type = "get";
            page.callout.hosted = page.callout.goes_on = true;
            page.callout.page_data = "<p>look</p>";
            return page;
        }
        if (says == "working") return Working{"still at it"};
        if (says == "look") return Working{"look it up", true};
        if (says == "exchanged") {
            Done done{LegMoney::none, {}, {{"vault", "v1"}}, says};
            done.again = true;
            done.credential = {"token", "tk1"};
            return done;
        }
        if (says == "enrolled") {
            Done done{LegMoney::none, {}, {}, says};
            done.saved = "mpi 7";
            return done;
        }
        if (says.starts_with("none because ")) {
            Done done{LegMoney::none, {}, {}, says};
            done.why = Refusal{says.substr(13), "why"};
            return done;
        }
        if (says.starts_with("refund failed")) {
            Done done = money(LegMoney::taken);
            done.amount = scene.leg.amount;
            done.why = Refusal{"refund_failed", "account closed"};
            return done;
        }
        if (says == "not done") return NotDone{"busy", Millis{1000}};
        return Unknown{says};
    }

    std::vector<EvidenceField> evidence(const Leg&, const Fields& fields) const override {
        std::vector<EvidenceField> kept;
        for (const auto& [name, value] : fields)
            kept.push_back({name, Keep::value, value, static_cast<std::int64_t>(value.size())});
        return kept;
    }

    /// A token is good for one payment, a "test" one for any number; an empty one is none. Of wallets,
    /// whoever takes the money.
    Result<Admission> admit(const Transaction&, const Leg&, const Credential& credential,
                            Instant) const override {
        if (credential.value.empty()) return bad_request("token", "is missing");
        const bool again = credential.value == "test" || credential.kind == "card";
        return Admission{.key = again ? std::string{} : credential.value,
                         .everywhere = credential.kind == "wallet" || credential.kind == "opened"};
    }

    bool volatile_open = false;
    bool closes_at_once = false;       ///< nobody is asked for it
    Millis key_life{0};                ///< 0: keys live for ever
    std::optional<Money> silent_says;  ///< the amount in the return of the silent house

  private:
    static Step open_vault(const Scene& scene) {
        if (scene.credential.value.empty()) return Declined{{"card_lost", "it was in memory only"}, {}};
        Ask ask;
        ask.name = scene.credential.kind == "card" ? "exchange" : "enrol";
        ask.request = {"POST", "/" + ask.name, {}, scene.credential.value};
        ask.repeat = Repeat::safe;
        ask.needs_volatile = scene.credential.kind == "card";
        return ask;
    }
    static Step waiting(const Scene& scene) {
        return Waiting{{.type = "get",
                        .destination = "http://house.example/pay",
                        .parameters = {{"return_url", scene.return_url}},
                        .integration_json = {},
                        .return_token = {},
                        .page_token = {}},
                       "saved",
                       {{"session", "s1"}}};
    }
};

}  // namespace kassi::core::test
