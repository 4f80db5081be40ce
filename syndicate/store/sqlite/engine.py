"""The database in one SQLite file: one writer at a time, durable at every commit, readable meanwhile.

One thread writes and a few read, each with a connection of its own. Beside `NAME.db` stand `NAME.db-lock`
(whose turn it is to write), `NAME.db-notice` (see `change_notice.py`) and SQLite's own `-wal` and `-shm`,
all for the server's user alone. Nothing here opens the database file but SQLite itself, once it is there:
closing such a file would take away the locks that SQLite holds on it for the whole process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from syndicate.errors import StoreBusy, StoreFault, StoreReadOnly
from syndicate.store import gate
from syndicate.store.counters import reached
from syndicate.store.database import Database, T, Transaction, Work, opened
from syndicate.store.faults import PATIENCE, broken_disk, damaged, missing, translating_errors
from syndicate.store.private_files import private_file, private_folder
from syndicate.store.requests import Outcome, Pending
from syndicate.store.schema.release import bring_up, require_current
from syndicate.store.sqlite.change_notice import Notice
from syndicate.store.sqlite.connection_thread import ConnectionThread
from syndicate.store.sqlite.reader_pool import ReaderPool
from syndicate.store.sqlite.sqlite_connection import SqliteConnection, reader, writer
from syndicate.store.sqlite.transactions import DirectTransaction, ThreadTransaction, run
from syndicate.store.sqlite.write_lock import FileTurn

_READERS: Final = 4
_LOG_LIMIT: Final = 4 * 2**20
"""Bytes of log after which it is brought into the database."""
_COMMIT_SIZE: Final = 32 * 2**10
"""Bytes that a group of trail lines adds to the log, roughly. To ask for the log's size costs as much as a
line, so commits are counted, and the size is looked at after some of them."""
_CHECKED_WHOLE: Final = 64 * 2**20
"""Up to this size (bytes) every page is checked at the start; it takes a fraction of a second."""


class SqliteDatabase(Database):
    """See `Database`. `path` is absolute; beyond `log_limit` bytes the log is brought into the database."""

    def __init__(self, path: Path, log_limit: int = _LOG_LIMIT) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._turn = FileTurn(path.with_name(f"{path.name}-lock"))
        self._notice = Notice(path.with_name(f"{path.name}-notice"), (path, self._log))
        self._readers: ReaderPool | None = None
        self._writer: ConnectionThread | None = None
        self._wrote = False
        self._broken = False
        self._short_patience = False
        self._lazy = False
        self._log_limit = log_limit
        self._log_commits = max(1, log_limit // _COMMIT_SIZE)
        self._commits = 0
        """Commits of this process since it last brought in the log."""
        self._log_high = 0
        """The log's size then. SQLite writes it anew from its beginning and cuts nothing off."""
        self._frozen: tuple[tuple[int, int], ...] | None = None

    @override
    async def create(self) -> bool:
        with translating_errors():
            private_folder(self._path.parent)
        async with self._turn.taken():
            with translating_errors():
                # SQLite gives `-wal` and `-shm` the mode that it finds on the database.
                private_file(self._path)
            thread = ConnectionThread("syndicate-create", writer(self._path, make=True))
            try:
                return await thread.call(_bring_up)
            finally:
                # In our turn too: SQLite brings the log into the database when the last one leaves.
                await thread.close()

    @override
    async def open(self) -> None:
        with translating_errors():
            if not self._path.exists():
                raise missing()
            if not self._path.is_file():
                raise damaged()
        await self._open_readers()
        self._writer = self._new_writer()
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
            await self._writer.close()
        if self._readers is not None:
            await self._readers.close()
        if self._writer is not None and self._wrote and not self._broken:
            try:
                async with self._turn.taken():
                    await self._writer.close()
            except StoreFault:
                # Another is writing, so we are not the last.
                await self._writer.close()
        elif self._writer is not None:
            await self._writer.close()
        self._readers = self._writer = None
        self._wrote = self._broken = False
        self._notice.close()
        self._turn.close()

    @override
    def notice(self) -> int:
        return self._notice.read()

    @property
    @override
    def notice_is_exact(self) -> bool:
        return self._notice.shared

    @override
    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        async with (await self._ready_readers()).taken() as thread:
            try:
                yield ThreadTransaction(thread, begin="BEGIN")
            finally:
                thread.post(SqliteConnection.rollback)

    @override
    async def read(self, work: Work[T]) -> T:
        def whole(connection: SqliteConnection) -> T:
            with translating_errors():
                connection.begin("BEGIN")
            try:
                return run(work(DirectTransaction(connection)))
            finally:
                connection.rollback()

        async with (await self._ready_readers()).taken() as thread:
            return await thread.call(whole)

    @override
    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        async with self._turn_to_write() as (thread, left):
            transaction = ThreadTransaction(thread)
            try:
                await thread.call(lambda connection: self._begin(connection, left))
                yield transaction
                await self._notified(
                    thread, lambda connection: (None, self._commit(connection, transaction))
                )
            except BaseException:
                if not thread.ended:
                    await thread.call(_undo)
                raise

    @override
    async def transact(self, work: Work[T], *, lazily: bool = False) -> T:
        def whole(connection: SqliteConnection) -> tuple[T, int | None]:
            self._begin(connection, left, lazily=lazily)
            try:
                transaction = DirectTransaction(connection)
                result = run(work(transaction))
                return result, self._commit(connection, transaction)
            except BaseException:
                _undo(connection)
                raise

        async with self._turn_to_write() as (thread, left):
            return await self._notified(thread, whole)

    @override
    async def record(self, pending: Sequence[Pending]) -> list[Outcome]:
        return await self.transact(lambda transaction: gate.record(transaction, pending))

    @asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[tuple[ConnectionThread, float]]:
        """The writing thread, ours until the end of the block, and how many seconds it may wait."""
        if self._broken:
            raise broken_disk()
        opened(self._writer)
        async with self._turn.taken() as left:
            thread = opened(self._writer)
            if thread.ended:
                thread = self._writer = self._new_writer()
            self._wrote = True
            try:
                yield thread, left
            except StoreFault as fault:
                if fault.code == broken_disk().code:
                    self._broken = True
                raise

    async def _notified(
        self, thread: ConnectionThread, function: Callable[[SqliteConnection], tuple[T, int | None]]
    ) -> T:
        """Run what commits; then give the change number it returns to the notice, whoever was cancelled."""
        job = thread.begin(function)
        cancelled = await job.done()
        if job.error is None:
            change = job.result()[1]
            if change is not None:
                self._notice.tell(change)
        if cancelled is not None:
            raise cancelled
        return job.result()[0]

    def _new_writer(self) -> ConnectionThread:
        self._lazy = False
        return ConnectionThread("syndicate-writer", writer(self._path))

    def _begin(self, connection: SqliteConnection, left: float, *, lazily: bool = False) -> None:
        with translating_errors():
            if lazily is not self._lazy:
                # NORMAL: the log is synced at the next commit of another kind, and before it is brought in.
                connection.pragma(f"synchronous = {'NORMAL' if lazily else 'FULL'}")
                self._lazy = lazily
            # Waiting for our lock and for SQLite's together is no longer than we promise.
            short = left < PATIENCE * 0.9
            if short or self._short_patience:
                connection.set_patience(left if short else PATIENCE)
                self._short_patience = short
            connection.begin("BEGIN IMMEDIATE")

    def _commit(self, connection: SqliteConnection, transaction: Transaction) -> int | None:
        """Make it durable; the change number that it found or reached, if it looked."""
        with translating_errors():
            connection.commit()
        self._commits += 1
        if self._log_is_long():
            self._checkpoint(connection)
        return transaction.change

    def _log_is_long(self) -> bool:
        if self._commits >= self._log_commits:
            return True
        look = self._commits % max(1, self._log_commits // 8) == 0
        return look and self._log_size() > self._log_high + self._log_limit

    def _checkpoint(self, connection: SqliteConnection) -> None:
        """Bring the log into the database, so that it begins anew.

        In our turn, and never the fault of the write that set it off: that one is durable already. Where
        somebody reads from the log it is tried again when it has grown as much again, not at every write.
        The file keeps its size, since a sync is cheaper where no file grows; a very long one is cut off.
        """
        cut = self._log_size() > 4 * self._log_limit
        try:
            connection.set_patience(0.1)
            connection.pragma(f"wal_checkpoint({'TRUNCATE' if cut else 'RESTART'})")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
                self._broken = True
        self._short_patience = True  # so that the next turn sets the usual patience again
        self._commits, self._log_high = 0, self._log_size()

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    async def _ready_readers(self) -> ReaderPool:
        if self._frozen is not None and self._frozen != self._traces():
            await self._open_readers()
        self._notice.attach()
        return opened(self._readers)

    async def _open_readers(self) -> None:
        """Open for reading, and look whether the database is whole and of this release.

        In a folder that cannot be written SQLite needs the log's index, or the promise that nobody writes.
        We may promise that only while there is no log, and look again whenever the files have changed.
        """
        old, self._readers, self._frozen = self._readers, None, None
        if old is not None:
            await old.close()
        traces = self._traces()
        try:
            self._readers = await self._checked(immutable=False)
        except StoreFault as fault:
            if not _cannot_share(fault.__cause__) or self._log_size() > 0:
                raise
            self._readers = await self._checked(immutable=True)
            self._frozen = traces

    async def _checked(self, *, immutable: bool) -> ReaderPool:
        readers = ReaderPool(reader(self._path, immutable=immutable), _READERS)
        try:
            async with readers.taken() as thread:
                await thread.call(self._check)
        except BaseException:
            await readers.close()
            raise
        return readers

    def _check(self, connection: SqliteConnection) -> None:
        with translating_errors():
            require_current(connection.sql)
            connection.rollback()
            if (
                self._path.stat().st_size <= _CHECKED_WHOLE
                and connection.pragma("quick_check(1)")[0] != "ok"
            ):
                raise damaged()

    def _traces(self) -> tuple[tuple[int, int], ...]:
        traces = []
        for path in (self._path, self._log):
            try:
                found = path.stat()
                traces.append((found.st_mtime_ns, found.st_size))
            except OSError:
                traces.append((0, 0))
        return tuple(traces)


def _bring_up(connection: SqliteConnection) -> bool:
    with translating_errors():
        connection.begin("BEGIN IMMEDIATE")
        try:
            done = bring_up(connection.sql)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return done


def _undo(connection: SqliteConnection) -> None:
    with translating_errors():
        connection.rollback()


def _cannot_share(cause: BaseException | None) -> bool:
    fault = cause.orig if isinstance(cause, DBAPIError) else cause
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
