"""Kept files in a folder: `ab/abcdef…`, mode 0600, the folders 0700.

A file is written under a draft's name in the folder, brought to the disk, and renamed. Its writer holds a
lock on the draft (flock); a draft that nobody holds was left by a process that was killed, and is removed.
`add` and `delete` exclude each other by a lock on the file `.lock`, so that a file which is added again
while it is collected stays.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from syndicate.durable_files import DRAFT, PRIVATE, replaced_file
from syndicate.errors import StoredFileMissing
from syndicate.store.files.file_faults import (
    damaged,
    file_fault,
    missing,
    not_ours,
    translating_file_errors,
)
from syndicate.store.files.file_store import BLOCK, OnRead, StoredFile, is_digest
from syndicate.store.files.source_file import SourceFile, opened_source
from syndicate.store.private_files import FOLDER as FOLDER_MODE
from syndicate.store.private_files import private_folder

_LOCK: Final = ".lock"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_IN_FOLDER: Final = _FOLDER | os.O_NOFOLLOW
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderFiles:
    """A FileStore in a local folder, which is made at the first use. The folder itself may be a link."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """The folder's path."""
        return str(self._folder)

    async def check(self) -> None:
        """See FileStore: writes and removes a draft, and removes those that nobody holds."""
        await asyncio.to_thread(self._check)

    async def add(self, path: Path, on_read: OnRead | None = None) -> StoredFile:
        """See FileStore."""
        return await asyncio.to_thread(self._add, path, on_read)

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """See FileStore."""
        handle = await asyncio.to_thread(self._opened, sha256)
        try:
            with translating_file_errors(self.place):
                while block := await asyncio.to_thread(os.read, handle, BLOCK):
                    yield block
        finally:
            os.close(handle)

    async def fetch(self, sha256: str, target: Path) -> StoredFile:
        """See FileStore."""
        return await asyncio.to_thread(self._fetch, sha256, target)

    async def open_local(self, sha256: str) -> Path | None:
        """See FileStore: the kept file."""
        if await self.find(sha256) is None:
            raise missing(sha256)
        return self._folder / sha256[:2] / sha256

    async def find(self, sha256: str) -> StoredFile | None:
        """See FileStore."""
        return await asyncio.to_thread(self._find, sha256)

    async def exists(self, sha256: str) -> bool:
        """See FileStore."""
        return await self.find(sha256) is not None

    async def size(self, sha256: str) -> int | None:
        """See FileStore."""
        found = await self.find(sha256)
        return None if found is None else found.size

    async def delete(self, sha256: str, *, added_before: datetime | None = None) -> bool:
        """See FileStore."""
        return await asyncio.to_thread(self._delete, sha256, added_before)

    async def list(self) -> AsyncIterator[StoredFile]:
        """See FileStore. Files of other names are left out."""
        for number in range(256):
            for found in await asyncio.to_thread(self._in_part, f"{number:02x}"):
                yield found

    def _check(self) -> None:
        with self._root() as root:
            with self._draft(root):
                pass
            with translating_file_errors(self.place):
                for name in _names(root):
                    if name.startswith(".") and name.endswith(DRAFT):
                        _remove_if_left(root, name)

    def _add(self, path: Path, on_read: OnRead | None) -> StoredFile:
        with (
            opened_source(path, on_read) as source,
            self._root() as root,
            self._draft(root) as (draft, handle),
        ):
            sha256 = self._copy(source, handle)
            with translating_file_errors(self.place):
                os.fsync(handle)
                with _lock(root, fcntl.LOCK_SH), self._part(root, sha256[:2], make=True) as part:
                    if _holds(part, sha256):
                        os.utime(sha256, dir_fd=part, follow_symlinks=False)
                    else:
                        os.replace(draft, sha256, src_dir_fd=root, dst_dir_fd=part)
                    # Also where it was there: whoever wrote it may not have come so far.
                    os.fsync(part)
                    os.fsync(root)
                    return _stored(sha256, os.stat(sha256, dir_fd=part, follow_symlinks=False))

    def _copy(self, source: SourceFile, handle: int) -> str:
        digest = hashlib.sha256()
        for block in source.blocks():
            digest.update(block)
            with translating_file_errors(self.place):
                _write(handle, block)
        return digest.hexdigest()

    def _fetch(self, sha256: str, target: Path) -> StoredFile:
        digest = hashlib.sha256()
        handle = self._opened(sha256)
        try:
            with translating_file_errors(self.place), replaced_file(target, mode=PRIVATE) as copy:
                while block := os.read(handle, BLOCK):
                    digest.update(block)
                    copy.write(block)
                if digest.hexdigest() != sha256:
                    raise damaged(sha256)
                return _stored(sha256, os.fstat(handle))
        finally:
            os.close(handle)

    def _find(self, sha256: str) -> StoredFile | None:
        try:
            handle = self._opened(sha256)
        except StoredFileMissing:
            return None
        try:
            return _stored(sha256, os.fstat(handle))
        finally:
            os.close(handle)

    def _opened(self, sha256: str) -> int:
        """Open a kept file for reading. Raises StoredFileMissing, and StoreDamaged for what is no file."""
        if not is_digest(sha256):
            raise missing(sha256)
        try:
            with self._root(make=False) as root, self._part(root, sha256[:2], make=False) as part:
                handle = os.open(sha256, _READ, dir_fd=part)
        except FileNotFoundError:
            raise missing(sha256) from None
        except OSError as error:
            raise file_fault(error, f"{self.place}/{sha256[:2]}/{sha256}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise not_ours(f"{self.place}/{sha256[:2]}/{sha256}")
        return handle

    def _delete(self, sha256: str, added_before: datetime | None) -> bool:
        if not is_digest(sha256):
            return False
        with translating_file_errors(self.place), self._root() as root, _lock(root, fcntl.LOCK_EX):
            try:
                with self._part(root, sha256[:2], make=False) as part:
                    found = _stored(sha256, os.stat(sha256, dir_fd=part, follow_symlinks=False))
                    if added_before is not None and found.added >= added_before:
                        return False
                    os.unlink(sha256, dir_fd=part)
                    os.fsync(part)
            except FileNotFoundError:
                return False
        return True

    def _in_part(self, name: str) -> Sequence[StoredFile]:
        found = []
        with translating_file_errors(f"{self.place}/{name}"):
            try:
                with self._root(make=False) as root, self._part(root, name, make=False) as part:
                    for sha256 in _names(part):
                        if is_digest(sha256) and sha256.startswith(name):
                            with suppress(FileNotFoundError):  # removed meanwhile
                                state = os.stat(sha256, dir_fd=part, follow_symlinks=False)
                                found.append(_stored(sha256, state))
            except FileNotFoundError:
                return []
        return found

    @contextmanager
    def _root(self, *, make: bool = True) -> Iterator[int]:
        """The folder, open. With `make`, errors are StoreFaults and it is made where it is missing."""
        if make:
            with translating_file_errors(self.place):
                private_folder(self._folder)
                handle = os.open(self._folder, _FOLDER)
        else:
            handle = os.open(self._folder, _FOLDER)
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _part(self, root: int, name: str, *, make: bool) -> Iterator[int]:
        """The folder of the files whose names begin with these two digits, open; never a link."""
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, FOLDER_MODE, dir_fd=root)
        try:
            handle = os.open(name, _IN_FOLDER, dir_fd=root)
        except NotADirectoryError:
            raise not_ours(f"{self.place}/{name}") from None
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _draft(self, root: int) -> Iterator[tuple[str, int]]:
        """A new file to write to: its name and its handle. It is gone at the end unless it was renamed."""
        with translating_file_errors(self.place):
            name, handle = _new_draft(root)
        try:
            yield name, handle
        finally:
            # In this order: once the lock is gone, the name must not be there.
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=root)
            os.close(handle)


