"""What a KPI was on a day. Appended, never changed: a correction is a new row with a reason.

Rules, in words
---------------
* Once the day is over where the company works, its numbers are taken: of the company, and of each site in which
  something was counted. Whoever looks later sees what was known then.
* A flow that was missed is caught up, exactly. A level cannot be measured afterwards: its day is kept as not measured.
* Two workers take different companies, and a day is taken once whoever comes second.
* What goes wrong with one KPI is a case; the others are taken all the same.
* A day that has changed since – entries dated back – is corrected by who answers for the KPI: measured anew, beside the
  former row, with the reason.
* Numbers of snapshots are made of all records of the company: who may read them is said by the access rules, not by
  what else one may read.
"""

import logging
from datetime import timedelta

import psycopg2
from odoo import _, api, fields, models, tools
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from odoo.addons.distribution_core.append_only import protect_append_only

from ..engine.kpi import digest, measure_of_nothing, status

_logger = logging.getLogger(__name__)

#: How many missed days are caught up.
CATCH_UP_DAYS = 31
#: How something stood at the end of a day is measured so soon after it, or not at all.
LEVEL_DELAY = timedelta(hours=6)
COLUMNS = (
    "kpi_id",
    "version_id",
    "company_id",
    "site_id",
    "day",
    "revision",
    "is_measured",
    "value",
    "numerator",
    "denominator",
    "rows",
    "reason",
    "taken_at",
    "user_ref",
)


