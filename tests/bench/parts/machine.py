"""What is said of the machine: cores and clock, nothing that names it."""

import os
import re

FOREIGN_MAX = 0.25  # cores: a round with more of others' work is not counted


def description():
    clock = 0.0
    with open("/proc/cpuinfo") as file:
        for line in file:
            if match := re.match(r"cpu MHz\s*: ([0-9.]+)", line):
                clock = max(clock, float(match.group(1)))
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1))
    return {"cores": os.cpu_count(), "clock_ghz": round(clock / 1000, 1), "memory_gib": round(memory / 2**20)}


def on_memory_only(folder):
    """Whether files there never reach a disk: a record in memory would be measured against nothing."""
    mounts = []
    with open("/proc/mounts") as file:
        for line in file:
            words = line.split()
            mounts.append((words[1], words[2]))
    real = os.path.realpath(folder)
    inside = [(place, kind) for place, kind in mounts if real == place or real.startswith(place.rstrip("/") + "/")]
    return max(inside, key=lambda mount: len(mount[0]))[1] in ("tmpfs", "ramfs")


class Stopwatch:
    """CPU of the whole machine less our own children's: for what is measured without the load generator."""

    def __init__(self):
        self.machine, self.ours, self.at = self.now()

    @staticmethod
    def now():
        with open("/proc/stat") as file:
            user, nice, kernel = (int(word) for word in file.readline().split()[1:4])
        times = os.times()
        tick = os.sysconf("SC_CLK_TCK")
        ours = times.user + times.system + times.children_user + times.children_system
        return (user + nice + kernel) / tick, ours, times.elapsed

    def foreign_cores(self):
        """Children count from their end on: ask when they have ended."""
        machine, ours, at = self.now()
        if at <= self.at:
            return 0.0
        return max(0.0, (machine - self.machine - (ours - self.ours)) / (at - self.at))
