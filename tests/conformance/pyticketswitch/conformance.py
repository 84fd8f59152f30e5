"""The payment side of F13 as the unmodified pyticketswitch 2.14.1 sees it.

Starts `kassi sandbox` (KASSI_BINARY) on a free port and an empty data directory, and does what the advanced guide of
pyticketswitch does, with url= pointed at it: On credit, Redirects, Stripe, Handling Callouts, Handling Callbacks,
Setting tracking ID, Frontend Integrations, and the reservations and bundles that they need. Prints how many checks
passed.

The client comes from the package index into a virtual environment that is kept (KASSI_PYTHON_CACHE); an environment
that has it already is used as it is. When it cannot be had, exits with 77 and says why.
"""

import contextlib
import importlib.metadata
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402

REQUIREMENTS = HERE / "requirements.txt"
WANTED = "2.14.1"
PATIENCE = 60  # seconds; only what hangs takes so long


# ---- the client ------------------------------------------------------------------------------------------------
def installed():
    try:
        return importlib.metadata.version("pyticketswitch") == WANTED
    except importlib.metadata.PackageNotFoundError:
        return False


if not installed():
    clients.go_on_by_pip(REQUIREMENTS, "pyticketswitch-venv")

# Nothing between us and loopback.
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
os.environ["NO_PROXY"] = "*"

import decimal  # noqa: E402

import pyticketswitch  # noqa: E402
import requests  # noqa: E402
from pyticketswitch.customer import Customer  # noqa: E402
from pyticketswitch.exceptions import (APIError, AuthenticationError, CallbackGoneError,  # noqa: E402
                                       InvalidResponseError)
from pyticketswitch.payment_methods import RedirectionDetails, StripeDetails  # noqa: E402

URL = ""
FRED = Customer(
    first_name='Fred',
    last_name='Flintstone',
    address_lines=['301 Cobble stone road', 'Bolder Lane'],
    country_code='us',
    email='fred@slate-rock-gravel.com',
    post_code='70777',
    town='Bedrock',
    county='LA',
    phone='0110134345',
)
GUIDE_TOKEN = '4e91a978-f7c6-4e38-b6c0-5167a1360398'


def Client(user='demo', password='demopass', **more):
    return pyticketswitch.Client(user, password, url=URL, **more)


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
def refused(what, kind, code=None, text=None, status=None, request_id=None):
    """The block raises exactly this class."""
    try:
        yield
    except Exception as error:
        check(f"{what}: class of {error!r}", type(error), kind)
        if code is not None:
            check(f"{what}: code", error.code, code)
        if text is not None:
            check(f"{what}: text", error.args[0], text)
        if status is not None:
            check(f"{what}: status", error.response.status_code, status)
        if request_id is not None:
            check(f"{what}: request id", error.response.headers['X-Request-Id'], request_id)
    else:
        check(f"{what}: is refused", False)


SECTIONS = []


def section(function):
    SECTIONS.append(function)
    return function


