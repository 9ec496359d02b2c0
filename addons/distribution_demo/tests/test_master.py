"""Vendor master changes, expedited freight and report releases of the demo company are where the plan says."""

from odoo.tests.common import TransactionCase, tagged

from odoo.addons.distribution_approval.engine.bank_account import normalized

from ..engine import master_cases


@tagged("post_install", "-at_install")
class TestMaster(TransactionCase):
    def _user(self, login):
        return self.env["res.users"].search([("login", "=", login)])

    def test_vendor_changes(self):
        changes = self.env["distribution.vendor.change"].search([], order="id")
        self.assertEqual(changes.mapped("approval_state"), [change.stage for change in master_cases.CHANGES])
        vat, suspicious, new = changes
        self.assertEqual((vat.state, vat.partner_id.vat), ("applied", "US310884217"))
        self.assertEqual(
            set(suspicious.approval_request_id.task_ids.mapped("name")),
            {"Finance", "Compliance"},
            "an account in another country, not confirmed",
        )
        self.assertEqual(new.approval_request_id.task_ids.mapped("name"), ["Finance"])
        number = normalized(master_cases.CHANGES[1].number)
        self.assertEqual(normalized(suspicious.with_user(self._user("compliance_officer")).account_number), number)
        self.assertNotIn(number, normalized(suspicious.with_user(self._user("auditor")).account_number))
        self.assertEqual(normalized(suspicious.partner_id.bank_ids.acc_number), "004711802265", "the old one holds")

    def test_freight(self):
        requests = self.env["distribution.freight.request"].search([], order="id", limit=len(master_cases.FREIGHTS))
        self.assertEqual(requests.mapped("approval_state"), [freight.stage for freight in master_cases.FREIGHTS])
        self.assertEqual(set(requests[2].approval_request_id.task_ids.mapped("name")), {"Purchasing", "Operations"})

    def test_reports(self):
        reports = self.env["distribution.report.release"].search([("edition_id", "=", False)], order="id")
        self.assertEqual(reports.mapped("approval_state"), [report.stage for report in master_cases.REPORTS])
        self.assertEqual(reports.mapped(lambda report: bool(report.released_at)), [True, False])

    def test_nothing_is_in_force_without_a_release(self):
        self.assertEqual(self.env["distribution.approval.control"]._cron_find_ungated(), 0)
