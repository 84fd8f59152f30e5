"""The sandbox's Stripe as the official Python client sees it (Debian's python3-stripe).

Starts `kassi sandbox` (KASSI_BINARY) on a free port and does with the unmodified client what a shop does. Prints how
many checks passed. Without the client exits with 77 and says why.
"""

import contextlib
import json
import os
import sys
import threading
import time
import traceback
import uuid

from sandbox import PATIENCE, SKIPPED, answer_the_bank, http, running

try:
    import stripe
except ImportError:
    print("skipped: python3-stripe is not installed")
    sys.exit(SKIPPED)

HOUSE = None  # of sandbox.Stripe


# ---- checks ----------------------------------------------------------------------------------------------------
class Count:
    passed = 0
    failed = 0
    section = ""


def check(what, got, wanted=True):
    if got == wanted:
        Count.passed += 1
        return
    Count.failed += 1
    print(f"FAILED {Count.section}: {what}\n    got    {got!r}\n    wanted {wanted!r}")


@contextlib.contextmanager
def refused(what, kind, status=None, code=None, param=None):
    """The block raises exactly this class; the error is what it yields, filled in afterwards."""
    caught = []
    try:
        yield caught
    except Exception as error:
        caught.append(error)
        check(f"{what}: class of {error!r}", type(error), kind)
        if status is not None:
            check(f"{what}: status", error.http_status, status)
        if code is not None:
            # Not every class of the client keeps the code; the body it read it from does.
            check(f"{what}: code", error.json_body["error"].get("code"), code)
        if param is not None:
            check(f"{what}: param", error.param, param)
    else:
        check(f"{what}: is refused", False)


SECTIONS = []


def section(function):
    SECTIONS.append(function)
    return function


def until(what, question):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := question():
            return found
        time.sleep(0.02)
    check(f"{what}: never", False)
    return None


def pay(token="tok_visa", **more):
    asked = dict(amount=11000, currency="gbp", confirm=True, payment_method_types=["card"],
                 payment_method_data={"type": "card", "card": {"token": token}})
    asked.update(more)
    return stripe.PaymentIntent.create(**asked)


# ---- what a shop does ------------------------------------------------------------------------------------------
@section
def paying():
    intent = pay(description="Two seats, £110 & more", metadata={"order id": "7'(!)*", "ö": "ü"},
                 expand=["latest_charge", "payment_method"])
    check("class", type(intent), stripe.PaymentIntent)
    check("state", (intent.status, intent.amount_received, intent.currency), ("succeeded", 11000, "gbp"))
    check("words", (intent.description, intent.metadata.to_dict()),
          ("Two seats, £110 & more", {"order id": "7'(!)*", "ö": "ü"}))
    check("expanded", (type(intent.latest_charge), type(intent.payment_method)),
          (stripe.Charge, stripe.PaymentMethod))
    check("card", intent.latest_charge.payment_method_details.card.last4, "4242")
    check("ledger", HOUSE.ledger(intent.id), [("taken", 11000)])
    check("headers", intent.last_response.request_id.startswith("req_"))
    again = stripe.PaymentIntent.retrieve(intent.id, expand=["latest_charge.refunds"])
    check("retrieved", (again.latest_charge.paid, again.latest_charge.refunds.data), (True, []))
    by_method = stripe.PaymentIntent.create(amount=500, currency="usd", confirm=True, payment_method="pm_card_amex",
                                            payment_method_types=["card"])
    check("pm_card", by_method.status, "succeeded")
    method = stripe.PaymentMethod.create(type="card", card={"token": "tok_mastercard"})
    check("payment method", (method.card.brand, method.id[:3]), ("mastercard", "pm_"))
    stripe.PaymentIntent.modify(intent.id, metadata={"order id": "", "late": "yes"})
    check("merged metadata", stripe.PaymentIntent.retrieve(intent.id).metadata.to_dict(), {"ö": "ü", "late": "yes"})


