"""Contracts of operations, and the OpenAPI document that is made of them."""

import json

import jsonschema
import pytest

from engine import openapi
from engine.api_query import arguments
from engine.operation import ContractProblem, read, visible
from engine.problem import KINDS, Problem, kind_of_status

POST = {
    'title': 'T',
    'description': 'D',
    'method': 'POST',
    'body': {'type': 'object', 'required': ['a'], 'properties': {'a': {'type': 'string'}}, 'examples': [{'a': 'x'}]},
    'answer': {'type': 'object'},
}
GET = {
    'title': 'T',
    'description': 'D',
    'method': 'GET',
    'path': 'things/{id}',
    'parameters': {'id': {'type': 'integer'}, 'limit': {'type': 'integer', 'default': 3}},
    'answer': {'type': 'object'},
}


def test_post():
    found = read('things-done', json.dumps(POST))
    assert set(found.body['properties']) == {'a', 'accept_as_case', 'company_id'}
    assert found.arguments('things-done') == {} and found.arguments('things') is None
    bare = read('things-done', json.dumps({**POST, 'bare': True, 'hidden': ['a']}))
    assert set(bare.body['properties']) == {'a'}
    assert visible(bare, {'a': 'secret', 'b': 1}) == {'a': '***', 'b': 1}


def test_get():
    found = read('things', json.dumps(GET))
    assert found.arguments('things/7') == {'id': '7'}
    assert found.arguments('things/7/8') is None and found.arguments('things') is None


@pytest.mark.parametrize(
    'change',
    [
        {'title': ''},
        {'method': 'PUT'},
        {'body': None},
        {'answer': None},
        {'body': {'type': 'object', 'properties': {}}},
    ],
)
def test_what_is_wrong_with_a_contract(change):
    with pytest.raises(ContractProblem):
        read('x', json.dumps({**POST, **change}))
    with pytest.raises(ContractProblem):
        read('x', '{')


def test_document():
    made = openapi.document([read('things-done', json.dumps(POST)), read('things', json.dumps(GET))])
    assert set(made['paths']) == {'/things-done', '/things/{id}'}
    post = made['paths']['/things-done']['post']
    assert set(post['responses']) == set(map(str, (200, 202, 400, 401, 403, 409, 411, 413, 415, 422, 429, 500, 503)))
    assert set(made['paths']['/things/{id}']['get']['responses']) == set(
        map(str, (200, 304, 400, 401, 403, 404, 429, 500, 503))
    )
    for response in made['components']['responses'].values():
        jsonschema.Draft202012Validator.check_schema(response['content']['application/problem+json']['schema'])
    json.dumps(made)


def test_a_table():
    rows = {'type': 'array', 'items': {'type': 'object', 'properties': {'a': {}, 'b': {}}}}
    contract = {**GET, 'table': 'rows', 'refusals': [410], 'answer': {'type': 'object', 'properties': {'rows': rows}}}
    found = read('things', json.dumps(contract))
    assert found.columns({'rows': []}) == ['a', 'b']
    assert found.columns({'rows': [], 'columns': [{'key': 'c', 'label': 'C'}]}) == ['c']
    assert arguments({'format': found.parameters['format']}, {'format': ['csv']}) == {'format': 'csv'}
    with pytest.raises(Problem):
        arguments({'format': found.parameters['format']}, {'format': ['xml']})
    get = openapi.document([found])['paths']['/things/{id}']['get']
    assert set(get['responses']['200']['content']) == {'application/json', 'text/csv'}
    assert '410' in get['responses'] and 'Link' in get['responses']['200']['headers']
    with pytest.raises(ContractProblem):
        read('things', json.dumps({**GET, 'table': 'rows'}))


def test_every_problem_is_documented():
    answers = openapi.document([])['components']['responses']
    for name, kind in KINDS.items():
        schema = answers[str(kind.status)]['content']['application/problem+json']['schema']
        document = Problem(name, "Why.").document()
        assert document['type'] in schema['properties']['type']['enum']
        assert all(document[key] for key in ('type', 'title', 'status', 'remedy'))
        assert kind_of_status(kind.status) in KINDS


@pytest.mark.parametrize(
    'given',
    [
        {'limit': ['x']},
        {'limit': ['1', '2']},
        {'other': ['1']},
        {'limit': ['1.5']},
        {'limit': ['']},
        {'limit': ['9' * 30]},
    ],
)
def test_parameters_that_make_no_sense(given):
    with pytest.raises(Problem) as caught:
        arguments({'limit': {'type': 'integer', 'default': 3}}, given)
    assert caught.value.kind == 'query-invalid'


def test_parameters():
    assert arguments({'limit': {'type': 'integer', 'default': 3}}, {'db': ['x']}) == {'limit': 3}
