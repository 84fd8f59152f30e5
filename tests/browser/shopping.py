"""What all tests have in common that click through the demo shop."""

import os
import unittest

import webdriver
from sandbox import Sandbox


class Shopping(unittest.TestCase):
    """A sandbox, and a browser that is shared: no page keeps anything in a browser."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.driver = webdriver.Driver()
        cls.shared = webdriver.Browser(cls.driver)

    @classmethod
    def tearDownClass(cls):
        cls.shared.close()
        cls.driver.close()
        status = cls.sandbox.close()
        assert status == 0, f"the sandbox ended with {status}"

    def browser(self, **options):
        """The shared one, unless it must be of another kind."""
        if not options:
            self.shared.console()
            return self.shared
        browser = webdriver.Browser(self.driver, **options)
        self.addCleanup(browser.close)
        return browser

    def shop(self, browser, way, tickets="7AB-4=2"):
        """From the trolley to where the shop sends the customer."""
        browser.open(f"{self.sandbox.url}/shop/checkout?{tickets}&way={way}")
        browser.click(".summary button.primary")

    def shot(self, browser, name):
        folder = os.environ.get("KASSI_SHOTS")
        if folder:
            browser.screenshot(os.path.join(folder, name + ".png"))

    def check_console(self, browser, known=()):
        """No page complained, but for what has one of the words that are `known`."""
        complaints = [entry["message"] for entry in browser.console()
                      if entry["level"] == "SEVERE" or "Content Security Policy" in entry["message"]]
        self.assertEqual([text for text in complaints if not any(word in text for word in known)], [])

    def check_story(self, browser, phase, settled="yes"):
        browser.find("#status")
        self.assertIn("/shop/transactions/T", browser.url())
        self.assertEqual(browser.attribute("#status", "data-phase"), phase)
        self.assertEqual(browser.attribute("#status", "data-settled"), settled)

    def check_books(self, browser, *said):
        """A leg each: what Kassi and the house say of it, in the same words."""
        rows = browser.run("return [...document.querySelectorAll('.books tbody tr')].map(row =>"
                           " [...row.querySelectorAll('td')].map(cell => cell.innerText.trim()))")
        self.assertEqual(rows, [[each, each] for each in said])
        self.assertIn("agree", browser.text(".verdict-line"))

    def leave(self, browser, button):
        """Clicks, and waits until the page is left behind: the next may look the same."""
        page = browser.find("html")
        browser.click(button)
        browser.wait_until_gone(page)

    def walk_away(self, browser, button):
        """The customer does not come back; somebody looks at the newest transaction."""
        self.leave(browser, button)
        browser.open(self.sandbox.url + "/shop/transactions")
        browser.click(".transactions a")
