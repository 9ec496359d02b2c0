"""An operation of the API: what it is called, what it takes, what it answers.

The contract is a JSON file of the addon that offers the operation (folder ``operations``), named after it:

``title``, ``description``
    for people
``method``
    ``POST`` takes a ``body``; ``GET`` takes ``parameters``
``path``
    default: the name; ``approval-requests/{id}`` for a single record
``body``
    JSON Schema (2020-12) of an object, with ``examples``. To each, ``accept_as_case`` and ``company_id``
    are added where it has none of its own, unless the contract says ``"bare": true``
``parameters``
    ``{name: JSON Schema}``; those in ``path`` are required
``answer``
    JSON Schema of the answer; for POST of its member ``result``
``hidden``
    members of the body that are not kept, such as one-use tokens
``identity``
    members of the body that name the fact: two calls that agree in them are the same, whatever their keys
``free``
    true: every valid key may
``table``
    of a GET: the member of the answer that is a list of rows; the caller may have it as CSV (parameter ``format``, or
    ``Accept``). Its columns are the members of ``columns`` of the answer by ``key``, else those of the rows' schema
``refusals``
    statuses of problems that the operation answers with besides those of every call

Who acts on it is not part of the contract.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

COMMON = {
    'accept_as_case': {
        'type': 'boolean',
        'default': False,
        'description': "What cannot be applied is kept as an exception case (202) instead of being refused.",
    },
    'company_id': {
        'type': 'integer',
        'minimum': 1,
        'maximum': 2147483647,
        'description': "One of the companies of the key; default its first one.",
    },
}
METHODS = ('GET', 'POST')
#: How an answer with a table is written; default what ``Accept`` prefers, else JSON.
FORMAT = {'type': 'string', 'enum': ['json', 'csv'], 'description': "csv: only the rows, as a table."}


class ContractProblem(ValueError):
    """A contract cannot be used."""


@dataclass(frozen=True)
class Operation:
    """One operation; see above."""

    name: str
    method: str
    path: str
    title: str
    description: str
    body: dict | None = None
    parameters: dict = field(default_factory=dict)
    answer: dict = field(default_factory=dict)
    hidden: tuple = ()
    identity: tuple = ()
    free: bool = False
    bare: bool = False
    table: str = ''
    refusals: tuple = ()

    @property
    def path_parameters(self):
        """Names in braces in the path."""
        return re.findall(r'{(\w+)}', self.path)

    def arguments(self, path):
        """Values of the path's parameters as texts, or None when ``path`` is not that of the operation."""
        pattern = re.sub(r'{(\w+)}', r'(?P<\1>[^/]+)', self.path)
        match = re.fullmatch(pattern, path)
        return match and match.groupdict()

    def wants_case(self, body):
        """Whether what cannot be applied is kept for a person: as the caller says, else as the contract does."""
        declared = self.body.get('properties', {}).get('accept_as_case', {})
        return body.get('accept_as_case', declared.get('default', False)) is True

    def columns(self, answer):
        """Keys of the columns of the table in an answer."""
        if 'columns' in answer:
            return [column['key'] for column in answer['columns']]
        return list(self.answer['properties'][self.table]['items']['properties'])


def read(name, text):
    """The operation of a contract file.

    :raises ContractProblem: with what is wrong
    """
    try:
        contract = json.loads(text)
    except ValueError as error:
        raise ContractProblem(f"{name}: {error}") from error
    missing = [key for key in ('title', 'description', 'method', 'answer') if not contract.get(key)]
    method, body = contract.get('method'), contract.get('body')
    if missing or method not in METHODS or (method == 'POST') != bool(body):
        raise ContractProblem(f"{name}: {', '.join(missing) or 'method and body do not fit together'}")
    if body and not body.get('examples'):
        raise ContractProblem(f"{name}: the body has no examples")
    bare = bool(contract.get('bare'))
    if body and not bare:
        body = {**body, 'properties': {**COMMON, **body['properties']}}
    parameters = contract.get('parameters', {})
    if contract.get('table'):
        if contract['table'] not in contract['answer'].get('properties', {}):
            raise ContractProblem(f"{name}: the answer has no member {contract['table']}")
        parameters = {**parameters, 'format': FORMAT}
    return Operation(
        name=name,
        method=method,
        path=contract.get('path', name),
        title=contract['title'],
        description=contract['description'],
        body=body,
        parameters=parameters,
        answer=contract['answer'],
        hidden=tuple(contract.get('hidden', ())),
        identity=tuple(contract.get('identity', ())),
        free=bool(contract.get('free')),
        bare=bare,
        table=contract.get('table', ''),
        refusals=tuple(contract.get('refusals', ())),
    )


def identity(operation, body, company_id):
    """What names the fact in the body, within a company, as one text; None: nothing does."""
    if not operation.identity:
        return None
    parts = json.dumps([company_id, *(body[name] for name in operation.identity)], separators=(',', ':'))
    return hashlib.sha256(parts.encode()).hexdigest()


def visible(operation, body):
    """The body as it may be kept: hidden members are covered."""
    return {key: '***' if key in operation.hidden else value for key, value in body.items()}
