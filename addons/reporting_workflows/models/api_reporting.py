"""KPIs and editions of reports for tools that analyse them, as far as the account of the key may read them."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import accessible
from odoo.addons.distribution_core.engine.api_body import moment
from odoo.addons.distribution_core.engine.problem import Problem

from ..engine import Column, Table
from ..engine.render_tables import figures_table, table_of
from ..engine.render_words import Words

#: A link in an answer is good for the present day (UTC) and the next.
LINK_DAYS = 2
#: No record has a larger number.
LARGEST = 2**31 - 1
SHOWN_STATES = ("released", "recalled")
#: What was taken or released at a moment may be committed that much later: ``changed_since`` looks so far back.
OVERLAP = timedelta(minutes=15)


class DistributionApiOperation(models.Model):
    _inherit = "distribution.api.operation"

    # --------------------------------------------------------------------- KPIs

    def _read_kpis(self, _key, arguments):
        """Daily numbers in force, in the order in which they were taken; definitions with the first page."""
        kpis = self._kpis_named(arguments.get("code"))
        domain = [("kpi_id", "in", kpis.ids), ("is_latest", "=", True), *_days(arguments, "day", "day")]
        domain += self._site_domain(arguments)
        if "changed_since" in arguments:
            domain.append(("taken_at", ">=", moment(arguments["changed_since"]) - OVERLAP))
        snapshots, cursor = self._page("distribution.kpi.snapshot", domain, arguments)
        return {
            "kpis": [] if "cursor" in arguments else [_definition(kpi) for kpi in kpis],
            "values": [_number(snapshot) for snapshot in snapshots],
            "cursor": cursor,
            "has_more": bool(cursor),
        }

    def _kpis_named(self, text):
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)])
        if not text:
            return kpis
        codes = set(text.split(","))
        strange = sorted(codes - set(kpis.mapped("code")))
        if strange:
            raise _wrong("code", f"no KPI in force is called {', '.join(strange)}")
        return kpis.filtered(lambda kpi: kpi.code in codes)

    # ----------------------------------------------------------------- editions

    def _read_report_editions(self, _key, arguments):
        """Released editions of a report, in the order in which they were made."""
        reports = self._reports(arguments["code"])
        domain = [("report_id", "in", reports.ids), ("state", "in", SHOWN_STATES)]
        domain += [*_days(arguments, "period_first", "period_last"), *self._site_domain(arguments)]
        if "changed_since" in arguments:
            since = moment(arguments["changed_since"]) - OVERLAP
            domain += ["|", ("released_at", ">=", since), ("recalled_at", ">=", since)]
        editions, cursor = self._page("distribution.report.edition", domain, arguments)
        return {
            "editions": [_edition(edition) for edition in editions],
            "cursor": cursor,
            "has_more": bool(cursor),
        }

    def _read_report_edition(self, _key, arguments):
        """An edition as it was released: what it says, its figures or the table of a section."""
        edition = self._edition_named(arguments)
        self._check_handed_out(edition)
        content = edition._content()
        table = self._table_of(content, arguments.get("section"))
        first = int(arguments.get("cursor", 0))
        end = first + arguments["limit"]
        return {
            "edition": _edition(edition),
            "files": self._files(edition),
            "currency": content.currency,
            "timezone": content.timezone,
            "as_of": _plain(content.as_of),
            "summary": content.summary,
            "marks": list(content.marks),
            "sections": [_section(section) for section in content.sections],
            "inputs": [{"label": one.label, "as_of": _plain(one.as_of), "state": one.state} for one in content.inputs],
            "checks": [{"label": one.label, "state": one.state, "detail": one.detail} for one in content.checks],
            "columns": [
                {"key": one.key, "label": one.label, "kind": one.kind, "currency": one.currency}
                for one in table.columns
            ],
            "rows": [[_plain(value) for value in row] for row in table.rows[first:end]],
            "total": [_plain(value) for value in table.total],
            "cursor": str(end) if end < len(table.rows) else None,
            "has_more": end < len(table.rows),
        }

    def _reports(self, code):
        """The reports of that code, one for each company, of which the account may read something."""
        # sudo: a recipient reads editions, not definitions; only their numbers are used
        named = self.env["distribution.report"].sudo().with_context(active_test=False)
        reports = named.search([("code", "=", code), ("company_id", "in", self.env.companies.ids)])
        editions = self.env["distribution.report.edition"]
        if not accessible(reports.with_env(self.env), "read") and not editions.search_count(
            [("report_id", "in", reports.ids), ("state", "in", SHOWN_STATES)], limit=1
        ):
            raise Problem("not-found", "There is no such report, or nothing of it is the account's to read.")
        return reports

    def _edition_named(self, arguments):
        """The edition of that id, or the newest that the name means: rather one that was not recalled.

        :raises Problem: there is none, or one in each of several companies
        """
        name, editions = arguments["edition"], self.env["distribution.report.edition"]
        domain = [("state", "in", SHOWN_STATES), *self._site_domain(arguments)]
        if name.isdigit():
            domain.append(("id", "=", min(int(name), LARGEST)))
        else:
            period, _colon, number = name.partition(":")
            domain += [("category_id", "=", False), *([] if "site" in arguments else [("site_id", "=", False)])]
            domain += [] if period == "latest" else [("period", "=", period)]
            domain += [("number", "=", int(number))] if number else []
        newest = "state desc, period_last desc, period_first desc, number desc, id desc"  # released before recalled
        found = editions.union(
            *(
                editions.search([("report_id", "=", report.id), *domain], order=newest, limit=1)
                for report in self._reports(arguments["code"])
            )
        )
        if not found:
            raise Problem("not-found", "There is no such edition, or it is not the account's to read.")
        if len(found) > 1:
            known = ", ".join(str(number) for number in sorted(found.ids))
            raise Problem(
                "conflict", f"Several companies have an edition of this name: ask for its id, one of {known}."
            )
        return found

    def _check_handed_out(self, edition):
        """:raises Problem: it was recalled, is not kept any longer, or is not what was released"""
        if edition.state == "recalled":
            newer = edition.search([("corrects_id", "=", edition.id), ("state", "=", "released")], limit=1)
            more = {"newer": newer.id} if newer else {}
            raise Problem("recalled", f"{edition.display_name}: {edition.recall_reason}", **more)
        if not edition._is_kept():
            raise Problem("not-kept", f"{edition.display_name} is older than the report keeps its editions.")
        try:
            # sudo: the release and its seal, which a recipient need not read
            edition.sudo()._check_released(0)
        except UserError as error:
            raise Problem("not-applicable", str(error)) from error

    def _files(self, edition):
        """The released files, with a link for the account where the edition was handed to it."""
        # sudo: links are signed for the delivery to the account itself
        own = edition.sudo().delivery_ids.filtered(
            lambda one: one.kind == "edition" and one.state == "sent" and one.user_id == self.env.user
        )
        # The end of tomorrow (UTC): one answer a day, so that it is known again by its ETag.
        expires = datetime.combine(fields.Date.today(), time()) + timedelta(days=LINK_DAYS)
        return [
            {
                "format": file.kind,
                "sha256": file.sha256,
                "size": file.size,
                "url": own[0]._url(file.kind, expires) if own else None,
            }
            for file in edition.file_ids
        ]

    def _table_of(self, content, code):
        """The table of a section; without a section that of all figures."""
        if code is None:
            return figures_table(content, Words())
        table = next((table_of(section) for section in content.sections if section.code == code), None)
        if table is None:
            known = ", ".join(section.code for section in content.sections if table_of(section))
            raise _wrong("section", f"no section of that code has a table; known: {known or 'none'}")
        return table

    # -------------------------------------------------------------------- pages

    def _page(self, model, domain, arguments):
        """``(records, cursor of the next page or None)``, by number."""
        limit = arguments["limit"]
        domain = [*domain, ("id", ">", min(int(arguments.get("cursor", 0)), LARGEST))]
        found = self.env[model].search(domain, order="id", limit=limit + 1)
        page = found[:limit]
        return page, str(page[-1].id) if len(found) > limit else None

    def _site_domain(self, arguments):
        if "site" not in arguments:
            return []
        # sudo: which number a code stands for; what is known of the site is said by the rules of what is asked for
        sites = self.env["stock.warehouse"].sudo().with_context(active_test=False)
        found = sites.search([("code", "=", arguments["site"]), ("company_id", "in", self.env.companies.ids)])
        if not found:
            raise _wrong("site", "no site of the companies of the key has this code")
        return [("site_id", "in", found.ids)]


def _wrong(name, detail):
    return Problem("query-invalid", errors=[{"pointer": f"/{name}", "detail": detail}])


def _days(arguments, first, last):
    domain = []
    if "from" in arguments:
        domain.append((first, ">=", arguments["from"]))
    if "to" in arguments:
        domain.append((last, "<=", arguments["to"]))
    return domain


def _definition(kpi):
    return {
        "code": kpi.code,
        "name": kpi.name,
        "family": kpi.family,
        "version": kpi.version_number,
        "question": kpi.question,
        "formula": kpi.formula,
        "unit": kpi.kind,
        "direction": kpi.direction,
        "grain": kpi.grain,
        "dimensions": [name for name in (kpi.dimensions or "").split(", ") if name],
        "target": kpi.target if kpi.has_target else None,
        "warn": kpi.warn if kpi.is_judged else None,
        "breach": kpi.breach if kpi.is_judged else None,
    }


def _number(snapshot):
    version, measured = snapshot.version_id, snapshot.is_measured
    return {
        "id": snapshot.id,
        "kpi": snapshot.kpi_id.code,
        "version": version.number,
        "company_id": snapshot.company_id.id,
        "site": _code_of(snapshot.site_id),
        "day": _plain(snapshot.day),
        "value": snapshot.value if measured else None,
        "numerator": snapshot.numerator if measured else None,
        "denominator": snapshot.denominator or None,
        "rows": snapshot.rows,
        "unit": version.kind,
        # sudo: the currency of a company of the key
        "currency": snapshot.company_id.sudo().currency_id.name if version.kind == "money" else None,
        "status": snapshot.status,
        "correction": snapshot.revision,
        "reason": snapshot.reason or None,
        "taken_at": _plain(snapshot.taken_at),
    }


def _edition(edition):
    # sudo: a recipient does not read the definition; its code, name and version's number are on every page
    report, version = edition.report_id.sudo(), edition.version_id.sudo()
    return {
        "id": edition.id,
        "report": report.code,
        "company_id": edition.company_id.id,
        "title": report.name,
        "period": edition.period,
        "first": _plain(edition.period_first),
        "last": _plain(edition.period_last),
        "edition": edition.number,
        "site": _code_of(edition.site_id),
        "classification": edition.classification,
        "state": edition.state,
        "released_at": _plain(edition.released_at),
        "recalled_at": _plain(edition.recalled_at or None),
        "notice": edition.recall_reason or None,
        "corrects": edition.corrects_id.id or None,
        "is_kept": edition._is_kept(),
        "version": version.number,
        "exceptions": edition.finding_count,
        "digest": edition.digest,
        "name": f"{edition.period}:{edition.number}",
    }


def _section(section):
    table = table_of(section) or Table((Column("", ""),))
    return {
        "code": section.code,
        "title": section.title,
        "text": section.text,
        "has_table": bool(table_of(section)),
        "rows": len(table.rows),
        "left_out": table.left_out,
        "findings": [
            {
                "severity": one.severity,
                "title": one.title,
                "detail": one.detail,
                "document": one.document,
                "amount": one.amount,
            }
            for one in section.findings
        ],
    }


def _code_of(site):
    # sudo: who may read what is said of a site may know its code
    return site.sudo().code or None


def _plain(value):
    """A value as JSON has it: exact numbers stay, days and moments (UTC) are texts."""
    if isinstance(value, datetime):
        return f"{fields.Datetime.to_string(value).replace(' ', 'T')}Z"
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | Decimal) else None
