"""Drains as jobs of ``queue_job``.

Rules, in words
---------------
* Who records events asks for a job when the transaction is committed, in a transaction of its own. What is
  rolled back leaves no job; and a look at the jobs sees those of now. The transaction of the event sees those
  of when it began: one that waited then may be done, before there was anything to send.
* A job that waits is enough (its identity key): it begins later, and sees all that was committed by then.
* A job sends for a while and asks for the next one when something is left, so that others get their turn.
* Nothing depends on jobs: the scheduled action runs every minute, and sends what no job did.
"""

import logging

from odoo import SUPERUSER_ID, api, models

_logger = logging.getLogger(__name__)

#: For how long a job goes on before it leaves the rest to the next one.
JOB_SECONDS = 20
IDENTITY = 'distribution_webhook_drain'
ASKED = 'distribution_webhook_job_asked'


class DistributionWebhookDelivery(models.Model):
    _inherit = 'distribution.webhook.delivery'

    @api.model
    def _wake(self):
        """Ask for a job after the commit, once per transaction."""
        after = self.env.cr.postcommit
        if not after.data.get(ASKED):
            after.data[ASKED] = True
            after.add(self._ask_for_job)

    @api.model
    def _ask_for_job(self):
        try:
            with self.env.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env[self._name].with_delay(identity_key=IDENTITY, description="Send webhooks")._job_drain()
        except Exception:
            # What was recorded is committed: it must not fail now, and is sent all the same.
            _logger.exception("No job could be made to send webhooks; the scheduled action sends them.")

    @api.model
    def _job_drain(self):
        """Send what is due; in transactions of its own, for a job must not commit its own one."""
        with self.env.registry.cursor() as cr:
            return self.with_env(self.env(cr=cr))._cron_drain(seconds=JOB_SECONDS)
