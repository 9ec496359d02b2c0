"""Routing, attacked with every sequence of commands that comes to mind.

The state machine keeps its own books of who approved what, and predicts – from the rules
in the engine's docstring – which commands must be refused.
"""

import contextlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine import (
    OUTCOMES,
    AlreadyDecided,
    Approval,
    Approver,
    NoQuestion,
    NotACandidate,
    NotYourTurn,
    Question,
    RequestClosed,
    Requirement,
    RouteError,
    RoutingError,
    SeparationOfDuties,
    Stage,
    Task,
    UnknownOutcome,
    UnknownTask,
    answer,
    ask,
    decide,
    escalate,
    missing_candidates,
    plan_tasks,
    restart,
    start,
    void,
    withdraw,
)

PEOPLE = st.integers(1, 6)
GROUPS = st.frozensets(PEOPLE, max_size=4)
KEYS = ("a", "b", "c", "d")
APPROVALS = ("approve", "approve_with_conditions")
FINAL = {"rejected", "withdrawn", "void"}


@st.composite
def routes(draw, max_tasks=4, groups=GROUPS):
    count = draw(st.integers(1, max_tasks))
    return [Task(KEYS[n], draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(groups)) for n in range(count)]


class Request(RuleBasedStateMachine):
    """A request under random, mostly illegitimate, commands."""

    people = Bundle("people")

    @initialize(route=routes())
    def begin(self, route):
        self.begin_round(route)
        self.state = start(route)
        self.history = [self.state]

    def begin_round(self, route):
        self.route = {task.key: task for task in route}
        self.candidates = {task.key: set(task.candidates) for task in route}
        self.book = []  # (task, person) of this round, in order
        self.ended = None
        self.returned = False

    # our own idea of the request

    def approved(self, key):
        return len([entry for entry in self.book if entry[0] == key]) >= self.route[key].quorum

    def current_stage(self):
        return min((t.sequence for t in self.route.values() if not self.approved(t.key)), default=None)

    def allowed(self, key, person, excluded):
        return (
            self.ended is None
            and not self.returned
            and key in self.route
            and self.route[key].sequence == self.current_stage()
            and not self.approved(key)
            and person in self.candidates[key]
            and person not in excluded
            and person not in [who for _key, who in self.book]
        )

    def attempt(self, command, *arguments, may):
        """Run a command; it must do exactly what we predict, and change nothing if not."""
        before = self.state
        copy = repr(before)
        try:
            self.state = command(before, *arguments)
        except RoutingError as error:
            assert not may, f"refused: {error}"
            assert str(error)
            done = False
        else:
            assert may, "accepted"
            self.history.append(self.state)
            done = True
        assert repr(before) == copy
        return done

    # commands

    @rule(
        key=st.sampled_from([*KEYS, "nonsense"]),
        person=PEOPLE,
        outcome=st.sampled_from([*APPROVALS * 8, *OUTCOMES, "anything"]),
        excluded=st.frozensets(PEOPLE, max_size=2),
    )
    def decide(self, key, person, outcome, excluded):
        may = outcome in OUTCOMES and self.allowed(key, person, excluded)
        measure = self.measure()
        if self.attempt(decide, key, person, outcome, excluded, may=may):
            if outcome in APPROVALS:
                self.book.append((key, person))
                if self.current_stage() is None:
                    self.ended = "approved"
            elif outcome == "reject":
                self.ended = "rejected"
            else:
                self.returned = True
            assert self.measure() < measure

    @precondition(lambda self: self.ended is None and not self.returned)
    @rule(data=st.data(), outcome=st.sampled_from(APPROVALS))
    def decide_properly(self, data, outcome):
        """So that a random walk gets far enough to matter."""
        proper = [
            (key, person) for key in self.route for person in range(1, 7) if self.allowed(key, person, frozenset())
        ]
        if proper:
            key, person = data.draw(st.sampled_from(proper))
            self.decide(key, person, outcome, frozenset())

    @rule(key=st.sampled_from([*KEYS, "nonsense"]), person=PEOPLE, excluded=GROUPS)
    def ask(self, key, person, excluded):
        self.attempt(ask, key, person, excluded, may=self.allowed(key, person, excluded))

    @rule(key=st.sampled_from([*KEYS, "nonsense"]), asker=st.none() | PEOPLE)
    def answer(self, key, asker):
        open_ = [q for q in self.state.questions if q.task_key == key and asker in (None, q.person)]
        self.attempt(answer, key, asker, may=bool(open_))

    @rule(key=st.sampled_from(KEYS), newcomers=GROUPS, by=st.none() | PEOPLE, excluded=GROUPS)
    def escalate(self, key, newcomers, by, excluded):
        decided = {who for _key, who in self.book}
        may = (
            self.ended is None
            and key in self.route
            and not self.approved(key)
            and (by is None or self.allowed(key, by, excluded))
            and bool(newcomers - self.candidates.get(key, set()) - {by} - decided - excluded)
        )
        if self.attempt(escalate, key, newcomers, by, excluded, may=may):
            self.candidates[key] = (self.candidates[key] | newcomers) - {by}

    @rule(route=st.none() | routes())
    def restart(self, route):
        if self.attempt(restart, route, may=self.ended is None):
            if route is None:
                route = [
                    Task(task.key, task.sequence, task.quorum, self.candidates[task.key])
                    for task in self.route.values()
                ]
            self.begin_round(route)

    @precondition(lambda self: len(self.history) > 12)
    @rule()
    def withdraw(self):
        if self.attempt(withdraw, may=self.ended is None):
            self.ended = "withdrawn"

    @precondition(lambda self: len(self.history) > 6)
    @rule()
    def void(self):
        if self.attempt(void, may=self.ended in (None, "approved")):
            self.ended = "void"

    def measure(self):
        """What is left to decide in this round; every decision makes it smaller."""
        if self.state.closed:
            return -1
        if self.state.status == "revision":
            return 0
        return sum(task.missing for task in self.state.tasks)

    # what must always be true

    @invariant()
    def approved_means_that_everybody_required_approved(self):
        if self.state.status != "approved":
            return
        for key, task in self.route.items():
            approvers = [person for entry, person in self.book if entry == key]
            assert len(set(approvers)) >= task.quorum >= 1
            assert set(approvers) <= self.candidates[key]

    @invariant()
    def nobody_decides_twice(self):
        people = [approval.person for task in self.state.tasks for approval in task.approvals]
        assert len(people) == len(set(people))

    @invariant()
    def the_books_agree(self):
        assert {(t.key, a.person) for t in self.state.tasks for a in t.approvals} == set(self.book)
        if self.ended:
            assert self.state.status == self.ended
        elif self.returned:
            assert self.state.status == "revision"
        else:
            assert self.state.status == ("question" if self.state.questions else "pending")
        for task in self.state.tasks:
            assert task.candidates == self.candidates[task.key]

    @invariant()
    def stages_are_worked_off_in_order(self):
        order = [self.route[key].sequence for key, _person in self.book]
        assert order == sorted(order)
        opened = {task.sequence for task in self.state.open_tasks}
        if self.state.status in ("pending", "question"):
            assert opened == {self.current_stage()}
        else:
            assert not opened

    @invariant()
    def the_past_does_not_change(self):
        for earlier, later in itertools.pairwise(self.history):
            if earlier.status in FINAL:
                raise AssertionError(f"{earlier.status} was followed by {later.status}")
            if earlier.status == "approved":
                assert later.status == "void"
            assert later.round in (earlier.round, earlier.round + 1)


