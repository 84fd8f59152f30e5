"""kassi serve with a configuration: payments over /v1, the way out, the restart, the operator's commands beside a
running server and after it."""

import fcntl
import json
import os
import pty
import re
import signal
import sqlite3
import ssl
import stat
import subprocess
import threading
import urllib.error
import urllib.request

from house import House
from kassi import API_KEY, BINARY, LOCK_HELD, NEEDS_PERSON, PATIENCE, FlowTest, Serve, http, run


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

    # ---- TLS

    def test_tls_is_ours_with_certificate_and_key(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=PATIENCE)

        self.write("names", "subjectAltName=IP:127.0.0.1\n")
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=An authority")
        openssl("req", *new, "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=Kassi")
        openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names",
                "-out", "tls.pem")
        (self.folder / "tls.key").chmod(0o600)
        serve = Serve(self)
        serve.file.write_text(serve.text().replace(
            "[listen]\n", '[listen]\ntls_certificate = "tls.pem"\ntls_key = "tls.key"\n'))
        serve.start()
        self.assertTrue(serve.url.startswith("https://127.0.0.1:"), serve.url)

        def get(trusted):
            context = ssl.create_default_context(cafile=trusted)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                 urllib.request.HTTPSHandler(context=context))
            request = urllib.request.Request(serve.url + "/v1/transactions", headers={"Authorization": "Bearer " + API_KEY})
            with opener.open(request, timeout=PATIENCE) as response:
                return response.status

        self.assertEqual(get(self.folder / "ca.pem"), 200)
        with self.assertRaises(urllib.error.URLError) as refused:
            get(None)
        self.assertIsInstance(refused.exception.reason, ssl.SSLCertVerificationError)
        self.assertEqual(serve.process.end(), 0)

    # ---- live mode

    def live(self, house=None):
        serve = Serve(self, house)
        serve.file.write_text(serve.text().replace('mode = "sandbox"', 'mode = "live"')
                              .replace("http://127.0.0.1:1\"", "https://pay.example.com\"", 1)
                              .replace("127.0.0.1:9", "shop.example.com"))
        return serve

    def test_live_mode_refuses_simulators_and_plain_http(self):
        serve = self.live("http://api.example.com")
        text = serve.file.read_text()
        line = 1 + text.splitlines().index('base_url = "http://api.example.com"')
        text = text.replace('provider = "redirect"', 'provider = "redirect"\nsimulator = true')
        serve.file.write_text(text)
        status, _, errors = run("serve", "--config", serve.file)
        self.assertEqual(status, 2)
        self.assertIn(f"{serve.file}:{line}: live mode takes no simulator", errors)
        self.assertIn(f"{serve.file}:{line + 1}: merchant.base_url must be https in live mode", errors)
        self.assertFalse((self.folder / "data").exists(), "nothing was begun")
        serve.file.write_text(text.replace("simulator = true\n", "").replace("http://api", "https://api"))
        serve.start()
        self.assertEqual(serve.process.end(), 0)

    def test_live_and_sandbox_have_a_data_directory_each(self):
        serve = self.live().start()
        self.assertEqual(serve.process.end(), 0)
        sandbox = Serve(self)
        for command in ("serve", "sweep", "status"):
            status, _, errors = run(command, "--config", sandbox.file)
            self.assertEqual(status, 2, errors)
            self.assertIn("is that of mode live, and this is mode sandbox", errors)

    # ---- the record

    def test_progress_is_shown_on_a_terminal(self):
        serve = Serve(self).start()
        serve.hand_over()
        serve.process.end()
        outer, inner = pty.openpty()
        done = subprocess.run([BINARY, "verify", "--config", str(serve.file)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=inner, timeout=PATIENCE)
        os.close(inner)
        seen = b""
        while True:
            try:
                seen += os.read(outer, 1000)
            except OSError:  # the other end is closed, and all was read
                break
        os.close(outer)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"clean", done.stdout)
        self.assertNotIn(b"\r", done.stdout)
        self.assertRegex(seen, rb"\r\x1b\[Kverify \[#{30}\] 100 %")
        self.assertTrue(seen.endswith(b"\r\x1b[K"), "and wiped off at the end")

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
        self.assertEqual(serve.process.end(None), 0)  # a second signal would cut its patience
        customer.join()
        self.assertEqual(answers[0].status, 200 if answers[0].json()["phase"] == "purchased" else 202)
        # Before the restart, which would ask again with the same key and hear the same.
        story = json.loads(self.command(serve, "show", transaction, "--json")[1])
        self.assertEqual(story["phase"], "purchased")
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

    def test_a_sweep_says_by_its_status_that_a_person_is_needed(self):
        serve = self.with_house()
        transaction = self.away(serve)
        self.house.sessions["rs_1"]["amount"] += 1  # another amount than was asked for: nobody can say what it means
        self.come_back(serve, success="yes")
        self.until("a person is needed", lambda: "1 need a person" in self.command(serve, "status")[1])
        reference = serve.read(transaction)["reference"]
        for _ in range(2):
            status, output, errors = self.command(serve, "sweep")
            self.assertEqual(status, NEEDS_PERSON, output + errors)
            self.assertIn("1 need a person", output)
            status, output, _ = self.command(serve, "status")
            self.assertEqual(status, 0)
            self.assertRegex(output, f"(?m)^{reference}  .*NEEDS A PERSON")
            serve.process.end()

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
        self.house.server.shutdown()
        self.house.server.server_close()
        del gate
        serve.start()
        self.until("in doubt or refused", lambda: serve.read(transaction)["in_doubt"])
        self.until("listed", lambda: re.search(r"(?m)^\S+  .*, unknown since \S+Z  ", self.command(serve, "status")[1]))
        words = ("settle", transaction, "--leg", "1", "--money", "taken", "--by", "Anna", "--because", "the house phoned")
        status, output, errors = self.command(serve, *words)
        self.assertEqual(status, 0, errors)
        self.assertIn("purchased", output)
        story = self.command(serve, "show", transaction)[1]
        self.assertIn("Anna", story)
        self.assertIn("the house phoned", story)
