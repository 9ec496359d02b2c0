"""Who orders for a company takes its turn: two at once do not overlook each other's orders."""

from odoo import api, fields, models


class ReplenishmentTurn(models.Model):
    """One row per company, written by every transaction that orders.

    Two transactions that evaluate the same rules at the same time do not see each other's quotations. Both write
    this row: the second one fails to serialise, is repeated, and then sees what the first one ordered.
    A lock alone would not do: the second would get it with a picture of the data from before the wait.
    """

    _name = "distribution.replenishment.turn"
    _description = "Turn of Replenishment"
    _log_access = False
    _rec_name = "company_ref"

    company_ref = fields.Integer(required=True)
    number = fields.Integer(required=True)

    _sql_constraints = [("company_unique", "UNIQUE (company_ref)", "This company has its row already.")]

    @api.model
    def _take(self, company):
        """Take the turn until the end of the transaction. Waits for who has it; raises when they ordered."""
        self.env.cr.execute(
            """INSERT INTO distribution_replenishment_turn AS turn (company_ref, number) VALUES (%s, 1)
                   ON CONFLICT (company_ref) DO UPDATE SET number = turn.number + 1""",
            (company.id,),
        )

    @api.model
    def _is_awaited(self):
        """Whether somebody waits for this transaction, most likely for its turn."""
        self.env.cr.execute(
            """SELECT EXISTS (SELECT FROM pg_stat_activity
                               WHERE datname = current_database() AND wait_event_type = 'Lock'
                                 AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"""
        )
        return self.env.cr.fetchone()[0]
