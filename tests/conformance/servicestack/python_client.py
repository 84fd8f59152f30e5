"""The pieces of the TicketOrder door as the official Python client of ServiceStack sees them: a server on loopback before
the pipe (KASSI_PIPE).

The client comes by pip, by requirements.txt, into a virtual environment that is kept (KASSI_PYTHON_CACHE). Where it cannot be
had, exits with 77 and says why. KASSI_TICKET_ORDER_PAGE may name the text of the service's metadata page in Python: then its
types are used as they stand, all of them, instead of the few below.
"""

import contextlib
import datetime
import decimal
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402

REQUIREMENTS = HERE / "requirements.txt"

OWN_TYPES = """
import datetime
from servicestack import *
from typing import *
from decimal import Decimal
from dataclasses import dataclass
from dataclasses_json import dataclass_json, LetterCase, Undefined

def sent(kind):
    return dataclass_json(letter_case=LetterCase.CAMEL, undefined=Undefined.EXCLUDE)(dataclass(kind))

@sent
class Ticket:
    id: Optional[int] = None
    event_id: Optional[int] = None
    timestamp_bought: Optional[datetime.datetime] = None
    time_stamp_ordered: Optional[datetime.datetime] = None
    device_id: Optional[str] = None
    is_free: Optional[bool] = None
    total_paid_for_ticket: Optional[Decimal] = None
    currency: Optional[str] = None

@sent
class TicketDetails:
    ticket_price: Optional[Decimal] = None
    total_price: Optional[Decimal] = None
    count: Optional[int] = None
    ticket_name: Optional[str] = None
    just_changed_by_s_q_l: Optional[bool] = None

@sent
class TicketDetailsInfo(TicketDetails):
    holder_info_required: Optional[bool] = None

@sent
class EventTicketWithDetails:
    event_ticket: Optional[Ticket] = None
    event_ticket_details: Optional[List[TicketDetailsInfo]] = None
    eventis_live: Optional[bool] = None

@sent
class TicketOrderResult:
    ticket_and_details: Optional[EventTicketWithDetails] = None
    status_code: Optional[int] = None
    message: Optional[str] = None

@sent
class PaymentMethodCreditCardInfo:
    payment_type: Optional[str] = None
    token: Optional[str] = None

@sent
class PaymentRequestCreditCard:
    payment_method: Optional[PaymentMethodCreditCardInfo] = None
    amount: Optional[Decimal] = None
    currency: Optional[str] = None

@sent
class Borgun3DFinalRequest:
    amount: Optional[int] = None

@sent
class TicketOrder:
    order: Optional[Ticket] = None
    order_details: Optional[List[TicketDetails]] = None
    card_info: Optional[PaymentRequestCreditCard] = None
    request_unix_u_t_c_time_stamp: Optional[int] = None
    device_id: Optional[str] = None
    borgun3_d_final_info: Optional[Borgun3DFinalRequest] = None
"""


def types():
    """The names of the types: the metadata page's own, or ours."""
    text = OWN_TYPES
    page = os.environ.get("KASSI_TICKET_ORDER_PAGE")
    if page:
        whole = pathlib.Path(page).read_text(encoding="utf-8")
        text = whole[whole.index("import datetime"):whole.index("Python TicketOrder DTOs")]
        # The page itself imports the module and names the class.
        text = text.replace("import decimal\n", "import decimal\nfrom decimal import Decimal\n")
    names = {"__name__": "ticket_order_types"}
    exec(compile(text, page or "types", "exec"), names)  # dataclasses look for their module's names
    return names


