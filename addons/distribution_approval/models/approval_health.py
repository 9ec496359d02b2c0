"""Figures about approvals for those who watch the server, and for operations."""

from odoo import _, api, fields, models

#: Where a request counts that has waited for up to so many days.
AGES = ((1, "up to a day"), (3, "1 to 3 days"), (7, "3 to 7 days"), (None, "over 7 days"))
WAITING = ("pending", "question")
REQUESTS = "distribution_approval.action_approval_request"


class DistributionHealth(models.AbstractModel):
    _inherit = "distribution.health"

    @api.model
    def _families(self):
        families = super()._families()
        days = [limit for limit, _age in AGES if limit]
        rows = self._rows(
            """SELECT width_bucket(extract(epoch FROM %(now)s - requested_at)::float / 86400, %(days)s::float[]),
                      count(*), extract(epoch FROM %(now)s - min(requested_at))
                 FROM distribution_approval_request WHERE state = ANY(%(states)s) GROUP BY 1""",
            {"now": fields.Datetime.now(), "days": days, "states": list(WAITING)},
        )
        counts = {band: count for band, count, _oldest in rows}
        checks = self.env["distribution.approval.outside.check"].search([])
        return [
            *families,
            self._gauge(
                "distribution_approvals_pending",
                "Approval requests that wait for a decision, by age.",
                [((age,), counts.get(band, 0)) for band, (_limit, age) in enumerate(AGES)],
                ["age"],
            ),
            self._gauge(
                "distribution_approvals_oldest_seconds",
                "Age of the oldest of them.",
                max((oldest for _band, _count, oldest in rows), default=0),
            ),
            self._circuits(
                "distribution_outside_check_circuit",
                "1 for the state of an outside check; open: it failed and is left alone.",
                [((check.code, check.name), check.breaker) for check in checks],
                ["check", "name"],
            ),
        ]


class DistributionHealthSign(models.Model):
    _inherit = "distribution.health.sign"

    @api.model
    def _signs(self):
        requests = self.env["distribution.approval.request"]
        waiting = [("state", "in", WAITING)]
        week = fields.Datetime.subtract(fields.Datetime.now(), days=AGES[-2][0])
        old = requests.search_count([*waiting, ("requested_at", "<", week)])
        checks = self.env["distribution.approval.outside.check"].search([("opened_at", "!=", False)])
        return [
            *super()._signs(),
            self._sign(
                "business",
                _("Approvals that wait"),
                requests.search_count(waiting),
                "warning" if old else "ok",
                _("%s of them for more than a week", old) if old else _("none for more than a week"),
                REQUESTS,
                waiting,
            ),
            self._sign(
                "technical",
                _("Outside checks left alone"),
                len(checks),
                "warning" if checks else "ok",
                ", ".join(checks.mapped("name")) or _("all of them answer"),
                "distribution_approval.action_approval_outside_check",
                [("id", "in", checks.ids)] if checks else [],
            ),
        ]
