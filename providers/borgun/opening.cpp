#include "providers/borgun/opening.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "providers/borgun/amounts.hpp"
#include "providers/borgun/borgun.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/borgun/credential.hpp"
#include "providers/borgun/looks.hpp"
#include "providers/borgun/requests.hpp"
#include "providers/borgun/wire.hpp"
#include "providers/credentials/wallet.hpp"
#include "providers/reading.hpp"

namespace kassi::providers::borgun {
namespace {

using nlohmann::json;

constexpr Millis try_again_soon{1'000};
constexpr Millis try_again_later{5'000};
constexpr std::size_t message_bytes_max = 32'768;  ///< a PaRes or CRes
constexpr std::size_t method_bytes_max = 32'768;   ///< TDSMethodContent
constexpr std::size_t redirect_fields_max = 30;
constexpr std::int64_t validations_max = 3;

core::Step declined(std::string code, std::string text) {
    return core::Declined{.why = {std::move(code), std::move(text)}, .references = {}};
}

core::Step declined(core::Refusal why) {
    return core::Declined{.why = std::move(why), .references = {}};
}

core::Step card_lost() {
    return declined(interrupted());
}

core::Step ready(Kept kept, std::string evidence) {
    kept.stage = Stage::none;
    core::Done done;
    done.evidence = std::move(evidence);
    done.saved = write(kept);
    return done;
}

std::string status_word(int status) {
    return "the provider answered " + std::to_string(status);
}

// ---- begin ---------------------------------------------------------------------------------------------
core::Step open_without(const core::Scene& scene, const Account& account) {
    if (!scene.leg.credential.empty()) return card_lost();
    if (!account.takes_tokens) return declined("no_card", "No card was given for the payment.");
    core::Waiting waiting;
    waiting.callout.type = "get";
    waiting.callout.hosted = true;
    waiting.callout.integration_json = account.debitor.integration_json;
    Kept kept;
    kept.stage = Stage::token_page;
    waiting.saved = write(kept);
    return waiting;
}

core::Step open_card(const core::Scene& scene, const Account& account) {
    const auto read = card::read(scene.credential.value, account.card_rules, scene.now);
    if (!read || !read->faults.empty()) return declined("card_refused", "The card is not valid.");
    return ask_token(scene, read->card);
}

core::Step open_final(const core::Scene& scene) {
    const auto said = read_final(scene.credential.value);
    if (!said) return declined("token_refused", "The authenticated payment is not understood.");
    // Admitted before; what does not fit is refused here, too, whoever let it in.
    if (const auto wrong = compare(*said, scene.transaction, scene.amount))
        return declined("authentication_mismatch", "The authenticated payment is of another purchase.");
    Kept kept;
    kept.mpi_token = said->mpi_token;
    return ready(kept, "authenticated by the client");
}

core::Step enroll(const core::Scene& scene, int exponent) {
    const auto token = token_of(scene.credential);
    if (token.empty()) return declined("token_refused", "The card's token is not understood.");
    auto ask = ask_enroll(scene, token, exponent);
    if (!ask) return declined("amount_refused", "3-D Secure has no form for the amount.");
    return std::move(*ask);
}

// ---- the answer to a card ------------------------------------------------------------------------------
core::Step read_token(const HttpResponse& response) {
    if (wire::is_success(response.status)) {
        const auto object = object_of(response.body);
        const auto token = object ? wire::text(*object, "Token") : std::string();
        if (is_token(token) && is_single(token)) {
            core::Done done;
            done.evidence = "the card is a token now";
            done.credential = {std::string(token_kind), token};
            done.again = true;
            return done;
        }
    }
    if (response.status == 400) {
        if (wire::complains_of(response, "PAN")) return declined(refusal_of_action("111"));
        if (wire::complains_of(response, "ExpMonth") || wire::complains_of(response, "ExpYear"))
            return declined(refusal_of_action("131"));
        if (wire::complains_of(response, "CVC") || wire::complains_of(response, "CVC2")) {
            core::Refusal why{"incorrect_cvc", "The card's security code is wrong."};
            why.failed_cv_two = true;
            return declined(std::move(why));
        }
    }
    // The card is gone from memory: nothing of it is left to try again with.
    return declined("provider_unavailable",
                    "The card could not be checked: " + status_word(response.status) + ".");
}

// ---- the answer to an enrollment -----------------------------------------------------------------------
struct Redirect {
    std::string destination;
    Fields fields;
};

/// What the MPI lists, in its order; one entry is where it goes.
std::optional<Redirect> read_redirect(const json& answer) {
    const auto* list = wire::list_in(answer, "RedirectToACSData");
    if (list == nullptr || list->size() > redirect_fields_max) return std::nullopt;
    Redirect redirect;
    for (const auto& entry : *list) {
        const auto* name = wire::member(entry, "Name");
        const auto* value = wire::member(entry, "Value");
        if (name == nullptr || !name->is_string() || value == nullptr || !value->is_string())
            return std::nullopt;
        const auto& spelt = name->get_ref<const std::string&>();
        if (ascii_lower(spelt) != "actionurl") {
            redirect.fields.emplace_back(spelt, value->get<std::string>());
            continue;
        }
        if (!redirect.destination.empty()) return std::nullopt;
        redirect.destination = value->get<std::string>();
    }
    if (!parse_url(redirect.destination, "actionURL")) return std::nullopt;
    return redirect;
}

core::Step send_to_bank(const json& answer, Kept kept, const core::Scene& scene) {
    auto redirect = read_redirect(answer);
    if (!redirect || kept.mpi_token.empty() || kept.xid.empty())
        return declined("authentication_unavailable", "3-D Secure answered in a way that is not understood.");
    // The bank would send him to where he is not awaited any more.
    if (!scene.return_url.empty() && scene.return_url != kept.term_url)
        return core::NotDone{.why = "the way back has changed", .after = try_again_soon};
    kept.stage = Stage::challenge;
    core::Waiting waiting;
    waiting.callout.type = "post";
    waiting.callout.destination = std::move(redirect->destination);
    waiting.callout.parameters = std::move(redirect->fields);
    waiting.saved = write(kept);
    return waiting;
}

/// The issuer looks at the browser, in a frame of a page of ours; once, and only where that can be done.
core::Step run_method(const json& answer, Kept kept, const core::Scene& scene) {
    const auto* content = wire::member(answer, "TDSMethodContent");
    const bool there =
        content != nullptr && content->is_string() && !content->get_ref<const std::string&>().empty();
    if (!there || scene.public_url.empty()) return ask_enroll_again(scene, std::move(kept), "U");
    const auto& html = content->get_ref<const std::string&>();
    const bool his = !scene.return_url.empty() && scene.return_url == kept.term_url;
    if (!his || core::went_on(scene.leg) || html.size() > method_bytes_max)
        return ask_enroll_again(scene, std::move(kept), "N");
    kept.stage = Stage::method;
    core::Waiting waiting;
    waiting.callout.type = "get";
    waiting.callout.hosted = true;
    waiting.callout.goes_on = true;
    waiting.callout.page_data = html;
    waiting.saved = write(kept);
    return waiting;
}

bool goes_on(int status, const Account& account) {
    return std::find(account.goes_on_with.begin(), account.goes_on_with.end(), status) !=
           account.goes_on_with.end();
}

core::Step go_on(const Kept& kept, int status, const core::Scene& scene) {
    // Nobody waits for it any more, and the customer was away: only closing it ends that.
    if (scene.leg.goal == core::Goal::give_back && scene.leg.exposed) {
        auto close = begin_close(scene);
        if (auto* ask = std::get_if<core::Ask>(&close)) ask->as = core::Verb::close;
        return close;
    }
    if (kept.mpi_token.empty())
        return declined("authentication_unavailable", "3-D Secure gave no token for the payment.");
    return ready(kept, "MdStatus " + std::to_string(status));
}

void remember(const json& answer, Kept& kept) {
    for (const auto& [name, into] :
         {std::pair{"MPIToken", &kept.mpi_token}, {"XId", &kept.xid}, {"TxId", &kept.tx_id}})
        if (auto text = wire::text(answer, name); !text.empty()) *into = std::move(text);
}

core::Step once_more(const MdRow& row, int status, const Kept& kept, const core::Scene& scene,
                     const Account& account) {
    // Two enrollments were asked for already.
    const bool was_second = kept.method_done || kept.exponent > first_exponent(scene.amount.currency);
    if (scene.leg.not_done == 0 && !was_second)
        return core::NotDone{.why = "3-D Secure answered MdStatus " + std::to_string(status),
                             .after = try_again_soon};
    return goes_on(status, account) ? go_on(kept, status, scene) : declined(refusal_of(row));
}

core::Step read_status(int status, const json& answer, Kept kept, const core::Scene& scene,
                       const Account& account) {
    const MdRow& row = md_row(status);
    switch (row.action) {
        case MdAction::challenge:
            return send_to_bank(answer, std::move(kept), scene);
        case MdAction::method:
            if (kept.method_done || kept.xid.empty() || kept.tx_id.empty()) return declined(refusal_of(row));
            return run_method(answer, std::move(kept), scene);
        case MdAction::retry:
            if (status == 5)
                if (const auto other = other_exponent(scene.amount.currency, kept.exponent))
                    return enroll(scene, *other);
            return once_more(row, status, kept, scene, account);
        case MdAction::go_on:
        case MdAction::stop:
            break;
    }
    return goes_on(status, account) ? go_on(kept, status, scene) : declined(refusal_of(row));
}

core::Step read_enrolled(const HttpResponse& response, const core::Scene& scene, const Account& account) {
    constexpr int system_error = 99;
    if (response.status == 400) {
        if (wire::complains_of(response, "Token"))
            return declined("token_refused", "The card's token is not known, or was used before.");
        return declined("rejected", "3-D Secure refused what was sent.");
    }
    if (wire::is_our_fault(response.status))
        return core::NotDone{.why = status_word(response.status), .after = try_again_later};
    const auto answer = wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
    const auto status = answer ? md_status(wire::text(*answer, "MdStatus")) : std::nullopt;
    if (!status)
        return core::NotDone{.why = status_word(response.status) + " to the enrollment",
                             .after = try_again_soon};
    Kept kept = kept_of(scene);
    remember(*answer, kept);
    const bool worked = wire::integer(*answer, "ResultStatus").value_or(0) == 0;
    if (!worked) return once_more(md_row(system_error), system_error, {}, scene, account);
    return read_status(*status, *answer, std::move(kept), scene, account);
}

// ---- back from our page --------------------------------------------------------------------------------
bool is_given_up(const Fields& fields) {
    const auto* timeout = find_field(fields, "is_tsw_callout_timeout_callback");
    return fields.empty() || find_field(fields, "cancelled") != nullptr ||
           (timeout != nullptr && *timeout != "0");
}

core::Step read_token_page(const Fields& fields) {
    std::string token;
    for (const auto& [name, value] : fields) {
        if (name != token_field || token == value) continue;
        token += (token.empty() ? "" : " ") + value;  // two that differ are none, and refused as such
    }
    auto from_wallet = wallet::brought(fields);
    if (from_wallet && !token.empty()) return core::Unknown{.why = "the return brings two ways to pay"};
    if (token.empty() && !from_wallet && is_given_up(fields))
        return declined("cancelled", "No card was given for the payment.");
    core::Done done;
    done.again = true;
    if (from_wallet) {
        done.evidence = "the customer paid from a wallet";
        done.credential = std::move(*from_wallet);
        return done;
    }
    done.evidence = "the customer gave a card";
    done.credential = {std::string(token_kind), token};
    return done;
}

// ---- back from the bank --------------------------------------------------------------------------------
/// What the bank's page sent along, whatever the case of its names.
struct BankReply {
    std::string pares, cres, md;
    bool contradicts = false;
};

BankReply read_reply(const Fields& fields) {
    BankReply reply;
    for (const auto& [name, value] : fields) {
        const auto lower = ascii_lower(name);
        std::string* into = lower == "pares"  ? &reply.pares
                            : lower == "cres" ? &reply.cres
                            : lower == "md"   ? &reply.md
                                              : nullptr;
        if (into == nullptr || value.empty()) continue;
        reply.contradicts = reply.contradicts || (!into->empty() && *into != value);
        *into = value;
    }
    reply.contradicts = reply.contradicts || (!reply.pares.empty() && !reply.cres.empty());
    return reply;
}

core::Step read_bank(const Fields& fields, const core::Scene& scene) {
    const auto reply = read_reply(fields);
    if (reply.contradicts) return core::Unknown{.why = "the return contradicts itself"};
    if (reply.pares.size() > message_bytes_max || reply.cres.size() > message_bytes_max ||
        reply.md.size() > message_bytes_max)
        return core::Unknown{.why = "the return is too large"};
    // Named, so that the end of it is recorded: nothing is left open with the bank, no door to be closed.
    if (reply.pares.empty() && reply.cres.empty())
        return core::Declined{.why = authentication_failed("The customer did not finish the authentication."),
                              .references = {{std::string(authentication_kind), kept_of(scene).xid}}};
    // A 3DS 2 page brings no MD: ours is what was enrolled.
    const auto& md = reply.md.empty() && reply.pares.empty() ? kept_of(scene).md : reply.md;
    return ask_validate(scene, reply.pares, reply.cres, md);
}

core::Step read_validated(const HttpResponse& response, const core::Scene& scene, const Account& account) {
    if (response.status == 400)
        return declined(authentication_failed("The bank's answer was refused by 3-D Secure."));
    const auto answer = wire::is_success(response.status) ? object_of(response.body) : std::nullopt;
    const auto status = answer ? md_status(wire::text(*answer, "MdStatus")) : std::nullopt;
    if (!status) return core::Unknown{.why = status_word(response.status) + " to the validation"};
    const MdRow& row = md_row(*status);
    const bool pending = row.action == MdAction::challenge || row.action == MdAction::method;
    if (!pending && goes_on(*status, account)) {
        Kept kept = kept_of(scene);
        if (kept.xid.empty() || wire::text(*answer, "XId") != kept.xid)
            return declined(authentication_failed("The authentication belongs to another payment."));
        remember(*answer, kept);
        return go_on(kept, *status, scene);
    }
    // The MPI's own trouble says nothing of the cardholder: asked again, and not for ever.
    if (row.action == MdAction::retry && !row.authentication && scene.leg.rechecks < validations_max)
        return core::Unknown{.why = "the validation ended with MdStatus " + std::to_string(*status)};
    // A message counts once: what was made of it the first time, with an answer that we did not get or could
    // not use, nobody tells any more. The customer may well have authenticated.
    constexpr int used_before = 97;
    if (*status == used_before && scene.leg.rechecks > 0)
        return declined("authentication_unavailable", "The outcome of 3-D Secure could not be found out.");
    return declined(refusal_of(row));
}

}  // namespace

core::Step begin_open(const core::Scene& scene, const Account& account) {
    if (scene.credential.value.empty()) return open_without(scene, account);
    if (scene.credential.kind == card::credential_kind) return open_card(scene, account);
    if (scene.credential.kind == final_kind) return open_final(scene);
    if (wallet::is_ours(scene.credential)) return ready({}, "the wallet authenticated the customer");
    if (!scene.return_url.empty()) return enroll(scene, first_exponent(scene.amount.currency));
    if (account.always_3ds)
        return declined(authentication_failed("3-D Secure is required, and no return_url was given."));
    return ready({}, "without 3-D Secure: there is no way back for the customer");
}

core::Step read_return(const Fields& fields, const core::Scene& scene) {
    switch (kept_of(scene).stage) {
        case Stage::token_page:
            return read_token_page(fields);
        case Stage::challenge:
            return read_bank(fields, scene);
        case Stage::method:
            // From there nobody comes back with something.
            if (!is_given_up(fields)) break;
            return declined(authentication_failed("The customer did not finish the authentication."));
        case Stage::none:
        case Stage::enrolled:
            break;
    }
    return core::Unknown{.why = "nobody was sent anywhere"};
}

core::Step read_method(const Fields& fields, const core::Scene& scene) {
    auto kept = kept_of(scene);
    if (kept.stage != Stage::method) return core::Unknown{.why = "nobody was sent to such a page"};
    const auto* done = find_field(fields, method_field);
    return ask_enroll_again(scene, std::move(kept), done != nullptr && *done == "Y" ? "Y" : "N");
}

bool is_opening(std::string_view name) {
    return name == step::token || name == step::enroll || name == step::enroll_again ||
           name == step::validate;
}

core::Step read_opening(std::string_view name, const HttpResponse& response, const core::Scene& scene,
                        const Account& account) {
    if (name == step::token) return read_token(response);
    if (name == step::validate) return read_validated(response, scene, account);
    return read_enrolled(response, scene, account);
}

core::Step opening_silence(std::string_view name, const core::Silence& silence) {
    const std::string why = silence.why.empty() ? "the provider did not answer" : silence.why;
    if (name == step::token) return card_lost();
    // What the customer brought is judged again when we look.
    if (name == step::validate) return core::Unknown{.why = why};
    return core::NotDone{.why = why, .after = try_again_soon};
}

std::optional<core::Ask> enroll_anew(const core::Scene& scene) {
    const bool waits = !scene.leg.ready && scene.leg.goal == core::Goal::take &&
                       scene.leg.money == core::LegMoney::none && core::went_on(scene.leg) &&
                       kept_of(scene).stage == Stage::enrolled && !scene.return_url.empty();
    if (!waits) return std::nullopt;
    auto anew = enroll(scene, first_exponent(scene.amount.currency));
    auto* ask = std::get_if<core::Ask>(&anew);
    if (ask == nullptr) return std::nullopt;
    ask->as = core::Verb::open;
    return std::move(*ask);
}

std::optional<core::Ask> validate_again(const core::Scene& scene) {
    const bool waits = !scene.leg.ready && scene.leg.goal == core::Goal::take &&
                       scene.leg.money == core::LegMoney::none && scene.leg.callout &&
                       scene.leg.callout->returned && kept_of(scene).stage == Stage::challenge;
    if (!waits) return std::nullopt;
    auto again = read_bank(scene.parcel.returned, scene);
    auto* ask = std::get_if<core::Ask>(&again);
    if (ask == nullptr) return std::nullopt;
    ask->as = core::Verb::open;
    return std::move(*ask);
}

}  // namespace kassi::providers::borgun
