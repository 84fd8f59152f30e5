#include "providers/stripe/page.hpp"

#include "providers/stripe/stripe.hpp"

namespace kassi::providers::stripe {
namespace {

constexpr std::string_view stripe_script_origin = "https://js.stripe.com";

constexpr std::string_view script = R"((() => {
const form = document.forms[0], place = document.getElementById('card');
const problem = document.getElementById('problem'), pay = document.getElementById('pay');
const say = text => { problem.textContent = text; };
if (typeof Stripe !== 'function') { say('The card form could not be loaded. Please reload this page.'); return; }
const stripe = Stripe(place.dataset.key), card = stripe.elements().create('card');
card.mount('#card');
card.on('change', event => say(event.error ? event.error.message : ''));
pay.disabled = false;
form.addEventListener('submit', async event => {
  if (event.submitter && event.submitter.name === 'cancelled') return;
  event.preventDefault();
  if (pay.disabled) return;
  pay.disabled = true; say('');
  try {
    const result = await stripe.createToken(card);
    if (!result.error) {
      form.elements.namedItem(place.dataset.field).value = result.token.id;
      return HTMLFormElement.prototype.submit.call(form);
    }
    say(result.error.message);
  } catch (error) { say('The card could not be checked. Please try again.'); }
  pay.disabled = false;
});
})();
)";

}  // namespace

Flow::HostedPage token_page(const Money& amount, const Account& account) {
    Flow::HostedPage page;
    page.title = "Pay by card";
    page.text = "Your card details go straight to the payment provider. They never reach the shop.";
    page.body_html =
        "<div id=\"card\" class=\"field\" data-key=\"" + encoding::html(account.publishable_key) +
        "\" data-field=\"" + std::string(token_field) + "\"></div>\n<p id=\"problem\" role=\"alert\"></p>\n" +
        "<noscript><p>This page needs JavaScript: the card form is the payment provider's.</p></noscript>\n" +
        "<input type=\"hidden\" name=\"" + std::string(token_field) + "\" value=\"\">\n" +
        "<button type=\"submit\" id=\"pay\" disabled>Pay " + encoding::html(money_for_people(amount)) +
        "</button>\n";
    page.script_url = account.script_url;
    page.script = script;
    const auto script_origin = origin_of(account.script_url), api_origin = origin_of(account.api_url);
    page.script_sources = {script_origin};
    page.frame_sources = {script_origin};
    page.connect_sources = {api_origin};
    // Its script brings more of the kind (docs.stripe.com/security/guide, Content security policy).
    if (script_origin == stripe_script_origin) {
        page.script_sources.emplace_back("https://*.js.stripe.com");
        page.frame_sources.insert(page.frame_sources.end(),
                                  {"https://*.js.stripe.com", "https://hooks.stripe.com"});
    }
    return page;
}

}  // namespace kassi::providers::stripe
