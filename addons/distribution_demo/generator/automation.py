"""Automation rules and a scheduled action that use the suite's own kinds of server action."""

from ..engine import automation_cases as cases


def build(env, _plan, _directory):
    """Case types of the house, three rules, one scheduled action; nothing of it has run yet."""
    types = env["distribution.case.type"].create([dict(values) for values in cases.CASE_TYPES])
    of = {case_type.code: case_type for case_type in types}
    _rule(
        env,
        cases.ASK_WHEN_SENT,
        "purchase.order",
        "[('state', '!=', 'sent')]",
        "[('state', '=', 'sent')]",
        {"state": "distribution_approval"},
    )
    _rule(
        env,
        cases.CALLED_OFF,
        "stock.picking",
        "[('state', '!=', 'cancel')]",
        "[('state', '=', 'cancel'), ('picking_type_code', '=', 'incoming')]",
        {
            "state": "distribution_case",
            "case_type_id": of["receipt_called_off"].id,
            "case_summary": "Receipt {name} of {origin} was called off",
            "case_detail": "It was planned for {scheduled_date} from {partner_id}.",
        },
    )
    _rule(
        env,
        cases.RECEIVED,
        "stock.picking",
        "[('state', '!=', 'done')]",
        "[('state', '=', 'done'), ('picking_type_code', '=', 'incoming')]",
        {
            "state": "distribution_event",
            "event_type_name": cases.RECEIVED_TYPE,
            "event_description": "Goods of a vendor came and were put away.",
            "event_field_ids": _fields(env, "stock.picking", *cases.RECEIVED_FACTS),
        },
    )
    env["ir.cron"].create(
        {
            "name": cases.OVERDUE,
            "model_id": env["ir.model"]._get_id("stock.picking"),
            "state": "distribution_case",
            "case_type_id": of["receipt_overdue"].id,
            "case_summary": "Receipt {name} of {origin} is overdue since {scheduled_date}",
            "case_detail": "From {partner_id}. The case is about what has not come.",
            "suite_domain": cases.OVERDUE_DOMAIN,
            "interval_number": 1,
            "interval_type": "days",
        }
    )


def _rule(env, name, model, before, after, action):
    model_id = env["ir.model"]._get_id(model)
    rule = env["base.automation"].create(
        {
            "name": name,
            "model_id": model_id,
            "trigger": "on_create_or_write",
            "trigger_field_ids": _fields(env, model, "state"),
            "filter_pre_domain": before,
            "filter_domain": after,
        }
    )
    env["ir.actions.server"].create(
        {"name": name, "model_id": model_id, "base_automation_id": rule.id, "usage": "base_automation", **action}
    )


def _fields(env, model, *names):
    return [(6, 0, [env["ir.model.fields"]._get(model, name).id for name in names])]
