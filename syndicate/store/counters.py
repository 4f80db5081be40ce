"""The two sequences, of changes and of trail lines: every writer takes them first, and in turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from syndicate.model.records import Entry
from syndicate.store.database import Transaction
from syndicate.store.faults import damaged
from syndicate.store.schema.rows import line_values
from syndicate.store.schema.tables import counters, trail


@dataclass(slots=True)
class Count:
    """How far both sequences have come in this transaction. `at` is the newest line's moment."""

    change: int
    rights: int
    line: int
    at: datetime

    def next_line(self, entry: Entry) -> dict[str, Any]:
        """The row for the next line. Its moment is never before the line's before it, whatever the clock
        did."""
        self.line += 1
        self.at = max(self.at, entry.at)
        return line_values(self.line, self.at, entry)


async def take(session: Transaction) -> Count:
    """Take the turn: from here until the transaction ends no other writes (PostgreSQL: the row's lock;
    SQLite: the transaction itself), and what others committed before is seen."""
    row = await session.row(
        select(counters.c.change, counters.c.rights, counters.c.line, counters.c.at).with_for_update()
    )
    if row is None:
        raise damaged()
    session.change = row.change
    return Count(row.change, row.rights, row.line, row.at)


async def keep(session: Transaction, count: Count) -> None:
    """Write the sequences back."""
    await session.run(
        update(counters),
        {"change": count.change, "rights": count.rights, "line": count.line, "at": count.at},
    )
    session.change = count.change


async def write_lines(session: Transaction, count: Count, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Append these lines in their order; the rows, with the numbers and moments that they got."""
    rows = [count.next_line(entry) for entry in entries]
    if rows:
        await session.run(insert(trail), rows)
    return rows
