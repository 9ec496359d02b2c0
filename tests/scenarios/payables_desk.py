"""What people around vendors do over XML-RPC, in the words of the scenarios: order, receive, bill, pay."""

import time


class Desk:
    """The people of the demo company around vendors; a login is the name of a role."""

    def __init__(self, rpc, sql):
        self.rpc, self.sql = rpc, sql
        self.clerk = rpc("accountant")
        self.buyer = rpc("buyer")
        self.operator = rpc("warehouse_operator")

    # ------------------------------------------------------------------- goods

    def vendor(self, name):
        (vendor,) = self.buyer("res.partner", "search", [("name", "=like", f"{name}%"), ("is_company", "=", True)])
        return vendor

    def agreed(self, vendor):
        """(product id, agreed price) of the vendor's cheapest goods that no reordering rule replenishes, in company
        currency."""
        rules = self.buyer("stock.warehouse.orderpoint", "search_read", [], fields=["product_id"])
        replenished = sorted({rule["product_id"][0] for rule in rules})
        (price,) = self.buyer(
            "product.supplierinfo",
            "search_read",
            [
                ("partner_id", "=", vendor),
                ("contract_state", "=", "contract"),
                ("min_qty", "<=", 1),
                ("product_tmpl_id.product_variant_ids", "not in", replenished),
                "|",
                ("date_end", "=", False),
                ("date_end", ">=", time.strftime("%Y-%m-%d")),
            ],
            fields=["product_tmpl_id", "price"],
            order="price",
            limit=1,
        )
        (product,) = self.buyer(
            "product.product", "search", [("product_tmpl_id", "=", price["product_tmpl_id"][0])], limit=1
        )
        return product, price["price"]

    def order(self, vendor, quantity=20, confirm=True):
        """Id of an order within the buyer's own limit."""
        product, price = self.agreed(vendor)
        line = {"product_id": product, "product_qty": quantity, "price_unit": price}
        order_id = self.buyer("purchase.order", "create", {"partner_id": vendor, "order_line": [(0, 0, line)]})
        if confirm:
            self.buyer("purchase.order", "button_confirm", [order_id])
            assert self.state_of_order(order_id) == "purchase", self.banner("purchase.order", order_id)
        return order_id

    def state_of_order(self, order_id):
        return self.sql("SELECT state FROM purchase_order WHERE id = %s", (order_id,))[0][0]

    def banner(self, model, record_id):
        return self.rpc("admin")(model, "read", [record_id], fields=["approval_banner"])[0]["approval_banner"]

    def receive(self, order_id):
        pickings = self.sql(
            """SELECT DISTINCT move.picking_id FROM stock_move move
                 JOIN purchase_order_line line ON line.id = move.purchase_line_id
                WHERE line.order_id = %s AND move.state NOT IN ('done', 'cancel')""",
            (order_id,),
        )
        for (picking_id,) in pickings:
            moves = self.operator(
                "stock.move", "search_read", [("picking_id", "=", picking_id)], fields=["product_uom_qty"]
            )
            for move in moves:
                self.operator(
                    "stock.move", "write", [move["id"]], {"quantity": move["product_uom_qty"], "picked": True}
                )
            self.operator("stock.picking", "button_validate", [picking_id])
            (state,) = self.sql("SELECT state FROM stock_picking WHERE id = %s", (picking_id,))[0]
            assert state == "done", state

    # ------------------------------------------------------------------- bills

    def bill(self, order_id=None, reference="", dearer=0.0, vendor=None, client=None, amount=100.0, **values):
        """Id of the draft bill of an order (``dearer``: part added to the prices), or of one without an order."""
        client = client or self.clerk
        lines = [{"name": "Call-out", "quantity": 1, "price_unit": amount, "tax_ids": [(5, 0, 0)]}]
        if order_id:
            order_lines = self.buyer(
                "purchase.order.line",
                "search_read",
                [("order_id", "=", order_id)],
                fields=["product_id", "product_qty", "price_unit", "partner_id"],
            )
            vendor = order_lines[0]["partner_id"][0]
            lines = [
                {
                    "product_id": line["product_id"][0],
                    "quantity": line["product_qty"],
                    "price_unit": round(line["price_unit"] * (1 + dearer), 2),
                    "purchase_line_id": line["id"],
                    "tax_ids": [(5, 0, 0)],
                }
                for line in order_lines
            ]
        return client(
            "account.move",
            "create",
            {
                "move_type": "in_invoice",
                "partner_id": vendor,
                "invoice_date": time.strftime("%Y-%m-%d"),
                "ref": reference or f"R-{time.time_ns()}",
                "invoice_line_ids": [(0, 0, line) for line in lines],
                **values,
            },
        )

    def posted(self, order_id, **values):
        """Id of a bill that matches its order and receipt, posted by the clerk."""
        bill_id = self.bill(order_id, **values)
        self.clerk("account.move", "action_post", [bill_id])
        assert self.state(bill_id)[0] == "posted", self.banner("account.move", bill_id)
        return bill_id

    def held(self, vendor, amount=700.0, **values):
        """Id of a bill without an order that waits for finance."""
        bill_id = self.bill(vendor=vendor, amount=amount, **values)
        self.clerk("account.move", "action_post", [bill_id])
        assert self.state(bill_id) == ("draft", "pending"), self.banner("account.move", bill_id)
        return bill_id

    def state(self, bill_id):
        return self.sql("SELECT state, coalesce(approval_state, '') FROM account_move WHERE id = %s", (bill_id,))[0]

    # ---------------------------------------------------------------- payments

    def bank(self):
        (journal,) = self.clerk("account.journal", "search", [("type", "=", "bank")], limit=1)
        return journal

    def register(self, bill_ids, client=None, context=None, **values):
        """What the payment wizard does."""
        client = client or self.clerk
        context = {"active_model": "account.move", "active_ids": bill_ids, **(context or {})}
        wizard = client("account.payment.register", "create", {"journal_id": self.bank(), **values}, context=context)
        return client("account.payment.register", "action_create_payments", [wizard], context=context)

    def payment(self, vendor, amount, client=None, **values):
        """Id of a draft payment to the vendor."""
        return (client or self.clerk)(
            "account.payment",
            "create",
            {
                "payment_type": "outbound",
                "partner_type": "supplier",
                "partner_id": vendor,
                "amount": amount,
                "journal_id": self.bank(),
                **values,
            },
        )

    def initiated(self, vendor):
        """Sum of what was ordered to be paid to the vendor, whatever the series calls it."""
        with_state = self.sql(
            "SELECT 1 FROM information_schema.columns WHERE table_name = 'account_payment' AND column_name = 'state'"
        )
        condition = "payment.state IN ('in_process', 'paid')" if with_state else "move.state = 'posted'"
        return float(
            self.sql(
                f"""SELECT coalesce(sum(payment.amount), 0) FROM account_payment payment
                 LEFT JOIN account_move move ON move.id = payment.move_id
                     WHERE payment.partner_id = %s AND payment.payment_type = 'outbound' AND {condition}""",
                (vendor,),
            )[0][0]
        )

    # --------------------------------------------------------------- decisions

    def task(self, client, model, record_id):
        """What of this document waits for this person."""
        tasks = client(
            "distribution.approval.task",
            "search_read",
            [
                ("request_id.res_model", "=", model),
                ("request_id.res_id", "=", record_id),
                ("state", "=", "open"),
                ("user_ids", "in", [client.uid]),
            ],
            fields=["name", "digest", "standing"],
        )
        assert tasks, f"nothing of {model},{record_id} waits for this person"
        return tasks[0]

    def decides(self, login, model, record_id, outcome="approve", **keywords):
        client = self.rpc(login)
        task = self.task(client, model, record_id)
        return client("distribution.approval.task", "action_decide", [task["id"]], outcome, task["digest"], **keywords)

    def waits_for(self, reached, seconds=30):
        """The decision commits first; what follows runs in a transaction of its own."""
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.3)

    # ------------------------------------------------------------------ secrets

    def places_with(self, number):
        """Tables of notices, mails, events, requests, cases … in which a number stands in full."""
        plain = "".join(filter(str.isalnum, number)).upper()
        tables = self.sql(
            """SELECT table_name FROM information_schema.tables
                WHERE table_schema = current_schema AND table_type = 'BASE TABLE'
                  AND table_name ~ '^(mail|bus|distribution)_' AND table_name <> 'distribution_vendor_change'"""
        )
        assert len(tables) > 50
        return [
            table
            for (table,) in tables
            if self.sql(
                f"""SELECT 1 FROM "{table}" entry
                     WHERE regexp_replace(upper(entry::text), '[^A-Z0-9]', '', 'g') LIKE %s LIMIT 1""",
                (f"%{plain}%",),
            )
        ]
