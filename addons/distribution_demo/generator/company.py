"""The company, its currencies, regions and sites."""

from ..engine import sites, vendors
from .clock import day

CHART = "generic_coa"


def build(env, plan, directory):
    """Name the main company, give it a chart of accounts, rates, regions and sites."""
    company = env.company
    if not company.chart_template:
        env["account.chart.template"].try_loading(CHART, company, install_demo=False)
    company.write({**sites.COMPANY, "country_id": env.ref("base.us").id})
    _rates(env, plan, company)
    _sites(env, plan, directory, company)


def _rates(env, plan, company):
    currencies = {code: env.ref(f"base.{code}") for code in (*plan.rates, vendors.CURRENCY_WITHOUT_RATE)}
    for currency in currencies.values():
        currency.active = True
    everything = env["res.currency"].browse([currency.id for currency in currencies.values()])
    everything.rate_ids.unlink()
    env["res.currency.rate"].create(
        [
            {"currency_id": currencies[code].id, "company_id": company.id, "name": day(days_ago), "rate": rate}
            for code, rates in plan.rates.items()
            for days_ago, rate in rates
        ]
    )


def _sites(env, plan, directory, company):
    regions = {
        region.code: env["distribution.region"].create(
            {"name": region.name, "code": region.code, "company_id": company.id}
        )
        for region in plan.regions
    }
    main = env["stock.warehouse"].search([("company_id", "=", company.id)], limit=1)
    for number, site in enumerate(plan.sites):
        values = {"name": site.name, "code": site.code, "region_id": regions[site.region].id}
        if number:
            directory.sites[site.code] = env["stock.warehouse"].create({**values, "company_id": company.id})
        else:
            main.write(values)
            directory.sites[site.code] = main


def appoint(env, plan, directory):
    """Give regions and sites their managers, once the people are there."""
    for region in plan.regions:
        env["distribution.region"].search([("code", "=", region.code)]).manager_id = directory.users[region.manager]
    for site in plan.sites:
        directory.sites[site.code].manager_id = directory.users[site.manager]
