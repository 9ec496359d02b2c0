"""A change of a vendor's master data: proposed, and in force when it is approved.

Guarded: applying it. Controlled: everything that says what becomes of whom – vendor, kind, account,
the new values. What is in force meanwhile is kept by ``vendor_master_gate`` and
``vendor_payee_gate``: no other door changes it.

Bank data: the proposal keeps the new number in a field that nobody reads; people see it masked, and
in full who entered it, who is asked to approve it, and who does the accounting. Snapshots, releases,
events and messages hold masked numbers and keyed digests.

Applying runs with the requester's present rights where they write contacts and accounts themselves.
Trusting an account, and taking trust from one whose number changes, is done by the engine: core asks
for the right to validate accounts, and that is just what the approval decided.
"""

from datetime import timedelta

from odoo import SUPERUSER_ID, _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES, check_access

from ..engine import ControlledField, FactSpec, FactType, Unknown, as_decimal
from ..engine.bank_account import iban_country, is_masked, mask, normalized
from ..models.approval_policy import today
from ..models.gate_frame import gate_frame, in_frame
from ..models.vendor_value import BILLS, DOCUMENT_TYPE, TERMS

KINDS = [
    ("account_new", "New bank account"),
    ("account_change", "Change of a bank account"),
    ("account_trust", "Send money to a bank account"),
    ("account_remove", "Removal of a bank account"),
    ("bill_account", "Pay a bill to somebody else's account"),
    ("payment_terms", "Payment terms"),
    ("vat", "VAT number"),
]
SOURCES = [
    ("letter", "Letter or mail of the vendor"),
    ("call", "Call of the vendor"),
    ("portal", "Portal or web form"),
    ("bill", "Seen on a bill"),
    ("internal", "Found by ourselves"),
]
NEEDS_NUMBER = ("account_new", "account_change")
NEEDS_ACCOUNT = ("account_change", "account_trust", "account_remove", "bill_account")
ACCOUNT_KINDS = ("account_new", *NEEDS_ACCOUNT)
#: What the proposal itself writes.
PROTECTED = frozenset({"before_text", "before_digest", "account_text", "applied_at", "sealed_account_number"})
#: Days in which another change of the same vendor counts.
WINDOW = 30

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("partner_id", "Vendor", model="res.partner"),
    ControlledField("kind", "Change"),
    ControlledField("bank_account_id", "Account"),
    ControlledField("account_text", "Bank account"),
    ControlledField("move_id", "Bill", model="account.move"),
    ControlledField("before_text", "In force"),
    ControlledField("number_mask", "New account number"),
    ControlledField("new_holder", "Account holder"),
    ControlledField("new_bank_id", "Bank", model="res.bank"),
    ControlledField("new_trusted", "Send money"),
    ControlledField("new_payment_term_id", "New payment terms", model="account.payment.term"),
    ControlledField("new_vat", "New VAT number"),
    ControlledField("before_digest", "Digest in force"),
    ControlledField("after_digest", "Digest proposed"),
)


