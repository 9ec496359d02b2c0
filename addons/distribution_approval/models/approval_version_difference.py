"""What a version changes against the one before it, in words."""

from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine import EngineError, PolicyText, RuleText, difference

#: Fields of a version that are no settings: who and when, and the rules themselves.
NO_SETTINGS = ("policy_id", "rule_ids", "change_summary", "number", "state", "content", "digest")
#: Fields of the parts that the engine's rule already says.
RULE_FIELDS = ("version_id", "sequence", "name", "outcome", "mode", "condition_ids", "stage_ids")
CONDITION_FIELDS = (
    "rule_id",
    "fact",
    "operator",
    "value",
    "option_ids",
    "reference_ids",
    "threshold",
    "band_low",
    "band_high",
)
STAGE_FIELDS = ("rule_id", "sequence", "name", "approver_kind", "user_id", "group_id", "quorum")


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    compared_with_id = fields.Many2one(
        "distribution.approval.policy.version", compute="_compute_difference", string="Compared with"
    )
    difference_html = fields.Html(compute="_compute_difference", sanitize=False, string="Changes")

    @api.depends("rule_ids", "number", "state", "policy_id")
    def _compute_difference(self):
        for version in self:
            before = version._predecessor()
            version.compared_with_id = before
            version.difference_html = before and version._difference_html(before)

    def _predecessor(self):
        """The version that this one replaces: of a draft the one in force, else the number before."""
        self.ensure_one()
        others = self.policy_id.version_ids.filtered(lambda other: other._origin != self._origin)
        earlier = others.filtered(lambda other: other.number < (self.number or float("inf")))
        if self.state == "draft":
            in_force = earlier.filtered(lambda other: other.state == "published")
            earlier = in_force or earlier
        return earlier.sorted("number", reverse=True)[:1]

    def _difference(self, before):
        """The changes against ``before``, as the engine tells them."""
        return difference(before._policy_text(), self._policy_text(), self._name_of)

    def _policy_text(self):
        self.ensure_one()
        portable = self.env["distribution.approval.portable"]
        rules = []
        for rule in self.rule_ids:
            more = portable._words_of(rule, RULE_FIELDS)
            for condition in rule.condition_ids:
                more += portable._words_of(condition, CONDITION_FIELDS)
            for stage in rule.stage_ids:
                own = portable._words_of(stage, STAGE_FIELDS)
                more += [(f"{stage._label()}: {label}", words) for label, words in own]
            rules.append(RuleText(rule._to_engine(), tuple(more)))
        return PolicyText(
            self._fact_specs(), tuple(rules), tuple(portable._words_of(self, NO_SETTINGS)), self.hit_policy
        )

    def _difference_html(self, before):
        try:
            changes = self._difference(before)
        except (UserError, EngineError, LookupError) as error:
            return Markup("<p>%s</p>") % _("The changes cannot be told yet: %s", error)
        if not changes:
            return Markup("<p>%s</p>") % _("Nothing differs from %s.", before.display_name)
        return self.env["ir.qweb"]._render(
            "distribution_approval.version_difference", {"changes": changes, "before": before}
        )
