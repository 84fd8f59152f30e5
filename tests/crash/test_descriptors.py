"""The table of file descriptors is full: who has a connection is served, a call that gets no socket is known as not sent
and made again, and when there is room nothing was lost. With too few from the start it does not begin."""

import http.client
import json
import resource
import signal
import socket
import subprocess
import threading
import unittest
import uuid

import houses
from houses import LANDING, Browser, Kassi, Provider, hand_over_body, http_once
from kassi import API_KEY, BINARY, PATIENCE, FlowTest

PENCE = 11_000
NEEDED = 64  # src/service/service.cpp
TOKEN = {"credentials": {"ext_test0": {"stripe_token": "tok_visa"}}}


class Client:
    """One connection that stays."""

    def __init__(self, kassi):
        self.connection = http.client.HTTPSConnection(kassi.url.split("/")[2], timeout=PATIENCE, context=houses.CONTEXT)
        self.connection.connect()

    def close(self):
        self.connection.close()

    def v1(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + API_KEY, "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        self.connection.request(method, "/v1" + path, None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        data = response.read()
        assert response.status in (200, 201, 202), (path, response.status, data)
        return json.loads(data)


class DescriptorsTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.provider = Provider(self)
        self.kassi = Kassi(self, self.provider)

    def allow(self, number):
        """The running house: none above that number is given out from now on."""
        hard = resource.prlimit(self.kassi.process.process.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.kassi.process.process.pid, resource.RLIMIT_NOFILE, (number or hard, hard))

    def client(self):
        client = Client(self.kassi)
        self.addCleanup(client.close)
        return client

    def buy(self, client):
        transaction = client.v1("POST", "/transactions", hand_over_body("credit", [PENCE]))["id"]
        self.assertEqual(client.v1("POST", f"/transactions/{transaction}/purchase", {})["phase"], "purchased")

    def owed(self):
        return sum(line["owed"] for line in self.kassi.v1("GET", "/callers/credit/balances").json()["data"])

    def ends_well(self):
        head = self.kassi.verify()
        self.kassi.stop()
        self.kassi.verify("--head", head)

    def test_none_is_left(self):
        self.kassi.start()
        first, second = self.client(), self.client()
        self.buy(first)
        transaction = first.v1("POST", "/transactions", hand_over_body("stripe", [PENCE]))["id"]
        self.allow(3)
        self.buy(second)
        answers = []
        asker = threading.Thread(
            target=lambda: answers.append(first.v1("POST", f"/transactions/{transaction}/purchase", TOKEN)))
        asker.start()

        def ended():
            rows = second.v1("GET", f"/transactions/{transaction}/journal")["data"]
            return [event for row in rows for event in row["events"] if event["event"] == "CallEnded"]

        outcomes = self.until("known as not sent", ended)
        self.assertEqual({event["outcome"] for event in outcomes}, {"not_done"}, outcomes)
        self.assertEqual(self.provider.card_ledger("stripe"), {})
        stranger = threading.Thread(target=lambda: answers.append(http_once("GET", self.kassi.url + "/v1/openapi.yaml")))
        stranger.start()  # it waits at the door
        self.kassi.process.wait_for('"event":"http_accept_failed".*Too many open files')
        self.allow(None)
        asker.join(PATIENCE)
        stranger.join(PATIENCE)
        self.assertEqual(len(answers), 2, answers)
        self.until("bought", lambda: self.kassi.read(transaction)["phase"] == "purchased")
        self.kassi.check_cards("stripe", self.provider.card_ledger("stripe"), self.kassi.read(transaction))
        self.assertEqual(self.owed(), 2 * PENCE)
        self.ends_well()

    def test_killed_when_none_is_left(self):
        self.kassi.start()
        client = self.client()
        transaction = client.v1("POST", "/transactions", hand_over_body("stripe", [PENCE]))["id"]
        self.allow(3)
        asker = threading.Thread(target=self.suppressed, args=(client, transaction))
        asker.start()
        self.kassi.wait_for_call("create", transaction)
        self.assertEqual(self.kassi.process.end(signal.SIGKILL), -signal.SIGKILL)
        asker.join(PATIENCE)
        self.kassi.verify()
        self.kassi.start()
        state = self.kassi.v1("POST", f"/transactions/{transaction}/purchase", TOKEN, str(uuid.uuid4())).json()
        self.until("bought", lambda: self.kassi.read(transaction)["phase"] == "purchased")
        self.kassi.check_cards("stripe", self.provider.card_ledger("stripe"), self.kassi.read(state["id"]))
        self.ends_well()

    @staticmethod
    def suppressed(client, transaction):
        try:
            client.v1("POST", f"/transactions/{transaction}/purchase", TOKEN)
        except (OSError, http.client.HTTPException):
            pass

    def test_idle_connections_take_all(self):
        self.kassi.start()
        self.allow(NEEDED)
        client = self.client()
        idle = []
        for _ in range(3 * NEEDED):
            idle.append(socket.create_connection(("127.0.0.1", self.kassi.port)))
            self.addCleanup(idle[-1].close)
        payments = [threading.Thread(target=self.pay, args=(n,)) for n in range(6)]
        self.broken = []
        for thread in payments:
            thread.start()
        for _ in range(5):
            self.buy(client)
        for connection in idle:
            connection.close()
        for thread in payments:
            thread.join(PATIENCE)
        self.assertEqual(self.broken, [])
        entries = self.kassi.all()
        self.assertEqual({entry["phase"] for entry in entries}, {"purchased"})
        self.assertEqual(len(entries), 11)
        ledger = self.provider.ledger()
        paid = [f"{entry['id']}-1" for entry in entries if entry["caller"] == "redirect"]
        self.assertEqual(ledger, {reference: ([PENCE], []) for reference in paid})
        for entry in entries:
            if entry["caller"] == "stripe":
                self.kassi.check_cards("stripe", self.provider.card_ledger("stripe"), entry)
        self.assertEqual(self.owed(), 5 * PENCE)
        self.ends_well()

    def pay(self, number):
        """By turns at Stripe and at the redirect house, patiently."""
        try:
            caller = ("stripe", "redirect")[number % 2]
            answer = self.kassi.v1("POST", "/transactions", hand_over_body(caller, [PENCE]), str(uuid.uuid4()))
            transaction = answer.json()["id"]
            body = TOKEN if caller == "stripe" else {"ways": {"ext_test0": "acme"},
                                                     "return": {"via": "kassi", "landing_url": LANDING}}
            self.kassi.v1("POST", f"/transactions/{transaction}/purchase", body, str(uuid.uuid4()))
            if caller == "redirect":
                away = self.until("a callout", lambda: self.kassi.read(transaction)["callout"])
                Browser(self.kassi, transaction).go(away["page_url"], lambda: "pay_get")
            self.until("purchased", lambda: self.kassi.read(transaction)["phase"] == "purchased")
        except Exception as error:  # pylint: disable=broad-except
            self.broken.append(repr(error))

    def test_too_few_to_begin(self):
        for number in (8, 20, NEEDED - 1):
            done = subprocess.run(["prlimit", f"--nofile={number}", BINARY, "serve", "--config", self.kassi.file],
                                  capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(done.stderr, f"kassi: only {number} files and connections may be open at once "
                                          f"(RLIMIT_NOFILE), and at least {NEEDED} are needed\n")
        self.assertFalse((self.folder / "data").exists(), "nothing was begun")


if __name__ == "__main__":
    unittest.main()
