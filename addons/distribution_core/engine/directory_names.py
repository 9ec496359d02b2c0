"""Names of groups as identity providers send them.

* a claim is a list of texts, or one text with commas (or blanks, when there is no comma);
* LDAP's ``memberOf`` holds distinguished names: both the whole name and its first common name count.

>>> sorted(claimed(['Buyers', ' Approvers ', 7, '']))
['approvers', 'buyers']
>>> sorted(claimed('Buyers, Policy Authors'))
['buyers', 'policy authors']
>>> sorted(claimed('buyers approvers'))
['approvers', 'buyers']
>>> sorted(from_dn('CN=Buy\\\\, central,OU=Groups,DC=example'))
['buy, central', 'cn=buy\\\\, central,ou=groups,dc=example']

Servers may write letters beyond ASCII as the bytes of UTF-8 (RFC 4514, 2.4); both spellings are known:

>>> sorted(from_dn('cn=Eink\\\\C3\\\\A4ufer,dc=example'))
['cn=eink\\\\c3\\\\a4ufer,dc=example', 'cn=einkäufer,dc=example', 'einkäufer']
"""

import re

#: More groups than this are not read: no person is in so many, and a login must stay quick.
MAX_GROUPS = 5_000
_FIRST_CN = re.compile(r'\s*cn\s*=\s*((?:\\.|[^,\\])+)', re.IGNORECASE)
_ESCAPED = re.compile(r'((?:\\[0-9a-fA-F]{2})+)|\\(.)')
_BEYOND_ASCII = re.compile(r'(?:\\[89a-fA-F][0-9a-fA-F])+')


def normal(name):
    """One spelling per name: without blanks around it, and in small letters."""
    return name.strip().casefold()


def claimed(value):
    """The set of group names that a claim holds; anything but text is left out."""
    if isinstance(value, str):
        value = value.split(',') if ',' in value else value.split()
    if not isinstance(value, (list, tuple, set, frozenset)):
        return frozenset()
    names = (normal(item) for item in list(value)[:MAX_GROUPS] if isinstance(item, str))
    return frozenset(name for name in names if name)


def from_dn(name):
    """The names by which a group with the distinguished name ``name`` (text or bytes) is known."""
    if isinstance(name, bytes):
        name = name.decode('utf-8', 'replace')
    match = _FIRST_CN.match(name)
    names = {normal(name), normal(_BEYOND_ASCII.sub(lambda found: _letters(found[0]), name))}
    if match:
        names.add(normal(_ESCAPED.sub(lambda found: _letters(found[1]) if found[1] else found[2], match[1])))
    return frozenset(found for found in names if found)


def _letters(escaped):
    """The text of escaped bytes such as ``\\C3\\A4``."""
    return bytes.fromhex(escaped.replace('\\', '')).decode('utf-8', 'replace')


def from_member_of(values):
    """The names of all groups that LDAP's ``memberOf`` lists."""
    return frozenset().union(*(from_dn(value) for value in list(values or ())[:MAX_GROUPS]))
