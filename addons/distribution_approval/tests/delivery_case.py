"""Deliveries under approval: what is held, who releases it."""

from odoo.exceptions import UserError

from .sales_case import SalesCase


class DeliveryCase(SalesCase):
    """Sale orders are not governed here; deliveries are.

    Delivery hold: a delivery without a reason passes, for the rest Operations is asked. Credit release,
    when switched on: within the limit passes, else credit control.
    """

    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.accountant = cls._user(
            "receivables", "account.group_account_invoice", "sales_team.group_sale_salesman_all_leads"
        )

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        return cls._make_version(
            "delivery_hold",
            "Delivery holds",
            [
                ("Fraud", "refuse", [("hand_set_reason", "in", ["fraud"])], []),
                ("Nothing holds it", "pass", [("held", "is_false")], []),
                ("Something holds it", "require", [("held", "is_true")], ["Operations"]),
            ],
        )

    @classmethod
    def _govern(cls):
        cls.activation = cls._switch_on("delivery_hold")

    @classmethod
    def _govern_credit(cls, *rules):
        version = cls._make_version(
            "credit_release",
            "Credit release",
            [
                *rules,
                ("Within the limit", "pass", [("credit_over_limit", "le", "0"), ("overdue_days", "le", "30")], []),
                ("Over the limit", "require", [("credit_over_limit", "gt", "0")], ["Credit"]),
                ("Long overdue", "require", [("overdue_days", "gt", "30")], ["Credit"]),
            ],
        )
        cls._publish(version)
        return cls._switch_on("credit_release")

    def _order_of(self, quantity=10, **values):
        order = self._quotation(quantity=quantity, **values)
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        return order

    def _delivery(self, quantity=10, hold=None, picked=None, **values):
        """A delivery that is ready; ``hold``: the reason for which its order is held by hand."""
        order = self._order_of(quantity, **values)
        if hold:
            order.with_user(self.sales_manager).action_hold_deliveries(hold, "see mail")
        picking = order.sudo().picking_ids.with_user(self.clerk).sudo(False)
        picking.sudo().action_assign()
        self.assertEqual(picking.state, "assigned")
        if picked is not None:
            picking.move_ids.quantity = picked
            picking.move_ids.picked = True
        return picking

    def _bare_delivery(self):
        """Bolts to the customer that no order asks for."""
        picking = self.env["stock.picking"].create(
            {
                "picking_type_id": self.warehouse.out_type_id.id,
                "location_id": self.warehouse.lot_stock_id.id,
                "location_dest_id": self.env.ref("stock.stock_location_customers").id,
                "partner_id": self.customer.id,
            }
        )
        values = {
            "product_id": self.bolt.id,
            "product_uom_qty": 5,
            "picking_id": picking.id,
            "location_id": picking.location_id.id,
            "location_dest_id": picking.location_dest_id.id,
        }
        if "name" in self.env["stock.move"]._fields:
            values["name"] = "Bolts"
        self.env["stock.move"].create(values)
        picking.action_confirm()
        picking.action_assign()
        return picking.with_user(self.clerk)

    def _hold(self, picking, document="delivery_hold"):
        return picking.sudo()[f"{document}_ids"]

    def assertHeld(self, picking):
        picking.invalidate_recordset()
        self.assertNotEqual(picking.state, "done")
        self.assertFalse(picking.sudo().move_ids.filtered(lambda move: move.state == "done"))

    def _validate_in_vain(self, picking, stock):
        """Press Validate, whatever it answers: the goods stay, ``stock`` is what lay there before."""
        try:
            with self.env.cr.savepoint():
                picking.button_validate()
                self._commit()
        except UserError:
            pass
        self.assertHeld(picking)
        self.assertEqual(self._stock(), stock)

    def _taken_back(self, delivery, quantity, **values):
        """The receipt that the return wizard makes of ``quantity``, for whoever ``delivery`` is read as."""
        wizard = (
            self.env["stock.return.picking"]
            .with_env(delivery.env)
            .with_context(active_id=delivery.id, active_ids=delivery.ids, active_model="stock.picking")
            .create({"picking_id": delivery.id, **values})
        )
        wizard.product_return_moves.quantity = quantity
        action = wizard.create_returns() if hasattr(wizard, "create_returns") else wizard.action_create_returns()
        receipt = delivery.browse(action["res_id"])
        receipt.sudo().move_ids.write({"quantity": quantity, "picked": True})
        return receipt

    def _stock(self):
        """Bolts in stock, reserved or not."""
        self.env.flush_all()
        place = [("product_id", "=", self.bolt.id), ("location_id", "=", self.warehouse.lot_stock_id.id)]
        return sum(self.env["stock.quant"].search(place).mapped("quantity"))
