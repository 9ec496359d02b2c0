"""Two workers, and one that is killed: real connections, real commits."""

from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.distribution_core.compat import storable_product_values
from odoo.addons.distribution_core.tests.committed_case import CommittedCase

from ..models import demand_run
from .at_once import make_buyers, press

SUGGESTION = "distribution.demand.suggestion"


class Killed(BaseException):
    """What nobody catches."""


@tagged("post_install", "-at_install")
class TestDemandConcurrency(CommittedCase):
    """What is committed here is archived in the end; the run stays, for it is evidence."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            sites = env["stock.warehouse"].with_context(active_test=False)
            number = sites.search_count([("name", "like", "Demand at once")])
            site = sites.create({"name": f"Demand at once {number}", "code": f"DA{number}"})
            products = env["product.product"].create(
                [{"name": f"At once {number}", **storable_product_values()} for number in range(3)]
            )
            env["stock.warehouse.orderpoint"].create(
                [
                    {"product_id": product.id, "warehouse_id": site.id, "location_id": site.lot_stock_id.id}
                    for product in products
                ]
            )
            run = env["distribution.demand.run"].create({"warehouse_ids": [(6, 0, site.ids)]})
            run._start()
            self.site_id, self.product_ids, self.run_id = site.id, products.ids, run.id
        self.addCleanup(self.clear)

    def clear(self):
        with self.transaction() as env:
            run = self.one(env)
            if run.state in demand_run.LIVE:  # nobody works on it afterwards
                run.state = "cancelled"
            env["distribution.demand.suggestion"].search([("warehouse_id", "=", self.site_id)]).unlink()
            env["stock.warehouse.orderpoint"].search([("warehouse_id", "=", self.site_id)]).unlink()
            env["product.product"].browse(self.product_ids).active = False
            env["stock.warehouse"].browse(self.site_id).active = False

    def one(self, env):
        return env["distribution.demand.run"].browse(self.run_id)

    def test_one_worker_at_a_run(self):
        with self.transaction() as first, self.transaction() as second:
            self.assertTrue(self.one(first)._is_mine())
            self.assertFalse(self.one(second)._advance(), "somebody has it")
            second["distribution.demand.run"]._cron_forecast()
        with self.transaction() as env:
            self.assertEqual((self.one(env).state, self.one(env).done), ("queued", 0))
            env["distribution.demand.run"]._cron_forecast()
            self.assertEqual((self.one(env).state, self.one(env).done), ("done", 3))

    def test_a_killed_worker_loses_its_batch_only(self):
        replace = demand_run.DemandRun._replace

        def dies(run, pairs, values):
            counts = replace(run, pairs, values)
            if run.done:
                raise Killed
            return counts

        with patch.object(demand_run, "BATCH", 2):
            dying = patch.object(demand_run.DemandRun, "_replace", dies)
            with dying, self.assertRaises(Killed), self.registry.cursor() as cr:
                api.Environment(cr, SUPERUSER_ID, {})["distribution.demand.run"]._cron_forecast()
            with self.transaction() as env:
                self.assertEqual((self.one(env).state, self.one(env).done), ("running", 2))
                env["distribution.demand.run"]._cron_forecast()
                self.assertEqual((self.one(env).state, self.one(env).done), ("done", 3))
                made = env["distribution.demand.suggestion"].search([("run_id", "=", self.run_id)])
                self.assertEqual(sorted(made.product_id.ids), sorted(self.product_ids))
                self.assertEqual(len(made), 3)

    def test_two_buyers_accept_the_same_once(self):
        """One rule is changed and one is made, by one of them; the other is told that nothing is left to decide."""
        with self.transaction() as env:
            rule = env["stock.warehouse.orderpoint"].search([("warehouse_id", "=", self.site_id)], limit=1)
            new = env["product.product"].create({"name": "At once, without a rule", **storable_product_values()})
            common = {
                "run_id": self.run_id,
                "company_id": rule.company_id.id,
                "warehouse_id": self.site_id,
                "location_id": rule.location_id.id,
                "minimum": 4,
                "maximum": 9,
                "method": "tsb",
            }
            suggestions = (
                env[SUGGESTION]
                .create(
                    [
                        {**common, "product_id": rule.product_id.id, "orderpoint_id": rule.id},
                        {**common, "product_id": new.id},
                    ]
                )
                .ids
            )
            self.product_ids.append(new.id)
            buyers = make_buyers(env)
        results = press(self.registry, SUGGESTION, suggestions, [(buyer, "action_accept") for buyer in buyers])
        refused = [isinstance(result, UserError) for result in results]
        self.assertEqual(sorted(refused), [False, True], results)
        self.assertIn("nothing to decide", str(results[refused.index(True)]))
        with self.transaction() as env:
            known = env[SUGGESTION].browse(suggestions)
            self.assertEqual(known.mapped("state"), ["accepted"] * 2)
            self.assertEqual(known.decided_by.ids, [buyers[refused.index(False)]])
            rules = env["stock.warehouse.orderpoint"].search([("product_id", "in", known.product_id.ids)])
            self.assertEqual(rules, known.orderpoint_id)
            self.assertEqual([(one.product_min_qty, one.product_max_qty) for one in rules], [(4, 9)] * 2)
            events = env["distribution.event"].search([("res_model", "=", SUGGESTION), ("res_id", "in", suggestions)])
            self.assertEqual(len(events), 2)
            env["res.users"].browse(buyers).action_archive()
