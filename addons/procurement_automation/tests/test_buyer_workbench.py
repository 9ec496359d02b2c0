"""The workbench: what is there for whom, in which order, and what nobody gets to see."""

from datetime import timedelta
from unittest import skipIf
from unittest.mock import patch

from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.distribution_approval.tests.bill_case import BillCase
from odoo.addons.distribution_core.compat import IS_17, SALE_LINE_TAXES
from odoo.addons.procurement_automation.engine import Announced
from odoo.addons.procurement_automation.models import buyer_workbench
from odoo.addons.procurement_automation.models.buyer_workbench import SHOWN

from .supplier_case import SupplierCase


class Workbench:
    """What a person sees."""

    def _load(self, user=None, scope="mine", section=None):
        return self.env["distribution.buyer.workbench"].with_user(user or self.buyer).load(scope, section)

    def _seen(self, record, user=None, scope="mine"):
        """The entry of ``record``; None."""
        items = self._load(user, scope)["items"]
        found = [item for item in items if (item["model"], item["id"]) == (record._name, record.id)]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def _press(self, item, label, user=None):
        """The button ``label`` of an entry, with the rights of who presses it."""
        (act,) = [act for act in item["acts"] if act["label"] == label]
        records = self.env[act["model"]].with_user(user or self.buyer).browse(act["ids"])
        return getattr(records, act["method"])()


