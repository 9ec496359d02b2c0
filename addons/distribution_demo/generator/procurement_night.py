"""Last night: demand was forecast, and stock was replenished before anybody came."""

from odoo.addons.procurement_automation.engine.forecast_methods import is_available
from odoo.addons.procurement_automation.models.procurement_run import LIVE
from odoo.addons.procurement_automation.models.supplier_confirmation import OPEN_STATES

from ..engine import procurement_cases as cases
from ..engine import winter_range
from . import procurement_orders
from .clock import ahead, at, moment, now
from .goods import vendor_governance


def last_night():
    """The moment at which the run began: some hours ago, and not before midnight."""
    return max(moment(0, cases.LAST_NIGHT), now().replace(hour=0, minute=0, second=0))


def build(env, _plan, directory):
    """New prices arrive, demand is forecast, and the night run orders what is routine."""
    _new_prices(env, directory)
    # What moved in the meantime is looked at by the run of the night.
    env["distribution.replenishment.wakeup"]._consume()
    with at(last_night()):
        _follow_up(env)
        _forecast(env)
        _run(env["distribution.replenishment.run"].sudo(), {"company_id": env.company.id, "origin": "night"})


def _new_prices(env, directory):
    for code, factor in winter_range.DEARER_NOW.items():
        prices = directory.products[code].seller_ids
        for price in vendor_governance(env, directory, "product.supplierinfo").browse(prices.ids):
            price.price = round(price.price * factor, 2)


def _follow_up(env):
    """The clock of confirmations ran as well: nothing is behind in the morning."""
    confirmations = env["distribution.supplier.confirmation"].sudo()  # sudo: the job acts for nobody
    for one in confirmations.search([("next_step_at", "<=", last_night()), ("state", "in", OPEN_STATES)]):
        one._chase()
        procurement_orders._sent(one)
    # The scorecards of the month are worked out next night.
    env.ref("procurement_automation.ir_cron_scorecard").nextcall = ahead(0)


def _forecast(env):
    """Central, where the trial of the forecast began; without its library there is nothing to suggest."""
    if is_available():
        site = env["stock.warehouse"].search([("company_id", "=", env.company.id)], order="id", limit=1)
        _run(env["distribution.demand.run"].sudo(), {"company_id": env.company.id, "warehouse_ids": [(6, 0, site.ids)]})


def _run(runs, values):
    """Start a run and work it off, batch by batch, as its job does."""
    run = runs.create(values)
    run._start()
    while run.state in LIVE:
        run._advance()
