"""Lists that are too wide for a phone have cards."""

from lxml import etree
from odoo.tests import tagged

from odoo.addons.distribution_core.compat import IS_17

from .supplier_case import SupplierCase

LIST = "tree" if IS_17 else "list"
ACTIONS = (
    "action_ship_notice",
    "action_receipt_discrepancy",
    "action_match_line",
    "action_budget",
    "action_budget_line",
    "action_landed_rule",
    "action_landed_cost",
    "action_lead_time_drift",
    "action_supplier_promises",
    "action_supplier_delay_hit",
    "action_transfer_lane",
    "action_replenishment_run",
    "action_demand_run",
)


#: Rows without a form of their own.
ABOUT = {
    "distribution.receipt.discrepancy": "picking_id",
    "distribution.match.line": "bill_id",
    "distribution.supplier.delay.hit": "sale_order_id",
    "distribution.supplier.confirmation.line": None,
}


@tagged("post_install", "-at_install")
class TestPhoneLists(SupplierCase):
    def test_cards_for_phones(self):
        for name in ACTIONS:
            with self.subTest(name):
                action = self.env["ir.actions.act_window"]._for_xml_id(f"procurement_automation.{name}")
                self.assertEqual([kind for _id, kind in action["views"]][:2], [LIST, "kanban"])
                model = self.env[action["res_model"]].with_user(self.buyer)
                arch = model.get_views([(False, "kanban")])["views"]["kanban"]["arch"]
                shown = etree.fromstring(arch)
                self.assertIn("o_kanban_mobile", shown.get("class"))
                fields = {node.get("name") for node in shown.iter("field")}
                model.search([], limit=5).read(list(fields))

    def test_rows_open_what_they_are_about(self):
        _order, confirmation = self._asked()
        action = confirmation.line_ids.with_user(self.buyer).action_open_document()
        self.assertEqual((action["res_model"], action["res_id"]), (confirmation._name, confirmation.id))
        for name, about in ABOUT.items():
            model = self.env[name].with_user(self.buyer)
            views = model.get_views([(False, LIST), (False, "kanban")])["views"]
            for kind in LIST, "kanban":
                shown = etree.fromstring(views[kind]["arch"])
                self.assertEqual((shown.get("action"), shown.get("type")), ("action_open_document", "object"), name)
            if about:
                self.assertEqual(model._about, about)
                self.assertEqual(model._fields[about].type, "many2one")
