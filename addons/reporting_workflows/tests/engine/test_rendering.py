"""Reports drawn as files, opened with readers that know nothing of how they were made."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal as D
from pathlib import Path

import openpyxl
import pypdf
import pytest

import engine
from engine import (
    Chart,
    Check,
    Column,
    Content,
    Edition,
    Figure,
    Finding,
    Input,
    Period,
    RenderError,
    Section,
    Series,
    SignOff,
    Table,
    file_name,
    media_type,
    render_apart,
)
from engine.render_charts import draw_chart
from engine.render_pdf import PRINTED_ROWS
from engine.render_values import Writer
from engine.render_words import SOURCES, STATUS_NAMES, Words
from engine.render_xlsx import sheet_name
from engine.rendering import render

DAY = Period("2026-11-20", "2026-11-20", "Friday")
ARABIC = {"Findings": "النتائج", "Page {page} of {pages}": "صفحة {page} من {pages}", "Breach": "تجاوز"}
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "a\x00b\x07c",
    "x\u202ey",
)


def content(**changes) -> Content:
    figures = (
        Figure(
            "late",
            "Late pickings",
            "integer",
            D(18),
            D(11),
            D(10),
            "breach",
            "down",
            formula="Not done in time",
            rows=18,
        ),
        Figure("revenue", "Sales invoiced", "money", D("-1284310.55"), D(0), None, "none", "up"),
        Figure("level", "Service level", "percent", D("94.2"), D("95.6"), D(96), "warn", "up", version=3),
        Figure("delay", "Carrier delay", "hours", None, D("4.5"), None, "unknown", "down", note="Not measured then."),
    )
    columns = (
        *(Column("order", "Order"), Column("promised", "Promised", "date"), Column("at", "Seen", "datetime")),
        *(
            Column("quantity", "Quantity", "number"),
            Column("value", "Value", "money"),
            Column("share", "Share", "percent"),
        ),
    )
    rows = (
        ("SO1", date(2026, 11, 20), datetime(2026, 11, 20, 23, 30), D("1.5"), D("1234567.8"), D("12.5")),
        ("SO2", None, None, D(0), D("-0.01"), None),
    )
    line = Chart(
        "line", ("Mon", "Tue"), (Series("North", (D(1), None)), Series("South", (D(2), D(-3)))), "percent", "", "How?"
    )
    sections = (
        Section(
            "late",
            "Late orders",
            "Why.",
            figures,
            Table(columns, rows, ("Total", None, None, D("1.5"), D(1), None)),
            line,
        ),
        Section(
            "sites",
            "By site",
            chart=Chart("bar", ("A", "B"), (Series("Orders", (D(3), D(4))),), "integer"),
            findings=(Finding("warn", "Second"), Finding("breach", "First", "Detail", "WH/OUT/1", D(48))),
        ),
    )
    base = Content(
        *("daily", "Daily Service Level", "Meridian", DAY),
        version=3,
        owner="Operations",
        as_of=datetime(2026, 11, 21, 4, 30),
        sections=sections,
        inputs=(
            Input("Sale orders", datetime(2026, 11, 21, 4), "fresh", "1 hour"),
            Input("Carrier", None, "stale", "1 hour"),
        ),
        checks=(Check("No duplicates", "passed"), Check("Stock equals ledger", "failed", "1,204.10 apart")),
        marks=("Released with stale inputs",),
        summary="One paragraph.\n\nAnother.",
        timezone="Europe/Berlin",
        currency="EUR",
    )
    return replace(base, **changes)


EDITION = Edition(2, datetime(2026, 11, 21, 6), (SignOff("Operations", "Ada Example", datetime(2026, 11, 21, 6)),), 1)


def of_rows(*rows, columns=("Text",), code="one", title="One", **changes) -> Content:
    table = Table(tuple(Column(f"c{place}", name) for place, name in enumerate(columns)), rows)
    return content(sections=(Section(code, title, table=table),), **changes)


def drawn(what: Content, wanted: str, words: Words | None = None, edition: Edition = EDITION) -> bytes:
    return render(what, edition, (wanted,), words)[wanted]


def pages(document: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(document)).pages]


def book(document: bytes):
    return openpyxl.load_workbook(io.BytesIO(document))


def cells(document: bytes) -> dict[str, list]:
    return {
        sheet.title: [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        for sheet in book(document)
    }


def lines(document: bytes) -> list[list[str]]:
    assert document.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(document.decode("utf-8-sig"), newline="")))


def test_which_edition_it_takes_the_place_of():
    assert Words().replaced(Edition(3, replaces=2)) == "Replaces edition 2"
    assert Words().replaced(Edition(3, corrects=1, replaces=2)) == "Corrects edition 1"
    assert Words().replaced(Edition(1)) == ""
    document = drawn(content(), "pdf", edition=replace(EDITION, corrects=0, replaces=1))
    assert "Replaces edition 1" in " ".join(pages(document))


class TestPdf:
    def test_says_all_that_makes_it_worth_signing(self):
        document = drawn(content(), "pdf")
        reader, whole = pypdf.PdfReader(io.BytesIO(document)), " ".join(pages(document))
        for expected in (
            *(
                "Daily Service Level",
                "Friday (Nov 20, 2026)",
                "Edition 2",
                "Corrects edition 1",
                "Nov 21, 2026, 5:30",
                "CET",
            ),
            *(
                "1 of 2 fresh",
                "1 of 2 passed",
                "Breaches: 1",
                "Late pickings",
                "+63.6%",
                "worse",
                "Target: 10",
                "Not measured then.",
                "Breach",
            ),
            *("−1.4 points", "Never received", "1,204.10 apart", "Not done in time", "Ada Example", content().digest()),
            *(
                "1,234,567.80",
                "-0.01",
                "12.5",
                "Nov 20, 2026",
                "How?",
                "North",
                "(EUR)",
                "Before: 4.5 hours",
                "No value",
            ),
        ):
            assert expected in whole, expected
        assert (
            whole.index("First") < whole.index("Second") < whole.index("Late pickings")
        )  # findings first, worst first
        assert reader.metadata.title == "Daily Service Level"
        assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
        assert reader.trailer["/Root"]["/Lang"] == "en-US"

    def test_every_page_bears_the_marks_the_classification_and_its_number(self):
        said = pages(drawn(of_rows(*((f"row {number}",) for number in range(150))), "pdf"))
        assert len(said) > 3
        for number, page in enumerate(said, 1):
            assert "Released with stale inputs" in page
            assert f"Page {number} of {len(said)}" in page
            assert "INTERNAL" in page.upper()
        for page in said[1:3]:
            assert page.count("Text") == 1  # the head of the table again

    def test_from_right_to_left(self):
        arabic = content(title="تقرير الخدمة", company="شركة", language="ar_001", right_to_left=True)
        document = drawn(arabic, "pdf", Words(ARABIC))
        fonts = {
            str(font.get_object()["/BaseFont"])
            for page in pypdf.PdfReader(io.BytesIO(document)).pages
            for font in page["/Resources"].get("/Font", {}).values()
        }
        assert any("Arab" in font for font in fonts), fonts
        root = pypdf.PdfReader(io.BytesIO(document)).trailer["/Root"]
        assert root["/Lang"] == "ar-001"
        assert re.search("[\u0600-\u06ff\ufb50-\ufeff]{3}", " ".join(pages(document)))

    def test_a_long_table_prints_its_beginning_and_says_what_is_missing(self):
        said = " ".join(pages(drawn(of_rows(*((f"row {number}",) for number in range(PRINTED_ROWS + 234))), "pdf")))
        assert f"row {PRINTED_ROWS - 1}" in said
        assert f"row {PRINTED_ROWS} " not in said
        assert "234 more lines are not printed here" in said

    def test_a_wide_table_lies(self):
        wide = of_rows(tuple("a text of thirty-three letters" for _ in range(9)), columns=tuple("ABCDEFGHI"))
        boxes = [page.mediabox for page in pypdf.PdfReader(io.BytesIO(drawn(wide, "pdf"))).pages]
        assert any(box.width > box.height for box in boxes)
        assert boxes[0].height > boxes[0].width

    def test_nothing_in_a_text_is_markup_or_leads_anywhere(self, tmp_path):
        secret = tmp_path / "secret.txt"
        secret.write_text("the secret")
        attacks = (
            f'<img src="file://{secret}">',
            f'<link rel=attachment href="file://{secret}">',
            "</style><h1>Big</h1>",
        )
        hostile = content(
            title=attacks[0], code='"}*{display:none}', marks=attacks, summary=attacks[1], language='en"><b>'
        )
        document = drawn(
            hostile, "pdf", Words({"Page {page} of {pages}": '"; } body { display: none } {page} {pages}'})
        )
        whole = " ".join(pages(document))
        assert "<h1>Big</h1>" in whole
        assert "Late pickings" in whole
        assert "the secret" not in whole
        assert not pypdf.PdfReader(io.BytesIO(document)).attachments

    def test_many_marks_leave_the_page_its_room(self):
        marks = tuple(f"Mark {number}: an input that never came, or came far too late" for number in range(8))
        said = pages(drawn(content(marks=marks), "pdf"))
        assert all("Mark 0" in page and "Mark 7" in page for page in said)
        document = pypdf.PdfReader(io.BytesIO(drawn(content(marks=marks), "pdf")))
        heights = []
        for page in document.pages:
            page.extract_text(
                visitor_text=lambda text, ctm, matrix, *_: heights.append((text, matrix[5] * ctm[3] + ctm[5]))
            )
        assert all(height < float(document.pages[0].mediabox.height) for text, height in heights if text.strip())

    def test_a_draft_has_a_line_to_sign_and_says_that_it_is_one(self):
        whole = " ".join(pages(drawn(content(marks=("Draft – not released",)), "pdf", edition=Edition())))
        assert "Draft – not released" in whole
        assert "Not released" in whole
        assert "Signature" in whole


class TestWorkbook:
    def test_cells_are_typed(self):
        sheet = book(drawn(content(), "xlsx"))["Late orders"]
        head = [cell.value for cell in sheet[4]]
        assert head[:6] == ["Order", "Promised", "Seen", "Quantity", "Value (EUR)", "Share (%)"]
        order, promised, seen, quantity, value, share = (cell for cell in sheet[5][:6])
        assert (order.value, order.data_type) == ("SO1", "s")
        assert promised.value == datetime(2026, 11, 20) and promised.is_date
        assert seen.value == datetime(2026, 11, 21, 0, 30)  # in the company's time zone
        assert quantity.value == 1.5
        assert (value.value, value.number_format) == (1234567.8, "#,##0.00 [$EUR]")
        assert (share.value, share.number_format) == (0.125, "0.0%")
        assert sheet.freeze_panes == "A5"
        assert sheet.auto_filter.ref == "A4:F6"
        assert sheet.print_title_rows in ("$4:$4", "4:4")
        assert sheet.cell(7, 1).value == "Total"

    def test_the_cover_says_what_it_is_and_every_section_has_a_sheet(self):
        found = cells(drawn(content(), "xlsx"))
        assert list(found) == ["Cover", "Late orders", "By site", "Chart data"]
        cover = [cell.value for cell in found["Cover"]]
        for expected in (
            "Released with stale inputs",
            "Friday (Nov 20, 2026)",
            content().digest(),
            "First",
            "Ada Example",
        ):
            assert expected in cover
        figures = {cell.value: cell for cell in found["Cover"]}
        assert figures[-1284310.55].number_format == "#,##0.00 [$EUR]"
        assert figures[0.942].number_format == "0.0%"

    def test_charts_are_excels_own(self):
        opened = book(drawn(content(), "xlsx"))
        assert len(opened["Late orders"]._charts) == len(opened["By site"]._charts) == 1
        archive = zipfile.ZipFile(io.BytesIO(drawn(content(), "xlsx")))
        charts = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/charts/chart")]
        assert any("'Chart data'!$A$6:$A$7" in chart for chart in charts)
        assert any("'By site'!$B$5:$B$6" in chart for chart in charts)

    def test_from_right_to_left(self):
        assert all(sheet.sheet_view.rightToLeft for sheet in book(drawn(content(right_to_left=True), "xlsx")))

    @pytest.mark.parametrize(
        "title", ["a" * 40, "[x]:*?/\\y", "'quoted'", "history", "", "../../etc/passwd", "\x00", "=1+1", "😀" * 40]
    )
    def test_any_title_makes_a_sheet(self, title):
        sections = tuple(Section("s", title, text="x") for _ in range(3))
        assert len(book(drawn(content(sections=sections), "xlsx")).sheetnames) == 4

    def test_a_shortened_name_stays_unlike_the_others(self):
        taken = set()
        names = [sheet_name("A" * 50, taken, "x") for _ in range(12)]
        assert len({name.lower() for name in names}) == 12
        assert max(map(len, names)) == 31


class TestCsv:
    def test_a_single_table_is_one_file(self):
        single = of_rows(("Zürich",), ("a,\"b\"\r\nc",))
        assert lines(drawn(single, "csv")) == [["c0"], ["Zürich"], ['a,"b"\nc']]
        assert file_name(single, EDITION, "csv") == "daily_2026-11-20_edition-2.csv"
        assert media_type(single, "csv") == "text/csv; charset=utf-8"

    def test_several_are_an_archive_that_explains_itself(self):
        archive = zipfile.ZipFile(io.BytesIO(drawn(content(), "csv")))
        names = ["late", "sites", "figures", "findings", "inputs", "checks", "report", "columns"]
        assert archive.namelist() == [f"{name}.csv" for name in names]
        late = lines(archive.read("late.csv"))
        assert late[0] == ["order", "promised", "at", "quantity", "value", "share"]
        assert late[1] == ["SO1", "2026-11-20", "2026-11-20T23:30:00Z", "1.5", "1234567.8", "12.5"]
        assert late[2] == ["SO2", "", "", "0", "-0.01", ""]
        described = {(row[0], row[1]) for row in lines(archive.read("columns.csv"))[1:]}
        for name in names[:-1]:
            assert {(f"{name}.csv", key) for key in lines(archive.read(f"{name}.csv"))[0]} <= described
        assert ["late.csv", "value", "Value", "money", "EUR"] in lines(archive.read("columns.csv"))
        assert ["digest", content().digest()] in lines(archive.read("report.csv"))
        keys, *rows = lines(archive.read("figures.csv"))
        notes = {row[0]: row[keys.index("note")] for row in rows}
        assert (notes["delay"], notes["late"]) == ("Not measured then.", "")
        assert media_type(content(), "csv") == "application/zip"

    def test_which_of_the_two_does_not_depend_on_the_period(self):
        full, empty = of_rows(("x",)), of_rows()
        assert media_type(full, "csv") == media_type(empty, "csv")

    def test_no_code_leads_out_of_the_archive(self):
        sections = tuple(
            Section(code, code, table=Table((Column("a", "A"),))) for code in ("../../x", "/etc/x", "columns", "ف")
        )
        names = zipfile.ZipFile(io.BytesIO(drawn(content(sections=sections), "csv"))).namelist()
        assert names[:4] == ["x.csv", "etc_x.csv", "columns_2.csv", "section_4.csv"]


class TestEveryFormat:
    @pytest.mark.parametrize("wanted", ["pdf", "xlsx", "csv"])
    def test_nothing_at_all(self, wanted):
        empty = Content("empty", "", "", Period("2026-11-20", "2026-11-20"))
        assert len(drawn(empty, wanted, edition=Edition())) > 400
        section = replace(
            empty,
            sections=(
                Section("s", "S"),
                Section("t", "T", table=Table(())),
                Section("c", "C", chart=Chart("bar", (), ())),
            ),
        )
        assert len(drawn(section, wanted, edition=Edition())) > 400

    def test_texts_stay_texts(self):
        hostile = of_rows(*((text,) for text in HOSTILE), columns=("=HYPERLINK(1)",), title="=1+1", summary="=2+2")
        for sheet in cells(drawn(hostile, "xlsx")).values():
            assert not [cell for cell in sheet if cell.data_type in ("f", "e")]
            assert not [cell for cell in sheet if cell.hyperlink]
        written = [row[0] for row in lines(drawn(hostile, "csv"))[1:]]
        assert written == [
            "'=cmd|' /C calc'!A0",
            "<script>alert(1)</script>",
            "'+1+1",
            "'-1",
            "'@SUM(A1)",
            "'\tx",
            "abc",
            "xy",
        ]
        assert "<script>alert(1)</script>" in " ".join(pages(drawn(hostile, "pdf")))

    def test_five_thousand_rows_and_very_long_words(self):
        long = "x" * 3000
        large = of_rows(*((f"row {number}",) for number in range(5000)), (long,))
        sheet = book(drawn(large, "xlsx"))["One"]
        assert sheet.max_row == 5005
        assert sheet.cell(5005, 1).value == long
        assert len(lines(drawn(large, "csv"))) == 5002
        assert len(pages(drawn(of_rows((long, "y")[:1], title=long[:300], summary=long), "pdf"))) < 12

    def test_values_of_every_kind(self):
        kinds = ("text", "integer", "number", "money", "percent", "hours", "days", "date", "datetime")
        values = (
            None,
            D(0),
            D(-1),
            D("1e20"),
            D("0.000001"),
            D("NaN"),
            "text",
            7,
            date(2026, 1, 1),
            datetime(2026, 1, 1),
            True,
        )
        columns = tuple(Column(kind, kind, kind) for kind in kinds)
        table = Table(columns, tuple((value,) * len(kinds) for value in values))
        figures = tuple(Figure(kind, kind, kind, value, value) for kind in kinds[1:7] for value in values[:6])
        chart = Chart("stacked_bar", ("a",), tuple(Series("s", (value,)) for value in values[:6]), "money")
        for wanted in ("pdf", "xlsx", "csv"):
            assert drawn(content(sections=(Section("s", "S", "", figures, table, chart),)), wanted)

    def test_the_same_bytes_wherever_it_is_drawn(self):
        what, formats = content(), ("pdf", "xlsx", "csv")
        here = render(what, EDITION, formats)
        assert render_apart(what.to_json(), EDITION.to_json(), formats) == here

    def test_what_does_not_hold_together_is_said(self):
        broken = content(sections=(Section("s", "Sales", table=Table((Column("a", "A"),), ((1, 2),))),))
        with pytest.raises(RenderError, match="'Sales', table: row 1 has 2 values for 1 columns"):
            render_apart(broken.to_json(), EDITION.to_json(), ("csv",))
        chart = Chart("bar", ("a",), (Series("s", (D(1), D(2))),))
        with pytest.raises(RenderError, match="'Sales', chart: series 's' has 2 values for 1 labels"):
            render(content(sections=(Section("s", "Sales", chart=chart),)), EDITION, ("xlsx",))
        with pytest.raises(RenderError, match="Unknown format docx"):
            render_apart(content().to_json(), EDITION.to_json(), ("docx",))


class TestCharts:
    @pytest.mark.parametrize("kind", ["bar", "stacked_bar", "line"])
    @pytest.mark.parametrize("count", [1, 2, 90])
    def test_every_kind_with_few_and_many_labels(self, kind, count):
        labels = tuple(f"${number}$ & <label>" for number in range(count))
        series = tuple(Series(name, tuple(D(number - 1) for number in range(count))) for name in ("North", "South"))
        drawing = draw_chart(Chart(kind, labels, series, "money", "EUR"), Writer("en_US", "UTC"))
        assert "<text" not in drawing.svg
        said = [label.text for label in drawing.labels]
        assert "$0$ & <label>" in said
        assert any("North" in text for text in said)
        assert all(-60 < label.x < drawing.width + 60 for label in drawing.labels)

    def test_nothing_to_show(self):
        writer = Writer("en_US", "UTC")
        assert draw_chart(Chart("bar", (), ()), writer) is None
        assert draw_chart(Chart("line", ("a",), (Series("s", (None,)),)), writer) is None


class TestApart:
    """What happens to the drawing process happens to one report."""

    @pytest.fixture(autouse=True)
    def own_folder(self, tmp_path, monkeypatch):
        """Where temporary folders are made; another test may draw in the machine's own at the same time."""
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fails(self, what: Content, **limits) -> str:
        with pytest.raises(RenderError) as caught:
            render_apart(what.to_json(), EDITION.to_json(), ("pdf",), **limits)
        assert os.listdir(tempfile.gettempdir()) == []
        return str(caught.value)

    def test_takes_too_long(self):
        began = time.monotonic()
        assert "longer than 0.3 seconds" in self.fails(content(), seconds=0.3)
        assert time.monotonic() - began < 15  # a busy machine takes its time to begin and to end a process

    @pytest.mark.parametrize("megabytes", [60, 120, 200])
    def test_needs_too_much_memory(self, megabytes):
        assert f"more than {megabytes} MB of memory" in self.fails(content(), megabytes=megabytes)

    def test_is_killed(self):
        def kill():
            until = time.monotonic() + 60
            while time.monotonic() < until:
                for entry in Path("/proc").glob("[0-9]*/stat"):
                    with suppress(OSError):  # others on this machine come to their end while they are looked at
                        parent = int(entry.read_text().rpartition(")")[2].split()[1])
                        if parent == os.getpid() and b"render_program" in (entry.parent / "cmdline").read_bytes():
                            os.kill(int(entry.parent.name), signal.SIGKILL)
                            return
                time.sleep(0.01)

        killer = threading.Thread(target=kill)
        killer.start()
        assert "killed from outside" in self.fails(content())
        killer.join()

    def test_what_is_not_json_is_a_failure_with_a_reason(self):
        with pytest.raises(RenderError, match="The drawing failed: .*JSON"):
            render_apart("{", EDITION.to_json(), ("csv",))

    def test_no_password_of_the_environment_goes_along(self, monkeypatch):
        from engine.render_process import _environment

        monkeypatch.setenv("PGPASSWORD", "secret")
        assert "secret" not in str(_environment(Path("/nowhere")))

    def test_a_server_that_draws_nothing_loads_none_of_the_libraries(self):
        home = Path(engine.__file__).parents[1]
        code = "import sys, engine; print({'weasyprint', 'matplotlib', 'xlsxwriter', 'babel'} & set(sys.modules))"
        said = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True)
        assert said.stdout.strip() == "set()"


def test_every_word_that_is_written_is_marked_for_translation():
    used = set()
    for source in Path(engine.__file__).parent.glob("render_*.py"):
        used |= set(re.findall(r"""words\(\s*"([^"]+)\"""", source.read_text()))
    used |= {name for name in STATUS_NAMES.values() if name}
    assert used <= set(SOURCES)
    assert "Period" in used


def test_other_languages():
    german = Writer("de_DE", "Europe/Berlin", "EUR")
    assert german(D("-1234.5"), "money") == "-1.234,50\xa0€"
    assert Writer("no such", "Nowhere/City")(datetime(2026, 1, 1, 12), "datetime").endswith("UTC")
