"""The ledger in scratch databases: several connections, real commits, restores, the keeper.

Rows of the ledger cannot be cleaned up, so nothing here touches the database under test.
Every test makes a small database of its own with the ledger's tables only, through the
code that Odoo runs, and drops it afterwards.
"""

import os
import shutil
import subprocess
import tempfile
import time
import unittest
import uuid
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import psycopg2
from odoo.sql_db import connection_info_for
from odoo.tests import BaseCase, tagged

from ..ledger import exporting, verifying
from ..ledger.schema import KEEPER_ROLE, create_ledger, open_epoch
from ..ledger.sealing import current_horizon, last_seal, seal_batch
from ..ledger.verifying import verify_ledger
from .common import as_owner

ADDON = Path(__file__).resolve().parents[1]
KEEPER_CLI = ADDON / 'ledger_keeper.py'
# Superuser of the test cluster; only it can make the keeper's role.
SUPERUSER = os.environ.get('DISTRIBUTION_TEST_SUPERUSER', 'postgres')
# How long other transactions of the cluster may hold the horizon back before a test gives up.
PATIENCE_SECONDS = 180


def connection_parameters(database, user=None):
    parameters = {key: value for key, value in connection_info_for(database)[1].items() if key != 'application_name'}
    parameters['dbname'] = parameters.pop('database')
    if user:
        parameters['user'] = user
        parameters.pop('password', None)
    return parameters


@contextmanager
def connect(database, user=None):
    connection = psycopg2.connect(**connection_parameters(database, user))
    connection.set_session(isolation_level='REPEATABLE READ')
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


def administer(statement):
    connection = psycopg2.connect(**connection_parameters('postgres'))
    connection.autocommit = True
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


