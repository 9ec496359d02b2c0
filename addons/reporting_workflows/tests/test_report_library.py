"""The library: each report is complete, can be installed and published, and says what it promises."""

import ast
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user, tagged

from odoo.addons.distribution_core.compat import IS_17, storable_product_values

from ..engine.checks import evaluate
from ..engine.definition_file import dump, load
from ..engine.schedule import due_moments
from ..models.report_builder import BEHIND, judged
from ..models.report_check import check_rule
from .kpi_world import FIRST, LAST, KpiWorld
from .report_case import CORE, ReportCase

#: Every report of the library, with who releases it.
PATTERNS = {
    "approval_performance": "operations",
    "backorders": "automatic",
    "customer_service_exceptions": "two_parties",
    "daily_sales": "automatic",
    "daily_service_level": "automatic",
    "exception_ageing": "automatic",
    "executive_summary": "finance",
    "inbound_risk": "automatic",
    "integration_health": "automatic",
    "inventory_discrepancy": "supervisor",
    "overdue_purchase_orders": "automatic",
    "procurement_exceptions": "automatic",
    "slow_dead_stock": "category_manager",
    "stock_ageing": "category_manager",
    "stock_valuation_exceptions": "finance",
    "supplier_fill_rate": "supervisor",
    "three_way_match": "finance",
    "warehouse_throughput": "automatic",
}


MONTH = (FIRST.date(), LAST.date())
#: Tables that list what a figure counts: ``{report: {dataset: KPI}}``.
LISTED = {
    "approval_performance": {
        "emergencies": "emergency_releases",
        "late": "approvals_overdue",
        "waiting": "approvals_waiting",
    },
    "backorders": {"by_site": "backorders", "open": "backorders"},
    "customer_service_exceptions": {
        "cases": "customer_exceptions",
        "late": "deliveries_late",
        "returns": "customer_returns",
    },
    "daily_sales": {"invoices": "sales_invoiced", "orders": "orders_confirmed"},
    "daily_service_level": {"late": "deliveries_late", "orders": "orders_confirmed", "shortages": "shortage_lines"},
    "exception_ageing": {"by_type": "cases_open", "closed": "case_resolution", "overdue": "cases_overdue"},
    "inbound_risk": {"shortages": "shortage_lines"},
    "integration_health": {"dead": "webhook_dead"},
    "inventory_discrepancy": {"moves": "inventory_discrepancy"},
    "overdue_purchase_orders": {"lines": "overdue_purchase_lines"},
    "procurement_exceptions": {
        "by_type": "procurement_exceptions",
        "cases": "procurement_exceptions",
    },
    "supplier_fill_rate": {"broken": "supplier_breaches"},
    "three_way_match": {"holds": "payment_holds"},
}
#: Tables of the orders to which belongs what a figure counts.
ORDERS_OF = {"overdue_purchase_orders": {"by_vendor": "overdue_purchase_lines", "orders": "overdue_purchase_lines"}}


def install(case, author, reader, **values):
    """Press the button; returns ``{code: draft}``."""
    wizard = (
        case.env["distribution.report.library"]
        .with_user(author)
        .create({"company_id": case.company.id, "reader_id": reader.id, **values})
    )
    return {version.report_id.code: version for version in wizard._install()}


