from . import test_automation_rules
from . import test_suite_actions
from . import test_rule_outcome
