"""What a dataset reads, in the words of somebody who does not write domains.

Rules, in words
---------------
* The conditions of a dataset are one list. Of it are told apart: the KPI whose documents it lists, the field whose
  value lies in the period, and the fields that are the site, the category and the company of the report.
* Only conditions that hold by themselves are told apart: those before the first ``&``, ``|`` or ``!``.
* Whatever else there is stays as it is written.

>>> told = split("[('state', '=', 'sale'), ('date_order', '>=', '{since}'), ('date_order', '<', '{until}')]")
>>> told.period, told.rest
('date_order', [('state', '=', 'sale')])
>>> join(told, is_day=False)
"[('state', '=', 'sale'), ('date_order', '>=', '{since}'), ('date_order', '<', '{until}')]"
>>> split("no list") is None
True
"""

import ast
import re
from dataclasses import dataclass, field

#: Placeholders by which a report's own parameters are asked for.
PARAMETERS = ("site", "category", "company")
#: What a period is made of: of a moment, and of a day.
MOMENTS, DAYS = ((">=", "{since}"), ("<", "{until}")), ((">=", "{first}"), ("<=", "{last}"))
BEHIND = re.compile(r"\{kpi\.(\w+)\}")
OPERATORS = ("&", "|", "!")


@dataclass(frozen=True)
class Conditions:
    """
    :param kpi: code of the KPI whose documents are listed
    :param period: the field whose value lies in the period
    :param rest: the conditions that are left, as they are written
    """

    kpi: str = ""
    period: str = ""
    site: str = ""
    category: str = ""
    company: str = ""
    rest: list = field(default_factory=list)

    @property
    def is_plain(self):
        """Whether what is left asks for nothing that only a run knows."""
        return "{" not in repr(self.rest)


def split(text: str | None) -> Conditions | None:
    """The conditions told apart; None of what is no list of conditions."""
    try:
        leaves = ast.literal_eval((text or "[]").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(leaves, list) or not all(_is_leaf(leaf) or leaf in OPERATORS for leaf in leaves):
        return None
    place = next((number for number, leaf in enumerate(leaves) if leaf in OPERATORS), len(leaves))
    alone, rest = [tuple(leaf) for leaf in leaves[:place]], leaves[place:]
    found = {}
    for leaf in alone:
        path, operator, value = leaf
        behind = BEHIND.fullmatch(value) if isinstance(value, str) else None
        if path == "id" and operator == "in" and behind:
            found.setdefault("kpi", behind[1])
        name = value[1:-1] if isinstance(value, str) else ""
        if operator == "=" and name in PARAMETERS and value == f"{{{name}}}":
            found.setdefault(name, path)
        for kind in (MOMENTS, DAYS):
            if all((path, *bound) in alone for bound in kind):
                found.setdefault("period", path)
    taken = [leaf for name in found for leaf in _leaves(name, found[name])]
    return Conditions(**found, rest=[*(leaf for leaf in alone if leaf not in taken), *rest])


def join(conditions: Conditions, *, is_day: bool) -> str:
    """The list as it is written down.

    :param is_day: whether the period's field is a day, not a moment
    """
    leaves = [("id", "in", f"{{kpi.{conditions.kpi}}}")] if conditions.kpi else []
    asked = []
    if conditions.period:
        asked += [(conditions.period, *bound) for bound in (DAYS if is_day else MOMENTS)]
    for name in PARAMETERS:
        if getattr(conditions, name):
            asked += _leaves(name, getattr(conditions, name))
    alone = next((number for number, leaf in enumerate(conditions.rest) if leaf in OPERATORS), len(conditions.rest))
    return repr([*leaves, *conditions.rest[:alone], *asked, *conditions.rest[alone:]])


def _is_leaf(leaf):
    return isinstance(leaf, list | tuple) and len(leaf) == 3 and isinstance(leaf[1], str)


def _leaves(name, path):
    if name == "kpi":
        return [("id", "in", f"{{kpi.{path}}}")]
    if name == "period":
        return [(path, *bound) for kind in (MOMENTS, DAYS) for bound in kind]
    return [(path, "=", f"{{{name}}}")]
