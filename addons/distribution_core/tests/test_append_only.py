"""The helpers that other addons protect their evidence with."""

import psycopg2
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from ..append_only import protect_append_only, protect_columns


@tagged('post_install', '-at_install')
class TestAppendOnly(TransactionCase):
    def setUp(self):
        super().setUp()
        self.env.cr.execute("CREATE TABLE distribution_test_paper (id serial, name text, note text, state text)")
        self.env.cr.execute("INSERT INTO distribution_test_paper (name, state) VALUES ('a', 'draft'), ('b', 'done')")

    def refused(self, statement):
        with self.assertRaises(psycopg2.IntegrityError) as caught, self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
            self.env.cr.execute(statement)
        self.assertIn('distribution_test_paper', str(caught.exception))

    def test_append_only(self):
        for _again in range(2):
            protect_append_only(self.env.cr, 'distribution_test_paper')
        self.env.cr.execute("INSERT INTO distribution_test_paper (name) VALUES ('c')")
        self.refused("UPDATE distribution_test_paper SET note = 'x'")
        self.refused("DELETE FROM distribution_test_paper")
        self.refused("TRUNCATE distribution_test_paper")

    def test_columns_under_a_condition(self):
        for _again in range(2):
            protect_columns(self.env.cr, 'distribution_test_paper', ['name', 'state'], when="OLD.state <> 'draft'")
        self.env.cr.execute("UPDATE distribution_test_paper SET note = 'x'")
        self.env.cr.execute("UPDATE distribution_test_paper SET name = 'z' WHERE state = 'draft'")
        self.refused("UPDATE distribution_test_paper SET name = 'y' WHERE state = 'done'")
        self.refused("UPDATE distribution_test_paper SET state = 'draft' WHERE state = 'done'")
        self.refused("DELETE FROM distribution_test_paper WHERE state = 'done'")
        self.env.cr.execute("DELETE FROM distribution_test_paper WHERE state = 'draft'")

    def test_triggers_fire_always(self):
        protect_append_only(self.env.cr, 'distribution_test_paper')
        protect_columns(self.env.cr, 'distribution_test_paper', ['name'])
        self.env.cr.execute("""
            SELECT DISTINCT tgenabled::text FROM pg_trigger WHERE tgrelid IN (
                'distribution_test_paper'::regclass, 'distribution_event'::regclass,
                'distribution_event_seal'::regclass, 'distribution_event_epoch'::regclass) AND NOT tgisinternal
        """)
        self.assertEqual(self.env.cr.fetchall(), [('A',)])
