#!/usr/bin/env python3
"""Paying by card in the demo shop, through Borgun: the shop's own form, the page that makes a token, SecurePay, and the
bank that asks. Everything is clicked and typed, from the trolley to the story."""

import os
import json
import pathlib
import re
import subprocess
import sys
import time
import unittest

import webdriver
from sandbox import BINARY, SKIPPED, STOP_SECONDS
from shopping import Shopping

FRICTIONLESS, ASKS_BY_1, ASKS_BY_2, DECLINED = "5455330200000016", "5587402000012011", "4741520000000003", "4155520000000002"
GUIDE = "4111111111111111"
LOOKS, LOOKS_ONLY = "5555550000010050", "4555004010010000"  # at the browser; the second bank is content with that
NUMBERS = (FRICTIONLESS, ASKS_BY_1, ASKS_BY_2, DECLINED, GUIDE, LOOKS, LOOKS_ONLY)
TOOK, TOOK_NOTHING = "taken £110.00", "nothing"


class Borgun(Shopping):
    @classmethod
    def tearDownClass(cls):
        kept = b"".join(file.read_bytes() for file in pathlib.Path(cls.sandbox.data).rglob("*") if file.is_file())
        super().tearDownClass()
        assert b"SQLite format 3" in kept, "nobody looked into an empty folder"
        for number in NUMBERS:
            assert number.encode() not in kept, "a card number is on the disk"
        for number in NUMBERS:
            assert number not in cls.sandbox.log, "a card number is in the log"

    # ---- what the customer does
    def to_the_card(self, browser, way="demo-creditcard", tickets="7AB-4=2"):
        self.shop(browser, way, tickets)
        browser.find("#card_number")
        self.assertNotIn("Kassi sandbox · Payment", browser.run("return document.title"))

    def give_card(self, browser, number, expiry="12 / 29", cvc="123", prefix="card_"):
        for name, text in (("number", number), ("expiry", expiry), ("cvc", cvc)):
            browser.type(f"#{prefix}{name}", text)
        self.leave(browser, "#pay")

    def at_the_bank(self, browser, button):
        browser.find(f"button[value='{button}']")
        self.assertTrue(browser.url().startswith(self.sandbox.simulator + "/borgun/acs/"), browser.url())
        self.leave(browser, f"button[value='{button}']")

    def until_told(self, browser, phase, *said):
        browser.find("#status")
        self.check_story(browser, phase)
        self.check_books(browser, *said)
        for number in NUMBERS:
            self.assertNotIn(number, browser.run("return document.documentElement.outerHTML"))

    # ---- the shop's form
    def test_a_card_of_which_the_bank_asks_nothing(self):
        browser = self.browser()
        browser.open(self.sandbox.url + "/")
        browser.click(".card-end button.primary")
        browser.click("input[value=demo-creditcard]")
        self.shot(browser, "borgun-checkout")
        browser.click(".summary button.primary")
        browser.find("#card_number")
        self.shot(browser, "borgun-card")
        self.give_card(browser, FRICTIONLESS)
        # Two ticket systems, one card: one payment of both.
        self.until_told(browser, "purchased", "taken £165.00")
        self.shot(browser, "borgun-paid")
        self.check_console(browser)

    def test_the_bank_asks_by_3ds_1(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, ASKS_BY_1)
        browser.find("button[value=authenticate]")
        self.shot(browser, "borgun-bank-1")
        self.assertIn("/borgun/acs/pareq", browser.url())
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "purchased", TOOK)
        self.check_console(browser)

    def test_the_bank_asks_by_3ds_2(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, ASKS_BY_2)
        browser.find("button[value=authenticate]")
        self.shot(browser, "borgun-bank-2")
        self.assertIn("/borgun/acs/challenge", browser.url())
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "purchased", TOOK)
        self.check_console(browser)

    def test_fails_at_the_bank(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, ASKS_BY_1)
        self.at_the_bank(browser, "fail")
        self.until_told(browser, "failed", TOOK_NOTHING)
        self.shot(browser, "borgun-failed")
        self.check_console(browser)

    def test_gives_up_at_the_bank(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, ASKS_BY_2)
        self.at_the_bank(browser, "give_up")
        self.until_told(browser, "failed", TOOK_NOTHING)
        self.check_console(browser)

    def test_walks_away_from_the_bank_and_time_passes(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, ASKS_BY_2)
        browser.find("button[value=leave]")
        self.walk_away(browser, "button[value=leave]")
        self.check_story(browser, "authorising", settled="no")
        self.assertEqual(len(browser.find_all("a.primary")), 1, "the way back to the bank")
        browser.click("button[name=minutes][value='60']")
        browser.find("#status[data-settled=yes]")
        self.until_told(browser, "failed", TOOK_NOTHING)

    def test_comes_back_to_the_bank_from_the_story(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, ASKS_BY_2)
        browser.find("button[value=leave]")
        self.walk_away(browser, "button[value=leave]")
        browser.click("a.primary")
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "purchased", TOOK)

    def test_the_bank_is_content_and_the_card_is_declined(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, DECLINED)
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "failed", TOOK_NOTHING)
        self.check_console(browser)

    def test_a_card_that_is_wrong_and_then_right(self):
        browser = self.browser()
        self.to_the_card(browser)
        wrong = "4741520000000004"
        self.give_card(browser, wrong)
        self.assertEqual(browser.text("#number_fault"), "The card number is not valid.")
        self.assertEqual(browser.attribute("#card_number", "aria-describedby"), "number_fault")
        page = browser.run("return document.documentElement.outerHTML")
        self.assertNotIn(wrong, page)
        for field in ("number", "expiry", "cvc"):
            self.assertEqual(browser.run(f"return document.querySelector('#card_{field}').value"), "")
        self.assertIn("£110.00", browser.text(".total strong"))
        self.shot(browser, "borgun-wrong")
        self.give_card(browser, ASKS_BY_2, expiry="13/29")
        self.assertEqual(browser.text("#expiry_fault"), "The card's expiry date is not valid.")
        self.give_card(browser, ASKS_BY_2, cvc="1")
        self.assertEqual(browser.text("#cvc_fault"), "The card's security code is not valid.")
        self.give_card(browser, FRICTIONLESS, expiry="1/2030")
        self.until_told(browser, "purchased", TOOK)
        self.assertEqual(len(browser.find_all(".leg")), 1, "it is one order all the time")
        # The page with the fault is a 400, and Chromium says so.
        self.check_console(browser, known=("400",))

    def test_a_sample_is_filled_in_without_scripts(self):
        browser = self.browser(scripts=False)
        self.to_the_card(browser)
        self.leave(browser, "#sample-guide")
        self.assertNotRegex(browser.url(), r"\d{12,}")
        self.shot(browser, "borgun-sample")
        self.leave(browser, "#pay")
        # Nothing submits itself now: the customer clicks.
        browser.click("form button")
        self.at_the_bank(browser, "authenticate")
        browser.click("form#back button")
        self.until_told(browser, "purchased", TOOK)
        self.check_console(browser)

    def test_after_a_refusal_another_card_pays(self):
        browser = self.browser()
        self.to_the_card(browser)
        card_page = browser.url()
        browser.run("document.getElementsByName('once')[0].value = 'again-and-again'")
        self.give_card(browser, DECLINED)
        self.at_the_bank(browser, "fail")
        self.check_story(browser, "failed")
        first = browser.url()
        # Back at the same form, as browsers keep it.
        browser.open(card_page)
        browser.run("document.getElementsByName('once')[0].value = 'again-and-again'")
        self.give_card(browser, FRICTIONLESS)
        self.until_told(browser, "purchased", TOOK)
        self.assertNotEqual(browser.url(), first)
        second = browser.url()
        # What is paid is paid once, by whatever card the form comes again.
        browser.open(card_page)
        browser.run("document.getElementsByName('once')[0].value = 'again-and-again'")
        self.give_card(browser, FRICTIONLESS)
        self.until_told(browser, "purchased", TOOK)
        self.assertEqual(browser.url(), second)

    def test_another_way_after_all(self):
        browser = self.browser()
        self.to_the_card(browser)
        browser.click("#other-way")
        self.assertEqual(browser.text(".summary .total strong"), "£110.00")
        self.assertTrue(browser.run("return document.querySelector('input[value=demo-creditcard]').checked"))
        browser.click("input[value=demo]")
        browser.click(".summary button.primary")
        self.check_story(browser, "purchased")

    def test_money_paid_by_card_is_given_back(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, FRICTIONLESS)
        browser.click("form[action$='/cancel'] button")
        browser.find("#status[data-phase=cancelled]")
        self.until_told(browser, "cancelled", "taken £110.00\ngiven back £110.00")

    def test_no_card_stands_in_an_address_or_a_page(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.assertEqual(browser.run("return document.querySelector('#card').method"), "post")
        self.give_card(browser, ASKS_BY_2)
        self.at_the_bank(browser, "authenticate")
        browser.find("#status")
        told = self.sandbox.ask("GET", browser.url())[2]
        self.assertNotIn(ASKS_BY_2, re.sub(r"\s", "", told))

    # ---- the bank that looks at the browser first (3DS Method)
    def faults(self, *rules):
        answer = self.sandbox.ask("PUT", self.sandbox.simulator + "/borgun/_faults", json.dumps({"rules": rules}),
                                  {"Content-Type": "application/json"})
        self.assertEqual(answer[0], 200, answer[2])

    def went_on_with(self, browser):
        """What our page said of the bank's look, as the journal has it."""
        reference = browser.url().rsplit("/", 1)[1]
        shown = subprocess.run([BINARY, "show", reference, "--json", "--data", self.sandbox.data],
                               capture_output=True, text=True, timeout=STOP_SECONDS, check=True)
        return [field["value"] for row in json.loads(shown.stdout)["story"] for event in row["row"]["events"]
                if event["event"] == "CustomerWentOn" for field in event["fields"]]

    def test_the_bank_looks_at_the_browser_and_asks(self):
        # One that does not wait for what frames load: the page is seen before it goes on.
        browser = self.browser(eager=True)
        self.to_the_card(browser)
        self.faults({"on": "method", "do": "delay", "ms": 5000})
        self.give_card(browser, LOOKS)
        browser.wait_for_text("h1", "Checking with your bank")
        self.shot(browser, "borgun-method")
        # The bank takes its time by the sandbox's clock, from when it is asked.
        for _ in range(100):
            if browser.find_all("button[value=authenticate]"):
                break
            self.assertEqual(self.sandbox.json("PUT", "/sandbox/clock", {"advance_seconds": 5})[0], 200)
            time.sleep(0.1)
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "purchased", TOOK)
        self.check_console(browser)

    def test_the_bank_looks_at_the_browser_and_is_content(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.give_card(browser, LOOKS_ONLY)
        self.until_told(browser, "purchased", TOOK)
        self.assertEqual(self.went_on_with(browser), ["Y"])
        self.check_console(browser)

    def test_the_bank_cannot_look_where_there_are_no_scripts(self):
        browser = self.browser(scripts=False)
        self.to_the_card(browser)
        self.give_card(browser, LOOKS)
        self.leave(browser, "noscript button, form button")
        self.leave(browser, "form button")
        self.at_the_bank(browser, "authenticate")
        browser.click("form#back button")
        self.until_told(browser, "purchased", TOOK)
        self.assertEqual(self.went_on_with(browser), ["N"])
        self.check_console(browser)

    # ---- the page that makes a token
    def test_the_token_page_and_then_the_bank(self):
        browser = self.browser()
        self.shop(browser, "demo-borgun")
        browser.find("#pay:enabled")
        self.shot(browser, "borgun-token")
        self.give_card(browser, ASKS_BY_2, prefix="")
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "purchased", TOOK)
        self.check_console(browser)

    def test_the_token_page_and_a_bank_that_looks_at_the_browser(self):
        browser = self.browser()
        self.shop(browser, "demo-borgun")
        browser.find("#pay:enabled")
        self.give_card(browser, LOOKS, prefix="")
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "purchased", TOOK)
        self.assertEqual(self.went_on_with(browser), ["Y"])
        self.check_console(browser)

    def test_does_not_pay_at_the_token_page(self):
        browser = self.browser()
        self.shop(browser, "demo-borgun")
        browser.find("#pay:enabled")
        self.leave(browser, "button[name=cancelled]")
        self.check_story(browser, "failed")

    # ---- SecurePay
    def test_pays_at_securepay(self):
        browser = self.browser()
        self.shop(browser, "demo-securepay")
        browser.find("button[value=pay]")
        self.shot(browser, "securepay")
        self.leave(browser, "button[value=pay]")
        self.until_told(browser, "purchased", TOOK)
        self.check_console(browser)

    def test_cancels_and_is_refused_at_securepay(self):
        for button in ("cancel", "refuse"):
            browser = self.browser()
            self.shop(browser, "demo-securepay")
            self.leave(browser, f"button[value={button}]")
            self.until_told(browser, "failed", TOOK_NOTHING)
            self.check_console(browser)

    def test_pays_at_securepay_and_walks_away(self):
        browser = self.browser()
        self.shop(browser, "demo-securepay")
        browser.find("button[value=pay_stay]")
        self.walk_away(browser, "button[value=pay_stay]")
        # The house's notification may be faster than the customer's eye.
        self.open_until(browser, "purchased")
        self.until_told(browser, "purchased", TOOK)

    def open_until(self, browser, phase):
        story = browser.url()
        for _ in range(100):
            if browser.attribute("#status", "data-phase") == phase:
                return
            browser.open(story)
        self.fail(f"never {phase}")

    # ---- small and dark
    def test_on_a_phone_and_in_the_dark(self):
        browser = self.browser(width=390, height=844, phone=True, dark=True)
        shots = []

        def look(name):
            shots.append(name)
            self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 390, name)
            self.shot(browser, "borgun-phone-" + name)

        browser.open(self.sandbox.url + "/shop/checkout?7AB-4=2&7AA-4=1&way=demo-creditcard")
        look("checkout")
        browser.click(".summary button.primary")
        browser.find("#card_number")
        look("card")
        self.give_card(browser, "4741520000000004")
        browser.find("#number_fault")
        look("wrong")
        self.give_card(browser, ASKS_BY_2)
        browser.find("button[value=authenticate]")
        look("bank")
        self.at_the_bank(browser, "authenticate")
        self.until_told(browser, "purchased", "taken £165.00")
        look("paid")
        self.shop(browser, "demo-borgun")
        browser.find("#pay:enabled")
        look("token")
        self.shop(browser, "demo-securepay")
        browser.find("button[value=pay]")
        look("securepay")

    def test_every_field_has_a_name_and_every_page_a_heading(self):
        browser = self.browser()
        self.to_the_card(browser)
        self.assertEqual(browser.run("return document.querySelectorAll('h1').length"), 1)
        self.assertEqual(browser.run("return [...document.querySelectorAll('input:not([type=hidden])')]"
                                     ".filter(e => e.labels.length == 0).map(e => e.name)"), [])
        self.assertEqual(browser.run("return [...document.querySelectorAll('#card input:not([type=hidden])')]"
                                     ".map(e => e.autocomplete + ' ' + e.inputMode)"),
                         ["cc-number numeric", "cc-exp numeric", "cc-csc numeric"])
        self.assertEqual(browser.run("return document.scripts.length"), 0)
        self.check_console(browser)


if __name__ == "__main__":
    reason = webdriver.missing() or (None if BINARY else "KASSI_BINARY is not set")
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
