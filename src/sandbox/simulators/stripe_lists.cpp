#include <algorithm>

#include "base/crypto.hpp"
#include "sandbox/simulators/stripe_payments.hpp"

/// Reading: one object, lists, the search.
namespace kassi::sandbox::stripe {
namespace {

constexpr std::int64_t page_objects_max = 100;
constexpr std::int64_t page_objects = 10;
constexpr std::size_t search_terms_max = 10;
constexpr std::size_t search_query_bytes_max = 500;

std::int64_t seconds(Instant at) {
    return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

struct Bounds {
    std::optional<std::int64_t> after, from, before, until, at;
    [[nodiscard]] bool hold(Instant created) const {
        const std::int64_t when = seconds(created);
        return !(after && when <= *after) && !(from && when < *from) && !(before && when >= *before) &&
               !(until && when > *until) && !(at && when != *at);
    }
};

Bounds read_bounds(Form& form) {
    return {form.integer("created[gt]"), form.integer("created[gte]"), form.integer("created[lt]"),
            form.integer("created[lte]"), form.integer("created")};
}

/// What narrows a list of this kind.
struct Filter {
    std::string charge, intent;
    std::vector<std::string> types;
};

bool fits(const Intent&, const Filter&) {
    return true;
}
bool fits(const Charge& charge, const Filter& filter) {
    return filter.intent.empty() || charge.intent == filter.intent;
}
bool fits(const Refund& refund, const Filter& filter) {
    return (filter.intent.empty() || refund.intent == filter.intent) &&
           (filter.charge.empty() || refund.charge == filter.charge);
}
bool fits(const Dispute& dispute, const Filter& filter) {
    return (filter.intent.empty() || dispute.intent == filter.intent) &&
           (filter.charge.empty() || dispute.charge == filter.charge);
}
bool fits(const Event& event, const Filter& filter) {
    if (filter.types.empty()) return true;
    return std::any_of(filter.types.begin(), filter.types.end(), [&](std::string_view type) {
        if (type == "*") return true;
        if (type.ends_with(".*")) return event.type.starts_with(type.substr(0, type.size() - 1));
        return event.type == type;
    });
}

Filter read_filter(Form& form, std::string_view kind) {
    Filter filter;
    if (kind == "charges" || kind == "refunds" || kind == "disputes")
        filter.intent = form.text_or("payment_intent", "");
    if (kind == "refunds" || kind == "disputes") filter.charge = form.text_or("charge", "");
    if (kind == "events") {
        filter.types = form.list("types");
        if (const auto type = form.text("type")) filter.types.push_back(*type);
    }
    return filter;
}

Expand read_expand(Form& form, std::string_view kind) {
    if (kind == "payment_intents") return form.expand({"data.latest_charge.refunds", "data.payment_method"});
    if (kind == "charges") return form.expand({"data.refunds", "data.payment_intent"});
    if (kind == "refunds" || kind == "disputes") return form.expand({"data.charge", "data.payment_intent"});
    return form.expand({});
}

/// One of the conditions of a search, all of which must hold.
struct Term {
    std::string field;  ///< "status", "amount", "currency", "created" or "metadata"
    std::string key;    ///< of metadata
    std::string sign;   ///< ":" "<" ">" "<=" ">="
    std::string value;
};

bool same_ignoring_case(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char l, char r) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        return lower(l) == lower(r);
    });
}

/// 'text' or "text" with \' inside; nullopt when it does not end.
std::optional<std::string> take_quoted(std::string_view& rest) {
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"')) return std::nullopt;
    const char quote = rest.front();
    rest.remove_prefix(1);
    std::string value;
    while (!rest.empty() && rest.front() != quote) {
        if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
        value += rest.front();
        rest.remove_prefix(1);
    }
    if (rest.empty()) return std::nullopt;
    rest.remove_prefix(1);
    return value;
}

void skip_blanks(std::string_view& rest) {
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
}

std::string take_word(std::string_view& rest, std::string_view ends) {
    const std::size_t end = std::min(rest.find_first_of(ends), rest.size());
    std::string word(rest.substr(0, end));
    rest.remove_prefix(end);
    return word;
}