@section
def tokens_of_a_browser():
    def make(**card):
        fields = dict(number="4242424242424242", exp_month=12, exp_year=2034, cvc="123")
        fields.update(card)
        return stripe.Token.create(card=fields, api_key=HOUSE.publishable_key)

    token = make()
    check("class", type(token), stripe.Token)
    check("paid", pay(token.id).status, "succeeded")
    with refused("spent", stripe.error.InvalidRequestError, 400, "token_already_used"):
        pay(token.id)
    for what, card, code, param in (("number", {"number": "4242424242424241"}, "incorrect_number", "number"),
                                    ("month", {"exp_month": 13}, "invalid_expiry_month", "exp_month"),
                                    ("year", {"exp_year": 2020}, "invalid_expiry_year", "exp_year"),
                                    ("cvc", {"cvc": "1"}, "invalid_cvc", "cvc")):
        with refused(what, stripe.error.CardError, 402, code, param):
            make(**card)
    with refused("a secret key's number", stripe.error.InvalidRequestError, 400):
        stripe.Token.create(card=dict(number="4242424242424242", exp_month=12, exp_year=2034))


@section
def declines():
    for token, code, decline_code, param in (
            ("tok_chargeDeclined", "card_declined", "generic_decline", None),
            ("tok_visa_chargeDeclined", "card_declined", "generic_decline", None),
            ("tok_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", None),
            ("tok_visa_chargeDeclinedLostCard", "card_declined", "lost_card", None),
            ("tok_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", None),
            ("tok_chargeDeclinedExpiredCard", "expired_card", None, "exp_month"),
            ("tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", None, "cvc"),
            ("tok_chargeDeclinedProcessingError", "processing_error", None, None),
            ("tok_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", None),
            ("tok_chargeDeclinedFraudulent", "card_declined", "fraudulent", None),
            ("tok_avsZipFail", "incorrect_zip", None, "address_zip")):
        with refused(token, stripe.error.CardError, 402, code) as caught:
            pay(token)
        error = caught[0].error
        check(f"{token}: decline code", getattr(error, "decline_code", None), decline_code)
        check(f"{token}: param", caught[0].param, param)
        check(f"{token}: intent", (error.payment_intent.status, error.payment_intent.payment_method),
              ("requires_payment_method", None))
        check(f"{token}: last error", error.payment_intent.last_payment_error.code, code)
        charge = stripe.Charge.retrieve(error.charge)
        check(f"{token}: charge", (charge.status, charge.failure_code, charge.paid), ("failed", code, False))
        check(f"{token}: ledger", HOUSE.ledger(error.payment_intent.id), [])


@section
def holding_and_capturing():
    held = pay(capture_method="manual")
    check("held", (held.status, held.amount_capturable, held.amount_received), ("requires_capture", 11000, 0))
    with refused("too much", stripe.error.InvalidRequestError, 400, "amount_too_large"):
        stripe.PaymentIntent.capture(held.id, amount_to_capture=11001)
    whole = stripe.PaymentIntent.capture(held.id)
    check("captured", (whole.status, whole.amount_received), ("succeeded", 11000))
    with refused("twice", stripe.error.InvalidRequestError, 400, "payment_intent_unexpected_state") as caught:
        stripe.PaymentIntent.capture(held.id)
    check("twice: carries the intent", caught[0].error.payment_intent.id, held.id)
    part = stripe.PaymentIntent.capture(pay(capture_method="manual").id, amount_to_capture=4000)
    check("a part", (part.amount_received, part.amount_capturable), (4000, 0))
    check("ledger of a part", HOUSE.ledger(part.id), [("held", 11000), ("taken", 4000), ("hold_gone", 7000)])
    gone = stripe.PaymentIntent.cancel(pay(capture_method="manual").id, cancellation_reason="abandoned")
    check("cancelled", (gone.status, gone.cancellation_reason), ("canceled", "abandoned"))
    check("ledger of a cancelled one", HOUSE.ledger(gone.id), [("held", 11000), ("hold_gone", 11000)])
    with refused("cancelled twice", stripe.error.InvalidRequestError, 400, "payment_intent_unexpected_state"):
        stripe.PaymentIntent.cancel(gone.id)


