#include "base/money.hpp"
#include "sandbox/simulators/borgun_messages.hpp"
#include "sandbox/simulators/borgun_pages.hpp"
#include "sandbox/simulators/borgun_state.hpp"

/// The issuer's access control server: the pages between the merchant and the MPI.
namespace kassi::sandbox {

using borgun::Record;
using borgun::Stage;
using borgun::pages::Framing;

namespace {

constexpr std::size_t session_data_bytes_max = 1'024;
constexpr auto framed = Framing::anywhere;

std::string field_of(const Fields& fields, std::string_view name) {
    const std::string* value = find_field(fields, name);
    return value == nullptr ? "" : *value;
}

/// What a button says of the cardholder; "" for no button of ours.
std::string_view outcome_of(std::string_view act) {
    if (act == "authenticate" || act == "authenticate_stay") return "Y";
    if (act == "fail" || act == "give_up") return "N";
    if (act == "attempt") return "A";
    if (act == "unavailable") return "U";
    return "";
}

}  // namespace

HttpResponse BorgunHouse::State::acs(const HttpRequest& request, const std::string& door) {
    if (request.method != "POST")
        return borgun::pages::say(405, "Not understood", "This page is reached by a form.", nonce(), framed);
    const auto fields = request_fields(request, false);
    if (!fields) return borgun::pages::say(400, "Not understood", "The form is malformed.", nonce(), framed);
    if (door == "pareq") return acs_pareq(*fields);
    if (door == "challenge") return acs_challenge(*fields);
    if (door == "method") return acs_method(*fields);
    if (door == "act") return acs_act(*fields);
    return borgun::pages::say(404, "Nothing lives here", "There is no such page.", nonce(), framed);
}

/// 3DS 1. The request must be the one that the MPI made, with the address that it was made for.
HttpResponse BorgunHouse::State::acs_pareq(const Fields& fields) {
    const std::string pareq = field_of(fields, "PaReq");
    const auto xid = borgun::xid_of(pareq);
    Record* record = xid ? record_by(record_by_xid, *xid) : nullptr;
    if (record == nullptr || record->card.plan.protocol != 1) return challenge_page(nullptr, "");
    const auto& merchant = merchant_of(*record);
    if (!borgun::same_message(pareq, borgun::pareq_of(*record, merchant.name, merchant.private_key)))
        return challenge_page(nullptr, "");
    if (field_of(fields, "TermUrl") != record->term_url || find_field(fields, "MD") == nullptr)
        return borgun::pages::say(400, "Not understood",
                                  "MD or TermUrl is missing, or is not what was enrolled.", nonce(), framed);
    return challenge_page(record, field_of(fields, "MD"));
}

HttpResponse BorgunHouse::State::acs_challenge(const Fields& fields) {
    const auto said = borgun::read_challenge(field_of(fields, "creq"));
    Record* record = said && said->type == "CReq" ? record_by(record_by_acs_id, said->acs_id) : nullptr;
    const bool fits =
        record != nullptr && record->server_id == said->server_id && record->card.plan.protocol == 2;
    return challenge_page(fits ? record : nullptr, field_of(fields, "threeDSSessionData"));
}

/// `carried`: MD or threeDSSessionData, which the issuer brings back as it was.
HttpResponse BorgunHouse::State::challenge_page(const Record* record, const std::string& carried) {
    if (record == nullptr)
        return borgun::pages::say(
            404, "Unknown authentication",
            "There is no authentication of this kind here, or its request was changed on "
            "its way.",
            nonce(), framed);
    if (carried.size() > session_data_bytes_max)
        return borgun::pages::say(400, "Not understood",
                                  "MD or threeDSSessionData is longer than 1024 bytes.", nonce(), framed);
    if (!record->outcome.empty()) return send_back(*record, carried, false);
    if (record->stage != Stage::challenge || is_over(*record))
        return borgun::pages::say(410, "This authentication is over", "Its time ran out.", nonce(), framed);
    borgun::pages::Choice choice;
    choice.above = "Your bank wants to know that it is you";
    choice.heading = "Pay to " + merchant_of(*record).name;
    choice.amount = decimal_from_minor(record->amount, record->exponent) + " " + record->currency;
    choice.lines = {{"Card", record->card.masked}};
    if (!record->description.empty()) choice.lines.emplace_back("For", record->description);
    choice.action = "/borgun/acs/act";
    choice.hidden = {{"authentication", record->acs_id}, {"carried", carried}};
    choice.buttons = {{"authenticate", "pay", "Authenticate", "it is me"},
                      {"fail", "no", "Fail", "a wrong password"},
                      {"give_up", "no", "Give up", "and return to the shop"}};
    choice.others = {{"attempt", "", "Attempt", "the bank only records that it was tried"},
                     {"unavailable", "", "Unavailable", "the bank cannot say"},
                     {"authenticate_stay", "", "Authenticate and walk away", "the browser never returns"},
                     {"leave", "", "Walk away", "nobody is authenticated, nobody returns"}};
    return borgun::pages::choose(choice, nonce(), framed);
}

HttpResponse BorgunHouse::State::acs_act(const Fields& fields) {
    Record* record = record_by(record_by_acs_id, field_of(fields, "authentication"));
    const std::string carried = field_of(fields, "carried");
    const std::string act = field_of(fields, "act");
    const bool open = record != nullptr && record->outcome.empty() && record->stage == Stage::challenge &&
                      !is_over(*record);
    // What was decided stays, whatever is pressed now.
    if (!open || carried.size() > session_data_bytes_max) return challenge_page(record, carried);
    if (act == "leave")
        return borgun::pages::say(200, "You walked away", "You can close this window.", nonce(), framed);
    const auto outcome = outcome_of(act);
    if (outcome.empty())
        return borgun::pages::say(400, "Not understood", "There is no such button.", nonce(), framed);
    record->outcome = outcome;
    records.touch(record->id);
    if (act == "authenticate_stay")
        return borgun::pages::say(200, "Authenticated", "The shop does not see you again.", nonce(), framed);
    return send_back(*record, carried, true);
}

HttpResponse BorgunHouse::State::send_back(const Record& record, const std::string& carried, bool at_once) {
    Fields fields;
    if (record.card.plan.protocol == 1) {
        fields = {{"PaRes", borgun::pares_of(record, merchant_of(record).private_key)}, {"MD", carried}};
    } else {
        fields = {{"cres", borgun::cres_of(record)}};
        if (!carried.empty()) fields.emplace_back("threeDSSessionData", carried);
    }
    const bool yes = record.outcome == "Y" || record.outcome == "A";
    return borgun::pages::post_to(yes ? "Thank you" : "Not authenticated",
                                  at_once ? "Your bank sends you back to the shop."
                                          : "This was decided already. Your bank sends you back to the shop.",
                                  record.term_url, fields, at_once, nonce(), framed);
}

/// The 3DS Method: looks at the browser, and tells the merchant's page that it is done.
HttpResponse BorgunHouse::State::acs_method(const Fields& fields) {
    const auto said = borgun::read_method_data(field_of(fields, "threeDSMethodData"));
    const Record* record = said ? record_by(record_by_server_id, said->server_id) : nullptr;
    if (record == nullptr || record->method_url.empty() || said->notification_url != record->method_url)
        return challenge_page(nullptr, "");
    return borgun::pages::post_to("One moment", "Your bank has looked at your browser.", record->method_url,
                                  {{"threeDSMethodData", borgun::method_data_of(record->server_id, "")}},
                                  true, nonce(), framed);
}

}  // namespace kassi::sandbox
