"""The disk is full, fails, or may not be written: the house says so, reads go on, nothing that was answered is lost, and it
goes on by itself when the disk does. Most of it by the library that is loaded before Kassi (README.md); where this machine
lets us mount, on a file system that is as small or as read-only as that."""

import re
import signal
import subprocess
import threading
import uuid

import force
from houses import Kassi, Provider, hand_over_body, http_once
from kassi import API_KEY, PATIENCE, FlowTest, run

PENCE = 11_000
COMMIT_FAILED = 70  # exit status (src/store/writer.hpp)
CANNOT_START = 2
TOKEN = {"credentials": {"ext_test0": {"stripe_token": "tok_visa"}}}


class StorageTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.provider = Provider(self)
        self.kassi = Kassi(self, self.provider)
        self.trouble = self.folder / "trouble"  # there is trouble while this file is there
        self.log = self.folder / "log"
        self.bought = []

    # ---- steps

    def start(self, *words, environment=None):
        return super().start(*words, environment=environment)

    def serve(self, *rules):
        return self.kassi.start(force.environment(self.folder / "data", self.log, *rules))

    def ask(self, method, path, body=None, key=None):
        """Once, whatever comes."""
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        data = None if body is None else __import__("json").dumps(body).encode()
        return http_once(method, self.kassi.url + "/v1" + path, data, headers)

    def hand_over(self, caller="credit"):
        answer = self.kassi.v1("POST", "/transactions", hand_over_body(caller, [PENCE]), str(uuid.uuid4()))
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["id"]

    def buy(self):
        transaction = self.hand_over()
        answer = self.kassi.v1("POST", f"/transactions/{transaction}/purchase", {}, str(uuid.uuid4()))
        self.assertEqual(answer.json()["phase"], "purchased", answer.body)
        self.bought.append(transaction)

    def ready(self):
        return http_once("GET", self.kassi.operators + "/readyz")

    # ---- what must hold

    def refused_clearly(self, answer):
        self.assertEqual(answer.status, 503, answer.body)
        self.assertTrue(answer.headers["Retry-After"])

    def reads_go_on(self):
        for transaction in self.bought[-3:]:
            answer = self.ask("GET", f"/transactions/{transaction}")
            self.assertEqual((answer.status, answer.json()["phase"]), (200, "purchased"))
        self.assertEqual(self.ask("GET", "/transactions").status, 200)
        self.assertEqual(self.ask("GET", "/callers/credit/balances").status, 200)

    def nothing_is_lost(self):
        for transaction in self.bought:
            self.assertEqual(self.kassi.read(transaction)["phase"], "purchased")
        balances = self.kassi.v1("GET", "/callers/credit/balances").json()["data"]
        self.assertEqual(sum(line["owed"] for line in balances), PENCE * len(self.bought))
        head = self.kassi.verify()
        self.kassi.stop()
        self.kassi.verify("--head", head)

    def told(self, event):
        return [line for life in self.kassi.incarnations for line in life.lines if f'"event":"{event}"' in line]

    # ---- a full disk

    def test_full_and_free_again(self):
        self.serve(f"fail pwrite,truncate,open ENOSPC while {self.trouble}")
        self.buy()
        reserved = self.hand_over()
        self.trouble.touch()
        key = str(uuid.uuid4())
        for _ in range(3):
            self.refused_clearly(self.ask("POST", "/transactions", hand_over_body("credit", [PENCE])))
            self.refused_clearly(self.ask("POST", f"/transactions/{reserved}/purchase", {}, key))
            self.reads_go_on()
        self.assertEqual((self.ready().status, self.ready().body), (503, self.ready().body))
        self.assertIn(b"the store cannot be written", self.ready().body)
        self.assertEqual(http_once("GET", self.kassi.operators + "/healthz").status, 200, "a restart would not help")
        self.assertEqual(self.ask("GET", f"/transactions/{reserved}").json()["phase"], "reserved", "nothing half done")
        self.trouble.unlink()
        # Whoever sends nobody here because of /readyz must hear that it is over.
        self.until("ready again, though nobody asked for anything", lambda: self.ready().status == 200)
        self.assertEqual(self.ask("POST", f"/transactions/{reserved}/purchase", {}, key).json()["phase"], "purchased")
        self.bought.append(reserved)
        self.buy()
        self.assertTrue(self.told("store_write_failed"))
        self.nothing_is_lost()

    def test_full_while_a_provider_answers(self):
        """What the answer said cannot be written down: it is asked for again, under the same key, when there is room."""
        self.serve(f"fail pwrite,truncate,open ENOSPC while {self.trouble}")
        transaction = self.hand_over("stripe")
        self.provider.faults({"on": "capture", "do": "delay", "ms": 700, "times": 1}, of="stripe")
        asker = threading.Thread(target=self.ask, args=("POST", f"/transactions/{transaction}/purchase", TOKEN))
        asker.start()
        self.kassi.wait_for_call("capture", transaction)
        self.trouble.touch()
        self.until("taken", lambda: any(ways["taken"] for ways in self.provider.card_ledger("stripe").values()))
        self.until("written in vain", lambda: self.told("store_write_failed"))
        self.assertNotEqual(self.ask("GET", f"/transactions/{transaction}").json()["phase"], "purchased")
        self.trouble.unlink()
        asker.join(PATIENCE)
        self.until("purchased", lambda: self.kassi.read(transaction)["phase"] == "purchased")
        self.kassi.check_cards("stripe", self.provider.card_ledger("stripe"), self.kassi.read(transaction))
        self.nothing_is_lost()

    def test_full_in_the_midst_of_a_checkpoint(self):
        """The record goes on in the WAL, and is whole when the house is killed there."""
        self.serve(f"fail pwrite.db ENOSPC while {self.trouble}")
        self.trouble.touch()
        while force.counts(self.log)["pwrite.db"] < 3 and len(self.bought) < 200:
            self.buy()
        self.assertGreaterEqual(force.counts(self.log)["pwrite.db"], 3, "it was tried")
        self.buy()
        self.assertEqual(self.ready().status, 200)
        self.kassi.kill()
        self.trouble.unlink()
        self.serve()
        self.nothing_is_lost()
        self.assertFalse((self.folder / "data" / "kassi.db-wal").exists(), "the last checkpoint is whole")

    def test_killed_on_a_full_disk(self):
        """There is no room to start, either: it says so, and starts when there is."""
        self.serve(f"fail pwrite,truncate,open ENOSPC while {self.trouble}")
        self.buy()
        self.trouble.touch()
        self.refused_clearly(self.ask("POST", "/transactions", hand_over_body("credit", [PENCE])))
        self.assertEqual(self.kassi.process.end(signal.SIGKILL), -signal.SIGKILL)
        self.cannot_start(r"kassi\.db.*(No space left|full)")
        self.trouble.unlink()
        self.kassi.start()
        self.nothing_is_lost()

    def cannot_start(self, why):
        """By the same rules; it says why in one line, with the file."""
        environment = force.environment(self.folder / "data", self.log, *self.rules()) if self.rules() else None
        status, _, errors = run("serve", "--config", self.kassi.file, environment=environment)
        self.assertEqual(status, CANNOT_START, errors)
        last = errors.strip().splitlines()[-1]
        self.assertRegex(last, r"^kassi: .*" + re.escape(str(self.folder / "data")) + ".*")
        self.assertRegex(last, why)
        return errors

    def rules(self):
        return [f"fail pwrite,truncate,open ENOSPC while {self.trouble}"]

    def test_an_error_in_commit_ends_it(self):
        """Whether the commit is durable, nobody knows: the restart finds out."""
        self.serve()
        self.buy()
        self.kassi.stop()
        for kind in ("sync.wal EIO 3", "pwrite.wal EIO 2", "sync.wal ENOSPC 3"):
            with self.subTest(kind):
                self.serve("fail " + kind)
                key = str(uuid.uuid4())
                body = hand_over_body("credit", [PENCE])
                try:
                    while (answer := self.ask("POST", "/transactions", body, key)).status == 201:
                        self.bought.append(self.buy_once(answer.json()["id"]))
                        key = str(uuid.uuid4())
                except (OSError, __import__("http").client.HTTPException):
                    pass
                self.assertEqual(self.kassi.process.end(None), COMMIT_FAILED, self.kassi.process.lines)
                self.assertTrue(self.told("store_commit_failed"))
                self.kassi.verify()
                self.kassi.start()
                again = self.kassi.v1("POST", "/transactions", body, key)
                self.assertEqual(again.status, 201, again.body)
                self.kassi.stop()
        self.kassi.start()
        self.nothing_is_lost()

    def buy_once(self, transaction):
        answer = self.ask("POST", f"/transactions/{transaction}/purchase", {})
        self.assertEqual(answer.json()["phase"], "purchased", answer.body)
        return transaction
