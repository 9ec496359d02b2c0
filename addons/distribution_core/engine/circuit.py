"""A circuit breaker: a service that fails is left alone for a while, then tried with one call.

Rules:

1. *Closed*: calls go through. ``threshold`` failures in a row open the circuit.
2. *Open*: no call for ``cool_down``.
3. *Half open*, after that: one call at a time, the probe. It succeeds: closed, as if nothing had
   been. It fails: open again, for another ``cool_down``.
4. A probe that never comes back (its worker died) is forgotten after ``lease``.

>>> from datetime import datetime, timedelta
>>> noon, minute = datetime(2026, 1, 1, 12), timedelta(minutes=1)
>>> rules = Rules(threshold=2, cool_down=5 * minute, lease=minute)
>>> circuit = failed(failed(Circuit(), rules, noon), rules, noon)
>>> state(circuit, rules, noon), may_call(circuit, rules, noon)
('open', False)
>>> later = noon + 5 * minute
>>> state(circuit, rules, later), may_call(circuit, rules, later)
('half_open', True)
>>> probing = begun(circuit, rules, later)
>>> may_call(probing, rules, later)
False
>>> state(succeeded(probing), rules, later)
'closed'
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Rules:
    """How patient the breaker is."""

    threshold: int
    cool_down: timedelta
    lease: timedelta


@dataclass(frozen=True)
class Circuit:
    """What is remembered of a service."""

    failures: int = 0  #: in a row
    opened_at: datetime | None = None
    probe_at: datetime | None = None


def state(circuit, rules, now):
    """``closed``, ``open`` or ``half_open``."""
    if circuit.opened_at is None:
        return 'closed'
    return 'half_open' if now >= circuit.opened_at + rules.cool_down else 'open'


def may_call(circuit, rules, now):
    """Whether a call may go out now."""
    present = state(circuit, rules, now)
    if present == 'half_open':
        return circuit.probe_at is None or now >= circuit.probe_at + rules.lease
    return present == 'closed'


def begun(circuit, rules, now):
    """A call goes out: in the half-open state it is the probe."""
    return replace(circuit, probe_at=now) if state(circuit, rules, now) == 'half_open' else circuit


def succeeded(_circuit):
    """The service answered."""
    return Circuit()


def failed(circuit, rules, now):
    """The service did not answer, or answered that it cannot."""
    failures = circuit.failures + 1
    probing = state(circuit, rules, now) == 'half_open'
    if probing or (circuit.opened_at is None and failures >= rules.threshold):
        return Circuit(failures, now, None)
    return Circuit(failures, circuit.opened_at, None)
