from . import freight_request
from . import purchase_order
from . import purchase_order_line
from . import stock_move_gate
from . import picking_document
from . import report_release
