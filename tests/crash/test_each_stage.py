"""kill -9 at each stage of one payment: the story after the restart says what happened, the record is clean, and the
payment ends as if nothing had been, with the money taken once."""

import json
import threading
import unittest
import urllib.parse
import uuid
from datetime import timedelta

from houses import LANDING, VERDICTS, Browser, CALLERS_HOST, Kassi, Provider, hand_over_body, http_once as http
from kassi import PATIENCE, FlowTest

SLOW = {"do": "delay", "ms": 1500, "times": 1}  # the work is done at once, the answer comes late
PENCE = 11_000


class EachStageTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.provider = Provider(self)
        self.kassi = Kassi(self, self.provider).start()
        self.asides, self.broken = [], []

    # ---- steps

    def hand_over(self, caller="redirect", bundles=1, **more):
        body = hand_over_body(caller, [PENCE] * bundles, **more)
        answer = self.kassi.v1("POST", "/transactions", body, str(uuid.uuid4()))
        self.assertEqual(answer.status, 201, answer.body)
        self.id = answer.json()["id"]
        self.browser = Browser(self.kassi, self.id)

    def purchase(self, *ways, key=None):
        body = {"ways": {f"ext_test{n}": merchant for n, merchant in enumerate(ways)},
                "return": {"via": "kassi", "landing_url": LANDING}}
        answer = self.kassi.v1("POST", f"/transactions/{self.id}/purchase", body, key or str(uuid.uuid4()))
        self.assertIn(answer.status, (200, 202), answer.body)
        return answer.json()

    def sent_away(self, *ways):
        return self.purchase(*ways or ["acme"])["callout"]["page_url"]

    def aside(self, work, *words):
        """Somebody who does not know that the house is about to die; waited for at the end."""
        def careful():
            try:
                work(*words)
            except Exception as error:  # pylint: disable=broad-except
                self.broken.append(error)

        self.asides.append(threading.Thread(target=careful, daemon=True))
        self.asides[-1].start()

    def wait_for_all(self):
        for thread in self.asides:
            thread.join(PATIENCE)
        self.assertEqual(self.broken, [])

    def pay(self, page, button="pay_get"):
        self.browser.go(page, lambda: button)

    def die_and_come_back(self):
        self.kassi.kill()
        self.look()
        self.kassi.start()

    def phase(self):
        return self.kassi.read(self.id)["phase"]

    def look(self):
        """The story, with or without a server."""
        text = self.kassi.command("show", self.id)
        self.assertIn("\nWhy\n", text)
        return text, json.loads(self.kassi.command("show", self.id, "--json"))

    def ends(self, phase, taken, back=(), leg=1):
        """Once, and everybody agrees: the customer, the state, the story, the record, the provider's ledger."""
        self.wait_for_all()
        self.until(phase, lambda: self.phase() in VERDICTS)
        self.until("settled", lambda: self.kassi.read(self.id)["settled"])
        self.assertEqual(self.phase(), phase)
        text, story = self.look()
        self.assertRegex(text.splitlines()[0], rf"^T\S+  {phase}$")
        self.assertEqual((story["phase"], story["settled"], story["needs_person"]), (phase, True, False))
        self.assertEqual(self.provider.ledger().get(f"{self.id}-{leg}", ([], [])), (list(taken), list(back)))
        self.assertLessEqual(self.kassi.told[self.id], {phase} | ({"purchased"} if phase == "cancelled" else set()))
        head = self.kassi.verify()
        self.kassi.stop()
        self.kassi.verify("--head", head)
        self.assertEqual(self.kassi.complaints(), [])
        return text

    def owed(self, caller="redirect"):
        lines = self.kassi.v1("GET", f"/callers/{caller}/balances").json()["data"]
        return sum(line["owed"] for line in lines)

    # ---- stages

    def test_after_the_hand_over(self):
        self.hand_over()
        self.die_and_come_back()
        self.assertEqual(self.phase(), "reserved")
        self.pay(self.sent_away())
        self.ends("purchased", [PENCE])

    def test_while_it_is_bought_on_credit(self):
        self.hand_over("credit")
        key = str(uuid.uuid4())
        self.aside(self.buy_on_credit, key)
        self.die_and_come_back()
        first = self.buy_on_credit(key)
        self.die_and_come_back()
        self.assertEqual(self.buy_on_credit(key), first)
        self.assertEqual(self.owed("credit"), PENCE)
        self.ends("purchased", [])

    def buy_on_credit(self, key):
        answer = self.kassi.v1("POST", f"/transactions/{self.id}/purchase", {}, key)
        self.assertEqual((answer.status, answer.json()["phase"]), (200, "purchased"), answer.body)
        return answer.json()

    def test_while_the_session_is_asked_for(self):
        self.provider.faults({"on": "session", **SLOW})
        self.hand_over()
        key = str(uuid.uuid4())
        self.aside(lambda: self.purchase("acme", key=key))
        self.kassi.wait_for_call("session", self.id)
        self.die_and_come_back()
        callout = self.until("a callout", lambda: self.kassi.read(self.id)["callout"])
        self.assertEqual(self.purchase("acme", key=key)["id"], self.id)
        self.pay(callout["page_url"])
        self.ends("purchased", [PENCE])

    def test_while_away(self):
        self.hand_over()
        page = self.sent_away()
        self.die_and_come_back()
        self.assertEqual(self.kassi.read(self.id)["callout"]["page_url"], page)
        self.pay(page)
        self.ends("purchased", [PENCE])

    def test_when_the_customer_pays(self):
        self.hand_over()
        page = self.sent_away()
        killed = []

        def pays_while_the_house_dies():
            killed.append(self.kassi.kill())
            return "pay_post"

        self.aside(self.browser.go, page, pays_while_the_house_dies)
        self.until("taken", lambda: self.provider.ledger())
        self.assertTrue(killed)
        self.kassi.start()
        self.ends("purchased", [PENCE])

    def test_when_the_customer_pays_and_stays_away(self):
        self.hand_over()
        page = self.sent_away()

        def pays_while_the_house_dies():
            self.kassi.kill()
            return "pay_stay"

        self.browser.go(page, pays_while_the_house_dies)
        self.assertEqual(self.provider.ledger(), {f"{self.id}-1": ([PENCE], [])})
        self.kassi.start()
        self.ends("purchased", [PENCE])  # the house says it again

    def test_right_after_the_return(self):
        """Nobody has clicked: what the shop's customer brings back takes the money, and the answer is lost."""
        self.provider.faults({"on": "complete", **SLOW})
        self.hand_over()
        self.aside(self.returns_and_says, self.token_away(), "yes")
        self.kassi.wait_for_call("complete", self.id)
        self.die_and_come_back()
        self.ends("purchased", [PENCE])

    def test_when_the_money_was_taken(self):
        self.provider.faults({"on": "complete", **SLOW}, {"on": "notice", "do": "dead", "times": 1})
        self.hand_over()
        self.aside(self.returns_and_says, self.token_away(), "yes")
        self.until("taken", lambda: self.provider.ledger())
        self.kassi.kill()
        story = self.look()[1]
        self.assertEqual([leg["money"] for leg in story["legs"]], ["none"], "the answer died with the house")
        self.kassi.start()
        text = self.ends("purchased", [PENCE])
        self.assertIn("interrupted by a restart", text)

    def test_when_the_customer_refused(self):
        self.provider.faults({"on": "complete", **SLOW})
        self.hand_over()
        self.aside(self.returns_and_says, self.token_away(), "no")
        self.kassi.wait_for_call("complete", self.id)
        self.die_and_come_back()
        self.ends("failed", [])

    def token_away(self):
        token = f"{self.id}.1"
        answer = self.kassi.v1("POST", f"/transactions/{self.id}/purchase", {
            "ways": {"ext_test0": "acme"}, "return": {"via": "caller", "token": token, "remote_site": CALLERS_HOST,
                                                      "url": f"http://{CALLERS_HOST}/back/{token}"}}, str(uuid.uuid4()))
        self.assertEqual(answer.json()["callout"]["return_token"], token, answer.body)
        return token

    def returns_and_says(self, token, success):
        """Again and again, until the house lives and says what became of it."""
        answer = self.kassi.v1("POST", f"/callbacks/{token}", {"caller": "redirect", "fields": {"success": success}})
        self.assertIn(answer.status, (200, 202), answer.body)

    def test_by_f13_right_after_the_return(self):
        self.provider.faults({"on": "complete", **SLOW})
        self.hand_over()
        token = f"{self.id}.1"
        fields = [("transaction_uuid", self.id), ("return_token", token), ("remote_site", CALLERS_HOST),
                  ("return_url", f"http://{CALLERS_HOST}/back/{token}")]
        status, answer = self.kassi.f13("redirect", "POST", "purchase.v1", fields)
        self.assertEqual((status, answer["callout"]["return_token"]), (200, token), answer)
        heard = []

        def come_back():
            heard.append(self.kassi.f13("redirect", "POST", f"callback.v1/this.{token}/next.{self.id}.2",
                                        [("success", "yes")])[0])

        self.aside(come_back)
        self.kassi.wait_for_call("complete", self.id)
        self.die_and_come_back()
        status = self.until("purchased", lambda: self.f13_status() != "attempting" and self.f13_status())
        self.assertEqual(status, "purchased")
        self.ends("purchased", [PENCE])
        self.assertIn(heard, ([200], [410]))

    def f13_status(self):
        return self.kassi.f13("redirect", "GET", "status.v1", [("transaction_uuid", self.id)])[1]["transaction_status"]

    def test_between_two_payments_of_a_trolley(self):
        self.provider.faults({"on": "session", "do": "delay", "ms": 0, "times": 1}, {"on": "session", **SLOW})
        self.hand_over(bundles=2)
        page = self.sent_away("acme", "acme-post")
        self.aside(self.pay, page)
        self.kassi.process.wait_for(rf'"event":"call","transaction":"{self.id}","merchant":"acme-post"')
        self.die_and_come_back()
        self.wait_for_all()
        if self.phase() not in VERDICTS:  # the browser was told to wait, or was sent on at once
            self.pay(self.until("a callout", lambda: self.kassi.read(self.id)["callout"])["page_url"])
        self.ends("purchased", [PENCE], leg=1)
        self.assertEqual(self.provider.ledger()[f"{self.id}-2"], ([PENCE], []))

    def test_when_the_second_is_refused_and_the_first_given_back(self):
        self.provider.faults({"on": "refund", **SLOW})
        self.hand_over(bundles=2)
        buttons = iter(["pay_get", "refuse"])
        self.aside(self.browser.go, self.sent_away("acme", "acme-post"), lambda: next(buttons))
        self.kassi.wait_for_call("refund", self.id)
        self.die_and_come_back()
        self.ends("failed", [PENCE], [PENCE])
        self.assertNotIn(f"{self.id}-2", self.provider.ledger())

    def test_when_credit_is_given_back_because_the_redirect_is_refused(self):
        self.provider.faults({"on": "complete", **SLOW})
        self.hand_over(bundles=2)
        self.aside(self.pay, self.sent_away("house-credit", "acme"), "refuse")
        self.kassi.process.wait_for(rf'"event":"moved","transaction":"{self.id}".*"input":"(Return|Notice)"')
        self.die_and_come_back()
        self.until("failed", lambda: self.phase() == "failed")
        self.assertEqual(self.owed(), 0)
        self.ends("failed", [], leg=2)

    def test_right_after_it_was_purchased(self):
        self.hand_over()
        self.pay(self.sent_away())
        self.until("purchased", lambda: self.phase() == "purchased")
        self.die_and_come_back()
        self.assertEqual(self.phase(), "purchased")
        self.browser.reload()
        self.ends("purchased", [PENCE])

    def test_while_it_is_cancelled(self):
        self.provider.faults({"on": "refund", **SLOW})
        self.hand_over()
        self.pay(self.sent_away())
        self.until("purchased", lambda: self.phase() == "purchased")
        key = str(uuid.uuid4())
        self.aside(self.cancel, key)
        self.kassi.wait_for_call("refund", self.id)
        self.die_and_come_back()
        self.until("cancelled", lambda: self.phase() == "cancelled")
        self.cancel(key)
        self.ends("cancelled", [PENCE], [PENCE])

    def cancel(self, key):
        answer = self.kassi.v1("POST", f"/transactions/{self.id}/cancel", {}, key)
        self.assertIn(answer.status, (200, 202), answer.body)

    def test_while_it_is_released(self):
        self.provider.faults({"on": "close", **SLOW})
        self.hand_over()
        self.sent_away()
        callout = self.kassi.read(self.id)["callout"]
        house = callout["destination"] + "?" + urllib.parse.urlencode([tuple(pair) for pair in callout["parameters"]])
        self.assertEqual(http("GET", house).status, 200)
        self.aside(lambda: self.kassi.v1("POST", f"/transactions/{self.id}/release", {}, str(uuid.uuid4())))
        self.kassi.wait_for_call("close", self.id)
        self.die_and_come_back()
        self.ends("failed", [])
        self.assertEqual(http("GET", house).status, 410, "nobody can pay there any more")

    def test_while_the_return_url_is_visited(self):
        # A charge may take 30 s: the customer has what is left of the hold.
        self.hand_over(hold=timedelta(seconds=37))
        self.token_away()
        self.kassi.process.wait_for(rf'"event":"moved","transaction":"{self.id}".*VisitMeant')
        self.die_and_come_back()
        text = self.ends("failed", [])
        self.assertIn("visit", text)


if __name__ == "__main__":
    unittest.main()
