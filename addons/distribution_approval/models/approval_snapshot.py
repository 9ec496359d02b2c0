"""What was asked in one round, as it was."""

import json

from odoo import api, fields, models

from odoo.addons.distribution_core.append_only import protect_append_only

from ..engine import Snapshot, encode_facts

#: The conditions of a rule, in characters, that are quickly read.
FEW_WORDS = 90


class ApprovalSnapshot(models.Model):
    """What was asked in one round: content, facts and rules as they were. Appended only."""

    _name = "distribution.approval.snapshot"
    _description = "Approval Snapshot"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "digest"

    request_id = fields.Many2one("distribution.approval.request", required=True, ondelete="restrict", index=True)
    round = fields.Integer(required=True)
    taken_at = fields.Datetime(required=True)
    user_id = fields.Many2one("res.users", required=True, ondelete="restrict")
    version_id = fields.Many2one("distribution.approval.policy.version", ondelete="restrict")
    outcome = fields.Char(required=True)
    digest = fields.Char(required=True)
    content = fields.Text(required=True)
    facts = fields.Text(required=True)
    rules = fields.Text(required=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)

    @api.model
    def _take(self, request, judgement, snapshot):
        specs = self.env[request.res_model]._approval_all_fact_specs()
        return self.create(
            {
                "request_id": request.id,
                "round": request.round + 1 if request.task_ids else request.round,
                "taken_at": fields.Datetime.now(),
                "user_id": self.env.uid,
                "version_id": judgement.version.id,
                "outcome": judgement.verdict.outcome,
                "digest": snapshot.digest,
                "content": snapshot.to_json(),
                "facts": json.dumps(encode_facts(specs, judgement.facts), sort_keys=True),
                "rules": json.dumps(judgement.rules()),
                "variant_stamp": judgement.stamp,
                **judgement.local_values(),
            }
        )

    def _rule_summary(self):
        """Why these rules matched, for one line of a list: in their own words, or by name where these are many."""
        rules = json.loads(self.rules or "[]")
        return "; ".join(rule["words"] if len(rule["words"]) <= FEW_WORDS else rule["name"] for rule in rules)

    def _rule_html(self):
        if not self:
            return False
        return self.env["ir.qweb"]._render(
            "distribution_approval.snapshot_rules",
            {"rules": json.loads(self.rules or "[]"), "version": self.version_id},
        )

    def _fact_html(self):
        if not self:
            return False
        model = self.env[self.request_id.res_model]
        return self.env["ir.qweb"]._render(
            "distribution_approval.snapshot_facts", {"facts": model._approval_fact_words(json.loads(self.facts))}
        )

    def _content_html(self):
        if not self:
            return False
        model = self.env[self.request_id.res_model]
        before = None
        if self.request_id.kind == "amendment":
            before = Snapshot.from_json(self.request_id.amendment_id.before)
        return self.env["ir.qweb"]._render(
            "distribution_approval.snapshot_content",
            model._approval_content_words(Snapshot.from_json(self.content), before),
        )
