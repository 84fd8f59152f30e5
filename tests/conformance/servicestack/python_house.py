"""The TicketOrder door of a running sandbox as the official Python client of ServiceStack sees it.

The client comes by pip, by requirements.txt, into a virtual environment that is kept (KASSI_PYTHON_CACHE). Where it cannot be
had, exits with 77 and says why.
"""

import base64
import hashlib
import hmac
import os
import pathlib
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402
import house  # noqa: E402

TYPES = """
from decimal import Decimal
from typing import *
from dataclasses import dataclass
from dataclasses_json import dataclass_json, LetterCase, Undefined
from servicestack import *

def sent(kind):
    return dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)(dataclass(kind))

@sent
class Ticket:
    event_id: Optional[int] = None
    device_id: Optional[str] = None
    currency: Optional[str] = None
    ticket_status: Optional[str] = None
    ticket_token_id: Optional[str] = None
    total_paid_for_ticket: Optional[Decimal] = None

@sent
class TicketDetails:
    event_series_ticket_type: Optional[int] = None
    ticket_price: Optional[Decimal] = None
    total_price: Optional[Decimal] = None
    count: Optional[int] = None
    ticket_name: Optional[str] = None

@sent
class EventTicketWithDetails:
    event_ticket: Optional[Ticket] = None
    event_ticket_details: Optional[List[TicketDetails]] = None

@sent
class TicketOrderResult:
    ticket_and_details: Optional[EventTicketWithDetails] = None
    status_code: Optional[int] = None
    message: Optional[str] = None

@sent
class PaymentMethodCreditCardInfo:
    payment_type: Optional[str] = None
    pan: Optional[str] = None
    exp_year: Optional[str] = None
    exp_month: Optional[str] = None
    cvc: Optional[str] = None

@sent
class PaymentRequestCreditCard:
    payment_method: Optional[PaymentMethodCreditCardInfo] = None
    amount: Optional[Decimal] = None
    currency: Optional[str] = None
    order_id: Optional[str] = None

@sent
class RequestSignature:
    system_id: Optional[str] = None
    signature: Optional[str] = None

@sent
class TicketOrder(IReturn[TicketOrderResult]):
    order: Optional[Ticket] = None
    order_details: Optional[List[TicketDetails]] = None
    card_info: Optional[PaymentRequestCreditCard] = None
    request_unix_u_t_c_time_stamp: Optional[int] = None
    signature: Optional[RequestSignature] = None
    device_id: Optional[str] = None
"""

APPROVES, DECLINES, WANTS_SECURE = "5587402000012011", "4155520000000002", "4000000000003220"


class Count:
    passed = failed = 0


def check(what, got, wanted=True):
    if got == wanted:
        Count.passed += 1
        return
    Count.failed += 1
    print(f"FAILED {what}: {got!r}, wanted {wanted!r}")


class Orders:
    def __init__(self):
        self.types = {"__name__": "ticket_order_types"}
        exec(compile(TYPES, "types", "exec"), self.types)  # dataclasses look for their module's names
        self.number = 0

    def family(self, pan=APPROVES, amount=11970):
        t = self.types
        self.number += 1
        method = t["PaymentMethodCreditCardInfo"](payment_type="Card", pan=pan, exp_year="2031", exp_month="09", cvc="737")
        return t["TicketOrder"](
            order=t["Ticket"](event_id=1, currency="ISK", device_id='dev "1", x'),
            order_details=[t["TicketDetails"](event_series_ticket_type=1, ticket_price=4990, total_price=9980, count=2),
                           t["TicketDetails"](event_series_ticket_type=2, ticket_price=1990, count=1)],
            card_info=t["PaymentRequestCreditCard"](payment_method=method, amount=amount, currency="352",
                                                    order_id=f"PYTHON{self.number:06d}"))

    def signed(self, account, order):
        order.request_unix_u_t_c_time_stamp = int(time.time())
        order.device_id = order.order.device_id
        lines = ["ticketOrder.v1", account["system_id"], str(order.request_unix_u_t_c_time_stamp), "", order.device_id, "",
                 order.card_info.order_id, "11970", "ISK"]
        digest = hmac.digest(account["system_secret"].encode(), "\n".join(lines).encode(), hashlib.sha256)
        order.signature = self.types["RequestSignature"](system_id=account["system_id"],
                                                         signature=base64.b64encode(digest).decode())
        return order


def refused_by(call):
    from servicestack import WebServiceException
    try:
        call()
    except WebServiceException as error:
        return error
    check("was refused", False)
    return None


def play(places):
    from servicestack import JsonServiceClient
    orders = Orders()

    def client(user="app", password="demopass"):
        made = JsonServiceClient(places.url)
        if user:
            made.set_credentials(user, password)
        return made

    def charged(what, by, call):
        before = places.charges()
        answer = call()
        check(what, places.charges() - before, by)
        return answer

    order = orders.family()
    first = charged("charged", 1, lambda: client().post(order))
    check("status", first.status_code, 0)
    check("ticket", (first.ticket_and_details.event_ticket.ticket_status, first.ticket_and_details.event_ticket.device_id),
          ("Paid", 'dev "1", x'))
    check("lines", [line.ticket_name for line in first.ticket_and_details.event_ticket_details], ["Adult", "Child"])
    check("the same again", charged("charged again", 0, lambda: client().post(order)), first)

    other, answers = orders.family(), []
    threads = [threading.Thread(target=lambda: answers.append(client().post(other))) for _ in range(4)]

    def at_once():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    charged("at once", 1, at_once)
    check("one order", {answer.ticket_and_details.event_ticket.ticket_token_id for answer in answers}.__len__(), 1)

    for path in ("/ticketOrder", "/json/reply/TicketOrder"):
        answer = charged(path, 1, lambda: client().post_url(path, orders.family(), response_as=orders.types["TicketOrderResult"]))
        check(path, answer.status_code, 0)
    bearer = client(user="")
    bearer.bearer_token = places.account("app")["api_key"]
    check("bearer", charged("bearer", 1, lambda: bearer.post(orders.family())).status_code, 0)

    check("declined", charged("declined", 0, lambda: client().post(orders.family(DECLINES))).status_code, 402)
    check("3-D Secure", charged("3-D Secure", 0, lambda: client().post(orders.family(WANTS_SECURE))).status_code, 428)

    error = refused_by(lambda: client().post(orders.family(amount=11971)))
    check("400", (error.status_code, [each.field_name for each in error.response_status.errors]), (400, ["CardInfo.Amount"]))
    error = refused_by(lambda: client(password="wrong").post(orders.family()))
    check("401", (error.status_code, error.response_status.error_code), (401, "Unauthorized"))
    error = refused_by(lambda: client("nobody").post(orders.family()))
    check("403", (error.status_code, error.response_status.message), (403, "Invalid Role"))

    account = places.account("app-signed")
    error = refused_by(lambda: client("app-signed").post(orders.family()))
    check("unsigned", (error.status_code, error.response_status.errors[0].field_name), (401, "Signature"))
    check("signed", client("app-signed").post(orders.signed(account, orders.family())).status_code, 0)


def main():
    try:
        import servicestack  # noqa: F401
    except ImportError:
        clients.go_on_by_pip(HERE / "requirements.txt", "servicestack-venv")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)  # nothing between us and loopback
    with house.running() as places:
        play(places)
    print(f"{Count.passed} passed, {Count.failed} failed")
    return 1 if Count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
