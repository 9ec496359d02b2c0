"""Evidence that the database itself keeps from being rewritten.

A model calls one of these helpers from its ``init()``.  The triggers are
``ENABLE ALWAYS``: they also fire under ``session_replication_role = replica``.
They stop every UPDATE, DELETE and TRUNCATE, whoever sends it; what the table's
owner can still do is DDL (drop a trigger, drop the table), which is why the
event ledger is sealed as well.

The error is raised as ``restrict_violation``, an integrity error, so that
Odoo shows its text to the user instead of a traceback.
"""

# Only names that this code itself knows are written into SQL; values are parameters.
# pylint: disable=sql-injection

from psycopg2 import sql

REFUSE_FUNCTION = """
    CREATE OR REPLACE FUNCTION distribution_refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            TABLE = TG_TABLE_NAME,
            MESSAGE = format(
                '%s refused on "%s": these records are evidence and are never changed or deleted. %s',
                TG_OP, TG_TABLE_NAME, coalesce(TG_ARGV[0], ''));
    END $$
"""
_APPEND_HINT = "Add a new record that states the correction instead."
_COLUMNS_HINT = "Create a new version or a new record instead."


def protect_append_only(cr, table, function='distribution_refuse_change'):
    """Refuse UPDATE, DELETE and TRUNCATE on ``table``.

    :param function: trigger function that refuses; another one may know an exception
    """
    cr.execute(REFUSE_FUNCTION)
    put_trigger(cr, table, 'distribution_append_only', "BEFORE UPDATE OR DELETE", hint=_APPEND_HINT, function=function)
    _refuse_truncate(cr, table)


def protect_columns(cr, table, columns, when=None, name='columns'):
    """Refuse an UPDATE that changes one of ``columns``, and every DELETE.

    :param columns: names of stored columns of ``table``
    :param when: optional SQL condition on ``OLD``, such as ``"OLD.state <> 'draft'"``; rows
        for which it is not true may still be changed and deleted
    :param name: tells several protections of one table apart; a repeated call with
        the same name replaces the former one
    """
    cr.execute(REFUSE_FUNCTION)
    guarded = sql.SQL(when or "TRUE")
    changed = sql.SQL(" OR ").join(
        sql.SQL("OLD.{column} IS DISTINCT FROM NEW.{column}").format(column=sql.Identifier(column))
        for column in columns
    )
    put_trigger(
        cr,
        table,
        f'distribution_keep_{name}_update',
        "BEFORE UPDATE",
        hint=_COLUMNS_HINT,
        condition=sql.SQL("({}) AND ({})").format(guarded, changed),
    )
    put_trigger(cr, table, f'distribution_keep_{name}_delete', "BEFORE DELETE", hint=_COLUMNS_HINT, condition=guarded)
    _refuse_truncate(cr, table)


def _refuse_truncate(cr, table):
    put_trigger(cr, table, 'distribution_no_truncate', "BEFORE TRUNCATE", level="STATEMENT", hint=_APPEND_HINT)


def put_trigger(
    cr, table, name, moment, *, level="ROW", condition=None, hint=None, function='distribution_refuse_change'
):
    """(Re)create an ALWAYS trigger."""
    names = {
        'name': sql.Identifier(name),
        'table': sql.Identifier(table),
        'function': sql.Identifier(function),
    }
    cr.execute(sql.SQL("DROP TRIGGER IF EXISTS {name} ON {table}").format(**names))
    cr.execute(
        sql.SQL(
            "CREATE TRIGGER {name} {moment} ON {table} FOR EACH {level} {condition} EXECUTE FUNCTION {function}({hint})"
        ).format(
            moment=sql.SQL(moment),
            level=sql.SQL(level),
            condition=sql.SQL("WHEN ({})").format(condition) if condition else sql.SQL(""),
            hint=sql.Literal(hint) if hint else sql.SQL(""),
            **names,
        )
    )
    cr.execute(sql.SQL("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}").format(**names))
