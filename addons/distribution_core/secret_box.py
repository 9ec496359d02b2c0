"""Secrets of integrations at rest: encrypted with a key that is not in the database.

The key (of the library `cryptography`, which Odoo itself requires) comes from, in this order:

1. the environment: ``DISTRIBUTION_SECRET_KEY``;
2. ``odoo.conf``: ``distribution_secret_key = …``;
3. a file in the data directory, ``distribution_secret.key``, made once on a machine that has none of
   the above and no secrets yet.

Several keys, with commas between, are for rotation: the first one encrypts, all of them decrypt
(:meth:`SecretBox.renew` re-encrypts). A key is what ``Fernet.generate_key()`` makes: 32 bytes in
URL-safe base64.

This keeps secrets out of the user interface, RPC, exports and dumps of the database. Who may install
code on the server can read them: that is out of its reach.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from odoo import tools
from odoo.tools.sql import column_exists
from psycopg2 import sql

VARIABLE = 'DISTRIBUTION_SECRET_KEY'
OPTION = 'distribution_secret_key'
FILE = 'distribution_secret.key'
#: ``{table: column}`` of what is encrypted; an addon adds its own.
STORES = {'distribution_api_secret': 'signing_ciphertext', 'distribution_webhook_secret': 'ciphertext'}


class SecretKeyProblem(Exception):
    """There is no key, or none that fits; the text says what to do."""


def _key_file():
    return Path(tools.config['data_dir']) / FILE


def configured_keys():
    """The keys of this server as texts; the first one encrypts. Empty: there is none."""
    text = os.environ.get(VARIABLE) or tools.config.get(OPTION) or ''
    if not text and _key_file().is_file():
        text = _key_file().read_text()
    return [key.strip() for key in text.split(',') if key.strip()]


def make_key_file():
    """Make the key of a single machine; an existing one is left alone.

    It gets its name when it is complete: of several processes one makes it, and nobody reads half a key.
    """
    path = _key_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f'{FILE}.') as key_file:  # readable for its owner only
        key_file.write(Fernet.generate_key())
        key_file.flush()
        os.fsync(key_file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(key_file.name, path)


class SecretBox:
    """Encrypts and decrypts with the keys of this server.

    :raises SecretKeyProblem: there is no key, or it is none
    """

    def __init__(self, keys=None):
        keys = configured_keys() if keys is None else keys
        if not keys:
            raise SecretKeyProblem(
                f"There is no key for the secrets of integrations. Set {VARIABLE} in the environment or {OPTION} in "
                "odoo.conf to the key with which they were encrypted (it is in the backup of the former server), or "
                "remove the secrets and enter them anew."
            )
        try:
            self._box = MultiFernet([Fernet(key) for key in keys])
        except (ValueError, TypeError) as error:
            raise SecretKeyProblem(
                f"{VARIABLE} or {OPTION} is no key: 32 bytes in URL-safe base64 are expected, as "
                "`python3 -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'` makes."
            ) from error

    def encrypt(self, text):
        """The secret as it is stored."""
        return self._box.encrypt(text.encode()).decode()

    def decrypt(self, stored):
        """The secret in clear."""
        try:
            return self._box.decrypt(stored.encode()).decode()
        except InvalidToken as error:
            raise SecretKeyProblem(
                f"The secrets of integrations were encrypted with another key than the one in {VARIABLE}, {OPTION} or "
                f"{FILE}. Add the former key behind the present one, with a comma between."
            ) from error

    def renew(self, stored):
        """The same secret, encrypted with the first key."""
        try:
            return self._box.rotate(stored.encode()).decode()
        except InvalidToken as error:
            raise SecretKeyProblem(f"A secret cannot be read with the keys in {VARIABLE} or {OPTION}.") from error


def box_for(existing):
    """The box of this server; makes a key when there is none and nothing is encrypted yet.

    :param existing: whether secrets are stored already, see :func:`any_stored`
    """
    if not existing and not configured_keys():
        make_key_file()
    return SecretBox()


def any_stored(cr):
    """Whether this database holds secrets, of whatever kind."""
    return any(_stored(cr, table, limit=1) for table in STORES)


def check_keys(cr):
    """Refuse to start when this database holds a secret that this server cannot read.

    :raises SecretKeyProblem: naming the ways out
    """
    for table in STORES:
        check_key(cr, table)


def check_key(cr, table):
    """The same for one of the tables. Secrets that have ended need not be read: nothing is done with them any more."""
    stored = _stored(cr, table, in_use=True)
    if not stored:
        return
    try:
        box = SecretBox()
        for ciphertext in stored:
            box.decrypt(ciphertext)
    except SecretKeyProblem as error:
        raise SecretKeyProblem(
            f"{error} If that key is lost: DELETE FROM {table}; in database {cr.dbname}, and enter the secrets anew."
        ) from error


def _stored(cr, table, limit=None, in_use=False):
    column = STORES[table]
    if not column_exists(cr, table, column):
        return []  # the addon is not installed, or about to be upgraded
    ends = in_use and column_exists(cr, table, 'ends_at')
    cr.execute(
        sql.SQL("SELECT {column} FROM {table} WHERE {column} IS NOT NULL {in_use} LIMIT %s").format(
            column=sql.Identifier(column),
            table=sql.Identifier(table),
            in_use=sql.SQL("AND coalesce(ends_at > now() AT TIME ZONE 'UTC', TRUE)" if ends else ""),
        ),
        (limit,),
    )
    return [ciphertext for (ciphertext,) in cr.fetchall()]
