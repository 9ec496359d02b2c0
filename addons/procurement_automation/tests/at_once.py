"""Two people who press a button at the same instant, on connections of their own."""

import threading
import uuid

from odoo import api
from odoo.service.model import retrying
from odoo.tests.common import new_test_user
from odoo.tools import mute_logger

from odoo.addons.distribution_core.tests.committed_case import MEETINGS

GROUPS = "base.group_user,distribution_core.group_buyer,purchase.group_purchase_user,stock.group_stock_user"


def make_buyers(env, count=2):
    """Ids of so many buyers of the company of ``env``."""
    mark = uuid.uuid4().hex[:6]
    return [
        new_test_user(env, f"at_once_{mark}_{number}", groups=GROUPS, company_id=env.company.id).id
        for number in range(count)
    ]


def press(registry, model, ids, pressed):
    """What came of it, in the order of ``pressed``: ``[(user, button)]``, each on the records ``ids``."""
    return press_each(registry, model, [(user_id, ids, button) for user_id, button in pressed])


def press_each(registry, model, pressed):
    """What came of it, in the order of ``pressed``: ``[(user, ids, button)]``.

    Both have seen the records before either presses. What fails to serialise is repeated, as for every request.
    Returns for each the result of the button, or the error that its user reads.
    """
    ready = threading.Barrier(len(pressed), timeout=30)
    results = [None] * len(pressed)

    def person(place, user_id, ids, button):
        try:
            with registry.cursor() as cr:
                env = api.Environment(cr, user_id, {})
                env[model].browse(ids).mapped("state" if "state" in env[model]._fields else "create_date")
                ready.wait()
                results[place] = retrying(lambda: getattr(env[model].browse(ids), button)(), env)
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=person, args=(place, *one)) for place, one in enumerate(pressed)]
    with mute_logger(*MEETINGS, "odoo.service.model"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return results
