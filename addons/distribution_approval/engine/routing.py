"""Routing: who may decide now, and when a request is decided.

A request is a set of *tasks*, each in a stage. It is a value: every command returns a
new :class:`RequestState` or raises a :class:`~.errors.RoutingError` and changes nothing.

Rules:

1. Stages are worked off by sequence. Only tasks of the lowest unfinished stage are open,
   all of them at the same time.
2. A task is approved when ``quorum`` different candidates approved it. The request is
   approved when every task is; there is no other way.
3. One rejection ends the request.
4. A request for revision returns it to the requester; it starts over when he submits it
   again. So does a change of content: what was decided is asked again.
5. A person decides once per request (per round, when it started over), whatever tasks he
   is a candidate of.
6. A person who is ``excluded`` – who requested, created, edited or owns what is to be
   decided, or stands in for such a person – decides nothing.
7. A question does not decide. While one is open the request is in ``question`` (its
   clock pauses); tasks stay open. It ends when it is answered, or when it does not matter
   any more: its asker decided or handed the task over, or its task is decided.
8. A closed request (approved, rejected, withdrawn, void) takes no command, but an
   approval can become void.
9. No route, no request: an empty route, or a task that asks nobody, is refused.
10. A substitute decides on behalf of a candidate. That uses up both of them: neither decides
    again in this round, in their own name or in another's. Nobody decides on behalf of an
    excluded person, and whoever is a candidate decides in their own name.
11. Nobody decided in time: the request can be rejected (:func:`expire`), never approved.

>>> state = start([Task('buying', 1, 1, {'ann', 'bob'}),
...                Task('finance', 2, 1, {'cyn'}), Task('ops', 2, 1, {'dan', 'ann'})])
>>> [task.key for task in state.open_tasks]
['buying']
>>> decide(state, 'finance', 'cyn', 'approve')
Traceback (most recent call last):
    ...
engine.errors.NotYourTurn: Task 'finance' waits for an earlier stage.
>>> state = decide(state, 'buying', 'ann', 'approve')
>>> decide(state, 'ops', 'ann', 'approve')
Traceback (most recent call last):
    ...
engine.errors.AlreadyDecided: This person has already decided in this request.
>>> state = decide(state, 'finance', 'cyn', 'approve')
>>> state = decide(state, 'ops', 'dan', 'approve')
>>> state.status
'approved'
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace

from .decision_table import Approver, Stage
from .errors import (
    AlreadyDecided,
    NoQuestion,
    NotACandidate,
    NotYourTurn,
    RequestClosed,
    RouteError,
    SeparationOfDuties,
    UnknownOutcome,
    UnknownTask,
)

PENDING = "pending"
QUESTION = "question"
REVISION = "revision"
APPROVED = "approved"
REJECTED = "rejected"
WITHDRAWN = "withdrawn"
VOID = "void"
REQUEST_STATUSES = (PENDING, QUESTION, REVISION, APPROVED, REJECTED, WITHDRAWN, VOID)
CLOSED = frozenset({APPROVED, REJECTED, WITHDRAWN, VOID})

WAITING = "waiting"
OPEN = "open"
CANCELLED = "cancelled"
TASK_STATUSES = (WAITING, OPEN, APPROVED, REJECTED, CANCELLED)

APPROVE = "approve"
APPROVE_WITH_CONDITIONS = "approve_with_conditions"
REJECT = "reject"
REQUEST_REVISION = "request_revision"
OUTCOMES = (APPROVE, APPROVE_WITH_CONDITIONS, REJECT, REQUEST_REVISION)

NOBODY: frozenset = frozenset()


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of one task, in their own name or on behalf of a candidate."""

    person: Hashable
    outcome: str = APPROVE
    on_behalf: Hashable | None = None

    @property
    def people(self) -> frozenset:
        """Whom this approval uses up."""
        return frozenset({self.person, self.on_behalf} - {None})


@dataclass(frozen=True, slots=True)
class Question:
    """An open question of a candidate of a task."""

    task_key: str
    person: Hashable


