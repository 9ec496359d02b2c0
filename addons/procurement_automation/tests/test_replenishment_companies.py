"""Properties over generated companies, and several companies side by side."""

import os

from odoo import fields
from odoo.tests import TransactionCase, tagged

from odoo.addons.distribution_core.compat import IS_17

from ..models import replenishment_run
from .replenishment_company import GeneratedCompany

#: Seeds of the generated companies; more by hand: ``REPLENISHMENT_SEEDS=1,2,3,…``.
SEEDS = [int(seed) for seed in os.environ.get("REPLENISHMENT_SEEDS", "3,4").split(",")]
RULES = 36


def computed(rules):
    """``{rule: what Odoo would order}``."""
    rules = rules.sudo()
    if IS_17:
        rules._compute_qty_to_order()
        return {rule.id: rule.qty_to_order for rule in rules}
    rules._compute_qty_to_order_computed()
    return {rule.id: rule.qty_to_order_computed for rule in rules}


def worked_off(run):
    run._start()
    while run.state in replenishment_run.LIVE:
        run._advance()
    return run


@tagged("post_install", "-at_install")
class TestReplenishmentProperties(TransactionCase):
    def test_of_every_generated_company(self):
        """Odoo's quantities; and a second run proposes nothing that can be ordered."""
        for seed in SEEDS:
            with self.subTest(seed=seed), self.cr.savepoint() as savepoint:
                company = GeneratedCompany(self.env, rules=RULES, seed=seed, below=(0.2, 0.5, 0.9)[seed % 3])
                rules = company.orderpoints
                judgement = self.env["distribution.replenishment.judgement"]._prepared(rules)
                findings = judgement._evaluate_prepared(rules.with_env(judgement.env), 90)
                self.env.invalidate_all()
                for key, quantity in computed(rules).items():
                    self.assertAlmostEqual(findings[key].need.core_quantity, quantity, 4, findings[key])
                company.company.replenishment_by = "suite"
                values = {"orderpoint_ids": [(6, 0, rules.ids)], "company_id": company.company.id}
                first = worked_off(self.env["distribution.replenishment.run"].create(values))
                self.assertTrue(first.ordered)
                self.assertFalse(first.failed)
                again = worked_off(self.env["distribution.replenishment.run"].create(values))
                # Where goods are pulled from another site, that one may need more now: once, and not again.
                pulled = first.proposal_ids.move_id.product_id
                bought = again.proposal_ids.filtered(
                    lambda one, pulled=pulled: one.state == "ordered" and one.product_id not in pulled
                )
                self.assertFalse(bought.orderpoint_id & first.proposal_ids.orderpoint_id, "ordered twice")
                last = worked_off(self.env["distribution.replenishment.run"].create(values))
                self.assertFalse(last.ordered + last.failed)
                self.env.invalidate_all(flush=False)
                savepoint.rollback()


@tagged("post_install", "-at_install")
class TestReplenishmentCompanies(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro, cls.dollar = cls.env.ref("base.EUR"), cls.env.ref("base.USD")
        (cls.euro + cls.dollar).active = True
        first = cls.env.company
        foreign = cls.dollar if first.currency_id == cls.euro else cls.euro
        second = cls.env["res.company"].create({"name": "Second", "currency_id": foreign.id})
        cls.env["res.currency.rate"].create(
            {"currency_id": foreign.id, "company_id": first.id, "rate": 0.8, "name": fields.Date.today()}
        )
        cls.env.user.company_ids += second
        cls.generated = {}
        for company in first + second:
            env = cls.env["res.company"].with_context(allowed_company_ids=company.ids).env
            cls.generated[company] = GeneratedCompany(env, rules=14, sites=1, seed=8, below=0.9, routine=True)
            company.replenishment_by = "suite"
        # The vendors of the first company quote in the currency of the second.
        prices = cls.generated[first].orderpoints.product_id.seller_ids
        prices.filtered(lambda price: price.id % 2).currency_id = foreign
        cls.first, cls.second, cls.foreign = first, second, foreign

    def lines(self, company):
        lines = self.env["purchase.order.line"].search(
            [("orderpoint_id", "in", self.generated[company].orderpoints.ids), ("state", "=", "draft")]
        )
        return {
            line.orderpoint_id.id: (
                line.company_id.id,
                line.order_id.partner_id.id,
                line.currency_id.id,
                line.price_unit,
                line.product_qty,
                line.date_planned,
            )
            for line in lines
        }

    def ordered(self, act):
        with self.cr.savepoint() as savepoint:
            act()
            self.env.flush_all()
            self.env.invalidate_all()
            found = {company: self.lines(company) for company in self.generated}
            self.env.invalidate_all(flush=False)
            savepoint.rollback()
        return found

    def core(self):
        for company, generated in self.generated.items():
            rules = generated.orderpoints.sudo().with_company(company)
            computed(rules)
            rules._procure_orderpoint_confirm(company_id=company, raise_user_error=False)

    def night(self):
        Run = self.env["distribution.replenishment.run"]
        Run._cron_night()
        runs = Run.search([("origin", "=", "night"), ("state", "=", "queued")])
        self.assertEqual(runs.company_id, self.first + self.second)
        Run._cron_run(commit=False)
        for run in runs:
            self.assertEqual(run.state, "done", run.error)
            self.assertEqual(run.proposal_ids.company_id, run.company_id)
            self.assertFalse(run.failed)

    def test_every_company_orders_for_itself_what_odoo_would(self):
        (self.first + self.second).write(
            {
                "replenishment_look_out": 0,
                "replenishment_unusual_factor": 0,
                "replenishment_price_jump": 0,
                "replenishment_cover_days": 0,
            }
        )
        theirs, ours = self.ordered(self.core), self.ordered(self.night)
        for company in self.generated:
            self.assertGreater(len(theirs[company]), 5)
            self.assertEqual(ours[company], theirs[company])
            self.assertEqual({line[0] for line in ours[company].values()}, {company.id})

    def test_prices_are_told_in_the_currency_of_the_company(self):
        self.night()
        proposals = self.env["distribution.replenishment.proposal"].search([("company_id", "=", self.first.id)])
        foreign = proposals.filtered(lambda one: one.supplierinfo_id.currency_id == self.foreign)
        self.assertTrue(foreign)
        for proposal in foreign:
            self.assertAlmostEqual(proposal.unit_price, proposal.supplierinfo_id.price / 0.8, 2)
