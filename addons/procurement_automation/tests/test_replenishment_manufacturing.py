"""Rules of products that are made, or could be: Odoo's own quantities and orders. Where Manufacturing is installed."""

from unittest import SkipTest

from odoo.tests import TransactionCase, tagged

from odoo.addons.distribution_core.compat import storable_product_values

from ..models.replenishment_known import unknown_changes
from .replenishment_company import GeneratedCompany
from .test_replenishment_companies import computed, worked_off
from .test_requisition import RequisitionCase


@tagged("post_install", "-at_install")
class TestReplenishmentManufacturing(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "mrp.bom" not in cls.env:
            raise SkipTest("Manufacturing is not installed: the suite does not need it.")
        cls.generated = GeneratedCompany(cls.env, rules=24, sites=1, seed=5, below=0.8, routine=True)
        cls.rules, cls.company = cls.generated.orderpoints, cls.generated.company
        products = cls.rules.product_id
        cls.component, cls.bought, cls.made = products[0], products[1:6], products[6:12]
        for product in cls.bought + cls.made:
            cls._bill(product, "normal")
        manufacture = cls.env["stock.rule"].search(
            [("action", "=", "manufacture"), ("company_id", "=", cls.company.id)], limit=1
        )
        cls.made.product_tmpl_id.route_ids = manufacture.route_id
        # Sold as a kit: its deliveries take the component.
        kit = cls.env["product.product"].create({"name": "Kit", **storable_product_values()})
        cls._bill(kit, "phantom")
        rule = cls.rules.filtered(lambda one: one.product_id == cls.component)
        values = cls.generated._move_values(rule, rule.location_id, cls.generated.customers)
        delivered = {"product_id": kit.id, "product_uom_qty": 40, "picking_type_id": rule.warehouse_id.out_type_id.id}
        cls.env["stock.move"].create({**values, **delivered})._action_confirm()
        cls.company.write(
            {
                "replenishment_by": "suite",
                "replenishment_look_out": 0,
                "replenishment_unusual_factor": 0,
                "replenishment_price_jump": 0,
                "replenishment_cover_days": 0,
            }
        )
        cls.env.flush_all()
        cls.env.invalidate_all()

    @classmethod
    def _bill(cls, product, kind):
        return cls.env["mrp.bom"].create(
            {
                "product_tmpl_id": product.product_tmpl_id.id,
                "product_qty": 1,
                "type": kind,
                "bom_line_ids": [(0, 0, {"product_id": cls.component.id, "product_qty": 2})],
            }
        )

    def test_nothing_unread_changes_odoo_with_manufacturing(self):
        self.assertEqual(unknown_changes(self.env), [])

    def test_every_quantity_is_that_of_odoo(self):
        judgement = self.env["distribution.replenishment.judgement"]._prepared(self.rules)
        findings = judgement._evaluate_prepared(self.rules.with_env(judgement.env), 90)
        with_bill = self.bought + self.made
        self.env.invalidate_all()
        for key, quantity in computed(self.rules).items():
            finding = findings[key]
            self.assertEqual(finding.is_from_core, finding.product_id in with_bill.ids)
            self.assertAlmostEqual(finding.need.core_quantity, quantity, 4, finding)
        component = next(one for one in findings.values() if one.product_id == self.component.id)
        self.assertGreaterEqual(component.position.outgoing + component.position.later_outgoing, 80)

    def _ordered(self, act):
        """``({rule: (vendor, quantity)}, {rule: quantity made})``; undone afterwards."""
        before = self.env["mrp.production"].search([])
        self.env.flush_all()
        savepoint = self.env.cr.savepoint()
        act()
        self.env.flush_all()
        self.env.invalidate_all()
        lines = self.env["purchase.order.line"].search(
            [("orderpoint_id", "in", self.rules.ids), ("state", "=", "draft")]
        )
        orders = self.env["mrp.production"].search([("id", "not in", before.ids)])
        found = (
            {line.orderpoint_id.id: (line.partner_id.id, line.product_qty, line.date_planned) for line in lines},
            {order.orderpoint_id.id: (order.product_qty, order.date_start) for order in orders},
        )
        self.env.invalidate_all(flush=False)
        savepoint.close(rollback=True)
        return found

    def test_the_same_is_bought_and_made(self):
        def core():
            self.env.invalidate_all()
            computed(self.rules)
            self.rules.sudo()._procure_orderpoint_confirm(company_id=self.company, raise_user_error=False)

        def ours():
            run = self.env["distribution.replenishment.run"].create({"orderpoint_ids": [(6, 0, self.rules.ids)]})
            worked_off(run)
            self.assertFalse(run.failed + run.reviewed, run.proposal_ids.mapped("reasons"))

        theirs, mine = self._ordered(core), self._ordered(ours)
        self.assertGreater(len(theirs[0]), 5)
        self.assertGreater(len(theirs[1]), 1)
        self.assertEqual(mine, theirs)


@tagged("post_install", "-at_install")
class TestKitUnderARule(RequisitionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "mrp.bom" not in cls.env:
            raise SkipTest("Manufacturing is not installed: the suite does not need it.")

    def test_a_requisition_for_its_components_counts(self):
        """A rule on a kit does not order again what a requisition for its components brings."""
        kit = self.env["product.product"].create({"name": "Kit", **storable_product_values()})
        place = {"warehouse_id": self.warehouse.id, "location_id": self.warehouse.lot_stock_id.id}
        limits = {"product_min_qty": 10, "product_max_qty": 10}
        rule, part = self.env["stock.warehouse.orderpoint"].create(
            [{"product_id": product.id, **place, **limits} for product in (kit, self.product)]
        )
        # Odoo refuses a kit with a rule in force; one that comes back from the archive is there all the same.
        rule.active = False
        self.env["mrp.bom"].create(
            {
                "product_tmpl_id": kit.product_tmpl_id.id,
                "product_qty": 1,
                "type": "phantom",
                "bom_line_ids": [(0, 0, {"product_id": self.product.id, "product_qty": 2})],
            }
        )
        rule.active = True
        self.assertEqual((rule + part)._quantity_in_progress(), {rule.id: 0, part.id: 0})
        self.assertEqual(computed(rule)[rule.id], 10)
        self._approved_one(20)
        self.assertEqual((rule + part)._quantity_in_progress(), {rule.id: 10, part.id: 20})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(computed(rule)[rule.id], 0)
