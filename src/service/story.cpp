#include "service/story.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "core/codec.hpp"

namespace kassi::service {
namespace {

using nlohmann::json;

void write_money(JsonWriter& out, std::string_view name, const Money& money) {
    out.key(name)
        .begin_object()
        .field("minor", money.minor)
        .field("currency", money.currency.code())
        .field("text", money_for_people(money))
        .end_object();
}

void write_instant(JsonWriter& out, std::string_view name, const std::optional<Instant>& at) {
    if (at) out.field(name, iso8601(*at));
}

void write_texts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
    out.key(name).begin_array();
    for (const auto& text : texts) out.string(text);
    out.end_array();
}

void write_head(JsonWriter& out, const core::Transaction& transaction) {
    out.field("transaction", transaction.id.text())
        .field("reference", transaction.reference)
        .field("phase", core::word(transaction.phase))
        .field("why", transaction.why)
        .field("settled", core::settled(transaction))
        .field("is_partial", core::is_partial(transaction))
        .field("needs_person", core::needs_person(transaction))
        .field("system", transaction.system)
        .field("caller", transaction.caller)
        .field("tracking", transaction.tracking)
        .field("handed_over_at", iso8601(transaction.handed_over_at))
        .field("held_until", iso8601(transaction.held_until));
    write_instant(out, "purchase_asked_at", transaction.purchase_asked_at);
    write_instant(out, "confirm_by", transaction.confirm_by);
    write_instant(out, "verdict_at", transaction.verdict_at);
    out.key("policy")
        .begin_object()
        .field("partial", transaction.policy.partial)
        .field("confirm", core::word(transaction.policy.confirm))
        .field("on_decline", core::word(transaction.policy.on_decline))
        .end_object();
}

void write_bundles(JsonWriter& out, const core::Transaction& transaction) {
    out.key("bundles").begin_array();
    for (const auto& bundle : transaction.bundles) {
        out.begin_object().field("source", bundle.source).field("description", bundle.description);
        write_money(out, "amount", bundle.amount);
        out.field("bought", core::bundle_bought(transaction, bundle.source));
        out.key("orders").begin_array();
        for (const auto& order : bundle.orders) {
            out.begin_object().field("item", order.item);
            write_money(out, "amount", order.amount);
            out.field("cancellable", order.cancellable).end_object();
        }
        out.end_array().end_object();
    }
    out.end_array();
}

void write_legs(JsonWriter& out, const core::Transaction& transaction) {
    out.key("legs").begin_array();
    for (const auto& leg : transaction.legs) {
        out.begin_object().field("no", leg.no);
        write_texts(out, "sources", leg.sources);
        out.field("merchant", leg.merchant).field("flow", leg.flow);
        write_money(out, "amount", leg.amount);
        out.field("word", core::leg_word(leg))
            .field("goal", core::word(leg.goal))
            .field("money", core::word(leg.money))
            .field("doing", core::word(leg.doing))
            .field("verb", core::word(leg.verb));
        if (leg.refused)
            out.field("refused", leg.refused->text.empty() ? leg.refused->code : leg.refused->text);
        if (leg.disputed) out.field("disputed", true);
        if (!leg.stuck.empty()) out.field("stuck", leg.stuck);
        if (!leg.doubt_why.empty()) out.field("doubt", leg.doubt_why);
        out.key("references").begin_array();
        for (const auto& [kind, reference] : leg.references)
            out.begin_object().field("kind", kind).field("reference", reference).end_object();
        out.end_array().end_object();
    }
    out.end_array();
}

/// Replays the journal: a sentence says what an event meant when it happened.
void write_story(JsonWriter& out, engine::Engine& engine, const TransactionId& id) {
    core::Transaction so_far;
    out.key("story").begin_array();
    for (const auto& stored : engine.store().journal(id)) {
        const auto row = core::parse_row(stored.json);
        out.begin_object()
            .field("number", stored.number)
            .field("version", stored.version)
            .field("at", iso8601(stored.at))
            .field("hash", stored.hash_hex);
        if (row) {
            out.field("input", row->input).field("by", row->by).field("tracking", row->tracking);
            std::vector<std::string> sentences;
            for (const auto& event : row->events) {
                core::apply(so_far, event, row->at);
                sentences.push_back(core::sentence(event, so_far));
            }
            write_texts(out, "sentences", sentences);
            write_texts(out, "effects", row->effects);
        } else {
            write_texts(out, "sentences",
                        {"This row cannot be read: " + row.error().message + "; run kassi verify"});
        }
        out.key("row").raw(row ? stored.json : "null").end_object();
        if (!row) break;
    }
    out.end_array();
}

void write_explanation(JsonWriter& out, const core::Explanation& explanation) {
    out.key("explanation").begin_object().field("summary", explanation.summary);
    write_texts(out, "because", explanation.because);
    write_texts(out, "waits_for", explanation.waits_for);
    out.field("next", explanation.next);
    write_instant(out, "next_at", explanation.next_at);
    out.field("needs_person", explanation.needs_person)
        .field("person_should", explanation.person_should)
        .end_object();
}

/// Reading what story_json() wrote: everything asked for is there.
std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? for_terminal(found->get<std::string>()) : "";
}

