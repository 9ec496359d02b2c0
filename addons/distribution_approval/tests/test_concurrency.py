"""Two at the same instant: real connections, real commits.

What happens here stays in the database (it is evidence), in a company of its own; test databases are
throw-away copies.
"""

import threading
import time
import uuid
from contextlib import contextmanager, suppress
from unittest.mock import patch

import psycopg2
from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import RedirectWarning, UserError
from odoo.modules.registry import DummyRLock, Registry
from odoo.service.model import retrying
from odoo.tests.common import get_db_name, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import LINE_UOM, USER_GROUPS
from odoo.addons.distribution_core.tests.committed_case import MEETINGS, LastCase, waiting_for
from odoo.addons.distribution_core.tests.people import make_users

from ..models.approval_request_release import _resume_in_own_transaction

PEOPLE = {
    "buyer": "purchase.group_purchase_user",
    "other_buyer": "purchase.group_purchase_user",
    "manager": "distribution_core.group_approver",
    "manager_2": "distribution_core.group_approver",
    "finance": "distribution_core.group_approver",
    "operations": "distribution_core.group_approver",
    "author": "distribution_core.group_policy_author",
    "publisher": "distribution_core.group_policy_publisher",
    "publisher_2": "distribution_core.group_policy_publisher",
}


@tagged("post_install", "-at_install")
class ConcurrencyCase(LastCase):
    """A governed company with people and a policy, committed, and how to act at the same instant."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.transaction() as env:
            cls._make_company(env)
        cls.addClassCleanup(cls._leave)

    def setUp(self):
        super().setUp()
        # 19.0 holds the lock of the registries while it tests; whoever is repeated asks for it, be others done or not.
        self.startPatcher(patch.object(Registry, "_lock", DummyRLock()))

    @classmethod
    @contextmanager
    def transaction(cls, who=None):
        """An environment on a connection of its own; committed at the end."""
        with cls.registry.cursor() as cr:
            yield api.Environment(cr, cls.people[who] if who else SUPERUSER_ID, {})

    @classmethod
    def _make_company(cls, env):
        mark = uuid.uuid4().hex[:6]
        company = env["res.company"].create({"name": f"Two at once {mark}"})
        env.user.company_ids |= company
        env = env(context={"allowed_company_ids": company.ids, "tracking_disable": True})
        cls.company_id = company.id
        own = {"company_id": company.id, "company_ids": [Command.set(company.ids)]}
        cls.people = dict(zip(PEOPLE, make_users(env, PEOPLE, f"{mark}_", **own).ids))
        groups = env["res.groups"].create(
            [{"name": f"{name} {mark}"} for name in ("Purchasing", "Finance", "Operations")]
        )
        for user, group in (("manager", 0), ("manager_2", 0), ("finance", 1), ("operations", 2)):
            env["res.users"].browse(cls.people[user]).write({USER_GROUPS: [Command.link(groups[group].id)]})
        cls.vendor_id = env["res.partner"].create({"name": f"Vendor {mark}", "vendor_status": "approved"}).id
        product = env["product.product"].create({"name": f"Bolt {mark}", "type": "consu", "supplier_taxes_id": False})
        cls.product_id, cls.uom_id = product.id, product.uom_id.id
        user = env["res.users"].browse
        policy = (
            env["distribution.approval.policy"]
            .with_user(user(cls.people["author"]))
            .create({"name": f"Policy {mark}", "document_type": "purchase_order", "company_id": company.id})
        )

        def rule(name, outcome, amount, stages=()):
            operator, value = amount
            return Command.create(
                {
                    "name": name,
                    "outcome": outcome,
                    "condition_ids": [Command.create({"fact": "amount", "operator": operator, "value": value})],
                    "stage_ids": [
                        Command.create({"sequence": sequence, "group_id": groups[group].id, "quorum": quorum})
                        for sequence, group, quorum in stages
                    ],
                }
            )

        window = Command.create(
            {
                "name": "Split",
                "outcome": "require",
                "condition_ids": [Command.create({"fact": "vendor_window_total", "operator": "gt", "value": "10000"})],
                "stage_ids": [Command.create({"group_id": groups[0].id})],
            }
        )
        version = (
            env["distribution.approval.policy.version"]
            .with_user(user(cls.people["author"]))
            .create(
                {
                    "policy_id": policy.id,
                    "fallback_user_id": cls.people["manager"],
                    "split_limit": 2500,
                    "rule_ids": [
                        rule("Small", "pass", ("le", "2500")),
                        rule("Large", "require", ("between", "2500.01 - 10000"), [(10, 0, 1)]),
                        rule("Two people", "require", ("between", "10000.01 - 20000"), [(10, 0, 2)]),
                        rule("Very large", "require", ("gt", "20000"), [(10, 1, 1), (10, 2, 1)]),
                        window,
                    ],
                }
            )
        )
        version.with_user(user(cls.people["publisher"])).action_publish()
        activation = (
            env["distribution.approval.activation"]
            .with_user(user(cls.people["publisher"]))
            .create({"document_type": "purchase_order", "company_id": company.id})
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

    # ---------------------------------------------------------------- helpers

    def _order(self, amount, vendor_id=None):
        """Id of a committed draft order."""
        with self.transaction("buyer") as env:
            return (
                env["purchase.order"]
                .create(
                    {
                        "partner_id": vendor_id or self.vendor_id,
                        "order_line": [
                            Command.create(
                                {
                                    "product_id": self.product_id,
                                    "product_qty": amount / 10,
                                    "price_unit": 10,
                                    LINE_UOM: self.uom_id,
                                }
                            )
                        ],
                    }
                )
                .id
            )

    def _new_vendor(self):
        with self.transaction() as env:
            vendor = env["res.partner"].create({"name": "Another Vendor", "vendor_status": "approved"})
            # Known already: else core would write the same product each time an order is confirmed.
            product = env["product.product"].browse(self.product_id)
            env["product.supplierinfo"].create(
                {
                    "partner_id": vendor.id,
                    "product_tmpl_id": product.product_tmpl_id.id,
                    "price": 10,
                    "company_id": self.company_id,
                }
            )
            return vendor.id

    def _held(self, amount):
        """(order id, task ids) of an order that waits."""
        order_id = self._order(amount, self._new_vendor())
        with self.transaction("buyer") as env:
            env["purchase.order"].browse(order_id).button_confirm()
        with self.transaction() as env:
            order = env["purchase.order"].browse(order_id)
            self.assertEqual(order.state, "to approve")
            return order_id, order.approval_request_id.task_ids.sorted("id").ids

    def _at_once(self, *calls):
        """Run ``(who, callable(env))`` at the same instant, as Odoo's RPC does. Returns results or errors.

        Everybody has begun their transaction – and would not see what others commit – before anybody acts.
        """
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
                    env = api.Environment(cr, self.people[who] if who else SUPERUSER_ID, {})
                    results[number] = retrying(once, env)
            except Exception as error:  # pylint: disable=broad-except
                results[number] = error

        threads = [threading.Thread(target=run, args=(number, *call)) for number, call in enumerate(calls)]
        with mute_logger(*MEETINGS):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        self.assertFalse([thread for thread in threads if thread.is_alive()], "somebody waits for ever")
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, (UserError, RedirectWarning)):
                raise result
        return results

    def _decide(self, task_id, outcome="approve", **values):
        def decide(env):
            task = env["distribution.approval.task"].browse(task_id)
            return task.action_decide(outcome, task.digest, **values)

        return decide

    def assertReleasedOnce(self, order_id, people):
        """In force, one release, one receipt, and decisions of as many people."""
        with self.transaction() as env:
            order = env["purchase.order"].browse(order_id)
            self.assertEqual((order.state, order.approval_state), ("purchase", "released"))
            self.assertEqual(len(order.picking_ids), 1)
            releases = env["distribution.approval.release"].search([("res_id", "=", order_id)])
            self.assertEqual(releases.mapped("kind"), ["approval"])
            request = order.approval_request_ids
            self.assertEqual(len(request), 1)
            self.assertEqual((request.state, request.resume_state), ("approved", "done"))
            self.assertEqual(len(request.decision_ids), people)
            self.assertEqual(len(request.decision_ids.user_id), people)
            events = env["distribution.event"].search([("res_model", "=", "purchase.order"), ("res_id", "=", order_id)])
            types = events.mapped("type")
            for fact in ("approved", "released"):
                self.assertEqual(types.count(f"distribution.purchase_order.{fact}.v1"), 1)
            self.assertEqual(types.count("distribution.purchase_order.decision_recorded.v1"), people)


@tagged("post_install", "-at_install")
class TestConcurrency(ConcurrencyCase):
    # -------------------------------------------------------------- decisions

    def test_two_approvers_of_one_task(self):
        order_id, (task_id,) = self._held(5000)
        results = self._at_once(("manager", self._decide(task_id)), ("manager_2", self._decide(task_id)))
        self.assertEqual(sum(result is True for result in results), 1, results)
        self.assertReleasedOnce(order_id, people=1)

    def test_one_approver_twice(self):
        order_id, (task_id,) = self._held(5000)
        results = self._at_once(("manager", self._decide(task_id)), ("manager", self._decide(task_id)))
        self.assertEqual(sum(result is True for result in results), 1, results)
        self.assertReleasedOnce(order_id, people=1)

    def test_two_tasks_of_one_stage(self):
        """Both count: neither overlooks that the other one was the last but one."""
        order_id, task_ids = self._held(25000)
        self.assertEqual(len(task_ids), 2)
        results = self._at_once(
            ("finance", self._decide(task_ids[0])),
            ("operations", self._decide(task_ids[1])),
        )
        self.assertEqual(results, [True, True])
        self.assertReleasedOnce(order_id, people=2)

    def test_quorum_of_two(self):
        order_id, (task_id,) = self._held(15000)
        results = self._at_once(("manager", self._decide(task_id)), ("manager_2", self._decide(task_id)))
        self.assertEqual(results, [True, True])
        self.assertReleasedOnce(order_id, people=2)

    def test_approval_against_rejection(self):
        order_id, (task_id,) = self._held(5000)
        results = self._at_once(
            ("manager", self._decide(task_id)),
            ("manager_2", self._decide(task_id, "reject", comment="No")),
        )
        self.assertEqual(sum(result is True for result in results), 1, results)
        with self.transaction() as env:
            order = env["purchase.order"].browse(order_id)
            request = order.approval_request_ids
            self.assertEqual(len(request.decision_ids), 1)
            expected = {"approve": ("approved", "purchase"), "reject": ("rejected", "draft")}
            self.assertEqual((request.state, order.state), expected[request.decision_ids.outcome])

    def test_approval_against_an_edit(self):
        """What is released is what was decided on, whoever was first."""
        for _attempt in range(3):
            order_id, (task_id,) = self._held(5000)

            def edit(env, order_id=order_id):
                env["purchase.order"].browse(order_id).order_line.product_qty = 900

            with self.transaction() as env:
                seen = env["distribution.approval.task"].browse(task_id).digest

            def decide(env, task_id=task_id, seen=seen):
                return env["distribution.approval.task"].browse(task_id).action_decide("approve", seen)

            self._at_once(("manager", decide), ("buyer", edit))
            with self.transaction() as env:
                order = env["purchase.order"].browse(order_id)
                content = order._approval_snapshots()[order_id]
                releases = env["distribution.approval.release"]._valid_for(order).get(order_id)
                if order.state == "purchase":
                    self.assertTrue(any(release._covers(content) for release in releases))
                else:
                    self.assertEqual(order.approval_state, "pending")
                    self.assertFalse(releases)
                    self.assertEqual(order.approval_request_id.digest, content.digest)

    # -------------------------------------------------------------- confirming

    def test_confirming_against_lines_added(self):
        """Lines that leave the total as it is do not slip under a confirmation that does not see them."""
        line = {"product_id": self.product_id, LINE_UOM: self.uom_id}
        for _attempt in range(3):
            order_id = self._order(1000, self._new_vendor())

            def add(env, order_id=order_id):
                env["purchase.order.line"].create(
                    [
                        {**line, "order_id": order_id, "product_qty": 1000, "price_unit": 10},
                        {**line, "order_id": order_id, "product_qty": 1000, "price_unit": -10},
                    ]
                )

            self._at_once(
                ("buyer", lambda env, order_id=order_id: env["purchase.order"].browse(order_id).button_confirm()),
                ("other_buyer", add),
            )
            self.assertInForceAsReleased(order_id)

    def assertInForceAsReleased(self, order_id):
        with self.transaction() as env:
            order = env["purchase.order"].browse(order_id)
            if order.state == "purchase":
                content = order._approval_snapshots()[order_id]
                releases = env["distribution.approval.release"]._valid_for(order)[order_id]
                self.assertTrue(any(release._covers(content) for release in releases), "more in force than released")
            else:
                self.assertEqual(order.approval_state, "pending")

    def test_confirming_twice(self):
        order_id = self._order(5000, self._new_vendor())
        click = ("buyer", lambda env: env["purchase.order"].browse(order_id).button_confirm())
        self._at_once(click, click)
        with self.transaction() as env:
            self.assertEqual(len(env["purchase.order"].browse(order_id).approval_request_ids), 1)
        small_id = self._order(1000, self._new_vendor())
        click = ("buyer", lambda env: env["purchase.order"].browse(small_id).button_confirm())
        self._at_once(click, click)
        with self.transaction() as env:
            order = env["purchase.order"].browse(small_id)
            self.assertEqual(len(order.picking_ids), 1)
            self.assertEqual(len(env["distribution.approval.release"]._valid_for(order)[small_id]), 1)

    def test_splitting_at_the_same_instant(self):
        vendor_id = self._new_vendor()
        # Odoo tries five times: of five, each can be overtaken by all others.
        order_ids = [self._order(2400, vendor_id) for _number in range(5)]
        self._at_once(
            *(
                ("buyer", lambda env, order_id=order_id: env["purchase.order"].browse(order_id).button_confirm())
                for order_id in order_ids
            )
        )
        with self.transaction() as env:
            states = env["purchase.order"].browse(order_ids).mapped("state")
            self.assertEqual(sorted(states), ["purchase"] * 4 + ["to approve"])

    # ---------------------------------------------------------------- resuming

    def _approve_and_crash(self, amount=5000):
        """The decision is committed; whatever should follow it does not happen."""
        order_id, (task_id,) = self._held(amount)
        with self.transaction("manager") as env:
            self._decide(task_id)(env)
            env.cr.flush()
            env.cr.postcommit.clear()
        with self.transaction() as env:
            order = env["purchase.order"].browse(order_id)
            request = order.approval_request_id
            self.assertEqual((order.state, order.approval_state), ("to approve", "approved"))
            self.assertEqual((request.state, request.resume_state), ("approved", "pending"))
            self.assertEqual(len(request.decision_ids), 1)
            self.assertFalse(order.picking_ids)
        return order_id

    def test_crash_between_decision_and_release(self):
        order_id = self._approve_and_crash()
        with self.transaction() as env:
            env["distribution.approval.request"]._cron_resume()
        self.assertReleasedOnce(order_id, people=1)

    def test_two_workers_resume(self):
        for _attempt in range(3):
            order_id = self._approve_and_crash()

            def resume(env, order_id=order_id):
                return env["purchase.order"].browse(order_id).approval_request_id._resume()

            self._at_once((None, resume), (None, resume))
            self.assertReleasedOnce(order_id, people=1)

    def test_resume_against_an_edit(self):
        for _attempt in range(3):
            order_id = self._approve_and_crash()

            def edit(env, order_id=order_id):
                env["purchase.order"].browse(order_id).order_line.product_qty = 900

            def resume(env, order_id=order_id):
                return env["purchase.order"].browse(order_id).approval_request_id._resume()

            with suppress(psycopg2.Error):
                self._at_once((None, resume), ("buyer", edit))
            self.assertInForceAsReleased(order_id)

    def test_resume_that_meets_a_conflict_is_tried_again(self):
        """Somebody saves the order at that moment: no failure, no case, the next attempt does it."""
        order_id = self._approve_and_crash()
        with self.registry.cursor() as slow, mute_logger(*MEETINGS):
            env = api.Environment(slow, SUPERUSER_ID, {})
            request = env["purchase.order"].browse(order_id).approval_request_id
            self.assertEqual(request.resume_state, "pending")
            with self.transaction("buyer") as other:
                other["purchase.order"].browse(order_id).origin = "S0001"
            with self.assertRaises(psycopg2.Error):
                request._resume()
                env.cr.flush()
            slow.rollback()
        with self.transaction() as env:
            self.assertFalse(
                env["distribution.case"].search([("res_model", "=", "purchase.order"), ("res_id", "=", order_id)])
            )
            env["distribution.approval.request"]._cron_resume()
        self.assertReleasedOnce(order_id, people=1)

    def test_release_after_the_decision_waits_for_who_saves_the_order(self):
        """No error in the log, and nobody waits for the scheduled action."""
        # As when another app stores something that the gate does not ask about.
        order = "(SELECT res_id FROM distribution_approval_request WHERE id = %s)"
        self._released_in_spite_of(f"UPDATE purchase_order SET origin = 'S0001' WHERE id = {order}")

    def test_release_after_the_decision_waits_for_who_clicked_too_late(self):
        """A double click: the second one holds the request while it is told that it came too late."""
        taken = "UPDATE distribution_approval_request SET lock_version = lock_version + 1 WHERE id = %s"
        self._released_in_spite_of(taken, refused=True)
        self._released_in_spite_of(taken)

    def test_who_saves_a_held_order_at_the_same_moment_does_not_stop_the_job(self):
        """Two orders in a currency without a rate; when there is one, the job asks policy about both."""
        order_ids = [self._order(5000, self._new_vendor()) for _number in range(2)]
        with self.transaction() as env:
            currency = env["res.currency"].create({"name": f"X{uuid.uuid4().hex[:2].upper()}", "symbol": "¤"})
            env["purchase.order"].browse(order_ids).currency_id = currency
        with self.transaction("buyer") as env:
            env["purchase.order"].browse(order_ids).button_confirm()
        with self.transaction() as env:
            requests = env["purchase.order"].browse(order_ids).approval_request_id
            self.assertEqual(requests.mapped("state"), ["on_hold"] * 2)
            rate = {"currency_id": currency.id, "rate": 1.0, "name": "2020-01-01", "company_id": self.company_id}
            env["res.currency.rate"].create(rate)
        model = self.registry["distribution.approval.request"]
        judge, met = model._judge_hold_again, []

        def meets(request):
            if request.id == requests.ids[0] and not met:
                met.append(True)
                with self.transaction() as other:
                    other["purchase.order"].browse(request.res_id).origin = "S0001"
            return judge(request)

        with (
            patch.object(model, "_judge_hold_again", meets),
            mute_logger(*MEETINGS),
            self.transaction() as env,
        ):
            env["distribution.approval.request"]._cron_retry_on_hold(commit=True)
        self.assertTrue(met)
        with self.transaction() as env:
            orders = env["purchase.order"].browse(order_ids)
            self.assertEqual(orders.approval_request_id.mapped("state"), ["pending"] * 2)
            self.assertEqual(orders.mapped("origin"), ["S0001", False])

    def test_who_tries_a_release_again_waits_for_who_holds_the_request(self):
        """Nobody presses the button for nothing."""

        def try_again(registry, request_ids):
            with registry.cursor() as cr:
                env = api.Environment(cr, self.people["buyer"], {})
                retrying(env["distribution.approval.request"].browse(request_ids).action_retry_release, env)

        taken = "UPDATE distribution_approval_request SET lock_version = lock_version + 1 WHERE id = %s"
        self._released_in_spite_of(taken, refused=True, release=try_again)
        self._released_in_spite_of(taken, release=try_again)

    def _released_in_spite_of(self, statement, refused=False, release=_resume_in_own_transaction):
        """Somebody else's transaction runs ``statement`` on the request when the release is to follow the decision."""
        order_id = self._approve_and_crash()
        with self.transaction() as env:
            request = env["purchase.order"].browse(order_id).approval_request_id
            if release != _resume_in_own_transaction:  # it failed before
                request.resume_state = "failed"
            request_ids = request.ids
        release = threading.Thread(target=release, args=(self.registry, request_ids))
        with (
            mute_logger(*MEETINGS),
            self.assertNoLogs("odoo.addons.distribution_approval", "WARNING"),
        ):
            with self.registry.cursor() as other:
                other.execute(statement, request_ids)
                release.start()
                self._wait_until_blocked_by(other)
                if refused:
                    other.rollback()
            release.join(60)
        self.assertFalse(release.is_alive())
        self.assertReleasedOnce(order_id, people=1)

    def _wait_until_blocked_by(self, cr):
        """Return when somebody waits for a row that the transaction of ``cr`` has written."""
        until = time.monotonic() + 20
        while not waiting_for(cr, self.transaction):
            self.assertLess(time.monotonic(), until, "nobody waits for the row")
            time.sleep(0.02)

    # ----------------------------------------------------------------- governing

    def test_worker_with_a_stale_cache(self):
        """A transaction older than the activation must not teach the process that nothing is governed."""
        activations = "distribution.approval.activation"
        with self.transaction() as env:
            company = env["res.company"].create({"name": f"Late {uuid.uuid4().hex[:6]}"})
            people = env["res.users"].browse([self.people["publisher"], self.people["publisher_2"]])
            people.write({"company_ids": [Command.link(company.id)]})
            company_id = company.id
        with self.transaction("author") as env:
            env.user.sudo().company_ids = [Command.link(company_id)]
            standard = (
                env["distribution.approval.policy"]
                .sudo()
                .create({"name": "Late", "document_type": "purchase_order", "company_id": company_id})
            )
            version = (
                env["distribution.approval.policy.version"]
                .sudo()
                .create(
                    {
                        "policy_id": standard.id,
                        "fallback_user_id": self.people["manager"],
                        "rule_ids": [Command.create({"name": "All", "outcome": "refuse"})],
                    }
                )
            )
            version_id = version.id
        with self.transaction("publisher") as env:
            env["distribution.approval.policy.version"].browse(version_id).action_publish()
            activation = env[activations].create({"document_type": "purchase_order", "company_id": company_id})
            activation.action_propose()
            activation_id = activation.id
        with self.registry.cursor() as old:
            env = api.Environment(old, SUPERUSER_ID, {})
            env.cr.execute("SELECT count(*) FROM distribution_approval_activation")
            with self.transaction("publisher_2") as other:
                other[activations].browse(activation_id).action_confirm()
            env[activations]._governed_places("purchase_order")  # learned from the old snapshot
        with self.transaction() as env:
            self.assertIsNone(env[activations]._governed_sites("purchase_order", env["res.company"].browse(company_id)))
        with self.transaction("publisher") as env:
            env[activations].browse(activation_id).action_propose_end()
        with self.transaction("publisher_2") as env:
            env[activations].browse(activation_id).action_confirm_end()
