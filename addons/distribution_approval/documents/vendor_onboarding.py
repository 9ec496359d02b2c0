"""Vendor onboarding: a new vendor is approved once, before the first order, bill or payment.

Guarded: approving the onboarding, and with it the vendor: while onboarding is governed nothing else
makes a vendor approved (see ``vendor_onboarding_guard.py``). Controlled: company, vendor, country,
categories of spend, expected spend, proposed risk, and the documents – kind, reference, validity and
content. Not controlled: notes, responsible, activities. An approved onboarding does not change; a
vendor that lost its standing is onboarded again, with a request of its own.

Nobody is asked twice: the onboarding says who the vendor is; the policies for orders and bills then
find an approved vendor and ask about the order and the bill only.
"""

import logging

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from odoo.addons.distribution_core.append_only import protect_columns
from odoo.addons.distribution_core.models.res_partner import RISK_TIERS

from ..engine import ControlledField, FactSpec, FactType
from ..models.approval_policy import today
from ..models.gate_frame import gate_frame
from .vendor_bill_match import OWED_TYPES

_logger = logging.getLogger(__name__)

HEADER = (
    ControlledField("company_id", "Company", model="res.company"),
    ControlledField("partner_id", "Vendor", model="res.partner"),
    ControlledField("country_id", "Country", model="res.country"),
    ControlledField("category_ids", "Categories of Spend", model="product.category"),
    ControlledField("risk_tier", "Proposed Risk"),
    ControlledField("amount", "Expected Spend a Year", "amount"),
)
LINE = (
    ControlledField("kind", "Document"),
    ControlledField("reference", "Reference"),
    ControlledField("valid_until", "Valid Until"),
    ControlledField("digest", "Content"),
)
KINDS = [
    ("registration", "Trade register extract"),
    ("tax", "Tax certificate"),
    ("bank", "Confirmation of the bank account"),
    ("insurance", "Certificate of insurance"),
    ("quality", "Quality certificate"),
    ("conduct", "Code of conduct, signed"),
    ("contract", "Contract or terms"),
    ("other", "Other"),
]
#: What is carried on with when the vendor is approved: the step that was blocked.
BLOCKED_STEPS = {"purchase.order": "button_confirm", "account.move": "action_post"}


