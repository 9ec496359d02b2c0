"""What installing the addon does once."""


def post_init_hook(env):
    """Vendor prices found at installation count as contract prices; later ones need an owner.

    Without this every order would be "off contract" on the first day.
    """
    env.cr.execute("UPDATE product_supplierinfo SET contract_state = 'contract'")
    env["product.supplierinfo"].invalidate_model(["contract_state"])


def uninstall_hook(env):
    """Credentials of outside checks do not outlive the addon."""
    env.cr.execute("DROP TABLE IF EXISTS distribution_approval_outside_secret")
