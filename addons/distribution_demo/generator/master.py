"""Vendor master changes, expedited freight and report releases under their policies."""

from unittest.mock import patch

from odoo import Command

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES, USER_GROUPS

from ..engine import master_cases as plan_of
from .clock import at, moment
from .policies import put_in_force


def build(env, _plan, directory):
    """Accounts as they were, three policies, and a few cases of each document."""
    # Accounts payable keeps the contacts of vendors.
    directory.users["accountant"].write({USER_GROUPS: [Command.link(env.ref("base.group_partner_manager").id)]})
    banks = _accounts(env, directory)
    for document_type, name, description, rules, owner, since in (
        (
            "vendor_change",
            plan_of.VENDOR_POLICY,
            plan_of.VENDOR_DESCRIPTION,
            plan_of.VENDOR_RULES,
            "finance_controller",
            plan_of.GOVERNED_SINCE,
        ),
        (
            "freight_request",
            plan_of.FREIGHT_POLICY,
            plan_of.FREIGHT_DESCRIPTION,
            plan_of.FREIGHT_RULES,
            "operations_manager",
            plan_of.FREIGHT_GOVERNED_SINCE,
        ),
        (
            "report_release",
            plan_of.REPORT_POLICY,
            plan_of.REPORT_DESCRIPTION,
            plan_of.REPORT_RULES,
            "operations_manager",
            plan_of.GOVERNED_SINCE,
        ),
    ):
        put_in_force(
            env,
            directory,
            document_type,
            name,
            description,
            rules,
            owner,
            moment(since, 10),
            fallback="operations_manager",
        )
    requests = type(env["distribution.approval.request"])
    with patch.object(requests, "_resume_after_commit", lambda _request: None):
        for change in plan_of.CHANGES:
            _change(env, directory, change, banks)
        _freights(env, directory)
        _reports(env, directory)


def _accounts(env, directory):
    banks = {}
    for account in plan_of.ACCOUNTS:
        if account.bank not in banks:
            banks[account.bank] = env["res.bank"].create(
                {"name": account.bank, "country": env.ref(f"base.{account.country}").id}
            )
        env["res.partner.bank"].create(
            {
                "partner_id": directory.vendors[account.vendor].id,
                "acc_number": account.number,
                "bank_id": banks[account.bank].id,
            }
        ).allow_out_payment = True
    return banks


def _change(env, directory, change, banks):
    vendor = directory.vendors[change.vendor]
    with at(moment(change.day, 11)):
        proposal = (
            env["distribution.vendor.change"]
            .with_user(directory.users[change.requester])
            .create(
                {
                    "partner_id": vendor.id,
                    "kind": change.kind,
                    "bank_account_id": vendor.bank_ids[:1].id if change.on_account else False,
                    "account_number": change.number or False,
                    "new_bank_id": banks[change.bank].id if change.bank else False,
                    "new_vat": change.vat or False,
                    "source": change.source,
                    "called_back": change.called_back,
                    "reason": change.reason,
                }
            )
        )
        proposal.action_propose()


def _freights(env, directory):
    orders = env["purchase.order"].search(
        [("state", "in", PURCHASE_CONFIRMED_STATES), ("company_id", "=", env.company.id)],
        order="date_approve desc, id desc",
        limit=len(plan_of.FREIGHTS),
    )
    for order, freight in zip(orders, plan_of.FREIGHTS):
        with at(moment(1, 14)):
            request = (
                env["distribution.freight.request"]
                .with_user(directory.users["buyer"])
                .create(
                    {
                        "purchase_id": order.id,
                        "picking_id": order.picking_ids[:1].id,
                        "amount": freight.amount,
                        "reason_code": freight.reason,
                        "note": freight.note,
                    }
                )
            )
            request.action_authorise()


def _reports(env, directory):
    for report in plan_of.REPORTS:
        with at(moment(1, 8)):
            edition = (
                env["distribution.report.release"]
                .with_user(directory.users["admin"])
                .create(
                    {
                        "name": report.name,
                        "report_key": report.key,
                        "period": moment(2).strftime("%Y-%m-%d"),
                        "audience": report.audience,
                    }
                )
            )
            edition.attachment_id = edition.env["ir.attachment"].create(
                {
                    "name": f"{report.key}.csv",
                    "raw": b"site;orders;in full;on time\nCentral;118;113;109\nNorth;64;61;60\nSouth;57;52;49\n",
                    "res_model": edition._name,
                    "res_id": edition.id,
                }
            )
            edition.action_release()
