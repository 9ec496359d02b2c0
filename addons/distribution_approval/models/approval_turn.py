"""Taking turns: documents that are judged by what they add up to do not overlook each other."""

from odoo import api, fields, models

from .gate_frame import in_frame


class ApprovalTurn(models.Model):
    """One row for each vendor (or customer) whose documents add up, written by each judgement.

    Two transactions that confirm orders with one vendor at the same instant do not see each
    other's. Both write this row: one of them fails to serialise, is repeated by Odoo, and then
    sees what the other one confirmed.
    """

    _name = "distribution.approval.turn"
    _description = "Turn of Judgement"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _rec_name = "document_type"

    document_type = fields.Char(required=True)
    company_ref = fields.Integer(required=True)
    partner_ref = fields.Integer(required=True)
    number = fields.Integer(required=True)

    _sql_constraints = [
        ("place_unique", "UNIQUE (document_type, company_ref, partner_ref)", "This row exists already."),
    ]

    @api.model
    def _take(self, document_type, places):
        """Write the rows of ``places``, pairs of company id and partner id. A place that lacks one of them adds
        up with nothing."""
        self._take_rows((document_type, *place) for place in places if all(place))

    @api.model
    def _take_rows(self, rows):
        """Write ``rows``: document type, id of the company (or site), and of what adds up there; 0 stands for all."""
        statement, values = self._statement(rows)
        if all(values):
            self.env.cr.execute(statement, values)

    @api.model
    def _clause(self, rows):
        """``WITH`` clause, and its values, that writes ``rows`` in the query that reads what adds up there.

        Only where it counts: outside of a frame somebody merely looks, and both are empty.
        """
        if not in_frame(self.env):
            return "", ()
        statement, values = self._statement(rows)
        return f"WITH turn AS ({statement})", values

    @api.model
    def _statement(self, rows):
        """SQL, and its values, that writes ``rows``; in one order, so that nobody waits for who waits for them."""
        rows = sorted(set(rows))
        return (
            """INSERT INTO distribution_approval_turn AS turn (document_type, company_ref, partner_ref, number)
               SELECT place.document_type, place.company_ref, place.partner_ref, 1
                 FROM unnest(%s::text[], %s::int[], %s::int[]) AS place (document_type, company_ref, partner_ref)
                   ON CONFLICT (document_type, company_ref, partner_ref) DO UPDATE SET number = turn.number + 1""",
            tuple([row[column] for row in rows] for column in range(3)),
        )
