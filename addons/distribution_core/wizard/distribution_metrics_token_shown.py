from odoo import fields, models


class DistributionMetricsTokenShown(models.TransientModel):
    """Shows a token once; it is not stored."""

    _name = 'distribution.metrics.token.shown'
    _description = "New Metrics Token"

    token = fields.Char(
        store=False,
        readonly=True,
        default=lambda self: self.env.context.get('shown_metrics_token'),
        help="Copy it now: it is not shown again.",
    )
