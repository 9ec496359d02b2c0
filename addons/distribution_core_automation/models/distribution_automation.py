"""Automation rules, and the server actions that they run, in the register."""

from odoo import _, api, fields, models
from odoo.tools import html2plaintext

#: Triggers that a scheduled action of Odoo works off.
TIMED = ('on_time', 'on_time_created', 'on_time_updated')


class DistributionAutomation(models.Model):
    _inherit = 'distribution.automation'

    @api.model
    def _sources(self):
        rules = self.env['base.automation'].sudo().with_context(active_test=False).search([])
        sources = [
            (kind, records, self._register_name_of_action if kind == 'server_action' else name_of, values_of)
            for kind, records, name_of, values_of in super()._sources()
        ]
        return [*sources, ('rule', rules, lambda rule: rule.name, self._register_values_of_rule)]

    @api.model
    def _register_name_of_action(self, action):
        """Odoo names the actions of rules by what they do: many have the same name."""
        return f'{action.base_automation_id.name}: {action.name}' if action.base_automation_id else action.name

    @api.model
    def _register_values_of_rule(self, rule):
        """The notes of a rule say what it does."""
        return {'note': html2plaintext(rule.description or '').strip()}

    @api.model
    def _owned_kinds(self):
        return [*super()._owned_kinds(), 'rule']

    @api.model
    def _used_server_actions(self):
        rules = self.env['base.automation'].sudo().with_context(active_test=False).search([])
        return super()._used_server_actions() | rules.action_server_ids

    def _health_of_rule(self):
        """What is recorded of rules, and no more.

        Every rule: what became of it when it was set off last. A timed rule: also when it was looked at last, and
        whether the scheduled action that runs all of them fails. A rule that is called from outside: its last call,
        if the rule keeps them.
        """
        rules = (
            self.env['base.automation'].sudo().with_context(active_test=False).browse(self.mapped('res_id')).exists()
        )
        known = {rule.id: rule for rule in rules}
        timer_fails, calls = self._timer_failure(), rules._last_calls()
        # sudo: health is for whoever may see the register
        kept = self.env['distribution.automation.rule.outcome'].sudo().search([('rule_id', 'in', rules.ids)])
        outcomes = {outcome.rule_id.id: outcome for outcome in kept}
        facts = {}
        for automation in self:
            rule = known.get(automation.res_id)
            if not rule:
                continue
            last, health, outcome = self._outcome_of_rule(outcomes.get(rule.id))
            if rule.trigger in TIMED:
                looked = fields.Datetime.to_datetime(rule.last_run) if 'last_run' in rule._fields else False
                if timer_fails:
                    health, outcome = 'failing', timer_fails
                elif looked and not last:
                    health, outcome = 'ok', _("nothing was due")
                last = max(filter(None, (last, looked)), default=False)
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
    def _outcome_of_rule(self, kept):
        """``(time or False, health, outcome in words)`` of what is kept of a rule, which may be nothing."""
        if not kept:
            return False, 'never', False
        words = dict(kept._fields['outcome']._description_selection(self.env))[kept.outcome]
        if kept.outcome == 'failed':
            return kept.at, 'failing', f'{words}: {kept.error}'
        return kept.at, 'ok', words

    @api.model
    def _timer_failure(self):
        """The error of the scheduled action that runs timed rules, if its last run failed."""
        timer = self.env.ref('base_automation.ir_cron_data_base_automation_check', raise_if_not_found=False)
        # sudo: health is for operations and auditors, too
        run = self.env['distribution.automation.run'].sudo().search(
            [('cron_id', '=', timer.id if timer else 0)], order='id desc', limit=1
        )  # fmt: skip
        return (run.error or _("failed")) if run.outcome == 'failed' else False
