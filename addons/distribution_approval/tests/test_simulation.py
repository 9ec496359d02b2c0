"""A simulation says what a version would have done, and leaves everything as it is."""

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import tagged

from ..models import approval_simulation
from .common import ApprovalCase
from .simulation_case import SIMULATION, SimulationCase


@tagged("post_install", "-at_install")
class TestSimulation(SimulationCase, ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.documents = cls._history()
        cls.draft = cls.version.policy_id.with_user(cls.author)._draft_next_version()
        limits = cls.draft.rule_ids.condition_ids.filtered(lambda c: c.fact == "amount" and c.value == "2500")
        limits.value = "4000"
        cls.env.flush_all()

    @classmethod
    def _history(cls):
        """Two that pass, three above the limit, one refused, one large that two stages decided."""
        self = cls()
        orders = []
        for amount in (1000, 2000, 3000, 3500, 4500, 30000):
            vendor = cls.env["res.partner"].create({"name": f"V{amount}", "vendor_status": "approved"})
            cls._make_contract(vendor, cls.product, 10.0)
            orders.append(self._order(amount, vendor=vendor))
        orders.append(self._order(100, vendor=cls.blocked_vendor))
        for order in orders:
            order.button_confirm()
        return cls.env["purchase.order"].union(*orders)

    def _simulate(self, version=None, user=None, **values):
        return super()._simulate(version or self.draft, user, **values)

    def test_what_would_have_passed_and_who_would_have_been_asked(self):
        simulation = self._simulate()
        self.assertEqual(simulation.state, "done")
        self.assertEqual((simulation.total, simulation.done, simulation.progress), (7, 7, 100))
        self.assertEqual(
            (simulation.passed, simulation.routed, simulation.refused, simulation.held, simulation.changed),
            (4, 2, 1, 0, 2),
        )
        self.assertEqual(simulation.facts_of_today, 0, "all rules read facts that were recorded")
        changed = simulation.line_ids.filtered("changed")
        self.assertEqual(sorted(changed.mapped("amount")), [3000, 3500])
        self.assertEqual(set(changed.mapped("outcome")), {"pass"})
        self.assertEqual(set(changed.mapped("current_outcome")), {"require"})
        large = simulation.line_ids.filtered(lambda line: line.amount == 30000)
        first, second = large.approvers.split(", then ")
        self.assertEqual((first, set(second.split(" and "))), ("Purchasing", {"Finance", "Operations"}))
        self.assertEqual(large.tasks, 3)
        loads = {load.name: (load.current_tasks, load.tasks, load.difference) for load in simulation.load_ids}
        self.assertEqual(loads, {"Purchasing": (4, 2, -2), "Finance": (1, 1, 0), "Operations": (1, 1, 0)})

    def test_waiting_is_estimated_from_decisions(self):
        order = self.documents.filtered(lambda order: order.amount_untaxed == 4500)
        task = self._task(order, "Purchasing")
        self._decide(order, "Purchasing", self.manager)
        self.env.flush_all()
        self.cr.execute(
            "UPDATE distribution_approval_task SET opened_at = opened_at - interval '6 hours' WHERE id = %s", [task.id]
        )
        self.env.invalidate_all()
        simulation = self._simulate()
        load = simulation.load_ids.filtered(lambda load: load.name == "Purchasing")
        self.assertAlmostEqual(load.median_hours, 6, places=1)
        self.assertAlmostEqual(load.waiting_hours, 12, places=1)
        self.assertFalse(load.is_estimate_of_all)
        finance = simulation.load_ids.filtered(lambda load: load.name == "Finance")
        self.assertTrue(finance.is_estimate_of_all)
        large = simulation.line_ids.filtered(lambda line: line.amount == 30000)
        self.assertAlmostEqual(large.waiting_hours, 12, places=1, msg="two stages, parallel tasks count once")

    def test_recorded_facts_count_and_others_are_those_of_today(self):
        # The vendor was approved when the order was judged; today it is not.
        passed = self.documents.filtered(lambda order: order.amount_untaxed == 1000)
        passed.partner_id.vendor_status = "blocked"
        simulation = self._simulate()
        self.assertEqual(simulation.line_ids.filtered(lambda line: line.res_id == passed.id).outcome, "pass")
        self.draft.with_user(self.author).write(
            {
                "rule_ids": [
                    Command.create(
                        {
                            "name": "Here",
                            "outcome": "refuse",
                            "condition_ids": [
                                Command.create(
                                    {
                                        "fact": "site",
                                        "operator": "in",
                                        "reference_ids": [Command.create({"ref_id": self.warehouse.id})],
                                    }
                                )
                            ],
                        }
                    )
                ]
            }
        )
        self.assertTrue(simulation.outdated)
        again = self._simulate()
        self.assertEqual((again.refused, again.facts_of_today), (7, 7))

    def test_totals_of_the_past_are_those_of_their_days(self):
        """Orders from before governance: each adds up what its vendor got in the week before it."""
        vendor = self.env["res.partner"].create({"name": "Old", "vendor_status": "approved"})
        self._make_contract(vendor, self.product, 10.0)
        orders = self.env["purchase.order"].union(
            *(self._order(amount, vendor=vendor) for amount in (900, 800, 3000, 700))
        )
        self.env.flush_all()
        for order, days in zip(orders, (30, 3, 2, 1)):
            self.cr.execute(
                """UPDATE purchase_order SET state = 'purchase', date_approve = now() - %s * interval '1 day'
                    WHERE id = %s""",
                [days, order.id],
            )
        self.env.invalidate_all()
        totals = orders._approval_vendor_totals_of_past()
        # 3,000 is no small order: it counts for nobody.
        self.assertEqual([totals[order.id] for order in orders], [900, 800, 800, 1500])
        simulation = self._simulate()
        lines = simulation.line_ids.filtered(lambda line: line.res_id in orders.ids)
        self.assertEqual(set(lines.mapped("outcome")), {"pass"})
        self.assertEqual(simulation.facts_of_today, 4)

    def test_nothing_changes(self):
        before = self._state_of_the_world()
        simulation = self._simulate()
        self.assertEqual(simulation.done, 7)
        self.assertEqual(self._state_of_the_world(), before)

    def test_even_a_fact_that_writes_leaves_no_trace(self):
        orders = type(self.env["purchase.order"])
        original = orders._approval_facts

        def writes(documents, names):
            documents.env["res.partner"].create({"name": "Trace"})
            return original(documents, names)

        self.patch(orders, "_approval_facts", writes)
        self.test_recorded_facts_count_and_others_are_those_of_today()
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Trace")]))

    # ------------------------------------------------------------------- job

    def test_many_documents_are_a_job_in_batches(self):
        self.patch(approval_simulation, "AT_ONCE", 2)
        self.patch(approval_simulation, "BATCH", 3)
        cron = self.env.ref("distribution_approval.ir_cron_simulation")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        simulation = self._simulate()
        self.assertEqual(len(self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]) - triggers), 1)
        self.assertEqual((simulation.state, simulation.total, simulation.done), ("queued", 7, 0))
        simulation.sudo()._advance()
        self.assertEqual((simulation.state, simulation.done, round(simulation.progress)), ("running", 3, 43))
        self.env[SIMULATION]._cron_run(commit=False)
        self.assertEqual((simulation.state, simulation.done, len(simulation.line_ids)), ("done", 7, 7))
        self.assertEqual(len(set(simulation.line_ids.mapped("res_id"))), 7)
        self.assertEqual(sum(simulation.load_ids.mapped("tasks")), 4)

    def test_an_edited_draft_ends_the_run(self):
        self.patch(approval_simulation, "AT_ONCE", 0)
        self.patch(approval_simulation, "BATCH", 3)
        simulation = self._simulate()
        simulation.sudo()._advance()
        self.draft.rule_ids[0].with_user(self.author).name = "Edited"
        self.env[SIMULATION]._cron_run(commit=False)
        self.assertEqual(simulation.state, "failed")
        self.assertIn("edited while", simulation.error)

    def test_queries_do_not_grow_with_documents(self):
        self.patch(approval_simulation, "AT_ONCE", 0)

        def advance(count):
            simulation = self._simulate()
            self.patch(approval_simulation, "BATCH", count)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            simulation.sudo()._advance()
            self.assertEqual(simulation.done, count)
            return self.cr.sql_log_count - before

        orders = self.env["purchase.order"].union(*(self._order(100 + n, vendor=self.vendor) for n in range(60)))
        orders.button_confirm()
        self.env.flush_all()
        advance(5)
        few, many = advance(5), advance(60)
        # Result lines are inserted a hundred at a time.
        self.assertLessEqual(many, few + 2, f"{many} queries for 60 documents, {few} for 5")

    # --------------------------------------------------------------- attacks

    def test_who_may(self):
        for user in (self.buyer, self.employee, self.auditor):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._simulate(user=user)
        simulation = self._simulate(user=self.publisher)
        self.assertEqual(simulation.state, "done")
        self.assertTrue(simulation.with_user(self.auditor).line_ids)
        with self.assertRaises(AccessError):
            simulation.with_user(self.buyer).read(["passed"])
        for record, values in (
            (simulation, {"passed": 99}),
            (simulation, {"state": "draft"}),
            (simulation, {"months": 5}),
            (simulation.line_ids[0], {"outcome": "pass"}),
            (simulation.load_ids[0], {"tasks": 0}),
        ):
            with self.subTest(values), self.assertRaises(UserError):
                record.with_user(self.publisher).write(values)
        with self.assertRaises(AccessError):
            self.env[SIMULATION].with_user(self.author).create({"version_id": self.draft.id, "passed": 7})
        forged = (
            self.env[SIMULATION]
            .with_user(self.author)
            .with_context(default_state="done", default_passed=9, default_digest="x", default_user_id=self.publisher.id)
            .create({"version_id": self.draft.id})
        )
        self.assertEqual((forged.state, forged.passed, forged.user_id), ("draft", 0, self.author))
        other = self.env["res.company"].create({"name": "Other"})
        with self.assertRaises(UserError):
            self._simulate(company_ids=[Command.link(other.id)])
        with self.assertRaises(UserError):
            self._simulate(months=99)
