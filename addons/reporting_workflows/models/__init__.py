from . import report_renderer
