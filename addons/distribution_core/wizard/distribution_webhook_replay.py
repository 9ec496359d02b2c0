from odoo import _, fields, models


class DistributionWebhookReplay(models.TransientModel):
    """Sends past events again."""

    _name = 'distribution.webhook.replay'
    _description = "Send Events Again"

    subscription_id = fields.Many2one('distribution.webhook.subscription', required=True)
    date_from = fields.Datetime("From", required=True)
    date_to = fields.Datetime("To", required=True, default=fields.Datetime.now)

    def action_replay(self):
        """Queue the events of that time that the subscription wants, whether they had arrived or not."""
        self.ensure_one()
        self.subscription_id._check_keeper()
        count = (
            self.env['distribution.webhook.delivery'].sudo()._replay(self.subscription_id, self.date_from, self.date_to)
        )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'message': _("%s events are sent again.", count),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
