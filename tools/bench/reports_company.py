"""A company with a year of business behind it: documents that Odoo made once, copied in bulk.

What becomes of a document follows from its number, so that every fill writes the same business. Evidence that has no
document of Odoo – cases, approvals, messages – is written as rows.
"""

import datetime

from .copies import copy_row
from .governance import user

LINES, SITES, DAYS = 5, 3, 365
PRODUCTS, SOLD, CATEGORIES, CUSTOMERS, VENDORS = 200, 180, 8, 40, 15  # what is not sold lies there
#: Sale orders for each purchase order, bill, case, request and message.
EACH, BOUGHT_LINES = 5, 2
#: Where the numbers of copied rows begin; far beyond those of Odoo.
FROM = {
    "sale_order": 10_000_000,
    "stock_picking": 10_000_000,
    "returned": 20_000_000,
    "received": 30_000_000,
    "stock_move": 10_000_000,
    "counted": 40_000_000,
    "sent": 50_000_000,
    "purchase_order": 10_000_000,
    "purchase_line": 10_000_000,
    "confirmation": 10_000_000,
    "account_move": 10_000_000,
    "invoiced": 20_000_000,
    "evidence": 10_000_000,
}
#: What becomes of an order of a hundred: its goods wait, the rest of them waits, they are on a truck, on the road to
#: another site, come back.
LACKS, IS_REST, ON_TRUCK, ON_ROAD, IS_RETURNED = 7, 13, 9, 11, 17
WAITS = f"fate IN ({LACKS}, {IS_REST})"
#: Of what came in, what was found by counting.
COUNTED = "(number % 25 = 0 AND part = 1)"
EACH_LINE = f"asked CROSS JOIN generate_series(1, {LINES}) AS part"
DUE, DONE = "moment + make_interval(hours => 12 * (number % 3)::int)", "moment + interval '18 hours'"
MOVED = {"date": DONE, "date_deadline": DUE, "first_deadline": DUE, "sale_line_id": "NULL", "group_id": "NULL"}


