"""Statements (结算): item versions delivered to partners, and recalled, added up by owner.

Arithmetic alone: it takes deliveries and the recalls and reinstatements of their items, wherever these
were read, and adds them up. Spans include their beginning and not their end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from enum import StrEnum

from syndicate.model.changes import Delivery
from syndicate.model.item import Medium
from syndicate.model.names import ItemId, OutletId, PartnerId
from syndicate.model.rights import Window


class Movement(StrEnum):
    """What can happen to an item version in a partner's account."""

    DELIVERED = "delivered"
    RECALLED = "recalled"
    REINSTATED = "reinstated"


@dataclass(frozen=True, slots=True)
class RecallChange:
    """A recall of an item, or the end of one (`recalled` is False), as a record of the trail states it."""

    item: ItemId
    line: int
    at: datetime
    recalled: bool


@dataclass(frozen=True, slots=True)
class Account:
    """The keys by which one row of a report adds up deliveries. None: unknown.

    In a statement `outlet` is None and `clause` empty: it does not split by them.
    """

    owner: str | None
    medium: Medium | None
    partner: PartnerId
    outlet: OutletId | None = None
    clause: str = ""

    @property
    def place(self) -> tuple[object, ...]:
        """The sort key in a report: owner, outlet, medium (in the order of `Medium`), partner, clause.

        What is unknown comes last.
        """
        medium = len(Medium) if self.medium is None else list(Medium).index(self.medium)
        owner, outlet = (self.owner is None, self.owner or ""), (self.outlet is None, self.outlet or "")
        return (owner, outlet, medium, self.partner, self.clause)


@dataclass(frozen=True, slots=True)
class Balance:
    """Item versions delivered, recalled and reinstated, and what that leaves."""

    delivered: int = 0
    recalled: int = 0
    reinstated: int = 0

    @property
    def net(self) -> int:
        """Negative when recalls of earlier deliveries exceed this period's deliveries."""
        return self.delivered - self.recalled + self.reinstated

    def __add__(self, other: Balance) -> Balance:
        return Balance(
            self.delivered + other.delivered,
            self.recalled + other.recalled,
            self.reinstated + other.reinstated,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One account's balance; `lines` are the numbers of the trail's records behind it, where asked for."""

    account: Account
    balance: Balance
    lines: tuple[int, ...] = ()


class Tally:
    """Adds up movements by account, in any order."""

    def __init__(self, *, lines: bool = False) -> None:
        self._counts: dict[Account, Counter[Movement]] = defaultdict(Counter)
        self._lines: dict[Account, set[int]] = defaultdict(set)
        self._keeps_lines = lines

    def add(self, account: Account, movement: Movement, line: int) -> None:
        """One movement, and the line that says so."""
        self._counts[account][movement] += 1
        if self._keeps_lines:
            self._lines[account].add(line)

    def rows(self) -> tuple[Row, ...]:
        """Every account that moved, in its place."""
        return tuple(
            Row(account, _balance(self._counts[account]), tuple(sorted(self._lines.get(account, ()))))
            for account in sorted(self._counts, key=lambda one: one.place)
        )


def _balance(counts: Counter[Movement]) -> Balance:
    return Balance(counts[Movement.DELIVERED], counts[Movement.RECALLED], counts[Movement.REINSTATED])


def statement_movements(
    delivery: Delivery, turns: Iterable[RecallChange], within: Window
) -> Iterator[tuple[Movement, int]]:
    """The movements of a delivery within a span, each with its record: what a statement counts.

    `turns` are all those of its item, in the order of lines. A recall counts only for a delivery not
    already recalled; a reinstatement only for a recalled one. The delivery may be older than the span.
    """
    if delivery.at in within:
        yield Movement.DELIVERED, delivery.line
    stands = True
    for turn in turns:
        if turn.line > delivery.line and turn.recalled == stands:
            stands = not turn.recalled
            if turn.at in within:
                yield Movement.RECALLED if turn.recalled else Movement.REINSTATED, turn.line


def usage_movements(
    delivery: Delivery, turns: Sequence[RecallChange], within: Window
) -> Iterator[tuple[Movement, int]]:
    """What a usage report counts: a delivery within the span, and the recall that it is under now."""
    if delivery.at in within:
        yield Movement.DELIVERED, delivery.line
        under = [turn for turn in turns if turn.line > delivery.line]
        if under and under[-1].recalled:
            yield Movement.RECALLED, under[-1].line


def total(rows: Iterable[Row]) -> Balance:
    """All of them together."""
    return sum((row.balance for row in rows), Balance())


def by_owner(rows: Sequence[Row]) -> list[tuple[str | None, Balance]]:
    """Each owner's total, in the order of the rows."""
    owners = dict.fromkeys(row.account.owner for row in rows)
    return [(owner, total(row for row in rows if row.account.owner == owner)) for owner in owners]


def days(first: date, end: date, zone: tzinfo) -> Window:
    """From midnight of `first` to midnight of `end`; `end` is not included."""
    return Window(datetime.combine(first, time(), zone), datetime.combine(end, time(), zone))


def month(year: int, number: int, zone: tzinfo) -> Window:
    """A calendar month. Raises ValueError if `number` is not 1 to 12."""
    following = date(year + number // 12, number % 12 + 1, 1)
    return days(date(year, number, 1), following, zone)
