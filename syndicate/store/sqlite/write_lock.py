"""The write lock of SQLite: first come, first served in one process, and one process at a time.

SQLite up to 3.51.2 can damage its log when one connection writes while another brings the log into the
database (security.md, fact 2). Both are done under the same lock file, so they never meet.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from weakref import WeakSet

from syndicate.store.faults import PATIENCE, busy, translating_errors
from syndicate.store.private_files import FILE


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

    A process that waits for the lock holds that of `NAME-next`, which everybody needs to take the lock. So
    one that wants it again as soon as it has given it back comes after one that waits: nobody starves.

    Raises StoreReadOnly where no lock can be taken because nothing can be written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._begin()

    def close(self) -> None:
        """Let go of the files. They are opened again where another turn is taken."""
        self._waiter.stop(self._lock, self._next)
        self._begin()

    def _begin(self) -> None:
        self._lock = lock = LockFile(self._path)
        self._next = following = LockFile(self._path.with_name(f"{self._path.name}-next"))

        def take() -> None:
            following.lock()
            try:
                lock.lock()
            finally:
                following.unlock()

        self._waiter = LockWaiter(take, lock.unlock)

    async def _take(self, deadline: float) -> None:
        if not self._waiter.waits and self._take_at_once():
            return
        if deadline <= asyncio.get_running_loop().time():
            raise busy()
        try:
            async with asyncio.timeout_at(deadline):
                await self._waiter.wait()
        except TimeoutError:
            raise busy() from None

    def _take_at_once(self) -> bool:
        if not self._next.try_lock():
            return False
        try:
            return self._lock.try_lock()
        finally:
            self._next.unlock()

    def _give(self) -> None:
        self._lock.unlock()


class LockWaiter:
    """A thread that waits for a lock: flock(2) knows no time limit, and must not hold up the event loop.

    Who gives up leaves it waiting, and the next one takes over its place.
    """

    def __init__(self, take: Callable[[], None], give: Callable[[], None]) -> None:
        self._take, self._give = take, give
        self._wanted: SimpleQueue[asyncio.AbstractEventLoop | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._left: tuple[LockFile, ...] = ()
        self._future: asyncio.Future[None] | None = None
        self._guard = threading.Lock()
        self.waits = False
        """Whether the thread is waiting for the lock; until then nobody else may use it."""

    async def wait(self) -> None:
        """Return when the lock is ours. Raises StoreFault. A cancellation leaves the lock to others."""
        loop = asyncio.get_running_loop()
        if self._thread is None:
            # A process that ends does not wait for it.
            thread = threading.Thread(target=self._run, name="syndicate-lock", daemon=True)
            thread.start()
            self._thread = thread
        future = loop.create_future()
        with self._guard:
            self._future = future
            begins, self.waits = not self.waits, True
        if begins:
            self._wanted.put(loop)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._give()  # it came at the same moment
            raise
        finally:
            with self._guard:
                self._future = None

    def stop(self, *files: LockFile) -> None:
        """End the thread, and close the files when it waits no more."""
        self._left = files
        self._wanted.put(None)
        if self._thread is None:
            self._close()

    def _run(self) -> None:
        while (loop := self._wanted.get()) is not None:
            error: Exception | None = None
            try:
                self._take()
            except Exception as fault:  # noqa: BLE001  (raised where somebody waits for the lock)
                error = fault
            with self._guard:
                if self._future is None:
                    # Nobody waits any more, and the event loop may be held up for long: not through it.
                    if error is None:
                        self._give()
                    self.waits = False  # only now: from here on the event loop may take it at once
                    continue
            try:
                loop.call_soon_threadsafe(self._came, error)
            except RuntimeError:  # the loop was closed: nobody waits any more
                if error is None:
                    self._give()
        self._close()

    def _came(self, error: Exception | None) -> None:
        """In the event loop: hand the lock to who waits. Where nobody does any more it is given back."""
        self.waits = False
        future = self._future
        if future is None or future.done():
            if error is None:
                self._give()
        elif error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def _close(self) -> None:
        for file in self._left:
            file.close()


class LockFile:
    """A file whose lock (flock(2)) this process may hold. It stays open in between.

    A lock belongs to an open file, which a forked process shares: if this one were killed, the other would
    go on holding it. So a child closes what it inherits.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        _all.add(self)

    def lock(self) -> None:
        """Wait until the lock is ours, however long."""
        self._locked(fcntl.LOCK_EX)

    def try_lock(self) -> bool:
        """Take the lock; False while another has it."""
        return self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(self) -> None:
        """Give it back."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file, and of the lock with it."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _locked(self, how: int) -> bool:
        with translating_errors():
            while True:
                if self._file is None:
                    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                    self._file = os.open(self._path, flags, FILE)
                taken = True
                try:
                    fcntl.flock(self._file, how)
                except BlockingIOError:
                    taken = False
                except BaseException:
                    self.close()
                    raise
                if os.fstat(self._file).st_nlink > 0:
                    return taken
                # Removed meanwhile: who comes next locks another file.
                self.close()


_all: WeakSet[LockFile] = WeakSet()


def _close_all() -> None:
    for file in list(_all):
        file.close()


os.register_at_fork(after_in_child=_close_all)
