"""How long decisions take, who decides what, and what waits: read from the evidence, stored nowhere."""

from odoo import api, fields, models
from odoo.tools import SQL

#: Aggregated by PostgreSQL whatever the grouping: percentiles cannot be averaged.
PERCENTILES = {"hours_median": 0.5, "hours_p90": 0.9}

#: Age of what waits, in hours, with its label: the upper limit is not included.
AGE_BANDS = (
    ("a", 4, "Up to 4 hours"),
    ("b", 24, "4 to 24 hours"),
    ("c", 72, "1 to 3 days"),
    ("d", 168, "3 to 7 days"),
    ("e", None, "Over a week"),
)

#: Hours since a task was opened, and those of them in which the requester was asked something.
_QUESTION_HOURS = """
    COALESCE((SELECT sum(extract(epoch FROM LEAST(COALESCE(question.answered_at, {until}), {until})
                                            - question.asked_at)) / 3600.0
                FROM distribution_approval_question question
               WHERE question.task_id = task.id AND question.asked_at < {until}), 0)
"""
_NOW = "(now() AT TIME ZONE 'UTC')"


class ApprovalCycle(models.Model):
    """One row per decision, and one per task that waits for one.

    Hours are elapsed hours from the moment the task was opened to the decision (or to now), less
    the time in which a question to the requester was open: that is not the approver's time.
    """

    _name = "distribution.approval.cycle"
    _description = "Approval Cycle Time"
    _auto = False
    _order = "opened_at desc, id desc"
    _rec_name = "document_name"
    _depends = {
        "distribution.approval.task": [
            "request_id", "name", "sequence", "state", "opened_at", "is_fallback", "is_escalated", "document_type",
            "company_id", "amount", "document_name", "partner_id",
        ],
        "distribution.approval.decision": ["task_id", "user_id", "outcome", "decided_at", "version_id"],
        "distribution.approval.question": ["task_id", "asked_at", "answered_at"],
        "distribution.approval.request": ["version_id"],
    }  # fmt: skip

    status = fields.Selection([("decided", "Decided"), ("pending", "Waiting")], readonly=True)
    task_id = fields.Many2one("distribution.approval.task", readonly=True)
    request_id = fields.Many2one("distribution.approval.request", readonly=True)
    document_type = fields.Selection(selection="_selection_document_type", readonly=True)
    document_name = fields.Char(string="Document", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one("res.partner", string="Vendor / Customer", readonly=True)
    version_id = fields.Many2one("distribution.approval.policy.version", string="Policy Version", readonly=True)
    stage = fields.Char(readonly=True, help="As what the approver was asked.")
    stage_number = fields.Integer(readonly=True, group_operator=None)
    user_id = fields.Many2one("res.users", string="Approver", readonly=True, help="Who decided.")
    outcome = fields.Selection(selection="_selection_outcome", readonly=True)
    is_fallback = fields.Boolean(string="By Fallback", readonly=True)
    is_escalated = fields.Boolean(string="Escalated", readonly=True)
    amount = fields.Monetary(readonly=True)
    opened_at = fields.Datetime(string="Asked on", readonly=True)
    decided_at = fields.Datetime(string="Decided on", readonly=True)
    hours = fields.Float(string="Average (h)", readonly=True, group_operator="avg", digits=(16, 1))
    hours_median = fields.Float(string="Median (h)", readonly=True, group_operator="avg", digits=(16, 1))
    hours_p90 = fields.Float(string="90th Percentile (h)", readonly=True, group_operator="avg", digits=(16, 1))
    hours_max = fields.Float(string="Longest (h)", readonly=True, group_operator="max", digits=(16, 1))
    question_hours = fields.Float(string="With the Requester (h)", readonly=True, group_operator="avg", digits=(16, 1))
    age_hours = fields.Float(string="Oldest Waiting (h)", readonly=True, group_operator="max", digits=(16, 1))
    age_band = fields.Selection(selection="_selection_age_band", string="Waiting For", readonly=True)

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @api.model
    def _selection_outcome(self):
        return self.env["distribution.approval.decision"]._fields["outcome"]._description_selection(self.env)

    @api.model
    def _selection_age_band(self):
        return [(key, label) for key, _limit, label in AGE_BANDS]

    @property
    def _table_query(self):
        bands = " ".join(
            f"WHEN row.age_hours < {limit} THEN '{key}'" if limit else f"ELSE '{key}'" for key, limit, _l in AGE_BANDS
        )
        return f"""
            SELECT row.*,
                   row.hours AS hours_median,
                   row.hours AS hours_p90,
                   row.hours AS hours_max,
                   CASE WHEN row.age_hours IS NOT NULL THEN CASE {bands} END END AS age_band
              FROM ({self._decided_query()} UNION ALL {self._pending_query()}) row
        """

    def _columns_query(self):
        return """task.id AS task_id, task.request_id, task.document_type, task.document_name, task.company_id,
                  task.partner_id, task.name AS stage, task.sequence AS stage_number,
                  COALESCE(task.is_fallback, FALSE) AS is_fallback,
                  COALESCE(task.is_escalated, FALSE) AS is_escalated, task.amount, task.opened_at"""

    def _decided_query(self):
        paused = _QUESTION_HOURS.format(until="decision.decided_at")
        return f"""
            SELECT decision.id * 2::bigint AS id, 'decided' AS status, {self._columns_query()},
                   decision.version_id, decision.user_id, decision.outcome, decision.decided_at,
                   GREATEST(extract(epoch FROM decision.decided_at - task.opened_at) / 3600.0 - {paused}, 0) AS hours,
                   {paused} AS question_hours, NULL::numeric AS age_hours
              FROM distribution_approval_decision decision
              JOIN distribution_approval_task task ON task.id = decision.task_id
        """

    def _pending_query(self):
        paused = _QUESTION_HOURS.format(until=_NOW)
        return f"""
            SELECT task.id * 2::bigint + 1 AS id, 'pending' AS status, {self._columns_query()},
                   request.version_id, NULL::integer AS user_id, NULL AS outcome, NULL::timestamp AS decided_at,
                   NULL::numeric AS hours, {paused} AS question_hours,
                   GREATEST(extract(epoch FROM {_NOW} - task.opened_at) / 3600.0 - {paused}, 0) AS age_hours
              FROM distribution_approval_task task
              JOIN distribution_approval_request request ON request.id = task.request_id
             WHERE task.state = 'open'
        """

    def _read_group_select(self, aggregate_spec, query):
        """The median and the 90th percentile of whatever is grouped, not an average of percentiles."""
        name = aggregate_spec.partition(":")[0]
        if name in PERCENTILES:
            column = self._field_to_sql(self._table, name, query)
            return _select(
                SQL("percentile_cont(%s) WITHIN GROUP (ORDER BY %s)", PERCENTILES[name], column),
                super()._read_group_select(aggregate_spec, query),
            )
        return super()._read_group_select(aggregate_spec, query)

    def action_open_request(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "distribution.approval.request",
            "res_id": self.request_id.id,
            "view_mode": "form",
        }


class ApprovalWorkload(models.Model):
    """One row per open task and person who may decide it. Count tasks, not rows, across people."""

    _name = "distribution.approval.workload"
    _description = "Approver Workload"
    _inherit = ["distribution.approval.cycle"]
    _auto = False
    _order = "opened_at, id"

    task_id = fields.Many2one(group_operator="count_distinct", string="Tasks")
    user_id = fields.Many2one(help="Who may decide.")
    # Of what is decided; nothing to add up here.
    hours = fields.Float(group_operator=None)
    hours_median = fields.Float(group_operator=None)
    hours_p90 = fields.Float(group_operator=None)
    hours_max = fields.Float(group_operator=None)
    share = fields.Float(
        string="Fair Share (tasks)",
        readonly=True,
        digits=(16, 1),
        help="A task that three people may decide counts as a third for each of them.",
    )

    @property
    def _table_query(self):
        bands = " ".join(
            f"WHEN row.age_hours < {limit} THEN '{key}'" if limit else f"ELSE '{key}'" for key, limit, _l in AGE_BANDS
        )
        return f"""
            SELECT row_number() OVER (ORDER BY row.task_id, candidate.user_id) AS id,
                   row.status, row.task_id, row.request_id, row.document_type, row.document_name, row.company_id,
                   row.partner_id, row.stage, row.stage_number, row.is_fallback, row.is_escalated, row.amount,
                   row.opened_at, row.version_id, row.outcome, row.decided_at, row.question_hours, row.age_hours,
                   row.hours, row.hours AS hours_median, row.hours AS hours_p90, row.hours AS hours_max,
                   CASE {bands} END AS age_band, candidate.user_id,
                   1.0 / count(*) OVER (PARTITION BY row.task_id) AS share
              FROM ({self._pending_query()}) row
         LEFT JOIN distribution_approval_task_user_rel candidate ON candidate.task_id = row.task_id
        """


class ApprovalBottleneck(models.Model):
    """One row per stage: how long it takes, what waits in it, and whether it holds up the rest."""

    _name = "distribution.approval.bottleneck"
    _description = "Approval Bottleneck"
    _auto = False
    _order = "waiting_over_p90 desc, oldest_hours desc, p90_hours desc, id"
    _rec_name = "stage"
    _depends = ApprovalCycle._depends

    company_id = fields.Many2one("res.company", readonly=True)
    document_type = fields.Selection(selection="_selection_document_type", readonly=True)
    stage = fields.Char(readonly=True)
    decided = fields.Integer(string="Decided (90 days)", readonly=True)
    median_hours = fields.Float(string="Median (h)", readonly=True, digits=(16, 1), group_operator=None)
    p90_hours = fields.Float(string="90th Percentile (h)", readonly=True, digits=(16, 1), group_operator=None)
    fallback_percent = fields.Float(
        string="By Fallback (%)",
        readonly=True,
        digits=(16, 0),
        group_operator=None,
        help="How often nobody whom the rule names could decide.",
    )
    approver_count = fields.Integer(string="People", readonly=True, group_operator=None, help="Who decided here.")
    pending = fields.Integer(string="Waiting", readonly=True)
    oldest_hours = fields.Float(string="Oldest Waiting (h)", readonly=True, digits=(16, 1), group_operator="max")
    waiting_over_p90 = fields.Integer(
        string="Slower than Usual",
        readonly=True,
        help="Waiting longer than nine of ten decisions of this stage took; all, where nothing was decided in 90 days.",
    )

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @property
    def _table_query(self):
        cycle = self.env["distribution.approval.cycle"]._table_query
        return f"""
            WITH cycle AS ({cycle}),
                 decided AS (
                     SELECT company_id, document_type, stage, count(*) AS decided,
                            percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS median_hours,
                            percentile_cont(0.9) WITHIN GROUP (ORDER BY hours) AS p90_hours,
                            100.0 * count(*) FILTER (WHERE is_fallback) / count(*) AS fallback_percent,
                            count(DISTINCT user_id) AS approver_count
                       FROM cycle
                      WHERE status = 'decided' AND decided_at > {_NOW} - interval '90 days'
                   GROUP BY company_id, document_type, stage),
                 pending AS (
                     SELECT cycle.company_id, cycle.document_type, cycle.stage, count(*) AS pending,
                            max(cycle.age_hours) AS oldest_hours,
                            count(*) FILTER (WHERE cycle.age_hours > COALESCE(decided.p90_hours, 0)) AS waiting_over_p90
                       FROM cycle
                  LEFT JOIN decided USING (company_id, document_type, stage)
                      WHERE cycle.status = 'pending'
                   GROUP BY cycle.company_id, cycle.document_type, cycle.stage)
            SELECT row_number() OVER (ORDER BY company_id, document_type, stage) AS id,
                   company_id, document_type, stage,
                   COALESCE(decided.decided, 0) AS decided, decided.median_hours, decided.p90_hours,
                   decided.fallback_percent, COALESCE(decided.approver_count, 0) AS approver_count,
                   COALESCE(pending.pending, 0) AS pending, pending.oldest_hours,
                   COALESCE(pending.waiting_over_p90, 0) AS waiting_over_p90
              FROM decided FULL JOIN pending USING (company_id, document_type, stage)
        """

    def action_open_waiting(self):
        """What waits in this stage, and for whom."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_workload")
        action["domain"] = [
            ("company_id", "=", self.company_id.id),
            ("document_type", "=", self.document_type),
            ("stage", "=", self.stage),
        ]
        action["context"] = {"search_default_group_user": 1}
        return action


def _select(expression, default):
    """What ``_read_group_select`` returns: 17.0 adds the names of the fields read, 19.0 does not."""
    return (expression, default[1]) if isinstance(default, tuple) else expression
