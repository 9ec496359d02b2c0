"""Whatever the company looks like: quantities are those of Odoo's scheduler, and nothing is bought twice.

Companies are generated from what hypothesis draws: sites, share below minimum, routes, vendors, units, moves and
quotations follow from the seed. ``REPLENISHMENT_COMPANIES=50`` tries more of them.
"""

import os
from contextlib import contextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.tests import TransactionCase, tagged

from odoo.addons.distribution_core.compat import IS_17

from ..models.replenishment_run import LIVE
from .replenishment_company import GeneratedCompany

COMPANIES = int(os.environ.get("REPLENISHMENT_COMPANIES", "3"))
anything = settings(
    max_examples=COMPANIES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
companies = given(
    seed=st.integers(0, 2**31),
    sites=st.integers(1, 3),
    rules=st.integers(3, 24),
    below=st.sampled_from([0.1, 0.5, 1.0]),
)


@tagged("post_install", "-at_install")
class TestReplenishmentProperties(TransactionCase):
    @contextmanager
    def company(self, **drawn):
        """A company that is gone afterwards."""
        self.env.flush_all()
        savepoint = self.env.cr.savepoint()
        try:
            yield GeneratedCompany(self.env, **drawn)
        finally:
            self.env.invalidate_all(flush=False)
            self.env.registry.clear_cache()
            savepoint.close(rollback=True)

    def ordered(self, rules):
        run = self.env["distribution.replenishment.run"].create({"orderpoint_ids": [(6, 0, rules.ids)]})
        run._start()
        while run.state in LIVE:
            run._advance()
        self.assertEqual((run.state, run.failed), ("done", 0))
        return run

    @anything
    @companies
    def test_quantities_are_those_of_odoo(self, **drawn):
        with self.company(**drawn) as generated:
            rules = generated.orderpoints
            judgement = self.env["distribution.replenishment.judgement"]._prepared(rules)
            findings = judgement._evaluate_prepared(rules.with_env(judgement.env), 90)
            self.env.invalidate_all()
            core = rules.sudo()
            name = "qty_to_order" if IS_17 else "qty_to_order_computed"
            core._compute_qty_to_order() if IS_17 else core._compute_qty_to_order_computed()
            for rule in core:
                self.assertAlmostEqual(findings[rule.id].need.core_quantity, rule[name], 4, f"{rule.id} of {drawn}")

    @anything
    @companies
    def test_nothing_is_bought_twice(self, **drawn):
        with self.company(**drawn) as generated:
            generated.company.write({"replenishment_by": "suite"})
            rules = generated.orderpoints.filtered(lambda rule: rule.trigger == "auto")
            self.ordered(rules)
            lines = self.env["purchase.order.line"].search([("orderpoint_id", "in", rules.ids)])
            before = {line.id: line.product_qty for line in lines}
            again = self.ordered(rules)
            after = self.env["purchase.order.line"].search([("orderpoint_id", "in", rules.ids)])
            # What one site pulls from another is a need there that came with the first run.
            pulled = rules.filtered("route_id").product_id
            own = after.filtered(lambda line: line.product_id not in pulled)
            self.assertEqual({line.id: line.product_qty for line in own}, {key: before.get(key) for key in own.ids})
            self.assertFalse(again.proposal_ids.filtered(lambda one: one.verdict == "order").product_id - pulled)
