#include "api/ticket_order/routes.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "api/ticket_order/tree.hpp"
#include "base/text.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr std::string_view jsv_types[] = {"application/jsv", "text/jsv"};
constexpr std::string_view json_types[] = {"application/json", "text/json"};
constexpr std::string_view form_types[] = {"application/x-www-form-urlencoded", "multipart/form-data"};

bool one_of(std::string_view type, const auto& types) {
    return std::find(std::begin(types), std::end(types), type) != std::end(types);
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view header) {
    return ascii_lower(trimmed(header.substr(0, header.find(';'))));
}

std::vector<std::string> accepted(std::string_view header) {
    std::vector<std::string> types;
    while (!header.empty()) {
        const auto end = std::min(header.find(','), header.size());
        if (auto type = media_type(header.substr(0, end)); !type.empty()) types.push_back(std::move(type));
        header.remove_prefix(std::min(end + 1, header.size()));
    }
    return types;
}

std::optional<Format> format_of_type(std::string_view type) {
    if (one_of(type, json_types)) return Format::json;
    if (one_of(type, jsv_types)) return Format::jsv;
    return std::nullopt;
}

std::optional<Format> format_of_word(std::string_view word) {
    if (word == "json") return Format::json;
    if (word == "jsv") return Format::jsv;
    return std::nullopt;
}

// ---- paths --------------------------------------------------------------------------------------------

struct Path {
    enum class Kind { other, custom, predefined } kind = Kind::other;
    std::string operation;         ///< of a predefined path: lower case, without suffix
    std::size_t place = 0;         ///< among the known ones, of a custom path
    std::string segment;           ///< see Route
    std::optional<Format> format;  ///< of the answer
    std::string suffix;            ///< what stands behind the dot
    bool one_way = false;
};

std::vector<std::string> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto end = std::min(path.find('/'), path.size());
        segments.push_back(ascii_lower(path.substr(0, end)));
        path.remove_prefix(end);
    }
    if (!segments.empty() && segments.back().empty()) segments.pop_back();  // a slash at the end
    return segments;
}

void take_suffix(Path& path, std::string& last) {
    const auto dot = last.rfind('.');
    if (dot == std::string::npos) return;
    path.suffix = last.substr(dot + 1);
    last.resize(dot);
    if (const auto format = format_of_word(path.suffix)) path.format = format;
}

/// Fills in `segment` when it fits.
bool fits(const std::vector<std::string>& segments, const Named& named, std::string& segment) {
    if (named.path.empty()) return false;
    const auto wanted = segments_of(named.path);
    if (segments.size() != wanted.size()) return false;
    std::string found;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with('{'))
            found = segments[i];
        else if (wanted[i] != segments[i])
            return false;
    }
    segment = std::move(found);
    return true;
}

Path predefined(std::vector<std::string> segments) {
    Path path;
    if (segments.size() == 2 && segments[0] == "api") {
        path.kind = Path::Kind::predefined;
        path.format = Format::json;
        take_suffix(path, segments[1]);
        path.operation = segments[1];
    } else if (segments.size() == 3 && format_of_word(segments[0]) &&
               (segments[1] == "reply" || segments[1] == "oneway")) {
        path.kind = Path::Kind::predefined;
        path.operation = segments[2];
        path.format = format_of_word(segments[0]);
        path.one_way = segments[1] == "oneway";
    }
    return path;
}

Path path_of(std::string_view text, std::span<const Named> known) {
    const auto decoded = encoding::percent_decode(text, false, "path");
    if (!decoded || !decoded->starts_with('/')) return {};
    auto segments = segments_of(*decoded);
    if (segments.empty()) return {};
    if (auto path = predefined(segments); path.kind != Path::Kind::other) return path;
    Path path;
    take_suffix(path, segments.back());
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (!fits(segments, known[i], path.segment)) continue;
        path.kind = Path::Kind::custom;
        path.place = i;
        return path;
    }
    return {};
}

// ---- the query's reserved names -----------------------------------------------------------------------

/// Of the first of that name in any case; nullopt: none, or a query that cannot be read.
std::optional<std::string> query_value(const HttpRequest& request, std::string_view name) {
    const auto query = encoding::parse_form(request.query(), "query");
    if (!query) return std::nullopt;
    for (const auto& [key, value] : *query)
        if (ascii_lower(key) == name && !value.empty()) return value;
    return std::nullopt;
}

/// "jsv" of ?format=JSV.x
std::optional<std::string> format_word(const HttpRequest& request) {
    const auto value = query_value(request, "format");
    if (!value) return std::nullopt;
    return ascii_lower(std::string_view(*value).substr(0, value->find('.')));
}

// ---- formats ------------------------------------------------------------------------------------------

Format by_accept(const std::vector<std::string>& types, const std::string& own) {
    const auto own_format = format_of_type(own);
    if (own_format && one_of(own, types)) return *own_format;
    bool jsv = false, any = false;
    for (const auto& type : types) {
        if (type == "text/html" || format_of_type(type) == Format::json) return Format::json;
        jsv = jsv || format_of_type(type) == Format::jsv;
        any = any || type == "*/*";
    }
    if (jsv) return Format::jsv;
    return any ? own_format.value_or(Format::json) : Format::json;
}

/// What the path says of the answer's format, whatever it is the path of.
std::optional<Format> format_of_path(std::string_view text) {
    const auto decoded = encoding::percent_decode(text, false, "path");
    if (!decoded || !decoded->starts_with('/')) return std::nullopt;
    auto segments = segments_of(*decoded);
    if (segments.empty()) return std::nullopt;
    if (auto path = predefined(segments); path.kind != Path::Kind::other) return path.format;
    Path path;
    take_suffix(path, segments.back());
    return path.format;
}

