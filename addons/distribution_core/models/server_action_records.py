"""On which records the suite's server actions act when a scheduled action runs them."""

from dateutil.relativedelta import relativedelta
from odoo import _, api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.safe_eval import datetime as safe_datetime
from odoo.tools.safe_eval import safe_eval

#: Most records that one run of a scheduled action acts on.
LIMIT = 1000


class IrActionsServer(models.Model):
    _inherit = 'ir.actions.server'

    suite_domain = fields.Char(
        "On Records",
        help="Which records a scheduled action acts on. Started otherwise, it acts on what it was started from.",
    )

    @api.constrains('suite_domain', 'model_id')
    def _check_suite_domain(self):
        for action in self.filtered('suite_domain'):
            try:
                action._records_of_domain(limit=1)
            except Exception as error:
                raise ValidationError(_("On Records: %s", error)) from error

    def _suite_records(self, eval_context):
        """The records that the action was started on, else those of its domain."""
        eval_context = eval_context or {}
        records = eval_context.get('records') or eval_context.get('record')
        if records:
            return records
        if not self.suite_domain:
            return eval_context['model'] if eval_context.get('model') is not None else self.env[self.model_id.model]
        return self._records_of_domain(limit=LIMIT)

    def _records_of_domain(self, limit):
        """Searched as the user whom the action runs as."""
        domain = safe_eval(
            self.suite_domain,
            {
                'uid': self.env.uid,
                'datetime': safe_datetime,
                'relativedelta': relativedelta,
                'context_today': lambda: fields.Date.context_today(self),
            },
        )
        return (
            self.env[self.model_id.model]
            .with_env(self.env(su=self.env.user._is_superuser()))
            .search(domain, limit=limit, order='id')
        )
