"""How a company asks its vendors for confirmations, and how it follows them up."""

from odoo import fields, models

from ..engine import Ladder, Step, Watch

MINUTES = 60


class ResCompany(models.Model):
    _inherit = "res.company"

    confirmation_asked = fields.Boolean(
        "Ask Vendors to Confirm",
        help="When an order is released, its vendor is asked to confirm quantity, date and price of each line. "
        "A vendor may be excepted on its form.",
    )
    confirmation_late_dates = fields.Selection(
        [("move", "Move the order, and open a case"), ("ask", "Open a case, and leave the order as it is")],
        string="Later Dates beyond Tolerance",
        default="move",
        required=True,
        help="Goods do not come earlier because nobody agreed: with the first, receipts are expected when the vendor "
        "promises them. What was asked for, and what was promised first, is kept in any case.",
    )
    confirmation_remind_hours = fields.Float(
        "Remind after (hours)", default=8.0, help="Working hours; of each reminder."
    )
    confirmation_reminders = fields.Integer("Reminders", default=2)
    confirmation_call_hours = fields.Float(
        "To-do after (hours)", default=8.0, help="Working hours after the last reminder; the buyer calls."
    )
    confirmation_case_hours = fields.Float(
        "Case after (hours)", default=8.0, help="Working hours after the to-do of the buyer."
    )
    confirmation_check_hours = fields.Float(
        "Ask again before Arrival (hours)", default=24.0, help="Working hours before the promised day; 0: never."
    )
    confirmation_grace_hours = fields.Float(
        "Late after (hours)", default=8.0, help="Working hours after the promised day began."
    )
    confirmation_link_days = fields.Integer("Links Expire after (days)", default=30)

    _sql_constraints = [
        (
            "confirmation_hours_positive",
            "CHECK (confirmation_remind_hours > 0 AND confirmation_call_hours > 0 AND confirmation_case_hours > 0)",
            "Hours between the steps: more than 0.",
        ),
        (
            "confirmation_rest_positive",
            "CHECK (confirmation_check_hours >= 0 AND confirmation_grace_hours >= 0 "
            "AND confirmation_reminders BETWEEN 0 AND 10 AND confirmation_link_days BETWEEN 1 AND 365)",
            "Reminders: 0 to 10. Links expire after 1 to 365 days. Hours: 0 or more.",
        ),
    ]

    def _confirmation_ladder(self):
        """The chain while an answer is outstanding."""
        self.ensure_one()
        remind = Step("remind", round(self.confirmation_remind_hours * MINUTES))
        return Ladder(
            [remind] * self.confirmation_reminders
            + [
                Step("call", round(self.confirmation_call_hours * MINUTES)),
                Step("case", round(self.confirmation_case_hours * MINUTES)),
            ]
        )

    def _confirmation_watch(self):
        """What happens around a promised day."""
        self.ensure_one()
        return Watch(round(self.confirmation_check_hours * MINUTES), round(self.confirmation_grace_hours * MINUTES))


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    confirmation_asked = fields.Boolean(related="company_id.confirmation_asked", readonly=False)
    confirmation_late_dates = fields.Selection(related="company_id.confirmation_late_dates", readonly=False)
    confirmation_remind_hours = fields.Float(related="company_id.confirmation_remind_hours", readonly=False)
    confirmation_reminders = fields.Integer(related="company_id.confirmation_reminders", readonly=False)
    confirmation_call_hours = fields.Float(related="company_id.confirmation_call_hours", readonly=False)
    confirmation_case_hours = fields.Float(related="company_id.confirmation_case_hours", readonly=False)
    confirmation_check_hours = fields.Float(related="company_id.confirmation_check_hours", readonly=False)
    confirmation_grace_hours = fields.Float(related="company_id.confirmation_grace_hours", readonly=False)
    confirmation_link_days = fields.Integer(related="company_id.confirmation_link_days", readonly=False)
