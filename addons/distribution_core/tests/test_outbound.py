"""Where requests may go, and what comes of answers that are none: real sockets, and only the name server is played."""

import gzip
import socket
import threading
import time
from unittest.mock import patch

from odoo.tests.common import BaseCase, tagged

from .. import outbound
from ..outbound import MAX_BODY, Line, OutboundError, request
from .misbehaving_peer import Peer, answer, floods, hangs, resets, says, trickles

PUBLIC, PUBLIC_6 = '93.184.216.34', '2606:2800:220:1::1'
#: What names lead to; other names are asked of the machine, which answers literal addresses only.
NAMES = {
    'public.example': [PUBLIC],
    'public6.example': [PUBLIC_6],
    'xn--bcher-kva.example': [PUBLIC],
    'both.example': [PUBLIC, PUBLIC_6],
    'loop.example': ['127.0.0.1'],
    'loop6.example': ['::1'],
    'mixed.example': [PUBLIC, '10.0.0.7'],
    'mixed6.example': [PUBLIC_6, 'fd12::7'],
    'metadata.example': ['169.254.169.254'],
    'nat64.example': ['64:ff9b::a9fe:a9fe'],
    'nat64public.example': ['64:ff9b::5db8:d822'],
    'nowhere.example': [],
}
#: Each is refused before anything is connected.
REFUSED = [
    # Loopback in all its spellings.
    'https://127.0.0.1/', 'https://127.0.0.1:8443/', 'https://127.255.255.254/', 'https://127.1/', 'https://127.0.1/',
    'https://2130706433/', 'https://0x7f000001/', 'https://0x7f.0.0.1/', 'https://017700000001/',
    'https://0177.0.0.1/', 'https://127.0.0.1./', 'https://127.000.000.001/', 'https://localhost/', 'https://LOCALHOST/',
    'https://１２７.０.０.１/', 'https://①②⑦.0.0.1/', 'https://127。0。0。1/', 'https://127%2e0%2e0%2e1/',
    'https://[::1]/', 'https://[0:0:0:0:0:0:0:1]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/',
    'https://[::127.0.0.1]/', 'https://[::1%25lo]/', 'https://loop.example/', 'https://loop6.example/',
    # Nobody, and everybody.
    'https://0.0.0.0/', 'https://0/', 'https://[::]/', 'https://255.255.255.255/', 'https://224.0.0.1/',
    'https://239.1.2.3/', 'https://[ff02::1]/', 'https://240.0.0.1/',
    # Networks of the house, of the provider, of the machine.
    'https://10.0.0.1/', 'https://172.16.0.1/', 'https://172.31.255.254/', 'https://192.168.1.1/', 'https://100.64.0.1/',
    'https://0xa9fea9fe/', 'https://169.254.169.254/latest/meta-data/', 'https://metadata.example/',
    'https://192.0.0.192/', 'https://168.63.129.16/', 'https://198.18.0.1/', 'https://192.0.2.1/',
    'https://198.51.100.1/', 'https://203.0.113.1/', 'https://192.88.99.1/', 'https://[fd00:ec2::254]/',
    'https://[fc00::1]/', 'https://[fe80::1]/', 'https://[fec0::1]/', 'https://[2001:db8::1]/', 'https://[3fff::1]/',
    'https://[100::1]/',
    # Addresses that carry others.
    'https://[64:ff9b::7f00:1]/', 'https://[64:ff9b::169.254.169.254]/', 'https://[64:ff9b:1::808:808]/',
    'https://nat64.example/', 'https://[2002:7f00:1::]/', 'https://[2002:808:808::]/', 'https://[2001:0:808:808::]/',
    'https://[::8.8.8.8]/', 'https://[2606:2800:220:1:0:5efe:a00:1]/',
    # One public address does not make up for the other.
    'https://mixed.example/', 'https://mixed6.example/', 'https://nowhere.example/',
    # Words that look like something else.
    'http://public@127.0.0.1/', 'https://public.example@127.0.0.1/', 'https://public.example:443@127.0.0.1/',
    'https://public.example%40127.0.0.1/', 'https://127.0.0.1\\@public.example/', 'https://127.0.0.1\t.example/',
    'https://public.example\r\nHost: 127.0.0.1/', 'https://127.0.0.1#@public.example/',
    'https://127.0.0.1?@public.example/', 'https:///127.0.0.1/', 'https:127.0.0.1', '//127.0.0.1/', 'https://',
    'https://a..example/', 'https://' + 'a' * 64 + '.example/',
    # Other schemes, and ports of other services.
    'http://public.example/', 'ftp://public.example/', 'file:///etc/passwd', 'gopher://public.example/_x', 'data:,x',
    'dict://public.example:11211/', 'https://public.example:22/', 'https://public.example:25/',
    'https://public.example:0/', 'https://public.example:65536/', 'https://public.example:-1/',
]  # fmt: skip
#: Each is connected, to this address.
CALLED = {
    'https://public.example/hook?a=b': (PUBLIC, 443),
    'https://PUBLIC.example:8443/': (PUBLIC, 8443),
    'https://bücher.example/': (PUBLIC, 443),
    'https://public6.example/': (PUBLIC_6, 443),
    'https://both.example/': (PUBLIC, 443),
    'https://nat64public.example/': ('64:ff9b::5db8:d822', 443),
    f'https://{PUBLIC}/': (PUBLIC, 443),
    f'https://[{PUBLIC_6}]:1024/': (PUBLIC_6, 1024),
    f'https://[::ffff:{PUBLIC}]/': (f'::ffff:{PUBLIC}', 443),
    'https://1572395042/': (PUBLIC, 443),
    'https://172.32.0.1/': ('172.32.0.1', 443),
    'https://11.0.0.1/': ('11.0.0.1', 443),
}


