"""Filters by days are about the days of who looks: a moment is not compared with a day of another place."""

import ast

from lxml import etree
from odoo.tests import TransactionCase, tagged

from ..compat import IS_17


@tagged('post_install', '-at_install')
class TestFilterDays(TransactionCase):
    def test_moments_are_compared_with_moments(self):
        """“Today” begins at midnight of the reader: written as a day it would begin at midnight in Greenwich."""
        compared = 0
        for view in self.env['ir.ui.view'].search([('type', '=', 'search'), ('model', '=like', 'distribution.%')]):
            fields = self.env[view.model]._fields
            for node in etree.fromstring(view.arch).xpath('//filter[@domain]'):
                for leaf in ast.walk(ast.parse(node.get('domain').strip(), mode='eval')):
                    if not isinstance(leaf, ast.Tuple) or len(leaf.elts) != 3:
                        continue
                    name, value = leaf.elts[0].value, ast.unparse(leaf.elts[2])
                    if 'today' not in value:
                        continue
                    is_moment = fields[name].type == 'datetime'
                    compared += is_moment
                    # 19.0: 'today -7d' is read by the server, and means the days of who looks
                    if IS_17 or not value.startswith("'today"):
                        with self.subTest(view=view.xml_id, filter=node.get('name')):
                            self.assertEqual('to_utc()' in value and '%H:%M:%S' in value, is_moment)
        self.assertGreaterEqual(compared, 5)
