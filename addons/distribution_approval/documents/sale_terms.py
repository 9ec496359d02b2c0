"""Whether the terms by which a sale order is judged were made for it.

The discount of an order is measured by the price list of its customer, its payment terms by theirs. Whoever
asks for the order's confirmation may be allowed to change those as well: for policy to see that, facts compare
the order with the customer's own terms (in days), and say how long ago its own people changed its measure.
"""

from decimal import Decimal
from itertools import chain

from odoo import SUPERUSER_ID, fields, models

from odoo.addons.distribution_core.compat import IS_17

from ..engine import as_decimal
from ..models.approval_policy import today
from ..models.sales_terms import EVENT

#: Changes longer ago are not looked for.
LOOK_BACK_DAYS = 180
#: When its own people last changed what each order is measured by. A price list that another one builds on counts
#: as a part of it, and so does a category above that of a product; a product that they made counts as a price that
#: they set. Currencies count where there is more than one.
CHANGES = """
    WITH RECURSIVE asker(order_id, user_id) AS (
        SELECT * FROM unnest(%(asked)s::int[], %(askers)s::int[])
         UNION
        SELECT res_id, user_ref FROM distribution_approval_involvement
         WHERE res_model = 'sale.order' AND res_id = ANY(%(orders)s)
    ), given(order_id, res_model, res_id) AS (
        SELECT * FROM unnest(%(measured)s::int[], %(models)s::varchar[], %(records)s::int[])
         UNION
        SELECT given.order_id, given.res_model, item.base_pricelist_id
          FROM given
          JOIN product_pricelist_item item ON item.pricelist_id = given.res_id
         WHERE given.res_model = 'product.pricelist'
           AND item.base = 'pricelist' AND item.base_pricelist_id IS NOT NULL
    ), currency(order_id, id) AS (
        SELECT order_id, res_id FROM given WHERE res_model = 'res.currency'
         UNION
        SELECT given.order_id, list.currency_id
          FROM given
          JOIN product_pricelist list ON given.res_model = 'product.pricelist' AND list.id = given.res_id
    ), measure(order_id, res_model, res_id) AS (
        SELECT * FROM given WHERE res_model != 'res.currency'
         UNION
        SELECT order_id, 'res.currency', id
          FROM currency
         WHERE order_id IN (SELECT order_id FROM currency GROUP BY order_id HAVING count(*) > 1)
         UNION
        SELECT given.order_id, 'product.category', above.id::int
          FROM given
          JOIN product_template template ON given.res_model = 'product.template' AND template.id = given.res_id
          JOIN product_category category ON category.id = template.categ_id
         CROSS JOIN unnest(string_to_array(trim(TRAILING '/' FROM category.parent_path), '/')) above(id)
    )
    SELECT order_id, max(at)
      FROM (SELECT measure.order_id, event.time AS at
              FROM measure
              JOIN asker USING (order_id)
              JOIN distribution_event event ON event.res_model = measure.res_model AND event.res_id = measure.res_id
             WHERE event.type = %(type)s AND event.time >= %(since)s AND event.user_ref = asker.user_id
         UNION ALL
            SELECT measure.order_id, template.create_date
              FROM measure
              JOIN asker USING (order_id)
              JOIN product_template template
                ON measure.res_model = 'product.template' AND template.id = measure.res_id
             WHERE template.create_uid = asker.user_id AND template.create_date >= %(since)s) AS change
  GROUP BY order_id"""

#: Whether the people of these orders changed anything at all that could be a measure: seldom, and quick to tell.
ANYTHING_CHANGED = """
    WITH asker AS (
        SELECT unnest(%(people)s::int[]) AS user_id
         UNION
        SELECT user_ref FROM distribution_approval_involvement
         WHERE res_model = 'sale.order' AND res_id = ANY(%(orders)s)
    )
    SELECT EXISTS (SELECT FROM distribution_event
                    WHERE type = %(type)s AND time >= %(since)s AND user_ref IN (SELECT user_id FROM asker))
        OR EXISTS (SELECT FROM product_template
                    WHERE id = ANY(%(templates)s) AND create_date >= %(since)s
                      AND create_uid IN (SELECT user_id FROM asker))"""

