"""Lets the people of the plan order, decide and receive, through the methods that they would use."""

from unittest.mock import patch

from .clock import ahead, at, moment
from .trade import order_values

#: Days ago on which the former buyer left.
LEAVES_ON_DAY = 10
#: Days from now until the goods are promised.
PROMISED_IN = 10


def tell(env, plan, directory):
    """Create the orders, then take all steps in the order of their times."""
    events = []
    for order in plan.story:
        events.append((moment(order.day, 8) if order.day else moment(0, 1.5), 0, _create, (order,)))
        for step in order.steps:
            events.append((moment(step.day, step.hour), 1, _take, (order, step)))
    for person in plan.people:
        if person.left:
            events.append((moment(LEAVES_ON_DAY, 17.5), 2, _leave, (person,)))
    events.sort(key=lambda event: event[:2])
    # The story carries on with what is approved at the time of the approval, not after this installation.
    requests = type(env["distribution.approval.request"])
    with patch.object(requests, "_resume_after_commit", lambda _request: None):
        for when, _rank, happen, arguments in events:
            with at(when):
                happen(env, directory, *arguments)
                env.flush_all()


def _create(env, directory, order):
    record = (
        env["purchase.order"]
        .with_user(directory.users[order.buyer])
        .create(
            {
                **order_values(
                    env,
                    directory,
                    order.vendor,
                    order.site,
                    order.buyer,
                    order.lines,
                    moment(order.day, 8) if order.day else moment(0, 1.5),
                    ahead(PROMISED_IN),
                ),
                "origin": order.key,
                "partner_ref": order.reference or False,
                "priority": "1" if order.urgent else "0",
            }
        )
    )
    if order.sent:
        record.write({"state": "sent"})
    directory.orders[order.key] = record.sudo(False).with_env(env)


def _leave(env, directory, person):
    directory.users[person.login].active = False


def _take(env, directory, order, step):
    record = directory.orders[order.key].with_user(directory.users[step.person])
    STEPS[step.act](env, record, step)


# ---------------------------------------------------------------------- steps


def _confirm(_env, record, _step):
    record.button_confirm()


def _my_task(record):
    """The open task on this order that the acting person may decide."""
    request = record.sudo().approval_request_id
    task = request.task_ids.filtered(lambda task: task.state == "open" and record.env.user in task.user_ids)
    return task.ensure_one().with_user(record.env.user)


def _decide(outcome):
    def decide(env, record, step):
        task = _my_task(record)
        task.action_decide(outcome, task.digest, comment=step.words or None, reason_code=step.reason or None)
        request = env["distribution.approval.request"].browse(task.request_id.id)
        if request.resume_state == "pending":
            request._resume()

    return decide


def _ask(_env, record, step):
    _my_task(record).action_ask(step.words)


def _answer(_env, record, step):
    record.approval_request_id.sudo(False).action_submit_answer(step.words)


def _withdraw(_env, record, _step):
    record.action_approval_withdraw()


def _cancel(_env, record, _step):
    record.button_cancel()


def _receive(_env, record, _step):
    for picking in record.picking_ids:
        picking.move_ids.picked = True
        picking.button_validate()


def _amend(env, record, step):
    """Ask for more of the first line than is released."""
    line = record.order_line[0]
    payload = {"order_line": [[1, line.id, {"product_qty": round(line.product_qty * step.value)}]]}
    amendment = env["distribution.approval.amendment"].with_user(record.env.user)
    amendment._propose(record, payload, step.words)


def _case_of(env, record):
    return (
        env["distribution.case"]
        .search([("res_model", "=", record._name), ("res_id", "=", record.id)], limit=1)
        .with_user(record.env.user)
    )


def _take_case(env, record, _step):
    _case_of(env, record).action_take()


def _resolve_case(env, record, step):
    case = _case_of(env, record)
    case.action_take()
    case._resolve("corrected", step.words)


STEPS = {
    "confirm": _confirm,
    "approve": _decide("approve"),
    "reject": _decide("reject"),
    "revise": _decide("request_revision"),
    "escalate": _decide("escalate"),
    "ask": _ask,
    "answer": _answer,
    "withdraw": _withdraw,
    "cancel": _cancel,
    "receive": _receive,
    "amend": _amend,
    "take_case": _take_case,
    "resolve_case": _resolve_case,
}
