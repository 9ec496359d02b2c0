"""The numbers of a dashboard: from the daily snapshots, of today as it was measured last.

Rules, in words
---------------
* Whoever looks gets the numbers that they may read: snapshots are searched with their rights, in their present company.
  What is not for them is named, never shown.
* As many queries whatever the number of documents, days, sites and KPIs.
* A KPI without a number says why, and what to do.
* Behind every number are its documents, read with the rights of who asks.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine import Figure, PeriodError
from ..engine.dashboard import PERIODS, Day, drawn, is_comparable, spans_of, total
from ..engine.kpi import exact
from ..engine.render_values import Writer
from .report_part import words

#: A number of today that is older than this is called old: the job that refreshes it stands still.
OLD = timedelta(hours=1)
#: So many editions are listed at most.
MOST_EDITIONS = 12
#: So many columns has the table of sites.
SITE_COLUMNS = 8


@dataclass
class Place:
    """What is looked at: the whole company (``sites`` None) or some of its sites.

    :param offered: sites that the user may choose
    :param reads_company: whether there is any number of the whole company for the user
    """

    offered: Any
    sites: Any
    reads_company: bool
    region_id: int | None = None

    @property
    def site_ids(self):
        return self.sites.ids if self.sites is not None else []


@dataclass
class Look:
    """Everything that the tiles are made of."""

    place: Place
    today: Any
    now: tuple
    before: tuple
    writer: Writer
    days: dict
    taken: dict
    signoffs: dict


class Dashboard(models.Model):
    _inherit = "distribution.dashboard"

    # ------------------------------------------------------------------ public

    @api.model
    def load(self, code, period="last_7_days", first=None, last=None, site_ids=None, region_id=None):
        """What dashboard ``code`` shows to the user, as plain values with their texts.

        :param period: one of ``engine.dashboard.PERIODS``; ``custom`` takes ``first`` and ``last`` (ISO days)
        :param site_ids: numbers of sites; empty: the whole company; None: whatever the user may read
        :param region_id: all sites of a region
        :raises UserError: naming what is wrong with the choice
        """
        began, queries = perf_counter(), self.env.cr.sql_log_count
        dashboard = self._called(code)
        codes = dashboard.section_ids._codes()
        kpis = self.env["distribution.kpi"].search([("code", "in", codes), ("version_id", "!=", False)])
        place = self._place(kpis, site_ids, region_id)
        today = self.env.company._day_of(fields.Datetime.now())
        now, before = self._spans(period, today, first, last)
        writer = self.env["distribution.report.renderer"]._writer(self.env.company)
        readable = kpis.filtered(lambda kpi: self._reads(kpi, place))
        until = max(now[1], today)
        days, taken = self._days(readable, before[0], until, place), self._taken(kpis, before[0], until)
        look = Look(place, today, now, before, writer, days, taken, self._signoffs(readable, now))
        tiles = {kpi.code: self._tile(kpi, look, kpi in readable) for kpi in kpis}
        sections = [self._section(section, tiles) for section in dashboard.section_ids]
        measured_at = [at for kpi in readable for _day, (at, _is_measured) in taken.get(kpi.id, {}).items()]
        return {
            "code": dashboard.code,
            "name": dashboard.name,
            "purpose": dashboard.purpose or "",
            "company": self.env.company.name,
            "period": period,
            "first": str(now[0]),
            "last": str(now[1]),
            "before_first": str(before[0]),
            "before_last": str(before[1]),
            "today": str(today),
            "period_text": self._span_text(now, writer),
            "before_text": self._span_text(before, writer),
            "periods": [{"code": one, "label": label} for one, label in self._periods()],
            "sites": [{"id": site.id, "name": site.name, "region_id": site.region_id.id} for site in place.offered],
            "regions": self._regions(place),
            "site_ids": place.site_ids if not place.region_id else [],
            "region_id": place.region_id or False,
            "reads_company": place.reads_company,
            "place_text": self._place_text(place),
            "sections": [section for section in sections if section["tiles"] or section["hidden"]],
            "by_site": self._by_site(readable, look, codes),
            "editions": self._editions(dashboard, place, writer),
            "refreshed_text": writer.moment(max(measured_at)) if measured_at else "",
            "may_measure": self._may_measure(),
            "queries": self.env.cr.sql_log_count - queries,
            "milliseconds": round((perf_counter() - began) * 1000),
        }

    @api.model
    def drill(self, kpi_code, first, last, site_ids=None, region_id=None):
        """The action that lists the documents behind a number of a period.

        :raises UserError: the user may not read such documents
        """
        kpi = self.env["distribution.kpi"].search([("code", "=", kpi_code), ("version_id", "!=", False)], limit=1)
        if not kpi:
            raise UserError(_("KPI: there is no “%s” any more. Load the dashboard again.", kpi_code))
        place = self._place(kpi, site_ids or [], region_id)
        source = self._source(kpi)
        action = kpi.action_drill(first, last, {"site": place.site_ids} if place.sites is not None else None)
        span = fields.Date.to_date(first), fields.Date.to_date(last)
        of_when = (
            _("now")
            if source.is_level
            else self._span_text(span, self.env["distribution.report.renderer"]._writer(self.env.company))
        )
        return {
            **action,
            "name": f"{kpi.name}, {of_when}",
            "views": [[False, mode] for mode in action["view_mode"].split(",")],
            "help": str(
                Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>')
                % (_("No document here"), _("None was counted, or you may not read those that were."))
            ),
        }

    @api.model
    def measure(self, code):
        """Measure the numbers of today of a dashboard now; for operations.

        :raises AccessError: for others
        """
        codes = self._called(code).section_ids._codes()
        kpis = self.env["distribution.kpi"].search([("code", "in", codes), ("version_id", "!=", False)])
        return kpis.action_capture()

    # ------------------------------------------------------------------ choice

    @api.model
    def _called(self, code):
        dashboard = self.search([("code", "=", code)], limit=1)
        if not dashboard:
            raise UserError(_("Dashboard: there is none called “%s”. Choose one in the menu.", code))
        return dashboard

    @api.model
    def _spans(self, period, today, first, last):
        try:
            return spans_of(period, today, fields.Date.to_date(first or None), fields.Date.to_date(last or None))
        except PeriodError as error:
            raise UserError(
                {
                    "missing": _("Period: choose its first and its last day."),
                    "order": _("Period: the first day comes before the last. Change one of them."),
                    "future": _("Period: it ends in the future. Choose today or an earlier day."),
                    "long": _("Period: a year at most. Choose a later first day."),
                }.get(str(error), _("Period: “%s” is unknown. Choose one of the list.", period))
            ) from None

    @api.model
    def _periods(self):
        labels = {
            "today": _("Today"),
            "yesterday": _("Yesterday"),
            "last_7_days": _("Last 7 days"),
            "last_30_days": _("Last 30 days"),
            "last_90_days": _("Last 90 days"),
            "month_to_date": _("This month so far"),
            "previous_month": _("Last month"),
            "previous_quarter": _("Last quarter"),
            "custom": _("Days of my choice"),
        }
        return [(code, labels[code]) for code in PERIODS]

    def _place(self, kpis, site_ids, region_id):
        """What the user chose, checked; without a choice what they may read."""
        user = self.env.user
        sites = self.env["stock.warehouse"].search([("company_id", "=", self.env.company.id)])
        reads_company = self._is_reader() or any(self._answers(kpi) for kpi in kpis)
        offered = sites if reads_company else sites.filtered(lambda site: site.manager_id == user)
        chosen = None
        if region_id:
            chosen = offered.filtered(lambda site: site.region_id.id == region_id)
        elif site_ids:
            chosen = offered.filtered(lambda site: site.id in site_ids)
            if set(chosen.ids) != set(site_ids):
                chosen = sites.browse()
        elif site_ids is None and not reads_company and offered:
            chosen = offered
        if chosen is not None and not chosen:
            raise UserError(
                _("Site: it is not one whose numbers you read in %s. Choose another one.", self.env.company.name)
            )
        return Place(offered, chosen, reads_company, region_id or None)

    def _regions(self, place):
        # sudo: the names of the regions of sites that are offered
        regions = place.offered.sudo().region_id
        return [{"id": region.id, "name": region.name} for region in regions]

    def _place_text(self, place):
        if place.sites is None:
            return _("Whole company")
        return ", ".join(place.sites.mapped("name"))

    # ------------------------------------------------------------------ rights

    def _is_reader(self):
        return self.env.su or self.env.user.has_group("reporting_workflows.group_kpi_reader")

    def _answers(self, kpi):
        return self.env.user in (kpi.owner_id, kpi.backup_owner_id)

    def _reads(self, kpi, place):
        """Whether the access rules let the user read all that the number is made of."""
        if self._is_reader() or self._answers(kpi):
            return True
        return place.sites is not None and all(site.manager_id == self.env.user for site in place.sites)

    def _may_measure(self):
        return self.env.user.has_group("distribution_core.group_operations")

    # ----------------------------------------------------------------- reading

    def _facts(self, kpis, first, last, place):
        """SQL: the numbers in force that the user may read, of the place; of today those measured last."""
        self.env.flush_all()  # the access rules look at more tables than the search flushes
        domain = [
            ("kpi_id", "in", kpis.ids),
            ("company_id", "=", self.env.company.id),
            ("day", ">=", first),
            ("day", "<=", last),
        ]
        domain.append(("site_id", "in", place.site_ids) if place.sites is not None else ("site_id", "=", False))
        return SQL("(%s UNION ALL %s)", self._kept(domain), self._fresh(domain))

    def _kept(self, domain):
        """SQL: days that are over. A number that was counted in another way than today is left out.

        Read in one pass and joined with nothing: right after many rows were added the database thinks that there are
        few, and would compare each of them with each.
        """
        query = self.env["distribution.kpi.snapshot"]._search(domain, order="id")
        names = ("kpi_id", "site_id", "day", "numerator", "denominator", "rows")
        keys = [SQL.identifier("distribution_kpi_snapshot", name) for name in ("kpi_id", "day", "site_id")]
        return SQL(
            """(SELECT DISTINCT ON (%(keys)s) %(columns)s
                  FROM %(table)s
                 WHERE %(version)s = ANY(ARRAY(
                           SELECT counted.id
                             FROM distribution_kpi_version counted
                             JOIN distribution_kpi kpi ON kpi.id = counted.kpi_id
                             JOIN distribution_kpi_version present ON present.id = kpi.version_id
                            WHERE counted.source = present.source))
                   AND (%(where)s)
                 ORDER BY %(keys)s, %(revision)s DESC)""",
            keys=SQL(", ").join(keys),
            columns=SQL(", ").join(SQL.identifier("distribution_kpi_snapshot", name) for name in names),
            table=query.from_clause,
            version=SQL.identifier("distribution_kpi_snapshot", "version_id"),
            where=query.where_clause or SQL("TRUE"),
            revision=SQL.identifier("distribution_kpi_snapshot", "revision"),
        )

    def _fresh(self, domain):
        query = self.env["distribution.kpi.current"]._search(
            [*domain, ("day", "=", self.env.company._day_of(fields.Datetime.now()))], order="id"
        )
        names = ("kpi_id", "site_id", "day", "numerator", "denominator", "rows")
        return SQL(
            "(SELECT %s FROM %s WHERE %s)",
            SQL(", ").join(SQL.identifier("distribution_kpi_current", name) for name in names),
            query.from_clause,
            query.where_clause or SQL("TRUE"),
        )

    def _editions(self, dashboard, place, writer):
        """The newest released edition of each report that the dashboard names, with its files: what the user may read
        of the present company, and of sites where some are chosen.
        """
        codes = list(words(dashboard.reports))
        if not codes:
            return []
        self.env.flush_all()  # the statement looks at more tables than the search flushes
        domain = [("state", "=", "released"), ("company_id", "=", self.env.company.id)]
        if place.sites is not None:
            domain.append(("site_id", "in", [False, *place.site_ids]))
        query = self.env["distribution.report.edition"]._search(domain, order="id")
        names = ("id", "report_id", "parameters", "period", "period_last", "number", "released_at", "finding_count")
        names += ("is_marked",)
        # Names and files in the same statement: a recipient reads the edition, not the definition of the report.
        self.env.cr.execute(
            SQL(
                """SELECT * FROM (
                       SELECT DISTINCT ON (edition.report_id, edition.parameters)
                              edition.id, COALESCE(report.name->>%s, report.name->>'en_US') AS name, edition.period,
                              edition.number, edition.released_at, edition.finding_count, edition.is_marked,
                              (SELECT json_agg(json_build_array(file.kind, file.attachment_id) ORDER BY file.id)
                                 FROM distribution_report_file file
                                WHERE file.edition_id = edition.id AND file.attachment_id IS NOT NULL) AS files
                         FROM (SELECT %s FROM %s WHERE %s) edition
                         JOIN distribution_report report ON report.id = edition.report_id
                        WHERE report.code = ANY(%s)
                     ORDER BY edition.report_id, edition.parameters, edition.period_last DESC, edition.number DESC
                   ) newest ORDER BY released_at DESC, id DESC LIMIT %s""",
                self.env.lang or "en_US",
                SQL(", ").join(SQL.identifier("distribution_report_edition", name) for name in names),
                query.from_clause,
                query.where_clause or SQL("TRUE"),
                codes,
                MOST_EDITIONS,
            )
        )
        return [
            {
                "id": number,
                "name": name,
                "period": period,
                "number": edition,
                "released_text": writer.moment(released_at),
                "exceptions": findings,
                "is_marked": is_marked,
                "files": [
                    {"kind": kind.upper(), "url": f"/web/content/{attachment}?download=true"}
                    for kind, attachment in files or ()
                ],
            }
            for number, name, period, edition, released_at, findings, is_marked, files in self.env.cr.fetchall()
        ]

    def _days(self, kpis, first, last, place):
        """``{KPI number: {day: Day}}``: of a company its own row, of sites their sum."""
        if not kpis:
            return {}
        self.env.cr.execute(
            SQL(
                """SELECT kpi_id, day, sum(numerator), sum(denominator), sum(rows) FROM %s facts
                    GROUP BY kpi_id, day""",
                self._facts(kpis, first, last, place),
            )
        )
        found = defaultdict(dict)
        for kpi_id, day, numerator, denominator, rows in self.env.cr.fetchall():
            found[kpi_id][day] = Day(exact(numerator) or Decimal(), exact(denominator), int(rows or 0))
        return found

    def _taken(self, kpis, first, last):
        """``{KPI number: {day: (moment, whether it was measured)}}`` of the company; None: counted in another way then.

        Whether a day was taken is no secret, and needed to tell an idle site from a day that is missing.
        """
        if not kpis:
            return {}
        self.env.cr.execute(
            SQL(
                """SELECT DISTINCT ON (kept.kpi_id, kept.day)
                          kept.kpi_id, kept.day, kept.taken_at,
                          CASE WHEN counted.source = present.source THEN kept.numerator IS NOT NULL END
                     FROM distribution_kpi_snapshot kept
                     JOIN distribution_kpi_version counted ON counted.id = kept.version_id
                     JOIN distribution_kpi kpi ON kpi.id = kept.kpi_id
                     JOIN distribution_kpi_version present ON present.id = kpi.version_id
                    WHERE kept.site_id IS NULL AND kept.company_id = %(company)s
                      AND kept.kpi_id = ANY(%(kpis)s) AND kept.day BETWEEN %(first)s AND %(last)s
                    ORDER BY kept.kpi_id, kept.day, kept.revision DESC""",
                company=self.env.company.id,
                kpis=kpis.ids,
                first=first,
                last=last,
            )
        )
        found = defaultdict(dict)
        for kpi_id, day, taken_at, is_measured in self.env.cr.fetchall():
            found[kpi_id][day] = (taken_at, is_measured)
        today = self.env.company._day_of(fields.Datetime.now())
        if last >= today:
            self.env.cr.execute(
                """SELECT kpi_id, taken_at FROM distribution_kpi_current
                    WHERE company_id = %s AND site_id IS NULL AND day = %s AND kpi_id = ANY(%s)""",
                [self.env.company.id, today, kpis.ids],
            )
            for kpi_id, taken_at in self.env.cr.fetchall():
                found[kpi_id][today] = (taken_at, True)
        return found

    def _signoffs(self, kpis, span):
        """``{KPI number: sign-off}`` that hold for exactly these days."""
        return {
            kpi.id: signoff
            for kpi, signoff in self.env["distribution.kpi.signoff"]._of(kpis, self.env.company, *span).items()
        }

    def _source(self, kpi):
        return self.env["distribution.kpi.source"]._sources().get(kpi.source)

    # ------------------------------------------------------------------- tiles

    def _section(self, section, tiles):
        shown = [tiles[code] for code in section._codes() if code in tiles]
        return {
            "id": section.id,
            "name": section.name,
            "kind": section.kind,
            "tiles": [tile for tile in shown if tile["state"] != "forbidden"],
            "hidden": [tile["name"] for tile in shown if tile["state"] == "forbidden"],
        }

    def _tile(self, kpi, look, is_readable):
        """A KPI as it is drawn: texts for people, and the few plain values that a chart needs."""
        source = self._source(kpi)
        tile = {
            "id": kpi.id,
            "code": kpi.code,
            "name": kpi.name,
            "question": kpi.question or "",
            "formula": kpi.formula or "",
            "version": kpi.version_number,
            "owner": kpi.owner_id.name or "",
            "kind": kpi.kind,
            "unit": look.writer.unit(kpi.kind),
            "direction": kpi.direction,
            "is_level": bool(source and source.is_level),
            "state": "ok",
        }
        if not is_readable:
            return {**tile, "state": "forbidden"}
        missing = self._cannot(source, look.place)
        if missing:
            return {**tile, "state": "missing", "missing": missing, "never": True}
        return {**tile, **self._numbers(kpi, source, look)}

    def _cannot(self, source, place):
        """Why there cannot be a number at this place, whatever was taken."""
        if source is None:
            return {
                "why": _("Nothing counts it any more."),
                "remedy": _("Its owner makes a new version, or the addon that counted it is installed again."),
            }
        if place.sites is None:
            return None
        if "site" not in source.dimensions:
            return {
                "why": _("It is not told apart by site."),
                "remedy": _("Choose the whole company.") if place.reads_company else _("KPI Readers see it."),
            }
        if len(place.sites) > 1 and not source.adds_up:
            return {
                "why": _("The numbers of several sites do not add up: something would count twice."),
                "remedy": _("Choose one site, or the whole company."),
            }
        return None

    def _numbers(self, kpi, source, look):
        writer, days, taken = look.writer, look.days.get(kpi.id, {}), look.taken.get(kpi.id, {})
        measured_days = {day for day, (_at, is_measured) in taken.items() if is_measured}
        how = {"scale": source.scale, "is_ratio": bool(source.denominator), "is_level": source.is_level}
        now, before = (total(days, measured_days, span, **how) for span in (look.now, look.before))
        if source.is_level and now.value is None and look.now[1] < look.today:
            # How it stood then was not taken; how it stands now is better than nothing, and says so.
            today = total(days, measured_days, (look.today, look.today), **how)
            now = today if today.value is not None else now
        # A sum of a day that is not over would look like a decline.
        compared = is_comparable(now, before, source.is_sum) and not (source.is_sum and look.now[1] >= look.today)
        points = drawn(days, measured_days, look.now, **how)
        points_before = drawn(days, measured_days, look.before, **how)
        status = kpi._judge_period(now.value, *look.now) if now.value is not None else "unknown"
        change = writer.change(_figure(kpi, now.value, before.value)) if compared else None
        return {
            "state": "ok" if not now.missing else "missing",
            "missing": self._missing(now, source, look, taken) if now.missing else False,
            "value": _plain(now.value),
            "text": writer(now.value, kpi.kind),
            "rows_text": _("%s records", writer(now.rows, "integer")) if now.rows else "",
            "status": status,
            "status_text": self._status_text(kpi, status, writer),
            "target": kpi.target if kpi.has_target else False,
            "target_text": writer(exact(kpi.target), kpi.kind) if kpi.has_target else "",
            "warn": kpi.warn if kpi.is_judged else False,
            "breach": kpi.breach if kpi.is_judged else False,
            "before_text": writer(before.value, kpi.kind) if before.value is not None else "",
            "change_text": change.text if change else "",
            "change_way": change.way if change else "",
            "change_judgement": change.judgement if change else "",
            "why_not_compared": "" if compared or now.missing else self._not_compared(now, before, look),
            "points": [{"label": writer.day(day), "value": _plain(value)} for day, value in points],
            "points_before": [{"label": writer.day(day), "value": _plain(value)} for day, value in points_before],
            "notes": self._notes(kpi, source, now, look),
            "signoff": self._signoff(kpi, now, look),
            **self._freshness(now, taken, look),
        }

    def _missing(self, found, source, look, taken):
        if found.missing == "nothing":
            return {
                "why": _("Nothing was there to measure."),
                "remedy": _("That is so when nothing of the kind happened. Else choose a longer period."),
            }
        if any(flag is None for day, (_at, flag) in taken.items() if look.now[0] <= day <= look.now[1]):
            return {
                "why": _("It was counted in another way in this period."),
                "remedy": _(
                    "Numbers of two definitions are not mixed: choose a later period, or see its daily numbers."
                ),
            }
        if look.now[0] == look.today:
            return {
                "why": _("Today was not measured yet."),
                "remedy": _("Press “Measure Now”.")
                if self._may_measure()
                else _("The scheduler does so every ten minutes. If it stays so, tell operations."),
            }
        return {
            "why": _("No day of this period was taken."),
            "remedy": _("How something stood is taken once the day is over, not afterwards: choose a later period.")
            if source.is_level
            else _(
                "Days are taken once they are over: choose a later period. If it stays so, operations find out why."
            ),
        }

    def _not_compared(self, now, before, look):
        if before.value is None:
            return _("There is no number of the period before.")
        if now.is_whole and before.is_whole:
            return _("Not compared: %s is not over yet.", look.writer.day(look.today))
        part = before if now.is_whole else now
        return _("Not compared: %(days)s of %(all)s days were taken.", days=part.days, all=part.of_days)

    def _notes(self, kpi, source, found, look):
        notes = []
        if found.missing:
            return notes
        if source.is_level and found.as_of != look.now[1]:
            notes.append(_("As of %s.", look.writer.day(found.as_of)))
        elif not found.is_whole:
            notes.append(_("%(days)s of %(all)s days: the others were not taken.", days=found.days, all=found.of_days))
        if look.now[1] >= look.today and not source.is_level:
            notes.append(_("Today so far."))
        if look.now[0] != look.now[1]:
            if not source.days_add_up:
                notes.append(_("Each day by its own end: a report of the period counts what came later, too."))
            if kpi.is_judged and kpi._judge_period(found.value, *look.now) == "none":
                notes.append(_("Its limits are for a day."))
        return notes

    def _status_text(self, kpi, status, writer):
        limit = {"warn": kpi.warn, "breach": kpi.breach}.get(status)
        if limit is not None:
            shown = writer(exact(limit), kpi.kind)
            if kpi.direction == "up":
                return _("Breach: below %s", shown) if status == "breach" else _("Warning: below %s", shown)
            return _("Breach: above %s", shown) if status == "breach" else _("Warning: above %s", shown)
        return {"ok": _("Fine"), "unknown": _("No value")}.get(status, "")

    def _signoff(self, kpi, found, look):
        # How it stands now, shown for a period that was not taken, is nothing that anybody signed.
        is_over = look.now[1] < look.today and found.as_of != look.today
        signoff = look.signoffs.get(kpi.id)
        if signoff and is_over:
            moment = look.writer.moment(signoff.signed_at)
            # sudo: the name of who signed
            who = signoff.sudo().user_id.name
            return {"state": "signed", "text": _("Signed off by %(who)s, %(when)s", who=who, when=moment)}
        if not is_over:
            return {"state": "open", "text": _("Not over yet")}
        return {"state": "open", "text": _("Not signed off"), "may_sign": kpi.may_sign}

    def _freshness(self, found, taken, look):
        shown = {found.as_of} if found.as_of else set()
        moments = [at for day, (at, _is) in taken.items() if look.now[0] <= day <= look.now[1] or day in shown]
        if found.missing == "not_taken" or not moments:
            return {"taken_text": "", "is_old": False}
        newest = max(moments)
        # Of a day that is over the number stays; of today it is to be refreshed.
        is_old = look.now[1] >= look.today and fields.Datetime.now() - newest > OLD
        return {"taken_text": look.writer.moment(newest), "is_old": is_old}

    # ------------------------------------------------------------------- sites

    def _by_site(self, kpis, look, codes):
        """The same numbers site by site, and of each region: one query more."""
        place = look.place
        sites = place.offered if place.sites is None else place.sites
        sources = {kpi: self._source(kpi) for kpi in kpis.sorted(lambda kpi: codes.index(kpi.code))}
        columns = [kpi for kpi, source in sources.items() if source and "site" in source.dimensions][:SITE_COLUMNS]
        if len(sites) < 2 or not columns:
            return False
        as_of = {kpi: self._as_of(look.taken.get(kpi.id, {}), look.now) for kpi in columns}
        numbers = self._site_numbers(columns, sources, as_of, look, sites)
        # sudo: the names of regions of sites that are offered
        by_region = defaultdict(sites.browse)
        for site in sites:
            by_region[site.sudo().region_id] |= site
        rows = []
        for region in sorted(by_region, key=lambda region: region.name or "~"):
            within = by_region[region]
            if len(by_region) > 1 and len(within) > 1:
                rows.append(
                    {
                        "key": f"region-{region.id}",
                        "name": region.name or _("Without region"),
                        "is_region": True,
                        "site_ids": within.ids,
                        "cells": self._cells(columns, sources, as_of, numbers, within, look),
                    }
                )
            for site in within:
                rows.append(
                    {
                        "key": f"site-{site.id}",
                        "name": site.name,
                        "region": region.name or "",
                        "is_region": False,
                        "site_ids": site.ids,
                        "cells": self._cells(columns, sources, as_of, numbers, site, look),
                    }
                )
        return {
            "columns": [{"code": kpi.code, "name": kpi.name, "question": kpi.question or ""} for kpi in columns],
            "rows": rows,
        }

    def _as_of(self, taken, span):
        """The last day of ``span`` on which was measured."""
        inside = [day for day, (_at, is_measured) in taken.items() if is_measured and span[0] <= day <= span[1]]
        return max(inside, default=None)

    def _site_numbers(self, columns, sources, as_of, look, sites):
        """``{(KPI number, site number): Day}``, added up over the period; of a level as of its day."""
        levels = [(kpi.id, as_of[kpi]) for kpi in columns if sources[kpi].is_level and as_of[kpi]]
        flows = [kpi.id for kpi in columns if not sources[kpi].is_level]
        conditions = [SQL("kpi_id = ANY(%s)", flows)]
        conditions += [SQL("(kpi_id = %s AND day = %s)", kpi_id, day) for kpi_id, day in levels]
        kpis = self.env["distribution.kpi"].browse([kpi.id for kpi in columns])
        place = Place(look.place.offered, sites, look.place.reads_company)
        self.env.cr.execute(
            SQL(
                """SELECT kpi_id, site_id, sum(numerator), sum(denominator), sum(rows) FROM %s facts
                    WHERE %s GROUP BY kpi_id, site_id""",
                self._facts(kpis, *look.now, place),
                SQL(" OR ").join(conditions),
            )
        )
        return {
            (kpi_id, site_id): Day(exact(numerator) or Decimal(), exact(denominator), int(rows or 0))
            for kpi_id, site_id, numerator, denominator, rows in self.env.cr.fetchall()
        }

    def _cells(self, columns, sources, as_of, numbers, sites, look):
        cells = []
        for kpi in columns:
            source, day = sources[kpi], as_of[kpi]
            if len(sites) > 1 and not source.adds_up or not day:
                cells.append({"code": kpi.code, "text": "–", "status": "none", "status_text": ""})
                continue
            parts = {site: numbers.get((kpi.id, site.id)) for site in sites}
            added = Day(
                sum((part.numerator for part in parts.values() if part), Decimal()),
                sum((part.denominator or 0 for part in parts.values() if part), Decimal()),
                sum(part.rows for part in parts.values() if part),
            )
            found = total({day: added}, {day}, (day, day), scale=source.scale, is_ratio=bool(source.denominator))
            status = kpi._judge_period(found.value, *look.now) if found.value is not None else "none"
            cells.append(
                {
                    "code": kpi.code,
                    "text": look.writer(found.value, kpi.kind),
                    "status": status,
                    "status_text": self._status_text(kpi, status, look.writer),
                }
            )
        return cells

    # ------------------------------------------------------------------- texts

    def _span_text(self, span, writer):
        first, last = (writer.day(day) for day in span)
        return first if first == last else f"{first} – {last}"


def _figure(kpi, value, previous):
    return Figure(kpi.code, kpi.name, kpi.kind, value, previous, direction=kpi.direction)


def _plain(value):
    return None if value is None else float(value)
