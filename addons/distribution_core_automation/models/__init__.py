from . import base_automation
from . import distribution_automation
