"""The counters of changes and of trail records. Every writer locks them first, so writers take turns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from syndicate.model.records import Entry, RepeatedEntry
from syndicate.store.database import Transaction
from syndicate.store.faults import damaged
from syndicate.store.requests import Reached
from syndicate.store.schema.rows import TrailRow, trail_row
from syndicate.store.schema.tables import as_moment, as_number


@dataclass(slots=True)
class Counters:
    """How far both sequences have come in this transaction. `at` is the time of the newest trail record."""

    change: int
    rights: int
    line: int
    at: datetime

    def next_line(self, entry: Entry | RepeatedEntry) -> TrailRow:
        """Give the row for the next trail record.

        Its time is never before that of the record before it, whatever the clock did.
        """
        self.line += 1
        self.at = max(self.at, entry.at)
        return trail_row(self.line, self.at, entry)


async def reached(transaction: Transaction) -> Reached:
    """How far the change sequence has come, without a lock."""
    row = await transaction.read_counters()
    if row is None:
        raise damaged()
    return Reached(*row)


async def lock_counters(transaction: Transaction) -> Counters:
    """Read the counters and keep others from writing until the transaction ends.

    PostgreSQL locks the row; on SQLite the transaction itself is the lock. What was
    committed before is seen.
    """
    row = await transaction.lock_counters()
    if row is None:
        raise damaged()
    change, rights, line, at = row
    transaction.change = change
    return Counters(change, rights, line, as_moment(at))


async def save_counters(transaction: Transaction, reached_now: Counters) -> None:
    """Write the counters back."""
    now = reached_now
    await transaction.save_counters(now.change, now.rights, now.line, as_number(now.at))
    transaction.change = now.change


async def write_lines(
    transaction: Transaction, reached_now: Counters, entries: Iterable[Entry | RepeatedEntry]
) -> list[TrailRow]:
    """Append these records in their order; the rows, with the numbers and times that they got."""
    rows = [reached_now.next_line(entry) for entry in entries]
    if rows:
        await transaction.append_lines(rows)
    return rows
