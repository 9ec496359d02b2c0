from . import kpi_sign
from . import kpi_correct
from . import report_preview
from . import report_reason
from . import report_send
from . import report_start
from . import report_file
from . import report_library
