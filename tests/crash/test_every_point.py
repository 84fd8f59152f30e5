"""One small story, played once to count its points: every write and sync of the data directory, every send to a client
or a provider. Then again and again, each time on a fresh house, which dies at the next point; it starts again, the client
repeats what was not answered, and in the end everything that was answered is there and each payment was taken once.

KASSI_PART=i/n plays each n-th of the points only. KASSI_LONG=1 takes them all, with each way to die; else an evenly spread
sample, whose offset is printed, and given back as KASSI_CRASH_SEED."""

import os
import random
import shutil
import signal
import time
import unittest
import uuid
from collections import Counter

import force
from houses import CARD, LANDING, LONG, VERDICTS, Browser, Kassi, Provider, hand_over_body
from kassi import PATIENCE, FlowTest

PENCE = 11_000
SAMPLE = 20  # deaths of a part of the normal run
# A cut takes back what was not synced: all of it, or, with a seed behind the number, some.
WAYS_TO_DIE = ("kill before", "cut after", "kill after", "cut before", "kill half")
LOOK_AGAIN = 0.005  # seconds


def spread(numbers, count, offset):
    """So many of them, evenly; the offset, below 1, says where between two the first is."""
    return [numbers[int((n + offset) * len(numbers) / count)] for n in range(count)]


class Mortal(Kassi):
    """It dies where it is told to, comes back at once when somebody misses it, and still knows what it said."""

    def live(self, *rules):
        shutil.rmtree(self.test.folder / "data", ignore_errors=True)
        self.log = self.test.folder / "log"
        self.deaths, self.served, self.heads, self.versions = 0, False, [], {}
        self.incarnations, self.told = [], {}
        try:
            self.start(force.environment(self.test.folder / "data", self.log, *rules))
            self.served = True
        except AssertionError:
            self.come_back()

    def no_answer(self):
        if self.process.process.poll() is None:
            time.sleep(LOOK_AGAIN)
        else:
            self.come_back()

    def stop(self):
        """Its last checkpoint has points, too."""
        status = self.process.end()
        if status == -signal.SIGKILL:
            self.come_back()
            status = self.process.end()
        self.test.assertEqual(status, 0)

    def come_back(self):
        status = self.process.end(None)
        self.test.assertEqual(status, -signal.SIGKILL, "\n".join(self.process.lines))
        self.deaths += 1
        if self.served:  # else the schema may not be there
            self.heads.append(self.verify())
        self.start()
        for transaction, version in self.versions.items():
            self.test.assertGreaterEqual(self.read(transaction)["version"], version, transaction)

    def v1(self, method, path, body=None, key=None):
        answer = super().v1(method, path, body, key)
        if answer.status in (200, 201, 202):
            read = answer.json()
            if "version" in read:
                self.versions[read["id"]] = max(read["version"], self.versions.get(read["id"], 0))
        return answer


class Story:
    """What the client does, each request with a key of its own and repeated until it is answered."""

    def __init__(self, kassi):
        self.kassi, self.keys, self.ids = kassi, {}, {}

    def play(self):
        self.on_credit()
        self.redirect_and_back_again()
        self.by_card("stripe", {"credentials": {"ext_test0": {"stripe_token": "tok_visa"}}})
        self.by_card("borgun", {"credential": CARD})
        return self

    def post(self, path, body):
        key = str(uuid.uuid4())
        answer = self.kassi.v1("POST", path, body, key)
        assert answer.status in (200, 201, 202), (path, answer.status, answer.body)
        self.keys[key] = (path, body, answer)
        return answer.json()

    def hand_over(self, caller):
        self.ids[caller] = self.post("/transactions", hand_over_body(caller, [PENCE]))["id"]
        return self.ids[caller]

    def until(self, what, transaction):
        end = time.monotonic() + PATIENCE
        while not what(state := self.kassi.read(transaction)):
            assert time.monotonic() < end, self.kassi.command("show", transaction)
            time.sleep(LOOK_AGAIN)
        return state

    def on_credit(self):
        transaction = self.hand_over("credit")
        assert self.post(f"/transactions/{transaction}/purchase", {})["phase"] == "purchased"

    def redirect_and_back_again(self):
        transaction = self.hand_over("redirect")
        self.post(f"/transactions/{transaction}/purchase",
                  {"ways": {"ext_test0": "acme"}, "return": {"via": "kassi", "landing_url": LANDING}})
        away = self.until(lambda state: state["callout"], transaction)
        Browser(self.kassi, transaction).go(away["callout"]["page_url"], lambda: "pay_get")
        assert self.until(lambda state: state["phase"] in VERDICTS, transaction)["phase"] == "purchased"
        self.post(f"/transactions/{transaction}/cancel", {})

    def by_card(self, caller, credential):
        transaction = self.hand_over(caller)
        self.post(f"/transactions/{transaction}/purchase", credential)
        self.until(lambda state: state["phase"] in VERDICTS, transaction)


class EveryPointTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.provider = Provider(self)
        self.kassi = Mortal(self, self.provider)

    def test_dies_at_each_point_and_loses_nothing(self):
        self.kassi.live()
        self.checked(Story(self.kassi).play(), deaths=0)
        points = force.points(self.kassi.log)
        print(f"{len(points)} points: {dict(Counter(points))}", flush=True)
        for kind in ("pwrite.db", "pwrite.wal", "sync.db", "sync.wal", "send.client", "send.provider"):
            self.assertIn(kind, points)
        died, outcomes = Counter(), Counter()
        for number, way, seed in self.deaths(points):
            place = f"{way} {number}"
            with self.subTest(place, seed=seed):
                self.kassi.live(f"{way} point {number} {seed}" if way.startswith("cut") else f"{way} point {number}")
                outcomes[self.checked(Story(self.kassi).play())] += 1
                if self.kassi.deaths:  # the clients' and the providers' sides of a story are not always as long
                    reached = force.points(self.kassi.log)
                    self.assertGreaterEqual(len(reached), number)
                    died[f"{way} {reached[number - 1]}"] += 1
        print(f"{sum(died.values())} deaths: {dict(died)}\n{dict(outcomes)}", flush=True)
        self.assertGreater(sum(died.values()), 0.8 * sum(outcomes.values()))

    def deaths(self, points):
        """At which point, how, and what of the unsynced stays."""
        part, parts = map(int, os.environ.get("KASSI_PART", "0/1").split("/"))
        if LONG:
            every = [(number, way) for number in range(1, len(points) + 1) for way in WAYS_TO_DIE]
            return [(number, way, n % 3) for n, (number, way) in enumerate(every[part::parts])]
        seed = int(os.environ.get("KASSI_CRASH_SEED") or random.SystemRandom().randrange(1_000_000))
        print(f"KASSI_CRASH_SEED={seed}", flush=True)
        dice = random.Random(seed)
        # Most points are pages on their way to the WAL: each kind has its share of the deaths, the rare ones too.
        kinds = {}
        for number, kind in enumerate(points, 1):
            kinds.setdefault(kind, []).append(number)
        share = parts * SAMPLE // len(kinds)
        chosen = [number for numbers in kinds.values() for number in spread(numbers, share, dice.random())]
        every = [(number, WAYS_TO_DIE[(n + seed) % len(WAYS_TO_DIE)], seed + n) for n, number in enumerate(chosen)]
        return every[part::parts]

    # ---- what must hold

    def checked(self, story, deaths=None):
        """The phases at the end, in words."""
        if deaths is not None:
            self.assertEqual(self.kassi.deaths, deaths)
        states = {}
        for caller, transaction in story.ids.items():
            state = states[caller] = story.until(lambda state: state["settled"], transaction)
            self.assertFalse(state["needs_person"] or state["in_doubt"], state)
            self.assertLessEqual(self.kassi.told.get(transaction, set()),
                                 {state["phase"]} | ({"purchased"} if state["phase"] == "cancelled" else set()))
        self.assertEqual({entry["id"] for entry in self.kassi.all()}, set(story.ids.values()), "one for each hand-over")
        self.check_money(states)
        for key, (path, body, first) in story.keys.items():
            self.check_again(path, body, key, first)
        self.kassi.heads.append(self.kassi.verify())
        self.kassi.stop()
        for head in filter(None, self.kassi.heads):
            self.kassi.verify("--head", head)
        self.assertEqual(self.kassi.complaints(), [])
        return ", ".join(f"{caller} {state['phase']}" for caller, state in states.items())

    def check_money(self, states):
        self.assertEqual(states["credit"]["phase"], "purchased")
        balances = {caller: sum(line["owed"] for line in self.kassi.v1("GET", f"/callers/{caller}/balances").json()["data"])
                    for caller in ("credit", "redirect")}
        self.assertEqual(balances, {"credit": PENCE, "redirect": 0})
        redirect = states["redirect"]
        self.assertEqual(redirect["phase"], "cancelled")
        self.assertEqual(self.provider.ledger()[redirect["id"] + "-1"], ([PENCE], [PENCE]))
        for name in ("stripe", "borgun"):
            self.kassi.check_cards(name, self.provider.card_ledger(name), states[name])
            kept = sum(leg["taken"] - leg["given_back"] for leg in states[name]["legs"])
            self.assertEqual(kept, PENCE if states[name]["phase"] == "purchased" else 0)
        self.assertEqual(states["stripe"]["phase"], "purchased")
        # A card lives in memory only: where it died with the house before it was a token, nothing was paid with it.
        if not self.kassi.deaths:
            self.assertEqual(states["borgun"]["phase"], "purchased")

    def check_again(self, path, body, key, first):
        """A key that was answered moves nothing, and tells at least as much as it did."""
        again = self.kassi.v1("POST", path, body, key)
        told, tells = first.json(), again.json()
        self.assertEqual(tells["id"], told["id"], path)
        if first.status != 202:
            self.assertEqual((again.status, tells["phase"], tells["version"]),
                             (first.status, told["phase"], told["version"]), path)


if __name__ == "__main__":
    unittest.main()
