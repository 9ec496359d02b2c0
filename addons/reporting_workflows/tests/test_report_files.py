"""What is drawn: a preview for who approves, the files of the edition for who gets it."""

import hashlib
import io
import re
import zipfile

import openpyxl
from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests.common import tagged

from .report_case import ReportCase

try:
    from pypdf import PdfReader
except ImportError:  # what Odoo 17.0 asks for
    from PyPDF2 import PdfReader

#: Letters that join, as they are in texts and as PDF readers give them back.
ARABIC, HEBREW = "[\u0600-\u06ff\ufb50-\ufdff\ufe70-\ufeff]{3}", "[\u0590-\u05ff]{3}"


@tagged("post_install", "-at_install")
class TestReportFiles(ReportCase):
    def test_the_files_that_go_out_are_those_that_were_drawn(self):
        run = self._run(self._report(release_pattern="finance", as_pdf=True, as_csv=True, as_xlsx=True))
        self._work()
        edition, release = run.edition_id, run.edition_id.release_id
        self.assertEqual(run.state, "waiting", run.error)
        preview = release.with_user(self.finance).preview_id
        self.assertTrue(preview.raw.startswith(b"%PDF"))
        self.assertEqual(hashlib.sha256(preview.raw).hexdigest(), edition.preview_digest)
        with self.assertRaises(AccessError):
            preview.with_user(self.stranger).read(["raw"])
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        self._work()
        self.assertEqual(
            (run.state, sorted(edition.file_ids.mapped("kind"))), ("done", ["csv", "pdf", "xlsx"]), run.error
        )
        (message,) = self._send()
        sent = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
        self.assertEqual(
            {hashlib.sha256(raw).hexdigest() for raw in sent.values()}, set(edition.file_ids.mapped("sha256"))
        )
        table = next(raw for name, raw in sent.items() if name.endswith((".csv", ".zip")))
        if table[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(table)) as archive:
                table = b"".join(archive.read(name) for name in archive.namelist())
        self.assertIn(b"Vendor 3", table)

    def test_where_nobody_is_asked_no_preview_is_drawn(self):
        run = self._run(self._report(release_pattern="automatic", as_pdf=True))
        self._work()
        edition = run.edition_id
        self.assertEqual((run.state, edition.state), ("done", "released"), run.error)
        self.assertFalse(edition.preview_id)
        self.assertTrue(edition.file_ids._bytes().startswith(b"%PDF"))

    def test_a_preview_that_was_exchanged_releases_nothing(self):
        run = self._run(self._report(release_pattern="finance", as_pdf=True))
        self._work()
        edition, release = run.edition_id, run.edition_id.release_id
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = NULL, db_datas = 'x' WHERE id = %s", (edition.preview_id.id,)
        )
        self.env.invalidate_all()
        self._work()
        self.assertEqual((run.state, run.cause, edition.number), ("failed", "approval", 0))

    def _pdf(self, raw):
        """``(text of all pages, [(word, distance from the left)])``"""
        reader, places = PdfReader(io.BytesIO(raw)), []
        whole = " ".join(page.extract_text() for page in reader.pages)
        for page in reader.pages:
            page.extract_text(
                visitor_text=lambda said, ctm, matrix, *_rest: places.append(
                    (said.strip(), matrix[4] * ctm[0] + ctm[4])
                )
            )
        return re.sub(r"\s+", " ", whole), places

    def _close(self, text):
        """Without the spaces of lines that were broken."""
        return re.sub(r"\s+", "", text)

    def test_who_signed_is_in_the_files_and_not_in_the_preview(self):
        run = self._run(self._report(release_pattern="finance", as_pdf=True, as_xlsx=True))
        self._work()
        edition, release = run.edition_id, run.edition_id.release_id
        before, _places = self._pdf(release.with_user(self.finance).preview_id.raw)
        self.assertIn("Not released", before)
        self.assertNotIn(self._close(self.finance.name), self._close(before))
        self.assertIn("Vendor 3", before)
        self.assertIn(edition.digest, self._close(before))
        self._decide(release, "Finance", self.finance)
        self._resume(release)
        self._work()
        files = {file.kind: file._bytes() for file in edition.file_ids}
        after, _places = self._pdf(files["pdf"])
        for said in ("Edition 1", self.finance.name, "Finance", "Vendor 3", edition.digest):
            self.assertIn(self._close(said), self._close(after))
        cover = openpyxl.load_workbook(io.BytesIO(files["xlsx"])).worksheets[0]
        self.assertIn(self.finance.name, [cell.value for row in cover.iter_rows() for cell in row])

    def test_written_from_right_to_left(self):
        """A report that is read as somebody whose language is written from right to left, with a chart."""
        spoken = {
            "ar_001": ("بلد التقارير", "مورد الشمال", "كل الموردين", ARABIC),
            "he_IL": ("ארץ הדוחות", "ספק הצפון", "כל הספקים", HEBREW),
            "en_US": ("Reportland", "North", "Everybody", "Everybody"),
        }
        for language, (country, vendor, title, letters) in spoken.items():
            with self.subTest(language):
                self.env["res.lang"]._activate_lang(language)
                self.reader.lang = self.recipient.lang = language
                self.country.with_context(lang=language).name = country
                self.vendors[0].name = vendor
                section = {"code": "all", "title": title, "dataset": "vendors", "chart": "bar"}
                section.update(chart_label="name", chart_values="color")
                report = self._report(
                    code=f"spoken_{language.lower()}",
                    as_pdf=True,
                    as_xlsx=True,
                    section_ids=[Command.create(section)],
                )
                run = self._run(report)
                self._work()
                self.assertEqual(run.state, "done", run.error)
                rtl = language != "en_US"
                files = {file.kind: file._bytes() for file in run.edition_id.file_ids}

                reader = PdfReader(io.BytesIO(files["pdf"]))
                self.assertEqual(reader.trailer["/Root"]["/Lang"], language.replace("_", "-"))
                whole, places = self._pdf(files["pdf"])
                self.assertRegex(whole, letters)
                third, fourth = (max(place for said, place in places if said == head) for head in ("Country", "Score"))
                self.assertEqual(third > fourth, rtl, "columns follow each other as one reads")

                book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
                self.assertEqual({bool(sheet.sheet_view.rightToLeft) for sheet in book}, {rtl})
                sheet = book[title]
                said = [cell.value for row in sheet.iter_rows() for cell in row]
                self.assertLessEqual({country, vendor}, set(said), "names are those of the reader's language")
                self.assertEqual(len(sheet._charts), 1)

                self.assertIn(f'dir="{"rtl" if rtl else "ltr"}"', run.edition_id.content_html)
                (message,) = self._send()
                self.assertEqual('dir="rtl"' in self._text(message), rtl)
