"""Requisitions: nothing is ordered twice, nothing gets lost, and a status never runs ahead of the goods."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.requisition import (
    LINE_STATUSES,
    STAGES,
    LineFacts,
    furthest_behind,
    line_status,
    open_quantity,
    spare,
)

quantities = st.integers(0, 1000).map(float)
lines = st.builds(
    LineFacts,
    requested=st.integers(1, 1000).map(float),
    stage=st.sampled_from(STAGES),
    quoted=quantities,
    ordered=quantities,
    received=quantities,
    is_dropped=st.booleans(),
)
approved = lines.map(lambda line: replace(line, stage="approved"))


@given(lines)
def test_what_is_open_is_never_more_than_asked_for(line):
    rest = open_quantity(line)
    assert 0 <= rest <= line.requested
    if rest:
        assert rest + line.quoted + line.ordered == line.requested


@given(approved)
def test_ordering_what_is_open_leaves_nothing_open(line):
    after = replace(line, quoted=line.quoted + open_quantity(line))
    assert open_quantity(after) == 0


@given(lines)
def test_a_status_that_is_known(line):
    assert line_status(line) in LINE_STATUSES
    if line.stage != "approved":
        assert line_status(line) == line.stage, "before its decision nothing else counts"


@given(approved, quantities)
def test_receiving_more_never_moves_a_line_back(line, more):
    before, after = line_status(line), line_status(replace(line, received=line.received + more))
    if before != "rejected":
        assert LINE_STATUSES.index(after) >= LINE_STATUSES.index(before)


@given(approved)
def test_received_means_that_nothing_wanted_is_missing(line):
    if line_status(line) == "received":
        wanted = min(line.requested, line.ordered + line.quoted) if line.is_dropped else line.requested
        assert line.received >= wanted > 0


@given(st.lists(st.sampled_from(LINE_STATUSES), min_size=1))
def test_the_whole_is_not_ahead_of_what_is_behind(statuses):
    whole = furthest_behind(statuses)
    wanted = [one for one in statuses if one not in ("rejected", "cancelled")]
    if whole in ("received", "ordered"):
        assert set(wanted) <= {whole, "received"}
    assert furthest_behind(list(reversed(wanted))) == furthest_behind(wanted)


@given(quantities, quantities, quantities, quantities)
def test_a_site_keeps_what_it_needs(on_hand, reserved, leaving, minimum):
    free = spare(on_hand, reserved, leaving, minimum)
    assert 0 <= free <= on_hand
    if free:
        assert on_hand - free >= minimum + max(reserved, leaving)
