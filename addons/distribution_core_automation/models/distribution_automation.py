"""Automation rules, and the server actions that they run, in the register."""

from odoo import _, api, fields, models

#: Triggers that a scheduled action of Odoo works off.
TIMED = ('on_time', 'on_time_created', 'on_time_updated')


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
        """What is recorded of rules, and no more.

        A timed rule: when it ran last, and whether the scheduled action that runs all of them fails; errors with
        single records are in the server's log only. A rule that is called from outside: its last call, if the rule
        keeps them. All others show an error to whoever set them off, and nobody records it.
        """
        rules = (
            self.env['base.automation'].sudo().with_context(active_test=False).browse(self.mapped('res_id')).exists()
        )
        known = {rule.id: rule for rule in rules}
        timer_fails, calls = self._timer_failure(), rules._last_calls()
        facts = {}
        for automation in self:
            rule = known.get(automation.res_id)
            if not rule:
                continue
            last, health, outcome = False, 'unknown', _("not recorded")
            if rule.trigger in TIMED:
                last = fields.Datetime.to_datetime(rule.last_run) if 'last_run' in rule._fields else False
                health = 'failing' if timer_fails else 'unknown' if last else 'never'
                outcome = timer_fails or (last and _("ran; errors with single records are not recorded"))
            elif rule.id in calls:
                last, error = calls[rule.id]
                health, outcome = ('failing', error) if error else ('ok', _("called"))
            facts[automation.id] = {
                'health': health if rule.active else 'paused',
                'running': rule.active,
                'last_run_at': last,
                'last_outcome': outcome,
            }
        return facts

    @api.model
    def _timer_failure(self):
        """The error of the scheduled action that runs timed rules, if its last run failed."""
        timer = self.env.ref('base_automation.ir_cron_data_base_automation_check', raise_if_not_found=False)
        # sudo: health is for operations and auditors, too
        run = self.env['distribution.automation.run'].sudo().search(
            [('cron_id', '=', timer.id if timer else 0)], order='id desc', limit=1
        )  # fmt: skip
        return (run.error or _("failed")) if run.outcome == 'failed' else False
