"""Numbers with owners and a past; the library in force; reports in every stage."""

import csv
import io
import zipfile
from datetime import timedelta

import openpyxl
from odoo.exceptions import AccessError
from odoo.tests.common import TransactionCase, tagged

from ..engine import reporting_cases as cases

try:
    from pypdf import PdfReader
except ImportError:  # what Odoo 17.0 asks for
    from PyPDF2 import PdfReader


def pages(raw):
    """The text of a PDF without its spaces."""
    return "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(raw)).pages)


def tables(raw):
    """The rows of a CSV file, or of each in an archive of them."""
    if raw[:4] != b"PK\x03\x04":
        return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return [row for name in archive.namelist() for row in tables(archive.read(name)) if name.endswith(".csv")]


@tagged("post_install", "-at_install")
class TestReporting(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {user.login: user for user in cls.env["res.users"].search([])}
        cls.runs = cls.env["distribution.report.run"].search([], order="id")

    def _run(self, code, state, number=-1):
        return self.runs.filtered(lambda run: (run.report_id.code, run.state) == (code, state))[number]

    def test_every_kpi_has_owners_and_sixty_days(self):
        kpis = self.env["distribution.kpi"].search([])
        self.assertTrue(all(kpi.owner_id and kpi.backup_owner_id for kpi in kpis))
        rows = self.env["distribution.kpi.snapshot"].search([("site_id", "=", False)])
        days = sorted(set(rows.mapped("day")))
        self.assertEqual(len(days), cases.NUMBER_DAYS)
        self.assertEqual(days[-1] - days[0], timedelta(days=cases.NUMBER_DAYS - 1))
        self.assertEqual(len(rows), len(kpis) * cases.NUMBER_DAYS)
        measured = rows.filtered("is_measured").kpi_id.mapped("code")
        for code in ("sales_ordered", "service_level", "supplier_fill_rate", "lines_handled", "straight_through"):
            self.assertIn(code, measured)
        self.assertFalse(rows.filtered(lambda row: row.value < 0).kpi_id.mapped("code"), "no time runs backwards")
        on_time = rows.filtered(lambda row: row.kpi_id.code == "delivery_on_time" and row.is_measured)
        self.assertLess(min(on_time.mapped("value")), 100, "some are late")
        # What was cannot be measured afterwards, and the demo company does not pretend.
        late = rows.filtered(lambda row: row.kpi_id.code == "stock_value" and row.day < days[-1])
        self.assertFalse(late.filtered("is_measured"))
        self.assertTrue(all("afterwards" in row.reason for row in late))

    def test_numbers_of_four_weeks_are_signed(self):
        signed = self.env["distribution.kpi.signoff"].search([])
        self.assertEqual(set(signed.kpi_id.mapped("code")), set(cases.SIGNED))
        self.assertEqual(signed.user_id, self.users["sales_manager"])

    def test_the_library_is_in_force_by_two_people(self):
        reports = self.env["distribution.report"].search([])
        self.assertEqual(set(reports.mapped("code")), set(cases.REPORT_OWNERS))
        for report in reports:
            version = report.version_id
            self.assertEqual(version.published_by_id, self.users[cases.PUBLISHER], report.code)
            self.assertNotIn(version.published_by_id, version.author_ids)
            self.assertTrue(report.next_due_at)
        people = reports.version_id.recipient_ids.filtered(lambda one: one.kind != "system")
        self.assertEqual(set(people.mapped("channel")), {"inbox"})

    def test_reports_are_where_the_plan_says(self):
        stages = [(run.report_id.code, run.state) for run in self.runs if run.attempt == 1]
        self.assertEqual(sorted(stages), sorted((case.report, case.state) for case in cases.RUNS))
        self.assertFalse(self.env["distribution.case"].search([("type_id.code", "=", "report_failed")]))

    def test_the_service_level_of_a_day_can_be_downloaded(self):
        edition = self._run("daily_service_level", "done").edition_id
        self.assertEqual(edition.state, "released")
        reader = self.users["warehouse_manager"]
        self.assertIn(reader, edition.delivery_ids.user_id)
        files = {file.kind: file.with_user(reader)._bytes() for file in edition.file_ids}
        self.assertEqual(set(files), {"pdf", "xlsx", "csv"})
        self.assertTrue(files["pdf"].startswith(b"%PDF"))
        with zipfile.ZipFile(io.BytesIO(files["xlsx"])) as book:
            self.assertTrue([name for name in book.namelist() if "chart" in name], "native charts")
        with self.assertRaises(AccessError):
            edition.with_user(self.users["category_manager"]).read(["content"])

    def test_each_report_of_the_library_is_released_handed_out_and_opens(self):
        asked = 0
        for code in cases.REPORT_OWNERS:
            edition = self._run(code, "done").edition_id
            with self.subTest(code=code):
                self.assertEqual((edition.state, edition.run_id.state), ("released", "done"))
                handed = edition.delivery_ids.filtered(lambda one: one.kind == "edition" and one.channel != "system")
                self.assertTrue(handed)
                self.assertEqual(set(handed.mapped("state")), {"sent"}, handed.mapped("error"))
                reader = handed.user_id[0]
                files = {file.kind: file.with_user(reader)._bytes() for file in edition.file_ids}
                self.assertEqual(set(files), set(edition._formats()))
                heading = "".join(edition.report_id.name.split())
                self.assertIn(heading, pages(files["pdf"]))
                book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
                self.assertGreater(len(book.sheetnames), 2)
                if "csv" in files:
                    self.assertGreater(len(tables(files["csv"])), 1)
                if edition.release_pattern not in ("automatic", "supervisor"):
                    self.assertTrue(edition._approving(), "people signed it")
                self.assertNotIn(edition.report_id.owner_id, edition._approving().user_id)
                self.assertEqual(
                    set(edition._approving().user_id.mapped("login")),
                    {
                        step.person
                        for run in cases.RUNS
                        if run.report == code and run.state == "done"
                        for step in run.steps
                        if step.act == "decide"
                    },
                )
                asked += bool(edition._approving())
        self.assertEqual(asked, 10)

    def test_a_report_on_stale_data_went_out_with_a_mark(self):
        edition = self._run("integration_health", "done").edition_id
        self.assertTrue(edition.is_marked and edition.is_stale)
        self.assertIn("Seal of the ledger", edition.content)
        self.assertEqual(edition._approving().user_id, self.users["operations_manager"])

    def test_a_discrepancy_above_its_threshold_went_to_a_supervisor(self):
        run = self._run("inventory_discrepancy", "done")
        self.assertTrue(run.is_crossed)
        (decision,) = run.edition_id._approving()
        self.assertEqual(decision.user_id, self.users["operations_manager"])
        self.assertIn("4471", decision.comment)
        self.assertTrue(self.env["distribution.case"].search([("type_id.code", "=", "report_exception")]))

    def test_finance_signed_a_month_and_the_next_one_is_held(self):
        signed = self._run("executive_summary", "done")
        self.assertEqual(signed.edition_id._approving().user_id, self.users["finance_controller"])
        held = self._run("executive_summary", "held")
        self.assertIn("Every entry of the month is posted", held.hold_reason)
        late = self.env["distribution.report.delivery"].search([("run_id", "=", held.id), ("kind", "=", "late")])
        self.assertIn(self.users["sales_manager"], late.user_id)
        self.assertEqual(set(late.mapped("state")), {"sent"})
        notice = self.env["mail.message"].search([("subject", "=", f"{held.display_name} is late")])
        self.assertEqual(notice.notified_partner_ids, late.partner_id)
        self.assertEqual(set(notice.notification_ids.mapped("notification_type")), {"inbox"})
        draft = self.env["account.move"].search(
            [("state", "=", "draft"), ("invoice_line_ids.name", "=", cases.DRAFT_INVOICE[0])]
        )
        self.assertEqual(draft.invoice_date, held.period_last)
        bills = self.env["account.move"].search([("state", "=", "draft"), ("move_type", "=", "in_invoice")])
        self.assertTrue(bills)
        self.assertGreater(min(bills.mapped("invoice_date")), held.period_last, "nothing else is in the way")
        draft.action_post()
        held.with_user(held.report_id.owner_id).action_retry()
        self.env["distribution.report.run"]._cron_run(commit=False)
        self.assertEqual(held.state, "waiting", held.error or held.hold_reason)
        tasks = held.edition_id.release_id.approval_request_id.task_ids
        self.assertEqual(tasks.user_ids, self.users["finance_controller"])

    def test_two_parties_release_what_is_for_customers(self):
        run = self._run("customer_service_exceptions", "waiting")
        tasks = run.edition_id.release_id.approval_request_id.task_ids
        self.assertEqual({(task.name, task.state) for task in tasks}, {("Sales", "open"), ("Operations", "approved")})
        self.assertTrue(run.edition_id.preview_id.raw.startswith(b"%PDF"))

    def test_an_edition_was_recalled_and_corrected(self):
        recalled, correct = self.env["distribution.report.edition"].search(
            [("report_id.code", "=", "daily_sales")], order="id"
        )
        self.assertEqual((recalled.state, recalled.number), ("recalled", 1))
        self.assertIn("fair", recalled.recall_reason)
        self.assertEqual((correct.state, correct.number, correct.corrects_id), ("released", 2, recalled))
        told = recalled.delivery_ids.filtered(lambda delivery: delivery.kind == "recall")
        self.assertTrue(told)
        self.assertEqual(set(told.mapped("state")), {"sent"})
        for edition, subject in ((recalled, "Recalled: %s"), (correct, "%s")):
            notices = self.env["mail.message"].search([("subject", "=", subject % edition.display_name)])
            self.assertEqual(notices.notified_partner_ids, told.partner_id)
