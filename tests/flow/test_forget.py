"""Forgetting who paid, over the real files: nothing of the customer is left in any file of the data directory."""

import base64
import html
import json
import re
import sqlite3
from datetime import datetime, timedelta, timezone

from kassi import FlowTest, Sandbox, Serve, http, run

NAMES = (b"Flintstone", b"Cobblestone", b"Bedrock", b"fred@example.com", b"0110134345", b"70777")


class ForgetTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.sandbox = Sandbox(self, self.data)

    def found(self):
        """Which of the customer's words stand in which file."""
        return [(file.name, name) for file in sorted(self.data.rglob("*")) if file.is_file()
                for name in NAMES if name in file.read_bytes()]

    def bought(self):
        transaction = self.sandbox.reserve("demo")
        answer = self.sandbox.purchase("demo", transaction)
        self.assertEqual(answer.json()["transaction_status"], "purchased", answer.body)
        return transaction

    def forget(self, transaction, because="she asked for it"):
        return run("forget", "--data", self.data, transaction, "--by", "Anna", "--because", because)

    def v1(self, method, path, body=None, key=None):
        if not hasattr(self, "key"):
            self.key = http("GET", self.sandbox.url + "/sandbox").json()["v1"]["key"]
        headers = {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return http(method, self.sandbox.url + "/v1" + path, None if body is None else json.dumps(body).encode(), headers)

    def keys(self):
        """What opens the rows of people, as it stands in the file."""
        database = sqlite3.connect(f"file:{self.data / 'kassi.db'}?mode=ro", uri=True)
        salts = [salt for (salt,) in database.execute("select salt from person_key where salt <> zeroblob(16)")]
        database.close()
        return salts

    def anywhere(self, salts):
        return [file.name for file in sorted(self.data.glob("kassi.db*")) for salt in salts if salt in file.read_bytes()]

    def test_nothing_of_the_customer_is_left_and_every_door_goes_on(self):
        transaction = self.bought()
        shown = self.sandbox.f13("demo", "GET", "status.v1", [("transaction_uuid", transaction), ("add_customer", "1")])
        self.assertIn(b"Flintstone", shown.body)
        self.assertEqual(self.found(), [], "nobody reads it in the files before either")
        salts = self.keys()
        self.assertEqual(len(salts), 2)
        self.assertTrue(self.anywhere(salts))
        refused = run("forget", "--data", self.data, self.sandbox.reserve("demo"), "--by", "Anna", "--because", "x")
        self.assertEqual(refused[0], 2)
        self.assertIn("is not settled", refused[2])

        status, output, errors = self.forget(transaction)
        self.assertEqual(status, 0, errors)
        self.assertRegex(output, r"^T\S+-\S+  forgotten\n$")
        self.until("what opens them is in no file, while the server runs", lambda: not self.anywhere(salts))
        self.assertEqual(self.found(), [])
        self.assertEqual(self.forget(transaction)[0], 0, "once more is the same")

        status = self.sandbox.status("demo", transaction)
        self.assertEqual(status["transaction_status"], "purchased")
        shown = self.sandbox.f13("demo", "GET", "status.v1", [("transaction_uuid", transaction), ("add_customer", "1")])
        self.assertEqual(shown.status, 200, shown.body)
        self.assertNotIn(b"Flintstone", shown.body)
        again = self.sandbox.purchase("demo", transaction)
        self.assertEqual(again.status, 200, again.body)
        self.assertEqual(again.json()["transaction_status"], "purchased", "the same purchase again")
        view = self.v1("GET", f"/transactions/{transaction}")
        self.assertEqual((view.status, view.json()["forgotten"]), (200, True), view.body)
        for part in ("journal", "explain"):
            self.assertEqual(self.v1("GET", f"/transactions/{transaction}/{part}").status, 200)
        self.assertEqual(http("GET", f"{self.sandbox.url}/shop/transactions/{transaction}").status, 200)
        voucher = http("GET", f"{self.sandbox.url}/shop/vouchers/{transaction}")
        self.assertEqual(voucher.status, 200, voucher.body)
        for bundle in view.json()["bundles"]:
            self.assertIn(html.escape(bundle["description"]).encode(), voucher.body)
        self.assertIn(b"were forgotten", voucher.body)
        self.assertNotIn(b"Flintstone", voucher.body)
        status, story, errors = run("show", "--data", self.data, transaction)
        self.assertEqual(status, 0, errors)
        self.assertIn("Anna had customer and document forgotten (she asked for it)", story)
        self.assertEqual(self.found(), [], "asking brought nothing back")
        self.assertEqual(run("verify", "--data", self.data)[0], 0)
        self.sandbox.process.kill()
        self.assertEqual(self.found() + self.anywhere(salts), [])
        self.assertEqual(run("verify", "--data", self.data)[0], 0)

    def test_without_a_server_too_and_the_journey_goes_with_it(self):
        transaction = self.v1("POST", "/transactions", self.trolley("demo-redirect"), "k1").json()["id"]
        away = self.v1("POST", f"/transactions/{transaction}/purchase",
                       {"return": {"via": "kassi", "remote_ip": "192.0.2.7", "user_agent": "Flintstone's"}}, "k2").json()
        back = dict(away["callout"]["parameters"])["return_url"]
        http("GET", back + "?success=yes")
        self.until("bought", lambda: self.v1("GET", f"/transactions/{transaction}").json()["phase"] == "purchased")
        self.sandbox.process.end()
        self.assertEqual([self.rows(table) for table in ("customer", "parcel")], [1, 1], "she, and how she comes back")
        status, output, errors = self.forget(transaction)
        self.assertEqual((status, errors), (0, ""), output)
        self.assertEqual([self.rows(table) for table in ("customer", "document", "parcel")], [0, 0, 0])
        self.assertEqual(self.keys(), [])
        self.assertEqual(self.found(), [])
        self.assertEqual(run("verify", "--data", self.data)[0], 0)
        self.sandbox = Sandbox(self, self.data)
        late = http("GET", re.sub("^http://[^/]+", self.sandbox.url, back) + "?success=yes")
        self.assertEqual(late.status, 200, late.body)

    @staticmethod
    def trolley(caller):
        soon = datetime.now(timezone.utc) + timedelta(minutes=30)
        return {"caller": caller, "held_until": soon.isoformat(), "customer": {"name": "Flintstone"},
                "bundles": [{"source": "ext_test0", "description": "Seats", "currency": "GBP", "amount": 100}]}

    def rows(self, table):
        database = sqlite3.connect(self.data / "kassi.db")
        count = database.execute(f"select count(*) from {table}").fetchone()[0]
        database.close()
        return count

    def test_an_idempotent_request_still_answers(self):
        body = self.trolley("demo")
        first = self.v1("POST", "/transactions", body, "k1")
        self.assertEqual(first.status, 201, first.body)
        transaction = first.json()["id"]
        bought = self.v1("POST", f"/transactions/{transaction}/purchase", {}, "k2")
        self.assertEqual(bought.json()["phase"], "purchased", bought.body)
        self.assertEqual(self.forget(transaction)[0], 0)
        self.assertEqual(self.v1("POST", "/transactions", body, "k1").json(), first.json())
        self.assertEqual(self.v1("POST", f"/transactions/{transaction}/purchase", {}, "k2").json(), bought.json())
        self.assertTrue(self.v1("GET", f"/transactions/{transaction}").json()["forgotten"])

    def test_an_order_whose_document_is_forgotten_keeps_its_status(self):
        order = {"order": {"eventId": 1, "currency": "ISK"},
                 "orderDetails": [{"eventSeriesTicketType": 1, "ticketPrice": 4990, "count": 2}],
                 "cardInfo": {"paymentMethod": {"paymentType": "Card", "pan": "5587402000012011", "expYear": "2031",
                                                "expMonth": "09", "cvc": "737"},
                              "amount": 9980, "currency": "ISK", "orderId": "FORGET000001"}}
        headers = {"Content-Type": "application/json",
                   "Authorization": "Basic " + base64.b64encode(b"app:demopass").decode()}

        def ask(path, body=None):
            answer = http("POST" if body else "GET", self.sandbox.url + path, body and json.dumps(body).encode(), headers)
            self.assertEqual(answer.status, 200, answer.body)
            return answer.json()

        self.until("paid", lambda: ask("/ticketOrder", order)["statusCode"] == 0)
        listed = self.v1("GET", "/transactions").json()["data"]
        transaction = next(each["id"] for each in listed if each["phase"] == "purchased")
        self.until("settled", lambda: self.forget(transaction)[0] == 0)
        self.assertEqual(ask("/ticketOrder", order)["statusCode"], 0)
        self.assertEqual(ask("/ticketOrder/status.json?orderId=FORGET000001")["statusCode"], 0)
        self.assertEqual(run("verify", "--data", self.data)[0], 0)

    def test_a_word_that_is_missing_is_named(self):
        transaction = self.bought()
        status, _, errors = run("forget", "--data", self.data, transaction, "--by", "Anna")
        self.assertEqual(status, 2)
        self.assertIn("--because", errors)
        for words, field in ((("", "x"), "by"), (("Anna", ""), "because"), (("A" * 257, "x"), "by")):
            status, _, errors = run("forget", "--data", self.data, transaction, "--by", words[0], "--because", words[1])
            self.assertEqual(status, 2)
            self.assertRegex(errors, rf"^kassi: {field}: is ")

    # ---- by the clock

    def test_the_sweep_forgets_what_is_older_than_the_retention(self):
        old = self.bought()
        answer = http("PUT", self.sandbox.url + "/sandbox/clock", json.dumps({"advance_seconds": 2 * 86_400}).encode(),
                      {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)
        young = self.bought()
        self.sandbox.process.end()
        serve = Serve(self)
        text = re.sub('(?m)^data = .*$', 'data = "data"\nretention_days = 1', serve.text())
        serve.file.write_text(text.replace('"master.key"', '"data/sandbox-key"'))
        for forgotten in (1, 0):
            status, output, errors = run("sweep", "--config", serve.file)
            self.assertEqual(status, 0, output + errors)
            self.assertIn(f" {forgotten} forgotten", output)
        story = run("show", "--config", serve.file, old)[1]
        self.assertIn("Kassi had customer and document forgotten (retention)", story)
        self.assertNotIn("forgotten", run("show", "--config", serve.file, young)[1])
        self.assertEqual(run("verify", "--config", serve.file)[0], 0)

    def test_a_server_forgets_by_itself(self):
        old = self.bought()
        http("PUT", self.sandbox.url + "/sandbox/clock", json.dumps({"advance_seconds": 2 * 86_400}).encode(),
             {"Content-Type": "application/json"})
        self.bought()
        self.sandbox.process.end()
        serve = Serve(self)
        text = re.sub('(?m)^data = .*$', 'data = "data"\nretention_days = 1', serve.text())
        serve.file.write_text(text.replace('"master.key"', '"data/sandbox-key"'))
        serve.start()
        serve.process.wait_for('"event":"retention".*"forgotten":"1"')
        self.assertIn("\nkassi_forgotten_total 1\n", http("GET", serve.operators + "/metrics").body.decode())
        self.assertIn("forgotten", run("show", "--config", serve.file, old)[1])
