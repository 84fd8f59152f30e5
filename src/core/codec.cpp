#include "core/codec.hpp"

#include <array>
#include <concepts>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/json.hpp"

/// One list of fields per struct (describe) serves both directions: Writer puts it into text, Reader takes it
/// from there. `must` is always written and its absence is an error; `may` is left out at its default. Names
/// that nobody knows are skipped, so that an older program reads what a newer one has added.
namespace kassi::core {
namespace {

using nlohmann::json;

constexpr std::int64_t format_now = 1;

template <class T, class U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

using Pair = std::pair<std::string, std::string>;

constexpr std::array<std::string_view, 3> keep_words{"value", "digest", "drop"};

std::string_view text_of(Keep keep) {
    return keep_words[static_cast<std::size_t>(keep)];
}
template <class E>
std::string_view text_of(E value) {
    return word(value);
}

template <class E>
std::optional<E> enum_of(std::string_view text) {
    if constexpr (std::same_as<E, Keep>) {
        for (std::size_t i = 0; i < keep_words.size(); ++i) {
            if (keep_words[i] == text) return static_cast<Keep>(i);
        }
        return std::nullopt;
    } else {
        return from_word<E>(text);
    }
}

// ---- the fields of what is stored
// --------------------------------------------------------------------------

template <class A, Is<Order> T>
void describe(A& a, T& order) {
    a.must("item", order.item);
    a.must("amount", order.amount);
    a.may("cancellable", order.cancellable);
}
template <class A, Is<Bundle> T>
void describe(A& a, T& bundle) {
    a.must("source", bundle.source);
    a.may("description", bundle.description);
    a.must("amount", bundle.amount);
    a.may("orders", bundle.orders);
}
template <class A, Is<Policy> T>
void describe(A& a, T& policy) {
    a.may("partial", policy.partial);
    a.may("confirm", policy.confirm);
    a.may("on_decline", policy.on_decline);
}
template <class A, Is<Refusal> T>
void describe(A& a, T& refusal) {
    a.must("code", refusal.code);
    a.may("text", refusal.text);
    a.may("failed_3d_secure", refusal.failed_3d_secure);
    a.may("failed_avs", refusal.failed_avs);
    a.may("failed_cv_two", refusal.failed_cv_two);
}
template <class A, Is<Call> T>
void describe(A& a, T& call) {
    a.must("no", call.no);
    a.must("verb", call.verb);
    a.must("step", call.step);
    a.may("key", call.key);
    a.may("reference", call.reference);
    a.must("repeat", call.repeat);
    a.may("key_until", call.key_until);
    a.must("meant_at", call.meant_at);
    a.must("silent_at", call.silent_at);
    a.may("again", call.again);
    a.may("needs_volatile", call.needs_volatile);
    a.may("look", call.look);
}
template <class A, Is<CalloutState> T>
void describe(A& a, T& callout) {
    a.must("no", callout.no);
    a.must("type", callout.type);
    a.must("host", callout.host);
    a.must("sent_at", callout.sent_at);
    a.must("until", callout.until);
    a.may("grace_until", callout.grace_until);
    a.may("returned", callout.returned);
    a.may("closed", callout.closed);
    a.may("goes_on", callout.goes_on);
    a.may("went_on", callout.went_on);
}
template <class A, Is<Refund> T>
void describe(A& a, T& refund) {
    a.must("no", refund.no);
    a.must("amount", refund.amount);
    a.may("items", refund.items);
    a.must("state", refund.state);
    a.may("by", refund.by);
    a.may("because", refund.because);
}
template <class A, Is<Leg> T>
void describe(A& a, T& leg) {
    a.must("no", leg.no);
    a.must("sources", leg.sources);
    a.must("merchant", leg.merchant);
    a.must("flow", leg.flow);
    a.may("credential", leg.credential);
    a.must("amount", leg.amount);
    a.must("goal", leg.goal);
    a.must("money", leg.money);
    a.may("taken", leg.taken_minor);
    a.may("back", leg.back_minor);
    a.must("doing", leg.doing);
    a.may("verb", leg.verb);
    a.may("ready", leg.ready);
    a.may("exposed", leg.exposed);
    a.may("refused", leg.refused);
    a.may("stuck", leg.stuck);
    a.may("calls", leg.calls);
    a.may("call", leg.call);
    a.may("callout", leg.callout);
    a.may("retry_at", leg.retry_at);
    a.may("not_done", leg.not_done);
    a.may("recheck_at", leg.recheck_at);
    a.may("doubt_since", leg.doubt_since);
    a.may("rechecks", leg.rechecks);
    a.may("doubt_why", leg.doubt_why);
    a.may("refunds", leg.refunds);
    a.may("references", leg.references);
    a.may("made_since", leg.made_since);
    a.may("disputed", leg.disputed);
    a.may("look", leg.look);
    a.may("restored", leg.restored);
}
template <class A, Is<Transaction> T>
void describe(A& a, T& transaction) {
    a.must("id", transaction.id);
    a.must("reference", transaction.reference);
    a.must("system", transaction.system);
    a.must("caller", transaction.caller);
    a.may("tracking", transaction.tracking);
    a.must("bundles", transaction.bundles);
    a.may("policy", transaction.policy);
    a.must("phase", transaction.phase);
    a.may("why", transaction.why);
    a.must("handed_over_at", transaction.handed_over_at);
    a.must("held_until", transaction.held_until);
    a.may("purchase_asked_at", transaction.purchase_asked_at);
    a.may("confirm_by", transaction.confirm_by);
    a.may("verdict_at", transaction.verdict_at);
    a.may("via", transaction.via);
    a.may("customer_at_hand", transaction.customer_at_hand);
    a.may("confirmations", transaction.confirmations);
    a.may("legs", transaction.legs);
    a.may("forgotten", transaction.forgotten);
    a.may("put_back", transaction.put_back);
    a.must("version", transaction.version);
}

template <class A, Is<Request> T>
void describe(A& a, T& request) {
    a.may("method", request.method);
    a.may("path", request.path);
    a.may("headers", request.headers);
    a.may("body", request.body);
}
template <class A, Is<Credential> T>
void describe(A& a, T& credential) {
    a.may("kind", credential.kind);
    a.may("value", credential.value);
}
template <class A, Is<Callout> T>
void describe(A& a, T& callout) {
    a.must("type", callout.type);
    a.must("destination", callout.destination);
    a.may("hosted", callout.hosted);
    a.may("parameters", callout.parameters);
    a.may("integration", callout.integration_json);
    a.may("goes_on", callout.goes_on);
    a.may("page_data", callout.page_data);
    a.may("return_token", callout.return_token);
    a.may("page_token", callout.page_token);
}
template <class A, Is<Parcel> T>
void describe(A& a, T& parcel) {
    a.may("request", parcel.request);
    a.may("step", parcel.step);
    a.may("saved", parcel.saved);
    a.may("returned", parcel.returned);
    a.may("credential", parcel.credential);
    a.may("callout", parcel.callout);
}
template <class A, Is<Journey> T>
void describe(A& a, T& journey) {
    a.must("via", journey.via);
    a.may("url_before", journey.url_before);
    a.may("url_after", journey.url_after);
    a.may("token", journey.token);
    a.may("user_agent", journey.user_agent);
    a.may("accept", journey.accept);
    a.may("remote_site", journey.remote_site);
    a.may("remote_ip", journey.remote_ip);
    a.may("landing_url", journey.landing_url);
    a.may("way_back", journey.way_back);
}

// ---- the events: fields are only ever added, and then with `may`
// -------------------------------------------

template <class A, Is<EvidenceField> T>
void describe(A& a, T& field) {
    a.must("name", field.name);
    a.must("keep", field.keep);
    a.may("value", field.value);
    a.may("length", field.length);
}
template <class A, Is<HandedOver> T>
void describe(A& a, T& event) {
    a.must("id", event.id);
    a.must("system", event.system);
    a.must("caller", event.caller);
    a.must("bundles", event.bundles);
    a.may("policy", event.policy);
    a.must("held_until", event.held_until);
    a.may("customer_digest", event.customer_digest);
    a.may("document_digest", event.document_digest);
}
template <class A, Is<PurchaseAsked> T>
void describe(A& a, T& event) {
    a.must("via", event.via);
    a.may("customer_at_hand", event.customer_at_hand);
    a.may("return_host", event.return_host);
    a.may("customer_digest", event.customer_digest);
}
template <class A, Is<HoldMoved> T>
void describe(A& a, T& event) {
    a.must("held_until", event.held_until);
}
template <class A, Is<LegOpened> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("sources", event.sources);
    a.must("merchant", event.merchant);
    a.must("flow", event.flow);
    a.must("amount", event.amount);
    a.may("credential", event.credential);
}
template <class A, Is<GoalSet> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("goal", event.goal);
    a.may("why", event.why);
}
template <class A, Is<CallMeant> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("call", event.call);
    a.must("verb", event.verb);
    a.must("step", event.step);
    a.may("key", event.key);
    a.may("reference", event.reference);
    a.must("repeat", event.repeat);
    a.may("key_until", event.key_until);
    a.must("silent_at", event.silent_at);
    a.may("needs_volatile", event.needs_volatile);
    a.may("again", event.again);
    a.may("digest", event.digest);
    a.may("made_since", event.made_since);
}
template <class A, Is<CallEnded> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("call", event.call);
    a.must("outcome", event.outcome);
    a.may("evidence", event.evidence);
    a.may("references", event.references);
    a.may("retry_at", event.retry_at);
    a.may("credential", event.credential);
}
template <class A, Is<CallDoubted> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("call", event.call);
    a.may("why", event.why);
    a.must("recheck_at", event.recheck_at);
    a.may("look", event.look);
}
template <class A, Is<Ready> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
}
template <class A, Is<CustomerSent> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("callout", event.callout);
    a.must("verb", event.verb);
    a.must("type", event.type);
    a.must("host", event.host);
    a.must("until", event.until);
    a.may("hosted", event.hosted);
    a.may("goes_on", event.goes_on);
}
template <class A, Is<CustomerBack> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("callout", event.callout);
    a.may("fields", event.fields);
    a.may("customer_at_hand", event.customer_at_hand);
}
template <class A, Is<CustomerWentOn> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("callout", event.callout);
    a.may("fields", event.fields);
}
template <class A, Is<VisitMeant> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("callout", event.callout);
    a.may("host", event.host);
    a.must("grace_until", event.grace_until);
}
template <class A, Is<VisitDone> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("callout", event.callout);
    a.must("outcome", event.outcome);
}
template <class A, Is<CalloutClosed> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("callout", event.callout);
    a.may("why", event.why);
    a.may("for_good", event.for_good);
}
template <class A, Is<Held> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("amount", event.amount);
}
template <class A, Is<HoldGone> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("amount", event.amount);
    a.may("why", event.why);
}
template <class A, Is<Taken> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("amount", event.amount);
}
template <class A, Is<GivenBack> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("amount", event.amount);
    a.may("refund", event.refund);
}
template <class A, Is<Refused> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("why", event.why);
}
template <class A, Is<Stuck> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("why", event.why);
}
template <class A, Is<RefundAsked> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("refund", event.refund);
    a.must("amount", event.amount);
    a.may("items", event.items);
    a.may("by", event.by);
    a.may("because", event.because);
}
template <class A, Is<RefundEnded> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("refund", event.refund);
    a.may("failed", event.failed);
    a.may("why", event.why);
}
template <class A, Is<PersonSettled> T>
void describe(A& a, T& event) {
    a.must("leg", event.leg);
    a.must("fact", event.fact);
    a.must("by", event.by);
    a.must("because", event.because);
}
template <class A, Is<ConfirmAsked> T>
void describe(A& a, T& event) {
    a.must("until", event.until);
}
template <class A, Is<Confirmed> T>
void describe(A& a, T& event) {
    a.must("yes", event.yes);
    a.may("references", event.references);
}
template <class A, Is<Decided> T>
void describe(A& a, T& event) {
    a.must("verdict", event.verdict);
    a.may("why", event.why);
}
template <class A, Is<Noted> T>
void describe(A& a, T& event) {
    a.may("leg", event.leg);
    a.must("what", event.what);
    a.may("fields", event.fields);
    a.may("dispute", event.dispute);
    a.may("references", event.references);
    a.may("look", event.look);
}

