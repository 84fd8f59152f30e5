#include "sandbox/simulators/page_frame.hpp"

namespace kassi::sandbox::page {
namespace {

constexpr std::string_view style = R"(
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:1rem;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#16213a;
background:linear-gradient(160deg,#e9eefb,#dfeaf3 60%,#e6f3ee)}
main{width:100%;max-width:27rem;background:#fff;border-radius:18px;overflow:hidden;box-shadow:0 18px 50px rgba(22,33,58,.16)}
header{padding:1.4rem 1.6rem;color:#fff;background:linear-gradient(120deg,#2b3a8f,#3d6fb8)}
header p{margin:0;opacity:.85;font-size:.85rem;letter-spacing:.02em}
h1{margin:.15rem 0 0;font-size:1.3rem;line-height:1.3}
section{padding:1.4rem 1.6rem 1.6rem}
.amount{margin:0;font-size:2.5rem;font-weight:700;letter-spacing:-.02em;line-height:1.15}
.title{margin:.3rem 0 1.2rem;color:#4a5672;overflow-wrap:anywhere}
form{margin:0}
button,.button{display:block;width:100%;margin:.55rem 0 0;padding:.8rem 1rem;border:0;border-radius:11px;font:inherit;
font-weight:600;text-align:left;text-decoration:none;color:#16213a;background:#eef1f8;cursor:pointer}
button small{display:block;font-weight:400;opacity:.8}
button:hover,.button:hover{filter:brightness(.97)}
button:focus-visible,.button:focus-visible{outline:3px solid #f0a63a;outline-offset:2px}
.pay{color:#fff;background:#1d7a4f}
.no{color:#8c1f2b;background:#fbecee}
.go{text-align:center;color:#fff;background:#2b3a8f}
h2{margin:1.5rem 0 0;font-size:.8rem;text-transform:uppercase;letter-spacing:.07em;color:#66708a}
footer{padding:.9rem 1.6rem;font-size:.82rem;color:#66708a;background:#f6f8fc}
)";

}  // namespace

std::string begin(std::string_view title, std::string_view nonce) {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
           "<meta name=\"robots\" content=\"noindex\"><title>" +
           encoding::html(title) + "</title><style nonce=\"" + std::string(nonce) + "\">" +
           std::string(style) + "</style></head><body><main>";
}

std::string head(std::string_view above, std::string_view heading) {
    return "<header><p>" + encoding::html(above) + "</p><h1>" + encoding::html(heading) + "</h1></header>";
}

std::string end() {
    return "<footer>This is a sandbox: no real money moves here.</footer></main></body></html>\n";
}

std::string button(std::string_view act, std::string_view look, std::string_view text,
                   std::string_view more) {
    return "<button name=\"act\" value=\"" + encoding::html(act) + "\" class=\"" + std::string(look) + "\">" +
           encoding::html(text) + "<small>" + encoding::html(more) + "</small></button>";
}

std::string hidden(std::string_view name, std::string_view value) {
    return "<input type=\"hidden\" name=\"" + encoding::html(name) + "\" value=\"" + encoding::html(value) +
           "\">";
}

std::string link(std::string_view url, std::string_view text) {
    return "<a class=\"button go\" href=\"" + encoding::html(url) + "\">" + encoding::html(text) + "</a>";
}

std::string form_targets(const Url& back) {
    std::string targets = back.origin();
    if (back.host == "127.0.0.1" || back.host == "localhost")
        targets += " http://127.0.0.1:* http://localhost:*";
    return targets;
}

std::string policy(std::string_view nonce, std::string_view form_action, bool script) {
    const std::string mark = "'nonce-" + std::string(nonce) + "'";
    return "default-src 'none'; style-src " + mark + (script ? "; script-src " + mark : "") +
           "; form-action " + std::string(form_action) + "; base-uri 'none'; frame-ancestors 'none'";
}

}  // namespace kassi::sandbox::page
