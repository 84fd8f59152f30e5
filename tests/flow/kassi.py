"""Starts the real binary and talks to it as its clients do. Standard library only."""

import base64
import hashlib
import html.parser
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

BINARY = os.environ.get("KASSI_BINARY", "")
PATIENCE = 60  # seconds; only what hangs takes so long
NEEDS_PERSON = 3  # exit status of a sweep
LOCK_HELD = 75  # exit status: another process holds <data>/lock
API_KEY = "key-of-the-box-office"


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


# No proxy of the machine between us and loopback.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def http(method, url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with OPENER.open(request, timeout=PATIENCE) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def run(*words, stdin="", environment=None):
    """A command to its end: exit status, standard output, standard error."""
    done = subprocess.run([BINARY, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout, done.stderr


class Process:
    """A running `kassi serve` or `kassi sandbox`. Its lines are kept, and can be waited for."""

    def __init__(self, *words, environment=None):
        self.lines = []
        self.condition = threading.Condition()
        self.process = subprocess.Popen([BINARY, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **(environment or {})})
        self.readers = [threading.Thread(target=self.read, args=(pipe,), daemon=True)
                        for pipe in (self.process.stdout, self.process.stderr)]
        for reader in self.readers:
            reader.start()

    def read(self, pipe):
        for line in pipe:
            with self.condition:
                self.lines.append(line.rstrip("\n"))
                self.condition.notify_all()
        with self.condition:
            self.condition.notify_all()

    def wait_for(self, pattern):
        """The first match of `pattern` in a line, now or later."""
        seen = 0
        end = time.monotonic() + PATIENCE
        with self.condition:
            while True:
                for line in self.lines[seen:]:
                    if match := re.search(pattern, line):
                        return match
                seen = len(self.lines)
                alive = any(reader.is_alive() for reader in self.readers)
                if not alive or time.monotonic() > end:
                    raise AssertionError(f"no line fits {pattern}:\n" + "\n".join(self.lines))
                self.condition.wait(1)

    def end(self, with_signal=signal.SIGTERM):
        """Sends the signal (None: one was sent already) and answers the exit status."""
        if with_signal is not None and self.process.poll() is None:
            self.process.send_signal(with_signal)
        status = self.process.wait(PATIENCE)
        for reader in self.readers:
            reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def kill(self):
        self.end(signal.SIGKILL)


class FlowTest(unittest.TestCase):
    """A folder and processes that go away with the test."""

    def setUp(self):
        self.assertTrue(BINARY, "KASSI_BINARY names the program")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kassi-flow-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *words, environment=None):
        process = Process(*words, environment=environment)
        self.addCleanup(lambda: process.process.poll() is None and process.kill())
        return process

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def until(self, what, condition):
        """Asks again until it holds; what it gave."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.02)
        self.fail(f"never: {what}")


class Sandbox:
    """`kassi sandbox` and its doors."""

    def __init__(self, test, data):
        self.test, self.data = test, data
        self.process = test.start("sandbox", "--port", 0, "--data", data)
        self.url = self.process.wait_for(r"^ready (http://127\.0\.0\.1:\d+)/$").group(1)

    def f13(self, user, method, endpoint, fields=()):
        encoded = urllib.parse.urlencode(fields)
        headers = {"Authorization": "Basic " + base64.b64encode(f"{user}:demopass".encode()).decode()}
        url = f"{self.url}/f13/{endpoint}/"
        if method == "GET":
            return http("GET", url + "?" + encoded, None, headers)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return http("POST", url, encoded.encode(), headers)

    def reserve(self, user):
        answer = self.f13(user, "POST", "reserve.v1", [
            ("perf_id", "7AB-4"), ("no_of_seats", "2"), ("ticket_type_code", "STALLS"), ("price_band_code", "A/pool")])
        self.test.assertEqual(answer.status, 200, answer.body)
        reserved = answer.json()
        self.test.assertEqual(reserved["transaction_status"], "reserved", reserved)
        return reserved["trolley_contents"]["transaction_uuid"]

    def purchase(self, user, transaction, token=None):
        fields = [("transaction_uuid", transaction), ("first_name", "Fred"), ("last_name", "Flintstone"),
                  ("address_line_one", "301 Cobblestone Way"), ("address_line_two", "Bedrock"), ("town", "Bedrock"),
                  ("county", "Stone"), ("post_code", "70777"), ("country_code", "us"),
                  ("email_address", "fred@example.com"), ("phone", "0110134345"), ("work_phone", "0110134345"),
                  ("home_phone", "0110134345")]
        if token:
            host = urllib.parse.urlsplit(self.url).netloc
            fields += [("return_token", token), ("return_url", f"{self.url}/somewhere/{token}"),
                       ("remote_site", host), ("client_http_user_agent", "flow"), ("client_http_accept", "*/*")]
        return self.f13(user, "POST", "purchase.v1", fields)

    def status(self, user, transaction):
        answer = self.f13(user, "GET", "status.v1", [("transaction_uuid", transaction)])
        self.test.assertEqual(answer.status, 200, answer.body)
        return answer.json()


class Form(html.parser.HTMLParser):
    """Action and hidden fields of the first form of a page."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = values.get("action", "")
        if tag == "input" and values.get("name"):
            self.fields.append((values["name"], values.get("value", "")))


def play_the_customer(callout, button):
    """Goes where the callout sends the browser, presses a button of the page, answers where it leads back to."""
    destination = callout["callout_destination_url"]
    parameters = [(name, callout["callout_parameters"][name]) for name in callout["callout_parameters_order"]]
    page = http("GET", destination + "?" + urllib.parse.urlencode(parameters))
    assert page.status == 200, page.body
    form = Form(page.body.decode())
    origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(destination))
    name = re.search(r'<button[^>]*name="([^"]+)"[^>]*value="' + button + '"', page.body.decode()).group(1)
    answer = http("POST", urllib.parse.urljoin(origin, form.action),
                  urllib.parse.urlencode([*form.fields, (name, button)]).encode(),
                  {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status in (302, 303), (answer.status, answer.body)
    return answer.headers["Location"]


def ledger_of(callout):
    origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(callout["callout_destination_url"]))
    return http("GET", origin + "/_ledger").json()


class Serve:
    """`kassi serve` with a configuration of its own: a system, a caller, on credit, and a redirect house."""

    def __init__(self, test, house=None):
        self.test, self.house = test, house
        test.write("master.key", "00" * 32)
        test.write("acme.key", "acme-api-key")
        test.write("acme-notice.key", "acme-notice-secret")
        self.file = test.write("kassi.toml", self.text())

    def text(self):
        house = f"""
[[merchant]]
name = "acme"
provider = "redirect"
base_url = "{self.house}"
[merchant.secrets]
api_key = {{ file = "acme.key" }}
notice_secret = {{ file = "acme-notice.key" }}
""" if self.house else ""
        ways = '["acme", "house-credit"]' if self.house else '["house-credit"]'
        return f"""mode = "sandbox"
public_url = "http://127.0.0.1:1"
data = "data"
master_key_file = "master.key"
[listen]
port = 0
[operators]
port = 0
[[system]]
name = "box-office"
key_digests = ["{hashlib.sha256(API_KEY.encode()).hexdigest()}"]
[[merchant]]
name = "house-credit"
provider = "on_credit"
{house}
[[caller]]
name = "demo"
system = "box-office"
return_hosts = ["127.0.0.1:9"]
ways = {{ "*" = {ways} }}
"""

    def start(self):
        self.process = self.test.start("serve", "--config", self.file)
        line = json.loads(self.process.wait_for(r'^.*"event":"serving".*$').group(0))
        self.url, self.operators = line["doors"], line["operators"]
        return self

    def v1(self, method, path, body=None, key=None):
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
        return http(method, self.url + "/v1" + path, data, headers)

    def hand_over(self, hold=timedelta(minutes=30)):
        answer = self.v1("POST", "/transactions", {
            "caller": "demo", "held_until": (datetime.now(timezone.utc) + hold).isoformat(),
            "bundles": [{"source": "ext_test1", "description": "Two seats", "currency": "GBP", "amount": 11000,
                         "orders": [{"item": 1, "amount": 11000, "cancellable": True}]}]})
        self.test.assertEqual(answer.status, 201, answer.body)
        return answer.json()

    def purchase(self, transaction, merchant, token=None):
        body = {"ways": {"ext_test1": merchant}}
        if token:
            body["return"] = {"via": "caller", "token": token, "url": f"http://127.0.0.1:9/back/{token}",
                              "remote_site": "127.0.0.1:9"}
        return self.v1("POST", f"/transactions/{transaction}/purchase", body)

    def read(self, transaction):
        answer = self.v1("GET", f"/transactions/{transaction}")
        self.test.assertEqual(answer.status, 200, answer.body)
        return answer.json()
