"""A small company whose vendor bills are governed: a clerk, orders, receipts, a policy."""

from odoo import Command, fields

from odoo.addons.distribution_core.compat import LINE_UOM

from .document_case import DocumentCase


class BillCase(DocumentCase):
    """Bills that match order and receipt pass.

    Vendor blocked or somebody else's bank account: refused. More than 2 % beyond the order: purchasing.
    Beyond the receipts: operations. Without order, duplicate, above 25,000 or a tax that differs: finance.
    """

    document_type = "vendor_bill"

    @classmethod
    def _rules(cls):
        return [
            ("Blocked vendor", "refuse", [("vendor_status", "in", ["blocked"])], []),
            ("Account of somebody else", "refuse", [("foreign_bank_account", "is_true")], []),
            (
                "Matches",
                "pass",
                [
                    ("order_variance_percent", "le", "2"),
                    ("receipt_variance", "le", "0"),
                    ("without_order", "is_false"),
                    ("duplicate_reference", "is_false"),
                    ("duplicate_amount", "is_false"),
                    ("other_vendor", "is_false"),
                    ("order_not_confirmed", "is_false"),
                ],
                [],
            ),
            ("Beyond the order", "require", [("order_variance_percent", "gt", "2")], ["Purchasing"]),
            ("Beyond the receipts", "require", [("receipt_variance", "gt", "0")], ["Operations"]),
            ("Without order", "require", [("without_order", "is_true")], ["Finance"]),
            ("Reference again", "require", [("duplicate_reference", "is_true")], ["Finance"]),
            ("Amount again", "require", [("duplicate_amount", "is_true")], ["Finance"]),
            ("Other vendor's order", "require", [("other_vendor", "is_true")], ["Finance"]),
            ("Order not in force", "require", [("order_not_confirmed", "is_true")], ["Purchasing"]),
            ("Large", "require", [("amount", "gt", "25000")], ["Finance"]),
            ("Tax", "require", [("tax_difference", "gt", "1")], ["Finance"]),
        ]

    @classmethod
    def _make_people(cls):
        super()._make_people()
        accountant = "account.group_account_invoice,purchase.group_purchase_user"
        cls._people(clerk=accountant, other_clerk=accountant)

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.numbers = iter(range(1, 1000))
        cls.service = cls.env["product.product"].create(
            {"name": "Maintenance", "type": "service", "purchase_method": "purchase", "supplier_taxes_id": False}
        )
        # Each vendor an account of its own; no trust needed for manual payments.
        cls.account = cls.env["res.partner.bank"].create({"acc_number": "BE11 0001", "partner_id": cls.vendor.id})
        cls.foreign_account = cls.env["res.partner.bank"].create(
            {"acc_number": "BE99 6666", "partner_id": cls.new_vendor.id}
        )
        cls.bank = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company.id)], limit=1
        )

    # ---------------------------------------------------------------- helpers

    def _ordered(self, quantity=100, price=10.0, received=None, vendor=None, product=None, **values):
        """A confirmed order; everything received unless said otherwise."""
        product = product or self.product
        order = self.env["purchase.order"].create(
            {
                "partner_id": (vendor or self.vendor).id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_qty": quantity,
                            "price_unit": price,
                            LINE_UOM: product.uom_id.id,
                        }
                    )
                ],
                **values,
            }
        )
        order.button_confirm()
        self._receive(order, quantity if received is None else received)
        return order

    def _receive(self, order, quantity):
        if not quantity or not order.picking_ids:
            return
        picking = order.picking_ids.filtered(lambda picking: picking.state != "done")[:1]
        picking.move_ids.write({"quantity": quantity, "picked": True})
        picking.with_context(skip_backorder=True, picking_ids_not_to_backorder=())._action_done()

    def _bill(self, order=None, quantity=None, price=None, user=None, lines=None, **values):
        """A draft bill of an order, as the clerk enters it; without one: of the product."""
        order_line = order.order_line[:1] if order else self.env["purchase.order.line"]
        line = {
            "product_id": (order_line.product_id or self.product).id,
            "quantity": quantity or order_line.product_qty or 100,
            "price_unit": order_line.price_unit if price is None and order else price or 10.0,
            "purchase_line_id": order_line.id,
            "tax_ids": [Command.clear()],
        }
        return (
            self.env["account.move"]
            .with_user(user or self.clerk)
            .create(
                {
                    "move_type": "in_invoice",
                    "partner_id": (order.partner_id if order else self.vendor).id,
                    "invoice_date": fields.Date.today(),
                    "ref": f"INV-{next(self.numbers):04}",
                    "invoice_line_ids": lines or [Command.create(line)],
                    **values,
                }
            )
        )

    def _held_bill(self, **values):
        """A bill that waits for Finance: it has no order."""
        bill = self._bill(**values)
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("draft", "pending"))
        return bill

    def _posted_bill(self, quantity=100, **values):
        """A bill that matches its order and receipt."""
        bill = self._bill(self._ordered(quantity), **values)
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("posted", "passed"))
        return bill

    def _approved_bill(self, **values):
        bill = self._held_bill(**values)
        self._decide(bill, "Finance", self.finance)
        self.assertTrue(self._resume(bill))
        self.assertEqual((bill.state, bill.approval_state), ("posted", "released"))
        return bill

    def _register(self, bills, user=None, **values):
        """What the payment wizard does."""
        return (
            self.env["account.payment.register"]
            .with_user(user or self.clerk)
            .with_context(active_model="account.move", active_ids=bills.ids)
            .create(values)
            ._create_payments()
        )

    def _payment(self, amount=100, user=None, partner=None, **values):
        return (
            self.env["account.payment"]
            .with_user(user or self.clerk)
            .create(
                {
                    "payment_type": "outbound",
                    "partner_type": "supplier",
                    "partner_id": (partner or self.vendor).id,
                    "amount": amount,
                    "journal_id": self.bank.id,
                    **values,
                }
            )
        )

    def _account_of(self, kind):
        """An account of that type in this company."""
        accounts = self.env["account.account"]
        company = "company_ids" if "company_ids" in accounts._fields else "company_id"
        return accounts.search([("account_type", "=", kind), (company, "in", self.company.ids)], limit=1)

    def assertNotPosted(self, bill):
        bill.invalidate_recordset()
        self.assertNotEqual(bill.sudo().state, "posted")
        self.assertFalse(self._releases(bill))
