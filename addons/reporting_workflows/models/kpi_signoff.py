"""Who signed off the numbers of a period: appended, bound to exactly what was in force then."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.append_only import protect_append_only


class KpiSignoff(models.Model):
    _name = "distribution.kpi.signoff"
    _description = "KPI Sign-off"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "kpi_id"

    kpi_id = fields.Many2one("distribution.kpi", "KPI", required=True, readonly=True, ondelete="restrict", index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict", index=True)
    period_start = fields.Date("From", required=True, readonly=True)
    period_end = fields.Date("To", required=True, readonly=True)
    digest = fields.Char(required=True, readonly=True, help="SHA-256 of the snapshots that were signed.")
    user_id = fields.Many2one("res.users", "Signed by", required=True, readonly=True, ondelete="restrict")
    as_backup = fields.Boolean(readonly=True)
    signed_at = fields.Datetime(required=True, readonly=True)
    comment = fields.Text(readonly=True)
    state = fields.Selection(
        [("current", "In force"), ("outdated", "Outdated: numbers were corrected since")], compute="_compute_state"
    )

    def init(self):
        protect_append_only(self.env.cr, self._table)

    @api.depends("digest")
    def _compute_state(self):
        snapshots = self.env["distribution.kpi.snapshot"]
        for signoff in self:
            now = snapshots._digest_of(signoff.kpi_id, signoff.company_id, signoff.period_start, signoff.period_end)
            signoff.state = "current" if now == signoff.digest else "outdated"

    def write(self, vals):
        raise UserError(_("Sign-offs are evidence: they cannot be changed. Sign again instead."))

    def unlink(self):
        raise UserError(_("Sign-offs are evidence: they cannot be deleted."))

    @api.model
    def _of(self, kpis, company, first, last):
        """``{KPI: sign-off}`` that hold for exactly these days; three queries."""
        signoffs = self.search(
            [
                ("kpi_id", "in", kpis.ids),
                ("company_id", "=", company.id),
                ("period_start", "=", first),
                ("period_end", "=", last),
            ]
        )
        if not signoffs:
            return {}
        digests = self.env["distribution.kpi.snapshot"]._digests_of(signoffs.kpi_id, company, first, last)
        found = {}
        for signoff in signoffs:
            if signoff.digest == digests[signoff.kpi_id.id]:
                found.setdefault(signoff.kpi_id, signoff)
        return found


class Kpi(models.Model):
    _inherit = "distribution.kpi"

    signoff_ids = fields.One2many("distribution.kpi.signoff", "kpi_id", readonly=True)
    may_sign = fields.Boolean(compute="_compute_may_sign")

    @api.depends("owner_id", "backup_owner_id")
    @api.depends_context("uid")
    def _compute_may_sign(self):
        for kpi in self:
            kpi.may_sign = self.env.user in (kpi.owner_id, kpi.backup_owner_id)

    def action_sign_off(self, since, until, seen_digest, comment=None):
        """The owner says that the numbers of these days are right.

        :param seen_digest: of the snapshots that the owner looked at; if they changed since, it is refused
        :raises AccessError: for anybody but owner and backup owner
        """
        self.ensure_one()
        user, company = self.env.user, self.env.company
        self._check_answers(user)
        since, until = fields.Date.to_date(since), fields.Date.to_date(until)
        self._check_period(company, since, until)
        # sudo: the sign-off is written by nobody but this method, after it looked who asks
        snapshots = self.env["distribution.kpi.snapshot"].sudo()
        digest = snapshots._digest_of(self, company, since, until)
        if digest != seen_digest:
            raise UserError(_("%s: the numbers changed since you looked at them. Look again.", self.name))
        signoff = self.env["distribution.kpi.signoff"].sudo().create(
            {
                "kpi_id": self.id,
                "company_id": company.id,
                "period_start": since,
                "period_end": until,
                "digest": digest,
                "user_id": user.id,
                "as_backup": user != self.owner_id,
                "signed_at": fields.Datetime.now(),
                "comment": (comment or "").strip() or False,
            }
        )  # fmt: skip
        self.env["distribution.event"]._record(
            "distribution.kpi.signed_off.v1",
            self,
            {
                "code": self.code,
                "company_id": company.id,
                "period_start": fields.Date.to_string(since),
                "period_end": fields.Date.to_string(until),
                "digest": digest,
            },
        )
        return signoff.with_env(self.env)

    def _check_period(self, company, since, until):
        """Days that are over, each of them taken."""
        if not since or not until or since > until:
            raise UserError(_("Period: the first day comes before the last. Choose both."))
        if until >= company._day_of(fields.Datetime.now()):
            raise UserError(_("Period: it is not over yet. Sign off once it is."))
        self.env.cr.execute(
            """SELECT count(DISTINCT day) FROM distribution_kpi_snapshot
                WHERE kpi_id = %s AND company_id = %s AND site_id IS NULL AND day BETWEEN %s AND %s""",
            [self.id, company.id, since, until],
        )
        missing = (until - since).days + 1 - self.env.cr.fetchone()[0]
        if missing:
            raise UserError(
                _("%(name)s: %(number)s days of the period were never taken. Choose another one.",
                  name=self.name, number=missing)
            )  # fmt: skip
