from . import test_oauth_groups
