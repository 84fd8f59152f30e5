#include "sandbox/simulators/stripe_books.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace kassi::sandbox::stripe {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 6> intent_words{"requires_payment_method",
                                                       "requires_confirmation",
                                                       "requires_action",
                                                       "requires_capture",
                                                       "succeeded",
                                                       "canceled"};
constexpr std::array<std::string_view, 2> charge_words{"succeeded", "failed"};
constexpr std::array<std::string_view, 3> refund_words{"pending", "succeeded", "failed"};
constexpr std::array<std::string_view, 5> dispute_words{"needs_response", "warning_needs_response", "won",
                                                        "lost", "warning_closed"};
constexpr std::array<std::string_view, 3> authentication_words{"none", "awaited", "passed"};

const auto& words_of(IntentStatus) {
    return intent_words;
}
const auto& words_of(ChargeStatus) {
    return charge_words;
}
const auto& words_of(RefundStatus) {
    return refund_words;
}
const auto& words_of(DisputeStatus) {
    return dispute_words;
}
const auto& words_of(Authentication) {
    return authentication_words;
}

template <class E>
std::string_view word_of(E value) {
    return words_of(value).at(static_cast<std::size_t>(value));
}

// ---- which fields of an object are kept, once for writing and reading ------------------------------------

template <class V, class T>
void head(V& v, T& o) {
    v("id", o.id);
    v("account", o.account);
    v("created", o.created);
}
template <class V>
void fields(V& v, Card& o) {
    v("name", o.name);
    v("exp_month", o.exp_month);
    v("exp_year", o.exp_year);
    v("holder", o.holder);
    v("postal_code", o.postal_code);
}
template <class V>
void fields(V& v, Token& o) {
    head(v, o);
    v("card", o.card);
    v("used", o.used);
}
template <class V>
void fields(V& v, Method& o) {
    head(v, o);
    v("card", o.card);
    v("used", o.used);
    v("metadata", o.metadata);
}
template <class V>
void fields(V& v, Intent& o) {
    head(v, o);
    v("status", o.status);
    v("amount", o.amount);
    v("amount_capturable", o.amount_capturable);
    v("amount_received", o.amount_received);
    v("currency", o.currency);
    v("capture_method", o.capture_method);
    v("confirmation_method", o.confirmation_method);
    v("client_secret", o.client_secret);
    v("description", o.description);
    v("receipt_email", o.receipt_email);
    v("descriptor_suffix", o.descriptor_suffix);
    v("future_usage", o.future_usage);
    v("secure_request", o.secure_request);
    v("return_url", o.return_url);
    v("cancellation_reason", o.cancellation_reason);
    v("method", o.method);
    v("latest_charge", o.latest_charge);
    v("last_error", o.last_error);
    v("authentication", o.authentication);
    v("use_sdk", o.use_sdk);
    v("source", o.source);
    v("metadata", o.metadata);
    v("canceled_at", o.canceled_at);
    v("hold_until", o.hold_until);
}
template <class V>
void fields(V& v, Charge& o) {
    head(v, o);
    v("status", o.status);
    v("amount", o.amount);
    v("amount_captured", o.amount_captured);
    v("amount_refunded", o.amount_refunded);
    v("amount_released", o.amount_released);
    v("currency", o.currency);
    v("intent", o.intent);
    v("method", o.method);
    v("description", o.description);
    v("receipt_email", o.receipt_email);
    v("descriptor_suffix", o.descriptor_suffix);
    v("card", o.card);
    v("captured", o.captured);
    v("authenticated", o.authenticated);
    v("disputed", o.disputed);
    v("failure_code", o.failure_code);
    v("failure_decline", o.failure_decline);
    v("failure_message", o.failure_message);
    v("balance", o.balance);
    v("dispute", o.dispute);
    v("metadata", o.metadata);
    v("capture_before", o.capture_before);
    v("settles_at", o.settles_at);
    v("dispute_at", o.dispute_at);
}
template <class V>
void fields(V& v, Refund& o) {
    head(v, o);
    v("status", o.status);
    v("amount", o.amount);
    v("currency", o.currency);
    v("charge", o.charge);
    v("intent", o.intent);
    v("reason", o.reason);
    v("failure_reason", o.failure_reason);
    v("metadata", o.metadata);
    v("turns_at", o.turns_at);
}
template <class V>
void fields(V& v, Dispute& o) {
    head(v, o);
    v("status", o.status);
    v("amount", o.amount);
    v("currency", o.currency);
    v("charge", o.charge);
    v("intent", o.intent);
    v("reason", o.reason);
    v("closes_at", o.closes_at);
}
template <class V>
void fields(V& v, Event& o) {
    head(v, o);
    v("type", o.type);
    v("object", o.object);
    v("previous_attributes", o.previous_attributes);
    v("request", o.request);
    v("key", o.key);
    v("pending", o.pending);
}
template <class V>
void fields(V& v, LedgerEntry& o) {
    v("at", o.at);
    v("merchant", o.merchant);
    v("intent", o.intent);
    v("reference", o.reference);
    v("kind", o.kind);
    v("minor", o.minor);
    v("currency", o.currency);
}

