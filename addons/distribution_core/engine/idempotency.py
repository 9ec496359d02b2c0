"""The same call twice is one call: ``Idempotency-Key``, and what counts as the same.

Rules:

1. A key is 1 to 255 visible ASCII characters.
2. Two calls are the same when operation and body are: the order of keys and blanks between do not matter.
3. A key that is known: the same call gets the answer of the first one; another call is refused.

>>> check_key('order-4711')
'order-4711'
>>> one = fingerprint('customer-orders', {'a': 1, 'b': [2.0]})
>>> one == fingerprint('customer-orders', {'b': [2.0], 'a': 1}), one == fingerprint('requisitions', {'a': 1})
(True, False)
"""

import hashlib
import json

from .problem import Problem

LONGEST = 255


def check_key(text):
    """The key, or None when there is none.

    :raises Problem: it is no key
    """
    if text is None:
        return None
    if not 1 <= len(text) <= LONGEST or not all('!' <= character <= '~' for character in text):
        raise Problem('header-invalid', f"Idempotency-Key: 1 to {LONGEST} visible ASCII characters without blanks.")
    return text


def fingerprint(operation, body):
    """SHA-256 of the call, as hexadecimal text."""
    text = json.dumps([operation, body], sort_keys=True, separators=(',', ':'), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
