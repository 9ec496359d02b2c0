"""The figures of a report: the numbers of its KPIs that people can trust and sign.

Rules, in words
---------------
* A period that is over has the numbers that were taken when it was: report, dashboard and signature show the same one.
* What happened (a flow) is that of its days where each of them was taken, else measured for the report, which says so.
* How something stood (a level) is that of the last day. What was not taken then is unknown, never how it stands now.
* A period that is not over is measured live.
* Who signed is named beside the number that they signed, and beside no other.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine import Figure
from ..engine.dashboard import total
from ..engine.kpi import exact
from ..engine.schedule import period_before
from ..engine.thresholds import status_of
from .dashboard_load import Place
from .kpi_snapshot import LEVEL_DELAY
from .report_part import words
from .report_threshold import threshold


@dataclass(frozen=True)
class Number:
    """What a KPI was in a period.

    :param is_kept: it is that of the daily snapshots, which people sign
    :param note: why there is no value, or why it is not that of the snapshots
    """

    value: Decimal | None = None
    rows: int = 0
    is_kept: bool = False
    note: str = ""


@dataclass(frozen=True)
class Kept:
    """The daily numbers of KPIs, as far as the reader may read them.

    :param days: ``{KPI number: {day: Day}}``; :param taken: ``{KPI number: days on which was measured}``
    """

    readable: Any
    days: dict
    taken: dict

    def total(self, kpi, source, span):
        how = {"scale": source.scale, "is_ratio": bool(source.denominator), "is_level": source.is_level}
        return total(self.days.get(kpi.id, {}), self.taken.get(kpi.id, ()), span, **how)


class ReportBuilder(models.AbstractModel):
    _inherit = "distribution.report.builder"

    @api.model
    def _kpi_codes(self, definition):
        """Codes of the KPIs that a definition shows, each once, in its order."""
        return list(
            dict.fromkeys(code for entry in definition.get("sections", ()) for code in words(entry.get("kpis")))
        )

    def _measured(self, scope):
        """``{code: Figure}`` of the KPIs of the sections, of this period and the one before.

        A number of queries that does not depend on the data: two for what was kept, one for each source that is
        measured.
        """
        codes = self._kpi_codes(scope.definition)
        if not codes:
            return {}
        kpis = self._kpis(scope.env, codes)
        earlier = period_before(scope.first, scope.last)
        kept = self._kept(kpis, scope, earlier[0])
        now = self._numbers(kpis, scope, (scope.first, scope.last), kept)
        before = self._numbers(kpis, scope, earlier, kept)
        signed = self._signed(kpis.filtered(lambda kpi: now[kpi].is_kept), scope) if not scope.site_id else {}
        limits = {
            entry["kpi"]: threshold(entry)
            for entry in scope.definition.get("thresholds", ())
            if entry.get("measure", "kpi") == "kpi" and entry.get("kpi")
        }
        figures = {}
        for kpi in kpis:
            value, limit = now[kpi].value, limits.get(kpi.code)
            figures[kpi.code] = Figure(
                code=kpi.code,
                label=kpi.name,
                kind=kpi.kind,
                value=value,
                previous=before[kpi].value,
                target=exact(kpi.target) if kpi.has_target else None,
                status=status_of(limit, value) if limit else kpi._judge_period(value, scope.first, scope.last),
                direction=kpi.direction,
                currency=scope.company.currency_id.name if kpi.kind == "money" else "",
                question=kpi.question or "",
                formula=kpi.formula or "",
                version=kpi.version_number,
                rows=now[kpi].rows,
                signed_by=signed.get(kpi, ""),
                note=now[kpi].note,
            )
        return figures

    def _kept(self, kpis, scope, first):
        """What was kept of these KPIs since ``first``. By category nothing is kept."""
        if scope.category_id:
            return Kept(kpis.browse(), {}, {})
        dashboards = scope.env["distribution.dashboard"]
        # sudo: the report is published for the site, whether its reader sees the site's record or not
        site = scope.env["stock.warehouse"].sudo().browse(scope.site_id or ())
        place = Place(site, site if site else None, reads_company=not site)
        readable = kpis.filtered(lambda kpi: dashboards._reads(kpi, place))
        return Kept(
            readable,
            dashboards._days(readable, first, scope.last, place),
            {
                kpi_id: {day for day, (_at, is_measured) in days.items() if is_measured}
                for kpi_id, days in dashboards._taken(kpis, first, scope.last).items()
            },
        )

    def _numbers(self, kpis, scope, span, kept):
        """``{KPI: Number}`` of a period."""
        sources = scope.env["distribution.kpi.source"]
        where = {"site": scope.site_id, "category": scope.category_id}
        where = {name: number for name, number in where.items() if number} or None
        found, notes = {}, {}
        for kpi in kpis:
            source = sources._source(kpi.source)
            sources._check_dimensions(source, where or ())
            number, notes[kpi] = self._kept_number(kpi, source, scope, span, kept)
            if number:
                found[kpi] = number
        live = kpis.filtered(lambda kpi: kpi not in found)
        window = sources._window(*span)
        for source in map(sources._source, set(live.mapped("source"))):
            model = scope.env[source.model].with_context(active_test=False)
            scope.read.append((model, sources._facts_domain(source, window, where)))
        for kpi_id, (measure,) in kpis._measure(live, *span, where=where).items():
            kpi = kpis.browse(kpi_id)
            found[kpi] = Number(exact(measure.value), measure.rows, note=notes[kpi])
        return found

    def _kept_number(self, kpi, source, scope, span, kept):
        """``(Number, "")`` where what was kept tells it, or that it is unknown; else ``(None, what to say)``."""
        now = fields.Datetime.now()
        _begin, end = scope.company._moments_of(*span)
        if end > now:
            return None, ""
        if source.is_level:
            span = (span[1], span[1])
        found = kept.total(kpi, source, span)
        adds_up = span[0] == span[1] or source.days_add_up
        if kpi in kept.readable and found.is_whole and found.days and adds_up:
            return Number(found.value, found.rows, is_kept=True), ""
        if not source.is_level:
            return None, "" if scope.category_id else self._why_measured(kpi, scope, found, kept, adds_up)
        if now < end + LEVEL_DELAY and not found.days and span[1] == scope.last:
            return None, ""  # as good as what is taken of that day
        return Number(note=self._why_unknown(kpi, scope, kept)), ""

    def _why_measured(self, kpi, scope, found, kept, adds_up):
        if kpi not in kept.readable:
            return _("Measured for this report: %s may not read the daily numbers.", scope.env.user.name)
        if found.is_whole and not adds_up:
            return _("Measured for this report: the numbers of its days do not tell that of the period.")
        return _("Measured for this report: %(days)s of %(all)s days were taken.", days=found.days, all=found.of_days)

    def _why_unknown(self, kpi, scope, kept):
        if scope.category_id:
            return _("Not measured then: how something stood is not kept by category.")
        if kpi not in kept.readable:
            return _("Not for %s, who may not read the daily numbers.", scope.env.user.name)
        return _("Not measured then.")

    def _signed(self, kpis, scope):
        """``{KPI: name of who signed}`` where the numbers of exactly this period were signed and still hold."""
        # sudo: names of owners, who answer for the number in public
        signoffs = scope.env["distribution.kpi.signoff"].sudo()._of(kpis, scope.company, scope.first, scope.last)
        return {kpi: signoff.user_id.name for kpi, signoff in signoffs.items()}

    @api.model
    def _kpis(self, env, codes):
        """The KPIs with these codes, in their order. Raises UserError naming the first that is unknown."""
        if "distribution.kpi" not in env:
            raise UserError(_("KPIs: there is no KPI “%s” here. Take it out of the section.", codes[0]))
        found = {kpi.code: kpi for kpi in env["distribution.kpi"].search([("code", "in", codes)])}
        unknown = [code for code in codes if code not in found]
        if unknown:
            raise UserError(_("KPIs: there is no KPI “%s”. Look up its code under KPIs.", unknown[0]))
        return env["distribution.kpi"].browse(found[code].id for code in codes)
