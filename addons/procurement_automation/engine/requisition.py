"""Where the lines of a requisition stand, and what of them is still to be bought.

Rules, in words
---------------
1. Before the decision a line is *draft* or *requested*; a requisition that was turned down has *rejected* lines, one
   that was called off *cancelled* ones.
2. After the decision what counts is how much is on the way. A quotation is not an order: such a line is *quoted*.
3. *Received* needs everything that is still wanted: all of it, or what was ordered of a line whose rest is not
   bought any more (*dropped*, or the requisition is closed). Until then it is *partly received*.
4. A line of which nothing was ordered when its rest was dropped is *rejected*.
5. What is open is what was asked for, less what is quoted, ordered or dropped. More than was asked for is never
   open, and less than nothing neither.

>>> asked = LineFacts(requested=10.0, stage="approved")
>>> line_status(asked), open_quantity(asked)
('approved', 10.0)
>>> from dataclasses import replace
>>> some = replace(asked, ordered=4)
>>> line_status(some), open_quantity(some)
('part_ordered', 6.0)
>>> line_status(replace(some, received=4)), line_status(replace(some, received=4, is_dropped=True))
('part_received', 'received')
>>> line_status(replace(asked, is_dropped=True))
'rejected'
"""

from dataclasses import dataclass

DRAFT, REQUESTED, APPROVED, QUOTED = "draft", "requested", "approved", "quoted"
PART_ORDERED, ORDERED, PART_RECEIVED, RECEIVED = "part_ordered", "ordered", "part_received", "received"
REJECTED, CANCELLED = "rejected", "cancelled"

#: From the least to the most advanced; what stands on the left of another one is behind it.
LINE_STATUSES = (
    DRAFT,
    REQUESTED,
    REJECTED,
    CANCELLED,
    APPROVED,
    QUOTED,
    PART_ORDERED,
    ORDERED,
    PART_RECEIVED,
    RECEIVED,
)
#: Stages of the requisition: before, at and after its decision.
STAGES = (DRAFT, REQUESTED, REJECTED, CANCELLED, APPROVED)


@dataclass(frozen=True, slots=True)
class LineFacts:
    """Quantities in the unit of the line. ``quoted``: on requests for quotation; ``ordered``: on confirmed orders
    and transfers; ``is_dropped``: what is open is not bought any more."""

    requested: float
    stage: str = DRAFT
    quoted: float = 0.0
    ordered: float = 0.0
    received: float = 0.0
    is_dropped: bool = False


def open_quantity(line: LineFacts) -> float:
    """What may still be ordered of a line (rule 5)."""
    if line.stage != APPROVED or line.is_dropped:
        return 0.0
    return max(0.0, line.requested - line.quoted - line.ordered)


def line_status(line: LineFacts, tolerance: float = 1e-6) -> str:
    """One of :data:`LINE_STATUSES` (rules 1 to 4); ``tolerance``: what rounding of units may miss."""
    if line.stage != APPROVED:
        return line.stage
    wanted = line.requested
    if line.is_dropped:
        wanted = min(wanted, line.ordered + line.quoted)
        if wanted <= tolerance:
            return REJECTED
    if line.received > tolerance:
        return RECEIVED if line.received >= wanted - tolerance else PART_RECEIVED
    if line.ordered > tolerance:
        return ORDERED if line.ordered >= wanted - tolerance else PART_ORDERED
    return QUOTED if line.quoted > tolerance else APPROVED


def furthest_behind(statuses) -> str:
    """How a requisition stands as a whole: received when all of it is, else partly, or what most waits for.

    >>> furthest_behind(["received", "approved"]), furthest_behind(["received", "rejected"]), furthest_behind([])
    ('part_received', 'received', 'draft')
    >>> furthest_behind(["ordered", "quoted"]), furthest_behind(["approved", "rejected"])
    ('part_ordered', 'approved')
    """
    known = list(statuses)
    wanted = [status for status in known if status not in (REJECTED, CANCELLED)]
    if not wanted:
        return known[0] if known else DRAFT
    if any(status in (PART_RECEIVED, RECEIVED) for status in wanted):
        return RECEIVED if all(status == RECEIVED for status in wanted) else PART_RECEIVED
    if any(status in (PART_ORDERED, ORDERED) for status in wanted):
        return ORDERED if all(status == ORDERED for status in wanted) else PART_ORDERED
    return min(wanted, key=LINE_STATUSES.index)


def spare(on_hand: float, reserved: float, leaving: float, minimum: float) -> float:
    """What a site can do without: stock, less what is reserved or is to leave (whichever is more), less its minimum.

    >>> spare(on_hand=100, reserved=10, leaving=30, minimum=20), spare(5, 0, 0, 20)
    (50, 0.0)
    """
    return max(0.0, on_hand - max(reserved, leaving) - minimum)
