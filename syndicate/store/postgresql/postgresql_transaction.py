"""One transaction on PostgreSQL, through SQLAlchemy and asyncpg in the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import Executable, Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from syndicate.store.database import Transaction, to_the_end
from syndicate.store.faults import translating_errors
from syndicate.store.schema.rows import TrailRow

_LOCK_COUNTERS: Final = text('SELECT change, rights, line, "at" FROM counters FOR UPDATE')
_SAVE_COUNTERS: Final = text(
    'UPDATE counters SET change = :change, rights = :rights, line = :line, "at" = :at'
)
_APPEND_LINES: Final = text(
    'INSERT INTO trail (seq, "at", kind, actor, partner, jti, item, body, leaf) '
    "VALUES (:seq, :at, :kind, :actor, :partner, :jti, :item, :body, :leaf)"
)
_KEEP_MANIFEST: Final = text(
    "INSERT INTO manifests (digest, content) VALUES (:digest, :content) ON CONFLICT (digest) DO NOTHING"
)


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection from the engine's pool; whatever was not committed on it is undone at the end."""
    connection = engine.connect()
    try:
        with translating_errors():
            await to_the_end(connection.start())
        yield connection
    finally:
        if connection.sync_connection is not None:
            with translating_errors():
                await to_the_end(connection.close())


class PostgresqlTransaction(Transaction):
    """See `Transaction`. A cancellation waits for the statement that was begun."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__()
        self._connection = connection

    @override
    async def rows(self, query: Executable) -> Sequence[Row[Any]]:
        with translating_errors():
            result = await to_the_end(self._connection.execute(query))
        return result.all()

    @override
    async def row(self, query: Executable) -> Row[Any] | None:
        with translating_errors():
            result = await to_the_end(self._connection.execute(query))
        return result.first()

    @override
    async def run(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        with translating_errors():
            result = await to_the_end(self._connection.execute(statement, values))
        return result.rowcount

    @override
    async def lock_counters(self) -> tuple[int, int, int, int] | None:
        row = await self.row(_LOCK_COUNTERS)
        return None if row is None else (row.change, row.rights, row.line, row.at)

    @override
    async def save_counters(self, change: int, rights: int, line: int, at: int) -> None:
        await self.run(_SAVE_COUNTERS, {"change": change, "rights": rights, "line": line, "at": at})

    @override
    async def append_lines(self, rows: Sequence[TrailRow]) -> None:
        await self.run(_APPEND_LINES, [row._asdict() for row in rows])

    @override
    async def keep_manifests(self, contents: Mapping[str, bytes]) -> None:
        lists = [{"digest": digest, "content": content} for digest, content in contents.items()]
        await self.run(_KEEP_MANIFEST, lists)
