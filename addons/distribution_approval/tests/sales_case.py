"""A small company whose sale orders are governed: people, a policy, customers, prices and costs."""

from odoo import Command
from odoo.tests.common import new_test_user

from odoo.addons.distribution_core.compat import LINE_UOM, USER_GROUPS, storable_product_values

from .attack_case import AttackCase


class SalesCase(AttackCase):
    """The sales policy of the demo company in small.

    Up to 10,000 with at most 10 % discount, at least 15 % margin and within the credit limit: passes.
    More discount: sales management. Less margin: finance. Over the limit: credit control. Below cost:
    refused. What is not known is held.
    """

    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls._people(
            seller="sales_team.group_sale_salesman",
            seller_2="sales_team.group_sale_salesman",
            sales_manager="distribution_core.group_approver,sales_team.group_sale_manager",
            credit_controller="distribution_core.group_approver",
            clerk="stock.group_stock_user",
        )
        for name, person in (("Sales", cls.sales_manager), ("Credit", cls.credit_controller)):
            cls.groups[name] = cls.env["res.groups"].create({"name": name})
            person.write({USER_GROUPS: [Command.link(cls.groups[name].id)]})

    @classmethod
    def _user(cls, login, *groups):
        return new_test_user(cls.env, login=f"t_{login}", groups=",".join(("base.group_user", *groups)))

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.customer = cls.env["res.partner"].create({"name": "Builders", "is_company": True})
        cls.customer.with_company(cls.company).credit_limit = 20000
        cls.bolt = cls._make_sold("Hex bolt", price=10.0, cost=6.0)
        cls.anchor = cls._make_sold("Anchor", price=100.0, cost=70.0)
        cls.service = cls.env["product.product"].create(
            {"name": "Installation", "type": "service", "list_price": 50.0, "taxes_id": False}
        )
        cls.env["stock.quant"]._update_available_quantity(cls.bolt, cls.warehouse.lot_stock_id, 100000)

    @classmethod
    def _make_sold(cls, name, price, cost):
        return cls.env["product.product"].create(
            {
                "name": name,
                "categ_id": cls.category.id,
                "list_price": price,
                "standard_price": cost,
                "taxes_id": False,
                "supplier_taxes_id": False,
                "invoice_policy": "order",
                **storable_product_values(),
            }
        )

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        return cls._make_version("sale_order", "Sales policy", cls._sales_rules(), hit_policy)

    @classmethod
    def _sales_rules(cls):
        return [
            ("Below cost", "refuse", [("margin_percent", "lt", "0")], []),
            (
                "Within policy",
                "pass",
                [
                    ("amount", "le", "10000"),
                    ("discount_worst_line", "le", "10"),
                    ("margin_percent", "ge", "15"),
                    ("credit_over_limit", "le", "0"),
                ],
                [],
            ),
            ("Above 10,000", "require", [("amount", "gt", "10000")], ["Sales"]),
            ("Discount", "require", [("discount_worst_line", "gt", "10")], ["Sales"]),
            ("Thin margin", "require", [("margin_percent", "lt", "15")], ["Finance"]),
            ("Over the credit limit", "require", [("credit_over_limit", "gt", "0")], ["Credit"]),
        ]

    @classmethod
    def _make_version(cls, document_type, name, rules, hit_policy="COLLECT", **values):
        """A draft version: rules as ``(name, outcome, [(fact, operator, value)], [groups])``."""
        policies = cls.env["distribution.approval.policy"].with_user(cls.author)
        policy = policies.create({"name": name, "document_type": document_type, "company_id": cls.company.id})
        options = cls.env["distribution.approval.fact.option"]

        def condition(fact, operator, value=False):
            codes = value if isinstance(value, (list, tuple)) else ()
            found = options.search([("fact", "=", fact), ("code", "in", codes)])
            return Command.create(
                {
                    "fact": fact,
                    "operator": operator,
                    "value": False if codes else value,
                    "option_ids": [Command.set(found.ids)],
                }
            )

        def stage(sequence, group):
            return Command.create(
                {"sequence": sequence, "approver_kind": "group", "group_id": cls.groups[group].id, "name": group}
            )

        return (
            cls.env["distribution.approval.policy.version"]
            .with_user(cls.author)
            .create(
                {
                    "policy_id": policy.id,
                    "hit_policy": hit_policy,
                    "fallback_user_id": cls.fallback.id,
                    "tolerance_percent": 2,
                    "tolerance_amount": 50,
                    "rule_ids": [
                        Command.create(
                            {
                                "sequence": 10 * (number + 1),
                                "name": rule,
                                "outcome": outcome,
                                "condition_ids": [condition(*each) for each in conditions],
                                "stage_ids": [stage(10 * (n + 1), group) for n, group in enumerate(stages)],
                            }
                        )
                        for number, (rule, outcome, conditions, stages) in enumerate(rules)
                    ],
                    **values,
                }
            )
        )

    @classmethod
    def _govern(cls):
        cls.activation = cls._switch_on("sale_order")

    @classmethod
    def _switch_on(cls, document_type, warehouse=None):
        activation = (
            cls.env["distribution.approval.activation"]
            .with_user(cls.publisher)
            .create(
                {
                    "document_type": document_type,
                    "company_id": cls.company.id,
                    "warehouse_id": warehouse.id if warehouse else False,
                    "reason": "Roll-out",
                }
            )
        )
        activation.action_propose()
        activation.with_user(cls.publisher_2).action_confirm()
        return activation

    def _switch_off(self, activation=None):
        activation = activation or self.activation
        activation.with_user(self.publisher).action_propose_end()
        activation.with_user(self.publisher_2).action_confirm_end()

    # ---------------------------------------------------------------- helpers

    def _quotation(self, quantity=10, price=10.0, product=None, user=None, discount=0.0, lines=None, **values):
        """A quotation for bolts at list price."""
        lines = lines or [(product or self.bolt, quantity, price, discount)]
        return (
            self.env["sale.order"]
            .with_user(user or self.seller)
            .create(
                {
                    "partner_id": self.customer.id,
                    "warehouse_id": self.warehouse.id,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_uom_qty": quantity,
                                "price_unit": price,
                                "discount": discount,
                                LINE_UOM: product.uom_id.id,
                            }
                        )
                        for product, quantity, price, discount in lines
                    ],
                    **values,
                }
            )
        )

    def _held_quotation(self, discount=15.0, **values):
        """A quotation that waits for sales management."""
        order = self._quotation(discount=discount, **values)
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("draft", "pending"))
        return order

    def _confirmed(self, **values):
        """A confirmed order that policy passed."""
        order = self._quotation(**values)
        order.action_confirm()
        self.assertEqual((order.state, order.approval_state), ("sale", "passed"))
        return order

    def assertNotInForce(self, order):
        order.invalidate_recordset()
        self.assertNotEqual(order.sudo().state, "sale")
        self.assertFalse(order.sudo().picking_ids)
        self.assertFalse(self._releases(order))
