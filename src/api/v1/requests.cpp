#include "api/v1/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "api/v1/reading.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"

namespace kassi::api::v1 {
namespace {

using nlohmann::json;

constexpr std::size_t header_text_bytes_max = 1024;  // a browser's User-Agent, an Accept
constexpr std::size_t address_bytes_max = 64;
constexpr std::size_t credential_bytes_max =
    32 * 1024;  // one that is an object: a wallet's token is the largest
// The largest number that every JSON reader keeps exactly (RFC 8259 section 6).
constexpr std::int64_t item_max = 9'007'199'254'740'991;

/// Parses, reads, refuses what is left over.
template <class T>
Result<T> read_body(std::string_view body, const std::function<void(ObjectReader&, T&)>& read,
                    bool may_be_empty = false) {
    auto parsed = parse_json(body.empty() && may_be_empty ? "{}" : body);
    if (!parsed) return parsed.error();
    ObjectReader::Trouble trouble;
    ObjectReader object(*parsed, "", trouble);
    T value;
    if (!trouble) {
        read(object, value);
        object.finish();
    }
    if (trouble) return *trouble;
    return value;
}

/// An object that is kept as it came, unread.
std::string opaque(ObjectReader& object, std::string_view body, std::string_view name,
                   std::size_t bytes_max) {
    if (object.object(name, Need::optional) == nullptr) return "";
    const auto text = raw_member(body, name);
    if (text.size() > bytes_max)
        object.refuse(std::string(name), fmt::format("must have at most {} bytes", bytes_max),
                      ErrorKind::too_large);
    return std::string(text);
}

/// A choice of words. An unknown one is refused with all of them.
template <class E>
std::optional<E> choice(ObjectReader& object, std::string_view name, Need need,
                        std::initializer_list<E> all) {
    if (!object.has(name)) {
        if (need == Need::required) object.member(name, need);
        return std::nullopt;
    }
    const auto text = object.text(name, need, limits::text_bytes_max);
    std::string words;
    for (const auto value : all) {
        if (core::word(value) == text) return value;
        words += (words.empty() ? "" : ", ") + std::string(core::word(value));
    }
    object.refuse(object.at(name), "must be one of " + words);
    return std::nullopt;
}

void read_order(ObjectReader& object, const Currency& currency, core::Order& order) {
    order.item = object.integer("item", Need::required, 1, item_max);
    order.amount = Money{object.amount("amount", 0), currency};
    order.cancellable = object.boolean("cancellable", Need::optional).value_or(false);
}

/// The form alone: what bundles must be among themselves is core's to check.
void read_bundle(ObjectReader& object, core::Bundle& bundle) {
    bundle.source = object.text("source", Need::required, limits::text_bytes_max);
    bundle.description = object.text("description", Need::optional, limits::text_bytes_max, 0);
    const auto code = object.text("currency", Need::required, limits::text_bytes_max);
    if (!object.sound()) return;
    const auto currency = Currency::parse(code, object.at("currency"));
    if (!currency) return object.refuse(currency.error().field, currency.error().message);
    bundle.amount = Money{object.amount("amount", 0), *currency};
    object.each_object("orders", Need::optional, limits::orders_per_bundle_max, [&](ObjectReader& element) {
        core::Order order;
        read_order(element, *currency, order);
        bundle.orders.push_back(order);
    });
}

core::Policy read_policy(ObjectReader& object) {
    core::Policy policy;
    policy.partial = object.boolean("partial", Need::optional).value_or(false);
    policy.confirm = choice(object, "confirm", Need::optional, {core::Confirm::none, core::Confirm::owner})
                         .value_or(core::Confirm::none);
    policy.on_decline =
        choice(object, "on_decline", Need::optional, {core::OnDecline::fail, core::OnDecline::again})
            .value_or(core::OnDecline::fail);
    return policy;
}

engine::ReturnDetails read_return_details(ObjectReader& object) {
    engine::ReturnDetails details;
    const auto via = choice(object, "via", Need::required, {core::ReturnVia::caller, core::ReturnVia::kassi});
    if (!via) return details;
    details.via = *via;
    switch (*via) {
        case core::ReturnVia::caller:
            details.token = object.text("token", Need::required, limits::return_token_bytes_max);
            details.url = object.text("url", Need::required, limits::return_url_bytes_max);
            details.remote_site = object.text("remote_site", Need::optional, limits::text_bytes_max);
            break;
        case core::ReturnVia::kassi:
            details.landing_url = object.text("landing_url", Need::optional, limits::return_url_bytes_max);
            break;
    }
    details.user_agent = object.text("user_agent", Need::optional, header_text_bytes_max, 0);
    details.accept = object.text("accept", Need::optional, header_text_bytes_max, 0);
    details.remote_ip = object.text("remote_ip", Need::optional, address_bytes_max);
    return details;
}

/// Names and short texts: {"ext_test1": "demo-redirect"}.
template <class Keep>
void read_words(ObjectReader& object, std::string_view name, Keep keep) {
    const auto* found = object.object(name, Need::optional);
    if (found == nullptr) return;
    auto words = object.within(name, *found);
    for (const auto& [key, value] : found->items()) {
        if (key.size() > limits::text_bytes_max)
            return object.refuse(std::string(name), "has a name that is too long");
        keep(key, words.text(key, Need::required, limits::text_bytes_max));
    }
}

/// {"stripe_token": "tok_1"}, {"card": {...}}: one, by the name of its kind. `path` is where it stands.
core::Credential read_credential(ObjectReader& members, const json& kinds, std::string path) {
    if (kinds.size() != 1) {
        members.refuse(std::move(path), "must hold one credential, by the name of its kind");
        return {};
    }
    const std::string& kind = kinds.begin().key();
    if (kind.size() > limits::text_bytes_max) {
        members.refuse(std::move(path), "has a name that is too long");
        return {};
    }
    const auto* value = members.member(kind, Need::required);
    if (value == nullptr || !value->is_object())
        return {kind, members.text(kind, Need::required, limits::text_bytes_max)};
    auto text = json_text(*value);
    if (text.size() > credential_bytes_max)
        members.refuse(members.at(kind),
                       "must have at most " + std::to_string(credential_bytes_max) + " bytes");
    return {kind, std::move(text)};
}

/// {"card": {...}}: for every bundle whose way takes it.
void read_shared_credential(ObjectReader& object, std::optional<core::Credential>& credential) {
    constexpr std::string_view name = "credential";
    const auto* found = object.object(name, Need::optional);
    if (found == nullptr) return;
    auto members = object.within(name, *found);
    credential = read_credential(members, *found, object.at(name));
}

/// {"ext_test0": {"stripe_token": "tok_1"}}: by source, of one kind each.
void read_credentials(ObjectReader& object, std::map<std::string, core::Credential>& credentials) {
    constexpr std::string_view name = "credentials";
    const auto* found = object.object(name, Need::optional);
    if (found == nullptr) return;
    auto sources = object.within(name, *found);
    for (const auto& [source, value] : found->items()) {
        if (source.size() > limits::text_bytes_max)
            return object.refuse(std::string(name), "has a name that is too long");
        const auto* kinds = sources.object(source, Need::required);
        if (kinds == nullptr) return;
        auto members = sources.within(source, *kinds);
        credentials[source] = read_credential(members, *kinds, sources.at(source));
    }
}

/// [[name, value], ...]: names may repeat, and the order is theirs.
Fields read_pairs(ObjectReader& object, const json& list) {
    Fields fields;
    for (std::size_t i = 0; i < list.size() && object.sound(); ++i) {
        const auto& pair = list[i];
        if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string())
            fields.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
        else
            object.refuse(fmt::format("fields[{}]", i), "must be a list of a name and a value, both text");
    }
    return fields;
}

Fields read_fields(ObjectReader& object, std::string_view body) {
    const auto* found = object.member("fields", Need::optional);
    if (found == nullptr) return {};
    if (found->is_array()) {
        if (found->size() > limits::form_fields_max) {
            object.refuse("fields", fmt::format("must hold at most {} fields", limits::form_fields_max),
                          ErrorKind::too_large);
            return {};
        }
        return read_pairs(object, *found);
    }
    if (!found->is_object()) {
        object.refuse("fields", "must be a list of pairs, or an object");
        return {};
    }
    // The parsed object has lost the order of its members.
    auto fields = parse_flat_json(raw_member(body, "fields"), "fields", limits::form_fields_max);
    if (fields) return std::move(*fields);
    const auto& error = fields.error();
    object.refuse(error.field == "fields" ? error.field : "fields." + error.field, error.message, error.kind);
    return {};
}

void read_person(ObjectReader& object, std::string& by, std::string& because) {
    by = object.text("by", Need::required, limits::text_bytes_max);
    because = object.text("because", Need::required, limits::text_bytes_max);
}

/// The first byte of a cursor: where it leads on. Both places have the same size.
template <class Place>
constexpr char cursor_kind = 0;
template <>
constexpr char cursor_kind<TransactionId> = 't';
template <>
constexpr char cursor_kind<store::StatementPlace> = 's';

template <class Place>
std::string cursor_text(const Place& last) {
    static_assert(std::is_trivially_copyable_v<Place> && cursor_kind<Place> != 0);
    std::string bytes(1, cursor_kind<Place>);
    bytes.append(reinterpret_cast<const char*>(&last), sizeof last);
    return encoding::base64url(bytes);
}

/// nullopt: there is none, or it was refused.
template <class Place>
std::optional<Place> read_cursor(QueryReader& reader) {
    const auto* text = reader.value("cursor");
    if (text == nullptr) return std::nullopt;
    const auto bytes = encoding::from_base64url(*text, "cursor");
    Place place;
    if (!bytes || bytes->size() != 1 + sizeof place || bytes->front() != cursor_kind<Place>) {
        reader.refuse("cursor", "is none of ours for this list");
        return std::nullopt;
    }
    std::memcpy(&place, bytes->data() + 1, sizeof place);
    return place;
}

}  // namespace

