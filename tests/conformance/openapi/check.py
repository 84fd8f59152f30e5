#!/usr/bin/env python3
"""Holds schema/openapi.yaml against a running sandbox: every operation is called, with good and with bad
requests, and every answer is compared with what the description says about it (status, headers, content type,
body). Fails for an answered status that is not described, and for an operation that was never called.

Needs python3-yaml and python3-jsonschema. KASSI_BINARY names the program (default build/release/kassi)."""

import copy
import datetime
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing} (python3-yaml and python3-jsonschema are needed)")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[3]
DESCRIPTION = ROOT / "schema" / "openapi.yaml"


# ---- the description ----------------------------------------------------------------------------------------

def inlined(node, document):
    """The description without references. It has no cycles."""
    if isinstance(node, list):
        return [inlined(each, document) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: inlined(value, document) for key, value in node.items()}
    target = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    target = inlined(target, document)
    rest = {key: inlined(value, document) for key, value in node.items() if key != "$ref"}
    return {**rest, "allOf": [target]} if rest else target


class Description:
    def __init__(self, text):
        document = yaml.safe_load(text)
        self.version = document["openapi"]
        self.security = document["security"]
        self.problem = inlined(document["components"]["responses"]["MethodNotAllowed"], document)
        self.operations = {}
        for path, item in inlined(document["paths"], document).items():
            shared = item.get("parameters", [])
            for method in ("get", "post", "put", "delete", "patch"):
                if method in item:
                    operation = copy.deepcopy(item[method])
                    operation["parameters"] = shared + operation.get("parameters", [])
                    self.operations[(method.upper(), path)] = operation

    def paths(self):
        return sorted({path for _, path in self.operations})


def faults(schema, value):
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{'/'.join(map(str, each.absolute_path)) or '(all)'}: {each.message[:200]}"
            for each in validator.iter_errors(value)]


# ---- calls ----------------------------------------------------------------------------------------------------

class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


def send(url, method, target, body=None, headers=None):
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    try:
        try:
            connection.request(method, target, body=body, headers=headers or {})
        except (BrokenPipeError, ConnectionResetError):
            pass  # what is too large is answered before it was sent
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Check:
    def __init__(self, url, key, description):
        self.url = url
        self.key = key
        self.description = description
        self.seen = {operation: set() for operation in description.operations}
        self.complaints = []
        self.calls = 0

    def complain(self, text):
        self.complaints.append(text)

    def call(self, method, path, expect, arguments=None, query="", body=None, headers=None, key=True, raw=None,
             content_type="application/json", operation=None):
        """One call, compared with the description. `body` is JSON, `raw` bytes as they are. `operation` names the
        path that is described, where `path` is none."""
        described = (method, operation or path)
        operation = self.description.operations[described]
        target = path
        for name, value in (arguments or {}).items():
            target = target.replace("{" + name + "}", urllib.parse.quote(str(value), safe=""))
        if query:
            target += "?" + query
        sent = dict(headers or {})
        needs_key = operation.get("security", self.description.security) != []
        if needs_key and key:
            sent["Authorization"] = "Bearer " + (key if isinstance(key, str) else self.key)
        payload = raw
        if body is not None:
            payload = json.dumps(body).encode()
        if payload:
            sent.setdefault("Content-Type", content_type)
        where = f"{method} {target}"
        answer = send(self.url, method, target, payload, sent)
        self.calls += 1
        self.seen[described].add(answer.status)
        if answer.status != expect:
            self.complain(f"{where}: {answer.status} instead of {expect}: {answer.body[:300]!r}")
        self.compare(where, operation["responses"].get(str(answer.status)), answer)
        if body is not None and "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            wrong = faults(schema, body)
            if answer.status < 400 and wrong:
                self.complain(f"{where}: took a body that the description refuses: {wrong}")
        if "x-request-id" in sent and answer.headers.get("x-request-id") != sent["x-request-id"]:
            self.complain(f"{where}: X-Request-Id did not come back")
        return answer

    def refused_by_both(self, method, path, arguments, body, field):
        """A body that the description refuses, and the door too, naming the field."""
        operation = self.description.operations[(method, path)]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        if not faults(schema, body):
            self.complain(f"{method} {path}: the description takes {json.dumps(body)[:200]}")
        answer = self.call(method, path, 400, arguments, body=body)
        if answer.status == 400 and answer.json()["field"] != field:
            self.complain(f"{method} {path}: names {answer.json()['field']!r} instead of {field!r} "
                          f"for {json.dumps(body)[:200]}")

    def compare(self, where, response, answer):
        if response is None:
            return self.complain(f"{where}: {answer.status} is not described")
        for name, header in response.get("headers", {}).items():
            value = answer.headers.get(name.lower())
            if value is None:
                if header.get("required"):
                    self.complain(f"{where}: {answer.status} without {name}")
                continue
            for fault in faults(header["schema"], value):
                self.complain(f"{where}: header {name}: {fault}")
        content = response.get("content")
        if content is None:
            return None
        media = answer.headers.get("content-type", "").split(";")[0]
        if media not in content:
            return self.complain(f"{where}: {answer.status} as {media or 'nothing'}, described is {list(content)}")
        if media.endswith("json"):
            try:
                value = answer.json()
            except ValueError as why:
                return self.complain(f"{where}: no JSON: {why}")
            for fault in faults(content[media]["schema"], value):
                self.complain(f"{where}: {answer.status}: {fault}")
            if media == "application/problem+json":
                if value.get("status") != answer.status:
                    self.complain(f"{where}: a problem with another status")
                if value.get("request_id") != answer.headers.get("x-request-id"):
                    self.complain(f"{where}: a problem with another request id")
        return None