@dataclass(frozen=True, slots=True)
class Task:
    """``quorum`` of the ``candidates`` must approve, in stage ``sequence``."""

    key: str
    sequence: int
    quorum: int
    candidates: frozenset
    approvals: tuple[Approval, ...] = ()
    status: str = WAITING
    stand_ins: tuple[tuple[Hashable, Hashable], ...] = ()  #: (substitute, the candidate whose place they take)

    def __post_init__(self):
        object.__setattr__(self, "candidates", frozenset(self.candidates))
        object.__setattr__(self, "approvals", tuple(self.approvals))
        object.__setattr__(self, "stand_ins", tuple(self.stand_ins))

    def principal(self, person: Hashable) -> Hashable | None:
        """The candidate on whose behalf ``person`` decides; None: in their own name, or not at all."""
        if person in self.candidates:
            return None
        return next((other for substitute, other in self.stand_ins if substitute == person), None)

    @property
    def approvers(self) -> frozenset:
        """Who approved it."""
        return frozenset(approval.person for approval in self.approvals)

    @property
    def missing(self) -> int:
        """How many approvals it still needs."""
        return max(0, self.quorum - len(self.approvers))


@dataclass(frozen=True, slots=True)
class RequestState:
    """A request at one moment. ``round`` counts how often it started."""

    status: str
    tasks: tuple[Task, ...]
    questions: tuple[Question, ...] = ()
    round: int = 1

    def __post_init__(self):
        object.__setattr__(self, "tasks", tuple(self.tasks))
        object.__setattr__(self, "questions", tuple(self.questions))

    @property
    def closed(self) -> bool:
        return self.status in CLOSED

    @property
    def stages(self) -> tuple[tuple[Task, ...], ...]:
        """The tasks by stage, in order."""
        return tuple(
            tuple(task for task in self.tasks if task.sequence == sequence)
            for sequence in sorted({task.sequence for task in self.tasks})
        )

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """What can be decided now."""
        return tuple(task for task in self.tasks if task.status == OPEN)

    @property
    def decided(self) -> frozenset:
        """Who approved something in this round, or on whose behalf somebody did."""
        return frozenset().union(*(approval.people for task in self.tasks for approval in task.approvals))

    def task(self, key: str) -> Task:
        for task in self.tasks:
            if task.key == key:
                return task
        raise UnknownTask(f"The request has no task '{key}'.", task_key=key)


def plan_tasks(stages: Iterable[Stage], resolve: Callable[[Approver], Iterable[Hashable]]) -> tuple[Task, ...]:
    """The tasks of a verdict's stages; ``resolve`` finds the people of an approver.

    >>> from .decision_table import Requirement
    >>> stage = Stage(10, (Requirement(10, Approver('group', '7'), 2),))
    >>> plan_tasks([stage], {Approver('group', '7'): ['ann', 'bob']}.get)[0].key
    '10/group/7'
    """
    return tuple(
        Task(
            "/".join((str(stage.sequence), need.approver.kind, need.approver.key)),
            stage.sequence,
            need.quorum,
            frozenset(resolve(need.approver) or ()),
        )
        for stage in stages
        for need in stage.requirements
    )


def start(tasks: Iterable[Task]) -> RequestState:
    """A new request over a route. Raises :class:`RouteError` for an impossible one."""
    return RequestState(PENDING, _opened(_fresh(tasks)))


def decide(
    state: RequestState,
    task_key: str,
    person: Hashable,
    outcome: str,
    excluded: Iterable[Hashable] = NOBODY,
) -> RequestState:
    """A person decides an open task. ``outcome`` is one of :data:`OUTCOMES`."""
    if outcome not in OUTCOMES:
        raise UnknownOutcome(
            f"'{outcome}' is no outcome; choose {', '.join(OUTCOMES)}.",
            task_key=task_key,
            person=person,
        )
    task = _turn_of(state, task_key, person, excluded)
    if outcome == REJECT:
        return _close(state, REJECTED, replace(task, status=REJECTED))
    if outcome == REQUEST_REVISION:
        return replace(
            state,
            status=REVISION,
            questions=(),
            tasks=tuple(replace(other, status=WAITING) if other.status == OPEN else other for other in state.tasks),
        )
    approved = replace(task, approvals=(*task.approvals, Approval(person, outcome, task.principal(person))))
    if not approved.missing:
        approved = replace(approved, status=APPROVED)
    tasks = _opened(_with(state.tasks, approved))
    if all(other.status == APPROVED for other in tasks):
        return replace(state, status=APPROVED, tasks=tasks, questions=())
    questions = tuple(
        question
        for question in state.questions
        if question.person != person and not (question.task_key == task_key and approved.status == APPROVED)
    )
    return _asking(replace(state, tasks=tasks), questions)