@section
def refunding():
    intent = pay()
    first = stripe.Refund.create(payment_intent=intent.id, amount=4000, reason="requested_by_customer")
    check("class", (type(first), first.status, first.amount), (stripe.Refund, "succeeded", 4000))
    with refused("over", stripe.error.InvalidRequestError, 400, param="amount"):
        stripe.Refund.create(payment_intent=intent.id, amount=7001)
    rest = stripe.Refund.create(charge=intent.latest_charge)
    check("the rest", rest.amount, 7000)
    with refused("again", stripe.error.InvalidRequestError, 400, "charge_already_refunded"):
        stripe.Refund.create(payment_intent=intent.id)
    check("listed", [each.id for each in stripe.Refund.list(payment_intent=intent.id)], [rest.id, first.id])
    check("retrieved", stripe.Refund.retrieve(first.id).amount, 4000)
    charge = stripe.Charge.retrieve(intent.latest_charge)
    check("charge", (charge.refunded, charge.amount_refunded), (True, 11000))
    check("ledger", HOUSE.ledger(intent.id), [("taken", 11000), ("given_back", 4000), ("given_back", 7000)])


@section
def the_bank_asks():
    back = "https://shop.example/back?b=1&c=%C3%B6"
    intent = pay("tok_threeDSecure2Required", return_url=back, capture_method="manual")
    check("asks", (intent.status, intent.latest_charge, intent.next_action.type),
          ("requires_action", None, "redirect_to_url"))
    address, query = answer_the_bank(intent.next_action.redirect_to_url.url, "complete")
    check("back", (address, query),
          ("https://shop.example/back", {"b": "1", "c": "ö", "payment_intent": intent.id,
                                         "payment_intent_client_secret": intent.client_secret,
                                         "redirect_status": "succeeded"}))
    check("held", stripe.PaymentIntent.retrieve(intent.id).status, "requires_capture")
    refusing = pay("tok_threeDSecure2Required", return_url=back)
    check("failed", answer_the_bank(refusing.next_action.redirect_to_url.url, "fail")[1]["redirect_status"], "failed")
    now = stripe.PaymentIntent.retrieve(refusing.id)
    check("failed: state", (now.status, now.last_payment_error.code),
          ("requires_payment_method", "payment_intent_authentication_failure"))
    with refused("nobody there", stripe.error.CardError, 402, "authentication_required"):
        pay("tok_threeDSecure2Required", off_session=True)
    with refused("not wanted", stripe.error.CardError, 402, "authentication_required"):
        pay("tok_threeDSecure2Required", error_on_requires_action=True)


@section
def listing_and_searching():
    reference = str(uuid.uuid4())
    made = [pay(metadata={"kassi_reference": reference}).id for _ in range(3)]
    found = stripe.PaymentIntent.search(query=f"metadata['kassi_reference']:'{reference}'")
    check("found", [each.id for each in found], made[::-1])
    check("none", stripe.PaymentIntent.search(query="metadata['kassi_reference']:'no'").data, [])
    with refused("no query", stripe.error.InvalidRequestError, 400, param="query"):
        stripe.PaymentIntent.search(query="what?")
    page = stripe.PaymentIntent.list(limit=2)
    check("a page", ([each.id for each in page], page.has_more), (made[:0:-1], True))
    every = [each.id for each in stripe.PaymentIntent.list(limit=2).auto_paging_iter()]
    check("all pages", (every[:3], len(every) == len(set(every))), (made[::-1], True))
    since = stripe.PaymentIntent.retrieve(made[0]).created
    check("since", len(stripe.PaymentIntent.list(created={"gte": since}).data) >= 3)
    check("before", [each.id for each in stripe.PaymentIntent.list(created={"lt": since}) if each.id in made], [])
    check("charges", len(stripe.Charge.list(payment_intent=made[0]).data), 1)
    events = stripe.Event.list(type="payment_intent.succeeded", limit=3)
    check("events", [each.data.object.id for each in events], made[::-1])
    check("an event", stripe.Event.retrieve(events.data[0].id).data.object.id, made[2])


