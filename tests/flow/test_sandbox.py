"""kassi sandbox: what a newcomer starts first, over the F13 door, and the operator's commands with --data."""

import json
import signal
import stat
import threading
import urllib.parse

from kassi import LOCK_HELD, FlowTest, Sandbox, http, ledger_of, play_the_customer, run


class SandboxTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"

    def pay_by_redirect(self, sandbox, user="demo-redirect", button="pay_get"):
        transaction = sandbox.reserve(user)
        answer = sandbox.purchase(user, transaction, "token-" + transaction)
        self.assertEqual(answer.status, 200, answer.body)
        callout = answer.json()["callout"]
        back = urllib.parse.urlsplit(play_the_customer(callout, button))
        self.assertEqual(back.path, f"/somewhere/token-{transaction}")
        answer = sandbox.f13(user, "POST", f"callback.v1/this.token-{transaction}/next.other", urllib.parse.parse_qsl(back.query))
        self.assertEqual(answer.status, 200, answer.body)
        return transaction, callout, answer.json()

    def test_on_credit_in_one_call(self):
        sandbox = Sandbox(self, self.data)
        transaction = sandbox.reserve("demo")
        answer = sandbox.purchase("demo", transaction)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json()["transaction_status"], "purchased")
        self.assertEqual(sandbox.process.end(), 0)

    def test_redirect_paid_and_refused(self):
        sandbox = Sandbox(self, self.data)
        transaction, callout, final = self.pay_by_redirect(sandbox)
        self.assertEqual(final["transaction_status"], "purchased")
        taken = [entry for entry in json.dumps(ledger_of(callout)).split("}") if transaction in entry]
        self.assertEqual(len(taken), 1, "taken once")
        refused, _, final = self.pay_by_redirect(sandbox, button="refuse")
        self.assertEqual(final["transaction_status"], "failed")
        for _ in range(2):
            for each, word in ((transaction, "purchased"), (refused, "failed")):
                status, output, errors = run("show", "--data", self.data, each)
                self.assertEqual(status, 0, errors)
                self.assertIn(word, output.splitlines()[0])
            status, output, errors = run("verify", "--data", self.data)
            self.assertEqual(status, 0, output + errors)
            self.assertEqual(run("sweep", "--data", self.data)[0], 0)
            sandbox.process.end()

    def test_sigterm_while_a_customer_is_away_and_a_restart(self):
        sandbox = Sandbox(self, self.data)
        transaction = sandbox.reserve("demo-redirect")
        first = sandbox.purchase("demo-redirect", transaction, "token-1").json()["callout"]
        self.assertEqual(sandbox.process.end(), 0)
        sandbox = Sandbox(self, self.data)
        status = sandbox.status("demo-redirect", transaction)
        self.assertEqual(status["transaction_status"], "attempting")
        self.assertEqual(status["pending_callout"]["return_token"], first["return_token"])

    def test_sigterm_while_the_provider_is_slow_ends_with_zero(self):
        sandbox = Sandbox(self, self.data)
        probe = sandbox.reserve("demo-redirect")
        callout = sandbox.purchase("demo-redirect", probe, "token-probe").json()["callout"]
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(callout["callout_destination_url"]))
        rules = {"rules": [{"on": "session", "do": "delay", "ms": 1500, "times": 1}]}
        answer = http("PUT", origin + "/_faults", json.dumps(rules).encode(), {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)
        transaction = sandbox.reserve("demo-redirect")
        answers = []
        client = threading.Thread(target=lambda: answers.append(sandbox.purchase("demo-redirect", transaction, "token-2")))
        client.start()
        self.until("the provider is asked", lambda: sandbox.status("demo-redirect", transaction)["transaction_status"] == "attempting")
        self.assertEqual(sandbox.process.end(signal.SIGTERM), 0)
        client.join()
        self.assertEqual(answers[0].status, 200, answers[0].body)
        self.assertEqual(run("verify", "--data", self.data)[0], 0)
        # Before the restart, which would ask again with the same key and hear the same.
        story = json.loads(run("show", "--data", self.data, transaction, "--json")[1])
        self.assertIn("CustomerSent", json.dumps([entry["row"] for entry in story["story"]]))
        sandbox = Sandbox(self, self.data)
        self.until("the callout is there", lambda: "pending_callout" in sandbox.status("demo-redirect", transaction))

    def test_a_body_too_large_is_refused_in_the_words_of_its_door(self):
        sandbox = Sandbox(self, self.data)
        body = b"a" * (2 * 1024 * 1024)
        answer = http("POST", sandbox.url + "/f13/purchase.v1/", body)
        self.assertEqual((answer.status, answer.json()["error_code"]), (413, 8))
        self.assertIn("body", answer.json()["error_desc"])
        answer = http("POST", sandbox.url + "/v1/transactions", body)
        self.assertEqual((answer.status, answer.json()["status"], answer.json()["field"]), (413, 413, "body"))
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")

    def test_its_key_is_its_own(self):
        Sandbox(self, self.data)
        key = self.data / "sandbox-key"
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertRegex(key.read_text().strip(), "^[0-9a-f]{64}$")

    def test_two_on_one_data_directory_are_refused(self):
        sandbox = Sandbox(self, self.data)
        status, _, errors = run("sandbox", "--port", 0, "--data", self.data)
        self.assertEqual(status, LOCK_HELD)
        self.assertIn("another process holds the lock", errors)
        self.assertTrue(sandbox.reserve("demo"))

    def test_commands_where_no_sandbox_is_are_refused(self):
        for words in (["show", "x"], ["verify"], ["sweep"], ["migrate"], ["status"]):
            status, _, errors = run(words[0], "--data", self.folder / "nothing", *words[1:])
            self.assertEqual(status, 2, words)
            self.assertTrue(errors)
        self.assertFalse((self.folder / "nothing").exists())
