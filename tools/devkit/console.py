"""What the person at the terminal sees, and the one error that ends a command."""

import os
import sys
import time

_STARTED = time.monotonic()


class DevkitError(Exception):
    """Something a person can fix. The message says what failed and what to do."""


def say(text: str) -> None:
    """A progress line, with the seconds since the command began."""
    print(f"[{time.monotonic() - _STARTED:5.0f}s] {text}", flush=True)


def warn(text: str) -> None:
    """Something that does not stop the command but must not be overlooked."""
    mark = "\033[33mWARNING\033[0m" if sys.stderr.isatty() else "WARNING"
    print(f"{mark}: {text}", file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Why the command ends without having done its work."""
    mark = "\033[31mFAILED\033[0m" if sys.stderr.isatty() else "FAILED"
    print(f"\n{mark}: {text}", file=sys.stderr, flush=True)


def verbose() -> bool:
    """Whether the person asked for the output of the programs that are called (`V=1`)."""
    return os.environ.get("V", "") not in ("", "0")
