"""Purchase orders: asked when released, followed when changed; Odoo's own doors to promised dates lead here as well."""

from odoo import _, api, fields, models

from odoo.addons.distribution_approval.engine import Unknown
from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_CONFIRMED_STATES

from ..engine import Promise, Said
from ..engine.scorecard import parts_of
from .supplier_confirmation import QUESTION

#: What the vendor confirms.
WATCHED = frozenset({"product_qty", "price_unit", "discount", LINE_UOM, "product_id"})


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    supplier_confirmation_ids = fields.One2many(
        "distribution.supplier.confirmation",
        "order_id",
        readonly=True,
        groups="purchase.group_purchase_user,distribution_core.group_operations,distribution_core.group_auditor",
    )
    supplier_confirmation_state = fields.Selection(
        related="supplier_confirmation_ids.state", string="Vendor Confirmation"
    )
    supplier_confirmation_asked = fields.Boolean(
        related="supplier_confirmation_ids.is_asked", string="Vendor is Asked to Confirm"
    )

    # ------------------------------------------------------------
    # Released, changed, cancelled: whatever the door
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        orders = super().create(vals_list)
        orders._follow_confirmation(released=orders.filtered(lambda order: order.state in PURCHASE_CONFIRMED_STATES))
        return orders

    def write(self, vals):
        if "state" not in vals:
            return super().write(vals)
        before = {order.id: order.state for order in self}
        result = super().write(vals)
        self._follow_confirmation(
            released=self.filtered(
                lambda order: (
                    order.state in PURCHASE_CONFIRMED_STATES and before[order.id] not in PURCHASE_CONFIRMED_STATES
                )
            ),
            withdrawn=self.filtered(
                lambda order: (
                    order.state not in PURCHASE_CONFIRMED_STATES and before[order.id] in PURCHASE_CONFIRMED_STATES
                )
            ),
        )
        return result

    def _follow_confirmation(self, released, withdrawn=None):
        if released:
            released._take_buyer()
            self.env["distribution.supplier.confirmation"]._ask(released)
        if withdrawn:
            withdrawn.sudo().supplier_confirmation_ids._cancel()  # sudo: whoever may cancel the order

    def _lines_to_confirm(self):
        """The lines that bring goods."""
        return self.order_line.filtered(
            lambda line: (
                not line.display_type and line.product_qty > 0 and line.product_id and line.product_id.type != "service"
            )
        )

    def _prepare_confirmation(self):
        """What the vendor is asked to confirm."""
        self.ensure_one()
        lines = self._lines_to_confirm()
        contracts = self._prepare_contracts(lines)
        return {
            "name": self.name,
            "order_id": self.id,
            "partner_id": self.partner_id.commercial_partner_id.id,
            "company_id": self.company_id.id,
            "currency_id": self.currency_id.id,
            "asked_at": fields.Datetime.now(),
            "line_ids": [
                fields.Command.create({**line._prepare_confirmation_line(), **contracts[line]}) for line in lines
            ],
        }

    def _prepare_contracts(self, lines):
        """``{line: values}``: the contract price as it is now. Price lists are edited, what was agreed stays."""
        prices = self._approval_contract_prices() if lines else {}
        found = {}
        for line in lines:
            price = self._approval_contract_price(line, prices)
            kind = "none" if price is None else "unknown" if isinstance(price, Unknown) else "price"
            found[line] = {"contract": kind, "contract_price": float(price) if kind == "price" else 0.0}
        return found

    # ------------------------------------------------------------
    # Odoo's own reminders and answers
    # ------------------------------------------------------------

    @api.model
    def _get_orders_to_remind(self):
        """Orders with a confirmation are reminded by its clock, in working time, and not on one very day only."""
        orders = super()._get_orders_to_remind()
        return orders.filtered(lambda order: not order.sudo().supplier_confirmation_ids)

    def confirm_reminder_mail(self, confirmed_date=False):
        """17.0: called by *opening* a link; mail scanners do that. It confirms nothing that is asked properly."""
        plain = self.filtered(lambda order: not order.sudo().supplier_confirmation_ids)
        return super(PurchaseOrder, plain).confirm_reminder_mail(confirmed_date=confirmed_date) if plain else None

    def action_acknowledge(self):
        """19.0: the same link, and a button of the buyer's, which stays what it is."""
        orders = self
        if not self.env.user._is_internal():
            orders = self.filtered(lambda order: not order.sudo().supplier_confirmation_ids)
        return super(PurchaseOrder, orders).action_acknowledge() if orders else None

    def _update_date_planned_for_lines(self, updated_dates):
        """Dates that a vendor enters in the portal are promises like any other."""
        self.ensure_one()
        confirmation = self.sudo().supplier_confirmation_ids  # sudo: the portal checked whose order it is
        if not confirmation or not confirmation._is_open():
            return super()._update_date_planned_for_lines(updated_dates)
        asked = {line.order_line_id: line for line in confirmation.line_ids}
        said, others = {}, []
        for order_line, moment in updated_dates:
            line = asked.get(order_line.sudo())
            if line:
                day = fields.Datetime.context_timestamp(
                    order_line.with_context(tz=self.get_order_timezone().zone), moment
                ).date()
                quantity = line.promised_quantity or line.asked_quantity
                price = line.promised_price if line.promised_at else None
                said[line] = Said([Promise(quantity, day)], price)
            else:
                others.append((order_line, moment))
        if said:
            confirmation._answer("portal", said)
        if others:
            super()._update_date_planned_for_lines(others)
        return None

    # ------------------------------------------------------------
    # For people
    # ------------------------------------------------------------

    def action_open_confirmation(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Vendor Confirmation"),
            "res_model": "distribution.supplier.confirmation",
            "res_id": self.sudo().supplier_confirmation_ids.id,  # sudo: its number only; opening it takes the right
            "views": [(False, "form")],
        }


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._follow_confirmation()
        return lines

    def write(self, vals):
        result = super().write(vals)
        if WATCHED & vals.keys():
            self._follow_confirmation()
        return result

    def _follow_confirmation(self):
        """Lines of a confirmed order were added or changed: what was promised fits now, or is asked again."""
        orders = self.sudo().order_id.filtered(lambda order: order.state in PURCHASE_CONFIRMED_STATES)
        if orders:
            orders.supplier_confirmation_ids._order_changed()

    def _confirmation_day(self):
        """The day on which the line is expected, where the order's people are."""
        self.ensure_one()
        return self._day_at_order(self.date_planned) if self.date_planned else False

    def _day_at_order(self, moment):
        """The day of a moment where the order's people are."""
        zone = self.order_id.get_order_timezone().zone
        return fields.Datetime.context_timestamp(self.with_context(tz=zone), moment).date()

    def _prepare_confirmation_line(self):
        """What the vendor is asked to confirm."""
        self.ensure_one()
        return {
            "order_line_id": self.id,
            "sequence": self.sequence,
            "product_id": self.product_id.id,
            "description": (self.name or "").split("\n")[0][:200],
            "uom_id": self[LINE_UOM].id,
            "asked_quantity": self.product_qty,
            "asked_day": self._confirmation_day(),
            "asked_price": self.price_unit * (1 - (self.discount or 0.0) / 100),
        }


