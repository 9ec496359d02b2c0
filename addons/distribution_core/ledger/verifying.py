"""Verification: the chain, every sealed event, and what is not sealed yet.

Stops at the first problem and names it. Reads in chunks: memory does not grow with the ledger.
"""

# Only names that this code itself knows are written into SQL; values are parameters.
# pylint: disable=sql-injection

import json
from dataclasses import dataclass, field

from ..engine.chain import EVENT_COLUMNS, Problem, RangeCheck, check_link, event_digest
from .schema import KEEPER_ROLE, column_texts, owner_of, unexpected_code
from .sealing import ANNOUNCEMENT_TYPE, read_seals

CHUNK = 2_000
# A seal's manifest may be large: one at a time.
SEALS_AT_ONCE = 1
_TYPE = EVENT_COLUMNS.index('type')
_DATA = EVENT_COLUMNS.index('data')
_UID = EVENT_COLUMNS.index('uid')
_TXID = EVENT_COLUMNS.index('txid')


@dataclass
class Verification:
    """What was checked, and the first problem if there is one."""

    problem: Problem | None = None
    seals: int = 0
    sealed_events: int = 0
    pruned_events: int = 0
    unsealed_events: int = 0
    last_digest: str | None = None
    warnings: list = field(default_factory=list)

    @property
    def ok(self):
        return self.problem is None


def verify_ledger(cr, announced=None, progress=None):
    """Check the ledger from the first seal to the newest event.

    :param announced: digest of a seal as it was announced to the outside; must be in the chain
    :param progress: called with (events checked, events in total) now and then
    """
    result = Verification(warnings=_warnings(cr))
    pruned = _pruned_ranges(cr, result)
    total = _event_total(cr)
    announced = (announced or '').strip().lower()
    announced_found = not announced
    previous = None
    while result.ok:
        seals = read_seals(cr, after=previous.number if previous else -1, limit=SEALS_AT_ONCE)
        if not seals:
            break
        seal = seals[0]
        result.problem = check_link(seal, previous) or _check_epoch(seal)
        if result.ok:
            _check_range(cr, seal, pruned, result)
            result.seals += 1
            result.last_digest = seal.digest
            announced_found = announced_found or seal.digest == announced
            if progress:
                progress(result.sealed_events, total)
        previous = seal
    if result.ok:
        result.problem = _check_prunes(cr, previous) or _check_seal_count(cr, result.seals)
    if result.ok:
        _check_unsealed(cr, previous, result)
        if progress:
            progress(result.sealed_events + result.unsealed_events, total)
    if result.ok and not announced_found:
        result.problem = Problem(
            'chain broken',
            "The announced digest belongs to none of the seals: the chain was rewritten since, or the "
            "digest is from another database or is misspelt.",
        )
    return result


def read_range(cr, epoch, begin, end):
    """Yield (column texts, stored digest) of the events of a range, in order, in chunks."""
    columns = ', '.join(column_texts('event'))
    position = (begin - 1, 0)
    while True:
        cr.execute(
            f"""
            SELECT {columns}, event.digest FROM distribution_event event
             WHERE event.epoch = %s AND event.txid >= %s AND event.txid < %s AND (event.txid, event.id) > (%s, %s)
             ORDER BY event.txid, event.id LIMIT {CHUNK}
        """,
            [epoch, begin, end, *position],
        )
        rows = cr.fetchall()
        for row in rows:
            yield row[:-1], row[-1]
        if len(rows) < CHUNK:
            return
        position = (int(rows[-1][_TXID]), int(rows[-1][0]))


def _check_range(cr, seal, pruned, result):
    check = RangeCheck(seal)
    announcements = []
    for columns, digest in read_range(cr, seal.epoch, seal.from_xid, seal.to_xid):
        result.problem = check.event(columns, digest)
        if not result.ok:
            return
        if columns[_TYPE] == ANNOUNCEMENT_TYPE:
            announcements.append(columns)
    if check.untouched and _is_pruned(seal, pruned):
        result.pruned_events += seal.event_count
        return
    result.problem = check.finish() or _check_announcements(cr, announcements)
    result.sealed_events += seal.event_count


def _check_announcements(cr, announcements):
    """A seal announced in the ledger must still be the seal that is there."""
    for columns in announcements:
        facts = json.loads(columns[_DATA])
        cr.execute("SELECT digest FROM distribution_event_seal WHERE number = %s", [facts['number']])
        row = cr.fetchone()
        if not row or row[0] != facts['digest']:
            return Problem(
                'announcement differs',
                f"Seal {facts['number']} is not the one that event {columns[0]} announced.",
                facts['number'],
                int(columns[0]),
                columns[_UID],
            )
    return None


