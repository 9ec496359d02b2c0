"""One database of the purchase bench in a process of its own: orders in, measurements out.

Started by :mod:`tools.bench.bench_purchase_gate`. Reads a JSON call per line from its input –
``["confirm", "single"]`` – and answers with a line of JSON. Each measurement is a request of its
own: a new transaction with empty caches of records, and all that Odoo keeps per process warm.
All that a commit does is done and counted, but for the last word to the database: what came
about is checked and rolled back, so that the next measurement meets the same database.
"""

import contextlib
import gc
import json
import os
import sys
import time

from . import purchase_company, purchase_policy
from .setting import PEER, SUITE, registry, versions

#: What a browser's button sends along.
CONTEXT = {"lang": "en_US", "tz": "UTC", "validate_analytic": True}
REMEMBERED = "bench.purchase_company"
CONFIRMED = ("purchase", "done")


class Worker:
    """The calls that the bench may make."""

    def __init__(self, which):
        self.which = which
        self.registry = registry(which)
        with self.registry.cursor() as cr:
            remembered = self._env(cr)["ir.config_parameter"].get_param(REMEMBERED)
        self.company = json.loads(remembered) if remembered else None

    def _env(self, cr, login=None, context=None):
        from odoo import SUPERUSER_ID, api

        user = self.company["people"][login] if login else SUPERUSER_ID
        return api.Environment(cr, user, dict(context or {}))

    # ------------------------------------------------------------ preparation

    def build(self):
        """Create the company, once per database."""
        with self.registry.cursor() as cr:
            env = self._env(cr)
            self.company = purchase_company.build(env)
            self.company["currency"] = env.company.currency_id.id
            if self.which == SUITE:
                purchase_company.govern(env, self.company)
            env["ir.config_parameter"].set_param(REMEMBERED, json.dumps(self.company))
        self._tidy()

    def rules(self, count):
        """Put `count` rules in force, each in the way of its addon; plain Odoo has none."""
        set_rules = {SUITE: purchase_policy.publish, PEER: purchase_policy.define_tiers}.get(self.which)
        if set_rules:
            with self.registry.cursor() as cr:
                set_rules(self._env(cr), self.company, count)
            self._tidy()

    def pend(self):
        """Ask for approval of orders until 500 decisions wait for one person."""
        with self.registry.cursor() as cr:
            env = self._env(cr)
            # Notices and activities are not what is measured here.
            env["res.users"].browse(self.company["people"]["purchasing"]).distribution_notice = "none"
            ids = purchase_company.big_orders(env, self.company)
        for start in range(0, len(ids), 100):
            with self.registry.cursor() as cr:
                self._env(cr, "buyer", CONTEXT)["purchase.order"].browse(ids[start : start + 100]).button_confirm()
        self._tidy()

    def _tidy(self):
        """Statistics as autovacuum keeps them, and a heap that the collector leaves alone."""
        with self.registry.cursor() as cr:
            cr.commit()
            cr._cnx.autocommit = True
            cr.execute("VACUUM (ANALYZE)")
            cr._cnx.autocommit = False
        gc.collect()
        gc.freeze()

    def versions(self):
        """Versions of Odoo and of the addons that make the difference."""
        with self.registry.cursor() as cr:
            env = self._env(cr)
            modules = env["ir.module.module"].search(
                [
                    ("state", "=", "installed"),
                    "|",
                    ("name", "=like", "distribution_%"),
                    ("name", "like", "tier_validation"),
                ]
            )
            return {**versions(env), "addons": {module.name: module.latest_version for module in modules}}

    # ------------------------------------------------------------- measurement

    def confirm(self, which):
        """Confirm the ``single`` order or the ``batch``, as the buyer."""
        ids = self.company[which]

        def act(env):
            env["purchase.order"].browse(ids).button_confirm()

        return self._measured("buyer", act, self._check_confirmed)

    def _check_confirmed(self, env):
        orders = env["purchase.order"].sudo().search([("id", "in", self.company["single"] + self.company["batch"])])
        confirmed = orders.filtered(lambda order: order.state in CONFIRMED)
        assert len(confirmed) in (1, len(self.company["batch"])), f"{len(confirmed)} orders were confirmed"
        assert all(len(order.picking_ids.move_ids) == len(order.order_line) for order in confirmed), "moves are missing"
        if self.which == SUITE:
            releases = env["distribution.approval.release"].sudo().search([("res_id", "in", confirmed.ids)])
            assert len(releases) == len(confirmed), f"{len(releases)} releases of {len(confirmed)} orders"
            assert set(releases.mapped("kind")) == {"policy"}, "not released by policy"

    def note(self):
        """Write a note on 80 drafts, as the buyer."""

        def act(env):
            orders = env["purchase.order"].browse(self.company["batch"])
            orders.write({"notes" if "notes" in orders._fields else "note": "<p>Deliver to gate 3</p>"})

        return self._measured("buyer", act)

    def badge(self):
        """The number on the systray."""

        def act(env):
            count = env["distribution.approval.task"].get_inbox_count()
            assert count >= purchase_company.PENDING, f"only {count} decisions wait"

        return self._measured("purchasing", act)

    def inbox(self):
        """What the web client asks when My Approvals is opened: the rows of its list."""
        with self.registry.cursor() as cr:
            specification = _list_specification(self._env(cr, "purchasing", CONTEXT)["distribution.approval.task"])

        def act(env):
            tasks = env["distribution.approval.task"]
            found = tasks.web_search_read(tasks._inbox_domain(), specification, limit=80, count_limit=10001)
            assert found["length"] >= purchase_company.PENDING, f"only {found['length']} rows"

        return self._measured("purchasing", act)

    def _measured(self, login, act, check=None):
        with self.registry.cursor() as cr:
            try:
                env = self._env(cr, login, CONTEXT)
                cr.execute("SELECT pg_backend_pid()")
                backend = cr.fetchone()[0]
                gc.collect()
                gc.disable()
                queries, at_work, start = cr.sql_log_count, _processor_time(backend), time.perf_counter()
                act(env)
                cr.flush()  # as every request does before it commits
                with _no_last_word(cr):
                    cr.commit()
                seconds = time.perf_counter() - start
                at_work = _processor_time(backend) - at_work
                queries = cr.sql_log_count - queries
                if check:
                    check(self._env(cr, login))
                return {"seconds": seconds, "processor": at_work, "queries": queries}
            finally:
                gc.enable()
                cr.rollback()


