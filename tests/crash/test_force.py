"""The library that is loaded before Kassi, with a small program before whom it is seen what happens: SQLite as Kassi uses
it, one row a commit, and a line for each commit that was answered."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import force

PROGRAM = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1] + "/kassi.db", isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = " + sys.argv[2])
database.execute("CREATE TABLE IF NOT EXISTS line (text)")
for number in range(int(sys.argv[3])):
    try:
        database.execute("INSERT INTO line VALUES (zeroblob(5000))")
        print(number, flush=True)
    except sqlite3.OperationalError as error:
        print(error, flush=True)
        if len(sys.argv) > 4:
            open(sys.argv[4] + ".seen", "w").close()
            while len(sys.argv) > 4 and __import__("os").path.exists(sys.argv[4]):
                __import__("time").sleep(0.01)
print("rows", database.execute("SELECT count(*) FROM line").fetchone()[0], flush=True)
"""
ROWS = 10


class ForceTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kassi-force-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data, self.log = self.folder / "data", self.folder / "log"
        self.data.mkdir()

    def run_program(self, *rules, synchronous="FULL", rows=ROWS, words=()):
        environment = {**os.environ, **force.environment(self.data, self.log, *rules)}
        done = subprocess.run([sys.executable, "-c", PROGRAM, str(self.data), synchronous, str(rows), *words],
                              env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout.splitlines(), done.stderr

    def rows_left(self):
        status, lines, errors = self.run_program(rows=0)
        self.assertEqual(status, 0, errors)
        return int(lines[-1].split()[1])

    def test_everything_is_counted(self):
        status, lines, errors = self.run_program()
        self.assertEqual((status, lines[-1]), (0, f"rows {ROWS}"), errors)
        counts = force.counts(self.log)
        self.assertEqual(counts["sync.wal"], 1 + 1 + ROWS + 1, "its header, the table, each row, and the last checkpoint")
        for kind in ("pwrite.db", "pwrite.wal", "sync.db", "open.db", "open.wal", "read.db", "unlink"):
            self.assertGreater(counts[kind], 0, kind)
        self.assertEqual(counts["send.client"] + counts["connect"], 0)

    def test_it_dies_where_it_is_told_to(self):
        for rule, answered, left in (("kill before sync.wal 5", 2, 3), ("kill after sync.wal 5", 2, 3),
                                     ("kill before pwrite.wal 3", 0, 0), ("kill before open.db 1", 0, 0)):
            with self.subTest(rule):
                shutil.rmtree(self.data)
                self.data.mkdir()
                status, lines, _ = self.run_program(rule)
                self.assertEqual((status, len(lines)), (-signal.SIGKILL, answered))
                kind, number = rule.split()[2:]
                self.assertEqual(force.counts(self.log)[kind], int(number))
                self.assertEqual(force.trace(self.log)[-1], kind)
                if answered:
                    self.assertEqual(self.rows_left(), left)

    def test_half_of_a_write(self):
        self.run_program(rows=2)
        before = (self.data / "kassi.db").stat().st_size
        self.assertEqual(self.run_program("kill half pwrite.wal 2")[0], -signal.SIGKILL)
        self.assertEqual((self.data / "kassi.db-wal").stat().st_size, 32 + 24 // 2, "the header, and half of a frame's")
        self.assertEqual((self.data / "kassi.db").stat().st_size, before)
        self.assertEqual(self.rows_left(), 2)

    def test_a_power_cut_takes_back_what_was_not_synced(self):
        """With synchronous = FULL what was answered stays; without it this would be seen."""
        for seed in range(4):
            for synchronous, lost in (("FULL", False), ("OFF", True)):
                with self.subTest(synchronous, seed=seed):
                    shutil.rmtree(self.data)
                    self.data.mkdir()
                    status, lines, _ = self.run_program(f"cut before pwrite.wal 45 {seed}", synchronous=synchronous)
                    self.assertEqual(status, -signal.SIGKILL)
                    answered = len(lines)
                    self.assertIn(answered, range(3, ROWS))
                    if not lost:
                        self.assertIn(self.rows_left(), (answered, answered + 1))
                    elif seed == 0:
                        self.assertEqual(self.rows_left(), 0)

    def test_calls_fail_from_one_on_for_some(self):
        status, lines, errors = self.run_program("fail pwrite.wal ENOSPC 20 1")
        self.assertEqual(status, 0, errors)
        self.assertEqual(lines.count("database or disk is full"), 1, lines)
        self.assertEqual(lines[-1], f"rows {ROWS - 1}")
        lines = self.run_program("fail pwrite.wal EIO 20")[1]
        self.assertIn("disk I/O error", lines)

    def test_calls_fail_while_there_is_a_file(self):
        full = self.folder / "full"
        full.touch()
        environment = {**os.environ, **force.environment(self.data, self.log, f"fail pwrite.wal ENOSPC while {full}")}
        full.unlink()
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(self.data), "FULL", "100000", str(full)],
                                   env=environment, stdout=subprocess.PIPE, text=True)
        with process.stdout as output:
            self.assertEqual(output.readline(), "0\n")
            full.touch()
            while (line := output.readline().strip()).isdigit():
                pass
            self.assertEqual(line, "database or disk is full")
            full.unlink()
            self.assertTrue(output.readline().strip().isdigit(), "it goes on")
            process.kill()
            process.wait()

    def test_a_wrong_rule_is_refused(self):
        for rule in ("kill", "kill before", "kill before pwrite", "kill never pwrite 1", "kill before teapot 1",
                     "fail pwrite EGGS", "pour pwrite 1", "cut half pwrite 1"):
            status, _, errors = self.run_program(rule)
            self.assertEqual(status, 99, rule)
            self.assertTrue(errors.startswith("force: "), errors)

    def test_what_it_starts_is_left_alone(self):
        environment = {**os.environ, **force.environment(self.data, self.log, "kill before open.db 1")}
        done = subprocess.run([sys.executable, "-c", "import os, subprocess, sys; print(os.environ.get('LD_PRELOAD'))"],
                              env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "None\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
