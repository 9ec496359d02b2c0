"""KPIs as definitions: versions that stay, numbers of what one may read, the documents behind them."""

from datetime import date, datetime
from decimal import Decimal

import psycopg2
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tests.common import TransactionCase
from odoo.tools import convert_file, mute_logger

from ..engine.kpi import Measure


@tagged("post_install", "-at_install")
class TestKpi(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.author = new_test_user(cls.env, "kpi_author", "base.group_user,distribution_core.group_policy_author")
        cls.publisher = new_test_user(
            cls.env, "kpi_publisher", "base.group_user,distribution_core.group_policy_publisher"
        )
        cls.seller = new_test_user(cls.env, "kpi_seller", "base.group_user,sales_team.group_sale_salesman")
        cls.chief = new_test_user(cls.env, "kpi_chief", "base.group_user,sales_team.group_sale_manager")
        cls.employee = new_test_user(cls.env, "kpi_employee", "base.group_user")
        cls.kpi = cls.env["distribution.kpi"].search([("code", "=", "sales_ordered")])
        cls.customer = cls.env["res.partner"].create({"name": "Builders"})
        cls.product = cls.env["product.product"].create({"name": "Screw", "taxes_id": False})

    # -------------------------------------------------------------- versions

    def _draft(self, **values):
        self.kpi.with_user(self.author).action_new_version()
        draft = self.kpi.version_ids.filtered(lambda version: version.state == "draft")
        draft.with_user(self.author).write(values)
        return draft

    def test_the_library_is_in_force(self):
        kpis = self.env["distribution.kpi"].search([])
        self.assertGreaterEqual(len(kpis), 40)
        self.assertFalse(kpis.filtered(lambda kpi: not kpi.version_id))
        for kpi in kpis:
            self.assertTrue(kpi.question.endswith("?"), kpi.code)
            self.assertTrue(kpi.formula.endswith("."), kpi.code)
            self.assertTrue(kpi.kind, kpi.code)

    def test_what_a_kpi_can_be_told_apart_by_is_told_in_words(self):
        labels = self.env["distribution.kpi.source"]._dimension_labels()
        used = {name for one in self.env["distribution.kpi.source"]._sources().values() for name in one.dimensions}
        self.assertEqual(used - labels.keys(), set())
        self.assertEqual(self.kpi.with_user(self.employee).dimensions, "Site, Customer, Salesperson")

    def test_what_an_update_brings_is_in_force_and_what_people_draft_is_not(self):
        kpis = self.env["distribution.kpi"].create(
            [{"code": code, "name": code, "family": "service"} for code in ("t_brought", "t_drafted")]
        )
        versions = self.env["distribution.kpi.version"].create(
            [{"kpi_id": kpi.id, "question": "?", "formula": ".", "source": "cases_open"} for kpi in kpis]
        )
        again = self._draft(target=7)
        for version, name in ((versions[0], "kpi_t_brought_v1"), (again, "kpi_t_again_v2")):
            self.env["ir.model.data"].create(
                {"module": "reporting_workflows", "name": name, "model": version._name, "res_id": version.id}
            )
        for _again in range(2):
            convert_file(self.env, "reporting_workflows", "data/kpi_in_force.xml", {}, mode="update")
            self.assertEqual(versions.mapped("state"), ["published", "draft"])
            self.assertEqual((kpis[0].version_id, again.state), (versions[0], "draft"))

    def test_a_second_person_publishes(self):
        draft = self._draft(direction="up", is_judged=True, warn=100, breach=50, change_summary="Now judged")
        self.assertEqual((draft.number, draft.kpi_id), (2, self.kpi))
        self.assertIn("With Thresholds", draft.draft_changes)
        with self.assertRaisesRegex(AccessError, "publisher"):
            draft.with_user(self.author).action_publish()
        first = self.kpi.version_id
        draft.with_user(self.publisher).action_publish()
        self.assertEqual((draft.state, first.state, self.kpi.version_id), ("published", "retired", draft))
        self.assertEqual((self.kpi.breach, draft.published_by_id), (50, self.publisher))
        self.assertIn("50", draft.changes)
        event = self.env["distribution.event"]._last_for(self.kpi, "distribution.kpi.published.v1")
        self.assertIn(draft.digest, event.data)

    def test_what_was_looked_at_is_put_in_force(self):
        draft = self._draft(target=3)
        publisher = draft.with_user(self.publisher)
        seen = publisher.draft_digest
        draft.with_user(self.author).write({"target": 30})
        for attempt in (
            lambda: publisher.action_publish(seen),
            lambda: publisher.with_context(seen_digest=seen).action_publish(),
        ):
            with self.assertRaisesRegex(UserError, "was edited since"):
                attempt()
        self.assertEqual(draft.state, "draft")
        seen = publisher.draft_digest
        publisher.action_publish(seen)
        self.assertEqual((draft.state, draft.digest, self.kpi.target), ("published", seen, 30))

    def test_an_author_does_not_publish_the_own_draft(self):
        draft = self._draft(target=3)
        both = new_test_user(
            self.env,
            "kpi_both",
            "base.group_user,distribution_core.group_policy_author,distribution_core.group_policy_publisher",
        )
        draft.with_user(both).update_field_translations("question", {"en_US": "Mine?"})
        with self.assertRaisesRegex(UserError, "You wrote"):
            draft.with_user(both).action_publish()

    def test_a_published_version_never_changes(self):
        version = self.kpi.version_id
        for values in ({"breach": 1}, {"formula": "Whatever."}, {"change_summary": "?"}):
            with self.assertRaisesRegex(UserError, "never changes"):
                version.with_user(self.author).write(values)
        with self.assertRaisesRegex(UserError, "never changes"):
            version.with_user(self.author).update_field_translations("formula", {"en_US": "Whatever."})
        with self.assertRaises(UserError):
            version.with_user(self.author).unlink()
        for values in ({"state": "published"}, {"number": 7}, {"published_by_id": self.author.id}):
            with self.assertRaises(AccessError):
                self._draft().with_user(self.author).write(values)
        with self.assertRaises(AccessError):
            self.kpi.with_user(self.author).write({"version_id": self._draft().id})
        for statement in (
            "UPDATE distribution_kpi_version SET breach = 1 WHERE id = %s",
            "DELETE FROM distribution_kpi_version WHERE id = %s",
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement, [version.id])

    def test_a_draft_cannot_be_created_as_published(self):
        with self.assertRaises(AccessError):
            self.env["distribution.kpi.version"].with_user(self.author).create(
                {"kpi_id": self.kpi.id, "question": "?", "formula": ".", "source": "cases_open", "state": "published"}
            )

    def test_others_write_nothing(self):
        for user in (self.employee, self.seller, self.publisher):
            with self.assertRaises(AccessError):
                self.kpi.with_user(user).write({"owner_id": user.id})
            with self.assertRaises(AccessError):
                self.kpi.with_user(user).action_new_version()

    def test_thresholds_fit_the_direction(self):
        with self.assertRaisesRegex(ValidationError, "before the breach"):
            self._draft(direction="up", is_judged=True, warn=50, breach=100)
        with self.assertRaisesRegex(ValidationError, "Direction"):
            self._draft(direction="none", is_judged=True, warn=50, breach=100)

    def test_a_value_is_judged(self):
        kpi = self.env["distribution.kpi"].search([("code", "=", "delivery_on_time")])
        self.assertEqual([kpi._judge(Decimal(value)) for value in (96, 94, 89)], ["ok", "warn", "breach"])
        self.assertEqual((kpi._judge(None), self.kpi._judge(Decimal(1))), ("unknown", "none"))

    # --------------------------------------------------------------- numbers

    def _order(self, amount, when, user=None, **values):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "user_id": (user or self.seller).id,
                "order_line": [(0, 0, {"product_id": self.product.id, "price_unit": amount})],
                **values,
            }
        )
        order.flush_recordset()
        self.env.cr.execute(
            "UPDATE sale_order SET state = 'sale', date_order = %s, currency_rate = 1 WHERE id = %s", (when, order.id)
        )
        order.invalidate_recordset()
        return order

    def _number(self, kpi=None, user=None, **options):
        kpi = kpi or self.kpi
        model = self.env["distribution.kpi"].with_user(user or self.env.user)
        return model._measure(kpi, date(2018, 3, 1), date(2018, 3, 31), **options)[kpi.id]

    def test_nothing_measured_is_unknown_and_nothing_summed_is_zero(self):
        (total,) = self._number()
        self.assertEqual((total.value, total.rows), (0, 0))
        (mean,) = self._number(self.env["distribution.kpi"].search([("code", "=", "order_value")]))
        self.assertEqual(mean, Measure(None, Decimal(0), Decimal(0), 0, date(2018, 3, 1), {}))

    def test_days_are_those_where_the_company_works(self):
        self.env.company.resource_calendar_id.tz = "Asia/Tokyo"
        self._order(1, datetime(2018, 2, 28, 14, 59))  # 23:59 on the last of February
        self._order(2, datetime(2018, 2, 28, 15, 0))  # midnight
        self._order(4, datetime(2018, 3, 31, 14, 59))
        self._order(8, datetime(2018, 3, 31, 15, 0))
        found = self._number(grain="day")
        self.assertEqual(
            [(one.period_start, one.value) for one in found], [(date(2018, 3, 1), 2), (date(2018, 3, 31), 4)]
        )

    def test_a_number_is_made_of_what_one_may_read(self):
        self._order(100, datetime(2018, 3, 5), self.seller)
        self._order(30, datetime(2018, 3, 6), self.chief)
        self.assertEqual([self._number(user=user)[0].value for user in (self.seller, self.chief)], [100, 130])
        with self.assertRaises(AccessError):
            self._number(user=self.employee)

    def test_another_company_is_not_counted(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._order(100, datetime(2018, 3, 5))
        warehouse = self.env["stock.warehouse"].search([("company_id", "=", other.id)], limit=1)
        warehouse = warehouse or self.env["stock.warehouse"].create(
            {"name": "Elsewhere", "code": "ELS", "company_id": other.id}
        )
        self.env.user.company_ids |= other
        self._order(7, datetime(2018, 3, 5), company_id=other.id, warehouse_id=warehouse.id)
        self.assertEqual(self._number()[0].value, 100)
        both = self.env(context=dict(self.env.context, allowed_company_ids=[self.env.company.id, other.id]))
        measured = both["distribution.kpi"]._measure(self.kpi, date(2018, 3, 1), date(2018, 3, 31))
        self.assertEqual(measured[self.kpi.id][0].value, 100, "the present company, whatever others are chosen")
        measured = (
            self.env["distribution.kpi"].with_company(other)._measure(self.kpi, date(2018, 3, 1), date(2018, 3, 31))
        )
        self.assertEqual(measured[self.kpi.id][0].value, 7)
        with self.assertRaises(AccessError):
            self.env["distribution.kpi"].with_user(self.chief).with_context(allowed_company_ids=[other.id])._measure(
                self.kpi, date(2018, 3, 1), date(2018, 3, 31)
            )

    def test_an_unknown_dimension_is_named(self):
        with self.assertRaisesRegex(UserError, "colour.*site, customer"):
            self._number(by=("colour",))
        with self.assertRaisesRegex(UserError, "Grain"):
            self._number(grain="fortnight; DROP TABLE")

    def test_one_query_per_source(self):
        """Whatever the number of orders, dimensions and days; KPIs that count the same share it."""
        kpis = self.env["distribution.kpi"].search([])
        sources = len(set(kpis.mapped("source")))

        def measure():
            return self.env["distribution.kpi"]._measure(kpis, date(2018, 3, 1), date(2018, 3, 31))

        measure()
        self.env.flush_all()
        with self.assertQueryCount(sources):
            measure()
        for number in range(8):
            self._order(number, datetime(2018, 3, 1 + number))
        self.env.flush_all()
        with self.assertQueryCount(sources):
            measure()

    # ------------------------------------------------------------ drill-down

    def test_the_documents_behind_a_number(self):
        orders = self._order(100, datetime(2018, 3, 5)) | self._order(30, datetime(2018, 3, 6))
        self._order(7, datetime(2018, 4, 1))
        action = self.kpi.with_user(self.chief).action_drill("2018-03-01", "2018-03-31")
        found = self.env[action["res_model"]].with_user(self.chief).search(action["domain"])
        self.assertEqual(found, orders)
        action = self.kpi.action_drill("2018-03-01", "2018-03-31", {"site": self.env["stock.warehouse"].create(
            {"name": "Empty", "code": "EMP"}
        ).id})  # fmt: skip
        self.assertFalse(self.env[action["res_model"]].search(action["domain"]))

    def test_what_happens_at_a_site_is_told_by_site(self):
        """Messages and calls are between systems; an invoice is the customer's, for whatever sites delivered."""
        sources = self.env["distribution.kpi.source"]._sources()
        kpis = self.env["distribution.kpi"].search([])
        nowhere = kpis.filtered(lambda kpi: "site" not in sources[kpi.source].dimensions)
        self.assertEqual(
            set(nowhere.mapped("code")),
            {"webhook_delivered", "webhook_dead", "webhook_latency", "api_refused", "sales_invoiced"},
        )

    def test_every_kpi_leads_to_as_many_documents_as_it_counts(self):
        kpis = self.env["distribution.kpi"].search([])
        since, until = date(2018, 3, 1), date(2018, 3, 31)
        for kpi in kpis:
            model, domain = kpi._drill(since, until)
            (measure,) = self.env["distribution.kpi"]._measure(kpi, since, until)[kpi.id]
            found = self.env[model].with_context(active_test=False).search_count(domain)
            self.assertEqual(found, measure.rows, kpi.code)

    def test_a_source_that_is_gone_says_so(self):
        draft = self._draft(target=1)
        draft.flush_recordset()
        self.env.cr.execute("UPDATE distribution_kpi_version SET source = 'gone' WHERE id = %s", [draft.id])
        draft.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "nothing counts “gone”"):
            draft.with_user(self.publisher).action_publish()
