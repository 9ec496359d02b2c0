from . import kpi_sign
from . import kpi_correct
