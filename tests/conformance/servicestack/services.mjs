// The official client walks an app's whole way on a running sandbox: a card becomes a token, the token is enrolled, the
// customer answers his bank, the answer is verified, and the order is placed with borgun3DFinalInfo.
import assert from "node:assert/strict";
import { JSV, JsonServiceClient, dto } from "./official.mjs";

const base = process.env.KASSI_URL;
const map = await (await fetch(`${base}/sandbox`)).json();
const account = (name) => map.accounts.find((each) => each.name === name);
const gateway = map.simulators.find((each) => each.name === "borgun");

const clientOf = (name) => {
  const client = new JsonServiceClient(base);
  client.bearerToken = account(name).api_key;
  return client;
};
const app = clientOf("app");

const GetSingleToken = dto("BorgunServicesGetSingleTokenRequest");
const GetMultiToken = dto("BorgunServicesGetMultiTokenRequest");
const Enrollment = dto("BorgunServices3DEnrollmentRequest");
const Verification = dto("BorgunServices3DVerificationRequest");
const Finish = dto("BorgunServices3DFinishProcessRequest");
const FinishShort = dto("BorgunServices3DFinishProcessRequestShortVersion");
const TicketOrder = dto("TicketOrder");

const termURL = "https://app.example/3ds";
const price = 4990;

// ---- the pieces ---------------------------------------------------------------------------------------

async function singleToken(pan) {
  const answer = await app.post(
    new GetSingleToken({ request: { pan, expMonth: "09", expYear: "2030", tokenLifetime: 600, metadata: { payload: "cart-1" } } }),
  );
  assert.equal(answer.success, true, JSON.stringify(answer));
  assert.equal(answer.httpStatusCode, 201);
  assert.match(answer.response.token.token, /^ts_/);
  assert.match(answer.response.token.pan, /^\d{6}\*+\d{4}$/);
  return answer.response.token.token;
}

const enroll = (token, client = app) =>
  client.post(
    new Enrollment({
      request: {
        cardDetails: { paymentType: "TokenSingle", token },
        purchAmount: price,
        exponent: 0,
        currency: "352",
        termURL,
        md: "cart-1",
        description: "Two seats",
        transactionDate: new Date().toISOString(),
      },
    }),
  );

const form = async (url, fields) => {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  return { status: response.status, text: await response.text(), url };
};
const hidden = (page, name) => {
  const found = new RegExp(`name="${name}" value="([^"]*)"`).exec(page);
  return found === null ? undefined : found[1].replaceAll("&#43;", "+").replaceAll("&amp;", "&");
};

/** The customer's browser: posts what the app was told to post, presses a button, and brings back what the bank says. */
async function atTheBank(enrolled, act) {
  const list = enrolled.response.redirectToACSDAta;
  const action = list.find((each) => each.name === "actionURL").values;
  const fields = list.filter((each) => each.name !== "actionURL").map((each) => [each.name, each.values]);
  const page = await form(action, fields);
  assert.equal(page.status, 200, page.text);
  const back = await form(new URL("/borgun/acs/act", action), [
    ["authentication", hidden(page.text, "authentication")],
    ["carried", hidden(page.text, "carried")],
    ["act", act],
  ]);
  assert.ok(back.text.includes(termURL), back.text);
  return { paRes: hidden(back.text, "PaRes"), cRes: hidden(back.text, "cres"), md: hidden(back.text, "MD") };
}

const finalInfo = (token, mpiToken, orderId) => ({
  transactionType: "Sale",
  amount: price * 100,
  currency: "352",
  orderId,
  paymentMethod: { paymentType: "TokenSingle", token },
  threeDSecure: { dataType: "Token", mpiToken },
});
const order = (final) =>
  new TicketOrder({
    order: { eventId: 1, currency: "ISK" },
    orderDetails: [{ eventSeriesTicketType: 1, count: 1, ticketPrice: price, totalPrice: price }],
    requestUnixUTCTimeStamp: Math.floor(Date.now() / 1000),
    borgun3DFinalInfo: final,
  });

let numbers = 0;
const freshOrderId = () => `CONF${String(++numbers).padStart(8, "0")}`;

/** `field` null: any. */
async function fails(promise, field, message) {
  const error = await promise.then(
    (answer) => assert.fail(`went through: ${JSON.stringify(answer)}`),
    (reason) => reason,
  );
  const said = error.responseStatus ?? error;
  if (field !== null) assert.equal(said.errors[0].fieldName, field, JSON.stringify(said));
  assert.match(said.errors[0].message, message);
}

const taken = async () => (await (await fetch(gateway.ledger)).json()).entries.filter((each) => each.kind === "taken").length;

// ---- the walks ----------------------------------------------------------------------------------------

