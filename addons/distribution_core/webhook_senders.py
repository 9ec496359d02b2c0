"""Sends what the drain has claimed: several requests at the same time, without a database."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from . import outbound

_logger = logging.getLogger(__name__)

#: Seconds for everything of one request.
TIMEOUT = 15
#: How many requests are sent at the same time.
PARALLEL = 8
#: Longest text of an answer, or of an error, that is kept.
EXCERPT = 1000


class Outcome:
    """What came of one try; no status: no answer."""

    __slots__ = ('status', 'milliseconds', 'error', 'excerpt', 'retry_after')

    def __init__(self, status, milliseconds, error=None, excerpt=None, retry_after=None):
        self.status, self.milliseconds = status, milliseconds
        self.error, self.excerpt, self.retry_after = error, excerpt, retry_after


class Senders:
    """Threads that send; each keeps its connections open. They touch no database."""

    def __init__(self, allowed, parallel=PARALLEL):
        self._allowed, self._parallel = allowed, parallel

    def __enter__(self):
        self._local = threading.local()
        self._lines = []
        self._pool = ThreadPoolExecutor(self._parallel, thread_name_prefix='webhook')
        return self

    def __exit__(self, *_exception):
        self._pool.shutdown(wait=True)
        for line in self._lines:
            line.__exit__(None, None, None)

    def send(self, jobs):
        """Outcomes of the jobs, in their order."""
        return list(self._pool.map(self._send, jobs))

    def _send(self, job):
        line = getattr(self._local, 'line', None)
        if line is None:
            line = self._local.line = outbound.Line(self._allowed)
            self._lines.append(line)
        try:
            answer = line.send('POST', job['url'], headers=job['headers'], body=job['body'], timeout=TIMEOUT)
        except outbound.OutboundError as error:
            return Outcome(None, error.milliseconds, error=_text(f'{error.kind}: {error}'))
        except Exception as error:
            # Whatever one endpoint brings about, the deliveries to the others go on.
            _logger.exception("Sending to subscription %s failed.", job['subscription_id'])
            return Outcome(None, 0, error=_text(f'{type(error).__name__}: {error}'))
        excerpt = _text(answer.body[:EXCERPT].decode('utf-8', 'replace'))
        return Outcome(answer.status, answer.milliseconds, None, excerpt, answer.headers.get('retry-after'))


def _text(words):
    """As much as is kept, without what the database cannot keep."""
    return words[:EXCERPT].replace('\0', '')
