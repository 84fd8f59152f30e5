"""The TicketOrder door of `kassi sandbox` when the house dies under an order: the same order again is paid once."""

import base64
import json
import signal
import threading
import urllib.error

from kassi import FlowTest, Sandbox, http, run

APPROVES = "5587402000012011"


def family(order_id):
    return {"order": {"eventId": 1, "currency": "ISK"},
            "orderDetails": [{"eventSeriesTicketType": 1, "ticketPrice": 4990, "count": 2}],
            "cardInfo": {"paymentMethod": {"paymentType": "Card", "pan": APPROVES, "expYear": "2031", "expMonth": "09",
                                           "cvc": "737"},
                         "amount": 9980, "currency": "ISK", "orderId": order_id}}


class TicketOrderTest(FlowTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"

    def begin(self):
        self.sandbox = Sandbox(self, self.data)
        simulators = http("GET", self.sandbox.url + "/sandbox").json()["simulators"]
        self.borgun = next(each for each in simulators if each["name"] == "borgun")

    def faults(self, *rules):
        answer = http("PUT", self.borgun["faults"], json.dumps({"rules": rules}).encode())
        self.assertEqual(answer.status, 200, answer.body)

    def order(self, order):
        headers = {"Content-Type": "application/json",
                   "Authorization": "Basic " + base64.b64encode(b"app:demopass").decode()}
        return http("POST", self.sandbox.url + "/ticketOrder", json.dumps(order).encode(), headers)

    def entries(self, kind):
        return [entry["amount"] for entry in http("GET", self.borgun["ledger"]).json()["entries"] if entry["kind"] == kind]

    def ends(self, order):
        """The same POST until it is no longer pending; and again where the answer says that nothing was charged and to
        try again later (whoever asks while the house still finds out hears that of the try that died)."""
        def known():
            answer = self.order(order)
            self.assertEqual(answer.status, 200, answer.body)
            return answer.json()["statusCode"] not in (202, 503) and answer.json()
        return self.until("the order has its end", known)

    def killed_while(self, step, fault, order_id, held=0):
        """The house dies by kill -9 while the gateway is at work on that step, and so many payments are in its books."""
        self.begin()
        self.faults({**fault, "ms": 60_000, "times": 1})
        order = family(order_id)

        def client():
            try:
                self.order(order)
            except (urllib.error.URLError, ConnectionError):
                pass  # it died
        waits = threading.Thread(target=client)
        waits.start()
        self.sandbox.process.wait_for(f'"event":"call".*"step":"{step}"')
        self.until("the gateway is so far", lambda: len(self.entries("held")) == held)
        self.assertEqual(self.sandbox.process.end(signal.SIGKILL), -signal.SIGKILL)
        waits.join()
        self.begin()
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(self.ends(order))) for _ in range(3)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        self.assertEqual({answer["statusCode"] for answer in answers}, {0}, answers)
        self.assertEqual(self.entries("taken"), [998_000])
        self.assertEqual(self.ends(order)["statusCode"], 0)
        self.assertEqual(self.entries("taken"), [998_000])
        self.sandbox.process.end()
        self.assertEqual(run("verify", "--data", self.data)[0], 0)
        for file in self.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(APPROVES.encode(), file.read_bytes(), file)

    def test_killed_before_the_card_is_a_token(self):
        self.killed_while("token", {"on": "token_single", "do": "slow_before"}, "KILLED000001")

    def test_killed_before_the_gateway_charges(self):
        self.killed_while("pay", {"on": "payment", "do": "slow_before"}, "KILLED000002")

    def test_killed_when_the_gateway_has_charged(self):
        self.killed_while("pay", {"on": "payment", "do": "delay"}, "KILLED000003", held=1)
