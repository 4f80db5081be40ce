"""What every class of queries builds on: where its transaction comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from sqlalchemy import Executable, Row, Table, insert, update

from syndicate.store.counters import Counters
from syndicate.store.database import Transaction

_MAX_PARAMETERS = 500
"""How many values one statement takes at most: SQLite limits its parameters."""


def batches(values: Collection[Any]) -> Iterable[list[Any]]:
    """The values in lists that are short enough for one statement each."""
    listed = list(values)
    return (listed[start : start + _MAX_PARAMETERS] for start in range(0, len(listed), _MAX_PARAMETERS))


class SqlReads(ABC):
    """Base of the query classes. Each of their methods does its work in one transaction."""

    @abstractmethod
    def _reading(self) -> AbstractAsyncContextManager[Transaction]:
        """The transaction to read in: a new one, or the one that is open."""

    async def _rows(self, query: Executable) -> Sequence[Row[Any]]:
        """Every row of the answer to a single query."""
        async with self._reading() as transaction:
            return await transaction.rows(query)

    async def _row(self, query: Executable) -> Row[Any] | None:
        """The first row of the answer to a single query, or None."""
        async with self._reading() as transaction:
            return await transaction.row(query)


class SqlWrites(SqlReads):
    """Base of the classes that write: they share one open transaction and its counters.

    `has_written` is set once something is kept that readers must be told of.
    """

    def __init__(self, transaction: Transaction, counters: Counters) -> None:
        self._transaction = transaction
        self._counters = counters
        self._has_written = False

    def _reading(self) -> AbstractAsyncContextManager[Transaction]:
        return nullcontext(self._transaction)

    @property
    def _next_line(self) -> int:
        """The number of the trail record that will tell of what is being kept."""
        return self._counters.line + 1

    async def _upsert(self, table: Table, key: str, values: dict[str, Any]) -> None:
        """Replace the row whose column `key` has this value, or add it."""
        here = table.c[key] == values[key]
        if not await self._transaction.run(update(table).where(here).values(values)):
            await self._transaction.run(insert(table), values)
