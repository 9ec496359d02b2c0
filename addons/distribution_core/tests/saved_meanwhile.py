"""The database refuses a row as it does when another transaction has changed and committed it meanwhile."""

from contextlib import contextmanager

import psycopg2
from odoo.tools import mute_logger

from .committed_case import MEETINGS


@contextmanager
def saved_meanwhile(test, table):
    """In the block whoever updates ``table`` meets somebody who has saved the row, and must not keep that to himself.

    What the block did is rolled back, as by whoever tries it again.
    """
    test.env.flush_all()
    with (
        test.assertRaises(psycopg2.errors.SerializationFailure),
        mute_logger(*MEETINGS),
        test.env.cr.savepoint(),
    ):
        test.env.cr.execute(
            f"""CREATE FUNCTION pg_temp.saved_meanwhile() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'saved meanwhile' USING ERRCODE = 'serialization_failure'; END $$;
                CREATE TRIGGER saved_meanwhile BEFORE UPDATE ON {table}
                FOR EACH ROW EXECUTE FUNCTION pg_temp.saved_meanwhile()"""
        )
        yield
        test.env.flush_all()
    test.env.invalidate_all()
