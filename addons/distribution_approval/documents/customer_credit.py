"""What a customer owes and is about to owe, in company currency; for many customers at once."""

from dataclasses import dataclass
from decimal import Decimal

from odoo import api, models

from ..engine import Unknown, as_decimal
from ..models.approval_policy import today


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
        receivable, due = customers._approval_receivable(company, turn)
        orders = customers._approval_open_orders(company, without)
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

    def _approval_receivable(self, company, turn=("", ())):
        """({id: open amount}, {id: due date of the oldest open item that is overdue}); one query."""
        self._approval_flush(
            {
                "account.move.line": (
                    *("account_id", "partner_id", "company_id", "parent_state", "reconciled", "amount_residual"),
                    "date_maturity",
                ),
                "account.account": ("account_type",),
                "res.partner": ("commercial_partner_id",),
            }
        )
        take_turn, turn_values = turn
        self.env.cr.execute(
            take_turn
            + """
               SELECT partner.commercial_partner_id,
                      sum(item.amount_residual),
                      min(item.date_maturity) FILTER (WHERE item.amount_residual > 0 AND item.date_maturity < %s)
                 FROM account_move_line item
                 JOIN account_account account ON account.id = item.account_id
                 JOIN res_partner partner ON partner.id = item.partner_id
                WHERE account.account_type = 'asset_receivable'
                  AND item.parent_state = 'posted'
                  AND item.reconciled IS NOT TRUE
                  AND item.company_id = %s
                  AND partner.commercial_partner_id = ANY(%s)
             GROUP BY partner.commercial_partner_id""",
            (*turn_values, today(company), company.id, list(self.ids)),
        )
        receivable, due = {}, {}
        for customer_id, amount, day in self.env.cr.fetchall():
            receivable[customer_id] = as_decimal(round(float(amount or 0), 6))
            if day:
                due[customer_id] = day
        return receivable, due

    def _approval_flush(self, names):
        """Write to the database what is read from it. ``names``: model → fields."""
        for model, fields_read in names.items():
            self.env[model].flush_model(fields_read)

    def _approval_open_orders(self, company, without=()):
        """``{id: confirmed and not invoiced, or Unknown}``, at today's rate; one query.

        Posted invoices count as invoiced, down payments included. A credit note does not make an
        order open again: it lowers what is owed by itself.
        """
        self._approval_flush(
            {
                "sale.order": ("currency_id", "partner_id", "company_id", "state"),
                "sale.order.line": (
                    *("order_id", "display_type", "price_total", "price_unit", "discount", "product_uom_qty"),
                    "invoice_lines",
                ),
                "account.move.line": ("move_id", "price_total"),
                "account.move": ("state", "move_type"),
            }
        )
        self.env.cr.execute(
            """WITH ordered AS (
                      SELECT sale.id, sale.currency_id, partner.commercial_partner_id AS customer_id,
                             sum(greatest(line.price_total,
                                          line.price_unit * (1 - coalesce(line.discount, 0) / 100)
                                                          * line.product_uom_qty)) AS total
                        FROM sale_order sale
                        JOIN res_partner partner ON partner.id = sale.partner_id
                        JOIN sale_order_line line ON line.order_id = sale.id AND line.display_type IS NULL
                       WHERE sale.state = 'sale'
                         AND sale.company_id = %s
                         AND partner.commercial_partner_id = ANY(%s)
                         AND NOT sale.id = ANY(%s)
                    GROUP BY sale.id, partner.commercial_partner_id),
                    billed AS (
                      SELECT line.order_id, sum(item.price_total) AS total
                        FROM ordered
                        JOIN sale_order_line line ON line.order_id = ordered.id
                        JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = line.id
                        JOIN account_move_line item ON item.id = rel.invoice_line_id
                        JOIN account_move move ON move.id = item.move_id
                       WHERE move.state = 'posted' AND move.move_type = 'out_invoice'
                    GROUP BY line.order_id)
               SELECT ordered.customer_id, ordered.currency_id,
                      sum(greatest(ordered.total - coalesce(billed.total, 0), 0))
                 FROM ordered LEFT JOIN billed ON billed.order_id = ordered.id
             GROUP BY ordered.customer_id, ordered.currency_id
             ORDER BY ordered.customer_id, ordered.currency_id""",
            (company.id, list(self.ids), list(without)),
        )
        orders = {}
        for customer_id, currency_id, total in self.env.cr.fetchall():
            value = self._approval_at_todays_rate(as_decimal(round(float(total), 6)), currency_id, company)
            known = orders.get(customer_id, Decimal(0))
            orders[customer_id] = next((v for v in (known, value) if isinstance(v, Unknown)), None) or known + value
        return orders

    @api.model
    def _approval_at_todays_rate(self, value, currency_id, company):
        currency = self.env["res.currency"].browse(currency_id)
        return self.env["sale.order"]._approval_in_company_currency(value, currency, company)
