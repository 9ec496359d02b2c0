"""Routes that answer while the database does not.

Without a database Odoo knows only the routes of addons that are loaded server-wide, and answers everything else “not
found”. To a monitor, and to another system with a call in its hands, that means something else than “try again later”.
"""

from odoo import http
from werkzeug.routing import Rule

from .any_path import NAME, AnyPath


def serve_without_database():
    """Make the routes of this addon that need no login known to the server, once per process.

    They have to look whether there is a database (``request.db``).
    """
    routes = http.root.nodb_routing_map
    routes.converters[NAME] = AnyPath
    known = {rule.rule for rule in routes.iter_rules()}
    for address, endpoint in http._generate_routing_rules(['distribution_core'], nodb_only=True):
        if address not in known:
            routing = {name: value for name, value in endpoint.routing.items() if name in http.ROUTING_KEYS}
            rule = Rule(address, endpoint=endpoint, **routing)
            rule.merge_slashes = False  # as Odoo's own
            routes.add(rule)
