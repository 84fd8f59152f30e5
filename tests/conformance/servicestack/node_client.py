"""The pieces of the TicketOrder door as the official JavaScript client of ServiceStack sees them: runs client.mjs, which
starts the pipe (KASSI_PIPE) and puts a server on loopback before it.

The client comes by npm, in the version of package-lock.json, into a folder that is kept (KASSI_NODE_CACHE). Where Node,
npm or the client cannot be had, exits with 77 and says why.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402

NODE_MIN = 18  # fetch, FormData
RUN_SECONDS = 120

# The proxy, where there is one, is for npm.
LOOPBACK_ONLY = {"NO_PROXY": "*", "no_proxy": "*"}


def main():
    if not os.environ.get("KASSI_PIPE"):
        print("KASSI_PIPE names the program")
        return 2
    environment = {**os.environ, **LOOPBACK_ONLY, "CLIENT_FOLDER": str(clients.by_npm(HERE, "servicestack-node", NODE_MIN))}
    return subprocess.run(["node", str(HERE / "client.mjs")], env=environment, timeout=RUN_SECONDS).returncode


if __name__ == "__main__":
    sys.exit(main())
