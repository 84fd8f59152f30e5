"""What the advanced guide of pyticketswitch does, and what it shows: our own table of it.

A row: the account (None: that of the row before), what is evaluated, what its repr is. `c` is the account's client;
what a row assigns stays for those after it. A row that shows nothing is only carried out.
"""

SEATS = "[" + ", ".join(f"<Seat {seat}>" for seat in (
    "E4 E5 E7 E8 E9 F1 F2 F3 G7 G8 G9 G10 H1 H2 H3 H4 H7 H8 H9 H10").split()) + "]"
CIRCLE_B = "[" + ", ".join(f"<Seat {seat}>" for seat in "G7 G8 G9 G10 H1 H2 H3 H4 H7 H8 H9 H10".split()) + "]"
CAT = "performance_id='7AB-4', ticket_type_code='STALLS', price_band_code='A/pool', number_of_seats=2"

TABLE = (
    # ---- searching
    ("demo", "c.list_events(keywords=['matthew', 'bourne'])[0]",
     """[<Event 6IF:b"Matthew Bourne's Nutcracker TEST">, <Event 6IE:b"Matthew Bourne's Swan Lake test">]"""),
    # The guide shows the name itself; no Python 3 prints that of this client's __repr__.
    (None, "c.list_events(country_code='jp')[0]", "[<Event AG8:b'1 (One Day Passport)'>]"),
    (None, "c.list_events(country_code='jp')[0][0].description", "'1デーパスポート (One Day Passport)'"),
    (None, "c.list_events(city_code='paris-fr')[0]",
     "[<Event DBZ:b'Moulin Rouge (Dinner Show)'>, <Event GVA:b'Souvenir DVD'>]"),
    (None, "c.list_events(latitude=50.62, longitude=3.05, radius=20)[0]",
     "[<Event 6KS:b'1-Day Ticket'>, <Event 6KT:b'3-Day Hopper'>]"),
    (None, "[event.id for event in c.list_events(city_code='london-uk')[0]]",
     "['I3S', 'I3T', 'I3U', '6IF', '6IE', 'I3V', '7AB', '7AA', '6KF']"),
    (None, "c.list_events(city_code='london-uk')[0][5:]",
     """[<Event I3V:b"St Ermin's">, <Event 7AB:b'The Unremarkable Incident of the Cat at Lunchtime'>, """
     """<Event 7AA:b'Toy Story - The Opera'>, <Event 6KF:b'V&A Memberships'>]"""),
    (None, "c.list_events(keywords=['park'])[0]",
     "[<Event 6KS:b'1-Day Ticket'>, <Event AG8:b'1 (One Day Passport)'>, <Event 6KT:b'3-Day Hopper'>, "
     "<Event I3T:b'Corus Hyde Park'>, <Event 9XW:b'Five Day Park Hopper Ticket'>, "
     "<Event 6KV:b'Individual Ticket'>, <Event 9XY:b'Two day Parkhopper'>]"),
    (None, "c.list_events(keywords=['park'], city_code='london-uk')[0]", "[<Event I3T:b'Corus Hyde Park'>]"),
    # ---- the demo user's events
    (None, "len(c.list_events()[0])", "22"),
    (None, "sorted(event.id for event in c.list_events()[0])",
     "['6IE', '6IF', '6KF', '6KS', '6KT', '6KU', '6KV', '6L9', '7AA', '7AB', '9XW', '9XY', 'AG8', 'DBZ', 'DP9', "
     "'DPB', 'GVA', 'I3R', 'I3S', 'I3T', 'I3U', 'I3V']"),
    # ---- seats
    (None, "types, meta = c.get_availability(performance_id='7AA-4', seat_blocks=True)", None),
    (None, "[(block.length, str(block.seats[0])) for t in types for b in t.price_bands for block in b.seat_blocks]",
     "[(10, '<Seat A1>'), (8, '<Seat B2>'), (4, '<Seat C3>'), (6, '<Seat D2>'), (2, '<Seat E4>'), (3, '<Seat E7>'), "
     "(3, '<Seat F1>'), (4, '<Seat G7>'), (4, '<Seat H1>'), (4, '<Seat H7>')]"),
    (None, "types[1].get_seats()", SEATS),
    (None, "types[1].price_bands[1].get_seats()", CIRCLE_B),
    (None, "meta.contiguous_seat_selection_only", "True"),
    (None, "meta.valid_quantities", "[1, 2, 3, 4, 5, 6]"),
    (None, "reservation, _ = c.make_reservation(performance_id='7AA-4', price_band_code='B/pool', "
           "ticket_type_code='CIRCLE', seats=['G7', 'G8'], number_of_seats=2)", None),
    (None, "order = reservation.trolley.get_orders()[0]", None),
    (None, "(order.requested_seat_ids, order.get_seat_ids(), order.seat_request_status)",
     "(['G7', 'G8'], ['G7', 'G8'], 'got_all')"),
    (None, "reservation, _ = c.make_reservation(performance_id='7AA-4', price_band_code='B/pool', "
           "ticket_type_code='STALLS', seats=['D6', 'D7'], number_of_seats=2)", None),
    (None, "order = reservation.trolley.get_orders()[0]", None),
    (None, "(order.requested_seat_ids, order.get_seat_ids(), order.seat_request_status)",
     "(['D6', 'D7'], ['D2', 'D3'], 'got_none')"),
    # ---- bundling
    (None, "c.get_events(['6IF', '7AB', '6KF'])[0]",
     """{'6IF': <Event 6IF:b"Matthew Bourne's Nutcracker TEST">, '6KF': <Event 6KF:b'V&A Memberships'>, """
     """'7AB': <Event 7AB:b'The Unremarkable Incident of the Cat at Lunchtime'>}"""),
    (None, "trolley, _ = c.get_trolley(number_of_seats=2, ticket_type_code='CIRCLE', price_band_code='A/pool', "
           "performance_id='6IF-B0G')", None),
    (None, "(trolley.bundles, trolley.bundles[0].orders, trolley.bundles[0].orders[0].event.id)",
     "([<Bundle ext_test0>], [<Order 1>], '6IF')"),
    (None, f"trolley, _ = c.get_trolley({CAT}, token=trolley.token)", None),
    (None, "(trolley.bundles, trolley.bundles[1].orders, trolley.bundles[1].orders[0].event.id)",
     "([<Bundle ext_test0>, <Bundle ext_test1>], [<Order 2>], '7AB')"),
    (None, "trolley, _ = c.get_trolley(number_of_seats=1, ticket_type_code='MEMBER', price_band_code='X/pool', "
           "performance_id='6KF-F', token=trolley.token)", None),
    (None, "(trolley.bundles, trolley.bundles[0].orders, trolley.bundles[0].orders[1].event.id)",
     "([<Bundle ext_test0>, <Bundle ext_test1>], [<Order 1>, <Order 3>], '6KF')"),
    (None, "trolley.bundles[0].orders[0].item", "1"),
    (None, "trolley, _ = c.get_trolley(item_numbers_to_remove=[1], token=trolley.token)", None),
    (None, "(trolley.get_orders(), trolley.bundles[0].orders)", "([<Order 3>, <Order 2>], [<Order 3>])"),
    (None, "reservation, _ = c.make_reservation(token=trolley.token)", None),
    (None, "(reservation.status, reservation.trolley.get_orders(), reservation.trolley.bundles)",
     "('reserved', [<Order 3>, <Order 2>], [<Bundle ext_test0>, <Bundle ext_test1>])"),
    # ---- on credit
    (None, f"reservation, _ = c.make_reservation({CAT})", None),
    (None, "c.make_purchase(reservation.trolley.transaction_uuid, fred)[0].status", "'purchased'"),
    # ---- redirects, callouts and callbacks
    ("demo-redirect", f"reservation, _ = c.make_reservation({CAT})", None),
    (None, "status, callout, _ = c.make_purchase(reservation.trolley.transaction_uuid, fred, "
           "payment_method=details('010288fe-a196-401f-8319-57bfe0cba552'))", None),
    (None, "(status, callout)", "(None, <Callout ext_test1:010288fe-a196-401f-8319-57bfe0cba552>)"),
    (None, "(callout.code, callout.type, callout.return_token)",
     "('ext_test1', 'get', '010288fe-a196-401f-8319-57bfe0cba552')"),
    (None, "[*callout.parameters.items()]",
     """[('return_url', 'https://fromtheboxoffice.com/callback/010288fe-a196-401f-8319-57bfe0cba552'), """
     """('title', "Dummy external card details page for debit on system 'ext_test1'")]"""),
    (None, "c.next_callout(callout.return_token, uuid.uuid4(), {'success': 'no'})[0].status", "'failed'"),
    (None, f"reservation, _ = c.make_reservation({CAT})", None),
    (None, "c.make_purchase(reservation.trolley.transaction_uuid, fred, "
           "payment_method=details('4e91a978-f7c6-4e38-b6c0-5167a1360398'))[0]", "None"),
    (None, "c.next_callout('4e91a978-f7c6-4e38-b6c0-5167a1360398', uuid.uuid4(), "
           "{'success': '1', 'ref': 'abc123'})[0].status", "'purchased'"),
    ("demo-redirect-post", f"reservation, _ = c.make_reservation({CAT})", None),
    (None, "c.make_purchase(reservation.trolley.transaction_uuid, fred, "
           "payment_method=details('a-token-of-our-own'))[1].type", "'post'"),
    # ---- Stripe
    ("demo-stripe", f"trolley, _ = c.get_trolley({CAT})", None),
    (None, "reservation, _ = c.make_reservation(token=trolley.token, performance_id='7AA-4', "
           "ticket_type_code='STALLS', price_band_code='A/pool', number_of_seats=2)", None),
    (None, "reservation.trolley.bundles", "[<Bundle ext_test0>, <Bundle ext_test1>]"),
    (None, "c.make_purchase(reservation.trolley.transaction_uuid, fred, payment_method=StripeDetails("
           "{'ext_test0': 'tok_1ADFKNHIklODsaxB3LZqzvpX', 'ext_test1': 'tok_1ADFKgHIklODsaxBUr5gE6ca'}))[0].status",
     "'purchased'"),
    (None, "reservation, _ = c.make_reservation(token=trolley.token, performance_id='7AA-4', "
           "ticket_type_code='STALLS', price_band_code='A/pool', number_of_seats=2)", None),
    (None, "callout = c.make_purchase(reservation.trolley.transaction_uuid, fred, "
           "payment_method=StripeDetails({'ext_test0': 'tok_1ADFKNHIklODsaxB3LZqzvpX'}))[1]", None),
    (None, "callout.code", "'ext_test1'"),
    (None, "c.next_callout(callout.return_token, uuid.uuid4(), "
           "{'stripeToken': 'tok_1ADFKgHIklODsaxBUr5gE6ca'})[0].status", "'purchased'"),
    (None, "debitor = reservation.trolley.bundles[0].debitor", None),
    (None, "(debitor, debitor.description, debitor.type, debitor.name)",
     "(<Debitor stripe:stripe>, 'Stripe Debitor', 'stripe', 'stripe')"),
    (None, "debitor.integration_data", "{'publishable_key': 'pk_test_b7N9DOwbo4B9t6EqCf9jFzfa', "
                                       "'statement_descriptor': 'Test Stripe Account'}"),
    # ---- events that need no performance
    ("demo", "(c.get_event('7AA')[0].needs_performance, c.get_event('6KS')[0].needs_performance)", "(True, False)"),
    (None, "performances, meta = c.list_performances('6KS')", None),
    (None, "(performances, meta.auto_select)", "([<Performance 6KS-E3L>], True)"),
)