@tagged('post_install', '-at_install', 'alone')
class TestLedgerDatabase(BaseCase):
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        with connect(self.database) as connection:
            create_ledger(connection.cursor())
            open_epoch(connection.cursor())
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def make_database(self):
        name = f'ledger_scratch_{uuid.uuid4().hex[:12]}'
        administer(f'CREATE DATABASE {name} TEMPLATE template0')
        self.addCleanup(administer, f'DROP DATABASE IF EXISTS {name}')
        return name

    # ------------------------------------------------------------
    # Helpers
    # ------------------------------------------------------------

    def write_events(self, cr, count=1, event_type='a.b.v1'):
        cr.execute(
            """
            INSERT INTO distribution_event (uid, type, time, data)
            SELECT gen_random_uuid(), %s, now(), '{}' FROM generate_series(1, %s) RETURNING id, txid
        """,
            [event_type, count],
        )
        return cr.fetchall()

    def commit_events(self, count=1, database=None):
        with connect(database or self.database) as connection:
            return self.write_events(connection.cursor(), count)

    def seal_all(self, database=None, **options):
        """Seal what is committed in the scratch database, whatever runs elsewhere in the cluster."""
        seals = []
        while True:
            with connect(database or self.database) as connection:
                cr = connection.cursor()
                cr.execute(
                    "SELECT coalesce(max(txid), 0) + 1 FROM distribution_event"
                    " WHERE epoch = (SELECT max(epoch) FROM distribution_event)"
                )
                seal = seal_batch(cr, horizon=cr.fetchone()[0], **options)
            if not seal:
                return seals
            seals.append(seal)

    def verify(self, database=None, **options):
        with connect(database or self.database) as connection:
            return verify_ledger(connection.cursor(), **options)

    def psql(self, database, *arguments, user=None, **options):
        parameters = connection_parameters(database, user)
        names = {'host': 'PGHOST', 'port': 'PGPORT', 'user': 'PGUSER', 'dbname': 'PGDATABASE', 'password': 'PGPASSWORD'}
        environment = {**os.environ, **{names[key]: str(value) for key, value in parameters.items() if key in names}}
        return subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True, **options)

    def make_keeper(self, database=None):
        database = database or self.database
        try:
            with connect(database, SUPERUSER):
                pass
        except psycopg2.OperationalError as error:
            raise unittest.SkipTest(f"The keeper's role needs a superuser of the cluster: {error}") from error
        with connect(database) as connection:
            owner = connection.info.user
        self.psql(
            database,
            'psql',
            '-X',
            '-q',
            '-v',
            "password='scratch'",
            '-v',
            f'odoo_role={owner}',
            '-f',
            str(ADDON / 'create_ledger_keeper.sql'),
            user=SUPERUSER,
        )

    def keeper_cli(self, command, *arguments, database=None):
        parameters = {**connection_parameters(database or self.database, KEEPER_ROLE), 'password': 'scratch'}
        dsn = psycopg2.extensions.make_dsn(**parameters)
        return subprocess.run(
            ['python3', str(KEEPER_CLI), command, '--dsn', dsn, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, 'PYTHONPATH': self._packages()},
        )

    @staticmethod
    def _packages():
        """Where psycopg2 of this process lies; the command line needs nothing else."""
        return str(Path(psycopg2.__file__).resolve().parents[1])

    # ------------------------------------------------------------
    # Concurrency
    # ------------------------------------------------------------

    def test_slow_transaction_cannot_slip_into_a_sealed_range(self):
        with connect(self.database) as slow, connect(self.database) as quick:
            ((slow_event, slow_xid),) = self.write_events(slow.cursor())
            ((quick_event, quick_xid),) = self.write_events(quick.cursor())
            quick.commit()
            self.assertLess(slow_xid, quick_xid)
            with connect(self.database) as sealer:
                cr = sealer.cursor()
                self.assertLessEqual(current_horizon(cr), slow_xid, "the slow transaction holds the horizon back")
                seal = seal_batch(cr)
                self.assertTrue(seal is None or seal.to_xid <= slow_xid)
            slow.commit()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with connect(self.database) as sealer:
                seal_batch(sealer.cursor())
                last = last_seal(sealer.cursor())
                if last and last.to_xid > quick_xid:
                    break
            time.sleep(0.2)
        result = self.verify()
        self.assertTrue(result.ok, result.problem)
        self.assertEqual((result.sealed_events, result.unsealed_events), (2, 0))
        self.assertLess(slow_event, quick_event)

    def test_two_sealing_jobs(self):
        self.commit_events(3)
        with connect(self.database) as one, connect(self.database) as other:
            horizon = self.next_xid(one)
            self.assertTrue(seal_batch(one.cursor(), horizon=horizon))
            self.assertIsNone(seal_batch(other.cursor(), horizon=horizon), "the other one is at it")
        self.commit_events(1)
        with connect(self.database) as late:
            horizon = self.next_xid(late)  # takes the snapshot
            self.assertEqual(len(self.seal_all()), 1)
            with self.assertRaises(psycopg2.Error):
                seal_batch(late.cursor(), horizon=horizon)
            late.rollback()
        self.assertTrue(self.verify().ok)

    @staticmethod
    def next_xid(connection):
        cr = connection.cursor()
        cr.execute("SELECT max(txid) + 1 FROM distribution_event")
        return cr.fetchone()[0]

    def test_batches(self):
        for _transaction in range(10):
            self.commit_events(7)
        seals = self.seal_all(batch_events=20)
        self.assertEqual([seal.event_count for seal in seals], [14] * 5)
        self.commit_events(50)
        self.assertEqual(self.seal_all(batch_events=20)[0].event_count, 50, "a transaction is never cut")
        self.assertTrue(self.verify().ok)

    # ------------------------------------------------------------
    # Dump and restore
    # ------------------------------------------------------------

    def dump_and_restore(self):
        copy = self.make_database()
        dump = Path(self.folder, 'dump.sql')
        self.psql(self.database, 'pg_dump', '--no-owner', '-f', str(dump), self.database)
        self.psql(copy, 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', str(dump))
        return copy

    def test_restore_opens_a_new_epoch(self):
        self.commit_events(3)
        self.seal_all()
        self.commit_events(2)  # not sealed when the dump is made
        copy = self.dump_and_restore()
        self.assertTrue(self.verify(copy).ok)
        with connect(copy) as connection:
            cr = connection.cursor()
            self.assertEqual(open_epoch(cr), (2, True))
            self.assertEqual(open_epoch(cr), (2, False))
        self.commit_events(4, copy)
        self.seal_all(copy)
        result = self.verify(copy)
        self.assertTrue(result.ok, result.problem)
        self.assertEqual((result.sealed_events, result.unsealed_events), (9, 0))
        with connect(copy) as connection:
            cr = connection.cursor()
            cr.execute("SELECT epoch, count(*) FROM distribution_event GROUP BY 1 ORDER BY 1")
            self.assertEqual(cr.fetchall(), [(1, 5), (2, 4)])
            with self.assertRaises(psycopg2.errors.RestrictViolation):
                cr.execute("DELETE FROM distribution_event")
            connection.rollback()
        # the original goes its own way
        self.commit_events(1)
        self.seal_all()
        self.assertTrue(self.verify().ok)

    def test_transaction_numbers_that_begin_anew_do_not_collide(self):
        """As in a new cluster: the numbers of the new epoch are below those already sealed."""
        self.commit_events(3)
        seals = self.seal_all()
        with connect(self.database) as connection:
            cr = connection.cursor()
            cr.execute("""
                INSERT INTO distribution_event_epoch (system_identifier, database_oid, database_name)
                VALUES ('another', 1, 'x')
            """)
            # This database takes itself for the new cluster from now on, where numbers begin at 1.
            cr.execute("""
                CREATE OR REPLACE FUNCTION distribution_current_epoch() RETURNS integer LANGUAGE sql AS
                $$ SELECT max(id) FROM distribution_event_epoch $$
            """)
            cr.execute("SELECT pg_get_functiondef('distribution_event_stamp'::regproc)")
            cr.execute(cr.fetchone()[0].replace('txid_current()', f'txid_current() - {seals[0].to_xid - 1}'))
        self.commit_events(2)
        with connect(self.database) as connection:
            cr = connection.cursor()
            first = seal_batch(cr, horizon=1000)
            second = seal_batch(cr, horizon=1000)
        self.assertEqual((first.epoch, first.event_count), (1, 0), "the former epoch is closed")
        self.assertEqual((second.epoch, second.from_xid, second.event_count), (2, 0, 2))
        self.assertLess(second.to_xid, seals[0].to_xid)
        with patch.object(verifying, '_current_epoch', lambda _cr: 2):
            self.assertTrue(self.verify().ok)

    # ------------------------------------------------------------
    # The keeper
    # ------------------------------------------------------------

    def test_export_and_prune(self):
        for _transaction in range(4):
            self.commit_events(5)
        self.seal_all(batch_events=5)
        self.make_keeper()
        path = str(Path(self.folder, 'ledger.jsonl.gz'))
        exported = self.keeper_cli('export', '--from', '1', '--to', '2', path)
        self.assertEqual(exported.returncode, 0, exported.stderr)
        with open(path, 'rb') as source:
            check = exporting.check_file(source)
        self.assertEqual((check.ok, check.event_count), (True, 10))
        pruned = self.keeper_cli('prune', path)
        self.assertEqual(pruned.returncode, 0, pruned.stderr)
        result = self.verify()
        self.assertTrue(result.ok, result.problem)
        self.assertEqual((result.pruned_events, result.sealed_events), (10, 10))
        self.assertEqual(result.warnings, [])
        self.assertEqual(self.keeper_cli('check', path).returncode, 0)
        self.assertEqual(self.keeper_cli('verify').returncode, 0)
        again = self.keeper_cli('prune', path)
        self.assertEqual(again.returncode, 2, "already pruned")
        # the rest still verifies event by event, and the chain goes on
        self.commit_events(1)
        self.seal_all()
        self.assertEqual(self.verify().sealed_events, 11)
        with connect(self.database) as connection:
            cr = connection.cursor()
            as_owner(cr, "DELETE FROM distribution_event WHERE id = (SELECT max(id) - 1 FROM distribution_event)")
        self.assertEqual(self.verify().problem.what, 'missing')

    def test_altered_export_prunes_nothing(self):
        import gzip

        self.commit_events(5)
        self.seal_all()
        self.make_keeper()
        path = str(Path(self.folder, 'ledger.jsonl.gz'))
        self.assertEqual(self.keeper_cli('export', '--from', '1', '--to', '1', path).returncode, 0)
        lines = gzip.decompress(Path(path).read_bytes()).decode().splitlines(keepends=True)
        for altered in (
            [*lines[:-1]],
            [*lines[:-1], lines[-1].replace('a.b.v1', 'a.c.v1')],
            [*lines, lines[-1]],
            [lines[0].replace('"last_seal":1', '"last_seal":9'), *lines[1:]],
            ['{}\n', *lines[1:]],
        ):
            Path(path).write_bytes(gzip.compress(''.join(altered).encode()))
            result = self.keeper_cli('prune', path)
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn('Not done', result.stderr)
        Path(path).write_bytes(b'no gzip')
        self.assertEqual(self.keeper_cli('prune', path).returncode, 2)
        self.assertEqual(self.verify().sealed_events, 5)

    def test_odoo_role_cannot_pass_for_the_keeper(self):
        self.commit_events(2)
        self.seal_all()
        self.make_keeper()
        with connect(self.database) as connection:
            for statement in (
                f"SET ROLE {KEEPER_ROLE}",
                f"SET SESSION AUTHORIZATION {KEEPER_ROLE}",
                f"GRANT {KEEPER_ROLE} TO current_user",
                f"ALTER ROLE {KEEPER_ROLE} PASSWORD 'x'",
                "INSERT INTO distribution_event_prune (from_seal, to_seal, event_count, file_name, file_digest)"
                " VALUES (1, 1, 2, 'x', 'x')",
                "ALTER TABLE distribution_event_prune DISABLE TRIGGER ALL",
                "DELETE FROM distribution_event",
            ):
                with self.subTest(statement), self.assertRaises(psycopg2.Error):
                    connection.cursor().execute(statement)
                connection.rollback()

    def test_keeper_deletes_nothing_without_a_record(self):
        self.commit_events(2)
        self.seal_all()
        self.make_keeper()
        with connect(self.database, KEEPER_ROLE) as connection:
            for statement in (
                "DELETE FROM distribution_event",
                "UPDATE distribution_event SET data = ''",
                "TRUNCATE distribution_event",
                "DELETE FROM distribution_event_seal",
                "INSERT INTO distribution_event_seal DEFAULT VALUES",
            ):
                with self.subTest(statement), self.assertRaises(psycopg2.Error):
                    connection.cursor().execute(statement)
                connection.rollback()

    def test_forged_prune_table_is_not_believed(self):
        """The owner of the schema can replace the keeper's table, but cannot make it the keeper's."""
        self.commit_events(2)
        self.seal_all()
        self.make_keeper()
        with connect(self.database) as connection:
            cr = connection.cursor()
            cr.execute("DROP TABLE distribution_event_prune")
            create_ledger(cr)
            as_owner(
                cr,
                "INSERT INTO distribution_event_prune (from_seal, to_seal, event_count, file_name, file_digest)"
                " VALUES (1, 1, 2, 'x', 'x')",
            )
            as_owner(cr, "DELETE FROM distribution_event")
            connection.commit()
            with self.assertRaises(psycopg2.Error):
                cr.execute(f"ALTER TABLE distribution_event_prune OWNER TO {KEEPER_ROLE}")
            connection.rollback()
        result = self.verify()
        self.assertEqual(result.problem.what, 'missing')
        self.assertTrue(any('not believed' in warning for warning in result.warnings))

    def test_keeper_runs_no_planted_code(self):
        self.commit_events(2)
        self.seal_all()
        self.make_keeper()
        path = str(Path(self.folder, 'ledger.jsonl.gz'))
        self.assertEqual(self.keeper_cli('export', '--from', '1', '--to', '1', path).returncode, 0)
        with connect(self.database) as connection:
            connection.cursor().execute("""
                CREATE OR REPLACE FUNCTION distribution_event_refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RETURN OLD; END $$""")
        result = self.keeper_cli('prune', path)
        self.assertEqual(result.returncode, 2)
        self.assertIn('not as it was installed', result.stderr)