# ---- the customer ----------------------------------------------------------------------------------------------

def brought_back(address):
    """What the house's redirect back to the shop brings along."""
    return [list(pair) for pair in urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query)]


def follow(address, method="GET", fields=None):
    place = urllib.parse.urlsplit(address)
    target = place.path + ("?" + place.query if place.query else "")
    body, headers = None, {}
    if fields is not None:
        body = urllib.parse.urlencode(fields).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return send(address, method, target, body, headers)


def customer(callout, act):
    """Opens the house's page as a browser would, and presses a button; where the house sends the browser."""
    parameters = [tuple(pair) for pair in callout["parameters"]]
    if callout["type"] == "get":
        page = follow(callout["destination"] + "?" + urllib.parse.urlencode(parameters))
    else:
        page = follow(callout["destination"], "POST", parameters)
    text = page.body.decode()
    session = re.search(r'name="session" value="([^"]+)"', text).group(1)
    action = re.search(r'<form[^>]* action="([^"]+)"', text).group(1)
    answer = follow(urllib.parse.urljoin(callout["destination"], action), "POST", [("session", session), ("act", act)])
    return answer.headers.get("location", "")


# ---- what is held against the description ---------------------------------------------------------------------

BODY_BYTES_MAX = 1024 * 1024
UNTIL_SECONDS = 60  # how long something that must come may take
T = "/v1/transactions"
ONE = "/v1/transactions/{id}"
UNKNOWN = "0191e0a2-7c3e-7d90-8f0a-5b1c9d2e4f60"
GOOD_BODIES = {
    ONE + "/hold": {"held_until": "2100-01-01T00:00:00Z"},
    ONE + "/confirm": {"confirmed": True},
    ONE + "/purchase": {},
    ONE + "/apple-pay-session": {},
    ONE + "/release": {},
    ONE + "/cancel": {},
    ONE + "/refunds": {"leg": 1, "amount": 1, "by": "Anna", "because": "rain"},
    ONE + "/legs/{n}/settle": {"money": "taken", "by": "Anna", "because": "seen in the bank"},
    "/v1/callbacks/{token}": {"caller": "demo", "fields": [["a", "b"]]},
}


