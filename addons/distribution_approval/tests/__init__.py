from . import test_attacks_content
from . import test_attacks_deciding
from . import test_attacks_policy
from . import test_attacks_records
from . import test_attacks_state
from . import test_purchase_gate
from . import test_query_counts
