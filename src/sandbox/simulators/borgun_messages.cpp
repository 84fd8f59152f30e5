#include "sandbox/simulators/borgun_messages.hpp"

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/money.hpp"
#include "sandbox/simulators/borgun_wire.hpp"

namespace kassi::sandbox::borgun {
namespace {

constexpr std::size_t cryptogram_bytes = 20;
constexpr std::string_view challenge_version = "2.1.0";
constexpr std::string_view acquirer_bin = "500100";

std::string element(std::string_view name, std::string_view text) {
    return "<" + std::string(name) + ">" + encoding::html(text) + "</" + std::string(name) + ">";
}

/// The xid begins with the time of the enrollment: "20260110100000000001" -> "20260110 10:00:00".
std::string purchase_date(const Record& record) {
    const auto digits = encoding::from_base64(record.xid, "xid");
    KASSI_ENSURE(digits && digits->size() >= 14);
    return digits->substr(0, 8) + " " + digits->substr(8, 2) + ":" + digits->substr(10, 2) + ":" +
           digits->substr(12, 2);
}

std::string purchase_of(const Record& record) {
    const auto* currency = currency_of_code(record.currency);
    return element("xid", record.xid) + element("date", purchase_date(record)) +
           element("purchAmount", std::to_string(record.amount)) +
           element("currency", currency == nullptr ? "" : currency->number) +
           element("exponent", std::to_string(record.exponent));
}

std::string message_of(const Record& record, std::string_view body) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ThreeDSecure><Message id=\"" +
           std::to_string(record.message_id) + "\">" + std::string(body) + "</Message></ThreeDSecure>";
}

std::string pack(std::string_view xml) {
    return encoding::base64(zlib_pack(xml));
}

std::optional<std::string> unpack(std::string_view packed) {
    const auto bytes = lenient_base64(packed);
    return bytes ? zlib_unpack(*bytes) : std::nullopt;
}

/// What the cardholder did, as TX/status says it.
std::string_view outcome_letter(const Record& record) {
    switch (md_after(record)) {
        case 0:
            return "N";
        case 1:
            return "Y";
        case 4:
            return "A";
        default:
            return "U";
    }
}

std::string packed_json(const nlohmann::ordered_json& object) {
    return encoding::base64url(object.dump());
}

}  // namespace

std::string cavv_of(std::string_view key, const Record& record) {
    const auto mark = crypto::to_bytes(crypto::hmac_sha256(key, "cavv " + record.xid));
    return encoding::base64(std::string_view(mark).substr(0, cryptogram_bytes));
}

std::string_view eci_of(const Record& record) {
    const bool mastercard = record.card.type == "MasterCard" || record.card.type == "Maestro";
    const std::string_view level = md_of(record.md_status).level;
    if (level == "2") return mastercard ? "02" : "05";
    if (level == "1") return mastercard ? "01" : "06";
    return mastercard ? "00" : "07";
}

int md_after(const Record& record) {
    if (record.outcome == "Y") return record.card.plan.ends;
    if (record.outcome == "A") return 4;
    if (record.outcome == "U") return 5;
    return 0;
}

std::string pareq_of(const Record& record, const std::string& merchant_name, const std::string& key) {
    const std::string account = crypto::keyed_digest(key, record.card.digest);
    const std::string expiry =
        record.card.year.size() == 4 ? record.card.year.substr(2) + record.card.month : "";
    std::string body = "<PAReq>" + element("version", "1.0.2");
    body += "<Merchant>" + element("acqBIN", acquirer_bin) + element("merID", merchant_name) +
            element("name", merchant_name) + element("country", "352") + "</Merchant>";
    std::string purchase = purchase_of(record);
    const std::string shown = record.currency + " " + decimal_from_minor(record.amount, record.exponent);
    purchase.insert(purchase.find("<purchAmount>"), element("amount", shown));
    body += "<Purchase>" + purchase + element("desc", record.description) + "</Purchase>";
    body += "<CH>" + element("acctID", account) + element("expiry", expiry) + "</CH></PAReq>";
    return pack(message_of(record, body));
}

std::string pares_of(const Record& record, const std::string& key) {
    const std::string_view status = outcome_letter(record);
    const std::string& shown = record.card.masked;
    const std::string pan = std::string(shown.size() - 4, '0') + shown.substr(shown.size() - 4);
    std::string body = "<PARes id=\"PARes" + std::to_string(record.message_id) + "\">" +
                       element("version", "1.0.2") + "<Merchant>" + element("acqBIN", acquirer_bin) +
                       "</Merchant><Purchase>" + purchase_of(record) + "</Purchase>" + element("pan", pan) +
                       "<TX>" + element("time", purchase_date(record)) + element("status", status);
    if (status == "Y" || status == "A")
        body += element("cavv", cavv_of(key, record)) + element("eci", status == "Y" ? "05" : "06") +
                element("cavvAlgorithm", "3");
    body += "</TX></PARes>";
    // In place of an XML signature.
    const auto mark = encoding::hex(crypto::to_bytes(crypto::hmac_sha256(key, "pares " + body)));
    return pack(message_of(record, body + element("Signature", mark)));
}

std::optional<std::string> xid_of(std::string_view packed) {
    constexpr std::string_view begin = "<xid>", end = "</xid>";
    const auto xml = unpack(packed);
    if (!xml) return std::nullopt;
    const std::size_t from = xml->find(begin);
    const std::size_t to = xml->find(end);
    if (from == std::string::npos || to == std::string::npos || to < from) return std::nullopt;
    return xml->substr(from + begin.size(), to - from - begin.size());
}

bool same_message(std::string_view left, std::string_view right) {
    const auto one = unpack(left), other = unpack(right);
    return one && other && crypto::equal(*one, *other);
}

std::string creq_of(const Record& record) {
    return packed_json({{"threeDSServerTransID", record.server_id},
                        {"acsTransID", record.acs_id},
                        {"messageVersion", challenge_version},
                        {"messageType", "CReq"},
                        {"challengeWindowSize", "05"}});
}

std::string cres_of(const Record& record) {
    const std::string_view letter = outcome_letter(record);
    return packed_json({{"threeDSServerTransID", record.server_id},
                        {"acsTransID", record.acs_id},
                        {"challengeCompletionInd", "Y"},
                        {"messageVersion", challenge_version},
                        {"messageType", "CRes"},
                        {"transStatus", letter == "Y" || letter == "A" ? "Y" : "N"}});
}

std::optional<Challenge> read_challenge(std::string_view message) {
    const auto text = lenient_base64(message);
    auto parsed = text ? parse_json(*text) : Result<nlohmann::json>(Error{});
    if (!parsed || !parsed->is_object()) return std::nullopt;
    const Body body(*parsed);
    return Challenge{body.text("threeDSServerTransID"), body.text("acsTransID"), body.text("messageType"),
                     body.text("transStatus"), body.text("challengeCompletionInd") == "Y"};
}

std::string method_data_of(const std::string& server_id, const std::string& notification_url) {
    nlohmann::ordered_json data{{"threeDSServerTransID", server_id}};
    if (!notification_url.empty()) data["threeDSMethodNotificationURL"] = notification_url;
    return packed_json(data);
}

std::optional<MethodData> read_method_data(std::string_view data) {
    const auto text = lenient_base64(data);
    auto parsed = text ? parse_json(*text) : Result<nlohmann::json>(Error{});
    if (!parsed || !parsed->is_object()) return std::nullopt;
    const Body body(*parsed);
    return MethodData{body.text("threeDSServerTransID"), body.text("threeDSMethodNotificationURL")};
}

}  // namespace kassi::sandbox::borgun
