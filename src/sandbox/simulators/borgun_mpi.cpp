#include <array>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_messages.hpp"
#include "sandbox/simulators/borgun_pages.hpp"
#include "sandbox/simulators/borgun_state.hpp"

/// The MPI behind the gateway: enrollment and validation.
namespace kassi::sandbox {

using borgun::message_answer;
using borgun::Problems;
using borgun::Record;
using borgun::Stage;

namespace {

constexpr std::int64_t exponent_max = 3;
constexpr std::size_t md_bytes_max = 1'000;
constexpr std::size_t description_bytes_max = 120;
constexpr int challenge_status = 9, method_status = 50, gone_status = 97;

/// MdStatus and what goes with it, when there is no record to speak of.
HttpResponse refused_validation(int md_status, bool syntax_good) {
    const auto row = borgun::md_of(md_status);
    JsonWriter out;
    out.begin_object()
        .field("MdStatus", std::to_string(md_status))
        .field("MdErrorMessage", row.message)
        .field("EnrollmentStatus", row.enrolled)
        .field("AuthenticationStatus", row.answer)
        .field("PAResVerified", "false")
        .field("PAResSyntaxOK", syntax_good ? "true" : "false")
        .end_object();
    return json_response(200, out.take());
}

/// Browser forms of a record: where they go, and their fields in order.
struct Redirect {
    std::string action;
    Fields fields;
};

void write_redirect(JsonWriter& out, const Redirect& redirect, bool lists_charset) {
    Fields in_form = redirect.fields;
    in_form.insert(in_form.begin(), {"_charset_", "UTF-8"});
    out.field("RedirectToACSForm", borgun::pages::redirect_form(redirect.action, in_form));
    out.key("RedirectToACSData").begin_array();
    const auto entry = [&](const std::string& name, const std::string& value) {
        out.begin_object().field("Name", name).field("Value", value).end_object();
    };
    entry("actionURL", redirect.action);
    for (const auto& [name, value] : lists_charset ? in_form : redirect.fields) entry(name, value);
    out.end_array();
}

}  // namespace

// ---- enrollment ----------------------------------------------------------------------------------------

HttpResponse BorgunHouse::State::enroll(const Call& call) {
    if (!call.body.has("CardDetails") && call.body.has("XId")) return enroll_again(call);
    Problems problems;
    auto record = read_enrollment(call, problems);
    if (!record) return problems.answer();
    if (is_full()) return message_answer(503, "The service is unavailable.");
    record->id = fresh_id("mpi-");
    record->message_id = ++last_message_id;
    std::string counter = std::to_string(record->message_id % 1'000'000);
    counter.insert(0, 6 - counter.size(), '0');
    record->created_at = clock.now();
    record->xid = encoding::base64(borgun::digits_of(record->created_at) + counter);
    record->tx_id = fresh_digits(10);
    record->server_id = fresh_uuid();
    record->acs_id = fresh_uuid();
    begin(*record);
    const Record& kept = records.put(std::move(*record));
    keep_index(kept);
    return enrollment_answer(kept);
}

std::optional<Record> BorgunHouse::State::read_enrollment(const Call& call, Problems& problems) {
    Record record;
    record.merchant = call.merchant;
    auto paying = read_paying(call.merchant, call.body, "CardDetails", problems);
    read_purchase(call, record, problems);
    read_addresses(call, record, problems);
    if (!problems.empty()) return std::nullopt;
    record.card = std::move(paying->card);
    return record;
}

void BorgunHouse::State::read_purchase(const Call& call, Record& record, Problems& problems) const {
    const auto amount = call.body.integer("PurchAmount");
    if (!amount || *amount < 0 || *amount > payment_minor_max) problems.add("PurchAmount", "Invalid format");
    record.amount = amount.value_or(0);
    const auto exponent = call.body.integer("Exponent");
    if (!exponent || *exponent < 0 || *exponent > exponent_max)
        problems.add("Exponent", "Invalid format");
    else
        record.exponent = static_cast<int>(*exponent);
    if (const auto* currency = currency_for(call.merchant, call.body, "Currency", problems))
        record.currency = currency->code;
}

void BorgunHouse::State::read_addresses(const Call& call, Record& record, Problems& problems) const {
    record.term_url = call.body.text("TermUrl");
    const auto term = parse_url(record.term_url, "TermUrl");
    const bool query = record.term_url.find('?') != std::string::npos;
    if (!term || (query && options.merchants[call.merchant].checks.term_url_query))
        problems.add("TermUrl", "Invalid format");
    record.md = call.body.text("MD");
    if (record.md.size() > md_bytes_max) problems.add("MD", "Too long");
    record.description = call.body.text("Description");
    if (record.description.size() > description_bytes_max) problems.add("Description", "Too long");
    record.method_url = call.body.text("TDS2ThreeDSMethodNotificationURL");
    if (!record.method_url.empty() && !parse_url(record.method_url, "url"))
        problems.add("TDS2ThreeDSMethodNotificationURL", "Invalid format");
}

void BorgunHouse::State::begin(Record& record) const {
    const bool krona = record.currency == "ISK";
    const bool zero_fails =
        record.card.plan.exponent_zero_fails || (krona && merchant_of(record).isk_exponent_zero_fails);
    const int iso = borgun::currency_of_code(record.currency)->exponent;
    const bool exponent_good = record.exponent == iso || (krona && record.exponent == 2);
    record.stage = Stage::final;
    if (!exponent_good) {
        record.md_status = 94;
    } else if (record.exponent == 0 && zero_fails) {
        record.md_status = 5;
    } else if (record.card.plan.method && !record.method_url.empty()) {
        record.stage = Stage::method;
        record.md_status = method_status;
    } else {
        go_on(record);
    }
}

void BorgunHouse::State::go_on(Record& record) {
    record.md_status = record.card.plan.enrolls;
    record.stage = record.md_status == challenge_status ? Stage::challenge : Stage::final;
}

/// After the 3DS Method: only identifiers, and whether it came to its end.
HttpResponse BorgunHouse::State::enroll_again(const Call& call) {
    const std::string indicator = call.body.text("TDS2ThreeDSCompInd");
    if (indicator != "Y" && indicator != "N" && indicator != "U")
        return borgun::problem("TDS2ThreeDSCompInd", "Invalid format");
    Record* record = record_by(record_by_xid, call.body.text("XId"));
    const bool live = record != nullptr && record->merchant == call.merchant &&
                      record->tx_id == call.body.text("TxId") && record->stage == Stage::method &&
                      !is_over(*record);
    if (!live) {
        const auto row = borgun::md_of(gone_status);
        JsonWriter out;
        out.begin_object()
            .field("ResultStatus", 0)
            .field("EnrollmentStatus", row.enrolled)
            .field("MdStatus", std::to_string(row.status))
            .field("MdErrorMessage", row.message)
            .end_object();
        return json_response(200, out.take());
    }
    go_on(*record);
    records.touch(record->id);
    return enrollment_answer(*record);
}

HttpResponse BorgunHouse::State::enrollment_answer(const Record& record) {
    const auto row = borgun::md_of(record.md_status);
    const auto& merchant = merchant_of(record);
    const bool pending = record.stage == Stage::challenge || record.stage == Stage::method;
    JsonWriter out;
    out.begin_object()
        .field("ResultStatus", 0)
        .field("MessageId", std::to_string(record.message_id))
        .field("EnrollmentStatus", row.enrolled);
    if (!row.answer.empty() && record.card.plan.protocol == 2) out.field("AuthenticationStatus", row.answer);
    out.field("MdStatus", std::to_string(record.md_status));
    if (!pending && record.md_status != 1) out.field("MdErrorMessage", row.message);
    if (!record.md.empty()) out.field("MD", record.md);
    if (pending || !row.level.empty()) out.field(merchant.mpi_token_name, record.id);
    out.field("XId", record.xid).field("TxId", record.tx_id);
    if (record.stage == Stage::method)
        out.field("TDSMethodContent",
                  borgun::pages::method_content(address("acs/method"),
                                                borgun::method_data_of(record.server_id, record.method_url)));
    if (record.stage == Stage::challenge) {
        Redirect redirect;
        if (record.card.plan.protocol == 1) {
            redirect.action = address("acs/pareq");
            redirect.fields = {{"PaReq", borgun::pareq_of(record, merchant.name, merchant.private_key)},
                               {"MD", std::to_string(record.message_id)},
                               {"TermUrl", record.term_url}};
        } else {
            redirect.action = address("acs/challenge");
            redirect.fields = {{"creq", borgun::creq_of(record)}};
            if (!record.md.empty())
                redirect.fields.emplace_back("threeDSSessionData", encoding::base64url(record.md));
        }
        write_redirect(out, redirect, merchant.lists_charset);
    }
    out.end_object();
    return json_response(200, out.take());
}

// ---- validation ----------------------------------------------------------------------------------------

HttpResponse BorgunHouse::State::validate(const Call& call) {
    const std::string pares = call.body.text("PARes");
    const std::string cres = call.body.text("CRes");
    if (pares.empty() == cres.empty()) return borgun::problem("PARes", "Either 'PARes' or 'CRes' is needed.");
    return pares.empty() ? validate_cres(call, cres) : validate_pares(call, pares);
}

Record* BorgunHouse::State::record_by(const Index& index, const std::string& key) {
    const auto found = index.find(key);
    return found == index.end() ? nullptr : records.find(found->second);
}

/// MD, when it comes, is the merchant's own (as it was, or as session data brought it) or the MPI's.
Record* BorgunHouse::State::live_record(const Call& call, const Index& index, const std::string& key) {
    Record* record = record_by(index, key);
    if (record == nullptr || record->merchant != call.merchant || record->stage != Stage::challenge ||
        is_over(*record))
        return nullptr;
    const std::string md = call.body.text("MD");
    const bool fits = md.empty() || md == record->md || md == std::to_string(record->message_id) ||
                      md == encoding::base64url(record->md);
    return fits ? record : nullptr;
}

/// A message that does not stand the test says nothing about the cardholder: the transaction stays live.
HttpResponse BorgunHouse::State::validate_pares(const Call& call, const std::string& pares) {
    const auto xid = borgun::xid_of(pares);
    if (!xid) return refused_validation(6, false);
    Record* record = live_record(call, record_by_xid, *xid);
    if (record == nullptr) return refused_validation(gone_status, true);
    const bool genuine =
        !record->outcome.empty() &&
        borgun::same_message(pares, borgun::pares_of(*record, merchant_of(*record).private_key));
    return genuine ? conclude(*record) : refused_validation(0, true);
}

/// A CRes is not signed: it counts as far as it says what the issuer has told the MPI.
HttpResponse BorgunHouse::State::validate_cres(const Call& call, const std::string& cres) {
    const auto said = borgun::read_challenge(cres);
    if (!said || said->type != "CRes") return refused_validation(6, false);
    Record* record = live_record(call, record_by_server_id, said->server_id);
    if (record == nullptr) return refused_validation(gone_status, true);
    const auto truth = borgun::read_challenge(borgun::cres_of(*record));
    const bool genuine = !record->outcome.empty() && said->complete &&
                         crypto::equal(said->acs_id, truth->acs_id) && said->status == truth->status;
    return genuine ? conclude(*record) : refused_validation(0, true);
}

HttpResponse BorgunHouse::State::conclude(Record& record) {
    record.md_status = borgun::md_after(record);
    record.stage = Stage::validated;
    records.touch(record.id);
    const auto row = borgun::md_of(record.md_status);
    JsonWriter out;
    out.begin_object()
        .field("XId", record.xid)
        .field("MdStatus", std::to_string(record.md_status))
        .field("MdErrorMessage", row.message)
        .field("EnrollmentStatus", "Y")
        .field("AuthenticationStatus", row.answer)
        .field("ECI", borgun::eci_of(record));
    if (record.md_status == 1 || record.md_status == 4)
        out.field("CAVV", borgun::cavv_of(merchant_of(record).private_key, record))
            .field("CAVVAlgorithm", "3");
    out.field("PAResVerified", "true").field("PAResSyntaxOK", "true").end_object();
    return json_response(200, out.take());
}

void BorgunHouse::State::keep_index(const Record& record) {
    record_by_xid[record.xid] = record.id;
    record_by_server_id[record.server_id] = record.id;
    record_by_acs_id[record.acs_id] = record.id;
    last_message_id = std::max(last_message_id, record.message_id);
}

}  // namespace kassi::sandbox
