"""The sandbox's Stripe as the official Node client sees it: starts `kassi sandbox` (KASSI_BINARY) on a free port and
runs client.mjs against it.

The client comes by npm, in the version of package-lock.json, into a folder that is kept (KASSI_NODE_CACHE). Where Node,
npm or the client cannot be had, exits with 77 and says why.
"""

import os
import pathlib
import subprocess
import sys

from sandbox import running

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402

NODE_MIN = 20  # what the client wants
RUN_SECONDS = 150


def main():
    if not os.environ.get("KASSI_BINARY"):
        print("KASSI_BINARY names the program")
        return 2
    cache = clients.by_npm(HERE, "stripe-node", NODE_MIN)
    with running() as house:
        environment = {**os.environ, "HOUSE_URL": house.url, "SANDBOX_URL": house.sandbox,
                       "SECRET_KEY": house.secret_key, "PUBLISHABLE_KEY": house.publishable_key,
                       "WEBHOOK_SECRET": house.webhook_secret, "CLIENT_FOLDER": str(cache)}
        return subprocess.run(["node", str(HERE / "client.mjs")], env=environment, timeout=RUN_SECONDS).returncode


if __name__ == "__main__":
    sys.exit(main())
