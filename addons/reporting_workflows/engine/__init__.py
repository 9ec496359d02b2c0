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
from .dashboard import PeriodError
from .definition_file import Change, DefinitionFileError
from .freshness import Limit
from .run import Verdict
from .schedule import Due, Schedule
from .thresholds import Threshold
from .render_process import render_apart
from .render_words import Complaint, Words
from .rendering import FORMATS, RenderError, file_name, media_type, render

__all__ = [
    "Change",
    "Chart",
    "Check",
    "CheckRule",
    "Column",
    "Complaint",
    "Content",
    "DefinitionFileError",
    "Due",
    "Edition",
    "FORMATS",
    "Figure",
    "Finding",
    "Input",
    "Limit",
    "Measure",
    "Period",
    "PeriodError",
    "RenderError",
    "Schedule",
    "Section",
    "Series",
    "SignOff",
    "Table",
    "Threshold",
    "Verdict",
    "Words",
    "file_name",
    "media_type",
    "render",
    "render_apart",
]
