#include "sandbox/simulators/borgun_objects.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"

namespace kassi::sandbox::borgun {
namespace {

using nlohmann::json;

constexpr auto kinds =
    std::to_array<std::pair<Kind, std::string_view>>({{Kind::sale, "Sale"},
                                                      {Kind::pre_authorization, "PreAuthorization"},
                                                      {Kind::refund, "Refund"},
                                                      {Kind::check, "PreAuthorization"}});
constexpr auto statuses =
    std::to_array<std::pair<Status, std::string_view>>({{Status::accepted, "Accepted"},
                                                        {Status::uncaptured, "Uncaptured"},
                                                        {Status::captured, "Captured"},
                                                        {Status::declined, "Declined"},
                                                        {Status::cancelled, "Cancelled"},
                                                        {Status::refunded, "Refunded"},
                                                        {Status::error, "Error"}});
constexpr auto stages = std::to_array<std::pair<Stage, std::string_view>>({{Stage::method, "method"},
                                                                           {Stage::challenge, "challenge"},
                                                                           {Stage::final, "final"},
                                                                           {Stage::validated, "validated"}});
constexpr auto page_statuses =
    std::to_array<std::pair<PageStatus, std::string_view>>({{PageStatus::open, "open"},
                                                            {PageStatus::paid, "paid"},
                                                            {PageStatus::cancelled, "cancelled"},
                                                            {PageStatus::refused, "refused"}});

template <class E, std::size_t n>
std::string_view word_in(const std::array<std::pair<E, std::string_view>, n>& words, E value) {
    return std::find_if(words.begin(), words.end(), [&](const auto& each) { return each.first == value; })
        ->second;
}

// ---- one field at a time -------------------------------------------------------------------------------

std::int64_t millis_of(Instant at) {
    return at.time_since_epoch().count();
}

void write_maybe(JsonWriter& out, std::string_view name, const std::string& text) {
    if (!text.empty()) out.field(name, text);
}

void write_maybe(JsonWriter& out, std::string_view name, const std::optional<Instant>& at) {
    if (at) out.field(name, millis_of(*at));
}

void write_metadata(JsonWriter& out, const std::optional<std::string>& payload) {
    if (payload) out.key("Metadata").begin_object().field("Payload", *payload).end_object();
}

bool read(const json& object, const char* name, std::string& into) {
    const auto found = object.find(name);
    if (found == object.end()) return true;
    if (!found->is_string()) return false;
    into = found->get<std::string>();
    return true;
}

bool read(const json& object, const char* name, std::optional<std::string>& into) {
    if (!object.contains(name)) return true;
    return read(object, name, into.emplace());
}

bool read(const json& object, const char* name, std::int64_t& into) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_integer()) return false;
    into = found->get<std::int64_t>();
    return true;
}

bool read(const json& object, const char* name, int& into) {
    std::int64_t wide = 0;
    if (!read(object, name, wide) || wide < 0 || wide > 1'000) return false;
    into = static_cast<int>(wide);
    return true;
}

bool read(const json& object, const char* name, bool& into) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_boolean()) return false;
    into = found->get<bool>();
    return true;
}

bool read(const json& object, const char* name, Instant& into) {
    std::int64_t millis = 0;
    if (!read(object, name, millis)) return false;
    into = Instant{Millis{millis}};
    return true;
}

bool read(const json& object, const char* name, std::optional<Instant>& into) {
    return !object.contains(name) || read(object, name, into.emplace());
}

template <class E, std::size_t n>
bool read(const json& object, const std::array<std::pair<E, std::string_view>, n>& words, E& into) {
    std::string text;
    if (!read(object, "status", text)) return false;
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const auto& each) { return each.second == text; });
    if (found == words.end()) return false;
    into = found->first;
    return true;
}

/// A currency that the house does not know would have no places.
bool read_currency(const json& object, std::string& into) {
    return read(object, "currency", into) && currency_of_code(into) != nullptr;
}

