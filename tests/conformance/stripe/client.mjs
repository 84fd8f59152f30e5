// What a shop does with the official client, against the sandbox's Stripe. Started by node_client.py.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

const { HOUSE_URL, SANDBOX_URL, SECRET_KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET, CLIENT_FOLDER } = process.env;
const require = createRequire(join(CLIENT_FOLDER, "package.json"));
const Stripe = require("stripe");
const house = new URL(HOUSE_URL);
const patienceMs = 60_000;
const oldVersion = "2026-08-26.dahlia"; // the last with payment_method_types

const client = (options = {}, key = SECRET_KEY) => new Stripe(key, {
  host: house.hostname, port: house.port, protocol: "http", telemetry: false, maxNetworkRetries: 0,
  apiVersion: oldVersion, ...options });
const stripe = client();

// ---- checks ------------------------------------------------------------------------------------------------------
let passed = 0, failed = 0, section = "";

function check(what, got, ...rest) {
  const wanted = rest.length > 0 ? rest[0] : true;
  if (isDeepStrictEqual(got, wanted)) return void passed++;
  failed++;
  console.log(`FAILED ${section}: ${what}\n    got    ${JSON.stringify(got)}\n    wanted ${JSON.stringify(wanted)}`);
}

/** The promise must be refused by an error of this class; the error. */
async function refused(what, promise, kind, wanted = {}) {
  try {
    await promise;
  } catch (error) {
    check(`${what}: class of ${error.type} ${error.message}`, error.constructor.name, kind);
    for (const [name, value] of Object.entries(wanted)) check(`${what}: ${name}`, error[name], value);
    return error;
  }
  check(`${what}: is refused`, false);
  return {};
}

async function until(what, question) {
  for (const end = Date.now() + patienceMs; Date.now() < end; await new Promise((go) => setTimeout(go, 20))) {
    const found = await question();
    if (found) return found;
  }
  check(`${what}: never`, false);
  return null;
}

const get = async (path) => (await fetch(HOUSE_URL + path)).json();
const ledger = async (intent) => (await get("/stripe/_ledger")).entries
  .filter((each) => each.intent === intent).map((each) => [each.kind, each.amount]);
async function faults(...rules) {
  const answer = await fetch(HOUSE_URL + "/stripe/_faults", { method: "PUT", body: JSON.stringify({ rules }) });
  check("faults are understood", answer.status, 200);
}

/** Presses a button of the 3-D Secure page; where the browser is sent. */
async function answerTheBank(url, act) {
  const page = await (await fetch(url)).text();
  const body = new URLSearchParams();
  for (const [, name, value] of page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) body.append(name, value);
  body.append("act", act);
  const action = page.match(/<form method="post" action="([^"]*)"/)[1];
  const answer = await fetch(new URL(action, url), { method: "POST", body, redirect: "manual" });
  check("sent back", answer.status, 303);
  return new URL(answer.headers.get("location"));
}

const asked = (token, more = {}) => ({
  amount: 11000, currency: "gbp", confirm: true, payment_method_types: ["card"],
  payment_method_data: { type: "card", card: { token } }, ...more });
const pay = (token = "tok_visa", more = {}, options = {}) => stripe.paymentIntents.create(asked(token, more), options);

