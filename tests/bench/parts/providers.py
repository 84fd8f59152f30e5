"""Payments that a provider takes part in: Stripe with and without latency, a redirect and its return, and many at once."""

import shutil
import time

from parts import houses, measures
from parts.rounds import alternate
from parts.table import Target

TOKEN = '{"stripe_token":"tok_visa"}'
SLOW_MS = 1_000  # long enough for all to be under way at the same time: most wait for their turn with the merchant
CALLED_OUT = 50_000
WARM = 15_000
KEYS_THAT_WAIT = 200_000  # src/store/claim_index.hpp


def one(settings, scenario, way, latency_ms, connections):
    folder = settings.folder / "provider"
    shutil.rmtree(folder, ignore_errors=True)
    provider = houses.Providers(settings.binaries, settings.folder / "street", latency_ms)
    house = None
    try:
        house = provider.house(settings.binaries, folder, way).start()
        result = house.load(scenario, connections, "--house", provider.pid, *(("--credential", TOKEN) if way == "cards" else ()),
                            *settings.times())
        house.end()
    finally:
        if house:
            house.kill()
        provider.kill()
    found = measures.of_load(result)
    found["house_cpu_us"] = result["houses_cpu"] / max(result["customers"], 1) * 1e6
    found["database_kb"] = house.data_bytes() / result["bought_ever"] / 1000
    house.remove()
    return found


def measure_redirect(settings, _):
    def one_round(_):
        return {"redirect and its return, 64 connections": one(settings, "redirect", "acme", 0, 64)}
    return alternate(settings, "redirect", one_round), []


def measure_stripe(settings, _):
    def one_round(_):
        return {"Stripe, 0 ms, 64 connections": one(settings, "stripe", "cards", 0, 64),
                "Stripe, 50 ms, 256 connections": one(settings, "stripe", "cards", 50, 256)}
    return alternate(settings, "stripe", one_round), []


def calls_under_way(house):
    return house.metric("kassi_provider_calls_open") + house.metric("kassi_provider_calls_waiting")


def until_settled(house, patience=600):
    """Seconds until nothing of `cards` is open; the most calls that were open or waited for their turn at once."""
    began, most = time.monotonic(), 0
    while time.monotonic() - began < patience:
        most = max(most, calls_under_way(house))
        if house.metric("kassi_transactions_open") == 0:
            return time.monotonic() - began, most
        time.sleep(0.2)
    raise houses.Failed("payments in flight never came to an end")


def away(settings, provider):
    """How much memory customers cost who are at a provider's page."""
    house = provider.house(settings.binaries, settings.folder / "away", "acme").start()
    try:
        # Keys that wait for their index, pools and caches: what is bounded is full.
        house.load("hand-over", 64, "--payments", KEYS_THAT_WAIT)
        house.load("away", 64, "--payments", WARM)
        before = house.memory()
        house.load("away", 64, "--payments", CALLED_OUT)
        after, most = house.memory(), house.memory("VmHWM")
        house.end()
    finally:
        house.kill()
        house.remove()
    return {"rss_mib": after, "peak_mib": most, "bytes_a_payment": (after - before) * 2**20 / CALLED_OUT}


def in_flight(settings, provider):
    """All of them wait at the same time: for Stripe's answer, or for their turn to ask."""
    house = provider.house(settings.binaries, settings.folder / "flight", "cards",
                           f"[times]\nanswer_within = 1\n[load]\nconnections = {2 * settings.in_flight}\n"
                           f"merchant_calls_waiting = {4 * settings.in_flight}").start()
    try:
        result = house.load("in-flight", settings.in_flight, "--payments", settings.in_flight, "--credential", TOKEN,
                            "--house", provider.pid)
        begun = calls_under_way(house)
        took, most = until_settled(house)
        found = {"rss_mib": house.memory(), "peak_mib": house.memory("VmHWM"), "begun_in_s": result["seconds"],
                 "calls_open": max(begun, most), "settled_in_s": took}
        house.end()
    finally:
        house.kill()
        house.remove()
    return found


def measure_in_flight(settings, _):
    slow = houses.Providers(settings.binaries, settings.folder / "street", SLOW_MS)
    try:
        flying = in_flight(settings, slow)
    finally:
        slow.kill()
    quick = houses.Providers(settings.binaries, settings.folder / "street", 0)
    try:
        gone = away(settings, quick)
    finally:
        quick.kill()
    together = flying["peak_mib"] + max(0, gone["bytes_a_payment"]) * CALLED_OUT / 2**20
    found = {f"{settings.in_flight:,} in flight at Stripe": measures.over_rounds([flying]),
             f"{CALLED_OUT:,} customers called out": measures.over_rounds([gone])}
    return found, [
        Target("calls open or waiting at once", flying["calls_open"], ">=", settings.in_flight, 0),
        Target("memory a called-out payment, bytes", gone["bytes_a_payment"], "<=", 32, 0),
        Target("in flight and called out together, MiB", together, "<", 200, 0)]
