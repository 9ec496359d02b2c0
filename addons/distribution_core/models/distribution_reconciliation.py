"""Looks for what got stuck without anybody noticing: one case per cause, closed again when it is mended.

Rules, in words
---------------
* A check returns what is wrong now, by cause. What is not in its answer any more is mended: the open case of
  that cause is closed, with the words of the job.
* A check that fails says so in a case of its own and does not stop the others. Nothing is closed by a check
  that failed.
* Each check is committed by itself.

Other addons add checks to :meth:`DistributionReconciliation._checks`.
"""

import logging
from datetime import timedelta
from typing import NamedTuple

from odoo import _, api, fields, models
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

from ..ledger.sealing import ANNOUNCEMENT_TYPE
from ..turns import in_turn
from .distribution_case import OPEN_STATES

_logger = logging.getLogger(__name__)

#: How long a delivery may be due before somebody is told. The drain runs every minute.
STUCK_AFTER = timedelta(minutes=15)
#: How long an event may be without a seal. The seals are made every five minutes.
UNSEALED_AFTER = timedelta(hours=1)
#: How many days a call may wait for an addon that acts on it before somebody is told.
UNAPPLIED_PARAMETER, UNAPPLIED_DAYS = 'distribution_core.api_unapplied_days', 7


class Finding(NamedTuple):
    """What is wrong: a case of this type about this record."""

    type_code: str
    record: models.BaseModel
    summary: str
    detail: str


