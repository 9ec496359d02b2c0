"""What became of each run of a scheduled action."""

import logging
from datetime import datetime, timezone

from odoo import api, fields, models

_logger = logging.getLogger(__name__)

#: Runs kept per scheduled action, and the last one that ended well. Failures are kept longer by the cases and the log.
KEPT_RUNS = 50
_STARTED = 'distribution_automation_started'


class DistributionAutomationRun(models.Model):
    """One run of a scheduled action: when, how long, and how it ended. Written by the scheduler only."""

    _name = 'distribution.automation.run'
    _description = "Run of a Scheduled Action"
    _order = 'id desc'
    _log_access = False
    _rec_name = 'started_at'

    cron_id = fields.Many2one('ir.cron', required=True, readonly=True, ondelete='cascade', index=True)
    started_at = fields.Datetime(required=True, readonly=True)
    seconds = fields.Float(readonly=True, digits=(16, 2))
    outcome = fields.Selection([('ok', "Done"), ('failed', "Failed")], required=True, readonly=True)
    error = fields.Char(readonly=True, help="Kind of the error and its first line.")

    @api.model
    def _keep(self, cron_id, started, outcome, error=None, ended=None):
        """Write the outcome of one run, which ended now or when it is said; never the reason for a failure itself."""
        ended = ended or datetime.now(timezone.utc).replace(tzinfo=None)
        text = f'{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}'[:300] if error else None
        self.env.cr.execute(
            """INSERT INTO distribution_automation_run (cron_id, started_at, seconds, outcome, error)
               SELECT %s, %s, %s, %s, %s WHERE EXISTS (SELECT FROM ir_cron WHERE id = %s)""",
            [cron_id, started, (ended - started).total_seconds(), outcome, text, cron_id],
        )
        self.env.cr.execute(
            """DELETE FROM distribution_automation_run WHERE cron_id = %(cron)s AND id <= (
                   SELECT id FROM distribution_automation_run WHERE cron_id = %(cron)s
                 ORDER BY id DESC OFFSET %(kept)s LIMIT 1)
                  AND id IS DISTINCT FROM (
                   SELECT max(id) FROM distribution_automation_run WHERE cron_id = %(cron)s AND outcome = 'ok')""",
            {'cron': cron_id, 'kept': KEPT_RUNS},
        )
        self.invalidate_model()


class IrCron(models.Model):
    _inherit = 'ir.cron'

    def _callback(self, cron_name, server_action_id, *job):
        """17.0 swallows the error and calls the handler below; 19.0 rolls back and raises."""
        started = datetime.now(timezone.utc).replace(tzinfo=None)
        cron_id = job[0] if job else self.id
        runs = self.env['distribution.automation.run'].sudo()
        try:
            result = super(IrCron, self.with_context(**{_STARTED: started}))._callback(
                cron_name, server_action_id, *job
            )
        except Exception as error:
            runs._keep(cron_id, started, 'failed', error)
            self.env.cr.commit()  # pylint: disable=invalid-commit
            raise
        if not runs.search_count([('cron_id', '=', cron_id), ('started_at', '=', started), ('outcome', '=', 'failed')]):
            runs._keep(cron_id, started, 'ok')
        return result

    @api.model
    def _handle_callback_exception(self, cron_name, server_action_id, job_id, job_exception):
        result = super()._handle_callback_exception(cron_name, server_action_id, job_id, job_exception)
        started = self.env.context.get(_STARTED) or datetime.now(timezone.utc).replace(tzinfo=None)
        self.env['distribution.automation.run'].sudo()._keep(job_id, started, 'failed', job_exception)
        return result
