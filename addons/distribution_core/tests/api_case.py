"""An account, its key, and calls over HTTP."""

import json
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import HttpCase

from .common import RolesCase

BASE = '/distribution/api/v1'
#: One operation that nothing in this addon acts on.
KEPT = 'supplier-confirmations'
#: What an addon that acts on it implements.
APPLY = '_apply_supplier_confirmations'
CONFIRMATION = {
    'order': {'name': 'P00042'},
    'confirmed_at': '2026-11-20T09:30:00Z',
    'lines': [{'product': {'code': 'BOLT'}, 'status': 'accepted'}],
}
EVENT = {
    'specversion': '1.0',
    'id': '1',
    'source': 'https://erp.acme.example',
    'type': 'acme.truck.arrived.v1',
    'data': {'gate': 4},
}


class ApiClient:
    """Calls over HTTP, for test cases of Odoo with ``opener``; ``text`` is the key."""

    text = None

    def call(self, method, path, body=None, *, key=None, raw=None, headers=None):
        """The answer to one call; ``key`` False: without."""
        sent = {'Content-Type': 'application/json'} if method == 'POST' else {}
        if key is not False:
            sent['Authorization'] = f'Bearer {key or self.text}'
        sent.update(headers or {})
        content = raw if raw is not None else None if body is None else json.dumps(body)
        return self.opener.request(
            method,
            f'{self.base_url()}{BASE}/{path}',
            data=content,
            headers={name: value for name, value in sent.items() if value is not None},
            timeout=60,
        )

    def post(self, path, body=None, **options):
        return self.call('POST', path, body, **options)

    def get(self, path, **options):
        return self.call('GET', path, **options)

    def assertProblem(self, answer, status, kind):
        self.assertEqual((answer.status_code, answer.headers['Content-Type']), (status, 'application/problem+json'))
        document = answer.json()
        self.assertEqual((document['status'], document['type']), (status, f'urn:distribution:problem:{kind}'))
        self.assertTrue(document['title'] and document['remedy'])
        return document

    def assertAnswer(self, answer, status):
        self.assertEqual(answer.status_code, status, answer.text)
        self.assertEqual(answer.headers['Content-Type'], 'application/json')
        return answer.json()


class ApiCase(ApiClient, RolesCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Call = cls.env['distribution.api.call']
        cls.Operation = cls.env['distribution.api.operation']
        # Whatever addons act on it: here nothing does.
        cls.startClassPatcher(patch.object(type(cls.Operation), APPLY, None, create=True))
        cls.account = cls.user('api_account', 'integration')
        cls.key = cls.new_key()
        cls.text = cls.key._issue()[0]

    @classmethod
    def new_key(cls, **values):
        return cls.env['distribution.api.key'].create(
            {
                'name': "ERP of Acme",
                'user_id': cls.account.id,
                'operation_ids': [(6, 0, cls.Operation.search([]).ids)],
                'namespace': 'acme',
                'per_minute': 100_000,
                'burst': 10_000,
                **values,
            }
        )

    @contextmanager
    def handler(self, act, operation=KEPT):
        """``act(operations, call, body)`` acts on an operation that nothing acts on yet."""
        name = '_apply_' + operation.replace('-', '_')
        with patch.object(type(self.Operation), name, act, create=True):
            yield
