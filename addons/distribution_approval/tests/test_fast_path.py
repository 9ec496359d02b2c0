"""Fast paths: what is pre-approved passes, up to the ceilings of the day and the site."""

import json
from datetime import timedelta

import psycopg2
from freezegun import freeze_time
from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from ..engine import Unknown
from ..models import approval_simulation
from .test_evidence import TermsCase


def fast_rule(conditions, day=10000, site=0, name="Standstill"):
    return Command.create(
        {
            "sequence": 5,
            "name": name,
            "outcome": "pass",
            "fast_path": True,
            "fast_path_day": day,
            "fast_path_site": site,
            "condition_ids": [
                Command.create({"fact": fact, "operator": operator, "value": value})
                for fact, operator, value in conditions
            ],
        }
    )


@tagged("post_install", "-at_install")
class TestFastPath(TermsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site_2 = cls.env["stock.warehouse"].create({"name": "Branch", "code": "T2", "company_id": cls.company.id})
        cls._republish(rule_ids=[fast_rule([("urgent", "is_true", False)], day=10000, site=8000)])

    def _urgent(self, amount, site=None, **values):
        if site:
            values["picking_type_id"] = site.in_type_id.id
        order = self._order(amount, priority="1", **values)
        order.button_confirm()
        return order

    def assertTook(self, order):
        self.assertEqual((order.state, self._releases(order).kind), ("purchase", "fast_path"))

    def assertAsked(self, order):
        self.assertEqual((order.state, order.approval_state), ("to approve", "pending"))

    def test_up_to_the_ceilings(self):
        first = self._urgent(5000)
        self.assertTook(first)
        self.assertFalse(first.approval_request_id)
        release = self._releases(first)
        rules = json.loads(release.rules)
        self.assertEqual([rule["name"] for rule in rules], ["Standstill", "Above 2,500"])
        self.assertTrue(json.loads(release.facts))
        self.assertTrue(release.content)
        use = self.env["distribution.approval.fast.path.use"].search([("res_id", "=", first.id)])
        self.assertEqual(
            (use.amount, use.room, use.warehouse_id, use.user_id), (5000, 5000, self.warehouse, self.buyer)
        )
        self.assertAsked(self._urgent(3500))  # 8,500 at this site
        self.assertTook(self._urgent(3000))  # 8,000: the ceiling itself
        self.assertAsked(self._urgent(2600))
        self.assertAsked(self._urgent(2600, site=self.site_2))  # 10,600 on this day
        self._republish()
        self.assertAsked(self._urgent(2600))  # a next version does not start anew
        with freeze_time("2027-03-01 10:00:00"):
            self.assertTook(self._urgent(5000))
        events = self.env["distribution.event"].search(
            [("res_id", "=", first.id), ("res_model", "=", "purchase.order")]
        )
        self.assertIn("distribution.purchase_order.fast_path_taken.v1", events.mapped("type"))

    def test_only_what_it_is_meant_for(self):
        order = self._order(5000)
        order.button_confirm()
        self.assertAsked(order)
        small = self._urgent(500)
        self.assertEqual(self._releases(small).kind, "policy", "what passes anyway uses nothing up")
        self.assertFalse(self.env["distribution.approval.fast.path.use"].search([("company_id", "=", self.company.id)]))

    def test_what_policy_refuses_takes_no_fast_path(self):
        order = self._urgent(5000, vendor=self.blocked_vendor)
        self.assertEqual(order.approval_state, "refused")

    def test_what_cannot_be_judged_takes_no_fast_path(self):
        orders = type(self.env["purchase.order"])
        facts = orders._approval_facts

        def without_status(documents, names):
            return {
                key: {**known, "vendor_status": Unknown("the register does not answer")}
                for key, known in facts(documents, names).items()
            }

        self.patch(orders, "_approval_facts", without_status)
        order = self._urgent(5000)
        self.assertEqual(order.approval_state, "on_hold")

    def test_together_they_count_together(self):
        orders = self.env["purchase.order"].union(*(self._order(3000, priority="1") for _number in range(4)))
        orders.button_confirm()
        self.assertEqual(len(orders.filtered(lambda order: order.state == "purchase")), 2)
        self.assertEqual(len(orders.filtered(lambda order: order.approval_state == "pending")), 2)

    def test_queries_do_not_grow(self):
        self._republish({"fast_path_day": 1e6, "fast_path_site": 0}, rule="Standstill")

        def confirm(count):
            orders = self.env["purchase.order"].union(
                *(self._order(2600 + number, priority="1", user=self.buyer) for number in range(count))
            )
            self.env.flush_all()
            self.env.invalidate_all()
            uses = self.env["distribution.approval.fast.path.use"]
            snapshots = orders.sudo()._approval_snapshots()
            verdicts = orders.sudo()._approval_verdicts()
            from ..models.gate_frame import gate_frame

            with gate_frame(self.env):
                before = self.cr.sql_log_count
                uses._take(orders.sudo(), verdicts, snapshots)
                self.env.flush_all()
                return self.cr.sql_log_count - before

        confirm(1)
        self.assertLessEqual(confirm(3), confirm(1) + 1)

    def test_a_change_is_not_covered(self):
        order = self._urgent(5000)
        with self._refused():
            order.order_line.write({"product_qty": 5000})

    def test_once_per_document(self):
        order = self._urgent(5000)
        order.button_cancel()
        order.button_draft()
        order.button_confirm()
        self.assertTook(order)
        uses = self.env["distribution.approval.fast.path.use"].search([("res_id", "=", order.id)])
        self.assertEqual(len(uses), 2)
        self.assertTook(self._urgent(3000))  # 8,000 and not 13,000

    def test_looking_uses_nothing(self):
        order = self._order(5000, priority="1")
        judgement = order.sudo()._approval_verdicts()[order.id]
        self.assertEqual(judgement.verdict.outcome, "require")
        self.assertFalse(self.env["distribution.approval.fast.path.use"].search([("company_id", "=", self.company.id)]))

    def _simulated(self, version):
        """``{amount: (outcome, fast path, changed)}`` and the simulation of ``version``, in many batches."""
        self.patch(approval_simulation, "BATCH", 1)
        # What is simulated was saved before.
        self.env.flush_all()
        self.env.invalidate_all()
        simulation = (
            self.env["distribution.approval.simulation"].with_user(self.author).create({"version_id": version.id})
        )
        simulation.action_run()
        self.assertEqual(simulation.state, "done", simulation.error)
        lines = simulation.line_ids
        return {line.amount: (line.outcome, line.fast_path, line.changed) for line in lines}, simulation

    def test_a_simulation_takes_them(self):
        policy = self.version.policy_id
        self.assertTook(self._urgent(5000))
        self.assertTook(self._urgent(4000, self.site_2))
        self.assertAsked(self._urgent(2600))
        with freeze_time(fields.Datetime.now() + timedelta(days=1)):
            self.assertTook(self._urgent(3500))
        in_force = self.env["distribution.approval.policy"]._effective_version("purchase_order", self.company)
        lines, simulation = self._simulated(in_force)
        took, asked = ("pass", "Standstill", False), ("require", False, False)
        self.assertEqual(lines, {5000: took, 4000: took, 2600: asked, 3500: took}, "as it was, a day at a time")
        self.assertEqual((simulation.passed, simulation.fast, simulation.routed, simulation.changed), (3, 3, 1, 0))
        self.assertEqual(simulation.facts_of_today, 0, "what took a fast path has its facts on record")
        draft = policy.with_user(self.author)._draft_next_version()
        draft.rule_ids.filtered("fast_path").write({"fast_path_day": 4500, "fast_path_site": 0})
        lines, simulation = self._simulated(draft)
        self.assertEqual(
            lines, {5000: ("require", False, True), 4000: took, 2600: asked, 3500: took}, "the ceilings of the draft"
        )
        draft.rule_ids.filtered("fast_path").write({"fast_path_day": 20000, "fast_path_site": 3000})
        lines, simulation = self._simulated(draft)
        passes = "pass", "Standstill", True
        self.assertEqual(
            lines,
            {5000: ("require", False, True), 4000: ("require", False, True), 2600: passes,
             3500: ("require", False, True)},
            "those of a site",
        )  # fmt: skip
        draft.rule_ids.filtered("fast_path").unlink()
        lines, simulation = self._simulated(draft)
        self.assertEqual((simulation.passed, simulation.fast, simulation.routed, simulation.changed), (0, 0, 4, 3))

    def test_what_monitored_rules_say_of_it(self):
        self._republish(
            rule_ids=[
                Command.create(
                    {
                        "sequence": 300,
                        "name": "Over 4,500",
                        "outcome": "refuse",
                        "mode": "monitor",
                        "condition_ids": [Command.create({"fact": "amount", "operator": "gt", "value": "4500"})],
                    }
                )
            ]
        )
        order = self._urgent(5000)
        self.assertTook(order)
        self.env.flush_all()
        row = self.env["distribution.approval.monitored"].with_user(self.auditor).search([("res_id", "=", order.id)])
        self.assertEqual((row.rule_name, row.would, row.decided, row.stricter), ("Over 4,500", "refuse", "pass", True))

    def test_drafts_with_faults(self):
        policy = self.version.policy_id
        draft = policy.with_user(self.author)._draft_next_version()
        rule = draft.rule_ids.filtered("fast_path")
        for values in (
            {"fast_path_day": 0},
            {"fast_path_day": -1},
            {"fast_path_site": -1},
            {"outcome": "refuse"},
            {"mode": "monitor"},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                rule.write(values)
        rule.condition_ids.unlink()
        self.assertIn("no condition", draft.problem_text)
        self.env.flush_all()
        with self.assertRaises(UserError):
            draft.with_user(self.publisher).action_publish()

    def test_published_ceilings_do_not_change(self):
        version = self.version.policy_id.current_version_id
        rule = version.rule_ids.filtered("fast_path")
        for column, value in (("fast_path", False), ("fast_path_day", 1e9), ("fast_path_site", 1e9)):
            with (
                self.subTest(column=column),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(
                    f"UPDATE distribution_approval_rule SET {column} = %s WHERE id = %s", (value, rule.id)
                )
        use = self._urgent(5000) and self.env["distribution.approval.fast.path.use"].search(
            [("company_id", "=", self.company.id)]
        )
        for user in (self.buyer, self.author, self.publisher, self.auditor, self.env.ref("base.user_admin")):
            with self.subTest(user=user.login), self.assertRaises(UserError):
                use.with_user(user).create({"scenario": "x"})
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("DELETE FROM distribution_approval_fast_path_use")

    def _trial(self, order, version=None):
        wizard = self.env["distribution.approval.try"].with_user(self.auditor)
        return wizard.create(
            {
                "version_id": (version or self.version.policy_id.current_version_id).id,
                "document_ref": f"purchase.order,{order.id}",
            }
        ).result

    def test_try_it_shows_them(self):
        order = self._order(6000, priority="1")
        shown = self._trial(order)
        self.assertIn("passes by a fast path", shown)
        self.assertRegex(shown, r"(?s)“Standstill”, if it were confirmed now:.*4,000.*of.*10,000")
        self.assertNotIn("The route", shown)
        self.assertFalse(self.env["distribution.approval.fast.path.use"].search([("res_id", "=", order.id)]))
        self._urgent(5000)
        shown = self._trial(order)
        self.assertIn("needs approval", shown)
        self.assertRegex(shown, r"(?s)“Standstill” is meant for it,\s+but has no room")
        self.assertIn("The route", shown)
        shown = self._trial(self._order(6000))
        self.assertNotIn("“Standstill”", shown)
        self.assertIn("fast path</span>", shown, "its conditions are shown")

    def test_try_it_shows_those_of_a_draft(self):
        draft = self.version.policy_id.with_user(self.author)._draft_next_version()
        draft.rule_ids.filtered("fast_path").write({"name": "Line is down"})
        self.assertRegex(self._trial(self._order(6000, priority="1"), draft), "“Line is down”, if it were")
