"""Listen for changes that other processes, on any machine, commit to PostgreSQL (LISTEN/NOTIFY)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from syndicate.errors import SyndicateError
from syndicate.store.faults import translating_errors
from syndicate.store.postgresql.postgresql_transaction import connected

CHANNEL: Final = "syndicate_change"
_PULSE: Final = 3.0
"""Seconds between two looks whether the server is still there: a dead line is silent too."""
_AGAIN: Final = 0.5
"""Seconds before the next try to reach the server."""


class ChangeListener:
    """One connection that does nothing but listen, and is replaced whenever it is lost."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None
        self._hearing = False
        self._count = 0

    def notice(self) -> int:
        """See `Store.notice`. While we cannot hear, anything may have changed: no answer is as the last."""
        if not self._hearing:
            self._count += 1
        return self._count

    def bump(self) -> None:
        """Something has changed."""
        self._count += 1

    def begin(self) -> None:
        """Start listening."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def end(self) -> None:
        """Stop listening. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        await self._engine.dispose()

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except SyndicateError:
                # Shown by `notice`, which from now on never answers the same twice, and by every other
                # method of the store, which meets the same server.
                await asyncio.sleep(_AGAIN)

    async def _hear(self) -> None:
        """Listen until the line is lost: always ends with a StoreFault, or by cancellation."""
        async with connected(self._engine) as connection:
            with translating_errors():
                line: Any = (await connection.get_raw_connection()).driver_connection
                lost = asyncio.Event()
                line.add_termination_listener(lambda _: lost.set())
                await line.add_listener(CHANNEL, lambda *_: self.bump())
                try:
                    self._hearing = True
                    self.bump()
                    while True:
                        with suppress(TimeoutError):
                            await asyncio.wait_for(lost.wait(), _PULSE)
                        await line.execute("SELECT 1", timeout=_PULSE)
                finally:
                    self._hearing = False
                    self.bump()
                    line.terminate()