std::optional<Term> take_term(std::string_view& rest) {
    Term term;
    term.field = take_word(rest, "[:<> ");
    constexpr std::string_view known[] = {"status", "amount", "currency", "created", "metadata"};
    if (std::find(std::begin(known), std::end(known), term.field) == std::end(known)) return std::nullopt;
    if (term.field == "metadata") {
        if (rest.empty() || rest.front() != '[') return std::nullopt;
        rest.remove_prefix(1);
        auto key = take_quoted(rest);
        if (!key || rest.empty() || rest.front() != ']') return std::nullopt;
        rest.remove_prefix(1);
        term.key = std::move(*key);
    }
    for (const std::string_view sign : {"<=", ">=", "<", ">", ":"}) {
        if (!rest.starts_with(sign)) continue;
        term.sign = sign;
        rest.remove_prefix(sign.size());
        break;
    }
    const bool number = term.field == "amount" || term.field == "created";
    if (term.sign.empty() || (!number && term.sign != ":")) return std::nullopt;
    if (auto value = take_quoted(rest))
        term.value = std::move(*value);
    else
        term.value = take_word(rest, " ");
    return term.value.empty() ? std::nullopt : std::optional(std::move(term));
}

/// field:'value' AND metadata['key']:'value' ...; nullopt when it is not understood.
std::optional<std::vector<Term>> read_query(std::string_view rest) {
    std::vector<Term> terms;
    for (;;) {
        skip_blanks(rest);
        auto term = take_term(rest);
        if (!term || terms.size() == search_terms_max) return std::nullopt;
        terms.push_back(std::move(*term));
        skip_blanks(rest);
        if (rest.empty()) return terms;
        if (!same_ignoring_case(take_word(rest, " "), "and")) return std::nullopt;
    }
}

bool holds(const Term& term, std::int64_t value) {
    const auto wanted = term.value.size() <= 15 && std::all_of(term.value.begin(), term.value.end(),
                                                               [](char c) { return c >= '0' && c <= '9'; })
                            ? std::stoll(term.value)
                            : -1;
    if (term.sign == "<") return value < wanted;
    if (term.sign == ">") return value > wanted;
    if (term.sign == "<=") return value <= wanted;
    if (term.sign == ">=") return value >= wanted;
    return value == wanted;
}

bool holds(const Term& term, const Intent& intent) {
    if (term.field == "status") return term.value == word(intent.status);
    if (term.field == "currency") return same_ignoring_case(term.value, intent.currency);
    if (term.field == "amount") return holds(term, intent.amount);
    if (term.field == "created") return holds(term, seconds(intent.created));
    const auto found = intent.metadata.find(term.key);
    return found != intent.metadata.end() && same_ignoring_case(found->second, term.value);
}

}  // namespace

Answer Payments::read_one(Call& call, std::string_view kind, const std::string& id) {
    Form& form = call.form;
    const auto show = [&](const auto& shelf, std::string_view word, std::string param,
                          std::initializer_list<std::string_view> expandable) -> Answer {
        call.expand = form.expand(expandable);
        if (const auto& wrong = form.finish()) return refuse(*wrong, call);
        const auto* found = shelf.find(id);
        if (found == nullptr || found->account != call.account)
            return refuse(missing(word, id, std::move(param)), call);
        return answer(*found, call);
    };
    if (kind == "payment_intents") {
        const auto secret = form.text_or("client_secret", "");
        const Intent* intent = books_.intents.find(id, call.account);
        if (call.publishable && (intent == nullptr || !crypto::equal(intent->client_secret, secret)))
            return refuse(missing("payment_intent", id, "intent"), call);
        return show(books_.intents, "payment_intent", "intent", {"latest_charge.refunds", "payment_method"});
    }
    if (kind == "payment_methods") return show(books_.methods, "PaymentMethod", "payment_method", {});
    if (kind == "tokens") return show(books_.tokens, "token", "token", {});
    if (kind == "charges") return show(books_.charges, "charge", "id", {"refunds", "payment_intent"});
    if (kind == "refunds") return show(books_.refunds, "refund", "id", {"charge", "payment_intent"});
    if (kind == "disputes") return show(books_.disputes, "dispute", "id", {"charge", "payment_intent"});
    call.version = settings_.version;  // an event says what it said then
    return show(books_.events, "event", "id", {});
}

