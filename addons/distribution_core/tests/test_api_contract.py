"""What the OpenAPI document says is what the operations take and answer."""

import copy
import json

import jsonschema
from odoo.tests import tagged

from ..engine.api_body import mistakes
from .api_case import BASE, ApiCase

WRONG = {'string': 5, 'integer': 'x', 'number': 'x', 'boolean': 'x', 'object': [], 'array': {}}


@tagged('post_install', '-at_install')
class TestApiContract(ApiCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.Operation._openapi()

    def operations(self, method):
        for path, item in self.document['paths'].items():
            if method in item:
                yield path.strip('/'), item[method]

    def assertDocumented(self, operation, answer):
        """Status, type of content and content of an answer are in the document."""
        response = operation['responses'].get(str(answer.status_code))
        self.assertTrue(response, f"{answer.status_code} is not documented: {answer.text}")
        if '$ref' in response:
            response = self.document['components']['responses'][response['$ref'].rpartition('/')[2]]
        content = response['content'][answer.headers['Content-Type']]
        schema = {**content['schema'], 'components': self.document['components']}
        self.assertEqual(list(jsonschema.Draft202012Validator(schema).iter_errors(answer.json())), [])

    def test_served(self):
        served = self.assertAnswer(self.get('openapi.json'), 200)
        self.assertEqual(served, json.loads(json.dumps(self.document)))
        self.assertEqual((served['openapi'], served['servers'][0]['url']), ('3.1.0', BASE))

    def test_every_operation_is_in_it_and_in_the_catalogue(self):
        contracts = self.Operation._operations()
        documented = {(path, method) for path, item in self.document['paths'].items() for method in item}
        self.assertEqual(documented, {(f'/{one.path}', one.method.lower()) for one in contracts.values()})
        self.assertEqual(set(self.Operation.search([]).mapped('name')), set(contracts))
        for name in (
            'supplier-confirmations',
            'ship-notices',
            'carrier-statuses',
            'credit-statuses',
            'vendor-risks',
            'requisitions',
            'customer-orders',
            'external-events',
            'events',
            'event-types',
        ):
            self.assertIn(name, contracts)

    def test_schemas_are_schemas(self):
        for _path, operation in self.operations('post'):
            for content in operation['requestBody']['content'].values():
                schema = content['schema']
                jsonschema.Draft202012Validator.check_schema(schema)
                for example in schema['examples']:
                    self.assertEqual(mistakes(schema, example), [])

    def test_examples_are_taken(self):
        for path, operation in self.operations('post'):
            for media, content in operation['requestBody']['content'].items():
                for example in content['schema']['examples']:
                    with self.subTest(path, media=media):
                        answer = self.post(path, example, headers={'Content-Type': media})
                        self.assertDocumented(operation, answer)
                        self.assertNotIn('body-invalid', answer.text)

    def test_what_does_not_fit_is_refused(self):
        for path, operation in self.operations('post'):
            schema = next(iter(operation['requestBody']['content'].values()))['schema']
            for broken in self._broken(schema):
                with self.subTest(path, body=broken):
                    answer = self.post(path, broken)
                    self.assertDocumented(operation, answer)
                    self.assertProblem(answer, 422, 'body-invalid')

    def _broken(self, schema):
        """Bodies that differ from the example in one thing each."""
        example = schema['examples'][0]
        for name in schema['required']:
            yield {key: value for key, value in example.items() if key != name}
        yield {**example, 'Unknown-Member': 1}
        for name, part in schema['properties'].items():
            if part.get('type') in WRONG:
                yield {**copy.deepcopy(example), name: WRONG[part['type']]}
            elif 'enum' in part or 'const' in part:
                yield {**copy.deepcopy(example), name: 'nothing of the kind'}

    def test_answers_of_reading(self):
        for path, operation in self.operations('get'):
            with self.subTest(path):
                self.assertDocumented(operation, self.get(path.replace('{id}', '1')))
                self.assertDocumented(operation, self.get(path.replace('{id}', '999999')))
                self.assertDocumented(operation, self.get(path.replace('{id}', '1') + '?x=1'))
