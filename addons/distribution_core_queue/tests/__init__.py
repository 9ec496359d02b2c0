from . import test_drains_as_jobs
