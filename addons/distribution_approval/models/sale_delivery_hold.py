"""A hold on the deliveries of an order, set by hand with a reason: by sales, finance or operations.

Rules, in words
---------------
* Sales managers, finance and operations hold deliveries; who holds them says why.
* Who lets them go says why as well. It is never somebody whose order it is, and what is held for the money or
  for suspected fraud is let go by finance only.
* To hold for another reason what is held already is to lift the one hold and set the other.
"""

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_datetime

from odoo.addons.distribution_core.compat import check_access

HOLD_REASONS = [
    ("payment", "Payment is awaited"),
    ("credit", "Credit of the customer"),
    ("customer", "The customer asked to wait"),
    ("quality", "Quality"),
    ("documents", "Documents are missing"),
    ("fraud", "Suspected fraud"),
    ("other", "Other"),
]
HOLD_FIELDS = frozenset({"delivery_hold_reason", "delivery_hold_note", "delivery_hold_user_id", "delivery_hold_since"})
FINANCE = ("account.group_account_invoice",)
#: Who may set a hold, and lift it.
HOLDERS = ("sales_team.group_sale_manager", *FINANCE, "distribution_core.group_operations")
#: Reasons for which it takes others to lift a hold.
LIFTERS = {"payment": FINANCE, "credit": FINANCE, "fraud": FINANCE}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    delivery_hold_reason = fields.Selection(
        HOLD_REASONS, readonly=True, copy=False, index="btree_not_null", help="Deliveries of this order are held."
    )
    delivery_hold_note = fields.Char(readonly=True, copy=False)
    delivery_hold_user_id = fields.Many2one("res.users", string="Deliveries Held By", readonly=True, copy=False)
    delivery_hold_since = fields.Datetime(readonly=True, copy=False)
    delivery_hold_summary = fields.Char(compute="_compute_delivery_hold_summary")
    can_hold_deliveries = fields.Boolean(compute="_compute_can_hold_deliveries")
    can_lift_delivery_hold = fields.Boolean(compute="_compute_can_lift_delivery_hold")

    @api.depends(*HOLD_FIELDS)
    @api.depends_context("tz", "lang")
    def _compute_delivery_hold_summary(self):
        for order in self:
            since = order.delivery_hold_since
            order.delivery_hold_summary = order.delivery_hold_reason and _(
                "%(hold)s (since %(since)s)",
                hold=order._delivery_hold_words(),
                since=format_datetime(self.env, since, dt_format="short") if since else "",
            )

    @api.depends_context("uid")
    def _compute_can_hold_deliveries(self):
        self.can_hold_deliveries = self._may_hold_deliveries()

    @api.depends("delivery_hold_reason", "user_id")
    @api.depends_context("uid")
    def _compute_can_lift_delivery_hold(self):
        for order in self:
            order.can_lift_delivery_hold = bool(order.delivery_hold_reason) and not order._delivery_hold_stays_because()

    def _delivery_hold_stays_because(self):
        """Why the *real* user does not lift the hold of this order, in a sentence; empty when they may."""
        self.ensure_one()
        order = self.sudo()  # who made an order is no secret here
        lifters = LIFTERS.get(order.delivery_hold_reason, HOLDERS)
        if not any(self.env.user.has_group(group) for group in lifters):
            return (
                _("%s: what Finance holds, Finance lets go.", order.name)
                if lifters == FINANCE
                else _("Sales managers, finance and operations hold deliveries and let them go.")
            )
        involved = self.env["distribution.approval.involvement"].sudo()._user_ids(order)
        if self.env.user in order._approval_owners() or self.env.uid in involved:
            return _("%s is an order of yours: somebody else lets its deliveries go.", order.name)
        return ""

    @api.model
    def _may_hold_deliveries(self):
        """The *real* user decides: ``sudo()`` does not help."""
        return any(self.env.user.has_group(group) for group in HOLDERS)

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(
            [{**vals, **dict.fromkeys(HOLD_FIELDS, False)} for vals in vals_list]  # also against context defaults
        )

    def write(self, vals):
        if HOLD_FIELDS & vals.keys():
            raise AccessError(_("Hold deliveries, or let them go, with the buttons of the order."))
        return super().write(vals)

    def action_hold_deliveries(self, reason, note=False):
        """Hold the deliveries of these orders.

        :param reason: one of the reasons of ``delivery_hold_reason``
        :param note: what more there is to say
        """
        self._check_may_hold()
        if reason not in dict(HOLD_REASONS):
            raise UserError(_("reason: choose why the deliveries are held."))
        self.filtered(lambda order: order.delivery_hold_reason not in (False, reason))._check_may_lift()
        self._delivery_hold_turn()
        for order in self:
            # Written past the guard above by a procedure that has checked the right to do so itself.
            models.BaseModel.write(
                order.sudo(),
                {
                    "delivery_hold_reason": reason,
                    "delivery_hold_note": note,
                    "delivery_hold_user_id": self.env.uid,
                    "delivery_hold_since": fields.Datetime.now(),
                },
            )
            order.message_post(body=order._delivery_hold_words())
        self._approval_event("delivery_hold_set", {"reason": reason})
        return True

    def action_lift_delivery_hold(self, reason=False):
        """Let the deliveries of these orders go again.

        :param reason: why they may go, in words
        """
        self._check_may_hold()
        held = self.filtered("delivery_hold_reason")
        held._check_may_lift()
        words = self.env["distribution.approval.task"]._text("reason", reason)
        if not words:
            raise UserError(_("reason: say why the deliveries may go."))
        held._approval_event("delivery_hold_lifted", lambda order: {"reason": order.delivery_hold_reason, "why": words})
        models.BaseModel.write(held.sudo(), dict.fromkeys(HOLD_FIELDS, False))
        for order in held:
            order.message_post(body=_("Deliveries are not held any more: %s", words))
        return True

    def _delivery_hold_turn(self):
        """Who holds deliveries of these orders and who judges one take turns: goods leave before the hold or not."""
        # sudo: the turn is no business of a person
        turns = self.env["distribution.approval.turn"].sudo()
        turns._take_rows(("delivery_hold_order", order.company_id.id, order.id) for order in self)

    def _check_may_hold(self):
        check_access(self, "read")
        if not self._may_hold_deliveries():
            raise AccessError(_("Sales managers, finance and operations hold deliveries and let them go."))

    def _check_may_lift(self):
        for order in self:
            if why := order._delivery_hold_stays_because():
                raise AccessError(why)

    def _delivery_hold_words(self):
        self.ensure_one()
        label = dict(self._fields["delivery_hold_reason"]._description_selection(self.env))[self.delivery_hold_reason]
        words = _("Deliveries held by %(user)s: %(reason)s", user=self.delivery_hold_user_id.name, reason=label)
        return f"{words} – {self.delivery_hold_note}" if self.delivery_hold_note else words
