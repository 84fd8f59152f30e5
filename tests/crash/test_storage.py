"""The disk is full, fails, or may not be written: the house says so, reads go on, nothing that was answered is lost, and it
goes on by itself when the disk does. Most of it by the library that is loaded before Kassi (README.md); where this machine
lets us mount, on a file system that is as small or as read-only as that."""

import http.client
import json
import re
import signal
import subprocess
import threading
import unittest
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
        self.bought = []  # answered as purchased, on credit
        self.full = f"fail pwrite,truncate,open ENOSPC while {self.trouble}"

    # ---- steps

    def serve(self, *rules):
        return self.kassi.start(force.environment(self.folder / "data", self.log, *rules))

    def ask(self, method, path, body=None, key=None):
        """Once, whatever comes."""
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
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
        self.transactions = re.search(r"(\d+) transactions", self.kassi.command("verify")).group(1)
        head = self.kassi.verify()
        self.kassi.stop()
        self.kassi.verify("--head", head)

    def told(self, event):
        return [line for life in self.kassi.incarnations for line in life.lines if f'"event":"{event}"' in line]

    # ---- a full disk

    def test_full_and_free_again(self):
        self.cannot_be_written("ENOSPC")

    def test_failing_and_well_again(self):
        self.cannot_be_written("EIO")

    def test_quota_and_read_only(self):
        for error in ("EDQUOT", "EROFS"):
            with self.subTest(error):
                self.cannot_be_written(error)

    def cannot_be_written(self, error):
        self.serve(f"fail pwrite,truncate,open {error} while {self.trouble}")
        self.buy()
        reserved = self.hand_over()
        self.trouble.touch()
        key = str(uuid.uuid4())
        for _ in range(3):
            self.refused_clearly(self.ask("POST", "/transactions", hand_over_body("credit", [PENCE])))
            self.refused_clearly(self.ask("POST", f"/transactions/{reserved}/purchase", {}, key))
            self.reads_go_on()
        not_ready = self.ready()
        self.assertEqual(not_ready.status, 503)
        self.assertIn(b"the store cannot be written", not_ready.body)
        self.assertEqual(http_once("GET", self.kassi.operators + "/healthz").status, 200, "a restart would not help")
        self.assertEqual(self.ask("GET", f"/transactions/{reserved}").json()["phase"], "reserved", "nothing half done")
        self.trouble.unlink()
        # Whoever sends nobody here because of /readyz must hear that it is over.
        self.until("ready again, though nobody asked for anything", lambda: self.ready().status == 200)
        self.kassi.process.wait_for('"event":"store_writable_again"')
        self.assertEqual(self.ask("POST", f"/transactions/{reserved}/purchase", {}, key).json()["phase"], "purchased")
        self.bought.append(reserved)
        self.buy()
        self.kassi.process.wait_for('"event":"store_write_failed"')
        self.nothing_is_lost()

    def test_no_room_at_each_write_of_a_commit(self):
        """At the last one, too, it lives: what found no room does not stand."""
        self.serve()
        self.buy()
        self.kassi.stop()
        # The first try fails at its first write, the next at its second, and so on, until one is through.
        triangular = [number * (number + 1) // 2 for number in range(1, 60)]
        self.serve(*(f"fail pwrite.wal ENOSPC {number} 1" for number in triangular))
        self.buy()
        self.nothing_is_lost()
        self.assertGreater(len(self.told("store_write_failed")), 10)
        self.assertGreater(len(self.told("store_commit_failed")), 0)

    def test_full_while_a_provider_answers(self):
        """What the answer said cannot be written down: it is asked for again, under the same key, when there is room."""
        self.serve(self.full)
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

    def test_trouble_in_the_midst_of_a_checkpoint(self):
        """The record goes on in the WAL, and is whole when the house is killed there."""
        for rule in ("pwrite.db ENOSPC", "sync.db EIO"):
            with self.subTest(rule):
                kind = rule.split()[0]
                self.serve(f"fail {rule} while {self.trouble}")
                self.trouble.touch()
                before = force.counts(self.log)[kind]
                for _ in range(200):
                    self.buy()
                    if force.counts(self.log)[kind] > before:
                        break
                self.assertGreater(force.counts(self.log)[kind], before, "it was tried")
                for _ in range(3):
                    self.buy()
                self.assertEqual(self.ready().status, 200)
                self.kassi.kill()
                self.trouble.unlink()
                self.kassi.start()
                self.nothing_is_lost()

    def test_killed_on_a_full_disk(self):
        """There is no room to start, either: it says so, and starts when there is."""
        self.serve(self.full)
        self.buy()
        self.trouble.touch()
        self.refused_clearly(self.ask("POST", "/transactions", hand_over_body("credit", [PENCE])))
        self.assertEqual(self.kassi.process.end(signal.SIGKILL), -signal.SIGKILL)
        self.cannot_start(r"kassi\.db.*(No space left|full)|(No space left|full).*kassi\.db", self.full)
        self.trouble.unlink()
        self.kassi.start()
        self.nothing_is_lost()

    def cannot_start(self, why, *rules):
        """It says why in its last line, with the file."""
        environment = force.environment(self.folder / "data", self.log, *rules) if rules else None
        status, _, errors = run("serve", "--config", self.kassi.file, environment=environment)
        self.assertEqual(status, CANNOT_START, errors)
        last = errors.strip().splitlines()[-1]
        self.assertRegex(last, "^kassi: .*" + re.escape(str(self.folder / "data")))
        self.assertRegex(last, why)

    # ---- a disk that fails

    def test_an_error_in_commit_ends_it(self):
        """Whether the commit is durable, nobody knows: the restart finds out."""
        self.serve()
        self.buy()
        self.kassi.stop()
        for rule in ("sync.wal EIO 4", "sync.wal EIO 5", "sync.wal ENOSPC 4"):
            with self.subTest(rule):
                self.serve("fail " + rule)
                transaction, requests = self.until_nobody_answers()
                self.assertEqual(self.kassi.process.end(None), COMMIT_FAILED)
                self.assertRegex(self.kassi.process.lines[-1], '"event":"store_commit_failed".*kassi.db')
                self.kassi.verify()
                self.kassi.start()
                for path, body, key in requests:
                    answer = self.kassi.v1("POST", path.format(transaction), body, key)
                    self.assertIn(answer.status, (200, 201), answer.body)
                    transaction = answer.json()["id"]
                self.assertEqual(answer.json()["phase"], "purchased")
                self.bought.append(transaction)
                self.nothing_is_lost()
                self.assertEqual(len(self.bought), int(self.transactions))
        self.kassi.start()
        self.nothing_is_lost()

    def until_nobody_answers(self):
        """A transaction that was handed over, "" when that was not answered, and the requests that were not answered."""
        while True:
            transaction = ""
            requests = [("/transactions", hand_over_body("credit", [PENCE]), str(uuid.uuid4())),
                        ("/transactions/{}/purchase", {}, str(uuid.uuid4()))]
            try:
                while requests:
                    path, body, key = requests[0]
                    answer = self.ask("POST", path.format(transaction), body, key)
                    self.assertIn(answer.status, (200, 201), answer.body)
                    transaction = answer.json()["id"]
                    requests.pop(0)
                self.bought.append(transaction)
            except (OSError, http.client.HTTPException):
                return transaction, requests

    def test_a_page_that_cannot_be_read(self):
        """Who asks for it hears of an error on our side, and never half of an answer."""
        self.serve()
        for _ in range(20):
            self.buy()
        self.kassi.stop()
        self.serve(f"fail read EIO while {self.trouble}")
        self.trouble.touch()
        answers = set()
        for transaction in self.bought:
            answer = self.ask("GET", f"/transactions/{transaction}")
            self.assertIn((answer.status, answer.json().get("phase")), ((200, "purchased"), (500, None)))
            answers.add(answer.status)
        self.assertIn(500, answers)
        self.kassi.process.wait_for(
            r'"event":"http_handler_failed","why":"SQLite: database disk image is malformed \([^)]*kassi.db\)"')
        self.assertIn(self.ask("POST", "/transactions", hand_over_body("credit", [PENCE])).status, (500, 503))
        self.trouble.unlink()
        self.reads_go_on()
        self.buy()
        self.kassi.stop()
        self.trouble.touch()
        self.cannot_start("malformed|Input/output error", f"fail read EIO while {self.trouble}")
        self.trouble.unlink()
        self.kassi.start()
        self.nothing_is_lost()

    # ---- what may not be written from the start

    def test_a_start_without_the_right_to_write(self):
        self.serve()
        self.buy()
        self.kassi.stop()
        for rule, why in (("open EROFS", "cannot open .*/data/lock: Read-only file system"),
                          ("open.other EACCES", "cannot open .*/data/lock: Permission denied"),
                          ("open.db EROFS", r"attempt to write a readonly database \(.*/data/kassi.db\)"),
                          ("open.db EACCES", r"unable to open database file \d+: Permission denied \(.*/data/kassi.db\)"),
                          ("open.db EMFILE", "/data/kassi.db: Too many open files"),
                          ("open.wal EACCES", r"SQLite: .*\(.*/data/kassi.db\)"),
                          ("open.wal ENOSPC", r"unable to open database file \d+: No space left on .*/data/kassi.db\)")):
            with self.subTest(rule):
                (self.folder / "data" / "kassi.db-wal").unlink(missing_ok=True)  # empty: the last stop was a clean one
                self.cannot_start(why, "fail " + rule)
        self.kassi.start()
        self.nothing_is_lost()

    def test_a_first_start_without_the_right_to_write(self):
        for rule, why in (("open EROFS", "lock: Read-only file system"),
                          ("open.db EROFS", "cannot make .*kassi.db: Read-only"),
                          ("pwrite ENOSPC", "full|No space"), ("sync.other EIO", r"disk I/O error \d+"),
                          ("sync EIO", r"disk I/O error \d+")):
            with self.subTest(rule):
                self.cannot_start(why, "fail " + rule)
        self.serve()
        self.buy()
        self.nothing_is_lost()

    # ---- without the library

    def mounted(self, size):
        data = self.folder / "data"
        data.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "kassi-test", data],
                              capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            self.skipTest(f"this machine lets us mount nothing: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", data], timeout=PATIENCE)
        return data

    def remount(self, data, options):
        subprocess.run(["mount", "-o", "remount," + options, data], check=True, timeout=PATIENCE)

    def test_a_small_disk(self):
        data = self.mounted("1m")
        self.kassi.start()
        handed_over = 0
        while (answer := self.ask("POST", "/transactions", hand_over_body("credit", [PENCE]))).status == 201:
            self.assertLess(handed_over, 1000)
            handed_over += 1
        self.refused_clearly(answer)
        self.assertEqual(self.ready().status, 503)
        self.assertEqual(len(self.kassi.all()), handed_over)
        self.remount(data, "size=64m")
        self.until("ready again", lambda: self.ready().status == 200)
        self.buy()
        self.assertEqual(len(self.kassi.all()), handed_over + 1)
        self.nothing_is_lost()

    def test_a_disk_that_is_mounted_read_only(self):
        data = self.mounted("16m")
        self.kassi.start()
        self.buy()
        self.kassi.stop()
        self.remount(data, "ro")
        self.cannot_start("cannot open .*/lock: Read-only file system")
        self.kassi.verify()
        self.remount(data, "rw")
        self.kassi.start()
        self.buy()
        self.kassi.kill()
        (data / "kassi.db-shm").unlink()
        self.remount(data, "ro")
        status, _, errors = run("verify", "--config", self.kassi.file)
        self.assertEqual(status, 2)
        self.assertIn("there is a WAL beside", errors)
        self.remount(data, "rw")
        self.kassi.start()
        self.nothing_is_lost()


if __name__ == "__main__":
    unittest.main()
