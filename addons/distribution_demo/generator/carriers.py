"""Lets carriers tell about the deliveries that left last."""

from ..engine import carrier_cases as cases
from .clock import at, moment


def build(env, _plan, _directory):
    """Messages in the order of their times, then the job that looks for promises that passed."""
    deliveries = env["stock.picking"].search(
        [
            ("picking_type_id.code", "=", "outgoing"),
            ("location_dest_id.usage", "=", "customer"),
            ("state", "=", "done"),
            ("return_id", "=", False),
        ],
        order="date_done desc, id desc",
        limit=len(cases.PARCELS),
    )
    told = [
        (moment(0, step.hours), delivery, parcel, step)
        for delivery, parcel in zip(deliveries, cases.PARCELS)
        for step in parcel.steps
    ]
    for when, delivery, parcel, step in sorted(told, key=lambda one: one[0]):
        with at(when):
            delivery._take_carrier_status(
                {
                    "tracking_reference": parcel.reference,
                    "carrier": parcel.carrier,
                    "status": step.status,
                    "occurred_at": when,
                    "expected_at": moment(0, -step.arrives) if step.arrives is not None else False,
                    "place": step.place or False,
                    "reason_code": step.reason or False,
                    "note": False,
                }
            )
    env["stock.picking"]._cron_carrier_promises(commit=False)
