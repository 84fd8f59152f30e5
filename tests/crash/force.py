"""The library that is loaded before Kassi (force.cpp), and what it counted."""

import os
import struct
from collections import Counter

LIBRARY = os.environ.get("KASSI_FORCE_LIBRARY", "")
KINDS = ("pwrite.db", "pwrite.wal", "pwrite.other", "sync.db", "sync.wal", "sync.other", "truncate", "unlink",
         "send.client", "send.provider", "connect", "open.db", "open.wal", "open.other", "socket", "accept", "read.db",
         "read.wal")  # as in force.cpp
POINTS = KINDS[:KINDS.index("connect") + 1]  # where a story can be cut: what changes a file, or tells somebody


def environment(data, log, *rules):
    """For a process that is to run under `rules`, words as README.md has them."""
    assert LIBRARY, "KASSI_FORCE_LIBRARY names the library"
    log.unlink(missing_ok=True)
    return {"LD_PRELOAD": LIBRARY, "KASSI_FORCE_DATA": str(data), "KASSI_FORCE_LOG": str(log),
            "KASSI_FORCE": ";".join(rules)}


def trace(log):
    """The kinds of all calls so far, in their order; of a dead process, too."""
    data = log.read_bytes()
    count = struct.unpack_from("=Q", data)[0]
    return [KINDS[kind] for kind in data[8:8 + count]]


def points(log):
    return [kind for kind in trace(log) if kind in POINTS]


def counts(log):
    return Counter(trace(log))
