"""Two houses for the crash tests: `kassi sandbox`, of which only the simulators are used and which lives on, and
`kassi serve`, which speaks TLS, is killed, and started again on the same data and the same port. And the customer's
browser."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter
from datetime import datetime, timedelta, timezone

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "flow"))

from kassi import API_KEY, PATIENCE, Answer, Form, run  # noqa: E402

PASSWORD = "demopass"
CALLERS_HOST = "127.0.0.1:9"  # where the callers' own shops would be; nobody listens, and nobody needs to
LANDING = f"http://{CALLERS_HOST}/landing"
VERDICTS = ("purchased", "failed", "released", "cancelled")
LONG = bool(os.environ.get("KASSI_LONG"))  # an hour is not too much
LIMITED_PENCE = 5000  # what the caller "limited" may owe


def free_port():
    """Below the ports that the machine hands out by itself: nobody gets it while the house is dead."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


CONTEXT = None


def http_once(method, url, body=None, headers=None):
    """On a connection of its own, which is closed whatever happens."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.netloc, timeout=PATIENCE, context=CONTEXT)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, "")), body,
                           {"Connection": "close", **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def make_certificate(test):
    """An authority, and a certificate of it for loopback. This process trusts the authority from now on."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=test.folder, check=True, capture_output=True, timeout=PATIENCE)

    test.write("names", "subjectAltName=IP:127.0.0.1\n")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=An authority")
    openssl("req", *new, "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=Kassi")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial",
            "-extfile", "names", "-out", "tls.pem")
    (test.folder / "tls.key").chmod(0o600)
    global CONTEXT
    CONTEXT = ssl.create_default_context(cafile=test.folder / "authority.pem")


class Provider:
    """The providers' side of the street."""

    def __init__(self, test):
        self.test, self.data = test, test.folder / "provider"
        make_certificate(test)
        # Its notices go to our door, whose authority no system knows.
        self.process = test.start("sandbox", "--port", 0, "--data", self.data,
                                  environment={"SSL_CERT_FILE": str(test.folder / "authority.pem")})
        url = self.process.wait_for(r"^ready (http://127\.0\.0\.1:\d+)/$").group(1)
        self.places = {place["name"]: place for place in http_once("GET", url + "/sandbox").json()["simulators"]}
        self.url = self.places["redirect"]["url"]
        self.master_key = bytes.fromhex((self.data / "sandbox-key").read_text().strip())

    def secret(self, kind, merchant):
        """What the sandbox derives from its key for both sides of the street (src/sandbox/accounts.cpp)."""
        text = f"kassi sandbox 1 redirect {kind} {merchant}".encode()
        word = base64.urlsafe_b64encode(hmac.digest(self.master_key, text, "sha256")).decode()[:32]
        return {"api": "rk_", "notice": "rn_"}[kind] + word

    def faults(self, *rules, of="redirect"):
        answer = http_once("PUT", self.places[of]["faults"], json.dumps({"rules": rules}).encode(),
                           {"Content-Type": "application/json"})
        self.test.assertEqual(answer.status, 200, answer.body)

    def ledger(self):
        """By reference: all amounts taken, all given back."""
        found = {}
        for entry in http_once("GET", self.url + "/_ledger").json()["entries"]:
            taken, back = found.setdefault(entry["reference"], ([], []))
            (taken if entry["kind"] == "taken" else back).append(entry["amount"])
        return found

    def card_ledger(self, name):
        """Of "stripe" or "borgun", by the reference that it was given: how much was held, taken, ..."""
        found = {}
        for entry in http_once("GET", self.places[name]["ledger"]).json()["entries"]:
            found.setdefault(entry["reference"], Counter())[entry["kind"]] += entry["amount"]
        return found


MERCHANTS = {  # ours: the house's name for it, settings
    "acme": ("redirect-demo", ""),
    "acme-post": ("redirect-demo-post", 'callout_type = "post"'),
    "acme-quiet": ("redirect-quiet", "notifies = false"),
}
CARD = {"card": {"number": "5455330200000016", "expiry": "1230", "cvc": "737"}}  # its bank asks nothing


