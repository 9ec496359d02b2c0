"""A report that is read in German: its files, its mail and its page."""

import io
from dataclasses import replace
from decimal import Decimal

import openpyxl
from odoo import Command
from odoo.tests.common import tagged

from odoo.addons.distribution_core.tests.german import LANGUAGE, load_german

from ..engine import Figure
from .test_report_files import PdfReader, ReportCase


@tagged("post_install", "-at_install")
class TestGerman(ReportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        load_german(cls.env)

    def test_files_and_mail(self):
        self.reader.lang = self.recipient.lang = LANGUAGE
        run = self._run(
            self._report(
                as_pdf=True,
                as_xlsx=True,
                on_failed="mark",
                check_ids=[Command.create({"code": "few", "label": "Viele", "dataset": "vendors", "minimum": "6"})],
                threshold_ids=[
                    Command.create(
                        {"code": "t", "measure": "sum", "dataset": "vendors", "column": "color", "breach": "10"}
                    )
                ],
            )
        )
        self._work()
        self.assertEqual(run.state, "done", run.error)
        files = {file.kind: file._bytes() for file in run.edition_id.file_ids}
        text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(files["pdf"])).pages)
        for words in (
            "Seite 1 von",
            "Über diesen Bericht",
            "Befunde",
            "Ausgabe 1",
            "mindestens 6 erwartet",
            "15, höchstens 10",
        ):
            self.assertIn(words, " ".join(text.split()))
        self.assertIn("Freigegeben, aber fehlgeschlagene", " ".join(text.split()))
        for words in ("About this report", "expected", "at most"):
            self.assertNotIn(words, text)
        book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
        self.assertIn("Deckblatt", book.sheetnames)
        (message,) = self._send()
        self.assertIn("zum Herunterladen", self._text(message))

    def test_numbers_in_words(self):
        """In narratives, in the mail, in exceptions and in what changed as in the tables."""
        self.reader.lang = self.recipient.lang = LANGUAGE
        self.company.currency_id = self.env.ref("base.EUR")
        self.vendors[0].partner_latitude = 1234.5
        columns = [
            Command.create({"path": "name"}),
            Command.create({"path": "partner_latitude", "label": "Wert", "kind": "money"}),
        ]
        worth = {"model": "res.partner", "domain": f"[('id', 'in', {self.vendors.ids})]", "column_ids": columns}
        limits = {
            "t": {"measure": "sum", "dataset": "worth", "column": "partner_latitude", "breach": "1000"},
            "n": {"measure": "count", "dataset": "vendors", "breach": "2.5"},
        }
        report = self._report(
            datasets=[{"code": "worth", **worth}],
            summary="Wert {worth.partner_latitude} von {worth.rows}, {findings} Befunde",
            section_ids=[
                Command.create({"code": "said", "title": "Gesagt", "text": "Gut {worth.partner_latitude}."}),
                Command.create({"code": "found", "title": "Befunde", "findings": True}),
            ],
            threshold_ids=[Command.create({"code": code, **limit}) for code, limit in limits.items()],
        )
        run = self._run(report)
        self._work()
        self.assertEqual(run.state, "done", run.error)
        content = run.edition_id._content()
        said, found = content.sections
        self.assertEqual(said.text, "Gut 1.234,50\xa0€.")
        self.assertEqual(
            {one.detail for one in found.findings},
            {"1.234,50\xa0€, höchstens 1.000,00\xa0€", "5,0, höchstens 2,5"},
        )
        (letter,) = self._send()
        self.assertIn("Wert 1.234,50\xa0€ von 5, 2 Befunde", self._text(letter).replace("&nbsp;", "\xa0"))
        before, after = (
            replace(content, sections=(replace(said, figures=(Figure("f", "Umsatz", "money", value),)),))
            for value in (None, Decimal("1234.5"))
        )
        self.assertEqual(list(run.edition_id._differences(before, after)), ["Umsatz: – → 1.234,50\xa0€"])

    def test_values_and_marks(self):
        """Also those of a run that nobody's request started."""
        self.reader.lang = LANGUAGE
        self.vendors[0].is_company = True
        site = self.env["stock.warehouse"].search([("company_id", "=", self.env.company.id)], limit=1)
        run = self._run(
            self._report(
                site_id=site.id,
                datasets=[
                    {
                        "code": "kinds",
                        "model": "res.partner",
                        "domain": f"[('country_id', '=', {self.country.id})]",
                        "order": "ref",
                        "column_ids": [Command.create({"path": "ref"}), Command.create({"path": "is_company"})],
                    },
                    {
                        "code": "counted",
                        "model": "res.partner",
                        "domain": f"[('country_id', '=', {self.country.id})]",
                        "group_by": "is_company",
                        "column_ids": [Command.create({"path": "is_company"}), Command.create({"path": "__count"})],
                    },
                ],
                section_ids=[
                    Command.create({"code": code, "title": code, "dataset": code})
                    for code in ("kinds", "counted", "vendors")
                ],
                on_failed="shorten",
                check_ids=[Command.create({"code": "few", "label": "Viele", "dataset": "vendors", "minimum": "6"})],
            )
        )
        self._work()
        self.assertEqual(run.state, "done", run.error)
        content = run.edition_id._content()
        kinds, counted = (section.table for section in content.sections)
        self.assertEqual([row[1] for row in kinds.rows], ["ja", *["nein"] * 4])
        self.assertEqual({row[0] for row in counted.rows}, {"ja", "nein"})
        self.assertIn(("Standort", site.name), content.parameters)
        self.assertIn("Weggelassen: vendors", content.marks)
