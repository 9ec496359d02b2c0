"""Turns the plan into records, through Odoo's own methods and as the people of the company."""

import logging
import time

from ..engine import make_plan
from . import (
    automation,
    carriers,
    cases,
    company,
    finance,
    goods,
    goods_papers,
    governance,
    master,
    oversight,
    procurement,
    procurement_night,
    reporting,
    rules,
    sales,
    staff,
    story,
    trade,
    winter_range,
)

_logger = logging.getLogger(__name__)

#: Bulk loading: no chatter, no mails, no tracking. The story under the policy runs without this.
QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "mail_auto_subscribe_no_notify": True,
    "no_reset_password": True,
}


class Directory:
    """Records of the demo company by the names that the plan gives them.

    >>> directory.users["buyer"], directory.vendors["kestrel"]  # doctest: +SKIP
    """

    def __init__(self):
        self.users = {}
        self.boards = {}
        self.sites = {}
        self.products = {}
        self.vendors = {}
        self.customers = {}
        self.orders = {}


def build(env):
    """Fill an empty database with the demo company. Returns the directory of what was made."""
    plan = make_plan()
    quiet = env(context={**env.context, **QUIET})
    directory = Directory()
    steps = (
        ("company, currencies and sites", company.build, quiet),
        ("people", staff.build, quiet),
        ("managers of sites and regions", company.appoint, quiet),
        ("vendors, customers, goods and prices", goods.build, quiet),
        ("stock", trade.stock, quiet),
        ("purchases", trade.purchases, quiet),
        ("sales", trade.sales, quiet),
        ("winter range, and five months of it", winter_range.build, quiet),
        ("policy and governance", governance.build, env),
        ("orders under the policy", story.tell, env),
        ("vendor bills and new vendors", finance.build, env),
        ("vendor master data, freight, reports", master.build, env),
        ("rules of the game, on expedited freight", rules.build, env),
        ("counts, scrap and transfers", goods_papers.build, env),
        ("sales, deliveries and returns under their policies", sales.build, env),
        ("what carriers told", carriers.build, env),
        ("requisitions, budgets, orders on their way", procurement.build, env),
        ("the night before", procurement_night.build, env),
        ("cases", cases.build, env),
        ("automation rules", automation.build, env),
        ("register, access review, outside check", oversight.build, env),
        ("KPIs, the library of reports, and what it said", reporting.build, env),
    )
    for number, (what, make, used) in enumerate(steps, start=1):
        started = time.monotonic()
        make(used, plan, directory)
        env.flush_all()
        env.invalidate_all()
        _logger.info("Demo company %s/%s: %s (%.1f s)", number, len(steps), what, time.monotonic() - started)
    return directory
