"""Days that are kept: once, for ever, caught up when missed, corrected beside the former row, signed by who answers."""

from datetime import date, timedelta
from decimal import Decimal

import psycopg2
from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tests.common import TransactionCase
from odoo.tools import mute_logger

TODAY = date(2018, 6, 15)
YESTERDAY = TODAY - timedelta(days=1)


@tagged("post_install", "-at_install")
class TestKpiSnapshot(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.company = cls.env.company
        cls.company.resource_calendar_id.tz = "UTC"
        cls.Snapshot = cls.env["distribution.kpi.snapshot"]
        cls.Signoff = cls.env["distribution.kpi.signoff"]
        kpis = {kpi.code: kpi for kpi in cls.env["distribution.kpi"].search([])}
        cls.flow, cls.level = kpis["sales_ordered"], kpis["cases_open"]
        cls.others = cls.env["distribution.kpi"].browse(
            [kpi.id for kpi in kpis.values() if kpi not in (cls.flow, cls.level)]
        )

        def user(login, *groups):
            return new_test_user(cls.env, f"kpi_{login}", ",".join(("base.group_user", *groups)))

        cls.owner = user("owner")
        cls.backup = user("backup")
        cls.employee = user("employee")
        cls.keeper = user("keeper")
        cls.reader = user("reader", "reporting_workflows.group_kpi_reader")
        cls.operator = user("operator", "distribution_core.group_operations")
        cls.admin = user("admin", "distribution_core.group_administrator")
        cls.flow.write({"owner_id": cls.owner.id, "backup_owner_id": cls.backup.id})
        cls.customer = cls.env["res.partner"].create({"name": "Builders"})
        cls.product = cls.env["product.product"].create({"name": "Screw", "taxes_id": False})
        cls.site = cls.env["stock.warehouse"].create({"name": "North", "code": "KPN", "manager_id": cls.keeper.id})

    def setUp(self):
        super().setUp()
        clock = freeze_time(f"{TODAY} 02:00:00")
        clock.start()
        self.addCleanup(clock.stop)

    def _sell(self, amount, day):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "warehouse_id": self.site.id,
                "order_line": [(0, 0, {"product_id": self.product.id, "price_unit": amount})],
            }
        )
        order.flush_recordset()
        self.env.cr.execute(
            "UPDATE sale_order SET state = 'sale', date_order = %s, currency_rate = 1 WHERE id = %s", (day, order.id)
        )
        order.invalidate_recordset()
        return order

    def _kept(self, kpi=None, site=None):
        """``[(day, value or None, revision)]`` of the company or a site."""
        rows = self.Snapshot.search(
            [
                ("kpi_id", "=", (kpi or self.flow).id),
                ("company_id", "=", self.company.id),
                ("site_id", "=", site and site.id),
            ],
            order="day, revision",
        )
        return [(row.day, row.value if row.is_measured else None, row.revision) for row in rows]

    # ---------------------------------------------------------------- taking

    def test_a_day_is_taken_once_it_is_over(self):
        self._sell(100, YESTERDAY)
        self._sell(7, TODAY)
        self.Snapshot._cron_take()
        self.assertEqual(self._kept(), [(YESTERDAY, 100, 0)])
        self.assertEqual(self._kept(site=self.site), [(YESTERDAY, 100, 0)])
        self.Snapshot._cron_take()
        self.assertEqual(self._kept(), [(YESTERDAY, 100, 0)], "once")
        taken = self.Snapshot.search([("company_id", "=", self.company.id), ("site_id", "=", False)])
        self.assertEqual(taken.kpi_id, self.env["distribution.kpi"].search([]), "all of them")

    def test_what_was_missed_is_caught_up(self):
        self.Snapshot._cron_take()
        self._sell(30, TODAY)
        self._sell(40, TODAY + timedelta(days=2))
        with freeze_time(TODAY + timedelta(days=3)):
            self.Snapshot._cron_take()
        days = [TODAY + timedelta(days=number) for number in (-1, 0, 1, 2)]
        self.assertEqual(self._kept(), [(day, value, 0) for day, value in zip(days, (0, 30, 0, 40))])
        levels = self._kept(self.level)
        self.assertEqual([value is None for _day, value, _revision in levels], [False, True, True, False])
        late = self.Snapshot.search(
            [("kpi_id", "=", self.level.id), ("day", "=", days[1]), ("company_id", "=", self.company.id)]
        )
        self.assertIn("cannot be measured afterwards", late.reason)

    def test_no_more_than_a_month_is_caught_up(self):
        self.Snapshot._take(self.company, date(2018, 1, 1), self.flow)
        missing = [day for day, kpis in self.Snapshot._missing(self.company).items() if self.flow in kpis]
        self.assertEqual((len(missing), missing[-1]), (31, YESTERDAY))

    def test_a_day_that_failed_is_tried_again_when_later_ones_are_there(self):
        self._sell(30, YESTERDAY)
        self.Snapshot._take(self.company, YESTERDAY - timedelta(days=1), self.flow)
        self.Snapshot._take(self.company, YESTERDAY + timedelta(days=1), self.flow)
        missing = [day for day, kpis in self.Snapshot._missing(self.company).items() if self.flow in kpis]
        self.assertEqual(missing, [YESTERDAY])

    def test_how_it_stood_is_not_measured_late_in_the_next_day(self):
        with freeze_time(f"{TODAY} 17:00:00"):
            self.Snapshot._take(self.company, YESTERDAY, self.flow | self.level)
        self.assertEqual([value is None for _day, value, _revision in self._kept(self.level)], [True])
        self.assertEqual([value is None for _day, value, _revision in self._kept()], [False])

    def test_a_deadline_stays_when_goods_have_left(self):
        move = self.env["stock.move"].create(
            {
                **({"name": "x"} if "name" in self.env["stock.move"]._fields else {}),
                "product_id": self.product.id,
                "location_id": self.site.lot_stock_id.id,
                "location_dest_id": self.env.ref("stock.stock_location_customers").id,
                "date_deadline": f"{YESTERDAY} 10:00:00",
            }
        )
        self.env.flush_all()
        self.env.cr.execute("UPDATE stock_move SET state = 'done' WHERE id = %s", [move.id])
        self.env.invalidate_all()
        move.write({"date_deadline": f"{TODAY} 10:00:00", "origin": "X"})
        self.assertEqual((str(move.date_deadline.date()), move.origin), (str(YESTERDAY), "X"))

    def test_each_company_has_its_own(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._sell(100, YESTERDAY)
        self.Snapshot._cron_take()
        rows = self.Snapshot.search([("kpi_id", "=", self.flow.id), ("day", "=", YESTERDAY), ("site_id", "=", False)])
        self.assertEqual({row.company_id: row.value for row in rows}[other], 0)
        self.assertEqual({row.company_id: row.value for row in rows}[self.company], 100)

    def test_a_second_worker_adds_nothing(self):
        """It looked at the same gap before the first one committed."""
        rows = self.Snapshot._rows(self.flow, self.company, YESTERDAY, True)
        self.assertEqual(len(self.Snapshot._append_rows(rows)), 1)
        self._sell(100, YESTERDAY)
        again = self.Snapshot._append_rows(self.Snapshot._rows(self.flow, self.company, YESTERDAY, True))
        self.assertFalse(again.filtered(lambda row: not row.site_id))
        self.assertEqual(self._kept(), [(YESTERDAY, 0, 0)])

    def test_two_workers_take_different_companies(self):
        self.assertTrue(self.Snapshot._take_turn(self.company))
        with self.registry.cursor() as other_cr:
            other = self.Snapshot.with_env(self.env(cr=other_cr))
            if other_cr._cnx is self.env.cr._cnx:
                self.skipTest("tests share one connection here")
            self.assertFalse(other._take_turn(self.company))

    def test_the_number_of_queries_does_not_depend_on_the_data(self):
        self.Snapshot._take(self.company, date(2018, 1, 1), self.flow | self.level)
        self.env.flush_all()
        with self.assertQueryCount(11):
            self.Snapshot._take(self.company, date(2018, 5, 1), self.flow)
        for number in range(9):
            self._sell(number, date(2018, 5, 2))
        self.env.flush_all()
        with self.assertQueryCount(11):
            self.Snapshot._take(self.company, date(2018, 5, 2), self.flow)

    def test_what_fails_is_a_case_and_the_others_are_taken(self):
        draft = self.level.version_id.copy()
        draft._publish(self.env.user)
        self.env.flush_all()
        # An addon that counted something is gone.
        self.env.cr.execute("ALTER TABLE distribution_kpi_version DISABLE TRIGGER distribution_keep_columns_update")
        self.env.cr.execute("UPDATE distribution_kpi_version SET source = 'gone' WHERE id = %s", [draft.id])
        self.env.cr.execute(
            "ALTER TABLE distribution_kpi_version ENABLE ALWAYS TRIGGER distribution_keep_columns_update"
        )
        self.env.invalidate_all()
        with mute_logger("odoo.addons.reporting_workflows.models.kpi_snapshot"):
            self.Snapshot._take(self.company, YESTERDAY, self.flow | self.level)
        self.assertEqual((len(self._kept()), self._kept(self.level)), (1, []))
        case = self.env["distribution.case"].search(
            [("dedup_key", "=", f"kpi_failed:{self.company.id}:{self.level.id}:{YESTERDAY}")]
        )
        self.assertEqual((case.type_id.code, case.state), ("kpi_failed", "open"))
        mended = self.level.version_id.copy({"source": "cases_open"})
        mended._publish(self.env.user)
        self.Snapshot._take(self.company, YESTERDAY, self.level)
        self.assertEqual((len(self._kept(self.level)), case.state), (1, "resolved"))

    # ------------------------------------------------------------ correcting

    def _taken(self):
        self.Snapshot._take(self.company, YESTERDAY, self.flow | self.level)
        return self.Snapshot.search([("kpi_id", "=", self.flow.id), ("site_id", "=", False), ("day", "=", YESTERDAY)])

    def test_a_correction_stands_beside_the_former_row(self):
        row = self._taken()
        self._sell(55, YESTERDAY)
        corrected = row.with_user(self.owner).action_correct("Entered late")
        self.assertEqual(self._kept(), [(YESTERDAY, 0, 0), (YESTERDAY, 55, 1)])
        self.assertEqual({one.reason for one in corrected}, {"Entered late"})
        self.assertEqual({one.user_ref for one in corrected}, {self.owner.id})
        self.assertEqual(self.Snapshot.search([("kpi_id", "=", self.flow.id), ("is_latest", "=", True)]), corrected)
        self.assertEqual((row.is_latest, corrected.mapped("is_latest")), (False, [True, True]))
        self.assertFalse(corrected.with_user(self.owner).action_correct("Again"), "nothing is different")
        self.assertTrue(self.env["distribution.event"]._last_for(self.flow, "distribution.kpi.corrected.v1"))

    def test_who_corrects(self):
        row = self._taken()
        self._sell(55, YESTERDAY)
        with self.assertRaisesRegex(UserError, "Reason"):
            row.with_user(self.owner).action_correct(" ")
        for user in (self.reader, self.operator, self.admin):
            with self.assertRaisesRegex(AccessError, "owner"):
                row.with_user(user).action_correct("I know better")
        with self.assertRaises(AccessError):
            row.with_user(self.employee).action_correct("I know better")
        self.level.owner_id = self.owner
        level = self.Snapshot.search([("kpi_id", "=", self.level.id)], limit=1)
        with self.assertRaisesRegex(UserError, "afterwards"):
            level.with_user(self.owner).action_correct("It was less")

    # --------------------------------------------------------------- attacks

    def test_nobody_writes_snapshots(self):
        row = self._taken()
        values = {
            "kpi_id": self.flow.id,
            "version_id": self.flow.version_id.id,
            "company_id": self.company.id,
            "day": "2018-01-01",
            "revision": 9,
            "is_measured": True,
            "value": 1000000,
            "taken_at": fields.Datetime.now(),
        }
        for user in (self.owner, self.operator, self.admin, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                self.Snapshot.with_user(user).create(values)
            with self.assertRaises(UserError):
                row.with_user(user).write({"value": 1})
            with self.assertRaises(UserError):
                row.with_user(user).unlink()
        for statement in (
            "UPDATE distribution_kpi_snapshot SET value = 1 WHERE id = %s",
            "DELETE FROM distribution_kpi_snapshot WHERE id = %s",
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement, [row.id])

    def test_who_reads_what(self):
        self._sell(5, YESTERDAY)
        self._taken()
        mine = [("kpi_id", "in", (self.flow | self.level).ids), ("day", "=", YESTERDAY)]

        def seen(user):
            return {(row.kpi_id, row.site_id) for row in self.Snapshot.with_user(user).search(mine).sudo()}

        none = self.site.browse()
        self.assertEqual(seen(self.employee), set())
        self.assertEqual(seen(self.keeper), {(self.flow, self.site)}, "the site's manager: that site")
        self.assertEqual(seen(self.owner), {(self.flow, none), (self.flow, self.site)})
        self.assertLessEqual({(self.flow, none), (self.flow, self.site), (self.level, none)}, seen(self.reader))

    def test_another_company_is_not_read(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.Snapshot._take(other, YESTERDAY, self.flow)
        foreign = self.Snapshot.search([("company_id", "=", other.id)], limit=1)
        self.assertTrue(foreign)
        for user in (self.reader, self.owner):
            self.assertFalse(self.Snapshot.with_user(user).search([("company_id", "=", other.id)]))
            with self.assertRaises(AccessError):
                foreign.with_user(user).read(["value"])
            with self.assertRaises(AccessError):
                foreign.with_user(user).action_correct("Mine now")

    # -------------------------------------------------------------- sign-off

    def _digest(self, first=YESTERDAY):
        return self.Snapshot._digest_of(self.flow, self.company, first, YESTERDAY)

    def test_the_owner_signs_and_a_correction_outdates_it(self):
        row = self._taken()
        signoff = self.flow.with_user(self.owner).action_sign_off(YESTERDAY, YESTERDAY, self._digest(), "Looked at")
        self.assertEqual((signoff.user_id, signoff.as_backup, signoff.state), (self.owner, False, "current"))
        self.assertEqual(self.Signoff._of(self.flow, self.company, YESTERDAY, YESTERDAY), {self.flow: signoff})
        self._sell(55, YESTERDAY)
        row.with_user(self.owner).action_correct("Entered late")
        signoff.invalidate_recordset()
        self.assertEqual(signoff.state, "outdated")
        self.assertEqual(self.Signoff._of(self.flow, self.company, YESTERDAY, YESTERDAY), {})
        again = self.flow.with_user(self.backup).action_sign_off(YESTERDAY, YESTERDAY, self._digest())
        self.assertEqual((again.as_backup, again.state), (True, "current"))

    def test_only_what_was_looked_at_is_signed(self):
        row, seen = self._taken(), self._digest()
        self._sell(55, YESTERDAY)
        row.with_user(self.owner).action_correct("Entered late")
        with self.assertRaisesRegex(UserError, "changed since"):
            self.flow.with_user(self.owner).action_sign_off(YESTERDAY, YESTERDAY, seen)

    def test_a_period_is_over_and_whole(self):
        self._taken()
        sign = self.flow.with_user(self.owner).action_sign_off
        for first, last, words in (
            (YESTERDAY, TODAY, "not over"),
            (YESTERDAY, YESTERDAY - timedelta(days=3), "before the last"),
            (YESTERDAY - timedelta(days=2), YESTERDAY, "2 days"),
            (None, YESTERDAY, "both"),
        ):
            with self.assertRaisesRegex(UserError, words):
                sign(first, last, self._digest(YESTERDAY - timedelta(days=2)))

    def test_a_signature_cannot_be_forged(self):
        self._taken()
        for user in (self.reader, self.operator, self.admin, self.env.ref("base.user_root")):
            with self.assertRaisesRegex(AccessError, "owner"):
                self.flow.with_user(user).action_sign_off(YESTERDAY, YESTERDAY, self._digest())
        values = {
            "kpi_id": self.flow.id,
            "company_id": self.company.id,
            "period_start": YESTERDAY,
            "period_end": YESTERDAY,
            "digest": self._digest(),
            "user_id": self.owner.id,
            "signed_at": fields.Datetime.now(),
        }
        for user in (self.owner, self.admin, self.env.ref("base.user_admin")):
            with self.assertRaises(AccessError):
                self.Signoff.with_user(user).create(values)
            with self.assertRaises(AccessError):
                self.flow.with_user(user).write({"signoff_ids": [(0, 0, values)]})
        signoff = self.flow.with_user(self.owner).action_sign_off(YESTERDAY, YESTERDAY, self._digest())
        with self.assertRaises(UserError):
            signoff.with_user(self.owner).write({"comment": "?"})
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("UPDATE distribution_kpi_signoff SET user_id = 1 WHERE id = %s", [signoff.id])

    def test_nobody_makes_themselves_the_owner(self):
        author = new_test_user(self.env, "kpi_a2", "base.group_user,distribution_core.group_policy_author")
        for user in (author, self.employee, self.reader):
            with self.assertRaises(AccessError):
                self.flow.with_user(user).write({"owner_id": user.id})
        with self.assertRaisesRegex(AccessError, "not themselves"):
            self.flow.with_user(self.admin).write({"backup_owner_id": self.admin.id})
        self.flow.with_user(self.admin).write({"owner_id": self.keeper.id})
        event = self.env["distribution.event"]._last_for(self.flow, "distribution.kpi.owner_changed.v1")
        self.assertIn(f'"owner_id":{self.keeper.id}', event.data)

    # --------------------------------------------------------------- current

    def _current(self, kpi=None):
        return self.env["distribution.kpi.current"].search(
            [("kpi_id", "=", (kpi or self.flow).id), ("site_id", "=", False), ("company_id", "=", self.company.id)]
        )

    def test_what_happens_makes_kpis_due(self):
        current = self.env["distribution.kpi.current"]
        current._cron_refresh()
        self.assertEqual((self._current().value, self._current().day), (0, TODAY))
        self.env.cr.precommit.run()
        current._due(self.company)  # takes away the marks that this test left until now
        sources = self.env["distribution.kpi.source"]._sources()
        due = current._due(self.company)
        self.assertTrue(all(sources[kpi.source].moves_on for kpi in due), "only what time alone changes")
        self.assertIn("cases_overdue", due.mapped("source"))
        self.env["distribution.kpi.touch"]._note("sale.order", self.company)
        self.env["distribution.kpi.touch"]._note("sale.order", self.company)
        self.env.cr.precommit.run()
        marks = self.env["distribution.kpi.touch"].search_count([("company_ref", "=", self.company.id)])
        self.assertEqual(marks, 1, "one mark per kind of document")
        due = current._due(self.company)
        self.assertIn(self.flow, due)
        self.assertNotIn(self.level, due)
        with freeze_time(TODAY + timedelta(days=1)):
            self.assertIn(self.level, current._due(self.company), "another day")

    def test_confirming_an_order_is_seen_by_the_next_refresh(self):
        current = self.env["distribution.kpi.current"]
        current._cron_refresh()
        self.env.cr.precommit.run()
        current._due(self.company)
        order = self.env["sale.order"].create(
            {"partner_id": self.customer.id, "order_line": [(0, 0, {"product_id": self.product.id, "price_unit": 12})]}
        )
        order.action_confirm()
        self.env.flush_all()
        self.env.cr.precommit.run()
        current._cron_refresh()
        self.assertEqual(self._current().value, float(Decimal(12)))
        self.assertFalse(self.env["distribution.kpi.touch"].search([("company_ref", "=", self.company.id)]))

    def test_who_captures(self):
        for user in (self.employee, self.reader):
            with self.assertRaises(AccessError):
                self.flow.with_user(user).action_capture()
        self._sell(3, TODAY)
        self.flow.with_user(self.owner).action_capture()
        self.assertEqual(self._current().value, 3)
