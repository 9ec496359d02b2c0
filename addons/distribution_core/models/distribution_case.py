"""An exception that a person has to look at.

Rules, in words
---------------
* One open case per cause: who meets a known cause again gets the open case, and its document is added.
* Who gets it, how bad it is and how long it may take is said by its type.
* State, owner, clock and links are set by the buttons and jobs only, never by writing the fields; each
  change is in the ledger, whatever the door.
* A case is closed with a resolution from the list. Closed cases are not edited: they are opened again.
"""

import logging
from collections import Counter

import psycopg2
from markupsafe import Markup
from odoo import _, api, fields, models
from odoo.exceptions import AccessError, UserError

from ..compat import asks_for, check_access, has_access, user_groups
from .distribution_case_type import SEVERITIES

_logger = logging.getLogger(__name__)

OPEN_STATES = ('open', 'in_progress', 'waiting')
CLOSED_STATES = ('resolved', 'cancelled')
#: Set by methods only. Subclasses add theirs in ``_protected_fields``.
PROTECTED = frozenset({
    'state', 'user_id', 'group_id', 'closed_at', 'dedup_key', 'res_model', 'res_id', 'correlation', 'resolution_id',
    'document_ids', 'kind',
})  # fmt: skip
#: What stays as it is once the case is closed.
KEPT_WHEN_CLOSED = frozenset({'name', 'type_id', 'severity', 'description', 'resolution', 'cost', 'site_id'})
#: Fields whose values are facts for the ledger, and texts of which only the change is (they may name people).
WATCHED, WATCHED_TEXTS = ('type_id', 'severity', 'site_id', 'company_id', 'cost'), ('name', 'description', 'resolution')
#: Closed by the system itself.
MENDED = 'mended'
STORY_LENGTH = 40


