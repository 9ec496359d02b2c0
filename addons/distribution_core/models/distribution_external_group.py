"""Groups of the company's directory mapped to roles: who may do what is decided outside."""

import logging

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..compat import USER_GROUPS
from ..engine.directory_names import claimed, normal

_logger = logging.getLogger(__name__)

SOURCES = [('oauth', "Sign-in with OAuth (claim)"), ('ldap', "LDAP (memberOf)"), ('api', "API")]
#: Nobody becomes an administrator of Odoo, or loses that, by what comes from outside.
FORBIDDEN = ('base.group_system', 'base.group_erp_manager', 'base.group_portal', 'base.group_public', 'base.group_user')


class DistributionExternalGroup(models.Model):
    _name = 'distribution.external.group'
    _description = "Role from Outside"
    _order = 'source, name, id'

    name = fields.Char(
        "Group Outside", required=True, help="As the directory names it; large and small letters do not matter."
    )
    source = fields.Selection(SOURCES, required=True, default='oauth')
    group_id = fields.Many2one(
        'res.groups',
        string="Role",
        required=True,
        ondelete='restrict',
        help="Granted and taken with the group outside.",
    )
    active = fields.Boolean(default=True)
    note = fields.Char()
    edited_by_id = fields.Many2one('res.users', readonly=True, ondelete='restrict', copy=False)
    confirmed_by_id = fields.Many2one('res.users', readonly=True, ondelete='restrict', copy=False)
    is_confirmed = fields.Boolean("In Force", compute='_compute_is_confirmed', store=True)

    def init(self):
        self.env.cr.execute("""
            CREATE UNIQUE INDEX IF NOT EXISTS distribution_external_group_once
                ON distribution_external_group (source, lower(name), group_id)
        """)

    @api.depends('confirmed_by_id', 'active')
    def _compute_is_confirmed(self):
        for mapping in self:
            mapping.is_confirmed = bool(mapping.active and mapping.confirmed_by_id)

    @api.constrains('group_id')
    def _check_group(self):
        for mapping in self.sudo():
            if _reaches_over_odoo(mapping.group_id):
                raise ValidationError(
                    _(
                        "group_id: “%s” is (or brings) a right over Odoo itself. Grant that by hand.",
                        mapping.group_id.name,
                    )
                )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(vals)
            self._check_new(vals)
            vals.update({'edited_by_id': self.env.uid, 'confirmed_by_id': False})
        mappings = super().create(vals_list)
        mappings._record('created')
        return mappings

    def write(self, vals):
        self._refuse_protected(vals)
        if {'name', 'source', 'group_id', 'active'} & vals.keys():
            vals = {**vals, 'edited_by_id': self.env.uid, 'confirmed_by_id': False}
        result = super().write(vals)
        self._record('changed')
        return result

    def unlink(self):
        self._record('removed')
        return super().unlink()

    def _refuse_protected(self, vals):
        if {'confirmed_by_id', 'edited_by_id', 'is_confirmed'} & {key for key, value in vals.items() if value}:
            raise AccessError(_("A role from outside is put in force with its button, by a second person."))

    def _check_new(self, vals):
        domain = [
            ('source', '=', vals.get('source', 'oauth')),
            ('name', '=ilike', (vals.get('name') or '').replace('\\', '\\\\').replace('%', r'\%').replace('_', r'\_')),
            ('group_id', '=', vals.get('group_id')),
        ]
        if self.sudo().with_context(active_test=False).search_count(domain, limit=1):
            raise ValidationError(_("name: this group outside is mapped to this role already (perhaps archived)."))

    def _record(self, action):
        self.env['distribution.event'].sudo()._record(
            'distribution.external_group.changed.v1',
            self,
            lambda mapping: {
                'action': action,
                'source': mapping.source,
                'external_group': mapping.name,
                'group_id': mapping.group_id.id,
                'in_force': mapping.is_confirmed,
            },
        )

    def action_confirm(self):
        """Put the mapping in force: an administrator who did not write it."""
        user = self.env.user
        if user._is_superuser() or not user.has_group('distribution_core.group_administrator'):
            raise AccessError(_("This takes the role Administrator, in person."))
        for mapping in self:
            if mapping.edited_by_id == user:
                raise UserError(
                    _("You wrote “%s” yourself: a second administrator has to put it in force.", mapping.name)
                )
            models.BaseModel.write(mapping.sudo(), {'confirmed_by_id': user.id})
            mapping._record('confirmed')
        return True

    # ------------------------------------------------------------
    # API for the role Integration
    # ------------------------------------------------------------

    @api.model
    def action_set_groups(self, login, groups):
        """Set the groups outside of a person: what is mapped is granted, the rest of the mapping is taken.

        :param login: of the person
        :param groups: list of names
        :return: ``{'granted': [role names], 'revoked': […], 'kept': […]}``
        """
        if not isinstance(groups, (list, tuple)) or not all(isinstance(name, str) for name in groups):
            raise ValidationError(_("groups: a list of names is expected."))
        return self._api_user(login)._distribution_apply_external_groups(list(groups), 'api')

    @api.model
    def action_grant(self, login, group):
        """Grant the roles of one group outside. Granting twice is granting once."""
        return self._api_change(login, group, True)

    @api.model
    def action_revoke(self, login, group):
        """Take the roles of one group outside, at once, also from tasks that wait."""
        return self._api_change(login, group, False)

    @api.model
    def _api_change(self, login, group, granting):
        if not isinstance(group, str):
            raise ValidationError(_("group: a name is expected."))
        user = self._api_user(login)
        mapped = self._mapped('api').get(normal(group))
        if not mapped:
            raise ValidationError(_("group: “%s” is mapped to no role that is in force.", group))
        none = self.env['res.groups'].sudo()
        return user._distribution_change_roles(mapped if granting else none, none if granting else mapped, 'api')

    @api.model
    def _api_user(self, login):
        """The person, if the present account may provision them."""
        account = self.env.user
        if account._is_superuser() or not account.has_group('distribution_core.group_integration'):
            raise AccessError(_("Provisioning roles takes an account with the role Integration."))
        if not isinstance(login, str) or not login:
            raise ValidationError(_("login: the login of a person is expected."))
        # sudo: an integration account does not read users; company and kind of the one found are checked below
        user = self.env['res.users'].sudo().search([('login', '=', login)], limit=1)
        if not user or not user.company_ids & account.sudo().company_ids:
            raise ValidationError(_("login: there is no active person “%s”.", login))
        if user == account or user.has_group('distribution_core.group_integration'):
            raise AccessError(_("Accounts of integrations are not provisioned from outside."))
        return user

    @api.model
    def _mapped(self, source):
        """``{name outside: roles}`` in force."""
        mapped = {}
        for mapping in self.sudo().search([('source', '=', source), ('is_confirmed', '=', True)]):
            name = normal(mapping.name)
            mapped[name] = mapped.get(name, self.env['res.groups'].sudo()) | mapping.group_id
        return mapped


