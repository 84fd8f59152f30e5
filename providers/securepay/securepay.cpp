#include "providers/securepay/securepay.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "providers/borgun/codes.hpp"
#include "providers/evidence.hpp"
#include "providers/order_id.hpp"
#include "providers/reference.hpp"
#include "providers/securepay/account.hpp"
#include "providers/securepay/said.hpp"
#include "providers/settings.hpp"

namespace kassi::providers {
namespace {

using namespace securepay;

// ---- facts ---------------------------------------------------------------------------------------------
constexpr std::string_view secret_name = "secret_key";
constexpr std::string_view refund_step = "refund";
constexpr std::size_t item_bytes_max = 100;
constexpr Millis try_again_soon{1'000};
/// So often a refund waits for the notification that names it: some hours, as its pauses grow.
constexpr std::int64_t waits_for_refund_id_max = 8;
constexpr std::string_view accepted = "<PaymentNotification>Accepted</PaymentNotification>";

// ---- builders ------------------------------------------------------------------------------------------
/// A leg is opened once, and its order is one: what was paid for it is told apart by nothing else.
std::string order_of(const core::Scene& scene) {
    constexpr std::int64_t only_call = 1;
    return order_id(scene.transaction.id, scene.leg.no, only_call);
}

/// What is bought, in one line that fits the page.
std::string item_of(const core::Scene& scene) {
    std::string item;
    for (const auto& bundle : scene.transaction.bundles) {
        const auto& sources = scene.leg.sources;
        if (std::find(sources.begin(), sources.end(), bundle.source) == sources.end()) continue;
        item += (item.empty() ? "" : ", ") + bundle.description;
    }
    for (char& c : item)
        if (has_control_character({&c, 1})) c = ' ';
    if (item.size() > item_bytes_max) {
        item.resize(item_bytes_max);
        item.resize(encoding::utf8_bytes(item));
    }
    return item.empty() ? reference_of(scene) : item;
}

core::Step refused(std::string code, std::string text) {
    core::Declined declined;
    declined.why.code = std::move(code);
    declined.why.text = std::move(text);
    return declined;
}

core::Step begin_open(const core::Scene& scene, const Account& account, const Merchant& merchant) {
    if (scene.return_url.empty())
        return refused("no_return_url", "The payment needs a browser, and no return URL was given for it.");
    const std::string order = order_of(scene);
    const std::string amount = decimal_amount(scene.amount);
    const std::string currency(scene.amount.currency.code());
    const std::string server_url =
        std::string(scene.public_url).append("/webhooks/securepay/").append(merchant.name);
    core::Waiting waiting;
    waiting.callout.type = "post";
    waiting.callout.destination = account.page_url + "/default.aspx";
    waiting.callout.parameters = {{"merchantid", account.merchant_id},
                                  {"paymentgatewayid", account.gateway_id},
                                  {"checkhash", keyed_hash(settings::secret(merchant, secret_name),
                                                           {account.merchant_id, scene.return_url, server_url,
                                                            order, amount, currency})},
                                  {"orderid", order},
                                  {"reference", reference_of(scene)},
                                  {"currency", currency},
                                  {"language", account.language},
                                  {"returnurlsuccess", scene.return_url},
                                  {"returnurlsuccessserver", server_url},
                                  {"returnurlcancel", scene.return_url},
                                  {"returnurlerror", scene.return_url},
                                  {"amount", amount},
                                  {"itemdescription_0", item_of(scene)},
                                  {"itemcount_0", "1"},
                                  {"itemunitamount_0", amount},
                                  {"itemamount_0", amount},
                                  {"pagetype", "0"},
                                  {"skipreceiptpage", account.skips_receipt ? "1" : "0"}};
    waiting.callout.integration_json = account.debitor.integration_json;
    // There is no call whose reference a notification could name.
    waiting.references = {{std::string(order_kind), order}};
    return waiting;
}

core::Step begin_refund(const core::Scene& scene, const Account& account, const Merchant& merchant) {
    const std::string id = known_reference(scene, refund_kind);
    if (id.empty()) {
        // A return that came too late to be kept says that it was paid; the notification names it.
        if (scene.leg.not_done < waits_for_refund_id_max)
            return core::NotDone{.why = "no notification has named the payment yet", .after = try_again_soon};
        return refused("not_refundable", "The house never named the payment that is to be given back.");
    }
    core::Ask ask;
    ask.name = refund_step;
    ask.repeat = core::Repeat::never;
    ask.reference = refund_reference_of(scene);
    ask.request = {"POST",
                   "/refund.aspx",
                   {{"Content-Type", "application/x-www-form-urlencoded"}},
                   encoding::form({{"RefundId", id},
                                   {"MerchantId", account.merchant_id},
                                   {"PaymentGatewayId", account.gateway_id},
                                   {"Checkhash", keyed_hash(settings::secret(merchant, secret_name),
                                                            {account.merchant_id, id})},
                                   {"amount", decimal_amount(scene.amount)}})};
    return ask;
}

// ---- readers -------------------------------------------------------------------------------------------
core::Step unknown(std::string why) {
    return core::Unknown{.why = std::move(why)};
}

/// Nothing can be looked at afterwards: whatever is not plainly yes or no stays unknown.
core::Step read_refund(const HttpResponse& response) {
    constexpr int ok = 200, unauthorised = 401, forbidden = 403, not_found = 404;
    const std::string said = "the house answered " + std::to_string(response.status);
    switch (response.status) {
        case ok:
            break;
        case unauthorised:
        case forbidden:
        case not_found:
            return core::NotDone{.why = said, .after = try_again_soon};
        default:
            return unknown(said);
    }
    const auto fields = encoding::parse_form(response.body, "body");
    if (!fields) return unknown("the house's answer is not understood");
    const std::string result = ascii_lower(only_value(*fields, "ret"));
    const std::string code = only_value(*fields, "action_code");
    if (!borgun::is_action_code(code)) return unknown("the house's answer is not understood");
    const auto* row = borgun::action_of(code);
    const auto kind = row == nullptr ? borgun::Class::hard : row->kind;
    if (result == "true" && kind == borgun::Class::ok)
        return core::Done{.money = core::LegMoney::back, .amount = {}, .evidence = "given back"};
    switch (kind) {
        case borgun::Class::ok:
        case borgun::Class::transient:
        case borgun::Class::unknown:
            break;
        case borgun::Class::soft:
        case borgun::Class::hard:
        case borgun::Class::authentication:
        case borgun::Class::config:
            if (result == "false")
                return refused("refund_refused", "The money was not given back: action code " + code + ".");
            break;
    }
    return unknown("the house answered " + (result == "true" || result == "false" ? result : "no result") +
                   " with action code " + code);
}

core::Step read_return(const Fields& fields, const core::Scene& scene, const Merchant& merchant) {
    const Said said = read_said(fields, settings::secret(merchant, secret_name));
    if (said.is_empty) return unknown("a return without a word proves nothing here");
    if (said.order != order_of(scene)) return unknown("the return does not speak of our order");
    if (said.status == "ok") {
        if (!said.is_signed) return unknown("the return is not signed by the house");
        core::Done done{
            .money = core::LegMoney::taken, .amount = said.amount, .evidence = "its signed return says so"};
        if (!said.refund_id.empty() && known_reference(scene, refund_kind).empty())
            done.references = {{std::string(refund_kind), said.refund_id}};
        return done;
    }
    if (said.status != "cancel" && said.status != "error")
        return unknown("the return has a status that we do not know");
    // Only what was paid is signed, and the status is not: somebody changed it.
    if (said.is_signed) return unknown("the return contradicts itself");
    // The customer's own word, and no proof: what is paid after all is heard, and given back.
    if (said.status == "cancel") return refused("cancelled", "The customer left the payment page.");
    return refused("declined", "The payment was refused.");
}

// ---- notices -------------------------------------------------------------------------------------------
Result<NoticeRead> read_notice(const HttpRequest& request, const Merchant& merchant) {
    const auto not_the_house = [](std::string why) {
        return Error{ErrorKind::unauthenticated, "orderhash", std::move(why)};
    };
    constexpr bool json_too = false;
    const auto fields = request_fields(request, json_too);
    if (!fields) return not_the_house("cannot be read: there is no proper form");
    const Said said = read_said(*fields, settings::secret(merchant, secret_name));
    if (!said.is_signed) return not_the_house("does not fit orderid, amount and currency");
    if (said.step != "payment") return bad_request("step", "is not Payment");
    NoticeRead read;
    read.reference = said.order;
    read.notice.event_id = said.order + "-" + said.status;
    if (said.status == "ok") {
        read.notice.fact = core::LegMoney::taken;
        read.notice.amount = said.amount;
        read.notice.trust = core::Trust::proof;
        if (!said.refund_id.empty()) {
            read.notice.references = {{std::string(refund_kind), said.refund_id}};
            read.notice.event_id += "-" + said.refund_id;
        }
    } else if (said.status == "cancel" || said.status == "error") {
        // Signed, but for the status: nothing to believe, and nobody to ask.
        read.notice.worth_a_look = false;
    } else {
        return bad_request("status", "is a word that nobody here knows");
    }
    read.notice.evidence = "status " + said.status;
    return read;
}

// ---- scrub ---------------------------------------------------------------------------------------------
bool is_known_word(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), ascii_lower(text)) != words.end();
}

bool may_be_kept(const std::string& name, const std::string& value) {
    if (name == "status") return is_known_word(value, {"ok", "cancel", "error"});
    if (name == "step") return is_known_word(value, {"payment", "confirmation"});
    if (name == "is_tsw_callout_timeout_callback") return is_known_word(value, {"yes", "1", "0"});
    if (name == "orderid") return is_order_id(value);
    if (name == "currency") return Currency::parse(value, name).has_value();
    if (name != "amount" && name != "errorcode" && name != "reference" && name != "refundid") return false;
    // A comma is of an amount only.
    std::string plain = value;
    if (name == "amount") std::replace(plain.begin(), plain.end(), ',', '.');
    return is_plain_reference(plain) && !may_be_card_number(plain);
}

core::Keep allowed(const std::string& name, const std::string& value) {
    return may_be_kept(ascii_lower(name), value) ? core::Keep::value : core::Keep::drop;
}

// ---- the flow ------------------------------------------------------------------------------------------
class SecurePay final : public Flow {
  public:
    [[nodiscard]] std::string_view name() const override { return flow_name; }

