"""The behave features of pyticketswitch's own repository against the sandbox.

They are neither in its package nor in this repository: KASSI_CLIENT_FEATURES names the folder `features` of a checkout
of ingresso-group/pyticketswitch. Without it this exits with 77 and says so. The features are run as they are. Their
steps call the client's default address and record with vcr, so a sitecustomize gives the client our address, and a vcr
that records nothing stands in for the real one.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import conformance
from clients import run, skip
from conformance import sandbox

WANTED = ("behave==1.2.6", "PyHamcrest==2.1.0", "setuptools<81")  # behave 1.2.6 looks for pkg_resources

# Scenarios of accounts that the sandbox does not have yet. A line that is deleted here enables its scenario.
NOT_YET = {
}

SITECUSTOMIZE = '''
import os
import pyticketswitch.client

original = pyticketswitch.client.Client.get_url


def get_url(self, end_point):
    return original(self, end_point).replace(self.url, os.environ["KASSI_URL"], 1)


pyticketswitch.client.Client.get_url = get_url
'''

VCR = '''
def use_cassette(*names, **options):
    return lambda function: function


class VCR:
    def __init__(self, **options):
        pass

    use_cassette = staticmethod(use_cassette)
'''


def tools():
    """behave and what its steps need, beside the client's environment."""
    folder = pathlib.Path(sys.prefix) / "behave"
    stamp = folder / "made-from"
    if not stamp.exists() or stamp.read_text() != " ".join(WANTED):
        run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target",
             str(folder), *WANTED])
        stamp.write_text(" ".join(WANTED))
    return folder


def scenarios(features):
    names = []
    for path in sorted(features.glob("*.feature")):
        names += re.findall(r"^\s*Scenario: (.*?)\s*$", path.read_text(encoding="utf-8"), re.M)
    return names


def main():
    given = os.environ.get("KASSI_CLIENT_FEATURES")
    if not given:
        skip("the client's features are not in its package, and KASSI_CLIENT_FEATURES names no folder that has them")
    features = pathlib.Path(given)
    names = scenarios(features)
    if not names:
        skip(f"no scenario in {features}")
    with tempfile.TemporaryDirectory(prefix="kassi-behave-") as folder, sandbox(folder) as url:
        stubs = pathlib.Path(folder) / "stubs"
        stubs.mkdir()
        (stubs / "sitecustomize.py").write_text(SITECUSTOMIZE)
        (stubs / "vcr.py").write_text(VCR)
        results = pathlib.Path(folder) / "results.json"
        command = [sys.executable, "-m", "behave", str(features), "--format", "json", "--outfile", str(results),
                   "--no-summary", "--no-capture", "--no-skipped"]
        for name in names:
            if name not in NOT_YET:
                command += ["--name", "^" + re.escape(name) + "$"]
        environment = dict(os.environ, KASSI_URL=url, PYTHONPATH=os.pathsep.join((str(stubs), str(tools()))))
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
        passed, failed = 0, 0
        for feature in json.loads(results.read_text()) if results.exists() and results.stat().st_size else []:
            for scenario in feature.get("elements", []):
                if scenario["type"] != "scenario" or scenario.get("status") == "skipped":
                    continue
                if scenario.get("status") == "passed":
                    passed += 1
                    continue
                failed += 1
                step = next((step for step in scenario["steps"] if step.get("result", {}).get("status") != "passed"), {})
                print(f"FAILED {feature['name']}: {scenario['name']}: {step.get('name')}\n    "
                      + "\n    ".join(str(line) for line in step.get("result", {}).get("error_message", [])))
    for name in names:
        if name in NOT_YET:
            print(f"not run: {name}: {NOT_YET[name]}")
    wanted = len([name for name in names if name not in NOT_YET])
    if passed + failed != wanted:
        print(f"of {wanted} scenarios {passed + failed} were run\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}")
        failed += 1
    print(f"behave: {passed} scenarios passed, {failed} failed")
    return 1 if failed or conformance.Count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