template <class A, Is<Forgotten> T>
void describe(A& a, T& event) {
    a.must("by", event.by);
    a.must("because", event.because);
}
template <class A, Is<PutBack> T>
void describe(A& a, T& event) {
    a.must("copied_at", event.copied_at);
    a.may("legs", event.legs);
}

template <class A, Is<JournalRow> T>
void describe(A& a, T& row) {
    a.must("at", row.at);
    a.must("input", row.input);
    a.may("by", row.by);
    a.may("tracking", row.tracking);
    a.may("events", row.events);
    a.may("effects", row.effects);
}

// ---- out
// ---------------------------------------------------------------------------------------------------

class Writer {
  public:
    template <class T>
    void must(std::string_view name, const T& value) {
        out_.key(name);
        write(value);
    }
    template <class T>
    void may(std::string_view name, const T& value) {
        if constexpr (is_list<T>) {
            if (!value.empty()) must(name, value);
        } else {
            if (value != T{}) must(name, value);
        }
    }
    template <class T>
    std::string document(const T& value) {
        out_.begin_object().field("format", format_now);
        describe(*this, value);
        out_.end_object();
        return out_.take();
    }
    void write(const Event& event) {
        out_.begin_object().field("event", event_name(event));
        std::visit([this](const auto& body) { describe(*this, body); }, event);
        out_.end_object();
    }
    std::string take() { return out_.take(); }

