"""Deliveries of events: written with the event, sent after its commit, tried until they arrive.

Rules, in words
---------------
* A delivery is a row written in the transaction of its event, for each subscription that wants it: what
  is rolled back is never sent, what is committed is never forgotten. A job compares with the ledger and
  adds what is missing (:meth:`_reconcile`).
* Drains claim rows with ``SKIP LOCKED`` and a lease, commit, send without a transaction, and store what
  came back. A drain that dies leaves a lease that runs out: the delivery is sent again, with the same id.
* At least once, in no promised order – unless the subscription asks for the order of each case.
* What it takes to be delivered, to be tried again, and to be given up: :mod:`..engine.webhook_retry`.
"""

import json
import logging
import random
import time
from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from ..engine import circuit, subscription_filter, webhook_retry
from ..engine.canonical import canonical_json
from ..engine.webhook_signature import sign
from ..turns import in_turn
from ..webhook_senders import EXCERPT, PARALLEL, TIMEOUT, Senders
from .distribution_webhook_subscription import CIRCUIT_RULES, TESTED, outbound_allowed

_logger = logging.getLogger(__name__)

#: Longest body that is sent, in bytes: what every receiver can be told to expect.
MAX_PAYLOAD = 65_536
#: Rows that a drain takes at a time.
BATCH = 40
#: For how long a claimed delivery belongs to its drain: a batch at its slowest, and a little more.
LEASE = timedelta(seconds=TIMEOUT * (BATCH // PARALLEL + 1) + 30)
#: Events of a batch that is sent again.
REPLAYED = 1000
#: For how long one run of the job goes on before it leaves the rest to the next one.
RUN_SECONDS = 240
KEEP_DAYS_PARAMETER, KEEP_DAYS = 'distribution_core.webhook_keep_days', 90
WAITING = ('pending', 'sending')


class DistributionWebhookDelivery(models.Model):
    """One event for one subscription."""

    _name = 'distribution.webhook.delivery'
    _description = "Webhook Delivery"
    _order = 'id desc'
    _rec_name = 'event_type'
    _log_access = False

    subscription_id = fields.Many2one(
        'distribution.webhook.subscription', required=True, readonly=True, ondelete='restrict', index=True
    )
    event_id = fields.Integer("Event Number", readonly=True, required=True)
    event_uid = fields.Char("Event ID", readonly=True, required=True, help="Header webhook-id; the same at every try.")
    event_type = fields.Char(readonly=True, required=True)
    correlation = fields.Char(readonly=True, help="The business case.")
    company_id = fields.Many2one('res.company', readonly=True, index=True)
    state = fields.Selection(
        [
            ('pending', "Waiting"),
            ('sending', "Being Sent"),
            ('delivered', "Delivered"),
            ('dead', "Dead Letter"),
            ('dropped', "Dropped"),
        ],
        required=True,
        readonly=True,
    )
    began_at = fields.Datetime("Since", readonly=True, required=True)
    next_at = fields.Datetime("Next Try", readonly=True)
    lease_until = fields.Datetime(readonly=True)
    attempts = fields.Integer("Tries", readonly=True)
    done_at = fields.Datetime("Delivered On", readonly=True)
    last_status = fields.Integer(readonly=True)
    last_error = fields.Char(readonly=True)
    attempt_ids = fields.One2many('distribution.webhook.attempt', 'delivery_id', string="Log")
    body_text = fields.Text("Body", compute='_compute_body_text')

    _sql_constraints = [
        ('once', 'unique(subscription_id, event_uid)', "An event is delivered to a subscription once."),
    ]

    def init(self):
        self.env.cr.execute("""
            CREATE INDEX IF NOT EXISTS distribution_webhook_delivery_turn_index
                ON distribution_webhook_delivery (subscription_id, next_at, id) WHERE state IN ('pending', 'sending')
        """)
        self.env.cr.execute("DROP INDEX IF EXISTS distribution_webhook_delivery_due_index")
        self.env.cr.execute("""
            CREATE INDEX IF NOT EXISTS distribution_webhook_delivery_case_index
                ON distribution_webhook_delivery (subscription_id, correlation, id)
             WHERE state IN ('pending', 'sending')
        """)
        self.env.cr.execute("""
            CREATE INDEX IF NOT EXISTS distribution_webhook_delivery_dead_index
                ON distribution_webhook_delivery (subscription_id) WHERE state = 'dead'
        """)

    def _compute_body_text(self):
        # sudo: who may read the delivery may read what it carried; the ledger is the auditor's
        events = {
            event.id: event for event in self.env['distribution.event'].sudo().browse(self.mapped('event_id')).exists()
        }
        for delivery in self:
            event = events.get(delivery.event_id)
            delivery.body_text = event.cloudevent_text if event else False

    # ------------------------------------------------------------
    # Nothing else writes
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        raise UserError(_("Deliveries are made by events only. To send some again, use “Send Again”."))

    def write(self, vals):
        raise UserError(_("Deliveries are a log: they cannot be changed. To send one again, use “Send Again”."))

    def unlink(self):
        raise UserError(_("Deliveries are a log: they are pruned by age only."))

    # ------------------------------------------------------------
    # Queueing
    # ------------------------------------------------------------

    @api.model
    def _enqueue(self, events):
        """Queue events that were just recorded, in their transaction; one statement.

        :param events: list of :class:`~.distribution_event.QueuedEvent`
        """
        wants = self.env['distribution.webhook.subscription']._wants()
        values = wants and self._chosen(wants, events)
        if values:
            self._insert(values)
            self._wake()

    @api.model
    def _chosen(self, wants, events):
        """Which of the events go where: ``[(subscription, event number, uid, type, case, company, now)]``."""
        asked = [
            (event, subscription_id, wanted)
            for event in events
            if event.type != TESTED
            for subscription_id, wanted in wants
            if any(subscription_filter.matches(pattern, event.type) for pattern in wanted.patterns)
        ]
        facts = {event.id: json.loads(event.data) for event in {event for event, *_rest in asked}}
        placed = {event for event, _subscription_id, wanted in asked if wanted.sites}
        sites = self.env['distribution.document.site']._of_events(
            [(event.id, facts[event.id], event.res_model, event.res_id) for event in placed]
        )
        now = fields.Datetime.now()
        return [
            (subscription_id, event.id, event.uid, event.type, event.correlation, event.company_ref, now)
            for event, subscription_id, wanted in asked
            if subscription_filter.wanted(wanted, event.type, event.company_ref, facts[event.id], sites.get(event.id))
        ]

    def _insert(self, values, again=False):
        """Insert deliveries; with ``again``, those that exist are sent once more. Returns how many."""
        conflict = (
            """DO UPDATE SET state = 'pending', began_at = EXCLUDED.began_at, next_at = EXCLUDED.next_at,
                             attempts = 0, lease_until = NULL"""
            if again
            else 'DO NOTHING'
        )
        row = "(%s, %s, %s, %s, %s, (SELECT id FROM res_company WHERE id = %s), 'pending', %s, %s, 0)"
        self.env.cr.execute(
            f"""INSERT INTO distribution_webhook_delivery
                    (subscription_id, event_id, event_uid, event_type, correlation, company_id, state, began_at,
                     next_at, attempts)
                VALUES {', '.join([row] * len(values))}
                ON CONFLICT (subscription_id, event_uid) {conflict}""",
            [value for one in values for value in (*one, one[-1])],
        )
        self.invalidate_model()
        return self.env.cr.rowcount

    def _enqueue_for(self, subscription, events):
        """Queue these events for this subscription, whatever it wants; returns the deliveries."""
        now = fields.Datetime.now()
        self._insert(
            [
                (subscription.id, event.id, event.uid, event.type, event.correlation, event.company_ref or None, now)
                for event in events
            ],
            again=True,
        )
        self._wake()
        return self.search([('subscription_id', '=', subscription.id), ('event_uid', 'in', events.mapped('uid'))])

    @api.model
    def _wake(self):
        """Start the drain at commit; once per transaction."""
        if self.env.cr.precommit.data.get('distribution_webhooks_woken'):
            return
        self.env.cr.precommit.data['distribution_webhooks_woken'] = True
        cron = self.env.ref('distribution_core.ir_cron_webhook_drain', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    def action_send_again(self):
        """Send these once more, from the first try on: dead letters, or what arrived and got lost there."""
        if not self.env.user.has_group('distribution_core.group_operations') and not self.env.user.has_group(
            'distribution_core.group_administrator'
        ):
            raise UserError(_("Deliveries are sent again by Operations."))
        # Checked above; who may read them may send them again.
        self.env.cr.execute(
            """UPDATE distribution_webhook_delivery
                  SET state = 'pending', began_at = %s, next_at = %s, attempts = 0, lease_until = NULL
                WHERE id = ANY(%s) AND state IN ('dead', 'delivered', 'dropped')""",
            (fields.Datetime.now(), fields.Datetime.now(), self.ids),
        )
        self.invalidate_recordset()
        self._wake()

    # ------------------------------------------------------------
    # The drain
    # ------------------------------------------------------------

    @api.model
    def _cron_drain(self, commit=True, seconds=RUN_SECONDS):
        """Send what is due, batch by batch, until nothing is left or the time is over; returns how many.

        :param commit: False: everything in the caller's transaction, for tests
        """
        until = time.monotonic() + seconds
        sent = 0
        with Senders(outbound_allowed(self.env), PARALLEL) as senders:
            while time.monotonic() < until:
                count = self._drain_batch(senders, commit)
                if not count:
                    break
                sent += count
            else:
                self._wake()
        return sent

    @api.model
    def _drain_batch(self, senders, commit=True):
        """Claim, send and store one batch; returns how many were sent, 0 when nothing is due."""
        jobs = in_turn(self.env, self._claim, commit)
        answers = senders.send(jobs)
        for subscription_id in {job['subscription_id'] for job in jobs}:
            own = [(job, answer) for job, answer in zip(jobs, answers) if job['subscription_id'] == subscription_id]
            in_turn(self.env, lambda own=own: self._store(own), commit)
        return len(jobs)

    @api.model
    def _claim(self):
        """Take a batch: ``[{id, url, headers, body, …}]``, ready to be sent without a database."""
        now = fields.Datetime.now()
        subscriptions = self.env['distribution.webhook.subscription'].sudo().search([('state', '=', 'active')])
        callable_now = subscriptions.filtered(lambda one: circuit.may_call(one._circuit(), CIRCUIT_RULES, now))
        secrets = callable_now._secrets()
        for mute in callable_now.filtered(lambda one: not secrets[one.id]):
            mute._stop_without_secret()
            callable_now -= mute
        probing = callable_now.filtered('opened_at')
        claimed = self._claim_rows(callable_now - probing, BATCH, now)
        for one in probing:
            claimed |= self._claim_rows(one, 1, now)
        for subscription in claimed.subscription_id & probing:
            subscription._set_circuit(circuit.begun(subscription._circuit(), CIRCUIT_RULES, now))
        events = {
            event.id: event
            for event in self.env['distribution.event'].sudo().browse(claimed.mapped('event_id')).exists()
        }
        jobs = [one._prepare(events.get(one.event_id), secrets[one.subscription_id.id]) for one in claimed]
        return [job for job in jobs if job]

    def _claim_rows(self, subscriptions, limit, now):
        """Take what is due, the oldest first, in equal shares of those who have something: what one endpoint has
        piled up costs the others neither their turn nor time to look through."""
        if not subscriptions:
            return self.browse()
        subscriptions.flush_recordset()
        self.env.cr.execute(
            """WITH turns AS MATERIALIZED (
                   SELECT subscription.id, subscription.in_order
                     FROM distribution_webhook_subscription subscription
               CROSS JOIN LATERAL (
                          SELECT due.next_at FROM distribution_webhook_delivery due
                           WHERE due.subscription_id = subscription.id AND due.state IN ('pending', 'sending')
                             AND due.next_at <= %(now)s
                        ORDER BY due.next_at LIMIT 1) oldest
                    WHERE subscription.id = ANY(%(subscriptions)s)
                 ORDER BY oldest.next_at),
                    claimed AS MATERIALIZED (
                   SELECT chosen.id FROM turns
               CROSS JOIN LATERAL (
                          SELECT one.id FROM distribution_webhook_delivery one
                           WHERE one.subscription_id = turns.id AND one.state IN ('pending', 'sending')
                             AND one.next_at <= %(now)s
                             AND (one.state = 'pending' OR one.lease_until < %(now)s)
                             AND (turns.in_order IS NOT TRUE OR NOT EXISTS (
                                  SELECT FROM distribution_webhook_delivery earlier
                                   WHERE earlier.subscription_id = one.subscription_id
                                     AND earlier.correlation = one.correlation
                                     AND earlier.state IN ('pending', 'sending')
                                     AND earlier.id < one.id))
                        ORDER BY one.next_at, one.id
                           LIMIT (SELECT ceil(%(limit)s::numeric / count(*))::int FROM turns)
                             FOR UPDATE SKIP LOCKED) chosen
                    LIMIT %(limit)s)
               UPDATE distribution_webhook_delivery one SET state = 'sending', lease_until = %(lease)s
                 FROM claimed WHERE one.id = claimed.id
            RETURNING one.id""",
            {'lease': now + LEASE, 'now': now, 'limit': limit, 'subscriptions': subscriptions.ids},
        )
        claimed = sorted(number for (number,) in self.env.cr.fetchall())
        self.invalidate_model()
        return self.sudo().browse(claimed)

    def _prepare(self, event, secrets):
        """What is sent for this delivery; None when it cannot be sent at all."""
        self.ensure_one()
        if not event:
            self._give_up("the event was pruned from the ledger")
            return None
        body = canonical_json(self._envelope(event)).encode()
        if len(body) > MAX_PAYLOAD:
            self._give_up(f"the event is longer than {MAX_PAYLOAD} bytes")
            return None
        # The time of this try, not of the transaction: receivers compare it with their clock.
        timestamp = int(time.time())
        return {
            'id': self.id,
            'subscription_id': self.subscription_id.id,
            'attempt': self.attempts + 1,
            'began_at': self.began_at,
            'url': self.subscription_id.url,
            'body': body,
            'headers': {
                'Content-Type': 'application/cloudevents+json',
                'webhook-id': event.uid,
                'webhook-timestamp': str(timestamp),
                'webhook-signature': sign(secrets, event.uid, timestamp, body),
            },
        }

    def _envelope(self, event):
        """What this subscription is sent of the event, the same at every try. Addons may add what no ledger keeps."""
        self.ensure_one()
        return event._to_cloudevent()

    def _give_up(self, error):
        """It cannot be sent at all."""
        self._close([(self.id, 'dead', None, error, None, None, self.attempts)])
        self._open_dead_case()

    def _store(self, answered):
        """Keep what came back from one endpoint, and what follows of it.

        :param answered: ``[(job, outcome)]``
        """
        subscription = self.env['distribution.webhook.subscription'].sudo().browse(answered[0][0]['subscription_id'])
        known = subscription._circuit()
        now = fields.Datetime.now()
        outcomes, tries = [], []
        for job, outcome in answered:
            state, next_at, error = self._follows(job, outcome, now)
            done_at = now if state == 'delivered' else None
            outcomes.append((job['id'], state, outcome.status, error, next_at, done_at, job['attempt']))
            tries.append((job['id'], job['attempt'], now, outcome, next_at))
            known = circuit.succeeded(known) if done_at else circuit.failed(known, CIRCUIT_RULES, now)
        self._close(outcomes)
        self.env['distribution.webhook.attempt']._keep(tries)
        self.sudo().browse(number for number, state, *_rest in outcomes if state == 'dead')[:1]._open_dead_case()
        if any(webhook_retry.meaning(outcome.status) == 'gone' for _job, outcome in answered):
            subscription._set_gone()
        _job, last = answered[-1]
        subscription._learn(known, last.error or last.status)

    def _follows(self, job, outcome, now):
        """(state, time of the next try, error) after a try."""
        if webhook_retry.meaning(outcome.status) == 'delivered':
            return 'delivered', None, None
        next_at = webhook_retry.next_try(
            job['attempt'],
            job['began_at'],
            now,
            jitter=random.random(),
            retry_after=webhook_retry.retry_after_seconds(outcome.retry_after, now),
        )
        return 'pending' if next_at else 'dead', next_at, outcome.error or _("status %s", outcome.status)

    def _close(self, outcomes):
        """Store the outcomes of tries; one statement.

        :param outcomes: ``[(delivery id, state, status, error, time of the next try, time of delivery, tries)]``
        """
        self.env.cr.execute(
            """UPDATE distribution_webhook_delivery one
                  SET state = outcome.state, last_status = outcome.status, last_error = left(outcome.error, %s),
                      next_at = outcome.next_at, done_at = outcome.done_at, attempts = outcome.attempts,
                      lease_until = NULL
                 FROM unnest(%s::int[], %s::text[], %s::int[], %s::text[], %s::timestamp[], %s::timestamp[], %s::int[])
                      AS outcome (id, state, status, error, next_at, done_at, attempts)
                WHERE one.id = outcome.id""",
            (EXCERPT, *map(list, zip(*outcomes))),
        )
        self.invalidate_model()

    def _open_dead_case(self):
        for delivery in self:
            self.env['distribution.case']._open(
                'webhook_dead_letter',
                delivery.subscription_id,
                _("%s: events could not be delivered", delivery.subscription_id.name),
                detail=_(
                    "The first one is %(type)s (%(uid)s): %(error)s. Mend the endpoint, then send the dead letters "
                    "again.",
                    type=delivery.event_type,
                    uid=delivery.event_uid,
                    error=delivery.last_error or delivery.last_status,
                ),
                dedup_key=f'webhook_dead_letter:{delivery.subscription_id.id}',
            )

    # ------------------------------------------------------------
    # Other jobs
    # ------------------------------------------------------------

    @api.model
    def _cron_reconcile(self):
        """Add deliveries that a worker with an old list of subscriptions did not write."""
        added = 0
        for subscription in self.env['distribution.webhook.subscription'].sudo().search([('state', '=', 'active')]):
            added += self._reconcile(subscription)
            self.env.cr.commit()  # pylint: disable=invalid-commit
        if added:
            _logger.info("Webhooks: %s deliveries were missing and are sent now.", added)
        return added

    def _reconcile(self, subscription):
        added, cursor = 0, subscription.feed_cursor
        wanted = subscription._wanted()
        while True:
            events, cursor = self.env['distribution.event'].sudo()._feed(after=cursor or None, limit=1000)
            if not events:
                break
            values = self._chosen([(subscription.id, wanted)], events._queued())
            added += self._insert(values) if values else 0
        if cursor != subscription.feed_cursor:
            subscription.feed_cursor = cursor
        if added:
            self._wake()
        return added

    @api.model
    def _cron_replay(self, commit=True):
        """Queue events that somebody wants to be sent again, in batches of their own."""
        subscriptions = self.env['distribution.webhook.subscription'].sudo()
        for subscription in subscriptions.search([('replay_until', '>', 0)]):
            while subscription.replay_until:
                in_turn(self.env, lambda one=subscription: self._replay_batch(one), commit)

    def _replay_batch(self, subscription):
        period = [('id', '>', subscription.replay_after), ('id', '<=', subscription.replay_until)]
        events = self.env['distribution.event'].sudo().search(period, order='id', limit=REPLAYED)
        values = self._chosen([(subscription.id, subscription._wanted())], events._queued())
        if values:
            self._insert(values, again=True)
            self._wake()
        rest = len(events) == REPLAYED
        subscription.write(
            {'replay_after': events[-1].id if rest else 0, 'replay_until': subscription.replay_until if rest else 0}
        )

    @api.autovacuum
    def _gc_deliveries(self):
        """Prune the log: what arrived or was dropped, after so many days. Dead letters stay."""
        parameter = self.env['ir.config_parameter'].sudo().get_param(KEEP_DAYS_PARAMETER)
        days = int(parameter) if parameter and str(parameter).isdigit() else KEEP_DAYS
        self.env.cr.execute(
            """DELETE FROM distribution_webhook_delivery WHERE id IN (
                   SELECT id FROM distribution_webhook_delivery
                    WHERE state IN ('delivered', 'dropped') AND began_at < %s ORDER BY id LIMIT 10000)""",
            (fields.Datetime.now() - timedelta(days=max(days, 1)),),
        )
