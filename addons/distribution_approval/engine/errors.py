"""The errors of the plain engine.

Every error is typed, says in words what happened, and is raised – never
returned – when a caller did something that cannot be carried out. A *decision*
that is not possible (an unknown fact, no matching rule) is no error: it is a
verdict of its own, ``hold``.
"""


class EngineError(Exception):
    """Common ancestor of everything that the engine raises on purpose."""


class FactError(EngineError, ValueError):
    """A value does not fit the type of its fact."""


class OperandError(EngineError, ValueError):
    """What was typed beside an operator cannot be read.

    ``field`` names the fact, ``message`` says what is wrong, ``remedy`` what to
    type instead.
    """

    def __init__(self, field, message, remedy=""):
        super().__init__(f"{message} {remedy}".strip())
        self.field = field
        self.message = message
        self.remedy = remedy


class TableError(EngineError, ValueError):
    """A decision table with errors was to be compiled. ``problems`` lists them."""

    def __init__(self, problems):
        super().__init__("The decision table cannot be used:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = tuple(problems)


class SnapshotError(EngineError, ValueError):
    """A controlled value cannot be sealed, or a stored snapshot cannot be read."""


class RoutingError(EngineError):
    """A request refuses a command; the request is unchanged.

    ``task_key`` and ``person`` say which task and who, where that is known.
    """

    def __init__(self, message, *, task_key=None, person=None):
        super().__init__(message)
        self.message = message
        self.task_key = task_key
        self.person = person


class RouteError(RoutingError):
    """A route that could release without a decision, or is ambiguous."""


class RequestClosed(RoutingError):
    """The request is approved, rejected, withdrawn or void."""


class UnknownTask(RoutingError):
    """The request has no task of that key."""


class UnknownOutcome(RoutingError):
    """The outcome is none that a person can choose."""


class NotYourTurn(RoutingError):
    """The task belongs to a later stage, or the requester has to act first."""


class NotACandidate(RoutingError):
    """The person is not among those who may decide the task."""


class AlreadyDecided(RoutingError):
    """The person has decided in this request, or the task needs no decision."""


class SeparationOfDuties(RoutingError):
    """The person requested, created, edited or owns what is to be decided."""


class NoQuestion(RoutingError):
    """There is no open question to answer."""
