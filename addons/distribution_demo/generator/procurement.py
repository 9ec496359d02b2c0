"""What procurement has to show beside its orders: requisitions in each state, budgets, approved vendor lists."""

from datetime import timedelta
from unittest.mock import patch

from odoo import Command

from odoo.addons.distribution_core.compat import USER_GROUPS

from ..engine import procurement_cases as cases
from ..engine import winter_range
from . import procurement_orders
from .clock import at, day, moment, now
from .policies import put_in_force

REQUESTERS = ("sales_rep", "warehouse_operator")


def build(env, plan, directory):
    """Who may ask and who keeps budgets; then what was asked and ordered in these days."""
    users = directory.users
    for login in REQUESTERS:
        users[login].write({USER_GROUPS: [Command.link(env.ref("distribution_core.group_requester").id)]})
    keeper = env.ref("procurement_automation.group_budget_manager")
    users["finance_controller"].write({USER_GROUPS: [Command.link(keeper.id)]})
    _vendor_lists(env, directory)
    _budgets(env, directory)
    put_in_force(
        env,
        directory,
        "purchase_requisition",
        cases.REQUISITION_POLICY,
        cases.REQUISITION_DESCRIPTION,
        cases.REQUISITION_RULES,
        owner="purchasing_manager",
        when=moment(cases.REQUISITIONS_SINCE, 8),
        fallback="operations_manager",
    )
    # What is approved is carried on with at its own time, not after this installation.
    requests = type(env["distribution.approval.request"])
    with patch.object(requests, "_resume_after_commit", lambda _request: None):
        procurement_orders.present(env, directory)
        for need in sorted(cases.NEEDS, key=lambda need: -need.day):
            with at(moment(need.day, 9)):
                _ask(env, directory, need)
                env.flush_all()
        _trade_fair(env, plan, directory)
    with at(moment(1, 9)):
        _hand_over(env, directory)
    env["distribution.budget"].search([]).action_refresh()


def _hand_over(env, directory):
    """The head of purchasing has the buyer talk to the vendor that does worse."""
    case = env["distribution.case"].search([("type_id.code", "=", "vendor_declines")])
    case._assign(directory.users["buyer"])


def _vendor_lists(env, directory):
    buyer, officer = directory.users["buyer"], directory.users["compliance_officer"]
    with at(moment(8, 9)):
        for code, _name, _manager in (winter_range.CATEGORY, winter_range.IMPORTED):
            own = [vendor.key for vendor in winter_range.VENDORS if code in vendor.categories]
            good = next(good for good in winter_range.GOODS if good.vendor in own)
            category = directory.products[good.code].categ_id
            made = (
                env["distribution.vendor.list"]
                .with_user(officer)
                .create({"category_id": category.id, "note": "Samples were tested before the season."})
            )
            for key in own:
                entry = (
                    env["distribution.vendor.list.entry"]
                    .with_user(buyer)
                    .create({"list_id": made.id, "partner_id": directory.vendors[key].id})
                )
                if key in cases.LISTED:
                    entry.with_user(officer).action_approve()
            made.action_activate()


def _budgets(env, directory):
    keeper = directory.users["finance_controller"]
    category = directory.products[winter_range.GOODS[0].code].categ_id
    with at(moment(cases.REQUISITIONS_SINCE, 7)):
        for name, owner, winter, others in cases.BUDGETS:
            env["distribution.budget"].with_user(keeper).create(
                {
                    "name": name,
                    "owner_id": directory.users[owner].id,
                    "date_from": day(cases.BUDGET_DAYS),
                    "date_to": day(-cases.BUDGET_DAYS),
                    "line_ids": [
                        Command.create({"category_id": category.id, "amount": winter}),
                        Command.create({"amount": others}),
                    ],
                }
            ).action_activate()


# --------------------------------------------------------------------------- requisitions