void write_card(JsonWriter& out, const Card& card) {
    out.key("card")
        .begin_object()
        .field("masked", card.masked)
        .field("digest", card.digest)
        .field("month", card.month)
        .field("year", card.year)
        .field("type", card.type)
        .field("protocol", card.plan.protocol)
        .field("method", card.plan.method)
        .field("enrolls", card.plan.enrolls)
        .field("ends", card.plan.ends)
        .field("code", card.plan.code)
        .field("needs_3ds", card.plan.needs_3ds)
        .field("charges_anyway", card.plan.charges_anyway)
        .field("exponent_zero_fails", card.plan.exponent_zero_fails)
        .end_object();
}

bool read_card(const json& object, Card& card) {
    const auto found = object.find("card");
    if (found == object.end() || !found->is_object()) return false;
    const json& saved = *found;
    Plan& plan = card.plan;
    return read(saved, "masked", card.masked) && read(saved, "digest", card.digest) &&
           read(saved, "month", card.month) && read(saved, "year", card.year) &&
           read(saved, "type", card.type) && read(saved, "protocol", plan.protocol) &&
           read(saved, "method", plan.method) && read(saved, "enrolls", plan.enrolls) &&
           read(saved, "ends", plan.ends) && read(saved, "code", plan.code) &&
           read(saved, "needs_3ds", plan.needs_3ds) && read(saved, "charges_anyway", plan.charges_anyway) &&
           read(saved, "exponent_zero_fails", plan.exponent_zero_fails);
}

}  // namespace

std::string_view word(Kind kind) {
    return word_in(kinds, kind);
}
std::string_view word(Status status) {
    return word_in(statuses, status);
}
std::string_view word(Stage stage) {
    return word_in(stages, stage);
}
std::string_view word(PageStatus status) {
    return word_in(page_statuses, status);
}

std::string Hosted::field(std::string_view name) const {
    const std::string* value = find_field(fields, name);
    return value == nullptr ? "" : *value;
}

// ---- as the gateway shows it ---------------------------------------------------------------------------

std::string shown(const Token& token) {
    JsonWriter out;
    out.begin_object().field("Token", token.id);
    write_maybe(out, "VirtualNumber", token.virtual_number);
    out.field("PAN", token.card.masked)
        .field("ExpYear", token.card.year)
        .field("ExpMonth", token.card.month)
        .field("Enabled", token.enabled);
    if (!token.multi)
        out.field("Used", token.used_at.has_value()).field("ValidUntil", iso8601(token.valid_until));
    write_maybe(out, "TransactionId", token.transaction);
    if (token.used_at) out.field("UsedTime", iso8601(*token.used_at));
    if (!token.check_transaction.empty())
        out.key("VerifyCardResult")
            .begin_object()
            .field("TransactionId", token.check_transaction)
            .field("ActionCode", token.check_code)
            .end_object();
    write_metadata(out, token.metadata);
    out.end_object();
    return out.take();
}

std::string shown(const Payment& payment) {
    const CurrencyRow* currency = currency_of_code(payment.currency);
    JsonWriter out;
    out.begin_object()
        .field("TransactionId", payment.id)
        .field("TransactionType", payment.captured ? word(Kind::sale) : word(payment.kind))
        .field("Amount", payment.amount)
        .field("Currency", currency == nullptr ? "" : currency->number)
        .field("TransactionDate", payment.date)
        .field("OrderId", payment.order_id);
    write_maybe(out, "AuthCode", payment.auth_code);
    out.field("ActionCode", payment.action_code).field("TransactionStatus", word(payment.status));
    out.key("PaymentMethod")
        .begin_object()
        .field("PaymentType", payment.method)
        .field("PAN", payment.card.masked);
    write_maybe(out, "ExpYear", payment.card.year);
    write_maybe(out, "ExpMonth", payment.card.month);
    write_maybe(out, "Token", payment.token);
    out.field("CardType", payment.card.type).field("IsDebit", "False").end_object();
    if (!payment.level.empty()) {
        out.key("ThreeDSecure").begin_object().field("SecurityLevelInd", payment.level);
        write_maybe(out, "Xid", payment.xid);
        out.end_object();
    }
    write_metadata(out, payment.metadata);
    if (payment.action_code != "000") {
        const ActionRow* row = action_of(payment.action_code);
        out.field("Message", row == nullptr ? "Unknown" : row->meaning);
    }
    out.end_object();
    return out.take();
}

