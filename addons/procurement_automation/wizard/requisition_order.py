"""Turning requisitions into requests for quotation, by vendor, or into transfers from a site that has enough."""

from collections import defaultdict
from datetime import datetime, time

from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import float_compare, float_is_zero

from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import (
    IS_17,
    LINE_UOM,
    PRECISION_QUANTITY,
    PURCHASE_LINE_TAXES,
    check_access,
)

DIGITS = 6


class RequisitionOrder(models.TransientModel):
    _name = "distribution.requisition.order"
    _description = "Order for Requisitions"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    line_ids = fields.One2many("distribution.requisition.order.line", "order_id", string="Lines")

    @api.model
    def _prepared(self, requisitions):
        """What is open, each line with the vendor that Odoo selects, if it is allowed, and a site that has enough."""
        company = requisitions.company_id
        lines = requisitions.line_ids.filtered("qty_open")
        sites = self.env["stock.warehouse"].search([("company_id", "=", company.id)])
        products = lines.product_id
        stock = self.env["distribution.site.stock"]._positions(products, sites)
        vendors = self._selected_vendors(lines.filtered("product_id"), company)
        proposals = []
        for line in lines:
            values = {"line_id": line.id, "product_id": line.product_id.id, "quantity": line.qty_open, "way": "buy"}
            if line.product_id:
                values.update(vendors[line], **self._proposed_site(line, sites, stock))
            proposals.append((0, 0, values))
        return self.create({"company_id": company.id, "line_ids": proposals})

    @api.model
    def _selected_vendors(self, lines, company):
        """``{line: values}``: the vendor that Odoo selects for it, or the remark why nothing is bought there."""
        permission, day = self.env["distribution.vendor.permission"], today(company)
        vendors = {}
        for line in lines:
            product = line.product_id.with_company(company)
            needed = line._quantity_open_in_product_unit()
            vendors[line] = product._select_seller(quantity=needed, date=day, uom_id=product.uom_id).partner_id
        values = {}
        for site in lines.warehouse_id:
            own = lines.filtered(lambda line, site=site: line.warehouse_id == site)
            wanted = [(line.product_id, vendors[line]) for line in own if vendors[line]]
            problems = permission._problems(wanted, company, site, day)
            for line in own:
                problem = problems.get((line.product_id.id, vendors[line].id)) if vendors[line] else "no_vendor"
                if problem:
                    values[line] = {"remark": permission._words(problem)}
                else:
                    values[line] = {"vendor_id": vendors[line].id}
        return values

    @api.model
    def _proposed_site(self, line, sites, stock):
        """Another site that has something to spare; all of the line from there, where it has enough."""
        product, needed, values = line.product_id, line._quantity_open_in_product_unit(), {}
        others = [site for site in sites - line.warehouse_id if stock[product.id, site.id].spare > 0]
        if others:
            best = max(others, key=lambda site: stock[product.id, site.id].spare)
            values.update(source_id=best.id, spare=stock[product.id, best.id].spare)
            if float_compare(stock[product.id, best.id].spare, needed, precision_digits=DIGITS) >= 0:
                values["way"] = "transfer"
        return values

    def action_confirm(self):
        """Make the requests for quotation and transfers; what is left out stays open."""
        self.ensure_one()
        requisitions = self.env["distribution.purchase.requisition"]
        requisitions._check_buyer()
        chosen = self.line_ids.filtered(
            lambda line: line.way != "later" and not float_is_zero(line.quantity, precision_digits=DIGITS)
        )
        if not chosen:
            raise UserError(_("Nothing is chosen: enter how much to order or to transfer."))
        check_access(chosen.line_id.requisition_id, "read")
        # In turn with runs and colleagues: nobody gives away what another one has just taken.
        for company in chosen.line_id.company_id.sorted("id"):
            self.env["distribution.replenishment.turn"]._take(company)
        # What is open is looked at again: somebody else may have ordered meanwhile.
        chosen.line_id.invalidate_recordset(["qty_open"])
        chosen._check_chosen()
        orders = chosen.filtered(lambda line: line.way == "buy")._make_orders()
        pickings = chosen.filtered(lambda line: line.way == "transfer")._make_transfers()
        self._record(chosen)
        if orders and not pickings:
            return requisitions._open_documents(orders, _("Requests for Quotation"))
        if pickings and not orders:
            return requisitions._open_documents(pickings, _("Transfers"))
        return {"type": "ir.actions.act_window_close"}

    def _record(self, chosen):
        """One event per requisition: which line went where."""
        for requisition in chosen.line_id.requisition_id:
            own = chosen.filtered(lambda line, requisition=requisition: line.line_id.requisition_id == requisition)
            # sudo: the ledger is written by the suite; the role was checked
            self.env["distribution.event"].sudo()._record(
                "distribution.purchase_requisition.ordered.v1",
                requisition,
                {
                    "lines": [
                        {
                            "line_id": line.line_id.id,
                            "product_id": line.product_id.id,
                            "quantity": str(line.quantity),
                            "vendor_id": line.vendor_id.id if line.way == "buy" else None,
                            "order_id": line.made_order_id or None,
                            "from_site_id": line.source_id.id if line.way == "transfer" else None,
                            "transfer_id": line.made_picking_id or None,
                        }
                        for line in own
                    ]
                },
            )


