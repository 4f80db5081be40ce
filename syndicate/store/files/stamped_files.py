"""Files made for delivery, such as pictures with their stamp: made once, kept while there is room.

A file is made in a folder of its process, brought to the disk, and renamed to `ab/KEY.SHA256`: the hash of
its key, and of its bytes. So a name is there with the whole file or not at all. What a killed process was
making is removed by the next that begins: a process holds a lock (flock) on its folder.

What was used longest ago goes first when the files need more than their megabytes. A file that somebody
reads may go too: it stays readable to whom has it open.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndicate.durable_files import PRIVATE, sync
from syndicate.errors import StoreFault
from syndicate.language import Text
from syndicate.store.files.file_faults import damaged, file_fault, missing, translating_file_errors
from syndicate.store.files.file_store import BLOCK, FileStore
from syndicate.store.files.opened_file import OpenedFile
from syndicate.store.private_files import FOLDER, private_folder

_MAKERS: Final = 4
"""Files that a process makes at a time."""
_LOCKS: Final = 256
"""Lock files. Two keys of one lock are made one after the other."""
_PAUSE: Final = 0.05
"""Seconds between two looks at a lock that another process holds."""
_RECOUNT: Final = 64
"""Files after which a process counts again what the others have made."""
_LEAVE: Final = 0.9
"""How much of the room is in use after old files were removed, so that not every new one removes some."""
_FRESH: Final = 60.0
"""Seconds for which an empty folder that nobody holds stays: its process may be about to take the lock."""
_TRIES: Final = 5

Maker = Callable[[Path], None]
"""Writes a file at this path, at which there is none. Runs in a thread."""


@dataclass(frozen=True, slots=True)
class MadeForDelivery:
    """An open file, and the SHA-256 of its bytes in hex."""

    opened: OpenedFile
    sha256: str


class StampedFiles:
    """A bounded folder of files that can be made again. Tasks and processes may share it."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder, self._room = folder, megabytes << 20
        self._making: dict[str, asyncio.Task[None]] = {}
        self._pool = ThreadPoolExecutor(_MAKERS, thread_name_prefix="media-make")
        self._drafts: Path | None = None
        self._drafts_lock, self._once = -1, threading.Lock()
        self._used, self._made = 0, _RECOUNT

    @property
    def place(self) -> str:
        """The folder's path."""
        return str(self._folder)

    async def check(self) -> None:
        """Raise a StoreFault unless files can be made. Removes what killed processes were making."""
        await asyncio.to_thread(self._check)

    async def get(self, key: str, make: Maker) -> MadeForDelivery:
        """Return the file of this key, which `make` makes if it is not there, once for all who wait.

        The same key must always mean the same bytes. Who no longer waits does not stop the making. What
        `make` raises is raised; an OSError becomes a StoreFault. The caller closes the file.
        """

        async def made(path: Path) -> None:
            await asyncio.get_running_loop().run_in_executor(self._pool, make, path)

        return await self._get(key, made)

    async def get_from(
        self, files: FileStore, sha256: str, key: str, make: Callable[[OpenedFile, Path], None]
    ) -> MadeForDelivery:
        """As `get`, made of a kept file, which is opened and checked only where it has to be made.

        Raises StoredFileMissing and StoredFileDamaged too.
        """

        async def made(path: Path) -> None:
            source = await self.kept(files, sha256)
            try:
                await asyncio.get_running_loop().run_in_executor(self._pool, make, source, path)
            finally:
                source.close()

        return await self._get(key, made)

    async def kept(self, files: FileStore, sha256: str) -> OpenedFile:
        """Return a file of the store, open, whose bytes were checked; a copy where the store is not local.

        Raises StoredFileMissing and StoredFileDamaged. The caller closes the file.
        """
        local = await files.open_local(sha256)
        if local is not None:
            try:
                return await asyncio.to_thread(_checked, local, sha256)
            except OSError as error:
                raise (
                    missing(sha256)
                    if isinstance(error, FileNotFoundError)
                    else file_fault(error, str(local))
                ) from error

        async def fetch(path: Path) -> None:
            await files.fetch(sha256, path)

        return (await self._get(f"kept {sha256}", fetch)).opened

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        """An empty folder on the disk of these files, removed at the end, also after a kill."""
        with translating_file_errors(self.place):
            folder = await asyncio.to_thread(self._own_drafts) / secrets.token_hex(8)
            folder.mkdir(FOLDER)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def close(self) -> None:
        """Wait for what is being made, and remove this process's folder."""
        await asyncio.gather(*self._making.values(), return_exceptions=True)
        self._pool.shutdown()
        if self._drafts is not None:
            shutil.rmtree(self._drafts, ignore_errors=True)
            os.close(self._drafts_lock)
            self._drafts = None

    async def _get(self, key: str, make: Callable[[Path], Awaitable[None]]) -> MadeForDelivery:
        name = hashlib.sha256(key.encode()).hexdigest()
        for _ in range(_TRIES):
            found = await asyncio.to_thread(self._open, name)
            if found is not None:
                return found
            task = self._making.get(name)
            if task is None:
                task = asyncio.create_task(self._make(name, make))
                self._making[name] = task
                task.add_done_callback(lambda done: self._forget(name, done))
            await asyncio.shield(task)
        raise StoreFault(
            Text(
                "媒体缓存太小，刚做好的文件随即被删除：请调高 media_cache_mb",
                "the cache of media is too small, new files are removed at once: raise media_cache_mb",
            ),
            code="store_full",
        )

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        del self._making[name]
        if not task.cancelled():
            task.exception()  # whoever waits has it; perhaps nobody waits any more

    async def _make(self, name: str, make: Callable[[Path], Awaitable[None]]) -> None:
        with translating_file_errors(self.place):
            drafts = await asyncio.to_thread(self._own_drafts)
            async with self._locked(name):
                if await asyncio.to_thread(self._find, name) is not None:
                    return  # another process was faster
                draft = drafts / secrets.token_hex(8)
                try:
                    await make(draft)
                    await asyncio.to_thread(self._keep, name, draft)
                finally:
                    draft.unlink(missing_ok=True)
            await asyncio.to_thread(self._make_room)

    @asynccontextmanager
    async def _locked(self, name: str) -> AsyncIterator[None]:
        """One maker of a key at a time, over all processes."""
        path = self._folder / f".lock-{int(name[:4], 16) % _LOCKS:02x}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_PAUSE)
            yield
        finally:
            os.close(handle)

    def _open(self, name: str) -> MadeForDelivery | None:
        with translating_file_errors(self.place):
            path = self._find(name)
            if path is None:
                return None
            try:
                opened = OpenedFile(path)
                with suppress(FileNotFoundError):
                    os.utime(path)  # it was used now
            except FileNotFoundError:
                return None  # it has just gone
            return MadeForDelivery(opened, path.suffix.removeprefix("."))

    def _find(self, name: str) -> Path | None:
        part = self._folder / name[:2]
        try:
            found = sorted(entry.name for entry in os.scandir(part) if entry.name.startswith(f"{name}."))
        except FileNotFoundError:
            return None
        return part / found[0] if found else None

    def _keep(self, name: str, draft: Path) -> None:
        digest = hashlib.sha256()
        handle = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(handle, PRIVATE)
            while block := os.read(handle, BLOCK):
                digest.update(block)
            os.fsync(handle)
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        os.utime(draft)  # made now, whatever the maker copied
        part = self._folder / name[:2]
        part.mkdir(FOLDER, exist_ok=True)
        draft.replace(part / f"{name}.{digest.hexdigest()}")
        sync(part)
        self._used += size
        self._made += 1

    def _make_room(self) -> None:
        """Remove what was used longest ago where there is too much, but never the newest file."""
        if self._used <= self._room and self._made < _RECOUNT:
            return
        files = sorted(self._files())
        used = sum(size for _, size, _ in files)
        if used > self._room:
            for _, size, path in files[:-1]:
                with suppress(FileNotFoundError):
                    path.unlink()
                used -= size
                if used <= self._room * _LEAVE:
                    break
        self._used, self._made = used, 0

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """When it was last used, its size, and its path, for every file."""
        for number in range(256):
            with suppress(FileNotFoundError), os.scandir(self._folder / f"{number:02x}") as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        state = entry.stat(follow_symlinks=False)
                        yield state.st_mtime_ns, state.st_size, Path(entry.path)

    def _check(self) -> None:
        with translating_file_errors(self.place):
            _remove_others(self._own_drafts())
            self._made = _RECOUNT
            self._make_room()

    def _own_drafts(self) -> Path:
        """The folder of what this process makes; it holds the lock on it. The first time, old ones go."""
        with self._once:
            if self._drafts is None:
                making = self._folder / ".making"
                private_folder(making)
                path = making / f"{os.getpid()}-{secrets.token_hex(8)}"
                path.mkdir(FOLDER)
                self._drafts_lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                fcntl.flock(self._drafts_lock, fcntl.LOCK_EX)
                self._drafts = path
                _remove_others(path)
            return self._drafts


def _checked(path: Path, sha256: str) -> OpenedFile:
    """Open a kept file whose bytes have this hash."""
    opened, digest, at = OpenedFile(path), hashlib.sha256(), 0
    while block := opened.read(BLOCK, at):
        digest.update(block)
        at += len(block)
    if digest.hexdigest() != sha256:
        opened.close()
        raise damaged(sha256)
    return opened


def _remove_others(own: Path) -> None:
    """Remove the folders beside this one whose processes have ended."""
    for folder in own.parent.iterdir():
        if folder != own:
            _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with os.scandir(handle) as entries:
            left = any(entries) or time.time() - os.fstat(handle).st_mtime > _FRESH
        if left:
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:  # its process lives
        pass
    finally:
        os.close(handle)
