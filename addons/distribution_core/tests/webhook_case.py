"""A receiver on loopback that answers as it is told, and subscriptions to it."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..engine.webhook_signature import verify
from ..models.distribution_webhook_subscription import ALLOWED_PARAMETER


class Receiver:
    """Keeps what it received; ``answers`` are taken from the front, the last one stays."""

    def __init__(self):
        self.received, self.answers, self.connections = [], [(200, {}, b'ok')], set()
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['content-length']))
                with receiver.lock:
                    receiver.connections.add(self.client_address)
                    receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    answer = receiver.answers[0] if len(receiver.answers) == 1 else receiver.answers.pop(0)
                if answer == 'close':
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header('content-length', str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_words):
                """Say nothing: the test reads `received`."""

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}/hook'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ids(self):
        return [headers['webhook-id'] for headers, _body in self.received]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class WebhookMixin:
    """For test cases with ``env``."""

    def receiver(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        return receiver

    @staticmethod
    def allow(env, receiver):
        env['ir.config_parameter'].set_param(ALLOWED_PARAMETER, f'127.0.0.1:{receiver.port}')

    @staticmethod
    def subscribe(env, receiver, **values):
        subscription = env['distribution.webhook.subscription'].create(
            {'name': "Receiver", 'url': receiver.url, 'event_types': 'distribution.vendor.*', **values}
        )
        subscription.action_activate()
        return subscription

    def assertSigned(self, message, secrets):
        headers, body = message
        verify(
            secrets,
            headers['webhook-id'],
            headers['webhook-timestamp'],
            body,
            headers['webhook-signature'],
            now=time.time(),
        )
