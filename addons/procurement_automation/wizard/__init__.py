from . import replenishment_explain

from . import receipt_report
from . import supplier_told
from . import demand_acceptance
from . import requisition_order
