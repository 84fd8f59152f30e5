"""A sandbox (KASSI_BINARY) on free ports, and where its Borgun keeps its books."""

import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "flow"))
from kassi import Process, http  # noqa: E402


class Places:
    def __init__(self, url):
        self.url = url
        self.sandbox = http("GET", url + "/sandbox").json()
        borgun = next(each for each in self.sandbox["simulators"] if each["name"] == "borgun")
        self.ledger, self.faults = borgun["ledger"], borgun["faults"]

    def account(self, name):
        return next(each for each in self.sandbox["accounts"] if each["name"] == name)

    def charges(self):
        return sum(entry["kind"] == "taken" for entry in http("GET", self.ledger).json()["entries"])


@contextlib.contextmanager
def running():
    process = Process("sandbox", "--port", 0)
    try:
        yield Places(process.wait_for(r"^ready (http://127\.0\.0\.1:\d+)/$").group(1))
    finally:
        process.end()
