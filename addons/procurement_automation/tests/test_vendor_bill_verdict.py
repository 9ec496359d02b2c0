"""Bills are held by the verdict of the three-way match, with tolerances of vendor and category; it is kept."""

import psycopg2
from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_approval.tests.bill_case import BillCase


class VerdictCase(BillCase):
    @classmethod
    def _rules(cls):
        return [
            ("Matches", "pass", [("bill_matches", "is_true")], []),
            ("Does not match", "require", [("bill_matches", "is_false")], ["Finance"]),
        ]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.bill_match_kept = True
        cls.tolerance = cls.env["distribution.supplier.tolerance"].create(
            {"vendor_id": cls.vendor.id, "bill_price_percent": 2, "bill_quantity_percent": 3, "bill_receipt_percent": 1}
        )

    def _rows(self, bill):
        rows = self.env["distribution.match.line"].search([("bill_ref", "=", bill.id)])
        return [(row.verdict, row.kind, row.amount) for row in rows.sorted("id")]

    def _facts(self, bill, *names):
        facts = bill.sudo()._approval_facts(set(names))[bill.id]
        return tuple(facts[name] for name in names)

    def _case(self, bill):
        return self.env["distribution.case"].search([("dedup_key", "=", f"bill_mismatch:{bill.id}")])


