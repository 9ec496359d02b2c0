"""What rules in monitor mode would have done: read from the evidence, stored nowhere.

Each judgement records the monitored rules that matched, with the release or with the snapshot of the
request. A month after a version was published, its business owner gets the sum of it as a case.
"""

from dateutil.relativedelta import relativedelta
from odoo import _, api, fields, models

from ..engine.difference import OUTCOME_WORDS

#: After so many days a version reports on its monitored rules.
REPORT_AFTER_DAYS = 30


class ApprovalMonitored(models.Model):
    """One row per document and monitored rule that matched it, at its latest judgement by that version."""

    _name = "distribution.approval.monitored"
    _description = "Monitored Rule"
    _auto = False
    _order = "judged_at desc, id desc"
    _rec_name = "document_name"
    _depends = {
        "distribution.approval.release": [
            "res_model", "res_id", "document_type", "document_name", "kind", "released_at", "company_id", "amount",
            "version_id", "rules",
        ],
        "distribution.approval.snapshot": ["request_id", "taken_at", "version_id", "outcome", "rules"],
        "distribution.approval.request": [
            "res_model", "res_id", "document_type", "document_name", "kind", "company_id", "amount",
        ],
        "distribution.approval.rule": ["version_id"],
    }  # fmt: skip

    judged_at = fields.Datetime(readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(string="Document Id", model_field="res_model", readonly=True)
    document_type = fields.Selection(selection="_selection_document_type", readonly=True)
    document_name = fields.Char(string="Document", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary(readonly=True, help="In company currency, as judged.")
    version_id = fields.Many2one("distribution.approval.policy.version", string="Policy Version", readonly=True)
    policy_id = fields.Many2one("distribution.approval.policy", readonly=True)
    rule_id = fields.Many2one("distribution.approval.rule", readonly=True)
    rule_name = fields.Char(string="Monitored Rule", readonly=True)
    rule_words = fields.Char(string="When", readonly=True)
    would = fields.Selection(
        [("pass", "Would pass"), ("require", "Would need approval"), ("refuse", "Would be refused")],
        string="If Enforced",
        readonly=True,
    )
    decided = fields.Selection(
        [("pass", "Passed"), ("require", "Needed approval"), ("refuse", "Refused"), ("hold", "Held")],
        string="What Happened",
        readonly=True,
    )
    stricter = fields.Boolean(
        readonly=True, help="Enforced, the rule would have asked for more than what was asked for."
    )

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @property
    def _table_query(self):
        rank = "CASE {} WHEN 'pass' THEN 0 WHEN 'require' THEN 1 WHEN 'refuse' THEN 2 ELSE 3 END"
        return f"""
            SELECT DISTINCT ON (judged.res_model, judged.res_id, judged.version_id, entry.rule->>'key')
                   (judged.id * 2 + judged.kind) * 1000 + entry.place AS id,
                   judged.judged_at, judged.res_model, judged.res_id, judged.document_type, judged.document_name,
                   judged.company_id, judged.amount, judged.version_id, version.policy_id,
                   rule.id AS rule_id, entry.rule->>'name' AS rule_name, entry.rule->>'words' AS rule_words,
                   entry.rule->>'outcome' AS would, judged.decided,
                   {rank.format("entry.rule->>'outcome'")} > {rank.format("judged.decided")} AS stricter
              FROM (SELECT id::bigint, 0 AS kind, released_at AS judged_at, res_model, res_id, document_type,
                           document_name, company_id, amount::numeric, version_id, 'pass' AS decided, rules
                      FROM distribution_approval_release
                     WHERE kind IN ('policy', 'fast_path') AND strpos(rules, '"monitor"') > 0
                    UNION ALL
                    SELECT snapshot.id::bigint, 1 AS kind, snapshot.taken_at AS judged_at, request.res_model,
                           request.res_id, request.document_type, request.document_name, request.company_id,
                           request.amount::numeric, snapshot.version_id, snapshot.outcome AS decided, snapshot.rules
                      FROM distribution_approval_snapshot snapshot
                      JOIN distribution_approval_request request ON request.id = snapshot.request_id
                     WHERE request.kind = 'release' AND strpos(snapshot.rules, '"monitor"') > 0) judged
              JOIN distribution_approval_policy_version version ON version.id = judged.version_id
             CROSS JOIN LATERAL jsonb_array_elements(judged.rules::jsonb) WITH ORDINALITY AS entry (rule, place)
              LEFT JOIN distribution_approval_rule rule ON rule.id::text = entry.rule->>'key'
             WHERE entry.rule->>'mode' = 'monitor'
             ORDER BY judged.res_model, judged.res_id, judged.version_id, entry.rule->>'key', judged.judged_at DESC,
                      judged.id DESC
        """

    def action_open_document(self):
        """Open the document, with the reader's own rights."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }


class ApprovalPolicyVersion(models.Model):
    _inherit = "distribution.approval.policy.version"

    monitored_reported_at = fields.Datetime(
        readonly=True, copy=False, help="When its owner was told what the monitored rules would have done."
    )
    monitored_rule_count = fields.Integer(compute="_compute_monitored_rule_count")

    @api.depends("rule_ids.mode")
    def _compute_monitored_rule_count(self):
        for version in self:
            version.monitored_rule_count = len(version.rule_ids.filtered(lambda rule: rule.mode == "monitor"))

    def action_monitored(self):
        """What the monitored rules of this version would have done."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_monitored")
        action["domain"] = [("version_id", "=", self.id)]
        return action

    def _monitored_report(self):
        """``[(rule, documents, amount, those for which it would have asked for more)]``; two queries."""
        self.ensure_one()
        monitored = self.env["distribution.approval.monitored"]
        found = {
            rule.id: (count, amount)
            for rule, count, amount in monitored._read_group(
                [("version_id", "=", self.id)], ["rule_id"], ["__count", "amount:sum"]
            )
        }
        stricter = {
            rule.id: count
            for rule, count in monitored._read_group(
                [("version_id", "=", self.id), ("stricter", "=", True)], ["rule_id"], ["__count"]
            )
        }
        return [
            (rule, *found.get(rule.id, (0, 0.0)), stricter.get(rule.id, 0))
            for rule in self.rule_ids.filtered(lambda rule: rule.mode == "monitor")
        ]

    @api.model
    def _cron_report_monitored(self):
        """Daily: report once per version, a month after it was published, however late this job runs."""
        due = fields.Datetime.now() - relativedelta(days=REPORT_AFTER_DAYS)
        versions = self.sudo().search(
            [
                ("state", "in", ("published", "retired")),
                ("published_at", "<=", due),
                ("monitored_reported_at", "=", False),
                ("rule_ids.mode", "=", "monitor"),
            ]
        )
        for version in versions:
            version._report_monitored()

    def _report_monitored(self):
        lines = [
            _(
                "“%(rule)s” (%(words)s, %(outcome)s): %(count)s documents worth %(amount)s; for %(stricter)s of them "
                "it would have asked for more than what was asked for.",
                rule=rule.name,
                words=rule.condition_text,
                outcome=OUTCOME_WORDS[rule.outcome],
                count=count,
                amount=format(amount or 0, ",.2f"),
                stricter=stricter,
            )
            for rule, count, amount, stricter in self._monitored_report()
        ]
        case = self.env["distribution.case"]._open(
            "monitored_rules_report",
            self,
            _("What the monitored rules of %s would have done", self.display_name),
            detail="\n".join(lines),
            dedup_key=f"monitored_rules:{self.id}",
        )
        if not case.user_id:
            case.user_id = self.policy_id.owner_id
        models.BaseModel.write(self, {"monitored_reported_at": fields.Datetime.now()})