# ---- helpers ---------------------------------------------------------------------------------------------------
def reserve(user='demo', **more):
    order = dict(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool', number_of_seats=2)
    order.update(more)
    reservation, _ = Client(user).make_reservation(**order)
    return reservation


def reserve_two(user):
    """7AA (ext_test0) and 7AB (ext_test1)."""
    client = Client(user)
    trolley, _ = client.get_trolley(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool',
                                    number_of_seats=2)
    return reserve(user, token=trolley.token, performance_id='7AA-4')


def details(token, site='fromtheboxoffice.com'):
    return RedirectionDetails(
        token=token,
        url='https://{}/callback/{}'.format(site, token),
        user_agent='Mozilla/5.0 (X11; Linux x86_64; rv:51.0) Gecko/20100101 Firefox/51.0',
        accept='text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
        remote_site=site,
    )


def send_away(user, token, reservation=None):
    reservation = reservation or reserve(user)
    status, callout, meta = Client(user).make_purchase(
        reservation.trolley.transaction_uuid, FRED, payment_method=details(token))
    check("a callout and no status", (status, callout is not None), (None, True))
    return reservation.trolley.transaction_uuid, callout


def state_of(user, transaction):
    status, _ = Client(user).get_status(transaction_uuid=transaction)
    return status


def kept(transaction):
    """Minor units that the redirect house took for a transaction, less what it gave back; and how often it took."""
    places = requests.get(URL + '/sandbox', timeout=PATIENCE).json()['simulators']
    entries = [entry for place in places if place['name'] == 'redirect'
               for entry in requests.get(place['ledger'], timeout=PATIENCE).json()['entries']
               if entry['reference'].startswith(transaction)]
    taken = [entry['amount'] for entry in entries if entry['kind'] == 'taken']
    return sum(taken) - sum(entry['amount'] for entry in entries if entry['kind'] != 'taken'), len(taken)


def moved(transaction):
    """What Stripe held, took and gave back for a transaction, in its order; of its sources in theirs."""
    places = requests.get(URL + '/sandbox', timeout=PATIENCE).json()['simulators']
    return [(entry['kind'], entry['amount']) for place in places if place['name'] == 'stripe'
            for entry in requests.get(place['ledger'], timeout=PATIENCE).json()['entries']
            if entry['reference'].startswith(transaction)]


def in_the_end(what, question, wanted):
    """For what the answer to a call does not wait for."""
    end = time.monotonic() + PATIENCE
    while question() != wanted and time.monotonic() < end:
        time.sleep(0.02)
    check(what, question(), wanted)


# ---- the guide -------------------------------------------------------------------------------------------------
@section
def testing_the_connection():
    user = Client().test()
    check("id", user.id, 'demo')
    check("name", user.name, 'Demonstration User')
    check("country", user.country, 'uk')
    check("sub user", Client(sub_user='kiosk').test().sub_user, 'kiosk')
    with refused("wrong password", AuthenticationError, 3, "User authorisation failure", 401):
        Client('demo', 'demopas').test()
    with refused("unknown user", AuthenticationError, 3, "User authorisation failure", 401):
        Client('boatymcboatyface', 'irship').test()
    with refused("no such endpoint", APIError, 8, status=404):
        Client().make_request('nothing.v1', {})
    with refused("wrong method", APIError, 8, status=405):
        Client().make_request('purchase.v1', {})
    with refused("wrong method", APIError, 8, status=405):
        Client().make_request('status.v1', {}, method='post')


@section
def setting_tracking_id():
    client = Client('example-user', 'some-password', tracking_id='xyz')
    check("a dictionary", client.make_request('test.v1', {})['user_info']['user_id'], 'example-user')
    answer = requests.get(URL + '/f13/test.v1/', params={'tsw_session_track_id': 'xyz'},
                          auth=('example-user', 'some-password'), timeout=PATIENCE)
    check("comes back", answer.headers['X-Request-Id'], 'xyz')
    answer = requests.get(URL + '/f13/test.v1', auth=('example-user', 'some-password'), timeout=PATIENCE)
    check("an id of our own otherwise", len(answer.headers.get('X-Request-Id', '')) > 0)
    heard = []

    def listening():
        session = requests.Session()
        session.hooks['response'].append(lambda answer, **more: heard.append(answer))
        return session

    client = Client(tracking_id='global')
    client.get_session = listening
    status, _ = client.get_status(reserve().trolley.transaction_uuid, tracking_id='123')
    check("one call's own", (status.status, heard[-1].headers['X-Request-Id']), ('reserved', '123'))
    with refused("comes back with an error too", APIError, 8, "transaction_uuid: is not a known transaction", 400,
                 request_id='123'):
        client.get_status('7d0f0a52-0000-11f1-8000-000000000001', tracking_id='123')
    with refused("and with a path that names no token", APIError, 8, status=400, request_id='global'):
        client.make_request('callback.v1/next.a', {}, method='post')


@section
def bodies_that_are_too_large():
    for path, code in (('/f13/purchase.v1/', 'error_code'), ('/v1/transactions', 'status')):
        answer = requests.post(URL + path, data=b'a' * (2 * 1024 * 1024), timeout=PATIENCE)
        check(path, (answer.status_code, answer.json()[code]), (413, 8 if code == 'error_code' else 413))
        check(path + ": has an id", len(answer.headers.get('X-Request-Id', '')) > 0)


@section
def reservation():
    client = Client()
    reservation, meta = client.make_reservation(performance_id='7AA-4', price_band_code='B/pool',
                                                ticket_type_code='CIRCLE', seats=['G7', 'G8'], number_of_seats=2)
    order = reservation.trolley.get_orders()[0]
    check("requested", order.requested_seat_ids, ['G7', 'G8'])
    check("got", order.get_seat_ids(), ['G7', 'G8'])
    check("got_all", order.seat_request_status, 'got_all')
    check("currency", meta.currencies['gbp'].price_as_string(1.5), '£1.50')
    reservation, _ = client.make_reservation(performance_id='7AA-4', price_band_code='B/pool',
                                             ticket_type_code='STALLS', seats=['D6', 'D7'], number_of_seats=2)
    order = reservation.trolley.get_orders()[0]
    check("requested", order.requested_seat_ids, ['D6', 'D7'])
    check("others", order.get_seat_ids(), ['D2', 'D3'])
    check("got_none", order.seat_request_status, 'got_none')
    reservation, _ = client.make_reservation(performance_id='7AA-4', price_band_code='B/pool',
                                             ticket_type_code='CIRCLE', seats=['H10'], number_of_seats=1)
    check("H10 fails", [order.reserve_failure_comment for order in reservation.unreserved_orders],
          ['Seat H10 causes failure.'])
    check("no transaction", reservation.trolley.transaction_uuid, None)
    reservation, _ = client.make_reservation(performance_id='7AB-4', price_band_code='Q/pool',
                                             ticket_type_code='STALLS', number_of_seats=2)
    check("not sold", reservation.input_contained_unavailable_order)

    reservation = reserve()
    check("status", reservation.status, 'reserved')
    check("fifteen minutes", round(reservation.minutes_left), 15)
    check("tz aware", reservation.reserved_at.tzinfo is not None)
    check("performance", str(reservation.trolley.get_orders()[0].performance)[:19], '<Performance 7AB-4:')
    check("us customers", 'us' in [country.code for country in reservation.allowed_countries])
    check("total", reservation.trolley.bundles[0].total, 110)
    check("no debitor on credit", reservation.trolley.bundles[0].debitor, None)
    archived, _ = client.get_reservation(reservation.trolley.transaction_uuid)
    for name in ("status", "minutes_left", "reserved_at"):
        check("archive: " + name, getattr(archived, name), getattr(reservation, name))
    check("archive: uuid", archived.trolley.transaction_uuid, reservation.trolley.transaction_uuid)
    check("archive: order count", archived.trolley.order_count, reservation.trolley.order_count)
    with refused("archive of an unknown transaction", APIError, 8, status=400):
        client.get_reservation('7d0f0a52-0000-11f1-8000-000000000001')
    with refused("suffix", APIError, 8, "price_band_code needs /pool or /alloc suffix"):
        reserve(price_band_code='A')


@section
def bundling():
    client = Client()
    trolley, _ = client.get_trolley(number_of_seats=2, ticket_type_code='CIRCLE', price_band_code='A/pool',
                                    performance_id='6IF-B0G')
    check("bundles", repr(trolley.bundles), '[<Bundle ext_test0>]')
    check("orders", repr(trolley.bundles[0].orders), '[<Order 1>]')
    check("event", trolley.bundles[0].orders[0].event.id, '6IF')
    first = trolley.token
    trolley, _ = client.get_trolley(number_of_seats=2, ticket_type_code='STALLS', price_band_code='A/pool',
                                    performance_id='7AB-4', token=trolley.token)
    check("another token", trolley.token != first)
    check("bundles", repr(trolley.bundles), '[<Bundle ext_test0>, <Bundle ext_test1>]')
    check("orders", repr(trolley.bundles[1].orders), '[<Order 2>]')
    check("event", trolley.bundles[1].orders[0].event.id, '7AB')
    trolley, _ = client.get_trolley(number_of_seats=1, ticket_type_code='MEMBER', price_band_code='X/pool',
                                    performance_id='6KF-F', token=trolley.token)
    check("bundles", repr(trolley.bundles), '[<Bundle ext_test0>, <Bundle ext_test1>]')
    check("orders", repr(trolley.bundles[0].orders), '[<Order 1>, <Order 3>]')
    check("event", trolley.bundles[0].orders[1].event.id, '6KF')
    check("item", trolley.bundles[0].orders[0].item, 1)
    trolley, _ = client.get_trolley(item_numbers_to_remove=[1], token=trolley.token)
    check("orders", repr(trolley.get_orders()), '[<Order 3>, <Order 2>]')
    check("orders", repr(trolley.bundles[0].orders), '[<Order 3>]')
    reservation, _ = client.make_reservation(token=trolley.token)
    check("status", reservation.status, 'reserved')
    check("uuid", str(uuid.UUID(reservation.trolley.transaction_uuid)), reservation.trolley.transaction_uuid)
    check("orders", repr(reservation.trolley.get_orders()), '[<Order 3>, <Order 2>]')
    check("bundles", repr(reservation.trolley.bundles), '[<Bundle ext_test0>, <Bundle ext_test1>]')
    again, _ = client.make_reservation(token=trolley.token)
    check("the token stays good", again.status, 'reserved')
    with refused("forged token", APIError, 8):
        client.get_trolley(token='M4--abc-Z')


@section
def on_credit():
    client = Client('demo', 'demopass')
    reservation, meta = client.make_reservation(
        performance_id='7AB-4',
        ticket_type_code='STALLS',
        price_band_code='A/pool',
        number_of_seats=2
    )
    transaction = reservation.trolley.transaction_uuid
    status, callout, meta = client.make_purchase(
        reservation.trolley.transaction_uuid,
        FRED
    )
    check("purchased", status.status, 'purchased')
    check("never a callout", callout, None)
    check("tz aware", status.purchased_at.tzinfo is not None)
    check("success", (status.trolley.purchase_result.success, status.trolley.purchase_result.is_partial),
          (True, False))
    check("bundle", status.trolley.bundles[0].is_purchased())
    check("id", re.fullmatch(r'T[0-9A-Z]{3}(-[0-9A-Z]{4}){3}', status.trolley.transaction_id) is not None)
    order = status.trolley.get_orders()[0]
    check("reference", order.backend_purchase_reference[:9], 'PURCHASE-')
    check("can be cancelled", order.cancellation_status, 'possible')
    check("customer", (status.customer.first_name, status.customer.country, status.customer.address_lines),
          ('Fred', 'United States of America', ['301 Cobble stone road', 'Bolder Lane']))
    check("customer's wish", (status.customer.world_can_use_data, status.customer.email),
          (False, 'fred@slate-rock-gravel.com'))

    again, callout, _ = client.make_purchase(transaction, FRED)
    check("a repeat", (again.status, callout, again.trolley.transaction_id),
          ('purchased', None, status.trolley.transaction_id))
    archived, callout, _ = client.get_purchase(transaction)
    check("archive", archived.as_dict_for_json(), status.as_dict_for_json())
    found, _ = client.get_status(transaction_id=status.trolley.transaction_id, customer=True)
    check("by id", found.trolley.transaction_uuid, transaction)
    check("with customer", found.customer.last_name, 'Flintstone')
    check("without", client.get_status(transaction_uuid=transaction)[0].customer, None)
    check("what is bought is not released", client.release_reservation(transaction), False)
    precise, _ = Client(use_decimal=True).get_status(transaction_uuid=reserve(
        performance_id='6IF-B0G', ticket_type_code='BALCONY', number_of_seats=1).trolley.transaction_uuid)
    check("decimal", precise.trolley.bundles[0].total_surcharge, decimal.Decimal('4.75'))


@section
def purchase_that_is_refused():
    transaction = reserve().trolley.transaction_uuid
    client = Client()
    stranger = Customer(first_name='Fred', last_name='Flintstone', address_lines=['301 Cobble stone road'],
                        country_code='foobar')
    with refused("country", APIError, 8, "Country code 'foobar' in customer data is invalid", 400):
        client.make_purchase(transaction, stranger)
    check("still reserved", state_of('demo', transaction).status, 'reserved')
    with refused("somebody else's", APIError, 8, status=400):
        Client('demo-redirect').make_purchase(transaction, FRED)
    with refused("somebody else's", APIError, 8, status=400):
        Client('demo-redirect').get_status(transaction_uuid=transaction)
    with refused("unknown", APIError, 8, status=400):
        client.make_purchase('7d0f0a52-0000-11f1-8000-000000000001', FRED)
    with refused("never bought", APIError, 8, status=400):
        client.get_purchase(transaction)
    check("released", client.release_reservation(transaction), True)
    check("and again", client.release_reservation(transaction), True)
    check("status", state_of('demo', transaction).status, 'released')
    with refused("released", APIError, 8):
        client.make_purchase(transaction, FRED)
    answer = requests.post(URL + '/f13/purchase.v1', data=b'transaction_uuid=%ff', auth=('demo', 'demopass'),
                           headers={'Content-Type': 'application/x-www-form-urlencoded'}, timeout=PATIENCE)
    check("invalid UTF-8", (answer.status_code, answer.json()['error_code']), (400, 8))
    check("tokens of a way of paying nobody uses",
          client.make_purchase(reserve().trolley.transaction_uuid, FRED,
                               payment_method=StripeDetails({'ext_test1': 'tok_1'}))[0].status, 'purchased')


@section
def redirects():
    client = Client('demo-redirect', 'demopass')
    reservation, _ = client.make_reservation(
        performance_id='7AB-4',
        ticket_type_code='STALLS',
        price_band_code='A/pool',
        number_of_seats=2
    )
    check("debitor", repr(reservation.trolley.bundles[0].debitor)[:9], '<Debitor ')
    token = uuid.uuid4()
    status, callout, meta = client.make_purchase(
        reservation.trolley.transaction_uuid,
        FRED,
        payment_method=RedirectionDetails(
            token=token,
            url='https://fromtheboxoffice.com/callback/{}'.format(token),
            user_agent='Mozilla/5.0 (X11; Linux x86_64; rv:51.0) Gecko/20100101 Firefox/51.0',
            accept='text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
            remote_site='fromtheboxoffice.com',
        ),
    )
    check("status", status, None)
    check("callout", repr(callout), '<Callout ext_test1:{}>'.format(token))
    check("currency", sorted(meta.currencies), ['gbp'])
    with refused("never returned, never issued", APIError, 8, status=400):
        client.next_callout(uuid.uuid4(), uuid.uuid4(), {'success': 'yes'})
    for what, changes in (
            ("query string", dict(url='https://fromtheboxoffice.com/callback/{}?a=b')),
            ("no token", dict(url='https://fromtheboxoffice.com/callback/')),
            ("other site", dict(url='https://example.com/callback/{}')),
            ("unregistered", dict(url='https://evil.example/callback/{}', remote_site='evil.example'))):
        bad = uuid.uuid4()
        given = dict(token=bad, url='https://fromtheboxoffice.com/callback/{}', user_agent='x', accept='y',
                     remote_site='fromtheboxoffice.com')
        given.update(changes)
        given['url'] = given['url'].format(bad)
        transaction = reserve('demo-redirect').trolley.transaction_uuid
        with refused(what, APIError, 8, status=400):
            client.make_purchase(transaction, FRED, payment_method=RedirectionDetails(**given))
        check(what + ": still reserved", state_of('demo-redirect', transaction).status, 'reserved')


@section
def handling_callouts():
    for user, kind in (('demo-redirect', 'get'), ('demo-redirect-post', 'post')):
        token = '010288fe-a196-401f-8319-57bfe0cba552'
        transaction, callout = send_away(user, token)
        check("code", callout.code, 'ext_test1')
        check("description", callout.description, 'External Test Backend 1')
        check("total", callout.total, 110)
        check("currency", callout.currency_code, 'gbp')
        check("type", callout.type, kind)
        check("destination", urllib.parse.urlsplit(callout.destination).path.rsplit('/', 3)[-3:],
              ['tickets', 'dummy_redirect.buy', user])
        check("no query", '?' in callout.destination, False)
        check("parameters", list(callout.parameters.items()), [
            ('return_url', 'https://fromtheboxoffice.com/callback/' + token),
            ('title', "Dummy external card details page for debit on system 'ext_test1'")])
        check("encoded", urllib.parse.urlencode(callout.parameters),
              'return_url=https%3A%2F%2Ffromtheboxoffice.com%2Fcallback%2F' + token +
              '&title=Dummy+external+card+details+page+for+debit+on+system+%27ext_test1%27')
        check("token", callout.return_token, token)
        check("debitor", callout.debitor.type, 'dummy')
        page = requests.get(callout.destination, params=callout.parameters, timeout=PATIENCE)
        check("page", (page.status_code, "Dummy external card details page" in page.text), (200, True))

        status, again, _ = Client(user).make_purchase(transaction, FRED, payment_method=details(token))
        check("a repeat is the same callout", (status, again.as_dict_for_json()), (None, callout.as_dict_for_json()))
        _, archived, _ = Client(user).get_purchase(transaction)
        check("and the archive too", archived.as_dict_for_json(), callout.as_dict_for_json())
        status = state_of(user, transaction)
        check("attempting", status.status, 'attempting')
        check("remote site", status.remote_site, 'fromtheboxoffice.com')
        check("pending callout", status.pending_callout.as_dict_for_json(), callout.as_dict_for_json())
        other = reserve(user).trolley.transaction_uuid
        with refused("a token that is live already", APIError, 8, status=400):
            Client(user).make_purchase(other, FRED, payment_method=details(token))
        check("leaves the reservation", state_of(user, other).status, 'reserved')
        status, _, _ = Client(user).next_callout(token, uuid.uuid4(), {'success': 'no'})
        check("refused", status.status, 'failed')
        check("nothing pends", state_of(user, transaction).pending_callout, None)


@section
def handling_callbacks():
    # The guide uses the same token whenever it is run.
    for _ in range(2):
        transaction, _ = send_away('demo-redirect', GUIDE_TOKEN)
        client = Client('demo-redirect', 'demopass')
        returned_parameters = {
            'success': '1',
            'ref': 'abc123',
        }
        this_token = GUIDE_TOKEN
        next_token = uuid.uuid4()
        with refused("another user's token", APIError, 8, status=400):
            Client('demo-redirect-post').next_callout(this_token, next_token, dict(returned_parameters))
        status, callout, meta = client.next_callout(
            this_token,
            next_token,
            returned_parameters,
        )
        check("purchased", status.status, 'purchased')
        check("no callout", callout, None)
        check("result", status.trolley.purchase_result.success)
        check("customer", status.customer.first_name, 'Fred')
        with refused("the same return again", CallbackGoneError, 8, "transaction failed", 410):
            client.next_callout(this_token, next_token, {'success': '1', 'ref': 'abc123'})
        with refused("another return", CallbackGoneError, 8, "transaction failed", 410):
            client.next_callout(this_token, uuid.uuid4(), {'success': 'no'})
        archived, _, _ = client.get_purchase(transaction)
        check("archive", archived.as_dict_for_json(), status.as_dict_for_json())
        check("still purchased", state_of('demo-redirect', transaction).status, 'purchased')
        check("taken once", kept(transaction), (11000, 1))


@section
def returns_that_pay_nothing():
    for what, returned in (("no", {'success': 'no'}), ("nothing", {}),
                           ("clean-up", {'is_tsw_callout_timeout_callback': 1})):
        token = '{}.1'.format(uuid.uuid4())
        transaction, _ = send_away('demo-redirect', token)
        status, callout, _ = Client('demo-redirect').next_callout(token, token[:-1] + '2', returned)
        check(what, (status.status, callout), ('failed', None))
        result = status.trolley.purchase_result
        check(what + ": result", (result.success, result.is_partial), (False, False))
        check(what + ": reason", bool(result.error))
        check(what + ": bundle", status.trolley.bundles[0].is_purchased(), False)
        check(what + ": kept", state_of('demo-redirect', transaction).status, 'failed')
        check(what + ": nothing was taken", kept(transaction), (0, 0))
        with refused(what + ": needs a new reservation", APIError, 8):
            Client('demo-redirect').make_purchase(transaction, FRED, payment_method=details(uuid.uuid4()))


@section
def chain_of_callouts():
    client = Client('demo-redirect')
    one, two, three = (str(uuid.uuid4()) for _ in range(3))
    transaction, callout = send_away('demo-redirect', one, reserve_two('demo-redirect'))
    check("first", (callout.code, callout.return_token), ('ext_test0', one))
    status, callout, _ = client.next_callout(one, two, {'success': 'yes'})
    check("second", (status, callout.code, callout.return_token), (None, 'ext_test1', two))
    check("its return URL", callout.parameters['return_url'], 'https://fromtheboxoffice.com/callback/' + two)
    check("pending", state_of('demo-redirect', transaction).pending_callout.return_token, two)
    with refused("first token again", CallbackGoneError, 8, "transaction failed", 410):
        client.next_callout(one, three, {'success': 'yes'})
    status, callout, _ = client.next_callout(two, three, {'success': 'yes'})
    check("purchased", (status.status, callout), ('purchased', None))
    check("both", [bundle.is_purchased() for bundle in status.trolley.bundles], [True, True])
    check("not partial", status.trolley.purchase_result.is_partial, False)
    with refused("the unused token", APIError, 8, status=400):
        client.next_callout(three, uuid.uuid4(), {'success': 'yes'})


@section
def second_of_two_refused():
    client = Client('demo-redirect')
    one, two, three = (str(uuid.uuid4()) for _ in range(3))
    transaction, _ = send_away('demo-redirect', one, reserve_two('demo-redirect'))
    client.next_callout(one, two, {'success': 'yes'})
    status, callout, _ = client.next_callout(two, three, {'success': 'no'})
    check("all or nothing", (status.status, callout), ('failed', None))
    check("neither", [bundle.is_purchased() for bundle in status.trolley.bundles], [False, False])
    check("result", (status.trolley.purchase_result.success, status.trolley.purchase_result.is_partial),
          (False, False))
    check("kept", state_of('demo-redirect', transaction).status, 'failed')
    in_the_end("the first is given back", lambda: kept(transaction), (0, 1))

    one, two, three = (str(uuid.uuid4()) for _ in range(3))
    client = Client('demo-partial')
    transaction, _ = send_away('demo-partial', one, reserve_two('demo-partial'))
    client.next_callout(one, two, {'success': 'yes'})
    status, _, _ = client.next_callout(two, three, {'success': 'no'})
    check("partial", (status.status, status.trolley.purchase_result.is_partial), ('purchased', True))
    check("the first", [bundle.is_purchased() for bundle in status.trolley.bundles], [True, False])
    check("references", [order.backend_purchase_reference is not None for order in status.trolley.get_orders()],
          [True, False])
    check("the first stays paid", kept(transaction), (11000, 1))


@section
def two_ways_of_paying():
    token = str(uuid.uuid4())
    _, callout = send_away('demo-mixed', token, reserve_two('demo-mixed'))
    check("only the second is called out", callout.code, 'ext_test1')
    status, _, _ = Client('demo-mixed').next_callout(token, uuid.uuid4(), {'success': 'yes'})
    check("purchased", status.status, 'purchased')


@section
def cancelling():
    for user in ('demo', 'demo-redirect'):
        client = Client(user)
        trolley, _ = client.get_trolley(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool',
                                        number_of_seats=2)
        reservation = reserve(user, token=trolley.token, ticket_type_code='CIRCLE', number_of_seats=1)
        transaction = reservation.trolley.transaction_uuid
        with refused("not purchased", APIError, 8):
            client.cancel_purchase(transaction)
        if user == 'demo':
            bought, _, _ = client.make_purchase(transaction, FRED)
        else:
            token = str(uuid.uuid4())
            send_away(user, token, reservation)
            bought, _, _ = client.next_callout(token, uuid.uuid4(), {'success': 'yes'})
        check("purchased", bought.status, 'purchased')
        with refused("unknown item", APIError, 8):
            client.cancel_purchase(transaction, [7])
        result, _ = client.cancel_purchase(transaction, [2])
        check("one", (result.cancelled_item_numbers, result.is_fully_cancelled()), ([2], False))
        check("states", [order.cancellation_status for order in result.trolley.get_orders()],
              ['possible', 'cancelled'])
        result, _ = client.cancel_purchase(transaction)
        check("the rest", (result.cancelled_item_numbers, result.is_fully_cancelled()), ([1], True))
        result, _ = client.cancel_purchase(transaction)
        check("nothing is left", (result.cancelled_item_numbers, result.is_fully_cancelled()), ([], True))
        check("still purchased", state_of(user, transaction).status, 'purchased')
        check("everything is back", kept(transaction)[0], 0)
        archived, _, _ = client.get_purchase(transaction)
        check("archive", archived.as_dict_for_json(), bought.as_dict_for_json())


# The guide's, which it uses on every run.
TOKENS = {
    'ext_test0': 'tok_1ADFKNHIklODsaxB3LZqzvpX',
    'ext_test1': 'tok_1ADFKgHIklODsaxBUr5gE6ca',
}


def reserve_for_stripe():
    """£165 of ext_test0 and £110 of ext_test1: amounts that cannot be mixed up."""
    client = Client('demo-stripe')
    trolley, _ = client.get_trolley(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool',
                                    number_of_seats=2)
    return reserve('demo-stripe', token=trolley.token, performance_id='7AA-4', number_of_seats=3)


@section
def stripe():
    for _ in range(2):
        client = Client('demo-stripe', 'demopass')
        trolley, meta = client.get_trolley(
            performance_id='7AB-4',
            ticket_type_code='STALLS',
            price_band_code='A/pool',
            number_of_seats=2
        )
        reservation, meta = client.make_reservation(
            token=trolley.token,
            performance_id='7AA-4',
            ticket_type_code='STALLS',
            price_band_code='A/pool',
            number_of_seats=2
        )
        check("bundles", repr(reservation.trolley.bundles), '[<Bundle ext_test0>, <Bundle ext_test1>]')
        details = StripeDetails({
            'ext_test0': 'tok_1ADFKNHIklODsaxB3LZqzvpX',
            'ext_test1': 'tok_1ADFKgHIklODsaxBUr5gE6ca',
        })
        status, callout, meta = client.make_purchase(
            reservation.trolley.transaction_uuid,
            FRED,
            payment_method=details,
        )
        check("purchased", (status.status, callout), ('purchased', None))
        check("both", [bundle.is_purchased() for bundle in status.trolley.bundles], [True, True])
        check("currency", sorted(meta.currencies), ['gbp'])
        check("Stripe's ledger", moved(reservation.trolley.transaction_uuid),
              [('held', 11000)] * 2 + [('taken', 11000)] * 2)


@section
def stripe_with_a_token_missing():
    for missing, there in (('ext_test1', 'ext_test0'), ('ext_test0', 'ext_test1')):
        client = Client('demo-stripe', 'demopass')
        reservation = reserve_for_stripe()
        transaction = reservation.trolley.transaction_uuid
        status, callout, meta = client.make_purchase(transaction, FRED,
                                                     payment_method=StripeDetails({there: TOKENS[there]}))
        check("a callout", (status, callout.code), (None, missing))
        check("its debitor", (callout.debitor.type, callout.debitor.integration_data['publishable_key']),
              ('stripe', 'pk_test_b7N9DOwbo4B9t6EqCf9jFzfa'))
        check("its total", callout.total, {'ext_test0': 165, 'ext_test1': 110}[missing])
        page = requests.get(callout.destination, params=callout.parameters, timeout=PATIENCE)
        check("a page of ours", (page.status_code, "card details go straight to the payment provider" in page.text), (200, True))
        check("pending", state_of('demo-stripe', transaction).pending_callout.return_token, callout.return_token)
        with refused("no token", APIError, 8, "stripeToken: is missing", 400):
            client.next_callout(callout.return_token, uuid.uuid4(), {'token': TOKENS[missing]})
        with refused("another user", APIError, 8, "this: was never issued", 400):
            Client('demo').next_callout(callout.return_token, uuid.uuid4(), {'stripeToken': TOKENS[missing]})
        status, callout, meta = client.next_callout(
            callout.return_token,
            uuid.uuid4(),
            {'stripeToken': 'tok_1ADFKgHIklODsaxBUr5gE6ca'}
        )
        check("purchased", (status.status, callout), ('purchased', None))
        check("customer", status.customer.first_name, 'Fred')
        check("Stripe's ledger", sorted(moved(transaction)),
              [('held', 11000), ('held', 16500), ('taken', 11000), ('taken', 16500)])


@section
def stripe_with_two_tokens_missing():
    client = Client('demo-stripe')
    for payment_method in (StripeDetails({}), None):
        transaction = reserve_for_stripe().trolley.transaction_uuid
        _, first, _ = client.make_purchase(transaction, FRED, payment_method=payment_method)
        check("first", first.code, 'ext_test0')
        status, second, _ = client.next_callout(first.return_token, uuid.uuid4(),
                                                {'stripeToken': TOKENS['ext_test0']})
        check("second", (status, second.code), (None, 'ext_test1'))
        with refused("the first again", CallbackGoneError, 8, "transaction failed", 410):
            client.next_callout(first.return_token, uuid.uuid4(), {'stripeToken': TOKENS['ext_test1']})
        status, callout, _ = client.next_callout(second.return_token, uuid.uuid4(),
                                                 {'stripeToken': TOKENS['ext_test1']})
        check("purchased", (status.status, callout), ('purchased', None))
        check("Stripe's ledger", moved(transaction)[2:], [('taken', 16500), ('taken', 11000)])
    for returned in ({}, {'is_tsw_callout_timeout_callback': 1}):
        transaction = reserve_for_stripe().trolley.transaction_uuid
        _, callout, _ = client.make_purchase(transaction, FRED, payment_method=StripeDetails(
            {'ext_test0': TOKENS['ext_test0']}))
        status, callout, _ = client.next_callout(callout.return_token, uuid.uuid4(), returned)
        check("failed", (status.status, callout), ('failed', None))
        in_the_end("what was held is let go", lambda: moved(transaction), [('held', 16500), ('hold_gone', 16500)])


@section
def stripe_tokens_that_are_refused():
    client = Client('demo-stripe')
    transaction = reserve('demo-stripe').trolley.transaction_uuid
    for token, text in (('4111111111111111', "ext_test1_callback/stripeToken: is no token of Stripe"),
                        ('', "ext_test1_callback/stripeToken: is missing")):
        try:
            client.make_purchase(transaction, FRED, payment_method=StripeDetails({'ext_test1': token}))
            check("refused", False)
        except APIError as error:
            check("named", (error.code, error.args[0][:len(text)]), (8, text))
    check("still reserved", state_of('demo-stripe', transaction).status, 'reserved')
    once = 'tok_1' + uuid.uuid4().hex
    other = reserve('demo-stripe').trolley.transaction_uuid
    status, _, _ = client.make_purchase(other, FRED, payment_method=StripeDetails({'ext_test1': once}))
    check("one that Stripe does not know", (status.status, status.trolley.purchase_result.error),
          ('failed', 'resource_missing'))
    with refused("a second time", APIError, 8,
                 "ext_test1_callback/stripeToken: was used before: it is good for one payment", 400):
        client.make_purchase(transaction, FRED, payment_method=StripeDetails({'ext_test1': once}))


@section
def stripe_declines():
    client = Client('demo-stripe')
    for token, code, flags in (
            ('tok_chargeDeclined', 'generic_decline', (False, False, False)),
            ('tok_chargeDeclinedInsufficientFunds', 'insufficient_funds', (False, False, False)),
            ('tok_chargeDeclinedStolenCard', 'generic_decline', (False, False, False)),
            ('tok_chargeDeclinedIncorrectCvc', 'incorrect_cvc', (True, False, False)),
            ('tok_avsZipFail', 'incorrect_zip', (False, True, False)),
            # Nobody can be sent to the bank: there are no return details.
            ('tok_threeDSecure2Required', 'auth_failure', (False, False, True))):
        reservation = reserve_for_stripe()
        transaction = reservation.trolley.transaction_uuid
        status, callout, _ = client.make_purchase(transaction, FRED, payment_method=StripeDetails(
            {'ext_test0': TOKENS['ext_test0'], 'ext_test1': token}))
        check(token, (status.status, callout), ('failed', None))
        for result in (status.trolley.purchase_result, status.trolley.bundles[1].purchase_result):
            check(token + ": code", result.error, code)
            check(token + ": flags", (result.failed_cv_two, result.failed_avs, result.failed_3d_secure), flags)
            check(token + ": result", (result.success, bool(result.failure_reason)), (False, True))
        in_the_end(token + ": the other is let go", lambda: moved(transaction), [('held', 16500), ('hold_gone', 16500)])


@section
def stripe_at_the_bank():
    client = Client('demo-stripe')
    for act, outcome in (('complete', 'purchased'), ('fail', 'failed')):
        class BothDetails(StripeDetails):
            """Tokens and a way back: what a caller needs whose customers' banks ask."""
            token = str(uuid.uuid4())

            def as_api_parameters(self):
                return {**super().as_api_parameters(), **details(self.token).as_api_parameters()}

        transaction = reserve('demo-stripe').trolley.transaction_uuid
        status, callout, _ = client.make_purchase(
            transaction, FRED, payment_method=BothDetails({'ext_test1': 'tok_threeDSecure2Required'}))
        check("sent to the bank", (status, callout.code, callout.return_token), (None, 'ext_test1', BothDetails.token))
        page = requests.get(callout.destination, params=callout.parameters, timeout=PATIENCE)
        check("its page", (page.status_code, "Your bank asks" in page.text), (200, True))
        fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text))
        action = urllib.parse.urljoin(page.url, re.search(r'<form method="post" action="([^"]*)"', page.text).group(1))
        back = requests.post(action, data={**fields, 'act': act}, allow_redirects=False, timeout=PATIENCE)
        url = urllib.parse.urlsplit(back.headers['Location'])
        check("back to the caller", url.netloc + url.path, 'fromtheboxoffice.com/callback/' + BothDetails.token)
        status, callout, _ = client.next_callout(BothDetails.token, uuid.uuid4(),
                                                 dict(urllib.parse.parse_qsl(url.query)))
        check(act, (status.status, callout), (outcome, None))
        check(act + ": flag", status.trolley.purchase_result.failed_3d_secure, act == 'fail')
        check(act + ": Stripe's ledger", moved(transaction),
              [('held', 11000), ('taken', 11000)] if act == 'complete' else [])


