"""Account owner: who answers for a customer, whoever sold or asked.

Whoever may edit contacts says who that is. Therefore account owners are informed, and the office gives no
authority to decide: a requester could name the person who approves.
"""

from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _approval_account_owners(self, orders):
        """``[(customer, who keeps its account)]``, as ``_approval_context`` names people.

        It is the salesperson of the commercial partner, whichever contact was sold to.

        :param orders: where a customer has no salesperson, it is that of its orders among these
        """
        return [
            (customer, customer.user_id.filtered("active") or orders._approval_sold_by(customer))
            for customer in self.commercial_partner_id
        ]


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _approval_sold_by(self, customer):
        """The salespeople of the orders of ``customer``, a commercial partner, among these."""
        return self.filtered(lambda order: order.partner_id.commercial_partner_id == customer).user_id


class AccountMove(models.Model):
    _inherit = "account.move"

    def _approval_sold_by(self, customer):
        """The same for invoices and credit notes."""
        return self.filtered(lambda move: move.commercial_partner_id == customer).invoice_user_id
