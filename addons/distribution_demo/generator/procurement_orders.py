"""Orders of the winter range: asked, confirmed, chased, announced, received, billed, given back."""

from collections import Counter
from datetime import datetime, time, timedelta

from odoo import Command, fields

from odoo.addons.procurement_automation.engine import Announced, Promise, Said

from ..engine import procurement_cases as cases
from ..engine import winter_range
from ..engine.basket import Line
from .clock import OFFSET, ahead, at, day, moment, now
from .trade import _created, _pay, order_values

CLERK = "accountant"
GOODS = {good.code: good for good in winter_range.GOODS}


def received():
    """``{(product code, site): units}`` that the orders of the plan bring to the shelves until today."""
    found = Counter()
    for order in cases.PAST:
        for place, (code, quantity) in enumerate(order.lines):
            found[code, order.site] += quantity if place else int(quantity * order.came)
    for order in cases.PRESENT:
        for _day, _hour, what, how in order.steps:
            (code, quantity), *_rest = order.lines
            if what == "arrive":
                found[code, order.site] += int(quantity * how.get("part", 1.0))
            elif what == "give_back":
                found[code, order.site] -= int(quantity * how["part"])
    for need in cases.NEEDS:
        if need.fate == "received":
            found[need.code, need.site] += need.quantity
    return found


def _lines(lines):
    return [Line(code, quantity, GOODS[code].price) for code, quantity in lines]


# --------------------------------------------------------------------------- months that are over


def past(env, directory):
    """Five months, order by order in the order of their days; then their scorecards are closed."""
    bills = env["account.move"]
    for order in sorted(cases.PAST, key=lambda order: (-order.month, order.day)):
        bills |= _past_order(env, directory, order)
    _land(env)
    _pay(env, bills)
    _close_scorecards(env)


def _past_order(env, directory, plan):
    month = winter_range.month_before(now().date(), plan.month)

    def on(number, hour):
        return datetime.combine(month, time()) + timedelta(days=number - 1, hours=hour + OFFSET)

    ordered = on(plan.day, 10)
    buyer = winter_range.BUYERS[plan.vendor]
    with at(ordered):
        values = order_values(
            env, directory, plan.vendor, plan.site, buyer, _lines(plan.lines), ordered, on(plan.promised, 12)
        )
        order = env["purchase.order"].create({**values, "origin": "Winter range"})
        order.button_confirm()
        confirmation = order.supplier_confirmation_ids
        _sent(confirmation)
    with at(ordered + timedelta(days=plan.answered)):
        _answer(confirmation, price=1 + plan.dearer_promise)
    with at(on(plan.promised + plan.late, 13)):
        picking = order.picking_ids
        _arrive(env, picking, plan.came, plan.damaged)
        order.picking_ids.filtered(lambda one: one.state != "done").action_cancel()
        confirmation._chase()
    with at(on(plan.promised + plan.late + 1, 9)):
        _settle(env, f"receipt:{picking.id}", "Credited by the vendor with the bill.")
    with at(on(plan.promised + plan.late + 2, 11)):
        bill = _bill(env, order, f"{plan.vendor[:2].upper()}-{40000 + order.id}", plan.dearer)
    with at(on(plan.promised + plan.late + 3, 9)):
        _settle(env, f"bill_mismatch:{bill.id}", "Steel surcharge, accepted once.")
    env.flush_all()
    for records in (order, confirmation):
        _created(env, records, [ordered])
    return bill


def _settle(env, cause, words):
    """Whoever owned the case of the cause is done with it."""
    case = env["distribution.case"].search([("dedup_key", "=", cause)], limit=1)
    if case:
        case.action_take()
        case._resolve("agreed", words)


def _land(env):
    """Freight and duty of the last import, put on its receipt."""
    order = env["purchase.order"].search(
        [("partner_id.ref", "=", "tolvanen"), ("origin", "=", "Winter range")], order="date_order desc", limit=1
    )
    services = env["product.product"].create(
        [
            {"name": name, "type": "service", "landed_cost_ok": True, "landed_cost_kind": kind}
            for name, kind, _amount in cases.LANDED_CAME
        ]
    )
    picking = order.picking_ids.filtered(lambda one: one.state == "done")
    cost = env["stock.landed.cost"].create(
        {
            "date": picking.date_done.date(),
            "picking_ids": [Command.set(picking.ids)],
            "cost_lines": [
                Command.create(
                    {
                        "name": name,
                        "product_id": service.id,
                        "price_unit": amount,
                        "split_method": "by_quantity",
                    }
                )
                for (name, _kind, amount), service in zip(cases.LANDED_CAME, services)
            ],
        }
    )
    cost.compute_landed_cost()
    cost.button_validate()


