// What the sandbox's Apple put into its tokens is what somebody else's reader takes out. Started by node_client.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT_FOLDER, "package.json"));
const { ApplePaymentTokenContext } = require("@basis-theory/apple-pay-js");

const cases = JSON.parse(readFileSync(0, "utf8"));
assert.deepEqual(cases.map(({ token }) => token.version), ["EC_v1", "EC_v1", "RSA_v1", "RSA_v1"]);

const merchant = ({ certificate, key }) => ({ certificatePem: Buffer.from(certificate), privateKeyPem: Buffer.from(key) });
for (const { certificate, key, token, put_in } of cases) {
  const read = new ApplePaymentTokenContext({ merchants: [merchant({ certificate, key })] }).decrypt(token);
  assert.equal(read.applicationPrimaryAccountNumber, put_in.number);
  assert.equal(read.applicationExpirationDate, put_in.expiry);
  assert.equal(read.currencyCode, put_in.currency);
  assert.equal(read.transactionAmount, put_in.amount);
  assert.equal(read.paymentDataType, "3DSecure");
  assert.equal(read.paymentData.onlinePaymentCryptogram, put_in.cryptogram);
  assert.equal(read.paymentData.eciIndicator, put_in.eci);
}

// With the keys of both versions, each token is opened by its own.
const both = new ApplePaymentTokenContext({ merchants: [merchant(cases[0]), merchant(cases[2])] });
for (const { token, put_in } of cases) assert.equal(both.decrypt(token).transactionAmount, put_in.amount);

// A key of somebody else opens nothing.
for (const [one, other] of [[0, 2], [2, 0]])
  assert.throws(() => new ApplePaymentTokenContext({ merchants: [merchant(cases[other])] }).decrypt(cases[one].token));

console.log(`${cases.length} tokens opened`);