class KpiSnapshot(models.Model):
    _name = "distribution.kpi.snapshot"
    _description = "KPI Snapshot"
    _inherit = ["distribution.approval.evidence", "distribution.kpi.number"]
    _log_access = False
    _order = "day desc, kpi_id, site_id, revision desc"
    _rec_name = "day"

    kpi_id = fields.Many2one("distribution.kpi", "KPI", required=True, readonly=True, ondelete="restrict", index=True)
    version_id = fields.Many2one("distribution.kpi.version", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict", index=True)
    site_id = fields.Many2one("stock.warehouse", readonly=True, ondelete="restrict", help="Empty: the whole company.")
    day = fields.Date(required=True, readonly=True, index=True)
    revision = fields.Integer("Correction", required=True, readonly=True, help="0: as it was taken first.")
    is_latest = fields.Boolean("In Force", compute="_compute_is_latest", search="_search_is_latest")
    is_measured = fields.Boolean("Measured", required=True, readonly=True, help="No: nothing was there to measure.")
    value = fields.Float(readonly=True, digits=(24, 4), group_operator="avg")
    numerator = fields.Float(readonly=True, digits=(24, 6))
    denominator = fields.Float(readonly=True, digits=(24, 6))
    rows = fields.Integer("Records", readonly=True, help="On how many records it rests.")
    status = fields.Selection(
        [("none", "–"), ("ok", "Fine"), ("warn", "Warning"), ("breach", "Breach"), ("unknown", "Unknown")],
        compute="_compute_status",
    )
    kind = fields.Selection(related="version_id.kind")
    reason = fields.Char(readonly=True, help="Why it was corrected, or not measured.")
    taken_at = fields.Datetime(required=True, readonly=True)
    user_ref = fields.Integer("By", readonly=True, help="Id of the user who corrected it.")

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_kpi_snapshot_once
                   ON distribution_kpi_snapshot (kpi_id, company_id, day, COALESCE(site_id, 0), revision)"""
        )

    # -------------------------------------------------------------- computes

    @api.depends("kpi_id", "site_id", "day", "revision")
    def _compute_is_latest(self):
        newest = self._latest_of(self.kpi_id, self.company_id, min(self.mapped("day")), max(self.mapped("day")))
        for snapshot in self:
            snapshot.is_latest = snapshot in newest

    @api.model
    def _search_is_latest(self, operator, value):
        if operator in ("in", "not in"):
            value = True in value
        positive = bool(value) == (operator in ("=", "in"))
        # The number of corrections is small; what is not in force is listed.
        self.env.cr.execute(
            """SELECT former.id FROM distribution_kpi_snapshot former
                WHERE EXISTS (SELECT 1 FROM distribution_kpi_snapshot later
                               WHERE later.kpi_id = former.kpi_id AND later.company_id = former.company_id
                                 AND later.day = former.day AND later.revision > former.revision
                                 AND COALESCE(later.site_id, 0) = COALESCE(former.site_id, 0))"""
        )
        return [("id", "not in" if positive else "in", [row[0] for row in self.env.cr.fetchall()])]

    @api.depends("value", "is_measured")
    def _compute_status(self):
        for snapshot in self:
            version = snapshot.version_id
            value = snapshot.value if snapshot.is_measured else None
            limits = (version.warn, version.breach) if version.is_judged else (None, None)
            snapshot.status = status(value, version.direction, *limits)

    def _kind(self):
        return self.kind

    # ----------------------------------------------------- nothing else writes

    def write(self, vals):
        raise UserError(_("Snapshots are evidence: they cannot be changed. Correct the day with a reason instead."))

    def unlink(self):
        raise UserError(_("Snapshots are evidence: they cannot be deleted."))

    # --------------------------------------------------------------- reading

    @api.model
    def _latest_of(self, kpis, companies, first, last):
        """The rows in force of these days; of the company and of its sites."""
        if not kpis or not companies:
            return self.browse()
        self.env.cr.execute(
            """SELECT DISTINCT ON (kpi_id, company_id, day, COALESCE(site_id, 0)) id
                 FROM distribution_kpi_snapshot
                WHERE kpi_id = ANY(%s) AND company_id = ANY(%s) AND day BETWEEN %s AND %s
                ORDER BY kpi_id, company_id, day, COALESCE(site_id, 0), revision DESC""",
            [kpis.ids, companies.ids, first, last],
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    @api.model
    def _digest_of(self, kpi, company, first, last):
        """SHA-256 of what is in force for a KPI in these days; of exactly what the database holds."""
        return self._digests_of(kpi, company, first, last)[kpi.id]

    @api.model
    def _digests_of(self, kpis, company, first, last):
        """``{KPI number: SHA-256}`` of what is in force in these days, in two queries."""
        rows = {kpi_id: [] for kpi_id in kpis.ids}
        self.env.cr.execute(
            """SELECT kpi_id, day, COALESCE(site_id, 0), revision, version_id, is_measured, value, numerator,
                      denominator, rows
                 FROM distribution_kpi_snapshot WHERE id = ANY(%s)""",
            [self._latest_of(kpis, company, first, last).ids],
        )
        for kpi_id, *row in self.env.cr.fetchall():
            rows[kpi_id].append(tuple(row))
        return {kpi_id: digest(found) for kpi_id, found in rows.items()}

    # ---------------------------------------------------------------- taking

    @api.model
    def _cron_take(self):
        """Take the days that are over, of every company; each in a transaction of its own."""
        # sudo: the job acts for nobody, and the number of a company is made of all of it
        job = self.sudo()
        for company in job.env["res.company"].search([]):
            for day, kpis in job._missing(company).items():
                if not job._take_turn(company):
                    break  # another worker takes this company
                job._take(company, day, kpis)
                job._commit()
            job._commit()

    @api.model
    def _commit(self):
        if not tools.config["test_enable"]:
            self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _take_turn(self, company):
        """Whether this worker may take the company until its transaction ends."""
        self.env.cr.execute("SELECT pg_try_advisory_xact_lock(hashtext('distribution.kpi.snapshot'), %s)", [company.id])
        return self.env.cr.fetchone()[0]

    @api.model
    def _missing(self, company):
        """``{day: KPIs}`` that are to be taken, the oldest first. A KPI that is new begins with yesterday."""
        yesterday = company._day_of(fields.Datetime.now()) - timedelta(days=1)
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)])
        earliest = yesterday - timedelta(days=CATCH_UP_DAYS - 1)
        self.env.cr.execute(
            """SELECT kpi_id, min(day), array_agg(DISTINCT day) FILTER (WHERE day >= %s)
                 FROM distribution_kpi_snapshot WHERE company_id = %s GROUP BY kpi_id""",
            [earliest, company.id],
        )
        known, missing = {kpi_id: (first, set(days or ())) for kpi_id, first, days in self.env.cr.fetchall()}, {}
        for kpi in kpis:
            first, taken = known.get(kpi.id, (yesterday, ()))
            day = max(first, earliest)
            while day <= yesterday:
                if day not in taken:
                    missing[day] = missing.get(day, kpis.browse()) | kpi
                day += timedelta(days=1)
        return dict(sorted(missing.items()))

    @api.model
    def _take(self, company, day, kpis):
        """Take a day that is over; a number of queries per KPI that does not depend on the data."""
        rows, failed = [], self.env["distribution.kpi"]
        _begin, end = company._moments_of(day, day)
        in_time = fields.Datetime.now() < end + LEVEL_DELAY
        for kpi in kpis:
            try:
                with self.env.cr.savepoint():
                    rows += self._rows(kpi, company, day, in_time)
            except Exception as error:  # pylint: disable=broad-except
                if isinstance(error, psycopg2.Error) and error.pgcode in PG_CONCURRENCY_ERRORS_TO_RETRY:
                    raise
                _logger.exception("KPI %s of %s could not be taken for %s.", kpi.code, company.id, day)
                self._tell_failed(kpi, company, day, error)
                failed |= kpi
        self.env["distribution.case"].with_company(company)._mend(
            [self._failed_key(kpi, company, day) for kpi in kpis - failed], _("The KPI could be taken.")
        )
        return self._append_rows(rows)

    def _rows(self, kpi, company, day, in_time):
        """What is to be kept of a KPI for a day: of the company first, then of its sites."""
        kpis = self.env["distribution.kpi"].with_company(company)
        source = self.env["distribution.kpi.source"]._source(kpi.source)
        shared = {
            "kpi_id": kpi.id,
            "version_id": kpi.version_id.id,
            "company_id": company.id,
            "day": day,
            "taken_at": fields.Datetime.now(),
        }
        if source.is_level and not in_time:
            reason = _("Not taken in time: how it stood cannot be measured afterwards.")
            return [{**shared, "is_measured": False, "rows": 0, "reason": reason}]
        measures = kpis._measure(kpi, day, day)[kpi.id]
        if "site" in source.dimensions:
            measures += [one for one in kpis._measure(kpi, day, day, by=("site",))[kpi.id] if one.dimensions["site"]]
        return [{**shared, **_columns_of(measure)} for measure in measures]

    # ------------------------------------------------------------ the past

    @api.model
    def _take_past(self, company, first, last):
        """Take the days of a company from ``first`` to ``last`` of KPIs that were not taken then; returns the new rows.

        The days of a flow are told apart by one query, of the company and by site, whatever their number; only what
        looks at the end of its period is measured day by day. A level is kept as not measured: what it was is gone.
        Each row says when it was really taken.
        """
        # sudo: acts for nobody, and the number of a company is made of all of it
        job, taken = self.sudo(), self.browse()
        kpis = job.env["distribution.kpi"].search([("version_id", "!=", False)])
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        known = {(row.kpi_id, row.day) for row in job._latest_of(kpis, company, first, last)}
        for kpi in kpis:
            missing = [day for day in days if (kpi, day) not in known]
            if missing:
                taken |= job._append_rows(job._rows_of_days(kpi, company, missing))
        # Dashboards that are opened before autovacuum has come by would be read by a plan for an empty table.
        self.env.cr.execute("ANALYZE distribution_kpi_snapshot")
        return taken.with_env(self.env)

    def _rows_of_days(self, kpi, company, days):
        """What is to be kept of a KPI for days that are over: of the company, then of its sites."""
        source = self.env["distribution.kpi.source"]._source(kpi.source)
        if source.is_level or source.is_of_period:
            ends = {day: company._moments_of(day, day)[1] for day in days}
            now = fields.Datetime.now()
            return [row for day in days for row in self._rows(kpi, company, day, in_time=now < ends[day] + LEVEL_DELAY)]
        kpis = self.env["distribution.kpi"].with_company(company)
        measures = kpis._measure(kpi, days[0], days[-1], grain="day")[kpi.id]
        found = {measure.period_start: [_columns_of(measure)] for measure in measures}
        if "site" in source.dimensions:
            for measure in kpis._measure(kpi, days[0], days[-1], by=("site",), grain="day")[kpi.id]:
                if measure.dimensions["site"]:
                    found[measure.period_start].append(_columns_of(measure))
        nothing = _columns_of(measure_of_nothing(bool(source.denominator)))
        return [
            {
                "kpi_id": kpi.id,
                "version_id": kpi.version_id.id,
                "company_id": company.id,
                "day": day,
                "taken_at": fields.Datetime.now(),
                **columns,
            }
            for day in days
            for columns in found.get(day, [nothing])
        ]

    @api.model
    def _append_rows(self, rows):
        """Insert; what another worker took meanwhile stays. Returns the new rows."""
        if not rows:
            return self.browse()
        place = ", ".join(["%s"] * len(COLUMNS))
        self.env.cr.execute(
            f"""INSERT INTO {self._table} ({", ".join(COLUMNS)})
                     VALUES {", ".join([f"({place})"] * len(rows))}
                ON CONFLICT DO NOTHING RETURNING id""",
            [{"revision": 0, **row}.get(name) for row in rows for name in COLUMNS],
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _failed_key(self, kpi, company, day):
        return f"kpi_failed:{company.id}:{kpi.id}:{day}"

    def _tell_failed(self, kpi, company, day, error):
        self.env["distribution.case"].with_company(company)._open(
            "kpi_failed",
            kpi,
            _("KPI %(name)s could not be taken for %(day)s", name=kpi.name, day=day),
            detail=type(error).__name__,
            dedup_key=self._failed_key(kpi, company, day),
        )

    # ------------------------------------------------------------ correcting

    def action_correct(self, reason):
        """Measure the days of these rows anew and keep what is different, with the reason.

        :raises AccessError: for who does not answer for the KPI
        :raises UserError: without reason, or where it is a level: how it stood then is gone
        """
        reason = (reason or "").strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(_("Reason: say why the day is corrected."))
        corrected = self.browse()
        self.mapped("day")  # access rules of the caller
        for kpi, company, day in {(row.kpi_id, row.company_id, row.day) for row in self}:
            kpi._check_answers(self.env.user)
            # sudo: checked; the number of a company is made of all of it
            corrected |= self.sudo()._correct(kpi.sudo(), company.sudo(), day, reason, self.env.user)
        return corrected.with_env(self.env)

    @api.model
    def _correct(self, kpi, company, day, reason, user):
        """Append what is different now; returns the new rows."""
        if self.env["distribution.kpi.source"]._source(kpi.source).is_level:
            raise UserError(
                _("%s says how something stood: it cannot be measured afterwards, the snapshot stays.", kpi.name)
            )
        former = {row.site_id.id: row for row in self._latest_of(kpi, company, day, day)}
        if any(row.version_id.source != kpi.source for row in former.values()):
            raise UserError(_("%s was counted in another way on that day: the snapshot stays.", kpi.name))
        found = {row.get("site_id") or False: row for row in self._rows(kpi, company, day, True)}
        rows = []
        for site in former.keys() | found.keys():
            before = former.get(site)
            now = found.get(site) or {**_base(before), "is_measured": False, "rows": 0, "numerator": 0}
            if before and _same(before, now):
                continue
            rows.append({
                **now, "revision": before.revision + 1 if before else 1, "reason": reason, "user_ref": user.id,
            })  # fmt: skip
        corrected = self._append_rows(rows)
        if corrected:
            self.env["distribution.event"].with_user(user).sudo()._record(
                "distribution.kpi.corrected.v1",
                kpi,
                {"code": kpi.code, "company_id": company.id, "day": fields.Date.to_string(day), "rows": len(corrected)},
            )
        return corrected


def _columns_of(measure):
    return {
        "site_id": measure.dimensions.get("site"),
        "is_measured": measure.value is not None,
        "value": measure.value,
        "numerator": measure.numerator,
        "denominator": measure.denominator,
        "rows": measure.rows,
    }


def _base(row):
    """What a row is about."""
    return {
        "kpi_id": row.kpi_id.id,
        "version_id": row.kpi_id.version_id.id,
        "company_id": row.company_id.id,
        "site_id": row.site_id.id,
        "day": row.day,
        "taken_at": fields.Datetime.now(),
    }


def _same(row, values):
    """Whether a row says what was measured now."""
    return (
        row.is_measured == values["is_measured"]
        and row.rows == values["rows"]
        and all(
            abs(row[name] - float(values.get(name) or 0)) < 0.00005 for name in ("value", "numerator", "denominator")
        )
    )
