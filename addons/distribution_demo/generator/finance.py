"""Vendor bills and vendor onboarding under their policies."""

import base64
from unittest.mock import patch

from odoo import Command

from odoo.addons.distribution_core.compat import LINE_UOM

from ..engine import finance_cases
from .clock import at, day, moment
from .policies import put_in_force

CLERK = "accountant"


def build(env, plan, directory):
    """The two policies, five bills, two new vendors."""
    orders = {
        bill.key: _order(env, plan, directory, bill) for bill in finance_cases.BILLS if bill.value and not bill.text
    }
    put_in_force(
        env,
        directory,
        "vendor_bill",
        finance_cases.BILL_POLICY,
        finance_cases.BILL_DESCRIPTION,
        finance_cases.BILL_RULES,
        owner="finance_controller",
        when=moment(finance_cases.BILLS_GOVERNED_SINCE, 9),
        fallback="operations_manager",
    )
    bills = {}
    for case in finance_cases.BILLS:
        bills[case.key] = _bill(env, directory, case, orders, bills)
    put_in_force(
        env,
        directory,
        "vendor_onboarding",
        finance_cases.ONBOARDING_POLICY,
        finance_cases.ONBOARDING_DESCRIPTION,
        finance_cases.ONBOARDING_RULES,
        owner="compliance_officer",
        when=moment(0, 4),
        fallback="operations_manager",
    )
    for newcomer in finance_cases.NEWCOMERS:
        _newcomer(env, directory, newcomer)


def _agreed(plan, vendor):
    """(product code, price) of the vendor's dearest agreed goods of a moderate price."""
    agreed = [
        (contract.product, contract.price)
        for contract in plan.contracts
        if contract.vendor == vendor
        and contract.state == "contract"
        and not contract.expired
        and not contract.min_quantity
        and contract.price <= 100
    ]
    return max(agreed, key=lambda item: item[1])


def _order(env, plan, directory, case):
    """An order within the buyer's own limit, and what arrived of it."""
    code, price = _agreed(plan, case.vendor)
    product = directory.products[code]
    quantity = int(case.value / price)
    with at(moment(min(case.day + 3, 11), 10)):
        order = (
            env["purchase.order"]
            .with_user(directory.users["buyer"])
            .create(
                {
                    "partner_id": directory.vendors[case.vendor].id,
                    "picking_type_id": next(iter(directory.sites.values())).in_type_id.id,
                    "user_id": directory.users["buyer"].id,
                    "origin": case.key,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_qty": quantity,
                                "price_unit": price,
                                LINE_UOM: product.uom_id.id,
                            }
                        )
                    ],
                }
            )
        )
        order.button_confirm()
    with at(moment(min(case.day + 1, 11), 13)):
        picking = order.sudo().picking_ids
        picking.move_ids.write({"quantity": int(quantity * case.received), "picked": True})
        picking._action_done()
    return order.with_user(env.user)


def _bill(env, directory, case, orders, bills):
    clerk = directory.users[CLERK]
    date = day(case.day)
    repeated = bills.get(case.repeats)
    order = orders.get(case.repeats or case.key)
    values = {
        "move_type": "in_invoice",
        "partner_id": directory.vendors[case.vendor].id,
        "invoice_user_id": clerk.id,
        "invoice_date": repeated.invoice_date if repeated else date,
        "date": date,
        "ref": case.reference,
        "invoice_origin": case.key,
    }
    if case.text:
        lines = [{"name": case.text, "quantity": 1, "price_unit": case.value, "tax_ids": [Command.clear()]}]
    else:
        lines = [
            {
                **line._prepare_account_move_line(),
                "quantity": line.product_qty,
                "price_unit": line.price_unit * (1 + case.dearer),
            }
            for line in order.order_line
        ]
    with at(moment(case.day, 9.5)):
        bill = (
            env["account.move"]
            .with_user(clerk)
            .create({**values, "invoice_line_ids": [Command.create(line) for line in lines]})
        )
        bill.action_post()
    if case.rejected:
        with at(moment(0, 2)):
            controller = directory.users["finance_controller"]
            tasks = bill.sudo().approval_request_id.task_ids
            task = tasks.filtered(lambda task: task.state == "open" and controller in task.user_ids)[:1]
            task.with_user(controller).action_decide("reject", task.digest, comment=case.rejected, reason_code="other")
    if case.paid_past_hold:
        _pay_past_hold(env, case, bill)
    return bill.with_user(env.user)


def _pay_past_hold(env, case, bill):
    """Somebody paid by phone; the bank statement shows it."""
    journal = env["account.journal"].search([("type", "=", "bank"), ("company_id", "=", env.company.id)], limit=1)
    with at(moment(1, 8)):
        line = env["account.bank.statement.line"].create(
            {
                "journal_id": journal.id,
                "date": day(2),
                "payment_ref": f"Transfer {case.reference}",
                "partner_id": bill.partner_id.id,
                "amount": -bill.amount_total,
            }
        )
        line._approval_look()


def _newcomer(env, directory, newcomer):
    vendor = env["res.partner"].create(
        {
            "name": newcomer.name,
            "is_company": True,
            "supplier_rank": 1,
            "city": newcomer.city,
            "country_id": env.ref(f"base.{newcomer.country}").id,
            "email": f"{newcomer.key}@example.com",
        }
    )
    category = env["product.product"].search([("default_code", "=like", f"{newcomer.category}%")], limit=1).categ_id
    # What is approved at once is carried on with now, not in a transaction of its own.
    requests = type(env["distribution.approval.request"])
    with at(moment(0, 3)), patch.object(requests, "_resume_after_commit", lambda _request: None):
        onboarding = (
            env["distribution.vendor.onboarding"]
            .with_user(directory.users["buyer"])
            .create(
                {
                    "partner_id": vendor.id,
                    "amount": newcomer.spend,
                    "category_ids": [Command.set(category.ids)],
                    "note": newcomer.note,
                    "document_ids": [
                        Command.create(
                            {
                                "kind": kind,
                                "reference": f"{newcomer.key}-{kind}",
                                "filename": f"{kind}.txt",
                                "content": base64.b64encode(f"{newcomer.name}: {kind}\n".encode()),
                            }
                        )
                        for kind in newcomer.documents
                    ],
                }
            )
        )
        onboarding.action_submit()