@section
def stripe_cancelled():
    client = Client('demo-stripe')
    transaction = reserve_for_stripe().trolley.transaction_uuid
    bought, _, _ = client.make_purchase(transaction, FRED, payment_method=StripeDetails(TOKENS))
    paid = moved(transaction)
    result, _ = client.cancel_purchase(transaction, [1])
    check("one", (result.cancelled_item_numbers, result.is_fully_cancelled()), ([1], False))
    check("Stripe's ledger", moved(transaction), paid + [('given_back', 11000)])
    result, _ = client.cancel_purchase(transaction)
    check("the rest", (result.cancelled_item_numbers, result.is_fully_cancelled()), ([2], True))
    result, _ = client.cancel_purchase(transaction)
    check("nothing is left", (result.cancelled_item_numbers, result.is_fully_cancelled()), ([], True))
    check("given back once each", moved(transaction), paid + [('given_back', 11000), ('given_back', 16500)])
    archived, _, _ = client.get_purchase(transaction)
    check("archive", archived.as_dict_for_json(), bought.as_dict_for_json())


@section
def frontend_integrations():
    client = Client('demo-stripe', 'demopass')
    reservation, meta = client.make_reservation(
        performance_id='7AB-4',
        ticket_type_code='STALLS',
        price_band_code='A/pool',
        number_of_seats=2
    )
    debitor = reservation.trolley.bundles[0].debitor
    check("debitor", repr(debitor), '<Debitor stripe:stripe>')
    check("description", debitor.description, 'Stripe Debitor')
    check("type", debitor.type, 'stripe')
    check("name", debitor.name, 'stripe')
    check("integration data", debitor.integration_data,
          {'publishable_key': 'pk_test_b7N9DOwbo4B9t6EqCf9jFzfa', 'statement_descriptor': 'Test Stripe Account'})
    # The key is one with which a browser makes a token, and that pays.
    place = [place for place in requests.get(URL + '/sandbox', timeout=PATIENCE).json()['simulators']
             if place['name'] == 'stripe'][0]
    token = requests.post(place['url'] + '/v1/tokens', timeout=PATIENCE, headers={
        'Authorization': 'Bearer ' + debitor.integration_data['publishable_key']}, data={
            'card[number]': '4242424242424242', 'card[exp_month]': 12, 'card[exp_year]': 2034,
            'card[cvc]': '123'}).json()
    status, callout, _ = client.make_purchase(reservation.trolley.transaction_uuid, FRED,
                                              payment_method=StripeDetails({'ext_test1': token['id']}))
    check("purchased", (status.status, callout), ('purchased', None))
    # Once only: by us, or by Stripe where its name is like that of a test card.
    other = reserve('demo-stripe').trolley.transaction_uuid
    try:
        status, _, _ = client.make_purchase(other, FRED, payment_method=StripeDetails({'ext_test1': token['id']}))
        check("the token again", (status.status, status.trolley.purchase_result.error),
              ('failed', 'token_already_used'))
    except APIError as error:
        check("the token again", (error.code, error.args[0]), (
            8, "ext_test1_callback/stripeToken: was used before: it is good for one payment"))
    check("nothing moved", moved(other), [])


