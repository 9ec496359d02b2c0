"""Odoo's automation rules are watched like everything that runs by itself."""

from odoo import api, models


class BaseAutomation(models.Model):
    _name = 'base.automation'
    _inherit = ['base.automation', 'distribution.automation.watch']

    @api.model
    def _watched_names(self, vals):
        """Some fields of a rule follow from others when it is written."""
        return self._watched_fields()

    def unlink(self):
        if self._is_watched():
            # The database deletes the actions of a rule along with it, without asking the application.
            states = self.action_server_ids._watched_state()
            for action in self.action_server_ids.sudo():
                action._record_automation('removed', states[action.id], {})
        return super().unlink()
