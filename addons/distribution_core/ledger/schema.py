"""Tables, functions and triggers of the ledger.

Created here and not by the ORM: types such as ``bigint`` and ``bytea`` matter, and nobody
shall alter these tables in passing. Everything may be run again at any time.
"""

# Only names that this code itself knows are written into SQL; values are parameters.
# pylint: disable=sql-injection

from ..append_only import REFUSE_FUNCTION, protect_append_only, put_trigger
from ..engine.chain import EVENT_COLUMNS

# The one role that may delete sealed events. It is no member of Odoo's role, nor the other way round.
KEEPER_ROLE = 'distribution_ledger_keeper'
TABLES = ('distribution_event', 'distribution_event_epoch', 'distribution_event_seal', 'distribution_event_prune')
KEPT_SUFFIX = '_kept'

# How a column is written when its digest is taken: independent of the session's settings.
TIME_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.US'
COLUMN_TEXT = {
    'time': f"to_char({{row}}.time, '{TIME_FORMAT}')",
    'recorded_at': f"to_char({{row}}.recorded_at AT TIME ZONE 'UTC', '{TIME_FORMAT}')",
}

_TABLES = """
    CREATE TABLE IF NOT EXISTS distribution_event_epoch (
        id serial PRIMARY KEY,
        system_identifier varchar NOT NULL,
        database_oid oid NOT NULL,
        database_name varchar NOT NULL,
        opened_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (system_identifier, database_oid)
    );
    CREATE TABLE IF NOT EXISTS distribution_event (
        id serial PRIMARY KEY,
        uid varchar NOT NULL,
        type varchar NOT NULL,
        source varchar,
        subject varchar,
        time timestamp without time zone NOT NULL,
        company_ref integer,
        res_model varchar,
        res_id integer,
        user_ref integer,
        on_behalf_ref integer,
        correlation varchar,
        causation varchar,
        data text NOT NULL,
        txid bigint NOT NULL,
        epoch integer NOT NULL,
        recorded_at timestamp with time zone NOT NULL,
        digest varchar NOT NULL
    );
    CREATE UNIQUE INDEX IF NOT EXISTS distribution_event_uid_unique ON distribution_event (uid);
    CREATE INDEX IF NOT EXISTS distribution_event_order_index ON distribution_event (epoch, txid, id);
    CREATE INDEX IF NOT EXISTS distribution_event_document_index ON distribution_event (res_model, res_id, id DESC);
    CREATE INDEX IF NOT EXISTS distribution_event_type_index ON distribution_event (type, id DESC);
    CREATE INDEX IF NOT EXISTS distribution_event_correlation_index ON distribution_event (correlation);
    CREATE INDEX IF NOT EXISTS distribution_event_time_index ON distribution_event (time);
    CREATE TABLE IF NOT EXISTS distribution_event_seal (
        id serial PRIMARY KEY,
        number integer NOT NULL UNIQUE,
        epoch integer NOT NULL,
        from_xid bigint NOT NULL,
        to_xid bigint NOT NULL,
        event_count integer NOT NULL,
        sealed_at timestamp without time zone NOT NULL,
        previous_digest varchar NOT NULL,
        digest varchar NOT NULL,
        algorithm integer NOT NULL,
        manifest bytea NOT NULL
    );
    CREATE INDEX IF NOT EXISTS distribution_event_seal_range_index ON distribution_event_seal (epoch, from_xid);
    CREATE TABLE IF NOT EXISTS distribution_event_prune (
        id serial PRIMARY KEY,
        from_seal integer NOT NULL,
        to_seal integer NOT NULL,
        event_count integer NOT NULL,
        file_name varchar NOT NULL,
        file_digest varchar NOT NULL,
        pruned_at timestamp without time zone NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC'),
        pruned_by varchar NOT NULL DEFAULT session_user
    );
"""

