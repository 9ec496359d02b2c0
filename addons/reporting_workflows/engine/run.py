"""The steps of a run: which one is next, what a failure means, and what is done about inputs that are not good.

Rules, in words
---------------
* Steps follow each other; what one has done is kept. A step that failed is tried again; those before it are not.
* A failure that may pass – another system, a lock, a renderer that died – is tried again with growing pauses, up to
  :data:`TRIES` times; then, or when nothing would change by itself, the run has failed and a person tries again.
* Stale inputs and failed checks never go out silently. The definition says what is done: ``hold`` (the run waits, its
  recipients are told once, and it is captured anew), ``mark`` (every page says so) or ``shorten`` (sections that
  rest on what is not good are left out, and the report says so).
* Whether people have to look at it before it goes out depends on the release pattern, and for ``supervisor`` on a
  threshold that was crossed.

>>> next_step({"capture": "done"})
'freshness'
>>> verdict(("Stock",), (), on_stale="mark").marks
('Released with stale inputs: Stock',)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .render_words import ENGLISH, Words

STEPS = ("capture", "freshness", "checks", "compute", "exceptions", "approval", "render", "distribute")
#: ``waiting``: for people. ``held``: for better data.
STEP_STATES = ("pending", "running", "done", "waiting", "held", "failed")
#: Where a failure comes from.
CAUSES = ("odoo", "outside", "transformation", "approval")
#: So often is a step tried before people are asked.
TRIES = 5
#: Pauses in seconds: the first one up to, and never longer than.
PAUSE, LONGEST_PAUSE = 60, 3600
#: What is done about inputs that are not good.
REMEDIES = ("hold", "mark", "shorten")
PATTERNS = ("automatic", "supervisor", "category_manager", "finance", "operations", "two_parties")


@dataclass(frozen=True)
class Verdict:
    """:param hold: why the report does not go out; empty: it does

    :param marks: what every page says; :param dropped: whether sections on bad data are left out
    :param held_for: what holds it, one by one: who overrules lets go this, and nothing else
    """

    hold: str = ""
    marks: tuple[str, ...] = ()
    dropped: bool = False
    held_for: tuple[str, ...] = ()


def next_step(states: Mapping[str, str]) -> str | None:
    """The first step that is not done; None: the run is."""
    return next((step for step in STEPS if states.get(step, "pending") != "done"), None)


def progress(states: Mapping[str, str]) -> float:
    """Percent of the steps that are done."""
    return 100.0 * sum(states.get(step) == "done" for step in STEPS) / len(STEPS)


def run_state(states: Mapping[str, str]) -> str:
    """``queued``, ``running``, ``waiting``, ``held``, ``failed`` or ``done``, by the steps.

    >>> run_state({"capture": "done", "freshness": "held"}), run_state({}), run_state(dict.fromkeys(STEPS, "done"))
    ('held', 'queued', 'done')
    """
    step = next_step(states)
    if step is None:
        return "done"
    state = states.get(step, "pending")
    if state in ("waiting", "held", "failed"):
        return state
    return "queued" if step == STEPS[0] and state == "pending" else "running"


def is_tried_again(cause: str, may_pass: bool, attempts: int) -> bool:
    """Whether a step that failed ``attempts`` times is tried again by itself."""
    return attempts < TRIES and (may_pass or cause == "outside")


def verdict(
    stale=(),
    failed=(),
    *,
    on_stale: str = "hold",
    on_failed: str = "hold",
    overruled: str = "",
    let_go=None,
    say: Words = ENGLISH,
) -> Verdict:
    """What becomes of a report whose inputs ``stale`` and checks ``failed`` (labels) are not good.

    :param overruled: why somebody lets it go all the same; a hold becomes a mark then
    :param let_go: what they saw (``Verdict.held_for``); what came since holds again. None: everything
    :raises ValueError: unknown remedy

    >>> verdict(("Stock",), ("Ledger",), overruled="Known", let_go=("stale inputs: Stock",)).hold
    'failed checks: Ledger'
    """
    holds, marks, held_for, dropped = [], [], [], False
    for labels, remedy, words in (
        (stale, on_stale, "stale inputs"),
        (failed, on_failed, "failed checks"),
    ):
        if remedy not in REMEDIES:
            raise ValueError(f"“{remedy}” is none of {', '.join(REMEDIES)}.")
        if not labels:
            continue
        new = [
            label
            for label in labels
            if remedy == "hold" and not (overruled and (let_go is None or f"{words}: {label}" in let_go))
        ]
        held_for += [f"{words}: {label}" for label in new]
        if new:
            holds.append(f"{say(words)}: {', '.join(new)}")
        named = ", ".join(label for label in labels if label not in new)
        if named and remedy == "shorten":
            dropped = True
            marks.append(say("Shortened because of {what}: {names}", what=say(words), names=named))
        elif named:
            marks.append(say("Released with {what}: {names}", what=say(words), names=named))
    if overruled and marks:
        marks.append(say("Let go: {reason}", reason=overruled))
    return Verdict("; ".join(holds), tuple(marks), dropped, tuple(held_for))


def people_needed(pattern: str, crossed: bool) -> int:
    """How many people at least have to release it.

    >>> people_needed("supervisor", False), people_needed("supervisor", True), people_needed("two_parties", False)
    (0, 1, 2)
    """
    if pattern not in PATTERNS:
        raise ValueError(f"release pattern: “{pattern}” is none of {', '.join(PATTERNS)}.")
    if pattern == "automatic" or (pattern == "supervisor" and not crossed):
        return 0
    return 2 if pattern == "two_parties" else 1


def parties(decisions) -> int:
    """How many people decided, each in a role of their own.

    :param decisions: ``(role, person)`` pairs

    >>> parties([("Finance", 1), ("Finance", 2)]), parties([("Finance", 1), ("Operations", 1)])
    (1, 1)
    >>> parties([("Finance", 1), ("Operations", 1), ("Finance", 2)])
    2
    """
    people_of = {}
    for role, person in decisions:
        people_of.setdefault(role, set()).add(person)
    role_of = {}

    def place(role, tried):
        """Whether the role finds a person; who is taken gives way where their role has somebody else."""
        for person in people_of[role] - tried:
            tried.add(person)
            if person not in role_of or place(role_of[person], tried):
                role_of[person] = role
                return True
        return False

    return sum(place(role, set()) for role in people_of)
