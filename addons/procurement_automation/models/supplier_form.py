"""The form that a vendor fills in: what it shows, and what its fields say.

Per line of the confirmation: ``quantity_<line>_<part>``, ``day_<line>_<part>`` (up to :data:`PARTS` deliveries),
``price_<line>``, ``reject_<line>``. Fields of other lines are refused, not skipped: somebody plays with them.
"""

import re
from datetime import date

from odoo import _, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..engine import Promise, Said, read_number

PARTS = 3
FIELD = re.compile(r"(quantity|day|price|reject)_([0-9]{1,10})(?:_([0-9]))?")
MAX_TEXT = 2000


class SupplierConfirmation(models.Model):
    _inherit = "distribution.supplier.confirmation"

    def _form_lines(self):
        """What the page shows, ready to print."""
        self.ensure_one()
        rows = []
        for line in self.line_ids.filtered(lambda line: line.open_quantity or line.promised_at):
            last = line._last_said()
            parts = (
                []
                if not last
                else [
                    {"quantity": _plain(promise.quantity), "day": (promise.day or line.asked_day).isoformat()}
                    for promise in last.promises
                ]
            )
            if not last:
                parts = [{"quantity": _plain(line.asked_quantity), "day": line.asked_day.isoformat()}]
            rows.append(
                {
                    "id": line.id,
                    "description": line.description or line.product_id.display_name,
                    "unit": line.uom_id.name,
                    "quantity": _plain(line.asked_quantity),
                    "day": self._day_words(line.asked_day),
                    "price": _plain(line.asked_price),
                    "parts": (parts + [{"quantity": "", "day": ""}] * PARTS)[:PARTS],
                    "said_price": _plain(last.price if last and last.price is not None else line.asked_price),
                    "said": [
                        {"quantity": _plain(promise.quantity), "day": self._day_words(promise.day or line.asked_day)}
                        for promise in (last.promises if last else ())
                    ],
                    "rejected": bool(last and last.rejected),
                    "state": line.state,
                }
            )
        return rows

    def _day_words(self, day):
        """A day that nobody misreads, wherever the vendor is."""
        return format_date(self.env, day, date_format="d MMMM y")

    def _said_as_ordered(self):
        """Everything that is open as it was asked for."""
        self.ensure_one()
        return {
            line: Said([Promise(line.asked_quantity, line.asked_day)], line.asked_price)
            for line in self.line_ids
            if line.open_quantity
        }

    def _said_by_form(self, form):
        """``{line: Said}`` of the fields of a form.

        :raises UserError: a field makes no sense; the words are for the vendor
        """
        self.ensure_one()
        lines = {line.id: line for line in self.line_ids}
        values = {}
        for name, text in form.items():
            found = FIELD.fullmatch(name)
            if not found:
                continue
            what, number, part = found.groups()
            if int(number) not in lines:
                raise UserError(_("This page is not up to date. Open the link again."))
            values.setdefault(int(number), {})[what, part] = (text or "").strip()
        return {lines[number]: self._said_of_line(lines[number], own) for number, own in values.items()}

    def _said_of_line(self, line, values):
        name = line.description or line.product_id.display_name
        if values.get(("reject", None)):
            return Said(rejected=True)
        promises = []
        for part in range(1, PARTS + 1):
            quantity = self._number(values.get(("quantity", str(part)), ""), _("%s: quantity", name))
            day = self._day(values.get(("day", str(part)), ""), _("%s: day of arrival", name))
            if quantity:
                promises.append(Promise(quantity, day))
        price = self._number(values.get(("price", None), ""), _("%s: price", name))
        return Said(promises, price)

    def _number(self, text, label):
        try:
            return read_number(text[:40])
        except ValueError:
            raise UserError(_("%s is not a number that makes sense here.", label)) from None

    def _day(self, text, label):
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if not day or not 2000 <= day.year < 2100:
            raise UserError(_("%s: enter a day such as 2026-12-31.", label))
        return day


def _plain(number):
    """A number as an input field takes it: no grouping, no trailing zeros."""
    text = f"{float(number):.6f}".rstrip("0").rstrip(".")
    return text or "0"
