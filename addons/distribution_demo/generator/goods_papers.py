"""Counts, scrap and transfers between sites under their policies."""

from unittest.mock import patch

from odoo import Command

from ..engine import goods_cases
from .clock import at, moment
from .policies import put_in_force

CHIEF = "warehouse_manager"


def build(env, plan, directory):
    """Three policies in force; a few cases of each in different stages."""
    for document_type, name, description, rules in (
        ("inventory_adjustment", goods_cases.COUNT_POLICY, goods_cases.COUNT_DESCRIPTION, goods_cases.COUNT_RULES),
        ("scrap", goods_cases.SCRAP_POLICY, goods_cases.SCRAP_DESCRIPTION, goods_cases.SCRAP_RULES),
        (
            "site_transfer",
            goods_cases.TRANSFER_POLICY,
            goods_cases.TRANSFER_DESCRIPTION,
            goods_cases.TRANSFER_RULES,
        ),
    ):
        put_in_force(
            env,
            directory,
            document_type,
            name,
            description,
            rules,
            owner="operations_manager",
            when=moment(goods_cases.GOVERNED_SINCE, 8),
            fallback="finance_controller",
        )
    shelf = _Shelf(env, plan, directory)
    shelf.mark_high_value()
    events = [
        (case.day, happen, case)
        for happen, cases in (
            (_count, goods_cases.COUNTS),
            (_scrap, goods_cases.SCRAPS),
            (_transfer, goods_cases.TRANSFERS),
        )
        for case in cases
    ]
    # What is approved is carried on with at its own time, not after this installation.
    requests = type(env["distribution.approval.request"])
    with patch.object(requests, "_resume_after_commit", lambda _request: None):
        for day, happen, case in sorted(events, key=lambda event: -event[0]):
            with at(moment(day, 10)):
                happen(env, directory, shelf, case)
                env.flush_all()


class _Shelf:
    """Finds goods of a category at a site; gives each product once."""

    def __init__(self, env, plan, directory):
        self.env, self.directory = env, directory
        self.category_of = {directory.products[product.code].id: product.category for product in plan.products}
        self.given = set()

    def mark_high_value(self):
        for product_id, category in self.category_of.items():
            if category in goods_cases.HIGH_VALUE:
                self.env["product.product"].browse(product_id).categ_id.is_high_value = True

    def take(self, site, category, value):
        """(quant, whole number of pieces worth about ``value``) of the goods of which most lies there."""
        quants = self.env["stock.quant"].search(
            [("location_id", "=", self.directory.sites[site].lot_stock_id.id), ("quantity", ">", 0)]
        )
        fitting = [
            quant
            for quant in quants
            if self.category_of.get(quant.product_id.id) == category
            and quant.product_id.id not in self.given
            and quant.product_id.standard_price
            and (quant.quantity - quant.reserved_quantity) * quant.product_id.standard_price > value
        ]
        quant = max(
            fitting,
            key=lambda quant: (quant.quantity * quant.product_id.standard_price, quant.product_id.default_code or ""),
        )
        self.given.add(quant.product_id.id)
        return quant, max(1, round(value / quant.product_id.standard_price))


def _cause(env, code):
    return env.ref(f"distribution_approval.cause_{code}") if code else env["distribution.approval.reason"]


def _count(env, directory, shelf, case):
    chief = directory.users[CHIEF]
    quants = env["stock.quant"].with_user(chief).with_context(inventory_mode=True)
    for category, value in case.lines:
        found, pieces = shelf.take(case.site, category, abs(value))
        quant = quants.browse(found.id)
        quant.write(
            {
                "inventory_quantity": found.quantity + (pieces if value > 0 else -pieces),
                "user_id": directory.users["warehouse_operator"].id,
                "approval_reason_id": _cause(env, case.cause).id,
            }
        )
        quants |= quant
    quants.with_context(inventory_name=case.key).action_apply_inventory()
    document = env["distribution.inventory.adjustment"].search([], order="id desc", limit=1)
    for person, outcome, comment in case.decisions:
        with at(moment(case.day, 14)):
            _decide(env, document, directory.users[person], outcome, comment)


def _decide(env, document, user, outcome, comment):
    task = document.approval_request_id.task_ids.filtered(
        lambda task: task.state == "open" and user in task.user_ids
    ).with_user(user)
    reason = "count_not_plausible" if outcome == "reject" else None
    task.action_decide(outcome, task.digest, comment=comment, reason_code=reason)
    request = env["distribution.approval.request"].browse(task.request_id.id)
    if request.resume_state == "pending":
        request._resume()


def _scrap(env, directory, shelf, case):
    found, pieces = shelf.take(case.site, case.category, case.value)
    env["stock.scrap"].with_user(directory.users["warehouse_operator"]).create(
        {
            "product_id": found.product_id.id,
            "scrap_qty": pieces,
            "location_id": found.location_id.id,
            "origin": case.key,
            "approval_reason_id": _cause(env, case.cause).id,
        }
    ).action_validate()


def _transfer(env, directory, shelf, case):
    found, pieces = shelf.take(case.site, case.category, case.value)
    source, destination = directory.sites[case.site], directory.sites[case.to]
    if case.constrained:
        found.product_id.is_constrained = True
    named = {"name": found.product_id.display_name} if "name" in env["stock.move"]._fields else {}
    picking = (
        env["stock.picking"]
        .with_user(directory.users["warehouse_operator"])
        .create(
            {
                "picking_type_id": source.int_type_id.id,
                "location_id": source.lot_stock_id.id,
                "location_dest_id": destination.lot_stock_id.id,
                "origin": case.key,
                "move_ids": [
                    Command.create(
                        {
                            **named,
                            "product_id": found.product_id.id,
                            "product_uom_qty": pieces,
                            "location_id": source.lot_stock_id.id,
                            "location_dest_id": destination.lot_stock_id.id,
                        }
                    )
                ],
            }
        )
    )
    picking.action_confirm()
    picking.action_assign()
    picking.move_ids.picked = True
    picking.button_validate()
