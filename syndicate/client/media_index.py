"""What is known of the files of media items: which are kept, which are owed, which pages show them.

A small SQLite database in the folder of the client, made when the first media item comes. It is written
before the files that it names, so that every file has its row, also after a kill or a power cut.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from syndicate.client.client_errors import RESTART, FolderDamaged
from syndicate.client.offered_files import file_name, part_name
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName

_FORMAT: Final = 1
_TABLES: Final = """
CREATE TABLE file (
    item TEXT NOT NULL, rendition TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
    version INTEGER NOT NULL, owed INTEGER NOT NULL,
    sha256 TEXT, etag TEXT, part_sha256 TEXT, part_etag TEXT,
    PRIMARY KEY (item, rendition)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_owed ON file (size, item, rendition) WHERE owed = 1;
CREATE TABLE shown (
    media TEXT NOT NULL, story TEXT NOT NULL, PRIMARY KEY (media, story)
) STRICT, WITHOUT ROWID;
CREATE INDEX shown_by ON shown (story);
CREATE TABLE stale (item TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
_COLUMNS: Final = "item, rendition, type, size, version, owed, sha256, etag, part_sha256, part_etag"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file of a version of a media item.

    `sha256` (hex) and `etag` are of the file that is kept, None without one. `owed`: it is still to be
    fetched, or to be compared with the server's. `part_sha256` and `part_etag` are of the file that was
    begun last.
    """

    item: ItemId
    rendition: RenditionName
    content_type: str
    size: int
    version: int
    owed: bool = True
    sha256: str | None = None
    etag: str | None = None
    part_sha256: str | None = None
    part_etag: str | None = None

    @property
    def key(self) -> tuple[ItemId, RenditionName]:
        """Which file this is."""
        return self.item, self.rendition

    @property
    def name(self) -> str:
        """The name of the kept file."""
        return file_name(self.item, self.rendition, self.content_type)

    @property
    def part(self) -> str:
        """The name of the file while it is being fetched."""
        return part_name(self.item, self.rendition)


class MediaIndex:
    """The database at `path`. Every method is one transaction, or part of the one of `change`.

    Threads may share it. Raises FolderDamaged where it cannot be read, OSError where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.RLock()
        self._open: sqlite3.Connection | None = self._connect() if path.exists() else None

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make what the block writes durable in one step, or nothing of it."""
        with self._lock, self._faults():
            database = self._open = self._open or self._connect()
            if database.in_transaction:
                yield
                return
            database.execute("BEGIN IMMEDIATE")
            with ExitStack() as undone:
                undone.callback(_roll_back, database)
                yield
                database.execute("COMMIT")

    def files(self, item: ItemId) -> list[FileRow]:
        """The files of an item."""
        return [_row(one) for one in self._read(f"SELECT {_COLUMNS} FROM file WHERE item = ?", item)]  # noqa: S608

    def all_files(self) -> list[FileRow]:
        """Every file."""
        return [_row(one) for one in self._read(f"SELECT {_COLUMNS} FROM file ORDER BY item, rendition")]  # noqa: S608

    def items(self) -> set[str]:
        """The id of every item with a file, kept or owed."""
        return {one[0] for one in self._read("SELECT DISTINCT item FROM file")}

    def owed(self, limit: int) -> list[FileRow]:
        """Files that are owed, the smallest first: no picture waits for a film."""
        query = f"SELECT {_COLUMNS} FROM file WHERE owed = 1 ORDER BY size, item, rendition LIMIT ?"  # noqa: S608
        return [_row(one) for one in self._read(query, limit)]

    def owed_sum(self) -> tuple[int, int]:
        """How many files are owed, and their bytes."""
        found = self._read("SELECT count(*), coalesce(sum(size), 0) FROM file WHERE owed = 1")
        return found[0] if found else (0, 0)

    def put(self, row: FileRow) -> None:
        """Write the row of a file in place of any other."""
        values = (*row.key, row.content_type, row.size, row.version, int(row.owed))
        digests = (row.sha256, row.etag, row.part_sha256, row.part_etag)
        with self.change():
            self._write(f"REPLACE INTO file ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", *values, *digests)  # noqa: S608

    def drop(self, row: FileRow) -> None:
        """Forget a file."""
        with self.change():
            self._write("DELETE FROM file WHERE item = ? AND rendition = ?", *row.key)

    def show(self, story: ItemId, media: Iterable[ItemId]) -> None:
        """Note which media items the page of a story may show."""
        now, before = (
            set(media),
            {one[0] for one in self._read("SELECT media FROM shown WHERE story = ?", story)},
        )
        if now != before:
            with self.change():
                self._write("DELETE FROM shown WHERE story = ?", story)
                for one in sorted(now):
                    self._write("INSERT INTO shown (media, story) VALUES (?, ?)", one, story)

    def shows(self, story: ItemId) -> bool:
        """Whether the page of a story may show any media item."""
        return bool(self._read("SELECT 1 FROM shown WHERE story = ? LIMIT 1", story))

    def outdate(self, media: ItemId) -> None:
        """Note that the pages that show this media item are to be made again, its own too."""
        with self.change():
            self._write("INSERT OR IGNORE INTO stale SELECT story FROM shown WHERE media = ?", media)
            self._write("INSERT OR IGNORE INTO stale VALUES (?)", media)

    def stale(self) -> list[ItemId]:
        """Items whose pages are to be made again."""
        return [ItemId(one[0]) for one in self._read("SELECT item FROM stale ORDER BY item")]

    def renewed(self, items: Iterable[ItemId]) -> None:
        """Note that these pages were made again."""
        with self.change():
            for one in items:
                self._write("DELETE FROM stale WHERE item = ?", one)

    def _connect(self) -> sqlite3.Connection:
        with self._faults():
            made = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
            try:
                # The journal of a killed run is undone here. EXTRA: durable when COMMIT returns.
                made.execute("PRAGMA journal_mode = DELETE")
                made.execute("PRAGMA synchronous = EXTRA")
                found = made.execute("PRAGMA user_version").fetchone()[0]
                if not found:
                    made.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_FORMAT}; COMMIT;")
                elif found != _FORMAT:
                    text = Text(
                        "由另一版客户端写成，请升级", "was written by another release of this client"
                    )
                    raise FolderDamaged(Text(f"{self._path} ", f"{self._path} ") + text)
            except BaseException:
                made.close()
                raise
            return made

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._lock, self._faults():
            return [] if self._open is None else self._open.execute(query, values).fetchall()

    def _write(self, statement: str, *values: object) -> None:
        assert self._open is not None, "write inside `change`"
        self._open.execute(statement, values)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, str(error), str(self._path)) from None
            if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise OSError(errno.EIO, str(error), str(self._path)) from None
            raise FolderDamaged(
                Text(f"{self._path} 不可用（{error}）", f"{self._path} cannot be used ({error})") + RESTART
            ) from None


def _roll_back(database: sqlite3.Connection) -> None:
    """Undo a transaction that was not committed."""
    if database.in_transaction:
        database.execute("ROLLBACK")


def _row(values: Any) -> FileRow:
    item, rendition, kind, size, version, owed, sha256, etag, part_sha256, part_etag = values
    return FileRow(
        item=ItemId(item),
        rendition=RenditionName(rendition),
        content_type=kind,
        size=size,
        version=version,
        owed=bool(owed),
        sha256=sha256,
        etag=etag,
        part_sha256=part_sha256,
        part_etag=part_etag,
    )
