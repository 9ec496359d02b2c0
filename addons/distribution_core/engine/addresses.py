"""Where a request may go: public addresses, and what the administrator of the machine allows.

A URL that an administrator of the application types must not become a way into the network in
which the server stands (server-side request forgery). Rules:

1. Only ``https`` to public addresses; no user name in the URL. Every address to which the name
   resolves must be public, also behind the IPv6 forms that carry an IPv4 address.
2. The allow list names hosts (``host`` or ``host:port``) that may be internal and may speak
   ``http``: the tests' own server, a gateway in the house.

>>> is_public('93.184.216.34'), is_public('10.0.0.1'), is_public('::ffff:127.0.0.1')
(True, False, False)
>>> split_url('https://credit.example/v1?x=1')
('https', 'credit.example', 443)
>>> on_allow_list('127.0.0.1', 8070, '127.0.0.1:8070, gateway')
True
"""

import ipaddress
from urllib.parse import urlsplit

_NAT64 = (ipaddress.ip_network('64:ff9b::/96'), ipaddress.ip_network('64:ff9b:1::/48'))
_COMPATIBLE = ipaddress.ip_network('::/96')


class AddressRefused(ValueError):
    """A request must not go there."""


def is_public(address):
    """Whether an IP address (text) belongs to the public internet."""
    try:
        parsed = ipaddress.ip_address(address.partition('%')[0])
    except ValueError:
        return False
    return all(part.is_global and not part.is_multicast and not part.is_reserved for part in _faces(parsed))


def _faces(address):
    """The address, and the IPv4 addresses that it may stand for."""
    if address.version == 4:
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in (*_NAT64, _COMPATIBLE)):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    carried = [part for part in inner if part]
    # A mapped address is not "global" by itself in every version of Python: what it carries counts.
    return carried if carried and not address.teredo else [address, *carried]


def split_url(url):
    """``(scheme, host, port)`` of a URL; AddressRefused when it is none that can be called."""
    if any(character <= ' ' or character == '\x7f' or character == '\\' for character in url):
        raise AddressRefused("the address contains blanks, backslashes or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"the address cannot be read: {error}") from error
    if parts.scheme not in ('http', 'https'):
        raise AddressRefused("the address must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("the address must not contain a user name or password: use the credential field")
    if not parts.hostname:
        raise AddressRefused("the address names no host")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == 'https' else 80)


def on_allow_list(host, port, allowed):
    """Whether the list (texts ``host`` or ``host:port`` with commas between) names the host."""
    entries = {entry.strip().lower() for entry in (allowed or '').split(',') if entry.strip()}
    return host.lower() in entries or f'{host.lower()}:{port}' in entries


def choose_address(scheme, host, port, addresses, allowed):
    """The IP address to connect to.

    :param addresses: what the name resolves to
    :raises AddressRefused: one of them is internal, or the scheme is not safe
    """
    if not addresses:
        raise AddressRefused(f"{host} has no address")
    if on_allow_list(host, port, allowed):
        return addresses[0]
    if scheme != 'https':
        raise AddressRefused("only https is called")
    internal = [address for address in addresses if not is_public(address)]
    if internal:
        raise AddressRefused(f"{host} leads to an internal address")
    return addresses[0]
