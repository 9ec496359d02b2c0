"""How values are written for people: by the language, currency and time zone of a content.

Rules, in words
---------------
* Separators, signs, currency symbols and names of months are those that Unicode's CLDR states for the language
  (Babel).
* Where nothing was measured stands a dash, never a zero.
* Money has as many decimals as the content says. A column of numbers has as many as its most precise value, two at
  most, so that the digits of a column stand below each other.
* Moments are stored in UTC and written in the company's time zone, with its name.
* Control characters, and those that turn the direction of writing round, are dropped: what is read is what is there.

>>> writer = Writer("en_US", "Europe/Berlin", "EUR")
>>> writer(Decimal("-1234.5"), "money"), writer(Decimal("97.25"), "percent"), writer(None, "money")
('-€1,234.50', '97.25%', '–')
>>> Writer("de_DE", "UTC", "EUR")(Decimal("1234.5"), "money")
'1.234,50\\xa0€'
>>> Writer("de_DE", "Europe/Berlin")(datetime(2026, 7, 1, 22, 30), "datetime")
'02.07.2026, 00:30 CEST'
>>> clean("a\\x00b\\u202ec")
'abc'
"""

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from .content import Content, Figure, Period
from .render_words import Words

DASH = "–"
DECIMALS = 2
NUMERIC = ("integer", "number", "money", "percent", "hours", "days")
#: Control characters but tab and line feed, lone halves of surrogate pairs, overrides of the writing direction.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def clean(text: Any) -> str:
    """`text` without what cannot be shown."""
    return _UNWRITABLE.sub("", "" if text is None else str(text).replace("\r\n", "\n"))


