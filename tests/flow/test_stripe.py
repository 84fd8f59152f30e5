"""kassi serve with Stripe, over /v1. The sandbox's Stripe outlives the server under test; its ledger is compared."""

import hashlib
import hmac
import json
import threading
import time
import urllib.parse

from kassi import FlowTest, Form, Sandbox, Serve, http, run

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Stripe:
    """The sandbox's Stripe, as its customers, its dashboard and its test see it."""

    def __init__(self, test):
        sandbox = Sandbox(test, test.folder / "sandbox")
        places = http("GET", sandbox.url + "/sandbox").json()["simulators"]
        self.place = next(place for place in places if place["name"] == "stripe")

    def ledger(self, transaction):
        entries = http("GET", self.place["ledger"]).json()["entries"]
        return [(entry["kind"], entry["amount"]) for entry in entries if entry["reference"].startswith(transaction)]

    def faults(self, *rules):
        answer = http("PUT", self.place["faults"], json.dumps({"rules": rules}).encode(),
                      {"Content-Type": "application/json"})
        assert answer.status == 200, answer.body

    def api(self, path):
        return http("GET", self.place["url"] + "/v1/" + path,
                    None, {"Authorization": "Bearer " + self.place["secret_key"]}).json()

    def intent(self, transaction):
        """The only one of a transaction."""
        found = [intent for intent in self.api("payment_intents?limit=100")["data"]
                 if intent["metadata"].get("kassi_reference", "").startswith(transaction)]
        assert len(found) == 1, found
        return found[0]

    @staticmethod
    def question(callout):
        """The bank's page, as the customer's browser has it before it."""
        page = http("GET", callout["destination"] + "?" + urllib.parse.urlencode(dict(callout["parameters"])))
        assert b"Your bank asks" in page.body, page.body
        form = Form(page.body.decode())
        return urllib.parse.urljoin(callout["destination"], form.action), form.fields

    @staticmethod
    def reply(question, act):
        """Presses a button of it; where the browser is sent."""
        action, fields = question
        return http("POST", action, urllib.parse.urlencode([*fields, ("act", act)]).encode(), FORM).headers["Location"]


class StripeServe(Serve):
    def __init__(self, test, stripe):
        self.stripe = stripe.place
        test.write("stripe.key", self.stripe["secret_key"])
        test.write("webhook.key", self.stripe["webhook_secret"])
        super().__init__(test)

    def text(self):
        return super().text().replace('ways = { "*" = ["house-credit"] }', 'ways = { "*" = ["cards"] }') + f"""
[[merchant]]
name = "cards"
provider = "stripe"
base_url = "{self.stripe["url"]}"
simulator = true
[merchant.settings]
publishable_key = "{self.stripe["publishable_key"]}"
script_url = "{self.stripe["script"]}"
[merchant.secrets]
secret_key = {{ file = "stripe.key" }}
webhook_secret = {{ file = "webhook.key" }}
"""

    def pay(self, transaction, token=None, **more):
        body = {**more, **({"credentials": {"ext_test1": {"stripe_token": token}}} if token else {})}
        return self.v1("POST", f"/transactions/{transaction}/purchase", body)

    def refund(self, transaction, amount):
        return self.v1("POST", f"/transactions/{transaction}/refunds",
                       {"leg": 1, "amount": amount, "by": "Anna", "because": "one seat was broken"})

    def event(self, kind, obj):
        """A webhook as Stripe signs it."""
        body = json.dumps({"id": "evt_" + kind.replace(".", "_"), "object": "event", "livemode": False, "type": kind,
                           "data": {"object": obj}})
        now = str(int(time.time()))
        signature = hmac.new(self.stripe["webhook_secret"].encode(), f"{now}.{body}".encode(), hashlib.sha256)
        return http("POST", self.url + "/webhooks/stripe/cards", body.encode(), {
            "Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature.hexdigest()}"})


class StripeTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.stripe = Stripe(self)
        self.serve = StripeServe(self, self.stripe).start()

    def command(self, *words):
        return run(words[0], "--config", self.serve.file, *words[1:])

    def hand_over(self):
        return self.serve.hand_over()["id"]

    def bought(self):
        transaction = self.hand_over()
        answer = self.serve.pay(transaction, "tok_visa")
        self.assertEqual(answer.json()["phase"], "purchased", answer.body)
        return transaction

    def verified(self):
        status, output, errors = self.command("verify")
        self.assertEqual(status, 0, output + errors)

    # ---- good ways

    def test_a_token_buys_and_parts_of_it_go_back(self):
        transaction = self.hand_over()
        refused = self.serve.pay(transaction)
        self.assertEqual((refused.status, refused.json()["field"]), (400, "credentials.ext_test1"))
        bought = self.serve.pay(transaction, "pm_card_visa")
        self.assertEqual(bought.json()["phase"], "purchased", bought.body)
        self.assertEqual(self.stripe.ledger(transaction), [("held", 11000), ("taken", 11000)])
        intent = self.stripe.intent(transaction)
        self.assertEqual((intent["amount"], intent["currency"], intent["status"], intent["capture_method"]),
                         (11000, "gbp", "succeeded", "manual"))
        for amount in (1000, 10000):
            answer = self.serve.refund(transaction, amount)
            self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.serve.read(transaction)["phase"], "cancelled")
        self.assertEqual(self.stripe.ledger(transaction)[2:], [("given_back", 1000), ("given_back", 10000)])
        story = self.command("show", transaction)[1]
        self.assertIn("with a stripe token", story)
        self.assertIn(intent["id"], story)
        self.assertNotIn("pm_card_visa", story)
        self.assertEqual(self.serve.process.end(), 0)
        self.assertNotIn("pm_card_visa", "\n".join(self.serve.process.lines))
        self.verified()

    def test_a_token_pays_once_after_a_restart_too(self):
        first, second = self.hand_over(), self.hand_over()
        self.assertEqual(self.serve.pay(first, "tok_1NobodyMadeIt").json()["phase"], "failed")
        self.serve.process.kill()
        self.serve.start()
        answer = self.serve.pay(second, "tok_1NobodyMadeIt")
        self.assertEqual((answer.status, answer.json()["field"]), (400, "credentials.ext_test1"))
        self.assertEqual(self.serve.pay(second, "tok_visa").json()["phase"], "purchased")

    def test_a_missing_token_comes_by_callback_after_a_restart(self):
        transaction = self.hand_over()
        away = self.serve.pay(transaction, **{"return": {"via": "caller", "token": "T-1",
                                                         "url": "http://127.0.0.1:9/back/T-1"}}).json()
        self.assertEqual(away["callout"]["return_token"], "T-1")
        self.serve.process.kill()
        self.serve.start()
        callout = self.serve.read(transaction)["callout"]
        self.assertEqual(callout, away["callout"])
        page = http("GET", self.serve.url + urllib.parse.urlsplit(callout["page_url"]).path)
        self.assertEqual(page.status, 200)
        self.assertEqual(Form(page.body.decode()).action, "http://127.0.0.1:9/back/T-1")
        body = {"caller": "demo", "fields": {"stripeToken": "tok_visa"}}
        answer = self.serve.v1("POST", "/callbacks/T-1", {**body, "fields": {"token": "tok_visa"}})
        self.assertEqual((answer.status, answer.json()["field"]), (400, "stripeToken"))
        self.assertEqual(self.serve.v1("POST", "/callbacks/T-1", body).json()["phase"], "purchased")
        self.assertEqual(self.stripe.ledger(transaction), [("held", 11000), ("taken", 11000)])

    # ---- the bank's question

    def ask_the_bank(self):
        transaction = self.hand_over()
        away = self.serve.pay(transaction, "tok_threeDSecure2Required", **{"return": {"via": "kassi"}}).json()
        self.assertIn("3d_secure", away["callout"]["destination"], away)
        return transaction, away["callout"]

    def test_a_signed_event_finishes_what_the_customer_left(self):
        transaction, callout = self.ask_the_bank()
        self.assertIsNone(self.stripe.reply(self.stripe.question(callout), "complete_stay"))
        intent = self.stripe.intent(transaction)
        self.assertEqual(intent["status"], "requires_capture")
        self.assertEqual(self.serve.event("payment_intent.amount_capturable_updated", intent).status, 200)
        self.until("purchased", lambda: self.serve.read(transaction)["phase"] == "purchased")
        self.assertEqual(self.serve.event("payment_intent.amount_capturable_updated", intent).status, 200, "again")
        self.assertEqual(self.stripe.ledger(transaction), [("held", 11000), ("taken", 11000)])
        self.verified()

    def test_a_return_is_looked_up_and_not_believed(self):
        transaction, callout = self.ask_the_bank()
        back = self.stripe.reply(self.stripe.question(callout), "fail")
        lied = urllib.parse.urlsplit(back)
        query = dict(urllib.parse.parse_qsl(lied.query), redirect_status="succeeded")
        http("GET", self.serve.url + lied.path + "?" + urllib.parse.urlencode(query))
        self.until("failed", lambda: self.serve.read(transaction)["phase"] == "failed")
        self.assertTrue(self.serve.read(transaction)["legs"][0]["refused"]["failed_3d_secure"])
        self.assertEqual(self.stripe.ledger(transaction), [])

    def test_the_sweep_ends_an_abandoned_question_of_the_bank(self):
        self.serve.process.end()
        self.serve.file.write_text(self.serve.text() + "[times]\ncallout_max = 2\ncallout_min = 1\ngrace = 0\n")
        self.serve.start()
        transaction, callout = self.ask_the_bank()
        question = self.stripe.question(callout)
        self.serve.process.kill()

        def swept():
            status, output, errors = self.command("sweep", "--json")
            self.assertEqual(status, 0, output + errors)
            return json.loads(self.command("show", transaction, "--json")[1])["phase"] == "failed"

        self.until("the question ended unanswered", swept)
        self.until("settled", lambda: swept() and
                   json.loads(self.command("show", transaction, "--json")[1])["settled"])
        self.assertEqual(self.stripe.intent(transaction)["status"], "canceled")
        self.stripe.reply(question, "complete")
        self.assertEqual(self.stripe.ledger(transaction), [], "who answers it now pays nothing")
        self.verified()

    # ---- kill -9

    def killed_while(self, step, act, ledger):
        """`act` is begun; when Stripe has done its `step` and not answered, the server is gone."""
        self.stripe.faults({"on": step, "do": "delay", "ms": 600000})

        def lose():
            try:
                act()
            except OSError:
                pass

        client = threading.Thread(target=lose)
        client.start()
        self.until("Stripe did it", ledger)
        self.serve.process.kill()
        client.join()
        self.serve.start()

    def test_kill_9_while_the_money_is_held(self):
        transaction = self.hand_over()
        self.killed_while("create", lambda: self.serve.pay(transaction, "tok_visa"),
                          lambda: self.stripe.ledger(transaction) == [("held", 11000)])
        self.until("purchased", lambda: self.serve.read(transaction)["phase"] == "purchased")
        self.assertEqual(self.stripe.ledger(transaction), [("held", 11000), ("taken", 11000)])
        self.stripe.intent(transaction)
        self.verified()

    def test_kill_9_while_the_money_is_taken(self):
        transaction = self.hand_over()
        self.killed_while("capture", lambda: self.serve.pay(transaction, "tok_visa"),
                          lambda: self.stripe.ledger(transaction) == [("held", 11000), ("taken", 11000)])
        self.until("purchased", lambda: self.serve.read(transaction)["phase"] == "purchased")
        self.assertEqual(self.stripe.ledger(transaction), [("held", 11000), ("taken", 11000)])
        self.verified()

    def test_kill_9_while_money_goes_back(self):
        transaction = self.bought()
        self.killed_while("refund", lambda: self.serve.refund(transaction, 2500),
                          lambda: ("given_back", 2500) in self.stripe.ledger(transaction))
        self.until("given back", lambda: self.serve.read(transaction)["legs"][0]["given_back"] == 2500)
        self.assertEqual(self.stripe.ledger(transaction), [("held", 11000), ("taken", 11000), ("given_back", 2500)])
        self.verified()
