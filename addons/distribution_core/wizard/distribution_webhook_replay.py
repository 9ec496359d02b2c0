from odoo import _, fields, models


class DistributionWebhookReplay(models.TransientModel):
    """Sends past events again."""

    _name = 'distribution.webhook.replay'
    _description = "Send Events Again"

    subscription_id = fields.Many2one('distribution.webhook.subscription', required=True)
    date_from = fields.Datetime("From", required=True)
    date_to = fields.Datetime("To", required=True, default=fields.Datetime.now)

    def action_replay(self):
        """Have the events of that time that the subscription wants sent again, whether they had arrived or not."""
        self.ensure_one()
        found = self.subscription_id._replay(self.date_from, self.date_to)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if found else 'warning',
                'message': _("The events are sent again.") if found else _("Nothing happened in that time."),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
