"""Links for vendors: one order, until it expires or is revoked.

Rules, in words
---------------
* A link is for one confirmation. It shows what was asked on that order, and nothing else of the system.
* Opening it shows; only submitting the page answers. It may answer more than once: vendors correct themselves.
* The token exists in the message to the vendor only; here there is its SHA-256. It is made at the moment of sending: a
  message that waits, or could not be sent, holds none.
* It expires, is revoked when a newer one is sent or the order is cancelled, and by a buyer.
* Wrong tokens are counted by address, answers by link: who is too fast has to wait.
"""

import hashlib
import secrets
import time
from datetime import timedelta

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import build_email
from odoo.addons.distribution_core.engine.rate_limit import Bucket, Limit, take

PATH = "/distribution/supplier/confirmation/"
#: How often sending is tried.
MAX_ATTEMPTS = 5
#: Answers by one link.
ANSWERS = Limit(per_minute=4, burst=12)
LIVE = ("to_send", "sent")


class SupplierLink(models.Model):
    _name = "distribution.supplier.link"
    _description = "Vendor Link"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "confirmation_id"

    confirmation_id = fields.Many2one(
        "distribution.supplier.confirmation", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="confirmation_id.company_id", store=True)
    purpose = fields.Selection(
        [("ask", "Question"), ("remind", "Reminder"), ("check", "Asked again before arrival")],
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("to_send", "To be sent"),
            ("sent", "Sent"),
            ("revoked", "Revoked"),
            ("needless", "Not needed any more"),
            ("failed", "Could not be sent"),
        ],
        required=True,
        readonly=True,
        index=True,
    )
    token_hash = fields.Char(readonly=True, groups="base.group_system")
    created_at = fields.Datetime(required=True, readonly=True)
    sent_at = fields.Datetime(readonly=True)
    expires_at = fields.Datetime(readonly=True)
    used_at = fields.Datetime("Last Answer", readonly=True)
    attempts = fields.Integer(readonly=True)
    tokens = fields.Float(readonly=True, groups="base.group_system", help="Answers that the link has left, now.")
    tokens_at = fields.Float(readonly=True, groups="base.group_system")

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_supplier_link_token
                   ON distribution_supplier_link (token_hash) WHERE token_hash IS NOT NULL"""
        )
        protect_columns(self.env.cr, self._table, ("confirmation_id", "purpose", "created_at"))
        protect_columns(self.env.cr, self._table, ("token_hash",), when="OLD.token_hash IS NOT NULL", name="token")

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("Links are written by the clock of confirmations only."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Links are evidence and are kept."))

    # ------------------------------------------------------------
    # Sending
    # ------------------------------------------------------------

    @api.model
    def _queue(self, confirmations, purpose):
        """Have a link sent to the vendor of each; after this transaction, by the scheduled action."""
        # sudo: links are made by nobody
        links = self.sudo()
        waiting = links.search([("confirmation_id", "in", confirmations.ids), ("state", "=", "to_send")])
        made = links.create(
            [
                {
                    "confirmation_id": confirmation.id,
                    "purpose": purpose,
                    "state": "to_send",
                    "created_at": fields.Datetime.now(),
                }
                for confirmation in confirmations - waiting.confirmation_id
            ]
        )
        if made:
            self.env.ref("procurement_automation.ir_cron_supplier_link").sudo()._trigger()
        return made

    @api.model
    def _cron_send(self):
        waiting = self.sudo().search([("state", "=", "to_send")], order="id")
        self.env["distribution.approval.batch"]._work_off(waiting, "_send", "_not_sent")
        return len(waiting)

    def _send(self):
        """Send the message of this link directly: it is kept neither as a mail nor in a chatter."""
        self.ensure_one()
        if self.state != "to_send" or self._is_copy():
            return
        confirmation = self.confirmation_id
        if not confirmation._is_open():
            self.write({"state": "needless"})
            return
        partner = confirmation.order_id.partner_id
        if not partner.email_formatted or not tools.email_normalize(partner.email):
            self.write({"state": "failed"})
            self._tell_not_sent(_("%s has no mail address.", partner.display_name))
            return
        link = self.with_context(lang=partner.lang or confirmation.company_id.partner_id.lang)
        url = link._arm()
        servers = self.env["ir.mail_server"].sudo()
        sender = confirmation.user_id.email_formatted or confirmation.company_id.email_formatted
        message = build_email(
            servers,
            email_from=sender or servers._get_default_from_address(),
            email_to=[partner.email_formatted],
            subject=link._subject(),
            body=link._body(url),
            subtype="html",
            headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        )
        servers.send_email(message)

    def _arm(self):
        """Make the token; older links of the confirmation end. Returns the address; the token is not kept."""
        self.ensure_one()
        token = secrets.token_urlsafe(32)
        now = fields.Datetime.now()
        older = self.search([("confirmation_id", "=", self.confirmation_id.id), ("state", "=", "sent")])
        older.write({"state": "revoked"})
        self.write(
            {
                "state": "sent",
                "token_hash": _hash(token),
                "sent_at": now,
                "expires_at": now + timedelta(days=self.confirmation_id.company_id.confirmation_link_days or 1),
            }
        )
        return f"{self.confirmation_id.order_id.get_base_url()}{PATH}{token}"

    def _subject(self):
        name, company = self.confirmation_id.name, self.confirmation_id.company_id.name
        return {
            "ask": _("%(company)s: please confirm order %(order)s", company=company, order=name),
            "remind": _("%(company)s: order %(order)s is not confirmed yet", company=company, order=name),
            "check": _("%(company)s: does order %(order)s arrive as promised?", company=company, order=name),
        }[self.purpose]

    def _body(self, url):
        expires = fields.Datetime.context_timestamp(self, self.expires_at).strftime("%Y-%m-%d")
        return self.env["ir.qweb"]._render(
            "procurement_automation.supplier_link_mail",
            {"link": self, "confirmation": self.confirmation_id, "url": url, "expires": expires},
        )

    def _not_sent(self, error):
        """Sending failed: try again later, and in the end say so."""
        self.write({"attempts": self.attempts + 1})
        if self.attempts >= MAX_ATTEMPTS:
            self.write({"state": "failed"})
            self._tell_not_sent(type(error).__name__)

    def _tell_not_sent(self, detail):
        confirmation = self.confirmation_id
        self.env["distribution.case"]._open(
            "confirmation_not_sent",
            confirmation.order_id,
            _("The vendor could not be asked to confirm %s", confirmation.name),
            detail=detail,
            dedup_key=f"supplier_link:{confirmation.id}",
            documents=[confirmation],
        )

    def _revoke(self):
        """Make these links worthless, sent or not."""
        # sudo: callers checked who may
        live = self.sudo().filtered(lambda link: link.state in LIVE)
        sent = live.filtered(lambda link: link.state == "sent")
        live.write({"state": "revoked"})
        for link in sent:
            self.env["distribution.event"].sudo()._record(
                "distribution.supplier_link.revoked.v1",
                link,
                {"confirmation_id": link.confirmation_id.id, "purpose": link.purpose},
            )

    # ------------------------------------------------------------
    # Opening
    # ------------------------------------------------------------

    @api.model
    def _find(self, token, address):
        """``(link, False)``; ``(nothing, True)`` when the address has to wait. Wrong tokens are counted."""
        # sudo: whoever holds the token; the counter is one for every kind of link
        guesses = self.env["distribution.approval.link.guess"].sudo()
        if guesses._is_blocked(address):
            return self.browse(), True
        found = self.sudo().search([("token_hash", "=", _hash(token))], limit=1)
        if not found:
            guesses._note(address)
        return found, False

    def _status(self):
        """What the link may show; everything but ``open`` says nothing about the order."""
        self.ensure_one()
        if self._is_copy():
            return "copy"
        if self.state != "sent":
            return "revoked"
        if not self.expires_at or self.expires_at <= fields.Datetime.now():
            return "expired"
        return "open" if self.confirmation_id._is_open() else "closed"

    def _is_copy(self):
        neutral = self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized", "false")
        return tools.str2bool(neutral)

    def _take_turn(self):
        """Whether the link may answer now; one answer less is left then."""
        self.ensure_one()
        self.env.cr.execute(
            "SELECT tokens, tokens_at FROM distribution_supplier_link WHERE id = %s FOR UPDATE", (self.id,)
        )
        tokens, filled_at = self.env.cr.fetchone()
        bucket = Bucket(tokens, filled_at) if filled_at else None
        allowed, bucket, _wait = take(bucket, ANSWERS, now=time.time())
        self.write({"tokens": bucket.tokens, "tokens_at": bucket.filled_at})
        return allowed


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()
