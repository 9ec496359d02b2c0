"""Two people apply the same count, and scrap the same goods, at the same instant: real connections."""

import threading
import uuid
from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import RedirectWarning, UserError
from odoo.modules.registry import DummyRLock, Registry
from odoo.service.model import retrying
from odoo.tests.common import BaseCase, get_db_name, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import USER_GROUPS, storable_product_values

PEOPLE = {
    "chief": "stock.group_stock_manager",
    "other_chief": "stock.group_stock_manager",
    "controller": "distribution_core.group_approver",
    "author": "distribution_core.group_policy_author",
    "publisher": "distribution_core.group_policy_publisher",
    "publisher_2": "distribution_core.group_policy_publisher",
}


@tagged("post_install", "-at_install")
class TestGoodsConcurrency(BaseCase):
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
        company = env["res.company"].create({"name": f"Two counts {mark}"})
        env.user.company_ids |= company
        env = env(context={"allowed_company_ids": company.ids, "tracking_disable": True})
        cls.company_id = company.id
        cls.people = {
            name: new_test_user(
                env,
                login=f"{name}_{mark}",
                groups=f"base.group_user,{group}",
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            ).id
            for name, group in PEOPLE.items()
        }
        group = env["res.groups"].create({"name": f"Controlling {mark}"})
        env["res.users"].browse(cls.people["controller"]).write({USER_GROUPS: [Command.link(group.id)]})
        warehouse = env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1)
        cls.stock_id = warehouse.lot_stock_id.id
        user = env["res.users"].browse
        policy = (
            env["distribution.approval.policy"]
            .with_user(user(cls.people["author"]))
            .create(
                {
                    "name": f"Counts {mark}",
                    "document_type": "inventory_adjustment",
                    "company_id": company.id,
                }
            )
        )

        def rule(name, outcome, fact, operator, value, stages=()):
            return Command.create(
                {
                    "name": name,
                    "outcome": outcome,
                    "condition_ids": [Command.create({"fact": fact, "operator": operator, "value": value})],
                    "stage_ids": list(stages),
                }
            )

        stage = Command.create({"sequence": 10, "approver_kind": "group", "group_id": group.id, "name": "Controlling"})
        version = (
            env["distribution.approval.policy.version"]
            .with_user(user(cls.people["author"]))
            .create(
                {
                    "policy_id": policy.id,
                    "fallback_user_id": cls.people["controller"],
                    "rule_ids": [
                        rule("Small", "pass", "amount", "le", "500"),
                        rule("Large", "require", "amount", "gt", "500", [stage]),
                        rule("Adds up", "require", "adjustment_window_total", "gt", "700", [stage]),
                    ],
                }
            )
        )
        version.with_user(user(cls.people["publisher"])).action_publish()
        activation = (
            env["distribution.approval.activation"]
            .with_user(user(cls.people["publisher"]))
            .create({"document_type": "inventory_adjustment", "company_id": company.id})
        )
        activation.action_propose()
        activation.with_user(user(cls.people["publisher_2"])).action_confirm()
        cls.activation_id = activation.id

    @classmethod
    def _leave(cls):
        """End governance of this company and let its people go."""
        with cls.transaction("publisher") as env:
            env["distribution.approval.activation"].browse(cls.activation_id).action_propose_end()
        with cls.transaction("publisher_2") as env:
            env["distribution.approval.activation"].browse(cls.activation_id).action_confirm_end()
        with cls.transaction() as env:
            env["res.users"].browse(cls.people.values()).active = False

    def _at_once(self, *calls):
        """Run ``(who, callable(env))`` at the same instant, as Odoo's RPC does. Returns results or errors."""
        barrier = threading.Barrier(len(calls))
        results = [None] * len(calls)

        def run(number, who, function):
            begun = []

            def once():
                env.cr.execute("SELECT count(*) FROM distribution_approval_request")
                if not begun:
                    begun.append(True)
                    barrier.wait(20)
                return function(env)

            try:
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, self.people[who], {})
                    results[number] = retrying(once, env)
            except Exception as error:  # pylint: disable=broad-except
                results[number] = error

        threads = [threading.Thread(target=run, args=(number, *call)) for number, call in enumerate(calls)]
        with mute_logger("odoo.sql_db"), patch.object(Registry, "_lock", DummyRLock()):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        self.assertFalse([thread for thread in threads if thread.is_alive()], "somebody waits for ever")
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, (UserError, RedirectWarning)):
                raise result
        return results

    def _counted(self, cost, count, categ_id=None):
        """Id of a committed count of ``count``; 100 pieces at ``cost`` should be there."""
        with self.transaction("chief") as env:
            product = (
                env["product.product"]
                .sudo()
                .create(
                    {
                        "name": uuid.uuid4().hex,
                        "standard_price": cost,
                        "categ_id": categ_id or env["product.category"].sudo().create({"name": uuid.uuid4().hex}).id,
                        **storable_product_values(),
                    }
                )
            )
            vendors = env.ref("stock.stock_location_suppliers")
            move = env["stock.move"].create(
                {
                    **({"name": "In"} if "name" in env["stock.move"]._fields else {}),
                    "product_id": product.id,
                    "product_uom_qty": 100,
                    "location_id": vendors.id,
                    "location_dest_id": self.stock_id,
                    "company_id": self.company_id,
                }
            )
            move._action_confirm()
            move.quantity = 100
            move.picked = True
            move._action_done()
            quant = env["stock.quant"].search([("product_id", "=", product.id), ("location_id", "=", self.stock_id)])
            quant.with_context(inventory_mode=True).inventory_quantity = count
            return quant.id

    def _apply(self, quant_id):
        def apply(env):
            env["stock.quant"].with_context(inventory_mode=True).browse(quant_id).action_apply_inventory()
            return True

        return apply

    def _adjustments(self, env, quant_id):
        return env["distribution.inventory.adjustment.line"].search([("quant_ref", "=", quant_id)]).adjustment_id

    def test_two_apply_one_count(self):
        quant_id = self._counted(1, 90)
        self._at_once(("chief", self._apply(quant_id)), ("other_chief", self._apply(quant_id)))
        with self.transaction() as env:
            adjustment = self._adjustments(env, quant_id)
            self.assertEqual(len(adjustment), 1)
            self.assertEqual((adjustment.state, adjustment.approval_state), ("applied", "passed"))
            self.assertEqual(env["stock.quant"].browse(quant_id).quantity, 90)
            releases = env["distribution.approval.release"].search(
                [("res_model", "=", adjustment._name), ("res_id", "=", adjustment.id)]
            )
            self.assertEqual(len(releases), 1)

    def test_two_ask_for_one_count(self):
        quant_id = self._counted(100, 10)
        self._at_once(("chief", self._apply(quant_id)), ("other_chief", self._apply(quant_id)))
        with self.transaction() as env:
            adjustment = self._adjustments(env, quant_id)
            self.assertEqual(len(adjustment), 1)
            self.assertEqual(len(adjustment.approval_request_ids), 1)
            self.assertEqual(env["stock.quant"].browse(quant_id).quantity, 100)

    def test_small_ones_at_the_same_instant_add_up(self):
        with self.transaction() as env:
            categ_id = env["product.category"].create({"name": uuid.uuid4().hex}).id
        quants = [self._counted(1, 60 - n, categ_id) for n in range(2)]
        big = [self._counted(10, 60, categ_id) for _n in range(2)]
        self.assertTrue(quants)
        self._at_once(*((who, self._apply(quant_id)) for who, quant_id in zip(("chief", "other_chief"), big)))
        with self.transaction() as env:
            states = sorted(self._adjustments(env, quant_id).approval_state for quant_id in big)
            self.assertEqual(states, ["passed", "pending"], "one of them saw the other")
