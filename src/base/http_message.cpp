#include "base/http_message.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <iterator>

#include "base/json.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace kassi {
namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;
// RFC 1035 section 2.3.4.
constexpr std::size_t host_bytes_max = 253;

std::string_view path_of(std::string_view target) {
    return target.substr(0, target.find('?'));
}

std::string_view query_of(std::string_view target) {
    const auto mark = target.find('?');
    return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

std::string_view header_of(const Fields& headers, std::string_view name) {
    for (const auto& [header, value] : headers)
        if (same_header_name(header, name)) return value;
    return {};
}

/// A host name that a certificate, a list of registered hosts and a resolver read in the same way.
bool is_plain_host(std::string_view host) {
    if (host.empty() || host.size() > host_bytes_max || host.front() == '.' || host.back() == '.' ||
        host.find("..") != std::string_view::npos)
        return false;
    return std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
}

/// "127.1", "2130706433", "0x7f.0.0.1": names to a URL parser, but some resolvers and every browser read an
/// IPv4 address there (WHATWG URL, "ends in a number").
bool ends_in_number(std::string_view host) {
    const auto last = host.substr(host.rfind('.') + 1);
    return last.starts_with("0x") || last.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view media_type(std::string_view content_type) {
    const auto word = content_type.substr(0, content_type.find(';'));
    const auto first = word.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return word.substr(first, word.find_last_not_of(" \t") - first + 1);
}

Result<Fields> body_fields(const HttpRequest& request, bool json_too) {
    const auto content_type = request.header("Content-Type");
    const auto type = ascii_lower(media_type(content_type));
    if (type == "application/x-www-form-urlencoded")
        return encoding::parse_form(request.body, "body", limits::form_fields_max);
    if (type == "multipart/form-data")
        return encoding::parse_multipart(request.body, content_type, limits::form_fields_max);
    if (json_too && type == "application/json")
        return parse_flat_json(request.body, "body", limits::form_fields_max);
    return Error{ErrorKind::unsupported_media, "Content-Type",
                 json_too ? "is none of a urlencoded form, a multipart form and JSON"
                          : "is neither a urlencoded nor a multipart form"};
}

}  // namespace

std::string_view HttpRequest::path() const {
    return path_of(target);
}

std::string_view HttpRequest::query() const {
    return query_of(target);
}

std::string_view HttpRequest::header(std::string_view name) const {
    return header_of(headers, name);
}

std::string_view HttpResponse::header(std::string_view name) const {
    return header_of(headers, name);
}

bool same_header_name(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char l, char r) { return ascii_lower(l) == ascii_lower(r); });
}

std::string_view Url::path() const {
    return path_of(target);
}

std::string_view Url::query() const {
    return query_of(target);
}

std::string Url::origin() const {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    auto text = scheme + "://" + (is_ipv6 ? "[" + host + "]" : host);
    if (port != (scheme == "https" ? https_port : http_port)) text += ":" + std::to_string(port);
    return text;
}

Result<Url> parse_url(std::string_view text, std::string_view field) {
    const auto refuse = [&](std::string why) { return bad_request(std::string(field), std::move(why)); };
    const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
    if (!parsed) return refuse("is not an absolute URL");
    const auto& view = *parsed;

    Url url;
    switch (view.scheme_id()) {
        case boost::urls::scheme::http:
            url.scheme = "http";
            url.port = http_port;
            break;
        case boost::urls::scheme::https:
            url.scheme = "https";
            url.port = https_port;
            break;
        default:
            return refuse("is not an http or https URL");
    }
    if (view.has_userinfo()) return refuse("has a user name before its host");
    if (view.has_fragment()) return refuse("has a fragment ('#')");

    switch (view.host_type()) {
        case boost::urls::host_type::name:
            url.host = ascii_lower(std::string(view.encoded_host()));
            if (ends_in_number(url.host)) return refuse("has a number for a host");
            break;
        case boost::urls::host_type::ipv4:
            url.host = ascii_lower(std::string(view.encoded_host()));
            break;
        case boost::urls::host_type::ipv6:
            url.host = view.host_ipv6_address().to_string();
            break;
        case boost::urls::host_type::ipvfuture:
        case boost::urls::host_type::none:
            break;
    }
    if (view.host_type() != boost::urls::host_type::ipv6 && !is_plain_host(url.host))
        return refuse("has no proper host");
    if (view.has_port() && !view.port().empty()) {
        url.port = view.port_number();  // 0 for what 16 bits do not hold
        if (url.port == 0) return refuse("has a port that is none");
    }

    url.target = std::string(view.encoded_path());
    if (url.target.empty()) url.target = "/";
    // Boost.URL 1.81 reads "1.2.3.4.evil.example" as the host 1.2.3.4 and the path ".evil.example".
    if (url.target.front() != '/') return refuse("has something behind its host");
    if (view.has_query()) url.target.append("?").append(std::string(view.encoded_query()));
    return url;
}

Result<Fields> request_fields(const HttpRequest& request, bool json_too) {
    auto fields = encoding::parse_form(request.query(), "query", limits::form_fields_max);
    if (!fields || request.body.empty()) return fields;
    auto more = body_fields(request, json_too);
    if (!more) return more;
    if (fields->size() + more->size() > limits::form_fields_max)
        return Error{ErrorKind::too_large, "body",
                     "has, with the query, more than " + std::to_string(limits::form_fields_max) + " fields"};
    fields->insert(fields->end(), std::make_move_iterator(more->begin()),
                   std::make_move_iterator(more->end()));
    return fields;
}

HttpResponse json_response(int status, std::string body) {
    return {status,
            {{"Content-Type", "application/json"},
             {"Cache-Control", "no-store"},
             {"X-Content-Type-Options", "nosniff"}},
            std::move(body)};
}

HttpResponse html_response(int status, std::string body, std::string_view content_security_policy) {
    KASSI_ENSURE(!has_control_character(content_security_policy));
    return {status,
            {{"Content-Type", "text/html; charset=utf-8"},
             {"Cache-Control", "no-store"},
             {"Content-Security-Policy", std::string(content_security_policy)},
             {"Referrer-Policy", "no-referrer"},
             {"X-Content-Type-Options", "nosniff"},
             {"X-Frame-Options", "DENY"}},
            std::move(body)};
}

HttpResponse redirect_response(int status, std::string_view location) {
    KASSI_ENSURE(status >= 301 && status <= 308);
    // What a URL cannot hold would end the header line, and begin one that somebody else wrote.
    KASSI_ENSURE(!has_control_character(location));
    return {status,
            {{"Location", std::string(location)},
             {"Cache-Control", "no-store"},
             {"Referrer-Policy", "no-referrer"}},
            ""};
}

}  // namespace kassi
