"""The local folder with the partner's items, their checksums and the saved state.

    FOLDER/items/{id}.json  {id}.html     the items that may be held, and nothing else
    FOLDER/media/                         the files of media items (`media_folder`)
    FOLDER/.syndicate/state               cursor and pending work (`sync_state`)
    FOLDER/.syndicate/held/{id}           version and SHA-256 of both files of an item
    FOLDER/.syndicate/aside/              files that are being written
    FOLDER/.syndicate/lock                locked by the one process at work

A crash at any point is harmless: the cursor is saved last, so the next run reads the same entries again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from syndicate.client.change_entries import ITEM_ID
from syndicate.client.client_errors import RESTART, FolderDamaged, FolderFull, FolderInUse, FolderTampered
from syndicate.client.media_folder import ItemDocument, MediaFolder
from syndicate.client.media_index import FileRow
from syndicate.client.offered_files import NO_MEDIA, MediaChoice
from syndicate.client.sync_state import State, decode_state, encode_state
from syndicate.durable_files import replace_files, sync
from syndicate.errors import Fault
from syndicate.language import Text
from syndicate.model.item import ItemId

if TYPE_CHECKING:
    from syndicate.client.item_page import ItemFiles

_ID: Final = re.compile(ITEM_ID)
_FILE: Final = re.compile(rf"({ITEM_ID})\.(?:json|html)")
_MOST_FAULTS: Final = 20
_GROUP: Final = 200
"""Items that are read or written together."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Result(StrEnum):
    """The effect of an entry on the folder."""

    NEW = "new"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    ABSENT = "absent"
    OFFERED = "offered"


