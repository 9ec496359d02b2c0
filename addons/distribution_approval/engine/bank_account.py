"""Bank accounts: shown masked, compared by fingerprint.

Rules
-----
* A number is shown by its last four characters at most, and never by more than half of it.
* Two numbers are the same account when they agree in letters and digits, whatever the blanks.
* A fingerprint is keyed: account numbers are few enough to be tried one after the other.
* The country of an IBAN is that of its first two letters, when its check digits are right.

>>> mask("DE89 3704 0044 0532 0130 00")
'••••3000'
>>> mask("12345")
'••••45'
>>> mask("")
''
>>> iban_country("DE89 3704 0044 0532 0130 00"), iban_country("DE89 3704 0044 0532 0130 01"), iban_country("12345")
('DE', None, None)
>>> fingerprint("key", "DE89 3704", 7) == fingerprint("key", "de893704", 7)
True
>>> fingerprint("key", "DE89 3704", 7) == fingerprint("other key", "DE89 3704", 7)
False
>>> fingerprint("key", "a", "bc") == fingerprint("key", "ab", "c")
False
"""

import hashlib
import hmac
import json
import re

DOTS = "••••"
SHOWN = 4


def normalized(number):
    """Letters and digits of a number, capital."""
    return re.sub(r"[\W_]", "", number or "").upper()


def mask(number):
    """The number as people without need for it see it."""
    plain = normalized(number)
    shown = min(SHOWN, len(plain) // 2)
    return DOTS + plain[len(plain) - shown :] if plain else ""


def is_masked(text):
    return "•" in (text or "")


def iban_country(number):
    """ISO code of the country, or None for what is no (valid) IBAN."""
    plain = normalized(number)
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", plain):
        return None
    digits = "".join(str(int(char, 36)) for char in plain[4:] + plain[:4])
    return plain[:2] if int(digits) % 97 == 1 else None


def fingerprint(key, *values):
    """Keyed digest of values; texts are compared by their letters and digits."""
    texts = [normalized(value) if isinstance(value, str) else value or None for value in values]
    return hmac.new(key.encode(), json.dumps(texts).encode(), hashlib.sha256).hexdigest()
