"""Last night: demand was forecast, and stock was replenished before anybody came."""

from odoo.addons.procurement_automation.models.procurement_run import LIVE

from ..engine import procurement_cases as cases
from ..engine import winter_range
from .clock import at, moment, now
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
        _forecast(env)
        _run(env["distribution.replenishment.run"].sudo(), {"company_id": env.company.id, "origin": "night"})


def _new_prices(env, directory):
    for code, factor in winter_range.DEARER_NOW.items():
        prices = directory.products[code].seller_ids
        for price in vendor_governance(env, directory, "product.supplierinfo").browse(prices.ids):
            price.price = round(price.price * factor, 2)


def _forecast(env):
    """The winter range's own sites; without the forecasting library there is nothing to suggest."""
    from odoo.addons.procurement_automation.engine.forecast_methods import is_available

    env.company.demand_is_forecast = True
    if is_available():
        sites = env["stock.warehouse"].search([("company_id", "=", env.company.id)])
        _run(env["distribution.demand.run"].sudo(), {"company_id": env.company.id, "warehouse_ids": [(6, 0, sites.ids)]})


def _run(runs, values):
    """Start a run and work it off, batch by batch, as its job does."""
    run = runs.create(values)
    run._start()
    while run.state in LIVE:
        run._advance()
