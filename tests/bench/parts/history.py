"""What a long history costs: payments beside those of an empty house, the start, the sweep, idle memory."""

import json
import re
import shutil
import statistics
import time

from parts import credit, houses, machine, measures
from parts.rounds import alternate
from parts.table import Target

STARTS = 11
REST_SECONDS = 5  # after a start, for what it begins beside: the filter of keys
SWEEPS_MAX = 200


def fill(settings, house, *what):
    return json.loads(houses.run(settings.binaries.history, "--directory", house.data, *what))


def starts(house):
    """Seconds until it serves, many times; memory of one that has nothing to do."""
    times, memory = [], 0.0
    for left in reversed(range(STARTS)):
        house.start()
        times.append(house.ready_after)
        if left == 0:
            time.sleep(REST_SECONDS)
            memory = house.memory()
        house.end()
    return {"ready_ms": statistics.median(times) * 1000, "ready_max_ms": max(times) * 1000, "rss_mib": memory}


def with_history(settings, house):
    house.start()
    result = house.load("credit", 64, *settings.times())
    house.end()
    return measures.of_load(result)


def rounds(settings, house):
    def one_round(_):
        empty, full = credit.credit(settings, 64), with_history(settings, house)
        full["ratio"] = full["payments_s"] / empty["payments_s"]
        return {"credit, no history": empty, f"credit, {settings.history:,} on disk": full}
    return alternate(settings, "history", one_round)


def still_open(settings, house):
    status = houses.run(settings.binaries.kassi, "status", "--config", house.file)
    return int(re.search(r", (\d+) open, ", status).group(1))


def sweep(settings, house):
    """`kassi sweep` while no server runs: it does the work itself. Again until nothing is due any more."""
    fill(settings, house, "--due", settings.due)
    watch, took, runs = machine.Stopwatch(), 0.0, 0
    while still_open(settings, house) > 0:
        if runs == SWEEPS_MAX:
            raise houses.Failed(f"{runs} sweeps left something open")
        began = time.monotonic()
        houses.run(settings.binaries.kassi, "sweep", "--config", house.file)
        took += time.monotonic() - began
        runs += 1
    if runs > 1:
        settings.notes.append(f"sweep: {runs} runs of it were needed until nothing was due")
    found = {"due_s": settings.due / took, "sweeps": runs, "foreign_cores": watch.foreign_cores()}
    if found["foreign_cores"] >= machine.FOREIGN_MAX:
        settings.notes.append(f"sweep: others used {found['foreign_cores']:.2f} cores")
    return found


def measure_history(settings, _):
    house = houses.House(settings.binaries, settings.folder / "history")
    empty = starts(houses.House(settings.binaries, settings.folder / "empty"))
    settings.say(f"history: writing {settings.history:,} transactions")
    filled = fill(settings, house, "--bought", settings.history)
    settings.say(f"history: written in {filled['seconds']:.0f} s, {house.data_bytes() / 1e6:,.0f} MB")
    full = starts(house)
    found = rounds(settings, house)
    swept = sweep(settings, house)
    settings.say(f"sweep: {swept['due_s']:,.0f} due/s")
    houses.run(settings.binaries.kassi, "verify", "--config", house.file)
    shutil.rmtree(house.folder, ignore_errors=True)
    name = f"credit, {settings.history:,} on disk"
    for figures, one in (("start, empty", empty), (f"start, {settings.history:,} on disk", full),
                         (f"sweep, {settings.due:,} due", swept)):
        found[figures] = measures.over_rounds([one])
    return found, [
        Target(f"rate with {settings.history:,} on disk to an empty one's", found[name]["ratio"]["median"], ">=", 0.9),
        Target("ready, empty, ms", empty["ready_ms"], "<", 100, 0),
        Target(f"ready, {settings.history:,} on disk, ms", full["ready_ms"], "<", 1000, 0),
        Target("idle memory, MiB", full["rss_mib"], "<", 40, 0),
        Target(f"sweep of {settings.due:,}, due/s", swept["due_s"], ">=", 20_000, 0)]