@tagged("post_install", "-at_install")
class TestVendorBillVerdict(VerdictCase):
    def test_matches(self):
        bill = self._posted_bill()
        self.assertFalse(self._case(bill))
        self.assertEqual(self._rows(bill), [("match", False, 0)])
        self.assertEqual(self._facts(bill, "bill_matches", "match_amount_beyond", "match_kinds"), (True, 0, "none"))

    def test_within_the_tolerance_of_the_vendor(self):
        bill = self._bill(self._ordered(100, 10), price=10.2)
        bill.action_post()
        self.assertEqual((bill.state, self._rows(bill)), ("posted", [("tolerated", "price", 20)]))

    def test_beyond_is_held_and_kept_once(self):
        bill = self._bill(self._ordered(100, 10), price=10.21)
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("draft", "pending"))
        self.assertEqual(self._rows(bill), [("beyond", "price", 21)])
        self._decide(bill, "Finance", self.finance)
        self.assertTrue(self._resume(bill))
        self.assertEqual((bill.state, len(self._rows(bill))), ("posted", 1))

    def test_the_receipt_that_makes_it_match_releases_it(self):
        order = self._ordered(100, 10, received=60, user_id=self.buyer.id)
        bill = self._bill(order)
        bill.action_post()
        self.assertEqual(
            self._facts(bill, "bill_matches", "match_amount_beyond", "match_kinds"), (False, 400, "receipt")
        )
        case = self._case(bill)
        self.assertEqual((len(case), case.state, case.user_id), (1, "open", self.buyer))
        self.assertIn("400", case.description)
        self._receive(order, 40)
        self.env["account.move"]._cron_approval_judge_held()
        self.assertEqual(bill.approval_state, "approved")
        self.assertTrue(self._resume(bill))
        self.assertEqual((bill.state, case.state), ("posted", "resolved"))

    def test_other_vendors_have_no_tolerance(self):
        self.tolerance.vendor_id = self.new_vendor
        bill = self._bill(self._ordered(100, 10), price=10.01)
        bill.action_post()
        self.assertEqual(bill.approval_state, "pending")

    def test_without_order(self):
        bill = self._bill()
        bill.action_post()
        self.assertEqual((bill.approval_state, self._rows(bill)), ("pending", [("beyond", "no_order", 1000)]))

    def test_an_order_of_another_vendor_explains_nothing(self):
        """Nor does one that was cancelled."""
        other = self._ordered(100, 10, vendor=self.new_vendor)
        bill = self._bill(self._ordered(100, 10))
        bill.invoice_line_ids.write({"purchase_line_id": other.order_line.id})
        bill.action_post()
        self.assertEqual((bill.approval_state, self._rows(bill)), ("pending", [("beyond", "no_order", 1000)]))
        order = self._ordered(100, 10)
        self.assertTrue(order.sudo()._is_in_force_with(self.vendor))
        order.sudo().write({"state": "cancel"})
        self.assertFalse(order.sudo()._is_in_force_with(self.vendor))

    def test_an_order_link_that_is_cleared_does_not_slip_past(self):
        bill = self._bill(self._ordered(100, 10))
        bill.invoice_line_ids.write({"purchase_line_id": False})
        bill.action_post()
        self.assertEqual(bill.approval_state, "pending")

    def test_the_case_ends_with_the_bill(self):
        cancelled, deleted = (self._bill(self._ordered(100, 10), price=12) for _number in range(2))
        for bill in (cancelled, deleted):
            bill.action_post()
        cases = self._case(cancelled) | self._case(deleted)
        self.assertEqual(cases.mapped("state"), ["open", "open"])
        cancelled.button_cancel()
        deleted.sudo().unlink()
        self.assertEqual(cases.mapped("state"), ["resolved", "resolved"])

    def test_a_match_belongs_to_the_site_for_which_all_was_bought(self):
        warehouses = self.env["stock.warehouse"].sudo()
        north, south = warehouses.create(
            [{"name": name, "code": f"VB{name[0]}", "company_id": self.company.id} for name in ("North", "South")]
        )
        past = south.in_type_id.copy({"name": "Past the sites", "warehouse_id": False, "sequence_code": "VBX"})
        cases = {
            "one order": ([north.in_type_id], [], north),
            "two orders": ([north.in_type_id] * 2, [], north),
            "freight beside it": ([south.in_type_id], [False], south),
            "of two sites": ([north.in_type_id, south.in_type_id], [], warehouses),
            "of none": ([past], [], warehouses),
            "of one and none": ([north.in_type_id, past], [], warehouses),
            "without order": ([], [False], warehouses),
        }
        rows, places = {}, {}
        for name, (kinds, others, site) in cases.items():
            lines = [self._ordered(7, 10, received=0, picking_type_id=kind.id).order_line for kind in kinds]
            bill = self.env["account.move"].create(
                {
                    "move_type": "in_invoice",
                    "partner_id": self.vendor.id,
                    "invoice_date": fields.Date.today(),
                    "ref": name,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": self.product.id,
                                "quantity": 7,
                                "price_unit": 10,
                                "purchase_line_id": line and line.id,
                                "tax_ids": [Command.clear()],
                            }
                        )
                        for line in (*lines, *others)
                    ],
                }
            )
            bill.with_user(self.clerk).action_post()
            rows[name] = self.env["distribution.match.line"].search([("bill_ref", "=", bill.id)])
            self.assertEqual(len(rows[name]), len(kinds) + len(others), name)
            places[name] = site
        own = [("bill_ref", "in", [found[0].bill_ref for found in rows.values()])]

        def names(user, *condition):
            """Whose matches ``user`` finds so."""
            found = self.env["distribution.match.line"].with_user(user).search([*own, condition])
            return {name for name, kept in rows.items() if kept <= found.with_env(kept.env)}

        of_north, of_south = {"one order", "two orders"}, {"freight beside it"}
        for user in (self.env.user, self.clerk, new_test_user(self.env, "t_cash", "account.group_account_invoice")):
            for name, site in places.items():
                self.assertEqual(rows[name].with_user(user).mapped("site_id"), site, name)
            for condition, wanted in (
                (("site_id", "=", north.id), of_north),
                (("site_id", "in", [north.id, south.id]), of_north | of_south),
                (("site_id", "!=", north.id), set(cases) - of_north),
                (("site_id", "not in", [north.id, False]), of_south),
                (("site_id", "=", False), set(cases) - of_north - of_south),
                (("site_id", "!=", False), of_north | of_south),
                (("site_id", "ilike", "nort"), of_north),
                (("site_id", "not ilike", "nort"), set(cases) - of_north),
                (("site_id", "in", []), set()),
                (("site_id.code", "=", "VBS"), of_south),
            ):
                self.assertEqual(names(user, *condition), wanted, condition)

    def test_tolerances_are_read_for_all_vendors_at_once(self):
        other = self.tolerance.copy({"vendor_id": self.new_vendor.id, "bill_price_percent": 7})
        found = self.tolerance._for_all(
            {(self.company, vendor): [self.product] for vendor in (self.vendor, self.new_vendor, self.blocked_vendor)}
        )
        self.assertEqual(
            [rows[self.product] for rows in found.values()], [self.tolerance, other, self.tolerance.browse()]
        )

    def test_what_was_found_is_kept(self):
        bill = self._bill(self._ordered(100, 10), price=12)
        bill.action_post()
        row = self.env["distribution.match.line"].search([("bill_ref", "=", bill.id)])
        self.assertEqual(row.action_open_document()["res_id"], bill.id)
        for user in (self.clerk, self.buyer, self.auditor):
            with self.assertRaises(AccessError):
                row.with_user(user).write({"verdict": "match"})
            with self.assertRaises(AccessError):
                row.with_user(user).unlink()
        self.env.flush_all()
        with self.assertRaises(psycopg2.Error), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env.cr.execute("UPDATE distribution_match_line SET verdict = 'match' WHERE id = %s", [row.id])

    def test_queries_do_not_grow_with_the_bills(self):
        bills = self.env["account.move"]
        for _number in range(6):
            bills |= self._bill(self._ordered(10, 10))
        bills = bills.sudo()

        def queries(some):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some._bill_verdicts()
            return self.env.cr.sql_log_count - before

        queries(bills[:2])
        self.assertLessEqual(queries(bills), queries(bills[:2]) + 2)


