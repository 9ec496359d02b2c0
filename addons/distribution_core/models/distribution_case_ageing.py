"""Open cases by age."""

from odoo import fields, models

from .distribution_case_type import SEVERITIES


class DistributionCaseAgeing(models.Model):
    _name = 'distribution.case.ageing'
    _description = "Ageing of Open Cases"
    _auto = False
    _order = 'age_days desc, id'
    _depends = {
        'distribution.case': [
            'type_id', 'kind', 'severity', 'state', 'user_id', 'site_id', 'company_id', 'create_date', 'due_at',
        ],
    }  # fmt: skip

    case_id = fields.Many2one('distribution.case', readonly=True)
    type_id = fields.Many2one('distribution.case.type', readonly=True)
    kind = fields.Selection([('business', "Business"), ('technical', "Technical")], readonly=True)
    severity = fields.Selection(SEVERITIES, readonly=True)
    state = fields.Selection([('open', "Open"), ('in_progress', "In Progress"), ('waiting', "Waiting")], readonly=True)
    user_id = fields.Many2one('res.users', string="Owner", readonly=True)
    site_id = fields.Many2one('stock.warehouse', readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    create_date = fields.Datetime("Opened On", readonly=True)
    age = fields.Selection(
        [
            ('1', "Up to a day"),
            ('2', "1 to 3 days"),
            ('3', "3 to 7 days"),
            ('4', "7 to 30 days"),
            ('5', "Over 30 days"),
        ],
        readonly=True,
    )
    age_days = fields.Integer("Age (days)", readonly=True, group_operator='avg')
    overdue = fields.Integer(readonly=True)

    @property
    def _table_query(self):
        return """
            SELECT item.id, item.id AS case_id, item.type_id, item.kind, item.severity, item.state, item.user_id,
                   item.site_id, item.company_id, item.create_date, item.age_days,
                   CASE WHEN item.age_days < 1 THEN '1' WHEN item.age_days < 3 THEN '2' WHEN item.age_days < 7 THEN '3'
                        WHEN item.age_days <= 30 THEN '4' ELSE '5' END AS age,
                   (item.state <> 'waiting' AND coalesce(item.due_at < item.moment, FALSE))::int AS overdue
              FROM (SELECT one.*, moment.at AS moment, extract(day FROM moment.at - one.create_date)::int AS age_days
                      FROM distribution_case one, (SELECT now() AT TIME ZONE 'utc' AS at) moment
                     WHERE one.state IN ('open', 'in_progress', 'waiting')) item
        """

    def action_open_case(self):
        """Show the case."""
        self.ensure_one()
        return self.env['distribution.event']._document_action('distribution.case', self.id)
