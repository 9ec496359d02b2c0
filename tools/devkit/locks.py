"""Two commands in one checkout at the same time: one works, the other waits and says so."""

import contextlib
import fcntl

from .console import say
from .paths import LOCKS


@contextlib.contextmanager
def exclusive(name: str):
    """Hold the lock `name`. The kernel frees it when the process ends, however it ends."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    with (LOCKS / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting: another command in this checkout is busy with {name} …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Lease:
    """Counts the commands that use a shared thing; the last one to leave may switch it off.

    A crashed command leaves nothing to clean: its share of the lock dies with it.
    """

    def __init__(self, name: str):
        LOCKS.mkdir(parents=True, exist_ok=True)
        self._handle = (LOCKS / f"{name}.users").open("w")

    def take(self) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Give up the share; true when nobody else holds one."""
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._handle.close()
