"""Changes to what runs by itself are facts for the ledger."""

from odoo import api, models

from ..engine.difference import difference

#: Written by Odoo's own machinery, or of no meaning for what the automation does.
_NOISE = {
    'write_date', 'write_uid', 'create_date', 'create_uid', 'display_name', 'lastcall', 'last_run', 'failure_count',
    'first_failure_date', '__last_update', 'least_delay_msg',
}  # fmt: skip


class DistributionAutomationWatch(models.AbstractModel):
    """Inherited by Odoo's own scheduled actions, server actions and automation rules."""

    _name = 'distribution.automation.watch'
    _description = "Watched Automation"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        if self._is_watched():
            states = records._watched_state()
            for record in records:
                record._record_automation('created', {}, states[record.id])
        return records

    def write(self, vals):
        if not self._is_watched():
            return super().write(vals)
        names = self._watched_fields() & vals.keys() if self._name != 'base.automation' else self._watched_fields()
        before = self._watched_state(names)
        result = super().write(vals)
        after = self._watched_state(names)
        for record in self:
            if before[record.id] != after[record.id]:
                record._record_automation('changed', before[record.id], after[record.id])
        return result

    def unlink(self):
        if self._is_watched():
            states = self._watched_state()
            for record in self:
                record._record_automation('removed', states[record.id], {})
        return super().unlink()

    @api.model
    def _is_watched(self):
        """While addons are loaded their own data arrives; that they were installed is an event of its own."""
        return self.env.registry.ready

    @api.model
    def _watched_fields(self):
        return {
            name
            for name, field in self._fields.items()
            if field.store
            and not field.related
            and name not in _NOISE
            and not (field.compute and not field.inverse and field.readonly)
            and not name.startswith(('message_', 'activity_'))
            and field.type != 'one2many'
        } - set(self._watched_inherited())

    @api.model
    def _watched_inherited(self):
        """Fields that belong to the record behind (``_inherits``), which is watched itself."""
        return {name for name, field in self._fields.items() if field.inherited}

    def _watched_state(self, names=None):
        """``{id: {field: plain value}}``."""
        names = sorted(self._watched_fields() if names is None else names)
        # sudo: some fields are for administrators; whoever writes must not be stopped by the record of it
        return {
            values.pop('id'): {
                name: list(value) if isinstance(value, tuple) else _plain(value) for name, value in values.items()
            }
            for values in self.sudo().with_context({}).read(names, load=False)
        }

    def _record_automation(self, action, before, after):
        changes = difference(before, after)
        self.env['distribution.event'].sudo()._record(
            'distribution.automation.changed.v1',
            self,
            {'kind': self._name, 'action': action, 'changes': changes},
        )


def _plain(value):
    if value is None or isinstance(value, (bool, int, float, str, bytes, list)):
        return value
    return str(value)


class IrCron(models.Model):
    _name = 'ir.cron'
    _inherit = ['ir.cron', 'distribution.automation.watch']


class IrActionsServer(models.Model):
    _name = 'ir.actions.server'
    _inherit = ['ir.actions.server', 'distribution.automation.watch']
