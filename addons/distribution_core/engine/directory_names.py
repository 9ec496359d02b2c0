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

Servers may write letters as the bytes of UTF-8 (RFC 4514, 2.4); both spellings are known, and a comma
within a name never becomes one between names:

>>> sorted(from_dn('cn=Eink\\\\C3\\\\A4ufer,dc=example'))
['cn=eink\\\\c3\\\\a4ufer,dc=example', 'cn=einkäufer,dc=example', 'einkäufer']
>>> sorted(from_dn('cn=Buy\\\\2Cou=Head,dc=example'))
['buy,ou=head', 'cn=buy\\\\,ou=head,dc=example', 'cn=buy\\\\2cou=head,dc=example']

Nor does a common name pass for a distinguished one, whatever somebody calls their group:

>>> sorted(from_dn('cn=cn\\\\3DBuyers\\\\2Cdc\\\\3Dexample,ou=Mine,dc=example'))
['cn=cn\\\\3dbuyers\\\\2cdc\\\\3dexample,ou=mine,dc=example', 'cn=cn\\\\=buyers\\\\,dc\\\\=example,ou=mine,dc=example']
"""

import re

#: More groups than this are not read: no person is in so many, and a login must stay quick.
MAX_GROUPS = 5_000
_FIRST_CN = re.compile(r'\s*cn\s*=\s*((?:\\.|[^,\\])+)', re.IGNORECASE)
_ESCAPED = re.compile(r'((?:\\[0-9a-fA-F]{2})+)|\\(.)')
_AS_BYTES = re.compile(r'(\\[^0-9a-fA-F])|((?:\\[0-9a-fA-F]{2})+)')
_LIKE_DN = re.compile(r'\s*[\w.;-]+\s*=')
#: What keeps its backslash in a distinguished name: without it, the name would be another one.
_SPECIAL = ',+"\\<>;='


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
    names = {normal(name), normal(_AS_BYTES.sub(lambda found: found[1] or _spelled(_letters(found[2])), name))}
    common = match and _ESCAPED.sub(lambda found: _letters(found[1]) if found[1] else found[2], match[1])
    if common and not _LIKE_DN.match(common):
        names.add(normal(common))
    return frozenset(found for found in names if found)


def _letters(escaped):
    """The text of escaped bytes such as ``\\C3\\A4``."""
    return bytes.fromhex(escaped.replace('\\', '')).decode('utf-8', 'replace')


def _spelled(text):
    return ''.join(f'\\{letter}' if letter in _SPECIAL else letter for letter in text)


def from_member_of(values):
    """The names of all groups that LDAP's ``memberOf`` lists."""
    return frozenset().union(*(from_dn(value) for value in list(values or ())[:MAX_GROUPS]))
