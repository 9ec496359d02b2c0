"""Who answers for an order: a person, never the system.

Rules, in words
---------------
* An order that is released without a buyer – replenishment makes quotations as the system, and vendors without a
  *Buyer* have nobody – gets one, where a company asks vendors, keeps scorecards or replenishes by runs.
* The buyer of the order counts. Else that of its vendor, whoever asked for its approval, whoever accepted the proposal
  it was made for, whoever releases it, made it, or started the run: the first who is a person and purchases.
* Where there is nobody, nobody is alerted: cases are nobody's then, and every buyer finds them.
"""

from odoo import SUPERUSER_ID, models

BUYS = "purchase.group_purchase_user"


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def _take_buyer(self):
        """Name the buyer of orders that have none, or the system."""
        wanted = self.sudo().filtered(
            lambda order: not order._is_buyer(order.user_id) and order.company_id._has_buyers_to_alert()
        )
        for order in wanted:
            buyer = order._responsible_buyer()
            if buyer:
                # Whoever it is finds the order among theirs; no mail in the transaction of another one.
                order.with_context(mail_auto_subscribe_no_notify=True).write({"user_id": buyer.id})

    def _responsible_buyer(self):
        """The person who is alerted about this order; nobody where there is none."""
        self.ensure_one()
        order = self.sudo()  # sudo: whoever meets something of the order, its buyer is told
        if order._is_buyer(order.user_id):
            return order.user_id
        candidates = (user for user in order._buyers_in_question() if order._is_buyer(user) and user.has_group(BUYS))
        return next(candidates, order.user_id.browse())

    def _is_buyer(self, user):
        """Whether somebody reads what is sent to `user` about this order: a person who works for its company."""
        return user._is_person() and self.company_id in user.company_ids

    def _buyers_in_question(self):
        """Users, the nearest first."""
        yield self.partner_id.buyer_id or self.partner_id.commercial_partner_id.buyer_id
        yield from (request.requester_id for request in self.approval_request_ids.sorted("id", reverse=True))
        proposals = self.env["distribution.replenishment.proposal"].search(
            [("purchase_line_id", "in", self.order_line.ids)], order="id desc"
        )
        yield from proposals.decided_by
        yield self.env.user
        yield self.create_uid
        yield from proposals.run_id.user_id


class ResUsers(models.Model):
    _inherit = "res.users"

    def _is_person(self):
        """Whether somebody reads what is sent to this user: not nobody, the system, or an account of the portal."""
        return bool(self) and self.active and not self.share and self.id != SUPERUSER_ID


class ResCompany(models.Model):
    _inherit = "res.company"

    def _has_buyers_to_alert(self):
        """Whether something in use here alerts the buyer of an order."""
        return self.confirmation_asked or self.scorecard_kept or self.replenishment_by == "suite"
