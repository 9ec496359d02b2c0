"""A peer on loopback that speaks raw bytes: whatever a broken, slow or hostile server may say."""

import socket
import struct
import threading
import time

#: More than any test reads: what is endless ends when the other side hangs up.
ENDLESS = 200_000_000


class Peer:
    """Listens on loopback; ``script(connection, request)`` is called for each request that arrives."""

    def __init__(self, script):
        self.script, self.requests = script, []
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        self.url = f'http://127.0.0.1:{self.port}/hook'
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _address = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while request := _read_request(connection):
                    self.requests.append(request)
                    self.script(connection, request)
            except OSError:
                return  # the caller had enough

    def close(self):
        self.socket.close()


def _read_request(connection):
    data = b''
    while b'\r\n\r\n' not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _blank, body = data.partition(b'\r\n\r\n')
    length = 0
    for line in head.split(b'\r\n'):
        name, _colon, value = line.partition(b':')
        if name.lower() == b'content-length':
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b'\r\n\r\n' + body


# --- scripts ------------------------------------------------------------------------------


def says(*parts, then_closes=False, pause=0.0):
    """Sends these bytes."""

    def script(connection, _request):
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        if then_closes:
            connection.shutdown(socket.SHUT_RDWR)

    return script


def answer(status, body=b'', **headers):
    """A well-formed answer."""
    lines = [f'HTTP/1.1 {status} Whatever', f'Content-Length: {len(body)}']
    lines += [f'{name.replace("_", "-")}: {value}' for name, value in headers.items()]
    return '\r\n'.join([*lines, '', '']).encode() + body


def hangs(_connection, _request):
    """Takes the request and says nothing."""
    time.sleep(30)


def resets(connection, _request):
    """Breaks the connection off, without a farewell."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def trickles(first, drop, pause=0.05):
    """Says ``first``, and then a drop now and then, for as long as anybody listens."""

    def script(connection, _request):
        connection.sendall(first)
        for _drop in range(2000):
            connection.sendall(drop)
            time.sleep(pause)

    return script


def floods(first, part):
    """Says ``first``, and then more than anybody wants."""

    def script(connection, _request):
        connection.sendall(first)
        for _number in range(ENDLESS // len(part)):
            connection.sendall(part)

    return script