TestRequest = Request.TestCase
TestRequest.settings = settings(max_examples=400, stateful_step_count=40)


# ------------------------------------------------------------------ termination

FEW = st.frozensets(st.integers(1, 4), max_size=3)


def can_be_approved(state):
    """By trying everything."""
    if state.status == "approved":
        return True
    for task in state.open_tasks:
        for person in task.candidates - state.decided:
            if can_be_approved(decide(state, task.key, person, "approve")):
                return True
    return False


@settings(max_examples=500)
@given(routes(max_tasks=3, groups=FEW), st.frozensets(st.integers(1, 4), max_size=2))
def test_missing_candidates_tells_whether_a_request_can_still_be_approved(route, excluded):
    allowed = start([Task(t.key, t.sequence, t.quorum, t.candidates - excluded) for t in route])
    assert can_be_approved(allowed) == (not missing_candidates(start(route), excluded))


def test_people_are_dealt_to_the_tasks_that_need_them():
    """Whoever is needed elsewhere makes room for somebody else, over several tasks."""
    route = [Task("a", 1, 1, {1, 2}), Task("b", 1, 1, {1, 3}), Task("c", 2, 1, {1}), Task("d", 2, 1, {3, 4})]
    assert not missing_candidates(start(route))
    assert missing_candidates(start(route), {2}) == {"c": 1} or missing_candidates(start(route), {2}) == {"a": 1}
    assert sum(missing_candidates(start(route), {2, 4}).values()) == 2