// ---- what a shop does --------------------------------------------------------------------------------------------
const sections = {
  async paying() {
    const intent = await pay("tok_visa", { description: "Two seats & more", metadata: { "k y": "v'(!)*" },
                                           expand: ["latest_charge", "payment_method"] });
    check("state", [intent.status, intent.amount_received, intent.currency], ["succeeded", 11000, "gbp"]);
    check("words", [intent.description, intent.metadata], ["Two seats & more", { "k y": "v'(!)*" }]);
    check("expanded", [intent.latest_charge.object, intent.payment_method.object], ["charge", "payment_method"]);
    check("answer", [intent.lastResponse.requestId.startsWith("req_"), intent.lastResponse.apiVersion], [true, oldVersion]);
    check("ledger", await ledger(intent.id), [["taken", 11000]]);
    const again = await stripe.paymentIntents.retrieve(intent.id, { expand: ["latest_charge.refunds"] });
    check("retrieved", again.latest_charge.refunds.data, []);
    const nothing = await pay("tok_visa", { description: null });
    check("null is nothing", nothing.description, null);
    const newest = await client({ apiVersion: undefined }).paymentIntents.create(
      { amount: 500, currency: "isk", confirm: true, allowed_payment_method_types: ["card"], payment_method: "pm_card_visa" });
    check("the client's own version", newest.status, "succeeded");
    await refused("in that version", client({ apiVersion: undefined }).paymentIntents.create(asked("tok_visa")),
                  "StripeInvalidRequestError", { code: "parameter_unknown" });
    const method = await stripe.paymentMethods.create({ type: "card", card: { token: "tok_amex" } });
    check("payment method", [method.card.brand, (await stripe.paymentMethods.retrieve(method.id)).id], ["amex", method.id]);
    const changed = await stripe.paymentIntents.update(intent.id, { metadata: { "k y": "", late: "yes" } });
    check("merged metadata", changed.metadata, { late: "yes" });
  },

  async "tokens of a browser"() {
    const browser = client({}, PUBLISHABLE_KEY);
    const card = { number: "4242424242424242", exp_month: "12", exp_year: "2034", cvc: "123" };
    const token = await browser.tokens.create({ card });
    check("paid", (await pay(token.id)).status, "succeeded");
    await refused("spent", pay(token.id), "StripeInvalidRequestError", { code: "token_already_used", statusCode: 400 });
    check("shown", (await stripe.tokens.retrieve(token.id)).used, true);
    for (const [what, wrong, code, param] of [["number", { number: "4242424242424241" }, "incorrect_number", "number"],
                                              ["month", { exp_month: "13" }, "invalid_expiry_month", "exp_month"],
                                              ["cvc", { cvc: "1" }, "invalid_cvc", "cvc"]])
      await refused(what, browser.tokens.create({ card: { ...card, ...wrong } }), "StripeCardError", { code, param });
    await refused("secret key's number", stripe.tokens.create({ card }), "StripeInvalidRequestError");
  },

  async declines() {
    for (const [token, code, decline_code = "", param] of [
      ["tok_chargeDeclined", "card_declined", "generic_decline"],
      ["tok_visa_chargeDeclined", "card_declined", "generic_decline"],
      ["tok_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
      ["tok_visa_chargeDeclinedLostCard", "card_declined", "lost_card"],
      ["tok_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"],
      ["tok_chargeDeclinedExpiredCard", "expired_card", undefined, "exp_month"],
      ["tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", undefined, "cvc"],
      ["tok_chargeDeclinedProcessingError", "processing_error"],
      ["tok_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"],
      ["tok_chargeDeclinedFraudulent", "card_declined", "fraudulent"],
      ["tok_avsZipFail", "incorrect_zip", undefined, "address_zip"]]) {
      const error = await refused(token, pay(token), "StripeCardError",
                                  { statusCode: 402, code, decline_code, param, type: "StripeCardError", rawType: "card_error" });
      check(`${token}: intent`, [error.payment_intent.status, error.payment_intent.last_payment_error.code],
            ["requires_payment_method", code]);
      const charge = await stripe.charges.retrieve(error.charge);
      check(`${token}: charge`, [charge.status, charge.failure_code], ["failed", code]);
      check(`${token}: ledger`, await ledger(error.payment_intent.id), []);
    }
  },

  async "holding and capturing"() {
    const held = await pay("tok_visa", { capture_method: "manual" });
    check("held", [held.status, held.amount_capturable], ["requires_capture", 11000]);
    await refused("too much", stripe.paymentIntents.capture(held.id, { amount_to_capture: 11001 }),
                  "StripeInvalidRequestError", { code: "amount_too_large" });
    check("captured", (await stripe.paymentIntents.capture(held.id)).amount_received, 11000);
    const error = await refused("twice", stripe.paymentIntents.capture(held.id), "StripeInvalidRequestError",
                                { code: "payment_intent_unexpected_state" });
    check("twice: carries the intent", error.payment_intent.id, held.id);
    const part = await stripe.paymentIntents.capture((await pay("tok_visa", { capture_method: "manual" })).id,
                                                     { amount_to_capture: 4000 });
    check("a part", await ledger(part.id), [["held", 11000], ["taken", 4000], ["hold_gone", 7000]]);
    const gone = await stripe.paymentIntents.cancel((await pay("tok_visa", { capture_method: "manual" })).id,
                                                    { cancellation_reason: "abandoned" });
    check("cancelled", [gone.status, await ledger(gone.id)], ["canceled", [["held", 11000], ["hold_gone", 11000]]]);
    await refused("again", stripe.paymentIntents.cancel(gone.id), "StripeInvalidRequestError",
                  { code: "payment_intent_unexpected_state" });
  },

  async refunding() {
    const intent = await pay();
    const first = await stripe.refunds.create({ payment_intent: intent.id, amount: 4000 });
    check("a part", [first.status, first.amount], ["succeeded", 4000]);
    await refused("over", stripe.refunds.create({ payment_intent: intent.id, amount: 7001 }), "StripeInvalidRequestError",
                  { param: "amount", code: undefined });
    const rest = await stripe.refunds.create({ charge: intent.latest_charge });
    await refused("again", stripe.refunds.create({ payment_intent: intent.id }), "StripeInvalidRequestError",
                  { code: "charge_already_refunded" });
    check("listed", (await stripe.refunds.list({ payment_intent: intent.id })).data.map((each) => each.id), [rest.id, first.id]);
    check("retrieved", (await stripe.refunds.retrieve(rest.id)).amount, 7000);
    check("ledger", await ledger(intent.id), [["taken", 11000], ["given_back", 4000], ["given_back", 7000]]);
  },

  async "the bank asks"() {
    const return_url = "https://a.example/r?b=1&c=%C3%B6%20x";
    const intent = await pay("tok_threeDSecure2Required", { return_url });
    check("asks", [intent.status, intent.latest_charge, intent.next_action.type], ["requires_action", null, "redirect_to_url"]);
    const back = await answerTheBank(intent.next_action.redirect_to_url.url, "complete");
    check("back", [back.searchParams.get("b"), back.searchParams.get("payment_intent"),
                   back.searchParams.get("payment_intent_client_secret"), back.searchParams.get("redirect_status")],
          ["1", intent.id, intent.client_secret, "succeeded"]);
    check("back, what was there", back.searchParams.get("c"), "ö x");
    check("paid", (await stripe.paymentIntents.retrieve(intent.id)).status, "succeeded");
    const refusing = await pay("tok_threeDSecure2Required", { return_url });
    check("failed", (await answerTheBank(refusing.next_action.redirect_to_url.url, "fail")).searchParams.get("redirect_status"),
          "failed");
    const now = await stripe.paymentIntents.retrieve(refusing.id);
    check("failed: state", [now.status, now.last_payment_error.code],
          ["requires_payment_method", "payment_intent_authentication_failure"]);
    await refused("nobody there", pay("tok_threeDSecure2Required", { off_session: true }), "StripeCardError",
                  { code: "authentication_required", decline_code: "authentication_required" });
    const sdk = await pay("tok_threeDSecure2Required");
    check("without a return URL", sdk.next_action.type, "use_stripe_sdk");
    const seen = await client({}, PUBLISHABLE_KEY).paymentIntents.retrieve(sdk.id, { client_secret: sdk.client_secret });
    check("what a browser sees", [seen.status, seen.metadata], ["requires_action", undefined]);
  },

  async "listing and searching"() {
    const reference = randomUUID();
    const made = [];
    for (let i = 0; i < 3; i++) made.unshift((await pay("tok_visa", { metadata: { kassi_reference: reference } })).id);
    const query = `metadata['kassi_reference']:'${reference}'`;
    const ids = (page) => page.data.map((each) => each.id);
    check("found", ids(await stripe.paymentIntents.search({ query })), made);
    check("found page by page", (await stripe.paymentIntents.search({ query, limit: 1 }).autoPagingToArray({ limit: 10 }))
      .map((each) => each.id), made);
    await refused("no query", stripe.paymentIntents.search({ query: "what?" }), "StripeInvalidRequestError", { param: "query" });
    const page = await stripe.paymentIntents.list({ limit: 2 });
    check("a page", [ids(page), page.has_more], [made.slice(0, 2), true]);
    const every = await stripe.paymentIntents.list({ limit: 2 }).autoPagingToArray({ limit: 1000 });
    check("all pages", [every.slice(0, 3).map((each) => each.id), new Set(every.map((each) => each.id)).size],
          [made, every.length]);
    check("before a cursor", ids(await stripe.paymentIntents.list({ limit: 1, ending_before: made[2] })), [made[1]]);
    const since = (await stripe.paymentIntents.retrieve(made[2])).created;
    check("since", (await stripe.paymentIntents.list({ created: { gte: since } })).data.length >= 3);
    check("charges", (await stripe.charges.list({ payment_intent: made[0] })).data.length, 1);
    check("events", (await stripe.events.list({ types: ["payment_intent.succeeded"], limit: 3 })).data
      .map((each) => each.data.object.id), made);
  },

  async "the same key"() {
    const idempotencyKey = randomUUID();
    const first = await pay("tok_visa", {}, { idempotencyKey });
    const again = await pay("tok_visa", {}, { idempotencyKey });
    check("replayed", [again.id, again.lastResponse.headers["idempotent-replayed"], again.lastResponse.headers["original-request"]],
          [first.id, "true", first.lastResponse.requestId]);
    check("once", await ledger(first.id), [["taken", 11000]]);
    await refused("other parameters", pay("tok_visa", { amount: 12000 }, { idempotencyKey }), "StripeIdempotencyError",
                  { statusCode: 400 });
    await refused("another path", stripe.refunds.create({ payment_intent: first.id }, { idempotencyKey }),
                  "StripeIdempotencyError");
    const declined = randomUUID();
    const one = await refused("declined", pay("tok_chargeDeclined", {}, { idempotencyKey: declined }), "StripeCardError");
    const two = await refused("declined again", pay("tok_chargeDeclined", {}, { idempotencyKey: declined }), "StripeCardError");
    check("one decline", one.charge, two.charge);
    const busy = randomUUID();
    await faults({ on: "create", do: "delay_before", ms: 3000 });
    const slow = pay("tok_visa", {}, { idempotencyKey: busy });
    await until("the fault is used", async () => (await get("/stripe/_faults")).rules.length === 0);
    await refused("in flight", pay("tok_visa", {}, { idempotencyKey: busy }), "StripeAPIError",
                  { statusCode: 409, code: "idempotency_key_in_use" });
    const id = (await slow).id;
    check("afterwards", (await pay("tok_visa", {}, { idempotencyKey: busy })).id, id);
  },

  async "errors by their class"() {
    await refused("no key of ours", client({}, "sk_test_nobody").paymentIntents.list(), "StripeAuthenticationError",
                  { statusCode: 401 });
    await refused("live", client({}, "sk_live_nobody").paymentIntents.list(), "StripeAuthenticationError");
    await refused("publishable", client({}, PUBLISHABLE_KEY).paymentIntents.list(), "StripeAuthenticationError",
                  { code: "secret_key_required" });
    await refused("unknown", stripe.paymentIntents.retrieve("pi_nope"), "StripeInvalidRequestError",
                  { statusCode: 404, code: "resource_missing", param: "intent" });
    await refused("a parameter too many", pay("tok_visa", { colour: "red" }), "StripeInvalidRequestError",
                  { code: "parameter_unknown", param: "colour" });
    await refused("half a króna", pay("tok_visa", { amount: 250050, currency: "isk" }), "StripeInvalidRequestError",
                  { param: "amount" });
    for (const [fault, kind, statusCode] of [["rate_limit", "StripeRateLimitError", 429],
                                             ["lock_timeout", "StripeRateLimitError", 429],
                                             ["error_before", "StripeAPIError", 500], ["error_kept", "StripeAPIError", 500]]) {
      await faults({ on: "create", do: fault });
      await refused(fault, pay(), kind, { statusCode });
    }
    // A connection that ends is tried once more, whatever maxNetworkRetries says.
    await faults({ on: "create", do: "dead", times: 2 });
    await refused("dead", pay(), "StripeConnectionError");
  },

  async "retries of the client"() {
    const patient = client({ maxNetworkRetries: 2 });
    for (const fault of [{ do: "drop_answer" }, { do: "error_after" }, { do: "error_before" }, { do: "dead" },
                         { do: "key_in_use" }, { do: "rate_limit", should_retry: true }]) {
      const reference = randomUUID();
      await faults({ on: "create", ...fault });
      const intent = await patient.paymentIntents.create(asked("tok_visa", { metadata: { kassi_reference: reference } }));
      const found = await stripe.paymentIntents.search({ query: `metadata['kassi_reference']:'${reference}'` });
      check(`${fault.do}: once`, [found.data.map((each) => each.id), await ledger(intent.id)],
            [[intent.id], [["taken", 11000]]]);
    }
    await faults({ on: "create", do: "error_before", should_retry: false });
    await refused("told not to", patient.paymentIntents.create(asked("tok_visa")), "StripeAPIError");
    await faults({ on: "create", do: "rate_limit" });
    await refused("not told to", patient.paymentIntents.create(asked("tok_visa")), "StripeRateLimitError");
  },

  async webhooks() {
    const intent = await pay("tok_visa", {}, { idempotencyKey: "webhooks-1" });
    const sent = await until("webhooks", async () => {
      const found = (await get("/stripe/_webhooks")).deliveries.filter((each) => each.body.includes(intent.id));
      return found.length >= 3 ? found : null;
    });
    const { body, signature } = sent[2];
    const event = stripe.webhooks.constructEvent(body, signature, WEBHOOK_SECRET);
    check("event", [event.type, event.data.object.id, event.request.idempotency_key],
          ["payment_intent.succeeded", intent.id, "webhooks-1"]);
    check("order", sent.slice(0, 3).map((each) => JSON.parse(each.body).type),
          ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]);
    check("read again", (await stripe.events.retrieve(event.id)).data.object.status, "succeeded");
    const verify = async (...words) => stripe.webhooks.constructEvent(...words);
    await refused("another secret", verify(body, signature, "whsec_other"), "StripeSignatureVerificationError");
    await refused("another body", verify(body + " ", signature, WEBHOOK_SECRET), "StripeSignatureVerificationError");
    const [time, v1] = signature.split(",");
    // While a secret is changed there is one v1 for each.
    const other = stripe.webhooks.generateTestHeaderString({ payload: body, secret: "whsec_other", timestamp: Number(time.slice(2)) });
    const both = [time, v1, other.split(",")[1]].join(",");
    for (const secret of [WEBHOOK_SECRET, "whsec_other"])
      check("one of several", (await verify(body, both, secret)).id, event.id);
    // And what the client signs is what the house signs.
    check("the same signature", stripe.webhooks.generateTestHeaderString(
      { payload: body, secret: WEBHOOK_SECRET, timestamp: Number(time.slice(2)) }), signature);
    await faults({ on: "webhook", do: "wrong_signature", times: 100 });
    const forged = await pay();
    const badly = await until("forged", async () =>
      (await get("/stripe/_webhooks")).deliveries.find((each) => each.body.includes(forged.id)));
    await refused("a wrong signature", verify(badly.body, badly.signature, WEBHOOK_SECRET), "StripeSignatureVerificationError");
    await faults();
  },

  // The other way round: what the client signs, Kassi's own door takes.
  async kassi() {
    const events = { count: 0 };
    const send = async (header, more = "") => {
      const payload = JSON.stringify({ id: `evt_of_the_client_${++events.count}`, object: "event", livemode: false,
        type: "customer.created", data: { object: { id: "cus_1", object: "customer" } } });
      const answer = await fetch(`${SANDBOX_URL}/webhooks/stripe/stripe-demo`,
        { method: "POST", headers: { "Stripe-Signature": header(payload), "Content-Type": "application/json" }, body: payload + more });
      return answer.status;
    };
    const sign = (options) => (payload) => stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, ...options });
    const now = Math.floor(Date.now() / 1000);
    check("signed", await send(sign()), 200);
    check("of another secret", await send(sign({ secret: "whsec_other" })), 401);
    check("of the old scheme only", await send(sign({ scheme: "v0" })), 401);
    check("another body", await send(sign(), " "), 401);
    check("a little old", await send(sign({ timestamp: now - 240 })), 200);
    check("too old", await send(sign({ timestamp: now - 400 })), 401);
    check("from the future", await send(sign({ timestamp: now + 400 })), 401);
    check("two secrets", await send((payload) =>
      sign({ timestamp: now, secret: "whsec_next" })(payload) + "," + sign({ timestamp: now })(payload).split(",")[1]), 200);
  },
};

for (const [name, run] of Object.entries(sections)) {
  section = name;
  const before = passed + failed;
  try {
    await run();
  } catch (error) {
    failed++;
    console.log(`FAILED ${section}: ${error.stack}`);
  }
  console.log(`${name}: ${passed + failed - before} checks`);
}
console.log(`stripe ${Stripe.PACKAGE_VERSION} for Node: ${passed} checks passed, ${failed} failed`);
// The client's own time-outs would keep the process for another 80 s.
process.exit(failed ? 1 : 0);
