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
from .render_process import render_apart
from .rendering import FORMATS, RenderError, file_name, media_type

__all__ = [
    "Chart",
    "Check",
    "Column",
    "Content",
    "Edition",
    "FORMATS",
    "Figure",
    "Finding",
    "Input",
    "Period",
    "RenderError",
    "Section",
    "Series",
    "SignOff",
    "Table",
    "file_name",
    "media_type",
    "render_apart",
]