std::string time_of(const json& object, const char* name) {
    const auto at = parse_iso8601(text_of(object, name), name);
    return at ? instant_for_people(*at) : "";
}

std::string joined(const json& list) {
    std::string out;
    for (const auto& entry : list) out += (out.empty() ? "" : ", ") + for_terminal(entry.get<std::string>());
    return out;
}

void head_text(std::string& out, const json& story) {
    const bool settled = story.at("settled").get<bool>();
    out +=
        fmt::format("{}  {}{}{}\n", text_of(story, "reference"), text_of(story, "phase"),
                    story.at("is_partial").get<bool>() ? " in part" : "", settled ? "" : ", not settled yet");
    const auto line = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out += fmt::format("  {:<14}{}\n", name, value);
    };
    line("id", text_of(story, "transaction"));
    line("system", text_of(story, "system"));
    line("caller", text_of(story, "caller"));
    line("tracking", text_of(story, "tracking"));
    line("handed over", time_of(story, "handed_over_at"));
    line("held until", time_of(story, "held_until"));
    line("confirm by", time_of(story, "confirm_by"));
    line("verdict",
         time_of(story, "verdict_at") + (text_of(story, "why").empty() ? "" : ", " + text_of(story, "why")));
    const auto& policy = story.at("policy");
    line("policy",
         fmt::format("{}; {}; {}", policy.at("partial").get<bool>() ? "in parts too" : "all or nothing",
                     text_of(policy, "confirm") == "owner" ? "the owner confirms" : "nobody has to confirm",
                     text_of(policy, "on_decline") == "again" ? "after a decline another way may be tried"
                                                              : "a decline is final"));
}

void bundles_text(std::string& out, const json& story) {
    out += "\nBundles\n";
    for (const auto& bundle : story.at("bundles")) {
        out += fmt::format("  {}  {}  {}{}\n", text_of(bundle, "source"), text_of(bundle, "description"),
                           text_of(bundle.at("amount"), "text"),
                           bundle.at("bought").get<bool>() ? "  bought" : "");
        for (const auto& order : bundle.at("orders")) {
            out += fmt::format("    order {}  {}{}\n", order.at("item").get<std::int64_t>(),
                               text_of(order.at("amount"), "text"),
                               order.at("cancellable").get<bool>() ? "" : "  cannot be cancelled");
        }
    }
}

