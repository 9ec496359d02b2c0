from . import report_preview
from . import report_reason
from . import report_send
from . import report_start
from . import report_file
