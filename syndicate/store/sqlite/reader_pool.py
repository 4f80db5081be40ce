"""The threads that read: a few, each with a connection of its own, begun when they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from syndicate.store.faults import PATIENCE, busy
from syndicate.store.sqlite.connection_thread import ConnectionThread
from syndicate.store.sqlite.sqlite_connection import SqliteConnection


class ReaderPool:
    """At most `size` readers at once; who comes later waits, first come, first served."""

    def __init__(self, connect: Callable[[], SqliteConnection], size: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(size)
        self._free: list[ConnectionThread] = []
        self._closed = False

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[ConnectionThread]:
        """One thread, for nobody else until the end of the block.

        Raises StoreBusy where none was free for five seconds.
        """
        if self._places.locked():
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._places.acquire()
            except TimeoutError:
                raise busy() from None
        else:
            await self._places.acquire()
        try:
            # The last one used is the one whose pages are in memory.
            thread = self._free.pop() if self._free else ConnectionThread("syndicate-reader", self._connect)
            try:
                yield thread
            finally:
                if self._closed:
                    await thread.close()
                elif not thread.ended:
                    self._free.append(thread)
        finally:
            self._places.release()

    async def close(self) -> None:
        """Close the connections that are free now, and each other one when it is given back."""
        self._closed = True
        while self._free:
            await self._free.pop().close()