class ResUsers(models.Model):
    _inherit = 'res.users'

    def _distribution_apply_external_groups(self, groups, source):
        """The groups of this person outside are ``groups``: grant and take the roles that are mapped.

        Roles that no mapping in force names are not touched.

        :param groups: claim or list of names
        :param source: key of ``SOURCES``
        :return: dict of role names: granted, revoked, kept (held by way of another role)
        """
        self.ensure_one()
        mapped = self.env['distribution.external.group']._mapped(source)
        none = self.env['res.groups'].sudo()
        wanted = none.union(*(roles for name, roles in mapped.items() if name in claimed(groups)))
        managed = none.union(*mapped.values())
        return self._distribution_change_roles(wanted, managed - wanted, source)

    def _distribution_change_roles(self, grant, revoke, source):
        """Grant and take roles; record what changed. Effective at once, also on tasks that wait."""
        self.ensure_one()
        # sudo: called by the sign-in and by the API after their own checks; touches mapped roles only
        user = self.sudo()
        if user._is_superuser() or user.share or not user.active:
            return {'granted': [], 'revoked': [], 'kept': []}
        # Somebody may have widened a role after two people had put its mapping in force.
        grant = grant.filtered(lambda role: not _reaches_over_odoo(role))
        granted, revoked = grant - user[USER_GROUPS], revoke & _held(user)
        if granted or revoked:
            user.write({USER_GROUPS: [(4, role.id) for role in granted] + [(3, role.id) for role in revoked]})
            user.invalidate_recordset()
        kept = revoked & _held(user)
        revoked -= kept
        if granted or revoked or kept:
            self.env['distribution.event'].sudo()._record(
                'distribution.user.roles_provisioned.v1',
                user,
                {
                    'source': source,
                    'granted_ids': granted.ids,
                    'revoked_ids': revoked.ids,
                    'kept_ids': kept.ids,
                },
            )
        if kept:
            _logger.info("User %s keeps %s by way of another role", user.id, kept.ids)
        return {
            'granted': granted.mapped('full_name'),
            'revoked': revoked.mapped('full_name'),
            'kept': kept.mapped('full_name'),
        }


def _held(user):
    """All roles of the user, implied ones included."""
    return user['all_group_ids' if 'all_group_ids' in user._fields else USER_GROUPS]


def _reaches_over_odoo(role):
    """Whether the role is one of ``FORBIDDEN``, or brings one by now."""
    none = role.browse()
    forbidden = none.union(*(role.env.ref(name, raise_if_not_found=False) or none for name in FORBIDDEN))
    brought = role['trans_implied_ids' if 'trans_implied_ids' in role._fields else 'all_implied_ids']
    return bool(role & forbidden or brought & (forbidden - role.env.ref('base.group_user')))
