"""One SQLite connection, used only in the thread that opened it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Executable, NullPool, Row, create_engine

from syndicate.store.faults import PATIENCE, translating_errors
from syndicate.store.schema.rows import TrailRow

_MILLISECONDS: Final = 1000

_COUNTERS: Final = 'SELECT change, rights, line, "at" FROM counters'
_SAVE_COUNTERS: Final = 'UPDATE counters SET change = ?, rights = ?, line = ?, "at" = ?'
_APPEND_LINE: Final = (
    'INSERT INTO trail (seq, "at", kind, actor, partner, jti, item, body, leaf) '
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_APPEND: Final = tuple(
    (count, _APPEND_LINE + ", (?, ?, ?, ?, ?, ?, ?, ?, ?)" * (count - 1)) for count in (256, 64, 16, 4, 1)
)
"""How many rows a statement appends. The driver lets other threads run at each statement that it executes,
and has to wait for them afterwards: so a group takes few of them."""
_COUNT_MANIFESTS: Final = "SELECT count(*) FROM manifests WHERE digest IN (SELECT value FROM json_each(?))"
_HAS_MANIFEST: Final = "SELECT 1 FROM manifests WHERE digest = ?"
_KEEP_MANIFEST: Final = "INSERT INTO manifests (digest, content) VALUES (?, ?)"

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


class SqliteConnection:
    """The driver's connection, and SQLAlchemy's around it: both see the same transaction.

    Statements that run at every answer go to `driver` as prepared SQL; all others are SQLAlchemy's. The
    driver begins no transaction by itself: `begin` does.
    """

    def __init__(self, engine: Engine) -> None:
        self.sql: Connection = engine.connect()
        driver = self.sql.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self.driver: sqlite3.Connection = driver

    def begin(self, statement: str) -> None:
        """`BEGIN IMMEDIATE` to write, `BEGIN` to read one state of the database."""
        self.driver.execute(statement)

    def commit(self) -> None:
        """Make it durable."""
        if self.sql.in_transaction():
            self.sql.commit()
        else:
            self.driver.commit()

    def rollback(self) -> None:
        """Undo what is open, if anything is."""
        if self.sql.in_transaction():
            self.sql.rollback()
        else:
            self.driver.rollback()

    def close(self) -> None:
        """Undo what is open and let go of the file."""
        try:
            self.rollback()
        finally:
            self.sql.close()

    def rows(self, query: Executable) -> Sequence[Row[Any]]:
        """See `Transaction.rows`."""
        with translating_errors():
            return self.sql.execute(query).all()

    def row(self, query: Executable) -> Row[Any] | None:
        """See `Transaction.row`."""
        with translating_errors():
            return self.sql.execute(query).first()

    def run(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """See `Transaction.run`."""
        with translating_errors():
            return self.sql.execute(statement, values).rowcount

    def lock_counters(self) -> tuple[int, int, int, int] | None:
        """See `Transaction.lock_counters`. The transaction itself is the lock."""
        with translating_errors():
            row: tuple[int, int, int, int] | None = self.driver.execute(_COUNTERS).fetchone()
            return row

    def save_counters(self, change: int, rights: int, line: int, at: int) -> None:
        """See `Transaction.save_counters`."""
        with translating_errors():
            self.driver.execute(_SAVE_COUNTERS, (change, rights, line, at))

    def append_lines(self, rows: Sequence[TrailRow]) -> None:
        """See `Transaction.append_lines`."""
        with translating_errors():
            at = 0
            for count, statement in _APPEND:
                while len(rows) - at >= count:
                    self.driver.execute(statement, tuple(chain.from_iterable(rows[at : at + count])))
                    at += count

    def keep_manifests(self, contents: Mapping[str, bytes]) -> None:
        """See `Transaction.keep_manifests`."""
        with translating_errors():
            if len(contents) > 1:
                found = self.driver.execute(_COUNT_MANIFESTS, (json.dumps(list(contents)),)).fetchone()
                if found == (len(contents),):
                    return
            for digest, content in contents.items():
                if self.driver.execute(_HAS_MANIFEST, (digest,)).fetchone() is None:
                    self.driver.execute(_KEEP_MANIFEST, (digest, content))

    def pragma(self, pragma: str) -> Any:
        """The first row of the answer, outside any transaction of SQLAlchemy's."""
        return self.driver.execute(f"PRAGMA {pragma}").fetchone()

    def set_patience(self, seconds: float) -> None:
        """How long SQLite waits for another process's lock."""
        self.pragma(f"busy_timeout = {int(seconds * _MILLISECONDS)}")


def writer(path: Path, *, make: bool = False) -> Callable[[], SqliteConnection]:
    """Connections that write; `make`: the file too, if it is not there."""
    return _connections(path, {"mode": "rwc" if make else "rw"}, _WRITER)


def reader(path: Path, *, immutable: bool = False) -> Callable[[], SqliteConnection]:
    """Connections that only read; `immutable`: nobody writes to the file meanwhile."""
    return _connections(path, {"immutable": "1"} if immutable else {"mode": "ro"}, _READER)


def _connections(
    path: Path, how: Mapping[str, str], pragmas: Mapping[str, str | int]
) -> Callable[[], SqliteConnection]:
    query = "&".join(f"{name}={value}" for name, value in how.items())

    def connect() -> sqlite3.Connection:
        # None: the driver begins and commits nothing of its own, so that migrations are transactions too.
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?{query}", uri=True, isolation_level=None, timeout=PATIENCE
        )
        try:
            for name, value in pragmas.items():
                connection.execute(f"PRAGMA {name} = {value}")
        except BaseException:
            connection.close()
            raise
        return connection

    # One engine for all of them, so that they share its compiled statements; it pools nothing.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    return lambda: SqliteConnection(engine)
