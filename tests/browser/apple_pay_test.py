#!/usr/bin/env python3
"""Paying with Apple Pay in a real browser: the button of our page, the stand-in's sheet, and what comes of it.

Chromium has no ApplePaySession: the page loads the sandbox's, which keeps to Apple's interface. What it brings
is a token that the simulated device made for this payment."""

import sys
import time
import unittest
from datetime import datetime, timedelta, timezone

import webdriver
from sandbox import BINARY, SKIPPED
from shopping import Shopping

DEVICE_CARDS = ("4242424242424242", "5555555555554444", "4000000000000002")
SHEET = "document.querySelector('#apple-pay-sheet')"


class ApplePay(Shopping):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.faults = next(each for each in cls.sandbox.map["simulators"] if each["name"] == "apple")["faults"]

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for number in DEVICE_CARDS:
            assert number not in cls.sandbox.log, "a card number is in the log"
        assert "ephemeralPublicKey" not in cls.sandbox.log, "a token is in the log"

    def v1(self, path, body=None):
        headers = {"Authorization": "Bearer " + self.sandbox.map["v1"]["key"], "Content-Type": "application/json"}
        status, answer = self.sandbox.json("GET" if body is None else "POST", "/v1/" + path, body, headers)
        self.assertLess(status, 300, answer)
        return answer

    def purchase(self, caller="demo-apple-pay", currency="ISK", amount=2500):
        """Transaction and address of the page."""
        soon = (datetime.now(timezone.utc) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        bundle = {"source": "ext_test1", "description": "Two seats", "currency": currency, "amount": amount}
        given = self.v1("transactions", {"caller": caller, "held_until": soon, "bundles": [bundle]})
        away = self.v1(f"transactions/{given['id']}/purchase", {"return": {"via": "kassi"}})
        return given["id"], away["callout"]["page_url"]

    def wait_for(self, browser, script, what):
        """What the script gives, once it gives something."""
        end = time.monotonic() + webdriver.PAGE_SECONDS
        while not (found := browser.run("return " + script)):
            self.assertLess(time.monotonic(), end, f"never: {what}; the page says {browser.text('main')!r}")
            time.sleep(0.02)
        return found

    def click_in_sheet(self, browser, what):
        """As a person would: on what is there and can be clicked."""
        element = self.wait_for(browser, f"{SHEET} && {SHEET}.shadowRoot.querySelector('{what}:enabled')", what)
        browser.ask("POST", f"/element/{element[webdriver.ELEMENT]}/click")

    def open_sheet(self, browser):
        self.wait_for(browser, "document.querySelector('#apple-pay') && !document.querySelector('#apple-pay').hidden",
                      "the button")
        browser.click("#apple-pay-button")

    def pay(self, browser, card=None):
        self.open_sheet(browser)
        self.wait_for(browser, f"{SHEET} && {SHEET}.shadowRoot.querySelector('.pay:enabled')", "the sheet")
        if card:
            browser.run(f"{SHEET}.shadowRoot.querySelector('.card').value = '{card}'")
        page = browser.find("html")
        self.click_in_sheet(browser, ".pay")
        browser.wait_until_gone(page)

    def rules(self, *rules):
        status, said = self.sandbox.json("PUT", self.faults, {"rules": list(rules)})
        self.assertEqual(status, 200, said)
        self.addCleanup(self.sandbox.json, "DELETE", self.faults)

    def check_paid(self, browser, transaction):
        browser.wait_for_text("h1", "Paid")
        now = self.v1("transactions/" + transaction)
        self.assertEqual((now["phase"], now["legs"][0]["state"]), ("purchased", "captured"))
        self.check_console(browser)

    def test_from_the_shop_to_the_story(self):
        browser = self.browser()
        self.shop(browser, "demo-apple-pay")
        self.open_sheet(browser)
        self.shot(browser, "apple-pay-page")
        self.wait_for(browser, f"{SHEET}.shadowRoot.querySelector('.pay:enabled')", "the sheet")
        self.shot(browser, "apple-pay-sheet")
        page = browser.find("html")
        self.click_in_sheet(browser, ".pay")
        browser.wait_until_gone(page)
        self.check_story(browser, "purchased")
        self.check_books(browser, "taken £110.00")
        self.shot(browser, "apple-pay-story")
        self.check_console(browser)

    def test_over_borgun_in_a_currency_without_decimals(self):
        browser = self.browser()
        transaction, page = self.purchase()
        browser.open(page)
        self.pay(browser)
        self.check_paid(browser, transaction)

    def test_over_stripe_with_a_mastercard(self):
        browser = self.browser()
        transaction, page = self.purchase("demo-stripe", "GBP", 11050)
        browser.open(page)
        self.pay(browser, "mastercard")
        self.check_paid(browser, transaction)

    def test_on_a_phone_and_in_the_dark(self):
        browser = self.browser(width=360, height=740, phone=True, dark=True)
        transaction, page = self.purchase()
        browser.open(page)
        self.open_sheet(browser)
        self.wait_for(browser, f"{SHEET} && {SHEET}.shadowRoot.querySelector('.pay:enabled')", "the sheet")
        self.shot(browser, "apple-pay-phone")
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 360)
        left = browser.find("html")
        self.click_in_sheet(browser, ".pay")
        browser.wait_until_gone(left)
        self.check_paid(browser, transaction)

    def test_a_sheet_that_was_cancelled_opens_again(self):
        browser = self.browser()
        transaction, page = self.purchase()
        browser.open(page)
        self.open_sheet(browser)
        self.click_in_sheet(browser, ".cancel")
        self.wait_for(browser, f"!{SHEET}", "the sheet is gone")
        self.assertEqual(self.v1("transactions/" + transaction)["phase"], "authorising")
        self.pay(browser)
        self.check_paid(browser, transaction)

    def test_the_card_form_is_there_all_the_same(self):
        browser = self.browser()
        transaction, page = self.purchase()
        browser.open(page)
        browser.type("#number", "4176669999000104")
        browser.type("#expiry", "1230")
        browser.type("#cvc", "123")
        left = browser.find("html")
        browser.click("#pay")
        browser.wait_until_gone(left)
        self.check_paid(browser, transaction)

    def test_one_417_is_asked_again(self):
        browser = self.browser()
        transaction, page = self.purchase()
        self.rules({"do": "417"})
        browser.open(page)
        self.pay(browser)
        self.check_paid(browser, transaction)

    def test_no_merchant_session_closes_the_sheet_and_says_so(self):
        browser = self.browser()
        transaction, page = self.purchase()
        self.rules({"do": "417", "times": 2}, {"do": "400"}, {"do": "reset"})
        browser.open(page)
        for _ in range(3):
            self.open_sheet(browser)
            self.wait_for(browser, f"!{SHEET} && document.querySelector('#apple-pay-problem').textContent",
                          "the reason")
            self.assertIn("not available at the moment", browser.text("#apple-pay-problem"))
        self.shot(browser, "apple-pay-problem")
        self.check_console(browser, known=("502",))
        self.pay(browser)
        self.check_paid(browser, transaction)

    def test_what_the_bank_declines_is_not_paid(self):
        browser = self.browser()
        transaction, page = self.purchase("demo-stripe", "GBP", 11000)
        browser.open(page)
        self.pay(browser, "declined")
        browser.wait_for_text("h1", "Not paid")
        self.assertEqual(self.v1("transactions/" + transaction)["phase"], "failed")

    def test_without_scripts_there_is_no_button(self):
        browser = self.browser(scripts=False)
        browser.open(self.purchase()[1])
        self.assertIn("needs JavaScript", browser.text("main"))
        self.assertNotIn("Apple Pay", browser.text("main"))


if __name__ == "__main__":
    why = webdriver.missing()
    if not BINARY or why:
        print("skipped: " + (why or "KASSI_BINARY is not set"))
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
