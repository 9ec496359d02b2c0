"""What of a content is a table: the same ones for the spreadsheet and for the CSV files.

A section has the table that it names; one with a chart and no table has the chart's numbers. Which tables there are
follows from the definition of the report, never from how many rows or findings a period had.
"""

import re

from .content import Column, Content, Section, Table
from .render_words import Words


def table_of(section: Section) -> Table | None:
    """The section's own table, or the numbers of its chart."""
    return section.table or chart_table(section)


def chart_table(section: Section) -> Table | None:
    """The chart's numbers: a row for each label, a column for each series."""
    chart = section.chart
    if chart is None:
        return None
    columns = [Column("label", "")]
    columns += [
        Column(f"series_{place}", series.label, chart.value_kind, chart.currency)
        for place, series in enumerate(chart.series, 1)
    ]
    rows = zip(chart.labels, *(series.values for series in chart.series))
    return Table(tuple(columns), tuple(tuple(row) for row in rows))


def figures_table(content: Content, words: Words) -> Table:
    """All figures, with what they are compared with; each value is of its own kind."""
    names = ("Section", "Figure", "Value", "Value before", "Target", "Status", "Kind", "Currency", "Records", "Version")
    names += ("Signed by", "Note")
    keys = ("section", "label", "value", "previous", "target", "status", "kind", "currency", "rows", "version")
    keys += ("signed_by", "note")
    kinds = {"value": "number", "previous": "number", "target": "number", "rows": "integer", "version": "integer"}
    columns = [Column("code", words("Code"))]
    columns += [Column(key, words(name), kinds.get(key, "text")) for key, name in zip(keys, names)]
    rows = [
        (
            *(figure.code, section.title, figure.label, figure.value, figure.previous, figure.target),
            *(words.status(figure.status), figure.kind),
            (figure.currency or content.currency) if figure.kind == "money" else "",
            *(figure.rows, figure.version, figure.signed_by, figure.note),
        )
        for section in content.sections
        for figure in section.figures
    ]
    return Table(tuple(columns), tuple(rows))


def findings_table(content: Content, words: Words) -> Table:
    """All findings, the worst first."""
    columns = (
        Column("severity", words("Severity")),
        Column("section", words("Section")),
        Column("title", words("Findings")),
        Column("detail", words("Detail")),
        Column("document", words("Document")),
        Column("amount", words("Amount"), "money", content.currency),
    )
    rows = [
        (words.status(finding.severity), section.title, finding.title, finding.detail, finding.document, finding.amount)
        for section, finding in findings(content)
    ]
    return Table(columns, tuple(rows))


def findings(content: Content) -> list[tuple]:
    """``(section, finding)``: breaches before warnings before notes, otherwise in the report's order."""
    order = {"breach": 0, "warn": 1}
    found = [(section, finding) for section in content.sections for finding in section.findings]
    return sorted(found, key=lambda pair: order.get(pair[1].severity, 2))


def inputs_table(content: Content, words: Words) -> Table:
    columns = (
        Column("input", words("Input")),
        Column("as_of", words("As of"), "datetime"),
        Column("status", words("Status")),
        Column("limit", words("Limit")),
    )
    return Table(
        columns, tuple((item.label, item.as_of, words.status(item.state), item.limit) for item in content.inputs)
    )


def checks_table(content: Content, words: Words) -> Table:
    columns = (Column("check", words("Check")), Column("status", words("Status")), Column("detail", words("Detail")))
    return Table(columns, tuple((check.label, words.status(check.state), check.detail) for check in content.checks))


def name_for(text: str, taken: set[str], otherwise: str) -> str:
    """A file's name without its ending: letters, digits, ``-`` and ``_`` of `text`; unlike those in `taken`.

    >>> name_for("../../etc/passwd", set(), "section"), name_for("تقرير", set(), "section_1")
    ('etc_passwd', 'section_1')
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:60] or otherwise
    name, again = stem, 2
    while name.lower() in taken:
        name, again = f"{stem}_{again}", again + 1
    taken.add(name.lower())
    return name
