#include "sandbox/simulators/stripe_pages.hpp"

#include "sandbox/simulators/page_frame.hpp"

namespace kassi::sandbox::stripe {
namespace {

std::string_view type_of(std::string_view name) {
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    return "text/html; charset=utf-8";
}

}  // namespace

HttpResponse challenge(const Challenge& of, std::string_view nonce) {
    std::string targets = "'self'";
    if (const auto back = parse_url(of.return_url, "return_url")) targets += " " + page::form_targets(*back);
    std::string text = page::begin("3-D Secure", nonce);
    text += page::head("Your bank asks", "Is it you who pays " + of.merchant + "?");
    text += "<section><p class=\"amount\">" + encoding::html(of.amount) +
            "</p><p class=\"title\">with the card " + encoding::html(of.card) + "</p>";
    text += "<form method=\"post\" action=\"" + std::string(secure_act_path) + "\">";
    text += page::hidden("payment_intent", of.intent);
    text += page::hidden("payment_intent_client_secret", of.client_secret);
    text += page::hidden("source", of.source);
    text += page::button("complete", "pay", "Complete", "the bank is content, and you return to the shop");
    text += page::button("fail", "no", "Fail", "the bank refuses, and you return to the shop");
    text += "<h2>Other ways to end this</h2>";
    text += page::button("complete_stay", "", "Complete and walk away", "the browser never returns");
    text += page::button("leave", "", "Walk away", "the bank's question stays open");
    text += "</form></section>" + page::end();
    return html_response(200, std::move(text), page::policy(nonce, targets, false));
}

HttpResponse say(int status, std::string_view heading, std::string_view text, std::string_view link,
                 std::string_view nonce) {
    std::string body = page::begin(heading, nonce);
    body += page::head("3-D Secure", heading) + "<section><p>" + encoding::html(text) + "</p>";
    if (!link.empty()) body += page::link(link, "Back to the shop");
    body += "</section>" + page::end();
    return html_response(status, std::move(body), page::policy(nonce, "'none'", false));
}

HttpResponse browser_response(std::string_view name) {
    const std::string_view file = name.empty() ? "stripe.js" : name;
    const auto text = browser_file(file);
    if (text.empty()) return json_response(404, R"({"error":"nothing lives here"})");
    HttpResponse response;
    response.headers = {{"Content-Type", std::string(type_of(file))},
                        {"Cache-Control", "no-cache"},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Cross-Origin-Resource-Policy", "cross-origin"}};
    // The card fields live in a frame of any shop; nothing in there may go anywhere but here.
    if (file.ends_with(".html"))
        response.headers.emplace_back("Content-Security-Policy",
                                      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
                                      "'self'; form-action 'none'; base-uri 'none'; frame-ancestors *");
    response.body = text;
    return response;
}

}  // namespace kassi::sandbox::stripe
