#!/usr/bin/env python3
"""The football match in a real browser: orders that go to the TicketOrder door, and what it answers."""

import json
import sys
import unittest

import webdriver
from sandbox import BINARY, SKIPPED
from shopping import Shopping

CARDS = ("5587402000012011", "4155520000000002")


class Match(Shopping):
    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for number in CARDS:
            assert number not in cls.sandbox.log, "a card number is in the log"

    def order(self, browser, **choices):
        browser.open(self.sandbox.url + "/shop/match")
        for name, value in choices.items():
            browser.run(f"document.querySelector('[name=\"{name}\"]').value = {json.dumps(value)}")
        self.leave(browser, "#order")
        for number in CARDS:
            self.assertNotIn(number, browser.run("return document.documentElement.outerHTML"))
        return browser.text("main")

    def test_an_order_is_paid_and_has_a_story(self):
        browser = self.browser()
        answer = self.order(browser)
        self.assertIn('"statusCode": 0', answer)
        self.shot(browser, "match-paid")
        self.check_console(browser)
        self.leave(browser, "main a[href='/shop/transactions']")
        self.leave(browser, ".transactions a")
        self.check_story(browser, "purchased")

    def test_the_same_order_again_charges_nothing(self):
        browser = self.browser()
        first = self.order(browser, order_id="BROWSER00001", format="jsv")
        self.assertIn("statusCode:0", first)
        again = self.order(browser, order_id="BROWSER00001", format="jsv")
        self.assertIn("statusCode:0", again)
        self.assertEqual(self.token_in(first), self.token_in(again), "one transaction")

    def token_in(self, text):
        at = text.index("ticketTokenId:") + len("ticketTokenId:")
        return text[at:at + 36]

    def test_a_declined_card_and_a_role_that_may_not(self):
        browser = self.browser()
        self.assertIn("402", self.order(browser, card="declined"))
        self.assertIn("Invalid Role", self.order(browser, account="nobody"))

    def test_the_shop_signs_where_that_is_wanted(self):
        answer = self.order(self.browser(), account="app-signed")
        self.assertIn('"signature": "', answer)
        self.assertIn('"statusCode": 0', answer)


if __name__ == "__main__":
    why = webdriver.missing()
    if not BINARY or why:
        print("skipped: " + (why or "KASSI_BINARY is not set"))
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
