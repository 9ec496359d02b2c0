"""What was handed to whom: an edition, the news that it is late, or that it was recalled.

Rules, in words
---------------
* One row for a recipient and an edition. It is made when the edition is distributed, and sent by a job of its own: what
  fails is tried again with growing pauses, up to :data:`MAX_ATTEMPTS` times, and shown.
* Right before sending, recipient and files are checked again: who left the company, or a file that is not what was
  released, gets nothing.
* Who takes reports in the inbox finds an edition in the list of theirs. What that list does not say – it is late, it
  was recalled, it replaces a recalled one – is told to them as a notice of Odoo.
* Who is outside the house hears that it is late, not why.
* A link is signed, for one recipient and one format, and expires. Links of recalled editions say so and why.
"""

import hmac as _hmac
import random
from datetime import timedelta

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError
from odoo.tools import hmac

from odoo.addons.distribution_core.compat import build_email
from odoo.addons.distribution_core.engine.backoff import backoff_seconds

from .report_recipient import EXTERNAL

PATH = "/distribution/report/"
#: How long links are good.
LINK_DAYS = {"mail": 30, "inbox": 30, "system": 3}
MAX_ATTEMPTS = 5
#: Pauses between attempts in seconds: the first one up to, and never longer than.
PAUSE, LONGEST_PAUSE = 60, 6 * 3600


