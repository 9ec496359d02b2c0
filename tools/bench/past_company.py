"""A company that governs nothing yet, with three months of business behind it: what a simulation looks back at.

Odoo sells, delivers, invoices, takes back, credits, moves to another site and counts once; that is copied in bulk, with
other goods, sites, customers and days. Ids rise with time, as they do where people work, and some things were done days
after they were planned.
"""

from .copies import copy_row
from .governance import publish, user

#: Days over which it is spread, all within the three months that are looked at.
DAYS = 80
LINES, SITES, PRODUCTS, CATEGORIES, CUSTOMERS, RULES = 2, 3, 200, 8, 40, 50
#: Where the numbers of copied rows begin; far beyond those of Odoo.
FIRST = {"order": 10_000_000, "delivered": 10_000_000, "returned": 20_000_000, "sent": 30_000_000}
FIRST |= {"invoice": 10_000_000, "credit": 20_000_000, "counted": 40_000_000}
#: Pieces of each product that an order is about; of every eleventh, more than these come back.
SOLD = "(1 + number % 5)"
BACK = f"({SOLD} + CASE WHEN number % 11 = 0 THEN 1 ELSE 0 END)"
EACH_LINE = f"asked CROSS JOIN generate_series(1, {LINES}) AS part"
#: Every other count finds two products that are off.
EACH_COUNT = "asked CROSS JOIN LATERAL generate_series(1, 1 + number % 2) AS part"

#: What the version in force says; the draft lowers the first limit to the second amount. Then come exceptions.
POLICIES = {
    "inventory_adjustment": (
        ("60", "48"),
        ("A tenth of it", (("worst_line_percent", "gt", "10"),)),
        ("A sixth of it", (("variance_percent", "gt", "15"),)),
        ("Often", (("adjustment_window_total", "gt", "2000"),)),
        ("High-value goods", (("high_value", "is_true"),)),
        ("Much, without evidence", (("amount", "gt", "110"), ("evidence", "is_false"))),
    ),
    "site_transfer": (
        ("60", "48"),
        ("Constrained goods", (("constrained_item", "is_true"),)),
        ("High-value goods", (("high_value", "is_true"),)),
        ("To another region", (("crosses_region", "is_true"), ("amount", "gt", "30"))),
        ("On the road", (("via_transit", "is_true"),)),
        ("Much of what is left", (("amount", "gt", "110"), ("days_left", "lt", "10"))),
    ),
    "credit_release": (
        ("60", "48"),
        ("Late", (("days_late", "gt", "5"), ("amount", "gt", "30"))),
        ("Large order", (("order_value", "gt", "100"),)),
        ("Over the limit", (("amount", "gt", "110"), ("credit_over_limit", "gt", "0"))),
    ),
    "customer_return": (
        ("60", "48"),
        ("Out of warranty", (("in_warranty", "is_false"),)),
        ("Old", (("age_of_sale", "gt", "25"),)),
        ("Never delivered", (("without_delivery", "is_true"),)),
        ("More than delivered", (("more_than_delivered", "is_true"),)),
    ),
    "customer_credit_note": (
        ("60", "48"),
        ("Out of warranty", (("in_warranty", "is_false"),)),
        ("Old", (("age_of_sale", "gt", "25"), ("age_of_invoice", "gt", "25"))),
        ("Without invoice", (("without_invoice", "is_true"),)),
        ("More than invoiced", (("over_invoice", "is_true"),)),
        ("Goods are not back", (("goods_returned", "is_false"),)),
    ),
}