class NameServer:
    """Answers for `NAMES`; what it has no entry for is asked of the machine, without the network."""

    def __init__(self, names):
        self.names, self.asked = names, []
        self._ask = socket.getaddrinfo

    def __call__(self, host, port, *arguments, **keywords):
        self.asked.append(host)
        if host not in self.names:
            if host != 'localhost' and host.rstrip('.').endswith('example'):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return self._ask(host, port, *arguments, **keywords)
        addresses = self.names[host]
        if callable(addresses):
            addresses = addresses()
        kinds = [socket.AF_INET6 if ':' in address else socket.AF_INET for address in addresses]
        return [(kind, socket.SOCK_STREAM, 6, '', (address, port)) for kind, address in zip(kinds, addresses)]


@tagged('post_install', '-at_install')
class TestAddresses(BaseCase):
    def setUp(self):
        super().setUp()
        self.connected = []

        def create_connection(place, *_arguments):
            self.connected.append(place)
            raise ConnectionRefusedError("the test goes no further")

        self.startPatcher(patch.object(outbound.socket, 'create_connection', create_connection))

    def ask(self, names):
        server = NameServer(names)
        self.startPatcher(patch.object(outbound.socket, 'getaddrinfo', server))
        return server

    def test_refused(self):
        self.assertGreaterEqual(len(REFUSED), 40)
        self.assertEqual(len(REFUSED), len(set(REFUSED)))
        self.ask(NAMES)
        for url in REFUSED:
            with self.subTest(url):
                with self.assertRaises(OutboundError) as caught:
                    request('POST', url, payload={}, timeout=5, allowed='public.example:8022, gateway')
                self.assertIn(caught.exception.kind, ('blocked', 'unreachable'))
                # A spelling that the machine does not take for an address is a name that nobody has.
                self.assertTrue(caught.exception.kind == 'blocked' or 'resolved' in str(caught.exception))
                self.assertFalse(self.connected, "nothing is connected")

    def test_called(self):
        self.ask(NAMES)
        for url, place in CALLED.items():
            with self.subTest(url), self.assertRaises(OutboundError) as caught:
                request('POST', url, payload={}, timeout=5)
            self.assertEqual((caught.exception.kind, self.connected), ('unreachable', [place]), url)
            self.connected.clear()

    def test_a_name_that_leads_elsewhere_the_second_time(self):
        turns = iter([[PUBLIC], ['127.0.0.1'], ['127.0.0.1']])
        server = self.ask({'rebound.example': lambda: next(turns)})
        with self.assertRaises(OutboundError):
            request('POST', 'https://rebound.example/', payload={}, timeout=5)
        self.assertEqual(self.connected, [(PUBLIC, 443)], "the address that was judged is the one that is connected")
        self.assertEqual(server.asked, ['rebound.example'], "asked once")
        with self.assertRaises(OutboundError) as caught:
            request('POST', 'https://rebound.example/', payload={}, timeout=5)
        self.assertEqual(
            (caught.exception.kind, len(self.connected)), ('blocked', 1), "judged anew for each connection"
        )

    def test_what_is_on_the_list_is_called_by_that_name_only(self):
        self.ask(NAMES)
        allowed = '127.0.0.1:8070, loop.example'
        for url in ('http://127.0.0.1:8070/', 'http://loop.example/', 'http://LOOP.example:25/'):
            with self.subTest(url), self.assertRaises(OutboundError) as caught:
                request('POST', url, payload={}, timeout=5, allowed=allowed)
            self.assertEqual(caught.exception.kind, 'unreachable')
        for url in ('http://127.0.0.1:8071/', 'http://127.0.0.2:8070/', 'http://2130706433:8070/', 'http://[::1]:8070/',
                    'http://loop6.example/', 'https://sub.loop.example.mixed.example/'):  # fmt: skip
            with self.subTest(url), self.assertRaises(OutboundError) as caught:
                request('POST', url, payload={}, timeout=5, allowed=allowed)
            self.assertTrue(caught.exception.kind == 'blocked' or 'resolved' in str(caught.exception), url)

    def test_a_name_server_that_does_not_answer(self):
        released = threading.Event()
        self.addCleanup(released.set)
        self.ask({'slow.example': lambda: released.wait(20) and []})
        started = time.monotonic()
        with self.assertRaises(OutboundError) as caught:
            request('POST', 'https://slow.example/', payload={}, timeout=0.3)
        self.assertEqual(caught.exception.kind, 'timeout')
        self.assertLess(time.monotonic() - started, 5)


