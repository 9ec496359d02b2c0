from . import test_replenishment_parity
from . import test_replenishment_run
from . import test_replenishment_concurrency

from . import test_receipt_discrepancy
from . import test_scorecard
from . import test_ship_notice
from . import test_supplier_api
from . import test_supplier_confirmation
from . import test_supplier_delay
from . import test_supplier_link
from . import test_vendor_bill_verdict
from . import test_demand_history
from . import test_demand_run
from . import test_demand_decision
from . import test_requisition
from . import test_api_requisition
from . import test_vendor_list
from . import test_budget
from . import test_landed_cost
from . import test_buying_stories
from . import test_demand_concurrency

from . import test_buyer_workbench
from . import test_scheduled_work
from . import test_replenishment_transfer
from . import test_replenishment_companies
from . import test_replenishment_manufacturing
