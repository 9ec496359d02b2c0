"""Blocked vendors get no orders, by whatever door, and vendors off the approved list are known to the policy.

Where purchase orders are governed, the policy answers first (and tells in its own words); where they are not, and
for whatever a policy would let through, the result is refused: it is the standing of the vendor that has to
change, on record, not the order. The one exception is an emergency release against policy, which the published
policy has to allow explicitly; it is marked for ever and reviewed afterwards.
"""

from odoo import _, api, models
from odoo.exceptions import UserError

from odoo.addons.distribution_approval.engine import FactSpec, FactType
from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_approval.models.gate_frame import frame_of

#: On the cursor: orders whose review found a blocked vendor.
SUSPECTS = "procurement_automation.blocked_vendor"


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    @api.model
    def _approval_fact_specs(self):
        listed = FactSpec(
            "vendor_not_listed",
            "Vendor not on the approved list",
            FactType.FLAG,
            help="An approved vendor list is in force for a product of the order, and the vendor is not on it.",
        )
        return {**super()._approval_fact_specs(), listed.name: listed}

    def _approval_facts(self, names):
        facts = super()._approval_facts(names - {"vendor_not_listed"})
        if "vendor_not_listed" in names:
            for order_id, is_off in self._off_list().items():
                facts[order_id]["vendor_not_listed"] = is_off
        return facts

    def _off_list(self):
        """``{id: whether a line's vendor is not on the list that counts}``; two queries for each company."""
        lists = self.env["distribution.vendor.list"]
        books = {company: lists._book(company) for company in self.company_id}
        return {
            order.id: any(
                not lists._permits(
                    books[order.company_id],
                    product,
                    order.picking_type_id.warehouse_id,
                    order.partner_id,
                    today(order.company_id),
                )
                for product in order._approval_lines().product_id
            )
            for order in self
        }

    # ---------------------------------------------------------------- blocked

    def _of_blocked_vendors(self):
        # sudo: the standing of a vendor counts for whoever asks
        return self.browse(
            order.id for order in self.sudo() if order.partner_id.commercial_partner_id.vendor_status == "blocked"
        )

    def _released_against_policy(self):
        """Those that an emergency released although the policy refuses them, and as they are."""
        if not self:
            return self
        releases = self.env["distribution.approval.release"]._valid_for(self)
        # sudo: who confirms need not see the emergencies
        emergencies = self.env["distribution.approval.emergency"].sudo()
        against = emergencies.search(
            [("res_model", "=", self._name), ("res_id", "in", self.ids), ("over_refusal", "=", True)]
        ).request_id
        return self.filtered(
            lambda order: any(
                release.kind == "emergency" and release.request_id in against for release in releases.get(order.id, ())
            )
        )

    def button_confirm(self):
        return super(PurchaseOrder, self - self._left_out_blocked()).button_confirm()

    def button_approve(self, force=False):
        return super(PurchaseOrder, self - self._left_out_blocked()).button_approve(force=force)

    def _left_out_blocked(self):
        """Orders that stay as they are; a person who asks for one only is told so."""
        waiting = self.filtered(lambda order: order.state in ("draft", "sent", "to approve"))
        blocked = waiting._of_blocked_vendors()
        blocked -= blocked._approval_governed()
        if blocked and blocked == self and not self.env.user._is_superuser():
            raise blocked[0]._blocked_refusal()
        return blocked

    def _blocked_refusal(self):
        return UserError(
            _(
                "%(vendor)s is blocked: %(order)s cannot be confirmed. Vendor governance lifts the block, or choose "
                "another vendor.",
                vendor=self.sudo().partner_id.commercial_partner_id.display_name,
                order=self.sudo().display_name,
            )
        )

    def _approval_review(self, frame):
        self._block_review(frame)
        return super()._approval_review(frame)

    def _block_review(self, frame):
        """No order got to the guarded state with a blocked vendor by another door."""
        suspects = vars(self.env.cr).setdefault(SUSPECTS, set())
        if frame is frame_of(self.env):
            arrived = {order.id for order in self if not frame.was_guarded.get((self._name, order.id))}
        else:
            arrived = suspects
        blocked = self.filtered(
            lambda order: order.id in arrived and order._approval_is_guarded()
        )._of_blocked_vendors()
        blocked -= blocked._released_against_policy()
        if blocked:
            suspects.update(blocked.ids)
            raise blocked[0]._blocked_refusal()
        suspects.difference_update(self.ids)
