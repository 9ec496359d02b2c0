"""To whom an overdue case goes next."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError


class DistributionCaseEscalation(models.Model):
    _name = 'distribution.case.escalation'
    _description = "Case Escalation"
    _order = 'type_id, sequence, id'

    type_id = fields.Many2one('distribution.case.type', required=True, ondelete='cascade', index=True)
    sequence = fields.Integer(default=10)
    after_hours = fields.Float(
        "After (working hours)", help="Counted from the step before; the first one from when the case was due."
    )
    owner_rule = fields.Selection(
        [
            ('keep', "Keeps its owner"),
            ('person', "Goes to this person"),
            ('least_loaded', "Goes to who of this role has the fewest open cases"),
        ],
        string="Owner",
        required=True,
        default='keep',
    )
    user_id = fields.Many2one('res.users', string="Person", domain="[('share', '=', False)]", ondelete='restrict')
    group_id = fields.Many2one('res.groups', string="Role", ondelete='restrict')
    raises_severity = fields.Boolean("Severity Rises", default=True)

    _sql_constraints = [
        ('after_positive', 'CHECK (after_hours >= 0)', "After: 0 hours or more."),
    ]

    @api.constrains('owner_rule', 'user_id', 'group_id')
    def _check_target(self):
        for line in self:
            if line.owner_rule == 'person' and not line.user_id:
                raise ValidationError(_("Person: choose to whom an overdue case goes."))
            if line.owner_rule == 'least_loaded' and not line.group_id:
                raise ValidationError(_("Role: choose to whose members an overdue case goes."))
