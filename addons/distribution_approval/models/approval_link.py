"""Decision links: one task, one person, one use, until it expires."""

import hashlib
import logging
import secrets
from datetime import timedelta

from odoo import SUPERUSER_ID, _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.compat import build_email

_logger = logging.getLogger(__name__)

#: What a person can decide on the page of a link; the rest takes the inbox.
LINK_OUTCOMES = ("approve", "reject", "request_revision")
#: How often sending is tried.
MAX_ATTEMPTS = 5
#: Wrong tokens from one address within the window, before it has to wait.
MAX_GUESSES = 20
GUESS_WINDOW = timedelta(minutes=15)


class ApprovalLink(models.Model):
    """A link to the decision page of one task.

    Rules, in words:

    * It is made for one person and one task, works once, and expires.
    * Opening it shows; only submitting the page decides.
    * The token exists in the message to that person only. Here there is its SHA-256.
    * The token is made at the moment of sending: a message that waits, or could not be sent, holds none.
    * Up to the ceiling of the policy version the token identifies the person. Above it, where the amount is
      not known, and always for chat, the person has to be logged in. Somebody else who is logged in sees nothing.
    * Deciding is :meth:`ApprovalTask.action_decide` as that person, with all it checks.
    """

    _name = "distribution.approval.link"
    _description = "Decision Link"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "task_id"

    task_id = fields.Many2one("distribution.approval.task", required=True, ondelete="restrict", index=True)
    user_id = fields.Many2one("res.users", string="For", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="task_id.company_id", store=True)
    channel = fields.Selection([("mail", "Mail"), ("chat", "Chat")], required=True)
    state = fields.Selection(
        [
            ("to_send", "To be sent"),
            ("sent", "Sent"),
            ("used", "Used"),
            ("revoked", "Replaced"),
            ("needless", "Not needed any more"),
            ("failed", "Could not be sent"),
        ],
        required=True,
        index=True,
    )
    digest = fields.Char(required=True, help="SHA-256 of the content that the link is about.")
    token_hash = fields.Char(help="SHA-256 of the token. The token itself is kept nowhere.")
    login_required = fields.Boolean()
    created_at = fields.Datetime(required=True)
    sent_at = fields.Datetime()
    expires_at = fields.Datetime()
    attempts = fields.Integer(default=0)
    used_at = fields.Datetime()
    decision_id = fields.Many2one("distribution.approval.decision", ondelete="restrict", index="btree_not_null")

    def init(self):
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS distribution_approval_link_token
                   ON distribution_approval_link (token_hash) WHERE token_hash IS NOT NULL"""
        )
        protect_columns(self.env.cr, self._table, ("task_id", "user_id", "channel", "digest", "created_at"))
        protect_columns(
            self.env.cr,
            self._table,
            ("state", "token_hash", "login_required", "expires_at", "used_at"),
            when="OLD.used_at IS NOT NULL",
            name="used",
        )

    def write(self, vals):
        if not self.env.su:
            raise AccessError(_("Decision links are written by the approval engine only."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("Decision links are evidence and are kept."))

    # ---------------------------------------------------------------- issuing

    @api.model
    def _queue(self, task, users):
        """Have a link sent to each of ``users``; after this transaction, by the scheduled action."""
        links = self.sudo().create(
            [
                {
                    "task_id": task.id,
                    "user_id": user.id,
                    "channel": "mail",
                    "state": "to_send",
                    "digest": task.digest,
                    "created_at": fields.Datetime.now(),
                }
                for user in users
            ]
        )
        if links:
            self.env.ref("distribution_approval.ir_cron_link").sudo()._trigger()
        return links

    def _arm(self):
        """Make the token. Returns the address; the token is not kept."""
        self.ensure_one()
        token = secrets.token_urlsafe(32)
        now = fields.Datetime.now()
        self.write(
            {
                "state": "sent",
                "token_hash": _hash(token),
                "login_required": self._needs_login(),
                "sent_at": now,
                "expires_at": now + timedelta(hours=self.task_id.request_id.version_id.link_hours or 1),
            }
        )
        return f"{self.task_id.get_base_url()}/distribution/approval/link/{token}"

    def _needs_login(self):
        """Above the ceiling of the policy version, where nobody knows the amount, and always for chat."""
        request = self.task_id.request_id
        ceiling = request.version_id.link_ceiling
        return self.channel != "mail" or not ceiling or not request._is_up_to(ceiling)

    @api.model
    def _cron_send(self):
        self.env["distribution.approval.batch"]._work_off(
            self.search([("state", "=", "to_send")], order="id"), "_send", "_not_sent"
        )

    def _send(self):
        """Send the message of this link directly: it is kept neither as a mail nor in a chatter."""
        self.ensure_one()
        task, user = self.task_id, self.user_id
        if self.state != "to_send":
            return
        if tools.str2bool(self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized", "false")):
            return
        if self._hindrance() or not user.email:
            self.write({"state": "needless"})
            return
        link = self.with_context(lang=user.lang)
        url = link._arm()
        servers = self.env["ir.mail_server"].sudo()
        sender = task.company_id.email_formatted or servers._get_default_from_address()
        message = build_email(
            servers,
            email_from=sender or user.email_formatted,
            email_to=[user.email_formatted],
            subject=link._subject(),
            body=link._body(url),
            subtype="html",
            headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        )
        servers.send_email(message)

    def _subject(self):
        return _("%s waits for your decision", self.task_id.document_name)

    def _body(self, url):
        return self.env["ir.qweb"]._render(
            "distribution_approval.link_mail",
            {
                "link": self,
                "task": self.task_id,
                "url": url,
                "expires": fields.Datetime.context_timestamp(
                    self.with_context(tz=self.user_id.tz), self.expires_at
                ).strftime("%Y-%m-%d %H:%M"),
            },
        )

    def _not_sent(self, error):
        """Sending failed: try again later, and in the end say so."""
        self.write({"attempts": self.attempts + 1})
        if self.attempts >= MAX_ATTEMPTS:
            self.write({"state": "failed"})
            self.env["distribution.case"]._open(
                "link_not_sent",
                self.task_id.request_id._document(),
                _("A decision link could not be sent"),
                detail=type(error).__name__,
                dedup_key=f"link_not_sent:{self.id}",
            )

    # ----------------------------------------------------------------- opening

    @api.model
    def _find(self, token, address):
        """The link of this token, or nothing; counts what was guessed from ``address``.

        :raises TooManyGuesses: the address has to wait
        """
        guesses = self.env["distribution.approval.link.guess"]
        if guesses._is_blocked(address):
            raise TooManyGuesses()
        found = self.sudo().search([("token_hash", "=", _hash(token))], limit=1)
        if not found:
            guesses._note(address)
        return found

    def _status(self, user):
        """What the link may show to ``user`` (the person of the session, or nobody).

        ``other``, ``login`` and ``copy`` come first: they say nothing about the document.
        """
        self.ensure_one()
        if tools.str2bool(self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized", "false")):
            return "copy"
        if user and user != self.user_id:
            return "other"
        if not user and (self.login_required or self._needs_login()):
            return "login"
        if self.used_at:
            return "used"
        if self.state != "sent" or not self.expires_at or self.expires_at <= fields.Datetime.now():
            return "expired"
        return self._hindrance() or "open"

    def _hindrance(self):
        """Why the person of this link cannot decide its task: a status, or an empty text."""
        task, request = self.task_id, self.task_id.request_id
        if not self.user_id.active:
            return "inactive"
        if request.state not in ("pending", "question"):
            return "closed"
        if self.user_id in request._current_tasks().decision_ids.user_id:
            return "decided"
        if task.state != "open" or self.user_id not in task._eligible_users() - request._excluded_users():
            return "not_yours"
        if self.digest != request.digest or request._current_snapshot().digest != self.digest:
            return "changed"
        return ""

    def _decide(self, outcome, comment, seen_digest, channel="link", reason_code=None):
        """Use the link: decide as its person. Whoever uses it at the same time starts again, and finds it used."""
        self.ensure_one()
        if outcome not in LINK_OUTCOMES:
            raise UserError(_("outcome: choose one of the buttons."))
        if seen_digest != self.digest:
            raise UserError(_("The document has changed since this page was opened."))
        self.env.cr.execute(
            "UPDATE distribution_approval_link SET used_at = now() AT TIME ZONE 'UTC', state = 'used' "
            "WHERE id = %s AND used_at IS NULL",
            (self.id,),
        )
        if not self.env.cr.rowcount:
            raise UserError(_("This link was used already."))
        self.invalidate_recordset(["used_at", "state"])
        user, company = self.user_id, self.task_id.company_id
        task = (
            self.task_id.with_user(user)
            .sudo(False)
            .with_context(lang=user.lang, tz=user.tz, allowed_company_ids=company.ids)
        )
        task._decide(outcome, seen_digest, comment=comment, reason_code=reason_code, channel=channel)
        decision = self.task_id.decision_ids.filtered(lambda decision: decision.user_id == user)[:1]
        self.env.cr.execute(
            "UPDATE distribution_approval_link SET decision_id = %s WHERE id = %s", (decision.id, self.id)
        )
        self.invalidate_recordset(["decision_id"])


class TooManyGuesses(Exception):
    """Too many wrong tokens came from one address."""


class ApprovalLinkGuess(models.Model):
    """Wrong tokens, counted by address (its hash) and quarter of an hour."""

    _name = "distribution.approval.link.guess"
    _description = "Wrong Decision Links"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _rec_name = "address_hash"

    address_hash = fields.Char(required=True)
    since = fields.Datetime(required=True, index=True)
    number = fields.Integer(required=True)

    _sql_constraints = [("address_unique", "UNIQUE (address_hash, since)", "This address is counted already.")]

    @api.model
    def _window(self):
        now = fields.Datetime.now()
        return now - timedelta(
            minutes=now.minute % (GUESS_WINDOW.seconds // 60), seconds=now.second, microseconds=now.microsecond
        )

    @api.model
    def _is_blocked(self, address):
        self.env.cr.execute(
            """SELECT coalesce(sum(number), 0) FROM distribution_approval_link_guess
                WHERE address_hash = %s AND since > %s""",
            (_hash(address or ""), fields.Datetime.now() - 2 * GUESS_WINDOW),
        )
        return self.env.cr.fetchone()[0] >= MAX_GUESSES

    @api.model
    def _note(self, address):
        self.env.cr.execute(
            """INSERT INTO distribution_approval_link_guess AS guess (address_hash, since, number)
                    VALUES (%s, %s, 1)
               ON CONFLICT (address_hash, since) DO UPDATE SET number = guess.number + 1""",
            (_hash(address or ""), self._window()),
        )

    @api.autovacuum
    def _gc_guesses(self):
        self.env.cr.execute(
            "DELETE FROM distribution_approval_link_guess WHERE since < %s",
            (fields.Datetime.now() - timedelta(days=7),),
        )


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    link_ids = fields.One2many("distribution.approval.link", "task_id", readonly=True)

    def _linked(self, users):
        """Queue a link for those who get one, and return them: the link is their notice."""
        self.ensure_one()
        linked = super()._linked(users)
        if self.request_id.version_id.link_mode == "mail":
            people = users.filtered(
                lambda user: (
                    user.active
                    and user.email
                    and user.distribution_notice == "each"
                    and user.notification_type == "email"
                    and user != self.env.user
                )
            )
            self.env["distribution.approval.link"]._queue(self, people)
            linked |= people
        return linked

    def action_chat_link(self, user_id=None):
        """A decision link to be passed on to one person's own chat, such as by n8n.

        It names no document, and the person has to log in to decide. A second call replaces the first link.

        :param user_id: the person; default the caller. For somebody else it takes the role Integration
        :return: dict with user_id, url, expires_at (UTC) and a text without document data
        """
        self.ensure_one()
        caller = self.env.user
        if self.env.uid == SUPERUSER_ID or caller._is_superuser() or caller.share:
            raise AccessError(_("This takes a person or an integration account."))
        if user_id is not None and (isinstance(user_id, bool) or not isinstance(user_id, int)):
            raise UserError(_("user_id: the id of a user is expected."))
        user = self.env["res.users"].sudo().browse(user_id or caller.id).exists()
        if user != caller and not caller.has_group("distribution_core.group_integration"):
            raise AccessError(_("A link for somebody else is passed on by an integration account only."))
        task = self.sudo()
        if not user:
            raise UserError(_("user_id: this user does not exist."))
        if task.company_id not in caller.company_ids:
            raise AccessError(_("This task belongs to a company that you do not work in."))
        links = self.env["distribution.approval.link"].sudo()
        link = links.create(
            {
                "task_id": task.id,
                "user_id": user.id,
                "channel": "chat",
                "state": "to_send",
                "digest": task.digest or "",
                "created_at": fields.Datetime.now(),
            }
        )
        if link._hindrance():
            raise UserError(_("This task does not wait for that person."))
        links.search(
            [("task_id", "=", task.id), ("user_id", "=", user.id), ("channel", "=", "chat"), ("state", "=", "sent")]
        ).write({"state": "revoked"})
        url = link._arm()
        return {
            "user_id": user.id,
            "url": url,
            "expires_at": fields.Datetime.to_string(link.expires_at),
            "text": _("An approval waits for your decision. The link works once and asks you to log in."),
        }


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()
