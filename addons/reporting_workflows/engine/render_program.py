"""The program that draws a report: a process of its own, so that it may die alone.

Started by `render_process` as ``python -m engine.render_program FOLDER SECONDS MEGABYTES FORMAT…``. It reads
``content.json``, ``edition.json`` and ``words.json`` in the folder and writes a file for each format. It limits itself
before it loads anything large. What went wrong stands in ``cause.txt``, in words
(or :data:`rendering.TOO_LARGE`, for which there may be no memory left to say more); then it ends with 1.
"""

import json
import resource
import signal
import sys
from pathlib import Path

from .rendering import OUT_OF_MEMORY, TOO_LARGE

MEGABYTE = 1024 * 1024


def main(folder: str, seconds: str, megabytes: str, *formats: str) -> int:
    _limit(int(seconds), int(megabytes) * MEGABYTE)
    home = Path(folder)
    try:
        from .content import Content, Edition
        from .render_words import Words
        from .rendering import RenderError, render

        content = Content.from_json((home / "content.json").read_text("utf-8", "surrogatepass"))
        edition = Edition.from_json((home / "edition.json").read_text("utf-8"))
        words = Words(json.loads((home / "words.json").read_text("utf-8")))
        for wanted in formats:
            try:
                (home / wanted).write_bytes(render(content, edition, (wanted,), words)[wanted])
            except RenderError as error:
                return _because(home, str(error))
    except ModuleNotFoundError as error:
        return _because(home, f"The Python package {error.name} is missing: install what requirements.txt names.")
    except MemoryError:
        return _because(home, TOO_LARGE)
    except Exception as error:
        # Libraries written in C do not always say that it was memory that they did not get.
        if _largest() > 0.9 * int(megabytes) or OUT_OF_MEMORY.search(str(error)):
            return _because(home, TOO_LARGE)
        raise
    return 0


def _largest() -> float:
    """How much memory this process ever had, in MB."""
    peak = next(
        (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmPeak")), "0 0 kB"
    )
    return int(peak.split()[1]) / 1024


def _limit(seconds: int, size: int) -> None:
    """Memory and time that this process may take; whatever its parent was allowed."""
    for kind, most in ((resource.RLIMIT_AS, size), (resource.RLIMIT_CPU, seconds + 1)):
        _soft, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Ends it also where the parent is no longer there to do so.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds + 5)


def _because(home: Path, cause: str) -> int:
    (home / "cause.txt").write_text(cause, "utf-8", "replace")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
