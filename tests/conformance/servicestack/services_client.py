"""The helper routes of the TicketOrder door as the official JavaScript client of ServiceStack walks them: starts a
sandbox (KASSI_BINARY) on a free port and runs services.mjs.

The client comes by npm as for node_client.py. Where Node, npm or the client cannot be had, exits with 77 and says why.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402

NODE_MIN = 18  # fetch, FormData
RUN_SECONDS = 120
END_SECONDS = 60

# The proxy, where there is one, is for npm.
LOOPBACK_ONLY = {"NO_PROXY": "*", "no_proxy": "*"}


def main():
    binary = os.environ.get("KASSI_BINARY")
    if not binary:
        print("KASSI_BINARY names the program")
        return 2
    client = str(clients.by_npm(HERE, "servicestack-node", NODE_MIN))
    with tempfile.TemporaryDirectory(prefix="kassi-services-") as folder:
        log_path = pathlib.Path(folder, "log")
        with open(log_path, "w") as log:
            process = subprocess.Popen([binary, "sandbox", "--port", "0", "--data", folder + "/data"],
                                       stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
            try:
                ready = next((line for line in process.stdout if line.startswith("ready ")), None)
                if ready is None:
                    raise SystemExit("the sandbox did not start:\n" + log_path.read_text()[-3000:])
                environment = {**os.environ, **LOOPBACK_ONLY, "CLIENT_FOLDER": client,
                               "KASSI_URL": ready.split()[1].rstrip("/")}
                result = subprocess.run(["node", str(HERE / "services.mjs")], env=environment,
                                        timeout=RUN_SECONDS).returncode
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                status = process.wait(END_SECONDS)
                process.stdout.close()
        said = log_path.read_text()
    for secret in ("558740200001", "545533020000", "474152000000", "kassi3ds", "ts_", "tm_"):
        if secret in said:
            print(f"not ok - the log has {secret}")
            result = 1
    return result or status


if __name__ == "__main__":
    sys.exit(main())
