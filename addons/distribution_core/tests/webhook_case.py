"""A receiver on loopback that answers as it is told, and subscriptions to it."""

import os
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo import fields

from ..engine.webhook_signature import verify
from ..models.distribution_webhook_subscription import ALLOWED_PARAMETER
from .common import LedgerCase

SECRET_KEY = Fernet.generate_key().decode()


class _Server(ThreadingHTTPServer):
    """Takes as many connections at the same moment as several drains open: Python's own five would refuse some."""

    daemon_threads = True
    request_queue_size = 128


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

        self.server = _Server(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}/hook'
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

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


class WebhookCase(WebhookMixin, LedgerCase):
    """A receiver, an active subscription to it, and a drain in the transaction of the test."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.dict(os.environ, {'DISTRIBUTION_SECRET_KEY': SECRET_KEY}))
        self.to = self.receiver()
        self.allow(self.env, self.to)
        self.subscription = self.subscribe(self.env, self.to)
        self.Delivery = self.env['distribution.webhook.delivery']
        self.Delivery.flush_model()

    def drain(self):
        return self.Delivery._cron_drain(commit=False)

    def deliveries(self, subscription=None):
        return self.Delivery.search([('subscription_id', '=', (subscription or self.subscription).id)], order='id')

    def due(self, deliveries=None):
        """The time of the next try has come."""
        self.sql(
            "UPDATE distribution_webhook_delivery SET next_at = %s WHERE id = ANY(%s) AND state = 'pending'",
            fields.Datetime.now() - timedelta(seconds=1),
            (deliveries or self.deliveries()).ids,
        )
        self.env.invalidate_all()
