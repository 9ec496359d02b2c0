"""Two at the same instant: the last of a ceiling, one link twice, two emergency releases."""

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import USER_GROUPS

from .test_concurrency import ConcurrencyCase
from .test_fast_path import fast_rule


@tagged("post_install", "-at_install")
class TestOutcomeConcurrency(ConcurrencyCase):
    @classmethod
    def _make_company(cls, env):
        super()._make_company(env)
        user = env["res.users"].browse
        releaser = env.ref("distribution_approval.group_emergency_releaser")
        user([cls.people["finance"], cls.people["operations"]]).write({USER_GROUPS: [Command.link(releaser.id)]})
        version = env["distribution.approval.policy.version"].search(
            [("company_id", "=", cls.company_id), ("state", "=", "published")]
        )
        draft = version.policy_id.with_user(user(cls.people["author"]))._draft_next_version()
        draft.write({"rule_ids": [fast_rule([("amount", "between", "4000 - 4500")], day=8000)], "link_ceiling": 10000})
        env.flush_all()
        draft.with_user(user(cls.people["publisher"])).action_publish()

    def test_the_last_of_the_ceiling(self):
        orders = [self._order(4500, self._new_vendor()) for _number in range(2)]
        self._at_once(
            *(
                ("buyer", lambda env, order_id=order_id: env["purchase.order"].browse(order_id).button_confirm())
                for order_id in orders
            )
        )
        with self.transaction() as env:
            states = sorted(env["purchase.order"].browse(orders).mapped("state"))
            self.assertEqual(states, ["purchase", "to approve"])
            uses = env["distribution.approval.fast.path.use"].search([("company_id", "=", self.company_id)])
            self.assertEqual(uses.mapped("amount"), [4500])

    def test_one_link_twice(self):
        order_id, (task_id,) = self._held(5000)
        with self.transaction() as env:
            task = env["distribution.approval.task"].browse(task_id)
            link = env["distribution.approval.link"]._queue(task, env["res.users"].browse(self.people["manager"]))
            link._arm()
            link_id, digest = link.id, link.digest

        def use(env):
            return env["distribution.approval.link"].browse(link_id)._decide("approve", "", digest)

        results = self._at_once((None, use), (None, use))
        self.assertEqual(sum(isinstance(result, UserError) for result in results), 1, results)
        with self.transaction() as env:
            link = env["distribution.approval.link"].browse(link_id)
            self.assertEqual((link.state, link.decision_id.user_id.id), ("used", self.people["manager"]))
        self.assertReleasedOnce(order_id, people=1)

    def _emergency(self, order_id):
        """What releases that order in an emergency, for ``_at_once``."""
        with self.transaction() as env:
            request = env["purchase.order"].browse(order_id).approval_request_id
            request_id, digest = request.id, request.digest

        def release(env):
            mail = env["ir.attachment"].create({"name": "mail.eml", "raw": b"x"})
            return (
                env["distribution.approval.request"]
                .browse(request_id)
                .action_emergency_release(
                    "The plant of the customer stands still and nobody can decide tonight.", digest, mail.ids
                )
            )

        return release

    def test_an_emergency_release_against_a_decision(self):
        """Whoever was first: one of them counts, and the other one is told."""
        for outcome, released in (("approve", True), ("reject", False)):
            order_id, (task_id,) = self._held(5000)
            decide = self._decide(task_id, outcome, comment="Not like this")
            results = self._at_once(("finance", self._emergency(order_id)), ("manager", decide))
            self.assertEqual(sum(isinstance(result, UserError) for result in results), 1, results)
            with self.transaction() as env:
                request = env["purchase.order"].browse(order_id).approval_request_id
                emergency, decision = request.emergency_ids, request.decision_ids
                self.assertEqual((len(emergency), len(decision)), (1, 0) if emergency else (0, 1))
                self.assertEqual(request.state, "approved" if emergency or released else "rejected")

    def test_two_emergency_releases(self):
        order_id, _tasks = self._held(5000)
        release = self._emergency(order_id)
        results = self._at_once(("finance", release), ("operations", release))
        self.assertEqual(sum(isinstance(result, UserError) for result in results), 1, results)
        with self.transaction() as env:
            order = env["purchase.order"].browse(order_id)
            self.assertEqual((order.state, order.approval_state), ("purchase", "released"))
            self.assertEqual(len(order.picking_ids), 1)
            self.assertEqual(len(order.approval_request_id.emergency_ids), 1)
            releases = env["distribution.approval.release"].search([("res_id", "=", order_id)])
            self.assertEqual(releases.mapped("kind"), ["emergency"])