def ask(
    state: RequestState,
    task_key: str,
    person: Hashable,
    excluded: Iterable[Hashable] = NOBODY,
) -> RequestState:
    """A candidate who could decide asks the requester first."""
    _turn_of(state, task_key, person, excluded)
    question = Question(task_key, person)
    if question in state.questions:
        return state
    return _asking(state, (*state.questions, question))


def answer(state: RequestState, task_key: str, asker: Hashable | None = None) -> RequestState:
    """The questions of a task (of one asker, or all) are answered."""
    _check_open(state)
    state.task(task_key)
    left = tuple(
        question
        for question in state.questions
        if question.task_key != task_key or asker not in (None, question.person)
    )
    if len(left) == len(state.questions):
        raise NoQuestion(f"Task '{task_key}' has no open question.", task_key=task_key)
    return _asking(state, left)


def escalate(
    state: RequestState,
    task_key: str,
    candidates: Iterable[Hashable],
    by: Hashable | None = None,
    excluded: Iterable[Hashable] = NOBODY,
) -> RequestState:
    """More people may decide a task. ``by``, a candidate, hands it over and drops out.

    Without ``by`` it is the service clock, or somebody who fills a gap. The quorum and
    the approvals so far stay.
    """
    _check_open(state)
    task = state.task(task_key)
    if by is not None:
        _turn_of(state, task_key, by, excluded)
    elif task.status not in (OPEN, WAITING):
        raise AlreadyDecided(f"Task '{task_key}' is decided.", task_key=task_key)
    joined = task.candidates | frozenset(candidates)
    if by is not None:
        joined -= {by if by in task.candidates else task.principal(by)}
    if not joined - task.candidates - state.decided - frozenset(excluded):
        raise RouteError(
            f"Task '{task_key}' cannot be escalated: nobody new could decide it.",
            task_key=task_key,
            person=by,
        )
    questions = tuple(q for q in state.questions if q != Question(task_key, by))
    tasks = _with(state.tasks, replace(task, candidates=joined))
    return _asking(replace(state, tasks=tasks), questions)


def reassign(
    state: RequestState,
    task_key: str,
    candidates: Iterable[Hashable],
    excluded: Iterable[Hashable] = NOBODY,
) -> RequestState:
    """Other people decide an undecided task. Who approved it already stays among them.

    >>> state = start([Task('a', 1, 1, {'ann'}), Task('b', 2, 1, {'bob'})])
    >>> sorted(reassign(state, 'a', {'cyn'}).task('a').candidates)
    ['cyn']
    >>> reassign(decide(state, 'a', 'ann', 'approve'), 'b', {'ann'})
    Traceback (most recent call last):
        ...
    engine.errors.RouteError: Task 'b' needs 1 more, and 0 of these people could decide it.
    """
    _check_open(state)
    task = state.task(task_key)
    if task.status not in (OPEN, WAITING):
        raise AlreadyDecided(f"Task '{task_key}' is decided.", task_key=task_key)
    able = frozenset(candidates) - state.decided - frozenset(excluded)
    if len(able) < task.missing:
        raise RouteError(
            f"Task '{task_key}' needs {task.missing} more, and {len(able)} of these people could decide it.",
            task_key=task_key,
        )
    questions = tuple(q for q in state.questions if q.task_key != task_key or q.person in able)
    used = frozenset().union(*(approval.people for approval in task.approvals))
    tasks = _with(state.tasks, replace(task, candidates=able | (used & task.candidates), stand_ins=()))
    return _asking(replace(state, tasks=tasks), questions)


def expire(state: RequestState, task_key: str) -> RequestState:
    """Nobody decided an open task in time, and the policy rejects then. There is no expiry that approves."""
    _check_open(state)
    task = state.task(task_key)
    if task.status != OPEN:
        raise NotYourTurn(f"Task '{task_key}' is not open.", task_key=task_key)
    if state.status != PENDING:
        raise NotYourTurn("While a question is open the clock stands still.", task_key=task_key)
    return _close(state, REJECTED, replace(task, status=REJECTED))


def withdraw(state: RequestState) -> RequestState:
    """The requester takes the request back."""
    _check_open(state)
    return _close(state, WITHDRAWN)


