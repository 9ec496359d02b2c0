"""The ledger: every business fact, in the transaction that made it true."""

import json
import logging
import os
import re
import uuid
from collections import defaultdict
from datetime import datetime, timezone
from typing import NamedTuple

from odoo import _, api, fields, models, tools
from odoo.exceptions import UserError

from ..compat import accessible
from ..engine.canonical import canonical_json
from ..ledger.schema import create_ledger, open_epoch
from ..ledger.sealing import current_horizon
from .distribution_event_type import RESERVED_PREFIX, SUITE_AUTHOR, schema_validator

_logger = logging.getLogger(__name__)

#: Documents whose name is a number that a sequence gave.
NUMBERED = frozenset({
    'account.move', 'mrp.production', 'purchase.order', 'purchase.requisition', 'sale.order', 'stock.landed.cost',
    'stock.picking',
})  # fmt: skip
TYPE_PATTERN = re.compile(r'[a-z0-9_]+(\.[a-z0-9_]+)+\.v[0-9]+')
COLUMNS = (
    'uid',
    'type',
    'subject',
    'time',
    'company_ref',
    'res_model',
    'res_id',
    'user_ref',
    'on_behalf_ref',
    'correlation',
    'causation',
    'data',
)
# One row of the INSERT; `source` names the database that speaks.
ROW = "(%s, (SELECT 'urn:uuid:' || value FROM ir_config_parameter WHERE key = 'database.uuid'))" % (
    ', '.join(['%s'] * len(COLUMNS))
)


class QueuedEvent(NamedTuple):
    """What decides who is told of an event; beyond the number the names are those of its columns."""

    id: int
    uid: str
    type: str
    company_ref: int | None
    correlation: str
    data: str  #: facts as JSON
    res_model: str | None
    res_id: int | None


def checks_payloads():
    """Payloads are checked against their schema in test runs; a check never costs a user's transaction."""
    return bool(tools.config['test_enable'] or os.environ.get('DISTRIBUTION_CHECK_EVENTS'))


