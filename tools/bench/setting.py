"""What a bench works in: Odoo in this process, and three databases to compare."""

import contextlib
import json
import os
import sys
import time

PLAIN, SUITE, PEER, JOBS = "plain", "suite", "peer", "jobs"


def _setting() -> dict:
    try:
        return json.loads(os.environ["SUITE_BENCH"])
    except KeyError:
        raise SystemExit("Run benches with `make bench`: it prepares their databases.") from None


def series() -> str:
    """The engine's series, ``17.0`` or ``19.0``."""
    return _setting()["series"]


def _load_odoo() -> None:
    """Configure Odoo in this process, once."""
    from odoo.tools import config

    if not getattr(_load_odoo, "done", False):
        config.parse_config(_setting()["options"])
        _load_odoo.done = True


def registry(which: str):
    """Odoo's registry of the database `which`, loaded in this process."""
    _load_odoo()
    from odoo.modules.registry import Registry

    return Registry(_setting()["databases"][which])


@contextlib.contextmanager
def odoo(which: str):
    """An environment (superuser) on the database `which`; everything is rolled back afterwards.

    :param which: `PLAIN` (Odoo's apps only), `SUITE` (with our addons) or `PEER` (with the OCA's
        ``purchase_tier_validation``)
    """
    loaded = registry(which)
    from odoo import SUPERUSER_ID, api

    with loaded.cursor() as cursor:
        try:
            yield api.Environment(cursor, SUPERUSER_ID, {})
        finally:
            cursor.rollback()


def vacuum(env) -> None:
    """Clear away what was rolled back in the database of `env`, which has no transaction open."""
    from odoo import sql_db

    with contextlib.closing(sql_db.db_connect(env.cr.dbname).cursor()) as cursor:
        cursor._cnx.autocommit = True
        cursor.execute("VACUUM ANALYZE")


def versions(env) -> dict:
    """Versions of ``odoo``, ``python`` and ``postgresql`` (major) that `env` works with."""
    from odoo import release

    return {
        "odoo": release.version,
        "python": sys.version.split()[0],
        "postgresql": env.cr._cnx.server_version // 10000,
    }


class Measured:
    """Seconds and database queries of a ``with`` block, with what is flushed and done before a commit.

    >>> with Measured(env) as cost:  # doctest: +SKIP
    ...     order.button_confirm()
    >>> cost.seconds, cost.queries  # doctest: +SKIP
    """

    def __init__(self, env):
        self.env = env
        self.seconds = 0.0
        self.queries = 0

    def __enter__(self):
        self.env.flush_all()
        self._queries = self.env.cr.sql_log_count
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_exc):
        self.env.cr.flush()
        self.seconds = time.perf_counter() - self._start
        self.queries = self.env.cr.sql_log_count - self._queries
