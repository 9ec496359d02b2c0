"""Two bills for one delivery at the same instant, on two connections: one of them sees the other."""

import uuid
from contextlib import contextmanager

import psycopg2
from odoo import SUPERUSER_ID, Command, api, fields
from odoo.modules.registry import Registry
from odoo.tests.common import BaseCase, get_db_name, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import LINE_UOM, USER_GROUPS

PEOPLE = {
    "clerk": "account.group_account_invoice,purchase.group_purchase_user",
    "approver": "distribution_core.group_approver",
    "author": "distribution_core.group_policy_author",
    "publisher": "distribution_core.group_policy_publisher",
    "publisher_2": "distribution_core.group_policy_publisher",
}


@tagged("post_install", "-at_install")
class TestBillConcurrency(BaseCase):
    """What is committed here stays in the database (it is evidence), in a company of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.transaction() as env:
            cls._make_company(env)
        cls.addClassCleanup(cls._leave)

    @classmethod
    @contextmanager
    def transaction(cls, who=None):
        """An environment on a connection of its own; committed at the end."""
        with cls.registry.cursor() as cr:
            yield api.Environment(cr, cls.people[who] if who else SUPERUSER_ID, {})

    @classmethod
    def _make_company(cls, env):
        mark = uuid.uuid4().hex[:6]
        company = env["res.company"].create({"name": f"Two bills {mark}"})
        env.user.company_ids |= company
        env = env(context={"allowed_company_ids": company.ids, "tracking_disable": True})
        env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
        cls.company_id = company.id
        cls.people = {
            name: new_test_user(
                env,
                login=f"{name}_{mark}",
                groups=f"base.group_user,{groups}",
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            ).id
            for name, groups in PEOPLE.items()
        }
        group = env["res.groups"].create({"name": f"Two bills {mark}"})
        env["res.users"].browse(cls.people["approver"]).write({USER_GROUPS: [Command.link(group.id)]})
        vendor = env["res.partner"].create({"name": f"Vendor {mark}", "vendor_status": "approved"})
        service = env["product.product"].create(
            {"name": f"Service {mark}", "type": "service", "purchase_method": "purchase", "supplier_taxes_id": False}
        )
        order = env["purchase.order"].create(
            {
                "partner_id": vendor.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": service.id,
                            "product_qty": 10,
                            "price_unit": 10,
                            LINE_UOM: service.uom_id.id,
                        }
                    )
                ],
            }
        )
        order.button_confirm()
        cls.line_id = order.order_line.id
        user = env["res.users"].browse
        policy = (
            env["distribution.approval.policy"]
            .with_user(user(cls.people["author"]))
            .create({"name": f"Bills {mark}", "document_type": "vendor_bill", "company_id": company.id})
        )
        version = (
            env["distribution.approval.policy.version"]
            .with_user(user(cls.people["author"]))
            .create(
                {
                    "policy_id": policy.id,
                    "fallback_user_id": cls.people["approver"],
                    "rule_ids": [
                        Command.create(
                            {
                                "name": "Matches",
                                "outcome": "pass",
                                "condition_ids": [
                                    Command.create({"fact": "order_variance", "operator": "le", "value": "0"})
                                ],
                            }
                        ),
                        Command.create(
                            {
                                "name": "Beyond",
                                "outcome": "require",
                                "condition_ids": [
                                    Command.create({"fact": "order_variance", "operator": "gt", "value": "0"})
                                ],
                                "stage_ids": [Command.create({"group_id": group.id})],
                            }
                        ),
                    ],
                }
            )
        )
        version.with_user(user(cls.people["publisher"])).action_publish()
        activation = (
            env["distribution.approval.activation"]
            .with_user(user(cls.people["publisher"]))
            .create({"document_type": "vendor_bill", "company_id": company.id})
        )
        activation.action_propose()
        activation.with_user(user(cls.people["publisher_2"])).action_confirm()
        cls.activation_id = activation.id

    @classmethod
    def _leave(cls):
        with cls.transaction("publisher") as env:
            env["distribution.approval.activation"].browse(cls.activation_id).action_propose_end()
        with cls.transaction("publisher_2") as env:
            env["distribution.approval.activation"].browse(cls.activation_id).action_confirm_end()
        with cls.transaction() as env:
            env["res.users"].browse(cls.people.values()).active = False

    def _bill(self, quantity, reference):
        """Id of a committed draft bill for part of the order."""
        with self.transaction("clerk") as env:
            line = env["purchase.order.line"].browse(self.line_id)
            return (
                env["account.move"]
                .create(
                    {
                        "move_type": "in_invoice",
                        "partner_id": line.order_id.partner_id.id,
                        "invoice_date": fields.Date.today(),
                        "ref": reference,
                        "invoice_line_ids": [
                            Command.create(
                                {
                                    "product_id": line.product_id.id,
                                    "quantity": quantity,
                                    "price_unit": 10,
                                    "purchase_line_id": line.id,
                                    "tax_ids": [Command.clear()],
                                }
                            )
                        ],
                    }
                )
                .id
            )

    def test_two_bills_for_one_order_take_turns(self):
        first, second = self._bill(7, "A-1"), self._bill(8, "B-2")
        with self.registry.cursor() as late:
            late.execute("SELECT 1")  # its view of the database is from before the first bill
            with self.transaction("clerk") as env:
                env["account.move"].browse(first).action_post()
                self.assertEqual(env["account.move"].browse(first).state, "posted")
            env = api.Environment(late, self.people["clerk"], {})
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.SerializationFailure):
                env["account.move"].browse(second).action_post()
                env.flush_all()
            late.rollback()
        # Odoo repeats what failed to serialise; then it sees the other bill.
        with self.transaction("clerk") as env:
            env["account.move"].browse(second).action_post()
        with self.transaction() as env:
            bill = env["account.move"].browse(second)
            self.assertEqual((bill.state, bill.approval_state), ("draft", "pending"))
