"""Server actions and automation rules can record an event."""

import json

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine.house_schema import JSON_TYPES, house_schema
from .distribution_event import TYPE_PATTERN
from .distribution_event_type import RESERVED_PREFIX

STATE = 'distribution_event'
#: Whose texts are not for the ledger: it has no names, mail addresses and bank data.
PEOPLE = frozenset({'res.partner', 'res.users', 'res.partner.bank', 'hr.employee', 'res.bank'})
PERSONAL = ('mail', 'phone', 'mobile', 'street', 'zip', 'city', 'contact', 'partner_name', 'acc_number', 'iban', 'vat',
            'login', 'password', 'secret', 'token', 'sanitized')  # fmt: skip


class IrActionsServer(models.Model):
    _inherit = 'ir.actions.server'

    state = fields.Selection(selection_add=[(STATE, "Emit Event")], ondelete={STATE: 'cascade'})
    event_type_name = fields.Char(
        "Event Type", help="In a namespace of your own, such as acme.crate.returned.v1; distribution.* is the suite's."
    )
    event_description = fields.Char("What Happened", help="In a sentence, for who reads the event catalogue.")
    event_field_ids = fields.Many2many(
        'ir.model.fields',
        'distribution_server_action_event_field_rel',
        'action_id',
        'field_id',
        string="Facts",
        help="Values that the event carries. Names, mail addresses and bank data are not for the ledger.",
    )

    @api.constrains('state', 'event_type_name', 'event_field_ids', 'event_description', 'model_id')
    def _check_event(self):
        for action in self.filtered(lambda action: action.state == STATE):
            name = action.event_type_name or ''
            if name.startswith(RESERVED_PREFIX):
                raise ValidationError(_("Event Type: %s belongs to the suite. Choose a namespace of your own.", name))
            if not TYPE_PATTERN.fullmatch(name):
                raise ValidationError(
                    _("Event Type: write <your namespace>.<thing>.<what became of it>.v1, in small letters.")
                )
            action._check_event_fields()
            action._declare_event()

    def _check_event_fields(self):
        model = self.env[self.model_id.model]
        for chosen in self.event_field_ids.sudo():
            field = model._fields.get(chosen.name)
            if field is None or chosen.model_id != self.model_id:
                raise ValidationError(_("Facts: %s is no field of the model.", chosen.name))
            text = chosen.ttype == 'char'
            if (
                chosen.ttype not in JSON_TYPES
                or field.groups
                or (text and (model._name in PEOPLE or any(word in chosen.name for word in PERSONAL)))
            ):
                raise ValidationError(
                    _(
                        "Facts: “%s” may hold names, addresses, bank data or what not everybody may see: the ledger "
                        "does not keep that. Choose numbers, references and business values.",
                        chosen.field_description,
                    )
                )

    def _event_kinds(self):
        return {chosen.name: chosen.ttype for chosen in self.event_field_ids.sudo()}

    def _declare_event(self):
        """Put the type into the catalogue; whoever uses it already decides what it looks like."""
        words = self.event_description or self.name
        schema = house_schema(words.rstrip('.'), words, self._event_kinds())
        types = self.env['distribution.event.type'].sudo()
        known = types.search([('name', '=', self.event_type_name)])
        foreign = known and not known.is_house
        others = self.sudo().search_count(
            [('state', '=', STATE), ('event_type_name', '=', self.event_type_name), ('id', '!=', self.id)]
        )
        if not foreign and not others:
            types._declare(self.event_type_name, schema)
            return
        wanted = json.loads(known.schema)
        carried = schema['properties'].keys()
        missing = set(wanted.get('required', ())) - carried
        strange = carried - wanted.get('properties', {}).keys() if not wanted.get('additionalProperties', True) else ()
        if missing or strange:
            raise ValidationError(
                _(
                    "Facts: %(type)s exists already and carries %(fields)s. Choose the same, or another type.",
                    type=self.event_type_name,
                    fields=', '.join(sorted(wanted.get('properties', ()))) or _("nothing"),
                )
            )

    def _run_action_distribution_event_multi(self, eval_context=None):
        """Record the event for each record, in the transaction of what happened to it."""
        records = self._suite_records(eval_context)
        if not records:
            return
        # sudo: the catalogue is the same for everybody
        if not self.env['distribution.event.type'].sudo().search_count([('name', '=', self.event_type_name)]):
            self._declare_event()
        kinds = self._event_kinds()
        # sudo: the ledger is written for whoever acts; the values are read with that person's own rights
        self.env['distribution.event'].sudo()._record(
            self.event_type_name,
            records,
            {record.id: {name: _value(record[name], kind) for name, kind in kinds.items()} for record in records},
        )


def _value(value, kind):
    """A field's value in an event."""
    if kind == 'many2one':
        return value.id or None
    if kind in ('many2many', 'one2many'):
        return value.ids
    if kind in ('date', 'datetime'):
        return value.isoformat() if value else None
    if kind in ('char', 'selection'):
        return value or None
    return value