def restart(state: RequestState, tasks: Iterable[Task] | None = None) -> RequestState:
    """The content changed, or a revision is submitted: everything is asked again.

    ``tasks`` is the new route, by default the old one with its present candidates.
    """
    _check_open(state)
    fresh = _fresh(state.tasks if tasks is None else tasks)
    return RequestState(PENDING, _opened(fresh), (), state.round + 1)


def void(state: RequestState) -> RequestState:
    """The content is no longer what was asked, or was approved: the request counts
    for nothing."""
    if state.status != APPROVED:
        _check_open(state)
    return _close(state, VOID)


def missing_candidates(state: RequestState, excluded: Iterable[Hashable] = NOBODY) -> dict[str, int]:
    """Tasks that the people at hand cannot finish, and how many people they lack.

    Nobody decides twice, so tasks compete for people: this is a largest matching of
    people to missing approvals. Empty means that the request can be approved.

    >>> state = start([Task('a', 1, 1, {'ann', 'bob'}), Task('b', 2, 1, {'ann'})])
    >>> missing_candidates(state)
    {}
    >>> missing_candidates(decide(state, 'a', 'ann', 'approve'))
    {'b': 1}
    """
    if state.closed:
        return {}
    used = state.decided | frozenset(excluded)
    seats = [(task.key, number) for task in state.tasks for number in range(task.missing)]
    people = {task.key: sorted(task.candidates - used, key=repr) for task in state.tasks}
    taken: dict[Hashable, tuple[str, int]] = {}

    def seat(place, tried):
        for person in people[place[0]]:
            if person not in tried:
                tried.add(person)
                if person not in taken or seat(taken[person], tried):
                    taken[person] = place
                    return True
        return False

    lacking: dict[str, int] = {}
    for place in seats:
        if not seat(place, set()):
            lacking[place[0]] = lacking.get(place[0], 0) + 1
    return lacking


# -------------------------------------------------------------------- helpers


def _check_open(state):
    if state.closed:
        raise RequestClosed(f"The request is {state.status}.")


def _turn_of(state, task_key, person, excluded):
    """The open task, if this person may decide it now."""
    _check_open(state)
    task = state.task(task_key)
    where = {"task_key": task_key, "person": person}
    if state.status == REVISION:
        raise NotYourTurn("The request is with its requester for revision.", **where)
    if task.status == WAITING:
        raise NotYourTurn(f"Task '{task_key}' waits for an earlier stage.", **where)
    principal = task.principal(person)
    if {person, principal} & frozenset(excluded):
        raise SeparationOfDuties(
            "This person is involved in the document, or stands in for somebody who is, and cannot decide about it.",
            **where,
        )
    if person not in task.candidates and principal is None:
        raise NotACandidate(f"This person is not among those who may decide task '{task_key}'.", **where)
    if {person, principal} & state.decided:
        raise AlreadyDecided("This person has already decided in this request.", **where)
    if task.status != OPEN:
        raise AlreadyDecided(f"Task '{task_key}' is decided.", **where)
    return task


def _fresh(tasks):
    """The tasks of a route, with nothing decided."""
    fresh = tuple(replace(task, approvals=(), status=WAITING) for task in tasks)
    if not fresh:
        raise RouteError("A request without a task would be approved by nobody.")
    if len({task.key for task in fresh}) != len(fresh):
        raise RouteError("Two tasks of the route have the same key.")
    for task in fresh:
        if type(task.quorum) is not int or task.quorum < 1:
            raise RouteError(
                f"Task '{task.key}' has a quorum of {task.quorum} and asks nobody.",
                task_key=task.key,
            )
    return fresh


def _opened(tasks):
    """The tasks, those of the lowest unfinished stage open."""
    unfinished = [task.sequence for task in tasks if task.status in (WAITING, OPEN)]
    current = min(unfinished, default=None)
    return tuple(
        replace(task, status=OPEN) if task.status == WAITING and task.sequence == current else task for task in tasks
    )


def _with(tasks, changed):
    return tuple(changed if task.key == changed.key else task for task in tasks)


def _asking(state, questions):
    if state.status == REVISION:
        return state
    return replace(state, questions=questions, status=QUESTION if questions else PENDING)


def _close(state, status, decided=None):
    """End the request; what was not decided is cancelled."""
    tasks = _with(state.tasks, decided) if decided else state.tasks
    return replace(
        state,
        status=status,
        questions=(),
        tasks=tuple(replace(task, status=CANCELLED) if task.status in (OPEN, WAITING) else task for task in tasks),
    )
