"""The key of the secrets is made once and whole; what it encrypted is not left without it."""

import multiprocessing
import os
import stat
import tempfile
from pathlib import Path
from unittest.mock import patch

from cryptography.fernet import Fernet
from odoo.tests.common import BaseCase, TransactionCase, tagged
from odoo.tools import config

from .. import secret_box
from ..secret_box import SecretBox, SecretKeyProblem

PROCESSES, ROUNDS = 6, 300
TABLE = 'distribution_webhook_secret'


def _make_and_read(directory, start, answers):
    """In a process of its own: whenever all are there, make a key and read it."""
    seen = []
    for number in range(ROUNDS):
        with patch.object(secret_box, '_key_file', lambda number=number: directory / str(number) / 'key'):
            start.wait(timeout=30)
            secret_box.make_key_file()
            seen.append(secret_box.configured_keys())
    answers.put(seen)


@tagged('post_install', '-at_install')
class TestKeyFile(BaseCase):
    def setUp(self):
        super().setUp()
        self.assertFalse(config.get(secret_box.OPTION), "this test is about the file")
        self.startPatcher(patch.dict(os.environ, {secret_box.VARIABLE: ''}))
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_processes_at_once_share_one_whole_key(self):
        system = multiprocessing.get_context('fork')
        start, answers = system.Barrier(PROCESSES), system.Queue()
        workers = [
            system.Process(target=_make_and_read, args=(self.directory, start, answers)) for _number in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        seen = [answers.get(timeout=60) for _worker in workers]
        for worker in workers:
            worker.join()
        for number, keys in enumerate(zip(*seen)):
            with self.subTest(round=number):
                self.assertEqual(len(keys[0]), 1, "no key, or half of one")
                self.assertEqual(list(keys), [keys[0]] * PROCESSES)
                Fernet(keys[0][0])

    def test_nothing_else_is_left_and_nobody_else_reads_it(self):
        path = self.directory / 'new' / 'key'
        with patch.object(secret_box, '_key_file', lambda: path):
            secret_box.make_key_file()
            self.assertEqual([file.name for file in path.parent.iterdir()], ['key'])
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            known = path.read_text()
            secret_box.make_key_file()
            self.assertEqual(path.read_text(), known, "an existing key stays")


@tagged('post_install', '-at_install')
class TestStores(TransactionCase):
    def setUp(self):
        super().setUp()
        self.key, self.other = (Fernet.generate_key().decode() for _number in range(2))
        self.use(self.key)
        for table in secret_box.STORES:
            self.env.cr.execute(f"DELETE FROM {table}")  # pylint: disable=sql-injection

    def use(self, keys):
        self.startPatcher(patch.dict(os.environ, {secret_box.VARIABLE: keys}))

    def store(self):
        subscription = self.env['distribution.webhook.subscription'].create(
            {'name': "Sealed", 'url': 'https://hooks.example/'}
        )
        self.env['distribution.webhook.secret'].create(
            {'subscription_id': subscription.id, 'ciphertext': SecretBox().encrypt("whsec_x")}
        )
        self.env.flush_all()

    def test_a_key_is_made_for_an_empty_database_only(self):
        self.assertFalse(secret_box.any_stored(self.env.cr))
        self.store()
        self.assertTrue(secret_box.any_stored(self.env.cr))
        self.use('')
        with (
            patch.object(secret_box, '_key_file', lambda: Path('/nonexistent/key')),
            self.assertRaisesRegex(SecretKeyProblem, secret_box.VARIABLE),
        ):
            secret_box.box_for(secret_box.any_stored(self.env.cr))

    def test_the_way_out_is_named(self):
        secret_box.check_key(self.env.cr, TABLE)
        self.store()
        secret_box.check_key(self.env.cr, TABLE)
        self.use(self.other)
        with self.assertRaisesRegex(SecretKeyProblem, f"former key behind.*DELETE FROM {TABLE}"):
            secret_box.check_key(self.env.cr, TABLE)
        self.use(f'{self.other},{self.key}')
        secret_box.check_key(self.env.cr, TABLE)

    def test_an_addon_that_is_not_installed_stores_nothing(self):
        with patch.dict(secret_box.STORES, {'no_such_table': 'ciphertext'}):
            self.assertFalse(secret_box.any_stored(self.env.cr))
            secret_box.check_key(self.env.cr, 'no_such_table')