#: What the statement follows beyond the ledger.
FOLLOWED = {
    "product.pricelist": ["currency_id"],
    "product.pricelist.item": ["pricelist_id", "base", "base_pricelist_id"],
    "product.template": ["categ_id"],
    "product.category": ["parent_id"],
}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _approval_price_lists(self):
        """``{id: the price list of the customer}``, not the one chosen on the order or entered for a contact."""
        lists = self.env["product.pricelist"]
        # Odoo 17.0 asks four times where there are none. Whether the company works with them is remembered.
        in_use = not IS_17 or self.env["res.users"].browse(SUPERUSER_ID).has_group("product.group_product_pricelist")
        if not in_use and not self._approval_any_price_list():
            return {order.id: lists.with_company(order.company_id) for order in self}
        return {
            order.id: order._approval_partner().with_company(order.company_id).property_product_pricelist
            for order in self
        }

    def _approval_any_price_list(self):
        """Whether there is an active price list of any company; asked plainly, for every order asks."""
        self.env["product.pricelist"].flush_model(["active"])
        self.env.cr.execute("SELECT EXISTS (SELECT FROM product_pricelist WHERE active)")
        return self.env.cr.fetchone()[0]

    def _approval_standard_terms(self):
        """The payment terms of the customer, not of a contact, in the company of the order."""
        self.ensure_one()
        return self._approval_partner().with_company(self.company_id).property_payment_term_id

    def _approval_own_terms(self):
        """Whether the order has payment terms of its own; those of the customer are the standard."""
        return self.payment_term_id != self._approval_standard_terms()

    def _approval_terms_longer(self):
        """By how many days the order may be paid later than by the customer's terms: its last instalment, or the
        average of them if that is more; 0: no later."""
        self.ensure_one()
        standard = self._approval_standard_terms()
        if self.payment_term_id == standard:
            return Decimal(0)
        value = float(sum(self._approval_line_values().values(), Decimal(0)))
        day = today(self.company_id)
        own, usual = (_days_of_credit(term, value, day) for term in (self.payment_term_id, standard))
        return as_decimal(round(max(0.0, *(days - limit for days, limit in zip(own, usual))), 2))

    def _approval_terms_changed_days(self):
        """``{id: days since its own people changed what it is measured by, or None}``; one query, two where they
        changed something.

        Its own people: who asks, the salesperson, who made it and who edited it. The system is nobody.
        """
        people = {
            order.id: (order._approval_requester() | order._approval_owners())
            .filtered(lambda user: not user._is_superuser())
            .ids
            for order in self
        }
        now = fields.Datetime.now()
        since = fields.Datetime.subtract(now, days=LOOK_BACK_DAYS)
        self.env.cr.execute(
            ANYTHING_CHANGED,
            {
                "people": list(set(chain.from_iterable(people.values()))),
                "orders": self.ids,
                "templates": self._approval_lines().product_id.product_tmpl_id.ids,
                "type": EVENT,
                "since": since,
            },
        )
        changed = self._approval_changes(people, since) if self.env.cr.fetchone()[0] else {}
        return {order.id: max((now - changed[order.id]).days, 0) if order.id in changed else None for order in self}

    def _approval_changes(self, people, since):
        """``{id: when its own people last changed its measure}``, of those where they did since then.

        :param people: ``{id: [user id]}``
        """
        measures, price_lists = [], self._approval_price_lists()
        for order in self:
            customer = order._approval_partner().with_company(order.company_id)
            lines = order._approval_lines()
            for records in (
                order.partner_id | customer,
                price_lists[order.id],
                order.payment_term_id | order._approval_standard_terms(),
                lines.product_id.product_tmpl_id,
                order.company_id,
                order.currency_id | order.company_id.currency_id | lines.product_id.currency_id,
                *(() if IS_17 else (lines.combo_item_id.combo_id,)),
            ):
                measures += [(order.id, records._name, record_id) for record_id in records.ids]
        for model, names in FOLLOWED.items():
            self.env[model].flush_model(names)
        self.env.cr.execute(
            CHANGES,
            {
                "orders": self.ids,
                "asked": [order_id for order_id, users in people.items() for _user in users],
                "askers": list(chain.from_iterable(people.values())),
                "measured": [order_id for order_id, _model, _record in measures],
                "models": [model for _order, model, _record in measures],
                "records": [record_id for _order, _model, record_id in measures],
                "type": EVENT,
                "since": since,
            },
        )
        return dict(self.env.cr.fetchall())


def _days_of_credit(term, value, day):
    """``(days until the last instalment, average of all)`` of an order of ``value`` that is invoiced on ``day``."""
    left, average, last = 1.0, 0.0, 0
    for line in term.line_ids:
        whole = 100.0 if line.value == "percent" else value
        # What is left is due with the last line, as core reckons.
        share = left if line == term.line_ids[-1] else min(max(line.value_amount / whole if whole else 0.0, 0.0), left)
        if share > 0:
            days = (line._get_due_date(day) - day).days
            left, average, last = left - share, average + share * days, max(last, days)
    return last, average
