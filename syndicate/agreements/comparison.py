"""Compare two licences: list each difference, and whether it widens or narrows what the partner may do.

Pure. Numbers and the names of clauses are no difference: a licence that follows another has a new number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from syndicate.agreements.writer import written
from syndicate.model.rights import Except, Grant, Licence, Quota

_ALIKE: Final = 0.5
"""Parts that are less alike than this are not the same part changed, but one gone and another come."""
_LONGEST_MONTH: Final = 31
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Effect(StrEnum):
    """What a difference does to what the partner may do."""

    WIDENS = "widens"
    NARROWS = "narrows"
    BOTH = "both"
    """Some of both, or neither."""


class Part(StrEnum):
    """Where in a licence a difference lies."""

    LICENCE = "licence"
    GRANT = "grant"
    EXCEPT = "except"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between two licences, with both values as their files write them (JSON values).

    `field` is the file's name for it. A grant or exception that stands in one licence alone has its
    part's name as field, its whole content as the one value, and None as the other and as that clause.
    `grants` of a licence: the same grants in another order, which decides which is cited and counted.
    """

    part: Part
    field: str
    old_clause: str | None
    new_clause: str | None
    was: Any
    now: Any
    effect: Effect


def compare(old: Licence, new: Licence, zone: tzinfo) -> list[Difference]:
    """List every difference in the order of the file, with times in `zone`."""
    was, now = written(old, zone), written(new, zone)
    found = list(_terms(old, new, was, now))
    pairs = _pairs(old.grants, new.grants, _grants_alike)
    found += _parts(Part.GRANT, pairs, was["grants"], now["grants"], old.grants, new.grants, _grant_effects)
    kept = [(i, j) for i, j in pairs if i is not None and j is not None]
    if kept != sorted(kept, key=lambda pair: pair[1]):
        orders = (
            [old.grants[i].clause for i, _ in sorted(kept, key=lambda pair: pair[1])],
            [old.grants[i].clause for i, _ in kept],
        )
        found.append(Difference(Part.LICENCE, "grants", None, None, orders[1], orders[0], Effect.BOTH))
    pairs = _pairs(old.excepts, new.excepts, _excepts_alike)
    found += _parts(
        Part.EXCEPT, pairs, was["except"], now["except"], old.excepts, new.excepts, _except_effects
    )
    return found


def _terms(old: Licence, new: Licence, was: dict[str, Any], now: dict[str, Any]) -> Iterator[Difference]:
    """What stands at the head of the file."""
    effects = {
        "partner": None if old.partner == new.partner else Effect.BOTH,
        "valid_from": _grows(old.window.opens, new.window.opens, Effect.NARROWS),
        "valid_until": _grows(old.window.closes or _NEVER, new.window.closes or _NEVER, Effect.WIDENS),
        "takedown": _grows(old.takedown, new.takedown, Effect.WIDENS),
        "overdue": _grows(old.suspend_overdue, new.suspend_overdue, Effect.NARROWS),
    }
    for field, effect in effects.items():
        if effect is not None:
            yield Difference(Part.LICENCE, field, None, None, was[field], now[field], effect)


class _Clause(Protocol):
    @property
    def clause(self) -> str: ...


C = TypeVar("C", bound=_Clause)
Pairs = list[tuple[int | None, int | None]]


def _parts(
    part: Part,
    pairs: Pairs,
    was: Sequence[dict[str, Any]],
    now: Sequence[dict[str, Any]],
    old: Sequence[C],
    new: Sequence[C],
    effects: Callable[[C, C], dict[str, Effect | None]],
) -> Iterator[Difference]:
    more, less = (Effect.WIDENS, Effect.NARROWS) if part is Part.GRANT else (Effect.NARROWS, Effect.WIDENS)
    for i, j in pairs:
        if i is None and j is not None:
            yield Difference(part, part.value, None, new[j].clause, None, now[j], more)
        elif j is None and i is not None:
            yield Difference(part, part.value, old[i].clause, None, was[i], None, less)
        elif i is not None and j is not None:
            for field, effect in effects(old[i], new[j]).items():
                if effect is not None:
                    values = was[i][field], now[j][field]
                    yield Difference(part, field, old[i].clause, new[j].clause, *values, effect)


