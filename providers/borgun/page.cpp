#include "providers/borgun/page.hpp"

#include "providers/borgun/borgun.hpp"

namespace kassi::providers::borgun {
namespace {

/// As long as a callout and the seats' hold usually take together.
constexpr std::string_view token_seconds = "3600";

// The fields of the card have no names: a browser never sends them with the form.
constexpr std::string_view fields = R"(<p class="field"><label for="number">Card number</label>
<input id="number" inputmode="numeric" autocomplete="cc-number" maxlength="25" required></p>
<p class="field"><label for="expiry">Expires (month / year)</label>
<input id="expiry" inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY" maxlength="9" required></p>
<p class="field"><label for="cvc">Security code</label>
<input id="cvc" inputmode="numeric" autocomplete="cc-csc" maxlength="4"></p>
)";

constexpr std::string_view script = R"((() => {
const form = document.forms[0], place = document.getElementById('card');
const problem = document.getElementById('problem'), pay = document.getElementById('pay');
const digits = id => document.getElementById(id).value.replace(/[^0-9]/g, '');
const say = text => { problem.textContent = text; };
const makeToken = async () => {
  const expiry = digits('expiry');
  const card = {PAN: digits('number'), ExpMonth: expiry.slice(0, 2), ExpYear: '20' + expiry.slice(-2),
                TokenLifetime: Number(place.dataset.seconds)};
  if (digits('cvc')) card.CVC = digits('cvc');
  const answer = await fetch(place.dataset.address, {method: 'POST', credentials: 'omit', referrerPolicy: 'no-referrer',
    headers: {'Authorization': 'Basic ' + btoa(place.dataset.key + ':'), 'Content-Type': 'application/json',
              'Accept': 'application/json'},
    body: JSON.stringify(card)});
  if (answer.status === 400) { say('Please look at the card’s number and date again.'); return ''; }
  const made = answer.status === 201 || answer.status === 200 ? await answer.json() : {};
  if (!made.Token) say('The card could not be checked. Please try again.');
  return made.Token || '';
};
pay.disabled = false;
form.addEventListener('submit', async event => {
  if (event.submitter && event.submitter.name === 'cancelled') return;
  event.preventDefault();
  if (pay.disabled) return;
  pay.disabled = true; say('');
  try {
    const token = await makeToken();
    if (token) {
      form.elements.namedItem(place.dataset.field).value = token;
      for (const id of ['number', 'expiry', 'cvc']) document.getElementById(id).value = '';
      return HTMLFormElement.prototype.submit.call(form);
    }
  } catch (error) { say('The card could not be checked. Please try again.'); }
  pay.disabled = false;
});
})();
)";

/// EMV 3-D Secure waits ten seconds for the issuer's word. It comes from inside the frame: the window that
/// speaks is the frame's, or one below it. Its origin says nothing, as all that is in there has none.
constexpr std::string_view method_script = R"((() => {
const patience = 10000, deepest = 8;
const form = document.forms[0], frame = document.getElementById('bank');
let over = false;
const goOn = method => {
  if (over) return;
  over = true;
  form.elements.namedItem('method').value = method;
  HTMLFormElement.prototype.submit.call(form);
};
addEventListener('message', event => {
  if (event.data !== 'kassi:3ds-method-done') return;
  let speaker = event.source;
  for (let depth = 0; speaker && depth < deepest; ++depth) {
    if (speaker === frame.contentWindow) return goOn('Y');
    if (speaker === speaker.parent) return;
    speaker = speaker.parent;
  }
});
frame.src = frame.dataset.address;
setTimeout(() => goOn('N'), patience);
})();
)";

}  // namespace

Flow::HostedPage method_page(const core::Callout& callout) {
    Flow::HostedPage page;
    page.title = "Checking with your bank";
    page.text = "This takes a few seconds. Please do not close this page: you go on by yourself.";
    page.frame_html = callout.page_data;
    page.body_html =
        "<iframe id=\"bank\" title=\"Your bank\" hidden sandbox=\"allow-scripts allow-forms\" "
        "referrerpolicy=\"no-referrer\" data-address=\"" +
        encoding::html(callout.page_token) + "/frame\"></iframe>\n<input type=\"hidden\" name=\"" +
        std::string(method_field) +
        "\" value=\"N\">\n<noscript><button type=\"submit\">Go on</button></noscript>\n";
    page.script = method_script;
    return page;
}

Flow::HostedPage token_page(const Money& amount, const Account& account) {
    Flow::HostedPage page;
    page.title = "Pay by card";
    page.text = "Your card details go straight to the payment provider. They never reach the shop.";
    page.body_html = "<div id=\"card\" data-key=\"" + encoding::html(account.public_key) +
                     "\" data-address=\"" + encoding::html(account.api_url + "/api/token/single") +
                     "\" data-seconds=\"" + std::string(token_seconds) + "\" data-field=\"" +
                     std::string(token_field) + "\"></div>\n";
    page.body_html += fields;
    page.body_html += "<p id=\"problem\" role=\"alert\"></p>\n";
    page.body_html +=
        "<noscript><p>This page needs JavaScript: the card goes to the payment provider "
        "only.</p></noscript>\n"
        "<input type=\"hidden\" name=\"" +
        std::string(token_field) + "\" value=\"\">\n<button type=\"submit\" id=\"pay\" disabled>Pay " +
        encoding::html(money_for_people(amount)) + "</button>\n";
    page.script = script;
    if (const auto url = parse_url(account.api_url, "base_url")) page.connect_sources = {url->origin()};
    return page;
}

}  // namespace kassi::providers::borgun
