from . import approval_amend
from . import approval_answer
from . import approval_ask
from . import approval_decide
from . import approval_obligation_act
from . import approval_try
from . import approval_analysis
from . import approval_policy_file
