"""Export of sealed events to a file that verifies by itself, and pruning of what was exported.

Format: gzip, one JSON object per line. The first line names the format and the range; then
each seal (``{"seal": …}``) followed by its events (``{"event": {…}, "digest": …}``).
"""

import base64
import gzip
import hashlib
import json
import zlib
from dataclasses import asdict, dataclass

from ..engine.chain import EVENT_COLUMNS, Problem, RangeCheck, Seal, check_link
from .schema import unexpected_code
from .sealing import read_seals
from .verifying import read_range

FORMAT = 'distribution-ledger-export-1'


class ExportError(Exception):
    """The export cannot be made or the file cannot be used; the text says why."""


@dataclass
class FileCheck:
    """Result of checking an export file."""

    first_seal: int = 0
    last_seal: int = 0
    last_digest: str | None = None
    event_count: int = 0
    problem: Problem | None = None

    @property
    def ok(self):
        return self.problem is None


def export_seals(cr, target, first, last):
    """Write the seals ``first`` to ``last`` with their events to the binary file ``target``.

    :returns: number of events written
    :raises ExportError: when a seal is missing or its events were pruned already
    """
    if first > last:
        raise ExportError(f"The range {first} to {last} is empty.")
    count = 0
    # No time stamp and no name inside: the same seals give the same bytes.
    with gzip.GzipFile(filename='', mode='wb', fileobj=target, mtime=0) as packed:
        _write(packed, {'format': FORMAT, 'first_seal': first, 'last_seal': last, 'columns': list(EVENT_COLUMNS)})
        for number in range(first, last + 1):
            seals = read_seals(cr, after=number - 1, limit=1)
            if not seals or seals[0].number != number:
                raise ExportError(f"Seal {number} does not exist.")
            seal = seals[0]
            _write(packed, {'seal': {**asdict(seal), 'manifest': base64.b64encode(seal.manifest).decode()}})
            found = 0
            for columns, digest in read_range(cr, seal.epoch, seal.from_xid, seal.to_xid):
                _write(packed, {'event': dict(zip(EVENT_COLUMNS, columns)), 'digest': digest})
                found += 1
            if found != seal.event_count:
                raise ExportError(
                    f"Seal {number} counts {seal.event_count} events, {found} are there: pruned already or lost. "
                    "Verify the ledger."
                )
            count += found
    return count


def check_file(source):
    """Check an export file against itself: every event against its seal, every seal against the one before."""
    check = FileCheck()
    previous = current = None
    try:
        with gzip.GzipFile(mode='rb', fileobj=source) as lines:
            header = json.loads(next(lines))
            if header.get('format') != FORMAT:
                raise ExportError(f"This is no export of the ledger: {header.get('format')!r}.")
            check.first_seal, check.last_seal = header['first_seal'], header['last_seal']
            for line in lines:
                item = json.loads(line)
                if 'seal' in item:
                    check.problem = current and current.finish()
                    if check.ok:
                        seal = Seal(**{**item['seal'], 'manifest': base64.b64decode(item['seal']['manifest'])})
                        check.problem = _check_seal(seal, previous, check)
                        previous, current = seal, RangeCheck(seal)
                else:
                    columns = [item['event'][name] for name in header['columns']]
                    check.problem = current.event(columns, item['digest'])
                    check.event_count += 1
                if not check.ok:
                    return check
            check.problem = current and current.finish()
    except (EOFError, OSError, zlib.error, KeyError, TypeError, AttributeError, StopIteration, ValueError) as error:
        raise ExportError(f"The file is damaged or no export of the ledger: {error}") from error
    if check.ok and (previous is None or previous.number != check.last_seal):
        check.problem = Problem('file differs', f"The file ends before seal {check.last_seal}.", check.last_seal)
    check.last_digest = previous and previous.digest
    return check


def check_file_against_ledger(cr, source):
    """Check an export file by itself, and its seals against the chain in the database."""
    check = check_file(source)
    if check.ok:
        seals = read_seals(cr, after=check.last_seal - 1, limit=1)
        # The last digest of the file stands for all before it: they are chained.
        if not seals or seals[0].number != check.last_seal or seals[0].digest != check.last_digest:
            check.problem = Problem(
                'file differs', f"Seal {check.last_seal} of the file is not the one in the ledger.", check.last_seal
            )
    return check


def prune_exported(cr, path):
    """Delete the events that an export file holds; runs as the keeper's role. The caller commits.

    The record of the deletion comes first: the database deletes nothing that is not on record.

    :returns: number of events deleted
    """
    # Triggers run with the rights of who deletes: the table's owner must not have put code there.
    code = unexpected_code(cr)
    if code:
        raise ExportError(f"Nothing was pruned, the ledger is not as it was installed: {'; '.join(code)}.")
    with open(path, 'rb') as source:
        check = check_file_against_ledger(cr, source)
    if not check.ok:
        raise ExportError(f"Nothing was pruned: {check.problem.message}")
    cr.execute(
        """
        INSERT INTO distribution_event_prune (from_seal, to_seal, event_count, file_name, file_digest)
        VALUES (%s, %s, %s, %s, %s)
    """,
        [check.first_seal, check.last_seal, check.event_count, path.rpartition('/')[2], file_digest(path)],
    )
    deleted = 0
    for number in range(check.first_seal, check.last_seal + 1):
        seal = read_seals(cr, after=number - 1, limit=1)[0]
        cr.execute(
            "DELETE FROM distribution_event WHERE epoch = %s AND txid >= %s AND txid < %s",
            [seal.epoch, seal.from_xid, seal.to_xid],
        )
        deleted += cr.rowcount
    if deleted != check.event_count:
        raise ExportError(
            f"Nothing was pruned: the file holds {check.event_count} events, the ledger {deleted} in that range."
        )
    return deleted


def file_digest(path):
    """SHA-256 (hex) of a file."""
    digest = hashlib.sha256()
    with open(path, 'rb') as source:
        for block in iter(lambda: source.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def _check_seal(seal, previous, check):
    if previous is None:
        if seal.number != check.first_seal:
            return Problem(
                'file differs', f"The file begins with seal {seal.number}, not {check.first_seal}.", seal.number
            )
        if seal.digest != seal.expected_digest():
            return Problem('seal broken', f"Seal {seal.number} was changed.", seal.number)
        return None
    return check_link(seal, previous)


def _write(packed, item):
    packed.write(json.dumps(item, sort_keys=True, ensure_ascii=False, separators=(',', ':')).encode() + b'\n')