class Company:
    """The company, and what is copied: one sale and one purchase with their transfers, an invoice and a bill."""

    def __init__(self, env):
        self.company = env["res.company"].create({"name": "Bench of reports"})
        env.user.company_ids += self.company
        self.env = env(context={**env.context, "allowed_company_ids": self.company.ids, "tracking_disable": True})
        self.company = self.company.with_env(self.env)
        # It is three o'clock at night there: now is when levels of the day that is over are taken.
        ahead = (datetime.datetime.now(datetime.timezone.utc).hour - 3 + 11) % 24 - 11
        self.company.resource_calendar_id.tz = f"Etc/GMT{ahead:+d}"
        self.env["account.chart.template"].try_loading("generic_coa", self.company, install_demo=False)
        self._make_places()
        self._make_goods()
        partners = self.env["res.partner"]
        self.customers = partners.create([{"name": f"Customer {number}"} for number in range(CUSTOMERS)])
        self.vendors = partners.create([{"name": f"Vendor {number}"} for number in range(VENDORS)])
        self.sale, self.purchase = self._sell(), self._buy()
        self.invoice = self._bill("out_invoice", self.customers[0], 20)
        self.bill = self._bill("in_invoice", self.vendors[0], 12)
        self._make_systems()
        self.env.flush_all()

    def _make_places(self):
        warehouses, own = self.env["stock.warehouse"], [("company_id", "=", self.company.id)]
        # Odoo 17 gives a company its first one.
        warehouses.create(
            [
                {"name": f"Site {number}", "code": f"BR{number}", "company_id": self.company.id}
                for number in range(warehouses.search_count(own), SITES)
            ]
        )
        self.sites = warehouses.search(own)
        losses = [("usage", "=", "inventory"), ("company_id", "in", (self.company.id, False))]
        self.loss = self.env["stock.location"].search(losses, limit=1)
        self.supplier = self.env.ref("stock.stock_location_suppliers")
        self.transit = self.company.internal_transit_location_id

    def _make_goods(self):
        from odoo.addons.distribution_core.compat import storable_product_values

        categories = self.env["product.category"].create([{"name": f"Range {number}"} for number in range(CATEGORIES)])
        self.products = self.env["product.product"].create(
            [
                {"name": f"Part {number}", "standard_price": 6, "list_price": 10, "taxes_id": False,
                 "supplier_taxes_id": False, "purchase_method": "receive",
                 "categ_id": categories[number % CATEGORIES].id, **storable_product_values()}
                for number in range(PRODUCTS)
            ]
        )  # fmt: skip
        for site in self.sites:
            for product in self.products:
                self.env["stock.quant"]._update_available_quantity(product, site.lot_stock_id, 100)
        # Of one nobody knows the cost, of another there is less than nothing.
        self.products[-1].standard_price = 0
        self.env["stock.quant"]._update_available_quantity(self.products[-2], self.sites[0].lot_stock_id, -105)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE stock_quant SET in_date = in_date - make_interval(days => 60 * (id %% 7)) WHERE company_id = %s",
            (self.company.id,),
        )

    def _sell(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customers[0].id,
                "company_id": self.company.id,
                "warehouse_id": self.sites[0].id,
                "order_line": [
                    (0, 0, {"product_id": self.products[number].id, "product_uom_qty": 2}) for number in range(LINES)
                ],
            }
        )
        order.action_confirm()
        _do(order.picking_ids)
        return order

    def _buy(self):
        order = self.env["purchase.order"].create(
            {
                "partner_id": self.vendors[0].id,
                "picking_type_id": self.sites[0].in_type_id.id,
                "order_line": [
                    (0, 0, {"product_id": self.products[number].id, "product_qty": 10, "price_unit": 6})
                    for number in range(BOUGHT_LINES)
                ],
            }
        )
        order.button_confirm()
        _do(order.picking_ids)
        return order

    def _bill(self, kind, partner, amount):
        bill = self.env["account.move"].create(
            {
                "move_type": kind,
                "partner_id": partner.id,
                "invoice_date": "2024-01-31",
                "invoice_line_ids": [
                    (0, 0, {"name": "Goods", "quantity": 1, "price_unit": amount, "tax_ids": [(5, 0, 0)]})
                ],
            }
        )
        bill.action_post()
        return bill

    def _make_systems(self):
        """Who is told by webhook, and who calls."""
        self.robots = self.env["distribution.webhook.subscription"].create(
            {"name": "Robots", "url": "https://robots.example/hook", "owner_id": self.env.uid}
        )
        robots = user(self.env, "robots", "distribution_core.group_integration")
        self.key = self.env["distribution.api.key"].create({"name": "Robots", "user_id": robots.id})

    # ---------------------------------------------------------------- filling

    def fill(self, so_far, orders):
        """As many sale orders as make ``orders``, in proportion with all that goes with them."""
        cursor = self.env.cr
        for table in ("asked", "bought"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(
            """CREATE TEMP TABLE asked AS
               SELECT number, number %% 100 AS fate, (%(customers)s)[1 + number %% cardinality(%(customers)s)] AS who,
                      site.*, (%(stocks)s)[1 + (number + 1) %% %(count)s] AS other_stock,
                      now() AT TIME ZONE 'utc' - make_interval(days => number %% %(days)s, mins => number %% 600)
                      AS moment
                 FROM generate_series(%(first)s, %(last)s) AS number
                 JOIN unnest(%(sites)s, %(outs)s, %(ins)s, %(stocks)s)
                      WITH ORDINALITY AS site (site, out_kind, in_kind, stock, place)
                   ON site.place = 1 + number %% %(count)s""",
            {
                "days": DAYS, "first": so_far + 1, "last": orders, "count": len(self.sites),
                "customers": self.customers.ids, "sites": self.sites.ids, "outs": self.sites.out_type_id.ids,
                "ins": self.sites.in_type_id.ids, "stocks": self.sites.lot_stock_id.ids,
            },
        )  # fmt: skip
        cursor.execute(
            """CREATE TEMP TABLE bought AS
               SELECT asked.*, (%(vendors)s)[1 + number %% cardinality(%(vendors)s)] AS vendor, is_open,
                      CASE WHEN is_open THEN today + make_interval(days => (number / 100)::int %% 21 - 10)
                           ELSE moment + interval '5 days' END AS planned,
                      LEAST(moment + make_interval(days => 3 + (number / %(each)s)::int %% 5), today) AS arrived
                 FROM asked
                CROSS JOIN (SELECT now() AT TIME ZONE 'utc' AS today) present
                CROSS JOIN LATERAL (SELECT fate = 0 AS is_open) known
                WHERE number %% %(each)s = 0""",
            {"each": EACH, "vendors": self.vendors.ids},
        )
        cursor.execute("CREATE INDEX ON asked (number); ANALYZE asked; ANALYZE bought")
        self._fill_sales()
        self._fill_stock()
        self._fill_purchases()
        self._fill_promises()
        self._fill_bills()
        self._fill_cases()
        self._fill_approvals()
        self._fill_messages()
        self._fill_replenishment()
        self.env.invalidate_all()
        self.env["distribution.scorecard"]._score_months(
            self.company, self.company._day_of(datetime.datetime.now()), {}
        )
        cursor.execute("ANALYZE")

    def _copy(self, record, values, source):
        values = {column: sql.replace("%", "%%") for column, sql in values.items()}
        copy_row(self.env, record._table, record.id, values, source.replace("%", "%%"))

    def _insert(self, table, values, source):
        """Rows of evidence: ``{column: SQL}`` for each row of ``source``."""
        self.env.cr.execute(
            f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {source}"
        )

    def _product(self, lines, step=1):
        return f"(ARRAY{self.products.ids})[1 + (number * {lines} + part * {step}) % {SOLD}]"

    def _fill_sales(self):
        """Orders with their lines; deliveries, of which some wait and some are on a truck."""
        picking, move = self.sale.picking_ids, self.sale.picking_ids.move_ids[0]
        order, delivery = f"{FROM['sale_order']} + number", f"{FROM['stock_picking']} + number"
        row, product = f"{FROM['stock_move']} + number * {LINES} + part", self._product(LINES)
        state = f"CASE WHEN {WAITS} THEN 'confirmed' ELSE 'done' END"
        head = {"id": order, "name": "'B' || number", "date_order": "moment", "partner_id": "who"}
        none = {"procurement_group_id": "NULL", "access_token": "NULL"}
        self._copy(self.sale, {**head, **none, "warehouse_id": "site"}, "asked")
        line = {"order_id": order, "product_id": product, "order_partner_id": "who"}
        line["qty_delivered"] = f"CASE WHEN {WAITS} THEN 0 ELSE 2 END"
        self._copy(self.sale.order_line[0], line, EACH_LINE)
        head = {"id": delivery, "name": "'BP' || number", "sale_id": order, "partner_id": "who", "group_id": "NULL"}
        where = {"picking_type_id": "out_kind", "location_id": "stock"}
        when = {"create_date": "moment", "date_deadline": DUE, "date_done": f"CASE WHEN NOT {WAITS} THEN {DONE} END"}
        carried = {
            "carrier_status": f"CASE WHEN fate = {ON_TRUCK} THEN 'in_transit' END",
            "carrier_handed_at": f"CASE WHEN fate = {ON_TRUCK} THEN {DONE} END",
            "carrier_promised_at": f"CASE WHEN fate = {ON_TRUCK} THEN {DONE} + interval '2 days' END",
        }
        person = {"user_id": f"CASE WHEN number % 4 > 0 THEN {self.env.uid} END"}
        rest = {"state": state, "backorder_id": f"CASE WHEN fate = {IS_REST} THEN {picking.id} END"}
        self._copy(picking, {**head, **where, **when, **carried, **person, **rest}, "asked")
        what = {"picking_id": delivery, "product_id": product, "location_id": "stock"}
        moved = {**what, **MOVED, "id": row, "picking_type_id": "out_kind", "warehouse_id": "site", "state": state}
        moved["quantity"] = f"CASE WHEN {WAITS} THEN 0 ELSE 2 END"
        self._copy(move, moved, EACH_LINE)
        done = f"(SELECT * FROM {EACH_LINE} WHERE NOT {WAITS}) AS asked"
        self._copy(move.move_line_ids, {**what, "move_id": row, "date": DONE}, done)

    def _fill_stock(self):
        """What came in for each line, some of it found by counting; goods on the road between sites; returns."""
        picking, move = self.sale.picking_ids, self.sale.picking_ids.move_ids[0]
        product, into = self._product(LINES), {"picking_id": "NULL", "picking_type_id": "NULL"}
        supplier, transit = str(self.supplier.id), str(self.transit.id)
        came = {**MOVED, **into, "product_id": product, "location_id": supplier, "location_dest_id": "stock"}
        self._copy(move, came, f"(SELECT * FROM {EACH_LINE} WHERE NOT {COUNTED}) AS asked")
        counted = {**came, "id": f"{FROM['counted']} + number", "location_id": str(self.loss.id)}
        counted |= {"is_inventory": "TRUE", "quantity": "number / 25 % 2"}
        source = f"(SELECT * FROM {EACH_LINE} WHERE {COUNTED}) AS asked"
        self._copy(move, counted, source)
        found = {"move_id": counted["id"], "picking_id": "NULL", "product_id": product, "date": DONE}
        found |= {"location_id": str(self.loss.id), "location_dest_id": "stock"}
        found |= {"quantity": "1", "quantity_product_uom": "1"}
        self._copy(move.move_line_ids, found, f"(SELECT * FROM {source} WHERE number / 25 % 2 = 1) AS asked")
        roads = f"(SELECT *, 1 AS part FROM asked WHERE fate = {ON_ROAD}) AS asked"
        for first, places in ((0, ("stock", transit)), (1, (transit, "other_stock"))):
            leg = {**MOVED, **into, "id": f"{FROM['sent']} + 2 * number + {first}", "product_id": product}
            leg |= {"location_id": places[0], "location_dest_id": places[1]}
            leg["date"] = f"{DONE} + make_interval(hours => {first} * (4 + number / 100 % 60)::int)"
            self._copy(move, leg, roads)
        link = f"{FROM['sent']} + 2 * number"
        self._insert("stock_move_move_rel", {"move_orig_id": link, "move_dest_id": f"{link} + 1"}, roads)
        back = {"id": f"{FROM['returned']} + number", "name": "'BR' || number", "sale_id": "NULL", "group_id": "NULL"}
        back |= {"picking_type_id": "in_kind", "location_id": str(picking.location_dest_id.id), "date_done": DONE}
        back |= {"location_dest_id": "stock", "partner_id": "who", "create_date": "moment"}
        self._copy(picking, back, f"(SELECT * FROM asked WHERE fate = {IS_RETURNED}) AS asked")

    def _fill_purchases(self):
        """Orders with their lines and receipts; some have not come, half of them past their day."""
        order, picking = self.purchase, self.purchase.picking_ids
        move, number = picking.move_ids[0], f"{FROM['purchase_order']} + number"
        each = f"bought CROSS JOIN generate_series(1, {BOUGHT_LINES}) AS part"
        row, receipt = f"{FROM['purchase_line']} + number * {BOUGHT_LINES} + part", f"{FROM['received']} + number"
        product = self._product(BOUGHT_LINES, 46)
        head = {"id": number, "name": "'BO' || number", "partner_id": "vendor", "picking_type_id": "in_kind"}
        when = {"date_order": "moment", "date_approve": "moment", "date_planned": "planned"}
        when["create_date"] = "moment - make_interval(hours => (number % 90)::int)"
        none = {"group_id": "NULL", "access_token": "NULL"}
        state = {"receipt_status": "CASE WHEN is_open THEN 'pending' ELSE 'full' END"}
        self._copy(order, {**head, **when, **none, **state}, "bought")
        line = {"id": row, "order_id": number, "partner_id": "vendor", "product_id": product, "date_planned": "planned"}
        received = {"qty_received": "CASE WHEN is_open THEN 0 ELSE 10 END"}
        self._copy(order.order_line[0], {**line, **received}, each)
        state = {"state": "CASE WHEN is_open THEN 'assigned' ELSE 'done' END"}
        head = {"id": receipt, "name": "'BI' || number", "partner_id": "vendor", "picking_type_id": "in_kind"}
        when = {
            "date_deadline": "planned",
            "create_date": "moment",
            "date_done": "CASE WHEN NOT is_open THEN arrived END",
        }
        self._copy(picking, {**head, **when, **state, "location_dest_id": "stock", "group_id": "NULL"}, "bought")
        came = {"picking_id": receipt, "product_id": product, "location_dest_id": "stock"}
        moved = {**came, **state, "id": f"{FROM['received']} + number * {BOUGHT_LINES} + part", "purchase_line_id": row}
        moved |= {"date": "arrived", "date_deadline": "planned", "picking_type_id": "in_kind", "warehouse_id": "site"}
        moved |= {"quantity": "CASE WHEN is_open THEN 0 ELSE 10 END", "group_id": "NULL"}
        self._copy(move, moved, each)
        done = f"(SELECT * FROM {each} WHERE NOT is_open) AS bought"
        self._copy(move.move_line_ids, {**came, "move_id": moved["id"], "date": "arrived"}, done)
        found = {"picking_ref": receipt, "vendor_ref": "vendor", "kind": "'short'", "quantity": "1", "value": "6"}
        found |= {"company_id": self._company, "product_id": str(self.products[0].id), "found_at": "arrived"}
        source = "(SELECT * FROM bought WHERE NOT is_open AND number % 8 = 0) AS bought"
        self._insert("distribution_receipt_discrepancy", found, source)

    def _fill_promises(self):
        """What vendors were asked and answered; one in nine does not."""
        each = f"bought CROSS JOIN generate_series(1, {BOUGHT_LINES}) AS part"
        asked, answers = f"{FROM['confirmation']} + number", "number % 9 > 0"
        whose = {"company_id": self._company, "partner_id": "vendor"}
        head = {"id": asked, "order_id": f"{FROM['purchase_order']} + number", "name": "'BO' || number", **whose}
        head |= {"user_id": str(self.env.uid), "currency_id": self._currency, "is_asked": "TRUE"}
        head |= {"state": f"CASE WHEN {answers} THEN 'confirmed' ELSE 'waiting' END"}
        head |= {"asked_at": "moment", "create_date": "moment", "answer_hours": "number % 40"}
        head["first_answer_at"] = f"CASE WHEN {answers} THEN moment + make_interval(hours => (number % 110)::int) END"
        self._insert("distribution_supplier_confirmation", head, "bought")
        line = {
            "confirmation_id": asked,
            **whose,
            "product_id": self._product(BOUGHT_LINES, 46),
            "description": "'Part'",
        }
        line |= {"order_line_id": f"{FROM['purchase_line']} + number * {BOUGHT_LINES} + part"}
        line |= {"uom_id": str(self.products[0].uom_id.id), "state": head["state"], "asked_day": "planned::date"}
        line |= {
            "asked_quantity": "10",
            "asked_price": "6",
            "first_promised_quantity": f"CASE WHEN {answers} THEN 10 END",
        }
        line["first_promised_day"] = f"CASE WHEN {answers} THEN planned::date + (number / 5)::int % 3 END"
        self._insert("distribution_supplier_confirmation_line", line, each)

    def _fill_bills(self):
        """Bills of vendors with what was found when they were compared, and invoices to customers."""
        for record, first, partner, when in (
            (self.bill, FROM["account_move"], "vendor", "arrived"),
            (self.invoice, FROM["invoiced"], "who", "moment"),
        ):
            number, who = f"{first} + number", {"partner_id": partner, "commercial_partner_id": partner}
            head = {"id": number, "name": f"'{record.move_type}/' || number", "sequence_number": "number", **who}
            days = {"date": f"{when}::date", "invoice_date": f"{when}::date", "create_date": when}
            self._copy(record, {**head, **days, "access_token": "NULL"}, "bought")
            line = {"move_id": number, "move_name": head["name"], "partner_id": partner, "date": days["date"]}
            for entry in record.line_ids:
                self._copy(entry, line, "bought")
        verdict = "CASE number / 5 % 10 WHEN 3 THEN 'beyond' WHEN 6 THEN 'tolerated' ELSE 'match' END"
        match = {"bill_ref": f"{FROM['account_move']} + number", "vendor_ref": "vendor", "verdict": verdict}
        match |= {"company_id": self._company, "currency_id": self._currency, "amount": "2", "amount_beyond": "1"}
        match["order_line_ref"] = f"{FROM['purchase_line']} + number * {BOUGHT_LINES} + part"
        match |= {
            "product_id": self._product(BOUGHT_LINES, 46),
            "kind": f"CASE WHEN {verdict} = 'match' THEN NULL ELSE 'price' END",
        }
        match["matched_at"] = "arrived + make_interval(hours => (number % 48)::int)"
        self._insert("distribution_match_line", match, "bought CROSS JOIN generate_series(1, 2) AS part")

    def _fill_cases(self):
        """A case each, of all types; three in ten are open."""
        types = self.env["distribution.case.type"].with_context(active_test=False).search([])
        kinds = [one.kind or "" for one in types]
        case = {"name": "'Case ' || number", "type_id": "type", "kind": "type_kind", "severity": "'medium'"}
        case |= {"company_id": self._company, "site_id": "site", "user_id": str(self.env.uid), "create_date": "moment"}
        case["state"] = (
            "CASE turn WHEN 0 THEN 'open' WHEN 1 THEN 'in_progress' WHEN 2 THEN 'waiting' ELSE 'resolved' END"
        )
        case["closed_at"] = "CASE WHEN turn > 2 THEN moment + make_interval(hours => (number % 90)::int) END"
        case |= {"due_at": "moment + interval '30 days'", "res_model": "CASE WHEN number % 3 = 0 THEN 'sale.order' END"}
        source = f"""(SELECT bought.*, number / 5 % 10 AS turn, (ARRAY{types.ids})[spot] AS type,
                             NULLIF((ARRAY{kinds})[spot], '') AS type_kind
                        FROM bought
                       CROSS JOIN LATERAL (SELECT 1 + number / 5 % {len(types)} AS spot) turned) AS bought"""
        self._insert("distribution_case", case, source)

    def _fill_approvals(self):
        """A request with its task and decision for each purchase; releases with and without people."""
        request, closed = f"{FROM['evidence']} + number", "moment + make_interval(hours => (number % 48)::int)"
        waits, kind = "number % 100 = 5", "CASE WHEN number % 20 = 5 THEN 'vendor_bill' ELSE 'purchase_order' END"
        about = {"document_type": kind, "company_id": self._company}
        order = {"res_model": "'purchase.order'", "res_id": f"{FROM['purchase_order']} + number"}
        asked = {
            "id": request,
            "name": "'AR' || number",
            "partner_id": "vendor",
            **about,
            **order,
            "document_name": "'BO' || number",
        }
        asked |= {"kind": "'release'", "requester_id": str(self.env.uid), "amount": "120", "requested_at": "moment"}
        asked["state"] = f"CASE WHEN {waits} THEN 'pending' WHEN number % 15 = 0 THEN 'rejected' ELSE 'approved' END"
        asked["closed_at"] = f"CASE WHEN NOT ({waits}) THEN {closed} END"
        self._insert("distribution_approval_request", asked, "bought")
        task = {
            "id": request,
            "request_id": request,
            "name": "'Stage'",
            "partner_id": "vendor",
            **about,
            "amount": "120",
        }
        task |= {"round": "1", "sequence": "1", "quorum": "1", "opened_at": "moment", "closed_at": asked["closed_at"]}
        task |= {"state": f"CASE WHEN {waits} THEN 'open' ELSE 'approved' END", "request_state": asked["state"]}
        task |= {"due_at": "moment + interval '1 day'", "clock": """CASE WHEN number % 2 = 0 THEN '{"hours": 8}' END"""}
        self._insert("distribution_approval_task", task, "bought")
        step = {"task_id": request, "request_id": request, "step": "'escalation:1'", "kind": "'escalation'"}
        late = "(SELECT * FROM bought WHERE number % 30 = 0) AS bought"
        self._insert("distribution_approval_clock_step", {**step, "done_at": "moment"}, late)
        said = {"task_id": request, "request_id": request, "round": "1", "user_id": str(self.env.uid), "digest": "'0'"}
        said |= {"outcome": "CASE WHEN number % 15 = 0 THEN 'reject' ELSE 'approve' END", "decided_at": closed}
        said["on_behalf_id"] = f"CASE WHEN number % 11 = 0 THEN {self.env.ref('base.user_admin').id} END"
        decided = f"(SELECT * FROM bought WHERE NOT ({waits})) AS bought"
        self._insert("distribution_approval_decision", said, decided)
        passed = {
            **about,
            "partner_ref": "vendor",
            **order,
            "document_name": "'BO' || number",
            "digest": "'0'",
            "released_at": closed,
        }
        passed["kind"] = """CASE WHEN number % 1000 = 10 THEN 'emergency' WHEN number % 100 < 60 THEN 'policy'
                                 WHEN number % 100 < 80 THEN 'fast_path' ELSE 'approval' END"""
        passed["reason"] = "CASE WHEN number % 1000 = 10 THEN 'The customer stands still.' END"
        passed |= {"request_id": f"CASE WHEN number % 100 >= 80 THEN {request} END", "amount": "120"}
        self._insert("distribution_approval_release", passed, decided)

    def _fill_messages(self):
        """A message to another system and a call of one for each purchase."""
        message, ends = f"{FROM['evidence']} + number", "moment + make_interval(secs => (number % 300)::int)"
        state = "CASE WHEN number % 250 = 0 THEN 'dead' ELSE 'delivered' END"
        sent = {
            "id": message,
            "subscription_id": str(self.robots.id),
            "event_id": "number",
            "company_id": self._company,
        }
        sent |= {"event_uid": "'bench-' || number", "event_type": "'distribution.case.opened.v1'", "state": state}
        sent |= {"began_at": "moment", "done_at": f"CASE WHEN number % 250 > 0 THEN {ends} END"}
        self._insert("distribution_webhook_delivery", sent, "bought")
        tried = {"delivery_id": message, "number": "1", "at": ends}
        tried["status"] = "CASE WHEN bought.number % 250 = 0 THEN 500 ELSE 200 END"
        self._insert("distribution_webhook_attempt", tried, "bought")
        call = {"api_key_id": str(self.key.id), "operation": "'case.open'", "company_id": self._company}
        call |= {"user_id": str(self.env.uid), "received_at": "moment"}
        call["state"] = "CASE WHEN number % 35 = 0 THEN 'refused' ELSE 'applied' END"
        self._insert("distribution_api_call", call, "bought")

    def _fill_replenishment(self):
        """A run of a hundred proposals for each hundred purchases."""
        run = f"{FROM['evidence']} + number / 500"
        head = {"id": run, "company_id": self._company, "origin": "'night'", "state": "'done'"}
        head["write_date"] = "now() AT TIME ZONE 'utc'"  # one was last night
        head |= {"started_at": "moment", "finished_at": "moment", "total": "100", "done": "100", "ordered": "100"}
        self._insert("distribution_replenishment_run", head, "(SELECT * FROM bought WHERE number % 500 = 0) AS bought")
        found = {"run_id": run, "company_id": self._company, "product_id": self._product(1), "location_id": "stock"}
        found |= {"warehouse_id": "site", "vendor_id": "vendor", "verdict": "'order'", "state": "'ordered'"}
        found |= {"quantity": "10", "unit_price": "6", "value": "60", "create_date": "moment"}
        known = (
            "bought.number >= 500 AND EXISTS (SELECT FROM distribution_replenishment_run run WHERE run.id = "
            + run
            + ")"
        )
        self._insert(
            "distribution_replenishment_proposal", found, f"(SELECT *, 1 AS part FROM bought WHERE {known}) AS bought"
        )

    @property
    def _company(self):
        return str(self.company.id)

    @property
    def _currency(self):
        return str(self.company.currency_id.id)


def _do(pickings):
    for move in pickings.move_ids:
        move.write({"quantity": move.product_uom_qty, "picked": True})
    pickings._action_done()
