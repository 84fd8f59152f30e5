"""kassi serve with a configuration: payments over /v1, the way out, the restart, the operator's commands beside a
running server and after it."""

import fcntl
import json
import os
import re
import signal
import sqlite3
import stat
import threading

from house import House
from kassi import LOCK_HELD, FlowTest, Serve, http, run


class ServeTest(FlowTest):
    def with_house(self):
        self.house = House()
        self.addCleanup(self.house.close)
        return Serve(self, self.house.url).start()

    def command(self, serve, *words):
        return run(words[0], "--config", serve.file, *words[1:])

    # ---- on credit

    def test_on_credit_is_purchased_and_shown_and_verified(self):
        serve = Serve(self).start()
        transaction = serve.hand_over()
        bought = serve.purchase(transaction["id"], "house-credit")
        self.assertEqual(bought.status, 200, bought.body)
        self.assertEqual(bought.json()["phase"], "purchased")

        def look():
            status, output, errors = self.command(serve, "show", transaction["reference"])
            self.assertEqual(status, 0, errors)
            self.assertIn(f"{transaction['reference']}  purchased\n", output)
            self.assertIn("£110.00", output)
            self.assertIn("\nWhy\n", output)
            status, as_json, _ = self.command(serve, "show", transaction["id"], "--json")
            self.assertEqual(status, 0)
            story = json.loads(as_json)
            self.assertEqual((story["transaction"], story["settled"]), (transaction["id"], True))
            status, verified, errors = self.command(serve, "verify")
            self.assertEqual(status, 0, verified + errors)
            self.assertIn("clean", verified)
            self.assertNotIn("\r", verified + errors, "no progress bar where there is no terminal")
            self.assertEqual(self.command(serve, "sweep")[0], 0)
            status, counts, _ = self.command(serve, "status")
            self.assertEqual(status, 0)
            self.assertIn("1 transactions, 0 open, 0 in doubt, 0 need a person", counts)
            return story["story"], re.search("^head (.*)$", verified, re.M).group(1)

        story, head = look()
        self.assertEqual(serve.process.end(), 0)
        after, _ = look()
        self.assertEqual(after, story, "the same without a server")
        self.assertEqual(self.command(serve, "verify", "--head", head)[0], 0)
        self.assertEqual(self.command(serve, "verify", "--head", "00" * 32)[0], 1)

    def test_unknown_transactions_and_refusals_have_status_two(self):
        serve = Serve(self).start()
        for _ in range(2):
            status, output, errors = self.command(serve, "show", "T000-0000-0000-0000")
            self.assertEqual((status, output), (2, ""))
            self.assertIn("there is no transaction", errors)
            status, _, errors = self.command(serve, "settle", "T000-0000-0000-0000", "--leg", "1", "--money", "none",
                                             "--by", "Anna", "--because", "asked the house")
            self.assertEqual(status, 2)
            serve.process.end()

    # ---- one writer

    def test_two_servers_on_one_data_directory_are_refused(self):
        serve = Serve(self).start()
        status, _, errors = run("serve", "--config", serve.file)
        self.assertEqual(status, LOCK_HELD)
        self.assertIn("another process holds the lock", errors)
        status, _, errors = self.command(serve, "migrate")
        self.assertEqual(status, LOCK_HELD)
        self.assertIn("another process holds the lock", errors)
        self.assertEqual(serve.hand_over()["phase"], "reserved", "the first goes on")
        self.assertEqual(serve.process.end(), 0)
        status, output, errors = self.command(serve, "migrate")
        self.assertEqual(status, 0, errors)
        self.assertIn("schema", output)

    def hold_the_lock(self):
        """As a command does that runs while no server does."""
        (self.folder / "data").mkdir(mode=0o700)
        lock = open(self.folder / "data" / "lock", "w")
        self.addCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def test_a_start_waits_for_a_command_that_holds_the_lock(self):
        serve = Serve(self)
        lock = self.hold_the_lock()
        process = self.start("serve", "--config", serve.file)
        process.wait_for('"event":"waiting_for_lock"')
        lock.close()
        process.wait_for('"event":"serving"')
        self.assertEqual(process.end(), 0)
        self.assertEqual(len([line for line in process.lines if "waiting_for_lock" in line]), 1, "said once")

    def test_sigterm_ends_the_waiting_for_the_lock(self):
        serve = Serve(self)
        self.hold_the_lock()
        process = self.start("serve", "--config", serve.file)
        process.wait_for('"event":"waiting_for_lock"')
        self.assertEqual(process.end(), 0)
        self.assertFalse((self.folder / "data" / "kassi.db").exists())

    def test_a_command_is_told_that_another_holds_the_lock(self):
        serve = Serve(self)
        lock = self.hold_the_lock()
        for words in (["sweep"], ["status"], ["show", "T000-0000-0000-0000"]):
            status, output, errors = self.command(serve, *words)
            self.assertEqual((status, output), (LOCK_HELD, ""), errors)
            self.assertIn("another process holds the lock", errors)
        lock.close()
        self.assertEqual(self.command(serve, "sweep")[0], 0)

    def test_data_and_socket_are_their_owners_alone(self):
        serve = Serve(self).start()
        socket = os.stat(self.folder / "data" / "control")
        self.assertTrue(stat.S_ISSOCK(socket.st_mode))
        self.assertEqual(socket.st_mode & 0o077, 0)
        with open(f"/proc/{serve.process.process.pid}/limits") as limits:
            core = next(line for line in limits if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])

    def test_operators_have_a_listener_of_their_own(self):
        serve = Serve(self).start()
        for path in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(http("GET", serve.operators + path).status, 200)
            self.assertEqual(http("GET", serve.url + path).status, 404)

    # ---- the record

    def test_a_changed_row_is_found(self):
        serve = Serve(self).start()
        transaction = serve.hand_over()
        serve.purchase(transaction["id"], "house-credit")
        serve.process.end()
        database = sqlite3.connect(self.folder / "data" / "kassi.db")
        table, column = "journal", None
        for name, kind in database.execute(f"select name, type from pragma_table_info('{table}')"):
            if kind.upper() in ("TEXT", "BLOB"):
                sample = database.execute(f"select {name} from {table} limit 1").fetchone()[0]
                if sample and b"HandOver" in (sample if isinstance(sample, bytes) else str(sample).encode()):
                    column = name
        self.assertIsNotNone(column)
        changed = database.execute(f"update {table} set {column} = replace({column}, 'demo', 'dema')").rowcount
        database.commit()
        database.close()
        self.assertGreater(changed, 0)
        status, output, _ = self.command(serve, "verify")
        self.assertEqual(status, 1, output)
        self.assertIn("findings", output)

    # ---- redirect

    def away(self, serve, token="token-1"):
        transaction = serve.hand_over()["id"]
        answer = serve.purchase(transaction, "acme", token)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json()["callout"]["return_token"], token)
        return transaction

    def come_back(self, serve, token="token-1", **fields):
        return serve.v1("POST", f"/callbacks/{token}", {"caller": "demo", "fields": fields})

    def test_a_callout_goes_on_after_a_restart(self):
        serve = self.with_house()
        transaction = self.away(serve)
        self.assertEqual(serve.process.end(), 0)
        serve.start()
        self.assertEqual(serve.read(transaction)["callout"]["return_token"], "token-1")
        answer = self.come_back(serve, success="yes")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(serve.read(transaction)["phase"], "purchased")
        self.assertEqual(self.house.taken, [(f"{transaction}-1", 11000, "GBP")])

    def test_sigterm_waits_for_the_answer_that_is_under_way(self):
        serve = self.with_house()
        transaction = self.away(serve)
        gate = self.house.shut_gate("complete")
        answers = []
        customer = threading.Thread(target=lambda: answers.append(self.come_back(serve, success="yes")))
        customer.start()
        self.assertTrue(self.house.waiting.acquire(timeout=60))
        serve.process.process.send_signal(signal.SIGTERM)
        serve.process.wait_for('"event":"stopping"')
        gate.set()
        self.assertEqual(serve.process.end(), 0)
        customer.join()
        self.assertEqual(answers[0].status, 200 if answers[0].json()["phase"] == "purchased" else 202)
        serve.start()
        self.until("purchased", lambda: serve.read(transaction)["phase"] == "purchased")
        self.assertEqual(len(self.house.taken), 1)
        self.assertEqual(self.command(serve, "verify")[0], 0)

    def test_kill_9_while_money_is_taken_is_found_out_after_the_restart(self):
        serve = self.with_house()
        transaction = self.away(serve)
        gate = self.house.shut_gate("complete")
        customer = threading.Thread(target=lambda: self.come_back_and_lose(serve))
        customer.start()
        self.assertTrue(self.house.waiting.acquire(timeout=60))
        serve.process.kill()
        customer.join()
        gate.set()
        self.until("taken", lambda: self.house.taken)
        serve.start()
        self.until("purchased", lambda: serve.read(transaction)["phase"] == "purchased")
        self.assertEqual(len(self.house.taken), 1, "known by its key: not taken again")
        self.assertEqual(self.command(serve, "verify")[0], 0)

    def come_back_and_lose(self, serve):
        try:
            self.come_back(serve, success="yes")
        except OSError:
            pass

    def test_a_merchant_with_open_payments_may_not_leave(self):
        serve = self.with_house()
        self.away(serve)
        serve.process.end()
        with_acme = serve.file.read_text()
        serve.file.write_text(Serve(self).text())
        status, _, errors = run("serve", "--config", serve.file)
        self.assertEqual(status, 2)
        self.assertIn("acme", errors)
        serve.file.write_text(with_acme.replace('name = "acme"', 'name = "acme"\nretired = true')
                              .replace('["acme", "house-credit"]', '["house-credit"]'))
        serve.start()

    def test_the_sweep_does_what_is_due_when_no_server_runs(self):
        serve = self.with_house()
        serve.file.write_text(serve.text() + "[times]\ncallout_max = 2\ncallout_min = 1\ngrace = 0\n")
        serve.process.end()
        serve.start()
        transaction = self.away(serve)
        serve.process.kill()

        def swept():
            status, output, errors = self.command(serve, "sweep", "--json")
            self.assertEqual(status, 0, output + errors)
            return json.loads(self.command(serve, "show", transaction, "--json")[1])["phase"] == "failed"

        self.until("the callout ended unpaid", swept)
        self.assertEqual([session["status"] for session in self.house.sessions.values()], ["closed"])
        self.assertEqual(self.house.taken, [])
        self.assertEqual(self.command(serve, "verify")[0], 0)

    def test_a_person_settles_what_nobody_can_know(self):
        serve = self.with_house()
        transaction = self.away(serve)
        gate = self.house.shut_gate("complete")
        customer = threading.Thread(target=lambda: self.come_back_and_lose(serve))
        customer.start()
        self.assertTrue(self.house.waiting.acquire(timeout=60))
        serve.process.kill()
        customer.join()
        # The house is gone too: what became of the money only a person can say.
        self.house.server.server_close()
        self.house.server.shutdown()
        del gate
        serve.start()
        self.until("in doubt or refused", lambda: serve.read(transaction)["in_doubt"])
        words = ("settle", transaction, "--leg", "1", "--money", "taken", "--by", "Anna", "--because", "the house phoned")
        status, output, errors = self.command(serve, *words)
        self.assertEqual(status, 0, errors)
        self.assertIn("purchased", output)
        story = self.command(serve, "show", transaction)[1]
        self.assertIn("Anna", story)
        self.assertIn("the house phoned", story)
