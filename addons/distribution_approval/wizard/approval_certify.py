from odoo import fields, models

from ..models.approval_certification import OUTCOMES


class ApprovalCertify(models.TransientModel):
    """Says that a policy still fits, or what is to be done with it."""

    _name = "distribution.approval.certify"
    _description = "Certify an Approval Policy"

    policy_id = fields.Many2one("distribution.approval.policy", required=True, readonly=True)
    version_id = fields.Many2one(related="policy_id.current_version_id", string="Version in Force")
    seen_digest = fields.Char(required=True, readonly=True)
    outcome = fields.Selection(OUTCOMES, required=True, default="confirmed")
    comment = fields.Text()
    months = fields.Integer(
        string="Next Review in (months)", default=lambda self: self._default_months(), help="1 to 24 months."
    )

    def _default_months(self):
        policy = self.env["distribution.approval.policy"].browse(self.env.context.get("default_policy_id"))
        return policy.exists().review_months or 12

    def action_certify(self):
        self.ensure_one()
        self.policy_id._certify(self.outcome, self.seen_digest, self.comment, self.months)
        return {"type": "ir.actions.act_window_close"}