// ---- bodies -------------------------------------------------------------------------------------------

Result<engine::HandOverRequest> read_hand_over(std::string_view body) {
    return read_body<engine::HandOverRequest>(
        body, [&](ObjectReader& object, engine::HandOverRequest& request) {
            request.caller = object.text("caller", Need::required, limits::text_bytes_max);
            object.each_object("bundles", Need::required, limits::bundles_max, [&](ObjectReader& element) {
                core::Bundle bundle;
                read_bundle(element, bundle);
                request.bundles.push_back(std::move(bundle));
            });
            request.held_until = object.instant("held_until");
            request.customer_json = opaque(object, body, "customer", limits::customer_bytes_max);
            request.document_json = opaque(object, body, "document", limits::document_bytes_max);
            if (const auto* policy = object.object("policy", Need::optional)) {
                auto members = object.within("policy", *policy);
                request.policy = read_policy(members);
                members.finish();
            }
        });
}

Result<engine::PurchaseRequest> read_purchase(std::string_view body) {
    constexpr bool may_be_empty = true;
    return read_body<engine::PurchaseRequest>(
        body,
        [&](ObjectReader& object, engine::PurchaseRequest& request) {
            read_words(object, "ways", [&](const std::string& source, std::string merchant) {
                request.ways.emplace(source, std::move(merchant));
            });
            read_credentials(object, request.credentials);
            read_shared_credential(object, request.shared_credential);
            if (const auto* details = object.object("return", Need::optional)) {
                auto members = object.within("return", *details);
                request.returns = read_return_details(members);
                members.finish();
            }
            request.customer_json = opaque(object, body, "customer", limits::customer_bytes_max);
        },
        may_be_empty);
}

