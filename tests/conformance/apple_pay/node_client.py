"""Tokens of the sandbox's Apple (KASSI_APPLE_PAY_TOKENS_PROGRAM prints them) as @basis-theory/apple-pay-js opens them: runs
client.mjs. That client checks no signature and no tag, so it is a judge of key agreement, wrapping and content only.

It comes by npm, in the version of package-lock.json, into a folder that is kept (KASSI_NODE_CACHE). Where Node, npm or
the client cannot be had, exits with 77 and says why.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "install"))
import clients  # noqa: E402

NODE_MIN = 16  # what the client wants
RUN_SECONDS = 60


def main():
    program = os.environ.get("KASSI_APPLE_PAY_TOKENS_PROGRAM")
    if not program:
        print("KASSI_APPLE_PAY_TOKENS_PROGRAM names the program")
        return 2
    cache = clients.by_npm(HERE, "apple-pay-node", NODE_MIN)
    tokens = subprocess.run([program], capture_output=True, check=True, timeout=RUN_SECONDS).stdout
    return subprocess.run(["node", str(HERE / "client.mjs")], input=tokens, timeout=RUN_SECONDS,
                          env={**os.environ, "CLIENT_FOLDER": str(cache)}).returncode


if __name__ == "__main__":
    sys.exit(main())
