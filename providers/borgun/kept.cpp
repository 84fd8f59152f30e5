#include "providers/borgun/kept.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "providers/reading.hpp"

namespace kassi::providers::borgun {
namespace {

constexpr std::pair<Stage, std::string_view> words[] = {{Stage::none, ""},
                                                        {Stage::token_page, "token_page"},
                                                        {Stage::enrolled, "enrolled"},
                                                        {Stage::method, "method"},
                                                        {Stage::challenge, "challenge"}};

struct TextMember {
    std::string_view name;
    std::string Kept::*member;
};
constexpr TextMember texts[] = {{"mpi_token", &Kept::mpi_token}, {"xid", &Kept::xid},
                                {"tx_id", &Kept::tx_id},         {"md", &Kept::md},
                                {"term_url", &Kept::term_url},   {"action_code", &Kept::action_code},
                                {"refund_id", &Kept::refund_id}, {"rejected", &Kept::rejected}};

int small_integer(const nlohmann::json& object, std::string_view name, int otherwise) {
    constexpr std::int64_t most = 1'000'000;
    const auto value = integer_of(object, name);
    return value && *value >= -1 && *value <= most ? static_cast<int>(*value) : otherwise;
}

bool flag(const nlohmann::json& object, std::string_view name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

std::string write(const Kept& kept) {
    JsonWriter json;
    json.begin_object();
    for (const auto& [stage, word] : words)
        if (stage == kept.stage) json.field("stage", word);
    for (const auto& [name, member] : texts)
        if (!(kept.*member).empty()) json.field(name, kept.*member);
    json.field("exponent", kept.exponent)
        .field("event", kept.event)
        .field("action_status", kept.action_status)
        .field("method_done", kept.method_done)
        .field("payment_sent", kept.payment_sent)
        .end_object();
    return json.take();
}

Kept read_kept(const std::string& text) {
    Kept kept;
    const auto object = object_of(text);
    if (!object) return kept;
    const auto stage = text_of(*object, "stage");
    for (const auto& [known, word] : words)
        if (word == stage) kept.stage = known;
    for (const auto& [name, member] : texts) kept.*member = text_of(*object, name);
    kept.exponent = small_integer(*object, "exponent", -1);
    kept.event = small_integer(*object, "event", -1);
    kept.action_status = small_integer(*object, "action_status", 0);
    kept.method_done = flag(*object, "method_done");
    kept.payment_sent = flag(*object, "payment_sent");
    return kept;
}

}  // namespace kassi::providers::borgun
