"""Runs: never twice, resumed where they stopped, accepted and dismissed by buyers; attacks."""

import contextlib
import json
from unittest.mock import patch

import psycopg2
from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import IS_17, storable_product_values

from ..models import replenishment_run
from .replenishment_company import GeneratedCompany


class ReplenishmentCase(TransactionCase):
    RULES = 60

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.generated = GeneratedCompany(cls.env, rules=cls.RULES, sites=2, routine=True)
        cls.rules = cls.generated.orderpoints
        cls.company = cls.generated.company
        cls.company.write({"replenishment_by": "suite", "replenishment_look_out": 0, "replenishment_cover_days": 0})
        cls.buyer = new_test_user(
            cls.env,
            "replenishment_buyer",
            groups="base.group_user,distribution_core.group_buyer,purchase.group_purchase_user,stock.group_stock_user",
        )
        cls.clerk = new_test_user(
            cls.env, "replenishment_clerk", groups="base.group_user,distribution_core.group_operations"
        )
        cls.Run = cls.env["distribution.replenishment.run"]
        cls.Proposal = cls.env["distribution.replenishment.proposal"]

    def run_over(self, rules=None, **values):
        run = self.Run.create({"orderpoint_ids": [(6, 0, (rules or self.rules).ids)], **values})
        run._start()
        while run.state in replenishment_run.LIVE:
            run._advance()
        return run

    def bought(self, rules=None):
        """``{rule: quantity}`` in quotations."""
        lines = self.env["purchase.order.line"].search(
            [("orderpoint_id", "in", (rules or self.rules).ids), ("state", "=", "draft")]
        )
        found = {}
        for line in lines:
            found[line.orderpoint_id.id] = found.get(line.orderpoint_id.id, 0) + line.product_uom_qty
        return found

    def withheld(self):
        """A proposal that waits for a buyer: the vendor of its rule is not approved yet."""
        short = self.run_over(is_trial=True).proposal_ids.filtered(lambda one: one.verdict == "order")[0]
        short.vendor_id.vendor_status = "new"
        return self.run_over(short.orderpoint_id).proposal_ids


