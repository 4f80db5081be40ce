"""Implement `Store` on SQLite or PostgreSQL, chosen by the database URL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Executable, Row
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from typing_extensions import override

from syndicate.errors import StoreFault
from syndicate.language import Text
from syndicate.model.register import Register
from syndicate.store.counters import lock_counters, reached
from syndicate.store.database import Database, Transaction
from syndicate.store.edition_groups import EditionGroups
from syndicate.store.edition_records import EditionContent
from syndicate.store.protocol import Outcome, Pending, Reached, Reads, Store, Writing
from syndicate.store.transaction import SqlReadQueries, SqlSnapshot, SqlWriting

T = TypeVar("T")


POSTGRESQL_CONNECTIONS: Final = 7
"""How many connections a process has to PostgreSQL where the settings do not say."""


def open_store(address: str, connections: int = POSTGRESQL_CONNECTIONS) -> SqlStore:
    """Return the store for this URL, not yet open: call `open` or `create`.

    `connections` is how many connections this process may have to PostgreSQL, 4 to 100.

    `sqlite+aiosqlite:////absolute/path.db` or `postgresql+asyncpg://user:password@host/name`. Raises
    StoreFault (`store_address`) for any other; what it says never repeats the address, which may hold a
    password.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise _not_an_address() from None
    if url.drivername == "postgresql+asyncpg" and url.database:
        # Here, not above: each of the two loads a good part of SQLAlchemy that the other does not need.
        from syndicate.store.postgresql.engine import PostgresqlDatabase

        return SqlStore(PostgresqlDatabase(url, connections))
    if url.drivername == "sqlite+aiosqlite" and url.database and url.database != ":memory:":
        from syndicate.store.sqlite.engine import SqliteDatabase

        return SqlStore(SqliteDatabase(Path(url.database).absolute()))
    raise _not_an_address()


def _not_an_address() -> StoreFault:
    return StoreFault(
        Text(
            "数据库地址有误：应为 sqlite+aiosqlite:////绝对路径/syndicate.db，"
            "或 postgresql+asyncpg://用户:密码@主机/数据库",
            "this is no address of a database: expected sqlite+aiosqlite:////absolute/path/syndicate.db "
            "or postgresql+asyncpg://user:password@host/database",
        ),
        code="store_address",
    )


class SqlStore(SqlReadQueries, Store):
    """SQL implementation of `Store`; use each instance in one event loop only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._editions = EditionGroups(database)

    @override
    def _reading(self) -> AbstractAsyncContextManager[Transaction]:
        return self._database.reading()

    @override
    async def create(self) -> bool:
        return await self._database.create()

    @override
    async def open(self) -> None:
        await self._database.open()

    @override
    async def close(self) -> None:
        await self._database.close()

    @override
    def notice(self) -> int:
        return self._database.notice()

    @property
    @override
    def notice_is_exact(self) -> bool:
        return self._database.notice_is_exact

    @override
    async def _rows(self, query: Executable) -> Sequence[Row[Any]]:
        return await self._database.read(lambda transaction: transaction.rows(query))

    @override
    async def _row(self, query: Executable) -> Row[Any] | None:
        return await self._database.read(lambda transaction: transaction.row(query))

    @override
    async def read(self, work: Callable[[Reads], Awaitable[T]]) -> T:
        async def whole(transaction: Transaction) -> T:
            return await work(SqlSnapshot(transaction))

        return await self._database.read(whole)

    @override
    async def register(self) -> Register:
        return await self.read(lambda reads: reads.register())

    @override
    async def sequence(self) -> Reached:
        return await self._database.read(reached)

    @override
    async def edition_moment(
        self, feed: str, recipient: str, digest: str, *, judged: int, at: datetime
    ) -> datetime | None:
        return await self._editions.moment(EditionContent(feed, recipient, digest, judged, at))

    @override
    async def record(self, pending: Sequence[Pending]) -> list[Outcome]:
        if not pending:
            return []
        return await self._database.record(pending)

    @override
    async def transact(self, work: Callable[[Writing], Awaitable[T]]) -> T:
        async def whole(transaction: Transaction) -> T:
            writing = SqlWriting(transaction, await lock_counters(transaction))
            result = await work(writing)
            await writing.finish()
            return result

        return await self._database.transact(whole)

    @override
    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        async with self._database.writing() as transaction:
            writing = SqlWriting(transaction, await lock_counters(transaction))
            yield writing
            await writing.finish()
