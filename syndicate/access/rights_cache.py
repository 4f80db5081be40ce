"""Keep the register of rights in memory, and read it again when the store says that it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from syndicate.model.register import Register
from syndicate.store.protocol import Reached, Store

Clock = Callable[[], datetime]
"""Returns now, aware, in UTC."""

_RECHECK = timedelta(seconds=1)
"""How long a worker trusts an unchanged notice. It sees a commit whose notice was lost after this."""


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

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._notice: int | None = None
        self._checked: datetime | None = None
        self._reached: Reached | None = None
        self._register: Register | None = None
        self._lock = asyncio.Lock()
        self.generation = 0
        """Grows with every reading and every `expire`."""
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
        seconds = (_RECHECK - abs(self._clock() - self._checked)).total_seconds()
        return Current(self._register, self._reached.change, self.generation, seconds)

    def expire(self) -> None:
        """Make the next read ask the store, whatever its notice says."""
        self._checked = None
        self.generation += 1

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
        self._notice, self._checked, self._reached, self._register = notice, checked, reached, register
        self.generation += 1
        return register, reached.change
