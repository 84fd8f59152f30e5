"""A browser, driven over the WebDriver wire protocol (W3C) with nothing but Python's own library."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
START_SECONDS = 30
STARTS_MAX = 5
PAGE_SECONDS = 20


def missing():
    """Why no browser can be driven here, or None."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None


class Driver:
    """One chromedriver process; any number of browsers."""

    def __init__(self):
        said = []
        # It ends when the port that it chose is taken in the other family of addresses.
        for _ in range(STARTS_MAX):
            self.process = subprocess.Popen(
                ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for line in self.process.stdout:
                said.append(line.strip())
                started = re.search(r"started successfully on port (\d+)", line)
                if started:
                    self.address = f"http://127.0.0.1:{started.group(1)}"
                    return
            self.close()
        raise RuntimeError("chromedriver did not start: " + " / ".join(said))

    def ask(self, method, path, body=None):
        data = None if method in ("GET", "DELETE") else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.address + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS + PAGE_SECONDS) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            said = json.load(error)["value"]
            raise RuntimeError(f"{method} {path}: {said.get('error')}: {said.get('message', '')[:400]}") from None

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=START_SECONDS)
        self.process.stdout.close()


class Browser:
    """One window with a fresh profile."""

    def __init__(self, driver, width=1280, height=900, phone=False, scripts=True, dark=False, eager=False):
        self.driver = driver
        self.profile = tempfile.mkdtemp(prefix="kassi-browser-")
        options = {
            "binary": shutil.which("chromium"),
            "args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--hide-scrollbars", f"--user-data-dir={self.profile}", f"--window-size={width},{height}"],
        }
        if phone:
            options["mobileEmulation"] = {
                "deviceMetrics": {"width": width, "height": height, "pixelRatio": 2, "touch": True}}
        answer = driver.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
            "pageLoadStrategy": "eager" if eager else "normal",
            "timeouts": {"pageLoad": PAGE_SECONDS * 1000, "implicit": 0}}}})
        self.session = "/session/" + answer["sessionId"]
        if not scripts:
            self.devtools("Emulation.setScriptExecutionDisabled", {"value": True})
        if dark:
            self.devtools("Emulation.setEmulatedMedia",
                          {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})

    def close(self):
        self.ask("DELETE", "")
        shutil.rmtree(self.profile, ignore_errors=True)

    def ask(self, method, path, body=None):
        return self.driver.ask(method, self.session + path, body)

    def devtools(self, command, parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def url(self):
        return self.ask("GET", "/url")

    def find_all(self, css):
        found = self.ask("POST", "/elements", {"using": "css selector", "value": css})
        return [each[ELEMENT] for each in found]

    def find(self, css):
        """Waits for the element: the page that has it may still be on its way."""
        end = time.monotonic() + PAGE_SECONDS
        while True:
            found = self.find_all(css)
            if found:
                return found[0]
            if time.monotonic() > end:
                raise AssertionError(f"no {css} at {self.url()}")
            time.sleep(0.05)

    def wait_until_gone(self, element):
        end = time.monotonic() + PAGE_SECONDS
        while time.monotonic() < end:
            try:
                self.ask("GET", f"/element/{element}/name")
            except RuntimeError:
                return
            time.sleep(0.02)
        raise AssertionError(f"the page stays at {self.url()}")

    def click(self, css):
        self.ask("POST", f"/element/{self.find(css)}/click")

    def type(self, css, text):
        """By the keyboard, instead of what stands there."""
        element = self.find(css)
        self.ask("POST", f"/element/{element}/clear")
        self.ask("POST", f"/element/{element}/value", {"text": text})

    def enter(self, css):
        """Into a frame: what follows is about its page."""
        self.ask("POST", "/frame", {"id": {ELEMENT: self.find(css)}})

    def leave(self):
        self.ask("POST", "/frame", {"id": None})

    def wait_for_text(self, css, wanted):
        end = time.monotonic() + PAGE_SECONDS
        # By one script: between finding an element and reading it the page may go.
        look = f"const found = document.querySelector({json.dumps(css)}); return found && found.innerText"
        while (said := self.run(look)) != wanted:
            if time.monotonic() > end:
                raise AssertionError(f"{css} says {said!r} and not {wanted!r} at {self.url()}")
            time.sleep(0.02)

    def text(self, css):
        return self.ask("GET", f"/element/{self.find(css)}/text")

    def attribute(self, css, name):
        return self.ask("GET", f"/element/{self.find(css)}/attribute/{name}")

    def run(self, script):
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def console(self):
        """What pages complained about since the last question."""
        return self.ask("POST", "/se/log", {"type": "browser"})

    def screenshot(self, file):
        """The whole page."""
        size = self.devtools("Page.getLayoutMetrics", {})["cssContentSize"]
        shot = self.devtools("Page.captureScreenshot", {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}})
        with open(file, "wb") as out:
            out.write(base64.b64decode(shot["data"]))
