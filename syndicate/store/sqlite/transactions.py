"""The two ways to use a connection's transaction: in its own thread, or from the event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable, Row
from typing_extensions import override

from syndicate.store.database import Transaction
from syndicate.store.faults import translating_errors
from syndicate.store.schema.rows import TrailRow
from syndicate.store.sqlite.connection_thread import ConnectionThread
from syndicate.store.sqlite.sqlite_connection import SqliteConnection

T = TypeVar("T")


class DirectTransaction(Transaction):
    """A transaction in its connection's own thread: nothing here ever suspends.

    So a coroutine that awaits only these methods can be run to its end without an event loop; see `run`.
    """

    def __init__(self, connection: SqliteConnection) -> None:
        super().__init__()
        self.connection = connection

    @override
    async def rows(self, query: Executable) -> Sequence[Row[Any]]:
        return self.connection.rows(query)

    @override
    async def row(self, query: Executable) -> Row[Any] | None:
        return self.connection.row(query)

    @override
    async def run(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        return self.connection.run(statement, values)

    @override
    async def read_counters(self) -> tuple[int, int] | None:
        # Every worker asks once a second, and after every notice.
        found = self.connection.lock_counters()
        return None if found is None else found[:2]

    @override
    async def lock_counters(self) -> tuple[int, int, int, int] | None:
        return self.connection.lock_counters()

    @override
    async def save_counters(self, change: int, rights: int, line: int, at: int) -> None:
        self.connection.save_counters(change, rights, line, at)

    @override
    async def append_lines(self, rows: Sequence[TrailRow]) -> None:
        self.connection.append_lines(rows)

    @override
    async def keep_manifests(self, contents: Mapping[str, bytes]) -> None:
        self.connection.keep_manifests(contents)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends; its result.

    Raises RuntimeError for one that waits for anything else than its transaction.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("the work of a transaction may await nothing but the transaction")


class ThreadTransaction(Transaction):
    """A transaction used from the event loop: each statement is a job of the connection's thread.

    `begin` opens it before its first statement, where it is not open yet.
    """

    def __init__(self, thread: ConnectionThread, begin: str | None = None) -> None:
        super().__init__()
        self._thread = thread
        self._begin = begin

    @override
    async def rows(self, query: Executable) -> Sequence[Row[Any]]:
        return await self._call(lambda connection: connection.rows(query))

    @override
    async def row(self, query: Executable) -> Row[Any] | None:
        return await self._call(lambda connection: connection.row(query))

    @override
    async def run(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        return await self._call(lambda connection: connection.run(statement, values))

    @override
    async def lock_counters(self) -> tuple[int, int, int, int] | None:
        return await self._call(lambda connection: connection.lock_counters())

    @override
    async def save_counters(self, change: int, rights: int, line: int, at: int) -> None:
        await self._call(lambda connection: connection.save_counters(change, rights, line, at))

    @override
    async def append_lines(self, rows: Sequence[TrailRow]) -> None:
        await self._call(lambda connection: connection.append_lines(rows))

    @override
    async def keep_manifests(self, contents: Mapping[str, bytes]) -> None:
        await self._call(lambda connection: connection.keep_manifests(contents))

    async def _call(self, function: Callable[[SqliteConnection], T]) -> T:
        begin, self._begin = self._begin, None
        if begin is None:
            return await self._thread.call(function)

        def first(connection: SqliteConnection) -> T:
            with translating_errors():
                connection.begin(begin)
            return function(connection)

        return await self._thread.call(first)
