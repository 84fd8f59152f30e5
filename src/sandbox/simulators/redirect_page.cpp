#include "sandbox/simulators/redirect_page.hpp"

#include "sandbox/simulators/page_frame.hpp"

namespace kassi::sandbox::redirect_page {

HttpResponse pay(const Payment& payment, std::string_view nonce) {
    const auto back = parse_url(payment.return_url, "return_url");
    KASSI_ENSURE(back.has_value());
    std::string text = page::begin("Pay " + money_for_people(payment.amount), nonce);
    text += page::head("Pay to", payment.merchant);
    text += "<section><p class=\"amount\">" + encoding::html(money_for_people(payment.amount)) +
            "</p><p class=\"title\">" + encoding::html(payment.title) + "</p>";
    text += "<form method=\"post\" action=\"" + std::string(act_path) + "\">";
    text += page::hidden("session", payment.session);
    text += page::button("pay_get", "pay", "Pay", "and return to the shop (by GET)");
    text += page::button("refuse", "no", "Refuse", "and return to the shop unpaid");
    text += "<h2>Other ways to end this</h2>";
    text += page::button("pay_post", "", "Pay and return by POST", "the outcome travels in a form");
    text += page::button("pay_both", "", "Pay and return by both", "in the address and in a form");
    text += page::button("pay_stay", "", "Pay and walk away", "paid, but the browser never returns");
    text += page::button("leave", "", "Walk away", "nothing is paid, nobody returns");
    text += "</form></section>" + page::end();
    return html_response(200, std::move(text),
                         page::policy(nonce, "'self' " + page::form_targets(*back), false));
}

HttpResponse post_back(std::string_view url, const Fields& fields, std::string_view nonce) {
    const auto back = parse_url(url, "return_url");
    KASSI_ENSURE(back.has_value());
    std::string text = page::begin("Back to the shop", nonce);
    text += page::head("Paid", "Taking you back to the shop");
    text += "<section><form id=\"back\" method=\"post\" action=\"" + encoding::html(url) + "\">";
    for (const auto& [name, value] : fields) text += page::hidden(name, value);
    text += "<button class=\"go\">Continue to the shop</button></form></section>";
    text += "<script nonce=\"" + std::string(nonce) +
            "\">document.getElementById(\"back\").submit()</script>" + page::end();
    return html_response(200, std::move(text), page::policy(nonce, page::form_targets(*back), true));
}

HttpResponse say(int status, std::string_view heading, std::string_view text, std::string_view link,
                 std::string_view nonce) {
    std::string body = page::begin(heading, nonce);
    body += page::head("Payment page", heading) + "<section><p>" + encoding::html(text) + "</p>";
    if (!link.empty()) body += page::link(link, "Back to the shop");
    body += "</section>" + page::end();
    return html_response(status, std::move(body), page::policy(nonce, "'none'", false));
}

}  // namespace kassi::sandbox::redirect_page
