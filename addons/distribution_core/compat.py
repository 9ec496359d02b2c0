"""What Odoo 17.0 and 19.0 name differently, in one place."""

from odoo.release import version_info
from odoo.tools import SQL

SERIES = version_info[0]
IS_17 = SERIES == 17

# Unit of measure and tax fields of order lines; `stock.move` keeps `product_uom`.
LINE_UOM = 'product_uom' if IS_17 else 'product_uom_id'
SUPPLIERINFO_UOM = LINE_UOM
PURCHASE_LINE_TAXES = 'taxes_id' if IS_17 else 'tax_ids'
SALE_LINE_TAXES = 'tax_id' if IS_17 else 'tax_ids'
# The vendor acknowledged the order, as Odoo notes it.
PURCHASE_ACKNOWLEDGED = 'mail_reminder_confirmed' if IS_17 else 'acknowledged'
PURCHASE_NOTE = 'notes' if IS_17 else 'note'
INVOICE_REVERSALS = 'reversal_move_id' if IS_17 else 'reversal_move_ids'
PRECISION_QUANTITY = 'Product Unit of Measure' if IS_17 else 'Product Unit'

# The model that finds stock rules and runs procurements.
PROCUREMENT_MODEL = 'procurement.group' if IS_17 else 'stock.rule'

# Direct membership: on users the groups given, on groups the users given.
USER_GROUPS = 'groups_id' if IS_17 else 'group_ids'
GROUP_USERS = 'users' if IS_17 else 'user_ids'

# What ties a stock move to the procurement that it was made for.
MOVE_PROCUREMENT = 'group_id' if IS_17 else 'reference_ids'

# Purchase orders in force. 17.0 has a state for a locked order, 19.0 a flag.
PURCHASE_CONFIRMED_STATES = ('purchase', 'done') if IS_17 else ('purchase',)


def procurement_orders(moves):
    """Sale orders for whose procurement these stock moves were made."""
    return moves.group_id.sale_id if IS_17 else moves.reference_ids.sale_ids


def purchase_is_locked(order):
    """Whether a confirmed purchase order is locked."""
    return order.state == 'done' if IS_17 else order.locked


def storable_product_values():
    """Values that make a new product a stored one."""
    return {'detailed_type': 'product'} if IS_17 else {'type': 'consu', 'is_storable': True}


def group_members(group):
    """Users who hold ``group``, directly or by implication."""
    return group.users if IS_17 else group.all_user_ids


def user_groups(user):
    """Groups that ``user`` has, directly or by implication."""
    return user.groups_id if IS_17 else user.all_group_ids


def check_access(records, operation):
    """Raise AccessError unless the user may do ``operation`` on ``records``."""
    if IS_17:
        records.check_access_rights(operation)
        records.check_access_rule(operation)
    else:
        records.check_access(operation)


def check_field_readable(model, name):
    """Raise AccessError unless the user may read the field; 17.0 does not ask when a computed one is got."""
    if IS_17:
        model.check_field_access_rights('read', [name])
    else:
        model._check_field_access(model._fields[name], 'read')


def accessible(records, operation):
    """Those of ``records`` on which the user may do ``operation``; two queries at most."""
    if not IS_17:
        return records._filtered_access(operation)
    if not records.check_access_rights(operation, raise_exception=False):
        return records.browse()
    return records._filter_access_rules(operation)


def build_email(mail_server, **values):
    """An e-mail message for ``mail_server.send_email``; see Odoo's own method for the values."""
    return mail_server.build_email(**values) if IS_17 else mail_server._build_email__(**values)


def has_access(records, operation):
    """Whether the user may do ``operation`` on every one of ``records``."""
    return len(accessible(records, operation)) == len(records)


def may(model, operation):
    """Whether the user has the right to do ``operation`` on the model at all; which records is another question."""
    return model.check_access_rights(operation, raise_exception=False) if IS_17 else model.has_access(operation)


def asks_for(operator, value):
    """Whether the search of a boolean field wants the records for which it is true: 17.0 asks ``= True``, 19.0
    ``in [True]``.

    >>> asks_for("=", True), asks_for("!=", True), asks_for("not in", [False]), asks_for("in", [False])
    (True, False, True, False)
    """
    return (operator in ('=', 'in')) == any(value if hasattr(value, '__iter__') else [value])


def layer_values(env):
    """``(product_id, value)``: what the stock of products in the present company is worth by the layers in which it
    came, as a table for SQL; None where the engine keeps no layers."""
    if not IS_17 or 'stock.valuation.layer' not in env:
        return None
    env['stock.valuation.layer'].flush_model()
    return SQL(
        "(SELECT product_id, sum(value) AS value FROM stock_valuation_layer WHERE company_id = %s GROUP BY product_id)",
        env.company.id,
    )


def unit_costs(env):
    """``(product_id, value)``: the cost of products in the present company, as a table for SQL.

    Without a row a product costs nothing.
    """
    if IS_17:
        return SQL(
            """(SELECT DISTINCT ON (res_id) split_part(res_id, ',', 2)::integer AS product_id, value_float AS value
                  FROM ir_property
                 WHERE fields_id = %s AND starts_with(res_id, 'product.product,')
                   AND (company_id = %s OR company_id IS NULL)
                 ORDER BY res_id, company_id NULLS LAST)""",
            env['ir.model.fields']._get('product.product', 'standard_price').id,
            env.company.id,
        )
    return SQL(
        "(SELECT id AS product_id, (standard_price->>%s)::numeric AS value FROM product_product)", str(env.company.id)
    )
