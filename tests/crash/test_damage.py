"""A file of the house is damaged while it is stopped: bytes, pages, the file's end, the WAL after a kill. It refuses in
words or goes on with what is whole; it never crashes, and what `verify` calls clean gives the answers of before.

KASSI_CRASH_SEED repeats the dice; KASSI_LONG=1 throws them thirty times as often."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import unittest
import uuid
from collections import Counter

from houses import LANDING, LONG, Browser, Kassi, Provider, hand_over_body, http_once
from kassi import API_KEY, FlowTest, run

PENCE = 11_000
PAGE = 4096
FRAME = 24 + PAGE
WAL_HEADER = 32
TABLE_LEAF, TABLE_INNER, INDEX_LEAF, INDEX_INNER = 0x0D, 0x05, 0x0A, 0x02  # the first byte of a page
DICE = 600 if LONG else 20
CLEAN, FINDINGS, COULD_NOT = 0, 1, 2
TOKEN = {"credentials": {"ext_test0": {"stripe_token": "tok_visa"}}}


class DamageTest(FlowTest):
    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("KASSI_CRASH_SEED") or random.SystemRandom().randrange(1_000_000))
        print(f"KASSI_CRASH_SEED={seed}", flush=True)
        self.dice = random.Random(seed)
        self.provider = Provider(self)
        self.kassi = Kassi(self, self.provider).start()
        self.data, self.whole = self.folder / "data", self.folder / "whole"
        self.keys = {}  # Idempotency-Key -> path, body
        self.outcomes = Counter()

    # ---- a house with some history

    def post(self, path, body):
        key = str(uuid.uuid4())
        answer = self.kassi.v1("POST", path, body, key)
        self.assertIn(answer.status, (200, 201, 202), answer.body)
        self.keys[key] = (path, body)
        return answer.json()

    def live(self, payments):
        for number in range(payments):
            caller = ("credit", "credit", "stripe", "redirect")[number % 4]
            transaction = self.post("/transactions", hand_over_body(caller, [PENCE]))["id"]
            if caller == "redirect":
                self.post(f"/transactions/{transaction}/purchase",
                          {"ways": {"ext_test0": "acme"}, "return": {"via": "kassi", "landing_url": LANDING}})
                away = self.until("a callout", lambda: self.kassi.read(transaction)["callout"])
                Browser(self.kassi, transaction).go(away["page_url"], lambda: "pay_get")
            else:
                self.post(f"/transactions/{transaction}/purchase", TOKEN if caller == "stripe" else {})
            self.until("purchased", lambda: self.kassi.read(transaction)["phase"] == "purchased")
            if number % 5 == 0:
                self.post(f"/transactions/{transaction}/cancel", {})
                self.until("cancelled", lambda: self.kassi.read(transaction)["phase"] == "cancelled")

    def remember(self):
        """What it says while all is well: the answers that must not change unseen."""
        self.known = {path: self.asked("GET", path) for path in self.paths()}
        self.repeats = {key: self.asked("POST", *kept, key) for key, kept in self.keys.items()}
        for answer in [*self.known.values(), *self.repeats.values()]:
            self.assertIn(answer[0], (200, 201))

    def paths(self):
        ids = [entry["id"] for entry in self.kassi.all()]
        yield "/transactions?limit=100"
        yield "/callers/credit/balances"
        yield "/callers/credit/statement?currency=GBP"
        for transaction in ids:
            yield f"/transactions/{transaction}"
            yield f"/transactions/{transaction}/journal"

    def asked(self, method, path, body=None, key=None):
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        answer = http_once(method, self.kassi.url + "/v1" + path, data, headers)
        return answer.status, answer.body

    def stopped(self):
        """The data base of a house that was stopped; `stale` is as it was some time before."""
        self.live(10)
        self.kassi.stop()
        self.stale = (self.data / "kassi.db").read_bytes()
        self.kassi.start()
        self.live(15)
        self.remember()
        self.kassi.stop()
        self.data.rename(self.whole)
        return (self.whole / "kassi.db").read_bytes()

    def put(self, database):
        """A fresh copy of the house, with this data base."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.whole, self.data, ignore=shutil.ignore_patterns("control"))
        (self.data / "kassi.db").write_bytes(database)

    # ---- what must hold

    def holds(self, what):
        """Of the damaged house."""
        with self.subTest(what):
            verified, output, errors = run("verify", "--config", self.kassi.file)
            self.assertIn(verified, (CLEAN, FINDINGS, COULD_NOT), (verified, output, errors))
            self.assertTrue(verified == CLEAN or output or errors)
            if verified == CLEAN:
                self.assertRegex(output, r"(?m): clean$")
            started = self.start_or_refuse()
            if not started:
                self.outcomes[f"verify {verified}, refused to start"] += 1
                return
            try:
                wrong = self.wrong_answers()
                self.outcomes[f"verify {verified}, " + ("the answers of before" if not wrong else "other answers")] += 1
                if verified == CLEAN:
                    self.assertEqual(wrong, [], "verify called it clean")
            finally:
                self.ends()

    def start_or_refuse(self):
        try:
            self.kassi.start()
            return True
        except AssertionError:
            status, last = self.kassi.process.end(None), self.kassi.process.lines[-1]
            words = {2: "^kassi: ", 1: '"event":"ended","why":"'}
            self.assertIn(status, words, self.kassi.process.lines)
            self.assertRegex(last, words[status] + f".*({re.escape(str(self.data))}|the store is broken)")
            return False

    def wrong_answers(self):
        """What is not answered as before."""
        asked = [(("GET", path), before) for path, before in self.known.items()]
        asked += [(("POST", *self.keys[key], key), before) for key, before in self.repeats.items()]
        return [(words[1], answer) for words, before in asked
                if not self.same(words, answer := self.heard(*words), before)]

    @staticmethod
    def same(words, answer, before):
        """Nothing that verify knows says what a key's request was: it may be refused (409), which moves nothing."""
        return answer == before or (words[0] == "POST" and answer and answer[0] == 409)

    def heard(self, *words):
        try:
            return self.asked(*words)
        except (OSError, http.client.HTTPException):
            return None

    def ends(self):
        """Killed or ended by itself: in words, and by no signal of its own."""
        if self.kassi.process.process.poll() is None:
            self.assertEqual(self.kassi.process.end(signal.SIGKILL), -signal.SIGKILL)
            return
        status = self.kassi.process.end(None)
        self.assertIn(status, (1, 70), self.kassi.process.lines[-5:])
        self.assertIn('"level":"error"', self.kassi.process.lines[-1])

    def report(self):
        print(dict(self.outcomes), flush=True)

    # ---- the data base

    def flipped(self, database, page, offset, count=1):
        damaged = bytearray(database)
        for _ in range(count):
            damaged[page * PAGE + offset] ^= self.dice.randrange(1, 256)
            offset = self.dice.randrange(PAGE)
        return bytes(damaged)

    def test_the_header(self):
        whole = self.stopped()
        for offset in (0, 16, 18, 19, 20, 24, 28, 31, 36, 40, 44, 47, 56, 60, 63, 68, 92, 96, 100, 101, 103, 105, 108):
            self.put(self.flipped(whole, 0, offset))
            self.holds(f"byte {offset} of the header")
        self.report()

    def test_each_kind_of_page(self):
        whole = self.stopped()
        kinds = {}
        for page in range(1, len(whole) // PAGE):
            kinds.setdefault(whole[page * PAGE], []).append(page)
        for kind in (TABLE_LEAF, TABLE_INNER, INDEX_LEAF):
            self.assertIn(kind, kinds)
        for kind in (TABLE_LEAF, TABLE_INNER, INDEX_LEAF, INDEX_INNER):
            for page in kinds.get(kind, [])[-3:]:
                self.put(self.flipped(whole, page, 0))
                self.holds(f"kind of page {page} ({kind})")
                self.put(self.flipped(whole, page, 8, 4))
                self.holds(f"bytes of page {page} ({kind})")
        self.report()

    def test_random_pages(self):
        whole = self.stopped()
        pages = len(whole) // PAGE
        for number in range(DICE):
            page, offset = self.dice.randrange(pages), self.dice.randrange(PAGE)
            count = self.dice.choice((1, 1, 2, 16, 400))
            self.put(self.flipped(whole, page, offset, count))
            self.holds(f"{number}: {count} bytes of page {page} from {offset}")
        self.report()

    def test_pages_that_were_lost_or_misplaced(self):
        whole = self.stopped()
        pages = len(whole) // PAGE
        page_of = [whole[n * PAGE:(n + 1) * PAGE] for n in range(pages)]
        for number in range(DICE // 2):
            first, second = self.dice.randrange(1, pages), self.dice.randrange(1, pages)
            for what, page in ((f"is page {second}", page_of[second]), ("is empty", bytes(PAGE)),
                               ("is as it was", self.stale[first * PAGE:(first + 1) * PAGE])):
                if page in (page_of[first], b""):
                    continue
                damaged = [*page_of]
                damaged[first] = page
                self.put(b"".join(damaged))
                self.holds(f"{number}: page {first} {what}")
        self.report()

    def test_a_shorter_or_longer_file(self):
        whole = self.stopped()
        for length in (0, 1, 99, 100, PAGE - 1, PAGE, PAGE + 1, len(whole) // 2, len(whole) - PAGE, len(whole) - 1):
            self.put(whole[:length])
            if length:  # of nothing it makes something new
                self.holds(f"{length} bytes of {len(whole)}")
        self.put(whole + self.dice.randbytes(3 * PAGE))
        self.holds("garbage at the end")
        self.report()

    # ---- the WAL

    def killed(self):
        """With a WAL that holds most of it; the heads that were printed on the way, each with its number of rows."""
        heads = []
        for _ in range(3):
            self.live(4)
            heads.append((self.rows(self.kassi.command("verify")), self.kassi.verify()))
        self.remember()
        self.assertEqual(self.kassi.process.end(signal.SIGKILL), -signal.SIGKILL)
        self.data.rename(self.whole)
        wal = (self.whole / "kassi.db-wal").read_bytes()
        self.assertGreater(len(wal), 100 * FRAME)
        return wal, heads

    @staticmethod
    def rows(output):
        return int(re.search(r"(?m)^(\d+) rows", output).group(1))

    def put_wal(self, wal):
        self.put((self.whole / "kassi.db").read_bytes())
        (self.data / "kassi.db-wal").write_bytes(wal)
        # The index of the WAL is made anew, as after a power cut.
        (self.data / "kassi.db-shm").unlink()

    def prefix(self, what, heads):
        """What is left is whole, and says how far it goes; the number of rows."""
        output = self.kassi.command("verify")
        self.assertRegex(output, r"(?m): clean$", what)
        rows = self.rows(output)
        for known, head in heads:
            status, output, errors = run("verify", "--config", self.kassi.file, "--head", head)
            self.assertEqual(status, CLEAN if known <= rows else FINDINGS, (what, output, errors))
            if status == FINDINGS:
                self.assertIn("the given head is not among the seals", output)
        return rows

    def goes_on(self, rows):
        """Those that are there say what they said in the `rows` that are left; those that are not are not there. What was open
        there is taken up at the start."""
        self.kassi.start()
        there = 0
        for path in [path for path in self.known if re.fullmatch("/transactions/[0-9a-f-]+", path)]:
            status, body = self.asked("GET", path)
            if status == 404:
                continue
            self.assertEqual(status, 200, body)
            there += 1
            now, then = (json.loads(text)["data"]
                         for text in (self.asked("GET", path + "/journal")[1], self.known[path + "/journal"][1]))
            left = [row for row in now if row["number"] <= rows]
            self.assertTrue(left)
            self.assertEqual(left, then[:len(left)])
        self.assertEqual(len(self.kassi.all()), there)
        new = self.kassi.v1("POST", "/transactions", hand_over_body("credit", [PENCE]), str(uuid.uuid4())).json()
        bought = self.kassi.v1("POST", f"/transactions/{new['id']}/purchase", {}, str(uuid.uuid4()))
        self.assertEqual(bought.json()["phase"], "purchased")
        self.kassi.kill()  # and verified

    def test_a_wal_that_was_cut_off(self):
        wal, heads = self.killed()
        frames = (len(wal) - WAL_HEADER) // FRAME
        chosen = sorted(self.dice.sample(range(frames), 8 if not LONG else frames))
        lengths = {0, 1, WAL_HEADER - 1, WAL_HEADER, WAL_HEADER + 24, WAL_HEADER + FRAME - 1, len(wal) - 1, len(wal) - PAGE,
                   len(wal)}
        for frame in chosen:
            lengths |= {WAL_HEADER + frame * FRAME + more for more in (0, self.dice.randrange(FRAME))}
        before = -1
        for number, length in enumerate(sorted(lengths)):
            self.put_wal(wal[:length])
            if length < WAL_HEADER + 60 * FRAME and not self.has_schema():
                continue
            rows = self.prefix(f"{length} bytes", heads)
            self.assertGreaterEqual(rows, before, "more bytes, more of the record")
            before = rows
            if number % 3 == 0:
                self.goes_on(rows)
        self.assertEqual(before, heads[-1][0], "with all of the WAL all is there")

    def has_schema(self):
        """The WAL may be so short that not even the tables are there: then it is a new house."""
        status, _, errors = run("verify", "--config", self.kassi.file)
        if status == CLEAN:
            return True
        self.assertIn("older than this program's", errors)
        return False

    def test_a_wal_with_garbage_behind_it(self):
        wal, heads = self.killed()
        for garbage in (b"\0" * FRAME, self.dice.randbytes(FRAME), self.dice.randbytes(17), wal[-FRAME:], wal[:3 * FRAME]):
            self.put_wal(wal + garbage)
            self.assertEqual(self.prefix(f"{len(garbage)} bytes of garbage", heads), heads[-1][0])
            self.goes_on(heads[-1][0])

    def test_a_wal_with_garbage_in_it(self):
        """Nothing behind the first frame that is not as it was written counts."""
        wal, heads = self.killed()
        last = WAL_HEADER + (len(wal) - WAL_HEADER) // FRAME * FRAME
        for number in range(DICE // 2):
            place = self.dice.randrange(WAL_HEADER + 60 * FRAME, last)
            damaged = bytearray(wal)
            damaged[place] ^= self.dice.randrange(1, 256)
            self.put_wal(bytes(damaged))
            rows = self.prefix(f"byte {place}", heads)
            self.assertLess(rows, heads[-1][0] + 1)
            if number % 5 == 0:
                self.goes_on(rows)


if __name__ == "__main__":
    unittest.main()