std::string shown(const Event& event) {
    JsonWriter out;
    out.begin_object()
        .field("EventId", event.id)
        .field("EventType", event.type)
        .field("Created", iso8601(std::chrono::floor<std::chrono::seconds>(event.created_at)))
        .key("Data")
        .raw(event.data)
        .end_object();
    return out.take();
}

// ---- as it is saved ------------------------------------------------------------------------------------

void write_saved(JsonWriter& out, const Token& token, const std::string& merchant) {
    out.begin_object()
        .field("id", token.id)
        .field("merchant", merchant)
        .field("multi", token.multi)
        .field("enabled", token.enabled)
        .field("valid_until", millis_of(token.valid_until));
    write_card(out, token.card);
    write_maybe(out, "used_at", token.used_at);
    write_maybe(out, "transaction", token.transaction);
    write_maybe(out, "virtual_number", token.virtual_number);
    write_maybe(out, "check_transaction", token.check_transaction);
    write_maybe(out, "check_code", token.check_code);
    if (token.metadata) out.field("metadata", *token.metadata);
    out.end_object();
}

bool read_saved(const json& object, Token& token) {
    return read(object, "id", token.id) && !token.id.empty() && read(object, "multi", token.multi) &&
           read(object, "enabled", token.enabled) && read(object, "valid_until", token.valid_until) &&
           read_card(object, token.card) && read(object, "used_at", token.used_at) &&
           read(object, "transaction", token.transaction) &&
           read(object, "virtual_number", token.virtual_number) &&
           read(object, "check_transaction", token.check_transaction) &&
           read(object, "check_code", token.check_code) && read(object, "metadata", token.metadata);
}

void write_saved(JsonWriter& out, const Payment& payment, const std::string& merchant) {
    out.begin_object()
        .field("id", payment.id)
        .field("merchant", merchant)
        .field("kind", static_cast<int>(payment.kind))
        .field("status", word(payment.status))
        .field("amount", payment.amount)
        .field("refunded", payment.refunded)
        .field("currency", payment.currency)
        .field("date", payment.date)
        .field("order_id", payment.order_id)
        .field("action_code", payment.action_code)
        .field("method", payment.method)
        .field("captured", payment.captured)
        .field("hold", payment.hold);
    write_card(out, payment.card);
    write_maybe(out, "auth_code", payment.auth_code);
    write_maybe(out, "token", payment.token);
    write_maybe(out, "level", payment.level);
    write_maybe(out, "xid", payment.xid);
    if (payment.metadata) out.field("metadata", *payment.metadata);
    write_maybe(out, "parent", payment.parent);
    write_maybe(out, "hold_until", payment.hold_until);
    write_maybe(out, "late_until", payment.late_until);
    out.end_object();
}

bool read_saved(const json& object, Payment& payment) {
    int kind = 0;
    if (!read(object, "kind", kind) || kind > static_cast<int>(Kind::check)) return false;
    payment.kind = static_cast<Kind>(kind);
    return read(object, "id", payment.id) && !payment.id.empty() && read(object, statuses, payment.status) &&
           read(object, "amount", payment.amount) && read(object, "refunded", payment.refunded) &&
           read_currency(object, payment.currency) && read(object, "date", payment.date) &&
           read(object, "order_id", payment.order_id) && read(object, "action_code", payment.action_code) &&
           read(object, "method", payment.method) && read(object, "captured", payment.captured) &&
           read(object, "hold", payment.hold) && read_card(object, payment.card) &&
           read(object, "auth_code", payment.auth_code) && read(object, "token", payment.token) &&
           read(object, "level", payment.level) && read(object, "xid", payment.xid) &&
           read(object, "metadata", payment.metadata) && read(object, "parent", payment.parent) &&
           read(object, "hold_until", payment.hold_until) && read(object, "late_until", payment.late_until);
}

void write_saved(JsonWriter& out, const Record& record, const std::string& merchant) {
    out.begin_object()
        .field("id", record.id)
        .field("merchant", merchant)
        .field("message_id", record.message_id)
        .field("xid", record.xid)
        .field("tx_id", record.tx_id)
        .field("server_id", record.server_id)
        .field("acs_id", record.acs_id)
        .field("amount", record.amount)
        .field("exponent", record.exponent)
        .field("currency", record.currency)
        .field("term_url", record.term_url)
        .field("status", word(record.stage))
        .field("md_status", record.md_status)
        .field("created_at", millis_of(record.created_at));
    write_card(out, record.card);
    write_maybe(out, "method_url", record.method_url);
    write_maybe(out, "md", record.md);
    write_maybe(out, "description", record.description);
    write_maybe(out, "outcome", record.outcome);
    write_maybe(out, "spent_by", record.spent_by);
    out.end_object();
}

