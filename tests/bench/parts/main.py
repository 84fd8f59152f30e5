"""The command line: builds what is missing, measures what is asked for, prints and writes what was found."""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from parts import apple_pay, credit, history, houses, machine, providers, table
from parts.settings import Settings

TREE = pathlib.Path(__file__).resolve().parents[3]
PARTS = {"credit": credit.measure_credit, "status": credit.measure_status, "redirect": providers.measure_redirect,
         "stripe": providers.measure_stripe, "in-flight": providers.measure_in_flight,
         "history": history.measure_history, "apple-pay": apple_pay.measure_apple_pay}
QUICK = ["credit", "status"]


def arguments(words):
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measures the house against this machine.")
    parser.add_argument("--scenario", action="append", choices=list(PARTS), help="only these; default all")
    parser.add_argument("--quick", action="store_true", help="credit and status in under a minute, less exact")
    parser.add_argument("--rounds", type=int, help="rounds that count (default 5, quick 2)")
    parser.add_argument("--rounds-max", type=int, help="with those that are thrown away (default twice as many)")
    parser.add_argument("--seconds", type=float, help="that are measured each time (default 4, quick 1.2)")
    parser.add_argument("--history", type=int, help="transactions on disk (default 100,000; the target is for 5,000,000)")
    parser.add_argument("--due", type=int, help="reservations that a sweep finds (default 100,000)")
    parser.add_argument("--build", type=pathlib.Path, help="a build as it is (default: build/release, brought up to date)")
    parser.add_argument("--json", type=pathlib.Path, help="a file for everything that was found")
    parser.add_argument("--folder", type=pathlib.Path, help="on the disk to measure (default: the build folder)")
    return parser.parse_args(words)


def built():
    """The programs, as release build; what is missing is built."""
    folder = TREE / "build" / "release"
    if not (folder / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", "bench"], cwd=TREE, check=True,
                   stdout=subprocess.DEVNULL)
    return houses.Binaries(folder)


def settings_of(given, folder):
    settings = Settings(houses.Binaries(given.build.resolve()) if given.build else built(), folder)
    if given.quick:
        settings.quick, settings.rounds, settings.warm, settings.seconds = True, 2, 0.4, 1.2
    if given.rounds:
        settings.rounds = given.rounds
    if given.seconds:
        settings.seconds = given.seconds
    settings.history = given.history or settings.history
    settings.due = given.due or settings.due
    settings.rounds_max = given.rounds_max or (settings.rounds if given.quick else 2 * settings.rounds)
    return settings


def measure(settings, scenarios):
    """Name -> figures, the targets beside them, and whether all could be measured."""
    found, targets = {}, []
    sample = credit.Sample(settings)
    whole = True
    for scenario in scenarios:
        try:
            figures, wanted = PARTS[scenario](settings, sample)
        except (houses.Failed, subprocess.TimeoutExpired) as error:
            settings.notes.append(f"{scenario}: FAILED, {error}")
            whole = False
            continue
        found.update(figures)
        targets += wanted
    return found, targets, whole


def report(settings, found, targets, to_file):
    about = machine.description()
    settings.say("")
    settings.say(f"{about['cores']} cores of {about['clock_ghz']} GHz, {about['memory_gib']} GiB; "
                 f"{settings.rounds} rounds of {settings.seconds} s")
    settings.say(table.of_measures(found))
    settings.say("")
    settings.say(table.of_targets(targets))
    for note in settings.notes:
        settings.say("Note: " + note)
    if to_file:
        everything = {"machine": about, "rounds": settings.rounds, "seconds": settings.seconds, "notes": settings.notes,
                      "measured": found, "targets": [target.json() for target in targets]}
        to_file.write_text(json.dumps(everything, indent=1) + "\n")


def main(words):
    given = arguments(words)
    place = given.folder or TREE / "build"
    place.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=place))
    try:
        if machine.on_memory_only(folder):
            raise houses.Failed(f"{place} is in memory: nothing there is durable (--folder)")
        settings = settings_of(given, folder)
        found, targets, whole = measure(settings, given.scenario or (QUICK if given.quick else list(PARTS)))
        report(settings, found, targets, given.json)
    except (houses.Failed, subprocess.CalledProcessError) as error:
        print(f"tests/bench/run: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if whole else 1