@tagged("post_install", "-at_install")
class TestReportLibrary(KpiWorld):
    """Installed in the company whose business is generated."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        def user(login, *groups):
            return new_test_user(cls.env, login=f"t_{login}", groups=",".join(("base.group_user", *groups)))

        cls.author = user("author", f"{CORE}policy_author")
        cls.publisher = user("publisher", f"{CORE}policy_publisher")
        cls.auditor = user("auditor", f"{CORE}auditor")
        cls.drafts = install(cls, cls.author, cls.auditor, owner_id=cls.publisher.id)

    def test_every_definition_is_complete_and_written_in_one_form(self):
        files = self.env["distribution.report.library"]._files()
        self.assertEqual(set(files), set(PATTERNS))
        kpis = set(self.env["distribution.kpi"].search([]).mapped("code"))
        for code, text in files.items():
            with self.subTest(code):
                content = load(text)
                self.assertEqual(dump(content), text)
                self.assertEqual(content["report"]["code"], code)
                self.assertTrue(content["report"]["description"])
                settings = content["settings"]
                self.assertEqual(settings["release_pattern"], PATTERNS[code])
                self.assertIn("pdf, xlsx", settings["formats"])
                self.assertGreaterEqual(int(settings["retention_days"]), 365)
                self.assertIn("{", settings["summary"], "its mail says numbers")
                self.assertIn(content["schedule"]["every"], ("day", "week", "month"))
                if (content["schedule"]["every"], content["schedule"]["off_days"]) == ("day", "skip"):
                    self.assertEqual(settings["period"], "since_last_workday", "days without work are in a report")
                self.assertTrue(content["recipients"] and content["thresholds"] and len(content["checks"]) >= 2)
                sections = content["sections"]
                self.assertTrue([one for one in sections if one.get("findings")])
                self.assertTrue([one for one in sections if one.get("chart")])
                named = {kpi.strip() for one in sections for kpi in one.get("kpis", "").split(",") if kpi.strip()}
                self.assertGreaterEqual(len(named), 2)
                self.assertLessEqual(named, kpis)
                used = {one.get("dataset") for one in sections} | {one["dataset"] for one in content["checks"]}
                used |= {one.get("other_dataset") for one in content["checks"]}
                self.assertLessEqual({one["code"] for one in content["datasets"]}, used, "a dataset that nobody uses")
                for entry in content["inputs"]:
                    self.assertTrue(entry.get("warn_hours") or entry.get("stale_hours"))
                for one in (*content["datasets"], *content["inputs"]):
                    if one.get("domain"):
                        ast.literal_eval(one["domain"])

    def test_every_day_is_in_an_edition_of_each_daily_report(self):
        """Four weeks by the schedule and the calendar of the company: Fridays, weekends and a holiday as well."""
        monday = date(2026, 11, 2)
        holiday = datetime(2026, 11, 12)
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": holiday - timedelta(hours=12),
                "date_to": holiday + timedelta(hours=36),
            }
        )
        working = self.env["distribution.report.working.days"]._of(self.company, holiday)
        self.assertTrue(working(monday))
        self.assertFalse(working(holiday.date()))
        for code, draft in self.drafts.items():
            if draft.schedule_every != "day":
                continue
            with self.subTest(code):
                until = datetime.combine(monday, time()) + timedelta(days=40)
                due = due_moments(
                    draft._schedule(), draft.report_id._zone(), working, until - timedelta(days=45), until
                )
                told = [draft._period_of(one.day, working) for one in due]
                for number in range(28):
                    day = monday + timedelta(days=number)
                    self.assertEqual(len([1 for first, last in told if first <= day <= last]), 1, day)

    def test_a_draft_is_the_file(self):
        for code, text in self.env["distribution.report.library"]._files().items():
            with self.subTest(code):
                self.assertEqual(self.drafts[code]._export_yaml(), text)
                self.assertEqual(self.drafts[code].report_id.owner_id, self.publisher)
                self.assertEqual(self.drafts[code].reader_id, self.auditor)

    def test_what_exists_is_left(self):
        self.assertEqual(install(self, self.author, self.auditor), {})
        self.drafts["daily_sales"].report_id.active = False
        self.drafts["backorders"].sudo().report_id.code = "our_backorders"
        again = self.env["distribution.report.library"].with_user(self.author)
        wizard = again.create({"reader_id": self.auditor.id, "company_id": self.company.id})
        self.assertEqual((wizard.missing, wizard.present), (1, 17))
        action = wizard.action_install()
        made = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(made.report_id.mapped("code"), ["backorders"])

    def test_who_may_install_and_whose_eyes_it_takes(self):
        with self.assertRaises(AccessError):
            install(self, self.auditor, self.auditor)
        with self.assertRaisesRegex(UserError, "administers Odoo"):
            install(self, self.author, self.env.ref("base.user_admin"))
        stranger = new_test_user(
            self.env,
            login="t_elsewhere",
            company_id=(other := self.env["res.company"].create({"name": "Elsewhere"})).id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaisesRegex(UserError, "does not work in"):
            install(self, self.author, stranger)

    def test_a_second_person_publishes_all_of_them(self):
        with self.assertRaises(UserError):
            self.drafts["daily_sales"].with_user(self.author).action_publish()
        for code, draft in self.drafts.items():
            with self.subTest(code):
                draft.with_user(self.publisher).action_publish(draft.draft_digest)
                self.assertEqual(draft.state, "published")
                self.assertTrue(draft.report_id.next_due_at)

    def test_each_says_what_it_promises(self):
        contents = {code: self._content(code) for code in self.drafts}
        for code, content in contents.items():
            with self.subTest(code):
                definition = self.drafts[code]._definition()
                self.assertEqual(
                    [one.code for one in content.sections], [one["code"] for one in definition["sections"]]
                )
                for section, entry in zip(content.sections, definition["sections"]):
                    kpis = [kpi.strip() for kpi in entry.get("kpis", "").split(",") if kpi.strip()]
                    self.assertEqual([figure.code for figure in section.figures], kpis)
                    self.assertEqual(section.table is not None, entry.get("show_table") == "yes")
                    self.assertEqual(section.chart is not None, bool(entry.get("chart")))
                    self.assertNotIn("{", section.text)
                self.assertNotIn("{", content.summary)
                self.assertEqual(len(content.checks), len(definition["checks"]))
                self.assertEqual(len(content.inputs), len(definition["inputs"]))

        sold = [sale for sale in self.sales if sale["state"] == "sale"]
        table = self._table(contents["daily_service_level"], "orders")
        for site in self.sites:
            own = [sale for sale in sold if sale["site"] == site]
            self.assertIn((len(own), len({sale["customer"] for sale in own})), [row[1:] for row in table.rows])
        self.assertEqual(table.total[1], len(sold))
        listed = {row[0] for row in self._table(contents["daily_service_level"], "carried").rows}
        late = self.env["stock.picking"].search([("is_carrier_late", "=", True)])
        self.assertTrue(late)
        self.assertEqual(listed, set(late.mapped("name")))
        waiting = [one for one in self.deliveries if one["follows"] and one["state"] != "done"]
        names = {row[0] for row in self._table(contents["backorders"], "open").rows}
        self.assertLessEqual({one["picking"].name for one in waiting}, names)
        done = [one for one in self.deliveries if one["state"] == "done"]
        handled = self._table(contents["warehouse_throughput"], "operations")
        self.assertEqual(handled.total[1], len(done) + self._arrivals())
        wrong = self._table(contents["procurement_exceptions"], "discrepancies")
        month = [("found_at", ">=", FIRST), ("found_at", "<", LAST + timedelta(days=1))]
        self.assertEqual(len(wrong.rows), self.env["distribution.receipt.discrepancy"].search_count(month))

    def test_a_table_lists_what_its_figure_counts(self):
        """Whatever the KPI counts: also what an ordinary condition cannot say."""
        told, of_orders = {}, {}
        for code, text in self.env["distribution.report.library"]._files().items():
            for entry in load(text)["datasets"]:
                if match := BEHIND.search(entry.get("domain", "")):
                    found = told if entry["domain"].startswith("[('id', ") else of_orders
                    found.setdefault(code, {})[entry["code"]] = match[1]
        self.assertEqual((told, of_orders), (LISTED, ORDERS_OF))
        # A delivery that was put off, before it was late or since, is as late as before.
        moved = next(one for one in self.deliveries if not one["done"] and one["deadline"] < self.now)
        moved["picking"].move_ids.date_deadline = self.now + timedelta(days=9)
        builder, sources = self.env["distribution.report.builder"], self.env["distribution.kpi.source"]
        builder, sources = builder.with_user(self.auditor), sources.with_user(self.auditor)
        today, empty = self.company._day_of(self.now), set()
        for site in (self.env["stock.warehouse"], self.site):
            for code, wanted in LISTED.items():
                for kpi in self.env["distribution.kpi"].search([("code", "in", list(wanted.values()))]):
                    source = sources._source(kpi.source)
                    if site and "site" not in source.dimensions:
                        continue
                    span = (today, today) if source.is_level else MONTH
                    where = {"site": site.id} if site else None
                    (measure,) = sources._measure_source(source, sources._window(*span), where=where)
                    scope = builder._scope(self.drafts[code], *span, self.auditor, site)
                    for entry in scope.definition["datasets"]:
                        if wanted.get(entry["code"]) == kpi.code:
                            table = builder._dataset_table(scope, entry)
                            counted = [place for place, one in enumerate(table.columns) if one.key == "__count"]
                            rows = sum(row[counted[0]] for row in table.rows) if counted else len(table.rows)
                            with self.subTest(f"{code}.{entry['code']}", site=site.name):
                                self.assertEqual(rows + table.left_out, measure.rows)
                            if not site and not rows:
                                empty.add(kpi.code)
        self.assertFalse(empty - {"cases_open"}, "nothing to list proves nothing")
        content = self._content("daily_service_level", span=(today, today))
        row = next(row for row in self._table(content, "late").rows if row[0] == moved["picking"].name)
        self.assertEqual(row[4], moved["deadline"], "the promise, not what it was moved to")

    def _two_ways(self, code, check):
        """``(entry of a check, {dataset: Table}, {KPI: Figure})``, as of when its figure is measured."""
        definition = self.drafts[code]._definition()
        entry = next(one for one in definition["checks"] if one["code"] == check)
        kpi = self.env["distribution.kpi"].search([("code", "=", entry.get("figure"))])
        today = self.company._day_of(self.now)
        is_level = kpi and self.env["distribution.kpi.source"]._source(kpi.source).is_level
        self.env.flush_all()
        self.env.invalidate_all()
        builder = self.env["distribution.report.builder"]
        scope = builder._scope(self.drafts[code], *((today, today) if is_level else MONTH), self.auditor)
        wanted = {entry["dataset"], entry.get("other_dataset")}
        sets = [one for one in definition["datasets"] if one["code"] in wanted]
        return entry, {one["code"]: builder._dataset_table(scope, one) for one in sets}, builder._measured(scope)

    def _state(self, code, check):
        """What becomes of a check of the library."""
        entry, tables, figures = self._two_ways(code, check)
        return evaluate(check_rule(entry), tables, figures=figures).state

    def test_each_figure_is_what_its_table_adds_up_to_and_a_wrong_one_is_seen(self):
        kpi = self.env["distribution.kpi"].search([("code", "=", "inventory_discrepancy")])
        ((counted,),) = kpi._measure(kpi, *MONTH).values()
        columns = {"name": "KPI", "warehouse_id": self.site.id, "company_id": self.company.id, "state": "applied"}
        columns |= {"origin": "count", "applied_at": FIRST, "value": counted.value}
        self._put("distribution.inventory.adjustment", **columns)
        compared = 0
        for code, draft in self.drafts.items():
            for check in draft.check_ids.filtered(lambda one: one.kind == "figure"):
                with self.subTest(f"{code}.{check.code}"):
                    entry, tables, figures = self._two_ways(code, check.code)
                    rule, figure = check_rule(entry), figures[check.figure]
                    found = evaluate(rule, tables, figures=figures)
                    self.assertEqual((found.state, found.detail), ("passed", ""))
                    self.assertTrue(figure.value, "nothing compared with nothing proves nothing")
                    for wrong in (figure.value * 2 + 10, Decimal(-10), None):
                        figures[check.figure] = replace(figure, value=wrong)
                        self.assertNotEqual(evaluate(rule, tables, figures=figures).state, "passed", wrong)
                    compared += 1
        self.assertGreaterEqual(compared, 16)

    def test_documents_that_contradict_their_lines_are_seen(self):
        self.assertEqual(self._state("backorders", "lines_are_open"), "passed")
        waiting = next(one for one in self.deliveries if one["follows"] and one["state"] != "done")
        for move in waiting["picking"].move_ids:
            self._set(move, state="cancel")
        self.assertEqual(self._state("backorders", "lines_are_open"), "failed", "nothing of it is open")
        self.assertEqual(self._state("daily_sales", "orders_by_lines"), "passed")
        order = self.env["sale.order"].create({"partner_id": self.customer.id, "warehouse_id": self.site.id})
        self._set(order, state="sale", date_order=FIRST)
        self.assertEqual(self._state("daily_sales", "orders_by_lines"), "warn", "an order of nothing")
        self.assertEqual(self._state("warehouse_throughput", "units"), "passed")
        done = next(one for one in self.deliveries if one["state"] == "done")
        self._set(done["picking"].move_ids[0], quantity=4711)
        self.assertEqual(self._state("warehouse_throughput", "units"), "warn", "the movement says more than its lines")

    def test_invoices_that_are_not_in_the_ledger_are_seen(self):
        self.assertEqual(self._state("daily_sales", "ledger"), "failed", "none of them is posted there")
        self.env.cr.execute(
            """UPDATE account_move_line line SET parent_state = move.state
                 FROM account_move move WHERE move.id = line.move_id"""
        )
        for code, check in (("daily_sales", "ledger"), ("executive_summary", "ledger")):
            self.assertEqual(self._state(code, check), "passed", code)

    def test_a_corrected_day_does_not_make_the_daily_numbers_fresh(self):
        """A nightly job that stands still is seen, whatever is corrected meanwhile."""
        day, taken_at = FIRST.date(), FIRST + timedelta(days=2)
        kpi = self.env["distribution.kpi"].search([("code", "=", "orders_confirmed")])
        kpi.sudo().owner_id = self.publisher
        row = {"kpi_id": kpi.id, "version_id": kpi.version_id.id, "company_id": self.company.id, "day": day}
        row |= {"is_measured": True, "value": -1, "rows": 0, "numerator": 0, "taken_at": taken_at}
        snapshots = self.env["distribution.kpi.snapshot"]
        builder = self.env["distribution.report.builder"]
        taken = snapshots._append_rows([row])

        def newest():
            """When the daily numbers are from, as each report of the library says."""
            found = {}
            for code, draft in self.drafts.items():
                scope = builder._scope(draft, *MONTH, self.auditor)
                inputs = zip(scope.definition["inputs"], builder._freshness(scope, self.now), strict=True)
                found[code] = [one.as_of for entry, one in inputs if entry["source"] == "distribution.kpi.snapshot"]
            return found

        before = newest()
        self.assertEqual({len(moments) for moments in before.values()}, {1})
        corrected = taken.with_user(self.publisher).action_correct("Entered late")
        self.assertTrue(corrected.filtered(lambda one: one.taken_at > taken_at))
        self.assertEqual(newest(), before)
        snapshots._append_rows([{**row, "day": day + timedelta(days=1), "taken_at": self.now + timedelta(hours=1)}])
        self.assertEqual({moment for (moment,) in newest().values()}, {self.now + timedelta(hours=1)})

    def test_an_order_is_overdue_when_one_of_its_lines_is(self):
        """Not when a line that came was due before the others are."""
        today = self.now.date()
        late, met = {}, set()
        for purchase in self.purchases:
            if purchase["state"] == "purchase":
                lines = [line for line in purchase["lines"] if line["planned"].date() < today]
                if any(line["received"] < line["quantity"] for line in lines):
                    late[purchase["order"].name] = purchase["vendor"].display_name
                elif lines:
                    met.add(purchase["order"].name)
        self.assertTrue(late and met)
        content = self._content("overdue_purchase_orders", span=(today, today))
        own = {purchase["order"].name for purchase in self.purchases}
        listed = [row[0] for row in self._table(content, "orders").rows if row[0] in own]
        self.assertEqual(sorted(listed), sorted(late))
        rows = {row[0]: row[1] for row in self._table(content, "vendors").rows}
        for vendor in set(late.values()):
            self.assertEqual(rows[vendor], list(late.values()).count(vendor))
        for site in self.sites:
            content = self._content("overdue_purchase_orders", span=(today, today), site=site)
            at_site = {one["order"].name for one in self.purchases if one["site"] == site}
            self.assertEqual({row[0] for row in self._table(content, "orders").rows}, at_site & late.keys())

    def test_the_matches_of_a_site(self):
        for site in (None, *self.sites):
            content = self._content("three_way_match", site=site)
            bills = [bill for bill in self.bills if site in (None, bill["site"])]
            dealt = Counter(verdict for bill in bills for verdict in bill["verdicts"])
            words = dict(self.env["distribution.match.line"]._fields["verdict"].selection)
            found = {row[0]: row[1] for row in self._table(content, "verdicts").rows}
            self.assertEqual(found, {words[verdict]: count for verdict, count in dealt.items()})
            self.assertEqual(len(self._table(content, "differences").rows), dealt["beyond"])
            section = next(section for section in content.sections if section.code == "figures")
            figure = next(figure for figure in section.figures if figure.code == "match_time")
            took = [(bill["matched"] - bill["created"]).total_seconds() / 3600 for bill in bills]
            self.assertAlmostEqual(float(figure.value), sum(took) / len(took), places=2)

    def test_a_table_of_other_documents_than_the_kpi_counts_is_refused(self):
        builder = self.env["distribution.report.builder"]
        scope = builder._scope(self.drafts["backorders"], FIRST.date(), LAST.date(), self.auditor)
        for domain in ("[('id', 'in', '{kpi.orders_confirmed}')]", "[('id', 'not in', '{kpi.backorders}')]"):
            with self.assertRaisesRegex(ValueError, "domain: "):
                builder._dataset_table(scope, {"code": "x", "model": "stock.picking", "domain": domain})

    def test_stock_is_told_by_age_and_by_last_issue(self):
        category = self.categories[0]
        own = [one for one in self.stock if one["product"].categ_id == category and one["quantity"] > 0]
        slow = {
            one["product"].display_name
            for one in own
            if one["age"] >= 90 and (one["issued"] is None or one["issued"] >= 90)
        }
        content = self._content("slow_dead_stock", category=category)
        rows = {row[0]: row for row in self._table(content, "slow").rows}
        self.assertEqual(set(rows), slow)
        for one in own:
            if one["product"].display_name in rows:
                self.assertEqual(float(rows[one["product"].display_name][4]), one["quantity"] * one["cost"])
        content = self._content("stock_ageing", category=category)
        ages = self._table(content, "ages")
        self.assertEqual(float(ages.total[2]), sum(one["quantity"] * one["cost"] for one in own))
        self.assertEqual(ages.total[1], len(own))
        old = {one["product"].display_name for one in own if one["age"] > 180}
        self.assertEqual({row[0] for row in self._table(content, "oldest").rows}, old)
        content = self._content("stock_valuation_exceptions")
        negative = {one["product"].display_name for one in self.stock if one["quantity"] < 0}
        self.assertLessEqual(negative, {row[0] for row in self._table(content, "negative").rows})

    def test_stock_is_compared_with_movements_and_ledger(self):
        account = self.env["account.account"].create(
            {"name": "Stock", "code": "KPISTOCK", "account_type": "asset_current"}
        )
        category = self.env["product.category"].create(
            {
                "name": "Booked",
                "property_valuation": "real_time",
                "property_stock_valuation_account_id": account.id,
            }
        )
        product = self.env["product.product"].create(
            {"name": "Booked", "categ_id": category.id, "standard_price": 4, **storable_product_values()}
        )
        self.env["stock.quant"]._update_available_quantity(product, self.site.lot_stock_id, 5)
        balance = self.env["distribution.stock.balance"].with_user(self.auditor)

        def read():
            self.env.flush_all()
            self.env.invalidate_all()
            row = balance.search([("category_id", "=", category.id)])
            return row.is_booked, row.quantity, row.moved_quantity, row.value, row.booked_value, row.ledger_balance

        self.assertEqual(read(), (True, 5, 0, 20, 20, 0))
        keeper = new_test_user(self.env, "lib_keeper", "base.group_user,stock.group_stock_manager")
        with self.assertRaises(AccessError):
            balance.with_user(keeper).search_read([("category_id", "=", category.id)], ["ledger_balance"])
        move = self._make_move(product, 5, self.loss, self.site.lot_stock_id)
        self._make_detail(move, 5)
        self._set(move, state="done")
        self._set(move.move_line_ids, state="done")
        content = self._content("stock_valuation_exceptions", category=category)
        states = {check.label: check.state for check in content.checks}
        self.assertEqual(states["Stock value = ledger balance"], "failed")
        self.assertEqual(states["On hand = moved there"], "passed")
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "line_ids": [
                    Command.create({"account_id": account.id, "product_id": product.id, "debit": 20, "credit": 0}),
                    Command.create({"account_id": account.copy().id, "debit": 0, "credit": 20}),
                ],
            }
        )
        entry.action_post()
        self.assertEqual(read()[1:], (5, 5, 20, 20, 20))
        content = self._content("stock_valuation_exceptions", category=category)
        self.assertEqual({check.state for check in content.checks}, {"passed"})

    def test_goods_by_layers_are_worth_what_is_left_of_these(self):
        accounts = self.env["account.account"].create(
            [
                {"name": name, "code": f"KPI{name.upper()}", "account_type": "asset_current"}
                for name in ("layers", "input", "output")
            ]
        )
        booked = {"property_valuation": "real_time", "property_stock_valuation_account_id": accounts[0].id}
        if IS_17:
            journal = self.env["account.journal"].search([("type", "=", "general")], limit=1)
            booked.update(
                property_stock_account_input_categ_id=accounts[1].id,
                property_stock_account_output_categ_id=accounts[2].id,
                property_stock_journal=journal.id,
            )
        category = self.env["product.category"].create({"name": "By layers", "property_cost_method": "fifo", **booked})
        goods = self.env["product.product"].create(
            {"name": "By layers", "categ_id": category.id, "standard_price": 4, **storable_product_values()}
        )

        def move(quantity, source, target, **values):
            made = self._make_move(goods, quantity, source, target, **values)
            made._action_confirm()
            made.write({"quantity": quantity, "picked": True})
            made._action_done()

        shelf = self.site.lot_stock_id
        move(5, self.suppliers, shelf, price_unit=4)
        move(5, self.suppliers, shelf, price_unit=7)
        move(6, shelf, self.customers)

        def read():
            self.env.flush_all()
            self.env.invalidate_all()
            balance = self.env["distribution.stock.balance"].with_user(self.auditor)
            row = balance.search([("category_id", "=", category.id)])
            return row.is_booked, row.quantity, row.booked_value, row.ledger_balance

        if not IS_17:
            self.assertEqual(read()[:3], (False, 4, 0), "19.0 keeps no layers: it is not compared")
            return
        self.assertEqual(read(), (True, 4, 28, 28))
        goods.with_context(disable_auto_svl=True).standard_price = 9
        self.assertEqual(read(), (True, 4, 28, 28), "the cost of the next goods is not the ledger's")
        entry = {"account_id": accounts[0].id, "product_id": goods.id, "debit": 10, "credit": 0}
        by_hand = self.env["account.move"].create(
            {
                "move_type": "entry",
                "line_ids": [
                    Command.create(entry),
                    Command.create({"account_id": accounts[1].id, "debit": 0, "credit": 10}),
                ],
            }
        )
        by_hand.action_post()
        content = self._content("stock_valuation_exceptions", category=category)
        states = {check.label: check.state for check in content.checks}
        self.assertEqual(states["Stock value = ledger balance"], "failed")
        by_hand.button_draft()
        content = self._content("stock_valuation_exceptions", category=category)
        self.assertEqual({check.state for check in content.checks}, {"passed"})

    def test_numbers_of_the_past_are_those_of_each_day(self):
        snapshots = self.env["distribution.kpi.snapshot"]
        first, last = FIRST.date() + timedelta(days=13), FIRST.date() + timedelta(days=15)
        names = ("kpi_id", "site_id", "day", "is_measured", "value", "numerator", "denominator", "rows")

        def shape(row):
            found = {**dict.fromkeys(names), **row}
            return tuple(
                round(float(value), 4) if isinstance(value, Decimal | float) else value or False
                for value in (found[name] for name in names)
            )

        kpis = self.env["distribution.kpi"].search([])
        expected = {
            shape(row)
            for kpi in kpis
            for number in range(3)
            for row in snapshots._rows(kpi, self.company, first + timedelta(days=number), in_time=False)
        }
        taken = snapshots._take_past(self.company, first, last)
        found = {shape({**row.read(names, load="")[0], "site_id": row.site_id.id}) for row in taken}
        self.assertEqual(found, expected)
        self.assertEqual(len(taken), len(expected))
        self.assertFalse(snapshots._take_past(self.company, first, last), "a day is taken once")

    # ------------------------------------------------------------------ pieces

    def _content(self, code, category=None, span=MONTH, site=None):
        """What the report says about the generated month."""
        self.env.flush_all()
        self.env.invalidate_all()
        builder = self.env["distribution.report.builder"]
        draft = self.drafts[code]
        scope = builder._scope(draft, *span, self.auditor, site, category)
        tables = builder._capture(scope)
        inputs = builder._freshness(scope, self.now)
        measured = builder._measured(scope)
        checks = builder._checks(scope, tables, measured)
        verdict = judged(scope, inputs, checks, "test")
        return builder._compute(scope, tables, measured, inputs, checks, verdict, self.now)[0]

    def _table(self, content, code):
        return next(section.table for section in content.sections if section.code == code)

    def _arrivals(self):
        """Receipts of vendors in the month."""
        return self.env["stock.picking"].search_count(
            [
                ("partner_id", "in", (self.vendor + self.other_vendor).ids),
                ("state", "=", "done"),
                ("date_done", ">=", FIRST),
                ("date_done", "<", LAST + timedelta(days=1)),
            ]
        )


@tagged("post_install", "-at_install")
class TestReportLibraryRelease(ReportCase):
    """Who is asked to release the reports of the library."""

    @classmethod
    def _rules(cls):
        return [
            ("Automatic", "pass", [("release_pattern", "in", ["automatic"])], []),
            (
                "Nothing crossed",
                "pass",
                [("release_pattern", "in", ["supervisor"]), ("threshold_crossed", "is_false")],
                [],
            ),
            (
                "Procurement lead",
                "require",
                [("threshold_crossed", "is_true"), ("report", "eq", "supplier_fill_rate")],
                ["Purchasing"],
            ),
            (
                "Supervisor",
                "require",
                [("threshold_crossed", "is_true"), ("report", "eq", "inventory_discrepancy")],
                ["Operations"],
            ),
            ("Category", "require", [("release_pattern", "in", ["category_manager"])], ["Categories"]),
            ("Finance", "require", [("release_pattern", "in", ["finance"])], ["Finance"]),
            ("Operations", "require", [("release_pattern", "in", ["operations"])], ["Operations"]),
            ("Two parties", "require", [("release_pattern", "in", ["two_parties"])], ["Purchasing", "Operations"]),
        ]

    def test_releases_go_to_those_whom_the_pattern_names(self):
        reader = new_test_user(
            self.env,
            login="t_library_reader",
            groups=f"base.group_user,{CORE}auditor",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        drafts = install(self, self.author, reader, owner_id=self.owner.id)
        asked = {
            "daily_sales": [],
            "inventory_discrepancy": [],
            "supplier_fill_rate": ["Purchasing"],
            "slow_dead_stock": ["Categories"],
            "three_way_match": ["Finance"],
            "approval_performance": ["Operations"],
            "customer_service_exceptions": ["Purchasing", "Operations"],
        }
        runs = {}
        for code in asked:
            draft = drafts[code].with_user(self.author)
            # Drawing is tested elsewhere, and nothing ever happened in this company.
            draft.write({"as_pdf": False, "as_xlsx": False, "as_csv": code == "daily_sales", "on_stale": "mark"})
            if code == "supplier_fill_rate":
                limit = draft.threshold_ids.filtered(lambda one: one.code == "supplier_breaches")
                limit.write({"warn": False, "breach": "-1"})
            self._publish(draft)
            runs[code] = self._run(draft.report_id)
        self._work()
        for code, names in asked.items():
            with self.subTest(code):
                run = runs[code]
                self.assertEqual(run.state, "waiting" if names else "done", run.error)
                tasks = run.edition_id.release_id.approval_request_id.task_ids
                self.assertEqual(tasks.sorted("sequence").mapped("name"), names)
        self.assertEqual(runs["daily_sales"].edition_id.file_ids.mapped("kind"), ["csv"])
        self.assertTrue(runs["supplier_fill_rate"].is_crossed)
