"""Forecast runs: suggestions with their numbers, replaced month by month; without the library a clear word."""

from unittest.mock import patch

from freezegun import freeze_time
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..engine import forecast_methods
from ..models import demand_run, demand_settings
from .demand_company import DemandCase


def without_library():
    return (
        patch.object(demand_run, "is_available", return_value=False),
        patch.object(demand_settings, "is_available", return_value=False),
    )


@tagged("post_install", "-at_install")
class TestDemandRun(DemandCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.steady, cls.slow, cls.new, cls.orphan = (
            cls.product("Steady"),
            cls.product("Slow"),
            cls.product("New"),
            cls.product("Orphan", delay=None),
        )
        cls.too_much = cls.rule(cls.steady, 400, 800)
        cls.make(
            [
                *[cls.stock(part, 2000, 24) for part in (cls.steady, cls.slow, cls.orphan)],
                *[cls.move(cls.steady, 20 + back % 3, back) for back in range(23, 0, -1)],
                *[cls.move(cls.slow, 1 + back % 2, back) for back in range(23, 0, -4)],
                *[cls.move(cls.orphan, 3, back) for back in range(23, 0, -2)],
                cls.stock(cls.new, 50, 2),
                cls.move(cls.new, 5, 1),
                cls.move(cls.steady, 11, -1, done=False),
            ]
        )
        cls.buyer = cls.user("demand_buyer")

    def test_suggestions_say_what_they_are_made_of(self):
        run = self.forecast()
        self.assertEqual((run.state, run.total, run.done), ("done", 4, 4))
        self.assertEqual((run.suggested, run.unknown, run.fitting), (2, 2, 0))
        one = self.suggestion(self.steady)
        self.assertEqual(one.state, "new")
        self.assertEqual(one.kind, "regular")
        self.assertEqual((one.history_months, one.demand_months, len(one.history), len(one.forecast)), (24, 23, 24, 12))
        self.assertEqual(one.first_month, self.at(24).date().replace(day=1))
        self.assertEqual(one.forecast_from, self.present)
        self.assertAlmostEqual(one.expected_month, 21, delta=3)
        self.assertEqual(one.asked_year, sum(20 + back % 3 for back in range(12, 0, -1)))
        self.assertEqual(one.promised, 11)
        self.assertGreater(one.backtest_months, 0)
        self.assertGreater(one.rmsse, 0)
        self.assertEqual((one.lead_days, one.lead_source, one.vendor_id), (10, "stated", self.vendor))
        self.assertEqual((one.orderpoint_id, one.present_minimum, one.present_maximum), (self.too_much, 400, 800))
        self.assertEqual(one.service_level, 95)
        self.assertGreaterEqual(one.expected_service, 95)
        self.assertGreater(one.present_service, 99)
        self.assertLess(one.suggested_maximum, 100)
        self.assertTrue(one.suggested_minimum.is_integer(), "nobody buys half a piece")
        self.assertLess(one.stock_value_effect, -3000, "hundreds of pieces less, at 10 each")
        self.assertAlmostEqual(one.stock_value_effect, 10 * (one.expected_stock - one.present_stock), 2)
        self.assertIn("<svg", one.chart)
        self.assertIn("Expected a month", one.reasoning)
        slow = self.suggestion(self.slow)
        self.assertEqual((slow.state, slow.kind, slow.orderpoint_id.id), ("new", "intermittent", False))
        self.assertEqual(run.stock_value_effect, one.stock_value_effect + slow.stock_value_effect)
        self.assertEqual(self.suggestion(self.new).reason, "short_history")
        self.assertEqual(self.suggestion(self.orphan).reason, "no_vendor")
        [event] = self.env["distribution.event"].search(
            [("type", "=", "distribution.demand_run.completed.v1")], limit=1
        )
        self.assertEqual(event.res_id, run.id)

    def test_graphs_show_history_and_forecast(self):
        self.forecast()
        months = self.env["distribution.demand.month"].search([("suggestion_id", "=", self.suggestion(self.steady).id)])
        asked = months.filtered(lambda month: month.kind == "asked")
        self.assertEqual(len(asked), 24)
        self.assertEqual(asked.sorted("month")[-1].month, self.at(1).date().replace(day=1))
        self.assertEqual(asked.sorted("month")[-1].quantity, 21)
        expected = months.filtered(lambda month: month.kind == "expected").sorted("month")
        self.assertEqual([month.quantity for month in expected], self.suggestion(self.steady).forecast)
        self.assertEqual(expected[0].month, self.present)

    def test_the_next_run_replaces_what_nobody_decided(self):
        self.forecast()
        first = self.suggestion(self.steady) | self.suggestion(self.slow)
        little = self.suggestion(self.new)
        run = self.forecast()
        self.assertEqual(set(first.mapped("state")), {"outdated"})
        self.assertFalse(little.exists(), "what nobody was asked leaves no trace")
        self.assertEqual(self.suggestion(self.steady).run_id, run)
        old = self.suggestion(self.slow)
        self.slow.active = False
        self.forecast(warehouse_ids=[(6, 0, self.branch.ids)])
        self.assertEqual(old.state, "new", "that was about another site")
        self.forecast()
        self.assertEqual(old.state, "outdated", "nobody forecasts it any more")

    def test_a_rule_that_fits_is_left_alone(self):
        self.forecast()
        one = self.suggestion(self.steady)
        self.too_much.write({"product_min_qty": one.minimum, "product_max_qty": one.maximum + 2})
        run = self.forecast()
        self.assertEqual((run.suggested, run.fitting), (1, 1))
        self.assertEqual(self.suggestion(self.steady).state, "fitting")

    def test_what_is_hardly_asked_for_gets_no_rule(self):
        forgotten = self.product("Forgotten")
        self.make([self.stock(forgotten, 50, 24), self.move(forgotten, 1, 22)])
        self.forecast()
        self.assertLess(self.suggestion(forgotten).expected_year, 1)
        self.assertEqual(self.suggestion(forgotten).state, "fitting")

    def test_more_service_takes_more_stock(self):
        category = self.env["product.category"].create({"name": "Vital"})
        below = self.env["product.category"].create({"name": "Vital too", "parent_id": category.id})
        self.forecast()
        before = self.suggestion(self.steady).minimum
        category.with_company(self.company).demand_service_level = 99.5
        self.steady.categ_id = below
        self.company.demand_service_level = 80
        self.forecast()
        self.assertEqual(self.suggestion(self.steady).service_level, 99.5)
        self.assertGreater(self.suggestion(self.steady).minimum, before)
        self.assertEqual(self.suggestion(self.slow).service_level, 80)

    def test_batches_and_a_crash(self):
        with patch.object(demand_run, "BATCH", 2):
            run = self.Run.create({"company_id": self.company.id})
            run._start()
            run._advance()
            self.assertEqual((run.done, run.progress), (2, 50))
            made = self.Suggestion.search([("run_id", "=", run.id)])
            # A worker that dies here loses the batch at hand only: the next one goes on behind the cursor.
            self.env.invalidate_all()
            run.browse(run.id)._advance()
            run._advance()
        self.assertEqual((run.state, run.done, run.suggested + run.unknown), ("done", 4, 4))
        self.assertEqual(self.Suggestion.search_count([("run_id", "=", run.id)]), 4)
        self.assertLess(made, self.Suggestion.search([("run_id", "=", run.id)]))

    def test_without_the_library_a_person_and_a_case_say_what_to_do(self):
        patches = without_library()
        with patches[0], patches[1]:
            run = self.Run.with_user(self.buyer).create({"company_id": self.company.id})
            with self.assertRaisesRegex(UserError, r"statsforecast is not installed.*requirements\.txt"):
                run.action_start()
            self.company.demand_is_forecast = True
            self.Run._cron_forecast(commit=False)
            due = self.Run.search([("company_id", "=", self.company.id), ("origin", "=", "month")])
            self.assertEqual(due.state, "failed")
            self.assertRegex(due.error, "statsforecast")
            case = self.env["distribution.case"].search([("res_model", "=", due._name), ("res_id", "=", due.id)])
            self.assertRegex(case.description, "statsforecast")
            settings = self.env["res.config.settings"].create({})
            self.assertEqual(settings.demand_missing_library, forecast_methods.LIBRARY)
        due.with_user(self.buyer).action_resume()
        self.Run._cron_forecast(commit=False)
        self.assertEqual((due.state, due.error), ("done", False))
        self.assertEqual(case.state, "resolved")

    def test_once_a_month_where_it_is_wanted(self):
        runs = [("company_id", "=", self.company.id)]
        self.Run._start_due()
        self.assertFalse(self.Run.search(runs))
        self.company.demand_is_forecast = True
        self.Run._start_due()
        self.Run._start_due()
        due = self.Run.search(runs)
        self.assertEqual((len(due), due.origin, due.state), (1, "month", "queued"))
        due.started_at = self.at(1)
        self.Run._start_due()
        self.assertEqual(self.Run.search_count(runs), 2)

    def test_a_month_begins_where_the_company_works(self):
        self.company.resource_calendar_id.tz = "Asia/Tokyo"
        self.company.demand_is_forecast = True
        runs = [("company_id", "=", self.company.id)]
        # The first hour of November in Tokyo, a day later, and the first hour of December.
        for moment, number in (("10-31 15:30", 1), ("11-01 15:30", 1), ("11-30 15:30", 2)):
            with freeze_time(f"2027-{moment}:00"):
                self.Run._start_due()
                self.Run._start_due()
            self.assertEqual(self.Run.search_count(runs), number, moment)

    def test_proposals_of_replenishment_show_what_is_expected(self):
        self.forecast()
        run = self.env["distribution.replenishment.run"].create(
            {"company_id": self.company.id, "orderpoint_ids": [(6, 0, self.too_much.ids)], "is_trial": True}
        )
        self.too_much.product_min_qty = 3000
        self.too_much.product_max_qty = 4000
        run._start()
        run._advance()
        [proposal] = run.proposal_ids
        self.assertEqual(proposal.expected_month, self.suggestion(self.steady).expected_month)
        self.assertIn("Expected demand a month", proposal.reasoning)

    def test_runs_are_started_by_buyers_and_not_forged(self):
        clerk = self.user("demand_clerk", "base.group_user,distribution_core.group_operations,stock.group_stock_user")
        draft = self.Run.with_user(self.buyer).create({"company_id": self.company.id})
        with self.assertRaises(AccessError):
            draft.with_user(clerk).action_start()
        with self.assertRaises(AccessError):
            self.Run.with_user(clerk).create({"company_id": self.company.id})
        with self.assertRaisesRegex(AccessError, "by hand"):
            self.Run.with_user(self.buyer).create({"company_id": self.company.id, "state": "done"})
        with self.assertRaisesRegex(AccessError, "by hand"):
            draft.write({"total": 5})
        forged = self.Run.with_user(self.buyer).with_context(default_state="queued", default_done=7)
        self.assertEqual(forged.create({"company_id": self.company.id}).mapped("state"), ["draft"])
        draft.action_start()
        self.assertEqual((draft.state, draft.user_id), ("queued", self.buyer))
        with self.assertRaises(UserError):
            draft.write({"warehouse_ids": [(6, 0, self.site.ids)]})
        with self.assertRaises(UserError):
            draft.unlink()
        with self.assertRaises(AccessError):
            draft.with_user(clerk).action_stop()
