"""One line of a confirmation: what was asked, what was promised first, what is promised now."""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date, formatLang

from odoo.addons.distribution_core.append_only import protect_columns

from ..engine import Asked

LINE_STATES = [
    ("waiting", "Waiting"),
    ("confirmed", "Confirmed"),
    ("proposed", "Change waits for approval"),
    ("differs", "Differs"),
    ("rejected", "Rejected"),
]
FIRST = ("first_answered_at", "first_promised_quantity", "first_promised_day")


class SupplierConfirmationLine(models.Model):
    _name = "distribution.supplier.confirmation.line"
    _description = "Vendor Confirmation Line"
    _order = "confirmation_id, sequence, id"
    _rec_name = "description"

    confirmation_id = fields.Many2one(
        "distribution.supplier.confirmation", required=True, readonly=True, index=True, ondelete="restrict"
    )
    sequence = fields.Integer(readonly=True)
    order_line_id = fields.Many2one("purchase.order.line", readonly=True, index="btree_not_null", ondelete="set null")
    product_id = fields.Many2one("product.product", required=True, readonly=True, index=True, ondelete="restrict")
    description = fields.Char(readonly=True)
    uom_id = fields.Many2one("uom.uom", "Unit", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one(related="confirmation_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(related="confirmation_id.partner_id", store=True)
    currency_id = fields.Many2one(related="confirmation_id.currency_id")
    state = fields.Selection(LINE_STATES, required=True, readonly=True, default="waiting", index=True)
    asked_quantity = fields.Float(readonly=True, digits=0)
    asked_day = fields.Date(readonly=True)
    asked_price = fields.Float(readonly=True, digits=0, help="Net, per unit.")
    owed_quantity = fields.Float(
        readonly=True, digits=0, help="What was due when the order was made smaller; it stays due."
    )
    contract = fields.Selection(
        [("price", "Contract price"), ("none", "No contract"), ("unknown", "Not comparable")],
        readonly=True,
        help="As it was when the order was released; empty: not kept then.",
    )
    contract_price = fields.Float(readonly=True, digits=0, help="Net, per unit, in the currency of the order.")
    first_answered_at = fields.Datetime(readonly=True, help="Kept for ever, as is what was promised then.")
    first_promised_quantity = fields.Float(readonly=True, digits=0)
    first_promised_day = fields.Date(readonly=True, help="When the last of it was to arrive.")
    promised_quantity = fields.Float(readonly=True, digits=0)
    promised_day = fields.Date(readonly=True, index="btree_not_null")
    promised_price = fields.Float(readonly=True, digits=0)
    promised_at = fields.Datetime(readonly=True)
    promise_ids = fields.One2many("distribution.supplier.promise", "line_id", readonly=True)
    hindrance = fields.Char(readonly=True, help="Why a promise could not be applied to the order.")
    checked_day = fields.Date(readonly=True, help="The promised day about which the vendor was asked again.")
    late_day = fields.Date(readonly=True, help="The promised day that passed without the goods.")
    open_quantity = fields.Float(compute="_compute_open_quantity", compute_sudo=True, digits=0)
    days_late = fields.Integer("Later (days)", compute="_compute_days_late", help="Promised later than asked for.")
    difference = fields.Char(compute="_compute_difference")

    _sql_constraints = [("order_line_unique", "UNIQUE (order_line_id)", "An order line is confirmed once.")]

    def init(self):
        protect_columns(self.env.cr, self._table, FIRST, when="OLD.first_answered_at IS NOT NULL", name="first_promise")

    # ------------------------------------------------------------
    # Computes
    # ------------------------------------------------------------

    @api.depends("order_line_id.product_qty", "order_line_id.qty_received", "order_line_id.move_ids.state")
    def _compute_open_quantity(self):
        for line in self:
            order_line = line.order_line_id
            moves = order_line.move_ids
            # Nothing more comes of what was received in part and called off for the rest, or was sent back.
            if not order_line or (moves and all(move.state in ("done", "cancel") for move in moves)):
                line.open_quantity = 0.0
            else:
                line.open_quantity = max(order_line.product_qty - order_line.qty_received, 0.0)

    @api.depends("promised_day", "asked_day")
    def _compute_days_late(self):
        for line in self:
            line.days_late = (line.promised_day - line.asked_day).days if line.promised_day and line.asked_day else 0

    @api.depends("promised_quantity", "promised_day", "promised_price", "state", "asked_quantity", "asked_price")
    def _compute_difference(self):
        for line in self:
            line.difference = ", ".join(line._difference_words())

    def _difference_words(self):
        """What is not as asked, in words."""
        self.ensure_one()
        if self.state == "rejected":
            return [_("rejected")]
        if not self.promised_at:
            return []
        words = []
        if self.promised_quantity != self.asked_quantity:
            words.append(
                _(
                    "%(promised)s instead of %(asked)s %(unit)s",
                    promised=formatLang(self.env, self.promised_quantity, digits=2),
                    asked=formatLang(self.env, self.asked_quantity, digits=2),
                    unit=self.uom_id.name,
                )
            )
        if self.promised_day != self.asked_day:
            words.append(
                _(
                    "on %(promised)s instead of %(asked)s",
                    promised=format_date(self.env, self.promised_day),
                    asked=format_date(self.env, self.asked_day),
                )
            )
        if self.promised_price != self.asked_price:
            words.append(
                _(
                    "at %(promised)s instead of %(asked)s",
                    promised=formatLang(self.env, self.promised_price, digits=4),
                    asked=formatLang(self.env, self.asked_price, digits=4),
                )
            )
        return words

    # ------------------------------------------------------------
    # CRUD: methods only
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._check_engine()
        return super().create(vals_list)

    def write(self, vals):
        self._check_engine()
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Confirmations are kept: the scorecard of the vendor rests on them."))

    def _check_engine(self):
        if not self.env.su:
            raise AccessError(_("Confirmations are written by what the vendor says. Use the buttons."))

    # ------------------------------------------------------------
    # What is asked
    # ------------------------------------------------------------

    def _asked(self):
        """As the engine takes it."""
        self.ensure_one()
        return Asked(self.asked_quantity, self.asked_day, self.asked_price)

    def _follow_order(self, order):
        """Ask for what the order says now; lines that it has more are added."""
        known = {line.order_line_id: line for line in self}
        lines = order._lines_to_confirm()
        contracts = order._prepare_contracts(lines)
        for order_line in lines:
            values = {**order_line._prepare_confirmation_line(), **contracts[order_line]}
            line = known.get(order_line)
            if not line:
                self.create({**values, "confirmation_id": order.supplier_confirmation_ids.id})
                continue
            if line._was_due_when_cancelled():
                # It was late already: a new day does not undo that.
                values.pop("asked_day")
                values["owed_quantity"] = max(line.owed_quantity, line.asked_quantity)
            line.write({**values, "state": "waiting", "hindrance": False})

    def _was_due_when_cancelled(self):
        self.ensure_one()
        moment = self.confirmation_id.cancelled_at
        return bool(moment and self.asked_day and self.asked_day < self.company_id._day_of(moment))

    def _facts(self):
        self.ensure_one()
        return {
            "line_id": self.order_line_id.id or None,
            "product_id": self.product_id.id,
            "quantity": self.asked_quantity,
            "day": self.asked_day.isoformat() if self.asked_day else None,
            "price": self.asked_price,
        }

    # ------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------

    def action_open_document(self):
        """The confirmation that this is a line of."""
        self.ensure_one()
        return self.confirmation_id.get_formview_action()

    def action_accept(self):
        """Take what the vendor promises: days at once, quantity and price by an amendment where it is governed."""
        for confirmation in self.confirmation_id:
            engine = confirmation._check_buyer()
            lines = engine.line_ids & self.sudo()
            wrong = lines.filtered(lambda line: line.state != "differs")
            if wrong:
                raise UserError(_("Nothing differs on %s.", ", ".join(wrong.product_id.mapped("display_name"))))
            engine._apply_promises(lines, buyer=self.env.user, strict=True)
        return True
