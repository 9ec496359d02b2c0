"""Exception cases beside those that the story itself has opened."""

from .clock import at, moment


def build(env, _plan, directory):
    """Cases in every state: worked on, waiting for a vendor, overdue and handed on, merged, and nothing at all."""
    cases = env["distribution.case"]
    people = directory.users
    operations = people["operations_manager"]
    with at(moment(13, 9)):
        drill = cases._open(
            "policy_missing",
            env["purchase.order"],
            "No approval policy for sales orders",
            detail="Asked on the day governance began: sales orders are not governed yet.",
            severity="0",
        )
    with at(moment(12, 10)):
        drill.with_user(operations).write({"resolution": "Sales orders follow later; nothing is held."})
        drill.with_user(operations).action_cancel()
    _worked_on(env, cases, operations)


def _worked_on(env, cases, operations):
    env["distribution.case.type"].create(
        [
            {
                "name": "Carrier's portal",
                "code": "carrier_portal",
                "kind": "technical",
                "severity": "1",
                "service_hours": 8.0,
                "user_id": operations.id,
                "description": "The carrier's portal does not do what it should. Their hotline is on the intranet.",
            },
            {
                "name": "Customer complaint",
                "code": "customer_complaint",
                "kind": "business",
                "severity": "1",
                "service_hours": 16.0,
                "owner_rule": "least_loaded",
                "group_id": env.ref("distribution_core.group_operations").id,
                "user_id": operations.id,
                "description": "A customer is not content. Call them on the same day; they want to be heard first.",
            },
        ]
    )
    order = env["sale.order"].search([("state", "=", "sale")], order="id desc", limit=3)

    def opened(days, code, summary, record=None, **options):
        with at(moment(days, 9)):
            case = cases._open(code, record if record is not None else order[:0], summary, **options)
            case._plan(moment(days, 9))
        # The story's times, as everywhere in the demo company: Odoo stamps a record with the time of the database.
        env.cr.execute("UPDATE distribution_case SET create_date = %s WHERE id = %s", [moment(days, 9), case.id])
        case.invalidate_recordset(["create_date"])
        return case

    waiting = opened(4, "carrier_portal", "Labels of two parcels cannot be printed")
    with at(moment(2, 11)):
        waiting.with_user(operations).action_take()
        waiting.with_user(operations).action_wait()
    late = opened(9, "customer_complaint", "Drill bits were delivered dull", order[:1])
    with at(moment(6, 9)):
        late._assign(operations)
        late._escalate()
    first = opened(2, "customer_complaint", "Short by a carton, says the customer", order[1:2])
    second = opened(1, "customer_complaint", "Carton missing, called again", order[2:3])
    second.with_user(operations)._merge_into(first.with_user(operations))
    done = opened(20, "customer_complaint", "Invoice went to the old address", order[:1])
    with at(moment(19, 15)):
        done.with_user(operations)._resolve("agreed", "Sent again; the address is corrected.", cost=15.0)
