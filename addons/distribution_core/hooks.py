"""The ledger outlives the addon."""

from .ledger.schema import adopt_tables, keep_tables


def pre_init_hook(env):
    """Take up a ledger that an earlier installation left behind."""
    adopt_tables(env.cr)


def uninstall_hook(env):
    """Record the removal, then put the ledger aside: Odoo would drop its tables."""
    env['ir.module.module'].search([('state', '=', 'to remove')])._record_removal()
    keep_tables(env.cr)
