"""Server actions and automation rules can open a case."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine import placeholders
from .distribution_case_type import SEVERITIES

STATE = 'distribution_case'


class IrActionsServer(models.Model):
    _inherit = 'ir.actions.server'

    state = fields.Selection(selection_add=[(STATE, "Open Case")], ondelete={STATE: 'cascade'})
    case_type_id = fields.Many2one('distribution.case.type', ondelete='restrict')
    case_severity = fields.Selection(SEVERITIES, help="Empty: that of the case type.")
    case_summary = fields.Char("Summary", help="Fields of the record in braces: “{name} of {partner_id} is late”.")
    case_detail = fields.Text("Details", help="Fields of the record in braces, as in the summary.")
    case_once = fields.Boolean(
        "One Open Case per Record", default=True, help="While a case of this action is open, none is opened again."
    )

    @api.constrains('state', 'case_type_id', 'case_summary', 'case_detail', 'model_id')
    def _check_case(self):
        for action in self.filtered(lambda action: action.state == STATE):
            if not action.case_type_id:
                raise ValidationError(_("Case Type: choose what kind of case “%s” opens.", action.name))
            if not (action.case_summary or '').strip():
                raise ValidationError(_("Summary: write what the case says, such as “{display_name} is late”."))
            for path in placeholders.names(f'{action.case_summary} {action.case_detail or ""}'):
                action._check_path(path)

    def _check_path(self, path):
        model = self.env[self.model_id.model]
        for name in path.split('.'):
            field = model._fields.get(name) if model is not None else None
            if field is None or field.groups:
                raise ValidationError(
                    _("Summary and Details: {%s} is no field of the record that everybody may see.", path)
                )
            model = self.env[field.comodel_name] if field.relational else None

    def _run_action_distribution_case_multi(self, eval_context=None):
        """Open a case for each record."""
        records = self._suite_records(eval_context)
        cases = self.env['distribution.case']
        for record in records:

            def value_of(path, record=record):
                return _words(record, path)

            cases |= cases._open(
                self.case_type_id.code,
                record,
                placeholders.fill(self.case_summary, value_of),
                detail=placeholders.fill(self.case_detail, value_of),
                severity=self.case_severity or None,
                dedup_key=f'server_action:{self.id}:{record._name},{record.id}' if self.case_once else None,
            )


def _words(record, path):
    """The value behind ``path`` for people; fields are read with the rights of whoever set the action off."""
    *way, last = path.split('.')
    for name in way:
        record = record[name]
    values = record.mapped(last) if len(record) != 1 else record[last]
    field = record._fields[last]
    if isinstance(values, models.BaseModel):
        return ', '.join(values.mapped('display_name'))
    if isinstance(values, list):
        return ', '.join(str(value) for value in values if value not in (False, None))
    if field.type == 'selection':
        return dict(field._description_selection(record.env)).get(values, values or '')
    if field.type != 'boolean' and values is False:
        return ''
    return str(values)