@tagged('post_install', '-at_install')
class TestMisbehavingPeers(BaseCase):
    def peer(self, script):
        peer = Peer(script)
        self.addCleanup(peer.close)
        return peer

    def call(self, script, timeout=5.0, url=None):
        peer = self.peer(script)
        with Line(f'127.0.0.1:{peer.port}') as line:
            return line.send('POST', url or peer.url, body=b'{}', timeout=timeout)

    def assertNoAnswer(self, kind, script, timeout=5.0, scheme='http'):
        peer = self.peer(script)
        started = time.monotonic()
        with self.assertRaises(OutboundError) as caught, Line(f'127.0.0.1:{peer.port}') as line:
            line.send('POST', peer.url.replace('http', scheme, 1), body=b'{}', timeout=timeout)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        self.assertLess(time.monotonic() - started, timeout + 2)
        return caught.exception

    def test_hangs(self):
        self.assertNoAnswer('timeout', hangs, timeout=0.3)

    def test_does_not_even_take_the_call(self):
        """A listener whose queue is full: connecting hangs."""
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(('127.0.0.1', 0))
            full.listen(0)
            place = full.getsockname()
            for filler in (first, second):
                filler.setblocking(False)
                filler.connect_ex(place)
            started = time.monotonic()
            with self.assertRaises(OutboundError) as caught:
                request('POST', f'http://127.0.0.1:{place[1]}/', payload={}, timeout=0.4, allowed='127.0.0.1')
            self.assertEqual(caught.exception.kind, 'timeout')
            self.assertLess(time.monotonic() - started, 3)

    def test_the_time_is_for_everything(self):
        for script in (
            trickles(b'', b'H'),
            trickles(b'HTTP/1.1 200 OK\r\n', b'X-A: b\r\n', pause=0.1),
            trickles(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n', b'x'),
            trickles(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', b'1\r\nx\r\n'),
            trickles(b'HTTP/1.1 200 OK\r\n\r\n', b'x'),
            trickles(b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
        ):
            self.assertNoAnswer('timeout', script, timeout=0.5)

    def test_the_time_is_for_tls_as_well(self):
        """A hand-shake that never ends, byte by byte: no single wait is long."""
        peer = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(peer.close)

        def serve():
            connection, _address = peer.accept()
            with connection:
                try:
                    connection.sendall(b'\x16\x03\x03\x40\x00\x02')
                    while True:
                        connection.sendall(b'\x00')
                        time.sleep(0.05)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        started = time.monotonic()
        with self.assertRaises(OutboundError) as caught:
            port = peer.getsockname()[1]
            request('POST', f'https://127.0.0.1:{port}/', payload={}, timeout=0.5, allowed='127.0.0.1')
        self.assertEqual(caught.exception.kind, 'timeout', caught.exception)
        self.assertLess(time.monotonic() - started, 3)

    def test_resets(self):
        self.assertNoAnswer('unreachable', resets)
        self.assertNoAnswer('garbage', says(then_closes=True))

    def test_closes_half_way(self):
        whole = answer(200, b'x' * 100)
        for sent in (whole[:9], whole[:-1], whole[:-50], whole[:-100]):
            error = self.assertNoAnswer('garbage', says(sent, then_closes=True))
            self.assertTrue(str(error))
        chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'
        self.assertNoAnswer('garbage', says(chunked, then_closes=True))

    def test_garbage(self):
        for words in (
            b'\x00\x01\x02\x03\r\n\r\n',
            b'SSH-2.0-OpenSSH_9.2\r\n\r\n',
            b'HTTP/1.1 2OO OK\r\n\r\n',
            b'HTTP/1.1 99 Low\r\n\r\n',
            b'HTTP/1.1 1000 High\r\n\r\n',
            b'ICY 200 OK\r\n\r\n',
            b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n',
            b'HTTP/1.1 200 OK\r\n' + b'X: y\r\n' * 200 + b'\r\n',
            b'HTTP/1.1 200 ' + b'x' * 70_000 + b'\r\n\r\n',
        ):
            self.assertNoAnswer('garbage', says(words, then_closes=True))

    def test_statuses_are_told_as_they_are(self):
        for status in (200, 204, 301, 404, 410, 429, 500, 503):
            found = self.call(says(answer(status, b'', Retry_After='7', Location='http://127.0.0.1:1/')))
            self.assertEqual((found.status, found.headers['retry-after']), (status, '7'))

    def test_redirects_are_not_followed(self):
        target = self.peer(says(answer(200)))
        for status in (301, 302, 303, 307, 308):
            found = self.call(says(answer(status, Location=target.url)))
            self.assertEqual(found.status, status)
        self.assertEqual(target.connections, 0)

    def test_long_answers_are_cut(self):
        for script in (
            says(answer(200, b'x' * 10_000_000)),
            floods(b'HTTP/1.1 200 OK\r\n\r\n', b'x' * 65536),
            floods(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', b'10000\r\n' + b'x' * 65536 + b'\r\n'),
            says(b'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n' + b'x' * 100_000),
        ):
            self.assertEqual(len(self.call(script).body), MAX_BODY + 1)
        with self.assertRaisesRegex(OutboundError, 'longer'):
            peer = self.peer(says(answer(200, b'x' * 100_000)))
            request('POST', peer.url, timeout=5, allowed='127.0.0.1')

    def test_what_is_packed_stays_packed(self):
        bomb = gzip.compress(b'\0' * 50_000_000)
        found = self.call(says(answer(200, bomb, Content_Encoding='gzip')))
        self.assertEqual(found.body, bomb[: MAX_BODY + 1])

    def test_no_answer_is_taken_for_the_next_one(self):
        """A second answer, or the one behind a provisional one, counts for nothing: nobody had asked."""
        hints = b'HTTP/1.1 103 Early Hints\r\n\r\n'
        for first in (answer(500), hints):
            turns = iter([says(first, answer(200, b'early'), pause=0.03), says(answer(503, b'true'))])
            peer = self.peer(lambda connection, said, turns=turns: next(turns)(connection, said))
            with Line('127.0.0.1') as line:
                self.assertIn(line.send('POST', peer.url, body=b'1', timeout=5).status, (500, 103))
                time.sleep(0.1)
                self.assertEqual(line.send('POST', peer.url, body=b'2', timeout=5).body, b'true')
            self.assertEqual(peer.connections, 2)

    def test_a_good_connection_is_kept(self):
        peer = self.peer(says(answer(200, b'fine')))
        with Line('127.0.0.1') as line:
            for _number in range(3):
                self.assertEqual(line.send('POST', peer.url, body=b'{}', timeout=5).body, b'fine')
            (kept,) = line._open.values()
            self.assertTrue(kept.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "40 ms for each request")
        self.assertEqual((peer.connections, len(peer.requests)), (1, 3))
