"""How long evidence on approvals has to be kept, and what is beyond that. Deletes nothing."""

from dateutil.relativedelta import relativedelta
from odoo import _, api, fields, models
from odoo.exceptions import ValidationError


class ApprovalRetention(models.Model):
    """The retention period of one type of document: for all companies, or for one."""

    _name = "distribution.approval.retention"
    _description = "Retention of Approval Evidence"
    _order = "document_type, company_id, id"
    _rec_name = "document_type"

    document_type = fields.Selection(selection="_selection_document_type", required=True)
    company_id = fields.Many2one("res.company", help="Empty: every company that has no period of its own.")
    years = fields.Integer(required=True, default=10, help="Full years after the last decision or release.")
    basis = fields.Char(string="Legal Basis", help="The law or rule that this period follows, for who asks later.")
    beyond_count = fields.Integer(string="Documents Beyond", compute="_compute_beyond_count")
    statement = fields.Text(string="What Happens Then", compute="_compute_statement")

    _sql_constraints = [
        ("years_positive", "CHECK (years > 0)", "Years: keep evidence for one year at least."),
    ]

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_retention_one
                   ON distribution_approval_retention (document_type, coalesce(company_id, 0))"""
        )

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    def _compute_beyond_count(self):
        due = self.env["distribution.approval.retention.due"].sudo()
        counts = {period.id: count for period, count in due._read_group([], ["retention_id"], ["__count"]) if period}
        for period in self:
            period.beyond_count = counts.get(period.id, 0)

    def _compute_statement(self):
        text = self._statement()
        for period in self:
            period.statement = text

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_vacant(vals.get("document_type"), vals.get("company_id"))
        periods = super().create(vals_list)
        periods._record_change("created", {})
        return periods

    def write(self, vals):
        if {"document_type", "company_id"} & vals.keys():
            for period in self:
                period._check_vacant(
                    vals.get("document_type", period.document_type), vals.get("company_id", period.company_id.id)
                )
        before = {period.id: period.years for period in self}
        result = super().write(vals)
        self._record_change("changed", before)
        return result

    def unlink(self):
        self._record_change("removed", {period.id: period.years for period in self})
        return super().unlink()

    def _check_vacant(self, document_type, company_id):
        """Asked before the unique index refuses, which knows no words for people."""
        others = [
            ("document_type", "=", document_type),
            ("company_id", "=", company_id or False),
            ("id", "not in", self.ids),
        ]
        if self.sudo().search_count(others, limit=1):
            raise ValidationError(_("document_type: there is a period for it already. Change that one."))

    def _record_change(self, action, before):
        self.env["distribution.event"].sudo()._record(
            "distribution.approval_retention.changed.v1",
            self,
            lambda period: {
                "action": action,
                "document_type": period.document_type,
                "years": period.years,
                "years_before": before.get(period.id),
            },
        )

    # -------------------------------------------------------------- business

    @api.model
    def _prunable_seal(self):
        """Number of the last seal all of whose events are beyond every period; 0: none.

        Batches of the ledger hold events of all kinds of documents: the longest period counts, and
        a governed kind without a period for all companies is kept for ever.
        """
        periods = self.sudo().search([])
        governed = set(self.env["distribution.approval.activation"].sudo().search([]).mapped("document_type"))
        if not periods or governed - set(periods.filtered(lambda p: not p.company_id).mapped("document_type")):
            return 0
        limit = fields.Datetime.now() - relativedelta(years=max(periods.mapped("years")))
        seal = (
            self.env["distribution.event.seal"].sudo().search([("sealed_at", "<", limit)], order="number desc", limit=1)
        )
        return seal.number

    @api.model
    def _statement(self):
        """What is deleted and what is not, in plain words."""
        text = _(
            "Nothing is deleted by itself.\n"
            "• Requests, decisions, questions, content, releases, amendments and evidence packs are never deleted: "
            "the database refuses it. They carry numbers, not names; names live with the people and partners.\n"
            "• Ledger events leave only in whole sealed batches, oldest first, exported before they are deleted, "
            "by the ledger keeper, a database role that Odoo does not have.\n"
        )
        seal = self._prunable_seal()
        if seal:
            return text + _(
                "• Batches up to seal %(seal)s are beyond every period. The keeper may run: "
                "ledger_keeper.py export --dsn … --from 1 --to %(seal)s FILE, then check FILE, "
                "then prune --dsn … FILE.",
                seal=seal,
            )
        return text + _(
            "• No batch is beyond every period yet (a governed kind of document without a period is kept for ever)."
        )

    @api.model
    def _cron_review(self):
        """Tell operations what is beyond its period: one open case per company and kind of document."""
        # sudo: the job reads every company
        due = self.env["distribution.approval.retention.due"].sudo()
        groups = due._read_group([], ["company_id", "document_type"], ["__count"])
        labels = dict(self._selection_document_type())
        for company, document_type, count in groups:
            self.env["distribution.case"].sudo().with_company(company)._open(
                "retention_due",
                self.env["res.company"],
                _("%(count)s documents beyond retention: %(label)s", count=count, label=labels.get(document_type, "")),
                detail=_("See Audit / Beyond Retention.") + "\n\n" + self._statement(),
                dedup_key=f"retention_due:{company.id}:{document_type}",
            )
        return len(groups)

    def action_open_due(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_retention_due")
        return {**action, "domain": [("retention_id", "=", self.id)]}


class ApprovalRetentionDue(models.Model):
    """One row per document whose evidence is older than it has to be. Nothing open is listed."""

    _name = "distribution.approval.retention.due"
    _description = "Evidence Beyond Retention"
    _auto = False
    _order = "retain_until, id"
    _rec_name = "document_name"
    _depends = {
        "distribution.approval.request": ["state", "closed_at", "requested_at", "company_id", "document_type"],
        "distribution.approval.release": ["released_at", "company_id", "document_type", "kind"],
        "distribution.approval.retention": ["document_type", "company_id", "years"],
        "distribution.approval.evidence.pack": ["made_at"],
    }

    res_model = fields.Char(string="Document Model", readonly=True)
    res_id = fields.Many2oneReference(string="Document Number", model_field="res_model", readonly=True)
    document_type = fields.Selection(selection="_selection_document_type", readonly=True)
    document_name = fields.Char(string="Document", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    retention_id = fields.Many2one("distribution.approval.retention", readonly=True)
    last_at = fields.Datetime(string="Last Fact", readonly=True)
    retain_until = fields.Date(string="To Be Kept Until", readonly=True)
    record_count = fields.Integer(string="Records", readonly=True)
    packed_at = fields.Datetime(
        string="Packed on", readonly=True, help="When an evidence pack was made after the last fact."
    )

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    @property
    def _table_query(self):
        return """
            WITH fact AS (
                SELECT res_model, res_id, document_type, company_id, document_name,
                       COALESCE(closed_at, requested_at) AS at,
                       state IN ('pending', 'question', 'revision', 'on_hold')
                           OR (state = 'approved' AND resume_state IS DISTINCT FROM 'done') AS is_open
                  FROM distribution_approval_request
             UNION ALL
                SELECT res_model, res_id, document_type, company_id, document_name, released_at, FALSE
                  FROM distribution_approval_release),
                 document AS (
                SELECT res_model, res_id, document_type, company_id, max(document_name) AS document_name,
                       max(at) AS last_at, count(*) AS record_count
                  FROM fact
              GROUP BY res_model, res_id, document_type, company_id
                HAVING NOT bool_or(is_open)),
                 due AS (
                SELECT document.*, period.id AS retention_id,
                       (document.last_at + make_interval(years => period.years))::date AS retain_until
                  FROM document
                  JOIN LATERAL (SELECT retention.id, retention.years
                                  FROM distribution_approval_retention retention
                                 WHERE retention.document_type = document.document_type
                                   AND (retention.company_id IS NULL OR retention.company_id = document.company_id)
                              ORDER BY retention.company_id NULLS LAST
                                 LIMIT 1) period ON TRUE)
            SELECT row_number() OVER (ORDER BY due.res_model, due.res_id, due.company_id) AS id, due.*,
                   (SELECT max(pack.made_at)
                      FROM distribution_approval_evidence_pack pack
                     WHERE pack.res_model = due.res_model AND pack.res_id = due.res_id
                       AND pack.request_id IS NULL AND pack.made_at >= due.last_at) AS packed_at
              FROM due
             WHERE due.retain_until < (now() AT TIME ZONE 'UTC')::date
        """

    def action_make_packs(self):
        """Make the evidence packs of these documents before anything of the ledger is pruned."""
        packs = self.env["distribution.approval.evidence.pack"]
        for model in set(self.mapped("res_model")):
            numbers = self.filtered(lambda row, model=model: row.res_model == model).mapped("res_id")
            for document in self.env[model].browse(numbers).exists():
                packs |= packs._make(document)
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_evidence_pack")
        return {**action, "domain": [("id", "in", packs.ids)]}

    def action_open_document(self):
        self.ensure_one()
        return self.env["distribution.event"]._document_action(self.res_model, self.res_id)
