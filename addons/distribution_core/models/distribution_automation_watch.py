"""Changes to what runs by itself are facts for the ledger."""

from contextlib import contextmanager
from weakref import WeakKeyDictionary

from odoo import api, models

from ..engine.difference import difference

#: Written by Odoo's own machinery, or of no meaning for what the automation does.
_NOISE = {
    'write_date', 'write_uid', 'create_date', 'create_uid', 'display_name', 'lastcall', 'last_run', 'failure_count',
    'first_failure_date', '__last_update', 'least_delay_msg',
}  # fmt: skip
#: ``{cursor: [(record, before, after)]}``: changes met while something is being created in this transaction.
_MEANWHILE = WeakKeyDictionary()


class DistributionAutomationWatch(models.AbstractModel):
    """Inherited by Odoo's own scheduled actions, server actions and automation rules."""

    _name = 'distribution.automation.watch'
    _description = "Watched Automation"

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_watched():
            return super().create(vals_list)
        with self._noting_meanwhile() as meanwhile:
            records = super().create(vals_list)
            records.flush_recordset()  # what Odoo computes it may write, too
            states = records._watched_state()
        for record in records:
            record._record_automation('created', {}, states[record.id])
        for record, before, after in meanwhile:
            if record.exists() and not (record._name == records._name and record.id in records.ids):
                record._record_change(before, after)
        return records

    @contextmanager
    def _noting_meanwhile(self):
        """Collect changes instead of recording them: Odoo writes to records that it has not finished creating."""
        outer = _MEANWHILE.get(self.env.cr)
        _MEANWHILE[self.env.cr] = noted = []
        try:
            yield noted
        finally:
            if outer is None:
                del _MEANWHILE[self.env.cr]
            else:
                _MEANWHILE[self.env.cr] = outer

    def write(self, vals):
        if not self._is_watched():
            return super().write(vals)
        with self._watching(self._watched_names(vals)):
            return super().write(vals)

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
            for values in self.sudo().with_context({}).read(names, load=False)  # pylint: disable=context-overridden
        }

    def update_field_translations(self, field_name, translations):
        """The door of the translation dialog: it writes past :meth:`write`."""
        with self._watching({field_name}):
            return super().update_field_translations(field_name, translations)

    @contextmanager
    def _watching(self, names=None):
        """Record what the block changes in these records."""
        before = self._watched_state(names)
        yield
        after = self._watched_state(names)
        for record in self:
            if before[record.id] != after[record.id]:
                record._record_change(before[record.id], after[record.id])

    def _record_change(self, before, after):
        meanwhile = _MEANWHILE.get(self.env.cr)
        if meanwhile is None:
            self._record_automation('changed', before, after)
        else:
            meanwhile.append((self, before, after))

    @api.model
    def _watched_names(self, vals):
        """Fields that writing ``vals`` may change."""
        return self._watched_fields() & vals.keys()

    def _record_automation(self, action, before, after):
        changes = difference(before, after)
        self.env['distribution.event'].sudo()._record(
            'distribution.automation.changed.v1',
            self,
            {'kind': self._name, 'action': action, 'changes': changes},
        )
        self.env['distribution.automation']._note_control(self, action, changes)


def _plain(value):
    if value == '':
        return False  # an empty text and none are stored alike
    if value is None or isinstance(value, (bool, int, float, str, bytes, list)):
        return value
    return str(value)


class IrCron(models.Model):
    _name = 'ir.cron'
    _inherit = ['ir.cron', 'distribution.automation.watch']


class IrActionsServer(models.Model):
    _name = 'ir.actions.server'
    _inherit = ['ir.actions.server', 'distribution.automation.watch']


class IrActions(models.Model):
    """Server actions can be reached as plain actions, too: PostgreSQL shows their rows in both tables."""

    _inherit = 'ir.actions.actions'

    def write(self, vals):
        with self._watching_behind():
            return super().write(vals)

    def unlink(self):
        behind = self._server_actions_behind()
        states = behind._watched_state() if behind else {}
        for action in behind:
            action._record_automation('removed', states[action.id], {})
        return super().unlink()

    def update_field_translations(self, field_name, translations):
        with self._watching_behind():
            return super().update_field_translations(field_name, translations)

    @contextmanager
    def _watching_behind(self):
        behind = self._server_actions_behind()
        with behind._watching():
            yield
            behind.env.flush_all()
            behind.invalidate_recordset()

    def _server_actions_behind(self):
        """Server actions among these, when they are met under the general model."""
        server_actions = self.env['ir.actions.server'].sudo()
        if self._name != 'ir.actions.actions' or not server_actions._is_watched():
            return server_actions.browse()
        return server_actions.browse(self.ids).exists()


class IrConfigParameter(models.Model):
    """Settings that decide how far the suite reaches, or how closely it looks."""

    _name = 'ir.config_parameter'
    _inherit = ['ir.config_parameter', 'distribution.automation.watch']

    @api.model
    def _watched_names(self, vals):
        return {'key', 'value'}

    def _record_automation(self, action, before, after):
        watched = self._distribution_watched_parameters()
        keys = {before.get('key', self.key), after.get('key', self.key)}
        for key in sorted(keys & watched):
            # Its own key stands for the field: the value may be read, addresses of hosts are no secret.
            old = before.get('value') if before.get('key', self.key) == key else None
            new = after.get('value') if after.get('key', self.key) == key and action != 'removed' else None
            self.env['distribution.event'].sudo()._record(
                'distribution.automation.changed.v1',
                self,
                {'kind': self._name, 'action': action, 'changes': difference({key: old}, {key: new})},
            )

    @api.model
    def _distribution_watched_parameters(self):
        """Keys of the settings whose changes are facts for the ledger; addons add theirs."""
        return {'distribution_core.outbound_allowed_hosts'}
