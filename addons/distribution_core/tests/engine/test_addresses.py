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
    '64:ff9b:1::a00:1', '2002:7f00:1::', '2002:c0a8:101::', '2001:0:7f00:1::', '2001:db8::1', 'not an address', '',
]  # fmt: skip


@pytest.mark.parametrize('address', INTERNAL)
def test_internal(address):
    assert not is_public(address)
    with pytest.raises(AddressRefused):
        choose_address('https', 'host', 443, ['93.184.216.34', address], '')


@pytest.mark.parametrize('address', ['93.184.216.34', '8.8.8.8', '2606:2800:220:1::1', '::ffff:8.8.8.8'])
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
    ],
)  # fmt: skip
def test_urls_refused(url):
    with pytest.raises(AddressRefused):
        split_url(url)


def test_urls():
    assert split_url('https://Credit.Example:8443/a?b') == ('https', 'credit.example', 8443)
    assert split_url('http://[::1]/') == ('http', '::1', 80)


def test_http_only_when_allowed():
    with pytest.raises(AddressRefused):
        choose_address('http', 'host', 80, ['8.8.8.8'], '')
    assert choose_address('http', 'host', 80, ['10.0.0.1'], 'other, HOST:80') == '10.0.0.1'
    with pytest.raises(AddressRefused):
        choose_address('http', 'host', 81, ['10.0.0.1'], 'host:80')


@given(st.text(max_size=20))
def test_an_empty_list_allows_nothing(host):
    assert not on_allow_list(host, 80, '') and not on_allow_list(host, 80, ' , ') or host.strip() == ''
