"""Standing and risk of a vendor. Only vendor governance sets them, every change is on record."""

from odoo import SUPERUSER_ID, _, api, fields, models
from odoo.exceptions import AccessError

VENDOR_STATUSES = [
    ('new', "New"),
    ('approved', "Approved"),
    ('restricted', "Restricted"),
    ('blocked', "Blocked"),
]
RISK_TIERS = [('low', "Low"), ('medium', "Medium"), ('high', "High"), ('critical', "Critical")]

# From the best standing to the worst.
STATUS_ORDER = {'approved': 0, 'new': 1, 'restricted': 2, 'blocked': 3}
TIER_ORDER = {tier: position for position, (tier, _label) in enumerate(RISK_TIERS)}
LIMITED_STATUSES = ('restricted', 'blocked')

STANDING_EVENTS = {
    'vendor_status': 'distribution.vendor.status_changed.v1',
    'vendor_risk_tier': 'distribution.vendor.risk_tier_changed.v1',
}
STANDING_DEFAULTS = {'vendor_status': 'new', 'vendor_risk_tier': 'medium'}


class ResPartner(models.Model):
    _inherit = 'res.partner'

    vendor_status = fields.Selection(
        VENDOR_STATUSES,
        default='new',
        required=True,
        copy=False,
        tracking=True,
        index=True,
        help="New: not yet approved, orders need more approvals. Restricted: orders only with an exception. "
        "Blocked: no orders.",
    )
    vendor_risk_tier = fields.Selection(
        RISK_TIERS,
        string="Vendor Risk",
        default='medium',
        required=True,
        copy=False,
        tracking=True,
        help="How much depends on this vendor and how likely it fails; policies decide by it.",
    )
    can_set_vendor_standing = fields.Boolean(compute='_compute_can_set_vendor_standing')

    @api.depends_context('uid')
    def _compute_can_set_vendor_standing(self):
        self.can_set_vendor_standing = self._may_set_vendor_standing()

    @api.model
    def _commercial_fields(self):
        return super()._commercial_fields() + list(STANDING_EVENTS)

    # ------------------------------------------------------------
    # Guard
    # ------------------------------------------------------------

    @api.model
    def _may_set_vendor_standing(self):
        """The *real* user decides: ``sudo()`` does not help."""
        if self.env.uid == SUPERUSER_ID:
            return True
        # 19.0 has no user at all while a directory makes a new person: nobody may.
        return bool(self.env.user) and self.env.user.has_group('distribution_core.group_vendor_manager')

    @api.model_create_multi
    def create(self, vals_list):
        if not self._may_set_vendor_standing():
            vals_list = [{**vals, **STANDING_DEFAULTS} for vals in vals_list]
        partners = super().create(vals_list)
        partners._record_standing_changes(dict.fromkeys(partners, STANDING_DEFAULTS))
        return partners

    def write(self, vals):
        moved = 'parent_id' in vals or 'is_company' in vals
        if not moved and not STANDING_EVENTS.keys() & vals.keys():
            return super().write(vals)
        trusted = self._may_set_vendor_standing()
        if not trusted:
            self._check_standing_unchanged(vals)
        former = self._standing()
        entities = {partner: partner.commercial_partner_id for partner in self} if moved else {}
        result = super().write(vals)
        if moved and not trusted:
            self._keep_standing_apart(former, entities)
        self._record_standing_changes(former)
        return result

    def _standing(self):
        return {partner: {name: partner[name] for name in STANDING_EVENTS} for partner in self}

    def _check_standing_unchanged(self, vals):
        """Refuse another value; contacts take the values of the company they belong to."""
        for name in STANDING_EVENTS.keys() & vals.keys():
            for partner in self:
                entity = partner.commercial_partner_id
                inherited = entity != partner and vals[name] == entity[name]
                if vals[name] != partner[name] and not inherited:
                    raise AccessError(
                        _(
                            "The %(field)s of %(partner)s is set by vendor governance only. "
                            "Ask a member of “Vendor Manager” to change it.",
                            field=self._fields[name]._description_string(self.env),
                            partner=partner.display_name,
                        )
                    )

    def _keep_standing_apart(self, former, entities):
        """Nobody gains standing by moving a contact under another company or out of it."""
        for partner in self:
            entity = partner.commercial_partner_id
            if entity == entities[partner]:
                continue
            before = former[partner]
            if entity == partner:
                partner._set_vendor_standing(
                    status=before['vendor_status'] if before['vendor_status'] in LIMITED_STATUSES else 'new',
                    risk_tier=max(before['vendor_risk_tier'], 'medium', key=TIER_ORDER.get),
                )
            elif before['vendor_status'] in LIMITED_STATUSES and (
                STATUS_ORDER[before['vendor_status']] > STATUS_ORDER[entity.vendor_status]
            ):
                raise AccessError(
                    _(
                        "%(partner)s is %(status)s as a vendor and cannot become a contact of %(company)s. "
                        "Ask a member of “Vendor Manager”.",
                        partner=partner.display_name,
                        company=entity.display_name,
                        status=dict(VENDOR_STATUSES)[before['vendor_status']].lower(),
                    )
                )

    def _set_vendor_standing(self, status=None, risk_tier=None):
        """Set standing on behalf of a procedure that checked the right to do so itself."""
        values = {'vendor_status': status, 'vendor_risk_tier': risk_tier}
        values = {name: value for name, value in values.items() if value}
        former = self._standing()
        # Past our own guard, not past access rights or the other addons.
        result = super().write(values)
        self._record_standing_changes(former)
        return result

    def _tighten_vendor_standing(self, status, risk_tier):
        """Make the standing at least as strict as given."""
        for partner in self:
            partner._set_vendor_standing(
                status=max(partner.vendor_status, status, key=STATUS_ORDER.get),
                risk_tier=max(partner.vendor_risk_tier, risk_tier, key=TIER_ORDER.get),
            )

    # ------------------------------------------------------------
    # Ledger
    # ------------------------------------------------------------

    def _record_standing_changes(self, former):
        """Record a change once, on the commercial entity that carries the standing."""
        for name, event_type in STANDING_EVENTS.items():
            self._record_change(name, event_type, {partner: former[partner][name] for partner in self})

    def _record_change(self, name, event_type, former):
        changed = self.filtered(
            lambda partner: partner[name] != former[partner] and partner.commercial_partner_id == partner
        )
        self.env['distribution.event']._record(
            event_type, changed, lambda partner: {'before': former[partner], 'after': partner[name]}
        )
