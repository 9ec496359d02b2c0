"""What is in force of a vendor's master data, and who let it: appended, never changed.

A row says: this value of this record was in force from then on. It holds a keyed digest of the
value, not the value. Rows come from

* the baseline, when governance of vendor changes is switched on;
* an approved change (:class:`~..documents.vendor_change.VendorChange`), which counts while it is
  applied – and that takes a release;
* the first values of somebody who became a vendor after that (VAT number and payment terms only:
  they are part of the onboarding; a bank account is never taken on trust);
* trust taken back from an account, which anybody with the right may do at once;
* a merge of vendor records, which ends an account until it is approved for the remaining vendor.
"""

import secrets

from odoo import api, fields, models

from odoo.addons.distribution_core.append_only import protect_append_only
from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

from ..engine.bank_account import fingerprint
from .gate_frame import frame_of

KEY_PARAMETER = "distribution_approval.fingerprint_key"
DOCUMENT_TYPE = "vendor_change"
TERMS = "property_supplier_payment_term_id"
#: What decides where money goes that is sent to an account. Not every series or country has all.
ROUTING_FIELDS = ("acc_holder_name", "clearing_number", "aba_routing")
BILLS = ("in_invoice", "in_refund", "in_receipt")
BATCH = 500


class VendorValue(models.Model):
    _name = "distribution.vendor.value"
    _description = "Vendor Master Data in Force"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id desc"
    _rec_name = "field"

    res_model = fields.Char(string="Model", required=True)
    res_id = fields.Many2oneReference(string="Record", model_field="res_model", required=True)
    field = fields.Selection(
        [
            ("account", "Bank account"),
            ("payee", "Account of a bill"),
            ("vat", "VAT number"),
            ("payment_terms", "Payment terms"),
        ],
        required=True,
    )
    company_ref = fields.Integer(help="Company for which the value holds; 0: for all.")
    kind = fields.Selection(
        [
            ("baseline", "In force before governance"),
            ("first", "First value"),
            ("approved", "Approved change"),
            ("untrusted", "Trust taken back"),
            ("merged", "Ended by a merge"),
        ],
        required=True,
    )
    digest = fields.Char(required=True, help="Keyed SHA-256 of the value.")
    in_force = fields.Boolean(help="Not set: the account is not used any more.")
    trusted = fields.Boolean(help="Money may be sent to the account.")
    change_ref = fields.Integer(string="Change", help="Id of the change that was approved.")
    noted_at = fields.Datetime(required=True)
    user_ref = fields.Integer(string="By")

    def init(self):
        protect_append_only(self.env.cr, self._table)
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS distribution_vendor_value_record_idx
                   ON distribution_vendor_value (res_model, res_id, field, company_ref, id)"""
        )
        # The key is the database's own and stays when it is copied: digests remain comparable.
        self.env.cr.execute(
            """INSERT INTO ir_config_parameter (key, value, create_uid, create_date, write_uid, write_date)
                    VALUES (%s, %s, 1, now() AT TIME ZONE 'UTC', 1, now() AT TIME ZONE 'UTC')
               ON CONFLICT (key) DO NOTHING""",
            (KEY_PARAMETER, secrets.token_hex(32)),
        )

    # -------------------------------------------------------------- digests

    @api.model
    def _fingerprint(self, *values):
        # sudo: the key is used, not shown
        key = self.env["ir.config_parameter"].sudo().get_param(KEY_PARAMETER)
        return fingerprint(key, *values)

    @api.model
    def _account_digest(self, account):
        """Digest of everything that decides where money for ``account`` goes, and to whom."""
        return self._fingerprint(
            account.acc_number,
            account.bank_id.bic or "",
            account.bank_id.id,
            account.partner_id.commercial_partner_id.id,
            *(self._routing_value(account, name) for name in ROUTING_FIELDS if name in account._fields),
        )

    @api.model
    def _routing_value(self, account, name):
        """A holder that is the partner's own name says nothing: on 19.0 it follows the name."""
        value = account[name] or ""
        return "" if name == "acc_holder_name" and value == account.partner_id.name else value

    @api.model
    def _partner_digests(self, partner, companies):
        """``{(field, company id): digest}`` of the controlled fields of ``partner``."""
        digests = {("vat", 0): self._fingerprint(partner.vat or "")}
        for company in companies:
            digests["payment_terms", company.id] = self._fingerprint(partner.with_company(company)[TERMS].id)
        return digests

    # ------------------------------------------------------------ governance

    @api.model
    def _companies(self):
        """The companies in which vendor master data is governed (sudo); without any: a cached look-up."""
        if not self.env["distribution.approval.activation"]._governed_places(DOCUMENT_TYPE):
            return self.env["res.company"].sudo()
        frame = frame_of(self.env)
        key = (DOCUMENT_TYPE, "companies")
        if key not in frame.governed_sites:
            self.env["distribution.approval.activation"].flush_model(["state"])
            self.env.cr.execute(
                """SELECT DISTINCT company_id FROM distribution_approval_activation
                    WHERE document_type = %s AND state IN ('active', 'ending') AND warehouse_id IS NULL""",
                (DOCUMENT_TYPE,),
            )
            found = [company_id for (company_id,) in self.env.cr.fetchall()]
            if not frame.depth:
                return self.env["res.company"].sudo().browse(found)
            frame.governed_sites[key] = found
        return self.env["res.company"].sudo().browse(frame.governed_sites[key])

    @api.model
    def _companies_of(self, records):
        """The governed companies that ``records`` matter to: their own, or all when they are shared."""
        companies = self._companies()
        own = records.sudo().company_id
        shared = any(not record.company_id for record in records.sudo())
        return companies if shared else companies & own

    @api.model
    def _vendors(self, partners):
        """Commercial entities among those of ``partners`` that are vendors: by rank, standing or history."""
        entities = partners.sudo().commercial_partner_id
        if not entities:
            return entities
        everybody = self.env["res.partner"].sudo().with_context(active_test=False)
        found = everybody.search(
            [
                ("commercial_partner_id", "in", entities.ids),
                "|",
                ("supplier_rank", ">", 0),
                ("vendor_status", "!=", "new"),
            ]
        ).commercial_partner_id
        for model, domain in (
            ("purchase.order", [("state", "in", PURCHASE_CONFIRMED_STATES)]),
            ("account.move", [("move_type", "in", BILLS), ("state", "=", "posted")]),
        ):
            rest = entities - found
            if rest:
                groups = (
                    self.env[model]
                    .sudo()
                    ._read_group([("partner_id.commercial_partner_id", "in", rest.ids), *domain], ["partner_id"])
                )
                found |= everybody.union(*(partner for (partner,) in groups)).commercial_partner_id
        return found & entities

    # --------------------------------------------------------------- reading

    @api.model
    def _newest(self, records):
        """``{(record id, field, company id): row}``: the newest rows that count; one query.

        An approved change counts while it is applied; its own release is the gate's business.
        """
        self.flush_model()
        self.env["distribution.vendor.change"].flush_model(["state"])
        self.env.cr.execute(
            """SELECT DISTINCT ON (value.res_id, value.field, value.company_ref) value.id
                 FROM distribution_vendor_value value
            LEFT JOIN distribution_vendor_change change ON change.id = value.change_ref
                WHERE value.res_model = %s AND value.res_id = ANY(%s)
                  AND (value.kind <> 'approved' OR change.state = 'applied')
             ORDER BY value.res_id, value.field, value.company_ref, value.id DESC""",
            (records._name, records.ids),
        )
        rows = self.sudo().browse(row_id for (row_id,) in self.env.cr.fetchall())
        return {(row.res_id, row.field, row.company_ref or 0): row for row in rows}

    @api.model
    def _approved_accounts(self, accounts):
        """Those of ``accounts`` that are in force exactly as they are (sudo)."""
        accounts = accounts.sudo().exists()
        rows = self._newest(accounts)
        return accounts.filtered(
            lambda account: (
                account.active
                and (row := rows.get((account.id, "account", 0)))
                and row.in_force
                and row.digest == self._account_digest(account)
                and (row.trusted or not account.allow_out_payment)
            )
        )

    # --------------------------------------------------------------- writing

    @api.model
    def _note(self, kind, record, field, digest, company_id=0, in_force=True, trusted=False, change=None):
        return self.sudo().create(
            [self._row(kind, record, field, digest, company_id, in_force, trusted, change.id if change else 0)]
        )

    def _row(self, kind, record, field, digest, company_id=0, in_force=True, trusted=False, change_ref=0):
        return {
            "res_model": record._name,
            "res_id": record.id,
            "field": field,
            "company_ref": company_id,
            "kind": kind,
            "digest": digest,
            "in_force": in_force,
            "trusted": trusted,
            "change_ref": change_ref,
            "noted_at": fields.Datetime.now(),
            "user_ref": self.env.uid,
        }

    @api.model
    def _note_first(self, partners):
        """What vendors have before somebody changes it, unless it is known: their first values."""
        companies = self._companies_of(partners)
        vendors = self._vendors(partners) & partners.sudo()
        if not companies or not vendors:
            return
        known = self._newest(vendors)
        self.sudo().create(
            [
                self._row("first", vendor, field, digest, company_id)
                for vendor in vendors
                for (field, company_id), digest in self._partner_digests(vendor, companies).items()
                if (vendor.id, field, company_id) not in known
            ]
        )

    @api.model
    def _note_untrusted(self, accounts):
        """Trust that was taken back is gone: to be trusted again takes a proposal."""
        rows = self._newest(accounts)
        self.sudo().create(
            [
                self._row("untrusted", account, "account", row.digest)
                for account in accounts.sudo()
                if (row := rows.get((account.id, "account", 0))) and row.in_force and row.trusted
            ]
        )

    @api.model
    def _note_baseline(self, company):
        """Everything that is in force in ``company`` when governance begins. Returns the number of vendors."""
        everybody = self.env["res.partner"].sudo().with_context(active_test=False)
        domain = [("company_id", "in", (company.id, False))]
        ids = everybody.search([*domain, ("parent_id", "=", False)], order="id").ids
        ids += everybody.search([*domain, ("parent_id", "!=", False), ("is_company", "=", True)], order="id").ids
        count = 0
        for start in range(0, len(ids), BATCH):
            vendors = self._vendors(everybody.browse(ids[start : start + BATCH]))
            accounts = (
                self.env["res.partner.bank"]
                .sudo()
                .search([("partner_id.commercial_partner_id", "in", vendors.ids)], order="id")
            )
            rows = [
                self._row("baseline", vendor, field, digest, company_id)
                for vendor in vendors
                for (field, company_id), digest in self._partner_digests(vendor, company).items()
            ]
            rows += [
                self._row(
                    "baseline",
                    account,
                    "account",
                    self._account_digest(account),
                    trusted=account.allow_out_payment,
                )
                for account in accounts
            ]
            self.sudo().create(rows)
            count += len(vendors)
            self.env.flush_all()
            self.env.invalidate_all()
        return count


class ApprovalActivation(models.Model):
    _inherit = "distribution.approval.activation"

    def _take_baseline(self):
        """Vendor master data has a baseline of its own: what is in force of each vendor."""
        count = super()._take_baseline()
        if self.document_type == DOCUMENT_TYPE and not self.warehouse_id:
            count += self.env["distribution.vendor.value"]._note_baseline(self.company_id)
        return count
