"""The plain engine of approval governance: facts, tables, routes, snapshots.

Nothing in here knows Odoo, a clock or a database. See the modules for the rules.
"""

from .decision_table import (
    OPERATORS,
    Approver,
    CompiledTable,
    Condition,
    Explanation,
    Operator,
    Problem,
    Requirement,
    Rule,
    Stage,
    Table,
    Verdict,
    compile_table,
    describe,
    explain,
    format_operand,
    merge_stages,
    parse_operand,
)
from .errors import (
    AlreadyDecided,
    EngineError,
    FactError,
    NoQuestion,
    NotACandidate,
    NotYourTurn,
    OperandError,
    RequestClosed,
    RouteError,
    RoutingError,
    SeparationOfDuties,
    SnapshotError,
    TableError,
    UnknownOutcome,
    UnknownTask,
)
from .facts import (
    FactSpec,
    FactType,
    Unknown,
    as_decimal,
    clean,
    decode_facts,
    encode_facts,
)
from .routing import (
    OUTCOMES,
    Approval,
    Question,
    RequestState,
    Task,
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
from .snapshot import (
    Comparison,
    ControlledField,
    Deviation,
    Snapshot,
    Tolerance,
    compare,
    seal,
)

__all__ = [name for name in dir() if not name.startswith("_")]
