"""One transaction on PostgreSQL, through SQLAlchemy and asyncpg in the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from syndicate.store.database import Transaction, to_the_end
from syndicate.store.faults import translating_errors


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
