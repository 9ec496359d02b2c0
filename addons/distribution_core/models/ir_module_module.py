"""Removing an addon of the suite is a fact for the ledger."""

from odoo import models

from ..ledger.schema import owner_of
from .distribution_event_type import SUITE_AUTHOR


class IrModuleModule(models.Model):
    _inherit = 'ir.module.module'

    def module_uninstall(self):
        # When the ledger itself leaves, its uninstall hook has written this already.
        if owner_of(self.env.cr, 'distribution_event'):
            self._record_removal()
        return super().module_uninstall()

    def _record_removal(self):
        addons = self.filtered(lambda addon: addon.author == SUITE_AUTHOR)
        self.env['distribution.event']._record(
            'distribution.addon.removed.v1',
            addons,
            lambda addon: {'addon': addon.name, 'version': addon.latest_version or None},
        )
