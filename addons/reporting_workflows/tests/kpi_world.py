"""Generated business of a month long ago: facts in plain Python, written into the database as Odoo would leave them.

The facts are dealt by a seeded generator and kept in lists; tests compute every KPI from these lists, never from the
database. Columns that Odoo fills along its flows are set directly: what is tested is the counting, and
``test_kpi_flows.py`` checks on real flows that Odoo fills the columns that are counted.
"""

import random
from datetime import datetime, timedelta

from odoo.tests.common import TransactionCase, new_test_user

from odoo.addons.distribution_core.compat import (
    IS_17,
    LINE_UOM,
    PURCHASE_LINE_TAXES,
    SALE_LINE_TAXES,
    storable_product_values,
)

#: The month of the flows: nothing else ever happened in it. UTC.
FIRST, LAST = datetime(2019, 5, 1), datetime(2019, 5, 31)


def hours_ahead(moment, hour):
    """By how many hours, -11 to 12, the clock of a place is ahead of UTC that shows ``hour`` at the moment (UTC)."""
    return (hour - moment.hour + 11) % 24 - 11


def zone_ahead(hours):
    """Name of the time zone that is always so many hours ahead of UTC."""
    return f"Etc/GMT{-hours:+d}"


class KpiWorld(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(
            context=dict(
                cls.env.context, tracking_disable=True, mail_create_nolog=True, mail_notrack=True, lang="en_US"
            )
        )
        cls.deal = random.Random(6)
        cls.company = cls.env.company
        cls.company.partner_id.tz = "UTC"
        cls.company.resource_calendar_id.tz = "UTC"
        cls.now = datetime.now().replace(microsecond=0)
        cls._make_places()
        cls._make_goods()
        cls._make_sales()
        cls._make_deliveries()
        cls._make_stock()
        cls._make_counts()
        cls._make_transfers()
        cls._make_purchases()
        cls._make_promises()
        cls._make_approvals()
        cls._make_bills()
        cls._make_cases()
        cls._make_messages()
        cls._make_parcels()
        cls.env.invalidate_all()

    # ---------------------------------------------------------------- writing

    @classmethod
    def _set(cls, record, **columns):
        """Write columns past everything."""
        record.flush_recordset()
        names = ", ".join(f"{name} = %s" for name in columns)
        cls.env.cr.execute(f"UPDATE {record._table} SET {names} WHERE id = %s", [*columns.values(), record.id])

    @classmethod
    def _put(cls, model, **columns):
        """Insert a row of evidence past everything; its number."""
        table, names = cls.env[model]._table, ", ".join(columns)
        cls.env.cr.execute(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))}) RETURNING id",
            list(columns.values()),
        )
        return cls.env.cr.fetchone()[0]

    @classmethod
    def _moment(cls, first=FIRST, last=LAST):
        """Any second of the month."""
        return first + timedelta(seconds=cls.deal.randrange(int((last - first).total_seconds())))

    # ----------------------------------------------------------------- facts

    @classmethod
    def _make_places(cls):
        warehouses = cls.env["stock.warehouse"]
        cls.site = warehouses.create({"name": "North", "code": "KPN", "company_id": cls.company.id})
        cls.other_site = warehouses.create({"name": "South", "code": "KPS", "company_id": cls.company.id})
        cls.sites = [cls.site, cls.other_site]
        locations = cls.env["stock.location"]
        cls.customers = cls.env.ref("stock.stock_location_customers")
        cls.suppliers = cls.env.ref("stock.stock_location_suppliers")
        cls.transit = locations.create({"name": "On the road", "usage": "transit", "company_id": cls.company.id})
        cls.loss = locations.search(
            [("usage", "=", "inventory"), ("company_id", "in", (cls.company.id, False))], limit=1
        )

    @classmethod
    def _make_goods(cls):
        cls.categories = [cls.env["product.category"].create({"name": name}) for name in ("Screws", "Tools")]
        cls.cost = {}
        cls.goods = []
        for number in range(6):
            product = cls.env["product.product"].create(
                {
                    "name": f"Goods {number}",
                    "type": "consu",
                    "categ_id": cls.categories[number % 2].id,
                    "list_price": 10 + number,
                    "standard_price": 2 + number,
                    "taxes_id": False,
                    "supplier_taxes_id": False,
                }
            )
            cls.goods.append(product)
            cls.cost[product] = 2 + number
        cls.customer = cls.env["res.partner"].create({"name": "Builders"})
        cls.other_customer = cls.env["res.partner"].create({"name": "Plumbers"})
        cls.vendor = cls.env["res.partner"].create({"name": "Forge"})
        cls.other_vendor = cls.env["res.partner"].create({"name": "Foundry"})

    @classmethod
    def _make_sales(cls):
        """Orders at a rate of 1 or 2 units of their currency per unit of the company's."""
        cls.sales = []
        for _number in range(24):
            lines = [
                {
                    "product": cls.deal.choice(cls.goods),
                    "quantity": cls.deal.randint(1, 20),
                    "price": cls.deal.randint(5, 30),
                    "margin": cls.deal.randint(-5, 60),
                }
                for _line in range(cls.deal.randint(1, 3))
            ]
            for line in lines:
                line["delivered"] = cls.deal.choice((0, line["quantity"], line["quantity"] / 2))
            sale = {
                "site": cls.deal.choice(cls.sites),
                "customer": cls.deal.choice((cls.customer, cls.other_customer)),
                "state": cls.deal.choice(("sale", "sale", "sale", "draft", "cancel")),
                "ordered": cls._moment(),
                "rate": cls.deal.choice((1, 2)),
                "lines": lines,
            }
            sale["amount"] = sum(line["quantity"] * line["price"] for line in lines)
            order = cls.env["sale.order"].create(
                {
                    "partner_id": sale["customer"].id,
                    "warehouse_id": sale["site"].id,
                    "order_line": [
                        (
                            0,
                            0,
                            {
                                "product_id": line["product"].id,
                                "product_uom_qty": line["quantity"],
                                "price_unit": line["price"],
                                SALE_LINE_TAXES: False,
                            },
                        )
                        for line in lines
                    ],
                }
            )
            cls._set(order, state=sale["state"], date_order=sale["ordered"], currency_rate=sale["rate"])
            for line, row in zip(lines, order.order_line):
                cls._set(row, state=sale["state"], margin=line["margin"], qty_delivered=line["delivered"])
            sale["order"] = order
            cls.sales.append(sale)

    @classmethod
    def _make_picking(cls, way, site, lines, partner=None, source=None, target=None):
        """A transfer with one move per (product, quantity), and a detailed line for each."""
        source = source or (site.lot_stock_id if way == "out" else cls.suppliers)
        target = target or (cls.customers if way == "out" else site.lot_stock_id)
        picking = cls.env["stock.picking"].create(
            {
                "picking_type_id": site[f"{way}_type_id"].id,
                "location_id": source.id,
                "location_dest_id": target.id,
                "partner_id": partner.id if partner else False,
            }
        )
        for product, quantity in lines:
            move = cls._make_move(product, quantity, source, target, picking=picking)
            cls._make_detail(move, quantity)
        return picking

    @classmethod
    def _make_move(cls, product, quantity, source, target, picking=None, **values):
        return cls.env["stock.move"].create(
            {
                "name" if IS_17 else "description_picking": product.name,
                "product_id": product.id,
                "product_uom": product.uom_id.id,
                "product_uom_qty": quantity,
                "location_id": source.id,
                "location_dest_id": target.id,
                "company_id": cls.company.id,
                "picking_id": picking.id if picking else False,
                "picking_type_id": picking.picking_type_id.id if picking else False,
                **values,
            }
        )

    @classmethod
    def _make_detail(cls, move, quantity):
        return cls.env["stock.move.line"].create(
            {
                "move_id": move.id,
                "picking_id": move.picking_id.id,
                "product_id": move.product_id.id,
                "product_uom_id": move.product_uom.id,
                "quantity": quantity,
                "location_id": move.location_id.id,
                "location_dest_id": move.location_dest_id.id,
                "company_id": cls.company.id,
            }
        )

    @classmethod
    def _make_deliveries(cls):
        """Deliveries done in the month; some open ones; returns."""
        cls.deliveries, cls.details = [], []
        people = [cls.env.ref("base.user_admin").id, cls.env.uid, None]
        sold = [sale for sale in cls.sales if sale["state"] == "sale"]
        for number in range(26):
            site = cls.deal.choice(cls.sites)
            lines = [(cls.deal.choice(cls.goods), cls.deal.randint(1, 9)) for _line in range(cls.deal.randint(1, 3))]
            done = cls._moment(FIRST + timedelta(days=6))
            fact = {
                "way": "in" if number % 6 == 5 else "out",
                "site": site,
                "lines": lines,
                "created": done - timedelta(hours=cls.deal.randint(1, 90)),
                "done": done,
                # A few hours late is in time on most days, and late beyond midnight.
                "deadline": cls.deal.choice((None, *(done + timedelta(hours=late) for late in (5, -10, -10, -30)))),
                "sale": cls.deal.choice((None, cls.deal.choice(sold))),
                "person": cls.deal.choice(people),
                "state": "done",
                "follows": False,
            }
            if number >= 20 and fact["way"] == "out":
                fact.update(state=cls.deal.choice(("confirmed", "assigned")), done=None, person=None, sale=None)
                fact["deadline"] = cls.deal.choice((cls.now - timedelta(days=3), cls.now, cls.now + timedelta(days=3)))
                fact["created"] = cls.now - timedelta(days=cls.deal.randint(4, 20))
                fact["follows"] = cls.deal.random() < 0.6
            returned = fact["way"] == "in"
            picking = cls._make_picking(
                fact["way"], site, lines, cls.customer, source=cls.customers if returned else None
            )
            # Of each line, when its day was over.
            is_late = fact["done"] and fact["deadline"] and fact["done"] > fact["deadline"]
            fact["taken_off"] = number % 4 if is_late else 0
            first = cls.deliveries[0]["picking"].id if cls.deliveries and fact["follows"] else None
            fact["follows"] = bool(first)
            for move in picking.move_ids:
                cls._set(
                    move,
                    state=fact["state"],
                    date=fact["done"] or cls.now,
                    date_deadline=fact["deadline"],
                    taken_off_qty=fact["taken_off"] or None,
                )
                for detail in move.move_line_ids:
                    cls._set(detail, state=fact["state"], date=fact["done"] or cls.now)
            cls._set(
                picking,
                state=fact["state"],
                date_done=fact["done"],
                date_deadline=fact["deadline"],
                create_date=fact["created"],
                sale_id=fact["sale"] and fact["sale"]["order"].id,
                user_id=fact["person"],
                backorder_id=first,
            )
            fact["picking"] = picking
            cls.deliveries.append(fact)

    @classmethod
    def _make_parcels(cls):
        """Deliveries that left before the month, as their carriers left them: each way to be late, and not."""
        cls.parcels = []
        soon, later, past = (cls.now + timedelta(days=days) for days in (2, 4, -2))
        places = (None, soon, later, past)
        statuses = ("announced", "picked_up", "in_transit", "delayed", "exception", "returned", "delivered", None)
        for number in range(96):
            status = statuses[number % len(statuses)]
            fact = {
                "site": cls.deal.choice(cls.sites),
                "status": status,
                "handed": cls.now - timedelta(days=3) if status not in (None, "announced") else None,
                "promised": status and cls.deal.choice(places),
                "expected": status and cls.deal.choice(places),
                "deadline": cls.deal.choice((None, later, past)),
            }
            picking = cls._make_picking("out", fact["site"], [(cls.goods[0], 1)], cls.customer)
            left = FIRST - timedelta(days=40)
            for moved in (picking.move_ids, picking.move_ids.move_line_ids):
                cls._set(moved, state="done", date=left)
            cls._set(
                picking,
                state="done",
                date_done=left,
                create_date=left,
                date_deadline=fact["deadline"],
                carrier_status=status,
                carrier_handed_at=fact["handed"],
                carrier_promised_at=fact["promised"],
                carrier_expected_at=fact["expected"],
            )
            fact["picking"] = picking
            cls.parcels.append(fact)

    @classmethod
    def _make_stock(cls):
        """What lies in the two sites: age in days, and when the site last issued the product."""
        cls.stock = []
        for number in range(10):
            product = cls.env["product.product"].create(
                {
                    "name": f"Stocked {number}",
                    "categ_id": cls.categories[number % 2].id,
                    "standard_price": (0, 3, 7, 11)[number % 4],
                    **storable_product_values(),
                }
            )
            fact = {
                "product": product,
                "cost": (0, 3, 7, 11)[number % 4],
                "site": cls.sites[number % 2],
                "quantity": -4 if number == 9 else cls.deal.randint(5, 50),
                "age": (10, 100, 200, 300)[cls.deal.randrange(4)] if number != 3 else 300,
                "issued": (None, 5, 120, 250)[cls.deal.randrange(4)] if number != 3 else None,
            }
            cls.env["stock.quant"]._update_available_quantity(product, fact["site"].lot_stock_id, fact["quantity"])
            quant = cls.env["stock.quant"].search(
                [("product_id", "=", product.id), ("location_id", "=", fact["site"].lot_stock_id.id)]
            )
            cls._set(quant, in_date=cls.now - timedelta(days=fact["age"]))
            if fact["issued"] is not None:
                move = cls._make_move(product, 1, fact["site"].lot_stock_id, cls.customers)
                cls._set(move, state="done", date=cls.now - timedelta(days=fact["issued"]))
            cls.stock.append(fact)

    @classmethod
    def _make_counts(cls):
        cls.counts = []
        for _number in range(14):
            product, site = cls.deal.choice(cls.goods), cls.deal.choice(cls.sites)
            fact = {
                "product": product,
                "site": site,
                "difference": cls.deal.choice((0, 0, 3, -2)),
                "at": cls._moment(),
            }
            places = [site.lot_stock_id, cls.loss]
            if fact["difference"] > 0:
                places.reverse()
            quantity = abs(fact["difference"])
            move = cls._make_move(product, quantity, *places, is_inventory=True)
            if quantity:
                cls._make_detail(move, quantity)
            cls._set(move, state="done", date=fact["at"], quantity=quantity)
            for detail in move.move_line_ids:
                cls._set(detail, state="done", date=fact["at"])
            cls.counts.append(fact)

    @classmethod
    def _make_transfers(cls):
        """From one site to the other, over the road; one within a site that does not count."""
        cls.transfers = []
        for number in range(8):
            source, target = cls.sites if number % 2 else reversed(cls.sites)
            if number == 7:
                target = source
            left = cls._moment()
            fact = {"from": source, "to": target, "left": left, "arrived": left + timedelta(hours=3 * number + 2)}
            product = cls.deal.choice(cls.goods)
            first = cls._make_move(product, 2, source.lot_stock_id, cls.transit)
            second = cls._make_move(product, 2, cls.transit, target.lot_stock_id, move_orig_ids=[(4, first.id)])
            cls._set(first, state="done", date=left)
            cls._set(second, state="done", date=fact["arrived"])
            cls.transfers.append(fact)

    @classmethod
    def _make_purchases(cls):
        cls.purchases = []
        for number in range(20):
            confirmed = cls._moment()
            lines = [
                {
                    "product": cls.deal.choice(cls.goods),
                    "quantity": cls.deal.randint(2, 20),
                    "price": cls.deal.randint(3, 30),
                    # Some hours ago is late once midnight has passed.
                    "planned": cls.now + timedelta(hours=cls.deal.choice((-216, -4, -4, 4, 216))),
                }
                for _line in range(cls.deal.randint(1, 2))
            ]
            for line in lines:
                line["received"] = cls.deal.choice((0, line["quantity"], line["quantity"] / 2))
            purchase = {
                "site": cls.deal.choice(cls.sites),
                "vendor": cls.deal.choice((cls.vendor, cls.other_vendor)),
                "state": "purchase" if number % 5 else cls.deal.choice(("draft", "cancel")),
                "created": confirmed - timedelta(hours=cls.deal.randint(1, 50)),
                "confirmed": confirmed,
                "rate": cls.deal.choice((1, 4)),
                "lines": lines,
            }
            order = cls.env["purchase.order"].create(
                {
                    "partner_id": purchase["vendor"].id,
                    "picking_type_id": purchase["site"].in_type_id.id,
                    "order_line": [
                        (
                            0,
                            0,
                            {
                                "name": line["product"].name,
                                "product_id": line["product"].id,
                                "product_qty": line["quantity"],
                                "price_unit": line["price"],
                                PURCHASE_LINE_TAXES: False,
                                LINE_UOM: line["product"].uom_id.id,
                            },
                        )
                        for line in lines
                    ],
                }
            )
            for line, row in zip(lines, order.order_line):
                line["row"] = row
                cls._set(row, date_planned=line["planned"], qty_received=line["received"])
            cls._set(
                order,
                state=purchase["state"],
                date_approve=confirmed if purchase["state"] == "purchase" else None,
                create_date=purchase["created"],
                currency_rate=purchase["rate"],
            )
            purchase["order"] = order
            cls.purchases.append(purchase)

    @classmethod
    def _make_promises(cls):
        """Confirmations, what came of them, and receipts that were not as they should be."""
        cls.confirmations, cls.receipts = [], []
        for purchase in cls.purchases:
            if purchase["state"] != "purchase":
                continue
            asked = purchase["confirmed"] + timedelta(hours=1)
            answered = cls.deal.random() < 0.7
            fact = {
                "purchase": purchase,
                "asked": asked,
                "answered": asked + timedelta(hours=cls.deal.choice((6, 71, 100))) if answered else None,
                "hours": float(cls.deal.randint(1, 40)),
                "cancelled": cls.deal.random() < 0.1,
                "lines": [],
            }
            confirmation = (
                cls.env["distribution.supplier.confirmation"]
                .sudo()
                .create(
                    {
                        "name": purchase["order"].name,
                        "order_id": purchase["order"].id,
                        "partner_id": purchase["vendor"].id,
                        "company_id": cls.company.id,
                        "currency_id": cls.company.currency_id.id,
                        "state": "cancelled" if fact["cancelled"] else "waiting",
                        "asked_at": asked,
                        "first_answer_at": fact["answered"],
                        "answer_hours": fact["hours"] if answered else 0,
                    }
                )
            )
            cls._set(confirmation, create_date=asked)
            for line in purchase["lines"]:
                fact["lines"].append(cls._make_promise(confirmation, purchase, line, answered))
            cls.confirmations.append(fact)

    @classmethod
    def _make_promise(cls, confirmation, purchase, line, answered):
        asked_day = cls._moment(last=LAST - timedelta(days=8)).date()
        promised = asked_day + timedelta(days=cls.deal.randint(0, 5)) if answered and cls.deal.random() < 0.8 else None
        row = cls.env["distribution.supplier.confirmation.line"].sudo().create(
            {
                "confirmation_id": confirmation.id,
                "order_line_id": line["row"].id,
                "product_id": line["product"].id,
                "description": line["product"].name,
                "uom_id": line["product"].uom_id.id,
                "asked_quantity": line["quantity"],
                "asked_day": asked_day,
                "asked_price": line["price"],
                "first_promised_quantity": line["quantity"] if promised else 0,
                "first_promised_day": promised,
            }
        )  # fmt: skip
        due = promised or asked_day
        arrivals = []
        for _part in range(cls.deal.randint(0, 2)):
            at = datetime.combine(due, datetime.min.time()) + timedelta(hours=cls.deal.choice((-30, 23, 24, 60, 900)))
            arrivals.append((at, cls.deal.choice((line["quantity"], line["quantity"] / 2))))
        for at, quantity in arrivals:
            picking = cls._make_picking("in", purchase["site"], [(line["product"], quantity)], purchase["vendor"])
            move = picking.move_ids
            cls._set(move, state="done", date=at, purchase_line_id=line["row"].id)
            cls._set(move.move_line_ids, state="done", date=at)
            cls._set(picking, state="done", date_done=at, user_id=None)
            wrong = cls.deal.random() < 0.3
            if wrong:
                cls._put(
                    "distribution.receipt.discrepancy",
                    picking_ref=picking.id,
                    company_id=cls.company.id,
                    product_id=line["product"].id,
                    kind="short",
                    quantity=1,
                    found_at=at,
                )
            cls.receipts.append(
                {"purchase": purchase, "line": line, "at": at, "quantity": quantity, "wrong": wrong, "picking": picking}
            )
        return {"line": line, "row": row, "asked": asked_day, "promised": promised, "arrivals": arrivals}

    @classmethod
    def _make_approvals(cls):
        cls.requests, cls.releases = [], []
        for number in range(18):
            requested = cls._moment(last=LAST - timedelta(days=6))
            state = cls.deal.choice(("approved", "rejected", "pending", "on_hold", "void"))
            closed = requested + timedelta(hours=cls.deal.randint(1, 100))
            fact = {
                "type": cls.deal.choice(("purchase_order", "vendor_bill")),
                "site": cls.sites[number % 2],
                "state": state,
                "requested": requested,
                "closed": closed if state in ("approved", "rejected", "void") else None,
                "amount": cls.deal.randint(10, 900),
                "tasks": [],
            }
            fact["id"] = cls._put(
                "distribution.approval.request",
                name=f"KPI{number}",
                res_model="purchase.order",
                res_id=cls.purchases[0]["order"].id,
                document_type=fact["type"],
                kind="release",
                company_id=cls.company.id,
                site_id=fact["site"].id,
                partner_id=cls.vendor.id,
                requester_id=cls.env.uid,
                amount=fact["amount"],
                state=state,
                requested_at=requested,
                closed_at=fact["closed"],
            )
            for stage in range(cls.deal.randint(1, 2)):
                fact["tasks"].append(cls._make_task(fact, stage))
            cls.requests.append(fact)
        for number in range(30):
            fact = {
                "type": cls.deal.choice(("purchase_order", "sale_order")),
                "kind": cls.deal.choice(("policy", "policy", "fast_path", "approval", "emergency", "baseline", "void")),
                "site": cls.sites[number % 2],
                "at": cls._moment(),
            }
            cls._put(
                "distribution.approval.release",
                res_model="purchase.order",
                res_id=1,
                document_type=fact["type"],
                kind=fact["kind"],
                released_at=fact["at"],
                company_id=cls.company.id,
                site_id=fact["site"].id,
            )
            cls.releases.append(fact)

    @classmethod
    def _make_task(cls, request, stage):
        waits = request["closed"] is None
        task = {
            "opened": request["requested"],
            "closed": request["closed"],
            "clock": cls.deal.random() < 0.7,
            "escalated": False,
            "overdue": False,
            "decision": None,
        }
        due = None
        if task["clock"] and waits:
            task["overdue"] = cls.deal.random() < 0.5
            due = cls.now + timedelta(hours=-5 if task["overdue"] else 5)
        task["id"] = cls._put(
            "distribution.approval.task",
            request_id=request["id"],
            name=f"Stage {stage}",
            round=1,
            sequence=stage,
            quorum=1,
            state="open" if waits else "approved",
            opened_at=task["opened"],
            closed_at=task["closed"],
            due_at=due,
            clock='{"hours": 8}' if task["clock"] else None,
            document_type=request["type"],
            company_id=cls.company.id,
            site_id=request["site"].id,
            partner_id=cls.vendor.id,
        )
        if task["clock"] and cls.deal.random() < 0.5:
            task["escalated"] = True
            for step, kind in (("escalation:1", "escalation"), ("final", "final")):
                cls._put(
                    "distribution.approval.clock.step",
                    task_id=task["id"],
                    request_id=request["id"],
                    step=step,
                    kind=kind,
                    done_at=request["requested"],
                )
        if not waits:
            task["decision"] = {"at": request["closed"], "for": cls.deal.random() < 0.4}
            cls._put(
                "distribution.approval.decision",
                task_id=task["id"],
                request_id=request["id"],
                round=1,
                user_id=cls.env.uid,
                outcome="reject",
                digest="0",
                decided_at=request["closed"],
                on_behalf_id=cls.env.ref("base.user_admin").id if task["decision"]["for"] else None,
            )
        return task

    @classmethod
    def _make_bills(cls):
        """Customer invoices and refunds; vendor bills with what was found when they were compared."""
        cls.invoices, cls.bills = [], []
        for number in range(10):
            fact = {
                "refund": number % 4 == 3,
                "state": "draft" if number % 5 == 4 else "posted",
                "day": cls._moment().date(),
                "amount": cls.deal.randint(20, 400),
                "customer": cls.deal.choice((cls.customer, cls.other_customer)),
            }
            move = cls._make_entry("out_refund" if fact["refund"] else "out_invoice", fact["customer"], fact["amount"])
            cls._set(move, state=fact["state"], invoice_date=fact["day"])
            cls.invoices.append(fact)
        for number in range(12):
            matched = cls._moment(FIRST + timedelta(days=4))
            bill = cls._make_entry("in_invoice", cls.vendor, 50)
            orders = cls._billed_orders(number, 1 + number % 3)
            sites = {order["site"] for order in orders if order}
            fact = {
                "bill": bill,
                "site": sites.pop() if len(sites) == 1 else None,
                "created": matched - timedelta(hours=cls.deal.randint(1, 72)),
                "matched": matched,
                "verdicts": [
                    cls.deal.choice(("match", "match", "tolerated", "beyond")) for _line in range(1 + number % 3)
                ],
            }
            if number == 11:
                fact["verdicts"] = ["unknown"]
            cls._set(bill, create_date=fact["created"])
            for order, verdict in zip(orders, fact["verdicts"]):
                cls._put(
                    "distribution.match.line",
                    bill_ref=bill.id,
                    order_line_ref=order and order["lines"][0]["row"].id,
                    vendor_ref=cls.vendor.id,
                    company_id=cls.company.id,
                    currency_id=cls.company.currency_id.id,
                    matched_at=matched,
                    verdict=verdict,
                )
            cls.bills.append(fact)

    @classmethod
    def _billed_orders(cls, number, lines):
        """The purchase of each line of a bill: of one site, of two, of one beside a line without order, of none."""
        north, south = ([one for one in cls.purchases if one["site"] == site] for site in cls.sites)
        way = number % 4
        if way == 0:
            return [north[line % len(north)] for line in range(lines)]
        if way == 1:
            return [(north, south)[line % 2][0] for line in range(lines)]
        if way == 2:
            return [None, *(south[line % len(south)] for line in range(1, lines))]
        return [None] * lines

    @classmethod
    def _make_entry(cls, move_type, partner, amount):
        return cls.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": partner.id,
                "invoice_line_ids": [(0, 0, {"name": "Goods", "quantity": 1, "price_unit": amount, "tax_ids": False})],
            }
        )

    @classmethod
    def _make_cases(cls):
        types = cls.env["distribution.case.type"]
        brought = cls.env["ir.model.data"].search([("model", "=", types._name)])
        cls.case_types = {one.code: one for one in types.browse(brought.mapped("res_id"))}
        cls.procurement_types = set(
            types.browse(brought.filtered(lambda one: one.module == "procurement_automation").mapped("res_id")).mapped(
                "code"
            )
        )
        cls.cases = []
        for number in range(20):
            state = cls.deal.choice(("open", "in_progress", "waiting", "resolved", "cancelled"))
            closed = cls._moment(FIRST + timedelta(days=9))
            is_open = state in ("open", "in_progress", "waiting")
            fact = {
                "type": cls.deal.choice(("arrival_late", "policy_missing")),
                "site": cls.sites[number % 2],
                "state": state,
                "closed": None if is_open else closed,
                "due": cls.now + timedelta(hours=cls.deal.choice((-7, 7))) if is_open and number % 3 else None,
                "model": cls.deal.choice((None, "sale.order", "purchase.order")),
            }
            fact["opened"] = (
                cls.now - timedelta(hours=cls.deal.randint(10, 400))
                if is_open
                else closed - timedelta(hours=cls.deal.randint(1, 150))
            )
            cls._make_case(fact)
        # One of each type that an addon brings.
        for number, code in enumerate(sorted(cls.case_types)):
            cls._make_case(
                {
                    "type": code,
                    "site": cls.sites[number % 2],
                    "state": "open",
                    "closed": None,
                    "due": None,
                    "model": None,
                    "opened": cls.now - timedelta(hours=12 + number),
                }
            )

    @classmethod
    def _make_case(cls, fact):
        case = cls.env["distribution.case"].create(
            {"name": fact["type"], "type_id": cls.case_types[fact["type"]].id, "site_id": fact["site"].id}
        )
        cls._set(
            case,
            state=fact["state"],
            create_date=fact["opened"],
            closed_at=fact["closed"],
            due_at=fact["due"],
            res_model=fact["model"],
        )
        cls.cases.append(fact)

    @classmethod
    def _make_messages(cls):
        cls.subscription = (
            cls.env["distribution.webhook.subscription"]
            .sudo()
            .create({"name": "Warehouse robots", "url": "https://robots.example/hook", "owner_id": cls.env.uid})
        )
        cls.messages, cls.calls = [], []
        for number in range(20):
            began = cls._moment()
            state = cls.deal.choice(("delivered", "delivered", "dead", "pending", "dropped"))
            fact = {
                "began": began,
                "state": state,
                "done": began + timedelta(seconds=cls.deal.randint(1, 500)) if state == "delivered" else None,
            }
            delivery = cls._put(
                "distribution.webhook.delivery",
                subscription_id=cls.subscription.id,
                event_id=number + 1,
                event_uid=f"kpi-{number}",
                event_type="distribution.case.opened.v1",
                company_id=cls.company.id,
                state=state,
                began_at=began,
                done_at=fact["done"],
            )
            fact["ends"] = []
            if state in ("delivered", "dead"):
                fact["ends"].append((fact["done"] or began + timedelta(hours=20), state == "delivered"))
            if state == "delivered" and number % 3 == 0:  # it was given up before, and sent again
                fact["ends"].append((began - timedelta(days=2), False))
            tries = [*fact["ends"], (began, False)]
            for place, (at, arrived) in enumerate(tries, 1):
                cls._put(
                    "distribution.webhook.attempt",
                    delivery_id=delivery,
                    number=place,
                    at=at,
                    status=200 if arrived else 500,
                    next_at=began if place == len(tries) else None,
                )
            cls.messages.append(fact)
        robots = new_test_user(cls.env, login="kpi_robots", groups="distribution_core.group_integration")
        key = cls.env["distribution.api.key"].create({"name": "Robots", "user_id": robots.id}).id
        for _number in range(15):
            fact = {
                "at": cls._moment(),
                "state": cls.deal.choice(("applied", "applied", "refused", "failed", "waiting")),
            }
            cls._put(
                "distribution.api.call",
                api_key_id=key,
                operation="case.open",
                company_id=cls.company.id,
                user_id=cls.env.uid,
                received_at=fact["at"],
                state=fact["state"],
            )
            cls.calls.append(fact)
