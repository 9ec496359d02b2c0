"""Calls Odoo's converter on one directory; run it with the Python of engine 19.0.

Through its function and with that directory as the only path: the command line would add
Odoo's own addons and rewrite them.
"""

import sys
from pathlib import Path

FROM, TO = (17, 0), (19, 0)


def main() -> None:
    from odoo.cli.upgrade_code import migrate
    from odoo.tools import parse_version

    directory = str(Path(sys.argv[1]).resolve())
    migrate(
        addons_path=[directory],
        glob="**/*",
        from_version=parse_version(".".join(map(str, FROM))),
        to_version=parse_version(".".join(map(str, TO))),
    )


if __name__ == "__main__":
    main()
