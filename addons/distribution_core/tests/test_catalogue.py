"""The catalogue of event types."""

import json

from odoo.tests import TransactionCase, tagged

from ..models.distribution_event_type import EventTypeProblem, check_schema


@tagged('post_install', '-at_install')
class TestCatalogue(TransactionCase):
    def setUp(self):
        super().setUp()
        self.Type = self.env['distribution.event.type']

    def test_every_schema_of_every_addon_is_usable(self):
        types = self.Type.search([])
        self.assertGreaterEqual(len(types), 11)
        self.assertEqual(types.filtered('problem').mapped('problem'), [])
        for event_type in types.filtered('is_active'):
            with self.subTest(event_type.name):
                self.assertTrue(event_type.description)
                self.assertTrue(json.loads(event_type.sample) or event_type.sample == '{}')
                self.assertTrue(json.loads(event_type.schema))

    def test_loading_again_costs_next_to_nothing(self):
        self.Type._load_catalogue()
        with self.assertQueryCount(1):
            self.Type._load_catalogue()

    def test_type_of_a_removed_addon_stays_but_is_out_of_use(self):
        gone = self.Type.create({'name': 'gone.thing.happened.v1', 'version': 1, 'addon': 'gone', 'title': "Gone"})
        self.Type._load_catalogue(force=True)
        self.assertFalse(gone.is_active)
        self.assertEqual(self.Type.search_count([('name', '=', 'distribution.partner.merged.v1')]), 1)

    def test_what_is_wrong_with_a_schema(self):
        good = {
            'title': 'T',
            'description': 'D',
            'type': 'object',
            'properties': {'a': {'type': 'string'}},
            'examples': [{'a': 'x'}],
        }
        check_schema('distribution_core', 'distribution.a.b.v1', json.dumps(good))
        for name, change, message in (
            ('distribution.a.b.v1', {'type': 'nonsense'}, "no JSON Schema"),
            ('distribution.a.b.v1', {'examples': [{'a': 1}]}, "example does not fit"),
            ('distribution.a.b.v1', {'title': ''}, "lacks title"),
            ('distribution.a.b', {}, "must end with .v"),
        ):
            with self.subTest(message), self.assertRaisesRegex(EventTypeProblem, message):
                check_schema('distribution_core', name, json.dumps({**good, **change}))
        with self.assertRaisesRegex(EventTypeProblem, 'belong to the suite'):
            check_schema('mail', 'distribution.a.b.v1', json.dumps(good))
        with self.assertRaisesRegex(EventTypeProblem, 'is not JSON'):
            check_schema('distribution_core', 'distribution.a.b.v1', '{')

    def test_constraints_exist_in_the_database(self):
        self.env.cr.execute(
            "SELECT conname FROM pg_constraint WHERE conname = ANY(%s)",
            [
                [
                    'distribution_event_type_name_unique',
                    'distribution_region_code_company_unique',
                    'distribution_case_type_code_unique',
                ]
            ],
        )
        self.assertEqual(len(self.env.cr.fetchall()), 3)
