"""Who gets a report: people by role or by name, business partners where the report is for them, other systems."""

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

#: Classifications that may leave the house.
EXTERNAL = ("customer", "supplier")
#: The field that says who it is.
WHO = {"group": "group_id", "user": "user_id", "partner": "partner_id", "system": "user_id"}


class ReportRecipient(models.Model):
    _name = "distribution.report.recipient"
    _description = "Recipient of a Report"
    _inherit = ["distribution.report.part"]
    _order = "sequence, id"

    _part_list = "recipients"
    _part_keys = ("kind", "group_id", "user_id", "partner_id", "channel")

    kind = fields.Selection(
        [
            ("group", "Everybody with a role"),
            ("user", "A person"),
            ("partner", "A customer or vendor"),
            ("system", "Another system"),
        ],
        required=True,
        default="group",
    )
    group_id = fields.Many2one("res.groups", string="Role", ondelete="restrict")
    user_id = fields.Many2one(
        "res.users",
        "Person or Account",
        ondelete="restrict",
        help="Another system reads the editions by the keys of its account. Empty: it hears of them by the event only.",
    )
    partner_id = fields.Many2one("res.partner", ondelete="restrict")
    channel = fields.Selection(
        [("mail", "Mail and inbox"), ("inbox", "Inbox only")],
        default="mail",
        help="Another system gets an event, and its account by the API a link that expires.",
    )

    @api.constrains("kind", "group_id", "user_id", "partner_id")
    def _check_who(self):
        for recipient in self:
            field = WHO[recipient.kind]
            if recipient.kind != "system" and not recipient[field]:
                label = self._fields[field]._description_string(self.env)
                raise ValidationError(_("%s: say who gets the report.", label))
            account = recipient.kind == "system" and recipient.user_id
            # sudo: whether it is the account of a system, whoever writes the report
            if account and not account.sudo().has_group("distribution_core.group_integration"):
                raise ValidationError(
                    _(
                        "Person or Account: %s is no account of another system. Choose one with the role Integration.",
                        account.name,
                    )
                )

    def _record(self):
        return self[WHO[self.kind]]

    def _to_file(self, name_of):
        record = self._record()
        entry = {"kind": self.kind, "record": name_of(record) if record else "", "channel": self.channel or ""}
        return {key: value for key, value in entry.items() if value}

    @api.model
    def _from_file(self, entry, record_of):
        values = super()._from_file({key: entry.get(key) for key in ("kind", "channel")}, record_of)
        if entry["kind"] == "system":
            values["channel"] = False
        field = WHO[entry["kind"]]
        if entry["kind"] != "system" or entry.get("record"):
            values[field] = record_of(self._fields[field].comodel_name, entry.get("record", "")).id
        return values
