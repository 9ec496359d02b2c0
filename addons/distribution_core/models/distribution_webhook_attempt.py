from odoo import api, fields, models


class DistributionWebhookAttempt(models.Model):
    """One try: what was answered, how long it took, and what follows."""

    _name = 'distribution.webhook.attempt'
    _description = "Webhook Attempt"
    _order = 'id desc'
    _log_access = False
    _rec_name = 'at'

    delivery_id = fields.Many2one(
        'distribution.webhook.delivery', required=True, readonly=True, ondelete='cascade', index=True
    )
    number = fields.Integer("Try", readonly=True)
    at = fields.Datetime(readonly=True, index=True)
    status = fields.Integer(readonly=True)
    milliseconds = fields.Integer("Took (ms)", readonly=True)
    error = fields.Char(readonly=True)
    excerpt = fields.Text("Answer", readonly=True)
    next_at = fields.Datetime("Next Try", readonly=True)

    @api.model
    def _keep(self, rows):
        """Store tries; one statement.

        :param rows: ``[(delivery id, number, time, outcome, time of the next try or None)]``
        """
        row = '(%s, %s, %s, %s, %s, %s, %s, %s)'
        values = []
        for delivery_id, number, at, outcome, next_at in rows:
            values += [delivery_id, number, at, outcome.status, outcome.milliseconds, outcome.error, outcome.excerpt]
            values.append(next_at)
        self.env.cr.execute(
            f"""INSERT INTO distribution_webhook_attempt
                    (delivery_id, number, at, status, milliseconds, error, excerpt, next_at)
                VALUES {', '.join([row] * len(rows))}""",
            values,
        )
        self.invalidate_model()
