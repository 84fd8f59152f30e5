#!/usr/bin/env python3
"""The sandbox's Stripe in a real browser: the script that a shop's page loads, its card fields, and the bank's page.
The shop is a page of this test on an origin of its own.

Run by ctest. KASSI_SHOTS=DIR keeps screenshots of the pages for people to look at."""

import base64
import http.server
import json
import os
import sys
import threading
import unittest
import urllib.parse

import webdriver
from sandbox import BINARY, SKIPPED, Sandbox

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title></head><body>
<h1>Pay</h1><div id="card"></div><div id="other"></div>
<script src="{house}/stripe/v3/"></script>
<script nonce="shop">
window.changes = [];
window.stripe = Stripe("{key}");
window.card = stripe.elements().create("card");
card.on("change", (change) => changes.push(change));
card.on("ready", () => document.body.dataset.ready = "yes");
card.mount("#card");
</script></body></html>"""


class Shop:
    """One page, with the strict policy that a shop may have; any other address says what it was."""

    def __init__(self, house, key):
        class Door(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = PAGE.replace("{house}", house).replace("{key}", key) if self.path == "/" else "<h1>back</h1>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy",
                                 f"default-src 'none'; script-src {house} 'nonce-shop'; frame-src {house}; img-src 'self'")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Stripe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.house = next(each for each in cls.sandbox.map["simulators"] if each["name"] == "stripe")
        cls.shop = Shop(cls.house["url"], cls.house["publishable_key"])
        cls.driver = webdriver.Driver()

    @classmethod
    def tearDownClass(cls):
        cls.driver.close()
        cls.shop.close()
        status = cls.sandbox.close()
        assert status == 0, f"the sandbox ended with {status}"

    def browser(self, **options):
        browser = webdriver.Browser(self.driver, **options)
        self.addCleanup(browser.close)
        return browser

    def open_shop(self):
        browser = self.browser()
        browser.open(self.shop.url)
        self.wait_until_ready(browser)
        return browser

    def wait_until_ready(self, browser):
        try:
            browser.find("body[data-ready=yes]")
        except AssertionError as never:
            raise AssertionError(f"{never}: {browser.console()}") from None

    def inside(self, browser):
        browser.ask("POST", "/frame", {"id": {webdriver.ELEMENT: browser.find("#card iframe")}})

    def outside(self, browser):
        browser.ask("POST", "/frame", {"id": None})

    def type(self, browser, css, text):
        browser.ask("POST", f"/element/{browser.find(css)}/value", {"text": text})

    def press_test_card(self, browser, number):
        self.inside(browser)
        browser.click(f"button[data-number='{number}']")
        self.outside(browser)

    def press(self, browser, css):
        """Until the page that comes of it is there."""
        pressed = browser.find(css)
        browser.click(css)
        browser.wait_until_gone(pressed)

    def shot(self, browser, name):
        folder = os.environ.get("KASSI_SHOTS")
        if folder:
            browser.screenshot(os.path.join(folder, name + ".png"))

    def check_console(self, browser):
        # The icon that no page here has is the browser's own idea.
        self.assertEqual([entry["message"] for entry in browser.console() if "favicon" not in entry["message"] and
                          (entry["level"] == "SEVERE" or "Content Security Policy" in entry["message"])], [])

    def api(self, path, **fields):
        status, _, text = self.sandbox.ask("POST", self.house["url"] + "/v1/" + path, urllib.parse.urlencode(fields), {
            "Authorization": "Basic " + base64.b64encode((self.house["secret_key"] + ":").encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded"})
        return status, json.loads(text)

    def pay(self, **fields):
        return self.api("payment_intents", **{"amount": "11000", "currency": "gbp", "confirm": "true",
                                              "payment_method_types[]": "card", **fields})

    # ---- the script
    def test_a_token_is_made_and_pays(self):
        browser = self.open_shop()
        self.press_test_card(browser, "4242424242424242")
        made = browser.run("return stripe.createToken(card, {name: 'Fred Flintstone'})")
        self.assertNotIn("error", made)
        token = made["token"]
        self.assertEqual((token["card"]["last4"], token["card"]["name"], token["card"]["address_zip"]),
                         ("4242", "Fred Flintstone", "W6 8BN"))
        status, paid = self.pay(**{"payment_method_data[type]": "card", "payment_method_data[card][token]": token["id"]})
        self.assertEqual((status, paid["status"]), (200, "succeeded"))
        again = browser.run("return stripe.createToken(card)")
        self.assertNotEqual(again["token"]["id"], token["id"], "one for each payment")
        self.shot(browser, "stripe-card")
        self.check_console(browser)

    def test_a_payment_method_is_made_and_pays(self):
        browser = self.open_shop()
        self.press_test_card(browser, "4000000000003220")
        made = browser.run("return stripe.createPaymentMethod({type: 'card', card, billing_details: {name: 'Fred'}})")
        self.assertEqual(made["paymentMethod"]["billing_details"]["name"], "Fred")
        status, asked = self.pay(payment_method=made["paymentMethod"]["id"], return_url=self.shop.url + "back")
        self.assertEqual((status, asked["status"]), (200, "requires_action"))
        self.check_console(browser)

    def test_a_number_that_is_typed(self):
        browser = self.open_shop()
        self.inside(browser)
        self.type(browser, "#number", "4000000000000002")
        self.type(browser, "#expiry", "1234")
        self.type(browser, "#cvc", "123")
        self.assertEqual(browser.run("return [number.value, expiry.value]"), ["4000 0000 0000 0002", "12 / 34"])
        self.outside(browser)
        changes = browser.run("return changes")
        self.assertEqual((changes[0]["complete"], changes[-1]["complete"], changes[-1]["brand"]), (False, True, "visa"))
        self.assertNotIn("0002", json.dumps(changes), "the page around learns no digits")
        token = browser.run("return stripe.createToken(card)")["token"]
        status, declined = self.pay(**{"payment_method_data[type]": "card",
                                       "payment_method_data[card][token]": token["id"]})
        self.assertEqual((status, declined["error"]["code"]), (402, "card_declined"))

    def test_what_is_wrong_is_said(self):
        browser = self.open_shop()
        self.assertEqual(browser.run("return stripe.createToken(card)")["error"]["code"], "incomplete_card")
        self.inside(browser)
        self.type(browser, "#number", "4242424242424241")
        self.outside(browser)
        self.assertEqual(browser.run("return changes.at(-1).error.code"), "invalid_number")
        self.inside(browser)
        browser.run("number.value = ''")
        self.type(browser, "#number", "4539578763621486")
        self.type(browser, "#expiry", "1234")
        self.type(browser, "#cvc", "123")
        self.outside(browser)
        refused = browser.run("return stripe.createToken(card)")["error"]
        self.assertEqual((refused["type"], refused["decline_code"]), ("card_error", "test_mode_live_card"))

    def test_the_page_around_cannot_reach_in(self):
        browser = self.open_shop()
        self.press_test_card(browser, "4242424242424242")
        self.assertEqual(browser.run("return document.querySelector('iframe').contentDocument"), None)
        # What did not come from the frame counts for nothing.
        browser.run("window.postMessage({kind: 'created', number: 1, result: {token: {id: 'tok_forged'}}}, '*')")
        made = browser.run("return stripe.createToken(card)")
        self.assertTrue(made["token"]["id"].startswith("tok_"))
        self.assertNotEqual(made["token"]["id"], "tok_forged")

    def test_the_element_goes_and_comes_again(self):
        browser = self.open_shop()
        self.press_test_card(browser, "4242424242424242")
        browser.run("card.clear()")
        self.assertEqual(browser.run("return stripe.createToken(card)")["error"]["code"], "incomplete_card")
        browser.run("card.unmount()")
        self.assertIn("not mounted", browser.run("return stripe.createToken(card)")["error"]["message"])
        browser.run("delete document.body.dataset.ready; card.mount(document.getElementById('card'))")
        self.wait_until_ready(browser)
        self.press_test_card(browser, "4242424242424242")
        made = browser.run("return stripe.createToken(card)")
        self.assertIn("token", made, browser.console())
        self.assertIn("publishable", browser.run("try { Stripe('sk_test_x') } catch (failed) { return failed.message }"))

    # ---- the bank
    def ask_the_bank(self):
        status, intent = self.pay(payment_method="pm_card_threeDSecure2Required", return_url=self.shop.url + "back?b=1")
        self.assertEqual((status, intent["status"]), (200, "requires_action"))
        return intent

    def state_of(self, intent):
        headers = {"Authorization": "Bearer " + self.house["secret_key"]}
        return self.sandbox.json("GET", self.house["url"] + "/v1/payment_intents/" + intent["id"], headers=headers)[1]

    def test_the_bank_is_answered(self):
        for scripts in (True, False):
            for act, outcome, state in (("complete", "succeeded", "succeeded"), ("fail", "failed", "requires_payment_method")):
                intent = self.ask_the_bank()
                browser = self.browser(scripts=scripts)
                browser.open(intent["next_action"]["redirect_to_url"]["url"])
                self.shot(browser, "stripe-bank")
                self.press(browser, f"button[value={act}]")
                end = urllib.parse.urlsplit(browser.url())
                self.assertEqual(end.path, "/back")
                query = dict(urllib.parse.parse_qsl(end.query))
                self.assertEqual(query, {"b": "1", "payment_intent": intent["id"],
                                         "payment_intent_client_secret": intent["client_secret"],
                                         "redirect_status": outcome})
                self.assertEqual(self.state_of(intent)["status"], state)
                self.check_console(browser)

    def test_the_bank_and_a_shop_that_is_never_seen_again(self):
        intent = self.ask_the_bank()
        browser = self.browser(phone=True, width=390, height=800)
        browser.open(intent["next_action"]["redirect_to_url"]["url"])
        self.shot(browser, "stripe-bank-phone")
        self.press(browser, "button[value=complete_stay]")
        self.assertIn("Done", browser.text("h1"))
        self.assertEqual(self.state_of(intent)["status"], "succeeded")
        browser.open(intent["next_action"]["redirect_to_url"]["url"])
        self.assertIn("over", browser.text("h1"))
        self.press(browser, "a.button")
        self.assertIn("redirect_status=succeeded", browser.url())


if __name__ == "__main__":
    if not BINARY:
        print("KASSI_BINARY names the program")
        sys.exit(2)
    if webdriver.missing():
        print("skipped: " + webdriver.missing())
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