@section
def the_same_key():
    key = str(uuid.uuid4())
    first = pay(idempotency_key=key)
    again = pay(idempotency_key=key)
    check("replayed", (again.id, again.last_response.headers["Idempotent-Replayed"]), (first.id, "true"))
    check("of the first", again.last_response.headers["Original-Request"], first.last_response.request_id)
    check("once", HOUSE.ledger(first.id), [("taken", 11000)])
    with refused("other parameters", stripe.error.IdempotencyError, 400):
        pay(idempotency_key=key, amount=12000)
    with refused("another path", stripe.error.IdempotencyError, 400):
        stripe.Refund.create(payment_intent=first.id, idempotency_key=key)
    declined = str(uuid.uuid4())
    charges = []
    for what in ("declined", "declined again"):
        with refused(what, stripe.error.CardError, 402, "card_declined") as caught:
            pay("tok_chargeDeclined", idempotency_key=declined)
        charges.append(caught[0].error.charge)
    check("one decline", charges[0], charges[1])
    spared = str(uuid.uuid4())
    with refused("wrong", stripe.error.InvalidRequestError, 400, "parameter_invalid_integer", "amount"):
        pay(idempotency_key=spared, amount="x")
    check("and right with the same key", pay(idempotency_key=spared).status, "succeeded")

    busy, results = str(uuid.uuid4()), []
    HOUSE.faults({"on": "create", "do": "delay_before", "ms": 3000})
    slow = threading.Thread(target=lambda: results.append(pay(idempotency_key=busy)))
    slow.start()
    until("the fault is used", lambda: json.loads(http("GET", HOUSE.url + "/stripe/_faults")[2])["rules"] == [])
    with refused("in flight", stripe.error.APIError, 409, "idempotency_key_in_use"):
        pay(idempotency_key=busy)
    slow.join(PATIENCE)
    check("afterwards", pay(idempotency_key=busy).id, results[0].id)


@section
def errors_by_their_class():
    for what, key in (("no key of ours", "sk_test_nobody"), ("live", "sk_live_nobody")):
        with refused(what, stripe.error.AuthenticationError, 401):
            stripe.PaymentIntent.list(api_key=key)
    with refused("publishable", stripe.error.AuthenticationError, 401, "secret_key_required"):
        stripe.PaymentIntent.list(api_key=HOUSE.publishable_key)
    with refused("unknown", stripe.error.InvalidRequestError, 404, "resource_missing", "intent"):
        stripe.PaymentIntent.retrieve("pi_nope")
    with refused("a parameter too many", stripe.error.InvalidRequestError, 400, "parameter_unknown", "colour"):
        pay(colour="red")
    with refused("one missing", stripe.error.InvalidRequestError, 400, "parameter_missing", "amount"):
        stripe.PaymentIntent.create(currency="gbp")
    with refused("half a króna", stripe.error.InvalidRequestError, 400, param="amount"):
        pay(amount=250050, currency="isk")
    for fault, kind, status in (("rate_limit", stripe.error.RateLimitError, 429),
                                ("lock_timeout", stripe.error.RateLimitError, 429),
                                ("error_before", stripe.error.APIError, 500),
                                ("error_kept", stripe.error.APIError, 500)):
        HOUSE.faults({"on": "create", "do": fault})
        with refused(fault, kind, status):
            pay()
    HOUSE.faults({"on": "create", "do": "dead"})
    with refused("dead", stripe.error.APIConnectionError):
        pay()


@section
def retries_of_the_client():
    stripe.max_network_retries = 2
    try:
        for fault in ({"do": "drop_answer"}, {"do": "error_after"}, {"do": "error_before"}, {"do": "dead"},
                      {"do": "key_in_use"}, {"do": "rate_limit", "should_retry": True}):
            reference = str(uuid.uuid4())
            HOUSE.faults({"on": "create", **fault})
            intent = pay(metadata={"kassi_reference": reference})
            found = stripe.PaymentIntent.search(query=f"metadata['kassi_reference']:'{reference}'")
            check(f"{fault}: once", [each.id for each in found], [intent.id])
            check(f"{fault}: ledger", HOUSE.ledger(intent.id), [("taken", 11000)])
        HOUSE.faults({"on": "create", "do": "error_before", "should_retry": False, "times": 1})
        with refused("told not to", stripe.error.APIError, 500):
            pay()
    finally:
        stripe.max_network_retries = 0
        HOUSE.faults()