void legs_text(std::string& out, const json& story) {
    if (story.at("legs").empty()) return;
    out += "\nLegs\n";
    for (const auto& leg : story.at("legs")) {
        out += fmt::format("  {}  {} by {} ({})  {}  {}\n", leg.at("no").get<std::int64_t>(),
                           joined(leg.at("sources")), text_of(leg, "merchant"), text_of(leg, "flow"),
                           text_of(leg.at("amount"), "text"), text_of(leg, "word"));
        for (const char* name : {"refused", "stuck", "doubt"}) {
            if (const auto value = text_of(leg, name); !value.empty())
                out += fmt::format("     {}: {}\n", name, value);
        }
        if (leg.contains("disputed")) out += "     disputed at the bank\n";
        for (const auto& reference : leg.at("references"))
            out += fmt::format("     {}: {}\n", text_of(reference, "kind"), text_of(reference, "reference"));
    }
}

void events_text(std::string& out, const json& story) {
    out += "\nStory\n";
    for (const auto& row : story.at("story")) {
        const auto tracking = text_of(row, "tracking");
        out += fmt::format("  {}  {} by {}{}\n", time_of(row, "at"), text_of(row, "input"),
                           text_of(row, "by"), tracking.empty() ? "" : " (" + tracking + ")");
        for (const auto& sentence : row.at("sentences"))
            out += "      " + for_terminal(sentence.get<std::string>()) + "\n";
    }
}

void explanation_text(std::string& out, const json& story) {
    const auto& why = story.at("explanation");
    out += "\nWhy\n  " + text_of(why, "summary") + "\n";
    for (const auto& sentence : why.at("because"))
        out += "  " + for_terminal(sentence.get<std::string>()) + "\n";
    for (const auto& what : why.at("waits_for"))
        out += "  Waits for: " + for_terminal(what.get<std::string>()) + "\n";
    if (const auto next = text_of(why, "next"); !next.empty()) {
        const auto at = time_of(why, "next_at");
        out += "  Next: " + next + (at.empty() ? "" : " (" + at + ")") + "\n";
    }
    if (why.at("needs_person").get<bool>())
        out += "  NEEDS A PERSON: " + text_of(why, "person_should") + "\n";
}

}  // namespace

namespace {

/// `text` is UTF-8.
void add_printable(std::string& out, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // C1 controls are C2 80 to C2 9F in UTF-8; some terminals obey them.
        const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1) ++i;
        out += c1 || byte < 0x20 || byte == 0x7F ? '?' : text[i];
    }
}

}  // namespace

std::string for_terminal(std::string_view text) {
    constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
    std::string out;
    out.reserve(text.size());
    for (;;) {
        const auto good = encoding::utf8_bytes(text);
        add_printable(out, text.substr(0, good));
        if (good == text.size()) return out;
        out += replacement;
        text.remove_prefix(good + 1);
    }
}

Result<TransactionId> find_transaction(engine::Engine& engine, std::string_view text) {
    if (const auto id = TransactionId::parse(text, "transaction")) {
        if (engine.view(*id, "", "")) return *id;
    } else {
        std::string reference(text);
        std::transform(reference.begin(), reference.end(), reference.begin(),
                       [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        if (const auto found = engine.store().find_reference(reference)) return *found;
    }
    return Error{ErrorKind::not_found, "transaction",
                 "there is no transaction " + for_terminal(text.substr(0, 64))};
}

Result<std::string> story_json(engine::Engine& engine, std::string_view transaction) {
    const auto id = find_transaction(engine, transaction);
    if (!id) return id.error();
    const auto view = engine.view(*id, "", "");
    if (!view) return view.error();
    JsonWriter out;
    out.begin_object();
    write_head(out, view->transaction);
    write_bundles(out, view->transaction);
    write_legs(out, view->transaction);
    write_story(out, engine, *id);
    write_explanation(out, engine.explain(view->transaction));
    out.end_object();
    return out.take();
}

std::string story_text(std::string_view json_text) {
    const auto story = json::parse(json_text);
    std::string out;
    head_text(out, story);
    bundles_text(out, story);
    legs_text(out, story);
    events_text(out, story);
    explanation_text(out, story);
    return out;
}

}  // namespace kassi::service
