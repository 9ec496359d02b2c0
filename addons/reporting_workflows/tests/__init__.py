from . import test_kpi
from . import test_kpi_flows
from . import test_kpi_numbers
from . import test_kpi_snapshot
