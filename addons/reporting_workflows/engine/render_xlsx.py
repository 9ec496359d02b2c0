"""A workbook: for people who go on calculating.

Rules, in words
---------------
* The first sheet is the cover: what the report is, its marks, findings, figures, inputs, checks and sign-offs. Then one
  sheet a section, its columns below a head that stays in sight, can be filtered, and is repeated on every printed page.
* Cells are typed: a date is a date, money has its currency and decimals, a percentage can be multiplied. Excel
  calculates with 15 digits; a longer number is rounded by it, not by us.
* Moments are written in the company's time zone (a spreadsheet knows none); the cover says which.
* A text is a text: nothing that comes from a record becomes a formula, a link or an error.
* Charts are Excel's own. Their numbers are the section's table, or stand on the last sheet where it has another one.
* Equal contents give equal bytes: the workbook's date is that of the numbers.
"""

import io
import re
from datetime import date, datetime
from typing import Any

from .content import Column, Content, Edition, Section, Table
from .render_tables import (
    chart_table,
    checks_table,
    figures_table,
    findings_table,
    inputs_table,
    table_of,
)
from .render_values import NUMERIC, Writer, as_number, clean
from .render_words import Words

TITLE_LENGTH = 31
CELL_LENGTH = 32767
WIDEST, NARROWEST = 60, 8
#: The line in which a section's columns are named; those above say what the sheet is.
HEAD_ROW = 3
COLOURS = ("#1f4e79", "#d55e00", "#009e73", "#56b4e9", "#cc79a7", "#e69f00", "#5b6875")
INK, MUTED, RULE, BREACH = "#1d2733", "#5b6875", "#c9d1d9", "#a61b1b"
EPOCH = datetime(2000, 1, 1)


def render_xlsx(content: Content, edition: Edition, words: Words) -> bytes:
    """The workbook's bytes."""
    return _Workbook(content, edition, words).draw()


def sheet_name(title: str, taken: set[str], otherwise: str) -> str:
    """A name that Excel accepts: 31 characters, none of ``[]:*?/\\``, no apostrophe at an end, unlike those `taken`.

    >>> taken = set()
    >>> sheet_name("Sales: EU/US", taken, "x"), sheet_name("sales EU US", taken, "x"), sheet_name("[]", taken, "Part 3")
    ('Sales EU US', 'sales EU US (2)', 'Part 3')
    """
    plain = shortened(re.sub(r"[\[\]:*?/\\\s]+", " ", clean(title)).strip("' "), TITLE_LENGTH).strip("' ") or otherwise
    if plain.lower() == "history":  # Excel keeps this one for itself
        plain = f"{plain} (1)"
    name, again = plain, 2
    while name.lower() in taken:
        end = f" ({again})"
        name, again = shortened(plain, TITLE_LENGTH - len(end)).rstrip("' ") + end, again + 1
    taken.add(name.lower())
    return name


def shortened(text: str, length: int) -> str:
    """The beginning of `text`, at most `length` long as Excel counts: in halves of UTF-16, of which an emoji has two.

    >>> shortened("a😀b", 3), shortened("a😀b", 2)
    ('a😀', 'a')
    """
    return text.encode("utf-16-le")[: 2 * length].decode("utf-16-le", "ignore")


