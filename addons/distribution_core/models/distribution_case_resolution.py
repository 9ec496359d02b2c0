"""Why a case was closed."""

from odoo import fields, models


class DistributionCaseResolution(models.Model):
    _name = 'distribution.case.resolution'
    _description = "Case Resolution"
    _order = 'sequence, name, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Name under which programs close cases, and by which reports count them.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [('business', "Business"), ('technical', "Technical")], help="Empty: for cases of both kinds."
    )
    needs_words = fields.Boolean("Needs an Explanation", help="Whoever chooses it also says in words what was done.")

    _sql_constraints = [
        ('code_unique', 'unique(code)', "A resolution's code exists only once."),
    ]
