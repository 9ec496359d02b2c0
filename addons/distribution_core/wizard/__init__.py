from . import distribution_ledger_verify
from . import distribution_ledger_export
from . import distribution_secret_shown
from . import distribution_webhook_replay
from . import distribution_case_assign
from . import distribution_case_resolve
from . import distribution_case_merge
