"""What carriers told about the last deliveries: in time, late in each way, and one that comes back."""

from dataclasses import dataclass

SPEEDY, NORTHLINE = "Speedy", "Northline"


@dataclass(frozen=True)
class Step:
    """One message.

    :param hours: ago, when it happened
    :param arrives: hours from now (ago, if negative) at which it is to arrive; None: not told
    """

    status: str
    hours: float
    arrives: float | None = None
    reason: str = ""
    place: str = ""


@dataclass(frozen=True)
class Parcel:
    carrier: str
    reference: str
    steps: tuple


PARCELS = (
    Parcel(
        SPEEDY,
        "1Z60011",
        (Step("announced", 52, -20), Step("picked_up", 50), Step("in_transit", 40), Step("delivered", 22)),
    ),
    Parcel(
        SPEEDY,
        "1Z60012",
        (Step("picked_up", 30, -4), Step("delayed", 10, 20, reason="WEATHER", place="Northern hub")),
    ),
    Parcel(NORTHLINE, "NL-7001", (Step("picked_up", 10, 14), Step("in_transit", 6, place="Depot 3"))),
    # Nobody heard of it since.
    Parcel(NORTHLINE, "NL-7002", (Step("announced", 44, -6), Step("picked_up", 40))),
    Parcel(
        SPEEDY,
        "1Z60013",
        (Step("picked_up", 28, 5), Step("exception", 8, reason="DAMAGED", place="Sorting centre")),
    ),
    Parcel(
        NORTHLINE,
        "NL-7003",
        (Step("picked_up", 70, -40), Step("exception", 44, reason="REFUSED"), Step("returned", 12)),
    ),
    Parcel(SPEEDY, "1Z60014", (Step("picked_up", 26, 18), Step("in_transit", 9, 30, place="Border"))),
)
#: Of those the carriers report these late, or their promise passed.
LATE = ("1Z60012", "1Z60013", "1Z60014", "NL-7002")
#: These have an open case.
CASES = (*LATE, "NL-7003")
