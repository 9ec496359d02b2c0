"""Confirmations that a vendor's system, or a portal of vendors, sends by the API."""

from datetime import date

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES
from odoo.addons.distribution_core.engine.api_body import moment
from odoo.addons.distribution_core.engine.problem import Problem

from ..engine import Promise, Said

ORDER = {"id": "id", "name": "name"}


class DistributionApiOperation(models.Model):
    _inherit = "distribution.api.operation"

    def _apply_supplier_confirmations(self, call, body):
        """Take the promises in as the account of the key; the order is changed as its buyer, by the rules of
        confirmations. An order that is not in force, or a line that is not its, refuses the whole call."""
        order = self._find_one(
            "purchase.order", body["order"], ORDER, "/order", [("company_id", "=", self.env.company.id)]
        )
        call._about(order)
        if order.state not in PURCHASE_CONFIRMED_STATES:
            raise Problem("conflict", "The order is not in force.")
        confirmation = self._confirmation_of(order)
        said = self._promises(confirmation, body["lines"])
        told_at = moment(body["confirmed_at"]).replace(microsecond=0)
        latest = confirmation.answer_ids.filtered(lambda answer: answer.door == "api")[:1].told_at
        if latest and told_at < latest:
            raise Problem("conflict", f"There is a later confirmation, of {latest.isoformat()}Z.")
        try:
            confirmation._answer(
                "api", said, told_at=told_at, vendor_reference=body.get("vendor_reference"), note=_notes(body)
            )
        except UserError as error:
            raise Problem("not-applicable", str(error.args[0])) from None
        return {
            "confirmation_id": confirmation.id,
            "state": confirmation.state,
            "lines": [
                {"line_id": line.order_line_id.id, "state": line.state}
                for line in confirmation.line_ids
                if line in said
            ],
        }

    def _confirmation_of(self, order):
        """The confirmation of an order that the account may read; one that was never asked is begun here."""
        # sudo: the account has no rights on confirmations; it could read the order
        confirmation = order.sudo().supplier_confirmation_ids
        if not confirmation:
            confirmation = confirmation._take_up(order.sudo())
        if not confirmation:
            raise Problem("not-applicable", "The order has no line with goods.")
        return confirmation

    def _promises(self, confirmation, rows):
        """``{confirmation line: Said}``; several rows of one line are several deliveries."""
        found = {}
        for number, row in enumerate(rows):
            line = self._line_named(confirmation, row, f"/lines/{number}")
            found.setdefault(line, []).append((number, row))
        return {line: self._said(line, own) for line, own in found.items()}

    def _line_named(self, confirmation, row, pointer):
        lines = confirmation.line_ids
        if "line_id" in row:
            named = lines.filtered(lambda line: line.order_line_id.id == row["line_id"])
            where, detail = f"{pointer}/line_id", "no line of this order"
        else:
            product = self._find_product(row["product"], f"{pointer}/product")
            named = lines.filtered(lambda line: line.product_id == product)
            where, detail = f"{pointer}/product", "several lines have it: use line_id" if named else "not ordered here"
        if "line_id" in row and "product" in row and named:
            product = self._find_product(row["product"], f"{pointer}/product")
            if named.product_id != product:
                named, where, detail = named.browse(), f"{pointer}/product", "another product is on that line"
        if len(named) != 1:
            raise Problem("not-applicable", errors=[{"pointer": where, "detail": detail}])
        return named

    def _said(self, line, rows):
        """What rows of one line say. A substitute is not what was ordered: the line is rejected, and a case says so."""
        if any(row["status"] in ("rejected", "substituted") for _number, row in rows):
            return Said(rejected=True)
        promises = {}
        price = None
        for number, row in rows:
            quantity = row.get("quantity", line.asked_quantity if len(rows) == 1 else None)
            if quantity is None:
                raise Problem(
                    "not-applicable", errors=[{"pointer": f"/lines/{number}/quantity", "detail": "how much of it?"}]
                )
            day = date.fromisoformat(row["promised_date"]) if "promised_date" in row else None
            promises[day] = promises.get(day, 0) + quantity
            price = row.get("price_unit", price)
        return Said([Promise(quantity, day) for day, quantity in promises.items()], price)


def _notes(body):
    """What is told in words, of the whole and of lines."""
    notes = [body.get("note"), *(row.get("note") for row in body["lines"])]
    return "\n".join(filter(None, notes)) or None


class SupplierConfirmation(models.Model):
    _inherit = "distribution.supplier.confirmation"

    def _take_up(self, order):
        """Begin the confirmation of an order whose vendor speaks without having been asked: no mail is sent."""
        if not order._lines_to_confirm():
            return self.browse()
        asked_at = order.date_approve or order.write_date
        return self.create({**order._prepare_confirmation(), "is_asked": False, "asked_at": asked_at})
