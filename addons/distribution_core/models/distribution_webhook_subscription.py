"""Who is told of events: an address outside, what it wants to know, and whether it answers."""

import re
import secrets
from datetime import timedelta

from odoo import _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from ..engine import circuit, subscription_filter
from ..engine.addresses import AddressRefused, check_place, split_url
from ..engine.webhook_signature import new_secret
from ..secret_box import SecretBox, SecretKeyProblem, any_stored, box_for

TESTED = 'distribution.webhook.tested.v1'
#: Addresses that may be internal or speak http, see :mod:`..engine.addresses`; changes of it are in the ledger.
ALLOWED_PARAMETER = 'distribution_core.outbound_allowed_hosts'
CIRCUIT_RULES = circuit.Rules(threshold=5, cool_down=timedelta(minutes=1), lease=timedelta(minutes=2))
DEFAULT_OVERLAP_HOURS = 24
#: Written by the suite's own code only.
OWN_FIELDS = frozenset(
    {'state', 'feed_cursor', 'failures', 'opened_at', 'probe_at', 'delivery_ids', 'replay_after', 'replay_until'}
)


def outbound_allowed(env):
    """The allow list of this database."""
    # sudo: whoever's event is sent, the list is the administrator's
    return env['ir.config_parameter'].sudo().get_param(ALLOWED_PARAMETER, '')


