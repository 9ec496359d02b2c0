"""Two workers, two runs over the same rules, and one that is killed: real connections, real commits."""

import contextlib
import threading
import time
from unittest.mock import patch

import psycopg2
from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests.common import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import storable_product_values
from odoo.addons.distribution_core.tests.committed_case import MEETINGS, waiting_for

from ..models import replenishment_run
from .at_once import make_buyers, press

PROPOSAL = "distribution.replenishment.proposal"
RULES = 30


@tagged("post_install", "-at_install")
class TestReplenishmentConcurrency(BaseCase):
    """What is committed here is cancelled and archived in the end; runs and events stay, for they are evidence."""

    def __init__(self, methodName="runTest"):
        super().__init__(methodName)
        self.test_sequence = 1000  # after the tests that count on an empty database

    def setUp(self):
        super().setUp()
        # 19.0 holds the lock of the registries while it tests.
        self.startPatcher(patch.object(Registry, "_lock", DummyRLock()))
        self.registry = Registry(get_db_name())
        with self.transaction() as env:
            company = env.company
            self.company_id, self.former = company.id, company.replenishment_by
            company.replenishment_by = "suite"
            vendor = env["res.partner"].create({"name": "Vendor at once", "vendor_status": "approved"})
            self.vendor_id = vendor.id
            products = env["product.product"].create(
                [
                    {"name": f"At once {number}", "purchase_ok": True, **storable_product_values()}
                    for number in range(RULES)
                ]
            )
            env["product.supplierinfo"].create(
                [
                    {"product_tmpl_id": product.product_tmpl_id.id, "partner_id": vendor.id, "price": 3, "delay": 2}
                    for product in products
                ]
            )
            warehouse = env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1)
            self.rule_ids = (
                env["stock.warehouse.orderpoint"]
                .create(
                    [
                        {
                            "product_id": product.id,
                            "warehouse_id": warehouse.id,
                            "location_id": warehouse.lot_stock_id.id,
                            "product_min_qty": 10,
                            "product_max_qty": 10,
                        }
                        for product in products
                    ]
                )
                .ids
            )
        self.addCleanup(self._leave)

    def _leave(self):
        with self.transaction() as env:
            rules = env["stock.warehouse.orderpoint"].browse(self.rule_ids)
            lines = env["purchase.order.line"].search([("orderpoint_id", "in", self.rule_ids)])
            lines.order_id.button_cancel()
            rules.product_id.action_archive()
            rules.action_archive()
            env["res.company"].browse(self.company_id).replenishment_by = self.former

    @contextlib.contextmanager
    def transaction(self):
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def start(self, count):
        with self.transaction() as env:
            runs = env["distribution.replenishment.run"].create(
                [{"orderpoint_ids": [(6, 0, self.rule_ids)]} for _number in range(count)]
            )
            for run in runs:
                run._start()
            return runs.ids

    def work(self):
        with self.registry.cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["distribution.replenishment.run"]._cron_run()

    def bought(self):
        with self.transaction() as env:
            lines = env["purchase.order.line"].search([("orderpoint_id", "in", self.rule_ids)])
            found = dict.fromkeys(self.rule_ids, 0.0)
            for line in lines:
                found[line.orderpoint_id.id] += line.product_qty
            return found

    def states(self, run_ids):
        with self.transaction() as env:
            return [(run.state, run.done) for run in env["distribution.replenishment.run"].browse(run_ids)]

    def test_two_workers_order_once(self):
        run_ids = self.start(2)
        threads = [threading.Thread(target=self.work) for _number in range(2)]
        with patch.object(replenishment_run, "BATCH", 5), mute_logger(*MEETINGS):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(self.states(run_ids), [("done", RULES)] * 2)
        self.assertEqual(set(self.bought().values()), {10.0})

    def test_killed_and_gone_on(self):
        """The connection dies in the middle of a batch: what was committed stays, the rest follows."""
        run_ids = self.start(1)
        advance = replenishment_run.ReplenishmentRun._advance
        calls = []

        def dies(run):
            calls.append(run.last_ref)
            advance(run)
            if len(calls) == 3:
                run.env.cr.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        with (
            patch.object(replenishment_run, "BATCH", 7),
            patch.object(replenishment_run.ReplenishmentRun, "_advance", dies),
            mute_logger("odoo.sql_db", replenishment_run.__name__),
            self.assertRaises((psycopg2.OperationalError, psycopg2.InterfaceError)),
        ):
            self.work()
        self.assertEqual(self.states(run_ids), [("running", 14)])
        self.assertEqual(sorted(self.bought().values()), [0.0] * (RULES - 14) + [10.0] * 14)
        with patch.object(replenishment_run, "BATCH", 7):
            self.work()
        self.assertEqual(self.states(run_ids), [("done", RULES)])
        self.assertEqual(set(self.bought().values()), {10.0})

    def meanwhile(self, act):
        """Work in batches of seven; during the second one, which is not committed yet, ``act(env)`` is called."""
        advance = replenishment_run.ReplenishmentRun._advance
        calls, threads = [], []

        def aside():
            with self.transaction() as env:
                act(env)

        def busy(run):
            calls.append(run.last_ref)
            advance(run)
            if len(calls) == 2:
                threads.append(threading.Thread(target=aside))
                threads[0].start()
                self.wait_until_done_or_blocked(threads[0], run.env.cr)

        with (
            patch.object(replenishment_run, "BATCH", 7),
            patch.object(replenishment_run.ReplenishmentRun, "_advance", busy),
            mute_logger(*MEETINGS),
        ):
            self.work()
        threads[0].join()
        return len(calls)

    def wait_until_done_or_blocked(self, thread, cr):
        """Return when ``thread`` has ended, or waits for what the transaction of ``cr`` has locked."""
        until = time.monotonic() + 60
        while thread.is_alive() and not waiting_for(cr, self.transaction):
            self.assertLess(time.monotonic(), until, "it is neither done, nor waits")
            thread.join(0.05)

    def test_a_run_at_work_is_stopped_behind_its_batch(self):
        run_ids = self.start(1)
        stopped = []

        def stop(env):
            run = env["distribution.replenishment.run"].browse(run_ids)
            run.action_stop()
            stopped.append(run.is_stopping)

        self.meanwhile(stop)
        self.assertEqual(stopped, [True])
        self.assertEqual(self.states(run_ids), [("cancelled", 14)])
        with self.transaction() as env:
            run = env["distribution.replenishment.run"].browse(run_ids)
            self.assertFalse(run.is_stopping)
            run.action_resume()
        self.work()
        self.assertEqual(self.states(run_ids), [("done", RULES)])

    def test_a_run_that_waits_is_stopped_at_once(self):
        run_ids = self.start(1)
        with self.transaction() as env:
            env["distribution.replenishment.run"].browse(run_ids).action_stop()
        self.assertEqual(self.states(run_ids), [("cancelled", 0)])

    def test_who_waits_for_the_turn_of_a_run_gets_it(self):
        self.start(1)
        asked, slept = [], []

        def take(env):
            asked.append(True)
            with contextlib.suppress(psycopg2.errors.SerializationFailure):
                env["distribution.replenishment.turn"]._take(env["res.company"].browse(self.company_id))

        with patch.object(replenishment_run.time, "sleep", slept.append):
            batches = self.meanwhile(take)
        self.assertEqual((asked, slept), ([True], [replenishment_run.COURTESY]))
        self.assertGreater(batches, 3)

    def held_back(self):
        """Ids of two proposals that wait for a buyer, and of two buyers."""
        with self.transaction() as env:
            env["res.partner"].browse(self.vendor_id).vendor_status = "new"
            run = env["distribution.replenishment.run"].create({"orderpoint_ids": [(6, 0, self.rule_ids[:2])]})
            run._start()
            run._advance()
            self.assertEqual(run.proposal_ids.mapped("state"), ["open"] * 2)
            buyers = make_buyers(env)
            self.addCleanup(self.let_go, buyers)
            return run.proposal_ids.ids, buyers

    def let_go(self, buyers):
        with self.transaction() as env:
            env["res.users"].browse(buyers).action_archive()

    def told(self, proposals):
        """``{(state, who decided)}`` and how often it was accepted and dismissed."""
        with self.transaction() as env:
            events = env["distribution.event"].search([("res_model", "=", PROPOSAL), ("res_id", "in", proposals)])
            decided = {(one.state, one.decided_by.id) for one in env[PROPOSAL].browse(proposals)}
            return decided, sorted(event.type.split(".")[2] for event in events)

    def test_two_buyers_accept_the_same_once(self):
        proposals, buyers = self.held_back()
        results = press(self.registry, PROPOSAL, proposals, [(buyer, "action_accept") for buyer in buyers])
        refused = [isinstance(result, UserError) for result in results]
        self.assertEqual(sorted(refused), [False, True], results)
        self.assertIn("nothing to decide", str(results[refused.index(True)]))
        self.assertEqual([self.bought()[rule] for rule in self.rule_ids], [10.0] * 2 + [0.0] * (RULES - 2))
        decided, facts = self.told(proposals)
        self.assertEqual(decided, {("ordered", buyers[refused.index(False)])})
        self.assertEqual(facts, ["accepted"] * 2)

    def test_one_accepts_what_another_dismisses(self):
        """Whoever comes first has decided; the other one is told."""
        proposals, buyers = self.held_back()
        pressed = list(zip(buyers, ("action_accept", "action_dismiss")))
        results = press(self.registry, PROPOSAL, proposals, pressed)
        refused = [isinstance(result, UserError) for result in results]
        self.assertEqual(sorted(refused), [False, True], results)
        has_ordered = refused == [False, True]
        quantity, state, fact = (10.0, "ordered", "accepted") if has_ordered else (0.0, "dismissed", "dismissed")
        self.assertEqual([self.bought()[rule] for rule in self.rule_ids[:2]], [quantity] * 2)
        self.assertEqual(self.told(proposals), ({(state, buyers[refused.index(False)])}, [fact] * 2))
