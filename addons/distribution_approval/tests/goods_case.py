"""A warehouse whose stock is governed: people, goods on hand, policies for what changes stock."""

from odoo import Command

from odoo.addons.distribution_core.compat import USER_GROUPS, storable_product_values

from .attack_case import AttackCase


class GoodsCase(AttackCase):
    """100 bolts at 10, 50 nuts at 100; documents of ``document_types`` are governed.

    Up to 500 pass where a cause is given; above that the controller decides.
    """

    document_types = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Who corrects transfers reads their entries: core refuses it else, for a reason of its own.
        entries = "account.group_account_readonly"
        cls._people(
            "g_",
            keeper=f"stock.group_stock_user,{entries}",
            chief=f"stock.group_stock_manager,{entries}",
            other_chief="stock.group_stock_manager",
            system="base.group_system,stock.group_stock_manager",
            controller="distribution_core.group_approver",
        )
        cls.groups["Controlling"] = cls.env["res.groups"].create({"name": "Controlling"})
        cls.controller.write({USER_GROUPS: [Command.link(cls.groups["Controlling"].id)]})
        cls.stock = cls.warehouse.lot_stock_id
        cls.bolt = cls._make_stocked("Bolt M8", 10, 100)
        cls.nut = cls._make_stocked("Nut M8", 100, 50)
        cls.loss = cls.bolt.with_company(cls.company).property_stock_inventory
        cls.cause = cls.env.ref("distribution_approval.cause_unknown")
        cls.branch = cls.env["stock.warehouse"].create({"name": "Branch", "code": "BRN", "company_id": cls.company.id})
        cls.env.flush_all()
        for document_type in cls.document_types:
            cls._publish(cls._make_goods_policy(document_type))
            cls._govern_type(document_type)

    @classmethod
    def _make_stocked(cls, name, cost, quantity, **values):
        product = cls.env["product.product"].create(
            {"name": name, "categ_id": cls.category.id, "standard_price": cost, **storable_product_values(), **values}
        )
        if quantity:
            cls.env["stock.quant"]._update_available_quantity(product, cls.stock, quantity)
        return product

    @classmethod
    def _goods_rules(cls, document_type):
        """``[(name, outcome, [(fact, operator, value)], group)]``."""
        return [
            ("Small", "pass", [("amount", "le", "500")], None),
            ("Large", "require", [("amount", "gt", "500")], "Controlling"),
        ]

    @classmethod
    def _make_goods_policy(cls, document_type, **values):
        policies = cls.env["distribution.approval.policy"].with_user(cls.author)
        policy = policies.search([("document_type", "=", document_type), ("company_id", "=", cls.company.id)])
        policy = policy or policies.create(
            {"name": document_type, "document_type": document_type, "company_id": cls.company.id}
        )
        return (
            cls.env["distribution.approval.policy.version"]
            .with_user(cls.author)
            .create(
                {
                    "policy_id": policy.id,
                    "hit_policy": "COLLECT",
                    "fallback_user_id": cls.fallback.id,
                    "spend_window_days": 7,
                    "tolerance_percent": 2,
                    "tolerance_amount": 50,
                    "rule_ids": [
                        Command.create(
                            {
                                "sequence": sequence,
                                "name": name,
                                "outcome": outcome,
                                "condition_ids": [
                                    Command.create({"fact": fact, "operator": operator, "value": value})
                                    for fact, operator, value in conditions
                                ],
                                "stage_ids": [
                                    Command.create(
                                        {
                                            "sequence": 10,
                                            "approver_kind": "group",
                                            "group_id": cls.groups[group].id,
                                            "name": group,
                                        }
                                    )
                                ]
                                if group
                                else [],
                            }
                        )
                        for sequence, (name, outcome, conditions, group) in enumerate(
                            cls._goods_rules(document_type), 1
                        )
                    ],
                    **values,
                }
            )
        )

    @classmethod
    def _govern_type(cls, document_type, site=None):
        activation = (
            cls.env["distribution.approval.activation"]
            .with_user(cls.publisher)
            .create(
                {
                    "document_type": document_type,
                    "company_id": cls.company.id,
                    "warehouse_id": site.id if site else False,
                    "reason": "Roll-out",
                }
            )
        )
        activation.action_propose()
        activation.with_user(cls.publisher_2).action_confirm()
        return activation

    # ---------------------------------------------------------------- helpers

    def _quant(self, product, user=None, location=None):
        quant = self.env["stock.quant"].search(
            [("product_id", "=", product.id), ("location_id", "=", (location or self.stock).id)], limit=1
        )
        return quant.with_user(user or self.chief).with_context(inventory_mode=True)

    def _on_hand(self, product, location=None):
        self.env.flush_all()
        self.env["stock.quant"].invalidate_model()
        domain = [("product_id", "=", product.id), ("location_id", "child_of", (location or self.stock).id)]
        return sum(self.env["stock.quant"].search(domain).mapped("quantity"))

    def _count(self, product, quantity, user=None, cause=True, apply=True):
        """Count ``product`` and apply; returns the quant."""
        quant = self._quant(product, user)
        quant.write({"inventory_quantity": quantity, "approval_reason_id": self.cause.id if cause else False})
        if apply:
            quant.action_apply_inventory()
        return quant

    def _adjustment(self, quant):
        return quant.sudo().approval_adjustment_id.ensure_one()

    def _move_name(self, product):
        return {"name": product.name} if "name" in self.env["stock.move"]._fields else {}

    def _picking(self, product, quantity, source, destination, picking_type=None, user=None):
        picking_type = picking_type or self.warehouse.int_type_id
        picking = (
            self.env["stock.picking"]
            .with_user(user or self.keeper)
            .create(
                {
                    "picking_type_id": picking_type.id,
                    "location_id": source.id,
                    "location_dest_id": destination.id,
                    "move_ids": [
                        Command.create(
                            {
                                **self._move_name(product),
                                "product_id": product.id,
                                "product_uom_qty": quantity,
                                "location_id": source.id,
                                "location_dest_id": destination.id,
                            }
                        )
                    ],
                }
            )
        )
        picking.action_confirm()
        picking.action_assign()
        picking.move_ids.quantity = quantity
        picking.move_ids.picked = True
        return picking

    def _move(self, product, quantity, source, destination, user=None, **values):
        """A stock move on its own, ready to be done."""
        return (
            self.env["stock.move"]
            .with_user(user or self.chief)
            .create(
                {
                    **self._move_name(product),
                    "product_id": product.id,
                    "product_uom_qty": quantity,
                    "product_uom": product.uom_id.id,
                    "location_id": source.id,
                    "location_dest_id": destination.id,
                    "picked": True,
                    "move_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_uom_id": product.uom_id.id,
                                "quantity": quantity,
                                "location_id": source.id,
                                "location_dest_id": destination.id,
                            }
                        )
                    ],
                    **values,
                }
            )
        )

    def _run_code(self, code, user=None):
        """A server action with ``code``, run by somebody of the system's administration."""
        action = self.env["ir.actions.server"].create(
            {
                "name": "Attack",
                "model_id": self.env.ref("stock.model_stock_quant").id,
                "state": "code",
                "code": code,
            }
        )
        return action.with_user(user or self.system).run()
