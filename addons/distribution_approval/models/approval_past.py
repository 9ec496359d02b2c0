"""What was done before governance began, for a simulation.

Some documents are records of ours beside Odoo's: the step of a transfer, a credit note, an adjustment. They come into
being when policy is asked, so that none exists for what was done before. Who wants to switch governance on
nevertheless asks what a draft would have done.

Rules, in words
---------------
* Such a type *looks back*: it names the records of Odoo that would have had a document, and the row that this document
  would have been. Within the savepoint that the simulation rolls back the rows are there, as *stand-ins*: their facts
  are worked out by the same code as those of every document. Their ids are those of their sources with a minus, so
  that not even a sequence moves.
* A stand-in is judged as of the day on which its source was done: ages, exchange rates and what had happened until
  then. The moment hangs on the database cursor, where nothing that a client can send reaches it.
* What nothing tells afterwards – stock that was free, what a customer owed, who had counted – is *unknown*, with the
  reason. It is never the value of today.
* Categories, tiers, marks and costs are those of today, unless a document says otherwise: the simulation counts such
  documents among those with facts of today.
"""

from contextlib import contextmanager

from odoo import api, fields, models
from psycopg2 import sql

from .approval_policy import day_of, today

MOMENTS_KEY = "distribution.approval.past_moments"


@contextmanager
def looking_back(env, moments):
    """Documents are judged as of their moments inside.

    :param moments: ``{(model name, id): naive UTC}``
    """
    attributes = vars(env.cr)
    before = attributes.get(MOMENTS_KEY)
    attributes[MOMENTS_KEY] = moments
    try:
        yield
    finally:
        attributes[MOMENTS_KEY] = before


def looks_back(env):
    """Whether documents are judged as of a moment in the past, by a simulation."""
    return bool(vars(env.cr).get(MOMENTS_KEY))


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    # ---------------------------------------------------------- declarations

    @api.model
    def _approval_past_words(self):
        """What a simulation makes of the time before governance, and why; nothing where documents are Odoo's own."""
        return ""

    @api.model
    def _approval_past_ids(self, companies, since, after=0, limit=None):
        """Ids, ascending, of what was done in ``companies`` from ``since`` on without a document; one query.

        :param after: only ids above this one
        """
        return []

    @api.model
    def _approval_past_rows(self, source_ids):
        """``[{column: value}]``: the rows that the documents of these sources would have been, in their order.

        Without an id. ``create_date`` is when the source was done, ``create_uid`` who did it, if that is recorded.
        """
        return []

    def _approval_past_source(self):
        """The record that a stand-in stands for."""
        return self._approval_form()

    # -------------------------------------------------------------- stand-ins

    @api.model
    def _approval_stand_ins(self, source_ids):
        """Documents for what had none, one INSERT; inside a savepoint that the caller rolls back."""
        self._approval_insert_past(
            self._table,
            [{**row, "id": -source} for source, row in zip(source_ids, self._approval_past_rows(source_ids))],
        )
        return self.browse(-source for source in source_ids)

    @api.model
    def _approval_insert_past(self, table, rows):
        if not rows:
            return
        columns = sorted(rows[0])
        # A document that somebody else has just made: then this transaction is repeated.
        self.env.cr.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES {} ON CONFLICT DO NOTHING").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join([sql.Placeholder()] * len(rows)),
            ),
            [tuple(row[column] for column in columns) for row in rows],
        )

    def _approval_is_stand_in(self):
        """Whether this stands for something from before governance."""
        self.ensure_one()
        return isinstance(self.id, int) and self.id < 0

    def _approval_judged_at(self):
        """When this document is judged: now; in a simulation, when it was."""
        self.ensure_one()
        moments = vars(self.env.cr).get(MOMENTS_KEY) or {}
        return moments.get((self._name, self.id)) or fields.Datetime.now()

    def _approval_judged_on(self):
        """The day of :meth:`_approval_judged_at` where the company works."""
        self.ensure_one()
        return day_of(self.company_id, self._approval_judged_at()) if looks_back(self.env) else today(self.company_id)
