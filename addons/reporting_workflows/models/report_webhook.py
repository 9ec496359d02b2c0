"""Signed links to the files of a released edition, in the event of the release that goes to another system.

Rules, in words
---------------
* The ledger keeps no link: it stays, and many read it. A link is signed when the event is sent, and stands in the
  message only.
* A subscription gets links for the account that its administrator names, and only to editions that were handed to that
  account as *another system*: the definition of the report says who gets it, with its classification.
* A link opens one file of one edition, for three days after it was handed out. It is refused once the edition is
  recalled or the account is archived or leaves the company; what is sent after that has none.
* It is the same at every try: receivers know an event again by its id, and find the same body.
"""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

RELEASED = "distribution.report.released.v1"


class WebhookSubscription(models.Model):
    _inherit = "distribution.webhook.subscription"

    report_account_id = fields.Many2one(
        "res.users",
        "Report Links for",
        ondelete="restrict",
        tracking=True,
        copy=False,
        domain="[('share', '=', False)]",
        help="Account of the other system. Events of released reports that are handed to it carry a signed link to "
        "each file, good for three days. Empty: they carry none, and the system asks the API.",
    )

    @api.constrains("report_account_id")
    def _check_report_account(self):
        for subscription in self:
            account = subscription.report_account_id
            # sudo: whether it is the account of a system, whoever keeps the subscription
            if account and not account.sudo().has_group("distribution_core.group_integration"):
                raise ValidationError(
                    _(
                        "Report Links for: %s is no account of another system. Choose one with the role Integration.",
                        account.name,
                    )
                )


class WebhookDelivery(models.Model):
    _inherit = "distribution.webhook.delivery"

    def _envelope(self, event):
        envelope = super()._envelope(event)
        account = self.subscription_id.report_account_id
        if account and event.type == RELEASED:
            handed = self.env["distribution.report.delivery"]._to_system(event.res_id, account)
            for file in envelope["data"]["files"]:
                file["url"] = handed._open_url(file["format"])
        return envelope
