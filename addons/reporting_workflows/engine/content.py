"""What a report says, before it is drawn: the one shape between computing, releasing and rendering.

Rules, in words
---------------
* A run computes a :class:`Content` once. What is shown to the approver, what is released (by its
  :meth:`~Content.digest`) and what every format draws is this, and nothing else.
* It is plain values: it goes to JSON and comes back the same, so that it can be kept with the
  edition and drawn in another process.
* Numbers are exact: `Decimal`, dates and moments are typed; how they look – separators, currency
  sign, time zone – is the renderer's business.
* Nothing in it depends on when or by whom it is drawn. Two equal contents have one digest.

>>> day = Period("2026-11-20", "2026-11-20")
>>> content = Content(code="daily_sales", title="Daily Sales", company="Acme", period=day)
>>> Content.from_json(content.to_json()) == content
True
>>> len(content.digest())
64
"""

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

#: What a value is, and so how it is written. Money is in the content's currency unless its figure or column names one;
#: percent is of 100 (12.5 is 12.5 %); hours and days are decimal.
KINDS = ("text", "integer", "number", "money", "percent", "hours", "days", "date", "datetime")
#: How a figure stands against its thresholds, from best to worst; ``none`` where it has none, ``unknown`` without a
#: value.
STATUSES = ("none", "ok", "warn", "breach", "unknown")
CHART_KINDS = ("bar", "stacked_bar", "line")
SEVERITIES = ("info", "warn", "breach")


@dataclass(frozen=True)
class Period:
    """First and last day (ISO dates, both included) of what the report is about."""

    first: str
    last: str
    label: str = ""


@dataclass(frozen=True)
class Figure:
    """A KPI of a section: its value, the one of the period before, and how it stands.

    :param code: code of the KPI; ``version`` of its definition
    :param value: None where nothing was there to measure
    :param direction: ``up`` where more is better, ``down`` where less is, else ``none``
    :param rows: on how many records it rests
    :param note: why there is no value, or what one has to know about it
    """

    code: str
    label: str
    kind: str
    value: Decimal | None = None
    previous: Decimal | None = None
    target: Decimal | None = None
    status: str = "none"
    direction: str = "none"
    currency: str = ""
    question: str = ""
    formula: str = ""
    version: int = 1
    rows: int = 0
    signed_by: str = ""
    note: str = ""


@dataclass(frozen=True)
class Column:
    key: str
    label: str
    kind: str = "text"
    currency: str = ""


@dataclass(frozen=True)
class Table:
    """Rows hold a value for each column, in its order: str, int, Decimal, date, datetime (UTC, naive) or None.

    :param total: the same for the line of sums, or empty
    :param left_out: how many rows more there are than are shown
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...] = ()
    total: tuple[Any, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Series:
    label: str
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True)
class Chart:
    """Each series has a value for each label."""

    kind: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    value_kind: str = "number"
    currency: str = ""
    question: str = ""


@dataclass(frozen=True)
class Finding:
    """An exception of the report: a threshold that was crossed, a check that failed."""

    severity: str
    title: str
    detail: str = ""
    document: str = ""
    amount: Decimal | None = None


@dataclass(frozen=True)
class Section:
    """Figures, a table, a chart, findings and words; each may be missing."""

    code: str
    title: str
    text: str = ""
    figures: tuple[Figure, ...] = ()
    table: Table | None = None
    chart: Chart | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Input:
    """A source of the report, and how old it was when the numbers were taken.

    :param state: ``fresh``, ``warn`` or ``stale``; :param as_of: UTC, None where it never came
    """

    label: str
    as_of: datetime | None = None
    state: str = "fresh"
    limit: str = ""


@dataclass(frozen=True)
class Check:
    """A data check: ``passed``, ``warn`` or ``failed``, and what was found."""

    label: str
    state: str
    detail: str = ""


@dataclass(frozen=True)
class SignOff:
    """Who released it, in which part; ``at`` in UTC."""

    role: str
    name: str
    at: datetime | None = None


@dataclass(frozen=True)
class Content:
    """A report of one period.

    :param code: technical name of the definition, whose ``version`` this is
    :param marks: what has to be said on every page: "Released with stale inputs", "Draft – not released"
    :param parameters: ``((label, value), …)``
    :param language: code of the language it is written in (``en_US``); ``right_to_left`` follows from it
    :param timezone: of the company: what moments are shown in
    :param currency: ISO code of the company's currency; ``decimals`` of its amounts
    """

    code: str
    title: str
    company: str
    period: Period
    version: int = 1
    classification: str = "internal"
    owner: str = ""
    as_of: datetime | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    inputs: tuple[Input, ...] = ()
    checks: tuple[Check, ...] = ()
    marks: tuple[str, ...] = ()
    summary: str = ""
    language: str = "en_US"
    right_to_left: bool = False
    timezone: str = "UTC"
    currency: str = ""
    decimals: int = 2

    def to_json(self) -> str:
        """Canonical: keys sorted, no blanks; the same content gives the same text."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Content":
        return _typed(json.loads(text), cls)

    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@dataclass(frozen=True)
class Edition:
    """What a released content is called when it is drawn; not part of what was judged.

    :param number: of this definition and period, from 1
    :param corrects: the recalled one that it replaces; :param replaces: one that was not recalled. 0: none
    """

    number: int = 0
    released_at: datetime | None = None
    sign_offs: tuple[SignOff, ...] = field(default_factory=tuple)
    corrects: int = 0
    replaces: int = 0

    def to_json(self) -> str:
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Edition":
        return _typed(json.loads(text), cls)


def _plain(value: Any) -> Any:
    """JSON's own values; a number, a day and a moment say what they are."""
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return {"decimal": str(value.normalize()) if value else "0"}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return value


def _typed(value: Any, wanted: Any) -> Any:
    """The value that `_plain` was given, as `wanted` says."""
    if get_origin(wanted) is UnionType:
        wanted = next((kind for kind in get_args(wanted) if kind is not type(None)), Any)
    if value is None:
        return None
    if is_dataclass(wanted):
        hints = get_type_hints(wanted)
        return wanted(**{name: _typed(item, hints[name]) for name, item in value.items() if name in hints})
    if isinstance(value, list):
        kinds = get_args(wanted)
        if not kinds or kinds[-1] is not Ellipsis:
            kinds = [*kinds, *[Any] * (len(value) - len(kinds))] if kinds else [Any] * len(value)
            return tuple(_typed(item, kind) for item, kind in zip(value, kinds))
        return tuple(_typed(item, kinds[0]) for item in value)
    if isinstance(value, dict):
        ((tag, text),) = value.items()
        return {"decimal": Decimal, "datetime": datetime.fromisoformat, "date": date.fromisoformat}[tag](text)
    return value
