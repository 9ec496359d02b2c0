"""Who changed the exchange rates that orders in several currencies are measured by; see :mod:`.sales_terms`.

Rates that the system fetches are nobody's change.
"""

from odoo import models


class ResCurrencyRate(models.Model):
    _name = "res.currency.rate"
    _inherit = ["res.currency.rate", "distribution.sales.terms.keeper"]

    def _approval_note_terms(self):
        if not self.env.user._is_superuser():
            self.env["distribution.sales.terms"]._note("currency_rate", self.currency_id)