def _close_scorecards(env):
    """Month by month, each some days after its end, as the job would have done it."""
    cards = env["distribution.scorecard"].sudo()  # sudo: the job acts for nobody
    company, today = env.company, now().date()
    followed = [vendor.key for vendor in winter_range.VENDORS]
    others = env["res.partner"].search([("supplier_rank", ">", 0), ("ref", "not in", followed)])
    for back in range(5, 0, -1):
        month = winter_range.month_before(today, back)
        closing = winter_range.month_before(today, back - 1) + timedelta(days=company.scorecard_closing_days)
        # Nobody followed the other vendors then: nothing is said about them.
        found = cards._score_month(company, month, min(closing, today), dict.fromkeys(others))
        if closing < today:
            with at(datetime.combine(closing, time(2)) + timedelta(days=1)):
                for card in found:
                    card._close()


# --------------------------------------------------------------------------- these days


def present(env, directory):
    """Orders of these days, each step at its time; two customers count on one that comes later."""
    orders, events = {}, []
    for plan in cases.PRESENT:
        events.append((moment(plan.day, 8), 0, _place, (plan,)))
        for days, hour, what, how in plan.steps:
            events.append((moment(days, hour), 1, STEPS[what], (plan, how)))
    events.append((moment(0, 2), 0, _customers_order, ()))
    for when, _rank, happen, arguments in sorted(events, key=lambda event: event[:2]):
        with at(when):
            happen(env, directory, orders, *arguments)
            env.flush_all()


def _place(env, directory, orders, plan):
    buyer = winter_range.BUYERS[plan.vendor]
    asked = moment(plan.asked, 12) if plan.asked > 0 else ahead(-plan.asked)
    values = order_values(env, directory, plan.vendor, plan.site, buyer, _lines(plan.lines), moment(plan.day, 8), asked)
    order = env["purchase.order"].with_user(directory.users[buyer]).create({**values, "origin": plan.key})
    order.button_confirm()
    orders[plan.key] = directory.orders[plan.key] = order.with_user(env.user)
    _sent(_confirmation(env, orders, plan))
    env.flush_all()
    _created(env, _confirmation(env, orders, plan), [moment(plan.day, 8)])


def _confirmation(env, orders, plan):
    return orders[plan.key].with_env(env).supplier_confirmation_ids


def _customers_order(env, directory, _orders):
    seller = directory.users["sales_rep"]
    for place, code, units, days in cases.WAITING_CUSTOMERS:
        product = directory.products[code]
        order = (
            env["sale.order"]
            .with_user(seller)
            .create(
                {
                    "partner_id": list(directory.customers.values())[place].id,
                    "user_id": seller.id,
                    "warehouse_id": next(iter(directory.sites.values())).id,
                    "commitment_date": ahead(days),
                    "origin": f"winter_{place}",
                    "order_line": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_uom_qty": units,
                                "price_unit": round(product.standard_price * 1.6, 2),
                            }
                        )
                    ],
                }
            )
        )
        order.action_confirm()


def _confirm(env, _directory, orders, plan, _how):
    _answer(_confirmation(env, orders, plan))


def _promise(env, _directory, orders, plan, how):
    _answer(_confirmation(env, orders, plan), day=day(how["days"]), note=how["note"])


def _chase(env, _directory, orders, plan, _how):
    confirmation = _confirmation(env, orders, plan)
    confirmation._chase()
    _sent(confirmation)


def _announce(env, _directory, orders, plan, how):
    order = orders[plan.key].with_env(env)
    told = {
        "reference": how["reference"],
        "shipped_at": moment(1, 8),
        "expected_at": ahead(2),
        "carrier": "Lakeshore Freight",
        "tracking_reference": f"LF{how['reference'][-4:]}0{order.id}",
    }
    goods = [Announced(line=line.id, quantity=int(line.product_qty * how["part"])) for line in order.order_line]
    env["distribution.ship.notice"]._take_in(order, told, goods)


