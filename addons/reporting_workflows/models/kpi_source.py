"""Where a KPI's number comes from: one set query per source, whatever the data.

Rules, in words
---------------
* A source counts *facts*: records of one model. What it adds up is written once, as SQL over these records.
* Which facts there are is found by the ORM, with the record rules of whoever asks: nobody gets a number made of
  records that they may not read. The company is always the present one.
* A source is a *flow* (what happened in a period, by the day where the company works) or a *level* (how it stands now).
* The documents behind a number are the facts themselves.

An addon adds sources by extending :meth:`KpiSource._sources`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from odoo import _, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.distribution_core.compat import unit_costs

from ..engine.kpi import GRAINS, Measure, measured

#: How many records are listed behind a number that no search can describe.
LISTED = 2000
#: Dimensions, with the model of their values; None where values are keys.
DIMENSIONS = {
    "site": "stock.warehouse",
    "destination": "stock.warehouse",
    "category": "product.category",
    "product": "product.product",
    "vendor": "res.partner",
    "customer": "res.partner",
    "salesperson": "res.users",
    "buyer": "res.users",
    "type": "distribution.case.type",
    "subscription": "distribution.webhook.subscription",
    "document_type": None,
    "kind": None,
    "operation": None,
}


@dataclass(frozen=True)
class Dimension:
    """How a fact's records are told apart.

    :param path: field path of the facts, or several: the first that is filled counts
    :param sql: the same in SQL; not needed for a stored field of the facts themselves
    :param is_worked_out: the database works it out for each fact; a search by the path would do so for all records
    """

    path: str | tuple[str, ...]
    sql: str = ""
    is_worked_out: bool = False

    def paths(self):
        return (self.path,) if isinstance(self.path, str) else self.path


@dataclass(frozen=True)
class Source:
    """What is counted.

    SQL may name ``%(now)s``, ``%(since)s`` and ``%(until)s`` (naive UTC, ``until`` not included), ``%(zone)s`` (time
    zone of the company), ``%(costs)s`` (table of unit costs) and the columns of the facts by the name of their table.

    :param numerator: SQL aggregate
    :param denominator: SQL aggregate; empty: the numerator is the value
    :param domain: which records are facts
    :param moment: field path of the day or moment at which a fact counts, or several: the first that is filled.
        Empty: a level
    :param delay: facts count so long after their moment: when it is known what became of them
    :param moment_sql: the same in SQL, where it is no stored field of the facts themselves
    :param joins: SQL that adds to the facts without multiplying them
    :param condition: SQL that facts meet as well; needed where a join leaves facts out
    :param days_add_up: whether the numbers of its days tell that of a period
    :param is_of_one_site: whether what is counted once lies in one site only: then the numbers of sites add up
    :param touched_by: models whose events may change the number; default: that of the facts
    """

    label: str
    model: str
    kind: str
    numerator: str
    denominator: str = ""
    scale: int = 1
    domain: tuple = ()
    moment: str | tuple[str, ...] = ""
    delay: timedelta = timedelta()
    moment_sql: str = ""
    company: str = "company_id"
    joins: str = ""
    condition: str = ""
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    days_add_up: bool = True
    is_of_one_site: bool = False
    touched_by: tuple[str, ...] = ()

    @property
    def is_level(self):
        return not self.moment

    @property
    def is_sum(self):
        """Whether the number of a longer period is the greater one: what is counted of its days is added."""
        return not self.denominator and not self.is_level

    @property
    def moves_on(self):
        """Whether time alone changes the number of today."""
        return "%(now)s" in self.numerator + self.denominator + self.condition

    @property
    def adds_up(self):
        """Whether the numbers of several sites add up: not where the greatest one counts, or where something counts
        once that may lie in several."""
        sums = self.numerator + self.denominator
        return ("DISTINCT" not in sums or self.is_of_one_site) and "max(" not in sums

    @property
    def is_of_period(self):
        """Whether it looks at the ends of its period: a longer one does not tell the numbers of its days."""
        texts = (self.numerator, self.denominator, self.condition, self.joins)
        return any(end in text for text in texts for end in ("%(since)s", "%(until)s"))

    @property
    def touched(self):
        return self.touched_by or (self.model,)

    def moments(self):
        return (self.moment,) if isinstance(self.moment, str) else self.moment


@dataclass(frozen=True)
class Window:
    """A period where the company works: days, and the moments (naive UTC) between which they lie."""

    first: Any
    last: Any
    since: datetime
    until: datetime
    now: datetime
    zone: str


def share(condition):
    """Numerator and denominator of a share of the facts."""
    return {"numerator": f"count(*) FILTER (WHERE {condition})", "denominator": "count(*)", "scale": 100}


def hours(start, end):
    """SQL: hours between two moments."""
    return f"extract(epoch FROM ({end}) - ({start})) / 3600.0"


def day_of(moment):
    """SQL: the day on which a moment (naive UTC) lies where the company works."""
    return f"(({moment}) AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date"


def end_of(day):
    """SQL: the moment (naive UTC) at which a day is over where the company works."""
    return f"((({day}) + 1)::timestamp AT TIME ZONE %(zone)s AT TIME ZONE 'UTC')"


def average(expression):
    """Numerator and denominator of the mean over the facts for which there is a value."""
    return {"numerator": f"sum({expression})", "denominator": f"count({expression})"}


class KpiSource(models.AbstractModel):
    _name = "distribution.kpi.source"
    _description = "Source of a KPI"

    @api.model
    def _sources(self):
        """``{key: Source}``; extended by each family of measures."""
        return {}

    @api.model
    def _source(self, key):
        """:raises UserError: when nothing is known by that key: the addon that counted it is gone"""
        found = self._sources().get(key)
        if found is None:
            raise UserError(_("Source: nothing counts “%s” any more. Make a new version of the KPI.", key))
        return found

    @api.model
    def _window(self, since, until):
        """The period from day ``since`` to day ``until``, both included, of the present company."""
        company = self.env.company
        begin, end = company._moments_of(since, until)
        return Window(since, until, begin, end, fields.Datetime.now(), company._approval_time_zone())

    @api.model
    def _dimension_labels(self):
        """``{dimension: as people call it}``."""
        return {
            "site": _("Site"),
            "destination": _("Destination"),
            "category": _("Category"),
            "product": _("Product"),
            "vendor": _("Vendor"),
            "customer": _("Customer"),
            "salesperson": _("Salesperson"),
            "buyer": _("Buyer"),
            "type": _("Type"),
            "subscription": _("Webhook"),
            "document_type": _("Kind of document"),
            "kind": _("Kind"),
            "operation": _("Operation"),
        }

    # ------------------------------------------------------------
    # Measuring
    # ------------------------------------------------------------

    @api.model
    def _measure_source(self, source, window, by=(), where=None, grain=None):
        """``[Measure]``: one per combination of dimensions (and bucket) that occurs; without any exactly one.

        :raises AccessError: when the user may not read the facts at all
        """
        self._check_dimensions(source, (*by, *(where or ())))
        columns = [self._dimension_sql(source, name) for name in by]
        if grain and not source.is_level:
            columns.insert(0, self._bucket_sql(source, grain))
        values = [SQL("(%s)::numeric", self._sql(source, window, source.numerator))]
        values.append(
            SQL("(%s)::numeric", self._sql(source, window, source.denominator)) if source.denominator else SQL("NULL")
        )
        query = SQL(
            "SELECT %s FROM %s",
            SQL(", ").join([*values, SQL("count(*)"), *columns]),
            self._facts_sql(source, window, where),
        )
        if columns:
            places = SQL(", ").join(SQL(str(place)) for place in range(4, 4 + len(columns)))
            query = SQL("%s GROUP BY %s ORDER BY %s", query, places, places)
        self.env.cr.execute(query)
        return [self._measure_of(source, window, row, by, grain) for row in self.env.cr.fetchall()]

    def _measure_of(self, source, window, row, by, grain):
        numerator, denominator, rows, *keys = row
        start = window.first
        if source.is_level:
            start = self.env.company._day_of(window.now)
        elif grain:
            start = keys.pop(0)
        denominator = Decimal(denominator or 0) if source.denominator else None
        return Measure(
            value=measured(Decimal(numerator or 0), denominator, source.scale),
            numerator=Decimal(numerator or 0),
            denominator=denominator,
            rows=rows,
            period_start=start,
            dimensions=dict(zip(by, keys)),
        )

    def _check_dimensions(self, source, names):
        for name in names:
            if name not in source.dimensions:
                raise UserError(
                    _(
                        "%(label)s: not known by %(name)s. Choose among: %(known)s.",
                        label=source.label,
                        name=name,
                        known=", ".join(source.dimensions) or _("none"),
                    )
                )

    # ------------------------------------------------------------
    # Facts
    # ------------------------------------------------------------

    def _facts_domain(self, source, window, where=None):
        """The facts of the period in the present company, as a domain."""
        domain = [(source.company, "=", self.env.company.id), *source.domain]
        if not source.is_level:
            domain += self._moment_domain(source, source.moments(), window)
        for name, value in (where or {}).items():
            domain += _first_filled(source.dimensions[name].paths(), value)
        return domain

    def _moment_domain(self, source, paths, window):
        path, *others = paths
        first, end = window.since - source.delay, window.until - source.delay
        operator = "<"
        if _field_of(self.env[source.model], path).type == "date":
            first, end, operator = window.first, window.last, "<="
        own = ["&", (path, ">=", first), (path, operator, end)]
        if not others:
            return own
        return ["|", *own, "&", (path, "=", False), *self._moment_domain(source, others, window)]

    def _facts_sql(self, source, window, where=None):
        """FROM and WHERE of the facts, with the record rules of the user."""
        self.env.flush_all()  # the SQL of a source reads more tables than the search knows of
        model = self.env[source.model].with_context(active_test=False)
        worked_out = {name for name in where or () if source.dimensions[name].is_worked_out}
        searched = {name: value for name, value in (where or {}).items() if name not in worked_out}
        query = model._search(self._facts_domain(source, window, searched))
        conditions = [query.where_clause] if query.where_clause else []
        for name in sorted(worked_out):
            values = where[name] if isinstance(where[name], list | tuple | set) else [where[name]]
            # 0 is no record's number: it stands for none.
            conditions.append(
                SQL("COALESCE(%s, 0) = ANY(%s)", self._dimension_sql(source, name), [value or 0 for value in values])
            )
        if source.condition:
            conditions.append(SQL("(%s)", self._sql(source, window, source.condition)))
        return SQL(
            "%s %s WHERE %s",
            query.from_clause,
            self._sql(source, window, source.joins),
            SQL(" AND ").join(conditions) if conditions else SQL("TRUE"),
        )

    def _sql(self, source, window, code):
        """SQL of a source – written in code, never by a user – with its parameters."""
        return SQL(  # pylint: disable=sql-injection
            code,
            now=window.now,
            since=window.since,
            until=window.until,
            zone=window.zone,
            costs=unit_costs(self.env) if "%(costs)s" in code else None,
        )

    def _dimension_sql(self, source, name):
        dimension = source.dimensions[name]
        if dimension.sql:
            return SQL(dimension.sql)  # pylint: disable=sql-injection
        return SQL.identifier(self.env[source.model]._table, dimension.path)

    def _bucket_sql(self, source, grain):
        """The first day of the bucket in which a fact counts, where the company works."""
        if grain not in GRAINS:
            raise UserError(_("Grain: choose among %s.", ", ".join(GRAINS)))
        table = self.env[source.model]._table
        moment = (
            SQL(source.moment_sql)  # pylint: disable=sql-injection
            if source.moment_sql
            else SQL("COALESCE(%s)", SQL(", ").join(SQL.identifier(table, name) for name in source.moments()))
        )
        if source.delay:
            moment = SQL("%s + %s", moment, source.delay)
        if _field_of(self.env[source.model], source.moments()[0]).type == "datetime":
            zone = self.env.company._approval_time_zone()
            moment = SQL("(%s) AT TIME ZONE 'UTC' AT TIME ZONE %s", moment, zone)
        return SQL("date_trunc(%s, %s)::date", grain, moment)

    # ------------------------------------------------------------
    # Drill-down
    # ------------------------------------------------------------

    @api.model
    def _behind(self, source, window, where=None):
        """``(model, domain)`` of the documents behind a number.

        What no domain can say is listed by number, the newest :data:`LISTED` of them.
        """
        self._check_dimensions(source, where or ())
        if not source.condition:
            return source.model, self._facts_domain(source, window, where)
        return source.model, [("id", "in", self._ids_behind(source, window, where, LISTED))]

    @api.model
    def _ids_behind(self, source, window, where=None, limit=None):
        """Numbers of the documents behind a number, the newest first; without ``limit`` all of them."""
        self._check_dimensions(source, where or ())
        table = SQL.identifier(self.env[source.model]._table, "id")
        self.env.cr.execute(
            SQL("SELECT %s FROM %s ORDER BY 1 DESC LIMIT %s", table, self._facts_sql(source, window, where), limit)
        )
        return [row[0] for row in self.env.cr.fetchall()]


def _first_filled(paths, value):
    """Domain: the first of the paths that is filled has the value (or one of the values)."""
    path, *others = paths
    operator = "in" if isinstance(value, list | tuple | set) else "="
    own = [(path, operator, list(value) if operator == "in" else value or False)]
    if not others:
        return own
    return ["|", *own, "&", (path, "=", False), *_first_filled(others, value)]


def _field_of(model, path):
    """The field at the end of a path."""
    *parts, last = path.split(".")
    for part in parts:
        model = model.env[model._fields[part].comodel_name]
    return model._fields[last]
