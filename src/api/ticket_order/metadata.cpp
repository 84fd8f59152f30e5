#include "api/ticket_order/metadata.hpp"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "api/ticket_order/answer.hpp"
#include "api/ticket_order/types.hpp"
#include "base/text.hpp"

namespace kassi::api::ticket_order {
namespace {

constexpr std::string_view policy = "default-src 'none'; style-src 'unsafe-inline'";
constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "pre{background:#f4f4f2;padding:1rem;overflow:auto}td{padding:.2rem 1rem .2rem 0}a{color:#0a5}";

/// The members of a type, one a line, each with the word of its own type, as the service's pages show them.
class Sample {
  public:
    template <class T>
    void operator()(std::string_view name, const T&) {
        line(std::string(name) + ": " + word<T>());
        inside<T>();
    }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void line(const std::string& what) { text_.append(2 * depth_, ' ').append(what).append("\n"); }

    template <class T>
    struct bare {
        using type = T;
    };
    template <class T>
    struct bare<std::optional<T>> : bare<T> {};
    template <class T>
    struct bare<std::vector<T>> : bare<T> {};

    template <class T>
    static constexpr bool is_value =
        std::is_arithmetic_v<T> || std::same_as<T, std::string> || std::same_as<T, Opaque> ||
        std::same_as<T, Secret<>> || std::same_as<T, Date> || std::same_as<T, Decimal>;

    template <class T>
    static std::string word() {
        using Bare = typename bare<T>::type;
        if constexpr (std::same_as<Bare, bool>) return "true or false";
        if constexpr (std::same_as<Bare, Date>) return "date";
        if constexpr (std::same_as<Bare, Decimal>) return "decimal number";
        if constexpr (std::is_arithmetic_v<Bare>) return "whole number";
        if constexpr (is_value<Bare>) return "text";
        return "";
    }
    template <class T>
    void inside() {
        using Bare = typename bare<T>::type;
        if constexpr (!is_value<Bare>) {
            ++depth_;
            each_member(*this, static_cast<const Bare&>(Bare{}));
            --depth_;
        }
    }

    std::size_t depth_ = 0;
    std::string text_;
};

template <class T>
std::string sample_of() {
    Sample sample;
    each_member(sample, static_cast<const T&>(T{}));
    return sample.text();
}

HttpResponse page(const std::string& title, const std::string& content) {
    return html_response(200,
                         "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title +
                             "</title><style>" + std::string(style) + "</style></head><body><h1>" + title +
                             "</h1>" + content + "</body></html>",
                         policy);
}

std::string statuses() {
    std::string rows;
    for (const auto status : all_statuses())
        rows += "<tr><td>" + std::to_string(static_cast<std::int32_t>(status)) + "</td><td>" +
                std::string(message_of(status)) + "</td></tr>";
    return "<h2>statusCode</h2><table>" + rows + "</table>";
}

std::string paths_of(const Named& named) {
    const std::string name(named.name);
    std::string out =
        "<p><b>Requires authentication</b>, any of the roles Admin, TeamAdmin, MobileApp, and the "
        "permission ReadData.</p><ul>";
    const auto methods = named.post_only ? "POST " : "GET POST ";
    for (const auto& path :
         {std::string(named.path), "/api/" + name, "/json/reply/" + name, "/jsv/reply/" + name})
        out += "<li>" + std::string(methods) + path + "</li>";
    return out + "</ul><p>JSON, or JSV by the suffix .jsv, by ?format=jsv or by the header Accept.</p>";
}

HttpResponse page_of(const Named& named) {
    auto content = paths_of(named);
    if (named.name == ticket_order_operation.name)
        content += "<h2>Request</h2><pre>" + sample_of<TicketOrder>() + "</pre><h2>Answer</h2><pre>" +
                   sample_of<TicketOrderResult>() + "</pre>" + statuses();
    return page(std::string(named.name), content + "<p><a href=\"/metadata\">All operations</a></p>");
}

HttpResponse list(const std::vector<Named>& known) {
    std::string rows;
    for (const auto& named : known)
        rows += "<li><a href=\"/json/metadata?op=" + std::string(named.name) + "\">" +
                std::string(named.name) + "</a> " + std::string(named.path) + "</li>";
    return page("Operations",
                "<ul>" + rows +
                    "</ul><p>Log in by POST /auth/credentials (userName, password), by HTTP Basic "
                    "or by an API key as bearer token.</p>");
}

std::string asked_for(const HttpRequest& request) {
    const auto query = encoding::parse_form(request.query(), "query");
    if (!query) return "";
    for (const auto& [name, value] : *query)
        if (ascii_lower(name) == "op") return ascii_lower(value);
    return "";
}

}  // namespace

std::vector<Operation> metadata_operations(const std::vector<Operation>& operations) {
    std::vector<Named> known;
    for (const auto& operation : operations)
        if (!operation.is_open) known.push_back(operation.named);
    const auto serve = [known = std::move(known)](const CallPointer& call) {
        const auto name = asked_for(call->request);
        if (name.empty()) return call->answer(list(known));
        for (const auto& named : known)
            if (ascii_lower(named.name) == name) return call->answer(page_of(named));
        call->refuse({ErrorKind::not_found, "NotFound", "there is no such operation"});
    };
    return {{{"", "/metadata"}, true, serve},
            {{"", "/json/metadata"}, true, serve},
            {{"", "/jsv/metadata"}, true, serve}};
}

}  // namespace kassi::api::ticket_order