Result<core::Hold> read_hold(std::string_view body) {
    return read_body<core::Hold>(
        body, [](ObjectReader& object, core::Hold& hold) { hold.held_until = object.instant("held_until"); });
}

Result<core::ConfirmAnswer> read_confirm(std::string_view body) {
    return read_body<core::ConfirmAnswer>(body, [](ObjectReader& object, core::ConfirmAnswer& answer) {
        answer.yes = object.boolean("confirmed", Need::required).value_or(false);
        read_words(object, "references", [&](const std::string& source, std::string reference) {
            answer.references.emplace_back(source, std::move(reference));
        });
        if (!answer.yes && !answer.references.empty())
            object.refuse("references", "belong to a booking that was confirmed");
    });
}

Result<core::Cancel> read_cancel(std::string_view body) {
    constexpr bool may_be_empty = true;
    return read_body<core::Cancel>(
        body,
        [](ObjectReader& object, core::Cancel& cancel) {
            const auto* items = object.member("items", Need::optional);
            if (items == nullptr) return;
            if (!items->is_array() || items->empty())
                return object.refuse("items", "must be a list of at least one item");
            constexpr auto items_max = limits::bundles_max * limits::orders_per_bundle_max;
            if (items->size() > items_max)
                return object.refuse("items", fmt::format("must hold at most {} items", items_max));
            for (std::size_t i = 0; i < items->size(); ++i) {
                const auto& item = (*items)[i];
                if (!item.is_number_integer())
                    return object.refuse(fmt::format("items[{}]", i), "must be an integer");
                cancel.items.push_back(item.get<std::int64_t>());
            }
        },
        may_be_empty);
}