class DistributionEvent(models.Model):
    _name = 'distribution.event'
    _description = "Ledger Event"
    _order = 'id desc'
    _rec_name = 'type'
    # No foreign keys and no log columns: a partner merge or the deletion of a user must
    # not rewrite what happened. References are plain numbers.
    _log_access = False
    # The table is made by ledger/schema.py: the ORM shall not alter it in passing.
    _auto = False

    uid = fields.Char("Event ID", readonly=True, required=True)
    type = fields.Char(readonly=True, required=True)
    source = fields.Char(readonly=True)
    subject = fields.Char(readonly=True)
    time = fields.Datetime(readonly=True, required=True)
    company_ref = fields.Integer("Company Reference", readonly=True)
    res_model = fields.Char("Document Model", readonly=True)
    res_id = fields.Integer("Document Number", readonly=True)
    user_ref = fields.Integer("User Reference", readonly=True)
    on_behalf_ref = fields.Integer("On Behalf Reference", readonly=True)
    correlation = fields.Char(readonly=True, help="The business case that the event belongs to.")
    causation = fields.Char(readonly=True, help="The event that led to this one.")
    data = fields.Text(readonly=True, required=True, help="Facts of the event, canonical JSON.")
    type_title = fields.Char("Event", compute='_compute_type_title', search='_search_type_title')
    document_name = fields.Char("Document", compute='_compute_document_name')
    actor_name = fields.Char("Person", compute='_compute_people', search='_search_actor_name')
    on_behalf_name = fields.Char("On Behalf of", compute='_compute_people')
    company_name = fields.Char("Company", compute='_compute_company_name')
    data_text = fields.Text("Facts", compute='_compute_data_text')
    cloudevent_text = fields.Text("CloudEvent", compute='_compute_cloudevent_text')
    digest = fields.Char(readonly=True, help="SHA-256 over all columns of the event, set by the database.")

    def init(self):
        create_ledger(self.env.cr)

    def _register_hook(self):
        super()._register_hook()
        self._open_epoch()
        self._record_loaded_addons()

    # ------------------------------------------------------------
    # Shown to people; never stored
    # ------------------------------------------------------------

    @api.depends('type')
    def _compute_type_title(self):
        # sudo: titles of the catalogue are no secret for who may read the event
        titles = {
            event_type.name: event_type.title
            for event_type in self.env['distribution.event.type'].sudo().search([('name', 'in', self.mapped('type'))])
        }
        for event in self:
            event.type_title = titles.get(event.type, event.type)

    @api.model
    def _search_type_title(self, operator, value):
        types = self.env['distribution.event.type'].sudo().search([('title', operator, value)])
        return [('type', 'in', types.mapped('name'))]

    @api.depends('res_model', 'res_id')
    @api.depends_context('uid')
    def _compute_document_name(self):
        labels = self._document_labels((event.res_model, event.res_id) for event in self)
        for event in self:
            event.document_name = labels.get((event.res_model, event.res_id), False)

    @api.depends('user_ref', 'on_behalf_ref')
    def _compute_people(self):
        # sudo: who reads the ledger reads who acted, also people of other companies
        users = (
            self.env['res.users']
            .sudo()
            .with_context(active_test=False)
            .browse({number for event in self for number in (event.user_ref, event.on_behalf_ref) if number})
            .exists()
        )
        names = {user.id: user.name for user in users}
        for event in self:
            event.actor_name = self._person(names, event.user_ref)
            event.on_behalf_name = self._person(names, event.on_behalf_ref)

    @api.model
    def _person(self, names, number):
        if not number:
            return False
        return names.get(number) or _("User %s (deleted)", number)

    @api.model
    def _search_actor_name(self, operator, value):
        users = self.env['res.users'].sudo().with_context(active_test=False).search([('name', operator, value)])
        return ['|', ('user_ref', 'in', users.ids), ('on_behalf_ref', 'in', users.ids)]

    @api.depends('company_ref')
    def _compute_company_name(self):
        companies = (
            self.env['res.company'].sudo().browse({event.company_ref for event in self if event.company_ref}).exists()
        )
        names = {company.id: company.name for company in companies}
        for event in self:
            event.company_name = names.get(event.company_ref, False)

    @api.depends('data')
    def _compute_data_text(self):
        for event in self:
            event.data_text = _pretty(json.loads(event.data or '{}'))

    def _compute_cloudevent_text(self):
        for event in self:
            event.cloudevent_text = _pretty(event._to_cloudevent())

    def _to_cloudevent(self):
        """Return the event as a CloudEvents 1.0 envelope (JSON format, a dict).

        People are numbers: ``actor`` and ``onbehalfof`` name users of this database by id.
        """
        self.ensure_one()
        envelope = {
            'specversion': '1.0',
            'id': self.uid,
            'type': self.type,
            'source': self.source or 'urn:uuid:unknown',
            'subject': self.subject,
            'time': self.time.isoformat() + 'Z',
            'datacontenttype': 'application/json',
            'dataschema': f'urn:distribution:schema:{self.type}',
            'correlationid': self.correlation,
            'causationid': self.causation,
            'actor': f'user/{self.user_ref}' if self.user_ref else None,
            'onbehalfof': f'user/{self.on_behalf_ref}' if self.on_behalf_ref else None,
            'data': json.loads(self.data),
        }
        return {name: value for name, value in envelope.items() if value not in (None, False)}

    def action_open_document(self):
        """Show the document that the event is about."""
        self.ensure_one()
        return self._document_action(self.res_model, self.res_id)

    def action_open_case(self):
        """List all events of the same business case."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('distribution_core.distribution_event_action')
        return {**action, 'domain': [('correlation', '=', self.correlation)], 'context': {}}

    # ------------------------------------------------------------
    # Recording
    # ------------------------------------------------------------

    @api.model
    def _record(self, type, records, data=None, *, correlation=None, causation=None, on_behalf=None):
        """Write one event per record with a single INSERT and return the events.

        It belongs to the transaction of the caller: a rollback leaves no event.

        :param type: name of the event type, such as ``distribution.purchase_order.approved.v1``
        :param records: the documents that the event is about; none, no event
        :param data: facts as a dict, a dict by record id, or a function of the record;
            ids and business values only – no names, mail addresses, bank data or secrets
        :param correlation: business case; text, function of the record or dict by record id.
            Default: the document itself
        :param causation: event (or its uid) that led here
        :param on_behalf: user for whom the actor stands in
        """
        if not records:
            return self.browse()
        if not TYPE_PATTERN.fullmatch(type):
            raise ValueError(f"{type!r} is no event type: write <document>.<past-tense fact>.v<number>.")
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        shared = {
            'type': type,
            'time': now,
            'user_ref': self.env.uid,
            'on_behalf_ref': int(on_behalf) if on_behalf else None,
            'causation': causation.uid if isinstance(causation, models.BaseModel) else causation or None,
        }
        has_company = 'company_id' in records._fields and records._name != 'res.company'
        rows = []
        for record in records:
            facts = canonical_json(_for_record(data, record) or {})
            self._check_payload(type, facts)
            subject = f'{record._name},{record.id}'
            row = {
                **shared,
                'uid': str(uuid.uuid4()),
                'subject': subject,
                'company_ref': _company_of(record, has_company),
                'res_model': record._name,
                'res_id': record.id,
                'correlation': _for_record(correlation, record) or subject,
                'data': facts,
            }
            rows.append([row[column] for column in COLUMNS])
        self.env.cr.execute(
            f"INSERT INTO distribution_event ({', '.join(COLUMNS)}, source) "
            f"VALUES {', '.join([ROW] * len(rows))} RETURNING id",
            [value for row in rows for value in row],
        )
        event_ids = [event_id for (event_id,) in self.env.cr.fetchall()]
        self._queue_webhooks(event_ids, rows)
        return self.browse(event_ids)

    @api.model
    def _queue_webhooks(self, event_ids, rows):
        """Hand what was just recorded to the subscriptions that want it, in this transaction."""
        if 'distribution.webhook.delivery' not in self.env:
            return  # recorded while the addon is being installed
        place = {name: position for position, name in enumerate(COLUMNS)}
        chosen = [place[name] for name in QueuedEvent._fields[1:]]
        self.env['distribution.webhook.delivery']._enqueue(
            [QueuedEvent(event_id, *(row[position] for position in chosen)) for event_id, row in zip(event_ids, rows)]
        )

    def _queued(self):
        """These events, as they are handed to the subscriptions."""
        return [
            QueuedEvent(
                event.id,
                event.uid,
                event.type,
                event.company_ref or None,
                event.correlation,
                event.data,
                event.res_model,
                event.res_id,
            )
            for event in self
        ]

    @api.model
    def _check_payload(self, type, facts):
        if not checks_payloads():
            return
        validator = schema_validator(type)
        if validator is None and not type.startswith(RESERVED_PREFIX):
            return  # another system's: it comes by the API, under the namespace of its key
        if validator is None:
            raise ValueError(f"Event type {type} is not registered: add schemas/{type}.json to the addon.")
        error = next(validator.iter_errors(json.loads(facts)), None)
        if error:
            raise ValueError(f"Event {type} does not fit its schema at {error.json_path}: {error.message}")

    @api.model
    def _last_for(self, record, type=None):
        """Return the newest event about ``record`` (of ``type``), or none."""
        domain = [('res_model', '=', record._name), ('res_id', '=', record.id)]
        if type:
            domain.append(('type', '=', type))
        # sudo: called by our own code to read what happened to a document that it already holds
        return self.sudo().search(domain, order='id desc', limit=1)

    @api.model
    def _feed(self, after=None, limit=100):
        """Return (events, cursor) that follow the cursor ``after`` in the order of the seals.

        Numbers do not give that order: a transaction that began early may end late. An event
        appears here once every transaction that began before its own has ended, and never
        changes its place. Pass the cursor returned to go on; None starts at the beginning.
        """
        position = _parse_cursor(after)
        self.env.cr.execute(
            """
            SELECT epoch, txid, id FROM distribution_event
             WHERE (epoch, txid, id) > (%s, %s, %s)
               AND (epoch < (SELECT distribution_current_epoch()) OR txid < %s)
             ORDER BY epoch, txid, id LIMIT %s
        """,
            [*position, current_horizon(self.env.cr), limit],
        )
        rows = self.env.cr.fetchall()
        cursor = '.'.join(map(str, rows[-1])) if rows else after
        return self.browse(row[-1] for row in rows), cursor

    @api.model
    def _feed_end(self):
        """The cursor behind everything that is recorded by now; None: nothing is."""
        self.env.cr.execute(
            "SELECT epoch, txid, id FROM distribution_event ORDER BY epoch DESC, txid DESC, id DESC LIMIT 1"
        )
        row = self.env.cr.fetchone()
        return row and '.'.join(map(str, row))

    # ------------------------------------------------------------
    # Epochs and addons
    # ------------------------------------------------------------

    @api.model
    def _open_epoch(self):
        """A restore into another database starts a new epoch: transaction numbers begin anew there."""
        epoch, opened = open_epoch(self.env.cr)
        if opened:
            self._record('distribution.ledger.epoch_opened.v1', self.env.company, {'epoch': epoch})

    @api.model
    def _record_loaded_addons(self):
        """Record which addons of the suite were installed or upgraded just now."""
        updated = set(self.env.registry.updated_modules)
        addons = (
            self.env['ir.module.module'].sudo().search([('name', 'in', list(updated)), ('author', '=', SUITE_AUTHOR)])
            if updated
            else ()
        )
        if addons:
            self._record(
                'distribution.addon.updated.v1',
                addons,
                lambda addon: {'addon': addon.name, 'version': addon.latest_version or None},
            )

    # ------------------------------------------------------------
    # Documents
    # ------------------------------------------------------------

    @api.model
    def _document_labels(self, references):
        """Return names of documents for the current user, by (model, number).

        Says so when a document is gone; of one that is not theirs to see, shows only the number.
        The number of queries depends on the number of models, not of documents.
        """
        numbers = defaultdict(set)
        for res_model, res_id in references:
            if res_model and res_id:
                numbers[res_model].add(res_id)
        labels = {}
        for res_model, res_ids in numbers.items():
            if res_model not in self.env:
                labels.update({(res_model, res_id): f'{res_model},{res_id}' for res_id in res_ids})
                continue
            title = self.env['ir.model'].sudo()._get(res_model).name
            records = self.env[res_model].with_context(active_test=False).browse(sorted(res_ids)).exists()
            # sudo: the name may be made of fields of other records; access to the document was checked
            names = {record.id: record.display_name for record in accessible(records, 'read').sudo()}
            if res_model in NUMBERED:
                # sudo: the number that a document is called by names nobody and nothing in it
                hidden = records.sudo().filtered(lambda record, names=names: record.id not in names)
                names.update({record.id: record.name for record in hidden if record.name not in (False, '/')})
            for res_id in res_ids:
                if res_id in names:
                    labels[res_model, res_id] = f'{title} {names[res_id]}'
                elif res_id in records._ids:
                    labels[res_model, res_id] = f'{title} {res_id}'
                else:
                    labels[res_model, res_id] = _("%(model)s %(number)s (deleted)", model=title, number=res_id)
        return labels

    @api.model
    def _document_action(self, res_model, res_id):
        """Action that shows the document."""
        if not res_model or res_model not in self.env or not self.env[res_model].browse(res_id or 0).exists():
            raise UserError(_("The document does not exist any more."))
        return {
            'type': 'ir.actions.act_window',
            'res_model': res_model,
            'res_id': res_id,
            'views': [[False, 'form']],
            'target': 'current',
        }

    # ------------------------------------------------------------
    # Nothing else writes
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        raise UserError(_("Events are recorded by what happens in the system, they cannot be created by hand."))

    def write(self, vals):
        raise UserError(_("Events are evidence: they cannot be changed."))

    def unlink(self):
        raise UserError(_("Events are evidence: they cannot be deleted."))


def _for_record(value, record):
    """Resolve a value given once, by record id, or as a function of the record."""
    if callable(value):
        return value(record)
    if isinstance(value, dict) and any(isinstance(key, int) for key in value):
        return value.get(record.id)
    return value


def _company_of(record, has_company):
    if record._name == 'res.company':
        return record.id
    # sudo: who acts on a document need not be allowed to read its company
    return record.sudo().company_id.id or None if has_company else None


def _parse_cursor(cursor):
    if not cursor:
        return 0, 0, 0
    parts = cursor.split('.')
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"{cursor!r} is no cursor of the event feed.")
    return tuple(map(int, parts))


def _pretty(value):
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
