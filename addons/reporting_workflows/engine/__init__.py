"""Reports in plain Python: what one says, when it is due, whether its inputs are fresh, how it is drawn."""

from .content import (
    Chart,
    Check,
    Column,
    Content,
    Edition,
    Figure,
    Finding,
    Input,
    Period,
    Section,
    Series,
    SignOff,
    Table,
)
from .kpi import Measure
from .checks import CheckRule
from .definition_file import Change, DefinitionFileError
from .freshness import Limit
from .run import Verdict
from .schedule import Due, Schedule
from .thresholds import Threshold

__all__ = [
    "Change",
    "Chart",
    "Check",
    "CheckRule",
    "Column",
    "Content",
    "DefinitionFileError",
    "Due",
    "Edition",
    "Figure",
    "Finding",
    "Input",
    "Limit",
    "Measure",
    "Period",
    "Schedule",
    "Section",
    "Series",
    "SignOff",
    "Table",
    "Threshold",
    "Verdict",
]
