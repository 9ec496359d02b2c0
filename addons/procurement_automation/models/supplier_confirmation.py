"""What we wait for: a vendor's confirmation of an order.

Rules, in words
---------------
* An order that is released is confirmed by its vendor: line by line, quantity, day and price. It has one confirmation,
  with one line per order line that brings goods.
* What the vendor says comes in by four doors – the link, the portal, the API, a buyer who was told – and all of them
  end in :meth:`SupplierConfirmation._answer`. What was said is kept for ever (``supplier_answer.py``).
* State, promises and clock are set by the methods only.
* Where scorecards are kept, an order whose vendor is not asked gets one as well: it holds the days that were asked for.
* An order that is cancelled, or changed, takes its questions back; a released change asks again.
"""

import hashlib

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_CONFIRMED_STATES, check_access
from odoo.addons.distribution_core.engine.canonical import canonical_json

from ..engine import state_of

STATES = [
    ("waiting", "Waiting for the vendor"),
    ("partial", "Answered in part"),
    ("proposed", "Change waits for approval"),
    ("differs", "Differs"),
    ("confirmed", "Confirmed"),
    ("closed", "Arrived"),
    ("cancelled", "Cancelled"),
]
#: States in which the vendor may (still) say something.
OPEN_STATES = ("waiting", "partial", "proposed", "differs", "confirmed")
#: A question that is new: no step was taken, nobody answered.
QUESTION = {"steps": "{}", "is_overdue": False, "is_acknowledged": False}
#: How an answer came in.
DOORS = [("link", "Link"), ("portal", "Portal"), ("api", "API"), ("buyer", "Told to a buyer")]


