"""Drawing apart: a report is drawn by another process, and what happens to that happens to one report.

Rules, in words
---------------
* Fonts, charts and PDF are drawn by large libraries, partly written in C. One that hangs, eats memory or crashes must
  not take a worker of Odoo with it: the drawing is a program with limits of its own, in a folder of its own.
* It gets the content and nothing else: no database, no password of the environment; what it writes for itself stands
  in the folder.
* Whatever happens, the folder is gone afterwards, and the reason is said in words.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from .rendering import FORMATS, OUT_OF_MEMORY, TOO_LARGE, RenderError

SECONDS = 180
MEGABYTES = 2048
FOLDER_PREFIX = "distribution-render-"
#: How much of what the program wrote is kept for whoever looks after it.
DETAIL_LENGTH = 4000
PACKAGE = Path(__file__).resolve().parent
#: What of the environment the program gets: where programs and libraries are.
INHERITED = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "FONTCONFIG_FILE", "FONTCONFIG_PATH")


def render_apart(
    content_json: str,
    edition_json: str,
    formats: tuple[str, ...],
    words: dict[str, str] | None = None,
    *,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
) -> dict[str, bytes]:
    """Each of `formats` → its bytes, drawn by a process of its own.

    :param content_json: of :meth:`Content.to_json`; `edition_json` of :meth:`Edition.to_json`
    :param words: the renderer's words in the content's language
    :param seconds: after which the drawing is ended; `megabytes` of memory that it may take
    :raises RenderError: with the cause: limits, a crash, or what the renderer said
    """
    unknown = [wanted for wanted in formats if wanted not in FORMATS]
    if unknown or not formats:
        raise RenderError(
            f"Unknown format {', '.join(unknown) or '(none)'}: a report is drawn as {', '.join(FORMATS)}."
        )
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "content.json").write_text(content_json, "utf-8", "surrogatepass")
        (home / "edition.json").write_text(edition_json, "utf-8")
        (home / "words.json").write_text(json.dumps(words or {}), "utf-8")
        code = _run(home, formats, seconds, megabytes)
        if code:
            raise RenderError(_cause(home, code, megabytes), _detail(home))
        try:
            return {wanted: (home / wanted).read_bytes() for wanted in formats}
        except FileNotFoundError as error:
            raise RenderError(f"The drawing ended without a file: {Path(error.filename).name}.", _detail(home))


def _run(home: Path, formats: tuple[str, ...], seconds: float, megabytes: int) -> int:
    """The program's exit code; negative where a signal ended it."""
    limits = [str(max(1, int(seconds))), str(int(megabytes))]
    command = [sys.executable, "-m", f"{PACKAGE.name}.render_program", str(home), *limits, *formats]
    with open(home / "said.txt", "wb") as said:
        program = subprocess.Popen(
            command,
            cwd=home,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return program.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise RenderError(
                f"Drawing the report took longer than {seconds:g} seconds and was ended. Shorten its tables or "
                "raise the time limit of reports."
            )
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
                program.wait()


def _environment(home: Path) -> dict[str, str]:
    """No passwords, one thread, every cache in the folder; and hashes in one order, for equal bytes."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return kept | {
        "PYTHONPATH": str(PACKAGE.parent),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(home),
        "TMPDIR": str(home),
        "MPLCONFIGDIR": str(home),
        "XDG_CACHE_HOME": str(home),
        "MPLBACKEND": "svg",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _cause(home: Path, code: int, megabytes: int) -> str:
    """Why the program ended with `code`, for people."""
    said = _detail(home)
    cause = (home / "cause.txt").read_text("utf-8") if (home / "cause.txt").exists() else ""
    if cause == TOO_LARGE or (not cause and OUT_OF_MEMORY.search(said)):
        return f"Drawing the report needs more than {megabytes} MB of memory and was ended. Shorten its tables."
    if cause:
        return cause
    if code == -signal.SIGKILL:
        return "The drawing was killed from outside (SIGKILL): usually the machine ran out of memory. Try again later."
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        return "The drawing used up its processor time and was ended."
    if code < 0:
        crashed = f"The drawing crashed ({signal.Signals(-code).name})"
        return f"{crashed}: a fault of a library, or it needs more than {megabytes} MB of memory."
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    return f"The drawing failed: {last[0][:300]}"


def _detail(home: Path) -> str:
    return (home / "said.txt").read_text("utf-8", "replace")[-DETAIL_LENGTH:]
