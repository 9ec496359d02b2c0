"""Orders that customers place elsewhere: a quotation each, once per channel and reference."""

from datetime import date

from odoo import _, api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import plaintext2html

from odoo.addons.distribution_core.engine.idempotency import fingerprint
from odoo.addons.distribution_core.engine.problem import Problem

#: Members of the call that say how it is treated, not what is ordered.
TREATMENT = ("accept_as_case", "company_id")
SITE = {"id": "id", "code": "code"}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    order_channel = fields.Char(readonly=True, copy=False, help="Where the customer ordered, such as a shop.")
    channel_reference = fields.Char(readonly=True, copy=False, help="Number of the order in its channel.")
    channel_fingerprint = fields.Char(readonly=True, copy=False, groups="base.group_no_one")

    _sql_constraints = [
        (
            "channel_reference_unique",
            "UNIQUE (company_id, order_channel, channel_reference)",
            "There is an order of this channel with this reference.",
        ),
    ]

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_channel(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_channel([vals])
        return super().write(vals)

    def _refuse_channel(self, vals_list):
        """Where an order came from is set by the API only."""
        if not self.env.su and any(vals.get("order_channel") or vals.get("channel_reference") for vals in vals_list):
            raise AccessError(_("Channel and reference of an order are set by the API only."))


class DistributionApiOperation(models.Model):
    _inherit = "distribution.api.operation"

    def _apply_customer_orders(self, call, body):
        """Make a quotation as the account of the key; never confirm it."""
        content = {name: value for name, value in body.items() if name not in TREATMENT}
        told = fingerprint(call.operation, content)
        # sudo: the order may be another salesperson's by now; only its number is told, to who placed it
        known = (
            self.env["sale.order"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("order_channel", "=", body["channel"]),
                    ("channel_reference", "=", body["reference"]),
                ]
            )
        )
        if known:
            call._about(known)
            if known.channel_fingerprint != told:
                raise Problem("conflict", f"{known.name} has this channel and reference, with other content.")
            return {"order_id": known.id, "name": known.name, "is_new": False}
        order = self.env["sale.order"].create(self._prepare_customer_order(body))
        currency = body.get("currency")
        if currency and currency != order.currency_id.name:
            raise Problem(
                "not-applicable",
                errors=[
                    {"pointer": "/currency", "detail": f"the customer's price list is in {order.currency_id.name}"}
                ],
            )
        # sudo: nobody else writes these, see SaleOrder above
        order.sudo().write(
            {"order_channel": body["channel"], "channel_reference": body["reference"], "channel_fingerprint": told}
        )
        call._about(order)
        return {"order_id": order.id, "name": order.name, "is_new": True}

    def _prepare_customer_order(self, body):
        company = self.env.company
        customer = self._find_party(body["customer"], "/customer")
        values = {
            "partner_id": customer.id,
            "company_id": company.id,
            "client_order_ref": body["reference"],
            "origin": f"{body['channel']}: {body['reference']}",
            "order_line": [
                (0, 0, self._prepare_customer_line(line, f"/lines/{number}"))
                for number, line in enumerate(body["lines"])
            ],
        }
        if "delivery_date" in body:
            values["commitment_date"] = date.fromisoformat(body["delivery_date"])
        if "site" in body:
            site = self._find_one("stock.warehouse", body["site"], SITE, "/site", [("company_id", "=", company.id)])
            values["warehouse_id"] = site.id
        if "note" in body:
            values["note"] = plaintext2html(body["note"])
        return values

    def _prepare_customer_line(self, line, pointer):
        product = self._find_product(line["product"], f"{pointer}/product", [("sale_ok", "=", True)])
        values = {"product_id": product.id, "product_uom_qty": line["quantity"]}
        for name in ("price_unit", "discount"):
            if name in line:
                values[name] = line[name]
        if "description" in line:
            values["name"] = line["description"]
        return values
