"""The vendor's own login: what changes by an approved proposal only is said in the form, not by an error page."""

from odoo import _

from odoo.addons.portal.controllers.portal import CustomerPortal


class VendorPortal(CustomerPortal):
    def _validate_address_values(self, address_values, partner_sudo, *args, **kwargs):
        """19.0 does not ask whether a first VAT number may be entered; 17.0 asks, and has no such method."""
        invalid, missing, messages = super()._validate_address_values(address_values, partner_sudo, *args, **kwargs)
        changed = "vat" in address_values and (address_values["vat"] or "") != (partner_sudo.vat or "")
        if partner_sudo and changed and "vat" not in invalid and not partner_sudo.can_edit_vat():
            invalid.add("vat")
            messages.append(_("Your VAT number is changed by us, after a check. Please contact us."))
        return invalid, missing, messages