struct Writer {
    JsonWriter& out;
    void operator()(const char* name, const std::string& value) { out.field(name, value); }
    void operator()(const char* name, std::int64_t value) { out.field(name, value); }
    void operator()(const char* name, int value) { out.field(name, value); }
    void operator()(const char* name, bool value) { out.field(name, value); }
    void operator()(const char* name, Instant value) { out.field(name, value.time_since_epoch().count()); }
    void operator()(const char* name, const std::optional<Instant>& value) {
        if (value) (*this)(name, *value);
    }
    void operator()(const char* name, const Metadata& value) {
        out.key(name).begin_object();
        for (const auto& [key, text] : value) out.field(key, text);
        out.end_object();
    }
    void operator()(const char* name, Card& value) {
        out.key(name).begin_object();
        fields(*this, value);
        out.end_object();
    }
    template <class E>
    requires std::is_enum_v<E>
    void operator()(const char* name, E value) { out.field(name, word_of(value)); }
};

/// A field that is missing or of another kind makes the whole of it wrong; an optional one may be missing.
struct Reader {
    const json& in;
    bool good = true;

    const json* find(const char* name, bool (*fits)(const json&)) {
        const auto found = in.find(name);
        if (found != in.end() && fits(*found)) return &*found;
        good = false;
        return nullptr;
    }
    void operator()(const char* name, std::string& value) {
        if (const json* found = find(name, [](const json& j) { return j.is_string(); }))
            value = found->get<std::string>();
    }
    void operator()(const char* name, std::int64_t& value) {
        if (const json* found = find(name, [](const json& j) { return j.is_number_integer(); }))
            value = found->get<std::int64_t>();
    }
    void operator()(const char* name, int& value) {
        std::int64_t wide = 0;
        (*this)(name, wide);
        value = static_cast<int>(std::clamp<std::int64_t>(wide, 0, 9999));
    }
    void operator()(const char* name, bool& value) {
        if (const json* found = find(name, [](const json& j) { return j.is_boolean(); }))
            value = found->get<bool>();
    }
    void operator()(const char* name, Instant& value) {
        std::int64_t millis = 0;
        (*this)(name, millis);
        value = Instant{Millis{millis}};
    }
    void operator()(const char* name, std::optional<Instant>& value) {
        if (!in.contains(name)) return;
        Instant at{};
        (*this)(name, at);
        value = at;
    }
    void operator()(const char* name, Metadata& value) {
        const json* found = find(name, [](const json& j) { return j.is_object(); });
        if (found == nullptr) return;
        for (const auto& [key, text] : found->items()) {
            if (text.is_string())
                value[key] = text.get<std::string>();
            else
                good = false;
        }
    }
    void operator()(const char* name, Card& value) {
        const json* found = find(name, [](const json& j) { return j.is_object(); });
        if (found == nullptr) return;
        Reader inner{*found};
        fields(inner, value);
        good = good && inner.good && card_named(value.name) != nullptr;
    }
    template <class E>
    requires std::is_enum_v<E>
    void operator()(const char* name, E& value) {
        std::string text;
        (*this)(name, text);
        const auto& words = words_of(value);
        const auto found = std::find(words.begin(), words.end(), text);
        if (found == words.end())
            good = false;
        else
            value = static_cast<E>(found - words.begin());
    }
};

template <class T>
void write(JsonWriter& out, const T& object) {
    Writer writer{out};
    out.begin_object();
    T copy = object;  // one list of fields serves both ways
    fields(writer, copy);
    out.end_object();
}

/// In the order in which they were made, so that load() makes the same order.
template <class T>
void write_changed(JsonWriter& out, const char* part, Shelf<T>& shelf) {
    if (!shelf.changed()) return;
    out.key(part).begin_array();
    for (const auto place : shelf.take_changed()) write(out, shelf.all()[place]);
    out.end_array();
}

template <class T>
void save_shelf(const char* part, const Shelf<T>& shelf,
                const std::function<void(const std::string&)>& save) {
    for (const T& object : shelf.all()) {
        JsonWriter out;
        out.begin_object().key(part).begin_array();
        write(out, object);
        out.end_array().end_object();
        save(out.take());
    }
}