class Story:
    def __init__(self, check):
        self.check = check

    def in_seconds(self, seconds):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        return now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def body(self, caller, **more):
        return {"caller": caller, "held_until": self.in_seconds(3000),
                "bundles": [{"source": "ext_test0", "description": "Lear", "currency": "GBP", "amount": 1250,
                             "orders": [{"item": 1, "amount": 1250, "cancellable": True}]}], **more}

    def hand_over(self, caller, **more):
        return self.check.call("POST", T, 201, body=self.body(caller, **more)).json()

    def post(self, transaction, act, expect=200, body=None, **more):
        return self.check.call("POST", ONE + act, expect, {"id": transaction["id"], **more.pop("arguments", {})},
                               body=body, **more)

    # ---- good ways ----
    def describe(self):
        answer = self.check.call("GET", "/v1/openapi.yaml", 200)
        if answer.body != DESCRIPTION.read_bytes():
            self.check.complain("/v1/openapi.yaml is not schema/openapi.yaml")

    def credit(self):
        transaction = self.hand_over("demo", customer={"name": "Ann"}, document={"seats": ["A1"]},
                                     policy={"partial": True, "confirm": "none", "on_decline": "again"})
        self.check.call("GET", ONE, 200, {"id": transaction["reference"]}, headers={"x-request-id": "till-7"})
        self.post(transaction, "/hold", body={"held_until": self.in_seconds(6000)})
        self.post(transaction, "/purchase")
        self.post(transaction, "/refunds", body={"leg": 1, "amount": 50, "by": "Anna", "because": "rain"})
        self.post(transaction, "/cancel", body={"items": [1]})
        for part in ("", "/journal", "/explain"):
            self.check.call("GET", ONE + part, 200, {"id": transaction["id"]})
        self.check.call("GET", "/v1/callers/{name}/balances", 200, {"name": "demo"})
        self.check.call("GET", "/v1/callers/{name}/statement", 200, {"name": "demo"}, query="currency=gbp")
        self.check.call("GET", "/v1/callers/{name}/statement", 200, {"name": "demo"},
                        query="currency=GBP&from=2020-01-01&to=2099-12-31T00:00:00Z")

    def owner(self):
        transaction = self.hand_over("demo-owner")
        self.post(transaction, "/purchase")
        self.check.call("GET", ONE + "/explain", 200, {"id": transaction["id"]})
        self.post(transaction, "/confirm", body={"confirmed": True, "references": {"ext_test0": "AB-1"}})
        refused = self.hand_over("demo-owner")
        self.post(refused, "/purchase")
        self.post(refused, "/confirm", body={"confirmed": False})

    def release(self):
        self.post(self.hand_over("demo"), "/release", body={})

    def replay(self):
        body = self.body("demo")
        once = {"Idempotency-Key": "check " + os.urandom(8).hex()}
        first = self.check.call("POST", T, 201, body=body, headers=once)
        again = self.check.call("POST", T, 201, body=body, headers=once)
        if first.body != again.body:
            self.check.complain("a replay is not the first answer")
        self.check.call("POST", T, 409, body={**body, "held_until": self.in_seconds(4000)}, headers=once)

    def redirect_via_caller(self):
        check = self.check
        # A house that sends no notice: nobody but the browser tells what happened.
        transaction = self.hand_over("demo-quiet")
        token = "t" + os.urandom(8).hex()
        details = {"via": "caller", "token": token, "url": f"http://127.0.0.1:1/back/{token}",
                   "remote_site": "127.0.0.1", "user_agent": "check", "accept": "*/*", "remote_ip": "127.0.0.1"}
        away = self.post(transaction, "/purchase",
                         body={"return": details, "ways": {"ext_test0": "redirect-quiet"}}).json()
        for part in ("", "/explain", "/journal"):
            check.call("GET", ONE + part, 200, {"id": transaction["id"]})
        body = {"caller": "demo-quiet", "fields": brought_back(customer(away["callout"], "pay_get"))}

        def call(expect, name=token, **more):
            return check.call("POST", "/v1/callbacks/{token}", expect, {"token": name}, **more)
        call(400, "never-issued", body=body)
        for wrong in ("x" * 129, ""):
            check.refused_by_both("POST", "/v1/callbacks/{token}", {"token": token}, {**body, "next_token": wrong},
                                  "next_token")
        call(404, body={**body, "caller": "no-such-caller"})
        paid = call(200, body=body).json()
        if paid["result"] != {"success": True, "is_partial": False}:
            check.complain(f"paid, but {paid['result']}")
        call(200, body=body)
        call(410, body={"caller": "demo-quiet", "fields": {"success": "no", "n": 1, "b": True, "z": None}})
        self.post(transaction, "/cancel")

    # ---- two payments at the house, one after the other ----
    def hand_over_two(self, caller):
        body = self.body(caller)
        body["bundles"] = [{"source": source, "description": source, "currency": "GBP", "amount": 700}
                           for source in ("ext_test0", "ext_test1")]
        return self.check.call("POST", T, 201, body=body).json()

    @staticmethod
    def return_details(token):
        return {"via": "caller", "token": token, "url": f"http://127.0.0.1:1/back/{token}"}

    def next_token(self):
        """While another bundle waits, a callback brings the token of the next callout."""
        transaction = self.hand_over_two("demo-quiet")
        token, following = ("t" + os.urandom(8).hex() for _ in range(2))
        callout = self.post(transaction, "/purchase", body={"return": self.return_details(token)}).json()["callout"]
        body = {"caller": "demo-quiet", "fields": brought_back(customer(callout, "pay_get"))}
        path = "/v1/callbacks/{token}"
        refused = self.check.call("POST", path, 400, {"token": token}, body=body)
        if refused.status == 400 and refused.json()["field"] != "next_token":
            self.check.complain(f"a return without next_token names {refused.json()['field']!r}")
        gone_on = self.check.call("POST", path, 200, {"token": token}, body={**body, "next_token": following}).json()
        callout = gone_on["callout"]
        if callout is None or (callout["leg"], callout["return_token"]) != (2, following):
            return self.check.complain(f"the second bundle has no callout under the next token: {callout}")
        body["fields"] = brought_back(customer(callout, "pay_get"))
        paid = self.check.call("POST", path, 200, {"token": following}, body=body).json()
        if paid["phase"] != "purchased":
            self.check.complain(f"both paid, but {paid['phase']}")

    def lost_customer(self):
        """Paid, and the browser never came back; the house's notice settles the leg, and a purchase with new return
        details leads the customer to the second payment."""
        transaction = self.hand_over_two("demo-redirect")
        token, renewed = ("t" + os.urandom(8).hex() for _ in range(2))
        callout = self.post(transaction, "/purchase", body={"return": self.return_details(token)}).json()["callout"]
        if customer(callout, "pay_stay"):
            self.check.complain("the customer who walks away was sent back")
        settled = self.until(transaction, lambda now: now["legs"][0]["state"] in ("authorised", "captured"))
        if settled["callout"] is not None:
            self.check.complain(f"settled by notice, but its callout is open: {settled['callout']}")
        callout = self.post(transaction, "/purchase", body={"return": self.return_details(renewed)}).json()["callout"]
        if callout is None or (callout["leg"], callout["return_token"]) != (2, renewed):
            return self.check.complain(f"a lost customer has no way on under the new token: {callout}")
        body = {"caller": "demo-redirect", "fields": brought_back(customer(callout, "pay_get"))}
        paid = self.check.call("POST", "/v1/callbacks/{token}", 200, {"token": renewed}, body=body).json()
        if paid["phase"] != "purchased":
            self.check.complain(f"both paid, but {paid['phase']}")

    def until(self, transaction, holds):
        """Reads the transaction until it is so; a notice comes when it comes."""
        end = time.monotonic() + UNTIL_SECONDS
        while True:
            now = self.check.call("GET", ONE, 200, {"id": transaction["id"]}).json()
            if holds(now):
                return now
            if time.monotonic() > end:
                self.check.complain(f"never came: {now['phase']}, {now['legs']}")
                return now
            time.sleep(0.05)

    def tokens_that_no_address_holds(self):
        transaction = self.hand_over("demo-quiet")
        for token in (".", ".."):
            details = {**self.return_details("x"), "token": token, "url": f"http://127.0.0.1:1/back/{token}"}
            answer = self.post(transaction, "/purchase", 400, body={"return": details})
            if answer.status == 400 and answer.json()["field"] != "return.token":
                self.check.complain(f"the return token {token!r} names {answer.json()['field']!r}")

    def away_via_kassi(self, caller, landing_url=None):
        details = {"via": "kassi", **({"landing_url": landing_url} if landing_url else {})}
        return self.post(self.hand_over(caller), "/purchase", body={"return": details}).json()["callout"]

    def redirect_via_kassi(self):
        check = self.check
        form = "application/x-www-form-urlencoded"
        for caller, shown, method in (("demo-quiet", 303, "GET"), ("demo-quiet", 303, "POST"),
                                      ("demo-redirect-post", 200, None)):
            callout = self.away_via_kassi(caller)
            page = callout["page_url"].rsplit("/", 1)[1]
            check.call("GET", "/callout/{page}", shown, {"page": page})
            back = urllib.parse.urlsplit(customer(callout, "pay_get"))
            token = {"token": back.path.rsplit("/", 1)[1]}
            if method == "POST":
                check.call("POST", "/callback/{token}", 415, token, raw=b"{}")
                for _ in range(2):
                    check.call("POST", "/callback/{token}", 200, token, raw=back.query.encode(), content_type=form)
                check.call("POST", "/callback/{token}", 410, token, raw=b"other=1", content_type=form)
            else:
                for _ in range(2):
                    check.call("GET", "/callback/{token}", 200, token, query=back.query)
            if method == "GET":
                check.call("GET", "/callback/{token}", 410, token, query="other=1")
            check.call("GET", "/callout/{page}", 410, {"page": page})
        callout = self.away_via_kassi("demo-redirect", "http://127.0.0.1:1/thanks")
        back = urllib.parse.urlsplit(customer(callout, "refuse"))
        answer = check.call("GET", "/callback/{token}", 303, {"token": back.path.rsplit("/", 1)[1]}, query=back.query)
        if not answer.headers["location"].startswith("http://127.0.0.1:1/thanks?transaction="):
            check.complain(f"landed at {answer.headers['location']}")
        for method in ("GET", "POST"):
            check.call(method, "/callback/{token}", 400, {"token": "AAAAAAAAAAAAAAAAAAAAAA"})
        check.call("GET", "/callout/{page}", 404, {"page": "AAAAAAAAAAAAAAAAAAAAAA"})

    # ---- Apple Pay ----
    def merchant_sessions(self):
        """For a caller's page and for ours; the gateway's refusals; the domain's proof."""
        check, one = self.check, ONE + "/apple-pay-session"
        faults_url = next(each for each in self.places["simulators"] if each["name"] == "apple")["faults"]
        place = urllib.parse.urlsplit(faults_url)
        rules = lambda *all_rules: send(f"http://{place.netloc}", "PUT", place.path,
                                        json.dumps({"rules": all_rules}).encode())
        transaction = self.hand_over("demo-apple-pay")
        host = urllib.parse.urlsplit(check.url).hostname
        for body in (None, {}, {"domain": host}, {"merchant": "stripe-demo"}, {"source": "ext_test0"},
                     {"validation_url": "https://apple-pay-gateway.apple.com/paymentservices/startSession"}):
            said = self.post(transaction, "/apple-pay-session", body=body).json()
            if said.get("domainName") != host:
                check.complain(f"a merchant session for {said.get('domainName')!r}")
        arguments = {"id": transaction["id"]}
        for name, value in {"merchant": "", "source": "", "domain": "x" * 254, "validation_url": 7}.items():
            check.refused_by_both("POST", one, arguments, {name: value}, name)
        check.refused_by_both("POST", one, arguments, {"merchant": "stripe-demo", "source": "ext_test0"}, "source")
        for name, value in {"merchant": "redirect-demo", "source": "ext_test1", "domain": "shop.example",
                            "validation_url": "https://shop.example/paymentservices/startSession"}.items():
            answer = self.post(transaction, "/apple-pay-session", 400, body={name: value})
            if answer.json()["field"] != name:
                check.complain(f"a merchant session with {name} = {value} names {answer.json()['field']!r}")
        self.post(self.hand_over("demo"), "/apple-pay-session", 400)
        rules({"do": "417", "times": 2})
        self.post(transaction, "/apple-pay-session", 502)

        callout = self.post(transaction, "/purchase", body={"return": {"via": "kassi"}}).json()["callout"]
        page, mine = "/callout/{page}/apple-pay-session", {"page": callout["page_url"].rsplit("/", 1)[1]}
        origin = check.url.rstrip("/")
        check.call("POST", page, 200, mine, body={}, headers={"Origin": origin})
        check.call("POST", page, 200, mine)
        check.call("POST", page, 403, mine, body={}, headers={"Origin": "https://shop.example"})
        check.refused_by_both("POST", page, mine, {"validation_url": ""}, "validation_url")
        check.call("POST", page, 400, mine, raw=b"{")
        check.call("POST", page, 415, mine, raw=b"a=b", content_type="text/plain")
        check.call("POST", page, 404, {"page": "AAAAAAAAAAAAAAAAAAAAAA"})
        rules({"do": "400"})
        check.call("POST", page, 502, mine)
        self.post(transaction, "/release")
        check.call("POST", page, 410, mine)
        self.post(transaction, "/apple-pay-session", 409)
        proof = "/.well-known/apple-developer-merchantid-domain-association"
        check.call("GET", proof, 200)
        check.call("GET", proof, 404, headers={"Host": "shop.example"})

    # ---- a card that the bank wants to look at first ----
    def card_by_method(self):
        """The page that goes on, and its frame; the bank's page after it; a card that is none."""
        check, form = self.check, "application/x-www-form-urlencoded"
        transaction = self.hand_over("demo-creditcard")
        for wrong, field in ((None, "credentials.ext_test0.card"), ({"number": "4741520000000004", "expiry": "1230"},
                                                                    "credential.card.number")):
            body = {"return": {"via": "kassi"}, **({"credential": {"card": wrong}} if wrong else {})}
            refused = self.post(transaction, "/purchase", 400, body=body).json()
            if refused["field"] != field:
                check.complain(f"{wrong}: {refused['field']}")
        callout = self.post(transaction, "/purchase", body={
            "return": {"via": "kassi"},
            "credential": {"card": {"number": "5555 5500 0001 0050", "expiry": "1230", "cvc": "123"}}}).json()["callout"]
        page = {"page": callout["page_url"].rsplit("/", 1)[1]}
        check.call("GET", "/callout/{page}", 200, page)
        check.call("GET", "/callout/{page}/frame", 200, page)
        check.call("POST", "/3ds-method", 200, raw=b"threeDSMethodData=e30", content_type=form)
        check.call("POST", "/callout/{page}", 415, page, raw=b"{}")
        for _ in range(2):
            check.call("POST", "/callout/{page}", 303, page, raw=b"method=Y", content_type=form)
        check.call("GET", "/callout/{page}", 200, page)
        check.call("GET", "/callout/{page}/frame", 404, page)

    # ---- Stripe ----
    def stripe(self):
        """Credentials, declines, a refund in part."""
        check = self.check
        ways = check.call("GET", "/v1/ways", 200, query="caller=demo-stripe&source=ext_test0").json()["data"]
        if not ways[0]["integration"]["publishable_key"].startswith("pk_test_"):
            check.complain(f"no publishable key: {ways}")
        token = {"credentials": {"ext_test0": {"stripe_token": "tok_visa"}}}
        transaction = self.hand_over("demo-stripe")
        for wrong, field in (({}, "credentials.ext_test0"),
                             ({"credentials": {"ext_test0": {"stripe_token": "4111"}}}, "credentials.ext_test0"),
                             ({"credentials": {"ext_test1": {"stripe_token": "tok_visa"}}}, "credentials.ext_test1")):
            answer = self.post(transaction, "/purchase", 400, body=wrong)
            if answer.status == 400 and answer.json()["field"] != field:
                check.complain(f"{wrong} names {answer.json()['field']!r}")
        paid = self.post(transaction, "/purchase", body=token).json()
        if (paid["phase"], paid["legs"][0]["disputed"]) != ("purchased", False):
            check.complain(f"a token, but {paid['phase']}")
        back = self.post(transaction, "/refunds", body=GOOD_BODIES[ONE + "/refunds"]).json()["legs"][0]
        if (back["money"], back["given_back"]) != ("taken", 1):
            check.complain(f"given back in part, but {back}")
        declined = self.post(self.hand_over("demo-stripe"), "/purchase",
                             body={"credentials": {"ext_test0": {"stripe_token": "tok_threeDSecure2Required"}}}).json()
        if not declined["legs"][0]["refused"]["failed_3d_secure"]:
            check.complain(f"nobody could go to the bank: {declined['legs']}")

    def dispute(self):
        """Last: it moves the clock of the sandbox."""
        check = self.check
        disputed = self.hand_over("demo-stripe")
        self.post(disputed, "/purchase", body={"credentials": {"ext_test0": {"stripe_token": "tok_createDispute"}}})
        send(check.url, "PUT", "/sandbox/clock", json.dumps({"advance_seconds": 90}).encode(),
             {"Content-Type": "application/json"})
        self.until(disputed, lambda now: now["legs"][0]["disputed"])
        for part in ("/explain", "/journal"):
            check.call("GET", ONE + part, 200, {"id": disputed["id"]})

    def forgotten(self):
        """Who paid is forgotten by the operator's command; the transaction is told as before, and says so."""
        check = self.check
        transaction = self.hand_over("demo")
        self.post(transaction, "/purchase", body={})
        if check.call("GET", ONE, 200, {"id": transaction["id"]}).json()["forgotten"]:
            check.complain("nobody was forgotten yet")
        done = subprocess.run([check.binary, "forget", "--data", check.data, transaction["id"], "--by", "Anna",
                               "--because", "she asked for it"], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            check.complain(f"forget ended with {done.returncode}: {done.stderr}")
        for part in ("", "/explain", "/journal"):
            check.call("GET", ONE + part, 200, {"id": transaction["id"]})
        if not check.call("GET", ONE, 200, {"id": transaction["id"]}).json()["forgotten"]:
            check.complain("forgotten, and the view does not say so")

    def stripe_token_by_callout(self):
        """What is missing comes by a page of ours, or by the caller's own."""
        check = self.check
        form = "application/x-www-form-urlencoded"
        callout = self.away_via_kassi("demo-stripe")
        page = check.call("GET", "/callout/{page}", 200, {"page": callout["page_url"].rsplit("/", 1)[1]})
        action = re.search(r'<form method="post" action="([^"]+)"', page.body.decode()).group(1)
        token = {"token": action.rsplit("/", 1)[1]}
        check.call("POST", "/callback/{token}", 400, token, raw=b"stripeToken=", content_type=form)
        check.call("POST", "/callback/{token}", 200, token, raw=b"stripeToken=tok_visa", content_type=form)
        check.call("GET", "/callout/{page}", 410, {"page": callout["page_url"].rsplit("/", 1)[1]})
        transaction, own = self.hand_over("demo-stripe"), "t" + os.urandom(8).hex()
        self.post(transaction, "/purchase", body={"return": self.return_details(own)})
        body = {"caller": "demo-stripe", "fields": [["stripeToken", "tok_visa"]]}
        wrong = check.call("POST", "/v1/callbacks/{token}", 400, {"token": own}, body={**body, "fields": [["a", "b"]]})
        if wrong.status == 400 and wrong.json()["field"] != "stripeToken":
            check.complain(f"a return without a token names {wrong.json()['field']!r}")
        paid = check.call("POST", "/v1/callbacks/{token}", 200, {"token": own}, body=body).json()
        if paid["phase"] != "purchased":
            check.complain(f"a token by callback, but {paid['phase']}")

    def another_way(self):
        transaction = self.hand_over("demo-again")
        away = self.post(transaction, "/purchase", body={"return": {"via": "kassi"}}).json()
        back = urllib.parse.urlsplit(customer(away["callout"], "refuse"))
        self.check.call("GET", "/callback/{token}", 200, {"token": back.path.rsplit("/", 1)[1]}, query=back.query)
        self.check.call("GET", ONE, 200, {"id": transaction["id"]})
        self.post(transaction, "/purchase", body={"ways": {"ext_test0": "on_credit"}})
        paid = self.check.call("GET", ONE, 200, {"id": transaction["id"]}).json()
        if paid["phase"] != "purchased" or [leg["state"] for leg in paid["legs"]] != ["refused", "captured"]:
            self.check.complain(f"another way: {paid['phase']}, {paid['legs']}")

    def doubt(self):
        """The house takes the money, says nothing of it, and is dead when it is asked: a person settles it."""
        check = self.check
        transaction = self.hand_over("demo-quiet")
        token = "t" + os.urandom(8).hex()
        details = {"via": "caller", "token": token, "url": f"http://127.0.0.1:1/back/{token}"}
        callout = self.post(transaction, "/purchase", body={"return": details}).json()["callout"]
        back = brought_back(customer(callout, "pay_get"))
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(callout["destination"]))
        rules = {"rules": [{"on": "complete", "do": "error_after"}, {"on": "look_up", "do": "dead", "times": 1000}]}
        send(origin, "PUT", "/_faults", json.dumps(rules).encode(), {"Content-Type": "application/json"})
        try:
            doubtful = check.call("POST", "/v1/callbacks/{token}", 202, {"token": token},
                                  body={"caller": "demo-quiet", "fields": back}).json()
            if not doubtful["in_doubt"]:
                check.complain(f"not in doubt: {doubtful['legs']}")
            once = {"Idempotency-Key": "check " + os.urandom(8).hex()}
            for _ in range(2):
                settled = self.post(transaction, "/legs/{n}/settle", arguments={"n": 1}, headers=once,
                                    body=GOOD_BODIES[ONE + "/legs/{n}/settle"]).json()
                if settled["phase"] != "purchased" or settled["in_doubt"]:
                    check.complain(f"settled, but {settled['phase']}, in doubt: {settled['in_doubt']}")
        finally:
            send(origin, "DELETE", "/_faults")

    def lists(self):
        page = self.check.call("GET", T, 200, query="limit=2").json()
        if page["next_cursor"] is None:
            self.check.complain("no second page")
        else:
            self.check.call("GET", T, 200, query="limit=2&cursor=" + page["next_cursor"])
            wrong = self.check.call("GET", "/v1/callers/{name}/statement", 400, {"name": "demo"},
                                    query="currency=GBP&cursor=" + page["next_cursor"])
            if wrong.status == 400 and wrong.json()["field"] != "cursor":
                self.check.complain(f"a cursor of another list names {wrong.json()['field']!r}")
        self.check.call("GET", T, 200, query="phase=purchased&settled=true&in_doubt=false&needs_person=false"
                                             "&caller=demo&from=2020-01-01&to=2099-01-01T00%3A00%3A00Z")
        self.check.call("GET", T, 200, query="tracking=till-7")
        self.check.call("GET", "/v1/ways", 200, query="caller=demo-redirect&source=ext_test0")
        self.check.call("GET", "/v1/ways", 200, query="caller=demo-again")
        self.check.call("GET", "/v1/ways", 400, query="caller=demo-again&source=nowhere")
        statement, target = "/v1/callers/{name}/statement", {"name": "demo"}
        if self.check.call("GET", statement, 200, target, query="currency=GBP").json()["next_cursor"] is not None:
            self.check.complain("a statement of a few lines has a second page")
        self.check.call("GET", statement, 400, target, query="currency=GBP&cursor=x")

    # ---- bad ways ----
    def strangers(self):
        for (method, path), operation in self.check.description.operations.items():
            if operation.get("security", self.check.description.security) == []:
                continue
            self.check.call(method, path, 401, key=False)
            self.check.call(method, path, 401, key="not a key")

    def unknown_things(self):
        check = self.check
        for (method, path) in check.description.operations:
            if path.startswith(ONE):
                check.call(method, path, 404, {"id": UNKNOWN, "n": 1}, body=GOOD_BODIES.get(path))
        check.call("GET", ONE, 404, {"id": "T000-0000-0000-0000"})
        check.call("GET", "/v1/callers/{name}/balances", 404, {"name": "no-such-caller"})
        check.call("GET", "/v1/callers/{name}/statement", 404, {"name": "no-such-caller"}, query="currency=GBP")
        check.call("GET", "/v1/ways", 404, query="caller=no-such-caller")

    def bad_bodies(self):
        check = self.check
        transaction = self.hand_over("demo")
        arguments = {"id": transaction["id"], "n": 1, "token": "abc"}
        for (method, path), operation in check.description.operations.items():
            if method != "POST" or not path.startswith("/v1/"):
                continue
            check.call(method, path, 415, arguments, raw=b"a=b", content_type="text/plain")
            check.call(method, path, 400, arguments, raw=b"{")
            check.call(method, path, 400, arguments, raw=b"\xff")
            check.call(method, path, 400, arguments, raw=b"[]")
            good = self.body("demo") if path == T else GOOD_BODIES[path]
            self.check.refused_by_both(method, path, arguments, {**good, "odd_one": 1}, "odd_one")
            check.call(method, path, 400, arguments, body=good, headers={"Idempotency-Key": "x" * 256})
            check.call(method, path, 400, arguments, body=good, headers={"Idempotency-Key": ""})
            check.call(method, path, 400, arguments, body=good, headers={"X-Request-Id": "two words"})
        bad = {
            "caller": [7, None, "", "x" * 257],
            "held_until": [5],
            "bundles": [[], "none"],
            "customer": ["Ann"], "document": [[]], "policy": [True],
        }
        for name, values in bad.items():
            for value in values:
                check.refused_by_both("POST", T, {}, {**self.body("demo"), name: value}, name)
        for name, values in {"amount": [12.5, "1250", -1, 10**12 + 1, None], "currency": ["POUND", 826],
                             "source": ["", 5], "odd": [1]}.items():
            for value in values:
                body = self.body("demo")
                del body["bundles"][0]["orders"]
                body["bundles"][0][name] = value
                check.refused_by_both("POST", T, {}, body, f"bundles[0].{name}")
        for path, name, value in ((ONE + "/refunds", "amount", 0), (ONE + "/refunds", "by", ""),
                                  (ONE + "/legs/{n}/settle", "money", "gone"), (ONE + "/confirm", "confirmed", "yes"),
                                  (ONE + "/cancel", "items", []), (ONE + "/purchase", "ways", []),
                                  (ONE + "/purchase", "credentials", ["tok_visa"])):
            check.refused_by_both("POST", path, arguments, {**GOOD_BODIES[path], name: value}, name)
        for value, field in ({}, "a"), ({"stripe_token": "tok_1", "card": "4"}, "a"), ("tok_1", "a"), (
                {"stripe_token": 5}, "a.stripe_token"), ({"stripe_token": ""}, "a.stripe_token"):
            check.refused_by_both("POST", ONE + "/purchase", arguments, {"credentials": {"a": value}},
                                  "credentials." + field)
        # What only the door can know.
        for field, more in (("bundles[0].currency", {"currency": "XYZ"}),
                            ("bundles[0].source", {"source": "nowhere"})):
            body = self.body("demo")
            body["bundles"][0].update(more)
            answer = check.call("POST", T, 400, body=body)
            if answer.status == 400 and answer.json()["field"] != field:
                check.complain(f"named {answer.json()['field']} instead of {field}")
        check.call("POST", T, 400, body=self.body("demo", bundles=self.body("demo")["bundles"] * 2))
        check.call("POST", T, 400, body=self.body("demo", held_until="2020-01-01T00:00:00Z"))
        check.call("POST", T, 400, body=self.body("no-such-caller"))
        check.call("POST", T, 413, body=self.body("demo", document={"x": "x" * 65536}))
        if check.call("GET", ONE, 200, {"id": transaction["id"]}).json() != transaction:
            check.complain("bad requests changed the transaction")

    def bodies_too_large(self):
        for method, path in self.check.description.operations:
            if method != "POST":
                continue
            form = "application/json" if path.startswith("/v1/") else "application/x-www-form-urlencoded"
            for size in (BODY_BYTES_MAX + 1, 2 * BODY_BYTES_MAX):
                self.check.call(method, path, 413, raw=b"x" * size, content_type=form)

    def malformed_addresses(self):
        for method, path in self.check.description.operations:
            if not path.startswith("/v1/"):
                continue
            for bad in ("%zz", "%4", "%ff"):
                if "{" in path:
                    answer = self.check.call(method, re.sub(r"\{[^}]*\}", bad, path), 400, operation=path,
                                             body=GOOD_BODIES.get(path))
                    if answer.status == 400 and answer.json()["field"] != "path":
                        self.check.complain(f"{path} with {bad} names {answer.json()['field']!r}")
            if method == "GET" and "/{" not in path and path != "/v1/openapi.yaml":
                self.check.call(method, path, 400, query="caller=%zz")

    def bad_states(self):
        transaction = self.hand_over("demo")
        self.post(transaction, "/cancel", 409)
        self.post(transaction, "/confirm", 409, body=GOOD_BODIES[ONE + "/confirm"])
        self.post(transaction, "/hold", 400, body={"held_until": self.in_seconds(1)})
        self.post(transaction, "/purchase", 400, body={"ways": {"ext_test0": "no-such-caller"}})
        short = self.hand_over("demo-quiet", held_until=self.in_seconds(60))
        if self.post(short, "/purchase", 409, body={"return": {"via": "kassi"}}).json()["field"] != "held_until":
            self.check.complain("a hold that is too short for a callout is not named")
        self.post(transaction, "/release")
        self.post(transaction, "/purchase", 409)
        self.post(transaction, "/hold", 409, body={"held_until": self.in_seconds(6000)})
        self.post(transaction, "/refunds", 400, body=GOOD_BODIES[ONE + "/refunds"])
        bought = self.hand_over("demo")
        self.post(bought, "/purchase")
        self.post(bought, "/release", 409)
        self.post(bought, "/legs/{n}/settle", 409, body=GOOD_BODIES[ONE + "/legs/{n}/settle"], arguments={"n": 1})

    def bad_queries(self):
        for path, query in ((T, "limit=0"), (T, "odd=1"), (T, "cursor=x"), (T, "phase=x"), (T, "from=x"),
                            ("/v1/ways", ""), ("/v1/ways", "caller=demo&odd=1")):
            self.check.call("GET", path, 400, query=query)
        for query in ("", "currency=XYZ", "currency=GBP&from=2026-02-01&to=2026-01-01"):
            self.check.call("GET", "/v1/callers/{name}/statement", 400, {"name": "demo"}, query=query)

    def webhooks(self):
        path = "/webhooks/{provider}/{merchant}"
        notice = b'{"id":"n_1","type":"session.paid"}'
        self.check.call("POST", path, 401, {"provider": "redirect", "merchant": "redirect-demo"}, raw=notice)
        self.check.call("POST", path, 404, {"provider": "redirect", "merchant": "no-such-caller"}, raw=notice)
        self.check.call("POST", path, 404, {"provider": "no-such-caller", "merchant": "redirect-demo"}, raw=notice)

    def other_methods(self):
        check = self.check
        for path in check.description.paths():
            target = re.sub(r"\{[^}]*\}", "1", path)
            described = {method for method, each in check.description.operations if each == path}
            for method in sorted({"GET", "POST", "PUT", "DELETE", "PATCH"} - described):
                answer = send(check.url, method, target, None, {"Authorization": "Bearer " + check.key})
                if answer.status != 405 or not described <= set(answer.headers.get("allow", "").split(", ")):
                    check.complain(f"{method} {target}: {answer.status}, Allow: {answer.headers.get('allow')}")
                if path.startswith("/v1/"):
                    check.compare(f"{method} {target}", check.description.problem, answer)
        answer = send(check.url, "GET", "/v1/nowhere", None, {"Authorization": "Bearer " + check.key})
        if answer.status != 404 or answer.headers.get("content-type") != "application/problem+json":
            check.complain(f"/v1/nowhere: {answer.status} {answer.headers.get('content-type')}")


