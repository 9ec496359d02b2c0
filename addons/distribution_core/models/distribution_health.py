"""How the suite does: what keeps it from working, and figures for Prometheus.

The figures are those of the database: whichever process is asked, with however many workers, says the same. Each
family is one aggregated query over what is open or recent, so a scrape costs the same however long the history is.

Other addons add to :meth:`DistributionHealth._not_ready` and :meth:`DistributionHealth._families`.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.release import version
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from .. import secret_box
from ..engine import circuit
from ..routes_without_database import serve_without_database
from .distribution_event_type import SUITE_AUTHOR
from .distribution_webhook_subscription import CIRCUIT_RULES

#: Over which figures about tries and calls are taken.
WINDOW = timedelta(minutes=15)
#: What an endpoint answers, as far as it matters.
OUTCOMES = ('2xx', '3xx', '4xx', '5xx', 'no answer')
KINDS = ('business', 'technical')
CIRCUIT_STATES = ('closed', 'open', 'half_open')


class DistributionHealth(models.AbstractModel):
    _name = 'distribution.health'
    _description = "Health"

    def _register_hook(self):
        """A server that cannot read the stored secrets does not start, and says why."""
        super()._register_hook()
        secret_box.check_keys(self.env.cr)
        serve_without_database()

    # ------------------------------------------------------------
    # Readiness
    # ------------------------------------------------------------

    @api.model
    def _not_ready(self):
        """Reasons why this server cannot do its work; none: it can."""
        reasons = []
        ((standby,),) = self._rows("SELECT pg_is_in_recovery()")
        if standby:
            reasons.append("the database is a standby: nothing can be written")
        if self._rows("SELECT FROM ir_module_module WHERE state IN ('to install', 'to upgrade', 'to remove') LIMIT 1"):
            reasons.append("addons wait to be installed, upgraded or removed")
        try:
            secret_box.check_keys(self.env.cr)
        except secret_box.SecretKeyProblem:
            reasons.append("the key of the stored secrets is not there, or another one")
        return reasons

    # ------------------------------------------------------------
    # Metrics
    # ------------------------------------------------------------

    @api.model
    def _exposition(self):
        """All figures, as Prometheus reads them."""
        registry = CollectorRegistry()
        registry.register(_Collected(self._families()))
        return generate_latest(registry)

    @api.model
    def _families(self):
        """The figures, as families of ``prometheus_client``."""
        self.env.flush_all()
        now = fields.Datetime.now()
        return [
            self._gauge('distribution_info', "Always 1; the series of Odoo.", [((version,), 1)], ['odoo']),
            self._gauge('distribution_ready', "1: the server can do its work.", not self._not_ready()),
            *self._webhook_families(now),
            *self._api_families(now),
            *self._case_families(now),
            *self._job_families(),
            self._gauge(
                'distribution_ledger_unsealed_seconds', "Age of the oldest event without a seal.", self._seal_lag(now)
            ),
        ]

    @api.model
    def _gauge(self, name, words, values, labels=()):
        """One family. ``values``: a number, or ``[(label values, number)]``."""
        return self._filled(GaugeMetricFamily(name, words, labels=list(labels)), values)

    @api.model
    def _counter(self, name, words, values, labels=()):
        """A family of numbers that only grow; ``_total`` is added to its name."""
        return self._filled(CounterMetricFamily(name, words, labels=list(labels)), values)

    def _filled(self, family, values):
        for given, number in values if isinstance(values, list) else [((), values)]:
            family.add_metric([str(value) for value in given], float(number or 0))
        return family

    def _rows(self, query, parameters=None):
        self.env.cr.execute(query, parameters)
        return self.env.cr.fetchall()

    def _seal_lag(self, now):
        """Seconds for which the oldest event has waited for its seal."""
        since = self.env['distribution.event.seal']._unsealed_since()
        return max((now - since).total_seconds(), 0) if since else 0

    def _circuits(self, name, words, circuits, labels):
        """A family that is 1 for the state in which each circuit breaker is.

        :param circuits: ``[(label values, state)]``
        """
        values = [
            ((*given, state), state == present) for given, present in circuits for state in CIRCUIT_STATES
        ]  # fmt: skip
        return self._gauge(name, words, values, [*labels, 'state'])

    def _webhook_families(self, now):
        rows = self._rows(
            """SELECT subscription.id, subscription.name, subscription.failures, subscription.opened_at,
                      subscription.probe_at, coalesce(waiting.count, 0), waiting.oldest, coalesce(dead.count, 0)
                 FROM distribution_webhook_subscription subscription
            LEFT JOIN (SELECT subscription_id, count(*) AS count, min(began_at) AS oldest
                         FROM distribution_webhook_delivery WHERE state IN ('pending', 'sending')
                     GROUP BY subscription_id) waiting ON waiting.subscription_id = subscription.id
            LEFT JOIN (SELECT subscription_id, count(*) AS count
                         FROM distribution_webhook_delivery WHERE state = 'dead'
                     GROUP BY subscription_id) dead ON dead.subscription_id = subscription.id
                WHERE subscription.state <> 'draft' ORDER BY subscription.id"""
        )
        outcomes = dict(
            self._rows(
                """SELECT CASE WHEN coalesce(status, 0) = 0 THEN 'no answer' ELSE (status / 100)::text || 'xx' END,
                          count(*)
                     FROM distribution_webhook_attempt WHERE at > %s GROUP BY 1""",
                [now - WINDOW],
            )
        )
        ((latencies,),) = self._rows(
            """SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY milliseconds)
                 FROM distribution_webhook_attempt WHERE at > %s""",
            [now - WINDOW],
        )
        named = ['subscription', 'name']

        def per_subscription(number_of):
            return [(row[:2], number_of(*row[5:])) for row in rows]

        return [
            self._gauge(
                'distribution_webhook_waiting', "Deliveries that wait.",
                per_subscription(lambda waiting, _oldest, _dead: waiting), named,
            ),
            self._gauge(
                'distribution_webhook_oldest_seconds', "Age of the oldest delivery that waits.",
                per_subscription(lambda _waiting, oldest, _dead: (now - oldest).total_seconds() if oldest else 0),
                named,
            ),
            self._gauge(
                'distribution_webhook_dead_letters', "Deliveries that were given up and not sent again.",
                per_subscription(lambda _waiting, _oldest, dead: dead), named,
            ),
            self._circuits(
                'distribution_webhook_circuit', "1 for the state of the endpoint; open: it failed and is left alone.",
                [
                    (row[:2], circuit.state(circuit.Circuit(row[2] or 0, row[3], row[4]), CIRCUIT_RULES, now))
                    for row in rows
                ],
                named,
            ),
            self._gauge(
                'distribution_webhook_attempts_recent', "Tries of the last 15 minutes, by what was answered.",
                [((outcome,), outcomes.get(outcome, 0)) for outcome in OUTCOMES], ['outcome'],
            ),
            self._gauge(
                'distribution_webhook_latency_seconds', "How long answers took in the last 15 minutes.",
                [((quantile,), value / 1000) for quantile, value in zip(('0.5', '0.95'), latencies or (0, 0))],
                ['quantile'],
            ),
        ]  # fmt: skip

    def _api_families(self, now):
        contracts = self.env['distribution.api.operation']._operations().values()
        posted = sorted(contract.name for contract in contracts if contract.method == 'POST')
        recent = self._rows(
            "SELECT operation, state, count(*) FROM distribution_api_call WHERE received_at > %s GROUP BY 1, 2",
            [now - WINDOW],
        )
        kept = self._rows(
            """SELECT operation, state, count(*) FROM distribution_api_call
                WHERE state IN ('waiting', 'failed') GROUP BY 1, 2"""
        )

        def by_outcome(rows, outcomes):
            zeros = {(operation, outcome): 0 for operation in posted for outcome in outcomes}
            return list({**zeros, **{row[:2]: row[2] for row in rows}}.items())

        ((strangers,),) = self._rows(
            "SELECT count(*) FROM distribution_api_stranger WHERE last_used_at > %s", [now - WINDOW]
        )
        used = self._rows(
            """SELECT key.id, key.name, coalesce(usage.calls, 0), coalesce(usage.refused, 0)
                 FROM distribution_api_key key
            LEFT JOIN distribution_api_usage usage ON usage.api_key_id = key.id ORDER BY key.id"""
        )
        # An alert sees the first error of the server only when there was a zero before it.
        problems = self._rows(
            """SELECT key.id, key.name, kind.name, coalesce(problem.calls, 0)
                 FROM distribution_api_key key
           CROSS JOIN (SELECT 'internal-error' AS name UNION SELECT kind FROM distribution_api_problem) kind
            LEFT JOIN distribution_api_problem problem
                   ON problem.api_key_id = key.id AND problem.kind = kind.name
             ORDER BY key.id, kind.name"""
        )
        by_call, named = ['operation', 'outcome'], ['key', 'name']
        return [
            self._gauge(
                'distribution_api_calls_recent', "Calls with a body in the last 15 minutes, by what became of them.",
                by_outcome(recent, ('applied', 'waiting', 'refused', 'failed')), by_call,
            ),
            self._gauge(
                'distribution_api_calls_open', "Calls that were kept and are not applied.",
                by_outcome(kept, ('waiting', 'failed')), by_call,
            ),
            self._counter(
                'distribution_api_calls', "Calls with a key, also those that only read.",
                [(row[:2], row[2]) for row in used], named,
            ),
            self._counter(
                'distribution_api_rate_limited', "Calls that were refused because the key makes too many.",
                [(row[:2], row[3]) for row in used], named,
            ),
            self._counter(
                'distribution_api_problems', "Calls with a key that ended before the inbox, by type of problem.",
                [(row[:3], row[3]) for row in problems], [*named, 'problem'],
            ),
            self._gauge(
                'distribution_api_strangers', "Addresses that called without a valid key in the last 15 minutes.",
                strangers,
            ),
        ]  # fmt: skip

    def _case_families(self, now):
        rows = self._rows(
            """SELECT kind, severity, count(*), count(*) FILTER (WHERE state <> 'waiting' AND due_at < %s),
                      extract(epoch FROM %s - min(create_date))
                 FROM distribution_case WHERE state IN ('open', 'in_progress', 'waiting') GROUP BY kind, severity""",
            [now, now],
        )
        open_cases = {row[:2]: row[2] for row in rows}

        def per_kind(combine, column):
            return [((kind,), combine([0, *(row[column] for row in rows if row[0] == kind)])) for kind in KINDS]

        return [
            self._gauge(
                'distribution_cases_open', "Open cases, by kind and severity (0 low to 3 critical).",
                [((kind, severity), open_cases.get((kind, severity), 0)) for kind in KINDS for severity in '0123'],
                ['kind', 'severity'],
            ),
            self._gauge('distribution_cases_overdue', "Open cases that are overdue.", per_kind(sum, 3), ['kind']),
            self._gauge(
                'distribution_cases_oldest_seconds', "Age of the oldest open case.", per_kind(max, 4), ['kind']
            ),
        ]  # fmt: skip

    def _job_families(self):
        rows = self._rows(
            """SELECT data.module || '.' || data.name, cron.active::int,
                      cron.interval_number * CASE cron.interval_type WHEN 'minutes' THEN 60 WHEN 'hours' THEN 3600
                          WHEN 'weeks' THEN 604800 WHEN 'months' THEN 2678400 ELSE 86400 END,
                      (last.outcome = 'failed')::int, last.seconds,
                      extract(epoch FROM coalesce(success.at, cron.create_date))
                 FROM ir_cron cron
                 JOIN ir_model_data data ON data.model = 'ir.cron' AND data.res_id = cron.id
                 JOIN ir_module_module module ON module.name = data.module AND module.author = %s
                 LEFT JOIN LATERAL (SELECT seconds, outcome FROM distribution_automation_run
                                     WHERE cron_id = cron.id ORDER BY id DESC LIMIT 1) last ON TRUE
                 LEFT JOIN LATERAL (SELECT max(started_at) AS at FROM distribution_automation_run
                                     WHERE cron_id = cron.id AND outcome = 'ok') success ON TRUE
             ORDER BY 1""",
            [SUITE_AUTHOR],
        )

        def family(name, words, column):
            return self._gauge(name, words, [(row[:1], row[column]) for row in rows], ['job_name'])

        return [
            family('distribution_job_active', "0: the scheduled action was switched off.", 1),
            family('distribution_job_interval_seconds', "How often it runs.", 2),
            family('distribution_job_failed', "1: its last run failed.", 3),
            family('distribution_job_last_duration_seconds', "How long its last run took.", 4),
            family(
                'distribution_job_last_success_timestamp_seconds',
                "When it began the last time that it ended well; before the first time, when it was installed.",
                5,
            ),
        ]


class _Collected:
    """What ``prometheus_client`` asks for families."""

    def __init__(self, families):
        self._families = families

    def collect(self):
        return self._families
