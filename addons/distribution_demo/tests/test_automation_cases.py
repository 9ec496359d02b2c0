"""Cases and automation of the demo company."""

import json

from odoo.tests.common import TransactionCase, tagged

from ..engine import automation_cases as cases


@tagged("post_install", "-at_install")
class TestAutomationCases(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {user.login: user for user in cls.env["res.users"].search([])}
        cls.Case = cls.env["distribution.case"]

    def test_there_is_something_in_every_state(self):
        case = {case.name: case for case in self.Case.search([])}
        late = case["Drill bits were delivered dull"]
        self.assertTrue(late.is_overdue)
        self.assertEqual((late.escalation_level, late.severity), (1, "2"))
        self.assertEqual(late.user_id, self.users["operations_manager"])
        self.assertEqual(case["Labels of two parcels cannot be printed"].state, "waiting")
        self.assertEqual(
            case["Carton missing, called again"].merged_into_id, case["Short by a carton, says the customer"]
        )
        self.assertEqual(case["Invoice went to the old address"].cost, 15)
        self.assertEqual(len(self.env["distribution.case.ageing"].search([("age", "=", "4")]).case_id & late), 1)

    def test_an_order_that_is_sent_is_decided_about_meanwhile(self):
        order = self.env["purchase.order"].search([("origin", "=", "TOUR")]).with_user(self.users["buyer"])
        self.assertFalse(order.approval_request_id)
        order.state = "sent"
        order.invalidate_recordset()
        self.assertEqual((order.approval_state, order.sudo().approval_request_id.state), ("pending", "pending"))

    def _receipt(self):
        return self.env["stock.picking"].search(
            [("picking_type_code", "=", "incoming"), ("state", "=", "assigned"), ("purchase_id", "!=", False)],
            order="id desc",
            limit=1,
        )

    def test_a_receipt_that_is_called_off(self):
        receipt = self._receipt()
        receipt.picking_type_id.warehouse_id.manager_id = self.users["warehouse_manager"]
        receipt.action_cancel()
        case = self.Case.search([("type_id.code", "=", "receipt_called_off"), ("res_id", "=", receipt.id)])
        self.assertEqual((len(case), case.user_id), (1, self.users["warehouse_manager"]))
        self.assertIn(receipt.name, case.name)

    def test_a_receipt_that_is_done_is_told(self):
        receipt = self._receipt()
        for move in receipt.move_ids:
            move.quantity = move.product_uom_qty
            move.picked = True
        receipt._action_done()
        event = self.env["distribution.event"]._last_for(receipt, cases.RECEIVED_TYPE)
        data = json.loads(event.data)
        self.assertEqual((data["state"], data["partner_id"]), ("done", receipt.partner_id.id))
        self.assertEqual(set(data), set(cases.RECEIVED_FACTS))

    def test_receipts_two_weeks_late(self):
        cron = self.env["ir.cron"].search([("name", "=", cases.OVERDUE)])
        receipt = self._receipt()
        receipt.move_ids.date = "2020-01-01"
        self.assertEqual(str(receipt.scheduled_date.date()), "2020-01-01")
        cron.ir_actions_server_id.with_user(cron.user_id).run()
        cron.ir_actions_server_id.with_user(cron.user_id).run()
        case = self.Case.search([("type_id.code", "=", "receipt_overdue"), ("res_id", "=", receipt.id)])
        self.assertEqual(
            (len(case), case.name),
            (1, f"Receipt {receipt.name} of {receipt.origin} is overdue since 2020-01-01 00:00:00"),
        )