    [[nodiscard]] std::optional<Debitor> debitor(const Merchant& merchant) const override {
        return account_of(merchant).debitor;
    }

    [[nodiscard]] Result<core::Facts> configure(const Merchant& merchant) const override {
        const auto account = read_account(merchant);
        if (!account) return account.error();
        return facts_of(*account);
    }

    [[nodiscard]] bool signs_returns(const Merchant&) const override { return true; }

    [[nodiscard]] core::Step begin(const core::Scene& scene, const Merchant& merchant) const override {
        switch (scene.verb) {
            case core::Verb::open:
                return begin_open(scene, account_of(merchant), merchant);
            case core::Verb::refund:
                return begin_refund(scene, account_of(merchant), merchant);
            case core::Verb::charge:
            case core::Verb::query:
            case core::Verb::close:
                return core::NotDone{.why = "the page cannot be asked: its return settles it"};
            case core::Verb::authorise:
            case core::Verb::capture:
            case core::Verb::void_hold:
                break;
        }
        return core::NotDone{.why = "the page holds no money"};
    }

    [[nodiscard]] core::Step resume(const core::Scene& scene, const Merchant& merchant,
                                    const core::Heard& heard) const override {
        if (const auto* returned = std::get_if<core::Returned>(&heard))
            return read_return(returned->fields, scene, merchant);
        if (const auto* silence = std::get_if<core::Silence>(&heard)) {
            if (silence->sent)
                return unknown(silence->why.empty() ? "the house did not answer" : silence->why);
            return core::NotDone{.why = silence->why, .after = try_again_soon};
        }
        if (scene.verb != core::Verb::refund) return unknown("nothing of the kind was asked");
        return read_refund(std::get<core::Answered>(heard).response);
    }

    [[nodiscard]] std::vector<core::EvidenceField> evidence(const Fields& fields) const override {
        return evidence_of(fields, allowed);
    }

    [[nodiscard]] HttpRequest dress(const core::Request& request, const Merchant& merchant) const override {
        // Signed as it is recorded: there is nothing to add.
        return {request.method, account_of(merchant).page_url + request.path, request.headers, request.body,
                ""};
    }

    [[nodiscard]] Result<NoticeRead> read(const HttpRequest& request, const Merchant& merchant,
                                          Instant) const override {
        return read_notice(request, merchant);
    }

    [[nodiscard]] Acknowledgement acknowledgement() const override {
        return {"text/xml; charset=utf-8", accepted};
    }
};

}  // namespace

const Flow& securepay_flow() {
    static const SecurePay flow;
    return flow;
}

}  // namespace kassi::providers
