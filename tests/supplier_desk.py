"""What buyers, vendors and salespeople do around an order on its way, in the words of stories and attacks.

People work over XML-RPC; the vendor has nothing but the link that came by mail.
"""

import html
import re
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import rules_in_force as rules
from outbound_desk import one

ADDON = "procurement_automation"
CONFIRMATION = "distribution.supplier.confirmation"
PLACE = "/distribution/supplier/confirmation/"
VENDOR_MAIL = "orders@vendor.example"
BEGAN = datetime.now(timezone.utc).date()
FIELD = re.compile(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"')
#: What a company switches on in the settings of Purchase.
SETTINGS = {"confirmation_asked": True, "receipt_compared": True, "bill_match_kept": True, "scorecard_kept": True}


class Desk:
    """``rpc``, ``sql`` of a test file's server, and an open post box."""

    def __init__(self, rpc, sql, postbox):
        self.rpc, self.sql, self.postbox = rpc, sql, postbox
        self.buyer = rpc("buyer")

    def begin(self):
        """The company asks its vendors, compares receipts and keeps what bills are found to be."""
        rules.work_day_and_night(self.rpc)
        admin = self.rpc("admin")
        (company,) = admin("res.company", "search_read", [], fields=["name"], limit=1)
        self.company = company["name"]
        admin("res.company", "write", [company["id"]], SETTINGS)
        return self

    # ------------------------------------------------------------------- goods

    def goods(self):
        """The goods at contract price of which least is in stock, that neither come nor go, and that no reordering rule
        replenishes: ``.id``, ``.vendor``, ``.price``, ``.cost``, ``.on_hand``."""
        rows = self.sql(
            """SELECT product.id, info.partner_id, info.price::float,
                      coalesce((SELECT sum(quant.quantity) FROM stock_quant quant
                                  JOIN stock_location place ON place.id = quant.location_id
                                 WHERE quant.product_id = product.id AND place.usage = 'internal'), 0)::float
                 FROM product_supplierinfo info
                 JOIN product_product product ON product.product_tmpl_id = info.product_tmpl_id AND product.active
                 JOIN res_partner vendor ON vendor.id = info.partner_id
                 JOIN res_company company ON company.id = info.company_id OR info.company_id IS NULL
                WHERE info.contract_state = 'contract' AND info.currency_id = company.currency_id
                  AND vendor.vendor_status = 'approved' AND vendor.vendor_risk_tier = 'low'
                  AND info.min_qty <= 1 AND coalesce(info.date_end, current_date) >= current_date
                  AND info.price BETWEEN 10 AND 100
                  AND NOT EXISTS (SELECT 1 FROM stock_move move
                                   WHERE move.product_id = product.id AND move.state NOT IN ('done', 'cancel'))
                  AND NOT EXISTS (SELECT 1 FROM stock_warehouse_orderpoint rule WHERE rule.product_id = product.id)
             ORDER BY 4, 3, 1"""
        )
        assert rows, "no goods that neither come nor go"
        product, vendor, price, on_hand = rows[0]
        (read,) = self.rpc("admin")("product.product", "read", [product], fields=["standard_price", "display_name"])
        return SimpleNamespace(
            id=product,
            vendor=vendor,
            price=price,
            on_hand=on_hand,
            cost=read["standard_price"],
            name=read["display_name"],
        )

    def _tax_field(self):
        """What the taxes of an order line are called."""
        known = self.buyer("purchase.order.line", "fields_get", ["taxes_id", "tax_ids"], ["type"])
        return next(iter(known))

    def order(self, goods, quantity, days=10):
        """A released order that is to arrive in so many days, and its confirmation: ``.id``, ``.name``, ``.line``,
        ``.confirmation``, ``.confirmation_line``."""
        asked = {"email": VENDOR_MAIL, "confirmation_wanted": "always"}
        self.rpc("admin")("res.partner", "write", [goods.vendor], asked)
        wanted = f"{in_days(days)} 12:00:00"
        line = {
            "product_id": goods.id,
            "product_qty": quantity,
            "price_unit": goods.price,
            "date_planned": wanted,
            self._tax_field(): [(5, 0, 0)],
        }
        values = {"partner_id": goods.vendor, "order_line": [(0, 0, line)], "date_planned": wanted}
        order = one(self.buyer("purchase.order", "create", values))
        self.buyer("purchase.order", "button_confirm", [order])
        (found,) = self.sql(
            """SELECT ordered.state, ordered.name, line.id, told.confirmation_id, told.id
                 FROM purchase_order ordered
                 JOIN purchase_order_line line ON line.order_id = ordered.id
            LEFT JOIN distribution_supplier_confirmation_line told ON told.order_line_id = line.id
                WHERE ordered.id = %s""",
            (order,),
        )
        state, name, line_id, confirmation, confirmation_line = found
        assert state == "purchase", "the order is within the buyer's own limit"
        return SimpleNamespace(
            id=order, name=name, line=line_id, confirmation=confirmation, confirmation_line=confirmation_line
        )

    # ------------------------------------------------------------------ vendor

    def sends(self):
        """What waits goes out by mail; the path of the newest link."""
        rules.run_job(self.rpc, "ir_cron_supplier_link", ADDON)
        return self.postbox.link_for(VENDOR_MAIL, PLACE)

    def asked(self, order):
        """(state, answers, line state, first promised day, promised day, promised quantity) as the database has it."""
        return self.sql(
            """SELECT confirmation.state,
                      (SELECT count(*) FROM distribution_supplier_answer WHERE confirmation_id = confirmation.id),
                      line.state, line.first_promised_day, line.promised_day, line.promised_quantity::float
                 FROM distribution_supplier_confirmation confirmation
                 JOIN distribution_supplier_confirmation_line line ON line.confirmation_id = confirmation.id
                WHERE confirmation.id = %s""",
            (order.confirmation,),
        )[0]

    def chases(self, order=None):
        """The clock of confirmations runs; ``order``: it is due now."""
        if order:
            self.sql(
                "UPDATE distribution_supplier_confirmation SET next_step_at = now() - interval '1 hour' WHERE id = %s",
                (order.confirmation,),
            )
        rules.run_job(self.rpc, "ir_cron_supplier_chase", ADDON)

    # ------------------------------------------------------------------- goods that come

    def receives(self, order, quantity, backorder=True):
        """What the warehouse operator books of the open receipt."""
        operator = self.rpc("warehouse_operator")
        picking, move = self.sql(
            """SELECT picking_id, id FROM stock_move WHERE purchase_line_id = %s AND state NOT IN ('done', 'cancel')
             ORDER BY id LIMIT 1""",
            (order.line,),
        )[0]
        operator("stock.move", "write", [move], {"quantity": quantity, "picked": True})
        context = {"skip_backorder": True}
        if not backorder:
            context["picking_ids_not_to_backorder"] = [picking]
        operator("stock.picking", "button_validate", [picking], context=context)
        assert self.sql("SELECT state FROM stock_picking WHERE id = %s", (picking,)) == [("done",)]
        return picking

    def case(self, dedup_key):
        """(id, state, login of the owner, what it says) of the case of a cause; None."""
        rows = self.sql(
            """SELECT one.id, one.state, owner.login, one.description FROM distribution_case one
            LEFT JOIN res_users owner ON owner.id = one.user_id
                WHERE one.dedup_key = %s ORDER BY one.id DESC LIMIT 1""",
            (dedup_key,),
        )
        return rows[0] if rows else None

    def facts(self, prefix, order):
        """Types of the events about this order, oldest first."""
        return [
            kind
            for (kind,) in self.sql(
                "SELECT type FROM distribution_event WHERE correlation = %s AND type LIKE %s ORDER BY id",
                (f"purchase.order,{order.id}", f"distribution.{prefix}%"),
            )
        ]


class Page:
    """The page behind a vendor's link, as a browser without script has it."""

    def __init__(self, http, path):
        self.http, self.path = http, path
        self.text, self.fields = "", {}

    def opens(self):
        answer = self.http.get(self.path)
        self.text = answer.text
        self.fields = {
            name: html.unescape(value) for name, value in FIELD.findall(answer.text) if not name.startswith("reject_")
        }
        return answer

    def submits(self, act="changes", **values):
        """Send the form as it stands, with some fields changed."""
        return self.http.post(self.path, data={**self.fields, "act": act, **values}, allow_redirects=False)

    def takes_pictures(self, browser, folder, name, sizes):
        """As the vendor sees it, ``{how it is called: size of the window}``."""
        for kind, size in sizes.items():
            context = browser.new_context(base_url=self.http.base, viewport=size, java_script_enabled=False)
            try:
                shown = context.new_page()
                shown.goto(self.path)
                shown.screenshot(path=str(folder / f"{name}-{kind}.png"), full_page=True)
            finally:
                context.close()

    def confirms(self):
        """Open the page and say that everything is as ordered."""
        assert self.opens().status_code == 200
        answer = self.submits("as_ordered")
        assert "Thank you" in answer.text, answer.text
        return self

    def promises(self, order, day, quantity=None, **values):
        """Open the page and promise another day (or quantity) for the order's line."""
        assert self.opens().status_code == 200
        values[f"day_{order.confirmation_line}_1"] = str(day)
        if quantity is not None:
            values[f"quantity_{order.confirmation_line}_1"] = str(quantity)
        return self.submits(**values)


def in_days(days):
    """Counted from the day on which the tests began: a story that is told over midnight stays one story."""
    return BEGAN + timedelta(days=days)


def until(reached, seconds=30):
    """Wait for what another transaction brings about."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.3)
    return found