class SupplierConfirmation(models.Model):
    _inherit = "distribution.supplier.confirmation"

    def _order_changed(self):
        """The order was changed: where it is as promised now, fine; else the vendor is asked again."""
        again = self.browse()
        for confirmation in self.filtered(lambda one: one.state != "cancelled"):
            known = {line.order_line_id.id for line in confirmation.line_ids}
            news = confirmation.order_id._lines_to_confirm().filtered(lambda line, known=known: line.id not in known)
            contracts = confirmation.order_id._prepare_contracts(news)
            for order_line in news:
                confirmation.line_ids.create(
                    {
                        **order_line._prepare_confirmation_line(),
                        **contracts[order_line],
                        "confirmation_id": confirmation.id,
                    }
                )
                again |= confirmation
            for line in confirmation.line_ids.filtered("order_line_id"):
                if line.promised_at and line.promised_quantity and not line._order_values():
                    if line.state in ("proposed", "differs"):
                        line.write({"state": "confirmed", "hindrance": False})
                elif line._is_asked_differently():
                    line._ask_for_present()
                    again |= confirmation
        again.filtered(lambda one: one.state == "closed").write({"state": "waiting"})
        for confirmation in again:
            confirmation.write({**QUESTION, "asked_at": fields.Datetime.now()})
        self._restate()
        again._asked()


class SupplierConfirmationLine(models.Model):
    _inherit = "distribution.supplier.confirmation.line"

    def _is_asked_differently(self):
        """Whether the order line was changed since it was asked for; days do not count."""
        self.ensure_one()
        values = self.order_line_id._prepare_confirmation_line()
        return any(values[name] != self[name] for name in ("asked_quantity", "asked_price")) or (
            values["uom_id"] != self.uom_id.id or values["product_id"] != self.product_id.id
        )

    def _ask_for_present(self):
        """Ask for quantity and price as they are on the order now; the day asked for first stays."""
        for line in self:
            values = line.order_line_id._prepare_confirmation_line()
            values.pop("asked_day")
            if values["asked_quantity"] < line.asked_quantity:
                values["owed_quantity"] = max(line.owed_quantity, line._due_by_now())
            line.write({**values, "state": "waiting", "hindrance": False})

    def _due_by_now(self):
        """The quantity whose day is past."""
        self.ensure_one()
        today = self.company_id._day_of(fields.Datetime.now())
        firsts = [(promise.day, promise.quantity) for promise in self.promise_ids if promise.is_first]
        parts = parts_of(self.id, self.asked_day, self.asked_quantity, firsts) if self.asked_day else []
        return float(sum(part.quantity for part in parts if part.due < today))
