"""Where a request may go: public addresses, and what the administrator of the machine allows.

A URL that an administrator of the application types must not become a way into the network in
which the server stands (server-side request forgery). Rules:

1. Only ``https``, to port 443 or one from 1024 on; no user name in the URL. Every address to which
   the name resolves must be public, also behind the IPv6 forms that carry an IPv4 address. Tunnels
   (6to4, Teredo, ISATAP) and networks of which only the house knows where they lead are not public.
2. The allow list names hosts (``host`` or ``host:port``) that may be internal, may speak ``http``
   and may listen anywhere: the tests' own server, a gateway in the house.
3. A host is taken as it is resolved: in small letters, names of other alphabets in their ASCII form.

>>> is_public('93.184.216.34'), is_public('10.0.0.1'), is_public('::ffff:127.0.0.1')
(True, False, False)
>>> split_url('https://credit.example/v1?x=1')
('https', 'credit.example', 443)
>>> on_allow_list('127.0.0.1', 8070, '127.0.0.1:8070, gateway')
True
>>> network_of('2001:db8::7'), network_of('::ffff:192.0.2.1')
('2001:db8::/64', '192.0.2.1')
"""

import ipaddress
from urllib.parse import urlsplit

#: Carries an IPv4 address that is reached through the provider's gateway.
_NAT64 = ipaddress.ip_network('64:ff9b::/96')
#: All that is given out in IPv6.
_GIVEN_OUT = ipaddress.ip_network('2000::/3')
#: Not public, whatever this version of Python thinks of them.
_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        '192.0.0.0/24',  # protocols; a cloud's metadata service
        '192.88.99.0/24',  # relays of 6to4
        '168.63.129.16/32',  # a cloud's own service in every virtual machine
        '2001::/23',  # protocols: Teredo, benchmarks, ORCHID
        '2002::/16',  # 6to4
        '3fff::/20',  # documentation
    )
)
#: Interface numbers of ISATAP, which carry an IPv4 address; the bit of local numbers apart.
_ISATAP, _ISATAP_MASK = 0x00005EFE, 0xFDFFFFFF
#: Below this, only 443: mail servers, databases' neighbours and shells listen there.
_FIRST_FREE_PORT = 1024


class AddressRefused(ValueError):
    """A request must not go there."""


def is_public(address):
    """Whether an IP address (text) belongs to the public internet."""
    try:
        parsed = ipaddress.ip_address(address.partition('%')[0])
    except ValueError:
        return False
    if parsed.version == 4:
        return _is_public(parsed)
    last = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    if parsed.ipv4_mapped or parsed in _NAT64:
        # Not "global" by itself in every version of Python: what it carries counts.
        return _is_public(last)
    is_isatap = int(parsed) >> 32 & _ISATAP_MASK == _ISATAP
    return parsed in _GIVEN_OUT and _is_public(parsed) and (not is_isatap or _is_public(last))


def _is_public(address):
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _SPECIAL)
    )


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
    if port == 0:
        raise AddressRefused("port 0 cannot be called")
    return parts.scheme, _plain_host(parts.hostname), port or (443 if parts.scheme == 'https' else 80)


def _plain_host(host):
    if not host:
        raise AddressRefused("the address names no host")
    if '%' in host:
        raise AddressRefused("the host must not contain %")
    try:
        return host.encode('idna').decode().lower()
    except UnicodeError as error:
        raise AddressRefused("the name of the host cannot be used") from error


def on_allow_list(host, port, allowed):
    """Whether the list (texts ``host`` or ``host:port`` with commas between) names the host."""
    entries = {entry.strip().lower() for entry in (allowed or '').split(',') if entry.strip()}
    return host.lower() in entries or f'{host.lower()}:{port}' in entries


def check_place(scheme, host, port, allowed):
    """Raise AddressRefused unless this may be called, wherever the name leads to."""
    if on_allow_list(host, port, allowed):
        return
    if scheme != 'https':
        raise AddressRefused("only https is called")
    if port != 443 and port < _FIRST_FREE_PORT:
        raise AddressRefused(f"port {port} is not called: use 443, or one from {_FIRST_FREE_PORT} on")


def choose_address(scheme, host, port, addresses, allowed):
    """The IP address to connect to.

    :param addresses: what the name resolves to
    :raises AddressRefused: one of them is internal, or scheme or port are not safe
    """
    check_place(scheme, host, port, allowed)
    if not addresses:
        raise AddressRefused(f"{host} has no address")
    if on_allow_list(host, port, allowed):
        return addresses[0]
    internal = [address for address in addresses if not is_public(address)]
    if internal:
        raise AddressRefused(f"{host} leads to an internal address")
    return addresses[0]


def network_of(address):
    """Who is meant by the address of a caller: of IPv6 the network (/64), for one caller has all of it.

    >>> network_of('fe80::1%eth0'), network_of('x'), network_of(None)
    ('fe80::/64', 'unknown', 'unknown')
    """
    try:
        parsed = ipaddress.ip_address((address or '').partition('%')[0])
    except ValueError:
        return 'unknown'
    parsed = getattr(parsed, 'ipv4_mapped', None) or parsed
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network(f'{parsed}/64', strict=False))
