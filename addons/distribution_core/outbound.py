"""One HTTP request to the outside: guarded, bounded in time and size, without redirects or proxies.

The name is resolved once, each address is judged, and the connection goes to the address that was
judged: a name server that answers differently the second time gains nothing.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass
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
    :raises OutboundError:
    """
    started = time.monotonic()
    try:
        connection, path = _connection(url, timeout, allowed)
    except AddressRefused as error:
        raise OutboundError('blocked', str(error)) from error
    except OSError as error:
        raise OutboundError('unreachable', f"the name cannot be resolved: {error}", _since(started)) from error
    body = None if payload is None else json.dumps(payload).encode()
    sent = {'Accept': 'application/json', 'User-Agent': 'distribution-outbound', 'Connection': 'close'}
    sent.update({'Content-Type': 'application/json'} if body is not None else {})
    sent.update(headers or {})
    # A server that sends one byte now and then never runs into the socket's own time-out.
    watchdog = threading.Timer(max(0.001, timeout - (time.monotonic() - started)), _hang_up, (connection,))
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        content = response.read(MAX_BODY + 1)
        if connection.expired:
            raise TimeoutError
        if len(content) > MAX_BODY:
            raise OutboundError('garbage', f"the answer is longer than {MAX_BODY} bytes", _since(started))
        return Answer(response.status, content, _since(started))
    except (http.client.HTTPException, OSError, ValueError) as error:
        if connection.expired or isinstance(error, TimeoutError):
            raise OutboundError('timeout', f"no answer within {timeout:g} seconds", _since(started)) from error
        kind = 'garbage' if isinstance(error, (http.client.HTTPException, ValueError)) else 'unreachable'
        raise OutboundError(kind, f"{type(error).__name__}: {error}", _since(started)) from error
    finally:
        watchdog.cancel()
        connection.close()


def _since(started):
    return int((time.monotonic() - started) * 1000)


def _connection(url, timeout, allowed):
    scheme, host, port = split_url(url)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    address = choose_address(scheme, host, port, [entry[4][0] for entry in found], allowed)
    parts = urlsplit(url)
    path = (parts.path or '/') + (f'?{parts.query}' if parts.query else '')
    kind = _PinnedTLS if scheme == 'https' else _Pinned
    connection = kind(host, port, timeout=timeout)
    connection.address = address
    return connection, path


def _hang_up(connection):
    connection.expired = True
    sock = connection.sock or connection.pinned
    if sock:
        try:
            sock.shutdown(socket.SHUT_RDWR)
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


class _PinnedTLS(_Pinned):
    """The same with TLS; the certificate must be that of the host's name."""

    default_port = http.client.HTTPS_PORT

    def connect(self):
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.pinned, server_hostname=self.host)
