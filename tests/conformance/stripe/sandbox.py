"""A sandbox, what it says of its Stripe, and the customer who answers the bank. Standard library only."""

import contextlib
import html.parser
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

SKIPPED = 77
PATIENCE = 60  # seconds; only what hangs takes so long

# Nothing between us and loopback.
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
os.environ["NO_PROXY"] = "*"


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects)


def http(method, url, body=None, headers=None):
    """Status, headers, text."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with OPENER.open(request, timeout=PATIENCE) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


class Form(html.parser.HTMLParser):
    """Action and hidden fields of a page's form."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "form":
            self.action = values["action"]
        if tag == "input" and values.get("type") == "hidden":
            self.fields.append((values["name"], values["value"]))


def answer_the_bank(url, act):
    """Presses a button of the 3-D Secure page; where the browser is sent, as (address, query)."""
    status, _, page = http("GET", url)
    assert status == 200, (status, page)
    form = Form(page)
    body = urllib.parse.urlencode([*form.fields, ("act", act)]).encode()
    status, headers, said = http("POST", urllib.parse.urljoin(url, form.action), body,
                                 {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 303, (status, said)
    address, _, query = headers["Location"].partition("?")
    return address, dict(urllib.parse.parse_qsl(query))


class Stripe:
    """The sandbox's, as /sandbox describes it."""

    def __init__(self, sandbox):
        places = json.loads(http("GET", sandbox + "/sandbox")[2])["simulators"]
        place = next(each for each in places if each["name"] == "stripe")
        self.sandbox = sandbox
        self.url, self.secret_key = place["url"], place["secret_key"]
        self.publishable_key, self.webhook_secret = place["publishable_key"], place["webhook_secret"]

    def faults(self, *rules):
        status, _, said = http("PUT", self.url + "/stripe/_faults", json.dumps({"rules": rules}).encode())
        assert status == 200, said

    def ledger(self, intent):
        entries = json.loads(http("GET", self.url + "/stripe/_ledger")[2])["entries"]
        return [(each["kind"], each["amount"]) for each in entries if each["intent"] == intent]

    def deliveries(self):
        return json.loads(http("GET", self.url + "/stripe/_webhooks")[2])["deliveries"]

    def advance(self, seconds):
        status, _, said = http("PUT", self.sandbox + "/sandbox/clock",
                               json.dumps({"advance_seconds": seconds}).encode())
        assert status == 200, said


@contextlib.contextmanager
def running():
    """A sandbox on a free port with an empty data directory. Raises when it does not start or does not end well."""
    with tempfile.TemporaryDirectory(prefix="kassi-stripe-") as folder:
        log_path = pathlib.Path(folder, "log")
        with open(log_path, "w") as log:
            process = subprocess.Popen(
                [os.environ["KASSI_BINARY"], "sandbox", "--port", "0", "--data", folder + "/data"],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
            try:
                for line in process.stdout:
                    if line.startswith("ready "):
                        yield Stripe(line.split()[1].rstrip("/"))
                        break
                else:
                    raise SystemExit("the sandbox did not start:\n" + log_path.read_text()[-3000:])
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                status = process.wait(PATIENCE)
                process.stdout.close()
        if status != 0:
            raise SystemExit(f"the sandbox ended with {status}:\n" + log_path.read_text()[-3000:])
