"""One HTTP request to the outside: guarded, bounded in time and size, without redirects or proxies.

* The name is resolved once, each address is judged, and the connection goes to the address that was
  judged: a name server that answers differently the second time gains nothing.
* The time is for everything: the name server, connecting, TLS, sending, and the last byte of the answer.
* An answer counts when all of it came, or as much of it as is read. It is not unpacked.
* A connection is used again when the other side said nothing that was not asked for.
"""

import http.client
import json
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .engine.addresses import AddressRefused, choose_address, split_url

#: Longest body that is read, in bytes.
MAX_BODY = 65_536


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    milliseconds: int
    headers: dict = field(default_factory=dict)  #: names in small letters


class OutboundError(Exception):
    """No answer. ``kind``: ``blocked``, ``timeout``, ``unreachable`` or ``garbage``."""

    def __init__(self, kind, message, milliseconds=0):
        super().__init__(message)
        self.kind = kind
        self.milliseconds = milliseconds


def request(method, url, *, headers=None, payload=None, timeout, allowed=''):
    """Send one request and return its :class:`Answer`, whatever the status.

    :param payload: sent as JSON when given
    :param timeout: seconds for everything: connecting, sending, and the whole answer
    :param allowed: allow list, see :mod:`.engine.addresses`
    :raises OutboundError: also for an answer longer than `MAX_BODY`
    """
    body = None if payload is None else json.dumps(payload).encode()
    with Line(allowed) as line:
        answer = line.send(method, url, headers=headers, body=body, timeout=timeout)
    if len(answer.body) > MAX_BODY:
        raise OutboundError('garbage', f"the answer is longer than {MAX_BODY} bytes", answer.milliseconds)
    return answer


class Line:
    """Sends requests one after the other; connections stay open for the next one to the same place.

    Not to be shared by threads. A long answer is cut after one byte more than `MAX_BODY`.
    """

    def __init__(self, allowed=''):
        self.allowed = allowed
        self._open = {}

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def send(self, method, url, *, headers=None, body=None, timeout):
        """Send one request and return its :class:`Answer`.

        :param body: bytes, sent as they are; JSON unless the headers say otherwise
        :raises OutboundError:
        """
        started = time.monotonic()
        try:
            place = split_url(url)
        except AddressRefused as error:
            raise OutboundError('blocked', str(error)) from error
        parts = urlsplit(url)
        path = (parts.path or '/') + (f'?{parts.query}' if parts.query else '')
        sent = {'Accept': 'application/json', 'User-Agent': 'distribution-outbound'}
        sent.update({'Content-Type': 'application/json'} if body is not None else {})
        sent.update(headers or {})
        kept = self._open.pop(place, None)
        if kept and _is_silent(kept):
            try:
                return self._exchange(kept, place, started, timeout, method, path, body, sent)
            except _Stale:
                # The other side hung up at this very moment: begin anew.
                kept = None
        elif kept:
            kept.close()
        try:
            connection = _connection(place, timeout - (time.monotonic() - started), self.allowed)
        except AddressRefused as error:
            raise OutboundError('blocked', str(error)) from error
        except TimeoutError as error:
            raise OutboundError('timeout', f"no address within {timeout:g} seconds", _since(started)) from error
        except (OSError, ValueError) as error:
            raise OutboundError('unreachable', f"the name cannot be resolved: {error}", _since(started)) from error
        return self._exchange(connection, place, started, timeout, method, path, body, sent)

    def _exchange(self, connection, place, started, timeout, method, path, body, headers):
        reused = connection.sock is not None
        keep = False
        left = max(0.001, timeout - (time.monotonic() - started))
        connection.timeout = left
        if reused:
            connection.sock.settimeout(left)
        # A server that sends one byte now and then never runs into the socket's own time-out.
        watchdog = threading.Timer(left, _hang_up, (connection,))
        watchdog.daemon = True
        watchdog.start()
        try:
            try:
                connection.request(method, path, body=body, headers=headers)
                response = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                if reused and not connection.expired:
                    raise _Stale from error
                raise
            content = response.read(MAX_BODY + 1)
            if connection.expired:
                raise TimeoutError
            if len(content) <= MAX_BODY:
                if response.length:
                    raise http.client.IncompleteRead(content, response.length)
                # After a provisional answer, and after what nobody read, more is to come.
                keep = not response.will_close and response.status >= 200
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, content, _since(started), names)
        except (http.client.HTTPException, OSError, ValueError) as error:
            if connection.expired or isinstance(error, TimeoutError):
                raise OutboundError('timeout', f"no answer within {timeout:g} seconds", _since(started)) from error
            kind = 'garbage' if isinstance(error, (http.client.HTTPException, ValueError)) else 'unreachable'
            raise OutboundError(kind, f"{type(error).__name__}: {error}", _since(started)) from error
        finally:
            watchdog.cancel()
            if keep and not connection.expired:
                self._open[place] = connection
            else:
                connection.close()


class _Stale(Exception):
    """A connection that was kept open is gone; nothing of an answer came."""


def _since(started):
    return int((time.monotonic() - started) * 1000)


def _is_silent(connection):
    """Whether nothing came on a connection since the last answer: no farewell, and no answer to a question to come."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return not selector.select(0)


def _connection(place, seconds, allowed):
    scheme, host, port = place
    address = choose_address(scheme, host, port, _addresses(host, port, seconds), allowed)
    kind = _PinnedTLS if scheme == 'https' else _Pinned
    connection = kind(host, port)
    connection.address = address
    return connection


def _addresses(host, port, seconds):
    """What the name resolves to. Asked in a thread of its own: nothing else ends the wait for a name server.

    :raises TimeoutError: no answer within so many seconds
    """
    answer = []

    def ask():
        try:
            answer.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answer.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(0.001, seconds))
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], Exception):
        raise answer[0]
    return [entry[4][0] for entry in answer[0]]


def _hang_up(connection):
    connection.expired = True
    sock = connection.sock or connection.pinned
    if sock:
        try:
            # The connection itself, whatever state TLS is in.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            # It is gone already: that is what was wanted.
            return


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was judged."""

    address = None
    expired = False
    pinned = None

    def connect(self):
        self.sock = self.pinned = socket.create_connection((self.address, self.port), self.timeout)
        # Head and body are two packets; the second would wait until the other side acknowledged the first.
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.expired:  # while it was connecting there was nothing to hang up
            raise TimeoutError


class _PinnedTLS(_Pinned):
    """The same with TLS; the certificate must be that of the host's name."""

    default_port = http.client.HTTPS_PORT

    def connect(self):
        super().connect()
        # The hand-shake begins when the watchdog can see the socket.
        self.sock = ssl.create_default_context().wrap_socket(
            self.pinned, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()
