from odoo import api, fields, models


class DistributionWebhookCondition(models.Model):
    """A condition on the facts of an event."""

    _name = 'distribution.webhook.condition'
    _description = "Webhook Condition"

    subscription_id = fields.Many2one(
        'distribution.webhook.subscription', required=True, ondelete='cascade', index=True
    )
    path = fields.Char("Fact", required=True, help="Key of the event's data; keys with full stops between for parts.")
    operator = fields.Selection(
        [
            ('eq', "="),
            ('ne', "≠"),
            ('gt', ">"),
            ('ge', "≥"),
            ('lt', "<"),
            ('le', "≤"),
            ('in', "is one of"),
            ('present', "is there"),
            ('absent', "is not there"),
        ],
        required=True,
        default='eq',
    )
    value = fields.Char(help="For “is one of”: values with commas between.")

    @api.model_create_multi
    def create(self, vals_list):
        conditions = super().create(vals_list)
        conditions.subscription_id._check_wanted()
        self.env.registry.clear_cache()
        return conditions

    def write(self, vals):
        result = super().write(vals)
        self.subscription_id._check_wanted()
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result