@tagged("post_install", "-at_install")
class TestFreightOnBills(VerdictCase):
    """Freight without an order line is measured by what the orders led to expect."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["distribution.landed.rule"].create({"kind": "freight", "method": "percent", "rate": 10})
        cls.carriage = cls.env["product.product"].create(
            {"name": "Carriage", "type": "service", "landed_cost_ok": True, "supplier_taxes_id": False}
        )
        cls.tolerance.bill_freight_amount = 5

    def _with_freight(self, amount, order=None, product=None):
        """A bill of ``order``, half of which it bills, and its freight."""
        lines = [{"product_id": (product or self.carriage).id, "quantity": 1, "price_unit": amount}]
        if order:
            lines.append(
                {
                    "product_id": self.product.id,
                    "quantity": 50,
                    "price_unit": 10.0,
                    "purchase_line_id": order.order_line.id,
                }
            )
        commands = [Command.create({"tax_ids": [Command.clear()], **line}) for line in lines]
        bill = self._bill(order, lines=commands)
        return bill, self._facts(bill, "bill_matches", "match_amount_beyond", "match_kinds")

    def test_within_what_was_expected(self):
        order = self._ordered(100, 10)
        self.assertEqual(self._with_freight(100, order)[1], (True, 0, "none"))
        self.assertEqual(self._with_freight(105, order)[1], (True, 0, "none"), "within tolerance")

    def test_beyond_what_was_expected(self):
        bill, facts = self._with_freight(106, self._ordered(100, 10))
        self.assertEqual(facts, (False, 6, "freight"))
        bill.action_post()
        self.assertEqual(bill.approval_state, "pending")
        self.assertIn(("beyond", "freight", 6), self._rows(bill))

    def test_duty_that_was_expected_does_not_pay_for_freight(self):
        rules = self.env["distribution.landed.rule"]
        rules.create({"kind": "duty", "method": "percent", "rate": 20})
        duty = self.env["product.product"].create(
            {
                "name": "Duty",
                "type": "service",
                "landed_cost_ok": True,
                "landed_cost_kind": "duty",
                "supplier_taxes_id": False,
            }
        )
        order = self._ordered(100, 10)
        kept = self.env["distribution.landed.cost"].search([("order_id", "=", order.id)])
        self.assertEqual((kept.freight, kept.duty, duty.landed_cost_kind), (100, 200, "duty"))
        self.assertEqual(self._with_freight(150, order)[1], (False, 50, "freight"))
        self.assertEqual(self._with_freight(200, order, duty)[1], (True, 0, "none"))
        bill = self._with_freight(90, order)[0]
        bill.invoice_line_ids = [
            Command.create({"product_id": duty.id, "quantity": 1, "price_unit": 220.0, "tax_ids": [Command.clear()]})
        ]
        self.assertEqual(
            self._facts(bill, "bill_matches", "match_amount_beyond", "match_kinds"), (False, 20, "freight")
        )
        self._with_freight(150, order, duty)[0].action_post()
        self.assertEqual(self._with_freight(100, order)[1], (True, 0, "none"), "duty took nothing of it")
        self.assertEqual(self._with_freight(80, order, duty)[1], (False, 30, "freight"))
        rules.search([("kind", "=", "freight")]).active = False
        self.assertEqual(self._with_freight(50, self._ordered(100, 10))[1], (False, 50, "freight"))

    def test_freight_is_paid_once(self):
        order = self._ordered(100, 10)
        first, _facts = self._with_freight(80, order)
        first.action_post()
        self.assertEqual(first.state, "posted")
        self.assertEqual(self._with_freight(20, order)[1], (True, 0, "none"))
        self.assertEqual(self._with_freight(80, order)[1], (False, 60, "freight"))

    def test_bills_that_are_judged_together_count_together(self):
        order = self._ordered(100, 10)
        bills = self._with_freight(80, order)[0] | self._with_freight(80, order)[0]
        facts = bills.sudo()._approval_facts({"match_amount_beyond"})
        self.assertEqual(sorted(found["match_amount_beyond"] for found in facts.values()), [0, 60])

    def test_otherwise_not_ordered(self):
        """Without an order, of an order that leads to expect none, and of goods that are no landed cost."""
        self.assertEqual(self._with_freight(50)[1], (False, 50, "no_order"))
        order = self._ordered(100, 10)
        self.assertEqual(self._with_freight(50, order, self.service)[1], (False, 50, "no_order"))
        self.env["distribution.landed.rule"].search([]).active = False
        self.assertEqual(self._with_freight(50, self._ordered(100, 10))[1], (False, 50, "no_order"))
        other = self._ordered(100, 10, vendor=self.new_vendor)
        bill, _facts = self._with_freight(50, self._ordered(100, 10))
        bill.invoice_line_ids.filtered("purchase_line_id").write({"purchase_line_id": other.order_line.id})
        self.assertEqual(self._facts(bill, "match_kinds", "match_amount_beyond"), ("no_order", 550))