@tagged("post_install", "-at_install")
class TestReplenishmentRun(ReplenishmentCase):
    def test_a_run_orders_and_counts(self):
        before = self.bought()
        run = self.run_over()
        self.assertEqual(run.state, "done")
        self.assertEqual((run.total, run.done), (len(self.rules), len(self.rules)))
        self.assertGreater(run.ordered, 10)
        self.assertEqual(run.enough + run.ordered + run.reviewed + run.failed, run.total)
        self.assertEqual(len(run.proposal_ids), run.ordered + run.reviewed)
        after = self.bought()
        for proposal in run.proposal_ids.filtered(lambda one: one.verdict == "order"):
            rule = proposal.orderpoint_id.id
            self.assertEqual(proposal.state, "ordered")
            self.assertEqual(proposal.purchase_line_id.orderpoint_id.id, rule)
            self.assertAlmostEqual(after[rule] - before.get(rule, 0), proposal.quantity)
        events = self.env["distribution.event"].search([("res_model", "=", run._name), ("res_id", "=", run.id)])
        self.assertEqual(
            set(events.mapped("type")),
            {"distribution.replenishment_run.started.v1", "distribution.replenishment_run.completed.v1"},
        )

    def test_the_stored_need_of_odoo_is_kept_up(self):
        """What Odoo shows in its own replenishment screen is what it would have worked out."""
        self.run_over()
        stored = {rule.id: rule.qty_to_order for rule in self.rules}
        self.rules._compute_qty_to_order_computed() if not IS_17 else self.rules._compute_qty_to_order()
        for rule in self.rules:
            self.assertAlmostEqual(stored[rule.id], rule.qty_to_order, 2)

    def test_a_second_run_proposes_nothing(self):
        self.run_over()
        before = self.bought()
        again = self.run_over()
        self.assertEqual((again.ordered, again.failed, len(again.proposal_ids)), (0, 0, 0))
        self.assertEqual(self.bought(), before)

    def test_nor_when_the_orders_were_confirmed(self):
        run = self.run_over()
        run.proposal_ids.order_id.button_confirm()
        again = self.run_over()
        self.assertEqual((again.ordered, len(again.proposal_ids)), (0, 0))

    def test_nor_when_their_receipts_are_postponed(self):
        """The receipts lie behind every horizon now (19.0 looks a year ahead): Odoo would buy all of it again."""
        self.company.replenishment_look_out = 500
        run = self.run_over()
        ordered = run.proposal_ids.filtered("purchase_line_id").orderpoint_id
        run.proposal_ids.order_id.button_confirm()
        moves = run.proposal_ids.purchase_line_id.move_ids
        moves.write({"date": fields.Datetime.add(fields.Datetime.now(), days=420)})
        again = self.run_over(ordered)
        self.assertEqual(again.ordered, 0)
        self.assertGreater(again.reviewed, 5)
        self.assertEqual(set(again.proposal_ids.mapped("reasons")), {"open_late_order"})
        self.assertTrue(all(one.core_quantity > one.quantity for one in again.proposal_ids))

    def test_a_trial_orders_nothing(self):
        self.company.replenishment_by = "odoo"
        before = self.bought()
        run = self.run_over(is_trial=True)
        self.assertGreater(run.ordered, 10)
        self.assertEqual(set(run.proposal_ids.mapped("state")), {"trial"})
        self.assertEqual(self.bought(), before)

    def test_batches_give_the_same_as_one(self):
        def ordered(size):
            self.env.flush_all()
            savepoint = self.env.cr.savepoint()
            with patch.object(replenishment_run, "BATCH", size):
                run = self.run_over()
                result = {
                    one.orderpoint_id.id: (one.verdict, one.quantity, one.vendor_id.id) for one in run.proposal_ids
                }
                quotations = len(run.proposal_ids.order_id)
            self.env.invalidate_all(flush=False)
            savepoint.close(rollback=True)
            return result, quotations

        self.assertEqual(ordered(7), ordered(1000))

    def test_a_crash_resumes_behind_the_last_batch(self):
        advance = type(self.Run)._advance
        calls = []

        def dies(run):
            calls.append(run.last_ref)
            if len(calls) == 3:
                raise MemoryError("killed")
            return advance(run)

        run = self.Run.create({"orderpoint_ids": [(6, 0, self.rules.ids)]})
        run._start()
        with patch.object(replenishment_run, "BATCH", 10):
            # assertRaises would undo what the finished batches wrote.
            with patch.object(type(self.Run), "_advance", dies), contextlib.suppress(MemoryError):
                while True:
                    run._advance()
            self.assertEqual((run.state, run.done), ("running", 20))
            half = self.bought()
            self.Run._cron_run(commit=False)
        self.assertEqual((run.state, run.done), ("done", len(self.rules)))
        whole = self.bought()
        self.assertTrue(all(whole[rule] == quantity for rule, quantity in half.items()))
        self.assertEqual(self.run_over().ordered, 0)

    def test_one_bad_rule_does_not_stop_the_others(self):
        lines = type(self.env["purchase.order.line"])
        prepare = lines._prepare_purchase_order_line_from_procurement
        bad = self.run_over(is_trial=True).proposal_ids.filtered(lambda one: one.verdict == "order")[3].orderpoint_id

        def fails(records, product, *rest):
            if product == bad.product_id:
                raise ValueError("no such thing")
            return prepare(records, product, *rest)

        with patch.object(lines, "_prepare_purchase_order_line_from_procurement", fails):
            run = self.run_over()
        self.assertEqual(run.state, "done")
        failed = run.proposal_ids.filtered(lambda one: one.state == "failed")
        self.assertTrue(failed)
        self.assertEqual(failed.product_id, bad.product_id)
        self.assertIn("no such thing", failed[0].problem)
        self.assertGreater(run.ordered, 5)
        case = self.env["distribution.case"].search([("dedup_key", "=", f"replenishment_rule,{bad.id}")])
        self.assertEqual(len(case), 1)
        self.assertEqual(case.type_id.code, "replenishment_rule_failed")

    def test_moves_wake_the_rules_that_they_take_from(self):
        self.env["ir.config_parameter"].set_param("stock.no_auto_scheduler", False)
        self.run_over()
        rule = self.rules[0]
        before = self.bought(rule)
        move = self.env["stock.move"].create(
            {**self.generated._move_values(rule, rule.location_id, self.generated.customers), "product_uom_qty": 5000}
        )
        move.date = fields.Datetime.now()
        move._action_confirm()
        move._trigger_scheduler()  # as confirming a transfer does
        self.assertEqual(self.bought(rule), before, "not in the transaction of whoever delivers")
        self.Run._cron_run(commit=False)
        run = self.Run.search([("origin", "=", "moves")], limit=1)
        self.assertEqual((run.orderpoint_ids, run.state), (rule, "done"))
        proposal = run.proposal_ids
        self.assertEqual(len(proposal), 1)
        self.assertGreaterEqual(proposal.quantity, 5000 - 300)
        self.assertFalse(self.env["distribution.replenishment.wakeup"].search([]))

    def test_odoo_acts_where_it_is_asked_to(self):
        self.company.replenishment_by = "odoo"
        self.env["ir.config_parameter"].set_param("stock.no_auto_scheduler", False)
        rule = self.rules[0]
        before = self.bought(rule).get(rule.id, 0)
        move = self.env["stock.move"].create(
            {**self.generated._move_values(rule, rule.location_id, self.generated.customers), "product_uom_qty": 5000}
        )
        move.date = fields.Datetime.now()
        move._action_confirm()
        move._trigger_scheduler()  # as confirming a transfer does
        self.assertGreater(self.bought(rule)[rule.id], before)
        self.assertFalse(self.env["distribution.replenishment.wakeup"].search([]))

    def test_handed_back_to_odoo_nothing_goes_on(self):
        """One of them acts, also for what was stopped or queued before."""
        run = self.Run.create({"orderpoint_ids": [(6, 0, self.rules.ids)]})
        run._start()
        with patch.object(replenishment_run, "BATCH", 10):
            run._advance()
        run.with_user(self.buyer).action_stop()
        queued = self.Run.create({"orderpoint_ids": [(6, 0, self.rules.ids)]})
        queued._start()
        self.company.replenishment_by = "odoo"
        before = self.bought()
        with self.assertRaisesRegex(UserError, "Odoo's scheduler replenishes"):
            run.with_user(self.buyer).action_resume()
        self.assertEqual(run.state, "cancelled")
        self.Run._cron_run(commit=False)
        self.assertEqual((queued.state, queued.done), ("cancelled", 0))
        self.assertIn("Odoo's scheduler replenishes", queued.error)
        self.assertTrue(queued.finished_at)
        self.assertEqual(self.bought(), before)
        events = self.env["distribution.event"].search([("res_model", "=", run._name), ("res_id", "=", queued.id)])
        self.assertIn("distribution.replenishment_run.cancelled.v1", events.mapped("type"))
        self.company.replenishment_by = "suite"
        run.with_user(self.buyer).action_resume()
        self.Run._cron_run(commit=False)
        self.assertEqual((run.state, run.done), ("done", len(self.rules)))


