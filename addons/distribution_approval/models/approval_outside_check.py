"""A fact that is asked of somebody outside: a credit bureau, a vendor risk service.

No request leaves inside a user's transaction. A fact without a fresh answer is unknown, the document is
held and says why, the question is queued, a scheduled job asks it, and the hold is judged again.
"""

import hashlib
import json
import re
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.sql import column_exists

from odoo.addons.distribution_core import outbound, secret_box
from odoo.addons.distribution_core.engine import circuit
from odoo.addons.distribution_core.engine.addresses import AddressRefused, split_url
from odoo.addons.distribution_core.engine.canonical import canonical_json
from odoo.addons.distribution_core.engine.json_pointer import PointerError, check_pointer, resolve
from odoo.addons.distribution_core.secret_box import SecretBox, SecretKeyProblem

from ..engine import EngineError, FactSpec, FactType, Unknown, clean

ALLOWED_PARAMETER = "distribution_core.outbound_allowed_hosts"
FACT_PREFIX = "outside_"
#: What the check means: a change has to be put in force by somebody else.
DEFINING = {
    "code", "document_type", "fact_type", "options", "unit", "url", "method", "input_ids", "answer_pointer",
    "fresh_hours", "header_name",
}  # fmt: skip
#: What only the methods set.
PROTECTED = {"state", "editor_ids", "failures", "opened_at", "probe_at", "activated_by_id"}
#: Placeholders in the path of a URL.
PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
#: What facts are known by: kept in memory until one of these changes.
NAMED = {"name", "code", "document_type", "fact_type", "options", "unit", "url", "fresh_hours", "active"}
#: Headers that belong to the connection, not to a credential.
CONNECTION_HEADERS = {
    "host", "connection", "content-length", "content-type", "transfer-encoding", "te", "upgrade", "expect", "trailer",
}  # fmt: skip
#: Credentials, encrypted.
SECRETS = "distribution_approval_outside_secret"
secret_box.STORES[SECRETS] = "ciphertext"
#: How much of an answer is kept, in characters.
KEPT_BODY = 8_000
#: ``{cursor: {(model, id, check id): question}}`` that the facts of this transaction lack.
_WANTED = WeakKeyDictionary()

SOURCES = [
    ("partner_vat", "VAT number of the partner"),
    ("partner_registry", "Company registry number of the partner"),
    ("partner_ref", "Our reference of the partner"),
    ("partner_name", "Name of the partner"),
    ("partner_country", "Country of the partner (ISO code)"),
    ("amount", "Value in company currency"),
    ("currency", "Company currency"),
    ("document_name", "Name of the document"),
    ("company_vat", "VAT number of our company"),
]


