"""The write lock of SQLite: first come, first served in one process, and one process at a time.

SQLite up to 3.51.2 can damage its log when one connection writes while another brings the log into the
database (security.md, fact 2). Both are done under the same lock file, so they never meet.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
from pathlib import Path
from typing import Final
from weakref import WeakSet

from syndicate.store.faults import PATIENCE, busy, translating_errors
from syndicate.store.private_files import FILE

_STARVED: Final = 0.1
"""Seconds after which a process that waits comes before all others."""


class Turn:
    """Turns within this process. Waiting never blocks the event loop."""

    def __init__(self) -> None:
        self._queue = asyncio.Lock()
        self._waiting = 0

    def taken(self, patience: float = PATIENCE) -> Taken:
        """Take the turn for a block; gives how many seconds of `patience` are left.

        Raises StoreBusy when it is used up.
        """
        return Taken(self, patience)

    async def take(self, patience: float) -> float:
        """Begin of the block of `taken`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        await self._wait(deadline)
        try:
            await self._take(deadline)
        except BaseException:
            self._queue.release()
            raise
        return max(0.0, deadline - loop.time())

    def give(self) -> None:
        """End of the block of `taken`."""
        try:
            self._give()
        finally:
            self._queue.release()

    async def _wait(self, deadline: float) -> None:
        """Wait for the others of this process. A timer is set only where there are any."""
        if not self._waiting and not self._queue.locked():
            await self._queue.acquire()
            return
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                await self._queue.acquire()
        except TimeoutError:
            raise busy() from None
        finally:
            self._waiting -= 1

    async def _take(self, deadline: float) -> None:
        """Take it from other processes too."""

    def _give(self) -> None:
        """Give it back to them."""


class Taken:
    """The context of `Turn.taken`. A class, because it is entered for each group of licensed answers."""

    __slots__ = ("_patience", "_turn")

    def __init__(self, turn: Turn, patience: float) -> None:
        self._turn, self._patience = turn, patience

    async def __aenter__(self) -> float:
        return await self._turn.take(self._patience)

    async def __aexit__(self, *_: object) -> None:
        self._turn.give()


class FileTurn(Turn):
    """Turns among all processes of this machine, by two lock files (flock(2)).

    A process must be able to take the lock `NAME-next` before it may take the lock itself. One that waited
    for `_STARVED` seconds keeps `NAME-next` until its turn has come: so busy processes, which want the lock
    again as soon as they have given it back, starve no other.

    Raises StoreReadOnly where no lock can be taken because nothing can be written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._lock, self._next = LockFile(path), LockFile(path.with_name(f"{path.name}-next"))

    def close(self) -> None:
        """Let go of the files. They are opened again where another turn is taken."""
        self._lock.close()
        self._next.close()

    async def _take(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        begun, next_is_ours = loop.time(), False
        try:
            while True:
                next_is_ours = next_is_ours or self._next.try_lock()
                if next_is_ours:
                    if self._lock.try_lock():
                        return
                    if loop.time() - begun < _STARVED:
                        self._next.unlock()
                        next_is_ours = False
                if loop.time() >= deadline:
                    raise busy()
                # Irregular, so that two processes do not keep missing each other's gaps.
                await asyncio.sleep(random.uniform(0.0005, 0.005))  # noqa: S311
        finally:
            if next_is_ours:
                self._next.unlock()

    def _give(self) -> None:
        self._lock.unlock()


class LockFile:
    """A file whose lock (flock(2)) this process may hold. It stays open in between.

    A lock belongs to an open file, which a forked process shares: if this one were killed, the other would
    go on holding it. So a child closes what it inherits.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        _all.add(self)

    def try_lock(self) -> bool:
        """Take the lock; False while another has it."""
        with translating_errors():
            while True:
                if self._file is None:
                    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                    self._file = os.open(self._path, flags, FILE)
                try:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if self._is_there():
                        return False
                except BaseException:
                    self.close()
                    raise
                else:
                    if self._is_there():
                        return True
                # Removed meanwhile: who comes next locks another file.
                self.close()

    def unlock(self) -> None:
        """Give it back."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file, and of the lock with it."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _is_there(self) -> bool:
        """Whether the file still has a name."""
        return self._file is not None and os.fstat(self._file).st_nlink > 0


_all: WeakSet[LockFile] = WeakSet()


def _close_all() -> None:
    for file in list(_all):
        file.close()


os.register_at_fork(after_in_child=_close_all)
