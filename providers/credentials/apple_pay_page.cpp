#include "providers/credentials/apple_pay_page.hpp"

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "providers/credentials/apple_pay.hpp"
#include "providers/credentials/wallet.hpp"

namespace kassi::providers::apple_pay {
namespace {

/// The sheet has no way to go on after an error of the merchant session: it is closed, and the page says why.
/// What else the page would have sent is left out, so that one thing pays.
constexpr std::string_view script = R"((() => {
const version = 3;
const place = document.getElementById('apple-pay'), button = document.getElementById('apple-pay-button');
const form = document.forms[0], token = form.elements.namedItem(place.dataset.field);
const say = text => { document.getElementById('apple-pay-problem').textContent = text; };
const session = async url => {
  const answer = await fetch(place.dataset.session, {method: 'POST', credentials: 'omit', referrerPolicy: 'no-referrer',
    headers: {'Content-Type': 'application/json'}, body: JSON.stringify({validation_url: url})});
  if (!answer.ok) throw new Error('no merchant session');
  return answer.json();
};
const pay = payment => {
  for (const input of form.querySelectorAll('input[type=hidden]'))
    if (!input.value) input.disabled = true;
  token.disabled = false;
  token.value = JSON.stringify(payment.token);
  HTMLFormElement.prototype.submit.call(form);
};
const begin = () => {
  say('');
  button.disabled = true;
  const free = () => { button.disabled = false; };
  const sheet = new ApplePaySession(version, JSON.parse(place.dataset.request));
  sheet.onvalidatemerchant = async event => {
    let merchant;
    try { merchant = await session(event.validationURL); } catch (error) {
      sheet.abort();
      free();
      return say('Apple Pay is not available at the moment. Please try again, or pay in another way.');
    }
    sheet.completeMerchantValidation(merchant);
  };
  sheet.onpaymentauthorized = event => {
    sheet.completePayment({status: ApplePaySession.STATUS_SUCCESS});
    pay(event.payment);
  };
  sheet.oncancel = free;
  try { sheet.begin(); } catch (error) { free(); say('Apple Pay could not be opened. Please try again.'); }
};
const offer = () => {
  let can = false;
  try { can = !!window.ApplePaySession && ApplePaySession.canMakePayments(); } catch (error) { can = false; }
  if (!can || !place.hidden) return;
  place.hidden = false;
  button.addEventListener('click', begin);
};
offer();
if (place.dataset.standIn && !window.ApplePaySession) {
  const other = document.createElement('script');
  other.src = place.dataset.standIn;
  other.addEventListener('load', offer);
  document.head.append(other);
}
})();
)";

std::string button(const Shop& shop, const core::Callout& callout, const Money& amount,
                   const TransactionId& transaction) {
    std::string html = "<div id=\"apple-pay\" hidden data-field=\"" + std::string(wallet::token_field);
    html += "\" data-session=\"" + encoding::html(callout.page_token + "/" + std::string(session_segment));
    html += "\" data-request=\"" + encoding::html(payment_request(shop, amount, transaction));
    if (!shop.stand_in_script.empty()) html += "\" data-stand-in=\"" + encoding::html(shop.stand_in_script);
    html +=
        "\">\n<button type=\"button\" id=\"apple-pay-button\" class=\"apple-pay\" lang=\"en\" "
        "aria-label=\"Pay with Apple Pay\"><span>Pay with Apple Pay</span></button>\n"
        "<p id=\"apple-pay-problem\" role=\"alert\"></p>\n<p class=\"or\">or by card</p>\n</div>\n"
        "<input type=\"hidden\" name=\"" +
        std::string(wallet::token_field) + "\" value=\"\" disabled>\n";
    return html;
}

}  // namespace

std::string payment_request(const Shop& shop, const Money& amount, const TransactionId& transaction) {
    JsonWriter out;
    out.begin_object().field("countryCode", shop.country).field("currencyCode", amount.currency.code());
    out.key("supportedNetworks").begin_array().string("visa").string("masterCard").end_array();
    out.key("merchantCapabilities").begin_array().string("supports3DS").end_array();
    out.key("total").begin_object().field("label", shop.display_name).field("type", "final");
    out.field("amount", decimal_from_minor(amount.minor, amount.currency.places())).end_object();
    out.field("applicationData", application_data(transaction.text())).end_object();
    return out.take();
}

void add_button(Flow::HostedPage& page, const Shop& shop, const core::Callout& callout, const Money& amount,
                const TransactionId& transaction) {
    page.title = "Pay";
    page.body_html = button(shop, callout, amount, transaction) + page.body_html;
    page.script = std::string(script) + page.script;
    page.connect_sources.emplace_back("'self'");
    if (const auto url = parse_url(shop.stand_in_script, "stand_in_script")) {
        page.script_sources.push_back(url->origin());
        page.connect_sources.push_back(url->origin());
    }
}

}  // namespace kassi::providers::apple_pay
