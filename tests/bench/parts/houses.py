"""Starts what is measured: a house on fresh data, its bare rivals, and the load."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request

API_KEY = "key-of-the-box-office"
CALLER, PASSWORD = "demo", "demopass"
PATIENCE = 120  # seconds; only what hangs takes so long


class Failed(Exception):
    pass


class Binaries:
    """The programs of a release build."""

    def __init__(self, build):
        self.kassi = build / "kassi"
        self.load = build / "tests" / "bench_load"
        self.bare_http = build / "tests" / "bench_bare_http"
        self.bare_sqlite = build / "tests" / "bench_bare_sqlite"
        self.apple_pay = build / "tests" / "apple_pay_bench"
        self.houses = build / "tests" / "bench_houses"
        self.history = build / "tests" / "bench_history"
        self.counters = build / "tests" / "bench_counters.so"


def run(*words, **more):
    """A command to its end; what it printed. Failed when it did not end well."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=3600, **more)
    if done.returncode != 0:
        raise Failed(f"{pathlib.Path(str(words[0])).name} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


class Process:
    """One that prints where it is to be found."""

    def __init__(self, words, log, environment=None):
        self.log = log
        with open(log, "ab") as file:
            self.process = subprocess.Popen([str(word) for word in words], stdout=file, stderr=file,
                                            stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        self.pid = self.process.pid

    def wait_for(self, pattern):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if match := re.search(pattern, self.log.read_text(), re.MULTILINE):
                return match
            if self.process.poll() is not None:
                break
            time.sleep(0.002)
        raise Failed(f"{self.log.name}: no line fits {pattern}:\n{self.log.read_text()[-2000:]}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)


class House:
    """`kassi serve` on data of its own, with a booking system, a caller and the ways of paying given."""

    def __init__(self, binaries, folder, ways=("house-credit",), merchants="", settings=""):
        self.binaries, self.folder = binaries, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.counters = folder / "counters"
        self.secret("master.key", "00" * 32)
        password = run(binaries.kassi, "hash-password", input=PASSWORD).strip()
        self.file = self.secret("kassi.toml", f"""mode = "sandbox"
public_url = "http://127.0.0.1:1"
data = "data"
master_key_file = "master.key"
{settings}
[listen]
port = 0
[operators]
port = 0
[[system]]
name = "box-office"
key_digests = ["{hashlib.sha256(API_KEY.encode()).hexdigest()}"]
[[merchant]]
name = "house-credit"
provider = "on_credit"
{merchants}
[[caller]]
name = "{CALLER}"
system = "box-office"
password_hash = "{password}"
return_hosts = ["127.0.0.1:9"]
ways = {{ "*" = {json.dumps(list(ways))} }}
""")

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start(self):
        self.counters.write_bytes(bytes(16))
        log = self.folder / "log"
        log.write_bytes(b"")
        began = time.monotonic()
        self.process = Process([self.binaries.kassi, "serve", "--config", self.file], log, {
            "LD_PRELOAD": str(self.binaries.counters), "KASSI_BENCH_COUNTERS": str(self.counters)})
        line = json.loads(self.process.wait_for(r'^.*"event":"serving".*$').group(0))
        self.ready_after = time.monotonic() - began
        self.port = int(line["doors"].rsplit(":", 1)[1])
        self.operators = int(line["operators"].rsplit(":", 1)[1])
        return self

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.operators}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        return int(re.search(rf"^{name} (-?\d+)$", text, re.MULTILINE).group(1))

    def memory(self, name="VmRSS"):
        """MiB; VmHWM is the most that it ever was."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE).group(1)) / 1024

    def load(self, scenario, connections, *more):
        return load(self.binaries, self.port, scenario, connections, "--operators", self.operators,
                    "--server", self.process.pid, "--counters", self.counters, *more)

    def end(self):
        if self.process.end() != 0:
            raise Failed("the house did not end well: " + (self.folder / "log").read_text()[-2000:])

    def kill(self):
        self.process.kill()

    def data_bytes(self):
        return sum(file.stat().st_size for file in self.data.iterdir() if file.name.startswith("kassi.db"))

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def load(binaries, port, scenario, connections, *more):
    return json.loads(run(binaries.load, "--port", port, "--scenario", scenario, "--connections", connections,
                          "--api-key", API_KEY, "--caller", CALLER, "--password", PASSWORD, *more))


class BareHttp:
    """The answers that a house gave, and nothing behind them."""

    def __init__(self, binaries, folder, answers):
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "bare-http.log"
        log.write_bytes(b"")
        self.binaries = binaries
        self.process = Process([binaries.bare_http, answers], log)
        self.port = int(self.process.wait_for(r"^port (\d+)$").group(1))

    def load(self, scenario, connections, *more):
        return load(self.binaries, self.port, scenario, connections, "--server", self.process.pid, *more)

    def kill(self):
        self.process.kill()


def bare_sqlite(binaries, folder, sample, seconds, group):
    """The rows of `sample`, written by nothing but SQLite."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return json.loads(run(binaries.bare_sqlite, "--sample", sample, "--directory", folder, "--group", group,
                              "--seconds", seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Providers:
    """Stripe and a redirect house, in a process of their own."""

    def __init__(self, binaries, folder, latency_ms):
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"houses-{latency_ms}.log"
        log.write_bytes(b"")
        self.process = Process([binaries.houses, "--latency", latency_ms], log)
        self.pid = self.process.pid
        self.url = "http://127.0.0.1:" + self.process.wait_for(r"^port (\d+)$").group(1)

    def kill(self):
        self.process.kill()

    def house(self, binaries, folder, way, settings=""):
        """One whose payments go by `way`, "cards" or "acme"."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("stripe.key", "sk_test_OfTheBench"), ("webhook.key", "whsec_OfTheBench"),
                           ("acme.key", "key-of-the-bench"), ("acme-notice.key", "secret-of-the-bench")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        return House(binaries, folder, (way,), f"""
[[merchant]]
name = "cards"
provider = "stripe"
base_url = "{self.url}"
simulator = true
[merchant.settings]
publishable_key = "pk_test_OfTheBench"
script_url = "{self.url}/stripe/v3/"
[merchant.secrets]
secret_key = {{ file = "stripe.key" }}
webhook_secret = {{ file = "webhook.key" }}
[[merchant]]
name = "acme"
provider = "redirect"
base_url = "{self.url}/redirect/v1"
[merchant.secrets]
api_key = {{ file = "acme.key" }}
notice_secret = {{ file = "acme-notice.key" }}
""", settings)