# search_path is fixed: otherwise a temporary table of the same name would be met first.
_EPOCH_FUNCTION = """
    CREATE OR REPLACE FUNCTION distribution_current_epoch() RETURNS integer
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
    DECLARE
        cluster varchar := 'unknown';
        base oid := (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());
        known integer;
    BEGIN
        IF pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
            cluster := (SELECT system_identifier::varchar FROM pg_catalog.pg_control_system());
        END IF;
        SELECT id INTO known FROM distribution_event_epoch
         WHERE system_identifier = cluster AND database_oid = base;
        IF known IS NULL THEN
            INSERT INTO distribution_event_epoch (system_identifier, database_oid, database_name)
            VALUES (cluster, base, pg_catalog.current_database())
            ON CONFLICT DO NOTHING;
            SELECT id INTO known FROM distribution_event_epoch
             WHERE system_identifier = cluster AND database_oid = base;
        END IF;
        RETURN known;
    END $$
"""
_NETSTRING_FUNCTION = """
    CREATE OR REPLACE FUNCTION distribution_netstring(value text) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN value IS NULL THEN '-' ELSE octet_length(value)::text || ':' || value END
    $$
"""
_STAMP_FUNCTION = """
    CREATE OR REPLACE FUNCTION distribution_event_stamp() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
    BEGIN
        NEW.uid := NEW.uid::uuid::text;
        NEW.txid := txid_current();
        NEW.epoch := distribution_current_epoch();
        NEW.recorded_at := clock_timestamp();
        NEW.digest := encode(sha256(convert_to({text}, 'UTF8')), 'hex');
        RETURN NEW;
    END $$
"""
_REFUSE_FUNCTION = """
    CREATE OR REPLACE FUNCTION distribution_event_refuse() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND current_user = '{keeper}' AND EXISTS (
            SELECT FROM distribution_event_seal seal
              JOIN distribution_event_prune prune ON seal.number BETWEEN prune.from_seal AND prune.to_seal
             WHERE seal.epoch = OLD.epoch AND OLD.txid >= seal.from_xid AND OLD.txid < seal.to_xid
        ) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s refused on the event ledger: events are evidence and are never changed or deleted. '
                'Sealed events are exported and pruned by the ledger keeper only.', TG_OP);
    END $$
"""
_PRUNE_FUNCTION = """
    CREATE OR REPLACE FUNCTION distribution_event_prune_stamp() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
    BEGIN
        IF current_user <> '{keeper}' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'restrict_violation',
                TABLE = TG_TABLE_NAME,
                MESSAGE = 'Only the ledger keeper records that events were exported and pruned.';
        END IF;
        NEW.pruned_at := clock_timestamp() AT TIME ZONE 'UTC';
        NEW.pruned_by := session_user;
        RETURN NEW;
    END $$
"""


TRIGGERS = {
    'distribution_event': {
        'distribution_stamp': 'distribution_event_stamp',
        'distribution_append_only': 'distribution_event_refuse',
        'distribution_no_truncate': 'distribution_refuse_change',
    },
    'distribution_event_epoch': {
        'distribution_append_only': 'distribution_refuse_change',
        'distribution_no_truncate': 'distribution_refuse_change',
    },
    'distribution_event_seal': {
        'distribution_append_only': 'distribution_refuse_change',
        'distribution_no_truncate': 'distribution_refuse_change',
    },
    'distribution_event_prune': {
        'distribution_stamp': 'distribution_event_prune_stamp',
        'distribution_append_only': 'distribution_refuse_change',
        'distribution_no_truncate': 'distribution_refuse_change',
    },
}


def column_texts(row):
    """SQL expressions that write the columns of an event as texts, in the order of the digest."""
    return [COLUMN_TEXT.get(name, f'{{row}}.{name}::text').format(row=row) for name in EVENT_COLUMNS]


