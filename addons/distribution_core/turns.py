"""A step of a job in a transaction of its own."""

import random
import time

import psycopg2
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

TRIES = 5


def in_turn(env, step, commit=True):
    """Do one step and commit it; somebody else's change of the same rows makes it look again.

    :param commit: False: in the caller's transaction, for tests
    """
    if not commit:
        return step()
    for attempt in range(1, TRIES + 1):
        try:
            result = step()
            env.cr.commit()  # pylint: disable=invalid-commit
            return result
        except psycopg2.OperationalError as error:
            env.cr.rollback()  # pylint: disable=invalid-commit
            env.invalidate_all()
            if error.pgcode not in PG_CONCURRENCY_ERRORS_TO_RETRY or attempt == TRIES:
                raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
    return None
