"""What a policy version allows beside its rules: bulk decisions, links, emergency releases.

Frozen with the version, and part of what its seal covers.
"""

import json

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

#: Columns of a version that publishing freezes.
TERMS = (
    "bulk_limit",
    "link_mode",
    "link_ceiling",
    "link_hours",
    "question_hours",
    "emergency_over_refusal",
    "emergency_own_document",
    "emergency_min_length",
    "emergency_review_days",
    "emergency_reviewer_group_id",
)


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    bulk_limit = fields.Float(
        string="Bulk Decisions up to",
        default=0.0,
        help="Tasks up to this amount (company currency) can be approved several at once. 0: one by one.",
    )
    link_mode = fields.Selection(
        [("none", "No links"), ("mail", "A link with each notice by mail")],
        string="Decision Links",
        default="none",
        required=True,
        help="A link opens the decision page of one task for one person, once, until it expires.",
    )
    link_ceiling = fields.Float(
        string="Without Login up to",
        default=0.0,
        help="Up to this amount (company currency) the link itself identifies the person. Above it, where the "
        "amount is not known – and always, when 0 – the person has to log in.",
    )
    link_hours = fields.Integer(string="Links Expire after (h)", default=48)
    emergency_over_refusal = fields.Boolean(
        string="Even What Policy Refuses",
        help="An emergency release may also release what a rule refuses, such as an order with a blocked vendor.",
    )
    emergency_own_document = fields.Boolean(
        string="Even the Releaser's Own Documents",
        help="Who requested, created, edited or owns a document may release it in an emergency too. It is recorded, "
        "and somebody else reviews it.",
    )
    emergency_min_length = fields.Integer(
        string="Shortest Justification", default=40, help="Characters that a justification has at least."
    )
    emergency_review_days = fields.Integer(
        string="Review within (working days)", default=3, help="Until when an emergency release is to be reviewed."
    )
    emergency_reviewer_group_id = fields.Many2one(
        "res.groups",
        string="Reviewed by",
        ondelete="restrict",
        help="Approvers of this group review emergency releases. Empty: the fallback approvers.",
    )

    def _frozen_columns(self):
        return (*super()._frozen_columns(), *TERMS)

    @api.constrains(
        "bulk_limit",
        "link_ceiling",
        "link_hours",
        "question_hours",
        "emergency_min_length",
        "emergency_review_days",
    )
    def _check_terms(self):
        for version in self:
            if version.bulk_limit < 0 or version.link_ceiling < 0:
                raise ValidationError(_("Bulk Decisions and Without Login: an amount is not negative."))
            if not 1 <= version.link_hours <= 24 * 14:
                raise ValidationError(_("Links Expire after: choose 1 to 336 hours."))
            if not 1 <= version.question_hours <= 400:
                raise ValidationError(_("Answers Due after: choose 1 to 400 hours of working time."))
            if not 10 <= version.emergency_min_length <= 2000:
                raise ValidationError(_("Shortest Justification: choose 10 to 2000 characters."))
            if not 1 <= version.emergency_review_days <= 30:
                raise ValidationError(_("Review within: choose 1 to 30 working days."))

    def _freeze(self):
        content = json.loads(super()._freeze())
        content["terms"] = self._freeze_terms()
        demands = {str(rule._origin.id or rule.id): rule._demands() for rule in self.rule_ids}
        for rule in content["rules"]:
            if demands.get(rule["key"]):
                rule["demands"] = demands[rule["key"]]
        return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def _freeze_terms(self):
        """What this version allows, for its seal."""
        self.ensure_one()
        return {
            name: (self[name].id or None) if self._fields[name].type == "many2one" else self[name] for name in TERMS
        }


class ApprovalRule(models.Model):
    _inherit = "distribution.approval.rule"

    def _demands(self):
        """What this rule asks beside approval, for the seal of its version; empty: nothing."""
        self.ensure_one()
        return {"comment": True} if self.comment_required else {}
