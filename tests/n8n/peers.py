"""The other sides, as far as n8n can tell: a chat, a supplier – HTTP servers that keep what arrives."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: An address at which nobody listens.
NOBODY = "127.0.0.1:9"


class Peer:
    """Answers every POST with ``status`` and keeps it: ``arrived`` is a list of (headers, body)."""

    def __init__(self):
        self.arrived, self.status = [], 200
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = peer.status
                peer.arrived.append((headers, json.loads(body), status))
                answer = b'{"receipt": "R-1"}'
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/in"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def texts(self, *words):
        """The chat messages with all these words in them."""
        return [
            body["text"] for _h, body, _s in list(self.arrived) if all(word in body.get("text", "") for word in words)
        ]


def waits_for(condition, seconds=30):
    """What ``condition()`` gives as soon as it is true; its last answer when the time is over."""
    until = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.2)
    return found