class Pipe:
    """The pieces behind a server on a free port."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ["KASSI_PIPE"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        encoding="utf-8")
        self.lock = threading.Lock()
        self.seen = []

    def ask(self, line):
        with self.lock:
            self.process.stdin.write(json.dumps(line) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        call = {"method": handler.command, "target": handler.path, "headers": list(handler.headers.items()), "body": body}
        self.seen.append(call)
        answer = self.ask(call)
        bytes_ = answer["body"].encode()
        handler.send_response(answer["status"])
        handler.send_header("Content-Type", answer["type"])
        handler.send_header("Content-Length", str(len(bytes_)))
        handler.end_headers()
        handler.wfile.write(bytes_)


@contextlib.contextmanager
def running():
    pipe = Pipe()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            pipe.answer(self)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pipe, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        pipe.process.stdin.close()
        pipe.process.wait(timeout=30)


class Count:
    passed = failed = 0


def check(what, got, wanted=True):
    if got == wanted:
        Count.passed += 1
        return
    Count.failed += 1
    print(f"FAILED {what}: {got!r}, wanted {wanted!r}")


def order_of(t, amount="44.10"):
    bought = datetime.datetime(2024, 5, 1, 12, 34, 56, 789000)
    aware = datetime.datetime(2024, 5, 1, 12, 34, 56, tzinfo=datetime.timezone.utc)
    method = t["PaymentMethodCreditCardInfo"](payment_type="TokenSingle", token="tok")
    return t["TicketOrder"](
        order=t["Ticket"](event_id=42, timestamp_bought=bought, time_stamp_ordered=aware, device_id='dev "1", x',
                          is_free=False, total_paid_for_ticket=decimal.Decimal("44.10"), currency="GBP"),
        order_details=[t["TicketDetails"](ticket_price=decimal.Decimal("22.05"), count=2, ticket_name="A: b",
                                          just_changed_by_s_q_l=False)],
        card_info=t["PaymentRequestCreditCard"](payment_method=method, amount=decimal.Decimal(amount), currency="826"),
        request_unix_u_t_c_time_stamp=1714566896)


def expect_sold(answer):
    check("statusCode", answer.status_code, 0)
    ticket = answer.ticket_and_details.event_ticket
    check("id", ticket.id, 17)
    check("deviceId", ticket.device_id, 'dev "1", x')
    check("a date without a zone is UTC", ticket.timestamp_bought.replace(tzinfo=None),
          datetime.datetime(2024, 5, 1, 12, 34, 56, 789000))
    check("total", str(ticket.total_paid_for_ticket)[:4], "44.1")
    check("lines", [line.ticket_name for line in answer.ticket_and_details.event_ticket_details], ["A: b"])
    check("eventisLive", answer.ticket_and_details.eventis_live, False)


def refused_by(call):
    from servicestack import WebServiceException
    try:
        call()
    except WebServiceException as error:
        return error
    check("was refused", False)
    return None


def play(pipe, url):
    from servicestack import JsonServiceClient
    t = types()
    as_result = t["TicketOrderResult"]
    client = JsonServiceClient(url)
    for path in ("/ticketOrder", "/api/TicketOrder", "/json/reply/TicketOrder"):
        expect_sold(client.post_url(path, order_of(t), response_as=as_result))
        check("path", pipe.seen[-1]["target"], path)

    error = refused_by(lambda: client.post_url("/ticketOrder", order_of(t, "44.11"), response_as=as_result))
    check("status", error.status_code, 400)
    check("fields", [each.field_name for each in error.response_status.errors], ["CardInfo.Amount"])

    both = order_of(t)
    both.borgun3_d_final_info = t["Borgun3DFinalRequest"](amount=4410)
    error = refused_by(lambda: client.post_url("/ticketOrder", both, response_as=as_result))
    check("collision", error.response_status.errors[0].field_name, "CardInfo")
    check("with", "borgun3DFinalInfo" in error.response_status.errors[0].message)

    declined = order_of(t)
    declined.order.device_id = None
    declined.device_id = "declined"
    check("declined is an answer", client.post_url("/ticketOrder", declined, response_as=as_result).status_code, 402)

    error = refused_by(lambda: client.post_url("/api/Other", order_of(t), response_as=as_result))
    check("another operation", error.status_code, 405)


def main():
    if not os.environ.get("KASSI_PIPE"):
        print("KASSI_PIPE names the program")
        return 2
    try:
        import servicestack  # noqa: F401
    except ImportError:
        clients.go_on_by_pip(REQUIREMENTS, "servicestack-venv")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)  # nothing between us and loopback
    with running() as (pipe, url):
        play(pipe, url)
    print(f"{Count.passed} passed, {Count.failed} failed")
    return 1 if Count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
