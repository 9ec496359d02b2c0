"""Filters by days are about the days of who looks: a moment is not compared with a day of another place."""

import ast

from lxml import etree
from odoo.tests import TransactionCase, tagged


@tagged('post_install', '-at_install')
class TestFilterDays(TransactionCase):
    def test_moments_are_compared_with_moments(self):
        """“Today” begins at midnight of the reader: written as a day it would begin at midnight in Greenwich."""
        compared = 0
        for view in self.env['ir.ui.view'].search([('type', '=', 'search'), ('model', '=like', 'distribution.%')]):
            fields = self.env[view.model]._fields
            for node in etree.fromstring(view.arch).xpath('//filter[@domain]'):
                for leaf in ast.walk(ast.parse(node.get('domain').strip(), mode='eval')):
                    if not isinstance(leaf, ast.Tuple) or 'context_today' not in ast.unparse(leaf):
                        continue
                    name, value = leaf.elts[0].value, ast.unparse(leaf.elts[2])
                    is_moment = fields[name].type == 'datetime'
                    compared += is_moment
                    with self.subTest(view=view.xml_id, filter=node.get('name')):
                        self.assertEqual('to_utc()' in value and '%H:%M:%S' in value, is_moment)
        self.assertGreaterEqual(compared, 5)
