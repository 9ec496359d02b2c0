"""What a vendor said, kept for ever: every answer, and the promises in it.

The first promise of a line is that of the first answer that promises something for it. Nothing replaces it: these rows
are append-only in the database, whoever writes.
"""

from odoo import _, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.append_only import protect_append_only

from ..engine import Promise, Said, judge, says_the_same
from .supplier_confirmation import DOORS

#: An order is not answered more often than this: somebody should call.
MAX_ANSWERS = 100


class SupplierAnswer(models.Model):
    _name = "distribution.supplier.answer"
    _description = "Vendor's Answer"
    _inherit = ["distribution.engine.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "answered_at"

    confirmation_id = fields.Many2one(
        "distribution.supplier.confirmation", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="confirmation_id.company_id")
    door = fields.Selection(DOORS, required=True, readonly=True)
    answered_at = fields.Datetime(required=True, readonly=True)
    told_at = fields.Datetime("Said by the Vendor", readonly=True, help="As the vendor's system, or the buyer, says.")
    # A plain number: a user who is deleted does not rewrite what was said.
    user_ref = fields.Integer("User Reference", readonly=True)
    link_ref = fields.Integer("Link Reference", readonly=True)
    vendor_reference = fields.Char("Vendor's Number", readonly=True)
    note = fields.Text(readonly=True)
    promise_ids = fields.One2many("distribution.supplier.promise", "answer_id", readonly=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)


class SupplierPromise(models.Model):
    _name = "distribution.supplier.promise"
    _description = "Vendor's Promise"
    _inherit = ["distribution.engine.evidence"]
    _log_access = False
    _order = "id"
    _rec_name = "day"

    answer_id = fields.Many2one(
        "distribution.supplier.answer", required=True, readonly=True, index=True, ondelete="restrict"
    )
    line_id = fields.Many2one(
        "distribution.supplier.confirmation.line", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="line_id.company_id")
    answered_at = fields.Datetime(related="answer_id.answered_at")
    door = fields.Selection(related="answer_id.door")
    quantity = fields.Float(required=True, readonly=True, digits=0)
    day = fields.Date(readonly=True)
    price = fields.Float(readonly=True, digits=0)
    is_rejected = fields.Boolean("Rejected", readonly=True)
    is_first = fields.Boolean("First Promise", readonly=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)


class SupplierConfirmation(models.Model):
    _inherit = "distribution.supplier.confirmation"

    def _answer(self, door, said, *, told_at=None, vendor_reference=None, note=None, link=None):
        """Take in what the vendor says, and act on it.

        :param door: one of ``DOORS``
        :param said: ``{confirmation line: Said}``; lines that are not named stay as they are
        :return: the answer; nothing when it says nothing new
        :raises UserError: what was said makes no sense, or nothing can be said any more
        """
        self.ensure_one()
        engine = self.sudo()  # sudo: the door checked who speaks; the vendor has no rights here
        said = {line.sudo(): one for line, one in said.items()}
        # Two answers at the same time take turns.
        self.env.cr.execute("SELECT state FROM distribution_supplier_confirmation WHERE id = %s FOR UPDATE", (self.id,))
        engine.invalidate_recordset()
        if not engine._is_open():
            raise UserError(_("%s: this order does not wait for a confirmation any more.", self.name))
        if len(engine.answer_ids) >= MAX_ANSWERS:
            raise UserError(_("%s was answered very often. Please call us.", self.name))
        strange = [line for line in said if line not in engine.line_ids]
        if strange:
            raise UserError(_("A line does not belong to this order."))
        engine._check_said(said)
        news = {
            line: one
            for line, one in said.items()
            if not says_the_same(line._last_said(), one, line._asked()) or line.state == "waiting"
        }
        if not news:
            return self.env["distribution.supplier.answer"]
        now = fields.Datetime.now()
        answer = engine.env["distribution.supplier.answer"].create(
            {
                "confirmation_id": engine.id,
                "door": door,
                "answered_at": now,
                "told_at": told_at or now,
                "user_ref": self.env.uid,
                "link_ref": link.id if link else False,
                "vendor_reference": vendor_reference,
                "note": note,
                "promise_ids": [
                    fields.Command.create(values) for line, one in news.items() for values in line._promise_values(one)
                ],
            }
        )
        for line, one in news.items():
            line._note(one, now)
        values = {"is_acknowledged": all(line.promised_at or line.state == "rejected" for line in engine.line_ids)}
        if not engine.first_answer_at:
            hours = self.env["distribution.case"]._working_hours(engine.company_id, engine.asked_at, now)
            values.update(first_answer_at=now, answer_hours=hours)
        if vendor_reference:
            values["vendor_reference"] = vendor_reference
        engine.write(values)
        if link:
            link.sudo().write({"used_at": now})
        engine._mirror_acknowledgement()
        engine._record_fact("answered", lambda one: one._answer_facts(answer))
        engine._judge_lines(news)
        return answer

    def _check_said(self, said):
        """Raise UserError, in words for the vendor, where an answer makes no sense."""
        for line, one in said.items():
            for _field, problem in one.problems():
                raise UserError(_("%(product)s: %(problem)s", product=line.product_id.display_name, problem=problem))
            if any(promise.quantity > 10**9 for promise in one.promises):
                raise UserError(_("%s: this quantity is too large.", line.product_id.display_name))
            if one.price is not None and one.price > 10**12:
                raise UserError(_("%s: this price is too high.", line.product_id.display_name))

    def _judge_lines(self, said):
        """Compare, apply what is within tolerance, open or close the case."""
        self.ensure_one()
        zone = self.order_id.get_order_timezone().zone if self.order_id else None
        today = self.company_id._day_of(fields.Datetime.now(), zone)
        tolerances = self.env["distribution.supplier.tolerance"]._for(
            self.company_id, self.partner_id, self.env["product.product"].union(*(line.product_id for line in said))
        )
        expected = {line: line._expectation() for line in said if line.order_line_id}
        applicable = self.env["distribution.supplier.confirmation.line"]
        for line, one in said.items():
            limits = tolerances[line.product_id]._limits(self.company_id)
            verdict = judge(line._asked(), one, limits, today)
            if verdict.day_to_apply:
                line._move_to(verdict.day_to_apply, one)
            if verdict.outcome == "case":
                line.write({"state": "rejected" if one.rejected or not one.quantity else "differs", "hindrance": False})
            elif not line._order_values():
                # As the order is, or on another day – which the vendor may have taken back just now.
                line._move_to(one.day(line._asked()), one)
                line.write({"state": "confirmed", "hindrance": False})
            else:
                applicable |= line
        if applicable:
            self._apply_promises(applicable)
        self._settle()
        self._tell_delays(expected)

    def _answer_facts(self, answer):
        return {
            **self._facts(),
            "answer_id": answer.id,
            "door": answer.door,
            "lines": [
                {
                    "line_id": promise.line_id.order_line_id.id or None,
                    "product_id": promise.line_id.product_id.id,
                    "quantity": promise.quantity,
                    "day": promise.day.isoformat() if promise.day else None,
                    "price": promise.price,
                    "rejected": promise.is_rejected,
                    "first": promise.is_first,
                }
                for promise in answer.promise_ids
            ],
        }


class SupplierConfirmationLine(models.Model):
    _inherit = "distribution.supplier.confirmation.line"

    def _last_said(self):
        """The last thing that the vendor said of this line, as the engine takes it; None: nothing."""
        self.ensure_one()
        last = self.promise_ids.answer_id.sorted("id")[-1:]
        promises = self.promise_ids.filtered(lambda promise: promise.answer_id == last)
        if not promises:
            return None
        if promises[0].is_rejected:
            return Said(rejected=True)
        return Said([Promise(promise.quantity, promise.day) for promise in promises], promises[0].price)

    def _promise_values(self, said):
        """Rows of one answer for this line; a price or day that is not named is the one asked for."""
        self.ensure_one()
        shared = {
            "line_id": self.id,
            "price": float(self.asked_price if said.price is None else said.price),
            "is_rejected": said.rejected,
            "is_first": not self.first_answered_at and said.quantity > 0,
        }
        if said.rejected:
            return [{**shared, "quantity": 0.0, "day": False}]
        return [
            {**shared, "quantity": float(promise.quantity), "day": promise.day or self.asked_day}
            for promise in said.promises
        ]

    def _note(self, said, now):
        """Take the promise over as the present one, and as the first one where there is none."""
        self.ensure_one()
        day = said.day(self._asked())
        values = {
            "promised_quantity": float(said.quantity),
            "promised_day": day if said.quantity else False,
            "promised_price": float(self.asked_price if said.price is None else said.price),
            "promised_at": now,
        }
        if not self.first_answered_at and said.quantity > 0:
            values.update(first_answered_at=now, first_promised_quantity=float(said.quantity), first_promised_day=day)
        self.write(values)
