"""For those who watch the server: is it alive, is it ready, and how does it do.

``/distribution/health/live``   the process answers, whether the database does or not
``/distribution/health``        it can do its work: 200, or 503; why not, for whoever has the token of the metrics
``/distribution/metrics``       Prometheus text, with that token in ``Authorization: Bearer``
"""

import json

from odoo import SUPERUSER_ID, http
from odoo.http import Response, request

from ..engine import api_key

NO_STORE = ('Cache-Control', 'no-store')
TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'
#: Readiness is that of the database that is written to, and strangers are counted.
ROUTE = {'type': 'http', 'auth': 'none', 'methods': ['GET'], 'save_session': False, 'readonly': False}


class DistributionHealth(http.Controller):
    @http.route('/distribution/health/live', **ROUTE)
    def live(self, **_ignored):
        return _json(200, {'status': 'alive'})

    @http.route('/distribution/health', **ROUTE)
    def ready(self, **_ignored):
        if not request.db:  # none was chosen, or it does not answer
            return _json(503, {'status': 'not ready'})
        reasons = _env()['distribution.health']._not_ready()
        if not reasons:
            return _json(200, {'status': 'ready'})
        if _has_token():
            return _json(503, {'status': 'not ready', 'reasons': reasons})
        # Who only asks whether it is ready may ask as often as a load balancer does.
        wait = request.httprequest.headers.get('Authorization') and _seconds_to_wait()
        return _too_many(wait) if wait else _json(503, {'status': 'not ready'})

    @http.route('/distribution/metrics', **ROUTE)
    def metrics(self, **_ignored):
        if not request.db:
            return Response(status=503, headers=[NO_STORE])
        if not _has_token():
            wait = _seconds_to_wait()
            if wait:
                return _too_many(wait)
            return Response(status=401, headers=[NO_STORE, ('WWW-Authenticate', 'Bearer')])
        text = _env()['distribution.health']._exposition()
        return Response(text, headers=[NO_STORE, ('Content-Type', TEXT_FORMAT)])


def _env():
    # Nobody is logged in: the server looks at itself.
    return request.env(user=SUPERUSER_ID)


def _has_token():
    token = api_key.from_header(request.httprequest.headers.get('Authorization'))
    return bool(token) and _env()['distribution.metrics.token']._knows(token)


def _seconds_to_wait():
    """Count somebody without the token; 0: it was not one call too many."""
    return _env()['distribution.api.stranger']._count(request.httprequest.remote_addr)


def _too_many(wait):
    return Response(status=429, headers=[NO_STORE, ('Retry-After', str(wait))])


def _json(status, content):
    headers = [NO_STORE, ('Content-Type', 'application/json')]
    return Response(json.dumps(content), status=status, headers=headers)
