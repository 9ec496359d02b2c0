"""Standard Webhooks: what is signed, and how a receiver checks it (https://www.standardwebhooks.com).

The signed text is ``{id}.{timestamp}.{body}``; the key is the base64 part of a secret that begins
with ``whsec_``; the signature is ``v1,`` and the base64 of HMAC-SHA256. While a secret is being
rotated there is one signature per valid secret, with blanks between.

>>> secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
>>> sign([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, b'{"test": 2432232314}')
'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
>>> verify([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', b'{"test": 2432232314}',
...        'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', now=1614265400)
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = 'whsec_'
VERSION = 'v1'
#: How far the clocks of two sides may differ, in seconds.
TOLERANCE = 300
#: Length of a secret in bytes, by the specification.
SHORTEST, LONGEST = 24, 64


class SignatureProblem(ValueError):
    """A message is not to be believed, or a secret is none."""


def new_secret(random_bytes):
    """A secret as it is shown to people, from at least 24 random bytes."""
    if not SHORTEST <= len(random_bytes) <= LONGEST:
        raise SignatureProblem(f"a secret has {SHORTEST} to {LONGEST} bytes")
    return PREFIX + base64.b64encode(random_bytes).decode()


def _key(secret):
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureProblem("the secret is not base64") from error
    if not key:
        raise SignatureProblem("the secret is empty")
    return key


def _signature(secret, message_id, timestamp, body):
    signed = f'{message_id}.{timestamp}.'.encode() + body
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def sign(secrets, message_id, timestamp, body):
    """The value of the header ``webhook-signature``: one signature per secret.

    :param timestamp: seconds since 1970, a whole number
    :param body: the very bytes that are sent
    """
    if not secrets:
        raise SignatureProblem("there is no secret to sign with")
    if '.' in message_id:
        raise SignatureProblem("a message id has no full stop: it would blur what is signed")
    return ' '.join(f'{VERSION},{_signature(secret, message_id, int(timestamp), body)}' for secret in secrets)


def verify(secrets, message_id, timestamp, body, signature, *, now, tolerance=TOLERANCE):
    """Return None when one of the signatures was made with one of the secrets; else raise.

    :raises SignatureProblem: a header is missing or wrong, or the message is too old or too new
    """
    if not (message_id and timestamp and signature):
        raise SignatureProblem("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureProblem("webhook-timestamp is no number of seconds")
    if abs(now - int(timestamp)) > tolerance:
        raise SignatureProblem("webhook-timestamp is too far from now")
    given = [part.partition(',')[2] for part in signature.split(' ') if part.partition(',')[0] == VERSION]
    expected = [_signature(secret, message_id, int(timestamp), body) for secret in secrets]
    # Each is compared with each, in constant time: how long it takes says nothing about which one fits.
    fits = [hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected]
    if not any(fits):
        raise SignatureProblem("no signature fits")
