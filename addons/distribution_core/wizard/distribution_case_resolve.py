"""Close cases with what became of them."""

from odoo import api, fields, models


class DistributionCaseResolve(models.TransientModel):
    _name = 'distribution.case.resolve'
    _description = "Resolve Cases"

    case_ids = fields.Many2many('distribution.case', string="Cases", required=True)
    case_count = fields.Integer(compute='_compute_of_cases')
    kind = fields.Char(compute='_compute_of_cases')
    resolution_id = fields.Many2one(
        'distribution.case.resolution', required=True, domain="['|', ('kind', '=', False), ('kind', '=', kind)]"
    )
    needs_words = fields.Boolean(related='resolution_id.needs_words')
    words = fields.Text("What Was Done", help="For whoever meets this again.")
    has_cost = fields.Boolean("It Cost Something")
    currency_id = fields.Many2one('res.currency', compute='_compute_of_cases')
    cost = fields.Monetary("Cost of Each")

    @api.depends('case_ids')
    def _compute_of_cases(self):
        for wizard in self:
            kinds = set(wizard.case_ids.mapped('kind'))
            wizard.case_count = len(wizard.case_ids)
            wizard.kind = kinds.pop() if len(kinds) == 1 else False
            wizard.currency_id = wizard.case_ids.company_id[:1].currency_id

    def action_confirm(self):
        """Close all of them."""
        self.case_ids._resolve(self.resolution_id, self.words, self.cost if self.has_cost else None)
        return {'type': 'ir.actions.act_window_close'}
