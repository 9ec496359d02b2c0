"""Vendor prices: only what somebody in charge confirmed is a contract."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.distribution_core.compat import SUPPLIERINFO_UOM

#: What makes a price; changing one of these makes it a proposal again.
TERMS = frozenset(
    {
        "partner_id",
        "product_tmpl_id",
        "product_id",
        "price",
        "discount",
        "currency_id",
        "min_qty",
        "date_start",
        "date_end",
        "company_id",
        SUPPLIERINFO_UOM,
    }
)
MANAGER = "distribution_core.group_vendor_manager"


class ProductSupplierinfo(models.Model):
    _inherit = "product.supplierinfo"

    contract_state = fields.Selection(
        [("contract", "Contract"), ("proposed", "Proposed"), ("learned", "Learned from an order")],
        default="proposed",
        required=True,
        copy=False,
        help="Orders are compared with contract prices only. A price that a buyer enters, or that Odoo "
        "learns from an order, becomes a contract when vendor governance confirms it.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        trusted = self._may_contract()
        for vals in vals_list:
            if vals.get("contract_state") == "contract" and not trusted:
                raise AccessError(_("A contract price takes the role Vendor Governance."))
            # Explicitly: a default in the context of the caller would count else.
            vals.setdefault("contract_state", "contract" if trusted and not self.env.su else "proposed")
        prices = super().create(vals_list)
        prices._record_change("created")
        return prices

    def write(self, vals):
        terms = TERMS & vals.keys()
        if not terms and "contract_state" not in vals:
            return super().write(vals)
        trusted = self._may_contract()
        if not trusted:
            if vals.get("contract_state", "proposed") != "proposed":
                raise AccessError(_("A contract price takes the role Vendor Governance."))
            vals = {**vals, "contract_state": "proposed"}
        result = super().write(vals)
        self._record_change("changed")
        return result

    def unlink(self):
        self._record_change("removed")
        return super().unlink()

    def action_make_contract(self):
        """Vendor governance confirms these prices."""
        self.write({"contract_state": "contract"})
        return True

    def _may_contract(self):
        return self.env.user.has_group(MANAGER) or self.env.user._is_superuser()

    def _record_change(self, fact):
        self.env["distribution.event"].sudo()._record(
            f"distribution.vendor_price.{fact}.v1",
            self.sudo(),
            lambda price: {
                "vendor_id": price.partner_id.id,
                "product_template_id": price.product_tmpl_id.id or None,
                "price": str(price.price),
                "currency": price.currency_id.name,
                "min_quantity": str(price.min_qty),
                "contract_state": price.contract_state,
            },
        )


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def write(self, vals):
        """On 17.0 a vendor price is per purchase unit of the product: with another unit it is another price."""
        unit = "uom_po_id"
        changed = self.browse()
        if unit in vals and unit in self._fields and not self.env["product.supplierinfo"]._may_contract():
            changed = self.filtered(lambda template: template[unit].id != vals[unit])
        result = super().write(vals)
        if changed:
            self.env["product.supplierinfo"].sudo().search(
                [("product_tmpl_id", "in", changed.ids), ("contract_state", "=", "contract")]
            ).write({"contract_state": "proposed"})
        return result
