"""kassi serve under more than it can take: memory and descriptors stay within what is said, and it goes back by itself."""

import os
import resource
import selectors
import socket
import urllib.parse

import kassi
from kassi import API_KEY, FlowTest, Serve, http, run

MIB = 1024 * 1024
BYTES_IN_HAND_MAX = 64 * MIB  # src/http/server.hpp
CROWD = 600
BODY = MIB - 1  # the largest that is taken has 1 MiB
DESCRIPTORS = 512


def memory(pid, name):
    """In bytes: VmRSS now, VmHWM at its highest."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024


def many_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Flood:
    """Connections that each send a large request but for its last byte, as fast as they are let."""

    def __init__(self, url, targets):
        self.address = urllib.parse.urlsplit(url)
        self.targets = targets
        self.selector = selectors.DefaultSelector()
        self.sockets, self.left, self.heard = [], {}, {}

    def begin(self, count):
        for number in range(count):
            connection = socket.create_connection((self.address.hostname, self.address.port))
            connection.setblocking(False)
            head = (f"POST {self.targets[number % len(self.targets)]} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    f"Authorization: Bearer {API_KEY}\r\nContent-Length: {BODY}\r\n\r\n")
            self.sockets.append(connection)
            self.left[connection] = memoryview(head.encode() + b" " * (BODY - 1))
            self.heard[connection] = b""
            self.selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def run(self):
        """Until each has sent all but the last byte, or was answered."""
        open_ones = set(self.sockets)
        while open_ones:
            for key, events in self.selector.select(kassi.PATIENCE):
                if self.step(key.fileobj, events):
                    open_ones.discard(key.fileobj)
                    self.selector.unregister(key.fileobj)

    def step(self, connection, events):
        try:
            if events & selectors.EVENT_READ:
                data = connection.recv(65536)
                self.heard[connection] += data
                return not data or b"\r\n\r\n" in self.heard[connection]
            if self.left[connection]:
                self.left[connection] = self.left[connection][connection.send(self.left[connection][:256 * 1024]):]
            return not self.left[connection]
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def listen(self):
        """What came meanwhile to those that have sent their part."""
        for connection in self.waiting():
            try:
                self.heard[connection] += connection.recv(65536)
            except BlockingIOError:
                pass

    def refused(self):
        return [heard for heard in self.heard.values() if heard]

    def waiting(self):
        return [each for each in self.sockets if not self.heard[each] and not self.left[each]]

    def close(self):
        for connection in self.sockets:
            connection.close()
        self.selector.close()


class LoadTest(FlowTest):
    def setUp(self):
        super().setUp()
        many_descriptors()

    def metric(self, serve, name):
        text = http("GET", serve.operators + "/metrics").body.decode()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " ")))

    def test_a_flood_of_large_bodies_stays_within_its_bounds(self):
        # Of what a sanitizer keeps of freed memory there is no more than this.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16"
        serve = Serve(self).start()
        before = serve.hand_over()["id"]
        pid = serve.process.process.pid
        at_rest = memory(pid, "VmRSS")
        flood = Flood(serve.url, ["/v1/transactions", "/webhooks/stripe/nobody", "/f13/status.v1"])
        self.addCleanup(flood.close)
        flood.begin(CROWD)
        flood.run()

        def all_seen():
            flood.listen()
            return self.metric(serve, "kassi_bytes_in_hand") >= len(flood.waiting()) * (BODY - 1)
        self.until("each was taken or answered", all_seen)
        held = flood.waiting()
        self.assertGreater(len(held), 0)
        self.assertLessEqual(len(held) * (BODY - 1), BYTES_IN_HAND_MAX)
        self.assertLessEqual(self.metric(serve, "kassi_bytes_in_hand"), BYTES_IN_HAND_MAX)
        self.assertGreaterEqual(self.metric(serve, "kassi_requests_refused_total"), len(flood.refused()))
        self.assertGreater(len(flood.refused()), CROWD // 2)
        for answer in flood.refused():
            self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer[:200])
            self.assertIn(b"\r\nRetry-After: 1\r\n", answer)
        # Twice what is counted, and 64 KiB for each connection: far below what came.
        bound = 2 * BYTES_IN_HAND_MAX + CROWD * 64 * 1024
        self.assertLess(bound, CROWD * BODY / 3)
        self.assertLess(memory(pid, "VmHWM") - at_rest, bound)
        # What was taken has its answer.
        for connection in held:
            connection.setblocking(True)
            connection.settimeout(kassi.PATIENCE)
            connection.sendall(b" ")
            self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 4\d\d ")
        flood.close()
        self.until("it is ready", lambda: http("GET", serve.operators + "/readyz").status == 200)
        self.assertEqual(self.metric(serve, "kassi_bytes_in_hand"), 0)
        after = serve.hand_over()["id"]
        self.assertEqual(serve.read(before)["phase"], "reserved")
        self.assertEqual(self.metric(serve, "kassi_transactions_total"), 2, "what was refused changed nothing")
        self.assertEqual(serve.read(after)["phase"], "reserved")
        self.assertEqual(serve.process.end(), 0)

    def test_more_connections_than_descriptors(self):
        limited = self.write("limited", f'#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec "{kassi.BINARY}" "$@"\n', 0o700)
        unlimited = kassi.BINARY
        self.addCleanup(setattr, kassi, "BINARY", unlimited)
        kassi.BINARY = str(limited)
        serve = Serve(self).start()
        kassi.BINARY = unlimited
        address = urllib.parse.urlsplit(serve.url)
        crowd = []
        self.addCleanup(lambda: [each.close() for each in crowd])
        for _ in range(DESCRIPTORS + 100):
            crowd.append(socket.create_connection((address.hostname, address.port)))
        # They came before this one, so they have been seen.
        transaction = serve.hand_over()["id"]
        self.assertLess(self.metric(serve, "kassi_connections"), DESCRIPTORS)
        self.assertEqual(serve.purchase(transaction, "house-credit").json()["phase"], "purchased")
        status, output, errors = run("status", "--config", serve.file)
        self.assertEqual(status, 0, output + errors)
        self.assertEqual(serve.process.end(), 0)
        self.assertNotIn("http_accept_failed", "\n".join(serve.process.lines))