class _Workbook:
    def __init__(self, content: Content, edition: Edition, words: Words):
        import xlsxwriter

        self.content, self.edition, self.words = content, edition, words
        self.writer = Writer.of(content, words)
        self.file = io.BytesIO()
        self.book = xlsxwriter.Workbook(
            self.file,
            {
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "nan_inf_to_errors": True,
            },
        )
        created = content.as_of or edition.released_at
        self.book.set_properties(
            {
                "title": clean(content.title)[:255],
                "subject": clean(self.writer.period(content.period))[:255],
                "company": clean(content.company)[:255],
                "category": clean(content.classification)[:255],
                "created": created.replace(tzinfo=None) if created else EPOCH,
            }
        )
        self.formats = {}
        self.names = set()
        self.stray = []

    def draw(self) -> bytes:
        cover = self._sheet(self.words("Cover"))
        for place, section in enumerate(self.content.sections, 1):
            self._section(section, place)
        self._chart_data()
        self._cover(cover)
        cover.activate()
        self.book.close()
        return self.file.getvalue()

    # Sheets

    def _sheet(self, title: str, otherwise: str = "") -> Any:
        sheet = self.book.add_worksheet(sheet_name(title, self.names, otherwise or self.words("Sheet")))
        if self.content.right_to_left:
            sheet.right_to_left()
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L{self._in_footer(self._classification())}&R&P / &N")
        return sheet

    def _section(self, section: Section, place: int) -> None:
        sheet = self._sheet(section.title, f"{self.words('Section')} {place}")
        self._heading(sheet, section.title)
        table = table_of(section)
        width = 0
        if table:
            self._table(sheet, table, HEAD_ROW)
            sheet.freeze_panes(HEAD_ROW + 1, 0)
            sheet.repeat_rows(HEAD_ROW)
            if table.columns:
                sheet.autofilter(HEAD_ROW, 0, HEAD_ROW + max(1, len(table.rows)), len(table.columns) - 1)
            width = len(table.columns)
        elif section.text:
            sheet.set_column(0, 0, WIDEST * 1.5)
            sheet.write_string(HEAD_ROW, 0, self._text(section.text), self._format(wrap=True))
        else:
            self._write(sheet, HEAD_ROW, 0, self.words("Nothing to show for this period."), "text")
        if section.chart and section.chart.labels and section.chart.series:
            if section.table:
                self.stray.append((section, sheet, width))
            else:
                self._chart(section, sheet, width, sheet.get_name(), HEAD_ROW)

    def _heading(self, sheet: Any, title: str) -> None:
        sheet.set_row(0, 22)
        sheet.write_string(0, 0, self._text(title), self._format(title=True))
        about = [self.content.title, self.writer.period(self.content.period), self._edition()]
        sheet.write_string(1, 0, self._text(" · ".join(filter(None, about))), self._format(muted=True))
        if self.content.marks:
            sheet.write_string(2, 0, self._text(" · ".join(self.content.marks)), self._format(mark=True))

    def _cover(self, sheet: Any) -> None:
        content, words = self.content, self.words
        self._heading(sheet, content.title)
        row = HEAD_ROW + 1
        facts = [
            (words("Report"), content.company),
            (words("Period"), self.writer.period(content.period)),
            (words("Edition"), self._edition()),
            (words("Version"), str(content.version)),
            (words("Classification"), self._classification()),
            (words("Owner"), content.owner),
            (words("Figures as of"), self.writer.moment(content.as_of) if content.as_of else ""),
            (words("Released"), self._released()),
            *content.parameters,
            (words("Digest of the content"), content.digest()),
            ("", words("Times are those of {zone}.", zone=self.writer.zone_name)),
        ]
        for label, value in facts:
            if not value:
                continue
            sheet.write_string(row, 0, self._text(label), self._format(muted=True))
            sheet.write_string(row, 1, self._text(value), self._format())
            row += 1
        if content.summary:
            row += 1
            sheet.merge_range(row, 0, row, 5, "", self._format(wrap=True))
            sheet.write_string(row, 0, self._text(content.summary), self._format(wrap=True))
            sheet.set_row(row, 15 * (1 + len(content.summary) // 110 + content.summary.count("\n")))
            row += 1
        blocks = [
            (words("Findings"), findings_table(content, words), None),
            (words("Figures"), figures_table(content, words), self._figure_kinds()),
            (words("Inputs"), inputs_table(content, words), None),
            (words("Checks"), checks_table(content, words), None),
            (words("Sign-off"), self._sign_offs(), None),
        ]
        for title, table, kinds in blocks:
            if not table.rows:
                continue
            row += 1
            sheet.write_string(row, 0, self._text(title), self._format(subtitle=True))
            row = self._table(sheet, table, row + 1, kinds, widths=False) + 1
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 3, 34)
        sheet.set_column(4, 11, 18)

    def _figure_kinds(self) -> list[tuple[str, str]]:
        """Kind and currency of each figure: their columns hold values of many kinds."""
        return [(figure.kind, figure.currency) for section in self.content.sections for figure in section.figures]

    def _sign_offs(self) -> Table:
        words = self.words
        columns = (
            Column("role", words("Role")),
            Column("name", words("Name")),
            Column("date", words("Date"), "datetime"),
        )
        return Table(columns, tuple((each.role, each.name, each.at) for each in self.edition.sign_offs))

    def _chart_data(self) -> None:
        """The numbers of charts whose section has another table, one block below the other."""
        if not self.stray:
            return
        sheet = self._sheet(self.words("Chart data"))
        self._heading(sheet, self.words("Chart data"))
        row = HEAD_ROW
        for section, home, width in self.stray:
            sheet.write_string(row, 0, self._text(section.title), self._format(subtitle=True))
            self._chart(section, home, width, sheet.get_name(), row + 1)
            row = self._table(sheet, chart_table(section), row + 1) + 2

    # Cells

    def _table(
        self, sheet: Any, table: Table, top: int, kinds: list[tuple[str, str]] | None = None, widths: bool = True
    ) -> int:
        """The table with its head in line `top`; the line below its last one.

        :param kinds: kind and currency of the numbers of each row, where its columns' own do not say it
        """
        columns = table.columns
        for place, column in enumerate(columns):
            unit = self.writer.unit(column.kind, column.currency)
            label = f"{column.label} ({unit})" if unit else column.label
            sheet.write_string(top, place, self._text(label), self._format(head=True, right=column.kind in NUMERIC))
            if widths:
                sheet.set_column(place, place, self._width(column, label, table, place))
        row = top + 1
        for number, values in enumerate(table.rows):
            for place, (value, column) in enumerate(zip(values, columns)):
                kind, currency = column.kind, column.currency
                if kinds and kind == "number":
                    kind, currency = kinds[number]
                self._write(sheet, row, place, value, kind, currency)
            row += 1
        for place, (value, column) in enumerate(zip(table.total, columns)):
            self._write(sheet, row, place, value, column.kind, column.currency, total=True)
        row += bool(table.total)
        if table.left_out:
            left_out = self.words(
                "{count} more lines were left out when the report was computed.", count=table.left_out
            )
            self._write(sheet, row, 0, left_out, "text")
            row += 1
        return row

    def _write(self, sheet: Any, row: int, place: int, value: Any, kind: str, currency: str = "", total: bool = False):
        if value is None or value == "":
            if total:
                sheet.write_blank(row, place, None, self._format(total=True))
            return
        if isinstance(value, datetime):
            local = self.writer.local(value).replace(tzinfo=None)
            sheet.write_datetime(row, place, local, self._format(number=22, total=total))
            return
        if isinstance(value, date):
            sheet.write_datetime(row, place, value, self._format(number=14, total=total))
            return
        number = as_number(value)
        if number is None or kind not in NUMERIC:
            sheet.write_string(row, place, self._text(value), self._format(total=total, text=True))
            return
        if kind == "percent":
            number /= 100
        sheet.write_number(
            row, place, float(number), self._format(number=self._number_format(kind, currency), total=total)
        )

    def _number_format(self, kind: str, currency: str) -> str:
        if kind == "integer":
            return "#,##0"
        if kind == "percent":
            return "0.0%"
        if kind == "money":
            amount = "#,##0" + ("." + "0" * self.content.decimals if self.content.decimals else "")
            code = re.sub(r"[^A-Za-z]", "", currency or self.content.currency)[:3].upper()
            return f"{amount} [${code}]" if code else amount
        return "#,##0.0" if kind in ("hours", "days") else "#,##0.##"

    def _width(self, column: Column, label: str, table: Table, place: int) -> float:
        shown = (self.writer.cell(row[place], column.kind) for row in table.rows[:200] if place < len(row))
        longest = max((len(text) for text in shown), default=0) + (6 if column.kind == "money" else 2)
        return max(NARROWEST, min(WIDEST, max(longest, len(label) + 4)))

    @staticmethod
    def _text(value: Any) -> str:
        return shortened(clean(value), CELL_LENGTH)

    def _format(self, **wanted) -> Any:
        """The cell format that is `wanted`; each is made once."""
        key = tuple(sorted(wanted.items()))
        if key not in self.formats:
            look = {"font_name": "Calibri", "font_size": 10, "font_color": INK, "valign": "top"}
            if wanted.get("title"):
                look |= {"bold": True, "font_size": 16}
            if wanted.get("subtitle"):
                look |= {"bold": True, "font_size": 12}
            if wanted.get("muted"):
                look |= {"font_color": MUTED}
            if wanted.get("mark"):
                look |= {"bold": True, "font_color": BREACH}
            if wanted.get("head"):
                look |= {"bold": True, "bg_color": "#eef2f6", "bottom": 1, "bottom_color": INK, "text_wrap": True}
            if wanted.get("right"):
                look |= {"align": "right"}
            if wanted.get("wrap"):
                look |= {"text_wrap": True}
            if wanted.get("text"):
                look |= {"num_format": 49}
            if wanted.get("number"):
                look |= {"num_format": wanted["number"]}
            if wanted.get("total"):
                look |= {"bold": True, "top": 1, "top_color": INK}
            self.formats[key] = self.book.add_format(look)
        return self.formats[key]

    # Charts

    def _chart(self, section: Section, sheet: Any, width: int, data: str, top: int) -> None:
        """Excel's own chart on `sheet`, right of `width` columns, of the numbers on sheet `data` below line `top`."""
        chart = section.chart
        options = {"bar": ("column", None), "stacked_bar": ("column", "stacked"), "line": ("line", None)}
        kind, subtype = options.get(chart.kind, options["bar"])
        drawn = self.book.add_chart({"type": kind, "subtype": subtype} if subtype else {"type": kind})
        last = top + len(chart.labels)
        for place, _series in enumerate(chart.series, 1):
            colour = COLOURS[(place - 1) % len(COLOURS)]
            drawn.add_series(
                {
                    "name": [data, top, place],
                    "categories": [data, top + 1, 0, last, 0],
                    "values": [data, top + 1, place, last, place],
                    "line": {"color": colour, "width": 2.25} if kind == "line" else {"none": True},
                    **({} if kind == "line" else {"fill": {"color": colour}}),
                }
            )
        if question := self._text(chart.question or section.title)[:200]:
            drawn.set_title({"name": question, "name_font": {"size": 11, "bold": True, "color": INK}, "overlay": False})
        unit = self.writer.unit(chart.value_kind, chart.currency)
        drawn.set_y_axis(
            {"name": unit, "major_gridlines": {"visible": True, "line": {"color": RULE}}, "line": {"none": True}}
        )
        drawn.set_x_axis({"reverse": self.content.right_to_left})
        drawn.set_legend({"none": True} if len(chart.series) == 1 else {"position": "bottom"})
        drawn.set_size({"width": 640, "height": 320})
        sheet.insert_chart(HEAD_ROW, width + 1, drawn, {"description": question})

    # Words

    def _edition(self) -> str:
        if not self.edition.number:
            return self.words("Not released")
        text = self.words("Edition {number}", number=self.edition.number)
        more = self.words.replaced(self.edition)
        return f"{text} – {more}" if more else text

    def _released(self) -> str:
        return self.writer.moment(self.edition.released_at) if self.edition.released_at else self.words("Not released")

    def _classification(self) -> str:
        return self.words(self.content.classification)

    @staticmethod
    def _in_footer(text: str) -> str:
        return clean(text).replace("&", "&&").replace("\n", " ")[:100]
