"""The database on a PostgreSQL server, for where one machine is not enough."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import URL, NullPool, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from syndicate.errors import StoreDamaged
from syndicate.language import Text
from syndicate.store.database import Database, T, Transaction, Work, opened, to_the_end
from syndicate.store.faults import PATIENCE, translating_errors
from syndicate.store.postgresql.change_listener import CHANNEL, ChangeListener
from syndicate.store.postgresql.gate_statement import GateStatement
from syndicate.store.postgresql.password_file import explained, silence_driver
from syndicate.store.postgresql.postgresql_transaction import PostgresqlTransaction, connected
from syndicate.store.requests import Outcome, Pending
from syndicate.store.schema.release import bring_up, require_current
from syndicate.store.sqlite.write_lock import Turn

_CONNECTIONS: Final = range(4, 101)
"""How many connections a process may have: two that write, one that listens, and one reader or more."""
_MIGRATING: Final = 0x73796E64
"""The advisory lock that two migrations at once meet at."""


class PostgresqlDatabase(Database):
    """See `Database`. `url` names the `asyncpg` driver.

    It has at most `connections` connections: one writes groups of trail records (`GateStatement`) and one
    all else, since the writers of a process take turns; one listens, and the others read. So readers never
    keep a writer waiting, nor the reverse.
    """

    def __init__(self, url: URL, connections: int) -> None:
        if connections not in _CONNECTIONS:
            raise ValueError(f"{connections} connections")
        self._url, self._connections = url, connections
        self._readers: AsyncEngine | None = None
        self._writer: AsyncEngine | None = None
        self._snapshots: AsyncEngine | None = None
        self._listener: ChangeListener | None = None
        self._turn = Turn()
        self._gate = GateStatement()

    @override
    async def create(self) -> bool:
        engine = _engine(self._url, patience=0, poolclass=NullPool)
        with explained(self._url):
            async with connected(engine) as connection:
                with translating_errors():
                    return await to_the_end(_bring_up(connection))

    @override
    async def open(self) -> None:
        readers = _pooled(self._url, self._connections - 3)
        try:
            with explained(self._url):
                async with connected(readers) as connection:
                    with translating_errors():
                        await _require_utf8(connection)
                        await connection.run_sync(require_current)
        except BaseException:
            await to_the_end(readers.dispose())
            raise
        self._readers, self._writer = readers, _pooled(self._url, 2)
        # Several questions in one transaction see one state of the database.
        self._snapshots = readers.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._listener = ChangeListener(_engine(self._url, poolclass=NullPool))
        self._listener.begin()

    @override
    async def close(self) -> None:
        if self._listener is not None:
            await self._listener.end()
        await to_the_end(self._gate.close())
        for engine in (self._readers, self._writer):
            if engine is not None:
                await to_the_end(engine.dispose())
        self._readers = self._writer = self._snapshots = self._listener = None

    @override
    def notice(self) -> int:
        return opened(self._listener).notice()

    @override
    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        async with connected(opened(self._snapshots)) as connection:
            yield PostgresqlTransaction(connection)

    @override
    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        listener, writer = opened(self._listener), opened(self._writer)
        # In turn within the process first, for the time that is left of the five seconds.
        async with self._turn.taken() as left, connected(writer) as connection:
            transaction = PostgresqlTransaction(connection)
            if left < PATIENCE * 0.9:
                await transaction.run(text(f"SET LOCAL statement_timeout = {max(1000, int(left * 1000))}"))
            yield transaction
            with translating_errors():
                await to_the_end(_commit(connection, transaction, listener))

    @override
    async def read(self, work: Work[T]) -> T:
        async with self.reading() as transaction:
            return await work(transaction)

    @override
    async def transact(self, work: Work[T], *, lazily: bool = False) -> T:
        return await to_the_end(self._transact(work, lazily=lazily))

    async def _transact(self, work: Work[T], *, lazily: bool = False) -> T:
        async with self.writing() as transaction:
            if lazily:
                await transaction.run(text("SET LOCAL synchronous_commit = off"))
            return await work(transaction)

    @override
    async def record(self, pending: Sequence[Pending]) -> list[Outcome]:
        return await to_the_end(self._record(pending))

    async def _record(self, pending: Sequence[Pending]) -> list[Outcome]:
        async with self._turn.taken() as left:
            # Who waited long has less time left than a statement may take.
            if left > PATIENCE * 0.9 and await self._gate.record(opened(self._writer), pending):
                return [Outcome.WRITTEN] * len(pending)
        return await self._transact(lambda transaction: self._gate.record_long(transaction, pending))


async def _commit(connection: AsyncConnection, transaction: Transaction, listener: ChangeListener) -> None:
    if transaction.announces:
        # Sent by the server when, and only if, the transaction is committed.
        await connection.execute(select(func.pg_notify(CHANNEL, "")))
    await connection.commit()
    if transaction.announces:
        listener.bump()


async def _bring_up(connection: AsyncConnection) -> bool:
    await _require_utf8(connection)
    await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
    done = await connection.run_sync(bring_up)
    await connection.commit()
    return done


async def _require_utf8(connection: AsyncConnection) -> None:
    encoding = (await connection.execute(text("SHOW server_encoding"))).scalar_one()
    if encoding != "UTF8":
        raise StoreDamaged(
            Text(
                f"数据库的编码是 {encoding}，必须是 UTF8：请用 createdb --encoding=UTF8 重新建立",
                f"the database is encoded in {encoding} and must be in UTF8: "
                "make it anew with createdb --encoding=UTF8",
            )
        )


def _pooled(url: URL, size: int) -> AsyncEngine:
    """An engine with at most so many connections, each looked at before it is used."""
    return _engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,
        pool_use_lifo=True,
    )


def _engine(url: URL, *, patience: float = PATIENCE, **pool: Any) -> AsyncEngine:
    """`patience` is what one statement may take, in seconds; 0: any time, for migrations."""
    silence_driver()
    milliseconds = int(PATIENCE * 1000)
    return create_async_engine(
        url,
        connect_args={
            "timeout": PATIENCE,
            # Past what the server itself allows a statement: only a server that hangs gets this far.
            "command_timeout": 2 * patience or None,
            "server_settings": {
                "application_name": "syndicate",
                "lock_timeout": str(milliseconds),
                # Beside it, not instead: where several wait for one row, each lock has its own timeout.
                "statement_timeout": str(int(patience * 1000)),
                # No session holds up the others by going quiet inside a transaction.
                "idle_in_transaction_session_timeout": str(6 * milliseconds),
                # An acknowledged write is on the disk, whatever the server's own habit is.
                "synchronous_commit": "on",
            },
        },
        hide_parameters=True,
        **pool,
    )
