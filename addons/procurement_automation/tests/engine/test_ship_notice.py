"""Ship notices: nothing passes that is not open, and the vendor's listing does not matter."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.ship_notice import CONFLICTS, Announced, OrderedLine, Share, brought, check, same_content

DAY = date(2026, 12, 1)
#: How products are tracked.
TRACKING = {1: "none", 2: "lot", 3: "serial"}
pieces = st.integers(0, 30).map(Decimal)
orders = st.lists(st.tuples(st.integers(1, 3), pieces, pieces, pieces, st.integers(0, 9)), max_size=4).map(
    lambda rows: [
        OrderedLine(f"L{n}", product, ordered, received, announced, DAY + timedelta(days=day), TRACKING[product])
        for n, (product, ordered, received, announced, day) in enumerate(rows)
    ]
)
lots = st.sampled_from(["", "A", "B"])
notices = st.lists(
    st.one_of(
        st.builds(Announced, st.integers(1, 20), st.none(), st.integers(1, 4), lots, st.sampled_from(["", "P1"])),
        st.builds(Announced, st.integers(1, 20), st.sampled_from(["L0", "L1", "L9"]), st.none(), lots),
        st.builds(
            Announced,
            st.integers(1, 3),
            st.none(),
            st.integers(1, 3),
            lots,
            st.just(""),
            st.integers(-3, 3).map(lambda n: DAY + timedelta(days=n)),
        ),
    ),
    min_size=1,
    max_size=6,
)


@given(notices, orders, st.integers(0, 20))
def test_what_passes_is_open_and_complete(notice, ordered, over):
    checked = check(notice, ordered, over_percent=over, arrives=DAY)
    if checked.conflicts:
        assert not checked.shares
        return
    lines = {line.key: line for line in ordered}
    assert sum(share.quantity for share in checked.shares) == sum(line.quantity for line in notice)
    for key in {share.line for share in checked.shares}:
        line = lines[key]
        given_to = sum(share.quantity for share in checked.shares if share.line == key)
        assert given_to * 100 <= line.ordered * (100 + over) - (line.received + line.announced) * 100
    for share in checked.shares:
        assert share.lot or lines[share.line].tracking == "none"


@given(notices, orders, st.randoms())
def test_the_listing_makes_no_difference(notice, ordered, random):
    mixed, lines = list(notice), list(ordered)
    random.shuffle(mixed)
    random.shuffle(lines)
    assert check(mixed, lines, arrives=DAY) == check(notice, ordered, arrives=DAY)
    assert same_content(mixed, notice)


@given(notices, orders)
def test_conflicts_are_known_by_name(notice, ordered):
    for conflict in check(notice, ordered, arrives=DAY).conflicts:
        assert conflict.code in CONFLICTS
    assert [found.code for found in check(notice, ordered, is_open=False).conflicts] == ["order_closed"]


@given(notices, orders)
def test_announcing_the_same_again_is_more_than_open(notice, ordered):
    """What one notice announced is taken: a second one like it does not pass."""
    checked = check(notice, ordered)
    if checked.conflicts:
        return
    given_to = {}
    for share in checked.shares:
        given_to[share.line] = given_to.get(share.line, Decimal(0)) + share.quantity
    left = [
        OrderedLine(
            line.key,
            line.product,
            line.ordered,
            line.received,
            line.announced + given_to.get(line.key, Decimal(0)),
            line.day,
            line.tracking,
        )
        for line in ordered
    ]
    total_open = sum(line.open for line in left)
    again = check(notice, left)
    if sum(line.quantity for line in notice) > total_open:
        assert any(found.code == "more_than_open" for found in again.conflicts)


def test_each_conflict():
    line = OrderedLine("L", 1, 10, day=DAY, tracking="serial")
    found = check(
        [
            Announced(1, line="L", lot="S1"),
            Announced(1, line="L", lot="S1"),
            Announced(2, line="L", lot="S2"),
            Announced(1, line="L"),
            Announced(1, line="L", lot="S3", expiry=DAY),
            Announced(1, line="L", lot="S3", expiry=DAY + timedelta(days=9)),
            Announced(9, line="L", lot="S9"),
            Announced(1, product=7),
            Announced(1, line="L", product=7),
        ],
        [line],
        arrives=DAY,
    )
    assert {conflict.code for conflict in found.conflicts} == {
        "not_ordered",
        "more_than_open",
        "lot_missing",
        "serial_quantity",
        "serial_repeated",
        "lot_expired",
        "expiry_differs",
    }


shares = st.lists(
    st.builds(Share, st.sampled_from("ABC"), pieces, st.sampled_from(["", "L1", "L2"]), st.sampled_from(["", "P1"])),
    max_size=4,
)


@given(st.lists(shares, max_size=4), shares)
def test_only_a_notice_of_which_something_came_is_brought(told, came):
    found = brought(list(enumerate(told)), came)
    assert len(set(found)) == len(found)
    here = {share.line for share in came if share.quantity}
    alike = {number for number, lines in enumerate(told) if here & {share.line for share in lines if share.quantity}}
    assert set(found) <= alike
    assert bool(found) == bool(alike)
    for number in found[1:]:
        for line in {share.line for share in told[number]}:
            total = sum(share.quantity for share in told[number] if share.line == line)
            assert total <= sum(share.quantity for share in came if share.line == line)


@given(shares.filter(lambda lines: any(share.quantity for share in lines)), st.lists(shares, max_size=3))
def test_exactly_what_came_is_brought_before_a_part_of_it(came, others):
    """Whatever else is on the way and was shipped before."""
    first = brought([*enumerate(others), ("all of it", came)], came)[0]
    same = others[first] if first != "all of it" else came
    for line in {share.line for share in came}:
        assert sum(share.quantity for share in same if share.line == line) >= sum(
            share.quantity for share in came if share.line == line
        )


def test_which_notice_came():
    a10, a5, b5 = Share("A", 10), Share("A", 5), Share("B", 5)
    for notices, came, expected in (
        ([("1", [a10]), ("2", [b5])], [b5], ["2"]),
        ([("1", [a10]), ("2", [b5])], [a10], ["1"]),
        ([("1", [a10]), ("2", [b5])], [Share("C", 5)], []),
        ([("1", [a10]), ("2", [b5])], [Share("A", 0), b5], ["2"]),
        ([("1", [a10]), ("2", [b5])], [a10, b5], ["1", "2"]),
        ([("1", [a10]), ("2", [b5])], [a10, Share("B", 4)], ["1"]),
        ([("1", [a10]), ("2", [a10])], [a10], ["1"]),
        ([("1", [a10]), ("2", [a5])], [a5], ["2"]),
        ([("1", [a10]), ("2", [a5])], [Share("A", 9)], ["1"]),
        ([("1", [Share("A", 10, "L1")]), ("2", [Share("A", 2, "L2")])], [Share("A", 2, "L2")], ["2"]),
        ([("1", [Share("A", 9, "", "P1")]), ("2", [Share("A", 5, "", "P2")])], [Share("A", 6, "", "P2")], ["2"]),
    ):
        assert brought(notices, came) == expected, (notices, came)
