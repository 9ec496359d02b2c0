"""Approval policies, and the jobs that control approvals, in the automation register."""

from odoo import _, api, fields, models

from .access_review import EVERY_PARAMETER

#: Jobs whose absence nobody would notice at once.
CONTROLS = (
    "distribution_approval.ir_cron_control",
    "distribution_approval.ir_cron_resume",
    "distribution_approval.ir_cron_retry_on_hold",
    "distribution_approval.ir_cron_refresh",
    "distribution_approval.ir_cron_service_clock",
    "distribution_approval.ir_cron_emergency",
    "distribution_approval.ir_cron_obligation",
)


def _policy_values(policy):
    """Owner and review as the policy has them when it enters the register."""
    values = {"business_owner_id": policy.owner_id.id, "company_id": policy.company_id.id}
    if policy.review_date:
        values["review_date"] = policy.review_date
    return values


class DistributionAutomation(models.Model):
    _inherit = "distribution.automation"

    kind = fields.Selection(selection_add=[("policy", "Approval policy")], ondelete={"policy": "cascade"})

    @api.model
    def _controls(self):
        return (*super()._controls(), *CONTROLS)

    @api.model
    def _sources(self):
        policies = self.env["distribution.approval.policy"].sudo().search([])
        return [
            *super()._sources(),
            (
                "policy",
                policies,
                lambda policy: policy.name,
                _policy_values,
            ),
        ]

    @api.model
    def _policy_certified(self, certification):
        """A policy was certified: that is its review here too."""
        policy = certification.policy_id
        self.search([("res_model", "=", policy._name), ("res_id", "=", policy.id)]).write(
            {
                "reviewed_at": certification.certified_at,
                "reviewed_by_id": certification.user_id.id,
                "review_date": certification.next_review,
            }
        )

    @api.model
    def _owned_kinds(self):
        return [*super()._owned_kinds(), "policy"]

    @api.model
    def _watched_kinds(self):
        return [*super()._watched_kinds(), "policy"]

    def _health_of_policy(self):
        """Fine while a version is in force; what it decided last."""
        policies = self.env["distribution.approval.policy"].sudo().browse(self.mapped("res_id")).exists()
        known = {policy.id: policy for policy in policies}
        self.env.cr.execute(
            """SELECT version.policy_id, max(release.released_at)
                 FROM distribution_approval_release release
                 JOIN distribution_approval_policy_version version ON version.id = release.version_id
                WHERE version.policy_id = ANY(%s) AND release.kind <> 'void'
             GROUP BY version.policy_id""",
            [policies.ids],
        )
        released = dict(self.env.cr.fetchall())
        facts = {}
        for automation in self:
            policy = known.get(automation.res_id)
            if policy:
                version = policy.current_version_id
                facts[automation.id] = {
                    "health": "ok" if version else "failing" if policy._governs() else "paused",
                    "running": bool(version),
                    "last_run_at": released.get(policy.id),
                    "last_outcome": version.display_name if version else _("no version in force"),
                }
        return facts

    def _why_not_overridable(self):
        if self.kind == "policy":
            return _(
                "“%s” is not paused by one person: publish another version, or let two people end governance.",
                self.name,
            )
        return super()._why_not_overridable()


class IrConfigParameter(models.Model):
    _inherit = "ir.config_parameter"

    @api.model
    def _distribution_watched_parameters(self):
        return super()._distribution_watched_parameters() | {EVERY_PARAMETER}
