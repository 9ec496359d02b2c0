"""The OpenAPI 3.1 document of the operations: made of their contracts, never written by hand."""

from .idempotency import LONGEST
from .problem import KINDS, MEDIA_TYPE, PREFIX

#: Below it every answer is one of the API, also that there is no such thing.
ROOT = '/distribution/api'
VERSION = 'v1'
BASE = f'{ROOT}/{VERSION}'
#: What every call can be answered with, and what those with a body can be answered with besides.
ALWAYS = (400, 401, 403, 429, 500, 503)
WITH_BODY = (409, 411, 413, 415, 422)
REPLAYED = {
    'Idempotent-Replayed': {'description': "There when the call was known already.", 'schema': {'const': 'true'}}
}
IF_NONE_MATCH = {
    'name': 'If-None-Match',
    'in': 'header',
    'required': False,
    'description': "The ETag of what the caller has: an answer that would be the same is 304, without a body.",
    'schema': {'type': 'string'},
}
ETAG = {'ETag': {'description': "Changes when the answer does.", 'schema': {'type': 'string'}}}
NEXT = {
    'Link': {'description': "rel=next: the address of the next page, when there is one.", 'schema': {'type': 'string'}}
}
DESCRIPTION = (
    "Calls into the distribution suite. Each carries a key (`Authorization: Bearer dk_…`), acts as the account of "
    "that key, and is one transaction. Errors are problem details (RFC 9457): decide by `type`."
)


def document(operations):
    """The document, as a dict.

    :param operations: of :mod:`.operation`
    """
    paths = {}
    for operation in sorted(operations, key=lambda one: one.path):
        paths.setdefault(f'/{operation.path}', {})[operation.method.lower()] = _operation(operation)
    return {
        'openapi': '3.1.0',
        'info': {'title': "Distribution Suite", 'version': '1.0.0', 'description': DESCRIPTION},
        'servers': [{'url': BASE}],
        'security': [{'key': []}],
        'paths': paths,
        'components': {
            'securitySchemes': {
                'key': {'type': 'http', 'scheme': 'bearer', 'bearerFormat': 'dk_<prefix>_<secret>'},
            },
            'schemas': {'Problem': _problem_schema()},
            'responses': {str(status): _problem_response(status) for status in _statuses()},
        },
    }


def _operation(operation):
    statuses = {*ALWAYS, *operation.refusals}
    words = {
        'operationId': operation.name.replace('-', '_').replace('.', '_'),
        'summary': operation.title,
        'description': operation.description,
        'tags': ['in' if operation.method == 'POST' else 'out'],
    }
    parameters = [
        {
            'name': name,
            'in': 'path' if name in operation.path_parameters else 'query',
            'required': name in operation.path_parameters,
            'schema': schema,
            **({'description': schema['description']} if 'description' in schema else {}),
        }
        for name, schema in operation.parameters.items()
    ]
    if operation.path_parameters:
        statuses.add(404)
    responses = {}
    if operation.method == 'POST':
        statuses.update(WITH_BODY)
        parameters.append(
            {
                'name': 'Idempotency-Key',
                'in': 'header',
                'required': False,
                'description': "The same key with the same body gets the same answer, and nothing is done twice.",
                'schema': {'type': 'string', 'minLength': 1, 'maxLength': LONGEST, 'pattern': '^[!-~]+$'},
            }
        )
        words['requestBody'] = {
            'required': True,
            'content': {media: {'schema': operation.body} for media in media_types(operation)},
        }
        responses['200'] = _response("Done.", answer_schema(operation, 'applied'), REPLAYED)
        responses['202'] = _response(
            "Taken and kept: it is applied later, or a person looks at it.",
            answer_schema(operation, 'waiting'),
            REPLAYED,
        )
    else:
        parameters.append(IF_NONE_MATCH)
        responses['200'] = _response("The answer.", operation.answer, {**ETAG, **(NEXT if operation.table else {})})
        if operation.table:
            responses['200']['content']['text/csv'] = {'schema': {'type': 'string'}}
        responses['304'] = {'description': "What the caller has is still so.", 'headers': ETAG}
    responses.update({str(status): {'$ref': f'#/components/responses/{status}'} for status in sorted(statuses)})
    return {**words, 'parameters': parameters, 'responses': responses}


def media_types(operation):
    """Content types that the operation takes."""
    cloudevent = operation.body and 'specversion' in operation.body.get('properties', {})
    return ('application/json', 'application/cloudevents+json') if cloudevent else ('application/json',)


def answer_schema(operation, state):
    """What a POST is answered with in this state."""
    properties = {
        'call_id': {'type': 'integer', 'description': "Number of the call: GET calls/{id} tells what became of it."},
        'state': {'const': state},
    }
    required = ['call_id', 'state']
    if state == 'applied':
        properties['result'] = operation.answer
        required.append('result')
    else:
        properties['case_id'] = {'type': 'integer', 'description': "The exception case, when there is one."}
    return {'type': 'object', 'required': required, 'properties': properties, 'additionalProperties': False}


def _response(description, schema, headers=None):
    response = {'description': description, 'content': {'application/json': {'schema': schema}}}
    return {**response, 'headers': headers} if headers else response


def _statuses():
    return sorted({kind.status for kind in KINDS.values()})


def _problem_response(status):
    kinds = [PREFIX + name for name, kind in KINDS.items() if kind.status == status]
    response = {
        'description': ' / '.join(kind.title for kind in KINDS.values() if kind.status == status),
        'content': {
            MEDIA_TYPE: {
                'schema': {
                    'allOf': [{'$ref': '#/components/schemas/Problem'}],
                    'properties': {'type': {'enum': kinds}, 'status': {'const': status}},
                }
            }
        },
    }
    if status in (429, 503):
        response['headers'] = {'Retry-After': {'description': "Seconds.", 'schema': {'type': 'integer', 'minimum': 1}}}
    return response


def _problem_schema():
    return {
        'type': 'object',
        'required': ['type', 'title', 'status', 'remedy'],
        'properties': {
            'type': {'type': 'string', 'description': "Never changes: decide by it."},
            'title': {'type': 'string'},
            'status': {'type': 'integer'},
            'detail': {'type': 'string'},
            'remedy': {'type': 'string', 'description': "What the caller can do about it."},
            'errors': {
                'type': 'array',
                'items': {
                    'type': 'object',
                    'required': ['pointer', 'detail'],
                    'properties': {
                        'pointer': {'type': 'string', 'description': "JSON pointer into the body."},
                        'detail': {'type': 'string'},
                    },
                },
            },
            'call_id': {'type': 'integer', 'description': "The call as it is kept, when it is."},
            'link': {'type': 'string', 'description': "Where a person can go on."},
            'newer': {'type': 'integer', 'description': "What replaces it, when there is one that may be read."},
        },
    }
