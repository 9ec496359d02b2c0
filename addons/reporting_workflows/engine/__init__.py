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

__all__ = [
    "Chart",
    "Check",
    "Column",
    "Content",
    "Edition",
    "Figure",
    "Finding",
    "Input",
    "Measure",
    "Period",
    "Section",
    "Series",
    "SignOff",
    "Table",
]
