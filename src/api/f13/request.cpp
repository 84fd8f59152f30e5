#include "api/f13/request.hpp"

#include <algorithm>
#include <charconv>

#include "api/router.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "engine/returns.hpp"

namespace kassi::api::f13 {
namespace {

constexpr std::string_view root = "/f13/";
constexpr std::string_view callback_endpoint = "callback.v1";
constexpr std::string_view this_mark = "this.", next_mark = "next.";
constexpr std::string_view callback_mark = "_callback/";  ///< f13.md section 2, StripeDetails
/// What a page brings, and the kind of credential that it is.
constexpr std::pair<std::string_view, std::string_view> callback_parameters[] = {
    {"stripeToken", "stripe_token"}, {"borgunToken", "borgun_token"}, {"applePayToken", "apple_pay"}};
constexpr std::size_t suffix_segments_max = 3;  // user, sub-user, language
constexpr std::int64_t item_max = 999'999'999;
constexpr std::size_t items_max = limits::bundles_max * limits::orders_per_bundle_max;

Error no_such_endpoint() {
    return Error{ErrorKind::not_found, "", "there is no such endpoint"};
}

Result<std::vector<std::string>> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        const auto slash = path.find('/');
        auto segment = encoding::percent_decode(path.substr(0, slash), false, "path");
        if (!segment) return segment.error();
        if (!encoding::is_utf8(*segment)) return bad_request("path", "is not UTF-8");
        segments.push_back(std::move(*segment));
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return segments;
}

Result<Target> read_callback(const std::vector<std::string>& segments, Target target, std::size_t& used) {
    if (segments.size() < 2 || !segments[1].starts_with(this_mark))
        return bad_request("this", "is missing: /f13/callback.v1/this.{token}/next.{token}");
    target.this_token = segments[1].substr(this_mark.size());
    if (auto error = engine::check_return_token(target.this_token, "this")) return *error;
    used = 2;
    // What it is worth is looked at where it is needed; the last callout of a transaction needs none.
    if (segments.size() > 2 && segments[2].starts_with(next_mark)) {
        target.next_token = segments[2].substr(next_mark.size());
        used = 3;
    }
    return target;
}

std::string text_of(const Fields& fields, std::string_view name) {
    const auto* value = find_field(fields, name);
    return value == nullptr ? std::string() : *value;
}

}  // namespace

Result<Target> read_target(std::string_view path) {
    if (!path.starts_with(root)) return no_such_endpoint();
    const auto segments = segments_of(path.substr(root.size()));
    if (!segments) return segments.error();
    if (segments->empty()) return no_such_endpoint();
    Target target;
    target.endpoint = segments->front();
    if (target.endpoint.size() > limits::text_bytes_max) return no_such_endpoint();
    std::size_t used = 1;
    if (target.endpoint == callback_endpoint) {
        auto callback = read_callback(*segments, std::move(target), used);
        if (!callback) return callback.error();
        target = std::move(*callback);
    }
    if (segments->size() - used > suffix_segments_max) return no_such_endpoint();
    return target;
}

Result<bool> read_flag(const Fields& fields, std::string_view name, bool fallback) {
    const auto* value = find_field(fields, name);
    if (value == nullptr) return fallback;
    const auto text = ascii_lower(*value);
    if (text.empty() || text == "true" || text == "1" || text == "yes") return true;
    if (text == "false" || text == "0" || text == "no") return false;
    return bad_request(std::string(name), "is neither true nor false");
}

Result<std::vector<std::int64_t>> read_items(const Fields& fields, std::string_view name) {
    std::vector<std::int64_t> items;
    const auto* value = find_field(fields, name);
    if (value == nullptr) return items;
    std::string_view rest = *value;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        auto piece = rest.substr(0, comma);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        const auto first = piece.find_first_not_of(' ');
        if (first != std::string_view::npos)
            piece = piece.substr(first, piece.find_last_not_of(' ') - first + 1);
        std::int64_t item = 0;
        const auto [end, problem] = std::from_chars(piece.data(), piece.data() + piece.size(), item);
        if (problem != std::errc() || end != piece.data() + piece.size() || item < 1 || item > item_max)
            return bad_request(std::string(name), "is not a list of item numbers with commas between them");
        if (items.size() == items_max) return bad_request(std::string(name), "has too many item numbers");
        items.push_back(item);
    }
    return items;
}

Result<std::string> read_required(const Fields& fields, std::string_view name) {
    const auto* value = find_field(fields, name);
    if (value == nullptr || value->empty()) return bad_request(std::string(name), "is missing");
    return *value;
}

std::string read_tracking(const Fields& fields) {
    auto text = text_of(fields, "tsw_session_track_id");
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (!printable || text.size() > limits::tracking_id_bytes_max || text.find_first_not_of(' ') != 0 ||
        is_card_number(text))
        return {};
    return text;
}

Fields without_call_parameters(Fields fields) {
    std::erase_if(fields, [](const auto& field) {
        return field.first == "sub_id" || field.first == "tsw_session_track_id";
    });
    return fields;
}

Result<std::map<std::string, core::Credential>> read_credentials(const Fields& fields) {
    std::map<std::string, core::Credential> credentials;
    for (const auto& [name, value] : fields) {
        const auto mark = name.find(callback_mark);
        if (mark == std::string::npos) continue;
        const auto brought = std::string_view(name).substr(mark + callback_mark.size());
        const auto* kind = std::find_if(std::begin(callback_parameters), std::end(callback_parameters),
                                        [brought](const auto& each) { return each.first == brought; });
        if (kind == std::end(callback_parameters))
            return bad_request(std::string(name_for_error(name, "a ..._callback/... parameter")),
                               "is nothing that a way of paying knows");
        const core::Credential credential{std::string(kind->second), value};
        const auto [known, added] = credentials.try_emplace(name.substr(0, mark), credential);
        if (!added && known->second != credential)
            return bad_request(std::string(name_for_error(name, "a ..._callback/... parameter")),
                               "comes twice, with two values");
    }
    return credentials;
}

std::string credential_parameter(std::string_view source, const Fields& fields) {
    const auto prefix = std::string(source).append(callback_mark);
    for (const auto& field : fields)
        if (field.first.starts_with(prefix)) return field.first;
    return prefix + "...";
}

std::optional<engine::ReturnDetails> read_returns(const Fields& fields) {
    engine::ReturnDetails returns;
    returns.via = core::ReturnVia::caller;
    returns.token = text_of(fields, "return_token");
    returns.url = text_of(fields, "return_url");
    returns.user_agent = text_of(fields, "client_http_user_agent");
    returns.accept = text_of(fields, "client_http_accept");
    returns.remote_site = text_of(fields, "remote_site");
    returns.remote_ip = text_of(fields, "remote_ip");
    if (returns.token.empty() && returns.url.empty()) return std::nullopt;
    return returns;
}

}  // namespace kassi::api::f13
