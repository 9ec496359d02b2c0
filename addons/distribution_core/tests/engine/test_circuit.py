"""The breaker, against every order of successes, failures and waiting."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.circuit import Circuit, Rules, begun, failed, may_call, state, succeeded

NOON = datetime(2026, 1, 1, 12)
RULES = Rules(threshold=3, cool_down=timedelta(minutes=5), lease=timedelta(minutes=1))
steps = st.lists(st.one_of(st.just('ok'), st.just('fail'), st.integers(1, 600)), max_size=60)


@given(steps)
def test_no_call_while_open(story):
    """Whatever happens: an open circuit lets nothing through for the whole of its cool-down."""
    circuit, now, in_a_row, opened = Circuit(), NOON, 0, None
    for step in story:
        if isinstance(step, int):
            now += timedelta(seconds=step)
            continue
        if opened is not None and now < opened + RULES.cool_down:
            assert not may_call(circuit, RULES, now)
            assert state(circuit, RULES, now) == 'open'
            continue
        assert may_call(circuit, RULES, now)
        circuit = begun(circuit, RULES, now)
        if step == 'ok':
            circuit, in_a_row, opened = succeeded(circuit), 0, None
            assert state(circuit, RULES, now) == 'closed'
        else:
            probing = opened is not None
            circuit, in_a_row = failed(circuit, RULES, now), in_a_row + 1
            if probing or in_a_row >= RULES.threshold:
                opened = now
            assert (state(circuit, RULES, now) == 'open') == (opened == now)


def test_one_probe_and_its_lease():
    circuit = Circuit(failures=3, opened_at=NOON)
    later = NOON + RULES.cool_down
    probing = begun(circuit, RULES, later)
    assert not may_call(probing, RULES, later + timedelta(seconds=59))
    assert may_call(probing, RULES, later + RULES.lease)
    again = failed(probing, RULES, later)
    assert state(again, RULES, later) == 'open'
    assert not may_call(again, RULES, later + timedelta(minutes=4))


def test_success_forgets():
    circuit = failed(failed(Circuit(), RULES, NOON), RULES, NOON)
    circuit = failed(succeeded(circuit), RULES, NOON)
    assert state(circuit, RULES, NOON) == 'closed'


def test_begun_is_nothing_while_closed():
    assert begun(Circuit(), RULES, NOON) == Circuit()
