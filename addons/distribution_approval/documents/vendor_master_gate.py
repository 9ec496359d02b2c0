"""Master data of vendors stays what was approved: bank accounts, payment terms, VAT number.

Every door leads over ``create``, ``write`` or ``unlink`` of the account or the vendor (forms, RPC,
import, portal, ``sudo()``, scheduled jobs, the sync of contacts with their company), over the
property of a vendor, over its bank, or over a merge. All of them open a frame; its review compares
the result with what is in force (``distribution.vendor.value``). A proposal that is applied notes
the new value in the same frame: there is no other way to change what is in force.
"""

from odoo import _, api, models
from odoo.exceptions import RedirectWarning, UserError

from odoo.addons.distribution_core.compat import IS_17

from ..engine.bank_account import mask
from ..models.gate_frame import gate_frame, review_before_commit
from ..models.vendor_value import ROUTING_FIELDS, TERMS

ACCOUNT_WATCHED = frozenset(
    {"acc_number", "sanitized_acc_number", "partner_id", "bank_id", "bank_bic", "allow_out_payment", "active"}
) | frozenset(ROUTING_FIELDS)
PARTNER_CONTROLLED = frozenset({"vat", TERMS})
#: What decides to which commercial entity and company a partner, and so its accounts, belongs.
PARTNER_PLACE = frozenset({"parent_id", "is_company", "company_id"})

#: Records that the nightly control reads at once.
CONTROL_BATCH = 1000


class VendorMasterMixin(models.AbstractModel):
    """What the review of a frame asks of a record; there is no document behind it."""

    _name = "distribution.vendor.master.mixin"
    _description = "Master Data of a Vendor"

    def _approval_is_guarded(self):
        return False

    def _approval_snapshots(self):
        return {}

    def _approval_review(self, frame):
        """What is true now must be what is in force."""
        values = self.env["distribution.vendor.value"]
        records = self.sudo()
        if not records or not values._companies():
            return
        records.invalidate_recordset()  # SQL, or a property, may have been written past the cache
        for record, problem in records._vendor_problems(values):
            record._vendor_refuse(problem, frame.attempts.get((record._name, record.id), []), frame.created)

    def _vendor_refuse(self, problem, attempts, created=()):
        """Refuse, with one click to propose the change instead.

        :param attempts: values that the caller tried to write
        :param created: ``(model, id)`` of what will be gone when this transaction is undone
        """
        self.ensure_one()
        proposal = self._vendor_proposal({key: value for vals in attempts for key, value in vals.items()})
        vendor = self.env["res.partner"].browse(proposal["default_partner_id"])
        message = _(
            "%(vendor)s: %(problem)s\n\nBank accounts, payment terms and the VAT number of a vendor change by an "
            "approved proposal only; the present values stay in force meanwhile.",
            vendor=vendor.sudo().display_name,
            problem=problem,
        )
        if self.env.user.share:
            # Whoever cannot open a proposal is not sent to one.
            raise UserError(_("%s\n\nPlease contact us: it is changed after a check.", message))
        if (vendor._name, vendor.id) in created:
            raise UserError(_("%s\n\nSave the vendor without it, then propose it.", message))
        raise RedirectWarning(
            message,
            self.env.ref("distribution_approval.action_vendor_change_propose").id,
            _("Propose the Change"),
            proposal,
        )


