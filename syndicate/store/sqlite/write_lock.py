"""The write lock of SQLite: first come, first served in one process, and one process at a time.

SQLite up to 3.51.2 can damage its log when one connection writes while another brings the log into the
database (security.md, fact 2). Both are done under the same lock file, so they never meet.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from syndicate.store.faults import PATIENCE, busy, translating_errors
from syndicate.store.private_files import FILE


class Turn:
    """Turns within this process. Waiting never blocks the event loop."""

    def __init__(self) -> None:
        self._queue = asyncio.Lock()

    @asynccontextmanager
    async def taken(self, patience: float = PATIENCE) -> AsyncIterator[float]:
        """Take the turn; gives how many seconds of `patience` are left.

        Raises StoreBusy when it is used up.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        try:
            async with asyncio.timeout_at(deadline):
                await self._queue.acquire()
        except TimeoutError:
            raise busy() from None
        try:
            await self._take(deadline)
            try:
                yield max(0.0, deadline - loop.time())
            finally:
                self._give()
        finally:
            self._queue.release()

    async def _take(self, deadline: float) -> None:
        """Take it from other processes too."""

    def _give(self) -> None:
        """Give it back to them."""


class FileTurn(Turn):
    """Turns among all processes of this machine, by a lock file.

    Raises StoreReadOnly where no lock can be taken because nothing can be written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._lock = FileLock(path, mode=FILE, thread_local=False)

    async def _take(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        while not self._try():
            if loop.time() >= deadline:
                raise busy()
            # Irregular, so that two processes do not keep missing each other's gaps.
            await asyncio.sleep(random.uniform(0.0005, 0.005))  # noqa: S311

    def _try(self) -> bool:
        with translating_errors():
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                return False
        return True

    def _give(self) -> None:
        self._lock.release()
