from . import test_company
from . import test_guard
from . import test_stages
from . import test_finance
from . import test_master
from . import test_goods_papers
from . import test_sales_cases
from . import test_oversight
