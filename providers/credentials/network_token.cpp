#include "providers/credentials/network_token.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.hpp"
#include "providers/credentials/wiped_json.hpp"

namespace kassi::providers::network_token {
namespace {

using nlohmann::json;

constexpr std::size_t eci_digits_max = 2;
constexpr int levels_max = 2;  ///< one more than there is, so that a member can be named
constexpr std::string_view members[] = {"number", "expiry", "cavv", "ucaf", "eci", "security_level"};
/// A text of this capacity leaves no copy behind when it is moved.
constexpr std::size_t on_the_heap = 32;

Error wrong(std::string_view member, std::string why) {
    return bad_request(std::string(credential_kind) + "." + std::string(member), std::move(why));
}

std::optional<Error> check_form(const json& root) {
    if (!root.is_object()) return bad_request(std::string(credential_kind), "is not a JSON object");
    for (const auto& [name, value] : root.items()) {
        if (std::find(std::begin(members), std::end(members), name) == std::end(members))
            return bad_request(std::string(credential_kind), "has a member that is not known");
        if (!value.is_string()) return wrong(name, "is not a text");
    }
    return std::nullopt;
}

Secret<> kept(std::string_view text) {
    std::string copy;
    copy.reserve(std::max(text.size(), on_the_heap));
    copy = text;
    return Secret<>{std::move(copy)};
}

/// The member that has the cryptogram of such a number.
std::string_view cryptogram_member(card::Scheme scheme) {
    return scheme == card::Scheme::visa ? "cavv" : "ucaf";
}

std::optional<Error> read_number(const WipedJson& parsed, NetworkToken& out) {
    const auto number = parsed.text("number");
    const auto scheme = card::scheme_of(number);
    if (!scheme || !card::is_number(number)) return wrong("number", "is not a number of a card");
    if (*scheme != card::Scheme::visa && *scheme != card::Scheme::mastercard)
        return wrong("number", "is neither of Visa nor of Mastercard");
    out.scheme = *scheme;
    out.number = kept(number);
    return std::nullopt;
}

std::optional<Error> read_expiry(const WipedJson& parsed, Instant now, NetworkToken& out) {
    const auto month = card::read_month(parsed.text("expiry"));
    if (!month) return wrong("expiry", "is not a month as MMYY");
    if (*month < card::month_of(now)) return wrong("expiry", "is over");
    out.expiry = *month;
    return std::nullopt;
}

std::optional<Error> read_cryptogram(const WipedJson& parsed, NetworkToken& out) {
    const auto member = cryptogram_member(out.scheme);
    const std::string_view other = member == "cavv" ? "ucaf" : "cavv";
    if (!parsed.text(other).empty()) return wrong(other, "is not of the number's scheme");
    const auto text = parsed.text(member);
    if (text.empty()) return wrong(member, "is missing");
    if (!is_cryptogram(text))
        return wrong(member, "is not Base64 of " + std::to_string(cryptogram_bytes_min) + " to " +
                                 std::to_string(cryptogram_bytes_max) + " bytes");
    out.cryptogram = kept(text);
    return std::nullopt;
}

std::optional<Error> read_words(const WipedJson& parsed, NetworkToken& out) {
    const auto eci = parsed.text("eci");
    if (!eci.empty() && !is_eci(eci)) return wrong("eci", "is not one or two digits");
    const auto level = parsed.text("security_level");
    if (!level.empty() && level != "0" && level != "1" && level != "2")
        return wrong("security_level", "is not 0, 1 or 2");
    out.eci = eci;
    out.level = level.empty() ? "2" : level;
    return std::nullopt;
}

}  // namespace

bool is_cryptogram(std::string_view base64) {
    constexpr std::size_t text_max = (cryptogram_bytes_max + 2) / 3 * 4;
    if (base64.size() > text_max) return false;
    auto bytes = encoding::from_base64(base64, "");
    if (!bytes) return false;
    const auto size = bytes->size();
    wipe(bytes->data(), size);
    return size >= cryptogram_bytes_min && size <= cryptogram_bytes_max;
}

bool is_eci(std::string_view text) {
    return card::is_digits(text) && text.size() <= eci_digits_max;
}

Result<NetworkToken> read(std::string_view text, Instant now) {
    const std::string kind(credential_kind);
    if (text.size() > text_bytes_max)
        return bad_request(kind, "has more than " + std::to_string(text_bytes_max) + " bytes");
    const auto parsed = WipedJson::parse(text, levels_max);
    if (!parsed) return bad_request(kind, "is no well-formed JSON object");
    if (auto fault = check_form(parsed->root())) return *fault;
    NetworkToken out;
    if (auto fault = read_number(*parsed, out)) return *fault;
    if (auto fault = read_expiry(*parsed, now, out)) return *fault;
    if (auto fault = read_cryptogram(*parsed, out)) return *fault;
    if (auto fault = read_words(*parsed, out)) return *fault;
    return out;
}

}  // namespace kassi::providers::network_token
