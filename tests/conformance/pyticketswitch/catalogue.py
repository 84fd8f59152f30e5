"""The catalogue and booking side of F13 as the unmodified pyticketswitch sees it: what the guide does not show.

Searching, paging, extras, months, performances, availability, discounts, ways of sending, trolleys, related events, and
reserving, with the peculiarities of the demo's events; and the whole catalogue under load, which payments must not feel.
"""

import concurrent.futures
import datetime
import decimal
import sys
import tempfile
import time
import traceback

import conformance
import requests
from conformance import FRED, PATIENCE, Client, Count, check, refused, sandbox
from pyticketswitch.exceptions import APIError, InvalidGeoParameters, OrderUnavailableError

SECTIONS = []
LOAD_THREADS = 8
LOAD_CALLS = 60  # of each thread


def section(function):
    SECTIONS.append(function)
    return function


def ids(events):
    return [event.id for event in events]


def first_on(client, event, weekday, **more):
    """The first performance on a day of the week (Monday is 0)."""
    performances, _ = client.list_performances(event, page_length=200, **more)
    return next(each for each in performances if each.date_time.weekday() == weekday)


# ---- searching ---------------------------------------------------------------------------------------------------
@section
def searching():
    client = Client()
    everything, meta = client.list_events()
    check("22 of them", (len(everything), meta.total_results, meta.results_remaining), (22, 22, 0))
    for words in (['NUTCRACKER', "sadler's"], ['ｎｕｔｃｒａｃｋｅｒ'], ['nutcracker', 'Sadler’s']):
        check(str(words), ids(client.list_events(keywords=words)[0]), ['6IF'])
    check("Japanese", ids(client.list_events(keywords=['デーパス'])[0]), ['AG8'])
    check("nothing", client.list_events(keywords=['nutcracker', 'swan'])[0], [])
    check("a name in Japanese", everything[1].description, '1デーパスポート (One Day Passport)')
    seen = []
    for page in range(8):
        events, meta = client.list_events(page=page, page_length=3)
        seen += ids(events)
        check(f"page {page}", (meta.page_length, meta.page_number, meta.results_remaining, meta.pages_remaining),
              (3, page, max(0, 22 - 3 * (page + 1)), max(0, 7 - page)))
    check("every page once", seen, ids(everything))
    check("past the end", client.list_events(page=99, page_length=3)[0], [])
    for order in ('most_popular', 'alphabetic', 'cost_ascending', 'cost_descending', 'critic_rating', 'recent', 'last_sale'):
        check(order, sorted(ids(client.list_events(sort_order=order)[0])), sorted(ids(everything)))
    check("most popular", ids(client.list_events(sort_order='most_popular')[0])[:3], ['6IF', '7AB', '7AA'])
    check("dead ones", '5LM' in ids(client.list_events(include_dead=True)[0]))
    with refused("no such order", APIError, 8, "sort_order: is no order that is known here", 400):
        client.list_events(sort_order='backwards')
    with refused("half a circle", InvalidGeoParameters):
        client.list_events(latitude=1)
    with refused("nowhere", APIError, 8, "circle: is nowhere on earth", 400):
        client.list_events(latitude=91, longitude=1, radius=1)
    monday = datetime.date.today() + datetime.timedelta(days=7 - datetime.date.today().weekday())
    there = ids(client.list_events(start_date=monday, end_date=monday)[0])
    check("1-Day Ticket is not for Mondays", ('6KS' in there, '6KT' in there), (False, True))