@tagged("post_install", "-at_install")
class TestReplenishmentVendor(ReplenishmentCase):
    """What a buyer accepts is ordered from whom the buyer saw, at the price that was shown."""

    RULES = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.replenishment_order_value = 1  # a buyer sees everything
        cls.product = cls.env["product.product"].create(
            {"name": "Seal", "purchase_ok": True, **storable_product_values()}
        )
        cls.known, cls.other = cls.env["res.partner"].create(
            [
                {"name": "Known Seals", "vendor_status": "approved"},
                {"name": "Quick Seals", "vendor_status": "new"},
            ]
        )
        cls.bulk, cls.single, cls.express = cls.env["product.supplierinfo"].create(
            [
                {**cls.price_of(cls.known, 10), "sequence": 1, "min_qty": 50},
                {**cls.price_of(cls.other, 8), "sequence": 2},
                {**cls.price_of(cls.known, 11), "sequence": 3, "min_qty": 55},
            ]
        )
        site = cls.generated.sites[0]
        cls.rule = cls.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": cls.product.id,
                "warehouse_id": site.id,
                "location_id": site.lot_stock_id.id,
                "product_min_qty": 52,
                "product_max_qty": 52,
            }
        )

    @classmethod
    def price_of(cls, vendor, price):
        return {
            "product_tmpl_id": cls.product.product_tmpl_id.id,
            "partner_id": vendor.id,
            "price": price,
            "company_id": cls.company.id,
        }

    def setUp(self):
        super().setUp()
        proposal = self.run_over(self.rule).proposal_ids
        self.assertEqual((proposal.state, proposal.vendor_id, proposal.quantity), ("open", self.known, 52))
        self.assertEqual((proposal.supplierinfo_id, proposal.reasons), (self.bulk, "high_value"))
        self.proposal = proposal.with_user(self.buyer)

    def refused(self, *words):
        """It was not ordered, and the buyer reads why."""
        result = self.proposal.action_accept()["params"]
        self.assertEqual((result["type"], self.proposal.state), ("warning", "open"))
        self.assertEqual((self.bought(self.rule), self.proposal.decided_by.ids), ({}, []))
        for word in words:
            self.assertIn(word, result["message"])

    def accepted(self, vendor, price, quantity):
        self.proposal.action_accept()
        shown = self.proposal
        self.assertEqual((shown.state, shown.vendor_id, shown.supplierinfo_id), ("ordered", vendor, price))
        self.assertEqual((shown.order_id.partner_id, shown.purchase_line_id.product_qty), (vendor, quantity))
        event = self.env["distribution.event"].search(
            [("res_model", "=", shown._name), ("res_id", "=", shown.id)], limit=1
        )
        self.assertEqual(event.type, "distribution.replenishment_proposal.accepted.v1")
        self.assertEqual(json.loads(event.data)["vendor_id"], vendor.id)

    def test_a_smaller_quantity_is_not_silently_bought_elsewhere(self):
        self.proposal.quantity = 5
        self.refused("Quick Seals", "not Known Seals", "not approved yet")
        shown = self.proposal
        self.assertEqual((shown.vendor_id, shown.supplierinfo_id, shown.unit_price), (self.other, self.single, 8))
        self.assertEqual((shown.quantity, shown.needed), (5, 52))
        self.assertIn("new_vendor", shown.reasons.split())
        self.accepted(self.other, self.single, 5)

    def test_and_the_full_quantity_is_again_from_whom_the_run_found(self):
        self.proposal.quantity = 5
        self.refused()
        self.proposal.quantity = 52
        self.refused("Odoo selects Known Seals", "not Quick Seals")
        self.accepted(self.known, self.bulk, 52)

    def test_a_price_that_ended_since_the_night(self):
        self.bulk.date_end = fields.Date.subtract(fields.Date.today(), days=1)
        self.refused("Odoo selects Quick Seals", "not Known Seals", "not approved yet")
        self.accepted(self.other, self.single, 52)

    def test_a_price_that_jumped_since_the_night(self):
        self.bulk.price = 30
        self.refused("the price is 30.00, not 10.00")
        self.assertEqual(self.proposal.unit_price, 30)
        self.accepted(self.known, self.bulk, 52)

    def test_a_vendor_that_the_buyer_names(self):
        self.proposal.supplierinfo_id = self.single
        self.refused("not approved yet")
        self.assertEqual((self.proposal.supplierinfo_id, self.proposal.quantity), (self.single, 52))
        self.accepted(self.other, self.single, 52)

    def test_another_price_of_the_same_vendor(self):
        self.proposal.write({"supplierinfo_id": self.express.id, "quantity": 60})
        self.accepted(self.known, self.express, 60)
        self.assertEqual(self.proposal.unit_price, 11)

    def test_a_price_of_another_product(self):
        foreign = self.rules[0].product_id.seller_ids[:1]
        with self.assertRaisesRegex(ValidationError, "choose one of Seal"):
            self.proposal.supplierinfo_id = foreign
        with self.assertRaises(AccessError):
            self.proposal.found_price_ref = self.single.id


