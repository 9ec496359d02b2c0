"""Who changed the credit limit of a customer, and when: a delivery may leave because somebody just raised it."""

from odoo import SUPERUSER_ID, fields, models

from ..models.sales_terms import CUSTOMER, EVENT
from .sale_terms import LOOK_BACK_DAYS

#: Changes for one customer, and for all customers of the company.
CHANGES = """
    SELECT customer_id, event.user_ref, max(event.time)
      FROM unnest(%(customers)s::int[]) AS customer_id
      JOIN distribution_event event
        ON (event.res_model = 'res.partner' AND event.res_id = customer_id)
        OR (event.res_model = 'res.company' AND event.res_id = %(company)s)
     WHERE event.type = %(type)s
       AND event.time >= %(since)s
       AND event.user_ref <> %(system)s
       AND event.data::json ->> 'what' = %(what)s
  GROUP BY customer_id, event.user_ref"""


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _approval_credit_limit_changes(self, company):
        """``{id: {user id: when they last changed the limit}}`` within 180 days; the system is nobody. One query."""
        now = fields.Datetime.now()
        self.env["distribution.event"].flush_model()
        self.env.cr.execute(
            CHANGES,
            {
                "customers": self.ids,
                "company": company.id,
                "type": EVENT,
                "since": fields.Datetime.subtract(now, days=LOOK_BACK_DAYS),
                "system": SUPERUSER_ID,
                "what": CUSTOMER["credit_limit"],
            },
        )
        changes = {}
        for customer_id, user_id, moment in self.env.cr.fetchall():
            changes.setdefault(customer_id, {})[user_id] = moment
        return changes
