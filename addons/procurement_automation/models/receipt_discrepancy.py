"""What arrived, against what was ordered, promised and announced.

Rules, in words
---------------
* A receipt of goods that were ordered is compared when it is done, line by line (:mod:`..engine.receipt`): short, over,
  wrong, damaged. Tolerances are those of the vendor and the product category.
* Damage is reported by whoever receives, before or after the receipt is done, with a reason, and with evidence where
  the reason needs it.
* All of one receipt is one case, with the order, its confirmation and the ship notice linked.
* What was found is kept: the scorecard of the vendor rests on it. Nobody writes it by hand.
* Receiving goods never waits for this: what cannot be compared is a case of its own.
"""

import logging
from collections import defaultdict

import psycopg2
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from odoo.addons.distribution_core.append_only import protect_append_only
from odoo.addons.distribution_core.compat import LINE_UOM

from ..engine import compare_all
from ..engine.receipt import Allowed, Arrived, Expected

_logger = logging.getLogger(__name__)

KINDS = [("short", "Short"), ("over", "Over"), ("wrong", "Wrong Product"), ("damaged", "Damaged")]


class ReceiptDiscrepancy(models.Model):
    _name = "distribution.receipt.discrepancy"
    _description = "Receipt Discrepancy"
    _inherit = ["distribution.engine.evidence"]
    _about = "picking_id"
    _log_access = False
    _order = "id desc"
    _rec_name = "kind"

    # Plain numbers and stored values: documents that are deleted, or merged, do not rewrite what was found.
    picking_ref = fields.Integer("Receipt Reference", required=True, readonly=True, index=True)
    order_line_ref = fields.Integer("Order Line Reference", readonly=True, index=True)
    picking_id = fields.Many2one("stock.picking", "Receipt", compute="_compute_documents", compute_sudo=False)
    order_id = fields.Many2one("purchase.order", compute="_compute_documents", compute_sudo=False)
    vendor_ref = fields.Integer("Vendor Reference", readonly=True, index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    product_id = fields.Many2one("product.product", required=True, readonly=True, index=True, ondelete="restrict")
    kind = fields.Selection(KINDS, required=True, readonly=True)
    quantity = fields.Float(required=True, readonly=True, digits=0)
    expected_quantity = fields.Float("Expected", readonly=True, digits=0)
    uom_id = fields.Many2one("uom.uom", "Unit", compute="_compute_documents", compute_sudo=False)
    value = fields.Float(readonly=True, digits=0, help="At the ordered price, in the currency of the company.")
    found_at = fields.Datetime(required=True, readonly=True)
    report_ref = fields.Integer("Damage Report Reference", readonly=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)

    @api.depends("picking_ref", "order_line_ref")
    def _compute_documents(self):
        pickings = {
            picking.id: picking for picking in self.env["stock.picking"].browse(self.mapped("picking_ref")).exists()
        }
        references = [number for number in self.mapped("order_line_ref") if number]
        # sudo: who reads the discrepancy sees which order it was; to open that order takes the right to read it.
        lines = {line.id: line for line in self.env["purchase.order.line"].sudo().browse(references).exists()}
        for found in self:
            found.picking_id = pickings.get(found.picking_ref)
            line = lines.get(found.order_line_ref, self.env["purchase.order.line"])
            found.order_id = line.order_id
            found.uom_id = _unit(line, found.product_id)


class ReceiptDamage(models.Model):
    """Goods that came and cannot be used, as reported by whoever saw them."""

    _name = "distribution.receipt.damage"
    _description = "Damage Report"
    _inherit = ["distribution.approval.evidence"]
    _order = "id desc"
    _rec_name = "product_id"

    picking_id = fields.Many2one(
        "stock.picking", "Receipt", required=True, readonly=True, index=True, ondelete="restrict"
    )
    order_line_id = fields.Many2one("purchase.order.line", readonly=True, index="btree_not_null", ondelete="set null")
    product_id = fields.Many2one("product.product", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one(related="picking_id.company_id", store=True)
    quantity = fields.Float(required=True, readonly=True, digits=0, help="In the unit of the order line.")
    uom_id = fields.Many2one("uom.uom", "Unit", compute="_compute_uom_id")
    reason_id = fields.Many2one("distribution.receipt.reason", required=True, readonly=True, ondelete="restrict")
    note = fields.Text(readonly=True)
    attachment_ids = fields.Many2many("ir.attachment", string="Evidence", readonly=True)
    is_compared = fields.Boolean(readonly=True)

    _sql_constraints = [("quantity_positive", "CHECK (quantity > 0)", "Damaged quantity: more than 0.")]

    @api.depends("order_line_id", "product_id")
    def _compute_uom_id(self):
        for report in self:
            report.uom_id = _unit(report.order_line_id, report.product_id)

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("A damage report is not edited: report again what else was found."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Damage reports are evidence and are kept."))


class StockPicking(models.Model):
    _inherit = "stock.picking"

    damage_ids = fields.One2many(
        "distribution.receipt.damage", "picking_id", readonly=True, groups="stock.group_stock_user"
    )

    discrepancy_count = fields.Integer("Discrepancies", compute="_compute_discrepancy_count", compute_sudo=True)

    def _compute_discrepancy_count(self):
        groups = self.env["distribution.receipt.discrepancy"]._read_group(
            [("picking_ref", "in", self.ids)], ["picking_ref"], ["__count"]
        )
        counts = dict(groups)
        for picking in self:
            picking.discrepancy_count = counts.get(picking.id, 0)

    def action_open_discrepancies(self):
        """What of this receipt was not as expected."""
        action = self.env["ir.actions.act_window"]._for_xml_id("procurement_automation.action_receipt_discrepancy")
        return {**action, "domain": [("picking_ref", "in", self.ids)], "context": {}}

    def _action_done(self):
        compared = self._compared_receipts()
        result = super()._action_done()
        for picking in compared.filtered(lambda picking: picking.state == "done"):
            picking._compare_receipt_safely()
        return result

    def _compared_receipts(self):
        """Receipts of what was ordered, in companies that compare them."""
        return self.filtered(
            lambda picking: (
                picking.company_id.receipt_compared
                and picking.picking_type_code == "incoming"
                and picking.sudo().move_ids.purchase_line_id
            )
        )

    def _announced_quantities(self):
        """``{order line: quantity}`` of the notices that this receipt brought; 0 for what they left out.

        Empty where nothing was announced, or in conflict with the order.
        """
        notices = self.env["distribution.ship.notice"].search([("picking_id", "=", self.id)])
        announced = dict.fromkeys(notices.share_ids.order_line_id.order_id.order_line, 0.0)
        for share in notices.share_ids:
            announced[share.order_line_id] += share.quantity
        return announced

    def _compare_receipt_safely(self):
        """Receiving goes on, whatever is wrong with the comparison."""
        try:
            with self.env.cr.savepoint():
                self.sudo()._compare_receipt()  # sudo: found for whoever receives
                self.env.flush_all()
        except psycopg2.Error as error:
            if error.pgcode in PG_CONCURRENCY_ERRORS_TO_RETRY:
                raise
            self._tell_not_compared(error)
        except Exception as error:  # pylint: disable=broad-except
            self._tell_not_compared(error)

    def _tell_not_compared(self, error):
        _logger.exception("Receipt %s could not be compared.", self.id)
        self.env["distribution.case"]._open(
            "receipt_not_compared",
            self,
            _("Receipt %s could not be compared with its order", self.name),
            detail=type(error).__name__,
            dedup_key=f"receipt_not_compared:{self.id}",
        )

    def _compare_receipt(self):
        """Find what differs, keep it, and open one case for all of it."""
        self.ensure_one()
        announced = self._announced_quantities()
        moves = self.move_ids.filtered(lambda move: move.state == "done")
        # What was closed without a piece is short as well.
        lines = self.move_ids.purchase_line_id.union(*(line for line, quantity in announced.items() if quantity))
        came, wrong = self._came(moves)
        received = lines._approval_received()
        zone = self.picking_type_id.warehouse_id.partner_id.tz
        promised = lines._promised_until(self.company_id._day_of(fields.Datetime.now(), zone))
        damaged = self.damage_ids
        by_line = defaultdict(float)
        for report in damaged:
            by_line[report.order_line_id] += report.quantity
        expected, arrived, allowed = [], {}, {}
        tolerances = self._receipt_tolerances(lines)
        for line in lines:
            brought = came.get(line, 0.0)
            spoiled = min(by_line.get(line, 0.0), max(brought, 0.0))
            expected.append(
                Expected(
                    line.id,
                    line.product_qty,
                    float(received[line.id]) - brought,
                    promised.get(line),
                    announced.get(line),
                    line.price_unit * (1 - (line.discount or 0.0) / 100),
                )
            )
            more_to_come = any(move.state not in ("done", "cancel") for move in line.move_ids)
            arrived[line.id] = Arrived(max(brought - spoiled, 0.0), spoiled, more_to_come)
            limits = tolerances[line.order_id.partner_id.commercial_partner_id][line.product_id]
            allowed[line.id] = Allowed(limits.short_percent, limits.over_percent, limits.damaged_percent)
        found = compare_all(expected, arrived, allowed, {product.id: quantity for product, quantity in wrong.items()})
        damaged.write({"is_compared": True})
        if found:
            self._keep_discrepancies(found, {line.id: line for line in lines})

    def _came(self, moves):
        """(``{order line: quantity in its unit}``, ``{product that no order names: quantity}``)."""
        came, wrong = defaultdict(float), defaultdict(float)
        for move in moves:
            line = move.purchase_line_id
            if line and line.product_id == move.product_id:
                came[line] += move.product_uom._compute_quantity(
                    move.quantity, line[LINE_UOM], rounding_method="HALF-UP", raise_if_failure=False
                )
            elif not line:
                wrong[move.product_id] += move.product_uom._compute_quantity(
                    move.quantity, move.product_id.uom_id, rounding_method="HALF-UP", raise_if_failure=False
                )
        return came, wrong

    def _receipt_tolerances(self, lines):
        """``{vendor: {product: tolerance, maybe empty}}``"""
        tolerance = self.env["distribution.supplier.tolerance"]
        return {
            vendor: tolerance._for(self.company_id, vendor, lines.product_id)
            for vendor in lines.order_id.partner_id.commercial_partner_id
        }

    def _keep_discrepancies(self, found, lines, report=None):
        """Evidence, event, case."""
        vendor = self.partner_id.commercial_partner_id
        rows = []
        for one in found:
            line = lines.get(one.about) if one.kind != "wrong" else None
            value = float(one.value)
            if line:
                order = line.order_id
                vendor = order.partner_id.commercial_partner_id
                value = order.currency_id._convert(
                    value, self.company_id.currency_id, self.company_id, fields.Date.context_today(self)
                )
            rows.append(
                {
                    "picking_ref": self.id,
                    "order_line_ref": line.id if line else False,
                    "vendor_ref": vendor.id,
                    "company_id": self.company_id.id,
                    "product_id": line.product_id.id if line else one.about,
                    "kind": one.kind,
                    "quantity": float(one.quantity),
                    "expected_quantity": float(one.expected),
                    "value": value,
                    "found_at": fields.Datetime.now(),
                    "report_ref": report.id if report else False,
                }
            )
        kept = self.env["distribution.receipt.discrepancy"].create(rows)
        orders = self.env["purchase.order"].union(*(line.order_id for line in lines.values()))
        self.env["distribution.event"]._record(
            "distribution.receipt.discrepancy_found.v1",
            self,
            {
                "vendor_id": vendor.id or None,
                "order_ids": orders.ids,
                "currency": self.company_id.currency_id.name,
                "discrepancies": [
                    {
                        "line_id": row.order_line_ref or None,
                        "product_id": row.product_id.id,
                        "kind": row.kind,
                        "quantity": row.quantity,
                        "expected": row.expected_quantity,
                        "value": row.value,
                    }
                    for row in kept
                ],
            },
            correlation=f"purchase.order,{orders[:1].id}" if orders else None,
        )
        labels = dict(kept._fields["kind"]._description_selection(self.env))
        words = "\n".join(
            f"{row.product_id.display_name}: {labels[row.kind]} {row.quantity:g} {row.uom_id.name}" for row in kept
        )
        notices = self.env["distribution.ship.notice"].search([("picking_id", "=", self.id)])
        case = self.env["distribution.case"]._open(
            "receipt_discrepancy",
            self,
            _("Receipt %s is not as expected", self.name),
            detail=words,
            dedup_key=f"receipt:{self.id}",
            correlation=f"purchase.order,{orders[:1].id}" if orders else None,
            documents=[*orders, *orders.supplier_confirmation_ids, *notices, *orders.invoice_ids],
        )
        if case and words not in (case.description or ""):
            case.description = f"{case.description}\n{words}"
        return kept

    def _damaged_line(self, moves):
        """The order line of which goods of ``moves`` are damaged: most of it came, and is not reported yet."""
        # sudo: lines of the receipt that was looked at
        moves = moves.sudo()
        came, _wrong = self._came(moves.filtered(lambda move: move.state != "cancel"))
        for report in self.sudo().damage_ids:
            if report.order_line_id in came:
                came[report.order_line_id] -= report.quantity
        same = moves.purchase_line_id.filtered(lambda line: line.product_id in moves.product_id)  # no kit
        return max(came, key=lambda line: (came[line], -line.id), default=same[:1])

    def _report_damage(self, line, product, quantity, reason, note, attachments):
        """Take a damage report in; after the receipt is done, it is told at once.

        :param quantity: in the unit of the order line; without one, of the product
        """
        self.ensure_one()
        if quantity <= 0:
            raise UserError(_("Quantity: more than 0."))
        if reason.needs_evidence and not attachments:
            raise UserError(_("Evidence: “%s” needs a picture or a document.", reason.name))
        engine = self.sudo()  # sudo: the wizard checked who may work on the receipt
        report = engine.damage_ids.create(
            {
                "picking_id": self.id,
                "order_line_id": line.id,
                "product_id": product.id,
                "quantity": quantity,
                "reason_id": reason.id,
                "note": note,
                "attachment_ids": [fields.Command.set(attachments.ids)],
            }
        )
        if self.state == "done" and engine._compared_receipts():
            engine._tell_damage(report)
        return report

    def _tell_damage(self, report):
        """Damage that was found after the receipt was done: beyond tolerance of what came, it is told."""
        line = report.order_line_id
        if not line:
            return
        came, _wrong = self._came(self.move_ids.filtered(lambda move: move.state == "done"))
        brought = came.get(line, 0.0)
        spoiled = min(sum(self.damage_ids.filtered(lambda one: one.order_line_id == line).mapped("quantity")), brought)
        limits = self._receipt_tolerances(line)[line.order_id.partner_id.commercial_partner_id][line.product_id]
        price = line.price_unit * (1 - (line.discount or 0.0) / 100)
        found = compare_all(
            [Expected(line.id, line.product_qty, 0, None, brought - spoiled, price)],
            {line.id: Arrived(brought - spoiled, spoiled, True)},
            {line.id: Allowed(100, 100_000, limits.damaged_percent)},
        )
        report.write({"is_compared": True})
        if found:
            self._keep_discrepancies(found, {line.id: line}, report)

    def action_report_damage(self):
        self.ensure_one()
        products = self.move_ids.filtered(lambda move: move.state != "cancel").product_id
        return {
            "type": "ir.actions.act_window",
            "name": _("Report Damage"),
            "res_model": "distribution.receipt.report",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_picking_id": self.id,
                "default_product_id": products.id if len(products) == 1 else False,
            },
        }


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    def _promised_until(self, day):
        """``{line: what the vendor promised to have brought by day}`` of those for which it promised anything."""
        # sudo: found for whoever receives
        asked = self.env["distribution.supplier.confirmation.line"].sudo().search([("order_line_id", "in", self.ids)])
        promised = {}
        for line in asked:
            said = line._last_said()
            if said and not said.rejected:
                promised[line.order_line_id] = sum(
                    (promise.quantity for promise in said.promises if (promise.day or line.asked_day) <= day), 0
                )
        return promised


class ResCompany(models.Model):
    _inherit = "res.company"

    receipt_compared = fields.Boolean(
        "Compare Receipts",
        help="Receipts are compared with order, confirmation and ship notice; what differs beyond tolerance is a case.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    receipt_compared = fields.Boolean(related="company_id.receipt_compared", readonly=False)


def _unit(order_line, product):
    """The unit in which receipts are compared: that of the order line, of the product where nobody ordered it."""
    return order_line[LINE_UOM] or product.uom_id
