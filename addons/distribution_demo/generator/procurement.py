"""What procurement has to show: a requisition that is approved and waits for a buyer."""

from odoo import Command


def build(env, plan, directory):
    """A buyer asks for goods on behalf of a site."""
    product = directory.products[plan.products[0].code]
    requisition = (
        env["distribution.purchase.requisition"]
        .with_user(directory.users["buyer"])
        .create(
            {
                "warehouse_id": next(iter(directory.sites.values())).id,
                "justification": "The trade fair takes what is on the shelf; without it the branch runs out.",
                "line_ids": [
                    Command.create({"product_id": product.id, "quantity": 12, "price_unit": product.standard_price})
                ],
            }
        )
    )
    requisition.action_submit()
