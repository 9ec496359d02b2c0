from . import decision_link
from . import vendor_portal
