"""A small company whose purchase orders are governed: people, a policy, vendors, prices."""

from odoo import Command
from odoo.tests.common import TransactionCase

from odoo.addons.distribution_core.compat import LINE_UOM, USER_GROUPS, storable_product_values  # noqa: F401
from odoo.addons.distribution_core.tests.people import make_users

#: Policies of tests are in force since then.
LONG_AGO = "2020-01-01"


class ApprovalCase(TransactionCase):
    """One company, governed; the purchase policy of the demo company in small.

    Vendor blocked: refused. Approved vendor, up to 2,500, at most 5 % over contract: passes. Above
    2,500: purchasing. Above 25,000: purchasing, then finance and operations. Vendor not approved:
    compliance as well. Over contract or without one: category management as well.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.company = cls.env.company
        cls._make_people()
        cls._make_goods()
        cls.version = cls._make_policy()
        cls._publish(cls.version)
        cls._govern()

    @classmethod
    def _make_people(cls):
        names = ("Purchasing", "Finance", "Operations", "Compliance", "Categories")
        cls.groups = dict(zip(names, cls.env["res.groups"].create([{"name": name} for name in names])))
        approver, buyer = "distribution_core.group_approver", "purchase.group_purchase_user"
        publisher = "distribution_core.group_policy_publisher"
        cls._people(
            buyer=buyer,
            other_buyer=buyer,
            manager=f"{approver},purchase.group_purchase_manager",
            finance=approver,
            finance_2=approver,
            operations=approver,
            compliance=f"{approver},distribution_core.group_vendor_manager",
            category_manager=approver,
            fallback=approver,
            author="distribution_core.group_policy_author",
            publisher=publisher,
            publisher_2=publisher,
            auditor="distribution_core.group_auditor",
            employee="",
        )
        for name, people in (
            ("Purchasing", cls.manager),
            ("Finance", cls.finance | cls.finance_2),
            ("Operations", cls.operations),
            ("Compliance", cls.compliance),
            ("Categories", cls.category_manager),
        ):
            people.write({USER_GROUPS: [Command.link(cls.groups[name].id)]})

    @classmethod
    def _people(cls, prefix="t_", **people):
        """Users of these groups, each an attribute of the class."""
        for name, user in zip(people, make_users(cls.env, people, prefix)):
            setattr(cls, name, user)

    @classmethod
    def _make_goods(cls):
        cls.warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.company.id)], limit=1)
        cls.category = cls.env["product.category"].create({"name": "Fasteners"})
        cls.product = cls._make_product("Bolt", cls.category)
        cls.product_2 = cls._make_product("Nut", cls.category)
        partner = cls.env["res.partner"]
        cls.vendor = partner.create({"name": "Approved Vendor", "supplier_rank": 1, "vendor_status": "approved"})
        cls.new_vendor = partner.create({"name": "New Vendor", "supplier_rank": 1})
        cls.blocked_vendor = partner.create({"name": "Blocked Vendor", "supplier_rank": 1, "vendor_status": "blocked"})
        cls._make_contract(cls.vendor, cls.product, 10.0)
        cls._make_contract(cls.vendor, cls.product_2, 100.0)
        cls._make_contract(cls.new_vendor, cls.product, 10.0)
        cls._make_contract(cls.blocked_vendor, cls.product, 10.0)

    @classmethod
    def _make_product(cls, name, category):
        return cls.env["product.product"].create(
            {"name": name, "categ_id": category.id, **storable_product_values(), "supplier_taxes_id": False}
        )

    @classmethod
    def _make_contract(cls, vendor, product, price, **values):
        return cls.env["product.supplierinfo"].create(
            {
                "partner_id": vendor.id,
                "product_tmpl_id": product.product_tmpl_id.id,
                "price": price,
                "min_qty": 0,
                "contract_state": "contract",
                **values,
            }
        )

    @classmethod
    def _make_policy(cls, hit_policy="COLLECT"):
        policy = cls.env["distribution.approval.policy"].search(
            [("document_type", "=", "purchase_order"), ("company_id", "=", cls.company.id)]
        )
        policy = policy or cls.env["distribution.approval.policy"].with_user(cls.author).create(
            {"name": "Purchase policy", "document_type": "purchase_order", "company_id": cls.company.id}
        )
        options = cls.env["distribution.approval.fact.option"]

        def condition(fact, operator, value=False, codes=()):
            found = options.search([("fact", "=", fact), ("code", "in", codes)])
            return Command.create(
                {"fact": fact, "operator": operator, "value": value, "option_ids": [Command.set(found.ids)]}
            )

        def stage(sequence, group, quorum=1):
            return Command.create(
                {
                    "sequence": sequence,
                    "approver_kind": "group",
                    "group_id": cls.groups[group].id,
                    "quorum": quorum,
                    "name": group,
                }
            )

        def rule(sequence, name, outcome, conditions, stages=()):
            return Command.create(
                {
                    "sequence": sequence,
                    "name": name,
                    "outcome": outcome,
                    "condition_ids": conditions,
                    "stage_ids": list(stages),
                }
            )

        return (
            cls.env["distribution.approval.policy.version"]
            .with_user(cls.author)
            .create(
                {
                    "policy_id": policy.id,
                    "hit_policy": hit_policy,
                    "fallback_user_id": cls.fallback.id,
                    "split_limit": 2500,
                    "spend_window_days": 7,
                    "tolerance_percent": 2,
                    "tolerance_amount": 50,
                    "rule_ids": [
                        rule(10, "Blocked vendor", "refuse", [condition("vendor_status", "in", codes=["blocked"])]),
                        rule(
                            20,
                            "Within policy",
                            "pass",
                            [
                                condition("vendor_status", "in", codes=["approved"]),
                                condition("amount", "le", "2500"),
                                condition("price_over_contract", "le", "5"),
                            ],
                        ),
                        rule(
                            30, "Above 2,500", "require", [condition("amount", "gt", "2500")], [stage(10, "Purchasing")]
                        ),
                        rule(
                            40,
                            "Above 25,000",
                            "require",
                            [condition("amount", "gt", "25000")],
                            [stage(10, "Purchasing"), stage(20, "Finance"), stage(20, "Operations")],
                        ),
                        rule(
                            50,
                            "Vendor not approved",
                            "require",
                            [condition("vendor_status", "in", codes=["new", "restricted"])],
                            [stage(10, "Compliance")],
                        ),
                        rule(
                            60,
                            "Over contract price",
                            "require",
                            [condition("price_over_contract", "gt", "5")],
                            [stage(10, "Categories")],
                        ),
                        rule(
                            70,
                            "No contract price",
                            "require",
                            [condition("no_contract_price", "is_true")],
                            [stage(10, "Categories")],
                        ),
                        rule(
                            80,
                            "Split orders",
                            "require",
                            [condition("vendor_window_total", "gt", "10000")],
                            [stage(10, "Purchasing")],
                        ),
                    ],
                }
            )
        )

    @classmethod
    def _publish(cls, version):
        """Put a draft in force, on whatever day a test chooses: that may be before or after the day of the run."""
        if "valid_from" in version._fields and not version.valid_from:
            version.with_user(cls.author).valid_from = LONG_AGO
        version.with_user(cls.publisher).action_publish()

    @classmethod
    def _govern(cls):
        activation = (
            cls.env["distribution.approval.activation"]
            .with_user(cls.publisher)
            .create({"document_type": "purchase_order", "company_id": cls.company.id, "reason": "Roll-out"})
        )
        activation.action_propose()
        activation.with_user(cls.publisher_2).action_confirm()
        cls.activation = activation

    # ---------------------------------------------------------------- helpers

    def _order(self, amount=None, user=None, vendor=None, lines=None, **values):
        """An RFQ of ``amount`` for the first product at its contract price."""
        lines = lines or [(self.product, (amount or 1000) / 10.0, 10.0)]
        return (
            self.env["purchase.order"]
            .with_user(user or self.buyer)
            .create(
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
                        for product, quantity, price in lines
                    ],
                    **values,
                }
            )
        )

    def _task(self, order, name):
        return (
            order.sudo()
            .approval_request_id.task_ids.filtered(lambda task: task.name == name and task.state == "open")
            .ensure_one()
        )

    def _decide(self, order, name, user, outcome="approve", **values):
        task = self._task(order, name).with_user(user)
        return task.action_decide(outcome, task.digest, **values)

    def _resume(self, order):
        """What the scheduled action (or the end of the deciding transaction) does."""
        return order.sudo().approval_request_id._resume()
