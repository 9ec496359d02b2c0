"""Endpoints that misbehave: each delivery is tried again with its id, and nobody else waits for it."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .. import webhook_senders
from .misbehaving_peer import Peer, answer, hangs, resets, says, trickles
from .webhook_case import WebhookCase


def http_date(seconds):
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)


@tagged('post_install', '-at_install')
class TestWebhookPeers(WebhookCase):
    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('distribution_core.outbound_allowed_hosts', '127.0.0.1')

    def send_to(self, script):
        """One event to the endpoint that misbehaves and to the one that does not: the delivery to the first."""
        peer = Peer(script)
        self.addCleanup(peer.close)
        bad = self.subscribe(self.env, peer, name="Misbehaves")
        event = self.record(self.partners[:1])
        self.drain()
        good = self.deliveries().filtered(lambda one: one.event_uid == event.uid)
        self.assertEqual(good.state, 'delivered', "others do not wait for it")
        delivery = self.deliveries(bad)
        self.assertEqual((delivery.event_uid, delivery.attempts), (event.uid, 1))
        bad.action_pause()
        return delivery, peer

    def assertTriedAgain(self, delivery, words):
        self.assertEqual(delivery.state, 'pending')
        self.assertGreater(delivery.next_at, fields.Datetime.now())
        self.assertIn(words, delivery.last_error)
        self.assertIn(words, delivery.attempt_ids.error or delivery.last_error)

    def test_no_answer(self):
        whole = answer(200, b'x' * 100)
        with patch.object(webhook_senders, 'TIMEOUT', 2):  # for the one that behaves enough, on a busy machine too
            for script, words in (
                (hangs, 'timeout'),
                (resets, 'unreachable'),
                (says(whole[:-50], then_closes=True), 'garbage'),
                (says(b'\x00\x01garbage\x00\r\n\r\n', then_closes=True), 'garbage'),
                (trickles(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n', b'x'), 'timeout'),
                (trickles(b'HTTP/1.1 200', b' '), 'timeout'),
            ):
                with self.subTest(words):
                    delivery, _peer = self.send_to(script)
                    self.assertTriedAgain(delivery, words)

    def test_answers_that_are_no(self):
        for status in (400, 401, 404, 409, 429, 500, 502, 503, 301, 307):
            with self.subTest(status):
                delivery, peer = self.send_to(says(answer(status, b'no', Location='http://127.0.0.1:1/')))
                self.assertTriedAgain(delivery, f'status {status}')
                self.assertEqual((delivery.last_status, len(peer.requests)), (status, 1))

    def test_gone(self):
        delivery, _peer = self.send_to(says(answer(410)))
        self.assertTriedAgain(delivery, 'status 410')
        self.assertTrue(
            self.env['distribution.case'].search([('dedup_key', '=', f'webhook_gone:{delivery.subscription_id.id}')])
        )

    def test_retry_after(self):
        """Seconds and dates are honoured, up to a day; what cannot be understood is left out."""
        for text, least, most in (
            ('3600', 3590, 3610),
            (http_date(3600), 3590, 3610),
            ('99999999', 86390, 86410),
            (http_date(10 * 86400), 86390, 86410),
            (http_date(-3600), 0, 10),
            ('Fri, 31 Dec 9999 23:59:59 -2300', 0, 10),
            ('-5', 0, 10),
            ('soon', 0, 10),
            ('1e9', 0, 10),
            ('\xb2', 0, 10),
        ):
            for status in (429, 503):
                with self.subTest(text=text, status=status):
                    head = f'HTTP/1.1 {status} Later\r\nRetry-After: {text}\r\nContent-Length: 0\r\n\r\n'
                    delivery, _peer = self.send_to(says(head.encode('latin-1')))
                    pause = (delivery.next_at - fields.Datetime.now()).total_seconds()
                    self.assertTrue(least <= pause + 1 and pause <= most, pause)

    def test_what_it_says_is_kept_in_part(self):
        delivery, _peer = self.send_to(says(answer(200, b'\x00\xff' + b'x' * 10_000_000)))
        self.assertEqual(delivery.state, 'delivered')
        self.assertLessEqual(len(delivery.attempt_ids.excerpt), webhook_senders.EXCERPT)

    @mute_logger('odoo.addons.distribution_core.webhook_senders')
    def test_what_nobody_thought_of(self):
        """An error that is nobody's answer is one delivery's error."""
        send = webhook_senders.outbound.Line.send

        def breaks(line, method, url, **options):
            if url != self.to.url:
                raise MemoryError("something\0 broke")
            return send(line, method, url, **options)

        with patch.object(webhook_senders.outbound.Line, 'send', breaks):
            delivery, _peer = self.send_to(says(answer(200)))
        self.assertTriedAgain(delivery, 'MemoryError: something broke')
