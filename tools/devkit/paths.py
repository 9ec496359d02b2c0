"""Where things are. All that a run needs lives below `RUN`, which git ignores."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".run"

ADDONS = ROOT / "addons"
TOOLS = ROOT / "tools"
REQUIREMENTS = TOOLS / "requirements"
DOWNLOADS = RUN / "downloads"
ENGINES = RUN / "engines"
BUILD = RUN / "build"
LOCKS = RUN / "locks"
LOGS = RUN / "logs"


def short_digest(text: str, length: int = 8) -> str:
    """A short stable name for `text`, e.g. to tell two checkouts apart.

    >>> short_digest("/home/ann/suite")
    'd656c2e5'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:length]


CHECKOUT_ID = short_digest(str(ROOT))
