"""Where requests may go."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.addresses import AddressRefused, choose_address, is_public, on_allow_list, split_url

INTERNAL = [
    '127.0.0.1', '127.255.255.254', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '0.0.0.0', '100.64.0.1',
    '224.0.0.1', '255.255.255.255', '240.0.0.1', '198.18.0.1', '192.0.2.1', '::', '::1', 'fe80::1', 'fe80::1%eth0',
    'fc00::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a00:1',
    '64:ff9b:1::a00:1', '64:ff9b:1::808:808', '64:ff9b:1:7f00:0:100:808:808', '2002:7f00:1::', '2002:c0a8:101::',
    '2002:808:808::', '2001:0:7f00:1::', '2001:0:808:808::', '2001:db8::1', '3fff::1', 'fec0::1', 'fd00:ec2::254',
    '::8.8.8.8', '::ffff:0:8.8.8.8', '100::1', '5f00::1', '4000::1', '2001:2::1', '2001:10::1', '2001:20::1',
    'ff0e::1', '2606:2800:220:1:0:5efe:10.0.0.1', '2606:2800:220:1:200:5efe:10.0.0.1', '192.0.0.1', '192.0.0.192',
    '192.88.99.1', '168.63.129.16', '198.19.255.255', '198.51.100.7', '203.0.113.7', '100.127.255.254',
    '172.31.255.255', '0.1.2.3', '239.255.255.255', '64:ff9b::c000:c0', 'not an address', '', '127.1', '2130706433',
]  # fmt: skip


@pytest.mark.parametrize('address', INTERNAL)
def test_internal(address):
    assert not is_public(address)
    with pytest.raises(AddressRefused):
        choose_address('https', 'host', 443, ['93.184.216.34', address], '')


@pytest.mark.parametrize(
    'address',
    [
        '93.184.216.34',
        '8.8.8.8',
        '2606:2800:220:1::1',
        '::ffff:8.8.8.8',
        '64:ff9b::808:808',
        '172.32.0.1',
        '100.63.255.255',
        '11.0.0.1',
        '2a00:1450:4001:830::200e',
        '2606:2800:220:1:0:5efe:8.8.8.8',
    ],
)
def test_public(address):
    assert is_public(address)
    assert choose_address('https', 'host', 443, [address], '') == address


@given(st.integers(0, 2**32 - 1))
def test_a_carried_address_is_no_way_round(number):
    plain = ipaddress.IPv4Address(number)
    for carrier in (
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address('64:ff9b::')) | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
    ):
        assert not is_public(str(carrier)) or is_public(str(plain))


@pytest.mark.parametrize(
    'url',
    [
        'ftp://x', 'file:///etc/passwd', 'gopher://x', '//x/y', 'x', '', 'https://', 'https:///x', 'https://u:p@x',
        'https://u@x', 'https://x:99999', 'https://x:y', 'https://x /y', 'https://x\r\nHost: y', 'https://x\\@y', 'https://[::1',
        'https://x:0', 'https://x:-1', 'https://x:４４３', 'https://a..b', 'https://.',
        'https://' + 'a' * 64 + '.example', 'https://[fe80::1%25eth0]', 'https://127%2e0%2e0%2e1', 'https://x%00y', 'https://ex\u2100mple',
    ],
)  # fmt: skip
def test_urls_refused(url):
    with pytest.raises(AddressRefused):
        split_url(url)


def test_urls():
    assert split_url('https://Credit.Example:8443/a?b') == ('https', 'credit.example', 8443)
    assert split_url('http://[::1]/') == ('http', '::1', 80)
    assert split_url('https://Bücher.example./') == ('https', 'xn--bcher-kva.example.', 443)
    assert split_url('https://１２７。0。0。1/')[1] == '127.0.0.1', 'what it is resolved as is what is judged'
    assert split_url('https://①②⑦.0.0.1/')[1] == '127.0.0.1'


@pytest.mark.parametrize('port', [1, 22, 25, 80, 110, 445, 636, 1023])
def test_ports_of_other_services(port):
    with pytest.raises(AddressRefused, match=f'port {port} '):
        choose_address('https', 'host', port, ['8.8.8.8'], 'host:443')
    assert choose_address('https', 'host', port, ['8.8.8.8'], f'host:{port}') == '8.8.8.8'


def test_http_only_when_allowed():
    with pytest.raises(AddressRefused):
        choose_address('http', 'host', 80, ['8.8.8.8'], '')
    assert choose_address('http', 'host', 80, ['10.0.0.1'], 'other, HOST:80') == '10.0.0.1'
    with pytest.raises(AddressRefused):
        choose_address('http', 'host', 81, ['10.0.0.1'], 'host:80')


@given(st.text(max_size=20))
def test_an_empty_list_allows_nothing(host):
    assert not on_allow_list(host, 80, '') and not on_allow_list(host, 80, ' , ') or host.strip() == ''