class _Undecided:
    """A database connection that does not commit."""

    def __init__(self, connection):
        self._connection = connection

    def commit(self):
        pass

    def __getattr__(self, name):
        return getattr(self._connection, name)


@contextlib.contextmanager
def _no_last_word(cr):
    """Let a commit of the cursor flush, run its hooks and clear its caches, and then keep back."""
    connection = cr._cnx
    cr._cnx = _Undecided(connection)
    try:
        yield
    finally:
        cr._cnx = connection


def _processor_time(backend):
    """Seconds of processor that this process and its database backend have used."""
    try:
        with open(f"/proc/{backend}/schedstat") as stat:
            return time.process_time() + int(stat.read().split()[0]) / 1e9
    except OSError:
        return time.process_time()


def _list_specification(model):
    """The fields of the model's list view, as the web client asks for them."""
    from lxml import etree

    kind = "tree" if _is_17() else "list"
    view = model.get_views([(False, kind)])["views"][kind]
    names = {node.get("name") for node in etree.fromstring(view["arch"]).iter("field")}
    return {name: {"fields": {"display_name": {}}} if model._fields[name].type == "many2one" else {} for name in names}


def _is_17():
    from odoo.release import version_info

    return version_info[0] == 17


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints must not be taken for an answer
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        answers.write(json.dumps(getattr(worker, name)(*arguments)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