  private:
    template <class T>
    void write(const T& value) {
        if constexpr (std::same_as<T, bool>) {
            out_.boolean(value);
        } else if constexpr (std::same_as<T, std::int64_t>) {
            out_.integer(value);
        } else if constexpr (std::same_as<T, std::string>) {
            write_text(value);
        } else if constexpr (std::same_as<T, Instant>) {
            out_.integer(value.time_since_epoch().count());
        } else if constexpr (std::is_enum_v<T>) {
            out_.string(text_of(value));
        } else if constexpr (std::same_as<T, Money>) {
            out_.begin_array().string(value.currency.code()).integer(value.minor).end_array();
        } else if constexpr (std::same_as<T, TransactionId>) {
            out_.string(value.text());
        } else if constexpr (std::same_as<T, Pair>) {
            out_.begin_array();
            write_text(value.first);
            write_text(value.second);
            out_.end_array();
        } else if constexpr (is_list<T>) {
            out_.begin_array();
            for (const auto& one : value) write(one);
            out_.end_array();
        } else if constexpr (is_optional<T>) {
            write(*value);  // only through may(): an empty one is left out
        } else {
            out_.begin_object();
            describe(*this, value);
            out_.end_object();
        }
    }
    /// What a provider sent need not be UTF-8, and JSON must be: such bytes are kept as {"base64": ...}.
    void write_text(const std::string& text) {
        if (encoding::is_utf8(text))
            out_.string(text);
        else
            out_.begin_object().field("base64", encoding::base64(text)).end_object();
    }

