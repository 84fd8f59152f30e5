"""Adds up what all suites of one ./tests/run said, and prints the last line of it.

Reads <folder>/*.xml (JUnit, as ctest writes it) and <folder>/steps (a line each: "passed" or "failed", a tab, a
name); or one report alone. A report that cannot be read counts as a failure, and so does a test that did not run and
did not say why: silence is not success.
"""

import pathlib
import sys
import xml.etree.ElementTree as tree


# The test itself said so (SKIP_RETURN_CODE, SKIP_REGULAR_EXPRESSION, with it GTEST_SKIP). ctest calls skipped, too,
# what it could not start.
DECLARED_SKIP = "SKIP_"


def count(path):
    passed, failed, skipped, names = 0, 0, 0, []
    for report in sorted(path.glob("*.xml")) if path.is_dir() else [path]:
        try:
            root = tree.parse(report).getroot()
        except (tree.ParseError, OSError) as error:
            failed += 1
            names.append(f"{report.name}: {error}")
            continue
        for case in root.iter("testcase"):
            name = f"{report.stem} {case.get('name')}"
            reason = case.find("skipped")
            if reason is not None and reason.get("message", "").startswith(DECLARED_SKIP):
                skipped += 1
                print(f"skipped: {name}")
            elif case.get("status") == "run" and all(case.find(tag) is None for tag in ("skipped", "failure", "error")):
                passed += 1
            else:
                failed += 1
                why = "" if reason is None else f" ({reason.get('message')})"
                names.append(name + why)
    steps = path / "steps"
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
