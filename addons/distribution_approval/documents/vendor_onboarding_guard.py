"""What vendor onboarding guards: a vendor's standing, and the first order, bill and payment.

While onboarding is governed in a company:

* a vendor becomes *approved* by the release of its onboarding only – not by hand, import, procedure,
  merge, or a contact that leaves an approved company. *Restricted* is for vendors that were
  approved before: it is no detour. Being stricter is always possible.
* an order is not confirmed, a bill not posted and a payment not initiated for a vendor that was never
  approved. The button says so and leads to the onboarding; in batches and scheduled jobs such documents
  are left as they are and the others go on. What gets there by another door is refused by the review.

A vendor that is restricted or blocked was approved once: what it may still get is for the policies of
orders and bills to say. Refunds of a vendor, employees who are reimbursed and the company itself are
not onboarded.
"""

import json

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, RedirectWarning, UserError

from ..models.approval_activation import NOWHERE
from ..models.approval_mixin import LIVE_STATES
from ..models.gate_frame import frame_of
from .vendor_bill_match import OWED_TYPES

TYPE = "vendor_onboarding"
#: On the cursor: documents whose review found a vendor that was never approved.
SUSPECTS = "distribution.approval.not_onboarded"
#: In the data of the cursor's pre-commit hooks, gone with every rollback: contacts whose standing was checked
#: before it was written.
CHECKED = "distribution.approval.standing_checked"


def _suspects(env):
    return vars(env.cr).setdefault(SUSPECTS, set())


def _checked(env):
    return env.cr.precommit.data.setdefault(CHECKED, set())


