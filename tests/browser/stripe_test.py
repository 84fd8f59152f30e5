#!/usr/bin/env python3
"""Paying through Stripe in a real browser: the page that makes the missing token, and the bank's page.

The card is typed into the simulator's own frame, as it is with Stripe: what leaves that frame is a token."""

import http.server
import sys
import threading
import time
import unittest
import urllib.parse
from datetime import datetime, timedelta, timezone

import webdriver
from sandbox import BINARY, SKIPPED
from shopping import Shopping

PAYS, ASKS_THE_BANK, DECLINED = "4242424242424242", "4000000000003220", "4000000000000002"


class Shop(http.server.ThreadingHTTPServer):
    """A caller's own pages: keeps what browsers bring back."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Page)
        self.came = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Page(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.came.append(("POST", self.path, urllib.parse.parse_qsl(body, keep_blank_values=True)))
        self.answer()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path.startswith("/back/"):
            self.server.came.append(("GET", path, urllib.parse.parse_qsl(query, keep_blank_values=True)))
        self.answer()

    def answer(self):
        page = b"<!DOCTYPE html><title>Shop</title><h1>Welcome back</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


class Stripe(Shopping):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.orders = 0

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for number in (PAYS, ASKS_THE_BANK, DECLINED):
            assert number not in cls.sandbox.log, "a card number is in the log"

    def v1(self, path, body=None):
        Stripe.orders += 1
        headers = {"Authorization": "Bearer " + self.sandbox.map["v1"]["key"], "Content-Type": "application/json",
                   "Idempotency-Key": f"order-{self.orders}"}
        status, answer = self.sandbox.json("GET" if body is None else "POST", "/v1/" + path, body, headers)
        self.assertLess(status, 300, answer)
        return answer

    def purchase(self, returns, sources=("ext_test1",), credentials=None, currency="GBP", amount=11000):
        soon = (datetime.now(timezone.utc) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        bundles = [{"source": source, "description": "Two seats", "currency": currency, "amount": amount}
                   for source in sources]
        handed_over = self.v1("transactions", {"caller": "demo-stripe", "held_until": soon, "bundles": bundles})
        body = {"return": returns}
        if credentials:
            body["credentials"] = credentials
        return self.v1(f"transactions/{handed_over['id']}/purchase", body)

    def give_card(self, browser, number):
        """Into the provider's frame."""
        browser.find("#pay:enabled")
        browser.enter("#card iframe")
        browser.click(f"button[data-number='{number}']")
        browser.leave()
        page = browser.find("main")
        browser.click("#pay")
        return page

    def check(self, browser, transaction, phase, heading):
        browser.wait_for_text("h1", heading)
        self.assertEqual(self.v1("transactions/" + transaction)["phase"], phase)
        complaints = [entry["message"] for entry in browser.console()
                      if entry["level"] == "SEVERE" or "Content Security Policy" in entry["message"]]
        # The API's 402 to a declined card is told to whoever asks; the page says it to the customer.
        self.assertEqual([text for text in complaints if "402" not in text], [])

    def until(self, what, condition):
        end = time.monotonic() + webdriver.PAGE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, f"never: {what}")
            time.sleep(0.02)

    def money(self, transaction):
        """The provider's ledger of it, as kind: amount."""
        ledger = self.sandbox.json("GET", self.sandbox.simulator + "/stripe/_ledger")[1]["entries"]
        return [(entry["kind"], entry["amount"]) for entry in ledger
                if entry["reference"].startswith(transaction)]

    def test_the_page_makes_the_token(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        self.shot(browser, "stripe-page")
        self.give_card(browser, PAYS)
        self.check(browser, purchase["id"], "purchased", "Paid")
        self.assertEqual(self.money(purchase["id"]), [("held", 11000), ("taken", 11000)])

    def test_on_a_phone_and_in_the_dark(self):
        browser = self.browser(width=360, height=640, phone=True, dark=True)
        purchase = self.purchase({"via": "kassi"}, currency="ISK", amount=2500)
        browser.open(purchase["callout"]["page_url"])
        browser.find("#pay:enabled")
        self.shot(browser, "stripe-phone")
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), 360)
        self.give_card(browser, PAYS)
        self.check(browser, purchase["id"], "purchased", "Paid")
        self.assertEqual(self.money(purchase["id"]), [("held", 250000), ("taken", 250000)])

    def test_the_bank_asks_and_is_content(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        self.give_card(browser, ASKS_THE_BANK)
        browser.find("button[value='complete']")
        self.shot(browser, "stripe-bank")
        browser.click("button[value='complete']")
        self.check(browser, purchase["id"], "purchased", "Paid")

    def test_the_bank_asks_and_refuses(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        self.give_card(browser, ASKS_THE_BANK)
        browser.click("button[value='fail']")
        self.check(browser, purchase["id"], "failed", "Not paid")
        refused = self.v1("transactions/" + purchase["id"])["legs"][0]["refused"]
        self.assertTrue(refused["failed_3d_secure"])
        self.assertEqual(self.money(purchase["id"]), [])

    def test_the_customer_stays_away_and_the_event_finishes_it(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        self.give_card(browser, ASKS_THE_BANK)
        browser.click("button[value='complete_stay']")
        self.until("purchased", lambda: self.v1("transactions/" + purchase["id"])["phase"] == "purchased")

    def test_a_card_that_is_declined(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        self.give_card(browser, DECLINED)
        self.check(browser, purchase["id"], "failed", "Not paid")
        self.assertEqual(self.money(purchase["id"]), [])

    def test_the_customer_does_not_pay(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        browser.click("button[name='cancelled']")
        self.check(browser, purchase["id"], "failed", "Not paid")

    def test_without_scripts_the_customer_can_still_give_up(self):
        browser = self.browser(scripts=False)
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        self.assertIn("needs JavaScript", browser.text("noscript"))
        self.assertEqual(browser.find_all("#pay:enabled"), [])
        browser.click("button[name='cancelled']")
        self.check(browser, purchase["id"], "failed", "Not paid")

    def test_a_card_that_is_not_whole_is_told_on_the_page(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"})
        browser.open(purchase["callout"]["page_url"])
        browser.find("#card iframe")
        browser.find("#pay:enabled")
        browser.click("#pay")
        self.until("a complaint", lambda: browser.text("#problem"))
        self.give_card(browser, PAYS)
        self.check(browser, purchase["id"], "purchased", "Paid")

    def test_two_payments_one_after_the_other(self):
        browser = self.browser()
        purchase = self.purchase({"via": "kassi"}, ("ext_test0", "ext_test1"))
        browser.open(purchase["callout"]["page_url"])
        first = self.give_card(browser, ASKS_THE_BANK)
        browser.wait_until_gone(first)
        browser.click("button[value='complete']")
        self.give_card(browser, PAYS)
        self.check(browser, purchase["id"], "purchased", "Paid")
        self.assertEqual(sorted(self.money(purchase["id"])), [("held", 11000)] * 2 + [("taken", 11000)] * 2)

    def test_the_token_goes_to_the_callers_own_page(self):
        shop = Shop()
        self.addCleanup(shop.close)
        browser = self.browser()
        purchase = self.purchase({"via": "caller", "token": "T-77", "url": shop.url + "/back/T-77/order"})
        browser.open(purchase["callout"]["page_url"])
        self.give_card(browser, ASKS_THE_BANK)
        browser.wait_for_text("h1", "Welcome back")
        method, path, fields = shop.came[-1]
        self.assertEqual((method, path), ("POST", "/back/T-77/order"), "a token stays out of addresses")
        token = dict(fields)["stripeToken"]
        self.assertTrue(token.startswith("tok_"))
        after = self.v1("callbacks/T-77", {"caller": "demo-stripe", "fields": fields, "next_token": "T-78"})
        callout = after["callout"]
        self.assertIn("3d_secure", callout["destination"])
        browser.open(callout["destination"] + "?" + urllib.parse.urlencode(dict(callout["parameters"])))
        browser.click("button[value='complete']")
        browser.wait_for_text("h1", "Welcome back")
        method, path, fields = shop.came[-1]
        self.assertEqual((method, path), ("GET", "/back/T-78/order"))
        after = self.v1("callbacks/T-78", {"caller": "demo-stripe", "fields": fields})
        self.assertEqual(after["phase"], "purchased")


if __name__ == "__main__":
    why = webdriver.missing()
    if not BINARY or why:
        print("skipped: " + (why or "KASSI_BINARY is not set"))
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
