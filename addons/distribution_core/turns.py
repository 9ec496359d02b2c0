"""A step of a job in a transaction of its own."""

import logging
import random
import time

import psycopg2
from odoo import tools
from odoo.service.model import PG_CONCURRENCY_ERRORS_TO_RETRY

_logger = logging.getLogger(__name__)

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


def each_in_turn(env, steps, commit=None):
    """Do each step and commit it. One that fails stops no other; the first error is raised when all had their turn.

    :param commit: False: in the caller's transaction; default: so while tests run
    :raises Exception: the first that a step has raised
    """
    commit = not tools.config['test_enable'] if commit is None else commit
    first = None
    for step in steps:
        if commit:
            env.invalidate_all()  # others may have changed what was read before the last commit
        try:
            in_turn(env, step, commit)
        except Exception as error:
            if not commit:
                raise
            env.cr.rollback()  # pylint: disable=invalid-commit
            env.invalidate_all()
            _logger.warning("A step failed, the others go on.", exc_info=True)
            first = first or error
    if first:
        raise first
