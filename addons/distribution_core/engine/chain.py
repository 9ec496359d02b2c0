"""Digests of events, and the chain of seals over them.

The rules, in the order in which a check applies them:

1. An event's digest is the SHA-256 over all its columns, each written with its
   length in front (a *netstring*), so that no two different rows are written alike.
   The database computes the same when the row is inserted.
2. A *manifest* lists number, uid and digest of each event of a sealed range.
3. A seal covers the transactions ``from_xid <= txid < to_xid`` of one epoch. Its
   digest is taken over the former seal's digest, its range and its manifest.
4. Seals are numbered without a gap; within an epoch the next range begins where
   the last one ended. Thus every finished transaction belongs to exactly one seal,
   and an event that turns up in a sealed range later is seen.

>>> netstring('order'), netstring(''), netstring(None)
('5:order', '0:', '-')
"""

import hashlib
import struct
import uuid
from dataclasses import dataclass, replace

ALGORITHM = 1
GENESIS = '0' * 64
# Range end of an epoch that is over: no transaction can be added to it any more.
END_OF_EPOCH = 2**63 - 1

EVENT_COLUMNS = (
    'id',
    'uid',
    'type',
    'source',
    'subject',
    'time',
    'company_ref',
    'res_model',
    'res_id',
    'user_ref',
    'on_behalf_ref',
    'correlation',
    'causation',
    'data',
    'txid',
    'epoch',
    'recorded_at',
)

_ENTRY = struct.Struct('>q16s32s')


def netstring(value):
    """Write a text with its length in bytes in front; None differs from the empty text."""
    if value is None:
        return '-'
    return f"{len(value.encode())}:{value}"


def digest_of(*values):
    """Return the SHA-256 (hex) over the values as netstrings."""
    return hashlib.sha256(''.join(netstring(value) for value in values).encode()).hexdigest()


def event_digest(columns):
    """Return the digest of an event.

    :param columns: texts (or None) in the order of ``EVENT_COLUMNS``
    """
    return digest_of(*columns)


@dataclass(frozen=True)
class Entry:
    """What a manifest keeps of an event."""

    id: int
    uid: str
    digest: str


def encode_manifest(entries):
    """Return the manifest as bytes: 56 per entry.

    >>> entry = Entry(7, '6f2c6d0e-7a51-4b9e-9a35-0d8f0f4a1c11', 'ab' * 32)
    >>> decode_manifest(encode_manifest([entry])) == (entry,)
    True
    """
    return b''.join(_ENTRY.pack(entry.id, uuid.UUID(entry.uid).bytes, bytes.fromhex(entry.digest)) for entry in entries)


def decode_manifest(manifest):
    """Return the entries of a manifest; ValueError when it is cut short."""
    if len(manifest) % _ENTRY.size:
        raise ValueError("The manifest is cut short.")
    return tuple(
        Entry(number, str(uuid.UUID(bytes=uid)), digest.hex()) for number, uid, digest in _ENTRY.iter_unpack(manifest)
    )


@dataclass(frozen=True)
class Seal:
    """One link of the chain. ``epoch_key`` names cluster and database in which the events were written."""

    number: int
    epoch: int
    epoch_key: str
    from_xid: int
    to_xid: int
    event_count: int
    sealed_at: str
    previous_digest: str
    manifest: bytes
    digest: str = ''
    algorithm: int = ALGORITHM

    def expected_digest(self):
        """Digest that follows from the content."""
        return digest_of(
            f'distribution-ledger-seal-{self.algorithm}',
            str(self.number),
            str(self.epoch),
            self.epoch_key,
            str(self.from_xid),
            str(self.to_xid),
            str(self.event_count),
            self.sealed_at,
            self.previous_digest,
            hashlib.sha256(self.manifest).hexdigest(),
        )

    def signed(self):
        """The seal with the digest that belongs to it."""
        return replace(self, digest=self.expected_digest())


@dataclass(frozen=True)
class Problem:
    """The first thing that is wrong.

    ``what``: ``altered``, ``missing``, ``inserted``, ``seal broken``, ``chain broken``, ``epoch unknown``,
    ``announcement differs``, ``file differs``.
    """

    what: str
    message: str
    seal: int | None = None
    event_id: int | None = None
    uid: str | None = None


def check_link(seal, previous):
    """Return the Problem of a seal in itself or against the one before it, or None."""
    if seal.algorithm != ALGORITHM:
        return Problem(
            'seal broken', f"Seal {seal.number} names algorithm {seal.algorithm}, which is unknown.", seal.number
        )
    if seal.digest != seal.expected_digest():
        return Problem(
            'seal broken', f"Seal {seal.number} was changed: its digest does not follow from its content.", seal.number
        )
    if len(seal.manifest) != seal.event_count * _ENTRY.size:
        return Problem('seal broken', f"Seal {seal.number} does not list the events that it counts.", seal.number)
    number, digest = (previous.number, previous.digest) if previous else (0, GENESIS)
    if seal.number != number + 1:
        return Problem('chain broken', f"Seal {number + 1} is missing.", number + 1)
    if seal.previous_digest != digest:
        return Problem('chain broken', f"Seal {seal.number} does not continue seal {number}.", seal.number)
    return _check_range(seal, previous)


def _check_range(seal, previous):
    if seal.from_xid >= seal.to_xid:
        return Problem('chain broken', f"Seal {seal.number} covers no transactions.", seal.number)
    if previous is None or seal.epoch > previous.epoch:
        expected = 0
        if previous is not None and previous.to_xid != END_OF_EPOCH:
            return Problem(
                'chain broken',
                f"Seal {seal.number} opens epoch {seal.epoch} before epoch {previous.epoch} was closed.",
                seal.number,
            )
    elif seal.epoch == previous.epoch:
        expected = previous.to_xid
    else:
        return Problem('chain broken', f"Seal {seal.number} goes back to epoch {seal.epoch}.", seal.number)
    if seal.from_xid != expected:
        return Problem(
            'chain broken',
            f"Seal {seal.number} leaves out or repeats transactions: it begins at {seal.from_xid}, not {expected}.",
            seal.number,
        )
    return None


class RangeCheck:
    """Compares the events found in a sealed range with its manifest, one by one.

    Feed the events in any order with :meth:`event`, then ask :meth:`finish` for what is
    missing. Memory: the manifest.
    """

    def __init__(self, seal):
        self.seal = seal
        self.expected = {entry.id: entry for entry in decode_manifest(seal.manifest)}
        self.total = len(self.expected)

    @property
    def untouched(self):
        """Whether no event of the range was found at all."""
        return len(self.expected) == self.total

    def event(self, columns, stored_digest):
        """Return the Problem of an event found in the range, or None."""
        number, uid = int(columns[0]), columns[1]
        entry = self.expected.pop(number, None)
        if entry is None:
            return Problem(
                'inserted',
                f"Event {number} ({uid}) was inserted into seal {self.seal.number} after it was sealed.",
                self.seal.number,
                number,
                uid,
            )
        if event_digest(columns) != entry.digest or stored_digest != entry.digest or uid != entry.uid:
            return Problem(
                'altered',
                f"Event {number} ({entry.uid}) was altered after it was sealed in seal {self.seal.number}.",
                self.seal.number,
                number,
                entry.uid,
            )
        return None

    def finish(self):
        """Return the Problem of the first event of the manifest that was not found, or None."""
        if not self.expected:
            return None
        entry = self.expected[min(self.expected)]
        return Problem(
            'missing',
            f"Event {entry.id} ({entry.uid}) of seal {self.seal.number} is missing.",
            self.seal.number,
            entry.id,
            entry.uid,
        )
