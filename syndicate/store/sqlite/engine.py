"""The database in one SQLite file: one writer at a time, durable at every commit, readable meanwhile.

Beside `NAME.db` stand `NAME.db-lock` (whose turn it is to write), `NAME.db-notice` (see `notice.py`) and
SQLite's own `-wal` and `-shm`, all for the server's user alone. Nothing here opens the database file but
SQLite itself, once it is there: closing such a file would take away the locks that SQLite holds on it for
the whole process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from syndicate.errors import StoreBusy, StoreFault, StoreReadOnly
from syndicate.store.counters import reached
from syndicate.store.database import Database, Transaction, connected, opened, to_the_end
from syndicate.store.faults import PATIENCE, broken_disk, damaged, missing, translating_errors
from syndicate.store.private_files import private_file, private_folder
from syndicate.store.schema.release import bring_up, require_current
from syndicate.store.sqlite.change_notice import Notice
from syndicate.store.sqlite.write_lock import FileTurn

_READERS: Final = 4
_LOG_LIMIT: Final = 4 * 2**20
"""Bytes of log after which it is brought into the database."""
_CHECKED_WHOLE: Final = 64 * 2**20
"""Up to this size (bytes) every page is checked at the start; it takes a fraction of a second."""
_MILLISECONDS: Final = 1000

_WRITER: Final[dict[str, str | int]] = {
    "busy_timeout": int(PATIENCE * _MILLISECONDS),
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "wal_autocheckpoint": 0,
    "foreign_keys": "ON",
    "recursive_triggers": "ON",
    "trusted_schema": "OFF",
}
_READER: Final[dict[str, str | int]] = {
    "busy_timeout": int(PATIENCE * _MILLISECONDS),
    "wal_autocheckpoint": 0,
    "query_only": "ON",
    "trusted_schema": "OFF",
}


class SqliteDatabase(Database):
    """See `Database`. `path` is absolute; beyond `log_limit` bytes the log is brought into the database."""

    def __init__(self, path: Path, log_limit: int = _LOG_LIMIT) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._turn = FileTurn(path.with_name(f"{path.name}-lock"))
        self._notice = Notice(path.with_name(f"{path.name}-notice"), (path, self._log))
        self._reader: AsyncEngine | None = None
        self._writer: AsyncEngine | None = None
        self._wrote = False
        self._broken = False
        self._short_patience = False
        self._log_limit = self._next_checkpoint = log_limit
        self._frozen: tuple[tuple[int, int], ...] | None = None

    @override
    async def create(self) -> bool:
        with translating_errors():
            private_folder(self._path.parent)
        async with self._turn.taken():
            with translating_errors():
                # SQLite gives `-wal` and `-shm` the mode that it finds on the database.
                private_file(self._path)
            engine = _engine(self._path, {"mode": "rwc"}, _WRITER, "BEGIN IMMEDIATE", 1)
            try:
                async with connected(engine) as connection:
                    with translating_errors():
                        return await to_the_end(_bring_up(connection))
            finally:
                # In our turn too: SQLite brings the log into the database when the last one leaves.
                await to_the_end(engine.dispose())

    @override
    async def open(self) -> None:
        with translating_errors():
            if not self._path.exists():
                raise missing()
            if not self._path.is_file():
                raise damaged()
        await self._open_reader()
        self._writer = _engine(self._path, {"mode": "rw"}, _WRITER, "BEGIN IMMEDIATE", 1)
        self._notice.attach()
        try:
            async with self._turn.taken(patience=0), self.reading() as transaction:
                self._notice.tell((await reached(transaction)).change)
        except (StoreBusy, StoreReadOnly):
            return  # who writes now tells the number at the end of the turn; where nobody can, it stays

    @override
    async def close(self) -> None:
        # SQLite brings the log in when the last one leaves, unless that one only reads.
        if self._writer is not None and self._broken:
            # While our readers are still there: a disk that failed is not synced again, the second sync
            # would lie.
            await to_the_end(self._writer.dispose())
        if self._reader is not None:
            await to_the_end(self._reader.dispose())
        if self._writer is not None and self._wrote and not self._broken:
            try:
                async with self._turn.taken():
                    await to_the_end(self._writer.dispose())
            except StoreFault:
                # Another is writing, so we are not the last.
                await to_the_end(self._writer.dispose())
        self._reader = self._writer = None
        self._wrote = self._broken = False
        self._notice.close()

    @override
    def notice(self) -> int:
        return self._notice.read()

    @override
    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        if self._frozen is not None and self._frozen != self._traces():
            await self._open_reader()
        self._notice.attach()
        async with connected(opened(self._reader)) as connection:
            yield Transaction(connection)

    @override
    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        if self._broken:
            raise broken_disk()
        writer = opened(self._writer)
        async with self._turn.taken() as left:
            try:
                async with connected(writer) as connection:
                    self._wrote = True
                    transaction = Transaction(connection)
                    with translating_errors():
                        await to_the_end(self._begin(connection, left))
                    yield transaction
                    with translating_errors():
                        await to_the_end(self._commit(connection, transaction))
            except StoreFault as fault:
                if fault.code == broken_disk().code:
                    self._broken = True
                raise

    async def _begin(self, connection: AsyncConnection, left: float) -> None:
        # Waiting for our lock and for SQLite's together is no longer than we promise.
        short = left < PATIENCE * 0.9
        if short or self._short_patience:
            await _pragma(
                connection, f"busy_timeout = {int((left if short else PATIENCE) * _MILLISECONDS)}"
            )
            self._short_patience = short
        await connection.begin()

    async def _commit(self, connection: AsyncConnection, transaction: Transaction) -> None:
        await connection.commit()
        if transaction.change is not None:
            self._notice.tell(transaction.change)
        if self._log_size() > self._next_checkpoint:
            await self._checkpoint(connection)

    async def _checkpoint(self, connection: AsyncConnection) -> None:
        """Bring the log into the database and empty it.

        In our turn, and never the fault of the write that set it off: that one is durable already.
        """
        await _pragma(connection, "busy_timeout = 100")
        try:
            held = (await _pragma(connection, "wal_checkpoint(TRUNCATE)"))[0]
        except sqlite3.OperationalError as fault:
            held = True
            if fault.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
                self._broken = True
        self._short_patience = True  # so that the next turn sets the usual patience again
        # Somebody is reading from the log: not again at every write.
        self._next_checkpoint = self._log_limit + (self._log_size() if held else 0)

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    async def _open_reader(self) -> None:
        """Open for reading, and look whether the database is whole and of this release.

        In a folder that cannot be written SQLite needs the log's index, or the promise that nobody writes.
        We may promise that only while there is no log, and look again whenever the files have changed.
        """
        old, self._reader, self._frozen = self._reader, None, None
        if old is not None:
            await to_the_end(old.dispose())
        traces = self._traces()
        with translating_errors():
            try:
                self._reader = await self._looked_at({"mode": "ro"})
            except DBAPIError as fault:
                if not _cannot_share(fault) or self._log_size() > 0:
                    raise
                self._reader = await self._looked_at({"immutable": "1"})
                self._frozen = traces

    async def _looked_at(self, how: Mapping[str, str]) -> AsyncEngine:
        engine = _engine(self._path, how, _READER, "BEGIN", _READERS)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(require_current)
                if self._path.stat().st_size <= _CHECKED_WHOLE:
                    found = (await connection.execute(text("PRAGMA quick_check(1)"))).scalar_one()
                    if found != "ok":
                        raise damaged()
        except BaseException:
            await to_the_end(engine.dispose())
            raise
        return engine

    def _traces(self) -> tuple[tuple[int, int], ...]:
        traces = []
        for path in (self._path, self._log):
            try:
                found = path.stat()
                traces.append((found.st_mtime_ns, found.st_size))
            except OSError:
                traces.append((0, 0))
        return tuple(traces)


def _engine(
    path: Path, how: Mapping[str, str], pragmas: Mapping[str, str | int], begin: str, size: int
) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=f"file:{quote(str(path))}", query={**how, "uri": "true"})
    engine = create_async_engine(
        url,
        # None: the driver begins and commits nothing of its own, so that migrations are transactions too.
        connect_args={"isolation_level": None, "timeout": PATIENCE},
        pool_size=size,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_reset_on_return=None,  # `connected` undoes what is open; a second rollback only costs time
        hide_parameters=True,
    )

    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for name, value in pragmas.items():
            cursor.execute(f"PRAGMA {name} = {value}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", set_up)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


async def _bring_up(connection: AsyncConnection) -> bool:
    await connection.begin()
    done = await connection.run_sync(bring_up)
    await connection.commit()
    return done


async def _pragma(connection: AsyncConnection, pragma: str) -> Any:
    """Outside any transaction, past SQLAlchemy, which would begin one. The first row."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    rows = list(await driver.execute_fetchall(f"PRAGMA {pragma}"))
    return rows[0] if rows else None


def _cannot_share(fault: DBAPIError) -> bool:
    code = getattr(fault.orig, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
