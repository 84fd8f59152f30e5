#!/usr/bin/env python3
"""The sandbox over the wire, without a browser: where everything is, the clock, the shop's forms, a restart."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

from sandbox import BINARY, SKIPPED, STOP_SECONDS, Sandbox


def phase(page):
    return re.search(r'data-phase="(\w+)"', page).group(1)


class Wire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()

    @classmethod
    def tearDownClass(cls):
        status = cls.sandbox.close()
        assert status == 0, f"the sandbox ended with {status}"
        assert not os.path.exists(cls.sandbox.data), "the temporary directory stays"
        assert cls.sandbox.said[-1] == f"ready {cls.sandbox.url}/\n", cls.sandbox.said
        for secret in ("demopass", cls.sandbox.map["v1"]["key"]):
            assert secret not in cls.sandbox.log, f"{secret} is in the log"

    def story(self, address):
        status, _, page = self.sandbox.ask("GET", address)
        self.assertEqual(status, 200)
        return page

    def pay(self, way, tickets=(("7AB-4", "2"),), **more):
        status, location, _ = self.sandbox.form("/shop/pay", [*tickets, ("way", way), *more.items()])
        self.assertEqual(status, 303)
        return location

    # ---- where everything is
    def test_the_map_leads_to_what_it_names(self):
        where = self.sandbox.map
        self.assertEqual(where["url"], self.sandbox.url)
        for address in (where["shop"], where["v1"]["openapi"], where["simulators"][0]["ledger"],
                        where["simulators"][0]["faults"], where["operators"]["url"] + "/healthz", where["clock"]["url"]):
            self.assertEqual(self.sandbox.ask("GET", address)[0], 200, address)
        status, _, _ = self.sandbox.ask("GET", where["v1"]["url"] + "transactions",
                                        headers={"Authorization": "Bearer " + where["v1"]["key"]})
        self.assertEqual(status, 200)
        passwords = {account["name"]: account["password"] for account in where["accounts"]}
        for name in ("demo", "demo-redirect", "demo-redirect-post"):
            self.assertEqual(passwords[name], "demopass")
        self.assertEqual(passwords["example-user"], "some-password")
        self.assertEqual(where["data"], os.path.basename(self.sandbox.data))
        self.assertNotIn("/", where["data"])
        self.assertEqual(self.sandbox.ask("POST", "/sandbox", "")[0], 405)
        for unknown in ("/sandbox/else", "/sandboxes", "/else"):
            self.assertEqual(self.sandbox.ask("GET", unknown)[0], 404)

    def test_the_clock_is_moved_and_says_what_is_wrong(self):
        before = self.sandbox.json("GET", "/sandbox/clock")[1]["now"]
        status, moved = self.sandbox.json("PUT", "/sandbox/clock", {"advance_seconds": 86400})
        self.assertEqual(status, 200)
        self.assertNotEqual(moved["now"][:10], before[:10])
        self.assertEqual(self.sandbox.json("GET", "/sandbox")[1]["clock"]["now"][:10], moved["now"][:10])
        for wrong in ({"advance_seconds": 0}, {"advance_seconds": "1"}, {"advance_seconds": 10**9 + 1}, {}):
            status, error = self.sandbox.json("PUT", "/sandbox/clock", wrong)
            self.assertEqual((status, error["field"]), (400, "advance_seconds"))
        self.assertEqual(self.sandbox.json("PUT", "/sandbox/clock", [1])[1]["field"], "body")
        self.assertEqual(self.sandbox.ask("DELETE", "/sandbox/clock")[0], 405)

    # ---- the shop's forms
    def test_refuses_what_is_not_offered(self):
        for fields in ({"7AB-4": "7"}, {"7AB-4": "x"}, {"way": "gold", "7AB-4": "1"}, {"hold": "9", "7AB-4": "1"}, {}):
            status, _, page = self.sandbox.form("/shop/pay", fields)
            self.assertEqual(status, 400, fields)
            self.assertIn('role="alert"', page)
        self.assertEqual(self.sandbox.ask("POST", "/shop/pay", "%zz", {
            "Content-Type": "application/x-www-form-urlencoded"})[0], 400)
        self.assertEqual(self.sandbox.form("/shop/clock", {"minutes": "1441"})[0], 400)
        self.assertEqual(self.sandbox.form("/shop/transactions/T000-0000-0000-0000/cancel", {})[0], 404)
        self.assertEqual(self.sandbox.ask("GET", "/shop/back?transaction=nothing")[0], 404)
        self.assertEqual(self.sandbox.ask("PUT", "/", "")[0], 405)

    def test_another_site_cannot_press_its_buttons(self):
        count = len(re.findall('class="who', self.story("/shop/transactions")))
        for site in ("cross-site", "same-site"):
            status, _, _ = self.sandbox.form("/shop/pay", {"7AB-4": "1", "way": "demo"}, {"Sec-Fetch-Site": site})
            self.assertEqual(status, 403)
        self.assertEqual(len(re.findall('class="who', self.story("/shop/transactions"))), count)
        status, _, _ = self.sandbox.form("/shop/pay", {"7AB-4": "1", "way": "demo"}, {"Sec-Fetch-Site": "same-origin"})
        self.assertEqual(status, 303)

    def test_pages_forbid_what_they_do_not_need(self):
        for address in ("/", "/shop/checkout?7AB-4=1", "/shop/transactions", "/shop/around", "/else"):
            _, headers, _ = self.sandbox.ask("GET", address)
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("script-src", policy)

    # ---- a card
    def test_a_way_that_wants_a_card_leads_to_its_page(self):
        location = self.pay("demo-creditcard", hold="15")
        self.assertIn("/shop/card?", location)
        status, _, page = self.sandbox.ask("GET", location)
        self.assertEqual(status, 200)
        self.assertIn('name="hold" value="15"', page)
        # Who has no trolley, or a way without a card, is asked how to pay.
        for address in ("/shop/card", "/shop/card?7AB-4=1&way=demo", "/shop/card?7AB-4=1&way=demo-borgun"):
            status, _, page = self.sandbox.ask("GET", address)
            self.assertNotIn("card_number", page)
        self.assertEqual(self.sandbox.ask("GET", "/shop/card?7AB-4=1&way=demo-creditcard&sample=no")[0], 200)

    def test_what_was_typed_of_a_card_is_not_said_again(self):
        typed = {"card_number": "5555 4444 3333 2221", "card_expiry": "77 / 66", "card_cvc": "9876"}
        before = len(re.findall("<li><a", self.story("/shop/transactions")))
        status, _, page = self.sandbox.form("/shop/pay", [("7AB-4", "2"), ("way", "demo-creditcard"), ("once", "typed"),
                                                          *typed.items()])
        self.assertEqual(status, 400)
        self.assertIn("The card number is not valid.", page)
        for text in (*typed.values(), "5555444433332221", "7766"):
            self.assertNotIn(text, page)
        self.assertIn('name="once" value="typed"', page)
        # Corrected, it is the same order; and a field that is missing is a field that is wrong.
        good = {**typed, "card_number": "5455330200000016", "card_expiry": "12/29", "card_cvc": "123"}
        fields = [("7AB-4", "2"), ("way", "demo-creditcard"), ("once", "typed")]
        self.assertEqual(self.sandbox.form("/shop/pay", [*fields, ("card_number", good["card_number"])])[0], 400)
        status, location, _ = self.sandbox.form("/shop/pay", [*fields, *good.items()])
        self.assertEqual(status, 303)
        self.assertEqual(phase(self.story(location)), "purchased")
        self.assertEqual(len(re.findall("<li><a", self.story("/shop/transactions"))), min(before + 1, 30))

    def test_a_card_that_nobody_asked_for_goes_nowhere(self):
        location = self.pay("demo", card_number="4741520000000003", card_expiry="12/29", card_cvc="123")
        page = self.story(location)
        self.assertEqual(phase(page), "purchased")
        self.assertNotIn("with a card", page)

    def test_cancelling_twice_is_cancelling_once(self):
        location = self.pay("demo")
        self.assertEqual(phase(self.story(location)), "purchased")
        self.assertEqual(self.sandbox.form(location + "/cancel", {})[0], 303)
        self.assertEqual(phase(self.story(location)), "cancelled")
        rows = self.story(location).count('class="stamp"')
        self.assertEqual(self.sandbox.form(location + "/cancel", {})[0], 303)
        self.assertEqual(self.story(location).count('class="stamp"'), rows)

    def test_a_dropped_answer_is_asked_for_again(self):
        rules = {"rules": [{"on": "session", "do": "drop_answer", "merchant": "redirect-quiet"}]}
        self.assertEqual(self.sandbox.json("PUT", self.sandbox.map["simulators"][0]["faults"], rules)[0], 200)
        # The house hung up after its work: nobody knows, so the customer is not sent away yet.
        location = self.pay("demo-quiet")
        self.assertIn("/shop/transactions/", location)
        self.sandbox.form("/shop/clock", {"minutes": "1", "back": location.rsplit("/", 1)[1]})
        page = self.story(location)
        self.assertIn("Go to the payment page", page)

    # ---- the simulators
    def test_the_simulators_are_on_a_listener_of_their_own(self):
        self.assertEqual(self.sandbox.ask("GET", self.sandbox.url + "/_ledger")[0], 404)
        self.assertEqual(self.sandbox.ask("GET", self.sandbox.simulator + "/redirect/v1/sessions?reference=1")[0], 401)
        self.assertEqual(self.sandbox.ask("GET", self.sandbox.simulator + "/sandbox")[0], 404)


class Restart(unittest.TestCase):
    def test_continues_where_it_was(self):
        with tempfile.TemporaryDirectory() as parent:
            data = os.path.join(parent, "data")
            first = Sandbox(data)
            _, location, _ = first.form("/shop/pay", {"7AB-4": "1", "way": "demo"})
            reference = location.rsplit("/", 1)[1]
            _, moved = first.json("PUT", "/sandbox/clock", {"advance_seconds": 864000})
            key = first.map["v1"]["key"]
            self.assertEqual(first.close(), 0)

            # The operator's commands work without a server, too.
            for command in (["show", reference], ["verify"], ["sweep"]):
                done = subprocess.run([BINARY, *command, "--data", data], capture_output=True, text=True, timeout=STOP_SECONDS)
                self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")

            second = Sandbox(data)
            self.addCleanup(lambda: second.process.poll() is None and second.close())
            self.assertEqual(second.map["v1"]["key"], key)
            status, _, page = second.ask("GET", "/shop/transactions/" + reference)
            self.assertEqual((status, phase(page)), (200, "purchased"))
            self.assertEqual(second.close(), 0)
            self.assertTrue(os.path.isdir(data))


if __name__ == "__main__":
    if not BINARY:
        print("skipped: KASSI_BINARY is not set")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
