"""Numbers that change while they are measured: real connections, real commits, in a company of their own."""

import uuid
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.tests.committed_case import MEETINGS, CommittedCase


@tagged("post_install", "-at_install")
class TestKpiConcurrency(CommittedCase):
    def setUp(self):
        super().setUp()
        mark = uuid.uuid4().hex[:6]
        with self.transaction() as env:
            company = env["res.company"].create({"name": f"Measured {mark}"})
            account = new_test_user(
                env,
                login=f"bi_{mark}",
                groups="base.group_user,distribution_core.group_integration,reporting_workflows.group_kpi_reader",
                company_id=company.id,
                company_ids=[(6, 0, company.ids)],
            )
            self.company_id, self.account_id = company.id, account.id
            self.customer_id = env["res.partner"].create({"name": f"Builders {mark}"}).id

    def _company(self, env):
        return env["res.company"].browse(self.company_id)

    def _order(self, env):
        """A confirmed order, as the number of orders counts it."""
        order = (
            env["sale.order"]
            .with_company(self._company(env))
            .create({"partner_id": self.customer_id, "state": "draft"})
        )
        order.write({"state": "sale", "date_order": fields.Datetime.now()})

    def _asked(self, env, since):
        """What the tool that analyses the numbers is told: ``{taken at}`` of what changed since."""
        operations = env["distribution.api.operation"].with_user(self.account_id).with_company(self._company(env))
        answer = operations._read_kpis(None, {"limit": 100, "changed_since": f"{since.isoformat()}Z"})
        return {one["value"] for one in answer["values"]}

    def test_what_was_written_while_somebody_asked_is_told_the_next_time(self):
        with self.transaction() as env:
            kpi = env["distribution.kpi"].search([("code", "=", "orders_confirmed")])
            row = {
                "kpi_id": kpi.id,
                "version_id": kpi.version_id.id,
                "company_id": self.company_id,
                "day": "2019-03-01",
                "is_measured": True,
                "rows": 1,
            }
            now = datetime.now().replace(microsecond=0)
            # A night's measuring takes minutes; all of it is committed at its end.
            begun = now - timedelta(minutes=5)
            cr = self.registry.cursor()
            self.addCleanup(cr.close)
            slow = env(cr=cr)["distribution.kpi.snapshot"]
            slow._append_rows([{**row, "value": 41, "taken_at": begun}])
            env["distribution.kpi.snapshot"]._append_rows([{**row, "day": "2019-03-02", "value": 7, "taken_at": now}])
        with self.transaction() as env:
            self.assertEqual(self._asked(env, now - timedelta(days=1)), {7})
        cr.commit()
        with self.transaction() as env:
            self.assertEqual(self._asked(env, now), {7, 41})
            self.assertEqual(self._asked(env, now + timedelta(hours=1)), set())

    def test_what_happens_during_a_measurement_is_measured_next(self):
        def count(env):
            found = env["distribution.kpi.current"].search(
                [("company_id", "=", self.company_id), ("kpi_id.code", "=", "orders_confirmed")]
            )
            return found.filtered(lambda one: not one.site_id).value

        with self.transaction() as env:
            self._order(env)
        with self.transaction() as env:
            current, company = env["distribution.kpi.current"], self._company(env)
            self.assertTrue(current._take_turn(company))
            due = current._due(company).filtered(lambda kpi: kpi.code == "orders_confirmed")
            with self.transaction() as meanwhile:
                self._order(meanwhile)
                self.assertFalse(meanwhile["distribution.kpi.current"]._take_turn(self._company(meanwhile)))
            current._refresh(company, due)
            self.assertEqual(count(env), 1)
        with self.transaction() as env:
            current, company = env["distribution.kpi.current"], self._company(env)
            due = current._due(company).filtered(lambda kpi: kpi.code == "orders_confirmed")
            self.assertTrue(due, "the second order left its mark, which the first measurement did not take away")
            current._refresh(company, due)
            self.assertEqual(count(env), 2)

    def test_who_has_it_measured_at_the_same_moment_does_not_stop_the_job(self):
        """The job looks again, and what happened meanwhile is in its numbers too."""
        with self.transaction() as env:
            self._order(env)
        current = self.registry["distribution.kpi.current"]
        due, met = current._due, []

        def meets(jobs, company):
            found = due(jobs, company)
            if company.id == self.company_id and not met:
                met.append(True)
                with self.transaction() as other:
                    kpi = other["distribution.kpi"].with_company(self._company(other))
                    kpi.search([("code", "=", "orders_confirmed")]).action_capture()
                    self._order(other)
            return found

        with patch.object(current, "_due", meets), mute_logger(*MEETINGS), self.transaction() as env:
            # What was measured before: both replace it.
            env["distribution.kpi"].with_company(self._company(env)).search(
                [("code", "=", "orders_confirmed")]
            ).action_capture()
            env.cr.commit()
            env["distribution.kpi.current"]._cron_refresh(commit=True)
        self.assertTrue(met)
        with self.transaction() as env:
            ours = [
                ("company_id", "=", self.company_id),
                ("kpi_id.code", "=", "orders_confirmed"),
                ("site_id", "=", False),
            ]
            self.assertEqual(env["distribution.kpi.current"].search(ours).value, 2)

    def test_the_numbers_of_one_measurement_fit_together(self):
        """The company and its sites are counted one after the other, of one state of the data."""
        with self.transaction() as env:
            self._order(env)
        with self.transaction() as env:
            company = self._company(env)
            kpi = env["distribution.kpi"].with_company(company).search([("code", "=", "orders_confirmed")])
            today = company._day_of(fields.Datetime.now())
            (whole,) = kpi._measure(kpi, today, today)[kpi.id]
            with self.transaction() as meanwhile:
                self._order(meanwhile)
            sites = kpi._measure(kpi, today, today, by=("site",))[kpi.id]
            self.assertEqual(sum(one.rows for one in sites), whole.rows)
        with self.transaction() as env:
            kpi = env["distribution.kpi"].with_company(self._company(env)).search([("code", "=", "orders_confirmed")])
            (now,) = kpi._measure(kpi, today, today)[kpi.id]
            self.assertEqual(now.rows, whole.rows + 1)

    def test_a_day_is_taken_once_by_two_at_once(self):
        with self.transaction() as env:
            kpi = env["distribution.kpi"].search([("code", "=", "orders_confirmed")])
            kpi_id, day = kpi.id, self._company(env)._day_of(fields.Datetime.now()) - timedelta(days=1)
            first, company = env["distribution.kpi.snapshot"], self._company(env)
            self.assertTrue(first._take_turn(company))
            first._take(company, day, kpi)
            with self.transaction() as other:
                self.assertFalse(other["distribution.kpi.snapshot"]._take_turn(self._company(other)))
        with self.transaction() as env:
            again, company = env["distribution.kpi.snapshot"], self._company(env)
            self.assertTrue(again._take_turn(company))
            self.assertNotIn(kpi_id, again._missing(company).get(day, env["distribution.kpi"]).ids)
            self.assertFalse(again._take(company, day, env["distribution.kpi"].browse(kpi_id)), "the first one stays")