class RequisitionOrderLine(models.TransientModel):
    _name = "distribution.requisition.order.line"
    _description = "Order for a Requisition Line"

    order_id = fields.Many2one("distribution.requisition.order", required=True, ondelete="cascade")
    company_id = fields.Many2one(related="order_id.company_id")
    line_id = fields.Many2one(
        "distribution.purchase.requisition.line", string="Asked", required=True, readonly=True, ondelete="cascade"
    )
    requisition_id = fields.Many2one(related="line_id.requisition_id")
    name = fields.Char(related="line_id.name", string="What")
    product_known = fields.Boolean(compute="_compute_product_known")
    product_id = fields.Many2one("product.product", domain=[("purchase_ok", "=", True)])
    quantity = fields.Float(digits=PRECISION_QUANTITY)
    uom_id = fields.Many2one(related="line_id.uom_id", string="Unit")
    needed_by = fields.Date(compute="_compute_needed_by")
    way = fields.Selection(
        [("buy", "Buy"), ("transfer", "Transfer"), ("later", "Leave open")], required=True, default="buy"
    )
    vendor_id = fields.Many2one("res.partner", domain=[("vendor_status", "=", "approved"), ("parent_id", "=", False)])
    source_id = fields.Many2one("stock.warehouse", string="From Site", domain="[('company_id', '=', company_id)]")
    spare = fields.Float("Spare There", readonly=True, digits=PRECISION_QUANTITY)
    remark = fields.Char(readonly=True)
    made_order_id = fields.Integer(readonly=True)
    made_picking_id = fields.Integer(readonly=True)

    @api.depends("line_id")
    def _compute_product_known(self):
        for line in self:
            line.product_known = bool(line.line_id.product_id)

    @api.depends("line_id")
    def _compute_needed_by(self):
        for line in self:
            line.needed_by = line.line_id._day_of_need()

    # ----------------------------------------------------------------- checks

    def _check_chosen(self):
        """Refuse what nobody asked for, what is not open any more, and whom nothing may be bought from."""
        asked = defaultdict(float)
        for line in self:
            wanted, name = line.line_id, line.line_id.display_name
            asked[wanted] += line.quantity
            if wanted.requisition_id.state != "approved":
                raise UserError(_("%s: its requisition is not approved.", name))
            if line.quantity < 0 or float_compare(asked[wanted], wanted.qty_open, precision_digits=DIGITS) > 0:
                raise UserError(_("%(line)s – Quantity: %(open)s are open.", line=name, open=wanted.qty_open))
            if not line.product_id:
                raise ValidationError(_("%s – Product: choose what is ordered.", name))
            if wanted.product_id and wanted.product_id != line.product_id:
                raise ValidationError(_("%s – Product: another product was approved.", name))
            if line.way == "buy" and not line.vendor_id:
                raise ValidationError(_("%s – Vendor: choose an approved vendor, or leave the line open.", name))
            if line.way == "transfer" and (not line.source_id or line.source_id == wanted.warehouse_id):
                raise ValidationError(_("%s – From Site: choose another site.", name))
            if line.way == "transfer" and line.source_id.company_id != wanted.company_id:
                raise ValidationError(_("%s – From Site: a site of the same company.", name))
        self._check_spare()
        permission = self.env["distribution.vendor.permission"]
        bought = self.filtered(lambda line: line.way == "buy")
        for site in bought.line_id.warehouse_id:
            own = bought.filtered(lambda line, site=site: line.line_id.warehouse_id == site)
            problems = permission._problems(
                [(line.product_id, line.vendor_id) for line in own], own.line_id.company_id, site
            )
            for line in own:
                problem = problems.get((line.product_id.id, line.vendor_id.id))
                if problem:
                    raise UserError(
                        _(
                            "%(line)s – Vendor: %(vendor)s: %(problem)s.",
                            line=line.line_id.display_name,
                            vendor=line.vendor_id.display_name,
                            problem=permission._words(problem),
                        )
                    )

    def _check_spare(self):
        """A site gives what it can do without, no more."""
        moved = self.filtered(lambda line: line.way == "transfer")
        stock = self.env["distribution.site.stock"]._positions(moved.product_id, moved.source_id)
        taken = defaultdict(float)
        for line in moved:
            key = line.product_id.id, line.source_id.id
            taken[key] += line._quantity_in_product_unit()
            if float_compare(taken[key], stock[key].spare, precision_digits=DIGITS) > 0:
                raise UserError(
                    _(
                        "%(line)s – From Site: %(site)s can spare %(spare)s.",
                        line=line.line_id.display_name,
                        site=line.source_id.name,
                        spare=stock[key].spare,
                    )
                )

    # ----------------------------------------------------------------- orders

    def _make_orders(self):
        """One request for quotation for each vendor, site, currency and agreement."""
        groups = defaultdict(self.browse)
        sellers = {}
        for line in self:
            seller = sellers[line] = line._seller()
            currency = (
                seller.currency_id
                or line.vendor_id.with_company(line.company_id).property_purchase_currency_id
                or line.company_id.currency_id
            )
            groups[line.vendor_id, line.line_id.warehouse_id, currency, seller.purchase_requisition_id] |= line
        orders = self.env["purchase.order"]
        for (vendor, site, currency, agreement), lines in groups.items():
            order = orders.create(lines._prepare_order(vendor, site, currency, agreement, sellers))
            for line, order_line in zip(lines, order.order_line):
                # sudo: what it was ordered for is said here and nowhere else
                order_line.sudo().requested_line_id = line.line_id
                line.made_order_id = order.id
            orders |= order
        return orders

    def _seller(self):
        product = self.product_id
        return product.with_company(self.company_id)._select_seller(
            partner_id=self.vendor_id,
            quantity=self._quantity_in_product_unit(),
            date=today(self.company_id),
            uom_id=product.uom_id,
        )

    def _quantity_in_product_unit(self):
        unit, product = self.uom_id, self.product_id
        return unit._compute_quantity(self.quantity, product.uom_id, round=False, raise_if_failure=False)

    def _prepare_order(self, vendor, site, currency, agreement, sellers):
        company = self[:1].company_id
        fiscal = self.env["account.fiscal.position"].with_company(company)._get_fiscal_position(vendor)
        return {
            "partner_id": vendor.id,
            "company_id": company.id,
            "currency_id": currency.id,
            "picking_type_id": site.in_type_id.id,
            "payment_term_id": vendor.with_company(company).property_supplier_payment_term_id.id,
            "fiscal_position_id": fiscal.id,
            "requisition_id": agreement.id,
            "origin": ", ".join(sorted(set(self.line_id.requisition_id.mapped("name")))),
            "order_line": [(0, 0, line._prepare_order_line(currency, fiscal, sellers[line])) for line in self],
        }

    def _prepare_order_line(self, currency, fiscal, seller):
        company, asked, product = self.company_id, self.line_id, self.product_id
        same_kind = not IS_17 or asked.uom_id.category_id == product.uom_id.category_id
        taxes = product.supplier_taxes_id.filtered(lambda tax: tax.company_id in company.parent_ids)
        values = {
            "product_id": product.id,
            "product_qty": self.quantity,
            LINE_UOM: (asked.uom_id if same_kind else product.uom_id).id,
            PURCHASE_LINE_TAXES: [(6, 0, fiscal.map_tax(taxes).ids)],
        }
        if not asked.product_id:
            values["name"] = asked.name
        if not seller and asked.price_unit:
            values["price_unit"] = company.currency_id._convert(
                asked.price_unit, currency, company, today(company), round=False
            )
        day = asked._day_of_need()
        if day and day >= today(company):
            values["date_planned"] = datetime.combine(day, time(12))
        return values

    # -------------------------------------------------------------- transfers

    def _make_transfers(self):
        """One transfer for each pair of sites; the gate for transfers judges it when it is validated."""
        groups = defaultdict(self.browse)
        for line in self:
            groups[line.source_id, line.line_id.warehouse_id] |= line
        # sudo: a buyer may ask a site for goods without the rights of its people, who pick and validate them
        pickings = self.env["stock.picking"].sudo()
        for (source, site), lines in groups.items():
            picking = pickings.create(
                {
                    "picking_type_id": source.int_type_id.id,
                    "location_id": source.lot_stock_id.id,
                    "location_dest_id": site.lot_stock_id.id,
                    "company_id": source.company_id.id,
                    "origin": ", ".join(sorted(set(lines.line_id.requisition_id.mapped("name")))),
                    "move_ids": [(0, 0, line._prepare_move(source, site)) for line in lines],
                }
            )
            picking.action_confirm()
            picking.action_assign()
            lines.write({"made_picking_id": picking.id})
            pickings |= picking
        return pickings.sudo(False)

    def _prepare_move(self, source, site):
        values = {
            "product_id": self.product_id.id,
            "product_uom_qty": self.quantity,
            "product_uom": self.uom_id.id,
            "location_id": source.lot_stock_id.id,
            "location_dest_id": site.lot_stock_id.id,
            "company_id": source.company_id.id,
            "requested_line_id": self.line_id.id,
        }
        if IS_17:
            values["name"] = self.product_id.display_name
        if self.needed_by and self.needed_by >= today(self.company_id):
            values["date"] = datetime.combine(self.needed_by, time(12))
        return values


class RequisitionDrop(models.TransientModel):
    _name = "distribution.requisition.drop"
    _description = "Do Not Buy Requisition Lines"

    line_ids = fields.Many2many(
        "distribution.purchase.requisition.line",
        "distribution_requisition_drop_line_rel",
        string="Lines",
        required=True,
    )
    reason = fields.Char(required=True, help="The requester reads it.")

    def action_confirm(self):
        self.ensure_one()
        if not (self.reason or "").strip():
            raise UserError(_("Reason: say why; the requester reads it."))
        check_access(self.line_ids, "read")
        self.line_ids._drop(self.reason)
        return {"type": "ir.actions.act_window_close"}