@given(routes(), st.data())
def test_a_request_ends_when_people_decide_with_care(route, data):
    state = start(route)
    if missing_candidates(state):
        return
    while not state.closed:
        choices = [
            (task.key, person) for task in state.open_tasks for person in sorted(task.candidates - state.decided)
        ]
        steps = [decide(state, key, person, "approve") for key, person in choices]
        steps = [step for step in steps if not missing_candidates(step)]
        state = data.draw(st.sampled_from(steps))
    assert state.status == "approved"


@given(routes(), st.lists(st.tuples(st.sampled_from(KEYS), PEOPLE), max_size=20))
def test_a_request_without_enough_people_is_never_approved_until_it_is_escalated(route, calls):
    state = start(route)
    lacking = missing_candidates(state)
    for key, person in calls:
        with contextlib.suppress(RoutingError):
            state = decide(state, key, person, "approve")
    if lacking:
        assert state.status != "approved"
    for newcomer in itertools.count(100):
        if state.closed:
            break
        for key in missing_candidates(state):
            state = escalate(state, key, {newcomer, newcomer + 1000})
        for task in state.open_tasks:
            for person in task.candidates:
                try:
                    following = decide(state, task.key, person, "approve")
                except RoutingError:
                    continue
                if not missing_candidates(following):
                    state = following
                    break
    assert state.status == "approved"


@given(routes(), st.lists(st.tuples(st.sampled_from(KEYS), PEOPLE, st.sampled_from(OUTCOMES))))
def test_there_are_no_more_decisions_than_asked_for(route, calls):
    state, decisions = start(route), 0
    for key, person, outcome in calls:
        try:
            state = decide(state, key, person, outcome)
        except RoutingError:
            continue
        decisions += 1
    assert decisions <= sum(task.quorum for task in route)


@given(routes(), st.sampled_from(["pending", "question", "revision"]))
def test_every_open_request_can_be_withdrawn(route, status):
    state = start(route)
    for task in state.open_tasks:
        for person in sorted(task.candidates)[:1]:
            if status == "question":
                state = ask(state, task.key, person)
            elif status == "revision" and state.status == "pending":
                state = decide(state, task.key, person, "request_revision")
    done = withdraw(state)
    assert done.status == "withdrawn" and not done.open_tasks and not done.questions


# --------------------------------------------------------------------- examples


@pytest.fixture
def state():
    return start(
        [
            Task("buying", 10, 1, {"ann", "bob"}),
            Task("finance", 20, 2, {"cyn", "dan", "ann"}),
            Task("quality", 20, 1, {"eve"}),
        ]
    )


def approve(state, *steps):
    for key, person in steps:
        state = decide(state, key, person, "approve")
    return state


def test_a_quorum_needs_different_people(state):
    state = approve(state, ("buying", "bob"), ("finance", "cyn"))
    with pytest.raises(AlreadyDecided):
        decide(state, "finance", "cyn", "approve")
    state = approve(state, ("finance", "dan"), ("quality", "eve"))
    assert state.status == "approved"
    assert state.task("finance").approvals == (Approval("cyn"), Approval("dan"))


def test_the_same_person_does_not_decide_in_two_stages(state):
    state = approve(state, ("buying", "ann"))
    with pytest.raises(AlreadyDecided) as caught:
        decide(state, "finance", "ann", "reject")
    assert caught.value.person == "ann" and caught.value.task_key == "finance"


def test_a_later_stage_waits(state):
    with pytest.raises(NotYourTurn):
        decide(state, "quality", "eve", "approve")


def test_involved_people_decide_nothing(state):
    for outcome in OUTCOMES:
        with pytest.raises(SeparationOfDuties):
            decide(state, "buying", "ann", outcome, excluded={"ann"})
    with pytest.raises(SeparationOfDuties):
        ask(state, "buying", "ann", excluded={"ann"})


