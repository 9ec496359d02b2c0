"""Tier of a customer: what policies allow may depend on it, so not everybody sets it."""

from odoo import SUPERUSER_ID, _, api, fields, models
from odoo.exceptions import AccessError

CUSTOMER_TIERS = [('standard', "Standard"), ('preferred', "Preferred"), ('strategic', "Strategic")]
TIER_EVENT = 'distribution.customer.tier_changed.v1'
DEFAULT_TIER = 'standard'


class ResPartner(models.Model):
    _inherit = 'res.partner'

    customer_tier = fields.Selection(
        CUSTOMER_TIERS,
        default=DEFAULT_TIER,
        required=True,
        copy=False,
        tracking=True,
        index=True,
        help="How much the company depends on this customer; policies on sales, credit and returns decide by it.",
    )
    can_set_customer_tier = fields.Boolean(compute='_compute_can_set_customer_tier')

    @api.depends_context('uid')
    def _compute_can_set_customer_tier(self):
        self.can_set_customer_tier = self._may_set_customer_tier()

    @api.model
    def _commercial_fields(self):
        return [*super()._commercial_fields(), 'customer_tier']

    @api.model
    def _may_set_customer_tier(self):
        """The *real* user decides: ``sudo()`` does not help."""
        if self.env.uid == SUPERUSER_ID:
            return True
        # 19.0 has no user at all while a directory makes a new person: nobody may.
        return bool(self.env.user) and self.env.user.has_group('distribution_core.group_administrator')

    @api.model_create_multi
    def create(self, vals_list):
        if not self._may_set_customer_tier():
            # Explicitly: a default in the context of the caller would count else. Contacts take their company's.
            vals_list = [{**vals, 'customer_tier': DEFAULT_TIER} for vals in vals_list]
        partners = super().create(vals_list)
        partners._record_change('customer_tier', TIER_EVENT, dict.fromkeys(partners, DEFAULT_TIER))
        return partners

    def write(self, vals):
        moved = 'parent_id' in vals or 'is_company' in vals
        if not moved and 'customer_tier' not in vals:
            return super().write(vals)
        trusted = self._may_set_customer_tier()
        if not trusted and 'customer_tier' in vals:
            self._check_tier_unchanged(vals['customer_tier'])
        former = {partner: partner.customer_tier for partner in self}
        entities = {partner: partner.commercial_partner_id for partner in self}
        result = super().write(vals)
        if moved and not trusted:
            # Nobody takes a tier along when a contact leaves its company.
            left = self.filtered(
                lambda partner: (
                    partner.commercial_partner_id == partner
                    and entities[partner] != partner
                    and partner.customer_tier != DEFAULT_TIER
                )
            )
            super(ResPartner, left).write({'customer_tier': DEFAULT_TIER})
        self._record_change('customer_tier', TIER_EVENT, former)
        return result

    def _check_tier_unchanged(self, tier):
        """Refuse another value; contacts take the value of the company they belong to."""
        for partner in self:
            entity = partner.commercial_partner_id
            inherited = entity != partner and tier == entity.customer_tier
            if tier != partner.customer_tier and not inherited:
                raise AccessError(
                    _(
                        "The customer tier of %(partner)s decides what policies allow. "
                        "Ask a sales manager or an administrator of the suite to change it.",
                        partner=partner.display_name,
                    )
                )
