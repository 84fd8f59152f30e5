#include "engine/returns.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"

namespace kassi::engine {
namespace {

std::string host_and_port(const Url& url) {
    const std::string origin = url.origin();
    return origin.substr(origin.find("://") + 3);
}

bool token_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
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

bool registered(const Url& url, const std::vector<std::string>& hosts) {
    const std::string exact = host_and_port(url);
    return std::any_of(hosts.begin(), hosts.end(),
                       [&](const std::string& host) { return host == exact || host == url.host + ":*"; });
}

Result<core::Journey> journey_of(const ReturnDetails& details, const Caller& caller,
                                 const Settings& settings) {
    core::Journey journey;
    journey.via = details.via;
    journey.user_agent = details.user_agent.substr(0, limits::text_bytes_max);
    journey.accept = details.accept.substr(0, limits::text_bytes_max);
    journey.remote_site = details.remote_site;
    journey.remote_ip = details.remote_ip.substr(0, limits::text_bytes_max);
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
    if (details.token.empty()) return bad_request("return_token", "is missing");
    if (details.token.size() > limits::return_token_bytes_max)
        return bad_request("return_token",
                           fmt::format("must have at most {} bytes", limits::return_token_bytes_max));
    if (!std::all_of(details.token.begin(), details.token.end(), token_character))
        return bad_request("return_token", "may have letters, digits, '-', '_' and '.' only");
    if (details.url.empty()) return bad_request("return_url", "is missing");
    if (details.url.size() > limits::return_url_bytes_max)
        return bad_request("return_url",
                           fmt::format("must have at most {} bytes", limits::return_url_bytes_max));
    const auto url = parse_url(details.url, "return_url");
    if (!url) return url.error();
    // The remote site should match the domain in the return URL (seed guide, Redirects).
    if (!details.remote_site.empty() && details.remote_site != url->host &&
        details.remote_site != host_and_port(*url))
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
