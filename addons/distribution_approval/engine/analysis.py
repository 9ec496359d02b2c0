"""Gaps, overlaps and dead rules of a decision table: computed, not sampled.

What is worked out, in words:

1. A *gap* is a set of facts that no enforced rule matches: the document is held.
2. A rule is *contradictory* when no value of one of its facts fulfils all its conditions.
3. A rule is *unreachable* when other rules decide wherever it matches: under ``FIRST`` the
   rules before it; under ``COLLECT`` those whose outcome is stricter (refuse, then require,
   then pass).
4. Two rules *overlap* when both match and their outcomes differ; the one that decides there
   is the earlier (``FIRST``) or the stricter (``COLLECT``).

How it is exact: the operands that rules use cut the axis of each fact into *cells* within
which every condition has one truth – points and the open intervals between them for numbers
and dates, each named value and "any other" for the rest, each combination of named elements
for sets, and "empty" where a fact can be empty. A bitmap per cell says which rules are true
there; the rules that match a box of cells are the intersection over its facts. Cells with the
same bitmap are treated as one, so that the work grows with what the rules tell apart.

What it does not claim: only known values are looked at, facts are taken as independent of
each other, and the work is bounded. Where a bound was met, ``cut`` says so in words; what was
found until then is true all the same.

>>> from decimal import Decimal
>>> from .decision_table import Approver, Condition, Requirement, Rule, Table
>>> from .facts import FactSpec, FactType
>>> specs = {spec.name: spec for spec in (
...     FactSpec('amount', 'Amount', FactType.MONEY, minimum=0),
...     FactSpec('branch', 'Branch', FactType.SELECTION, options=(('n', 'North'), ('s', 'South'))),
... )}
>>> ask = (Requirement(1, Approver('group', '7', 'Purchasing')),)
>>> table = Table(specs, (
...     Rule('1', 1, 'Small', (Condition('amount', 'le', Decimal(25000)),), 'pass'),
...     Rule('2', 2, 'South', (Condition('branch', 'eq', 's'),), 'require', ask),
...     Rule('3', 3, 'Large', (Condition('amount', 'gt', Decimal(30000)),), 'require', ask),
... ))
>>> result = analyse(table)
>>> [region.describe() for region in result.gaps]
['Amount is above 25,000 and at most 30,000 and Branch is North']
>>> [(found.decides.name, found.other.name, found.region.describe()) for found in result.overlaps]
[('South', 'Small', 'Amount is at most 25,000 and Branch is South')]
>>> result.unreachable, result.contradictory, result.cut
((), (), ())
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import combinations
from typing import Any

from .decision_table import ENFORCE, FIRST, Rule, Table, _bitmap, _declared_order, _fulfilled, _select, _short
from .facts import NOT_PROVIDED, FactSpec, FactType, Unknown, clean, set_order

#: Nodes that the search of one question may visit.
MAX_STEPS = 50_000
#: Regions listed; that there are more is said.
MAX_REGIONS = 100
#: Named elements of a set fact of which every combination is looked at.
MAX_SET_ELEMENTS = 10

STRICTNESS = {"pass": 0, "require": 1, "refuse": 2}


@dataclass(frozen=True, slots=True)
class Region:
    """A box in fact space: for each fact that it restricts, the cells that belong to it."""

    axes: Mapping[str, _Axis]
    cells: Mapping[str, frozenset]  #: fact name → numbers of cells; facts not named are free

    def describe(self, name_of=None) -> str:
        """In words, with names; "Always" when nothing is restricted."""
        words = [self.axes[name].describe(cells, name_of) for name, cells in self.cells.items()]
        return " and ".join(words) or "Always"

    def contains(self, facts: Mapping[str, Any]) -> bool:
        """Whether a document with these facts lies in the region; False when one is unknown."""
        for name, axis in self.axes.items():
            cell = axis.locate(clean(axis.spec, facts.get(name, NOT_PROVIDED)))
            if cell is None or cell not in self.cells.get(name, axis.all_cells):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Overlap:
    """Where both rules match, ``decides`` decides, and says something else than ``other``."""

    decides: Rule
    other: Rule
    region: Region


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is to be known about a table. Empty ``cut``: nothing was left out."""

    gaps: tuple[Region, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    #: ``(rule, fact name)`` – the conditions on that fact exclude each other.
    contradictory: tuple[tuple[Rule, str], ...] = ()
    #: ``(rule, the rules that decide wherever it matches)``
    unreachable: tuple[tuple[Rule, tuple[Rule, ...]], ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """No gap, no dead rule, and nothing left out."""
        return not (self.gaps or self.contradictory or self.unreachable or self.cut)


def analyse(table: Table, *, max_steps: int = MAX_STEPS, max_regions: int = MAX_REGIONS) -> Analysis:
    """Everything at once. The table must have no errors (see :meth:`Table.validate`)."""
    return _Analyser(table, max_steps, max_regions).run()


class _OutOfSteps(Exception):
    """The bound of one question was met."""


class _Analyser:
    def __init__(self, table, max_steps, max_regions):
        self.rules = tuple(sorted(table.rules, key=_declared_order))
        self.first = table.hit_policy == FIRST
        self.max_steps = max_steps
        self.max_regions = max_regions
        self.steps = 0
        self.cut = []
        always = (1 << len(self.rules)) - 1
        self.enforced = _bitmap(rule.mode == ENFORCE for rule in self.rules)
        conditions = defaultdict(lambda: defaultdict(list))
        for bit, rule in enumerate(self.rules):
            for condition in rule.conditions:
                conditions[condition.fact][bit].append(condition)
        #: In the order in which facts are declared: people read the first ones first.
        self.axes = {
            name: _axis(spec, conditions[name], always, self.cut)
            for name, spec in table.specs.items()
            if name in conditions
        }
        self.names = tuple(self.axes)

    def run(self):
        contradictory = self._contradictory()
        dead = {rule.key for rule, _fact in contradictory}
        return Analysis(
            self._gaps(),
            self._overlaps(),
            contradictory,
            tuple(self._unreachable(dead)),
            tuple(self.cut),
        )

    # ------------------------------------------------------------------- rules

    def _contradictory(self):
        found = []
        for bit, rule in enumerate(self.rules):
            for name, axis in self.axes.items():
                if not axis.anywhere >> bit & 1:
                    found.append((rule, name))
                    break
        return tuple(found)

    def _overrules(self, bit):
        """Bitmap of the enforced rules that decide instead of rule ``bit`` where both match."""
        if self.first:
            return self.enforced & ((1 << bit) - 1)
        mine = STRICTNESS[self.rules[bit].outcome]
        return self.enforced & _bitmap(STRICTNESS[rule.outcome] > mine for rule in self.rules)

    def _unreachable(self, dead):
        for bit, rule in enumerate(self.rules):
            if rule.key in dead or not self.enforced >> bit & 1:
                continue
            blockers = self._touching(bit, self._overrules(bit))
            self.steps = 0
            try:
                if blockers and not self._reachable(bit, 0, blockers, set()):
                    yield rule, _select(self.rules, self._needed(bit, blockers))
            except _OutOfSteps:
                self.cut.append(f"Whether rule '{rule.name}' is ever reached was not worked out to the end.")

    def _needed(self, bit, blockers):
        """As few of ``blockers`` as it takes, the earlier ones rather than the later."""
        needed = blockers
        for other in reversed(range(len(self.rules))):
            fewer = needed & ~(1 << other)
            try:
                if fewer and fewer != needed and not self._reachable(bit, 0, fewer, set()):
                    needed = fewer
            except _OutOfSteps:
                break
        return needed

    def _touching(self, bit, others):
        """Those of ``others`` that match somewhere where rule ``bit`` does."""
        for axis in self.axes.values():
            meet = 0
            for bitmap, _cells in axis.classes:
                if bitmap >> bit & 1:
                    meet |= bitmap
            others &= meet
        return others

    def _reachable(self, bit, level, blockers, hopeless):
        """Whether rule ``bit`` is true somewhere where none of ``blockers`` is."""
        self._step()
        if not blockers:
            return True
        if level == len(self.names) or (level, blockers) in hopeless:
            return False
        rest = {blockers & bitmap for bitmap, _cells in self.axes[self.names[level]].classes if bitmap >> bit & 1}
        # Fewer blockers are never worse: of two choices the one with a subset is enough.
        choices = []
        for choice in sorted(rest, key=int.bit_count):
            if not any(better & choice == better for better in choices):
                choices.append(choice)
        if any(self._reachable(bit, level + 1, choice, hopeless) for choice in choices):
            return True
        hopeless.add((level, blockers))
        return False

    def _overlaps(self):
        """Pairs of enforced rules that match together and differ; each region is one box, exactly."""
        found = []
        for high in range(len(self.rules)):
            for low in range(high):
                pair = 1 << low | 1 << high
                earlier, later = self.rules[low], self.rules[high]
                if self.enforced & pair != pair or earlier.outcome == later.outcome:
                    continue
                cells = self._meeting(pair)
                if cells is None:
                    continue
                if len(found) == self.max_regions:
                    self.cut.append(f"There are more overlaps than the {self.max_regions} listed.")
                    return tuple(found)
                decides, other = earlier, later
                if not self.first and STRICTNESS[later.outcome] > STRICTNESS[earlier.outcome]:
                    decides, other = later, earlier
                found.append(Overlap(decides, other, Region(self.axes, cells)))
        return tuple(found)

    def _meeting(self, rules):
        """The box in which all ``rules`` (a bitmap) are true, or None."""
        box = {}
        for name, axis in self.axes.items():
            cells = frozenset(cell for bitmap, own in axis.classes if bitmap & rules == rules for cell in own)
            if not cells:
                return None
            if cells != axis.all_cells:
                box[name] = cells
        return box

    # -------------------------------------------------------------------- gaps

    def _gaps(self):
        """Maximal boxes that together are exactly what no enforced rule matches."""
        self.steps = 0
        boxes = []
        try:
            self._search_gaps(0, self.enforced, (), boxes, set())
        except _OutOfSteps:
            self.cut.append("The search for gaps was stopped: there may be more than those listed.")
        return tuple(Region(self.axes, self._cells_of(box)) for box in boxes)

    def _search_gaps(self, level, matching, chosen, boxes, covered):
        """Walk the axes; ``chosen`` holds the numbers of the classes taken on the axes so far."""
        self._step()
        if not matching:
            self._add_gap(chosen, boxes)
            return True
        if level == len(self.names) or (level, matching) in covered:
            return False
        if any(self._inside(chosen, box) for box in boxes):
            return True
        children = defaultdict(list)
        for number, (bitmap, _cells) in enumerate(self.axes[self.names[level]].classes):
            children[matching & bitmap].append(number)
        found = False
        for child, numbers in children.items():
            found |= self._search_gaps(level + 1, child, (*chosen, frozenset(numbers)), boxes, covered)
        if not found:
            covered.add((level, matching))
        return found

    def _inside(self, chosen, box):
        """Whether all that begins with ``chosen`` lies in ``box``."""
        return all((chosen[n] if n < len(chosen) else self._all_classes(n)) <= box[n] for n in range(len(self.names)))

    def _all_classes(self, level):
        return frozenset(range(len(self.axes[self.names[level]].classes)))

    def _add_gap(self, chosen, boxes):
        if any(self._inside(chosen, box) for box in boxes):
            return
        if len(boxes) == self.max_regions:
            raise _OutOfSteps
        box = [chosen[n] if n < len(chosen) else self._all_classes(n) for n in range(len(self.names))]
        # Widen as far as nothing matches, the last declared facts first.
        for n in reversed(range(len(self.names))):
            others = self.enforced
            for m, numbers in enumerate(box):
                if m != n:
                    others &= self._united(m, numbers)
            box[n] = frozenset(
                number
                for number, (bitmap, _cells) in enumerate(self.axes[self.names[n]].classes)
                if not others & bitmap
            )
        boxes.append(tuple(box))

    def _united(self, level, numbers):
        classes = self.axes[self.names[level]].classes
        bitmap = 0
        for number in numbers:
            bitmap |= classes[number][0]
        return bitmap

    def _cells_of(self, box):
        cells = {}
        for level, numbers in enumerate(box):
            axis = self.axes[self.names[level]]
            own = frozenset(cell for number in numbers for cell in axis.classes[number][1])
            if own != axis.all_cells:
                cells[self.names[level]] = own
        return cells

    def _step(self):
        self.steps += 1
        if self.steps > self.max_steps:
            raise _OutOfSteps


# ------------------------------------------------------------------------- axes


def _axis(spec, by_bit, always, cut):
    kind = _OrderedAxis if spec.type.is_ordered else _SetAxis if spec.type is FactType.SET else _DiscreteAxis
    return kind(spec, by_bit, always, cut)


class _Other:
    """Stands for any value that no rule names."""


class _Axis:
    """The cells of one fact. Subclasses say which there are, where a value lies, and in words."""

    def __init__(self, spec: FactSpec, by_bit, always, cut):
        self.spec = spec
        self.cells = self._make_cells([c for own in by_bit.values() for c in own], cut)
        self.all_cells = frozenset(range(len(self.cells)))
        grouped = defaultdict(list)
        for number, cell in enumerate(self.cells):
            grouped[_fulfilled(by_bit, always, self._sample(cell))].append(number)
        #: ``(bitmap of the rules that are true on this fact, the cells where exactly they are)``
        self.classes = tuple((bitmap, frozenset(numbers)) for bitmap, numbers in grouped.items())
        self.anywhere = 0
        for bitmap in grouped:
            self.anywhere |= bitmap

    def describe(self, cells, name_of=None) -> str:
        return f"{self.spec.label} {self._words(cells, name_of)}"

    def _name(self, value, name_of):
        return _short(self.spec, value, name_of)


class _OrderedAxis(_Axis):
    """Cells are ``(low, high)``: a point where both are equal, else the open interval between."""

    def _make_cells(self, conditions, cut):
        points = set()
        for condition in conditions:
            operand = condition.operand
            points.update(operand if isinstance(operand, tuple) else () if operand is None else (operand,))
        self.points = sorted(points)
        bounds = [None, *self.points, None]
        cells = []
        for low, high in zip(bounds, bounds[1:]):
            if low is not None:
                cells.append((low, low))
            if not self._is_void(low, high):
                cells.append((low, high))
        minimum = self.spec.minimum
        if minimum is not None:
            cells = [
                (low, high)
                for low, high in cells
                if (low is not None and low >= minimum) or high is None or high > minimum
            ]
        if self.spec.optional:
            cells.append("empty")
        self.place = {cell: number for number, cell in enumerate(cells)}
        return cells

    def _is_void(self, low, high):
        """Between two consecutive days lies no day."""
        return self.spec.type is FactType.DATE and low is not None and high is not None and (high - low).days == 1

    def _sample(self, cell):
        if cell == "empty":
            return None
        low, high = cell
        if low == high and low is not None:
            return low
        if self.spec.type is FactType.DATE:
            if low is None:
                return high - timedelta(days=1) if high is not None else date.min
            return low + timedelta(days=1)
        with localcontext() as context:
            context.prec = 100
            if low is None:
                return high - 1 if high is not None else Decimal(0)
            return low + 1 if high is None else (low + high) / 2

    def locate(self, value):
        if isinstance(value, Unknown):
            return None
        if value is None:
            return self.place.get("empty")
        if self.spec.minimum is not None and value < self.spec.minimum:
            return None
        n = bisect_left(self.points, value)
        if n < len(self.points) and self.points[n] == value:
            return self.place.get((value, value))
        bounds = [None, *self.points, None]
        return self.place.get((bounds[n], bounds[n + 1]))

    def _words(self, cells, name_of):
        ordered = sorted(cells)
        empty = bool(ordered) and self.cells[ordered[-1]] == "empty"
        if empty:
            ordered.pop()
        last = len(self.cells) - (2 if self.spec.optional else 1)
        if self.spec.optional and not empty and len(ordered) == last + 1:
            return "is not empty"
        runs = []
        for number in ordered:
            if runs and runs[-1][1] == number - 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        if len(runs) == 2 and runs[0][0] == 0 and runs[1][1] == last and runs[1][0] - runs[0][1] == 2:
            left_out = self.cells[runs[0][1] + 1]
            if left_out[0] == left_out[1]:
                words = [f"is not {self._name(left_out[0], name_of)}"]
                return " or ".join([*words, "is empty"] if empty else words)
        words = [self._run_words(first, end, last, name_of) for first, end in runs]
        return " or ".join([*words, "is empty"] if empty else words)

    def _run_words(self, first, end, last, name_of):
        low, high = self.cells[first], self.cells[end]
        if first == end and low[0] == low[1] and low[0] is not None:
            return f"is {self._name(low[0], name_of)}"
        words = []
        # Below the lowest cell there is nothing that a document could have.
        if low[0] is not None and not (first == 0 and self.spec.minimum is not None):
            words.append(("at least " if low[0] == low[1] else "above ") + self._name(low[0], name_of))
        if high[1] is not None and end != last or (end == last and high[1] is not None):
            words.append(("at most " if high[0] == high[1] else "below ") + self._name(high[1], name_of))
        return "is " + " and ".join(words) if words else "has any value"


class _DiscreteAxis(_Axis):
    """Cells are the options of a selection, yes and no, or the named values and any other."""

    def _make_cells(self, conditions, cut):
        if self.spec.type is FactType.FLAG:
            cells = [True, False]
        elif self.spec.options:
            cells = [key for key, _label in self.spec.options]
        else:
            named = set()
            for condition in conditions:
                operand = condition.operand
                named.update(operand if isinstance(operand, frozenset) else () if operand is None else (operand,))
            cells = [*sorted(named, key=set_order), _Other]
        if self.spec.optional:
            cells.append(None)
        self.place = {cell: number for number, cell in enumerate(cells)}
        return cells

    def _sample(self, cell):
        return object() if cell is _Other else cell

    def locate(self, value):
        if isinstance(value, Unknown):
            return None
        return self.place.get(value, self.place.get(_Other))

    def _words(self, cells, name_of):
        if self.spec.type is FactType.FLAG:
            said = {True: "is yes", False: "is no", None: "is empty"}
            return " or ".join(said[self.cells[number]] for number in sorted(cells))
        known = [number for number, cell in enumerate(self.cells) if cell is not None and cell is not _Other]
        values = [self._name(self.cells[number], name_of) for number in known if number in cells]
        left_out = [self._name(self.cells[number], name_of) for number in known if number not in cells]
        words = []
        if _Other in self.place and self.place[_Other] in cells:
            words.append(f"is none of {', '.join(left_out)}" if left_out else "has any value")
        elif not left_out and _Other not in self.place:
            words.append("has any value")
        elif values:
            words.append("is " + " or ".join(values))
        empty = None in self.place and self.place[None] in cells
        if words == ["has any value"] and not empty:
            return "is not empty"
        return " or ".join([*words, "is empty"] if empty else words)


class _SetAxis(_Axis):
    """Cells are ``(named elements in it, whether it has others)``."""

    def _make_cells(self, conditions, cut):
        named = sorted({element for c in conditions for element in c.operand or ()}, key=set_order)
        self.named = frozenset(named)
        closed = bool(self.spec.options) and len(named) == len(self.spec.options)
        most = len(named)
        if most > MAX_SET_ELEMENTS:
            most = 2
            cut.append(
                f"{self.spec.label}: rules name {len(named)} values; only combinations of up to two were looked at."
            )
        cells = [frozenset(some) for size in range(1, most + 1) for some in combinations(named, size)]
        if most < len(named):
            cells.append(self.named)
        #: Elements that no rule names matter only where there is no named one: empty or not.
        self.place = {cell: number for number, cell in enumerate(cells)}
        self.operands = {c.operand for c in conditions if c.operand}
        self.place["empty"] = len(cells)
        cells.append("empty")
        if not closed:
            self.place["other"] = len(cells)
            cells.append("other")
        return cells

    def _sample(self, cell):
        if cell == "empty":
            return frozenset()
        return frozenset({object()}) if cell == "other" else cell

    def locate(self, value):
        if isinstance(value, Unknown):
            return None
        if not value:
            return self.place["empty"]
        return self.place.get(value & self.named or "other")

    def _words(self, cells, name_of):
        """A conjunction of "contains …" that says exactly this, or else the combinations themselves."""
        inside = {number: self._elements(number) for number in cells}
        statements = []
        groups = sorted(
            {frozenset((element,)) for element in self.named} | self.operands,
            key=lambda g: (len(g), sorted(map(str, g))),
        )
        for group in groups:
            names = ", ".join(self._name(element, name_of) for element in sorted(group, key=set_order))
            one = len(group) == 1
            statements.append((f"contains {names}" if one else f"contains all of {names}", group.__le__))
            statements.append((f"contains any of {names}", lambda own, g=group: not g.isdisjoint(own)))
            statements.append((f"does not contain {names}" if one else f"contains none of {names}", group.isdisjoint))
        every = {number: self._elements(number) for number in self.all_cells}
        tests = [(words, frozenset(number for number, own in every.items() if test(own))) for words, test in statements]
        tests.append(("is empty", frozenset({self.place["empty"]})))
        tests.append(("is not empty", self.all_cells - {self.place["empty"]}))
        true = [(words, holds) for words, holds in tests if cells <= holds and holds != self.all_cells]
        said, rest = [], self.all_cells
        while rest != cells:
            words, holds = min(true, key=lambda item: len(rest & item[1]), default=("", self.all_cells))
            if rest <= holds:
                break
            said.append(words)
            rest &= holds
        if rest == cells:
            return " and ".join(said)
        shown = sorted(inside.values(), key=lambda own: (len(own), sorted(map(str, own))))[:3]
        examples = "; ".join(
            " with ".join(self._name(element, name_of) for element in sorted(own, key=set_order)) or "none of them"
            for own in shown
        )
        return f"is one of {len(cells)} combinations, such as: {examples}"

    def _elements(self, number):
        cell = self.cells[number]
        return frozenset() if cell in ("empty", "other") else cell
