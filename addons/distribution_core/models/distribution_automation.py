"""The register of what runs by itself: who answers for it, when it was looked at, and how it does."""

from datetime import timedelta

from dateutil.relativedelta import relativedelta
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..compat import asks_for

#: A scheduled action is overdue when it is later than this, or than two of its intervals.
GRACE = timedelta(hours=1)
#: Scheduled actions that prove something or find what went wrong: who pauses one opens a critical case.
CONTROLS = (
    'distribution_core.ir_cron_seal',
    'distribution_core.ir_cron_announce',
    'distribution_core.ir_cron_verify',
    'distribution_core.ir_cron_automation_sync',
    'distribution_core.ir_cron_reconciliation',
)
HEALTH = [
    ('failing', "Failing"),
    ('overdue', "Overdue"),
    ('paused', "Paused"),
    ('never', "Never ran"),
    ('unknown', "Not observed"),
    ('ok', "Fine"),
]
#: What only the methods set.
PROTECTED = {
    'name', 'kind', 'res_model', 'res_id', 'is_control', 'reviewed_at', 'reviewed_by_id', 'paused_at', 'paused_by_id',
    'pause_reason', 'company_id',
}  # fmt: skip


class DistributionAutomation(models.Model):
    _name = 'distribution.automation'
    _description = "Automation"
    _inherit = ['mail.thread']
    _order = 'kind, name, id'

    name = fields.Char(required=True, readonly=True)
    kind = fields.Selection(
        [('cron', "Scheduled action"), ('server_action', "Server action"), ('rule', "Automation rule")],
        required=True,
        readonly=True,
    )
    res_model = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference("Record", model_field='res_model', required=True, readonly=True)
    company_id = fields.Many2one('res.company', readonly=True, ondelete='cascade')
    active = fields.Boolean(default=True, help="Off: what it stood for does not exist any more.")
    is_control = fields.Boolean("Control", readonly=True, help="Proves something, or finds what went wrong.")
    business_owner_id = fields.Many2one(
        'res.users', tracking=True, ondelete='restrict', domain="[('share', '=', False)]",
        help="Answers for what it does.",
    )  # fmt: skip
    technical_owner_id = fields.Many2one(
        'res.users', tracking=True, ondelete='restrict', domain="[('share', '=', False)]", help="Looks when it fails."
    )
    review_months = fields.Integer("Review Every (months)", default=12)
    review_date = fields.Date("Review By", tracking=True)
    reviewed_at = fields.Datetime("Last Reviewed", readonly=True)
    reviewed_by_id = fields.Many2one('res.users', readonly=True, ondelete='restrict')
    note = fields.Text("What It Does")
    health = fields.Selection(HEALTH, compute='_compute_health', search='_search_health')
    is_running = fields.Boolean("Switched On", compute='_compute_health')
    last_run_at = fields.Datetime("Last Run", compute='_compute_health')
    last_outcome = fields.Char(compute='_compute_health')
    next_run_at = fields.Datetime("Next Run", compute='_compute_health')
    failure_count = fields.Integer("Failures (of the last runs)", compute='_compute_health')
    is_review_overdue = fields.Boolean(
        "Review Overdue", compute='_compute_is_review_overdue', search='_search_is_review_overdue'
    )
    paused_at = fields.Datetime(readonly=True)
    paused_by_id = fields.Many2one('res.users', readonly=True, ondelete='restrict')
    pause_reason = fields.Char(readonly=True, tracking=True)

    _sql_constraints = [
        ('record_unique', 'UNIQUE (res_model, res_id)', "This automation is in the register already."),
        ('review_positive', 'CHECK (review_months > 0)', "Review every: at least one month."),
    ]

    # ------------------------------------------------------------
    # Health
    # ------------------------------------------------------------

    def _compute_health(self):
        facts = self._health_facts()
        for automation in self:
            found = facts.get(automation.id, {})
            automation.health = found.get('health', 'unknown')
            automation.is_running = found.get('running', False)
            automation.last_run_at = found.get('last_run_at', False)
            automation.last_outcome = found.get('last_outcome', False)
            automation.next_run_at = found.get('next_run_at', False)
            automation.failure_count = found.get('failures', 0)

    def _search_health(self, operator, value):
        wanted = {value} if isinstance(value, str) else set(value or ())
        if operator not in ('=', '!=', 'in', 'not in'):
            raise UserError(_("Health can be compared by = and in only."))
        found = self.with_context(active_test=False).search([]).filtered(lambda row: row.health in wanted)
        return [('id', 'in' if operator in ('=', 'in') else 'not in', found.ids)]

    def _health_facts(self):
        """``{id: facts}``, read per kind: how many records there are does not matter."""
        facts = {}
        for kind in set(self.mapped('kind')):
            rows = self.filtered(lambda row, kind=kind: row.kind == kind)
            facts.update(getattr(rows, f'_health_of_{kind}')())
        return facts

    def _health_of_cron(self):
        # sudo: health is for operations too, who may not read scheduled actions
        crons = self.env['ir.cron'].sudo().with_context(active_test=False).browse(self.mapped('res_id')).exists()
        known = {cron.id: cron for cron in crons}
        self.env.cr.execute(
            """SELECT DISTINCT ON (run.cron_id) run.cron_id, run.started_at, run.outcome, run.error, total.failed
                 FROM distribution_automation_run run
                 JOIN (SELECT cron_id, count(*) FILTER (WHERE outcome = 'failed') AS failed
                         FROM distribution_automation_run GROUP BY cron_id) total ON total.cron_id = run.cron_id
                WHERE run.cron_id = ANY(%s)
             ORDER BY run.cron_id, run.id DESC""",
            [crons.ids],
        )
        runs = {row[0]: row[1:] for row in self.env.cr.fetchall()}
        now = fields.Datetime.now()
        facts = {}
        for automation in self:
            cron = known.get(automation.res_id)
            if not cron:
                continue
            started, outcome, error, failed = runs.get(cron.id, (None, None, None, 0))
            interval = relativedelta(**{cron.interval_type: cron.interval_number})
            late = cron.nextcall and now > cron.nextcall + GRACE and now > cron.nextcall + interval * 2
            if not cron.active:
                health = 'paused'
            elif outcome == 'failed' or cron_failures(cron):
                health = 'failing'
            elif late:
                health = 'overdue'
            else:
                health = 'ok' if outcome or cron.lastcall else 'never'
            facts[automation.id] = {
                'health': health,
                'running': cron.active,
                'last_run_at': started or cron.lastcall,
                'last_outcome': error or {'ok': _("done"), None: False}.get(outcome, outcome),
                'next_run_at': cron.nextcall if cron.active else False,
                'failures': failed,
            }
        return facts

    def _health_of_server_action(self):
        """Server actions run where they are used; their failures show there."""
        known = set(self.env['ir.actions.server'].sudo().browse(self.mapped('res_id')).exists().ids)
        return {row.id: {'health': 'unknown', 'running': True} for row in self if row.res_id in known}

    def _health_of_rule(self):
        return {}

    @api.depends('review_date')
    def _compute_is_review_overdue(self):
        today = fields.Date.context_today(self)
        for automation in self:
            automation.is_review_overdue = bool(automation.review_date and automation.review_date < today)

    def _search_is_review_overdue(self, operator, value):
        today = fields.Date.context_today(self)
        if asks_for(operator, value):
            return [('review_date', '<', today)]
        return ['|', ('review_date', '=', False), ('review_date', '>=', today)]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise AccessError(_("The register follows what exists: it is not written by hand."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and PROTECTED & vals.keys():
            raise AccessError(_("%s cannot be written: use the buttons.", ', '.join(sorted(PROTECTED & vals.keys()))))
        watched = {'business_owner_id', 'technical_owner_id', 'review_date', 'review_months'} & vals.keys()
        before = {row.id: row._owners() for row in self} if watched else {}
        result = super().write(vals)
        changed = self.filtered(lambda row: before and before[row.id] != row._owners())
        self.env['distribution.event'].sudo()._record(
            'distribution.automation.owner_changed.v1',
            changed,
            lambda row: {'kind': row.kind, 'old': before[row.id], 'new': row._owners()},
        )
        return result

    def _owners(self):
        return {
            'business_owner_id': self.business_owner_id.id or None,
            'technical_owner_id': self.technical_owner_id.id or None,
            'review_date': fields.Date.to_string(self.review_date) or None,
            'review_months': self.review_months,
        }

    # ------------------------------------------------------------
    # Keeping in step
    # ------------------------------------------------------------

    @api.model
    def _sources(self):
        """``[(kind, records, name function, values for a new row)]``; other addons add theirs."""
        crons = self.env['ir.cron'].sudo().with_context(active_test=False).search([])
        server_actions = crons.ir_actions_server_id
        used = self._used_server_actions() - server_actions
        return [
            ('cron', crons, lambda cron: cron.name, lambda cron: {'technical_owner_id': self._person_id(cron.user_id)}),
            ('server_action', used, lambda action: action.name, lambda action: {}),
        ]

    @api.model
    def _person_id(self, user):
        """The id of ``user``, if somebody can answer there."""
        return user.id if user and not user._is_superuser() and user.active else False

    @api.model
    def _used_server_actions(self):
        """Server actions that somebody made here (no addon), and those that act from a menu of a document."""
        actions = self.env['ir.actions.server'].sudo().search([('usage', '=', 'ir_actions_server')])
        own = (
            self.env['ir.model.data']
            .sudo()
            .search([('model', '=', 'ir.actions.server'), ('module', 'not in', ('__export__', '__custom__'))])
        )
        return actions.filtered(lambda action: action.id not in set(own.mapped('res_id')))

    @api.model
    def _sync(self):
        """Bring the register in line with what exists. Returns the number of new rows."""
        register = self.sudo().with_context(active_test=False)
        known = {(row.res_model, row.res_id): row for row in register.search([])}
        seen = register.browse()
        new = []
        controls = {self.env.ref(xml_id, raise_if_not_found=False) for xml_id in self._controls()}
        for kind, records, name_of, values_of in self._sources():
            for record in records:
                row = known.get((record._name, record.id))
                name = name_of(record) or f'{record._name},{record.id}'
                if row:
                    seen |= row
                    if row.name != name or not row.active:
                        row.write({'name': name, 'active': True})
                else:
                    new.append(
                        {
                            'kind': kind,
                            'name': name,
                            'res_model': record._name,
                            'res_id': record.id,
                            'is_control': record in controls,
                            'review_date': fields.Date.add(fields.Date.context_today(self), months=12),
                            **values_of(record),
                        }
                    )
        gone = register.search([('id', 'not in', seen.ids), ('active', '=', True)])
        gone.write({'active': False})
        register.create(new)
        return len(new)

    @api.model
    def _controls(self):
        return CONTROLS

    @api.model
    def _cron_sync(self):
        """Daily: keep in step, and say which reviews are overdue and what nobody answers for."""
        self._sync()
        overdue = self.sudo().search([('is_review_overdue', '=', True)])
        unowned = self.sudo()._unowned()
        for code, automations, summary in (
            ('automation_review', overdue, _("%s automations are due for review", len(overdue))),
            ('automation_unowned', unowned, _("%s automations have nobody who answers for them", len(unowned))),
        ):
            if automations:
                self.env['distribution.case']._open(
                    code,
                    self.env['res.company'],
                    summary,
                    detail='\n'.join(automations.mapped('name')),
                    dedup_key=code,
                )
        failing = self.sudo().search([('health', 'in', ('failing', 'overdue')), ('kind', 'in', self._watched_kinds())])
        for automation in failing:
            self.env['distribution.case']._open(
                'automation_failing',
                automation,
                _("Automation in trouble: %s", automation.name),
                detail=automation.last_outcome or _("It is overdue."),
                dedup_key=f'automation_failing:{automation.id}',
            )

    @api.model
    def _unowned(self):
        """What somebody has to answer for, and nobody does."""
        return self.search([('business_owner_id', '=', False), ('kind', 'in', self._owned_kinds())])

    @api.model
    def _owned_kinds(self):
        """Kinds that people here have made, and for which one of them has to answer; others come with Odoo."""
        return ['server_action']

    @api.model
    def _watched_kinds(self):
        """Kinds whose trouble opens a case here; the others open their own."""
        return ['cron']

    # ------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------

    @api.model
    def action_open_register(self):
        """The list, brought up to date first."""
        self._check_overseer()
        self._sync()
        return self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_automation_action')

    @api.model
    def _check_overseer(self):
        user = self.env.user
        if not (
            user.has_group('distribution_core.group_operations') or user.has_group('distribution_core.group_auditor')
        ):
            raise AccessError(_("The register is for operations, auditors and administrators."))

    def action_review(self):
        """Somebody looked at it, and it is as it should be: the next review is due later."""
        self._check_administrator()
        today = fields.Date.context_today(self)
        for automation in self:
            if not automation.business_owner_id:
                raise ValidationError(
                    _("business_owner_id: name who answers for “%s” before you certify it.", automation.name)
                )
            automation.sudo().write(
                {
                    'reviewed_at': fields.Datetime.now(),
                    'reviewed_by_id': self.env.uid,
                    'review_date': fields.Date.add(today, months=automation.review_months),
                }
            )
        self.env['distribution.event'].sudo()._record(
            'distribution.automation.reviewed.v1',
            self,
            lambda row: {'kind': row.kind, 'next_review': fields.Date.to_string(row.review_date)},
        )
        return True

    def action_pause(self):
        """Ask why, then switch it off."""
        return self._ask_why('pause', _("Pause"))

    def action_resume(self):
        return self._ask_why('resume', _("Resume"))

    def _ask_why(self, mode, title):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': title,
            'res_model': 'distribution.automation.override',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_automation_id': self.id, 'default_mode': mode},
        }

    def _override(self, running, reason):
        """Switch on or off by hand, with a reason that is recorded."""
        self.ensure_one()
        self._check_administrator()
        reason = (reason or '').strip()
        if not reason:
            raise ValidationError(_("reason: write why, for who finds it later."))
        record = self.env[self.res_model].sudo().browse(self.res_id).exists()
        if self.kind not in self._overridable() or not record:
            raise UserError(self._why_not_overridable())
        row = self.sudo()
        row.write(
            {
                'paused_at': False if running else fields.Datetime.now(),
                'paused_by_id': False if running else self.env.uid,
                'pause_reason': False if running else reason,
            }
        )
        # sudo: the role Administrator of the suite overrides; the technical rights of Odoo are not needed for it
        record.with_user(self.env.user).sudo().write({'active': running})
        self.invalidate_recordset(['health', 'is_running', 'next_run_at'])
        fact = 'resumed' if running else 'paused'
        self.env['distribution.event'].sudo()._record(
            f'distribution.automation.{fact}.v1',
            self,
            {'kind': self.kind, 'reason': reason, 'is_control': self.is_control},
        )
        row.message_post(
            body=_("Resumed: %s", reason) if running else _("Paused: %s", reason),
            author_id=self.env.user.partner_id.id,
        )

    @api.model
    def _note_control(self, record, action, changes):
        """Who weakens a control, by whatever door, opens a critical case.

        :param record: scheduled action or server action
        :param action: ``created``, ``changed`` or ``removed``
        :param changes: as the ledger has them
        """
        if action == 'created' or record._name not in ('ir.cron', 'ir.actions.server'):
            return
        # sudo: whoever changed it, the control is looked up with all rights
        crons = self.env['ir.cron'].sudo().with_context(active_test=False)
        if record._name == 'ir.cron':
            found = crons.browse(record.id)
            weaker = action == 'removed' or _weakens_cron(found, changes)
        else:
            found = crons.search([('ir_actions_server_id', '=', record.id)])
            weaker = action == 'removed' or bool({'code', 'state', 'model_id'} & changes.keys())
        if not weaker:
            return
        controls = {cron.id for name in self._controls() if (cron := self.env.ref(name, raise_if_not_found=False))}
        for cron in found.filtered(lambda cron: cron.id in controls):
            row = self.sudo().with_context(active_test=False).search(
                [('res_model', '=', 'ir.cron'), ('res_id', '=', cron.id)]
            )  # fmt: skip
            what = _("removed") if action == 'removed' else _("changed: %s", ', '.join(sorted(changes)))
            self.env['distribution.case']._open(
                'control_paused',
                row or cron,
                _("A control is paused or changed: %s", cron.name),
                detail='\n'.join(filter(None, [what, row.pause_reason, _("Who and when: see the ledger.")])),
                dedup_key=f'control_paused:{cron.id}',
            )

    @api.model
    def _overridable(self):
        return {'cron', 'rule'}

    def _why_not_overridable(self):
        return _("“%s” cannot be paused by itself: pause what uses it, or archive it.", self.name)

    def _check_administrator(self):
        user = self.env.user
        if user._is_superuser() or not user.has_group('distribution_core.group_administrator'):
            raise AccessError(_("This takes the role Administrator, in person."))

    def action_open_record(self):
        self.ensure_one()
        return self.env['distribution.event']._document_action(self.res_model, self.res_id)

    def action_open_runs(self):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_automation_run_action')
        return {**action, 'domain': [('cron_id', '=', self.res_id)]}

    def action_open_history(self):
        """Every change to it in the ledger."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_event_action')
        mine = ['&', ('res_model', '=', self._name), ('res_id', '=', self.id)]
        watched = ['&', ('res_model', '=', self.res_model), ('res_id', '=', self.res_id)]
        return {**action, 'domain': ['|', *mine, *watched], 'context': {}}


class DistributionAutomationOverride(models.TransientModel):
    _name = 'distribution.automation.override'
    _description = "Manual Override"

    automation_id = fields.Many2one('distribution.automation', required=True)
    mode = fields.Selection([('pause', "Pause"), ('resume', "Resume")], required=True)
    is_control = fields.Boolean(related='automation_id.is_control')
    reason = fields.Char(required=True)

    def action_confirm(self):
        self.ensure_one()
        self.automation_id._override(self.mode == 'resume', self.reason)
        return {'type': 'ir.actions.act_window_close'}


def cron_failures(cron):
    """Failures in a row as Odoo counts them; 17.0 does not."""
    return cron.failure_count if 'failure_count' in cron._fields else 0


def _weakens_cron(cron, changes):
    """Whether the control runs less, later, or as somebody else from now on."""
    if {'interval_number', 'interval_type', 'user_id', 'ir_actions_server_id', 'numbercall'} & changes.keys():
        return True
    if changes.get('active', {}).get('new') is False:
        return True
    interval = relativedelta(**{cron.interval_type: cron.interval_number})
    return 'nextcall' in changes and cron.nextcall > fields.Datetime.now() + interval * 2