@tagged("post_install", "-at_install")
class TestBuyerWorkbench(Workbench, SupplierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vendor.buyer_id = cls.buyer

    def _late(self, days=3, **values):
        order, confirmation = self._asked(**values)
        order.sudo().order_line.date_planned = fields.Datetime.now() - timedelta(days=days)
        return order, confirmation

    def test_an_order_is_late_once_its_day_is_over_where_the_company_works(self):
        order, _confirmation = self._asked()
        now = fields.Datetime.now()
        for hour, is_late in ((12, False), (1, True)):
            zone = f"Etc/GMT{11 - (hour - now.hour + 11) % 24:+d}"  # where the clock shows this hour
            self.company.sudo().resource_calendar_id.tz = self.company.partner_id.sudo().tz = zone
            order.sudo().order_line.date_planned = now - timedelta(hours=2)
            self.assertEqual(bool(self._seen(order)), is_late, hour)

    def _proposal(self, **values):
        """What a run would leave to a buyer."""
        run = self.env["distribution.replenishment.run"].sudo().create({"company_id": self.company.id})
        return (
            self.env["distribution.replenishment.proposal"]
            .sudo()
            .create(
                {
                    "run_id": run.id,
                    "company_id": self.company.id,
                    "product_id": self.product.id,
                    "location_id": self.warehouse.lot_stock_id.id,
                    "warehouse_id": self.warehouse.id,
                    "verdict": "review",
                    "reasons": "unusual_quantity",
                    "quantity": 12,
                    "needed": 12,
                    "unit_price": 10,
                    "vendor_id": self.vendor.id,
                    **values,
                }
            )
        )

    # ------------------------------------------------------------------ people

    def test_only_buyers_and_only_their_own(self):
        for user in (self.employee, self.auditor, self.compliance):
            with self.assertRaises(AccessError):
                self._load(user)
        for scope in ("all", self.other_buyer.id):
            with self.assertRaises(AccessError):
                self._load(scope=scope)
        for scope in ("everything", None, True, ["all"], {"a": 1}):
            with self.assertRaises(UserError):
                self._load(self.manager, scope)
        self.assertEqual(self._load(scope=self.buyer.id)["total"], self._load()["total"])

    def test_nothing_to_do(self):
        new = new_test_user(self.env, "t_new_buyer", groups="base.group_user,purchase.group_purchase_user")
        loaded = self._load(new)
        self.assertEqual((loaded["items"], loaded["total"], loaded["urgent"], loaded["late"]), ([], 0, 0, 0))
        self.assertFalse(any(section["count"] for section in loaded["sections"]))

    def test_whose_it_is(self):
        mine, _confirmation = self._late(user_id=self.buyer.id)
        others, _confirmation = self._late(user_id=self.other_buyer.id)
        nobodys, _confirmation = self._late()
        nobodys.sudo().user_id = False
        self.assertTrue(self._seen(mine))
        self.assertFalse(self._seen(others))
        self.assertFalse(self._seen(nobodys))
        self.assertTrue(self._seen(nobodys, scope="nobody"))
        self.assertFalse(self._seen(mine, scope="nobody"))
        for order in (mine, others, nobodys):
            self.assertTrue(self._seen(order, self.manager, "all"))
        self.assertTrue(self._seen(others, self.manager, self.other_buyer.id))
        loads = {load["buyer"]: load["entries"] for load in self._load(self.manager, "all")["workload"]}
        self.assertGreaterEqual(loads[self.other_buyer.id], 1)
        self.assertLessEqual({load["buyer"] for load in self._load()["workload"]}, {self.buyer.id, False})

    def test_another_company(self):
        company = self.env["res.company"].create({"name": "Sister"})
        manager = new_test_user(
            self.env,
            "t_sister",
            groups="base.group_user,purchase.group_purchase_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        order, _confirmation = self._late()
        proposal = self._proposal()
        loaded = self._load(manager, "all")
        self.assertFalse([one for one in loaded["items"] if one["id"] in (order.id, proposal.id)])
        self.assertNotIn(self.buyer.id, [load["buyer"] for load in loaded["workload"]])
        for record, method in ((proposal, "action_accept"), (proposal, "action_dismiss")):
            with self.assertRaises(AccessError):
                getattr(record.with_user(manager), method)()

    # ------------------------------------------------------------------- order

    def test_customers_come_first(self):
        late, _confirmation = self._late(days=30, lines=[(self.product_2, 1, 100.0)])
        order, confirmation = self._asked()
        proposal = self._proposal(runs_out_on=fields.Date.today(), horizon=fields.Date.today() + timedelta(days=4))
        sold = self.env["sale.order"].create(
            {
                "partner_id": self.env["res.partner"].create({"name": "Customer"}).id,
                "warehouse_id": self.warehouse.id,
                "commitment_date": fields.Datetime.now() + timedelta(days=22),
                "order_line": [
                    (
                        0,
                        0,
                        {
                            "product_id": self.product.id,
                            "product_uom_qty": 60,
                            "price_unit": 20.0,
                            SALE_LINE_TAXES: False,
                        },
                    )
                ],
            }
        )
        sold.action_confirm()
        confirmation._answer("link", self._says(confirmation.line_ids, later=15))
        self.assertEqual(confirmation.delay_ids.value_at_risk, 1200)
        items = [
            item
            for item in self._load()["items"]
            if (item["model"], item["id"])
            in [(record._name, record.id) for record in (late, order, proposal, confirmation)]
        ]
        self.assertEqual(
            [(item["section"], item["level"], item["days_late"]) for item in items],
            [
                ("confirmations", "urgent", 15),
                ("arrivals", "urgent", 0),
                ("arrivals", "late", 30),
                ("proposals", "late", 4),
            ],
        )
        self.assertIn("1,200", items[0]["at_risk"])
        self.assertIn("Customer", " ".join(items[1]["words"]))
        loaded = self._load()
        self.assertEqual(loaded["at_risk"], items[0]["at_risk"], "one order is at risk once")

    # ---------------------------------------------------------------- sections

    def test_confirmation_that_differs_is_accepted_in_place(self):
        _order, confirmation = self._asked()
        self.assertFalse(self._seen(confirmation), "the vendor has time")
        confirmation._answer("link", self._says(confirmation.line_ids, later=9))
        self.assertEqual(confirmation.state, "differs")
        item = self._seen(confirmation)
        self.assertEqual((item["section"], item["days_late"]), ("confirmations", 9))
        self.assertTrue(item["case"], "its case is shown with it")
        self.assertFalse([one for one in self._load()["items"] if one["model"] == "distribution.case"])
        self._press(item, "Accept")
        self.assertEqual(confirmation.state, "confirmed")
        self.assertFalse(self._seen(confirmation))

    def test_no_answer(self):
        _order, confirmation = self._asked()
        confirmation.sudo().write({"is_overdue": True, "asked_at": fields.Datetime.now() - timedelta(days=5)})
        item = self._seen(confirmation)
        self.assertEqual((item["level"], item["days_late"]), ("late", 5))
        self._press(item, "Remind Vendor")
        self.assertEqual(
            confirmation.link_ids.filtered(lambda link: link.state == "to_send").mapped("purpose"), ["ask"]
        )

    def test_ship_notice_in_conflict(self):
        order, _confirmation = self._asked()
        notice = self.env["distribution.ship.notice"]._take_in(
            order,
            {"reference": "ASN-W", "shipped_at": "2026-11-20 08:00:00"},
            [Announced(500, product=self.product.id)],
        )
        item = self._seen(notice)
        self.assertEqual((item["section"], bool(item["case"])), ("notices", True))
        self._press(item, "Cancel Notice")
        self.assertFalse(self._seen(notice))

    def test_a_notice_of_tonight_is_not_told_tomorrow(self):
        self.buyer.tz = "America/New_York"
        with freeze_time("2027-03-02 02:00:00"):  # 1 March in New York
            order, _confirmation = self._asked()
            notice = self.env["distribution.ship.notice"]._take_in(
                order,
                {"reference": "ASN-T", "shipped_at": "2027-03-01 08:00:00"},
                [Announced(500, product=self.product.id)],
            )
            self.assertEqual(self._seen(notice)["days_late"], 0)
        with freeze_time("2027-03-02 05:30:00"):
            self.assertEqual(self._seen(notice)["days_late"], 1)

    def test_short_receipt(self):
        self.company.receipt_compared = True
        order, _confirmation = self._asked()
        picking = order.sudo().picking_ids
        picking.move_ids.write({"quantity": 90, "picked": True})
        picking.with_context(skip_backorder=True, picking_ids_not_to_backorder=picking.ids).button_validate()
        case = self.env["distribution.case"].search([("dedup_key", "=", f"receipt:{picking.id}")])
        item = self._seen(case)
        self.assertEqual((item["section"], [act["method"] for act in item["acts"]][0]), ("receipts", "action_resolve"))
        self.assertIn("100", item["value"], "ten bolts that were paid for")
        self.assertFalse(self._seen(case, self.other_buyer))
        self.assertTrue(self._seen(case, self.manager, "all"))
        with self.assertRaises(AccessError):
            case.with_user(self.manager).action_take()
        with self.assertRaises(AccessError):
            case.with_user(self.manager).write({"name": "Nothing to see"})

    def test_proposals(self):
        proposal = self._proposal(forecast=-4, runs_out_on=fields.Date.today())
        self.product.lst_price = 25
        item = self._seen(proposal)
        self.assertIn("100", item["at_risk"], "four are missing, at 25")
        self.assertEqual([act["method"] for act in item["acts"]], ["action_accept", "action_dismiss"])
        blocked = self._proposal(reasons="no_vendor", vendor_id=False)
        item = self._seen(blocked, scope="nobody")
        self.assertEqual([act["method"] for act in item["acts"]], ["action_dismiss"], "nobody can deliver it")
        self._press(item, "Dismiss")
        self.assertFalse(self._seen(blocked, scope="nobody"))
        late = self._proposal(quantity=0, reasons="open_late_order")
        self.assertEqual(self._seen(late)["title"], self.product.display_name)

    def test_what_was_sent_back(self):
        order = self._order(amount=5000)
        order.button_confirm()
        task = self._task(order, "Purchasing")
        self.assertTrue(self._seen(task, self.manager), "it waits for the decision of the head of purchasing")
        self.assertFalse(self._seen(task))
        self._decide(order, "Purchasing", self.manager, "request_revision", comment="Ask for another price")
        self.assertFalse(self._seen(task, self.manager))
        item = self._seen(order.sudo().approval_request_id)
        self.assertEqual(
            (item["section"], [act["method"] for act in item["acts"]]),
            ("requests", ["action_open_document", "action_resubmit"]),
        )
        self._press(item, "Submit Again")
        self.assertFalse(self._seen(order.sudo().approval_request_id))

    def test_requisition_to_order(self):
        requisition = self.env["distribution.purchase.requisition"].create(
            {
                "justification": "The shelf is empty",
                "warehouse_id": self.warehouse.id,
                "user_id": self.buyer.id,
                "needed_by": fields.Date.today() - timedelta(days=2),
                "line_ids": [
                    (0, 0, {"product_id": self.product.id, "quantity": 3, "price_unit": 10}),
                    (0, 0, {"product_id": self.product_2.id, "quantity": 1, "price_unit": 100}),
                ],
            }
        )
        self.assertFalse(self._seen(requisition), "nobody approved it")
        requisition.action_submit()
        item = self._seen(requisition)
        self.assertEqual((item["section"], item["level"], item["days_late"]), ("requisitions", "late", 2))
        self.assertIn("130", item["value"])
        self.assertIn("3 ", item["words"][0])
        self.assertFalse(self._seen(requisition, self.other_buyer))
        self.assertTrue(self._seen(requisition, self.manager, "all"))
        action = self._press(item, "Order")
        wizard = self.env[action["res_model"]].with_user(self.buyer).browse(action["res_id"])
        wizard.line_ids[1].way = "later"
        wizard.line_ids[0].write({"way": "buy", "vendor_id": self.vendor.id})
        wizard.action_confirm()
        item = self._seen(requisition)
        self.assertIn("100", item["value"], "what was ordered is gone")
        action = self._press(item, "Do Not Buy")
        drop = self.env[action["res_model"]].with_user(self.buyer).with_context(**action["context"])
        drop.create({"reason": "Enough"}).action_confirm()
        self.assertFalse(self._seen(requisition))

    def test_rule_that_does_not_fit_demand(self):
        suggestion = self._suggestion()
        item = self._seen(suggestion)
        self.assertEqual((item["section"], item["level"]), ("demand", "waits"))
        self.assertIn("0 → 10", item["words"][0])
        self.assertFalse(self._seen(suggestion, self.other_buyer))
        self._press(item, "Accept")
        rule = suggestion.orderpoint_id
        self.assertEqual((suggestion.state, rule.product_min_qty, rule.product_max_qty), ("accepted", 10, 30))
        self.assertFalse(self._seen(suggestion))
        other = self._suggestion(product_id=self.product_2.id)
        self._press(self._seen(other), "Dismiss")
        self.assertEqual(other.state, "dismissed")

    def _suggestion(self, **values):
        """What a forecast would leave to a buyer."""
        run = self.env["distribution.demand.run"].sudo().create({"company_id": self.company.id})
        return (
            self.env["distribution.demand.suggestion"]
            .sudo()
            .create(
                {
                    "run_id": run.id,
                    "company_id": self.company.id,
                    "product_id": self.product.id,
                    "warehouse_id": self.warehouse.id,
                    "location_id": self.warehouse.lot_stock_id.id,
                    "vendor_id": self.vendor.id,
                    "method": "AutoETS",
                    "minimum": 10,
                    "maximum": 30,
                    "suggested_minimum": 10,
                    "suggested_maximum": 30,
                    **values,
                }
            )
        )

    # ------------------------------------------------------------------ counts

    def test_what_is_there_already_hides_nothing(self):
        """What was received is left out before anything is cut off, and what is cut off is counted."""
        done, _confirmation = self._late(days=9, lines=[(self.product, 1, 10.0), (self.product_2, 1, 10.0)])
        before = self._load(section="arrivals")["sections"][0]["count"]
        picking = done.sudo().picking_ids
        moves = picking.move_ids.filtered(lambda move: move.product_id == self.product)
        moves.write({"quantity": 1, "picked": True})
        picking.with_context(skip_backorder=True).button_validate()
        late = [self._late(days=days)[0] for days in (3, 2, 1)]
        done.sudo().order_line.filtered(lambda line: line.product_id == self.product_2).date_planned = (
            fields.Datetime.now() + timedelta(days=9)
        )
        with patch.object(buyer_workbench, "LOOKED_AT", 1):
            loaded = self._load(section="arrivals")
            self.assertEqual([item["id"] for item in loaded["items"]], late[0].ids)
            loads = {load["buyer"]: load["entries"] for load in loaded["workload"]}
            every = self._load()
        count = before - 1 + 3
        self.assertEqual((loaded["sections"][0]["count"], loaded["more"]), (count, count - 1))
        self.assertEqual((loads[self.buyer.id], loaded["total"]), (every["total"], every["total"]))

    # -------------------------------------------------------------------- speed

    def test_queries_do_not_grow(self):
        products = self.env["product.product"].create([{"name": f"Part {number}"} for number in range(200)])

        def count(user, scope):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            loaded = self._load(user, scope)
            return self.env.cr.sql_log_count - before, loaded["total"]

        def add(number):
            for product in products[:number]:
                self._proposal(product_id=product.id, forecast=-1)
            for _number in range(max(number // 40, 1)):
                self._late(lines=[(self.product, 1, 10.0)])
                _order, confirmation = self._asked([(self.product, 1, 10.0)])
                confirmation._answer("link", self._says(confirmation.line_ids, later=9))

        add(10)
        for user, scope in ((self.buyer, "mine"), (self.manager, "all")):
            count(user, scope)  # what is read once per process
        few = [count(user, scope) for user, scope in ((self.buyer, "mine"), (self.manager, "all"))]
        add(190)
        many = [count(user, scope) for user, scope in ((self.buyer, "mine"), (self.manager, "all"))]
        for (queries, total), (more_queries, more_total) in zip(few, many):
            self.assertGreaterEqual(total, 10)
            self.assertGreaterEqual(more_total, 200)
            self.assertLessEqual(more_queries, queries + 4, "the number of entries does not matter")
            self.assertLess(more_queries, 120)
        loaded = self._load(self.manager, "all")
        self.assertEqual((len(loaded["items"]), loaded["more"]), (SHOWN, loaded["total"] - SHOWN))
        self.assertEqual(self._load(section="arrivals")["items"][0]["section"], "arrivals")


@tagged("post_install", "-at_install")
class TestBuyerWorkbenchBills(Workbench, BillCase):
    def test_held_bill_is_with_the_buyer_of_the_order(self):
        self.company.bill_match_kept = True
        bill = self._bill(self._ordered(100, 10, user_id=self.buyer.id), price=12)
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("draft", "pending"))
        item = self._seen(bill)
        self.assertEqual((item["section"], bool(item["case"])), ("bills", True))
        self.assertFalse(self._seen(bill, self.other_buyer))
        self.assertTrue(self._seen(bill, self.manager, "all"))
        self.assertTrue(self._press(item, "Comparison"))

    @skipIf(IS_17, "Odoo matches bills with orders from 19.0 on")
    def test_a_bill_without_order_is_matched_in_place(self):
        order = self._ordered(100, 10)
        bill = self._bill(order)
        bill.invoice_line_ids.write({"purchase_line_id": False})
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("draft", "pending"))
        item = self._seen(bill, self.manager, "all")
        action = self._press(item, "Match with Orders", self.manager)
        self.env.flush_all()  # the rows are a view
        rows = self.env[action["res_model"]].sudo().search(action["domain"])
        rows.filtered(lambda row: row.purchase_order_id == order or row.account_move_id == bill).action_match_lines()
        self.assertEqual(bill.invoice_line_ids.purchase_line_id, order.order_line)
        self.assertTrue(bill.sudo()._approval_facts({"bill_matches"})[bill.id]["bill_matches"])
        labels = [act["label"] for act in (self._seen(bill, self.manager, "all") or {"acts": ()})["acts"]]
        self.assertNotIn("Match with Orders", labels)