class DistributionWebhookSubscription(models.Model):
    """An endpoint that events are sent to, as CloudEvents 1.0 with Standard Webhooks signatures."""

    _name = 'distribution.webhook.subscription'
    _description = "Webhook Subscription"
    _inherit = ['mail.thread']
    _order = 'name, id'

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    url = fields.Char("Address", required=True, tracking=True, help="https://… Redirects are not followed.")
    state = fields.Selection(
        [('draft', "Draft"), ('active', "Active"), ('paused', "Paused"), ('gone', "Gone")],
        default='draft',
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        help="Gone: the endpoint answered 410 and is sent nothing any more.",
    )
    event_types = fields.Text(
        required=True,
        default='distribution.*',
        tracking=True,
        help="One per line; * stands for any text: distribution.purchase_order.*",
    )
    # Archiving a company or a site must not make a filter wider.
    company_ids = fields.Many2many(
        'res.company', string="Companies", context={'active_test': False}, help="Empty: all companies."
    )
    site_ids = fields.Many2many(
        'stock.warehouse',
        'distribution_webhook_subscription_site_rel',
        'subscription_id',
        'site_id',
        string="Sites",
        ondelete='restrict',
        check_company=False,
        context={'active_test': False},
        tracking=True,
        help="Empty: all sites. With sites named, only events of documents at these sites are sent: what belongs to "
        "no site, such as policies and vendors, goes to subscriptions without sites only.",
    )
    condition_ids = fields.One2many('distribution.webhook.condition', 'subscription_id', copy=True)
    in_order = fields.Boolean(
        "In Order per Case",
        tracking=True,
        help="Events of one business case arrive one after the other: a later one waits for the one before.",
    )
    owner_id = fields.Many2one(
        'res.users',
        default=lambda self: self.env.user,
        domain="[('share', '=', False)]",
        tracking=True,
        help="Is told when the endpoint fails.",
    )
    secret_text = fields.Char("Secrets", compute='_compute_secret_text')
    feed_cursor = fields.Char(
        readonly=True, copy=False, help="Up to where the ledger was compared with the deliveries."
    )
    # Events that are sent again: after the one number, up to the other; 0: none are. Written by the job.
    replay_after = fields.Integer("Sent Again Up to Event", readonly=True, copy=False)
    replay_until = fields.Integer("Sending Again Until Event", readonly=True, copy=False)
    # The circuit breaker; written by the drain.
    failures = fields.Integer("Failures in a Row", readonly=True, copy=False)
    opened_at = fields.Datetime("Left Alone Since", readonly=True, copy=False)
    probe_at = fields.Datetime(readonly=True, copy=False)
    circuit_state = fields.Selection(
        [('closed', "Answers"), ('open', "Left alone"), ('half_open', "Being tried")],
        string="Endpoint",
        compute='_compute_circuit_state',
    )
    delivery_ids = fields.One2many('distribution.webhook.delivery', 'subscription_id')
    waiting_count = fields.Integer("Waiting", compute='_compute_counts')
    dead_count = fields.Integer("Dead Letters", compute='_compute_counts')
    last_delivered_at = fields.Datetime(compute='_compute_counts')

    # ------------------------------------------------------------
    # Computes and checks
    # ------------------------------------------------------------

    def _compute_counts(self):
        groups = self.env['distribution.webhook.delivery']._read_group(
            [('subscription_id', 'in', self.ids)], ['subscription_id', 'state'], ['__count', 'done_at:max']
        )
        counts = {(subscription.id, state): (count, last) for subscription, state, count, last in groups}
        for subscription in self:

            def of(state, number=subscription.id):
                return counts.get((number, state), (0, False))

            subscription.waiting_count = of('pending')[0] + of('sending')[0]
            subscription.dead_count = of('dead')[0]
            subscription.last_delivered_at = of('delivered')[1]

    @api.depends('failures', 'opened_at')
    def _compute_circuit_state(self):
        now = fields.Datetime.now()
        for subscription in self:
            subscription.circuit_state = circuit.state(subscription._circuit(), CIRCUIT_RULES, now)

    def _compute_secret_text(self):
        now = fields.Datetime.now()
        for subscription in self:
            valid = subscription._stored_secrets().filtered(lambda secret: secret._is_valid(now))
            subscription.secret_text = ', '.join(secret._words() for secret in valid) or _("none")

    @api.constrains('url')
    def _check_url(self):
        for subscription in self:
            try:
                scheme, host, port = split_url(subscription.url or '')
            except AddressRefused as error:
                raise ValidationError(_("Address: %s.", error)) from error
            try:
                check_place(scheme, host, port, outbound_allowed(self.env))
            except AddressRefused as error:
                raise ValidationError(
                    _(
                        "Address: %(error)s. The system parameter %(parameter)s can name hosts in the house that may "
                        "be called in other ways, such as %(host)s:%(port)s.",
                        error=error,
                        host=host,
                        port=port,
                        parameter=ALLOWED_PARAMETER,
                    )
                ) from error

    @api.constrains('event_types', 'condition_ids')
    def _check_wanted(self):
        for subscription in self:
            try:
                subscription_filter.check(subscription._wanted())
            except subscription_filter.FilterProblem as error:
                raise ValidationError(_("%(name)s: %(error)s.", name=subscription.name, error=error)) from error

    @api.constrains('company_ids', 'site_ids')
    def _check_sites(self):
        for subscription in self:
            strange = subscription.company_ids and subscription.site_ids.sudo().filtered(
                lambda site, companies=subscription.company_ids: site.company_id not in companies
            )
            if strange:
                raise ValidationError(
                    _(
                        "Sites: %(site)s belongs to %(company)s, which is not among the companies of %(name)s. Add the "
                        "company, or leave the site out.",
                        site=strange[0].name,
                        company=strange[0].company_id.name,
                        name=subscription.name,
                    )
                )

    def _wanted(self):
        """What this subscription asks for, as the plain filter takes it."""
        self.ensure_one()
        return subscription_filter.Wanted(
            patterns=tuple(re.split(r'[\s,]+', (self.event_types or '').strip()) if self.event_types else ()),
            companies=frozenset(self.company_ids.ids),
            sites=frozenset(self.site_ids.ids),
            conditions=tuple(
                subscription_filter.Condition(condition.path, condition.operator, condition.value or '')
                for condition in self.condition_ids
            ),
        )

    def _circuit(self):
        self.ensure_one()
        return circuit.Circuit(self.failures, self.opened_at or None, self.probe_at or None)

    def _set_circuit(self, known):
        self.write({'failures': known.failures, 'opened_at': known.opened_at, 'probe_at': known.probe_at})

    # ------------------------------------------------------------
    # What is asked for each event that is recorded
    # ------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _wants(self):
        """``((subscription id, Wanted), …)`` of those that are active."""
        found = self.sudo().search([('state', '=', 'active')])
        return tuple((subscription.id, subscription._wanted()) for subscription in found)

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(not OWN_FIELDS.isdisjoint(vals) for vals in vals_list):
            raise AccessError(_("A subscription begins as a draft: activate it with its button."))
        subscriptions = super().create(vals_list)
        self._forget()
        return subscriptions

    def write(self, vals):
        if not self.env.su and not OWN_FIELDS.isdisjoint(vals):
            raise AccessError(_("State and circuit of a subscription follow from its buttons and its endpoint."))
        result = super().write(vals)
        if not {'state', 'event_types', 'company_ids', 'site_ids', 'condition_ids', 'active'}.isdisjoint(vals):
            self._forget()
        if vals.get('url'):
            self.sudo()._set_circuit(circuit.Circuit())
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_drafts_only(self):
        """A process may still know what it wants, and queue for it: that must not fail in anybody's transaction."""
        if any(subscription.state != 'draft' for subscription in self):
            raise UserError(_("Only a subscription that was never active can be deleted: pause or archive it instead."))

    def _forget(self):
        self.env.registry.clear_cache()

    # ------------------------------------------------------------
    # Secrets
    # ------------------------------------------------------------

    def _new_secret(self, overlap_hours=DEFAULT_OVERLAP_HOURS):
        """Give a new secret and let the present ones end; returns the new one in clear, once."""
        self.ensure_one()
        store = self.env['distribution.webhook.secret'].sudo()
        try:
            box = box_for(any_stored(self.env.cr))
        except SecretKeyProblem as error:
            raise UserError(str(error)) from error
        now = fields.Datetime.now()
        clear = new_secret(secrets.token_bytes(32))
        ends = now + timedelta(hours=overlap_hours)
        former = self._stored_secrets().filtered(lambda secret: secret._is_valid(now))
        for secret in former:
            secret.ends_at = min(secret.ends_at or ends, ends)
        store.create({'subscription_id': self.id, 'ciphertext': box.encrypt(clear)})
        self._record_change('secret_made')
        return clear

    def _secrets(self):
        """``{subscription id: valid secrets in clear, the newest first}``."""
        now = fields.Datetime.now()
        secrets = {subscription_id: [] for subscription_id in self.ids}
        stored = self._stored_secrets().filtered(lambda secret: secret._is_valid(now)).sorted('id', reverse=True)
        box = SecretBox() if stored else None
        for secret in stored:
            secrets[secret.subscription_id.id].append(box.decrypt(secret.ciphertext))
        return secrets

    def _stored_secrets(self):
        """The secrets as they are stored. No field leads to them: nobody reads or exports them on the way."""
        # sudo: no group has access to them
        return self.env['distribution.webhook.secret'].sudo().search([('subscription_id', 'in', self.ids)], order='id')

    def _record_change(self, change):
        self.env['distribution.event']._record(
            'distribution.webhook.changed.v1',
            self,
            lambda subscription: {'change': change, 'state': subscription.state},
        )

    # ------------------------------------------------------------
    # What the drain finds out
    # ------------------------------------------------------------

    def _set_gone(self):
        """The endpoint says that it is gone for good: nothing more is sent."""
        self.write({'state': 'gone'})
        self._record_change('gone')
        self._open_case(
            'webhook_gone',
            _("%s: the endpoint is gone (410)", self.name),
            _("Nothing more is sent. What waits is kept: give a new address and activate it again."),
        )

    def _learn(self, known, error):
        """Keep the state of the circuit; who looks after the endpoint is told when it opens."""
        if known == self._circuit():
            return
        was_open = bool(self.opened_at)
        self._set_circuit(known)
        if known.opened_at and not was_open:
            self._open_case(
                'webhook_failing',
                _("%s does not answer", self.name),
                _(
                    "%(failures)s tries in a row failed; the last one: %(error)s. It is left alone and tried with one "
                    "delivery at a time. Nothing is lost: deliveries wait for three days.",
                    failures=known.failures,
                    error=error,
                ),
            )

    def _stop_without_secret(self):
        """Nothing is sent without a signature; the others are sent meanwhile."""
        self.write({'state': 'paused'})
        self._record_change('paused')
        self._open_case(
            'webhook_failing',
            _("%s has no secret", self.name),
            _("Nothing is sent without a signature. Make a secret and activate it again: what waits is kept."),
        )

    def _open_case(self, code, summary, detail):
        self.env['distribution.case']._open(code, self, summary, detail=detail, dedup_key=f'{code}:{self.id}')

    # ------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------

    def _check_keeper(self):
        if not self.env.user.has_group('distribution_core.group_administrator'):
            raise AccessError(_("Webhook subscriptions are kept by administrators of the distribution suite."))

    def action_activate(self):
        """Send from now on; the first time a secret is made and shown once."""
        self._check_keeper()
        self.ensure_one()
        self.sudo().write({'state': 'active', 'feed_cursor': self.env['distribution.event']._feed_end()})
        self.sudo()._set_circuit(circuit.Circuit())
        self._record_change('activated')
        if not self._stored_secrets():
            return self.action_new_secret()
        return True

    def action_pause(self):
        """Send nothing until it is activated again; what waits goes on waiting."""
        self._check_keeper()
        self.sudo().write({'state': 'paused'})
        self._record_change('paused')

    def action_new_secret(self):
        """A new secret, shown once; the present one stays valid for a day."""
        self._check_keeper()
        return self.env['distribution.secret.shown']._show(_("Secret"), self._new_secret())

    def action_test(self):
        """Send a test event to this endpoint only, now."""
        self.ensure_one()
        self._check_keeper()
        if not self._stored_secrets():
            raise UserError(_("Make a secret first: what is sent is signed with it."))
        event = self.env['distribution.event']._record(TESTED, self, {'subscription_id': self.id})
        delivery = self.env['distribution.webhook.delivery'].sudo()._enqueue_for(self, event)
        return {
            'type': 'ir.actions.act_window',
            'res_model': delivery._name,
            'res_id': delivery.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }

    def action_deliveries(self):
        """Show what was and is to be sent."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_webhook_delivery_action')
        return {**action, 'domain': [('subscription_id', '=', self.id)], 'context': {}}

    def _replay(self, date_from, date_to):
        """Have the events of that time sent again by a job, whether they had arrived or not.

        :return: whether there are any
        """
        self.ensure_one()
        self._check_keeper()
        if self.replay_until:
            raise UserError(_("Events are being sent again already: wait until they are."))
        events = self.env['distribution.event'].sudo()
        period = [('time', '>=', date_from), ('time', '<=', date_to)]
        first = events.search(period, order='id', limit=1)
        if not first:
            return False
        last = events.search(period, order='id desc', limit=1)
        self.sudo().write({'replay_after': first.id - 1, 'replay_until': last.id})
        self._record_change('replayed')
        self.env.ref('distribution_core.ir_cron_webhook_replay').sudo()._trigger()
        return True

    def action_replay_since(self):
        """Ask from when on events are sent again."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': _("Send Again"),
            'res_model': 'distribution.webhook.replay',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_subscription_id': self.id},
        }