def _pairs(old: Sequence[C], new: Sequence[C], alike: Callable[[C, C], float]) -> Pairs:
    """Pair the parts of two licences: the most alike first, and of equals the nearest in order.

    What has no partner stands alone: the old ones in their order, then the new ones.
    """
    scored = [(alike(a, b), -abs(i - j), -i, -j) for i, a in enumerate(old) for j, b in enumerate(new)]
    mates: dict[int, int] = {}
    taken: set[int] = set()
    for likeness, _, i, j in sorted(scored, reverse=True):
        if likeness >= _ALIKE and -i not in mates and -j not in taken:
            mates[-i] = -j
            taken.add(-j)
    return [(i, mates.get(i)) for i in range(len(old))] + [
        (None, j) for j in range(len(new)) if j not in taken
    ]


def _grants_alike(one: Grant, other: Grant) -> float:
    sets = (
        _overlap(one.uses, other.uses)
        + _overlap(one.outlets, other.outlets)
        + _overlap(one.media, other.media)
        + _overlap(one.channels, other.channels)
    )
    limits = [
        one.delay == other.delay,
        one.archive == other.archive,
        one.retain == other.retain,
        one.may_edit == other.may_edit,
        one.quota == other.quota,
        one.early == other.early,
        one.renditions == other.renditions,
        one.visible_line == other.visible_line,
    ]
    return 0.8 * sets / 4 + 0.2 * sum(limits) / len(limits)


def _excepts_alike(one: Except, other: Except) -> float:
    return (
        _overlap(one.uses, other.uses)
        + _overlap(one.outlets, other.outlets)
        + _overlap(one.media, other.media)
        + _overlap(one.channels, other.channels)
    ) / 4


def _overlap(one: AbstractSet[str] | None, other: AbstractSet[str] | None) -> float:
    """How much two lists have in common, from 0 to 1; None is a list of everything."""
    if one is None or other is None:
        return 1.0 if one is other else 0.4
    return len(one & other) / len(one | other)


def _grant_effects(old: Grant, new: Grant) -> dict[str, Effect | None]:
    archive = None if old.archive == new.archive else Effect.BOTH
    if old.archive is not None and new.archive is not None:
        archive = _grows(old.archive, new.archive, Effect.WIDENS)
    return {
        "uses": _more(old.uses, new.uses),
        "outlets": _more(old.outlets, new.outlets),
        "media": _more(old.media, new.media),
        "channels": _more(old.channels, new.channels),
        "delay": _grows(old.delay, new.delay, Effect.NARROWS),
        "archive": archive,
        "retain": _grows(old.retain or timedelta.max, new.retain or timedelta.max, Effect.WIDENS),
        "may_edit": _grows(old.may_edit, new.may_edit, Effect.WIDENS),
        "quota": _quota(old.quota, new.quota),
        "early": _grows(old.early, new.early, Effect.WIDENS),
        "renditions": _more(old.renditions, new.renditions),
        "visible_line": _grows(old.visible_line, new.visible_line, Effect.NARROWS),
    }


def _except_effects(old: Except, new: Except) -> dict[str, Effect | None]:
    return {
        "uses": _opposite(_more(old.uses, new.uses)),
        "outlets": _opposite(_more(old.outlets, new.outlets)),
        "media": _opposite(_more(old.media, new.media)),
        "channels": _opposite(_more(old.channels, new.channels)),
    }


def _more(old: AbstractSet[str] | None, new: AbstractSet[str] | None) -> Effect | None:
    """A longer list gives more; None is a list of everything."""
    if old == new:
        return None
    if new is None or (old is not None and old < new):
        return Effect.WIDENS
    if old is None or new < old:
        return Effect.NARROWS
    return Effect.BOTH


def _opposite(effect: Effect | None) -> Effect | None:
    """What excepts more gives less."""
    turned = {Effect.WIDENS: Effect.NARROWS, Effect.NARROWS: Effect.WIDENS}
    return None if effect is None else turned.get(effect, effect)


def _grows(old: Any, new: Any, effect: Effect) -> Effect | None:
    """`effect` where the value has grown, the opposite where it has shrunk."""
    if old == new:
        return None
    return effect if new > old else _opposite(effect)


def _quota(old: Quota | None, new: Quota | None) -> Effect | None:
    """No quota gives most. So many a day beats as many a month; a month has 31 days at most."""
    if old == new:
        return None
    if new is None or (old is not None and _covers(new, old)):
        return Effect.WIDENS
    if old is None or _covers(old, new):
        return Effect.NARROWS
    return Effect.BOTH


def _covers(one: Quota, other: Quota) -> bool:
    """Whether everything that `other` allows is allowed by `one`."""
    if one.per == "month" and other.per == "day":
        return one.items >= other.items * _LONGEST_MONTH
    return one.items >= other.items