def _function_sources():
    """SQL of every function of the ledger, by name."""
    digested = ' || '.join(f'distribution_netstring({text})' for text in column_texts('NEW'))
    return {
        'distribution_refuse_change': REFUSE_FUNCTION,
        'distribution_netstring': _NETSTRING_FUNCTION,
        'distribution_current_epoch': _EPOCH_FUNCTION,
        'distribution_event_stamp': _STAMP_FUNCTION.replace('{text}', digested),
        'distribution_event_refuse': _REFUSE_FUNCTION.replace('{keeper}', KEEPER_ROLE),
        'distribution_event_prune_stamp': _PRUNE_FUNCTION.replace('{keeper}', KEEPER_ROLE),
    }


def create_ledger(cr):
    """Create or bring up to date everything that the ledger needs in the database of ``cr``."""
    cr.execute(_TABLES)
    for source in _function_sources().values():
        cr.execute(source)
    for table, triggers in TRIGGERS.items():
        if owner_of(cr, table) == KEEPER_ROLE:
            continue  # handed over: not ours to change any more
        for name, function in triggers.items():
            if name == 'distribution_stamp':
                put_trigger(cr, table, name, "BEFORE INSERT", function=function)
            elif name == 'distribution_append_only':
                protect_append_only(cr, table, function=function)


def unexpected_code(cr):
    """Describe functions and triggers of the ledger that are not as this code made them; empty when all is well."""
    findings = []
    cr.execute(
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = ANY(%s)",
        [list(_function_sources())],
    )
    found = dict(cr.fetchall())
    for name, source in _function_sources().items():
        if found.get(name) != source.split('$$')[1]:
            findings.append(f"function {name} differs")
    cr.execute(
        """
        SELECT relation.relname, trigger.tgname, function.proname, trigger.tgenabled::text
          FROM pg_trigger trigger
          JOIN pg_class relation ON relation.oid = trigger.tgrelid
          JOIN pg_proc function ON function.oid = trigger.tgfoid
         WHERE NOT trigger.tgisinternal AND relation.relnamespace = 'public'::regnamespace
           AND relation.relname = ANY(%s)
    """,
        [list(TRIGGERS)],
    )
    present = {(table, name): (function, enabled) for table, name, function, enabled in cr.fetchall()}
    expected = {
        (table, name): (function, 'A') for table, triggers in TRIGGERS.items() for name, function in triggers.items()
    }
    for table, name in sorted(present.keys() | expected.keys()):
        if present.get((table, name)) != expected.get((table, name)):
            state = "is missing" if (table, name) not in present else "is not as it should be"
            findings.append(f"trigger {name} on {table} {state}")
    return findings


def owner_of(cr, table):
    """Name of the role that owns ``table``, or None."""
    cr.execute(
        "SELECT relowner::regrole::text FROM pg_class WHERE relname = %s AND relnamespace = 'public'::regnamespace",
        [table],
    )
    row = cr.fetchone()
    return row and row[0]


def open_epoch(cr):
    """Return (number of the epoch of this database, whether it was opened just now)."""
    cr.execute("SELECT coalesce(max(id), 0) FROM distribution_event_epoch")
    former = cr.fetchone()[0]
    cr.execute("SELECT distribution_current_epoch()")
    epoch = cr.fetchone()[0]
    return epoch, epoch > former


def keep_tables(cr):
    """Put the ledger aside when the addon is uninstalled: Odoo drops the tables of its models."""
    for table in TABLES:
        _rename(cr, table, table + KEPT_SUFFIX)


def adopt_tables(cr):
    """Take a ledger that was put aside into use again."""
    for table in TABLES:
        _rename(cr, table + KEPT_SUFFIX, table)


def _rename(cr, former, new):
    cr.execute("SELECT to_regclass(%s) IS NOT NULL AND to_regclass(%s) IS NULL", [f'public.{former}', f'public.{new}'])
    if cr.fetchone()[0] and _may_rename(cr, former):
        cr.execute(f'ALTER TABLE public."{former}" RENAME TO "{new}"')


def _may_rename(cr, table):
    cr.execute("SELECT pg_has_role(current_user, %s, 'USAGE')", [owner_of(cr, table)])
    return cr.fetchone()[0]
