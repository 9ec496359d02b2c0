"""The demo company stays out of databases that people work in."""

import os
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests.common import TransactionCase, tagged

from ..generator.guard import OWN_WORK, STANDARD_LOGINS, VARIABLE, refuse_real_database


@tagged("post_install", "-at_install")
class TestGuard(TransactionCase):
    def test_refuses_without_the_variable(self):
        with patch.dict(os.environ):
            os.environ.pop(VARIABLE, None)
            with self.assertRaisesRegex(UserError, VARIABLE):
                refuse_real_database(self.env)

    def test_refuses_a_database_in_use(self):
        with patch.dict(os.environ, {VARIABLE: "1"}), self.assertRaisesRegex(UserError, "in use.*buyer") as refused:
            refuse_real_database(self.env)
        self.assertIn("Purchase Order", str(refused.exception))

    def test_accepts_a_new_database(self):
        users = type(self.env["res.users"])
        with (
            patch.dict(os.environ, {VARIABLE: "1"}),
            patch.object(users, "search", lambda self, domain: self.browse()),
            patch("odoo.addons.distribution_demo.generator.guard.OWN_WORK", ()),
        ):
            refuse_real_database(self.env)

    def test_what_counts_as_new(self):
        self.assertIn("admin", STANDARD_LOGINS)
        self.assertTrue(all(model in self.env for model in OWN_WORK))