def _check_epoch(seal):
    if not seal.epoch_key:
        return Problem('epoch unknown', f"Epoch {seal.epoch} of seal {seal.number} is missing.", seal.number)
    return None


def _check_seal_count(cr, checked):
    """The unique constraint on numbers could have been dropped, or a number be below the first."""
    cr.execute("SELECT count(*) FROM distribution_event_seal")
    count = cr.fetchone()[0]
    if count == checked:
        return None
    return Problem('chain broken', f"The chain has {checked} seals, {count} are stored: some were inserted.")


def _check_unsealed(cr, last, result):
    """Events that no seal covers yet; also those that claim to be from nowhere."""
    number, limit = (last.epoch, last.to_xid) if last else (0, 0)
    cr.execute(
        """
        SELECT event.id, event.uid FROM distribution_event event
          LEFT JOIN distribution_event_epoch epoch ON epoch.id = event.epoch
         WHERE epoch.id IS NULL OR event.txid IS NULL OR event.txid < 0 OR event.epoch > %s OR event.epoch < %s
           AND NOT EXISTS (SELECT FROM distribution_event_seal seal WHERE seal.epoch = event.epoch)
         ORDER BY event.id LIMIT 1
    """,
        [_current_epoch(cr), number],
    )
    row = cr.fetchone()
    if row:
        result.problem = Problem(
            'inserted',
            f"Event {row[0]} ({row[1]}) was inserted past the application: it belongs to no epoch of the ledger.",
            None,
            *row,
        )
        return
    cr.execute("SELECT id FROM distribution_event_epoch WHERE id >= %s ORDER BY id", [number])
    for (epoch,) in cr.fetchall():
        for columns, digest in read_range(cr, epoch, limit if epoch == number else 0, 2**63 - 1):
            result.unsealed_events += 1
            if event_digest(columns) != digest:
                result.problem = Problem(
                    'altered',
                    f"Event {columns[0]} ({columns[_UID]}), not sealed yet, was altered.",
                    None,
                    int(columns[0]),
                    columns[_UID],
                )
                return


def _current_epoch(cr):
    """Number of the epoch of this database; the newest one when it was not opened yet. Writes nothing."""
    cr.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
    cluster = "(SELECT system_identifier::varchar FROM pg_control_system())" if cr.fetchone()[0] else "'unknown'"
    cr.execute(f"""
        SELECT id FROM distribution_event_epoch
         WHERE system_identifier = {cluster}
           AND database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())
    """)
    row = cr.fetchone()
    if not row:
        cr.execute("SELECT max(id) FROM distribution_event_epoch")
        row = cr.fetchone()
    return row[0]


def _pruned_ranges(cr, result):
    """Ranges of seals whose events were pruned; only a table that belongs to the keeper is believed."""
    cr.execute("SELECT from_seal, to_seal, file_name, file_digest FROM distribution_event_prune ORDER BY id")
    ranges = cr.fetchall()
    if ranges and owner_of(cr, 'distribution_event_prune') != KEEPER_ROLE:
        result.warnings.append(
            "The list of pruned ranges does not belong to the ledger keeper and is not believed. After a restore, run "
            "create_ledger_keeper.sql again."
        )
        return []
    return ranges


def _is_pruned(seal, ranges):
    return any(first <= seal.number <= last for first, last, _name, _digest in ranges)


def _check_prunes(cr, last):
    cr.execute("SELECT to_seal FROM distribution_event_prune ORDER BY to_seal DESC LIMIT 1")
    row = cr.fetchone()
    if row and (last is None or row[0] > last.number):
        return Problem('chain broken', f"Events up to seal {row[0]} were pruned, but the seal is missing.", row[0])
    return None


def _event_total(cr):
    cr.execute("SELECT count(*) FROM distribution_event")
    return cr.fetchone()[0]


def _warnings(cr):
    """What weakens the protection in this installation."""
    warnings = []
    cr.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if cr.fetchone()[0]:
        warnings.append(
            "Odoo's database role is a superuser: it could prune events and set triggers aside. Use a plain role."
        )
    else:
        cr.execute("SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %s", [KEEPER_ROLE])
        row = cr.fetchone()
        if row and row[0]:
            warnings.append("Odoo's database role is a member of the ledger keeper: revoke it.")
    code = unexpected_code(cr)
    if code:
        warnings.append(f"The protection of the ledger is not in force: {'; '.join(code)}. Upgrade distribution_core.")
    return warnings
