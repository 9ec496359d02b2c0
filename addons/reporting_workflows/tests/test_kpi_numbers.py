"""Every KPI of the library against a computation in plain Python over the facts that the generator dealt."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo.tests import tagged

from ..engine.kpi import rounded
from .kpi_world import FIRST, LAST, KpiWorld, hours_ahead, zone_ahead

DAY = timedelta(days=1)
TOLERANCE = Decimal("0.02")


@dataclass
class Fact:
    """What one record adds to a number."""

    top: float
    bottom: float | None = None
    at: date | datetime | None = None
    dimensions: dict = field(default_factory=dict)


def hours(start, end):
    return (end - start).total_seconds() / 3600


def days(start, end):
    return hours(start, end) / 24


def end_of(day):
    return datetime.combine(day, datetime.min.time()) + DAY


@tagged("post_install", "-at_install")
class TestKpiNumbers(KpiWorld):
    def setUp(self):
        super().setUp()
        self.kpis = {kpi.code: kpi for kpi in self.env["distribution.kpi"].search([])}
        self.checked = set()

    # ---------------------------------------------------------------- checking

    def _value(self, facts, scale, combine):
        if combine:
            return combine(facts)
        if not facts or facts[0].bottom is None:
            return rounded(Decimal(sum(fact.top for fact in facts)) * scale)
        bottom = sum(fact.bottom for fact in facts)
        return rounded(Decimal(sum(fact.top for fact in facts)) * scale / Decimal(bottom)) if bottom else None

    def _check(self, code, facts, scale=1, where=None, combine=None, is_level=False, rows=True):
        """The number as a whole, by week, and by each of its dimensions that the facts know."""
        kpi, kpis = self.kpis[code], self.env["distribution.kpi"]

        def measure(**options):
            return kpis._measure(kpi, FIRST.date(), LAST.date(), where=where, **options)[kpi.id]

        def compare(measures, key, groups):
            self.assertEqual(len(measures), len({key(found) for found in measures}), code)
            self.assertEqual({key(found) for found in measures}, set(groups), code)
            for found in measures:
                own = groups[key(found)]
                self._same(code, found.value, self._value(own, scale, combine))
                if rows:
                    self.assertEqual(found.rows, len(own), code)

        (whole,) = measure()
        self._same(code, whole.value, self._value(facts, scale, combine))
        self.assertTrue(facts, f"{code}: the generator dealt nothing, the test would prove nothing")
        if rows:
            self.assertEqual(whole.rows, len(facts), code)
        for name in facts[0].dimensions:
            groups = defaultdict(list)
            for fact in facts:
                groups[fact.dimensions[name]].append(fact)
            compare(measure(by=(name,)), lambda found, name=name: found.dimensions[name], groups)
        if not is_level:
            weeks = defaultdict(list)
            for fact in facts:
                day = fact.at.date() if isinstance(fact.at, datetime) else fact.at
                weeks[day - timedelta(days=day.weekday())].append(fact)
            compare(measure(grain="week"), lambda found: found.period_start, weeks)
        self.checked.add(code)

    def _same(self, code, found, expected):
        if found is None or expected is None:
            self.assertEqual(found, expected, code)
        else:
            self.assertLess(abs(found - expected), TOLERANCE, f"{code}: {found} is not {expected}")

    def _in_month(self, moment):
        day = moment.date() if isinstance(moment, datetime) else moment
        return FIRST.date() <= day <= LAST.date()

    # ------------------------------------------------------------------ sales

    def _sold(self):
        return [sale for sale in self.sales if sale["state"] == "sale"]

    def _order_facts(self, top, bottom=None):
        return [
            Fact(top(sale), bottom, sale["ordered"], {"site": sale["site"].id, "customer": sale["customer"].id})
            for sale in self._sold()
        ]

    def _line_facts(self, top, bottom=None):
        return [
            Fact(
                top(sale, line),
                bottom and bottom(sale, line),
                sale["ordered"],
                {
                    "site": sale["site"].id,
                    "customer": sale["customer"].id,
                    "product": line["product"].id,
                    "category": line["product"].categ_id.id,
                },
            )
            for sale in self._sold()
            for line in sale["lines"]
        ]

    def test_sales(self):
        self._check("orders_confirmed", self._order_facts(lambda sale: 1))
        self._check("sales_ordered", self._order_facts(lambda sale: sale["amount"] / sale["rate"]))
        self._check("order_value", self._order_facts(lambda sale: sale["amount"] / sale["rate"], 1))
        self._check("sales_margin", self._line_facts(lambda sale, line: line["margin"] / sale["rate"]))
        self._check(
            "sales_margin_rate",
            self._line_facts(
                lambda sale, line: line["margin"] / sale["rate"],
                lambda sale, line: line["quantity"] * line["price"] / sale["rate"],
            ),
            scale=100,
        )
        self._check(
            "sales_invoiced",
            [
                Fact(
                    -fact["amount"] if fact["refund"] else fact["amount"],
                    None,
                    fact["day"],
                    {"customer": fact["customer"].id},
                )
                for fact in self.invoices
                if fact["state"] == "posted"
            ],
        )
        facts = self._line_facts(
            lambda sale, line: (line["quantity"] - line["delivered"]) * line["price"] / sale["rate"]
        )
        self._check(
            "open_order_value",
            [fact for fact in facts if fact.top],
            where={"customer": [self.customer.id, self.other_customer.id]},
            is_level=True,
        )

    # ---------------------------------------------------------------- service

    def _deliveries(self, way="out", **wanted):
        return [
            fact
            for fact in self.deliveries
            if fact["way"] == way and all(bool(fact[name]) == value for name, value in wanted.items())
        ]

    def _site(self, fact):
        return {"site": fact["site"].id}

    def _check_promises(self, day_of):
        """What was promised and what was done, each on its day by the calendar ``day_of``; returns the shares."""
        judged = [
            (fact, day_of(fact["deadline"]), day_of(fact["done"]))
            for fact in self._deliveries(done=True, deadline=True)
        ]
        kept = [Fact(done <= promised, 1, done, self._site(fact)) for fact, promised, done in judged]
        self._check("delivery_on_time", kept, scale=100)
        self._check(
            "delivery_delay",
            [
                Fact((done - promised).days, 1, done, self._site(fact))
                for fact, promised, done in judged
                if promised < done
            ],
        )
        units = [
            Fact(
                quantity if done <= promised else 0,
                quantity + fact["taken_off"],
                promised,
                {**self._site(fact), "product": product.id, "category": product.categ_id.id},
            )
            for fact, promised, done in judged
            if self._in_month(promised)
            for product, quantity in fact["lines"]
        ]
        self._check("service_level", units, scale=100)
        return sum(fact.top for fact in kept), sum(fact.top for fact in units)

    def test_a_promise_is_kept_by_the_end_of_its_day_where_the_company_works(self):
        by_minute = len([one for one in self._deliveries(done=True, deadline=True) if one["done"] <= one["deadline"]])
        found = {}
        for name in ("Asia/Tokyo", "America/New_York", "UTC"):  # as it was at the end
            self.company.resource_calendar_id.tz = name
            zone = ZoneInfo(name)
            found[name] = self._check_promises(
                lambda at, zone=zone: at.replace(tzinfo=timezone.utc).astimezone(zone).date()
            )
        self.assertEqual(len(set(found.values())), 3, "each zone judges otherwise")
        self.assertGreater(min(kept for kept, _units in found.values()), by_minute, "nor does the minute judge")

    def test_deliveries(self):
        self._check_promises(datetime.date)
        self._check(
            "order_cycle",
            [
                Fact(days(fact["sale"]["ordered"], fact["done"]), 1, fact["done"], self._site(fact))
                for fact in self._deliveries(done=True, sale=True)
            ],
        )
        self._check(
            "pick_to_ship",
            [
                Fact(hours(fact["created"], fact["done"]), 1, fact["done"], self._site(fact))
                for fact in self._deliveries(done=True)
            ],
        )
        self._check(
            "customer_returns",
            [Fact(1, None, fact["done"], self._site(fact)) for fact in self._deliveries("in", done=True)],
        )

    def test_deliveries_that_wait(self):
        ours = {"where": {"site": [site.id for site in self.sites]}, "is_level": True}
        waiting = self._deliveries(done=False)
        self._check(
            "deliveries_late",
            [Fact(1, None, None, self._site(fact)) for fact in waiting if fact["deadline"].date() < self.now.date()],
            **ours,
        )
        self._check(
            "shortage_lines",
            [
                Fact(1, None, None, {**self._site(fact), "product": product.id})
                for fact in waiting
                if fact["state"] == "confirmed"
                for product, _quantity in fact["lines"]
            ],
            **ours,
        )
        follow = [fact for fact in waiting if fact["follows"]]
        self._check("backorders", [Fact(1, None, None, self._site(fact)) for fact in follow], **ours)
        self._check(
            "backorder_age",
            [Fact(days(fact["created"], self.now), 1, None, self._site(fact)) for fact in follow],
            **ours,
        )

    def test_parcels(self):
        def is_late(fact):
            if fact["handed"] is None or fact["status"] in ("returned", "delivered"):
                return False
            reports = fact["status"] in ("delayed", "exception")
            if fact["promised"] is None:
                return reports
            is_expected_later = fact["expected"] is not None and fact["expected"] > fact["promised"]
            return reports or self.now > fact["promised"] or is_expected_later

        late = [fact for fact in self.parcels if is_late(fact)]
        self.assertTrue(10 < len(late) < 60)
        self._check(
            "carrier_delays",
            [Fact(1, None, None, self._site(fact)) for fact in late],
            where={"site": [site.id for site in self.sites]},
            is_level=True,
        )
        shown = self.env["stock.picking"].search(
            [("is_carrier_late", "=", True), ("picking_type_id.warehouse_id", "in", [site.id for site in self.sites])]
        )
        self.assertEqual(set(shown.ids), {fact["picking"].id for fact in late}, "the report lists those that it counts")

    # -------------------------------------------------------------- warehouse

    def _handled(self):
        """(moment, site, way, product, quantity, person) of each line of a transfer that was done."""
        for fact in self.deliveries:
            if fact["done"]:
                for product, quantity in fact["lines"]:
                    yield fact["done"], fact["site"], fact["way"], product, quantity, fact["person"]
        for fact in self.receipts:
            if self._in_month(fact["at"]):
                yield fact["at"], fact["purchase"]["site"], "in", fact["line"]["product"], fact["quantity"], None

    def _handled_facts(self, top, only=lambda person: True):
        return [
            Fact(
                top(quantity),
                None,
                at,
                {
                    "site": site.id,
                    "kind": {"in": "incoming", "out": "outgoing"}[way],
                    "product": product.id,
                },
            )
            for at, site, way, product, quantity, person in self._handled()
            if only(person)
        ]

    def test_warehouse(self):
        self._check("lines_handled", self._handled_facts(lambda quantity: 1))
        self._check("units_handled", self._handled_facts(lambda quantity: quantity))
        facts = []
        for at, site, _way, _product, _quantity, person in self._handled():
            if person:
                facts.append(Fact((person, at.date()), None, at, {"site": site.id}))
        self._check(
            "lines_per_person_day",
            facts,
            combine=lambda own: rounded(Decimal(len(own)) / len({fact.top for fact in own})),
        )
        self._check(
            "transfer_lead_time",
            [
                Fact(hours(fact["left"], fact["arrived"]), 1, fact["arrived"], {"site": fact["to"].id})
                for fact in self.transfers
                if fact["from"] != fact["to"] and self._in_month(fact["arrived"])
            ],
        )

    # ------------------------------------------------------------------ stock

    def _stock_facts(self, top, bottom=None, only=lambda fact: True):
        return [
            Fact(
                top(fact),
                bottom and bottom(fact),
                None,
                {
                    "site": fact["site"].id,
                    "category": fact["product"].categ_id.id,
                    "product": fact["product"].id,
                },
            )
            for fact in self.stock
            if only(fact)
        ]

    def test_stock(self):
        ours = {"where": {"site": [site.id for site in self.sites]}, "is_level": True}

        def value(fact):
            return fact["quantity"] * fact["cost"]

        def on_hand(fact):
            return fact["quantity"] > 0

        def still(limit):
            return lambda fact: (
                on_hand(fact) and fact["age"] > limit and (fact["issued"] is None or fact["issued"] > limit)
            )

        self._check("stock_value", self._stock_facts(value), **ours)
        self._check("stock_age", self._stock_facts(lambda fact: value(fact) * fact["age"], value, on_hand), **ours)
        self._check(
            "stock_old_share",
            self._stock_facts(lambda fact: value(fact) * (fact["age"] > 180), value, on_hand),
            scale=100,
            **ours,
        )
        self._check("stock_slow_value", self._stock_facts(value, None, still(90)), **ours)
        self._check("stock_dead_value", self._stock_facts(value, None, still(180)), **ours)
        self._check(
            "stock_negative", self._stock_facts(lambda fact: 1, None, lambda fact: fact["quantity"] < 0), **ours
        )
        self._check(
            "stock_without_cost",
            self._stock_facts(lambda fact: 1, None, lambda fact: on_hand(fact) and not fact["cost"]),
            **ours,
        )

    def test_counts(self):
        def facts(top, bottom=None):
            return [
                Fact(
                    top(fact),
                    bottom,
                    fact["at"],
                    {
                        "site": fact["site"].id,
                        "product": fact["product"].id,
                        "category": fact["product"].categ_id.id,
                    },
                )
                for fact in self.counts
            ]

        self._check("inventory_discrepancy", facts(lambda fact: abs(fact["difference"]) * self.cost[fact["product"]]))
        self._check("inventory_accuracy", facts(lambda fact: not fact["difference"], 1), scale=100)

    # ------------------------------------------------------------ procurement

    def _bought(self):
        return [purchase for purchase in self.purchases if purchase["state"] == "purchase"]

    def _purchase_dimensions(self, purchase, line=None):
        found = {"site": purchase["site"].id, "vendor": purchase["vendor"].id}
        if line:
            found.update(product=line["product"].id, category=line["product"].categ_id.id)
        return found

    def test_purchases(self):
        self._check(
            "purchases_ordered",
            [
                Fact(
                    sum(line["quantity"] * line["price"] for line in purchase["lines"]) / purchase["rate"],
                    None,
                    purchase["confirmed"],
                    self._purchase_dimensions(purchase),
                )
                for purchase in self._bought()
            ],
        )
        self._check(
            "purchase_cycle",
            [
                Fact(
                    hours(purchase["created"], purchase["confirmed"]),
                    1,
                    purchase["confirmed"],
                    self._purchase_dimensions(purchase),
                )
                for purchase in self._bought()
            ],
        )
        self._check(
            "supplier_lead_time",
            [
                Fact(
                    days(fact["purchase"]["confirmed"], fact["at"]),
                    1,
                    fact["at"],
                    self._purchase_dimensions(fact["purchase"], fact["line"]),
                )
                for fact in self.receipts
                if self._in_month(fact["at"])
            ],
        )
        self._check(
            "receipt_discrepancy_rate",
            [
                Fact(fact["wrong"], 1, fact["at"], self._purchase_dimensions(fact["purchase"]))
                for fact in self.receipts
                if self._in_month(fact["at"])
            ],
            scale=100,
        )

    def _check_late_purchases(self, day_of=datetime.date):
        """What is overdue, and what comes after customers need it, each on its day by the calendar ``day_of``; returns
        how many lines are overdue."""
        ours = {"where": {"vendor": [self.vendor.id, self.other_vendor.id]}, "is_level": True}
        today = day_of(self.now)

        def facts(top, only):
            return [
                Fact(top(purchase, line), None, None, self._purchase_dimensions(purchase, line))
                for purchase in self._bought()
                for line in purchase["lines"]
                if line["received"] < line["quantity"] and only(purchase, line)
            ]

        def worth(purchase, line):
            return (line["quantity"] - line["received"]) * line["price"] / purchase["rate"]

        def late(purchase, line):
            return day_of(line["planned"]) < today

        def missed(purchase, line):
            """A delivery of the same goods from the same site needs them on a day before they come."""
            arrival = max(day_of(line["planned"]), today)
            return any(
                day_of(fact["deadline"]) < arrival and fact["site"] == purchase["site"] and product == line["product"]
                for fact in self._deliveries(done=False)
                if fact["state"] == "confirmed"
                for product, _quantity in fact["lines"]
            )

        lines = facts(lambda *_line: 1, late)
        self._check("overdue_purchase_lines", lines, **ours)
        self._check("overdue_purchase_value", facts(worth, late), **ours)
        self._check("inbound_at_risk", facts(worth, missed), **ours)
        return len(lines)

    def test_purchases_that_are_late(self):
        self._check_late_purchases()

    def test_a_purchase_is_late_when_its_day_is_over_where_the_company_works(self):
        """At one and the same moment: an hour after midnight what was due four hours ago is late, at noon it is not."""
        found = {}
        for hour in (1, 12, 21):
            ahead = hours_ahead(self.now, hour)
            self.company.resource_calendar_id.tz = zone_ahead(ahead)
            found[hour] = self._check_late_purchases(lambda at, ahead=ahead: (at + timedelta(hours=ahead)).date())
        self.company.resource_calendar_id.tz = "UTC"  # as it was
        self.assertGreater(found[1], found[12], "yesterday's lines are late")
        self.assertEqual(found[12], found[21], "no line of today is late, at whatever hour")

    def test_promises(self):
        asked = [fact for fact in self.confirmations if not fact["cancelled"]]
        self._check(
            "acknowledgement_rate",
            [
                Fact(
                    bool(fact["answered"]) and fact["answered"] <= fact["asked"] + 3 * DAY,
                    1,
                    fact["asked"] + 3 * DAY,
                    self._purchase_dimensions(fact["purchase"]),
                )
                for fact in self.confirmations
                if self._in_month(fact["asked"] + 3 * DAY)
            ],
            scale=100,
        )
        self._check(
            "acknowledgement_time",
            [
                Fact(fact["hours"], 1, fact["answered"], self._purchase_dimensions(fact["purchase"]))
                for fact in asked
                if fact["answered"] and self._in_month(fact["answered"])
            ],
        )
        otif, filled, broken = [], [], []
        for fact in asked:
            for promise in fact["lines"]:
                line, due = promise["line"], promise["promised"] or promise["asked"]
                if not self._in_month(due):
                    continue
                dimensions = self._purchase_dimensions(fact["purchase"], line)
                in_time = sum(quantity for at, quantity in promise["arrivals"] if at < end_of(due))
                by_end = sum(quantity for at, quantity in promise["arrivals"] if at < end_of(LAST.date()))
                worth = line["quantity"] * line["price"] / fact["purchase"]["rate"]
                otif.append(Fact(in_time >= line["quantity"], 1, due, dimensions))
                filled.append(Fact(min(by_end / line["quantity"], 1) * worth, worth, due, dimensions))
                if promise["promised"] and in_time < line["quantity"]:
                    broken.append(Fact(1, None, due, dimensions))
        self._check("supplier_otif", otif, scale=100)
        self._check("supplier_fill_rate", filled, scale=100)
        self._check("supplier_breaches", broken)

    # -------------------------------------------------------------- approvals

    def test_approvals(self):
        def kind(fact):
            return {"document_type": fact["type"], **self._site(fact)}

        passed = [fact for fact in self.releases if fact["kind"] in ("policy", "fast_path", "approval", "emergency")]
        self._check(
            "straight_through",
            [Fact(fact["kind"] in ("policy", "fast_path"), 1, fact["at"], kind(fact)) for fact in passed],
            scale=100,
        )
        self._check(
            "emergency_releases",
            [Fact(1, None, fact["at"], kind(fact)) for fact in passed if fact["kind"] == "emergency"],
        )
        decided = [fact for fact in self.requests if fact["state"] in ("approved", "rejected")]
        self._check(
            "approval_cycle",
            [Fact(hours(fact["requested"], fact["closed"]), 1, fact["closed"], kind(fact)) for fact in decided],
        )
        tasks = [(fact, task) for fact in self.requests for task in fact["tasks"]]
        self._check(
            "approval_breach_rate",
            [
                Fact(task["escalated"], 1, task["closed"], kind(fact))
                for fact, task in tasks
                if task["clock"] and task["closed"]
            ],
            scale=100,
        )
        self._check(
            "delegated_decisions",
            [
                Fact(task["decision"]["for"], 1, task["decision"]["at"], kind(fact))
                for fact, task in tasks
                if task["decision"]
            ],
            scale=100,
        )

    def test_approvals_that_wait(self):
        ours = {"where": {"vendor": self.vendor.id}, "is_level": True}
        waiting = [fact for fact in self.requests if fact["state"] in ("pending", "on_hold")]
        types = [{"document_type": fact["type"], "vendor": self.vendor.id, **self._site(fact)} for fact in waiting]
        self._check("approvals_waiting", [Fact(1, None, None, one) for one in types], **ours)
        self._check(
            "approval_oldest",
            [Fact(hours(fact["requested"], self.now), None, None, one) for fact, one in zip(waiting, types)],
            combine=lambda own: rounded(Decimal(max(fact.top for fact in own))),
            **ours,
        )
        self._check(
            "approvals_overdue",
            [
                Fact(1, None, None, {"document_type": fact["type"], **self._site(fact)})
                for fact in waiting
                for task in fact["tasks"]
                if task["overdue"]
            ],
            **ours,
        )
        self._check(
            "payment_holds",
            [Fact(fact["amount"], None, None, self._site(fact)) for fact in waiting if fact["type"] == "vendor_bill"],
            **ours,
        )

    # ---------------------------------------------------------------- finance

    def test_bills(self):
        def fact(top, bill):
            return Fact(top, 1, bill["matched"], {"site": bill["site"] and bill["site"].id})

        known = [bill for bill in self.bills if bill["verdicts"] != ["unknown"]]
        self._check(
            "match_first_pass", [fact("beyond" not in bill["verdicts"], bill) for bill in known], scale=100, rows=False
        )
        self._check("match_time", [fact(hours(bill["created"], bill["matched"]), bill) for bill in self.bills])

    def test_bills_of_a_site(self):
        """The number of a site alone, of several, of those without, and the bills behind each."""
        north, south = self.sites
        for code, bills in (
            ("match_first_pass", [bill for bill in self.bills if bill["verdicts"] != ["unknown"]]),
            ("match_time", self.bills),
        ):
            for wanted in ([north], [south], [north, south], [None]):
                own = [bill for bill in bills if bill["site"] in wanted]
                self.assertTrue(own, "the generator dealt none")
                where = {"site": [site.id if site else False for site in wanted]}
                kpi = self.kpis[code]
                (found,) = kpi._measure(kpi, FIRST.date(), LAST.date(), where=where)[kpi.id]
                tops = {
                    "match_first_pass": lambda bill: 100 * ("beyond" not in bill["verdicts"]),
                    "match_time": lambda bill: hours(bill["created"], bill["matched"]),
                }
                mean = sum(map(tops[code], own)) / len(own)
                self._same(code, found.value, rounded(Decimal(mean)))
                model, domain = kpi._drill(FIRST.date(), LAST.date(), where)
                rows = self.env[model].search(domain)
                self.assertEqual(set(rows.mapped("bill_ref")), {bill["bill"].id for bill in own}, code)
                self.assertEqual(len(rows), found.rows, code)
                self.assertEqual(set(rows.mapped("site_id")) or {None}, set(wanted), "the list shows where")
            self.assertTrue(
                self.env["distribution.kpi.source"]._source(kpi.source).adds_up, "a bill counts at one site"
            )

    # ------------------------------------------------------------- exceptions

    def test_cases(self):
        ours = {"where": {"site": [site.id for site in self.sites]}, "is_level": True}

        def dimensions(fact):
            return {"site": fact["site"].id, "type": self.case_types[fact["type"]].id}

        waiting = [fact for fact in self.cases if not fact["closed"]]
        self._check("cases_open", [Fact(1, None, None, dimensions(fact)) for fact in waiting], **ours)
        self._check(
            "case_age", [Fact(days(fact["opened"], self.now), 1, None, dimensions(fact)) for fact in waiting], **ours
        )
        self._check(
            "cases_overdue",
            [
                Fact(1, None, None, dimensions(fact))
                for fact in waiting
                if fact["state"] != "waiting" and fact["due"] and fact["due"] < self.now
            ],
            **ours,
        )
        self._check(
            "customer_exceptions",
            [Fact(1, None, None, dimensions(fact)) for fact in waiting if fact["model"] == "sale.order"],
            **ours,
        )
        # No document waits for a forecast or a scorecard that failed.
        exceptions = self.procurement_types - {"demand_failed", "scorecard_failed"}
        self._check(
            "procurement_exceptions",
            [Fact(1, None, None, dimensions(fact)) for fact in waiting if fact["type"] in exceptions],
            **ours,
        )
        self._check(
            "case_resolution",
            [
                Fact(hours(fact["opened"], fact["closed"]), 1, fact["closed"], dimensions(fact))
                for fact in self.cases
                if fact["state"] == "resolved"
            ],
        )

    def test_messages(self):
        ours = {"where": {"subscription": self.subscription.id}}
        ended = [fact for fact in self.messages if fact["state"] in ("delivered", "dead")]
        self._check(
            "webhook_delivered",
            [Fact(arrived, 1, at) for fact in self.messages for at, arrived in fact["ends"] if self._in_month(at)],
            scale=100,
            **ours,
        )
        self._check(
            "webhook_dead",
            [Fact(1, None, None, {}) for fact in ended if fact["state"] == "dead"],
            is_level=True,
            **ours,
        )
        self._check(
            "webhook_latency",
            [
                Fact((fact["done"] - fact["began"]).total_seconds(), 1, fact["done"])
                for fact in ended
                if fact["done"] and self._in_month(fact["done"])
            ],
            **ours,
        )
        self._check(
            "api_refused",
            [
                Fact(fact["state"] in ("refused", "failed"), 1, fact["at"], {"operation": "case.open"})
                for fact in self.calls
            ],
            scale=100,
        )

    # -------------------------------------------------------------- the whole

    def test_every_kpi_is_checked(self):
        """A KPI that comes to the library comes with its computation here."""
        for name, test in vars(type(self)).items():
            if name.startswith("test_") and callable(test) and name != self._testMethodName:
                test(self)
        self.assertEqual(self.checked, set(self.kpis))
