from . import automation_rule_outcome
from . import base_automation
from . import distribution_automation