class VendorOnboarding(models.Model):
    _name = "distribution.vendor.onboarding"
    _description = "Vendor Onboarding"
    _inherit = "distribution.request.form"

    _approval_type = "vendor_onboarding"
    _approval_guarded_states = ("approved",)
    _approval_ask_action = "action_submit"
    _approval_controlled = frozenset(field.name for field in HEADER) | {"document_ids"}
    _approval_watched = _approval_controlled | {"state"}
    _approval_ownership = frozenset({"user_id"})
    _approval_header = HEADER
    _approval_line = LINE
    _approval_line_field = "document_ids"
    _approval_line_title = "kind"
    _approval_amount_field = "amount"
    _approval_amendable = False
    _approval_evidence_fields = ("document_file_ids",)

    state = fields.Selection(
        selection_add=[("approved", "Approved"), ("cancel",)], ondelete={"approved": "set default"}
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Vendor",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        domain="['|', ('is_company', '=', True), ('parent_id', '=', False)]",
    )
    vendor_status = fields.Selection(related="partner_id.vendor_status", string="Vendor Status")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one("res.users", string="Responsible", default=lambda self: self.env.user, tracking=True)
    country_id = fields.Many2one(
        "res.country",
        compute="_compute_country_id",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Where the vendor is established; taken from its address.",
    )
    category_ids = fields.Many2many(
        "product.category", string="Categories of Spend", help="What is to be bought from this vendor."
    )
    amount = fields.Monetary(string="Expected Spend a Year", tracking=True)
    risk_tier = fields.Selection(
        RISK_TIERS,
        string="Proposed Risk",
        tracking=True,
        help="Set on the vendor when it is approved. Empty: as it is.",
    )
    document_ids = fields.One2many("distribution.vendor.document", "onboarding_id", string="Documents", copy=False)
    document_file_ids = fields.Many2many(
        "ir.attachment",
        string="Files of the Documents",
        compute="_compute_document_file_ids",
        search="_search_document_file_ids",
        compute_sudo=True,
    )
    has_bank_data = fields.Boolean(
        string="Bank Account Present", compute="_compute_bank_data", compute_sudo=True, help="Shown without its number."
    )
    shared_bank_account = fields.Boolean(
        compute="_compute_bank_data",
        compute_sudo=True,
        help="A bank account of this vendor is also that of another contact.",
    )
    duplicate_vat = fields.Boolean(
        string="Tax ID in Use",
        compute="_compute_duplicate_vat",
        compute_sudo=True,
        help="Another contact has the same.",
    )
    note = fields.Text(string="Why This Vendor", help="Why it is needed, what else was considered.")
    blocked_model = fields.Char(readonly=True, copy=False)
    blocked_id = fields.Many2oneReference(
        model_field="blocked_model",
        string="Started From",
        readonly=True,
        copy=False,
        help="What was blocked and is carried on with when the vendor is approved.",
    )

    vendor_approved_at = fields.Datetime(
        readonly=True, copy=False, help="When this onboarding approved the vendor; it does so once."
    )

    def init(self):
        protect_columns(
            self.env.cr,
            self._table,
            ("vendor_approved_at",),
            when="OLD.vendor_approved_at IS NOT NULL",
            name="used",
        )

    # -------------------------------------------------------------- computes

    @api.depends("partner_id")
    def _compute_country_id(self):
        for onboarding in self:
            onboarding.country_id = onboarding.partner_id.country_id

    @api.depends("document_ids.content")
    def _compute_document_file_ids(self):
        files = self.document_ids._files()
        for onboarding in self:
            own = set(onboarding.document_ids.ids)
            onboarding.document_file_ids = files.filtered(lambda file, own=own: file.res_id in own)

    @api.model
    def _search_document_file_ids(self, operator, value):
        ids = [value] if isinstance(value, (bool, int)) else list(value)
        documents = self.env["distribution.vendor.document"]
        # sudo: only which onboardings they belong to is used, and these have rules of their own
        files = documents.sudo()._files([("id", "in", ids)] if any(ids) else [])
        found = documents.sudo().browse(files.mapped("res_id")).exists().onboarding_id
        return [("id", "in" if (operator in ("=", "in")) == any(ids) else "not in", found.ids)]

    @api.depends("partner_id")
    def _compute_bank_data(self):
        banks = self.env["res.partner.bank"]
        for onboarding in self:
            vendor = onboarding.partner_id.commercial_partner_id
            own = banks.search([("partner_id", "child_of", vendor.ids)]) if vendor else banks
            onboarding.has_bank_data = bool(own)
            onboarding.shared_bank_account = bool(
                own
                and banks.search(
                    [
                        ("sanitized_acc_number", "in", own.mapped("sanitized_acc_number")),
                        ("partner_id.commercial_partner_id", "!=", vendor.id),
                    ],
                    limit=1,
                )
            )

    @api.depends("partner_id")
    def _compute_duplicate_vat(self):
        partners = self.env["res.partner"].with_context(active_test=False)
        for onboarding in self:
            vendor = onboarding.partner_id.commercial_partner_id
            others = (
                partners.search([("vat", "!=", False), ("commercial_partner_id", "!=", vendor.id)])
                if _plain(vendor.vat)
                else partners
            )
            onboarding.duplicate_vat = any(_plain(other.vat) == _plain(vendor.vat) for other in others)

    @api.constrains("partner_id", "state", "company_id")
    def _check_one_at_a_time(self):
        going_on = self.filtered(lambda onboarding: onboarding.state in ("draft", "to_approve"))
        # Two who begin at the same instant do not see each other: they take turns.
        self.env["distribution.approval.turn"]._take(
            self._approval_type,
            [(onboarding.company_id.id, onboarding.partner_id.commercial_partner_id.id) for onboarding in going_on],
        )
        for onboarding in going_on:
            vendor = onboarding.partner_id.commercial_partner_id
            if onboarding.partner_id != vendor:
                raise ValidationError(
                    _("Vendor: %s is a contact. Choose the company that it belongs to.", onboarding.partner_id.name)
                )
            twin = self.sudo().search(
                [
                    ("partner_id", "=", vendor.id),
                    ("state", "in", ("draft", "to_approve")),
                    ("company_id", "=", onboarding.company_id.id),
                    ("id", "!=", onboarding.id),
                ],
                limit=1,
            )
            if twin:
                raise ValidationError(
                    _("Vendor: %(vendor)s is being onboarded already (%(twin)s).", vendor=vendor.name, twin=twin.name)
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("blocked_model") and vals["blocked_model"] not in BLOCKED_STEPS:
                vals.update(blocked_model=False, blocked_id=False)
            vals["vendor_approved_at"] = False
        return super().create(vals_list)

    def write(self, vals):
        if "vendor_approved_at" in vals:
            raise AccessError(_("vendor_approved_at: an onboarding approves its vendor when it is released."))
        return super().write(vals)

    def _mark_used(self):
        models.BaseModel.write(self.sudo(), {"vendor_approved_at": fields.Datetime.now()})

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_label(self):
        return _("Vendor Onboarding")

    @api.model
    def _approval_past_words(self):
        return _(
            "An onboarding exists only where somebody made one: vendors that were used without one before governance "
            "began are not simulated."
        )

    @api.model
    def _approval_fact_specs(self):
        partner = self.env["res.partner"]
        return {
            spec.name: spec
            for spec in (
                FactSpec("amount", "Expected spend a year", FactType.MONEY, unit="company currency"),
                FactSpec(
                    "spend_categories",
                    "Categories of spend",
                    FactType.SET,
                    model="product.category",
                    help="With the categories above them.",
                ),
                FactSpec("country", "Country", FactType.REFERENCE, model="res.country", optional=True),
                FactSpec("abroad", "Abroad", FactType.FLAG, help="Established in another country than the company."),
                FactSpec(
                    "vendor_documents",
                    "Documents present",
                    FactType.SET,
                    options=tuple(KINDS),
                    help="Kinds of documents with a file, and still valid.",
                ),
                FactSpec("no_documents", "No document", FactType.FLAG, help="Not a single valid document with a file."),
                FactSpec("document_expired", "A document has expired", FactType.FLAG),
                FactSpec("bank_data", "Bank account present", FactType.FLAG),
                FactSpec(
                    "shared_bank_account",
                    "Bank account of somebody else",
                    FactType.FLAG,
                    help="An account of this vendor is also that of another contact.",
                ),
                FactSpec("no_tax_id", "Has no tax ID", FactType.FLAG),
                FactSpec("duplicate_tax_id", "Tax ID in use", FactType.FLAG, help="Another contact has the same."),
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
                    help="The proposed one, else that of the vendor.",
                ),
                FactSpec("vendor", "Vendor", FactType.REFERENCE, model="res.partner"),
                FactSpec("requester", "Requester", FactType.REFERENCE, model="res.users"),
            )
        }

    def _approval_has_value(self):
        """Once it is said what is to be bought in a year."""
        self.ensure_one()
        return self.amount > 0

    def _approval_fact_readers(self):
        present = self.document_ids.filtered(lambda document: document.digest and not document._is_expired())
        return {
            "amount": lambda: self._approval_amounts()[self.id],
            "spend_categories": lambda: self.category_ids._approval_with_parents(),
            "country": lambda: self.country_id.id or None,
            "abroad": lambda: self.country_id != self.company_id.country_id,
            "vendor_documents": lambda: frozenset(present.mapped("kind")),
            "no_documents": lambda: not present,
            "document_expired": lambda: any(document._is_expired() for document in self.document_ids),
            "bank_data": lambda: self.has_bank_data,
            "shared_bank_account": lambda: self.shared_bank_account,
            "no_tax_id": lambda: not _plain(self.partner_id.vat),
            "duplicate_tax_id": lambda: self.duplicate_vat,
            "vendor_status": lambda: self.partner_id.vendor_status,
            "vendor_risk_tier": lambda: self.risk_tier or self.partner_id.vendor_risk_tier,
            "vendor": lambda: self.partner_id.id,
            "requester": lambda: self.env.uid,
        }

    def _approval_partner(self):
        return self.partner_id.commercial_partner_id

    def _approval_owners(self):
        return self.user_id | self.create_uid

    def _approval_context(self):
        return {
            "category_manager": [
                (category, category._approval_manager()) for category in self.category_ids.sorted("id")
            ]
        }

    def _approval_evidence_places(self):
        return [*super()._approval_evidence_places(), *self.document_ids]

    def _approval_evidence_in_fields(self):
        """A document that has expired proves nothing."""
        expired = self.document_ids.filtered(lambda document: document._is_expired())
        return super()._approval_evidence_in_fields() - expired.sudo()._files()

    @api.model
    def _approval_evidence_name(self, file):
        documents = self.env["distribution.vendor.document"]
        if file.res_model != documents._name or not file.res_field:
            return super()._approval_evidence_name(file)
        document = documents.browse(file.res_id)
        return document.filename or self._approval_name_of("kind", document.kind)

    def _approval_evidence_place_words(self):
        return _("%s (tab “Documents”, or a message)", self._approval_name())

    @api.model
    def _approval_name_of(self, field, value):
        if field == "kind" and value:
            return dict(self.env["distribution.vendor.document"]._fields["kind"]._description_selection(self.env)).get(
                value, value
            )
        if field == "digest":
            return _("file %s…", value[:8]) if value else _("no file")
        return super()._approval_name_of(field, value)

    def _approval_before_asked(self):
        self._check_not_blocked()

    # ------------------------------------------------------ what approval does

    def _approval_keep_promises(self, frame):
        result = super()._approval_keep_promises(frame)
        self._approve_vendors()
        return result

    def _approval_arrived(self):
        result = super()._approval_arrived()
        self._approve_vendors()
        return result

    def _approve_vendors(self):
        """The release is there: the vendors are approved by it, and only so."""
        for onboarding in self:
            onboarding.partner_id.sudo()._onboarding_approve(onboarding)

    @api.model
    def _approval_standing(self, request):
        """Who the vendor is, whether it resembles another one, and what waits for it."""
        onboarding = self.sudo().browse(request.res_id).exists()
        vendor = onboarding.partner_id
        if not vendor:
            return False
        waiting = [("company_id", "=", onboarding.company_id.id), ("partner_id", "child_of", vendor.id)]
        return self.env["ir.qweb"]._render(
            "distribution_approval.vendor_onboarding_standing",
            {
                "vendor": vendor,
                "duplicate_vat": onboarding.duplicate_vat,
                "shared_bank_account": onboarding.shared_bank_account,
                "has_bank_data": onboarding.has_bank_data,
                "orders": self.env["purchase.order"]
                .sudo()
                .search_count([*waiting, ("state", "in", ("draft", "sent", "to approve"))]),
                "bills": self.env["account.move"]
                .sudo()
                .search_count([*waiting, ("state", "=", "draft"), ("move_type", "in", OWED_TYPES)]),
                "earlier": self.sudo().search(
                    [("partner_id", "=", vendor.id), ("state", "=", "approved"), ("id", "!=", onboarding.id)]
                ),
            },
        )

    # --------------------------------------------------------------- actions

    def action_submit(self):
        """Approve what policy or people let go; the rest waits for its approval."""
        with gate_frame(self.env):
            self._asking()._check_not_blocked()
            approved = self._ask()
            approved.write({"state": "approved"})
            ungoverned = approved - approved._approval_governed()
            ungoverned._check_vendor_manager()
            ungoverned._approve_vendors()
        for onboarding in approved:
            onboarding._carry_on_blocked()
        return True

    def _check_not_blocked(self):
        """Who was blocked is not let in again by an onboarding alone: two people, two acts."""
        for onboarding in self:
            if onboarding.partner_id.commercial_partner_id.vendor_status == "blocked":
                raise UserError(
                    _(
                        "Vendor: %s is blocked. A member of “Vendor Manager” lifts that first (Vendor Status: New); "
                        "then it is onboarded like a new vendor.",
                        onboarding.partner_id.name,
                    )
                )

    def _check_vendor_manager(self):
        """Without governance the right to set a vendor's standing decides, as it did before."""
        if self and not self.env["res.partner"]._may_set_vendor_standing():
            raise UserError(
                _("Approving a vendor takes a member of “Vendor Manager”, or a policy for vendor onboarding.")
            )

    def _carry_on_blocked(self):
        """Try what was blocked, with the rights of who asked; a failure is theirs to see, not a hold."""
        self.ensure_one()
        step = BLOCKED_STEPS.get(self.blocked_model)
        document = self.env[self.blocked_model].browse(self.blocked_id).exists() if step else None
        if not document or document.sudo()._onboarding_vendors() != self.partner_id:
            return
        try:
            with self.env.cr.savepoint():
                getattr(document, step)()
                self.env.flush_all()
        except Exception as error:
            if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                raise  # somebody saves it at this moment: not a failure, tried again
            _logger.info("%s: %s is not carried on with", self.name, document, exc_info=True)
            self.sudo().message_post(
                body=_(
                    "The vendor is approved, but %(document)s could not be carried on with: %(error)s",
                    document=document.sudo().display_name,
                    error=error.args[0] if error.args else error,
                )
            )

    def _check_cancellable(self):
        if self.filtered(lambda onboarding: onboarding.state == "approved"):
            raise UserError(_("The vendor is approved. Restrict or block it instead; this stays on record."))

    def action_open_blocked(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.blocked_model,
            "res_id": self.blocked_id,
            "view_mode": "form",
        }


