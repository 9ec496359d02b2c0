"""Tests with real connections and real commits."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests.common import BaseCase, get_db_name

#: Who says at ERROR that two met in a row: the connection, and Odoo's mails when the news comes while one is written.
MEETINGS = ('odoo.sql_db', 'odoo.addons.mail.models.mail_mail')


def waiting_for(cr, transaction):
    """How many connections wait for what the transaction of ``cr`` has locked.

    :param transaction: gives an environment on a connection of its own: who is active is read once per transaction
    """
    cr.execute('SELECT pg_backend_pid()')
    (holder,) = cr.fetchone()
    with transaction() as env:
        env.cr.execute('SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))', (holder,))
        return env.cr.fetchone()[0]


class LastCase(BaseCase):
    """What is committed here runs after the tests that count on an empty database."""

    def __init__(self, methodName='runTest'):
        super().__init__(methodName)
        self.test_sequence = 1000  # Odoo's loader sorts by it; on the class Odoo resets it


class CommittedCase(LastCase):
    def setUp(self):
        super().setUp()
        # 19.0 holds the lock of the registries while it tests.
        self.startPatcher(patch.object(Registry, '_lock', DummyRLock()))
        self.registry = Registry(get_db_name())

    @contextmanager
    def transaction(self):
        """An environment on a connection of its own; committed at the end."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})
