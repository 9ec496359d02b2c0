from . import test_company
from . import test_guard
from . import test_stages
from . import test_sales_cases
