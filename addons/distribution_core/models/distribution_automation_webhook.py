"""Webhook subscriptions in the register: they send out by themselves, so somebody answers for them, too."""

from odoo import _, api, fields, models


class DistributionAutomation(models.Model):
    _inherit = 'distribution.automation'

    kind = fields.Selection(selection_add=[('webhook', "Webhook subscription")], ondelete={'webhook': 'cascade'})

    @api.model
    def _sources(self):
        # sudo: the register follows every subscription, whoever opens it
        subscriptions = self.env['distribution.webhook.subscription'].sudo().with_context(active_test=False).search([])
        return [
            *super()._sources(),
            (
                'webhook',
                subscriptions,
                lambda subscription: subscription.name,
                lambda subscription: {'technical_owner_id': self._person_id(subscription.owner_id)},
            ),
        ]

    @api.model
    def _owned_kinds(self):
        return [*super()._owned_kinds(), 'webhook']

    def _health_of_webhook(self):
        """Failing while the endpoint is left alone, is gone, or refused the last event for good."""
        # sudo: health is for auditors too, who may not read subscriptions
        subscriptions = self.env['distribution.webhook.subscription'].sudo().with_context(active_test=False)
        known = {each.id: each for each in subscriptions.browse(self.mapped('res_id')).exists()}
        last = self._last_deliveries(list(known))
        facts = {}
        for automation in self:
            subscription = known.get(automation.res_id)
            if not subscription:
                continue
            state, tried_at, error, dead, next_at = last.get(subscription.id, (None, None, None, 0, None))
            sending = subscription.active and subscription.state == 'active'
            if subscription.state == 'gone':
                health, outcome = 'failing', _("gone: the endpoint answered 410")
            elif not sending:
                health, outcome = 'paused', _("draft: never switched on") if subscription.state == 'draft' else error
            elif state == 'dead' or error or subscription.circuit_state != 'closed':
                health, outcome = 'failing', error or _("the endpoint does not answer")
            else:
                health, outcome = ('ok', False) if state else ('never', False)
            facts[automation.id] = {
                'health': health,
                'running': sending,
                'last_run_at': tried_at,
                'last_outcome': outcome or (_("delivered") if state == 'delivered' else False),
                'next_run_at': next_at if sending else False,
                'failures': dead,
            }
        return facts

    @api.model
    def _last_deliveries(self, subscription_ids):
        """``{subscription id: (state, tried at, error or None, dead letters, next try)}``; one query.

        The last delivery is the one that was tried last, whether it arrived or not; its error is that of this try.
        """
        self.env['distribution.webhook.delivery'].flush_model()
        self.env['distribution.webhook.attempt'].flush_model()
        self.env.cr.execute(
            """SELECT total.subscription_id, last.state, last.at, last.error, total.dead, total.next_at
                 FROM (SELECT subscription_id, count(*) FILTER (WHERE state = 'dead') AS dead,
                              min(next_at) FILTER (WHERE state IN ('pending', 'sending')) AS next_at
                         FROM distribution_webhook_delivery
                        WHERE subscription_id = ANY(%s) GROUP BY subscription_id) total
            LEFT JOIN LATERAL (
                      SELECT delivery.state, attempt.at,
                             CASE WHEN delivery.state <> 'delivered'
                                  THEN coalesce(delivery.last_error, 'status ' || delivery.last_status) END AS error
                        FROM distribution_webhook_attempt attempt
                        JOIN distribution_webhook_delivery delivery ON delivery.id = attempt.delivery_id
                       WHERE delivery.subscription_id = total.subscription_id
                    ORDER BY attempt.id DESC LIMIT 1) last ON TRUE""",
            [subscription_ids],
        )
        return {row[0]: row[1:] for row in self.env.cr.fetchall()}

    def _why_not_overridable(self):
        if self.kind == 'webhook':
            return _("“%s” is paused and activated on the subscription itself: open the record.", self.name)
        return super()._why_not_overridable()
