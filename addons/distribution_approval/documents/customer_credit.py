"""What a customer owes and is about to owe, in company currency; for many customers at once."""

from dataclasses import dataclass
from decimal import Decimal

from odoo import api, models

from ..engine import Unknown, as_decimal
from ..models.approval_policy import today

#: What is read from the database, and therefore written there first.
READ = {
    "account.move.line": (
        *("account_id", "partner_id", "company_id", "parent_state", "reconciled", "amount_residual", "date_maturity"),
        *("move_id", "price_total"),
    ),
    "account.account": ("account_type",),
    "account.move": ("state", "move_type"),
    "res.partner": ("commercial_partner_id",),
    "sale.order": ("currency_id", "partner_id", "company_id", "state"),
    "sale.order.line": (
        *("order_id", "display_type", "price_total", "price_unit", "discount", "product_uom_qty", "invoice_lines"),
    ),
}
#: Open items in company currency, and open orders in theirs. What of an order was billed is looked up line by line:
#: quicker for customers with few orders, and for those with many.
ACCOUNTS = """
    SELECT 'open item', partner.commercial_partner_id, NULL::int, sum(item.amount_residual),
           min(item.date_maturity) FILTER (WHERE item.amount_residual > 0 AND item.date_maturity < %s)
      FROM account_move_line item
      JOIN account_account account ON account.id = item.account_id
      JOIN res_partner partner ON partner.id = item.partner_id
     WHERE account.account_type = 'asset_receivable'
       AND item.parent_state = 'posted'
       AND item.reconciled IS NOT TRUE
       AND item.company_id = %s
       AND partner.commercial_partner_id = ANY(%s)
  GROUP BY partner.commercial_partner_id
 UNION ALL
    SELECT 'order', customer_id, currency_id, sum(greatest(total, 0)), NULL::date
      FROM (SELECT partner.commercial_partner_id AS customer_id, sale.currency_id,
                   sum(greatest(line.price_total,
                                line.price_unit * (1 - coalesce(line.discount, 0) / 100) * line.product_uom_qty)
                       - coalesce((SELECT sum(billed.price_total)
                                     FROM sale_order_line_invoice_rel rel
                                     JOIN account_move_line billed ON billed.id = rel.invoice_line_id
                                     JOIN account_move move ON move.id = billed.move_id
                                    WHERE rel.order_line_id = line.id
                                      AND move.state = 'posted' AND move.move_type = 'out_invoice'), 0)) AS total
              FROM sale_order sale
              JOIN res_partner partner ON partner.id = sale.partner_id
              JOIN sale_order_line line ON line.order_id = sale.id AND line.display_type IS NULL
             WHERE sale.state = 'sale'
               AND sale.company_id = %s
               AND partner.commercial_partner_id = ANY(%s)
               AND NOT sale.id = ANY(%s)
          GROUP BY sale.id, partner.commercial_partner_id) AS per_order
  GROUP BY customer_id, currency_id
  ORDER BY 1, 2, 3"""


@dataclass(frozen=True, slots=True)
class Credit:
    """Standing of one customer (commercial partner) in one company."""

    receivable: Decimal  #: open receivable items, payments and credit notes deducted
    orders: object  #: Decimal: confirmed orders that are not invoiced yet, tax included; or Unknown
    limit: Decimal  #: credit limit, or None: there is none
    overdue_days: int  #: days since the oldest open item was due; 0: nothing is overdue

    def exposure(self, more=Decimal(0)):
        """What is owed with ``more`` on top; Unknown when a part of it is."""
        for part in (self.orders, more):
            if isinstance(part, Unknown):
                return part
        return self.receivable + self.orders + more

    def over_limit(self, more=Decimal(0)):
        """By how much that exceeds the limit; 0 without a limit."""
        exposure = self.exposure(more)
        if isinstance(exposure, Unknown):
            return exposure
        return max(exposure - self.limit, Decimal(0)) if self.limit is not None else Decimal(0)


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _approval_credit(self, company, without=(), turn=("", ())):
        """``{commercial partner id: Credit}`` today; a constant number of queries.

        Totals that are stored on orders are not trusted, for whoever may write an order may write
        over them: a line counts with its untaxed price at least.

        :param without: ids of sale orders that the caller counts by itself
        :param turn: SQL, and its values, that takes the caller's turn before the accounts are read
        """
        # The judgement is not the reader's: they need no right to see the customer's account.
        customers = self.sudo().commercial_partner_id.with_company(company)
        receivable, due, orders = customers._approval_accounts(company, without, turn)
        day = today(company)
        return {
            customer.id: Credit(
                receivable.get(customer.id, Decimal(0)),
                orders.get(customer.id, Decimal(0)),
                as_decimal(customer.credit_limit) if customer.credit_limit else None,
                max((day - due[customer.id]).days, 0) if customer.id in due else 0,
            )
            for customer in customers
        }

    def _approval_accounts(self, company, without=(), turn=("", ())):
        """What these customers owe and have on order, in one query.

        Posted invoices count as invoiced, down payments included. A credit note does not make an
        order open again: it lowers what is owed by itself.

        :return: ({id: open amount}, {id: due date of the oldest open item that is overdue},
            {id: confirmed and not invoiced, at today's rate, or Unknown})
        """
        for model, names in READ.items():
            self.env[model].flush_model(names)
        take_turn, turn_values = turn
        day = today(company)
        self.env.cr.execute(
            take_turn + ACCOUNTS,
            (*turn_values, day, company.id, list(self.ids), company.id, list(self.ids), list(without)),
        )
        receivable, due, orders = {}, {}, {}
        for kind, customer_id, currency_id, total, oldest in self.env.cr.fetchall():
            amount = as_decimal(round(float(total or 0), 6))
            if kind == "open item":
                receivable[customer_id] = amount
                if oldest:
                    due[customer_id] = oldest
                continue
            value = self._approval_at_todays_rate(amount, currency_id, company)
            known = orders.get(customer_id, Decimal(0))
            # What is unknown is false.
            unknown = next((v for v in (known, value) if isinstance(v, Unknown)), None)
            orders[customer_id] = known + value if unknown is None else unknown
        return receivable, due, orders

    @api.model
    def _approval_at_todays_rate(self, value, currency_id, company):
        currency = self.env["res.currency"].browse(currency_id)
        return self.env["sale.order"]._approval_in_company_currency(value, currency, company)