def _names(folder: int) -> Sequence[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def _new_draft(root: int) -> tuple[str, int]:
    while True:
        name = f".{os.getpid()}-{secrets.token_hex(8)}{DRAFT}"
        handle = os.open(name, _WRITE, PRIVATE, dir_fd=root)
        os.fchmod(handle, PRIVATE)  # the umask may have taken bits away
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return name, handle
        os.close(handle)  # somebody took it for one that was left behind, before it had its lock


def _remove_if_left(root: int, name: str) -> None:
    try:
        handle = os.open(name, _READ, dir_fd=root)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=root)
    except (BlockingIOError, FileNotFoundError):  # somebody writes to it, or has just finished
        pass
    finally:
        os.close(handle)


@contextmanager
def _lock(root: int, kind: int) -> Iterator[None]:
    handle = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE, dir_fd=root)
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


def _holds(part: int, sha256: str) -> bool:
    """Whether a whole file of this name is in this folder; its bytes are read."""
    digest = hashlib.sha256()
    try:
        handle = os.open(sha256, _READ, dir_fd=part)
    except OSError:  # it is missing, or is no file: it is written
        return False
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        while block := os.read(handle, BLOCK):
            digest.update(block)
    finally:
        os.close(handle)
    return digest.hexdigest() == sha256


def _write(handle: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _stored(sha256: str, state: os.stat_result) -> StoredFile:
    return StoredFile(sha256, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))
