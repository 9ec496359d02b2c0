"""A system outside that hears of events, and can be held, hang up or take no calls."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SUBSCRIPTION = "distribution.webhook.subscription"


class _Server(ThreadingHTTPServer):
    """Takes as many connections at the same moment as a drain opens: of Python's own five some would wait a second."""

    daemon_threads = True
    request_queue_size = 128


class OtherSystem:
    """Keeps what arrives; hangs up without an answer while ``down``."""

    def __init__(self):
        self.arrived, self.down = [], False
        self.hold = threading.Event()
        self.hold.set()
        self.reached = threading.Event()
        system = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # who sent it died meanwhile
                    self.close_connection = True
                    return
                system.arrived.append((dict(self.headers), body.decode()))
                system.reached.set()
                system.hold.wait(60)
                if system.down:
                    self.close_connection = True
                    return
                self.send_response(204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_words):
                """Quiet."""

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.queue = []
        self._serve()

    def _serve(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def ids(self, kind=None):
        """Ids of what arrived, in its order; ``kind``: an event type, or how it begins."""
        return [
            headers["webhook-id"] for headers, body in self.arrived if json.loads(body)["type"].startswith(kind or "")
        ]

    def takes_no_calls(self):
        """Its queue is full: who connects waits, and nothing can be sent."""
        self.server.shutdown()
        self.server.socket.listen(0)
        for _number in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.queue.append(filler)

    def takes_calls(self):
        for filler in self.queue:
            filler.close()
        self.queue.clear()
        self.server.socket.listen(self.server.request_queue_size)
        self._serve()

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


def subscribe(rpc, system, event_types, **values):
    """Number of an active subscription of ``system``, made by an administrator."""
    admin = rpc("admin")
    admin("ir.config_parameter", "set_param", "distribution_core.outbound_allowed_hosts", f"127.0.0.1:{system.port}")
    values = {"url": f"http://127.0.0.1:{system.port}/hook", "event_types": event_types, **values}
    number = admin(SUBSCRIPTION, "create", {"name": "The other system", **values})
    number = number[0] if isinstance(number, list) else number
    admin(SUBSCRIPTION, "action_activate", [number])
    return number


def waits_for(condition, seconds=90):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.2)
    return condition()