@tagged("post_install", "-at_install")
class TestReplenishmentDecision(ReplenishmentCase):
    def test_a_buyer_accepts(self):
        proposal = self.withheld()
        self.assertEqual((proposal.state, proposal.verdict, proposal.reasons), ("open", "review", "new_vendor"))
        before = self.bought(proposal.orderpoint_id).get(proposal.orderpoint_id.id, 0)
        proposal.with_user(self.buyer).action_accept()
        self.assertEqual((proposal.state, proposal.decided_by), ("ordered", self.buyer))
        self.assertEqual(proposal.order_id.partner_id, proposal.vendor_id)
        after = self.bought(proposal.orderpoint_id)[proposal.orderpoint_id.id]
        self.assertAlmostEqual(after - before, proposal.quantity)
        with self.assertRaises(UserError):
            proposal.with_user(self.buyer).action_accept()

    def test_an_unchanged_proposal_is_not_made_again(self):
        proposal = self.withheld()
        again = self.run_over(proposal.orderpoint_id)
        self.assertEqual((again.waiting, len(again.proposal_ids)), (1, 0))
        self.assertEqual(proposal.state, "open")

    def test_a_changed_one_replaces_it(self):
        proposal = self.withheld()
        proposal.orderpoint_id.product_max_qty += 60
        again = self.run_over(proposal.orderpoint_id)
        self.assertEqual(proposal.state, "superseded")
        self.assertEqual(again.proposal_ids.state, "open")
        self.assertGreater(again.proposal_ids.quantity, proposal.quantity)

    def test_a_need_that_is_gone_is_not_asked_about(self):
        proposal = self.withheld()
        self.env["stock.quant"]._update_available_quantity(proposal.product_id, proposal.location_id, 1000)
        self.run_over(proposal.orderpoint_id)
        self.assertEqual(proposal.state, "superseded")

    def test_accepting_looks_again(self):
        """Somebody ordered in between: not twice, and the buyer sees the new number."""
        proposal = self.withheld()
        asked = proposal.quantity
        self.env["stock.quant"]._update_available_quantity(proposal.product_id, proposal.location_id, 1000)
        before = self.bought(proposal.orderpoint_id)
        result = proposal.with_user(self.buyer).action_accept()
        self.assertEqual(result["params"]["type"], "warning")
        self.assertEqual((proposal.state, proposal.needed), ("open", 0))
        self.assertNotEqual(asked, 0)
        self.assertEqual(self.bought(proposal.orderpoint_id), before)

    def test_a_blocked_vendor_gets_nothing(self):
        proposal = self.withheld()
        proposal.vendor_id.vendor_status = "blocked"
        proposal.with_user(self.buyer).action_accept()
        self.assertEqual(proposal.state, "open")
        self.assertFalse(proposal.purchase_line_id)

    def test_dismissed_for_some_days(self):
        proposal = self.withheld()
        proposal.with_user(self.buyer).action_dismiss()
        self.assertEqual(proposal.state, "dismissed")
        again = self.run_over(proposal.orderpoint_id)
        self.assertEqual((again.dismissed, len(again.proposal_ids)), (1, 0))
        proposal.dismissed_until = fields.Date.subtract(fields.Date.today(), days=1)
        self.assertEqual(len(self.run_over(proposal.orderpoint_id).proposal_ids), 1)

    def test_every_rule_explains_itself(self):
        for rule in self.rules[:6]:
            wizard = (
                self.env["distribution.replenishment.explain"].with_user(self.buyer).create({"orderpoint_id": rule.id})
            )
            self.assertIn("Forecast", wizard.reasoning)
            self.assertTrue(wizard.verdict)

    # ---------------------------------------------------------------- attacks

    def test_only_buyers_act(self):
        proposal = self.withheld()
        for method in ("action_accept", "action_dismiss"):
            with self.assertRaises(AccessError):
                getattr(proposal.with_user(self.clerk), method)()
        run = self.Run.with_user(self.buyer).create({"is_trial": True})
        with self.assertRaises(AccessError):
            run.with_user(self.clerk).action_start()
        with self.assertRaises(AccessError):
            self.Run.with_user(self.clerk).create({})

    def test_results_are_not_forged(self):
        proposal = self.withheld().with_user(self.buyer)
        for vals in (
            {"state": "ordered"},
            {"reasons": ""},
            {"needed": 1},
            {"vendor_id": self.generated.vendors[0].id},
            {"purchase_line_id": False},
            {"decided_by": self.clerk.id},
        ):
            with self.assertRaises(AccessError):
                proposal.write(vals)
        with self.assertRaises(AccessError):
            proposal.create({"product_id": self.rules[0].product_id.id})
        with self.assertRaises(AccessError):
            proposal.unlink()
        run = self.Run.with_user(self.buyer)
        with self.assertRaises(AccessError):
            run.create({"ordered": 5})
        made = run.with_context(default_state="done", default_ordered=9, default_origin="night").create({})
        self.assertEqual((made.state, made.ordered, made.origin), ("draft", 0, "person"))

    def test_a_memory_from_outside_is_none(self):
        forged = self.env["stock.rule"].with_context(replenishment_memory={"answers": {}})
        from ..models.replenishment_memory import RuleMemory

        self.assertIsNone(RuleMemory.of(forged.env))

    def test_another_company_is_closed(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        run = self.Run.create({"company_id": other.id})
        with self.assertRaises(AccessError):
            run.with_user(self.buyer).action_start()

    def test_started_runs_are_evidence(self):
        run = self.run_over(self.rules[:3])
        with self.assertRaises(UserError):
            run.with_user(self.buyer).write({"has_manual_rules": True})
        with self.assertRaises(UserError):
            run.with_user(self.buyer).unlink()

    def test_one_open_proposal_per_rule(self):
        proposal = self.withheld()
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.UniqueViolation), self.env.cr.savepoint():
            proposal.copy()
            self.env.flush_all()


@tagged("post_install", "-at_install")
class TestReplenishmentTurn(TransactionCase):
    """Two connections."""

    COMPANY = 2_000_000_001  # nobody's

    def test_who_comes_second_looks_again(self):
        database = self.env.cr.dbname
        from odoo.sql_db import db_connect

        first, second = db_connect(database).cursor(), db_connect(database).cursor()
        take = """INSERT INTO distribution_replenishment_turn AS turn (company_ref, number) VALUES (%s, 1)
                   ON CONFLICT (company_ref) DO UPDATE SET number = turn.number + 1"""
        try:
            first.execute(take, (self.COMPANY,))
            first.commit()
            second.execute("SELECT 1")  # its picture of the data is from now
            turn = self.env["distribution.replenishment.turn"]
            turn.with_env(self.env(cr=first))._take(self.env["res.company"].browse(self.COMPANY))
            first.commit()
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.SerializationFailure):
                turn.with_env(self.env(cr=second))._take(self.env["res.company"].browse(self.COMPANY))
        finally:
            second.rollback()
            second.close()
            first.execute("DELETE FROM distribution_replenishment_turn WHERE company_ref = %s", (self.COMPANY,))
            first.commit()
            first.close()
