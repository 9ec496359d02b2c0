"""Sealing: committed events are bound into the chain, batch by batch.

A batch ends below the *horizon*, the oldest transaction that is still running anywhere
in the cluster. A slow transaction holds the horizon back instead of slipping an event into
a range that is already sealed. An epoch that is over (the database was restored from a
dump) is sealed to its end.
"""

# Only names that this code itself knows are written into SQL; values are parameters.
# pylint: disable=sql-injection

from ..engine.chain import END_OF_EPOCH, GENESIS, Entry, Seal, encode_manifest
from .schema import TIME_FORMAT

BATCH_EVENTS = 10_000
# Announcements of seals alone do not call for a seal, or sealing would never come to rest.
ANNOUNCEMENT_TYPE = 'distribution.ledger.sealed.v1'
_LOCK = "hashtext('distribution_event_seal')"

_SEAL_COLUMNS = f"""
    seal.number, seal.epoch, coalesce(epoch.system_identifier || '/' || epoch.database_oid, ''), seal.from_xid,
    seal.to_xid, seal.event_count, to_char(seal.sealed_at, '{TIME_FORMAT}'), seal.previous_digest, seal.manifest,
    seal.digest, seal.algorithm
"""


def current_horizon(cr):
    """Every transaction below this number has ended."""
    cr.execute("SELECT txid_snapshot_xmin(txid_current_snapshot())")
    return cr.fetchone()[0]


def seal_batch(cr, horizon=None, batch_events=BATCH_EVENTS):
    """Seal the next batch and return its Seal; None when there is nothing to seal or another job is at it.

    The caller commits: the lock is held until then.
    """
    cr.execute(f"SELECT pg_try_advisory_xact_lock({_LOCK})")
    if not cr.fetchone()[0]:
        return None
    last = last_seal(cr)
    for epoch, epoch_key, over in _epochs_to_seal(cr, last):
        begin = last.to_xid if last and last.epoch == epoch else 0
        end = END_OF_EPOCH if over else (current_horizon(cr) if horizon is None else horizon)
        seal = _seal_range(cr, last, epoch, epoch_key, begin, end, over, batch_events)
        if seal:
            return seal
    return None


def _epochs_to_seal(cr, last):
    """Yield (number, key, whether it is over) of the epochs that are not sealed to their end."""
    cr.execute("SELECT distribution_current_epoch()")
    current = cr.fetchone()[0]
    cr.execute(
        """
        SELECT id, system_identifier || '/' || database_oid FROM distribution_event_epoch
         WHERE id >= %s AND id <= %s ORDER BY id
    """,
        [last.epoch if last else 0, current],
    )
    for epoch, epoch_key in cr.fetchall():
        if not (last and last.epoch == epoch and last.to_xid == END_OF_EPOCH):
            yield epoch, epoch_key, epoch < current


def _seal_range(cr, last, epoch, epoch_key, begin, end, over, batch_events):
    if begin >= end:
        return None
    end = _batch_end(cr, epoch, begin, end, batch_events)
    cr.execute(
        """
        SELECT count(*) FROM distribution_event WHERE epoch = %s AND txid >= %s AND txid < %s AND type <> %s
    """,
        [epoch, begin, end, ANNOUNCEMENT_TYPE],
    )
    if not cr.fetchone()[0] and not over:
        return None
    cr.execute(
        """
        SELECT id, uid, digest FROM distribution_event
         WHERE epoch = %s AND txid >= %s AND txid < %s ORDER BY txid, id
    """,
        [epoch, begin, end],
    )
    entries = [Entry(*row) for row in cr.fetchall()]
    cr.execute(f"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', '{TIME_FORMAT}')")
    seal = Seal(
        number=last.number + 1 if last else 1,
        epoch=epoch,
        epoch_key=epoch_key,
        from_xid=begin,
        to_xid=end,
        event_count=len(entries),
        sealed_at=cr.fetchone()[0],
        previous_digest=last.digest if last else GENESIS,
        manifest=encode_manifest(entries),
    ).signed()
    cr.execute(
        """
        INSERT INTO distribution_event_seal (
            number, epoch, from_xid, to_xid, event_count, sealed_at, previous_digest, digest, algorithm, manifest)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
        [
            seal.number,
            seal.epoch,
            seal.from_xid,
            seal.to_xid,
            seal.event_count,
            seal.sealed_at,
            seal.previous_digest,
            seal.digest,
            seal.algorithm,
            seal.manifest,
        ],
    )
    return seal


def _batch_end(cr, epoch, begin, end, batch_events):
    """Cut the range so that about ``batch_events`` fit, never through a transaction."""
    cr.execute(
        """
        SELECT txid FROM distribution_event WHERE epoch = %s AND txid >= %s AND txid < %s
         ORDER BY txid, id OFFSET %s LIMIT 1
    """,
        [epoch, begin, end, batch_events],
    )
    row = cr.fetchone()
    if not row:
        return end
    cr.execute(
        """
        SELECT min(txid) FROM distribution_event WHERE epoch = %s AND txid >= %s
    """,
        [epoch, begin],
    )
    first = cr.fetchone()[0]
    # One transaction that is larger than a batch is sealed as a whole.
    return row[0] if row[0] > first else first + 1


def last_seal(cr):
    """Return the newest Seal, or None."""
    cr.execute(f"""
        SELECT {_SEAL_COLUMNS} FROM distribution_event_seal seal
          LEFT JOIN distribution_event_epoch epoch ON epoch.id = seal.epoch
         ORDER BY seal.number DESC LIMIT 1
    """)
    row = cr.fetchone()
    return row and _to_seal(row)


def read_seals(cr, after=0, limit=20):
    """Return up to ``limit`` seals with a number above ``after``, in order."""
    cr.execute(
        f"""
        SELECT {_SEAL_COLUMNS} FROM distribution_event_seal seal
          LEFT JOIN distribution_event_epoch epoch ON epoch.id = seal.epoch
         WHERE seal.number > %s ORDER BY seal.number, seal.id LIMIT %s
    """,
        [after, limit],
    )
    return [_to_seal(row) for row in cr.fetchall()]


def _to_seal(row):
    names = (
        'number',
        'epoch',
        'epoch_key',
        'from_xid',
        'to_xid',
        'event_count',
        'sealed_at',
        'previous_digest',
        'manifest',
        'digest',
        'algorithm',
    )
    values = dict(zip(names, row))
    return Seal(**{**values, 'manifest': bytes(values['manifest'])})