    JsonWriter out_;
};

// ---- and in
// ------------------------------------------------------------------------------------------------

/// Where we are in the document; lives on the stack of the reading functions.
struct Place {
    const Place* above = nullptr;
    std::string_view name;  ///< of a field, or
    std::size_t index = 0;  ///< of an element when the name is ""

    [[nodiscard]] std::string path() const {
        std::string text = above ? above->path() : "";
        if (name.empty()) return above ? text + '[' + std::to_string(index) + ']' : text;
        if (!text.empty()) text += '.';
        return text.append(name);
    }
};

/// Reads as far as the first fault, which stays.
struct Reading {
    std::optional<Error> problem;
    void fail(const Place& place, std::string message) {
        if (!problem) problem = Error{ErrorKind::internal, place.path(), std::move(message)};
    }
};

class Reader {
  public:
    Reader(Reading& reading, const json& object, const Place& place)
        : reading_(reading), object_(object), place_(place) {}

    template <class T>
    void must(std::string_view name, T& value) {
        if (!take(name, value)) reading_.fail(Place{&place_, name}, "is missing");
    }
    template <class T>
    void may(std::string_view name, T& value) {
        take(name, value);
    }

  private:
    template <class T>
    bool take(std::string_view name, T& value) {
        if (reading_.problem) return true;
        const auto found = object_.find(name);
        if (found == object_.end()) return false;
        read(*found, Place{&place_, name}, value);
        return true;
    }

