"""Keeps the demo company out of databases that people work in."""

import os

from odoo import _
from odoo.exceptions import UserError

VARIABLE = "DISTRIBUTION_DEMO"
#: Whoever exists in every new database.
STANDARD_LOGINS = ("__system__", "admin")
#: A database with one of these is somebody's.
OWN_WORK = ("purchase.order", "sale.order", "stock.picking", "account.move")


def refuse_real_database(env):
    """Raise unless this is meant to be, and can be, the database of the demo company.

    :raises UserError: says what is in the way
    """
    if os.environ.get(VARIABLE) != "1":
        raise UserError(
            _(
                "The demo company fills a whole database with invented people, passwords and orders, and is not "
                "installed here. Use “make run”, or start Odoo with the environment variable %s=1 "
                "on a new database.",
                VARIABLE,
            )
        )
    reasons = []
    people = env["res.users"].search([("share", "=", False), ("login", "not in", STANDARD_LOGINS)])
    if people:
        reasons.append(_("users: %s", ", ".join(people.mapped("login")[:5])))
    for model in OWN_WORK:
        count = env[model].search_count([])
        if count:
            reasons.append(f"{env[model]._description}: {count}")
    if reasons:
        raise UserError(
            _(
                "This database is in use (%s), so the demo company is not installed. "
                "Take a new one, created without Odoo's own demo data.",
                "; ".join(reasons),
            )
        )
