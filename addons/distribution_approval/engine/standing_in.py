"""Standing in: who may decide on behalf of whom, for one case.

A :class:`Link` says "while this holds, ``substitute`` stands in for ``person``". The caller
passes only links that hold for the case: in force today, of its document type, site, company
and amount, and of a person who is away if the delegation is for absences. Rules:

1. A substitute stands in for a candidate over one link, or over a chain of at most
   :data:`MAX_LINKS` – the substitute has a substitute of their own.
2. Every person along the chain must be qualified to decide the case and not be excluded from
   it. A chain neither begins at nor passes an excluded person.
3. A chain meets nobody twice, so a loop ends where it began. Nobody stands in for themselves.
4. Whoever is a candidate decides in their own name and stands in for nobody.
5. A person stands in for one candidate only: over the shortest chain, then in the order of
   candidates and links.
6. Of an excluded person everybody is excluded who stands in for them, over a chain of any
   length.

>>> links = [Link('ann', 'bob', 1), Link('bob', 'cyn', 2), Link('cyn', 'ann', 3)]
>>> for stand_in in stand_ins(['ann'], links, {'ann', 'bob', 'cyn'}): print(stand_in)
StandIn(person='bob', principal='ann', via=(1,))
StandIn(person='cyn', principal='ann', via=(1, 2))
>>> stand_ins(['ann'], links, {'ann', 'bob', 'cyn'}, excluded={'bob'})
()
>>> sorted(stands_in_for({'bob'}, links[:2]))
['cyn']
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

#: Longest chain of substitutes.
MAX_LINKS = 3


@dataclass(frozen=True, slots=True)
class Link:
    """``substitute`` stands in for ``person``; ``key`` names the delegation that says so."""

    person: Hashable
    substitute: Hashable
    key: Hashable = None


@dataclass(frozen=True, slots=True)
class StandIn:
    """``person`` may decide on behalf of ``principal``, by the delegations ``via``."""

    person: Hashable
    principal: Hashable
    via: tuple = ()


def stand_ins(
    candidates: Iterable[Hashable],
    links: Iterable[Link],
    qualified: Iterable[Hashable],
    excluded: Iterable[Hashable] = (),
) -> tuple[StandIn, ...]:
    """Everybody who may decide on behalf of one of ``candidates``.

    :param qualified: who could decide the case at all (role, company, active)
    :param excluded: who had a hand in the document, and who stands in for such a person
    """
    excluded = frozenset(excluded)
    able = frozenset(qualified) - excluded
    principals = tuple(dict.fromkeys(person for person in candidates if person not in excluded))
    by_person: dict[Hashable, list[Link]] = {}
    for link in links:
        by_person.setdefault(link.person, []).append(link)
    found: dict[Hashable, StandIn] = {}
    reached = [(person, person, ()) for person in principals]
    for _length in range(MAX_LINKS):
        following = []
        for person, principal, via in reached:
            for link in by_person.get(person, ()):
                other = link.substitute
                if other in able and other not in found and other not in principals:
                    found[other] = StandIn(other, principal, (*via, link.key))
                    following.append((other, principal, found[other].via))
        reached = following
    return tuple(found.values())


def stands_in_for(people: Iterable[Hashable], links: Iterable[Link]) -> frozenset:
    """Everybody who stands in for one of ``people``, over a chain of any length."""
    by_person: dict[Hashable, set] = {}
    for link in links:
        by_person.setdefault(link.person, set()).add(link.substitute)
    origin = frozenset(people)
    seen = set(origin)
    waiting = list(origin)
    while waiting:
        for other in by_person.get(waiting.pop(), set()) - seen:
            seen.add(other)
            waiting.append(other)
    return frozenset(seen) - origin
