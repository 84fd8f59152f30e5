"""Hand-over and purchase on credit, and reading the outcome, beside the two ceilings of the machine."""

import shutil

from parts import houses, machine, measures
from parts.rounds import alternate
from parts.table import Target

READS = ("status", "status-f13")


class Sample:
    """What a real house answered and wrote in this very run: the bare rivals take sizes and words from it."""

    def __init__(self, settings):
        folder = settings.folder / "sample"
        self.answers = folder / "answers"
        self.answers.mkdir(parents=True)
        house = houses.House(settings.binaries, folder).start()
        house.load("hand-over", 4, "--payments", 50)
        house.load("credit", 4, "--payments", 200, "--capture", self.answers)
        for scenario in READS:
            house.load(scenario, 4, "--prepared", 100, "--warm", 0.1, "--seconds", 0.1, "--capture", self.answers)
        house.end()
        self.database = house.data / "kassi.db"


def fresh(settings, name):
    shutil.rmtree(settings.folder / name, ignore_errors=True)
    return houses.House(settings.binaries, settings.folder / name).start()


def credit(settings, connections):
    """On a house without any history."""
    house = fresh(settings, "credit")
    before = house.data_bytes()
    result = house.load("credit", connections, *settings.times())
    house.end()
    found = measures.of_load(result)
    found["database_kb"] = (house.data_bytes() - before) / result["bought_ever"] / 1000
    house.remove()
    return found


def bare_http(settings, sample, scenario, connections):
    rival = houses.BareHttp(settings.binaries, settings.folder / "rival", sample.answers)
    try:
        return measures.of_load(rival.load(scenario, connections, *settings.times()))
    finally:
        rival.kill()


def bare_sqlite(settings, sample):
    watch = machine.Stopwatch()
    result = houses.bare_sqlite(settings.binaries, settings.folder / "bare", sample.database, settings.seconds,
                                settings.group)
    return {"payments_s": result["payments"] / result["seconds"], "syncs": result["commits"] / result["payments"],
            "database_kb": result["database_bytes_a_payment"] / 1000, "foreign_cores": watch.foreign_cores()}


def measure_credit(settings, sample):
    def one_round(_):
        found = {"credit, 64 connections": credit(settings, 64), "bare HTTP, 64": bare_http(settings, sample, "credit", 64),
                 "bare SQLite": bare_sqlite(settings, sample), "credit, 256 connections": credit(settings, 256)}
        ceiling = measures.composite(found["bare HTTP, 64"]["requests_s"], found["bare SQLite"]["payments_s"])
        for name in ("credit, 64 connections", "credit, 256 connections"):
            found[name]["ratio"] = found[name]["payments_s"] / ceiling
            found[name]["ratio_to_http"] = found[name]["requests_s"] / found["bare HTTP, 64"]["requests_s"]
            found[name]["ratio_to_sqlite"] = found[name]["payments_s"] / found["bare SQLite"]["payments_s"]
        return found

    found = alternate(settings, "credit", one_round)
    at_64, at_256 = found["credit, 64 connections"], found["credit, 256 connections"]

    def median(figures, name):
        return figures[name]["median"]

    return found, [
        Target("on credit: payments/s to 1/(2/a + 1/b)", median(at_64, "ratio"), ">=", 0.5),
        Target("CPU a payment, us, 64 connections", median(at_64, "cpu_us"), "<=", 200, 0),
        Target("written a payment, KB, 64 connections", median(at_64, "written_kb"), "<=", 30, 1),
        Target("data base a payment, KB", median(at_64, "database_kb"), "<=", 4),
        Target("p99 to p50, 64 connections", median(at_64, "p99_to_p50"), "<", 8, 1),
        Target("fsyncs a payment, 256 connections", median(at_256, "syncs"), "<=", 0.05, 3)]


def reads(settings, scenario):
    house = fresh(settings, "reads")
    result = house.load(scenario, 64, *settings.times())
    house.end()
    house.remove()
    return of_reads(result)


def of_reads(result):
    found = measures.of_load(result)
    for name in ("written_kb", "syncs"):
        found.pop(name)
    return found


def measure_status(settings, sample):
    def one_round(_):
        found = {}
        for scenario in READS:
            house, bare = reads(settings, scenario), bare_http(settings, sample, scenario, 64)
            house["ratio"] = house["requests_s"] / bare["requests_s"]
            found[scenario + ", 64 connections"], found["bare HTTP, " + scenario] = house, bare
        return found

    found = alternate(settings, "status", one_round)
    return found, [Target(f"{scenario} reads/s to bare HTTP", found[scenario + ", 64 connections"]["ratio"]["median"], ">=", 0.7)
                   for scenario in READS]