bool read_saved(const json& object, Record& record) {
    return read(object, "id", record.id) && !record.id.empty() &&
           read(object, "message_id", record.message_id) && read(object, "xid", record.xid) &&
           read(object, "tx_id", record.tx_id) && read(object, "server_id", record.server_id) &&
           read(object, "acs_id", record.acs_id) && read(object, "amount", record.amount) &&
           read(object, "exponent", record.exponent) && read_currency(object, record.currency) &&
           read(object, "term_url", record.term_url) && read(object, "method_url", record.method_url) &&
           read(object, stages, record.stage) && read(object, "md_status", record.md_status) &&
           read(object, "created_at", record.created_at) && read_card(object, record.card) &&
           read(object, "md", record.md) && read(object, "description", record.description) &&
           read(object, "outcome", record.outcome) && read(object, "spent_by", record.spent_by);
}

void write_saved(JsonWriter& out, const Hosted& hosted, const std::string& merchant) {
    out.begin_object()
        .field("id", hosted.id)
        .field("merchant", merchant)
        .field("status", word(hosted.status))
        .field("amount", hosted.amount)
        .field("refunded", hosted.refunded)
        .field("currency", hosted.currency)
        .field("order_id", hosted.order_id);
    write_maybe(out, "refund_id", hosted.refund_id);
    write_maybe(out, "auth_code", hosted.auth_code);
    out.key("fields").begin_array();
    for (const auto& [name, value] : hosted.fields) out.begin_array().string(name).string(value).end_array();
    out.end_array().end_object();
}

bool read_saved(const json& object, Hosted& hosted) {
    const auto fields = object.find("fields");
    if (fields == object.end() || !fields->is_array() || fields->size() > limits::form_fields_max)
        return false;
    for (const auto& pair : *fields) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
            return false;
        hosted.fields.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    }
    return read(object, "id", hosted.id) && !hosted.id.empty() &&
           read(object, page_statuses, hosted.status) && read(object, "amount", hosted.amount) &&
           read(object, "refunded", hosted.refunded) && read_currency(object, hosted.currency) &&
           read(object, "order_id", hosted.order_id) && read(object, "refund_id", hosted.refund_id) &&
           read(object, "auth_code", hosted.auth_code);
}

void write_saved(JsonWriter& out, const Event& event, const std::string& merchant) {
    out.begin_object()
        .field("id", event.id)
        .field("merchant", merchant)
        .field("type", event.type)
        .field("created_at", millis_of(event.created_at))
        .field("data", event.data)
        .end_object();
}

bool read_saved(const json& object, Event& event) {
    return read(object, "id", event.id) && !event.id.empty() && read(object, "type", event.type) &&
           read(object, "created_at", event.created_at) && read(object, "data", event.data) &&
           parse_json(event.data, "data").has_value();
}

void write_saved(JsonWriter& out, const BorgunHouse::Entry& entry) {
    out.begin_object()
        .field("at", millis_of(entry.at))
        .field("merchant", entry.merchant)
        .field("transaction", entry.transaction)
        .field("reference", entry.reference)
        .field("kind", entry.kind)
        .field("amount", entry.minor)
        .field("currency", entry.currency)
        .end_object();
}

bool read_saved(const json& object, BorgunHouse::Entry& entry) {
    constexpr std::array<std::string_view, 4> entry_kinds{"held", "hold_gone", "taken", "given_back"};
    return read(object, "at", entry.at) && read(object, "merchant", entry.merchant) &&
           read(object, "transaction", entry.transaction) && read(object, "reference", entry.reference) &&
           read(object, "kind", entry.kind) &&
           std::find(entry_kinds.begin(), entry_kinds.end(), entry.kind) != entry_kinds.end() &&
           read(object, "amount", entry.minor) && read_currency(object, entry.currency);
}

}  // namespace kassi::sandbox::borgun