class ApprovalOutsideCheck(models.Model):
    _name = "distribution.approval.outside.check"
    _description = "Outside Check"
    _order = "document_type, name"

    name = fields.Char(
        required=True, help="What people call it, such as “Credit bureau”; also the fact's name in rules."
    )
    code = fields.Char(required=True, help="Small letters, digits and _. The fact is called outside_ and this.")
    document_type = fields.Selection(selection="_selection_document_type", required=True)
    state = fields.Selection(
        [("draft", "Draft"), ("active", "Active"), ("paused", "Paused")], default="draft", required=True, readonly=True,
        copy=False,
    )  # fmt: skip
    active = fields.Boolean(default=True)
    fact_type = fields.Selection(
        [
            ("selection", "One of some values"),
            ("number", "Number"),
            ("money", "Amount (company currency)"),
            ("percent", "Percentage"),
            ("flag", "Yes or no"),
            ("text", "Text"),
            ("date", "Date"),
        ],
        required=True,
        default="selection",
    )
    options = fields.Text(help="One per line: the value in the answer = what people read. Example: B = medium risk")
    unit = fields.Char()
    method = fields.Selection([("GET", "GET"), ("POST", "POST (JSON)")], default="GET", required=True)
    url = fields.Char(
        string="Address",
        required=True,
        help="https://… In the path, {name} stands for a value that is sent; the rest goes into the query or the body.",
    )
    input_ids = fields.One2many("distribution.approval.outside.input", "check_id", string="Values Sent", copy=True)
    answer_pointer = fields.Char(
        string="Where in the Answer",
        required=True,
        default="/value",
        help="JSON pointer (RFC 6901) to the value, such as /score/class",
    )
    header_name = fields.Char(string="Credential Header", default="Authorization")
    secret = fields.Char(
        string="Credential",
        compute="_compute_secret",
        inverse="_inverse_secret",
        help="Sent in the header, as typed (for example: Bearer …). It is stored and never shown again.",
    )
    has_secret = fields.Boolean(compute="_compute_has_secret", string="Credential Set")
    timeout_seconds = fields.Float(string="Time-out (s)", default=5.0, required=True)
    max_attempts = fields.Integer(
        string="Attempts until a Case Is Opened", default=4, required=True, help="It is tried on after that."
    )
    backoff_seconds = fields.Integer(string="First Retry after (s)", default=30, required=True)
    backoff_cap_seconds = fields.Integer(string="Longest Wait (s)", default=1800, required=True)
    failure_threshold = fields.Integer(string="Failures That Open the Breaker", default=5, required=True)
    cool_down_minutes = fields.Integer(string="Breaker Stays Open (min)", default=5, required=True)
    fresh_hours = fields.Float(
        string="Fresh for (h)", default=24.0, required=True, help="For how long an answer counts for the same question."
    )
    editor_ids = fields.Many2many(
        "res.users", "distribution_approval_outside_editor_rel", string="Written by", readonly=True, copy=False
    )
    activated_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    failures = fields.Integer(string="Failures in a Row", readonly=True, copy=False)
    opened_at = fields.Datetime(string="Breaker Opened", readonly=True, copy=False)
    probe_at = fields.Datetime(readonly=True, copy=False)
    breaker = fields.Selection(
        [("closed", "Closed: calls go through"), ("open", "Open: left alone"), ("half_open", "Trying one call")],
        compute="_compute_breaker",
    )
    waiting_count = fields.Integer(compute="_compute_counts", string="Questions Waiting")
    answer_count = fields.Integer(compute="_compute_counts", string="Answers")

    _sql_constraints = [
        ("code_unique", "UNIQUE (code, document_type)", "This document type has a check of this code already."),
        ("timeout_sensible", "CHECK (timeout_seconds > 0 AND timeout_seconds <= 60)", "Time-out: at most 60 seconds."),
        ("attempts_positive", "CHECK (max_attempts > 0)", "Attempts: at least one."),
        (
            "backoff_sensible",
            "CHECK (backoff_seconds > 0 AND backoff_cap_seconds >= backoff_seconds)",
            "Longest wait: at least as long as the first.",
        ),
        ("breaker_sensible", "CHECK (failure_threshold > 0 AND cool_down_minutes > 0)", "Breaker: positive numbers."),
        ("fresh_positive", "CHECK (fresh_hours > 0)", "Fresh for: more than zero hours."),
    ]

    def init(self):
        # Credentials live outside the models: no read, search, export or view of the ORM reaches them.
        clear = self._take_clear_credentials()
        self.env.cr.execute(
            """CREATE TABLE IF NOT EXISTS distribution_approval_outside_secret (
                   check_id integer PRIMARY KEY
                            REFERENCES distribution_approval_outside_check (id) ON DELETE CASCADE,
                   ciphertext text NOT NULL)"""
        )
        self._keep_credentials(clear)

    def _take_clear_credentials(self):
        """``{check id: credential}`` of a table from before they were encrypted.

        The table goes as a whole: what is merely updated stays readable in its file.
        """
        if not column_exists(self.env.cr, SECRETS, "value"):
            return {}
        self.env.cr.execute("SELECT check_id, value FROM distribution_approval_outside_secret")
        clear = dict(self.env.cr.fetchall())
        self.env.cr.execute("DROP TABLE distribution_approval_outside_secret")
        return clear

    # -------------------------------------------------------------- computes

    @api.model
    def _selection_document_type(self):
        return self.env["distribution.approval.policy"]._selection_document_type()

    def _compute_secret(self):
        self.secret = False

    def _inverse_secret(self):
        given = {check.id: check.secret for check in self if check.secret}
        if any(character in value for value in given.values() for character in "\r\n\0"):
            raise ValidationError(_("secret: a credential has no line breaks."))
        self._keep_credentials(given)
        self.browse(given)._record("secret_set")
        self.invalidate_recordset(["secret", "has_secret"])

    @api.model
    def _keep_credentials(self, given):
        """Store ``{check id: credential}``, encrypted."""
        if not given:
            return
        try:
            box = secret_box.box_for(secret_box.any_stored(self.env.cr))
        except SecretKeyProblem as problem:
            raise UserError(str(problem)) from problem
        self.env.cr.execute(
            """INSERT INTO distribution_approval_outside_secret (check_id, ciphertext)
               SELECT given.check_id, given.ciphertext FROM unnest(%s, %s) AS given (check_id, ciphertext)
                   ON CONFLICT (check_id) DO UPDATE SET ciphertext = excluded.ciphertext""",
            (list(given), [box.encrypt(value) for value in given.values()]),
        )

    def _stored_credentials(self):
        """``{check id: credential}``, encrypted."""
        self.env.cr.execute(
            "SELECT check_id, ciphertext FROM distribution_approval_outside_secret WHERE check_id = ANY(%s)",
            (self.ids,),
        )
        return dict(self.env.cr.fetchall())

    def _credential(self):
        """The credential in clear, or nothing; asked for when it is sent, and kept nowhere.

        :raises SecretKeyProblem: it cannot be read, and what to do
        """
        self.ensure_one()
        stored = self._stored_credentials().get(self.id)
        try:
            return stored and SecretBox().decrypt(stored)
        except SecretKeyProblem as problem:
            raise SecretKeyProblem(
                _(
                    "The credential of “%(check)s” cannot be read. %(problem)s If that key is lost, type the "
                    "credential again under Configuration / Outside Checks.",
                    check=self.name,
                    problem=problem,
                )
            ) from problem

    def _compute_has_secret(self):
        known = self._stored_credentials() if self.ids else {}
        for check in self:
            check.has_secret = check.id in known

    @api.depends("failures", "opened_at", "cool_down_minutes")
    def _compute_breaker(self):
        now = fields.Datetime.now()
        for check in self:
            check.breaker = circuit.state(check._circuit(), check._circuit_rules(), now)

    def _compute_counts(self):
        calls = self.env["distribution.approval.outside.call"].sudo()
        answers = self.env["distribution.approval.outside.answer"].sudo()
        mine = [("check_id", "in", self.ids)]
        waiting = dict(calls._read_group([*mine, ("state", "=", "queued")], ["check_id"], ["__count"]))
        given = dict(answers._read_group(mine, ["check_id"], ["__count"]))
        for check in self:
            check.waiting_count, check.answer_count = waiting.get(check, 0), given.get(check, 0)

    @api.constrains("code", "url", "answer_pointer", "input_ids", "header_name", "fact_type", "options")
    def _check_definition(self):
        for check in self:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", check.code or ""):
                raise ValidationError(_("code: small letters, digits and _, beginning with a letter."))
            try:
                split_url(PLACEHOLDER.sub("x", check.url or ""))
                check_pointer(check.answer_pointer or "")
            except (AddressRefused, PointerError) as error:
                raise ValidationError(_("%(check)s: %(error)s.", check=check.name, error=error)) from error
            if PLACEHOLDER.search(re.sub(r"^(https?://[^/?#]*)?.*", r"\1", check.url)):
                raise ValidationError(
                    _("url: a value that is sent may stand in the path, never in the name of the host.")
                )
            unknown = set(PLACEHOLDER.findall(check.url)) - set(check.input_ids.mapped("name"))
            if unknown:
                raise ValidationError(_("url: “%s” is not among the values that are sent.", ", ".join(sorted(unknown))))
            if not re.fullmatch(r"[A-Za-z0-9-]{1,60}", check.header_name or ""):
                raise ValidationError(_("header_name: letters, digits and - only."))
            if check.header_name.lower() in CONNECTION_HEADERS:
                raise ValidationError(
                    _("header_name: “%s” belongs to the connection: use the header of a credential.", check.header_name)
                )
            if check.fact_type == "selection" and not check._option_pairs():
                raise ValidationError(_("options: name the values that the answer can have, one per line."))

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
            vals.update({"state": "draft", "failures": 0, "opened_at": False, "probe_at": False, "editor_ids": False})
        checks = super().create(vals_list)
        checks._defined("created")
        return checks

    def write(self, vals):
        self._refuse_protected(vals)
        if any(check[name] != vals[name] for name in {"code", "document_type"} & vals.keys() for check in self):
            self._refuse_used(_("change the code or the document type of"))
        hosts = {check.id: check._host() for check in self} if "url" in vals else {}
        result = super().write(vals)
        if DEFINING & vals.keys() or "active" in vals:
            self._defined("changed")
        elif NAMED & vals.keys():
            self.env.registry.clear_cache()
        moved = self.filtered(lambda check: hosts.get(check.id, check._host()) != check._host())
        if moved:
            # The credential was meant for the former host.
            self.env.cr.execute(
                "DELETE FROM distribution_approval_outside_secret WHERE check_id = ANY(%s)", (moved.ids,)
            )
            moved.invalidate_recordset(["has_secret"])
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: whether there is evidence does not depend on who may read it
        if (
            self.env["distribution.approval.outside.answer"]
            .sudo()
            .search_count([("check_id", "in", self.ids)], limit=1)
        ):
            raise UserError(_("This check has given answers, which are evidence. Archive it instead."))
        self._refuse_used(_("delete"))
        self._record("removed")

    def _refuse_used(self, deed):
        """A fact that a rule names, also one of a former version, stays what it is called."""
        # sudo: rules of every company count, also those that the present user does not see
        conditions = self.env["distribution.approval.condition"].sudo()
        for check in self:
            used = conditions.search(
                [("fact", "=", check._fact_name()), ("rule_id.document_type", "=", check.document_type)], limit=1
            )
            if used:
                raise UserError(
                    _(
                        "The rule “%(rule)s” of %(version)s asks for “%(check)s”: you cannot %(deed)s it. Archive it "
                        "and make a new check.",
                        rule=used.rule_id.name,
                        version=used.rule_id.version_id.display_name,
                        check=check.name,
                        deed=deed,
                    )
                )

    def _refuse_protected(self, vals):
        protected = PROTECTED & {key for key, value in vals.items() if value}
        if protected or ("state" in vals):
            raise AccessError(_("%s cannot be written: use the buttons.", ", ".join(sorted(protected or {"state"}))))
        for key in PROTECTED & vals.keys():
            vals.pop(key)

    def _set(self, values):
        """The engine's own way to write."""
        models.BaseModel.write(self.sudo(), values)

    def _defined(self, action):
        """The definition changed: it counts again when somebody else has put it in force."""
        for check in self:
            values = {"editor_ids": [(4, self.env.uid)]}
            if check.state == "active":
                values["state"] = "draft"
            check._set(values)
            check._publish_options()
        self._record(action)
        self.env.registry.clear_cache()

    def _record(self, action):
        self.env["distribution.event"].sudo()._record(
            "distribution.outside_check.changed.v1",
            self,
            lambda check: {
                "action": action,
                "document_type": check.document_type,
                "fact": check._fact_name(),
                "host": check._host(),
                "definition_digest": hashlib.sha256(check._definition().encode()).hexdigest(),
            },
        )

    def _definition(self):
        values = {name: self[name] for name in sorted(DEFINING - {"input_ids"})}
        values["inputs"] = [(line.name, line.source, line.required) for line in self.input_ids.sorted("name")]
        return canonical_json(values)

    def _host(self):
        try:
            return split_url(PLACEHOLDER.sub("x", self.url or ""))[1]
        except AddressRefused:
            return ""

    # --------------------------------------------------------------- actions

    def action_activate(self):
        """Put the check in force; takes a publisher who did not write it."""
        for check in self:
            user = self.env.user
            if not user.has_group("distribution_core.group_policy_publisher") or user._is_superuser():
                raise AccessError(_("Putting an outside check in force takes the role Policy Publisher."))
            if user in check.sudo().editor_ids:
                raise UserError(
                    _("You wrote in “%s” yourself: somebody else has to put it in force, as with a policy.", check.name)
                )
            if check.state == "draft" and not check.sudo().input_ids:
                raise UserError(_("“%s” sends nothing: name at least one value.", check.name))
            check._set({"state": "active", "activated_by_id": user.id})
            check._record("activated")
        self.env.registry.clear_cache()
        self._wake()
        return True

    def action_pause(self):
        """Stop asking; documents that need the fact are held. Anybody who runs things may do it."""
        self._check_operator()
        for check in self.filtered(lambda check: check.state == "active"):
            check._set({"state": "paused"})
            check._record("paused")
        self.env.registry.clear_cache()
        return True

    def action_resume(self):
        """Ask again, with the definition that was in force."""
        self._check_operator()
        for check in self.filtered(lambda check: check.state == "paused"):
            check._set({"state": "active" if check.activated_by_id else "draft"})
            check._record("resumed")
        self.env.registry.clear_cache()
        self._wake()
        return True

    def action_close_breaker(self):
        """The service is back: do not wait for the cool-down."""
        self._check_operator()
        self._keep_circuit(circuit.Circuit())
        waiting = self.env["distribution.approval.outside.call"].sudo()
        waiting.search([("check_id", "in", self.ids), ("state", "=", "queued")]).write(
            {"next_at": fields.Datetime.now()}
        )
        self._wake()
        return True

    def _check_operator(self):
        user = self.env.user
        if not user.has_group("distribution_core.group_operations"):
            raise AccessError(_("Operations or an administrator can do this."))

    def action_open_answers(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_outside_answer")
        return {**action, "domain": [("check_id", "=", self.id)]}

    def action_open_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_approval_outside_call")
        return {**action, "domain": [("check_id", "=", self.id)]}

    # ------------------------------------------------------------------ facts

    def _fact_name(self):
        return FACT_PREFIX + (self.code or "")

    def _option_pairs(self):
        pairs = []
        for line in (self.options or "").splitlines():
            key, _sign, label = line.partition("=")
            if key.strip():
                pairs.append((key.strip(), label.strip() or key.strip()))
        return tuple(pairs)

    def _spec(self):
        self.ensure_one()
        return FactSpec(
            self._fact_name(),
            self.name,
            FactType(self.fact_type),
            unit=self.unit or "",
            options=self._option_pairs() if self.fact_type == "selection" else (),
            help=_("Asked of %(host)s; fresh for %(hours)g h.", host=self._host(), hours=self.fresh_hours),
        )

    def _publish_options(self):
        """The values can be picked in rules."""
        options = self.env["distribution.approval.fact.option"].sudo()
        for check in self.filtered(lambda check: check.fact_type == "selection"):
            options._upsert(check._spec())

    @api.model
    @tools.ormcache("document_type")
    def _ids_for(self, document_type):
        """Ids of the checks of a document type; also those switched off: their facts are unknown, not gone."""
        checks = self.sudo().with_context(active_test=False)
        return tuple(checks.search([("document_type", "=", document_type)]).ids)

    @api.model
    @tools.ormcache("document_type", "self.env.lang")
    def _specs_for(self, document_type):
        """``{fact name: FactSpec}`` of the facts from outside; kept in memory, so that who needs none pays none."""
        checks = self.sudo().browse(self._ids_for(document_type))
        return MappingProxyType({check._fact_name(): check._spec() for check in checks})

    @api.model
    def _facts_for(self, documents, names):
        """``{document id: {name: value or Unknown}}``; two queries per check, whatever the number of documents.

        What has no fresh answer is noted as a question, to be queued if the document is held for it.
        """
        facts = {document.id: {} for document in documents}
        for check in self.sudo().browse(self._ids_for(documents._approval_type)):
            name = check._fact_name()
            if name not in names:
                continue
            if check.state != "active" or not check.active:
                reason = Unknown(_("%s is switched off", check.name))
                for document in documents:
                    facts[document.id][name] = reason
                continue
            questions = check._questions(documents)
            known = check._fresh_answers({q for q in questions.values() if not isinstance(q, Unknown)})
            waiting = check._waiting_words(set(questions.values()) - set(known)) if len(known) < len(questions) else {}
            for document in documents:
                question = questions[document.id]
                if isinstance(question, Unknown):
                    facts[document.id][name] = question
                elif question in known:
                    facts[document.id][name] = known[question]
                    _WANTED.get(self.env.cr, {}).pop((document._name, document.id, check.id), None)
                else:
                    facts[document.id][name] = Unknown(waiting.get(question) or _("%s is being asked", check.name))
                    check._note_wanted(document, question)
        return facts

    def _questions(self, documents):
        """``{document id: question, canonical JSON}``, or Unknown when a value is missing that must be sent."""
        amounts = documents._approval_amounts() if "amount" in self.input_ids.mapped("source") else {}
        return {document.id: self._question(document, amounts.get(document.id)) for document in documents}

    def _question(self, document, amount):
        values = {}
        partner = document._approval_partner().sudo()
        company = document.sudo().company_id
        read = {
            "partner_vat": lambda: partner.vat,
            "partner_registry": lambda: partner.company_registry,
            "partner_ref": lambda: partner.ref,
            "partner_name": lambda: partner.name,
            "partner_country": lambda: partner.country_id.code,
            "amount": lambda: None if isinstance(amount, Unknown) or amount is None else str(amount),
            "currency": lambda: company.currency_id.name,
            "document_name": document._approval_name,
            "company_vat": lambda: company.vat,
        }
        for line in self.input_ids:
            value = read[line.source]() or ""
            if line.required and not value:
                label = dict(line._fields["source"]._description_selection(self.env))[line.source]
                return Unknown(_("%(check)s cannot be asked: %(value)s is missing", check=self.name, value=label))
            values[line.name] = value
        return canonical_json(values)

    def _fresh_answers(self, questions):
        """``{question: typed value}`` of answers that still count; one query."""
        since = fields.Datetime.now() - timedelta(hours=self.fresh_hours)
        self.env.cr.execute(
            """SELECT DISTINCT ON (question_digest) question_digest, value
                 FROM distribution_approval_outside_answer
                WHERE check_id = %s AND question_digest = ANY(%s) AND outcome = 'ok' AND answered_at > %s
                  AND definition_digest = %s
             ORDER BY question_digest, id DESC""",
            (self.id, [_digest(question) for question in questions], since, self._definition_digest()),
        )
        found = dict(self.env.cr.fetchall())
        spec = self._spec()
        return {
            question: clean(spec, json.loads(found[_digest(question)]))
            for question in questions
            if _digest(question) in found
        }

    def _definition_digest(self):
        """An answer counts only as long as the check means what it meant when it was given."""
        return hashlib.sha256(self._definition().encode()).hexdigest()

    def _waiting_words(self, questions):
        """``{question: why there is no answer yet}``; one query."""
        texts = [question for question in questions if isinstance(question, str)]
        self.env.cr.execute(
            """SELECT question, attempts, last_error FROM distribution_approval_outside_call
                WHERE check_id = %s AND state = 'queued' AND question_digest = ANY(%s) AND attempts > 0""",
            (self.id, [_digest(question) for question in texts]),
        )
        return {
            question: _(
                "%(check)s: %(error)s (asked %(count)s times, it is tried again)",
                check=self.name,
                error=error or _("no answer"),
                count=attempts,
            )
            for question, attempts, error in self.env.cr.fetchall()
        }

    def _note_wanted(self, document, question):
        """Remember the question until the transaction knows whether the document is held for it.

        In memory, not in the database: an amendment is tried in a savepoint that is rolled back.
        """
        _WANTED.setdefault(self.env.cr, {})[document._name, document.id, self.id] = question

    # ---------------------------------------------------------------- queueing

    @api.model
    def _queue_for(self, request):
        """Queue what ``request`` is held for, and have it asked soon."""
        wanted = _WANTED.get(self.env.cr, {})
        queued = False
        for check_id in self._ids_for(request.document_type):
            question = wanted.pop((request.res_model, request.res_id, check_id), None)
            if question:
                queued |= self.env["distribution.approval.outside.call"]._queue(
                    self.browse(check_id), question, request
                )
        if queued:
            self._wake()

    @api.model
    def _wake(self, at=None):
        self.env.ref("distribution_approval.ir_cron_outside").sudo()._trigger(at)

    # ----------------------------------------------------------------- asking

    def _circuit(self):
        return circuit.Circuit(self.failures, self.opened_at or None, self.probe_at or None)

    def _circuit_rules(self):
        return circuit.Rules(
            threshold=max(1, self.failure_threshold),
            cool_down=timedelta(minutes=max(1, self.cool_down_minutes)),
            lease=timedelta(seconds=(self.timeout_seconds or 1) + 60),
        )

    def _keep_circuit(self, new):
        self._set({"failures": new.failures, "opened_at": new.opened_at or False, "probe_at": new.probe_at or False})

    def _message(self, question):
        """What goes out for ``question``, read while there is a transaction.

        :raises SecretKeyProblem: the credential cannot be read
        """
        self.ensure_one()
        url, rest = self._address(json.loads(question))
        secret = self._credential()
        if self.method != "POST" and rest:
            url += ("&" if "?" in url else "?") + urlencode(rest)
        return {
            "method": self.method,
            "url": url,
            "headers": {self.header_name: secret} if secret else {},
            "payload": rest if self.method == "POST" else None,
            "timeout": self.timeout_seconds,
            "allowed": self.env["ir.config_parameter"].sudo().get_param(ALLOWED_PARAMETER, ""),
        }

    @staticmethod
    def _send(message):
        """The service's answer, or the reason why there is none; touches no database."""
        try:
            return outbound.request(**message)
        except outbound.OutboundError as error:
            return error

    def _understand(self, answer):
        """``answer`` as values for its record; never raises for what the other side does."""
        if isinstance(answer, SecretKeyProblem):
            return {"outcome": "credential", "error": str(answer)}
        secret = self._credential()
        if isinstance(answer, outbound.OutboundError):
            return {
                "outcome": answer.kind,
                "error": _without(secret, str(answer)),
                "milliseconds": answer.milliseconds,
            }
        return self._read_answer(answer, secret)

    def _address(self, values):
        """The URL with its placeholders filled, and the values that are left."""
        used = set(PLACEHOLDER.findall(self.url))
        url = PLACEHOLDER.sub(lambda match: quote(str(values[match[1]]), safe=""), self.url)
        return url, {name: value for name, value in values.items() if name not in used}

    def _read_answer(self, answer, secret):
        body = answer.body.decode("utf-8", "replace")
        result = {
            "status_code": answer.status,
            "milliseconds": answer.milliseconds,
            "body": _without(secret, body)[:KEPT_BODY].replace("\0", ""),
            "body_digest": hashlib.sha256(answer.body).hexdigest(),
        }
        if not 200 <= answer.status < 300:
            return {**result, "outcome": "status", "error": _("the service answers with status %s", answer.status)}
        try:
            value = resolve(json.loads(answer.body), self.answer_pointer or "")
        except (PointerError, ValueError, RecursionError) as error:
            return {**result, "outcome": "garbage", "error": _("the answer cannot be read: %s", str(error)[:200])}
        spec = self._spec()
        try:
            typed = clean(spec, value)
        except (EngineError, ArithmeticError, ValueError) as error:
            typed = Unknown(str(error))
        if isinstance(typed, Unknown):
            return {**result, "outcome": "wrong_type", "error": typed.reason[:300]}
        return {**result, "outcome": "ok", "value": json.dumps(value, ensure_ascii=False)}


class ApprovalOutsideInput(models.Model):
    """One value that leaves the company, named one by one."""

    _name = "distribution.approval.outside.input"
    _description = "Value Sent to an Outside Check"
    _order = "check_id, id"

    check_id = fields.Many2one("distribution.approval.outside.check", required=True, ondelete="cascade", index=True)
    name = fields.Char(string="Sent as", required=True, help="Name of the value in the request: letters, digits and _.")
    source = fields.Selection(SOURCES, required=True)
    required = fields.Boolean(
        string="Must Be There", default=True, help="Without it nothing is asked; the fact is unknown."
    )

    _sql_constraints = [("name_unique", "UNIQUE (check_id, name)", "Each value is sent under a name of its own.")]

    @api.constrains("name")
    def _check_name(self):
        for line in self:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", line.name or ""):
                raise ValidationError(_("name: small letters, digits and _, beginning with a letter."))

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.check_id._defined("changed")
        return lines

    def write(self, vals):
        checks = self.check_id
        result = super().write(vals)
        (checks | self.check_id)._defined("changed")
        return result

    def unlink(self):
        checks = self.check_id
        result = super().unlink()
        checks._defined("changed")
        return result


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    @api.model
    def _approval_all_fact_specs(self):
        """``{name: FactSpec}``: what the document declares, and what comes from outside."""
        return {
            **self._approval_fact_specs(),
            **self.env["distribution.approval.outside.check"]._specs_for(self._approval_type),
        }

    def _approval_all_facts(self, names):
        """``{id: {name: value or Unknown}}`` for ``names``, outside facts included."""
        names = set(names)
        outside = names & self.env["distribution.approval.outside.check"]._specs_for(self._approval_type).keys()
        facts = self._approval_facts(names - outside)
        if outside:
            answers = self.env["distribution.approval.outside.check"]._facts_for(self, outside)
            facts = {key: {**known, **answers[key]} for key, known in facts.items()}
        return facts


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _take_up(self, judgement, snapshot, trial=None):
        result = super()._take_up(judgement, snapshot, trial)
        if self.state == "on_hold":
            self.env["distribution.approval.outside.check"].sudo()._queue_for(self)
        return result

    def _judge_hold_again(self):
        judged = super()._judge_hold_again()
        if not judged:
            self.env["distribution.approval.outside.check"].sudo()._queue_for(self)
        return judged


def _digest(question):
    return hashlib.sha256(question.encode()).hexdigest()


def _without(secret, text):
    """``text`` without the credential, should the other side send it back."""
    if not secret:
        return text
    for part in {secret, *secret.split()}:
        if len(part) > 5:
            text = text.replace(part, "•••")
    return text
