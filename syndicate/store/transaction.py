"""One act of staff in SQL: what it keeps, its number in the change sequence, and its trail record."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from typing_extensions import override

from syndicate.model.records import Entry
from syndicate.store.counters import save_counters
from syndicate.store.database import Transaction
from syndicate.store.protocol import Change, ItemAct, Reached, Writing
from syndicate.store.queries.change_queries import SqlChangeReads, SqlChangeWrites
from syndicate.store.queries.delivery_queries import SqlDeliveryReads
from syndicate.store.queries.feed_queries import SqlFeedReads
from syndicate.store.queries.history_queries import SqlHistoryReads
from syndicate.store.queries.item_acts import write_acts
from syndicate.store.queries.item_queries import SqlItemReads, SqlItemWrites
from syndicate.store.queries.media_queries import SqlMediaReads
from syndicate.store.queries.rights_queries import SqlRightsReads, SqlRightsWrites
from syndicate.store.queries.trail_queries import SqlTrailReads, SqlTrailWrites


class SqlReadQueries(
    SqlItemReads,
    SqlFeedReads,
    SqlMediaReads,
    SqlRightsReads,
    SqlTrailReads,
    SqlChangeReads,
    SqlDeliveryReads,
    SqlHistoryReads,
):
    """Every read, for `SqlStore` (a transaction each) and `SqlWriting` (all in its own)."""


class SqlSnapshot(SqlReadQueries):
    """Every read, all in one transaction: see `Store.read`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @override
    def _reading(self) -> AbstractAsyncContextManager[Transaction]:
        return nullcontext(self._transaction)


class SqlWriting(SqlItemWrites, SqlRightsWrites, SqlTrailWrites, SqlChangeWrites, SqlReadQueries, Writing):
    """`Writing` in SQL. Without a call of `finish` nothing of it stays."""

    _has_changed = False
    _has_lines = False

    @override
    async def reached(self) -> Reached:
        return Reached(self._counters.change, self._counters.rights)

    @override
    async def _reached(self, transaction: Transaction) -> Reached:
        return await self.reached()

    @override
    async def append(self, entry: Entry) -> int:
        self._has_lines = True
        return await super().append(entry)

    @override
    async def changed(self, change: Change) -> int:
        self._has_changed = True
        self._counters.change += 1
        if change is Change.RIGHTS:
            self._counters.rights = self._counters.change
        return self._counters.change

    @override
    async def put_acts(self, acts: Sequence[ItemAct]) -> None:
        before = self._counters.change
        await write_acts(self._transaction, self._counters, acts)
        self._has_changed = self._has_changed or self._counters.change != before
        self._has_lines = self._has_lines or any(act.entries for act in acts)
        self._has_written = self._has_written or any(act.version or act.holds for act in acts)

    async def finish(self) -> None:
        """Check the act against its rules and write the counters back.

        Raises RuntimeError where the rules are broken: a mistake in this program, not of who acted.
        """
        if self._has_written and not self._has_changed:
            raise RuntimeError("something was kept and no change was announced: readers would not see it")
        if self._has_changed and not self._has_lines:
            raise RuntimeError("no act without its record in the trail")
        if self._has_written:
            await self.open_ended_holds()
        if self._has_changed or self._has_lines:
            await save_counters(self._transaction, self._counters)
            self._transaction.announces = self._has_changed