class Company:
    """The company, and what is copied."""

    def __init__(self, env):
        self.company = env["res.company"].create({"name": "Bench of the past"})
        env.user.company_ids += self.company
        self.env = env(context={**env.context, "allowed_company_ids": self.company.ids, "tracking_disable": True})
        self.company = self.company.with_env(self.env)
        self.env["account.chart.template"].try_loading("generic_coa", self.company, install_demo=False)
        self._make_places()
        self._make_goods()
        self.customers = self.env["res.partner"].create([{"name": f"Customer {n}"} for n in range(CUSTOMERS)])
        self.sale = self._sell()
        self.invoice = self.sale._create_invoices()
        self.invoice.action_post()
        self.returned = self._take_back()
        self.credit = self._credit()
        self.sent = self._send()
        self.counted = self._count()
        self.env.flush_all()

    def _make_places(self):
        warehouses, own = self.env["stock.warehouse"], [("company_id", "=", self.company.id)]
        # Odoo 17 gives a company its first one.
        warehouses.create(
            [
                {"name": f"Site {number}", "code": f"BP{number}", "company_id": self.company.id}
                for number in range(warehouses.search_count(own), SITES)
            ]
        )
        self.sites = warehouses.search(own)
        for number, site in enumerate(self.sites):
            site.region_id = self.env["distribution.region"].create({"name": f"Part {number}", "code": f"BP{number}"})

    def _make_goods(self):
        from odoo.addons.distribution_core.compat import storable_product_values

        self.categories = self.env["product.category"].create(
            [{"name": f"Range {number}", "warranty_days": 30} for number in range(CATEGORIES)]
        )
        self.products = self.env["product.product"].create(
            [
                {"name": f"Part {number}", "standard_price": 6, "list_price": 10, "taxes_id": False,
                 "supplier_taxes_id": False, "invoice_policy": "delivery",
                 "categ_id": self.categories[number % CATEGORIES].id, **storable_product_values()}
                for number in range(PRODUCTS)
            ]
        )  # fmt: skip
        for site in self.sites:
            for product in self.products:
                self.env["stock.quant"]._update_available_quantity(product, site.lot_stock_id, 100)

    def _sell(self):
        lines = [{"product_id": product.id, "product_uom_qty": 2} for product in self.products[:LINES]]
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customers[0].id,
                "company_id": self.company.id,
                "warehouse_id": self.sites[0].id,
                "order_line": [(0, 0, line) for line in lines],
            }
        )
        order.action_confirm()
        _do(order.picking_ids)
        return order

    def _take_back(self):
        delivery = self.sale.picking_ids
        wizard = (
            self.env["stock.return.picking"]
            .with_context(active_id=delivery.id, active_ids=delivery.ids, active_model="stock.picking")
            .create({"picking_id": delivery.id})
        )
        wizard.product_return_moves.quantity = 1
        action = wizard.create_returns() if hasattr(wizard, "create_returns") else wizard.action_create_returns()
        receipt = self.env["stock.picking"].browse(action["res_id"])
        _do(receipt)
        return receipt

    def _credit(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({"journal_id": self.invoice.journal_id.id})
        )
        action = (wizard.reverse_moves if hasattr(wizard, "reverse_moves") else wizard.refund_moves)()
        refund = self.env["account.move"].browse(action["res_id"])
        refund.invoice_line_ids.quantity = 1
        refund.action_post()
        return refund

    def _send(self):
        source, destination = self.sites[0], self.sites[1].lot_stock_id
        picking = self.env["stock.picking"].create(
            {
                "picking_type_id": source.int_type_id.id,
                "location_id": source.lot_stock_id.id,
                "location_dest_id": destination.id,
                "move_ids": [
                    (0, 0, {
                        **({"name": product.name} if "name" in self.env["stock.move"]._fields else {}),
                        "product_id": product.id, "product_uom_qty": 2,
                        "location_id": source.lot_stock_id.id, "location_dest_id": destination.id,
                    })
                    for product in self.products[:LINES]
                ],
            }
        )  # fmt: skip
        picking.action_confirm()
        _do(picking)
        return picking

    def _count(self):
        quant = self.env["stock.quant"].search(
            [("product_id", "=", self.products[0].id), ("location_id", "=", self.sites[0].lot_stock_id.id)]
        )
        known = self.env["stock.move"].search([("product_id", "=", self.products[0].id)])
        quant.with_context(inventory_mode=True).inventory_quantity = quant.quantity - 1
        quant.with_context(inventory_mode=True).action_apply_inventory()
        return self.env["stock.move"].search([("product_id", "=", self.products[0].id)]) - known

    # ---------------------------------------------------------------- filling

    def fill(self, count):
        """So many orders with delivery, return, invoice and credit note; as many transfers and counts."""
        cursor = self.env.cr
        cursor.execute(
            """CREATE TEMP TABLE asked AS
               SELECT number, (%(customers)s)[1 + number %% cardinality(%(customers)s)] AS who, site.*,
                      (%(stocks)s)[1 + (number + 1) %% %(count)s] AS other_stock, moment,
                      LEAST(moment + make_interval(days => number %% 10), today) AS done,
                      LEAST(moment + make_interval(days => 10 + number %% 30), today) AS back
                 FROM generate_series(1, %(last)s) AS number
                 JOIN unnest(%(sites)s, %(outs)s, %(ins)s, %(moves)s, %(stocks)s)
                      WITH ORDINALITY AS site (site, out_kind, in_kind, own_kind, stock, place)
                   ON site.place = 1 + number %% %(count)s
                CROSS JOIN (SELECT now() AT TIME ZONE 'utc' AS today) present
                CROSS JOIN LATERAL (
                    SELECT today - make_interval(secs => 86400.0 * %(days)s * (1 + %(last)s - number) / %(last)s)
                           AS moment) known""",
            {
                "days": DAYS, "last": count, "count": len(self.sites), "customers": self.customers.ids,
                "sites": self.sites.ids, "outs": self.sites.out_type_id.ids, "ins": self.sites.in_type_id.ids,
                "moves": self.sites.int_type_id.ids, "stocks": self.sites.lot_stock_id.ids,
            },
        )  # fmt: skip
        cursor.execute("CREATE INDEX ON asked (number); ANALYZE asked")
        self._fill_sales()
        self._fill_goods()
        self._fill_invoices()
        self.env.invalidate_all()
        cursor.execute("ANALYZE sale_order_line_invoice_rel; ANALYZE stock_quant; ANALYZE stock_location")

    def _fill_sales(self):
        """Orders, what was delivered of them, and what came back."""
        order, row = f"{FIRST['order']} + number", f"{FIRST['order']} + number * {LINES} + part"
        head = {"id": order, "name": "'B' || number", "partner_id": "who", "partner_shipping_id": "who"}
        head |= {"date_order": "moment", "create_date": "moment", "commitment_date": "moment", "warehouse_id": "site"}
        head |= {"partner_invoice_id": "who", "procurement_group_id": "NULL", "access_token": "NULL"}
        head |= dict.fromkeys(("amount_untaxed", "amount_total"), f"{LINES} * 10 * {SOLD}")
        self._copy(self.sale, head, "asked")
        line = {"id": row, "order_id": order, "product_id": self._product(LINES), "order_partner_id": "who"}
        line |= dict.fromkeys(("product_uom_qty", "qty_delivered", "qty_invoiced"), SOLD)
        line |= dict.fromkeys(("price_subtotal", "price_total"), f"10 * {SOLD}")
        self._copy(self.sale.order_line[0], line, EACH_LINE)
        out = {"sale_id": order, "partner_id": "who", "picking_type_id": "out_kind", "location_id": "stock"}
        moved = {"sale_line_id": row, "partner_id": "who", "warehouse_id": "site", "location_id": "stock"}
        delivery = self.sale.picking_ids - self.returned
        self._fill_transfer("delivered", delivery, "done", SOLD, out, moved)
        back = {"sale_id": order, "partner_id": "who", "picking_type_id": "in_kind", "location_dest_id": "stock"}
        moved |= {"location_id": str(self.returned.location_id.id), "location_dest_id": "stock"}
        moved["origin_returned_move_id"] = f"{FIRST['delivered']} + number * {LINES} + part"
        self._fill_transfer("returned", self.returned, "back", BACK, back, moved)

    def _fill_goods(self):
        """Transfers to the next site, and counts of one product or two: some have lost, some found goods."""
        between = {"picking_type_id": "own_kind", "location_id": "stock", "location_dest_id": "other_stock"}
        self._fill_transfer("sent", self.sent, "done", "1 + number % 10", between, between)
        row, lost = f"{FIRST['counted']} + number * {LINES} + part", "number % 3 > 0"
        loss = str((self.counted.location_id | self.counted.location_dest_id - self.sites.lot_stock_id)
                   .filtered(lambda place: place.usage == "inventory").id)  # fmt: skip
        move = {"product_id": self._product(LINES, 3), "date": "moment", "create_date": "moment"}
        move |= {"location_id": f"CASE WHEN {lost} THEN stock ELSE {loss} END"}
        move |= {"location_dest_id": f"CASE WHEN {lost} THEN {loss} ELSE stock END"}
        move |= dict.fromkeys(("quantity", "product_qty", "product_uom_qty"), "1 + (number + part) % 13")
        self._copy(self.counted, {**move, "id": row}, EACH_COUNT)
        line = {**move, "move_id": row, "quantity_product_uom": move["quantity"]}
        self._copy(self.counted.move_line_ids, line, EACH_COUNT)

    def _fill_transfer(self, what, picking, when, quantity, head, moved):
        """Copies of ``picking`` with as many moves and operations, done ``when``."""
        number, row = f"{FIRST[what]} + number", f"{FIRST[what]} + number * {LINES} + part"
        days = {"date_done": when, "create_date": "moment", "scheduled_date": "moment", "date_deadline": "moment"}
        self._copy(picking, {**head, **days, "id": number, "name": f"'{what}' || number", "group_id": "NULL"}, "asked")
        moved = {**moved, "picking_id": number, "product_id": self._product(LINES), "date": when}
        moved |= dict.fromkeys(("quantity", "quantity_product_uom", "product_qty", "product_uom_qty"), quantity)
        move = {**moved, "id": row, "create_date": "moment", "date_deadline": "moment", "group_id": "NULL"}
        self._copy(picking.move_ids[0], {**move, "picking_type_id": head["picking_type_id"]}, EACH_LINE)
        self._copy(picking.move_line_ids[0], {**moved, "move_id": row}, EACH_LINE)

    def _fill_invoices(self):
        """An invoice for each delivery, a credit note for each return: that of every seventh comes too early."""
        day = {"invoice": "done", "credit": "CASE WHEN number % 7 = 0 THEN done ELSE back END"}
        for what, entry in (("invoice", self.invoice), ("credit", self.credit)):
            number, when = f"{FIRST[what]} + number", f"({day[what]})::date"
            sign = -1 if what == "invoice" else 1
            one, all_lines = f"10 * {SOLD}", f"{LINES} * 10 * {SOLD}"
            head = {"id": number, "name": f"'{what}/' || number", "sequence_number": "number", "partner_id": "who"}
            head |= {"commercial_partner_id": "who", "partner_shipping_id": "who", "access_token": "NULL"}
            head |= {"date": when, "invoice_date": when, "create_date": day[what], "payment_reference": "NULL"}
            head |= dict.fromkeys(("amount_untaxed", "amount_total", "amount_residual"), all_lines)
            signed = ("amount_untaxed_signed", "amount_total_signed", "amount_residual_signed")
            head |= dict.fromkeys((*signed, "amount_total_in_currency_signed"), f"{-sign} * {all_lines}")
            if what == "credit":
                head["reversed_entry_id"] = f"{FIRST['invoice']} + number"
            self._copy(entry, head, "asked")
            booked = {"move_id": number, "move_name": head["name"], "partner_id": "who", "date": when}
            booked |= {"invoice_date": when, "full_reconcile_id": "NULL", "matching_number": "NULL"}
            sold = entry.invoice_line_ids[0]
            owed = {**booked, **_booked(f"{-sign} * {all_lines}")}
            owed |= dict.fromkeys(("amount_residual", "amount_residual_currency"), owed["balance"])
            self._copy(entry.line_ids - entry.invoice_line_ids, owed, "asked")
            row = f"{FIRST[what]} + number * {LINES} + part"
            line = {**booked, **_booked(f"{sign} * {one}"), "id": row, "product_id": self._product(LINES)}
            line |= {"quantity": SOLD, "price_subtotal": one, "price_total": one}
            self._copy(sold, line, EACH_LINE)
            self.env.cr.execute(
                "INSERT INTO sale_order_line_invoice_rel (invoice_line_id, order_line_id) "
                f"SELECT {row}, {FIRST['order']} + number * {LINES} + part FROM {EACH_LINE}"
            )

    def _copy(self, record, values, source):
        values = {column: sql.replace("%", "%%") for column, sql in values.items()}
        copy_row(self.env, record._table, record.id, values, source.replace("%", "%%"))
        # Foreign keys are checked by plans that else were made while the table was empty.
        self.env.cr.execute(f"ANALYZE {record._table}")

    def _product(self, lines, step=1):
        return f"(ARRAY{self.products.ids})[1 + (number * {lines} + part * {step}) % {PRODUCTS}]"

    # --------------------------------------------------------------- policies

    def draft(self, document_type):
        """``(author, draft)``: of a version with :data:`RULES` rules that is published, and governs nothing yet."""
        (limit, lower), *rules = POLICIES[document_type]
        rules = [("Large", (("amount", "gt", limit),)), *rules]
        while len(rules) < RULES - 1:
            number = len(rules)
            place = [("categories", "any_of", [self.categories[number % CATEGORIES].id])]
            place += [("site", "in", [self.sites[number % SITES].id])]
            rules.append((f"Exception {number}", (*place, ("amount", "gt", str(500 + number)))))
        approver = user(self.env, f"approver_{document_type}", "distribution_core.group_approver")
        rules = [(name, "require", conditions, ("Finance",)) for name, conditions in rules]
        rules.insert(0, ("Small", "pass", (("amount", "le", limit),), ()))
        version, _publishers = publish(self.env, document_type, rules, {"Finance": approver})
        draft = version.policy_id._draft_next_version()
        limits = draft.rule_ids[:2].condition_ids.filtered(lambda condition: condition.value == limit)
        assert len(limits) == 2, limits
        limits.write({"value": lower})
        self.env.flush_all()
        return draft.env.user, draft


def _booked(balance):
    amounts = {"debit": f"GREATEST({balance}, 0)", "credit": f"GREATEST(-({balance}), 0)"}
    return {**amounts, "balance": balance, "amount_currency": balance}


def _do(pickings):
    for move in pickings.move_ids:
        move.write({"quantity": move.product_uom_qty, "picked": True})
    pickings._action_done()