class DistributionCase(models.Model):
    _name = 'distribution.case'
    _description = "Exception Case"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'severity desc, id desc'
    _mail_post_access = 'read'

    name = fields.Char("Summary", required=True, tracking=True)
    type_id = fields.Many2one('distribution.case.type', required=True, index=True, ondelete='restrict', tracking=True)
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
        [
            ('open', "Open"),
            ('in_progress', "In Progress"),
            ('waiting', "Waiting"),
            ('resolved', "Resolved"),
            ('cancelled', "Cancelled"),
        ],
        required=True,
        default='open',
        tracking=True,
        copy=False,
        index=True,
        group_expand='_group_expand_state',
        help="Waiting: for somebody outside; the clock stands still.",
    )
    user_id = fields.Many2one(
        'res.users', string="Owner", tracking=True, index=True, copy=False, domain="[('share', '=', False)]"
    )
    group_id = fields.Many2one(
        'res.groups', string="Role", copy=False, help="While nobody owns it, whoever has this role may take it."
    )
    waits_for_me = fields.Boolean(compute='_compute_waits_for_me', search='_search_waits_for_me')
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company, index=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    site_id = fields.Many2one('stock.warehouse', index='btree_not_null', check_company=True)
    description = fields.Text("What Happened")
    resolution_id = fields.Many2one(
        'distribution.case.resolution', tracking=True, copy=False, index='btree_not_null', ondelete='restrict'
    )
    resolution = fields.Text("What Was Done", tracking=True, copy=False, help="In words, for whoever meets this again.")
    cost = fields.Monetary(tracking=True, copy=False, help="What it cost, in the currency of the company.")
    res_model = fields.Char("Document Model", readonly=True, copy=False)
    res_id = fields.Many2oneReference("Document Number", model_field='res_model', readonly=True, copy=False)
    document_name = fields.Char("Document", compute='_compute_document_name', compute_sudo=False)
    document_ids = fields.One2many('distribution.case.document', 'case_id', string="Further Documents", readonly=True)
    correlation = fields.Char(
        "Business Case", readonly=True, copy=False, index='btree_not_null', help="Events and messages share it."
    )
    dedup_key = fields.Char(
        "Same Cause Key",
        readonly=True,
        copy=False,
        help="Only one open case exists per key: the same cause does not open it twice.",
    )
    closed_at = fields.Datetime("Closed On", readonly=True, copy=False)
    age_days = fields.Integer("Age (days)", compute='_compute_age_days', help="Days since it was opened, or took.")
    story = fields.Html("Events", compute='_compute_story', sanitize=False)
    may_work = fields.Boolean(compute='_compute_may_work')
    message_sent_count = fields.Integer("Messages Sent", compute='_compute_message_counts')
    api_call_count = fields.Integer("Calls", compute='_compute_message_counts')

    def init(self):
        self.env.cr.execute("""
            CREATE UNIQUE INDEX IF NOT EXISTS distribution_case_live_key_unique ON distribution_case (dedup_key)
             WHERE state IN ('open', 'in_progress', 'waiting') AND dedup_key IS NOT NULL
        """)
        self.env.cr.execute("DROP INDEX IF EXISTS distribution_case_open_key_unique")
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

    @api.depends('res_model', 'res_id')
    @api.depends_context('uid')
    def _compute_document_name(self):
        labels = self.env['distribution.event']._document_labels((case.res_model, case.res_id) for case in self)
        for case in self:
            case.document_name = labels.get((case.res_model, case.res_id), False)

    @api.depends_context('uid')
    def _compute_waits_for_me(self):
        mine = self.filtered_domain(self._waiting_for_me())
        for case in self:
            case.waits_for_me = case in mine

    @api.model
    def _search_waits_for_me(self, operator, value):
        wanted = asks_for(operator, value)
        mine = self._waiting_for_me()
        return mine if wanted else ['!', *mine]

    @api.model
    def _waiting_for_me(self):
        return [
            '&',
            ('state', 'in', OPEN_STATES),
            '|',
            ('user_id', '=', self.env.uid),
            '&',
            ('user_id', '=', False),
            ('group_id', 'in', user_groups(self.env.user).ids),
        ]

    @api.depends('create_date', 'closed_at')
    def _compute_age_days(self):
        now = fields.Datetime.now()
        for case in self:
            case.age_days = ((case.closed_at or now) - (case.create_date or now)).days

    @api.depends('user_id', 'group_id')
    @api.depends_context('uid')
    def _compute_may_work(self):
        for case in self:
            case.may_work = case._is_worker()

    def _compute_message_counts(self):
        deliveries, calls = self.env['distribution.webhook.delivery'], self.env['distribution.api.call']
        allowed = self.env.user.has_group('distribution_core.group_operations') or self.env.user.has_group(
            'distribution_core.group_auditor'
        )
        for case in self:
            case.message_sent_count = deliveries.search_count(case._messages_domain()) if allowed else 0
            case.api_call_count = calls.search_count(case._calls_domain()) if allowed else 0

    def _compute_story(self):
        events = self.env['distribution.event'].sudo()
        for case in self:
            # sudo: titles and times only; facts and people of the ledger are the auditor's. Of a document that
            # they may not open, nothing is told.
            found = events.search(case._story_domain(), limit=STORY_LENGTH)
            rows = Markup().join(
                Markup('<tr><td class="text-nowrap pe-3 text-muted">%s</td><td>%s</td></tr>')
                % (
                    fields.Datetime.context_timestamp(case, event.time).strftime('%Y-%m-%d %H:%M'),
                    event.type_title,
                )
                for event in found
            )
            case.story = rows and Markup('<table class="table table-sm mb-0">%s</table>') % rows

    def _subjects(self):
        """``[(model, number)]`` of the documents that the reader may see."""
        self.ensure_one()
        references = [(self.res_model, self.res_id), *((row.res_model, row.res_id) for row in self.document_ids)]
        return [
            (model, number)
            for model, number in references
            if number
            and model in self.env
            and (record := self.env[model].browse(number).exists())
            and has_access(record, 'read')
        ]

    def _correlations(self):
        """The business cases that this is about, as far as the reader may see their documents."""
        self.ensure_one()
        subjects = [f'{model},{number}' for model, number in self._subjects()]
        hidden = self.res_id and f'{self.res_model},{self.res_id}' not in subjects
        own = [self.correlation] if self.correlation and not hidden else []
        return [f'{self._name},{self.id}', *own, *subjects]

    def _story_domain(self):
        self.ensure_one()
        return [
            '|',
            ('correlation', 'in', self._correlations()),
            '&',
            ('res_model', '=', self._name),
            ('res_id', '=', self.id),
        ]

    def _messages_domain(self):
        self.ensure_one()
        return [('correlation', 'in', self._correlations())]

    def _calls_domain(self):
        """Calls that wait for this case, and those that made or changed its documents."""
        self.ensure_one()
        domain = [('case_id', '=', self.id)]
        for model, number in self._subjects():
            if model == 'distribution.api.call':
                domain = ['|', ('id', '=', number), *domain]
            else:
                domain = ['|', '&', ('res_model', '=', model), ('res_id', '=', number), *domain]
        return domain

    @api.model
    def _group_expand_state(self, states, domain, *_order):
        """Kanban columns in the order of the work, also empty ones."""
        return [state for state, _label in self._fields['state'].selection]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model
    def _protected_fields(self):
        """Fields that only methods set."""
        return PROTECTED

    def _refuse_protected(self, names):
        if self.env.su:
            return
        refused = sorted(self._protected_fields() & set(names))
        if refused:
            raise AccessError(
                _("%s of a case cannot be written: use its buttons (Take, Assign, Wait, Resolve, Merge).")
                % ', '.join(refused)
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_protected(name for name, value in vals.items() if value and (name, value) != ('state', 'open'))
        cases = super().create(self._with_owners(vals_list))
        cases._record_fact(
            'opened',
            lambda case: {
                'case_type': case.type_id.code,
                'severity': case.severity,
                'kind': case.kind,
                'document_model': case.res_model or None,
                'document_id': case.res_id or None,
            },
        )
        return cases

    def _with_owners(self, vals_list):
        """Who gets them, by the rule of their type."""
        # sudo: whoever meets a problem, its type says who gets it
        types = self.env['distribution.case.type'].sudo()
        chosen = Counter()
        prepared = []
        for vals in vals_list:
            case_type = types.browse(vals.get('type_id'))
            if case_type and not vals.get('user_id'):
                company = self.env['res.company'].browse(vals.get('company_id') or self.env.company.id).sudo()
                site = self.env['stock.warehouse'].sudo().browse(vals.get('site_id'))
                owner = case_type._owner(company, site, chosen)
                chosen.update(owner.ids)
                vals = {**vals, 'user_id': owner.id}
            prepared.append({**vals, 'group_id': vals.get('group_id') or case_type.group_id.id})
        return prepared

    def write(self, vals):
        self._refuse_protected(vals)
        if not self.env.su:
            if 'company_id' in vals:
                raise AccessError(_("A case stays in its company."))
            closed = self.filtered(lambda case: case.state in CLOSED_STATES)
            if closed and KEPT_WHEN_CLOSED & vals.keys():
                raise UserError(_("Closed cases are not edited, reopen first: %s", ', '.join(closed.mapped('name'))))
        if vals.get('state') in CLOSED_STATES:
            vals = {'closed_at': fields.Datetime.now(), **vals}
            if vals['state'] == 'resolved' and not vals.get('resolution_id') and not all(self.mapped('resolution_id')):
                vals['resolution_id'] = self._resolution(MENDED).id
        elif 'state' in vals:
            vals = {**vals, 'closed_at': False}
        before = {case.id: case._watched() for case in self}
        result = super().write(vals)
        self._record_changes(before)
        return result

    def _watched(self):
        return {
            'state': self.state,
            'user_id': self.user_id.id or None,
            **{name: _plain(self[name]) for name in (*WATCHED, *WATCHED_TEXTS)},
        }

    def _record_changes(self, before):
        """One event for what became of each case; nothing when nothing changed."""
        after = {case.id: case._watched() for case in self}

        def those(changed):
            return self.filtered(lambda case: changed(before[case.id], after[case.id]))

        moved = those(lambda old, new: old['state'] != new['state'])
        closed = moved.filtered(lambda case: case.state in CLOSED_STATES)
        reopened = moved.filtered(lambda case: before[case.id]['state'] in CLOSED_STATES)
        closed._record_fact('closed', lambda case: case._closing_facts())
        (reopened - closed)._record_fact('reopened', lambda case: {'before': before[case.id]['state']})
        (moved - closed - reopened)._record_fact(
            'moved', lambda case: {'before': before[case.id]['state'], 'after': case.state}
        )
        those(lambda old, new: old['user_id'] != new['user_id'])._record_fact(
            'assigned', lambda case: {'before': before[case.id]['user_id'], 'after': case.user_id.id or None}
        )

        def changes(case):
            old, new = before[case.id], after[case.id]
            return {
                'changes': {name: {'old': old[name], 'new': new[name]} for name in WATCHED if old[name] != new[name]},
                'texts': [name for name in WATCHED_TEXTS if old[name] != new[name]],
            }

        those(lambda old, new: any(old[name] != new[name] for name in (*WATCHED, *WATCHED_TEXTS)))._record_fact(
            'changed', changes
        )

    def _closing_facts(self):
        return {
            'state': self.state,
            'resolution': self.resolution_id.code or None,
            'cost': self.cost or 0.0,
            'currency': self.currency_id.name,
        }

    def _record_fact(self, fact, data):
        # sudo: the ledger is written for whoever acts
        return (
            self.env['distribution.event']
            .sudo()
            ._record(f'distribution.case.{fact}.v1', self, data, correlation=lambda case: case.correlation or None)
        )

    @api.model
    def _resolution(self, code):
        # sudo: part of the configuration that everybody uses
        return (
            self.env['distribution.case.resolution']
            .sudo()
            .with_context(active_test=False)
            .search([('code', '=', code)], limit=1)
        )

    # ------------------------------------------------------------
    # Who may work on it
    # ------------------------------------------------------------

    def _is_worker(self):
        """Whether the present user may work on this case: Operations, its owner, or while it has none its role."""
        self.ensure_one()
        user = self.env.user
        return (
            user.has_group('distribution_core.group_operations')
            or self.user_id == user
            or (not self.user_id and self.group_id in user_groups(user))
        )

    def _check_worker(self, operations_only=False):
        """Raise AccessError unless the present user may work on these cases.

        Returns them for writing: as superuser, for the user who was checked.
        """
        if self.env.su:
            return self
        check_access(self, 'read')
        if not self.env.user.has_group('distribution_core.group_operations'):
            strange = self.filtered(lambda case: operations_only or not case._is_worker())
            if strange:
                raise AccessError(
                    _(
                        "These cases are worked on by Operations or their owner: %s",
                        ', '.join(strange.sudo().mapped('name')),
                    )
                )
        return self.sudo()

    def _check_open(self, opened=True):
        wrong = self.filtered(lambda case: (case.state in OPEN_STATES) != opened)
        if wrong:
            names = ', '.join(wrong.mapped('name'))
            raise UserError(_("Closed already: %s", names) if opened else _("Still open: %s", names))

    # ------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------

    def action_take(self):
        """Make the current user the owner and start."""
        cases = self._check_worker()
        cases._check_open()
        cases.write({'user_id': self.env.uid, 'state': 'in_progress'})
        return True

    def _assign(self, user):
        """Give the cases to ``user``, who must be able to see them."""
        cases = self._check_worker(operations_only=True)
        cases._check_open()
        if user.share or not user.active:
            raise UserError(_("Owner: %s is no active internal user.", user.name))
        foreign = cases.company_id - user.sudo().company_ids
        if foreign:
            raise UserError(
                _(
                    "Owner: %(person)s does not work for %(company)s. Choose somebody who does.",
                    person=user.name,
                    company=foreign[0].name,
                )
            )
        cases.write({'user_id': user.id})

    def _resolve(self, resolution, words=None, cost=None):
        """Close the cases with a resolution from the list.

        :param resolution: record or code
        :param words: what was done; kept when None
        :param cost: in the company's currency, of each case; kept when None
        """
        cases = self._check_worker()
        cases._check_open()
        if isinstance(resolution, str):
            resolution = self._resolution(resolution)
        if not resolution:
            raise UserError(_("Resolution: choose what became of it."))
        words = (words or '').strip() or None
        for case in cases:
            if resolution.kind and resolution.kind != case.kind:
                raise UserError(
                    _(
                        "Resolution: “%(resolution)s” is for another kind of case than %(case)s.",
                        resolution=resolution.name,
                        case=case.name,
                    )
                )
            if resolution.needs_words and not (words or case.resolution):
                raise UserError(
                    _(
                        "What Was Done: “%(resolution)s” needs an explanation: %(case)s.",
                        resolution=resolution.name,
                        case=case.name,
                    )
                )
        values = {'resolution_id': resolution.id, 'state': 'resolved'}
        if words:
            values['resolution'] = words
        if cost is not None:
            values['cost'] = cost
        cases.write(values)
        cases.activity_unlink(['mail.mail_activity_data_warning'])

    @api.model
    def _mend(self, dedup_keys, words):
        """Close the open cases of these causes: what was wrong is right again. Returns them."""
        # sudo: closed by the job or the person that mended the cause
        cases = self.sudo().search([('dedup_key', 'in', list(dedup_keys)), ('state', 'in', OPEN_STATES)])
        if cases:
            cases._resolve(MENDED, words)
        return cases

    def action_resolve(self):
        """Ask for the resolution, then close."""
        self._check_worker()._check_open()
        return self._ask('distribution.case.resolve', _("Resolve"))

    def action_assign(self):
        """Ask for the new owner."""
        self._check_worker(operations_only=True)._check_open()
        return self._ask('distribution.case.assign', _("Assign"))

    def _ask(self, model, title):
        return {
            'type': 'ir.actions.act_window',
            'name': title,
            'res_model': model,
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_case_ids': [(6, 0, self.ids)]},
        }

    def action_cancel(self):
        """Close the cases as not being a problem."""
        cases = self._check_worker()
        cases._check_open()
        cases.write({'state': 'cancelled', 'resolution_id': self._resolution('no_problem').id})
        cases.activity_unlink(['mail.mail_activity_data_warning'])
        return True

    def action_reopen(self):
        """Open closed cases again; what was said about them stays in their history."""
        cases = self._check_worker()
        cases._check_open(False)
        for case in cases:
            known = case.dedup_key and self.sudo().search(
                [('dedup_key', '=', case.dedup_key), ('state', 'in', OPEN_STATES)], limit=1
            )
            if known:
                raise UserError(
                    _(
                        "Another case is open for the same cause: “%(other)s” (%(number)s). Work on that one.",
                        other=known.name,
                        number=known.id,
                    )
                )
        cases.write({'state': 'open', 'resolution_id': False})
        return True

    def action_open_document(self):
        """Show the document that the case is about."""
        self.ensure_one()
        return self.env['distribution.event']._document_action(self.res_model, self.res_id)

    def action_open_events(self):
        """Everything that the ledger has about it."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_event_action')
        return {**action, 'domain': self._story_domain(), 'context': {}}

    def action_open_messages(self):
        """What was sent to other systems about it."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_webhook_delivery_action')
        return {**action, 'domain': self._messages_domain(), 'context': {}}

    def action_open_calls(self):
        """What other systems told about it."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_api_call_action')
        return {**action, 'domain': self._calls_domain(), 'context': {}}

    # ------------------------------------------------------------
    # Opening
    # ------------------------------------------------------------

    @api.model
    def _open(
        self, type_code, record, summary, detail='', severity=None, dedup_key=None, correlation=None, documents=()
    ):
        """Open a case, or return the open one for the same cause.

        :param type_code: code of the case type
        :param record: the document concerned, or an empty recordset
        :param severity: ``'0'`` (low) to ``'3'`` (critical); default of the type when omitted
        :param dedup_key: names the cause; default none, always a new case
        :param correlation: business case whose events and messages belong to it; default: that of the document
        :param documents: further records that it is about
        :returns: the case; empty when another transaction is opening it at this moment
        """
        cases = self.sudo()  # sudo: a case is opened for whoever met the problem, whatever their rights
        case_type = self.env['distribution.case.type']._of_code(type_code)
        references = [(document._name, document.id) for document in documents]
        known = cases._open_one_of(dedup_key) if dedup_key else cases.browse()
        if known:
            first = [(record._name, record.id)] if record else []
            self.env['distribution.case.document'].sudo()._note(known, [*first, *references])
            return known
        company = record.company_id if record and 'company_id' in record._fields else self.env['res.company']
        company = company or self.env.company
        site = self.env['distribution.document.site']._site(record) if len(record) == 1 else None
        values = {
            'name': summary,
            'type_id': case_type.id,
            'description': detail,
            'company_id': company.id,
            'site_id': site.id if site and site.company_id == company else False,
            'res_model': record._name if record else False,
            'res_id': record.id if record else False,
            'correlation': correlation or (f'{record._name},{record.id}' if record else False),
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
        self.env['distribution.case.document'].sudo()._note(case, references)
        return case

    @api.model
    def _open_one_of(self, dedup_key):
        """The open case of this cause."""
        return self.search([('dedup_key', '=', dedup_key), ('state', 'in', OPEN_STATES)], limit=1)


def _plain(value):
    """A field's value as the ledger has it."""
    return (value.id or None) if isinstance(value, models.BaseModel) else (value if value not in (False, '') else None)
