"""The clients that we did not write: installed into a folder that is kept, once for each list of versions. Where one cannot be
had the test is skipped, with a line that says why."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77
INSTALL_SECONDS = 240


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


def run(command, **more):
    """Skips, with its last words, when it fails."""
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, **more)
    except (OSError, subprocess.TimeoutExpired) as error:
        skip(str(error))
    if made.returncode != 0:
        said = (made.stderr or made.stdout).strip().splitlines()
        skip("the client cannot be installed: " + (said[-1] if said else command[0] + " failed"))


def is_made(cache, files):
    """Whether the folder was made from these files; and what to write there when it is."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = cache / "made-from"
    return stamp.exists() and stamp.read_text() == digest, lambda: stamp.write_text(digest)


def by_npm(folder, cache_name, node_min):
    """package-lock.json of `folder`: the folder that has it installed (KASSI_NODE_CACHE, else build/<cache_name>)."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=60).stdout.strip()
    if int(re.match(r"v(\d+)", version).group(1)) < node_min:
        skip(f"the client wants Node {node_min} or newer, and this is {version}")
    cache = pathlib.Path(os.environ.get("KASSI_NODE_CACHE") or folder.parents[2] / "build" / cache_name)
    files = [folder / "package.json", folder / "package-lock.json"]
    made, remember = is_made(cache, files)
    if not made:
        cache.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, cache)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=cache)
        remember()
    return cache


def go_on_by_pip(requirements, cache_name):
    """requirements.txt in a virtual environment (KASSI_PYTHON_CACHE, else build/<cache_name>), in which this script begins
    anew."""
    if os.environ.get("KASSI_CONFORMANCE_AGAIN"):
        skip("the client is installed and cannot be found")
    cache = pathlib.Path(os.environ.get("KASSI_PYTHON_CACHE") or requirements.parents[3] / "build" / cache_name)
    python = cache / "bin" / "python"
    made, remember = is_made(cache, [requirements])
    if not made:
        run([sys.executable, "-m", "venv", "--clear", str(cache)])
        run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)])
        remember()
    os.environ["KASSI_CONFORMANCE_AGAIN"] = "1"
    os.execv(str(python), [str(python), "-B", os.path.abspath(sys.argv[0]), *sys.argv[1:]])
