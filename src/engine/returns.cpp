#include "engine/returns.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/limits.hpp"

namespace kassi::engine {
namespace {

std::string host_and_port(const Url& url) {
    const std::string origin = url.origin();
    return origin.substr(origin.find("://") + 3);
}

bool token_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

/// Host names know no case (RFC 4343), and the port of the scheme may be said or not.
bool is_site_of(std::string_view site, const Url& url) {
    const auto parsed = parse_url(fmt::format("{}://{}/", url.scheme, site), "remote_site");
    if (!parsed || parsed->target != "/") return false;
    return parsed->origin() == url.origin() ||
           (parsed->host == url.host && site.find(':') == std::string::npos);
}

/// What a browser says about itself is kept as far as it is reasonable; no character is cut in two.
std::string beginning_of(std::string_view text) {
    text = text.substr(0, limits::text_bytes_max);
    return std::string(text.substr(0, encoding::utf8_bytes(text)));
}

std::optional<Error> check_url(const Url& url, std::string_view field, const Caller& caller,
                               const Settings& settings) {
    if (url.target.find('?') != std::string::npos)
        return bad_request(std::string(field), "must have no query string: the provider adds its own");
    if (!registered(url, caller.return_hosts))
        return bad_request(std::string(field), fmt::format("{} is not a registered return host of {}",
                                                           host_and_port(url), caller.name));
    if (settings.mode == Mode::live && url.scheme != "https")
        return bad_request(std::string(field), "must be https");
    return std::nullopt;
}

}  // namespace

std::optional<Error> check_return_token(std::string_view token, std::string_view field) {
    const std::string name(field);
    if (token.empty()) return bad_request(name, "is missing");
    if (token.size() > limits::return_token_bytes_max)
        return bad_request(name, fmt::format("must have at most {} bytes", limits::return_token_bytes_max));
    if (!std::all_of(token.begin(), token.end(), token_character))
        return bad_request(name, "may have letters, digits, '-', '.', '_' and '~' only");
    if (token == "." || token == "..") return bad_request(name, "must not be a name of a folder");
    return std::nullopt;
}

bool registered(const Url& url, const std::vector<std::string>& hosts) {
    const std::string exact = host_and_port(url);
    return std::any_of(hosts.begin(), hosts.end(),
                       [&](const std::string& host) { return host == exact || host == url.host + ":*"; });
}

Result<core::Journey> journey_of(const ReturnDetails& details, const Caller& caller,
                                 const Settings& settings) {
    core::Journey journey;
    journey.via = details.via;
    journey.user_agent = beginning_of(details.user_agent);
    journey.accept = beginning_of(details.accept);
    journey.remote_site = details.remote_site;
    journey.remote_ip = beginning_of(details.remote_ip);
    if (details.via == core::ReturnVia::kassi) {
        if (!details.landing_url.empty()) {
            if (details.landing_url.size() > limits::return_url_bytes_max)
                return bad_request("landing_url", "is too long");
            const auto url = parse_url(details.landing_url, "landing_url");
            if (!url) return url.error();
            if (auto error = check_url(*url, "landing_url", caller, settings)) return *error;
        }
        journey.landing_url = details.landing_url;
        journey.url_before = settings.public_url + "/callback/";
        return journey;
    }
    if (auto error = check_return_token(details.token, "return_token")) return *error;
    if (details.url.empty()) return bad_request("return_url", "is missing");
    if (details.url.size() > limits::return_url_bytes_max)
        return bad_request("return_url",
                           fmt::format("must have at most {} bytes", limits::return_url_bytes_max));
    const auto url = parse_url(details.url, "return_url");
    if (!url) return url.error();
    // The remote site should match the domain in the return URL (seed guide, Redirects).
    if (!details.remote_site.empty() && !is_site_of(details.remote_site, *url))
        return bad_request("remote_site", fmt::format("is not the host of return_url, {}", url->host));
    if (auto error = check_url(*url, "return_url", caller, settings)) return *error;
    const std::size_t path = details.url.find('/', details.url.find("://") + 3);
    const std::size_t first = path == std::string::npos ? path : details.url.find(details.token, path);
    if (first == std::string::npos)
        return bad_request("return_url", "must contain the return token in its path");
    if (details.url.find(details.token, first + 1) != std::string::npos)
        return bad_request("return_url", "must contain the return token exactly once");
    journey.url_before = details.url.substr(0, first);
    journey.url_after = details.url.substr(first + details.token.size());
    journey.token = details.token;
    return journey;
}

}  // namespace kassi::engine