class ResPartner(models.Model):
    _inherit = "res.partner"

    onboarding_ids = fields.One2many("distribution.vendor.onboarding", "partner_id", string="Onboardings")
    onboarding_needed = fields.Boolean(compute="_compute_onboarding_needed", compute_sudo=True)

    @api.depends("vendor_status")
    @api.depends_context("company")
    def _compute_onboarding_needed(self):
        governed = self._onboarding_governed_in(self.env.company)
        for partner in self:
            partner.onboarding_needed = governed and partner.commercial_partner_id.vendor_status != "approved"

    @api.model
    def _onboarding_governed_in(self, company):
        return self.env["distribution.approval.activation"]._governed_sites(TYPE, company) != NOWHERE

    def _onboarding_governed(self):
        """Whether the standing of this contact is governed: in its company, or in any for one that all share."""
        if self.company_id:
            return self._onboarding_governed_in(self.company_id)
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return any(self._onboarding_governed_in(company) for company in companies)

    # --------------------------------------------------------------- standing

    @api.model_create_multi
    def create(self, vals_list):
        if self.env["distribution.approval.activation"]._governed_places(TYPE) and (
            "default_vendor_status" in self.env.context or any("vendor_status" in vals for vals in vals_list)
        ):
            default = self.default_get(["vendor_status"]).get("vendor_status")
            for vals in vals_list:
                status = vals.get("vendor_status", default)
                if status in ("approved", "restricted") and not vals.get("parent_id"):
                    company = self.env["res.company"].browse(vals.get("company_id") or ())
                    if self.new({"company_id": company.id})._onboarding_governed():
                        raise self._onboarding_refusal(vals.get("name") or "")
        partners = super().create(vals_list)
        # A contact that names a company takes its standing; one that was told to be approved does not keep it.
        partners._onboarding_keep_apart()
        return partners

    def write(self, vals):
        if "vendor_status" in vals:
            self._onboarding_check(vals["vendor_status"])
        if not {"parent_id", "is_company"} & vals.keys():
            return super().write(vals)
        entities = {partner: partner.commercial_partner_id for partner in self}
        result = super().write(vals)
        self.filtered(lambda partner: partner.commercial_partner_id != entities[partner])._onboarding_keep_apart()
        return result

    def _set_vendor_standing(self, status=None, risk_tier=None):
        if status:
            self._onboarding_check(status)
        return super()._set_vendor_standing(status=status, risk_tier=risk_tier)

    def _tighten_vendor_standing(self, status, risk_tier):
        """A procedure that finds a new vendor risky leaves it new: that is stricter, for nothing goes through."""
        new = self.filtered(lambda partner: partner.vendor_status == "new" and partner._onboarding_governed())
        if new and status == "restricted":
            super(ResPartner, new)._tighten_vendor_standing("new", risk_tier)
            return super(ResPartner, self - new)._tighten_vendor_standing(status, risk_tier)
        return super()._tighten_vendor_standing(status, risk_tier)

    def _onboarding_check(self, status):
        """Refuse to loosen the standing of a vendor without the release of its onboarding."""
        allowed_before = {"approved": ("approved",), "restricted": ("approved", "restricted")}.get(status)
        if not allowed_before:
            return
        for partner in self:
            entity = partner.commercial_partner_id
            if partner != entity and entity.vendor_status == status:
                _checked(self.env).add(partner.id)
                continue
            if partner.vendor_status not in allowed_before and partner._onboarding_governed():
                raise self._onboarding_refusal(partner.display_name)
            _checked(self.env).add(partner.id)

    def _onboarding_refusal(self, name):
        return AccessError(
            _(
                "Vendor Status: %s becomes an approved vendor by its onboarding, and only so. "
                "Start one on the vendor, or under Approvals / Vendor Onboarding.",
                name,
            )
        )

    def _onboarding_keep_apart(self):
        """A contact that stands on its own is new, whatever the company was that it belonged to."""
        for partner in self.sudo().filtered(lambda partner: partner.commercial_partner_id == partner):
            if partner.vendor_status in ("approved", "restricted") and partner._onboarding_governed():
                super(ResPartner, partner)._set_vendor_standing(status="new")

    def _onboarding_approve(self, onboarding):
        """Approve this vendor by the release of ``onboarding``. A release does that once."""
        self.ensure_one()
        if onboarding.vendor_approved_at:
            return
        # Blocked after it was asked for: the release does not lift that.
        onboarding._check_not_blocked()
        if onboarding._approval_governed():
            releases = self.env["distribution.approval.release"]._valid_for(onboarding).get(onboarding.id)
            snapshot = onboarding._approval_snapshots()[onboarding.id]
            covered = releases and any(release._covers(snapshot) for release in releases)
            if not covered or onboarding.state != "approved" or onboarding.partner_id != self:
                raise self._onboarding_refusal(self.display_name)
        elif onboarding.state != "approved" or onboarding.partner_id != self or self._onboarding_governed():
            raise self._onboarding_refusal(self.display_name)
        _checked(self.env).add(self.id)
        onboarding._mark_used()
        super()._set_vendor_standing(status="approved", risk_tier=onboarding.risk_tier or None)

    def _write(self, vals):
        self._onboarding_watch_column([vals] * len(self))
        return super()._write(vals)

    def _write_multi(self, vals_list):
        self._onboarding_watch_column(vals_list)
        return super()._write_multi(vals_list)

    def _onboarding_watch_column(self, vals_list):
        """The last door: the column itself, written past ``write``."""
        written = {
            partner_id: vals["vendor_status"]
            for partner_id, vals in zip(self.ids, vals_list)
            if "vendor_status" in vals
        }
        if not written:
            return
        checked = _checked(self.env)
        ids = [
            partner_id
            for partner_id, status in written.items()
            if status in ("approved", "restricted") and partner_id not in checked
        ]
        checked.difference_update(written)
        if not ids or not self.env["distribution.approval.activation"]._governed_places(TYPE):
            return
        self.env.cr.execute(
            "SELECT id FROM res_partner WHERE id = ANY(%s) AND vendor_status IN ('new', 'blocked')", (ids,)
        )
        loosened = self.browse(row[0] for row in self.env.cr.fetchall()).sudo()
        for partner in loosened:
            entity = partner.commercial_partner_id
            if partner._onboarding_governed() and (entity == partner or entity.vendor_status != "approved"):
                raise self._onboarding_refusal(partner.display_name)

    # ------------------------------------------------- who was never approved

    def _never_approved(self, company):
        """Those of these commercial entities to which nothing may be ordered, owed or paid in ``company``."""
        if not self or not self._onboarding_governed_in(company):
            return self.browse()
        found = self.sudo().filtered(
            lambda partner: (
                partner.vendor_status == "new" or (partner.vendor_status == "blocked" and partner._blocked_when_new())
            )
        )
        if not found:
            return found
        own = self.env["res.company"].sudo().search([("partner_id", "in", found.ids)]).partner_id
        people = self.env["hr.employee"].sudo().search([("work_contact_id", "in", found.ids)]).work_contact_id
        return found - people - own

    def _blocked_when_new(self):
        """Whether this vendor was blocked before anybody had approved it."""
        self.ensure_one()
        changes = (
            self.env["distribution.event"]
            .sudo()
            .search(
                [
                    ("type", "=", "distribution.vendor.status_changed.v1"),
                    ("res_model", "=", "res.partner"),
                    ("res_id", "=", self.id),
                ]
            )
        )
        return not any("approved" in json.loads(change.data).values() for change in changes)

    # ---------------------------------------------------------------- actions

    def action_start_onboarding(self):
        """The onboarding of this vendor that is under way, or a new one."""
        self.ensure_one()
        vendor = self.commercial_partner_id
        action = self.env["ir.actions.act_window"]._for_xml_id("distribution_approval.action_vendor_onboarding_form")
        live = self.env["distribution.vendor.onboarding"].search(
            [("partner_id", "=", vendor.id), ("state", "in", ("draft", "to_approve"))], limit=1
        )
        if live:
            return {**action, "res_id": live.id}
        return {**action, "context": {"default_partner_id": vendor.id, **self._onboarding_blocked_context()}}

    def _onboarding_blocked_context(self):
        names = ("default_blocked_model", "default_blocked_id")
        return {name: self.env.context[name] for name in names if name in self.env.context}