class Folder:
    """A folder that this process has locked. `open_folder` makes it."""

    def __init__(self, root: Path, state: State, media: MediaFolder) -> None:
        self._items, self._own = _subfolders(root)
        self.state, self.media = state, media
        # What a killed run did may not be on the disk yet: the first flush is never left out.
        self._flushed = False

    def write(self, items: Iterable[ItemFiles]) -> list[Result]:
        """Write these versions in place of any other. Return NEW, REPLACED or UNCHANGED for each.

        Nothing takes its name before all of it is on the disk. Of an item, the page takes its name first,
        then the JSON, then the record. An item is held once its JSON exists. Raises FolderFull, OSError.
        """
        results, stale = [], {}
        for kept in items:
            ninjs, html, record = self._files(kept.id)
            wanted = {html: kept.html, ninjs: kept.ninjs, record: _record(kept)}
            there = {path: _content(path) for path in wanted}
            changed = {path: data for path, data in wanted.items() if there[path] != data}
            stale.update(changed)
            known = there[ninjs] is not None or there[record] is not None
            results.append(Result.NEW if not known else Result.REPLACED if changed else Result.UNCHANGED)
        if stale:
            self._flushed = False
            with disk_space():
                replace_files(stale, drafts=self._own / "aside")
        return results

    def has_document(self, kept: ItemFiles) -> bool:
        """Whether the folder has exactly this document of the item. Its page, too, then is on the disk."""
        return _content(self._files(kept.id)[0]) == kept.ninjs

    def plan_media(self, items: Iterable[tuple[ItemFiles, Mapping[str, Any]]]) -> None:
        """Remove files of other versions than these, note those to be fetched. `write` follows."""
        with disk_space():
            self.media.plan(
                ItemDocument(kept.id, kept.version, document, changed=not self.has_document(kept))
                for kept, document in items
                if self.media.concerns(kept.id, document)
            )

    def keep_media(self, files: Iterable[FileRow]) -> None:
        """Take in files of media items that are whole and on the disk. `renew_pages` shows them."""
        with disk_space():
            self.media.keep(files)

    def renew_pages(self) -> None:
        """Make the pages again whose media files came or went; call it after `write`."""
        for group in _groups(self.media.index.stale()):
            # Here, not above: a run that finds nothing new needs neither Jinja nor nh3.
            from syndicate.client.item_page import make_item_files

            self.write(
                make_item_files(id, document, self.media.held)
                for id in group
                if (document := self._recorded_document(id)) is not None
            )
            self.flush()
            with disk_space():
                self.media.index.renewed(group)

    def _recorded_document(self, id: ItemId) -> dict[str, Any] | None:
        """The document of an item as it was written; None where it is not there, or not as recorded."""
        ninjs, _, record = self._files(id)
        data, kept = _content(ninjs), _content(record)
        if data is None or kept is None:
            return None
        try:
            known = json.loads(kept)["json"] == hashlib.sha256(data).hexdigest()
        except (ValueError, KeyError, TypeError):
            return None
        return json.loads(data) if known else None

    def choose_media(self, choice: MediaChoice) -> None:
        """Keep the media files of this choice. Where the last run had another, go through all documents."""
        self.media.choice = choice
        if self.state.media == choice.code:
            return
        for group in _groups(sorted(self._recorded())):
            from syndicate.client.item_page import make_item_files

            found = [(id, self._recorded_document(id)) for id in group]
            self.plan_media(
                (make_item_files(id, document), document) for id, document in found if document is not None
            )
        self.save(replace(self.state, media=choice.code))

    def holds(self, id: ItemId) -> bool:
        """Whether the folder has some version of the item."""
        return (self._items / f"{_checked(id)}.json").exists()

    def remove(self, id: ItemId) -> Result:
        """Remove all files of an item. Return REMOVED or ABSENT."""
        self._flushed = False
        with disk_space():
            gone = [self.media.remove(id)]
        gone += [_remove(path) for path in self._files(id)]
        return Result.REMOVED if any(gone) else Result.ABSENT

    def version(self, id: ItemId) -> int | None:
        """Return the held version by its record; None without a usable record."""
        try:
            return int(json.loads(self._files(id)[2].read_bytes())["version"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def held(self) -> set[ItemId]:
        """Return the id of every item with a file or a record in the folder."""
        files = {found[1] for name in _names(self._items) if (found := _FILE.fullmatch(name))}
        return {ItemId(id) for id in files | self._recorded() | self.media.index.items()}

    def _recorded(self) -> set[str]:
        """The id of every item with a record."""
        return {name for name in _names(self._own / "held") if _ID.fullmatch(name)}

    def flush(self) -> None:
        """Flush (fsync) everything written and removed so far to the disk. Raises FolderFull, OSError."""
        if not self._flushed:
            with disk_space():
                sync(self._items, self._own / "held")
                self.media.flush()
            self._flushed = True

    def save(self, state: State) -> None:
        """Save the state durably; call `flush` first. Raises FolderFull, OSError."""
        with disk_space():
            replace_files({self._own / "state": encode_state(state)}, drafts=self._own / "aside")
            sync(self._own)
        self.state = state

    def check(self, *, contents: bool) -> None:
        """Compare the items with their records. Raises FolderTampered where they differ.

        Missing files are always found; with `contents` also changed bytes and foreign files. Call it only
        while no item is being written.
        """
        faults = [*self._faults(contents), *self.media.faults(contents=contents)]
        if faults:
            more = len(faults) - _MOST_FAULTS
            count = (
                Text(f"（共 {len(faults)} 处）", f" ({len(faults)} differences)")
                if more > 0
                else Text("", "")
            )
            head = Text("稿件文件与记录不符", "the items differ from their records")
            raise FolderTampered(head + count + RESTART, faults[:_MOST_FAULTS])

    def _faults(self, contents: bool) -> Iterator[Fault]:
        names, recorded = _names(self._items), self._recorded()
        if contents:
            for name in sorted(name for name in names if not _FILE.fullmatch(name)):
                text = Text("不是客户端写的，请移走", "was not written by this client: move it away")
                yield Fault("foreign", name, text)
        for id in sorted({name[:-5] for name in names if _FILE.fullmatch(name)} | recorded):
            files = (f"{id}.json", f"{id}.html")
            if id not in recorded:
                yield Fault("unrecorded", id, Text("没有记录", "is not on record"))
            elif missing := [name for name in files if name not in names]:
                yield Fault("missing", missing[0], Text("不见了", "is missing"))
            elif contents and self._is_changed(ItemId(id)):
                yield Fault("changed", id, Text("内容已被改动", "was changed"))

    def _is_changed(self, id: ItemId) -> bool:
        ninjs, html, record = self._files(id)
        return _content(record) != _expected_record(self.version(id), ninjs, html)

    def _files(self, id: ItemId) -> tuple[Path, Path, Path]:
        """(ninjs, page, record) of an item. Raises ValueError for what is no id."""
        _checked(id)
        return self._items / f"{id}.json", self._items / f"{id}.html", self._own / "held" / id


@contextmanager
def open_folder(
    root: Path, server: str, *, restart: bool = False, choice: MediaChoice = NO_MEDIA
) -> Iterator[Folder]:
    """Lock and open the folder at `root`; create it where it is missing.

    `server` is the address that the items come from, `choice` says which media files are kept. With
    `restart` all changes are read again from the beginning, and items that the server does not list are
    removed. Raises FolderInUse, FolderDamaged, FolderFull, OSError.
    """
    items, own = _subfolders(root)
    for place in (items, root / "media", own, own / "held", own / "aside", own / "parts"):
        if place.is_symlink():
            raise FolderDamaged(
                Text(
                    f"{place} 是符号链接，应为文件夹", f"{place} is a symbolic link, and should be a folder"
                )
            )
    with disk_space():
        items.mkdir(parents=True, exist_ok=True)
        (root / "media").mkdir(exist_ok=True)
        own.mkdir(mode=0o700, exist_ok=True)
        for name in ("held", "aside", "parts"):
            (own / name).mkdir(exist_ok=True)
        sync(own, root, root.absolute().parent)
        lock = FileLock(own / "lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderInUse(
            Text(f"另一进程正在同步 {root}", f"another process is keeping {root} in step")
        ) from None
    try:
        for path in (own / "aside").iterdir():
            path.unlink()
        media = _open_media(root, own, restart=restart)
        folder = Folder(root, State(server=server), media)
        state = _load_state(own / "state", server, restart=restart)
        if not state.after and not state.begun and not state.owed and not folder.held():
            # Nothing is here that the changes could fail to name: no list of names is needed.
            state = replace(state, named=None)
        folder.save(state)
        try:
            folder.choose_media(choice)
            yield folder
        finally:
            media.index.close()
    finally:
        lock.release()


def _open_media(root: Path, own: Path, *, restart: bool) -> MediaFolder:
    """Open what is known of the media files; with `restart`, begin anew where it cannot be read."""
    try:
        with disk_space():
            media = MediaFolder(root, own)
            media.open(recheck=restart)
            return media
    except FolderDamaged:
        if not restart:
            raise
    for name in ("media.db", "media.db-journal"):
        _remove(own / name)
    media = MediaFolder(root, own)
    media.open(recheck=restart)
    return media


def _load_state(path: Path, server: str, *, restart: bool) -> State:
    """Load the saved state; start a new one where there is none, or with `restart`."""
    data = _content(path)
    if data is None:
        return State(server=server)
    try:
        state = decode_state(data)
    except FolderDamaged:
        if not restart:
            raise
        return State(server=server)
    if restart:
        # Acknowledgements that were not sent yet are still due, if the server is the same.
        return State(server=server, acks=state.acks if state.server == server else ())
    if state.server != server:
        raise FolderDamaged(
            Text(
                f"文件夹属于 {state.server}，不属于 {server}；请换一个文件夹；如果服务器确已迁移，",
                f"the folder belongs to {state.server}, not to {server}: choose another; if it moved",
            )
            + Text("请加 --restart", ", --restart goes through it from the beginning")
        )
    return state


def _subfolders(root: Path) -> tuple[Path, Path]:
    return root / "items", root / ".syndicate"


def _groups(ids: Sequence[str]) -> Iterator[list[ItemId]]:
    """The ids, so many at a time."""
    for start in range(0, len(ids), _GROUP):
        yield [ItemId(id) for id in ids[start : start + _GROUP]]


def _names(folder: Path) -> set[str]:
    """The name of everything in the folder."""
    with os.scandir(folder) as found:
        return {one.name for one in found}


def _checked(id: ItemId) -> ItemId:
    """The id, which may be a part of a file's name. Raises ValueError for what is no id."""
    if not _ID.fullmatch(id):
        raise ValueError(f"not the id of an item: {id!r}")
    return id


def _remove(path: Path) -> bool:
    """Remove the file. Return whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def disk_space(name: str = "") -> Iterator[None]:
    """Turn the error of a full disk into FolderFull, which names the file: `name`, or the error's own."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        error.filename = name or error.filename
        raise FolderFull(
            Text(
                f"磁盘已满，无法写入 {error.filename}；腾出空间后再运行即可，已有的稿件完好",
                f"the disk is full: {error.filename} cannot be written. Make room and run again; "
                "all else is whole",
            )
        ) from error


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _record(kept: ItemFiles) -> bytes:
    digests = [hashlib.sha256(data).hexdigest() for data in (kept.ninjs, kept.html)]
    return json.dumps({"version": kept.version, "json": digests[0], "html": digests[1]}).encode() + b"\n"


def _expected_record(version: int | None, ninjs: Path, html: Path) -> bytes:
    """Return the record that these files should have."""
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (ninjs, html)]
    return json.dumps({"version": version, "json": digests[0], "html": digests[1]}).encode() + b"\n"