@section
def webhooks():
    intent = pay(idempotency_key="webhooks-1")

    def of_the_intent():
        found = [each for each in HOUSE.deliveries() if json.loads(each["body"])["data"]["object"]["id"] == intent.id]
        return found if len(found) >= 2 else None

    sent = until("webhooks", of_the_intent)
    secret = HOUSE.webhook_secret
    event = stripe.Webhook.construct_event(sent[-1]["body"], sent[-1]["signature"], secret)
    check("event", (type(event), event.type, event.data.object.amount),
          (stripe.Event, "payment_intent.succeeded", 11000))
    check("whose request", event["request"]["idempotency_key"], "webhooks-1")
    check("order", [json.loads(each["body"])["type"] for each in sent],
          ["payment_intent.created", "payment_intent.succeeded"])
    check("read again", stripe.Event.retrieve(event.id).data.object.status, "succeeded")
    with refused("another secret", stripe.error.SignatureVerificationError):
        stripe.Webhook.construct_event(sent[-1]["body"], sent[-1]["signature"], "whsec_other")
    with refused("another body", stripe.error.SignatureVerificationError):
        stripe.Webhook.construct_event(sent[-1]["body"] + " ", sent[-1]["signature"], secret)
    first, second = sent[-1]["signature"].split(",")[0], "0" * 64
    several = f"{first},v1={second}," + sent[-1]["signature"].split(",")[1]
    check("several v1", stripe.Webhook.construct_event(sent[-1]["body"], several, secret).id, event.id)
    HOUSE.faults({"on": "webhook", "do": "wrong_signature", "times": 100})
    forged = pay()
    badly = until("forged", lambda: [each for each in HOUSE.deliveries() if forged.id in each["body"]])
    with refused("a wrong signature", stripe.error.SignatureVerificationError):
        stripe.Webhook.construct_event(badly[-1]["body"], badly[-1]["signature"], secret)
    HOUSE.faults()


@section
def charges_of_old_times():
    charge = stripe.Charge.create(amount=500, currency="usd", source="tok_visa", capture=False)
    check("held", (charge.captured, charge.paid), (False, True))
    check("captured", stripe.Charge.capture(charge.id, amount=300).amount_captured, 300)
    with refused("twice", stripe.error.InvalidRequestError, 400, "charge_already_captured"):
        stripe.Charge.capture(charge.id)
    with refused("declined", stripe.error.CardError, 402, "card_declined"):
        stripe.Charge.create(amount=500, currency="usd", source="tok_chargeDeclined")


@section
def what_the_clock_does():
    # Last: it moves the clock of the sandbox.
    held = pay(capture_method="manual")
    slow = stripe.Refund.create(payment_intent=pay("tok_pendingRefund").id)
    lost = stripe.Refund.create(payment_intent=pay("tok_refundFail").id)
    disputed = pay("tok_createDispute")
    check("at first", (slow.status, lost.status), ("pending", "succeeded"))
    HOUSE.advance(120)
    until("refunded", lambda: stripe.Refund.retrieve(slow.id).status == "succeeded")
    until("not refunded", lambda: stripe.Refund.retrieve(lost.id).status == "failed")
    until("disputed", lambda: len(stripe.Dispute.list(payment_intent=disputed.id).data) == 1)
    HOUSE.advance(7 * 86400)
    until("over", lambda: stripe.PaymentIntent.retrieve(held.id).status == "canceled")
    until("closed", lambda: stripe.Dispute.list(payment_intent=disputed.id).data[0].status == "lost")
    check("ledger", HOUSE.ledger(held.id), [("held", 11000), ("hold_gone", 11000)])


def main():
    global HOUSE
    if not os.environ.get("KASSI_BINARY"):
        print("KASSI_BINARY names the program")
        return 2
    with running() as HOUSE:
        stripe.api_base, stripe.api_key = HOUSE.url, HOUSE.secret_key
        stripe.max_network_retries = 0
        for function in SECTIONS:
            Count.section = function.__name__.replace("_", " ")
            before = Count.passed + Count.failed
            try:
                function()
            except Exception:
                Count.failed += 1
                print(f"FAILED {Count.section}:\n{traceback.format_exc()}")
            print(f"{Count.section}: {Count.passed + Count.failed - before} checks")
    print(f"stripe {stripe.version.VERSION} for Python: {Count.passed} checks passed, {Count.failed} failed")
    return 1 if Count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
