"""The base class of the SQLite and PostgreSQL databases: transactions and a change notice."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from sqlalchemy import Executable, Row, select

from syndicate.store.requests import Outcome, Pending
from syndicate.store.schema.rows import TrailRow
from syndicate.store.schema.tables import counters

T = TypeVar("T")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do this even if the caller is cancelled meanwhile; the cancellation comes through afterwards.

    A statement that was begun is not left running behind a lock that was given up.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as cancellation:
            cancelled = cancellation
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, so that it is not reported as lost
        raise cancelled
    return task.result()


def opened(part: T | None) -> T:
    """The part, which is there from `open` to `close`."""
    if part is None:
        raise RuntimeError("open() before anything else")
    return part


class Transaction(ABC):
    """One transaction, as queries see it. Errors come out as ours.

    `change` is the change number that the transaction found or reached, `announces` whether it took a
    new one: what the change notice is made from once it is committed.
    """

    def __init__(self) -> None:
        self.change: int | None = None
        self.announces = False

    @abstractmethod
    async def rows(self, query: Executable) -> Sequence[Row[Any]]:
        """Every row of the answer."""

    @abstractmethod
    async def row(self, query: Executable) -> Row[Any] | None:
        """The first row of the answer, or None."""

    @abstractmethod
    async def run(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Write; how many rows it met (unknown for several sets of values)."""

    async def read_counters(self) -> tuple[int, int] | None:
        """The last change and the last change of rights, without a lock."""
        row = await self.row(select(counters.c.change, counters.c.rights))
        return None if row is None else (row.change, row.rights)

    # What follows runs at every licensed answer, so each database has prepared statements for it.

    @abstractmethod
    async def lock_counters(self) -> tuple[int, int, int, int] | None:
        """The row of `counters` (change, rights, line, at), which no other writer gets until the end."""

    @abstractmethod
    async def save_counters(self, change: int, rights: int, line: int, at: int) -> None:
        """Replace the row of `counters`."""

    @abstractmethod
    async def append_lines(self, rows: Sequence[TrailRow]) -> None:
        """Insert these into `trail`."""

    @abstractmethod
    async def keep_manifests(self, contents: Mapping[str, bytes]) -> None:
        """Insert those that are not there yet, by digest. Only after `lock_counters`."""


Work = Callable[[Transaction], Coroutine[Any, Any, T]]
"""What is done in one transaction. It awaits nothing but the transaction's methods."""


class Database(ABC):
    """One engine room. Everything above it is the same for both."""

    @abstractmethod
    async def create(self) -> bool:
        """See `Store.create`."""

    @abstractmethod
    async def open(self) -> None:
        """See `Store.open`."""

    @abstractmethod
    async def close(self) -> None:
        """See `Store.close`."""

    @abstractmethod
    def notice(self) -> int:
        """See `Store.notice`."""

    @property
    def notice_is_exact(self) -> bool:
        """See `Store.notice_is_exact`."""
        return False

    @abstractmethod
    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that sees one state of the database and writes nothing."""

    @abstractmethod
    def writing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that may write: durable at the end of the block, undone by any exception.

        After it has taken the counters' row (`count.take`), no other process writes until it ends.
        """

    @abstractmethod
    async def read(self, work: Work[T]) -> T:
        """Do this in one transaction that writes nothing; see `Store.read`."""

    @abstractmethod
    async def transact(self, work: Work[T], *, lazily: bool = False) -> T:
        """Do this in one transaction like that of `writing`; see `Store.transact`.

        `lazily`: do not wait for the disk. It is durable with the next transaction that waits; after a
        power failure before that it is missing, whole.
        """

    @abstractmethod
    async def record(self, pending: Sequence[Pending]) -> list[Outcome]:
        """See `Store.record`; never without any."""
