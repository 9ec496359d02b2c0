"""Who waits when goods come later: against a plain simulation, day by day."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.delay_impact import Arrival, Demand, hits, ready_days

START = date(2026, 11, 23)
days = st.integers(0, 20).map(lambda number: START + timedelta(days=number))
demands = st.lists(st.tuples(st.integers(1, 20), days, st.integers(0, 500)), max_size=8).map(
    lambda rows: [Demand(f"SO{n:02}", quantity, day, value) for n, (quantity, day, value) in enumerate(rows)]
)
arrivals = st.lists(st.tuples(st.integers(1, 30), days), max_size=6).map(
    lambda rows: [Arrival(f"PO{n}", quantity, day) for n, (quantity, day) in enumerate(rows)]
)
stocks = st.integers(0, 30)


def slow(demands, on_hand, arrivals):
    """The same, naively: a queue, served as goods come in, day by day."""
    queue = sorted(demands, key=lambda demand: (demand.day, demand.rank, demand.key))
    ready = dict.fromkeys((demand.key for demand in queue), None)
    stock = on_hand
    for number in range(-1, 25):
        day = START + timedelta(days=number)
        stock += sum(arrival.quantity for arrival in arrivals if arrival.day == day)
        while queue and queue[0].quantity <= stock:
            demand = queue.pop(0)
            stock -= demand.quantity
            ready[demand.key] = max(day, demand.day)
    return ready


@given(demands, stocks, arrivals)
def test_like_a_queue_that_is_served_day_by_day(wanted, on_hand, coming):
    assert ready_days(wanted, on_hand, coming) == slow(wanted, on_hand, coming)


@given(demands, stocks, arrivals, st.randoms())
def test_the_order_of_the_rows_makes_no_difference(wanted, on_hand, coming, random):
    shuffled_wanted, shuffled_coming = list(wanted), list(coming)
    random.shuffle(shuffled_wanted)
    random.shuffle(shuffled_coming)
    assert ready_days(shuffled_wanted, on_hand, shuffled_coming) == ready_days(wanted, on_hand, coming)


@given(demands, stocks, arrivals, st.integers(1, 10), st.integers(0, 5))
def test_later_goods_never_make_anybody_earlier(wanted, on_hand, coming, delay, which):
    later = [
        Arrival(arrival.key, arrival.quantity, arrival.day + timedelta(days=delay)) if number == which else arrival
        for number, arrival in enumerate(coming)
    ]
    before, after = ready_days(wanted, on_hand, coming), ready_days(wanted, on_hand, later)
    for demand in wanted:
        if after[demand.key] is not None:
            assert before[demand.key] is not None and before[demand.key] <= after[demand.key]
    for hit in hits(wanted, before, after):
        assert hit.ready is None or hit.ready > hit.demand.day
        assert hit.ready != hit.ready_before
    assert hits(wanted, after, after) == []
    assert hits(wanted, after, before) == []


def test_nobody_is_served_by_value():
    monday = START
    wanted = [Demand("small", 5, monday, 1), Demand("large", 5, monday + timedelta(days=1), 10_000)]
    assert ready_days(wanted, 5, []) == {"small": monday, "large": None}
