// Inside the frame: the card fields. A number leaves it for the house's own API only, never for the page around.
(() => {
  "use strict";
  const fields = document.getElementById("fields");
  const [number, expiry, cvc, postal] = ["number", "expiry", "cvc", "postal"].map((id) => document.getElementById(id));
  const all = [number, expiry, cvc, postal];
  const brands = [[/^4/, "visa"], [/^(5[1-5]|2[2-7])/, "mastercard"], [/^3[47]/, "amex"], [/^6[05]/, "discover"],
                  [/^3[068]/, "diners"], [/^35/, "jcb"], [/^62/, "unionpay"]];
  let page = null; // origin of the page around, from its first message
  let key = null;
  let showsPostal = true;

  const digits = (text) => text.replace(/\D/g, "");
  const brandOf = (text) => (brands.find(([pattern]) => pattern.test(text)) || [null, "unknown"])[1];
  const say = (message) => { if (page !== null) window.parent.postMessage(message, page); };

  const luhn = (text) => [...text].reverse().reduce((sum, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0) % 10 === 0;

  const card = () => {
    const [month = "", year = ""] = expiry.value.split("/").map(digits);
    return { number: digits(number.value), month, year: year.length === 2 ? "20" + year : year, cvc: digits(cvc.value) };
  };

  const wrong = ({ number: digitsOf, month, year }) => {
    if (digitsOf.length >= 14 && !luhn(digitsOf) && (digitsOf.length >= 16 || document.activeElement !== number))
      return { code: "invalid_number", type: "validation_error", message: "Your card number is invalid." };
    if (month && Number(month) > 12)
      return { code: "invalid_expiry_month", type: "validation_error", message: "Your card's expiration date is invalid." };
    if (year.length === 4 && Number(year) * 12 + Number(month) < new Date().getFullYear() * 12 + new Date().getMonth() + 1)
      return { code: "invalid_expiry_year_past", type: "validation_error", message: "Your card's expiration year is in the past." };
    return undefined;
  };

  const isComplete = (now) =>
    now.number.length >= 12 && luhn(now.number) && now.month !== "" && now.year.length === 4 && now.cvc.length >= 3 && !wrong(now);

  const change = () => {
    const now = card();
    const error = wrong(now);
    fields.classList.toggle("wrong", error !== undefined);
    say({ kind: "change", value: { brand: brandOf(now.number), complete: isComplete(now), error,
                                   empty: all.every((field) => field.value === ""),
                                   value: { postalCode: postal.value } } });
  };

  const tellHeight = () => say({ kind: "height", height: Math.ceil(document.body.getBoundingClientRect().height) });

  number.addEventListener("input", () => {
    number.value = digits(number.value).slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 ");
  });
  expiry.addEventListener("input", (event) => {
    const text = digits(expiry.value).slice(0, 4);
    const goesOn = text.length > 2 || (text.length === 2 && event.inputType !== "deleteContentBackward");
    expiry.value = goesOn ? text.slice(0, 2) + " / " + text.slice(2) : text;
  });
  cvc.addEventListener("input", () => { cvc.value = digits(cvc.value).slice(0, 4); });
  for (const field of all) {
    field.addEventListener("input", change);
    field.addEventListener("focus", () => say({ kind: "focus" }));
    field.addEventListener("blur", () => { say({ kind: "blur" }); change(); });
  }
  for (const button of document.querySelectorAll("button[data-number]"))
    button.addEventListener("click", () => {
      number.value = button.dataset.number.replace(/(\d{4})(?=\d)/g, "$1 ");
      expiry.value = "12 / " + String((new Date().getFullYear() + 4) % 100).padStart(2, "0");
      cvc.value = "123";
      postal.value = "W6 8BN";
      change();
    });

  // {a: {b: "c"}} -> a[b]=c, as the API reads it.
  const encode = (into, name, value) => {
    if (value === null || value === undefined) return;
    if (typeof value === "object") {
      for (const [inner, each] of Object.entries(value)) encode(into, name === "" ? inner : `${name}[${inner}]`, each);
    } else {
      into.append(name, String(value));
    }
  };

  const bodyOf = (what, data) => {
    const now = card();
    const body = new URLSearchParams();
    encode(body, "card", { number: now.number, exp_month: now.month, exp_year: now.year, cvc: now.cvc });
    if (what === "token") {
      encode(body, "card", data);
      if (showsPostal && postal.value && !data.address_zip) body.append("card[address_zip]", postal.value);
      return ["/v1/tokens", body];
    }
    body.append("type", "card");
    encode(body, "", data);
    const given = data.billing_details && data.billing_details.address && data.billing_details.address.postal_code;
    if (showsPostal && postal.value && !given) body.append("billing_details[address][postal_code]", postal.value);
    return ["/v1/payment_methods", body];
  };

  const create = async (what, data) => {
    const now = card();
    if (!isComplete(now)) {
      return { error: wrong(now) || { type: "validation_error", code: "incomplete_card",
                                      message: "Your card's details are incomplete." } };
    }
    const [path, body] = bodyOf(what, data);
    try {
      const answer = await fetch(path, { method: "POST", body, credentials: "omit",
                                         headers: { Authorization: "Bearer " + key } });
      const made = await answer.json();
      if (!answer.ok) return { error: made.error };
      return what === "token" ? { token: made } : { paymentMethod: made };
    } catch (failed) {
      return { error: { type: "api_connection_error", message: "The sandbox did not answer." } };
    }
  };

  window.addEventListener("message", async (event) => {
    if (event.source !== window.parent || (page !== null && event.origin !== page)) return;
    const message = event.data || {};
    if (page === null) {
      if (message.kind !== "begin" || typeof message.key !== "string" || event.origin === "null") return;
      page = event.origin;
      key = message.key;
    }
    switch (message.kind) {
      case "begin":
      case "options":
        showsPostal = !(message.options && message.options.hidePostalCode);
        postal.hidden = !showsPostal;
        for (const field of all) field.disabled = Boolean(message.options && message.options.disabled);
        tellHeight();
        if (message.kind === "begin") say({ kind: "ready" });
        break;
      case "clear":
        for (const field of all) field.value = "";
        change();
        break;
      case "focus":
        number.focus();
        break;
      case "blur":
        if (document.activeElement) document.activeElement.blur();
        break;
      case "create":
        say({ kind: "created", number: message.number, result: await create(message.what, message.data || {}) });
        break;
    }
  });
  window.addEventListener("resize", tellHeight);
  // Says nothing but that it is there: whoever it is may answer once.
  window.parent.postMessage({ kind: "loaded" }, "*");
})();
