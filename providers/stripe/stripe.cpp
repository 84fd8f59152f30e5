#include "providers/stripe/stripe.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "providers/credentials/apple_pay_page.hpp"
#include "providers/credentials/wallet.hpp"
#include "providers/evidence.hpp"
#include "providers/reference.hpp"
#include "providers/settings.hpp"
#include "providers/stripe/account.hpp"
#include "providers/stripe/answers.hpp"
#include "providers/stripe/notices.hpp"
#include "providers/stripe/page.hpp"
#include "providers/stripe/requests.hpp"

namespace kassi::providers {
namespace {

using namespace stripe;

constexpr Millis try_again_soon{1'000};
constexpr std::size_t token_bytes_max = 255;

// ---- the credential ------------------------------------------------------------------------------------
/// "tok_" or "pm_" and letters, digits and "_".
bool is_token(std::string_view text) {
    const std::size_t prefix = text.starts_with("tok_") ? 4 : text.starts_with("pm_") ? 3 : 0;
    return prefix > 0 && text.size() > prefix && text.size() <= token_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               const char lower = ascii_lower(c);
               return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

/// "tok_visa", "pm_card_visa": Stripe's test tokens have names, and may be used again and again. One that was
/// made for a card has a number first.
bool is_test_name(std::string_view token) {
    const auto digit = token.substr(token.find('_') + 1, 1);
    return digit < "0" || digit > "9";
}

Result<core::Admission> admit_token(const core::Credential& credential, const Account& account) {
    const std::string field(token_field);
    if (credential.value.empty()) return bad_request(field, "is missing");
    if (!is_token(credential.value))
        return bad_request(field, "is no token of Stripe: tok_... or pm_..., of at most " +
                                      std::to_string(token_bytes_max) + " letters, digits and '_'");
    const bool reusable =
        account.test && (is_test_name(credential.value) ||
                         std::find(account.reusable_tokens.begin(), account.reusable_tokens.end(),
                                   credential.value) != account.reusable_tokens.end());
    return core::Admission{.key = reusable ? std::string() : credential.value};
}

/// What lived in memory only is gone, and nothing moved.
core::Refusal interrupted() {
    return {"card_lost", "The payment was interrupted before it began. Try again."};
}

// ---- the way there and back ----------------------------------------------------------------------------
core::Step begin_open(const core::Scene& scene, const Account& account) {
    if (scene.credential.value.empty() && scene.leg.credential == network_token::credential_kind)
        return core::Declined{.why = interrupted(), .references = {}};
    if (!scene.credential.value.empty())
        return core::Done{.money = core::LegMoney::none,
                          .amount = {},
                          .references = {},
                          .evidence = "the token is at hand"};
    core::Waiting waiting;
    waiting.callout.type = "get";
    waiting.callout.hosted = true;
    waiting.callout.integration_json = account.debitor.integration_json;
    return waiting;
}

core::Step read_token(const Fields& fields) {
    const auto* timeout = find_field(fields, "is_tsw_callout_timeout_callback");
    const bool given_up = fields.empty() || find_field(fields, "cancelled") != nullptr ||
                          (timeout != nullptr && *timeout != "0");
    std::string token;
    for (const auto& [name, value] : fields) {
        if (name != token_field) continue;
        if (token == value) continue;
        token += (token.empty() ? "" : " ") + value;  // two that differ are none, and refused as such
    }
    auto from_wallet = wallet::brought(fields);
    if (from_wallet && !token.empty()) return core::Unknown{.why = "the return brings two ways to pay"};
    if (from_wallet) {
        core::Done done;
        done.evidence = "the customer paid from a wallet";
        done.credential = std::move(*from_wallet);
        return done;
    }
    if (given_up && token.empty())
        return core::Declined{.why = {"cancelled", "No card was given for the payment."}, .references = {}};
    core::Done done;
    done.evidence = "the customer gave a card";
    done.credential = {std::string(credential_kind), token};
    return done;
}

core::Step begin_authorise(const core::Scene& scene, const Merchant& merchant) {
    const auto account = account_of(merchant);
    if (!wallet::is_ours(scene.credential)) {
        return create(scene, account);
    }
    const auto card = wallet::card_of(scene.credential, merchant, scene.now);
    if (!card)
        return core::Declined{.why = {"token_refused", "The wallet's token is not understood."},
                              .references = {}};
    return create(scene, account, *card);
}

/// Nothing that a browser says is believed: the intent is looked up.
core::Step read_return(const Fields& fields, const core::Scene& scene) {
    const auto* said = find_field(fields, "payment_intent");
    if (said != nullptr && *said != known_reference(scene, intent_kind))
        return core::Unknown{.why = "the return speaks of another payment"};
    auto step = look_up(scene);
    std::get<core::Ask>(step).as = core::Verb::query;
    return step;
}

// ---- scrub ---------------------------------------------------------------------------------------------
core::Keep allowed(const std::string& name, const std::string& value) {
    constexpr std::string_view words[] = {"succeeded", "failed", "pending", "processing",
                                          "canceled",  "yes",    "1",       "0"};
    const bool is_outcome =
        name == "redirect_status" || name == "cancelled" || name == "is_tsw_callout_timeout_callback";
    const bool known_word = std::find(std::begin(words), std::end(words), value) != std::end(words);
    const bool may_be_kept =
        (is_outcome && known_word) ||
        (name == "payment_intent" && is_plain_reference(value) && !may_be_card_number(value));
    return may_be_kept ? core::Keep::value : core::Keep::drop;
}

class Stripe final : public Flow {
  public:
    [[nodiscard]] std::string_view name() const override { return flow_name; }

    [[nodiscard]] std::optional<Debitor> debitor(const Merchant& merchant) const override {
        return account_of(merchant).debitor;
    }

    [[nodiscard]] Result<core::Facts> configure(const Merchant& merchant) const override {
        const auto account = read_account(merchant);
        if (!account) return account.error();
        return facts_of(*account, merchant);
    }

    [[nodiscard]] core::Step begin(const core::Scene& scene, const Merchant& merchant) const override {
        switch (scene.verb) {
            case core::Verb::open:
                return begin_open(scene, account_of(merchant));
            case core::Verb::authorise:
                return begin_authorise(scene, merchant);
            case core::Verb::capture:
                return capture(scene);
            case core::Verb::void_hold:
            case core::Verb::close:
                return cancel(scene);
            case core::Verb::refund:
                return refund(scene);
            case core::Verb::query:
                return look_up(scene);
            case core::Verb::charge:
                break;
        }
        return core::NotDone{.why = "money is held first"};
    }

    [[nodiscard]] core::Step resume(const core::Scene& scene, const Merchant&,
                                    const core::Heard& heard) const override {
        if (const auto* returned = std::get_if<core::Returned>(&heard))
            return scene.verb == core::Verb::open ? read_token(returned->fields)
                                                  : read_return(returned->fields, scene);
        if (const auto* silence = std::get_if<core::Silence>(&heard)) {
            if (!silence->sent) return core::NotDone{.why = silence->why, .after = try_again_soon};
            return core::Unknown{.why = silence->why.empty() ? "the provider did not answer" : silence->why};
        }
        return read_answer(std::get<core::Answered>(heard).response, scene);
    }

    [[nodiscard]] Result<core::Admission> admit(const core::Credential& credential, const Merchant& merchant,
                                                Instant now) const override {
        const auto account = account_of(merchant);
        if (wallet::is_ours(credential) &&
            (account.takes_network_tokens || credential.kind != network_token::credential_kind))
            return wallet::admit(credential, merchant, now);
        if (credential.kind != credential_kind)
            return bad_request(credential.kind, "is nothing that " + merchant.name + " takes");
        return admit_token(credential, account);
    }

    [[nodiscard]] std::optional<Error> misfit(const core::Credential& credential,
                                              const core::Transaction& transaction, const core::Leg& leg,
                                              const Merchant& merchant) const override {
        return wallet::misfit(credential, transaction, leg, merchant);
    }

    [[nodiscard]] std::optional<HostedPage> page(const core::Callout& callout, const Money& amount,
                                                 const Merchant& merchant,
                                                 const TransactionId& transaction) const override {
        if (!callout.hosted) return std::nullopt;
        auto page = token_page(amount, account_of(merchant));
        if (merchant.apple_pay)
            apple_pay::add_button(page, *merchant.apple_pay, callout, amount, transaction);
        return page;
    }

    [[nodiscard]] std::vector<core::EvidenceField> evidence(const Fields& fields) const override {
        return evidence_of(fields, allowed);
    }

    [[nodiscard]] HttpRequest dress(const core::Request& request, const Merchant& merchant) const override {
        const auto account = account_of(merchant);
        HttpRequest dressed{request.method, account.api_url + request.path, request.headers, request.body,
                            ""};
        dressed.headers.emplace_back("Accept", "application/json");
        dressed.headers.emplace_back("Stripe-Version", account.api_version);
        dressed.headers.emplace_back("Authorization",
                                     "Bearer " + std::string(settings::secret(merchant, "secret_key")));
        return dressed;
    }

    [[nodiscard]] Result<NoticeRead> read(const HttpRequest& request, const Merchant& merchant,
                                          Instant now) const override {
        return read_notice(request, merchant, account_of(merchant), now);
    }
};

}  // namespace

const Flow& stripe_flow() {
    static const Stripe flow;
    return flow;
}

}  // namespace kassi::providers
