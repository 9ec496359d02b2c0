"""Odoo makes the scripts and styles of the web client on the first request; this makes them before it.

Run in the engine's Python with Odoo's own options, by :func:`tools.devkit.database.draw_assets`.
"""

import sys


def main(options: list[str]) -> None:
    """Make and store them, in the database that `options` name."""
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(options)
    [name] = config["db_name"] if isinstance(config["db_name"], list) else [config["db_name"]]
    with Registry(name).cursor() as cursor:
        qweb = api.Environment(cursor, SUPERUSER_ID, {})["ir.qweb"]
        bundles = qweb._get_bundles_to_pregenarate()
        # Half of the time goes into those of Odoo's own tests of the web client.
        needed = tuple({bundle for bundle in kind if "test" not in bundle} for kind in bundles)
        type(qweb)._get_bundles_to_pregenarate = lambda _self: needed
        qweb._pregenerate_assets_bundles()


if __name__ == "__main__":
    main(sys.argv[1:])
