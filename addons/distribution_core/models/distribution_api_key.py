"""Who may call: a key of another system, what it may do, for which companies, and as which account."""

import secrets
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..engine import api_key, rate_limit
from ..engine.problem import Problem
from ..engine.webhook_signature import new_secret
from ..secret_box import SecretKeyProblem, any_stored, box_for

DEFAULT_OVERLAP_HOURS = 24
DEFAULT_DAYS = 365
#: Roles of people: what they decide is not decided by another system.
PERSONAL_ROLES = ('approver', 'policy_author', 'policy_publisher')
#: Changes of these are told in the ledger.
TOLD = frozenset({'operation_ids', 'company_ids', 'requires_signature', 'namespace', 'expires_on', 'active'})


class DistributionApiKey(models.Model):
    _name = 'distribution.api.key'
    _description = "API Key"
    _inherit = ['mail.thread']
    _order = 'name, id'

    name = fields.Char(required=True, tracking=True, help="The other system, such as “n8n” or “Shop”.")
    active = fields.Boolean(default=True)
    user_id = fields.Many2one(
        'res.users',
        string="Acts as",
        required=True,
        ondelete='restrict',
        tracking=True,
        domain="[('share', '=', False)]",
        help="An account of its own with the role Integration: every call has the rights of this account, no more.",
    )
    company_ids = fields.Many2many(
        'res.company',
        string="Companies",
        required=True,
        default=lambda self: self.env.company,
        help="Calls see and change nothing of other companies.",
    )
    operation_ids = fields.Many2many(
        'distribution.api.operation',
        string="May Call",
        tracking=True,
        domain="[('is_free', '=', False)]",
        help="Nothing else. What became of its own calls, and the OpenAPI document, is for every key.",
    )
    namespace = fields.Char(
        tracking=True,
        help="Types of the events that this system sends begin with it: with “acme”, acme.truck.arrived.v1.",
    )
    expires_on = fields.Date(
        required=True,
        tracking=True,
        default=lambda self: fields.Date.add(fields.Date.today(), days=DEFAULT_DAYS),
        help="The last day on which it is good.",
    )
    requires_signature = fields.Boolean(
        "Signed Calls Only",
        tracking=True,
        help="Bodies are signed as Standard Webhooks says; a call that is repeated later than five minutes is refused.",
    )
    per_minute = fields.Integer("Calls per Minute", required=True, default=120, tracking=True)
    burst = fields.Integer("At Once", required=True, default=60, help="Calls that may come without a pause.")
    owner_id = fields.Many2one(
        'res.users',
        default=lambda self: self.env.user,
        domain="[('share', '=', False)]",
        tracking=True,
        help="The person who answers for the other system.",
    )
    note = fields.Text()
    state = fields.Selection(
        [('draft', "No key yet"), ('active', "Valid"), ('expired', "Expired"), ('revoked', "Revoked")],
        compute='_compute_state',
    )
    key_text = fields.Char("Keys", compute='_compute_state')
    last_used_at = fields.Datetime(compute='_compute_last_used_at')
    waiting_count = fields.Integer("Waiting", compute='_compute_waiting_count')

    _sql_constraints = [
        ('limits_positive', 'CHECK (per_minute > 0 AND burst > 0)', "Calls per minute and at once: at least one."),
    ]

    # ------------------------------------------------------------
    # Computes and checks
    # ------------------------------------------------------------

    @api.depends('expires_on')
    def _compute_state(self):
        now = fields.Datetime.now()
        for key in self:
            stored = key._secrets()
            good = stored.filtered(lambda secret: secret._is_valid(now))
            key.key_text = ', '.join(secret._words() for secret in good) or _("none")
            if not stored:
                key.state = 'draft'
            elif key._has_expired():
                key.state = 'expired'
            else:
                key.state = 'active' if good else 'revoked'

    def _compute_last_used_at(self):
        # sudo: when a key was used is all that is taken from there
        used = self.env['distribution.api.usage'].sudo().search([('api_key_id', 'in', self.ids)])
        moments = {usage.api_key_id.id: usage.last_used_at for usage in used}
        for key in self:
            key.last_used_at = moments.get(key.id, False)

    def _compute_waiting_count(self):
        groups = self.env['distribution.api.call']._read_group(
            [('api_key_id', 'in', self.ids), ('state', 'in', ('waiting', 'failed'))], ['api_key_id'], ['__count']
        )
        counts = {key.id: count for key, count in groups}
        for key in self:
            key.waiting_count = counts.get(key.id, 0)

    @api.constrains('user_id', 'company_ids')
    def _check_account(self):
        for key in self.sudo():
            reason = key._account_reason()
            if reason:
                raise ValidationError(_("Acts as: %s", reason))
            if not key.company_ids:
                raise ValidationError(_("Companies: name at least one."))
            strange = key.company_ids - key.user_id.company_ids
            if strange:
                raise ValidationError(
                    _(
                        "Companies: %(user)s does not work in %(companies)s.",
                        user=key.user_id.name,
                        companies=", ".join(strange.mapped('name')),
                    )
                )

    def _account_reason(self):
        """Why the account may not act for a key; empty: it may."""
        user = self.user_id
        if not user.active or user.share or user._is_superuser():
            return _("an active internal account is needed.")
        if not user.has_group('distribution_core.group_integration'):
            return _("%s needs the role Integration: keys belong to accounts of other systems.", user.name)
        if user.has_group('base.group_erp_manager') or user.has_group('base.group_system'):
            return _("%s administers Odoo: another system must not.", user.name)
        if any(user.has_group(f'distribution_core.group_{role}') for role in PERSONAL_ROLES):
            return _("%s decides or writes policies: that takes a person.", user.name)
        return ''

    @api.constrains('namespace')
    def _check_namespace(self):
        for key in self.filtered('namespace'):
            words = key.namespace.split('.')
            if not all(word.isascii() and word.replace('_', 'a').isalnum() and word.islower() for word in words):
                raise ValidationError(_("Namespace: lower-case letters, digits and _, with full stops between."))
            if words[0] == 'distribution':
                raise ValidationError(_("Namespace: “distribution” is the suite's own."))

    def _has_expired(self):
        return bool(self.expires_on) and self.expires_on < fields.Date.today()

    @api.model_create_multi
    def create(self, vals_list):
        self._check_keeper()
        return super().create(vals_list)

    def write(self, vals):
        self._check_keeper()
        if 'user_id' in vals and any(key._secrets() and key.user_id.id != vals['user_id'] for key in self):
            raise UserError(_("Acts as: whose rights a key has does not change. Revoke it and make another one."))
        result = super().write(vals)
        if TOLD & vals.keys():
            self._record_change('changed')
        return result

    def unlink(self):
        self._check_keeper()
        if any(key._secrets() for key in self):
            raise UserError(_("Keys that were issued are kept with what they did: revoke and archive them."))
        return super().unlink()

    def _check_keeper(self):
        if not (self.env.su or self.env.user.has_group('distribution_core.group_administrator')):
            raise AccessError(_("API keys are kept by administrators of the distribution suite."))

    def _record_change(self, change):
        self.env['distribution.event']._record(
            'distribution.api_key.changed.v1',
            self,
            lambda key: {
                'change': change,
                'operations': sorted(key.operation_ids.mapped('name')),
                'company_ids': sorted(key.company_ids.ids),
                'user_id': key.user_id.id,
            },
        )

    # ------------------------------------------------------------
    # Issuing
    # ------------------------------------------------------------

    def _secrets(self):
        """What is stored of the issued keys. No field leads to them: nobody reads or exports them on the way."""
        # sudo: no group has access to them
        return self.env['distribution.api.secret'].sudo().search([('api_key_id', 'in', self.ids)], order='id')

    def _issue(self, overlap_hours=DEFAULT_OVERLAP_HOURS):
        """A new key; the present ones end after the overlap. Returns (key, signing secret or None), once."""
        self.ensure_one()
        now = fields.Datetime.now()
        ends = now + timedelta(hours=overlap_hours)
        for former in self._secrets().filtered(lambda secret: secret._is_valid(now)):
            former.ends_at = min(former.ends_at or ends, ends)
        key, signing, ciphertext = api_key.new_key(secrets.choice), None, False
        store = self.env['distribution.api.secret'].sudo()  # sudo: no group has access to them
        if self.requires_signature:
            signing = new_secret(secrets.token_bytes(32))
            try:
                ciphertext = box_for(any_stored(self.env.cr)).encrypt(signing)
            except SecretKeyProblem as error:
                raise UserError(str(error)) from error
        store.create(
            {
                'api_key_id': self.id,
                'prefix': api_key.prefix_of(key),
                'digest': api_key.digest(key),
                'signing_ciphertext': ciphertext,
            }
        )
        self.invalidate_recordset(['state', 'key_text'])
        self._record_change('issued')
        return key, signing

    def action_issue(self):
        """Make a key, shown once; the one before stays good for a day."""
        self._check_keeper()
        self.ensure_one()
        return self.env['distribution.secret.shown']._show(_("API Key"), *self._issue())

    def action_revoke(self):
        """No call is taken any more, from now on."""
        self._check_keeper()
        now = fields.Datetime.now()
        self._secrets().filtered(lambda secret: secret._is_valid(now)).write({'ends_at': now, 'is_revoked': True})
        self.invalidate_recordset(['state', 'key_text'])
        self._record_change('revoked')
        return True

    def action_calls(self):
        """Show what this system called."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_api_call_action')
        return {**action, 'domain': [('api_key_id', '=', self.id)], 'context': {}}

    # ------------------------------------------------------------
    # Using
    # ------------------------------------------------------------

    @api.model
    def _identify(self, authorization):
        """The key that the header ``Authorization`` names.

        :raises Problem: 401
        """
        challenge = {'WWW-Authenticate': 'Bearer'}
        text = api_key.from_header(authorization)
        if not text:
            raise Problem('key-missing', headers=challenge)
        # sudo: nobody is known yet
        secret = api_key.prefix_of(text) and self.env['distribution.api.secret'].sudo().search(
            [('digest', '=', api_key.digest(text))], limit=1
        )
        if not secret:
            raise Problem('key-unknown', headers=challenge)
        key = secret.api_key_id
        if not secret._is_valid(fields.Datetime.now()):
            raise Problem('key-revoked' if secret.is_revoked else 'key-expired', headers=challenge)
        if not key.active:
            raise Problem('key-revoked', headers=challenge)
        if key._has_expired():
            raise Problem('key-expired', headers=challenge)
        if key._account_reason():
            raise Problem('key-revoked', "The account of the key is not what it was.", headers=challenge)
        return key

    def _companies(self):
        """Companies that calls of this key see: those of the key in which its account still works."""
        return self.company_ids & self.user_id.company_ids

    def _company(self, number=None):
        """The company that a call is for.

        :raises Problem: it is none of the key
        """
        companies = self._companies()
        if number is not None:
            companies = companies.filtered(lambda company: company.id == number)
        if not companies:
            raise Problem(
                'company-forbidden', errors=[{'pointer': '/company_id', 'detail': "not a company of the key"}]
            )
        own = self.user_id.company_id
        return own if own in companies else companies[0]

    def _acting(self, company=None):
        """The registry of operations, as the account of this key in its companies; ``company`` comes first."""
        companies = self._companies()
        first = company or self._company()
        numbers = [first.id, *(companies - first).ids]
        user = self.user_id
        # A fresh context: nothing of whoever pushed a button comes along.
        context = {'allowed_company_ids': numbers, 'lang': user.lang, 'tz': user.tz}
        return self.env(user=user.id, su=False, context=context)['distribution.api.operation']

    def _check_scope(self, operation):
        """:raises Problem: the key may not call this"""
        if not operation.free and operation.name not in self.operation_ids.mapped('name'):
            raise Problem('scope-missing', f"{operation.name} is not among what this key may call.")

    def _limit(self):
        return rate_limit.Limit(self.per_minute, self.burst)
