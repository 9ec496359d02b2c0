"""Odoo's automation rules are watched like everything that runs by itself."""

from odoo import api, models


class BaseAutomation(models.Model):
    _name = 'base.automation'
    _inherit = ['base.automation', 'distribution.automation.watch']

    @api.model
    def _watched_names(self, vals):
        """Some fields of a rule follow from others when it is written."""
        return self._watched_fields()

    def _process(self, records, domain_post=None):
        # sudo: whoever sets a rule off needs no right to the register
        outcomes = self.env['distribution.automation.rule.outcome'].sudo()
        done = self.env.context.get('__action_done', {}).get(self, records.browse())
        runs = any(self._check_trigger_fields(record) for record in records - done)
        try:
            result = super()._process(records, domain_post=domain_post)
        except Exception as error:
            outcomes._note(self, error)
            raise
        if runs:
            outcomes._note(self)
        return result

    def _last_calls(self):
        """``{rule id: (time, error or None)}`` of the last call from outside, of rules that keep their calls.

        Of an error its first line: the others may show what was sent.
        """
        paths = {f'base_automation({rule.id})': rule.id for rule in self if rule.log_webhook_calls}
        self.env['ir.logging'].flush_model()
        self.env.cr.execute(
            """SELECT DISTINCT ON (path) path, create_date, CASE WHEN level = 'ERROR' THEN message END
                 FROM ir_logging WHERE path = ANY(%s) ORDER BY path, id DESC""",
            [list(paths)],
        )
        return {
            paths[path]: (at, error and error.partition('\n')[0].strip()) for path, at, error in self.env.cr.fetchall()
        }

    def unlink(self):
        if self._is_watched():
            # The database deletes the actions of a rule along with it, without asking the application.
            states = self.action_server_ids._watched_state()
            for action in self.action_server_ids.sudo():
                action._record_automation('removed', states[action.id], {})
        return super().unlink()
