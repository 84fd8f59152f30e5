#include "sandbox/simulators/borgun_pages.hpp"

#include <algorithm>

#include "base/result.hpp"

namespace kassi::sandbox::borgun::pages {
namespace {

constexpr std::string_view style = R"(
*{box-sizing:border-box}
body{margin:0;min-height:100vh;padding:1rem;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
color:#20242c;background:#eef0f3}
main{max-width:26rem;margin:0 auto;background:#fff;border:1px solid #d8dce3;border-radius:10px;overflow:hidden}
header{padding:1.1rem 1.3rem;color:#fff;background:#1f3d36}
header p{margin:0;opacity:.85;font-size:.85rem}
h1{margin:.1rem 0 0;font-size:1.25rem;line-height:1.3;overflow-wrap:anywhere}
section{padding:1.1rem 1.3rem 1.3rem}
section>p{margin:0 0 .8rem}
.amount{font-size:2rem;font-weight:700;line-height:1.2}
dl{display:grid;grid-template-columns:fit-content(60%) minmax(9.5rem,1fr);gap:.15rem 1rem;margin:0 0 1rem;font-size:.92rem}
dt{color:#5c6675}
dd{margin:0;overflow-wrap:anywhere}
form{margin:0}
button{display:block;width:100%;margin:.5rem 0 0;padding:.7rem .9rem;border:1px solid #c9cfd8;border-radius:8px;
font:inherit;font-weight:600;text-align:left;color:#20242c;background:#f6f7f9;cursor:pointer}
button small{display:block;font-weight:400;opacity:.8}
button:focus-visible{outline:3px solid #e0a03a;outline-offset:2px}
.pay,.go{color:#fff;background:#23705c;border-color:#23705c}
.no{color:#8a1f2c;background:#fbeeef;border-color:#eecdd1}
h2{margin:1.3rem 0 0;font-size:.8rem;text-transform:uppercase;letter-spacing:.06em;color:#5c6675}
footer{padding:.8rem 1.3rem;font-size:.82rem;color:#5c6675;background:#f6f7f9}
)";

std::string begin_page(std::string_view title, std::string_view nonce) {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
           "<meta name=\"robots\" content=\"noindex\"><title>" +
           encoding::html(title) + "</title><style nonce=\"" + std::string(nonce) + "\">" +
           std::string(style) + "</style></head><body><main>";
}

std::string head(std::string_view above, std::string_view heading) {
    return "<header><p>" + encoding::html(above) + "</p><h1>" + encoding::html(heading) +
           "</h1></header><section>";
}

std::string end_page() {
    return "</section><footer>This is a sandbox: no real money moves here.</footer></main></body></html>\n";
}

std::string hidden(const Fields& fields) {
    std::string inputs;
    for (const auto& [name, value] : fields)
        inputs += "<input type=\"hidden\" name=\"" + encoding::html(name) + "\" value=\"" +
                  encoding::html(value) + "\">";
    return inputs;
}

std::string button(const Button& each) {
    return "<button name=\"act\" value=\"" + std::string(each.act) + "\" class=\"" + std::string(each.look) +
           "\">" + std::string(each.text) + "<small>" + std::string(each.more) + "</small></button>";
}

/// Browsers hold the target of a form, and each redirect that follows, against form-action. What comes after
/// the merchant's address may live on another port of the same machine.
std::string form_targets(const std::string& url) {
    const auto parsed = parse_url(url, "url");
    KASSI_ENSURE(parsed.has_value());
    std::string targets = parsed->origin();
    if (parsed->host == "127.0.0.1" || parsed->host == "localhost")
        targets += " http://127.0.0.1:* http://localhost:*";
    return targets;
}

HttpResponse page(int status, std::string body, std::string_view nonce, std::string_view form_action,
                  bool script, Framing framing) {
    const std::string mark = "'nonce-" + std::string(nonce) + "'";
    std::string policy = "default-src 'none'; style-src " + mark;
    if (script) policy += "; script-src " + mark;
    policy += "; form-action " + std::string(form_action) + "; base-uri 'none'";
    if (framing == Framing::nowhere) policy += "; frame-ancestors 'none'";
    auto response = html_response(status, std::move(body), policy);
    if (framing == Framing::anywhere)
        std::erase_if(response.headers, [](const auto& each) { return each.first == "X-Frame-Options"; });
    return response;
}

}  // namespace

HttpResponse choose(const Choice& choice, std::string_view nonce, Framing framing) {
    std::string body = begin_page(choice.heading, nonce) + head(choice.above, choice.heading);
    body += "<p class=\"amount\">" + encoding::html(choice.amount) + "</p><dl>";
    for (const auto& [what, value] : choice.lines)
        body += "<dt>" + encoding::html(what) + "</dt><dd>" + encoding::html(value) + "</dd>";
    body += "</dl><form method=\"post\" action=\"" + encoding::html(choice.action) + "\">" +
            hidden(choice.hidden);
    for (const auto& each : choice.buttons) body += button(each);
    if (!choice.others.empty()) body += "<h2>Other ways to end this</h2>";
    for (const auto& each : choice.others) body += button(each);
    body += "</form>" + end_page();
    return page(200, std::move(body), nonce, "'self'", false, framing);
}

HttpResponse post_to(std::string_view heading, std::string_view text, const std::string& url,
                     const Fields& fields, bool at_once, std::string_view nonce, Framing framing) {
    std::string body = begin_page(heading, nonce) + head("Back to the shop", heading);
    body += "<p>" + encoding::html(text) + "</p><form id=\"back\" method=\"post\" action=\"" +
            encoding::html(url) + "\">" + hidden(fields) +
            "<button class=\"go\">Continue to the shop</button></form>";
    if (at_once)
        body += "<script nonce=\"" + std::string(nonce) +
                "\">document.getElementById(\"back\").submit()</script>";
    body += end_page();
    return page(200, std::move(body), nonce, form_targets(url), at_once, framing);
}

HttpResponse say(int status, std::string_view heading, std::string_view text, std::string_view nonce,
                 Framing framing) {
    std::string body = begin_page(heading, nonce) + head("Payment", heading) + "<p>" + encoding::html(text) +
                       "</p>" + end_page();
    return page(status, std::move(body), nonce, "'none'", false, framing);
}

std::string redirect_form(const std::string& action, const Fields& fields) {
    return "<!DOCTYPE html><html><head><meta charset=\"UTF-8\"><title>3-D Secure</title></head><body>"
           "<form id=\"webform0\" name=\"red2ACSv1\" method=\"POST\" action=\"" +
           encoding::html(action) + "\" accept_charset=\"UTF-8\">" + hidden(fields) +
           "<input type=\"submit\" name=\"submitBtn\" value=\"Continue\"></form>"
           "<script>document.getElementById(\"webform0\").submit()</script>"
           "<noscript>Please press the button to go on.</noscript></body></html>";
}

std::string method_content(const std::string& action, const std::string& data) {
    return "<iframe name=\"tdsMethodFrame\" hidden></iframe><form id=\"tdsMethodForm\" method=\"POST\" "
           "target=\"tdsMethodFrame\" action=\"" +
           encoding::html(action) + "\">" + hidden({{"threeDSMethodData", data}}) +
           "<noscript><button>Continue</button></noscript></form>"
           "<script>document.getElementById(\"tdsMethodForm\").submit()</script>";
}

}  // namespace kassi::sandbox::borgun::pages
