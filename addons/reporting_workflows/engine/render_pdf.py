"""A PDF that can be put before a board.

Why WeasyPrint and not Odoo's wkhtmltopdf: the report needs page numbers, running heads and marks on every page,
repeated heads of tables, and writing from right to left; Debian's wkhtmltopdf is the unpatched build, which has no
heads and feet, and its engine is that of a browser of 2012 and no longer kept. WeasyPrint is kept, comes as a wheel,
needs Debian's Pango (`libpango-1.0-0`, `libpangoft2-1.0-0`, `libharfbuzz-subset0`) and fonts (`fonts-noto-core`), runs
no script, and tags the document so that it can be read aloud (PDF/UA-1).

Rules, in words
---------------
* What is wrong comes first: marks, then how fresh and how well checked the numbers are, then the findings, the worst
  first; only then the figures.
* A status is a shape and a word; colour is added to them, never alone.
* Nothing is fetched: no address in a text leads anywhere, neither in the network nor on the disk.
* A table prints at most :data:`PRINTED_ROWS` lines and says how many more there are: paper is for reading, the other
  formats have them all. Tables that are too wide for an upright page lie.
* Equal contents and editions give equal bytes.
"""

import base64
import hashlib
import logging
from html import escape
from pathlib import Path
from typing import Any

from .content import Chart, Column, Content, Edition, Figure, Section, SignOff, Table
from .render_charts import Label, draw_chart
from .render_tables import checks_table, findings, inputs_table
from .render_values import NUMERIC, Writer, as_number, clean, digits_of
from .render_words import SHAPES, Words

PRINTED_ROWS = 1000
#: Characters of a table's text that fit beside each other on an upright page.
FITS_UPRIGHT = 112
NARROWEST, WIDEST = 5, 34
CARDS_A_LINE = 3
#: Millimetres of a line of marks, how many characters it has, and those of the title above a page.
MARK_LINE, MARK_LENGTH, HEAD_LENGTH = 7, 90, 48
#: How far below the top of a line of Noto Sans its letters stand, of the size of the font.
BASELINE = 0.888
STYLE = (Path(__file__).parent / "render_pdf.css").read_text()
_DRAWN = {
    "ok": '<circle cx="8" cy="8" r="7.5" fill="#00795a"/>'
    '<path d="M4.2 8.4l2.6 2.7 5-5.6" fill="none" stroke="#fff" stroke-width="2"/>',
    "warn": '<path d="M8 .8L15.6 15H.4z" fill="#b35900"/>'
    '<path d="M8 5.4v5M8 12v1.7" stroke="#fff" stroke-width="1.9"/>',
    "breach": '<path d="M4.9.5h6.2L15.5 4.9v6.2l-4.4 4.4H4.9L.5 11.1V4.9z" fill="#a61b1b"/>'
    '<path d="M5 5l6 6M11 5l-6 6" stroke="#fff" stroke-width="2"/>',
    "unknown": '<circle cx="8" cy="8" r="6.6" fill="none" stroke="#5b6875" stroke-width="1.8"/>',
    "up": '<path d="M8 2l6.5 11.5h-13z" fill="#1d2733"/>',
    "down": '<path d="M8 14L1.5 2.5h13z" fill="#1d2733"/>',
    "flat": '<path d="M1 6.5h14v3H1z" fill="#1d2733"/>',
}