Result<core::Release> read_release(std::string_view body) {
    constexpr bool may_be_empty = true;
    return read_body<core::Release>(
        body, [](ObjectReader&, core::Release&) {}, may_be_empty);
}

Result<RefundRequest> read_refund(std::string_view body) {
    return read_body<RefundRequest>(body, [](ObjectReader& object, RefundRequest& refund) {
        refund.leg = object.integer("leg", Need::required, 1, static_cast<std::int64_t>(limits::legs_max));
        refund.minor = object.amount("amount", 1);
        read_person(object, refund.by, refund.because);
    });
}

Result<core::Settle> read_settle(std::string_view body) {
    return read_body<core::Settle>(body, [](ObjectReader& object, core::Settle& settle) {
        settle.fact =
            choice(object, "money", Need::required,
                   {core::LegMoney::none, core::LegMoney::held, core::LegMoney::taken, core::LegMoney::back})
                .value_or(core::LegMoney::none);
        read_person(object, settle.by, settle.because);
    });
}

Result<CallbackRequest> read_callback(std::string_view body) {
    return read_body<CallbackRequest>(body, [&](ObjectReader& object, CallbackRequest& request) {
        request.caller = object.text("caller", Need::required, limits::text_bytes_max);
        request.fields = read_fields(object, body);
        request.next_token = object.text("next_token", Need::optional, limits::return_token_bytes_max);
    });
}

// ---- query strings ------------------------------------------------------------------------------------

std::string cursor_of(const TransactionId& last) {
    return cursor_text(last);
}

std::string cursor_of(const store::StatementPlace& last) {
    return cursor_text(last);
}

Result<ListRequest> read_list(std::string_view query) {
    constexpr auto limit_max = static_cast<std::int64_t>(store::list_page_max);
    constexpr std::int64_t limit_absent = 50;
    auto reader = QueryReader::read(query);
    if (!reader) return reader.error();
    ListRequest request;
    auto& filter = request.filter;
    if (const auto* phase = reader->value("phase")) {
        filter.phase = core::from_word<core::Phase>(*phase);
        if (!filter.phase)
            reader->refuse("phase",
                           "must be one of reserved, authorising, confirming, capturing, purchased, failed, "
                           "released, cancelled");
    }
    filter.settled = reader->boolean("settled");
    filter.in_doubt = reader->boolean("in_doubt");
    filter.needs_person = reader->boolean("needs_person");
    filter.caller = reader->text("caller", Need::optional, limits::text_bytes_max);
    filter.tracking = reader->text("tracking", Need::optional, limits::tracking_id_bytes_max);
    filter.from = reader->instant("from");
    filter.to = reader->instant("to");
    filter.limit = static_cast<std::size_t>(reader->integer("limit", 1, limit_max, limit_absent));
    filter.after = read_cursor<TransactionId>(*reader);
    if (auto error = reader->finish()) return *error;
    return request;
}

Result<StatementRequest> read_statement(std::string_view query) {
    auto reader = QueryReader::read(query);
    if (!reader) return reader.error();
    StatementRequest request;
    const auto code = reader->text("currency", Need::required, limits::text_bytes_max);
    // Absent: from the beginning, and as far as instants are written.
    request.from = reader->instant("from").value_or(Instant{});
    request.to = reader->instant("to").value_or(
        Instant{std::chrono::sys_days{std::chrono::year{9999} / std::chrono::December / 31}});
    if (request.to < request.from) reader->refuse("to", "is before from");
    request.after = {request.from, 0};
    if (const auto cursor = read_cursor<store::StatementPlace>(*reader)) {
        if (cursor->at < request.from || cursor->at >= request.to)
            reader->refuse("cursor", "is not between from and to: it is of another question");
        request.after = *cursor;
    }
    if (auto error = reader->finish()) return *error;
    const auto currency = Currency::parse(code, "currency");
    if (!currency) return currency.error();
    request.currency = *currency;
    return request;
}

Result<WaysRequest> read_ways(std::string_view query) {
    auto reader = QueryReader::read(query);
    if (!reader) return reader.error();
    WaysRequest request;
    request.caller = reader->text("caller", Need::required, limits::text_bytes_max);
    request.source = reader->text("source", Need::optional, limits::text_bytes_max);
    if (auto error = reader->finish()) return *error;
    return request;
}

}  // namespace kassi::api::v1
