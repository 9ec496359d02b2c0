"""How vendor bills match, how fast, and what is held before it is paid."""

from odoo import api, models

from odoo.addons.procurement_automation.models.vendor_bill_verdict import SITE_OF_BILL

from .kpi_source import Dimension, Source, average, hours
from .measures_approvals import WAITING

MATCH = "distribution_match_line"
KNOWN = (("verdict", "!=", "unknown"),)
#: Of a bill its first line: a bill counts once.
ONCE = f"{MATCH}.id = (SELECT min(same.id) FROM distribution_match_line same WHERE same.bill_ref = {MATCH}.bill_ref)"
#: When its bill was entered. LIMIT has each looked up by number: the database thinks that a condition such as the one
#: above leaves one row only, and would go through all bills for each.
ENTERED = f"""JOIN LATERAL (SELECT entered.create_date FROM account_move entered
                             WHERE entered.id = {MATCH}.bill_ref LIMIT 1) bill ON TRUE"""
MATCH_DIMENSIONS = {"vendor": Dimension("vendor_ref"), "site": Dimension("site_id", SITE_OF_BILL, is_worked_out=True)}

SOURCES = {
    "match_first_pass": Source(
        "Vendor bills that matched at once",
        "distribution.match.line",
        "percent",
        numerator=f"""count(DISTINCT {MATCH}.bill_ref)
                      - count(DISTINCT {MATCH}.bill_ref) FILTER (WHERE {MATCH}.verdict = 'beyond')""",
        denominator=f"count(DISTINCT {MATCH}.bill_ref)",
        scale=100,
        domain=KNOWN,
        moment="matched_at",
        dimensions=MATCH_DIMENSIONS,
        is_of_one_site=True,
        touched_by=("account.move",),
    ),
    "match_time": Source(
        "Hours from entering a vendor bill to its match",
        "distribution.match.line",
        "hours",
        **average(hours("bill.create_date", f"{MATCH}.matched_at")),
        moment="matched_at",
        joins=ENTERED,
        condition=ONCE,
        dimensions=MATCH_DIMENSIONS,
        touched_by=("account.move",),
    ),
    "payment_holds": Source(
        "Vendor bills held",
        "distribution.approval.request",
        "money",
        numerator="sum(distribution_approval_request.amount)",
        domain=(("state", "in", WAITING), ("document_type", "=", "vendor_bill")),
        dimensions={"vendor": Dimension("partner_id"), "site": Dimension("site_id")},
        touched_by=("account.move",),
    ),
}


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _sources(self):
        return {**super()._sources(), **SOURCES}