def render_pdf(content: Content, edition: Edition, words: Words) -> bytes:
    """The document's bytes."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    # What it would say is about styles that it does not know.
    for talkative in ("weasyprint", "weasyprint.progress", "fontTools"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    page = _Page(content, edition, words)
    document = weasyprint.HTML(
        string=page.html(), url_fetcher=weasyprint.URLFetcher(allowed_protocols=("data",), allow_redirects=False)
    )
    style = weasyprint.CSS(string=STYLE, font_config=(fonts := FontConfiguration()))
    identifier = hashlib.sha256(f"{content.digest()} {edition.to_json()}".encode()).hexdigest()[:32].encode()
    return document.write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1", pdf_identifier=identifier)


def tag(name: str, inner: Any = "", classes: str = "", **attributes) -> "Markup":
    """An element: text in it is escaped, elements are not.

    >>> tag("p", "<script>", "a")
    '<p class="a">&lt;script&gt;</p>'
    """
    parts = "".join(f' {key.replace("_", "-")}="{escape(clean(value))}"' for key, value in attributes.items() if value)
    start = f'<{name}{f" class={chr(34)}{escape(classes)}{chr(34)}" if classes else ""}{parts}>'
    return Markup(start if name == "img" else f"{start}{text(inner)}</{name}>")


class Markup(str):
    """HTML that we have made."""

    __slots__ = ()


def text(inner: Any) -> Markup:
    """Texts and elements, one after the other, as HTML."""
    if isinstance(inner, Markup):
        return inner
    if isinstance(inner, list | tuple):
        return Markup("".join(map(text, inner)))
    return Markup(escape(clean(inner)))


def picture(svg: str, alternative: str) -> Markup:
    source = base64.b64encode(svg.encode()).decode()
    return tag("img", src=f"data:image/svg+xml;base64,{source}", alt=alternative or " ")


class _Page:
    def __init__(self, content: Content, edition: Edition, words: Words):
        self.content, self.edition, self.words = content, edition, words
        self.writer = Writer.of(content, words)
        self.period = self.writer.period(content.period)
        self.marks = " · ".join(map(clean, content.marks))

    def html(self) -> str:
        content = self.content
        body = [
            self._firsthead(),
            self._head(),
            self._foot(),
            self._title(),
            self._facts(),
            tag("div", paragraphs(content.summary), "summary") if content.summary else "",
            self._rests_on(),
            self._findings(),
            [self._section(section) for section in content.sections],
            self._about(),
        ]
        before, _, after = self.words("Page {page} of {pages}", page="\x01", pages="\x02").partition("\x01")
        middle, _, end = after.partition("\x02")
        counted = " ".join([_string(before), "counter(page)", _string(middle), "counter(pages)", _string(end)])
        room = MARK_LINE * -(-len(self.marks) // MARK_LENGTH)
        above = (
            f"@page {{ margin-top: {20 + room}mm !important }} @page :first {{ margin-top: {15 + room}mm !important }}"
        )
        style = f"<style>html {{ --pages: {counted}; }} {above}</style>"
        direction = "rtl" if content.right_to_left else "ltr"
        language = escape(clean(content.language).replace("_", "-").split("@")[0])
        head = (
            f"<meta charset=utf-8><title>{text(content.title)}</title>"
            f'<meta name="author" content="{text(content.company)}">'
            f'<meta name="description" content="{text(self.period)}">{style}'
        )
        start = f'<!DOCTYPE html><html lang="{language}" dir="{direction}">'
        return f"{start}<head>{head}</head><body>{text(body)}</body></html>"

    # What runs along

    def _marks(self) -> list[Markup]:
        return [tag("div", [self._shape("warn"), self.marks], "mark")] if self.marks else []

    def _firsthead(self) -> Markup:
        return tag("div", self._marks(), "firsthead")

    def _head(self) -> Markup:
        title = clean(self.content.title)
        title = title if len(title) <= HEAD_LENGTH else f"{title[: HEAD_LENGTH - 1]}…"
        about = tag("div", [tag("strong", title), " · ", self.content.company[:HEAD_LENGTH]])
        when = tag("div", [self.period, " · ", self._edition()], "end")
        return tag("div", [*self._marks(), tag("div", [about, when], "bar")], "head")

    def _foot(self) -> Markup:
        name = (
            f"{self.content.code} · {self.words('Version {number}', number=self.content.version)} · {self._edition()}"
        )
        parts = [
            tag("div", self.words(self.content.classification), "classification"),
            tag("div", name, "middle"),
            tag("div", "", "end pages"),
        ]
        return tag("div", tag("div", parts, "bar"), "foot")

    # First page

    def _title(self) -> Markup:
        company = tag("div", self.content.company, "company")
        return tag("div", [company, tag("h1", self.content.title), tag("div", self.period, "when")], "title")

    def _facts(self) -> Markup:
        content, edition, words, moment = self.content, self.edition, self.words, self.writer.moment
        released = moment(edition.released_at) if edition.released_at else words("Not released")
        facts = [
            (words("Edition"), self._edition()),
            (words("Version"), str(content.version)),
            (words("Figures as of"), moment(content.as_of) if content.as_of else ""),
            (words("Released"), released),
            (words("Owner"), content.owner),
            *(
                (words("Signed by"), f"{each.name} ({each.role})" if each.role else each.name)
                for each in edition.sign_offs
            ),
            *content.parameters,
        ]
        return tag("dl", [tag("div", [tag("dt", name), tag("dd", said)]) for name, said in facts if said], "facts")

    def _rests_on(self) -> Markup:
        """How fresh and well checked the numbers are, and what was found, in three short lines."""
        words, content = self.words, self.content
        lines = []
        if content.inputs:
            states = [item.state for item in content.inputs]
            lines.append((words("Inputs"), _worst(states), "{good} of {all} fresh", states.count("fresh"), len(states)))
        if content.checks:
            states = [check.state for check in content.checks]
            lines.append(
                (words("Checks"), _worst(states), "{good} of {all} passed", states.count("passed"), len(states))
            )
        boxes = [self._box(name, worst, words(says, good=good, all=of)) for name, worst, says, good, of in lines]
        severities = [finding.severity for _section, finding in findings(content)]
        breaches, warnings = severities.count("breach"), severities.count("warn")
        said = f"{words('Breaches: {number}', number=breaches)} · {words('Warnings: {number}', number=warnings)}"
        boxes.append(self._box(words("Findings"), "breach" if breaches else "warn" if warnings else "ok", said))
        return tag("div", boxes, "rests")

    def _box(self, name: str, status: str, says: str) -> Markup:
        shape = SHAPES.get(status, "unknown")
        return tag("div", [tag("div", name, "name"), tag("div", [self._shape(shape), says], f"says status {shape}")])

    def _findings(self) -> Markup:
        found = findings(self.content)
        if not found:
            if any(check.state == "failed" for check in self.content.checks) or not self.content.sections:
                return Markup()
            nothing = self.words("No findings: every threshold was kept and every check passed.")
            return text(
                [tag("h2", self.words("Findings")), tag("p", [self._shape("ok"), " ", nothing], "status none ok")]
            )
        return text(
            [tag("h2", self.words("Findings")), *(self._finding(section, finding) for section, finding in found)]
        )

    def _finding(self, section: Section, finding: Any) -> Markup:
        shape = SHAPES.get(finding.severity, "unknown")
        what = [tag("strong", finding.title)]
        if finding.detail:
            what.append(tag("div", finding.detail, "detail"))
        where = [tag("div", section.title)]
        if finding.amount is not None:
            where.insert(0, tag("bdi", self.writer(finding.amount, "money"), "amount"))
        if finding.document:
            where.append(tag("div", tag("bdi", finding.document)))
        cells = [
            tag("div", self._status(finding.severity), "which"),
            tag("div", what, "what"),
            tag("div", where, "where"),
        ]
        return tag("div", cells, f"finding {shape}")

    # Sections

    def _section(self, section: Section) -> Markup:
        parts = [tag("h2", section.title), *paragraphs(section.text)]
        for start in range(0, len(section.figures), CARDS_A_LINE):
            parts.append(
                tag("div", [self._card(figure) for figure in section.figures[start : start + CARDS_A_LINE]], "cards")
            )
        if section.chart:
            parts.append(self._chart(section.chart, section.title))
        wide = False
        if section.table:
            widths = self._widths(section.table)
            wide = sum(widths) > FITS_UPRIGHT
            parts.append(self._table(section.table, widths))
        if not (section.text or section.figures or section.chart or section.table):
            parts.append(tag("p", self.words("Nothing to show for this period."), "more"))
        return tag("section", parts, "wide" if wide else "")

    def _card(self, figure: Figure) -> Markup:
        value = self.writer(figure.value, figure.kind, figure.currency)
        size = " longer" if len(value) > 24 else " long" if len(value) > 13 else ""
        parts = [tag("div", figure.label, "label"), tag("div", tag("bdi", value), f"value{size}")]
        change = self.writer.change(figure)
        if change:
            said = [self._shape(change.way), tag("span", tag("bdi", change.text), "change")]
            if change.judgement:
                said += [" ", self.words(change.judgement)]
        else:
            said = [self.words("no comparison")]
        if figure.previous is not None:
            before = self.writer(figure.previous, figure.kind, figure.currency)
            said += [" · ", self.words("Before: {value}", value=before)]
        parts.append(tag("div", said, "against"))
        if figure.target is not None:
            target = self.words("Target: {value}", value=self.writer(figure.target, figure.kind, figure.currency))
            parts.append(tag("div", target, "against"))
        if figure.status != "none":
            parts.append(self._status(figure.status))
        if figure.note:
            parts.append(tag("div", figure.note, "against"))
        return tag("div", parts, f"card {SHAPES.get(figure.status, '')}")

    def _chart(self, chart: Chart, title: str) -> Markup:
        unit = self.writer.unit(chart.value_kind, chart.currency)
        caption = [chart.question or title, tag("span", f" ({unit})", "unit") if unit else ""]
        drawing = draw_chart(chart, self.writer, self.content.right_to_left)
        if not drawing:
            shown = tag("p", self.words("Nothing to show for this period."), "more")
        else:
            described = f"{chart.question or title}: {', '.join(series.label for series in chart.series)}"
            parts = [picture(drawing.svg, described), *map(self._chart_label, drawing.labels)]
            shown = tag("div", parts, "chart", style=f"width: {drawing.width}pt; height: {drawing.height}pt")
        return tag("figure", [tag("figcaption", caption), shown])

    def _chart_label(self, label: Label) -> Markup:
        """A text of a chart, where its picture has room for it."""
        place = f"left: {label.x:.2f}pt; top: {label.baseline - BASELINE * label.size:.2f}pt; font-size: {label.size}pt"
        look = f"color: {label.colour}; font-weight: {'bold' if label.bold else 'normal'}"
        return tag("span", label.text, f"label {label.anchor}", style=f"{place}; {look}")

    def _widths(self, table: Table) -> list[int]:
        """Characters that each column needs: of its longest number, or of most of its texts."""
        needed = []
        for place, column in enumerate(table.columns):
            shown = [
                self.writer.cell(row[place], column.kind) for row in (*table.rows[:PRINTED_ROWS], table.total) if row
            ]
            lengths = sorted(map(len, shown)) or [0]
            usual = lengths[-1] if column.kind != "text" else lengths[int(len(lengths) * 0.9)]
            # Heads wrap between words; a head's longest word and the room at both sides of the text.
            head = max(map(len, f"{column.label} {self.writer.unit(column.kind, column.currency)}".split() or [""]))
            needed.append(min(WIDEST, max(NARROWEST, usual, head) + 3))
        return needed

    def _table(self, table: Table, widths: list[int]) -> Markup:
        if not table.rows:
            return tag("p", self.words("Nothing to show for this period."), "more")
        digits = [digits_of(row[place] for row in table.rows[:PRINTED_ROWS]) for place in range(len(table.columns))]
        columns = list(zip(table.columns, digits))
        whole = sum(widths)
        heads = [self._column_head(column, width / whole) for column, width in zip(table.columns, widths)]
        body = [tag("tr", self._cells(row, columns)) for row in table.rows[:PRINTED_ROWS]]
        if table.total:
            blank = ["" if value is None else value for value in table.total]
            body.append(tag("tr", self._cells(blank, columns), "total"))
        parts = [tag("table", [tag("thead", tag("tr", heads)), tag("tbody", body)], "rows")]
        if unprinted := len(table.rows) - PRINTED_ROWS:
            if unprinted > 0:
                parts.append(tag("p", self.words(_UNPRINTED, count=self.writer.number(unprinted)), "more"))
        if table.left_out:
            parts.append(tag("p", self.words(_LEFT_OUT, count=self.writer.number(table.left_out)), "more"))
        return text(parts)

    def _column_head(self, column: Column, share: float) -> Markup:
        unit = self.writer.unit(column.kind, column.currency)
        label = [column.label, tag("span", f" ({unit})", "unit") if unit else ""]
        classes = "number" if column.kind in NUMERIC else ""
        return tag("th", label, classes, style=f"width: {share:.2%}", scope="col")

    def _cells(self, row: tuple | list, columns: list[tuple[Column, int]]) -> Markup:
        return text([self._cell(value, column, digits) for value, (column, digits) in zip(row, columns)])

    def _cell(self, value: Any, column: Column, digits: int) -> Markup:
        said = self.writer.cell(value, column.kind, digits) if value != "" else ""
        if column.kind in NUMERIC and (value is None or as_number(value) is not None):
            return tag("td", tag("bdi", said) if self.content.right_to_left else said, "number")
        return tag("td", tag("bdi", said) if self.content.right_to_left else said)

    # About

    def _about(self) -> Markup:
        words, content = self.words, self.content
        # Nobody has released a draft yet: there is a line for whoever will.
        signs = self.edition.sign_offs or (SignOff("", ""),)
        sign_off = [tag("h2", words("Sign-off")), tag("div", [self._sign(each) for each in signs], "signs")]
        parts = [tag("div", sign_off, style="break-inside: avoid"), tag("h2", words("About this report"))]
        for title, table, states in (
            (words("Inputs"), inputs_table(content, words), [item.state for item in content.inputs]),
            (words("Checks"), checks_table(content, words), [check.state for check in content.checks]),
        ):
            if table.rows:
                parts += [tag("h3", title), self._states(table, states)]
        figures = [figure for section in content.sections for figure in section.figures]
        if figures:
            parts += [tag("h3", words("How the figures are defined")), self._definitions(figures)]
        parts.append(tag("p", words("Times are those of {zone}.", zone=self.writer.zone_name), "more"))
        digest = [words("Digest of the content"), " (SHA-256): ", tag("code", content.digest())]
        parts.append(tag("p", digest, "digest"))
        return tag("section", parts)

    def _states(self, table: Table, states: list[str]) -> Markup:
        """A table of inputs or checks, with the shape of each one's state."""
        rows = []
        for row, state in zip(table.rows, states):
            cells = []
            for value, column in zip(row, table.columns):
                never = column.key == "as_of" and value is None
                said = self._status(state) if column.key == "status" else self.writer(value, column.kind)
                cells.append(tag("td", self.words("Never received") if never else said))
            rows.append(tag("tr", cells))
        heads = [tag("th", column.label, scope="col") for column in table.columns]
        return tag("table", [tag("thead", tag("tr", heads)), tag("tbody", rows)], "rows")

    def _definitions(self, figures: list[Figure]) -> Markup:
        words = self.words
        heads = [
            words("Figure"),
            words("Question"),
            words("Definition"),
            words("Version"),
            words("Records"),
            words("Signed by"),
        ]
        shares = ("20%", "24%", "28%", "8%", "9%", "11%")
        numbers = ("", "", "", "number", "number", "")
        rows = [
            tag(
                "tr",
                [
                    tag("td", said, classes)
                    for said, classes in zip(
                        (
                            *(figure.label, figure.question, figure.formula, str(figure.version)),
                            *(self.writer(figure.rows, "integer"), figure.signed_by),
                        ),
                        numbers,
                    )
                ],
            )
            for figure in figures
        ]
        top = [
            tag("th", head, classes, style=f"width: {share}", scope="col")
            for head, share, classes in zip(heads, shares, numbers)
        ]
        return tag("table", [tag("thead", tag("tr", top)), tag("tbody", rows)], "rows")

    def _sign(self, sign_off: SignOff) -> Markup:
        words = self.words
        at = tag("span", self.writer.moment(sign_off.at) if sign_off.at else "", "at")
        line = tag("div", [tag("span", sign_off.name), at], "line")
        under = tag("div", [tag("span", sign_off.role or words("Signature")), tag("span", words("Date"))], "under")
        return tag("div", [line, under], "sign")

    # Words and shapes

    def _edition(self) -> str:
        if not self.edition.number:
            return self.words("Not released")
        number = self.words("Edition {number}", number=self.edition.number)
        more = self.words.replaced(self.edition)
        return f"{number} ({more})" if more else number

    def _status(self, status: str) -> Markup:
        shape = SHAPES.get(status, "unknown")
        return tag("span", [self._shape(shape), self.words.status(status)], f"status {shape}")

    @staticmethod
    def _shape(shape: str) -> Markup:
        return picture(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{_DRAWN[shape]}</svg>', "")


_UNPRINTED = (
    "{count} more lines are not printed here; they are in the spreadsheet and in the CSV files of this edition."
)
_LEFT_OUT = "{count} more lines were left out when the report was computed."


def paragraphs(written: str) -> list[Markup]:
    """A text's paragraphs: parted by empty lines; single line breaks stay."""
    parted = [part.strip() for part in clean(written).split("\n\n") if part.strip()]
    return [tag("p", Markup("<br>".join(map(text, part.split("\n"))))) for part in parted]


def _worst(states: list[str]) -> str:
    return max(
        states, key=lambda state: ("ok", "unknown", "warn", "breach").index(SHAPES.get(state, "unknown")), default="ok"
    )


def _string(said: str) -> str:
    """A string of CSS in which nothing has a meaning.

    >>> _string('a"}')
    '"a\\\\22 \\\\7d "'
    """
    return '"' + "".join(char if char.isalnum() or char == " " else f"\\{ord(char):x} " for char in clean(said)) + '"'