def as_number(value: Any) -> Decimal | None:
    """`value` as an exact number; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def digits_of(values: Iterable[Any]) -> int:
    """Decimals that a column of `values` needs: of the most precise one, two at most.

    >>> digits_of([1, Decimal("2.5"), None]), digits_of([Decimal("100")]), digits_of([Decimal("0.3333")])
    (1, 0, 2)
    """
    scales = (-number.normalize().as_tuple().exponent for number in map(as_number, values) if number)
    return max(0, min(DECIMALS, max(scales, default=0)))


@dataclass(frozen=True)
class Change:
    """A figure against the period before.

    :param text: the difference, with its sign: in percent, in points for a percentage, or absolute where before was 0
    :param way: ``up``, ``down`` or ``flat``
    :param judgement: ``better``, ``worse`` or empty where neither is
    """

    text: str
    way: str
    judgement: str = ""


class Writer:
    """Writes values in one language.

    :param language: Odoo's code (``de_CH``, ``sr@latin``); English where Babel does not know it
    :param timezone: name of the time zone; UTC where it is not known
    :param currency: of money that names none; ``decimals`` of its amounts
    """

    def __init__(
        self, language: str, timezone: str, currency: str = "", decimals: int = DECIMALS, words: Words | None = None
    ):
        from babel import Locale, UnknownLocaleError
        from babel.dates import get_timezone

        try:
            self.locale = Locale.parse((language or "en_US").replace("-", "_").split("@")[0])
        except (UnknownLocaleError, ValueError):
            self.locale = Locale.parse("en_US")
        try:
            self.zone = get_timezone(timezone or "UTC")
            self.zone_name = timezone or "UTC"
        except LookupError:
            self.zone, self.zone_name = get_timezone("UTC"), "UTC"
        self.currency = currency
        self.decimals = decimals
        self.words = words or Words()

    @classmethod
    def of(cls, content: Content, words: Words | None = None) -> "Writer":
        return cls(content.language, content.timezone, content.currency, content.decimals, words)

    def __call__(self, value: Any, kind: str, currency: str = "", digits: int | None = None) -> str:
        """`value` as a `kind` is written; a text where it is none of that kind.

        :param digits: decimals of a number; those it has otherwise, two at most
        """
        if value is None or value == "":
            return DASH
        if isinstance(value, datetime):
            return self.moment(value) if kind != "date" else self.day(value.date())
        if isinstance(value, date):
            return self.day(value)
        number = as_number(value)
        if number is None or kind in ("text", "date", "datetime"):
            return clean(value)
        if kind == "money":
            return self.money(number, currency)
        text = self.number(number, 0 if kind == "integer" else digits if digits is not None else digits_of([number]))
        if kind == "percent":
            return self.percent(number, digits)
        return f"{text} {self.words(kind)}" if kind in ("hours", "days") else text

    def cell(self, value: Any, kind: str, digits: int | None = None) -> str:
        """`value` in a column whose head says the unit: without currency, percent sign and unit."""
        number = as_number(value)
        if number is None or kind not in NUMERIC:
            return self(value, kind)
        if kind == "integer":
            return self.number(number, 0)
        return self.number(
            number, self.decimals if kind == "money" else digits_of([number]) if digits is None else digits
        )

    def unit(self, kind: str, currency: str = "") -> str:
        """What a column of `kind` is counted in; empty where its numbers have no unit."""
        if kind == "money":
            return clean(currency or self.currency)
        return {"percent": "%", "hours": self.words("hours"), "days": self.words("days")}.get(kind, "")

    def number(self, number: Decimal, digits: int = 0) -> str:
        return self._pattern(self.locale.decimal_formats[None], digits).apply(number, self.locale)

    def percent(self, number: Decimal, digits: int | None = None) -> str:
        """`number` is of 100."""
        places = digits_of([number]) if digits is None else digits
        return self._pattern(self.locale.percent_formats[None], places).apply(number / 100, self.locale)

    def money(self, number: Decimal, currency: str = "") -> str:
        code = clean(currency or self.currency)
        if not code:
            return self.number(number, self.decimals)
        pattern = self._pattern(self.locale.currency_formats["standard"], self.decimals)
        return pattern.apply(number, self.locale, currency=code, currency_digits=False)

    def day(self, day: date | str) -> str:
        """A date, from one or from its ISO text; the text where it is none."""
        from babel.dates import format_date

        if isinstance(day, str):
            try:
                day = date.fromisoformat(day)
            except ValueError:
                return clean(day)
        return format_date(day, "medium", locale=self.locale)

    def local(self, moment: datetime) -> datetime:
        """`moment` (UTC, naive or aware) in the content's time zone."""
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return aware.astimezone(self.zone)

    def moment(self, moment: datetime) -> str:
        """To the minute, with the name of the time zone."""
        from babel.dates import format_date, format_time, get_datetime_format

        local = self.local(moment)
        clock = format_time(local.replace(tzinfo=None).time(), "short", locale=self.locale)
        pattern = str(get_datetime_format("medium", locale=self.locale)).replace("'", "")
        text = pattern.replace("{0}", clock).replace("{1}", format_date(local, "medium", locale=self.locale))
        return f"{text} {local.tzname()}"

    def period(self, period: Period) -> str:
        """Its days, and its name where it has one."""
        days = self.day(period.first)
        if period.last != period.first:
            days = f"{days} – {self.day(period.last)}"
        return f"{clean(period.label)} ({days})" if period.label else days

    def change(self, figure: Figure) -> Change | None:
        """`figure` against the period before; None where one of the two is missing."""
        now, before = as_number(figure.value), as_number(figure.previous)
        if now is None or before is None:
            return None
        difference = now - before
        if not difference:
            return Change(self.words("no change"), "flat")
        if figure.kind == "percent":
            text = f"{self._signed(difference, digits_of([difference]))} {self.words('points')}"
        elif before:
            share = (difference / abs(before) * 100).quantize(Decimal("0.1"))
            pattern = self._pattern(self.locale.percent_formats[None], digits_of([share]))
            text = self._sign(share) + pattern.apply(abs(share) / 100, self.locale)
        else:
            text = self._sign(difference) + self(abs(difference), figure.kind, figure.currency)
        way = "up" if difference > 0 else "down"
        better = {"up": "up", "down": "down"}.get(figure.direction)
        return Change(text, way, "" if not better else "better" if way == better else "worse")

    def _signed(self, number: Decimal, digits: int) -> str:
        return self._sign(number) + self.number(abs(number), digits)

    @staticmethod
    def _sign(number: Decimal) -> str:
        return "+" if number > 0 else "−" if number < 0 else "±"

    @staticmethod
    def _pattern(pattern: Any, digits: int) -> Any:
        """CLDR's pattern with `digits` decimals."""
        exact = copy.copy(pattern)
        exact.frac_prec = (digits, digits)
        return exact
