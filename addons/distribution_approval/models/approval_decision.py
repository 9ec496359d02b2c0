"""A decision: who decided what, why, on what content. Appended, never changed."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.append_only import protect_append_only

#: Outcomes that say yes.
APPROVING = ("approve", "approve_with_conditions")


class ApprovalDecision(models.Model):
    _name = "distribution.approval.decision"
    _description = "Approval Decision"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "outcome"

    task_id = fields.Many2one("distribution.approval.task", required=True, ondelete="restrict", index=True)
    request_id = fields.Many2one("distribution.approval.request", required=True, ondelete="restrict", index=True)
    round = fields.Integer(required=True)
    user_id = fields.Many2one("res.users", string="Decided by", required=True, ondelete="restrict", index=True)
    outcome = fields.Selection(
        [
            ("approve", "Approved"),
            ("approve_with_conditions", "Approved with conditions"),
            ("reject", "Rejected"),
            ("request_revision", "Revision requested"),
            ("escalate", "Escalated"),
        ],
        required=True,
    )
    reason_id = fields.Many2one("distribution.approval.reason", ondelete="restrict")
    comment = fields.Text()
    digest = fields.Char(required=True, help="SHA-256 of the content that the approver saw.")
    decided_at = fields.Datetime(required=True)
    version_id = fields.Many2one("distribution.approval.policy.version", ondelete="restrict")
    channel = fields.Selection(
        [
            ("form", "Screen or RPC"),
            ("link", "Decision link"),
            ("bulk", "Together with others"),
            ("api", "Decision link, through another system"),
        ],
        string="Decided through",
        help="How the decision reached the system.",
    )

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """DROP INDEX IF EXISTS distribution_approval_decision_approves_once;
               CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_decision_says_yes_once
                   ON distribution_approval_decision (request_id, round, user_id)
                WHERE outcome IN ('approve', 'approve_with_conditions')"""
        )

    @api.model
    def _append(self, task, user, outcome, digest, comment, reason, channel="form"):
        return self.create(
            {
                "task_id": task.id,
                "request_id": task.request_id.id,
                "round": task.round,
                "user_id": user.id,
                "outcome": outcome,
                "reason_id": reason.id,
                "comment": (comment or "").strip() or False,
                "digest": digest,
                "decided_at": fields.Datetime.now(),
                "version_id": task.request_id.version_id.id,
                "channel": channel,
                "on_behalf_id": task._principal_of(user).id,
            }
        )

    def write(self, vals):
        raise UserError(_("Decisions are evidence: they cannot be changed."))

    def unlink(self):
        raise UserError(_("Decisions are evidence: they cannot be deleted."))

    def _record_event(self):
        for decision in self:
            decision.request_id._event(
                "decision_recorded",
                {
                    "task_id": decision.task_id.id,
                    "task": decision.task_id.name,
                    "outcome": decision.outcome,
                    "round": decision.round,
                    "digest": decision.digest,
                    "reason_code": decision.reason_id.code or None,
                    "policy_version_id": decision.version_id.id,
                    "channel": decision.channel or "form",
                },
                on_behalf=decision.on_behalf_id.id,
            )

    def _approving(self):
        """Those that say yes, with or without conditions."""
        return self.filtered(lambda decision: decision.outcome in APPROVING)

    def _words(self):
        """Reason and comment in one line."""
        self.ensure_one()
        return ": ".join(filter(None, (self.reason_id.name, self.comment)))

    def _outcome_label(self):
        return dict(self._fields["outcome"]._description_selection(self.env))[self.outcome]

    def _icon(self):
        return {
            "approve": "fa-check",
            "approve_with_conditions": "fa-check-square-o",
            "reject": "fa-times",
            "request_revision": "fa-undo",
            "escalate": "fa-level-up",
        }[self.outcome]
