"""The pieces of the TicketOrder door as the official JavaScript client of ServiceStack sees them: runs client.mjs, which
starts the pipe (KASSI_PIPE) and puts a server on loopback before it.

The client comes by npm, in the version of package-lock.json, into a folder that is kept (KASSI_NODE_CACHE). Where Node,
npm or the client cannot be had, exits with 77 and says why.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
NODE_MIN = 18  # fetch, FormData
INSTALL_SECONDS = 120
RUN_SECONDS = 120

# The proxy, where there is one, is for npm.
LOOPBACK_ONLY = {"NO_PROXY": "*", "no_proxy": "*"}


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


def installed():
    """The folder that has the client; made once for each list of packages."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=60).stdout.strip()
    if int(re.match(r"v(\d+)", version).group(1)) < NODE_MIN:
        skip(f"the client wants Node {NODE_MIN} or newer, and this is {version}")
    cache = pathlib.Path(os.environ.get("KASSI_NODE_CACHE") or HERE.parents[2] / "build" / "servicestack-node")
    files = [HERE / "package.json", HERE / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = cache / "made-from"
    if stamp.exists() and stamp.read_text() == digest:
        return cache
    cache.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, cache)
    try:
        made = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=cache,
                              capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        skip(str(error))
    if made.returncode != 0:
        said = (made.stderr or made.stdout).strip().splitlines()
        skip("the client cannot be installed: " + (said[-1] if said else "npm failed"))
    stamp.write_text(digest)
    return cache


def main():
    if not os.environ.get("KASSI_PIPE"):
        print("KASSI_PIPE names the program")
        return 2
    environment = {**os.environ, **LOOPBACK_ONLY, "CLIENT_FOLDER": str(installed())}
    return subprocess.run(["node", str(HERE / "client.mjs")], env=environment, timeout=RUN_SECONDS).returncode


if __name__ == "__main__":
    sys.exit(main())