class ReportDelivery(models.Model):
    _name = "distribution.report.delivery"
    _description = "Delivery of a Report"
    _inherit = ["distribution.approval.evidence"]
    _order = "id desc"
    _rec_names_search = ["edition_id"]

    kind = fields.Selection(
        [("edition", "Report"), ("late", "News that it is late"), ("recall", "Correction notice")],
        required=True,
        readonly=True,
    )
    edition_id = fields.Many2one("distribution.report.edition", readonly=True, ondelete="restrict", index=True)
    run_id = fields.Many2one("distribution.report.run", readonly=True, ondelete="restrict", index="btree_not_null")
    report_id = fields.Many2one("distribution.report", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    user_id = fields.Many2one("res.users", readonly=True, ondelete="restrict", index=True)
    partner_id = fields.Many2one("res.partner", readonly=True, ondelete="restrict")
    channel = fields.Selection(
        [("mail", "Mail and inbox"), ("inbox", "Inbox"), ("system", "Other systems")], required=True, readonly=True
    )
    state = fields.Selection(
        [
            ("waiting", "To be sent"),
            ("sent", "Delivered"),
            ("failed", "Not delivered"),
            ("needless", "Not needed any more"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    joined = fields.Boolean("Joined Late", readonly=True)
    words = fields.Text("Why", readonly=True)
    digest = fields.Char(readonly=True, help="SHA-256 of the content that was handed out.")
    attempts = fields.Integer(readonly=True)
    next_try_at = fields.Datetime(readonly=True)
    sent_at = fields.Datetime(readonly=True)
    read_at = fields.Datetime("Opened", readonly=True)
    error = fields.Char(readonly=True)

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_report_delivery_once
                   ON distribution_report_delivery
                      (kind, coalesce(edition_id, 0), coalesce(run_id, 0), coalesce(partner_id, 0))"""
        )

    @api.depends("edition_id", "run_id", "kind")
    def _compute_display_name(self):
        for delivery in self:
            # sudo: the name alone, as any link to it shows; who tends deliveries need not be among the receivers.
            delivery.display_name = (delivery.edition_id or delivery.run_id).sudo().display_name

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("Deliveries are written by what is sent."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Deliveries are evidence and are kept."))

    # ---------------------------------------------------------------- queueing

    @api.model
    def _queue(self, edition, recipients, joined=False):
        """Rows for those who have none yet: ``[(user, partner, channel)]``. Returns all rows of the recipients."""
        known = {(one.partner_id.id): one for one in edition.delivery_ids.filtered(lambda one: one.kind == "edition")}
        made = self.create(
            [
                {
                    **self._values("edition", edition.run_id, user, partner, channel),
                    "edition_id": edition.id,
                    "digest": edition.digest,
                    "joined": joined,
                }
                for user, partner, channel in recipients
                if partner.id not in known
            ]
        )
        # Other systems hear by the event of this transaction, and may ask for the edition as soon as they hear.
        # sudo: deliveries are written by what is sent
        for delivery in made.sudo().filtered(lambda one: one.channel == "system"):
            delivery._send()
        self._wake()
        return made

    @api.model
    def _values(self, kind, run, user, partner, channel):
        return {
            "kind": kind,
            "run_id": run.id,
            "report_id": run.report_id.id,
            "company_id": run.company_id.id,
            "user_id": user.id,
            "partner_id": partner.id,
            "channel": channel,
        }

    @api.model
    def _tell_late(self, run, why):
        """Everybody who expects the report, and who answers for it, hear that it is late; in the house also why."""
        try:
            ids = run.version_id._sealed()["ids"]["recipients"]
        except UserError:
            ids = []  # nobody can say who expects it: those who answer for it hear
        told, outside = {}, self.env["res.partner"]
        for one in ids:
            people = self.env["res.users"]
            if one["kind"] == "group":
                people = self.env["res.groups"].browse(one["id"]).exists()._report_members(run.company_id)
            elif one["kind"] == "user":
                people = people.browse(one["id"]).exists()
            elif one["kind"] == "partner":
                outside |= outside.browse(one["id"]).exists()
            for user in people:
                told.setdefault(user, one["channel"] or "mail")
        for user in run.report_id._people():
            # No definition says how those who answer for it want to hear: they do themselves.
            told.setdefault(user, "inbox" if user.notification_type == "inbox" else "mail")
        nobody = self.env["res.users"]
        by_partner = {partner: (nobody, "mail", self.with_context(lang=partner.lang)._neutral()) for partner in outside}
        by_partner.update({user.partner_id: (user, channel, why) for user, channel in told.items()})
        self.create(
            [
                {**self._values("late", run, user, partner, channel), "words": words}
                for partner, (user, channel, words) in by_partner.items()
                if not self._problem(run, user, partner)
            ]
        )
        self._wake()

    def _neutral(self):
        """What somebody outside the house is told instead of the cause."""
        return _("We are still working on it.")

    @api.model
    def _tell_recall(self, edition):
        """Everybody who had the edition reads the correction notice; what was not sent yet is not sent any more."""
        own = edition.delivery_ids.filtered(lambda one: one.kind == "edition")
        own.filtered(lambda one: one.state in ("waiting", "failed")).write({"state": "needless", "next_try_at": False})
        self.create(
            [
                {
                    **self._values("recall", edition.run_id, one.user_id, one.partner_id, one.channel),
                    "edition_id": edition.id,
                    "digest": edition.digest,
                    "words": edition.recall_reason,
                }
                for one in own
                if one.state == "sent" and one.channel != "system"
            ]
        )
        self._wake()

    def _wake(self):
        self.env.ref("reporting_workflows.ir_cron_report_delivery").sudo()._trigger()  # sudo: jobs are the system's

    # ----------------------------------------------------------------- sending

    @api.model
    def _cron_send(self):
        waiting = self.sudo().search(
            [
                ("state", "=", "waiting"),
                "|",
                ("next_try_at", "=", False),
                ("next_try_at", "<=", fields.Datetime.now()),
            ],
            order="id",
        )
        self.env["distribution.approval.batch"]._work_off(waiting, "_send", "_not_sent")
        return len(waiting)

    def action_retry(self):
        """Try again what was not delivered."""
        for delivery in self:
            delivery.report_id._check_runner()
        # sudo: the role was checked; deliveries are written by nobody
        self.sudo().filtered(lambda one: one.state == "failed").write({"state": "waiting", "attempts": 0})
        self._wake()
        return True

    @api.model
    def _problem(self, about, user, partner):
        """Why somebody does not get an edition, or news of a run, in a sentence; nothing: they do."""
        if user:
            if not user.active or user.share or about.company_id not in user.company_ids:
                return _(
                    "%(who)s does not work in %(company)s (any more).",
                    who=user.name,
                    company=about.company_id.name,
                )
        elif partner:
            if about.classification not in EXTERNAL:
                return _(
                    "%(who)s is outside the house, and %(report)s is not for customers or suppliers.",
                    who=partner.name,
                    report=about.report_id.name,
                )
            if partner.company_id and partner.company_id != about.company_id:
                return _("%s belongs to another company.", partner.name)
        return None

    def _send(self):
        self.ensure_one()
        if self.state != "waiting" or self._is_copy():
            return
        edition = self.edition_id
        if self.kind == "edition" and edition.state != "released":
            self.write({"state": "needless", "next_try_at": False})
            return
        problem = self._problem(edition or self.run_id, self.user_id, self.partner_id)
        if problem:
            self.write({"state": "failed", "error": problem})
            return
        if self.kind == "edition":
            edition._check_intact()
        if self.channel == "mail":
            self._mail()
        elif self.channel == "inbox" and (self.kind != "edition" or edition.corrects_id):
            self._notify()
        self._sent()

    def _sent(self):
        self.write({"state": "sent", "sent_at": fields.Datetime.now(), "error": False, "next_try_at": False})

    def _mail(self):
        """Send the message directly: it is kept neither as a mail nor in a chatter."""
        partner = self.partner_id
        self._check_address()
        delivery = self._in_language()
        servers = self.env["ir.mail_server"].sudo()
        sender = self.company_id.email_formatted or servers._get_default_from_address()
        files = self.edition_id.file_ids if self.kind == "edition" else ()
        message = build_email(
            servers,
            email_from=sender or partner.email_formatted,
            email_to=[partner.email_formatted],
            subject=delivery._subject(),
            body=delivery._body(),
            subtype="html",
            attachments=[(file.attachment_id.name, file._bytes(), file.attachment_id.mimetype) for file in files],
            headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
            message_id=self._message_id(),
        )
        servers.send_email(message)

    def _check_address(self):
        if not tools.email_normalize(self.partner_id.email or ""):
            raise UserError(_("%s has no mail address. Enter one.", self.partner_id.name))

    def _in_language(self):
        return self.with_context(lang=self.partner_id.lang or self.user_id.lang)

    def _notify(self):
        """A notice of Odoo, without anything of what the report says; it is kept. Who has Odoo's notices mailed gets a
        letter.
        """
        if self.user_id.notification_type == "email":
            self._check_address()
        delivery = self._in_language()
        delivery.env["mail.thread"].message_notify(
            partner_ids=self.partner_id.ids, subject=delivery._subject(), body=delivery._body(is_notice=True)
        )

    def _message_id(self):
        """The same of the same message: who died after sending it and before noting so sends no second letter, for
        mail servers and programs know it again.
        """
        # sudo: names the database, as Odoo's own messages name the server
        place = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return f"<report-{self.kind}-{self.id}-{(self.digest or '')[:16]}@{place}>"

    def _subject(self):
        what = (self.edition_id or self.run_id).display_name
        return {
            "edition": what,
            "late": _("%s is late", self.run_id.display_name),
            "recall": _("Recalled: %s", what),
        }[self.kind]

    def _body(self, is_notice=False):
        content = self.edition_id._content() if self.edition_id else None
        return self.env["ir.qweb"]._render(
            "reporting_workflows.report_mail",
            {
                "delivery": self,
                "is_notice": is_notice,
                "edition": self.edition_id,
                "content": content,
                "show": self.env["distribution.report.renderer"]._writer_of(content) if content else None,
                "findings": _worst(content) if content else (),
                "link": self._url,
                "expires": self._expires().date() if self.edition_id else None,
            },
        )

    def _not_sent(self, error):
        """Sending failed: try again later, and in the end say so."""
        attempts = self.attempts + 1
        message = str(error.args[0] if error.args else type(error).__name__)[:300]
        values = {"attempts": attempts, "error": message}
        if attempts >= MAX_ATTEMPTS:
            self.write({**values, "state": "failed", "next_try_at": False})
            self.env["distribution.case"]._open(
                "report_not_delivered",
                self.edition_id or self.run_id,
                _("Not delivered: %s", self.display_name),
                detail=message,
                dedup_key=f"report_delivery,{self.report_id.id}",
            )
            return
        pause = backoff_seconds(attempts, base=PAUSE, cap=LONGEST_PAUSE, jitter=random.random())
        self.write({**values, "next_try_at": fields.Datetime.now() + timedelta(seconds=pause)})

    def _is_copy(self):
        neutral = self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized", "false")
        return tools.str2bool(neutral)

    # ------------------------------------------------------------------- links

    def _expires(self):
        return self.create_date + timedelta(days=LINK_DAYS[self.channel])

    def _url(self, kind, expires=None):
        """The signed address of a file for this recipient; ``expires`` default: so long after it was handed out."""
        self.ensure_one()
        expires = int((expires or self._expires()).timestamp())
        base = self.edition_id.get_base_url()
        return f"{base}{PATH}{self.id}/{kind}?expires={expires}&signature={self._signature(kind, expires)}"

    @api.model
    def _to_system(self, edition_number, account):
        """How an edition was handed to the account of another system; empty where it was not."""
        # sudo: asked for what is sent to that account, whoever's event it is
        return self.sudo().search(
            [
                ("edition_id", "=", edition_number),
                ("user_id", "=", account.id),
                ("kind", "=", "edition"),
                ("channel", "=", "system"),
                ("state", "=", "sent"),
            ],
            limit=1,
        )

    def _open_url(self, kind):
        """The signed address of a file while it opens it, else None."""
        if not self or self._status(self._expires().timestamp()) != "open":
            return None
        return self._url(kind)

    def _signature(self, kind, expires):
        # sudo: the secret of the database signs; whoever asks only gets the signature
        return hmac(self.env(su=True), "distribution-report-download", (self.id, kind, expires))

    @api.model
    def _find(self, number, kind, expires, signature, address):
        """``(delivery, False)``; ``(nothing, True)`` when the address has to wait. Wrong signatures are counted."""
        # sudo: whoever holds the link; the counter is one for every kind of link
        guesses = self.env["distribution.approval.link.guess"].sudo()
        if guesses._is_blocked(address):
            return self.browse(), True
        found = self.sudo().browse(number).exists()
        text = expires if (expires or "").isascii() and (expires or "").isdigit() else "0"
        good = found and _hmac.compare_digest(found._signature(kind, int(text)).encode(), (signature or "").encode())
        if not good:
            guesses._note(address)
        return (found if good else self.browse()), False

    def _status(self, expires):
        """What a signed link may show; everything but ``open`` says nothing about the report's content."""
        if self._is_copy():
            return "copy"
        if self.edition_id.state == "recalled":
            return "recalled"
        if int(expires) <= fields.Datetime.now().timestamp() or self.edition_id.state != "released":
            return "expired"
        if self._problem(self.edition_id, self.user_id, self.partner_id):
            return "expired"
        return "open"


def _worst(content):
    """The first exceptions of a report, each once, for a mail."""
    found = list(dict.fromkeys(one for section in content.sections for one in section.findings))
    return sorted(found, key=lambda one: one.severity != "breach")[:10]
