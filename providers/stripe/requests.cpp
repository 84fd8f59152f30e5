#include "providers/stripe/requests.hpp"

#include <algorithm>
#include <chrono>

#include "providers/reference.hpp"
#include "providers/stripe/amounts.hpp"
#include "providers/stripe/stripe.hpp"

namespace kassi::providers::stripe {
namespace {

constexpr std::string_view intents_path = "/v1/payment_intents";
constexpr int list_page_size = 100;
constexpr std::chrono::minutes servers_differ_by{10};  ///< Stripe's own clocks among each other, at most
constexpr std::chrono::days our_clock_is_ahead_by{1};  ///< of Stripe's, at most
/// From this version on the parameter has another name (reference/stripe.md section 1.1).
constexpr std::string_view types_renamed_in = "2026-09-30";

std::string path_of(const std::string& intent) {
    return std::string(intents_path) + "/" + encoding::percent_encode(intent);
}

core::Step post(const core::Scene& scene, std::string key, std::string name, std::string path,
                const Fields& fields) {
    core::Ask ask;
    ask.name = std::move(name);
    ask.key = std::move(key);
    ask.key_until = scene.now + key_life;
    ask.repeat = core::Repeat::same_key;
    ask.reference = reference_of(scene);
    ask.request = {"POST",
                   std::move(path),
                   {{"Idempotency-Key", ask.key}, {"Content-Type", "application/x-www-form-urlencoded"}},
                   encoding::form(fields)};
    return ask;
}

/// Of a verb that Stripe does to an intent once, whatever the key: begun again, after a look found it not
/// done, it has another one. The one of before may know nothing but an error, for as long as keys live.
std::string key_of_this_call(const core::Scene& scene, core::Verb verb) {
    return key_of(scene, verb) + "-" + std::to_string(scene.leg.calls + 1);
}

core::Step get(const core::Scene& scene, std::string name, const std::string& path, const Fields& query) {
    core::Ask ask;
    ask.name = std::move(name);
    ask.repeat = core::Repeat::safe;
    ask.reference = reference_of(scene);
    ask.request = {"GET", path + "?" + encoding::form(query), {}, ""};
    return ask;
}

std::string description_of(const core::Scene& scene) {
    std::string text = scene.transaction.reference;
    for (const auto& source : scene.leg.sources) text += " " + source;
    return text;
}

std::string metadata(std::string_view name) {
    return std::string("metadata[").append(name).append("]");
}

void add_credential(Fields& fields, const std::string& token) {
    if (token.starts_with("pm_")) {
        fields.emplace_back("payment_method", token);
        return;
    }
    fields.emplace_back("payment_method_data[type]", "card");
    fields.emplace_back("payment_method_data[card][token]", token);
}

/// reference/applepay.md section 7: as others send them; Stripe opens it to an account that asks for it.
void add_credential(Fields& fields, const network_token::NetworkToken& card) {
    const std::string data = "payment_method_data[card][network_token]",
                      options = "payment_method_options[card][network_token]";
    fields.emplace_back("payment_method_data[type]", "card");
    fields.emplace_back(data + "[number]", card.number.reveal());
    fields.emplace_back(data + "[exp_month]", std::to_string(card.expiry.month));
    fields.emplace_back(data + "[exp_year]", std::to_string(card.expiry.year));
    fields.emplace_back(data + "[tokenization_method]", "apple_pay");
    fields.emplace_back(options + "[cryptogram]", card.cryptogram.reveal());
    if (!card.eci.empty()) fields.emplace_back(options + "[electronic_commerce_indicator]", card.eci);
}

template <class PaidWith>
core::Step create_with(const core::Scene& scene, const Account& account, const PaidWith& paid_with) {
    Fields fields{{"amount", std::to_string(to_wire(scene.amount))},
                  {"currency", scene.amount.currency.lower_code()},
                  {"confirm", "true"},
                  {"capture_method", "manual"}};
    // Cards only: another method of the account could send the customer away where nobody expects it.
    fields.emplace_back(account.api_version < types_renamed_in ? "payment_method_types[0]"
                                                               : "allowed_payment_method_types[0]",
                        "card");
    add_credential(fields, paid_with);
    if (scene.return_url.empty())
        fields.emplace_back("error_on_requires_action", "true");
    else
        fields.emplace_back("return_url", scene.return_url);
    fields.emplace_back("description", description_of(scene));
    fields.emplace_back(metadata(reference_name), reference_of(scene));
    fields.emplace_back(metadata("kassi_booking"), scene.transaction.reference);
    fields.emplace_back("expand[0]", "latest_charge");
    auto step =
        post(scene, key_of(scene, core::Verb::authorise), "create", std::string(intents_path), fields);
    // Of the first call only, and not after a copy was put back: what another one made may be older.
    if (scene.leg.calls == 0 && scene.transaction.put_back == 0)
        std::get<core::Ask>(step).made_since = scene.provider_time;
    return step;
}

/// By Stripe's clock the intent is no older. Ours may be hours ahead: it counts only where Stripe was not
/// heard before the intent was made.
Instant made_since(const core::Scene& scene) {
    if (scene.leg.made_since) return *scene.leg.made_since - servers_differ_by;
    return scene.transaction.purchase_asked_at.value_or(scene.transaction.handed_over_at) -
           our_clock_is_ahead_by;
}

}  // namespace

core::Step create(const core::Scene& scene, const Account& account) {
    return create_with(scene, account, scene.credential.value);
}

core::Step create(const core::Scene& scene, const Account& account, const network_token::NetworkToken& card) {
    auto step = create_with(scene, account, card);
    auto& ask = std::get<core::Ask>(step);
    ask.needs_volatile = true;
    ask.repeat = core::Repeat::never;
    ask.key.clear();
    return step;
}

core::Step capture(const core::Scene& scene) {
    const auto intent = known_reference(scene, intent_kind);
    if (intent.empty()) return core::Unknown{.why = "the intent's id is not known"};
    // What a person found to be right may be less than what was asked for.
    const std::int64_t known = scene.leg.taken_minor;
    const Money held{known > 0 ? std::min(known, scene.amount.minor) : scene.amount.minor,
                     scene.amount.currency};
    return post(scene, key_of_this_call(scene, core::Verb::capture), "capture", path_of(intent) + "/capture",
                {{"amount_to_capture", std::to_string(to_wire(held))}, {"expand[0]", "latest_charge"}});
}

core::Step cancel(const core::Scene& scene) {
    const auto intent = known_reference(scene, intent_kind);
    // Nobody was sent anywhere with it, and a look found none.
    if (intent.empty())
        return core::Done{
            .money = core::LegMoney::none, .amount = {}, .references = {}, .evidence = "no intent was made"};
    return cancel(scene, intent, {});
}

core::Step cancel(const core::Scene& scene, const std::string& intent, std::string saved) {
    const auto verb = scene.verb == core::Verb::void_hold ? core::Verb::void_hold : core::Verb::close;
    auto step = post(scene, key_of_this_call(scene, verb), "cancel", path_of(intent) + "/cancel",
                     {{"cancellation_reason", "abandoned"}, {"expand[0]", "latest_charge"}});
    auto& ask = std::get<core::Ask>(step);
    ask.saved = std::move(saved);
    ask.references = {{std::string(intent_kind), intent}};
    return step;
}

core::Step refund(const core::Scene& scene) {
    const auto intent = known_reference(scene, intent_kind);
    if (intent.empty())
        return core::Declined{.why = {"not_refundable", "The payment's id at the provider is not known."},
                              .references = {}};
    return post(scene, key_of(scene, core::Verb::refund), "refund", "/v1/refunds",
                {{"payment_intent", intent},
                 {"amount", std::to_string(to_wire(scene.amount))},
                 {"reason", "requested_by_customer"},
                 {metadata(reference_name), refund_reference_of(scene)}});
}

core::Step look_up(const core::Scene& scene, const std::string& intent) {
    auto step = get(scene, "look_up", path_of(intent),
                    {{"expand[0]", "latest_charge"}, {"expand[1]", "latest_charge.refunds"}});
    std::get<core::Ask>(step).references = {{std::string(intent_kind), intent}};
    return step;
}

core::Step look_up(const core::Scene& scene) {
    const auto intent = known_reference(scene, intent_kind);
    if (!intent.empty()) return look_up(scene, intent);
    Listing first;
    const auto& call = scene.leg.call;
    if (call && call->verb == core::Verb::authorise)
        first.sent = call->meant_at;
    else if (const auto before = listing_of(scene); before && call && call->verb == core::Verb::query)
        first.sent = before->sent;
    return list(scene, first);
}

std::optional<Listing> listing_of(const core::Scene& scene) {
    const std::string_view saved = scene.parcel.saved;
    const auto blank = std::min(saved.find(' '), saved.size());
    const auto page = minor_from_decimal(saved.substr(0, blank), 0, "page");
    const auto sent = minor_from_decimal(saved.substr(std::min(blank + 1, saved.size())), 0, "sent");
    if (!page || !sent || *page > list_pages_max) return std::nullopt;
    return Listing{"", static_cast<int>(*page), Instant{std::chrono::seconds{*sent}}};
}

core::Step list(const core::Scene& scene, const Listing& what) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(made_since(scene));
    Fields query{{"created[gte]", std::to_string(seconds.time_since_epoch().count())},
                 {"limit", std::to_string(list_page_size)}};
    if (!what.after.empty()) query.emplace_back("starting_after", what.after);
    auto step = get(scene, "list", std::string(intents_path), query);
    std::get<core::Ask>(step).saved =
        std::to_string(what.page) + " " +
        std::to_string(std::chrono::ceil<std::chrono::seconds>(what.sent).time_since_epoch().count());
    return step;
}

}  // namespace kassi::providers::stripe
