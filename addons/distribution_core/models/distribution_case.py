"""An exception that a person has to look at."""

import logging

import psycopg2
from odoo import _, api, fields, models
from odoo.exceptions import UserError

from .distribution_case_type import SEVERITIES

_logger = logging.getLogger(__name__)

OPEN_STATES = ('open', 'in_progress')


class DistributionCase(models.Model):
    _name = 'distribution.case'
    _description = "Exception Case"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'severity desc, id desc'
    _mail_post_access = 'read'

    name = fields.Char("Summary", required=True, tracking=True)
    type_id = fields.Many2one('distribution.case.type', required=True, index=True, ondelete='restrict')
    kind = fields.Selection(related='type_id.kind', store=True)
    severity = fields.Selection(
        SEVERITIES,
        required=True,
        tracking=True,
        compute='_compute_severity',
        store=True,
        readonly=False,
        precompute=True,
    )
    state = fields.Selection(
        [('open', "Open"), ('in_progress', "In Progress"), ('resolved', "Resolved"), ('cancelled', "Cancelled")],
        required=True,
        default='open',
        tracking=True,
        copy=False,
        index=True,
        group_expand='_group_expand_state',
    )
    user_id = fields.Many2one(
        'res.users',
        string="Owner",
        tracking=True,
        index=True,
        domain="[('share', '=', False)]",
        compute='_compute_user_id',
        store=True,
        readonly=False,
        precompute=True,
    )
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company, index=True)
    description = fields.Text("What Happened")
    resolution = fields.Text(tracking=True, copy=False, help="What was done, for whoever meets this again.")
    res_model = fields.Char("Document Model", readonly=True, copy=False)
    res_id = fields.Many2oneReference("Document Number", model_field='res_model', readonly=True, copy=False)
    document_name = fields.Char("Document", compute='_compute_document_name', compute_sudo=False)
    dedup_key = fields.Char(
        "Same Cause Key",
        readonly=True,
        copy=False,
        help="Only one open case exists per key: the same cause does not open it twice.",
    )
    closed_at = fields.Datetime("Closed On", readonly=True, copy=False)

    def init(self):
        self.env.cr.execute("""
            CREATE UNIQUE INDEX IF NOT EXISTS distribution_case_open_key_unique
                ON distribution_case (dedup_key) WHERE state IN ('open', 'in_progress') AND dedup_key IS NOT NULL
        """)
        self.env.cr.execute("""
            CREATE INDEX IF NOT EXISTS distribution_case_document_index ON distribution_case (res_model, res_id)
        """)

    # ------------------------------------------------------------
    # Computes
    # ------------------------------------------------------------

    @api.depends('type_id')
    def _compute_severity(self):
        for case in self:
            case.severity = case.severity or case.type_id.severity or '1'

    @api.depends('type_id')
    def _compute_user_id(self):
        for case in self:
            case.user_id = case.user_id or case.type_id.user_id

    @api.depends('res_model', 'res_id')
    @api.depends_context('uid')
    def _compute_document_name(self):
        labels = self.env['distribution.event']._document_labels((case.res_model, case.res_id) for case in self)
        for case in self:
            case.document_name = labels.get((case.res_model, case.res_id), False)

    @api.model
    def _group_expand_state(self, states, domain, *_order):
        """Kanban columns in the order of the work, also empty ones."""
        return [state for state, _label in self._fields['state'].selection]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        if vals.get('state') in ('resolved', 'cancelled'):
            vals = {'closed_at': fields.Datetime.now(), **vals}
        elif 'state' in vals:
            vals = {**vals, 'closed_at': False}
        return super().write(vals)

    # ------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------

    def action_take(self):
        """Make the current user the owner and start."""
        self.write({'user_id': self.env.uid, 'state': 'in_progress'})

    def action_resolve(self):
        """Close the cases; says which lack an explanation."""
        unexplained = self.filtered(lambda case: not case.resolution)
        if unexplained:
            raise UserError(
                _("Say in “Resolution” what was done before closing: %s", ", ".join(unexplained.mapped('name')))
            )
        self.write({'state': 'resolved'})

    def action_cancel(self):
        """Close the cases as not being a problem."""
        self.write({'state': 'cancelled'})

    def action_reopen(self):
        """Open closed cases again."""
        self.write({'state': 'open'})

    def action_open_document(self):
        """Show the document that the case is about."""
        self.ensure_one()
        return self.env['distribution.event']._document_action(self.res_model, self.res_id)

    # ------------------------------------------------------------
    # Opening
    # ------------------------------------------------------------

    @api.model
    def _open(self, type_code, record, summary, detail='', severity=None, dedup_key=None):
        """Open a case, or return the open one for the same cause.

        :param type_code: code of the case type
        :param record: the document concerned, or an empty recordset
        :param severity: ``'0'`` (low) to ``'3'`` (critical); default of the type when omitted
        :param dedup_key: names the cause; default none, always a new case
        :returns: the case; empty when another transaction is opening it at this moment
        """
        cases = self.sudo()  # sudo: a case is opened for whoever met the problem, whatever their rights
        if dedup_key:
            known = cases.search([('dedup_key', '=', dedup_key), ('state', 'in', OPEN_STATES)], limit=1)
            if known:
                return known
        case_type = (
            self.env['distribution.case.type']
            .sudo()
            .with_context(active_test=False)
            .search([('code', '=', type_code)], limit=1)
        )
        if not case_type:
            raise ValueError(f"There is no case type {type_code!r}.")
        company = record.company_id if record and 'company_id' in record._fields else self.env['res.company']
        values = {
            'name': summary,
            'type_id': case_type.id,
            'description': detail,
            'company_id': (company or self.env.company).id,
            'res_model': record._name if record else False,
            'res_id': record.id if record else False,
            'dedup_key': dedup_key,
        }
        if severity is not None:
            values['severity'] = severity
        try:
            with self.env.cr.savepoint():
                case = cases.create(values)
                case.flush_recordset()
        except psycopg2.errors.UniqueViolation:
            _logger.info("Case %s is being opened by another transaction.", dedup_key)
            return cases.browse()
        self.env['distribution.event']._record(
            'distribution.case.opened.v1',
            case,
            {
                'case_type': type_code,
                'severity': case.severity,
                'kind': case.kind,
                'document_model': case.res_model or None,
                'document_id': case.res_id or None,
            },
        )
        return case
