"""Passwords of the people that tests make up are hashed once; 600,000 times took a tenth of the tests' time.

Odoo imports this only when it tests.
"""

from odoo.addons.base.models import res_users

res_users.MIN_ROUNDS = 1
