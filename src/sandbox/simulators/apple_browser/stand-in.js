// ApplePaySession for browsers that have none: the sandbox's device. It keeps to Apple's interface, its order of
// events and its refusals; the token comes from the simulated device, for the request that the page made.
(() => {
if (window.ApplePaySession) return;
const here = new URL(document.currentScript.src);
const gateway = '@gateway@';
const supported = 14, patience = 30000;
const refuse = (name, text) => { throw new DOMException(text, name); };

const style = `
:host{all:initial}
.veil{position:fixed;inset:0;background:rgb(0 0 0/.45);display:flex;align-items:flex-end;justify-content:center;z-index:9}
.sheet{box-sizing:border-box;width:min(100%,26rem);background:#f2f2f7;color:#111;border-radius:1rem 1rem 0 0;padding:1.25rem;
font:1rem/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.top{display:flex;justify-content:space-between;align-items:center;margin-bottom:.75rem}
.top b{font-size:1.125rem}
.note{font-size:.8125rem;color:#4a4a52;margin:0 0 .75rem}
.row{display:flex;justify-content:space-between;gap:1rem;background:#fff;padding:.7rem .85rem;border-bottom:1px solid #e3e3ea}
.row:first-of-type{border-radius:.65rem .65rem 0 0}.row:last-of-type{border-radius:0 0 .65rem .65rem;border:0}
select{font:inherit;border:0;background:transparent;color:inherit;text-align:right;max-width:70%}
.total{font-weight:700}
button{font:inherit;cursor:pointer;border:0;border-radius:.65rem}
.cancel{background:transparent;color:#0a5bd3;padding:.25rem .5rem}
.pay{display:block;width:100%;margin-top:1rem;padding:.85rem;background:#000;color:#fff;font-weight:600}
.pay[disabled]{opacity:.45;cursor:default}
.state{min-height:1.4em;margin:.75rem 0 0;text-align:center}
`;

const check = (version, request) => {
  if (!Number.isInteger(version) || version < 1 || version > supported)
    refuse('InvalidAccessError', 'this version is not supported');
  if (!navigator.userActivation.isActive)
    refuse('InvalidAccessError', 'a payment sheet is opened by a gesture of the customer only');
  if (!request || typeof request !== 'object') throw new TypeError('the request is no object');
  if (!/^[A-Z]{2}$/.test(request.countryCode || '')) throw new TypeError('countryCode is missing');
  if (!/^[A-Z]{3}$/.test(request.currencyCode || '')) throw new TypeError('currencyCode is missing');
  for (const name of ['supportedNetworks', 'merchantCapabilities'])
    if (!Array.isArray(request[name]) || !request[name].length) throw new TypeError(name + ' is missing');
  if (!request.merchantCapabilities.includes('supports3DS')) throw new TypeError('supports3DS is missing');
  const total = request.total;
  if (!total || !total.label) throw new TypeError('total.label is missing');
  if (!/^[0-9]+([.][0-9]+)?$/.test(total.amount || '') || !(Number(total.amount) > 0))
    throw new TypeError('total.amount is no amount');
  if (request.applicationData !== undefined) atob(request.applicationData);
};

let open = null;

class ApplePaySession extends EventTarget {
  #request; #state = 'new'; #session = null; #root = null; #timer = 0;

  constructor(version, request) {
    super();
    check(version, request);
    this.#request = structuredClone(request);
    for (const name of ['onvalidatemerchant', 'onpaymentauthorized', 'onpaymentmethodselected', 'oncancel'])
      this[name] = null;
  }
  static supportsVersion(version) { return version >= 1 && version <= supported; }
  static canMakePayments() { return window.isSecureContext; }
  static canMakePaymentsWithActiveCard() { return Promise.resolve(window.isSecureContext); }

  begin() {
    if (this.#state !== 'new') refuse('InvalidStateError', 'this session was begun before');
    if (open) refuse('InvalidAccessError', 'the page has an active session');
    open = this;
    this.#state = 'validating';
    this.#draw();
    this.#wait();
    setTimeout(() => this.#tell('validatemerchant', {validationURL: gateway + '/paymentservices/startSession'}));
  }
  completeMerchantValidation(session) {
    if (this.#state !== 'validating') refuse('InvalidAccessError', 'nobody asked for it');
    const known = session && typeof session === 'object' && session.merchantSessionIdentifier &&
                  session.domainName === location.hostname && session.expiresAt > session.epochTimestamp;
    if (!known) return this.#give_up('the merchant session is not for this page');
    clearTimeout(this.#timer);
    this.#session = session;
    this.#state = 'asking';
    this.#say('');
    this.#at('.pay').disabled = false;
    this.#at('.pay').focus();
  }
  completePayment(result) {
    if (this.#state !== 'authorised') refuse('InvalidStateError', 'no payment waits for it');
    const status = typeof result === 'object' && result ? result.status : result;
    clearTimeout(this.#timer);
    this.#end();
    this.#state = status === ApplePaySession.STATUS_SUCCESS ? 'done' : 'failed';
  }
  abort() {
    if (this.#state === 'new' || open !== this) refuse('InvalidStateError', 'there is no sheet');
    this.#end();
    this.#state = 'aborted';
  }

  #tell(name, more) {
    const event = Object.assign(new Event(name), more);
    this.dispatchEvent(event);
    if (typeof this['on' + name] === 'function') this['on' + name](event);
  }
  #wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#give_up('the page took too long'), patience);
  }
  #give_up(why) {
    if (open !== this) return;
    this.#end();
    this.#state = 'cancelled';
    this.#tell('cancel', {sessionError: {code: 'unknown', info: {why}}});
  }
  #end() {
    clearTimeout(this.#timer);
    if (open === this) open = null;
    if (this.#root) this.#root.host.remove();
    this.#root = null;
  }
  #at(what) { return this.#root.querySelector(what); }
  #say(text) { if (this.#root) this.#at('.state').textContent = text; }

  #draw() {
    const host = document.createElement('div');
    host.id = 'apple-pay-sheet';
    this.#root = host.attachShadow({mode: 'open'});
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.innerHTML = `<div class="veil"><div class="sheet" role="dialog" aria-modal="true" aria-label="Apple Pay">
      <div class="top"><b>Apple Pay</b><button type="button" class="cancel">Cancel</button></div>
      <p class="note">The sandbox's stand-in for a device. No real money moves.</p>
      <div><label class="row"><span>Card</span><select class="card"></select></label>
      <div class="row total"><span class="label"></span><span class="amount"></span></div></div>
      <button type="button" class="pay" disabled>Pay with the device's passcode</button>
      <p class="state" role="status">Asking the shop …</p></div></div>`;
    for (const [name, title, network] of [['visa', 'Visa •••• 4242', 'visa'],
                                          ['mastercard', 'Mastercard •••• 4444', 'masterCard'],
                                          ['declined', 'Visa •••• 0002 (declined)', 'visa']]) {
      if (!this.#request.supportedNetworks.includes(network)) continue;
      this.#at('.card').append(new Option(title, name));
    }
    this.#at('.label').textContent = 'Pay ' + this.#request.total.label;
    this.#at('.amount').textContent = this.#request.total.amount + ' ' + this.#request.currencyCode;
    this.#at('.cancel').addEventListener('click', () => this.#give_up('the customer'));
    this.#at('.pay').addEventListener('click', () => this.#authorise());
    document.body.append(host);
  }
  async #authorise() {
    if (this.#state !== 'asking') return;
    this.#state = 'encrypting';
    this.#at('.pay').disabled = true;
    this.#say('One moment …');
    let token;
    try {
      const answer = await fetch(new URL('/apple/device/token', here), {method: 'POST', credentials: 'omit',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({session: this.#session.merchantSessionIdentifier, card: this.#at('.card').value,
                              domain: location.hostname, request: this.#request})});
      const said = await answer.json();
      if (!answer.ok) return this.#give_up(said.error);
      token = said;
    } catch (error) { return this.#give_up('the device cannot be reached'); }
    if (open !== this) return;
    this.#state = 'authorised';
    this.#wait();
    this.#tell('paymentauthorized', {payment: {token}});
  }
}
for (const [name, value] of [['STATUS_SUCCESS', 0], ['STATUS_FAILURE', 1]])
  Object.defineProperty(ApplePaySession, name, {value, enumerable: true});
window.ApplePaySession = ApplePaySession;
window.ApplePayError = class ApplePayError {
  constructor(code, contactField, message) { Object.assign(this, {code, contactField, message}); }
};
})();