  public:
    template <class T>
    void read(const json& from, const Place& place, T& value) {
        if constexpr (std::same_as<T, bool>) {
            if (const auto* flag = from.get_ptr<const json::boolean_t*>())
                value = *flag;
            else
                reading_.fail(place, "is not true or false");
        } else if constexpr (std::same_as<T, std::int64_t>) {
            if (from.is_number_integer())
                value = from.get<std::int64_t>();
            else
                reading_.fail(place, "is not an integer");
        } else if constexpr (std::same_as<T, std::string>) {
            read_text(from, place, value);
        } else if constexpr (std::same_as<T, Instant>) {
            std::int64_t millis = 0;
            read(from, place, millis);
            value = Instant{Millis{millis}};
        } else if constexpr (std::is_enum_v<T>) {
            const auto* text = from.get_ptr<const json::string_t*>();
            const auto parsed = text ? enum_of<T>(*text) : std::nullopt;
            if (parsed)
                value = *parsed;
            else
                reading_.fail(place, "is not a word known here");
        } else if constexpr (std::same_as<T, Money>) {
            read_money(from, place, value);
        } else if constexpr (std::same_as<T, TransactionId>) {
            std::string text;
            read(from, place, text);
            const auto id = TransactionId::parse(text, "");
            if (id)
                value = *id;
            else
                reading_.fail(place, "is not a UUID");
        } else if constexpr (std::same_as<T, Pair>) {
            if (!from.is_array() || from.size() != 2) return reading_.fail(place, "is not a pair");
            read(from[0], Place{&place, "", 0}, value.first);
            read(from[1], Place{&place, "", 1}, value.second);
        } else if constexpr (is_list<T>) {
            if (!from.is_array()) return reading_.fail(place, "is not a list");
            value.resize(from.size());
            for (std::size_t i = 0; i < from.size(); ++i) read(from[i], Place{&place, "", i}, value[i]);
        } else if constexpr (is_optional<T>) {
            read(from, place, value.emplace());
        } else if constexpr (std::same_as<T, Event>) {
            read_event(from, place, value);
        } else {
            if (!from.is_object()) return reading_.fail(place, "is not an object");
            Reader inner(reading_, from, place);
            describe(inner, value);
        }
    }

  private:
    void read_text(const json& from, const Place& place, std::string& value) {
        if (const auto* text = from.get_ptr<const json::string_t*>()) {
            value = *text;
            return;
        }
        const auto coded = from.is_object() ? from.find("base64") : from.end();
        if (!from.is_object() || coded == from.end() || !coded->is_string())
            return reading_.fail(place, "is not a string");
        auto bytes = encoding::from_base64(coded->get_ref<const std::string&>(), "");
        if (bytes)
            value = std::move(*bytes);
        else
            reading_.fail(place, "is not base64");
    }

