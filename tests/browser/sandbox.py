"""`kassi sandbox` as a process, for the tests of this folder."""

import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

BINARY = os.environ.get("KASSI_BINARY", "")
STOP_SECONDS = 30
SKIPPED = 77  # exit status that ctest takes for it


class Sandbox:
    """On a free port; `data` None: a temporary directory of its own."""

    def __init__(self, data=None):
        command = [BINARY, "sandbox", "--port", "0"] + (["--data", data] if data else [])
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.said = []
        self.url = None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("ready http://"):
                self.url = line.split()[1].rstrip("/")
                break
        if self.url is None:
            self.errors.seek(0)
            raise RuntimeError("the sandbox did not start: " + self.errors.read())
        self.map = self.json("GET", "/sandbox")[1]
        self.simulator = self.map["simulators"][0]["url"]
        self.data = data or next(line.split()[1] for line in self.said if line.strip().startswith("Data"))

    def ask(self, method, address, body=None, headers=None):
        """Status, headers and text; redirects are not followed."""
        if address.startswith("/"):
            address = self.url + address
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(address, data=data, method=method, headers=headers or {})
        try:
            with OPENER.open(request, timeout=STOP_SECONDS) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def json(self, method, address, body=None, headers=None):
        status, _, text = self.ask(method, address, None if body is None else json.dumps(body), headers)
        return status, json.loads(text)

    def form(self, address, fields, headers=None):
        """Status and where it leads."""
        status, answered, text = self.ask("POST", address, urllib.parse.urlencode(fields), {
            "Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
        return status, answered.get("Location", ""), text

    def ledger(self):
        return self.json("GET", self.map["simulators"][0]["ledger"])[1]["entries"]

    def close(self):
        self.process.terminate()
        status = self.process.wait(timeout=STOP_SECONDS)
        self.said += self.process.stdout.readlines()
        self.process.stdout.close()
        self.errors.seek(0)
        self.log = self.errors.read()
        self.errors.close()
        return status


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects)
