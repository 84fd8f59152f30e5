"""200 payments at once, and kill -9 again and again while they run: nothing is lost, nothing is taken twice.

KASSI_CRASH_SEED repeats a run's payments, faults and kills; the interleaving of the threads is the machine's. KASSI_LONG=1:
not one round with five kills, but sixty."""

import os
import random
import threading
import time
import unittest
import urllib.parse
import uuid
from collections import Counter
from datetime import datetime, timedelta, timezone

from houses import CARD, LANDING, LIMITED_PENCE, LONG, VERDICTS, Browser, CALLERS_HOST, Kassi, Provider, hand_over_body
from kassi import FlowTest

PAYMENTS = (("on credit by v1", 20), ("on credit with a limit", 12), ("on credit by F13", 13),
            ("redirect via us", 45), ("redirect by F13", 25), ("redirect via the caller", 10),
            ("two redirects", 15), ("credit and redirect", 10), ("nobody comes back", 10),
            ("by card at stripe", 20), ("by card at borgun", 20))
ROUNDS = 60 if LONG else 1
KILLS = 5  # a round
ANSWERS_BETWEEN_KILLS = (50, 120)  # counted, not timed: a slow machine sees the same
KILL_AT_LEAST_EVERY = 3            # seconds; near the end there is little to count
SHORT_HOLD = timedelta(seconds=40)
SETTLED_WITHIN = 60                # seconds; doubts ask again after 2 s, 5 s and 15 s
LOOK_AGAIN = 0.4                   # seconds
BUTTONS = {"pay_get": 8, "pay_post": 3, "pay_both": 2, "pay_stay": 3, "refuse": 4}


