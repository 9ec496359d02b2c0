"""How scheduled jobs of this addon work: record by record, each for itself."""

import logging

from odoo import api, models, tools
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY
from psycopg2 import sql

_logger = logging.getLogger(__name__)


class ApprovalBatch(models.AbstractModel):
    _name = "distribution.approval.batch"
    _description = "Batch of Approval Records"

    @api.model
    def _work_off(self, records, method, on_error=None):
        """Call ``method`` on each of ``records``; what one of them meets does not stop the others.

        Each record is locked with ``SKIP LOCKED`` (two workers take different ones) and committed
        on its own, so that a crash loses nothing that was done.

        :param on_error: name of a method that is called with the error, to say so to somebody
        """
        records.flush_recordset()
        for record in records:
            try:
                with self.env.cr.savepoint():
                    self.env.cr.execute(
                        sql.SQL("SELECT id FROM {} WHERE id = %s FOR UPDATE SKIP LOCKED").format(
                            sql.Identifier(records._table)
                        ),
                        (record.id,),
                    )
                    if self.env.cr.fetchone():
                        record.invalidate_recordset()
                        getattr(record, method)()
            except Exception as error:
                if getattr(error, "pgcode", None) in PG_CONCURRENCY_ERRORS_TO_RETRY:
                    _logger.info("%s: somebody else saves it; the next run does %s", record, method)
                else:
                    _logger.exception("%s: %s failed", record, method)
                    if on_error:
                        getattr(record, on_error)(error)
            if not tools.config["test_enable"]:
                self.env.cr.commit()  # pylint: disable=invalid-commit
