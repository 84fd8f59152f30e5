"""A redirect house written from providers/redirect/README.md alone, which outlives the server under test.

Sessions by reference, a ledger of what was taken, keys that replay, and a gate at which requests of one kind can be
made to wait.
"""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class House:
    def __init__(self):
        self.sessions, self.keys, self.taken = {}, {}, []
        self.lock = threading.Lock()
        self.gates, self.waiting = {}, threading.Semaphore(0)
        house = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def body(self):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                if url.path == "/sessions":
                    wanted = urllib.parse.parse_qs(url.query).get("reference", [""])[0]
                    found = [s for s in house.sessions.values() if s["reference"] == wanted]
                    return self.answer(200, {"sessions": found})
                self.answer(200, house.sessions[url.path.split("/")[2]])

            def do_POST(self):
                body, key = self.body(), self.headers.get("Idempotency-Key")
                verb = self.path.rstrip("/").split("/")[-1]
                house.pass_gate(verb)
                with house.lock:
                    if key and key in house.keys:
                        return self.answer(*house.keys[key])
                    status, answer = house.do(self.path, json.loads(body or b"{}"))
                    if key and status < 300:
                        house.keys[key] = (status, answer)
                try:
                    self.answer(status, answer)
                except OSError:
                    pass  # whoever asked is gone: the work was done all the same

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # whoever asked was killed: that is what the tests are about

        self.server = Server(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        for gate in self.gates.values():
            gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def shut_gate(self, verb):
        """Requests of that kind wait before their work from now on; each says so at `waiting`."""
        self.gates[verb] = threading.Event()
        return self.gates[verb]

    def pass_gate(self, verb):
        gate = self.gates.get(verb)
        if gate and not gate.is_set():
            self.waiting.release()
            gate.wait()

    def do(self, path, body):
        steps = path.strip("/").split("/")
        if len(steps) == 1:
            number = f"rs_{len(self.sessions) + 1}"
            self.sessions[number] = {
                "id": number, "status": "open", "reference": body["reference"], "amount": body["amount"],
                "currency": body["currency"], "refunded": 0, "created_at": "2026-01-10T10:00:00Z",
                "expires_at": body["expires_at"],
                "callout": {"type": body["callout_type"], "url": self.url + "/page",
                            "parameters": [["return_url", body["return_url"]], ["title", body["title"]]]}}
            return 201, dict(self.sessions[number])
        session = self.sessions[steps[1]]
        if steps[2] == "complete":
            if session["status"] == "open":
                paid = dict(map(tuple, body["returned"])).get("success") in ("yes", "1", "true")
                session["status"] = "paid" if paid else "refused"
                if paid:
                    self.taken.append((session["reference"], session["amount"], session["currency"]))
            return 200, dict(session)
        if steps[2] == "close":
            if session["status"] == "paid":
                return 409, dict(session)
            session["status"] = "closed"
            return 200, dict(session)
        return 404, {"error": {"code": "unknown_path", "message": "nothing lives here"}}
