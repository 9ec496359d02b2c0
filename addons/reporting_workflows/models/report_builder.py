"""From a definition to what a report says: read, judged and put together in sets."""

import ast
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.compat import check_field_readable, may
from odoo.addons.distribution_core.engine.placeholders import fill

from ..engine import Chart, Column, Complaint, Content, Finding, Input, Limit, Period, Section, Series, Table
from ..engine.checks import evaluate, none_of, sum_of
from ..engine.freshness import judge
from ..engine.kpi import exact
from ..engine.render_words import Words
from ..engine.run import verdict
from ..engine.schedule import moment_of, period_before, period_key
from ..engine.thresholds import findings_of
from .report_check import check_rule
from .report_dataset import column_key, read_of_groups
from .report_part import words
from .report_recipient import EXTERNAL
from .report_threshold import threshold
from .report_version import PARTS

#: A dataset reads at most so many rows; a check says so when there are more.
MOST_ROWS = 10_000
#: A table shows at most so many, unless its dataset says how many.
SHOWN_ROWS = 500
#: What a trend shows before the last day of the period: whole weeks, so that each day of the week is in it as often.
TREND = timedelta(days=27)
#: A condition that is always true.
TRUE_LEAF = (1, "=", 1)
PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: The documents behind a KPI: ('id', 'in', '{kpi.backorders}').
BEHIND = re.compile(r"\{kpi\.(\w+)\}")
PLACEHOLDERS = (
    "since",
    "until",
    "first",
    "last",
    "before_since",
    "before_until",
    "trend",
    "site",
    "category",
    "company",
    "today",
)
KIND_OF_FIELD = {
    "monetary": "money",
    "float": "number",
    "integer": "integer",
    "date": "date",
    "datetime": "datetime",
}


class DatasetError(UserError):
    """A dataset or input cannot be read: which one, and what to do."""


@dataclass
class Scope:
    """What a report is computed for, and the environment that reads it.

    :param read: ``[(model, domain)]`` of what was read so far with the rights of the reader
    """

    env: Any
    company: Any
    definition: dict
    version: int
    owner: str
    first: Any
    last: Any
    before: tuple
    site_id: int | None = None
    category_id: int | None = None
    parameters: tuple = ()
    values: dict = field(default_factory=dict)
    read: list = field(default_factory=list)


@dataclass(frozen=True)
class Dropped:
    """Codes of the datasets and KPIs that a shortened report leaves out."""

    datasets: frozenset = frozenset()
    kpis: frozenset = frozenset()

    def leaves_out(self, section):
        """Whether nothing of a section (entry of a definition) would be left."""
        if section.get("dataset"):
            return section["dataset"] in self.datasets
        kpis = words(section.get("kpis"))
        return bool(kpis) and self.kpis.issuperset(kpis)

    def leaves_unjudged(self, rule):
        """Whether a threshold looks at what is left out."""
        return rule.kpi in self.kpis if rule.measure == "kpi" else rule.dataset in self.datasets


