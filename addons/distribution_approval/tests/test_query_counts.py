"""What governance costs in queries, against the same flow without governance."""

from odoo import models
from odoo.exceptions import UserError
from odoo.tests.common import tagged

from ..models.gate_frame import frame_of, review_now
from .common import ApprovalCase
from .overhead import Overhead


@tagged("post_install", "-at_install")
class TestQueryCounts(Overhead, ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Core marks the vendor as a supplier of the product when the first order is confirmed.
        cls.product_lines = [(cls.product, 20, 10.0)] * 5

    def _confirm_cold(self, orders):
        """Queries that confirming takes with an empty cache, flush included."""
        self.env.flush_all()
        self.env.invalidate_all()
        orders = orders.with_user(self.buyer)
        before = self.cr.sql_log_count
        orders.button_confirm()
        self.env.flush_all()
        self.assertEqual(set(orders.mapped("state")), {"purchase"})
        return self.cr.sql_log_count - before

    def _ungoverned(self):
        self.activation.with_user(self.publisher).action_propose_end()
        self.activation.with_user(self.publisher_2).action_confirm_end()

    def _orders(self, count):
        vendors = self.env["res.partner"].create(
            [{"name": f"Vendor {n}", "vendor_status": "approved"} for n in range(count)]
        )
        for vendor in vendors:
            self._make_contract(vendor, self.product, 10.0)
        return self.env["purchase.order"].union(
            *(self._order(vendor=vendor, lines=self.product_lines) for vendor in vendors)
        )

    def test_confirming_one_order_that_passes(self):
        warm, governed, warm_again, plain = self._orders(4)
        self._confirm_cold(warm)
        with_gate = self._confirm_cold(governed)
        self._ungoverned()  # empties the caches of the registry
        self._confirm_cold(warm_again)
        without = self._confirm_cold(plain)
        self.assertLessEqual(with_gate - without, 4, f"{with_gate} queries instead of {without}")

    def test_confirming_is_reviewed_once(self):
        order, changed = self._orders(2)
        (order | changed).with_user(self.buyer).button_confirm()
        models.BaseModel.write(changed.order_line[0].sudo(), {"price_unit": 99.0})  # no frame sees this
        self.env.cr.flush()
        suspects = frame_of(self.env).suspects.get("purchase.order", set())
        self.assertNotIn(order.id, suspects)
        self.assertIn(changed.id, suspects)
        with self.assertRaises(UserError):
            review_now(self.env)

    def test_a_void_release_is_noticed_before_the_commit(self):
        order = self._orders(1)
        order.with_user(self.buyer).button_confirm()
        self.env["distribution.approval.release"]._valid_for(order)[order.id]._void("Test")
        self.env.cr.flush()
        self.assertIn(order.id, frame_of(self.env).suspects.get("purchase.order", set()))
        with self.assertRaises(UserError):
            review_now(self.env)

    def test_confirming_many_orders_at_once(self):
        self.assertOverheadStays(20)

    def test_a_note_on_many_drafts(self):
        orders = self._orders(20)
        name = "notes" if "notes" in orders._fields else "note"

        def write():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            orders.write({name: "Deliver to gate 3"})
            self.env.flush_all()
            return self.cr.sql_log_count - before

        with_gate = write()
        self._ungoverned()
        self.assertLessEqual(with_gate, write())

    def test_inbox_with_500_pending(self):
        orders = self.env["purchase.order"]
        for _number in range(5):
            orders |= self._order(5000)
        orders.button_confirm()
        tasks = orders.sudo().approval_request_id.task_ids
        self._fill_inbox(tasks[0].request_id, 500)
        inbox = self.env["distribution.approval.task"].with_user(self.manager)

        def open_inbox():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertGreaterEqual(inbox.get_inbox_count(), 500)
            shown = ["document_name", "partner_id", "amount", "name", "why", "requester_id", "opened_at"]
            shown = {name: {} for name in (*shown, "request_state", "currency_id", "urgent", "state")}
            for name in ("partner_id", "requester_id", "currency_id"):
                shown[name] = {"fields": {"display_name": {}}}
            inbox.web_search_read(inbox._inbox_domain(), shown, limit=80, count_limit=10001)
            return self.cr.sql_log_count - before

        open_inbox()  # access rights and rules are cached per worker
        self.assertLessEqual(open_inbox(), 8)

    def _fill_inbox(self, request, number):
        """Pending requests like ``request``, written as the engine writes them."""
        requests = self.env["distribution.approval.request"].create(
            [
                {
                    "name": f"AR-{n}",
                    "res_model": request.res_model,
                    "res_id": request.res_id,
                    "document_type": request.document_type,
                    "document_name": f"P{n}",
                    "company_id": request.company_id.id,
                    "partner_id": request.partner_id.id,
                    "requester_id": request.requester_id.id,
                    "state": "pending",
                    "snapshot_id": request.snapshot_id.id,
                    "digest": request.digest,
                    "version_id": request.version_id.id,
                }
                for n in range(number)
            ]
        )
        self.env["distribution.approval.task"].create(
            [
                {
                    "request_id": each.id,
                    "sequence": 10,
                    "name": "Purchasing",
                    "state": "open",
                    "quorum": 1,
                    "digest": each.digest,
                    "user_ids": [(6, 0, self.manager.ids)],
                }
                for each in requests
            ]
        )
