"""Installing, upgrading and removing leave the ledger intact."""

from odoo.tests import tagged

from ..hooks import pre_init_hook, uninstall_hook
from ..ledger.schema import TABLES, create_ledger, unexpected_code
from ..ledger.verifying import verify_ledger
from .common import LedgerCase


@tagged('post_install', '-at_install')
class TestAddonHooks(LedgerCase):
    def test_installation_is_on_record(self):
        addon = self.env.ref('base.module_distribution_core')
        self.assertTrue(self.Event._last_for(addon, 'distribution.addon.updated.v1'))

    def test_upgrade_leaves_everything_as_it_was(self):
        self.record()
        self.seal()
        before = self.sql("SELECT md5(string_agg(event::text, '' ORDER BY id)) FROM distribution_event event")
        create_ledger(self.env.cr)
        self.Event.init()
        self.assertEqual(
            self.sql("SELECT md5(string_agg(event::text, '' ORDER BY id)) FROM distribution_event event"), before
        )
        self.assertTrue(self.Seal._verify().ok)

    def test_uninstall_puts_the_ledger_aside_and_reinstall_takes_it_up(self):
        self.record()
        self.seal()
        count = self.sql("SELECT count(*) FROM distribution_event")[0][0]
        self.env.ref('base.module_distribution_core').state = 'to remove'
        uninstall_hook(self.env)
        for table in TABLES:
            self.assertFalse(self.sql("SELECT to_regclass(%s)", table)[0][0])
        self.assertEqual(self.sql("SELECT count(*) FROM distribution_event_kept")[0][0], count + 1)
        pre_init_hook(self.env)
        self.Event.init()
        self.assertEqual(unexpected_code(self.env.cr), [])
        self.assertEqual(self.Event.search([], limit=1).type, 'distribution.addon.removed.v1')
        self.assertTrue(self.Seal._verify().ok)

    def test_set_aside_triggers_and_planted_code_are_reported(self):
        self.assertEqual(unexpected_code(self.env.cr), [])
        for statement, finding in (
            ("ALTER TABLE distribution_event DISABLE TRIGGER distribution_append_only", 'distribution_append_only on'),
            ("DROP TRIGGER distribution_stamp ON distribution_event", 'is missing'),
            (
                "CREATE OR REPLACE FUNCTION distribution_refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN NULL; END $$",
                'distribution_refuse_change differs',
            ),
            (
                "CREATE TRIGGER planted AFTER DELETE ON distribution_event FOR EACH ROW"
                " EXECUTE FUNCTION distribution_refuse_change()",
                'planted',
            ),
        ):
            with self.subTest(finding):
                savepoint = self.env.cr.savepoint(flush=False)
                with savepoint:
                    self.sql(statement)
                    self.assertIn(finding, ' '.join(unexpected_code(self.env.cr)))
                    self.assertIn(finding, ' '.join(verify_ledger(self.env.cr).warnings))
                    savepoint.rollback()
        self.assertEqual(unexpected_code(self.env.cr), [])
