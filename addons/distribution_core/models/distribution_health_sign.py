"""The screen of operations: how the integrations do, business and technical problems apart."""

import ast
from datetime import timedelta
from zlib import crc32

from odoo import _, api, fields, models
from odoo.tools.sql import SQL

from .distribution_case import OPEN_STATES

LEVELS = [('ok', "In order"), ('warning', "Look at it"), ('danger', "Act now")]
RANKS = {'danger': 0, 'warning': 1, 'ok': 2}
#: For how long a delivery may wait, and an event be without a seal, before somebody should look.
LATE = timedelta(hours=1)
CASES = 'distribution_core.distribution_case_action'
DELIVERIES = 'distribution_core.distribution_webhook_delivery_action'
CALLS = 'distribution_core.distribution_api_call_action'


class DistributionHealthSign(models.Model):
    """One figure with its level. There is no table: the figures are taken whenever they are read, of what the
    reader may see. Other addons add to :meth:`_signs`."""

    _name = 'distribution.health.sign'
    _description = "Integration Health"
    _auto = False
    _log_access = False
    _order = 'rank, id'

    kind = fields.Selection(
        [('business', "Business"), ('technical', "Technical")], readonly=True, group_expand='_group_expand_kind'
    )
    name = fields.Char(readonly=True)
    count = fields.Integer(readonly=True)
    level = fields.Selection(LEVELS, readonly=True)
    rank = fields.Integer(readonly=True, help="What is worst comes first.")
    words = fields.Char(readonly=True)
    action = fields.Char(readonly=True)
    domain = fields.Char(readonly=True)

    @property
    def _table_query(self):
        # While addons are loaded somebody asks whether there is a table; what is counted may not be there yet.
        signs = self._signs() if self.env.registry.ready else [self._sign('technical', '', 0, 'ok', '', CASES, [])]
        rows = [
            SQL(
                "(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                # A figure keeps its number, whatever comes and goes beside it.
                crc32(f"{sign['kind']} {sign['name']}".encode()) >> 1, sign['kind'], sign['name'], sign['count'],
                sign['level'], RANKS[sign['level']], sign['words'], sign['action'], sign['domain'],
            )
            for sign in signs
        ]  # fmt: skip
        return SQL(
            "(SELECT * FROM (VALUES %s) AS sign (id, kind, name, count, level, rank, words, action, domain))",
            SQL(", ").join(rows),
        )

    @api.model
    def _group_expand_kind(self, kinds, domain, *_order):
        return ['business', 'technical']

    def action_open_list(self):
        """Show what is counted."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(self.action)
        return {**action, 'domain': ast.literal_eval(self.domain), 'context': {}}

    # ------------------------------------------------------------
    # The figures
    # ------------------------------------------------------------

    @api.model
    def _sign(self, kind, name, count, level, words, action, domain):
        """One figure of the screen; ``action`` with ``domain`` leads to what is counted."""
        return {
            'kind': kind,
            'name': name,
            'count': count,
            'level': level,
            'words': words,
            'action': action,
            'domain': repr(domain),
        }

    @api.model
    def _signs(self):
        """The figures of the screen, counted in the companies of the user."""
        return [
            *self._case_signs('business'),
            *self._case_signs('technical'),
            *self._server_signs(),
            *self._webhook_signs(),
            *self._api_signs(),
            *self._job_signs(),
        ]

    def _case_signs(self, kind):
        cases = self.env['distribution.case']
        own = [('kind', '=', kind), ('state', 'in', OPEN_STATES)]
        count = cases.search_count(own)
        critical = cases.search_count([*own, ('severity', '=', '3')])
        overdue = [*own, ('is_overdue', '=', True)]
        late = cases.search_count(overdue)
        nobody = [*own, ('user_id', '=', False)]
        alone = cases.search_count(nobody)
        neglected = cases.search_count([*overdue, ('user_id', '=', False)])
        return [
            self._sign(
                kind, _("Open cases"), count, 'danger' if critical else 'warning' if late else 'ok',
                _("%(critical)s critical, %(overdue)s overdue", critical=critical, overdue=late), CASES, own,
            ),
            self._sign(
                kind, _("Cases without owner"), alone,
                'warning' if neglected else 'ok',
                _("%s of them overdue", neglected) if neglected else _("none of them overdue"), CASES, nobody,
            ),
        ]  # fmt: skip

    def _server_signs(self):
        """Nothing while the server can do its work."""
        reasons = self.env['distribution.health']._not_ready()
        if not reasons:
            return []
        technical = [('kind', '=', 'technical'), ('state', 'in', OPEN_STATES)]
        return [self._sign('technical', _("Not ready"), len(reasons), 'danger', '; '.join(reasons), CASES, technical)]

    def _webhook_signs(self):
        deliveries = self.env['distribution.webhook.delivery']
        waiting, dead = [('state', 'in', ('pending', 'sending'))], [('state', '=', 'dead')]
        ((count, oldest),) = deliveries._read_group(waiting, [], ['__count', 'began_at:min'])
        given_up = deliveries.search_count(dead)
        alone = self.env['distribution.webhook.subscription'].search([('opened_at', '!=', False)])
        return [
            self._sign(
                'technical', _("Deliveries that wait"), count,
                'warning' if oldest and fields.Datetime.now() - oldest > LATE else 'ok',
                _("the oldest since %s", self._moment(oldest)) if oldest else _("everything was sent"),
                DELIVERIES, waiting,
            ),
            self._sign(
                'technical', _("Dead letters"), given_up, 'danger' if given_up else 'ok',
                _("given up; mend the endpoint, then send them again") if given_up else _("nothing was given up"),
                DELIVERIES, dead,
            ),
            self._sign(
                'technical', _("Endpoints left alone"), len(alone), 'warning' if alone else 'ok',
                ', '.join(alone.mapped('name')) or _("all of them answer"),
                'distribution_core.distribution_webhook_subscription_action',
                [('opened_at', '!=', False)] if alone else [],
            ),
        ]  # fmt: skip

    def _api_signs(self):
        calls = self.env['distribution.api.call']
        people = [('state', '=', 'waiting'), ('case_id', '!=', False)]
        kept = [('state', '=', 'waiting'), ('case_id', '=', False)]
        failed = [('state', '=', 'failed')]
        for_people, broken = calls.search_count(people), calls.search_count(failed)
        return [
            self._sign(
                'business', _("Calls for a person"), for_people, 'warning' if for_people else 'ok',
                _("they do not fit what is here") if for_people else _("every call fits what is here"), CALLS, people,
            ),
            self._sign(
                'technical', _("Failed calls"), broken, 'danger' if broken else 'ok',
                _("something is broken here; apply them again") if broken else _("no call failed"), CALLS, failed,
            ),
            self._sign(
                'technical', _("Calls kept"), calls.search_count(kept), 'ok',
                _("until an addon acts on them"), CALLS, kept,
            ),
        ]  # fmt: skip

    def _job_signs(self):
        trouble = [('kind', '=', 'cron'), ('health', 'in', ('failing', 'overdue'))]
        failing = self.env['distribution.automation'].search(trouble)
        lag = timedelta(seconds=self.env['distribution.health']._seal_lag(fields.Datetime.now()))
        return [
            self._sign(
                'technical', _("Scheduled actions in trouble"), len(failing), 'danger' if failing else 'ok',
                ', '.join(failing.mapped('name')) or _("all of them run"),
                'distribution_core.distribution_automation_action', trouble if failing else [('kind', '=', 'cron')],
            ),
            self._sign(
                'technical', _("Minutes without a seal"), int(lag.total_seconds() // 60),
                'danger' if lag > LATE else 'ok', _("the oldest event of the ledger; up to ten are usual"),
                CASES, [('type_id.code', '=', 'ledger_unsealed')],
            ),
        ]  # fmt: skip

    def _moment(self, moment):
        """In the time zone of the reader."""
        return fields.Datetime.context_timestamp(self, moment).strftime('%Y-%m-%d %H:%M')