def run(url, binary, data):
    places = send(url, "GET", "/sandbox").json()
    key = places["v1"]["key"] if "v1" in places else places["v1_key"]
    description = Description(DESCRIPTION.read_text(encoding="utf-8"))
    check = Check(url, key, description)
    check.binary, check.data = binary, data
    if not description.version.startswith("3.1."):
        check.complain(f"OpenAPI {description.version} instead of 3.1")
    story = Story(check)
    story.places = places
    for step in (story.describe, story.credit, story.owner, story.release, story.replay, story.redirect_via_caller,
                 story.next_token, story.lost_customer, story.tokens_that_no_address_holds,
                 story.redirect_via_kassi, story.merchant_sessions, story.card_by_method, story.stripe, story.stripe_token_by_callout, story.another_way, story.doubt,
                 story.lists, story.strangers,
                 story.unknown_things, story.bad_bodies, story.bodies_too_large, story.malformed_addresses,
                 story.bad_states, story.bad_queries, story.webhooks, story.other_methods,
                 story.forgotten, story.dispute):
        step()
    for (method, path), statuses in check.seen.items():
        if not statuses:
            check.complain(f"{method} {path} was never called")
        # An answer that nobody can get on demand (500, 503, 202) is described, and not seen here.
        if statuses and path.startswith("/v1/") and min(statuses) >= 300:
            check.complain(f"{method} {path} was never answered well")
    return check


def main():
    binary = os.environ.get("KASSI_BINARY", str(ROOT / "build" / "release" / "kassi"))
    with tempfile.TemporaryDirectory(prefix="kassi-openapi-") as data:
        log = open(os.path.join(data, "log"), "w+", encoding="utf-8")
        process = subprocess.Popen([binary, "sandbox", "--port", "0", "--data", os.path.join(data, "sandbox")],
                                   stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            url = ""
            for line in process.stdout:
                if line.startswith("ready "):
                    url = line.split()[1]
                    break
            if not url:
                log.seek(0)
                print("the sandbox did not start:\n" + log.read()[-2000:])
                return 1
            check = run(url, binary, os.path.join(data, "sandbox"))
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
            status = process.wait(timeout=60)
        if status != 0:
            check.complain(f"the sandbox ended with status {status}")
        for complaint in check.complaints:
            print("FAILED " + complaint)
        print(f"{check.calls} calls of {len(check.seen)} operations, {len(check.complaints)} complaints")
        return 1 if check.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
