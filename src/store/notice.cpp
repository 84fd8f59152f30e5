#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "store/store.hpp"

namespace kassi::store {

std::string notice_json(const core::Notice& notice) {
    JsonWriter json;
    json.begin_object();
    json.field("leg", notice.leg);
    json.field("event_id", notice.event_id);
    json.field("fact", core::word(notice.fact));
    if (notice.amount) {
        json.field("minor", notice.amount->minor);
        json.field("currency", notice.amount->currency.code());
    }
    json.key("references").begin_array();
    for (const auto& [kind, value] : notice.references)
        json.begin_array().string(kind).string(value).end_array();
    json.end_array();
    json.field("trust", core::word(notice.trust));
    json.field("dispute", notice.dispute);
    json.field("evidence", notice.evidence);
    if (notice.given_back) {
        json.field("given_back", notice.given_back->minor);
        json.field("given_back_currency", notice.given_back->currency.code());
    }
    if (!notice.refund_failed.empty()) json.field("refund_failed", notice.refund_failed);
    json.field("worth_a_look", notice.worth_a_look);
    json.end_object();
    return json.take();
}

Result<core::Notice> parse_notice(std::string_view text) {
    const auto parsed = parse_json(text, "notice");
    if (!parsed) return parsed.error();
    const auto& json = *parsed;
    try {
        core::Notice notice;
        notice.leg = json.at("leg").get<std::int64_t>();
        notice.event_id = json.at("event_id").get<std::string>();
        const auto fact = core::from_word<core::LegMoney>(json.at("fact").get<std::string>());
        const auto trust = core::from_word<core::Trust>(json.at("trust").get<std::string>());
        if (!fact || !trust) return bad_request("notice", "unknown word in a stored notice");
        notice.fact = *fact;
        notice.trust = *trust;
        if (json.contains("minor")) {
            const auto currency = Currency::parse(json.at("currency").get<std::string>(), "notice");
            if (!currency) return currency.error();
            notice.amount = Money{json.at("minor").get<std::int64_t>(), *currency};
        }
        for (const auto& reference : json.at("references"))
            notice.references.emplace_back(reference.at(0).get<std::string>(),
                                           reference.at(1).get<std::string>());
        notice.dispute = json.at("dispute").get<bool>();
        notice.evidence = json.at("evidence").get<std::string>();
        if (json.contains("given_back")) {
            const auto currency =
                Currency::parse(json.at("given_back_currency").get<std::string>(), "notice");
            if (!currency) return currency.error();
            notice.given_back = Money{json.at("given_back").get<std::int64_t>(), *currency};
        }
        notice.refund_failed = json.value("refund_failed", "");
        notice.worth_a_look = json.value("worth_a_look", true);
        return notice;
    } catch (const nlohmann::json::exception&) {
        return bad_request("notice", "a stored notice lacks a field or has one of another type");
    }
}

}  // namespace kassi::store