class VendorDocument(models.Model):
    _name = "distribution.vendor.document"
    _description = "Document of a Vendor"
    _inherit = ["distribution.approval.line.mixin"]
    _order = "onboarding_id, kind, id"
    _rec_name = "kind"

    _approval_document_field = "onboarding_id"
    _approval_watched = frozenset({"onboarding_id", "kind", "reference", "valid_until", "content"})

    onboarding_id = fields.Many2one("distribution.vendor.onboarding", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="onboarding_id.company_id", store=True)
    kind = fields.Selection(KINDS, string="Document", required=True)
    reference = fields.Char(help="Number of the document, or where the original is kept.")
    valid_until = fields.Date()
    content = fields.Binary(string="File", attachment=True)
    filename = fields.Char()
    digest = fields.Char(compute="_compute_digest", compute_sudo=True, help="Of the file, as it is stored.")

    @api.depends("content")
    def _compute_digest(self):
        """Read from the file store each time: whoever replaces the file behind the record changes it."""
        digests = {file.res_id: file.checksum for file in self._files()}
        for document in self:
            document.digest = digests.get(document.id)

    def write(self, vals):
        if "content" in vals:
            # Another file does not overwrite evidence: what was sealed stays with the request.
            self.sudo()._files()._approval_sealed()._approval_bring_home()
        return super().write(vals)

    def _files(self, domain=None):
        """The files of these documents as they are stored; those in ``domain`` of any documents, if that is given."""
        of = [("res_id", "in", self.ids)] if domain is None else domain
        files = self.env["ir.attachment"].search([("res_model", "=", self._name), ("res_field", "=", "content"), *of])
        return files.sorted("id")

    def _is_expired(self):
        self.ensure_one()
        return bool(self.valid_until and self.valid_until < today(self.onboarding_id.company_id))


def _plain(number):
    """A tax ID without blanks and signs."""
    return "".join(character for character in (number or "") if character.isalnum()).upper()
