"""The renderer as a model: limits from the settings, and a report that fails instead of a server."""

import io
import os
import tempfile
from datetime import datetime
from decimal import Decimal

import openpyxl
from odoo.tests import TransactionCase, tagged

from ..engine import Column, Content, Edition, Figure, Period, RenderError, Section, Table


@tagged("post_install", "-at_install")
class TestReportRenderer(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.renderer = cls.env["distribution.report.renderer"]
        figure = Figure("late", "Late pickings", "integer", Decimal(18), Decimal(11), Decimal(10), "breach", "down")
        table = Table((Column("order", "Order"), Column("value", "Value", "money")), (("=SO1", Decimal("1.50")),))
        cls.content = Content(
            *("daily", "Daily Service Level", "Meridian", Period("2026-11-20", "2026-11-20")),
            as_of=datetime(2026, 11, 21),
            sections=(Section("late", "Late orders", figures=(figure,), table=table),),
            currency="EUR",
        ).to_json()
        cls.edition = Edition(1, datetime(2026, 11, 21)).to_json()

    def setUp(self):
        super().setUp()
        # Other programs draw in the machine's own temporary folder.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.patch(tempfile, "tempdir", self.folder)

    def test_draws_every_format(self):
        files = self.renderer._render(self.content, self.edition, ("pdf", "xlsx", "csv"))
        self.assertTrue(files["pdf"].startswith(b"%PDF"))
        self.assertTrue(files["csv"].startswith(b"PK"))
        sheet = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))["Late orders"]
        self.assertEqual([cell.value for cell in sheet[5]], ["=SO1", 1.5])
        self.assertEqual(sheet["A5"].data_type, "s")

    def test_a_drawing_beyond_its_memory_fails_with_the_cause_and_leaves_nothing(self):
        self.env["ir.config_parameter"].set_param("reporting_workflows.render_megabytes", "120")
        with self.assertRaisesRegex(RenderError, "needs more than 120 MB of memory"):
            self.renderer._render(self.content, self.edition, ("pdf",))
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_drawing_that_takes_too_long_is_ended(self):
        self.env["ir.config_parameter"].set_param("reporting_workflows.render_seconds", "1")
        rows = tuple((f"row {number}", Decimal(number)) for number in range(1000))
        columns = (Column("order", "Order"), Column("value", "Value", "money"))
        sections = tuple(Section(f"s{number}", "S", table=Table(columns, rows)) for number in range(20))
        long = Content("long", "Long", "Meridian", Period("2026-11-20", "2026-11-20"), sections=sections)
        with self.assertRaisesRegex(RenderError, "longer than 1 seconds"):
            self.renderer._render(long.to_json(), self.edition, ("pdf",))
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_setting_that_is_no_number_is_not_taken(self):
        for said in ("many", "-3", "0", ""):
            self.env["ir.config_parameter"].set_param("reporting_workflows.render_seconds", said)
            self.assertEqual(self.renderer._limits()[0], 180)

    def test_reads_no_records(self):
        self.env.flush_all()
        self.renderer._limits()
        with self.assertQueryCount(0):
            self.renderer._render(self.content, self.edition, ("csv",))
