"""Keep the register of rights in memory, and read it again when the store says that it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from syndicate.errors import StoreFault
from syndicate.model.register import Register
from syndicate.store.protocol import Reached, Store

Clock = Callable[[], datetime]
"""Returns now, aware, in UTC."""

_RECHECK = timedelta(seconds=1)
"""How long a worker trusts an unchanged notice. It sees a commit whose notice was lost after this."""
_AHEAD = 0.6
"""Seconds between two looks at the store while what is in memory is used, so that it never gets too old for
everybody at once."""
_UNUSED = 2
"""Looks without a use in between, after which the store is left alone."""


class Current(NamedTuple):
    """The register in memory, its revision, and how long both may be used without asking the store.

    For `seconds` from now by the services' clock, while `RightsCache.generation` and `RightsCache.notice()`
    stay as they are.
    """

    register: Register
    revision: int
    generation: int
    seconds: float


class RightsCache:
    """One `Register` per worker, with the change number at which it was read.

    The cache makes a request cheap, not safe. What makes it safe is `Store.record`, which refuses a
    trail line that was judged before the last change of rights.
    """

    def __init__(self, store: Store, clock: Clock, *, looks_ahead: bool = False) -> None:
        """`looks_ahead` while it is used: only with the machine's clock, which timers go by."""
        self._store, self._clock = store, clock
        self._notice: int | None = None
        self._checked: datetime | None = None
        self._reached: Reached | None = None
        self._register: Register | None = None
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._unused = 0
        self._looks_ahead = looks_ahead
        self.generation = 0
        """Grows with every `expire`, and with every reading that finds something new."""
        self.notice = store.notice
        """Returns the store's notice. It stays the same while nothing changes."""

    async def read(self) -> tuple[Register, int]:
        """Return the register and its revision: the change number of everything judged with it."""
        if self._register is None or self._reached is None or self._stale():
            async with self._lock:
                if self._register is None or self._reached is None or self._stale():
                    return await self._refresh()
        return self._register, self._reached.change

    def current_revision(self) -> int | None:
        """Return the revision without asking the store; None where the store must be asked."""
        return None if self._reached is None or self._stale() else self._reached.change

    def current(self) -> Current | None:
        """Return what is in memory without asking the store; None where the store must be asked."""
        if self._register is None or self._reached is None or self._checked is None or self._stale():
            return None
        self._unused = 0
        if self._looks_ahead and self._timer is None and self._looking is None:
            self._timer = asyncio.get_running_loop().call_later(_AHEAD, self._look_ahead)
        seconds = (_RECHECK - abs(self._clock() - self._checked)).total_seconds()
        return Current(self._register, self._reached.change, self.generation, seconds)

    def expire(self) -> None:
        """Make the next read ask the store, whatever its notice says."""
        self._checked = None
        self.generation += 1

    async def close(self) -> None:
        """Look at the store no more."""
        self._looks_ahead = False
        if self._timer is not None:
            self._timer.cancel()
        if self._looking is not None:
            await asyncio.wait({self._looking})

    def _look_ahead(self) -> None:
        self._timer = None
        self._unused += 1
        self._looking = asyncio.get_running_loop().create_task(self._look())
        self._looking.add_done_callback(self._looked)

    async def _look(self) -> None:
        # The next request asks again, and is answered with what is wrong.
        with suppress(StoreFault):
            async with self._lock:
                await self._refresh()

    def _looked(self, _: asyncio.Task[None]) -> None:
        self._looking = None
        if self._looks_ahead and self._unused < _UNUSED:
            self._timer = asyncio.get_running_loop().call_later(_AHEAD, self._look_ahead)

    def _stale(self) -> bool:
        if self._checked is None or self.notice() != self._notice:
            return True
        return abs(self._clock() - self._checked) >= _RECHECK

    async def _refresh(self) -> tuple[Register, int]:
        # The notice is read before the store: a change in between is seen at the next request.
        notice, checked = self.notice(), self._clock()
        reached = await self._store.sequence()
        register = self._register
        if register is None or self._reached is None or reached.rights != self._reached.rights:
            register = await self._store.register()
        if self._checked is None or (notice, reached, register) != (
            self._notice,
            self._reached,
            self._register,
        ):
            self.generation += 1
        self._notice, self._checked, self._reached, self._register = notice, checked, reached, register
        return register, reached.change
