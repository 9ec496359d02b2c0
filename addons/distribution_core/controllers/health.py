"""For those who watch the server: is it alive, is it ready, and how does it do.

``/distribution/health/live``   the process answers; no database is asked
``/distribution/health``        it can do its work: 200, or 503 with the reasons
``/distribution/metrics``       Prometheus text, with a token of its own in ``Authorization: Bearer``
"""

import json

from odoo import SUPERUSER_ID, http
from odoo.http import Response, request

NO_STORE = ('Cache-Control', 'no-store')
TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'


class DistributionHealth(http.Controller):
    @http.route('/distribution/health/live', type='http', auth='none', methods=['GET'], save_session=False)
    def live(self, **_ignored):
        return _json(200, {'status': 'alive'})

    @http.route('/distribution/health', type='http', auth='none', methods=['GET'], save_session=False)
    def ready(self, **_ignored):
        """Reasons are names of what is wrong: nothing that helps a stranger."""
        if not request.db:
            return _json(503, {'status': 'not ready', 'reasons': ["no database is chosen"]})
        reasons = _health()._not_ready()
        if reasons:
            return _json(503, {'status': 'not ready', 'reasons': reasons})
        return _json(200, {'status': 'ready'})

    @http.route('/distribution/metrics', type='http', auth='none', methods=['GET'], save_session=False)
    def metrics(self, **_ignored):
        kind, _space, token = request.httprequest.headers.get('Authorization', '').partition(' ')
        known = request.db and kind.lower() == 'bearer' and _env()['distribution.metrics.token']._knows(token)
        if not known:
            return Response(status=401, headers=[NO_STORE, ('WWW-Authenticate', 'Bearer')])
        return Response(_health()._exposition(), headers=[NO_STORE, ('Content-Type', TEXT_FORMAT)])


def _env():
    # Nobody is logged in: the server looks at itself.
    return request.env(user=SUPERUSER_ID)


def _health():
    return _env()['distribution.health']


def _json(status, content):
    headers = [NO_STORE, ('Content-Type', 'application/json')]
    return Response(json.dumps(content), status=status, headers=headers)
