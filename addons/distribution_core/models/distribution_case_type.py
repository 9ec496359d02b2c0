"""Kinds of exception, and who gets them."""

from odoo import fields, models

SEVERITIES = [('0', "Low"), ('1', "Medium"), ('2', "High"), ('3', "Critical")]


class DistributionCaseType(models.Model):
    _name = 'distribution.case.type'
    _description = "Case Type"
    _order = 'name, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Name under which programs open cases of this type.")
    active = fields.Boolean(default=True)
    description = fields.Text(translate=True, help="What happened, and what to do about it.")
    severity = fields.Selection(SEVERITIES, required=True, default='1')
    kind = fields.Selection([('business', "Business"), ('technical', "Technical")], required=True, default='business')
    user_id = fields.Many2one(
        'res.users',
        string="Default Owner",
        domain="[('share', '=', False)]",
        help="New cases of this type go to this person.",
    )

    _sql_constraints = [
        ('code_unique', 'unique(code)', "A case type's code exists only once."),
    ]
