"""What Kassi sends to Stripe, held against stripe-mock, which checks requests by Stripe's own OpenAPI description.

`kassi serve` pays through a line that remembers each request and hands it on to the sandbox's Stripe; then each is
played to stripe-mock. It knows no state, so only what a request may look like is judged, and that by a part that
nobody here wrote. Where it does not support what Stripe does, REFUSED says so, and it must stay so.

stripe-mock comes by Go in the version below, into a folder that is kept (KASSI_GO_CACHE). Where it cannot be had, exits
with 77 and says why.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from datetime import datetime, timedelta, timezone
from http import server

OUTSIDE = dict(os.environ)  # what the installer of Go may need to reach the outside; the rest of this is on loopback

from sandbox import http, running  # noqa: E402

VERSION = "v0.203.0"
PATIENCE = 60
API_KEY = "key-of-the-box-office"
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402

# step: part of the reason. A card token stands in no public description of payment_method_data, and is what
# production code sends.
REFUSED = {"create with a token": "payment_method_data"}


def stripe_mock():
    """The program; built once."""
    if shutil.which("go") is None:
        clients.skip("go is not installed, and stripe-mock comes by it")
    cache = pathlib.Path(os.environ.get("KASSI_GO_CACHE") or HERE.parents[2] / "build" / "stripe-mock").resolve()
    program = cache / VERSION / "stripe-mock"
    if not program.exists():
        environment = {**OUTSIDE, "GOBIN": str(program.parent)}
        clients.run(["go", "install", f"github.com/stripe/stripe-mock@{VERSION}"], env=environment)
    return program


class Line(server.ThreadingHTTPServer):
    """Between Kassi and Stripe: remembers what passes."""

    def __init__(self, beyond):
        super().__init__(("127.0.0.1", 0), Passing)
        self.beyond, self.heard = beyond, []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Passing(server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        headers = {name: self.headers[name] for name in ("Authorization", "Stripe-Version", "Idempotency-Key", "Content-Type",
                                                         "Accept") if self.headers[name]}
        self.server.heard.append((self.command, self.path, body, headers))
        status, _, answer = http(self.command, self.server.beyond + self.path, body, headers)
        answer = answer.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = pass_on

    def log_message(self, *_):
        pass


def step_of(method, path, body):
    """What the request is, in the words of REFUSED."""
    path = path.partition("?")[0]
    for pattern, name in ((r"/v1/payment_intents/[^/]+/capture", "capture"), (r"/v1/payment_intents/[^/]+/cancel", "cancel"),
                          (r"/v1/payment_intents/[^/]+", "look up"), (r"/v1/refunds", "refund")):
        if re.fullmatch(pattern, path):
            return name
    if path == "/v1/payment_intents" and method == "GET":
        return "list"
    assert (method, path) == ("POST", "/v1/payment_intents"), (method, path)
    form = dict(urllib.parse.parse_qsl(body.decode()))
    paid_with = "a token" if "payment_method_data[card][token]" in form else "a payment method"
    return "create with " + paid_with + ("" if "return_url" in form else ", without a way back")


CONFIGURATION = """mode = "sandbox"
public_url = "http://127.0.0.1:1"
data = "data"
master_key_file = "master.key"
[listen]
port = 0
[operators]
port = 0
[[system]]
name = "box-office"
key_digests = ["{digest}"]
[[merchant]]
name = "stripe"
provider = "stripe"
simulator = true
base_url = "{line}"
[merchant.settings]
publishable_key = "{publishable}"
script_url = "{line}/stripe/v3"
[merchant.secrets]
secret_key = {{ file = "stripe.key" }}
[[caller]]
name = "demo"
system = "box-office"
return_hosts = ["127.0.0.1:9"]
ways = {{ "*" = ["stripe"] }}
"""


class Kassi:
    def __init__(self, folder, line, sandbox):
        for name, text in (("master.key", "00" * 32), ("stripe.key", sandbox.secret_key),
                           ("kassi.toml", CONFIGURATION.format(digest=hashlib.sha256(API_KEY.encode()).hexdigest(), line=line,
                                                               publishable=sandbox.publishable_key))):
            file = folder / name
            file.write_text(text)
            file.chmod(0o600)
        self.process = subprocess.Popen([os.environ["KASSI_BINARY"], "serve", "--config", str(folder / "kassi.toml")],
                                        stderr=subprocess.PIPE, text=True)
        for text in self.process.stderr:
            if '"event":"serving"' in text:
                self.url = json.loads(text)["doors"]
                break
        else:
            raise AssertionError("kassi did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def v1(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json",
                   "Idempotency-Key": str(uuid.uuid4())}
        status, _, answer = http(method, self.url + "/v1" + path, None if body is None else json.dumps(body).encode(), headers)
        assert status < 300, (path, status, answer)
        return json.loads(answer)

    def purchase(self, token, returns=None):
        soon = (datetime.now(timezone.utc) + timedelta(minutes=30)).isoformat()
        transaction = self.v1("POST", "/transactions", {"caller": "demo", "held_until": soon, "bundles": [
            {"source": "a", "description": "Two seats", "currency": "GBP", "amount": 11000}]})
        body = {"credentials": {"a": {"stripe_token": token}}}
        if returns:
            body["return"] = {"via": "kassi"}
        return self.v1("POST", f"/transactions/{transaction['id']}/purchase", body)


def play(kassi, line):
    """Every kind of request that Kassi sends."""
    bought = kassi.purchase("tok_visa")
    assert bought["phase"] == "purchased", bought
    assert kassi.purchase("pm_card_visa", returns=True)["phase"] == "purchased"
    kassi.v1("POST", f"/transactions/{bought['id']}/refunds",
             {"leg": 1, "amount": 1000, "by": "Anna", "because": "half a seat"})
    away = kassi.purchase("tok_threeDSecure2Required", returns=True)
    assert away["callout"], away
    # The customer comes back from the bank without its yes: looked up, and the intent is closed at Stripe.
    back = next(dict(urllib.parse.parse_qsl(body.decode()))["return_url"] for _, path, body, _ in reversed(line.heard)
                if path == "/v1/payment_intents" and body and b"return_url" in body)
    http("GET", kassi.url + urllib.parse.urlsplit(back).path)
    end = time.monotonic() + PATIENCE
    while not any(path.endswith("/cancel") for _, path, _, _ in line.heard):
        assert time.monotonic() < end, "the intent was not closed"
        time.sleep(0.02)


def main():
    if not os.environ.get("KASSI_BINARY"):
        print("KASSI_BINARY names the program")
        return 2
    program = stripe_mock()
    failed = 0
    with running() as sandbox, tempfile.TemporaryDirectory(prefix="kassi-mock-") as folder:
        line = Line(sandbox.url)
        kassi = Kassi(pathlib.Path(folder), line.url, sandbox)
        mock = subprocess.Popen([str(program), "-http-port", "0", "-https-port", "0"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        try:
            port = None
            for text in mock.stdout:
                if found := re.search(r"Listening for HTTP at address: .*?:(\d+)", text):
                    port = found.group(1)
                    break
            assert port, "stripe-mock did not start"
            threading.Thread(target=mock.stdout.read, daemon=True).start()
            play(kassi, line)
            # What a payment whose answer was lost makes Kassi ask, by hand: nothing was lost here.
            seen = list(line.heard)
            by_step = {step_of(method, path, body): (method, path, body, headers) for method, path, body, headers in seen}
            by_step["list"] = ("GET", "/v1/payment_intents?created%5Bgte%5D=1700000000&limit=100", None,
                               {"Authorization": seen[0][3]["Authorization"]})
            wanted = {"create with a token, without a way back", "create with a payment method", "capture", "refund", "cancel",
                      "create with a token", "list", "look up"}
            assert wanted <= set(by_step), (wanted - set(by_step), set(by_step))
            for step, (method, path, body, headers) in sorted(by_step.items()):
                status, _, text = http(method, f"http://127.0.0.1:{port}{path}", body, headers)
                reason = next((part for name, part in REFUSED.items() if step.startswith(name)), None)
                good = status == 200 if reason is None else status == 400 and reason in text
                print(f"{'ok    ' if good else 'FAILED'} {step}: {status}" + ("" if status == 200 else " " + text[:300].replace("\n", " ")))
                failed += not good
        finally:
            mock.terminate()
            mock.wait(PATIENCE)
            kassi.process.terminate()
            kassi.process.wait(PATIENCE)
            line.shutdown()
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
