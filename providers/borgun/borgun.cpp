#include "providers/borgun/borgun.hpp"

#include <algorithm>

#include "providers/borgun/account.hpp"
#include "providers/borgun/answers.hpp"
#include "providers/borgun/credential.hpp"
#include "providers/borgun/looks.hpp"
#include "providers/borgun/notices.hpp"
#include "providers/borgun/opening.hpp"
#include "providers/borgun/page.hpp"
#include "providers/borgun/requests.hpp"
#include "providers/credentials/apple_pay_page.hpp"
#include "providers/credentials/wallet.hpp"
#include "providers/evidence.hpp"
#include "providers/settings.hpp"

namespace kassi::providers {
namespace {

using namespace borgun;

constexpr Millis try_again_soon{1'000};

/// What was done is done, whether or not we could read it back: nothing of it is begun again.
bool reads_back(std::string_view name) {
    return name == step::read_back || name == step::read_release || name == step::read_refund ||
           name == step::release;
}

core::Step read_silence(std::string_view name, const core::Silence& silence) {
    if (is_opening(name)) return opening_silence(name, silence);
    const std::string why = silence.why.empty() ? "the provider did not answer" : silence.why;
    if (!silence.sent && !reads_back(name)) return core::NotDone{.why = why, .after = try_again_soon};
    return core::Unknown{.why = why};
}

// ---- scrub ---------------------------------------------------------------------------------------------
core::Keep allowed(const std::string& name, const std::string& value) {
    constexpr std::string_view words[] = {"yes", "1", "0", "Y", "N"};
    const bool is_word =
        (name == "cancelled" || name == "is_tsw_callout_timeout_callback" || name == method_field) &&
        std::find(std::begin(words), std::end(words), value) != std::end(words);
    return is_word || (name == "MD" && is_md(value)) ? core::Keep::value : core::Keep::drop;
}

class Borgun final : public Flow {
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
        const auto account = account_of(merchant);
        switch (scene.verb) {
            case core::Verb::open:
                return begin_open(scene, account);
            case core::Verb::authorise:
                if (account.sale_only) break;
                return begin_pay(scene, merchant, false);
            case core::Verb::charge:
                if (!account.sale_only) break;
                return begin_pay(scene, merchant, true);
            case core::Verb::capture:
                if (account.sale_only) break;
                return begin_capture(scene);
            case core::Verb::void_hold:
                if (account.sale_only) break;
                return begin_void(scene);
            case core::Verb::refund:
                return begin_refund(scene);
            case core::Verb::query:
                return begin_query(scene);
            case core::Verb::close:
                return begin_close(scene);
        }
        return core::NotDone{.why = account.sale_only ? "money is taken at once" : "money is held first"};
    }

    [[nodiscard]] core::Step resume(const core::Scene& scene, const Merchant& merchant,
                                    const core::Heard& heard) const override {
        if (const auto* returned = std::get_if<core::Returned>(&heard))
            return read_return(returned->fields, scene);
        if (const auto* on = std::get_if<core::WentOn>(&heard)) return read_method(on->fields, scene);
        const std::string_view step = scene.leg.call ? std::string_view(scene.leg.call->step) : "";
        if (const auto* silence = std::get_if<core::Silence>(&heard)) return read_silence(step, *silence);
        const auto& response = std::get<core::Answered>(heard).response;
        if (is_opening(step)) return read_opening(step, response, scene, account_of(merchant));
        if (is_money_step(step)) return read_money(step, response, scene, account_of(merchant));
        if (is_look(step)) return read_look(step, response, scene);
        return core::Unknown{.why = "nothing of the kind was asked"};
    }

    [[nodiscard]] Result<core::Admission> admit(const core::Credential& credential, const Merchant& merchant,
                                                Instant now) const override {
        return borgun::admit(credential, account_of(merchant), merchant, now);
    }

    [[nodiscard]] std::optional<Error> misfit(const core::Credential& credential,
                                              const core::Transaction& transaction, const core::Leg& leg,
                                              const Merchant& merchant) const override {
        if (wallet::is_ours(credential)) return wallet::misfit(credential, transaction, leg, merchant);
        if (credential.kind != final_kind) return std::nullopt;
        const auto said = read_final(credential.value);
        if (!said) return said.error();
        return compare(*said, transaction, leg.amount);
    }

    [[nodiscard]] std::optional<HostedPage> page(const core::Callout& callout, const Money& amount,
                                                 const Merchant& merchant,
                                                 const TransactionId& transaction) const override {
        if (!callout.hosted) return std::nullopt;
        if (callout.goes_on) return method_page(callout);
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
        // The key is the user's name; there is no password, and the colon stays.
        std::string credentials(settings::secret(merchant, "private_key"));
        credentials += ':';
        dressed.headers.emplace_back("Authorization", "Basic " + encoding::base64(credentials));
        wipe(credentials.data(), credentials.size());
        return dressed;
    }

    [[nodiscard]] Result<NoticeRead> read(const HttpRequest& request, const Merchant&,
                                          Instant) const override {
        return read_notice(request);
    }
};

}  // namespace

const Flow& borgun_flow() {
    static const Borgun flow;
    return flow;
}

}  // namespace kassi::providers