@section
def running_out_of_time():
    # Last: it moves the clock of the sandbox.
    reserved = reserve().trolley.transaction_uuid
    away, _ = send_away('demo-redirect', str(uuid.uuid4()))
    answer = requests.put(URL + '/sandbox/clock', json={'advance_seconds': 16 * 60}, timeout=PATIENCE)
    check("the clock moved", answer.status_code, 200)
    in_the_end("released", lambda: state_of('demo', reserved).status, 'released')
    in_the_end("nobody came back", lambda: state_of('demo-redirect', away).status, 'failed')


# ---- the sandbox -----------------------------------------------------------------------------------------------
@contextlib.contextmanager
def sandbox(folder):
    with open(folder + "/log", "w+") as log:
        process = subprocess.Popen([os.environ["KASSI_BINARY"], "sandbox", "--port", "0", "--data", folder + "/data"],
                                   stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
        try:
            for line in process.stdout:
                if line.startswith("ready "):
                    yield line.split()[1].rstrip("/")
                    break
            else:
                log.seek(0)
                raise SystemExit("the sandbox did not start:\n" + log.read()[-3000:])
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                Count.section = "the end"
                check("exit status", process.wait(PATIENCE), 0)
            except subprocess.TimeoutExpired:
                process.kill()
                check("stops when it is told to", False)
            process.stdout.close()


def main():
    global URL
    if not os.environ.get("KASSI_BINARY"):
        print("KASSI_BINARY names the program")
        return 2
    with tempfile.TemporaryDirectory(prefix="kassi-conformance-") as folder, sandbox(folder) as URL:
        for function in SECTIONS:
            Count.section = function.__name__.replace("_", " ")
            before = Count.passed + Count.failed
            try:
                function()
            except Exception:
                Count.failed += 1
                print(f"FAILED {Count.section}:\n{traceback.format_exc()}")
            print(f"{Count.section}: {Count.passed + Count.failed - before} checks")
    print(f"pyticketswitch {pyticketswitch.__version__}: {Count.passed} checks passed, {Count.failed} failed")
    return 1 if Count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
