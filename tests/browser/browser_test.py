#!/usr/bin/env python3
"""The demo shop in a real browser: the sandbox of KASSI_BINARY, headless Chromium, no mocks.

Run by ctest. KASSI_SHOTS=DIR keeps screenshots of the pages for people to look at."""

import json
import subprocess
import sys
import unittest

import webdriver
from sandbox import BINARY, SKIPPED, STOP_SECONDS
from shopping import Shopping


class Pages(Shopping):
    def money_of(self, browser):
        """What the house's ledger has on the transaction that the browser looks at."""
        reference = browser.url().rsplit("/", 1)[1]
        shown = subprocess.run([BINARY, "show", reference, "--json", "--data", self.sandbox.data],
                               capture_output=True, text=True, timeout=STOP_SECONDS, check=True)
        transaction = json.loads(shown.stdout)["transaction"]
        return [(entry["kind"], entry["amount"]) for entry in self.sandbox.ledger()
                if entry["reference"].startswith(transaction + "-")]

    # ---- paying
    def test_pays_by_post_and_returns_by_post(self):
        browser = self.browser()
        browser.open(self.sandbox.url + "/")
        self.shot(browser, "shop")
        browser.click(".card-end button.primary")
        browser.find(".summary")
        self.shot(browser, "checkout")
        # Two bundles: a chain of two callouts, each by a form that submits itself.
        browser.click("input[value=demo-redirect-post]")
        browser.click(".summary button.primary")
        for _ in range(2):
            browser.find("button[value=pay_post]")
            self.assertTrue(browser.url().startswith(self.sandbox.simulator))
            self.shot(browser, "house")
            self.leave(browser, "button[value=pay_post]")
        self.check_story(browser, "purchased")
        self.assertEqual(self.money_of(browser), [("taken", 5500), ("taken", 11000)])
        self.shot(browser, "story")
        self.check_console(browser)

    def test_pays_by_post_without_scripts(self):
        browser = self.browser(scripts=False)
        self.shop(browser, "demo-redirect-post")
        # Nothing submits itself now: the customer clicks.
        browser.click("form button")
        browser.click("button[value=pay_post]")
        browser.click("form#back button")
        self.check_story(browser, "purchased")
        self.assertEqual(self.money_of(browser), [("taken", 11000)])
        self.check_console(browser)

    def test_pays_by_get_and_by_both(self):
        browser = self.browser()
        self.shop(browser, "demo-redirect")
        browser.click("button[value=pay_get]")
        self.check_story(browser, "purchased")
        self.shop(browser, "demo-redirect")
        browser.click("button[value=pay_both]")
        self.check_story(browser, "purchased")
        self.check_console(browser)

    def test_pays_by_card_through_stripe(self):
        browser = self.browser()
        for number, asks in (("4242424242424242", False), ("4000000000003220", True)):
            self.shop(browser, "demo-stripe")
            browser.find("#pay:enabled")
            browser.enter("#card iframe")
            browser.click(f"button[data-number='{number}']")
            browser.leave()
            browser.click("#pay")
            if asks:
                browser.click("button[value=complete]")
            self.check_story(browser, "purchased")
            self.check_books(browser, "taken £110.00")
            self.shot(browser, "stripe-story")
            self.check_console(browser)

    def test_pays_on_credit_and_cancels(self):
        browser = self.browser()
        self.shop(browser, "demo")
        self.check_story(browser, "purchased")
        browser.click("form[action$='/cancel'] button")
        browser.find("#status[data-phase=cancelled]")
        self.check_story(browser, "cancelled")
        self.check_console(browser)

    def test_money_paid_by_redirect_is_given_back(self):
        browser = self.browser()
        self.shop(browser, "demo-redirect")
        browser.click("button[value=pay_get]")
        browser.find("#status")
        browser.click("form[action$='/cancel'] button")
        browser.find("#status[data-phase=cancelled]")
        self.assertEqual(self.money_of(browser), [("taken", 11000), ("given_back", 11000)])
        self.assertIn("agree", browser.text(".verdict-line"))

    def test_a_house_that_only_returns(self):
        browser = self.browser()
        self.shop(browser, "demo-silent")
        browser.click("button[value=pay_get]")
        self.check_story(browser, "purchased")
        self.check_console(browser)

    def test_the_box_office_confirms(self):
        browser = self.browser()
        self.shop(browser, "demo-owner")
        self.check_story(browser, "confirming", settled="no")
        browser.click("button[value=yes]")
        browser.find("#status[data-phase=purchased]")
        self.check_console(browser)

    # ---- browsing
    def choose(self, browser, *seats):
        for seat in seats:
            browser.click(f"input[value='{seat}']")

    def browse_to_the_trolley(self, browser):
        """From the list of events to two chosen seats in the trolley."""
        browser.open(self.sandbox.url + "/shop/events")
        self.shot(browser, "events")
        browser.run("document.querySelector('#keywords').value = 'toy'")
        browser.click(".search button.primary")
        browser.click(".cards a[href*='/7AA']")
        browser.find(".dates")
        self.shot(browser, "event")
        self.leave(browser, ".dates li:last-child a")
        browser.find(".seat-row")
        self.choose(browser, "CIRCLE/B/G7", "CIRCLE/B/G8")
        self.shot(browser, "seats")
        browser.click("#add")
        browser.find(".basket")

    def test_browses_picks_seats_and_pays(self):
        browser = self.browser()
        self.browse_to_the_trolley(browser)
        self.assertEqual(browser.text(".seat-ids"), "G7, G8")
        self.shot(browser, "trolley")
        browser.click("#checkout")
        browser.click("input[value=demo-redirect]")
        browser.click(".summary button.primary")
        browser.click("button[value=pay_get]")
        self.check_story(browser, "purchased")
        self.assertEqual(self.money_of(browser), [("taken", 7000)])
        self.check_console(browser)

    def test_browses_picks_seats_and_pays_without_scripts(self):
        browser = self.browser(scripts=False)
        browser.open(self.sandbox.url + "/shop/performances/7AA-4")
        self.choose(browser, "STALLS/A/A9", "STALLS/A/A10")
        browser.click("#add")
        self.assertEqual(browser.text(".seat-ids"), "A9, A10")
        browser.click("#checkout")
        browser.click("input[value=demo]")
        browser.click(".summary button.primary")
        self.check_story(browser, "purchased")

    def test_seats_that_cannot_be_had_are_said(self):
        browser = self.browser()
        browser.open(self.sandbox.url + "/shop/performances/7AA-4")
        self.choose(browser, "STALLS/B/D6", "STALLS/B/D7")
        browser.click("#add")
        self.assertEqual(browser.text(".seat-ids"), "D2, D3")
        self.assertIn("D6, D7", browser.text(".instead"))
        browser.open(self.sandbox.url + "/shop/performances/7AA-4")
        self.choose(browser, "CIRCLE/B/H9", "CIRCLE/B/H10")
        browser.click("#add")
        self.assertIn("Seat H10 causes failure.", browser.text(".notice"))
        self.assertEqual(browser.find_all("#checkout"), [])
        browser.click(".notice a")
        browser.find(".empty")
        browser.open(self.sandbox.url + "/shop/performances/7AA-4")
        browser.click("#add")
        self.assertIn("Choose a seat", browser.text(".notice"))

    def test_several_sources_and_currencies_in_one_trolley(self):
        browser = self.browser()
        self.browse_to_the_trolley(browser)
        for event, band in (("7AB", "n.STALLS.A.NORMAL"), ("DBZ", "n.DINNER.A.NORMAL"), ("AG8", "n.PASS.A.CHILD")):
            browser.click(".summary .center a")
            address = browser.url().replace("/shop/events?", f"/shop/events/{event}?")
            browser.open(address)
            self.leave(browser, ".dates a")
            browser.find("#add")
            browser.run(f"document.getElementsByName('{band}')[0].value = '2'")
            self.leave(browser, "#add")
            browser.find(".basket")
        self.assertEqual(len(browser.find_all(".basket")), 4)
        total = browser.text(".total strong")
        for part in ("£180.00", "€411.00", "¥9,600"):
            self.assertIn(part, total)
        self.shot(browser, "currencies")
        browser.click("#checkout")
        browser.click("input[value=demo]")
        browser.click(".summary button.primary")
        self.check_story(browser, "purchased")
        self.check_console(browser)

    def test_a_room_needs_a_day(self):
        browser = self.browser()
        browser.open(self.sandbox.url + "/shop/performances/I3T-1")
        first = browser.attribute("#day", "min")
        browser.run(f"document.querySelector('#day').value = '{first}'")
        browser.run("document.querySelector('#nights').value = '3'")
        browser.run("document.getElementsByName('n.DOUBLE.A.ROOM')[0].value = '1'")
        browser.click("#add")
        self.assertEqual(browser.text(".total strong"), "£297.00")

    # ---- not paying
    def test_refuses(self):
        browser = self.browser()
        self.shop(browser, "demo-redirect")
        browser.click("button[value=refuse]")
        self.check_story(browser, "failed")
        self.assertEqual(self.money_of(browser), [])
        self.shot(browser, "refused")
        self.check_console(browser)

    def test_refuses_and_pays_another_way(self):
        browser = self.browser()
        self.shop(browser, "demo-again")
        browser.click("button[value=refuse]")
        self.check_story(browser, "authorising", settled="no")
        browser.click("button[name=merchant][value=on_credit]")
        browser.find("#status[data-phase=purchased]")
        self.check_console(browser)

    def test_refuses_the_second_of_two_where_a_part_may_be_bought(self):
        browser = self.browser()
        self.shop(browser, "demo-partial", tickets="7AB-4=2&7AA-4=1")
        self.leave(browser, "button[value=pay_get]")
        browser.click("button[value=refuse]")
        self.check_story(browser, "purchased")
        self.assertIn("part", browser.text("#status"))
        self.assertEqual(self.money_of(browser), [("taken", 5500)])

    def test_walks_away_and_time_passes(self):
        browser = self.browser()
        self.shop(browser, "demo-redirect")
        self.walk_away(browser, "button[value=leave]")
        self.check_story(browser, "authorising", settled="no")
        self.shot(browser, "away")
        # The callout runs for 10 minutes; then the return address is visited, and the house is asked.
        browser.click("button[name=minutes][value='15']")
        browser.find("#status[data-settled=yes]")
        self.check_story(browser, "failed")
        self.assertEqual(self.money_of(browser), [])
        self.shot(browser, "walked-away")
        self.check_console(browser)

    def test_pays_walks_away_and_is_found_by_asking(self):
        browser = self.browser()
        self.shop(browser, "demo-quiet")
        self.walk_away(browser, "button[value=pay_stay]")
        self.check_story(browser, "authorising", settled="no")
        browser.click("button[name=minutes][value='15']")
        browser.find("#status[data-settled=yes]")
        self.check_story(browser, "purchased")
        self.assertEqual(self.money_of(browser), [("taken", 11000)])

    # ---- pages
    def test_the_result_repeats_on_reload(self):
        browser = self.browser()
        self.shop(browser, "demo-redirect")
        browser.click("button[value=pay_get]")
        self.check_story(browser, "purchased")
        rows = len(browser.find_all(".line > li"))
        for _ in range(2):
            browser.ask("POST", "/refresh")
            self.check_story(browser, "purchased")
        # Back to the house and here again: nothing is paid twice.
        browser.open(browser.url())
        self.assertEqual(len(browser.find_all(".line > li")), rows)
        self.assertEqual(self.money_of(browser), [("taken", 11000)])

    def test_the_same_form_twice_is_one_order(self):
        browser = self.browser()
        self.shop(browser, "demo")
        browser.find("#status")
        first = browser.url()
        browser.ask("POST", "/back")
        browser.click(".summary button.primary")
        browser.find("#status")
        self.assertEqual(browser.url(), first)

    def test_no_page_scrolls_sideways_on_a_phone(self):
        browser = self.browser(width=390, height=844, phone=True)
        self.shop(browser, "demo", tickets="7AB-4=2&6IF-B0G=3&6KF-F=1")
        browser.find("#status")
        story = browser.url()
        self.shop(browser, "demo-redirect")
        browser.find("button[value=leave]")
        url = self.sandbox.url
        browser.open(url + "/shop/trolley?perf=7AB-4&n.STALLS.A.NORMAL=6")
        browser.find("#checkout")
        trolley = browser.url()
        for name, address in {"story": story, "shop": url + "/", "around": url + "/shop/around",
                              "transactions": url + "/shop/transactions", "unknown": url + "/nothing/here",
                              "checkout": url + "/shop/checkout?7AB-4=2&7AA-4=6&way=demo-quiet",
                              "events": url + "/shop/events", "event": url + "/shop/events/DP9",
                              "seats": url + "/shop/performances/7AB-4", "room": url + "/shop/performances/I3R-1",
                              "trolley": trolley,
                              "empty": url + "/shop/checkout"}.items():
            browser.open(address)
            width = browser.run("return Math.max(document.documentElement.scrollWidth, innerWidth)")
            self.assertEqual(width, 390, address)
            self.shot(browser, "phone-" + name)
        self.assertEqual([entry["message"] for entry in browser.console()
                          if "Content Security Policy" in entry["message"]], [])

    def test_every_field_has_a_name_and_every_page_a_heading(self):
        browser = self.browser()
        url = self.sandbox.url
        for address in (url + "/", url + "/shop/checkout?7AB-4=2", url + "/shop/around", url + "/shop/transactions",
                        url + "/shop/events", url + "/shop/events/6IF", url + "/shop/performances/7AA-4",
                        url + "/shop/performances/I3T-1", url + "/shop/trolley",
                        url + "/shop/trolley?perf=6IF-B0G&n.CIRCLE.A.ADULT=2"):
            browser.open(address)
            self.assertEqual(browser.run("return document.querySelectorAll('h1').length"), 1, address)
            self.assertEqual(browser.run(
                "return [...document.querySelectorAll('input:not([type=hidden]), select')]"
                ".filter(e => e.labels.length == 0).map(e => e.name)"), [], address)
            self.assertEqual(browser.run("return document.scripts.length"), 0, address)
        self.check_console(browser)


if __name__ == "__main__":
    reason = webdriver.missing() or (None if BINARY else "KASSI_BINARY is not set")
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
