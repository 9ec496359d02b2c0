"""Credit release: the delivery of an order whose customer went over the limit after confirmation.

It is a document of its own beside the delivery hold, and not a fact of it, because other people
answer for it, with other rules and another clock: credit control releases the risk, logistics and
sales release the goods. Both are asked at once when a transfer is validated; it leaves when neither
holds it. Where credit release is governed, the delivery hold does not count credit a second time.
"""

from odoo import _, api, fields, models

from ..engine import Unknown


class CreditRelease(models.Model):
    _name = "distribution.credit.release"
    _description = "Credit Release"
    _inherit = ["distribution.approval.outgoing.document"]

    _approval_type = "credit_release"

    @api.model
    def _approval_label(self):
        return _("Credit Release")

    @api.model
    def _approval_past_words(self):
        return _(
            "Deliveries that left before governance began are simulated as well, as of the day on which they left. Not "
            "known afterwards: what the customer owed then, the credit limit, and who validated them; what depends on "
            "these is held in the result."
        )

    def _approval_owners(self):
        """Whoever sold the goods does not release the credit for them, nor who raised the limit for them."""
        return super()._approval_owners() | self._approval_orders().user_id | self._approval_limit_raised_by()

    def _approval_limit_raised_by(self):
        """Who changed a limit since the order was made, where the delivery is within it now."""
        changes = self._approval_customers()._approval_credit_limit_changes(self.company_id)
        made = min(self._approval_orders().mapped("create_date"), default=self.create_date)
        since = {user_id for users in changes.values() for user_id, moment in users.items() if moment >= made}
        over = self._approval_credit_standings()[self.id].over_limit() if since else 0
        # Over the limit all the same: it was not raised for this.
        held_by_limit = not isinstance(over, Unknown) and over > 0
        return self.env["res.users"].browse(() if held_by_limit else sorted(since)).exists()


class StockPicking(models.Model):
    _inherit = "stock.picking"

    credit_release_ids = fields.One2many("distribution.credit.release", "picking_id", readonly=True, copy=False)