@section
def extras():
    client = Client()
    event, _ = client.get_event('6IF', extra_info=True, reviews=True, media=True, cost_range=True, availability=True,
                                availability_with_performances=True, cost_range_details=True, no_singles_data=True)
    check("content", event.content['address'].value, "Roseberry Avenue Islington London UK\n")
    check("reviews", (len(event.reviews), event.reviews[0].date_time.tzinfo is not None), (2, True))
    check("media", sorted(event.media), ['square', 'video'])
    check("cost range", (event.cost_range.min_seatprice, event.cost_range.max_surcharge), (18, 4.75))
    check("other discounts", [each.discount_semantic_type.name for each in event.cost_range.alternate_discounts],
          ['CHILD', 'SENIOR', 'STUDENT'])
    opera, _ = client.get_event('7AA')
    check("codes and fields", (opera.venue_code, opera.area_code, opera.fields['age_limit'].data),
          ('ROH', 'covent_garden', 'Toys from 3 years'))
    check("no singles", event.no_singles_cost_range.valid_quantities, [2, 3, 4, 5, 6])
    check("details", len(event.cost_range_details), 3)
    details = event.availability_details
    check("availability", len(details), 6)
    day = details[0].first_date
    check("a day", details[0].is_available(day.year, day.month, day.day))
    check("running time", event.max_running_time, 120)
    plain, _ = client.get_event('6IF')
    check("nothing of it unasked", (plain.content, plain.reviews, plain.media, plain.cost_range), ({}, [], {}, None))
    precise, _ = Client(use_decimal=True).get_event('6IF', cost_range=True)
    check("decimal", precise.cost_range.max_surcharge, decimal.Decimal('4.75'))
    femme, _ = client.get_event('6L9', best_value_offer=True, max_saving_offer=True, min_cost_offer=True, top_price_offer=True)
    check("an offer", (femme.cost_range.best_value_offer.absolute_saving, femme.cost_range.has_offer()), (19, True))
    cat, _ = client.get_event('7AB', with_addons=True, with_upsells=True)
    check("related", (ids(cat.addon_events), ids(cat.upsell_events)), (['7AC'], ['7AA']))
    events, _ = client.get_events(['6IF', '9ZZ', 'GVA'])
    check("unknown ones are left out", sorted(events), ['6IF', 'GVA'])


@section
def performances():
    client = Client()
    first, meta = client.list_performances('DP9')
    check("the first page", (len(first), meta.has_names, meta.results_remaining), (50, True, 310))
    check("a name", first[0].name, 'Sunrise flight')
    check("local time", first[0].date_time.utcoffset(), datetime.timedelta(hours=-8))
    third, meta = client.list_performances('DP9', page=2, page_length=20)
    check("the third", (third[0].id, meta.results_remaining, meta.pages_remaining), (first[40].id, 300, 15))
    check("by id", client.get_performance(first[3].id)[0].date_time, first[3].date_time)
    two, _ = client.get_performances([first[0].id, first[1].id])
    check("two by id", sorted(two), sorted([first[0].id, first[1].id]))
    start = first[0].date_time.date() + datetime.timedelta(days=3)
    some, _ = client.list_performances('DP9', start_date=start, end_date=start)
    check("a day", {each.date_time.date() for each in some}, {start})
    months = client.get_months('6KS')
    check("months of an open ticket", len(months) >= 4)
    check("weekdays, Monday first", [months[1].on_weekday(day) for day in range(7)], [False] + [True] * 6)
    open_days = {datetime.date(month.year, month.month, day) for month in months for day in range(1, 32)
                 if month.is_available(day)}
    check("no Mondays", {day.weekday() for day in open_days}, {1, 2, 3, 4, 5, 6})
    with refused("unknown event", APIError, 8, "event_id: is not a known event", 400):
        client.list_performances('9ZZ')


@section
def availability():
    client = Client()
    types, meta = client.get_availability(first_on(client, '6IF', 2).id, discounts=True, example_seats=True, user_commission=True)
    check("types", [each.code for each in types], ['CIRCLE', 'STALLS', 'BALCONY'])
    band = types[0].price_bands[0]
    check("band", (band.code, band.seatprice, band.surcharge, band.availability), ('A/pool', 35, 4, 6))
    check("discounts", [each.code for each in band.discounts], ['ADULT', 'CHILD', 'STUDENT', 'OAP'])
    check("examples", (len(band.example_seats), band.example_seats_are_real), (4, False))
    check("commission", band.user_commission.including_vat, 3.5)
    check("currency", (meta.default_currency_code, meta.currencies['gbp'].price_as_string(35)), ('gbp', '£35.00'))
    night = [each for each in client.list_performances('6IF', page_length=200)[0]
             if each.date_time.weekday() == 5 and each.date_time.hour > 17]
    check("Saturday nights", [client.get_availability(each.id)[0] for each in night[:2]], [[], []])
    check("more than are sold", client.get_availability('7AA-4', number_of_seats=7)[0], [])
    yen, meta = client.get_availability(first_on(client, 'AG8', 2).id)
    check("yen", (yen[0].price_bands[0].seatprice, meta.currencies['jpy'].price_as_string(7400)), (7400, '¥7400'))
    first = next(each for each in client.list_performances('6IF', page_length=200)[0] if each.date_time.day == 1)
    check("no discounts in the stalls on the first",
          [[each.code for each in client.get_discounts(first.id, kind, 'A/pool')[0]] for kind in ('STALLS', 'CIRCLE')],
          [['ADULT'], ['ADULT', 'CHILD', 'STUDENT', 'OAP']])
    check("no students in band B", [each.code for each in client.get_discounts('6IF-B0G', 'CIRCLE', 'B/pool')[0]],
          ['ADULT', 'CHILD'])
    check("ways of sending", [each.code for each in client.get_send_methods('6IF-B0G')[0]], ['COBO', 'POST'])
    near, far = (client.list_performances('9XW', page_length=200)[0][index] for index in (1, 20))
    check("no sends", client.get_send_methods(near.id)[0], [])
    check("by post", [each.type for each in client.get_send_methods(far.id)[0]], ['post'])
    with refused("over, or never there", APIError, 8, "perf_id: is not a performance that is on sale", 400):
        client.get_availability('6IF-XYZ')