Format format_for(const HttpRequest& request) {
    if (const auto word = format_word(request))
        if (const auto format = format_of_word(*word)) return *format;
    if (const auto format = format_of_path(request.path())) return *format;
    return by_accept(accepted(request.header("Accept")), media_type(request.header("Content-Type")));
}

std::string content_type_for(const HttpRequest& request, Format format) {
    if (format == Format::json) return "application/json; charset=utf-8";
    for (const auto& type : accepted(request.header("Accept")))
        if (one_of(type, jsv_types)) return type;
    const auto own = media_type(request.header("Content-Type"));
    return one_of(own, jsv_types) ? own : "application/jsv";
}

// ---- refusals -----------------------------------------------------------------------------------------

bool is_served(std::string_view method, const Named& named) {
    return method == "POST" || (method == "GET" && !named.post_only);
}

/// Its place among the known ones.
Result<std::size_t> operation_of(const HttpRequest& request, const Path& path, std::span<const Named> known) {
    const bool wrong_suffix = !path.suffix.empty() && !format_of_word(path.suffix);
    switch (path.kind) {
        case Path::Kind::other:
            return Error{ErrorKind::not_found, "", "no such path"};
        case Path::Kind::custom:
            if (!is_served(request.method, known[path.place]) || wrong_suffix)
                return Error{ErrorKind::not_found, "", "no such path for this method"};
            return path.place;
        case Path::Kind::predefined:
            break;
    }
    if (path.operation.ends_with("[]"))
        return Error{ErrorKind::method_not_allowed, "", "requests are taken one by one, not as a list"};
    const auto found = std::find_if(known.begin(), known.end(), [&](const Named& named) {
        return ascii_lower(named.name) == path.operation;
    });
    if (found == known.end() || wrong_suffix)
        return Error{ErrorKind::method_not_allowed, "", "the operation does not exist for this service"};
    if (!is_served(request.method, *found))
        return Error{ErrorKind::method_not_allowed, "", found->post_only ? "POST only" : "GET and POST only"};
    return static_cast<std::size_t>(found - known.begin());
}

std::optional<Error> wrong_query(const HttpRequest& request) {
    if (const auto query = encoding::parse_form(request.query(), "query"); !query) return query.error();
    if (query_value(request, "callback"))
        return bad_request("callback", "a payment is not answered to a script of another site");
    if (const auto word = format_word(request); word && !format_of_word(*word))
        return bad_request("format", "must be json or jsv");
    return std::nullopt;
}

Result<BodyForm> body_form(const HttpRequest& request, const Path& path) {
    if (request.body.empty()) return BodyForm::none;
    const auto coding = ascii_lower(trimmed(request.header("Content-Encoding")));
    if (!coding.empty() && coding != "identity")
        return Error{ErrorKind::unsupported_media, "Content-Encoding", "bodies are read as they are"};
    const auto type = media_type(request.header("Content-Type"));
    if (one_of(type, form_types)) return BodyForm::fields;
    auto format = format_of_type(type);
    if (path.kind == Path::Kind::predefined) format = path.format;
    if (!format)
        return Error{ErrorKind::unsupported_media, "Content-Type",
                     "must be application/json, application/jsv or a form"};
    return *format == Format::json ? BodyForm::json : BodyForm::jsv;
}

}  // namespace

Result<Route> route_of(const HttpRequest& request, std::span<const Named> known) {
    auto path = path_of(request.path(), known);
    const auto operation = operation_of(request, path, known);
    if (!operation) return operation.error();
    if (auto wrong = wrong_query(request)) return *wrong;
    const auto body = body_form(request, path);
    if (!body) return body.error();
    auto [format, content_type] = spoken(request);
    return Route{.operation = *operation,
                 .segment = std::move(path.segment),
                 .body = *body,
                 .answer = format,
                 .content_type = std::move(content_type),
                 .query_wins = path.kind == Path::Kind::custom,
                 .one_way = path.one_way};
}

Result<Route> route_of(const HttpRequest& request) {
    return route_of(request, {&ticket_order_operation, 1});
}

Spoken spoken(const HttpRequest& request) {
    const auto format = format_for(request);
    return {format, content_type_for(request, format)};
}

Result<Incoming> incoming_of(const HttpRequest& request, const Route& route) {
    Incoming incoming;
    incoming.form = route.body;
    incoming.query_wins = route.query_wins;
    auto query = encoding::parse_form(request.query(), "query");
    if (!query) return query.error();
    incoming.query = std::move(*query);
    if (route.body == BodyForm::json || route.body == BodyForm::jsv) incoming.body = request.body;
    if (route.body != BodyForm::fields) return incoming;
    if (request.body.size() > text_bytes_max)
        return Error{ErrorKind::too_large, "body",
                     "has more than " + std::to_string(text_bytes_max) + " bytes"};
    const auto type = request.header("Content-Type");
    auto fields = media_type(type) == form_types[0] ? encoding::parse_form(request.body, "body")
                                                    : encoding::parse_multipart(request.body, type);
    if (!fields) return fields.error();
    incoming.fields = std::move(*fields);
    return incoming;
}

bool is_ours(std::string_view path, std::span<const Named> known) {
    return path_of(path, known).kind != Path::Kind::other;
}

bool is_ours(std::string_view path) {
    return is_ours(path, {&ticket_order_operation, 1});
}

}  // namespace kassi::api::ticket_order
