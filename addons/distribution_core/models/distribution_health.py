"""How the suite does: what keeps it from working, figures for Prometheus, and a screen for operations.

Other addons add to :meth:`DistributionHealth._not_ready`, :meth:`DistributionHealth._families` and
:meth:`DistributionHealth._signs`. Each figure is one aggregated query over what is open or recent: a scrape costs the
same however long the history is.
"""

from datetime import timedelta

from odoo import _, api, fields, models
from odoo.release import version
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from ..secret_box import SecretKeyProblem

#: Over which figures about answers of endpoints are taken.
WINDOW = timedelta(minutes=15)
ADDON_PATTERN = 'distribution\\_%'


class DistributionHealth(models.AbstractModel):
    _name = 'distribution.health'
    _description = "Health"

    # ------------------------------------------------------------
    # Readiness
    # ------------------------------------------------------------

    @api.model
    def _not_ready(self):
        """Reasons why this server cannot do its work; none: it can."""
        reasons = []
        if self.env['ir.module.module'].search_count(
            [('state', 'in', ('to install', 'to upgrade', 'to remove'))], limit=1
        ):
            reasons.append("addons wait to be installed, upgraded or removed")
        try:
            self.env['distribution.webhook.subscription']._check_key()
        except SecretKeyProblem:
            reasons.append("the key of the stored secrets is not there")
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
            *self._webhook_families(now),
            *self._case_families(now),
            *self._job_families(),
            *self._api_families(now),
            self._gauge(
                'distribution_ledger_unsealed_seconds', "Age of the oldest event without a seal.", self._seal_lag(now)
            ),
        ]

    @api.model
    def _gauge(self, name, words, values, labels=()):
        """One family. ``values``: a number, or ``[(label values, number)]``."""
        family = GaugeMetricFamily(name, words, labels=list(labels))
        if not labels:
            values = [((), values)]
        for given, number in values:
            family.add_metric([str(value) for value in given], float(number or 0))
        return family

    def _rows(self, query, *parameters):
        self.env.cr.execute(query, parameters or None)
        return self.env.cr.fetchall()

    def _seal_lag(self, now):
        since = self.env['distribution.event.seal']._unsealed_since()
        return max((now - since).total_seconds(), 0) if since else 0

    def _webhook_families(self, now):
        states = dict(
            self._rows(
                """SELECT state, count(*) FROM distribution_webhook_delivery
                    WHERE state IN ('pending', 'sending') GROUP BY state"""
            )
        )
        ((oldest,),) = self._rows(
            "SELECT min(began_at) FROM distribution_webhook_delivery WHERE state IN ('pending', 'sending')"
        )
        dead = dict(
            self._rows(
                "SELECT subscription_id, count(*) FROM distribution_webhook_delivery WHERE state = 'dead' GROUP BY 1"
            )
        )
        subscriptions = self.env['distribution.webhook.subscription'].search([('state', '!=', 'draft')])
        outcomes = self._rows(
            """SELECT CASE WHEN status IS NULL OR status = 0 THEN 'no answer' ELSE (status / 100)::text || 'xx' END,
                      count(*)
                 FROM distribution_webhook_attempt WHERE at > %s GROUP BY 1""",
            now - WINDOW,
        )
        latencies = self._rows(
            """SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY milliseconds)
                 FROM distribution_webhook_attempt WHERE at > %s""",
            now - WINDOW,
        )[0][0] or (0, 0)
        named = ('subscription', 'name')
        return [
            self._gauge(
                'distribution_webhook_waiting', "Deliveries that wait, by state.",
                [((state,), states.get(state, 0)) for state in ('pending', 'sending')], ['state'],
            ),
            self._gauge(
                'distribution_webhook_backlog_oldest_seconds', "Age of the oldest delivery that waits.",
                (now - oldest).total_seconds() if oldest else 0,
            ),
            self._gauge(
                'distribution_webhook_dead_letters', "Deliveries that were given up and not sent again.",
                [((one.id, one.name), dead.get(one.id, 0)) for one in subscriptions], named,
            ),
            self._gauge(
                'distribution_webhook_circuit_open', "1: the endpoint failed several times in a row and is left alone.",
                [((one.id, one.name), one.circuit_state != 'closed') for one in subscriptions], named,
            ),
            self._gauge(
                'distribution_webhook_attempts_recent', "Tries of the last 15 minutes, by what was answered.",
                [((outcome,), count) for outcome, count in outcomes] or [(('2xx',), 0)], ['outcome'],
            ),
            self._gauge(
                'distribution_webhook_latency_seconds', "How long answers took in the last 15 minutes.",
                [((quantile,), value / 1000) for quantile, value in zip(('0.5', '0.95'), latencies)], ['quantile'],
            ),
        ]  # fmt: skip

    def _case_families(self, now):
        rows = self._rows(
            """SELECT kind, severity, count(*), count(*) FILTER (WHERE state <> 'waiting' AND due_at < %s),
                      min(create_date)
                 FROM distribution_case WHERE state IN ('open', 'in_progress', 'waiting') GROUP BY kind, severity""",
            now,
        )
        kinds = ('business', 'technical')

        def per_kind(take, combine, empty):
            return [((kind,), combine([take(row) for row in rows if row[0] == kind], default=empty)) for kind in kinds]

        def total(values, default):
            return sum(values)

        open_by = {(kind, severity): count for kind, severity, count, _overdue, _oldest in rows}
        return [
            self._gauge(
                'distribution_cases_open', "Open cases, by kind and severity (0 low to 3 critical).",
                [((kind, severity), open_by.get((kind, severity), 0)) for kind in kinds for severity in '0123'],
                ['kind', 'severity'],
            ),
            self._gauge(
                'distribution_cases_overdue', "Open cases that are overdue.",
                per_kind(lambda row: row[3], total, 0), ['kind'],
            ),
            self._gauge(
                'distribution_cases_oldest_seconds', "Age of the oldest open case.",
                per_kind(lambda row: (now - row[4]).total_seconds(), max, 0), ['kind'],
            ),
        ]  # fmt: skip

    def _job_families(self):
        rows = self._rows(
            """SELECT data.module || '.' || data.name, cron.active, last.seconds, last.outcome,
                      extract(epoch FROM (SELECT max(done.started_at) FROM distribution_automation_run done
                                           WHERE done.cron_id = cron.id AND done.outcome = 'ok'))
                 FROM ir_cron cron
                 JOIN ir_model_data data ON data.model = 'ir.cron' AND data.res_id = cron.id
                 LEFT JOIN LATERAL (SELECT run.seconds, run.outcome FROM distribution_automation_run run
                                     WHERE run.cron_id = cron.id ORDER BY run.id DESC LIMIT 1) last ON TRUE
                WHERE data.module LIKE %s ORDER BY 1""",
            ADDON_PATTERN,
        )
        return [
            self._gauge(
                'distribution_job_last_success_timestamp_seconds', "When the job last ended well; 0: never.",
                [((job,), success) for job, _active, _seconds, _outcome, success in rows], ['job_name'],
            ),
            self._gauge(
                'distribution_job_last_duration_seconds', "How long its last run took.",
                [((job,), seconds) for job, _active, seconds, _outcome, _success in rows], ['job_name'],
            ),
            self._gauge(
                'distribution_job_failed', "1: its last run failed.",
                [((job,), outcome == 'failed') for job, _active, _seconds, outcome, _success in rows], ['job_name'],
            ),
            self._gauge(
                'distribution_job_active', "0: somebody switched it off.",
                [((job,), active) for job, active, _seconds, _outcome, _success in rows], ['job_name'],
            ),
        ]  # fmt: skip

    def _api_families(self, now):
        rows = self._rows(
            """SELECT operation, state, count(*) FROM distribution_api_call WHERE received_at > %s GROUP BY 1, 2""",
            now - WINDOW,
        ) if 'distribution.api.call' in self.env else []  # fmt: skip
        return [
            self._gauge(
                'distribution_api_calls_recent', "Calls of other systems in the last 15 minutes, by outcome.",
                [(row[:2], row[2]) for row in rows], ['operation', 'outcome'],
            )
        ]  # fmt: skip

    # ------------------------------------------------------------
    # The screen of operations
    # ------------------------------------------------------------

    @api.model
    def _sign(self, kind, name, count, level, words, res_model, domain):
        """One figure of the screen; ``domain`` leads to what is counted."""
        return {
            'kind': kind,
            'name': name,
            'count': count,
            'level': level,
            'words': words,
            'res_model': res_model,
            'domain': repr(domain),
        }

    @api.model
    def _signs(self):
        """The figures of the screen, counted in the companies of the user."""
        self.env.flush_all()
        return [*self._case_signs('business'), *self._case_signs('technical'), *self._technical_signs()]

    def _case_signs(self, kind):
        cases = self.env['distribution.case'].search([('kind', '=', kind), ('closed_at', '=', False)])
        critical = cases.filtered(lambda case: case.severity == '3')
        overdue = cases.filtered('is_overdue')
        own = [('kind', '=', kind), ('closed_at', '=', False)]
        return [
            self._sign(
                kind, _("Open cases"), len(cases), 'danger' if critical else 'warning' if overdue else 'ok',
                _("%(critical)s critical, %(overdue)s overdue", critical=len(critical), overdue=len(overdue)),
                'distribution.case', own,
            ),
            self._sign(
                kind, _("Cases without owner"), len(cases.filtered(lambda case: not case.user_id)),
                'warning' if overdue.filtered(lambda case: not case.user_id) else 'ok',
                _("nobody works on them"), 'distribution.case', [*own, ('user_id', '=', False)],
            ),
        ]  # fmt: skip

    def _technical_signs(self):
        now = fields.Datetime.now()
        deliveries = self.env['distribution.webhook.delivery']
        subscriptions = self.env['distribution.webhook.subscription'].search([])
        waiting = [('state', 'in', ('pending', 'sending'))]
        oldest = deliveries.search(waiting, order='began_at', limit=1).began_at
        late = oldest and now - oldest > timedelta(hours=1)
        dead = deliveries.search_count([('state', '=', 'dead')])
        alone = subscriptions.filtered(lambda one: one.circuit_state != 'closed')
        failing = self.env['distribution.automation'].search(
            [('kind', '=', 'cron'), ('health', 'in', ('failing', 'overdue'))]
        )
        lag = self._seal_lag(now) // 60
        return [
            self._sign(
                'technical', _("Deliveries that wait"), deliveries.search_count(waiting), 'warning' if late else 'ok',
                _("the oldest since %s UTC", fields.Datetime.to_string(oldest)) if oldest else _("everything was sent"),
                deliveries._name, waiting,
            ),
            self._sign(
                'technical', _("Dead letters"), dead, 'danger' if dead else 'ok',
                _("given up; send them again") if dead else _("nothing was given up"),
                deliveries._name, [('state', '=', 'dead')],
            ),
            self._sign(
                'technical', _("Endpoints left alone"), len(alone), 'warning' if alone else 'ok',
                ', '.join(alone.mapped('name')) or _("all answer"),
                subscriptions._name, [('id', 'in', alone.ids)] if alone else [],
            ),
            self._sign(
                'technical', _("Scheduled actions in trouble"), len(failing), 'danger' if failing else 'ok',
                ', '.join(failing.mapped('name')) or _("all run"),
                failing._name, [('id', 'in', failing.ids)] if failing else [('kind', '=', 'cron')],
            ),
            self._sign(
                'technical', _("Minutes without a seal"), lag, 'danger' if lag > 60 else 'ok',
                _("the oldest event of the ledger that has none; every five minutes is usual"),
                'distribution.case', [('type_id.code', '=', 'ledger_unsealed')],
            ),
        ]  # fmt: skip


class _Collected:
    """What ``prometheus_client`` asks for families."""

    def __init__(self, families):
        self._families = families

    def collect(self):
        return self._families
