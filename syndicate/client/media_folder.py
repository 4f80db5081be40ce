"""The files of media items in a partner's folder.

    FOLDER/media/{id}.{rendition}.{ending}       files that may be held, whole and checked
    FOLDER/.syndicate/parts/{id}.{rendition}.part  files that are being fetched
    FOLDER/.syndicate/media.db                   what is known of them (`media_index`)

A row comes before its file and goes after it. So a file without a row is left of a crash, and is removed
when the folder is opened. A file of another version than its item's is removed before the item is replaced.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from syndicate.client.media_index import FileRow, MediaIndex
from syndicate.client.offered_files import (
    FILE_NAME,
    PART_NAME,
    MediaChoice,
    OfferedFile,
    has_media,
    offered_files,
    shown_media,
)
from syndicate.durable_files import sync, sync_file
from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName

RESERVE: Final = 64 * 2**20
"""Bytes of the disk that media files leave free: texts still come then, and recalls are noted."""


@dataclass(frozen=True, slots=True)
class ItemDocument:
    """A version of an item that is about to be written. `changed`: it is not the document in the folder."""

    id: ItemId
    version: int
    document: Mapping[str, Any]
    changed: bool


class MediaFolder:
    """The media files of a folder that this process has locked."""

    def __init__(self, root: Path, own: Path) -> None:
        self._files, self._parts = root / "media", own / "parts"
        self.index = MediaIndex(own / "media.db")
        self.choice = MediaChoice()
        self._dirty = False

    def path(self, row: FileRow) -> Path:
        """Where the file is kept."""
        return self._files / row.name

    def part(self, row: FileRow) -> Path:
        """Where the file is while it is being fetched."""
        return self._parts / row.part

    def plan(self, items: Iterable[ItemDocument]) -> None:
        """Remove the files that these documents end, note those that they bring. Then write the items."""
        planned = list(items)
        if not planned:
            return
        with self.index.change():
            for one in planned:
                self.index.show(one.id, (media.id for media in shown_media(one.document)))
                rows = {row.rendition: row for row in self.index.files(one.id)}
                self._plan(one, rows, offered_files(one.document))

    def concerns(self, id: ItemId, document: Mapping[str, Any]) -> bool:
        """Whether an item has files, shows any, or did so before."""
        return has_media(document) or bool(self.index.files(id)) or self.index.shows(id)

    def _plan(
        self,
        one: ItemDocument,
        rows: Mapping[RenditionName, FileRow],
        offered: Mapping[RenditionName, OfferedFile],
    ) -> None:
        wanted = {file.rendition for file in self.choice.wanted(one.document)}
        for rendition in rows.keys() | wanted:
            row, file = rows.get(rendition), offered.get(rendition)
            if row is not None and file is not None and self._is_same(row, file, one.version):
                if not one.changed:
                    continue
                if rendition in wanted:
                    self.index.put(replace(row, owed=True))
                    continue
            if row is not None:
                self._discard(row)
            if file is not None and rendition in wanted:
                self.index.put(
                    FileRow(
                        item=one.id,
                        rendition=rendition,
                        content_type=file.content_type,
                        size=file.size,
                        version=one.version,
                    )
                )

    def _is_same(self, row: FileRow, file: OfferedFile, version: int) -> bool:
        return (row.version, row.content_type, row.size) == (version, file.content_type, file.size)

    def remove(self, id: ItemId) -> bool:
        """Remove all files of an item, also those half fetched. Return whether any was kept."""
        rows = self.index.files(id)
        if rows or self.index.shows(id):
            with self.index.change():
                for row in rows:
                    self._discard(row)
                self.index.show(id, ())
        return any(row.sha256 is not None for row in rows)

    def discard(self, row: FileRow) -> None:
        """Remove a file that the server does not give any more."""
        self._discard(row)
        self.flush()

    def _discard(self, row: FileRow) -> None:
        # The row goes last: a later run finds a row without its file, and removes a file without its row.
        for path in (self.path(row), self.part(row)):
            self._dirty = _unlink(path) or self._dirty
        with self.index.change():
            self.index.outdate(row.item)
            self.index.drop(row)

    def held(self, id: ItemId) -> dict[RenditionName, str]:
        """The name of each file of an item that is kept."""
        return {row.rendition: row.name for row in self.index.files(id) if row.sha256 is not None}

    def begin(self, row: FileRow) -> None:
        """Note which bytes a part file will hold (`part_sha256`, `part_etag`), durably."""
        self.index.put(row)

    def keep(self, arrived: Iterable[FileRow]) -> None:
        """Give files their names that are fetched whole and on the disk. The rows say what they hold."""
        rows = list(arrived)
        for row in rows:
            part = self.part(row)
            if part.exists():
                part.replace(self.path(row))
        sync(self._files)
        with self.index.change():
            for row in rows:
                self.index.put(replace(row, owed=False, part_sha256=None, part_etag=None))
                self.index.outdate(row.item)

    def bring_to_disk(self, row: FileRow) -> None:
        """Bring the content of a part file to the disk."""
        sync_file(self.part(row))

    def settle(self, row: FileRow) -> None:
        """Note that the kept file is still the server's."""
        self.index.put(replace(row, owed=False, part_sha256=None, part_etag=None))

    def room_for(self, bytes: int) -> bool:
        """Whether the disk has room for so many bytes, and a reserve."""
        found = os.statvfs(self._parts)
        return found.f_bavail * found.f_frsize >= bytes + RESERVE

    def flush(self) -> None:
        """Bring to the disk which files were removed."""
        if self._dirty:
            sync(self._files)
            self._dirty = False

    def open(self, *, recheck: bool) -> None:
        """Remove what a crash left without a row. With `recheck`, fetch again what is not as it was."""
        rows = self.index.all_files() if self.index.items() else []
        known = {row.name for row in rows}
        for name in _names(self._files):
            if FILE_NAME.fullmatch(name) and name not in known:
                self._dirty = _unlink(self._files / name) or self._dirty
        parts = {row.part for row in rows if row.owed}
        for name in _names(self._parts):
            if PART_NAME.fullmatch(name) and name not in parts:
                _unlink(self._parts / name)
        if recheck:
            for row in rows:
                if row.sha256 is not None and digest_of(self.path(row)) != row.sha256:
                    self.index.put(replace(row, owed=True, sha256=None, etag=None))
                    self.index.outdate(row.item)
        self.flush()

    def faults(self, *, contents: bool) -> Iterator[Fault]:
        """Kept files that are missing; with `contents` also those that were changed, and foreign files."""
        if contents:
            for name in sorted(name for name in _names(self._files) if not FILE_NAME.fullmatch(name)):
                text = Text("不是客户端写的，请移走", "was not written by this client: move it away")
                yield Fault("foreign", name, text)
        for row in self.index.all_files() if self.index.items() else ():
            if row.sha256 is None or row.owed:
                continue
            if not self.path(row).is_file():
                yield Fault("missing", row.name, Text("不见了", "is missing"))
            elif contents and digest_of(self.path(row)) != row.sha256:
                yield Fault("changed", row.name, Text("内容已被改动", "was changed"))


def digest_of(path: Path) -> str | None:
    """The SHA-256 of a file in hex; None where there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return [one.name for one in found]
    except FileNotFoundError:
        return []
