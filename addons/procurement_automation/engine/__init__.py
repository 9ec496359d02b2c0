"""Plain Python of procurement: no Odoo, no database, no clock."""

from .budget import BudgetBook, BudgetLine, Charged, Claim, Reservation, Usage, charge, is_over, left
from .confirmation import Asked, Limits, Promise, Said, first_promise, judge, read_number, says_the_same, state_of
from .delay_impact import Arrival, Demand, hits, ready_days
from .ladder import Ladder, Step, Watch
from .landed_cost import LandedFacts, LandedRule
from .landed_cost import covered as covered_landed
from .landed_cost import expected as expected_landed
from .receipt import compare_all
from .replenishment import MinimumRule, Need, Position, compare, less_later, need_of, round_to, runs_out, up_to_multiple
from .replenishment_verdict import BLOCKING, REASONS, Circumstances, Verdict, VerdictPolicy, cover_days, verdict_on
from .requisition import LINE_STATUSES, LineFacts, furthest_behind, line_status, open_quantity, spare
from .ship_notice import Announced, check, same_content
from .shortage import LOST, Option, Purchase, Shortage, Site, options
from .tolerance import Setting, choose
from .vendor_list import ListEntry, VendorBook, VendorList
from .workbench import Entry, Load, by_service_impact, money_at_risk, urgency, workload

__all__ = [
    "Announced",
    "Arrival",
    "Asked",
    "BLOCKING",
    "BudgetBook",
    "BudgetLine",
    "Charged",
    "Circumstances",
    "Claim",
    "Demand",
    "Entry",
    "LINE_STATUSES",
    "LOST",
    "Ladder",
    "LandedFacts",
    "LandedRule",
    "Limits",
    "LineFacts",
    "ListEntry",
    "Load",
    "MinimumRule",
    "Need",
    "Option",
    "Position",
    "Promise",
    "Purchase",
    "REASONS",
    "Reservation",
    "Said",
    "Setting",
    "Shortage",
    "Site",
    "Step",
    "Usage",
    "VendorBook",
    "VendorList",
    "Verdict",
    "VerdictPolicy",
    "Watch",
    "by_service_impact",
    "charge",
    "check",
    "choose",
    "compare",
    "compare_all",
    "cover_days",
    "covered_landed",
    "expected_landed",
    "first_promise",
    "furthest_behind",
    "hits",
    "is_over",
    "judge",
    "left",
    "less_later",
    "line_status",
    "money_at_risk",
    "need_of",
    "open_quantity",
    "options",
    "read_number",
    "ready_days",
    "round_to",
    "runs_out",
    "same_content",
    "says_the_same",
    "spare",
    "state_of",
    "up_to_multiple",
    "urgency",
    "verdict_on",
    "workload",
]
