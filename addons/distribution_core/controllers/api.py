"""The API: ``/distribution/api/v1/<operation>``. Every address below ``/distribution/api`` is answered here.

In the order in which a call is looked at: its size, its key, how often the key was used, its address and
method, what the key may do, its signature, its type, its body. What acts on it is an operation
(``distribution.api.operation``); the inbox (``distribution.api.call``) keeps it.
"""

import hashlib
import time
from urllib.parse import urlencode

import psycopg2
from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..any_path import NAME
from ..engine import api_body, api_query, idempotency
from ..engine.api_table import table_csv
from ..engine.openapi import ROOT, VERSION, media_types
from ..engine.problem import MEDIA_TYPE, Problem
from ..engine.webhook_signature import SignatureProblem, verify
from .api_dispatcher import HEADERS, json_bytes, problem_of, response

#: A body that is too large is read up to here, so that its sender gets to hear so.
DRAINED_BYTES = 8 * 1024 * 1024
#: What a table can be had as, the usual one first.
MEDIA_TYPES = ('application/json', 'text/csv')


class DistributionApi(http.Controller):
    @http.route(
        [ROOT, f'{ROOT}/<{NAME}:path>'],
        type='distribution_api',
        auth='none',
        csrf=False,
        save_session=False,
        readonly=False,
    )
    def serve(self, path=''):
        """Answer one call, in one transaction."""
        raw = self._raw()
        env = request.env(user=SUPERUSER_ID)  # nobody is logged in: until the key is known, the server itself looks
        key = self._key(env)
        env['distribution.api.usage']._count(key)
        try:
            return self._serve(env, key, path, raw)
        except psycopg2.OperationalError:  # Odoo begins the call anew
            raise
        except Exception as error:
            env['distribution.api.problem']._count(key, problem_of(error).kind)
            raise

    def _serve(self, env, key, path, raw):
        contract, arguments = self._contract(env, path)
        key._check_scope(contract)
        acting = key._acting()
        request.update_env(user=key.user_id.id, context=acting.env.context)
        if contract.method == 'GET':
            return self._get(key, acting, contract, arguments)
        return self._post(key, acting, contract, raw)

    # ------------------------------------------------------------
    # The two methods
    # ------------------------------------------------------------

    def _get(self, key, acting, contract, arguments):
        query = request.httprequest.args
        given = {name: query.getlist(name) for name in query}
        declared = {name: schema for name, schema in contract.parameters.items() if name not in arguments}
        values = {**arguments, **api_query.arguments(declared, given)}
        kind = values.pop('format', None) or self._preferred()
        answer = acting._handler(contract.name, 'GET')(key, values)
        if contract.table and kind == 'csv':
            body, media_type = table_csv(contract.columns(answer), answer[contract.table]), 'text/csv; charset=utf-8'
        else:
            body, media_type = json_bytes(answer), 'application/json'
        headers = {**HEADERS, 'Vary': 'Accept, Authorization', 'Content-Type': media_type}
        if contract.table and answer.get('has_more'):
            headers['Link'] = f'<{self._next(answer["cursor"])}>; rel="next"'
        return self._unless_known(body, headers)

    def _preferred(self):
        """The format that the caller would rather have; JSON for those who take anything."""
        return 'csv' if request.httprequest.accept_mimetypes.best_match(MEDIA_TYPES) == 'text/csv' else 'json'

    def _next(self, cursor):
        """The address of the page that begins at ``cursor``."""
        call = request.httprequest
        return f'{call.path}?{urlencode({**call.args.to_dict(), "cursor": cursor})}'

    def _unless_known(self, body, headers):
        """The answer, or 304 when the caller has exactly this one."""
        tag = hashlib.sha256(body).hexdigest()
        headers['ETag'] = f'"{tag}"'
        if request.httprequest.if_none_match.contains_weak(tag):
            del headers['Content-Type']
            return http.Response(status=304, headers=headers)
        return http.Response(body, status=200, headers=headers)

    def _post(self, key, acting, contract, raw):
        message_id = self._check_signature(key, raw)
        if request.httprequest.mimetype not in media_types(contract):
            raise Problem('media-type', f"{contract.name} takes {' or '.join(media_types(contract))}.")
        idempotency_key = self._idempotency_key(message_id)
        body = api_body.parse(raw)
        # sudo: the inbox is written by the API itself; what acts on the call does so as the account of the key
        inbox = acting.env['distribution.api.call'].sudo()
        answer = inbox._receive(key, contract, body, idempotency_key, bool(message_id))
        media_type = MEDIA_TYPE if answer.status >= 400 else 'application/json'
        return response(answer.status, answer.document, answer.headers, media_type)

    # ------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------

    def _key(self, env):
        """The key of the call; who has none, too often, is told to wait."""
        try:
            return env['distribution.api.key']._identify(request.httprequest.headers.get('Authorization'))
        except Problem:
            wait = env['distribution.api.stranger']._count(request.httprequest.remote_addr)
            if wait:
                raise Problem('rate-limited', "Too many calls without a valid key.", headers={'Retry-After': str(wait)})
            raise

    def _raw(self):
        """The body. It stays at hand when Odoo begins the call anew."""
        call = request.httprequest
        if call.method in ('GET', 'HEAD') and not call.content_length:
            return b''
        if call.content_length is None:
            raise Problem('length-required')
        if call.content_length > api_body.MAX_BYTES:
            if call.content_length <= DRAINED_BYTES:
                call.get_data(cache=True)
            raise Problem('body-too-large', f"At most {api_body.MAX_BYTES} bytes are taken.")
        return call.get_data(cache=True)

    def _contract(self, env, path):
        """(operation, arguments of the path) of the address."""
        method = request.httprequest.method
        version, _slash, path = path.partition('/')
        found = {}
        for contract in env['distribution.api.operation']._operations().values():
            texts = contract.arguments(path) if version == VERSION else None
            if texts is not None:
                found[contract.method] = contract, texts
        if not found:
            raise Problem('not-found', f"There is no operation at {ROOT}/{version[:20]}/{path[:100]}.")
        if method not in found:
            allowed = ', '.join(sorted(found))
            raise Problem('method-not-allowed', f"Use {allowed}.", headers={'Allow': allowed})
        contract, texts = found[method]
        declared = {name: contract.parameters[name] for name in texts}
        try:
            return contract, api_query.arguments(declared, {name: [text] for name, text in texts.items()})
        except Problem as problem:
            raise Problem('not-found', problem.errors[0]['detail'])

    def _idempotency_key(self, message_id):
        """What makes the call one with an earlier one; of signed calls it is signed as well: their webhook-id."""
        given = idempotency.check_key(request.httprequest.headers.get('Idempotency-Key'))
        if message_id and given not in (None, message_id):
            raise Problem('header-invalid', "Idempotency-Key: of signed calls it is webhook-id; leave it out.")
        return idempotency.check_key(message_id) or given

    def _check_signature(self, key, raw):
        """The id of a signed message; None when the key does not ask for signatures."""
        if not key.requires_signature:
            return None
        headers = request.httprequest.headers
        message_id = headers.get('webhook-id')
        try:
            verify(
                key._secrets()._signing_secrets(),
                message_id,
                headers.get('webhook-timestamp'),
                raw,
                headers.get('webhook-signature'),
                now=time.time(),
            )
        except SignatureProblem as error:
            raise Problem('signature-invalid', str(error))
        return message_id