# ---- booking -----------------------------------------------------------------------------------------------------
@section
def trolleys():
    client = Client()
    dance = dict(performance_id='6IF-B0G', ticket_type_code='CIRCLE', price_band_code='A/pool')
    trolley, _ = client.get_trolley(number_of_seats=4, discounts=['CHILD', 'CHILD', 'ADULT', 'MARTIAN'], **dance)
    order = trolley.get_orders()[0]
    check("discounts", [(each.code, each.number_of_seats) for each in order.ticket_orders], [('CHILD', 2), ('ADULT', 2)])
    check("price", (order.total_seatprice, order.total_surcharge, trolley.bundles[0].total), (106, 14, 121.5))
    same, _ = client.get_trolley(number_of_seats=4, discounts=['CHILD', 'CHILD', 'ADULT', 'MARTIAN'], **dance)
    check("the same content is the same token", same.token, trolley.token)
    posted, _ = client.get_trolley(token=trolley.token, send_codes={'ext_test0': 'POST'})
    check("posted", posted.get_orders()[0].send_method.code, 'POST')
    other, meta = client.get_trolley(token=posted.token, performance_id='7AA-4', ticket_type_code='STALLS',
                                     price_band_code='A/pool', number_of_seats=1)
    check("what is sent otherwise makes room", [each.event.id for each in other.discarded_orders], ['6IF'])
    for at in (4, len(trolley.token) // 2, len(trolley.token) - 2):
        forged = trolley.token[:at] + ('A' if trolley.token[at] != 'A' else 'B') + trolley.token[at + 1:]
        with refused(f"forged at {at}", APIError, 8, "trolley_token: is not a trolley token of this system", 400):
            client.get_trolley(token=forged)
    nothing, _ = client.get_trolley(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='Q/pool', number_of_seats=1)
    check("not sold", (nothing.input_contained_unavailable_order, nothing.bundles), (True, []))
    with refused("not sold, and minded", OrderUnavailableError):
        client.get_trolley(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='Q/pool', number_of_seats=1,
                           raise_on_unavailable_order=True)
    cat = dict(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool', number_of_seats=2)
    check("upsells", ids(client.get_upsells(**cat)[0]), ['7AA'])
    token = client.get_trolley(**cat)[0].token
    check("add-ons", ids(client.get_addons(token=token)[0]), ['7AC'])
    box = dict(performance_id='7AC-1', ticket_type_code='BOX', price_band_code='A/pool', number_of_seats=2)
    check("an add-on alone", client.get_trolley(**box)[0].input_contained_unavailable_order)
    check("with its event", client.get_trolley(token=token, **box)[0].get_event_ids(), {'7AB', '7AC'})
    with refused("a room without a day", APIError, 8, "departure_date: is missing: I3T needs one", 400):
        client.get_trolley(performance_id='I3T-1', ticket_type_code='DOUBLE', price_band_code='A/pool', number_of_seats=1)
    day = (datetime.date.today() + datetime.timedelta(days=9)).strftime('%Y%m%d')
    room, _ = client.get_trolley(performance_id='I3T-1', ticket_type_code='DOUBLE', price_band_code='A/pool', number_of_seats=1,
                                 departure_date=day, duration=3)
    check("three nights", room.bundles[0].total, 297)


@section
def reserving():
    client = Client()
    tuesday, thursday = (first_on(client, '6IE', weekday) for weekday in (1, 3))
    lake = dict(ticket_type_code='STALLS', price_band_code='A/pool', number_of_seats=4)
    reservation, _ = client.make_reservation(performance_id=tuesday.id, **lake)
    check("Tuesdays fail", ([each.reserve_failure_comment for each in reservation.unreserved_orders],
                            reservation.trolley.transaction_uuid), (['Reservations fail on this day of the week.'], None))
    reservation, _ = client.make_reservation(performance_id=thursday.id, **lake)
    check("restricted on Thursdays", [seat.is_restricted for seat in reservation.trolley.get_orders()[0].get_seats()],
          [False, True, True, False])
    trolley, _ = client.get_trolley(performance_id='7AB-4', ticket_type_code='CIRCLE', price_band_code='B/pool', seats=['H10'],
                                    number_of_seats=1)
    reservation, _ = client.make_reservation(token=trolley.token, performance_id='7AA-4', ticket_type_code='STALLS',
                                             price_band_code='A/pool', seats=['A1', 'A2'], number_of_seats=2)
    check("the rest is reserved", ([each.event.id for each in reservation.unreserved_orders],
                                   [each.event.id for each in reservation.trolley.get_orders()]), (['7AB'], ['7AA']))
    check("a minute or more", reservation.minutes_left > 1)
    opera = dict(performance_id='7AA-4', ticket_type_code='STALLS', price_band_code='A/pool')
    for seats, status, got in ((['A1', 'A3'], 'got_none', ['A1', 'A2']), (['A2', 'A3'], 'got_none', ['A1', 'A2']),
                               (['A3', 'A4'], 'got_all', ['A3', 'A4']), (['A1', 'foo'], 'got_some', ['A1', 'A2'])):
        reservation, _ = client.make_reservation(seats=seats, number_of_seats=2, **opera)
        order = reservation.trolley.get_orders()[0]
        check(f"opera {seats}", (order.seat_request_status, order.get_seat_ids()), (status, got))
    reservation, _ = client.make_reservation(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool',
                                             seats=['A1', 'B9'], number_of_seats=2)
    check("the cat: apart is fine", reservation.trolley.get_orders()[0].seat_request_status, 'got_all')
    check("no stock is used up", len(client.get_availability('7AA-4', seat_blocks=True)[0][0].get_seats()), 28)


@section
def vouchers():
    client = Client()
    for event, has_barcodes in (('7AA', False), ('7AB', True)):
        reservation, _ = client.make_reservation(performance_id=event + '-4', ticket_type_code='STALLS',
                                                 price_band_code='A/pool', number_of_seats=2)
        order = reservation.trolley.get_orders()[0]
        check(event + ": nothing before it is bought",
              (order.send_method.self_print_voucher_url, [seat.barcode for seat in order.get_seats()]), (None, [None, None]))
        status, _, _ = client.make_purchase(reservation.trolley.transaction_uuid, FRED)
        order = status.trolley.get_orders()[0]
        check(event + ": barcodes", [bool(seat.barcode) for seat in order.get_seats()], [has_barcodes] * 2)
        check(event + ": can be printed", order.send_method.can_generate_self_print)
        page = requests.get(order.send_method.self_print_voucher_url, timeout=PATIENCE)
        check(event + ": its voucher", (page.status_code, order.get_seat_ids()[0] in page.text,
                                        all((seat.barcode or "") in page.text for seat in order.get_seats())), (200, True, True))
        client.cancel_purchase(reservation.trolley.transaction_uuid)
        check(event + ": cancelled", requests.get(order.send_method.self_print_voucher_url, timeout=PATIENCE).status_code, 404)


@section
def several_currencies():
    client = Client()
    dinner = client.list_performances('DBZ')[0][3]
    passport = client.list_performances('AG8')[0][3]
    trolley, _ = client.get_trolley(performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool', number_of_seats=2)
    trolley, _ = client.get_trolley(token=trolley.token, performance_id=dinner.id, ticket_type_code='DINNER',
                                    price_band_code='B/pool', number_of_seats=2)
    trolley, _ = client.get_trolley(token=trolley.token, performance_id=passport.id, ticket_type_code='PASS',
                                    price_band_code='A/pool', number_of_seats=1, discounts=['OAP'])
    reservation, meta = client.make_reservation(token=trolley.token)
    check("bundles", [(each.source_code, each.currency_code, each.total) for each in reservation.trolley.bundles],
          [('ext_test1', 'gbp', 110), ('ext_test2', 'eur', 511), ('ext_test4', 'jpy', 6700)])
    check("described", sorted(meta.currencies), ['eur', 'gbp', 'jpy'])
    status, callout, _ = client.make_purchase(reservation.trolley.transaction_uuid, FRED)
    check("one purchase", (status.status, callout), ('purchased', None))
    check("all of them", [each.is_purchased() for each in status.trolley.bundles], [True] * 3)
    check("in Japanese", status.trolley.bundles[2].orders[0].event.description, '1デーパスポート (One Day Passport)')


# ---- under load --------------------------------------------------------------------------------------------------
CALLS = (
    ('events.v1', {'keywords': 'park', 'req_cost_range': 'True', 'req_avail_details': 'True'}),
    ('events.v1', {'page_no': '1', 'page_len': '5', 'sort_order': 'last_sale'}),
    ('events_by_id.v1', {'event_id_list': '6IF,DP9,AG8', 'req_extra_info': 'True', 'req_avail_details_with_perfs': 'True'}),
    ('months.v1', {'event_id': 'DP9'}),
    ('performances.v1', {'event_id': 'DP9', 'page_len': '200', 'req_cost_range': 'True'}),
    ('performances_by_id.v1', {'perf_id_list': '7AB-4,6IF-B0G'}),
    ('availability.v1', {'perf_id': '7AA-4', 'add_seat_blocks': 'True', 'add_discounts': 'True'}),
    ('discounts.v1', {'perf_id': '6IF-B0G', 'ticket_type_code': 'CIRCLE', 'price_band_code': 'A/pool'}),
    ('send_methods.v1', {'perf_id': '6IF-B0G'}),
    ('trolley.v1', {'perf_id': '6IF-B0G', 'ticket_type_code': 'CIRCLE', 'price_band_code': 'A/pool', 'no_of_seats': '2'}),
    ('upsells.v1', {'perf_id': '7AB-4', 'ticket_type_code': 'STALLS', 'price_band_code': 'A/pool', 'no_of_seats': '2'}),
    ('add_ons.v1', {'perf_id': '7AB-4', 'ticket_type_code': 'STALLS', 'price_band_code': 'A/pool', 'no_of_seats': '2'}),
)


def counted():
    """What the payment database was asked to do."""
    operators = requests.get(conformance.URL + '/sandbox', timeout=PATIENCE).json()['operators']['url']
    text = requests.get(operators + '/metrics', timeout=PATIENCE).text
    return {line.split()[0]: line.split()[1] for line in text.splitlines()
            if line.startswith(('kassi_commits_total', 'kassi_journal_rows_total', 'kassi_transactions_total'))}


def load(start):
    answers = []
    with requests.Session() as session:
        session.auth = ('demo', 'demopass')
        for number in range(LOAD_CALLS):
            endpoint, fields = CALLS[(start + number) % len(CALLS)]
            answer = session.get(f"{conformance.URL}/f13/{endpoint}/", params=fields, timeout=PATIENCE)
            answers.append((endpoint, answer.status_code, 'error_code' in answer.json()))
    return answers


@section
def the_catalogue_under_load():
    before = counted()
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(LOAD_THREADS) as pool:
        answers = [answer for answers in pool.map(load, range(LOAD_THREADS)) for answer in answers]
    seconds = time.monotonic() - began
    check("all answered", {answer for answer in answers if answer[1:] != (200, False)}, set())
    check("every endpoint", len({answer[0] for answer in answers}), 11)
    check("payments were left alone", counted(), before)
    print(f"{len(answers)} calls in {seconds:.1f} s, from {LOAD_THREADS} at a time")


def main():
    with tempfile.TemporaryDirectory(prefix="kassi-catalogue-") as folder, sandbox(folder) as url:
        conformance.URL = url
        for function in SECTIONS:
            Count.section = function.__name__.replace("_", " ")
            before = Count.passed + Count.failed
            try:
                function()
            except Exception:
                Count.failed += 1
                print(f"FAILED {Count.section}:\n{traceback.format_exc()}")
            print(f"{Count.section}: {Count.passed + Count.failed - before} checks")
    print(f"catalogue: {Count.passed} checks passed, {Count.failed} failed")
    return 1 if Count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
