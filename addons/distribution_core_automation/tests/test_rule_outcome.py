"""What became of a rule that somebody's work sets off: real transactions."""

from contextlib import contextmanager, suppress
from itertools import count

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.tests.common import TransactionCase, tagged
from odoo.tools import mute_logger

from ..models import automation_rule_outcome


@tagged('post_install', '-at_install')
class TestRuleOutcome(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cls._transaction() as env:
            model_id = env['ir.model']._get_id('res.partner.category')
            name_id = env['ir.model.fields']._get('res.partner.category', 'name').id
            rule = env['base.automation'].create(
                {
                    'name': "Greet",
                    'model_id': model_id,
                    'trigger': 'on_create_or_write',
                    'trigger_field_ids': [(6, 0, [name_id])],
                    'action_server_ids': [(0, 0, {'name': "Say hello", 'model_id': model_id, 'state': 'code'})],
                }
            )
            cls.rule_id, cls.action_id = rule.id, rule.action_server_ids.id
            cls.tag_id = env['res.partner.category'].create({'name': "New"}).id
        cls.names = (f"Name {number}" for number in count())
        cls.addClassCleanup(cls._remove)

    @classmethod
    def _remove(cls):
        with cls._transaction() as env:
            env['base.automation'].browse(cls.rule_id).unlink()
            env['res.partner.category'].browse(cls.tag_id).unlink()

    def setUp(self):
        super().setUp()
        automation_rule_outcome._written.clear()
        with self._transaction() as env:
            env['distribution.automation.rule.outcome'].search([('rule_id', '=', self.rule_id)]).unlink()

    @classmethod
    @contextmanager
    def _transaction(cls):
        with cls.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _work(self, code="pass", vals=None):
        """Somebody's work sets the rule off, in a transaction that ends with it."""
        with self._transaction() as env:
            env['ir.actions.server'].browse(self.action_id).code = code
        mute = mute_logger('odoo.addons.base.models.ir_actions')
        with suppress(UserError, ValueError), mute, self._transaction() as env:
            env['res.partner.category'].browse(self.tag_id).write(vals or {'name': next(self.names)})

    def _row(self):
        with self._transaction() as env:
            register = env['distribution.automation']
            register._sync()
            row = register.search([('res_model', '=', 'base.automation'), ('res_id', '=', self.rule_id)])
            return row.health, row.last_outcome, bool(row.last_run_at)

    def test_it_ran(self):
        self.assertEqual(self._row(), ('never', False, False))
        self._work(vals={'color': 3})
        self.assertEqual(self._row(), ('never', False, False), "the field was none that it watches")
        self._work()
        self.assertEqual(self._row(), ('ok', "Ran", True))

    def test_it_failed_and_recovered(self):
        self._work("{}['secret-4711']")
        self.assertEqual(self._row(), ('failing', "Failed: KeyError", True))
        self._work()
        self.assertEqual(self._row(), ('ok', "Ran", True))

    def test_it_stopped_somebody(self):
        self._work("raise UserError('not on Sundays')")
        self.assertEqual(self._row(), ('ok', "Stopped somebody with a message", True))

    def test_a_failure_that_somebody_swallows(self):
        """As the job of timed rules does: the transaction goes on, and is committed."""
        with self._transaction() as env:
            env['ir.actions.server'].browse(self.action_id).code = "1 / 0"
        mute = mute_logger('odoo.addons.base.models.ir_actions')
        with self._transaction() as env, mute, suppress(ZeroDivisionError):
            env['base.automation'].browse(self.rule_id)._process(env['res.partner.category'].browse(self.tag_id))
        self.assertEqual(self._row(), ('failing', "Failed: ZeroDivisionError", True))

    def test_what_is_rolled_back_did_not_run(self):
        with suppress(ZeroDivisionError), self._transaction() as env:
            env['res.partner.category'].browse(self.tag_id).name = "Rolled back"
            raise ZeroDivisionError
        self.assertEqual(self._row(), ('never', False, False))

    def test_what_cannot_be_written_disturbs_nobody(self):
        logger = 'odoo.addons.distribution_core_automation.models.automation_rule_outcome'
        with self.assertLogs(logger, 'WARNING'):
            automation_rule_outcome._write(
                self.registry, self.env.cr.dbname, {self.rule_id: ('failed', "no text for a database: \0")}
            )
        self.assertEqual(self._row(), ('never', False, False))

    def test_once_a_minute(self):
        self._work()
        with self._transaction() as env:
            env.cr.execute(
                "UPDATE distribution_automation_rule_outcome SET at = '2026-01-01' WHERE rule_id = %s", [self.rule_id]
            )
        self._work()
        with self._transaction() as env:
            kept = env['distribution.automation.rule.outcome'].search([('rule_id', '=', self.rule_id)])
            self.assertEqual(str(kept.at), '2026-01-01 00:00:00')
