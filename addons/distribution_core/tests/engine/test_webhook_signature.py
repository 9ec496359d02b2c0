"""Signatures: the vectors of the specification, the reference library both ways, and forgeries."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from engine.webhook_signature import SignatureProblem, new_secret, sign, verify

SECRETS = st.binary(min_size=24, max_size=64).map(new_secret)
IDS = st.text(string.ascii_letters + string.digits + '_-', min_size=1, max_size=40)
NOW = 1_700_000_000


def headers(message_id, timestamp, signature):
    return {'webhook-id': message_id, 'webhook-timestamp': str(timestamp), 'webhook-signature': signature}


@given(SECRETS, IDS, st.text(max_size=200))
def test_the_library_believes_us(secret, message_id, body):
    import time

    now = int(time.time())
    signature = sign([new_secret(b'x' * 24), secret], message_id, now, body.encode())
    library = Webhook(secret)
    try:
        library.verify(body, headers(message_id, now, signature))
    except ValueError as error:  # it parses the body as JSON once it believes it
        assert 'ignature' not in str(error)


@given(SECRETS, IDS, st.text(max_size=200))
def test_we_believe_the_library(secret, message_id, body):
    from datetime import datetime, timezone

    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(NOW, timezone.utc), body)
    verify([secret], message_id, str(NOW), body.encode(), signature, now=NOW)


@given(SECRETS, IDS, st.binary(max_size=100), st.binary(max_size=100))
def test_another_body_is_not_believed(secret, message_id, body, other):
    signature = sign([secret], message_id, NOW, body)
    if other != body:
        with pytest.raises(SignatureProblem):
            verify([secret], message_id, str(NOW), other, signature, now=NOW)
    verify([secret], message_id, str(NOW), body, signature, now=NOW)


@given(SECRETS, SECRETS)
def test_another_secret_is_not_believed(secret, other):
    signature = sign([secret], 'a', NOW, b'')
    if secret != other:
        with pytest.raises(SignatureProblem):
            verify([other], 'a', str(NOW), b'', signature, now=NOW)


def test_forgery_by_the_library_is_refused_too():
    secret = new_secret(b'k' * 32)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify('{}', headers('a', NOW, 'v1,' + base64.b64encode(b'x' * 32).decode()))


@pytest.mark.parametrize(
    ('message_id', 'timestamp', 'signature', 'words'),
    [
        ('', str(NOW), 'v1,x', 'missing'),
        ('a', '', 'v1,x', 'missing'),
        ('a', str(NOW), '', 'missing'),
        ('a', 'soon', 'v1,x', 'no number'),
        ('a', '１２', 'v1,x', 'no number'),
        ('a', str(NOW - 301), 'v1,x', 'too far'),
        ('a', str(NOW + 301), 'v1,x', 'too far'),
        ('a', str(NOW), 'v1,', 'fits'),
        ('a', str(NOW), 'v2,' + 'x' * 44, 'fits'),
        ('a', str(NOW), 'é', 'fits'),
    ],
)
def test_what_is_not_believed(message_id, timestamp, signature, words):
    with pytest.raises(SignatureProblem, match=words):
        verify([new_secret(b'k' * 32)], message_id, timestamp, b'', signature, now=NOW)


def test_secrets():
    with pytest.raises(SignatureProblem):
        new_secret(b'short')
    with pytest.raises(SignatureProblem):
        sign([], 'a', NOW, b'')
    with pytest.raises(SignatureProblem):
        sign(['whsec_%%%'], 'a', NOW, b'')
    with pytest.raises(SignatureProblem):
        sign([new_secret(b'k' * 32)], 'a.b', NOW, b'')
