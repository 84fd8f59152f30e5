"""The check of an Apple Pay token beside one verification on P-256, both alternating in one process."""

import re

from parts import houses, machine, measures


def measure_apple_pay(settings, _):
    if not settings.binaries.apple_pay.exists():
        settings.notes.append("apple-pay: not built, Google Benchmark is not installed")
        return {}, []
    rounds = []
    for _ in range(settings.rounds):
        watch = machine.Stopwatch()
        text = houses.run(settings.binaries.apple_pay, "--benchmark_filter=none")
        token, signature, ratio = re.search(
            r"a token \(EC_v1\): median ([0-9.]+) us.*median ([0-9.]+) us; ratio ([0-9.]+)", text).groups()
        rounds.append({"p50_ms": float(token) / 1000, "cpu_us": float(token), "p256_us": float(signature),
                       "ratio_to_p256": float(ratio), "foreign_cores": watch.foreign_cores()})
    return {"Apple Pay token checked": measures.over_rounds(rounds)}, []
