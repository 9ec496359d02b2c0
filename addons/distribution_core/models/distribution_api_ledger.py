"""Operations on the ledger: events of other systems in, events out for those who poll, the catalogue of types."""

import json

from odoo import fields, models

from ..compat import accessible
from ..engine.problem import Problem
from ..engine.subscription_filter import matches
from .distribution_event import TYPE_PATTERN
from .distribution_event_type import RESERVED_PREFIX


class DistributionApiOperation(models.Model):
    _inherit = 'distribution.api.operation'

    # ------------------------------------------------------------
    # In
    # ------------------------------------------------------------

    def _apply_external_events(self, call, body):
        """Record the event of another system, under the namespace of its key."""
        # sudo: the account of the key does not read keys
        namespace = call.sudo().api_key_id.namespace
        event_type = body['type']
        if event_type.startswith(RESERVED_PREFIX):
            raise _wrong('type', "types that begin with “distribution.” are the suite's own")
        if not namespace:
            raise _wrong('type', "the key has no namespace: an administrator gives it one")
        if not event_type.startswith(f'{namespace}.') or not TYPE_PATTERN.fullmatch(event_type):
            raise _wrong('type', f"types of this key are {namespace}.<document>.<past-tense fact>.v<number>")
        facts = {name: body[name] for name in ('source', 'id', 'subject', 'time', 'data') if name in body}
        event = self.env['distribution.event']._record(
            event_type, call, facts, correlation=self._correlation(body.get('correlationid'))
        )
        # sudo: the number of what was just recorded
        return {'event_id': event.sudo().uid}

    def _correlation(self, text):
        """The business case of an event from outside; a document has to be one that the account may read."""
        if not text:
            return None
        model, _comma, number = text.partition(',')
        if model in self.env and number.isascii() and number.isdigit():
            records = self.env[model]
            record = records.browse(int(number) if len(number) < 10 else 0)
            if records._abstract or not accessible(record.exists(), 'read'):
                raise _wrong('correlationid', "the account of the key does not know this document")
        return text

    # ------------------------------------------------------------
    # Out
    # ------------------------------------------------------------

    def _read_events(self, _key, arguments):
        """Events of the key's companies, and of no company, in the order of the seals."""
        limit = arguments['limit']
        # sudo: the key says what may be read, as a subscription does; companies are looked at below
        page, cursor = self.env['distribution.event'].sudo()._feed(arguments.get('cursor'), limit)
        companies = {False, *self.env.companies.ids}
        patterns = [pattern for pattern in arguments.get('types', '').split(',') if pattern]
        wanted = page.filtered(
            lambda event: (
                event.company_ref in companies
                and (not patterns or any(matches(pattern, event.type) for pattern in patterns))
            )
        )
        return {
            'events': [event._to_cloudevent() for event in wanted],
            'cursor': cursor or None,
            'has_more': len(page) == limit,
        }

    def _read_event_types(self, _key, _arguments):
        """The catalogue."""
        types = self.env['distribution.event.type'].search([('is_active', '=', True)])
        return {
            'event_types': [
                {
                    'type': event_type.name,
                    'version': event_type.version,
                    'title': event_type.title,
                    'description': event_type.description or '',
                    'schema': json.loads(event_type.schema),
                    **({'sample': json.loads(event_type.sample)} if event_type.sample else {}),
                }
                for event_type in types
            ]
        }

    def _read_openapi(self, _key, _arguments):
        """The OpenAPI document."""
        return self._openapi()

    def _read_calls(self, key, arguments):
        """A call of this key."""
        # sudo: the key's own calls, of the companies that it still has
        call = (
            self.env['distribution.api.call']
            .sudo()
            .search(
                [
                    ('id', '=', arguments['id']),
                    ('api_key_id', '=', key.id),
                    ('company_id', 'in', self.env.companies.ids),
                ]
            )
        )
        if not call:
            raise Problem('not-found', "This key made no such call.")
        found = {
            'call_id': call.id,
            'operation': call.operation,
            'state': call.state,
            'received_at': _moment(call.received_at),
            'answer': json.loads(call.answer or '{}'),
        }
        if call.applied_at:
            found['applied_at'] = _moment(call.applied_at)
        if call.case_id:
            found['case_id'] = call.case_id.id
        return found


def _wrong(name, detail):
    return Problem('not-applicable', errors=[{'pointer': f'/{name}', 'detail': detail}])


def _moment(value):
    return fields.Datetime.to_string(value).replace(' ', 'T') + 'Z'
