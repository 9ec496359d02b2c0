"""Dashboards: numbers of who looks, compared rightly, in a fixed number of queries; documents behind them."""

from datetime import date, timedelta

from freezegun import freeze_time
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tests.common import TransactionCase
from odoo.tools import SQL

TODAY = date(2018, 6, 15)
#: More than this a dashboard never takes.
MOST_QUERIES = 30


def ago(days):
    return TODAY - timedelta(days=days)


@tagged("post_install", "-at_install")
class TestDashboard(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True, lang="en_US"))
        cls.company = cls.env.company
        cls.company.resource_calendar_id.tz = "UTC"
        cls.Dashboard = cls.env["distribution.dashboard"]
        cls.Snapshot = cls.env["distribution.kpi.snapshot"]
        cls.kpis = {kpi.code: kpi for kpi in cls.env["distribution.kpi"].search([])}

        def user(login, *groups, **values):
            return new_test_user(
                cls.env, f"dash_{login}", ",".join(("base.group_user", *groups)), tz="UTC", lang="en_US", **values
            )

        cls.reader = user("reader", "reporting_workflows.group_kpi_reader")
        cls.operator = user("operator", "distribution_core.group_operations")
        cls.buyer = user("buyer", "purchase.group_purchase_user")
        cls.keeper = user("keeper")
        regions = cls.env["distribution.region"].create([{"name": name, "code": name} for name in ("Coast", "Hills")])
        cls.coast, cls.hills = regions

        def site(name, region, **values):
            return cls.env["stock.warehouse"].create(
                {"name": name, "code": f"D{name[:3]}", "company_id": cls.company.id, "region_id": region.id, **values}
            )

        cls.north = site("North", cls.coast, manager_id=cls.keeper.id)
        cls.south = site("South", cls.coast)
        cls.west = site("West", cls.hills)

    def setUp(self):
        super().setUp()
        clock = freeze_time(f"{TODAY} 09:00:00")
        clock.start()
        self.addCleanup(clock.stop)

    def _keep(self, code, day, numerator, denominator=None, site=None, company=None, **values):
        kpi = self.kpis[code]
        is_measured = numerator is not None and denominator != 0
        scale = self.env["distribution.kpi.source"]._source(kpi.source).scale
        value = numerator * scale / (denominator or 1) if is_measured else None
        return self.Snapshot._append_rows(
            [
                {
                    "kpi_id": kpi.id,
                    "version_id": kpi.version_id.id,
                    "company_id": (company or self.company).id,
                    "site_id": site and site.id,
                    "day": day,
                    "is_measured": is_measured,
                    "value": value,
                    "numerator": numerator,
                    "denominator": denominator,
                    "rows": denominator or numerator or 0,
                    "taken_at": f"{day + timedelta(days=1)} 01:00:00",
                    **values,
                }
            ]
        )

    def _load(self, user, code="control_tower", **choice):
        return self.Dashboard.with_user(user).load(code, **choice)

    def _tiles(self, board):
        return {tile["code"]: tile for section in board["sections"] for tile in section["tiles"]}

    def _tile(self, kpi, user=None, code="control_tower", **choice):
        return self._tiles(self._load(user or self.reader, code, **choice))[kpi]

    # --------------------------------------------------------------- numbers

    def test_a_share_is_that_of_the_period_and_compared_with_the_one_before(self):
        for number in range(1, 8):
            self._keep("service_level", ago(number), 9 if number > 1 else 0, 10 if number > 1 else 30)
            self._keep("service_level", ago(number + 7), 8, 10)
        tile = self._tile("service_level")
        self.assertEqual((tile["text"], tile["before_text"]), ("60%", "80%"), "54 of 90 units, not a mean of days")
        self.assertEqual((tile["change_text"], tile["change_judgement"]), ("−20 points", "worse"))
        self.assertEqual((tile["status"], tile["status_text"]), ("breach", "Breach: below 90%"))
        self.assertEqual(tile["target_text"], "97%")
        self.assertEqual([point["value"] for point in tile["points"]], [90] * 6 + [0])
        self.assertEqual(len(tile["points_before"]), 7)
        self.assertFalse(tile["notes"])
        self.assertIn("Jun 15, 2018, 1:00", tile["taken_text"].replace("\u202f", " "))

    def test_how_it_stood_is_that_of_the_last_day(self):
        for number, count in ((1, 4), (2, 9), (8, 5), (9, 1)):
            self._keep("cases_open", ago(number), count)
        tile = self._tile("cases_open")
        self.assertEqual((tile["text"], tile["before_text"], tile["change_text"]), ("4", "5", "−20%"))
        self.assertEqual(tile["change_judgement"], "better")

    def test_a_correction_counts_instead_of_the_former_row(self):
        self._keep("deliveries_late", ago(1), 3)
        self._keep("deliveries_late", ago(1), 7, revision=1, reason="Entered late")
        self.assertEqual(self._tile("deliveries_late", period="yesterday")["text"], "7")

    def test_a_sum_of_some_of_the_days_says_so_and_is_not_compared(self):
        for number in (1, 2, 9):
            self._keep("supplier_breaches", ago(number), 2)
        tile = self._tile("supplier_breaches", code="procurement")
        self.assertEqual((tile["text"], tile["change_text"]), ("4", ""))
        self.assertEqual(tile["notes"], ["2 of 7 days: the others were not taken.", "Its limits are for a day."])
        self.assertEqual(tile["why_not_compared"], "Not compared: 2 of 7 days were taken.")

    def test_how_it_stands_now_where_no_day_of_the_period_was_taken(self):
        self.assertEqual(self._tile("cases_open")["state"], "missing")
        self.Dashboard.with_user(self.operator).measure("control_tower")
        tile = self._tile("cases_open")
        today = self._tile("cases_open", period="today")
        self.assertEqual((tile["state"], tile["text"], tile["status"]), ("ok", today["text"], today["status"]))
        self.assertIn("As of Jun 15, 2018.", tile["notes"])
        self.assertFalse(tile["change_text"])
        self.assertEqual(tile["signoff"]["text"], "Not over yet", "nobody signs for what is now")
        self._keep("cases_open", ago(3), 41)
        self.assertEqual(self._tile("cases_open")["text"], "41", "what was taken counts before what is now")

    def test_limits_of_a_day_do_not_judge_a_week(self):
        for number in range(1, 8):
            self._keep("supplier_breaches", ago(number), 2, site=None)
        week = self._tile("supplier_breaches", code="procurement")
        self.assertEqual((week["text"], week["status"]), ("14", "none"), "two a day are fine")
        day = self._tile("supplier_breaches", code="procurement", period="yesterday")
        self.assertEqual((day["text"], day["status"]), ("2", "ok"))

    def test_a_morning_is_not_compared_with_a_whole_day(self):
        self._keep("orders_confirmed", ago(1), 40)
        self.Dashboard.with_user(self.operator).measure("control_tower")
        for board in self.Dashboard.search([]).mapped("code"):
            for tile in self._tiles(self._load(self.reader, board, period="today")).values():
                if tile["state"] == "ok" and tile.get("change_text"):
                    source = self.env["distribution.kpi.source"]._source(self.kpis[tile["code"]].source)
                    self.assertTrue(source.is_level or source.denominator, tile["code"])

    def test_today_is_what_was_measured_last(self):
        self._keep("cases_open", ago(1), 5)
        before = self._tile("cases_open", period="today")
        self.assertEqual(before["missing"]["why"], "Today was not measured yet.")
        with self.assertRaises(AccessError):
            self.Dashboard.with_user(self.reader).measure("control_tower")
        self.Dashboard.with_user(self.operator).measure("control_tower")
        cases = self.env["distribution.case"].search_count(
            [("company_id", "=", self.company.id), ("state", "in", ("open", "in_progress", "waiting"))]
        )
        tile = self._tile("cases_open", period="today")
        self.assertEqual((tile["text"], tile["before_text"]), (str(cases), "5"))
        self.assertFalse(tile["is_old"])
        with freeze_time(f"{TODAY} 11:30:00"):
            self.assertTrue(self._tile("cases_open", period="today")["is_old"])
        self.assertEqual(self._tile("cases_open", period="yesterday")["text"], "5")

    def test_a_number_that_is_missing_says_why_and_what_to_do(self):
        self._keep("service_level", ago(1), 0, 0)
        self._keep("stock_value", ago(1), None, reason="Not taken in time")
        tiles = self._tiles(self._load(self.reader))
        self.assertEqual(tiles["service_level"]["missing"]["why"], "Nothing was there to measure.")
        self.assertEqual(tiles["stock_value"]["missing"]["why"], "No day of this period was taken.")
        self.assertIn("not afterwards", tiles["stock_value"]["missing"]["remedy"])
        self.assertTrue(all(tile["missing"]["remedy"] for tile in tiles.values() if tile["state"] == "missing"))

    def test_a_number_counted_in_another_way_is_not_mixed_in(self):
        kpi = self.kpis["deliveries_late"]
        self._keep("deliveries_late", ago(1), 3)
        draft = kpi.version_id.copy({"source": "backorders"})
        draft._publish(self.env.user)
        self.assertEqual(
            self._tile("deliveries_late")["missing"]["why"], "It was counted in another way in this period."
        )

    def test_what_is_no_choice_is_refused_with_the_remedy(self):
        for choice, words in (
            ({"period": "custom"}, "choose its first"),
            ({"period": "custom", "first": "2018-06-10", "last": "2018-06-01"}, "comes before"),
            ({"period": "custom", "first": "2018-06-10", "last": "2018-07-01"}, "in the future"),
            ({"period": "century"}, "unknown"),
        ):
            with self.assertRaisesRegex(UserError, words):
                self._load(self.reader, **choice)
        with self.assertRaisesRegex(UserError, "Choose one in the menu"):
            self._load(self.reader, "nothing")
        own = self._load(self.reader, period="custom", first="2018-06-01", last="2018-06-03")
        self.assertEqual(own["before_text"], "May 29, 2018 – May 31, 2018")

    # ----------------------------------------------------------------- sites

    def _keep_sites(self):
        self._keep("service_level", ago(1), 15, 20)
        for site, numerator, denominator in ((self.north, 9, 10), (self.south, 5, 5), (self.west, 1, 5)):
            self._keep("service_level", ago(1), numerator, denominator, site=site)
        self._keep("stock_without_cost", ago(1), 3)
        self._keep("match_time", ago(1), 4)
        self._keep("approvals_waiting", ago(1), 4)
        self._keep("approvals_waiting", ago(1), 3, site=self.north)
        self._keep("backorders", ago(1), 2)
        self._keep("backorders", ago(1), 2, site=self.west)
        self._keep("match_first_pass", ago(1), 6, 9)
        for site, numerator, denominator in ((self.north, 1, 2), (self.south, 2, 2)):
            self._keep("match_first_pass", ago(1), numerator, denominator, site=site)

    def test_sites_and_regions_add_up_by_what_they_are_made_of(self):
        self._keep_sites()
        yesterday = {"period": "yesterday"}
        self.assertEqual(self._tile("service_level", site_ids=self.north.ids, **yesterday)["text"], "90%")
        coast = self._load(self.reader, region_id=self.coast.id, **yesterday)
        self.assertEqual(self._tiles(coast)["service_level"]["text"], "93.33%", "14 of 15")
        self.assertEqual(coast["place_text"], "North, South")
        self.assertEqual(self._tiles(coast)["backorders"]["text"], "0", "taken, and nothing there")
        self.assertEqual(
            self._tile("approvals_waiting", code="approvals", region_id=self.coast.id, **yesterday)["text"], "3"
        )
        matched = self._tile("match_first_pass", code="procurement", region_id=self.coast.id, **yesterday)
        self.assertEqual(matched["text"], "75%", "3 of 4: a bill counts at one site")
        matched = self._tile("match_first_pass", self.keeper, code="procurement", **yesterday)
        self.assertEqual(matched["text"], "50%", "the manager of a site sees that one")
        sent = self._tile("webhook_latency", code="integration", region_id=self.coast.id, **yesterday)
        self.assertEqual(sent["missing"]["why"], "It is not told apart by site.")
        self.assertEqual(sent["missing"]["remedy"], "Choose the whole company.")
        own = self._tile("webhook_latency", self.keeper, code="integration", **yesterday)
        self.assertEqual(own["missing"]["remedy"], "KPI Readers see it.", "not offered the whole company")

    def test_what_does_not_add_up_is_not_added_up(self):
        section = self.env.ref("reporting_workflows.dashboard_control_tower_stock")
        section.kpis = "stock_without_cost"
        for site in (self.north, self.south):
            self._keep("stock_without_cost", ago(1), 2, site=site)
        self._keep("stock_without_cost", ago(1), 3)
        both = self._tile("stock_without_cost", period="yesterday", region_id=self.coast.id)
        self.assertIn("do not add up", both["missing"]["why"])
        self.assertEqual(self._tile("stock_without_cost", period="yesterday", site_ids=self.north.ids)["text"], "2")

    def test_site_by_site(self):
        self._keep_sites()
        table = self._load(self.reader, period="yesterday")["by_site"]
        place = [column["code"] for column in table["columns"]].index("service_level")
        rows = {row["name"]: row["cells"][place] for row in table["rows"]}
        self.assertEqual(
            {name: rows[name]["text"] for name in ("Coast", "North", "South", "West")},
            {"Coast": "93.33%", "North": "90%", "South": "100%", "West": "20%"},
        )
        self.assertEqual(rows["West"]["status_text"], "Breach: below 90%")
        one = self._load(self.reader, period="yesterday", site_ids=self.north.ids)
        self.assertFalse(one["by_site"], "nothing to compare a single site with")

    # ---------------------------------------------------------------- rights

    def test_a_buyer_gets_no_numbers_of_finance(self):
        for code in ("payment_holds", "supplier_breaches"):
            self._keep(code, ago(1), 4711)
        nothing = self._load(self.buyer, "procurement", period="yesterday")
        self.assertFalse(self._tiles(nothing))
        self.assertNotIn("4,711", str(nothing))
        self.kpis["supplier_breaches"].owner_id = self.buyer
        board = self._load(self.buyer, "procurement", period="yesterday")
        self.assertEqual(
            {code: tile["text"] for code, tile in self._tiles(board).items()}, {"supplier_breaches": "4,711"}
        )
        hidden = [name for section in board["sections"] for name in section["hidden"]]
        self.assertIn(self.kpis["payment_holds"].name, hidden)

    def test_the_manager_of_a_site_gets_its_numbers_only(self):
        self._keep_sites()
        own = self._load(self.keeper, period="yesterday")
        self.assertEqual(own["site_ids"], self.north.ids, "without a choice: what is theirs")
        self.assertEqual(self._tiles(own)["service_level"]["text"], "90%")
        self.assertEqual([site["id"] for site in own["sites"]], self.north.ids)
        company = self._load(self.keeper, period="yesterday", site_ids=[])
        self.assertFalse(self._tiles(company), "of the whole company nothing")
        for choice in (
            {"site_ids": self.south.ids},
            {"site_ids": (self.north | self.south).ids},
            {"region_id": self.hills.id},
        ):
            with self.assertRaisesRegex(UserError, "not one whose numbers you read"):
                self._load(self.keeper, period="yesterday", **choice)

    def test_another_company_is_out_of_reach(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        there = self.env["stock.warehouse"].search([("company_id", "=", other.id)], limit=1)
        self._keep("service_level", ago(1), 1, 3, company=other)
        self._keep("service_level", ago(1), 1, 3, site=there, company=other)
        self.assertEqual(self._tile("service_level", period="yesterday")["state"], "missing")
        for call in (
            lambda board: board.load("control_tower", "yesterday", site_ids=there.ids),
            lambda board: board.drill("service_level", str(ago(1)), str(ago(1)), site_ids=there.ids),
        ):
            with self.assertRaisesRegex(UserError, "not one whose numbers you read"):
                call(self.Dashboard.with_user(self.reader))
        with self.assertRaises(AccessError):
            self.Dashboard.with_user(self.reader).with_context(allowed_company_ids=other.ids).load("control_tower")
        self.reader.company_ids |= other
        seen = self.Dashboard.with_user(self.reader).with_company(other).load("control_tower", "yesterday")
        self.assertEqual(self._tiles(seen)["service_level"]["text"], "33.33%")

    def test_who_reads_no_number_is_told_so(self):
        board = self._load(self.buyer, "integration")
        self.assertFalse(self._tiles(board))
        self.assertFalse(board["reads_company"])
        self.assertTrue(board["sections"][0]["hidden"])
        self.assertFalse(board["refreshed_text"])

    # --------------------------------------------------------------- queries

    def test_as_many_queries_for_many_as_for_one(self):
        self._keep("service_level", ago(1), 1, 2)
        self._keep("service_level", ago(1), 1, 2, site=self.north)
        choice = {"period": "last_90_days"}

        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            return self._load(self.reader, **choice)["queries"]

        queries()  # what the registry keeps from now on
        few = queries()
        sites = self.env["stock.warehouse"].create(
            [{"name": f"Site {number}", "code": f"Q{number}", "region_id": self.hills.id} for number in range(5)]
        )
        codes = [code for code in self.kpis if code not in ("service_level",)]
        template = self._keep("deliveries_late", ago(1), 2)
        self.env.cr.execute(
            """INSERT INTO distribution_kpi_snapshot (kpi_id, version_id, company_id, site_id, day, revision,
                                                      is_measured, value, numerator, denominator, rows, taken_at)
               SELECT kpi.id, kpi.version_id, one.company_id, site.id, one.day - step, 0, true, 50, 1, 2, 2,
                      one.taken_at
                 FROM distribution_kpi_snapshot one, distribution_kpi kpi, generate_series(1, 180) step,
                      (SELECT id FROM stock_warehouse WHERE id = ANY(%s) UNION ALL SELECT NULL) site
                WHERE one.id = %s AND kpi.code = ANY(%s)""",
            [(sites | self.south).ids, template.id, codes],
        )
        self.env["distribution.case"]._open("kpi_failed", self.kpis["service_level"], "One more")
        many = queries()
        self.assertLessEqual(many, few + 1, "the names of more sites at most")
        self.assertLessEqual(many, MOST_QUERIES)

    def test_as_quick_where_the_database_knows_nothing_of_the_rows(self):
        """Right after many rows were added, its statistics are those of a few."""
        first = self._keep("deliveries_late", ago(1500), 2)
        self.env.flush_all()
        self.env.cr.execute("ANALYZE distribution_kpi_snapshot")
        sites = self.north | self.south | self.west
        self.env.cr.execute(
            """INSERT INTO distribution_kpi_snapshot (kpi_id, version_id, company_id, site_id, day, revision,
                                                      is_measured, value, numerator, denominator, rows, taken_at)
               SELECT kpi.id, kpi.version_id, one.company_id, site.id, %s - step, correction, true, 50, 1 + correction,
                      2, 2, one.taken_at
                 FROM distribution_kpi_snapshot one, distribution_kpi kpi, generate_series(1, 180) step,
                      generate_series(0, 1) correction,
                      (SELECT id FROM stock_warehouse WHERE id = ANY(%s) UNION ALL SELECT NULL) site
                WHERE one.id = %s AND kpi.version_id IS NOT NULL""",
            [TODAY, sites.ids, first.id],
        )
        self.assertGreater(self.env.cr.rowcount, 40_000)
        domain = [("kpi_id", "in", self.kpis["service_level"].ids), ("day", ">=", ago(180))]
        for user in (self.reader, self.keeper):
            self.env.cr.execute(SQL("EXPLAIN %s", self.Dashboard.with_user(user)._kept(domain)))
            plan = "\n".join(line for (line,) in self.env.cr.fetchall())
            self.assertEqual(plan.count("on distribution_kpi_snapshot"), 1, f"read once:\n{plan}")
        self.env.cr.execute("SET LOCAL statement_timeout = '5s'")
        board = self._load(self.reader, "procurement", period="last_90_days")
        self.env.cr.execute("SET LOCAL statement_timeout = 0")
        self.assertEqual(self._tiles(board)["supplier_breaches"]["text"], "180", "2 of each day, as corrected")

    # ------------------------------------------------------------- documents

    def test_the_documents_behind_a_number(self):
        case = self.env["distribution.case"]._open("kpi_failed", self.kpis["service_level"], "Behind the number")
        action = self.Dashboard.with_user(self.operator).drill("cases_open", str(TODAY), str(TODAY))
        self.assertIn(case, self.env[action["res_model"]].search(action["domain"]))
        self.assertEqual(action["name"], "Open Exceptions, now")
        self.assertEqual(action["views"][0][0], False)
        elsewhere = self.Dashboard.with_user(self.operator).drill(
            "cases_open", str(TODAY), str(TODAY), site_ids=self.north.ids
        )
        self.assertNotIn(case, self.env[elsewhere["res_model"]].search(elsewhere["domain"]))
        with self.assertRaisesRegex(UserError, "but not the documents"):
            self.Dashboard.with_user(self.buyer).drill("webhook_dead", str(TODAY), str(TODAY))
        with self.assertRaisesRegex(UserError, "but not the documents"):
            self.kpis["webhook_dead"].with_user(self.buyer).action_drill()
        with self.assertRaisesRegex(UserError, "Load the dashboard again"):
            self.Dashboard.with_user(self.operator).drill("nothing", str(TODAY), str(TODAY))

    # -------------------------------------------------------------- sign-off

    def test_whether_a_number_is_signed(self):
        kpi = self.kpis["supplier_breaches"]
        kpi.owner_id = self.reader
        for number in range(1, 8):
            self._keep(kpi.code, ago(number), 1)
        tile = self._tile(kpi.code, code="procurement")
        self.assertEqual((tile["signoff"]["text"], tile["signoff"]["may_sign"]), ("Not signed off", True))
        digest = self.Snapshot._digest_of(kpi, self.company, ago(7), ago(1))
        kpi.with_user(self.reader).action_sign_off(ago(7), ago(1), digest)
        signed = self._tile(kpi.code, code="procurement")["signoff"]
        self.assertEqual(signed["state"], "signed")
        self.assertIn(self.reader.name, signed["text"])
        self._keep(kpi.code, ago(3), 2, revision=1, reason="Found later")
        self.assertEqual(
            self._tile(kpi.code, code="procurement")["signoff"]["state"], "open", "it was of other numbers"
        )

    # ----------------------------------------------------------- definitions

    def test_the_four_dashboards_name_kpis_that_are_there(self):
        for code in ("control_tower", "approvals", "procurement", "integration"):
            board = self._load(self.reader, code)
            wanted = self.Dashboard.search([("code", "=", code)]).section_ids._codes()
            self.assertEqual(set(wanted), set(self._tiles(board)), code)
            self.assertTrue(all(tile["question"] and tile["formula"] for tile in self._tiles(board).values()))
        kinds = {section["kind"] for section in self._load(self.reader, "integration")["sections"]}
        self.assertEqual(kinds, {"business", "technical"}, "apart from each other")

    def test_a_section_names_kpis_that_exist(self):
        section = self.env.ref("reporting_workflows.dashboard_approvals_flow")
        with self.assertRaisesRegex(ValidationError, "no KPI “straight_thru”"):
            section.kpis = "approval_cycle, straight_thru"
        with self.assertRaises(AccessError):
            section.with_user(self.operator).kpis = "approval_cycle"