class OnboardingGuard(models.AbstractModel):
    """Inherited by what must not happen with a vendor that was never approved."""

    _name = "distribution.onboarding.guard"
    _description = "Waits for Vendor Onboarding"

    onboarding_missing = fields.Boolean(compute="_compute_onboarding_missing", compute_sudo=True)

    def _compute_onboarding_missing(self):
        missing = self._onboarding_missing()
        for document in self:
            document.onboarding_missing = document in missing and not document._approval_is_guarded()

    def _onboarding_vendors(self):
        """The vendors (commercial entities) with whom this document deals."""
        return self._approval_partner()

    def _onboarding_concerned(self):
        """Those of these documents that deal with a vendor at all."""
        return self

    def _onboarding_missing(self):
        """Those whose vendor was never approved, where onboarding is governed; nothing is asked elsewhere."""
        places = self.env["distribution.approval.activation"]._governed_places(TYPE)
        documents = self._onboarding_concerned().sudo() if places else self.browse()
        missing = self.browse()
        for company in documents.company_id:
            own = documents.filtered(lambda document, company=company: document.company_id == company)
            partners = self.env["res.partner"].sudo().union(*(document._onboarding_vendors() for document in own))
            never = partners._never_approved(company)
            waiting = own.filtered(lambda document, never=never: document._onboarding_vendors() & never)
            missing |= self.browse((waiting - waiting._onboarding_asked_before(company)).ids)
        return missing

    def _onboarding_asked_before(self, company):
        """Those that people were asked about before onboarding was governed: nobody is asked twice."""
        if not self or not isinstance(self, self.env.registry["distribution.approval.mixin"]):
            return self.browse()
        since = (
            self.env["distribution.approval.activation"]
            .sudo()
            .search(
                [
                    ("document_type", "=", TYPE),
                    ("company_id", "=", company.id),
                    ("state", "in", ("active", "ending")),
                ]
            )
            .mapped("confirmed_at")
        )
        requests = (
            self.env["distribution.approval.request"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("kind", "=", "release"),
                    ("state", "in", LIVE_STATES),
                    ("requested_at", "<", min(since)),
                ]
            )
        )
        return self.browse(requests.mapped("res_id"))

    def _onboarding_left_out(self):
        """Documents that have to wait for their vendor; a person who asks for one only is told so."""
        missing = self._onboarding_missing()
        if missing and missing == self and not self.env.user._is_superuser():
            raise self._onboarding_hold(missing[:1])
        return missing

    def _onboarding_hold(self, document):
        vendor = document.sudo()._onboarding_vendors()._never_approved(document.sudo().company_id)[:1]
        live = (
            self.env["distribution.vendor.onboarding"]
            .sudo()
            .search([("partner_id", "=", vendor.id), ("state", "in", ("draft", "to_approve"))], limit=1)
        )
        words = _(
            "%(vendor)s is not an approved vendor yet: %(document)s waits for its onboarding.",
            vendor=vendor.display_name,
            document=document.sudo().display_name,
        )
        if live:
            words += "\n" + _("%(name)s is under way: %(state)s.", name=live.name, state=live._approval_state_words())
        if self.env.user._is_superuser():
            return UserError(words)
        return RedirectWarning(
            words,
            self.env.ref("distribution_approval.action_vendor_onboarding_start").id,
            _("Open Onboarding") if live else _("Start Onboarding"),
            {
                "active_model": "res.partner",
                "active_id": vendor.id,
                "active_ids": vendor.ids,
                "default_blocked_model": document._name,
                "default_blocked_id": document.id,
            },
        )

    def _onboarding_review(self, frame):
        """Part of the review of a frame: nobody got to the guarded state by another door."""
        if not self.env["distribution.approval.activation"]._governed_places(TYPE):
            return
        suspects = _suspects(self.env)
        if frame is frame_of(self.env):
            keys = {(self._name, document.id) for document in self} - {
                key for key, guarded in frame.was_guarded.items() if guarded
            }
        else:
            keys = suspects
        arrived = self.filtered(
            lambda document: (document._name, document.id) in keys and document._approval_is_guarded()
        )
        missing = arrived._onboarding_missing()
        if missing:
            suspects.update((document._name, document.id) for document in missing)
            raise self._onboarding_hold(missing[:1])
        suspects.difference_update((document._name, document.id) for document in self)

    def action_start_onboarding(self):
        """One click from what waits to the onboarding of its vendor."""
        self.ensure_one()
        vendor = self.sudo()._onboarding_vendors()[:1].sudo(False)
        return vendor.with_context(
            default_blocked_model=self._name, default_blocked_id=self.id
        ).action_start_onboarding()