const cases = {
  async "a frictionless card is enrolled and pays"() {
    const token = await singleToken("5455330200000016");
    const enrolled = await enroll(token);
    assert.equal(enrolled.success, true, JSON.stringify(enrolled));
    assert.equal(enrolled.response.mdStatus, "1");
    const answer = await app.post(order(finalInfo(token, enrolled.response.mpiToken, freshOrderId())));
    assert.equal(answer.statusCode, 0, JSON.stringify(answer));
  },

  async "a challenge of either protocol is passed, verified and paid, once"() {
    for (const pan of ["5587402000012011", "4741520000000003"]) {
      const token = await singleToken(pan);
      const enrolled = await enroll(token);
      assert.equal(enrolled.response.mdStatus, "9");
      const bought = order(finalInfo(token, enrolled.response.mpiToken, freshOrderId()));
      const field = "Borgun3DFinalInfo.ThreeDSecure.MpiToken";
      await fails(app.post(bought), field, /waits for the bank's answer/);
      const verified = await app.post(new Verification({ request: await atTheBank(enrolled, "authenticate") }));
      assert.equal(verified.success, true, JSON.stringify(verified));
      assert.equal(verified.response.mdStatus, "1");
      const before = await taken();
      const answer = await app.post(bought);
      assert.equal(answer.statusCode, 0, JSON.stringify(answer));
      assert.equal((await app.post(bought)).statusCode, 0);
      assert.equal(await taken(), before + 1);
      const again = order(finalInfo(token, enrolled.response.mpiToken, freshOrderId()));
      await fails(app.post(again), field, /was used before/);
    }
  },

  async "who fails at the bank pays nothing"() {
    const token = await singleToken("5587402000012011");
    const enrolled = await enroll(token);
    const verified = await app.post(new Verification({ request: await atTheBank(enrolled, "fail") }));
    assert.equal(verified.success, false);
    assert.equal(verified.response.mdStatus, "0");
    const bought = order(finalInfo(token, enrolled.response.mpiToken, freshOrderId()));
    await fails(app.post(bought), "Borgun3DFinalInfo.ThreeDSecure.MpiToken", /waits for the bank's answer/);
  },

  async "another caller's proof, a foreign one and one for another token are refused"() {
    const token = await singleToken("5455330200000016");
    const field = "Borgun3DFinalInfo.ThreeDSecure.MpiToken";
    const theirs = (await enroll(token, clientOf("team"))).response.mpiToken;
    await fails(app.post(order(finalInfo(token, theirs, freshOrderId()))), field, /was not issued here/);
    await fails(app.post(order(finalInfo(token, "mpi-4f1c7a90", freshOrderId()))), field, /was not issued here/);
    const other = await singleToken("5455330200000016");
    const ours = (await enroll(token)).response.mpiToken;
    await fails(app.post(order(finalInfo(other, ours, freshOrderId()))), field, /another card token/);
  },

  async "Finish3DProcess and its short version pay what was handed over"() {
    for (const short of [false, true]) {
      const handedOver = await (
        await fetch(`${base}/v1/transactions`, {
          method: "POST",
          headers: { Authorization: `Bearer ${map.v1.key}`, "Content-Type": "application/json" },
          body: JSON.stringify({
            caller: "app",
            held_until: new Date(Date.now() + 1_800_000).toISOString(),
            bundles: [{ source: "ext_test1", description: "Two seats", currency: "ISK", amount: price }],
          }),
        })
      ).json();
      const token = await singleToken("5455330200000016");
      const { mpiToken } = (await enroll(token)).response;
      const request = short
        ? new FinishShort({ request: { amount: price * 100, mpiToken, orderId: handedOver.reference, token } })
        : new Finish({ request: finalInfo(token, mpiToken, handedOver.reference) });
      const before = await taken();
      const answer = await app.post(request);
      assert.equal(answer.success, true, JSON.stringify(answer));
      assert.match(answer.response.transactionId, /^tr_/);
      assert.equal(answer.response.oorderId, handedOver.reference);
      assert.equal(answer.response.actionCode, "000");
      assert.match(answer.response.authCode, /^\w{6}$/);
      assert.match(answer.response.paymentMethod.pan, /^545533\*+0016$/);
      assert.deepEqual(await app.post(request), answer);
      assert.equal(await taken(), before + 1);
    }
  },

  async "a multi-use token is verified; its own path, JSV, and names in any case"() {
    const request = { PAN: "5455330200000016", ExpMonth: "09", EXPYEAR: "2030", VerifyCard: { CheckAmount: 0, Currency: "352", CVC: "123" } };
    const answer = await app.post(new GetMultiToken({ Request: request }));
    assert.equal(answer.success, true, JSON.stringify(answer));
    assert.match(answer.response.token.token, /^tm_/);
    assert.equal(answer.response.token.verifyCardResult.actionCode, "000");
    const jsv = await fetch(`${base}/borgunservices/TOKEN/multi.jsv`, {
      method: "POST",
      headers: { Authorization: `Bearer ${account("app").api_key}`, "Content-Type": "application/jsv" },
      body: JSV.stringify({ request }),
    });
    const text = await jsv.text();
    assert.equal(jsv.status, 200, text);
    assert.match(text, /^\{response:\{statusCode:201,token:\{virtualNumber:99\d{14},token:tm_/);
  },

  async "a card that makes no sense is a typed error that does not repeat it"() {
    const wrong = app.post(new GetSingleToken({ request: { pan: "5587402000012012", expMonth: "09", expYear: "2030", tokenLifetime: 600 } }));
    await fails(wrong, "Request.Pan", /^(?!.*5587)/);
    const nobody = new JsonServiceClient(base);
    nobody.setCredentials("nobody", "demopass");
    const refused = await nobody.post(new GetSingleToken({ request: {} })).then(() => "taken", (error) => error.responseStatus.errorCode);
    assert.notEqual(refused, "taken");
  },
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok - ${name}\n${error.stack}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
