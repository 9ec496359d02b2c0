"""Keys of the API: ``dk_<prefix>_<secret>``.

Rules:

1. The prefix (8 characters) is no secret: it names the key in lists, logs and conversations.
2. The secret has 40 characters of 62, 238 bits: nobody guesses it, so a plain SHA-256 is a safe way to keep it.
3. Only the digest of the whole key is stored.

>>> key = new_key(lambda characters: characters[0])
>>> key, prefix_of(key)
('dk_aaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'aaaaaaaa')
>>> prefix_of('dk_short_x') is None, len(digest(key))
(True, 64)
>>> from_header('bearer dk_a_b'), from_header('Basic eA==')
('dk_a_b', None)
"""

import hashlib
import re
import string

MARK = 'dk'
PREFIX_CHARACTERS = string.ascii_lowercase + string.digits
SECRET_CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
PREFIX_LENGTH, SECRET_LENGTH = 8, 40
_PATTERN = re.compile(rf'{MARK}_([a-z0-9]{{{PREFIX_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}')


def new_key(choose):
    """A key as it is shown, once.

    :param choose: picks one of the characters, such as ``secrets.choice``
    """
    prefix = ''.join(choose(PREFIX_CHARACTERS) for _position in range(PREFIX_LENGTH))
    secret = ''.join(choose(SECRET_CHARACTERS) for _position in range(SECRET_LENGTH))
    return f'{MARK}_{prefix}_{secret}'


def prefix_of(text):
    """The prefix of a key; None when the text is none."""
    match = _PATTERN.fullmatch(text or '')
    return match and match.group(1)


def digest(text):
    """What is stored of a key."""
    return hashlib.sha256(text.encode()).hexdigest()


def from_header(value):
    """The key in the header ``Authorization``, or None."""
    scheme, _blank, text = (value or '').strip().partition(' ')
    return text.strip() or None if scheme.lower() == 'bearer' else None
