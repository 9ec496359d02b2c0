"""Last prices at a glance: what was paid for it last, to whom and when, and what the contract says."""

from odoo import api, fields, models

from odoo.addons.distribution_approval.engine import Unknown
from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import IS_17, LINE_UOM, PURCHASE_CONFIRMED_STATES

#: So many earlier orders of a product are looked at to find one that is not the order itself.
LOOK_BACK = 10
MANAGER = "distribution_core.group_vendor_manager"


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    last_price = fields.Float(
        compute="_compute_last_price",
        compute_sudo=True,
        digits="Product Price",
        help="Net price of the latest other order of this product, in unit and currency of this line.",
    )
    last_vendor_id = fields.Many2one("res.partner", compute="_compute_last_price", compute_sudo=True)
    last_ordered_on = fields.Date(compute="_compute_last_price", compute_sudo=True)
    last_price_change = fields.Float(
        "To Last (%)", compute="_compute_last_price", compute_sudo=True, digits=(16, 1), help="Against the last price."
    )
    contract_price = fields.Float(
        compute="_compute_contract_price",
        compute_sudo=True,
        digits="Product Price",
        help="Lowest contract price of this vendor for product, quantity and day; price lists and blanket orders.",
    )
    contract_price_change = fields.Float(
        "To Contract (%)", compute="_compute_contract_price", compute_sudo=True, digits=(16, 1)
    )

    @api.depends("product_id", "price_unit", "discount", LINE_UOM, "order_id.currency_id")
    def _compute_last_price(self):
        """One query for each company, however many lines."""
        found = {}
        for company in self.company_id:
            own = self.filtered(lambda line, company=company: line.company_id == company)
            found.update(
                {(company.id, key): rows for key, rows in self._earlier_orders(own.product_id, company).items()}
            )
        for line in self:
            rows = found.get((line.company_id.id, line.product_id.id), ())
            order_id = line.order_id._origin.id
            earlier = next((row for row in rows if row[0] != order_id), None)
            price = line._in_own_terms(earlier[3], earlier[4]) if earlier else 0.0
            line.last_price = price
            line.last_vendor_id = earlier[1] if earlier else False
            line.last_ordered_on = earlier[2] if earlier else False
            line.last_price_change = line._percent_over(price)

    @api.model
    def _earlier_orders(self, products, company):
        """``{product id: [(order id, vendor id, day, net price per unit of the product, id of its currency)]}``."""
        self.flush_model()
        self.env["purchase.order"].flush_model()
        self.env.cr.execute(
            """SELECT product_id, order_id, partner_id, day, price, currency_id
                 FROM (SELECT line.product_id, line.order_id, po.partner_id, po.date_approve::date AS day,
                              line.price_subtotal / line.product_uom_qty AS price, po.currency_id,
                              row_number() OVER (PARTITION BY line.product_id
                                                     ORDER BY po.date_approve DESC NULLS LAST, line.id DESC) AS place
                         FROM purchase_order_line line
                         JOIN purchase_order po ON po.id = line.order_id
                        WHERE line.product_id = ANY(%s) AND po.company_id = %s AND po.state IN %s
                          AND line.product_uom_qty > 0) earlier
                WHERE place <= %s
             ORDER BY product_id, place""",
            (products.ids, company.id, PURCHASE_CONFIRMED_STATES, LOOK_BACK),
        )
        found = {}
        for product_id, *row in self.env.cr.fetchall():
            order_id, vendor_id, day, price, currency_id = row
            found.setdefault(product_id, []).append((order_id, vendor_id, day, float(price or 0), currency_id))
        return found

    def _in_own_terms(self, price, currency_id):
        """A price per unit of the product, as this line would state it.

        In its own currency it stays what it was; from another one it is converted once, at the rate of today.
        """
        unit, own = self.product_id.uom_id, self[LINE_UOM]
        if own and unit != own:
            price = unit._compute_price(price, own)
        company, currency = self.company_id, self.order_id.currency_id
        if currency and currency.id != currency_id:
            other = self.env["res.currency"].browse(currency_id)
            price = other._convert(price, currency, company, today(company), round=False)
        return price

    def _percent_over(self, price):
        net = self.price_unit * (1 - (self.discount or 0.0) / 100)
        return 100 * (net - price) / price if price else 0.0

    @api.depends("product_id", "price_unit", "discount", "product_qty", LINE_UOM, "order_id.partner_id")
    def _compute_contract_price(self):
        for order in self.order_id:
            prices = order._approval_contract_prices()
            for line in self.filtered(lambda line, order=order: line.order_id == order):
                known = line.product_id and order.partner_id and order.company_id
                price = order._approval_contract_price(line, prices) if known else None
                line.contract_price = 0.0 if price is None or isinstance(price, Unknown) else float(price)
                line.contract_price_change = line._percent_over(line.contract_price)
        for line in self.filtered(lambda line: not line.order_id):
            line.contract_price = line.contract_price_change = 0.0


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def _approval_contract_prices(self):
        """Without prices of blanket orders whose last day is past; Odoo leaves these behind."""
        prices = super()._approval_contract_prices()
        found = self.env["product.supplierinfo"].union(*(seller for sellers in prices.values() for seller in sellers))
        ended = found.purchase_requisition_line_id.filtered(lambda line: line.requisition_id._has_ended())
        if not ended:
            return prices
        return {
            key: [seller for seller in sellers if seller.purchase_requisition_line_id not in ended]
            for key, sellers in prices.items()
        }


class BlanketOrder(models.Model):
    _inherit = "purchase.requisition"

    has_proposed_prices = fields.Boolean(compute="_compute_has_proposed_prices", compute_sudo=True)

    def _compute_has_proposed_prices(self):
        for agreement in self:
            states = agreement.line_ids.supplier_info_ids.mapped("contract_state")
            agreement.has_proposed_prices = any(state != "contract" for state in states)

    def _has_ended(self):
        """Whether the last day of this agreement is past; an agreement without one goes on."""
        if not self or not self.date_end:
            return False
        # 17.0 keeps a moment, 19.0 a day.
        last = self.date_end.date() if IS_17 else self.date_end
        return last < today(self.company_id)

    def action_make_contract(self):
        """Vendor governance confirms that orders are compared with these prices."""
        self.line_ids.supplier_info_ids.action_make_contract()
        return True


class ProductSupplierinfo(models.Model):
    _inherit = "product.supplierinfo"

    @api.model_create_multi
    def create(self, vals_list):
        """What vendor governance agrees in a blanket order is a contract; what a buyer agrees is proposed as one."""
        if self.env.user.has_group(MANAGER):
            for vals in vals_list:
                if vals.get("purchase_requisition_line_id"):
                    vals.setdefault("contract_state", "contract")
        return super().create(vals_list)