def _ask(env, directory, need):
    product = directory.products[need.code]
    requisition = (
        env["distribution.purchase.requisition"]
        .with_user(directory.users[need.requester])
        .create(
            {
                "warehouse_id": directory.sites[need.site].id,
                "justification": need.why,
                "needed_by": day(-need.needed_in),
                "priority": "1" if need.urgent else "0",
                "line_ids": [
                    Command.create(
                        {"product_id": product.id, "quantity": need.quantity, "price_unit": product.standard_price}
                    )
                ],
            }
        )
    )
    directory.orders[f"need_{need.key}"] = requisition.with_user(env.user)
    # sudo: the head of purchasing shares the work out
    requisition.sudo().user_id = directory.users["buyer" if need.site == "CEN" else "buyer_branch"]
    FATES[need.fate](env, directory, requisition, need)


def _draft(_env, _directory, _requisition, _need):
    """Not asked yet."""


def _submit(_env, _directory, requisition, _need):
    requisition.action_submit()


def _reject(_env, directory, requisition, _need):
    requisition.action_submit()
    _decide(
        directory, requisition, "purchasing_manager", "reject", comment="Not from this budget.", reason_code="other"
    )


def _over(env, directory, requisition, _need):
    """Beyond the budget, and needed all the same: Finance says so."""
    requisition.action_submit()
    _decide(directory, requisition, "finance_controller", "approve", comment="The insurer asks for it.")
    requisition.sudo().approval_request_id._resume()


def _decide(directory, requisition, login, outcome, **words):
    user = directory.users[login]
    tasks = requisition.sudo().approval_request_id.task_ids
    task = tasks.filtered(lambda task: task.state == "open" and user in task.user_ids).with_user(user)
    task.action_decide(outcome, task.digest, **words)


def _cancel(_env, _directory, requisition, _need):
    requisition.action_submit()
    requisition.action_cancel()


def _close(_env, _directory, requisition, _need):
    requisition.action_submit()
    requisition.action_close()


def _quote(env, directory, requisition, need):
    """The buyer makes it a request for quotation. Returns that."""
    requisition.action_submit()
    wizard = _dialog(env, directory, requisition)
    vendor = next(good.vendor for good in winter_range.GOODS if good.code == need.code)
    wizard.line_ids.write({"way": "buy", "vendor_id": directory.vendors[vendor].id})
    return env["purchase.order"].with_user(wizard.env.user).browse(wizard.action_confirm()["res_id"])


def _order(env, directory, requisition, need):
    order = _quote(env, directory, requisition, need)
    order.button_confirm()
    order = order.with_env(env)
    procurement_orders._sent(order.supplier_confirmation_ids)
    procurement_orders._answer(order.supplier_confirmation_ids)
    return order


def _receive(env, directory, requisition, need):
    order = _order(env, directory, requisition, need)
    with at(moment(need.day - 5, 13)):
        procurement_orders._arrive(env, order.picking_ids)
        order.supplier_confirmation_ids._chase()


def _move(env, directory, requisition, _need):
    requisition.action_submit()
    wizard = _dialog(env, directory, requisition)
    wizard.line_ids.write({"way": "transfer", "source_id": directory.sites["CEN"].id})
    wizard.action_confirm()


def _dialog(env, directory, requisition):
    buyer = directory.users["buyer"]
    action = requisition.with_user(buyer).action_order()
    return env["distribution.requisition.order"].with_user(buyer).browse(action["res_id"])


FATES = {
    "draft": _draft,
    "waiting": _submit,
    "open": _submit,
    "rejected": _reject,
    "cancelled": _cancel,
    "closed": _close,
    "quoted": _quote,
    "ordered": _order,
    "received": _receive,
    "moved": _move,
    "over": _over,
}


def _trade_fair(env, plan, directory):
    """A buyer asks for goods on behalf of a site."""
    product = directory.products[plan.products[0].code]
    requisition = (
        env["distribution.purchase.requisition"]
        .with_user(directory.users["buyer"])
        .create(
            {
                "warehouse_id": next(iter(directory.sites.values())).id,
                "justification": "The trade fair takes what is on the shelf; without it the branch runs out.",
                "needed_by": (now() + timedelta(days=12)).date(),
                "line_ids": [
                    Command.create({"product_id": product.id, "quantity": 12, "price_unit": product.standard_price})
                ],
            }
        )
    )
    requisition.action_submit()