class SupplierConfirmation(models.Model):
    _name = "distribution.supplier.confirmation"
    _description = "Vendor Confirmation"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "asked_at desc, id desc"

    name = fields.Char("Order", required=True, readonly=True)
    order_id = fields.Many2one(
        "purchase.order", "Purchase Order", readonly=True, ondelete="set null", index="btree_not_null"
    )
    partner_id = fields.Many2one("res.partner", "Vendor", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    user_id = fields.Many2one(related="order_id.user_id", string="Buyer", store=True, index="btree_not_null")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    state = fields.Selection(STATES, required=True, readonly=True, default="waiting", index=True, tracking=True)
    line_ids = fields.One2many("distribution.supplier.confirmation.line", "confirmation_id", readonly=True)
    answer_ids = fields.One2many("distribution.supplier.answer", "confirmation_id", readonly=True)
    link_ids = fields.One2many("distribution.supplier.link", "confirmation_id", readonly=True)
    case_ids = fields.Many2many("distribution.case", compute="_compute_case_ids")
    is_asked = fields.Boolean("Vendor is Asked", readonly=True, default=True)
    asked_at = fields.Datetime("Asked", required=True, readonly=True)
    first_answer_at = fields.Datetime("First Answer", readonly=True)
    answer_hours = fields.Float(
        "Answer Time (hours)", readonly=True, group_operator="avg", help="Working hours until the first answer."
    )
    unanswered = fields.Integer(
        compute="_compute_unanswered",
        store=True,
        help="1 where the vendor was asked and did not say anything yet; such an order has no answer time.",
    )
    cancelled_at = fields.Datetime("Cancelled", readonly=True, help="What was due before then stays due.")
    vendor_reference = fields.Char("Vendor's Number", readonly=True)
    is_acknowledged = fields.Boolean("Every Line Answered", readonly=True)

    _sql_constraints = [("order_unique", "UNIQUE (order_id)", "This order is confirmed once.")]

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

    @api.depends("is_asked", "first_answer_at")
    def _compute_unanswered(self):
        for confirmation in self:
            confirmation.unanswered = int(confirmation.is_asked and not confirmation.first_answer_at)

    def _compute_case_ids(self):
        # Those that the reader may see.
        cases = self.env["distribution.case"].search([("dedup_key", "in", [one._case_key() for one in self])])
        for confirmation in self:
            confirmation.case_ids = cases.filtered(lambda case, own=confirmation: case.dedup_key == own._case_key())

    def _case_key(self):
        self.ensure_one()
        return f"supplier_confirmation:{self.id}"

    # ------------------------------------------------------------
    # Asking
    # ------------------------------------------------------------

    @api.model
    def _ask(self, orders):
        """Ask the vendors of ``orders``, as far as they are to be asked; after this transaction, by the job."""
        # sudo: whoever released the order, its vendor is asked
        engine = self.sudo()
        wanted = orders.sudo().filtered(
            lambda order: order.partner_id and order.partner_id._is_asked_to_confirm(order.company_id)
        )
        orders = wanted | orders.sudo().filtered(lambda order: order.partner_id and order.company_id.scorecard_kept)
        known = engine.search([("order_id", "in", orders.ids)])
        again = known.filtered(lambda one: one.state == "cancelled")
        again._ask_again()
        new = (orders - known.order_id).filtered(lambda order: order._lines_to_confirm())
        asked = engine.create([{**order._prepare_confirmation(), "is_asked": order in wanted} for order in new])
        asked._asked()
        return asked | again

    def _asked(self):
        asked = self.filtered("is_asked")
        asked._record_fact("asked", lambda one: {**one._facts(), "lines": [line._facts() for line in one.line_ids]})
        self.env["distribution.supplier.link"]._queue(asked, "ask")
        self._plan_steps()

    def _ask_again(self):
        """The order came back, as it was or changed: what it asks for now is asked."""
        for confirmation in self:
            confirmation.line_ids._follow_order(confirmation.order_id)
            confirmation.write(
                {**QUESTION, "asked_at": fields.Datetime.now(), "state": "waiting", "cancelled_at": False}
            )
            confirmation._restate()
        self._asked()

    def _cancel(self):
        """Nothing is asked any more."""
        # sudo: whoever cancelled the order
        live = self.sudo().filtered(lambda one: one.state in OPEN_STATES)
        if not live:
            return
        live.write({"state": "cancelled", "next_step_at": False, "cancelled_at": fields.Datetime.now()})
        live.link_ids._revoke()
        live._record_fact("cancelled", lambda one: one._facts())
        self.env["distribution.case"]._mend([one._case_key() for one in live], _("The order was cancelled."))
        live.activity_unlink(["mail.mail_activity_data_todo"])

    def _restate(self):
        """Set the state by those of the lines."""
        for confirmation in self:
            if confirmation.state not in OPEN_STATES or not confirmation.line_ids:
                continue
            state = state_of(confirmation.line_ids.mapped("state"))
            if state != confirmation.state:
                confirmation.write({"state": state})
        done = self.filtered(lambda one: one.state == "confirmed")
        self.env["distribution.case"]._mend(
            [one._case_key() for one in done], _("The vendor's confirmation is in order now.")
        )
        done.activity_unlink(["mail.mail_activity_data_todo"])

    def _is_open(self):
        """Whether the vendor may say something."""
        self.ensure_one()
        return self.state in OPEN_STATES and self.sudo().order_id.state in PURCHASE_CONFIRMED_STATES

    def _digest(self):
        """What is shown to the vendor, as one number: an answer names the one that it answers."""
        self.ensure_one()
        shown = [
            [
                line.id,
                line.asked_quantity,
                line.asked_day,
                line.asked_price,
                line.order_line_id[LINE_UOM].id,
                line.state,
            ]
            for line in self.line_ids
        ]
        text = canonical_json([self.id, self.state == "cancelled", shown])
        return hashlib.sha256(text.encode()).hexdigest()

    # ------------------------------------------------------------
    # Ledger
    # ------------------------------------------------------------

    def _facts(self):
        self.ensure_one()
        return {
            "order_id": self.order_id.id or None,
            "vendor_id": self.partner_id.id,
            "currency": self.currency_id.name,
        }

    def _record_fact(self, fact, data):
        # sudo: the ledger is written for whoever acts
        return (
            self.env["distribution.event"]
            .sudo()
            ._record(
                f"distribution.supplier_confirmation.{fact}.v1",
                self,
                data,
                correlation=lambda one: f"purchase.order,{one.order_id.id}" if one.order_id else None,
            )
        )

    # ------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------

    def _check_buyer(self):
        """Raise AccessError unless the present user may change the orders. Returns them as superuser."""
        if not self.env.su:
            if not self.env.user.has_group("purchase.group_purchase_user"):
                raise AccessError(_("Confirmations are handled by buyers."))
            check_access(self, "read")
            check_access(self.order_id, "write")
        return self.sudo()

    def action_accept(self):
        """Take what the vendor promises, for every line that differs."""
        self.line_ids.filtered(lambda line: line.state == "differs").action_accept()
        return True

    def action_ask_again(self):
        """Insist: the vendor is asked again for what was ordered."""
        confirmations = self._check_buyer()
        closed = confirmations.filtered(lambda one: not one._is_open())
        if closed:
            raise UserError(_("Nothing can be asked any more for %s.", ", ".join(closed.mapped("name"))))
        for confirmation in confirmations:
            confirmation.line_ids.filtered(lambda line: line.state in ("differs", "rejected")).write(
                {"state": "waiting"}
            )
            confirmation.write({**QUESTION, "is_asked": True, "asked_at": fields.Datetime.now()})
        confirmations._restate()
        self.env["distribution.supplier.link"]._queue(confirmations, "ask")
        confirmations._plan_steps()
        return True

    def action_revoke_links(self):
        """Make every link that was sent worthless."""
        self._check_buyer().link_ids._revoke()
        return True

    def action_open_order(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "purchase.order",
            "res_id": self.order_id.id,
            "views": [(False, "form")],
        }