class Customer:
    """One payment from hand-over to its end, by one system or client, with a dice of its own."""

    def __init__(self, kassi, number, kind, seed):
        self.kassi, self.number, self.kind = kassi, number, kind
        self.dice = random.Random(f"{seed} {number}")
        self.keys = {}  # Idempotency-Key -> (path, body, the first answer)
        self.id = None
        self.stays_away = False

    def __repr__(self):
        return f"payment {self.number} ({self.kind}, {self.id})"

    def pay(self):
        getattr(self, self.kind.replace(" ", "_"))()

    # ---- steps

    def post(self, path, body):
        key = str(uuid.UUID(int=self.dice.getrandbits(128)))
        answer = self.kassi.v1("POST", path, body, key)
        self.keys[key] = (path, body, answer)
        return answer

    def hand_over(self, caller, bundles=1, amount=None, **more):
        amounts = [amount or self.dice.randrange(1, 20_000) for _ in range(bundles)]
        answer = self.post("/transactions", hand_over_body(caller, amounts, **more))
        assert answer.status == 201, (str(self), answer.body)
        self.id = answer.json()["id"]

    def purchase(self, ways=(), returns=None):
        body = {"ways": {f"ext_test{n}": merchant for n, merchant in enumerate(ways)}}
        if returns:
            body["return"] = returns
        answer = self.post(f"/transactions/{self.id}/purchase", body)
        for _ in range(KILLS):
            if answer.status != 409 or answer.json()["field"] != "held_until":
                break
            self.move_the_hold()
            answer = self.post(f"/transactions/{self.id}/purchase", body)
        assert answer.status in (200, 202), (str(self), answer.body)
        return answer.json()

    def move_the_hold(self):
        """On a slow machine a short one may be too short by now to send the customer away."""
        until = (datetime.now(timezone.utc) + SHORT_HOLD).isoformat(timespec="milliseconds")
        answer = self.kassi.v1("POST", f"/transactions/{self.id}/hold", {"held_until": until}, str(uuid.uuid4()))
        assert answer.status == 200, (str(self), answer.body)

    def button(self):
        pressed = self.dice.choices(list(BUTTONS), BUTTONS.values())[0]
        self.stays_away = pressed == "pay_stay"
        return pressed

    def until_verdict(self, meanwhile=lambda state: None):
        while (state := self.kassi.read(self.id))["phase"] not in VERDICTS:
            if not meanwhile(state):
                time.sleep(LOOK_AGAIN)
        return state

    def perhaps_cancel(self, state):
        if state["phase"] == "purchased" and self.dice.random() < 0.25:
            answer = self.post(f"/transactions/{self.id}/cancel", {})
            assert answer.status in (200, 202), (str(self), answer.body)

    # ---- on credit

    def on_credit_by_v1(self):
        self.hand_over("credit")
        self.purchase()
        self.perhaps_cancel(self.until_verdict())

    def on_credit_with_a_limit(self):
        self.hand_over("limited", amount=1000)
        self.purchase()
        self.until_verdict()

    def f13_fields(self):
        return [("transaction_uuid", self.id), ("first_name", "Fred"), ("last_name", "Flintstone"),
                ("address_line_one", "301 Cobblestone Way"), ("country_code", "us")]

    def on_credit_by_F13(self):
        self.hand_over("credit")
        status, answer = self.kassi.f13("credit", "POST", "purchase.v1", self.f13_fields())
        assert (status, answer["transaction_status"]) == (200, "purchased"), (str(self), answer)

    # ---- by card

    def by_card_at_stripe(self):
        self.by_card("stripe", {"credentials": {"ext_test0": {"stripe_token": "tok_visa"}}})

    def by_card_at_borgun(self):
        self.by_card("borgun", {"credential": CARD})

    def by_card(self, caller, credential):
        """A card lives in memory only: where it dies with the house before it is a token, nothing is paid with it."""
        self.hand_over(caller, amount=self.dice.randrange(1_000, 20_000))
        body = {**credential, "return": {"via": "caller", "token": self.token(1), "remote_site": CALLERS_HOST,
                                         "url": f"http://{CALLERS_HOST}/back/{self.token(1)}"}}
        answer = self.post(f"/transactions/{self.id}/purchase", body)
        assert answer.status in (200, 202), (str(self), answer.body)
        self.perhaps_cancel(self.until_verdict())

    # ---- redirect, the customer returns to Kassi

    def via_kassi(self):
        returns = {"via": "kassi", "user_agent": "crash"}
        if self.dice.random() < 0.7:
            returns["landing_url"] = LANDING
        return returns

    def travel(self, ways, **more):
        self.hand_over("redirect", len(ways), **more)
        self.purchase(ways, self.via_kassi())
        browser = Browser(self.kassi, self.id)

        def go_where_sent(state):
            if self.stays_away and len(ways) > 1:
                return self.release()
            page = state["callout"] and state["callout"]["page_url"]
            if not page or page in browser.callouts:
                return False
            browser.go(page, self.button)
            return True

        state = self.until_verdict(go_where_sent)
        if self.dice.random() < 0.3:
            browser.reload()
        self.perhaps_cancel(state)

    def redirect_via_us(self):
        if self.dice.random() < 0.15:
            return self.walk_away_and_release()
        merchant = self.dice.choice(("acme", "acme", "acme-post", "acme-quiet"))
        if merchant == "acme-quiet":  # who pays and stays away there is found by the sweep, much later
            self.button = lambda: self.dice.choice(("pay_get", "pay_post", "refuse"))
        self.travel([merchant])

    def two_redirects(self):
        self.travel(["acme", "acme-post"])

    def credit_and_redirect(self):
        self.travel(["house-credit", "acme"])

    def release(self):
        """Paid for the first part, and not seen again: the shop does not wait for the end of the hold."""
        self.stays_away = False
        answer = self.post(f"/transactions/{self.id}/release", {})
        assert answer.status in (200, 202, 409), (str(self), answer.body)
        return True

    def walk_away_and_release(self):
        self.button = lambda: "leave"
        self.hand_over("redirect")
        self.purchase(["acme"], self.via_kassi())
        while not (state := self.kassi.read(self.id))["callout"]:
            time.sleep(LOOK_AGAIN)
        Browser(self.kassi, self.id).go(state["callout"]["page_url"], self.button)
        self.release()
        self.until_verdict()

    def nobody_comes_back(self):
        # The callout ends some seconds from now: the hold, less what a charge may take.
        self.button = lambda: self.dice.choice(("leave", "pay_stay"))
        self.travel(["acme"], hold=SHORT_HOLD)

    # ---- redirect, the customer returns to the caller

    def returned_fields(self, callout, parameters):
        """What the caller's shop hears at its return URL; None when the customer does not come."""
        parameters = list(parameters)
        assert [name for name, _ in parameters] == ["return_url", "title"], parameters
        arrived = Browser(self.kassi, self.id).go(callout + "?" + urllib.parse.urlencode(parameters), self.button)
        return arrived[1] if arrived else None

    def token(self, step):
        return f"{self.id}.{step}"

    def redirect_by_F13(self):
        self.hand_over("redirect", self.dice.choice((1, 1, 2)))
        token = self.token(1)
        fields = self.f13_fields() + [
            ("return_token", token), ("return_url", f"http://{CALLERS_HOST}/back/{token}/here"),
            ("remote_site", CALLERS_HOST), ("client_http_user_agent", "crash"), ("client_http_accept", "*/*")]
        status, answer = self.kassi.f13("redirect", "POST", "purchase.v1", fields)
        assert status == 200, (str(self), answer)
        step = 1
        while True:
            if self.stays_away:
                self.release()
            callout = answer.get("callout") or answer.get("pending_callout")
            if callout and callout["return_token"] == self.token(step):
                answer = self.answer_callout(callout, step)
                step += 1
                continue
            if answer.get("transaction_status") in ("purchased", "failed", "released"):
                return
            time.sleep(LOOK_AGAIN)
            answer = self.f13_status()

    def answer_callout(self, callout, step):
        parameters = [(name, callout["callout_parameters"][name]) for name in callout["callout_parameters_order"]]
        returned = self.returned_fields(callout["callout_destination_url"], parameters)
        if returned is None:
            return self.f13_status()
        status, answer = self.kassi.f13("redirect", "POST",
                                        f"callback.v1/this.{self.token(step)}/next.{self.token(step + 1)}", returned)
        # Spent: the answer to the first try was lost, or the notice came first. The state says what became of it.
        assert status in (200, 410), (str(self), answer)
        return answer if status == 200 else self.f13_status()

    def f13_status(self):
        status, answer = self.kassi.f13("redirect", "GET", "status.v1", [("transaction_uuid", self.id)])
        assert status == 200, (str(self), answer)
        return answer

    def redirect_via_the_caller(self):
        self.hand_over("redirect")
        token = self.token(1)
        self.purchase(["acme"], {"via": "caller", "token": token, "url": f"http://{CALLERS_HOST}/back/{token}",
                                 "remote_site": CALLERS_HOST})
        been = []

        def go_where_sent(state):
            if not state["callout"] or been:
                return False
            been.append(token)
            returned = self.returned_fields(state["callout"]["destination"], map(tuple, state["callout"]["parameters"]))
            if returned is not None:
                answer = self.post(f"/callbacks/{token}", {"caller": "redirect", "fields": returned,
                                                           "next_token": self.token(2)})
                assert answer.status in (200, 202, 410), (str(self), answer.body)
            return True

        self.perhaps_cancel(self.until_verdict(go_where_sent))