def _arrives(env, _directory, orders, plan, how):
    order = orders[plan.key].with_env(env)
    _arrive(env, order.picking_ids, how.get("part", 1.0), how.get("damaged", 0))
    _confirmation(env, orders, plan)._chase()


def _billed(env, directory, orders, plan, how):
    order = orders[plan.key].with_env(env)
    clerk = directory.users[CLERK]
    bill = _bill(env, order, how["reference"], how.get("dearer", 0.0), clerk=clerk)
    directory.orders[f"{plan.key}-BILL"] = bill.with_user(env.user)


def _give_back(env, directory, orders, plan, how):
    """Part of it leaks: it goes back, and the vendor credits it."""
    order = orders[plan.key].with_env(env)
    operator, clerk = directory.users["warehouse_operator"], directory.users[CLERK]
    picking = order.picking_ids.filtered(lambda one: one.state == "done")
    wizard = (
        env["stock.return.picking"]
        .with_user(operator)
        .with_context(active_id=picking.id, active_ids=picking.ids, active_model="stock.picking")
        .create({"picking_id": picking.id})
    )
    for line in wizard.product_return_moves:
        line.quantity = int(line.move_id.quantity * how["part"])
    action = wizard.create_returns() if hasattr(wizard, "create_returns") else wizard.action_create_returns()
    back = env["stock.picking"].with_user(operator).browse(action["res_id"])
    for move in back.move_ids:
        move.quantity = move.product_uom_qty
    back.move_ids.picked = True
    back.button_validate()
    lines = [
        {**line._prepare_account_move_line(), "quantity": abs(line.qty_received - line.qty_invoiced)}
        for line in order.order_line
    ]
    refund = (
        env["account.move"]
        .with_user(clerk)
        .create(
            {
                **order._prepare_invoice(),
                "move_type": "in_refund",
                "invoice_user_id": clerk.id,
                "invoice_date": day(2),
                "date": day(2),
                "ref": "TI/11-208 C",
                "invoice_line_ids": [Command.create(line) for line in lines],
            }
        )
    )
    refund.action_post()


STEPS = {
    "confirm": _confirm,
    "promise": _promise,
    "chase": _chase,
    "announce": _announce,
    "arrive": _arrives,
    "bill": _billed,
    "give_back": _give_back,
}


# --------------------------------------------------------------------------- what both have in common


def _sent(confirmation):
    """The message with the link left the house; nobody kept it, and nothing is mailed from the demo."""
    for link in confirmation.link_ids.filtered(lambda link: link.state == "to_send"):
        link._arm()


def _answer(confirmation, day=None, price=1.0, note=None):
    """The vendor answers by its link: as it was asked, or another day or price."""
    link = confirmation.link_ids.filtered(lambda link: link.state == "sent")[:1]
    said = {
        line: Said([Promise(line.asked_quantity, day or line.asked_day)], round(line.asked_price * price, 2))
        for line in confirmation.line_ids
    }
    confirmation._answer("link", said, vendor_reference=f"SO-{7000 + confirmation.id}", note=note, link=link)


def _arrive(env, picking, part=1.0, damaged=0):
    """What the dock books: part of the first line, all of the others."""
    first, *others = picking.move_ids.sorted("id")
    for move in (first, *others):
        move.quantity = int(move.product_uom_qty * part) if move == first else move.product_uom_qty
    picking.move_ids.picked = True
    if damaged:
        picking._report_damage(
            first.purchase_line_id,
            first.product_id,
            damaged,
            env.ref("procurement_automation.receipt_reason_quality"),
            "Seams are open.",
            env["ir.attachment"],
        )
    picking._action_done()


def _bill(env, order, reference, dearer=0.0, clerk=None):
    """What was received is billed, at the ordered price or a dearer one."""
    today = (fields.Datetime.now() - timedelta(hours=OFFSET)).date()
    bills = env["account.move"].with_user(clerk) if clerk else env["account.move"]
    bill = bills.create(
        {
            **order._prepare_invoice(),
            **({"invoice_user_id": clerk.id} if clerk else {}),
            "invoice_date": today,
            "date": today,
            "ref": reference,
            "invoice_origin": order.origin,
            "invoice_line_ids": [
                Command.create(
                    {
                        **line._prepare_account_move_line(),
                        "quantity": line.qty_received,
                        "price_unit": round(line.price_unit * (1 + dearer), 2),
                    }
                )
                for line in order.order_line
            ],
        }
    )
    bill.action_post()
    return bill
