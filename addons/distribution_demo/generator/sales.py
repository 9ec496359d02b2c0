"""Sale orders, deliveries and returns under their policies: published, switched on, and some of each."""

from unittest.mock import patch

from odoo import Command

from odoo.addons.distribution_core.compat import LINE_UOM

from ..engine import sales_cases
from .clock import at, day, moment
from .governance import _rule_values


def build(env, _plan, directory):
    """The policies in force, and the cases under them."""
    env["product.category"].search([("parent_id", "=", False)]).warranty_days = sales_cases.WARRANTY_DAYS
    for document_policy in sales_cases.POLICIES:
        _publish(env, directory, document_policy)
    # The cases carry on with what is approved at the time of the approval, not after this installation.
    requests = type(env["distribution.approval.request"])
    with patch.object(requests, "_resume_after_commit", lambda _request: None):
        for number, case in enumerate(sales_cases.CASES):
            with at(moment(0, 3 - number / 4)):
                _tell(env, directory, case, _product(env, directory, number))
                env.flush_all()
        with at(moment(0, 1)):
            _return(env, directory)
            _credit_note(env, directory)


def _publish(env, directory, document_policy):
    users = directory.users
    author = users["policy_author"]
    with at(moment(4, 9)):
        policy = (
            env["distribution.approval.policy"]
            .with_user(author)
            .create(
                {
                    "name": document_policy.name,
                    "document_type": document_policy.document_type,
                    "company_id": env.company.id,
                    "owner_id": users[document_policy.owner].id,
                    "description": document_policy.description,
                }
            )
        )
        version = (
            env["distribution.approval.policy.version"]
            .with_user(author)
            .create(
                {
                    **dict(document_policy.settings),
                    "policy_id": policy.id,
                    "hit_policy": "COLLECT",
                    "fallback_user_id": users["operations_manager"].id,
                    "valid_from": day(3),
                    "change_summary": "First version.",
                    "rule_ids": [Command.create(_rule_values(env, directory, rule)) for rule in document_policy.rules],
                }
            )
        )
        version.with_user(users["policy_publisher"]).action_publish()
    with at(moment(0, sales_cases.GOVERNED_FOR)):
        activation = (
            env["distribution.approval.activation"]
            .with_user(users["policy_publisher"])
            .create(
                {
                    "document_type": document_policy.document_type,
                    "company_id": env.company.id,
                    "reason": "Second step of the roll-out: what leaves the company and what comes back.",
                }
            )
        )
        activation.action_propose()
        activation.with_user(users["admin"]).action_confirm()


def _product(env, directory, number):
    """A product of which the first site has enough, another one for each case."""
    site = next(iter(directory.sites.values()))
    quants = env["stock.quant"].search(
        [("location_id", "child_of", site.lot_stock_id.id), ("quantity", ">", 20)], order="id"
    )
    free = quants.filtered(lambda quant: quant.quantity - quant.reserved_quantity > 20).product_id
    return free.filtered("standard_price")[number]


def _tell(env, directory, case, product):
    customer = list(directory.customers.values())[case.customer]
    seller = directory.users["sales_rep"]
    price = product.standard_price * (0.8 if case.below_cost else 1.6)
    if case.under_list:
        price = product.list_price * (1 - case.under_list / 100)
    if case.strategic:
        # sudo: sales managers say who is strategic, and need not edit contacts
        customer.with_user(directory.users["sales_manager"]).sudo().customer_tier = "strategic"
    order = (
        env["sale.order"]
        .with_user(seller)
        .create(
            {
                "partner_id": customer.id,
                "user_id": seller.id,
                "warehouse_id": next(iter(directory.sites.values())).id,
                "origin": case.key,
                **({"payment_term_id": env.ref(case.terms).id} if case.terms else {}),
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_uom_qty": case.quantity,
                            "price_unit": round(price, 2),
                            "discount": case.discount,
                            LINE_UOM: product.uom_id.id,
                        }
                    )
                ],
            }
        )
    )
    directory.orders[case.key] = order.with_env(env)
    for person, act, words in case.steps:
        STEPS[act](env, order.with_user(directory.users[person]), words)


def _confirm(_env, order, _words):
    order.action_confirm()


def _approve(env, order, words):
    request = order.sudo().approval_request_id
    task = request.task_ids.filtered(lambda task: task.state == "open" and order.env.user in task.user_ids)
    task.ensure_one().with_user(order.env.user).action_decide("approve", task.digest, comment=words)
    env["distribution.approval.request"].browse(request.id)._resume()


def _hold(_env, order, words):
    order.action_hold_deliveries("payment", words)


def _lower_limit(_env, order, _words):
    # sudo: the demo plays a credit bureau that reports the limit.
    customer = order.sudo().partner_id.with_company(order.company_id)
    customer.credit_limit = 1


def _deliver(env, order, _words):
    picking = env["stock.picking"].with_user(order.env.user).browse(order.sudo().picking_ids.ids)
    picking.action_assign()
    picking.button_validate()


STEPS = {
    "confirm": _confirm,
    "approve": _approve,
    "hold": _hold,
    "lower_limit": _lower_limit,
    "deliver": _deliver,
}


def _return(env, directory):
    """Half of an older delivery comes back, out of warranty."""
    delivery = env["stock.picking"].search(
        [
            ("picking_type_code", "=", "outgoing"),
            ("state", "=", "done"),
            ("date_done", "<", moment(30)),
            ("sale_id", "!=", False),
        ],
        order="id",
        limit=1,
    )
    operator = directory.users["warehouse_operator"]
    wizard = (
        env["stock.return.picking"]
        .with_user(operator)
        .with_context(active_id=delivery.id, active_ids=delivery.ids, active_model="stock.picking")
        .create(
            {
                "picking_id": delivery.id,
                "return_reason_id": env.ref("distribution_approval.return_reason_not_needed").id,
            }
        )
    )
    for line in wizard.product_return_moves:
        line.quantity = max(1, int(line.move_id.quantity * sales_cases.RETURNED_SHARE))
    action = wizard.create_returns() if hasattr(wizard, "create_returns") else wizard.action_create_returns()
    receipt = env["stock.picking"].with_user(operator).browse(action["res_id"])
    for move in receipt.move_ids:
        move.quantity = move.product_uom_qty
    receipt.move_ids.picked = True
    receipt.button_validate()
    directory.orders["return"] = receipt.with_env(env)


def _credit_note(env, directory):
    """A whole invoice is credited, and the goods are with the customer still."""
    clerk = directory.users[sales_cases.CREDITED_BY]
    invoice = env["account.move"].search(
        [
            ("move_type", "=", "out_invoice"),
            ("state", "=", "posted"),
            ("invoice_line_ids.product_id.type", "!=", "service"),
        ],
        order="id",
        limit=1,
    )
    credit_note = (
        env["account.move"]
        .with_user(clerk)
        .browse(invoice.id)
        ._reverse_moves([{"date": day(0), "invoice_date": day(0), "ref": "Complaint by telephone"}])
    )
    credit_note.action_post()
    directory.orders["credit_note"] = credit_note.with_env(env)