class Kassi:
    """The house under test. `patiently` is how everybody speaks to it: again, until it answers."""

    def __init__(self, test, provider):
        self.test, self.provider, self.port = test, provider, free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.heard = threading.Condition()
        self.answers = 0  # to what was not only looking
        self.kill_at = None  # that many
        self.told = {}    # transaction -> the words about its end that anybody heard
        test.write("key", "5a" * 32)
        status, password_hash, errors = run("hash-password", stdin=PASSWORD + "\n")
        test.assertEqual(status, 0, errors)
        self.file = test.write("kassi.toml", self.text(password_hash.strip()))
        self.incarnations = []

    def text(self, password_hash):
        merchants = ""
        for name, (theirs, settings) in MERCHANTS.items():
            self.test.write(f"{name}.api", self.provider.secret("api", theirs))
            secrets = f'api_key = {{ file = "{name}.api" }}\n'
            if "notifies = false" not in settings:
                self.test.write(f"{name}.notice", self.provider.secret("notice", theirs))
                secrets += f'notice_secret = {{ file = "{name}.notice" }}\n'
            merchants += (f'[[merchant]]\nname = "{name}"\nprovider = "redirect"\nsimulator = true\n'
                          f'base_url = "{self.provider.url}/redirect/v1"\n'
                          f"[merchant.settings]\n{settings}\n[merchant.secrets]\n{secrets}")
        merchants += self.card_merchants()
        callers = ""
        for name, ways, more in (("credit", ["house-credit"], ""),
                                 ("limited", ["house-credit"], f"credit_limits = {{ GBP = {LIMITED_PENCE} }}"),
                                 ("redirect", [*MERCHANTS, "house-credit"], ""),
                                 ("stripe", ["stripe-cards"], ""), ("borgun", ["borgun-cards"], "")):
            callers += (f'[[caller]]\nname = "{name}"\nsystem = "box-office"\ncountry = "uk"\n'
                        f'password_hash = "{password_hash}"\nreturn_hosts = ["{CALLERS_HOST}"]\n'
                        f'ways = {{ "*" = {json.dumps(ways)} }}\n{more}\n')
        return f"""mode = "sandbox"
public_url = "{self.url}"
data = "data"
master_key_file = "key"
[listen]
port = {self.port}
tls_certificate = "tls.pem"
tls_key = "tls.key"
[operators]
port = 0
# So that a callout which nobody answers, and a hold, can end within a test.
[times]
callout_min = 1
grace = 1
hold_margin = 1
[[system]]
name = "box-office"
key_digests = ["{hashlib.sha256(API_KEY.encode()).hexdigest()}"]
[[merchant]]
name = "house-credit"
provider = "on_credit"
{merchants}{callers}"""

    def card_merchants(self):
        stripe, borgun = self.provider.places["stripe"], self.provider.places["borgun"]
        self.test.write("stripe.key", stripe["secret_key"])
        self.test.write("stripe-webhook.key", stripe["webhook_secret"])
        self.test.write("borgun.key", borgun["private_key"])
        return f"""[[merchant]]
name = "stripe-cards"
provider = "stripe"
simulator = true
base_url = "{stripe["url"]}"
[merchant.settings]
publishable_key = "{stripe["publishable_key"]}"
script_url = "{stripe["script"]}"
[merchant.secrets]
secret_key = {{ file = "stripe.key" }}
webhook_secret = {{ file = "stripe-webhook.key" }}
[[merchant]]
name = "borgun-cards"
provider = "borgun"
simulator = true
base_url = "{borgun["url"]}"
[merchant.settings]
accepts = "card,token"
public_key = "{borgun["public_key"]}"
notifies = "false"
[merchant.secrets]
private_key = {{ file = "borgun.key" }}
"""

    # ---- life and death

    def start(self, environment=None):
        self.process = self.test.start("serve", "--config", self.file, environment=environment)
        self.incarnations.append(self.process)
        line = json.loads(self.process.wait_for(r'^.*"event":"serving".*$').group(0))
        self.operators = line["operators"]
        return self

    def kill(self):
        """kill -9, and what is on the disk is clean at once."""
        self.test.assertEqual(self.process.end(signal.SIGKILL), -signal.SIGKILL)
        return self.verify()

    def kill_after(self, answers, seconds):
        """In the midst of everything: whoever hears the last of so many answers pulls the trigger."""
        with self.heard:
            self.kill_at = self.answers + answers
            self.heard.wait_for(lambda: self.kill_at is None, seconds)
            self.kill_at = None
        return self.kill()

    def stop(self):
        self.test.assertEqual(self.process.end(), 0)

    def wait_for_call(self, step, transaction):
        self.process.wait_for(rf'"event":"call","transaction":"{transaction}".*"step":"{step}"')

    def command(self, *words):
        status, output, errors = run(words[0], "--config", self.file, *words[1:])
        self.test.assertEqual(status, 0, output + errors)
        return output

    def verify(self, *words):
        """Clean, or the test ends; the head, "" of an empty journal."""
        output = self.command("verify", *words)
        self.test.assertRegex(output, r"(?m)^\d+ rows, \d+ transactions, \d+ seals: clean$")
        head = re.search("(?m)^head (.+)$", output)
        return head.group(1) if head else ""

    def complaints(self):
        """Lines of level error: there are none, however often the house dies."""
        return [line for life in self.incarnations for line in life.lines if '"level":"error"' in line]

    # ---- asking

    def patiently(self, method, url, body=None, headers=None, moves=True):
        """Until there is an answer: the same request again when the house died over it."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                answer = http_once(method, url, body, headers)
                if answer.status != 503:
                    break
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > end:
                raise AssertionError(f"no answer for {PATIENCE} s: {method} {url}")
            self.no_answer()
        if answer.status >= 500:
            raise AssertionError(f"{method} {url}: {answer.status} {answer.body}")
        if moves:
            with self.heard:
                self.answers += 1
                if self.kill_at and self.answers >= self.kill_at:
                    self.kill_at = None
                    self.process.process.kill()
                    self.heard.notify_all()
        return answer

    def no_answer(self):
        """Before it is asked again."""
        time.sleep(0.05)

    def tell(self, transaction, word):
        if word in VERDICTS:
            self.told.setdefault(transaction, set()).add(word)

    def v1(self, method, path, body=None, key=None):
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        answer = self.patiently(method, self.url + "/v1" + path, data, headers, moves=method == "POST")
        if answer.status in (200, 201, 202):
            read = answer.json()
            if "phase" in read and "legs" in read:
                self.tell(read["id"], read["phase"])
        return answer

    def read(self, transaction):
        answer = self.v1("GET", f"/transactions/{transaction}")
        assert answer.status == 200, answer.body
        return answer.json()

    def references(self, transaction):
        """What providers were told as the name of a call, each with its leg: the recorded intentions."""
        rows = self.v1("GET", f"/transactions/{transaction}/journal").json()["data"]
        return {event["reference"]: event["leg"] for row in rows for event in row["events"]
                if event["event"] == "CallMeant"}

    def check_cards(self, name, ledger, transaction):
        """What the provider says became of the money is what we say, and each leg was paid once; the references."""
        references = self.references(transaction["id"])
        for leg in transaction["legs"]:
            if leg["flow"] != name:
                continue
            moved = sum((ledger.get(reference, Counter()) for reference, of in references.items() if of == leg["no"]),
                        Counter())
            words = f"{transaction['id']} {name} {leg} {moved}"
            assert (moved["taken"], moved["given_back"]) == (leg["taken"], leg["given_back"]), words
            assert moved["held"] == moved["taken"] + moved["hold_gone"], words
            assert moved["held"] in (0, leg["amount"]), words
        return set(references)

    def all(self, query=""):
        """Page after page, by cursor."""
        found, cursor = [], ""
        while True:
            answer = self.v1("GET", f"/transactions?limit=50{query}{cursor}")
            assert answer.status == 200, answer.body
            page = answer.json()
            found += page["data"]
            if not page["next_cursor"]:
                return found
            cursor = "&cursor=" + page["next_cursor"]

    def f13(self, caller, method, endpoint, fields):
        basic = base64.b64encode(f"{caller}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": "Basic " + basic}
        url, encoded = f"{self.url}/f13/{endpoint}/", urllib.parse.urlencode(fields)
        if method == "GET":
            answer = self.patiently("GET", f"{url}?{encoded}", None, headers, moves=False)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = self.patiently("POST", url, encoded.encode(), headers)
        read = answer.json()
        contents = read.get("trolley_contents")
        if contents:
            self.tell(contents["transaction_uuid"], read["transaction_status"])
        return answer.status, read


def hand_over_body(caller, amounts, hold=timedelta(minutes=30)):
    return {"caller": caller, "held_until": (datetime.now(timezone.utc) + hold).isoformat(timespec="milliseconds"),
            "customer": {"first_name": "Fred", "last_name": "Flintstone", "country_code": "us"},
            "bundles": [{"source": f"ext_test{n}", "description": "Seats", "currency": "GBP", "amount": amount,
                         "orders": [{"item": n + 1, "amount": amount, "cancellable": True}]}
                        for n, amount in enumerate(amounts)]}


class Browser:
    """Follows redirects, submits the forms that pages submit by themselves, presses one button at each page of the
    redirect house, and reloads what did not answer."""

    def __init__(self, kassi, transaction=None):
        self.kassi, self.transaction = kassi, transaction
        self.callouts = set()  # pages of Kassi that sent us on
        self.returns = []      # (method, url, body) of each return to Kassi

    def go(self, url, button, method="GET", body=None):
        """From a callout to the end of the way. `button` is asked at every page of the house; answers where we end:
        an address of the caller's (url, form fields), or None."""
        while True:
            parts = urllib.parse.urlsplit(url)
            if parts.netloc == CALLERS_HOST:
                return self.arrive(parts, body)
            ours = url.startswith(self.kassi.url)
            if ours and parts.path.startswith("/callout/"):
                self.callouts.add(url)
            if ours and parts.path.startswith("/callback/"):
                self.returns.append((method, url, body))
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else None
            ask = self.kassi.patiently if ours else http_once
            answer = ask(method, url, body, headers)
            method, body = "GET", None
            if answer.status in (302, 303):
                url = urllib.parse.urljoin(url, answer.headers["Location"])
                continue
            page = answer.body.decode()
            form = Form(page)
            if ours and not (parts.path.startswith("/callout/") and form.action):
                return self.read_result(page)
            if not ours and 'name="act"' in page:
                form.fields.append(("act", button()))
            elif form.action is None:
                link = re.search(r'<a class="button go" href="([^"]+)"', page)
                if not link:
                    return None
                url = link.group(1).replace("&amp;", "&")
                continue
            url = urllib.parse.urljoin(url, form.action)
            method, body = "POST", urllib.parse.urlencode(form.fields).encode()

    def arrive(self, parts, body):
        fields = urllib.parse.parse_qsl(parts.query) + urllib.parse.parse_qsl((body or b"").decode())
        if parts.path == "/landing":
            words = dict(fields)
            assert words["transaction"] == self.transaction, (parts, self.transaction)
            self.kassi.tell(self.transaction, words["status"])
        return parts.path, fields

    def read_result(self, page):
        title = re.search("<h1>([^<]*)</h1>", page).group(1)
        if title == "Paid":
            self.kassi.tell(self.transaction, "purchased")
        return None

    def reload(self):
        """The last return once more: the page of its result, whatever happened in between."""
        if not self.returns:
            return
        method, url, body = self.returns[-1]
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else None
        answer = self.kassi.patiently(method, url, body, headers)
        assert answer.status in (200, 303), (answer.status, Form(answer.body.decode()).action, url)
