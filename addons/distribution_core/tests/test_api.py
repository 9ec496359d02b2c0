"""The API, as a program sees it: over HTTP."""

import json
import time
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.misc import file_open

from ..compat import USER_GROUPS
from ..engine.problem import Problem
from ..engine.webhook_signature import sign
from ..models.distribution_api_key import DEFAULT_OVERLAP_HOURS
from .api_case import CONFIRMATION, EVENT, KEPT, ApiCase

CALL_MODEL = 'odoo.addons.distribution_core.models.distribution_api_call'


@tagged('post_install', '-at_install')
class TestApi(ApiCase):
    # ------------------------------------------------------------------ keys

    def test_who_calls(self):
        self.assertAnswer(self.get('openapi.json'), 200)
        for key, headers, kind in (
            (False, {}, 'key-missing'),
            (False, {'Authorization': 'Basic YTpi'}, 'key-missing'),
            ('nonsense', {}, 'key-unknown'),
            (self.text[:-1] + ('a' if self.text[-1] != 'a' else 'b'), {}, 'key-unknown'),
            (self.text.upper(), {}, 'key-unknown'),
        ):
            with self.subTest(kind):
                answer = self.get('openapi.json', key=key, headers=headers)
                self.assertProblem(answer, 401, kind)
                self.assertEqual(answer.headers['WWW-Authenticate'], 'Bearer')
        self.assertNotIn('Set-Cookie', self.get('openapi.json').headers)

    def test_a_session_is_no_key(self):
        self.authenticate('admin', 'admin')
        self.assertProblem(self.get('events', key=False), 401, 'key-missing')

    def test_keys_end(self):
        other, _signing = self.key._issue()
        self.assertAnswer(self.get('openapi.json', key=other), 200)
        self.assertAnswer(self.get('openapi.json'), 200)
        former = self.key._secrets()[0]
        hours = (former.ends_at - fields.Datetime.now()).total_seconds() / 3600
        self.assertAlmostEqual(hours, DEFAULT_OVERLAP_HOURS, delta=0.1)
        former.ends_at = fields.Datetime.now()
        self.assertProblem(self.get('openapi.json'), 401, 'key-expired')
        self.key.expires_on = fields.Date.add(fields.Date.today(), days=-1)
        self.assertProblem(self.get('openapi.json', key=other), 401, 'key-expired')
        self.key.expires_on = fields.Date.today()
        self.assertAnswer(self.get('openapi.json', key=other), 200)
        self.key.active = False
        self.assertProblem(self.get('openapi.json', key=other), 401, 'key-revoked')
        self.key.active = True
        self.key.action_revoke()
        self.assertProblem(self.get('openapi.json', key=other), 401, 'key-revoked')
        self.assertEqual(self.key.state, 'revoked')

    def test_an_account_that_is_not_what_it_was(self):
        approver = self.env.ref('distribution_core.group_approver')
        self.account.write({USER_GROUPS: [Command.link(approver.id)]})
        self.assertProblem(self.get('openapi.json'), 401, 'key-revoked')

    def test_a_neutralised_copy(self):
        with file_open('distribution_core/data/neutralize.sql') as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertProblem(self.get('openapi.json'), 401, 'key-unknown')

    def test_scopes(self):
        self.key.operation_ids = self.Operation.search([('name', '=', 'events')])
        self.assertAnswer(self.get('events'), 200)
        self.assertProblem(self.get('event-types'), 403, 'scope-missing')
        self.assertProblem(self.post(KEPT, CONFIRMATION), 403, 'scope-missing')
        self.assertFalse(self.Call.search([('api_key_id', '=', self.key.id)]))

    def test_addresses_and_methods(self):
        for path in (
            '',
            'nothing',
            'events/1',
            'calls',
            'calls/x',
            'calls/0',
            'calls/1/2',
            'calls/99999999999',
            '%0A',
            'calls/%0A',
            'calls/1%0A',
            'calls%0D%0AX: y/1',
            'calls/%E2%80%A8%00',
            '/events',
            '../v2/events',
            '../events',
            '..',
            '../',
        ):
            with self.subTest(path):
                self.assertProblem(self.get(path), 404, 'not-found')
        for method, path, allowed in (
            ('POST', 'events', 'GET'),
            ('GET', KEPT, 'POST'),
            ('PUT', KEPT, 'POST'),
            ('DELETE', 'calls/1', 'GET'),
            ('OPTIONS', 'events', 'GET'),
        ):
            with self.subTest(f'{method} {path}'):
                answer = self.call(method, path, raw='' if method != 'GET' else None)
                self.assertProblem(answer, 405, 'method-not-allowed')
                self.assertEqual(answer.headers['Allow'], allowed)
        # What Odoo would take as arguments of a method means nothing here.
        self.assertProblem(self.get('events?self=1&path=x&cursor=1.1.1'), 400, 'query-invalid')

    # ---------------------------------------------------------------- bodies

    def test_bodies(self):
        for raw, status, kind in (
            ('', 400, 'body-malformed'),
            ('{', 400, 'body-malformed'),
            ('{"a": NaN}', 400, 'body-malformed'),
            ('{"a": "\\ud800"}', 400, 'body-malformed'),
            ('{"a": "\\u0000"}', 400, 'body-malformed'),
            (b'\xff\xfe', 400, 'body-malformed'),
            ('[' * 5000, 400, 'body-too-deep'),
            ('"' + 'x' * 300_000 + '"', 413, 'body-too-large'),
            ('[]', 422, 'body-invalid'),
            ('null', 422, 'body-invalid'),
            ('{}', 422, 'body-invalid'),
        ):
            with self.subTest(raw=raw[:20]):
                self.assertProblem(self.post(KEPT, raw=raw), status, kind)
        for media in (None, 'text/plain', 'application/x-www-form-urlencoded', 'application/cloudevents+json'):
            with self.subTest(media):
                answer = self.post(KEPT, CONFIRMATION, headers={'Content-Type': media})
                self.assertProblem(answer, 415, 'media-type')
        body = {**CONFIRMATION, 'lines': [{'status': 'perhaps', 'line_id': 2**40}], 'extra': 1}
        problem = self.assertProblem(self.post(KEPT, body), 422, 'body-invalid')
        self.assertEqual([error['pointer'] for error in problem['errors']], ['', '/lines/0/line_id', '/lines/0/status'])
        kept = self.Call.browse(problem['call_id'])
        self.assertEqual((kept.state, kept.status, json.loads(kept.body)), ('refused', 422, body))

    # ----------------------------------------------------------- idempotency

    def test_the_same_call(self):
        headers = {'Idempotency-Key': 'one'}
        first = self.post(KEPT, CONFIRMATION, headers=headers)
        self.assertAnswer(first, 202)
        self.assertNotIn('Idempotent-Replayed', first.headers)
        again = self.post(KEPT, raw=json.dumps(CONFIRMATION, indent=4, sort_keys=True), headers=headers)
        self.assertEqual((again.status_code, again.text), (first.status_code, first.text))
        self.assertEqual(again.headers['Idempotent-Replayed'], 'true')
        self.assertEqual(len(self.Call.search([('idempotency_key', '=', 'one')])), 1)
        other = {**CONFIRMATION, 'note': "Something else"}
        self.assertProblem(self.post(KEPT, other, headers=headers), 422, 'idempotency-mismatch')
        self.assertProblem(self.post('carrier-statuses', CONFIRMATION, headers=headers), 422, 'idempotency-mismatch')
        self.assertAnswer(self.post(KEPT, CONFIRMATION), 202)
        self.assertEqual(len(self.Call.search([('api_key_id', '=', self.key.id)])), 2)
        self.assertProblem(self.post(KEPT, CONFIRMATION, headers={'Idempotency-Key': 'a b'}), 400, 'header-invalid')
        stranger = self.new_key(name="Another system")
        theirs = self.post(KEPT, CONFIRMATION, key=stranger._issue()[0], headers=headers)
        self.assertNotEqual(self.assertAnswer(theirs, 202)['call_id'], first.json()['call_id'])

    def test_a_refusal_is_an_answer(self):
        def refuse(_operations, _call, _body):
            raise Problem('conflict', "It was received already.")

        headers = {'Idempotency-Key': 'no'}
        with self.handler(refuse):
            first = self.assertProblem(self.post(KEPT, CONFIRMATION, headers=headers), 409, 'conflict')
        again = self.post(KEPT, CONFIRMATION, headers=headers)
        self.assertEqual(self.assertProblem(again, 409, 'conflict'), first)
        self.assertEqual(self.Call.browse(first['call_id']).state, 'refused')

    def test_a_corrected_body_may_use_the_key_again(self):
        headers = {'Idempotency-Key': 'corrected'}
        self.assertProblem(self.post(KEPT, {}, headers=headers), 422, 'body-invalid')
        self.assertAnswer(self.post(KEPT, CONFIRMATION, headers=headers), 202)

    # -------------------------------------------------------------- applying

    def test_kept_until_something_acts(self):
        call_id = self.assertAnswer(self.post(KEPT, CONFIRMATION), 202)['call_id']
        found = self.assertAnswer(self.get(f'calls/{call_id}'), 200)
        self.assertEqual((found['state'], found['operation']), ('waiting', KEPT))
        stranger = self.new_key(name="Another system")
        self.assertProblem(self.get(f'calls/{call_id}', key=stranger._issue()[0]), 404, 'not-found')
        seen = []

        def act(operations, call, body):
            seen.append((operations.env.user, operations.env.su, operations.env.companies, body))
            call._about(operations.env.user.partner_id)
            return {'line_count': len(body['lines'])}

        self.assertEqual(self.Call._cron_apply(commit=False), 0)
        with self.handler(act):
            self.assertEqual(self.Call._cron_apply(commit=False), 1)
            self.assertEqual(self.Call._cron_apply(commit=False), 0)
        self.assertEqual(seen, [(self.account, False, self.key.company_ids, CONFIRMATION)])
        call = self.Call.browse(call_id)
        self.assertEqual((call.state, call.status, call.res_model), ('applied', 200, 'res.partner'))
        found = self.assertAnswer(self.get(f'calls/{call_id}'), 200)
        self.assertEqual(found['answer']['result'], {'line_count': 1})
        event = self.env['distribution.event']._last_for(call, 'distribution.api_call.taken.v1')
        self.assertEqual((event.user_ref, json.loads(event.data)['state']), (self.account.id, 'applied'))

    def test_all_or_nothing(self):
        partner = self.env['res.partner'].create({'name': "Before"})

        def act(operations, _call, _body):
            partner.with_env(operations.env).sudo().name = "After"
            operations.env['distribution.event']._record('acme.x.y.v1', partner, {})
            raise UserError("Line 10 was delivered already.")

        def name():
            partner.invalidate_recordset()
            return partner.name

        with self.handler(act):
            problem = self.assertProblem(self.post(KEPT, CONFIRMATION), 422, 'not-applicable')
            self.assertEqual(problem['detail'], "Line 10 was delivered already.")
            self.assertEqual(name(), "Before")
            self.assertFalse(self.env['distribution.event']._last_for(partner, 'acme.x.y.v1'))

            taken = self.assertAnswer(self.post(KEPT, {**CONFIRMATION, 'accept_as_case': True}), 202)
        case = self.env['distribution.case'].browse(taken['case_id'])
        self.assertEqual((case.state, case.res_model, case.res_id), ('open', 'distribution.api.call', taken['call_id']))
        self.assertIn("Line 10", case.description)
        self.assertEqual(name(), "Before")
        call = self.Call.browse(taken['call_id'])
        self.assertEqual((call.state, call.case_id), ('waiting', case))

        operations_user = self.user('api_operations', 'operations')
        with self.handler(act):
            call.with_user(operations_user).action_apply()
        self.assertEqual((call.state, call.case_id, case.state), ('waiting', case, 'open'))
        with self.handler(lambda _operations, _call, _body: {'done': True}):
            call.with_user(operations_user).action_apply()
        self.assertEqual((call.state, case.state, call.attempts), ('applied', 'resolved', 3))
        self.assertEqual(json.loads(call.answer)['result'], {'done': True})

    def test_what_the_account_may_not(self):
        def act(operations, _call, _body):
            operations.env['ir.config_parameter'].set_param('a', 'b')

        with self.handler(act), mute_logger('odoo.addons.base.models.ir_model'):
            answer = self.post(KEPT, {**CONFIRMATION, 'accept_as_case': True})
            self.assertProblem(answer, 403, 'not-allowed')

    def test_something_is_broken(self):
        def act(_operations, _call, _body):
            raise ZeroDivisionError("secret of the house")

        headers = {'Idempotency-Key': 'broken'}
        with self.handler(act), self.assertLogs(CALL_MODEL, 'ERROR'):
            answer = self.post(KEPT, CONFIRMATION, headers=headers)
        problem = self.assertProblem(answer, 500, 'internal-error')
        self.assertNotIn("secret of the house", answer.text)
        call = self.Call.browse(problem['call_id'])
        self.assertEqual((call.state, call.case_id.type_id.code), ('failed', 'api_call_failed'))
        with self.handler(lambda _operations, _call, _body: {}):
            self.assertAnswer(self.post(KEPT, CONFIRMATION, headers=headers), 200)
        self.assertEqual((call.state, call.attempts), ('applied', 2))

    def test_the_database_says_no(self):
        def twice(operations, _call, _body):
            partners = operations.env['distribution.api.operation'].sudo()
            partners.create([{'name': 'x', 'method': 'GET', 'path': 'x', 'title': 'x'}] * 2)

        def too_large(operations, _call, _body):
            operations.env['res.partner'].sudo().create({'name': "x", 'color': 2**40})

        with mute_logger('odoo.sql_db'):
            with self.handler(twice):
                self.assertProblem(self.post(KEPT, CONFIRMATION), 409, 'conflict')
            with self.handler(too_large):
                self.assertProblem(self.post(KEPT, CONFIRMATION), 422, 'not-applicable')

    # ---------------------------------------------------------------- limits

    def test_too_many_calls(self):
        key = self.new_key(name="Busy", per_minute=1, burst=2)
        text = key._issue()[0]
        began = time.monotonic()
        self.assertAnswer(self.get('openapi.json', key=text), 200)
        self.assertAnswer(self.get('event-types', key=text), 200)
        answer = self.post(KEPT, CONFIRMATION, key=text)
        self.assertProblem(answer, 429, 'rate-limited')
        self.assertIn(int(answer.headers['Retry-After']), range(int(59 - (time.monotonic() - began)), 61))
        self.assertAnswer(self.get('openapi.json'), 200)
        self.assertTrue(key.last_used_at)

    def test_too_many_without_a_valid_key(self):
        strangers = self.env['distribution.api.stranger']
        strangers.search([]).unlink()
        self.env['ir.config_parameter'].set_param('distribution_core.api_strangers_per_minute', '3')
        archived = self.new_key(name="Archived")
        former = archived._issue()[0]
        archived.active = False
        # In tests, what is counted for a call that fails is rolled back with it: it is counted here.
        for key, kind in ((False, 'key-missing'), ('nonsense', 'key-unknown'), (former, 'key-revoked')):
            self.assertProblem(self.get('openapi.json', key=key), 401, kind)
            self.assertFalse(strangers._count('127.0.0.1'))
        for key in (False, 'nonsense', former):
            answer = self.post(KEPT, CONFIRMATION, key=key)
            self.assertProblem(answer, 429, 'rate-limited')
            self.assertIn(int(answer.headers['Retry-After']), range(1, 21))
        self.assertAnswer(self.get('openapi.json'), 200)
        self.assertFalse(strangers._count('203.0.113.7'), "others have their own")
        stranger = strangers.search([('address', '=', '127.0.0.1')])
        self.assertEqual((stranger.calls, stranger.refused), (3, 0))
        stranger.filled_at -= 20
        self.env.flush_all()
        self.assertProblem(self.get('openapi.json', key='nonsense'), 401, 'key-unknown')
        # Whoever has not come for a day is forgotten.
        strangers._gc_strangers()
        self.assertTrue(stranger.exists())
        stranger.last_used_at = fields.Datetime.subtract(fields.Datetime.now(), days=2)
        self.env.flush_all()
        stranger._gc_strangers()
        self.assertFalse(stranger.exists())

    # ---------------------------------------------------------- vendor risks

    def test_the_risk_of_a_vendor(self):
        vendor = self.env['res.partner'].create({'name': "Vendor", 'is_company': True, 'ref': 'V-77'})
        contact = self.env['res.partner'].create({'name': "Sales", 'parent_id': vendor.id})
        told = {'vendor': {'ref': 'V-77'}, 'tier': 'high', 'assessed_at': '2026-11-20T09:30:00Z'}
        self.assertProblem(self.post('vendor-risks', told), 403, 'not-allowed')
        self.assertEqual(vendor.vendor_risk_tier, 'medium')
        manager = self.env.ref('distribution_core.group_vendor_manager')
        self.account.write({USER_GROUPS: [Command.link(manager.id)]})
        answer = self.assertAnswer(self.post('vendor-risks', told), 200)
        self.assertEqual(answer['result'], {'vendor_id': vendor.id, 'tier': 'high'})
        self.env.invalidate_all()
        self.assertEqual((vendor.vendor_risk_tier, contact.vendor_risk_tier), ('high', 'high'))
        call = self.Call.browse(answer['call_id'])
        self.assertEqual((call.state, call.res_model, call.res_id), ('applied', 'res.partner', vendor.id))
        event = self.env['distribution.event']._last_for(vendor, 'distribution.vendor.risk_tier_changed.v1')
        self.assertEqual(event.user_ref, self.account.id)
        # An older assessment does not undo it; a newer one that rests on what is there does.
        older = {**told, 'tier': 'low', 'assessed_at': '2026-11-19T09:30:00Z'}
        self.assertProblem(self.post('vendor-risks', older), 409, 'conflict')
        newer = {**told, 'tier': 'low', 'assessed_at': '2026-11-21T09:30:00Z'}
        self.assertProblem(self.post('vendor-risks', {**newer, 'expected_tier': 'medium'}), 409, 'conflict')
        self.assertAnswer(self.post('vendor-risks', {**newer, 'expected_tier': 'high'}), 200)
        self.env.invalidate_all()
        self.assertEqual(vendor.vendor_risk_tier, 'low')
        # A case about the vendor names the calls that told of it.
        operator = self.user('risk_operator', 'operations')
        case = self.env['distribution.case']._open('no_approver', vendor, "x").with_user(operator)
        self.assertEqual(case.api_call_count, 2)
        self.assertIn(call, self.Call.with_user(operator).search(case.action_open_calls()['domain']))

    def test_a_case_names_the_call_that_opened_it(self):
        def refuses(_operations, _call, _body):
            raise Problem('conflict', "It does not fit.")

        with self.handler(refuses):
            answer = self.assertAnswer(self.post(KEPT, {**CONFIRMATION, 'accept_as_case': True}), 202)
        operator = self.user('call_operator', 'operations')
        case = self.env['distribution.case'].browse(answer['case_id']).with_user(operator)
        self.assertEqual(case.api_call_count, 1)
        self.assertEqual(self.Call.search(case.action_open_calls()['domain']).id, answer['call_id'])
        owner = self.user('call_owner', 'buyer')
        case.sudo()._assign(owner)
        self.assertEqual(case.with_user(owner).api_call_count, 0, "who does not read the inbox is not told of it")

    # ------------------------------------------------------------- companies

    def test_companies(self):
        other = self.env['res.company'].create({'name': "Other"})
        mine = self.key.company_ids
        self.assertAnswer(self.post(KEPT, {**CONFIRMATION, 'company_id': mine.id}), 202)
        for number in (other.id, 2**31 - 1):
            answer = self.post(KEPT, {**CONFIRMATION, 'company_id': number})
            self.assertProblem(answer, 403, 'company-forbidden')
        self.account.company_ids |= other
        self.key.company_ids |= other
        seen = []

        def act(operations, _call, _body):
            seen.append((operations.env.company, operations.env.companies))

        with self.handler(act):
            self.assertAnswer(self.post(KEPT, {**CONFIRMATION, 'company_id': other.id}), 200)
        self.assertEqual(seen, [(other, other | mine)])
        self.account.company_ids -= other
        answer = self.post(KEPT, {**CONFIRMATION, 'company_id': other.id})
        self.assertProblem(answer, 403, 'company-forbidden')

    # ------------------------------------------------------------ signatures

    def test_signed_calls(self):
        key = self.new_key(name="Signs", requires_signature=True)
        text, secret = key._issue()
        raw = json.dumps(CONFIRMATION)

        def signed(message_id='m1', at=None, body=raw, **headers):
            at = int(at or time.time())
            return {
                'webhook-id': message_id,
                'webhook-timestamp': str(at),
                'webhook-signature': sign([secret], message_id, at, body.encode()),
                **headers,
            }

        for headers in (
            {},
            signed(body='{}'),
            signed(at=time.time() - 600),
            signed(at=time.time() + 600),
            {**signed(), 'webhook-id': 'm2'},
        ):
            self.assertProblem(self.post(KEPT, raw=raw, key=text, headers=headers), 401, 'signature-invalid')
        first = self.assertAnswer(self.post(KEPT, raw=raw, key=text, headers=signed()), 202)
        again = self.post(KEPT, raw=raw, key=text, headers=signed())
        self.assertEqual((again.json(), again.headers['Idempotent-Replayed']), (first, 'true'))
        trick = signed(**{'Idempotency-Key': 'another'})
        self.assertProblem(self.post(KEPT, raw=raw, key=text, headers=trick), 400, 'header-invalid')
        self.assertTrue(self.Call.browse(first['call_id']).is_signed)
        stored = key._secrets()
        self.assertNotIn(secret, repr(stored.read()))
        _text, newer = key._issue()
        self.assertEqual(set(key._secrets()._signing_secrets()), {secret, newer})

    # ---------------------------------------------------------------- events

    def test_an_event_of_another_system(self):
        result = self.assertAnswer(self.post('external-events', EVENT), 200)['result']
        event = self.env['distribution.event'].search([('uid', '=', result['event_id'])])
        self.assertEqual((event.type, event.user_ref), ('acme.truck.arrived.v1', self.account.id))
        self.assertEqual(event.company_ref, self.key.company_ids.id)
        self.assertEqual(json.loads(event.data), {'source': EVENT['source'], 'id': '1', 'data': {'gate': 4}})
        media = {'Content-Type': 'application/cloudevents+json; charset=utf-8', 'Idempotency-Key': 'new'}
        again = self.post('external-events', EVENT, headers=media)
        self.assertEqual(self.assertAnswer(again, 200)['result'], result)
        self.assertEqual(again.headers['Idempotent-Replayed'], 'true')
        self.assertEqual(
            self.env['distribution.event'].search_count([('type', '=', event.type), ('id', '>=', event.id)]), 1
        )
        self.assertProblem(self.post('external-events', {**EVENT, 'data': {'gate': 5}}), 409, 'conflict')

    def test_types_that_are_not_theirs(self):
        for number, event_type in enumerate(
            (
                'distribution.purchase_order.approved.v1',
                'other.truck.arrived.v1',
                'acmetruck.arrived.v1',
            )
        ):
            body = {**EVENT, 'id': f'no{number}', 'type': event_type}
            problem = self.assertProblem(self.post('external-events', body), 422, 'not-applicable')
            self.assertEqual(problem['errors'][0]['pointer'], '/type')
            # What was refused may be sent again, corrected.
            self.assertAnswer(self.post('external-events', {**body, 'type': EVENT['type']}), 200)
        broken = {**EVENT, 'id': 'line', 'type': 'acme.truck.arrived.v1\n'}
        self.assertProblem(self.post('external-events', broken), 422, 'body-invalid')
        self.key.namespace = False
        self.assertProblem(self.post('external-events', {**EVENT, 'id': 'x'}), 422, 'not-applicable')

    def test_the_case_of_an_event(self):
        partner = self.env['res.partner'].create({'name': "Vendor"})
        other = self.env['res.company'].create({'name': "Other"})
        theirs = self.env['res.partner'].create({'name': "Theirs", 'company_id': other.id})
        for number, (text, status) in enumerate(
            (
                (f'res.partner,{partner.id}', 200),
                (f'res.partner,{theirs.id}', 422),
                ('res.partner,2000000000', 422),
                ('distribution.event,1', 422),
                ('mail.thread,1', 422),
                ('truck 17', 200),
                ('no.model,1', 200),
            )
        ):
            with self.subTest(text):
                answer = self.post('external-events', {**EVENT, 'id': f'c{number}', 'correlationid': text})
                self.assertEqual(answer.status_code, status, answer.text)
                if status == 200:
                    event = self.env['distribution.event'].search([('uid', '=', answer.json()['result']['event_id'])])
                    self.assertEqual(event.correlation, text)

    def test_events_out(self):
        other = self.env['res.company'].create({'name': "Other"})
        Event = self.env['distribution.event']
        begin = Event._feed_end()
        horizon = self.env.cr
        horizon.execute("SELECT txid_current()")
        later = horizon.fetchone()[0] + 1
        with patch('odoo.addons.distribution_core.models.distribution_event.current_horizon', lambda _cr: later):
            partners = self.env['res.partner'].create(
                [
                    {'name': "Ours", 'company_id': self.key.company_ids.id},
                    {'name': "Theirs", 'company_id': other.id},
                    {'name': "Everybody's"},
                ]
            )
            events = Event._record(
                'distribution.vendor.status_changed.v1', partners, {'before': 'new', 'after': 'approved'}
            )
            page = self.assertAnswer(self.get(f'events?cursor={begin}'), 200)
            told = [event['id'] for event in page['events']]
            self.assertIn(events[0].uid, told)
            self.assertNotIn(events[1].uid, told)
            self.assertIn(events[2].uid, told)
            first = self.assertAnswer(self.get(f'events?cursor={begin}&limit=1'), 200)
            self.assertTrue(first['has_more'])
            rest = self.assertAnswer(self.get(f"events?cursor={first['cursor']}"), 200)
            self.assertEqual([*first['events'], *rest['events']], page['events'])
            end = self.assertAnswer(self.get(f"events?cursor={page['cursor']}"), 200)
            self.assertEqual((end['events'], end['cursor'], end['has_more']), ([], page['cursor'], False))
            chosen = self.assertAnswer(self.get(f'events?cursor={begin}&types=distribution.vendor.*,x.*'), 200)
            self.assertEqual({event['type'] for event in chosen['events']}, {'distribution.vendor.status_changed.v1'})
        for query in (
            'cursor=x',
            'cursor=1.2',
            'limit=0',
            'limit=501',
            'limit=x',
            'types=A',
            'types=*a*b*c*d',
            'limit=1&limit=2',
        ):
            with self.subTest(query):
                self.assertProblem(self.get(f'events?{query}'), 400, 'query-invalid')

    def test_event_types(self):
        types = self.assertAnswer(self.get('event-types'), 200)['event_types']
        (found,) = [one for one in types if one['type'] == 'distribution.api_call.taken.v1']
        self.assertEqual(found['sample']['operation'], 'customer-orders')
