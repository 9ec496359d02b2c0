"""Drawing a report: content and edition in, files out.

Every format says the same: it draws the content that was released and computes nothing of its own. Equal contents and
editions give equal bytes, whenever and wherever they are drawn.
"""

import re

from .content import Content, Edition
from .render_csv import is_archive, render_csv
from .render_pdf import render_pdf
from .render_tables import name_for
from .render_words import Words
from .render_xlsx import render_xlsx

RENDERERS = {"pdf": render_pdf, "xlsx": render_xlsx, "csv": render_csv}
#: What a report can be drawn as.
FORMATS = tuple(RENDERERS)
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
}
#: What the drawing program leaves as its cause when it ran out of memory, and what libraries say then.
TOO_LARGE = "memory"
OUT_OF_MEMORY = re.compile(
    "MemoryError|[Mm]emory allocation|[Cc]annot allocate|failed to (allocate|map)|Error creating thread"
)


class RenderError(Exception):
    """A report could not be drawn; the text says why, for people.

    :param detail: what the drawing program wrote before it ended, for whoever looks after it
    """

    def __init__(self, cause: str, detail: str = ""):
        super().__init__(cause)
        self.detail = detail


def render(
    content: Content, edition: Edition, formats: tuple[str, ...], words: Words | None = None
) -> dict[str, bytes]:
    """Each of `formats` (of :data:`FORMATS`) → its bytes.

    :raises RenderError: where a format is not known, or a table or chart does not hold together
    """
    check(content, formats)
    return {wanted: RENDERERS[wanted](content, edition, words or Words()) for wanted in formats}


def check(content: Content, formats: tuple[str, ...]) -> None:
    """That `content` can be drawn in `formats`.

    :raises RenderError: naming the section and what is wrong with it
    """
    for wanted in formats:
        if wanted not in RENDERERS:
            raise RenderError(f"Unknown format {wanted!r}: a report is drawn as {', '.join(FORMATS)}.")
    for section in content.sections:
        if table := section.table:
            for place, row in enumerate(table.rows, 1):
                if len(row) != len(table.columns):
                    raise RenderError(
                        f"Section {section.title!r}, table: row {place} has {len(row)} values "
                        f"for {len(table.columns)} columns."
                    )
            if table.total and len(table.total) != len(table.columns):
                raise RenderError(f"Section {section.title!r}, table: the line of totals does not fit the columns.")
        if chart := section.chart:
            for series in chart.series:
                if len(series.values) != len(chart.labels):
                    raise RenderError(
                        f"Section {section.title!r}, chart: series {series.label!r} has {len(series.values)} values "
                        f"for {len(chart.labels)} labels."
                    )


def file_name(content: Content, edition: Edition, wanted: str) -> str:
    """What a drawn file is called: report, period, edition.

    >>> from .content import Period
    >>> file_name(Content("daily", "Daily", "Acme", Period("2026-11-20", "2026-11-20")), Edition(2), "pdf")
    'daily_2026-11-20_edition-2.pdf'
    """
    period = content.period
    days = period.first if period.first == period.last else f"{period.first}_{period.last}"
    edition_part = f"edition-{edition.number}" if edition.number else "draft"
    stem = name_for(f"{content.code}_{days}_{edition_part}", set(), "report")
    return f"{stem}.{ending(content, wanted)}"


def media_type(content: Content, wanted: str) -> str:
    """The drawn file's media type: a report's CSV may be an archive of several files."""
    return MEDIA_TYPES[ending(content, wanted)]


def ending(content: Content, wanted: str) -> str:
    return "zip" if wanted == "csv" and is_archive(content) else wanted
