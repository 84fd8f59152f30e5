// An unmodified client (CLIENT_NAME, of CLIENT_FOLDER) places and pays orders at a sandbox (KASSI_URL), whose gateway's
// ledger (LEDGER_URL) says what was charged.
import assert from "node:assert/strict";
import { JSV, JsonServiceClient, dto } from "./official.mjs";

const base = process.env.KASSI_URL;
const accounts = Object.fromEntries((await (await fetch(`${base}/sandbox`)).json()).accounts.map((each) => [each.name, each]));

const approves = "5587402000012011";
const declines = "4155520000000002";
const wantsSecure = "4000000000003220";
const keySalt = process.pid.toString(36).toUpperCase().padStart(6, "0").slice(-6);
let count = 0;
const freshId = () => keySalt + (count++).toString().padStart(6, "0");

const TicketOrder = dto("TicketOrder");

const family = (more = {}, pan = approves) =>
  new TicketOrder({
    order: { eventId: 1, currency: "ISK", deviceId: 'dev "1", x' },
    orderDetails: [
      { eventSeriesTicketType: 1, ticketPrice: 4990, totalPrice: 9980, count: 2 },
      { eventSeriesTicketType: 2, ticketPrice: 1990, totalPrice: 1990, count: 1 },
    ],
    cardInfo: {
      paymentMethod: { paymentType: "Card", pan, expYear: "2031", expMonth: "9", cvc: "737" },
      amount: 11970,
      currency: "352",
      orderId: freshId(),
    },
    ...more,
  });

function client(user = "app") {
  const made = new JsonServiceClient(base);
  if (user) made.setCredentials(user, "demopass");
  return made;
}

async function charges() {
  const { entries } = await (await fetch(process.env.LEDGER_URL)).json();
  return entries.filter((each) => each.kind === "taken").length;
}

async function charged(by, call) {
  const before = await charges();
  const answer = await call();
  assert.equal((await charges()) - before, by);
  return answer;
}

async function refusedBy(promise) {
  try {
    await promise;
  } catch (error) {
    return error.responseStatus ?? error;
  }
  return assert.fail("was not refused");
}