class ResPartnerBank(models.Model):
    _name = "res.partner.bank"
    _inherit = ["res.partner.bank", "distribution.vendor.master.mixin"]

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env["distribution.vendor.value"]._companies():
            return super().create(vals_list)
        with gate_frame(self.env) as frame:
            accounts = super().create(vals_list)
            frame.touch(accounts)
            for account, vals in zip(accounts, vals_list):
                frame.attempts.setdefault((account._name, account.id), []).append({**vals, "id": False})
            return accounts

    def write(self, vals):
        if not ACCOUNT_WATCHED & vals.keys() or not self.env["distribution.vendor.value"]._companies():
            return super().write(vals)
        with gate_frame(self.env) as frame:
            frame.touch(self)
            for account in self:
                frame.attempts.setdefault((account._name, account.id), []).append(vals)
            result = super().write(vals)
            if vals.get("allow_out_payment") is False:
                self.env["distribution.vendor.value"]._note_untrusted(self)
            return result

    def unlink(self):
        """An account that is in force is not deleted: proposing its removal archives it, history stays."""
        values = self.env["distribution.vendor.value"]
        accounts = self.sudo()
        if accounts and values._companies_of(accounts):
            rows = values._newest(accounts)
            for account in accounts:
                row = rows.get((account.id, "account", 0))
                if row and row.in_force:
                    account._vendor_refuse(
                        _("bank account %s is in force and cannot be deleted.", mask(account.acc_number)),
                        [{"active": False}],
                    )
        return super().unlink()

    def _write(self, vals):
        self._vendor_watch_columns(vals)
        return super()._write(vals)

    def _write_multi(self, vals_list):
        self._vendor_watch_columns({key for vals in vals_list for key in vals})
        return super()._write_multi(vals_list)

    def _vendor_watch_columns(self, names):
        if not ACCOUNT_WATCHED.isdisjoint(names) and self.env["distribution.vendor.value"]._companies():
            review_before_commit(self.env, self._name, self.ids)

    def _vendor_problems(self, values):
        """``(account, problem)`` for those that are not what is in force."""
        companies = values._companies()
        accounts = self.filtered(lambda account: not account.company_id or account.company_id in companies)
        rows = values._newest(accounts)
        vendors = values._vendors(accounts.partner_id)
        for account in accounts:
            row = rows.get((account.id, "account", 0))
            if not row and (not account.active or account.partner_id.commercial_partner_id not in vendors):
                continue
            problem = account._vendor_problem(values, row)
            if problem:
                yield account, problem

    def _vendor_problem(self, values, row):
        self.ensure_one()
        number = mask(self.acc_number)
        if not row:
            return _("bank account %s is not approved.", number)
        if not row.in_force:
            return self.active and _("bank account %s is not in force and cannot be restored like this.", number)
        if not self.active:
            return _("bank account %s is in force and cannot be archived.", number)
        if row.digest != values._account_digest(self):
            return _("bank account %s would not be what was approved.", number)
        if self.allow_out_payment and not row.trusted:
            return _("bank account %s is not approved for payments.", number)
        return False

    def _vendor_proposal(self, vals):
        """Defaults of the proposal that stands for what was tried. Only who typed a number gets it back."""
        self.ensure_one()
        row = self.env["distribution.vendor.value"]._newest(self).get((self.id, "account", 0))
        existing = "id" not in vals  # see create
        kind = "account_change"
        if not existing or (not row and self.active):
            kind = "account_new"
        elif vals.get("active") is False:
            kind = "account_remove"
        elif vals.get("active") or not (vals.keys() - {"allow_out_payment"}):
            kind = "account_trust" if row and row.in_force else "account_new"
        proposal = {
            "default_kind": kind,
            "default_partner_id": self.partner_id.commercial_partner_id.id,
            "default_bank_account_id": self.id if existing and kind != "account_new" else False,
            "default_new_trusted": kind == "account_trust" or bool(vals.get("allow_out_payment")),
        }
        if kind in ("account_new", "account_change"):
            proposal["default_account_number"] = vals.get("acc_number") or False
            proposal["default_new_holder"] = vals.get("acc_holder_name") or False
            proposal["default_new_bank_id"] = vals.get("bank_id") or False
        return proposal


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "distribution.vendor.master.mixin"]

    @api.model_create_multi
    def create(self, vals_list):
        if not any("bank_ids" in vals for vals in vals_list):
            return super().create(vals_list)
        with gate_frame(self.env) as frame:
            partners = super().create(vals_list)
            frame.created.update((partner._name, partner.id) for partner in partners)
            return partners

    def write(self, vals):
        watched = (PARTNER_CONTROLLED | PARTNER_PLACE) & vals.keys()
        values = self.env["distribution.vendor.value"]
        if not (watched or "name" in vals) or not values._companies():
            return super().write(vals)
        if not watched:
            # 19.0 writes the new name on accounts before it is the partner's: look at both together.
            with gate_frame(self.env):
                return super().write(vals)
        with gate_frame(self.env) as frame:
            values._note_first(self)
            frame.touch(self)
            if PARTNER_PLACE & watched:
                frame.touch(self._vendor_accounts())
            for partner in self:
                frame.attempt(partner, {key: vals[key] for key in watched})
            return super().write(vals)

    def _write(self, vals):
        self._vendor_watch_columns(vals)
        return super()._write(vals)

    def _write_multi(self, vals_list):
        self._vendor_watch_columns({key for vals in vals_list for key in vals})
        return super()._write_multi(vals_list)

    def _vendor_watch_columns(self, names):
        if not PARTNER_CONTROLLED.isdisjoint(names) and self.env["distribution.vendor.value"]._companies():
            review_before_commit(self.env, self._name, self.ids)

    def can_edit_vat(self):
        """In the portal, a vendor whose number changes by a proposal is told to write to us, as by core."""
        values = self.env["distribution.vendor.value"]
        return super().can_edit_vat() and not (values._companies_of(self) and values._vendors(self))

    def _vendor_accounts(self):
        """All accounts of these partners and of those below them, archived ones included (sudo)."""
        return (
            self.env["res.partner.bank"]
            .sudo()
            .with_context(active_test=False)
            .search([("partner_id", "child_of", self.ids)])
        )

    def _vendor_problems(self, values):
        """``(partner, problem)`` for those that are not what is in force."""
        companies = values._companies()
        partners = self.filtered(lambda partner: not partner.company_id or partner.company_id in companies)
        rows = values._newest(partners | partners.commercial_partner_id)
        labels = {
            "vat": self._fields["vat"]._description_string(self.env),
            "payment_terms": _("Vendor Payment Terms"),
        }
        for partner in partners:
            own_companies = companies & partner.company_id if partner.company_id else companies
            for (field, company_id), digest in values._partner_digests(partner, own_companies).items():
                row = rows.get((partner.id, field, company_id))
                if row:
                    if row.digest != digest:
                        yield partner, _("%s would not be what was approved.", labels[field])
                    continue
                # A contact has what its company has, or nothing of its own.
                row = rows.get((partner.commercial_partner_id.id, field, company_id))
                own = partner.vat if field == "vat" else partner.with_company(company_id)[TERMS]
                relevant = field == "vat" or company_id == self.env.company.id
                if row and relevant and own and row.digest != digest:
                    yield (
                        partner,
                        _(
                            "%(field)s of contact %(contact)s would differ from that of its company.",
                            field=labels[field],
                            contact=partner.name,
                        ),
                    )

    def _vendor_proposal(self, vals):
        self.ensure_one()
        proposal = {
            "default_partner_id": self.commercial_partner_id.id,
            "default_kind": "payment_terms" if TERMS in vals and "vat" not in vals else "vat",
        }
        if TERMS in vals:
            proposal["default_new_payment_term_id"] = vals[TERMS] or False
        if "vat" in vals:
            proposal["default_new_vat"] = vals["vat"] or False
        return proposal