class VendorChange(models.Model):
    _name = "distribution.vendor.change"
    _description = "Vendor Master Change"
    _inherit = "distribution.request.form"

    _approval_type = DOCUMENT_TYPE
    _approval_guarded_states = ("applied",)
    _approval_ask_action = "action_propose"
    _approval_controlled = frozenset(
        {
            "company_id",
            "partner_id",
            "kind",
            "bank_account_id",
            "move_id",
            "account_number",
            "sealed_account_number",
            "new_holder",
            "new_bank_id",
            "new_trusted",
            "new_payment_term_id",
            "new_vat",
            "before_digest",
            "before_text",
            "account_text",
        }
    )
    _approval_watched = _approval_controlled | {"state"}
    _approval_ownership = frozenset({"user_id"})
    _approval_header = HEADER
    _approval_not_shown = frozenset({"company_id", "bank_account_id", "before_digest", "after_digest"})
    _approval_amendable = False

    state = fields.Selection(selection_add=[("applied", "In Force"), ("cancel",)], ondelete={"applied": "set default"})
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        "res.partner", string="Vendor", required=True, index=True, ondelete="cascade", tracking=True
    )
    kind = fields.Selection(KINDS, string="Change", required=True, tracking=True)
    bank_account_id = fields.Many2one(
        "res.partner.bank", string="Bank Account in Question", ondelete="restrict", context={"active_test": False}
    )
    move_id = fields.Many2one("account.move", string="Bill", ondelete="restrict", check_company=True, copy=False)
    account_number = fields.Char(
        string="New Account Number",
        compute="_compute_account_number",
        inverse="_inverse_account_number",
        help="In full for who entered it, who is asked to approve it and who does the accounting; masked for others.",
    )
    sealed_account_number = fields.Char(groups=fields.NO_ACCESS, copy=False, readonly=True)
    new_holder = fields.Char(string="Account Holder", help="When it is not the name of the vendor.")
    new_bank_id = fields.Many2one("res.bank", string="Bank")
    new_trusted = fields.Boolean(
        string="Send Money", help="Payments may be sent to this account as soon as the change is in force."
    )
    new_payment_term_id = fields.Many2one("account.payment.term", string="New Payment Terms")
    new_vat = fields.Char(string="New VAT Number")
    source = fields.Selection(SOURCES, string="Known from", required=True, default="letter", tracking=True)
    called_back = fields.Boolean(
        string="Confirmed by Call",
        tracking=True,
        help="Somebody called the vendor at a number that was known before, and had the change confirmed.",
    )
    reason = fields.Text(required=True, help="Why it changes, and how that was checked.")
    user_id = fields.Many2one("res.users", string="Requested by", default=lambda self: self.env.user, tracking=True)
    before_text = fields.Char(string="In Force", readonly=True, copy=False)
    before_digest = fields.Char(readonly=True, copy=False)
    account_text = fields.Char(string="Account", readonly=True, copy=False)
    number_mask = fields.Char(compute="_compute_after", compute_sudo=True, string="New Number")
    after_text = fields.Char(compute="_compute_after", compute_sudo=True, string="Proposed")
    after_digest = fields.Char(compute="_compute_after", compute_sudo=True)
    applied_at = fields.Datetime(string="In Force since", readonly=True, copy=False)

    # -------------------------------------------------------------- computes

    @api.depends("name", "kind", "after_text")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for change in self:
            change.display_name = f"{change.name} {kinds.get(change.kind, '')}".strip()

    @api.depends("sealed_account_number")
    @api.depends_context("uid")
    def _compute_account_number(self):
        for change in self:
            # sudo: nobody reads the field itself
            engine = change.sudo()
            number = engine.sealed_account_number
            change.account_number = number if engine._may_read_number(self.env.user) else mask(number)

    def _inverse_account_number(self):
        for change in self:
            number = (change.account_number or "").strip()
            if is_masked(number):
                raise UserError(_("New Account Number: enter the number in full."))
            # sudo: nobody reads or writes the field itself; who may write the proposal may say its number
            change.sudo().sealed_account_number = number or False

    def _may_read_number(self, user):
        """Who entered it, who is asked to approve it, who does the accounting (sudo: by the real user).

        Not by ``user_id``: whoever may write the proposal may write that.
        """
        self.ensure_one()
        if not self.id or user == self.create_uid:
            return True
        if any(user.has_group(f"account.group_account_{role}") for role in ("invoice", "readonly", "user", "manager")):
            return True
        return user in self.approval_request_ids.task_ids.user_ids

    @api.depends(
        "kind",
        "partner_id",
        "bank_account_id",
        "move_id",
        "sealed_account_number",
        "new_holder",
        "new_bank_id",
        "new_trusted",
        "new_payment_term_id",
        "new_vat",
    )
    def _compute_after(self):
        values = self.env["distribution.vendor.value"]
        for change in self:
            account = change.bank_account_id
            change.number_mask = mask(change.sealed_account_number)
            change.after_text = change._after_text()
            change.after_digest = values._fingerprint(
                change.kind or "",
                account.id,
                change.sealed_account_number or "",
                change.new_holder or "",
                change.new_bank_id.id,
                change.new_trusted,
                change.move_id.id,
                change.new_payment_term_id.id,
                change.new_vat or "",
            )

    def _after_text(self):
        """What is proposed, in words; numbers masked."""
        if self.kind in NEEDS_NUMBER:
            parts = [mask(self.sealed_account_number), self.new_bank_id.name, self.new_holder]
            parts.append(_("money may be sent to it") if self.new_trusted else _("no money is sent to it yet"))
            return ", ".join(part for part in parts if part)
        if self.kind == "account_trust":
            return _("money may be sent to it")
        if self.kind == "account_remove":
            return _("not used any more")
        if self.kind == "bill_account":
            return self.account_text or ""
        if self.kind == "payment_terms":
            return self.new_payment_term_id.name or _("none: payment at once")
        return self.new_vat or _("none")

    # ----------------------------------------------------------- constraints

    @api.constrains("partner_id", "bank_account_id", "kind", "move_id")
    def _check_target(self):
        for change in self:
            if change.partner_id != change.partner_id.commercial_partner_id:
                raise ValidationError(
                    _("Vendor: choose the company itself, %s.", change.partner_id.commercial_partner_id.display_name)
                )
            owner = change.bank_account_id.partner_id.commercial_partner_id
            if change.kind != "bill_account" and owner and owner != change.partner_id:
                raise ValidationError(_("Bank Account in Question: it belongs to %s.", owner.display_name))
            if change.move_id and change.move_id.commercial_partner_id != change.partner_id:
                raise ValidationError(_("Bill: it is one of another vendor."))

    def _check_complete(self):
        for change in self:
            if change.kind in NEEDS_NUMBER and not change.sudo().sealed_account_number and not change.bank_account_id:
                raise UserError(_("New Account Number: enter the number."))
            if change.kind in NEEDS_ACCOUNT and not change.bank_account_id:
                raise UserError(_("Bank Account in Question: choose the account."))
            if change.kind == "bill_account" and not change.move_id:
                raise UserError(_("Bill: choose the bill."))

    def _check_rights(self):
        """Whoever lacks the right to make the change cannot have it made: say so before people decide."""
        for change in self:
            if change.kind in ("vat", "payment_terms"):
                check_access(change.partner_id, "write")
            elif change.kind == "bill_account":
                check_access(change.move_id, "write")
            elif change.kind == "account_new" and not change.bank_account_id:
                check_access(self.env["res.partner.bank"], "create")
            elif change.kind != "account_trust":
                check_access(change.bank_account_id, "write")

    # ------------------------------------------------------------------ CRUD

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            for name in PROTECTED:
                vals.pop(name, None)
        with gate_frame(self.env):
            changes = super().create(vals_list)
            changes._take_before()
            return changes

    def write(self, vals):
        applied = self.filtered(lambda change: change.state == "applied")
        if applied and self._approval_watched & vals.keys():
            raise UserError(_("%s is in force and stays on record. Propose another change.", applied[0].display_name))
        protected = PROTECTED & vals.keys()
        if protected and not self.env.su:
            raise AccessError(_("%s: this is not entered by hand.", ", ".join(sorted(protected))))
        with gate_frame(self.env):
            result = super().write(vals)
            if {"partner_id", "kind", "bank_account_id", "move_id", "company_id", "new_bank_id"} & vals.keys():
                self._take_before()
            # Whatever door leads here: what is in force is what was written.
            if vals.get("state") == "applied":
                for change in self:
                    change._apply()
            return result

    # -------------------------------------------------------------- in force

    def _in_force(self):
        """What is in force now (text, digest), and the account in question (text); numbers masked.

        The digest holds whatever must not move between approval and application: also where money
        for the account, or for the new bank, goes.
        """
        self.ensure_one()
        values = self.env["distribution.vendor.value"]
        account = self.bank_account_id.sudo()
        account_digest = values._account_digest(account) if account else ""
        trust = _("money may be sent to it") if account.allow_out_payment else _("no money is sent to it yet")
        account_text = ", ".join(part for part in (mask(account.acc_number), account.bank_id.name) if part)
        if self.kind == "vat":
            return self.partner_id.vat or _("none"), values._fingerprint(self.partner_id.vat or ""), False
        if self.kind == "payment_terms":
            terms = self.partner_id.with_company(self.company_id)[TERMS]
            return terms.name or _("none: payment at once"), values._fingerprint(terms.id), False
        if self.kind == "bill_account":
            named = self.move_id.sudo().partner_bank_id
            digest = values._fingerprint(values._account_digest(named) if named else "", account_digest)
            holder = account.partner_id.name or ""
            return mask(named.acc_number) or _("none"), digest, f"{account_text} ({holder})"
        digest = values._fingerprint(
            account_digest, account.allow_out_payment, account.active, self.new_bank_id.sudo().bic or ""
        )
        text = ", ".join((account_text, trust)) if account else _("none")
        return text, digest, account_text or False

    def _take_before(self):
        """Note what is in force, so that the approval is about this step and no other."""
        for change in self.sudo().filtered(lambda change: change.state != "applied"):
            text, digest, account = change._in_force()
            if (text, digest, account) != (change.before_text, change.before_digest, change.account_text):
                change.write({"before_text": text, "before_digest": digest, "account_text": account})

    def _apply(self):
        """Write what was proposed, in the frame in which the proposal came into force."""
        self.ensure_one()
        engine = self.sudo()
        engine._check_company()
        if engine._in_force()[1] != engine.before_digest:
            raise UserError(
                _("%s: what is in force has changed since this was proposed. Propose it again.", self.display_name)
            )
        engine._stamp()
        getattr(self, f"_apply_{self.kind}")()
        self.env["distribution.event"].sudo()._record(
            "distribution.vendor.master_changed.v1",
            engine.partner_id,
            {
                "change_id": self.id,
                "kind": self.kind,
                "bank_account_id": engine.bank_account_id.id or None,
                "digest_before": engine.before_digest or None,
                "digest_after": engine.after_digest,
                "company_id": engine.company_id.id,
            },
            correlation=f"{self._name},{self.id}",
        )

    def _check_company(self):
        """A vendor whom several companies share is not changed in the one that is not governed."""
        companies = self.env["distribution.vendor.value"]._companies_of(self.partner_id)
        if self.kind != "payment_terms" and companies and self.company_id not in companies:
            raise UserError(
                _(
                    "Company: changes of %(vendor)s are governed in %(companies)s. Propose this change there.",
                    vendor=self.partner_id.display_name,
                    companies=", ".join(companies.mapped("name")),
                )
            )

    def _stamp(self):
        models.BaseModel.write(self.sudo(), {"applied_at": fields.Datetime.now()})

    def _note(self, record, field, digest, **values):
        self.env["distribution.vendor.value"]._note("approved", record, field, digest, change=self, **values)

    def _note_account(self, account):
        account = account.sudo()
        self._note(
            account,
            "account",
            self.env["distribution.vendor.value"]._account_digest(account),
            in_force=account.active,
            trusted=account.allow_out_payment,
        )

    def _trusted_engine(self, account):
        # The engine itself: core lets only who may validate accounts change trust, and the release did that.
        return account.with_user(SUPERUSER_ID)

    def _account_values(self):
        engine = self.sudo()
        values = {"acc_number": engine.sealed_account_number, "bank_id": engine.new_bank_id.id or False}
        if engine.new_holder:
            values["acc_holder_name"] = engine.new_holder
        return {key: value for key, value in values.items() if value}

    def _apply_account_new(self):
        """A new account – or one that is there and was never approved, or is archived."""
        engine = self.sudo()
        accounts = self.env["res.partner.bank"].with_context(active_test=False)
        account = engine.bank_account_id or accounts.sudo().search(
            [
                ("partner_id", "=", self.partner_id.id),
                ("sanitized_acc_number", "=", normalized(engine.sealed_account_number)),
            ],
            limit=1,
        )
        if account:
            if account.allow_out_payment:
                self._trusted_engine(account).allow_out_payment = False
            values = {key: value for key, value in self._account_values().items() if key != "acc_number"}
            account.with_env(self.env).write({**values, "active": True})
        else:
            account = self.env["res.partner.bank"].create({**self._account_values(), "partner_id": self.partner_id.id})
            if account.allow_out_payment:
                self._trusted_engine(account).allow_out_payment = False
        self._settle_trust(account)

    def _apply_account_change(self):
        account = self.bank_account_id
        if account.sudo().allow_out_payment:
            self._trusted_engine(account).allow_out_payment = False
        account.write(self._account_values())
        self._settle_trust(account)

    def _settle_trust(self, account):
        if self.new_trusted:
            self._trusted_engine(account).allow_out_payment = True
        self.env.flush_all()
        self._note_account(account)

    def _apply_account_trust(self):
        self._trusted_engine(self.bank_account_id).allow_out_payment = True
        self._note_account(self.bank_account_id)

    def _apply_account_remove(self):
        self.bank_account_id.write({"active": False})
        self._note_account(self.bank_account_id)

    def _apply_bill_account(self):
        values = self.env["distribution.vendor.value"]
        account = self.bank_account_id.sudo()
        self._note(self.move_id, "payee", values._account_digest(account))
        if account not in values._approved_accounts(account):
            # Approved with this bill: whoever owns it, this is the account that was looked at.
            self._note_account(account)
        self.move_id._approval_follow_account(account, self)
        self.move_id.write({"partner_bank_id": account.id})

    def _apply_payment_terms(self):
        partner = self.partner_id.with_company(self.company_id)
        digest = self.env["distribution.vendor.value"]._fingerprint(self.new_payment_term_id.id)
        self._note(partner, "payment_terms", digest, company_id=self.company_id.id)
        partner.write({TERMS: self.new_payment_term_id.id})

    def _apply_vat(self):
        digest = self.env["distribution.vendor.value"]._fingerprint(self.new_vat or "")
        self._note(self.partner_id, "vat", digest)
        self.partner_id.write({"vat": self.new_vat})

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Vendor Master Change")

    @api.model
    def _approval_past_words(self):
        return _(
            "A proposal exists only where governance asks for it: what was changed before governance began left no "
            "record of what was asked and of the value before, and is not simulated."
        )

    @api.model
    def _approval_fact_specs(self):
        partner = self.env["res.partner"]
        return {
            spec.name: spec
            for spec in (
                FactSpec(
                    "amount",
                    "Open bills with the vendor",
                    FactType.MONEY,
                    unit="company currency",
                    help="What is to be paid to the vendor at present: what a wrong account could cost.",
                ),
                FactSpec("change_kind", "Change", FactType.SELECTION, options=tuple(KINDS)),
                FactSpec("change_source", "Known from", FactType.SELECTION, options=tuple(SOURCES)),
                FactSpec("called_back", "Confirmed by call", FactType.FLAG),
                FactSpec("vendor", "Vendor", FactType.REFERENCE, model="res.partner"),
                FactSpec(
                    "vendor_status",
                    "Vendor status",
                    FactType.SELECTION,
                    options=tuple(partner._fields["vendor_status"].selection),
                ),
                FactSpec(
                    "vendor_risk_tier",
                    "Vendor risk",
                    FactType.SELECTION,
                    options=tuple(partner._fields["vendor_risk_tier"].selection),
                ),
                FactSpec(
                    "vendor_days",
                    "Vendor since",
                    FactType.NUMBER,
                    unit="days",
                    help="Since the first order or bill; 0 for a vendor without any.",
                ),
                FactSpec(
                    "other_changes",
                    f"Other changes in {WINDOW} days",
                    FactType.NUMBER,
                    help="Changes of the same vendor that are in force or asked for.",
                ),
                FactSpec(
                    "bank_elsewhere",
                    "Bank in another country",
                    FactType.FLAG,
                    help="The country of the account is not that of the vendor.",
                ),
                FactSpec(
                    "account_of_others",
                    "Account known from somebody else",
                    FactType.FLAG,
                    help="Another contact, an employee for instance, has an account with the same number.",
                ),
                FactSpec("sends_money", "Money may be sent", FactType.FLAG, help="The account would be trusted."),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
                FactSpec(
                    "requester_kind",
                    "Requested from",
                    FactType.SELECTION,
                    options=(("internal", "Our own people"), ("portal", "The vendor's own login")),
                ),
            )
        }

    def _approval_fact_readers(self):
        vendor = self.partner_id
        return {
            "amount": self._open_bills,
            "change_kind": lambda: self.kind,
            "change_source": lambda: self.source,
            "called_back": lambda: self.called_back,
            "vendor": lambda: vendor.id,
            "vendor_status": lambda: vendor.vendor_status or Unknown("the vendor has no status"),
            "vendor_risk_tier": lambda: vendor.vendor_risk_tier or Unknown("the vendor has no risk tier"),
            "vendor_days": self._vendor_days,
            "other_changes": self._other_changes,
            "bank_elsewhere": self._bank_elsewhere,
            "account_of_others": lambda: bool(self._owners_of_number()),
            "sends_money": lambda: bool(self.new_trusted or self.kind in ("account_trust", "bill_account")),
            "requester": lambda: self.env.uid,
            "requester_kind": lambda: "portal" if self.env.user.share else "internal",
        }

    def _approval_amounts(self):
        """A change has no value of its own: bills that come in meanwhile do not void its approval."""
        return {change.id: as_decimal(0) for change in self}

    def _approval_has_value(self):
        """Whatever is open with the vendor now says nothing of what is paid to an account later."""
        return False

    def _open_bills(self):
        """What is posted and not paid, in company currency (Decimal)."""
        groups = self.env["account.move"]._read_group(
            [
                ("commercial_partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("move_type", "in", BILLS),
                ("state", "=", "posted"),
            ],
            [],
            ["amount_residual_signed:sum"],
        )
        return max(as_decimal(-(groups[0][0] or 0.0)), as_decimal(0))

    def _vendor_days(self):
        """Days since the first order or bill of the vendor."""
        family = [
            ("partner_id.commercial_partner_id", "=", self.partner_id.id),
            ("company_id", "=", self.company_id.id),
        ]
        orders = self.env["purchase.order"].search(
            [*family, ("state", "in", PURCHASE_CONFIRMED_STATES), ("date_approve", "!=", False)],
            order="date_approve",
            limit=1,
        )
        bills = self.env["account.move"].search(
            [*family, ("move_type", "in", BILLS), ("state", "=", "posted")], order="date", limit=1
        )
        days = [fields.Date.to_date(day) for day in (orders.date_approve, bills.date) if day]
        return max((today(self.company_id) - min(days)).days, 0) if days else 0

    def _other_changes(self):
        if in_frame(self.env):
            # Two for one vendor at the same instant do not see each other: they take turns.
            self.env["distribution.approval.turn"]._take(
                self._approval_type, [(self.company_id.id, self.partner_id.id)]
            )
        since = fields.Datetime.now() - timedelta(days=WINDOW)
        return self.search_count(
            [
                ("partner_id", "=", self.partner_id.id),
                ("id", "!=", self.id),
                "|",
                ("state", "=", "to_approve"),
                "&",
                ("state", "=", "applied"),
                ("applied_at", ">=", since),
            ]
        )

    def _number(self):
        return self.sealed_account_number or self.bank_account_id.acc_number

    def _bank_elsewhere(self):
        if self.kind not in ACCOUNT_KINDS:
            return False
        bank = self.new_bank_id or self.bank_account_id.bank_id
        country = iban_country(self._number()) or bank.country.code
        if not country:
            return Unknown(_("the country of the account is not known: choose its bank, with a country"))
        if not self.partner_id.country_id:
            return Unknown(_("the vendor has no country"))
        return country != self.partner_id.country_id.code

    def _owners_of_number(self):
        """Others who have an account with the proposed number."""
        if self.kind not in ACCOUNT_KINDS:
            return self.env["res.partner"]
        accounts = (
            self.env["res.partner.bank"]
            .with_context(active_test=False)
            .search([("sanitized_acc_number", "=", normalized(self._number()))])
        )
        named = self.bank_account_id.partner_id if self.kind == "bill_account" else self.env["res.partner"]
        known = self.partner_id | named.commercial_partner_id
        return accounts.partner_id.filtered(lambda owner: owner.commercial_partner_id not in known)

    def _approval_partner(self):
        return self.partner_id.commercial_partner_id

    def _approval_owners(self):
        return self.user_id | self.create_uid

    @api.model
    def _approval_content_words(self, snapshot, before=None):
        """Without the lines that do not belong to this kind of change."""
        words = super()._approval_content_words(snapshot, before)
        empty = ("–", _("no"))
        words["header"] = [row for row in words["header"] if row[1] not in empty or row[2]]
        return words

    def _approval_name(self):
        return self.display_name

    @api.model
    def _approval_standing(self, request):
        """What an approver should check: the vendor, what is open, and – for who may read it – the number."""
        change = self.sudo().browse(request.res_id).exists()
        if not change:
            return False
        number = change._number() if change.kind in ACCOUNT_KINDS else False
        return self.env["ir.qweb"]._render(
            "distribution_approval.vendor_change_standing",
            {
                "change": change,
                "number": number if change._may_read_number(self.env.user) else mask(number),
                "status": dict(change.partner_id._fields["vendor_status"]._description_selection(self.env)).get(
                    change.partner_id.vendor_status
                ),
                "source": dict(change._fields["source"]._description_selection(self.env)).get(change.source),
                "days": change._vendor_days(),
                "open_bills": float(change._open_bills()),
                "currency": change.company_id.currency_id,
                "others": change._owners_of_number(),
                "earlier": self.sudo().search(
                    [("partner_id", "=", change.partner_id.id), ("id", "!=", change.id), ("state", "!=", "draft")],
                    limit=5,
                ),
            },
        )

    def _approval_confirmed_at(self):
        return self.applied_at

    def _approval_before_asked(self):
        self._check_complete()
        self._check_rights()
        self._take_before()

    # --------------------------------------------------------------- actions

    def action_propose(self):
        """Apply what policy or people let go; the rest waits, and the present values stay in force."""
        self._check_complete()
        self._check_rights()
        with gate_frame(self.env):
            self.filtered(lambda change: change.state == "draft")._take_before()
            for change in self._ask():
                change.write({"state": "applied"})
        return True

    def action_cancel(self):
        return super(VendorChange, self._asking()).action_cancel()


class ResPartner(models.Model):
    _inherit = "res.partner"

    vendor_change_count = fields.Integer(compute="_compute_vendor_changes", compute_sudo=True)
    vendor_change_open_count = fields.Integer(compute="_compute_vendor_changes", compute_sudo=True)
    vendor_change_governed = fields.Boolean(compute="_compute_vendor_changes", compute_sudo=True)

    def _compute_vendor_changes(self):
        changes = self.env["distribution.vendor.change"]
        counts, opened = (
            dict(
                changes._read_group(
                    [("partner_id", "in", self.commercial_partner_id.ids), ("state", "in", states)],
                    ["partner_id"],
                    ["__count"],
                )
            )
            for states in (("draft", "to_approve", "applied"), ("to_approve",))
        )
        governed = bool(self.env["distribution.vendor.value"]._companies())
        for partner in self:
            partner.vendor_change_count = counts.get(partner.commercial_partner_id, 0)
            partner.vendor_change_open_count = opened.get(partner.commercial_partner_id, 0)
            partner.vendor_change_governed = governed

    def action_vendor_changes(self):
        """The proposals about this vendor."""
        self.ensure_one()
        vendor = self.commercial_partner_id
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_vendor_change")
        action["domain"] = [("partner_id", "=", vendor.id)]
        action["context"] = {"default_partner_id": vendor.id}
        return action

    def action_vendor_change_propose(self):
        """A new proposal about this vendor."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_vendor_change_propose")
        action["context"] = {"default_partner_id": self.commercial_partner_id.id}
        return action
