"""Standing in: chains end, loops end, and nobody gets round the separation of duties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import AlreadyDecided, NotACandidate, RouteError, SeparationOfDuties
from engine.routing import APPROVED, Task, decide, escalate, reassign, start
from engine.standing_in import MAX_LINKS, Link, stand_ins, stands_in_for

PEOPLE = st.sampled_from("abcdefgh")
GROUPS = st.frozensets(PEOPLE)
LINKS = st.lists(st.tuples(PEOPLE, PEOPLE), max_size=20).map(
    lambda pairs: [Link(person, substitute, number) for number, (person, substitute) in enumerate(pairs)]
)


@given(GROUPS, LINKS, GROUPS, GROUPS)
def test_every_stand_in_is_backed_by_a_chain_of_qualified_people(candidates, links, qualified, excluded):
    """Loops, self-links and chains of any length included: it ends, and each answer can be shown."""
    by_key = {link.key: link for link in links}
    found = stand_ins(sorted(candidates), links, qualified, excluded)
    assert len({stand_in.person for stand_in in found}) == len(found)
    for stand_in in found:
        assert stand_in.principal in candidates - excluded
        assert stand_in.person not in candidates
        assert 1 <= len(stand_in.via) <= MAX_LINKS
        at = stand_in.principal
        seen = {at}
        for key in stand_in.via:
            assert by_key[key].person == at
            at = by_key[key].substitute
            assert at not in seen and at in qualified and at not in excluded
            seen.add(at)
        assert at == stand_in.person


@given(GROUPS, LINKS, GROUPS, PEOPLE)
def test_excluding_somebody_never_lets_somebody_else_in(candidates, links, qualified, person):
    before = {s.person for s in stand_ins(sorted(candidates), links, qualified)}
    after = {s.person for s in stand_ins(sorted(candidates - {person}), links, qualified, {person})}
    assert after <= before


@given(GROUPS, LINKS)
def test_everybody_behind_an_excluded_person_is_found(people, links):
    closure = stands_in_for(people, links)
    assert not closure & people
    for link in links:
        if link.person in people | closure:
            assert link.substitute in people | closure


@given(GROUPS, LINKS, GROUPS, GROUPS)
def test_nobody_stands_in_who_stands_in_for_an_excluded_person(candidates, links, qualified, excluded):
    excluded |= stands_in_for(excluded, links)
    for stand_in in stand_ins(sorted(candidates), links, qualified, excluded):
        assert not any(link.person in excluded and link.substitute == stand_in.person for link in links)


def test_a_chain_is_no_longer_than_it_may_be():
    links = [Link(a, b, a) for a, b in zip("abcdefg", "bcdefgh")]
    assert [s.person for s in stand_ins("a", links, "abcdefgh")] == list("bcd")[:MAX_LINKS]


# ------------------------------------------------------- deciding on behalf


def task(key, sequence, candidates, quorum=1, **stand_ins_):
    return Task(key, sequence, quorum, set(candidates), stand_ins=tuple(stand_ins_.items()))


def test_a_substitute_decides_on_behalf_of_a_candidate():
    state = decide(start([task("t", 1, "a", b="a")]), "t", "b", "approve")
    assert state.status == APPROVED
    assert state.task("t").approvals[0].on_behalf == "a"


def test_a_candidate_decides_in_their_own_name():
    state = decide(start([task("t", 1, "ab", b="a")]), "t", "b", "approve")
    assert state.task("t").approvals[0].on_behalf is None


@pytest.mark.parametrize("second", ["a", "b"])
def test_a_decision_on_behalf_uses_up_both(second):
    state = decide(start([task("t", 1, "a", b="a"), task("u", 2, "ab")]), "t", "b", "approve")
    with pytest.raises(AlreadyDecided):
        decide(state, "u", second, "approve")


def test_who_decided_is_not_stood_in_for_later():
    state = decide(start([task("t", 1, "a"), task("u", 2, "a", b="a")]), "t", "a", "approve")
    with pytest.raises(AlreadyDecided):
        decide(state, "u", "b", "approve")


def test_a_quorum_of_two_is_not_reached_by_one_person_and_their_substitute():
    state = decide(start([task("t", 1, "ac", quorum=2, b="a")]), "t", "a", "approve")
    with pytest.raises(AlreadyDecided):
        decide(state, "t", "b", "approve")
    assert decide(state, "t", "c", "approve").status == APPROVED


@pytest.mark.parametrize("excluded", ["a", "b"])
def test_neither_the_substitute_nor_the_principal_may_be_excluded(excluded):
    with pytest.raises(SeparationOfDuties):
        decide(start([task("t", 1, "a", b="a")]), "t", "b", "approve", excluded=excluded)


def test_who_stands_in_for_nobody_here_decides_nothing():
    with pytest.raises(NotACandidate):
        decide(start([task("t", 1, "a", b="a")]), "t", "c", "approve")


def test_a_substitute_who_hands_over_gives_away_the_place_of_the_principal():
    state = escalate(start([task("t", 1, "a", b="a")]), "t", "m", by="b")
    assert state.task("t").candidates == {"m"}


# ------------------------------------------------------------------ reassigning


@given(st.data())
def test_reassigning_keeps_people_distinct_and_leaves_enough_of_them(data):
    everyone = "abcdef"
    state = start([task("t", 1, "abc", quorum=2), task("u", 2, "def")])
    if data.draw(st.booleans()):
        state = decide(state, "t", "a", "approve")
    others = data.draw(st.frozensets(st.sampled_from(everyone)))
    excluded = data.draw(st.frozensets(st.sampled_from(everyone)))
    try:
        after = reassign(state, "t", others, excluded)
    except RouteError:
        assert len(others - excluded - state.decided) < state.task("t").missing
        return
    able = after.task("t").candidates - after.decided
    assert able <= others - excluded
    assert len(able) >= after.task("t").missing
    assert after.task("t").approvals == state.task("t").approvals


def test_a_decided_task_is_not_given_to_others():
    state = decide(start([task("t", 1, "a"), task("u", 2, "b")]), "t", "a", "approve")
    with pytest.raises(AlreadyDecided):
        reassign(state, "t", "c")
