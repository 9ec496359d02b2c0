"""What went wrong with a call, in the words of RFC 9457 (problem details for HTTP).

Rules:

1. ``type`` is a URN that never changes: programs decide by it. Title, detail and remedy are for people.
2. Each type has one status.
3. ``errors`` name the places in the body, as JSON pointers.
4. ``remedy`` says what the caller can do about it.

>>> problem = Problem('body-invalid', errors=[{'pointer': '/lines/0/quantity', 'detail': 'must be above 0'}])
>>> problem.status, problem.document()['type']
(422, 'urn:distribution:problem:body-invalid')
>>> Problem('rate-limited', headers={'Retry-After': '3'}).document()['remedy']
'Wait as long as Retry-After says.'
"""

import logging
from dataclasses import dataclass

PREFIX = 'urn:distribution:problem:'
MEDIA_TYPE = 'application/problem+json'


@dataclass(frozen=True)
class Kind:
    """One type of problem."""

    status: int
    title: str
    remedy: str


KINDS = {
    'body-malformed': Kind(400, "The body is not JSON", "Send one JSON object in UTF-8."),
    'body-too-deep': Kind(400, "The body is nested too deeply", "Send what the schema of the operation asks for."),
    'header-invalid': Kind(400, "A header makes no sense", "Correct the header that is named."),
    'query-invalid': Kind(400, "A parameter makes no sense", "Correct the parameter that is named."),
    'key-missing': Kind(401, "There is no key", "Send “Authorization: Bearer dk_…”."),
    'key-unknown': Kind(401, "The key is not known here", "Ask an administrator for a key of this database."),
    'key-expired': Kind(401, "The key has expired", "Ask an administrator for a new key."),
    'key-revoked': Kind(401, "The key was revoked", "Ask an administrator why, and for a new key."),
    'signature-invalid': Kind(
        401, "The signature does not fit", "Sign the raw body as Standard Webhooks says, with the secret of the key."
    ),
    'scope-missing': Kind(403, "The key may not do this", "Ask an administrator to add the operation to the key."),
    'company-forbidden': Kind(403, "The key is not for this company", "Name a company of the key, or none."),
    'not-allowed': Kind(403, "The account of the key may not do this", "Ask an administrator for the missing right."),
    'token-refused': Kind(
        403, "The decision token is not good", "Have a new link sent to the approver; each works once, for one task."
    ),
    'session-needed': Kind(
        403, "This decision takes the person", "The approver decides in their own session, at the address in “link”."
    ),
    'not-found': Kind(404, "There is no such thing", "Compare the address with the OpenAPI document."),
    'method-not-allowed': Kind(405, "Not with this method", "Use a method that “Allow” names."),
    'conflict': Kind(409, "It contradicts what is known", "Look at what is there, then send what shall hold now."),
    'recalled': Kind(
        410,
        "It was recalled",
        "Throw away what you have of it; “newer” names what replaces it, when there is something.",
    ),
    'not-kept': Kind(410, "It is not kept any longer", "Ask who answers for it whether it is still needed."),
    'length-required': Kind(411, "The length is missing", "Send Content-Length."),
    'body-too-large': Kind(413, "The body is too large", "Send fewer lines per call."),
    'media-type': Kind(415, "The body is not of a known type", "Send “Content-Type: application/json”."),
    'body-invalid': Kind(422, "The body does not fit the schema", "Correct the places in “errors”."),
    'idempotency-mismatch': Kind(
        422, "The idempotency key was used for something else", "Use a new Idempotency-Key for a new call."
    ),
    'not-applicable': Kind(
        422, "It cannot be applied", "Correct it; or send “accept_as_case”: true to have a person look at it."
    ),
    'rate-limited': Kind(429, "Too many calls", "Wait as long as Retry-After says."),
    'internal-error': Kind(
        500, "Something is broken here", "Nothing was changed. Try again with the same Idempotency-Key, or tell us."
    ),
    'busy': Kind(503, "Others were quicker, several times", "Nothing was changed. Try again in a moment."),
    'unavailable': Kind(503, "The server cannot work now", "Nothing was changed. Wait as long as Retry-After says."),
}


class Problem(Exception):
    """A call cannot be answered as its caller hoped; nothing that it did holds.

    :param kind: a key of ``KINDS``
    :param detail: what happened in this case, for people
    :param errors: list of ``{'pointer': JSON pointer, 'detail': text}``
    :param more: further members of the document
    """

    #: Read by Odoo's HTTP layer: no traceback in the log for what a caller did wrong.
    loglevel = logging.INFO

    def __init__(self, kind, detail='', *, errors=(), headers=None, **more):
        super().__init__(f'{kind}: {detail}' if detail else kind)
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.more = more

    @property
    def status(self):
        """The HTTP status."""
        return KINDS[self.kind].status

    def document(self):
        """The body of the answer."""
        kind = KINDS[self.kind]
        document = {'type': PREFIX + self.kind, 'title': kind.title, 'status': kind.status, 'remedy': kind.remedy}
        if self.detail:
            document['detail'] = self.detail
        if self.errors:
            document['errors'] = self.errors
        return {**document, **self.more}


def kind_of_status(status):
    """The most general type of a status; for errors that others raised.

    >>> kind_of_status(413), kind_of_status(418)
    ('body-too-large', 'body-malformed')
    """
    for name, kind in KINDS.items():
        if kind.status == status:
            return name
    return 'internal-error' if status >= 500 else 'body-malformed'