def test_others_decide_nothing(state):
    with pytest.raises(NotACandidate):
        decide(state, "buying", "eve", "approve")
    with pytest.raises(UnknownTask):
        decide(state, "selling", "eve", "approve")
    with pytest.raises(UnknownOutcome):
        decide(state, "buying", "ann", "approved")


def test_one_rejection_ends_it(state):
    state = decide(approve(state, ("buying", "bob")), "quality", "eve", "reject")
    assert state.status == "rejected"
    assert [task.status for task in state.tasks] == ["approved", "cancelled", "rejected"]
    for command in (
        lambda: decide(state, "finance", "cyn", "approve"),
        lambda: withdraw(state),
        lambda: restart(state),
        lambda: void(state),
        lambda: escalate(state, "finance", {"zoe"}),
    ):
        with pytest.raises(RequestClosed):
            command()


def test_revision_returns_it_to_the_requester(state):
    state = approve(state, ("buying", "bob"))
    state = decide(state, "finance", "cyn", "request_revision")
    assert state.status == "revision" and not state.open_tasks
    with pytest.raises(NotYourTurn):
        decide(state, "finance", "dan", "approve")
    assert escalate(state, "finance", {"zoe"}).status == "revision"
    state = restart(state)
    assert (state.status, state.round, state.decided) == ("pending", 2, frozenset())
    assert [task.key for task in state.open_tasks] == ["buying"]


def test_changed_content_may_take_another_route(state):
    state = restart(approve(state, ("buying", "bob")), [Task("board", 1, 1, {"zoe"})])
    assert [task.key for task in state.tasks] == ["board"]


def test_a_question_pauses_and_does_not_decide(state):
    state = ask(state, "buying", "ann")
    assert state.status == "question" and state.questions == (Question("buying", "ann"),)
    assert ask(state, "buying", "ann") == state
    answered = answer(state, "buying")
    assert answered.status == "pending"
    with pytest.raises(NoQuestion):
        answer(answered, "buying")
    # the question is moot once its task is decided
    assert approve(state, ("buying", "bob")).status == "pending"


def test_a_question_of_one_does_not_end_with_that_of_another(state):
    state = ask(ask(state, "buying", "ann"), "buying", "bob")
    assert answer(state, "buying", "ann").questions == (Question("buying", "bob"),)


def test_handing_over(state):
    state = escalate(ask(state, "buying", "ann"), "buying", {"zoe"}, by="ann")
    assert state.task("buying").candidates == {"bob", "zoe"}
    assert state.status == "pending"
    with pytest.raises(NotACandidate):
        decide(state, "buying", "ann", "approve")
    with pytest.raises(RouteError):
        escalate(state, "buying", {"bob"})
    with pytest.raises(RouteError):
        escalate(state, "buying", {"ann"}, by=None, excluded={"ann"})


def test_an_approval_can_become_void(state):
    state = approve(start([Task("a", 1, 1, {1})]), ("a", 1))
    assert void(state).status == "void"
    with pytest.raises(RequestClosed):
        void(void(state))


@pytest.mark.parametrize(
    "route", [[], [Task("a", 1, 0, {1})], [Task("a", 1, 1, {1}), Task("a", 2, 1, {2})], [Task("a", 1, True, {1})]]
)
def test_a_route_that_asks_nobody_is_no_route(route):
    with pytest.raises(RouteError):
        start(route)


def test_decisions_cannot_be_brought_along():
    state = start([Task("a", 1, 1, {1}, (Approval(1),), "approved")])
    assert state.status == "pending" and not state.decided


def test_tasks_of_a_verdict():
    stages = (
        Stage(10, (Requirement(10, Approver("group", "7"), 2), Requirement(10, Approver("region_manager")))),
        Stage(20, (Requirement(20, Approver("user", "3")),)),
    )
    people = {Approver("group", "7"): [1, 2, 3], Approver("user", "3"): [3]}
    tasks = plan_tasks(stages, people.get)
    assert [(t.key, t.sequence, t.quorum, t.candidates) for t in tasks] == [
        ("10/group/7", 10, 2, {1, 2, 3}),
        ("10/region_manager/", 10, 1, frozenset()),
        ("20/user/3", 20, 1, {3}),
    ]
    # nobody was found for one of them: it stays, and is reported
    assert missing_candidates(start(tasks)) == {"10/region_manager/": 1}
