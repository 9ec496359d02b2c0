from . import test_report_renderer
