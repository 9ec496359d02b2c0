"""What became of the automation rules that somebody's work sets off.

Rules
-----
* The outcome is known when the transaction ends: a rule *ran* when it was committed with it, and *failed* whatever
  becomes of the transaction. A message for people (a rule may be made to stop them) is *stopped*, which is no failure.
* A transaction that is repeated because of another one is no outcome.
* It is written on a connection of its own: an error takes nothing of it along, and nobody's work waits for it.
* The same outcome is written once a minute by each process: a rule may run thousands of times an hour.
"""

import logging
import time
from functools import partial

import psycopg2
from odoo import api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

OUTCOMES = [('ran', "Ran"), ('stopped', "Stopped somebody with a message"), ('failed', "Failed")]
_PENDING = 'distribution.automation.rule_outcomes'
_EVERY_SECONDS = 60
_MOST_REMEMBERED = 10_000
#: ``{(database, rule id): (outcome, error, when it was written)}`` of this process.
_written = {}


class AutomationRuleOutcome(models.Model):
    """The last outcome of one automation rule."""

    _name = 'distribution.automation.rule.outcome'
    _description = "Last Outcome of an Automation Rule"
    _log_access = False
    _rec_name = 'at'

    rule_id = fields.Many2one('base.automation', required=True, readonly=True, ondelete='cascade')
    at = fields.Datetime(required=True, readonly=True)
    outcome = fields.Selection(OUTCOMES, required=True, readonly=True)
    error = fields.Char(readonly=True, help="Kind of the error. Its text may show what was worked on.")

    _sql_constraints = [('rule_unique', 'UNIQUE (rule_id)', "The outcome of this rule is there already.")]

    @api.model
    def _note(self, rule, error=None):
        """``rule`` has run, or failed with ``error``; written when the transaction ends."""
        if isinstance(error, psycopg2.OperationalError):
            return
        outcome = 'ran' if error is None else 'stopped' if isinstance(error, UserError) else 'failed'
        kind = type(error.__cause__ or error.__context__ or error).__name__ if outcome == 'failed' else None
        cr = self.env.cr
        for hooks in (cr.postcommit,) if error is None else (cr.postcommit, cr.postrollback):
            if _PENDING not in hooks.data:
                hooks.data[_PENDING] = {}
                hooks.add(partial(_write, self.pool, cr.dbname, hooks.data[_PENDING]))
            worse = hooks.data[_PENDING].get(rule.id, ('ran', None))
            hooks.data[_PENDING][rule.id] = worse if outcome == 'ran' else (outcome, kind)


def _write(registry, database, outcomes):
    """Write ``{rule id: (outcome, error)}``, those that this process did not write in the last minute."""
    now = time.monotonic()
    news = {}
    for rule_id, (outcome, error) in outcomes.items():
        known = _written.get((database, rule_id))
        if known and known[:2] == (outcome, error) and now - known[2] < _EVERY_SECONDS:
            continue
        news[rule_id] = (outcome, error)
    if not news:
        return
    rows = [(rule_id, *news[rule_id]) for rule_id in sorted(news)]
    try:
        with registry.cursor() as cr:
            cr.execute(
                """INSERT INTO distribution_automation_rule_outcome AS kept (rule_id, at, outcome, error)
                   SELECT rule.id, date_trunc('second', now() AT TIME ZONE 'UTC'), news.outcome, news.error
                     FROM unnest(%s::int[], %s::text[], %s::text[]) AS news (rule_id, outcome, error)
                     JOIN base_automation rule ON rule.id = news.rule_id
                       ON CONFLICT (rule_id)
                       DO UPDATE SET at = EXCLUDED.at, outcome = EXCLUDED.outcome, error = EXCLUDED.error""",
                [[row[column] for row in rows] for column in range(3)],
                log_exceptions=False,
            )
    except psycopg2.OperationalError:
        # Another process writes the same at this instant.
        _logger.info("Outcomes of automation rules %s are written by others", sorted(news))
        return
    except Exception:  # pylint: disable=broad-except
        # The work is committed, or failed for a reason of its own: whoever did it hears nothing of the register.
        _logger.warning("Outcomes of automation rules %s were not written", sorted(news), exc_info=True)
        return
    if len(_written) > _MOST_REMEMBERED:
        _written.clear()
    _written.update({(database, rule_id): (*news[rule_id], now) for rule_id in news})
