from . import test_report_definition
from . import test_report_run
from . import test_report_edition
from . import test_report_link
from . import test_report_concurrency
from . import test_report_files
from . import test_report_kpis
