#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_message.hpp"
#include "base/secret.hpp"
#include "core/input.hpp"
#include "core/step.hpp"

/// The one interface of a way of paying. A new way is a folder beside this file that implements Flow and
/// is added in registry.cpp; it sees no socket, no clock, no store.
namespace kassi::providers {

namespace apple_pay {
struct Shop;
}

/// A contract with a provider, from the configuration. Retired ones stay known as long as a leg names them.
struct Merchant {
    std::string name;      ///< unique, in /webhooks/<provider>/<name>
    std::string provider;  ///< the flow's name: "redirect"
    std::string base_url;  ///< "https://api.example/v1", no slash at the end
    bool retired = false;
    bool simulator = false;                       ///< refused in live mode
    std::map<std::string, std::string> settings;  ///< the flow's own, checked by configure()
    std::map<std::string, Secret<>> secrets;
    std::shared_ptr<const apple_pay::Shop> apple_pay;  ///< whose tokens pay with this merchant; nullptr none
};

/// What a webhook said.
struct NoticeRead {
    std::string reference;  ///< ours or the provider's, as references were recorded; "" about nothing of ours
    core::Notice notice;    ///< leg is filled in by the engine
};

class Flow {
  public:
    virtual ~Flow() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// How the F13 door prints the debitor of a merchant: type, name, description, integration data (JSON).
    struct Debitor {
        std::string type, name, description, integration_json, aggregation_key;
    };
    /// Nullopt where there is none (on credit).
    [[nodiscard]] virtual std::optional<Debitor> debitor(const Merchant& merchant) const = 0;
    /// Checks settings and secrets once, at start. Error: bad_request naming the setting.
    [[nodiscard]] virtual Result<core::Facts> configure(const Merchant& merchant) const = 0;
    [[nodiscard]] virtual core::Step begin(const core::Scene& scene, const Merchant& merchant) const = 0;
    [[nodiscard]] virtual core::Step resume(const core::Scene& scene, const Merchant& merchant,
                                            const core::Heard& heard) const = 0;
    /// Checks the form of what the customer pays with; see core::Flows::admit.
    [[nodiscard]] virtual Result<core::Admission> admit(const core::Credential& credential,
                                                        const Merchant& merchant, Instant now) const;
    /// What an admitted one says of the payment itself. Error: bad_request naming what does not fit.
    [[nodiscard]] virtual std::optional<Error> misfit(const core::Credential& credential,
                                                      const core::Transaction& transaction,
                                                      const core::Leg& leg, const Merchant& merchant) const;
    /// The page that asks the customer for what is missing, for callouts of this flow that are hosted by us;
    /// of one that goes on its form is posted to the page itself.
    struct HostedPage {
        std::string title, text;
        std::string body_html;   ///< inside the form, before its button
        std::string script_url;  ///< the provider's own, loaded before ours
        std::string script;      ///< ours, inline
        /// A document of somebody else's, at "<page>/frame": sandboxed, with an origin of its own, and
        /// nowhere else. It may be hostile. "" none.
        std::string frame_html;
        std::vector<std::string> script_sources, frame_sources, connect_sources;  ///< CSP: origins
    };
    /// `transaction` is whose leg is away: what a wallet's payment request is bound to.
    [[nodiscard]] virtual std::optional<HostedPage> page(const core::Callout& callout, const Money& amount,
                                                         const Merchant& merchant,
                                                         const TransactionId& transaction) const;
    /// The allow-list: which returned fields the journal may keep, and how.
    [[nodiscard]] virtual std::vector<core::EvidenceField> evidence(const Fields& fields) const = 0;
    /// The recorded request with address and credentials of today: absolute URL as target.
    [[nodiscard]] virtual HttpRequest dress(const core::Request& request, const Merchant& merchant) const = 0;
    /// Webhook of this merchant: signature over the raw body first. Errors: unauthenticated, bad_request.
    [[nodiscard]] virtual Result<NoticeRead> read(const HttpRequest& request, const Merchant& merchant,
                                                  Instant now) const = 0;
    /// How the provider hears that its webhook was recorded: with 200, and nothing else.
    struct Acknowledgement {
        std::string_view content_type, body;
    };
    /// {"received":true} as JSON, unless the provider waits for words of its own.
    [[nodiscard]] virtual Acknowledgement acknowledgement() const;
    /// What its returns say of money is signed. False: a return alone is worth nothing in live mode.
    [[nodiscard]] virtual bool signs_returns(const Merchant& merchant) const;
};

/// All flows and all merchants; what core sees of them.
class Registry final : public core::Flows {
  public:
    /// Knows every flow of the house. Error: bad_request naming merchant and setting
    /// ("merchants.demo-redirect.api_key").
    static Result<std::unique_ptr<Registry>> make(std::vector<Merchant> merchants);
    ~Registry() override;

    [[nodiscard]] const Merchant* merchant(std::string_view name) const;
    [[nodiscard]] const Flow* flow(std::string_view provider) const;
    [[nodiscard]] const core::Facts* facts_of(std::string_view merchant) const;
    /// Every flow, for the contract test.
    [[nodiscard]] static std::vector<const Flow*> flows();

    [[nodiscard]] const core::Facts& facts(const core::Leg& leg) const override;
    [[nodiscard]] core::Step begin(const core::Scene& scene) const override;
    [[nodiscard]] core::Step resume(const core::Scene& scene, const core::Heard& heard) const override;
    [[nodiscard]] std::vector<core::EvidenceField> evidence(const core::Leg& leg,
                                                            const Fields& fields) const override;
    [[nodiscard]] Result<core::Admission> admit(const core::Transaction& transaction, const core::Leg& leg,
                                                const core::Credential& credential,
                                                Instant now) const override;

  private:
    Registry();
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace kassi::providers
