"""Make one case of several."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError


class DistributionCaseMerge(models.TransientModel):
    _name = 'distribution.case.merge'
    _description = "Merge Cases"

    case_ids = fields.Many2many('distribution.case', string="Cases", required=True)
    target_id = fields.Many2one(
        'distribution.case',
        string="The One That Stays",
        compute='_compute_target_id',
        store=True,
        readonly=False,
        domain="[('state', 'in', ('open', 'in_progress', 'waiting'))]",
        help="The oldest, unless you choose another.",
    )

    @api.depends('case_ids')
    def _compute_target_id(self):
        for wizard in self:
            wizard.target_id = wizard.target_id or (
                wizard.case_ids._origin.sorted('id')[:1] if len(wizard.case_ids) > 1 else False
            )

    def action_confirm(self):
        """Merge, and show the one that stays."""
        self.ensure_one()
        if not self.target_id:
            raise UserError(_("The One That Stays: choose a case."))
        self.case_ids._merge_into(self.target_id)
        return self.env['distribution.event']._document_action('distribution.case', self.target_id.id)
