"""The button *Acknowledge* that orders have on 19.0.

Rules, in words
---------------
* A buyer who presses it says that the vendor took the order as it is: entered as told, for every line that waits for an
  answer.
* Odoo acknowledges as the system, too: by a link in its mail, which mail scanners follow, and when goods arrive. That
  is no answer of the vendor.
"""

from odoo import _, models

from odoo.addons.distribution_core.compat import IS_17


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    if not IS_17:

        def action_acknowledge(self):
            result = super().action_acknowledge()
            if not self.env.su and self.env.user.has_group("purchase.group_purchase_user"):
                self._enter_acknowledgement()
            return result

    def _enter_acknowledgement(self):
        """What waits for an answer of these orders' vendors was confirmed as it was asked for."""
        for confirmation in self.supplier_confirmation_ids.filtered(lambda one: one.is_asked and one._is_open()):
            engine = confirmation._check_buyer()
            said = {line: one for line, one in engine._said_as_ordered().items() if line.state == "waiting"}
            if said:
                engine._answer("buyer", said, note=_("Acknowledged on the order."))
