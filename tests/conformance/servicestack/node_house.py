"""The TicketOrder door of a running sandbox as the official JavaScript clients of ServiceStack see it, the present one and an
older one: runs house.mjs with each.

They come by npm, in the versions of package-lock.json, into a folder that is kept (KASSI_NODE_CACHE). Where Node, npm or the
clients cannot be had, exits with 77 and says why.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402
import house  # noqa: E402

NODE_MIN = 18  # fetch, getSetCookie
RUN_SECONDS = 120
CLIENTS = ("@servicestack/client", "servicestack-client-1")


def main():
    folder = str(clients.by_npm(HERE, "servicestack-node", NODE_MIN))
    failed = 0
    with house.running() as places:
        for name in CLIENTS:
            print(name, flush=True)
            environment = {**os.environ, "NO_PROXY": "*", "no_proxy": "*", "CLIENT_FOLDER": folder, "CLIENT_NAME": name,
                           "KASSI_URL": places.url, "LEDGER_URL": places.ledger, "FAULTS_URL": places.faults}
            failed += subprocess.run(["node", str(HERE / "house.mjs")], env=environment, timeout=RUN_SECONDS).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
