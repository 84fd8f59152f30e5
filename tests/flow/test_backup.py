"""A copy of the record, made while payments are under way; the house goes on, dies, and its copy is put back. The
providers live on in another process, and their ledgers say whether anything was taken twice."""

import base64
import hmac
import json
import re
import shutil
import sqlite3
import stat
import subprocess
import threading
import urllib.parse

from kassi import BINARY, PATIENCE, FlowTest, Form, Sandbox, Serve, http, run
from test_stripe import FORM, Stripe, StripeServe


class Street(Stripe):
    """The sandbox's Stripe and its redirect house."""

    def __init__(self, test):
        sandbox = Sandbox(test, test.folder / "sandbox")
        places = http("GET", sandbox.url + "/sandbox").json()["simulators"]
        self.place = next(place for place in places if place["name"] == "stripe")
        self.redirect = next(place for place in places if place["name"] == "redirect")
        self.master_key = bytes.fromhex((sandbox.data / "sandbox-key").read_text().strip())

    def secret(self, kind):
        """What the sandbox derives from its key for both sides of the street (src/sandbox/accounts.cpp)."""
        text = f"kassi sandbox 1 redirect {kind} redirect-demo".encode()
        word = base64.urlsafe_b64encode(hmac.digest(self.master_key, text, "sha256")).decode()[:32]
        return {"api": "rk_", "notice": "rn_"}[kind] + word

    def redirected(self, transaction):
        entries = http("GET", self.redirect["url"] + "/_ledger").json()["entries"]
        return [(entry["kind"], entry["amount"]) for entry in entries if entry["reference"].startswith(transaction)]

    def pay(self, callout):
        """The customer presses "pay" at the redirect house; the fields that come back."""
        page = http("GET", callout["destination"] + "?" + urllib.parse.urlencode(dict(callout["parameters"])))
        form = Form(page.body.decode())
        answer = http("POST", urllib.parse.urljoin(callout["destination"], form.action),
                      urllib.parse.urlencode([*form.fields, ("act", "pay_get")]).encode(), FORM)
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))


class House(StripeServe):
    """Both ways of paying, and on credit."""

    def __init__(self, test, street):
        self.street = street
        test.write("acme.api", street.secret("api"))
        test.write("acme.notice", street.secret("notice"))
        super().__init__(test, street)

    def text(self):
        return super().text().replace('ways = { "*" = ["cards"] }', 'ways = { "*" = ["cards", "acme", "house-credit"] }') + f"""
[[merchant]]
name = "acme"
provider = "redirect"
simulator = true
base_url = "{self.street.redirect["url"]}/redirect/v1"
[merchant.secrets]
api_key = {{ file = "acme.api" }}
notice_secret = {{ file = "acme.notice" }}
"""

    def restored(self):
        self.process = self.test.start("serve", "--config", self.file, "--restored")
        line = json.loads(self.process.wait_for(r'^.*"event":"serving".*$').group(0))
        self.url, self.operators = line["doors"], line["operators"]
        return self


class BackupTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.data, self.copy = self.folder / "data", self.folder / "copy.db"

    def command(self, serve, *words):
        return run(words[0], "--config", serve.file, *words[1:])

    def back_up(self, serve):
        status, output, errors = self.command(serve, "backup", self.copy)
        self.assertEqual((status, errors), (0, ""), output)
        found = re.fullmatch(r"(.*)  (\d+) bytes, (\d+) transactions, (\d+) journal rows\nhead ([0-9a-f]{64})\n", output)
        self.assertIsNotNone(found, output)
        self.assertEqual(found.group(1), str(self.copy))
        self.assertEqual(int(found.group(2)), self.copy.stat().st_size)
        self.assertEqual(stat.S_IMODE(self.copy.stat().st_mode), 0o600)
        return int(found.group(3)), int(found.group(4)), found.group(5)

    def put_back(self):
        for each in self.data.glob("kassi.db*"):
            each.unlink()
        shutil.copy(self.copy, self.data / "kassi.db")

    def status(self, serve):
        status, output, errors = self.command(serve, "status", "--json")
        self.assertEqual(status, 0, errors)
        return json.loads(output)

    def in_the_background(self, act):
        def lose():
            try:
                act()
            except OSError:
                pass
        thread = threading.Thread(target=lose)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    # ---- the whole way

    def test_nothing_is_taken_twice_after_a_copy_was_put_back(self):
        street = Street(self)
        serve = House(self, street).start()

        # Settled; away at the redirect house; handed over; held, and its capture is under way.
        settled, away, reserved, capturing = (serve.hand_over()["id"] for _ in range(4))
        self.assertEqual(serve.pay(settled, "tok_visa").json()["phase"], "purchased")
        callout = serve.purchase(away, "acme", "token-1").json()["callout"]
        street.faults({"on": "capture", "do": "delay", "ms": 600_000})
        self.in_the_background(lambda: serve.pay(capturing, "tok_visa"))
        self.until("taken", lambda: street.ledger(capturing) == [("held", 11000), ("taken", 11000)])
        transactions, _, head = self.back_up(serve)
        self.assertEqual(transactions, 4)
        street.faults()

        # What the copy does not know: a return, a purchase, a refund, a transaction.
        answer = serve.v1("POST", "/callbacks/token-1", {"caller": "demo", "fields": street.pay(callout)})
        self.assertEqual(answer.status, 200, answer.body)
        self.until("purchased", lambda: serve.read(away)["phase"] == "purchased")
        self.assertEqual(serve.pay(reserved, "tok_visa").json()["phase"], "purchased")
        self.assertEqual(serve.refund(settled, 2500).status, 200)
        unknown = serve.hand_over()["id"]
        self.assertEqual(serve.pay(unknown, "tok_visa").json()["phase"], "purchased")
        serve.process.kill()
        self.put_back()

        self.refused_until_restored(serve, settled)
        serve.restored()
        serve.process.wait_for('"event":"restored".*"transactions":"3"')
        self.until("found out", lambda: all(serve.read(each)["phase"] == "purchased" for each in (away, capturing)))
        self.assertEqual(serve.read(settled)["phase"], "purchased")
        story = self.command(serve, "show", away)[1]
        self.assertIn("put back to a copy", story)

        # Who was to pay may have paid in a payment that nobody here knows: the trolley is handed over anew.
        again = serve.pay(reserved, "tok_visa")
        self.assertEqual(again.status, 409, again.body)
        self.assertEqual((serve.read(reserved)["phase"], serve.read(reserved)["why"]), ("released", "restored"))
        self.assertEqual(serve.event("payment_intent.succeeded", street.intent(unknown)).status, 200)
        self.assertEqual(self.status(serve)["unmatched"], 1)
        self.assertIn("\nkassi_notices_unmatched 1\n", http("GET", serve.operators + "/metrics").body.decode())
        status = self.command(serve, "status")[1]
        self.assertRegex(status, r"(?m)^restored from a copy of \S+Z at \S+Z$")
        self.assertIn("1 notices of providers match nothing: money may have moved", status)

        taken = [("held", 11000), ("taken", 11000)]
        for each in (reserved, capturing, unknown):
            self.assertEqual(street.ledger(each), taken)
        self.assertEqual(street.ledger(settled), taken + [("given_back", 2500)])
        self.assertEqual(street.redirected(away), [("taken", 11000)])
        status, output, errors = self.command(serve, "verify", "--head", head)
        self.assertEqual(status, 0, output + errors)

        # A refund of what was settled in the copy is another than the one of since, of which the copy does not know.
        self.assertEqual(serve.refund(settled, 2500).status, 200)
        self.assertEqual(street.ledger(settled), taken + [("given_back", 2500)] * 2)

        # From now on it starts as ever, and only so.
        self.assertEqual(serve.process.end(), 0)
        status, _, errors = run("serve", "--config", serve.file, "--restored")
        self.assertEqual(status, 2)
        self.assertIn("put to work already", errors)
        serve.start()
        self.assertEqual(serve.read(away)["phase"], "purchased")
        self.assertEqual(serve.refund(settled, 1000).status, 200)
        self.assertEqual(street.ledger(settled), taken + [("given_back", 2500)] * 2 + [("given_back", 1000)])

    def refused_until_restored(self, serve, transaction):
        before = (self.data / "kassi.db").read_bytes()
        for words in (["serve"], ["sweep"], ["migrate"], ["backup", self.folder / "again.db"],
                      ["settle", transaction, "--leg", "1", "--money", "taken", "--by", "Anna", "--because", "x"],
                      ["forget", transaction, "--by", "Anna", "--because", "x"]):
            status, output, errors = self.command(serve, *words)
            self.assertEqual((status, output), (2, ""), words)
            self.assertRegex(errors, "--restored|itself a copy")
        self.assertEqual((self.data / "kassi.db").read_bytes(), before, "nothing was touched")
        self.assertEqual(self.command(serve, "verify")[0], 0)
        self.assertRegex(self.command(serve, "status")[1], r"(?m)^a copy made at \S+Z, not put to work")
        self.assertIn("purchased", self.command(serve, "show", transaction)[1])

    def test_a_restore_that_is_killed_is_done_again(self):
        street = Street(self)
        serve = House(self, street).start()
        ids = [serve.hand_over()["id"] for _ in range(30)]
        callouts = [serve.purchase(each, "acme", f"token-{n}").json()["callout"] for n, each in enumerate(ids)]
        self.back_up(serve)
        for callout in callouts[:10]:
            street.pay(callout)  # and never comes back
        serve.process.kill()
        self.put_back()
        for _ in range(3):
            process = self.start("serve", "--config", serve.file, "--restored")
            process.wait_for('"event":"restoring"|put to work already')
            process.kill()
        # It was a copy still, or at work already: the words say which.
        if run("sweep", "--config", serve.file)[0] == 2:
            serve.restored()
        else:
            serve.start()
        self.until("those who paid bought", lambda: [serve.read(each)["phase"] for each in ids[:10]] == ["purchased"] * 10)
        self.assertEqual([street.redirected(each) for each in ids],
                         [[("taken", 11000)]] * 10 + [[]] * 20)
        self.assertEqual(self.command(serve, "verify")[0], 0)

    def test_a_foreign_wal_is_refused_with_words(self):
        serve = Serve(self).start()
        serve.hand_over()
        self.back_up(serve)
        serve.hand_over()
        serve.process.kill()
        self.assertTrue((self.data / "kassi.db-wal").exists())
        shutil.copy(self.copy, self.data / "kassi.db")
        for words in (["serve", "--restored"], ["status"], ["verify"], ["sweep"]):
            status, _, errors = run(words[0], "--config", serve.file, *words[1:])
            self.assertEqual(status, 2, words)
            self.assertIn("kassi.db-wal and kassi.db-shm beside the copy belong to the record that was here before", errors)

    def test_a_sandbox_has_it_too(self):
        data = self.folder / "sandbox"
        sandbox = Sandbox(self, data)
        transaction = sandbox.reserve("demo-redirect")
        sandbox.purchase("demo-redirect", transaction, "token-1")
        self.assertEqual(run("backup", "--data", data, self.copy)[0], 0)
        sandbox.process.kill()
        for each in data.glob("kassi.db*"):
            each.unlink()
        shutil.copy(self.copy, data / "kassi.db")
        status, _, errors = run("sandbox", "--port", 0, "--data", data)
        self.assertEqual(status, 2, errors)
        self.assertIn("--restored", errors)
        process = self.start("sandbox", "--port", 0, "--data", data, "--restored")
        process.wait_for(r"^ready (http://127\.0\.0\.1:\d+)/$")
        self.assertIn("put back to a copy", run("show", "--data", data, transaction)[1])
        self.assertEqual(process.end(), 0)
        self.assertEqual(run("verify", "--data", data)[0], 0)

    # ---- refusals

    def test_what_cannot_be_copied_leaves_nothing(self):
        serve = Serve(self).start()
        serve.hand_over()
        self.copy.write_text("precious")
        for target, said in ((self.copy, "exists already"), (self.folder / "none" / "copy.db", "no folder")):
            status, output, errors = self.command(serve, "backup", target)
            self.assertEqual((status, output), (2, ""))
            self.assertIn(said, errors)
        self.assertEqual(self.copy.read_text(), "precious")
        full = self.folder / "full.db"
        limited = self.start_limited(serve, full)
        self.assertEqual(limited[0], 2)
        self.assertIn("the copy could not be written", limited[1])
        self.assertEqual([each.name for each in self.folder.glob("full*")], [])
        serve.process.end()
        database = sqlite3.connect(self.data / "kassi.db")
        database.execute("update journal set at = at + 1")
        database.commit()
        database.close()
        status, output, errors = self.command(serve, "backup", full)
        self.assertEqual(status, 1, errors)
        self.assertIn("was changed", output)
        self.assertIn("no copy was kept", errors)
        self.assertFalse(full.exists())

    def start_limited(self, serve, target):
        """No file may grow past that: a disk that is full."""
        script = 'trap "" XFSZ; ulimit -f 40; exec "$@"'
        done = subprocess.run(["bash", "-c", script, "bash", BINARY, "backup", "--config", str(serve.file), str(target)],
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stderr


