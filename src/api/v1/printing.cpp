#include "api/v1/printing.hpp"

#include <algorithm>

#include "api/v1/reading.hpp"
#include "core/codec.hpp"

namespace kassi::api::v1 {
namespace {

void text_or_null(JsonWriter& json, std::string_view name, std::string_view text) {
    json.key(name);
    if (text.empty())
        json.null();
    else
        json.string(text);
}

void instant_or_null(JsonWriter& json, std::string_view name, const std::optional<Instant>& at) {
    text_or_null(json, name, at ? iso8601(*at) : std::string());
}

template <class List>
void texts(JsonWriter& json, std::string_view name, const List& list) {
    json.key(name).begin_array();
    for (const auto& text : list) json.string(text);
    json.end_array();
}

void pairs(JsonWriter& json, std::string_view name, const Fields& fields) {
    json.key(name).begin_array();
    for (const auto& [field, value] : fields) json.begin_array().string(field).string(value).end_array();
    json.end_array();
}

void write_policy(JsonWriter& json, const core::Policy& policy) {
    json.key("policy").begin_object();
    json.field("partial", policy.partial);
    json.field("confirm", core::word(policy.confirm));
    json.field("on_decline", core::word(policy.on_decline));
    json.end_object();
}

void write_bundle(JsonWriter& json, const core::Transaction& transaction, const core::Bundle& bundle) {
    json.begin_object();
    json.field("source", bundle.source).field("description", bundle.description);
    json.field("currency", bundle.amount.currency.code()).field("amount", bundle.amount.minor);
    json.field("bought", core::bundle_bought(transaction, bundle.source));
    const auto confirmed = std::find_if(transaction.confirmations.begin(), transaction.confirmations.end(),
                                        [&](const auto& pair) { return pair.first == bundle.source; });
    text_or_null(json, "confirmation",
                 confirmed == transaction.confirmations.end() ? std::string_view() : confirmed->second);
    json.key("orders").begin_array();
    for (const auto& order : bundle.orders) {
        json.begin_object().field("item", order.item).field("amount", order.amount.minor);
        json.field("cancellable", order.cancellable).end_object();
    }
    json.end_array().end_object();
}

void write_refusal(JsonWriter& json, const std::optional<core::Refusal>& refusal) {
    json.key("refused");
    if (!refusal) {
        json.null();
        return;
    }
    json.begin_object().field("code", refusal->code).field("text", refusal->text);
    json.field("failed_3d_secure", refusal->failed_3d_secure);
    json.field("failed_avs", refusal->failed_avs).field("failed_cv_two", refusal->failed_cv_two);
    json.end_object();
}

void write_refund(JsonWriter& json, const core::Refund& refund) {
    json.begin_object().field("no", refund.no).field("amount", refund.amount.minor);
    json.key("items").begin_array();
    for (const auto item : refund.items) json.integer(item);
    json.end_array();
    json.field("state", core::word(refund.state)).field("by", refund.by).field("because", refund.because);
    json.end_object();
}

void write_leg(JsonWriter& json, const core::Leg& leg) {
    json.begin_object().field("no", leg.no);
    texts(json, "sources", leg.sources);
    json.field("merchant", leg.merchant).field("flow", leg.flow);
    json.field("currency", leg.amount.currency.code()).field("amount", leg.amount.minor);
    json.field("state", core::leg_word(leg)).field("goal", core::word(leg.goal));
    json.field("money", core::word(leg.money));
    json.field("taken", leg.taken_minor).field("given_back", leg.back_minor);
    write_refusal(json, leg.refused);
    json.key("refunds").begin_array();
    for (const auto& refund : leg.refunds) write_refund(json, refund);
    json.end_array();
    json.field("disputed", leg.disputed);
    text_or_null(json, "stuck", leg.stuck);
    json.end_object();
}

void write_callout(JsonWriter& json, const engine::View& view, std::string_view public_url) {
    json.key("callout");
    const auto* leg = core::find_leg(view.transaction, view.callout_leg);
    if (!view.callout || leg == nullptr || !leg->callout) {
        json.null();
        return;
    }
    const auto& callout = *view.callout;
    json.begin_object().field("leg", leg->no).field("type", callout.type);
    json.field("destination", callout.destination);
    pairs(json, "parameters", callout.parameters);
    json.key("integration");
    if (callout.integration_json.empty())
        json.null();
    else
        json.raw(callout.integration_json);
    // Via Kassi the token is ours alone: the browser brings it back.
    text_or_null(json, "return_token",
                 view.transaction.via == core::ReturnVia::caller ? std::string_view(callout.return_token)
                                                                 : std::string_view());
    text_or_null(json, "page_url",
                 callout.page_token.empty()
                     ? std::string()
                     : std::string(public_url).append("/callout/").append(callout.page_token));
    json.field("until", iso8601(leg->callout->until)).end_object();
}

void write_result(JsonWriter& json, const core::Transaction& transaction) {
    json.key("result");
    if (!core::has_verdict(transaction.phase)) {
        json.null();
        return;
    }
    const bool success =
        transaction.phase == core::Phase::purchased || transaction.phase == core::Phase::cancelled;
    json.begin_object().field("success", success).field("is_partial", core::is_partial(transaction));
    json.end_object();
}

bool in_doubt(const core::Transaction& transaction) {
    return std::any_of(transaction.legs.begin(), transaction.legs.end(),
                       [](const core::Leg& leg) { return leg.doing == core::Doing::doubt; });
}

void write_facts(JsonWriter& json, const core::Facts& facts) {
    json.field("can_hold", facts.can_hold).field("can_refund", facts.can_refund);
    json.field("can_refund_part", facts.can_refund_part).field("house_credit", facts.house_credit);
    json.key("browser");
    switch (facts.browser) {
        case core::Browser::no:
            json.string("no");
            break;
        case core::Browser::maybe:
            json.string("maybe");
            break;
        case core::Browser::before:
            json.string("before");
            break;
        case core::Browser::always:
            json.string("always");
            break;
    }
    texts(json, "credentials", facts.credentials);
    texts(json, "currencies", facts.currencies);
}

/// What a page needs to ask the customer for a credential: a publishable key and the like.
void write_debitor(JsonWriter& json, const engine::Engine& engine, const providers::Merchant& merchant) {
    json.key("integration");
    const auto debitor = engine.registry().flow(merchant.provider)->debitor(merchant);
    if (!debitor || debitor->integration_json.empty())
        json.null();
    else
        json.raw(debitor->integration_json);
}

}  // namespace

void write_transaction(JsonWriter& json, const engine::View& view, std::string_view public_url) {
    const auto& transaction = view.transaction;
    json.begin_object().field("id", transaction.id.text()).field("reference", transaction.reference);
    json.field("caller", transaction.caller).field("phase", core::word(transaction.phase));
    json.field("settled", core::settled(transaction)).field("in_doubt", in_doubt(transaction));
    json.field("needs_person", core::needs_person(transaction));
    text_or_null(json, "why", transaction.why);
    text_or_null(json, "tracking", transaction.tracking);
    json.field("handed_over_at", iso8601(transaction.handed_over_at));
    json.field("held_until", iso8601(transaction.held_until));
    instant_or_null(json, "confirm_by",
                    transaction.phase == core::Phase::confirming ? transaction.confirm_by : std::nullopt);
    instant_or_null(json, "verdict_at", transaction.verdict_at);
    write_policy(json, transaction.policy);
    json.key("bundles").begin_array();
    for (const auto& bundle : transaction.bundles) write_bundle(json, transaction, bundle);
    json.end_array();
    json.key("legs").begin_array();
    for (const auto& leg : transaction.legs) write_leg(json, leg);
    json.end_array();
    write_callout(json, view, public_url);
    write_result(json, transaction);
    json.field("forgotten", transaction.forgotten);
    json.field("version", transaction.version).end_object();
}

std::string transaction_json(const engine::View& view, std::string_view public_url) {
    JsonWriter json;
    write_transaction(json, view, public_url);
    return json.take();
}

std::string list_json(const std::vector<engine::View>& views, std::string_view next_cursor,
                      std::string_view public_url) {
    JsonWriter json;
    json.begin_object().key("data").begin_array();
    for (const auto& view : views) write_transaction(json, view, public_url);
    json.end_array();
    text_or_null(json, "next_cursor", next_cursor);
    json.end_object();
    return json.take();
}

std::string explanation_json(const core::Transaction& transaction, const core::Explanation& explanation) {
    JsonWriter json;
    json.begin_object().field("id", transaction.id.text()).field("phase", core::word(transaction.phase));
    json.field("summary", explanation.summary);
    texts(json, "because", explanation.because);
    texts(json, "waits_for", explanation.waits_for);
    text_or_null(json, "next", explanation.next);
    instant_or_null(json, "next_at", explanation.next_at);
    json.field("needs_person", explanation.needs_person);
    text_or_null(json, "person_should", explanation.person_should);
    json.end_object();
    return json.take();
}

Result<std::string> journal_json(const TransactionId& id, const std::vector<store::StoredRow>& rows) {
    JsonWriter json;
    core::Transaction transaction;
    json.begin_object().field("id", id.text()).key("data").begin_array();
    for (const auto& stored : rows) {
        auto row = core::parse_row(stored.json);
        if (!row) return row.error();
        json.begin_object().field("number", stored.number).field("version", stored.version);
        json.field("at", iso8601(stored.at)).field("input", row->input);
        text_or_null(json, "by", row->by);
        text_or_null(json, "tracking", row->tracking);
        const auto events = raw_member(stored.json, "events");
        json.key("events").raw(events.empty() ? "[]" : events);
        json.key("sentences").begin_array();
        for (const auto& event : row->events) {
            core::apply(transaction, event, row->at);
            json.string(core::sentence(event, transaction));
        }
        json.end_array();
        json.field("hash", stored.hash_hex).end_object();
    }
    json.end_array().end_object();
    return json.take();
}

std::string statement_json(const std::string& caller, const StatementRequest& request,
                           std::span<const store::StatementLine> lines, std::string_view next_cursor) {
    JsonWriter json;
    json.begin_object().field("caller", caller).field("currency", request.currency.code());
    json.field("from", iso8601(request.from)).field("to", iso8601(request.to));
    json.key("lines").begin_array();
    for (const auto& line : lines) {
        json.begin_object().field("number", line.place.number).field("at", iso8601(line.place.at));
        json.field("transaction", line.transaction.text());
        json.field("reference", core::reference_of(line.transaction)).field("leg", line.leg);
        json.field("kind", line.kind).field("amount", line.minor).field("balance", line.balance_minor);
        json.end_object();
    }
    json.end_array();
    text_or_null(json, "next_cursor", next_cursor);
    json.end_object();
    return json.take();
}

std::string balances_json(const std::string& caller, const std::vector<store::Balance>& balances) {
    JsonWriter json;
    json.begin_object().field("caller", caller).key("data").begin_array();
    for (const auto& balance : balances)
        json.begin_object()
            .field("currency", balance.currency.code())
            .field("owed", balance.minor)
            .end_object();
    json.end_array().end_object();
    return json.take();
}

std::string ways_json(const engine::Engine& engine, const engine::Caller& caller,
                      const WaysRequest& request) {
    std::vector<std::string> sources;
    if (!request.source.empty()) {
        sources.push_back(request.source);
    } else if (!engine.directory().sources.empty()) {
        for (const auto& source : engine.directory().sources) sources.push_back(source.code);
    } else {
        for (const auto& [source, merchants] : caller.ways) sources.push_back(source);
    }
    JsonWriter json;
    json.begin_object().key("data").begin_array();
    for (const auto& source : sources) {
        bool first = true;
        for (const auto& name : engine.directory().ways(caller, source)) {
            const auto* merchant = engine.registry().merchant(name);
            const auto* facts = engine.registry().facts_of(name);
            if (merchant == nullptr || facts == nullptr || merchant->retired) continue;
            json.begin_object().field("source", source).field("merchant", name);
            json.field("flow", merchant->provider).field("is_default", first);
            write_facts(json, *facts);
            write_debitor(json, engine, *merchant);
            json.end_object();
            first = false;
        }
    }
    json.end_array().end_object();
    return json.take();
}

}  // namespace kassi::api::v1