    void read_money(const json& from, const Place& place, Money& value) {
        if (!from.is_array() || from.size() != 2) return reading_.fail(place, "is not an amount");
        std::string code;
        read(from[0], Place{&place, "", 0}, code);
        read(from[1], Place{&place, "", 1}, value.minor);
        value.currency = {};
        if (code == value.currency.code()) return;
        const auto currency = Currency::parse(code, "");
        if (currency)
            value.currency = *currency;
        else
            reading_.fail(place, "is not an amount of a known currency");
    }

    void read_event(const json& from, const Place& place, Event& value) {
        if (!from.is_object()) return reading_.fail(place, "is not an object");
        std::string name;
        Reader inner(reading_, from, place);
        inner.must("event", name);
        if (reading_.problem) return;
        if (!choose(name, value)) return reading_.fail(Place{&place, "event"}, "is not an event known here");
        std::visit([&inner](auto& body) { describe(inner, body); }, value);
    }

    /// Makes `value` an empty event of that name.
    template <std::size_t I = 0>
    static bool choose(std::string_view name, Event& value) {
        if constexpr (I == std::variant_size_v<Event>) {
            return false;
        } else {
            static const std::string_view mine = event_name(Event(std::in_place_index<I>));
            if (name != mine) return choose<I + 1>(name, value);
            value.emplace<I>();
            return true;
        }
    }

    Reading& reading_;
    const json& object_;
    const Place& place_;
};

template <class T>
Result<T> parse_document(std::string_view text, std::string_view what) {
    const auto broken = [&](std::string field, std::string message) {
        return Error{ErrorKind::internal, std::move(field), std::move(message)};
    };
    const auto parsed = parse_json(text, what);
    if (!parsed) return broken(std::string(what), parsed.error().message);
    if (!parsed->is_object()) return broken(std::string(what), "is not an object");
    Reading reading;
    const Place top;
    Reader reader(reading, *parsed, top);
    std::int64_t format = 0;
    reader.must("format", format);
    if (!reading.problem && format != format_now)
        return broken("format", "is " + std::to_string(format) + ", and only 1 is known here");
    T value;
    describe(reader, value);
    if (reading.problem) return *reading.problem;
    return value;
}

std::string in_short(const Effect& effect) {
    struct InShort {
        static std::string number(std::int64_t leg, std::int64_t no) {
            return std::to_string(leg) + '.' + std::to_string(no);
        }
        std::string operator()(const CallEffect& call) const {
            return "call " + number(call.leg, call.call) + ' ' + call.step;
        }
        std::string operator()(const VisitEffect& visit) const {
            return "visit " + number(visit.leg, visit.callout);
        }
        std::string operator()(const NotifyEffect& notify) const { return "notify " + notify.what; }
    };
    return std::visit(InShort{}, effect);
}

}  // namespace

std::string state_json(const Transaction& transaction) {
    return Writer().document(transaction);
}
Result<Transaction> parse_state(std::string_view text) {
    return parse_document<Transaction>(text, "state");
}

std::string papers_json(const Journey& journey) {
    return Writer().document(journey);
}
std::string papers_json(const Parcel& parcel) {
    return Writer().document(parcel);
}
Result<Journey> parse_journey(std::string_view text) {
    return parse_document<Journey>(text, "journey");
}
Result<Parcel> parse_parcel(std::string_view text) {
    return parse_document<Parcel>(text, "parcel");
}

std::string row_json(const JournalRow& row) {
    return Writer().document(row);
}
Result<JournalRow> parse_row(std::string_view text) {
    return parse_document<JournalRow>(text, "row");
}

std::string event_json(const Event& event) {
    Writer writer;
    writer.write(event);
    return writer.take();
}

JournalRow row_of(const Input& input, const Decision& decision, Instant at) {
    JournalRow row{at, std::string(input_name(input.body)), input.by, input.tracking, decision.events, {}};
    row.effects.reserve(decision.effects.size());
    for (const auto& effect : decision.effects) row.effects.push_back(in_short(effect));
    return row;
}

}  // namespace kassi::core
