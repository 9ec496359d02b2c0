"""Bills and new vendors of the demo company are where the plan says."""

from odoo.tests.common import TransactionCase, tagged

from ..engine import finance_cases


@tagged("post_install", "-at_install")
class TestFinance(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bills = {
            bill.invoice_origin: bill
            for bill in cls.env["account.move"].search([("invoice_origin", "=like", "BILL-%")])
        }
        cls.users = {user.login: user for user in cls.env["res.users"].search([])}

    def test_every_bill_is_where_the_plan_says(self):
        self.assertEqual(set(self.bills), {case.key for case in finance_cases.BILLS})
        for case in finance_cases.BILLS:
            with self.subTest(case.key):
                bill = self.bills[case.key]
                self.assertEqual(bill.approval_state, case.stage)
                self.assertEqual(bill.state, "posted" if case.stage == "passed" else "draft")

    def test_who_is_asked(self):
        asked = {
            key: set(bill.approval_request_id.task_ids.mapped("name"))
            for key, bill in self.bills.items()
            if bill.approval_request_id
        }
        self.assertEqual(asked["BILL-DEARER"], {"Purchasing"})
        self.assertEqual(asked["BILL-SHORT"], {"Operations"})
        self.assertEqual(asked["BILL-NO-ORDER"], {"Finance"})
        self.assertIn("Finance", asked["BILL-TWICE"])

    def test_history_is_in_the_baseline(self):
        old = self.env["account.move"].search(
            [("move_type", "=", "in_invoice"), ("state", "=", "posted"), ("approval_state", "=", "baseline")]
        )
        self.assertGreater(len(old), 20)

    def test_money_that_left_is_a_critical_case(self):
        case = self.env["distribution.case"].search([("type_id.code", "=", "paid_past_hold")])
        self.assertEqual((len(case), case.severity, case.state), (1, "3", "open"))

    def test_new_vendors(self):
        for newcomer in finance_cases.NEWCOMERS:
            with self.subTest(newcomer.key):
                onboarding = self.env["distribution.vendor.onboarding"].search(
                    [("partner_id.name", "=", newcomer.name)]
                )
                self.assertEqual(onboarding.approval_state, newcomer.stage)
                approved = onboarding.partner_id.vendor_status == "approved"
                self.assertEqual(approved, newcomer.stage == "passed")

    def test_the_clerk_cannot_pay_past_the_hold(self):
        clerk = self.users["accountant"]
        bank = self.env["account.journal"].search([("type", "=", "bank")], limit=1)
        payment = (
            self.env["account.payment"]
            .with_user(clerk)
            .create(
                {
                    "payment_type": "outbound",
                    "partner_type": "supplier",
                    "partner_id": self.bills["BILL-DEARER"].partner_id.id,
                    "amount": 1782,
                    "journal_id": bank.id,
                }
            )
        )
        with self.assertRaisesRegex(Exception, "settles no released bill"):
            payment.action_post()