class ResBank(models.Model):
    """Another BIC sends the money of all accounts at this bank elsewhere."""

    _inherit = "res.bank"

    def write(self, vals):
        if "bic" not in vals or not self.env["distribution.vendor.value"]._companies():
            return super().write(vals)
        with gate_frame(self.env) as frame:
            frame.touch(self.env["res.partner.bank"].sudo().search([("bank_id", "in", self.ids)]))
            return super().write(vals)


if IS_17:

    class IrProperty(models.Model):
        """17.0 keeps the payment terms of a vendor in a record of its own."""

        _inherit = "ir.property"

        @api.model_create_multi
        def create(self, vals_list):
            if not self.env["distribution.vendor.value"]._companies():
                return super().create(vals_list)
            ids = [vals.get("res_id") for vals in vals_list if self._vendor_is_terms(vals.get("fields_id"))]
            with self._vendor_frame(ids):
                return super().create(vals_list)

        def write(self, vals):
            with self._vendor_frame([*self._vendor_references(), vals.get("res_id")]):
                result = super().write(vals)
                with self._vendor_frame(self._vendor_references()):
                    return result

        def unlink(self):
            with self._vendor_frame(self._vendor_references()):
                return super().unlink()

        def _vendor_is_terms(self, field_id):
            return field_id == self.env["ir.model.fields"]._get("res.partner", TERMS).id

        def _vendor_references(self):
            if not self.env["distribution.vendor.value"]._companies():
                return []
            return [each.res_id for each in self.sudo() if self._vendor_is_terms(each.fields_id.id)]

        def _vendor_frame(self, references):
            """A frame in which the vendors that are meant by ``references`` are reviewed."""
            ids = [int(each.partition(",")[2]) for each in references if each and each.startswith("res.partner,")]
            return _vendor_frame(self.env["res.partner"].sudo().browse(ids).exists())


def _vendor_frame(partners):
    frame = gate_frame(partners.env)
    if not partners:
        return frame
    return _Touched(frame, partners)


class _Touched:
    """A frame that reviews ``partners`` when it closes."""

    def __init__(self, frame, partners):
        self.frame, self.partners = frame, partners

    def __enter__(self):
        frame = self.frame.__enter__()
        self.partners.env["distribution.vendor.value"]._note_first(self.partners)
        frame.touch(self.partners)
        return frame

    def __exit__(self, *problem):
        return self.frame.__exit__(*problem)


class ApprovalControl(models.AbstractModel):
    _inherit = "distribution.approval.control"

    @api.model
    def _cron_find_ungated(self):
        """Master data of vendors that is not what was approved: restores, raw SQL, a time without the addon."""
        found = super()._cron_find_ungated()
        values = self.env["distribution.vendor.value"]
        if not values._companies():
            return found
        for model in ("res.partner", "res.partner.bank"):
            records = self.env[model].sudo().with_context(active_test=False)
            known = values.sudo()._read_group([("res_model", "=", model)], ["res_id"])
            ids = sorted(res_id for (res_id,) in known)
            if model == "res.partner.bank":
                ids = records.search(
                    [("active", "=", True), "|", ("partner_id.supplier_rank", ">", 0), ("id", "in", ids)]
                ).ids
            for start in range(0, len(ids), CONTROL_BATCH):
                for record, problem in (
                    records.browse(ids[start : start + CONTROL_BATCH]).exists()._vendor_problems(values)
                ):
                    found += 1
                    vendor = record if model == "res.partner" else record.partner_id
                    self.env["distribution.case"].sudo()._open(
                        "ungated_document",
                        vendor,
                        _("Vendor master data that was not approved: %s", vendor.display_name),
                        detail=problem,
                        dedup_key=f"ungated:{model}:{record.id}",
                    )
                self.env.flush_all()
                self.env.invalidate_all()
        return found
