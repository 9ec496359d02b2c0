from . import test_kpi_numbers
