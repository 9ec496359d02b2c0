"""How Odoo hands calls of the API on, and what it answers when something goes wrong on the way.

A type of route of its own, beside Odoo's ``http`` and ``json``: nothing of the address or the body becomes an
argument of a method, there is neither session nor form, and every error is a problem detail – also when
Odoo's retries of serialization failures come to an end.
"""

import json
from decimal import Decimal

import psycopg2
from odoo import http
from odoo.exceptions import AccessDenied, AccessError, MissingError, UserError
from werkzeug.exceptions import HTTPException

from ..engine.problem import MEDIA_TYPE, Problem, kind_of_status

#: Bodies may name prices and customers: no cache keeps an answer.
HEADERS = {'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'X-Robots-Tag': 'noindex'}


def response(status, document, headers=None, media_type='application/json'):
    """An answer in JSON."""
    body = json_bytes(document)
    return http.Response(body, status=status, headers={**HEADERS, **(headers or {}), 'Content-Type': media_type})


def json_bytes(document):
    """A document in JSON; exact numbers are numbers."""
    return json.dumps(document, ensure_ascii=False, separators=(',', ':'), default=_number).encode()


def _number(value):
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is nothing that JSON knows")
    return int(value) if value == value.to_integral_value() else float(value)


def problem_response(problem):
    """The answer that a problem is."""
    return response(problem.status, problem.document(), problem.headers, MEDIA_TYPE)


def problem_of(error):
    """What the caller is told about an exception that nobody foresaw."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return Problem(kind_of_status(error.code or 500))
    if isinstance(error, (AccessError, AccessDenied)):
        return Problem('not-allowed')
    if isinstance(error, (UserError, MissingError)):
        return Problem('not-applicable', str(error))
    if isinstance(error, psycopg2.OperationalError) or type(error).__name__ == 'ConcurrencyError':
        return Problem('busy', headers={'Retry-After': '2'})
    return Problem('internal-error')


class ApiDispatcher(http.Dispatcher):
    """Calls the endpoint with what the route found in the path, and with nothing else."""

    routing_type = 'distribution_api'

    @classmethod
    def is_compatible_with(cls, request):
        return True

    def dispatch(self, endpoint, args):
        if not self.request.db:  # none was chosen, or it does not answer
            raise Problem('unavailable', headers={'Retry-After': '30'})
        self.request.params = dict(args)
        return self.request.registry['ir.http']._dispatch(endpoint)

    def handle_error(self, exc):
        return problem_response(problem_of(exc))
