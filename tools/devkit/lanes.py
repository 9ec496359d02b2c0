"""Several jobs at the same time."""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from . import process

# A job whose program was ended has so many seconds to clear up; what it begins then is ended as well.
PATIENCE = 10


class Lanes:
    """So many jobs at a time, begun in the order in which they were given.

    A job may wait for what one given before it makes: that one has begun. Used as a context manager, which waits for
    all of them.

    >>> with Lanes(2) as lanes:
    ...     double, most = lanes.begin(lambda number: 2 * number, 4), lanes.begin(max, 1, 5)
    ...     double.result(), most.result()
    (8, 5)
    """

    def __init__(self, count: int):
        self._threads = ThreadPoolExecutor(count)
        self._jobs: list[Future] = []

    def begin(self, work: Callable, *arguments, **keywords) -> Future:
        """Let `work` be done; what it returns, or raises, is the future's result."""
        self._jobs.append(self._threads.submit(work, *arguments, **keywords))
        return self._jobs[-1]

    def drop(self) -> None:
        """Jobs that have not begun are forgotten, the programs of those that have are ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while open_jobs := [job for job in self._jobs if not job.done()]:
            process.end_all()
            wait(open_jobs, PATIENCE)

    @contextlib.contextmanager
    def dropped_on_error(self):
        """Drop all jobs when what is inside ends by an error, or by Ctrl-C."""
        try:
            yield
        except BaseException:
            self.drop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_exception):
        if kind:
            self.drop()
        self._threads.shutdown()
