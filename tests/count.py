"""Adds up what all suites of one ./tests/run said, and prints the last line of it.

Reads <folder>/*.xml (JUnit, as ctest writes it) and <folder>/steps (a line each: "passed" or "failed", a tab, a
name). A report that cannot be read counts as a failure: silence is not success.
"""

import pathlib
import sys
import xml.etree.ElementTree as tree


def count(folder):
    passed, failed, skipped, names = 0, 0, 0, []
    for report in sorted(folder.glob("*.xml")):
        try:
            root = tree.parse(report).getroot()
        except (tree.ParseError, OSError) as error:
            failed += 1
            names.append(f"{report.name}: {error}")
            continue
        for case in root.iter("testcase"):
            name = f"{report.stem} {case.get('name')}"
            status = case.get("status", "run")
            if status in ("notrun", "disabled") or case.find("skipped") is not None:
                skipped += 1
                print(f"skipped: {name}")
            elif status == "run" and case.find("failure") is None and case.find("error") is None:
                passed += 1
            else:
                failed += 1
                names.append(name)
    steps = folder / "steps"
    for line in steps.read_text().splitlines() if steps.exists() else []:
        outcome, _, name = line.partition("\t")
        if outcome == "passed":
            passed += 1
        else:
            failed += 1
            names.append(name)
    return passed, failed, skipped, names


def main():
    passed, failed, skipped, names = count(pathlib.Path(sys.argv[1]))
    for name in names:
        print(f"failed: {name}")
    if passed + failed == 0:
        failed = 1
        print("failed: no test ran")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
