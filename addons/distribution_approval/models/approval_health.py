"""Figures about approvals for those who watch the server."""

from odoo import _, api, fields, models

#: Until which age in days a request counts where.
AGES = ((1, "up to a day"), (3, "1 to 3 days"), (7, "3 to 7 days"), (None, "over 7 days"))


class DistributionHealth(models.AbstractModel):
    _inherit = "distribution.health"

    @api.model
    def _families(self):
        families = super()._families()
        counts, oldest = self._approvals_pending(fields.Datetime.now())
        return [
            *families,
            self._gauge(
                "distribution_approvals_pending",
                "Approval requests that wait for a decision, by age.",
                [((age,), counts[age]) for _days, age in AGES],
                ["age"],
            ),
            self._gauge("distribution_approvals_oldest_seconds", "Age of the oldest of them.", oldest),
        ]

    @api.model
    def _approvals_pending(self, now):
        """``({age: count}, seconds of the oldest)``."""
        rows = self._rows(
            """SELECT extract(epoch FROM %s - requested_at)::float FROM distribution_approval_request
                WHERE state IN ('pending', 'question')""",
            now,
        )
        counts = dict.fromkeys((age for _days, age in AGES), 0)
        for (seconds,) in rows:
            counts[next(age for days, age in AGES if days is None or seconds <= days * 86400)] += 1
        return counts, max((seconds for (seconds,) in rows), default=0)

    @api.model
    def _signs(self):
        counts, _oldest = self._approvals_pending(fields.Datetime.now())
        old = counts[AGES[-1][1]]
        return [
            *super()._signs(),
            self._sign(
                "business",
                _("Approvals that wait"),
                sum(counts.values()),
                "warning" if old else "ok",
                _("%s for more than a week", old) if old else _("none for more than a week"),
                "distribution.approval.request",
                [("state", "in", ("pending", "question"))],
            ),
        ]
