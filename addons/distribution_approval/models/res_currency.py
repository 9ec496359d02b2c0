"""Whether an exchange rate can be relied on."""

from decimal import Decimal

from odoo import _, models

from ..engine import as_decimal
from .approval_policy import today

#: An exchange rate that moved more than this against the one before is not believed.
MAX_RATE_JUMP = Decimal("0.25")


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def _approval_rate_doubt(self, company):
        """Why the rate of this currency cannot be relied on today, or False.

        Odoo converts at 1.0 when there is no rate at all; a rate that jumped is as bad.
        """
        self.ensure_one()
        rates = (
            self.env["res.currency.rate"]
            .sudo()
            .search_fetch(
                [
                    ("currency_id", "=", self.id),
                    ("company_id", "in", (company.root_id.id, False)),
                    ("name", "<=", today(company)),
                ],
                ["rate", "name"],
                order="name desc",
                limit=2,
            )
        )
        if not rates:
            return _("there is no exchange rate for %s", self.name)
        if len(rates) == 2 and rates[0].rate and rates[1].rate:
            jump = abs(as_decimal(rates[0].rate) / as_decimal(rates[1].rate) - 1)
            if jump > MAX_RATE_JUMP:
                return _(
                    "the exchange rate of %(currency)s moved by %(jump)s %% on %(day)s",
                    currency=self.name,
                    jump=round(jump * 100),
                    day=rates[0].name,
                )
        return False
