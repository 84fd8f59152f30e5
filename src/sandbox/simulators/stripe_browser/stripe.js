// The sandbox's stand-in for https://js.stripe.com/v3/. The page that loads it never sees a card number: the fields
// live in a frame from here, and what comes out of it is a token or a payment method.
(() => {
  "use strict";
  const origin = new URL(document.currentScript.src).origin;
  const frameAddress = origin + "/stripe/v3/card.html";
  const patienceMs = 30000;

  const failure = (message, code) => ({ type: "api_connection_error", code, message });

  class CardElement {
    #frame = null;
    #listeners = new Map();
    #open = new Map();
    #ready;
    #makeReady;
    #options;
    #count = 0;
    #key;

    constructor(key, options) {
      this.#key = key;
      this.#options = options;
      this.#ready = new Promise((resolve) => { this.#makeReady = resolve; });
      window.addEventListener("message", (event) => this.#hear(event));
    }

    mount(where) {
      const place = typeof where === "string" ? document.querySelector(where) : where;
      if (!(place instanceof Element)) throw new Error("The place to mount the card element in does not exist.");
      this.unmount();
      const frame = document.createElement("iframe");
      frame.src = frameAddress;
      frame.title = "Card";
      frame.setAttribute("allowtransparency", "true");
      frame.setAttribute("frameborder", "0");
      frame.setAttribute("scrolling", "no");
      frame.setAttribute("width", "100%");
      frame.setAttribute("height", "96");
      place.replaceChildren(frame);
      place.classList.add("StripeElement");
      this.#frame = frame;
    }

    unmount() {
      if (!this.#frame) return;
      this.#frame.remove();
      this.#frame = null;
      for (const end of this.#open.values()) end({ error: failure("The card element was taken away.") });
      this.#open.clear();
      this.#ready = new Promise((resolve) => { this.#makeReady = resolve; });
    }

    destroy() {
      this.unmount();
      this.#listeners.clear();
    }

    on(name, listener) {
      this.#listeners.set(name, [...(this.#listeners.get(name) || []), listener]);
      return this;
    }

    off(name, listener) {
      this.#listeners.set(name, (this.#listeners.get(name) || []).filter((each) => listener && each !== listener));
      return this;
    }

    clear() { this.#say({ kind: "clear" }); }
    focus() { this.#say({ kind: "focus" }); }
    blur() { this.#say({ kind: "blur" }); }
    update(options) { this.#options = { ...this.#options, ...options }; this.#say({ kind: "options", options: this.#plain() }); }

    /// For Stripe() below: what the frame makes of the card.
    async create(what, data) {
      if (!this.#frame) return { error: failure("The card element is not mounted.") };
      const patience = new Promise((resolve) => setTimeout(resolve, patienceMs, false));
      if (!(await Promise.race([this.#ready, patience]))) return { error: failure("The card fields did not load.") };
      const number = ++this.#count;
      return new Promise((resolve) => {
        this.#open.set(number, resolve);
        this.#say({ kind: "create", what, number, data });
      });
    }

    #plain() {
      return { hidePostalCode: Boolean(this.#options.hidePostalCode), disabled: Boolean(this.#options.disabled) };
    }

    #say(message) {
      if (this.#frame && this.#frame.contentWindow) this.#frame.contentWindow.postMessage(message, origin);
    }

    #tell(name, value) {
      for (const listener of this.#listeners.get(name) || []) listener(value);
    }

    #hear(event) {
      if (event.origin !== origin || !this.#frame || event.source !== this.#frame.contentWindow) return;
      const message = event.data || {};
      switch (message.kind) {
        case "loaded":
          this.#say({ kind: "begin", key: this.#key, options: this.#plain() });
          break;
        case "ready":
          this.#makeReady(true);
          this.#tell("ready", { elementType: "card" });
          break;
        case "height":
          if (Number.isInteger(message.height) && message.height < 1000) this.#frame.height = String(message.height);
          break;
        case "change":
        case "focus":
        case "blur":
          this.#tell(message.kind, { elementType: "card", ...message.value });
          break;
        case "created": {
          const end = this.#open.get(message.number);
          this.#open.delete(message.number);
          if (end) end(message.result);
          break;
        }
      }
    }
  }

  const words = (value) => (value && typeof value === "object" ? JSON.parse(JSON.stringify(value)) : {});

  const Stripe = (key) => {
    if (typeof key !== "string" || !key.startsWith("pk_test_"))
      throw new Error("Please call Stripe() with your publishable key of test mode.");
    const card = (element) => {
      if (!(element instanceof CardElement)) throw new Error("Only the card element makes tokens here.");
      return element;
    };
    return {
      elements() {
        let made = null;
        return {
          create(type, options = {}) {
            if (type !== "card") throw new Error("The sandbox only knows the element \"card\".");
            if (made) throw new Error("Can only create one element of type card.");
            made = new CardElement(key, options);
            return made;
          },
          getElement(type) { return type === "card" ? made : null; },
        };
      },
      async createToken(element, data) { return card(element).create("token", words(data)); },
      async createPaymentMethod(first, element, data) {
        // {type, card, billing_details}, or the older (type, element, data).
        const asked = typeof first === "string" ? { type: first, card: element, ...data } : { ...first };
        if (asked.type !== "card") throw new Error("The sandbox only knows payment methods of type \"card\".");
        const { billing_details: details, metadata } = asked;
        return card(asked.card).create("payment_method", words({ billing_details: details, metadata }));
      },
    };
  };
  Stripe.version = 3;
  window.Stripe = Stripe;
})();