class ReportBuilder(models.AbstractModel):
    _name = "distribution.report.builder"
    _description = "Builds What a Report Says"

    # ------------------------------------------------------------------ scope

    @api.model
    def _scope(self, version, first, last, reader, site=None, category=None):
        """Everything that reading needs. ``reader``: with whose rights.

        :raises UserError: the reader is gone or does not work in the company
        """
        report, company = version.report_id, version.company_id
        if not reader.active or reader._is_superuser():
            raise UserError(_("Read as: %s is archived or the system itself. Name a person.", reader.name))
        if company not in reader.company_ids:
            raise UserError(_("Read as: %(who)s does not work in %(company)s.", who=reader.name, company=company.name))
        sealed = version._sealed()
        site_id = (site and site.id) or sealed["ids"]["site"]
        category_id = (category and category.id) or sealed["ids"]["category"]
        env = (
            self.with_user(reader)
            .with_company(company)
            .with_context(
                allowed_company_ids=[company.id], lang=reader.lang, tz=company._approval_time_zone(), active_test=True
            )
            .env
        )
        zone = report._zone()
        since, until = moment_of(first, time(), zone), moment_of(last + timedelta(days=1), time(), zone)
        earlier = self._before(company, sealed["definition"], first, last, since)
        return Scope(
            env=env,
            company=company,
            definition=sealed["definition"],
            version=version.number,
            owner=report.owner_id.name,
            first=first,
            last=last,
            before=earlier,
            site_id=site_id,
            category_id=category_id,
            parameters=env[self._name]._restrictions(site_id, category_id),
            values={
                "since": fields.Datetime.to_string(since),
                "until": fields.Datetime.to_string(until),
                "before_since": fields.Datetime.to_string(moment_of(earlier[0], time(), zone)),
                "before_until": fields.Datetime.to_string(since),
                "first": str(first),
                "last": str(last),
                "trend": str(last - TREND),
                "today": str(datetime.now(zone).date()),
                "site": site_id,
                "category": category_id,
                "company": company.id,
            },
        )

    def _restrictions(self, site_id, category_id):
        """``((label, name), …)`` of what the report is restricted to, in the language of whoever reads."""
        names = {
            _("Site"): self.env["stock.warehouse"].sudo().browse(site_id or ()).name,  # sudo: a name
            _("Category"): self.env["product.category"].sudo().browse(category_id or ()).complete_name,  # sudo: a name
        }
        return tuple((label, name) for label, name in names.items() if name)

    def _before(self, company, definition, first, last, since):
        """First and last day of what the period is compared with."""
        kind = definition.get("settings", {}).get("period")
        if kind != "since_last_workday":
            return period_before(first, last)
        # As the company worked then: the calendar is read around the period, not around now.
        return period_before(first, last, kind, self.env["distribution.report.working.days"]._of(company, since))

    # ---------------------------------------------------------------- capture

    @api.model
    def _capture(self, scope):
        """``{code: Table}`` of the datasets, in a constant number of queries for each."""
        tables = {}
        for dataset in scope.definition.get("datasets", ()):
            with self._told(scope, dataset):
                tables[dataset["code"]] = self._dataset_table(scope, dataset)
        return tables

    @contextmanager
    def _told(self, scope, dataset):
        """What goes wrong with a dataset names it, with a remedy."""
        try:
            yield
        except AccessError as error:
            raise DatasetError(
                _(
                    "Dataset %(code)s: %(who)s may not read all of it (%(error)s). Take the field out, or have the "
                    "report read as somebody who may.",
                    code=dataset["code"],
                    who=scope.env.user.name,
                    error=str(error).partition("\n")[0],
                )
            ) from error
        except DatasetError:
            raise
        except (ValueError, KeyError, TypeError, UserError) as error:
            raise DatasetError(_("Dataset %(code)s: %(error)s", code=dataset["code"], error=error)) from error

    def _described(self, scope, dataset):
        """``(model, domain, columns)``: nothing is read, but the reader may read every field that is named."""
        model = scope.env[dataset["model"]]
        domain = self._domain(dataset.get("domain"), scope.values, lambda *names: self._behind(scope, model, *names))
        columns = scope.env[self._name]._columns(model, dataset)
        _check_conditions(model, domain)
        order = (dataset.get("order") or "").split(",")
        for path in (*words(dataset.get("group_by") or ""), *(part.split()[0] for part in order if part.strip())):
            if path.partition(":")[0].split(".")[0] in model._fields:
                self._field_at(model, path)
        return model, domain, columns

    def _dataset_table(self, scope, dataset):
        model, domain, columns = self._described(scope, dataset)
        scope.read.append((model, domain))
        if dataset.get("group_by"):
            return self._grouped_table(scope, model, domain, dataset, columns)
        if not model._auto:  # rows of a view have the same numbers in every company, and no cache knows it
            model.invalidate_model(flush=False)
        records = model.search(domain, order=dataset.get("order") or None, limit=MOST_ROWS)
        left_out = model.search_count(domain) - MOST_ROWS if len(records) == MOST_ROWS else 0
        paths = [column["path"].split(".") for column in dataset.get("columns", ())]
        values = [
            self._column_values(scope, records, path, column.kind) for path, column in zip(paths, columns, strict=True)
        ]
        rows = tuple(zip(*values, strict=True))
        return Table(columns, rows, _total(dataset, columns, rows), left_out)

    def _column_values(self, scope, records, path, kind):
        owners = [_record_at(record, path[:-1]) for record in records]
        if kind == "money" and records and is_foreign(owners[0], owners[0]._fields.get(path[-1])):
            return [exact(amount) for amount in self._converted(scope, owners, path[-1])]
        reader = scope.env[self._name]
        return [reader._plain(record[path[-1]], record, {"path": path[-1]}) for record in owners]

    @api.model
    def _plain(self, value, model, entry):
        """A value as a content holds it, in the language of whoever reads."""
        if isinstance(value, models.BaseModel):
            # sudo: the name of a record, as Odoo shows it to who may read the field
            return ", ".join(value.sudo().mapped("display_name")) or None
        if isinstance(value, bool):
            name = entry["path"].partition(":")[0]
            field_ = model._fields.get(name)
            return (_("yes") if value else _("no")) if field_ is not None and field_.type == "boolean" else None
        if isinstance(value, float):
            return exact(value)
        if isinstance(value, str):
            field_ = model._fields.get(entry["path"].partition(":")[0])
            if field_ is not None and field_.type == "selection":
                return dict(field_._description_selection(model.env)).get(value, value)
            return value
        if isinstance(value, int | Decimal) or value is None or hasattr(value, "isoformat"):
            return value
        return str(value)

    def _grouped_table(self, scope, model, domain, dataset, columns):
        self._check_grouped_money(scope, model, domain, dataset)
        group_by, entries = list(words(dataset["group_by"])), dataset.get("columns", ())
        read = [read_of_groups(entry, group_by) for entry in entries]
        aggregates = [key for key in read if key not in group_by]
        groups = model._read_group(
            domain, group_by, aggregates, order=dataset.get("order") or None, limit=MOST_ROWS + 1
        )
        keys = [*group_by, *aggregates]
        rows, reader = [], scope.env[self._name]
        for group in groups[:MOST_ROWS]:
            found = dict(zip(keys, group))
            rows.append(
                tuple(reader._plain(found[key], model, entry) for key, entry in zip(read, entries, strict=True))
            )
        rows = tuple(rows)
        return Table(columns, rows, _total(dataset, columns, rows), max(0, len(groups) - MOST_ROWS))

    @api.model
    def _field_at(self, model, path):
        """The field at the end of a path; None of the number of records. Raises ValueError."""
        if path == "__count":
            return None
        *way, last = path.partition(":")[0].split(".")
        for name in way:
            found = model._fields.get(name)
            if found is None or not found.relational:
                raise ValueError(
                    _("field: “%(name)s” of %(model)s leads nowhere.", name=name, model=self._name_of(model))
                )
            check_field_readable(model, name)
            model = model.env[found.comodel_name]
        if last not in model._fields:
            raise ValueError(_("field: %(model)s has no “%(name)s”.", model=self._name_of(model), name=last))
        check_field_readable(model, last)
        return model._fields[last]

    @api.model
    def _name_of(self, model):
        """As people call the documents of a model."""
        return self.env["ir.model"]._get(model._name).name

    def _columns(self, model, dataset):
        found = []
        for entry in dataset.get("columns", ()):
            last = self._field_at(model, entry["path"])
            kind = KIND_OF_FIELD.get(last.type if last is not None else "integer", "text")
            if (entry.get("aggregate") or "").startswith("count"):
                kind = "integer"
            label = last._description_string(model.env) if last is not None else _("Count")
            found.append(Column(column_key(entry), entry.get("label") or label, entry.get("kind") or kind))
        return tuple(found)

    @api.model
    def _domain(self, text, values, behind=None):
        """The domain of a definition with its placeholders filled in. A condition on what is not given is left out.

        :param behind: numbers of the documents behind a KPI, by the path that is compared with them and its code
        :raises ValueError: it is no domain, or asks for something unknown
        """
        try:
            domain = ast.literal_eval((text or "[]").strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise ValueError(_("domain: this is no list of conditions. Write [('state', '=', 'sale')]")) from None
        if not isinstance(domain, list | tuple):
            raise ValueError(_("domain: a list of conditions is expected."))

        return [self._condition(leaf, values, behind) for leaf in domain]

    def _condition(self, leaf, values, behind):
        match = BEHIND.fullmatch(str(leaf[2])) if isinstance(leaf, list | tuple) and len(leaf) == 3 else None
        if match and not (behind and leaf[1] == "in"):
            raise ValueError(_("domain: what a KPI counts is asked for with “in”, in datasets only."))
        if match:
            return (leaf[0], "in", behind(leaf[0], match[1]))
        if isinstance(leaf, list | tuple) and _asks_for_nothing(leaf, values):
            return TRUE_LEAF
        return self._with_values(leaf, values)

    def _with_values(self, value, values):
        if isinstance(value, list | tuple):
            return type(value)(self._with_values(one, values) for one in value)
        match = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
        if not match:
            return value
        if match[1] not in PLACEHOLDERS:
            raise ValueError(
                _("domain: {%(name)s} is unknown. Known are %(known)s.", name=match[1], known=", ".join(PLACEHOLDERS))
            )
        return values.get(match[1])

    def _behind(self, scope, model, path, code):
        """Numbers of the documents behind a KPI: what its figure counts is what the table lists. Of how it stands:
        what is there now, judged by the end of the period.

        :raises ValueError: the path leads to other documents than the KPI counts
        """
        sources = scope.env["distribution.kpi.source"]
        source = sources._source(self._kpis(scope.env, [code]).source)
        found = model if path == "id" else model.env[self._field_at(model, path).comodel_name or model._name]
        if found._name != source.model:
            raise ValueError(
                _("domain: KPI “%(code)s” counts %(model)s. Compare “id” of these.", code=code, model=source.model)
            )
        window = sources._window(scope.first, scope.last)
        where = {"site": scope.site_id, "category": scope.category_id}
        return sources._ids_behind(
            source,
            replace(window, now=min(window.now, window.until)),
            {name: number for name, number in where.items() if number},
        )

    # -------------------------------------------------------------- freshness

    @api.model
    def _freshness(self, scope, as_of):
        """``[Input]`` of the definition, as old as they are at ``as_of``."""

        def worked(since, until):
            return self.env["distribution.case"]._working_hours(scope.company, since, until)

        found = []
        for entry in scope.definition.get("inputs", ()):
            limit = Limit(
                float(entry.get("warn_hours") or 0),
                float(entry.get("stale_hours") or 0),
                entry.get("working_hours") == "yes",
            )
            try:
                newest = getattr(self, f"_newest_{entry['kind']}")(scope, entry)
            except (ValueError, KeyError, TypeError, AccessError) as error:
                raise DatasetError(_("Input %(code)s: %(error)s", code=entry["code"], error=error)) from error
            found.append(
                Input(
                    _label(entry),
                    newest,
                    judge(limit, newest, as_of, worked if limit.is_working else None),
                    limit.words(says_in(scope)),
                )
            )
        return found

    def _newest_records(self, scope, entry):
        model = scope.env[entry["source"]]
        domain = self._domain(entry.get("domain"), scope.values)
        _check_conditions(model, domain)
        ((newest,),) = model._read_group(domain, [], [f"{entry.get('moment') or 'write_date'}:max"])
        if newest and not isinstance(newest, datetime):
            newest = datetime.combine(newest, time())
        return newest or None

    def _newest_event(self, scope, entry):
        # sudo: only the moment of an event is taken, of the report's company
        event = (
            self.env["distribution.event"]
            .sudo()
            .search(
                [("type", "=", entry["source"]), ("company_ref", "in", (scope.company.id, False))],
                order="id desc",
                limit=1,
            )
        )
        return event.time or None

    def _newest_job(self, _scope, entry):
        # sudo: only the moment of a run is taken
        cron = self.env.ref(entry["source"]).sudo()
        if cron._name != "ir.cron":
            raise ValueError(_("input: “%s” is no scheduled action.", entry["source"]))
        run = (
            self.env["distribution.automation.run"]
            .sudo()
            .search([("cron_id", "=", cron.id), ("outcome", "=", "ok")], order="id desc", limit=1)
        )
        return run.started_at or None

    # ----------------------------------------------------------------- checks

    @api.model
    def _checks(self, scope, tables, measured):
        """``[(entry, Check)]`` in the order of the definition.

        :param measured: ``{code: Figure}``
        """
        say = says_in(scope)
        return [
            (entry, evaluate(check_rule(entry), tables, say, measured)) for entry in scope.definition.get("checks", ())
        ]

    # ---------------------------------------------------------------- compute

    @api.model
    def _compute(self, scope, tables, measured, inputs, checks, conclusion, as_of):
        """``(Content, findings)``: sections, findings, marks. Nothing is read that was not captured.

        :param measured: ``{code: Figure}``
        :param checks: ``[(entry, Check)]``
        :param conclusion: the engine's Verdict
        """
        self = self.with_context(lang=scope.env.lang)  # what a content says is in the language of its report
        definition = scope.definition
        dropped = self._dropped(scope, inputs, checks)
        measured = {
            code: self._without(figure) if code in dropped.kpis else figure for code, figure in measured.items()
        }
        findings = [one for _rule, found in self._findings(scope, tables, measured, dropped) for one in found]
        findings.sort(key=lambda one: one.severity != "breach")
        findings += [
            Finding("breach" if check.state == "failed" else "warn", check.label, check.detail)
            for _entry, check in checks
            if check.state != "passed"
        ]
        period = period_key(scope.first, scope.last)
        text_of = self._filler(tables, findings, period, dropped, writes_in(scope))
        sections, left_out = [], []
        for entry in definition.get("sections", ()):
            if dropped.leaves_out(entry):
                left_out.append(entry["title"])
            else:
                sections.append(self._section(entry, tables, measured, findings, text_of, definition))
        marks = list(conclusion.marks)
        if left_out:
            marks.append(_("Left out: %s", ", ".join(left_out)))
        company, env = scope.company, scope.env
        # sudo: the direction of a language is no secret
        language = self.env["res.lang"].sudo().search([("code", "=", env.lang or "en_US")], limit=1)
        head = definition["report"]
        return Content(
            code=head["code"],
            title=head["name"],
            company=company.name,
            period=Period(str(scope.first), str(scope.last), period),
            version=scope.version,
            classification=head.get("classification", "internal"),
            owner=scope.owner,
            as_of=as_of,
            parameters=scope.parameters,
            sections=tuple(sections),
            inputs=tuple(inputs),
            checks=tuple(check for _entry, check in checks),
            marks=tuple(marks),
            summary=text_of(definition.get("settings", {}).get("summary")),
            language=env.lang or "en_US",
            right_to_left=language.direction == "rtl",
            timezone=company._approval_time_zone(),
            currency=company.currency_id.name,
            decimals=company.currency_id.decimal_places,
        ), findings

    def _section(self, entry, tables, measured, findings, text_of, definition):
        table = tables.get(entry.get("dataset"))
        chart = _chart(entry, table) if table and entry.get("chart") else None
        limits = {one["code"]: int(one.get("limit") or SHOWN_ROWS) for one in definition.get("datasets", ())}
        if table is not None:
            table = _shortened(table, limits[entry["dataset"]]) if entry.get("show_table") == "yes" else None
        return Section(
            entry["code"],
            entry["title"],
            text_of(entry.get("text")),
            tuple(measured[code] for code in words(entry.get("kpis"))),
            table,
            chart,
            tuple(findings) if entry.get("findings") == "yes" else (),
        )

    def _findings(self, scope, tables, measured, dropped):
        """``[(threshold, its findings)]``; what is left out of the report is not judged either.

        :param measured: ``{code: Figure}``
        """
        rules = [threshold(entry) for entry in scope.definition.get("thresholds", ())]
        return [
            (rule, findings_of(rule, tables, measured, writes_in(scope)))
            for rule in rules
            if not dropped.leaves_unjudged(rule)
        ]

    def _dropped(self, scope, inputs, checks):
        """What is left out because it rests on what is not good, as the definition says what is done about it."""
        settings, definition = scope.definition.get("settings", {}), scope.definition
        bad = []
        if settings.get("on_stale") == "shorten":
            stale = {one.label for one in inputs if one.state == "stale"}
            bad += [entry for entry in definition.get("inputs", ()) if _label(entry) in stale]
        if settings.get("on_failed") == "shorten":
            bad += [entry for entry, check in checks if check.state == "failed"]
        datasets, kpis = set(), set()
        for entry in bad:
            datasets.update(
                words(entry.get("datasets")), words(entry.get("dataset")), words(entry.get("other_dataset"))
            )
            kpis.update(words(entry.get("kpis")), words(entry.get("figure")))
        return Dropped(frozenset(datasets), frozenset(kpis))

    def _without(self, figure):
        """The figure without its number."""
        note = _("Left out: it rests on what is not good.")
        return replace(figure, value=None, previous=None, status="unknown", rows=0, signed_by="", note=note)

    def _filler(self, tables, findings, period, dropped, show):
        def value_of(path):
            if path == "period":
                return period
            if path == "findings":
                return show(len(findings), "integer")
            code, _dot, column = path.partition(".")
            if code in dropped.datasets:
                return "–"
            table = tables.get(code)
            if table is None:
                return f"{{{path}}}"
            if column == "rows":
                return show(len(table.rows) + table.left_out, "integer")
            # Of a grouped dataset the sum of a column is called by its field.
            found = next((one for one in table.columns if one.key in (column, f"{column}:sum")), None)
            return show(sum_of(table, found.key), found.kind, found.currency) if found else f"{{{path}}}"

        return lambda text: fill(text, value_of)

    # ---------------------------------------------------------------- problems

    @api.model
    @api.model
    def _part_name(self, place, code, what):
        """What is said about a part of a definition."""
        return {
            "datasets": _("Dataset %(code)s: %(what)s", code=code, what=what),
            "sections": _("Section %(code)s: %(what)s", code=code, what=what),
            "inputs": _("Input %(code)s: %(what)s", code=code, what=what),
            "checks": _("Check %(code)s: %(what)s", code=code, what=what),
            "thresholds": _("Threshold %(code)s: %(what)s", code=code, what=what),
        }[place]

    def _section_problems(self, entry, columns, say):
        found = []
        known = columns.get(entry.get("dataset"))
        if entry.get("dataset") and known is None:
            found.append(none_of("dataset", entry["dataset"], columns, say))
        if entry.get("chart"):
            if not known:
                what = _("a chart needs one.")
                found.append(f"dataset: {what}")
            for key in ("chart_label", "chart_values"):
                for column in words(entry.get(key)) or ("",):
                    if known and column not in known:
                        found.append(none_of(key, column, known, say))
        if not any(entry.get(key) for key in ("text", "kpis", "dataset", "findings")):
            found.append(_("it is empty. Give it figures, a dataset, exceptions or words."))
        return found

    @api.model
    def _problems(self, version):
        """What is wrong with a draft as it is written, each with field and remedy. Nothing is read for it."""
        definition = version._definition()
        found = self._reader_problems(version) + self._recipient_problems(version)
        columns = {
            entry["code"]: tuple(column_key(column) for column in entry.get("columns", ()))
            for entry in definition.get("datasets", ())
        }
        codes = self._kpi_codes(definition)
        if not definition.get("sections"):
            found.append(_("Sections: the report says nothing. Add one."))
        if codes:
            try:
                self._kpis(self.env, codes)
            except UserError as error:
                found.append(str(error.args[0]))
        say = self.env["distribution.report.renderer"]._say()
        for entry in definition.get("sections", ()):
            found += self._told_by_form("sections", entry, self._section_problems(entry, columns, say))
        for place, make in (("checks", check_rule), ("thresholds", threshold)):
            for entry in definition.get(place, ()):
                found += self._told_by_form(place, entry, make(entry).problems(columns, codes, say))
        for entry in definition.get("inputs", ()):
            try:
                Limit(float(entry.get("warn_hours") or 0), float(entry.get("stale_hours") or 0))
            except Complaint as error:
                found += self._told_by_form("inputs", entry, [error.said(say)])
            strange = set(words(entry.get("datasets"))) - columns.keys()
            if strange:
                found += self._told_by_form("inputs", entry, [none_of("datasets", min(strange), columns, say)])
        for place in ("inputs", "checks"):
            for entry in definition.get(place, ()):
                strange = set(words(entry.get("kpis"))) - set(codes)
                if strange:
                    what = _("“%s” is in no section of this report; take it out.", min(strange))
                    found += self._told_by_form(place, entry, [f"kpis: {what}"])
        return found or self._money_problems(definition) or self._trial(version, reads=False)

    def _told_by_form(self, place, entry, problems):
        """``field: remedy`` of an entry of a definition as its form calls part and field."""
        part = self.env[self.env["distribution.report.version"]._fields[PARTS[place]].comodel_name]
        return [self._part_name(place, entry["code"], part._in_words_of_form(problem)) for problem in problems]

    def _reader_problems(self, version):
        reader = version.reader_id
        if reader.has_group("base.group_system"):
            return [
                _(
                    "Read as: %s administers Odoo and sees everything. Name somebody with the rights it takes.",
                    reader.name,
                )
            ]
        return []

    def _recipient_problems(self, version):
        found = []
        for recipient in version.recipient_ids:
            if recipient.kind == "partner" and version.classification not in EXTERNAL:
                found.append(
                    _(
                        "Recipients: %s is outside the house. Classify the report for customers or suppliers, or take "
                        "them out.",
                        recipient.partner_id.name,
                    )
                )
            if recipient.kind == "user" and recipient.user_id.share:
                found.append(_("Recipients: %s is a portal user. Name the business partner.", recipient.user_id.name))
            if recipient.kind == "group" and not recipient.group_id:
                found.append(_("Recipients: the role is gone. Name another one."))
        if version.classification in EXTERNAL and version.release_pattern != "two_parties":
            found.append(_("Release: what leaves the house takes two parties. Choose “Two parties”."))
        return found

    def _trial(self, version, reads=True):
        """What its reader would not get. With ``reads`` everything is read once, as its reader: a definition that
        cannot be read is not published; else only models, fields and conditions are looked at.
        """
        today = fields.Date.context_today(self)
        try:
            with self.env.cr.savepoint():
                scope = self._scope(version, today, today, version.reader_id)
                for dataset in scope.definition.get("datasets", ()):
                    self._check_readable(scope, dataset)
                if reads:
                    content, _findings = self._preview(version, today, today, version.reader_id)
                    self.env["distribution.report.renderer"]._html(content)
        except Exception as error:  # pylint: disable=broad-except
            # Whatever it is, it would stop every run.
            return [str(error.args[0] if error.args else error).strip()]
        return []

    def _check_readable(self, scope, dataset):
        env = scope.env
        if dataset["model"] not in env:
            raise DatasetError(
                _("Dataset %(code)s: model: there is no “%(model)s”.", **_pick(dataset, "code", "model"))
            )
        if not may(env[dataset["model"]], "read"):
            raise DatasetError(
                _(
                    "Dataset %(code)s: %(who)s may not read %(model)s.",
                    who=env.user.name,
                    **_pick(dataset, "code", "model"),
                )
            )
        if not dataset.get("columns"):
            raise DatasetError(_("Dataset %s: columns: add at least one.", dataset["code"]))
        with self._told(scope, dataset):
            self._described(scope, dataset)

    # ----------------------------------------------------------------- preview

    @api.model
    def _preview(self, version, first, last, reader=None):
        """``(Content, findings)`` on live data; nothing is kept. Default reader: who looks."""
        scope = self._scope(version, first, last, reader or self.env.user)
        as_of = fields.Datetime.now()
        tables, measured = self._capture(scope), self._measured(scope)
        inputs, scope.parameters = self._freshness(scope, as_of), self._parameters(scope)
        checks = self._checks(scope, tables, measured)
        return self._compute(scope, tables, measured, inputs, checks, judged(scope, inputs, checks, "preview"), as_of)


def judged(scope, inputs, checks, overruled="", let_go=None):
    """The verdict on inputs and checks, as the definition says what is done about them."""
    settings = scope.definition.get("settings", {})
    return verdict(
        [one.label for one in inputs if one.state == "stale"],
        [check.label for _entry, check in checks if check.state == "failed"],
        on_stale=settings.get("on_stale") or "hold",
        on_failed=settings.get("on_failed") or "hold",
        overruled=overruled,
        let_go=let_go,
        say=says_in(scope),
    )


def says_in(scope):
    """Writes the engine's own words in the language of a report."""
    return Words(scope.env["distribution.report.renderer"]._words(scope.env.lang or "en_US"))


def writes_in(scope):
    """Writes numbers as the files of a report do."""
    return scope.env["distribution.report.renderer"]._writer(scope.company)


def _pick(entry, *names):
    return {name: entry[name] for name in names}


def _label(entry):
    return entry.get("label") or entry["code"]


def is_foreign(model, field):
    """Whether amounts of a field may be in another currency than their company's."""
    if field is None or field.type != "monetary":
        return False
    name = field.get_currency_field(model)
    while name:
        found = model._fields[name]
        if model._name == "res.company":
            return False
        if not found.related:
            return True
        *way, name = found.related.split(".")
        for step in way:
            model = model.env[model._fields[step].comodel_name]
    return False


def _check_conditions(model, domain):
    """Raise AccessError where a condition looks at what the reader may not read: answers would tell it."""
    paths = (leaf[0] for leaf in domain if isinstance(leaf, list | tuple) and isinstance(leaf[0], str))
    for path in paths:
        place = model
        for name in path.split("."):
            found = place._fields.get(name)
            if found is None:
                break
            check_field_readable(place, name)
            if not found.relational:
                break
            place = place.env[found.comodel_name]


def _record_at(record, way):
    for name in way:
        found = record[name]
        record = found if len(found) < 2 else found[:1].with_prefetch(found._prefetch_ids)
    return record


def _total(dataset, columns, rows):
    entries = dataset.get("columns", ())
    if not any(entry.get("total") == "yes" for entry in entries):
        return ()
    table = Table(columns, rows)
    return tuple(
        sum_of(table, column.key) if entry.get("total") == "yes" else None for entry, column in zip(entries, columns)
    )


def _shortened(table, limit):
    if len(table.rows) <= limit:
        return table
    return replace(table, rows=table.rows[:limit], left_out=table.left_out + len(table.rows) - limit)


def _chart(entry, table):
    places = {column.key: place for place, column in enumerate(table.columns)}
    label, drawn = places[entry["chart_label"]], words(entry["chart_values"])
    rows = table.rows[:SHOWN_ROWS]
    kinds = [table.columns[places[key]].kind for key in drawn]
    return Chart(
        entry["chart"],
        tuple(str(row[label] if row[label] is not None else "–") for row in rows),
        tuple(
            Series(
                table.columns[places[key]].label,
                tuple(None if row[places[key]] is None else Decimal(row[places[key]]) for row in rows),
            )
            for key in drawn
        ),
        kinds[0] if kinds else "number",
    )


def _asks_for_nothing(leaf, values):
    """Whether a condition compares with a parameter that is not given."""
    value = leaf[2] if len(leaf) == 3 else None
    match = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    return bool(match) and match[1] in ("site", "category") and not values.get(match[1])
