"""Where vendor changes are governed, Odoo's own notices show account numbers masked.

Odoo writes them in full into the history of bills and payments (the account that was chosen), of
contacts (an account that was changed or deleted), and from there into mails to followers; and an
account has a history and activities of its own, which are named after it. There is one place where
what changed becomes text, one where notes about a contact are written, and one for each name.
"""

import re

from markupsafe import Markup, escape
from odoo import api, models

from ..engine.bank_account import mask

#: Key of the context in which an account is named without its number.
MASKED = "account_number_masked"


class MailTrackingValue(models.Model):
    _inherit = "mail.tracking.value"

    @api.model
    def _create_tracking_values(self, initial_value, new_value, col_name, col_info, record):
        values = super()._create_tracking_values(initial_value, new_value, col_name, col_info, record)
        number = record._name == "res.partner.bank" and col_name in ("acc_number", "sanitized_acc_number")
        account = record._fields[col_name].comodel_name == "res.partner.bank"
        if not (number or account) or not self.env["distribution.vendor.value"]._companies():
            return values
        if number:
            for side in ("old", "new"):
                values[f"{side}_value_char"] = mask(values.get(f"{side}_value_char"))
        else:
            for side, accounts in (("old", initial_value), ("new", new_value)):
                values[f"{side}_value_char"] = _names(accounts)
        return values


def _names(accounts):
    """Accounts as people without need for the numbers see them.

    :param accounts: records; on 19.0 ``(id, name)`` or a list of these where properties are tracked
    """
    if isinstance(accounts, models.BaseModel):
        return ", ".join(account._masked_name() for account in accounts.sudo().exists())
    named = accounts if isinstance(accounts, list) else [accounts] if accounts else []
    return ", ".join(mask(name) for _id, name in named)


class ResPartnerBank(models.Model):
    _inherit = "res.partner.bank"

    @api.depends_context(MASKED)
    def _compute_display_name(self):
        super()._compute_display_name()
        if self.env.context.get(MASKED):
            for account in self:
                account.display_name = account._masked_name()

    def message_post(self, **kwargs):
        return super(ResPartnerBank, self._as_in_notices()).message_post(**kwargs)

    def message_notify(self, **kwargs):
        return super(ResPartnerBank, self._as_in_notices()).message_notify(**kwargs)

    def _as_in_notices(self):
        return self.with_context(**{MASKED: True}) if self.env["distribution.vendor.value"]._companies() else self

    def _masked_name(self):
        """The account's name with its number masked."""
        self.ensure_one()
        return " - ".join(part for part in (mask(self.acc_number), self.bank_id.name) if part)


class MailActivity(models.Model):
    _inherit = "mail.activity"

    def _compute_res_name(self):
        super()._compute_res_name()
        activities = self.filtered(lambda activity: activity.res_model == "res.partner.bank" and activity.res_id)
        if activities and self.env["distribution.vendor.value"]._companies():
            for activity in activities:
                # sudo: whoever may see the activity sees no more of the account than its end
                account = self.env["res.partner.bank"].sudo().browse(activity.res_id).exists()
                activity.res_name = account._masked_name() if account else False


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _message_log_batch(self, bodies, *args, **kwargs):
        """Notes that Odoo itself writes about a contact name its accounts without their numbers."""
        if self.env["distribution.vendor.value"]._companies():
            accounts = (
                self.env["res.partner.bank"]
                .sudo()
                .with_context(active_test=False)
                .search([("partner_id", "in", self.ids)])
            )
            bodies = {key: _without_numbers(body, accounts) for key, body in bodies.items()}
        return super()._message_log_batch(bodies, *args, **kwargs)


def _without_numbers(body, accounts):
    if not body:
        return body
    kind = Markup if isinstance(body, Markup) else str
    text = str(body)
    for account in accounts:
        for number in {account.acc_number, account.sanitized_acc_number} - {False, ""}:
            for written in {number, str(escape(number))}:
                # Whole words: a short number is part of many.
                text = re.sub(rf"(?<![\w'\"#-]){re.escape(written)}(?![\w'\"-])", mask(number), text)
    return kind(text)
