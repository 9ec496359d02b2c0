#!/usr/bin/env python3
"""Export and prune sealed events of the ledger, as the database role that alone may.

    ledger_keeper.py export  --dsn "dbname=prod user=distribution_ledger_keeper" --from 1 --to 500 FILE.jsonl.gz
    ledger_keeper.py check   FILE.jsonl.gz                    # the file by itself, without a database
    ledger_keeper.py check   --dsn … FILE.jsonl.gz            # and against the chain in the database
    ledger_keeper.py prune   --dsn … FILE.jsonl.gz            # checks the file, then deletes what it holds
    ledger_keeper.py verify  --dsn … [--announced DIGEST]     # the whole ledger

Needs Python 3.10 and psycopg2, not Odoo. Create the role with create_ledger_keeper.sql.
Exit code: 0 fine, 1 a problem was found, 2 it could not be done.
"""

# A command line talks to its user.
# pylint: disable=print-used
import argparse
import os
import sys
import types
from pathlib import Path

# The addon's package imports Odoo; the parts used here do not.
_package = types.ModuleType('distribution_core')
_package.__path__ = [str(Path(__file__).resolve().parent)]
sys.modules.setdefault('distribution_core', _package)

from distribution_core.ledger import exporting, verifying  # noqa: E402


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    for name in ('export', 'check', 'prune', 'verify'):
        command = commands.add_parser(name)
        command.add_argument(
            '--dsn', required=name in ('export', 'prune', 'verify'), help="connection of the keeper's role (libpq)"
        )
        if name == 'export':
            command.add_argument('--from', dest='first', type=int, required=True, help="first seal")
            command.add_argument('--to', dest='last', type=int, required=True, help="last seal")
        if name == 'verify':
            command.add_argument('--announced', help="digest of a seal as it was announced")
        else:
            command.add_argument('file')
    options = parser.parse_args(arguments)
    try:
        return globals()[f'_{options.command}'](options)
    except exporting.ExportError as error:
        print(f"Not done: {error}", file=sys.stderr)
        return 2


def _connect(options):
    import psycopg2  # noqa: PLC0415 – checking a file needs no database

    connection = psycopg2.connect(options.dsn)
    connection.set_session(isolation_level='REPEATABLE READ')
    return connection


def _export(options):
    partial = f'{options.file}.part'
    with _connect(options) as connection, connection.cursor() as cr, open(partial, 'xb') as target:
        try:
            count = exporting.export_seals(cr, target, options.first, options.last)
            target.flush()
            os.fsync(target.fileno())
        except BaseException:
            os.unlink(partial)
            raise
    os.rename(partial, options.file)
    print(f"{count} events exported. SHA-256 of the file: {exporting.file_digest(options.file)}")
    return 0


def _check(options):
    with open(options.file, 'rb') as source:
        if options.dsn:
            with _connect(options) as connection, connection.cursor() as cr:
                check = exporting.check_file_against_ledger(cr, source)
        else:
            check = exporting.check_file(source)
    if not check.ok:
        print(f"{check.problem.what}: {check.problem.message}")
        return 1
    print(
        f"Seals {check.first_seal} to {check.last_seal}, {check.event_count} events: in order. "
        f"Last digest: {check.last_digest}"
    )
    return 0


def _prune(options):
    with _connect(options) as connection, connection.cursor() as cr:
        count = exporting.prune_exported(cr, options.file)
    print(f"{count} events pruned. Keep {options.file}: it is the only copy.")
    return 0


def _verify(options):
    with _connect(options) as connection, connection.cursor() as cr:
        result = verifying.verify_ledger(cr, announced=options.announced)
    for warning in result.warnings:
        print(f"Warning: {warning}")
    if not result.ok:
        print(f"{result.problem.what}: {result.problem.message}")
        return 1
    print(
        f"In order: {result.seals} seals, {result.sealed_events} sealed events, {result.pruned_events} pruned, "
        f"{result.unsealed_events} not sealed yet."
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
