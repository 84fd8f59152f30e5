#!/usr/bin/python3
"""How many instructions a payment costs, counted by callgrind, beside what was recorded in instructions.json.

    instructions.py WORKLOAD            fails when a payment costs more than the tolerance allows
    instructions.py WORKLOAD --record   writes down what it costs now
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

RECORD = pathlib.Path(__file__).with_name("instructions.json")
FEW, MANY = 50, 150  # payments; the difference is without the start
SKIPPED = 77


def counted(workload, payments):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", workload, str(payments)],
                              capture_output=True, text=True)
    total = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not total:
        sys.exit(f"the workload did not end well ({done.returncode}):\n{done.stderr[-2000:]}")
    return int(total.group(1))


def main(words):
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        return SKIPPED
    now = (counted(words[0], MANY) - counted(words[0], FEW)) // (MANY - FEW)
    if words[1:] == ["--record"]:
        RECORD.write_text(json.dumps({"instructions_a_payment": now, "tolerance_percent": 3}, indent=1) + "\n")
        print(f"{now:,} instructions a payment, recorded")
        return 0
    record = json.loads(RECORD.read_text())
    before, tolerance = record["instructions_a_payment"], record["tolerance_percent"]
    change = 100 * (now - before) / before
    print(f"{now:,} instructions a payment, {change:+.2f} % of the {before:,} recorded")
    if change > tolerance:
        print(f"that is more than {tolerance} % more. What is worth it is recorded: {sys.argv[0]} {words[0]} --record")
        return 1
    if change < -tolerance:
        print("record it, so that it is kept")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
