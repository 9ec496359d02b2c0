"""CSV: for programs that read a report, and for people who open it with a spreadsheet.

Rules, in words
---------------
* RFC 4180: comma, double quotes, CRLF. UTF-8 **with** a byte order mark: without one, Excel takes the file for its own
  code page and breaks every name with an accent; readers of data skip it (``utf-8-sig``).
* Dates and moments are ISO 8601, moments in UTC with a ``Z``; a decimal point, no separators of thousands; percentages
  are of 100; an empty field where there is no value. The first line holds the columns' keys, which stay the same in
  every language.
* A report that is one table is one CSV file. One with figures or with several tables is a ZIP archive: a file for each
  section's table, ``figures.csv``, ``findings.csv``, ``inputs.csv``, ``checks.csv``, ``report.csv`` (what the report
  is) and ``columns.csv``, which says for each file and column what it is called, its kind and its unit. Which of the
  two it is follows from the definition, not from the period.
* A text that a spreadsheet would run as a formula (``=``, ``+``, ``-``, ``@``, tab at its beginning) gets an apostrophe
  in front. Numbers are numbers and get none.
* Equal contents give equal bytes.

>>> field_of("=1+1", "text"), field_of(-5, "number"), field_of("-5", "text")
("'=1+1", '-5', "'-5")
"""

import csv
import io
import zipfile
from datetime import date, datetime, timezone
from typing import Any

from .content import Column, Content, Edition, Table
from .render_tables import checks_table, figures_table, findings_table, inputs_table, name_for, table_of
from .render_values import as_number, clean
from .render_words import Words

BYTE_ORDER_MARK = "\ufeff"
#: What makes a spreadsheet take a text for a formula, also in the wide forms of East Asian keyboards.
RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Before 1980 there are no ZIP archives.
ARCHIVE_DATE = (1980, 1, 1, 0, 0, 0)


def is_archive(content: Content) -> bool:
    """Whether the report's CSV is an archive of several files."""
    tables = sum(1 for section in content.sections if table_of(section))
    return tables != 1 or any(section.figures for section in content.sections)


def render_csv(content: Content, edition: Edition, words: Words) -> bytes:
    """One CSV file, or a ZIP archive of several; see the module."""
    sections = [(section, table_of(section)) for section in content.sections if table_of(section)]
    if not is_archive(content):
        return _file(sections[0][1])
    taken = {"figures", "findings", "inputs", "checks", "report", "columns"}
    tables = {
        name_for(section.code or section.title, taken, f"section_{place}"): table
        for place, (section, table) in enumerate(sections, 1)
    }
    tables["figures"] = figures_table(content, words)
    tables["findings"] = findings_table(content, words)
    tables["inputs"] = inputs_table(content, words)
    tables["checks"] = checks_table(content, words)
    tables["report"] = _report(content, edition)
    tables["columns"] = _columns(tables, content)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, table in tables.items():
            entry = zipfile.ZipInfo(f"{name}.csv", ARCHIVE_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, _file(table))
    return out.getvalue()


def field_of(value: Any, kind: str) -> str:
    """A value as it stands in the file."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        moment = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return f"{moment.isoformat(timespec='seconds')}Z"
    if isinstance(value, date):
        return value.isoformat()
    number = as_number(value)
    if number is not None and kind != "text":
        return format(number, "f")
    text = clean(value)
    return f"'{text}" if text.startswith(RUNS_AS_FORMULA) else text


def _file(table: Table) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([field_of(column.key, "text") for column in table.columns])
    for row in table.rows:
        writer.writerow([field_of(value, column.kind) for value, column in zip(row, table.columns)])
    return f"{BYTE_ORDER_MARK}{out.getvalue()}".encode()


def _report(content: Content, edition: Edition) -> Table:
    facts = [
        *(("code", content.code), ("title", content.title), ("company", content.company)),
        *(("period_first", content.period.first), ("period_last", content.period.last)),
        *(("version", content.version), ("edition", edition.number), ("classification", content.classification)),
        *(
            ("as_of", content.as_of),
            ("released_at", edition.released_at),
            ("corrects_edition", edition.corrects or None),
            ("replaces_edition", edition.replaces or None),
        ),
        *(("currency", content.currency), ("timezone", content.timezone), ("digest", content.digest())),
        *(("mark", mark) for mark in content.marks),
        *((f"parameter {label}", value) for label, value in content.parameters),
        *((f"signed_off {sign_off.role}", sign_off.name) for sign_off in edition.sign_offs),
    ]
    return Table((Column("name", "Name"), Column("value", "Value")), tuple(facts))


def _columns(tables: dict[str, Table], content: Content) -> Table:
    heads = tuple(Column(key, key) for key in ("file", "column", "label", "kind", "unit"))
    rows = [
        (f"{name}.csv", column.key, column.label, column.kind, _unit(column, content))
        for name, table in tables.items()
        for column in table.columns
    ]
    return Table(heads, tuple(rows))


def _unit(column: Column, content: Content) -> str:
    if column.kind == "money":
        return column.currency or content.currency
    return {"percent": "%", "hours": "h", "days": "d"}.get(column.kind, "")