class DistributionReconciliation(models.AbstractModel):
    _name = 'distribution.reconciliation'
    _description = "Reconciliation"

    @api.model
    def _checks(self):
        """``{prefix of the causes: method}``; each returns ``{rest of the cause: Finding}``."""
        return {
            'deliveries_stuck': self._deliveries_stuck,
            'ledger_unsealed': self._ledger_unsealed,
            'webhook_failing': self._endpoints_still_failing,
            'webhook_dead_letter': self._dead_letters_left,
            'api_calls_unapplied': self._calls_unapplied,
        }

    @api.model
    def _cron_reconcile(self, commit=True):
        """Run all checks; returns ``(open cases found, cases closed)``."""
        found = mended = 0
        for prefix, check in self._checks().items():
            opened, closed = in_turn(self.env, lambda one=(prefix, check): self._run_check(*one), commit)
            found += opened
            mended += closed
        return found, mended

    @api.model
    def _run_check(self, prefix, check):
        """Run one check; returns ``(open cases found, cases closed)``."""
        try:
            with self.env.cr.savepoint():
                findings = check()
                closed = len(self._close_mended(prefix, findings))
                opened = self._open_found(prefix, findings)
                self.env.flush_all()
        except Exception as error:
            if getattr(error, 'pgcode', None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                raise  # somebody works on one of the cases at this moment: it is looked at again
            _logger.exception("Reconciliation %s failed.", prefix)
            self.env.invalidate_all()
            self.env['distribution.case']._open(
                'reconciliation_failed',
                self.env['res.company'],
                _("A check that finds what got stuck failed: %s", prefix),
                detail=f'{type(error).__name__}: {error}',
                dedup_key=f'reconciliation_failed:{prefix}',
            )
            return 0, 0
        self.env['distribution.case']._mend([f'reconciliation_failed:{prefix}'], _("The check works again."))
        return opened, closed

    @api.model
    def _open_found(self, prefix, findings):
        cases = self.env['distribution.case']
        for cause, finding in findings.items():
            if finding.type_code:
                cases._open(
                    finding.type_code, finding.record, finding.summary, finding.detail, dedup_key=f'{prefix}:{cause}'
                )
        return len(findings)

    @api.model
    def _close_mended(self, prefix, findings):
        still = {f'{prefix}:{cause}' for cause in findings}
        # sudo: cases of all companies, closed by the job
        cases = self.env['distribution.case'].sudo()
        known = cases.search([('dedup_key', '=like', f'{prefix}:%'), ('closed_at', '=', False)])
        merged = cases.search([('dedup_key', '=like', f'{prefix}:%'), ('merged_into_id.state', 'in', OPEN_STATES)])
        gone = set((known | merged).mapped('dedup_key')) - still
        return cases._mend(gone, _("It is in order again: the job that compares found nothing any more."))

    # ------------------------------------------------------------
    # Checks
    # ------------------------------------------------------------

    @api.model
    def _deliveries_stuck(self):
        """Deliveries that are due and that nothing sends, although their endpoint answers."""
        before = fields.Datetime.now() - STUCK_AFTER
        self.env['distribution.webhook.delivery'].flush_model()
        self.env['distribution.webhook.subscription'].flush_model()
        self.env.cr.execute(
            """SELECT one.subscription_id, count(*), min(coalesce(one.lease_until, one.next_at))
                 FROM distribution_webhook_delivery one
                 JOIN distribution_webhook_subscription subscription ON subscription.id = one.subscription_id
                WHERE subscription.state = 'active' AND subscription.opened_at IS NULL
                  AND (one.state = 'pending' AND one.next_at < %(before)s
                       OR one.state = 'sending' AND one.lease_until < %(before)s)
                  AND (subscription.in_order IS NOT TRUE OR NOT EXISTS (
                       SELECT FROM distribution_webhook_delivery earlier
                        WHERE earlier.subscription_id = one.subscription_id
                          AND earlier.correlation = one.correlation
                          AND earlier.state IN ('pending', 'sending') AND earlier.id < one.id))
             GROUP BY one.subscription_id""",
            {'before': before},
        )
        rows = self.env.cr.fetchall()
        subscriptions = self.env['distribution.webhook.subscription'].sudo().browse(row[0] for row in rows)
        return {
            str(subscription.id): self._stuck(subscription, count, since)
            for subscription, (_number, count, since) in zip(subscriptions, rows)
        }

    @api.model
    def _stuck(self, subscription, count, since):
        return Finding(
            'deliveries_stuck',
            subscription,
            _("%s: deliveries are not sent", subscription.name),
            _(
                "%(count)s deliveries are due since %(since)s UTC and longer, and the endpoint answers. Look "
                "whether the scheduled action “Distribution: send webhooks” runs, and whether the server has "
                "workers for scheduled actions.",
                count=count,
                since=fields.Datetime.to_string(since),
            ),
        )

    @api.model
    def _ledger_unsealed(self):
        """Events that wait for their seal for too long: until then tampering could not be proven."""
        since = self.env['distribution.event.seal']._unsealed_since()
        if not since or since > fields.Datetime.now() - UNSEALED_AFTER:
            return {}
        return {
            'ledger': Finding(
                'ledger_unsealed',
                self.env['distribution.event.seal'],
                _("Events of the ledger are not sealed"),
                _(
                    "The oldest one is from %s UTC. Look whether the scheduled action “Distribution: seal the ledger” "
                    "runs, and whether a transaction is open in the database for that long: it holds the seals back.",
                    fields.Datetime.to_string(since),
                ),
            )
        }

    @api.model
    def _endpoints_still_failing(self):
        """Endpoints that are left alone, or have no secret to sign with; their case was opened when they failed."""
        # sudo: no group reads secrets; whether there is one is what counts
        signing = self.env['distribution.webhook.secret'].sudo().search([]).subscription_id
        subscriptions = self.env['distribution.webhook.subscription'].sudo().search([('state', '!=', 'draft')])
        failing = subscriptions.filtered(lambda one: one.opened_at or one not in signing)
        return {str(subscription.id): Finding('', subscription, '', '') for subscription in failing}

    @api.model
    def _dead_letters_left(self):
        """Subscriptions with dead letters; their case was opened with the first of them."""
        groups = (
            self.env['distribution.webhook.delivery'].sudo()._read_group([('state', '=', 'dead')], ['subscription_id'])
        )
        return {str(subscription.id): Finding('', subscription, '', '') for (subscription,) in groups}

    @api.model
    def _calls_unapplied(self):
        """Operations whose calls were taken and wait for days: nothing acts on them, or what does is not reached.

        Calls with a case of their own wait for a person, who knows.
        """
        given = self.env['ir.config_parameter'].sudo().get_param(UNAPPLIED_PARAMETER, '')
        days = int(given) if given.isdigit() else UNAPPLIED_DAYS
        calls = self.env['distribution.api.call']
        calls.flush_model()
        self.env.cr.execute(
            """SELECT operation, count(*), min(received_at), min(id) FROM distribution_api_call
                WHERE state = 'waiting' AND case_id IS NULL GROUP BY operation HAVING min(received_at) < %s""",
            [fields.Datetime.now() - timedelta(days=days)],
        )
        return {
            operation: Finding(
                'api_calls_unapplied',
                calls.browse(first),
                _("%s: calls wait that nothing applies", operation),
                _(
                    "%(count)s calls were taken and wait, the first one since %(since)s UTC. "
                    "Install the addon that acts on %(operation)s, or see why the scheduled action "
                    "“Distribution: apply API calls that wait” does not reach them; else have somebody enter what they "
                    "say, give the calls up, and tell the senders to stop.",
                    count=count,
                    since=fields.Datetime.to_string(since),
                    operation=operation,
                ),
            )
            for operation, count, since, first in self.env.cr.fetchall()
        }


class DistributionEventSeal(models.Model):
    _inherit = 'distribution.event.seal'

    @api.model
    def _unsealed_since(self):
        """Time of the oldest event without a seal; None: all have one. Announcements of seals call for none."""
        self.env.cr.execute(
            """SELECT min(event.time) FROM distribution_event event
                WHERE event.type <> %s
                  AND (event.epoch, event.txid) >= (
                      coalesce((SELECT epoch FROM distribution_event_seal ORDER BY number DESC LIMIT 1), 0),
                      coalesce((SELECT to_xid FROM distribution_event_seal ORDER BY number DESC LIMIT 1), 0))""",
            [ANNOUNCEMENT_TYPE],
        )
        return self.env.cr.fetchone()[0]
