"""Automation rules, and the server actions that they run, in the register."""

from odoo import api, fields, models


class DistributionAutomation(models.Model):
    _inherit = 'distribution.automation'

    @api.model
    def _sources(self):
        rules = self.env['base.automation'].sudo().with_context(active_test=False).search([])
        return [*super()._sources(), ('rule', rules, lambda rule: rule.name, lambda rule: {})]

    @api.model
    def _used_server_actions(self):
        rules = self.env['base.automation'].sudo().with_context(active_test=False).search([])
        return super()._used_server_actions() | rules.action_server_ids

    def _health_of_rule(self):
        """On or off, and when a timed rule ran last; a rule that fails shows its error to whoever set it off."""
        rules = (
            self.env['base.automation'].sudo().with_context(active_test=False).browse(self.mapped('res_id')).exists()
        )
        known = {rule.id: rule for rule in rules}
        facts = {}
        for automation in self:
            rule = known.get(automation.res_id)
            if rule:
                last = rule.last_run if 'last_run' in rule._fields else False
                facts[automation.id] = {
                    'health': 'unknown' if rule.active else 'paused',
                    'running': rule.active,
                    'last_run_at': fields.Datetime.to_datetime(last),
                }
        return facts