template <class T>
Answer Payments::list_shelf(Call& call, const Shelf<T>& shelf, std::string_view kind) {
    Form& form = call.form;
    const auto limit = form.integer("limit").value_or(page_objects);
    if (limit < 1 || limit > page_objects_max)
        form.refuse(wrong_parameter("parameter_invalid_integer", "limit", "limit is between 1 and 100"));
    const auto after = form.text("starting_after"), before = form.text("ending_before");
    if (after && before)
        form.refuse(wrong_parameter("parameters_exclusive", "starting_after",
                                    "You may only specify one of starting_after and ending_before."));
    const Bounds bounds = read_bounds(form);
    const Filter filter = read_filter(form, kind);
    call.expand = read_expand(form, kind).below("data");
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    for (const auto& cursor : {after, before})
        if (cursor) {
            const T* found = shelf.find(*cursor);
            if (found == nullptr || found->account != call.account)
                return refuse(missing(kind.substr(0, kind.size() - 1), *cursor,
                                      after ? "starting_after" : "ending_before"),
                              call);
        }
    // Newest first; before a cursor means the page that ends there.
    std::vector<const T*> page;
    bool more = false, begun = !after;
    for (auto at = shelf.all().rbegin(); at != shelf.all().rend(); ++at) {
        if (at->account != call.account) continue;
        if (before && at->id == *before) break;
        const bool skipped = !begun;
        if (after && at->id == *after) begun = true;
        if (skipped || !bounds.hold(at->created) || !fits(*at, filter)) continue;
        page.push_back(&*at);
        if (page.size() <= static_cast<std::size_t>(limit)) continue;
        more = true;
        if (!before) {
            page.pop_back();
            break;
        }
        page.erase(page.begin());
    }
    JsonWriter out;
    out.begin_object()
        .field("object", "list")
        .field("url", "/v1/" + std::string(kind))
        .field("has_more", more);
    out.key("data").begin_array();
    for (const T* object : page) print(out, *object, view(call));
    out.end_array().end_object();
    return {200, out.take(), true};
}

Answer Payments::list(Call& call, std::string_view kind) {
    if (kind == "payment_intents") return list_shelf(call, books_.intents, kind);
    if (kind == "charges") return list_shelf(call, books_.charges, kind);
    if (kind == "refunds") return list_shelf(call, books_.refunds, kind);
    if (kind == "disputes") return list_shelf(call, books_.disputes, kind);
    call.version = settings_.version;
    return list_shelf(call, books_.events, kind);
}

Answer Payments::search_intents(Call& call) {
    Form& form = call.form;
    const auto query = form.needed("query");
    const auto limit = form.integer("limit").value_or(page_objects);
    const auto page = form.integer("page").value_or(0);
    if (limit < 1 || limit > page_objects_max)
        form.refuse(wrong_parameter("parameter_invalid_integer", "limit", "limit is between 1 and 100"));
    if (page < 0) form.refuse(wrong_parameter("", "page", "page is none that this search gave"));
    call.expand = form.expand({"data.latest_charge.refunds", "data.payment_method"}).below("data");
    const auto terms = query.size() <= search_query_bytes_max ? read_query(query) : std::nullopt;
    if (!terms && !form.wrong())
        form.refuse(wrong_parameter("", "query",
                                    "We were unable to parse your search query: it is field:'value' or "
                                    "metadata['key']:'value', joined by AND."));
    if (const auto& wrong = form.finish()) return refuse(*wrong, call);
    JsonWriter out;
    out.begin_object().field("object", "search_result").field("url", "/v1/payment_intents/search");
    out.key("data").begin_array();
    std::int64_t seen = 0;
    const auto& all = books_.intents.all();
    for (auto at = all.rbegin(); at != all.rend() && seen <= page + limit; ++at) {
        if (at->account != call.account || at->created + call.stale > books_.now()) continue;
        if (!std::all_of(terms->begin(), terms->end(), [&](const Term& term) { return holds(term, *at); }))
            continue;
        if (++seen > page && seen <= page + limit) print(out, *at, view(call));
    }
    const bool more = seen > page + limit;
    out.end_array().field("has_more", more).key("next_page");
    if (more)
        out.string(std::to_string(page + limit));
    else
        out.null();
    out.end_object();
    return {200, out.take(), true};
}

}  // namespace kassi::sandbox::stripe
