// What the official client writes, our reader reads; what we answer, the client understands.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import http from "node:http";
import readline from "node:readline";
import { JSV, JsonServiceClient, JsonApiClient, dto } from "./official.mjs";

// ---- the pipe, one line at a time ---------------------------------------------------------------------

const pipe = spawn(process.env.KASSI_PIPE, [], { stdio: ["pipe", "pipe", "inherit"] });
const answers = readline.createInterface({ input: pipe.stdout })[Symbol.asyncIterator]();
let turn = Promise.resolve();
function ask(line) {
  const mine = turn.then(async () => {
    pipe.stdin.write(JSON.stringify(line) + "\n");
    const { value, done } = await answers.next();
    if (done) throw new Error("the pipe ended");
    return JSON.parse(value);
  });
  turn = mine.catch(() => {});
  return mine;
}

const seen = [];
const server = http.createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const headers = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) headers.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
  const call = { method: request.method, target: request.url, headers, body: Buffer.concat(parts).toString("utf8") };
  seen.push(call);
  const answer = await ask(call);
  response.writeHead(answer.status, { "Content-Type": answer.type, "Content-Length": Buffer.byteLength(answer.body) });
  response.end(answer.body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;

// ---- the request --------------------------------------------------------------------------------------

const TicketOrder = dto("TicketOrder");

const device = 'dev "1", x';
const order = (more = {}) =>
  new TicketOrder({
    teamPass: null,
    order: { eventId: 42, timestampBought: "2024-05-01T12:34:56.789Z", deviceId: device, isFree: false, currency: "GBP" },
    orderDetails: [{ eventSeriesTicketType: 3, ticketPrice: 22.05, totalPrice: 44.1, count: 2, ticketName: "A: b" }],
    cardInfo: { paymentMethod: { paymentType: "TokenSingle", token: "tok" }, amount: 44.1, currency: "826" },
    requestUnixUTCTimeStamp: 1714566896,
    signature: { systemId: "s", signature: "xx" },
    ...more,
  });

function expectSold(answer) {
  assert.equal(answer.statusCode, 0);
  assert.equal(answer.ticketAndDetails.eventTicket.id, 17);
  assert.equal(answer.ticketAndDetails.eventTicket.deviceId, device);
  assert.equal(new Date(answer.ticketAndDetails.eventTicket.timestampBought).getUTCSeconds(), 56);
  assert.equal(answer.ticketAndDetails.eventTicketDetails[0].totalPrice, 44.1);
  assert.equal(answer.ticketAndDetails.eventTicketDetails[0].ticketName, "A: b");
  assert.equal(answer.ticketAndDetails.eventisLive, false);
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
  async "texts that the client's JSV writes are read back"() {
    const alphabet = ["a", "B", "é", "✓", "😀", " ", "\t", "\r", "\n", '"', ":", ",", "{", "}", "[", "]", "\\", "'", "0"];
    let state = 20261128;
    const below = (end) => (state = (state * 1103515245 + 12345) % 2147483648) % end;
    for (let i = 0; i < 500; ++i) {
      let text = "x"; // one that starts with a quote the client writes wrongly; blanks alone it does not quote
      for (let n = below(8); n > 0; --n) text += alphabet[below(alphabet.length)];
      const written = JSV.stringify({ a: { b: [text, "z"], c: text } });
      assert.deepEqual(await ask({ jsv: written }), { tree: { a: { b: [text, "z"], c: text } } }, written);
    }
  },
  async "numbers, booleans, dates, names and lists of the client's JSV are read"() {
    const tree = (value) => ask({ jsv: JSV.stringify(value) });
    const value = { a: 1, b: "x,y", c: null, d: "", e: { f: [1, { g: "h" }] }, "k:1": "v", t: true, n: 0 };
    assert.deepEqual(await tree(value), { tree: { a: "1", b: "x,y", e: { f: ["1", { g: "h" }] }, "k:1": "v", t: "true", n: "0" } });
    assert.deepEqual(await tree([[1], [2, 3]]), { tree: [["1"], ["2", "3"]] });
    assert.deepEqual(await tree({ o: {}, l: [] }), { tree: { o: {}, l: [] } });
    assert.match((await tree({ when: new Date(0) })).tree.when, /^19(69|70)-\d\d-\d\dT\d\d:\d\d:00$/);
  },
  async "what the client's JSV writes wrongly is refused, and does not end the reader"() {
    assert.match((await ask({ jsv: JSV.stringify({ a: '"' }) })).error, /^a: /);
  },
  async "post"() {
    expectSold(await new JsonServiceClient(base).post(order()));
    assert.equal(seen.at(-1).target, "/api/TicketOrder");
  },
  async "post to the older path, and to the service's own"() {
    const older = new JsonServiceClient(base);
    older.basePath = "";
    expectSold(await older.post(order()));
    assert.equal(seen.at(-1).target, "/json/reply/TicketOrder");
    expectSold(await new JsonServiceClient(base).postToUrl("/ticketOrder", order()));
    assert.equal(seen.at(-1).target, "/ticketOrder");
  },
  async "post as text/plain"() {
    expectSold(await JsonApiClient.create(base).post(order()));
    const type = seen.at(-1).headers.find(([name]) => name.toLowerCase() === "content-type")[1];
    assert.match(type, /^text\/plain/);
  },
  async "post as a form, each member as JSV"() {
    const form = new FormData();
    for (const [name, value] of Object.entries(order()))
      if (value !== null) form.append(name, typeof value === "object" ? JSV.stringify(value) : String(value));
    expectSold(await new JsonServiceClient(base).postBody(order(), form));
    const type = seen.at(-1).headers.find(([name]) => name.toLowerCase() === "content-type")[1];
    assert.match(type, /^multipart\/form-data/);
  },
  async "get with JSV in the query"() {
    const query = Object.entries(order({ teamPass: undefined }))
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encodeURIComponent(typeof value === "object" ? JSV.stringify(value) : value)}`);
    expectSold(await new JsonServiceClient(base).get(`/ticketOrder?${query.join("&")}`));
  },
  async "get of the request itself, of which the client makes [object Object]"() {
    const status = await refusedBy(new JsonServiceClient(base).get(order()));
    assert.equal(status.errorCode, "SerializationException");
    assert.deepEqual(status.errors.map((error) => error.fieldName).sort(), ["CardInfo", "Order", "OrderDetails[0]", "Signature"]);
  },
  async "refusals name their fields"() {
    const two = order({ borgun3DFinalInfo: { amount: 4410 } });
    const status = await refusedBy(new JsonServiceClient(base).post(two));
    assert.equal(status.errorCode, "Predicate");
    assert.ok(status.errors.some((error) => error.fieldName === "CardInfo" && error.message.includes("borgun3DFinalInfo")));
    const wrong = order({ cardInfo: { ...order().cardInfo, amount: 44.11 } });
    const { errors } = await refusedBy(new JsonServiceClient(base).post(wrong));
    assert.deepEqual(errors.map((error) => error.fieldName), ["CardInfo.Amount"]);
    const api = await new JsonServiceClient(base).api(wrong);
    assert.equal(api.error.errors[0].fieldName, "CardInfo.Amount");
  },
  async "a declined card is an answer"() {
    const answer = await new JsonServiceClient(base).post(order({ order: { eventId: 42, currency: "GBP" }, deviceId: "declined" }));
    assert.equal(answer.statusCode, 402);
  },
  async "without tickets"() {
    const answer = await new JsonServiceClient(base).post(order({ dontReturnTickets: true }));
    assert.deepEqual(Object.keys(answer).sort(), ["message", "statusCode"]);
  },
  async "batches and other operations are refused"() {
    assert.equal((await refusedBy(new JsonServiceClient(base).sendAll([order()]))).errorCode, "NotImplementedException");
    const other = order();
    other.getTypeName = () => "Other";
    assert.equal((await refusedBy(new JsonServiceClient(base).post(other))).errorCode, "NotImplementedException");
  },
  async "an answer in JSV is what our reader reads"() {
    const response = await fetch(`${base}/ticketOrder`, {
      method: "POST",
      headers: { "Content-Type": "text/jsv", Accept: "text/jsv" },
      body: JSV.stringify(order()),
    });
    assert.equal(response.headers.get("content-type"), "text/jsv");
    const { tree } = await ask({ jsv: await response.text() });
    assert.equal(tree.statusCode, "0");
    assert.equal(tree.ticketAndDetails.eventTicket.deviceId, device);
    assert.equal(tree.ticketAndDetails.eventInfo.name, 'A: b, "c"');
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
server.close();
server.closeAllConnections();
pipe.stdin.end();
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