class KillNineTest(FlowTest):
    def test_nothing_is_lost_and_nothing_is_taken_twice(self):
        first = int(os.environ.get("KASSI_CRASH_SEED") or random.SystemRandom().randrange(1_000_000))
        folder = self.folder
        for seed in range(first, first + ROUNDS):
            print(f"KASSI_CRASH_SEED={seed}", flush=True)
            self.folder = folder / str(seed)
            self.folder.mkdir()
            self.one_round(seed)

    def one_round(self, seed):
        self.dice = random.Random(str(seed))
        self.provider = Provider(self)
        self.kassi = Kassi(self, self.provider).start()
        self.make_the_house_unreliable()
        heads = self.pay_while_the_house_dies(seed)
        known = {entry["id"] for entry in self.kassi.all()}
        self.assertEqual(known, {customer.id for customer in self.customers}, "one for each hand-over")
        self.until_settled()
        transactions = {entry["id"]: entry for entry in self.kassi.all()}
        self.report(transactions)

        self.check_what_was_told(transactions)
        self.check_ledger(transactions)
        self.check_credit(transactions)
        self.check_keys()
        self.check_record(heads)
        self.provider.process.end()

    # ---- the load

    def make_the_house_unreliable(self):
        """What leaves a doubt comes first: each restart over the same call counts as a look, and makes the pause after
        the next silence longer."""
        self.provider.faults(
            {"on": "session", "do": "drop_answer", "times": 3}, {"on": "session", "do": "error_before", "times": 3},
            {"on": "complete", "do": "drop_answer", "times": 5}, {"on": "complete", "do": "error_after", "times": 3},
            {"on": "complete", "do": "delay", "ms": 300, "times": 30},
            {"on": "refund", "do": "drop_answer", "times": 2}, {"on": "refund", "do": "delay", "ms": 300, "times": 4},
            {"on": "notice", "do": "twice", "times": 10}, {"on": "notice", "do": "dead", "times": 2})
        for name in ("stripe", "borgun"):
            self.provider.faults({"on": "capture", "do": "delay", "ms": 300, "times": 10}, of=name)

    def pay_while_the_house_dies(self, seed):
        kinds = [kind for kind, number in PAYMENTS for _ in range(number)]
        self.assertEqual(len(kinds), 200)
        self.dice.shuffle(kinds)
        self.customers = [Customer(self.kassi, n, kind, seed) for n, kind in enumerate(kinds)]
        self.broken = []

        def pay(customer):
            try:
                customer.pay()
            except Exception as error:  # pylint: disable=broad-except
                self.broken.append(f"{customer}: {error!r}")

        threads = [threading.Thread(target=pay, args=(customer,), daemon=True) for customer in self.customers]
        starter = threading.Thread(target=lambda: [thread.start() for thread in threads])
        starter.start()
        heads = []
        for _ in range(KILLS):
            heads.append(self.kassi.kill_after(self.dice.randint(*ANSWERS_BETWEEN_KILLS), KILL_AT_LEAST_EVERY))
            under_way = sum(thread.is_alive() for thread in threads)
            print(f"killed after {self.kassi.answers} answers, {under_way} payments under way", flush=True)
            self.kassi.start()
        starter.join()
        end = time.monotonic() + SETTLED_WITHIN
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        self.assertFalse(self.broken, "\n".join(self.broken))
        stuck = [customer for customer, thread in zip(self.customers, threads) if thread.is_alive()]
        self.assertEqual(stuck, [], self.stories(customer.id for customer in stuck))
        return heads

    def stories(self, transactions):
        return "\n".join(self.kassi.command("show", transaction) for transaction in list(transactions)[:3])

    def until_settled(self):
        end = time.monotonic() + SETTLED_WITHIN
        while left := self.kassi.all("&settled=false"):
            if time.monotonic() > end:
                self.fail("not settled:\n" + self.stories(entry["id"] for entry in left))
            time.sleep(LOOK_AGAIN)

    def report(self, transactions):
        print(dict(Counter(entry["phase"] for entry in transactions.values())), flush=True)

    # ---- what must hold

    def check_what_was_told(self, transactions):
        bad = [entry["id"] for entry in transactions.values() if entry["needs_person"] or entry["in_doubt"]]
        self.assertEqual(bad, [])
        for customer in self.customers:
            phase, told = transactions[customer.id]["phase"], self.kassi.told.get(customer.id, set())
            # F13 has one word for what was bought, also when it was cancelled since.
            now = {"purchased", "cancelled"} if phase == "cancelled" else {phase}
            self.assertLessEqual(told, now, f"{customer} is {phase}, and was told {told}")
            self.assertTrue(told, f"{customer} ended, and somebody heard of it")
        self.assertGreater(sum(entry["phase"] == "purchased" for entry in transactions.values()), 80)

    def check_ledger(self, transactions):
        ledger = self.provider.ledger()
        legs = {f"{entry['id']}-{leg['no']}": leg for entry in transactions.values() for leg in entry["legs"]
                if leg["flow"] == "redirect"}
        self.assertLessEqual(set(ledger), set(legs))
        for reference, leg in legs.items():
            taken, back = ledger.get(reference, ([], []))
            self.assertLessEqual(len(taken), 1, f"{reference} was taken {len(taken)} times")
            self.assertEqual((sum(taken), sum(back)), (leg["taken"], leg["given_back"]), reference)
            self.assertIn(sum(taken), (0, leg["amount"]), reference)
        for name in ("stripe", "borgun"):
            self.check_card_ledger(name, transactions)
        for entry in transactions.values():
            kept = sum(leg["taken"] - leg["given_back"] for leg in entry["legs"])
            cost = sum(bundle["amount"] for bundle in entry["bundles"])
            self.assertEqual(kept, cost if entry["phase"] == "purchased" else 0, entry["id"])

    def check_card_ledger(self, name, transactions):
        ledger = self.provider.card_ledger(name)
        ours = set()
        for entry in transactions.values():
            if entry["caller"] == name:
                ours |= self.kassi.check_cards(name, ledger, entry)
        self.assertTrue(ledger)
        self.assertLessEqual(set(ledger), ours, "paid by nobody's intention")

    def check_credit(self, transactions):
        owed = Counter()
        for entry in transactions.values():
            for leg in entry["legs"]:
                if leg["flow"] == "on_credit":
                    owed[entry["caller"]] += leg["taken"] - leg["given_back"]
        for caller in ("credit", "limited", "redirect"):
            balances = {line["currency"]: line["owed"] for line in
                        self.kassi.v1("GET", f"/callers/{caller}/balances").json()["data"]}
            self.assertEqual(balances.get("GBP", 0), owed[caller], caller)
            lines = self.kassi.v1("GET", f"/callers/{caller}/statement?currency=GBP").json()
            self.assertIsNone(lines["next_cursor"])
            self.assertEqual(sum(line["amount"] for line in lines["lines"]), owed[caller], caller)
        self.assertEqual(owed["limited"], LIMITED_PENCE, "as many as the limit allows, and not one more")

    def check_keys(self):
        """Every key that was answered gives the first answer again, from a house that has died since."""
        for customer in self.customers:
            for key, (path, body, first) in customer.keys.items():
                again = self.kassi.v1("POST", path, body, key)
                if first.status not in (200, 201) or path.startswith("/callbacks/"):
                    continue
                told, tells = first.json(), again.json()
                self.assertEqual(again.status, first.status, f"{customer} {path}: {again.body}")
                for name in ("id", "reference", "phase", "version"):
                    self.assertEqual(tells[name], told[name], f"{customer} {path} {name}")

    def check_record(self, heads):
        head = self.kassi.verify()
        self.kassi.stop()
        for earlier in [*heads, head]:
            self.kassi.verify("--head", earlier)
        self.assertEqual(self.kassi.complaints(), [])


if __name__ == "__main__":
    unittest.main()
