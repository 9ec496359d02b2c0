from . import distribution_ledger_verify
from . import distribution_ledger_export