const checks = {
  async "an order by card, with Basic"() {
    const answer = await charged(1, () => client().post(family()));
    assert.equal(answer.statusCode, 0);
    const { eventTicket, eventTicketDetails, eventInfo } = answer.ticketAndDetails;
    assert.equal(eventTicket.ticketStatus, "Paid");
    assert.equal(eventTicket.totalPaidForTicket, 11970);
    assert.equal(eventTicket.deviceId, 'dev "1", x');
    assert.deepEqual(eventTicketDetails.map((line) => [line.ticketName, line.count]), [["Adult", 2], ["Child", 1]]);
    assert.equal(eventInfo.id, 1);
  },
  async "with a bearer token"() {
    const made = client("");
    made.bearerToken = accounts.app.api_key;
    assert.equal((await charged(1, () => made.post(family()))).statusCode, 0);
  },
  async "with the cookies of a session"() {
    const made = client("");
    const session = await fetch(`${base}/auth/credentials`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ userName: "app", password: "demopass" }),
    });
    const cookies = session.headers.getSetCookie().map((each) => each.split(";")[0]);
    made.requestFilter = (request) => request.headers.set("Cookie", cookies.join("; "));
    assert.equal((await charged(1, () => made.post(family()))).statusCode, 0);
  },
  async "logging in as the client does, whose cookies it keeps"() {
    const made = client("");
    const request = { provider: "credentials", userName: "app", password: "demopass", getTypeName: () => "Authenticate", getMethod: () => "POST", createResponse: () => ({}) };
    const answer = await made.post(request);
    assert.equal(answer.userName, "app");
    assert.deepEqual(answer.roles, ["MobileApp"]);
    assert.equal((await charged(1, () => made.post(family()))).statusCode, 0);
  },
  async "401, 403 and 400 are typed errors"() {
    const nobody = await refusedBy(client("").post(family()));
    assert.equal(nobody.errorCode, "Unauthorized");
    const wrong = client("");
    wrong.setCredentials("app", "wrong");
    assert.equal((await refusedBy(wrong.post(family()))).message, "Invalid Username or Password");
    assert.equal((await refusedBy(client("nobody").post(family()))).message, "Invalid Role");
    const bad = family();
    bad.cardInfo.amount = 11971;
    const { errorCode, errors } = await refusedBy(client().post(bad));
    assert.equal(errorCode, "Equal");
    assert.deepEqual(errors.map((error) => error.fieldName), ["CardInfo.Amount"]);
  },
  async "the identical POST in sequence and in parallel is charged once"() {
    const order = family();
    const first = await charged(1, () => client().post(order));
    const again = await charged(0, () => client().post(order));
    assert.deepEqual(again, first);
    const other = family();
    const answers = await charged(1, () => Promise.all(Array.from({ length: 5 }, () => client().post(other))));
    for (const answer of answers)
      assert.equal(answer.ticketAndDetails.eventTicket.ticketTokenId, answers[0].ticketAndDetails.eventTicket.ticketTokenId);
    // Without a name of its own an order is known by what is in it.
    const nameless = family();
    delete nameless.cardInfo.orderId;
    nameless.appMetaData = freshId();
    await charged(1, () => Promise.all([client().post(nameless), client().post(nameless)]));
    const changed = family({ cardInfo: { ...other.cardInfo } });
    changed.appMetaData = "another";
    assert.equal((await charged(0, () => client().post(changed))).statusCode, 409);
  },
  async "declined, and 3-D Secure wanted, are answers"() {
    assert.equal((await charged(0, () => client().post(family({}, declines)))).statusCode, 402);
    assert.equal((await charged(0, () => client().post(family({}, wantsSecure)))).statusCode, 428);
  },
  async "pending, then its answer"() {
    const order = family();
    const faults = (rules) => fetch(process.env.FAULTS_URL, { method: "PUT", body: JSON.stringify({ rules }) });
    assert.equal((await faults([{ on: "payment", do: "drop_answer", times: 1 }])).status, 200);
    const first = await client().post(order);
    await faults([]);
    assert.equal(first.statusCode, 202);
    const token = first.ticketAndDetails.eventTicket.ticketTokenId;
    let last = first;
    for (let i = 0; i < 300 && last.statusCode === 202; ++i) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      last = await client().post(order);
    }
    const status = await client().get(`/ticketOrder/status?ticketTokenId=${token}`);
    assert.deepEqual(status, last);
    assert.notEqual(last.statusCode, 202);
    assert.equal((await charged(0, () => client().post(order))).statusCode, last.statusCode);
  },
  async "other paths, and JSV"() {
    const older = client();
    older.basePath = "";
    assert.equal((await older.post(family())).statusCode, 0);
    assert.equal((await client().postToUrl("/ticketOrder", family())).statusCode, 0);
    const order = family();
    const response = await fetch(`${base}/ticketOrder`, {
      method: "POST",
      headers: { "Content-Type": "text/jsv", Accept: "text/jsv", Authorization: `Basic ${btoa("app:demopass")}` },
      body: JSV.stringify(order),
    });
    assert.equal(response.headers.get("content-type"), "text/jsv");
    assert.match(await response.text(), /statusCode:0/);
    assert.equal((await charged(0, () => client().post(order))).statusCode, 0);
  },
  async "[object Object], and a batch"() {
    const order = family({ teamPass: null, signature: { systemId: "s" }, borgun3DFinalInfo: { amount: 1 } });
    const { errorCode, errors } = await refusedBy(client().get(order));
    assert.equal(errorCode, "SerializationException");
    assert.equal(errors.length, 5);
    assert.equal((await refusedBy(client().sendAll([family()]))).errorCode, "NotImplementedException");
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok      ${name}`);
  } catch (error) {
    ++failed;
    console.log(`FAILED  ${name}\n${error.stack ?? JSON.stringify(error)}`);
  }
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