template <class T>
bool load_part(const json& line, const char* part, const std::function<void(T)>& take) {
    const auto list = line.find(part);
    if (list == line.end()) return true;
    if (!list->is_array()) return false;
    for (const json& each : *list) {
        if (!each.is_object()) return false;
        T object;
        Reader reader{each};
        fields(reader, object);
        if (!reader.good) return false;
        take(std::move(object));
    }
    return true;
}

}  // namespace

std::string_view word(IntentStatus status) {
    return word_of(status);
}
std::string_view word(ChargeStatus status) {
    return word_of(status);
}
std::string_view word(RefundStatus status) {
    return word_of(status);
}
std::string_view word(DisputeStatus status) {
    return word_of(status);
}

std::string Books::fresh_id(std::string_view prefix, std::size_t characters) {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    constexpr std::size_t fair = 256 / alphabet.size() * alphabet.size();
    std::string id(prefix);
    while (id.size() < prefix.size() + characters) {
        std::array<std::uint8_t, 32> bytes{};
        randomness_.fill(bytes);
        for (const auto byte : bytes)
            if (byte < fair && id.size() < prefix.size() + characters) id += alphabet[byte % alphabet.size()];
    }
    return id;
}

bool Books::full() const {
    return tokens.full() || methods.full() || intents.full() || charges.full() || refunds.full() ||
           events.full();
}

void Books::enter(const Charge& charge, std::string_view kind, std::int64_t minor) {
    if (minor == 0) return;
    const Intent* intent = intents.find(charge.intent);
    const Metadata& metadata = intent != nullptr ? intent->metadata : charge.metadata;
    const auto reference = metadata.find("kassi_reference");
    std::string currency = charge.currency;
    for (char& c : currency) c = static_cast<char>(c - 'a' + 'A');
    ledger.push_back({now(), charge.account, intent != nullptr ? intent->id : charge.id,
                      reference == metadata.end() ? "" : reference->second, std::string(kind), minor,
                      std::move(currency)});
}

bool Books::something_changed() const {
    return tokens.changed() || methods.changed() || intents.changed() || charges.changed() ||
           refunds.changed() || disputes.changed() || events.changed() || entries_saved_ < ledger.size();
}

void Books::record(JsonWriter& out) {
    write_changed(out, "tokens", tokens);
    write_changed(out, "methods", methods);
    write_changed(out, "intents", intents);
    write_changed(out, "charges", charges);
    write_changed(out, "refunds", refunds);
    write_changed(out, "disputes", disputes);
    write_changed(out, "events", events);
    if (entries_saved_ == ledger.size()) return;
    out.key("ledger").begin_array();
    for (; entries_saved_ < ledger.size(); ++entries_saved_) write(out, ledger[entries_saved_]);
    out.end_array();
}

void Books::save_all(const std::function<void(const std::string&)>& save) const {
    save_shelf("tokens", tokens, save);
    save_shelf("methods", methods, save);
    save_shelf("intents", intents, save);
    save_shelf("charges", charges, save);
    save_shelf("refunds", refunds, save);
    save_shelf("disputes", disputes, save);
    save_shelf("events", events, save);
    for (const auto& entry : ledger) {
        JsonWriter out;
        out.begin_object().key("ledger").begin_array();
        write(out, entry);
        out.end_array().end_object();
        save(out.take());
    }
}

std::optional<std::string> Books::load(const json& line, const std::set<std::string>& accounts) {
    const auto onto = [&]<class T>(Shelf<T>& shelf) {
        return std::function<void(T)>([&](T object) {
            if (accounts.contains(object.account)) shelf.put(std::move(object));
        });
    };
    if (!load_part<Token>(line, "tokens", onto(tokens))) return "tokens";
    if (!load_part<Method>(line, "methods", onto(methods))) return "methods";
    if (!load_part<Intent>(line, "intents", onto(intents))) return "intents";
    if (!load_part<Charge>(line, "charges", onto(charges))) return "charges";
    if (!load_part<Refund>(line, "refunds", onto(refunds))) return "refunds";
    if (!load_part<Dispute>(line, "disputes", onto(disputes))) return "disputes";
    if (!load_part<Event>(line, "events", onto(events))) return "events";
    if (!load_part<LedgerEntry>(line, "ledger",
                                [&](LedgerEntry entry) { ledger.push_back(std::move(entry)); }))
        return "ledger";
    entries_saved_ = ledger.size();
    return std::nullopt;
}

}  // namespace kassi::sandbox::stripe