class PurchaseOrder(models.Model):
    _name = "purchase.order"
    _inherit = ["purchase.order", "distribution.onboarding.guard"]

    def button_confirm(self):
        waiting = self.filtered(lambda order: order.state in ("draft", "sent", "to approve"))
        return super(PurchaseOrder, self - waiting._onboarding_left_out()).button_confirm()

    def button_approve(self, force=False):
        waiting = self.filtered(lambda order: order.state in ("draft", "sent", "to approve"))
        return super(PurchaseOrder, self - waiting._onboarding_left_out()).button_approve(force=force)

    def _approval_review(self, frame):
        self._onboarding_review(frame)
        return super()._approval_review(frame)


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "distribution.onboarding.guard"]

    def _onboarding_concerned(self):
        return self.browse(move.id for move in self.sudo() if move.move_type in OWED_TYPES)

    def action_post(self):
        self._onboarding_left_out()
        return super().action_post()

    def _post(self, soft=True):
        left_out = self._onboarding_missing()
        if left_out and left_out == self:
            return self.browse()
        return super(AccountMove, self - left_out)._post(soft=soft)

    def _approval_review(self, frame):
        self._onboarding_review(frame)
        return super()._approval_review(frame)


class AccountPayment(models.Model):
    _name = "account.payment"
    _inherit = ["account.payment", "distribution.onboarding.guard"]

    def _onboarding_vendors(self):
        return self._approval_payees()

    def _onboarding_concerned(self):
        """Money for vendors, whatever the payment calls them."""
        return self.browse(
            payment.id
            for payment in self.sudo()
            if payment.payment_type == "outbound"
            and (payment.partner_type == "supplier" or any(payment._approval_payees().mapped("supplier_rank")))
        )

    def _approval_review(self, frame):
        self._onboarding_review(frame)
        return super()._approval_review(frame)
